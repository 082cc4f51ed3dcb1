"""
Known values, found again wherever they stand.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import NoReturn

import ahocorasick_rs

from excise.privacy.detect.detector import BOUNDS, Finding

_WEIGHT = 100  # nothing knows better than who has seen the value before
_LONG = 8
_HEADS = (16, 8, 4, 2, 1)  # a value is looked for by as many of its first characters: few lengths, so few hits at one place
_BLOCK = 1 << 16
_RECENT = 512
# How much work a text may cause before values are no longer told apart; a unit is up to a microsecond.
_UNITS = 100_000
_UNITS_PER_SIGN = 1
_COMPARED_PER_UNIT = 128

_BOUND = re.compile(f"[{BOUNDS}]")


class KnownValues:
    """
    Finds given values exactly, wherever they stand, all at once. Immutable. What it gives does not overlap: of values that do, one span
    that covers them all, named by the longest.

    Not inside a longer number, nor a short value inside a longer word: `Ann` is not found in `Annex`, nor 555123456 in 15551234567. A
    value of 8 characters or more is found inside words too: a model writes `PERSON_…s` for a genitive, and what came back as `Alexanders`
    must be found again. Scripts that put no space between words have no such bounds.

    Time is linear in the text. Texts and values made of the same repetition could cost more than that; when a text has cost a step a
    character, the rest of it is searched for the first characters of values only, and what follows these is covered to the length of the
    longest value: too much, never too little.

    Values are kept whole whatever their length, and searched by their first 16 characters, so a long one costs no more than its text.

    Attributes:
        generation: Of the vault when this was made, see `Vault.generation`.

    Args:
        values: Value -> name of its entity, or pairs of these, of which the first of a value counts.
        generation: As above.
        before: Values already made ready, which are in this too.
    """

    name = "known-value"
    keywords: tuple[str, ...] = ()

    __slots__ = ("_many", "_recent", "entities", "generation")

    def __init__(
        self, values: Mapping[str, str] | Iterable[tuple[str, str]], *, generation: int = 0, before: KnownValues | None = None
    ) -> None:
        self.generation = generation
        self._many: _Tier = before._many if before is not None else _Tier({})
        self._recent: _Tier = before._recent if before is not None else _Tier({})
        new: dict[str, str] = {}
        for value, entity in values.items() if isinstance(values, Mapping) else values:
            # A value cannot reach over the bounds of a document's strings; one with such a character inside was none of a document.
            if value and value not in self._many.values and value not in self._recent.values and not _BOUND.search(value):
                new.setdefault(value, entity)
        # Two tiers: the many are made anew only when the recent have become too many, so one value more costs a millisecond.
        if len(self._recent.values) + len(new) > _RECENT:
            self._many, self._recent = _Tier({**self._many.values, **self._recent.values, **new}), _Tier({})
        elif new:
            self._recent = _Tier({**self._recent.values, **new})
        self.entities = tuple(sorted(self._many.entities | self._recent.entities))

    def __repr__(self) -> str:
        return f"<KnownValues: {len(self._many.values) + len(self._recent.values)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("known values are not serialised")

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        tiers = [tier for tier in (self._many, self._recent) if tier.values]
        if not tiers:
            return
        searched = _searchable(text)
        units = _UNITS + _UNITS_PER_SIGN * len(text)
        span: Finding | None = None
        longest = 0  # of the values in `span`
        for block in range(0, len(text), _BLOCK):
            hits = [
                (start + block, -tier.groups[index].longest, tier.groups[index], tier)
                for tier in tiers
                for index, start, _ in tier.search(searched[block : block + _BLOCK + _HEADS[0] - 1])
                if start < _BLOCK
            ]
            units -= len(hits)
            hits.sort(key=_place)
            for start, _, group, tier in hits:
                reach = span.end if span is not None else 0
                if start + group.longest <= reach:
                    continue  # all it could be is covered
                end, work = group.end_of_longest(text, start, reach)
                units -= work
                if end:
                    entity = tier.values[text[start:end]]
                    if span is None or start >= reach:
                        if span is not None:
                            yield span
                        span, longest = Finding(start, end, entity, self.name, _WEIGHT), end - start
                    else:
                        if end - start > longest:
                            span, longest = span._replace(entity=entity), end - start
                        span = span._replace(end=end)
                if units < 0:
                    yield from _covered(text, searched, start, span, tiers)
                    return
        if span is not None:
            yield span


def _place(hit: tuple[int, int, _Group, _Tier]) -> tuple[int, int]:
    return hit[:2]


class _Group:
    """
    Values that begin with the same characters.
    """

    __slots__ = ("head", "longest", "values")

    def __init__(self, head: int, values: list[str]) -> None:
        self.head = head
        self.values = sorted(values)
        self.longest = max(map(len, values))

    def end_of_longest(self, text: str, start: int, reach: int) -> tuple[int, int]:
        """
        Where the longest of the values ends that stands at `start` by itself and ends behind `reach`; 0 where none does. And the work
        it was.
        """
        rest = text[start : start + self.longest]
        work = 2
        while len(rest) >= self.head and start + len(rest) > reach:
            work += 1 + len(rest) // _COMPARED_PER_UNIT
            # What `rest` begins with sorts before it, and whatever sorts between the two begins with the same.
            at = bisect_right(self.values, rest)
            if not at:
                break
            value = self.values[at - 1]
            if not rest.startswith(value):
                rest = rest[: _shared(rest, value)]
            elif start + len(value) <= reach:
                break
            elif _stands_alone(text, start, start + len(value), len(value) < _LONG):
                return start + len(value), work
            else:
                rest = rest[: len(value) - 1]
            if work > _UNITS:
                break
        return 0, work


class _Tier:
    __slots__ = ("_automaton", "entities", "groups", "longest", "values")

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values
        self.entities = frozenset(values.values())
        grouped: dict[str, list[str]] = {}
        for value in values:
            length = len(value)
            head = next(head for head in _HEADS if length >= head)
            grouped.setdefault(value[:head], []).append(value)
        self.groups = [_Group(len(head), same) for head, same in grouped.items()]
        self.longest = max(map(len, values), default=0)
        patterns = [_searchable(head) for head in grouped]
        self._automaton = ahocorasick_rs.AhoCorasick(patterns, store_patterns=False) if patterns else None

    def search(self, text: str, *, overlapping: bool = True) -> list[tuple[int, int, int]]:
        """
        Index of the group, begin and end of every head in `text`.
        """
        return self._automaton.find_matches_as_indexes(text, overlapping=overlapping) if self._automaton is not None else []


def _covered(text: str, searched: str, at: int, span: Finding | None, tiers: list[_Tier]) -> Iterator[Finding]:
    """
    The spans from `at` on, without a look at what follows the values' heads.
    """
    widest = _HEADS[0] + max(tier.longest for tier in tiers)
    rest = searched[at:]
    hits = [(start + at, index, tier) for tier in tiers for index, start, _ in tier.search(rest, overlapping=False)]
    bound = -1
    for start, index, tier in sorted(hits, key=itemgetter(0)):
        if bound < start:
            found = _BOUND.search(text, start)
            bound = found.start() if found else len(text)
        end = min(start + widest, bound)
        if span is not None and start < span.end:
            span = span._replace(end=max(span.end, end))
            continue
        # A head that overlaps this one is not among the hits, and may begin before it.
        before = max(0, start - _HEADS[0])
        first = max(before, *(text.rfind(sign, before, start) + 1 for sign in BOUNDS))
        if span is not None and first < span.end:
            span = span._replace(end=max(span.end, end))
            continue
        if span is not None:
            yield span
        span = Finding(first, end, tier.values[tier.groups[index].values[0]], KnownValues.name, _WEIGHT)
    if span is not None:
        yield span


def _shared(one: str, other: str) -> int:
    """
    How many first characters two texts share.
    """
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


_SURROGATES = dict.fromkeys(range(55296, 57344), 65533)


def _searchable(text: str) -> str:
    # The search takes UTF-8, which has no lone surrogates; JSON escapes may have made some. Length stays.
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.translate(_SURROGATES)
    return text


def _stands_alone(text: str, start: int, end: int, short: bool) -> bool:
    before = text[start - 1] if start else ""
    after = text[end] if end < len(text) else ""
    return not (_glued(text[start], before, short) or _glued(text[end - 1], after, short))


def _glued(edge: str, neighbour: str, short: bool) -> bool:
    if not neighbour or not _spaced(neighbour):
        return False
    if edge.isdigit():
        return True
    return short and _spaced(edge)


def _spaced(sign: str) -> bool:
    """
    A digit, or a letter of a script that puts spaces between its words (those before Thai in Unicode's order, and Latin's additions).
    """
    code = ord(sign)
    return sign.isalnum() and (code < 0x0E00 or 0x1E00 <= code < 0x2000)
