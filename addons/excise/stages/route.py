"""
Where the call goes: to whom the client sent it, or to the first target of policy's that may and can take it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from excise.catalog.models import Models
from excise.catalog.providers import Catalog
from excise.errors import BadRequest, Refused
from excise.exchange import Adapted, Exchange, HttpRequest, Prompt
from excise.exchange import Route as Routed
from excise.pipeline import Stage
from excise.policy.compile import Policy
from excise.policy.decide import decide_all, facts_of, other_models
from excise.policy.deployment import TargetRef
from excise.policy.glob import any_of
from excise.policy.store import PolicyStore
from excise.routing.targets import GENERATES, Place, place_by, place_of
from excise.stages.forms import adapted_form, aimed_at, document_translation_of, form_at_target, form_of_call, preference_of
from excise.stages.off_loop import run
from excise.wire.dialect import Asked, Dialect, Encoded, Envelope
from excise.wire.dialects.registry import dialect_of, speaks
from excise.wire.error_shapes import THREAD_UNSUPPORTED
from excise.wire.loss import Loss
from excise.wire.operations.registry import OPERATIONS, operation_of
from excise.wire.translate import Translation

# Dialects that every provider speaks in a way of its own, or whose opaque parts are bound to an account: another provider's is foreign.
_VARIES = frozenset({"openai-chat", "openai-responses"})
# What a call means that names no model, where the dialect has a usual one.
_USUAL = {"openai-moderations": "omni-moderation-latest"}
TRANSLATED_INLINE_BYTES = 32 * 1024  # larger requests are translated in a thread: up to a millisecond a kilobyte of the smallest messages
# Members of requests that name something stored at the provider under the account: anybody's with a key of ours, if they were let through.
_STORED = ("previous_response_id", "conversation", "container", "cachedContent", "cached_content", "previous_interaction_id")
VIRTUAL_KEY = "virtual_key"  # `Principal.type` of who calls with a key of ours


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    The targets of a call, in order, and what named them.
    """

    targets: tuple[TargetRef, ...]
    rule: str


