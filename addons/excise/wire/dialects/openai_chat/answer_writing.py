"""
An answer in neutral form, written as a chat answer of OpenAI's.
"""

from __future__ import annotations

import re
from typing import Any

from excise.wire.dialect import Asked
from excise.wire.dialects.openai_chat.finish import word_of
from excise.wire.dialects.openai_chat.parts import data_url
from excise.wire.loss import Losses
from excise.wire.neutral import Answer, Blob, Candidate, FileId, Image, Json, Opaque, Part, Reasoning, Refusal, Request, Text, ToolCall
from excise.wire.sequence import arguments_text
from excise.wire.tool_ids import ANY, fit
from excise.wire.usage import Usage

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_TIERS = frozenset(("auto", "default", "flex", "scale", "priority", "fast"))

_SIGNATURE = "the client's dialect has no place for the proof of a thought"
_NO_PLACE = "the client's dialect has no place for this part of the answer"


def write_answer(name: str, answer: Answer, asked: Asked) -> Json:
    """
    The answer as OpenAI writes it, every field the SDK's types demand included.

    Args:
        name: Of the dialect.
    """
    if answer.dialect == name and type(answer.raw) is dict:
        return {**answer.raw, "model": asked.model} if "model" in answer.raw else answer.raw
    old = old_functions(asked.request)
    body: dict[str, Any] = {
        "id": answer_id(answer.id, asked.id),
        "object": "chat.completion",
        "created": answer.created or asked.now,
        "model": asked.model,
        "choices": [_choice(index, candidate, asked, old) for index, candidate in enumerate(answer.candidates)],
        "usage": write_usage(answer.usage),
    }
    if answer.service_tier in _TIERS:
        body["service_tier"] = answer.service_tier
    return body


def answer_id(given: str | None, call_id: str) -> str:
    """
    The provider's id, where it has the form of one; else one made of ours.
    """
    return given if given is not None and _ID.fullmatch(given) else f"chatcmpl-{call_id}"


def old_functions(request: Request) -> bool:
    """
    Whether the client offers its tools in their first form (`functions`) and so knows no other in the answer.
    """
    return type(request.raw) is dict and "functions" in request.raw and "tools" not in request.raw


def _choice(index: int, candidate: Candidate, asked: Asked, old: bool) -> dict[str, Any]:
    word = word_of(candidate)
    return {
        "index": index,
        "message": _message(candidate, asked, old),
        "logprobs": None,
        "finish_reason": "function_call" if old and word == "tool_calls" else word,
    }


def _message(candidate: Candidate, asked: Asked, old: bool) -> dict[str, Any]:
    texts: list[str] = []
    refusals: list[str] = []
    thoughts: list[str] = []
    calls: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    for part in candidate.parts:
        match part:
            case Text():
                texts.append(part.text)
                note_citations(part, asked.losses)
            case ToolCall():
                calls.append(write_call(part))
            case Reasoning():
                thoughts.append(part.text)
                note_proof(part.signature, asked.losses)
            case Refusal():
                refusals.append(part.text)
            case Image() if (image := write_image(part)) is not None:
                images.append(image)
            case _:
                note_unsaid(part, asked.losses)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(texts) if texts else None if calls or refusals or images else "",
        "refusal": "".join(refusals) or None,
        "annotations": [],
    }
    if thought := "".join(thoughts):
        message["reasoning_content"] = thought
    if images:
        message["images"] = images
    if calls and old:
        message["function_call"] = calls[0]["function"]
        if len(calls) > 1:
            asked.losses.dropped("tools", "the client's form of tools knows one call an answer")
    elif calls:
        message["tool_calls"] = calls
    return message


def write_call(call: ToolCall) -> dict[str, Any]:
    """
    One call. Arguments that are blank are written as an empty object: clients parse them.
    """
    arguments = arguments_text(call)
    if not arguments or arguments.isspace():
        arguments = "{}"
    return {"id": fit(call.id, ANY), "type": "function", "function": {"name": call.name, "arguments": arguments}}


def write_image(image: Image) -> dict[str, Any] | None:
    """
    A picture the model made, as routers of this dialect give it; OpenAI has no field for it.
    """
    source = image.source
    if isinstance(source, FileId):
        return None
    return {"type": "image_url", "image_url": {"url": data_url(source) if isinstance(source, Blob) else source.url}}


def note_citations(part: Text, losses: Losses) -> None:
    """
    Citations are in their source's form and stay behind.
    """
    if part.citations:
        losses.dropped("citations", "citations are not translated")


def note_proof(signature: str | None, losses: Losses) -> None:
    """
    A proof has no place in chat messages.
    """
    if signature is not None:
        losses.dropped("reasoning.signature", _SIGNATURE)


def note_unsaid(part: Part, losses: Losses) -> None:
    """
    A part that cannot be written, by its own name.
    """
    losses.dropped(part.kind if isinstance(part, Opaque) else type(part).__name__.lower(), _NO_PLACE)


def write_usage(usage: Usage) -> dict[str, Any]:
    """
    Usage in OpenAI's arithmetic: what was read from and written to a cache is part of the prompt, reasoning part of the completion.
    """
    prompt, completion = max(0, usage.input_tokens or 0), max(0, usage.output_tokens or 0)
    written: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens or 0, "audio_tokens": usage.audio_input_tokens or 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens or 0,
            "audio_tokens": usage.audio_output_tokens or 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    if usage.cache_write_tokens is not None:
        written["prompt_tokens_details"]["cache_write_tokens"] = usage.cache_write_tokens
    return written
