"""
Copies of calls for a target that is to be tried: sent beside the call, read, metered, and thrown away.

A copy is a call of its own. It passes the same stages as an attempt, so what policy denies its target is not sent there, and what must not
leave is taken out; it has an id and a row of its own, with `shadow_of`. A copy that is refused on the way has a row that says so. Nobody
waits for it: whatever becomes of it, the call it is a copy of goes its way.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import replace

import structlog
from mitmproxy import http

from excise.errors import ExciseError, UpstreamTimeout
from excise.exchange import Exchange, HttpRequest, Status
from excise.ids import uuid7
from excise.pipeline import Pipeline
from excise.policy.deployment import TargetRef
from excise.proxy.answer_tap import AnswerTap, TapEnds
from excise.proxy.errand import Errand, Errands
from excise.proxy.faults import log_fault
from excise.proxy.headers import prepare
from excise.proxy.seal import Seal
from excise.proxy.settle import Settler
from excise.routing.course import Course
from excise.routing.failure import Failure
from excise.routing.plan import Candidate, Plan
from excise.wire.answer import AnswerDecoder

log = structlog.get_logger("excise.shadow")

MOST = 16  # at a time, of one worker: each holds a request in memory, and a provider that hangs must not collect them
MOST_ANSWER_BYTES = 32 * 1024 * 1024
HEAD_START_SECONDS = 0.05  # of the call itself: it is on its way before the loop turns to its copy
TOLD_SECONDS = 10.0  # between two lines on copies that were skipped

# A connection is used once. The provider may be the client's own: there an equal key would make the copy the call itself, or a conflict.
_NOT_COPIED = frozenset({b"connection", b"idempotency-key"})


class Shadows:
    """
    The copies of one worker.

    Args:
        errands: Sends them.
        private_headers: Headers that tell us who calls; they do not travel on.
        most: At a time; more are skipped, which a line in the log counts.

    Attributes:
        skipped: Copies never made.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        settler: Settler,
        errands: Errands,
        *,
        private_headers: Callable[[], frozenset[bytes]] = frozenset,
        most: int = MOST,
    ) -> None:
        self._pipeline = pipeline
        self._settler = settler
        self._errands = errands
        self._private_headers = private_headers
        self._most = most
        self._under_way: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Semaphore(1)  # to be made: the threads that redact and translate are the clients'
        self._closed = False
        self.skipped = 0
        self._told = 0  # of those skipped
        self._told_at = 0.0

    def begin(self, exchange: Exchange) -> None:
        """
        Make a copy where the plan of a call wants one. The call itself has been let out.
        """
        course = exchange.course
        if course is None or course.plan.shadow is None or exchange.shadow_of is not None or self._closed:
            return
        if len(self._under_way) >= self._most:
            self.skipped += 1
            self._tell(time.monotonic())
            return
        # Now, for a call that ends forgets what it was.
        leg = copy_of(exchange, course.plan, course.plan.shadow)
        # Eager: a task that is cancelled before it has begun would leave no row.
        task = asyncio.Task(self._run(leg), loop=asyncio.get_running_loop(), eager_start=True)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def close(self) -> None:
        """
        Cancel what is under way; each gets its row.
        """
        self._closed = True
        self._tell(float("inf"))
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(set(self._under_way))

    def _tell(self, now: float) -> None:
        if self.skipped > self._told and now - self._told_at >= TOLD_SECONDS:
            log.warning("shadow copies skipped", copies=self.skipped - self._told, at_once=self._most)
            self._told, self._told_at = self.skipped, now

    async def _run(self, leg: Exchange) -> None:
        assert leg.course is not None
        try:
            await asyncio.sleep(HEAD_START_SECONDS)
            total = leg.course.plan.failover.total_seconds
            try:
                async with asyncio.timeout(total):
                    await self._made(leg)
            except TimeoutError:
                self._failed(leg, UpstreamTimeout(f"the call took longer than {total:g} s"), sent=True)
        except asyncio.CancelledError:
            leg.error_type = "shutdown"
            self._settler.settle(leg, Status.CANCELLED, whole=False)
            raise
        except Exception as fault:  # noqa: BLE001 - as the gateway's: one copy's bug, and its row
            log_fault("shadow", leg.id, fault)
            leg.error_type = "internal"
            self._settler.settle(leg, Status.REFUSED if leg.attempt is None else Status.FAILED, whole=False)

    async def _made(self, leg: Exchange) -> None:
        """
        Have the copy made by the stages, and send it.
        """
        try:
            async with self._turn:
                seal = await self._sealed(leg)
        except ExciseError as refusal:
            leg.error_type = refusal.kind
            self._settler.settle(leg, Status.REFUSED, whole=False)
            return
        assert leg.course is not None
        sent = False
        try:
            async with self._errands.sent(seal, leg.course.plan.failover) as errand:
                sent = True
                await self._heard(leg, errand)
        except ExciseError as failure:
            self._failed(leg, failure, sent=sent)

    async def _sealed(self, leg: Exchange) -> Seal:
        """
        What leaves, and nothing else does.

        Raises:
            ExciseError: From the stage that refused.
        """
        leg.started_at_us, leg.started = time.time_ns() // 1000, time.monotonic()
        began = time.perf_counter()
        try:
            await self._pipeline.again(leg)
            request = _request(leg.http)
            prepare(request, leg, self._private_headers())
        finally:
            leg.proxy_seconds += time.perf_counter() - began
        data = request.data
        return Seal(data.scheme, data.host, data.port, data.method, data.path, data.headers.fields, data.content)

    async def _heard(self, leg: Exchange, errand: Errand) -> None:
        """
        Read the answer to its end, and let go of it.
        """
        assert leg.attempt is not None
        status, headers = await errand.head()
        leg.answer_status = leg.attempt.http_status = status
        leg.answer_headers = headers
        tap = self._tapped(leg)
        try:
            self._pipeline.answer(leg)
        except ExciseError as refusal:
            leg.error_type = refusal.kind  # it would be withheld; what the provider did is metered all the same
        while (piece := await errand.piece()) is not None:
            tap(piece)
            if leg.answer_bytes > MOST_ANSWER_BYTES:
                leg.error_type = "answer_too_large"
                self._settler.settle(leg, Status.CANCELLED, whole=False)
                return
        tap(b"")
        self._settler.settle(leg, Status.ERROR if status >= 400 or leg.error_type else Status.OK, whole=True)

    def _tapped(self, leg: Exchange) -> AnswerTap:
        call = leg.upstream
        named = {name.lower(): value.decode("latin-1") for name, value in leg.answer_headers}
        decoder = AnswerDecoder(
            content_type=named.get(b"content-type"),
            content_encoding=named.get(b"content-encoding"),
            dialect=call.dialect,
            operation=call.operation,
            limit=MOST_ANSWER_BYTES,
        )
        # Nothing of it leaves, so nothing is held back, changed or replaced.
        ends = TapEnds(_faulty, lambda refusal, begun: b"", lambda: None, lambda: None)
        tap = AnswerTap(leg, self._pipeline, decoder, ends, edits=False)
        self._settler.watch(leg, tap, decoder)
        return tap

    def _failed(self, leg: Exchange, failure: ExciseError, *, sent: bool) -> None:
        """
        End a copy that got no whole answer, and tell the stages how far it got.
        """
        leg.error_type = failure.kind
        if leg.attempt is not None:
            leg.attempt.error_type = failure.kind
            began = leg.answer_status is not None
            self._pipeline.failed(leg, Failure(failure.kind, "content" if began else "head" if sent else "connect"))
        self._settler.settle(leg, Status.FAILED, whole=False)