class Route(Stage):
    """
    Choose the target. A target that policy denies, that would keep what must not be kept, or that cannot do what is asked is none.

    Args:
        store: The policy in force.
        catalog: Where providers are reached.
        keeps: Why a target may not have the call because of what it keeps; `None`: it may. Asked with what would be sent there.
        now: Unix seconds, for answers that are dated.
    """

    def __init__(
        self,
        store: PolicyStore,
        catalog: Catalog,
        *,
        keeps: Callable[[Exchange, Routed, Prompt], str | None],
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._keeps = keeps
        self._now = now

    async def on_request(self, exchange: Exchange) -> None:
        """
        Raises:
            BadRequest: No target can do what is asked, each with why; or the model is not known.
            Refused: Policy denies every target.
        """
        policy = self._store.current
        wanted = _wanted(policy, exchange)
        if wanted is None:
            return
        assert exchange.prompt is not None
        if isinstance(exchange.prompt.json, dict) and exchange.prompt.json.get("thread") is not None and _is_anthropic(exchange):
            # Anthropic's SDKs begin a thread by themselves, and go on without one where they get this very kind of error.
            raise BadRequest(
                "message threads are kept at the provider, and this call may be answered by another; send the whole history instead",
                kind=THREAD_UNSUPPORTED,
            )
        choose = partial(self._choose, policy, exchange, wanted)
        await run(choose, long=len(exchange.prompt.body) > TRANSLATED_INLINE_BYTES)

    def _choose(self, policy: Policy, exchange: Exchange, wanted: Wanted) -> None:
        excluded: list[str] = []
        denied = 0
        for target in wanted.targets:
            route = self._route(policy, exchange, wanted, target, excluded)
            if isinstance(route, str):
                excluded.append(f"{target.deployment}/{target.model}: {route}")
                continue
            exchange.route = route
            if not _may_fall_back(exchange, target):
                excluded.append(f"{target.deployment}/{target.model}: this key may not ask for all of the models named under `models`")
                continue
            decision = decide_all(policy, facts_of(exchange), other_models(exchange))
            if not decision.allow:
                exchange.decision = decision
                denied += 1
                excluded.append(f"{target.deployment}/{target.model}: rule {decision.rule!r} denies it: {decision.reason}")
                continue
            why = self._prepared(policy, exchange)
            if why is None:
                return
            excluded.append(f"{target.deployment}/{target.model}: {why}")
        exchange.route = exchange.translation = exchange.adapted = None
        exchange.losses = ()
        text = "no target can take this call. " + "; ".join(excluded)
        if denied == len(wanted.targets):
            raise Refused(text, kind="policy_denied")
        raise BadRequest(text, kind="no_candidate")

    def _route(self, policy: Policy, exchange: Exchange, wanted: Wanted, target: TargetRef, excluded: Sequence[str]) -> Routed | str:
        call, prompt = exchange.call, exchange.prompt
        assert call is not None and prompt is not None
        deployment = policy.deployments[target.deployment]
        if {".", ".."} & set(target.model.split("/")):
            return "no model has such a name"  # in a path, servers would undo it
        if call.operation in GENERATES:
            place = place_of(
                self._catalog,
                deployment,
                target.model,
                operation=call.operation,
                dialect=call.dialect,
                stream=prompt.stream,
                speaks=speaks,
            )
        else:
            preference = partial(preference_of, form_of_call(exchange), operation_of(call, prompt.json), target.model)
            place = place_by(self._catalog, deployment, target.model, dialect=call.dialect, preference=preference)
        if not isinstance(place, Place):
            return place
        reason = "first choice" if not excluded else f"after {len(excluded)} excluded: " + "; ".join(excluded)
        return Routed(
            call=place.call,
            deployment=deployment.name,
            scheme=place.scheme,
            host=place.host,
            port=place.port,
            path=place.path,
            rule=wanted.rule,
            reason=reason,
            policy_id=policy.id,
            named=prompt.model,
            credential=deployment.credential,
        )

    def _prepared(self, policy: Policy, exchange: Exchange) -> str | None:
        """
        Translate for the target just set, as far as needed; why it is not possible, else `None`.
        """
        call, route, prompt = exchange.call, exchange.route, exchange.prompt
        assert call is not None and route is not None and prompt is not None
        exchange.translation, exchange.adapted, exchange.losses = None, None, ()
        if call.operation not in GENERATES:
            return self._prepared_form(policy, exchange)
        client = dialect_of(call.provider, call.dialect)
        target = dialect_of(route.call.provider, route.call.dialect)
        if client is None or target is None:
            return "its dialect cannot be translated"
        if client is not target:
            made = translation_of(exchange, client, target, model_of=policy.defaults.answer_model, now=int(self._now()))
            exchange.translation = made
            exchange.losses = made.losses
            if (why := _impossible(made.losses)) is not None:
                return why
            sent = replace(prompt, json=made.encoded.body)
        else:
            adapted = adapted_of(exchange, client)
            exchange.adapted, exchange.losses = Adapted(prompt.json, adapted), adapted.losses
            if (why := _impossible(adapted.losses)) is not None:
                return why
            sent = replace(prompt, json=adapted.body)
        return self._keeps(exchange, route, sent)

    def _prepared_form(self, policy: Policy, exchange: Exchange) -> str | None:
        """
        The same for a call that is no conversation. What cannot be translated passes as it is where the target takes it so.
        """
        call, route, prompt = exchange.call, exchange.route, exchange.prompt
        assert call is not None and route is not None and prompt is not None
        client, target = form_of_call(exchange), form_at_target(exchange)
        sent, envelope = prompt, envelope_of(exchange.http, prompt, call.model, call.dialect)
        if client is None or target is None or (client != target and not isinstance(prompt.json, dict)):
            return "its form cannot be translated"
        if client.verbs is not None and isinstance(prompt.json, dict):
            if client == target:
                adapted = adapted_form(exchange, client, envelope)
                exchange.adapted, exchange.losses = Adapted(prompt.json, adapted), adapted.losses
                sent = replace(prompt, json=adapted.body)
            else:
                answers_as = (prompt.model or route.model) if policy.defaults.answer_model == "requested" else route.model
                made = document_translation_of(exchange, client, target, envelope, model=answers_as, now=int(self._now()))
                exchange.translation, exchange.losses = made, made.losses
                sent = replace(prompt, json=made.encoded.body)
            if (why := _impossible(exchange.losses)) is not None:
                return why
        return self._keeps(exchange, route, sent)


def _impossible(losses: Sequence[Loss]) -> str | None:
    fatal = [loss for loss in losses if loss.fatal]
    return "; ".join(f"{loss.field}: {loss.why}" for loss in fatal) if fatal else None


def _is_anthropic(exchange: Exchange) -> bool:
    return exchange.call is not None and exchange.call.dialect == "anthropic-messages"


def translation_of(exchange: Exchange, client: Dialect, target: Dialect, *, model_of: str, now: int) -> Translation:
    """
    The translation of a call to the target its route names.

    Raises:
        BadRequest: The request is not one of its dialect.
    """
    call, route, prompt = exchange.call, exchange.route, exchange.prompt
    assert call is not None and route is not None and prompt is not None
    envelope = envelope_of(exchange.http, prompt, call.model, call.dialect)
    request = client.decode_request(prompt.json, envelope)
    aimed = aimed_at(route.call.provider, target.name, route.model)
    encoded = target.encode_request(request, aimed)
    asked = Asked(
        request=request,
        envelope=envelope,
        model=(prompt.model or route.model) if model_of == "requested" else route.model,
        provider=aimed.origin,
        dialect=target.name,
        id=exchange.id.replace("-", ""),
        now=now,
    )
    return Translation(client, target, asked, encoded)


def adapted_of(exchange: Exchange, dialect: Dialect) -> Encoded:
    """
    The client's request as another deployment, or another model, of the client's own dialect wants it. What it takes as it is stays as
    it is.

    Raises:
        BadRequest: The request is not one of its dialect.
    """
    call, upstream, prompt = exchange.call, exchange.upstream, exchange.prompt
    assert call is not None and prompt is not None
    envelope = envelope_of(exchange.http, prompt, call.model, call.dialect)
    request = dialect.decode_request(prompt.json, envelope)
    model = upstream.model or prompt.model or ""
    if upstream.provider != call.provider and dialect.name in _VARIES:
        request = replace(request, dialect=f"{dialect.name} of {call.provider}")
    return dialect.encode_request(request, aimed_at(upstream.provider, dialect.name, model))


def envelope_of(http: HttpRequest, prompt: Prompt, model: str | None, dialect: str) -> Envelope:
    """
    What path and headers say beside the body.
    """
    betas = ",".join(value.decode("latin-1") for name, value in http.headers if name.lower() == b"anthropic-beta")
    return Envelope(
        model=model,
        stream=prompt.stream,
        array=dialect == "gemini" and prompt.stream and "alt=sse" not in http.path.partition("?")[2],
        betas=tuple(part.strip() for part in betas.split(",") if part.strip()),
    )


def _wanted(policy: Policy, exchange: Exchange) -> Wanted | None:
    """
    Raises:
        BadRequest: A key of ours is used for what it cannot be used for: lists and files of the account, state stored there.
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
            return Wanted(tuple(one.target for one in entry.said.targets), entry.name)
    if not ours:
        return None
    if not routable:
        raise BadRequest(
            f"operation {call.operation!r} is not served to virtual keys; use the provider's own key for it",
            kind="operation_not_served",
        )
    if stored := next((name for name in _STORED if _says(exchange.prompt.json, name)), None):
        raise BadRequest(
            f"{stored} names what a provider keeps in the account of the house, which no key of ours opens; send the whole conversation",
            kind="stored_state",
        )
    return resolve(policy, call.provider, model or _USUAL.get(call.dialect))


def _says(body: Any, name: str) -> bool:
    return isinstance(body, dict) and body.get(name) not in (None, "")


def _may_ask(patterns: tuple[str, ...], model: str) -> bool:
    return any_of(tuple(pattern.lower() for pattern in patterns))(model.lower())


def _may_fall_back(exchange: Exchange, target: TargetRef) -> bool:
    """
    Whether a key may ask for the models that the request names as fallbacks of its own (OpenRouter's `models`).
    """
    patterns = exchange.principal.models if exchange.principal is not None else ()
    others = other_models(exchange) if patterns else ()
    return all(model is not None and _may_ask(patterns, f"{target.deployment}/{model}") for model in others)


def _has(table: Models, provider: str, model: str) -> bool:
    # `publisher/model` is found at the publisher, whatever the provider: then the provider need not have it.
    found = table.find(provider, model)
    return found is not None and found.provider == provider


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
        return Wanted(tuple(one.target for one in choice.targets), "alias")
    name, slash, rest = model.partition("/")
    if slash and name in policy.deployments and rest:
        return Wanted((TargetRef(name, rest),), "provider/model")
    table = models or Models.load()
    having = [one for one in policy.deployments.values() if model in one.models or _has(table, one.provider, model)]
    own = [one for one in having if one.provider == provider]
    chosen = having if len(having) == 1 else own[:1]
    if chosen:
        return Wanted((TargetRef(chosen[0].name, model),), "model")
    if not having:
        raise BadRequest(
            "no provider here has a model of that name; GET /v1/models lists what there is", kind="model_not_found", status=404
        )
    names = ", ".join(f"{one.name}/…" for one in having)
    raise BadRequest(f"several providers have a model of that name; say which: {names}", kind="model_ambiguous")
