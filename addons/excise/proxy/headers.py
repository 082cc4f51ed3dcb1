"""
Headers on their way out and back: the one helper for all header writes.
"""

from __future__ import annotations

from collections.abc import Iterable

from mitmproxy import http

from excise.access.authority import authority
from excise.access.keys import shows_key
from excise.catalog.request import auth_header_names
from excise.errors import BadRequest, Refused
from excise.exchange import Exchange
from excise.wire.coding import acceptable
from excise.wire.loss import Loss

# Ours, or meaningful on one hop only (RFC 9110, 7.6.1). Forwarding them would tell providers of our clients or confuse their parsers.
_DROPPED = frozenset(
    {
        b"proxy-authorization",
        b"proxy-connection",
        b"proxy-authenticate",
        b"keep-alive",
        b"te",
        b"trailer",
        b"expect",  # was answered here
        b"upgrade",
        b"http2-settings",
        b"forwarded",
        b"via",
    }
)
_DROPPED_PREFIXES = (b"x-forwarded-", b"x-excise-")
_KEPT_CONNECTION = frozenset({b"close", b"keep-alive"})
_FRAMING = (b"content-length", b"transfer-encoding")
_ONCE = frozenset({b"host", *_FRAMING, b"content-type", b"content-encoding"})
# What stands in Connection is taken out on the way. Without these the provider would read another request than policy did.
_NOT_OF_A_HOP = _ONCE | {name.encode("ascii") for name in auth_header_names if not name.startswith("proxy-")}


def check(request: http.Request) -> None:
    """
    Raises:
        BadRequest: Something two parsers could read differently, or a way out of HTTP: upgrade, trailers.
    """
    names = set()
    for name, value in request.headers.fields:  # CR, LF and NUL were refused with the head
        low = name.lower()
        if low in names and low in _ONCE:
            raise BadRequest(f"the header {low.decode('ascii')} appears twice")
        if low == b"connection" and (wrong := _tokens(value) & _NOT_OF_A_HOP):
            raise BadRequest(f"the Connection header names {min(wrong).decode('ascii')}, which does not belong to one hop")
        names.add(low)
    if b"upgrade" in names:
        raise BadRequest("upgrades (WebSocket, HTTP/2) are not governed yet and so not let through", kind="upgrade_refused", status=403)
    if b"trailer" in names or request.trailers:
        raise BadRequest("request trailers are not supported")
    if request.http_version not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest("this proxy speaks HTTP/1.1")


def check_host(request: http.Request) -> None:
    """
    Raises:
        BadRequest: The Host header names another host than the connection: policy would judge one, the provider serve the other.
    """
    named = request.host_header
    if named is None:
        raise BadRequest("the request has no Host header")
    host, _, port = named.rpartition(":") if named.rpartition(":")[2].isdigit() and not named.endswith("]") else (named, "", "")
    if host.lower().strip("[]").rstrip(".") != request.host.lower().strip("[]").rstrip(".") or (port and int(port) != request.port):
        raise BadRequest("the Host header names another host than the connection", kind="host_mismatch")


