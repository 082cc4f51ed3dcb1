"""
Attempts at one call, as the gateway sees them: each is a leg, with a flow and an exchange of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog
from mitmproxy.connection import Server
from mitmproxy.http import Headers, HTTPFlow

from excise.errors import ExciseError
from excise.exchange import Exchange, Status
from excise.pipeline import Pipeline
from excise.policy.terms import Failover
from excise.proxy.attempts import Turn
from excise.proxy.faults import log_fault
from excise.proxy.flows import Flows
from excise.proxy.readings import failure_of
from excise.proxy.settle import Settler
from excise.routing.failure import Failure
from excise.stages.watch import verdict

log = structlog.get_logger("excise.legs")


class Legs:
    """
    What the streams of one worker ask between attempts.

    Args:
        let_out: Makes a flow's request what leaves, and seals it.
    """

    def __init__(self, flows: Flows, pipeline: Pipeline, settler: Settler, *, let_out: Callable[[HTTPFlow, Exchange], None]) -> None:
        self._flows = flows
        self._pipeline = pipeline
        self._settler = settler
        self._let_out = let_out

    def failover(self, flow: HTTPFlow) -> Failover | None:
        """
        What to do when this call fails; `None`: it is one that goes where the client sent it.
        """
        exchange = self._flows.exchanges.get(flow)
        return exchange.course.plan.failover if exchange is not None and exchange.course is not None else None

    def judged(self, flow: HTTPFlow, ended: bool) -> Failure | bool:
        """
        What an answer is that has come so far: true, it may go to the client; false, it cannot be told yet; or why it is none.
        """
        exchange = self._flows.exchanges.get(flow)
        try:
            return True if exchange is None else verdict(exchange, ended)
        except Exception as fault:  # noqa: BLE001 - asked in the middle of a layer, where it would cost the client the connection
            log_fault("judged", exchange.id if exchange is not None else None, fault)
            return True  # it has passed the stages: what cannot be judged is the answer

    def broke(self, flow: HTTPFlow, message: str, sent: bool) -> tuple[Failure, str]:
        """
        What it means that an attempt ended without a whole answer; and the same as a kind, a colon and a text.
        """
        failure = failure_of(self._flows.reasons.pop(flow, message))
        kind, text = (failure.kind, failure.message) if failure is not None else ("upstream_closed", "the provider closed the connection")
        return Failure(kind, "head" if sent else "connect"), f"{kind}: {text}"

    def step(self, flow: HTTPFlow, failure: Failure) -> float | None:
        """
        Seconds to wait before the next attempt; `None`: there is none.
        """
        exchange = self._flows.exchanges.get(flow)
        if exchange is None or exchange.course is None or exchange.status is not None:
            return None
        attempt = exchange.attempt
        assert attempt is not None
        attempt.error_type = failure.kind
        self._pipeline.failed(exchange, failure)
        key = exchange.route.credential_at if exchange.route is not None else 0
        step = exchange.course.after(failure, time.monotonic(), key=key)
        if step.kind == "stop":
            exchange.gave_up = len(exchange.attempts) > 1
            return None
        exchange.next_why, exchange.next_wait = step.why, step.wait_seconds
        return step.wait_seconds

    def head_left(self, flow: HTTPFlow) -> None:
        """
        The client has the head of an answer: whatever comes now, it is the rest of one.
        """
        exchange = self._flows.exchanges.get(flow)
        if exchange is not None:
            exchange.head_left = True

    def may_hedge(self, flow: HTTPFlow) -> bool:
        """
        Whether somebody else may be asked while this one is still thought about.
        """
        exchange = self._flows.exchanges.get(flow)
        return exchange is not None and exchange.course is not None and exchange.course.spare

    async def next_attempt(self, turn: Turn) -> None:
        """
        End the leg that failed, and make the request of the next where there is one. What cannot be made is no failure of the call: what
        the last attempt said is its answer then.
        """
        exchange = self._flows.exchanges.get(turn.flow)
        if exchange is None or exchange.course is None or exchange.status is not None:
            return
        if turn.survivor is not None:
            self._take_over(turn.survivor)
            await self._end(turn.flow, exchange, turn.failure, None)
            return
        began = time.perf_counter()
        made = False
        leg = exchange.leg()
        hedging = turn.failure is None
        if hedging:
            leg.course = exchange.course.aside()
            leg.next_why = "asked beside a slow one"
        else:
            leg.next_why, leg.next_wait = exchange.next_why, exchange.next_wait
        try:
            flow = self._request(turn.flow, leg)
            await self._pipeline.again(leg)
            assert leg.course is not None
            await asyncio.sleep(min(leg.course.wait(time.monotonic()), leg.course.plan.failover.max_wait_seconds))
            self._let_out(flow, leg)
            self._flows.exchanges[flow] = leg
            made = True
        except ExciseError as refusal:
            log.info("no_next_attempt", call_id=exchange.id, kind=refusal.kind)
            exchange.gave_up = len(exchange.attempts) > 1
            return
        except Exception as fault:  # noqa: BLE001 - as the gateway's: nothing leaves, and the call ends with what there is
            log_fault("next_attempt", exchange.id, fault)
            return
        finally:
            leg.proxy_seconds += time.perf_counter() - began
            if not made:  # nothing has left: it is no attempt, and a probe it may hold is for others
                if leg.attempt is not None:
                    leg.attempts.remove(leg.attempt)
                leg.attempt, leg.status = None, Status.REFUSED
                await self._settler.retire(leg)
        if not hedging:
            self._take_over(flow)
            await self._end(turn.flow, exchange, turn.failure, leg)
        turn.next = flow

    def _request(self, flow: HTTPFlow, leg: Exchange) -> HTTPFlow:
        """
        The client's request once more, as it came.
        """
        made = HTTPFlow(flow.client_conn, Server(address=None), live=True)
        made.request = request = flow.request.copy()
        request.headers = Headers(leg.http.headers)
        request.data.content, request.path, request.method = leg.http.body, leg.http.path, leg.http.method
        return made

    async def _end(self, flow: HTTPFlow, exchange: Exchange, failure: Failure | None, follower: Exchange | None) -> None:
        attempt = exchange.attempt
        assert attempt is not None
        attempt.outcome = "hedged" if failure is None else "failed"
        attempt.error_type = attempt.error_type or (failure.kind if failure is not None else None)
        exchange.error_type = failure.kind if failure is not None else "hedged"
        exchange.status = Status.FAILED if failure is None or failure.phase in ("connect", "head") else Status.ERROR
        flows = self._flows
        flows.exchanges.pop(flow, None)
        flows.live.get(flow.client_conn.id, set()).discard(flow)
        flows.reasons.pop(flow, None)
        flows.seals.drop(flow)
        await self._settler.retire(exchange)
        if follower is not None:
            await self._settler.followed(follower)

    def _take_over(self, flow: HTTPFlow) -> None:
        """
        Of the legs of a call this is now the one whose end is the call's.
        """
        self._flows.live.setdefault(flow.client_conn.id, set()).add(flow)
