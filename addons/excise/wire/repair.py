"""
Conversations put into the shape a target demands.

Every provider has rules for the order of a conversation which the others do not have: roles that alternate, results right behind their
calls, no empty text, system text in one place. A history that breaks one of them is answered with 400, and that 400 hides the error which
sent the call to another provider. So a history that crosses dialects is arranged first, and written afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from excise.wire.json_text import json_text
from excise.wire.loss import Losses
from excise.wire.neutral import Audio, Document, Image, Opaque, Part, Reasoning, Request, Text, ToolCall, ToolResult, Turn, Video
from excise.wire.pairing import ORPHANS, has_tools, one_turn, paired, result_as_parts
from excise.wire.tool_ids import ANY, IdRule

type Keeps = Callable[[Reasoning], bool]

_MEDIA = (Image, Document, Audio, Video)
_TOOLS = (ToolCall, ToolResult)

_OPENING = "(The conversation begins with the assistant.)"

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
    as_text = shape.tools_need_declaration and not request.tools and any(has_tools(turn) for turn in request.turns)
    if as_text:
        losses.changed("tools.orphans", "tool calls of the history are said in text, as the request declares no tools")
    turns = [cleaned for turn in request.turns if (cleaned := _cleaned(turn, shape, losses, keeps, as_text)) is not None]
    system, turns = _placed_system(turns, shape, losses)
    turns = paired(turns, shape, losses)
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
                losses.changed("tools.orphans", ORPHANS)
                return (_call_as_text(part),)
        case ToolResult():
            result = _without_blanks(part, shape)
            return result_as_parts(result) if as_text else (result,)
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
    arguments = call.text if call.text is not None else json_text(call.arguments)
    return Text(text=f"Called the tool {call.name} with {arguments or '{}'}", cache=call.cache)


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


# -- turns together --------------------------------------------------------------------------------------------------------------------


def _merged(turns: list[Turn], losses: Losses) -> list[Turn]:
    merged: list[Turn] = []
    run: list[Turn] = []
    for turn in turns:
        if run and run[-1].role != turn.role:
            merged.append(one_turn(run, losses))
            run = []
        run.append(turn)
    if run:
        merged.append(one_turn(run, losses))
    return merged


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
