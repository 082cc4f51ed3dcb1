"""
One call between two forms of an operation: the request on its way out, one document on its way back.

The like of `translate.Translation` for what is no conversation: whatever the provider answers is read when it is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson

from excise.exchange import ReplyHead
from excise.wire.dialect import Encoded
from excise.wire.frame import Frame, Framing
from excise.wire.loss import Loss
from excise.wire.operations.form import Asked, Form, decoded, encoded, with_usage
from excise.wire.upstream_error import Fault, encode_fault, fault_of, read_fault
from excise.wire.usage import Usage
from excise.wire.usage_headers import read_headers, wanted_headers
from excise.wire.usage_others import fill

MOST_ERROR_BYTES = 256 * 1024  # of an error's body that is read
MOST_BYTES = 256 * 1024 * 1024  # of an answer: 2048 vectors of 3072 numbers are 130 MB of JSON

_HEAD = ReplyHead(200, (("content-type", "application/json"),))
_UNREADABLE = "the provider's answer cannot be read, so it cannot be translated; send the request again or to another model"


class DocumentTranslation:
    """
    State of one translated call. Not reusable; nothing a provider sends makes it raise.

    Args:
        client: The client's form. Has verbs, as the target's has.
        target: The provider's.
        asked: What the client asked.
        encoded: What is sent in its place.
    """

    def __init__(self, client: Form, target: Form, asked: Asked, encoded: Encoded) -> None:
        self.client = client
        self.target = target
        self.asked = asked
        self.encoded = encoded
        self.fault: Fault | None = None  # what the answer ended with, in place of an answer
        self.head = _HEAD  # the client's, as far as what has been fed decides it
        self.answered = False
        self._status = 0
        self._headers: Sequence[tuple[bytes, bytes]] = ()
        self._usage: Callable[[], Usage] = Usage
        self._frames: list[Frame] = []
        self._bytes = 0
        self._over = False

    @property
    def losses(self) -> tuple[Loss, ...]:
        """
        What was lost in both directions so far.
        """
        return (*self.encoded.losses, *self.asked.losses.all())

    @property
    def streams(self) -> bool:
        return False

    @property
    def framing(self) -> Framing:
        return Framing.JSON

    def remade(self, body: Any) -> DocumentTranslation:
        """
        The same call with another request, such as redaction leaves it.

        Raises:
            BadRequest: It is none of the client's form.
        """
        request = decoded(self.client, body, self.asked.envelope)
        sending = encoded(self.target, request, self.encoded.sent.target)
        return DocumentTranslation(self.client, self.target, replace(self.asked, request=request), sending)

    def answer(
        self, status: int, headers: Sequence[tuple[bytes, bytes]], usage: Callable[[], Usage], tier: Callable[[], str | None]
    ) -> None:
        """
        The head of the provider's answer is there; see `Translation.answer`.
        """
        del tier  # no form has a place for it
        self.answered = True
        self._status, self._headers, self._usage = status, headers, usage

    def feed(self, frames: Sequence[Frame], framing: Framing) -> bytes:
        """
        Keeps the provider's document; nothing leaves before `close`.
        """
        del framing
        limit = MOST_ERROR_BYTES if self._status >= 400 else MOST_BYTES
        for frame in frames:
            self._bytes += len(frame.raw)
            if self._bytes <= limit:
                self._frames.append(frame)
        return b""

    def close(self) -> bytes:
        """
        The client's document.
        """
        if self._over:
            return b""
        self._over = True
        body = _parsed(self._frames)
        self._frames = []
        if self._status >= 400:
            return self._fail(read_fault(self.target.name, self._status, self._headers, body))
        if self._bytes > MOST_BYTES or not isinstance(body, dict | list):
            return self._fail(unreadable())
        if (fault := fault_of(body)) is not None:
            return self._fail(fault)
        assert self.client.verbs is not None and self.client.verbs.encode_answer is not None and self.target.verbs is not None
        answer = self.target.verbs.decode_answer(body, self.encoded.sent)
        if isinstance(answer, Fault):
            return self._fail(answer)
        answer = with_usage(answer, fill(self._usage(), read_headers(wanted_headers(self._headers))))
        written = self.client.verbs.encode_answer(answer, self.asked)
        return self._fail(written) if isinstance(written, Fault) else orjson.dumps(written)

    def ping(self) -> bytes:
        return b""

    def _fail(self, fault: Fault) -> bytes:
        self.fault = fault
        status, headers, body = encode_fault(self.client.name, fault, self.asked.id)
        self.head = ReplyHead(status, tuple(headers))
        return body


def unreadable() -> Fault:
    """
    An answer of another shape than its form has.
    """
    return Fault(status=502, sort="internal", message=f"excise: {_UNREADABLE}")


def _parsed(frames: Sequence[Frame]) -> Any:
    if len(frames) == 1 and frames[0].json is not None:
        return frames[0].json  # the meter has parsed it
    body = b"".join(frame.raw for frame in frames)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")
