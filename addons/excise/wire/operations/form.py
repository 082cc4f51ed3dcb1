"""
What a form is: a provider's words for one operation.

    decode_request   the client's JSON             -> the operation's neutral request
    encode_request   that, Target                  -> Encoded (the provider's JSON, what is lost)
    decode_answer    the provider's JSON, Sent     -> the neutral answer, or the Fault it reports
    encode_answer    that, Asked                   -> the client's JSON

Decoders of requests raise `BadRequest` naming the place; nothing a provider sends makes anything here raise. A form without these four
verbs (speech, uploads) can only pass between deployments that speak it alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from excise.wire.dialect import Encoded, Envelope, Sent, Target
from excise.wire.loss import Losses
from excise.wire.neutral import Extra, Json
from excise.wire.upstream_error import Fault
from excise.wire.usage import Usage

UNREAD = Extra("unknown", False, "a field of the request is not known, so it cannot be translated")


class Asks(Protocol):
    """
    What every neutral request of an operation has.
    """

    @property
    def model(self) -> str | None: ...

    @property
    def raw(self) -> Json:
        """
        The JSON it was read from.
        """


@dataclass(slots=True)
class Asked:
    """
    What an answer's encoder knows of the call it answers; see `dialect.Asked`.

    Attributes:
        request: The operation's neutral request.
        model: Name the answer carries.
        id: Our id of the call: 32 hexadecimal digits.
        now: Unix seconds.
    """

    request: Any
    envelope: Envelope
    model: str
    id: str
    now: int
    losses: Losses = field(default_factory=Losses)


@dataclass(frozen=True, slots=True)
class Verbs:
    """
    The four verbs. Without the last two no client is answered in this form, it is only for targets.
    """

    encode_request: Callable[[Any, Target], Encoded]
    decode_answer: Callable[[Json, Sent], Any]
    decode_request: Callable[[Json, Envelope], Any] | None = None
    encode_answer: Callable[[Any, Asked], Json] | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """
    One form.

    Attributes:
        name: The catalogue's name of its dialect; decides how errors are written, and stands in the ledger.
        kind: Operation and shape: forms of the same kind are the same words.
        verbs: `None`: it only passes.
        rank: Of several that a provider offers, the lower is better.
    """

    name: str
    kind: str
    verbs: Verbs | None = field(default=None, compare=False)
    rank: int = field(default=0, compare=False)


def pairs(client: Form, target: Form) -> bool:
    """
    Whether calls in one form can be answered in the other.
    """
    if client == target:
        return True
    return client.verbs is not None and client.verbs.decode_request is not None and target.verbs is not None


def decoded(form: Form, body: Json, envelope: Envelope) -> Any:
    """
    A client's request, read.

    Raises:
        BadRequest: It is none of the form.
    """
    assert form.verbs is not None and form.verbs.decode_request is not None
    return form.verbs.decode_request(body, envelope)


def encoded(form: Form, request: Any, target: Target) -> Encoded:
    """
    The request in a target's words.
    """
    assert form.verbs is not None
    return form.verbs.encode_request(request, target)


def with_usage(answer: Any, usage: Usage) -> Any:
    """
    The neutral answer with what the meter has read; a `Fault`, and what has no usage, as it is.
    """
    return replace(answer, usage=usage) if not isinstance(answer, Fault) and hasattr(answer, "usage") else answer


def own_words(request: Asks, target: Target) -> Encoded:
    """
    The client's request for another model of the same form: only the model's name is another.
    """
    body = dict(request.raw)
    if body.get("model") != target.model:
        body["model"] = target.model
    return Encoded(body, (), Sent(target))


def extras_of(body: dict[str, Json], read: frozenset[str], known: dict[str, Extra]) -> tuple[Extra, ...]:
    """
    The fields of a request that its neutral form has no word for: those of `known` by their names, others unnamed.

    Args:
        read: What the decoder reads.
        known: Of the others, those that have a name and a reason.
    """
    found = {name: known.get(name, UNREAD) for name in body if name not in read and body[name] is not None}
    return tuple({extra.field: extra for extra in found.values()}.values())


def leave_out(extras: tuple[Extra, ...], losses: Losses) -> None:
    """
    Note the fields no other form has a word for.
    """
    for extra in extras:
        (losses.impossible if extra.vital else losses.dropped)(extra.field, extra.why)
