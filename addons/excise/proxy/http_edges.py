"""
Both ends of HTTP/1, stricter than mitmproxy's: heads are bounded and unambiguous, trailers do not crash, and what is asked of headers
again and again is asked cheaply.
"""

from __future__ import annotations

from mitmproxy import http
from mitmproxy.net.http import status_codes
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import RegisterHttpConnection
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    HttpEvent,
    RequestHeaders,
    RequestProtocolError,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Connection, Http1Server

from excise.errors import ExciseError
from excise.proxy.front import MAX_HEAD_BYTES, Connect, read_front
from excise.proxy.indexed_headers import IndexedHeaders

# A response head larger than this is an attack on memory: 100 headers of the largest size seen from providers fit several times.
MAX_ANSWER_HEAD_BYTES = 256 * 1024


class _Strict(Http1Connection):
    def mark_done(self, *, request: bool = False, response: bool = False) -> layer.CommandGenerator[None]:
        """
        As mitmproxy's, which reads the same headers four times over for it.
        """
        self.request_done = self.request_done or request
        self.response_done = self.response_done or response
        if not (self.request_done and self.response_done):
            return
        assert self.request is not None and self.response is not None
        if self.response.status_code == 101 or self.request.data.method == b"CONNECT":
            yield from super().mark_done()
            return
        if ends_connection(self.request, self.response):
            yield commands.CloseConnection(self.conn)
            self.state = self.done
            return
        self.request_done = self.response_done = False
        self.request = self.response = None
        self.stream_id = self.stream_id + 2 if isinstance(self, Http1Server) else None
        self.state = self.read_headers
        if self.buf:
            yield from self.state(events.DataReceived(self.conn, b""))


class StrictServer(_Strict, Http1Server):
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

    def mark_done(self, *, request: bool = False, response: bool = False) -> layer.CommandGenerator[None]:
        yield from _Strict.mark_done(self, request=request, response=response)
        if self.request_done and not self.response_done:
            self.state = self.wait

    def _give_up(self, status: int, text: str) -> layer.CommandGenerator[None]:
        yield commands.SendData(self.conn, plain_response(status, text))
        yield commands.CloseConnection(self.conn)
        self.state = self.done


class StrictClient(_Strict, Http1Client):
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


def ends_connection(request: http.Request, response: http.Response) -> bool:
    """
    Whether the connection ends with this answer: either side said so, or only its end tells where the answer ends.

    Source: RFC 9112, 6.3 and 9.6.
    """
    for message in (request, response):
        said = message.headers.get("connection")
        if said is None:
            if message.data.http_version == b"HTTP/1.0":
                return True
        else:
            tokens = {token.strip() for token in said.lower().split(",")}
            if "close" in tokens or (message.data.http_version == b"HTTP/1.0" and "keep-alive" not in tokens):
                return True
    headers = response.headers
    if headers.get("content-length") is not None or "chunked" in (headers.get("transfer-encoding") or "").lower():
        return False
    return request.data.method != b"HEAD" and response.status_code not in (204, 304)


def plain_response(status: int, text: str, extra: str = "") -> bytes:
    """
    A whole HTTP/1.1 response in plain text, for clients that got no further than the door. The connection is closed after it.
    """
    body = f"excise: {text}\n".encode()
    head = f"HTTP/1.1 {status} {status_codes.RESPONSES.get(status, '')}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n{extra}\r\n".encode("ascii") + body
