"""
Health records: means that fade, breakers that open and let one through, budgets that follow the calls.
"""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from excise.routing.health import NOTHING, PROBE_SECONDS, Record, failed, limited, probe, released, retry, standing, succeeded, worst
from excise.routing.standing import UNTRIED, Standing

T = 1000.0


def after(word: str, *, at: float = T, record: Record = NOTHING, every: float = 0.1) -> Record:
    """
    A record after calls: `+` answered, `-` failed, `!` failed hard.
    """
    for number, sign in enumerate(word):
        now = at + number * every
        record = succeeded(record, now) if sign == "+" else failed(record, now, hard=sign == "!", dice=0.5)
    return record


def opened() -> Record:
    return after("!!!")  # at T + 0.2, for 5 s


def test_nothing_known_is_nothing_said():
    """
    A key nobody has heard of stands as untried, and may be asked.
    """
    assert standing(NOTHING, T) == UNTRIED
    assert probe(NOTHING, T) == (NOTHING, True)


def test_the_breaker_opens_at_half_of_five_or_three_dead_in_a_row():
    """
    Few failures say nothing unless they are of the host itself; an answer in between starts the row anew.
    """
    words = {
        "----": "closed",
        "-----": "open",
        "+-+-+": "closed",
        "+-+-+-": "open",
        "++++-": "closed",
        "+" * 9 + "-" * 8: "closed",
        "!!": "closed",
        "!!!": "open",
        "+++++++!!!": "open",
        "++++!!+!!": "closed",
        "++++!!-!!": "open",  # five of nine
        "+++++++!!-!!": "closed",  # a failure the host answered with is none of the host's
    }

    assert {word: standing(after(word), T + 2).state for word in words} == words


def test_old_failures_do_not_open_it():
    """
    Failures a minute apart have faded before there are five of them.
    """
    assert standing(after("-" * 30, every=60.0), T + 30 * 60).state == "closed"


def test_one_at_a_time_looks_whether_it_is_over():
    """
    While open nobody is let through; after it one, the next when that one is overdue or has let go.
    """
    record = opened()
    until = standing(record, T + 1).until
    assert until is not None
    assert math.isclose(until, T + 5.2)
    assert probe(record, until - 0.01) == (record, False)

    record, first = probe(record, until)
    _, second = probe(record, until + 1)
    _, overdue = probe(record, until + PROBE_SECONDS)
    _, let_go = probe(released(record, until + 1), until + 1)

    assert standing(record, until).state == "half_open"
    assert (first, second, overdue, let_go) == (True, False, True, True)


def test_a_probe_that_is_answered_closes_it():
    """
    After that the failures before it are forgotten: one more does not open it.
    """
    record, _ = probe(opened(), T + 6)
    record = succeeded(record, T + 7)

    assert standing(record, T + 7).state == "closed"
    assert standing(after("-", at=T + 8, record=record), T + 8).state == "closed"
    assert standing(after("!!!", at=T + 8, record=record), T + 9).until == T + 8.2 + 5


def test_a_probe_that_fails_doubles_the_time():
    """
    5, 10, 20 … seconds, never more than two minutes; dice move it by a fifth either way.
    """
    record, lasted, now = opened(), [], T + 6
    for _ in range(7):
        record = failed(probe(record, now)[0], now, hard=False, dice=0.5)
        lasted.append(round(record.open_until - now))
        now = record.open_until
    low, high = (failed(failed(NOTHING, T, hard=True, dice=dice)._replace(hard=2.0), T, hard=True, dice=dice) for dice in (0.0, 1.0))

    assert lasted == [10, 20, 40, 80, 120, 120, 120]
    assert (round(low.open_until - T, 6), round(high.open_until - T, 6)) == (4.0, 6.0)


def test_calls_under_way_when_it_opened_change_nothing():
    """
    What ends while the breaker is open began before: neither answers close it nor failures prolong it.
    """
    record = opened()

    assert succeeded(record, T + 1).open_until == record.open_until
    assert after("----!!!!", at=T + 1, record=record).open_until == record.open_until


