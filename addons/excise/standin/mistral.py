"""
Mistral: chat completions. Like OpenAI's, but usage always stands in the finishing chunk of a stream, and errors look different.

Source: the Mistral API reference and recorded answers, read 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from excise.standin import models
from excise.standin.answers import EPOCH, Answer, compose
from excise.standin.call import Refusal, Reply, Request, dumps, fields, json_reply, sse
from excise.standin.models import Model

CHAT = fields(
    """
    model temperature top_p max_tokens stream stop random_seed metadata messages response_format tools tool_choice
    presence_penalty frequency_penalty n prediction parallel_tool_calls prompt_mode reasoning_effort safe_prompt guardrails
    prompt_cache_key
    """
)
ROLES = ("system", "user", "assistant", "tool")


def failure(status: int) -> dict[str, Any]:
    """
    The error body of a scripted status.
    """
    if status == 401:
        return {"detail": "Unauthorized"}
    kind, code = {429: ("rate_limited", "1300"), 404: ("not_found", "1501")}.get(status, ("internal_server_error", "3000"))
    return _error(f"Scripted error {status}.", kind, code)


def _error(message: Any, kind: str, code: str | None = None) -> dict[str, Any]:
    return {"object": "error", "message": message, "type": kind, "param": None, "code": code}


def _invalid(at: list[Any], kind: str, text: str) -> Refusal:
    return Refusal(422, _error({"detail": [{"type": kind, "loc": ["body", *at], "msg": text}]}, "invalid_request_error"))


def answer(request: Request) -> Reply:
    """
    Answer one call to api.mistral.ai.

    Raises:
        Refusal: What Mistral would refuse.
    """
    key = request.bearer()
    if not key or not key.startswith("standin-"):
        raise Refusal(401, {"detail": "Unauthorized" if not key else "Invalid API Key"})
    if request.path == "/v1/models" and request.method == "GET":
        cards = [{"id": name, "object": "model", "created": EPOCH, "owned_by": "mistralai"} for name in models.MODELS["mistral"]]
        return json_reply({"object": "list", "data": cards})
    if request.path != "/v1/chat/completions":
        raise Refusal(404, {"message": "no Route matched with those values"})
    if request.method != "POST":
        raise Refusal(405, {"detail": "Method Not Allowed"})
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise _invalid([0], "json_invalid", "JSON decode error") from error
    return _chat(_checked(body))


def _checked(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise _invalid([], "model_attributes_type", "Input should be a valid dictionary or object to extract fields from")
    for name in ("model", "messages"):
        if name not in body:
            raise _invalid([name], "missing", "Field required")
    for name in body:
        if name not in CHAT:
            raise _invalid([name], "extra_forbidden", "Extra inputs are not permitted")
    if not isinstance(body.get("stream", False), bool):
        raise _invalid(["stream"], "bool_type", "Input should be a valid boolean")
    if not body["messages"]:
        raise Refusal(
            400,
            _error("Expected last role User or Tool (or Assistant with prefix True) but got none", "invalid_request_message_order", "3230"),
        )
    for at, message in enumerate(body["messages"]):
        if message.get("role") not in ROLES:
            raise _invalid(["messages", at], "union_tag_invalid", "Input tag found using 'role' does not match any of the expected tags")
    if models.find("mistral", body["model"]) is None:
        raise Refusal(400, _error(f"Invalid model: {body['model']}", "invalid_model", "1500"))
    return body


def _chat(body: dict[str, Any]) -> Reply:
    model = models.find("mistral", body["model"])
    assert model is not None
    tools = body.get("tools") or []
    schemas = tuple((tool["function"]["name"], tool["function"].get("parameters", {})) for tool in tools)
    answer = compose(body["messages"], tools=tools, schemas=schemas, limit=body.get("max_tokens"))
    bill = models.bill("mistral", model, answer.input_tokens, answer.output_tokens, cached=answer.cached_tokens)
    headers = (("mistral-correlation-id", answer.id),)
    if body.get("stream"):
        kind = (("content-type", "text/event-stream; charset=utf-8"),)
        pieces = tuple(_chunks(model, answer))
        return Reply(200, (*kind, *headers), pieces, streamed=True, bill=bill, broken=sse(failure(500)))
    message = {"role": "assistant", "tool_calls": _tool_calls(answer), "content": answer.text}
    choice = {"index": 0, "finish_reason": _finish(answer), "message": message}
    head = {"id": answer.id, "created": EPOCH, "model": model.served, "usage": _usage(answer), "object": "chat.completion"}
    return json_reply({**head, "choices": [choice]}, bill, headers)


def _chunks(model: Model, answer: Answer) -> Iterator[bytes]:
    head = {"id": answer.id, "object": "chat.completion.chunk", "created": EPOCH, "model": model.served}

    def chunk(delta: dict[str, Any], reason: str | None = None, **tail: Any) -> bytes:
        return sse({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **tail})

    yield chunk({"role": "assistant", "content": ""})
    for word in answer.words:
        yield chunk({"content": word})
    calls = _tool_calls(answer)
    yield chunk({"content": "", **({"tool_calls": calls} if calls else {})}, _finish(answer), usage=_usage(answer))
    yield sse("[DONE]")


def _tool_calls(answer: Answer) -> list[Any] | None:
    if answer.tool is None:
        return None
    # Mistral's ids are nine letters or digits, and it sends no index.
    return [{"id": answer.id[:9], "function": {"name": answer.tool.name, "arguments": dumps(answer.tool.arguments)}}]


def _finish(answer: Answer) -> str:
    return "tool_calls" if answer.tool else "length" if answer.cut else "stop"


def _usage(answer: Answer) -> dict[str, Any]:
    return {
        "prompt_tokens": answer.input_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
        "completion_tokens": answer.output_tokens,
        "prompt_tokens_details": {"cached_tokens": answer.cached_tokens},
    }