def prepare(request: http.Request, exchange: Exchange, private: frozenset[bytes]) -> None:
    """
    Make the request what leaves: hop-by-hop and proxy headers gone, codings we can read, the body the stages decided on and
    its length.

    Args:
        private: Further header names, lower case, that stay with us.
    """
    if exchange.send_body is not None:
        request.data.content = exchange.send_body  # decoded bytes were spliced, so they leave plain
    if (route := exchange.route) is not None:
        request.scheme, request.host, request.port = route.scheme, route.host, route.port
    if exchange.send_path is not None:
        request.path = exchange.send_path
    if exchange.send_headers is not None:
        request.headers = http.Headers(exchange.send_headers)
    if route is not None:
        request.headers["host"] = authority(route)
    redaction = exchange.redaction
    plain = exchange.head_left or (redaction is not None and (redaction.live is not None or redaction.answers is not None))
    length = b"%d" % len(request.data.content or b"")
    listed: set[bytes] = set()
    for name, value in request.headers.fields:
        if name.lower() == b"connection":
            listed |= _tokens(value)
    listed -= _KEPT_CONNECTION
    fields = []
    framed = length == b"0"
    for name, value in request.headers.fields:
        low = name.lower()
        if low in _FRAMING:
            # The body is whole, so its length is known; nobody's word is taken for it.
            fields.append((name if low == b"content-length" else b"Content-Length", length))
            framed = True
            continue
        if low in _DROPPED or low in listed or low in private or low.startswith(_DROPPED_PREFIXES):
            continue
        if low == b"connection":
            value = b", ".join(token for token in (t.strip() for t in value.split(b",")) if token.lower() in _KEPT_CONNECTION)
            if not value:
                continue
        elif low == b"accept-encoding":
            asked = value.decode("latin-1")
            # An answer that will be changed is better asked for plain than decoded here.
            reduced = "identity" if plain else acceptable(asked)
            if reduced is not None and reduced != asked:
                value = reduced.encode("latin-1")
        elif low == b"content-encoding" and exchange.send_body is not None:
            continue
        fields.append((name, value))
    if any(shows_key(value) for _, value in fields) or shows_key(request.data.path):
        raise Refused(
            "a key of ours must not travel to a provider; put it where the provider's key would stand, for a chat call",
            kind="virtual_key_misplaced",
        )
    if shows_key(exchange.leaving.body if exchange.leaving is not None else request.data.content or b""):
        raise Refused(
            "a key of ours stands in the body of this request and must not travel to a provider; take it out", kind="virtual_key_misplaced"
        )
    if not framed:
        fields.append((b"Content-Length", length))
    request.headers = http.Headers(fields)


def _tokens(value: bytes) -> set[bytes]:
    return {token.strip().lower() for token in value.split(b",")}


def dress(response: http.Response, exchange: Exchange, *, edited: bool, show: bool) -> None:
    """
    Make the answer's head what the client gets. Only what must change is touched.
    """
    headers = response.headers
    for name in ("alt-svc", "proxy-authenticate", "proxy-connection"):  # Alt-Svc would lead clients round us, over QUIC
        if name in headers:
            del headers[name]
    if edited:
        # Some events are taken out or changed: the length is not known, and what leaves is decoded.
        headers.pop("content-encoding", None)
        if headers.pop("content-length", None) is not None:
            headers["transfer-encoding"] = "chunked"
    if response.status_code >= 400 and len(exchange.attempts) > 1:
        headers["x-should-retry"] = "false"  # it has been tried again already: an SDK need not do the same
    if show:
        headers["x-excise-call-id"] = exchange.id
        if exchange.prompt is not None and exchange.prompt.model:
            headers["x-excise-model"] = _printable(exchange.prompt.model)
        if exchange.call is not None:
            headers["x-excise-route"] = exchange.upstream.provider
        if exchange.route is not None:
            headers["x-excise-model"] = _printable(exchange.route.model)
            if exchange.losses:
                headers["x-excise-degraded"] = degraded(exchange.losses)


def replace_head(response: http.Response, exchange: Exchange, show: bool) -> None:
    """
    Give a translated answer its own head: nothing of the provider's means anything to the client.
    """
    head = exchange.reply_head
    assert head is not None
    exchange.http_status = response.status_code = head.status
    response.reason = ""
    response.headers = http.Headers([(name.encode(), value.encode("latin-1", "replace")) for name, value in head.headers])
    response.headers["transfer-encoding"] = "chunked"
    dress(response, exchange, edited=True, show=show)


def degraded(losses: Iterable[Loss]) -> str:
    """
    What a translation did not carry over, as `field;change` in a list.
    """
    return ", ".join(f"{loss.field};{loss.change.value}" for loss in losses)[:2000]


def _printable(text: str) -> str:
    return "".join(char if 0x20 <= ord(char) < 0x7F else "?" for char in text[:200])
