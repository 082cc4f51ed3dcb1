"""
Conditions of entries as they run: closures over facts, made once when a policy is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from excise.policy.cel import expression
from excise.policy.decide import UNKNOWN, Facts, normal_pattern
from excise.policy.glob import any_of
from excise.policy.hours import Hours
from excise.policy.when import Between, When

Test = Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """
    One condition of a rule: `name` as in the schema, the values as written, and the compiled test.
    """

    name: str
    values: tuple[str, ...]
    test: Test = field(repr=False)


def compile_conditions(when: When, *, denies: bool) -> tuple[Condition, ...]:
    """
    The conditions of a rule, cheapest first.

    Args:
        denies: What cannot be told counts as matching, where it could be what is meant.
    """
    return tuple(_conditions(when, denies))


def _conditions(when: When, denies: bool) -> Iterator[Condition]:
    for name in ("provider", "operation", "capture", "task"):
        wanted = getattr(when, name)
        if wanted is not None:
            yield Condition(name, tuple(str(value) for value in wanted), _one_of(name, frozenset(wanted)))
    if when.stream is not None:
        wanted_stream = when.stream
        yield Condition("stream", (str(wanted_stream).lower(),), lambda facts: facts.stream is wanted_stream)
    if when.needs is not None:
        needed = frozenset(when.needs)
        yield Condition("needs", tuple(when.needs), lambda facts: needed <= facts.needs)
    for name in ("complexity", "input_tokens", "output_tokens"):
        between = getattr(when, name)
        if between is not None:
            yield Condition(name, (between.said,), _between(name, between, denies=denies))
    for name in ("team", "env", "app", "principal", "model"):
        patterns = getattr(when, name)
        if patterns is not None:
            yield Condition(name, patterns, _like(name, patterns, denies=denies))
    for key, patterns in (when.tags or {}).items():
        yield Condition("tags", tuple(f"{key}: {pattern}" for pattern in patterns), _labelled(key, patterns))
    if when.source is not None:
        networks = when.source
        yield Condition(
            "source",
            tuple(str(network) for network in networks),
            lambda facts: facts.source is not None and any(facts.source in network for network in networks),
        )
    for key, patterns in (when.headers or {}).items():
        yield Condition("headers", tuple(f"{key}: {pattern}" for pattern in patterns), _sent(key, patterns))
    if when.time is not None:
        yield Condition("time", (when.time.said,), _at(when.time, denies=denies))
    if when.expr is not None:
        yield Condition("expr", (when.expr,), _expressed(when.expr, denies=denies))


def _one_of(name: str, wanted: frozenset[str]) -> Test:
    if name == "provider":
        return lambda facts: facts.provider in wanted
    if name == "operation":
        return lambda facts: facts.operation in wanted
    if name == "task":
        return lambda facts: facts.task in wanted
    return lambda facts: facts.capture in wanted


def _between(name: str, between: Between, *, denies: bool) -> Test:
    least, below = between.bounds
    read: dict[str, Callable[[Facts], float | None]] = {
        "complexity": lambda facts: facts.complexity,
        "input_tokens": lambda facts: facts.input_tokens,
        "output_tokens": lambda facts: facts.output_tokens,
    }
    value_of = read[name]

    def test(facts: Facts) -> bool:
        value = value_of(facts)
        if value is None:
            # Of calls that generate no text nothing is meant; what could be one is counted by a deny rule.
            return denies and (facts.task is not None or facts.operation == UNKNOWN)
        return least <= value < below

    return test


def _like(name: str, patterns: tuple[str, ...], *, denies: bool) -> Test:
    if name == "model":
        like_model = any_of(tuple(normal_pattern(pattern) for pattern in patterns))
        if denies:
            # Some operations may leave the model out and let stored settings at the provider choose it. Such a call cannot be
            # shown to be none of the denied models, so a deny rule counts it; lists and token counts, which bill nothing, pass.
            return lambda facts: like_model(facts.model) if facts.model is not None else facts.billable or facts.operation == UNKNOWN
        return lambda facts: like_model(facts.model)
    like = any_of(patterns)
    tests: dict[str, Test] = {
        "team": lambda facts: like(facts.team),
        "env": lambda facts: like(facts.env),
        "app": lambda facts: like(facts.app),
        "principal": lambda facts: like(facts.principal),
    }
    return tests[name]


def _labelled(key: str, patterns: tuple[str, ...]) -> Test:
    like = any_of(patterns)
    return lambda facts: like(facts.tags.get(key))


def _sent(key: str, patterns: tuple[str, ...]) -> Test:
    like = any_of(patterns)
    return lambda facts: like(facts.headers.get(key))


def _at(hours: Hours, *, denies: bool) -> Test:
    holds = hours.holds()
    return lambda facts: denies if facts.now is None else holds(facts.now)


def _expressed(text: str, *, denies: bool) -> Test:
    holds = expression(text).holds
    if denies:
        return lambda facts: holds(facts) is not False
    return lambda facts: holds(facts) is True
