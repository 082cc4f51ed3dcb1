"""
One matcher for the words of all groups and languages.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import ahocorasick_rs

from excise.routing.profiling.words import GROUPS


class Hit(NamedTuple):
    """
    A word found: where it begins and ends in the folded text, and its group.
    """

    start: int
    end: int
    group: str


_ACCENTS = (
    "àa áa âa ãa äa åa ąa çc ćc čc ďd ðd èe ée êe ëe ęe ěe ìi íi îi ïi ıi łl ñn ńn ňn òo óo ôo õo öo øo őo"
    " řr śs šs ťt ùu úu ûu üu ůu űu ýy ÿy źz żz žz ёе ’'"
)
_FOLDS: Final = (*((pair[0], pair[1]) for pair in _ACCENTS.split()), ("ß", "ss"), ("œ", "oe"), ("æ", "ae"))
# Scripts written without blanks: nothing bounds a word there.
_UNBOUND = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


def folded(text: str) -> str:
    """
    `text` in lower case and without accents. It must not hold lone surrogates.
    """
    text = text.lower()
    if text.isascii():
        return text
    for accented, plain in _FOLDS:
        text = text.replace(accented, plain)
    return text


def _phrases() -> dict[str, tuple[str, bool, bool]]:
    """
    Phrase -> its group, whether its end must be the end of a word, whether it has bounds at all.
    """
    found: dict[str, tuple[str, bool, bool]] = {}
    for group, text in GROUPS.items():
        for phrase in text.split(","):
            phrase = " ".join(phrase.split())
            stem = phrase.endswith("*")
            if phrase := folded(phrase.rstrip("*")):
                found.setdefault(phrase, (group, not stem, _UNBOUND.search(phrase) is None))
    return found


_PHRASES: Final = _phrases()
_KINDS: Final = tuple(_PHRASES.values())
_MATCHER: Final = ahocorasick_rs.AhoCorasick(
    list(_PHRASES), store_patterns=False, implementation=ahocorasick_rs.Implementation.ContiguousNFA
)


def hits_in(text: str) -> list[Hit]:
    """
    Words of all groups in a folded text, in order; of those that begin at one place the longest.
    """
    longest: dict[int, tuple[int, str]] = {}
    size = len(text)
    for index, start, end in _MATCHER.find_matches_as_indexes(text, overlapping=True):
        group, closed, bounded = _KINDS[index]
        if bounded and ((start and text[start - 1].isalnum()) or (closed and end < size and text[end].isalnum())):
            continue
        # They come in the order in which they end.
        longest[start] = end, group
    return [Hit(start, end, group) for start, (end, group) in sorted(longest.items())]
