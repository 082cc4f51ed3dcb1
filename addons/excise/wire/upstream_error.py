"""
A provider's error: read from whatever form it takes, and written in the caller's.

    read_fault     status, headers, body of an answer that failed  -> Fault
    fault_of       a document or event of an answer that did not   -> Fault, or None where it holds no error
    encode_fault, encode_stream_fault                              <- Fault

The provider's own text goes to the caller, who is its owner; it is content, and stands in no log.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from excise.wire import error_shapes as shapes
from excise.wire.error_forms import Found, bare_in, found_in, parsed
from excise.wire.error_shapes import Names, Said, error_body, error_frame, family, google_retry
from excise.wire.fault_sort import CANONICAL, Sort, sort_of
from excise.wire.frame import Framing
from excise.wire.key_fragments import without_keys
from excise.wire.retry_after import wait_of
from excise.wire.usage_values import id_of, name_of

type Headers = Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]

_PATIENCE_SECONDS = 60  # above this, SDKs wait by their own back-off instead, and knock in vain
_NO_TEXT = "The provider answered with an error and gave no reason."

_POINTLESS: frozenset[Sort] = frozenset({"bad_request", "auth", "permission", "not_found", "too_large", "billing", "filter"})


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One failure, as the provider states it.

    Attributes:
        status: Of HTTP; where the error stood inside an answer with 200, the one it names, else that of its sort.
        sort: What is the matter, whatever the status.
        message: The provider's own text, without keys. Content: may go to the caller, never to a log.
        code: The provider's own code or type.
        param: The field at fault, as the provider names it.
        retry_after_seconds: When to try again, where the provider says so.
        should_retry: The provider's own word on trying again (`x-should-retry`).
        request_id: The provider's.
    """

    status: int
    sort: Sort
    message: str = field(default="", repr=False)
    code: str | None = None
    param: str | None = field(default=None, repr=False)
    retry_after_seconds: float | None = None
    should_retry: bool | None = None
    request_id: str | None = None

    @property
    def pointless(self) -> bool:
        """
        Whether the same request at the same place will fail again.
        """
        return self.sort in _POINTLESS if self.should_retry is None else not self.should_retry


# -- reading ---------------------------------------------------------------------------------------------------------------------------


def read_fault(dialect: str, status: int, headers: Headers, body: Any) -> Fault:
    """
    The failure an answer with an error status reports. Never raises.

    Args:
        dialect: Of the provider. Bodies tell their form by themselves, so far; brokers answer in forms that are not their dialect's.
        status: Of the answer.
        headers: Of the answer.
        body: Parsed JSON, or text, or bytes; `None` for none.
    """
    fields = _fields(headers)
    body = parsed(body)
    found = found_in(body) or bare_in(body) or Found()
    amazon = fields.get("x-amzn-errortype", "").partition(":")[0]
    if amazon:
        found.words.insert(0, name_of(amazon) or "error")
    named = status if status >= 400 else found.status
    fault = _fault(found, named)
    wait = wait_of(fields, found)
    retry = fields.get("x-should-retry", "").strip().lower()
    request_id = next((id_ for name in _REQUEST_IDS if (id_ := id_of(fields.get(name)))), None) or fault.request_id
    return replace(
        fault,
        retry_after_seconds=wait,
        should_retry={"true": True, "false": False}.get(retry),
        request_id=request_id,
    )


def fault_of(body: Any, status: int | None = None, *, name: str | None = None) -> Fault | None:
    """
    The failure a document or an event of an answer reports; `None` where it reports none. Never raises.

    Args:
        body: Parsed JSON.
        status: Of the answer, where it says something: an error's.
        name: Of an AWS exception message, whose body says nothing but a text.
    """
    found = found_in(body)
    if name is not None:
        found = found or bare_in(body) or Found()
        found.words.insert(0, name_of(name) or "error")
    if found is None:
        return None
    fault = _fault(found, status if status is not None and status >= 400 else found.status)
    return replace(fault, retry_after_seconds=wait_of({}, found))


_REQUEST_IDS = ("request-id", "x-request-id", "x-amzn-requestid", "apim-request-id", "x-goog-request-id", "cf-ray")


def _fault(found: Found, status: int | None) -> Fault:
    words = [name for word in found.words for name in ((word, word.partition(".")[0]) if "." in word else (word,))]
    sort = found.sort or sort_of(status, words, found.text)
    return Fault(
        status=CANONICAL[sort] if status is None else status,
        sort=sort,
        message=without_keys(found.text).strip() or _NO_TEXT,
        code=next(iter(found.words), None),
        param=found.param,
        request_id=found.request_id,
    )


def _fields(headers: Headers) -> dict[str, str]:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(_text(name).lower(), _text(value))
    return fields


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


# -- writing ---------------------------------------------------------------------------------------------------------------------------

