"""
Tests of a policy, written beside it: `default.test.yml` for `default.yml`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainValidator, model_validator

from excise.errors import PolicyError
from excise.exchange import Capture, Principal
from excise.policy.compile import Policy
from excise.policy.decide import UNKNOWN, Facts, decide, normal_model
from excise.policy.deployment import TargetRef
from excise.policy.flaw import Known
from excise.policy.load import TESTS, find_policy, validate
from excise.policy.numbers import Number
from excise.policy.principals import address
from excise.policy.terms import Choice
from excise.policy.when import MAX_TOKENS, NeedName, TaskName
from excise.policy.words import Written, listed, wrong
from excise.policy.yaml import Loaded, load_strict
from excise.privacy.examine import examine
from excise.privacy.placeholder import Placeholders

# As `routing` has it; a test compares.
GENERATES = frozenset({"chat", "messages", "responses"})
USUAL_COMPLEXITY = 0.5

type Planner = Callable[[Choice, str, Facts], Sequence[TargetRef]]

_NOBODYS_KEY = b"placeholders of policy tests".ljust(32)


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


def _order(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


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


class Expect(Written):
    """
    What should come of it: `allow: true`, or `deny:` with a part of the reason.
    """

    allow: Literal[True] | None = Field(default=None, description="The call is let through.")
    deny: str | None = Field(
        default=None, min_length=1, description="The call is refused, and this stands in the reason (or is the rule's name)."
    )
    rule: str | None = Field(default=None, description="The rule that decides, `default`, or `defaults.unknown`.")
    redact: str | None = Field(default=None, description="The entry of `redact` that decides; `none`: the call is not scanned.")
    found: Annotated[tuple[str, ...] | None, BeforeValidator(listed, json_schema_input_type=str | list[str])] = Field(
        default=None, description="Kinds found in `text`, all of them; an empty list: none."
    )
    route: str | None = Field(default=None, description="The entry of `routes` that sends it elsewhere; `none`: it goes where it was sent.")
    to: Annotated[str | tuple[str, ...] | None, BeforeValidator(_order, json_schema_input_type=str | list[str])] = Field(
        default=None, description="The target that is asked first; of a list, all in their order; an empty list: there is none to ask."
    )
    retention: str | None = Field(default=None, description="The entry of `retention` that decides; `none`: providers are asked nothing.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.allow is None) == (self.deny is None):
            raise wrong("expect holds either allow: true or deny: a part of the reason")
        return self


class PolicyTest(Written):
    """
    One test.
    """

    name: str = Field(min_length=1, description="The sentence it proves.")
    call: DescribedCall = Field(description="The call.")
    expect: Expect = Field(description="What should come of it.")


class _TestFile(Written):
    tests: Annotated[tuple[PolicyTest, ...], Field(strict=False, min_length=1)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What one test showed. `problem` is empty where it passed.
    """

    file: str
    line: int
    name: str
    problem: str


def find_tests(where: Path) -> list[Path]:
    """
    The test file of the policy at `where` (file or directory), if there is one.

    Raises:
        PolicyError: There is no one policy; or, in a directory, tests stand beside it that belong to no policy.
    """
    policy = find_policy(where)
    own = policy.with_name(policy.stem + TESTS)
    if where.is_dir():
        strays = sorted(path for path in where.glob(f"*{TESTS}") if path != own and not path.name.startswith("."))
        if strays:
            raise PolicyError([(str(path), 1, 1, f"tests no policy here: {own.name} is what is run") for path in strays])
    return [own] if own.exists() else []


def run_tests(policy: Policy, path: Path, *, known: Known | None = None, planner: Planner | None = None) -> list[Outcome]:
    """
    Run a test file against a policy. A test about a provider or an operation that is not `known` has a problem: it would prove nothing.
    Tests with a `text` need a policy loaded with scanners.

    Args:
        planner: Puts the targets of a choice into the order in which they are asked, without those that cannot take the call; it gets
            the choice, what named it, and the call's facts. `None`: they are asked as written.

    Raises:
        PolicyError: The file is not a list of tests.
    """
    value, places = load_strict(path)
    if not isinstance(value, list):
        raise PolicyError([places.fault((), "a list of tests is expected: - name: …")])
    wrapped = Loaded({"tests": value}, places.under("tests"))
    outcomes = []
    for number, test in enumerate(validate(_TestFile, wrapped).tests):
        problem = _problem(policy, test, known or Known(), planner or as_written)
        outcomes.append(Outcome(str(path), places.value((number,)).line, test.name, problem))
    return outcomes


