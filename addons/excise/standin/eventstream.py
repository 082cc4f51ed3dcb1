"""
Write AWS event-stream frames.

A frame is: total length, headers length, CRC-32 of those eight bytes, headers, payload, CRC-32 of all before. Big-endian.

Source: botocore `eventstream.py` and recorded frames, read 2026-11.
"""

from __future__ import annotations

import struct
from zlib import crc32

STRING = 7


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """
    One frame with string headers.
    """
    head = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", STRING, len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", 16 + len(head) + len(payload), len(head))
    body = prelude + struct.pack("!I", crc32(prelude)) + head + payload
    return body + struct.pack("!I", crc32(body))


def event(name: str, payload: bytes) -> bytes:
    """
    A frame that carries one event as JSON.
    """
    return frame({":event-type": name, ":content-type": "application/json", ":message-type": "event"}, payload)


def exception(name: str, payload: bytes) -> bytes:
    """
    A frame that ends a stream with an error.
    """
    return frame({":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}, payload)
