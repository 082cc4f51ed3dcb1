"""
A raw client: CONNECT, TLS, and exactly the bytes one wants to send. For what no HTTP library would do.
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
import struct
from dataclasses import dataclass
from typing import Any, Self

from e2e.ways import Way

RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close sends RST


@dataclass(frozen=True, slots=True)
class Answer:
    """
    One HTTP/1.1 answer. `complete`: its framing said it had ended; `body` is de-chunked, still coded.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    complete: bool

    def header(self, name: str) -> str | None:
        """
        First value of a header; `None` where absent.
        """
        return next((value for key, value in self.headers if key.lower() == name), None)


class Refused(Exception):
    """
    The proxy did not open the tunnel; the text is the head of what it said.
    """


class Tunnel:
    """
    A connection to `host` by a way, TLS inside unless told otherwise.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, way: Way, host: str, *, alpn: bool = True, tls: bool = True, user: str | None = None) -> Self:
        """
        Raises:
            Refused: The proxy answered CONNECT with anything but 2xx.
        """
        context = ssl.create_default_context(cafile=way.ca)
        if alpn:
            context.set_alpn_protocols(["http/1.1"])
        if way.proxy is None:
            return cls(*await asyncio.open_connection("127.0.0.1", way.standin.port, ssl=context, server_hostname=host))
        reader, writer = await asyncio.open_connection("127.0.0.1", way.proxy.port)
        allowed = f"Proxy-Authorization: Basic {base64.b64encode(user.encode()).decode()}\r\n" if user else ""
        writer.write(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n{allowed}\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.split(b" ", 2)[1].startswith(b"2"):
            writer.close()
            raise Refused(head.decode("latin-1"))
        if tls:
            try:
                await writer.start_tls(context, server_hostname=host, ssl_handshake_timeout=15)
            except BaseException:
                writer.transport.abort()
                raise
        return cls(reader, writer)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """
        Close properly.
        """
        self.writer.close()
        try:
            await asyncio.wait_for(self.writer.wait_closed(), 5)
        except (OSError, TimeoutError):
            return

    def abort(self, *, reset: bool = False) -> None:
        """
        Go away at once, with a FIN or an RST, without a word of TLS.
        """
        if reset:
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.writer.transport.abort()

    async def send(self, data: bytes) -> None:
        """
        Write and flush.
        """
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> Answer:
        """
        Read one answer to its end, or to where the connection broke.
        """
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = head.split("\r\n")
        headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:] if line))
        status = int(lines[0].split(" ", 2)[1])
        framing = {name.lower(): value for name, value in headers}
        if framing.get("transfer-encoding", "").lower() == "chunked":
            body, complete = await self._chunks()
        elif "content-length" in framing:
            body, complete = await self._exactly(int(framing["content-length"]))
        elif status in (101, 204, 304):
            body, complete = b"", True
        else:
            body, complete = await self.reader.read(), True
        return Answer(status, headers, body, complete)

    async def _exactly(self, size: int) -> tuple[bytes, bool]:
        try:
            return await self.reader.readexactly(size), True
        except asyncio.IncompleteReadError as error:
            return error.partial, False

    async def _chunks(self) -> tuple[bytes, bool]:
        body = b""
        try:
            while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
                body += await self.reader.readexactly(size)
                await self.reader.readexactly(2)
            await self.reader.readexactly(2)
        except (asyncio.IncompleteReadError, OSError):
            return body, False
        return body, True


def request(host: str, path: str, body: Any, headers: dict[str, str] | None = None, *, method: str = "POST") -> bytes:
    """
    One request as bytes; `body` is JSON unless it is bytes already.
    """
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"host": host, "content-type": "application/json", "content-length": str(len(data)), **(headers or {})}
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return head.encode() + b"\r\n" + data


async def fetch(way: Way, host: str, data: bytes) -> Answer:
    """
    One request on a connection of its own.
    """
    async with await Tunnel.open(way, host) as tunnel:
        await tunnel.send(data)
        return await tunnel.answer()