def as_written(choice: Choice, _rule: str, _facts: Facts) -> Sequence[TargetRef]:
    """
    The targets of a choice in the order in which they stand there.
    """
    return [one.target for one in choice.targets]


def _problem(policy: Policy, test: PolicyTest, known: Known, planner: Planner) -> str:
    for what, name, is_known in (("provider", test.call.provider, known.provider), ("operation", test.call.operation, known.operation)):
        if name != UNKNOWN and not is_known(name):
            return f"{what} {name!r} is not in the catalogue"
    try:
        facts = facts_for(policy, test.call)
    except ValueError as error:
        return str(error)
    route = policy.routed(facts)
    wanted, name = test.expect.route, route.name if route is not None else "none"
    if wanted is not None and wanted != name:
        return f"expected entry {wanted!r} of routes to decide, but it is {name!r}"
    targets = targets_of(policy, test.call, facts, planner)
    decisions = [(there, decide(policy, there)) for _, there in targets]
    asked = [str(target) for (target, _), (_, decision) in zip(targets, decisions, strict=True) if target is not None and decision.allow]
    expect = test.expect
    if expect.to is not None and expect.to != (asked[0] if asked and isinstance(expect.to, str) else tuple(asked)):
        said = expect.to if isinstance(expect.to, str) else ", ".join(expect.to)
        return f"expected {said or 'no target'} to be asked, but it is {', '.join(asked) or 'none'}"
    if not decisions:
        return "" if expect.to == () else "no target can take this call"
    facts, decision = next((one for one in decisions if one[1].allow), decisions[-1])
    said = f"{'allowed' if decision.allow else 'denied'} by {decision.rule}" + (f": {decision.reason}" if decision.reason else "")
    if decision.allow != bool(expect.allow):
        return f"expected {'allow' if expect.allow else 'deny'}, but {said}"
    if expect.deny is not None and expect.deny not in decision.reason and expect.deny != decision.rule:
        return f"expected a reason with {expect.deny!r}, but {said}"
    if expect.rule is not None and expect.rule != decision.rule:
        return f"expected rule {expect.rule!r} to decide, but {said}"
    return _protection_problem(policy, test, facts)


def targets_of(policy: Policy, call: DescribedCall, facts: Facts, planner: Planner = as_written) -> list[tuple[TargetRef | None, Facts]]:
    """
    The targets of a call in order, each with the facts of the call it would get. `None`: where the client sent it, because no route
    sends it elsewhere and its model is no alias.
    """
    route, alias = policy.routed(facts), policy.aliases.get(call.model or "")
    if route is not None:
        refs = planner(route.said, route.name, facts)
    elif alias is not None:
        refs = planner(alias, "alias", facts)
    else:
        return [(None, facts)]
    return [(ref, replace(facts, provider=policy.deployments[ref.deployment].provider, model=normal_model(ref.model))) for ref in refs]


def _protection_problem(policy: Policy, test: PolicyTest, facts: Facts) -> str:
    expect, protection, retained = test.expect, policy.protection(facts), policy.retained(facts)
    for what, wanted, entry in (("redact", expect.redact, protection), ("retention", expect.retention, retained)):
        name = entry.name if entry is not None else "none"
        if wanted is not None and wanted != name:
            return f"expected entry {wanted!r} of {what} to decide, but it is {name!r}"
    if expect.found is None:
        return ""
    if test.call.text is None:
        return "expected findings without a text to find them in"
    if protection is None:
        return "" if not expect.found else "expected findings, but the call is not scanned"
    examined = examine(test.call.text, protection, Placeholders(_NOBODYS_KEY))
    kinds = {spot.entity for spot in examined.spots}
    if kinds == set(expect.found):
        return ""
    places = "; ".join(
        f"{spot.entity} at {spot.start}-{spot.end} by {spot.detector} ({protection.action(spot.entity)})" for spot in examined.spots
    )
    return f"expected {', '.join(expect.found) or 'nothing'} to be found, but there is {places or 'nothing'}"


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
