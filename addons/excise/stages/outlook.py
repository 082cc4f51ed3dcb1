"""
What a worker knows of the targets at this moment: how they are doing, what they can, who answered whom last.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial

from excise.catalog.abilities import Capabilities
from excise.catalog.capability import Capability
from excise.exchange import Exchange
from excise.health.target_health import TargetHealth
from excise.policy.compile import Policy
from excise.policy.deployment import TargetRef
from excise.policy.terms import Choice
from excise.routing.planning import View
from excise.routing.profile import Profile
from excise.routing.ratios import Ratios
from excise.routing.stickiness import Remembered, dice_of


class Outlook:
    """
    The state routing lives on: health is shared by the workers of a host, the rest is this worker's own.

    Args:
        health: How targets are doing.
        capabilities: What models can.
        ratios: Learned token ratios; `capabilities` reads them.
        secret: Of the dice, the same on all workers.
    """

    def __init__(self, health: TargetHealth, capabilities: Capabilities, ratios: Ratios, *, secret: bytes) -> None:
        self.health = health
        self.ratios = ratios
        self.remembered = Remembered()
        self._capabilities = capabilities
        self._secret = secret

    def view(self, policy: Policy, exchange: Exchange, choice: Choice) -> View:
        """
        What a planner may see for one call.
        """
        profile = exchange.profile or Profile()
        now = time.monotonic()
        key = sticky_key(exchange, choice.sticky)
        conversation = sticky_key(exchange, "conversation")
        return View(
            profile=profile,
            capability=partial(self.capability, policy),
            standing=lambda target: self.health.standing(target, credentials=len(policy.deployments[target.deployment].credentials)),
            region=lambda target: policy.deployments[target.deployment].region,
            keeps_nothing=lambda target: True,  # depends on the request as it is written there: asked when it is
            warm_tokens=lambda target: self.remembered.warm_tokens(conversation, target, now),
            now=now,
            today=datetime.now(UTC).date(),
            dice=dice_of(self._secret, key or exchange.id.encode()),
            last=self.remembered.last(key, now) if key else None,
        )

    def capability(self, policy: Policy, target: TargetRef) -> Capability:
        """
        Of a target's model at its provider.
        """
        return self._capabilities.of(policy.deployments[target.deployment].provider, target.model)

    def answered(self, exchange: Exchange, target: TargetRef) -> None:
        """
        A target has answered a call: the next of its conversation finds its prompt warm there.
        """
        now, tokens = time.monotonic(), (exchange.usage.input_tokens if exchange.usage is not None else None) or 0
        for sticky in ("conversation", "principal"):
            self.remembered.answered(sticky_key(exchange, sticky), target, now, tokens)


def sticky_key(exchange: Exchange, sticky: str) -> bytes:
    """
    What calls that belong together have in common; empty: nothing does.
    """
    who = exchange.principal.id.encode() if exchange.principal is not None else b""
    if sticky == "principal":
        return b"principal " + who if who else b""
    begun = exchange.profile.conversation if exchange.profile is not None else b""
    return b"conversation " + begun + who if sticky == "conversation" and begun else b""
