"""
Upstream connections that have been silent for too long, while a call of one attempt waits on them.
"""

from __future__ import annotations

from collections.abc import Collection

from mitmproxy.connection import Client, Server
from mitmproxy.http import HTTPFlow

from excise.proxy.flows import Flows
from excise.supervise.settings import Settings


def overdue(
    server: Server,
    now: float,
    *,
    opened: float,
    touched: float,
    client: Client,
    calls: Collection[HTTPFlow],
    flows: Flows,
    settings: Settings,
) -> str | None:
    """
    Why to end a connection, as a kind, a colon and a text; `None`: it may go on.

    Args:
        opened, touched: When it was connected, and when a byte last went or came; monotonic seconds, as `now`.
        calls: The client's calls that have no clocks of their own.
    """
    if server.tls and server.timestamp_tls_setup is None:
        late = now - opened > settings.connect_timeout_seconds
        return f"connect_timeout: no TLS within {settings.connect_timeout_seconds:g} s" if late else None
    if all(flow.server_conn is not server for flow in calls):
        return None  # kept for a later call
    if any(flow.response is not None for flow in calls):
        late = now - touched > settings.idle_timeout_seconds
        return f"upstream_timeout: the provider sent nothing for {settings.idle_timeout_seconds:g} s" if late else None
    # From the request on, and until the head is whole: a header a second is no answer.
    late = now - max(opened, flows.asked_at(client, opened)) > settings.first_byte_timeout_seconds
    return f"upstream_timeout: no answer within {settings.first_byte_timeout_seconds:g} s" if late else None
