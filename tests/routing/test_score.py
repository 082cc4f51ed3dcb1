"""
Scores: what they follow, what they must not depend on, and what is said of them.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seeing import CODE, Fleet, able, rates, target

from excise.catalog.capability import Capability
from excise.policy.terms import Choice, Weighted, Weights
from excise.routing.plan import Plan
from excise.routing.planning import planned
from excise.routing.profile import Profile, Task
from excise.routing.standing import Standing

NAMES = "abcdefgh"
FIGURES = st.tuples(
    st.decimals("0.01", "100", places=2),  # USD per million tokens
    st.floats(0.1, 30),  # seconds until the first content
    st.floats(0.05, 0.99),
    st.sampled_from([None, 0.0, 0.1, 0.6]),  # failing
)
FLEETS = st.lists(FIGURES, min_size=2, max_size=8, unique_by=lambda figures: figures[0])
WEIGHTS = st.tuples(st.integers(0, 10), st.integers(0, 10), st.integers(1, 10)).map(
    lambda parts: Weights(*(part / sum(parts) for part in parts))
)


def fleet(figures) -> Fleet:
    return Fleet(
        {
            name: able(price=rates(str(price), str(price)), quality=quality)
            for name, (price, _, quality, _) in zip(NAMES, figures, strict=False)
        },
        {
            name: Standing(first_byte_seconds=first, tokens_per_second=50.0, failure_rate=failing, samples=50.0)
            for name, (_, first, _, failing) in zip(NAMES, figures, strict=False)
        },
    )


def best_first(fleet: Fleet, weights: Weights, profile: Profile = CODE, names: str | None = None) -> Plan:
    targets = tuple(Weighted(target(name)) for name in names or fleet.capabilities)
    return planned(Choice(targets, strategy="optimise", weights=weights), "route", fleet.view(profile))


def names(plan: Plan) -> str:
    return "".join(candidate.target.deployment for candidate in plan.candidates)


@given(FLEETS, WEIGHTS, st.randoms(use_true_random=False))
def test_whether_one_stands_before_another_depends_on_nobody_else(figures, weights, chance):
    """
    Neither on the order they are written in, nor on who else is there.
    """
    all_of_them = fleet(figures)
    whole = best_first(all_of_them, weights)
    scores = {candidate.target.deployment: candidate.score for candidate in whole.candidates}
    some = chance.sample(NAMES[: len(figures)], chance.randint(1, len(figures)))

    part = names(best_first(all_of_them, weights, names="".join(some)))

    assert all(scores[one] >= scores[other] - 1e-9 for one, other in pairwise(part))


@given(FLEETS, WEIGHTS)
def test_the_same_is_planned_the_same(figures, weights):
    """
    Nothing but what the planner sees decides.
    """
    assert best_first(fleet(figures), weights) == best_first(fleet(figures), weights)


@given(FIGURES, FIGURES, WEIGHTS)
def test_who_is_as_good_in_everything_and_better_in_one_is_never_behind(one, other, weights):
    """
    Cheaper, faster, better, failing less: none of them ever costs a place, whoever is written first.
    """
    good = (min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), min(one[3] or 0.0, other[3] or 0.0))
    both = fleet([other, good])
    plan = best_first(both, weights)
    scores = {candidate.target.deployment: candidate.score for candidate in plan.candidates}

    assert scores["b"] >= scores["a"] - 1e-12


@given(FLEETS)
def test_a_weight_of_one_sorts_by_that_figure(figures):
    """
    Where only one thing counts, only it counts.
    """
    figures = [(price, first, quality, None) for price, first, quality, _ in figures]
    whole = fleet(figures)

    cheap = [candidate.cost_usd for candidate in best_first(whole, Weights(cost=1.0)).candidates]
    fast = [candidate.latency_seconds for candidate in best_first(whole, Weights(latency=1.0)).candidates]
    good = [candidate.quality for candidate in best_first(whole, Weights(quality=1.0)).candidates]

    assert cheap == sorted(cheap)
    assert all(one <= other + 1e-9 for one, other in pairwise(fast))
    assert all(one >= other - 1e-9 for one, other in pairwise(good))


@given(FLEETS, WEIGHTS)
def test_the_best_is_efficient_and_the_marks_are_true(figures, weights):
    """
    Nobody who is marked has another who is better in one respect and as good in the others; everybody else has one.
    """
    plan = best_first(fleet([(*figures[:3], None) for figures in figures]), weights)
    points = {one.target: (one.cost_usd, one.latency_seconds, -one.quality) for one in plan.candidates}

    for one in plan.candidates:
        mine = points[one.target]
        better = [
            other for other in points.values() if other != mine and all(theirs <= ours for theirs, ours in zip(other, mine, strict=True))
        ]
        assert one.efficient == (not better)


def test_equal_ones_stand_as_written_but_who_fails_goes_behind():
    """
    Two deployments of one model: the first as long as both work.
    """
    twins = {name: able(price=rates("1", "1"), quality=0.7) for name in "abc"}
    only_quality = Weights(quality=1.0)

    assert names(best_first(Fleet(twins), only_quality)) == "abc"
    assert names(best_first(Fleet(twins), only_quality, names="cab")) == "cab"
    failing = Fleet(twins, {"a": Standing(failure_rate=0.4, samples=30.0)})
    assert names(best_first(failing, only_quality)) == "bca"


def test_who_fails_costs_the_tries_it_takes():
    """
    Ten percent cheaper is no longer cheaper where every other call fails; one failed call alone is no judgement.
    """
    models = {"a": able(price=rates("0.9", "0.9")), "b": able(price=rates("1", "1"))}

    assert names(best_first(Fleet(models), Weights(cost=1.0))) == "ab"
    assert names(best_first(Fleet(models, {"a": Standing(failure_rate=0.5, samples=40.0)}), Weights(cost=1.0))) == "ba"
    assert names(best_first(Fleet(models, {"a": Standing(failure_rate=1.0, samples=0.1)}), Weights(cost=1.0))) == "ab"


@pytest.mark.parametrize("weights", [Weights(cost=1.0), Weights(latency=1.0), Weights(quality=1.0), Weights(0.4, 0.2, 0.4)])
def test_who_is_unknown_is_neither_preferred_nor_left_out(weights):
    """
    A target without a price, a score or a measurement stands behind a usual one, and its figures stay unknown.
    """
    usual = Standing(first_byte_seconds=1.0, tokens_per_second=60.0, samples=20.0)
    both = Fleet({"x": Capability("openai", "m"), "a": able(price=rates("1", "4"), quality=0.6)}, {"a": usual})

    plan = best_first(both, weights)

    assert names(plan) == "ax"
    unknown = plan.candidates[1]
    assert (unknown.cost_usd, unknown.latency_seconds, unknown.quality) == (None, None, None)
    assert unknown.reason.endswith("cost not known, quality not known, latency not known")


def test_where_the_size_is_unknown_prices_still_decide():
    """
    A call that cannot be counted has no expected cost, but the cheaper model is still the cheaper one.
    """
    models = Fleet({"a": able(price=rates("3", "15")), "b": able(price=rates("0.1", "0.4"))})

    plan = best_first(models, Weights(cost=1.0), Profile())

    assert names(plan) == "ba"
    assert plan.candidates[0].cost_usd is None


def test_the_dear_one_earns_its_price_with_what_is_hard():
    """
    The same two models, the same weights: a greeting goes to the cheap one, a hard call to the good one.
    """
    models = Fleet({"good": able(price=rates("5", "25"), quality=0.85), "cheap": able(price=rates("0.3", "1.2"), quality=0.55)})
    weights = Weights(cost=0.4, quality=0.6)
    targets = (Weighted(target("good")), Weighted(target("cheap")))

    def first(complexity: float) -> str:
        choice = Choice(targets, strategy="optimise", weights=weights)
        return planned(choice, "route", models.view(replace(CODE, complexity=complexity))).candidates[0].target.deployment

    assert first(0.05) == "cheap"
    assert first(0.95) == "good"


def test_an_unsure_task_is_decided_half_by_what_holds_for_all():
    """
    A specialist needs a sure task to stand before who is good at everything.
    """
    models = Fleet({"s": able(quality={Task.CODE: 0.8, "general": 0.4}), "g": able(quality={Task.CODE: 0.7, "general": 0.7})})

    assert names(best_first(models, Weights(quality=1.0), CODE)) == "sg"
    assert names(best_first(models, Weights(quality=1.0), replace(CODE, confidence=0.4))) == "gs"


def test_a_warm_cache_keeps_a_conversation():
    """
    What is dearer by list is cheaper where the prompt is warm, until all is warm elsewhere too.
    """
    long = replace(CODE, input_tokens=50_000, output_tokens=200)
    models = {
        "a": able(price=rates("3", "15", "0.3"), caching=True),
        "b": able(price=rates("0.4", "2", "0.1"), caching=True),
    }

    assert names(best_first(Fleet(models), Weights(cost=1.0), long)) == "ba"
    plan = best_first(Fleet(models, warm={"a": 50_000}), Weights(cost=1.0), long)
    assert names(plan) == "ab"
    assert plan.notes == ("cache: keeps a/m, where 50000 warm tokens save 0.14 USD",)
    assert plan.candidates[0].cost_usd == Decimal("0.018")
    assert plan.candidates[0].reason.endswith("50000 tokens warm, which saves 0.14 USD")
    assert plan.candidates[1].cost_usd == Decimal("0.0204")
    assert names(best_first(Fleet(models, warm={"a": 50_000, "b": 50_000}), Weights(cost=1.0), long)) == "ba"


def test_what_a_cache_saves_is_no_reason_to_pay_more():
    """
    Who is cheaper even when it reads everything anew is taken: else a conversation that began somewhere dear would stay there for ever.
    """
    long = replace(CODE, input_tokens=50_000, output_tokens=200)
    models = {"a": able(price=rates("3", "15", "0.3"), caching=True), "b": able(price=rates("0.1", "0.4"))}

    plan = best_first(Fleet(models, warm={"a": 50_000}), Weights(cost=1.0), long)

    assert names(plan) == "ba"
    assert plan.notes == ("cache: leaves a/m, where 50000 warm tokens save 0.14 USD",)


def test_a_provider_without_cached_prices_has_nothing_warm():
    """
    What was read there last is read in full again.
    """
    models = {"a": able(price=rates("3", "15")), "b": able(price=rates("2.9", "15"))}

    plan = best_first(Fleet(models, warm={"a": 1000}), Weights(cost=1.0))

    assert (names(plan), plan.notes) == ("ba", ())


def test_a_reason_is_words_and_figures():
    """
    Why somebody stands where it stands can be read off.
    """
    standing = Standing(first_byte_seconds=0.9, tokens_per_second=500.0, failure_rate=0.5, samples=4.0)
    plan = best_first(Fleet({"a": able(price=rates("1", "0.4"), quality=0.71)}, {"a": standing}), Weights(cost=1.0))

    assert [candidate.reason for candidate in plan.candidates] == [
        "score 1.00: cost 0.0012 USD (cheapest), quality 0.71 for code, 1.9 s, 25% of calls failing"
    ]


def test_work_of_no_known_kind_is_judged_in_general():
    """
    An unknown task is a task: the general score is the one that counts, and is shown.
    """
    models = Fleet({"a": able(quality={Task.CODE: 0.9, "general": 0.3}), "b": able(quality={"general": 0.6})})

    plan = best_first(models, Weights(quality=1.0), Profile())

    assert [candidate.quality for candidate in plan.candidates] == [0.6, 0.3]
    assert "quality 0.60 in general" in plan.candidates[0].reason
