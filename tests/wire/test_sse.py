"""
Server-sent events as providers really write them.
"""

from __future__ import annotations

import pytest

from excise.wire.sse import SseDecoder
from wire.streams import LIMIT, decoded, read, stream


def events(body: bytes):
    return read(decoded(SseDecoder(LIMIT), [body]))


def test_a_chat_stream():
    """
    One frame a chunk, `[DONE]` among them, which reads as no JSON.
    """
    frames = decoded(SseDecoder(LIMIT), [stream("openai-chat.sse")])

    assert [frame.json["choices"][0]["delta"].get("content") for frame in frames[:3]] == ["Grüß", " Gott 🙂", None]
    assert frames[3].json["usage"]["total_tokens"] == 13
    assert (frames[4].data, frames[4].json) == (b"[DONE]", None)


def test_named_events():
    """
    Anthropic and Responses name their events.
    """
    names = [name for name, _ in events(stream("anthropic-messages.sse"))]

    assert names == ["message_start", "ping", "content_block_delta", "message_delta", "message_stop"]


def test_comments_are_frames_without_data():
    """
    Keep-alives pass as they are, at once, and nobody reads them.
    """
    frames = SseDecoder(LIMIT).feed(stream("openrouter-comments.sse"))

    assert [frame.data is None for frame in frames] == [True, True, False, False, True, False, False]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"data:1\n\n", [(None, b"1")]),
        (b"data: 1\n\n", [(None, b"1")]),
        (b"data:  1\n\n", [(None, b" 1")]),
        (b"data:\n\n", [(None, b"")]),
        (b"data\n\n", [(None, b"")]),
        (b"data: 1\ndata: 2\n\n", [(None, b"1\n2")]),
        (b"data: 1\r\ndata:\r\ndata: 3\r\n\r\n", [(None, b"1\n\n3")]),
        (b"event: x\ndata: 1\n\n", [("x", b"1")]),
        (b"data: 1\nevent: x\n\n", [("x", b"1")]),
        (b"\n\n\n\ndata: 1\n\n", [(None, b"1")]),
        (b"data: 1\n\n\ndata: 2\n\n", [(None, b"1"), (None, b"2")]),
        (b"\xef\xbb\xbfdata: 1\n\ndata: 2", [(None, b"1"), (None, b"2")]),
        (b"data: 1\n\n\xef\xbb\xbfdata: 2\n\n", [(None, b"1")]),
        (b"Data: 1\n\n data: 2\n\n", []),
        (b"data: a\xe2\x80\xa8b\n\n", [(None, b"a\xe2\x80\xa8b")]),
        (b"event: \xff\ndata: 1\n\n", [("\ufffd", b"1")]),
        (b"data: 1\n", [(None, b"1")]),
        (b"data: 1", [(None, b"1")]),
        (b"", []),
    ],
)
def test_fields(body, expected):
    """
    Fields are read as the standard says; the last event needs no end.
    """
    assert events(body) == expected


def test_every_pair_of_line_ends_ends_an_event():
    """
    LF, CR and CRLF mix freely.
    """
    got = events(stream("mixed-line-ends.sse"))

    assert got == [(None, b"1"), (None, b"2"), (None, b"3"), (None, b"4"), (None, b"5"), (None, b"")]
    assert events(stream("bare-cr.sse"))[1] == ("x", b"1\n2")


def test_an_event_without_data_keeps_its_name():
    """
    Where the standard drops it; a reader may want to know.
    """
    (frame,) = SseDecoder(LIMIT).feed(b"event: ping\n\n")

    assert (frame.event, frame.data) == ("ping", None)


@pytest.mark.parametrize("end", [b"\n\n", b"\r\r", b"\r\n\r\n", b"\n\r\n"])
def test_an_event_comes_out_with_its_last_byte(end):
    """
    Nothing waits for the next event.
    """
    (frame,) = SseDecoder(LIMIT).feed(b"data: 1" + end)

    assert frame.data == b"1"
