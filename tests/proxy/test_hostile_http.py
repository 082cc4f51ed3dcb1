"""
Clients and providers that mean harm, or do it by accident: what HTTP/1 lets them try.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from house import CHAT, House, house, post, read_answer

from excise.proxy import http_edges
from excise.standin.authority import Authority as Signer

STREAM = CHAT | {"stream": True}
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
CHUNKED = b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nAuthorization: Bearer k\r\nTransfer-Encoding: chunked\r\n\r\n"
BODY = b'{"model":"gpt-4o-mini","messages":[]}'

type Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Liar:
    """
    A provider that says whatever bytes the test wants. `got`: what it was sent, one entry a connection.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.got: list[bytearray] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.got.append(bytearray())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await self._handler(reader, writer)
        writer.close()

    async def request(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.got[-1] += head
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                self.got[-1] += await reader.readexactly(int(line[15:]))


@contextlib.asynccontextmanager
async def lied_to(tmp_path: Path, answer: bytes | Handler, **settings: object) -> AsyncIterator[tuple[House, Liar]]:
    """
    A house whose provider gives this answer to every request, or does what the handler does.
    """

    async def same(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            await liar.request(reader)
            assert isinstance(answer, bytes)
            writer.write(answer)

    liar = Liar(same if isinstance(answer, bytes) else answer)
    signer = Signer()
    context = signer.context("api.openai.com")
    server = await asyncio.start_server(liar.serve, "127.0.0.1", 0, ssl=context)
    try:
        port = server.sockets[0].getsockname()[1]
        async with house(tmp_path, resolve=f"api.openai.com:443:127.0.0.1:{port}", upstream_ca=signer.ca_file, **settings) as at:
            yield at, liar
    finally:
        server.close()
        signer.close()


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize(
    "name", ["Content-Length", "transfer-encoding", "HOST", "Content-Type", "content-encoding", "Authorization", "x-api-key", "cookie"]
)
async def test_connection_does_not_name_what_policy_read(name, tmp_path):
    """
    A header named in Connection would be taken out on the way: framing (a second request inside the body), host or key. Refused.
    """
    async with house(tmp_path) as at:
        answer = await at.call(head=f"Connection: keep-alive, {name}\r\n")
        assert answer.status == 400
        assert answer.json["error"]["message"].startswith("excise: the Connection header names ")
        assert at.standin.seen == []
        assert [row["status"] for row in at.rows()] == ["refused"]


async def test_a_body_leaves_with_its_length_whatever_the_client_said(tmp_path):
    """
    The body is whole when it leaves, so its length is known: chunks become a length; a length stays where and as it was.
    """
    async with lied_to(tmp_path, OK) as (at, liar):
        reader, writer = await at.tunnel()
        writer.write(CHUNKED + b"5\r\n" + BODY[:5] + b"\r\n" + chunked(BODY[5:]))
        assert (await read_answer(reader)).status == 200
        assert bytes(liar.got[0]) == CHUNKED.replace(b"Transfer-Encoding: chunked", b"Content-Length: 37") + BODY
        liar.got[0].clear()
        plain = CHUNKED.replace(b"Transfer-Encoding: chunked", b"CONTENT-length: 37\r\nX-Last: 1") + BODY
        writer.write(plain)
        assert (await read_answer(reader)).status == 200
        assert bytes(liar.got[0]) == plain
        liar.got[0].clear()
        writer.write(b"GET /v1/models HTTP/1.1\r\nHost: api.openai.com\r\n\r\n")
        assert (await read_answer(reader)).status == 200
        assert b"ength" not in liar.got[0]
        writer.close()


@pytest.mark.parametrize(
    "framing",
    ["Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked\r\nContent-Length: 3", "Content-Length: +3", "Content-Length: 3, 3"],
)
async def test_framing_two_parsers_read_differently_is_refused(framing, tmp_path):
    """
    One answer, a closed connection, nothing sent.
    """
    async with house(tmp_path) as at:
        reader, writer = await at.tunnel()
        writer.write(f"POST /v1/files HTTP/1.1\r\nHost: api.openai.com\r\n{framing}\r\n\r\n3\r\nabc\r\n0\r\n\r\n".encode())
        assert (await read_answer(reader)).status == 400
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        assert at.standin.seen == []


async def test_pipelined_requests_are_answered_in_order(tmp_path):
    """
    Requests that come in one packet are all answered, each by its own provider's answer, however many we answer ourselves.
    """
    models = b"GET /v1/models HTTP/1.1\r\nHost: api.openai.com\r\nAuthorization: Bearer standin-key\r\n\r\n"
    other = post(CHAT, host="api.anthropic.com")
    async with house(tmp_path) as at:
        reader, writer = await at.tunnel()
        writer.write(post(CHAT) + models + other + post(CHAT))
        answers = [await read_answer(reader) for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 400, 200]
        assert ["choices" in answer.json for answer in answers] == [True, False, False, True]
        writer.write(other * 100)
        assert [(await read_answer(reader)).status for _ in range(100)] == [400] * 100
        writer.close()
        assert [row["status"] for row in at.rows()][:4] == ["ok", "ok", "refused", "ok"]
        assert len({seen.connection for seen in at.standin.seen}) == 1
        assert at.shared.guard.faults == 0


def test_pipelining_does_not_rest_on_assertions():
    """
    Production runs without `assert`.
    """
    here = Path(__file__)
    command = [
        sys.executable,
        "-O",
        "-m",
        "pytest",
        "-W",
        "ignore::pytest.PytestConfigWarning",  # that assertions outside of tests do nothing: the point
        "-p",
        "no:cacheprovider",
        f"{here}::test_pipelined_requests_are_answered_in_order",
    ]
    ran = subprocess.run(command, cwd=here.parents[2], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout


async def test_many_small_requests_do_not_outgrow_the_stack(tmp_path):
    """
    Each is answered in the same loop: a thousand of them are no deeper than one.
    """
    async with house(tmp_path) as at:
        reader, writer = await at.client()
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        assert [(await read_answer(reader)).status for _ in range(1000)] == [200] * 1000
        writer.close()
        assert at.shared.guard.faults == 0


async def test_bytes_behind_an_answer_are_nobody_s_answer(tmp_path):
    """
    A provider, or who speaks in its name, sends two answers to one request: the second must not reach the client's next request.
    """
    split = OK + b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nSPLIT"
    async with lied_to(tmp_path, split) as (at, liar):
        reader, writer = await at.tunnel()
        writer.write(post(CHAT) * 2)
        assert [(await read_answer(reader)).body for _ in range(2)] == [b"{}", b"{}"]
        writer.close()
        assert len(liar.got) == 2


async def test_tiny_chunks_do_not_stall_the_others(tmp_path):
    """
    1.2 MB of one-byte chunks, either way: no moment in which nobody else is served.
    """
    tiny = b"1\r\n\n\r\n" * 200_000
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    worst = 0.0

    async def watch() -> None:
        nonlocal worst
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            worst = max(worst, time.thread_time() - began)

    async with lied_to(tmp_path, head + tiny + b"0\r\n\r\n") as (at, _):
        reader, writer = await at.tunnel()
        watching = asyncio.create_task(watch())
        writer.write(CHUNKED + b"1\r\n \r\n" * 200_000 + chunked(json.dumps(STREAM).encode()))
        answer = await asyncio.wait_for(read_answer(reader), 20)
        watching.cancel()
        assert answer.whole
        assert answer.body == b"\n" * 200_000
        assert worst < 0.5
        writer.close()


async def test_a_client_cannot_send_on_without_end_while_its_call_waits(tmp_path):
    """
    A packet of a next request is kept, megabytes are not.
    """

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with lied_to(tmp_path, silent) as (at, _):
        reader, writer = await at.tunnel()
        writer.write(post(CHAT) + b"x" * (http_edges.MAX_AHEAD_BYTES // 2))
        await asyncio.sleep(0.1)
        assert not reader.at_eof()
        for _ in range(10):
            writer.write(b"x" * http_edges.MAX_AHEAD_BYTES)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        await asyncio.sleep(0.05)
        assert [row["status"] for row in at.rows()] == ["cancelled"]


@pytest.mark.parametrize("endless", [b"1;", b"0\r\nX: "])
async def test_what_does_not_end_is_refused_from_clients(endless, tmp_path):
    """
    Extensions and trailers.
    """
    async with house(tmp_path) as at:
        reader, writer = await at.tunnel()
        writer.write(CHUNKED + endless + b"a" * 20_000)
        assert (await read_answer(reader)).status == 400
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        assert at.standin.seen == []
        assert at.shared.guard.faults == 0


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
UNREADABLE = {
    "upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nraw",
    "two lengths": HEAD + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "coded transfer": HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "proxy credentials": b"HTTP/1.1 407 X\r\nProxy-Authenticate: Basic realm=excise\r\ncontent-length: 0\r\n\r\n",
    "many headers": HEAD + b"a: b\r\n" * 1001 + b"content-length: 0\r\n\r\n",
    "interim without end": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3000 + OK,
    "folded": HEAD + b"x: y\r\n z\r\ncontent-length: 0\r\n\r\n",
}


@pytest.mark.parametrize("kind", UNREADABLE)
async def test_answers_that_cannot_be_passed_on_become_one_clear_error(kind, tmp_path):
    """
    A 502 in the client's dialect and a failed row; the connection it came on is not used again.
    """
    async with lied_to(tmp_path, UNREADABLE[kind]) as (at, liar):
        reader, writer = await at.tunnel()
        for _ in range(2):
            writer.write(post(CHAT))
            answer = await read_answer(reader)
            assert answer.status == 502
            assert answer.json["error"]["message"].startswith("excise: the provider")
        writer.close()
        assert [(row["status"], row["error_type"]) for row in at.rows()] == [("failed", "upstream_failed")] * 2
        assert len(liar.got) == 2
        assert at.shared.guard.faults == 0


@pytest.mark.parametrize("endless", [b"1;", b"0\r\nX: ", b"zz\r\n"])
async def test_what_does_not_end_is_cut_from_providers(endless, tmp_path):
    """
    The client sees an answer that is not whole.
    """
    async with lied_to(tmp_path, HEAD + b"transfer-encoding: chunked\r\n\r\n" + endless + b"a" * 20_000) as (at, _):
        answer = await at.call()
        assert not answer.whole
        await asyncio.sleep(0)
        assert [(row["status"], row["error_type"]) for row in at.rows()] == [("failed", "upstream_failed")]


async def test_interim_answers_are_not_the_answer(tmp_path):
    """
    100 and 103 come before it and stay here.
    """
    async with lied_to(tmp_path, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK) as (at, _):
        assert (await at.call()).body == b"{}"


@pytest.mark.parametrize("framing", [b"content-length: 5", b"transfer-encoding: chunked"])
async def test_an_answer_without_body_has_none(framing, tmp_path):
    """
    A 204 that claims one cannot shift what the client reads next.
    """
    async with lied_to(tmp_path, b"HTTP/1.1 204 No Content\r\n" + framing + b"\r\n\r\n") as (at, _):
        reader, writer = await at.tunnel()
        for _ in range(2):
            writer.write(post(CHAT))
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert head.startswith(b"HTTP/1.1 204 ")
            assert framing[:8] not in head.lower()
        writer.close()


async def test_a_refused_head_request_gets_no_body(tmp_path):
    """
    It would be read as the start of the next answer.
    """
    async with house(tmp_path) as at:
        reader, writer = await at.tunnel()
        head = b"HEAD /nowhere HTTP/1.1\r\nHost: api.openai.com\r\n\r\n"
        for _ in range(2):
            writer.write(head)
            assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).startswith(b"HTTP/1.1 403 ")
        writer.close()


async def test_expect_stays_here(tmp_path):
    """
    Said twice it is not understood, and travels on neither way.
    """
    async with lied_to(tmp_path, OK) as (at, liar):
        assert (await at.call(head="Expect: 100-continue\r\nExpect: 100-continue\r\n")).status == 200
        assert b"xpect" not in liar.got[0]


async def test_connections_that_are_over_are_forgotten(tmp_path):
    """
    A provider that closes after each answer: a client that stays for days does not collect what is left of them.
    """

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await liar.request(reader)
        writer.write(OK)

    async with lied_to(tmp_path, once) as (at, liar):
        reader, writer = await at.tunnel()
        for _ in range(10):
            writer.write(post(CHAT))
            await read_answer(reader)
            await asyncio.sleep(0.02)
        (door,) = at.shared.doors
        assert door.driver is not None
        assert len(door.driver._inner.connections) <= 3
        assert len(liar.got) == 10
        writer.close()


async def test_a_client_that_uploads_before_it_reads_sees_why_it_was_refused(tmp_path):
    """
    Closing at once would reset its connection, and the answer would be lost with it.
    """

    def blocking(port: int, ca: Path) -> bytes:
        import socket

        with socket.create_connection(("127.0.0.1", port)) as plain:
            plain.sendall(b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")
            plain.recv(1000)
            with ssl.create_default_context(cafile=str(ca)).wrap_socket(plain, server_hostname="api.openai.com") as tls:
                tls.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: 6291456\r\n\r\n")
                for _ in range(6):
                    tls.sendall(b"a" * 1048576)
                answer = tls.recv(65536)
                while piece := tls.recv(65536):
                    answer += piece
                return answer

    async with house(tmp_path, max_body_bytes=10_000) as at:
        answer = await asyncio.wait_for(asyncio.to_thread(blocking, at.port, at.ca), 10)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in answer.lower()
        assert [row["error_type"] for row in at.rows()] == ["too_large"]


@pytest.mark.parametrize("limit", ["LINGER_SECONDS", "MAX_SWALLOWED_BYTES"])
async def test_a_refused_upload_is_not_read_for_ever(limit, tmp_path, monkeypatch):
    """
    Neither one that trickles nor one that floods.
    """
    monkeypatch.setattr(http_edges, "LINGER_SECONDS", 0.1 if limit == "LINGER_SECONDS" else 60.0)
    async with house(tmp_path, max_body_bytes=10_000) as at:
        reader, writer = await at.tunnel()
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: 99999999\r\n\r\n")
        assert (await read_answer(reader)).status == 413
        if limit != "LINGER_SECONDS":
            writer.write(b"a" * 12_000_000)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_a_fragment_is_no_part_of_a_target(tmp_path):
    """
    We would read the path before it, some providers the path behind it.
    """
    async with house(tmp_path) as at:
        assert (await at.call(path="/v1/files#/../chat/completions")).status == 400
        assert at.standin.seen == []
