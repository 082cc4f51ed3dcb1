"""
What is said to be covered is covered: against the conditions as they run.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from excise.exchange import Capture
from excise.policy.conditions import compile_conditions
from excise.policy.coverage import Cover
from excise.policy.decide import Facts
from excise.policy.hours import DAYS
from excise.policy.when import When

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
CALL = Facts(principal="a", provider="openai", operation="chat", capture=Capture.PROXY)
_NEEDS = ("tools", "vision")
_LABELS = st.dictionaries(st.sampled_from("xy"), st.lists(st.sampled_from(["a", "ab", "a*", "*"]), min_size=1), min_size=1)
_CLOCK = st.sampled_from(["00:00", "06:00", "12:00", "18:00"])


def ranges(figures):
    pairs = st.tuples(st.sampled_from(figures), st.sampled_from(figures)).filter(lambda pair: pair[0] < pair[1])
    return pairs.map(lambda pair: {"from": pair[0], "below": pair[1]}) | st.sampled_from(figures[1:]).map(lambda one: {"below": one})


def hours():
    days = st.lists(st.sampled_from(DAYS), min_size=1, unique=True)
    spans = st.tuples(_CLOCK, _CLOCK).filter(lambda pair: pair[0] != pair[1])
    return st.builds(lambda days, span: {"zone": "UTC", "days": days, "from": span[0], "until": span[1]}, days, spans)


CONDITIONS = {
    "task": st.lists(st.sampled_from(["code", "analysis", "unknown"]), min_size=1),
    "complexity": ranges([Decimal("0.1"), Decimal("0.5"), Decimal("0.9")]),
    "needs": st.lists(st.sampled_from(_NEEDS), min_size=1),
    "input_tokens": ranges([10, 100, 1000]),
    "stream": st.booleans(),
    "tags": _LABELS,
    "headers": _LABELS,
    "time": hours(),
    "expr": st.sampled_from(["call.stream", "call.input_tokens > 50"]),
}
WHENS = st.sampled_from(sorted(CONDITIONS)).flatmap(lambda name: st.tuples(*[st.fixed_dictionaries({name: CONDITIONS[name]})] * 2))
_DICE = random.Random(3)
CALLS = [
    replace(
        CALL,
        task=_DICE.choice([None, "code", "analysis", "unknown"]),
        complexity=_DICE.choice([None, 0.05, 0.1, 0.5, 0.7, 0.95]),
        needs=frozenset(_DICE.sample(_NEEDS, _DICE.randint(0, 2))),
        input_tokens=_DICE.choice([None, 5, 10, 99, 100, 5000]),
        stream=_DICE.random() < 0.5,
        tags={name: _DICE.choice(["a", "ab", "b"]) for name in "xy" if _DICE.random() < 0.7},
        headers={name: _DICE.choice(["a", "ab", "b"]) for name in "xy" if _DICE.random() < 0.7},
        now=MONDAY + timedelta(hours=_DICE.randint(0, 7 * 24), minutes=30),
    )
    for _ in range(200)
]


@given(WHENS, WHENS)
@settings(max_examples=120, deadline=None)
def test_whatever_the_narrow_one_matches_the_wide_one_does(first, second):
    """
    Pairs with the same conditions, and with more of them; an entry covers what has all its conditions and others.
    """
    one, other = ({**first[at], **second[at]} for at in (0, 1))
    pairs = [(first[0], first[1]), (second[0], second[1]), (one, other), (first[0], {**second[0], **first[0]})]
    covered = []
    for pair in pairs:
        wide, narrow = map(When.model_validate, pair)
        covered.append(Cover("wide", wide).covers(Cover("narrow", narrow)))
        if covered[-1]:
            outer, inner = (compile_conditions(when, denies=False) for when in (wide, narrow))
            for facts in CALLS:
                assert not all(condition.test(facts) for condition in inner) or all(condition.test(facts) for condition in outer)

    assert covered[-1]
