"""
Names that may not repeat.
"""

from __future__ import annotations

from collections.abc import Iterable

_ROOM = 6  # characters for the number: a joint and five digits


class Distinct:
    """
    Tells names apart by numbers. All of them together take time in proportion to their count, however alike they are.

    Args:
        taken: Names nobody may be given.
        longest: Characters of a name at most.
        joint: Between name and number.
        first: The number of the second of a name.
    """

    __slots__ = ("_first", "_joint", "_longest", "_reached", "_taken")

    def __init__(self, taken: Iterable[str] = (), *, longest: int, joint: str = "_", first: int = 2) -> None:
        self._taken = set(taken)
        self._longest = longest
        self._joint = joint
        self._first = first
        self._reached: dict[str, int] = {}  # by the name without its end: the last number given

    def take(self, name: str) -> str:
        """
        The name, or where somebody has it, the name with the next number behind it.
        """
        given = name[: self._longest]
        if given in self._taken:
            head = name[: self._longest - _ROOM]
            number = self._reached.get(head, self._first - 1)
            while given in self._taken:
                number += 1
                given = f"{head}{self._joint}{number}"
            self._reached[head] = number
        self._taken.add(given)
        return given
