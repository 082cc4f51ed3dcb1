"""
Tests of a policy, written beside it: `default.test.yml` for `default.yml`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from excise.errors import PolicyError
from excise.policy.compile import Policy
from excise.policy.decide import UNKNOWN, Facts, decide, normal_model
from excise.policy.deployment import TargetRef
from excise.policy.described import DescribedCall, facts_for
from excise.policy.flaw import Known
from excise.policy.load import TESTS, find_policy, validate
from excise.policy.terms import Choice
from excise.policy.words import Written, listed, wrong
from excise.policy.yaml import Loaded, load_strict
from excise.privacy.examine import examine
from excise.privacy.placeholder import Placeholders

NOBODY = "no target can take this call"


@dataclass(frozen=True, slots=True)
class Order:
    """
    Who is asked, as a planner sees it.

    Attributes:
        targets: In the order in which they are asked.
        left_out: Whoever cannot take the call, each with why: `openai/x: cannot see pictures`.
        shadow: Gets a copy of the calls that are drawn for it.
        notes: What else the planner says.
        refusal: What the client is told where there are no targets.
    """

    targets: tuple[TargetRef, ...]
    left_out: tuple[str, ...] = ()
    shadow: TargetRef | None = None
    notes: tuple[str, ...] = ()
    refusal: str = NOBODY


type Planner = Callable[[Choice, str, Facts], Order]

_NOBODYS_KEY = b"placeholders of policy tests".ljust(32)


def _in_order(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


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
    to: Annotated[str | tuple[str, ...] | None, BeforeValidator(_in_order, json_schema_input_type=str | list[str])] = Field(
        default=None, description="The target that is asked first; of a list, all in their order; an empty list: there is none to ask."
    )
    shadow: str | None = Field(default=None, description="The target that gets copies of such calls; `none`: there are no copies.")
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
        planner: Puts the targets of a choice into the order in which they are asked; it gets the choice, what named it, and the call's
            facts. `None`: they are asked as written.

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


def as_written(choice: Choice, _rule: str, _facts: Facts) -> Order:
    """
    The targets of a choice in the order in which they stand there.
    """
    return Order(tuple(one.target for one in choice.targets), shadow=choice.shadow.target if choice.shadow is not None else None)


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
    order = _order_of(policy, test.call, facts, planner)
    if order is not None:
        return _ordered_problem(policy, test, facts, order)
    problem = _asked_problem(test.expect, (), ["it goes where it was sent"]) or _decided_problem(policy, test, facts)
    return problem or _shadow_problem(policy, test, facts, None)


def _order_of(policy: Policy, call: DescribedCall, facts: Facts, planner: Planner) -> Order | None:
    """
    Who is asked. `None`: whom the client asked, because no route sends the call elsewhere and its model is no alias.
    """
    route, alias = policy.routed(facts), policy.aliases.get(call.model or "")
    if route is not None:
        return planner(route.said, route.name, facts)
    return planner(alias, f"alias {call.model}", facts) if alias is not None else None


def _there(policy: Policy, facts: Facts, target: TargetRef) -> Facts:
    return replace(facts, provider=policy.deployments[target.deployment].provider, model=normal_model(target.model))


def _ordered_problem(policy: Policy, test: PolicyTest, facts: Facts, order: Order) -> str:
    """
    What is wrong where policy chose the targets: with whom it asks, and then with what it decides for the first who may have the call.
    """
    expect, decisions = test.expect, {target: decide(policy, _there(policy, facts, target)) for target in order.targets}
    asked = [target for target in order.targets if decisions[target].allow]
    denied = [f"{target}: denied by {one.rule}" for target, one in decisions.items() if not one.allow]
    if problem := _asked_problem(expect, tuple(map(str, asked)), [*order.left_out, *denied]):
        return problem
    if order.targets:
        found = _there(policy, facts, asked[0] if asked else order.targets[-1])
        return _decided_problem(policy, test, found) or _shadow_problem(policy, test, facts, order if asked else None)
    if expect.deny is None:
        return f"expected allow, but denied: {order.refusal}"
    if expect.deny not in order.refusal:
        return f"expected a reason with {expect.deny!r}, but denied: {order.refusal}"
    beyond = next((name for name in ("rule", "redact", "found", "retention") if getattr(expect, name) is not None), None)
    if beyond is not None:
        return f"expected something of {beyond!r}, but the call is denied before that: {order.refusal}"
    return _shadow_problem(policy, test, facts, None)


def _asked_problem(expect: Expect, asked: tuple[str, ...], why: list[str]) -> str:
    """
    Args:
        why: The others are not asked.
    """
    if expect.to is None or expect.to == (asked[0] if asked and isinstance(expect.to, str) else asked):
        return ""
    said = expect.to if isinstance(expect.to, str) else ", ".join(expect.to)
    return f"expected {said or 'no target'} to be asked, but it is {', '.join(asked) or 'none'}{_because(why)}"


def _because(why: list[str]) -> str:
    return f" ({'; '.join(why)})" if why else ""


def _shadow_problem(policy: Policy, test: PolicyTest, facts: Facts, order: Order | None) -> str:
    """
    Args:
        order: `None`: policy chose no target, or none may have the call; then there is no copy either.
    """
    shadow, wanted = order.shadow if order is not None else None, test.expect.shadow
    why = [note for note in order.notes if note.startswith("shadow")] if order is not None else []
    if shadow is not None and not (decision := decide(policy, _there(policy, facts, shadow))).allow:
        shadow, why = None, [f"{shadow}: denied by {decision.rule}"]
    name = str(shadow) if shadow is not None else "none"
    if wanted is None or wanted == name:
        return ""
    return f"expected copies to go to {wanted}, but it is {name}{_because(why)}"


def _decided_problem(policy: Policy, test: PolicyTest, facts: Facts) -> str:
    """
    What is wrong with the decision, and with what is taken out of the call.

    Args:
        facts: Of the call as whoever answers gets it.
    """
    expect, decision = test.expect, decide(policy, facts)
    said = f"{'allowed' if decision.allow else 'denied'} by {decision.rule}" + (f": {decision.reason}" if decision.reason else "")
    if decision.allow != bool(expect.allow):
        return f"expected {'allow' if expect.allow else 'deny'}, but {said}"
    if expect.deny is not None and expect.deny not in decision.reason and expect.deny != decision.rule:
        return f"expected a reason with {expect.deny!r}, but {said}"
    if expect.rule is not None and expect.rule != decision.rule:
        return f"expected rule {expect.rule!r} to decide, but {said}"
    return _protection_problem(policy, test, facts)


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
