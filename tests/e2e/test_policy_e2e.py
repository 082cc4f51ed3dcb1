"""
Policy as its author meets it: a rule refuses a call in the client's own words, a saved file takes effect, a broken one does not.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e import cases
from e2e.errors import raised
from e2e.proxy import EXCISE, Proxy, running_proxy
from e2e.tunnel import fetch, request
from e2e.ways import Way
from excise.standin import StandIn

RELOAD_SECONDS = 3.0  # "within a second", on a busy machine
DENY = """\
version: 1
rules:
  - name: small models only
    when: {model: ["gpt-4o", "claude-sonnet-*", "gemini-*-pro", "command-*", "mistral-*", "amazon.*"]}
    then: deny
    reason: large models need approval; ask the platform team
default: allow
"""
ALLOW = "version: 1\ndefault: allow\n"


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A policy folder of one file.
    """
    folder = tmp_path_factory.mktemp("policies")
    (folder / "main.yml").write_text(DENY)
    return folder


@pytest.fixture(scope="module")
def governed(own_standin: StandIn, policies: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """
    A proxy under that policy, with two workers, so that a reload must reach both.
    """
    with running_proxy(tmp_path_factory.mktemp("governed"), own_standin, policies=policies, flags=["--workers", "2"]) as proxy:
        yield proxy


@pytest.fixture
def inside(governed: Proxy, own_standin: StandIn, policies: Path, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    """
    A client's surroundings behind the governed proxy, with the first policy in force.
    """
    (policies / "main.yml").write_text(DENY)
    way = Way(own_standin, governed)
    governed.until(lambda: asyncio.run(status_of(way)) == 403, RELOAD_SECONDS, "the policy")
    way.enter(monkeypatch)
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", cases.KEY)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return governed


def openai() -> Any:
    with cases._openai() as client:
        return client.chat.completions.create(model="gpt-4o", messages=cases._user())


def openai_stream() -> Any:
    with cases._openai() as client:
        return client.chat.completions.create(model="gpt-4o", messages=cases._user(), stream=True)


def anthropic() -> Any:
    with cases._anthropic() as client:
        return client.messages.create(model="claude-sonnet-4-6", max_tokens=9, messages=cases._turn())


def gemini() -> Any:
    with cases._gemini() as client:
        return client.models.generate_content(model="gemini-2.5-pro", contents="hello")


def mistral() -> Any:
    with cases._mistral() as client:
        return client.chat.complete(model="mistral-small-latest", messages=cases._turn())


def cohere() -> Any:
    with cases._cohere() as client:
        return client.chat(model="command-a-03-2025", messages=cases._turn())


def bedrock() -> Any:
    client = cases._bedrock()
    try:
        return client.converse(modelId="amazon.nova-lite-v1:0", messages=cases._bedrock_turn())
    finally:
        client.close()


DENIED = {
    "openai": (openai, "PermissionDeniedError"),
    "openai-stream": (openai_stream, "PermissionDeniedError"),
    "anthropic": (anthropic, "PermissionDeniedError"),
    "gemini": (gemini, "ClientError"),
    "mistral": (mistral, "SDKError"),
    "cohere": (cohere, "ForbiddenError"),
    "bedrock": (bedrock, "AccessDeniedException"),
}


@pytest.mark.parametrize("name", DENIED)
def test_a_denied_call_raises_the_sdks_own_exception(name: str, inside: Proxy, own_standin: StandIn) -> None:
    """
    A rule by model refuses before anything is sent; the SDK raises what it raises for 403, and its text says who refused and what to do.
    """
    call, expected = DENIED[name]
    before = len(own_standin.seen)
    error = raised(call)

    assert error["class"] == expected
    assert "excise: " in error["text"]
    assert "ask the platform team" in error["text"]
    assert len(own_standin.seen) == before
    assert error["status"] in (403, None)


def test_a_denied_call_is_a_row(inside: Proxy, own_standin: StandIn) -> None:
    """
    A refusal is in the ledger with its rule, and costs nothing.
    """
    data = request("api.openai.com", "/v1/chat/completions", {**BODY, "model": "gpt-4o"}, {**KEY, "user-agent": "denied-row"})
    asyncio.run(fetch(Way(own_standin, inside), "api.openai.com", data))
    [row] = inside.calls(1, where="user_agent = 'denied-row'")

    assert (row["status"], row["http_status"], row["policy_action"], row["policy_rule"]) == ("refused", 403, "deny", "small models only")
    assert (row["model_requested"], row["input_tokens"]) == ("gpt-4o", None)
    assert row["cost_text"] in (None, "0.000000000")


BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
KEY = {"authorization": f"Bearer {cases.KEY}"}


async def status_of(way: Way, connections: int = 8) -> int | None:
    """
    The status of the same call on some new connections, which the kernel spreads over the workers; `None` where they disagree.
    """
    data = request("api.openai.com", "/v1/chat/completions", BODY, KEY)
    got = {(await fetch(way, "api.openai.com", data)).status for _ in range(connections)}
    return got.pop() if len(got) == 1 else None


def test_a_saved_file_takes_effect_in_every_worker(inside: Proxy, own_standin: StandIn, policies: Path) -> None:
    """
    Editing the file is enough: soon every worker decides by it, without a restart and without a refused connection.
    """
    way = Way(own_standin, inside)
    assert asyncio.run(status_of(way)) == 403
    (policies / "main.yml").write_text(ALLOW)
    inside.until(lambda: asyncio.run(status_of(way)) == 200, RELOAD_SECONDS, "the new policy")
    (policies / "main.yml").write_text(DENY)
    inside.until(lambda: asyncio.run(status_of(way)) == 403, RELOAD_SECONDS, "the old policy")


@pytest.mark.parametrize(
    "broken",
    ["version: 1\ndefault: allow\nunknown_key: 1\n", "version: 1\nrules: [\n", "", DENY.removesuffix("default: allow\n"), "\x00"],
    ids=["unknown key", "no YAML", "empty", "cut short", "binary"],
)
def test_a_broken_file_keeps_the_old_policy(broken: str, inside: Proxy, own_standin: StandIn, policies: Path) -> None:
    """
    A file that does not load changes nothing: what was denied stays denied, what was allowed stays allowed, and the log names the fault.
    """
    way = Way(own_standin, inside)
    size = len(inside.output())
    (policies / "main.yml").write_text(broken)
    inside.until(lambda: "main.yml" in inside.output()[size:], RELOAD_SECONDS, "a word about the broken file")

    assert asyncio.run(status_of(way)) == 403
    allowed = request("api.openai.com", "/v1/chat/completions", {**BODY, "model": "gpt-4o-mini"}, KEY)
    assert asyncio.run(fetch(way, "api.openai.com", allowed)).status == 200


def test_the_first_start_with_a_broken_policy_does_not_listen(own_standin: StandIn, home: Path) -> None:
    """
    Without any policy that loads there is no proxy: exit 1, and one line with file, line and column.
    """
    (home / "policies").mkdir()
    (home / "policies" / "main.yml").write_text("version: 1\ndefault: allow\nunknown_key: 1\n")
    places = ["--data", str(home / "data"), "--certs", str(home / "certs"), "--policies", str(home / "policies")]
    done = subprocess.run([EXCISE, "up", "--listen", "127.0.0.1:0", *places], capture_output=True, text=True, timeout=20, check=False)

    assert done.returncode == 1
    assert "main.yml:3:1" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (home / "data" / "ready.json").exists()
