"""
What Hyperscan looks for in place of keywords, and which rules are asked where it is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from excise.privacy.detect.detector import Detector, Rule
from excise.privacy.detect.heads import ANY, EDGE_SIGN, Class, Head, Way, both, heads, letters
from excise.privacy.detect.labelled import Labelled
from excise.privacy.detect.national_ids_rules import IdRule

_RARE = 6  # bytes of a head from which on it does not matter what stands in front: classes there make compiling slow

# As of `national_ids_rules.begins`, where a word is of ASCII.
_WORD_BEGINS = r"(?<![0-9A-Za-z])|(?<![A-Z])(?=[A-Z])|(?=[^\x00-\x7f])"


class Asker(NamedTuple):
    """
    What is looked for, and which rules are asked where it is.

    Attributes:
        looked_for: Classes of bytes, one in front of the place among them where `shift` is 1.
        least: Bytes of the keyword.
    """

    looked_for: Head
    shift: int
    least: int

    @property
    def may_match_an_edge(self) -> bool:
        """
        Whether its keyword may be taken to begin or end with the sign before or behind the text.
        """
        return any(self.looked_for[at] >> EDGE_SIGN[0] & 1 for at in (self.shift, -1))


def askers_of(rules: Sequence[Rule]) -> dict[Asker, tuple[int, ...]]:
    """
    With the indexes of the rules each asks.
    """
    askers: dict[Asker, dict[int, None]] = {}
    for index, rule in enumerate(rules):
        for asker in _asked_for(rule):
            askers.setdefault(asker, {})[index] = None
    return {asker: tuple(indexes) for asker, indexes in askers.items()}


def _asked_for(rule: Rule) -> Iterator[Asker]:
    """
    Where `rule` is to be asked: places that begin so.
    """
    keywords = [letters(keyword) for keyword in rule.keywords]
    begins = _begins_at_keywords(rule)
    ways: tuple[Way, ...] = (Way((), ANY),)
    if begins is not None and keywords:
        ways = heads(begins, min(map(_ascii_characters, rule.keywords)))
    # Many differ only in what they end in: together they are one.
    lasts: dict[tuple[Head, int, int], Class] = {}
    for keyword in keywords:
        for way in ways:
            if (joined := both(keyword, way.head)) is not None:
                shift = int(way.before != ANY and len(joined) < _RARE)
                head = (way.before, *joined) if shift else joined
                same = head[:-1], shift, len(keyword)
                lasts[same] = lasts.get(same, 0) | head[-1]
    for (head, shift, least), last in lasts.items():
        yield Asker((*head, last), shift, least)


def _ascii_characters(keyword: str) -> int:
    return next((at for at, one in enumerate(keyword) if not one.isascii()), len(keyword))


def _begins_at_keywords(rule: Rule) -> str | None:
    """
    An expression that must match where a keyword begins, or nothing is found there.
    """
    if isinstance(rule, Detector) and rule.reach is None:
        return rule.pattern
    if isinstance(rule, Labelled):
        return rule.label
    return _WORD_BEGINS if isinstance(rule, IdRule) else None
