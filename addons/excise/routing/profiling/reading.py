"""
One walk over a request: parts are counted, few of them are read, and of those bounded samples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from excise.routing.profiling.wrapping import is_coding_harness, unwrapped
from excise.wire.neutral import Part, Request, Text, ToolCall, ToolResult, Turn

HEAD, TAIL = 2400, 1600  # characters read of a text
_SYSTEM_HEAD, _SYSTEM_TAIL = 1600, 400
_TEXTS = 6  # of a turn: the first and the last ones
_TURNS_BACK = 40  # how far behind the end a user's words are looked for


@dataclass(slots=True)
class Reading:
    """
    What was seen of a request. Lives for one `profile_of`; texts are samples.

    Attributes:
        system: Leading system text.
        harness: That is the text of a coding agent.
        asks: The user's words, latest first: of the last turn that has any, the one before, the first of all.
        ask_characters: Length of the latest turn's texts, wrapping included.
        characters: Length of all texts.
        kinds: Types of all parts.
        answered: The last turn is the assistant's.
    """

    system: str = field(default="", repr=False)
    harness: bool = False
    asks: tuple[str, ...] = field(default=(), repr=False)
    ask_characters: int = 0
    characters: int = 0
    turns: int = 0
    tool_calls: int = 0
    tool_results: int = 0
    kinds: frozenset[type[Part]] = frozenset()
    answered: bool = False


def read(request: Request) -> Reading:
    """
    Everything later steps look at.
    """
    turns = [turn for turn in request.turns if turn.role != "system"]
    reading = Reading(turns=len(turns))
    kinds: set[type[Part]] = set()
    _count(request, reading, kinds)
    reading.kinds = frozenset(kinds)
    reading.answered = bool(turns) and turns[-1].role == "assistant"
    system = " ".join(
        _sampled(part.text, _SYSTEM_HEAD, _SYSTEM_TAIL)
        for turn in request.turns[:4]
        if turn.role == "system"
        for part in turn.parts[:4]
        if isinstance(part, Text)
    )
    reading.harness = is_coding_harness(system)
    reading.system = system if reading.harness or "<" not in system else unwrapped(system)
    reading.asks = _asks(turns, reading)
    return reading


def _count(request: Request, reading: Reading, kinds: set[type[Part]]) -> None:
    for turn in request.turns:
        for part in turn.parts:
            kinds.add(type(part))
            if isinstance(part, Text):
                reading.characters += len(part.text)
            elif isinstance(part, ToolCall):
                reading.tool_calls += 1
            elif isinstance(part, ToolResult):
                reading.tool_results += 1
                for inner in part.parts:
                    kinds.add(type(inner))
                    if isinstance(inner, Text):
                        reading.characters += len(inner.text)


def _asks(turns: list[Turn], reading: Reading) -> tuple[str, ...]:
    asks: list[str] = []
    oldest: Turn | None = None
    for turn in reversed(turns[-_TURNS_BACK:]):
        if turn.role == "user" and (words := _words(turn)):
            if not asks:
                reading.ask_characters = sum(len(part.text) for part in turn.parts if isinstance(part, Text))
            asks.append(words)
            oldest = turn
            if len(asks) == _LATEST:
                break
    first = next((turn for turn in turns[:4] if turn.role == "user"), None)
    if first is not None and first is not oldest and len(turns) > 1 and (words := _words(first)) and words not in asks:
        asks.append(words)
    return tuple(asks)


_LATEST: Final = 2


def _words(turn: Turn) -> str:
    texts = [part.text for part in turn.parts if isinstance(part, Text)]
    if len(texts) > _TEXTS:
        texts = texts[: _TEXTS // 2] + texts[-_TEXTS // 2 :]
    words = [unwrapped(_sampled(text, HEAD, TAIL)) for text in texts]
    return _sampled("\n".join(word for word in words if word), HEAD, TAIL).strip()


def _sampled(text: str, head: int, tail: int) -> str:
    """
    `text`, or its two ends; without lone surrogates, which the matchers cannot take.
    """
    if len(text) > head + tail:
        text = f"{text[:head]}\n{text[-tail:]}"
    return text if text.isascii() else text.encode("utf-8", "ignore").decode()
