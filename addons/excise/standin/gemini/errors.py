"""
Google's errors.

Source: the Gemini API reference and recorded errors, read 2026-11.
"""

from __future__ import annotations

import re
from typing import Any

from excise.standin.call import Refusal, dumps
from excise.standin.shapes import Place, Wrong

KINDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
# The pieces of an error page that Google's front end answers unknown paths with.
NOT_FOUND = "<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title><p>The requested URL was not found on this server."
_TYPES = {"string": "TYPE_STRING", "boolean": "TYPE_BOOL", "integer": "TYPE_INT32", "number": "TYPE_FLOAT"}


def refuse(status: int, message: str, details: list[Any] | None = None) -> Refusal:
    """
    An error in Google's shape.
    """
    return Refusal(status, error(status, message, details))


def failure(status: int) -> dict[str, Any]:
    """
    The error body of a scripted status.
    """
    return error(status, f"Scripted error {status}.", None)


def error(status: int, message: str, details: list[Any] | None) -> dict[str, Any]:
    """
    An error body.
    """
    body: dict[str, Any] = {"code": status, "message": message, "status": KINDS.get(status, "UNKNOWN")}
    return {"error": {**body, "details": details} if details else body}


def worded(wrong: Wrong) -> Refusal:
    """
    What is wrong with a body, in Google's words.
    """
    at = place(wrong.place)
    match wrong.kind:
        case "unknown":
            *above, name = wrong.place
            inside = place(tuple(above))
            where = f" at '{inside}'" if inside else ""
            message = f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.'
        case "type":
            kind = next((_TYPES[name] for name in wrong.wanted if name in _TYPES), "type.googleapis.com/google.protobuf.Struct")
            message = f"Invalid value at '{at}' ({kind}), {dumps(wrong.got)}"
        case "choice":
            message = f"Invalid value at '{at}' (TYPE_ENUM), {dumps(wrong.got)}"
        case "low" | "high":
            message = f"* GenerateContentRequest.{at}: {at.rpartition('.')[2]} must be in the range allowed, got {wrong.got}.\n"
        case "many":
            message = f"* GenerateContentRequest.{at}: at most {wrong.wanted} are allowed, got {len(wrong.got)}.\n"
        case _:
            message = f"* GenerateContentRequest.{at}: invalid value.\n"
    field = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": at, "description": message}]}
    return refuse(400, message, [field])


def place(steps: Place) -> str:
    """
    A place as Google writes it: snake case, `contents[0].parts[1].function_call`.
    """
    said = ""
    for step in steps:
        if isinstance(step, int):
            said += f"[{step}]"
        elif isinstance(step, str):
            name = re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: f"_{found[1].lower()}", step)
            said += f".{name}" if said else name
    return said
