"""
What an error looks like in each family of dialects: its names, its body, its place in a stream.

Our own refusals and the errors of providers are both written with it, so that the caller's SDK raises what it knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from excise.wire.eventstream import encode_message
from excise.wire.frame import Framing

REQUEST_ID = {"anthropic": "request-id", "aws": "x-amzn-requestid"}
"""The header that carries a call's id, by family; `x-request-id` in the others."""


@dataclass(frozen=True, slots=True)
class Names:
    """
    One sort of error under its names in the families.
    """

    openai_type: str
    openai_code: str | None
    anthropic: str
    google: str
    aws: str  # of the operation; in a stream it begins with a lower-case letter


# Source: the providers' error pages and SDKs, as recorded; read 2026-11.
INVALID = Names("invalid_request_error", None, "invalid_request_error", "INVALID_ARGUMENT", "ValidationException")
AUTH = Names("invalid_request_error", "invalid_api_key", "authentication_error", "UNAUTHENTICATED", "AccessDeniedException")
BILLING = Names("insufficient_quota", "insufficient_quota", "billing_error", "RESOURCE_EXHAUSTED", "ServiceQuotaExceededException")
PERMISSION = Names("invalid_request_error", "insufficient_permissions", "permission_error", "PERMISSION_DENIED", "AccessDeniedException")
NOT_FOUND = Names("invalid_request_error", "model_not_found", "not_found_error", "NOT_FOUND", "ResourceNotFoundException")
TIMEOUT = Names("timeout", "timeout", "timeout_error", "DEADLINE_EXCEEDED", "ModelTimeoutException")
TOO_LARGE = Names("invalid_request_error", "request_too_large", "request_too_large", "INVALID_ARGUMENT", "ValidationException")
TOO_LONG = Names("invalid_request_error", "context_length_exceeded", "invalid_request_error", "INVALID_ARGUMENT", "ValidationException")
FILTER = Names("invalid_request_error", "content_filter", "invalid_request_error", "INVALID_ARGUMENT", "ValidationException")
CONFLICT = Names("invalid_request_error", "conflict", "invalid_request_error", "ABORTED", "ConflictException")
RATE = Names("rate_limit_error", "rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED", "ThrottlingException")
INTERNAL = Names("server_error", None, "api_error", "INTERNAL", "InternalServerException")
BAD_GATEWAY = Names("server_error", "bad_gateway", "api_error", "UNAVAILABLE", "InternalServerException")
UNAVAILABLE = Names("server_error", "service_unavailable", "overloaded_error", "UNAVAILABLE", "ServiceUnavailableException")
GATEWAY_TIMEOUT = Names("server_error", "timeout", "timeout_error", "DEADLINE_EXCEEDED", "ModelTimeoutException")

THREAD_UNSUPPORTED = "thread_unsupported_request"
"""The kind of error by which Anthropic's SDKs know to send the whole history without a thread. Source: anthropic 2.12, read 2026-11."""

_TEXT_ERRORS = ("ollama", "hf-inference", "tgi", "xai")
_DETAIL_ERRORS = ("voyage", "jina", "jina-reader")
_MESSAGE_ERRORS = ("cohere", "cohere-v1", "cohere-v2")


def family(dialect: str) -> str:
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


@dataclass(frozen=True, slots=True)
class Said:
    """
    One error, ready to be written.

    Attributes:
        names: Of its sort.
        status: That the client gets, or would have got before the stream began.
        text: For the reader.
        kind: A machine-readable reason, for families with room for it.
        param: The field at fault.
        call_id: Our id of the call.
        details: Google's.
    """

    names: Names
    status: int
    text: str
    kind: str | None = None
    param: str | None = None
    call_id: str | None = None
    details: tuple[dict[str, Any], ...] = ()

    @property
    def openai_code(self) -> str | None:
        return self.names.openai_code or self.kind


def google_retry(seconds: int) -> dict[str, str]:
    """
    Google's way to say when to come back, one of an error's `details`.
    """
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{max(0, seconds)}s"}


def error_body(shape: str, said: Said) -> dict[str, Any]:
    """
    The body of an error in a family's form.
    """
    names, text = said.names, said.text
    match shape:
        case "anthropic":
            error: dict[str, Any] = {"type": names.anthropic, "message": text}
            if said.kind == THREAD_UNSUPPORTED:
                error["details"] = {"error_code": THREAD_UNSUPPORTED, "unsupported": ["thread"]}
            return {"type": "error", "error": error, "request_id": said.call_id}
        case "google":
            return {"error": {"code": said.status, "message": text, "status": names.google, "details": list(said.details)}}
        case "aws":
            return {"message": text}
        case "cohere":
            return {"id": said.call_id, "message": text}
        case "mistral":
            return {"object": "error", "message": text, "type": names.openai_type, "param": said.param, "code": said.openai_code}
        case "xai":
            return {"code": said.kind or names.openai_code or names.openai_type, "error": text}
        case "text":
            return {"error": text}
        case "detail":
            return {"detail": text}
        case _:
            return {"error": {"message": text, "type": names.openai_type, "param": said.param, "code": said.openai_code}}


def error_frame(dialect: str, framing: Framing, said: Said, sequence_number: int = 0) -> bytes:
    """
    The frame that ends a stream with an error; nothing where the framing has no room for one: JSON documents, opaque bytes.

    In a JSON array it follows at least one element: a stream that broke off before has not begun, and is answered with a whole error.
    """
    match framing:
        case Framing.SSE:
            return _sse(dialect, said, sequence_number)
        case Framing.NDJSON:
            return orjson.dumps({"error": said.text}) + b"\n"
        case Framing.JSON_ARRAY:
            return b",\n" + orjson.dumps(error_body("google", said)) + b"\n]"
        case Framing.EVENTSTREAM:
            return _aws_exception(said)
        case _:
            return b""


def _sse(dialect: str, said: Said, sequence_number: int) -> bytes:
    shape, event = family(dialect), b""
    body: dict[str, Any]
    if dialect.startswith("openai-responses"):
        # The stated shape is flat; SDKs raise on the nested one. `error` within serves both.
        flat = {"type": "error", "code": said.openai_code, "message": said.text, "param": said.param, "sequence_number": sequence_number}
        body = {**flat, **error_body("openai", said)}
        event = b"event: error\n"
    elif dialect.startswith("cohere"):
        body = {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": said.text}}
        event = b"event: message-end\n"
    else:
        body = error_body(shape, said)
        if shape == "anthropic" or dialect.startswith("openai-assistants"):
            event = b"event: error\n"
    return b"%bdata: %b\n\n" % (event, orjson.dumps(body))


def _aws_exception(said: Said) -> bytes:
    # The streams know few exceptions; those below are members of every one of them.
    known = ("ValidationException", "ThrottlingException", "ServiceUnavailableException")
    name = said.names.aws if said.names.aws in known else "InternalServerException"
    headers = {
        ":exception-type": name[0].lower() + name[1:],
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return encode_message(headers, orjson.dumps({"message": said.text}))
