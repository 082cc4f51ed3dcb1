"""
Heads of HTTP/1 messages as mitmproxy's requests and responses, read once and strictly.
"""

from __future__ import annotations

import re
import time

from mitmproxy import http
from mitmproxy.net.http.http1.read import _read_request_line

from excise.proxy.front import HEADER, Plain
from excise.proxy.indexed_headers import IndexedHeaders

MAX_ANSWER_HEADERS = 1000

_STATUS_LINE = re.compile(rb"(HTTP/1\.[01]) ([1-9][0-9]{2})(?: ([^\r\n\x00]*))?")


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
        ValueError: It is no HTTP/1 head, it has too many fields, or one two readers could differ on (folded, a bare CR, LF or NUL).
    """
    first, *lines = head.split(b"\r\n")
    matched = _STATUS_LINE.fullmatch(first)
    if matched is None:
        raise ValueError("status line")
    if len(lines) > MAX_ANSWER_HEADERS:
        raise ValueError("header fields")
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
