"""
The end of a call: exactly once, whoever noticed it first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from mitmproxy.http import HTTPFlow

from excise.errors import Refused
from excise.exchange import ClientInfo, Exchange, Status
from excise.ids import uuid7
from excise.pipeline import Pipeline
from excise.proxy.answer_tap import AnswerTap
from excise.proxy.faults import log_fault
from excise.wire.answer import AnswerDecoder
from excise.wire.dialects.registry import dialect_of
from excise.wire.frame import Framing

Row = Callable[[str, dict[str, Any]], None]


class Settler:
    """
    Ends exchanges and writes the rows of what was passed on unread.

    Args:
        pipeline: For `finish`.
        write: Appends a journal line that must not be lost; never raises.
        tunnels_allowed: Whether policy lets pass what is no LLM call.
    """

    def __init__(self, pipeline: Pipeline, *, write: Row, tunnels_allowed: Callable[[], bool]) -> None:
        self._pipeline = pipeline
        self._write = write
        self._tunnels_allowed = tunnels_allowed
        self._answers: dict[int, tuple[AnswerTap, AnswerDecoder]] = {}  # by identity: attempts at one call share its id
        self._foreign: WeakKeyDictionary[HTTPFlow, dict[str, Any]] = WeakKeyDictionary()
        self._finishing: set[asyncio.Task[None]] = set()

    def watch(self, exchange: Exchange, tap: AnswerTap, decoder: AnswerDecoder) -> None:
        """
        An answer has begun.
        """
        self._answers[id(exchange)] = (tap, decoder)

    def framing(self, exchange: Exchange) -> Framing | None:
        """
        How the client's answer under way is framed; `None` where none is.
        """
        if exchange.translation is not None and (exchange.translation.answered or exchange.head_left):
            return exchange.translation.framing
        answer = self._answers.get(id(exchange))
        if answer is not None and answer[1].framing is not None:
            return answer[1].framing
        call = exchange.call
        dialect = dialect_of(call.provider, call.dialect) if call is not None and exchange.head_left else None
        return dialect.framing if dialect is not None else None

    def settle(self, exchange: Exchange, status: Status, *, whole: bool) -> None:
        """
        End the call; the second and later times nothing happens.
        """
        if exchange.status is not None:
            return
        exchange.status = status
        exchange.answer_whole = whole
        self._close(exchange)
        if exchange.http_status is None:
            exchange.http_status = exchange.answer_status
        # Stages finish without waiting in the ordinary case; then this is done before the next line.
        task = asyncio.Task(self._finish(exchange), loop=asyncio.get_running_loop(), eager_start=True)
        if not task.done():
            self._finishing.add(task)
            task.add_done_callback(self._finishing.discard)

    def _close(self, exchange: Exchange) -> None:
        answer = self._answers.pop(id(exchange), None)
        if answer is not None:
            answer[0].close()
        exchange.ended = time.monotonic()
        exchange.ended_at_us = exchange.started_at_us + int((exchange.ended - exchange.started) * 1e6)
        if exchange.attempt is not None:
            exchange.attempt.ended = exchange.ended

    async def retire(self, exchange: Exchange) -> None:
        """
        An attempt is over, and another has taken over: it gets its figures, and the call goes on.
        """
        self._close(exchange)
        for fault in await self._pipeline.retired(exchange):
            log_fault("retired", exchange.id, fault)
        exchange.forget()

    async def followed(self, exchange: Exchange) -> None:
        """
        An attempt follows one that is over.
        """
        for fault in await self._pipeline.followed(exchange):
            log_fault("followed", exchange.id, fault)

    async def _finish(self, exchange: Exchange) -> None:
        for fault in await self._pipeline.finish(exchange):
            log_fault("finish", exchange.id, fault)
        # Flows end up in reference cycles; bodies must not wait for the collector.
        exchange.forget()

    async def settled(self) -> None:
        """
        Wait for endings that are still being written.
        """
        if self._finishing:
            await asyncio.wait(set(self._finishing))

    # -- what is passed on unread: HTTP that is no LLM call, and blind tunnels ---------------------------------------

    def admit_foreign(self, exchange: Exchange) -> None:
        """
        Raises:
            Refused: Policy lets nothing out but LLM calls.
        """
        if not self._tunnels_allowed():
            raise Refused(f"policy allows only LLM providers, and {exchange.http.host} is none", kind="tunnel_refused")

    def foreign_started(self, flow: HTTPFlow, exchange: Exchange, reason: str) -> None:
        http = exchange.http
        row = self._foreign[flow] = tunnel_row(exchange.client, http.host, http.port, None, reason, exchange.started_at_us)
        self.tunnel_opened(row)

    def foreign_ended(self, flow: HTTPFlow, *, sent: int, received: int, status: str) -> None:
        row = self._foreign.pop(flow, None)
        if row is not None:
            self.tunnel(row, sent=sent, received=received, status=status)

    def tunnel_opened(self, row: dict[str, Any]) -> None:
        """
        Write the row of a bypass at its start: it is a row also if we die before its end.
        """
        self._write("tunnel", row | {"status": "open"})

    def tunnel(self, row: dict[str, Any], *, sent: int, received: int, status: str) -> None:
        """
        Write the row of a bypass: host and bytes, nothing else is known.
        """
        self._write("tunnel", row | {"ended_at": time.time_ns() // 1000, "bytes_up": sent, "bytes_down": received, "status": status})


def tunnel_row(client: ClientInfo, host: str, port: int, sni: str | None, reason: str, started_at_us: int | None = None) -> dict[str, Any]:
    """
    The start of a tunnel's row. Keys are columns of the ledger's `tunnels`.
    """
    return {
        "id": uuid7(),
        "started_at": started_at_us or time.time_ns() // 1000,
        "host": host,
        "port": port,
        "sni": sni,
        "client_ip": client.ip,
        "principal_id": client.proxy_user,
        "reason": reason,
    }
