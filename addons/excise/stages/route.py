"""
Where the call goes now: to whom the client sent it, or to the target whose turn it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from excise.catalog.providers import Catalog
from excise.errors import BadRequest, Refused
from excise.exchange import Adapted, Exchange, HttpRequest, Prompt
from excise.exchange import Route as Routed
from excise.health.target_health import TargetHealth
from excise.pipeline import Stage
from excise.policy.compile import Policy
from excise.policy.decide import decide_all, facts_of, other_models
from excise.policy.deployment import Deployment, TargetRef
from excise.policy.store import PolicyStore
from excise.routing.course import Course
from excise.routing.plan import Candidate
from excise.routing.targets import GENERATES, Place, place_by, place_of
from excise.stages.forms import adapted_form, aimed_at, document_translation_of, form_at_target, form_of_call, preference_of
from excise.stages.off_loop import run
from excise.stages.wanted import may_fall_back
from excise.wire.dialect import Asked, Dialect, Encoded, Envelope
from excise.wire.dialects.registry import dialect_of, speaks
from excise.wire.loss import Loss, Verdict
from excise.wire.neutral import Request
from excise.wire.operations.registry import operation_of
from excise.wire.translate import Translation

# Dialects that every provider speaks in a way of its own, or whose opaque parts are bound to an account: another provider's is foreign.
_VARIES = frozenset({"openai-chat", "openai-responses"})
PROBED = "it is out of order, and another call is finding out whether it still is"
TRANSLATED_INLINE_BYTES = 32 * 1024  # larger requests are translated in a thread: up to a millisecond a kilobyte of the smallest messages


class Route(Stage):
    """
    Aim a planned call at the target whose turn it is. One that policy denies, that would keep what must not be kept, or that cannot do
    what is asked is none, and the next one's turn comes.

    Args:
        store: The policy in force.
        catalog: Where providers are reached.
        health: How targets are doing.
        keeps: Why a target may not have the call because of what it keeps; `None`: it may. Asked with what would be sent there.
        now: Unix seconds, for answers that are dated.
    """

    each_attempt = True

    def __init__(
        self,
        store: PolicyStore,
        catalog: Catalog,
        health: TargetHealth,
        *,
        keeps: Callable[[Exchange, Routed, Prompt], str | None],
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._health = health
        self._keeps = keeps
        self._now = now

    async def on_request(self, exchange: Exchange) -> None:
        """
        Raises:
            BadRequest: No target that is left can do what is asked, each with why.
            Refused: Policy denies every target.
        """
        if exchange.course is None:
            return
        assert exchange.prompt is not None
        choose = partial(self._choose, self._store.current, exchange, exchange.course)
        await run(choose, long=len(exchange.prompt.body) > TRANSLATED_INLINE_BYTES)

    def _choose(self, policy: Policy, exchange: Exchange, course: Course) -> None:
        denied = 0
        while (candidate := course.current) is not None:
            why = self._taken(policy, exchange, course, candidate)
            if why is None:
                return
            denied += exchange.decision is not None and not exchange.decision.allow
            course.exclude(why, for_now=why is PROBED)
        exchange.route = exchange.translation = exchange.adapted = None
        exchange.losses = ()
        text = "no target can take this call. " + "; ".join(_told(course))
        if denied == len(course.plan.candidates) + len(course.plan.excluded):
            raise Refused(text, kind="policy_denied")
        raise BadRequest(text, kind="no_candidate")

    def _taken(self, policy: Policy, exchange: Exchange, course: Course, candidate: Candidate) -> str | None:
        """
        Aim the call at a candidate; why that is not possible, else `None`.
        """
        target = candidate.target
        exchange.decision = None
        deployment = policy.deployments.get(target.deployment)
        if deployment is None:
            return "its entry of `providers` is gone"  # the policy has been reloaded since the call was planned
        place = self._place(exchange, deployment, target)
        if not isinstance(place, Place):
            return place
        exchange.route = Routed(
            call=place.call,
            deployment=deployment.name,
            scheme=place.scheme,
            host=place.host,
            port=place.port,
            path=place.path,
            rule=course.plan.rule,
            reason=_reason(course, candidate),
            policy_id=policy.id,
            named=exchange.prompt.model if exchange.prompt is not None else None,
        )
        if not may_fall_back(exchange, target):
            return "this key may not ask for all of the models named under `models`"
        decision = decide_all(policy, facts_of(exchange), other_models(exchange))
        if not decision.allow:
            exchange.decision = decision
            return f"rule {decision.rule!r} denies it: {decision.reason}"
        why = self._prepared(policy, exchange)
        if why is None and course.plan.require.exact and Verdict.of(exchange.losses) is not Verdict.EXACT:
            why = "its dialect cannot carry over " + ", ".join(sorted({loss.field for loss in exchange.losses}))
        if why is not None:
            return why
        return self._credited(exchange, course, deployment, target)

    def _credited(self, exchange: Exchange, course: Course, deployment: Deployment, target: TargetRef) -> str | None:
        """
        Give the call one of our credentials there. Asked last: it may take the one call that probes whether a target is well again.
        """
        assert exchange.route is not None
        alone = course.plan.last_resort or not course.others
        at = self._health.take(target, credentials=len(deployment.credentials), anyway=alone, without=course.spent)
        if at is None:
            return PROBED
        credential = deployment.credentials[at] if deployment.credentials else None
        exchange.route = replace(exchange.route, credential=credential, credential_at=at)
        return None

    def _place(self, exchange: Exchange, deployment: Deployment, target: TargetRef) -> Place | str:
        call, prompt = exchange.call, exchange.prompt
        assert call is not None and prompt is not None
        if {".", ".."} & set(target.model.split("/")):
            return "no model has such a name"  # in a path, servers would undo it
        if call.operation in GENERATES:
            return place_of(
                self._catalog,
                deployment,
                target.model,
                operation=call.operation,
                dialect=call.dialect,
                stream=prompt.stream,
                speaks=speaks,
            )
        preference = partial(preference_of, form_of_call(exchange), operation_of(call, prompt.json), target.model)
        return place_by(self._catalog, deployment, target.model, dialect=call.dialect, preference=preference)

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


def _told(course: Course) -> Iterator[str]:
    return (f"{one.target.deployment}/{one.target.model}: {one.reason}" for one in (*course.plan.excluded, *course.excluded))


def _reason(course: Course, candidate: Candidate) -> str:
    excluded = list(_told(course))
    return candidate.reason if not excluded else f"{candidate.reason}; after {len(excluded)} excluded: " + "; ".join(excluded)


def translation_of(exchange: Exchange, client: Dialect, target: Dialect, *, model_of: str, now: int) -> Translation:
    """
    The translation of a call to the target its route names.

    Raises:
        BadRequest: The request is not one of its dialect.
    """
    call, route, prompt = exchange.call, exchange.route, exchange.prompt
    assert call is not None and route is not None and prompt is not None
    envelope = envelope_of(exchange.http, prompt, call.model, call.dialect)
    request = request_of(exchange, client, envelope)
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
    request = request_of(exchange, dialect, envelope)
    model = upstream.model or prompt.model or ""
    if upstream.provider != call.provider and dialect.name in _VARIES:
        request = replace(request, dialect=f"{dialect.name} of {call.provider}")
    return dialect.encode_request(request, aimed_at(upstream.provider, dialect.name, model))


def request_of(exchange: Exchange, dialect: Dialect, envelope: Envelope) -> Request:
    """
    The client's request in the neutral form: as it was read once, unless redaction has changed it since.

    Raises:
        BadRequest: It is not one of its dialect.
    """
    assert exchange.prompt is not None
    if exchange.request is not None and exchange.original is not None and exchange.prompt.json is exchange.original.json:
        return exchange.request
    return dialect.decode_request(exchange.prompt.json, envelope)


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
