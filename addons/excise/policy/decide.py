"""
What policy says of one call. Pure: facts in, decision out; it never raises.

Everything is prepared when a policy is loaded (`compile_rule`), so a decision is a walk over closures: 50 rules in a few
microseconds, whatever the patterns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from excise.exchange import Capture, Decision, Exchange
from excise.policy.principals import address
from excise.policy.words import CREDENTIAL_HEADERS

if TYPE_CHECKING:
    from excise.policy.compile import Policy
    from excise.policy.conditions import Condition, Test

UNKNOWN = "unknown"
NOTHING: Mapping[str, str] = MappingProxyType({})
MAX_MODEL = 2048  # characters, as long as an ARN may be; a longer name is taken for none at all


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What rules may ask about. `None`: nobody said. `model` is in the form `normal_model` gives.

    Attributes:
        task: As `routing.profile` names it; `None`, and no `complexity`: the call generates no text.
        output_tokens: Most that the client allows.
        headers: Of the request, by names in lower case, without credentials.
        now: When the call arrived; aware.
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
    task: str | None = None
    complexity: float | None = None
    needs: frozenset[str] = frozenset()
    input_tokens: int | None = None
    output_tokens: int | None = None
    stream: bool | None = None
    headers: Mapping[str, str] = field(default=NOTHING, repr=False)
    tags: Mapping[str, str] = field(default=NOTHING)
    now: datetime | None = None


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


class SentHeaders(Mapping[str, str]):
    """
    Headers of a request by names in lower case, without those that carry credentials; read when asked for, because few policies do. Of a
    header that was sent several times, its values in one, as HTTP has it.

    Source: RFC 9110, 5.3 "Field Order".
    """

    __slots__ = ("_read", "_sent")

    def __init__(self, sent: tuple[tuple[bytes, bytes], ...]) -> None:
        self._sent = sent
        self._read: dict[str, str] | None = None

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, str]:
        if self._read is None:
            read: dict[str, str] = {}
            for key, value in self._sent:
                name, text = key.lower().decode("latin-1"), value.decode("latin-1")
                if name not in CREDENTIAL_HEADERS:
                    read[name] = f"{read[name]}, {text}" if name in read else text
            self._read = read
        return self._read


def facts_of(exchange: Exchange, now: datetime | None = None) -> Facts:
    """
    Facts of a call after recognise, identify, decode and profile; after route, of the call its target gets. A model in the path beats one
    in the body, as it does at the provider.

    Args:
        now: For conditions on time. Default: when the call arrived, so that it is decided by one time from beginning to end.
    """
    principal, prompt = exchange.principal, exchange.prompt
    call = exchange.route.call if exchange.route is not None else exchange.call
    model = call.model if call is not None else None
    if model is None and prompt is not None:
        model = prompt.model
    profile = exchange.profile
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
        task=profile.task if profile is not None else None,
        complexity=profile.complexity if profile is not None else None,
        needs=profile.needs if profile is not None else frozenset(),
        input_tokens=profile.input_tokens if profile is not None else None,
        output_tokens=profile.max_tokens if profile is not None else None,
        stream=prompt.stream if prompt is not None else None,
        headers=SentHeaders(exchange.http.headers),
        tags=principal.tags if principal is not None else NOTHING,
        now=now or datetime.fromtimestamp(exchange.started_at_us / 1_000_000, UTC),
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
    wanted = " or ".join(condition.values)
    match condition.name:
        case "expr":
            return f"expr is not true: {wanted}"
        case "needs":
            return f"needs are {', '.join(sorted(facts.needs)) or 'none'}, not {' and '.join(condition.values)}"
        case "tags" | "headers":  # whose values are nobody's business
            return f"{condition.name} have no {wanted}"
        case "time":
            value: object = facts.now.isoformat() if facts.now is not None else None
        case name:
            value = getattr(facts, name)
    said = "not known" if value is None else f"{str(value)!r}"
    return f"{condition.name} is {said}, not {wanted}"


def normal_pattern(pattern: str) -> str:
    """
    A model pattern in the form of `normal_model`.
    """
    return pattern.lower().removeprefix("models/")
