"""
What an entry of `routes` means once it is compiled: which targets, in what order, under which conditions, and what is done when one fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from excise.policy.deployment import TargetRef

STREAM_SECONDS = 120.0
WHOLE_SECONDS = 600.0  # as long as the SDKs wait

type Strategy = Literal["ordered", "weighted", "optimise"]

ANSWER_FAULTS = ("empty", "broken_json", "schema", "broken_call", "repetition", "refusal")
"""What may be wrong with an answer that came whole, cheap to see: of these a policy says which are reasons to ask another target."""


@dataclass(frozen=True, slots=True)
class Weights:
    """
    What a call is optimised for; they add up to 1.
    """

    cost: float = 0.0
    latency: float = 0.0
    quality: float = 0.0


@dataclass(frozen=True, slots=True)
class Requirements:
    """
    What a target must keep, whatever its score. What the call itself needs (context, tools, pictures …) is required always.

    Attributes:
        quality: Least score for the call's task, 0 to 1; a model without a score does not have it.
        max_cost_usd: Most the call may be expected to cost.
        max_input_price, max_output_price: USD per million tokens.
        regions: Globs, one of which the region of the target's entry must match.
        exact: Nothing of the request may be lost in translation.
        zero_retention: The provider must be known to keep nothing of it.
    """

    quality: float | None = None
    max_cost_usd: Decimal | None = None
    max_input_price: Decimal | None = None
    max_output_price: Decimal | None = None
    regions: tuple[str, ...] = ()
    exact: bool = False
    zero_retention: bool = False


@dataclass(frozen=True, slots=True)
class Failover:
    """
    What is done when a target fails before the client has seen a byte of its answer.

    Attributes:
        attempts: Most tries of one call, the first included; 1: none but the first.
        retries: Tries again at a target that failed in passing, of each target.
        connect_seconds: Until TLS is up.
        first_byte_seconds: From the request to the whole head of the answer. `None`: `STREAM_SECONDS` for streams, `WHOLE_SECONDS` for
            others, whose head is sent when all of it is written.
        idle_seconds: Between two pieces of an answer.
        total_seconds: From the call's arrival; no further try begins after it, and none lasts longer.
        max_wait_seconds: Longest wait before a try that `retry-after` may ask for; longer ones go elsewhere.
        hedge_seconds: A second target is asked where the first has not begun to answer by then, and the slower one is given up.
        answers: Of `ANSWER_FAULTS`, those that count as failures.
    """

    attempts: int = 4
    retries: int = 1
    connect_seconds: float = 5.0
    first_byte_seconds: float | None = None
    idle_seconds: float = 120.0
    total_seconds: float = 900.0
    max_wait_seconds: float = 5.0
    hedge_seconds: float | None = None
    answers: frozenset[str] = frozenset({"empty", "broken_json", "broken_call"})

    def head_seconds(self, *, stream: bool) -> float:
        """
        How long the head of an answer may take.
        """
        if self.first_byte_seconds is not None:
            return self.first_byte_seconds
        return STREAM_SECONDS if stream else WHOLE_SECONDS


@dataclass(frozen=True, slots=True)
class Weighted:
    """
    A target and its share: of `weighted` choices. Shares need not add up to anything.
    """

    target: TargetRef
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Canary:
    """
    A target that gets a part of the calls; the rest go on as if it were not there.
    """

    target: TargetRef
    share: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class Shadow:
    """
    A target that gets a copy of a part of the calls; nobody sees its answers.
    """

    target: TargetRef
    share: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class Choice:
    """
    What an entry of `routes`, or an alias, says.

    Attributes:
        sticky: What keeps its target from call to call: a conversation, a principal, or nothing.
    """

    targets: tuple[Weighted, ...]
    strategy: Strategy = "ordered"
    weights: Weights = Weights(cost=1.0)
    require: Requirements = Requirements()
    failover: Failover = Failover()
    sticky: Literal["off", "conversation", "principal"] = "off"
    canary: Canary | None = None
    shadow: Shadow | None = None

    @classmethod
    def of(cls, *targets: TargetRef) -> Choice:
        """
        These targets in this order.
        """
        return cls(tuple(Weighted(target) for target in targets))
