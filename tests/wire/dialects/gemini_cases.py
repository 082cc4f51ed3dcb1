"""
What the tests of Gemini's dialect share: its cases, ways through it, the values they stand for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from excise.wire.answer import AnswerDecoder
from excise.wire.dialect import Asked, Encoded, Envelope, Sent, Target, Traits
from excise.wire.dialects.gemini import GEMINI
from excise.wire.events import Event
from excise.wire.neutral import Answer, Request, Text, Turn
from excise.wire.sequence import Assembler

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "translation" / "gemini"
CASES = sorted(path.parent.name for path in FOLDER.glob("*/request.json"))
CALL_ID = "0123456789abcdef0123456789abcdef"
NOW = 1_786_082_890
PLAIN = Envelope(model="gemini-2.5-flash")
STREAM = Envelope(model="gemini-2.5-flash", stream=True)
ARRAY = Envelope(model="gemini-2.5-flash", stream=True, array=True)


def document(case: str, name: str) -> Any:
    return json.loads((FOLDER / case / f"{name}.json").read_text(encoding="utf-8"))


def streamed(case: str) -> bytes:
    return (FOLDER / case / "stream.txt").read_bytes()


def target(model: str = "gemini-2.5-flash", provider: str = "gemini", **traits: Any) -> Target:
    return Target(provider, "gemini", model, Traits(**traits))


def sent(**more: Any) -> Sent:
    return Sent(target(), **more)


def user(*parts: Any) -> Turn:
    return Turn("user", tuple(Text(text=part) if isinstance(part, str) else part for part in parts))


def assistant(*parts: Any) -> Turn:
    return Turn("assistant", user(*parts).parts)


def system(*parts: Any) -> Turn:
    return Turn("system", user(*parts).parts)


def foreign(*turns: Turn, **more: Any) -> Request:
    """
    A request of a client of another dialect.
    """
    return Request(dialect="openai-chat", model="a-model", turns=turns or (user("Hi."),), **more)


def encoded(request: Request, to: Target | None = None) -> Encoded:
    return GEMINI.encode_request(request, to or target())


def body_of(request: Request, to: Target | None = None) -> dict[str, Any]:
    body = encoded(request, to).body
    assert isinstance(body, dict)
    return body


def losses_of(request: Request, to: Target | None = None) -> set[tuple[str, str]]:
    return {(loss.field, str(loss.change)) for loss in encoded(request, to).losses}


def asked(envelope: Envelope = PLAIN, *, dialect: str = "anthropic-messages", body: Any = None) -> Asked:
    request = GEMINI.decode_request({"contents": []} if body is None else body, envelope)
    provider = "gemini" if dialect == "gemini" else "anthropic"
    return Asked(request, envelope, "gemini-2.5-flash", provider, dialect, CALL_ID, NOW)


def events_of(body: bytes, size: int | None = None, **more: Any) -> list[Event]:
    """
    The events of a streamed body that comes in pieces of `size`.
    """
    frames = AnswerDecoder(content_type=None, content_encoding=None, dialect="gemini", operation="chat", limit=1 << 20)
    decoder = GEMINI.stream_decoder(sent(**more))
    size = size or len(body) or 1
    events = []
    for start in range(0, len(body), size):
        for frame in frames.feed(body[start : start + size]):
            events += decoder.feed(frame)
    for frame in frames.close():
        events += decoder.feed(frame)
    return events + decoder.close()


def chunks(*bodies: Any) -> bytes:
    """
    Chunks as server-sent events.
    """
    return b"".join(b"data: " + json.dumps(body).encode() + b"\r\n\r\n" for body in bodies)


def chunk(*parts: Any, reason: Any = None, **more: Any) -> dict[str, Any]:
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": 0} | ({"finishReason": reason} if reason else {})
    return {"candidates": [candidate], "modelVersion": "gemini-2.5-flash", "responseId": "r1", **more}


def assembled(events: Iterable[Event]) -> Answer:
    assembler = Assembler()
    for event in events:
        assembler.feed(event)
    return assembler.answer("gemini")


def written(events: Iterable[Event], to: Asked) -> bytes:
    encoder = GEMINI.stream_encoder(to)
    return b"".join(encoder.feed(event) for event in events)
