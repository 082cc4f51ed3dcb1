"""
Rerank: documents put in the order of how well they answer a query. Cohere's words, version 2 and 1; Voyage's; those of Jina, which
Together, SiliconFlow, vLLM and others took over; and the bodies of Cohere's models on Bedrock.

Scores of different models are not comparable, and are not made so.

Source: docs.cohere.com/reference/rerank, docs.voyageai.com/reference/reranker-api, api.jina.ai/redoc, docs.together.ai (rerank),
docs.aws.amazon.com/bedrock (Cohere Rerank), read 2026-11. Recorded answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from excise.wire.dialect import Encoded, Envelope, Sent, Target
from excise.wire.dialects.given import fields, flag, listed, text, texts, whole, wrong
from excise.wire.loss import Losses
from excise.wire.neutral import UNKNOWN_USAGE, Extra, Json
from excise.wire.operations.document import unreadable
from excise.wire.operations.form import Asked, Form, Verbs, extras_of, leave_out, own_words
from excise.wire.upstream_error import Fault
from excise.wire.usage import Usage
from excise.wire.usage_values import id_of, items, model_of

NAME = "rerank"


@dataclass(frozen=True, slots=True)
class RerankRequest:
    """
    Documents to be ordered.

    Attributes:
        documents: Texts, or objects with several fields.
        fields: Of such objects, those that count.
        truncate: Whether documents that are too long are cut.
        max_tokens: Of one document that are read.
    """

    form: str
    model: str | None
    query: str = field(repr=False)
    documents: tuple[str | Mapping[str, Json], ...] = field(repr=False)
    top: int | None = None
    return_documents: bool | None = None
    fields: tuple[str, ...] = ()
    truncate: bool | None = None
    max_tokens: int | None = None
    extras: tuple[Extra, ...] = ()
    raw: Json = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Ranked:
    """
    One document. `document`: as the provider gives it back, an object or a text.
    """

    index: int
    score: float
    document: Json = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RerankAnswer:
    """
    The best first.
    """

    results: tuple[Ranked, ...]
    id: str | None = None
    model: str | None = None
    usage: Usage = UNKNOWN_USAGE


@dataclass(frozen=True, slots=True)
class Flavour:
    """
    What one provider calls things. `None`: it has no such thing.

    Attributes:
        top, echo, truncate, max_tokens: Names of the fields.
        objects: A document may be an object with fields of its own.
        rows: Where its answers have the documents.
        text_documents: Documents come back as texts, else as objects.
        most: Documents of one call.
    """

    kind: str
    top: str = "top_n"
    echo: str | None = "return_documents"
    truncate: str | None = None
    max_tokens: str | None = None
    objects: bool = False
    rows: str = "results"
    text_documents: bool = False
    most: int = 10_000
    known: Mapping[str, Extra] = field(default_factory=dict)


_CHUNKS = {"max_chunks_per_doc": Extra("max_chunks_per_doc", False, "the target cannot be told into how many pieces documents are cut")}
_COHERE_V2 = Flavour("cohere v2", echo=None, max_tokens="max_tokens_per_doc")
_COHERE_V1 = Flavour("cohere v1", objects=True, known=_CHUNKS)
_VOYAGE = Flavour("voyage", top="top_k", truncate="truncation", rows="data", text_documents=True, most=1000)
_JINA = Flavour(
    "jina", known={"max_doc_length": Extra("max_doc_length", False, "the target cannot be told how much of a document to read")}
)
_BEDROCK = Flavour("cohere bedrock", echo=None, max_tokens="max_tokens_per_doc")


# -- requests --------------------------------------------------------------------------------------------------------------------------


def _decode_request(flavour: Flavour, given: Json, envelope: Envelope) -> RerankRequest:
    body = fields(given, "body")
    query = text(body.get("query"), "query")
    if query is None:
        raise wrong(("query",), "is missing")
    documents = tuple(_document(one, index) for index, one in enumerate(listed(body.get("documents"), "documents")))
    if not documents:
        raise wrong(("documents",), "is empty")
    read = {"model", "query", "documents", "rank_fields", flavour.top}
    read |= {name for name in (flavour.echo, flavour.truncate, flavour.max_tokens) if name is not None}
    return RerankRequest(
        form=flavour.kind,
        model=text(body.get("model"), "model") or envelope.model,
        query=query,
        documents=documents,
        top=whole(body.get(flavour.top), flavour.top),
        return_documents=flag(body.get(flavour.echo), flavour.echo) if flavour.echo is not None else None,
        fields=texts(body.get("rank_fields"), "rank_fields"),
        truncate=flag(body.get(flavour.truncate), flavour.truncate) if flavour.truncate is not None else None,
        max_tokens=whole(body.get(flavour.max_tokens), flavour.max_tokens) if flavour.max_tokens is not None else None,
        extras=extras_of(body, frozenset(read), dict(flavour.known)),
        raw=given,
    )


def _document(given: Json, index: int) -> str | Mapping[str, Json]:
    if type(given) is str:
        return given
    document = fields(given, "documents", index)
    if document.keys() == {"text"} and type(document["text"]) is str:
        words: str = document["text"]
        return words
    if not document:
        raise wrong(("documents", index), "is neither a text nor an object")
    return document


def _encode_request(flavour: Flavour, request: RerankRequest, target: Target) -> Encoded:
    if request.form == flavour.kind:
        return own_words(request, target)
    losses = Losses()
    leave_out(request.extras, losses)
    if not flavour.objects and (request.fields or any(not isinstance(one, str) for one in request.documents)):
        losses.impossible("documents", "the target orders texts, not objects or pictures; send each document as one text")
    if len(request.documents) > flavour.most:
        losses.impossible("documents", f"the target orders at most {flavour.most} documents a call")
    body: dict[str, Json] = {"query": request.query, "documents": list(request.documents)}
    if flavour is _BEDROCK:
        body["api_version"] = 2
    else:
        body["model"] = target.model
    if request.top is not None:
        body[flavour.top] = request.top
    if request.fields and flavour.objects:
        body["rank_fields"] = list(request.fields)
    if request.return_documents:
        if flavour.echo is not None:
            body[flavour.echo] = True
        else:
            losses.dropped("return_documents", "the target does not give documents back; find them by their index")
    for name, there, why in (
        ("truncate", flavour.truncate, "the target cannot be told whether to cut documents that are too long"),
        ("max_tokens", flavour.max_tokens, "the target cannot be told how much of a document to read"),
    ):
        value = getattr(request, name)
        if value is not None and there is not None:
            body[there] = value
        elif value is not None:
            losses.dropped(name, why)
    return Encoded(body, losses.all(), Sent(target))


# -- answers ---------------------------------------------------------------------------------------------------------------------------


def _decode_answer(given: Json, sent: Sent) -> RerankAnswer | Fault:
    del sent
    rows = given.get("results", given.get("data")) if type(given) is dict else None
    if type(rows) is not list:
        return unreadable()
    found = []
    for row in items(rows):
        if type(row) is not dict:
            return unreadable()
        index, score = row.get("index"), row.get("relevance_score")
        if type(index) is not int or index < 0 or not isinstance(score, int | float):
            return unreadable()
        found.append(Ranked(index, score, row.get("document")))
    found.sort(key=lambda one: -one.score)  # stable: as the provider has them, where it orders them
    return RerankAnswer(tuple(found), id_of(given.get("id")), model_of(given.get("model")))


def _encode_answer(flavour: Flavour, answer: RerankAnswer, asked: Asked) -> Json | Fault:
    request: RerankRequest = asked.request
    if any(one.index >= len(request.documents) for one in answer.results):
        return unreadable()
    rows = [_row(flavour, one, request) for one in answer.results[: request.top]]
    tokens = answer.usage.input_tokens
    if flavour.kind.startswith("cohere"):
        billed = {name: value for name, value in (("search_units", answer.usage.searches), ("input_tokens", tokens)) if value is not None}
        meta = {"api_version": {"version": flavour.kind[-1]}, "billed_units": billed}
        return {"id": answer.id or asked.id, "results": rows, "meta": meta}
    usage = {"total_tokens": tokens or 0}
    body: dict[str, Json] = {"model": asked.model, flavour.rows: rows, "usage": usage}
    return {"object": "list", **body} if flavour is _VOYAGE else body


def _row(flavour: Flavour, one: Ranked, request: RerankRequest) -> dict[str, Json]:
    row: dict[str, Json] = {"index": one.index, "relevance_score": one.score}
    if one.document is not None and request.return_documents:
        words = one.document.get("text") if type(one.document) is dict else one.document
        row["document"] = one.document if type(words) is not str else words if flavour.text_documents else {"text": words}
    return row


def _form(flavour: Flavour, rank: int = 0) -> Form:
    verbs = Verbs(partial(_encode_request, flavour), _decode_answer, partial(_decode_request, flavour), partial(_encode_answer, flavour))
    return Form(NAME, f"rerank {flavour.kind}", verbs, rank)


COHERE_V2, COHERE_V1, VOYAGE, JINA = _form(_COHERE_V2), _form(_COHERE_V1, 1), _form(_VOYAGE), _form(_JINA)
BEDROCK = Form("bedrock-invoke", "rerank cohere bedrock", Verbs(partial(_encode_request, _BEDROCK), _decode_answer))
