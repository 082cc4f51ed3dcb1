"""
Bodies of HTTP/1 messages out of the bytes of a connection: RFC 9112, 6 and 7, strictly and with bounds. Pure: bytes in, bytes out.

h11's readers, which mitmproxy uses, take a chunk at a time and wait for the end of a line or of the trailers without bound.
"""

from __future__ import annotations

import re
from typing import Protocol

from mitmproxy.http import Headers

from excise.errors import WireError

MAX_LINE_BYTES = 16 * 1024  # of an unfinished chunk-size line with its extensions, or of unfinished trailers

_LENGTH = re.compile(r"0|[1-9][0-9]{0,14}")
_CHUNKED = ("chunked", "Chunked", "CHUNKED")  # not by lower(), which makes a k of the Kelvin sign
_END = b"\r\n"
# Extensions mean nothing to us and end here. Some servers pad the size with blanks; a client that does so is refused.
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_CHUNK_OF_ANSWER = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")


class Body(Protocol):
    """
    The body of one message. `done` once its last byte was read; `ends_at_close`: only the end of the connection ends it.
    """

    done: bool
    ends_at_close: bool

    def read(self, buffer: bytearray) -> bytes:
        """
        Take what belongs to the body out of `buffer`; bytes behind it stay.

        Raises:
            WireError: The framing is broken, or something unfinished outgrew `MAX_LINE_BYTES`.
        """


class Sized:
    """
    A body of so many bytes.
    """

    __slots__ = ("_left", "done")
    ends_at_close = False

    def __init__(self, size_bytes: int) -> None:
        self._left = size_bytes
        self.done = size_bytes == 0

    def read(self, buffer: bytearray) -> bytes:
        if len(buffer) <= self._left:
            data = bytes(buffer)
            buffer.clear()
        else:
            data = bytes(buffer[: self._left])
            del buffer[: self._left]
        self._left -= len(data)
        self.done = self._left == 0
        return data


class UntilClose:
    """
    A body that ends with its connection: answers only.
    """

    __slots__ = ()
    done = False
    ends_at_close = True

    def read(self, buffer: bytearray) -> bytes:
        data = bytes(buffer)
        buffer.clear()
        return data


class Chunked:
    """
    A chunked body; what one call takes comes in one piece, however many chunks it was.

    Args:
        answer: Trailers are dropped, and a padded chunk size is taken. Otherwise both are refused.
    """

    __slots__ = ("_answer", "_behind_last", "_chunk", "_end_due", "_left", "done")
    ends_at_close = False

    def __init__(self, *, answer: bool) -> None:
        self._answer = answer
        self._chunk = (_CHUNK_OF_ANSWER if answer else _CHUNK).match
        self._left = 0  # bytes of the chunk under way
        self._end_due = False  # the line end behind a chunk's data comes next
        self._behind_last = False
        self.done = False

    def read(self, buffer: bytearray) -> bytes:
        data = bytes(buffer)
        parts: list[bytes] = []
        at = 0 if self._behind_last else self._chunks(data, parts)
        if self._behind_last:
            at = self._trailers(data, at)
        del buffer[:at]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _chunks(self, data: bytes, parts: list[bytes]) -> int:
        at, left, end_due, size, chunk = 0, self._left, self._end_due, len(data), self._chunk
        while at < size:
            if left:
                piece = data[at : at + left]
                parts.append(piece)
                at += len(piece)
                left -= len(piece)
                end_due = not left
            elif end_due:
                if not data.startswith(_END, at):
                    if at + 1 == size and data[at] == 13:
                        break
                    raise WireError("a chunk is longer than its size")
                at += 2
                end_due = False
            else:
                line = chunk(data, at)
                if line is None:
                    if data.find(b"\n", at) >= 0 or size - at > MAX_LINE_BYTES:
                        raise WireError("a chunk's size cannot be read")
                    break
                if line.end() - at > MAX_LINE_BYTES:
                    raise WireError("a chunk's size line is over 16 KiB")
                at = line.end()
                left = int(line[1], 16)
                if not left:
                    self._behind_last = True
                    break
        self._left, self._end_due = left, end_due
        return at

    def _trailers(self, data: bytes, at: int) -> int:
        if data.startswith(_END, at):
            self.done = True
            return at + 2
        if _END.startswith(data[at : at + 2]):
            return at
        if not self._answer:
            raise WireError("request trailers are not supported")
        end = data.find(b"\r\n\r\n", at)
        if (len(data) if end < 0 else end) - at > MAX_LINE_BYTES:
            raise WireError("trailers over 16 KiB")
        if end < 0:
            return at
        self.done = True
        return end + 4


def body_of_request(version: bytes, headers: Headers) -> Body | None:
    """
    How the body that follows a request's head is read; `None`: there is none.

    Raises:
        WireError: Its length is said twice, in an unknown way, or not readably.
    """
    return _framed(version, headers, answer=False)


def body_of_answer(method: bytes, status: int, version: bytes, headers: Headers) -> Body | None:
    """
    The same for an answer. `headers` lose what has no meaning on an answer that has no body, and could be taken for one.

    Raises:
        WireError: As above.
    """
    if status in (204, 304):
        headers.pop("transfer-encoding", None)
        if status == 204:
            headers.pop("content-length", None)
        return None
    body = _framed(version, headers, answer=True)
    return None if method == b"HEAD" else body or UntilClose()


def _framed(version: bytes, headers: Headers, *, answer: bool) -> Body | None:
    lengths = headers.get_all("content-length")
    codings = headers.get_all("transfer-encoding")
    if codings:
        # Other codings than chunked would hide the body from policy and from the meter. HTTP/1.0 knows none.
        if lengths or len(codings) > 1 or codings[0] not in _CHUNKED or version != b"HTTP/1.1":
            raise WireError("the message's length is said twice, or in a transfer-encoding other than chunked")
        return Chunked(answer=answer)
    if not lengths:
        return None
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise WireError("the content-length cannot be read")
    return Sized(int(lengths[0]))
