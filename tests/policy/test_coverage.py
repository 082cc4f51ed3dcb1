"""
What is said to be covered is covered: against the conditions as they run.
"""

from __future__ import annotations

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


WHENS = st.fixed_dictionaries(
    {},
    optional={
        "task": st.lists(st.sampled_from(["code", "analysis", "unknown"]), min_size=1),
        "complexity": ranges([Decimal("0.1"), Decimal("0.5"), Decimal("0.9")]),
        "needs": st.lists(st.sampled_from(_NEEDS), min_size=1),
        "input_tokens": ranges([10, 100, 1000]),
        "stream": st.booleans(),
        "tags": _LABELS,
        "headers": _LABELS,
        "time": hours(),
        "expr": st.sampled_from(["call.stream", "call.input_tokens > 50"]),
    },
).filter(bool)
FACTS = st.builds(
    replace,
    st.just(CALL),
    task=st.sampled_from([None, "code", "analysis", "unknown"]),
    complexity=st.sampled_from([None, 0.05, 0.1, 0.5, 0.7, 0.95]),
    needs=st.sets(st.sampled_from(_NEEDS)).map(frozenset),
    input_tokens=st.sampled_from([None, 5, 10, 99, 100, 5000]),
    stream=st.booleans(),
    tags=st.dictionaries(st.sampled_from("xy"), st.sampled_from(["a", "ab", "b"])),
    headers=st.dictionaries(st.sampled_from("xy"), st.sampled_from(["a", "ab", "b"])),
    now=st.integers(0, 7 * 24).map(lambda hour: MONDAY + timedelta(hours=hour, minutes=30)),
)


@given(WHENS, WHENS, st.lists(FACTS, min_size=1, max_size=20))
@settings(max_examples=80, deadline=None)
def test_whatever_the_narrow_one_matches_the_wide_one_does(first, second, calls):
    """
    Adding conditions only narrows, so the second with the first's is a narrower one of both; and no call tells otherwise.
    """
    both = When.model_validate({**second, **first})
    covered = 0
    for wide, narrow in ((first, second), (first, both), (second, both)):
        wide, narrow = (When.model_validate(one) if isinstance(one, dict) else one for one in (wide, narrow))
        if Cover("wide", wide).covers(Cover("narrow", narrow)):
            covered += 1
            outer, inner = (compile_conditions(one, denies=False) for one in (wide, narrow))
            for facts in calls:
                if all(one.test(facts) for one in inner):
                    assert all(one.test(facts) for one in outer)

    assert covered, "what has all conditions of another one and more is covered by it"
