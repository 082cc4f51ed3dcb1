"""
What the tests of Cohere's and Ollama's dialects share: their cases, ways through them, JSON gone wrong.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from excise.errors import BadRequest
from excise.exchange import Call
from excise.wire.answer import AnswerDecoder
from excise.wire.dialect import Asked, Dialect, Envelope, Sent, Target, Traits
from excise.wire.events import Event
from excise.wire.frame import Frame, Framing
from excise.wire.loss import Loss
from excise.wire.meter import Meter
from excise.wire.neutral import Answer, Reasoning, Request, Text, ToolCall, Turn
from excise.wire.sequence import Assembler, replay
from excise.wire.usage import Usage

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "translation"
CALL_ID = "0123456789abcdef0123456789abcdef"
NOW = 1_786_082_890


def cases(dialect: str) -> list[str]:
    return sorted(path.parent.name for path in (FOLDER / dialect).glob("*/request.json"))


def document(dialect: str, case: str, name: str) -> Any:
    return json.loads((FOLDER / dialect / case / f"{name}.json").read_text(encoding="utf-8"))


def streamed(dialect: str, case: str) -> bytes:
    return (FOLDER / dialect / case / "stream.txt").read_bytes()


def sent(dialect: Dialect, **more: Any) -> Sent:
    return Sent(target(dialect), **more)


def target(dialect: Dialect, provider: str | None = None, **traits: Any) -> Target:
    return Target(provider or dialect.name, dialect.name, "a-model", Traits(**traits))


def frames(dialect: Dialect, body: bytes, size: int | None = None) -> Iterator[Frame]:
    """
    The frames of a streamed body that comes in pieces of `size`.
    """
    decoder = AnswerDecoder(content_type=dialect.content_type, content_encoding=None, dialect=dialect.name, operation="chat", limit=1 << 20)
    for start in range(0, len(body), size or len(body)):
        yield from decoder.feed(body[start : start + (size or len(body))])
    yield from decoder.close()


def events(dialect: Dialect, body: bytes, *, told: Sent | None = None, size: int | None = None) -> list[Event]:
    decoder = dialect.stream_decoder(told or sent(dialect))
    return [event for frame in frames(dialect, body, size) for event in decoder.feed(frame)] + decoder.close()


def assembled(dialect: Dialect, pieces: list[Event]) -> Answer:
    assembler = Assembler()
    for piece in pieces:
        assembler.feed(piece)
    return assembler.answer(dialect.name)


def metered(dialect: Dialect, body: bytes) -> Usage:
    """
    What the meter reads from an answer, whole or streamed.
    """
    meter = Meter(Call(provider=dialect.name, operation="chat", dialect=dialect.name, model_at="body"), None)
    for frame in frames(dialect, body):
        meter.observe(frame)
    return meter.finish(status=200, headers=(), complete=True).usage


def asked(request: Request | None = None, **more: Any) -> Asked:
    request = request or Request(dialect="openai-chat", model="m", turns=())
    given = {"model": "a-model", "provider": "anthropic", "dialect": "anthropic-messages", "id": CALL_ID, "now": NOW}
    return Asked(request=request, envelope=Envelope(), **(given | more))


def written(dialect: Dialect, answer: Answer, about: Asked | None = None) -> bytes:
    """
    An answer as the dialect streams it.
    """
    encoder = dialect.stream_encoder(about or asked())
    return b"".join(encoder.feed(event) for event in replay(answer))


def plain(answer: Answer) -> Answer:
    """
    Without what only one of the forms can say: citations, the text of arguments, what it was read from.
    """

    def bare(part: Any) -> Any:
        if isinstance(part, Text):
            return replace(part, citations=())
        return replace(part, text=None) if isinstance(part, ToolCall) else part

    return replace(answer, candidates=tuple(replace(one, parts=tuple(map(bare, one.parts))) for one in answer.candidates), usage=Usage())


def ask(*turns: Turn | str, **more: Any) -> Request:
    """
    A request of another dialect.
    """
    said = tuple(Turn("user", (Text(text=turn),)) if isinstance(turn, str) else turn for turn in turns)
    return Request(dialect="openai-chat", model="gpt-x", turns=said or (Turn("user", (Text(text="Hi."),)),), **more)


def noted(losses: tuple[Loss, ...]) -> set[tuple[str, str]]:
    return {(loss.field, loss.change.value) for loss in losses}


def texts_of(answer: Answer) -> list[str]:
    return [part.text for part in answer.candidates[0].parts if isinstance(part, Text)]


def thoughts_of(answer: Answer) -> list[str]:
    return [part.text for part in answer.candidates[0].parts if isinstance(part, Reasoning)]


# -- JSON gone wrong -------------------------------------------------------------------------------------------------------------------

_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield from _places(inner, (*path, key))


@st.composite
def spoiled(draw: st.DrawFn, documents: list[Any]) -> Any:
    """
    A document with up to three of its values replaced by something else, or taken away.
    """
    value = copy.deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(_places(value))))
        if not path:
            return draw(_ANY)
        node = value
        for step in path[:-1]:
            node = node[step]
        if draw(st.booleans()):
            node[path[-1]] = draw(_ANY)
        else:
            del node[path[-1]]
    return value


def survives(dialect: Dialect, body: Any, other: Dialect) -> None:
    """
    A request is read, or refused naming a place; what can be read can be written, in its own words and in another's.
    """
    try:
        request = dialect.decode_request(body, Envelope())
    except BadRequest as refusal:
        assert refusal.message
        return
    assert dialect.encode_request(request, target(dialect)).body["messages"] == (body.get("messages") or [])
    json.dumps(other.encode_request(request, target(other)).body)


def answer_survives(dialect: Dialect, body: Any) -> None:
    answer = dialect.decode_answer(body, sent(dialect))
    json.dumps(dialect.encode_answer(replace(answer, raw=None, dialect="other"), asked()))
    written(dialect, replace(answer, raw=None))


def lines_survive(dialect: Dialect, bodies: list[Any]) -> None:
    decoder = dialect.stream_decoder(sent(dialect))
    encoder = dialect.stream_encoder(asked())
    pieces = [event for body in bodies for event in decoder.feed(_framed(dialect, body))] + decoder.close()
    for event in pieces:
        encoder.feed(event)


def _framed(dialect: Dialect, body: Any) -> Frame:
    data = json.dumps(body).encode()
    return Frame(b"data: %b\n\n" % data if dialect.framing is Framing.SSE else data + b"\n", None, data)
