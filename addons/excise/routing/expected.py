"""
What a call is expected to cost, and how long it is expected to take, before anybody is asked.

Expectations compare candidates; they are no bills. The error is mostly that of the estimated tokens (`wire/estimate.py`), which is the same
for all candidates of a call.
"""

from __future__ import annotations

from decimal import Decimal

from excise.catalog.capability import Capability
from excise.routing.profile import Need, Profile
from excise.routing.standing import Standing
from excise.wire.estimate import family_of

# What a model that thinks writes, for each token of its answer: two thirds thinking, one third answer. Our setting for everyday work at
# middle effort, not a measurement; it may be next to nothing for an easy question and many times more for a hard one.
THINKING_FACTOR = 3


def expected_cost(capability: Capability, profile: Profile, *, cached_tokens: int = 0) -> Decimal | None:
    """
    USD of one call at list price, exact for the tokens expected; long-context tiers and a price by the request are in it.

    Args:
        cached_tokens: Of `profile.input_tokens`, how many this target is believed to have in its cache. Where caches are not priced
            apart, they cost what other input does.

    Returns:
        `None` where no price is known, or the tokens of the call cannot be told.

    What is written to a cache is not in it: some charge a quarter more for it when the client asks, which one learns from the request,
    not from its profile. Neither are surcharges of regional hosts and of service tiers.
    """
    if capability.rates is None or profile.input_tokens is None or profile.output_tokens is None:
        return None
    taken = round(profile.input_tokens * capability.token_ratio)
    cached = round(min(max(cached_tokens, 0), profile.input_tokens) * capability.token_ratio)
    answer, thought = _written(capability, profile, profile.output_tokens)
    fresh = taken - cached + _tool_overhead(capability, profile)
    return capability.rates.of_tokens(uncached_input=fresh, cache_read=cached, text_output=answer, reasoning=thought)


def expected_latency(standing: Standing, profile: Profile) -> float | None:
    """
    Seconds until the answer is whole: its first content, and then as many tokens as are expected at the pace of late.

    Returns:
        `None` where the target has not been measured, or it cannot be told how much will be written. Thinking is in the time to the
        first content, as it was in the calls that were measured.
    """
    if standing.first_byte_seconds is None or not standing.tokens_per_second or profile.output_tokens is None:
        return None
    return standing.first_byte_seconds + profile.output_tokens / standing.tokens_per_second


def _written(capability: Capability, profile: Profile, answer: int) -> tuple[int, int]:
    """
    Tokens of the answer and of the thinking before it, together at most what the client and the model allow.
    """
    traits = capability.traits
    asked = Need.REASONING in profile.needs and traits.reasoning not in (None, "none")
    thought = answer * (THINKING_FACTOR - 1) if asked or traits.always_thinks else 0
    limits = [limit for limit in (profile.max_tokens, traits.max_output_tokens, capability.max_output_tokens) if limit is not None]
    most = min(limits, default=answer + thought)
    answer = min(answer, most)
    return answer, min(thought, most - answer)


def _tool_overhead(capability: Capability, profile: Profile) -> int:
    """
    Tokens of the prompt that providers add unseen where tools are declared: 413 for Claude, 870 for Nova, next to nothing for GPT.

    They are in the profile's estimate, too, where the client named a model of the same family; a route's or an alias' name has none.
    """
    return round(family_of(capability.model).with_tools) if Need.TOOLS in profile.needs else 0
