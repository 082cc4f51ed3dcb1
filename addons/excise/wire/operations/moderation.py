"""
Moderation: what is wrong with a text. OpenAI's words and Mistral's, which judge different things.

Categories that mean much the same are taken for each other. What the target does not judge is left out of the answer, never said to be
harmless.

Source: platform.openai.com/docs/api-reference/moderations, docs.mistral.ai/capabilities/guardrailing, read 2026-11. Recorded answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from excise.wire.dialect import Encoded, Envelope, Sent, Target
from excise.wire.dialects.given import fields, listed, text, wrong
from excise.wire.loss import Losses
from excise.wire.neutral import Extra, Json
from excise.wire.operations.document import unreadable
from excise.wire.operations.form import Asked, Form, Verbs, extras_of, leave_out, own_words
from excise.wire.upstream_error import Fault
from excise.wire.usage_values import id_of, items, model_of, part

_CATEGORIES = "the target judges other categories: those that mean much the same are given, and what it does not judge is left out"

# Mistral's category -> those of OpenAI it covers, the first of which it means when it stands alone.
_EQUALS = {
    "sexual": ("sexual", "sexual/minors"),
    "hate_and_discrimination": ("hate", "hate/threatening"),
    "violence_and_threats": ("violence", "violence/graphic", "harassment/threatening"),
    "selfharm": ("self-harm", "self-harm/intent", "self-harm/instructions"),
    "dangerous_and_criminal_content": ("illicit", "illicit/violent"),
    "dangerous": ("illicit/violent",),
    "criminal": ("illicit",),
}


@dataclass(frozen=True, slots=True)
class ModerationRequest:
    """
    Texts to be judged, each by itself; or, with `pictures`, one thing of text and pictures.
    """

    form: str
    model: str | None
    inputs: tuple[str, ...] = field(repr=False)
    single: bool = False
    pictures: bool = False
    extras: tuple[Extra, ...] = ()
    raw: Json = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Judged:
    """
    Of one input: category -> whether it was found, and how sure that is. Names are those of the answer's form.
    """

    found: Mapping[str, bool]
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ModerationAnswer:
    form: str
    results: tuple[Judged, ...]
    id: str | None = None
    model: str | None = None


def _decode_request(kind: str, given: Json, envelope: Envelope) -> ModerationRequest:
    body = fields(given, "body")
    asked = body.get("input")
    single = type(asked) is str
    rows = [asked] if single else listed(asked, "input")
    if not rows:
        raise wrong(("input",), "is empty")
    objects = [row for row in rows if type(row) is dict]
    if len(objects) not in (0, len(rows)) or not all(type(row) in (str, dict) for row in rows):
        raise wrong(("input",), "is neither a text, nor a list of texts, nor of parts")
    words = [text(row.get("text"), "input", index, "text") if type(row) is dict else row for index, row in enumerate(rows)]
    # Parts are one input together.
    inputs = tuple(word or "" for word in words) if not objects else ("\n".join(word for word in words if word),)
    known = {"metadata": Extra("metadata", False, "labels of the client's that only this provider keeps")}
    return ModerationRequest(
        form=kind,
        model=text(body.get("model"), "model") or envelope.model,
        inputs=inputs,
        single=single,
        pictures=any(row.get("type") != "text" for row in objects),
        extras=extras_of(body, frozenset({"model", "input"}), known),
        raw=given,
    )


def _encode_request(kind: str, request: ModerationRequest, target: Target) -> Encoded:
    if request.form == kind:
        return own_words(request, target)
    losses = Losses()
    leave_out(request.extras, losses)
    if request.pictures:
        losses.impossible("image", "the target judges text alone")
    losses.changed("categories", _CATEGORIES)
    body: dict[str, Json] = {"model": target.model, "input": request.inputs[0] if request.single else list(request.inputs)}
    return Encoded(body, losses.all(), Sent(target))


def _decode_answer(kind: str, given: Json, sent: Sent) -> ModerationAnswer | Fault:
    del sent
    rows = given.get("results") if type(given) is dict else None
    if type(rows) is not list or not rows or not all(type(row) is dict for row in rows):
        return unreadable()
    results = []
    for row in items(rows):
        found = {name: value for name, value in part(row, "categories").items() if type(value) is bool}
        scores = {name: value for name, value in part(row, "category_scores").items() if type(value) in (int, float)}
        if not found:
            return unreadable()
        results.append(Judged(found, scores))
    return ModerationAnswer(kind, tuple(results), id_of(given.get("id")), model_of(given.get("model")))


def _encode_answer(kind: str, answer: ModerationAnswer, asked: Asked) -> Json | Fault:
    request: ModerationRequest = asked.request
    if len(answer.results) != len(request.inputs):
        return unreadable()
    rows = []
    for judged in answer.results:
        told = judged if answer.form == kind else _in_mistrals(judged) if kind == "mistral" else _in_openais(judged)
        row: dict[str, Json] = {"categories": dict(told.found), "category_scores": dict(told.scores)}
        if kind == "openai":
            # Anything found counts, also what OpenAI has no category for.
            applied = {name: ["text"] for name in told.found}
            row = {"flagged": any(judged.found.values()), **row, "category_applied_input_types": applied}
        rows.append(row)
    return {"id": answer.id or f"modr-{asked.id}", "model": asked.model, "results": rows}


def _in_openais(judged: Judged) -> Judged:
    """
    Mistral's findings: one of its categories stands for the broadest of OpenAI's it covers.
    """
    found: dict[str, bool] = {}
    scores: dict[str, float] = {}
    for theirs, ours in _EQUALS.items():
        if theirs in judged.found:
            found[ours[0]] = judged.found[theirs] or found.get(ours[0], False)
            if theirs in judged.scores:
                scores[ours[0]] = max(judged.scores[theirs], scores.get(ours[0], 0.0))
    return Judged(found, scores)


def _in_mistrals(judged: Judged) -> Judged:
    """
    OpenAI's findings: any of several narrow categories is one of Mistral's broad ones.
    """
    found, scores = {}, {}
    for theirs, ours in _EQUALS.items():
        if any(name in judged.found for name in ours):
            found[theirs] = any(judged.found.get(name, False) for name in ours)
            scores[theirs] = max((judged.scores[name] for name in ours if name in judged.scores), default=float(found[theirs]))
    return Judged(found, scores)


OPENAI, MISTRAL = (
    Form(
        name,
        f"moderation {kind}",
        Verbs(partial(_encode_request, kind), partial(_decode_answer, kind), partial(_decode_request, kind), partial(_encode_answer, kind)),
    )
    for name, kind in (("openai-moderations", "openai"), ("mistral-moderations", "mistral"))
)
