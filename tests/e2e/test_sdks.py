"""
The official SDKs, straight to the provider and through the proxy.
"""

from __future__ import annotations

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


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where boto3 finds its Bedrock key; nothing of the machine's own configuration.
    """
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", KEY)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


def arrived(seen: Seen) -> dict[str, Any]:
    """
    What the provider got, without what no two calls share.
    """
    request = seen.request
    headers = [(name, value) for name, value in request.headers if name.lower() not in VOLATILE]
    return {"method": request.method, "target": request.target, "headers": headers, "body": request.body}


@pytest.mark.parametrize("wanted", CASES, ids=lambda wanted: wanted.name)
def test_sdk_talks_to_the_standin(wanted: Case, standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without a proxy the official SDK is content with the stand-in, which is what makes it a measure.
    """
    Way(standin, None).enter(monkeypatch)
    before = len(standin.seen)

    assert wanted.run()
    new = standin.seen[before:]
    assert [seen.status for seen in new] == [200] * wanted.calls
    assert bool(new[0].billed) == wanted.billed


@pytest.mark.parametrize("wanted", CASES, ids=lambda wanted: wanted.name)
def test_proxy_changes_nothing(wanted: Case, standin: StandIn, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Through the proxy the SDK returns what it returns without, and the provider sees the same request; one exact row says what it cost.
    """
    with monkeypatch.context() as straight:
        Way(standin, None).enter(straight)
        expected = wanted.run()
    direct = standin.seen[-1]
    with monkeypatch.context() as through:
        Way(standin, proxy).enter(through)
        since = latest(proxy)
        got = wanted.run()
    seen = standin.seen[-1]

    assert seen is not direct
    assert got == expected
    if seen.request.body != direct.request.body:  # include_usage is asked for where the client left it open
        assert b'"include_usage"' in seen.request.body
        assert b'"include_usage"' not in direct.request.body
        assert without_length(arrived(seen)) == without_length(arrived(direct))
    else:
        assert arrived(seen) == arrived(direct)
    [row] = proxy.calls(1, where=f"started_at > '{since}'")
    assert_billed(row, seen)


def latest(proxy: Proxy) -> str:
    """
    When the last call in the ledger started.
    """
    rows = proxy.query("select coalesce(max(started_at), '2000-01-01'::timestamp)::varchar as at from calls")
    return str(rows[0]["at"]) if rows else "2000-01-01"


def without_length(request: dict[str, Any]) -> dict[str, Any]:
    """
    The request apart from its body and the header that counts it.
    """
    headers = [(name, value) for name, value in request["headers"] if name.lower() != "content-length"]
    return {**request, "headers": headers, "body": None}


def assert_billed(row: dict[str, Any], seen: Seen) -> None:
    """
    The ledger row says exactly what the stand-in charged.
    """
    bill = seen.billed
    if bill is None:
        assert row["cost_text"] in (None, "0.000000000")
        return
    counts = tuple(row[f"{name}_tokens"] or 0 for name in ("input", "output", "cache_read", "cache_write", "reasoning"))
    assert counts == (bill.input_tokens, bill.output_tokens, bill.cache_read_tokens, bill.cache_write_tokens, bill.reasoning_tokens)
    assert row["usage_source"] == ("provider" if bill.stated else "estimated")
    assert row["model_served"] == (bill.model if bill.stated and bill.provider not in NAMELESS else None)
    assert row["status"] == "ok"
    assert Decimal(row["cost_text"]) == bill.usd


@pytest.mark.parametrize("status", [401, 404, 429, 500, 529])
@pytest.mark.parametrize("name", CALLS)
def test_errors_reach_the_sdk(name: str, status: int, standin: StandIn, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A provider's error raises the same exception with and without the proxy, and its row costs nothing.
    """
    extra = {"x-standin": f"status={status}; retry_after=0"}
    with monkeypatch.context() as straight:
        Way(standin, None).enter(straight)
        expected = raised(lambda: CALLS[name](extra))
    with monkeypatch.context() as through:
        Way(standin, proxy).enter(through)
        since = latest(proxy)
        got = raised(lambda: CALLS[name](extra))

    assert expected["status"] == status
    assert got == expected
    [row] = proxy.calls(1, where=f"started_at > '{since}'")
    assert (row["status"], row["http_status"], row["usage_source"]) == ("error", status, "unknown")
    assert row["cost_text"] in (None, "0.000000000")
