"""
OpenAI's errors, and the checks every operation shares.

Source: the OpenAI API reference and recorded errors, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from excise.standin import models
from excise.standin.call import Refusal, Request, parsed
from excise.standin.models import Model
from excise.standin.shapes import Shape, Wrong, bracketed, json_type

EVENT_STREAM = (("content-type", "text/event-stream; charset=utf-8"),)
_TYPES = {
    "string": "a string",
    "boolean": "a boolean",
    "integer": "an integer",
    "number": "a decimal",
    "array": "an array",
    "object": "an object",
    "null": "null",
}


def refuse(status: int, message: str, *, param: str | None = None, code: str | None = None, kind: str = "invalid_request_error") -> Refusal:
    """
    An error in OpenAI's shape.
    """
    return Refusal(status, {"error": {"message": message, "type": kind, "param": param, "code": code}})


def unsupported(param: str, *, instead: str | None = None) -> Refusal:
    """
    A parameter the model does not take.
    """
    hint = f" Use '{instead}' instead." if instead else ""
    return refuse(
        400, f"Unsupported parameter: '{param}' is not supported with this model.{hint}", param=param, code="unsupported_parameter"
    )


def failure(status: int) -> dict[str, Any]:
    """
    The error body of a scripted status.
    """
    kind, code, message = {
        401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
        404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
        429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
        500: ("server_error", None, "The server had an error while processing your request. Sorry about that!"),
        503: ("service_unavailable_error", None, "The engine is currently overloaded, please try again later."),
    }.get(status, ("invalid_request_error", None, f"Scripted error {status}."))
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def authorize(request: Request) -> None:
    """
    Refuse a missing, blank or wrong key.
    """
    key = request.bearer()
    if not key:
        raise refuse(401, "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth.")
    if not key.startswith("standin-"):
        raise refuse(401, f"Incorrect API key provided: {key[:3]}***{key[-2:]}.", code="invalid_api_key")


def read(request: Request, shape: Shape) -> dict[str, Any]:
    """
    The JSON body of a POST in this shape.
    """
    if request.method != "POST":
        raise refuse(405, f"Not allowed to {request.method} on {request.path}.", code="method_not_supported")
    kind = (request.header("content-type") or "").partition(";")[0].strip()
    if kind != "application/json":
        raise refuse(415, f"Unsupported content type: '{kind}'. This API method only accepts 'application/json' requests.")
    try:
        given = parsed(request.body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise refuse(400, "We could not parse the JSON body of your request.")
    try:
        body: dict[str, Any] = shape.read(given)
    except Wrong as wrong:
        raise worded(wrong) from wrong
    if body.get("stream_options") is not None and not body.get("stream"):
        raise refuse(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options")
    return body


def known(body: dict[str, Any], kind: str = "chat") -> Model:
    """
    The model asked for, or 404.
    """
    name = body.get("model")
    if name is None:
        raise refuse(400, "you must provide a model parameter")
    model = models.find("openai", name, kind)
    if model is None and kind == "chat" and models.find("openai", name, "completions"):
        text = "This is not a chat model and thus not supported in the v1/chat/completions endpoint."
        raise refuse(404, f"{text} Did you mean to use v1/completions?", param="model")
    if model is None:
        raise refuse(404, f"The model `{name}` does not exist or you do not have access to it.", code="model_not_found")
    return model


def headers(answer_id: str) -> tuple[tuple[str, str], ...]:
    """
    The bookkeeping headers of every answer.
    """
    return (
        ("x-request-id", f"req_{answer_id}"),
        ("openai-version", "2020-10-01"),
        ("openai-processing-ms", "12"),
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-remaining-requests", "9999"),
    )


def listed(words: tuple[str, ...]) -> str:
    """
    'a', 'b', and 'c'.
    """
    quoted = [f"'{word}'" for word in words]
    return quoted[0] if len(quoted) == 1 else " and ".join(quoted) if len(quoted) == 2 else ", ".join(quoted[:-1]) + f", and {quoted[-1]}"


def worded(wrong: Wrong) -> Refusal:
    """
    What is wrong with a body, in OpenAI's words.
    """
    at, got = bracketed(wrong.place), wrong.got
    number = "decimal" if isinstance(got, float) else "integer"
    said: dict[str, Callable[[], tuple[str, str]]] = {
        "unknown": lambda: (f"Unknown parameter: '{at}'.", "unknown_parameter"),
        "missing": lambda: (f"Missing required parameter: '{at}'.", "missing_required_parameter"),
        "type": lambda: (_wrong_type(at, wrong.wanted, got), "invalid_type"),
        "choice": lambda: (f"Invalid value: '{got}'. Supported values are: {listed(wrong.wanted)}.", "invalid_value"),
        "tag": lambda: (f"Invalid value: '{got}'. Supported values are: {listed(wrong.wanted)}.", "invalid_value"),
        "low": lambda: (_out(at, f"{number} below minimum value", f"a value >= {wrong.wanted}", str(got)), f"{number}_below_min_value"),
        "high": lambda: (_out(at, f"{number} above maximum value", f"a value <= {wrong.wanted}", str(got)), f"{number}_above_max_value"),
        "short": lambda: (_out(at, "empty string", "a string with minimum length 1", "an empty string"), "empty_string"),
        "long": lambda: (
            _out(at, "string too long", f"a string with maximum length {wrong.wanted}", f"a string with length {len(got)}"),
            "string_above_max_length",
        ),
        "few": lambda: (_out(at, "empty array", f"an array with minimum length {wrong.wanted}", "an empty array"), "empty_array"),
        "many": lambda: (
            _out(at, "array too long", f"an array with maximum length {wrong.wanted}", f"an array with length {len(got)}"),
            "array_above_max_length",
        ),
        "pattern": lambda: (
            f"Invalid '{at}': string does not match pattern. Expected a string that matches the pattern '^{wrong.wanted}$'.",
            "invalid_value",
        ),
        "pairs": lambda: (
            _out(at, "too many properties", f"an object with at most {wrong.wanted} properties", f"an object with {len(got)} properties"),
            "object_above_max_properties",
        ),
        "value": lambda: (f"Invalid '{at}': {wrong.wanted}", "invalid_value"),
    }
    message, code = said[wrong.kind]()
    return refuse(400, message, param=at, code=code)


def _out(at: str, what: str, wanted: str, got: str) -> str:
    return f"Invalid '{at}': {what}. Expected {wanted}, but got {got} instead."


def _wrong_type(at: str, wanted: tuple[str, ...], got: Any) -> str:
    names = [_TYPES[name] for name in wanted if name != "null" and not (name == "integer" and "number" in wanted)]
    expected = names[0] if len(names) == 1 else f"one of {' or '.join(names)}"
    return f"Invalid type for '{at}': expected {expected}, but got {_TYPES[json_type(got)]} instead."
