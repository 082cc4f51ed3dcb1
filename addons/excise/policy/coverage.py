"""
Whether an entry matches everything another one does. Pure.

Promised: every entry that one earlier entry covers is found. Not promised: those that only several earlier ones cover together, and
expressions that say the same in other words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from excise.policy.decide import normal_pattern
from excise.policy.glob import any_of
from excise.policy.hours import Hours
from excise.policy.when import Between, When

EXACT = ("provider", "operation", "capture", "task")
GLOBS = ("principal", "team", "app", "env", "model")
_LABELS = ("tags", "headers")
_RANGES = ("complexity", "input_tokens", "output_tokens")
_ALWAYS_SAID = frozenset({"principal", "provider", "operation", "capture"})


def conditions(when: When | None) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """
    The conditions that are given, each with its values.
    """
    for name in (*EXACT, *GLOBS, "source", "needs"):
        values = getattr(when, name, None)
        if values is not None:
            yield name, values
    for name in _LABELS:
        for key, values in (getattr(when, name, None) or {}).items():
            yield f"{name}.{key}", values
    for name in (*_RANGES, "stream", "time", "expr"):
        value = getattr(when, name, None)
        if value is not None:
            yield name, (value,)


class Cover:
    """
    An entry, prepared for the question whether it matches everything another one does. They are compared pairwise.
    """

    def __init__(self, name: str, when: When | None) -> None:
        self.name = name
        self._values = dict(conditions(when))
        self._tests = [
            (condition, _within(condition, values))
            for condition, values in self._values.items()
            if not (condition in _ALWAYS_SAID and "*" in values)  # holds for every call
        ]

    def covers(self, other: Cover) -> bool:
        narrow = other._values
        for condition, holds in self._tests:  # noqa: SIM110  (a generator costs more than the comparing)
            if (values := narrow.get(condition)) is None or not holds(values):
                return False
        return True


def _within(condition: str, wide: tuple[Any, ...]) -> Callable[[tuple[Any, ...]], bool]:
    """
    Whether what the values of a narrower condition allow lies within `wide`.
    """
    if condition == "needs":  # the more, the narrower
        return lambda narrow: set(wide) <= set(narrow)
    if condition == "source":
        return lambda narrow: all(_in_networks(network, wide) for network in narrow)
    if condition == "time":
        return _in_hours(wide[0])
    if condition in _RANGES:
        return _in_range(wide[0])
    if condition in GLOBS or condition.startswith(_LABELS):
        patterns = tuple(normal_pattern(value) for value in wide) if condition == "model" else wide
        like = any_of(patterns)

        # A star of the narrower pattern becomes a character that only a star can swallow: see `covers`.
        def globs(narrow: tuple[str, ...]) -> bool:
            return all(like((normal_pattern(value) if condition == "model" else value).replace("*", "\x00")) for value in narrow)

        return globs
    values = frozenset(wide)
    return lambda narrow: values.issuperset(narrow)


def _in_hours(wide: Hours) -> Callable[[tuple[Hours, ...]], bool]:
    minutes = wide.minutes
    return lambda narrow: narrow[0].zone == wide.zone and not narrow[0].minutes & ~minutes


def _in_range(wide: Between) -> Callable[[tuple[Between, ...]], bool]:
    least, below = wide.bounds
    return lambda narrow: least <= narrow[0].bounds[0] and narrow[0].bounds[1] <= below


def _in_networks(narrow: IPv4Network | IPv6Network, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    # subnet_of needs equal versions, which mypy cannot see through a union.
    return any(narrow.version == wide.version and narrow.subnet_of(wide) for wide in networks)  # type: ignore[arg-type]
