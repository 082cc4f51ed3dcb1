"""
The retry table: every failure has a verdict, and the one the table says.
"""

from __future__ import annotations

from typing import get_args

import pytest

from excise.routing.failure import Failure, Phase
from excise.routing.judge import Verdict, judge
from excise.wire.fault_sort import Sort, sort_of

SORTS: tuple[Sort, ...] = get_args(Sort.__value__)


def of_status(status: int, *words: str, repeated: int = 0, refusals: bool = False, kind: str | None = None) -> Verdict:
    failure = Failure(kind or f"http_{status}", "answer", status=status, sort=sort_of(status, words, ""))
    return judge(failure, repeated=repeated, refusals=refusals)


def done(verdict: Verdict) -> tuple[bool, bool]:
    return verdict.again, verdict.elsewhere


TABLE = [
    # statuses, words, (again, elsewhere), blames
    ([400, 422], [], (False, False), "nobody"),
    ([401], [], (False, True), "credential"),
    ([403], [], (False, True), "credential"),
    ([400], ["API_KEY_INVALID"], (False, True), "credential"),
    ([402], [], (False, True), "credential"),
    ([429], ["insufficient_quota"], (False, True), "credential"),
    ([404], [], (False, True), "nobody"),
    ([410], [], (False, True), "target"),
    ([409, 425], [], (True, True), "nobody"),
    ([408], [], (True, True), "target"),
    ([413], [], (False, True), "nobody"),
    ([400], ["context_length_exceeded"], (False, True), "nobody"),
    ([424], ["ModelErrorException"], (True, True), "target"),
    ([429], [], (True, True), "credential"),
    ([498, 503, 529], [], (True, True), "target"),
    ([500, 502, 504, 520, 521, 522, 523, 524], [], (True, True), "target"),
    ([501, 505, 525, 526], [], (False, True), "target"),
    ([301, 302, 307, 308], [], (False, True), "target"),
    ([400], ["content_filter"], (False, False), "nobody"),
]


@pytest.mark.parametrize(("statuses", "words", "expected", "blames"), TABLE)
def test_a_status_is_judged_as_the_table_says(statuses, words, expected, blames):
    """
    What may be done after a status, and whom it counts against, is the table's.
    """
    for status in statuses:
        verdict = of_status(status, *words)
        assert (done(verdict), verdict.blames) == (expected, blames), status


def test_everything_that_can_fail_has_a_verdict():
    """
    Every status from 300 to 599, every sort and every phase is judged, alone and together; nothing sends a too large request to where it
    does not fit, and nobody's word is waited for that was not given.
    """
    for sort in (None, *SORTS):
        for status in (None, *range(300, 600)):
            for phase in get_args(Phase.__value__):
                verdict = judge(Failure("api_error", phase, status=status, sort=sort), repeated=0)
                assert verdict.wait_seconds is None
                assert not verdict.needs_larger or verdict.elsewhere
                assert not verdict.here_first or verdict.again
                if status is not None and status < 400:
                    assert done(verdict) == (False, True)
                elif sort is not None and sort != "internal" and status in (None, 400, 429, 500):
                    assert verdict.again == (sort in ("rate", "overload", "timeout", "conflict"))


def test_what_the_sort_says_counts_more_than_the_status():
    """
    An overload inside an answer with 200, an empty account with 429 and a bad key with 400 are what they are.
    """
    assert done(judge(Failure("overloaded_error", "answer", status=None, sort="overload"), repeated=3)) == (True, True)
    assert done(judge(Failure("http_429", "answer", status=429, sort="billing"), repeated=0)) == (False, True)
    assert judge(Failure("http_400", "answer", status=400, sort="auth"), repeated=0).alarm


@pytest.mark.parametrize(
    ("kind", "phase", "expected", "here_first"),
    [
        ("connect_failed", "connect", (True, True), True),
        ("connect_timeout", "connect", (True, True), False),
        ("upstream_tls", "connect", (False, True), False),
        ("upstream_timeout", "head", (True, True), False),
        ("upstream_closed", "head", (True, True), True),
        ("upstream_closed", "answer", (True, True), True),
        ("upstream_failed", "answer", (True, True), True),
    ],
)
def test_before_the_first_byte_all_is_tried_again_but_a_wrong_certificate(kind, phase, expected, here_first):
    """
    A connection that failed may succeed at once; one that cannot be trusted will not be, and one that took its time would take it again.
    """
    verdict = judge(Failure(kind, phase), repeated=2)

    assert (done(verdict), verdict.here_first, verdict.blames) == (expected, here_first, "target")
    assert verdict.alarm == (kind == "upstream_tls")


@pytest.mark.parametrize("kind", ["answer_empty", "answer_broken_json", "answer_schema", "answer_broken_call", "answer_repetition"])
def test_an_answer_that_is_no_good_is_asked_for_once_more(kind):
    """
    Once again at the same target, elsewhere always.
    """
    failure = Failure(kind, "content", status=200)

    assert [done(judge(failure, repeated=times)) for times in (0, 1, 2)] == [(True, True), (False, True), (False, True)]


def test_some_errors_are_worth_one_more_try():
    """
    A model's own fault (424) and a call the model wrote wrongly are tried again once.
    """
    for status, kind in ((424, "http_424"), (400, "tool_use_failed")):
        assert [of_status(status, repeated=times, kind=kind).again for times in (0, 1)] == [True, False]
    assert done(of_status(400, kind="unsupported_parameter")) == (False, True)


def test_a_fresh_connection_is_tried_where_it_may_help():
    """
    A server that broke may do better at once; one that is down, limited or slow will not.
    """
    statuses = [409, 424, 425, 500, 502, 520, 408, 429, 498, 503, 504, 521, 522, 523, 524, 529]

    assert [status for status in statuses if of_status(status).here_first] == [409, 424, 425, 500, 502, 520]


def test_a_refusal_is_escaped_only_where_policy_allows():
    """
    Neither a filter nor a model that declines is a reason to ask another one, unless somebody said so.
    """
    for refusals in (False, True):
        assert done(of_status(400, "content_filter", refusals=refusals)) == (False, refusals)
        assert done(judge(Failure("answer_refusal", "content"), repeated=0, refusals=refusals)) == (False, refusals)


def test_only_what_does_not_fit_needs_more_room():
    """
    413 and prompts that are too long go where more fits in; nothing else asks for that.
    """
    assert [sort for sort in SORTS if judge(Failure("x", "answer", sort=sort), repeated=0).needs_larger] == ["too_large"]
    assert of_status(413).needs_larger


def test_credentials_that_are_refused_raise_the_alarm():
    """
    A wrong key does not mend itself.
    """
    assert {sort for sort in SORTS if judge(Failure("x", "answer", sort=sort), repeated=0).alarm} == {"auth", "permission"}


def test_the_providers_own_word_is_taken():
    """
    `x-should-retry` decides about trying again, and about nothing else; `retry-after` is when.
    """
    no = judge(Failure("http_503", "answer", 503, "overload", should_retry=False), repeated=0)
    yes = judge(Failure("http_400", "answer", 400, "bad_request", should_retry=True), repeated=5)
    later = judge(Failure("http_500", "answer", 500, "internal", retry_after_seconds=3.0), repeated=0)
    now = judge(Failure("http_500", "answer", 500, "internal", retry_after_seconds=0.0), repeated=0)

    assert (done(no), done(yes)) == ((False, True), (True, False))
    assert (later.wait_seconds, later.here_first, now.wait_seconds, now.here_first) == (3.0, False, 0.0, True)
