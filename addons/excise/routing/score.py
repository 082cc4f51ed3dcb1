"""
Which of several targets is best for a call, and in words why.

    score = 1 - cost weight    * (dearness - least dearness)      dearness = sqrt(cost / cost at 10 and 50 USD per million tokens)
              - latency weight * log(latency / fastest) / log(30)
              - quality weight * (best success - success) / 0.5   success  = quality ** (0.2 + 1.6 * complexity)

The best in everything has 1. One point is the price of the dearest usual model, thirty times the wait, or half of all answers wrong.

- Cost beside what the same call costs at a fixed price, so that a question and a book are treated alike. Not its logarithm: that takes the
  step from 5 to 50 dollars for one from 10 cents to a dollar, and pays much for little; in `scripts/bench routing` it does worse than
  tossing a coin between two models. Not the ratio itself either, in which all cheap models are the same. The root is between the two.
- What is best only shifts all scores alike: whether A stands before B never depends on a third target, as it would if figures were
  stretched between the best and the worst.
- Success is the model's quality to the power of how hard the call is: what is twice as hard is like two calls that must both go well.
  So nearly everybody is good enough for a greeting, and the dear ones earn their price with what is hard. It ranks; it predicts nothing.
- A target that fails some calls costs the tries it takes: cost and latency are multiplied with them.
- A warm prompt cache is in the expected cost of the target that holds it: leaving costs what it saves there. That is counted once: who is
  cheaper even when it reads everything anew is taken, and has it warm for the next call.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from excise.policy.terms import Weights
from excise.routing.plan import Candidate
from excise.routing.profile import Profile, Task
from excise.routing.seen import Seen, usual_cost

LATENCY_SPAN = math.log(30)
QUALITY_SPAN = 0.5

_LEAST_SECONDS = 0.01
# Of the power a quality is raised to: 1 for a call of middling complexity. Not 0 for the simplest: that it is simple is a guess.
_EASIEST, _HARDEST = 0.2, 1.8


def scored(targets: Sequence[Seen], weights: Weights, profile: Profile) -> list[tuple[Seen, Candidate]]:
    """
    All of them, best first. Equal ones: the one that fails less, then as given.
    """
    if not targets:
        return []
    efficient = efficient_ones(targets)
    power = _EASIEST + (_HARDEST - _EASIEST) * profile.complexity
    tries = [one.tries for one in targets]
    usual = usual_cost(profile)
    costs = [math.sqrt(one.weighed_usd * tried / usual) for one, tried in zip(targets, tries, strict=True)]
    waits = [math.log(max(one.weighed_seconds, _LEAST_SECONDS) * tried) for one, tried in zip(targets, tries, strict=True)]
    success = [one.weighed_quality**power for one in targets]
    cheapest, fastest, best = min(costs), min(waits), max(success)
    least_usd = min((one.cost_usd for one in targets if one.cost_usd is not None), default=None)
    made = []
    for place, one in enumerate(targets):
        score = (
            1.0
            - weights.cost * (costs[place] - cheapest)
            - weights.latency * (waits[place] - fastest) / LATENCY_SPAN
            - weights.quality * (best - success[place]) / QUALITY_SPAN
        )
        reason = f"score {score:.2f}: {figures(one, profile, least_usd)}"
        made.append((-score, round(one.failing, 1), place, one, candidate(one, reason, score=score, efficient=efficient[place])))
    made.sort()  # places differ, so no more than the first three of an entry are compared
    return [(one, result) for _, _, _, one, result in made]


def candidate(one: Seen, reason: str, *, score: float | None = None, efficient: bool = True) -> Candidate:
    """
    A target's place in a plan.
    """
    return Candidate(one.target, reason, one.cost_usd, one.latency_seconds, one.quality, score, efficient)


def efficient_ones(targets: Sequence[Seen]) -> list[bool]:
    """
    Of each whether no other is better in cost, latency or quality, and as good in the rest. Stand-ins count as figures.
    """
    points = [(one.weighed_usd, one.weighed_seconds, -one.weighed_quality) for one in targets]
    # Sorted, nobody is beaten by who comes after; and who is beaten by a beaten one is beaten by whoever beat that.
    front: list[tuple[float, float, float]] = []
    for point in sorted(set(points)):
        _, wait, worse = point
        for _, other_wait, other_worse in front:
            if other_wait <= wait and other_worse <= worse:
                break
        else:
            front.append(point)
    return [point in front for point in points]


def figures(one: Seen, profile: Profile, least_usd: Decimal | None = None) -> str:
    """
    What is known of a target, in words.
    """
    usd, quality, wait = one.cost_usd, one.quality, one.latency_seconds
    said = (
        "cost not known" if usd is None else f"cost {float(usd):.4g} USD (cheapest)" if usd == least_usd else f"cost {float(usd):.4g} USD"
    )
    said += ", quality not known" if quality is None else f", quality {quality:.2f} {work(profile)}"
    said += ", latency not known" if wait is None else f", {wait:.1f} s"
    if one.failing >= 0.01:
        said += f", {one.failing:.0%} of calls failing"
    if one.warm_tokens:
        said += f", {one.warm_tokens} tokens warm, which saves {float(one.saved_usd):.2g} USD"
    return said


def work(profile: Profile) -> str:
    """
    For what a quality holds, in words.
    """
    return "in general" if profile.task is Task.UNKNOWN else f"for {profile.task}"