def copy_of(exchange: Exchange, plan: Plan, target: TargetRef) -> Exchange:
    """
    A leg with an id, a row and a course of its own, to one target, once.
    """
    leg = exchange.leg()
    now = time.monotonic()
    kept = tuple((name, value) for name, value in leg.http.headers if name.lower() not in _NOT_COPIED)
    once = replace(plan.failover, attempts=1, retries=0, hedge_seconds=None)
    candidate = Candidate(target, "a copy, to try it")
    own = Plan(rule=plan.rule, strategy="ordered", candidates=(candidate,), require=plan.require, failover=once)
    leg.id, leg.shadow_of = uuid7(), exchange.id
    leg.started_at_us, leg.started, leg.proxy_seconds = time.time_ns() // 1000, now, 0.0
    leg.http = replace(leg.http, headers=(*kept, (b"Connection", b"close")))
    leg.course = Course(own, started=now, dice=random.random)
    leg.attempts, leg.opened = [], False
    return leg


def _request(asked: HttpRequest) -> http.Request:
    """
    The client's request once more, as it came.
    """
    return http.Request(
        host=asked.host,
        port=asked.port,
        method=asked.method.encode(),
        scheme=asked.scheme.encode(),
        authority=b"",
        path=asked.path.encode("utf-8", "surrogateescape"),
        http_version=b"HTTP/1.1",
        headers=http.Headers(asked.headers),
        content=asked.body,
        trailers=None,
        timestamp_start=0.0,
        timestamp_end=None,
    )


def _faulty(leg: Exchange, fault: Exception) -> bytes:
    log_fault("shadow answer", leg.id, fault)
    return b""
