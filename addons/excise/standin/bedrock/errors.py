"""
The errors of AWS: the type stands in a header.

Source: recorded errors, read 2026-11.
"""

from __future__ import annotations

from typing import Any

from excise.standin.call import Refusal
from excise.standin.shapes import Wrong, dotted

KINDS = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
SUFFIX = "http://internal.amazon.com/coral/com.amazon.bedrock/"


def refuse(status: int, message: str, kind: str | None = None) -> Refusal:
    """
    An error in the AWS shape.
    """
    return Refusal(status, {"message": message}, error_headers(status, kind))


def error_headers(status: int, kind: str | None = None) -> tuple[tuple[str, str], ...]:
    """
    The header that names the exception.
    """
    return (("x-amzn-errortype", f"{kind or KINDS.get(status, 'InternalServerException')}:{SUFFIX}"),)


def failure(status: int) -> dict[str, Any]:
    """
    The error body of a scripted status.
    """
    return {"message": f"Scripted error {status}."}


def worded(wrong: Wrong) -> Refusal:
    """
    What is wrong with a body, in the words of AWS.
    """
    at, wanted = dotted(wrong.place), wrong.wanted
    match wrong.kind:
        case "unknown":
            name = str(wrong.place[-1])
            inside = "#/" + "/".join(map(str, wrong.place[:-1])) + ": " if wrong.place[:-1] else ""
            text = f"Malformed input request: {inside}extraneous key [{name}] is not permitted, please reformat your input and try again."
            return refuse(400, text)
        case "type":
            return refuse(400, "Unable to parse request body.", "SerializationException")
        case "missing":
            rule = "Member must not be null"
        case "choice":
            rule = f"Member must satisfy enum value set: [{', '.join(wanted)}]"
        case "low":
            rule = f"Member must have value greater than or equal to {wanted}"
        case "high":
            rule = f"Member must have value less than or equal to {wanted}"
        case "short" | "few":
            rule = f"Member must have length greater than or equal to {wanted}"
        case "long" | "many" | "pairs":
            rule = f"Member must have length less than or equal to {wanted}"
        case "pattern":
            rule = f"Member must satisfy regular expression pattern: {wanted}"
        case _:
            return refuse(400, f"The value at {at} is invalid: {wanted}.")
    return refuse(400, f"1 validation error detected: Value at '{at}' failed to satisfy constraint: {rule}")
