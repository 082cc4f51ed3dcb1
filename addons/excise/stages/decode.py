"""
From bytes to what policy and routing need to know of the request.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from excise.exchange import Exchange
from excise.pipeline import Stage
from excise.stages.off_loop import run
from excise.wire.request import read_prompt

THREADED_BYTES = 512 * 1024  # from here on bodies are read in a thread


class Decode(Stage):
    """
    Read the body once, strictly. What cannot be read unambiguously is refused: policy would judge one thing, the provider do another.

    Args:
        limit: Most bytes of a decoded body.
        pseudonym: Keyed hash for end-user ids; the plain value is never kept.
    """

    def __init__(self, *, limit: int, pseudonym: Callable[[str], str]) -> None:
        self._limit = limit
        self._pseudonym = pseudonym

    async def on_request(self, exchange: Exchange) -> None:
        assert exchange.call is not None
        read = partial(read_prompt, exchange.call, exchange.http, limit=self._limit, pseudonym=self._pseudonym)
        # Most bodies take microseconds; one of megabytes with many small values takes a second, which the other clients must not wait.
        exchange.prompt = await run(read, long=len(exchange.http.body) > THREADED_BYTES)
