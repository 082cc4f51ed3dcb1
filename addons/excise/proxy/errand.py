"""
A request of our own on a connection of its own: for calls no client waits for.

Connections are made where all others are (`Destinations`: addresses checked, `--resolve`, `--upstream-proxy`), and servers are verified
against the same roots and by the same rules as in `tls.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import h11

from excise.errors import UpstreamFailed, UpstreamTimeout
from excise.policy.terms import Failover
from excise.proxy.destination import Destinations
from excise.proxy.http_edges import MAX_ANSWER_HEAD_BYTES
from excise.proxy.seal import Seal
from excise.trust.roots import certificates_in, system_roots

_PIECE_BYTES = 64 * 1024  # read, or encrypted, at once: the loop belongs to the clients


class Errand:
    """
    An answer on its way: first the head, then the pieces of its body.
    """

    def __init__(self, reader: asyncio.StreamReader, http: h11.Connection, terms: Failover) -> None:
        self._reader = reader
        self._http = http
        self._terms = terms

    async def head(self) -> tuple[int, tuple[tuple[bytes, bytes], ...]]:
        """
        Status and headers, as the provider spelled them.

        Raises:
            UpstreamFailed: It broke off, or this is no HTTP.
            UpstreamTimeout: Not whole within `first_byte_seconds`.
        """
        async with _within(self._terms.head_seconds(stream=False), "no answer within"):
            while isinstance(event := await self._event(), h11.InformationalResponse):
                pass
        if not isinstance(event, h11.Response):
            raise _broken()
        return event.status_code, tuple(event.headers.raw_items())

    async def piece(self) -> bytes | None:
        """
        Of the body, its content coding as it is; `None`: that was all of it.

        Raises:
            UpstreamFailed: It broke off before its end.
            UpstreamTimeout: Nothing came for `idle_seconds`.
        """
        async with _within(self._terms.idle_seconds, "the provider sent nothing for"):
            event = await self._event()
        if isinstance(event, h11.EndOfMessage):
            return None
        if not isinstance(event, h11.Data):
            raise _broken()
        return bytes(event.data)

    async def _event(self) -> object:
        got = b"-"
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                got = await self._reader.read(_PIECE_BYTES)
                self._http.receive_data(got)
        except h11.RemoteProtocolError as error:
            raise UpstreamFailed("the provider's answer is no HTTP") if got else _broken() from error
        except OSError as error:
            raise _broken() from error
        return event


class Errands:
    """
    Makes connections for requests of our own.

    Args:
        upstream_ca: A PEM file of roots trusted beside the machine's.
    """

    def __init__(self, destinations: Destinations, *, upstream_ca: Path | None) -> None:
        self._destinations = destinations
        self._upstream_ca = upstream_ca
        self._context: ssl.SSLContext | None = None

    @asynccontextmanager
    async def sent(self, seal: Seal, terms: Failover) -> AsyncIterator[Errand]:
        """
        Connect and send what was sealed, and nothing else: the answer. The connection ends with the block.

        Raises:
            CertificateError: There are no roots to verify the server against.
            Refused: The destination is not allowed.
            UpstreamFailed: It cannot be reached, or is not who it should be; nothing was sent.
            UpstreamTimeout: Not connected within `connect_seconds`, TLS included.
        """
        reader, writer = await self._connected(seal, terms.connect_seconds)
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_ANSWER_HEAD_BYTES)
        sending = asyncio.create_task(_send(writer, http, seal))
        try:
            yield Errand(reader, http, terms)
        finally:
            sending.cancel()
            writer.transport.abort()

    async def _connected(self, seal: Seal, seconds: float) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if seal.scheme == b"https" and self._context is None:
            self._context = await asyncio.to_thread(_verifying, self._upstream_ca)  # reads some hundred certificates
        reader = asyncio.StreamReader(limit=_PIECE_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        async with _within(seconds, "no connection within", kind="connect_timeout"):
            try:
                transport = await self._destinations.connect(seal.host, seal.port, lambda: protocol)
            except OSError as error:
                raise UpstreamFailed(f"{seal.host}:{seal.port} cannot be reached", kind="connect_failed") from error
            writer = asyncio.StreamWriter(transport, protocol, reader, asyncio.get_running_loop())
            try:
                if seal.scheme == b"https" and self._context is not None:
                    await writer.start_tls(self._context, server_hostname=seal.host)
            except BaseException as error:  # cancelled by the timeout, too: the connection must not stay
                transport.abort()
                if not isinstance(error, OSError):
                    raise
                text = "the provider's certificate or TLS could not be verified, so nothing was sent"
                raise UpstreamFailed(text, kind="upstream_tls") from error
        return reader, writer


async def _send(writer: asyncio.StreamWriter, http: h11.Connection, seal: Seal) -> None:
    """
    Beside reading: a provider may answer before it has read all.
    """
    head = http.send(h11.Request(method=seal.method, target=seal.path, headers=list(seal.headers)))
    body = http.send(h11.Data(data=seal.body or b"")) or b""
    http.send(h11.EndOfMessage())
    writer.write(head or b"")
    with contextlib.suppress(OSError):  # who reads hears of it
        for at in range(0, len(body), _PIECE_BYTES):
            writer.write(body[at : at + _PIECE_BYTES])
            await writer.drain()


@asynccontextmanager
async def _within(seconds: float, what: str, *, kind: str = "upstream_timeout") -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise UpstreamTimeout(f"{what} {seconds:g} s", kind=kind) from error


def _broken() -> UpstreamFailed:
    return UpstreamFailed("the provider closed the connection before its answer was complete", kind="upstream_closed")


def _verifying(upstream_ca: Path | None) -> ssl.SSLContext:
    """
    Raises:
        CertificateError: The machine's roots cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(["http/1.1"])
    roots = [*system_roots(), *(certificates_in(upstream_ca) if upstream_ca is not None else ())]
    context.load_verify_locations(cadata=b"".join(roots))
    return context
