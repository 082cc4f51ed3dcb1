"""
OpenAI's Responses API, plain and streamed.

Source: the OpenAI API reference and recorded streams, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from excise.standin import models
from excise.standin.answers import EPOCH, Answer, compose
from excise.standin.call import Reply, Request, dumps, fields, json_reply, sse
from excise.standin.models import Model
from excise.standin.openai import EVENT_STREAM, headers, known, read, refuse

PARAMETERS = fields(
    """
    background context_management conversation include input instructions max_output_tokens max_tool_calls metadata model
    moderation parallel_tool_calls previous_response_id prompt prompt_cache_key prompt_cache_options prompt_cache_retention
    reasoning safety_identifier service_tier store stream stream_options temperature text tool_choice tools top_logprobs
    top_p truncation user
    """
)


def responses(request: Request) -> Reply:
    """
    POST /v1/responses.
    """
    body = read(request, PARAMETERS)
    model = known(body)
    if not isinstance(body.get("input"), str | list) or not body["input"]:
        raise refuse(400, "Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    content = [body["input"], body["instructions"]] if body.get("instructions") else [body["input"]]
    tools = body.get("tools") or []
    answer = compose(
        content,
        tools=tools,
        schemas=tuple((tool["name"], tool.get("parameters") or {}) for tool in tools if tool.get("type") == "function"),
        limit=body.get("max_output_tokens"),
        reasons=model.reasons,
    )
    bill = models.bill(
        "openai", model, answer.input_tokens, answer.output_tokens, cached=answer.cached_tokens, reasoning=answer.reasoning_tokens
    )
    if body.get("stream"):
        pieces = tuple(_events(body, model, answer))
        failed = {**_response(body, model, answer, "failed", []), "error": {"code": "server_error", "message": "Scripted failure."}}
        broken = sse({"type": "response.failed", "response": failed, "sequence_number": 99}, "response.failed")
        return Reply(200, (*EVENT_STREAM, *headers(answer)), pieces, streamed=True, bill=bill, broken=broken)
    return json_reply(_whole(body, model, answer), bill, headers(answer))


def _whole(body: dict[str, Any], model: Model, answer: Answer) -> dict[str, Any]:
    return _response(body, model, answer, "incomplete" if answer.cut else "completed", [_item(answer, "completed")])


def _response(body: dict[str, Any], model: Model, answer: Answer, status: str, output: list[Any]) -> dict[str, Any]:
    ended = status in ("completed", "incomplete")
    usage = {
        "input_tokens": answer.input_tokens,
        "input_tokens_details": {"cached_tokens": answer.cached_tokens},
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
        "total_tokens": answer.input_tokens + answer.output_tokens,
    }
    return {
        "id": f"resp_{answer.id}",
        "object": "response",
        "created_at": EPOCH,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": model.served,
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default" if ended else "auto",
        "store": body.get("store", True),
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage if ended else None,
        "user": None,
        "metadata": body.get("metadata") or {},
    }


def _item(answer: Answer, status: str) -> dict[str, Any]:
    ended = status == "completed"
    if answer.tool:
        arguments = dumps(answer.tool.arguments) if ended else ""
        call = {"call_id": f"call_{answer.id[:24]}", "name": answer.tool.name, "arguments": arguments}
        return {"id": f"fc_{answer.id}", "type": "function_call", "status": status, **call}
    content = [_part(answer.text)] if ended else []
    return {"id": f"msg_{answer.id}", "type": "message", "status": status, "content": content, "role": "assistant"}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _events(body: dict[str, Any], model: Model, answer: Answer) -> Iterator[bytes]:
    number = 0

    def event(kind: str, **parts: Any) -> bytes:
        nonlocal number
        number += 1
        return sse({"type": f"response.{kind}", **parts, "sequence_number": number - 1}, f"response.{kind}")

    begun = _response(body, model, answer, "in_progress", [])
    yield event("created", response=begun)
    yield event("in_progress", response=begun)
    yield event("output_item.added", item=_item(answer, "in_progress"), output_index=0)
    if answer.tool:
        at: dict[str, Any] = {"item_id": f"fc_{answer.id}", "output_index": 0}
        text = dumps(answer.tool.arguments)
        for start in range(0, len(text), 8):
            yield event("function_call_arguments.delta", delta=text[start : start + 8], **at)
        yield event("function_call_arguments.done", arguments=text, name=answer.tool.name, **at)
    else:
        at = {"content_index": 0, "item_id": f"msg_{answer.id}", "output_index": 0}
        yield event("content_part.added", part=_part(""), **at)
        for word in answer.words:
            yield event("output_text.delta", delta=word, logprobs=[], **at)
        yield event("output_text.done", text=answer.text, logprobs=[], **at)
        yield event("content_part.done", part=_part(answer.text), **at)
    yield event("output_item.done", item=_item(answer, "completed"), output_index=0)
    whole = _whole(body, model, answer)
    yield event(whole["status"], response=whole)
