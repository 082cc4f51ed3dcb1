"""
The first of the two stages: one pass over a text for the keywords of all rules at once.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import ahocorasick_rs

from excise.privacy.detect.detector import Rule

EDGE = 128


class Gate(Protocol):
    """
    Finds the places of keywords.
    """

    def places(self, text: str) -> dict[int, list[int]]:
        """
        Index of each rule that has a keyword in `text` -> where they begin, ascending, without repeats.
        """
        ...

    def stretches(self, text: str) -> dict[int, list[tuple[int, int]]]:
        """
        Index of a rule without keywords -> ranges outside of which it can find nothing, ascending and apart; `EDGE` characters at both
        ends of each (but not at those of the text) are shown for context only. Rules that are not in it must look at the whole text.
        """
        ...


class AhoCorasickGate:
    """
    The gate without Hyperscan. Linear, whatever the text.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        askers: dict[bytes, list[int]] = {}
        for index, rule in enumerate(rules):
            for keyword in rule.keywords:
                askers.setdefault(as_bytes(keyword), []).append(index)
        self._askers = [tuple(indexes) for indexes in askers.values()]
        # A table of all transitions where there are few enough: twice as fast, some MB.
        self._automaton = (
            ahocorasick_rs.BytesAhoCorasick(list(askers), implementation=ahocorasick_rs.Implementation.DFA) if askers else None
        )

    def places(self, text: str) -> dict[int, list[int]]:
        if self._automaton is None:
            return {}
        # Only A-Z are folded in bytes, which is what a keyword asks for, and every place stays where it was.
        data = as_bytes(text)
        starts: dict[int, list[int]] = {}
        for keyword, start, _ in self._automaton.find_matches_as_indexes(data.lower(), overlapping=True):
            if keyword in starts:
                starts[keyword].append(start)
            else:
                starts[keyword] = [start]
        return asked(starts, self._askers, data, len(text))

    def stretches(self, text: str) -> dict[int, list[tuple[int, int]]]:
        del text
        return {}


def asked(starts: Mapping[int, list[int]], askers: Sequence[Sequence[int]], data: bytes, characters: int) -> dict[int, list[int]]:
    """
    From where keywords begin to where rules are asked.

    Args:
        starts: Index of a keyword -> offsets of bytes, ascending.
        askers: Index of a keyword -> indexes of the rules that have it.
        data: The text as bytes.
        characters: Its length as a string.
    """
    if len(data) != characters:
        starts = _in_characters(starts, data)
    found: dict[int, list[int]] = {}
    several: set[int] = set()
    for keyword, places in starts.items():
        for index in askers[keyword]:
            if index in found:
                # A list may be shared between rules: it is never changed.
                found[index] = found[index] + places
                several.add(index)
            else:
                found[index] = places
    for index in several:
        found[index] = sorted(set(found[index]))
    return found


def as_bytes(text: str) -> bytes:
    """
    `text` as UTF-8; lone surrogates, which come from JSON escapes, as three bytes each.
    """
    return text.encode("utf-8", "surrogatepass")


def in_characters(data: bytes, offsets: Iterable[int]) -> dict[int, int]:
    """
    Offsets of bytes (none inside a character) -> of characters.
    """
    ordered = sorted(set(offsets))
    if len(ordered) > len(data) // _MANY:
        # Where the bytes stand that begin no character, once for all offsets.
        ends = [found.end() for found in _FOLLOWING.finditer(data)]
        return {offset: offset - bisect_right(ends, offset) for offset in ordered}
    characters: dict[int, int] = {}
    at = count = 0
    for offset in ordered:
        count += len(data[at:offset].translate(None, _FOLLOWINGS))
        characters[offset] = count
        at = offset
    return characters


_MANY = 20  # bytes an offset
_FOLLOWINGS = bytes(range(0x80, 0xC0))  # every byte of a character but its first
_FOLLOWING = re.compile(b"[" + re.escape(_FOLLOWINGS) + b"]")


def _in_characters(starts: Mapping[int, list[int]], data: bytes) -> dict[int, list[int]]:
    characters = in_characters(data, (start for places in starts.values() for start in places))
    return {keyword: [characters[start] for start in places] for keyword, places in starts.items()}


def ascii_lower(text: str) -> str:
    """
    `text` with A-Z made lower case, every other character as it was, so that places stay the same.
    """
    return text.lower() if text.isascii() else as_bytes(text).lower().decode("utf-8", "surrogatepass")
