"""
`retention: zero` on real calls: switches set in the bytes that leave, what would be kept refused, an answer that says it is kept withheld.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from e2e import cases
from e2e.proxy import Proxy, running_proxy
from e2e.tunnel import fetch, request
from e2e.ways import Way
from excise.standin import Recorded, Script, StandIn

POLICY = """\
version: 1
retention:
  - name: nothing kept
    mode: zero
    attested: [cohere]
    verify: require
default: allow
"""
BEARER = {"authorization": f"Bearer {cases.KEY}"}


@pytest.fixture(scope="module")
def strict(own_standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """
    A proxy whose policy lets nothing be kept.
    """
    policies = tmp_path_factory.mktemp("policies")
    (policies / "default.yml").write_text(POLICY)
    flags = ["--resolve", f"api.x.ai:443:127.0.0.1:{own_standin.port}"]
    with running_proxy(tmp_path_factory.mktemp("strict"), own_standin, policies=policies, flags=flags) as proxy:
        yield proxy


@pytest.fixture
def inside(strict: Proxy, own_standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    """
    A client's surroundings behind it.
    """
    Way(own_standin, strict).enter(monkeypatch)
    return strict


def last_row(proxy: Proxy, host: str = "api.openai.com") -> dict[str, Any]:
    rows = proxy.query(f"from calls where server_host = '{host}' order by call_id desc limit 1")
    return rows[0] if rows else {"retention": None, "http_status": None}


def test_storage_is_switched_off_in_the_request_that_leaves(inside: Proxy, own_standin: StandIn) -> None:
    """
    A Responses call, stored by default, is not; its reasoning comes back encrypted instead; the client notices nothing.
    """
    before = len(own_standin.seen)
    with cases._openai() as client:
        answer = client.responses.create(model="gpt-5-mini", input="echo: harbour lights", store=True, user="jane")

    sent = json.loads(own_standin.seen[before].request.body)
    assert sent["store"] is False
    assert "reasoning.encrypted_content" in sent["include"]
    assert sent["user"] != "jane"
    assert answer.output_text.strip() == "harbour lights"
    inside.until(lambda: last_row(inside)["retention"] is not None, 5, "the row")
    assert last_row(inside)["retention"] in ("asserted", "unknown")
    assert last_row(inside)["retention_rules"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.responses.create(model="gpt-5-mini", input="x", previous_response_id="resp_" + "0" * 24),
        lambda client: client.responses.create(model="gpt-5-mini", input="x", background=True),
        lambda client: client.files.create(file=("a.jsonl", b"{}"), purpose="batch"),
        lambda client: client.batches.create(input_file_id="file-1", endpoint="/v1/responses", completion_window="24h"),
    ],
    ids=["previous response", "background", "files", "batches"],
)
def test_what_would_be_kept_is_refused(ask: Any, inside: Proxy, own_standin: StandIn) -> None:
    """
    With the SDK's own exception, naming what is kept; nothing is sent.
    """
    before = len(own_standin.seen)
    with cases._openai() as client, pytest.raises(openai.PermissionDeniedError, match="nothing kept"):
        ask(client)

    assert len(own_standin.seen) == before


def test_a_provider_is_denied_until_somebody_vouches_for_it(inside: Proxy, own_standin: StandIn) -> None:
    """
    Cohere is attested by this policy and passes; nothing of the sort is known of a stranger, who does not.
    """
    with cases._cohere() as client:
        assert client.chat(model="command-a-03-2025", messages=[{"role": "user", "content": "echo: hello"}])
    before = len(own_standin.seen)
    body = {"model": "deepseek-chat", "messages": [{"role": "user", "content": "hi"}]}
    answer = asyncio.run(
        fetch(Way(own_standin, inside), "api.deepseek.com", request("api.deepseek.com", "/chat/completions", body, BEARER))
    )

    assert answer.status == 403
    assert len(own_standin.seen) == before


def test_an_answer_that_says_it_is_kept_never_reaches_the_client(inside: Proxy, own_standin: StandIn) -> None:
    """
    xAI says in a header whether it keeps the call: `true` passes and is verified, `false` is withheld, and both are metered.
    """
    body = {"model": "grok-4", "input": [{"role": "user", "content": "hi"}]}
    said = json.dumps({"id": "r1", "object": "response", "model": "grok-4", "status": "completed", "output": [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "ahoy there"}]}],
        "usage": {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}}).encode()  # fmt: skip
    for value, status in (("true", 200), ("false", 403)):
        recorded = Recorded(200, (("content-type", "application/json"), ("x-zero-data-retention", value)), said)
        own_standin.script(Script(recorded=recorded), matches=lambda seen: b"grok-4" in seen.body)
        answer = asyncio.run(fetch(Way(own_standin, inside), "api.x.ai", request("api.x.ai", "/v1/responses", body, BEARER)))

        assert answer.status == status
        assert (b"ahoy" in answer.body) == (status == 200)
        inside.until(lambda expected=status: last_row(inside, "api.x.ai")["http_status"] == expected, 5, "the row")  # type: ignore[misc]
        row = last_row(inside, "api.x.ai")
        assert row["input_tokens"] == 9
        assert row["retention"] == ("verified" if status == 200 else "unknown")
        assert row["error_type"] == (None if status == 200 else "retention_unproven")
