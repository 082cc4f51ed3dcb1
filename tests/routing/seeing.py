"""
What a planner sees, short to write: targets with their figures, and views on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from excise.catalog.capability import Capability
from excise.catalog.rates import Rate, Rates
from excise.policy.deployment import TargetRef
from excise.routing.planning import View
from excise.routing.profile import Profile, Task
from excise.routing.standing import UNTRIED, Standing
from excise.wire.dialect import Traits

NOW = 1000.0
CODE = Profile(task=Task.CODE, confidence=1.0, input_tokens=1000, output_tokens=500)


def rates(taken: str, given: str, cached: str | None = None) -> Rates:
    """
    USD per million tokens.
    """
    prices = {"input": taken, "output": given} | ({"cache_read": cached} if cached is not None else {})
    return Rates({name: Rate(Decimal(price), 1_000_000) for name, price in prices.items()})


def able(
    *, price: Rates | None = None, quality: Mapping[str, float] | float | None = None, traits: Traits | None = None, **more: Any
) -> Capability:
    """
    A model; one quality holds for code and in general.
    """
    scores = {Task.CODE: quality, "general": quality} if isinstance(quality, float) else quality or {}
    return Capability("openai", "m", known=True, traits=traits or Traits(), rates=price, quality=scores, **more)


@dataclass
class Fleet:
    """
    Targets by name, and what is known of each.
    """

    capabilities: Mapping[str, Capability]
    standings: Mapping[str, Standing] = field(default_factory=dict)
    warm: Mapping[str, int] = field(default_factory=dict)
    regions: Mapping[str, str] = field(default_factory=dict)
    keeping_nothing: frozenset[str] = frozenset()

    def view(self, profile: Profile = CODE, *, dice: float | Mapping[str, float] = 0.0, last: str | None = None) -> View:
        return View(
            profile=profile,
            capability=lambda target: self.capabilities[target.deployment],
            standing=lambda target: self.standings.get(target.deployment, UNTRIED),
            region=lambda target: self.regions.get(target.deployment),
            keeps_nothing=lambda target: target.deployment in self.keeping_nothing,
            warm_tokens=lambda target: self.warm.get(target.deployment, 0),
            now=NOW,
            today=date(2026, 11, 23),
            dice=(lambda name: dice.get(name, 0.0)) if isinstance(dice, Mapping) else (lambda _: dice),
            last=TargetRef(last, "m") if last is not None else None,
        )


def target(name: str) -> TargetRef:
    """
    The target a fleet knows by this name.
    """
    return TargetRef(name, "m")
