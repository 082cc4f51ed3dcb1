"""
Checksums inside tokens.

A right one is proof, so that a token is found even where it is glued to other text. A wrong one is not innocence: documentation, tests
and older tokens carry none, so no rule lets a value pass for it.
"""

from __future__ import annotations

from zlib import crc32

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def crc32_base62(body: str) -> bool:
    """
    Whether the last 6 of `body` are the base62 CRC-32 of what stands before them (GitHub, npm; `body` is without the prefix).

    Source: GitHub's engineering blog, "Behind GitHub's new authentication token formats".
    """
    return len(body) > 6 and body.isascii() and body[-6:] == _base62(crc32(body[:-6].encode()))


def crc32_hex(body: str) -> bool:
    """
    Whether the last 8 of `body` are the hexadecimal CRC-32 of what stands before them (Cloudflare).

    Source: Cloudflare's documentation, "Token formats", read 2026-11, for prefixes and lengths; which checksum it is, it does not say.
    """
    return len(body) > 8 and body.isascii() and body[-8:].lower() == f"{crc32(body[:-8].encode()):08x}"


def _base62(number: int, digits: int = 6) -> str:
    text = ""
    for _ in range(digits):
        number, digit = divmod(number, 62)
        text = _BASE62[digit] + text
    return text