def test_figures_are_means_that_fade():
    """
    What was measured last counts most; after ten half-lives nothing is known but that nothing is wrong.
    """
    record = NOTHING
    for number in range(100):
        record = succeeded(record, T + number, first_byte_seconds=1.0, tokens_per_second=50.0)
    for number in range(300):
        record = succeeded(record, T + 100 + number, first_byte_seconds=3.0)
    now = standing(record, T + 400)

    assert now.first_byte_seconds is not None
    assert 2.9 < now.first_byte_seconds < 3.0
    assert (now.tokens_per_second, now.failure_rate) == (50.0, 0.0)
    assert 80 < now.samples < 90  # 60 s of half-life, a call a second: 60 / ln 2
    assert standing(record, T + 2000) == Standing(samples=standing(record, T + 2000).samples, failure_rate=None)


def test_tries_again_are_a_fifth_of_the_calls_and_a_few():
    """
    A quiet target has three, a busy one a fifth of what it gets; spent ones come back as they fade.
    """

    def granted(record: Record, now: float) -> int:
        times = 0
        while (answer := retry(record, now))[1]:
            record, times = answer[0], times + 1
        return times

    busy = after("+" * 100, every=0.0)
    spent = retry(retry(retry(NOTHING, T)[0], T)[0], T)[0]

    assert granted(NOTHING, T) == 3
    assert granted(busy, T) == 23
    assert (granted(spent, T), granted(spent, T + 60), granted(spent, T + 600)) == (0, 1, 2)


def test_a_limit_holds_until_its_end():
    """
    The longest word counts, and is over when it is over.
    """
    record = limited(limited(NOTHING, T, T + 30), T, T + 10)

    assert standing(record, T + 29).limited_until == T + 30
    assert standing(record, T + 30).limited_until is None
    assert standing(record, T).state == "closed"


def test_several_records_are_as_bad_as_the_worst():
    """
    Breakers, limits and failures of the worst; speed of the most special that knows.
    """
    host = Standing("open", until=9.0, failure_rate=0.5, samples=9)
    model = Standing("half_open", until=50.0, failure_rate=0.1, first_byte_seconds=1.0, tokens_per_second=80.0, samples=5)
    key = Standing(limited_until=70.0, first_byte_seconds=2.0, samples=2)

    assert worst((host, model, key)) == Standing("open", 9.0, 70.0, 0.5, 2.0, 80.0, 9)
    assert worst(()) == UNTRIED


def test_who_was_never_tried_says_nothing_of_the_rest():
    """
    Of equally bad breakers the one that opens last counts; and whose samples are meant may be said.
    """
    early, late = Standing("open", until=9.0, samples=7), Standing("open", until=50.0, samples=3)

    assert worst((early, UNTRIED, late)) == worst((late, early)) == Standing("open", 50.0, samples=7)
    assert worst((early, late), samples=3) == Standing("open", 50.0, samples=3)
    assert worst((Standing(failure_rate=0.0), UNTRIED)).failure_rate == 0.0


@given(
    st.lists(
        st.tuples(st.sampled_from("+-!plrx"), st.floats(0, 100), st.floats(0, 1, exclude_max=True)),
        max_size=60,
    )
)
def test_no_history_makes_a_record_impossible(events):
    """
    Whatever happens in whichever order, counts stay finite and in proportion, a breaker opens for two minutes at most and is never shut
    for good.
    """
    record, now = NOTHING, T
    for sign, seconds, dice in events:
        now += seconds
        if sign in "-!":
            record = failed(record, now, hard=sign == "!", dice=dice)
        else:
            record = {
                "+": lambda record, now=now: succeeded(record, now, first_byte_seconds=0.1),
                "p": lambda record, now=now: probe(record, now)[0],
                "l": lambda record, now=now: limited(record, now, now + 3),
                "r": lambda record, now=now: retry(record, now)[0],
                "x": lambda record, now=now: released(record, now),
            }[sign](record)
        assert all(math.isfinite(value) and value >= 0 for value in record)
        assert record.failures <= record.calls * (1 + 1e-9)
        assert record.open_until <= now + 144
        assert probe(record, now + 144 + PROBE_SECONDS)[1]
        rate = standing(record, now).failure_rate
        assert rate is None or 0 <= rate <= 1 + 1e-9
