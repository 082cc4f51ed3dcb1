"""
How calls end, and when: timers, broken answers, failing stages, and who may call at all.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time

import pytest
from house import CHAT, house, post, read_answer

from excise.exchange import Prompt
from excise.proxy import door
from excise.stages import decode, off_loop
from excise.standin.script import Gate, Script
from excise.wire.estimate import estimate_input_tokens

STREAM = CHAT | {"stream": True}
LOCKED = """version: 1
defaults: {require_principal: true}
principals:
  - id: app
    team: t
    match: {proxy_user: app, key_sha256: %s}
default: allow
"""
KEY = "a-long-random-key"


def locked() -> str:
    import hashlib

    return LOCKED % hashlib.sha256(KEY.encode()).hexdigest()


def credentials(key: str = KEY) -> str:
    return f"Proxy-Authorization: Basic {base64.b64encode(f'app:{key}'.encode()).decode()}\r\n"


@pytest.mark.parametrize("endpoint", [True, False])
@pytest.mark.parametrize("stream", [True, False])
async def test_a_call_may_last_longer_than_a_head(endpoint, stream, tmp_path, monkeypatch):
    """
    The clock of an unfinished head stops with the head: slow answers, streamed or not, by tunnel or endpoint, end whole.
    """
    monkeypatch.setattr(door, "FRONT_SECONDS", 0.3)
    async with house(tmp_path) as at:
        at.standin.script(Script(pause_ms=200, piece_bytes=0 if stream else 60))
        reader, writer = await (at.client() if endpoint else at.tunnel())
        host = f"127.0.0.1:{at.port}" if endpoint else "api.openai.com"
        writer.write(post(CHAT | ({"stream": True, "max_tokens": 8} if stream else {}), host=host))
        answer = await read_answer(reader, 30)
        writer.close()
        assert answer.whole
        assert [row["status"] for row in at.rows()] == ["ok"]


async def test_a_failing_stage_does_not_cost_the_row(tmp_path):
    """
    A bug in metering: the answer is whole, the row is there and says so.
    """
    async with house(tmp_path) as at:
        meter = next(stage for stage in at.worker._parts.pipeline.stages if type(stage).__name__ == "Meter")

        class Broken:
            def cost(self, **_):
                raise ValueError("a bug")

        meter._prices = Broken()
        assert (await at.call()).status == 200
        assert [(row["status"], row["error_type"]) for row in at.rows()] == [("ok", "internal")]


async def test_requests_in_clear_carry_their_own_credentials(tmp_path):
    """
    Where policy wants to know who calls, plain HTTP is no way round it, and wrong credentials are refused always.
    """
    async with house(tmp_path, policy=locked(), allow_private="127.0.0.0/8") as at:
        target = f"127.0.0.1:{at.standin.plain_port}"
        for head, status in (("", 407), (credentials("wrong"), 407), (credentials(), 421)):
            reader, writer = await at.client()
            writer.write(f"GET http://{target}/ HTTP/1.1\r\nHost: {target}\r\n{head}\r\n".encode())
            assert (await read_answer(reader)).status == status, head
            writer.close()
        reader, writer = await at.client()
        writer.write(b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 407 " in await reader.readline()
        writer.close()
        reader, writer = await at.tunnel(head=credentials())
        writer.write(post(CHAT))
        assert (await read_answer(reader)).status == 200
        writer.close()
        assert at.rows()[-1]["principal_id"] == "app"


@pytest.mark.parametrize("port", [80, 443, 8080])
async def test_a_provider_s_key_does_not_travel_in_clear(port, tmp_path):
    """
    http:// to a provider is refused on every port.
    """
    async with house(tmp_path) as at:
        reader, writer = await at.client()
        raw = post(CHAT, host=f"api.openai.com:{port}").replace(b"POST /", f"POST http://api.openai.com:{port}/".encode(), 1)
        writer.write(raw)
        answer = await read_answer(reader)
        assert answer.status == 400
        assert "https" in answer.json["error"]["message"]
        writer.close()
        assert at.standin.traffic.connections == 0


async def test_an_answer_that_cannot_be_decoded_does_not_look_whole(tmp_path):
    """
    We would have to take the usage chunk out, and the coding is broken: the client sees a cut, the row a failure.
    """
    from excise.standin.script import Recorded

    async with house(tmp_path) as at:
        headers = (("content-type", "text/event-stream"), ("content-encoding", "gzip"))
        at.standin.script(Script(recorded=Recorded(200, headers, b'data: {"choices":[]}\n\n' * 20, chunked=True)))
        answer = await at.call(STREAM)
        assert not answer.whole
        await asyncio.sleep(0.05)
        assert [row["status"] for row in at.rows()] == ["failed"]


async def test_a_header_a_second_is_no_answer(tmp_path):
    """
    The first-byte limit counts from the request to the whole head, not from the last byte that dripped in.
    """
    async with house(tmp_path, first_byte_timeout_seconds=1.0, resolve="", allow_private="127.0.0.0/8") as at:
        import ssl

        async def drip(reader, writer):
            writer.write(b"HTTP/1.1 200 OK\r\n")
            try:
                for number in range(100):
                    writer.write(b"X-%d: y\r\n" % number)
                    await writer.drain()
                    await asyncio.sleep(0.2)
            except OSError:
                pass
            writer.close()

        context = at.standin.authority.context("api.openai.com")
        assert isinstance(context, ssl.SSLContext)
        server = await asyncio.start_server(drip, "127.0.0.1", 0, ssl=context)
        at.shared.destinations._listed[("api.openai.com", 443)] = ("127.0.0.1", server.sockets[0].getsockname()[1])
        began = time.monotonic()
        answer = await at.call()
        assert answer.status == 504
        assert time.monotonic() - began < 4
        server.close()
        await server.wait_closed()


async def test_a_client_is_heard_while_its_provider_does_not_read(tmp_path):
    """
    The provider takes nothing of a large request; the client leaves; the row comes at once and says who left.
    """
    async with house(tmp_path, resolve="", allow_private="127.0.0.0/8") as at:
        over = asyncio.Event()

        async def deaf(reader, writer):
            writer.transport.pause_reading()
            await over.wait()
            writer.transport.abort()

        server = await asyncio.start_server(deaf, "127.0.0.1", 0, ssl=at.standin.authority.context("api.openai.com"))
        at.shared.destinations._listed[("api.openai.com", 443)] = ("127.0.0.1", server.sockets[0].getsockname()[1])
        _, writer = await at.tunnel()
        writer.write(post(CHAT | {"user": "x" * 20_000_000}))
        await writer.drain()
        while not at.rows("open"):
            await asyncio.sleep(0.02)
        writer.transport.abort()
        began = time.monotonic()
        while not at.rows():
            await asyncio.sleep(0.02)
            assert time.monotonic() - began < 2
        row = at.rows()[0]
        assert (row["status"], row["error_type"], row["usage_source"]) == ("cancelled", "client_disconnected", "estimated")
        assert "cost_usd" not in row or row["cost_usd"] is None
        over.set()
        server.close()
        await server.wait_closed()


async def test_large_bodies_are_read_off_the_event_loop(tmp_path, monkeypatch):
    """
    A body of many small values takes long to read strictly; other clients go on meanwhile.
    """
    seen: list[bool] = []
    kept = asyncio.to_thread

    async def noted(*args):
        seen.append(True)
        return await kept(*args)

    monkeypatch.setattr(off_loop.asyncio, "to_thread", noted)
    async with house(tmp_path) as at:
        body = CHAT | {"metadata": {str(number): number for number in range(60_000)}}
        assert len(json.dumps(body)) > decode.THREADED_BYTES
        await at.call(body)
        large = len(seen)
        await at.call()
        assert large
        assert len(seen) == large


async def test_a_killed_worker_s_call_has_an_estimate_in_its_open_line(tmp_path):
    """
    If we die before the answer, the loader has something to book.
    """
    async with house(tmp_path) as at:
        gate = Gate()
        at.standin.script(Script(gate=gate))
        reader, writer = await at.tunnel()
        writer.write(post(STREAM))
        await reader.readuntil(b"\n\n")
        body = json.dumps(STREAM).encode()
        assert at.rows("open")[0]["estimate"] == {"input_tokens": estimate_input_tokens(Prompt(body, STREAM, STREAM["model"], True), None)}
        gate.open(1000)
        writer.close()


async def test_a_download_that_flows_is_not_idle(tmp_path):
    """
    Plain HTTP that is no LLM call lasts as long as bytes come, however long ago the client spoke.
    """
    async with house(tmp_path, idle_timeout_seconds=1.0, allow_private="127.0.0.0/8") as at:

        async def slowly(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n")
            for _ in range(12):
                await asyncio.sleep(0.3)
                writer.write(b"x")
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(slowly, "127.0.0.1", 0)
        target = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        reader, writer = await at.client()
        writer.write(f"GET http://{target}/file HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        answer = await read_answer(reader, 15)
        writer.close()
        assert answer.body == b"x" * 12
        server.close()
        await server.wait_closed()
        assert [(row["status"], row["bytes_down"]) for row in at.rows("tunnel")] == [("ok", 12)]
