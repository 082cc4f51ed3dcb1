"""
Content codings (gzip and its kin), undone under bounds: what a body claims to be is not believed before its size is.
"""

from __future__ import annotations

import zlib
from typing import Protocol

import brotli  # type: ignore[import-untyped]  # ships no types
import zstandard

from excise.errors import TooLarge, WireError

CODINGS = ("gzip", "deflate", "br", "zstd")  # and identity; one layer. Aliases (x-gzip) are refused: not every server knows them alike

# A bomb is known by its ratio, once there is enough to tell. Chat streams reach about 30, logprobs about 60; zlib ends at 1032.
_RATIO = 200
_RATIO_FLOOR_BYTES = 4 * 1024 * 1024

_PIECE_BYTES = 256 * 1024  # most that zlib and brotli give at once
_SLICE_BYTES = 64 * 1024  # most they get at once: they copy the unread rest of it for every piece they give
# zstandard cannot be told how much to give. One block of 4 bytes may stand for 128 KiB, so 256 bytes give 8 MiB at most.
_ZSTD_SLICE_BYTES = 256
# gzip members or zstd frames of one body. Block-wise gzip makes one per 64 KiB; some servers make one per streamed event, so answers
# (bodies without `limit`) may have any number that is not absurdly small. A body of empty ones only burns time.
_MEMBERS = 4096
_MEMBER_BYTES = 32
_ZSTD_WINDOW_BYTES = 8 * 1024 * 1024  # RFC 9659: the most a server may ask a client for


def decode_body(coding: str | None, body: bytes, limit: int) -> bytes:
    """
    A whole request body without its content coding.

    Args:
        coding: The `content-encoding` header, all of its values joined by commas; `None` where absent.
        limit: Most bytes of the decoded body.

    Raises:
        TooLarge: The decoded body is longer than `limit`.
        WireError: The coding is not allowed or there is more than one; the body is malformed, cut, followed by other bytes, or a bomb.
    """
    decoder = ContentDecoder(coding, limit=limit)
    decoded = decoder.feed(body)
    decoder.close()
    return decoded


def acceptable(accept_encoding: str | None) -> str | None:
    """
    The client's `accept-encoding` reduced to what we can decode, weights kept. `identity` where nothing is left; `None` stays `None`.
    """
    if accept_encoding is None:
        return None
    kept = [
        item for part in accept_encoding.split(",") if (item := part.strip()).partition(";")[0].strip().lower() in (*CODINGS, "identity")
    ]
    return ", ".join(kept) or "identity"


class ContentDecoder:
    """
    Undo one content coding piece by piece, whole input consumed: gzip members and zstd frames that follow one another are all read.

    Memory is bounded by the ratio and by `limit`: input is decoded in small steps, and each step's output counts before the next.

    Args:
        coding: The `content-encoding` header; `None`, empty and `identity` pass bytes as they are.
        limit: Most bytes decoded in all; `None`: the ratio alone bounds it.

    Raises:
        TooLarge: From `feed`, past `limit`.
        WireError: From the constructor, for a coding we do not know or more than one; from `feed` and `close`, for malformed, cut or
            trailing bytes, and for bombs. `abandon` then gives what the failing `feed` had decoded.

    Source: RFC 9110 8.4, RFC 1952, RFC 1950, RFC 7932, RFC 8878, RFC 9659, read 2026-11.
    """

    __slots__ = ("_decoded_bytes", "_fed_bytes", "_limit", "_members", "_parts", "_stream")

    def __init__(self, coding: str | None, *, limit: int | None) -> None:
        name = (coding or "identity").strip().lower() or "identity"
        if name != "identity" and name not in CODINGS:
            raise WireError(f"unsupported content coding; send one of identity, {', '.join(CODINGS)}, once", kind="unsupported_coding")
        self._stream: _Stream | None = None if name == "identity" else _STREAMS[name]()
        self._limit = limit
        self._fed_bytes = 0
        self._decoded_bytes = 0
        self._members = 0
        self._parts: list[bytes] = []

    def feed(self, chunk: bytes) -> bytes:
        """
        What `chunk` decodes to.
        """
        self._fed_bytes += len(chunk)
        if self._stream is None:
            self._decoded_bytes += len(chunk)
            self._check_limit()
            return chunk
        self._parts.clear()
        if not chunk:
            return b""
        try:
            for start in range(0, len(chunk), _SLICE_BYTES):
                self._stream.feed(chunk[start : start + _SLICE_BYTES], self)
        except (zlib.error, brotli.error, zstandard.ZstdError) as error:
            # The libraries' texts may quote bytes of the body.
            raise WireError("the body is not what its content coding says") from error
        return self.abandon()

    def close(self) -> None:
        """
        Check that the coding was whole. A body of no bytes is.
        """
        if self._stream is not None and self._fed_bytes and not self._stream.whole:
            raise WireError("the body ends inside its content coding")

    def abandon(self) -> bytes:
        """
        What the last `feed` had decoded when it failed.
        """
        decoded = b"".join(self._parts)
        self._parts.clear()
        return decoded

    def accept(self, decoded: bytes) -> None:
        """
        Count one step's output. For the streams below.
        """
        self._decoded_bytes += len(decoded)
        if self._decoded_bytes > _RATIO_FLOOR_BYTES and self._decoded_bytes > _RATIO * self._fed_bytes:
            raise WireError("the body is a decompression bomb", kind="decompression_bomb")
        self._check_limit()
        if decoded:
            self._parts.append(decoded)

    def next_member(self) -> None:
        """
        Count one more gzip member or zstd frame. For the streams below.
        """
        self._members += 1
        if self._members > _MEMBERS and (self._limit is not None or self._fed_bytes < self._members * _MEMBER_BYTES):
            raise WireError("the body has too many members in its content coding", kind="decompression_bomb")

    def _check_limit(self) -> None:
        if self._limit is not None and self._decoded_bytes > self._limit:
            raise TooLarge(f"the decoded body is longer than {self._limit} bytes")


