"""
What another policy would have made of recorded calls.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from excise.catalog.capability import Capability
from excise.catalog.rates import Rate, Rates
from excise.exchange import Capture
from excise.policy.compile import Policy
from excise.policy.decide import Facts
from excise.policy.deployment import TargetRef
from excise.policy.terms import Choice
from excise.routing.profile import Need, Profile, Task
from excise.routing.replayed import Place, Recorded, World
from excise.routing.simulation import INPUT_SPREAD, OUTPUT_FACTOR, REASONING_FACTOR, UNLEARNED_SPREAD, expected_range, latency, simulate
from excise.routing.standing import UNTRIED
from excise.wire.dialect import UNKNOWN_TRAITS
from policy.written import loaded

USD = Decimal
PROVIDERS = "providers: [{provider: openai, key: env:K}, {provider: anthropic, key: env:K}]\n"


def rates(taken: str, given: str) -> Rates:
    prices = {"input": taken, "output": given, "cache_read": str(USD(taken) / 10)}
    return Rates({name: Rate(USD(usd), 1_000_000) for name, usd in prices.items()})


MODELS = {
    "gpt-small": Capability("openai", "gpt-small", caching=True, rates=rates("1", "4"), max_input_tokens=100_000),
    "gpt-large": Capability("openai", "gpt-large", caching=True, rates=rates("10", "40")),
    "claude-x": Capability("anthropic", "claude-x", rates=rates("2", "8"), traits=replace(UNKNOWN_TRAITS, vision=False), token_ratio=1.5),
}


def policy(text: str) -> Policy:
    return loaded(PROVIDERS + text, environ={"K": "k" * 20})


def world(**changes: Any) -> World:
    base = World(
        capability=lambda provider, model: MODELS.get(model, Capability(provider, model)),
        standing=lambda provider, model: UNTRIED,
        milliseconds=lambda provider, model: {"gpt-large": (100.0, 200.0, 300.0, 400.0), "claude-x": (1000.0, 2000.0)}.get(model, ()),
        routable=lambda facts: facts.operation != "files",
        named=lambda provider, model: "nobody has it",
        keeps_nothing=lambda facts: False,
        today=date(2026, 11, 1),
    )
    return replace(base, **changes)


def bunch(calls: int = 10, *, team: str = "t", model: str = "gpt-large", **changes: Any) -> Recorded:
    """
    Calls of 1000 tokens in, 400 of them cached, and 100 out, that cost a cent each.
    """
    facts = Facts("p", "openai", "chat", Capture.PROXY, team=team, model=model, task="code", input_tokens=1000)
    base = Recorded(
        facts=facts,
        named=None,
        profile=Profile(Task.CODE, 0.9, 0.5, input_tokens=1000, output_tokens=200),
        place=Place("openai", model),
        denied_by=None,
        calls=calls,
        metered=calls,
        input_tokens=1000 * calls,
        output_tokens=100 * calls,
        cache_read_tokens=400 * calls,
        priced=calls,
        cost_usd=USD("0.01") * calls,
    )
    return replace(base, **changes)


def test_a_policy_that_changes_nothing_changes_nothing() -> None:
    """
    Calls that stay where they were cost what they cost, exactly, and a model without a price stays without one.
    """
    calls = [bunch(3), bunch(2, priced=1, cost_usd=USD("0.01"))]
    report = simulate(policy("default: allow"), calls, world(), total=5)

    assert report.before == report.after
    (tally,) = report.after.values()
    assert (tally.calls, tally.usd, tally.low, tally.high, tally.unpriced) == (5, USD("0.04"), USD("0.04"), USD("0.04"), 1)
    assert not report.moved


def test_calls_that_move_cost_what_their_tokens_cost_there() -> None:
    """
    Tokens are rescaled by what the two models make of the same text; the range holds shorter and longer answers and a cold cache.
    """
    target = Place("openai", "gpt-small", "openai")
    report = simulate(policy("routes: [{name: all, to: openai/gpt-small}]"), [bunch(10)], world(), total=10)
    tally = report.after[target]

    each = USD("0.0006") + USD("0.00004") + USD("0.0004")  # 600 fresh, 400 cached, 100 out
    assert (tally.calls, tally.usd) == (10, 10 * each)
    assert tally.low < tally.usd < tally.high
    assert report.moved[Place("openai", "gpt-large"), target].usd == 10 * each
    assert report.moved_from[Place("openai", "gpt-large"), target].usd == USD("0.10")
    assert report.rules == {"all": 10}


def test_the_range_is_made_of_what_is_not_known() -> None:
    """
    Input by the spread of the token ratios, output by how differently models answer; nothing is cached where the model cannot cache.
    """
    found = expected_range(bunch(1), Place("anthropic", "claude-x"), world())
    assert found is not None
    assert found.usd == USD("0.003") + USD("0.0012")  # 1500 in, 150 out
    assert found.low == USD(round(1500 * (1 - UNLEARNED_SPREAD))) * 2 / 1_000_000 + USD(round(150 / OUTPUT_FACTOR)) * 8 / 1_000_000
    assert found.high == USD(round(1500 * (1 + UNLEARNED_SPREAD))) * 2 / 1_000_000 + USD(round(150 * OUTPUT_FACTOR)) * 8 / 1_000_000

    learned = {name: replace(one, token_ratio=1.25, traits=replace(one.traits, reasoning="effort")) for name, one in MODELS.items()}
    learned["gpt-large"] = replace(MODELS["gpt-large"], token_ratio=1.25)
    sure = expected_range(bunch(1), Place("openai", "gpt-small"), world(capability=lambda provider, model: learned[model]))
    assert sure is not None
    assert sure.high == (USD(round(1000 * (1 + INPUT_SPREAD))) + USD(round(100 * REASONING_FACTOR)) * 4) / 1_000_000


def test_what_has_no_price_is_counted_apart() -> None:
    """
    A target nobody knows the price of adds calls and no money, in sums and ranges.
    """
    report = simulate(policy("routes: [{name: all, to: openai/gpt-9}]"), [bunch(4)], world(), total=4)
    (tally,) = report.after.values()

    assert (tally.calls, tally.unpriced, tally.usd, tally.high) == (4, 4, 0, 0)


def test_denials_are_told_by_rule_and_team_before_and_after() -> None:
    """
    What was denied and no longer is has an expected cost; what is denied now costs nothing.
    """
    rules = policy("rules: [{name: no b, when: {team: b}, then: deny, reason: so it is}]")
    unsent = {"metered": 0, "priced": 0, "cost_usd": USD(0), "input_tokens": 0, "output_tokens": 0, "cache_read_tokens": 0}
    calls = [bunch(3, team="a", denied_by="no a", **unsent), bunch(5, team="b"), bunch(2, team="b", denied_by="no b", **unsent)]
    report = simulate(rules, calls, world(), total=10)

    assert report.denied_before == {("no a", "a"): 3, ("no b", "b"): 2}
    assert report.denied_after == {("no b", "b"): 7}
    assert (report.newly_denied, report.newly_allowed, report.estimated) == (5, 3, 3)
    (tally,) = report.after.values()
    assert (tally.calls, tally.usd) == (3, 3 * (1000 * USD(10) + 200 * USD(40)) / 1_000_000)


def test_rules_are_asked_of_the_target_and_the_next_one_takes_what_they_deny() -> None:
    """
    As in the proxy: the first candidate policy lets have the call; where it lets nobody, the call is denied.
    """
    rules = "rules: [{name: no claude, when: {provider: anthropic}, then: deny, reason: no}]\n"
    both = simulate(policy(rules + "routes: [{name: r, to: [anthropic/claude-x, openai/gpt-small]}]"), [bunch(2)], world(), total=2)
    none = simulate(policy(rules + "routes: [{name: r, to: anthropic/claude-x}]"), [bunch(2)], world(), total=2)

    assert list(both.after) == [Place("openai", "gpt-small", "openai")]
    assert (list(none.after), none.denied_after) == ([], {("no claude", "t"): 2})


def test_calls_nobody_can_take_are_told_with_the_reasons() -> None:
    """
    What the call needs is required of every target, and a virtual key's model must mean something.
    """
    blind = policy("routes: [{name: r, to: anthropic/claude-x}]")
    seeing = bunch(2, profile=Profile(Task.CODE, needs=frozenset({Need.VISION})))
    report = simulate(blind, [seeing], world(), total=2)
    assert report.nobody == {("r", "anthropic/claude-x: cannot see pictures"): 2}

    report = simulate(policy("default: allow"), [bunch(2, named="what")], world(), total=2)
    assert report.nobody == {("model", "nobody has it"): 2}


def test_a_virtual_key_s_model_means_what_the_policy_says() -> None:
    """
    And goes by no route where the operation is routed by none.
    """
    there = world(named=lambda provider, model: (Choice.of(TargetRef("openai", "gpt-small")), "alias"))
    report = simulate(policy("default: allow"), [bunch(2, named="fast")], there, total=2)

    assert list(report.after) == [Place("openai", "gpt-small", "openai")]


def test_what_is_not_routed_stays() -> None:
    """
    Lists and files of an account go where their client sends them; a call that had been routed goes there again without a route.
    """
    files = bunch(1, facts=replace(bunch().facts, operation="files"))
    report = simulate(policy("routes: [{name: all, to: openai/gpt-small}]"), [files], world(), total=1)
    assert list(report.after) == [Place("openai", "gpt-large")]

    routed = bunch(1, place=Place("anthropic", "claude-x", "anthropic"))
    report = simulate(policy("default: allow"), [routed], world(), total=1)
    assert list(report.after) == [Place("openai", "gpt-large")]


@pytest.mark.parametrize("calls", [1, 2_000])
def test_dice_fall_for_each_call(calls: int) -> None:
    """
    A bunch is shared out as its calls would be, the same for the same ledger, and no call is lost or counted twice.
    """
    weights = policy("routes: [{name: r, to: [{target: openai/gpt-small, weight: 3}, {target: anthropic/claude-x, weight: 1}]}]")
    bunches = [bunch(calls, team=f"t{number}") for number in range(2_000 // calls)]
    first, second = (simulate(weights, bunches, world(), total=2_000) for _ in range(2))

    assert first == second
    assert sum(tally.calls for tally in first.after.values()) == 2_000
    assert 1400 < first.after[Place("openai", "gpt-small", "openai")].calls < 1600


def test_canaries_and_copies_are_in_the_figures() -> None:
    """
    A share of the calls goes to the canary; copies are money beside.
    """
    text = """routes:
  - name: r
    to: openai/gpt-small
    canary: {target: anthropic/claude-x, percent: 10}
    shadow: {target: openai/gpt-large, percent: 20}
