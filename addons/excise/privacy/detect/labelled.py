"""
The rule for what is known only by the word beside it: `MRN: 00412233`, `"dob": "1980-02-03"`, a column headed `passport`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from excise.privacy.detect.detector import ELEMENT_END, Finding, window
from excise.privacy.detect.tabular import cells

# What stands between a label and its value: signs of assignment, quotes, brackets, markup, and a few words of filling.
FILLING = (
    r"""(?:[\s"'`:=#()\[\]{}<>|*,\x02./_\\+-]|(?<![a-z0-9])(?i:is|was|are|no|nr|num|number|numbers|nummer|num[eé]ro|n[uú]mero|numer|nro|id|code"""
    r"""|of|for|the|my|his|her|our|your|our|a|an|and|on|at|in|to|as|value|under|ist|lautet|die|der|das|von|und|est|le|la|de|du|des|el|es|il|è|o|do|da"""
    r"""|het|van|er|är|on|op|al|au|zu|with|jest|date|holder|full|new|primary|string|str|td|th|strong|b)(?![a-z0-9])|°|º|№|：){0,40}?"""
)
_LONGEST_VALUE = 80
_NEXT = 140  # characters behind a label in which the value that follows it must end
_DIGIT = re.compile(r"[0-9]")
_TABLES = 200  # header lines looked for in one text: each costs some microseconds even where there is no table


@dataclass(frozen=True, slots=True)
class Labelled:
    """
    A label, and the value beside it or, in delimited text, below it.

    Attributes:
        name, entity, keywords, weight, hits, misses: As of `Detector`.
        label: Expression that must match where a keyword begins; look-behind says that the word begins there. Write `(?i:…)` yourself.
        value: Expression of the value; the group `value`, where there is one, is what is taken out.
        reach: Characters behind the label in which the value may begin. 0: the value must follow the label, with nothing
            between but `FILLING`.
        before: Characters in front of the label in which the whole value may stand as well.
        columns: A label in the header of a table gives its column: there `value` must be the whole cell.
        digits: Values have digits: where none is near, nothing is tried.
        validate: Last word on a value: checksums, ranges, stop-words.
    """

    name: str
    entity: str
    label: str
    value: str
    keywords: tuple[str, ...] = ()
    reach: int = 0
    before: int = 0
    columns: bool = True
    digits: bool = True
    validate: Callable[[str], bool] | None = None
    weight: int = 50
    hits: tuple[str | tuple[str, str], ...] = ()
    misses: tuple[str, ...] = ()
    _label: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _value: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _next: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _group: str = field(init=False, default="value", repr=False, compare=False)

    def __post_init__(self) -> None:
        value = re.compile(self.value if "(?P<value>" in self.value else f"(?P<value>{self.value})")
        object.__setattr__(self, "_label", re.compile(self.label))
        object.__setattr__(self, "_value", value)
        object.__setattr__(self, "_next", re.compile(FILLING + value.pattern))

    @property
    def entities(self) -> tuple[str, ...]:
        return (self.entity,)

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        last, tables, number = -1, 0, -1
        rows = (0, 0)
        reach = self.reach or _NEXT
        for place, end in self._labels(text, places):
            if self.digits and number < place - self.before:
                # Most labels have no number anywhere near.
                found_digit = _DIGIT.search(text, max(0, place - self.before))
                if found_digit is None:
                    return
                number = found_digit.start()
            if not self.digits or number < end + reach:
                for found in self._beside(text, place, end):
                    start, stop = found.span(self._group)
                    if start > last and self._holds(text[start:stop]):
                        last = start
                        yield Finding(start, stop, self.entity, self.name, self.weight)
            if self.columns and tables < _TABLES and not rows[0] < place < rows[1]:
                tables += 1
                # Labels within the rows of a table head nothing; those beside this one in its header do.
                for start, stop in cells(text, place):
                    rows = (rows[0] if rows[0] > place else start, stop)
                    yield from self._cell(text, start, stop)

    def _labels(self, text: str, places: Sequence[int]) -> Iterator[tuple[int, int]]:
        match = self._label.match
        for place in places:
            if (found := match(text, place)) is not None:
                yield place, found.end()

    def _beside(self, text: str, place: int, end: int) -> Iterator[re.Match[str]]:
        if self.reach == 0:
            bound = text.find(ELEMENT_END, end, end + _NEXT)
            if (found := self._next.match(text, end, bound if bound >= 0 else min(len(text), end + _NEXT))) is not None:
                yield found
            return
        if self.before:
            start, _ = window(text, place, self.before, 0, across_key=False)
            yield from self._value.finditer(text, start, place)
        _, stop = window(text, place, 0, end - place + self.reach + _LONGEST_VALUE, across_key=True)
        for found in self._value.finditer(text, end, stop):
            if found.start() >= end + self.reach:
                return
            # What touches the end of the window may go on behind it.
            yield (found.end() == stop and self._value.match(text, found.start())) or found

    def _cell(self, text: str, start: int, stop: int) -> Iterator[Finding]:
        if stop - start <= _LONGEST_VALUE and (whole := self._value.fullmatch(text, start, stop)) is not None:
            start, stop = whole.span(self._group)
            if self._holds(text[start:stop]):
                yield Finding(start, stop, self.entity, self.name, self.weight)

    def _holds(self, value: str) -> bool:
        return value != "" and (self.validate is None or self.validate(value))


def other_scripts(rule: Labelled, words: str, *hits: str | tuple[str, str]) -> Labelled:
    """
    `rule` for labels with characters outside ASCII: a rule of its own, since the gate folds the case of ASCII alone.

    Args:
        words: Labels, or how they begin, divided by blanks, `_` for a blank within; as written, so in each case that occurs.
        hits: As of `Detector`.
    """
    listed = tuple(word.replace("_", " ") for word in words.split())
    alternatives = "|".join(re.escape(word) for word in sorted(listed, key=len, reverse=True))
    label = rf"(?<![^\W\d_])(?:{alternatives})[^\W\d_]{{0,8}}"
    return replace(rule, name=rule.name + "-other-scripts", keywords=listed, label=label, hits=hits, misses=())
