"""
Embeddings in neutral form, and what their forms share: kinds of numbers, purposes, what a target cannot take.

A vector has one or more kinds: `float` (numbers), `base64` (the same as little-endian 32-bit floats), and the quantised kinds `int8`,
`uint8`, `binary`, `ubinary`, which only the model can make. The first two are turned into each other here.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from excise.wire.dialect import Sent
from excise.wire.loss import Losses
from excise.wire.neutral import UNKNOWN_USAGE, Blob, Extra, Json, Link
from excise.wire.operations.document import unreadable
from excise.wire.operations.form import leave_out
from excise.wire.upstream_error import Fault
from excise.wire.usage import Usage

type Tokens = tuple[int, ...]
type Piece = str | Tokens | Blob | Link
type Input = tuple[Piece, ...]
"""What becomes one vector: nearly always one text; models that see take pictures too, also beside text."""

type Vector = Mapping[str, Json]
"""One vector by kind."""

KINDS = ("float", "base64", "int8", "uint8", "binary", "ubinary")
_TEXT = frozenset({"float", "base64"})
_FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """
    Texts to be turned into vectors. `None`: the client does not say.

    Attributes:
        form: Kind of the form it was read from.
        single: One input stood alone, not in a list; the answer then holds one vector where the form has a word for that.
        purpose: What the vectors are for: query, document, similarity, classification, clustering, question, fact, code_query.
        kinds: Of numbers, as wanted; empty: the form's usual one.
        truncate: What becomes of an input that is too long: none (an error), start, end.
        max_tokens: Most tokens of one input.
    """

    form: str
    model: str | None
    inputs: tuple[Input, ...] = field(repr=False)
    single: bool = False
    purpose: str | None = None
    dimensions: int | None = None
    kinds: tuple[str, ...] = ()
    truncate: str | None = None
    title: str | None = field(default=None, repr=False)
    max_tokens: int | None = None
    user: str | None = field(default=None, repr=False)
    extras: tuple[Extra, ...] = ()
    raw: Json = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class EmbedAnswer:
    """
    Vectors in the order of the inputs.
    """

    vectors: tuple[Vector, ...] = field(repr=False)
    id: str | None = None
    model: str | None = None
    usage: Usage = UNKNOWN_USAGE


@dataclass(slots=True)
class EmbedSent(Sent):
    """
    Attributes:
        kind: Of numbers, as it was asked for.
    """

    kind: str = "float"


_PURPOSE = Extra("input_type", False, "a purpose of vectors that no other provider knows")


def purpose_of(word: str | None, words: Mapping[str, str | None]) -> tuple[str | None, tuple[Extra, ...]]:
    """
    The neutral purpose of a form's word, by `words`, and what is lost where the word is none of them.
    """
    if word is None or word in words:
        return words.get(word or ""), ()
    return None, (_PURPOSE,)


def truncate_of(cut: bool | None) -> str | None:
    """
    What a switch says of inputs that are too long.
    """
    return None if cut is None else "end" if cut else "none"


# -- numbers ---------------------------------------------------------------------------------------------------------------------------


def floats_of(vector: Vector) -> list[float] | None:
    """
    The vector as numbers; `None` where it holds none.
    """
    given = vector.get("float")
    if type(given) is list:
        return given
    text = vector.get("base64")
    if type(text) is not str:
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(data) % _FLOAT_BYTES:
        return None
    return list(struct.unpack(f"<{len(data) // _FLOAT_BYTES}f", data))


def base64_of(vector: Vector) -> str | None:
    """
    The vector as base64 of 32-bit floats; `None` where it holds no numbers.
    """
    text = vector.get("base64")
    if type(text) is str:
        return text
    numbers = vector.get("float")
    if type(numbers) is not list:
        return None
    try:
        return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
    except (struct.error, OverflowError, TypeError):
        return None


def numbers_as(kind: str, vector: Vector) -> Json:
    """
    The vector in one kind; `None` where it cannot be had.
    """
    if kind == "float":
        return floats_of(vector)
    return base64_of(vector) if kind == "base64" else vector.get(kind)


def written(answer: EmbedAnswer, kinds: Sequence[str], write: Callable[[int, Vector], Json]) -> list[Json] | Fault:
    """
    Every vector in the kinds asked for, by `write(index, vector)`; a `Fault` where one is missing.
    """
    out = []
    for index, vector in enumerate(answer.vectors):
        made = {kind: numbers_as(kind, vector) for kind in kinds}
        if any(value is None for value in made.values()):
            return unreadable()
        out.append(write(index, made))
    return out


def answered(request: EmbedRequest, answer: EmbedAnswer) -> bool:
    """
    Whether there is a vector for every input.
    """
    return len(answer.vectors) == len(request.inputs)


# -- what targets take -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Takes:
    """
    What a form's requests have words for.

    Attributes:
        most: Inputs of one call.
        kinds: Of numbers.
        several: Whether it makes several kinds at once.
        purposes: Neutral purpose -> the form's word; empty: it has none.
        tokens, pictures, mixed: Whether an input may be tokens, a picture, several pieces.
        truncate, dimensions, title, max_tokens, user: Whether it has such a field.
    """

    most: int
    kinds: frozenset[str] = _TEXT
    several: bool = False
    purposes: Mapping[str, str] = field(default_factory=dict)
    tokens: bool = False
    pictures: bool = False
    mixed: bool = False
    truncate: frozenset[str] = frozenset()
    dimensions: bool = True
    title: bool = False
    max_tokens: bool = False
    user: bool = False


def check(request: EmbedRequest, takes: Takes, losses: Losses) -> None:
    """
    Note everything of a request that a form cannot take, except its purpose (`purpose_for`).
    """
    leave_out(request.extras, losses)
    if len(request.inputs) > takes.most:
        losses.impossible("input", f"the target embeds at most {takes.most} inputs a call; send fewer at a time")
    _check_inputs(request.inputs, takes, losses)
    if set(request.kinds) - takes.kinds - _TEXT:
        losses.impossible("encoding_format", "the target does not make vectors of this kind of numbers; ask for float")
    elif len(request.kinds) > 1 and set(request.kinds) - _TEXT and not takes.several:
        losses.impossible("encoding_format", "the target makes one kind of numbers a call; ask for one")
    if request.dimensions is not None and not takes.dimensions:
        losses.impossible("dimensions", "the length of the target's vectors cannot be chosen; ask for none")
    if request.truncate is not None and request.truncate not in takes.truncate:
        losses.dropped("truncate", "the target cannot be told what to do with inputs that are too long")
    for name, there, why in (
        ("title", takes.title, "the target takes no title of a document"),
        ("max_tokens", takes.max_tokens, "the target cannot be told how much of an input to read"),
        ("user", takes.user, "the target is not told who the end user is"),
    ):
        if getattr(request, name) is not None and not there:
            losses.dropped(name, why)


def _check_inputs(inputs: Iterable[Input], takes: Takes, losses: Losses) -> None:
    for pieces in inputs:
        if len(pieces) > 1 and not takes.mixed:
            losses.impossible("input", "the target makes one vector of one piece, not of several; send them apart")
        for piece in pieces:
            if type(piece) is tuple and not takes.tokens:
                losses.impossible("input.tokens", "tokens mean something to one model's vocabulary alone; send text")
            elif isinstance(piece, Blob | Link) and not takes.pictures:
                losses.impossible("image", "the target embeds text alone")


# What comes nearest, where a target does not know a purpose.
_NEAREST = {"question": "query", "fact": "query", "code_query": "query"}


def purpose_for(request: EmbedRequest, takes: Takes, losses: Losses, *, default: str | None = None) -> str | None:
    """
    The form's word for what the vectors are for; `None`: leave it out.

    Args:
        default: Neutral purpose to be said where the client says none, for targets that must be told.
    """
    purpose = request.purpose
    if purpose is None:
        if default is None:
            return None
        losses.changed("input_type", f"the target must be told what the vectors are for, and the client does not say: {default} is said")
        return takes.purposes[default]
    if purpose in takes.purposes:
        return takes.purposes[purpose]
    nearest = _NEAREST.get(purpose, default)
    if nearest is not None and nearest in takes.purposes:
        losses.changed("input_type", "the target does not know this purpose of vectors; the nearest one is said")
        return takes.purposes[nearest]
    losses.dropped("input_type", "the target makes the same vectors whatever they are for")
    return None


def texts_of(inputs: Iterable[Input]) -> list[Any]:
    """
    The inputs of a form that takes one text, or one list of tokens, each.
    """
    return [list(piece) if type(piece) is tuple else piece for (piece,) in inputs]


def list_of_vectors(kind: str, given: Json) -> tuple[Vector, ...] | None:
    """
    A list of vectors of one kind; `None` where it is none.
    """
    if type(given) is not list or not all(type(one) in (list, str) for one in given):
        return None
    return tuple({kind: one} for one in given)
