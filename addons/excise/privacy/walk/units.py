"""
Which characters of a decoded text stand for which of the coded one.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from itertools import accumulate


class Units:
    """
    A decoded text and its map: between the units (an escape and what it stands for) both run in step.

    Unit i is text[starts[i]:ends[i]] decoded and coded[froms[i]:tos[i]] coded. It cannot be cut: a span that begins or ends inside one
    takes it whole. Units that decode to nothing are characters that were removed.
    """

    __slots__ = ("ends", "froms", "starts", "text", "tos")

    def __init__(self, text: str, starts: list[int], ends: list[int], froms: list[int], tos: list[int]) -> None:
        self.text = text
        self.starts = starts
        self.ends = ends
        self.froms = froms
        self.tos = tos

    @classmethod
    def of(cls, pattern: re.Pattern[str], decode: Callable[[str], str | None], coded: str) -> Units | None:
        """
        Decode every match of `pattern`, which must have exactly one group, around all of it. Where `decode` says `None`, it stays as it is.
        `None` where nothing changed.
        """
        # Text, unit, text, unit, …, text. Lists as a whole, for speed: there may be a unit every second character.
        parts = pattern.split(coded)
        units = parts[1::2]
        if not units:
            return None
        plain = [one if (made := decode(one)) is None else made for one in units]
        if plain == units:
            return None
        coded_at = list(accumulate(map(len, parts)))
        parts[1::2] = plain
        plain_at = list(accumulate(map(len, parts)))
        return cls("".join(parts), plain_at[:-1:2], plain_at[1::2], coded_at[:-1:2], coded_at[1::2])

    def span(self, start: int, end: int) -> tuple[int, int]:
        """
        The coded range of text[start:end] (not empty). Removed characters at its edges are left outside.
        """
        at = bisect_right(self.starts, start) - 1
        if at >= 0:
            start = self.froms[at] if start < self.ends[at] else start - self.ends[at] + self.tos[at]
        at = bisect_left(self.starts, end) - 1
        if at >= 0:
            end = self.tos[at] if end <= self.ends[at] else end - self.ends[at] + self.tos[at]
        return start, end

    def inside(self, place: int) -> tuple[int, int] | None:
        """
        The coded range of the unit that a cut of the coded text at `place` would cut in two.
        """
        at = bisect_left(self.froms, place) - 1
        if at >= 0 and place < self.tos[at]:
            return self.froms[at], self.tos[at]
        return None
