"""
What the gateway reads out of mitmproxy's flows: credentials in clear, why a call ended, how much passed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mitmproxy.http import HTTPFlow

from excise.errors import ExciseError, UpstreamFailed, UpstreamTimeout
from excise.exchange import Capture, ClientInfo
from excise.proxy.front import read_basic


def with_credentials(info: ClientInfo, flow: HTTPFlow) -> ClientInfo:
    """
    Requests in clear carry their proxy credentials themselves, where others had them in CONNECT.

    Raises:
        BadRequest: They cannot be read.
    """
    given = flow.request.headers.get("proxy-authorization")
    if info.capture is not Capture.PROXY or info.proxy_user is not None or flow.client_conn.tls or given is None:
        return info
    user, password = read_basic(given.encode("utf-8", "surrogateescape"))
    return ClientInfo(info.ip, info.port, info.capture, user, password)


def failure_of(message: str) -> ExciseError | None:
    """
    What an end means; `None`: the client left. Texts of ours start with a kind and a colon; the rest are mitmproxy's.
    """
    kind, colon, text = message.partition(": ")
    if (
        message in ("client_disconnected", "Client disconnected.", "Connection killed.", "request trailers are not supported")
        or not message
    ):
        return None
    if colon and kind in ("upstream_timeout", "connect_timeout"):
        return UpstreamTimeout(text, kind=kind)
    if colon and kind == "destination_refused":
        return UpstreamFailed(text, kind=kind, status=403)
    if colon and " " not in kind and kind.islower():
        return UpstreamFailed(text, kind=kind)
    if "certificate verify failed" in message.lower() or "TLS" in message:
        return UpstreamFailed("the provider's certificate or TLS could not be verified, so nothing was sent", kind="upstream_tls")
    return UpstreamFailed("the provider closed the connection before its answer was complete", kind="upstream_closed")


def counting(counted: list[int]) -> Callable[[bytes], Any]:
    """
    A `response.stream` that passes everything on and adds its size to `counted[1]`.
    """

    def count(chunk: bytes) -> list[bytes]:
        counted[1] += len(chunk)
        return [chunk] if chunk else []

    return count
