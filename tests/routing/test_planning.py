"""
The order of a plan: as written, drawn, best first; canaries, stickiness, what is out of order, copies.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seeing import NOW, Fleet, able, rates, target

from excise.policy.terms import Canary, Choice, Failover, Requirements, Shadow, Weighted, Weights
from excise.routing.plan import Plan
from excise.routing.planning import View, planned
from excise.routing.standing import Standing
from excise.routing.stickiness import dice_of

FLEET = Fleet({name: able(price=rates("1", "1"), quality=0.5) for name in "abcdx"})


def choice(names: str = "abc", weights: str = "", **more: object) -> Choice:
    shares = [float(weight) for weight in weights.split()] or [1.0] * len(names)
    return Choice(tuple(Weighted(target(name), share) for name, share in zip(names, shares, strict=True)), **more)  # type: ignore[arg-type]


def order(plan: Plan) -> str:
    return "".join(candidate.target.deployment for candidate in plan.candidates)


def standing(**by_name: Standing) -> Fleet:
    return Fleet(FLEET.capabilities, by_name)


def test_ordered_is_as_written():
    """
    Neither price nor speed nor who answered last moves anybody.
    """
    models = Fleet({"a": able(price=rates("9", "9")), "b": able(price=rates("1", "1")), "c": able(quality=0.9)})

    plan = planned(choice("abc", sticky="conversation"), "team", models.view(last="c"))

    assert order(plan) == "abc"
    assert (plan.rule, plan.strategy, plan.last_resort, plan.notes, plan.shadow) == ("team", "ordered", False, (), None)
    assert plan.candidates[1].reason == "number 2 as written: cost 0.0015 USD, quality not known, latency not known"
    assert plan.candidates[1].cost_usd == Decimal("0.0015")


def test_a_target_written_twice_is_asked_once():
    """
    Its shares add up.
    """
    plan = planned(choice("aba", "1 1 3", strategy="weighted"), "r", FLEET.view(dice=0.5))

    assert order(plan) == "ab"
    assert plan.candidates[0].reason.startswith("drawn, weight 4 of 5: ")


def test_a_choice_of_nobody_is_a_plan_of_nobody():
    """
    Nothing is raised, whatever the strategy.
    """
    for strategy in ("ordered", "weighted", "optimise"):
        plan = planned(choice("", strategy=strategy, sticky="principal"), "r", FLEET.view(last="a"))
        assert (plan.candidates, plan.excluded, plan.last_resort) == ((), (), False)


def test_what_policy_says_of_failing_goes_along():
    """
    The course needs it, and what was required.
    """
    failover, require = Failover(attempts=7), Requirements(max_cost_usd=Decimal(1))

    plan = planned(choice("a", failover=failover, require=require), "r", FLEET.view())

    assert (plan.failover, plan.require) == (failover, require)


def test_shares_are_kept_and_the_rest_follow_by_weight():
    """
    Over 4,000 keys each target is first as often as its weight says, to three standard deviations; who has none is never first.
    """
    drawn = choice("abcd", "1 6 3 0", strategy="weighted")
    firsts: Counter[str] = Counter()
    for number in range(4000):
        plan = planned(drawn, "r", view_of(number))
        firsts[order(plan)] += 1

    assert set(firsts) == {"abcd", "bcad", "cbad"}
    for name, share in (("abcd", 0.1), ("bcad", 0.6), ("cbad", 0.3)):
        assert abs(firsts[name] / 4000 - share) < 3 * math.sqrt(share * (1 - share) / 4000)


def view_of(number: int, fleet: Fleet = FLEET) -> View:
    return replace(fleet.view(), dice=dice_of(b"secret", number.to_bytes(4)))


def test_only_the_calls_of_a_target_that_leaves_move():
    """
    Where one target cannot have a call, those drawn for others stay where they are.
    """
    without = Fleet({**FLEET.capabilities, "b": able(max_input_tokens=1)})
    drawn = choice("abc", "1 1 1", strategy="weighted")

    for number in range(200):
        before, after = order(planned(drawn, "r", view_of(number))), order(planned(drawn, "r", view_of(number, without)))
        assert before.startswith("b") or before[0] == after[0]
        assert "b" not in after


def test_no_weight_at_all_is_as_written():
    """
    Where every share is 0 nobody is drawn.
    """
    assert order(planned(choice("cab", "0 0 0", strategy="weighted"), "r", FLEET.view(dice=0.9))) == "cab"


@pytest.mark.parametrize("strategy", ["ordered", "weighted", "optimise"])
def test_a_canary_goes_first_for_its_share(strategy):
    """
    The rest stand behind it as they would without it; beyond its share it is not there.
    """
    with_it = choice("abc", strategy=strategy, canary=Canary(target("x"), 0.1))

    hit = planned(with_it, "r", FLEET.view(dice=0.0999))
    missed = planned(with_it, "r", FLEET.view(dice=0.1))

    assert order(hit) == "xabc"
    assert hit.candidates[0].reason.startswith("canary: cost 0.0015 USD")
    assert hit.notes == ("canary: x/m has 10% of calls",)
    assert (order(missed), missed.notes) == ("abc", ())


def test_a_canary_that_is_among_the_targets_is_asked_once():
    """
    In front for its share, in its place for the rest.
    """
    with_it = choice("abc", canary=Canary(target("b"), 0.5))

    assert order(planned(with_it, "r", FLEET.view(dice=0.0))) == "bac"
    assert order(planned(with_it, "r", FLEET.view(dice=0.5))) == "abc"


def test_a_canary_that_cannot_have_the_call_leaves_it_to_the_rest():
    """
    It is excluded like anybody else.
    """
    without = Fleet({**FLEET.capabilities, "x": able(max_input_tokens=1)})

    plan = planned(choice("abc", canary=Canary(target("x"), 1.0)), "r", without.view())

    assert order(plan) == "abc"
    assert [one.target for one in plan.excluded] == [target("x")]
    assert plan.notes == ("canary: x/m has 100% of calls, but cannot have this one",)


@pytest.mark.parametrize("strategy", ["weighted", "optimise"])
@pytest.mark.parametrize("sticky", ["conversation", "principal"])
def test_who_answered_last_goes_first(strategy, sticky):
    """
    As long as it is among the targets and healthy; and only where something is sticky.
    """
    kept = choice("abc", strategy=strategy, sticky=sticky)

    plan = planned(kept, "r", FLEET.view(last="c"))
    assert order(plan) == "cab"
    assert plan.notes == (f"sticky: c/m answered this {sticky} last",)
    assert order(planned(kept, "r", FLEET.view(last="d"))) == "abc"
    assert order(planned(kept, "r", standing(c=Standing("open", until=NOW + 5)).view(last="c"))) == "abc"
    assert order(planned(choice("abc", strategy=strategy), "r", FLEET.view(last="c"))) == "abc"


def test_who_is_being_emptied_keeps_nobody():
    """
    A weight of 0 moves sticky calls away too.
    """
    assert order(planned(choice("abc", "1 1 0", strategy="weighted", sticky="principal"), "r", FLEET.view(last="c"))) == "abc"


def test_a_conversation_stays_where_a_principal_meets_the_canary():
    """
    A conversation ends; a principal held to its last target would never meet the canary it is drawn for.
    """
    for sticky, expected in (("conversation", "cxab"), ("principal", "xabc")):
        both = choice("abc", strategy="optimise", sticky=sticky, canary=Canary(target("x"), 0.5))
        assert order(planned(both, "r", FLEET.view(last="c"))) == expected


def test_what_is_out_of_order_goes_last_soonest_first():
    """
    Open breakers and rate limits alike; half open ones, and those whose time has come, keep their place.
    """
    fleet = standing(
        a=Standing("open", until=NOW + 30),
        b=Standing(limited_until=NOW + 10),
        c=Standing("half_open", until=NOW - 1),
        d=Standing("open", until=NOW - 1, limited_until=NOW - 5),
        x=Standing("open"),
    )

    plan = planned(choice("xabcd"), "r", fleet.view())

    assert order(plan) == "cdbax"
    assert not plan.last_resort
    assert [candidate.reason.partition(";")[0] for candidate in plan.candidates[2:]] == [
        "rate limited for 10 s",
        "breaker open for 30 s",
        "breaker open",
    ]


def test_where_all_are_out_of_order_all_are_tried():
    """
    Rather the one that is back soonest than a refusal; and what is excluded stays out even then.
    """
    fleet = standing(
        a=Standing("open", until=NOW + 30), b=Standing("open", until=NOW + 5, limited_until=NOW + 40), c=Standing(limited_until=NOW + 20)
    )
    fleet.capabilities = {**FLEET.capabilities, "d": able(max_input_tokens=1)}

    plan = planned(choice("abcd", strategy="optimise"), "r", fleet.view())

    assert order(plan) == "cab"
    assert plan.last_resort
    assert [one.target for one in plan.excluded] == [target("d")]


def test_a_canary_out_of_order_is_no_reason_to_wait():
    """
    It stands behind those that work.
    """
    plan = planned(choice("ab", canary=Canary(target("x"), 1.0)), "r", standing(x=Standing("open", until=NOW + 1)).view())

    assert (order(plan), plan.last_resort) == ("abx", False)


def test_a_shadow_gets_a_copy_of_its_share():
    """
    And never stands among the candidates.
    """
    copied = choice("ab", shadow=Shadow(target("x"), 0.2))

    hit, missed = (planned(copied, "r", FLEET.view(dice={"shadow": dice})) for dice in (0.19, 0.2))

    assert (hit.shadow, missed.shadow) == (target("x"), None)
    assert order(hit) == order(missed) == "ab"


@pytest.mark.parametrize(
    ("fleet", "require", "said"),
    [
        (FLEET, Requirements(zero_retention=True), "is not known to keep nothing"),
        (standing(x=Standing("open", until=NOW + 9)), Requirements(), "breaker open for 9 s"),
    ],
)
def test_a_copy_needs_what_the_call_needs(fleet, require, said):
    """
    A copy discloses as much as the call, and burdens who is in trouble as much.
    """
    plan = planned(choice("a", shadow=Shadow(target("x"), 1.0), require=require), "r", fleet.view())

    assert plan.shadow is None
    assert plan.notes == (f"shadow: x/m gets no copy: {said}",)


@given(st.data())
def test_everybody_is_either_a_candidate_or_excluded_once(data):
    """
    Whatever is asked for, of whatever targets in whatever state: nobody is lost, doubled, or both; and nothing raises.
    """
    times = st.none() | st.floats(NOW - 50, NOW + 50)
    names = data.draw(st.lists(st.sampled_from("abcdx"), max_size=8))
    fleet = Fleet(
        {
            name: able(
                price=data.draw(st.none() | st.just(rates("1", "2", "0.1"))),
                quality=data.draw(st.none() | st.floats(0, 1)),
                max_input_tokens=data.draw(st.sampled_from([None, 100, 100_000])),
                caching=data.draw(st.booleans()),
            )
            for name in "abcdx"
        },
        {
            name: Standing(
                state=data.draw(st.sampled_from(["closed", "open", "half_open"])),
                until=data.draw(times),
                limited_until=data.draw(times),
                failure_rate=data.draw(st.none() | st.floats(0, 1)),
                first_byte_seconds=data.draw(st.none() | st.floats(0, 100)),
                tokens_per_second=data.draw(st.none() | st.floats(0, 1000)),
                samples=data.draw(st.floats(0, 100)),
            )
            for name in "abcdx"
        },
        warm={"a": 500},
    )
    wanted = Choice(
        tuple(Weighted(target(name), data.draw(st.sampled_from([0.0, 0.5, 1.0]))) for name in names),
        strategy=data.draw(st.sampled_from(["ordered", "weighted", "optimise"])),
        weights=Weights(0.5, 0.25, 0.25),
        sticky=data.draw(st.sampled_from(["off", "conversation", "principal"])),
        canary=data.draw(st.none() | st.just(Canary(target("x"), 0.5))),
    )
    dice = data.draw(st.floats(0, 1, exclude_max=True))

    plan = planned(wanted, "r", fleet.view(dice=dice, last=data.draw(st.none() | st.sampled_from("abcdx"))))

    placed = [one.target.deployment for one in (*plan.candidates, *plan.excluded)]
    drawn = {"x"} if wanted.canary is not None and dice < 0.5 else set()
    assert sorted(placed) == sorted({*names} | drawn)
    assert not {one.target for one in plan.candidates} & {one.target for one in plan.excluded}
    assert all(one.reason for one in (*plan.candidates, *plan.excluded))
