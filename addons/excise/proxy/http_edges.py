"""
Both ends of HTTP/1, stricter than mitmproxy's: heads are bounded and unambiguous, trailers do not crash, and what is asked of headers
again and again is asked cheaply.
"""

from __future__ import annotations

from collections.abc import Callable

from mitmproxy.connection import ConnectionState
from mitmproxy.net.http import http1, status_codes
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import RegisterHttpConnection
from mitmproxy.proxy.layers.http._base import ReceiveHttp
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
)
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Connection, Http1Server

from excise.errors import BadRequest, ExciseError, WireError
from excise.proxy.front import MAX_HEAD_BYTES, Connect, read_front
from excise.proxy.http_body import Body, Sized, body_of_answer, body_of_request
from excise.proxy.http_heads import ends_connection, request_of, response_of

# A response head larger than this is an attack on memory: 100 headers of the largest size seen from providers fit several times.
MAX_ANSWER_HEAD_BYTES = 256 * 1024

MAX_INTERIM = 100  # 1xx answers before the answer
MAX_AHEAD_BYTES = 64 * 1024  # what a client may send on while its call waits
MAX_SWALLOWED_BYTES = 8 * 1024 * 1024  # of a request that was refused before its end: what many clients send before they look
LINGER_SECONDS = 2.0

_CUT = "upstream_closed: the provider closed the connection before its answer was complete"
_NO_ANSWERS = {
    101: "upstream_failed: the provider answered with an upgrade",  # nobody asked for one: Upgrade headers never leave
    407: "upstream_failed: the provider asked for proxy credentials",  # passed on, a client would take it for ours
}


class _Strict(Http1Connection):
    """
    What both ends share. Neither ever waits for an answer to its own commands, and neither calls itself: messages that came together are
    read in a loop, so that many small ones do not outgrow the stack.
    """

    _body: Body
    _reading = False  # an event is being handled further down the stack; whatever it leaves to read, it reads itself
    _unread = False  # the next message's first bytes are there already

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, HttpEvent):
            yield from self.send(event)
            return
        if isinstance(event, events.DataReceived) and self.state != self.passthrough:
            self.buf._data += event.data
        self._reading = True
        yield from self.state(event)
        while self._unread:
            self._unread = False
            yield from self.state(events.DataReceived(self.conn, b""))
        self._reading = False

    def _read_on(self) -> layer.CommandGenerator[None]:
        """
        Read what has been waiting for the message before it to end.
        """
        if self._unread and not self._reading:
            yield from self._handle_event(events.DataReceived(self.conn, b""))

    def mark_done(self, *, request: bool = False, response: bool = False) -> layer.CommandGenerator[None]:
        """
        As mitmproxy's, which reads the same headers four times over for it.
        """
        self.request_done = self.request_done or request
        self.response_done = self.response_done or response
        if not (self.request_done and self.response_done):
            return
        assert self.request is not None and self.response is not None
        if self.request.data.method == b"CONNECT":
            yield from super().mark_done()
            return
        if ends_connection(self.request, self.response):
            yield from self._close()
            return
        self.request_done = self.response_done = False
        self.request = self.response = None
        self.stream_id = self.stream_id + 2 if isinstance(self, Http1Server) else None
        self.state = self.read_headers
        self._unread = bool(self.buf._data)

    def _close(self) -> layer.CommandGenerator[None]:
        self.state = self.done
        self._unread = False
        self.buf._data.clear()
        if self.conn.state is not ConnectionState.CLOSED:
            yield commands.CloseConnection(self.conn)


