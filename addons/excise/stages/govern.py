"""
What policy says of this call.
"""

from __future__ import annotations

from excise.errors import Refused
from excise.exchange import Decision, Exchange
from excise.pipeline import Stage
from excise.policy.decide import decide_all, facts_of, other_models
from excise.policy.store import PolicyStore


class Govern(Stage):
    """
    Decide by the policy in force at this moment, and refuse what it denies.
    """

    each_attempt = True

    def __init__(self, store: PolicyStore) -> None:
        self._store = store

    async def on_request(self, exchange: Exchange) -> None:
        """
        Raises:
            Refused: Policy denies the call. `exchange.decision` says the same for the record.
        """
        decision = decide_all(self._store.current, facts_of(exchange), other_models(exchange))
        exchange.decision = decision
        if not decision.allow:
            raise Refused(_text(decision), kind="policy_denied")


def _text(decision: Decision) -> str:
    # Nothing of the request stands here, not even the model's name: error texts are logged.
    return (
        f"rule {decision.rule!r} of policy {decision.policy_id} denies this call: {decision.reason}. "
        "Nothing was sent. If it should be allowed, ask who keeps the policy; `excise policy explain` shows how it was decided."
    )