_NAMES: dict[Sort, Names] = {
    "bad_request": shapes.INVALID,
    "auth": shapes.AUTH,
    "permission": shapes.PERMISSION,
    "not_found": shapes.NOT_FOUND,
    "too_large": shapes.TOO_LONG,
    "rate": shapes.RATE,
    "billing": shapes.BILLING,
    "overload": shapes.UNAVAILABLE,
    "timeout": shapes.GATEWAY_TIMEOUT,
    "internal": shapes.INTERNAL,
    "filter": shapes.FILTER,
    "conflict": shapes.CONFLICT,
}

# What the family's SDKs know the sort by, where that is not its status as HTTP defines it.
_SENT: dict[tuple[str, Sort], int] = {
    ("anthropic", "overload"): 529,
    ("openai", "billing"): 429,
    ("mistral", "billing"): 429,
    ("google", "billing"): 429,
    ("aws", "auth"): 403,
    ("aws", "billing"): 400,
    ("aws", "timeout"): 408,
}

# Statuses of a sort that a family's SDKs tell apart; any other becomes the sort's own.
_APART: dict[str, frozenset[int]] = {
    "openai": frozenset({400, 408, 409, 413, 422, 500, 502, 503, 504}),
    "anthropic": frozenset({400, 408, 409, 413, 422, 500, 502, 504}),
    "cohere": frozenset({400, 422, 500, 503, 504}),
}
_HTTP = frozenset({400, 408, 409, 413, 500, 502, 503, 504})


def encode_fault(dialect: str, fault: Fault, call_id: str | None) -> tuple[int, list[tuple[str, str]], bytes]:
    """
    A provider's failure as a whole answer in the caller's dialect: status, headers, body.

    `x-should-retry` is "false" where trying again is pointless or later than SDKs wait, the provider's own word where it has one, else left
    out. A proxy that has used up its own tries passes a fault with `should_retry=False`.

    Args:
        dialect: Of the caller; "unknown" is answered like OpenAI.
        fault: As read.
        call_id: Our id of the call.
    """
    shape = family(dialect)
    said = _said(shape, fault, call_id)
    headers = [("content-type", "application/json")]
    if shape == "aws":
        headers.append(("x-amzn-errortype", said.names.aws))
    if call_id is not None:
        headers += [("x-excise-call-id", call_id), (shapes.REQUEST_ID.get(shape, "x-request-id"), call_id)]
    if fault.request_id is not None:
        headers.append(("x-excise-upstream-request-id", fault.request_id))
    if fault.retry_after_seconds is not None:
        headers.append(("retry-after", str(math.ceil(fault.retry_after_seconds))))
    if fault.pointless or (fault.retry_after_seconds or 0) > _PATIENCE_SECONDS:
        headers.append(("x-should-retry", "false"))
    elif fault.should_retry:
        headers.append(("x-should-retry", "true"))
    return said.status, headers, orjson.dumps(error_body(shape, said))


def encode_stream_fault(dialect: str, framing: Framing, fault: Fault, *, sequence_number: int = 0) -> bytes:
    """
    A provider's failure as the frame that ends a stream, after whole frames; nothing where the framing has no room for one.

    Args:
        dialect: Of the caller.
        framing: Of the stream it gets.
        fault: As read.
        sequence_number: Of the event, for dialects that number theirs.
    """
    return error_frame(dialect, framing, _said(family(dialect), fault, None), sequence_number)


def _said(shape: str, fault: Fault, call_id: str | None) -> Said:
    names = _NAMES[fault.sort]
    if fault.status == 413:
        names = shapes.TOO_LARGE
    elif fault.status == 408 and fault.sort == "timeout":
        names = shapes.TIMEOUT
    details: tuple[dict[str, Any], ...] = ()
    if fault.retry_after_seconds is not None:
        details = (google_retry(math.ceil(fault.retry_after_seconds)),)
    return Said(
        names=names,
        status=_sent(shape, fault),
        text=_writable(fault.message) or _NO_TEXT,
        kind=fault.code,
        param=None if fault.param is None else _writable(fault.param),
        call_id=call_id,
        details=details,
    )


def _writable(text: str) -> str:
    """
    Without lone surrogates, which JSON can escape but nobody can write.
    """
    return text.encode("utf-8", "replace").decode()


def _sent(shape: str, fault: Fault) -> int:
    usual = _SENT.get((shape, fault.sort))
    if usual is not None:
        return usual
    canonical = CANONICAL[fault.sort]
    apart = fault.status in _APART.get(shape, _HTTP)
    if apart and (fault.status // 100 == canonical // 100 or fault.sort == "timeout") and fault.sort in _HAS_SEVERAL:
        return fault.status
    return canonical


_HAS_SEVERAL: frozenset[Sort] = frozenset({"bad_request", "too_large", "internal", "timeout"})