class StrictServer(_Strict, Http1Server):
    """
    The client's side of HTTP/1: heads and bodies are bounded and unambiguous, CONNECT inside a tunnel and trailers are refused.

    Args:
        takes_connect: CONNECT may come: only where no door stands before us, inside a stock mitmproxy.
        head_begun: Told whenever a head has begun and is not whole.
    """

    def __init__(self, context: Context, *, takes_connect: bool = False, head_begun: Callable[[], None] | None = None) -> None:
        super().__init__(context)
        self._takes_connect = takes_connect
        self._head_begun = head_begun
        self._chunked = self._bodiless = False  # the answer under way
        self._swallowed_bytes = 0

    def read_headers(self, event: events.ConnectionEvent) -> layer.CommandGenerator[None]:
        if not isinstance(event, events.DataReceived):
            yield from self._close()
            return
        try:
            front = read_front(bytes(self.buf._data[: MAX_HEAD_BYTES + 4]))
            if front is None:
                if self._head_begun is not None and self.buf._data:
                    self._head_begun()
                return
            if isinstance(front, Connect):
                if self._takes_connect:
                    yield from super().read_headers(event)
                else:
                    yield from self._give_up(400, "CONNECT inside a connection already in use")
                return
            request = request_of(front)
            body = body_of_request(front.version, request.headers)
        except (ExciseError, ValueError) as error:
            refusal = error if isinstance(error, ExciseError) else BadRequest("the request's target cannot be read")
            yield from self._give_up(refusal.status, refusal.message)
            return
        self.request = request
        del self.buf._data[: front.size]
        self._body = body or Sized(0)
        self.state = self.read_body
        yield ReceiveHttp(RequestHeaders(self.stream_id, request, body is None))
        if self.state == self.read_body:  # else it is answered already
            yield from self.read_body(event)

    def read_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        stream_id = self.stream_id
        if self.request is not None and self.request.data.method == b"CONNECT":
            self.request_done, self.state = True, self.wait
            return
        if not isinstance(event, events.DataReceived):
            yield from self._close()
            yield ReceiveHttp(RequestProtocolError(stream_id, "Client disconnected.", ErrorCode.CLIENT_DISCONNECTED))
            return
        try:
            data = self._body.read(self.buf._data)
        except WireError as error:
            yield from self._give_up(error.status, error.message)
            yield ReceiveHttp(RequestProtocolError(stream_id, "Client disconnected.", ErrorCode.GENERIC_CLIENT_ERROR))
            return
        if data:
            yield ReceiveHttp(RequestData(stream_id, data))
            if self.state != self.read_body:
                return
        if self._body.done:
            # Before the stream hears of it: it may answer at once, and then this end must be ready for the next request.
            self.request_done, self.state = True, self.wait
            yield ReceiveHttp(RequestEndOfMessage(stream_id))

    def wait(self, event: events.Event) -> layer.CommandGenerator[None]:
        if not isinstance(event, events.DataReceived):
            yield from super().wait(event)
        elif len(self.buf._data) > MAX_AHEAD_BYTES:
            stream_id = self.stream_id
            yield from self._close()
            yield ReceiveHttp(RequestProtocolError(stream_id, "Client disconnected.", ErrorCode.CLIENT_DISCONNECTED))

    def send(self, event: HttpEvent) -> layer.CommandGenerator[None]:
        if event.stream_id != self.stream_id:
            return  # of a request that is over
        if isinstance(event, ResponseHeaders):
            response = event.response
            old = self.request is not None and self.request.data.http_version == b"HTTP/1.0"
            if old and response.headers.pop("transfer-encoding", None) is not None:
                # It knows no chunks (RFC 9112, 6.1): the end of the connection is the end of the answer.
                response.headers["connection"] = "close"
            yield commands.SendData(self.conn, http1.assemble_response_head(response))  # type: ignore[no-untyped-call]
            if response.status_code < 200:
                return  # an interim one: the answer is still to come
            self.response = response
            self._chunked = "chunked" in (response.headers.get("transfer-encoding") or "").lower()
            self._bodiless = response.status_code in (204, 304) or (self.request is not None and self.request.data.method == b"HEAD")
        elif isinstance(event, ResponseData):
            if event.data and not self._bodiless:
                yield commands.SendData(self.conn, b"%x\r\n%s\r\n" % (len(event.data), event.data) if self._chunked else event.data)
        elif isinstance(event, ResponseEndOfMessage):
            if self._chunked and not self._bodiless:
                yield commands.SendData(self.conn, b"0\r\n\r\n")
            if self.state == self.read_body:
                yield from self._linger()
                return
            yield from self.mark_done(response=True)
            yield from self._read_on()
        elif isinstance(event, ResponseProtocolError):
            if not self.conn.state & ConnectionState.CAN_WRITE:
                return
            status = event.code.http_status_code()
            if self.response is None and status is not None:
                # mitmproxy's own page would name it and quote its error.
                yield commands.SendData(self.conn, plain_response(status, "the call could not be made"))
            yield from self._close()

    def _give_up(self, status: int, text: str) -> layer.CommandGenerator[None]:
        yield commands.SendData(self.conn, plain_response(status, text))
        yield from self._close()

    # -- an answer before the request's end: closing at once would reset the connection, and the answer would be lost with it -------------

    def _linger(self) -> layer.CommandGenerator[None]:
        """
        Source: RFC 9112, 9.6.
        """
        self.state = self._swallow
        yield commands.RequestWakeup(LINGER_SECONDS)
        yield from self._swallow(events.DataReceived(self.conn, b""))

    def _swallow(self, event: events.Event) -> layer.CommandGenerator[None]:
        ends = not isinstance(event, events.DataReceived)  # our timer, or the client's end
        if not ends:
            before = len(self.buf._data)
            try:
                self._body.read(self.buf._data)
            except WireError:
                ends = True
            self._swallowed_bytes += before - len(self.buf._data)
        if ends or self._body.done or self._swallowed_bytes > MAX_SWALLOWED_BYTES:
            yield from self._close()


