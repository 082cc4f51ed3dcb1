"""
Call ids: UUIDv7, so that they sort by time.
"""

from __future__ import annotations

import os
import time


def uuid7(now_ms: int | None = None, random: bytes | None = None) -> str:
    """
    A UUIDv7 as text. `now_ms`: milliseconds since the epoch; `random`: 10 bytes. Both are for tests.

    Source: RFC 9562, section 5.7.
    """
    stamp = (time.time_ns() // 1_000_000 if now_ms is None else now_ms) & 0xFFFFFFFFFFFF
    noise = int.from_bytes(os.urandom(10) if random is None else random, "big")
    value = (stamp << 80) | (0x7 << 76) | (((noise >> 62) & 0xFFF) << 64) | (0x2 << 62) | (noise & 0x3FFFFFFFFFFFFFFF)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
