"""
What policy says of one call. Pure: facts in, decision out; it never raises.

Everything is prepared when a policy is loaded (`compile_rule`), so a decision is a walk over closures: 50 rules in a few
microseconds, whatever the patterns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, NamedTuple

from excise.exchange import Capture, Decision, Exchange
from excise.policy.glob import any_of
from excise.policy.principals import address

if TYPE_CHECKING:
    from excise.policy.compile import Policy
    from excise.policy.words import When

UNKNOWN = "unknown"
MAX_MODEL = 2048  # characters, as long as an ARN may be; a longer name is taken for none at all


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What rules may ask about. `None`: nobody said. `model` is in the form `normal_model` gives.
    """

    principal: str
    provider: str
    operation: str
    capture: Capture
    team: str | None = None
    app: str | None = None
    env: str | None = None
    model: str | None = None
    billable: bool = True
    source: IPv4Address | IPv6Address | None = None


Test = Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """
    One condition of a rule: `name` as in the schema, the values as written, and the compiled test.
    """

    name: str
    values: tuple[str, ...]
    test: Test = field(repr=False)


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """
    A rule ready to run. `decision` is what it says whenever all `conditions` hold.
    """

    conditions: tuple[Condition, ...]
    tests: tuple[Test, ...] = field(repr=False)
    decision: Decision


class Traced(NamedTuple):
    """
    What one rule made of a call: `why` names the first condition that did not hold, or why the rule was not asked.
    """

    rule: str
    matched: bool
    why: str


def normal_model(model: str) -> str | None:
    """
    A model name as rules compare it: no outer space, lower case, without Google's `models/` in front. `None` for one that is empty or
    longer than `MAX_MODEL`.

    Providers accept these spellings for the same model, so a rule must not tell them apart.
    """
    model = model.strip().lower().removeprefix("models/")
    return model if 0 < len(model) <= MAX_MODEL else None


def facts_of(exchange: Exchange) -> Facts:
    """
    Facts of a call after recognise, identify and decode; after route, of the call its target gets. A model in the path beats one in the
    body, as it does at the provider.
    """
    principal, prompt = exchange.principal, exchange.prompt
    call = exchange.route.call if exchange.route is not None else exchange.call
    model = call.model if call is not None else None
    if model is None and prompt is not None:
        model = prompt.model
    return Facts(
        principal=principal.id if principal is not None else "anonymous",
        team=principal.team if principal is not None else None,
        app=principal.app if principal is not None else None,
        env=principal.env if principal is not None else None,
        provider=call.provider if call is not None else UNKNOWN,
        operation=call.operation if call is not None else UNKNOWN,
        model=normal_model(model) if model is not None else None,
        billable=call.billable if call is not None else True,
        capture=exchange.client.capture,
        source=address(exchange.client.ip),
    )


def other_models(exchange: Exchange) -> tuple[str | None, ...]:
    """
    Models the request names as fallbacks (`models: […]` in the body, as OpenRouter has it), which policy must allow as well. `None` for
    one that is not named by a plain text: nobody knows which it is.

    Source: openrouter.ai/docs, "Model fallbacks", read 2026-11.
    """
    body = exchange.prompt.json if exchange.prompt is not None else None
    named = body.get("models") if isinstance(body, dict) else None
    if not isinstance(named, list):
        return ()
    return tuple(dict.fromkeys(normal_model(model) if isinstance(model, str) else None for model in named))


def decide(policy: Policy, facts: Facts) -> Decision:
    """
    The first rule all of whose conditions hold decides; before it `defaults.unknown`, after all of them `default`.
    """
    if policy.blocks_unknown and (facts.provider == UNKNOWN or facts.operation == UNKNOWN):
        return policy.unknown_decision
    for rule in policy.rules:
        for test in rule.tests:
            if not test(facts):
                break
        else:
            return rule.decision
    return policy.default_decision


def decide_all(policy: Policy, facts: Facts, others: tuple[str | None, ...]) -> Decision:
    """
    As `decide`, for a call that may be served by several models: the first refusal decides.
    """
    decision = decide(policy, facts)
    for model in others:
        if not decision.allow:
            break
        decision = decide(policy, replace(facts, model=model))
    return decision


def explain(policy: Policy, facts: Facts) -> list[Traced]:
    """
    What every rule made of a call, in order, `defaults.unknown` first and `default` last. Exactly one entry has `matched`.
    """
    return list(_trace(policy, facts))


def _trace(policy: Policy, facts: Facts) -> Iterator[Traced]:
    found = policy.blocks_unknown and UNKNOWN in (facts.provider, facts.operation)
    why = "the call is not recognised" if found else "" if policy.blocks_unknown else "defaults.unknown is allow"
    yield Traced("defaults.unknown", found, why or "the call is recognised")
    for rule in policy.rules:
        if found:
            yield Traced(rule.decision.rule, False, "not asked: decided above")
            continue
        failed = next((condition for condition in rule.conditions if not condition.test(facts)), None)
        found = failed is None
        yield Traced(rule.decision.rule, found, "all conditions hold" if failed is None else _why_not(failed, facts))
    yield Traced("default", not found, "not asked: decided above" if found else "no rule matched")


def _why_not(condition: Condition, facts: Facts) -> str:
    value = getattr(facts, condition.name)
    said = "not known" if value is None else f"{str(value)!r}"
    return f"{condition.name} is {said}, not {' or '.join(condition.values)}"


def compile_conditions(when: When, *, denies: bool) -> tuple[Condition, ...]:
    """
    The conditions of a rule, cheapest first.
    """
    conditions = []
    for name in ("provider", "operation", "capture"):
        wanted = getattr(when, name)
        if wanted is not None:
            conditions.append(Condition(name, tuple(str(value) for value in wanted), _one_of(name, frozenset(wanted))))
    for name in ("team", "env", "app", "principal", "model"):
        patterns = getattr(when, name)
        if patterns is not None:
            conditions.append(Condition(name, patterns, _like(name, patterns, denies=denies)))
    if when.source is not None:
        networks = when.source
        conditions.append(
            Condition(
                "source",
                tuple(str(network) for network in networks),
                lambda facts: facts.source is not None and any(facts.source in network for network in networks),
            )
        )
    return tuple(conditions)


def _one_of(name: str, wanted: frozenset[str]) -> Test:
    if name == "provider":
        return lambda facts: facts.provider in wanted
    if name == "operation":
        return lambda facts: facts.operation in wanted
    return lambda facts: facts.capture in wanted


def _like(name: str, patterns: tuple[str, ...], *, denies: bool) -> Test:
    if name == "model":
        like_model = any_of(tuple(normal_pattern(pattern) for pattern in patterns))
        if denies:
            # Some operations may leave the model out and let stored settings at the provider choose it. Such a call cannot be
            # shown to be none of the denied models, so a deny rule counts it; lists and token counts, which bill nothing, pass.
            return lambda facts: like_model(facts.model) if facts.model is not None else facts.billable or facts.operation == UNKNOWN
        return lambda facts: like_model(facts.model)
    like = any_of(patterns)
    tests: dict[str, Test] = {
        "team": lambda facts: like(facts.team),
        "env": lambda facts: like(facts.env),
        "app": lambda facts: like(facts.app),
        "principal": lambda facts: like(facts.principal),
    }
    return tests[name]


def normal_pattern(pattern: str) -> str:
    """
    A model pattern in the form of `normal_model`.
    """
    return pattern.lower().removeprefix("models/")
