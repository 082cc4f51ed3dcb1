"""
Anthropic: Messages, plain and streamed, and count_tokens.

Source: the Anthropic API reference and recorded streams, read 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from excise.standin import models
from excise.standin.answers import Answer, compose
from excise.standin.call import Refusal, Reply, Request, dumps, fields, json_reply, sse
from excise.standin.models import Model

MESSAGES = fields(
    """
    cache_control container diagnostics inference_geo max_tokens messages metadata model output_config service_tier speed
    stop_sequences stream system temperature thinking tool_choice tools top_k top_p mcp_servers context_management
    """
)
COUNT = MESSAGES - {"max_tokens", "stream", "metadata", "stop_sequences", "temperature", "top_k", "top_p", "service_tier"}
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


def refuse(status: int, message: str) -> Refusal:
    """
    An error in Anthropic's shape.
    """
    return Refusal(status, _error(status, message))


def failure(status: int) -> dict[str, Any]:
    """
    The error body of a scripted status.
    """
    return _error(status, "Overloaded" if status == 529 else f"Scripted error {status}.")


def _error(status: int, message: str) -> dict[str, Any]:
    kind = KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_standin"}


def answer(request: Request) -> Reply:
    """
    Answer one call to api.anthropic.com.

    Raises:
        Refusal: What Anthropic would refuse.
    """
    handler = {"/v1/messages": _messages, "/v1/messages/count_tokens": _count}.get(request.path)
    if handler is None:
        raise refuse(404, "Not Found")
    if request.method != "POST":
        raise Refusal(405, {"type": "error", "error": {"type": "invalid_request_error", "message": "Method Not Allowed"}})
    key = request.header("x-api-key") or request.bearer()
    if not key:
        raise refuse(401, "x-api-key header is required")
    if not key.startswith("standin-"):
        raise refuse(401, "invalid x-api-key")
    if not request.header("anthropic-version"):
        raise refuse(400, "anthropic-version: header is required")
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise refuse(400, "The request body is not valid JSON: expected value at line 1 column 1") from error
    if not isinstance(body, dict):
        raise refuse(400, "Input should be a valid dictionary or object to extract fields from")
    return handler(body)


def _check(body: dict[str, Any], allowed: frozenset[str]) -> Model:
    for name in ("model", "messages"):
        if name not in body:
            raise refuse(400, f"{name}: Field required")
    for name in body:
        if name not in allowed:
            raise refuse(400, f"{name}: Extra inputs are not permitted")
    messages = body["messages"]
    if not isinstance(messages, list):
        raise refuse(400, "messages: Input should be a valid list")
    if not messages:
        raise refuse(400, "messages: at least one message is required")
    for at, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ("user", "assistant"):
            raise refuse(400, f"messages.{at}.role: Input should be 'user' or 'assistant'")
        if not message.get("content"):
            raise refuse(400, f"messages.{at}: all messages must have non-empty content except for the optional final assistant message")
    model = models.find("anthropic", body["model"])
    if model is None:
        raise refuse(404, f"model: {body['model']}")
    return model


def _compose(body: dict[str, Any], model: Model) -> Answer:
    tools = body.get("tools") or []
    content = [body["system"], body["messages"]] if body.get("system") else [body["messages"]]
    schemas = tuple((tool["name"], tool.get("input_schema", {})) for tool in tools)
    return compose(content, tools=tools, schemas=schemas, limit=body.get("max_tokens"), reasons=model.reasons)


def _count(body: dict[str, Any]) -> Reply:
    model = _check(body, COUNT)
    return json_reply({"input_tokens": _compose(body, model).input_tokens})


def _messages(body: dict[str, Any]) -> Reply:
    model = _check(body, MESSAGES)
    limit = body.get("max_tokens")
    if limit is None:
        raise refuse(400, "max_tokens: Field required")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise refuse(400, "max_tokens: Input should be a valid integer, greater than or equal to 1")
    if not isinstance(body.get("stream", False), bool):
        raise refuse(400, "stream: Input should be a valid boolean")
    answer = _compose(body, model)
    written = answer.input_tokens // 3 if "cache_control" in dumps(body) else 0
    bill = models.bill(
        "anthropic",
        model,
        answer.input_tokens,
        answer.output_tokens,
        cached=answer.cached_tokens,
        written=written,
        reasoning=answer.reasoning_tokens,
    )
    headers = (("request-id", f"req_{answer.id[:24]}"), ("anthropic-organization-id", "standin"))
    if body.get("stream"):
        pieces = tuple(_events(model, answer, written))
        kind = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
        return Reply(200, (*kind, *headers), pieces, streamed=True, bill=bill, broken=sse(failure(529), "error"))
    whole = {
        **_head(model, answer),
        "content": [_block(answer)],
        "stop_reason": _stop(answer),
        "stop_sequence": None,
        "usage": _usage(answer, written, answer.output_tokens),
    }
    return json_reply(whole, bill, headers)


def _head(model: Model, answer: Answer) -> dict[str, Any]:
    return {"model": model.served, "id": f"msg_{answer.id[:24]}", "type": "message", "role": "assistant"}


def _block(answer: Answer) -> dict[str, Any]:
    if answer.tool:
        return {"type": "tool_use", "id": f"toolu_{answer.id[:24]}", "name": answer.tool.name, "input": answer.tool.arguments}
    return {"type": "text", "text": answer.text}


def _stop(answer: Answer) -> str:
    return "tool_use" if answer.tool else "max_tokens" if answer.cut else "end_turn"


def _usage(answer: Answer, written: int, output: int) -> dict[str, Any]:
    # Anthropic's input_tokens leave out what was read from or written to a cache.
    usage: dict[str, Any] = {
        "input_tokens": answer.input_tokens - answer.cached_tokens - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": answer.cached_tokens,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "service_tier": "standard",
    }
    if answer.reasoning_tokens and output == answer.output_tokens:
        usage["output_tokens_details"] = {"thinking_tokens": answer.reasoning_tokens}
    return usage


def _events(model: Model, answer: Answer, written: int) -> Iterator[bytes]:
    def event(name: str, **parts: Any) -> bytes:
        return sse({"type": name, **parts}, name)

    start = {**_head(model, answer), "content": [], "stop_reason": None, "stop_sequence": None, "usage": _usage(answer, written, 1)}
    yield event("message_start", message=start)
    block = _block(answer)
    empty = {**block, "input": {}} if answer.tool else {**block, "text": ""}
    yield event("content_block_start", index=0, content_block=empty)
    yield event("ping")
    if answer.tool:
        text = dumps(answer.tool.arguments)
        deltas = [{"type": "input_json_delta", "partial_json": text[at : at + 8]} for at in range(0, len(text), 8)]
    else:
        deltas = [{"type": "text_delta", "text": word} for word in answer.words]
    for delta in deltas:
        yield event("content_block_delta", index=0, delta=delta)
    yield event("content_block_stop", index=0)
    usage = _usage(answer, written, answer.output_tokens)
    del usage["service_tier"], usage["cache_creation"]
    yield event("message_delta", delta={"stop_reason": _stop(answer), "stop_sequence": None}, usage=usage)
    yield event("message_stop")
