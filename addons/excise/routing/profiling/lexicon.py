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
_NOTHING = (-1, "")
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


_NO_LETTERS = re.compile(r"[\W_]")
# Of bytes, which are replaced ten times as fast as characters.
_ASCII_BLANKED: Final = bytes(code if chr(code).isalnum() else 0x20 for code in range(128)).ljust(256)


def _blanked(text: str) -> str:
    """
    With a blank for everything that is no letter and no digit, and one on each side: a word's bounds are blanks then.
    """
    plain = text.encode().translate(_ASCII_BLANKED).decode() if text.isascii() else _NO_LETTERS.sub(" ", text)
    return f" {plain} "


def _phrases() -> dict[str, tuple[str, int, int]]:
    """
    What is looked for in a blanked text, its bounds included -> its group, and how many characters of it are bounds before and after.
    """
    found: dict[str, tuple[str, int, int]] = {}
    for group, text in GROUPS.items():
        for phrase in text.split(","):
            phrase = " ".join(phrase.split())
            stem = phrase.endswith("*")
            phrase = folded(phrase.rstrip("*"))
            if not phrase:
                continue
            if _UNBOUND.search(phrase) is not None:
                found.setdefault(_blanked(phrase)[1:-1], (group, 0, 0))
            elif stem:
                found.setdefault(_blanked(phrase)[:-1], (group, 1, 0))
            else:
                found.setdefault(_blanked(phrase), (group, 1, 1))
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
    for index, start, end in _MATCHER.find_matches_as_indexes(_blanked(text), overlapping=True):
        group, before, after = _KINDS[index]
        at, last = start + before - 1, end - after - 1
        if longest.get(at, _NOTHING)[0] < last:
            longest[at] = last, group
    return [Hit(start, end, group) for start, (end, group) in sorted(longest.items())]
