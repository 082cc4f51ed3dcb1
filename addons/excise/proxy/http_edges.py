"""
Both ends of HTTP/1, stricter than mitmproxy's: heads are bounded and unambiguous, trailers do not crash, and what is asked of headers
again and again is asked cheaply.
"""

from __future__ import annotations

import re
import time

from mitmproxy import http
from mitmproxy.net.http import http1, status_codes
from mitmproxy.net.http.http1.read import _read_request_line
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
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Connection, Http1Server, make_body_reader

from excise.errors import BadRequest, ExciseError
from excise.proxy.front import HEADER, MAX_HEAD_BYTES, Connect, Plain, read_front
from excise.proxy.indexed_headers import IndexedHeaders

# A response head larger than this is an attack on memory: 100 headers of the largest size seen from providers fit several times.
MAX_ANSWER_HEAD_BYTES = 256 * 1024

_STATUS_LINE = re.compile(rb"(HTTP/1\.[01]) ([1-9][0-9]{2})(?: ([^\r\n\x00]*))?")


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
        if not isinstance(event, events.DataReceived):
            yield from super().read_headers(event)
            return
        try:
            front = read_front(bytes(self.buf._data[: MAX_HEAD_BYTES + 4]))
            if front is None:
                return
            if isinstance(front, Connect):
                if self._takes_connect:
                    yield from super().read_headers(event)
                else:
                    yield from self._give_up(400, "CONNECT inside a connection already in use")
                return
            request = request_of(front)
            size = http1.expected_http_body_size(request)
        except (ExciseError, ValueError) as error:
            refusal = error if isinstance(error, ExciseError) else BadRequest("the request's target or length cannot be read")
            yield from self._give_up(refusal.status, refusal.message)
            return
        self.request = request
        self.buf.maybe_extract_at_most(front.size)
        yield ReceiveHttp(RequestHeaders(self.stream_id, request, size == 0))
        self.body_reader = make_body_reader(size)
        self.state = self.read_body
        yield from self.state(event)

    def send(self, event: HttpEvent) -> layer.CommandGenerator[None]:
        for command in super().send(event):
            if isinstance(event, ResponseProtocolError) and isinstance(command, commands.SendData):
                # mitmproxy's own page would name it and quote its error.
                command.data = plain_response(event.code.http_status_code() or 502, "the call could not be made")
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
        data = self.buf._data
        if not isinstance(event, events.DataReceived) or self.request is None:
            yield from super().read_headers(event)
            return
        assert self.stream_id is not None
        end = data.find(b"\r\n\r\n")
        if end < 0 and len(data) <= MAX_ANSWER_HEAD_BYTES:
            return
        head = bytes(data[:end]) if 0 <= end <= MAX_ANSWER_HEAD_BYTES else b""
        try:
            response = response_of(head)
            size = http1.expected_http_body_size(self.request, response)
        except ValueError:
            yield commands.CloseConnection(self.conn)
            text = "upstream_failed: the provider's response head cannot be read"
            yield ReceiveHttp(ResponseProtocolError(self.stream_id, text, ErrorCode.GENERIC_SERVER_ERROR))
            self.state = self.done
            return
        self.buf.maybe_extract_at_most(end + 4)
        if 100 <= response.status_code < 200 and response.status_code != 101:
            yield from self.read_headers(event)  # interim: the answer is still to come
            return
        self.response = response
        yield ReceiveHttp(ResponseHeaders(self.stream_id, response, size == 0))
        self.body_reader = make_body_reader(size)
        self.state = self.read_body
        yield from self.state(event)

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


def request_of(front: Plain) -> http.Request:
    """
    mitmproxy's request for a head that was read.

    Raises:
        ValueError: The target is none of the forms HTTP knows.
    """
    host, port, scheme, authority, path = "", 0, b"", b"", front.target
    if not path.startswith(b"/") and path != b"*":
        host, port, _, scheme, authority, path, _ = _read_request_line(b"%s %s %s" % (front.method, front.target, front.version))
    return http.Request(
        host=host,
        port=port,
        method=front.method,
        scheme=scheme,
        authority=authority,
        path=path,
        http_version=front.version,
        headers=IndexedHeaders(front.fields),
        content=None,
        trailers=None,
        timestamp_start=time.time(),
        timestamp_end=None,
    )


def response_of(head: bytes) -> http.Response:
    """
    mitmproxy's response for a head without its blank line.

    Raises:
        ValueError: It is no HTTP/1 head, or a field is folded or holds a bare CR, LF or NUL: two readers could differ on it.
    """
    first, *lines = head.split(b"\r\n")
    matched = _STATUS_LINE.fullmatch(first)
    if matched is None:
        raise ValueError("status line")
    fields = []
    for line in lines:
        field = HEADER.fullmatch(line)
        if field is None:
            raise ValueError("header field")
        fields.append((field[1], field[2]))
    return http.Response(
        http_version=matched[1],
        status_code=int(matched[2]),
        reason=matched[3] or b"",
        headers=IndexedHeaders(fields),
        content=None,
        trailers=None,
        timestamp_start=time.time(),
        timestamp_end=None,
    )


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
