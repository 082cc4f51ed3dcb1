"""
The shape of a text: one byte a character that says digit, letter, blank or sign, so that forms of numbers are found as plain byte strings.

An expression that begins with a class of characters walks a text at some 100 MB/s; one that begins with a plain string at several
times that, and digits of any value are a plain string here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

DIGIT, LETTER, BLANK, OTHER = b"0A ,"


def _classes() -> bytes:
    table = bytearray([OTHER] * 256)
    for code in range(256):
        sign = chr(code)
        if sign in "0123456789":
            table[code] = DIGIT
        elif sign.isalpha() or sign == "_":
            table[code] = LETTER
        elif sign in " \xa0":
            table[code] = BLANK
        elif sign in "-.()+/":
            table[code] = code
    return bytes(table)


_CLASSES = _classes()
# Blanks and dashes outside Latin-1 that stand between groups of digits: narrow, thin and figure space; hyphens and the en dash. Rarer ones
# are made plain by compatibility normalisation, before texts come here.
_BLANKS = "\u202f\u2009\u2007"
_DASHES = "\u2011\u2010\u2013"


def shape(text: str) -> bytes:
    """
    `text` as classes: `0` digit, `A` letter or underscore, space, `-`, `.`, `(`, `)`, `+`, `/` themselves, `,` all else. As long as `text`.
    Letters outside Latin-1 count as `,`.
    """
    if not text.isascii():
        text = plain(text)
    return text.encode("latin-1", "replace").translate(_CLASSES)


def plain(text: str) -> str:
    """
    `text`, as long as before, with typographic blanks and dashes as the plain ones.
    """
    if not text.isascii():
        # Six searches and seldom a replacement: `translate` takes a hundred times as long.
        for plain_sign, signs in ((" ", _BLANKS), ("-", _DASHES)):
            for sign in signs:
                if sign in text:
                    text = text.replace(sign, plain_sign)
    return text


def digits_of(text: str) -> str:
    """
    The ASCII digits of `text`.
    """
    return text.encode("ascii", "ignore").translate(None, _NO_DIGITS).decode("ascii")


def luhn(digits: str) -> bool:
    """
    Whether the last digit is right. Source: ISO/IEC 7812-1, annex B.

    Args:
        digits: ASCII digits and nothing else.
    """
    signs = digits.encode("ascii")
    return (sum(signs[::-2].translate(_VALUES)) + sum(signs[-2::-2].translate(_DOUBLED))) % 10 == 0


_NO_DIGITS = bytes(code for code in range(256) if code not in b"0123456789")
_VALUES = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def words_of(text: str, signs: str, least: int) -> Iterator[tuple[int, int]]:
    """
    Words of `text` made of `signs` alone, `least` of them or more: (start, end), ascending. Other letters, digits and underscores end no
    word, they spoil it.
    """
    classes, expression = _word_classes(signs, least)
    for word in expression.finditer((" " + text).encode("latin-1", "replace").translate(classes)):
        yield word.start(), word.end() - 1


@cache
def _word_classes(signs: str, least: int) -> tuple[bytes, re.Pattern[bytes]]:
    table = bytes(
        ord("x") if chr(code) in signs else ord("o") if chr(code).isalnum() or chr(code) == "_" else ord(" ") for code in range(256)
    )
    # The blank in front makes the beginning a plain string.
    return table, re.compile(rb" x{%d,}(?![xo])" % least)
