"""
What another policy would have made of calls that were made: metadata in, figures out.

Each bunch of calls goes through what a call goes through, `routed`, `planned` and `decide` of the policy, with all targets healthy and no
prompt cache warm. Whoever is first among the candidates policy lets have it takes the call. What that costs is a range: another model cuts
the same text into other tokens, answers at another length, and may find nothing in its cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from excise.catalog.capability import Capability
from excise.policy.compile import Policy
from excise.policy.decide import Facts, decide, normal_model
from excise.policy.deployment import TargetRef
from excise.policy.terms import Choice
from excise.routing.plan import Plan
from excise.routing.planning import View, planned
from excise.routing.profile import Profile
from excise.routing.replayed import Place, Range, Recorded, Report, Tally, World
from excise.routing.targets import GENERATES
from excise.wire.usage import Usage

MOST_THROWS = 200_000  # of dice, in all: their share is then known to a tenth of a percent, and a million calls take seconds
INPUT_SPREAD = 0.10  # between models whose token ratios are learned; most of it is what providers add unseen
UNLEARNED_SPREAD = 0.25  # else: estimates are within 20 % for two calls in three
OUTPUT_FACTOR = 1.5  # how much longer or shorter another model may answer
REASONING_FACTOR = 3.0  # where one of the two thinks before it answers and the other may not


@dataclass(frozen=True, slots=True)
class _Outcome:
    """
    What the policy makes of a call. Exactly one of `place`, `denied_by` and `nobody` is set.
    """

    rule: str
    place: Place | None = None
    denied_by: str | None = None
    nobody: str | None = None
    shadow: Place | None = None


def simulate(policy: Policy, recorded: Iterable[Recorded], world: World, *, total: int) -> Report:
    """
    Send the calls through the policy.

    Args:
        total: Of `recorded`, in calls; decides how often dice are thrown for a bunch of them.
    """
    report = Report()
    for bunch in recorded:
        report.calls += bunch.calls
        if bunch.profile is None and bunch.facts.operation in GENERATES:
            report.unprofiled += bunch.calls
        was = _recorded_cost(bunch)
        if bunch.denied_by is not None:
            report.denied_before[bunch.denied_by, bunch.facts.team] += bunch.calls
        else:
            report.before.setdefault(bunch.place, Tally()).take(was)
        for outcome, calls in _outcomes(policy, bunch, world, total):
            _book(report, bunch, outcome, calls, world)
    return report


def _recorded_cost(bunch: Recorded) -> Tally:
    return Tally(bunch.calls, bunch.cost_usd, bunch.cost_usd, bunch.cost_usd, bunch.calls - bunch.priced)


def _part(whole: Tally, calls: int) -> Tally:
    usd = whole.usd * calls / whole.calls
    return Tally(calls, usd, usd, usd, round(whole.unpriced * calls / whole.calls))


# -- what happens ----------------------------------------------------------------------------------------------------------------------


def _outcomes(policy: Policy, bunch: Recorded, world: World, total: int) -> Iterator[tuple[_Outcome, int]]:
    """
    What becomes of a bunch, and of how many of it. Dice are thrown for as many calls as there is time for, and once where none fall.
    """
    throws = max(1, min(bunch.calls, MOST_THROWS * bunch.calls // max(total, 1)))
    seed = f"{bunch.facts.principal}\0{bunch.facts.team}\0{bunch.facts.app}\0{bunch.place}\0{bunch.calls}\0{bunch.input_tokens}"
    for number in range(throws):
        dice = _Dice(f"{seed}\0{number}")
        outcome = _outcome(policy, bunch, world, dice)
        if not dice.thrown:
            yield outcome, bunch.calls
            return
        yield outcome, bunch.calls // throws + (number < bunch.calls % throws)


class _Dice:
    """
    Equal for equal seeds, so that the same ledger always gives the same figures.
    """

    __slots__ = ("_seed", "thrown")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self.thrown = False

    def __call__(self, purpose: str) -> float:
        self.thrown = True
        return int.from_bytes(hashlib.blake2b(f"{self._seed}\0{purpose}".encode(), digest_size=7).digest()) / 2**56


def _outcome(policy: Policy, bunch: Recorded, world: World, dice: Callable[[str], float]) -> _Outcome:
    chosen = chosen_for(policy, bunch.facts, world, named=bunch.named)
    if isinstance(chosen, str):
        return _Outcome("model", nobody=chosen)
    if chosen is None:
        decision = decide(policy, bunch.facts)
        place = bunch.place if bunch.place.deployment is None else Place(bunch.facts.provider, bunch.facts.model or "")
        return _Outcome("", place=place) if decision.allow else _Outcome("", denied_by=decision.rule)
    choice, rule = chosen
    plan = planned(choice, rule, view_of(policy, bunch.facts, profile_for(bunch, world), world, dice))
    shadow = None if plan.shadow is None else place_of_target(policy, plan.shadow)
    denied = None
    for candidate in plan.candidates:
        place = place_of_target(policy, candidate.target)
        decision = decide(policy, there(policy, bunch.facts, candidate.target))
        if decision.allow:
            return _Outcome(rule, place=place, shadow=shadow)
        denied = decision.rule
    return _Outcome(rule, denied_by=denied) if denied is not None else _Outcome(rule, nobody=_why_nobody(plan))


def chosen_for(policy: Policy, facts: Facts, world: World, *, named: str | None) -> tuple[Choice, str] | str | None:
    """
    The choice that decides where a call goes, and what named it; a text: why its model's name leads nowhere. `None`: it goes where the
    client sends it.

    Args:
        named: The model as asked with a virtual key; `None`: the call comes with none.
    """
    entry = policy.routed(facts) if world.routable(facts) or named is not None else None
    if entry is not None:
        return entry.said, entry.name
    return world.named(facts.provider, named) if named is not None else None


def there(policy: Policy, facts: Facts, target: TargetRef) -> Facts:
    """
    Facts of the call as its target would get it.
    """
    return replace(facts, provider=policy.deployments[target.deployment].provider, model=normal_model(target.model))


def view_of(policy: Policy, facts: Facts, profile: Profile, world: World, dice: Callable[[str], float]) -> View:
    """
    What a planner sees of targets of the policy in such a world.
    """
    provider_of = {name: deployment.provider for name, deployment in policy.deployments.items()}
    return View(
        profile=profile,
        capability=lambda target: world.capability(provider_of[target.deployment], target.model),
        standing=lambda target: world.standing(provider_of[target.deployment], target.model),
        region=lambda target: policy.deployments[target.deployment].region,
        keeps_nothing=lambda target: world.keeps_nothing(there(policy, facts, target)),
        warm_tokens=lambda target: 0,
        now=0.0,
        today=world.today,
        dice=dice,
    )


def profile_for(bunch: Recorded, world: World) -> Profile:
    """
    The recorded profile; where there is none, one that knows no more than how many tokens there were.
    """
    if bunch.profile is not None:
        return bunch.profile
    if not bunch.metered:
        return Profile()
    ratio = world.capability(bunch.place.provider, bunch.place.model).token_ratio
    return Profile(
        input_tokens=round(bunch.input_tokens / bunch.metered / ratio), output_tokens=round(bunch.output_tokens / bunch.metered / ratio)
    )


def place_of_target(policy: Policy, target: TargetRef) -> Place:
    return Place(policy.deployments[target.deployment].provider, target.model, target.deployment)


def _why_nobody(plan: Plan) -> str:
    return "; ".join(f"{one.target}: {one.reason}" for one in plan.excluded) or "there is no target"


# -- what it costs ---------------------------------------------------------------------------------------------------------------------


def _book(report: Report, bunch: Recorded, outcome: _Outcome, calls: int, world: World) -> None:
    team, place = bunch.facts.team, outcome.place
    if outcome.rule:
        report.rules[outcome.rule] += calls
    if outcome.nobody is not None:
        report.nobody[outcome.rule, outcome.nobody] += calls
    if outcome.denied_by is not None:
        report.denied_after[outcome.denied_by, team] += calls
        report.newly_denied += calls if bunch.denied_by is None else 0
    if place is None:
        return
    if bunch.denied_by is not None:
        report.newly_allowed += calls
        report.estimated += calls
    tally = report.after.setdefault(place, Tally())
    if bunch.denied_by is None and place.serves_as(bunch.place):
        tally.take(_part(_recorded_cost(bunch), calls))
    else:
        each = expected_range(bunch, place, world)
        tally.add(calls, each)
        if bunch.denied_by is None:
            report.moved.setdefault((bunch.place, place), Tally()).add(calls, each)
            report.moved_from.setdefault((bunch.place, place), Tally()).take(_part(_recorded_cost(bunch), calls))
    if outcome.shadow is not None:
        report.copies.add(calls, expected_range(bunch, outcome.shadow, world))


def expected_range(bunch: Recorded, place: Place, world: World) -> Range | None:
    """
    What a call of the bunch would cost elsewhere; `None`: there is no price, or nobody knows the tokens.
    """
    new = world.capability(place.provider, place.model)
    if new.rates is None:
        return None
    old = world.capability(bunch.place.provider, bunch.place.model)
    cached = 0.0
    if bunch.metered:
        scale = new.token_ratio / old.token_ratio
        taken, given = bunch.input_tokens / bunch.metered * scale, bunch.output_tokens / bunch.metered * scale
        cached = min(bunch.cache_read_tokens / bunch.metered * scale, taken) if new.caching else 0.0
    elif bunch.profile is not None and bunch.profile.input_tokens is not None and bunch.profile.output_tokens is not None:
        taken, given = bunch.profile.input_tokens * new.token_ratio, bunch.profile.output_tokens * new.token_ratio
    else:
        return None
    learned = old.token_ratio != 1.0 and new.token_ratio != 1.0
    spread = INPUT_SPREAD if learned else UNLEARNED_SPREAD
    factor = OUTPUT_FACTOR if old.traits.reasoning == new.traits.reasoning else REASONING_FACTOR
    usd = _cost(new, taken, cached, given)
    low = _cost(new, taken * (1 - spread), cached * (1 - spread), given / factor)
    high = _cost(new, taken * (1 + spread), 0.0, given * factor)
    return Range(usd, low, high) if usd is not None and low is not None and high is not None else None


def _cost(capability: Capability, taken: float, cached: float, given: float) -> Decimal | None:
    usage = Usage(
        uncached_input_tokens=round(taken) - round(cached), cache_read_tokens=round(cached) or None, text_output_tokens=round(given)
    )
    return capability.rates.cost(usage) if capability.rates is not None else None


def latency(places: dict[Place, Tally], world: World, share: float) -> tuple[float | None, int]:
    """
    Quantile of latency, in milliseconds, over calls answered there, and of how many of the calls it is known.
    """
    known = [
        (value, tally.calls / len(values))
        for place, tally in places.items()
        if (values := world.milliseconds(place.provider, place.model))
        for value in values
    ]
    calls = round(sum(weight for _, weight in known))
    reached = 0.0
    for value, weight in sorted(known):
        reached += weight
        if reached >= share * calls:
            return value, calls
    return None, 0
