"""
The words in which a stream and `Legs` speak of attempts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from mitmproxy import http
from mitmproxy.connection import Server
from mitmproxy.proxy import commands
from mitmproxy.proxy.layers.http import GetHttpConnection
from mitmproxy.proxy.layers.http._base import HttpCommand

from excise.policy.terms import Failover
from excise.routing.failure import Failure

_EARLY_SECONDS = 0.001  # a clock may ring early: timers are not exact to the microsecond
_LOOK_SECONDS = 1.0


@dataclass
class AskConnection(GetHttpConnection):
    """
    As mitmproxy's, but the stream goes on meanwhile: clocks run, and the client is heard when it leaves.

    Attributes:
        fresh: None that is there already will do.
    """

    blocking = False
    fresh: bool = False

    __hash__ = GetHttpConnection.__hash__  # a dataclass has none of its own


@dataclass
class AnswersTo(HttpCommand):
    """
    Events with the id `attempt_id` are the stream's `stream_id`.
    """

    stream_id: int
    attempt_id: int


@dataclass(eq=False)
class Turn:
    """
    A question to `Legs.next_attempt`.

    Attributes:
        flow: Of the attempt that failed, or is slow.
        failure: How it failed; `None`: it may still answer, and somebody else is asked beside it.
        survivor: Another attempt that is under way already, and now is the call: nobody else is to be asked.
        next: Set by who is asked: the request to send, sealed; `None`: there is none.
    """

    flow: http.HTTPFlow
    failure: Failure | None
    survivor: http.HTTPFlow | None = None
    next: http.HTTPFlow | None = None


@dataclass
class NextAttemptHook(commands.StartHook):  # type: ignore[no-untyped-call]
    """
    An attempt has failed, or is slow.
    """

    turn: Turn


class LegsAsked(Protocol):
    """
    What the stream asks between attempts.
    """

    def failover(self, flow: http.HTTPFlow) -> Failover | None: ...

    def judged(self, flow: http.HTTPFlow, ended: bool) -> Failure | bool: ...

    def broke(self, flow: http.HTTPFlow, message: str, sent: bool) -> tuple[Failure, str]: ...

    def step(self, flow: http.HTTPFlow, failure: Failure) -> float | None: ...

    def may_hedge(self, flow: http.HTTPFlow) -> bool: ...

    def head_left(self, flow: http.HTTPFlow) -> None: ...


@dataclass(eq=False, slots=True)
class Try:
    """
    One attempt, from its first wish for a connection to its end. Times are those of the stream's clock, in seconds.
    """

    flow: http.HTTPFlow
    id: int
    began: float
    asked: AskConnection | None = None
    server: Server | None = None
    sent: float | None = None
    touched: float | None = None  # when a byte of its answer last came
    wakes: float | None = None  # the next clock that is set
    held: list[bytes] = field(default_factory=list)
    ended: bool = False
    failure: Failure | None = None
    message: str = ""  # of a failure of the transport: a kind, a colon, a text

    def due(self, terms: Failover, call_began: float) -> tuple[float, str]:
        """
        When it has taken too long, and what that would mean.
        """
        if self.sent is None:
            own = (self.began + terms.connect_seconds, f"connect_timeout: no connection within {terms.connect_seconds:g} s")
        elif self.touched is None:
            head_seconds = terms.head_seconds(stream=False)
            own = (self.sent + head_seconds, f"upstream_timeout: no answer within {head_seconds:g} s")
        else:
            own = (self.touched + terms.idle_seconds, f"upstream_timeout: the provider sent nothing for {terms.idle_seconds:g} s")
        return min(own, (call_began + terms.total_seconds, f"upstream_timeout: the call took longer than {terms.total_seconds:g} s"))


class Clocks:
    """
    The clocks of one call's attempts: one for whatever of an attempt is due next.

    Args:
        began: When the call did.
    """

    def __init__(self, limits: Failover, began: float) -> None:
        self._limits = limits
        self._began = began
        self._set: dict[commands.Command, Try] = {}

    def wind(self, one: Try, now: float) -> commands.RequestWakeup | None:
        """
        Set a clock for what is due next, where none is set for as soon.
        """
        due, _ = one.due(self._limits, self._began)
        if one.wakes is not None and one.wakes <= due:
            return None
        # Clocks cannot be stopped: one that is set for minutes would keep the call in memory as long.
        one.wakes = min(due, now + _LOOK_SECONDS)
        clock = commands.RequestWakeup(max(0.0, one.wakes - now))
        self._set[clock] = one
        return clock

    def rung(self, clock: commands.Command) -> Try | None:
        """
        Whose clock this is.
        """
        one = self._set.pop(clock, None)
        if one is not None:
            one.wakes = None
        return one

    def late(self, one: Try, now: float) -> str | None:
        """
        What has taken too long; `None`: nothing yet.
        """
        due, message = one.due(self._limits, self._began)
        return None if now < due - _EARLY_SECONDS else message

    def clear(self) -> None:
        """
        Those still set ring for nobody.
        """
        self._set.clear()
