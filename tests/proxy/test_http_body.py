"""
Bodies out of bytes.
"""

from __future__ import annotations

import time

import pytest
from mitmproxy.http import Headers

from excise.errors import WireError
from excise.proxy.http_body import MAX_LINE_BYTES, Body, Chunked, Sized, UntilClose, body_of_answer, body_of_request

CHUNKS = b'5\r\nhello\r\n1 ;a="b;c"\r\n \r\n0006;x\r\nworld!\r\n0;last\r\n'
NEXT = b"HTTP/1.1 200 OK\r\n"


def fed(body: Body, pieces: list[bytes]) -> tuple[bytes, bytes]:
    """
    What the body gave, and what it left.
    """
    buffer, out = bytearray(), b""
    for piece in pieces:
        buffer += piece
        if not body.done:
            out += body.read(buffer)
    return out, bytes(buffer)


@pytest.mark.parametrize(("answer", "end"), [(False, b"\r\n"), (True, b"\r\n"), (True, b"X-A: b\r\nX-C: d\r\n\r\n")])
def test_every_cut_gives_the_same_body(answer, end):
    """
    A connection may cut a chunked body anywhere; what follows it stays for the next message.
    """
    whole = CHUNKS + end + NEXT
    for cut in range(len(whole) + 1):
        body = Chunked(answer=answer)
        assert fed(body, [whole[:cut], whole[cut:]]) == (b"hello world!", NEXT), cut
        assert body.done
    assert fed(Chunked(answer=answer), [whole[at : at + 1] for at in range(len(whole))]) == (b"hello world!", NEXT)


@pytest.mark.parametrize(
    "bytes_",
    [
        b"\r\n",
        b"5\nhello\r\n",
        b"5\r\nhello!\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello\rx",
        b"0x5\r\nhello\r\n",
        b"-1\r\n",
        b"+5\r\nhello\r\n",
        b"5_0\r\n",
        b" 5\r\nhello\r\n",
        b"5 \r\nhello\r\n",
        b"5 x\r\nhello\r\n",
        b"5;a\x00\r\nhello\r\n",
        b"5;a\rb\r\nhello\r\n",
        b"5;a\n\r\nhello\r\n",
        b"1" * 16 + b"\r\n",
        b"0\r\nX: y\r\n\r\n",
        b"0\r\n\n",
        b"0\r\n\rx",
        b"\xd9\xa1\r\n",
    ],
)
def test_a_request_s_chunks_are_read_strictly(bytes_):
    """
    What two parsers could cut differently is refused, however it arrives.
    """
    with pytest.raises(WireError):
        fed(Chunked(answer=False), [bytes_])
    with pytest.raises(WireError):
        fed(Chunked(answer=False), [bytes_[at : at + 1] for at in range(len(bytes_))])


def test_a_padded_size_is_taken_from_providers_only():
    """
    Some servers write blanks behind the size.
    """
    assert fed(Chunked(answer=True), [b"2  \r\nhi\r\n0  \r\n\r\n"]) == (b"hi", b"")


@pytest.mark.parametrize(("answer", "start"), [(False, b"1;"), (True, b"1;"), (True, b"0\r\nX: ")])
@pytest.mark.parametrize("piece_bytes", [1000, MAX_LINE_BYTES * 4])
def test_what_does_not_end_is_bounded(answer, start, piece_bytes):
    """
    Endless extensions and endless trailers are ended before they take memory, whether they come slowly or whole.
    """
    buffer, body = bytearray(start), Chunked(answer=answer)
    with pytest.raises(WireError):
        for _ in range(MAX_LINE_BYTES * 5 // piece_bytes + 1):
            buffer += b"a" * piece_bytes
            body.read(buffer)
    with pytest.raises(WireError):
        Chunked(answer=answer).read(bytearray(start + b"a" * MAX_LINE_BYTES + b"\r\n\r\n"))


def test_tiny_chunks_cost_little_and_come_in_one_piece():
    """
    1.2 MB of one-byte chunks: linear, not a stall of the loop.
    """
    began = time.process_time()
    assert fed(Chunked(answer=True), [b"1\r\nx\r\n" * 200_000]) == (b"x" * 200_000, b"")
    assert time.process_time() - began < 1.0


def test_sized_bodies_end_where_they_said():
    """
    What is behind the last byte is the next message.
    """
    for cut in range(15):
        assert fed(Sized(5), [b"hello, you all"[:cut], b"hello, you all"[cut:]]) == (b"hello", b", you all")
    assert Sized(0).done


@pytest.mark.parametrize(
    ("version", "fields"),
    [
        (b"HTTP/1.1", [(b"Content-Length", b"3"), (b"Transfer-Encoding", b"chunked")]),
        (b"HTTP/1.1", [(b"Content-Length", b"3"), (b"content-length", b"3")]),
        (b"HTTP/1.1", [(b"Content-Length", b"3, 3")]),
        (b"HTTP/1.1", [(b"Content-Length", b"+3")]),
        (b"HTTP/1.1", [(b"Content-Length", b"03")]),
        (b"HTTP/1.1", [(b"Content-Length", b"\xd9\xa3")]),
        (b"HTTP/1.1", [(b"Content-Length", b"")]),
        (b"HTTP/1.1", [(b"Content-Length", b"9" * 16)]),
        (b"HTTP/1.1", [(b"Transfer-Encoding", b"gzip, chunked")]),
        (b"HTTP/1.1", [(b"Transfer-Encoding", b"chunked, chunked")]),
        (b"HTTP/1.1", [(b"Transfer-Encoding", b"identity")]),
        (b"HTTP/1.1", [(b"Transfer-Encoding", "chun\u212aed".encode())]),
        (b"HTTP/1.1", [(b"Transfer-Encoding", b"chunked"), (b"Transfer-Encoding", b"chunked")]),
        (b"HTTP/1.0", [(b"Transfer-Encoding", b"chunked")]),
    ],
)
def test_a_length_two_parsers_could_read_differently_is_refused(version, fields):
    """
    On requests and on answers alike: this is how requests and answers are smuggled.
    """
    with pytest.raises(WireError):
        body_of_request(version, Headers(fields))
    with pytest.raises(WireError):
        body_of_answer(b"POST", 200, version, Headers(fields))


def test_answers_without_a_body_keep_no_header_that_says_otherwise():
    """
    A 204 has no length, a 304 none of its own; HEAD is answered by a head.
    """
    fields = [(b"Content-Length", b"5"), (b"X-A", b"b")]
    empty, unchanged = Headers(fields), Headers([(b"Transfer-Encoding", b"chunked")])
    assert body_of_answer(b"POST", 204, b"HTTP/1.1", empty) is None
    assert body_of_answer(b"GET", 304, b"HTTP/1.1", unchanged) is None
    assert body_of_answer(b"HEAD", 200, b"HTTP/1.1", Headers(fields)) is None
    assert (empty.fields, unchanged.fields) == (((b"X-A", b"b"),), ())
    assert isinstance(body_of_answer(b"GET", 200, b"HTTP/1.1", Headers()), UntilClose)
    assert body_of_request(b"HTTP/1.1", Headers()) is None