"""
    report = simulate(policy(text), [bunch(5000)], world(), total=5000)

    assert 400 < report.after[Place("anthropic", "claude-x", "anthropic")].calls < 600
    assert 850 < report.copies.calls < 1150
    assert report.copies.usd > 0


def test_calls_without_a_profile_are_counted_and_planned_by_their_tokens() -> None:
    """
    Conditions on what they ask for hold for none of them; their size is known all the same.
    """
    text = "routes: [{name: long, when: {task: code}, to: openai/gpt-small}, {name: all, to: openai/gpt-small}]"
    facts = replace(bunch().facts, task=None)
    report = simulate(policy(text), [bunch(2, profile=None, facts=facts)], world(), total=2)
    assert (report.unprofiled, report.rules) == (2, {"all": 2})

    text = "routes: [{name: short, to: [openai/gpt-small, openai/gpt-large]}]"
    long = bunch(2, profile=None, facts=facts, input_tokens=400_000)
    report = simulate(policy(text), [long], world(), total=2)
    assert {place.model for place in report.after} == {"gpt-large"}


def test_latency_is_that_of_the_places_weighted_by_calls() -> None:
    """
    Of calls whose place has none recorded nothing is said, and how many there are.
    """
    half = policy("routes: [{name: r, when: {team: b}, to: anthropic/claude-x}, {name: s, when: {team: c}, to: openai/gpt-small}]")
    report = simulate(half, [bunch(10, team="a"), bunch(10, team="b"), bunch(10, team="c")], world(), total=30)

    assert latency(report.before, world(), 0.5) == (200.0, 30)
    assert latency(report.after, world(), 0.5) == (400.0, 20)
    assert latency(report.after, world(), 0.95) == (2000.0, 20)
    assert latency({}, world(), 0.5) == (None, 0)
