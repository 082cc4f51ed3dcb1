"""
Embeddings in Cohere's words: `POST /v2/embed`, `POST /v1/embed`, and the bodies of Cohere's models on Bedrock.

Source: docs.cohere.com/reference/embed, cohere 5 (Python), docs.aws.amazon.com/bedrock (Cohere Embed v3, v4), read 2026-11; recorded
answers.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from excise.wire.dialect import Encoded, Envelope, Sent, Target
from excise.wire.dialects.given import fields, listed, text, texts, whole, wrong
from excise.wire.loss import Losses
from excise.wire.neutral import Json, Link
from excise.wire.operations.document import unreadable
from excise.wire.operations.embed_pictures import is_picture, picture_of, picture_url
from excise.wire.operations.embeddings import (
    KINDS,
    EmbedAnswer,
    EmbedRequest,
    Input,
    Piece,
    Takes,
    answered,
    check,
    list_of_vectors,
    numbers_as,
    purpose_for,
    purpose_of,
)
from excise.wire.operations.form import Asked, Form, Verbs, extras_of, own_words
from excise.wire.upstream_error import Fault
from excise.wire.usage_values import id_of, part

NAME = "cohere"
_PURPOSES = {
    "query": "search_query",
    "document": "search_document",
    "classification": "classification",
    "clustering": "clustering",
}
_READ_PURPOSES = {**{word: neutral for neutral, word in _PURPOSES.items()}, "image": None}
_TAKES = Takes(
    96,
    kinds=frozenset(KINDS),
    several=True,
    purposes=_PURPOSES,
    pictures=True,
    mixed=True,
    truncate=frozenset({"none", "start", "end"}),
    max_tokens=True,
)
_TAKES_V1 = Takes(96, kinds=frozenset(KINDS) - {"base64"}, several=True, purposes=_PURPOSES, truncate=_TAKES.truncate, dimensions=False)
_OLDER = ("-v2", "-v3")  # models whose vectors have one length
_READ = frozenset(
    {"model", "texts", "images", "inputs", "input_type", "embedding_types", "output_dimension", "truncate", "max_tokens", "api_version"}
)


def _decode_request(kind: str, given: Json, envelope: Envelope) -> EmbedRequest:
    body = fields(given, "body")
    inputs = _inputs(body)
    if not inputs:
        raise wrong(("texts",), "is empty")
    truncate = text(body.get("truncate"), "truncate")
    purpose, unknown = purpose_of(text(body.get("input_type"), "input_type"), _READ_PURPOSES)
    return EmbedRequest(
        form=kind,
        model=text(body.get("model"), "model") or envelope.model,
        inputs=inputs,
        purpose=purpose,
        dimensions=whole(body.get("output_dimension"), "output_dimension"),
        kinds=texts(body.get("embedding_types"), "embedding_types"),
        truncate=truncate.lower() if truncate is not None else None,
        max_tokens=whole(body.get("max_tokens"), "max_tokens"),
        extras=(*unknown, *extras_of(body, _READ, {})),
        raw=given,
    )


def _inputs(body: dict[str, Json]) -> tuple[Input, ...]:
    found: list[Input] = [(one,) for one in texts(body.get("texts"), "texts")]
    for index, picture in enumerate(texts(body.get("images"), "images")):
        if not is_picture(picture):
            raise wrong(("images", index), "is no picture")
        found.append((picture_of(picture),))
    for index, one in enumerate(listed(body.get("inputs"), "inputs")):
        pieces = listed(fields(one, "inputs", index).get("content"), "inputs", index, "content")
        found.append(tuple(_piece(piece, ("inputs", index, "content", place)) for place, piece in enumerate(pieces)))
    return tuple(found)


def _piece(given: Json, place: tuple[str | int, ...]) -> Piece:
    piece = fields(given, *place)
    if piece.get("type") == "text" and type(piece.get("text")) is str:
        words: str = piece["text"]
        return words
    if piece.get("type") == "image_url" and is_picture(url := part(piece, "image_url").get("url")):
        return picture_of(url)
    raise wrong(place, "is neither a text nor a picture")


def _encode_request(kind: str, request: EmbedRequest, target: Target) -> Encoded:
    if request.form == kind:
        return own_words(request, target)
    losses = Losses()
    takes = _TAKES_V1 if kind == "cohere v1" else _TAKES
    if any(older in target.model for older in _OLDER):
        takes = replace(takes, dimensions=False)
    check(request, takes, losses)
    # Both numbers and base64 are made of numbers; the client's form makes the other of it.
    kinds = tuple(dict.fromkeys("float" if one == "base64" else one for one in request.kinds)) or ("float",)
    body: dict[str, Json] = {**_written(request, losses), "embedding_types": list(kinds)}
    if kind != "cohere bedrock":
        body["model"] = target.model
    body["input_type"] = purpose_for(request, takes, losses, default="document")
    if request.dimensions is not None:
        body["output_dimension"] = request.dimensions
    if request.truncate in takes.truncate and request.truncate is not None:
        body["truncate"] = request.truncate.upper()
    if request.max_tokens is not None and takes.max_tokens and kind != "cohere bedrock":
        body["max_tokens"] = request.max_tokens
    return Encoded(body, losses.all(), Sent(target))


def _written(request: EmbedRequest, losses: Losses) -> dict[str, Json]:
    if all(len(pieces) == 1 and type(pieces[0]) is str for pieces in request.inputs):
        return {"texts": [pieces[0] for pieces in request.inputs]}
    if any(isinstance(piece, Link) for pieces in request.inputs for piece in pieces):
        losses.impossible("image.url", "the target takes pictures as data, not as links; send the picture itself")
    return {"inputs": [{"content": [_written_piece(piece) for piece in pieces]} for pieces in request.inputs]}


def _written_piece(piece: Any) -> Json:
    if isinstance(piece, str):
        return {"type": "text", "text": piece}
    if isinstance(piece, tuple):
        return {"type": "text", "text": ""}  # tokens: refused above
    return {"type": "image_url", "image_url": {"url": picture_url(piece)}}


def _decode_answer(given: Json, sent: Sent) -> EmbedAnswer | Fault:
    del sent
    held = given.get("embeddings") if type(given) is dict else None
    by_kind = held if type(held) is dict else {"float": held}
    found = [vectors for kind in KINDS if by_kind.get(kind) is not None and (vectors := list_of_vectors(kind, by_kind[kind])) is not None]
    if not found or len({len(vectors) for vectors in found}) != 1:
        return unreadable()
    merged = tuple({kind: value for one in row for kind, value in one.items()} for row in zip(*found, strict=True))
    return EmbedAnswer(merged, id_of(given.get("id")))


def _encode_answer(kind: str, answer: EmbedAnswer, asked: Asked) -> Json | Fault:
    request: EmbedRequest = asked.request
    wanted = request.kinds or ("float",)
    made = {one: [numbers_as(one, vector) for vector in answer.vectors] for one in wanted}
    if not answered(request, answer) or any(value is None for column in made.values() for value in column):
        return unreadable()
    version = "1" if kind == "cohere v1" else "2"
    meta: dict[str, Json] = {"api_version": {"version": version}}
    if (tokens := answer.usage.input_tokens) is not None:
        meta["billed_units"] = {"input_tokens": tokens}
    body: dict[str, Json] = {"id": answer.id or asked.id, "embeddings": made, "meta": meta, "response_type": "embeddings_by_type"}
    if kind == "cohere v1" and not request.kinds:
        # The texts stand here only by habit; they are not repeated, for what was taken out of them would not be put back.
        body |= {"embeddings": made["float"], "texts": [], "response_type": "embeddings_floats"}
    return body


def _verbs(kind: str) -> Verbs:
    return Verbs(partial(_encode_request, kind), _decode_answer, partial(_decode_request, kind), partial(_encode_answer, kind))


V2, V1 = Form(NAME, "embeddings cohere v2", _verbs("cohere v2")), Form(NAME, "embeddings cohere v1", _verbs("cohere v1"), rank=1)
BEDROCK = Form("bedrock-invoke", "embeddings cohere bedrock", Verbs(partial(_encode_request, "cohere bedrock"), _decode_answer))
