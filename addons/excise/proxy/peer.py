"""
The upstream end of a connection, as asyncio sees it.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from mitmproxy.connection import Connection
from mitmproxy.proxy import events

if TYPE_CHECKING:
    from excise.proxy.driver import Driver

HIGH_WATER_BYTES = 256 * 1024  # beyond this a peer that does not read stops the others from being read


class Peer(asyncio.Protocol):
    """
    The upstream end of one connection.
    """

    __slots__ = ("_driver", "connection")

    def __init__(self, driver: Driver, connection: Connection) -> None:
        self._driver = driver
        self.connection = connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)

    def data_received(self, data: bytes) -> None:
        self._driver.touched[self.connection] = time.monotonic()
        self._driver.feed(events.DataReceived(self.connection, data))

    def eof_received(self) -> bool:
        return self._driver.half_closed(self.connection)

    def connection_lost(self, exc: Exception | None) -> None:
        self._driver.lost(self.connection)

    def pause_writing(self) -> None:
        self._driver.pause(self.connection)

    def resume_writing(self) -> None:
        self._driver.resume(self.connection)
