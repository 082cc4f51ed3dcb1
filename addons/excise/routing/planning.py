"""
From what a policy offers to who is asked, in which order, and why.

    targets -> without what is unfit -> in the strategy's order -> canary, stickiness -> what is out of order goes last

Nothing here raises, and nothing is asked: all that is known of targets comes with the `View`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date

from excise.catalog.capability import Capability
from excise.policy.deployment import TargetRef
from excise.policy.terms import Choice
from excise.routing.constraints import doubtful, unfit
from excise.routing.plan import Candidate, Plan
from excise.routing.profile import Profile
from excise.routing.score import candidate, efficient_ones, figures, scored
from excise.routing.seen import Seen, seen
from excise.routing.standing import Standing

type Ranked = list[tuple[Seen, Candidate]]


@dataclass(frozen=True, slots=True)
class View:
    """
    What a planner may see.

    Attributes:
        region: Of a target's entry in `providers`; `None`: not known.
        keeps_nothing: The provider is known to keep nothing of such a call.
        warm_tokens: Tokens of this conversation that the target's prompt cache holds now.
        now: Monotonic seconds, the clock of `Standing`.
        today: In UTC; models are switched off by date.
        dice: Name of a purpose to [0, 1). Equal for equal sticky keys, on every worker; where nothing is sticky, new for each call.
        last: Who answered this conversation or principal last, as the choice's `sticky` says; `None`: nobody, or long ago.
    """

    profile: Profile
    capability: Callable[[TargetRef], Capability]
    standing: Callable[[TargetRef], Standing]
    region: Callable[[TargetRef], str | None]
    keeps_nothing: Callable[[TargetRef], bool]
    warm_tokens: Callable[[TargetRef], int]
    now: float
    today: date
    dice: Callable[[str], float]
    last: TargetRef | None = None


def planned(choice: Choice, rule: str, view: View) -> Plan:
    """
    The plan of a call.

    Args:
        rule: The route's name, or how the model was found.

    Returns:
        Where nobody can have the call it has no candidates, and `excluded` says of each why not.
    """
    weights = _merged(choice)
    canary = choice.canary if choice.canary is not None and view.dice("canary") < choice.canary.share else None
    targets = list(weights) if canary is None or canary.target in weights else [*weights, canary.target]
    notes: list[str] = []
    fit, excluded = _sorted_out(targets, choice, view, notes)
    first = next((one for one in fit if canary is not None and one.target == canary.target), None)
    if canary is not None:
        notes.append(
            f"canary: {_name(canary.target)} has {canary.share:.0%} of calls{'' if first is not None else ', but cannot have this one'}"
        )
    ranked = _ranked([one for one in fit if one is not first or one.target in weights], weights, choice, view, notes)
    if first is not None:
        ranked = _moved_up(ranked, first, f"canary: {figures(first, view.profile)}")
    if choice.sticky == "conversation" or first is None:
        # A principal never falls silent: held to its last target it would never meet the canary it is drawn for.
        ranked = _kept(ranked, weights, choice, view, notes)
    ranked, last_resort = _by_health(ranked, view.now)
    return Plan(
        rule=rule,
        strategy=choice.strategy,
        candidates=tuple(made for _, made in ranked),
        excluded=tuple(excluded),
        require=choice.require,
        failover=choice.failover,
        last_resort=last_resort,
        shadow=_shadow(choice, view, notes),
        notes=tuple(notes),
    )


def _merged(choice: Choice) -> dict[TargetRef, float]:
    """
    Targets and their weights, each once.
    """
    weights: dict[TargetRef, float] = {}
    for entry in choice.targets:
        weights[entry.target] = weights.get(entry.target, 0.0) + entry.weight
    return weights


def _sorted_out(targets: Iterable[TargetRef], choice: Choice, view: View, notes: list[str]) -> tuple[list[Seen], list[Candidate]]:
    """
    Who can have the call, and who cannot. Of whom it is only doubtful, they can where nobody else can.
    """
    fit: list[Seen] = []
    unsure: list[tuple[Seen, str]] = []
    excluded = []
    for target in targets:
        one = seen(target, view)
        if (why := unfit(one, choice.require, view)) is not None:
            excluded.append(candidate(one, why))
        elif (why := doubtful(one, view)) is not None:
            unsure.append((one, why))
        else:
            fit.append(one)
    if fit:
        return fit, [*excluded, *(candidate(one, why) for one, why in unsure)]
    notes.extend(f"doubtful: {_name(one.target)} is asked for want of others, but {why}" for one, why in unsure)
    return [one for one, _ in unsure], excluded


def _ranked(fit: list[Seen], weights: dict[TargetRef, float], choice: Choice, view: View, notes: list[str]) -> Ranked:
    """
    In the strategy's order.
    """
    if choice.strategy == "optimise":
        ranked = scored(fit, choice.weights, view.profile)
        notes.extend(_regret(ranked))
        return ranked
    if choice.strategy == "weighted":
        fit = _drawn(fit, weights, view.dice)
    efficient = efficient_ones(fit)
    total = sum(weights[one.target] for one in fit)
    ranked = []
    for place, one in enumerate(fit):
        if choice.strategy == "weighted":
            why = f"{'drawn' if not place else 'not drawn'}, weight {weights[one.target]:g} of {total:g}"
        else:
            why = f"number {place + 1} as written"
        ranked.append((one, candidate(one, f"{why}: {figures(one, view.profile)}", efficient=efficient[place])))
    return ranked


def _regret(ranked: Ranked) -> Iterable[str]:
    """
    Whether the cache kept the conversation where it is, or was left.
    """
    warm = max((one for one, _ in ranked if one.saved_usd), key=lambda one: one.saved_usd, default=None)
    if warm is not None:
        what = "leaves" if ranked[0][0] is not warm else "keeps"
        yield f"cache: {what} {_name(warm.target)}, where {warm.warm_tokens} warm tokens save {float(warm.saved_usd):.2g} USD"


def _drawn(fit: list[Seen], weights: dict[TargetRef, float], dice: Callable[[str], float]) -> list[Seen]:
    """
    One by dice, the rest by weight.

    Each target throws for itself, and the least of -log(1 - throw) / weight wins: each does in proportion to its weight, as if cut from
    one line. But when a target comes, goes or changes its weight, only the calls it gains or loses move, which keeps caches warm.
    Source: Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006; Thaler and Ravishankar, "Using name-based mappings
    to increase hit rates", 1998.
    """
    rest = sorted(fit, key=lambda one: -weights[one.target])
    able = [one for one in rest if weights[one.target] > 0]
    if not able:
        return rest
    first = min(able, key=lambda one: -math.log1p(-dice(f"weighted:{_name(one.target)}")) / weights[one.target])
    return [first, *(one for one in rest if one is not first)]


def _kept(ranked: Ranked, weights: dict[TargetRef, float], choice: Choice, view: View, notes: list[str]) -> Ranked:
    """
    Who answered last goes first, while it is healthy; where it is weighted, not once its weight is 0: it is being emptied.
    """
    last = next((one for one, _ in ranked if one.target == view.last), None)
    if last is None or last.free_at is not None or ranked[0][0] is last or choice.sticky == "off" or choice.strategy == "ordered":
        return ranked
    if choice.strategy == "weighted" and not weights.get(last.target, 1.0):
        return ranked
    notes.append(f"sticky: {_name(last.target)} answered this {choice.sticky} last")
    return _moved_up(ranked, last, None)


def _moved_up(ranked: Ranked, first: Seen, reason: str | None) -> Ranked:
    made = next((made for one, made in ranked if one is first), None)
    if made is None:
        made = candidate(first, reason or "")
    elif reason is not None:
        made = replace(made, reason=reason)
    return [(first, made), *(entry for entry in ranked if entry[0] is not first)]


def _by_health(ranked: Ranked, now: float) -> tuple[Ranked, bool]:
    """
    What is out of order goes behind the rest, soonest free first; and whether that is all there is.
    """
    blocked = [(one, made) for one, made in ranked if one.free_at is not None]
    if not blocked:
        return ranked, False
    blocked.sort(key=lambda entry: entry[0].free_at or 0.0)
    told = [(one, replace(made, reason=f"{_trouble(one, now)}; {made.reason}")) for one, made in blocked]
    healthy = [(one, made) for one, made in ranked if one.free_at is None]
    return [*healthy, *told], not healthy


def _trouble(one: Seen, now: float) -> str:
    what = "breaker open" if one.standing.state == "open" else "rate limited"
    return what if one.free_at is None or math.isinf(one.free_at) else f"{what} for {one.free_at - now:.0f} s"


def _shadow(choice: Choice, view: View, notes: list[str]) -> TargetRef | None:
    """
    Who gets a copy. What policy requires of targets holds for it too: a copy is as much disclosed as the call.
    """
    shadow = choice.shadow
    if shadow is None or view.dice("shadow") >= shadow.share:
        return None
    one = seen(shadow.target, view)
    why = unfit(one, choice.require, view) or doubtful(one, view) or (_trouble(one, view.now) if one.free_at is not None else None)
    if why is not None:
        notes.append(f"shadow: {_name(shadow.target)} gets no copy: {why}")
        return None
    return shadow.target


def _name(target: TargetRef) -> str:
    return f"{target.deployment}/{target.model}"
