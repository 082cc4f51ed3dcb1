"""
Mistral's errors: of the shape of a request (422, as FastAPI writes them), and of what it says (400).

Source: recorded errors and errors as people report them, read 2026-11.
"""

from __future__ import annotations

from typing import Any

from excise.standin.call import Refusal
from excise.standin.shapes import Tag, Wrong

_TYPES = {"string": "string", "boolean": "boolean", "integer": "integer", "number": "number", "array": "list", "object": "dictionary"}


def failure(status: int) -> dict[str, Any]:
    """
    The error body of a scripted status.
    """
    if status == 401:
        return {"detail": "Unauthorized"}
    kind, code = {429: ("rate_limited", "1300"), 404: ("not_found", "1501")}.get(status, ("internal_server_error", "3000"))
    return error(f"Scripted error {status}.", kind, code)


def error(message: Any, kind: str, code: str | None = None) -> dict[str, Any]:
    """
    An error body.
    """
    return {"object": "error", "message": message, "type": kind, "param": None, "code": code}


def refuse(message: str, kind: str, code: str) -> Refusal:
    """
    400 with this message, kind and code.
    """
    return Refusal(400, error(message, kind, code))


def disordered(message: str) -> Refusal:
    """
    The conversation is not in the order Mistral wants.
    """
    return refuse(message, "invalid_request_message_order", "3230")


def invalid(at: list[Any], kind: str, text: str) -> Refusal:
    """
    422: a field is not what it should be.
    """
    return Refusal(422, error({"detail": [{"type": kind, "loc": ["body", *at], "msg": text}]}, "invalid_request_error"))


def worded(wrong: Wrong) -> Refusal:
    """
    What is wrong with a body, in Mistral's words.
    """
    at = [step.name if isinstance(step, Tag) else step for step in wrong.place]
    wanted = wrong.wanted
    match wrong.kind:
        case "unknown":
            return invalid(at, "extra_forbidden", "Extra inputs are not permitted")
        case "missing":
            return invalid(at, "missing", "Field required")
        case "type":
            name = _TYPES[wanted[0]]
            return invalid(at, f"{ {'boolean': 'bool', 'integer': 'int'}.get(name, name) }_type", f"Input should be a valid {name}")
        case "tag":
            text = f"Input tag '{wrong.got}' found using '{at[-1]}' does not match any of the expected tags: {', '.join(map(repr, wanted))}"
            return invalid(at[:-1], "union_tag_invalid", text)
        case "choice":
            return invalid(at, "enum", f"Input should be {' or '.join(map(repr, wanted))}")
        case "low":
            return invalid(at, "greater_than_equal", f"Input should be greater than or equal to {wanted}")
        case "high":
            return invalid(at, "less_than_equal", f"Input should be less than or equal to {wanted}")
        case "pattern":
            return invalid(at, "string_pattern_mismatch", f"String should match pattern '^{wanted}$'")
        case _:
            return invalid(at, "value_error", "Value error")
