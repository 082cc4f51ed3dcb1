"""
Our own errors in the caller's dialect, so that the caller's SDK raises what it raises for the provider's.
"""

from __future__ import annotations

import orjson

from excise.wire import error_shapes as shapes
from excise.wire.error_shapes import Names, Said, error_body, error_frame, family
from excise.wire.frame import Framing

_PREFIX = "excise: "

# Above this, SDKs wait by their own back-off instead, and knock in vain.
_RETRY_AFTER_LIMIT_SECONDS = 60

_SORTS: dict[int, Names] = {
    400: shapes.INVALID,
    401: shapes.AUTH,
    402: shapes.BILLING,
    403: shapes.PERMISSION,
    404: shapes.NOT_FOUND,
    407: shapes.AUTH,
    408: shapes.TIMEOUT,
    413: shapes.TOO_LARGE,
    422: shapes.INVALID,
    429: shapes.RATE,
    500: shapes.INTERNAL,
    502: shapes.BAD_GATEWAY,
    503: shapes.UNAVAILABLE,
    504: shapes.GATEWAY_TIMEOUT,
}

# Where a family uses another status than ours.
_STATUS: dict[tuple[str, int], int] = {
    ("openai", 402): 429,
    ("mistral", 402): 429,
    ("google", 402): 429,
    ("aws", 402): 400,
    ("aws", 401): 403,
}

# Kinds of our error tree that end a running stream, as statuses.
_KIND_STATUS = {
    "upstream_failed": 502,
    "upstream_timeout": 504,
    "unavailable": 503,
    "rate_limited": 429,
    "policy_denied": 403,
    "answer_blocked": 403,
}


def _names(status: int) -> Names:
    return _SORTS.get(status) or (shapes.INTERNAL if status >= 500 else shapes.INVALID)


def encode_error(
    dialect: str,
    *,
    status: int,
    kind: str,
    message: str,
    retry_after_seconds: int | None = None,
    call_id: str | None = None,
) -> tuple[int, list[tuple[str, str]], bytes]:
    """
    An error of ours as a whole answer: status, headers, body.

    The status is the given one, except where a dialect has another for the same thing (402: 429 with OpenAI, whose SDKs know no 402).
    Clients are told not to try again (`x-should-retry: false`), except where `retry_after_seconds` says when that makes sense.

    Args:
        dialect: Of the call; "unknown" is answered like OpenAI.
        status: As HTTP defines it.
        kind: Of the error tree; goes where the dialect has room for a machine-readable reason.
        message: Says what to do. Never a byte of a request or an answer. `excise: ` is put before it.
        retry_after_seconds: When to try again.
        call_id: Our id of the call.
    """
    names, shape = _names(status), family(dialect)
    sent = _STATUS.get((shape, status), status)
    headers = [("content-type", "application/json")]
    if shape == "aws":
        headers.append(("x-amzn-errortype", names.aws))
    if call_id is not None:
        headers += [("x-excise-call-id", call_id), (shapes.REQUEST_ID.get(shape, "x-request-id"), call_id)]
    if retry_after_seconds is not None:
        headers.append(("retry-after", str(max(0, retry_after_seconds))))
    if retry_after_seconds is None or retry_after_seconds > _RETRY_AFTER_LIMIT_SECONDS:
        headers.append(("x-should-retry", "false"))
    details = [_google_info(kind)]
    if retry_after_seconds is not None:
        details.append(shapes.google_retry(retry_after_seconds))
    said = Said(names, sent, _prefixed(message), kind=kind, call_id=call_id, details=tuple(details))
    return sent, headers, orjson.dumps(error_body(shape, said))


def _google_info(kind: str) -> dict[str, str]:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": kind.upper(), "domain": "excise"}


def _prefixed(message: str) -> str:
    return message if message.startswith(_PREFIX) else _PREFIX + message


def encode_stream_error(dialect: str, framing: Framing, *, kind: str, message: str) -> bytes:
    """
    The last bytes of a stream that must end before its time: the dialect's own error event.

    For whole frames before it. An SSE stream that broke off inside an event gets an empty line first, which ends that event; in the
    other framings the broken frame itself is the client's error. Nothing where the framing has no room for an error: JSON documents,
    opaque bytes.

    Args:
        dialect: Of the call.
        framing: Of the answer so far.
        kind: Of the error tree.
        message: As for `encode_error`.
    """
    status = _KIND_STATUS.get(kind, 500)
    said = Said(_names(status), status, _prefixed(message), kind=kind, details=(_google_info(kind),))
    return (b"\n\n" if framing is Framing.SSE else b"") + error_frame(dialect, framing, said)
