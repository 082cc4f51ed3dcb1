"""
JSON text that is masked while it comes: strings stay strings, numbers stay numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from excise.privacy.redact import masked

_SIGN = re.compile(r'["\\]')
_NUMBER = re.compile(r"-?[0-9][0-9.eE+-]*")
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
_DIGIT = re.compile(r"[0-9]")

# A character of a string as JSON may escape it, at any depth of JSON inside JSON.
_ESCAPED = re.compile(r"\\{1,15}(?:u([0-9a-fA-F]{4})|([nrtbf\"/]))")
_MEANT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}

Edit = tuple[int, int, str]


class Quotes:
    """
    Follows a JSON text over the quotes in it.
    """

    __slots__ = ("_escaped", "_inside")

    def __init__(self) -> None:
        self._inside = False
        self._escaped = False  # what has gone ends with a backslash

    def go_on(self, text: str) -> None:
        """
        `text` has gone.
        """
        for _ in self._walk(text):
            pass

    def edits(self, text: str, start: int, end: int, entity: str) -> list[Edit]:
        """
        What to write over text[start:end] so that nothing of it is left and the text is still JSON.

        Args:
            text: What follows that which has gone.
        """
        inside, escaped = self._inside, self._escaped
        strings = list(self._walk(text))
        self._inside, self._escaped = inside, escaped
        edits: list[Edit] = []
        at = 0
        for first, last in strings:
            edits += _numbers(text, at, first, start, end)
            left, right = max(first, start), min(last, end)
            if left < right:
                left, right = _whole_escapes(text, first, last, left, right)
                value = text[left:right]
                edits.append((left, right, masked("" if edits or "\\" in value else entity, value)))
            at = last
        return [*edits, *_numbers(text, at, len(text), start, end)]

    def _walk(self, text: str) -> Iterator[tuple[int, int]]:
        """
        The insides of strings. Afterwards `text` counts as gone.
        """
        begin, skip = 0, 0 if self._escaped else -1
        self._escaped = False
        for sign in _SIGN.finditer(text):
            at = sign.start()
            if at == skip:
                continue
            if sign[0] == "\\":
                skip = at + 1
            elif self._inside:
                self._inside = False
                yield begin, at
            else:
                self._inside, begin = True, at + 1
        self._escaped = skip == len(text)
        if self._inside:
            yield begin, len(text)


def _numbers(text: str, first: int, last: int, start: int, end: int) -> Iterator[Edit]:
    if first < end and start < last:
        for number in _NUMBER.finditer(text, first, last):
            if number.start() < end and start < number.end():
                yield number.start(), number.end(), other_number(number[0])


def other_number(number: str) -> str:
    """
    A number of the same form: a one and zeros.
    """
    return _DIGIT.sub("1", _DIGIT.sub("0", number), count=1)


def _whole_escapes(text: str, first: int, last: int, left: int, right: int) -> tuple[int, int]:
    for escape in _ESCAPE.finditer(text, first, last):
        if escape.start() >= right:
            break
        if escape.start() < left < escape.end():
            left = escape.start()
        if escape.start() < right < escape.end():
            right = escape.end()
    return left, right


def unescaped(text: str) -> tuple[str, list[int]] | None:
    """
    `text` with the escapes of JSON undone, whatever their depth, and where each character of that began (one more for the end); `None`
    where it has none.
    """
    if "\\" not in text or _ESCAPED.search(text) is None:
        return None
    parts: list[str] = []
    places: list[int] = []
    at = 0
    for escape in _ESCAPED.finditer(text):
        parts += (text[at : escape.start()], chr(int(escape[1], 16)) if escape[1] else _MEANT.get(escape[2], escape[2]))
        places.extend(range(at, escape.start() + 1))
        at = escape.end()
    parts.append(text[at:])
    places.extend(range(at, len(text) + 1))
    return "".join(parts), places
