"""
Access tokens for Google, from a token server that reads every assertion.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from access_calls import route
from token_server import TokenServer, token_server

from excise.access.authorize import Authorizer
from excise.access.google import Caller, GoogleTokens
from excise.catalog.providers import Catalog
from excise.errors import UpstreamFailed
from excise.policy.credential import ApiKey, GoogleCredential


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TokenServer]:
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with token_server() as tokens:
        yield tokens


async def test_an_assertion_is_exchanged_for_a_token(server: TokenServer) -> None:
    """
    Signed with the account's key, for the token service, with the one scope, for an hour at most; the token stands in Authorization.
    """
    credential = GoogleCredential(server.account())
    one = route("vertex", "us-central1-aiplatform.googleapis.com", "/v1/x", credential)

    path, made = await Authorizer(Catalog.load())(one, "/v1/x", (), b"{}")

    assert (path, made) == ("/v1/x", ((b"Authorization", b"Bearer standin-ya29-1"),))
    assert server.asked == [None]


async def test_many_calls_at_once_ask_once_and_never_block_the_loop(server: TokenServer) -> None:
    """
    They share one fetch; other work goes on.
    """
    server.waits = 0.3
    tokens = GoogleTokens()
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    got = await asyncio.gather(*(tokens(GoogleCredential(server.account())) for _ in range(50)))
    ticking.cancel()

    assert set(got) == {"standin-ya29-1"} and server.asked == [None] and ticks >= 10


async def test_a_client_that_leaves_does_not_stop_the_others(server: TokenServer) -> None:
    """
    The call that began the fetch is cancelled; the one that joined gets its token.
    """
    server.waits = 0.2
    tokens, credential = GoogleTokens(), GoogleCredential(server.account())
    first = asyncio.create_task(tokens(credential))
    await asyncio.sleep(0)
    second = asyncio.create_task(tokens(credential))
    await asyncio.sleep(0.05)
    first.cancel()

    assert await second == "standin-ya29-1"
    assert first.cancelled() and len(server.asked) == 1


async def test_a_token_is_renewed_before_it_ends_while_the_old_one_serves(server: TokenServer) -> None:
    """
    Nobody waits for the renewal; near its end the old one is not used any more.
    """
    clock = Clock()
    tokens, credential = GoogleTokens(now=clock), GoogleCredential(server.account())
    assert await tokens(credential) == "standin-ya29-1"
    clock.now += timedelta(minutes=56)
    assert await tokens(credential) == "standin-ya29-1" and len(server.asked) == 1

    clock.now += timedelta(minutes=1)
    assert await tokens(credential) == "standin-ya29-1"
    async with asyncio.timeout(5):
        while await tokens(credential) == "standin-ya29-1":
            await asyncio.sleep(0.01)
    assert len(server.asked) == 2


async def test_an_ended_token_is_never_used(server: TokenServer) -> None:
    """
    Where renewing failed until the end, calls fail; the next success serves again.
    """
    clock = Clock()
    tokens, credential = GoogleTokens(now=clock), GoogleCredential(server.account())
    await tokens(credential)
    server.status = 401
    clock.now += timedelta(minutes=57)
    assert await tokens(credential) == "standin-ya29-1"  # and renewing it fails, unseen

    clock.now += timedelta(minutes=3)
    with pytest.raises(UpstreamFailed):
        await tokens(credential)
    server.status = 200
    assert (await tokens(credential)).startswith("standin-ya29-")


@pytest.mark.parametrize(("status", "said"), [(400, "gives no token"), (401, "gives no token"), (302, "gives no token")])
async def test_a_refusal_is_a_bad_gateway_without_the_services_words(
    server: TokenServer, status: int, said: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    What the token service answers is shown to nobody: it may quote the account. Redirects are not followed: the assertion is a key.
    """
    caplog.set_level("DEBUG")
    server.status = status
    server.location = server.uri
    with pytest.raises(UpstreamFailed, match=said) as refused:
        await GoogleTokens()(GoogleCredential(server.account()))

    assert (refused.value.status, refused.value.kind) == (502, "no_credentials")
    assert "canary" not in refused.value.message + caplog.text + "".join(capsys.readouterr())
    assert len(server.asked) == 1


