"""
The request in the words of whoever answers it, after everything that must not leave is out of it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from excise.catalog.request import auth_header_names
from excise.errors import BadRequest, Refused
from excise.exchange import Exchange
from excise.pipeline import Stage
from excise.privacy.retention.signed import is_signed
from excise.routing.targets import GENERATES
from excise.stages.forms import adapted_form, form_of_call
from excise.stages.off_loop import run
from excise.stages.redact import unname
from excise.stages.route import TRANSLATED_INLINE_BYTES, adapted_of, envelope_of
from excise.wire.dialect import Encoded
from excise.wire.dialects.registry import dialect_of
from excise.wire.json_edit import Edit, apply
from excise.wire.keepsake import MARK_BYTES
from excise.wire.multipart import with_field

# What a client says to its provider beside the body and its key, and which another deployment of the same provider understands.
_OF_DIALECTS = {
    "anthropic-messages": frozenset({b"anthropic-version", b"anthropic-beta"}),
    "openai-chat": frozenset({b"openai-beta"}),
    "openai-responses": frozenset({b"openai-beta"}),
}
_KEPT = frozenset({b"connection", b"user-agent", b"accept", b"accept-encoding", b"content-type", b"idempotency-key"})


class Translate(Stage):
    """
    Write what leaves for a routed call: translated, or with nothing changed but the model. Nothing of the client's credentials goes along.
    """

    each_attempt = True

    async def on_request(self, exchange: Exchange) -> None:
        """
        Raises:
            BadRequest: What redaction left cannot be translated.
        """
        route, prompt = exchange.route, exchange.prompt
        assert prompt is not None
        if route is None:
            await _unmarked(exchange)
            return
        if route.named is not None and prompt.model is None:
            # The target was chosen by that name, and redaction has found something in it: it has no place in the row, either.
            unname(exchange)
            raise Refused(
                "the model's name holds something that must not leave; name a model of GET /v1/models", kind="redacted_model", status=422
            )
        work = partial(_translated if exchange.translation is not None else _moved, exchange)
        await run(work, long=len(prompt.body) > TRANSLATED_INLINE_BYTES)
        exchange.send_path = route.path
        exchange.send_headers = _headers(exchange)


def _translated(exchange: Exchange) -> None:
    translation, prompt, route = exchange.translation, exchange.prompt, exchange.route
    assert translation is not None and prompt is not None and route is not None
    if translation.asked.request.raw is not prompt.json:
        # Redaction has changed it since the target was chosen.
        translation = exchange.translation = translation.remade(prompt.json)
        _check(translation.encoded)
        exchange.losses = translation.losses
    try:
        body = orjson.dumps(translation.encoded.body)
    except orjson.JSONEncodeError as error:  # what was JSON in a text is an object at the target, and no text is looked through for depth
        raise BadRequest("arguments of a tool call are nested too deeply to be translated", kind="too_deep") from error
    exchange.send_body = body
    exchange.sent_prompt = replace(prompt, body=body, json=translation.encoded.body, model=route.model)


def _check(encoded: Encoded) -> None:
    if fatal := next((loss for loss in encoded.losses if loss.fatal), None):
        raise BadRequest(f"what redaction left of this request cannot be translated ({fatal.field}: {fatal.why})", kind="no_candidate")


def _moved(exchange: Exchange) -> None:
    """
    The client's own bytes, for another deployment of its dialect.
    """
    prompt, route, call = exchange.prompt, exchange.route, exchange.call
    assert prompt is not None and route is not None and call is not None
    if is_signed(exchange.http.path, exchange.http.headers) and route.credential is None:
        raise Refused(
            "this request is signed for where it was sent; give the target's entry in `providers` credentials to sign it anew",
            kind="signed_request",
        )
    body, json = prompt.body, prompt.json
    if exchange.adapted is not None:
        body, json = _as_adapted(exchange)
    elif json is None and route.call.model_at == "form":
        body = with_field(exchange.http.header("content-type") or "", body, "model", route.model)
    elif route.call.model_at in ("body", "form") and isinstance(json, dict) and json.get("model") != route.model:
        body, json = apply(body, json, [Edit(("model",), "set", route.model)])
    elif route.call.model_at == "path" and isinstance(json, dict) and "model" in json and call.model_at == "body":
        body, json = apply(body, json, [Edit(("model",), "delete")])
    exchange.send_body = body
    exchange.sent_prompt = replace(prompt, body=body, json=json, model=route.model)


def _as_adapted(exchange: Exchange) -> tuple[bytes, Any]:
    """
    The client's bytes with nothing changed but what the target wants otherwise.
    """
    prompt, adapted = exchange.prompt, exchange.adapted
    assert prompt is not None
    if adapted is not None and adapted.asked is prompt.json:
        wanted = adapted.encoded.body
    else:  # redaction has changed it since the target was chosen
        encoded = _adapted(exchange)
        _check(encoded)
        wanted = encoded.body
    edits = [Edit((key,), "delete") for key in prompt.json if key not in wanted]
    edits += [Edit((key,), "set", value) for key, value in wanted.items() if key not in prompt.json or prompt.json[key] != value]
    return apply(prompt.body, prompt.json, edits) if edits else (prompt.body, prompt.json)


def _adapted(exchange: Exchange) -> Encoded:
    call, prompt = exchange.call, exchange.prompt
    assert call is not None and prompt is not None
    if call.operation in GENERATES:
        dialect = dialect_of(call.provider, call.dialect)
        assert dialect is not None
        return adapted_of(exchange, dialect)
    form = form_of_call(exchange)
    assert form is not None
    return adapted_form(exchange, form, envelope_of(exchange.http, prompt, call.model, call.dialect))


async def _unmarked(exchange: Exchange) -> None:
    """
    Take opaque proofs of other providers, which we put into an earlier answer, out of a call that goes where its client sent it.

    Raises:
        Refused: The request is signed, so that nothing can be taken out of it.
    """
    call, prompt = exchange.call, exchange.prompt
    assert prompt is not None
    if call is None or call.operation not in GENERATES or MARK_BYTES not in prompt.body or not isinstance(prompt.json, dict):
        return
    if dialect_of(call.provider, call.dialect) is None:
        return
    if is_signed(exchange.http.path, exchange.http.headers):
        raise Refused(
            "this conversation was carried on with another provider, whose proofs must be taken out, and the request is signed; use an API "
            "key in place of signed requests",
            kind="signed_request",
        )
    work = partial(_as_adapted, exchange)
    body, json = await run(work, long=len(prompt.body) > TRANSLATED_INLINE_BYTES)
    if body is not prompt.body:
        exchange.send_body = body
        exchange.prompt = replace(prompt, body=body, json=json)


def _headers(exchange: Exchange) -> tuple[tuple[bytes, bytes], ...]:
    """
    Headers of the request that leaves, without any authorization: the client's stays here, ours is added when it is sent.
    """
    route, call, translation = exchange.route, exchange.call, exchange.translation
    assert route is not None and call is not None
    same = translation is None
    private = {name.encode() for name in auth_header_names}
    known = _OF_DIALECTS.get(route.call.dialect, frozenset()) if same else frozenset()
    first = exchange.attempts[0] if exchange.attempts else None
    # The key of one request: elsewhere it is another, and who has seen the key would give the first one's answer, or refuse.
    moved = first is not None and (first.deployment, first.model) != (route.deployment, route.model)
    kept = []
    for name, value in exchange.send_headers or exchange.http.headers:
        low = name.lower()
        if moved and low == b"idempotency-key":
            continue
        if low in private or low in (b"host", b"content-length", b"content-type", b"accept-encoding"):
            continue
        if low in _KEPT or low in known:
            kept.append((name, value))
    # A form's content type names its boundary.
    kind = exchange.http.header("content-type") if same and exchange.prompt is not None and exchange.prompt.json is None else None
    extra = [(b"Content-Type", kind.encode("latin-1") if kind is not None else b"application/json")]
    if translation is not None:
        # The answer is rewritten: there is nothing to be gained from having it compressed.
        kept = [(name, value) for name, value in kept if name.lower() != b"accept"]
        extra.append((b"Accept-Encoding", b"identity"))
        extra += [(name.encode(), value.encode()) for name, value in translation.encoded.headers]
    if route.call.dialect.startswith("anthropic") and route.call.provider != "vertex" and not _has(kept, b"anthropic-version"):
        extra.append((b"anthropic-version", b"2023-06-01"))
    return (*kept, *extra)


def _has(headers: list[tuple[bytes, bytes]], name: bytes) -> bool:
    return any(key.lower() == name for key, _ in headers)
