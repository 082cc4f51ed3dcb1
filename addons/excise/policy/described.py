"""
A call as people describe it, in tests of policies and to `excise policy explain`, and the facts it has.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainValidator

from excise.exchange import Capture, Principal
from excise.policy.compile import Policy
from excise.policy.decide import UNKNOWN, Facts, normal_model
from excise.policy.numbers import Number
from excise.policy.principals import address
from excise.policy.when import MAX_TOKENS, NeedName, TaskName
from excise.policy.words import Written, listed, wrong

# As `routing` has it; a test compares.
GENERATES = frozenset({"chat", "messages", "responses"})
USUAL_COMPLEXITY = 0.5


class Who(Written):
    """
    The caller: `id` of a listed principal, which brings its team and the rest, or just the properties the test is about.
    """

    id: str | None = Field(default=None, description="Id of a listed principal, `anonymous`, or a fingerprint `fp_…`.")
    team: str | None = Field(default=None, description="Its team, if no listed principal says so.")
    app: str | None = Field(default=None, description="Its application.")
    env: str | None = Field(default=None, description="Its environment.")


def _who(value: object) -> object:
    return {"id": value} if isinstance(value, str) else value


def _moment(value: object) -> datetime:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is not None and moment.tzinfo is not None:
            return moment
    raise wrong("a time with its zone is expected, for example 2026-11-23T20:00:00+01:00")


Moment = Annotated[datetime, PlainValidator(_moment, json_schema_input_type=str)]


class DescribedCall(Written):
    """
    The call a test is about.
    """

    principal: Annotated[Who, BeforeValidator(_who, json_schema_input_type=str | Who)] = Field(
        default=Who(), description="Who calls; an id alone may stand here. Default: anonymous."
    )
    provider: str = Field(description="Provider id of the catalogue, or `unknown`.")
    operation: str = Field(default="chat", description="Operation, or `unknown`.")
    model: str | None = Field(default=None, description="Requested model; left out: the call names none.")
    capture: Literal["proxy", "transparent", "endpoint"] = Field(default="proxy", description="How the call came.")
    source: str | None = Field(default=None, description="The client's address.")
    billable: bool = Field(default=True, description="Whether the provider bills such a call.")
    task: TaskName | None = Field(default=None, description="The kind of work. Default: `unknown` where text is generated.")
    complexity: Annotated[Number, Field(ge=0, le=1)] | None = Field(
        default=None, description="How hard it looks. Default: 0.5 where text is generated."
    )
    needs: Annotated[tuple[NeedName, ...], BeforeValidator(listed, json_schema_input_type=NeedName | list[NeedName])] = Field(
        default=(), description="What the model must be able to do."
    )
    input_tokens: Annotated[int, Field(ge=0, le=MAX_TOKENS)] | None = Field(
        default=None, description="Length of the prompt; left out: it cannot be told."
    )
    output_tokens: Annotated[int, Field(ge=0, le=MAX_TOKENS)] | None = Field(default=None, description="Most that the client allows.")
    stream: bool = Field(default=False, description="Whether the client asks for a stream.")
    headers: dict[str, str] = Field(default_factory=dict, max_length=100, description="Request headers, by names in lower case.")
    tags: dict[str, str] = Field(default_factory=dict, max_length=32, description="Tags of the principal, besides those that are listed.")
    time: Moment | None = Field(
        default=None, description="When the call arrives, with its zone: `2026-11-23T20:00:00+01:00`. Left out: it cannot be told."
    )
    text: str | None = Field(default=None, max_length=100_000, description="What the prompt says, to see what is taken out of it.")


def facts_for(policy: Policy, call: DescribedCall) -> Facts:
    """
    Facts of a call that is only described.

    Raises:
        ValueError: The principal is not listed, or the address is none.
    """
    who = principal_for(policy, call.principal)
    source = address(call.source) if call.source is not None else None
    if call.source is not None and source is None:
        raise ValueError(f"{call.source!r} is not an address")
    generates = call.operation in GENERATES or call.task is not None
    return Facts(
        principal=who.id,
        team=who.team,
        app=who.app,
        env=who.env,
        provider=call.provider,
        operation=call.operation,
        model=normal_model(call.model) if call.model is not None else None,
        billable=call.billable,
        capture=Capture(call.capture),
        source=source,
        task=call.task or UNKNOWN if generates else None,
        complexity=call.complexity if call.complexity is not None or not generates else USUAL_COMPLEXITY,
        needs=frozenset(call.needs),
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        stream=call.stream,
        headers={name.lower(): value for name, value in call.headers.items()},
        tags={**who.tags, **call.tags},
        now=call.time,
    )


def principal_for(policy: Policy, who: Who) -> Principal:
    """
    A listed principal by id, with the properties given in place of its own; or one that has only those.

    Raises:
        ValueError: The id is not listed and not one of those that need not be.
    """
    listed = policy.listed.get(who.id) if who.id is not None else None
    if listed is None and who.id is not None and who.id != "anonymous" and not who.id.startswith("fp_"):
        raise ValueError(f"no principal {who.id!r} is listed in this policy")
    base = listed or Principal(id=who.id or "anonymous", type="anonymous")
    return Principal(
        id=base.id,
        type=base.type,
        team=who.team if who.team is not None else base.team,
        app=who.app if who.app is not None else base.app,
        env=who.env if who.env is not None else base.env,
        cost_centre=base.cost_centre,
        tags=base.tags,
    )
