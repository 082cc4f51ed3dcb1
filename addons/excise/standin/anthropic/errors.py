"""
Anthropic's errors.

Source: the Anthropic API reference and recorded errors, read 2026-11.
"""

from __future__ import annotations

from typing import Any

from excise.standin.call import Refusal
from excise.standin.shapes import Tag, Wrong, dotted

KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}
_TYPES = {
    "string": "string",
    "boolean": "boolean",
    "integer": "integer",
    "number": "number",
    "array": "list",
    "object": "dictionary",
    "null": "null",
}


def refuse(status: int, message: str) -> Refusal:
    """
    An error in Anthropic's shape.
    """
    return Refusal(status, error(status, message))


def failure(status: int) -> dict[str, Any]:
    """
    The error body of a scripted status.
    """
    return error(status, "Overloaded" if status == 529 else f"Scripted error {status}.")


def error(status: int, message: str) -> dict[str, Any]:
    """
    An error body.
    """
    kind = KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_standin"}


def sentence(wrong: Wrong) -> str:
    """
    What is wrong with a body, in Anthropic's words.
    """
    at, wanted = dotted(wrong.place), wrong.wanted
    match wrong.kind:
        case "unknown":
            return f"{at}: Extra inputs are not permitted"
        case "missing":
            return f"{at}: Field required"
        case "type":
            return f"{at}: Input should be a valid {_TYPES[wanted[0]]}"
        case "choice":
            return f"{at}: Input should be {_either(wanted)}"
        case "tag":
            union = dotted(tuple(step for step in wrong.place[:-1] if not isinstance(step, Tag)))
            tags = ", ".join(f"'{tag}'" for tag in sorted(wanted))
            return f"{union}: Input tag '{wrong.got}' found using '{wrong.place[-1]}' does not match any of the expected tags: {tags}"
        case "low":
            return f"{at}: Input should be greater than or equal to {wanted}"
        case "high":
            return f"{at}: Input should be less than or equal to {wanted}"
        case "short":
            return f"{at}: String should have at least {wanted} character"
        case "long":
            return f"{at}: String should have at most {wanted} characters"
        case "few":
            return f"{at}: List should have at least {wanted} item after validation, not {len(wrong.got)}"
        case "many":
            return f"{at}: List should have at most {wanted} items after validation, not {len(wrong.got)}"
        case "pattern":
            return f"{at}: String should match pattern '^{wanted}$'"
        case _:
            return f"{at}: {wanted}"


def _either(words: tuple[str, ...]) -> str:
    quoted = [f"'{word}'" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
