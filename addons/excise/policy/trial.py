"""
Tests of a policy, written beside it: `default.test.yml` for `default.yml`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from excise.errors import PolicyError
from excise.exchange import Capture, Principal
from excise.policy.compile import Policy
from excise.policy.decide import UNKNOWN, Facts, decide, normal_model
from excise.policy.flaws import Known
from excise.policy.load import TESTS, find_policy, validate
from excise.policy.principals import address
from excise.policy.words import Written, listed
from excise.policy.yaml import Loaded, load_strict
from excise.privacy.examine import examine
from excise.privacy.placeholder import Placeholders

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
    retention: str | None = Field(default=None, description="The entry of `retention` that decides; `none`: providers are asked nothing.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.allow is None) == (self.deny is None):
            raise PydanticCustomError("policy", "expect holds either allow: true or deny: a part of the reason")
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


def run_tests(policy: Policy, path: Path, *, known: Known | None = None) -> list[Outcome]:
    """
    Run a test file against a policy. A test about a provider or an operation that is not `known` has a problem: it would prove nothing.
    Tests with a `text` need a policy loaded with scanners.

    Raises:
        PolicyError: The file is not a list of tests.
    """
    value, places = load_strict(path)
    if not isinstance(value, list):
        raise PolicyError([places.fault((), "a list of tests is expected: - name: …")])
    wrapped = Loaded({"tests": value}, places.under("tests"))
    outcomes = []
    for number, test in enumerate(validate(_TestFile, wrapped).tests):
        outcomes.append(Outcome(str(path), places.value((number,)).line, test.name, _problem(policy, test, known or Known())))
    return outcomes


def _problem(policy: Policy, test: PolicyTest, known: Known) -> str:
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
    for there in targets_of(policy, facts):
        facts, decision = there, decide(policy, there)
        if decision.allow:
            break
    said = f"{'allowed' if decision.allow else 'denied'} by {decision.rule}" + (f": {decision.reason}" if decision.reason else "")
    expect = test.expect
    if decision.allow != bool(expect.allow):
        return f"expected {'allow' if expect.allow else 'deny'}, but {said}"
    if expect.deny is not None and expect.deny not in decision.reason and expect.deny != decision.rule:
        return f"expected a reason with {expect.deny!r}, but {said}"
    if expect.rule is not None and expect.rule != decision.rule:
        return f"expected rule {expect.rule!r} to decide, but {said}"
    return _protection_problem(policy, test, facts)


def targets_of(policy: Policy, facts: Facts) -> list[Facts]:
    """
    Facts of a call as its targets would get it, in order; its own where no route sends it elsewhere.
    """
    route = policy.routed(facts)
    if route is None:
        return [facts]
    return [
        replace(facts, provider=policy.deployments[one.target.deployment].provider, model=normal_model(one.target.model))
        for one in route.said.targets
    ]


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
    )
