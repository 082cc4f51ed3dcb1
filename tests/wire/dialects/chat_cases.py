"""
What the tests of the chat dialects share: their cases, ways through them, JSON gone wrong.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from excise.wire.answer import AnswerDecoder
from excise.wire.dialect import Asked, Dialect, Encoded, Envelope, Sent, Target, Traits
from excise.wire.events import Event
from excise.wire.frame import Frame
from excise.wire.loss import Loss
from excise.wire.neutral import Answer, Candidate, Request, Text, Tool, Turn
from excise.wire.sequence import Assembler, replay

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "translation"
CALL_ID = "0123456789abcdef0123456789abcdef"
NOW = 1_786_082_890
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def names(dialect: Dialect) -> list[str]:
    """
    The dialect's cases, the error aside.
    """
    return sorted(path.parent.name for path in (FOLDER / dialect.name).glob("*/request.json"))


def document(dialect: Dialect, case: str, name: str) -> Any:
    return json.loads((FOLDER / dialect.name / case / f"{name}.json").read_text(encoding="utf-8"))


def streamed(dialect: Dialect, case: str) -> bytes:
    return (FOLDER / dialect.name / case / "stream.txt").read_bytes()


def target(dialect: Dialect, provider: str = "openai", model: str = "gpt-4.1", **traits: Any) -> Target:
    return Target(provider, dialect.name, model, Traits(**traits))


def frames(dialect: Dialect, body: bytes, size: int | None = None, content_type: str = "text/event-stream") -> Iterator[Frame]:
    """
    The frames of an answer's body that comes in pieces of `size`.
    """
    decoder = AnswerDecoder(content_type=content_type, content_encoding=None, dialect=dialect.name, operation="chat", limit=1 << 22)
    for start in range(0, len(body), size or len(body) or 1):
        yield from decoder.feed(body[start : start + (size or len(body))])
    yield from decoder.close()


def events(dialect: Dialect, body: bytes, sent: Sent, size: int | None = None) -> list[Event]:
    decoder = dialect.stream_decoder(sent)
    return [event for frame in frames(dialect, body, size) for event in decoder.feed(frame)] + decoder.close()


def sse(*chunks: Any, done: bool = True) -> bytes:
    """
    A stream of these chunks.
    """
    lines = b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks)
    return lines + b"data: [DONE]\n\n" if done else lines


def delta(index: int | None = 0, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """
    A chunk with one choice.
    """
    choice: dict[str, Any] = {"delta": fields, "finish_reason": finish}
    if index is not None:
        choice["index"] = index
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def assembled(dialect: Dialect, pieces: list[Event]) -> Answer:
    assembler = Assembler()
    for piece in pieces:
        assembler.feed(piece)
    assert assembler.ended
    return assembler.answer(dialect.name)


def answered(dialect: Dialect, message: dict[str, Any], finish: str | None = "stop", sent: Sent | None = None, **choice: Any) -> Candidate:
    """
    The only candidate of a whole answer.
    """
    said = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish, **choice}
    return dialect.decode_answer({"id": "x", "choices": [said]}, sent or Sent(target(dialect))).candidates[0]


def asked(dialect: Dialect, **request: Any) -> Asked:
    """
    What a client of `dialect` asked whose answer comes from elsewhere.
    """
    about = Request(**({"dialect": dialect.name, "model": "m", "turns": ()} | request))
    return Asked(about, Envelope(), "a-model", "anthropic", "anthropic-messages", CALL_ID, NOW)


def replace_model(about: Asked, model: str) -> Asked:
    about.model = model
    return about


def written(dialect: Dialect, answer: Answer, about: Asked) -> bytes:
    """
    An answer as the dialect streams it.
    """
    encoder = dialect.stream_encoder(about)
    return b"".join(encoder.feed(event) for event in replay(answer))


def user(*parts: Any) -> Turn:
    return Turn("user", tuple(Text(text=part) if isinstance(part, str) else part for part in parts))


def assistant(*parts: Any) -> Turn:
    return replace(user(*parts), role="assistant")


def foreign(*turns: Turn, **fields: Any) -> Request:
    """
    A request of a client that speaks Anthropic's dialect.
    """
    return Request(**({"dialect": "anthropic-messages", "model": "claude-x", "turns": turns or (user("Hi."),)} | fields))


def tool(name: str = "get_weather", **fields: Any) -> Tool:
    return Tool(**({"name": name, "description": "Weather now.", "schema": WEATHER} | fields))


def noted(losses: tuple[Loss, ...]) -> set[tuple[str, str]]:
    return {(loss.field, loss.change.value) for loss in losses}


def settings(encoded: Encoded) -> dict[str, Any]:
    """
    The body without its messages.
    """
    return {key: value for key, value in encoded.body.items() if key != "messages"}


def call(id_: str | None = None, name: str | None = None, arguments: Any = None, index: int | None = None) -> dict[str, Any]:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return {"function": function} | ({"id": id_} if id_ else {}) | ({"index": index} if index is not None else {})


# -- JSON gone wrong -------------------------------------------------------------------------------------------------------------------

ANY = st.recursive(
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
            return draw(ANY)
        node = value
        for step in path[:-1]:
            node = node[step]
        if draw(st.booleans()):
            node[path[-1]] = draw(ANY)
        else:
            del node[path[-1]]
    return value
