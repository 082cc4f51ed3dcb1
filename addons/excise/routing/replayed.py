"""
What a simulation reads and what it reports: bunches of calls, who answered them, what they cost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from excise.catalog.capability import Capability
from excise.policy.decide import Facts, normal_model
from excise.policy.terms import Choice
from excise.routing.profile import Profile
from excise.routing.standing import Standing

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Place:
    """
    Who answers. `deployment`: the policy's name of it; `None`: the call goes where its client sends it.
    """

    provider: str
    model: str
    deployment: str | None = None

    def __str__(self) -> str:
        return f"{self.deployment or self.provider}/{self.model}"

    def serves_as(self, other: Place) -> bool:
        """
        Whether it is the same model of the same provider, whatever the entry is called: then what is recorded of one holds for the other.
        """
        return self.provider == other.provider and normal_model(self.model) == normal_model(other.model)


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    Calls that are alike for policy and routing, and what became of them.

    Attributes:
        named: The model's name as asked, which alone says where a call with a virtual key goes; `None`: they came with none.
        profile: `None`: not one that generates text, or recorded before calls were profiled.
        place: Who answered, or would have.
        denied_by: The rule that refused them; `None`: they were sent.
        metered: Calls of which the tokens are known: the sums are of those. Input includes what was read from a cache.
        priced: Calls of which the cost is known: `cost_usd` is theirs.
    """

    facts: Facts
    named: str | None
    profile: Profile | None
    place: Place
    denied_by: str | None
    calls: int
    metered: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    priced: int = 0
    cost_usd: Decimal = NOTHING


@dataclass(frozen=True, slots=True)
class World:
    """
    What the simulation may ask.

    Attributes:
        capability: By provider and model.
        standing: The same, for latencies; all are healthy.
        milliseconds: Latencies of answered calls there, as evenly spaced quantiles, ascending; empty: not known.
        routable: Whether entries of `routes` are asked of such a call.
        named: What a model's name means to the holder of a virtual key, and how it was found; a text: why nothing. Asked with the provider
            whose dialect and path the client used.
        keeps_nothing: A target's provider is known to keep nothing; asked with the facts of the call there.
    """

    capability: Callable[[str, str], Capability]
    standing: Callable[[str, str], Standing]
    milliseconds: Callable[[str, str], Sequence[float]]
    routable: Callable[[Facts], bool]
    named: Callable[[str, str], tuple[Choice, str] | str]
    keeps_nothing: Callable[[Facts], bool]
    today: date


@dataclass(frozen=True, slots=True)
class Range:
    """
    Cost of one call.
    """

    usd: Decimal
    low: Decimal
    high: Decimal


@dataclass(slots=True)
class Tally:
    """
    Calls and what they cost, or would: between `low` and `high`. `unpriced` ones are in none of the sums.
    """

    calls: int = 0
    usd: Decimal = NOTHING
    low: Decimal = NOTHING
    high: Decimal = NOTHING
    unpriced: int = 0

    def add(self, calls: int, each: Range | None) -> None:
        self.calls += calls
        if each is None:
            self.unpriced += calls
        else:
            self.usd += each.usd * calls
            self.low += each.low * calls
            self.high += each.high * calls

    def take(self, other: Tally) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Report:
    """
    Before and after.

    Attributes:
        moved: Calls that would be answered by somebody else: (from, to) with their cost there.
        moved_from: The same pairs, with their cost as recorded.
        denied_before, denied_after: By rule and team.
        nobody: Calls that no target could take: by what chose the targets, and why.
        estimated: Calls that were refused and would be sent: their tokens are estimates, and most of them have none.
        unprofiled: Calls replayed without knowing what they asked for.
        copies: Shadow copies.
    """

    calls: int = 0
    before: dict[Place, Tally] = field(default_factory=dict)
    after: dict[Place, Tally] = field(default_factory=dict)
    moved: dict[tuple[Place, Place], Tally] = field(default_factory=dict)
    moved_from: dict[tuple[Place, Place], Tally] = field(default_factory=dict)
    rules: Counter[str] = field(default_factory=Counter)
    denied_before: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    denied_after: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    newly_denied: int = 0
    newly_allowed: int = 0
    nobody: Counter[tuple[str, str]] = field(default_factory=Counter)
    estimated: int = 0
    unprofiled: int = 0
    copies: Tally = field(default_factory=Tally)