async def test_a_service_that_hangs_costs_a_call_its_patience_and_no_second_thread(server: TokenServer) -> None:
    """
    503 in time; calls that come later wait for the same fetch, which then serves them.
    """
    server.waits = 0.6
    tokens, credential = GoogleTokens(seconds=0.1), GoogleCredential(server.account())
    for _ in range(3):
        with pytest.raises(UpstreamFailed, match="in time") as refused:
            await tokens(credential)
        assert refused.value.status == 503

    async with asyncio.timeout(5):
        while True:
            try:
                assert await tokens(credential) == "standin-ya29-1"
                break
            except UpstreamFailed:
                continue
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "account",
    [b"{", b"[]", b"null", b'"text"', b"{}", b'{"type": "service_account"}', b"\xff"],
)
async def test_what_is_no_service_account_is_told_as_such(server: TokenServer, account: bytes) -> None:
    """
    Without a word of it.
    """
    with pytest.raises(UpstreamFailed, match="no usable service account"):
        await GoogleTokens()(GoogleCredential(account))


@pytest.mark.parametrize("changed", [{"private_key": "-----BEGIN canary"}, {"client_email": None}, {"token_uri": 5}, {"private_key": 7}])
async def test_an_account_with_a_damaged_field_fails_cleanly(server: TokenServer, changed: dict[str, Any]) -> None:
    """
    Whatever google-auth makes of it.
    """
    with pytest.raises(UpstreamFailed) as refused:
        await GoogleTokens()(GoogleCredential(server.account(**changed)))
    assert "canary" not in refused.value.message


async def test_each_account_has_its_own_token(server: TokenServer) -> None:
    """
    Two entries of a policy never share one; the same account read again, after a reload, does.
    """
    tokens = GoogleTokens()
    first = await tokens(GoogleCredential(server.account()))
    other = await tokens(GoogleCredential(server.account(project_id="another")))

    assert first != other and await tokens(GoogleCredential(server.account())) == first


async def test_googles_own_search_reads_the_file_that_is_named(
    server: TokenServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    `google: default` is Google's own search, here a service account named in the environment; what google-auth has to remark goes nowhere.
    """
    file = tmp_path / "account.json"
    file.write_bytes(server.account(project_id=None))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))

    assert await GoogleTokens()(GoogleCredential()) == "standin-ya29-1"
    assert not caplog.records


async def test_a_search_that_finds_nothing_says_where_to_put_them(server: TokenServer) -> None:
    """
    A bad gateway that tells the operator what to do.
    """
    with pytest.raises(UpstreamFailed, match="finds no credentials") as refused:
        await GoogleTokens()(GoogleCredential())
    assert refused.value.status == 502


async def test_an_api_key_of_vertex_is_no_token() -> None:
    """
    Express mode takes API keys in a header of their own; as a bearer token they would be refused.
    """
    one = route("vertex", "aiplatform.googleapis.com", "/v1/x", ApiKey("k"))

    assert await Authorizer(Catalog.load())(one, "/v1/x", (), b"") == ("/v1/x", ((b"x-goog-api-key", b"k"),))


def test_the_way_out_takes_our_proxy_and_nothing_of_the_environment(server: TokenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    HTTPS_PROXY of the process may be this very proxy. Metadata services, which are plain HTTP, are asked directly.
    """
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    answer = Caller(None, "http://127.0.0.1:9")(server.uri, "POST", b"grant_type=x", {"content-type": "application/x-www-form-urlencoded"})

    assert answer.status == 400 and json.loads(answer.data)["error"] == "invalid_grant"
    from google.auth.exceptions import TransportError

    with pytest.raises(TransportError):  # through the proxy, where nobody listens
        Caller(None, "http://127.0.0.1:9")("https://127.0.0.1:1/token")
    with pytest.raises(TransportError):
        Caller(None, None)("file:///etc/passwd")


def test_libraries_of_the_clouds_are_loaded_when_they_are_used() -> None:
    """
    A worker that signs nothing does not pay for them.
    """
    code = (
        "import sys, excise.proxy.build; print([name for name in ('botocore', 'google.auth', 'requests', 'boto3') if name in sys.modules])"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
