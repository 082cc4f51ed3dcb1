"""
What a detector is, and the declarative kind most of them are.

A detector never walks a whole text by itself if it can help it: its `keywords` are looked for by the gate, all detectors' at once,
and the detector is asked only where one occurs. So the cost of a text is the gate's, plus a microsecond a place worth looking at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

ELEMENT_END = "\x03"  # between two strings of a scanned document
KEY_END = "\x02"  # between a key and its value: an assignment sign to detectors
BOUNDS = ELEMENT_END + KEY_END


class Finding(NamedTuple):
    """
    Something found in a text. Offsets in code points, end exclusive.
    """

    start: int
    end: int
    entity: str  # a name of entities.ENTITIES
    detector: str  # Rule.name
    weight: int = 50  # 0..100: which of two that cover the same place names it; well-known shapes 80, checksums 70, contexts 50, generic 20


class Rule(Protocol):
    """
    Anything that finds.

    Attributes:
        name: Stable, lower case, hyphens: the ledger's `detector`.
        entities: What it may report.
        keywords: Lower-case literals; it is asked only if one of them occurs. Case is folded for A-Z only: of words in other scripts list
            both spellings. Empty: asked for every text,
            so it must be very cheap (one linear pass of a plain expression) and there should be few.
    """

    @property
    def name(self) -> str: ...
    @property
    def entities(self) -> tuple[str, ...]: ...
    @property
    def keywords(self) -> tuple[str, ...]: ...

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        """
        What is in `text`.

        Args:
            text: A document: strings of a request joined by `BOUNDS`. No finding may cross one of these.
            places: Where its keywords begin, ascending, without repeats; empty for a rule without keywords.
        """
        ...


def names_of(rule: Rule) -> tuple[str, ...]:
    """
    What may stand as `detector` in the findings of `rule`: its name, unless it lists others as `detectors`.
    """
    names: tuple[str, ...] = getattr(rule, "detectors", (rule.name,))
    return names


@dataclass(frozen=True, slots=True)
class Detector:
    """
    A declarative rule: keywords, an expression, a check.

    Attributes:
        name: As of `Rule`.
        entity: What it reports.
        pattern: Expression of the standard `re` (compiled as given, no flags added). The group `value`, where there is one, is what is
            taken out, else the whole match. Must be linear: bounded repeats, no nested ones. Write boundaries into it.
        keywords: As of `Rule`. Without keywords the expression runs over every text.
        reach: `None`: the expression begins where a keyword begins (`pattern.match` there; look-behind works). Else (before, after):
            it is searched for in the text from that many characters before a keyword's begin to that many after it, within its element.
        across_key: With `reach`: the window may begin in the key of a value (`"ssn": …`). On for context words.
        validate: Last word on a match: checksums, ranges, stop-words.
        weight: As of `Finding`.
        hits: Samples that must be found, each with what is found in it; a plain string is found whole. Secrets are put together from
            pieces, so that scanners of source code do not flag us.
        misses: Samples in which nothing may be found by this detector.
    """

    name: str
    entity: str
    pattern: str
    keywords: tuple[str, ...] = ()
    reach: tuple[int, int] | None = None
    across_key: bool = True
    validate: Callable[[re.Match[str]], bool] | None = None
    weight: int = 80
    hits: tuple[str | tuple[str, str], ...] = ()
    misses: tuple[str, ...] = ()
    compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)
    group: str | int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        compiled = re.compile(self.pattern)
        object.__setattr__(self, "compiled", compiled)
        object.__setattr__(self, "group", "value" if "value" in compiled.groupindex else 0)

    @property
    def entities(self) -> tuple[str, ...]:
        return (self.entity,)

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        if not self.keywords:
            matches: Iterator[re.Match[str]] = self.compiled.finditer(text)
        elif self.reach is None:
            match = self.compiled.match
            matches = (found for place in places if (found := match(text, place)))
        else:
            matches = self._near(text, places, *self.reach)
        validate, group = self.validate, self.group
        last = -1
        for found in matches:
            start, end = found.span(group)
            if start > last and start < end and (validate is None or validate(found)):
                last = start
                yield Finding(start, end, self.entity, self.name, self.weight)

    def _near(self, text: str, places: Sequence[int], before: int, after: int) -> Iterator[re.Match[str]]:
        searched = 0
        for place in places:
            start, end = window(text, place, before, after, across_key=self.across_key)
            start = max(start, searched)
            if start < end:
                for found in self.compiled.finditer(text, start, end):
                    # What touches the end of the window may go on behind it.
                    yield (found.end() == end and self.compiled.match(text, found.start())) or found
                searched = end


def window(text: str, place: int, before: int, after: int, *, across_key: bool) -> tuple[int, int]:
    """
    The part of the element at `place` from `before` characters in front of it to `after` behind it.
    """
    start, end = max(0, place - before), min(len(text), place + after)
    start = max(start, text.rfind(ELEMENT_END, start, place) + 1)
    if (bound := text.find(ELEMENT_END, place, end)) >= 0:
        end = bound
    if not across_key:
        start = max(start, text.rfind(KEY_END, start, place) + 1)
        if (bound := text.find(KEY_END, place, end)) >= 0:
            end = bound
    return start, end
