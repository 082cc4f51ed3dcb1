"""
What a call wants: the choice policy makes for it, or what the model's name means to a holder of one of our keys.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from excise.catalog.models import Models
from excise.errors import BadRequest, Refused
from excise.exchange import Exchange
from excise.policy.compile import Policy
from excise.policy.decide import facts_of, other_models
from excise.policy.deployment import TargetRef
from excise.policy.glob import any_of
from excise.policy.terms import Choice
from excise.routing.targets import GENERATES
from excise.stages.stored import stored_in
from excise.wire.operations.registry import OPERATIONS, operation_of

# What a call means that names no model, where the dialect has a usual one.
_USUAL = {"openai-moderations": "omni-moderation-latest"}
VIRTUAL_KEY = "virtual_key"  # `Principal.type` of who calls with a key of ours


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    The choice of a call's target, and what named it.
    """

    choice: Choice
    rule: str


def wanted(policy: Policy, exchange: Exchange) -> Wanted | None:
    """
    The choice for a call; `None`: it goes where the client sent it.

    Raises:
        BadRequest: A key of ours is used for what it cannot be used for: lists and files of the account, state stored there.
        Refused: The key may not ask for this model.
    """
    call, principal = exchange.call, exchange.principal
    assert call is not None and exchange.prompt is not None
    ours = principal is not None and principal.type == VIRTUAL_KEY
    model = exchange.prompt.model
    if principal is not None and principal.models and not (model is not None and _may_ask(principal.models, model)):
        raise Refused("this key may not ask for this model; GET /v1/models lists those it may", kind="model_not_allowed")
    routable = call.operation in GENERATES or operation_of(call, exchange.prompt.json) in OPERATIONS
    if routable or ours:
        entry = policy.routed(facts_of(exchange)) if policy.routes else None
        if entry is not None:
            _check_stored(exchange)
            return Wanted(entry.said, entry.name)
    if not ours:
        return None
    if not routable:
        raise BadRequest(
            f"operation {call.operation!r} is not served to virtual keys; use the provider's own key for it",
            kind="operation_not_served",
        )
    _check_stored(exchange)
    return resolve(policy, call.provider, model or _USUAL.get(call.dialect))


def may_fall_back(exchange: Exchange, target: TargetRef) -> bool:
    """
    Whether a key may ask for the models that the request names as fallbacks of its own (OpenRouter's `models`).
    """
    patterns = exchange.principal.models if exchange.principal is not None else ()
    others = other_models(exchange) if patterns else ()
    return all(model is not None and _may_ask(patterns, f"{target.deployment}/{model}") for model in others)


def resolve(policy: Policy, provider: str, model: str | None, *, models: Models | None = None) -> Wanted:
    """
    The targets a model's name means to a holder of a virtual key.

    Args:
        provider: Whose dialect and path the client used; decides where several deployments have a model.
        model: As asked: an alias, `NAME/MODEL`, or a bare name.

    Raises:
        BadRequest: Nobody has it, or several have and none of them is `provider`.
    """
    if model is None:
        raise BadRequest("the request names no model; name one of GET /v1/models", kind="no_model")
    if (choice := policy.aliases.get(model)) is not None:
        return Wanted(choice, f"alias {model}")
    name, slash, rest = model.partition("/")
    if slash and name in policy.deployments and rest:
        return Wanted(_only(policy, TargetRef(name, rest)), "provider/model")
    table = models or Models.load()
    having = [one for one in policy.deployments.values() if model in one.models or _has(table, one.provider, model)]
    own = [one for one in having if one.provider == provider]
    chosen = having if len(having) == 1 else own[:1]
    if chosen:
        return Wanted(_only(policy, TargetRef(chosen[0].name, model)), "model")
    if not having:
        raise BadRequest(
            "no provider here has a model of that name; GET /v1/models lists what there is", kind="model_not_found", status=404
        )
    names = ", ".join(f"{one.name}/…" for one in having)
    raise BadRequest(f"several providers have a model of that name; say which: {names}", kind="model_ambiguous")


def _only(policy: Policy, target: TargetRef) -> Choice:
    return replace(Choice.of(target), failover=policy.failover)


def _check_stored(exchange: Exchange) -> None:
    assert exchange.prompt is not None
    if (stored := stored_in(exchange.prompt.json)) is not None:
        raise BadRequest(
            f"{stored} names what a provider keeps in the account of the house, which no key of ours opens; send the whole conversation",
            kind="stored_state",
        )


def _may_ask(patterns: tuple[str, ...], model: str) -> bool:
    return any_of(tuple(pattern.lower() for pattern in patterns))(model.lower())


def _has(table: Models, provider: str, model: str) -> bool:
    # `publisher/model` is found at the publisher, whatever the provider: then the provider need not have it.
    found = table.find(provider, model)
    return found is not None and found.provider == provider
