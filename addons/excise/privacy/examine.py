"""
What redaction would make of a text: for people and tests, who look before they send.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from excise.errors import Refused
from excise.privacy.placeholder import Placeholders
from excise.privacy.protection import Protection
from excise.privacy.redact import Plan, look
from excise.privacy.vault import Vault
from excise.privacy.walk.source import of_text
from excise.privacy.walk.spots import Spot


@dataclass(frozen=True, slots=True)
class Examined:
    """
    Attributes:
        spots: What was found, ascending; places in code points, end exclusive.
        redacted: The text as it would leave; where `blocked`, as it is.
        blocked: Why the call would be refused; empty: it would not.
    """

    spots: list[Spot] = field(repr=False)
    redacted: str = field(repr=False)
    blocked: str = ""


def examine(text: str, protection: Protection, placeholders: Placeholders, *, now: float = 0.0) -> Examined:
    """
    Treat a text as the proxy would treat a request that holds it. Nothing is kept.
    """
    vault = Vault(placeholders, "examined")
    source = of_text(text)
    spots = look(source, protection.scanner(), protection, vault.known(now))
    plan = Plan(source, protection, vault, placeholders, {}, now)
    try:
        for _ in plan.decide(spots):
            pass
    except Refused as refusal:
        return Examined(spots, text, refusal.message)
    return Examined(spots, plan.carry_out().body.decode("utf-8", "surrogatepass"))
