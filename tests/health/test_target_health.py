"""
Health of targets: which records a call's end counts in, and which credential the next one takes.
"""

from __future__ import annotations

import pytest

from excise.health.shared import SharedHealth
from excise.health.target_health import TargetHealth
from excise.policy.deployment import TargetRef
from excise.routing.failure import Failure

GPT, MINI, ELSEWHERE = TargetRef("openai", "gpt"), TargetRef("openai", "mini"), TargetRef("azure", "gpt")


class Bench:
    """
    Health on a clock that goes when told to.
    """

    def __init__(self, path) -> None:
        self.now = 1000.0
        self.shared = SharedHealth(path, slots=256, clock=lambda: self.now, wall=lambda: 1_770_000_000.0, dice=lambda: 0.5)
        self.health = TargetHealth(self.shared)

    def fail(self, failure: Failure, times: int = 5, *, target: TargetRef = GPT, credential: int = 0) -> None:
        for _ in range(times):
            self.health.failed(target, credential, failure)

    def states(self, *targets: TargetRef) -> list[str]:
        return [self.health.standing(target).state for target in targets]


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path / "health")
    yield made
    made.shared.close()


@pytest.mark.parametrize(
    ("failure", "open_"),
    [
        (Failure("connect_failed", "connect"), [GPT, MINI]),
        (Failure("upstream_tls", "connect"), [GPT, MINI]),
        (Failure("upstream_timeout", "head"), [GPT]),
        (Failure("http_500", "answer", 500, "internal"), [GPT]),
        (Failure("overloaded_error", "answer", None, "overload"), [GPT]),
        (Failure("http_401", "answer", 401, "auth"), [GPT]),
        (Failure("http_429", "answer", 429, "rate"), []),
        (Failure("http_429", "answer", 429), []),
        (Failure("http_401", "answer", 401), [GPT]),
        (Failure("http_400", "answer", 400, "bad_request"), []),
        (Failure("http_404", "answer", 404, "not_found"), []),
        (Failure("http_413", "answer", 413, "too_large"), []),
        (Failure("answer_schema", "content", 200), []),
        (Failure("answer_empty", "content", 200), []),
    ],
)
def test_a_failure_counts_against_who_is_to_blame(bench, failure, open_):
    """
    Dead hosts take their models with them, a failing model goes alone, and what a client can cause closes nothing.
    """
    bench.fail(failure)

    assert [target for target in (GPT, MINI, ELSEWHERE) if bench.states(target) == ["open"]] == open_


def test_slow_requests_of_one_client_close_nothing_by_themselves(bench):
    """
    Three timeouts in a row are no proof, where three broken connections are.
    """
    bench.fail(Failure("upstream_timeout", "head"), 3)
    bench.fail(Failure("upstream_closed", "head"), 3, target=ELSEWHERE)

    assert bench.states(GPT, ELSEWHERE) == ["closed", "open"]


def test_a_refused_key_leaves_the_others_in_use(bench):
    """
    After three refusals a key is passed over; the target stands as its best key does.
    """
    bench.fail(Failure("http_401", "answer", 401, "auth"), 3, credential=1)

    assert bench.health.standing(GPT, credentials=3).state == "closed"
    assert [bench.health.take(GPT, credentials=3) for _ in range(6)] == [0, 2, 0, 2, 0, 2]


def test_a_limited_key_waits_while_others_work(bench):
    """
    `retry-after` keeps a key out for as long as it says, and no longer; when all are limited the target is, until the first is free.
    """
    for credential, seconds in ((0, 20.0), (1, 8.0)):
        bench.fail(Failure("http_429", "answer", 429, "rate", retry_after_seconds=seconds), 1, credential=credential)
        assert (bench.health.take(GPT, credentials=2) is None) == (credential == 1)

    assert bench.health.standing(GPT, credentials=2).limited_until == 1008.0
    assert bench.health.take(GPT, credentials=2, anyway=True) == 1
    bench.now += 8
    assert [bench.health.take(GPT, credentials=2) for _ in range(2)] == [1, 1]
    assert bench.health.take(MINI, credentials=2) in (0, 1)
    bench.now += 12
    assert {bench.health.take(GPT, credentials=2) for _ in range(2)} == {0, 1}


def test_a_limit_nobody_said_the_end_of_is_short(bench):
    """
    A 429 without a word keeps the key out for a second; an overload without one does not.
    """
    bench.fail(Failure("http_429", "answer", 429, "rate"), 1)
    bench.fail(Failure("http_529", "answer", 529, "overload"), 1, target=MINI)

    assert (bench.health.standing(GPT).limited_until, bench.health.standing(MINI).limited_until) == (1001.0, None)


