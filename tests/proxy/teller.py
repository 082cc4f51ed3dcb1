"""
The gateway of a transcript: what the HTTP layer asks of it, answered from a scene.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mitmproxy import http
from mitmproxy.connection import Server
from mitmproxy.flow import Error
from mitmproxy.proxy import commands
from mitmproxy.proxy.layers.http._hooks import HttpErrorHook, HttpRequestHook, HttpResponseHeadersHook, HttpResponseHook
from scene import OURS, PING, TAIL, Said, Scene

from excise.policy.terms import Failover
from excise.proxy.answer_tap import AnswerTap
from excise.proxy.attempts import NextAttemptHook, Turn
from excise.routing.failure import Failure


@dataclass(eq=False)
class Leg:
    """
    What the gateway knows of one attempt.
    """

    call: int
    number: int
    said: Said
    call_began: float
    taken: bytearray = field(default_factory=bytearray)  # of its answer, by the tap
    ends: list[str] = field(default_factory=list)
    followed: bool = False  # it goes on under another's head


class Tap(AnswerTap):
    """
    As the gateway's, with nothing behind it.
    """

    def __init__(self, leg: Leg, scene: Scene) -> None:
        self.leg, self.holds_head = leg, scene.holds
        self.pings = scene.pings and leg.said.stream and leg.said.status < 300
        self._late = bytearray()

    def __call__(self, chunk: bytes) -> list[bytes]:
        self.leg.taken += chunk
        self._late += chunk
        if chunk and self.holds_head and b"text" not in self.leg.taken:
            return []
        out, self._late = bytes(self._late), bytearray()
        return [out] if out else []

    def ping(self) -> bytes:
        return PING if self.pings else b""

    def follow(self) -> None:
        self.leg.followed = True


class Teller:
    """
    Stands for the gate and for `Legs`, and does what hooks do.

    Attributes:
        now: The time, in seconds.
        ends: Of calls: their number, and `response` or `error`.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.now = 1000.0
        self.legs: dict[http.HTTPFlow, Leg] = {}
        self.calls = 0  # those whose request is whole
        self.ends: list[tuple[int, str]] = []
        self._tails: set[http.HTTPFlow] = set()
        self._heads_left: set[int] = set()

    # -- Gate --------------------------------------------------------------------------------------------------------------------------

    def sealed(self, flow: http.HTTPFlow) -> bool:
        leg = self.legs.get(flow)
        return leg is not None and leg.number not in self.scene.unsealed

    def unsealed(self, flow: http.HTTPFlow) -> http.Response:
        return http.Response.make(500, OURS)

    def tail(self, flow: http.HTTPFlow) -> bytes:
        return TAIL if flow in self._tails else b""

    # -- Legs --------------------------------------------------------------------------------------------------------------------------

    def failover(self, flow: http.HTTPFlow) -> Failover | None:
        return self.scene.limits

    def judged(self, flow: http.HTTPFlow, ended: bool) -> Failure | bool:
        leg = self.legs[flow]
        others = any(not other.ends for other in self._of(leg) if other is not leg)
        if len(self._of(leg)) >= len(self.scene.tries) and not others:
            return True
        if leg.said.status >= 400:
            return Failure(f"http_{leg.said.status}", "answer", leg.said.status) if ended else False
        if leg.said.status >= 300:
            return Failure("upstream_redirect", "answer", leg.said.status)
        if b"bad" in leg.taken:
            return Failure("upstream_error", "answer")
        if b"text" in leg.taken and (leg.said.stream or ended):
            return True
        return Failure("answer_empty", "content") if ended else False

    def broke(self, flow: http.HTTPFlow, message: str, sent: bool) -> tuple[Failure, str]:
        return Failure("upstream_closed", "head" if sent else "connect"), message or "upstream_closed: the end"

    def step(self, flow: http.HTTPFlow, failure: Failure) -> float | None:
        leg = self.legs[flow]
        assert not leg.ends, "asked of an attempt that is over"
        over = self.now >= leg.call_began + self.scene.limits.total_seconds
        return self.scene.wait if len(self._of(leg)) < len(self.scene.tries) and not over else None

    def may_hedge(self, flow: http.HTTPFlow) -> bool:
        return len(self._of(self.legs[flow])) < len(self.scene.tries)

    def head_left(self, flow: http.HTTPFlow) -> None:
        self._heads_left.add(self.legs[flow].call)

    def _of(self, leg: Leg) -> list[Leg]:
        return [other for other in self.legs.values() if other.call == leg.call]

    # -- hooks -------------------------------------------------------------------------------------------------------------------------

    def run(self, hook: commands.StartHook) -> bool:
        self.done(hook)
        return True

    def done(self, hook: commands.StartHook) -> None:
        if isinstance(hook, NextAttemptHook):
            self._next(hook.turn)
            return
        flow: http.HTTPFlow = hook.args()[0]
        if isinstance(hook, HttpRequestHook):
            self.calls += 1
            self.legs[flow] = Leg(self.calls, 1, self.scene.tries[0], self.now)
            flow.request.headers["x-call"] = f"{self.calls}.1"
        elif isinstance(hook, HttpResponseHeadersHook) and flow.response is not None:
            flow.response.stream = Tap(self.legs[flow], self.scene)
        elif isinstance(hook, HttpResponseHook):
            self._ended(flow, "response")
        elif isinstance(hook, HttpErrorHook):
            self._ended(flow, "error")
            assert flow.error is not None
            if flow.error.msg in ("Client disconnected.", Error.KILLED_MESSAGE) or flow not in self.legs:
                return
            if self.legs[flow].call in self._heads_left:
                self._tails.add(flow)
            else:
                flow.response = http.Response.make(502, OURS)

    def _ended(self, flow: http.HTTPFlow, how: str) -> None:
        if (leg := self.legs.get(flow)) is not None:
            leg.ends.append(how)
            self.ends.append((leg.call, how))

    def _next(self, turn: Turn) -> None:
        leg = self.legs[turn.flow]
        if leg.ends:
            return
        if turn.survivor is not None:
            assert not self.legs[turn.survivor].ends, "what is over cannot take over"
            leg.ends.append("given up")
            return
        number = len(self._of(leg)) + 1
        if number > self.scene.given:
            return
        if turn.failure is not None:
            leg.ends.append("failed")
        flow = http.HTTPFlow(turn.flow.client_conn, Server(address=None), live=True)
        flow.request = turn.flow.request.copy()
        flow.request.host = "one.test" if self.scene.one_host else f"p{number}.test"
        flow.request.headers["x-call"] = f"{leg.call}.{number}"
        self.legs[flow] = Leg(leg.call, number, self.scene.tries[number - 1], leg.call_began)
        turn.next = flow
