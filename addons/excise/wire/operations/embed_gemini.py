"""
Embeddings in Google's words: `:embedContent`, `:batchEmbedContents`, and Vertex's `:predict` of its older embedding models.

Source: ai.google.dev/api/embeddings, cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api and google-genai
3.4, read 2026-11; recorded answers.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from excise.wire.dialect import Encoded, Envelope, Sent, Target
from excise.wire.dialects.given import fields, flag, listed, text, whole, wrong
from excise.wire.loss import Losses
from excise.wire.neutral import Blob, Extra, Json, Link
from excise.wire.operations.document import unreadable
from excise.wire.operations.embeddings import (
    EmbedAnswer,
    EmbedRequest,
    Input,
    Piece,
    Takes,
    answered,
    check,
    purpose_for,
    purpose_of,
    truncate_of,
    written,
)
from excise.wire.operations.form import UNREAD, Asked, Form, Verbs, extras_of
from excise.wire.upstream_error import Fault
from excise.wire.usage_values import items, part

_TASKS = {
    "query": "RETRIEVAL_QUERY",
    "document": "RETRIEVAL_DOCUMENT",
    "similarity": "SEMANTIC_SIMILARITY",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
    "question": "QUESTION_ANSWERING",
    "fact": "FACT_VERIFICATION",
    "code_query": "CODE_RETRIEVAL_QUERY",
}
_PURPOSES: dict[str, str | None] = {**{word: neutral for neutral, word in _TASKS.items()}, "TASK_TYPE_UNSPECIFIED": None}
_BATCH = Takes(100, purposes=_TASKS, pictures=True, mixed=True, title=True)
_ONE = Takes(1, purposes=_TASKS, pictures=True, mixed=True, title=True, truncate=frozenset({"none", "end"}))
_PREDICT = Takes(250, purposes=_TASKS, title=True, truncate=frozenset({"none", "end"}))
_SHORTENED = "vectors that the target shortens are not of length one; normalise them before comparing by dot product"


# -- requests --------------------------------------------------------------------------------------------------------------------------


def _decode_one(given: Json, envelope: Envelope) -> EmbedRequest:
    return _read(fields(given, "body"), (), given, envelope)


def _decode_batch(given: Json, envelope: Envelope) -> EmbedRequest:
    """
    Settings stand at every input; another form has them once, so they must agree.
    """
    body = fields(given, "body")
    rows = listed(body.get("requests"), "requests")
    if not rows:
        raise wrong(("requests",), "is empty")
    read = [_read(fields(row, "requests", index), ("requests", index), given, envelope) for index, row in enumerate(rows)]
    first = read[0]
    differ = any((one.purpose, one.dimensions, one.title) != (first.purpose, first.dimensions, first.title) for one in read)
    extras = dict.fromkeys(extra for one in read for extra in one.extras)
    if differ:
        extras[Extra("requests", True, "inputs of one call have settings of their own; send those with other settings apart")] = None
    if body.keys() - {"requests", "model"}:
        extras[UNREAD] = None
    return EmbedRequest(
        form="gemini batch",
        model=envelope.model,
        inputs=tuple(one.inputs[0] for one in read),
        purpose=first.purpose,
        dimensions=first.dimensions,
        title=first.title,
        extras=tuple(extras),
        raw=given,
    )


def _read(body: dict[str, Json], place: tuple[str | int, ...], raw: Json, envelope: Envelope) -> EmbedRequest:
    inner = fields(body.get("embedContentConfig"), *place, "embedContentConfig")
    said = _spelled({**body, **inner})
    purpose, unknown = purpose_of(text(said.get("taskType"), *place, "taskType"), _PURPOSES)
    read = frozenset({"model", "content", "taskType", "title", "outputDimensionality", "embedContentConfig", "autoTruncate"})
    return EmbedRequest(
        form="gemini one",
        model=envelope.model,
        inputs=(_content(said.get("content"), (*place, "content")),),
        single=True,
        purpose=purpose,
        dimensions=whole(said.get("outputDimensionality"), *place, "outputDimensionality"),
        truncate=truncate_of(flag(said.get("autoTruncate"), *place, "autoTruncate")),
        title=text(said.get("title"), *place, "title"),
        extras=(*unknown, *extras_of(said, read, {})),
        raw=raw,
    )


def _spelled(body: dict[str, Json]) -> dict[str, Json]:
    """
    Google takes snake case too.
    """
    return {_camel(key): value for key, value in body.items()}


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def _content(given: Json, place: tuple[str | int, ...]) -> Input:
    parts = listed(fields(given, *place).get("parts"), *place, "parts")
    if not parts:
        raise wrong(place, "has no parts")
    return tuple(_piece(_spelled(fields(one, *place, "parts", index)), (*place, "parts", index)) for index, one in enumerate(parts))


def _piece(given: dict[str, Json], place: tuple[str | int, ...]) -> Piece:
    if type(words := given.get("text")) is str:
        return words
    data, file = _spelled(part(given, "inlineData")), _spelled(part(given, "fileData"))
    kind = data.get("mimeType") or file.get("mimeType")
    if type(kind) is str and kind.startswith("image/"):
        if type(data.get("data")) is str:
            return Blob(kind.lower(), data["data"])
        if type(file.get("fileUri")) is str:
            return Link(file["fileUri"], kind.lower())
    raise wrong(place, "is neither a text nor a picture")


def _encode_batch(request: EmbedRequest, target: Target) -> Encoded:
    name = f"models/{target.model.removeprefix('models/')}"
    if request.form == "gemini batch":
        rows = [{**row, "model": name} for row in request.raw["requests"]]
        body = {**request.raw, "requests": rows}
        return Encoded({**body, "model": name} if "model" in body else body, (), Sent(target))
    losses = Losses()
    shared = _shared(request, _BATCH, losses)
    rows = [{"model": name, "content": _written(pieces, losses), **shared} for pieces in request.inputs]
    return Encoded({"requests": rows}, losses.all(), Sent(target))


def _encode_one(request: EmbedRequest, target: Target) -> Encoded:
    if request.form == "gemini one":
        body = dict(request.raw)
        if "model" in body:
            body["model"] = f"models/{target.model.removeprefix('models/')}"
        return Encoded(body, (), Sent(target))
    losses = Losses()
    body = {"content": _written(request.inputs[0], losses), **_shared(request, _ONE, losses)}
    if request.truncate in _ONE.truncate:
        body["autoTruncate"] = request.truncate == "end"
    return Encoded(body, losses.all(), Sent(target))


def _shared(request: EmbedRequest, takes: Takes, losses: Losses) -> dict[str, Json]:
    check(request, takes, losses)
    found: dict[str, Json] = {}
    if (task := purpose_for(request, takes, losses)) is not None:
        found["taskType"] = task
    if request.title is not None:
        found["title"] = request.title
    if request.dimensions is not None:
        found["outputDimensionality"] = request.dimensions
        losses.changed("dimensions", _SHORTENED)
    return found


def _written(pieces: Input, losses: Losses) -> Json:
    return {"parts": [_written_piece(piece, losses) for piece in pieces]}


def _written_piece(piece: Any, losses: Losses) -> Json:
    if isinstance(piece, Blob):
        return {"inlineData": {"mimeType": piece.media_type, "data": piece.data}}
    if isinstance(piece, Link):
        if not piece.url.startswith("gs://"):
            losses.impossible("image.url", "the target takes pictures as data, not as links; send the picture itself")
        return {"fileData": {"mimeType": piece.media_type or "image/png", "fileUri": piece.url}}
    return {"text": piece if isinstance(piece, str) else ""}  # tokens: refused before


# -- answers ---------------------------------------------------------------------------------------------------------------------------


def _decode_answer(given: Json, sent: Sent) -> EmbedAnswer | Fault:
    del sent
    if type(given) is not dict:
        return unreadable()
    rows = [given["embedding"]] if "embedding" in given else items(given.get("embeddings"))
    if "predictions" in given:
        rows = [part(one, "embeddings") for one in items(given["predictions"])]
    vectors = [row.get("values") if type(row) is dict else None for row in rows]
    if not vectors or any(type(vector) is not list for vector in vectors):
        return unreadable()
    return EmbedAnswer(tuple({"float": vector} for vector in vectors))


def _encode_answer(kind: str, answer: EmbedAnswer, asked: Asked) -> Json | Fault:
    if not answered(asked.request, answer):
        return unreadable()
    rows = written(answer, ("float",), lambda _, made: {"values": made["float"]})
    if isinstance(rows, Fault):
        return rows
    if kind == "gemini predict":
        return {"predictions": [{"embeddings": {**row, "statistics": {"truncated": False}}} for row in rows]}
    body: dict[str, Json] = {"embedding": rows[0]} if kind == "gemini one" else {"embeddings": rows}
    if (tokens := answer.usage.input_tokens) is not None:
        body["usageMetadata"] = {"promptTokenCount": tokens, "totalTokenCount": tokens}
    return body


# -- Vertex ----------------------------------------------------------------------------------------------------------------------------


def _decode_predict(given: Json, envelope: Envelope) -> EmbedRequest:
    body = fields(given, "body")
    rows = [fields(row, "instances", index) for index, row in enumerate(listed(body.get("instances"), "instances"))]
    parameters = fields(body.get("parameters"), "parameters")
    words = [text(row.get("content"), "instances", index, "content") for index, row in enumerate(rows)]
    if not words or None in words:
        raise wrong(("instances",), "holds no texts")
    tasks = {purpose_of(text(row.get("task_type"), "instances", index, "task_type"), _PURPOSES) for index, row in enumerate(rows)}
    titles = {text(row.get("title"), "instances", index, "title") for index, row in enumerate(rows)}
    purpose, unknown = next(iter(tasks))
    extras = list(unknown)
    if len(tasks) > 1 or len(titles) > 1:
        extras.append(Extra("instances", True, "inputs of one call have settings of their own; send those with other settings apart"))
    return EmbedRequest(
        form="gemini predict",
        model=envelope.model,
        inputs=tuple((word,) for word in words if word is not None),
        purpose=purpose,
        dimensions=whole(parameters.get("outputDimensionality"), "parameters", "outputDimensionality"),
        truncate=truncate_of(flag(parameters.get("autoTruncate"), "parameters", "autoTruncate")),
        title=next(iter(titles)),
        extras=tuple(extras),
        raw=given,
    )


def _encode_predict(request: EmbedRequest, target: Target) -> Encoded:
    if request.form == "gemini predict":
        return Encoded(dict(request.raw), (), Sent(target))
    losses = Losses()
    check(request, _PREDICT, losses)
    if target.model.startswith("gemini-embedding-001") and len(request.inputs) > 1:
        losses.impossible("input", "the target embeds one input a call; send them one by one")
    row: dict[str, Json] = {}
    if (task := purpose_for(request, _PREDICT, losses)) is not None:
        row["task_type"] = task
    if request.title is not None:
        row["title"] = request.title
    parameters: dict[str, Json] = {}
    if request.dimensions is not None:
        parameters["outputDimensionality"] = request.dimensions
        losses.changed("dimensions", _SHORTENED)
    if request.truncate in _PREDICT.truncate:
        parameters["autoTruncate"] = request.truncate == "end"
    body: dict[str, Json] = {"instances": [{"content": pieces[0] if pieces else "", **row} for pieces in request.inputs]}
    return Encoded({**body, "parameters": parameters} if parameters else body, losses.all(), Sent(target))


ONE, BATCH, PREDICT = (
    Form(name, f"embeddings {kind}", Verbs(encode, _decode_answer, decode, partial(_encode_answer, kind)), rank)
    for name, kind, decode, encode, rank in (
        ("gemini", "gemini one", _decode_one, _encode_one, 1),
        ("gemini", "gemini batch", _decode_batch, _encode_batch, 0),
        ("vertex-predict", "gemini predict", _decode_predict, _encode_predict, 2),
    )
)