def test_limits_in_ordinary_answers_are_heeded(bench):
    """
    The answer that used up the last request says so, and the next call goes elsewhere.
    """
    bench.health.learned(GPT, 0, [(b"ratelimit-remaining", b"0"), (b"ratelimit-reset", b"19")], 200)

    assert bench.health.standing(GPT).limited_until == 1019.0
    assert bench.health.take(GPT) is None


def test_one_probe_at_a_time_goes_through(bench):
    """
    A breaker that half opens lets one attempt through; an answer closes it, an end that says nothing lets the next one look.
    """
    bench.fail(Failure("connect_failed", "connect"), 3)
    assert bench.health.take(GPT) is None
    assert bench.health.take(GPT, anyway=True) == 0

    bench.now += 6
    assert [bench.health.take(target) for target in (GPT, GPT, MINI)] == [0, None, None]
    bench.health.released(GPT)
    assert [bench.health.take(MINI), bench.health.take(GPT)] == [0, None]
    bench.health.failed(MINI, 0, Failure("http_400", "answer", 400, "bad_request"))  # the host answers
    assert bench.states(GPT, MINI) == ["closed", "closed"]


def test_a_probe_that_cannot_go_through_takes_none(bench):
    """
    Where the model may be probed but no key of it is free, the probe is left for who has one.
    """
    bench.fail(Failure("http_500", "answer", 500, "internal"))
    bench.fail(Failure("http_429", "answer", 429, "rate", retry_after_seconds=60.0), 1)
    bench.now += 6

    assert bench.health.take(GPT) is None
    assert bench.health.take(GPT, credentials=2) == 1


def test_a_probe_that_says_nothing_or_cannot_leave_is_given_back(bench):
    """
    A client's own mistake leaves the model to the next one who looks; where the model is being probed, the host's probe is not kept.
    """
    bench.fail(Failure("http_500", "answer", 500, "internal"))
    bench.now += 6
    assert [bench.health.take(GPT) for _ in range(2)] == [0, None]
    bench.health.failed(GPT, 0, Failure("http_400", "answer", 400, "bad_request"))
    assert [bench.health.take(GPT) for _ in range(2)] == [0, None]

    bench.fail(Failure("connect_failed", "connect"), 20, target=MINI)
    bench.now += 6
    assert [bench.health.take(target) for target in (GPT, MINI)] == [None, 0]


def test_a_wait_that_was_asked_for_may_end_a_moment_early(bench):
    """
    Clocks of a wait and of a limit are read one after the other.
    """
    bench.fail(Failure("http_429", "answer", 429, "rate", retry_after_seconds=8.0), 1)
    bench.now += 7.8
    assert bench.health.take(GPT) is None
    bench.now += 0.15
    assert bench.health.take(GPT) == 0


def test_figures_are_the_models(bench):
    """
    How fast a target is, is known from its own calls; other models of its host do not count.
    """
    bench.health.succeeded(GPT, 0, first_byte_seconds=0.5, tokens_per_second=90.0)
    bench.health.succeeded(GPT, 0)

    gpt, mini = bench.health.standing(GPT, credentials=2), bench.health.standing(MINI)
    assert (gpt.first_byte_seconds, gpt.tokens_per_second, gpt.samples, gpt.failure_rate) == (0.5, 90.0, 2, 0.0)
    assert (mini.first_byte_seconds, mini.tokens_per_second, mini.samples) == (None, None, 0)


def test_answers_of_one_model_speak_for_the_host(bench):
    """
    A host that answers is no dead one: failures to connect with answers between them, errors even, are not three in a row.
    """
    for number in range(9):
        bench.fail(Failure("connect_failed", "connect"), 1)
        if number % 2:
            bench.health.succeeded(MINI)
            bench.health.succeeded(MINI)
        else:
            bench.fail(Failure("http_400", "answer", 400, "bad_request"), 2, target=MINI)

    assert bench.states(GPT, MINI) == ["closed", "closed"]


def test_an_answer_closes_what_was_probed(bench):
    """
    A success after the break is one of the host, the model and the key.
    """
    bench.fail(Failure("http_500", "answer", 500, "internal"))
    bench.fail(Failure("http_401", "answer", 401, "auth"), 3)
    bench.fail(Failure("connect_failed", "connect"), 20)
    bench.now += 6
    assert bench.health.take(GPT) == 0
    bench.health.succeeded(GPT)

    assert bench.states(GPT, MINI) == ["closed", "closed"]


def test_the_retry_budget_is_the_models(bench):
    """
    A target nobody has called has three tries again; those of another are not touched.
    """
    assert [bench.health.may_retry(GPT) for _ in range(4)] == [True, True, True, False]
    assert bench.health.may_retry(MINI)
