"""
mitmproxy's HTTP layer with what it lacks below the hooks: the seal check, bounds on heads and bodies, no trailers, and errors the
client's SDK understands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mitmproxy import flow as mflow
from mitmproxy import http
from mitmproxy.connection import Connection, Server
from mitmproxy.net.http import status_codes
from mitmproxy.net.http.http1 import expected_http_body_size
from mitmproxy.proxy import commands, events, layer, tunnel
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import (
    DropStream,
    GetHttpConnection,
    GetHttpConnectionCompleted,
    HttpLayer,
    HTTPMode,
    HttpStream,
    RegisterHttpConnection,
    SendHttp,
)
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    HttpEvent,
    RequestHeaders,
    RequestProtocolError,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._hooks import HttpErrorHook, HttpRequestHeadersHook
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Server

from excise.errors import ExciseError
from excise.proxy.front import MAX_HEAD_BYTES, Connect, read_front
from excise.proxy.indexed_headers import IndexedHeaders
from excise.proxy.tls_layers import ServerTLSLayer

TOO_LARGE = "request body over the limit"
ORIGIN_FORM = "excise.origin_form"  # key in flow.metadata: the client spoke to our own port as to a server

# A response head larger than this is an attack on memory: 100 headers of the largest size seen from providers fit several times.
MAX_ANSWER_HEAD_BYTES = 256 * 1024


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
    `takes_connect`: CONNECT may come, because no door stands before us (inside a stock mitmproxy).
    """

    gate: Gate
    max_body_bytes: int
    run: Callable[[commands.StartHook], bool] | None = None
    take_over: Callable[[Connection, ServerTLSLayer], None] | None = None
    takes_connect: bool = False


class StrictServer(Http1Server):
    """
    The client's side of HTTP/1: heads are bounded and unambiguous, CONNECT inside a tunnel and trailers are refused.

    Args:
        takes_connect: CONNECT may come: only where no door stands before us, inside a stock mitmproxy.
    """

    def __init__(self, context: Context, *, takes_connect: bool = False) -> None:
        super().__init__(context)
        self._takes_connect = takes_connect

    def read_headers(self, event: events.ConnectionEvent) -> layer.CommandGenerator[None]:
        if isinstance(event, events.DataReceived):
            try:
                front = read_front(bytes(self.buf._data[: MAX_HEAD_BYTES + 4]))
            except ExciseError as error:
                yield from self._give_up(error.status, error.message)
                return
            if front is None:
                return
            if isinstance(front, Connect) and not self._takes_connect:
                yield from self._give_up(400, "CONNECT inside a connection already in use")
                return
        for command in super().read_headers(event):
            if isinstance(command, ReceiveHttp) and isinstance(command.event, RequestHeaders):
                data = command.event.request.data
                data.headers = IndexedHeaders(data.headers.fields)
            yield command

    def read_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        try:
            yield from super().read_body(event)
        except NotImplementedError:
            # Trailers: mitmproxy's layer has no way to carry them and would crash, hanging the client.
            yield commands.CloseConnection(self.conn)
            yield ReceiveHttp(RequestProtocolError(self.stream_id, "request trailers are not supported", ErrorCode.GENERIC_CLIENT_ERROR))

    def _give_up(self, status: int, text: str) -> layer.CommandGenerator[None]:
        yield commands.SendData(self.conn, plain_response(status, text))
        yield commands.CloseConnection(self.conn)
        self.state = self.done


class StrictClient(Http1Client):
    """
    The provider's side of HTTP/1: a bounded head; trailers end the message and are dropped. Head and body leave in one TLS record.
    """

    _head: bytes = b""

    def send(self, event: HttpEvent) -> layer.CommandGenerator[None]:
        for command in super().send(event):
            if not isinstance(command, commands.SendData):
                yield command
            elif isinstance(event, RequestHeaders) and not event.end_stream:
                self._head = command.data  # the body is whole already and follows at once
            else:
                command.data, self._head = self._head + command.data, b""
                yield command

    def read_headers(self, event: events.ConnectionEvent) -> layer.CommandGenerator[None]:
        if isinstance(event, events.DataReceived) and len(self.buf) > MAX_ANSWER_HEAD_BYTES and b"\r\n\r\n" not in self.buf._data:
            yield commands.CloseConnection(self.conn)
            if self.stream_id is not None:
                text = "upstream_failed: response head over 256 KiB"
                yield ReceiveHttp(ResponseProtocolError(self.stream_id, text, ErrorCode.GENERIC_SERVER_ERROR))
            self.state = self.done
            return
        for command in super().read_headers(event):
            if isinstance(command, ReceiveHttp) and isinstance(command.event, ResponseHeaders):
                data = command.event.response.data
                data.headers = IndexedHeaders(data.headers.fields)
            yield command

    def read_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        try:
            yield from super().read_body(event)
        except NotImplementedError:
            assert self.stream_id is not None
            yield ReceiveHttp(ResponseEndOfMessage(self.stream_id))
            yield from self.mark_done(response=True)


