"""
Checksums inside tokens.

A right one is proof, so that a token is found even where it is glued to other text. A wrong one is not innocence: documentation, tests
and older tokens carry none, so no rule lets a value pass for it.
"""

from __future__ import annotations

from zlib import crc32

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BECH32 = {character: index for index, character in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def crc32_base62(body: str) -> bool:
    """
    Whether the last 6 of `body` are the base62 CRC-32 of what stands before them (GitHub, npm; `body` is without the prefix).

    Source: GitHub's engineering blog, "Behind GitHub's new authentication token formats", read 2026-11.
    """
    return len(body) > 6 and body.isascii() and body[-6:] == _base62(crc32(body[:-6].encode()))


def crc32_hex(body: str) -> bool:
    """
    Whether the last 8 of `body` are the hexadecimal CRC-32 of what stands before them (Cloudflare).

    Source: Cloudflare's documentation, "API token formats", read 2026-11.
    """
    return len(body) > 8 and body.isascii() and body[-8:].lower() == f"{crc32(body[:-8].encode()):08x}"


def bech32(text: str) -> bool:
    """
    Whether `text` (prefix, `1`, data; one case) ends in its bech32 checksum (age identities).

    Source: BIP-173 and age's format, C2SP/age, read 2026-11.
    """
    if text != text.lower() and text != text.upper():
        return False
    prefix, one, data = text.lower().rpartition("1")
    if not one or not prefix or len(data) < 6 or not set(data) <= _BECH32.keys():
        return False
    head = [ord(character) >> 5 for character in prefix] + [0] + [ord(character) & 31 for character in prefix]
    check = 1
    for value in head + [_BECH32[character] for character in data]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            if top >> bit & 1:
                check ^= generator
    return check == 1


def _base62(number: int, digits: int = 6) -> str:
    text = ""
    for _ in range(digits):
        number, digit = divmod(number, 62)
        text = _BASE62[digit] + text
    return text
