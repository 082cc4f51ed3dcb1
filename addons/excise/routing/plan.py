"""
The plan of a call: who is asked, in which order, and why; and who is not, and why not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from excise.policy.deployment import TargetRef
from excise.policy.terms import Failover, Requirements, Strategy


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    One target, as it was seen when the call was planned.

    Attributes:
        reason: Why it stands where it stands, or why it is excluded; fixed text and figures, never content.
        cost_usd: What the call is expected to cost there; `None`: no price is known.
        latency_seconds: Expected until the answer is whole.
        quality: For the call's task, 0 to 1.
        score: The higher the better; only where something was optimised.
        efficient: No other candidate is better in one respect and as good in the others.
    """

    target: TargetRef
    reason: str
    cost_usd: Decimal | None = None
    latency_seconds: float | None = None
    quality: float | None = None
    score: float | None = None
    efficient: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What was decided of a call before anything left.

    Attributes:
        rule: The route's name, or how the model was found: `alias NAME`, `provider/model`, `model`.
        candidates: Best first; empty where `excluded` says of each why.
        excluded: With the reason in `Candidate.reason`.
        last_resort: All candidates were out of order, and are tried all the same.
        shadow: Gets a copy.
    """

    rule: str
    strategy: Strategy
    candidates: tuple[Candidate, ...]
    excluded: tuple[Candidate, ...] = ()
    require: Requirements = field(default_factory=Requirements)
    failover: Failover = field(default_factory=Failover)
    last_resort: bool = False
    shadow: TargetRef | None = None
    notes: tuple[str, ...] = field(default=())  # canary, stickiness, cache regret: what moved somebody up
