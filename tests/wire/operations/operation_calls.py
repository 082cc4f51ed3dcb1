"""
Calls between two forms, as the proxy makes them, without a proxy.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from excise.wire.dialect import Envelope, Sent, Target
from excise.wire.frame import Frame, Framing
from excise.wire.loss import Loss, Verdict
from excise.wire.operations.document import DocumentTranslation
from excise.wire.operations.form import Asked, Form, decoded, encoded
from excise.wire.usage import Usage

ID = "0123456789abcdef0123456789abcdef"
NOW = 1_770_000_000


@dataclass(frozen=True, slots=True)
class Crossed:
    """
    What left, what was lost, what came back.
    """

    sent: Any
    losses: tuple[Loss, ...]
    status: int = 0
    answer: Any = None

    @property
    def verdict(self) -> Verdict:
        return Verdict.of(self.losses)

    @property
    def lost(self) -> dict[str, str]:
        return {loss.field: loss.change.value for loss in self.losses}


def send(client: Form, target: Form, body: Any, *, provider: str = "p", model: str = "target-model", asked: str | None = None) -> Crossed:
    """
    A client's request in the target's words.
    """
    sending = encoded(target, decoded(client, body, Envelope(model=asked)), Target(provider, target.name, model))
    return Crossed(sending.body, sending.losses)


def cross(
    client: Form,
    target: Form,
    body: Any,
    answer: Any,
    *,
    provider: str = "p",
    model: str = "target-model",
    asked: str | None = None,
    usage: Usage | None = None,
    status: int = 200,
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> Crossed:
    """
    The whole way: request, the provider's answer, the client's.
    """
    envelope = Envelope(model=asked)
    request = decoded(client, body, envelope)
    sending = encoded(target, request, Target(provider, target.name, model))
    call = DocumentTranslation(client, target, Asked(request, envelope, "asked-model", ID, NOW), sending)
    call.answer(status, headers, lambda: usage or Usage(), lambda: None)
    raw = json.dumps(answer).encode()
    out = call.feed([Frame(raw, None, raw)], Framing.JSON) + call.close()
    return Crossed(sending.body, call.losses, call.head.status, json.loads(out))


def reads(form: Form, answer: Any) -> Any:
    """
    A provider's answer in neutral form.
    """
    assert form.verbs is not None
    return form.verbs.decode_answer(answer, Sent(Target("p", form.name, "m")))
