"""
What planning of calls needs that no worker is there to give: the tables, and targets that are as well as the ledger, or nobody, says.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from excise.catalog.abilities import Capabilities
from excise.catalog.models import Models
from excise.catalog.prices import Prices
from excise.catalog.providers import Catalog
from excise.catalog.quality import load_quality
from excise.catalog.retention import load_retention
from excise.errors import BadRequest
from excise.ledger.replay import Speed
from excise.policy.compile import Policy
from excise.policy.decide import Facts, normal_model
from excise.policy.load import find_policy, validate
from excise.policy.schema import PolicyFile
from excise.policy.terms import Choice
from excise.policy.trial import Order, Planner
from excise.policy.yaml import load_strict
from excise.routing.planning import planned
from excise.routing.profile import Need, Profile, Task
from excise.routing.profiling.length import expected_output
from excise.routing.ratios import Ratios, Row
from excise.routing.replayed import World
from excise.routing.simulation import view_of
from excise.routing.standing import UNTRIED
from excise.routing.targets import GENERATES
from excise.stages.plan import nobody
from excise.stages.wanted import resolve
from excise.wire.operations.registry import OPERATIONS

_IN_EXPRESSIONS = re.compile(r"\b(headers|time)\b|\bcall\.(source|capture|complexity)\b|\bprincipal\.(id|app|env|tags)\b")

_UNTRIED = Speed((), UNTRIED)


def world_of(
    policy: Policy,
    *,
    prices: Path | None = None,
    speeds: Mapping[tuple[str, str], Speed] | None = None,
    ratios: Iterable[Row] = (),
    own: Container[str] = (),
) -> World:
    """
    The shipped tables, with an operator's prices over them; all targets healthy, as fast as `speeds` has them, and with the token ratios
    the ledger knows.

    Args:
        own: Providers on the operator's own machines, as the catalogue says.
    """
    learned = Ratios()
    learned.load(ratios)
    capabilities = Capabilities(
        Models.load(),
        Prices.load(prices),
        load_quality(),
        lambda provider, model: learned.of(provider, normal_model(model) or ""),
        own=own,
    )
    book, day = load_retention(), today()
    known = speeds or {}

    def keeps_nothing(facts: Facts) -> bool:
        rule = policy.retained(facts)
        if rule is None or rule.mode != "zero":
            return False
        entry = book.providers.get(facts.provider)
        promised = entry is not None and entry.promised and day <= entry.expires_on
        return promised or not {facts.provider, f"{facts.provider}/{facts.operation}"}.isdisjoint(rule.attested or ())

    def named(provider: str, model: str) -> tuple[Choice, str] | str:
        try:
            wanted = resolve(policy, provider, model or None)
        except BadRequest as error:
            return str(error)
        return wanted.choice, wanted.rule

    def speed(provider: str, model: str) -> Speed:
        return known.get((provider, normal_model(model) or ""), _UNTRIED)

    return World(
        capability=capabilities.of,
        standing=lambda provider, model: speed(provider, model).standing,
        milliseconds=lambda provider, model: speed(provider, model).milliseconds,
        routable=lambda facts: facts.operation in GENERATES or facts.operation in OPERATIONS,
        named=named,
        keeps_nothing=keeps_nothing,
        today=day,
    )


def today() -> date:
    """
    In UTC, as models are switched off.
    """
    return datetime.now(UTC).date()


def middle(purpose: str) -> float:
    """
    Dice that fall in the middle: of weighted targets the heaviest is first, and a canary with less than half of the calls gets none. But a
    copy is made, whatever its share: who answers is the same with and without it.
    """
    return 0.0 if purpose == "shadow" else 0.5


def profile_from(facts: Facts, read: Profile | None = None) -> Profile:
    """
    The profile of a call that is described.

    Args:
        read: Of its request, where there is one; what the description says otherwise counts.
    """
    base = read or Profile()
    task = Task(facts.task or Task.UNKNOWN)
    complexity = base.complexity if facts.complexity is None else facts.complexity
    if read is not None and (task, complexity) == (read.task, read.complexity) and read.output_tokens is not None:
        confidence, expected = read.confidence, min(read.output_tokens, facts.output_tokens or read.output_tokens)
    else:
        # Without its words all of the input counts as what is asked.
        confidence = float(task is not Task.UNKNOWN)
        expected = expected_output(task, complexity, facts.input_tokens or 0, facts.output_tokens)
    return replace(
        base,
        task=task,
        confidence=confidence,
        complexity=complexity,
        needs=frozenset(Need(need) for need in facts.needs),
        input_tokens=facts.input_tokens,
        output_tokens=expected,
        max_tokens=facts.output_tokens,
    )


def planner_of(policy: Policy, *, own: Container[str] = ()) -> Planner:
    """
    What tests of a policy are planned with. Models are switched off by the test's own time, where it gives one.

    Args:
        own: As of `world_of`.
    """
    world = world_of(policy, own=own)

    def plan(choice: Choice, rule: str, facts: Facts) -> Order:
        profile = profile_from(facts) if facts.task is not None else Profile()  # as workers have it: only what generates text has one
        found = planned(choice, rule, view_of(policy, facts, profile, at_its_time(world, facts), middle))
        return Order(
            tuple(one.target for one in found.candidates),
            tuple(f"{one.target}: {one.reason}" for one in found.excluded),
            found.shadow,
            found.notes,
            nobody(found),
        )

    return plan


def at_its_time(world: World, facts: Facts) -> World:
    """
    The world on the day of a call that says when it arrives.
    """
    return world if facts.now is None else replace(world, today=facts.now.astimezone(UTC).date())


def written_policy(where: Path) -> PolicyFile:
    """
    The policy as written.

    Raises:
        PolicyError: It cannot be read.
    """
    return validate(PolicyFile, load_strict(find_policy(where)))


def asked_about(written: PolicyFile) -> frozenset[str]:
    """
    What the policy asks about, anywhere: names of conditions.
    """
    found: set[str] = set()
    conditions = (*(one.when for one in written.rules), *(one.when for one in written.routes), *(one.when for one in written.retention))
    for when in conditions:
        if when is None:
            continue
        found |= {name for name in when.model_fields_set if getattr(when, name) is not None}
        for named in _IN_EXPRESSIONS.findall(when.expr or ""):
            found.add("".join(named).replace("id", "principal"))
    choices = (*written.routes, *written.aliases.values())
    if any(one.optimise is not None and one.optimise.quality for one in choices):
        found.add("complexity")
    return frozenset(found)


def billable_by(catalog: Catalog) -> Mapping[tuple[str, str], bool]:
    """
    Whether a provider bills an operation, for every one it has.
    """
    found: dict[tuple[str, str], bool] = {}
    for provider in catalog.providers:
        for way in catalog.ways(provider):
            key = (provider, way.call.operation)
            found[key] = found.get(key, False) or way.call.billable
    return found
