"""
Identity numbers that need no name beside them, and names that stand at the very end of a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import re2

from excise.privacy.detect.detector import Finding
from excise.privacy.detect.gate import as_bytes
from excise.privacy.detect.national_ids_rules import SHORT, IdRule, expression

_LEFT_ALONE = r"(?<![0-9A-Za-z_+/%$#@.\\-])"
_RIGHT_ALONE = r"(?![0-9A-Za-z_+/=%@\\-])(?![.:][0-9])"
# A shape with spaces in it could be a part of a row of numbers, or of code points.
_LEFT_SPACED = r"(?<![0-9][ \t])(?<!\b[0-9A-F]{4}[ \t\n])"
_RIGHT_SPACED = r"(?![ \t]{1,2}[0-9])(?![ \t\n][0-9A-F]{4}\b)"
_ALPHANUMERIC = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


class Unmistakable:
    """
    The kinds whose shape needs no name, all in one pass: a text costs it the same whatever is in it.
    """

    name = "unmistakable-id"
    keywords: tuple[str, ...] = ()

    def __init__(self, rules: Sequence[IdRule]) -> None:
        self._rules = tuple(rule for rule in rules if rule.alone)
        self.entities = tuple(sorted({rule.entity for rule in self._rules}))
        self.detectors = tuple(rule.name for rule in self._rules)
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1  # shapes are ASCII, and lone surrogates have no UTF-8
        options.never_capture = True
        options.max_mem = 64 << 20
        joined = "|".join(expression(rule.alone) for rule in self._rules)
        self._any = re2.compile(rf"(?:^|[^0-9A-Za-z_+/%$#@\\-])(?:{joined})\b".encode(), options)
        self._patterns: tuple[re.Pattern[str], ...] = ()
        self._first: re.Pattern[str] | None = None

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        data = as_bytes(text)
        wide = len(data) != len(text)
        at = characters = 0
        for match in self._any.finditer(data):
            # All but the first of a text come with the sign in front of them, or with the last byte of it.
            start = match.start() if data[match.start()] in _ALPHANUMERIC else match.start() + 1
            if wide:
                characters += len(data[at:start].decode("utf-8", "surrogatepass"))
                at, start = start, characters
            if found := self._at(text, start):
                yield found

    def _at(self, text: str, start: int) -> Finding | None:
        if self._first is None:
            ways = [_alone(rule.alone) for rule in self._rules]
            self._first = re.compile("|".join(f"(?P<way{number}>{way})" for number, way in enumerate(ways)))
            self._patterns = tuple(map(re.compile, ways))
        first = self._first.match(text, start)
        if first is None or first.lastgroup is None:
            return None
        for number in range(int(first.lastgroup[3:]), len(self._rules)):
            rule = self._rules[number]
            if (found := self._patterns[number].match(text, start)) and (rule.check is None or rule.check(found[0])):
                return Finding(start, found.end(), rule.entity, rule.name, rule.certain)
        return None


class AtTheEnd:
    """
    Names of a few letters with which a text ends: the gate knows those by the sign behind them, and there is none. Elements of a document
    all have one.
    """

    name = "id-name-at-the-end"
    keywords: tuple[str, ...] = ()

    def __init__(self, rules: Sequence[IdRule]) -> None:
        self._rules: dict[str, list[IdRule]] = {}
        for rule in rules:
            for word in rule.words:
                if len(word) <= SHORT:
                    self._rules.setdefault(word, []).append(rule)
        self.entities = tuple(sorted({rule.entity for known in self._rules.values() for rule in known}))
        self.detectors = tuple(sorted({rule.name for known in self._rules.values() for rule in known}))

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        for length in range(2, SHORT + 1):
            for rule in self._rules.get(text[-length:].lower(), ()):
                yield from rule.find(text, (len(text) - length,))


def _alone(shape: str) -> str:
    ways = re.split(r"\|(?![^(]*\))", shape)
    bounded = (f"{_LEFT_SPACED}{expression(way)}{_RIGHT_SPACED}" if " " in way else expression(way) for way in ways)
    return f"{_LEFT_ALONE}(?:{'|'.join(bounded)}){_RIGHT_ALONE}"
