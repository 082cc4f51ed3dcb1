"""
How deep in JSON inside JSON a place of a text is, found while the text is still coming.
"""

from __future__ import annotations

import re

_BLANK = re.compile(r"[ \t\r\n]*")
_RUN = re.compile(r'[^"\\]*')
_SCALAR = re.compile(r"[-+.0-9A-Za-z_]*")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "\\": "\\", "/": "/"}
_MOST_LEVELS = 4  # of JSON in strings of JSON; deeper down all is text
_MOST_BRACKETS = 512

# What may come next.
_VALUE, _FIRST_VALUE, _KEY, _FIRST_KEY, _COLON, _NEXT, _DONE = range(7)


class Nesting:
    """
    Reads a text in pieces and tells for its end in how many JSON strings, one inside the other, it stands.

    A text is taken for JSON where it begins with `{` or `[` and has been JSON so far; several documents after one another are fine. So is
    the content of each string in it, and of each string in that. A text that turns out to be no JSON is prose from there on: depth 0.

    Args:
        certain: The text is meant to be JSON (arguments of a call): it may begin with a quote too.
        levels: How many levels of strings are looked into.
    """

    __slots__ = ("_certain", "_json", "_levels", "_undecided")

    def __init__(self, *, certain: bool = False, levels: int = _MOST_LEVELS) -> None:
        self._certain = certain
        self._levels = levels
        self._undecided = True
        self._json: _Json | None = None

    @property
    def depth(self) -> int:
        """
        0: outside all strings, or in prose.
        """
        return self._json.depth if self._json is not None else 0

    def feed(self, text: str) -> None:
        """
        Go on over `text`.
        """
        if self._undecided:
            start = _BLANK.match(text).end()  # type: ignore[union-attr]  # matches the empty string too
            if start == len(text):
                return
            self._undecided = False
            if text[start] in ('{["' if self._certain else "{["):
                self._json = _Json(self._levels)
        if self._json is not None and not self._json.feed(text):
            self._json = None


class _Json:
    """
    One document. `feed` is false when it is none.
    """

    __slots__ = ("_brackets", "_child", "_escape", "_in_scalar", "_in_string", "_levels", "_want")

    def __init__(self, levels: int) -> None:
        self._levels = levels
        self._brackets: list[str] = []
        self._want = _VALUE
        self._in_string = False
        self._in_scalar = False
        self._escape = ""  # the part of an escape that has come
        self._child: Nesting | None = None

    @property
    def depth(self) -> int:
        if not self._in_string:
            return 0
        return 1 + (self._child.depth if self._child is not None else 0)

    def feed(self, text: str) -> bool:
        at, end = 0, len(text)
        while at < end:
            if self._escape:
                at = self._unescape(text, at)
            elif self._in_string:
                at = self._string(text, at)
            else:
                if self._in_scalar:
                    at = _SCALAR.match(text, at).end()  # type: ignore[union-attr]  # matches the empty string too
                    if at == end:
                        return True
                    self._in_scalar = False
                at = _BLANK.match(text, at).end()  # type: ignore[union-attr]  # as above
                if at < end:
                    if not self._step(text[at]):
                        return False
                    at += 1
        return True

    def _string(self, text: str, at: int) -> int:
        run = _RUN.match(text, at)
        assert run is not None
        if self._child is not None and run.end() > at:
            self._child.feed(run[0])
        at = run.end()
        if at < len(text):
            if text[at] == "\\":
                self._escape = "\\"
            else:
                self._in_string = False
                self._child = None
            at += 1
        return at

    def _unescape(self, text: str, at: int) -> int:
        self._escape += text[at]
        if self._escape[1] == "u" and len(self._escape) < 6:
            return at + 1
        escape, self._escape = self._escape, ""
        if self._child is not None:
            if escape[1] == "u":
                try:
                    self._child.feed(chr(int(escape[2:], 16)))
                except ValueError:
                    self._child.feed(escape)
            else:
                self._child.feed(_ESCAPED.get(escape[1], escape))
        return at + 1

    def _step(self, sign: str) -> bool:
        want, brackets = self._want, self._brackets
        if sign == '"':
            return self._quote()
        if sign in "{[":
            if want not in (_VALUE, _FIRST_VALUE, _DONE) or len(brackets) == _MOST_BRACKETS:
                return False
            brackets.append(sign)
            self._want = _FIRST_KEY if sign == "{" else _FIRST_VALUE
        elif sign in "}]":
            if not brackets or (brackets[-1] == "{") != (sign == "}") or want not in (_NEXT, _FIRST_KEY, _FIRST_VALUE):
                return False
            brackets.pop()
            self._after()
        elif sign == ",":
            if want != _NEXT or not brackets:
                return False
            self._want = _KEY if brackets[-1] == "{" else _VALUE
        elif sign == ":":
            if want != _COLON:
                return False
            self._want = _VALUE
        else:
            if want not in (_VALUE, _FIRST_VALUE) or not _SCALAR.match(sign).end():  # type: ignore[union-attr]  # as above
                return False
            self._in_scalar = True
            self._after()
        return True

    def _quote(self) -> bool:
        if self._want in (_KEY, _FIRST_KEY):
            self._want = _COLON
        elif self._want in (_VALUE, _FIRST_VALUE):
            if self._levels > 1:
                self._child = Nesting(levels=self._levels - 1)
            self._after()
        else:
            return False
        self._in_string = True
        return True

    def _after(self) -> None:
        self._want = _NEXT if self._brackets else _DONE
