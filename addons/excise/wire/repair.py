"""
Conversations put into the shape a target demands.

Every provider has rules for the order of a conversation which the others do not have: roles that alternate, results right behind their
calls, no empty text, system text in one place. A history that breaks one of them is answered with 400, and that 400 hides the error which
sent the call to another provider. So a history that crosses dialects is arranged first, and written afterwards.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import orjson

from excise.wire.loss import Losses
from excise.wire.neutral import Audio, Document, Image, Opaque, Part, Reasoning, Request, Text, ToolCall, ToolResult, Turn, Video
from excise.wire.tool_ids import ANY, IdRule, fit, made

type Keeps = Callable[[Reasoning], bool]

_MEDIA = (Image, Document, Audio, Video)
_TOOLS = (ToolCall, ToolResult)

_NOT_RUN = "The tool was not run."
_ATTACHED = "The output is attached in the next message."
_OPENING = "(The conversation begins with the assistant.)"

_ORPHANS = "a tool call without its result, or a result without its call, was completed or said in text"
_FOREIGN = "thoughts of another provider's model mean nothing to the target"
_LATE_SYSTEM = "the target takes system text at the head only; later system text was moved there"


@dataclass(frozen=True, slots=True)
class Shape:
    """
    What a dialect demands of a conversation. The defaults demand nothing but that calls and results are paired.

    Attributes:
        system: Where system text may stand. "anywhere": as it is. "first": one system turn at the head. "top": outside the turns.
        merge: Consecutive turns of one role become one.
        starts_with_user: The first turn, system turns aside, is the user's.
        ids: Of tool calls.
        results_first: Tool results stand before everything else in their turn.
        empty_text: Blank text is allowed.
        tools_need_declaration: Calls and results need `tools` in the request; without, they are said in text.
        result_media: Pictures, documents and the like inside tool results. "inline": allowed. "hoist": moved into a user turn right
            behind the results. "drop": not possible.
        call_needs_result: Every call has a result and every result a call. Else either may stand alone.
    """

    system: Literal["anywhere", "first", "top"] = "anywhere"
    merge: bool = False
    starts_with_user: bool = False
    ids: IdRule = ANY
    results_first: bool = False
    empty_text: bool = True
    tools_need_declaration: bool = False
    result_media: Literal["inline", "hoist", "drop"] = "inline"
    call_needs_result: bool = True


@dataclass(frozen=True, slots=True)
class Arranged:
    """
    A conversation in a target's shape.

    Attributes:
        system: With shape "top", the system text; else empty.
        turns: The rest. Turns that had to change have no `raw`.
        tools_as_text: Calls and results were said in text, as the request declares no tools.
    """

    system: tuple[Part, ...]
    turns: tuple[Turn, ...]
    tools_as_text: bool = False


def arrange(request: Request, shape: Shape, losses: Losses, *, keeps: Keeps) -> Arranged:
    """
    The conversation of `request` in `shape`; what that costs is added to `losses`.

    The results of a turn's calls stand in one user turn right behind it, in the order of the calls, named as their calls, ids as
    `shape.ids` wants them. Adjacent assistant turns with a call among them become one, since their results come together. Text of system
    turns and tool results is never lost.

    Args:
        request: Of another dialect than the target's; its own needs no repair.
        shape: Of the target.
        losses: Added to.
        keeps: Whether a thought of the history may go back to the target. What may not is dropped, never said as text.
    """
    as_text = shape.tools_need_declaration and not request.tools and any(_has_tools(turn) for turn in request.turns)
    if as_text:
        losses.changed("tools.orphans", "tool calls of the history are said in text, as the request declares no tools")
    turns = [cleaned for turn in request.turns if (cleaned := _cleaned(turn, shape, losses, keeps, as_text)) is not None]
    system, turns = _placed_system(turns, shape, losses)
    turns = _paired(turns, shape, losses)
    head = 1 if turns and turns[0].role == "system" else 0
    first = next((turn for turn in turns if turn.role != "system"), None)
    if shape.starts_with_user and (first.role == "assistant" if first is not None else bool(system or turns)):
        losses.changed("turns.first", "the target's conversations begin with the user; a turn of the user was put before the first")
        turns.insert(head, Turn("user", (Text(text=_OPENING),)))
    if shape.merge:
        turns = _merged(turns, losses)
    if shape.results_first:
        turns = [_results_first(turn) for turn in turns]
    return Arranged(system, tuple(turns), as_text)


# -- one turn --------------------------------------------------------------------------------------------------------------------------


def _has_tools(turn: Turn) -> bool:
    for part in turn.parts:  # noqa: SIM110 - asked of every turn several times: twice as fast as any()
        if isinstance(part, _TOOLS):
            return True
    return False


def _cleaned(turn: Turn, shape: Shape, losses: Losses, keeps: Keeps, as_text: bool) -> Turn | None:
    """
    The turn without the parts that cannot cross; itself where all can, `None` where nothing is left.
    """
    for part in turn.parts:
        if not _crosses(part, turn.role, shape, as_text):
            break
    else:
        if turn.parts:
            return turn
    kept: list[Part] = []
    bound: list[Reasoning] = []  # thoughts that belong to the part which follows
    for part in turn.parts:
        if isinstance(part, Reasoning) and part.attached:
            if keeps(part):
                bound.append(part)
            else:
                losses.dropped("reasoning.history", _FOREIGN)
            continue
        becomes = _crossing(part, turn.role, shape, losses, keeps, as_text, bool(bound))
        if len(becomes) == 1 and type(becomes[0]) is type(part):
            kept += bound
        elif bound:
            losses.dropped("reasoning.history", _FOREIGN)
        bound = []
        kept += becomes
        if not becomes:
            _keep_mark(kept, part)
    kept += [replace(thought, attached=False) for thought in bound]  # there is nothing it could belong to
    if len(kept) == len(turn.parts) and all(new is old for new, old in zip(kept, turn.parts, strict=True)):
        return turn if kept or shape.empty_text else None
    return Turn(turn.role, tuple(kept), turn.name) if kept else None


def _crosses(part: Part, role: str, shape: Shape, as_text: bool) -> bool:
    """
    Whether a part is of the common kinds that cross as they are.
    """
    if type(part) is Text:
        return bool(part.text or shape.empty_text) and not part.text.isspace()
    if type(part) is ToolCall:
        return role == "assistant" and not as_text
    if type(part) is ToolResult:
        return not as_text and _without_blanks(part, shape) is part
    return isinstance(part, _MEDIA)


def _crossing(part: Part, role: str, shape: Shape, losses: Losses, keeps: Keeps, as_text: bool, bound: bool) -> Sequence[Part]:
    """
    What becomes of a part. `bound`: a thought belongs to it, so it stays even if it says nothing.
    """
    match part:
        case Text(text=text):
            return (part,) if shape.empty_text or bound or text.strip() else ()
        case Reasoning():
            if keeps(part):
                return (part,)
            losses.dropped("reasoning.history", _FOREIGN)
            return ()
        case Opaque(kind=kind, vital=vital):
            if vital:
                losses.impossible(kind, "only the provider it was made for understands it")
            else:
                losses.dropped(kind, "only the provider it was made for understands it")
            return ()
        case ToolCall():
            if as_text:
                return (_call_as_text(part),)
            if role != "assistant":
                losses.changed("tools.orphans", _ORPHANS)
                return (_call_as_text(part),)
        case ToolResult():
            result = _without_blanks(part, shape)
            return _result_as_parts(result) if as_text else (result,)
    return (part,)


def _keep_mark(kept: list[Part], gone: Part) -> None:
    """
    A cache mark says "all up to here": that of a part that goes is its predecessor's.
    """
    if gone.cache is not None and kept and kept[-1].cache is None:
        kept[-1] = replace(kept[-1], cache=gone.cache)


def _without_blanks(result: ToolResult, shape: Shape) -> ToolResult:
    if shape.empty_text or not any(isinstance(part, Text) and not part.text.strip() for part in result.parts):
        return result
    return replace(result, parts=tuple(part for part in result.parts if not isinstance(part, Text) or part.text.strip()))


def _call_as_text(call: ToolCall) -> Text:
    arguments = call.text if call.text is not None else _json(call.arguments)
    return Text(text=f"Called the tool {call.name} with {arguments or '{}'}", cache=call.cache)


def _result_as_parts(result: ToolResult) -> list[Part]:
    """
    A result in the user's words, for a target that cannot take it as one.
    """
    said = "\n".join(part.text for part in result.parts if isinstance(part, Text))
    if result.value is not None:
        said = f"{said}\n{_json(result.value)}" if said else _json(result.value)
    head = f"{'Error' if result.is_error else 'Output'} of the tool{f' {result.name}' if result.name else ''}:"
    parts: list[Part] = [Text(text=f"{head}\n{said}"), *(part for part in result.parts if not isinstance(part, Text))]
    parts[-1] = replace(parts[-1], cache=result.cache) if result.cache else parts[-1]
    return parts


def _json(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return "{}"


# -- system text -----------------------------------------------------------------------------------------------------------------------


def _placed_system(turns: list[Turn], shape: Shape, losses: Losses) -> tuple[tuple[Part, ...], list[Turn]]:
    if shape.system == "anywhere" or not any(turn.role == "system" for turn in turns):
        return (), turns
    system: list[Part] = []
    rest: list[Turn] = []
    for turn in turns:
        if turn.role != "system":
            rest.append(turn)
            continue
        if rest:
            losses.changed("system.position", _LATE_SYSTEM)
        if turn.name is not None:
            losses.dropped("turns.name", "the target's system text has no name")
        text = [part for part in turn.parts if isinstance(part, Text)]
        system += text
        if len(text) < len(turn.parts):
            losses.changed("system.parts", "the target's system text is text only; the rest was given to the user")
            rest.append(Turn("user", tuple(part for part in turn.parts if not isinstance(part, Text))))
    if shape.system == "top":
        return tuple(system), rest
    return (), [Turn("system", tuple(system)), *rest] if system else rest


# -- calls and results -----------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Slot:
    """
    A call and the place of its result.
    """

    turn: int
    call: ToolCall
    result: ToolResult | None = None


@dataclass(slots=True)
class _Calls:
    """
    The calls of one id. `waiting`: those without a result, a queue for each turn.
    """

    count: int = 0
    name: str = ""  # of the latest
    waiting: list[deque[_Slot]] = field(default_factory=list)

    def add(self, slot: _Slot) -> None:
        self.count += 1
        self.name = slot.call.name
        if self.waiting and self.waiting[-1][0].turn == slot.turn:
            self.waiting[-1].append(slot)
        else:
            self.waiting.append(deque((slot,)))

    def next(self) -> _Slot | None:
        """
        The first call of the latest turn that has one without a result; it waits no more.
        """
        if not self.waiting:
            return None
        slot = self.waiting[-1].popleft()
        if not self.waiting[-1]:
            self.waiting.pop()
        return slot


def _paired(turns: list[Turn], shape: Shape, losses: Losses) -> list[Turn]:
    """
    The turns, with the results of each behind it.
    """
    if not any(_has_tools(turn) for turn in turns):
        return turns
    turns = _joined_calls(turns, losses)
    slots: dict[str, _Calls] = {}  # by id: an id may come again in later turns
    of_turn: dict[int, list[_Slot]] = {}
    rest: list[Turn] = []
    last_assistant = -1
    for place, turn in enumerate(turns):
        if turn.role == "assistant":
            last_assistant = place
        if not _has_tools(turn):
            rest.append(turn)
            continue
        kept: list[Part] = []
        for part in turn.parts:
            if isinstance(part, ToolCall):
                id_ = fit(part.id, shape.ids)
                same = slots.get(id_)
                if same is None:
                    same = slots[id_] = _Calls()
                else:
                    id_ = fit(made(id_, same.count), shape.ids)
                slot = _Slot(place, part if part.id == id_ else replace(part, id=id_))
                same.add(slot)
                of_turn.setdefault(place, []).append(slot)
                kept.append(slot.call)
            elif isinstance(part, ToolResult):
                kept += _given(part, slots, last_assistant, shape, losses)
            else:
                kept.append(part)
        rest.append(Turn(turn.role, tuple(kept), turn.name))
    return list(_with_results(rest, of_turn, shape, losses))


def _joined_calls(turns: list[Turn], losses: Losses) -> list[Turn]:
    """
    Adjacent assistant turns as one, where one of them calls a tool: dialects that give each call its own item mean one turn.
    """
    joined: list[Turn] = []
    run: list[Turn] = []
    calling = False  # the run has a call
    for turn in turns:
        calls = turn.role == "assistant" and any(isinstance(part, ToolCall) for part in turn.parts)
        if run and run[0].role == turn.role == "assistant" and (calling or calls):
            run.append(turn)
            calling = True
            continue
        if run:
            joined.append(_one_turn(run, losses))
        run, calling = [turn], calls
    if run:
        joined.append(_one_turn(run, losses))
    return joined


def _given(result: ToolResult, slots: dict[str, _Calls], last_assistant: int, shape: Shape, losses: Losses) -> list[Part]:
    """
    Give a result to its call: the latest one of its id that has none yet. What stays in its place is returned.
    """
    id_ = fit(result.call_id, shape.ids)
    calls = slots.get(id_)
    slot = calls.next() if calls is not None else None
    if calls is None or slot is None:
        if not shape.call_needs_result:
            return [replace(result, call_id=id_)]
        losses.changed("tools.orphans", _ORPHANS)
        return _result_as_parts(replace(result, name=calls.name) if calls is not None and result.name is None else result)
    if slot.turn < last_assistant:
        losses.changed("tools.orphans", _ORPHANS)
    slot.result = ToolResult(
        raw=result.raw,
        cache=result.cache,
        call_id=slot.call.id,
        parts=result.parts,
        value=result.value,
        name=slot.call.name,
        is_error=result.is_error,
    )
    return []


def _with_results(turns: list[Turn], of_turn: dict[int, list[_Slot]], shape: Shape, losses: Losses) -> Iterable[Turn]:
    for place, turn in enumerate(turns):
        if turn.parts:
            yield turn
        results: list[Part] = []
        hoisted: list[Part] = []
        for slot in of_turn.get(place, ()):
            if slot.result is None and not shape.call_needs_result:
                continue
            if slot.result is None:
                losses.changed("tools.orphans", _ORPHANS)
                slot.result = ToolResult(call_id=slot.call.id, name=slot.call.name, parts=(Text(text=_NOT_RUN),), is_error=True)
            results.append(_media_apart(slot.result, hoisted, shape, losses))
        if results:
            yield Turn("user", tuple(results))
        if hoisted:
            yield Turn("user", tuple(hoisted))


def _media_apart(result: ToolResult, hoisted: list[Part], shape: Shape, losses: Losses) -> ToolResult:
    if shape.result_media == "inline" or not any(isinstance(part, _MEDIA) for part in result.parts):
        return result
    media = [part for part in result.parts if isinstance(part, _MEDIA)]
    rest = tuple(part for part in result.parts if not isinstance(part, _MEDIA))
    if shape.result_media == "drop":
        losses.impossible("tool_result.media", "the target's tool results are text only")
        return replace(result, parts=rest)
    losses.changed("tool_result.media", "the target's tool results are text only; what is none follows in a turn of the user")
    hoisted.append(Text(text=f"Attached output of the tool {result.name}:"))
    hoisted += media
    return replace(result, parts=rest if rest or result.value is not None else (Text(text=_ATTACHED),))


# -- turns together --------------------------------------------------------------------------------------------------------------------


def _merged(turns: list[Turn], losses: Losses) -> list[Turn]:
    merged: list[Turn] = []
    run: list[Turn] = []
    for turn in turns:
        if run and run[-1].role != turn.role:
            merged.append(_one_turn(run, losses))
            run = []
        run.append(turn)
    if run:
        merged.append(_one_turn(run, losses))
    return merged


def _one_turn(run: Iterable[Turn], losses: Losses) -> Turn:
    first, *more = run
    if not more:
        return first
    names = {turn.name for turn in (first, *more)}
    if len(names) > 1:
        losses.dropped("turns.name", "turns of one role become one at the target, under no name")
    parts = tuple(part for turn in (first, *more) for part in turn.parts)
    return Turn(first.role, parts, first.name if len(names) == 1 else None)


def _results_first(turn: Turn) -> Turn:
    """
    Stable: results among themselves, and the rest among itself, stay in order.
    """
    seen_other = False
    for part in turn.parts:
        if isinstance(part, ToolResult):
            if seen_other:
                results = tuple(part for part in turn.parts if isinstance(part, ToolResult))
                return Turn(turn.role, results + tuple(part for part in turn.parts if not isinstance(part, ToolResult)), turn.name)
        else:
            seen_other = True
    return turn
