"""
The driver between two dialects: one answer or one error, never both.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from excise.wire.dialect import Asked, Envelope, Target
from excise.wire.dialects.registry import DIALECTS
from excise.wire.frame import Frame, Framing
from excise.wire.translate import MOST_GATHERED_BYTES, Translation
from excise.wire.usage import Usage

TEXT: tuple[Any, ...] = (
    {"type": "message_start", "message": {"id": "a", "role": "assistant", "content": [], "model": "m", "usage": {}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
    {"type": "message_stop"},
)
ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def translation(*, stream: bool, status: int = 200) -> Translation:
    client, target = DIALECTS["openai-chat"], DIALECTS["anthropic-messages"]
    envelope = Envelope(stream=stream)
    request = client.decode_request({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "x"}]}, envelope)
    encoded = target.encode_request(request, Target("anthropic", "anthropic-messages", "m"))
    made = Translation(client, target, Asked(request, envelope, "m", "anthropic", "anthropic-messages", "0" * 32, 0), encoded)
    made.answer(status, (), Usage, lambda: None)
    return made


def event(body: Any) -> Frame:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return Frame(b"data: %b\n\n" % data, None, data)


@pytest.mark.parametrize("bad", [b'{"type": cut', ERROR], ids=["unreadable", "error"])
@pytest.mark.parametrize("at", range(1, len(TEXT)))
@pytest.mark.parametrize("together", [True, False], ids=["one feed", "one each"])
def test_after_an_error_nothing_follows(bad: Any, at: int, together: bool) -> None:
    """
    A client that wants no stream gets one document: the error alone, whatever the provider sends behind it and however it is cut.
    """
    made = translation(stream=False)
    frames = [event(body) for body in (*TEXT[:at], bad, *TEXT[at:])]

    out = made.feed(frames, Framing.SSE) if together else b"".join(made.feed([frame], Framing.SSE) for frame in frames)
    out += made.close()

    assert set(orjson.loads(out)) == {"error"} and made.head.status >= 500 and made.fault is not None


@pytest.mark.parametrize("bad", [b'{"type": cut', ERROR], ids=["unreadable", "error"])
def test_a_stream_ends_with_its_error(bad: Any) -> None:
    """
    What came before stands, the error is the last event, and what follows it is let go.
    """
    made = translation(stream=True)

    out = made.feed([event(body) for body in (*TEXT[:3], bad, *TEXT[3:])], Framing.SSE) + made.close()
    last = out.rstrip().rpartition(b"data: ")[2]

    assert b'"hi"' in out and "error" in orjson.loads(last) and b'"finish_reason":"stop"' not in out


def test_an_error_before_anything_else_is_a_status() -> None:
    """
    The provider's first event says that it cannot: no stream has begun, so the client gets a whole error, as if the status had said so.
    """
    made = translation(stream=True)

    out = made.feed([event(TEXT[0]), event(ERROR)], Framing.SSE)

    assert made.head.status >= 500 and set(orjson.loads(out)) == {"error"}


def test_a_gathered_stream_has_a_bound() -> None:
    """
    A stream nobody asked for is put together only up to what one answer may hold.
    """
    made = translation(stream=False)
    delta = event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x" * (1 << 20)}})
    made.feed([event(TEXT[0]), event(TEXT[1])], Framing.SSE)

    out = b"".join(made.feed([delta], Framing.SSE) for _ in range(MOST_GATHERED_BYTES // (1 << 20) + 1))

    assert set(orjson.loads(out)) == {"error"} and made.close() == b""


def test_a_stream_without_an_end_is_no_answer() -> None:
    """
    The provider stopped in the middle and closed as if all were well.
    """
    made = translation(stream=False)

    out = made.feed([event(body) for body in TEXT[:3]], Framing.SSE) + made.close()

    assert set(orjson.loads(out)) == {"error"} and made.head.status == 502
