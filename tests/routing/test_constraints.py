"""
Who cannot have a call at all, and what is said of it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from seeing import CODE, Fleet, able, rates, target

from excise.catalog.capability import Capability
from excise.catalog.rates import Rate, Rates
from excise.policy.terms import Choice, Requirements, Weighted
from excise.routing.constraints import MARGIN, doubtful, unfit
from excise.routing.planning import planned
from excise.routing.profile import Need, Profile
from excise.routing.seen import seen
from excise.wire.dialect import Traits


def why(capability: Capability, profile: Profile = CODE, require: Requirements | None = None, **fleet: object) -> str | None:
    view = Fleet({"a": capability}, **fleet).view(profile)  # type: ignore[arg-type]
    one = seen(target("a"), view)
    return unfit(one, require or Requirements(), view) or doubtful(one, view)


def test_what_nobody_knows_of_a_model_is_tried():
    """
    A model no table has may have any call, as long as policy requires nothing.
    """
    profile = replace(CODE, needs=frozenset(Need), input_tokens=10_000_000, max_tokens=1_000_000)

    assert why(Capability("openai", "m"), profile) is None


@pytest.mark.parametrize(
    ("need", "traits", "said"),
    [
        (Need.TOOLS, Traits(tools=False), "cannot call tools"),
        (Need.VISION, Traits(vision=False), "cannot see pictures"),
        (Need.AUDIO, Traits(audio_in=False), "cannot hear"),
        (Need.DOCUMENT, Traits(pdf=False), "cannot read documents"),
        (Need.PREFILL, Traits(prefill=False), "does not continue a begun answer"),
        (Need.REASONING, Traits(reasoning="none"), "does not reason"),
        (Need.JSON_SCHEMA, Traits(json_schema=False, tools=False), "can neither keep to a schema nor"),
        (Need.JSON_SCHEMA, Traits(json_schema=False, forced_tools=False), "can neither keep to a schema nor"),
    ],
)
def test_who_is_known_not_to_be_able_is_left_out(need, traits, said):
    """
    Only of calls that need it, and only where the catalogue says no.
    """
    assert (why(able(traits=traits), replace(CODE, needs=frozenset({need}))) or "").startswith(said)
    assert why(able(traits=traits), replace(CODE, needs=frozenset(Need) - {need, Need.TOOLS})) is None
    assert why(able(), replace(CODE, needs=frozenset({need}))) is None


@pytest.mark.parametrize(
    "traits", [Traits(json_schema=False), Traits(json_schema=False, tools=True), Traits(tools=False, forced_tools=False)]
)
def test_a_schema_may_be_imitated(traits):
    """
    Who can be made to call a tool can be made to keep to a schema.
    """
    assert why(able(traits=traits), replace(CODE, needs=frozenset({Need.JSON_SCHEMA}))) is None


def test_a_call_must_fit_with_its_answer_and_a_margin():
    """
    Input as this model counts it, the margin, and what is wanted of output, clamped to the most it writes.
    """
    model = able(max_input_tokens=10_000, max_output_tokens=2000, token_ratio=1.25)
    most = int(8000 / MARGIN / 1.25)

    assert why(model, replace(CODE, input_tokens=most, max_tokens=64_000)) is None
    assert why(model, replace(CODE, input_tokens=most + 2, max_tokens=64_000)) == (
        "the call may need 10002 tokens (2000 of them output), its window has 10000"
    )
    assert why(model, replace(CODE, input_tokens=most + 2, output_tokens=100)) is None
    assert why(model, replace(CODE, input_tokens=None, max_tokens=64_000)) is None


def test_what_is_switched_off_is_left_out():
    """
    From the day after the one the provider names.
    """
    assert why(able(until=date(2026, 11, 22))) == "switched off on 2026-11-22"
    assert why(able(until=date(2026, 11, 23))) is None


@pytest.mark.parametrize(
    ("require", "capability", "said"),
    [
        (
            Requirements(max_cost_usd=Decimal("0.001")),
            able(price=rates("1", "2")),
            "expected cost is 0.002 USD, at most 0.001 USD is allowed",
        ),
        (Requirements(max_cost_usd=Decimal(1)), able(), "expected cost is not known, at most 1 USD is allowed"),
        (Requirements(max_input_price=Decimal(2)), able(price=rates("2.5", "1")), "input price is 2.5 USD per million tokens"),
        (Requirements(max_output_price=Decimal(2)), able(price=rates("1", "2.5")), "output price is 2.5 USD per million tokens"),
        (Requirements(max_input_price=Decimal(2)), able(), "input price is not known"),
        (Requirements(max_output_price=Decimal(2)), able(price=Rates({"input": Rate(Decimal(1), 1_000_000)})), "output price is not known"),
        (Requirements(quality=0.8), able(quality=0.71), "quality for code is 0.71, at least 0.80 is required"),
        (Requirements(quality=0.1), able(quality={"general": 0.9}), "quality for code is not known"),
        (Requirements(regions=("eu-*", "westeurope")), able(), "region is not known, not eu-* or westeurope"),
        (Requirements(zero_retention=True), able(), "is not known to keep nothing"),
    ],
)
def test_what_policy_requires_and_nobody_knows_is_not_there(require, capability, said):
    """
    A ceiling, a floor, a region, a promise: unknown does not satisfy.
    """
    assert (why(capability, require=require) or "").startswith(said)


def test_who_has_what_is_required_stays():
    """
    All requirements at once; limits count as kept.
    """
    require = Requirements(
        quality=0.7,
        max_cost_usd=Decimal("0.002"),
        max_input_price=Decimal(1),
        max_output_price=Decimal(2),
        regions=("us-*", "eu-*"),
        zero_retention=True,
    )
    able_one = able(price=rates("1", "2"), quality=0.7)

    assert why(able_one, require=require, regions={"a": "eu-central-1"}, keeping_nothing=frozenset({"a"})) is None
    assert why(able_one, require=require, regions={"a": "ap-south-1"}, keeping_nothing=frozenset({"a"})) == (
        "region is ap-south-1, not us-* or eu-*"
    )


def test_a_price_is_that_of_a_call_so_long():
    """
    Some charge more for long prompts, and the ceiling is on what would be charged.
    """
    tiered = able(price=Rates({"input": Rate(Decimal(1), 1_000_000, ((200_000, Decimal(3)),))}))
    require = Requirements(max_input_price=Decimal(2))

    assert why(tiered, replace(CODE, input_tokens=200_000), require) is None
    assert why(tiered, replace(CODE, input_tokens=200_001), require) is not None


def test_where_nobody_is_left_the_plan_says_why():
    """
    A plan without candidates, each excluded one with its reason and figures.
    """
    fleet = Fleet({"a": able(traits=Traits(vision=False)), "b": able(quality=0.4)})
    choice = Choice((Weighted(target("a")), Weighted(target("b"))), require=Requirements(quality=0.5))

    plan = planned(choice, "route", fleet.view(replace(CODE, needs=frozenset({Need.VISION}))))

    assert plan.candidates == ()
    assert not plan.last_resort
    assert [(one.target, one.reason) for one in plan.excluded] == [
        (target("a"), "cannot see pictures"),
        (target("b"), why(able(quality=0.4), require=Requirements(quality=0.5))),
    ]


@pytest.mark.parametrize("about", [{"max_input_tokens": 100}, {"until": date(2026, 11, 22)}])
def test_what_is_only_doubtful_is_asked_for_want_of_others(about):
    """
    Tables age and estimates err: they decide between targets, and never that nobody is asked.
    """
    fleet = Fleet({"a": able(**about), "b": able()})
    only, both = Choice.of(target("a")), Choice.of(target("a"), target("b"))

    alone, chosen = planned(only, "route", fleet.view()), planned(both, "route", fleet.view())

    assert ([one.target for one in alone.candidates], alone.excluded) == ([target("a")], ())
    assert alone.notes == (f"doubtful: a/m is asked for want of others, but {why(able(**about))}",)
    assert [one.target for one in chosen.candidates] == [target("b")]
    assert [one.reason for one in chosen.excluded] == [why(able(**about))]
