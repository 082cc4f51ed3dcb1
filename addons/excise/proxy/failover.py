"""
Several attempts at one call: the next target is asked before the client has seen a byte of the one before.

A stream of ours talks to the client once and to providers as often as the call's course allows. Each attempt has a stream id of its own
towards its provider, so that what a dead attempt still says is nobody's; an answer is held back until it is known to be one (the commit
point), and a clock runs for each thing that may take too long. Sans-I/O: events in, commands out; what to do next is asked of `Legs`.
"""

from __future__ import annotations

from itertools import count

from mitmproxy import http
from mitmproxy.connection import Server
from mitmproxy.flow import Error
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import DropStream, GetHttpConnectionCompleted, SendHttp
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    HttpEvent,
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
    ResponseTrailers,
)
from mitmproxy.proxy.layers.http._hooks import HttpResponseHeadersHook

from excise.policy.terms import Failover
from excise.proxy.answer_tap import AnswerTap
from excise.proxy.attempts import AnswersTo, AskConnection, Clocks, LegsAsked, NextAttemptHook, Try, Turn
from excise.proxy.http_stream import SealedStream, Terms
from excise.routing.failure import Failure


class FailoverStream(SealedStream):
    """
    A sealed stream that may ask more than one provider.
    """

    _limits: Failover | None = None  # set: this call is one of those

    def __init__(self, context: Context, stream_id: int, terms: Terms) -> None:
        super().__init__(context, stream_id, terms)
        self._asks = terms.legs
        self._clock = terms.clock

    def _enter(self, limits: Failover) -> None:
        self._limits = limits
        self._ids = count(1)
        self._tries: dict[int, Try] = {}
        self._asked: dict[commands.Command, Try] = {}
        self._clocks = Clocks(limits, self._clock())
        self._pause: tuple[commands.Command, Try] | None = None  # waiting before the next attempt
        self._hedge: commands.Command | None = None
        self._won: Try | None = None
        self._head_left = False
        self.server_state = self.state_attempts

    @property
    def _legs(self) -> LegsAsked:
        assert self._asks is not None
        return self._asks

    # -- an attempt ----------------------------------------------------------------------------------------------------------------

    def make_server_connection(self) -> layer.CommandGenerator[bool]:
        limits = self._asks.failover(self.flow) if self._asks is not None else None
        if limits is None:
            return (yield from super().make_server_connection())
        self._enter(limits)
        if limits.hedge_seconds is not None:
            self._hedge = commands.RequestWakeup(limits.hedge_seconds)
            yield self._hedge
        yield from self._begin(self._try(self.flow))
        return False

    def _try(self, flow: http.HTTPFlow) -> Try:
        one = Try(flow, -1000 * self.stream_id - next(self._ids), self._clock())
        self._tries[one.id] = one
        return one

    def _begin(self, one: Try, *, beside: bool = False) -> layer.CommandGenerator[None]:
        flow = one.flow
        if not self._gate.sealed(flow):
            yield from self._withhold(flow)
            return
        yield AnswersTo(self.stream_id, one.id)
        request = flow.request
        # A connection that is free may be on its way to the other attempt already.
        one.asked = AskConnection((request.host, request.port), request.scheme == "https", flow.server_conn.via, "tcp", fresh=beside)
        self._asked[one.asked] = one
        yield from self._wind(one)
        yield one.asked  # may be answered before this returns

    def _withhold(self, flow: http.HTTPFlow) -> layer.CommandGenerator[None]:
        """
        End the call: this must not leave.
        """
        self.flow = flow
        yield from self._give_up_others()
        if (yield from self._gone()):
            return
        yield from self._drop_all()
        flow.response = self._gate.unsealed(flow)
        if self._head_left:
            yield from self._end("internal: the request was not approved")
        else:
            yield from self.send_response()

    def _connected(self, event: GetHttpConnectionCompleted) -> layer.CommandGenerator[None]:
        one = self._asked.pop(event.command, None) if self._limits is not None else None
        if one is None:
            return  # given up meanwhile
        one.asked = None
        connection, error = event.reply
        if not isinstance(connection, Server) or not connection.connected:  # it may have gone again while a hook was waited for
            yield from self._broke(one, error or "")
            return
        one.server = one.flow.server_conn = connection
        one.sent = self._clock()
        yield from self._wind(one)
        request = one.flow.request
        content = request.raw_content
        yield SendHttp(RequestHeaders(one.id, request, not content), connection)
        if content:
            yield SendHttp(RequestData(one.id, content), connection)
        yield SendHttp(RequestEndOfMessage(one.id), connection)

    def state_attempts(self, event: events.Event) -> layer.CommandGenerator[None]:
        """
        Everything of the providers' side, while there are attempts.
        """
        one = self._tries.get(event.stream_id) if isinstance(event, HttpEvent) else None
        if one is None:
            return
        one.touched = self._clock()
        if isinstance(event, ResponseHeaders):
            yield from self._answered(one, event)
        elif isinstance(event, ResponseTrailers):
            assert one.flow.response is not None
            one.flow.response.trailers = event.trailers
        else:
            one.ended = isinstance(event, ResponseEndOfMessage)
            yield from self._given(one, event.data if isinstance(event, ResponseData) else b"")

    def state_done(self, event: events.Event) -> layer.CommandGenerator[None]:
        # Not mitmproxy's, which expects no events: those of an attempt that was given up may have waited for the last hook.
        yield from ()

    def _answered(self, one: Try, event: ResponseHeaders) -> layer.CommandGenerator[None]:
        one.flow.response = event.response
        yield HttpResponseHeadersHook(one.flow)
        if one.flow.error is not None:
            self.flow = one.flow  # the guard has ended the call
        if (yield from self._gone()):
            return
        tap = event.response.stream
        if self._head_left and isinstance(tap, AnswerTap):
            tap.follow()
        yield from self._ping_later()
        yield from self._wind(one)

    def _given(self, one: Try, data: bytes) -> layer.CommandGenerator[None]:
        response = one.flow.response
        assert response is not None and callable(response.stream)
        chunks = response.stream(data)
        one.held += [chunks] if isinstance(chunks, bytes) else chunks
        if self._won is one:
            yield from self._pass_on(one)
        elif one.failure is None:
            judged = self._legs.judged(one.flow, one.ended)
            if isinstance(judged, Failure):
                yield from self._failed(one, judged)
            elif judged:
                yield from self._commit(one)

    def _commit(self, one: Try) -> layer.CommandGenerator[None]:
        """
        This is the answer. From here on no other is possible.
        """
        self._won, self.flow = one, one.flow
        assert one.server is not None and one.flow.response is not None
        self.context.server = one.server
        yield from self._give_up_others()
        if (yield from self._gone()):
            return
        if not one.ended:
            yield from self._wind(one)  # its clock has not been looked at if it had failed
        if self._head_left and one.flow.response.status_code >= 300:
            # Signs of life have gone out under another head: what comes now must be an event, and no document.
            one.message = f"http_{one.flow.response.status_code}: the provider answered with an error"
            yield from self._over(one)
            return
        yield from self._pass_on(one)

    def _pass_on(self, one: Try) -> layer.CommandGenerator[None]:
        response = one.flow.response
        assert response is not None
        if not self._head_left:
            if not (one.held or one.ended) and getattr(response.stream, "holds_head", False):
                return
            yield from self._send_head()
        held, one.held = one.held, []
        for chunk in held:
            yield SendHttp(ResponseData(self.stream_id, chunk), self.context.client)
        if one.ended:
            yield DropStream(one.id)
            self._tries.clear()
            self._clocks.clear()
            yield from self.send_response(already_streamed=True)

    @property
    def head_waits(self) -> bool:
        if self._limits is None:
            return super().head_waits
        return self.answering and not self._head_left

    @property
    def answering(self) -> bool:
        if self._limits is None:
            return super().answering
        if self.server_state != self.state_attempts:
            return False
        waiting = [one for one in self._tries.values() if one.flow is self.flow and one.flow.response is not None and one.failure is None]
        return self._won is not None or (bool(waiting) and len(self._tries) == 1)

    def _send_head(self) -> layer.CommandGenerator[None]:
        yield from super()._send_head()
        if self._limits is not None:
            self._head_left, self.server_state = True, self.state_attempts
            self._legs.head_left(self.flow)

    # -- failing -------------------------------------------------------------------------------------------------------------------

    def handle_protocol_error(self, event: RequestProtocolError | ResponseProtocolError) -> layer.CommandGenerator[None]:
        if self._limits is None or self.server_state != self.state_attempts:
            yield from super().handle_protocol_error(event)
        elif isinstance(event, ResponseProtocolError):
            one = self._tries.get(event.stream_id)
            if one is not None:
                one.server = None  # it is gone
                yield from self._broke(one, event.message)
        else:
            yield from self._give_up_others()
            yield from self._drop_all()
            yield from super().handle_protocol_error(event)
            self.server_state = self.state_errored

    def _broke(self, one: Try, message: str) -> layer.CommandGenerator[None]:
        """
        An attempt ended without a whole answer.
        """
        failure, one.message = self._legs.broke(one.flow, message, one.sent is not None)
        if self._won is one or one.failure is None:
            yield from self._failed(one, failure)
        elif not one.ended:
            one.failure = failure  # it was no good already; now it is not even whole

    def _failed(self, one: Try, failure: Failure) -> layer.CommandGenerator[None]:
        one.failure = failure
        if self._won is one:
            yield from self._over(one)
            return
        rival = next((other for other in self._tries.values() if other.failure is None), None)
        if rival is not None:
            yield NextAttemptHook(Turn(one.flow, failure, survivor=rival.flow))
            yield from self._drop(one)
            self.flow = rival.flow
            yield from self._gone()
            return
        wait = self._legs.step(one.flow, failure)
        if wait is None:
            yield from self._stop(one)
        elif wait > 0:
            pause = commands.RequestWakeup(wait)
            self._pause = (pause, one)
            yield pause
        else:
            yield from self._next(one)

    def _next(self, one: Try) -> layer.CommandGenerator[None]:
        turn = Turn(one.flow, one.failure)
        yield NextAttemptHook(turn)
        follower = None
        if turn.next is not None:
            yield from self._drop(one)
            self.flow = turn.next
            follower = self._try(turn.next)
        if (yield from self._gone()):
            return
        yield from self._stop(one) if follower is None else self._begin(follower)

    def _stop(self, one: Try) -> layer.CommandGenerator[None]:
        """
        Nobody else is asked: what this one said is the answer, or that it said nothing.
        """
        assert one.failure is not None
        if one.flow.response is not None and one.server is not None and one.failure.phase in ("answer", "content"):
            yield from self._commit(one)
        else:
            self.flow = one.flow
            yield from self._over(one)

    def _over(self, one: Try) -> layer.CommandGenerator[None]:
        yield from self._drop_all()
        yield from self._end(one.message or "upstream_failed: the provider's answer cannot be used")

    def _end(self, message: str) -> layer.CommandGenerator[None]:
        self.server_state = self.state_stream_response_body if self._head_left else self.state_wait_for_response_headers
        yield from super().handle_protocol_error(ResponseProtocolError(self.stream_id, message, ErrorCode.GENERIC_SERVER_ERROR))

    def _gone(self) -> layer.CommandGenerator[bool]:
        """
        Whether the client has left while a hook was waited for, or the guard has ended the call.
        """
        error = self.flow.error
        killed = error is not None and error.msg == Error.KILLED_MESSAGE
        if not killed and not any(isinstance(event, RequestProtocolError) for event in self._paused_event_queue):
            return False
        yield from self._give_up_others()
        yield from self.check_killed(True)
        yield from self._drop_all()
        return True

    def _give_up_others(self) -> layer.CommandGenerator[None]:
        """
        What is the call now is the only attempt.
        """
        for other in [other for other in self._tries.values() if other.flow is not self.flow]:
            yield NextAttemptHook(Turn(other.flow, other.failure, survivor=self.flow))
            yield from self._drop(other)

    def _drop(self, one: Try) -> layer.CommandGenerator[None]:
        """
        Let go of an attempt: what it still says is nobody's.
        """
        self._tries.pop(one.id, None)
        if one.asked is not None:
            self._asked.pop(one.asked, None)
        one.held.clear()
        yield DropStream(one.id)
        if one.server is not None and not one.ended:
            yield SendHttp(RequestProtocolError(one.id, "given up", ErrorCode.CANCEL), one.server)

    def _drop_all(self) -> layer.CommandGenerator[None]:
        self._pause = None
        self._clocks.clear()
        for one in list(self._tries.values()):
            yield from self._drop(one)

    # -- clocks --------------------------------------------------------------------------------------------------------------------

    def _wind(self, one: Try) -> layer.CommandGenerator[None]:
        if (clock := self._clocks.wind(one, self._clock())) is not None:
            yield clock

    def _woken(self, event: events.Wakeup) -> layer.CommandGenerator[None]:
        if self._limits is None:
            yield from super()._woken(event)
        elif self._pause is not None and event.command is self._pause[0]:
            failed, self._pause = self._pause[1], None
            yield from self._next(failed)
        elif event.command is self._hedge:
            self._hedge = None
            yield from self._ask_another()
        elif (one := self._clocks.rung(event.command)) is not None:
            yield from self._rung(one)
        else:
            yield from super()._woken(event)

    def _rung(self, one: Try) -> layer.CommandGenerator[None]:
        if one.id not in self._tries or (one.failure is not None and self._won is not one):
            return  # over, or kept only until somebody else is asked
        message = self._clocks.late(one, self._clock())
        yield from self._wind(one) if message is None else self._broke(one, message)

    def _ask_another(self) -> layer.CommandGenerator[None]:
        """
        The first is slow: somebody else is asked beside it, and whoever answers first is heard.
        """
        if self._won is not None or self._pause is not None or len(self._tries) != 1:
            return
        one = next(iter(self._tries.values()))
        if one.failure is not None or one.touched is not None or not self._legs.may_hedge(one.flow):
            return
        turn = Turn(one.flow, None)
        yield NextAttemptHook(turn)
        rival = self._try(turn.next) if turn.next is not None else None
        if not (yield from self._gone()) and rival is not None:
            yield from self._begin(rival, beside=True)
