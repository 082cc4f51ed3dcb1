"""
A key of ours never leaves, wherever a client puts it; and whom it names.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from house import CHAT, Answer, House, house, read_answer

from excise.access.keys import KeyStore
from excise.standin.script import Script

POLICY = """\
version: 1
providers:
- {provider: openai, key: file:provider.key}
- {provider: anthropic, key: file:provider.key}
%s
default: allow
"""
PRINCIPALS = """\
defaults: {require_principal: true}
principals:
- {id: shop, team: sales, match: {proxy_user: shop, key: file:shop.key}}
"""
ASKED = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "echo: hello"}]}


@contextlib.asynccontextmanager
async def keyed(tmp_path: Path, more: str = "") -> AsyncIterator[tuple[House, str]]:
    """
    A proxy with credentials for two providers, and a key of ours.
    """
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/provider.key").write_text("standin-of-the-house")
    (tmp_path / "policies/shop.key").write_text("password-of-the-shop")
    _, secret = KeyStore(tmp_path / "data/state/keys.json").create(name="tester", team="harbour")
    async with house(tmp_path, policy=POLICY % more) as at:
        yield at, secret


async def send(at: House, head: str, body: bytes = b"", *, host: str | None = None) -> Answer:
    """
    A request, raw: to our own port, or through a tunnel to `host`.
    """
    reader, writer = await (at.tunnel(host) if host is not None else at.client())
    writer.write(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    try:
        return await read_answer(reader)
    finally:
        writer.close()


def chat(
    secret: str, *, path: str = "/v1/chat/completions", credential: str | None = None, more: str = "", body: Any = ASKED
) -> tuple[str, bytes]:
    credential = credential if credential is not None else f"Authorization: Bearer {secret}"
    return f"POST {path} HTTP/1.1\r\nHost: api.openai.com\r\nContent-Type: application/json\r\n{credential}{more}", json.dumps(
        body
    ).encode()


OWN = "Authorization: Bearer standin-own"
MISPLACED: dict[str, Callable[[str], tuple[str, bytes]]] = {
    "a header": lambda key: chat(key, credential=OWN, more=f"\r\nX-Trace: {key}"),
    "a cookie": lambda key: chat(key, credential=OWN, more=f"\r\nCookie: session={key}; a=b"),
    "another header for keys": lambda key: chat(key, credential="x-api-key: standin-own", more=f"\r\nAuthorization: Bearer {key}"),
    "a user name": lambda key: chat(key, credential="Authorization: Basic " + base64.b64encode(f"{key}:".encode()).decode()),
    "a path": lambda key: chat(key, credential=OWN, path=f"/v1/chat/completions/{key}"),
    "a query": lambda key: chat(key, credential=OWN, path=f"/v1/chat/completions?trace={key}"),
    "an encoded query": lambda key: chat(key, credential=OWN, path=f"/v1/chat/completions?trace=%65%78k%5F{key[4:]}"),
    "the body": lambda key: chat(key, credential=OWN, body=CHAT | {"api_key": key}),
    "a prompt": lambda key: chat(key, credential=OWN, body=CHAT | {"messages": [{"role": "user", "content": f"my key is {key}, help"}]}),
    "most of it in a prompt": lambda key: chat(key, credential=OWN, body=CHAT | {"user": key[:40]}),
    "a coded body": lambda key: (
        chat(key, credential=OWN, more="\r\nContent-Encoding: gzip")[0],
        gzip.compress(json.dumps(CHAT | {"user": key}).encode()),
    ),
}


@pytest.mark.parametrize("place", MISPLACED)
async def test_a_misplaced_key_does_not_leave(tmp_path: Path, place: str) -> None:
    """
    With a provider's own key for the call and a key of ours somewhere else: refused, nothing is sent, nothing is written down.
    """
    async with keyed(tmp_path) as (at, secret):
        head, body = MISPLACED[place](secret)
        answer = await send(at, head, body, host="api.openai.com")

        assert answer.status in (401, 403) and not at.standin.seen, answer
        assert secret.encode() not in answer.body
        await asyncio.sleep(0)
        assert [row["error_type"] for row in at.rows()] in (["virtual_key_misplaced"], ["unauthenticated"])
    assert_nowhere(tmp_path, secret)


def assert_nowhere(folder: Path, secret: str) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert secret.encode() not in content and secret[17:].encode() not in content, path


async def test_a_routed_call_with_a_key_in_its_prompt_does_not_leave_either(tmp_path: Path) -> None:
    """
    The key that authorizes it stays here, and so does the one a person has pasted.
    """
    async with keyed(tmp_path) as (at, secret):
        for model in ("openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"):
            head, body = chat(secret, body=ASKED | {"model": model, "messages": [{"role": "user", "content": f"echo: {secret}"}]})
            answer = await send(at, head, body)
            assert answer.status == 403 and answer.json["error"]["message"].endswith("take it out")
        assert not at.standin.seen


async def test_text_about_keys_is_no_key(tmp_path: Path) -> None:
    """
    Its prefix, its form in words: people write about keys.
    """
    async with keyed(tmp_path) as (at, secret):
        content = "echo: keys begin with exk_ and look like exk_<12 letters>_<43 letters>; exk_abc_def is none"
        head, body = chat(secret, body=ASKED | {"messages": [{"role": "user", "content": content}]})
        assert (await send(at, head, body)).status == 200


@pytest.mark.parametrize("where", ["Authorization: Bearer {}", "X-Whatever: {}", "Cookie: a={}"])
async def test_a_site_in_clear_does_not_get_it(tmp_path: Path, where: str) -> None:
    """
    Plain HTTP to whoever it is: the proxy sees it, so it keeps it.
    """
    async with keyed(tmp_path) as (at, secret):
        head = f"GET http://intranet.example/ HTTP/1.1\r\nHost: intranet.example\r\n{where.format(secret)}"
        answer = await send(at, head)
        assert answer.status == 403 and b"must not travel" in answer.body
        answer = await send(at, f"GET http://intranet.example/?key={secret} HTTP/1.1\r\nHost: intranet.example")
        assert answer.status == 403
    assert_nowhere(tmp_path, secret)


async def test_other_business_of_a_providers_host_does_not_get_it(tmp_path: Path) -> None:
    """
    What is passed on unread, for it is no LLM call, is still looked at for this.
    """
    async with keyed(tmp_path) as (at, secret):
        head = f"GET /settings HTTP/1.1\r\nHost: chatgpt.com\r\nAuthorization: Bearer {secret}"
        answer = await send(at, head, host="chatgpt.com")
        assert answer.status == 403 and b"must not travel" in answer.body and not at.standin.seen


async def test_as_a_password_of_the_proxy_it_is_a_wrong_one(tmp_path: Path) -> None:
    """
    Credentials of the proxy stay here in any case; in the log and the ledger they are not.
    """
    async with keyed(tmp_path) as (at, secret):
        for pair in (f"tester:{secret}", f"{secret}:"):
            basic = base64.b64encode(pair.encode()).decode()
            reader, writer = await at.client()
            writer.write(
                f"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com:443\r\nProxy-Authorization: Basic {basic}\r\n\r\n".encode()
            )
            assert (await read_answer(reader)).status == 407
            writer.close()
    assert_nowhere(tmp_path, secret)


@pytest.mark.parametrize("model", ["openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_does_not_lead_the_client_away_with_it(tmp_path: Path, status: int, model: str) -> None:
    """
    SDKs follow redirects, and not all of them leave `x-api-key` behind.
    """
    async with keyed(tmp_path) as (at, secret):
        at.standin.script(Script(status=status))
        answer = await send(at, *chat(secret, credential=f"x-api-key: {secret}", body=ASKED | {"model": model}))

        assert answer.status == 502 and "location" not in answer.headers
        await asyncio.sleep(0)
        assert at.rows()[0]["error_type"] == "upstream_redirect"


@pytest.mark.parametrize(
    "where", ["Authorization: Bearer {}", "x-api-key: {}", "x-goog-api-key: {}", "api-key: {}", "query", "encoded query"]
)
async def test_where_a_providers_key_would_stand_it_works_and_stays(tmp_path: Path, where: str) -> None:
    """
    In a header or a query; the provider gets the house's key, and the row names the key by its id.
    """
    async with keyed(tmp_path) as (at, secret):
        shown = {"query": f"?key={secret}", "encoded query": f"?key=exk%5F{secret[4:]}"}.get(where, "")
        credential = "X-Nothing: x" if shown else where.format(secret)
        answer = await send(at, *chat(secret, credential=credential, path=f"/v1/chat/completions{shown}"))

        assert answer.status == 200, answer
        (one,) = at.standin.seen
        assert secret[4:] not in repr((one.request.target, one.request.headers, one.request.body))
        assert one.request.header("authorization") == "Bearer standin-of-the-house"
        await asyncio.sleep(0)
        (row,) = at.rows()
        assert (row["principal_id"], row["principal_type"], row["team"]) == ("tester", "virtual_key", "harbour")
        assert row["api_key_id"] == f"vk_{secret[4:16]}"
    assert_nowhere(tmp_path, secret)


def basic_of(user: str, password: str) -> str:
    return f"Proxy-Authorization: Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}\r\n"


async def test_beside_proxy_credentials_the_key_names_the_principal(tmp_path: Path) -> None:
    """
    The narrower of the two; it need not be the same.
    """
    async with keyed(tmp_path, PRINCIPALS) as (at, secret):
        reader, writer = await at.tunnel(head=basic_of("shop", "password-of-the-shop"))
        head, body = chat(secret)
        writer.write(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        assert (await read_answer(reader)).status == 200
        writer.close()
        await asyncio.sleep(0)
        (row,) = at.rows()
        assert (row["principal_id"], row["principal_type"], row["team"]) == ("tester", "virtual_key", "harbour")


async def test_wrong_proxy_credentials_are_refused_whatever_key_there_is(tmp_path: Path) -> None:
    """
    At CONNECT, where they are sent; and in clear, where they come with the request.
    """
    async with keyed(tmp_path, PRINCIPALS) as (at, secret):
        wrong = basic_of("shop", "another-password-of-it")
        reader, writer = await at.client()
        writer.write(f"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com:443\r\n{wrong}\r\n".encode())
        assert (await read_answer(reader)).status == 407
        writer.close()
        head, body = chat(secret)
        head = head.replace("POST /v1", "POST http://localhost:11434/v1").replace("Host: api.openai.com", "Host: localhost:11434")
        answer = await send(at, f"{head}\r\n{wrong.strip()}", body)
        assert answer.status == 407 and not at.standin.seen


async def test_a_key_is_a_principal_where_policy_wants_one(tmp_path: Path) -> None:
    """
    Also where all that are listed have proxy credentials: the tunnel opens, and the request in it says who calls or is refused.
    """
    async with keyed(tmp_path, PRINCIPALS) as (at, secret):
        assert (await send(at, *chat(secret), host="api.openai.com")).status == 200
        assert (await send(at, *chat(secret))).status == 200
        assert (await send(at, *chat(secret, credential=OWN), host="api.openai.com")).status == 407
        assert (await send(at, *chat(secret, credential=OWN))).status == 401
        assert len(at.standin.seen) == 2


async def test_a_revoked_key_ends_within_seconds_in_a_running_worker(tmp_path: Path) -> None:
    """
    Made and revoked by another process, as the command does.
    """
    async with keyed(tmp_path) as (at, secret):
        store = KeyStore(tmp_path / "data/state/keys.json")
        assert (await send(at, *chat(secret))).status == 200
        store.revoke(secret[4:16])
        async with asyncio.timeout(5):
            while (answer := await send(at, *chat(secret))).status == 200:
                await asyncio.sleep(0.05)
        assert answer.status == 401 and b"revoked" in answer.body
