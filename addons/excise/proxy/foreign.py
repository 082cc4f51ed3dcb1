"""
HTTP that is no LLM call, on its way through us: counted, not read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from mitmproxy import http
from mitmproxy.http import HTTPFlow

from excise.exchange import Exchange
from excise.proxy.readings import counting, failure_of
from excise.proxy.settle import Settler


class Foreign:
    """
    The flows of one worker that are passed on as they are.
    """

    def __init__(self, settler: Settler) -> None:
        self._settler = settler
        self._counted: WeakKeyDictionary[HTTPFlow, list[int]] = WeakKeyDictionary()

    def __contains__(self, flow: object) -> bool:
        return flow in self._counted

    def begin(self, flow: HTTPFlow, exchange: Exchange) -> None:
        """
        Let one through, and write its row.
        """
        self._counted[flow] = [len(exchange.http.body), 0]
        self._settler.foreign_started(flow, exchange, "plain_http" if exchange.http.scheme == "http" else "other_business")

    def counter(self, flow: HTTPFlow) -> Callable[[bytes], Any]:
        """
        The `response.stream` of its answer.
        """
        return counting(self._counted[flow])

    def end(self, flow: HTTPFlow, status: str) -> None:
        """
        It is over; the second time nothing happens.
        """
        counted = self._counted.pop(flow, None)
        if counted is not None:
            self._settler.foreign_ended(flow, sent=counted[0], received=counted[1], status=status)

    def broke(self, flow: HTTPFlow, message: str) -> None:
        """
        It ended without a whole answer. Sets the client's where none has begun.
        """
        failure = failure_of(message)
        if failure is not None and flow.response is None:
            flow.response = http.Response.make(failure.status, f"excise: {failure.message}\n".encode(), {"content-type": "text/plain"})
        self.end(flow, "cancelled" if failure is None else failure.kind)
