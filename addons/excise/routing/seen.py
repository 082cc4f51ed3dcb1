"""
What a planner sees of one target: the figures of this call there, and what stands in for a figure nobody knows.

A stand-in is never shown as if it were known: it only decides where a target stands. All of them are worse than what hosted models
usually have, so that a target nobody knows anything of is not preferred for that, and none excludes.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from excise.catalog.capability import Capability
from excise.catalog.rates import ZERO
from excise.policy.deployment import TargetRef
from excise.routing.expected import expected_cost, expected_latency
from excise.routing.profile import Profile, Task
from excise.routing.standing import Standing

if TYPE_CHECKING:
    from excise.routing.planning import View

# A call of whose size nobody says anything: a short question and its answer.
INPUT_TOKENS = 1000
OUTPUT_TOKENS = 500
# USD per million tokens. Of the models most used only the makers' largest cost as much; source: the price table, read 2026-11.
INPUT_PRICE = 10.0
OUTPUT_PRICE = 50.0
# Seconds until the first content, and tokens per second after it.
FIRST_BYTE_SECONDS = 3.0
TOKENS_PER_SECOND = 30.0
QUALITY = 0.3

GENERAL = "general"
"""
What `Capability.quality` calls the score for work of no known kind.
"""

# Calls that went well and which a target is credited with before its failures count, so that one bad call is no judgement.
_CREDIT = 4.0
# Even of a target that always fails the breaker decides, not the score: more than this many tries are never expected.
_MOST_TRIES = 5.0
_MOST_FAILING = 1.0 - 1.0 / _MOST_TRIES


class Seen(NamedTuple):
    """
    One target, looked at for one call.

    Attributes:
        cost_usd, latency_seconds, quality: As `Candidate` has them: `None` is not known.
        weighed_usd, weighed_seconds, weighed_quality: The same with stand-ins. Cost and latency are those of one try.
        warm_tokens: Tokens of the call its prompt cache holds.
        saved_usd: What reading them from there saves; in `cost_usd` already.
        failing: Chance that a try fails, 0 to 1, after credit for what has hardly been tried.
        free_at: When it may be asked again, if not now; infinite: nobody knows.
    """

    target: TargetRef
    capability: Capability
    standing: Standing
    cost_usd: Decimal | None
    latency_seconds: float | None
    quality: float | None
    weighed_usd: float
    weighed_seconds: float
    weighed_quality: float
    warm_tokens: int
    saved_usd: Decimal
    failing: float
    free_at: float | None

    @property
    def tries(self) -> float:
        """
        Tries until one goes well.
        """
        return 1.0 / (1.0 - self.failing) if self.failing < _MOST_FAILING else _MOST_TRIES


def seen(target: TargetRef, view: View) -> Seen:
    """
    Look at a target.
    """
    capability, standing, profile = view.capability(target), view.standing(target), view.profile
    warm = view.warm_tokens(target) if capability.caching else 0
    if profile.input_tokens is not None and warm > profile.input_tokens:
        warm = profile.input_tokens
    cost = expected_cost(capability, profile, cached_tokens=warm)
    saved = ZERO
    if warm and cost is not None:
        cold = expected_cost(capability, profile, cached_tokens=0)
        saved = max(cold - cost, saved) if cold is not None else saved
    latency = expected_latency(standing, profile)
    quality = capability.quality.get(GENERAL if profile.task is Task.UNKNOWN else profile.task)
    return Seen(
        target,
        capability,
        standing,
        cost_usd=cost,
        latency_seconds=latency,
        quality=quality,
        weighed_usd=float(cost) if cost is not None else _likely_cost(capability, profile),
        weighed_seconds=latency if latency is not None else _likely_latency(standing, profile),
        weighed_quality=_weighed_quality(capability, profile, quality),
        warm_tokens=warm,
        saved_usd=saved,
        failing=standing.failure_rate * standing.samples / (standing.samples + _CREDIT) if standing.failure_rate else 0.0,
        free_at=_free_at(standing, view.now) if standing.state == "open" or standing.limited_until is not None else None,
    )


def _weighed_quality(capability: Capability, profile: Profile, quality: float | None) -> float:
    """
    Its score for the call's task, as far as the task is sure; for the rest its general one. A wrong guess of the task then does less harm.
    """
    general = capability.quality.get(GENERAL)
    if quality is None or general is None:
        known = quality if quality is not None else general
        return known if known is not None else QUALITY
    return profile.confidence * quality + (1.0 - profile.confidence) * general


def usual_cost(profile: Profile) -> float:
    """
    USD of the call at the price that stands in for unknown ones; above 0.
    """
    taken = profile.input_tokens if profile.input_tokens is not None else INPUT_TOKENS
    given = profile.output_tokens if profile.output_tokens is not None else OUTPUT_TOKENS
    return (taken * INPUT_PRICE + given * OUTPUT_PRICE or INPUT_PRICE) / 1e6


def _likely_cost(capability: Capability, profile: Profile) -> float:
    """
    USD where it is not known: with the usual tokens, if those are what is missing, else at the usual price.
    """
    if capability.rates is not None and (profile.input_tokens is None or profile.output_tokens is None):
        taken = profile.input_tokens if profile.input_tokens is not None else INPUT_TOKENS
        given = profile.output_tokens if profile.output_tokens is not None else OUTPUT_TOKENS
        likely = expected_cost(capability, replace(profile, input_tokens=taken, output_tokens=given), cached_tokens=0)
        if likely is not None:
            return float(likely)
    return usual_cost(profile)


def _likely_latency(standing: Standing, profile: Profile) -> float:
    given = profile.output_tokens if profile.output_tokens is not None else OUTPUT_TOKENS
    first = standing.first_byte_seconds
    return (first if first is not None else FIRST_BYTE_SECONDS) + given / (standing.tokens_per_second or TOKENS_PER_SECOND)


def _free_at(standing: Standing, now: float) -> float | None:
    free = None
    if standing.state == "open" and (standing.until is None or standing.until > now):
        free = standing.until if standing.until is not None else float("inf")
    if standing.limited_until is not None and standing.limited_until > now:
        free = max(standing.limited_until, free or standing.limited_until)
    return free
