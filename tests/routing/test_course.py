"""
The way of a call through its plan: bounds that hold whatever fails, and the order candidates are asked in.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.policy.deployment import TargetRef
from excise.policy.terms import Failover
from excise.routing.course import Course, Step
from excise.routing.failure import Failure
from excise.routing.judge import judge
from excise.routing.plan import Candidate, Plan

CLOSED = Failure("upstream_closed", "head")
TIMEOUT = Failure("upstream_timeout", "head")
LIMITED = Failure("http_429", "answer", 429, "rate", retry_after_seconds=2.0)
BUSY = Failure("http_529", "answer", 529, "overload")
BROKEN = Failure("http_500", "answer", 500, "internal")
WRONG = Failure("http_400", "answer", 400, "bad_request")
KEY = Failure("http_401", "answer", 401, "auth")
LARGE = Failure("http_413", "answer", 413, "too_large")
EMPTY = Failure("answer_empty", "content")


def course_of(names: str, *, may_retry=lambda target: True, refusals=False, larger=lambda one, other: False, **failover) -> Course:
    plan = Plan("r", "ordered", tuple(Candidate(TargetRef("p", name), "listed") for name in names), failover=Failover(**failover))
    return Course(plan, started=100.0, dice=lambda: 0.5, may_retry=may_retry, refusals=refusals, larger=larger)


def asked(course: Course, *failures: Failure) -> tuple[str, list[Step]]:
    """
    Whom a call asks while these failures happen, the last of them again and again.
    """
    now, names, steps = 100.0, "", []
    while course.current is not None:
        names += course.current.target.model
        course.began()
        steps.append(course.after(failures[min(len(steps), len(failures) - 1)], now))
        now += steps[-1].wait_seconds
    return names, steps


@pytest.mark.parametrize(
    ("names", "failures", "expected", "terms"),
    [
        ("abc", [BUSY], "abca", {}),  # elsewhere at once, then the best again
        ("abc", [LIMITED], "abca", {}),
        ("ab", [CLOSED], "aabb", {}),  # a fresh connection first
        ("abc", [CLOSED], "aabc", {}),  # but nobody is left out for it
        ("abcdef", [CLOSED], "abcd", {}),
        ("ab", [TIMEOUT], "abab", {}),  # its time is not spent twice in a row
        ("ab", [BUSY], "abab", {"attempts": 9}),  # retries are counted for each target
        ("ab", [BUSY], "ababab", {"attempts": 9, "retries": 2}),
        ("ab", [BUSY], "ab", {"attempts": 9, "retries": 0}),
        ("a", [BUSY], "aa", {}),
        ("a", [BUSY], "aaaa", {"retries": 7}),
        ("ab", [WRONG], "a", {}),  # the same request, the same fault
        ("ab", [BUSY, WRONG], "ab", {}),
        ("ab", [KEY], "ab", {}),  # nobody is asked twice with a key that is refused
        ("ab", [KEY, BUSY, BUSY], "abb", {}),
        ("ab", [EMPTY], "abab", {}),
        ("ab", [BUSY], "a", {"attempts": 1}),
        ("ab", [LIMITED], "ab", {"max_wait_seconds": 1.0}),  # too long to wait for
        ("ab", [LIMITED], "ab", {"total_seconds": 2.0}),  # too late to wait for
        ("ab", [LARGE], "a", {}),
    ],
)
def test_candidates_are_asked_in_this_order(names, failures, expected, terms):
    """
    Whom a call asks is settled by its plan and what fails, and by nothing else.
    """
    assert asked(course_of(names, **terms), *failures)[0] == expected


@pytest.mark.parametrize(("failure", "keys", "expected"), [(KEY, 1, "ab"), (KEY, 3, "aaab"), (LIMITED, 2, "aabb"), (BUSY, 3, "abab")])
def test_a_pool_s_other_keys_come_first(failure, keys, expected):
    """
    Each once, at once, where it is the key that is refused or limited; what ails the target itself no key cures.
    """
    plan = Plan("r", "ordered", (Candidate(TargetRef("p", "a"), ""), Candidate(TargetRef("q", "b"), "")), failover=Failover())
    course = Course(plan, started=100.0, dice=lambda: 0.5, keys=lambda target: keys)
    names, key = "", 0
    while course.current is not None and len(names) < 4:
        names += course.current.target.model
        course.began()
        key = next((at for at in range(keys) if at not in course.spent), 0)
        step = course.after(failure, 100.0, key=key)
        assert step.wait_seconds == 0 or not step.why.endswith("another key")
    assert names == expected


def test_waits_are_the_providers_or_grow():
    """
    A provider's word is waited for in full; without one the bound doubles, and half of it is what dice of 0.5 give.
    """
    assert [step.wait_seconds for step in asked(course_of("a"), LIMITED)[1]] == [2.0, 0.0]
    assert [step.wait_seconds for step in asked(course_of("a", retries=7, attempts=8), BUSY)[1]] == [0.125, 0.25, 0.5, 1, 2, 4, 4, 0]
    assert [step.wait_seconds for step in asked(course_of("ab"), LIMITED)[1]] == [0.0, 2.0, 0.0, 0.0]
    assert [step.kind for step in asked(course_of("a"), BUSY)[1]] == ["again", "stop"]


def test_a_large_request_goes_only_where_more_fits_in():
    """
    After "too large" the candidates that hold no more are passed over, those tried before among them.
    """
    room = {"a": 8, "b": 4, "c": 8, "d": 16}

    def larger(one, other):
        return room[one.model] > room[other.model]

    assert asked(course_of("abcd", larger=larger), LARGE)[0] == "ad"
    assert asked(course_of("badc", larger=larger), BUSY, LARGE, BUSY)[0] == "badd"


def test_who_cannot_take_the_call_is_passed_over():
    """
    An exclusion is no attempt, and is reported with its reason; when everybody is excluded nobody is current.
    """
    course = course_of("abc")
    course.exclude("no such operation")
    assert course.current.target.model == "b"
    course.began()
    assert course.after(BUSY, 100.0) == Step("next", 0.0, "http_529")
    course.exclude("policy says no")

    assert (course.current.target.model, course.wait(100.0), course.tried) == ("b", 0.125, 1)
    assert [(one.target.model, one.reason) for one in course.excluded] == [("a", "no such operation"), ("c", "policy says no")]
    course.exclude("changed its mind")
    assert course.current is None
    assert not course.more


def test_a_spent_retry_budget_allows_first_tries_only():
    """
    Where retries would add to an outage, others are asked, nobody twice.
    """
    asks = []
    course = course_of("ab", may_retry=lambda target: asks.append(target.model))

    assert asked(course, CLOSED)[0] == "ab"
    assert set(asks) == {"a", "b"}


def test_refusals_stop_a_call_unless_policy_says_otherwise():
    """
    Another model is asked after a refusal only where that was allowed.
    """
    refused = Failure("answer_refusal", "content")

    assert asked(course_of("ab"), refused)[0] == "a"
    assert asked(course_of("ab", refusals=True), refused)[0] == "ab"


def test_the_last_attempt_is_known_before_it_begins():
    """
    An answer that nothing could follow is not held back: `more` says so, before the attempt and during it.
    """
    course = course_of("ab", attempts=2)
    assert course.more
    course.began()
    assert course.more
    course.after(BUSY, 100.0)
    assert not course.more
    course.began()
    assert not course.more
    assert not course_of("a", retries=0).more
    assert not course_of("ab", attempts=1).more


def test_two_attempts_beside_each_other_count_as_two():
    """
    A second candidate asked beside a slow one shares its bounds, is never the same, and whichever fails last goes on for both.
    """
    course = course_of("abc", attempts=3)
    course.began()
    assert course.spare
    beside = course.aside()
    assert (course.current.target.model, beside.current.target.model) == ("a", "b")
    beside.began()

    assert (course.tried, beside.tried) == (2, 2)
    assert (course.more, beside.more) == (True, True)
    assert course.after(BUSY, 100.0).kind == "next"  # `b` was given up before
    assert course.current.target.model == "c"
    course.began()
    assert course.after(BUSY, 100.0).kind == "stop"
    assert (course.tried, course.spare) == (3, False)


def test_answers_are_held_back_while_somebody_else_may_still_be_better():
    """
    With the last two attempts under way at once, an error of the one is no answer as long as the other may bring one.
    """
    course = course_of("ab", attempts=2)
    course.began()
    beside = course.aside()
    beside.began()

    assert (course.more, beside.more, course.spare) == (True, True, False)
    beside.exclude("no such model")
    assert beside.current is None


def test_who_is_out_of_order_is_asked_when_nobody_else_is_left():
    """
    A breaker that is open keeps a target to the end, not out: not when the others fail, nor when their retry budget is spent.
    """
    for budget, expected in ((True, "bcbcad"), (False, "bcad")):
        course = course_of("abcd", may_retry=lambda target, budget=budget: budget, attempts=9)
        names = ""
        while course.current is not None:
            if course.current.target.model in "ad" and course.others:
                course.exclude("breaker open", for_now=True)
                continue
            assert course.more
            names += course.current.target.model
            course.began()
            course.after(BUSY if course.current.target.model in "bc" else KEY, 100.0)
        assert (names, course.excluded) == (expected, [])


def test_who_is_put_off_is_so_once():
    """
    What cannot be asked even as the last one is excluded, and the call ends.
    """
    course = course_of("ab")
    for _ in range(4):
        course.exclude("breaker open", for_now=True)

    assert course.current is None
    assert [one.target.model for one in course.excluded] == ["a", "b"]


def test_who_is_the_last_one_knows_it():
    """
    `others` are those who may be asked yet, those who failed in passing among them.
    """
    course = course_of("ab")
    seen = [course.others]
    for failure in (BUSY, KEY):
        course.began()
        course.after(failure, 100.0)
        seen.append(course.others)

    assert (seen, course.current.target.model) == ([True, True, False], "a")


def test_nobody_is_asked_beside_who_is_alone():
    """
    Without an untried candidate, or an attempt left, there is no second way.
    """
    for course in (course_of("a"), course_of("ab", attempts=1)):
        course.began()
        assert not course.spare


FAILURES = st.builds(
    Failure,
    kind=st.sampled_from(["http_x", "upstream_closed", "upstream_timeout", "answer_empty", "answer_refusal", "upstream_tls"]),
    phase=st.just("answer"),
    status=st.one_of(st.none(), st.sampled_from([307, 400, 401, 404, 408, 413, 424, 429, 500, 503, 529])),
    sort=st.none(),
    retry_after_seconds=st.one_of(st.none(), st.floats(0, 40)),
    should_retry=st.one_of(st.none(), st.booleans()),
)
EVENTS = st.lists(st.tuples(st.one_of(FAILURES, st.sampled_from(["exclude", "put off"])), st.floats(0, 20)), max_size=25)
TERMS = st.fixed_dictionaries(
    {"attempts": st.integers(1, 8), "retries": st.integers(0, 3), "total_seconds": st.floats(1, 90), "max_wait_seconds": st.floats(0, 30)}
)


@given(st.integers(1, 5), EVENTS, TERMS, st.integers(0, 9), st.booleans())
def test_bounds_hold_whatever_fails(candidates, events, terms, seed, refusals):
    """
    Never more attempts than allowed, in all or of one target; no wait longer than allowed or past the end; nobody a second time while
    somebody is untried, unless a fresh connection is tried at once; nothing after `more` said no; and it always ends.
    """
    dice, now = random.Random(seed), 100.0
    course = course_of("abcde"[:candidates], refusals=refusals, larger=lambda one, other: one.model > other.model, **terms)
    course._dice = dice.random
    tries = dict.fromkeys("abcde"[:candidates], 0)
    gone, put_off = set(), set()
    for event, seconds in events:
        if course.current is None:
            break
        name = course.current.target.model
        if isinstance(event, str):
            course.exclude("x", for_now=event == "put off")
            (put_off if event == "put off" and name not in put_off and not tries[name] else gone).add(name)
            continue
        assert name not in gone
        tries[name] += 1
        course.began()
        more = course.more
        step = course.after(event, now := now + seconds)

        assert course.tried == sum(tries.values()) <= terms["attempts"]
        assert tries[name] <= 1 + terms["retries"]
        assert (step.kind == "stop") == (course.current is None)
        assert more or step.kind == "stop"
        if step.kind == "stop":
            assert step.wait_seconds == 0
            continue
        verdict = judge(event, repeated=tries[name] - 1, refusals=refusals)
        then = course.current.target.model
        assert step.wait_seconds <= terms["max_wait_seconds"]
        assert now + step.wait_seconds < 100.0 + terms["total_seconds"]
        assert verdict.again if step.kind == "again" else verdict.elsewhere
        assert (then == name) == (step.kind == "again")
        assert then not in gone
        if verdict.needs_larger:
            gone |= {other for other in tries if other < name}
        untried = {other for other, times in tries.items() if not times} - gone - put_off
        if (tries[then] or then in put_off) and untried:
            assert step.kind == "again"
            assert verdict.here_first or not verdict.elsewhere
        now += step.wait_seconds
