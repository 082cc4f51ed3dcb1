"""
A raw client: CONNECT, TLS, and exactly the bytes one wants to send. No HTTP library would send broken bodies or leave half-way.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import ssl
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from excise.wire.eventstream import EventStreamDecoder

HEAD_SECONDS: Final = 15.0
BODY_SECONDS: Final = 20.0
_SPOKEN = frozenset({"content", "text", "delta", "response", "arguments", "partial_json", "ship"})
_FRAME_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Door:
    """
    Where the proxy is, and what to trust behind it.
    """

    port: int
    context: ssl.SSLContext


@dataclass(frozen=True, slots=True)
class Call:
    """
    One request. `data` overrides what `path`, `headers` and `body` would make; `straight`: to the proxy itself, without CONNECT.
    """

    host: str
    path: str
    body: Any = field(repr=False)  # bytes, or what is written as JSON
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    method: str = "POST"
    straight: bool = False
    user: str | None = field(default=None, repr=False)  # credentials for the proxy

    def data(self) -> bytes:
        """
        The request as it is written to the wire.
        """
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        lines = {"host": self.host, "content-type": "application/json", "content-length": str(len(body)), **self.headers}
        head = f"{self.method} {self.path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return head.encode() + b"\r\n" + body


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What came back. `status` 0: nothing did. `body` is without chunks and content-encoding, as far as it came.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def call_id(self) -> str | None:
        """
        The proxy's name for the call; `None` where policy has `headers: off`, or no answer came.
        """
        return self.headers.get("x-excise-call-id")

    def heard(self) -> str:
        """
        What the model said, streamed or not, in whatever dialect: the texts of all frames, one behind the other.
        """
        kind = self.headers.get("content-type", "")
        return "".join(text for value in _values(kind, self.body) for text in _spoken(value))


async def fetch(door: Door, call: Call) -> Answer:
    """
    One call on a connection of its own. What breaks off gives what came until then.
    """
    with contextlib.suppress(OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
        async with opened(door, call) as (reader, writer):
            if isinstance(reader, Answer):
                return reader
            writer.write(call.data())
            with contextlib.suppress(OSError):  # refused while we still write
                await writer.drain()
            status, headers = await head(reader)
            body = bytearray()
            with contextlib.suppress(OSError, EOFError, TimeoutError, ValueError):
                async with asyncio.timeout(BODY_SECONDS):
                    async for piece in pieces(reader, headers):
                        body += piece
            return Answer(status, headers, _decoded(bytes(body), headers))
    return Answer(0)


@contextlib.asynccontextmanager
async def opened(door: Door, call: Call) -> AsyncIterator[tuple[Any, asyncio.StreamWriter]]:
    """
    A connection for a call: reader and writer. Where the proxy refuses the tunnel, its `Answer` stands in the reader's place.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    try:
        if call.straight:
            yield reader, writer
            return
        name = f"Proxy-Authorization: Basic {base64.b64encode(call.user.encode()).decode()}\r\n" if call.user else ""
        writer.write(f"CONNECT {call.host}:443 HTTP/1.1\r\nHost: {call.host}:443\r\n{name}\r\n".encode())
        status, headers = await head(reader)
        if status // 100 != 2:
            yield Answer(status, headers), writer
            return
        await writer.start_tls(door.context, server_hostname=call.host, ssl_handshake_timeout=HEAD_SECONDS)
        yield reader, writer
    finally:
        writer.transport.abort()


async def head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """
    Status and headers of an answer, names in lower case.

    Raises:
        EOFError, OSError, TimeoutError: There was none.
    """
    async with asyncio.timeout(HEAD_SECONDS):
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    return int(lines[0].split(" ", 2)[1]), headers


async def pieces(reader: asyncio.StreamReader, headers: dict[str, str]) -> AsyncIterator[bytes]:
    """
    The body as it comes, without chunk marks.
    """
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            yield (await reader.readexactly(size + 2))[:-2]
        return
    left = int(headers.get("content-length", "-1"))
    while left and (piece := await reader.read(65536 if left < 0 else min(left, 65536))):
        left -= len(piece) if left > 0 else 0
        yield piece


def _decoded(body: bytes, headers: dict[str, str]) -> bytes:
    if headers.get("content-encoding") != "gzip":
        return body
    with contextlib.suppress(zlib.error):
        return zlib.decompressobj(31).decompress(body)
    return body


def _values(kind: str, body: bytes) -> Iterator[Any]:
    if "eventstream" in kind:
        for frame in EventStreamDecoder(_FRAME_BYTES).feed(body):
            yield frame.json
        return
    lines = [line.removeprefix(b"data:").strip() for line in body.splitlines()] if "event-stream" in kind or "ndjson" in kind else [body]
    for line in lines:
        with contextlib.suppress(ValueError):
            yield json.loads(line)


def _spoken(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, str):
        if key == "arguments" and value.startswith("{"):
            with contextlib.suppress(ValueError):
                yield from _spoken(json.loads(value))
        if key in _SPOKEN:
            yield value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _spoken(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from _spoken(part, key)
