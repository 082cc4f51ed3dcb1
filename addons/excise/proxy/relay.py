"""
A blind tunnel: bytes from one socket to the other, counted and not looked into.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from excise.proxy.settle import Settler

LINGER_SECONDS = 30.0  # for the last bytes of a tunnel that has ended


class Relay(asyncio.Protocol):
    """
    The upstream end of a tunnel, and both directions of it.

    Nothing is read from upstream before the client's first bytes have been let through: in TLS the client speaks first, and what came
    earlier would stand before our own answer to CONNECT, and look like it.

    Args:
        client: The client's transport.
        row: The tunnel's row, as far as it is known at its start.
    """

    __slots__ = (
        "_client",
        "_ended",
        "_full",
        "_halves",
        "_held",
        "_open",
        "_row",
        "_settler",
        "_touched",
        "_transport",
        "inspect",
        "received",
        "sent",
    )

    def __init__(self, client: asyncio.Transport, row: dict[str, Any], settler: Settler) -> None:
        self._client = client
        self._row = row
        self._settler = settler
        self._transport: asyncio.Transport | None = None
        self._held = b""
        self._ended = False
        self._open = False  # upstream may be read
        self._full = False  # the client does not take more for the moment
        self._halves = 0  # directions that have ended
        self._touched = time.monotonic()
        self.inspect: Callable[[bytes], bool | None] | None = None  # looks at the first bytes up; False closes the tunnel
        self.sent = 0
        self.received = 0

    # -- upstream's side ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        self._touched = time.monotonic()
        if not self._client.is_closing():
            self.received += len(data)
            self._client.write(data)

    def eof_received(self) -> bool:
        self._half()
        if self._halves < 2 and not self._client.is_closing() and self._client.can_write_eof():
            self._client.write_eof()
        return self._halves < 2

    def connection_lost(self, exc: Exception | None) -> None:
        self.end("ok" if exc is None else "reset")
        self._client.close()

    def pause_writing(self) -> None:
        if not self._client.is_closing():
            self._client.pause_reading()

    def resume_writing(self) -> None:
        self._touched = time.monotonic()
        if not self._client.is_closing():
            self._client.resume_reading()

    # -- the client's side -------------------------------------------------------------------------------------------

    def up(self, data: bytes) -> None:
        """
        Bytes from the client.
        """
        if self._ended or self._transport is None or self._transport.is_closing():
            return
        if self.inspect is not None:
            self._held += data
            verdict = self.inspect(self._held)
            if verdict is None:
                return
            self.inspect = None
            if not verdict:
                self._refuse()
                return
            data, self._held = self._held, b""
        self.sent += len(data)
        self._touched = time.monotonic()
        self._transport.write(data)
        self.resume()

    def resume(self) -> None:
        """
        Begin to read upstream; later calls do nothing.
        """
        if not self._open:
            self._open = True
            self._read_on()

    def up_ended(self) -> bool:
        """
        The client sent its last byte; true keeps its socket open for the answer.
        """
        if self.inspect is not None:
            self._refuse()  # nothing has gone up, and nothing will
            return False
        self.resume()
        self._half()
        if self._halves < 2 and self._transport is not None and not self._transport.is_closing() and self._transport.can_write_eof():
            self._transport.write_eof()
        return self._halves < 2

    def pause_down(self) -> None:
        self._full = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_down(self) -> None:
        self._full = False
        self._touched = time.monotonic()
        self._read_on()

    def _read_on(self) -> None:
        if self._open and not self._full and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # -- both --------------------------------------------------------------------------------------------------------

    def tick(self, now: float, idle_seconds: float) -> None:
        """
        End a tunnel in which nothing moves, also one that has ended and cannot get rid of its last bytes.
        """
        if now - self._touched > idle_seconds:
            self.end("idle")
            self._client.abort()

    def _half(self) -> None:
        self._halves += 1
        if self._halves == 2:
            self.end("ok")
            self._client.close()

    def _refuse(self) -> None:
        self.end("refused")
        self._client.abort()

    def end(self, status: str) -> None:
        """
        Close the upstream end and write the row, once. After `ok` upstream gets what is still on its way, if it takes it soon.
        """
        transport = self._transport
        if self._ended:
            if status != "ok" and transport is not None:
                transport.abort()
            return
        self._ended = True
        self._settler.tunnel(self._row, sent=self.sent, received=self.received, status=status)
        if transport is None:
            return
        if status != "ok":
            transport.abort()
            return
        transport.close()
        if transport.get_write_buffer_size():
            # A peer that stops reading would keep the socket for ever: nobody ticks a tunnel whose client has gone.
            asyncio.get_running_loop().call_later(LINGER_SECONDS, transport.abort)
