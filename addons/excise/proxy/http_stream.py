"""
One request and its answer, below the hooks: the seal check, bounds on bodies, and errors the client's SDK understands.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mitmproxy import flow as mflow
from mitmproxy import http
from mitmproxy.connection import Connection
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import DropStream, GetHttpConnectionCompleted, HTTPMode, HttpStream, SendHttp
from mitmproxy.proxy.layers.http._events import (
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    RequestTrailers,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
    ResponseTrailers,
)
from mitmproxy.proxy.layers.http._hooks import HttpErrorHook, HttpRequestHeadersHook

from excise.proxy.tls_layers import ServerTLSLayer

if TYPE_CHECKING:
    from excise.proxy.attempts import LegsAsked

TOO_LARGE = "request body over the limit"
ORIGIN_FORM = "excise.origin_form"  # key in flow.metadata: the client spoke to our own port as to a server
OTHER_TARGET = "excise.other_target"  # the same: inside a tunnel, the request line names another host

PING_SECONDS = 10.0  # providers' own pings come every 10 to 15 s

_FROM_CLIENT = (RequestHeaders, RequestData, RequestEndOfMessage, RequestTrailers)
_BROKEN = (RequestProtocolError, ResponseProtocolError)


class Gate(Protocol):
    """
    What the layer asks of the gateway. The answers of a gate that is missing or broken must read as "no".
    """

    def sealed(self, flow: http.HTTPFlow) -> bool: ...

    def unsealed(self, flow: http.HTTPFlow) -> http.Response: ...

    def tail(self, flow: http.HTTPFlow) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """
    What a layer is told by whoever puts it in place.

    `run` runs a hook and says whether it is done; where not, or where there is no `run`, the hook travels up as a command.
    `take_over` is told of each upstream connection whose TLS is up: from then on its plaintext comes and goes without the TLS layer.
    `head_begun` is told whenever a request's head has begun and is not whole.
    `takes_connect`: CONNECT may come, because no door stands before us (inside a stock mitmproxy).
    `legs` says what is done when an attempt fails; `None`: each call is tried once. `clock` is monotonic, in seconds.
    """

    gate: Gate
    max_body_bytes: int
    run: Callable[[commands.StartHook], bool] | None = None
    take_over: Callable[[Connection, ServerTLSLayer], None] | None = None
    head_begun: Callable[[], None] | None = None
    takes_connect: bool = False
    legs: LegsAsked | None = None
    clock: Callable[[], float] = time.monotonic


class SealedStream(HttpStream):
    """
    One request and its answer. Nothing leaves from here without an intact seal.
    """

    _sign: commands.Command | None = None  # the clock of the next sign of life

    def __init__(self, context: Context, stream_id: int, terms: Terms) -> None:
        super().__init__(context, stream_id)
        self._gate = terms.gate
        self._max_body_bytes = terms.max_body_bytes
        self._takes_connect = terms.takes_connect
        self._run = terms.run

    def handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        """
        As mitmproxy's, in one generator in place of three; and a hook that is done at once does not travel up through all layers and
        its completion down again.
        """
        run = self._run
        if run is None or self._paused or isinstance(event, events.Start):
            yield from super().handle_event(event)
            return
        if isinstance(event, _FROM_CLIENT):
            inner = self.client_state(event)
        elif isinstance(event, _BROKEN):
            inner = self.handle_protocol_error(event)
        elif isinstance(event, events.Wakeup):
            inner = self._woken(event)
        elif isinstance(event, GetHttpConnectionCompleted):
            inner = self._connected(event)
        else:
            inner = self.server_state(event)
        while True:
            try:
                command = inner.send(None)
            except StopIteration:
                return
            if isinstance(command, commands.StartHook) and run(command):
                continue
            if command.blocking is True:
                command.blocking = self
                self._paused = layer.Paused(command, inner)
                yield command
                return
            yield command

    def state_wait_for_request_headers(self, event: RequestHeaders) -> layer.CommandGenerator[None]:
        origin_form = not event.request.host
        target = (event.request.host, event.request.port)
        parent = super().state_wait_for_request_headers(event)
        # The flow exists once the parent runs; mark it before the first hook sees it.
        command = next(parent, None)
        if origin_form:
            if self.mode is HTTPMode.regular:
                self.flow.metadata[ORIGIN_FORM] = True
        elif self.mode is HTTPMode.transparent and target != (self.flow.request.host, self.flow.request.port):
            self.flow.metadata[OTHER_TARGET] = True
        reply = None
        while command is not None:
            reply = yield command
            try:
                command = parent.send(reply)
            except StopIteration:
                return

    def handle_connect(self) -> layer.CommandGenerator[None]:
        if self._takes_connect:
            yield from super().handle_connect()
            return
        yield from self._answer(http.Response.make(400, b"excise: CONNECT on a connection already in use\n"))
        self.client_state = self.server_state = self.state_errored

    def check_invalid(self, request: bool) -> layer.CommandGenerator[bool]:
        # What mitmproxy checks of headers, the ends of HTTP/1 have: where they refuse, the client is answered in its dialect.
        if not request or (self.flow.request.scheme in ("http", "https", "") and self.flow.request.method != "CONNECT"):
            return False
        return (yield from super().check_invalid(request))

    def make_server_connection(self) -> layer.CommandGenerator[bool]:
        if not self._gate.sealed(self.flow):
            self.flow.response = self._gate.unsealed(self.flow)
            yield from self.send_response()
            return False
        return (yield from super().make_server_connection())

    def check_body_size(self, request: bool) -> layer.CommandGenerator[bool]:
        if not request:
            return False  # answers are passed on as they come
        size = len(self.request_body_buf)
        early = size == 0
        if early:
            said = self.flow.request.headers.get("content-length")
            size = int(said) if said is not None and said.isdecimal() else 0
        if size <= self._max_body_bytes:
            return False
        if early:
            yield HttpRequestHeadersHook(self.flow)
        self.flow.error = mflow.Error(TOO_LARGE)
        yield HttpErrorHook(self.flow)
        response = self.flow.response or http.Response.make(413, b"excise: request body over the limit\n")
        response.headers["connection"] = "close"
        self.client_state = self.server_state = self.state_errored
        self.request_body_buf.clear()  # type: ignore[no-untyped-call]
        self.flow.live = False
        yield DropStream(self.stream_id)
        yield from self._answer(response)  # the request is not over: its end of HTTP/1 closes in its own time
        return True

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.Wakeup):
            yield from self._woken(event)
        elif isinstance(event, GetHttpConnectionCompleted):
            yield from self._connected(event)
        else:
            yield from super()._handle_event(event)

    def _connected(self, event: GetHttpConnectionCompleted) -> layer.CommandGenerator[None]:
        """
        A connection is there that was not waited for.
        """
        yield from ()

    def _woken(self, event: events.Wakeup) -> layer.CommandGenerator[None]:
        if event.command is self._sign:  # of several attempts' only the latest
            yield from self._show_life()

    def state_wait_for_response_headers(self, event: ResponseHeaders) -> layer.CommandGenerator[None]:
        # mitmproxy sends answers without a body past the tap, which may have something else to say in their place.
        event.end_stream = False
        yield from super().state_wait_for_response_headers(event)

    def start_response_stream(self) -> layer.CommandGenerator[None]:
        assert self.flow.response is not None
        tap = self.flow.response.stream
        yield from self._ping_later()
        if getattr(tap, "holds_head", False):
            self.server_state = self.state_hold_head
        else:
            yield from self._send_head()

    def _ping_later(self) -> layer.CommandGenerator[None]:
        if self.flow.response is not None and getattr(self.flow.response.stream, "pings", False):
            yield from self._sign_later()

    def _sign_later(self) -> layer.CommandGenerator[None]:
        self._sign = commands.RequestWakeup(PING_SECONDS)
        yield self._sign

    def _send_head(self) -> layer.CommandGenerator[None]:
        yield from super().start_response_stream()

    @property
    def head_waits(self) -> bool:
        """
        Whether the head of an answer is held back.
        """
        return bool(self.server_state == self.state_hold_head)

    @property
    def answering(self) -> bool:
        """
        Whether an answer is on its way to the client, its head held back or not.
        """
        return self.server_state in (self.state_hold_head, self.state_stream_response_body)

    def _show_life(self) -> layer.CommandGenerator[None]:
        """
        Tell a client that waits for a slow provider that its call goes on: others in between close what is silent.
        """
        response = self.flow.response
        if response is None or not self.answering:
            return  # over
        sign: bytes = getattr(response.stream, "ping", bytes)()
        if sign and self.head_waits:
            yield from self._send_head()
        if sign:
            yield SendHttp(ResponseData(self.stream_id, sign), self.context.client)
        yield from self._sign_later()

    def state_hold_head(self, event: events.Event) -> layer.CommandGenerator[None]:
        """
        Until something of the answer leaves, its head does not: it may become another's.
        """
        response = self.flow.response
        assert response is not None and callable(response.stream)
        if isinstance(event, ResponseTrailers):
            response.trailers = event.trailers
            return
        chunks = response.stream(event.data if isinstance(event, ResponseData) else b"")
        if not chunks and isinstance(event, ResponseData):
            return
        yield from self._send_head()
        for chunk in [chunks] if isinstance(chunks, bytes) else chunks:
            yield SendHttp(ResponseData(self.stream_id, chunk), self.context.client)
        if isinstance(event, ResponseEndOfMessage):
            yield from self.send_response(already_streamed=True)

    def handle_protocol_error(self, event: RequestProtocolError | ResponseProtocolError) -> layer.CommandGenerator[None]:
        upstream_failed = (
            isinstance(event, ResponseProtocolError)
            and self.client_state != self.state_errored
            and self.server_state not in (self.state_done, self.state_errored)
        )
        if not upstream_failed:
            yield from super().handle_protocol_error(event)
            return
        started = self.server_state == self.state_stream_response_body
        if not started:
            self.flow.response = None
        self.flow.error = mflow.Error(event.message)
        yield HttpErrorHook(self.flow)
        self.server_state = self.state_errored
        if (yield from self.check_killed(False)):
            return
        if started:
            # Half an answer is out: say so in the dialect, then cut visibly, without the chunk that would end it cleanly.
            if last := self._gate.tail(self.flow):
                yield SendHttp(ResponseData(self.stream_id, last), self.context.client)
            yield SendHttp(event, self.context.client)
        elif self.flow.response is not None:
            yield from self._answer(self.flow.response)
        else:
            yield SendHttp(event, self.context.client)
        self.flow.live = False
        yield DropStream(self.stream_id)

    def _answer(self, response: http.Response) -> layer.CommandGenerator[None]:
        content = response.raw_content or b""
        yield SendHttp(ResponseHeaders(self.stream_id, response, not content), self.context.client)
        if content:
            yield SendHttp(ResponseData(self.stream_id, content), self.context.client)
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)
