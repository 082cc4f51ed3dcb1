"""
AWS event stream: the binary framing of Bedrock and SageMaker streams.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from excise.errors import WireError
from excise.wire.frame import Frame

_PRELUDE = struct.Struct("!III")  # whole length, length of headers, CRC of these two
_OVERHEAD = _PRELUDE.size + 4  # prelude and the CRC at the end
_HEADERS_LIMIT = 128 * 1024  # the protocol's own bound
_PAYLOAD_LIMIT = 24 * 1024 * 1024  # the protocol's own bound
_KNOWN_BYTES = 256  # longest block of headers that is remembered
_FIXED = {2: struct.Struct("!b"), 3: struct.Struct("!h"), 4: struct.Struct("!i"), 5: struct.Struct("!q"), 8: struct.Struct("!q")}
_BYTES, _STRING, _UUID = 6, 7, 9


class EventStreamDecoder:
    """
    Cut `application/vnd.amazon.eventstream` (bytes, any chunking) into a frame a message, both checksums verified.

    `event` is the message's `:event-type`, `:exception-type` or `:error-code`. `data` is its payload; that of a `chunk` message
    (Bedrock invoke: `{"bytes": base64}`) is the model's own event inside.

    Args:
        limit: Most bytes of one message; never above the protocol's own 24 MiB.

    Raises:
        WireError: From `feed`: a checksum or length is wrong, or a message is longer than `limit`. `abandon` then gives back what was
            held.

    Source: AWS SDK for C, aws-c-event-stream, "Event Stream encoding"; Smithy, "Amazon Event Stream specification", read 2026-11.
    """

    __slots__ = ("_held", "_limit", "cut")

    def __init__(self, limit: int) -> None:
        self.cut = False  # set by close: the body ended inside a message
        self._limit = min(limit, _PAYLOAD_LIMIT + _HEADERS_LIMIT + _OVERHEAD)
        self._held = bytearray()

    def feed(self, chunk: bytes) -> list[Frame]:
        """
        Frames which `chunk` completes, in order.
        """
        held = self._held
        held += chunk
        frames: list[Frame] = []
        try:
            while len(held) >= _PRELUDE.size:
                length = self._length()
                if len(held) < length:
                    break
                frames.append(_message(bytes(held[:length])))
                del held[:length]
        except WireError:
            # What is whole is given first; the fault shows again at the next call.
            if not frames:
                raise
        return frames

    def close(self) -> list[Frame]:
        """
        The rest, when the body has ended: a cut message, without `data`. Sets `cut`.
        """
        self.cut = bool(self._held)
        return [Frame(rest)] if (rest := self.abandon()) else []

    def abandon(self) -> bytes:
        """
        The bytes held, after a fault.
        """
        rest = bytes(self._held)
        self._held.clear()
        return rest

    def _length(self) -> int:
        length, headers_length, crc = _PRELUDE.unpack_from(self._held)
        # Before anything is believed, least of all the length.
        if zlib.crc32(memoryview(self._held)[:8]) != crc:
            raise WireError("event stream: wrong checksum of a prelude")
        if headers_length > _HEADERS_LIMIT or length < headers_length + _OVERHEAD or length > self._limit:
            raise WireError("event stream: impossible length of a message")
        return int(length)


def _message(raw: bytes) -> Frame:
    if zlib.crc32(memoryview(raw)[:-4]) != int.from_bytes(raw[-4:], "big"):
        raise WireError("event stream: wrong checksum of a message")
    headers_end = _PRELUDE.size + int.from_bytes(raw[4:8], "big")
    block = raw[_PRELUDE.size : headers_end]
    headers = _known_headers(block) if len(block) <= _KNOWN_BYTES else _headers(block)
    payload = raw[headers_end:-4]
    event = headers.get(":event-type") or headers.get(":exception-type") or headers.get(":error-code")
    if event == "chunk":
        payload = _unwrapped(payload)
    return Frame(raw, event if isinstance(event, str) else None, payload, headers)


def _unwrapped(payload: bytes) -> bytes:
    """
    The model's event inside a Bedrock `chunk`; `payload` itself where there is none.
    """
    try:
        inner = orjson.loads(payload)["bytes"]
        return base64.b64decode(inner, validate=True)
    except (orjson.JSONDecodeError, KeyError, TypeError, binascii.Error, ValueError):
        return payload


@lru_cache(64)
def _known_headers(block: bytes) -> dict[str, Any]:
    """
    The same headers stand before nearly every message of a kind. Shared: not to be changed.
    """
    return _headers(block)


def _headers(block: bytes) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    position = 0
    try:
        while position < len(block):
            name_end = position + 1 + block[position]
            name = block[position + 1 : name_end].decode("utf-8")
            headers[name], position = _value(block, name_end)
    except (IndexError, struct.error, UnicodeDecodeError, ValueError) as error:
        raise WireError("event stream: malformed headers") from error
    if position != len(block):
        raise WireError("event stream: malformed headers")
    return headers


def _value(block: bytes, at: int) -> tuple[Any, int]:
    kind = block[at]
    at += 1
    if kind in (0, 1):
        return kind == 0, at
    if fixed := _FIXED.get(kind):
        return fixed.unpack_from(block, at)[0], at + fixed.size
    if kind == _UUID:
        return UUID(bytes=block[at : at + 16]), at + 16
    if kind not in (_BYTES, _STRING):
        raise WireError("event stream: unknown type of a header")
    (length,) = struct.unpack_from("!H", block, at)
    value = block[at + 2 : at + 2 + length]
    if len(value) != length:
        raise WireError("event stream: malformed headers")
    return (value.decode("utf-8") if kind == _STRING else value), at + 2 + length


def encode_message(headers: dict[str, str], payload: bytes) -> bytes:
    """
    One event-stream message, with both checksums. Headers are strings, as everywhere in these services.
    """
    block = bytearray()
    for name, value in headers.items():
        name_bytes, value_bytes = name.encode("utf-8"), value.encode("utf-8")
        block += struct.pack("!B", len(name_bytes)) + name_bytes + struct.pack("!BH", _STRING, len(value_bytes)) + value_bytes
    lengths = struct.pack("!II", len(block) + len(payload) + _OVERHEAD, len(block))
    message = lengths + struct.pack("!I", zlib.crc32(lengths)) + block + payload
    return message + struct.pack("!I", zlib.crc32(message))
