"""
Nothing of a prompt or an answer is kept: canaries go through every path, then every file is searched in every form.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import subprocess
import urllib.parse
from pathlib import Path

import pytest

from e2e.proxy import SHELL, Proxy, running_proxy
from e2e.tunnel import Tunnel, fetch, request
from e2e.ways import Way
from excise.prove.canaries import forms
from excise.prove.search import found_in
from excise.standin import Script, StandIn

CONTENT = "canary-7f3a-Zwölf-\U0001f426-end"  # outside ASCII, so that every escaping shows
KEY = "standin-keycanary-51d2e8"
PLANTED = [CONTENT, CONTENT[:11], KEY]
OPENAI = ("api.openai.com", "/v1/chat/completions")
PARAMETERS = {"type": "object", "properties": {"it": {"type": "string"}}}


async def send_canaries(way: Way) -> int:
    """
    Canaries in prompts, answers, tool arguments, error bodies, broken bodies, unknown paths, keys; whole, streamed, cut. Returns how many.
    """
    user = [{"role": "system", "content": CONTENT}, {"role": "user", "content": f"echo: {CONTENT}"}]
    chat = {"model": "gpt-4o-mini", "messages": user, "user": CONTENT, "metadata": {"note": CONTENT}, "store": True}
    tool = {
        "type": "function",
        "function": {"name": "keep", "description": CONTENT, "parameters": PARAMETERS},
    }
    bearer = {"authorization": f"Bearer {KEY}"}
    tools = {**chat, "messages": [{"role": "user", "content": f"use tool echo: {CONTENT}"}], "tools": [tool]}
    claude = {
        "model": "claude-haiku-4-5",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": f"echo: {CONTENT}"}],
        "system": CONTENT,
    }
    anthropic = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
    contents = {"contents": [{"role": "user", "parts": [{"text": f"echo: {CONTENT}"}]}]}
    google = "generativelanguage.googleapis.com"
    gemini = "/v1beta/models/gemini-2.5-flash"
    coded = {"content-encoding": "gzip"}
    response = {"model": "gpt-4.1-mini", "input": f"echo: {CONTENT}", "instructions": CONTENT, "stream": True}
    quoted = json.dumps(CONTENT)
    requests = [
        (*OPENAI, chat, bearer),
        (*OPENAI, {**chat, "stream": True}, bearer),
        (*OPENAI, tools, bearer),
        (*OPENAI, {**tools, "stream": True}, bearer),
        (*OPENAI, {**chat, CONTENT: 1}, bearer),  # refused by the provider, which repeats it in its error
        (*OPENAI, gzip.compress(json.dumps(chat).encode()), {**bearer, **coded}),
        (*OPENAI, f'{{"model": "gpt-4o-mini", "messages": [{quoted}'.encode(), bearer),  # cut JSON
        (*OPENAI, f'{{"model": "gpt-4o-mini", "a": {quoted}, "a": {quoted}}}'.encode(), bearer),  # a key twice
        (*OPENAI, CONTENT.encode("utf-16"), bearer),
        (*OPENAI, {**chat, "stream": True}, {**bearer, "x-standin": "cut_after=3"}),
        (*OPENAI, {**chat, "stream": True}, {**bearer, "x-standin": "fail_after=3"}),
        (*OPENAI, chat, {**bearer, "x-standin": "length_error=9"}),
        (*OPENAI, chat, {**bearer, "x-standin": "no_usage"}),
        (*OPENAI, {**chat, "stream": True}, {**bearer, "x-standin": "gzip; no_usage"}),
        (*OPENAI, chat, {**bearer, "x-standin": "status=500"}),
        (*OPENAI, chat, {"authorization": f"Bearer wrong-{CONTENT[:11]}"}),
        (OPENAI[0], f"/v1/{urllib.parse.quote(CONTENT)}", chat, bearer),
        (OPENAI[0], "/v1/responses", response, bearer),
        (OPENAI[0], "/v1/embeddings", {"model": "text-embedding-3-small", "input": CONTENT}, bearer),
        ("api.anthropic.com", "/v1/messages", claude, anthropic),
        ("api.anthropic.com", "/v1/messages", {**claude, "stream": True}, anthropic),
        ("api.anthropic.com", "/v1/messages", {**claude, CONTENT: 1}, anthropic),
        (google, f"{gemini}:generateContent?key={KEY}", contents, {}),
        (google, f"{gemini}:streamGenerateContent?alt=sse&key={KEY}", contents, {}),
        (google, f"{gemini}:generateContent?key={KEY}", {**contents, CONTENT: 1}, {}),
    ]
    for host, path, body, headers in requests:
        with contextlib.suppress(EOFError, OSError):
            await fetch(way, host, request(host, path, body, headers))
    async with await Tunnel.open(way, OPENAI[0]) as tunnel:  # a client that leaves half-way, both ways
        await tunnel.send(request(*OPENAI, {**chat, "stream": True}, {**bearer, "x-standin": "pause_ms=20"}))
        await tunnel.reader.readuntil(b"\n\n")
        tunnel.abort()
    async with await Tunnel.open(way, OPENAI[0]) as tunnel:
        await tunnel.send(request(*OPENAI, chat, bearer)[:-10])
        tunnel.abort()
    return len(requests) + 1


async def test_no_canary_in_any_file(own_standin: StandIn, home: Path) -> None:
    """
    After canaries went through every path, no file the proxy wrote holds one in any form: journal, ledger, state, certificates, log.
    """
    with running_proxy(home, own_standin, flags=["--workers", "2"]) as proxy:
        before = len(own_standin.seen)
        await send_canaries(Way(own_standin, proxy))
        reached = own_standin.seen[before:]
        assert (
            sum(CONTENT.encode() in call.request.body or json.dumps(CONTENT)[1:-1].encode() in call.request.body for call in reached) > 15
        )
        proxy.until(lambda: len(proxy.query("from calls")) >= len(reached), 10, "all rows")
        assert found_in(home, PLANTED) == []
    assert found_in(home, PLANTED) == []
    assert list(home.rglob("*.duckdb"))


async def test_no_canary_after_a_crash(own_standin: StandIn, home: Path) -> None:
    """
    Killed in the middle of calls, the proxy leaves no canary behind either: not in the journal's open lines, not in a core, not in its log.
    """
    proxy = Proxy(home, own_standin)
    try:
        proxy.start()
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"echo: {CONTENT}"}], "stream": True}
        own_standin.script(Script(pause_ms=500), matches=lambda seen: b"canary" in seen.body)
        async with await Tunnel.open(Way(own_standin, proxy), OPENAI[0]) as tunnel:
            await tunnel.send(request(*OPENAI, body, {"authorization": f"Bearer {KEY}"}))
            await tunnel.reader.readuntil(b"\n\n")
            proxy.kill()
        assert found_in(home, PLANTED) == []
        proxy.start()
        proxy.until(lambda: len(proxy.query("from calls")) == 1, 10, "the row of the call that was cut")
        assert proxy.stop() == 0
        assert found_in(home, PLANTED) == []
    finally:
        proxy.kill()


@pytest.mark.parametrize("form", forms(CONTENT))
def test_search_finds_each_form(form: str, tmp_path: Path) -> None:
    """
    The search itself is no blind man: every form is found, plain and inside a compressed part of a file.
    """
    secret = forms(CONTENT)[form]
    (tmp_path / "plain").write_bytes(b"\x00before" + secret + b"after")
    (tmp_path / "packed").write_bytes(b"\x00before" + gzip.compress(b"x" * 50 + secret) + b"after")

    assert len({place.partition(":")[0].partition(" ")[0] for place in found_in(tmp_path, [CONTENT])}) == 2


def test_search_reads_parquet(tmp_path: Path) -> None:
    """
    A value that DuckDB compressed on disk is found all the same.
    """
    subprocess.run([SHELL, "-c", f"copy (select '{CONTENT}' as a from range(9999)) to '{tmp_path}/x.parquet'"], check=True, timeout=30)

    assert [place for place in found_in(tmp_path, [CONTENT]) if "(rows of" in place]
