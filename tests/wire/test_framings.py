"""
What holds for every text framing: cuts do not matter, no byte is lost, memory is bounded.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.errors import WireError
from excise.wire.json_array import JsonArrayDecoder
from excise.wire.ndjson import NdjsonDecoder
from excise.wire.sse import SseDecoder
from wire.streams import FOLDER, LIMIT, decoded, joined, pieces, stream

DECODERS = {".sse": SseDecoder, ".ndjson": NdjsonDecoder, ".json": JsonArrayDecoder}
STREAMS = sorted(path.name for path in FOLDER.iterdir() if path.suffix in DECODERS)
ALL = pytest.mark.parametrize("name", STREAMS)


def made(name: str, limit: int = LIMIT):
    return DECODERS[name[name.rindex(".") :]](limit)


def test_there_are_streams():
    """
    The cases below find their own files; an empty folder would prove nothing.
    """
    assert {name[name.rindex(".") :] for name in STREAMS} == set(DECODERS)


@ALL
@pytest.mark.parametrize("size", [1, 2, 7, 4096])
def test_chunk_boundaries_do_not_matter(name, size):
    """
    A provider may cut its stream anywhere, even inside a character.
    """
    body = stream(name)

    assert decoded(made(name), pieces(body, size)) == decoded(made(name), [body])


@ALL
def test_one_cut_at_every_byte_does_not_matter(name):
    """
    Two chunks give the same frames as one, wherever the cut.
    """
    body = stream(name)
    whole = decoded(made(name), [body])

    for cut in range(len(body) + 1):
        assert decoded(made(name), [body[:cut], body[cut:]]) == whole


@ALL
def test_a_stream_that_breaks_off_anywhere_loses_no_byte(name):
    """
    What came before the break comes out, and closing does not raise.
    """
    body = stream(name)

    for end in range(len(body) + 1):
        assert joined(decoded(made(name), [body[:end]])) == body[:end]


@ALL
def test_a_frame_longer_than_the_limit_is_refused_and_given_back(name):
    """
    The limit bounds what is held, and what was held is not lost.
    """
    decoder = made(name, limit=64)
    body = stream(name)[:-1].replace(b"\n", b" ").replace(b"\r", b" ").replace(b"}", b" ") + b"x" * 64
    if body.startswith(b"\xef\xbb\xbf"):
        body = body[3:]

    with pytest.raises(WireError):
        for chunk in pieces(body, 16):
            decoder.feed(chunk)
    held = decoder.abandon()

    assert body.startswith(held)
    assert len(held) <= 64 + 16


def test_a_fault_behind_whole_frames_shows_at_the_next_call():
    """
    Frames that were whole before the fault are given, even in the same chunk.
    """
    decoder = SseDecoder(8)

    assert [frame.data for frame in decoder.feed(b"data: 1\n\ndata: way too long")] == [b"1"]
    with pytest.raises(WireError):
        decoder.feed(b"!")
    assert decoder.abandon() == b"data: way too long!"


LINES = st.sampled_from([b"data: x", b"data:", b"event: e", b": c", b"data: \xc3\xa4", b"", b"{", b'"a"', b"}", b"[", b"]", b","])
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r", b""])


@pytest.mark.parametrize("kind", [SseDecoder, NdjsonDecoder])
@given(parts=st.lists(st.tuples(LINES, ENDS), max_size=20), size=st.integers(1, 9), odd=st.binary(max_size=12))
def test_no_byte_is_lost_whatever_comes(kind, parts, size, odd):
    """
    Joined, the frames are the body; and how it was cut cannot be told from them.
    """
    body = b"".join(line + end for line, end in parts) + odd

    frames = decoded(kind(LIMIT), pieces(body, size))

    assert joined(frames) == body
    assert frames == decoded(kind(LIMIT), [body])


def test_a_long_event_in_small_pieces_costs_linear_time():
    """
    A quarter of a megabyte in pieces of 16 bytes is scanned once, not sixteen thousand times.
    """
    decoder = SseDecoder(LIMIT)
    body = b"data: " + b"x" * (256 * 1024) + b"\n\n"

    frames = decoded(decoder, pieces(body, 16))

    assert [len(frame.data) for frame in frames] == [256 * 1024]
