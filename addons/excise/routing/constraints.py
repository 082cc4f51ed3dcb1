"""
What a target must have before any score counts: what the call needs, and what a policy requires.

What nobody knows of an ability or a limit is tried: the provider says so if it is not so. What a policy requires is the other way
round: what nobody knows is not there.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from excise.policy.glob import any_of
from excise.policy.terms import Requirements
from excise.routing.profile import Need, Profile
from excise.routing.score import work
from excise.routing.seen import Seen
from excise.wire.dialect import Traits

if TYPE_CHECKING:
    from excise.routing.planning import View

MARGIN = 1.1
"""
How much longer than estimated an input may turn out. Two estimates in three are within 20 %, most of them low for what providers add
unseen; learned ratios halve that. A target that is left out without need costs a choice; one that is asked in vain a round trip, and where
the provider cuts instead of refusing (Ollama does) an answer to half a question.
"""

_CANNOT = {
    Need.TOOLS: ("tools", "cannot call tools"),
    Need.VISION: ("vision", "cannot see pictures"),
    Need.AUDIO: ("audio_in", "cannot hear"),
    Need.DOCUMENT: ("pdf", "cannot read documents"),
    Need.PREFILL: ("prefill", "does not continue a begun answer"),
}


def unfit(seen: Seen, require: Requirements, view: View) -> str | None:
    """
    Why a target cannot have this call; fixed text and figures. `None`: it can.

    Not asked here: `require.exact`, which only the translation of the request can tell; and the most a model writes, to which the request
    is clamped.
    """
    return _unable(seen, view.profile) or _not_allowed(seen, require, view)


def doubtful(seen: Seen, view: View) -> str | None:
    """
    Why a target will hardly have this call, as tables and estimates say: reason enough to ask others, none to ask nobody.
    """
    return _switched_off(seen, view) or _too_long(seen, view.profile)


def _switched_off(seen: Seen, view: View) -> str | None:
    # On the day itself it may still answer: nobody says the hour.
    until = seen.capability.until
    return f"switched off on {until}" if until is not None and until < view.today else None


def _too_long(seen: Seen, profile: Profile) -> str | None:
    window = seen.capability.max_input_tokens
    if window is None or profile.input_tokens is None:
        return None
    wanted = profile.max_tokens if profile.max_tokens is not None else profile.output_tokens or 0
    most = seen.capability.max_output_tokens
    wanted = min(wanted, most) if most is not None else wanted
    # Where a table gives input and output one window, the answer needs its room; where it does not, this leaves some unused.
    needed = int(profile.input_tokens * seen.capability.token_ratio * MARGIN) + wanted
    return f"the call may need {needed} tokens ({wanted} of them output), its window has {window}" if needed > window else None


def _unable(seen: Seen, profile: Profile) -> str | None:
    needs = profile.needs
    if not needs:
        return None
    traits = seen.capability.traits
    for need, (name, why) in _CANNOT.items():
        if need in needs and getattr(traits, name) is False:
            return why
    if Need.REASONING in needs and traits.reasoning == "none":
        return "does not reason"
    if Need.JSON_SCHEMA in needs and _no_schema(traits):
        return "can neither keep to a schema nor be made to call a tool that stands for one"
    return None


def _no_schema(traits: Traits) -> bool:
    return traits.json_schema is False and (traits.tools is False or traits.forced_tools is False)


def _not_allowed(seen: Seen, require: Requirements, view: View) -> str | None:
    why = _too_dear(seen, require, view.profile)
    if why is not None:
        return why
    if require.quality is not None and (seen.quality is None or seen.quality < require.quality):
        had = f"quality {work(view.profile)} is " + ("not known" if seen.quality is None else f"{seen.quality:.2f}")
        return f"{had}, at least {require.quality:.2f} is required"
    if require.regions:
        region = view.region(seen.target)
        if not any_of(require.regions)(region):
            return f"region is {'not known' if region is None else region}, not {' or '.join(require.regions)}"
    if require.zero_retention and not view.keeps_nothing(seen.target):
        return "is not known to keep nothing"
    return None


def _too_dear(seen: Seen, require: Requirements, profile: Profile) -> str | None:
    if require.max_cost_usd is not None and (seen.cost_usd is None or seen.cost_usd > require.max_cost_usd):
        return f"expected cost is {_usd(seen.cost_usd)}, at most {_usd(require.max_cost_usd)} is allowed"
    for name, most in (("input", require.max_input_price), ("output", require.max_output_price)):
        if most is not None:
            price = _price(seen, name, profile)
            if price is None or price > most:
                return f"{name} price is {_usd(price)} per million tokens, at most {_usd(most)} is allowed"
    return None


def _price(seen: Seen, name: str, profile: Profile) -> Decimal | None:
    rates = seen.capability.rates
    rate = rates.by_name.get(name) if rates is not None else None
    return rate.at(profile.input_tokens or 0) * 1_000_000 / rate.per if rate is not None else None


def _usd(amount: Decimal | None) -> str:
    return "not known" if amount is None else f"{float(amount):.4g} USD"
