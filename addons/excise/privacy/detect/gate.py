"""
The first of the two stages: one pass over a text for the keywords of all rules at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import ahocorasick_rs

from excise.privacy.detect.detector import Rule


class Gate(Protocol):
    """
    Finds the places of keywords.
    """

    def places(self, text: str) -> dict[int, list[int]]:
        """
        Index of each rule that has a keyword in `text` -> where they begin, ascending, without repeats.
        """
        ...


class AhoCorasickGate:
    """
    The gate without Hyperscan. Linear, whatever the text.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        askers: dict[str, list[int]] = {}
        for index, rule in enumerate(rules):
            for keyword in rule.keywords:
                askers.setdefault(keyword, []).append(index)
        self._askers = [tuple(indexes) for indexes in askers.values()]
        self._automaton = ahocorasick_rs.AhoCorasick(list(askers), store_patterns=False) if askers else None

    def places(self, text: str) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        if self._automaton is None:
            return found
        askers = self._askers
        for keyword, start, _ in self._automaton.find_matches_as_indexes(ascii_lower(text), overlapping=True):
            for index in askers[keyword]:
                places = found.get(index)
                if places is None:
                    found[index] = [start]
                elif places[-1] != start:
                    places.append(start)
        for places in found.values():
            # Overlapping matches come by their end; two keywords of one rule may begin in the other order.
            if len(places) > 1:
                places[:] = sorted(set(places))
        return found


def ascii_lower(text: str) -> str:
    """
    `text` with A-Z made lower case, every other character as it was, so that places stay the same.
    """
    if text.isascii():
        return text.lower()
    lowered = text.lower()
    # A few characters grow when lowered (İ); then the slow way.
    return lowered if len(lowered) == len(text) else text.translate(_LOWER)


_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
