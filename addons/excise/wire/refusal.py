"""
Our own errors in the caller's dialect, so that the caller's SDK raises what it raises for the provider's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from excise.wire.eventstream import encode_message
from excise.wire.frame import Framing

_PREFIX = "excise: "

# Above this, SDKs wait by their own back-off instead, and knock in vain.
_RETRY_AFTER_LIMIT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class _Sort:
    """
    One sort of error under its names in the dialects.
    """

    openai_type: str
    openai_code: str | None
    anthropic: str
    google: str
    aws: str  # of the operation; in a stream it begins with a lower-case letter
    openai_status: int | None = None  # where the family uses another status than ours
    google_status: int | None = None
    aws_status: int | None = None


# Source: the providers' error pages and SDKs, as recorded; read 2026-11.
_INVALID = _Sort("invalid_request_error", None, "invalid_request_error", "INVALID_ARGUMENT", "ValidationException")
_SORTS: dict[int, _Sort] = {
    400: _INVALID,
    401: _Sort(
        "invalid_request_error", "invalid_api_key", "authentication_error", "UNAUTHENTICATED", "AccessDeniedException", aws_status=403
    ),
    402: _Sort(
        *("insufficient_quota", "insufficient_quota", "billing_error", "RESOURCE_EXHAUSTED", "ServiceQuotaExceededException"),
        openai_status=429,
        google_status=429,
        aws_status=400,
    ),
    403: _Sort("invalid_request_error", "insufficient_permissions", "permission_error", "PERMISSION_DENIED", "AccessDeniedException"),
    404: _Sort("invalid_request_error", "model_not_found", "not_found_error", "NOT_FOUND", "ResourceNotFoundException"),
    407: _Sort("invalid_request_error", "invalid_api_key", "authentication_error", "UNAUTHENTICATED", "AccessDeniedException"),
    408: _Sort("timeout", "timeout", "timeout_error", "DEADLINE_EXCEEDED", "ModelTimeoutException"),
    413: _Sort("invalid_request_error", "request_too_large", "request_too_large", "INVALID_ARGUMENT", "ValidationException"),
    422: _INVALID,
    429: _Sort("rate_limit_error", "rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED", "ThrottlingException"),
    500: _Sort("server_error", None, "api_error", "INTERNAL", "InternalServerException"),
    502: _Sort("server_error", "bad_gateway", "api_error", "UNAVAILABLE", "InternalServerException"),
    503: _Sort("server_error", "service_unavailable", "overloaded_error", "UNAVAILABLE", "ServiceUnavailableException"),
    504: _Sort("server_error", "timeout", "timeout_error", "DEADLINE_EXCEEDED", "ModelTimeoutException"),
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

_TEXT_ERRORS = ("ollama", "hf-inference", "tgi", "xai")
_DETAIL_ERRORS = ("voyage", "jina", "jina-reader")
_MESSAGE_ERRORS = ("cohere", "cohere-v1", "cohere-v2")


def _shape(dialect: str) -> str:
    """
    The family whose errors a dialect's SDKs expect; "openai" where we do not know.
    """
    if dialect.startswith(("anthropic", "vertex-raw")):
        return "anthropic"
    if dialect.startswith(("gemini", "vertex")):
        return "google"
    if dialect.startswith("bedrock") or dialect == "sagemaker":
        return "aws"
    if dialect.startswith("mistral"):
        return "mistral"
    if dialect in _MESSAGE_ERRORS:
        return "cohere"
    if dialect.startswith(_TEXT_ERRORS):
        return "xai" if dialect.startswith("xai") else "text"
    return "detail" if dialect in _DETAIL_ERRORS else "openai"


def _sort(status: int) -> _Sort:
    return _SORTS.get(status) or (_SORTS[500] if status >= 500 else _INVALID)


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
    sort, shape, text = _sort(status), _shape(dialect), _prefixed(message)
    sent = {"openai": sort.openai_status, "mistral": sort.openai_status, "google": sort.google_status, "aws": sort.aws_status}.get(
        shape
    ) or status
    headers = [("content-type", "application/json")]
    if shape == "aws":
        headers.append(("x-amzn-errortype", sort.aws))
    if call_id is not None:
        headers += [("x-excise-call-id", call_id), (_REQUEST_ID.get(shape, "x-request-id"), call_id)]
    if retry_after_seconds is not None:
        headers.append(("retry-after", str(max(0, retry_after_seconds))))
    if retry_after_seconds is None or retry_after_seconds > _RETRY_AFTER_LIMIT_SECONDS:
        headers.append(("x-should-retry", "false"))
    body = _body(shape, sort, sent, kind, text, call_id)
    if shape == "google" and retry_after_seconds is not None:
        retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{max(0, retry_after_seconds)}s"}
        body["error"]["details"].append(retry)
    return sent, headers, orjson.dumps(body)


_REQUEST_ID = {"anthropic": "request-id", "aws": "x-amzn-requestid"}


def _prefixed(message: str) -> str:
    return message if message.startswith(_PREFIX) else _PREFIX + message


def _body(shape: str, sort: _Sort, status: int, kind: str, text: str, call_id: str | None) -> dict[str, Any]:
    match shape:
        case "anthropic":
            return {"type": "error", "error": {"type": sort.anthropic, "message": text}, "request_id": call_id}
        case "google":
            info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": kind.upper(), "domain": "excise"}
            return {"error": {"code": status, "message": text, "status": sort.google, "details": [info]}}
        case "aws":
            return {"message": text}
        case "cohere":
            return {"id": call_id, "message": text}
        case "mistral":
            return {"object": "error", "message": text, "type": sort.openai_type, "param": None, "code": sort.openai_code or kind}
        case "xai":
            return {"code": kind, "error": text}
        case "text":
            return {"error": text}
        case "detail":
            return {"detail": text}
        case _:
            return {"error": {"message": text, "type": sort.openai_type, "param": None, "code": sort.openai_code or kind}}


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
    sort, shape, text = _sort(status), _shape(dialect), _prefixed(message)
    match framing:
        case Framing.SSE:
            return b"\n\n" + _sse_error(dialect, shape, sort, status, kind, text)
        case Framing.NDJSON:
            return orjson.dumps({"error": text}) + b"\n"
        case Framing.JSON_ARRAY:
            # After at least one element: a stream that broke off before has not begun, and is answered with a whole error.
            return b",\n" + orjson.dumps(_body("google", sort, status, kind, text, None)) + b"\n]"
        case Framing.EVENTSTREAM:
            return _aws_exception(sort, text)
        case _:
            return b""


def _sse_error(dialect: str, shape: str, sort: _Sort, status: int, kind: str, text: str) -> bytes:
    event = b""
    if dialect.startswith("openai-responses"):
        # The stated shape is flat; SDKs raise on the nested one. `error` within serves both.
        flat = {"type": "error", "code": sort.openai_code or kind, "message": text, "param": None, "sequence_number": 0}
        body = {**flat, "error": {"type": sort.openai_type, "code": sort.openai_code or kind, "message": text, "param": None}}
        event = b"event: error\n"
    elif dialect.startswith("cohere"):
        body = {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": text}}
        event = b"event: message-end\n"
    else:
        body = _body(shape, sort, status, kind, text, None)
        if shape == "anthropic" or dialect.startswith("openai-assistants"):
            event = b"event: error\n"
    return b"%bdata: %b\n\n" % (event, orjson.dumps(body))


def _aws_exception(sort: _Sort, text: str) -> bytes:
    # The streams know few exceptions; those below are members of every one of them.
    known = ("ValidationException", "ThrottlingException", "ServiceUnavailableException")
    name = sort.aws if sort.aws in known else "InternalServerException"
    headers = {
        ":exception-type": name[0].lower() + name[1:],
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return encode_message(headers, orjson.dumps({"message": text}))
