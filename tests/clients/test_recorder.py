"""
The throw-away proxy: what it answers, what it writes down, what it passes on.
"""

from __future__ import annotations

import asyncio
import ssl

import httpx
import pytest

from excise.clients.recorder import Recorder

DOMAIN = "excise-test.invalid"


def ours(host: str) -> bool:
    return host.endswith(DOMAIN)


def client(recorder: Recorder) -> httpx.AsyncClient:
    return httpx.AsyncClient(proxy=recorder.url, verify=ssl.create_default_context(cafile=str(recorder.trust.ca)), trust_env=False)


async def test_a_call_is_answered_and_only_method_and_path_are_kept():
    """
    The query may hold a key (Gemini's `?key=`), the body is a prompt: neither is kept.
    """
    async with Recorder([DOMAIN], ours) as recorder, client(recorder) as http:
        answer = await http.post(f"https://api.{DOMAIN}/v1/chat?key=s3cret", json={"prompt": "s3cret"}, headers={"x-key": "s3cret"})

    (visit,) = recorder.visits
    assert (answer.status_code, answer.json()["error"]["message"][:7]) == (403, "excise:")
    assert (visit.host, visit.port, visit.trusted, visit.fault) == (f"api.{DOMAIN}", 443, True, None)
    assert visit.requests == ["POST /v1/chat"]
    assert "s3cret" not in repr(recorder.visits)


async def test_a_chunked_and_an_expecting_client_get_their_answer():
    """
    SDKs that stream a request up, and curl with a large body, read the answer instead of a broken connection.
    """

    async def parts():
        for _ in range(3):
            yield b"x" * 1000

    async with Recorder([DOMAIN], ours) as recorder, client(recorder) as http:
        chunked = await http.post(f"https://a.{DOMAIN}/", content=parts())
        large = await http.post(f"https://a.{DOMAIN}/", content=b"x" * 3_000_000, headers={"expect": "100-continue"})

    assert (chunked.status_code, large.status_code) == (403, 403)


async def test_a_client_that_does_not_trust_us_is_written_down():
    """
    The connection came, and broke off in the handshake.
    """
    async with Recorder([DOMAIN], ours) as recorder, httpx.AsyncClient(proxy=recorder.url, trust_env=False) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"https://api.{DOMAIN}/")

    (visit,) = recorder.visits
    assert not visit.trusted
    assert visit.fault


async def test_other_hosts_are_passed_through_byte_for_byte():
    """
    What is no provider's is not read: the bytes that arrive are those that were sent, and come back the same way.
    """

    async def echo(reader, writer):
        writer.write(await reader.readexactly(5))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Recorder([DOMAIN], ours) as recorder:
        reader, writer = await asyncio.open_connection("127.0.0.1", recorder.port)
        writer.write(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n" % port)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.write(b"\x00\x16\xffab")
        assert await reader.readexactly(5) == b"\x00\x16\xffab"
        writer.close()

    (visit,) = recorder.visits
    assert not visit.intercepted and visit.requests == []


@pytest.mark.parametrize(
    "sent", [b"", b"\r\n\r\n", b"CONNECT\r\n\r\n", b"CONNECT a:b HTTP/1.1\r\n\r\n", b"\x16\x03\x01" * 50 + b"\r\n\r\n", b"x" * 70_000]
)
async def test_what_is_no_request_is_dropped(sent):
    """
    Whatever a client sends, the recorder closes that connection and serves the next.
    """
    async with Recorder([DOMAIN], ours) as recorder:
        reader, writer = await asyncio.open_connection("127.0.0.1", recorder.port)
        writer.write(sent)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        async with client(recorder) as http:
            assert (await http.get(f"https://api.{DOMAIN}/")).status_code == 403


async def test_leaving_ends_connections_that_stand_open():
    """
    A client that connected and says nothing does not keep the doctor waiting.
    """
    async with asyncio.timeout(5):
        async with Recorder([DOMAIN], ours) as recorder:
            reader, writer = await asyncio.open_connection("127.0.0.1", recorder.port)
            writer.write(b"CONNECT api.%s:443 HTTP/1.1\r\n\r\n" % DOMAIN.encode())
            await reader.readuntil(b"\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
