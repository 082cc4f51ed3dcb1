"""
Answers in pieces and whole: pieces put together, whole ones taken apart, interleaved ones put in order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartEnded, PartStarted, Started
from excise.wire.json_text import json_text
from excise.wire.neutral import Answer, Candidate, Finish, Json, Part, Reasoning, Refusal, Text, ToolCall
from excise.wire.usage import Usage


def read_arguments(text: str) -> tuple[Mapping[str, Json] | None, str | None]:
    """
    Arguments of a call that came as text, as `ToolCall.arguments` and `ToolCall.text` hold them.

    Blank text is `{}`. Text that is a JSON object keeps its own writing. An object that was written to text twice is read twice. Whatever
    else it is, there are no arguments, and the text is kept.
    """
    if not text or text.isspace():
        return {}, None
    try:
        value = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return None, text
    if type(value) is dict:
        return value, text
    if type(value) is str:
        try:
            inner = orjson.loads(value)
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            return None, text
        if type(inner) is dict:
            return inner, None
    return None, text


def arguments_text(call: ToolCall) -> str:
    """
    The arguments as JSON text: the source's own, where it gave text.
    """
    return call.text if call.text is not None else json_text(call.arguments or {})


# -- whole from pieces -----------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Open:
    part: Part
    pieces: list[str] = field(default_factory=list)
    signature: str | None = None

    def closed(self) -> Part:
        """
        The part with all that came of it. The JSON it began with is not that of the whole, so it keeps none.
        """
        part, text = self.part, "".join(self.pieces)
        if part.raw is not None and (text or self.signature is not None):
            part = replace(part, raw=None)
        if isinstance(part, ToolCall):
            if not text:
                return part
            arguments, written = read_arguments(text)
            return replace(part, arguments=arguments, text=written)
        if isinstance(part, Reasoning):
            if text or self.signature is not None:
                return replace(part, text=part.text + text, signature=self.signature if self.signature is not None else part.signature)
            return part
        if isinstance(part, Text | Refusal) and text:
            return replace(part, text=part.text + text)
        return part


@dataclass(slots=True)
class _Building:
    parts: list[Part] = field(default_factory=list)
    open: _Open | None = None
    finished: Finished | None = None

    def close(self) -> None:
        if self.open is not None:
            self.parts.append(self.open.closed())
            self.open = None


class Assembler:
    """
    Put the pieces of an answer together.

    Attributes:
        fault: What `Failed` said; `None` where the stream did not fail.
        ended: `Ended` was seen.
    """

    __slots__ = ("_building", "_ended", "_started", "fault")

    def __init__(self) -> None:
        self._building: dict[int, _Building] = {}
        self._started = Started()
        self._ended: Ended | None = None
        self.fault: Any = None

    @property
    def ended(self) -> bool:
        return self._ended is not None

    def feed(self, event: Event) -> None:
        """
        Take the next piece. A delta outside of a part is text.
        """
        match event:
            case Delta(candidate=index):
                building = self._of(index)
                if building.open is None:
                    building.open = _Open(Text(text=""))
                if event.text:
                    building.open.pieces.append(event.text)
                if event.signature is not None:
                    building.open.signature = event.signature
            case PartStarted(candidate=index):
                building = self._of(index)
                building.close()
                building.open = _Open(event.part)
            case PartEnded(candidate=index):
                self._of(index).close()
            case Finished(candidate=index):
                building = self._of(index)
                building.close()
                building.finished = event
            case Started():
                self._started = event
            case Ended():
                self._ended = event
            case Failed():
                self.fault = event.fault

    def answer(self, dialect: str) -> Answer:
        """
        The answer as far as it was fed. A candidate that did not finish is BROKEN.
        """
        candidates = []
        for _, building in sorted(self._building.items()):
            building.close()
            end = building.finished
            if end is None:
                candidates.append(Candidate(tuple(building.parts), Finish.BROKEN))
            else:
                candidates.append(Candidate(tuple(building.parts), end.finish, end.native, end.stop_sequence))
        ended = self._ended or Ended()
        return Answer(
            dialect=dialect,
            candidates=tuple(candidates),
            id=self._started.id,
            model=self._started.model,
            created=self._started.created,
            usage=ended.usage or self._started.usage or Usage(),
            service_tier=ended.service_tier,
        )

    def _of(self, index: int) -> _Building:
        building = self._building.get(index)
        if building is None:
            building = self._building[index] = _Building()
        return building


# -- pieces from whole -----------------------------------------------------------------------------------------------------------------


def replay(answer: Answer) -> list[Event]:
    """
    A whole answer as the stream it might have been, each part in one piece.
    """
    usage = answer.usage if answer.usage.said else None
    events: list[Event] = [Started(answer.id, answer.model, answer.created, usage)]
    for index, candidate in enumerate(answer.candidates):
        for part in candidate.parts:
            events += _pieces(part, index)
        events.append(Finished(candidate.finish, candidate.native_finish, candidate.stop_sequence, index))
    events.append(Ended(usage, answer.service_tier))
    return events


def _pieces(part: Part, index: int) -> list[Event]:
    start, text, signature = part, "", None
    if isinstance(part, ToolCall):
        text = arguments_text(part)
        start = replace(part, arguments={}, text=None)
    elif isinstance(part, Text | Refusal):
        text, start = part.text, replace(part, text="")
    elif isinstance(part, Reasoning) and not part.redacted and not part.attached:
        text, signature = part.text, part.signature
        start = replace(part, text="", signature=None)
    events: list[Event] = [PartStarted(start, index)]
    if text:
        events.append(Delta(text, index))
    if signature is not None:
        events.append(Delta("", index, signature))
    events.append(PartEnded(index))
    return events


# -- order from interleaving -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Line:
    """
    One part on its way: what of it waits, and what arguments it has said so far.
    """

    key: Hashable
    part: Part
    candidate: int
    waiting: list[Event] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    ended: bool = False


class Sequencer:
    """
    Parts that come interleaved, as parts that follow each other.

    Of each candidate, the part that began first goes out as it comes; what comes of the others waits until it is its turn. A tool call
    whose arguments are a whole JSON object when the next part begins is over, whether or not its source says so; what still comes of it
    is not given out.
    """

    __slots__ = ("_lines", "_queues")

    def __init__(self) -> None:
        self._lines: dict[Hashable, _Line] = {}
        self._queues: dict[int, deque[_Line]] = {}

    def __contains__(self, key: Hashable) -> bool:
        """
        Whether a part of this key has begun and not ended.
        """
        return key in self._lines

    def start(self, key: Hashable, part: Part, candidate: int = 0) -> list[Event]:
        """
        A part begins. A key may be used again after its end; while it is open, its beginning again means nothing.
        """
        if key in self._lines:
            return []
        queue = self._queues.setdefault(candidate, deque())
        events = self._end_complete(queue) if queue else []
        line = _Line(key, part, candidate)
        self._lines[key] = line
        queue.append(line)
        if len(queue) == 1:
            events.append(PartStarted(part, candidate))
        else:
            line.waiting.append(PartStarted(part, candidate))
        return events

    def delta(self, key: Hashable, text: str = "", signature: str | None = None) -> list[Event]:
        """
        More of a part; nothing where it is not open.
        """
        line = self._lines.get(key)
        if line is None or not (text or signature is not None):
            return []
        if type(line.part) is ToolCall:
            line.said.append(text)
        event = Delta(text, line.candidate, signature)
        if self._queues[line.candidate][0] is line:
            return [event]
        line.waiting.append(event)
        return []

    def end(self, key: Hashable) -> list[Event]:
        """
        A part is over; nothing where it is not open.
        """
        line = self._lines.pop(key, None)
        if line is None:
            return []
        line.ended = True
        queue = self._queues[line.candidate]
        return self._advance(queue) if queue[0] is line else []

    def end_all(self, candidate: int | None = None) -> list[Event]:
        """
        Every part, or every part of one candidate, is over; all that waited goes out.
        """
        events: list[Event] = []
        for index, queue in self._queues.items():
            if candidate is None or index == candidate:
                for line in queue:
                    line.ended = True
                    self._lines.pop(line.key, None)
                events += self._advance(queue)
        return events

    def _advance(self, queue: deque[_Line]) -> list[Event]:
        """
        End the parts at the head that are over, and let go what waited behind them.
        """
        events: list[Event] = []
        while queue:
            line = queue[0]
            events += line.waiting
            line.waiting.clear()
            if not line.ended:
                break
            events.append(PartEnded(line.candidate))
            queue.popleft()
        return events

    def _end_complete(self, queue: deque[_Line]) -> list[Event]:
        last = queue[-1]
        if last.ended or type(last.part) is not ToolCall:
            return []
        text = "".join(last.said)
        last.said = [text]
        if not text or read_arguments(text)[0] is None or text.isspace():
            return []
        return self.end(last.key)
