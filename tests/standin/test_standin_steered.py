"""
Stand-ins that are told by the request itself what to do, and that send what no HTTP library would.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace

import pytest

from excise.standin import Request, Script, StandIn
from excise.standin.authority import Authority

BODY = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"echo: @who"}]}'


def asked(host: str = "api.openai.com") -> bytes:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer standin-x\r\ncontent-type: application/json\r\n"
    return f"{head}connection: close\r\ncontent-length: {len(BODY)}\r\n\r\n".encode() + BODY


async def said(port: int, request: bytes, trust: ssl.SSLContext | None = None, name: str | None = None) -> bytes:
    """
    All bytes that come back.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname=name)
    try:
        writer.write(request)
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


async def test_a_steered_request_is_answered_and_the_real_one_recorded() -> None:
    """
    The answer is to what steering made of the request, at a regional name as well; what is seen is what came.
    """

    def steer(request: Request) -> tuple[Request, Script]:
        return replace(request, body=request.body.replace(b"@who", b"it is me")), Script(
            status=503
        ) if b"fail" in request.body else Script()

    async with StandIn(steer=steer) as standin:
        whole = await said(standin.plain_port, asked())
        regional = await said(standin.plain_port, asked("eu.api.openai.com"))

    assert b'"content":"it is me"' in whole and b'"content":"it is me"' in regional
    assert [seen.request.body for seen in standin.seen] == [BODY, BODY]
    assert all(seen.billed is not None for seen in standin.seen)


@pytest.mark.parametrize(
    ("raw", "end", "raised"),
    [(b"", "reset", ConnectionResetError), (b"HTTP/1.1 200 OK\r\nhalf", "close", None), (b"\x00\x01", "silent", TimeoutError)],
)
async def test_raw_bytes_go_out_as_they_are(raw: bytes, end: str, raised: type[Exception] | None) -> None:
    """
    Before them and after them comes nothing; nothing is billed, and the client did not leave by itself unless it had to.
    """
    async with StandIn(steer=lambda request: (request, Script(raw=raw, raw_end=end))) as standin:  # type: ignore[arg-type]
        if raised is None:
            assert await said(standin.plain_port, asked()) == raw
        else:
            with pytest.raises(raised):
                async with asyncio.timeout(0.3):
                    await said(standin.plain_port, asked())
        await asyncio.to_thread(standin.wait, lambda one: one.seen[0].client_left == (end == "silent"))
        (seen,) = standin.seen

    assert seen.status is None and seen.billed is None and not seen.answered
    assert seen.client_left == (end == "silent")


async def test_several_stand_ins_are_trusted_by_one_file() -> None:
    """
    They share an authority, which outlives each of them.
    """
    authority = Authority()
    trust = ssl.create_default_context(cafile=str(authority.ca_file))
    try:
        async with StandIn(authority=authority) as one, StandIn(authority=authority) as other:
            for standin in (one, other):
                assert b" 200 " in (await said(standin.port, asked(), trust, "api.openai.com"))[:20]
        assert authority.ca_file.exists()
    finally:
        authority.close()
