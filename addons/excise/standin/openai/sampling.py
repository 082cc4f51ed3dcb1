"""
What OpenAI's models refuse of the parameters both of its APIs for text share.

Source: errors as the API gives them, collected from public issue threads and recordings, read 2026-11.
"""

from __future__ import annotations

from typing import Any

from excise.standin import schemas
from excise.standin.ask import strings
from excise.standin.media import PICTURES, data_url, sniffed
from excise.standin.models import Model
from excise.standin.openai.errors import listed, refuse, unsupported

_FILES = ("application/pdf", "text/", "application/json", "application/vnd.", "application/msword")


def check_effort(model: Model, effort: str | None, param: str) -> None:
    """
    Refuse a level of thinking the model does not have.
    """
    if effort is None:
        return
    if not model.reasons:
        raise unsupported(param)
    if effort not in model.efforts:
        text = f"Unsupported value: '{effort}' is not supported with the '{model.name}' model."
        raise refuse(400, f"{text} Supported values are: {listed(model.efforts)}.", param=param, code="unsupported_value")


def check_sampling(model: Model, body: dict[str, Any], effort: str | None) -> None:
    """
    Reasoning models sample as they please, unless they are told not to think.
    """
    if "sampling" not in model.lacks or (effort == "none" and "none" in model.efforts):
        return
    temperature = body.get("temperature")
    if temperature is not None and temperature != 1:
        text = f"Unsupported value: 'temperature' does not support {temperature} with this model. Only the default (1) value is supported."
        raise refuse(400, text, param="temperature", code="unsupported_value")
    for name, harmless in (("top_p", 1), ("presence_penalty", 0), ("frequency_penalty", 0)):
        if body.get(name, harmless) != harmless:
            raise unsupported(name)
    for name in ("logit_bias", "logprobs", "top_logprobs"):
        if body.get(name):
            raise unsupported(name)


def check_limit(model: Model, limit: int | None, param: str) -> None:
    """
    Refuse more output than the model can give.
    """
    if limit is not None and limit > model.most:
        text = f"{param} is too large: {limit}. This model supports at most {model.most} completion tokens, whereas you provided {limit}."
        raise refuse(400, text, param=param, code="invalid_value")


def check_parameters(name: str, parameters: Any, strict: bool, param: str) -> None:
    """
    Refuse a function whose parameters are no schema OpenAI takes.
    """
    if parameters is None:
        return
    fault = schemas.strict_fault(parameters) if strict else schemas.openai_fault(parameters)
    if fault is not None:
        raise refuse(400, f"Invalid schema for function '{name}': {fault}", param=param, code="invalid_function_parameters")


def check_format(name: str, schema: Any, strict: bool, param: str) -> None:
    """
    Refuse a schema for the output that OpenAI does not take.
    """
    fault = schemas.strict_fault(schema) if strict else schemas.malformed(schema)
    if fault is not None:
        raise refuse(400, f"Invalid schema for response_format '{name}': {fault}", param=param)


def says_json(value: Any) -> bool:
    """
    Whether the word JSON stands anywhere, as JSON mode wants it.
    """
    return any("json" in text.lower() for text in strings(value))


def seen(url: str, param: str) -> str:
    """
    A picture by its URL, as an answer speaks of it; refused where it cannot be one.
    """
    if url.startswith(("http://", "https://")):
        return "a picture by URL"
    media = data_url(url)
    if media is None:
        text = "Expected a base64-encoded data URL with an image MIME type (e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU=')"
        raise refuse(400, f"Invalid '{param}'. {text}, but got an invalid URL.", param=param, code="invalid_value")
    if media.kind not in PICTURES or sniffed(media.data) is None:
        text = f"You uploaded an unsupported image. Please make sure your image has of one the following formats: {list(PICTURES)}."
        raise refuse(400, text, param=param, code="invalid_image_format")
    return media.seen


def file_seen(part: dict[str, Any], param: str) -> str:
    """
    A file as an answer speaks of it; refused where it cannot be read.
    """
    if part.get("file_id"):
        raise refuse(404, f"No such File object: {part['file_id']}", param="file_id")
    if part.get("file_url"):
        return "a file by URL"
    media = data_url(part.get("file_data") or "")
    if media is None:
        text = (
            "Expected a base64-encoded data URL with an application/pdf MIME type (e.g. 'data:application/pdf;base64,aW1nIGJ5dGVzIGhlcmU=')"
        )
        raise refuse(
            400, f"Invalid '{param}.file_data'. {text}, but got an invalid value.", param=f"{param}.file_data", code="invalid_value"
        )
    if not part.get("filename"):
        raise refuse(400, f"Missing required parameter: '{param}.filename'.", param=f"{param}.filename", code="missing_required_parameter")
    if not media.kind.startswith(_FILES):
        text = "The file type you uploaded is not supported. Please try again with a pdf"
        raise refuse(400, text, param=param, code="unsupported_file")
    return media.seen
