"""
The official SDKs, straight to the provider and through the proxy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from e2e.cases import CASES, KEY, Case
from e2e.errors import CALLS, raised
from e2e.proxy import Proxy
from e2e.ways import Way
from excise.standin import Seen, StandIn

# These differ from call to call, with or without a proxy.
VOLATILE = {"amz-sdk-invocation-id", "x-amz-date", "idempotency-key", "traceparent"}
# Their answers do not name the model.
NAMELESS = {"cohere", "bedrock"}
STATUSES = (401, 404, 429, 500, 529)


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    One call by one way: what the client got, what the provider saw; through the proxy also the ledger's row.
    """

    got: Any
    seen: Seen
    row: dict[str, Any] | None = None


@pytest.fixture(scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    """
    Where boto3 finds its Bedrock key; nothing of the machine's own configuration.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_BEARER_TOKEN_BEDROCK", KEY)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        yield patch


def calls() -> dict[str, Callable[[], Any]]:
    """
    Every call of this file by name: the cases, and each client's error of each status.
    """
    named = {case.name: case.run for case in CASES}
    for name, call in CALLS.items():
        for status in STATUSES:
            extra = {"x-standin": f"status={status}; retry_after=0"}
            named[f"{name}-{status}"] = lambda call=call, extra=extra: raised(lambda: call(extra))  # type: ignore[misc]
    return named


def outcomes(way: Way) -> dict[str, Outcome]:
    """
    Make every call this way. What a call raises is its outcome, so that one failure is one failed test.
    """
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        way.enter(patch)
        for name, call in calls().items():
            before = len(way.standin.seen)
            try:
                got = call()
            except Exception as error:
                got = error
            assert len(way.standin.seen) == before + 1, f"{name}: {len(way.standin.seen) - before} requests reached the provider; {got!r}"
            made[name] = Outcome(got, way.standin.seen[-1])
    return made


@pytest.fixture(scope="module")
def direct(standin: StandIn, environment: pytest.MonkeyPatch) -> dict[str, Outcome]:
    """
    Every call, straight to the stand-in.
    """
    return outcomes(Way(standin, None))


@pytest.fixture(scope="module")
def proxied(standin: StandIn, proxy: Proxy, environment: pytest.MonkeyPatch) -> dict[str, Outcome]:
    """
    Every call through the proxy, with its row: calls were made one after the other, so the n-th row is the n-th call's.
    """
    since = proxy.latest()
    made = outcomes(Way(standin, proxy))
    rows = proxy.calls(len(made), where=f"started_at > '{since}'")
    return {name: Outcome(outcome.got, outcome.seen, row) for (name, outcome), row in zip(made.items(), rows, strict=True)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_sdk_talks_to_the_standin(case: Case, direct: dict[str, Outcome]) -> None:
    """
    Without a proxy the official SDK is content with the stand-in, which is what makes it a measure.
    """
    outcome = direct[case.name]

    assert outcome.got
    assert not isinstance(outcome.got, Exception)
    assert outcome.seen.status == 200
    assert bool(outcome.seen.billed) == case.billed


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_proxy_changes_nothing(case: Case, direct: dict[str, Outcome], proxied: dict[str, Outcome]) -> None:
    """
    Through the proxy the SDK returns what it returns without, and the provider sees the same request.
    """
    straight, through = direct[case.name], proxied[case.name]

    assert through.got == straight.got
    if through.seen.request.body != straight.seen.request.body:  # include_usage is asked for where the client left it open
        assert b'"include_usage"' in through.seen.request.body
        assert b'"include_usage"' not in straight.seen.request.body
        assert arrived(through.seen, "content-length", "body") == arrived(straight.seen, "content-length", "body")
    else:
        assert arrived(through.seen) == arrived(straight.seen)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_exact_row_for_each_call(case: Case, proxied: dict[str, Outcome]) -> None:
    """
    The ledger says of each call exactly what the provider charged: tokens, parts, money.
    """
    row, bill = proxied[case.name].row, proxied[case.name].seen.billed
    assert row is not None
    assert (row["status"], row["http_status"], row["error_type"]) == ("ok", 200, None)
    if bill is None:
        assert row["cost_text"] in (None, "0.000000000")
        return
    counts = tuple(row[f"{name}_tokens"] or 0 for name in ("input", "output", "cache_read", "cache_write", "reasoning"))

    assert counts == (bill.input_tokens, bill.output_tokens, bill.cache_read_tokens, bill.cache_write_tokens, bill.reasoning_tokens)
    assert row["usage_source"] == ("provider" if bill.stated else "estimated")
    assert row["model_served"] == (bill.model if bill.stated and bill.provider not in NAMELESS else None)
    assert Decimal(row["cost_text"]) == bill.usd


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("name", CALLS)
def test_errors_reach_the_sdk(name: str, status: int, direct: dict[str, Outcome], proxied: dict[str, Outcome]) -> None:
    """
    A provider's error raises the same exception with and without the proxy, and its row costs nothing.
    """
    straight, through = direct[f"{name}-{status}"], proxied[f"{name}-{status}"]

    assert straight.got["status"] == status
    assert through.got == straight.got
    row = through.row
    assert row is not None
    assert (row["status"], row["http_status"], row["usage_source"]) == ("error", status, "unknown")
    assert row["cost_text"] in (None, "0.000000000")


def arrived(seen: Seen, *without: str) -> dict[str, Any]:
    """
    What the provider got, without what no two calls share and what is named.
    """
    request = seen.request
    headers = [(name, value) for name, value in request.headers if name.lower() not in VOLATILE | {*without}]
    body = None if "body" in without else request.body
    return {"method": request.method, "target": request.target, "headers": headers, "body": body}
