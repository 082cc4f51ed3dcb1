"""
Odd forms of a request on the wire, one function each: what a client sends, in which pieces, and all it reads until the end.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from e2e.tunnel import Refused, Tunnel, request
from e2e.ways import Way

HOST = "api.openai.com"
LEAK = b"leak-of-a-secret"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": LEAK.decode()}]}
Form = Callable[[Way], Awaitable[bytes]]
FORMS: dict[str, Form] = {}


def form(send: Form) -> Form:
    """
    Enter a form under its own name.
    """
    FORMS[send.__name__] = send
    return send


def chat(name: str, extra: dict[str, str] | None = None) -> bytes:
    """
    An ordinary call, marked with the form's name.
    """
    return request(HOST, "/v1/chat/completions", BODY, {"authorization": "Bearer standin-k", "user-agent": name, **(extra or {})})


async def to_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """
    Everything until the proxy closes. A call that was answered ends the wait, too: the connection may then be kept.
    """
    got = b""
    try:
        while part := await reader.read(65536):
            got += part
            if b'"usage"' in got or b'"error"' in got or b"excise:" in got:
                break
    except (OSError, ssl.SSLError):
        pass
    finally:
        writer.transport.abort()
    return got


async def plainly(way: Way, *parts: bytes, pause: float = 0.05) -> bytes:
    """
    Bytes on the bare proxy port.
    """
    assert way.proxy is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", way.proxy.port)
    return await in_parts(reader, writer, parts, pause)


async def in_tunnel(way: Way, *parts: bytes, tls: bool = True, alpn: bool = False, pause: float = 0.05) -> bytes:
    """
    Bytes behind CONNECT, inside TLS unless told otherwise.
    """
    try:
        tunnel = await Tunnel.open(way, HOST, tls=tls, alpn=alpn)
    except Refused as refusal:
        return str(refusal).encode()
    return await in_parts(tunnel.reader, tunnel.writer, parts, pause)


async def in_parts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, parts: tuple[bytes, ...], pause: float) -> bytes:
    for number, part in enumerate(parts):
        if number:
            await asyncio.sleep(pause)
        try:
            writer.write(part)
            await writer.drain()
        except OSError:
            break
    return await to_the_end(reader, writer)


@form
async def raw_bytes_on_the_port(way: Way) -> bytes:
    return await plainly(way, b"\x00\x01\x02" + LEAK * 50)


@form
async def first_segment_of_one_byte_on_the_port(way: Way) -> bytes:
    return await plainly(way, b"P", b"OST http://api.openai.com/v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\n\r\n")


@form
async def leading_blank_line_on_the_port(way: Way) -> bytes:
    return await plainly(way, b"\r\nPOST http://api.openai.com/v1/x HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: 16\r\n\r\n" + LEAK)


@form
async def ssh_on_the_port(way: Way) -> bytes:
    return await plainly(way, b"SSH-2.0-" + LEAK + b"\r\n")


@form
async def provider_over_plain_http(way: Way) -> bytes:
    return await plainly(way, chat("provider_over_plain_http").replace(b"POST /", b"POST http://api.openai.com/", 1))


@form
async def http2_in_clear(way: Way) -> bytes:
    return await plainly(way, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")


@form
async def half_a_head_on_the_port(way: Way) -> bytes:
    return await plainly(way, b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api")


@form
async def raw_bytes_in_the_tunnel(way: Way) -> bytes:
    return await in_tunnel(way, b"\x00\x01\x02" + LEAK * 50, tls=False)


@form
async def one_byte_in_the_tunnel(way: Way) -> bytes:
    return await in_tunnel(way, b"\x16", tls=False)


@form
async def plain_call_in_the_tunnel(way: Way) -> bytes:
    return await in_tunnel(way, chat("plain_call_in_the_tunnel"), tls=False)


@form
async def ssh_in_the_tunnel(way: Way) -> bytes:
    return await in_tunnel(way, b"SSH-2.0-" + LEAK + b"\r\n", tls=False)


@form
async def raw_bytes_in_tls(way: Way) -> bytes:
    return await in_tunnel(way, b"\x00\x01\x02" + LEAK * 50)


@form
async def first_record_of_one_byte_in_tls(way: Way) -> bytes:
    data = chat("first_record_of_one_byte_in_tls")
    return await in_tunnel(way, data[:1], data[1:2], data[2:])


@form
async def leading_blank_line_in_tls(way: Way) -> bytes:
    return await in_tunnel(way, b"\r\n" + chat("leading_blank_line_in_tls"))


@form
async def ssh_in_tls(way: Way) -> bytes:
    return await in_tunnel(way, b"SSH-2.0-" + LEAK + b"\r\n\r\n")


@form
async def method_that_begins_like_ssh(way: Way) -> bytes:
    return await in_tunnel(way, chat("method_that_begins_like_ssh").replace(b"POST", b"SSHX", 1))


@form
async def websocket(way: Way) -> bytes:
    head = b"GET /v1/realtime?model=gpt-4o-mini HTTP/1.1\r\nHost: api.openai.com\r\nUser-Agent: websocket\r\nUpgrade: websocket\r\n"
    keys = b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    return await in_tunnel(way, head + keys, b"\x81\x10" + LEAK, alpn=True)


@form
async def upgrade_answered_with_101(way: Way) -> bytes:
    data = chat("upgrade_answered_with_101", {"upgrade": "other", "connection": "upgrade", "x-standin": "replay=switch"})
    return await in_tunnel(way, data, LEAK * 9, alpn=True)


@form
async def unasked_101(way: Way) -> bytes:
    return await in_tunnel(way, chat("unasked_101", {"x-standin": "replay=switch"}), LEAK * 9, alpn=True)


@form
async def trailers(way: Way) -> bytes:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nUser-Agent: trailers\r\nContent-Type: application/json\r\n"
    chunks = b"Trailer: x-end\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n" + LEAK + b"\r\n0\r\nx-end: 1\r\n\r\n"
    return await in_tunnel(way, head + chunks, alpn=True)


@form
async def unannounced_trailers(way: Way) -> bytes:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nUser-Agent: unannounced_trailers\r\n"
    return await in_tunnel(way, head + b"Transfer-Encoding: chunked\r\n\r\n10\r\n" + LEAK + b"\r\n0\r\nx-end: 1\r\n\r\n", alpn=True)


@form
async def two_lengths(way: Way) -> bytes:
    return await in_tunnel(way, chat("two_lengths", {"Content-Length": "5"}), alpn=True)


@form
async def length_and_chunked(way: Way) -> bytes:
    return await in_tunnel(way, chat("length_and_chunked", {"transfer-encoding": "chunked"}), alpn=True)


@form
async def folded_header(way: Way) -> bytes:
    return await in_tunnel(way, chat("folded_header", {"x-folded": "a\r\n b"}), alpn=True)


@form
async def zero_byte_in_a_header(way: Way) -> bytes:
    return await in_tunnel(way, chat("zero_byte_in_a_header", {"x-zero": "a\x00b"}), alpn=True)


@form
async def bare_return_in_a_header(way: Way) -> bytes:
    return await in_tunnel(way, chat("bare_return_in_a_header", {"x-return": "a\rb"}), alpn=True)


@form
async def another_host_in_the_request(way: Way) -> bytes:
    return await in_tunnel(way, chat("another_host_in_the_request").replace(b"host: api.openai.com", b"host: api.anthropic.com"), alpn=True)


@form
async def absolute_target_of_another_host(way: Way) -> bytes:
    data = chat("absolute_target_of_another_host").replace(b"POST /", b"POST https://api.anthropic.com/", 1)
    return await in_tunnel(way, data, alpn=True)


@form
async def endless_header(way: Way) -> bytes:
    return await in_tunnel(way, b"GET /v1/models HTTP/1.1\r\nHost: api.openai.com\r\nx-long: " + LEAK * 40_000, alpn=True)


@form
async def half_a_head_in_tls(way: Way) -> bytes:
    return await in_tunnel(way, b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\n", alpn=True)


@form
async def another_protocol_by_alpn(way: Way) -> bytes:
    return await handshaken(way, chat("another_protocol_by_alpn"), alpn="foo/9")


@form
async def http2_by_alpn(way: Way) -> bytes:
    return await handshaken(way, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00" + LEAK, alpn="h2")


@form
async def another_name_in_the_handshake(way: Way) -> bytes:
    return await handshaken(way, chat("another_name_in_the_handshake"), name="www.example.com")


@form
async def no_name_in_the_handshake(way: Way) -> bytes:
    return await handshaken(way, chat("no_name_in_the_handshake"), name="")


@form
async def provider_by_address(way: Way) -> bytes:
    return await handshaken(way, chat("provider_by_address"), connect=f"127.0.0.1:{way.standin.port}")


async def handshaken(way: Way, data: bytes, *, alpn: str = "", name: str = HOST, connect: str = f"{HOST}:443") -> bytes:
    """
    A tunnel whose CONNECT, SNI and ALPN are chosen freely; certificates are not looked at, as an attacker would not.
    """
    assert way.proxy is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols([alpn])
    reader, writer = await asyncio.open_connection("127.0.0.1", way.proxy.port)
    writer.write(f"CONNECT {connect} HTTP/1.1\r\nHost: {connect}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head:
        writer.close()
        return head
    try:
        # An empty name means none: asyncio would send the address.
        await writer.start_tls(context, server_hostname=name or "127.0.0.1")
    except OSError:
        writer.transport.abort()
        return b""
    return await in_parts(reader, writer, (data,), 0)
