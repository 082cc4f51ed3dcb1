"""
Calls that are no conversations, between the client's form and the target's.
"""

from __future__ import annotations

from excise.catalog.models import Models
from excise.catalog.providers import Way
from excise.catalog.traits import traits_of
from excise.exchange import Exchange
from excise.wire.dialect import Encoded, Envelope, Target
from excise.wire.operations.document import DocumentTranslation
from excise.wire.operations.form import Asked, Form, decoded, encoded, pairs
from excise.wire.operations.registry import asked_in, form_of, operation_of


def aimed_at(provider: str, dialect: str, model: str) -> Target:
    """
    A target with what the catalogue knows of its model.
    """
    return Target(provider, dialect, model, traits_of(Models.load(), provider, model))


def form_of_call(exchange: Exchange) -> Form | None:
    """
    The form of the client's call.
    """
    call, prompt = exchange.call, exchange.prompt
    assert call is not None and prompt is not None
    return form_of(operation_of(call, prompt.json), call, exchange.http.path)


def form_at_target(exchange: Exchange) -> Form | None:
    """
    The form in which the target is asked.
    """
    call, prompt, route = exchange.call, exchange.prompt, exchange.route
    assert call is not None and prompt is not None and route is not None
    return asked_in(operation_of(call, prompt.json), route.call, route.path, route.model)


def preference_of(client: Form | None, operation: str, model: str, way: Way) -> tuple[bool, int] | None:
    """
    Whether a call has to be translated to go some way to a provider, and the rank of that way's form; `None`: it cannot.
    """
    target = asked_in(operation, way.call, way.path.text, model)
    if client is None or target is None or not pairs(client, target):
        return None
    return client != target, target.rank


def document_translation_of(
    exchange: Exchange, client: Form, target: Form, envelope: Envelope, *, model: str, now: int
) -> DocumentTranslation:
    """
    The translation of a call to the target its route names.

    Args:
        model: Name the answer carries.

    Raises:
        BadRequest: The request is not one of its form.
    """
    prompt, upstream = exchange.prompt, exchange.upstream
    assert prompt is not None
    request = decoded(client, prompt.json, envelope)
    asked = Asked(request=request, envelope=envelope, model=model, id=exchange.id.replace("-", ""), now=now)
    sending = encoded(target, request, aimed_at(upstream.provider, target.name, upstream.model or ""))
    return DocumentTranslation(client, target, asked, sending)


def adapted_form(exchange: Exchange, own: Form, envelope: Envelope) -> Encoded:
    """
    The client's request for another model of its own form.

    Raises:
        BadRequest: The request is not one of its form.
    """
    prompt, upstream = exchange.prompt, exchange.upstream
    assert prompt is not None
    return encoded(own, decoded(own, prompt.json, envelope), aimed_at(upstream.provider, own.name, upstream.model or ""))
