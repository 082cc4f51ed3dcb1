"""
Streams stay streams: the same bytes, and the first out before the second is in.
"""

from __future__ import annotations

import asyncio
import gzip
import subprocess
from typing import Any

import pytest

from e2e.proxy import Proxy
from e2e.tunnel import Answer, Tunnel, fetch, request
from e2e.ways import Way
from excise.standin import Gate, Script, StandIn

OPENAI = {"authorization": "Bearer standin-k"}
ANTHROPIC = {"x-api-key": "standin-k", "anthropic-version": "2023-06-01"}
USER = [{"role": "user", "content": "what leaves the harbour?"}]
CHAT = {"model": "gpt-4o-mini", "messages": USER, "stream": True}
ASKED = {"stream_options": {"include_usage": True}}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "what leaves the harbour?"}]}]}
GEMINI = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
COMPLETE = {"model": "gpt-3.5-turbo-instruct", "prompt": "x", "stream": True}
MESSAGE = {"model": "claude-haiku-4-5", "max_tokens": 99, "messages": USER, "stream": True}
TURN = {"messages": [{"role": "user", "content": [{"text": "what leaves the harbour?"}]}]}

# name -> host, path, body, headers. Where the client asks for usage itself, or the dialect sends it anyway, nothing may differ.
STREAMS: dict[str, tuple[str, str, dict[str, Any], dict[str, str]]] = {
    "chat": ("api.openai.com", "/v1/chat/completions", {**CHAT, **ASKED}, OPENAI),
    "completions": ("api.openai.com", "/v1/completions", {**COMPLETE, **ASKED}, OPENAI),
    "responses": ("api.openai.com", "/v1/responses", {"model": "gpt-4.1-mini", "input": "hello", "stream": True}, OPENAI),
    "messages": ("api.anthropic.com", "/v1/messages", MESSAGE, ANTHROPIC),
    "gemini-sse": ("generativelanguage.googleapis.com", GEMINI + "?alt=sse", CONTENTS, {"x-goog-api-key": "standin-k"}),
    "gemini-array": ("generativelanguage.googleapis.com", GEMINI, CONTENTS, {"x-goog-api-key": "standin-k"}),
    "mistral": ("api.mistral.ai", "/v1/chat/completions", {**CHAT, "model": "mistral-small-latest"}, OPENAI),
    "cohere": ("api.cohere.com", "/v2/chat", {**CHAT, "model": "command-a-03-2025"}, OPENAI),
    "bedrock": ("bedrock-runtime.us-east-1.amazonaws.com", "/model/amazon.nova-lite-v1%3A0/converse-stream", TURN, OPENAI),
    "ollama": ("ollama.com", "/api/chat", {"model": "llama3.2", "messages": USER}, OPENAI),
}
SHAPES = ["", "piece_bytes=1", "piece_bytes=7", "gzip", "gzip; piece_bytes=11"]


def theirs(answer: Answer) -> list[tuple[str, str]]:
    """
    The headers apart from those the proxy may add.
    """
    return [(name, value) for name, value in answer.headers if not name.lower().startswith("x-excise-")]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", STREAMS)
async def test_stream_is_the_same_bytes(name: str, shape: str, standin: StandIn, proxy: Proxy) -> None:
    """
    However the provider cuts or codes its stream, the client gets status, headers and body bytes as without a proxy.
    """
    host, path, body, headers = STREAMS[name]
    data = request(host, path, body, {**headers, **({"x-standin": shape} if shape else {})})
    direct, proxied = await fetch(Way(standin, None), host, data), await fetch(Way(standin, proxy), host, data)

    assert (direct.status, direct.complete) == (200, True)
    assert (proxied.status, proxied.complete, proxied.body) == (200, True, direct.body)
    assert theirs(proxied) == theirs(direct)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("asked", [None, False])
async def test_our_usage_chunk_does_not_reach_the_client(shape: str, asked: bool | None, standin: StandIn, proxy: Proxy) -> None:
    """
    Where the client left usage out, the stream it gets has no usage chunk, though we asked for one; where it said no, we do not ask.
    """
    host, path, _, headers = STREAMS["chat"]
    extra = {"x-standin": shape} if shape else {}
    body = CHAT | ({} if asked is None else {"stream_options": {"include_usage": asked}})
    proxied = await fetch(Way(standin, proxy), host, request(host, path, body, {**headers, **extra}))
    # Asked for usage, OpenAI also says `usage: null` in every other chunk; the client may see that, or not.
    silent = await fetch(Way(standin, None), host, request(host, path, body, headers))
    asking = await fetch(Way(standin, None), host, request(host, path, {**CHAT, **ASKED}, headers))
    events = asking.body.split(b"\n\n")
    without_chunk = b"\n\n".join(event for event in events if b'"choices":[],' not in event)
    got = gzip.decompress(proxied.body) if proxied.header("content-encoding") == "gzip" else proxied.body

    assert proxied.complete
    assert got in (silent.body, without_chunk)
    assert b'"total_tokens"' not in got
    if asked is False:
        assert got == silent.body


