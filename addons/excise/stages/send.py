"""
What leaves, and to whom.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from excise.errors import UpstreamFailed
from excise.exchange import Attempt, Exchange, Route
from excise.pipeline import Stage
from excise.wire.include_usage import ask_for_usage

type Headers = tuple[tuple[bytes, bytes], ...]
type Authorize = Callable[[Route, str, Headers, bytes], Awaitable[tuple[str, Headers]]]


class Send(Stage):
    """
    Prepare the attempt: `include_usage` where it was left open (the meter takes the extra chunk out again), and what authorizes a
    routed call where it goes.

    Args:
        authorize: The headers and the path that authorize a request at its target; given method, headers and body as they leave.
    """

    each_attempt = True

    def __init__(self, authorize: Authorize) -> None:
        self._authorize = authorize

    async def on_request(self, exchange: Exchange) -> None:
        call, prompt, route = exchange.upstream, exchange.leaving, exchange.route
        assert prompt is not None
        if exchange.translation is None:  # else the translation asks, and writes what the client asked for
            asked = ask_for_usage(call, prompt, path=exchange.send_path or exchange.http.path)
            if asked is not None:
                exchange.send_body = asked
                exchange.strip_usage_chunk = True
        if route is not None:
            body = exchange.send_body if exchange.send_body is not None else prompt.body
            path, headers = await self._authorize(route, exchange.send_path or route.path, exchange.send_headers or (), body)
            exchange.send_path, exchange.send_headers = path, (*(exchange.send_headers or ()), *headers)
        attempt = exchange.attempt = Attempt(
            provider=call.provider,
            model=prompt.model,
            host=exchange.upstream_host,
            started=time.monotonic(),
            deployment=route.deployment if route is not None else None,
            dialect=call.dialect,
            why=exchange.next_why or (route.reason if route is not None else None),
            wait_seconds=exchange.next_wait,
            redaction_rule=exchange.redaction.rule if exchange.redaction is not None else None,
            redactions_total=exchange.redaction.taken if exchange.redaction is not None else None,
            retention=exchange.retention,
        )
        exchange.attempts.append(attempt)
        if exchange.course is not None:
            exchange.course.began()

    def on_answer(self, exchange: Exchange) -> None:
        """
        Raises:
            UpstreamFailed: A routed call was answered with a redirect: clients that follow it would take a key of ours there.
        """
        if exchange.route is not None and 300 <= (exchange.answer_status or 0) < 400:
            raise UpstreamFailed("the provider answered with a redirect, which is not passed on", kind="upstream_redirect")