class _Stream(Protocol):
    @property
    def whole(self) -> bool: ...

    def feed(self, chunk: bytes, sink: ContentDecoder) -> None: ...


class _Gzip:
    """
    RFC 1952: one member or several. What follows the last member must be another one; padding is refused.
    """

    __slots__ = ("_member",)

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)

    @property
    def whole(self) -> bool:
        return self._member.eof

    def feed(self, chunk: bytes, sink: ContentDecoder) -> None:
        while chunk:
            if self._member.eof:
                sink.next_member()
                self._member = zlib.decompressobj(wbits=31)
            _inflate(self._member, chunk, sink)
            chunk = self._member.unused_data


class _Deflate:
    """
    RFC 1950, as HTTP says, or raw RFC 1951, as some servers send. One stream; nothing may follow it.
    """

    __slots__ = ("_head", "_stream")

    def __init__(self) -> None:
        self._head = b""
        self._stream: zlib._Decompress | None = None

    @property
    def whole(self) -> bool:
        return self._stream is not None and self._stream.eof

    def feed(self, chunk: bytes, sink: ContentDecoder) -> None:
        if self._stream is None:
            chunk = self._head + chunk
            if len(chunk) < 2:
                self._head = chunk
                return
            has_header = chunk[0] & 0x0F == 8 and int.from_bytes(chunk[:2], "big") % 31 == 0
            self._stream = zlib.decompressobj(wbits=15 if has_header else -15)
        elif self._stream.eof:
            raise WireError("the body goes on after its content coding")
        _inflate(self._stream, chunk, sink)
        if self._stream.unused_data:
            raise WireError("the body goes on after its content coding")


def _inflate(stream: zlib._Decompress, chunk: bytes, sink: ContentDecoder) -> None:
    sink.accept(stream.decompress(chunk, _PIECE_BYTES))
    while not stream.eof:
        piece = stream.decompress(stream.unconsumed_tail, _PIECE_BYTES)
        if not piece:
            return
        sink.accept(piece)


class _Brotli:
    """
    RFC 7932: one stream. The library itself refuses bytes after it.
    """

    __slots__ = ("_stream",)

    def __init__(self) -> None:
        self._stream = brotli.Decompressor()

    @property
    def whole(self) -> bool:
        return bool(self._stream.is_finished())

    def feed(self, chunk: bytes, sink: ContentDecoder) -> None:
        sink.accept(self._stream.process(chunk, output_buffer_limit=_PIECE_BYTES))
        while not self._stream.can_accept_more_data():
            sink.accept(self._stream.process(b"", output_buffer_limit=_PIECE_BYTES))


class _Zstd:
    """
    RFC 8878: one frame or several, skippable ones included.
    """

    __slots__ = ("_frame",)

    def __init__(self) -> None:
        self._frame = self._new()

    @staticmethod
    def _new() -> zstandard.ZstdDecompressionObj:
        return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()

    @property
    def whole(self) -> bool:
        return self._frame.eof

    def feed(self, chunk: bytes, sink: ContentDecoder) -> None:
        for start in range(0, len(chunk), _ZSTD_SLICE_BYTES):
            piece = chunk[start : start + _ZSTD_SLICE_BYTES]
            while piece:
                if self._frame.eof:
                    sink.next_member()
                    self._frame = self._new()
                sink.accept(self._frame.decompress(piece))
                piece = self._frame.unused_data if self._frame.eof else b""


_STREAMS: dict[str, type[_Gzip | _Deflate | _Brotli | _Zstd]] = {"gzip": _Gzip, "deflate": _Deflate, "br": _Brotli, "zstd": _Zstd}
