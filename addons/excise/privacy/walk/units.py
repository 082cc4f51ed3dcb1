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

    A unit cannot be cut: a span that begins or ends inside one takes it whole. Units that decode to nothing are characters that were
    removed. The map is made when it is first asked for: most views have nothing in them.
    """

    __slots__ = ("_coded", "_decode", "_map", "_pattern", "text")

    # `text` is only kept; the map is made of the other three.
    def __init__(self, text: str, pattern: re.Pattern[str], decode: Callable[[str], str | None], coded: str) -> None:
        self.text = text
        self._pattern = pattern
        self._decode = decode
        self._coded = coded
        self._map: tuple[list[int], list[int], list[int], list[int]] | None = None

    @classmethod
    def of(cls, pattern: re.Pattern[str], decode: Callable[[str], str | None], coded: str) -> Units | None:
        """
        Decode every match of `pattern`, which must have exactly one group, around all of it. Where `decode` says `None`, it stays as it is.
        `None` where nothing changed.
        """
        # Text, unit, text, unit, …, text. Lists as a whole, for speed: there may be a unit every second character.
        parts = pattern.split(coded)
        if len(parts) == 1:
            return None
        parts[1::2] = [one if (made := decode(one)) is None else made for one in parts[1::2]]
        text = "".join(parts)
        return None if text == coded else cls(text, pattern, decode, coded)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """
        The coded range of text[start:end] (not empty). Removed characters at its edges are left outside.
        """
        starts, ends, froms, tos = self._places()
        at = bisect_right(starts, start) - 1
        if at >= 0:
            start = froms[at] if start < ends[at] else start - ends[at] + tos[at]
        at = bisect_left(starts, end) - 1
        if at >= 0:
            end = tos[at] if end <= ends[at] else end - ends[at] + tos[at]
        return start, end

    def inside(self, place: int) -> tuple[int, int] | None:
        """
        The coded range of the unit that a cut of the coded text at `place` would cut in two.
        """
        _, _, froms, tos = self._places()
        at = bisect_left(froms, place) - 1
        if at >= 0 and place < tos[at]:
            return froms[at], tos[at]
        return None

    def _places(self) -> tuple[list[int], list[int], list[int], list[int]]:
        """
        Of each unit: where it begins and ends in the decoded text, and in the coded one.
        """
        if self._map is None:
            parts = self._pattern.split(self._coded)
            coded_at = list(accumulate(map(len, parts)))
            parts[1::2] = [one if (made := self._decode(one)) is None else made for one in parts[1::2]]
            at = list(accumulate(map(len, parts)))
            self._map = at[:-1:2], at[1::2], coded_at[:-1:2], coded_at[1::2]
        return self._map
