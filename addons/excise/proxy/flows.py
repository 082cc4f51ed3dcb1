"""
The flows of one worker and what they stand for.
"""

from __future__ import annotations

from collections.abc import Container
from weakref import WeakKeyDictionary

from mitmproxy.connection import Client
from mitmproxy.http import HTTPFlow

from excise.exchange import Exchange
from excise.proxy.seal import Seals


class Flows:
    """
    Which call, or which attempt at one, each flow is.

    Attributes:
        exchanges: Of calls that are read; others have none.
        live: Client connection id to requests under way, from head to last byte of the answer. Of the attempts at one call only the one
            whose end is the call's.
        reasons: Why we ended a call ourselves.
        seals: What was approved.

    Args:
        foreign: Those that are passed on unread.
    """

    def __init__(self, foreign: Container[HTTPFlow]) -> None:
        self._foreign = foreign
        self.exchanges: WeakKeyDictionary[HTTPFlow, Exchange] = WeakKeyDictionary()
        self.live: dict[str, set[HTTPFlow]] = {}
        self.reasons: WeakKeyDictionary[HTTPFlow, str] = WeakKeyDictionary()
        self.seals = Seals()

    def waits(self, client: Client) -> bool:
        """
        Whether a call of this client waits for its provider: it was let out and has not ended.
        """
        return any(
            flow in self._foreign or ((exchange := self.exchanges.get(flow)) is not None and exchange.attempts)
            for flow in self.live.get(client.id, ())
        )

    def asked_at(self, client: Client, otherwise: float) -> float:
        """
        When the call that waits was let out, in monotonic seconds; `otherwise` where none does.
        """
        calls = (self.exchanges.get(flow) for flow in self.live.get(client.id, ()))
        return max((call.attempts[-1].started for call in calls if call and call.attempts), default=otherwise)

    def under_way(self) -> list[Exchange]:
        """
        The calls whose answer has begun and not ended.
        """
        calls = (self.exchanges.get(flow) for flows in self.live.values() for flow in flows)
        return [call for call in calls if call is not None and call.answer_status is not None]