class Upstream(layer.Layer):
    """
    One connection to a provider, opened when the sealed request wants it.
    """

    child: StrictClient

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        error: str | None = None
        if not self.context.server.connected:
            error = yield commands.OpenConnection(self.context.server)
        if not error:
            child = self.child = StrictClient(self.context)
            self._handle_event = child.handle_event  # type: ignore[method-assign]  # as mitmproxy's own HttpClient does
            yield from child.handle_event(event)
        yield RegisterHttpConnection(self.context.server, error)


class SealedStream(HttpStream):
    """
    One request and its answer. Nothing leaves from here without an intact seal.
    """

    def __init__(self, context: Context, stream_id: int, terms: Terms) -> None:
        super().__init__(context, stream_id)
        self._gate = terms.gate
        self._max_body_bytes = terms.max_body_bytes
        self._takes_connect = terms.takes_connect
        self._run = terms.run

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        inner = super()._handle_event(event)
        run = self._run
        if run is None:
            yield from inner
            return
        reply = None
        while True:
            try:
                command = inner.send(reply)
            except StopIteration:
                return
            # A hook that is done at once need not travel up through all layers and its completion down again.
            reply = None if isinstance(command, commands.StartHook) and run(command) else (yield command)

    def state_wait_for_request_headers(self, event: RequestHeaders) -> layer.CommandGenerator[None]:
        origin_form = not event.request.host
        parent = super().state_wait_for_request_headers(event)
        # The flow exists once the parent runs; mark it before the first hook sees it.
        command = next(parent, None)
        if origin_form and self.mode is HTTPMode.regular:
            self.flow.metadata[ORIGIN_FORM] = True
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
            try:
                size = expected_http_body_size(self.flow.request) or 0
            except ValueError:
                size = 0
        if size <= self._max_body_bytes:
            return False
        if early:
            yield HttpRequestHeadersHook(self.flow)
        self.flow.error = mflow.Error(TOO_LARGE)
        yield HttpErrorHook(self.flow)
        yield from self._answer(self.flow.response or http.Response.make(413, b"excise: request body over the limit\n"))
        yield commands.CloseConnection(self.context.client)
        self.client_state = self.server_state = self.state_errored
        self.flow.live = False
        return True

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


class SealedHttpLayer(HttpLayer):
    """
    mitmproxy's HTTP layer made of the parts above. HTTP/1 only; failed connections are never remembered.
    """

    def __init__(self, context: Context, mode: HTTPMode, terms: Terms) -> None:
        super().__init__(context, mode)
        self._terms = terms

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.Start):
            self.connections[self.context.client] = StrictServer(self.context.fork(), takes_connect=self._terms.takes_connect)
            yield from self.event_to_child(self.connections[self.context.client], event)
        else:
            yield from super()._handle_event(event)

    def make_stream(self, stream_id: int) -> layer.CommandGenerator[None]:
        # As `Context.fork`, which would first make a server of its own and throw it away.
        context = Context.__new__(Context)
        context.client, context.server, context.options = self.context.client, self.context.server, self.context.options
        context.layers = self.context.layers.copy()
        self.streams[stream_id] = SealedStream(context, stream_id, self._terms)
        yield from self.event_to_child(self.streams[stream_id], events.Start())

    def get_connection(self, event: GetHttpConnection, *, reuse: bool = True) -> layer.CommandGenerator[None]:
        for connection in self.connections:
            if connection.connected and not connection.error and event.connection_spec_matches(connection):
                stream = self.command_sources.pop(event)
                yield from self.event_to_child(stream, GetHttpConnectionCompleted(event, (connection, None)))
                return
        context = self.context.fork()
        context.server = Server(address=event.address)
        stack = tunnel.LayerStack()
        if event.tls:
            context.server.sni = event.address[0]
            stack /= ServerTLSLayer(context)
        stack /= Upstream(context)
        self.connections[context.server] = stack[0]
        self.waiting_for_establishment[context.server].append(event)
        yield from self.event_to_child(stack[0], events.Start())

    def register_connection(self, command: RegisterHttpConnection) -> layer.CommandGenerator[None]:
        tls = self.connections.get(command.connection)
        if command.err is None and self._terms.take_over is not None and isinstance(tls, ServerTLSLayer):
            assert isinstance(tls.child_layer, Upstream)
            self.connections[command.connection] = tls.child_layer.child
            self._terms.take_over(command.connection, tls)
        yield from super().register_connection(command)


def plain_response(status: int, text: str, extra: str = "") -> bytes:
    """
    A whole HTTP/1.1 response in plain text, for clients that got no further than the door. The connection is closed after it.
    """
    body = f"excise: {text}\n".encode()
    head = f"HTTP/1.1 {status} {status_codes.RESPONSES.get(status, '')}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n{extra}\r\n".encode("ascii") + body
