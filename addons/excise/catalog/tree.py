"""
Match a list of segments against many patterns at once: the parts of a path, or the labels of a host name.

A pattern is a list of segments; each is a literal, or has one hole with literal text before and after it, or (only as the last) stands for
all that is left. The walk visits every node of the tree at most once for a given depth, so its cost is bounded by the patterns, never by
what a client sends. Literals are tried before holes, longer literal text in a hole before shorter, holes before the rest: the most literal
pattern wins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hole:
    """
    One segment of which only the ends are fixed. What stands in the hole is never empty.
    """

    before: str = ""
    after: str = ""

    def fits(self, segment: str) -> bool:
        """
        Whether `segment` has the fixed ends and something between them.
        """
        return len(segment) > len(self.before) + len(self.after) and segment.startswith(self.before) and segment.endswith(self.after)


@dataclass(frozen=True, slots=True)
class Rest:
    """
    One or more segments to the end. Only as the last of a pattern.
    """


type Segment = str | Hole | Rest


class Tree[T]:
    """
    Patterns and what each stands for. Literals are compared as given: callers fold case on both sides.
    """

    __slots__ = ("_holes", "_literals", "_rest", "_values")

    def __init__(self) -> None:
        self._literals: dict[str, Tree[T]] = {}
        self._holes: list[tuple[Hole, Tree[T]]] = []
        self._rest: list[T] = []
        self._values: list[T] = []

    def add(self, pattern: Sequence[Segment], value: T) -> None:
        """
        Let `pattern` stand for `value`. The same pattern may stand for several; the first that is wanted wins.
        """
        node: Tree[T] = self
        for place, segment in enumerate(pattern):
            if isinstance(segment, Rest):
                if place != len(pattern) - 1:
                    raise ValueError("the rest can only come last")
                node._rest.append(value)
                return
            node = node._literal(segment) if isinstance(segment, str) else node._hole(segment)
        node._values.append(value)

    def find(self, segments: Sequence[str], wanted: Callable[[T], bool], at: int = 0) -> T | None:
        """
        The value of the most literal pattern that fits all of `segments` and is wanted, or `None`.
        """
        if at == len(segments):
            return next((value for value in self._values if wanted(value)), None)
        segment = segments[at]
        child = self._literals.get(segment)
        if child is not None and (found := child.find(segments, wanted, at + 1)) is not None:
            return found
        for hole, child in self._holes:
            if hole.fits(segment) and (found := child.find(segments, wanted, at + 1)) is not None:
                return found
        return next((value for value in self._rest if wanted(value)), None) if self._rest else None

    def _literal(self, segment: str) -> Tree[T]:
        return self._literals.setdefault(segment, Tree())

    def _hole(self, hole: Hole) -> Tree[T]:
        for known, child in self._holes:
            if known == hole:
                return child
        child = Tree[T]()
        self._holes.append((hole, child))
        self._holes.sort(key=lambda pair: -len(pair[0].before) - len(pair[0].after))
        return child
