"""
Does the cost of a translation grow with what is translated, and no faster? Bodies that are long, deep, wide or unkind, at two sizes.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

import orjson

from bench import translation_ours as ours
from bench.translation_jobs import AIMS, NOW, OPENAI, USED, Aim, Json, frames, picture, say, tool, turns
from excise.wire.dialects.registry import DIALECTS
from excise.wire.events import Delta, Ended, Event, Finished, PartEnded, PartStarted, Started
from excise.wire.neutral import Finish, Reasoning, Text, ToolCall
from excise.wire.sequence import Sequencer

RESPONSES = Aim("", "openai-responses", "openai", "gpt-4o-mini")
OTHERS = (OPENAI, RESPONSES, Aim("", "mistral-chat", "mistral", "mistral-small-latest"), Aim("", "ollama", "ollama", "llama3.2"))
TARGETS = (*AIMS, *OTHERS)
CLIENTS = tuple(DIALECTS)
PIECE_BYTES = 16_384  # as a network cuts a long event

Row = dict[str, Any]


# -- requests --------------------------------------------------------------------------------------------------------------------------


def _asking(*messages: Json, **more: Any) -> Json:
    return {"model": "m", "messages": [{"role": "user", "content": "hello"}, *messages], **more}


def _called(*ids: str) -> Json:
    calls = [{"id": id_, "type": "function", "function": {"name": "search_0", "arguments": "{}"}} for id_ in ids]
    return {"role": "assistant", "tool_calls": calls}


def _result(id_: str) -> Json:
    return {"role": "tool", "tool_call_id": id_, "content": "done"}


def _named(name: str, schema: Json) -> Json:
    return {"type": "function", "function": {"name": name, "parameters": schema, "strict": True}}


def _for_output(schema: Json) -> Json:
    output = {"type": "json_schema", "json_schema": {"name": "form", "schema": schema, "strict": True}}
    return _asking(tools=[_named("search_0", schema)], response_format=output)


def _deep(levels: int) -> Json:
    schema: Json = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"], "additionalProperties": False}
    return _for_output(schema)


def _wide(count: int) -> Json:
    properties = {f"property_{number}": {"type": "string", "enum": ["a", "b"]} for number in range(count)}
    return _for_output({"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False})


def _doubling(levels: int) -> Json:
    """
    Each definition refers to the next one twice: written out, it would be 2 to the power of the levels.
    """
    definitions: Json = {f"d{levels}": {"type": "string"}}
    for level in range(levels):
        below = {"$ref": f"#/$defs/d{level + 1}"}
        definitions[f"d{level}"] = {"type": "object", "properties": {"a": below, "b": below}}
    return _for_output({"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": definitions})


def _alike(count: int) -> Json:
    """
    Names that no provider takes, and that become the same one.
    """
    marks = itertools.islice(itertools.product("!.$%/&(", repeat=5), count)
    return _asking(tools=[_named("name" + "".join(mark), {"type": "object"}) for mark in marks])


def _unlike(count: int) -> Json:
    """
    Names that providers do not take either, and that stay apart.
    """
    return _asking(tools=[_named(f"name.{number}", {"type": "object"}) for number in range(count)])


def _documents(count: int) -> Json:
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQK"}}
    return _asking({"role": "user", "content": [file] * count})


REQUESTS: dict[str, tuple[Callable[[int], Json], int, int]] = {
    "turns": (lambda count: _asking(*turns(count, 200, Random(1)), tools=[tool(0, Random(1))]), 500, 2000),
    "tools": (lambda count: _asking(tools=[tool(number, Random(1)) for number in range(count)]), 60, 500),
    "parts of a message": (lambda count: _asking({"role": "user", "content": [{"type": "text", "text": "hello"}] * count}), 1000, 8000),
    "calls of a turn": (lambda count: _asking(_called(*map(str, range(count))), *(_result(str(n)) for n in range(count))), 500, 4000),
    "calls of a turn, one id": (lambda count: _asking(_called(*["x"] * count), *[_result("x")] * count), 500, 4000),
    "turns of a call, one id": (lambda count: _asking(*[_called("x")] * count, *[_result("x")] * count), 500, 4000),
    "turns of a call, no results": (lambda count: _asking(*(_called(str(number)) for number in range(count))), 500, 4000),
    "names alike": (_alike, 1000, 8000),
    "names to be fitted": (_unlike, 1000, 8000),
    "documents alike": (_documents, 500, 4000),
    "schema, levels": (_deep, 10, 60),
    "schema, properties": (_wide, 500, 4000),
    "schema, doubling references": (_doubling, 10, 40),
    "MB of a picture": (lambda count: _asking({"role": "user", "content": [picture(count * 1_000_000, Random(1))]}), 8, 32),
}


def _requests(rounds: int) -> Iterator[Row]:
    for name, (make, small, large) in REQUESTS.items():
        bodies = [orjson.dumps(make(size)) for size in (small, large)]
        found = {
            aim.dialect: [_best(lambda a=aim, b=body: ours.request("openai-chat", a, b), rounds) for body in bodies] for aim in TARGETS
        }
        yield _worst(f"request: {name}", small, large, found)


# -- streams ---------------------------------------------------------------------------------------------------------------------------


def _stream(*inner: Event, finish: Finish = Finish.STOP) -> list[Event]:
    return [Started(None, None, NOW), *inner, Finished(finish), Ended(USED)]


def _texts(count: int, length: int) -> list[Event]:
    return _stream(PartStarted(Text(text="")), *(Delta("hello" * (length // 5)) for _ in range(count)), PartEnded())


def _thoughts(count: int) -> list[Event]:
    thought = [PartStarted(Reasoning()), *(Delta("hello") for _ in range(count)), PartEnded()]
    return _stream(*thought, PartStarted(Text(text="")), Delta("hello"), PartEnded())


def _arguments(count: int, length: int) -> list[Event]:
    text = orjson.dumps({"query": say(count * length, Random(1))}).decode()
    pieces = (Delta(text[at : at + length]) for at in range(0, len(text), length))
    return _stream(PartStarted(ToolCall(id="call_1", name="search_0", arguments={})), *pieces, PartEnded(), finish=Finish.TOOL)


def _calls(count: int) -> list[Event]:
    made: list[Event] = []
    for number in range(count):
        made += [PartStarted(ToolCall(id=f"call_{number}", name="search_0", arguments={})), Delta('{"a":'), Delta("1}"), PartEnded()]
    return _stream(*made, finish=Finish.TOOL)


STREAMS: dict[str, tuple[Callable[[int], list[Event]], int, int]] = {
    "deltas of text": (lambda count: _texts(count, 5), 1250, 10_000),
    "characters of one delta": (lambda length: _texts(1, length), 64_000, 1_000_000),
    "deltas of thought": (_thoughts, 1250, 10_000),
    "deltas of arguments": (lambda count: _arguments(count, 6), 1250, 10_000),
    "characters of one argument": (lambda length: _arguments(1, length), 64_000, 1_000_000),
    "calls": (_calls, 100, 800),
}


def _pieces(aim: Aim, made: Sequence[Event]) -> tuple[bytes, ...]:
    """
    A piece an event; a long one is cut as the network would.
    """
    return tuple(piece[at : at + PIECE_BYTES] for piece in frames(aim, made) for at in range(0, len(piece), PIECE_BYTES))


def _streams(rounds: int) -> Iterator[Row]:
    for name, (make, small, large) in STREAMS.items():
        for streams in (True, False):
            found: dict[str, list[float]] = {}
            for aim in TARGETS:
                kind = DIALECTS[aim.dialect].content_type
                both = [_pieces(aim, make(size)) for size in (small, large)]
                for client in CLIENTS if aim is OPENAI else ("openai-chat",):
                    if client != aim.dialect:
                        found[f"{aim.dialect} -> {client}"] = [
                            _best(lambda c=client, a=aim, p=pieces, k=kind, s=streams: ours.answer(c, a, p, k, stream=s), rounds)
                            for pieces in both
                        ]
            yield _worst(f"{'stream' if streams else 'stream, put together'}: {name}", small, large, found)


def _interleaved(count: int) -> None:
    """
    Calls that all are open at once, each with ten pieces, as some providers stream them.
    """
    order = Sequencer()
    for number in range(count):
        order.start(number, ToolCall(id=str(number), name="search_0", arguments={}))
    for _ in range(10):
        for number in range(count):
            order.delta(number, "a")
    order.end_all()


# -- both ------------------------------------------------------------------------------------------------------------------------------


def _best(work: Callable[[], object], rounds: int) -> float:
    """
    CPU seconds of the fastest of some rounds: what disturbs only adds.
    """
    took = []
    for _ in range(rounds + 1):
        before = time.thread_time()
        work()
        took.append(time.thread_time() - before)
    return min(took)


def _worst(name: str, small: int, large: int, found: dict[str, list[float]]) -> Row:
    """
    The one that grows fastest. `growth`: 1 where the time grows as the size does, `large / small` where it grows as its square.
    """
    growth = {where: (spent[1] / spent[0]) / (large / small) for where, spent in found.items()}
    worst = max(growth, key=lambda where: growth[where])
    slowest = max(found, key=lambda where: found[where][1])
    return {
        "what grows": name,
        "sizes": f"{small:,} / {large:,}",
        "fastest growing": worst,
        "ms": " / ".join(f"{seconds * 1e3:.1f}" for seconds in found[worst]),
        "growth": round(growth[worst], 2),
        "verdict": "linear or less" if growth[worst] < 2 else "MORE THAN LINEAR",
        "slowest": f"{slowest} {found[slowest][1] * 1e3:.1f} ms",
    }


def growth(rounds: int) -> list[Row]:
    rows = [*_requests(rounds), *_streams(rounds)]
    found = {"all clients": [_best(lambda c=count: _interleaved(c), rounds) for count in (200, 1600)]}
    return [*rows, _worst("stream: calls open at once", 200, 1600, found)]
