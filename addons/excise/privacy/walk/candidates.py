"""
Where base64 or hex of text may stand in a text: long words are judged by how they begin, at a fraction of a microsecond each.
"""

from __future__ import annotations

import binascii
import re
import string

SHORT = 16  # characters of the shortest run that is looked into

_SIGNS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
_ALPHABET = (_SIGNS + "-_").encode()
_ALPHANUMERIC = (string.ascii_letters + string.digits).encode()
# Every character of a run becomes B, so that the search for a run is a search for sixteen of them, written out, which is very fast.
_CLASSES = bytes(66 if code in _ALPHABET else 32 for code in range(256))
_WORD_CLASSES = bytes(66 if code in _ALPHANUMERIC else 32 for code in range(256))
_RUN = re.compile(b"B" * SHORT + b"B*+")
ONE_ALPHABET = bytes.maketrans(b"-_", b"+/")

_HEX_TEXT = re.compile(rb"(?:[2-7][0-9a-fA-F]|0[9aAdD]|[c-fC-F][0-9a-fA-F][89abAB][0-9a-fA-F]){4}")
_HEX_FIRST = frozenset(b"0234567cdefCDEF")
# Base64 of text begins with one of these: the first byte is printable, a tab or line end, or begins a character of UTF-8.
_TEXT_FIRST = "CDIJKLMNOPQRSTUVWXYZabcdefwxyz0123456789+/"
_READABLE = bytes(range(0x20, 0x7F)) + b"\t\r\n"
_DENSE = 100  # characters a run
_HEX_DIGITS = string.hexdigits.encode()


def _beginning() -> re.Pattern[bytes]:
    """
    How base64 of UTF-8 begins, or of UTF-16 with a byte order mark: too much, never too little.

    Four characters are three bytes, and their first three tell of each byte whether it is ASCII, the first of several or a continuation;
    which stands behind a first of several and nowhere else.
    """
    rest = ""
    for at in reversed(range(6)):
        gap = "." if at % 3 == 0 and at else ""
        more = "." if at % 3 == 2 else ""
        rest = f"{gap}(?:{_signs(at % 3, 0, 32)}{rest}|{_signs(at % 3, 48, 64)}{more}{_signs((at + 1) % 3, 32, 48)})"
    return re.compile(f"(?=[{_TEXT_FIRST}])(?:{rest}|//[4-7]|/v[89+/])".encode())


def _signs(at: int, least: int, end: int) -> str:
    """
    The characters that make the byte `at` of three one whose upper six bits are least <= bits < end.
    """
    return f"[{re.escape(''.join(sign for code, sign in enumerate(_SIGNS) if least <= code << 2 * at & 63 < end))}]"


_BEGINNING = _beginning()


def class_text(plain: bytes) -> bytes:
    """
    Of a text, one byte a character: B where it may be of base64, else a space.
    """
    return plain.translate(_CLASSES)


def candidates(plain: bytes, classes: bytes) -> list[tuple[int, int]]:
    """
    Ranges that may be base64 or hex of text: runs of at least `SHORT` characters, and words of letters and digits in them (a path or a
    prefix may stand in front of base64). Ascending, and a run before the words that begin where it does.

    Args:
        plain: The text, one byte a character.
        classes: Its `class_text`.
    """
    found = [run.span() for run in _RUN.finditer(classes)]
    if not found:
        return found
    found += _words(plain, found)
    heads = plain.translate(ONE_ALPHABET)
    is_text, is_hex = _BEGINNING.match, _HEX_TEXT.match
    hopeful = {
        span
        for span in found
        if (is_text(heads, start := span[0]) or (heads[start] in _HEX_FIRST and is_hex(heads, start))) and _may_hold_text(heads, *span)
    }
    return sorted(hopeful, key=lambda span: (span[0], -span[1]))


def _words(plain: bytes, runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """
    The long words in those of the runs that are more than a word; and perhaps again those that are none.
    """
    if len(runs) > len(plain) // _DENSE:
        # Most of the text is runs: looking at all of it is faster.
        return [word.span() for word in _RUN.finditer(plain.translate(_WORD_CLASSES))]
    parts = [(start, part) for start, end in runs if not (part := plain[start:end]).isalnum()]
    joined = b" ".join([part for _, part in parts])
    words: list[tuple[int, int]] = []
    following = iter(parts)
    shift = end = -1
    position = 0  # in `joined`, of the part that follows
    for word in _RUN.finditer(joined.translate(_WORD_CLASSES)):
        first, last = word.span()
        while first > end:
            start, part = next(following)
            shift, end = start - position, position + len(part)
            position = end + 1
        words.append((first + shift, last + shift))
    return words


def _may_hold_text(heads: bytes, start: int, end: int) -> bool:
    """
    The exact judgement on the first characters: of words of source code hardly one passes.

    Args:
        heads: Of the text, one byte a character, in `ONE_ALPHABET`.
    """
    first = heads[start]
    if first in _HEX_FIRST and not (end - start) % 2 and _HEX_TEXT.match(heads, start, end) is not None:
        return True
    if _BEGINNING.match(heads, start) is None:
        return False
    head = binascii.a2b_base64(heads[start : start + SHORT])
    if head.isascii():
        # With zeros: UTF-16.
        return not head.translate(None, _READABLE) or 0 in head
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return (error.start >= len(head) - 3 and error.reason == "unexpected end of data") or head[:2] in (b"\xff\xfe", b"\xfe\xff")
    return True


def is_hopeless(head: str) -> bool:
    """
    Whether what begins like this is surely neither base64 nor hex of text: so that of something long not all need be decoded to see that.

    Args:
        head: The first thousands of characters, without line ends.
    """
    data = head[: len(head) // 4 * 4].encode("ascii", "replace").translate(ONE_ALPHABET)
    if not data.translate(None, _HEX_DIGITS):
        return False
    decoded = binascii.a2b_base64(data)
    try:
        decoded.decode()
    except UnicodeDecodeError as error:
        if error.start >= len(decoded) - 3 or decoded[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return False
        # UTF-16 of Latin text is half zeros, Latin-1 nearly all readable; of random bytes a hundredth and two fifths.
        readable = len(decoded) - len(decoded.translate(None, _READABLE))
        return decoded.count(0) * 8 < len(decoded) and readable * 2 < len(decoded)
    return False