class StrictClient(_Strict, Http1Client):
    """
    The provider's side of HTTP/1: heads and bodies are bounded; trailers end the message and are dropped. Head and body leave in one TLS
    record.
    """

    _head: bytes = b""
    _interim = 0

    @property
    def free(self) -> bool:
        """
        Whether the next request may be sent.
        """
        return self.stream_id is None

    def send(self, event: HttpEvent) -> layer.CommandGenerator[None]:
        if isinstance(event, RequestHeaders):
            assert self.free
            self.stream_id, self.request = event.stream_id, event.request
            # Waits for the body, which is whole already and follows at once.
            self._head = http1.assemble_request_head(event.request)  # type: ignore[no-untyped-call]
        elif event.stream_id != self.stream_id:
            return  # of a call that is over
        elif isinstance(event, RequestData):
            yield commands.SendData(self.conn, self._head + event.data)
            self._head = b""
        elif isinstance(event, RequestEndOfMessage):
            if self._head:
                yield commands.SendData(self.conn, self._head)
                self._head = b""
            self.request_done = True
        elif isinstance(event, RequestProtocolError):
            yield from self._close()

    def read_headers(self, event: events.ConnectionEvent) -> layer.CommandGenerator[None]:
        request, data = self.request, self.buf._data
        if request is None or self.stream_id is None:
            yield from self._close()  # it ends, or it says something that nobody asked for
            return
        if not isinstance(event, events.DataReceived):
            yield from self._broken(_CUT)
            return
        while True:
            end = data.find(b"\r\n\r\n")
            if end < 0 and len(data) <= MAX_ANSWER_HEAD_BYTES:
                return
            try:
                response = response_of(bytes(data[:end]) if 0 <= end <= MAX_ANSWER_HEAD_BYTES else b"")
                status = response.status_code
                body = body_of_answer(request.data.method, status, response.data.http_version, response.headers)
            except (ValueError, WireError):
                yield from self._broken("upstream_failed: the provider's response head cannot be read")
                return
            del data[: end + 4]
            if status >= 200 or status == 101:
                break
            self._interim += 1
            if self._interim > MAX_INTERIM:
                yield from self._broken("upstream_failed: the provider sent interim answers without end")
                return
        self._interim = 0
        if status in _NO_ANSWERS:
            yield from self._broken(_NO_ANSWERS[status])
            return
        self.response = response
        self._body = body or Sized(0)
        self.state = self.read_body
        yield ReceiveHttp(ResponseHeaders(self.stream_id, response, body is None))
        if self.state == self.read_body:
            yield from self.read_body(event)

    def read_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        stream_id = self.stream_id
        assert stream_id is not None
        if isinstance(event, events.DataReceived):
            try:
                data = self._body.read(self.buf._data)
            except WireError:
                yield from self._broken("upstream_failed: the provider's answer is not framed as HTTP wants it")
                return
            if data:
                yield ReceiveHttp(ResponseData(stream_id, data))
                if self.state != self.read_body:
                    return
                if self.conn.state is ConnectionState.CLOSED:
                    yield from self._broken(_CUT)  # cut because of what was in it: its end, if that came along, is none
                    return
            if not self._body.done:
                return
        elif not self._body.ends_at_close:
            yield from self._broken(_CUT)
            return
        # Before the stream hears of it: the client's next request may follow at once, and this end must be ready for it or closed.
        yield from self.mark_done(response=True)
        if self._unread:
            yield from self._close()  # bytes nobody asked for would become the answer to that request
        yield ReceiveHttp(ResponseEndOfMessage(stream_id))

    def _broken(self, text: str) -> layer.CommandGenerator[None]:
        stream_id = self.stream_id
        assert stream_id is not None
        yield from self._close()
        yield ReceiveHttp(ResponseProtocolError(stream_id, text, ErrorCode.GENERIC_SERVER_ERROR))


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


def plain_response(status: int, text: str, extra: str = "") -> bytes:
    """
    A whole HTTP/1.1 response in plain text, for clients that got no further than the door. The connection is closed after it.
    """
    body = f"excise: {text}\n".encode()
    head = f"HTTP/1.1 {status} {status_codes.RESPONSES.get(status, '')}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n{extra}\r\n".encode("ascii") + body
