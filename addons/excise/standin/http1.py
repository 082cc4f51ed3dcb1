"""
One HTTP/1.1 connection of the stand-in.

Requests are read strictly (h11). Answers are written by hand: a stand-in must be able to send what no library would, a wrong length, half
an answer, a reset.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import h11

from excise.standin.call import Reply, Request
from excise.standin.script import Script

MAX_BODY = 64 * 1024 * 1024
RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close sends RST


class ClientLeft(Exception):
    """
    The other end closed or reset the connection.
    """


class Connection:
    """
    Reads requests and writes answers on one asyncio stream pair. `bytes_in` counts what came in, decrypted.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=256 * 1024)
        self._reading: asyncio.Task[bytes] | None = None
        self.bytes_in = 0

    async def request(self) -> tuple[Request, bool] | None:
        """
        The next request and whether it came whole; `None` at a clean end.

        Raises:
            h11.RemoteProtocolError: What came is not HTTP/1.1.
        """
        head: h11.Request | None = None
        body = bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue:
                    self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                data = await self._read()
                self.bytes_in += len(data)
                if not data and head is not None:
                    return _request(head, bytes(body)), False
                self._http.receive_data(data)
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > MAX_BODY:
                    raise h11.RemoteProtocolError("body too large", 413)
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                left, _ = self._http.trailing_data
                self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=256 * 1024)
                if left:
                    self._http.receive_data(left)
                return _request(head, bytes(body)), True
            else:  # ConnectionClosed
                return None

    async def answer(self, reply: Reply, script: Script, sent: Callable[[int], None], *, close: bool) -> None:
        """
        Write one answer under a script. `sent` hears how many pieces have gone out.

        Raises:
            ClientLeft: The client went away, or the script cut the connection.
        """
        if script.silent_after == 0:
            await self._until_gone()
        if script.delay_ms:
            await self._unless_gone(asyncio.sleep(script.delay_ms / 1000))
        if script.raw is not None:
            await self._raw(script.raw, script)
        await self._write(self._head(reply, script, close))
        for at, piece in enumerate(reply.pieces):
            await self._mishap(script, at)
            if script.fail_after == at:
                await self._write(_chunk(reply.broken) if reply.streamed else reply.broken)
                break
            if at and script.pause_ms:
                await self._unless_gone(asyncio.sleep(script.pause_ms / 1000))
            if at and script.gate:
                await self._unless_gone(script.gate.passage())
            await self._write(_chunk(piece) if reply.streamed else piece)
            sent(at + 1)
        await self._mishap(script, len(reply.pieces))
        if reply.streamed:
            await self._write(b"0\r\n\r\n")
        if script.length_error > 0:
            self._writer.close()
            raise ClientLeft

    async def close(self, *, at_once: bool = False) -> None:
        """
        Close and wait; a peer that is gone already is fine. `at_once`: without waiting for the peer to take its leave of TLS.
        """
        if self._reading is not None:
            self._reading.cancel()
        if at_once:
            self._writer.transport.abort()
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except (OSError, asyncio.CancelledError):
            return

    def _head(self, reply: Reply, script: Script, close: bool) -> bytes:
        try:
            phrase = HTTPStatus(reply.status).phrase
        except ValueError:  # 529 and its like have no phrase
            phrase = "Error"
        lines = [f"HTTP/1.1 {reply.status} {phrase}", *(f"{name}: {value}" for name, value in reply.headers)]
        if reply.streamed:
            lines.append("transfer-encoding: chunked")
        elif reply.status not in (204, 304):
            lines.append(f"content-length: {sum(map(len, reply.pieces)) + script.length_error}")
        if close:
            lines.append("connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    async def _mishap(self, script: Script, at: int) -> None:
        if script.silent_after == at:
            await self._until_gone()
        if script.cut_after == at:
            self._writer.close()
            raise ClientLeft
        if script.reset_after == at:
            self._reset()
            raise ClientLeft

    async def _raw(self, data: bytes, script: Script) -> None:
        size = script.piece_bytes or len(data)
        for at in range(0, len(data), size or 1):
            if at and script.pause_ms:
                await self._unless_gone(asyncio.sleep(script.pause_ms / 1000))
            await self._write(data[at : at + size])
        if script.raw_end == "silent":
            await self._until_gone()
        if script.raw_end == "reset":
            self._reset()
        else:
            self._writer.close()
        raise ClientLeft

    def _reset(self) -> None:
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._writer.transport.abort()

    async def _read(self) -> bytes:
        # A read begun while an answer went out (to notice a client leaving) may be waiting with the next request's bytes.
        task = self._watch()
        self._reading = None
        try:
            return await task
        except OSError:
            return b""

    def _watch(self) -> asyncio.Task[bytes]:
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._reader.read(65536))
        return self._reading

    def _gone(self) -> bool:
        task = self._reading
        return task is not None and task.done() and (task.exception() is not None or not task.result())

    async def _until_gone(self) -> None:
        await asyncio.wait([self._watch()])
        if not self._gone():  # bytes of a further request: not ours to answer in silence
            await self._writer.wait_closed()
        raise ClientLeft

    async def _unless_gone(self, wanted: Awaitable[None]) -> None:
        task = asyncio.ensure_future(wanted)
        await asyncio.wait([task, self._watch()], return_when=asyncio.FIRST_COMPLETED)
        if self._gone():
            task.cancel()
            raise ClientLeft
        await task

    async def _write(self, data: bytes) -> None:
        self._watch()
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise ClientLeft from error
        if self._gone() or self._writer.is_closing():
            raise ClientLeft


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""


def _request(head: h11.Request, body: bytes) -> Request:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers.raw_items())
    host = next((value for name, value in headers if name.lower() == "host"), "")
    return Request(head.method.decode(), host.rpartition(":")[0] or host, head.target.decode("latin-1"), headers, body)
