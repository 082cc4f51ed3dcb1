"""
Tool calls and their results brought together, as every target wants them: the results of a turn's calls right behind it, in their order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from excise.wire.json_text import json_text
from excise.wire.loss import Losses
from excise.wire.neutral import Audio, Document, Image, Part, Text, ToolCall, ToolResult, Turn, Video
from excise.wire.tool_ids import fit, made

if TYPE_CHECKING:
    from excise.wire.repair import Shape

_MEDIA = (Image, Document, Audio, Video)
_TOOLS = (ToolCall, ToolResult)

_NOT_RUN = "The tool was not run."
_ATTACHED = "The output is attached in the next message."

ORPHANS = "a tool call without its result, or a result without its call, was completed or said in text"


def has_tools(turn: Turn) -> bool:
    for part in turn.parts:  # noqa: SIM110 - asked of every turn several times: twice as fast as any()
        if isinstance(part, _TOOLS):
            return True
    return False


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


def paired(turns: list[Turn], shape: Shape, losses: Losses) -> list[Turn]:
    """
    The turns, with the results of each behind it.
    """
    if not any(has_tools(turn) for turn in turns):
        return turns
    turns = _joined_calls(turns, losses)
    slots: dict[str, _Calls] = {}  # by id: an id may come again in later turns
    of_turn: dict[int, list[_Slot]] = {}
    rest: list[Turn] = []
    last_assistant = -1
    for place, turn in enumerate(turns):
        if turn.role == "assistant":
            last_assistant = place
        if not has_tools(turn):
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
            joined.append(one_turn(run, losses))
        run, calling = [turn], calls
    if run:
        joined.append(one_turn(run, losses))
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
        losses.changed("tools.orphans", ORPHANS)
        return result_as_parts(replace(result, name=calls.name) if calls is not None and result.name is None else result)
    if slot.turn < last_assistant:
        losses.changed("tools.orphans", ORPHANS)
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
                losses.changed("tools.orphans", ORPHANS)
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


def result_as_parts(result: ToolResult) -> list[Part]:
    """
    A result in the user's words, for a target that cannot take it as one.
    """
    said = "\n".join(part.text for part in result.parts if isinstance(part, Text))
    if result.value is not None:
        said = f"{said}\n{json_text(result.value)}" if said else json_text(result.value)
    head = f"{'Error' if result.is_error else 'Output'} of the tool{f' {result.name}' if result.name else ''}:"
    parts: list[Part] = [Text(text=f"{head}\n{said}"), *(part for part in result.parts if not isinstance(part, Text))]
    parts[-1] = replace(parts[-1], cache=result.cache) if result.cache else parts[-1]
    return parts


def one_turn(run: Iterable[Turn], losses: Losses) -> Turn:
    first, *more = run
    if not more:
        return first
    names = {turn.name for turn in (first, *more)}
    if len(names) > 1:
        losses.dropped("turns.name", "turns of one role become one at the target, under no name")
    parts = tuple(part for turn in (first, *more) for part in turn.parts)
    return Turn(first.role, parts, first.name if len(names) == 1 else None)
