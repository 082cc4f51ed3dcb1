"""
Embeddings in Ollama's words, `POST /api/embed` and the older `/api/embeddings`, and the bodies of Amazon's Titan models on Bedrock.

Source: docs.ollama.com/api/embed, ollama (Python) 0.6; docs.aws.amazon.com/bedrock (Titan Text Embeddings V2), read 2026-11; recorded
answers.
"""

from __future__ import annotations

from functools import partial

from excise.wire.dialect import Encoded, Envelope, Sent, Target
from excise.wire.dialects.given import fields, flag, text, texts, whole, wrong
from excise.wire.loss import Losses
from excise.wire.neutral import Extra, Json
from excise.wire.operations.document import unreadable
from excise.wire.operations.embeddings import (
    EmbedAnswer,
    EmbedRequest,
    Takes,
    answered,
    check,
    list_of_vectors,
    purpose_for,
    texts_of,
    truncate_of,
    written,
)
from excise.wire.operations.form import Asked, Form, Verbs, extras_of, own_words
from excise.wire.upstream_error import Fault
from excise.wire.usage_values import model_of, part

_OLLAMA = Takes(4096, truncate=frozenset({"none", "end"}))
_TITAN = Takes(1, kinds=frozenset({"float", "base64", "binary"}))
_KNOWN = {
    "options": Extra("options", False, "options of Ollama's own runner mean nothing to another provider"),
    "keep_alive": Extra("keep_alive", False, "only Ollama keeps models loaded at the client's wish"),
}


def _decode_ollama(kind: str, given: Json, envelope: Envelope) -> EmbedRequest:
    body = fields(given, "body")
    field = "input" if kind == "ollama" else "prompt"
    inputs = texts(body.get(field), field)
    if not inputs:
        raise wrong((field,), "is empty")
    return EmbedRequest(
        form=kind,
        model=text(body.get("model"), "model") or envelope.model,
        inputs=tuple((one,) for one in inputs),
        single=type(body.get(field)) is str,
        dimensions=whole(body.get("dimensions"), "dimensions"),
        truncate=truncate_of(flag(body.get("truncate"), "truncate")),
        extras=extras_of(body, frozenset({"model", field, "truncate", "dimensions"}), _KNOWN),
        raw=given,
    )


def _encode_ollama(kind: str, request: EmbedRequest, target: Target) -> Encoded:
    if request.form == kind:
        return own_words(request, target)
    losses = Losses()
    check(request, _OLLAMA, losses)
    purpose_for(request, _OLLAMA, losses)
    body: dict[str, Json] = {"model": target.model, "input": _texts(request)}
    if request.truncate in _OLLAMA.truncate:
        body["truncate"] = request.truncate == "end"
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    return Encoded(body, losses.all(), Sent(target))


def _texts(request: EmbedRequest) -> Json:
    found = texts_of((pieces[0] if pieces else "",) for pieces in request.inputs)
    found = [one if isinstance(one, str) else "" for one in found]  # others were refused
    return found[0] if request.single and len(found) == 1 else found


def _decode_ollama_answer(given: Json, sent: Sent) -> EmbedAnswer | Fault:
    del sent
    if type(given) is not dict:
        return unreadable()
    vectors = list_of_vectors("float", [given["embedding"]] if "embedding" in given else given.get("embeddings"))
    return EmbedAnswer(vectors, model=model_of(given.get("model"))) if vectors else unreadable()


def _encode_ollama_answer(kind: str, answer: EmbedAnswer, asked: Asked) -> Json | Fault:
    if not answered(asked.request, answer):
        return unreadable()
    vectors = written(answer, ("float",), lambda _, made: made["float"])
    if isinstance(vectors, Fault):
        return vectors
    if kind != "ollama":
        return {"embedding": vectors[0]}
    body: dict[str, Json] = {"model": asked.model, "embeddings": vectors, "total_duration": 0, "load_duration": 0}
    if (tokens := answer.usage.input_tokens) is not None:
        body["prompt_eval_count"] = tokens
    return body


# -- Titan -----------------------------------------------------------------------------------------------------------------------------


def _encode_titan(request: EmbedRequest, target: Target) -> Encoded:
    losses = Losses()
    second = "v2" in target.model
    check(request, _TITAN if second else Takes(1, dimensions=False), losses)
    purpose_for(request, _TITAN, losses)
    (first, *_) = request.inputs[0] or ("",)
    body: dict[str, Json] = {"inputText": first if isinstance(first, str) else ""}
    if second and request.dimensions is not None:
        body["dimensions"] = request.dimensions
    if second and request.kinds and request.kinds[0] not in ("float", "base64"):
        body["embeddingTypes"] = [request.kinds[0]]
    return Encoded(body, losses.all(), Sent(target))


def _decode_titan_answer(given: Json, sent: Sent) -> EmbedAnswer | Fault:
    del sent
    if type(given) is not dict:
        return unreadable()
    found = {kind: value for kind, value in part(given, "embeddingsByType").items() if type(value) is list}
    if type(given.get("embedding")) is list:
        found["float"] = given["embedding"]
    return EmbedAnswer((found,)) if found else unreadable()


OLLAMA, OLLAMA_OLD = (
    Form(
        "ollama",
        f"embeddings {kind}",
        Verbs(partial(_encode_ollama, kind), _decode_ollama_answer, partial(_decode_ollama, kind), partial(_encode_ollama_answer, kind)),
        rank,
    )
    for kind, rank in (("ollama", 0), ("ollama old", 1))
)
TITAN = Form("bedrock-invoke", "embeddings titan", Verbs(_encode_titan, _decode_titan_answer))
