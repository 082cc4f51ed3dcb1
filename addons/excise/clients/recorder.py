"""
A throw-away proxy in this process that writes down who came, whether they trusted it, and answers without sending anything.

It is asked instead of the running proxy because it sees what that one cannot tell: a client that came but refused the
certificate, and a client that never came. Its CA is made as the real one is, name constraints included, so a runtime that
accepts the one accepts the other.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization

from excise.clients.environment import Trust
from excise.trust.authority import Authority
from excise.trust.bundle import write_bundle
from excise.trust.leaf import Leaf, LeafIssuer

_HEAD_LIMIT = 64 * 1024  # bytes; more headers than any SDK sends
_BODY_LIMIT = 32 * 1024 * 1024  # bytes read and dropped, so that the client gets to reading the answer
_PATIENCE_SECONDS = 30.0
_LAST_WORDS_SECONDS = 0.5
_TEXT: Final = b'{"error":{"message":"excise: a rehearsal of `excise doctor`; nothing was sent","type":"excise_doctor","code":"rehearsal"}}'
# 403: no SDK tries again.
_ANSWER: Final = b"HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (
    len(_TEXT),
    _TEXT,
)


@dataclass(slots=True)
class Visit:
    """
    One connection. `requests` are method and path without the query, which may hold a key.
    """

    host: str
    port: int
    intercepted: bool
    trusted: bool = False  # a whole request came through our TLS: the certificate was accepted
    fault: str | None = None  # why not, in OpenSSL's words
    requests: list[str] = field(default_factory=list)


class Recorder:
    """
    Async context: listens on a free port of the loopback.

    Args:
        domains: DNS subtrees the CA may sign for.
        answers_for: Which hosts to answer for, all of them within `domains`; connections to others are passed through untouched.
    """

    def __init__(self, domains: Sequence[str], answers_for: Callable[[str], bool]) -> None:
        self._domains = domains
        self._answers_for = answers_for
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.visits: list[Visit] = []

    async def __aenter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="excise-doctor-")
        home = Path(self._folder.name)
        self._issuer = LeafIssuer(Authority.create(home / "ca", permitted_domains=self._domains))
        bundle = write_bundle(home / "trust", root=home / "ca" / "excise-ca.pem")
        self.trust = Trust(bundle.root, bundle.pem, bundle.truststore)
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_HEAD_LIMIT)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._folder.cleanup()

    async def settle(self) -> None:
        """
        Read what clients that have ended said last. Those that have not are not waited for.
        """
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LAST_WORDS_SECONDS)

    def visits_to(self, host: str) -> list[Visit]:
        return [visit for visit in self.visits if visit.host == host]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            async with asyncio.timeout(None) as patience:
                patience.reschedule(asyncio.get_running_loop().time() + _PATIENCE_SECONDS)
                await self._serve(reader, writer, patience)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # the client broke off or speaks no HTTP; what it did until then is in `visits`
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience: asyncio.Timeout) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        if method != "CONNECT":
            parts = urlsplit(target)
            visit = Visit(parts.hostname or "", parts.port or 80, intercepted=True, trusted=True)
            self.visits.append(visit)
            await self._answer(visit, head, reader, writer)
            return
        host, _, port = target.rpartition(":")
        host = host.strip("[]").lower()
        visit = Visit(host, int(port), self._answers_for(host))
        self.visits.append(visit)
        if not visit.intercepted:
            patience.reschedule(None)
            await _pass_through(visit, reader, writer)
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        visit.fault = "connection closed during the handshake"
        try:
            await writer.start_tls(self._context(host))
        except ssl.SSLError as error:
            visit.fault = error.reason or visit.fault
            return
        visit.fault = "connection closed after the handshake"  # how Node refuses a certificate
        head = await reader.readuntil(b"\r\n\r\n")
        visit.trusted, visit.fault = True, None
        await self._answer(visit, head, reader, writer)

    async def _answer(self, visit: Visit, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        visit.requests.append(f"{method} {urlsplit(target).path or '/'}")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        left = min(int(headers.get("content-length", "0")), _BODY_LIMIT)
        while left > 0 and (chunk := await reader.read(min(left, 65536))):
            left -= len(chunk)
        writer.write(_ANSWER)
        await writer.drain()
        if headers.get("transfer-encoding"):
            # Not closed under a client that is still writing: it would report a broken pipe instead of the answer.
            while (await reader.readline()).strip() not in (b"0", b""):
                pass

    def _context(self, host: str) -> ssl.SSLContext:
        if (known := self._contexts.get(host)) is not None:
            return known
        path = Path(self._folder.name) / f"leaf-{len(self._contexts)}.pem"
        path.write_bytes(_pem(self._issuer.leaf(host)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        context.set_alpn_protocols(["http/1.1"])
        self._contexts[host] = context
        return context


def _pem(leaf: Leaf) -> bytes:
    certificates = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (leaf.certificate, *leaf.chain))
    # The key lives as long as the folder, which only we can read, and signs for nobody a client trusts afterwards.
    return certificates + leaf.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


async def _pass_through(visit: Visit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        far_reader, far_writer = await asyncio.open_connection(visit.host, visit.port)
    except OSError as error:
        visit.fault = error.strerror or "cannot be reached"
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        return
    try:
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
    finally:
        far_writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while chunk := await source.read(65536):
        target.write(chunk)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()
