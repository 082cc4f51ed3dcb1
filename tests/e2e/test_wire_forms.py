"""
Odd forms on the wire. Whatever a client sends, in whatever pieces: what reaches the provider was read, governed and entered in the ledger,
and nobody waits for ever.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from e2e.proxy import Proxy, running_proxy
from e2e.tunnel import Refused, Tunnel, request
from e2e.ways import Way
from excise.standin import Recorded, Seen, StandIn

HOST = "api.openai.com"
DEADLINE_SECONDS = 20.0  # ten for a whole request head, and a busy machine
ORDINARY = 20
MUST_NOT_PASS = (
    "provider_over_plain_http",
    "plain_call_in_the_tunnel",
    "another_host_in_the_request",
    "absolute_target_of_another_host",
    "another_name_in_the_handshake",
    "provider_by_address",
    "trailers",
    "unannounced_trailers",
    "two_lengths",
    "length_and_chunked",
    "folded_header",
    "zero_byte_in_a_header",
    "bare_return_in_a_header",
    "upgrade_answered_with_101",
    "websocket",
)
LEAK = b"leak-of-a-secret"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": LEAK.decode()}]}


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What the client saw: everything it read until the end, or that there was none within the deadline.
    """

    read: bytes
    hung: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Played:
    """
    All forms played at once: what each client saw, what ordinary clients beside them got, what reached the provider, whom the ledger knows.
    """

    outcomes: dict[str, Outcome]
    ordinary: list[bytes]
    seen: list[Seen]
    rows: set[str]
    malformed: int  # connections of the provider that did not speak HTTP


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


@pytest.fixture(scope="module")
def played(own_standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """
    Every form through one proxy.
    """
    own_standin.replay("switch", Recorded(101, (("upgrade", "other"), ("connection", "upgrade")), b""))
    before, malformed = len(own_standin.seen), own_standin.traffic.malformed
    with running_proxy(tmp_path_factory.mktemp("forms"), own_standin) as proxy:
        outcomes, ordinary = asyncio.run(play(Way(own_standin, proxy)))
        seen = own_standin.seen[before:]
        rows = known(proxy, {str(call.request.header("user-agent")) for call in seen})
    return Played(outcomes, ordinary, seen, rows, own_standin.traffic.malformed - malformed)


def known(proxy: Proxy, wanted: set[str]) -> set[str]:
    """
    The user agents in the ledger, once those wanted are there or have had time to be.
    """
    deadline = time.monotonic() + 5
    while True:
        found = {str(row["user_agent"]) for row in proxy.query("select user_agent from calls")}
        if wanted <= found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


async def play(way: Way) -> tuple[dict[str, Outcome], list[bytes]]:
    """
    All forms at once, each within the deadline; ordinary calls beside them, the last one when all others are done.
    """

    async def one(send: Form) -> Outcome:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                read, hung = await send(way), False
        except TimeoutError:
            read, hung = b"", True
        except (OSError, EOFError):
            read, hung = b"", False
        return Outcome(read, hung, time.monotonic() - begun)

    async def calls() -> list[bytes]:
        return [await in_tunnel(way, chat("ordinary")) for _ in range(ORDINARY - 1)]

    beside = asyncio.create_task(calls())
    outcomes = await asyncio.gather(*(one(send) for send in FORMS.values()))
    ordinary = await beside
    ordinary.append(await in_tunnel(way, chat("ordinary")))
    return dict(zip(FORMS, outcomes, strict=True)), ordinary


@pytest.mark.parametrize("name", FORMS)
def test_no_client_waits_for_ever(name: str, played: Played) -> None:
    """
    Whatever it sent, the client has an answer or a closed connection within the deadline.
    """
    outcome = played.outcomes[name]

    assert not outcome.hung, f"{outcome.seconds:.1f} s"


@pytest.mark.parametrize("name", FORMS)
def test_what_reaches_the_provider_is_in_the_ledger(name: str, played: Played) -> None:
    """
    A form is refused, or it is read as the call it is: what the provider saw has a row.
    """
    reached = [call for call in played.seen if call.request.header("user-agent") == name]

    assert not reached or name in played.rows
    assert len(reached) <= 1


def test_nothing_else_reaches_the_provider(played: Played) -> None:
    """
    The provider never saw a byte that was not part of a well-formed, marked request.
    """
    assert played.malformed == 0
    assert {str(call.request.header("user-agent")) for call in played.seen} <= {*FORMS, "ordinary"}
    assert all(call.complete for call in played.seen)
    assert not [call for call in played.seen if call.request.host != HOST or call.server_name != HOST]


@pytest.mark.parametrize("name", MUST_NOT_PASS)
def test_another_name_than_the_connected_one_is_refused(name: str, played: Played) -> None:
    """
    Where CONNECT, SNI, Host, target and address do not agree, or TLS is missing, nothing of the call reaches any provider.
    """
    assert not [call for call in played.seen if call.request.header("user-agent") == name]


def test_ordinary_calls_in_odd_pieces_are_served(played: Played) -> None:
    """
    A first record of one byte is no reason to refuse a call.
    """
    assert b'"usage"' in played.outcomes["first_record_of_one_byte_in_tls"].read


def test_ordinary_calls_meanwhile_are_served(played: Played) -> None:
    """
    Odd clients leave the proxy as it was: ordinary calls beside them and after them are answered.
    """
    assert len(played.ordinary) == ORDINARY
    assert all(b'"usage"' in answer for answer in played.ordinary)
