"""
Embeddings in OpenAI's words, `POST /embeddings`, and in those of Mistral, Voyage and Jina, who took them over and went on from there.

Source: platform.openai.com/docs/api-reference/embeddings; docs.mistral.ai/api (embeddings) and mistralai 3.2; docs.voyageai.com/reference/
embeddings-api; api.jina.ai/redoc; docs.nvidia.com NIM retriever; read 2026-11. Recorded answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from excise.wire.dialect import Encoded, Envelope, Sent, Target
from excise.wire.dialects.given import fields, flag, text, whole, wrong
from excise.wire.loss import Losses
from excise.wire.neutral import Extra, Json
from excise.wire.operations.document import unreadable
from excise.wire.operations.embed_pictures import is_picture, picture_of, picture_url
from excise.wire.operations.embeddings import (
    KINDS,
    EmbedAnswer,
    EmbedRequest,
    EmbedSent,
    Input,
    Takes,
    answered,
    check,
    purpose_for,
    purpose_of,
    texts_of,
    truncate_of,
    written,
)
from excise.wire.operations.form import Asked, Form, Verbs, extras_of, own_words
from excise.wire.upstream_error import Fault
from excise.wire.usage_values import id_of, items, model_of

NAME = "openai-embeddings"
_QUANTISED = frozenset(KINDS)


@dataclass(frozen=True, slots=True)
class Flavour:
    """
    What one provider calls things.

    Attributes:
        size: The field of the vectors' length.
        number_kind: The field of the kind of numbers; `encoding_format` is then only base64 or not.
        kind_words: Its words -> ours.
        purpose: The field of the vectors' purpose.
        must: The purpose said where a client says none.
        truncation: The field that allows inputs to be cut.
        total_only: Its usage states a total alone.
    """

    kind: str
    takes: Takes
    size: str = "dimensions"
    number_kind: str | None = None
    kind_words: Mapping[str, str] = field(default_factory=dict)
    purpose: str | None = None
    must: str | None = None
    truncation: str | None = None
    total_only: bool = False
    known: Mapping[str, Extra] = field(default_factory=dict)


_NO_EQUAL = "a way of embedding that only this provider has"
_OPENAI = Flavour("openai", Takes(2048, tokens=True, user=True))
_MISTRAL = Flavour(
    "mistral",
    Takes(1024, kinds=_QUANTISED),
    size="output_dimension",
    number_kind="output_dtype",
    known={"metadata": Extra("metadata", False, "labels of the client's that only this provider keeps")},
)
_VOYAGE = Flavour(
    "voyage",
    Takes(1000, kinds=_QUANTISED, purposes={"query": "query", "document": "document"}, truncate=frozenset({"none", "end"})),
    size="output_dimension",
    number_kind="output_dtype",
    purpose="input_type",
    truncation="truncation",
    total_only=True,
)
_JINA = Flavour(
    "jina",
    Takes(
        2048,
        kinds=frozenset({"float", "base64", "binary", "ubinary"}),
        purposes={
            "query": "retrieval.query",
            "document": "retrieval.passage",
            "similarity": "text-matching",
            "classification": "classification",
            "clustering": "separation",
            "code_query": "code.query",
        },
        pictures=True,
        truncate=frozenset({"none", "end"}),
    ),
    number_kind="embedding_type",
    purpose="task",
    truncation="truncate",
    known={
        "late_chunking": Extra("late_chunking", True, _NO_EQUAL),
        "return_multivector": Extra("return_multivector", True, _NO_EQUAL),
        "normalized": Extra("normalized", False, "the target decides by itself whether vectors are of length one"),
    },
)
_NVIDIA = Flavour(
    "nvidia",
    Takes(8192, purposes={"query": "query", "document": "passage"}, truncate=frozenset({"none", "start", "end"}), user=True),
    purpose="input_type",
    must="document",
    truncation="truncate",
)


_USUAL_PURPOSES: dict[str, str | None] = {"query": "query", "passage": "document", "document": "document"}


# -- requests --------------------------------------------------------------------------------------------------------------------------


def _decode_request(flavour: Flavour, given: Json, envelope: Envelope) -> EmbedRequest:
    body = fields(given, "body")
    inputs, single = _inputs(body.get("input"))
    purpose, unknown = _purpose(flavour, body)
    read = {"model", "input", "encoding_format", flavour.size, "user", "input_type"}
    read |= {name for name in (flavour.number_kind, flavour.purpose, flavour.truncation) if name is not None}
    return EmbedRequest(
        form=flavour.kind,
        model=text(body.get("model"), "model") or envelope.model,
        inputs=inputs,
        single=single,
        purpose=purpose,
        dimensions=whole(body.get(flavour.size), flavour.size),
        kinds=_kinds(flavour, body),
        truncate=_truncation(flavour, body),
        user=text(body.get("user"), "user"),
        extras=(*unknown, *extras_of(body, frozenset(read), dict(flavour.known))),
        raw=given,
    )


def _inputs(given: Json) -> tuple[tuple[Input, ...], bool]:
    if type(given) is str:
        return ((given,),), True
    if type(given) is not list or not given:
        raise wrong(("input",), "is neither a text nor a list")
    if type(given[0]) is int:
        return ((_tokens(given, "input"),),), True
    return tuple((_piece(one, index),) for index, one in enumerate(given)), False


def _piece(given: Json, index: int) -> Any:
    if type(given) is str:
        return given
    if type(given) is list:
        return _tokens(given, "input", index)
    if type(given) is dict:  # Jina
        if type(words := given.get("text")) is str:
            return words
        if is_picture(given.get("image")):
            return picture_of(given["image"])
    raise wrong(("input", index), "is neither a text nor a list of tokens")


def _tokens(given: list[Json], *place: str | int) -> tuple[int, ...]:
    if not all(type(one) is int for one in given):
        raise wrong(place, "is no list of tokens")
    return tuple(given)


def _purpose(flavour: Flavour, body: dict[str, Json]) -> tuple[str | None, tuple[Extra, ...]]:
    """
    OpenAI's own form has none; its many imitators call it `input_type`.
    """
    name = flavour.purpose or "input_type"
    words: dict[str, str | None] = {said: neutral for neutral, said in flavour.takes.purposes.items()}
    return purpose_of(text(body.get(name), name), words or _USUAL_PURPOSES)


def _kinds(flavour: Flavour, body: dict[str, Json]) -> tuple[str, ...]:
    if flavour.number_kind == "embedding_type":
        given = body.get("embedding_type")
        named = given if type(given) is list else [given] if given is not None else []
        kinds = tuple(text(one, "embedding_type") or "float" for one in named)
        return kinds[:1]
    coded = text(body.get("encoding_format"), "encoding_format")
    if flavour.number_kind is not None:
        kind = text(body.get(flavour.number_kind), flavour.number_kind)
        if kind is not None and kind != "float":
            # Quantised numbers in base64 are packed in a way of their own: `int8 base64` is neither of our kinds.
            return (kind,) if coded != "base64" else (f"{kind}-base64",)
    return (coded,) if coded is not None else ()


def _truncation(flavour: Flavour, body: dict[str, Json]) -> str | None:
    if flavour.truncation is None:
        return None
    given = body.get(flavour.truncation)
    if type(given) is str:
        return given.lower()
    return truncate_of(flag(given, flavour.truncation))


def _encode_request(flavour: Flavour, request: EmbedRequest, target: Target) -> Encoded:
    if request.form == flavour.kind:
        return own_words(request, target)
    losses = Losses()
    check(request, flavour.takes, losses)
    body: dict[str, Json] = {"model": target.model, "input": _written_inputs(request)}
    if request.dimensions is not None:
        body[flavour.size] = request.dimensions
    kind = _kind_for(request)
    if flavour.number_kind is None:
        body["encoding_format"] = kind
    elif kind != "float":
        body["encoding_format" if kind == "base64" and flavour.number_kind == "output_dtype" else flavour.number_kind] = kind
    word = purpose_for(request, flavour.takes, losses, default=flavour.must)
    if word is not None and flavour.purpose is not None:
        body[flavour.purpose] = word
    if flavour.truncation is not None and request.truncate in flavour.takes.truncate:
        body[flavour.truncation] = request.truncate.upper() if flavour.kind == "nvidia" else request.truncate != "none"
    if request.user is not None and flavour.takes.user:
        body["user"] = request.user
    return Encoded(body, losses.all(), EmbedSent(target, kind=kind))


def _kind_for(request: EmbedRequest) -> str:
    """
    The one kind such a form can be asked for. Of numbers base64 can be made, and the reverse.
    """
    return request.kinds[0] if len(request.kinds) == 1 else "float"


def _written_inputs(request: EmbedRequest) -> Json:
    pieces = [pieces[0] if pieces else "" for pieces in request.inputs]
    if any(not isinstance(piece, str | tuple) for piece in pieces):
        return [{"text": piece} if isinstance(piece, str) else {"image": picture_url(piece)} for piece in pieces]
    given = texts_of((piece,) for piece in pieces)
    return given[0] if request.single and len(given) == 1 else given


# -- answers ---------------------------------------------------------------------------------------------------------------------------


def _decode_answer(given: Json, sent: Sent) -> EmbedAnswer | Fault:
    """
    Answers of this family do not name the kind of their numbers: it is what was asked for.
    """
    asked_kind = sent.kind if isinstance(sent, EmbedSent) else "float"
    if type(given) is not dict or type(given.get("data")) is not list:
        return unreadable()
    found: dict[int, dict[str, Json]] = {}
    for place, row in enumerate(items(given["data"])):
        vector = row.get("embedding") if type(row) is dict else None
        if type(vector) is str:
            kind = "base64"
        elif type(vector) is list:
            kind = "float" if asked_kind == "base64" else asked_kind
        else:
            return unreadable()
        index = row.get("index")
        found[index if type(index) is int else place] = {kind: vector}
    if sorted(found) != list(range(len(found))):
        return unreadable()
    return EmbedAnswer(tuple(found[index] for index in range(len(found))), id_of(given.get("id")), model_of(given.get("model")))


def _encode_answer(flavour: Flavour, answer: EmbedAnswer, asked: Asked) -> Json | Fault:
    request: EmbedRequest = asked.request
    kind = request.kinds[0] if request.kinds else "float"
    if not answered(request, answer):
        return unreadable()
    data = written(answer, (kind,), lambda index, made: {"object": "embedding", "index": index, "embedding": made[kind]})
    if isinstance(data, Fault):
        return data
    tokens = answer.usage.input_tokens or 0
    usage = {"total_tokens": tokens} if flavour.total_only else {"prompt_tokens": tokens, "total_tokens": tokens}
    body: dict[str, Json] = {"object": "list", "data": data, "model": asked.model, "usage": usage}
    return {"id": answer.id or asked.id, **body} if flavour.kind == "mistral" else body


def _form(flavour: Flavour, name: str = NAME) -> Form:
    return Form(
        name,
        f"embeddings {flavour.kind}",
        Verbs(partial(_encode_request, flavour), _decode_answer, partial(_decode_request, flavour), partial(_encode_answer, flavour)),
    )


OPENAI, MISTRAL, VOYAGE, JINA, NVIDIA = _form(_OPENAI), _form(_MISTRAL, "mistral-embeddings"), _form(_VOYAGE), _form(_JINA), _form(_NVIDIA)
