"""
What people write about the choice of a target: the body of an entry of `routes`, and of an alias.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from excise.policy.deployment import TargetRef
from excise.policy.numbers import Money, Number
from excise.policy.terms import Canary, Choice, Failover, Requirements, Shadow, Weighted, Weights
from excise.policy.words import Patterns, Written, fits, listed, wrong

MAX_TARGETS = 20
MAX_ATTEMPTS = 20
MAX_SECONDS = 3600
MAX_WEIGHT = 1_000_000

_TARGET = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}/[!-~]{1,512}")

TargetName = Annotated[str, fits(_TARGET, "a target NAME/MODEL is expected: an entry of `providers` and a model as that provider names it")]
Seconds = Annotated[Number, Field(gt=0, le=MAX_SECONDS)]
Weight = Annotated[Number, Field(ge=0, le=MAX_WEIGHT)]
Percent = Annotated[Number, Field(gt=0, le=100)]
AnswerFault = Literal["empty", "broken_json", "schema", "broken_call", "repetition", "refusal"]


class TargetEntry(Written):
    """
    A target, and its share of the calls.
    """

    target: TargetName = Field(description="`NAME/MODEL`.")
    weight: Weight | None = Field(
        default=None, description="Its share, in proportion to the others'. Given for one, those without have 1, and the order is drawn."
    )


def _target(value: Any) -> Any:
    return {"target": value} if isinstance(value, str) else value


Targets = Annotated[
    tuple[Annotated[TargetEntry, BeforeValidator(_target, json_schema_input_type=str | TargetEntry)], ...],
    BeforeValidator(listed, json_schema_input_type=str | list[str | TargetEntry]),
    Field(min_length=1, max_length=MAX_TARGETS),
]


class OptimiseEntry(Written):
    """
    What counts how much when targets are compared, in proportion to each other.
    """

    cost: Weight = Field(default=0, description="What the call is expected to cost there.")
    latency: Weight = Field(default=0, description="How long until its answer is whole.")
    quality: Weight = Field(default=0, description="How well the model does this kind of work.")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.cost + self.latency + self.quality > 0:
            raise wrong("nothing to optimise: give cost, latency or quality a weight above 0")
        return self


class RequireEntry(Written):
    """
    What a target must keep to be asked, whatever else speaks for it. What the call itself needs is required always.
    """

    quality: Annotated[Number, Field(ge=0, le=1)] | None = Field(
        default=None, description="Least score for the call's task, 0 to 1. A model without a score does not have it."
    )
    max_cost_usd: Money | None = Field(default=None, description="Most the call may be expected to cost.")
    max_input_price: Money | None = Field(default=None, description="Of its model, in USD per million tokens.")
    max_output_price: Money | None = Field(default=None, description="The same of output.")
    regions: Patterns | None = Field(
        default=None, description="One of these is the `region` of its entry of `providers`. `*` is a wildcard."
    )
    exact: bool = Field(default=False, description="Nothing of the request may be lost in translation.")
    retention: Literal["zero"] | None = Field(default=None, description="Its provider is known to keep nothing of the call.")


class CanaryEntry(Written):
    """
    A target that gets a part of the calls before all others.
    """

    target: TargetName = Field(description="`NAME/MODEL`, none of those under `to`.")
    percent: Percent = Field(description="Of the calls.")


class ShadowEntry(Written):
    """
    A target that gets a copy of a part of the calls; nobody sees its answers, and they cost what they cost. Each copy is a call
    like any other: tools that run at the provider run there, too, and it may store there what policy lets it store.
    """

    target: TargetName = Field(description="`NAME/MODEL`.")
    percent: Percent = Field(description="Of the calls.")


def _auto(value: Any) -> Any:
    return None if value == "auto" else value


def _never(value: Any) -> Any:
    return None if value == "off" else value


class FailoverEntry(Written):
    """
    What is done when a target fails before the client has seen a byte of its answer. What an entry leaves out is as `defaults.failover`
    says; `off` asks the first target once and no other.
    """

    attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] = Field(default=4, description="Most tries of one call, the first included.")
    retries: Annotated[int, Field(ge=0, le=MAX_ATTEMPTS)] = Field(
        default=1, description="Tries again at a target that failed in passing, of each target."
    )
    connect_seconds: Seconds = Field(default=5, description="Until TLS is up.")
    first_byte_seconds: Annotated[Seconds | None, BeforeValidator(_auto, json_schema_input_type=float | Literal["auto"])] = Field(
        default=None,
        description="From the request to the whole head of the answer. `auto`: 120 for streams, 600 for answers that come whole, "
        "which are sent when they are written.",
    )
    idle_seconds: Seconds = Field(default=120, description="Between two pieces of an answer.")
    total_seconds: Seconds = Field(default=900, description="From the call's arrival; no try begins after it, and none lasts longer.")
    max_wait_seconds: Annotated[Number, Field(ge=0, le=MAX_SECONDS)] = Field(
        default=5, description="Longest wait that `retry-after` may ask for; where it asks for more, another target is asked."
    )
    hedge_seconds: Annotated[Seconds | None, BeforeValidator(_never, json_schema_input_type=float | Literal["off"])] = Field(
        default=None, description="A second target is asked where the first has not begun to answer by then. Both may cost. `off`: never."
    )
    answers: Annotated[tuple[AnswerFault, ...], BeforeValidator(listed, json_schema_input_type=AnswerFault | list[AnswerFault])] = Field(
        default=("empty", "broken_json", "broken_call"),
        description="Faults of an answer that count as a failure; an empty list: none.",
    )

    def over(self, outer: Failover) -> Failover:
        """
        As written, with what is not written from `outer`.
        """
        said = {name: getattr(self, name) for name in self.model_fields_set}
        if "answers" in said:
            said["answers"] = frozenset(self.answers)
        return Failover(**{name: getattr(outer, name) for name in Failover.__slots__} | said)


def _off(value: Any) -> Any:
    if isinstance(value, str) and value != "off":
        raise wrong("keys and values are expected here, or `off`")
    return {"attempts": 1, "hedge_seconds": "off", "answers": []} if value == "off" else value


FailoverWord = Annotated[FailoverEntry, BeforeValidator(_off, json_schema_input_type=FailoverEntry | Literal["off"])]


class ChoiceEntry(Written):
    """
    Which targets, in what order, under which conditions, and what is done when one fails.
    """

    to: Targets = Field(
        description="`NAME/MODEL`, in order: the first that policy allows and that can do what the call asks takes it. "
        "With a weight, the order is drawn."
    )
    optimise: OptimiseEntry | None = Field(default=None, description="Put the best first, instead of the order as written.")
    require: RequireEntry = Field(default=RequireEntry(), description="What a target must keep.")
    sticky: Literal["off", "conversation", "principal"] = Field(
        default="off", description="What keeps the target it was once given, so that the provider's prompt cache is hit."
    )
    canary: CanaryEntry | None = Field(default=None, description="A target to try on a part of the calls.")
    shadow: ShadowEntry | None = Field(default=None, description="A target to try on copies of a part of the calls.")
    failover: FailoverWord | None = Field(
        default=None, description="What is done when a target fails; `off`: nothing. Default: `defaults.failover`."
    )

    @model_validator(mode="after")
    def _one_strategy(self) -> Self:
        weights = [one.weight for one in self.to if one.weight is not None]
        if weights and self.optimise is not None:
            raise wrong("weights under `to` or `optimise`, not both")
        if weights and len(weights) == len(self.to) and not any(weights):
            raise wrong("all weights are 0: no target would ever be asked")
        return self


def _choice(value: Any) -> Any:
    return {"to": value} if isinstance(value, str | list | tuple) else value


AliasEntry = Annotated[ChoiceEntry, BeforeValidator(_choice, json_schema_input_type=str | list[str | TargetEntry] | ChoiceEntry)]


def choice_of(entry: ChoiceEntry, failover: Failover) -> Choice:
    """
    An entry as it runs.

    Args:
        failover: Of entries that do not say.
    """
    weighted = any(one.weight is not None for one in entry.to)
    return Choice(
        targets=tuple(Weighted(TargetRef.of(one.target), 1.0 if one.weight is None else one.weight) for one in entry.to),
        strategy="optimise" if entry.optimise is not None else "weighted" if weighted else "ordered",
        weights=_weights(entry.optimise) if entry.optimise is not None else Weights(cost=1.0),
        require=_requirements(entry.require),
        failover=failover if entry.failover is None else entry.failover.over(failover),
        sticky=entry.sticky,
        canary=None if entry.canary is None else Canary(TargetRef.of(entry.canary.target), entry.canary.percent / 100),
        shadow=None if entry.shadow is None else Shadow(TargetRef.of(entry.shadow.target), entry.shadow.percent / 100),
    )


def _weights(entry: OptimiseEntry) -> Weights:
    total = entry.cost + entry.latency + entry.quality
    return Weights(cost=entry.cost / total, latency=entry.latency / total, quality=entry.quality / total)


def _requirements(entry: RequireEntry) -> Requirements:
    return Requirements(
        quality=entry.quality,
        max_cost_usd=entry.max_cost_usd,
        max_input_price=entry.max_input_price,
        max_output_price=entry.max_output_price,
        regions=entry.regions or (),
        exact=entry.exact,
        zero_retention=entry.retention == "zero",
    )
