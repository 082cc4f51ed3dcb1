"""
Detectors of the operator: expressions, and dictionaries of values that must not leave.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import re2

from excise.privacy.detect.detector import BOUNDS, Finding

_WORD = re.compile(r"\w+")
_BOUND = re.compile(f"[{BOUNDS}]")
_WEIGHT = 90  # an operator knows better than we do what a thing is


class OwnPattern:
    """
    An expression of the operator's. RE2 runs it, in linear time whatever it says.

    Args:
        pattern: In RE2's syntax. Its first group, where there is one, is what is taken out.

    Raises:
        ValueError: RE2 cannot run it.
    """

    keywords: tuple[str, ...] = ()

    def __init__(self, name: str, entity: str, pattern: str) -> None:
        self.name = name
        self.entities = (entity,)
        options = re2.Options()
        options.log_errors = False
        try:
            self._compiled = re2.compile(pattern, options)
        except re2.error:
            raise ValueError("RE2 cannot run this expression") from None
        self._group = 1 if self._compiled.groups else 0

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        for found in self._compiled.finditer(text):
            start, end = found.span(self._group)
            if start < 0 or start == end:
                continue
            if _BOUND.search(text, start, end) is None:
                yield self._finding(start, end)
            else:  # it ran over the end of an element: each of them by itself
                yield from self._in_elements(text, found.span())

    def _in_elements(self, text: str, span: tuple[int, int]) -> Iterator[Finding]:
        start = max((text.rfind(bound, 0, span[0]) for bound in BOUNDS), default=-1) + 1
        while start < span[1]:
            bound = _BOUND.search(text, start)
            end = bound.start() if bound else len(text)
            for found in self._compiled.finditer(text[start:end]):
                at, to = found.span(self._group)
                if 0 <= at < to:
                    yield self._finding(start + at, start + to)
            start = end + 1

    def _finding(self, start: int, end: int) -> Finding:
        return Finding(start, end, self.entities[0], self.name, _WEIGHT)


class OwnDictionary:
    """
    Values of the operator's, found wherever they stand exactly so. What is kept of them is a keyed digest, so that neither a dump of our
    memory nor a log can give them away.

    A value is looked for where a run of word characters begins, so one that is glued to a longer word in front is not found; what follows
    it must not go on with a word character either, unless the value itself ends with another one.

    Args:
        values: Those shorter than `min_length` are left out.
        key: Of the digests: 32 random bytes of this process.
        fold: Case does not count.
    """

    keywords: tuple[str, ...] = ()

    def __init__(self, name: str, entity: str, values: Iterable[str], *, key: bytes, fold: bool = False, min_length: int = 6) -> None:
        self.name = name
        self.entities = (entity,)
        self._key = key
        self._fold = fold
        # First run of word characters (hashed by Python's own keyed hash) -> lengths of values that begin with it, and their digests.
        # A value's characters before its first run are looked for backwards from there.
        self._starts: dict[int, dict[tuple[int, int], set[bytes]]] = {}
        for value in values:
            value = self._folded(value.strip())
            first = _WORD.search(value)
            if len(value) < min_length or first is None or _BOUND.search(value):
                continue
            lead = first.start()
            by_length = self._starts.setdefault(hash(first[0]), {})
            by_length.setdefault((lead, len(value)), set()).add(self._digest(value))
        self.longest = max((length for by_length in self._starts.values() for _, length in by_length), default=0)  # characters
        self.size = sum(len(digests) for by_length in self._starts.values() for digests in by_length.values())

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        starts = self._starts
        if not starts:
            return
        folded = self._folded(text)
        if len(folded) != len(text):  # a few characters grow when folded
            folded = "".join(low if len(low := char.casefold()) == 1 else char for char in text)
        for word in _WORD.finditer(folded):
            by_length = starts.get(hash(word[0]))
            if by_length is None:
                continue
            longest = 0
            at = word.start()
            for (lead, length), known in by_length.items():
                start, end = at - lead, at - lead + length
                fits = start >= 0 and end <= len(folded) and length > longest and self._ends(folded, end)
                if fits and self._digest(folded[start:end]) in known:
                    longest, begin = length, start
            if longest:
                yield Finding(begin, begin + longest, self.entities[0], self.name, _WEIGHT + 5)

    def _ends(self, text: str, end: int) -> bool:
        return end == len(text) or not (_word(text[end]) and _word(text[end - 1]))

    def _folded(self, text: str) -> str:
        return text.casefold() if self._fold else text

    def _digest(self, value: str) -> bytes:
        return hmac.digest(self._key, value.encode("utf-8", "surrogatepass"), "sha256")


def _word(char: str) -> bool:
    return char.isalnum() or char == "_"


def values_of(form: str, content: str) -> list[str]:
    """
    The values of a dictionary file.

    Args:
        form: `lines`: one a line; `env`: `NAME=value` lines, quotes taken off, `export` and comments skipped; `json`: every text that
            stands somewhere as a value.

    Raises:
        ValueError: JSON that is none.
    """
    if form == "json":
        import orjson

        try:
            return list(_texts(orjson.loads(content)))
        except orjson.JSONDecodeError:
            raise ValueError("not JSON") from None
    lines = [line.strip() for line in content.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    return lines if form == "lines" else [value for line in lines if (value := _assigned(line))]


def _assigned(line: str) -> str:
    _, _, value = line.partition("=")
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    return value


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
