"""
OpenAI's responses: how the answer is written, whole and in pieces.

Source: the OpenAI API reference and recorded streams, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from excise.standin.answers import EPOCH, Answer, ToolCall
from excise.standin.call import Reply, json_reply, sse
from excise.standin.models import Model
from excise.standin.openai.chat_answer import billed, slices, token_logprob
from excise.standin.openai.errors import EVENT_STREAM, headers
from excise.standin.signing import sign


def written(body: dict[str, Any], model: Model, answer: Answer) -> tuple[Reply, dict[str, Any]]:
    """
    The answer as this request wants it, and the whole of it as it is kept.
    """
    status = {"length": "incomplete", "filter": "incomplete"}.get(answer.finish, "completed")
    output = _output(body, answer)
    whole = _response(body, model, answer, status, output)
    bill = billed(model, answer)
    if body.get("stream"):
        pieces = tuple(_events(body, model, answer, output, whole))
        failed = {**_response(body, model, answer, "failed", []), "error": {"code": "server_error", "message": "Scripted failure."}}
        broken = sse({"type": "response.failed", "response": failed, "sequence_number": 99}, "response.failed")
        return Reply(200, (*EVENT_STREAM, *headers(answer.id)), pieces, streamed=True, bill=bill, broken=broken), whole
    if body.get("background"):
        # What comes at once is the ticket; the answer is fetched by its id.
        return json_reply(_response(body, model, answer, "queued", []), bill, headers(answer.id)), whole
    return json_reply(whole, bill, headers(answer.id)), whole


def _response(body: dict[str, Any], model: Model, answer: Answer, status: str, output: list[Any]) -> dict[str, Any]:
    ended = status in ("completed", "incomplete")
    usage = {
        "input_tokens": answer.input_tokens,
        "input_tokens_details": {"cached_tokens": answer.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
        "total_tokens": answer.input_tokens + answer.output_tokens,
    }
    reason = {"length": "max_output_tokens", "filter": "content_filter"}.get(answer.finish)
    reasoning = body.get("reasoning", {})
    tools = [{"strict": True, "description": None, **tool} if tool["type"] == "function" else tool for tool in body.get("tools", ())]
    return {
        "id": f"resp_{answer.id}",
        "object": "response",
        "created_at": EPOCH,
        "status": status,
        "background": body.get("background", False),
        "error": None,
        "incomplete_details": {"reason": reason} if status == "incomplete" else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": model.served,
        "output": output,
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "service_tier": "default" if ended else "auto",
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": {"format": {"type": "text"}, **body.get("text", {})},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": tools,
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation", "disabled"),
        "usage": usage if ended else None,
        "user": body.get("user"),
        "metadata": body.get("metadata", {}),
    }


def _output(body: dict[str, Any], answer: Answer) -> list[Any]:
    items: list[Any] = []
    if answer.thought:
        summary = [{"type": "summary_text", "text": answer.thoughts}] if body.get("reasoning", {}).get("summary") else []
        item = {"id": f"rs_{answer.id}", "type": "reasoning", "summary": summary if not answer.secret else []}
        if "reasoning.encrypted_content" in body.get("include", ()):
            item["encrypted_content"] = sign("openai", "", answer.id)
        items.append(item)
    if answer.words or not answer.calls:
        message = {"id": f"msg_{answer.id}", "type": "message", "status": "incomplete" if answer.finish == "length" else "completed"}
        items.append({**message, "content": [_part(body, answer)], "role": "assistant"})
    return [*items, *(_call_item(call) for call in answer.calls)]


def _call_item(call: ToolCall) -> dict[str, Any]:
    tail = {"call_id": f"call_{call.id[:24]}", "name": call.name}
    if call.text:
        return {"id": f"ctc_{call.id}", "type": "custom_tool_call", "status": "completed", **tail, "input": call.text}
    return {"id": f"fc_{call.id}", "type": "function_call", "status": "completed", **tail, "arguments": call.json}


def _part(body: dict[str, Any], answer: Answer) -> dict[str, Any]:
    if answer.finish == "refusal":
        return {"type": "refusal", "refusal": answer.text}
    return {"type": "output_text", "annotations": [], "logprobs": _logprobs(body, answer.words), "text": answer.text}


def _logprobs(body: dict[str, Any], words: tuple[str, ...]) -> list[Any]:
    if "message.output_text.logprobs" not in body.get("include", ()):
        return []
    return [token_logprob(word, body.get("top_logprobs", 0)) for word in words]


def _events(body: dict[str, Any], model: Model, answer: Answer, output: list[Any], whole: dict[str, Any]) -> Iterator[bytes]:
    number = 0

    def event(kind: str, **parts: Any) -> bytes:
        nonlocal number
        number += 1
        return sse({"type": f"response.{kind}", **parts, "sequence_number": number - 1}, f"response.{kind}")

    begun = _response(body, model, answer, "in_progress", [])
    yield event("created", response=begun)
    yield event("in_progress", response=begun)
    calls = iter(answer.calls)
    for index, item in enumerate(output):
        at = {"item_id": item["id"], "output_index": index}
        match item["type"]:
            case "reasoning":
                steps = _thinking(answer, item, at)
            case "message":
                steps = _speaking(body, answer, item, at)
            case _:
                steps = _calling(next(calls), at)
        opened = {**item, **_EMPTY[item["type"]]}
        yield event("output_item.added", item=opened, output_index=index)
        for kind, parts in steps:
            yield event(kind, **parts)
        yield event("output_item.done", item=item, output_index=index)
    yield event(whole["status"], response=whole)


_EMPTY: dict[str, dict[str, Any]] = {
    "reasoning": {"summary": []},
    "message": {"status": "in_progress", "content": []},
    "function_call": {"status": "in_progress", "arguments": ""},
    "custom_tool_call": {"status": "in_progress", "input": ""},
}

type Step = tuple[str, dict[str, Any]]


def _thinking(answer: Answer, item: dict[str, Any], at: dict[str, Any]) -> Iterator[Step]:
    for index, part in enumerate(item["summary"]):
        here = {**at, "summary_index": index}
        yield "reasoning_summary_part.added", {**here, "part": {**part, "text": ""}}
        for word in answer.thought:
            yield "reasoning_summary_text.delta", {**here, "delta": word}
        yield "reasoning_summary_text.done", {**here, "text": part["text"]}
        yield "reasoning_summary_part.done", {**here, "part": part}


def _speaking(body: dict[str, Any], answer: Answer, item: dict[str, Any], at: dict[str, Any]) -> Iterator[Step]:
    here, part = {"content_index": 0, **at}, item["content"][0]
    refused = part["type"] == "refusal"
    field, kind = ("refusal", "refusal") if refused else ("text", "output_text")
    yield "content_part.added", {**here, "part": {**part, field: "", **({} if refused else {"logprobs": []})}}
    for word in answer.words:
        yield f"{kind}.delta", {**here, "delta": word, **({} if refused else {"logprobs": _logprobs(body, (word,))})}
    done = {"refusal": part["refusal"]} if refused else {"text": part["text"], "logprobs": part["logprobs"]}
    yield f"{kind}.done", {**here, **done}
    yield "content_part.done", {**here, "part": part}


def _calling(call: ToolCall, at: dict[str, Any]) -> Iterator[Step]:
    kind, field, text = ("custom_tool_call_input", "input", call.text) if call.text else ("function_call_arguments", "arguments", call.json)
    for piece in slices(text):
        yield f"{kind}.delta", {**at, "delta": piece}
    name = {} if call.text else {"name": call.name}
    yield f"{kind}.done", {**at, field: text, **name}