@pytest.mark.parametrize("name", STREAMS)
async def test_first_byte_out_before_the_second_is_in(name: str, standin: StandIn, proxy: Proxy) -> None:
    """
    The client has the whole first event while the provider has not yet made the second; so on for each.
    """
    host, path, body, headers = STREAMS[name]
    data = request(host, path, body, headers)
    direct = await fetch(Way(standin, None), host, data)
    sizes = await piece_sizes(standin, host, data)
    gate = Gate()
    standin.script(Script(gate=gate), matches=lambda seen: seen.host == host)
    async with asyncio.timeout(20), await Tunnel.open(Way(standin, proxy), host) as tunnel:
        await tunnel.send(data)
        await tunnel.reader.readuntil(b"\r\n\r\n")
        got = b""
        for number, size in enumerate(sizes, 1):
            while len(got) < sum(sizes[:number]):
                length = int((await tunnel.reader.readuntil(b"\r\n")).strip(), 16)
                got += await tunnel.reader.readexactly(length)
                await tunnel.reader.readexactly(2)
            assert standin.seen[-1].pieces_sent <= number, f"event {number} ({size} bytes) came with a later one"
            gate.open()

    assert direct.body.startswith(got)


async def piece_sizes(standin: StandIn, host: str, data: bytes) -> list[int]:
    """
    The sizes of the stand-in's pieces: its chunks, read without a proxy.
    """
    sizes = []
    async with await Tunnel.open(Way(standin, None), host) as tunnel:
        await tunnel.send(data)
        await tunnel.reader.readuntil(b"\r\n\r\n")
        while size := int((await tunnel.reader.readuntil(b"\r\n")).strip(), 16):
            await tunnel.reader.readexactly(size + 2)
            sizes.append(size)
    return sizes


async def test_error_event_in_a_stream_arrives(standin: StandIn, proxy: Proxy) -> None:
    """
    An error the provider sends inside a 200 stream reaches the client as it is.
    """
    host, path, body, headers = STREAMS["messages"]
    data = request(host, path, body, {**headers, "x-standin": "fail_after=4"})
    direct, proxied = await fetch(Way(standin, None), host, data), await fetch(Way(standin, proxy), host, data)

    assert proxied.body == direct.body
    assert b"overloaded_error" in proxied.body


@pytest.mark.parametrize("how", ["cut_after=3", "reset_after=3"])
async def test_a_cut_stream_is_never_passed_off_as_whole(how: str, standin: StandIn, proxy: Proxy) -> None:
    """
    When the provider breaks off, the client gets what came and then an error it can see: an error event, or a broken framing.
    """
    host, path, body, headers = STREAMS["chat"]
    got = await fetch(Way(standin, proxy), host, request(host, path, body, {**headers, "x-standin": how}))

    assert got.status in (200, 502)
    assert not got.complete or b'"error"' in got.body
    assert b"[DONE]" not in got.body


def test_curl_gets_the_same(standin: StandIn, proxy: Proxy) -> None:
    """
    curl, with nothing but `--proxy` and `--cacert`, prints the same bytes, plain and streamed.
    """
    for name in ("chat", "messages", "gemini-sse"):
        host, path, body, headers = STREAMS[name]
        for stream in (True, False):
            data = request(host, path, {**body, "stream": stream} if "stream" in body else body).partition(b"\r\n\r\n")[2]
            if not stream and "stream_options" in body:
                data = data.replace(b', "stream_options": {"include_usage": true}', b"")
            flags = [flag for pair in headers.items() for flag in ("-H", f"{pair[0]}: {pair[1]}")]
            common = ["-sS", "-N", "--fail", "-H", "content-type: application/json", *flags, "--data-binary", "@-", f"https://{host}{path}"]
            direct, proxied = (
                subprocess.run(["curl", *way.curl(), *common], input=data, capture_output=True, check=True, timeout=20).stdout
                for way in (Way(standin, None), Way(standin, proxy))
            )
            assert proxied == direct
            assert direct


async def test_usage_of_an_uncounted_stream_is_estimated(standin: StandIn, proxy: Proxy) -> None:
    """
    A stream without any usage is a row with an estimate that says so, never a zero.
    """
    host, path, body, headers = STREAMS["chat"]
    marked = {**headers, "x-standin": "no_usage", "user-agent": "uncounted"}
    await fetch(Way(standin, proxy), host, request(host, path, body, marked))
    [row] = await asyncio.to_thread(proxy.calls, 1, where="user_agent = 'uncounted'")

    assert row["usage_source"] == "estimated"
    assert row["output_tokens"] > 0
    assert float(row["cost_text"]) > 0
