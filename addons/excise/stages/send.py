"""
What leaves, and to whom.
"""

from __future__ import annotations

import time

from excise.exchange import Attempt, Exchange
from excise.pipeline import Stage
from excise.wire.include_usage import ask_for_usage


class Send(Stage):
    """
    Prepare the one attempt: the client's own target, its own bytes, and `include_usage` where it was left open (the meter
    takes the extra chunk out again).
    """

    async def on_request(self, exchange: Exchange) -> None:
        assert exchange.call is not None and exchange.prompt is not None
        asked = ask_for_usage(exchange.call, exchange.prompt, path=exchange.http.path)
        if asked is not None:
            exchange.send_body = asked
            exchange.strip_usage_chunk = True
        exchange.attempts.append(
            Attempt(provider=exchange.call.provider, model=exchange.prompt.model, host=exchange.http.host, started=time.monotonic())
        )
