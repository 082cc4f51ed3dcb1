"""
Cohere v2 chat. It bills `billed_units`; `tokens` is larger by a hidden preamble nobody pays for.

Source: the Cohere API reference and recorded answers, read 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from excise.standin import models
from excise.standin.answers import Answer, compose
from excise.standin.call import Refusal, Reply, Request, dumps, fields, json_reply, sse

CHAT = fields(
    """
    model messages tools strict_tools documents citation_options response_format safety_mode max_tokens stop_sequences
    temperature seed frequency_penalty presence_penalty k p logprobs tool_choice thinking priority stream raw_prompting
    """
)
ROLES = ("system", "user", "assistant", "tool", "developer")
PREAMBLE_TOKENS = 496
NAME = "5f0c2a1e-0000-4000-8000-000000000000"


def failure(status: int) -> dict[str, Any]:
    """
    The error body of a scripted status.
    """
    return {"id": NAME, "message": "invalid api token" if status == 401 else f"Scripted error {status}."}


def _refuse(status: int, message: str) -> Refusal:
    return Refusal(status, {"id": NAME, "message": message})


def answer(request: Request) -> Reply:
    """
    Answer one call to api.cohere.com.

    Raises:
        Refusal: What Cohere would refuse.
    """
    key = request.bearer()
    if not key or not key.startswith("standin-"):
        raise _refuse(401, "no api key supplied" if not key else "invalid api token")
    if request.path != "/v2/chat":
        raise _refuse(404, f"Endpoint {request.path} not found")
    if request.method != "POST":
        raise _refuse(405, "method not allowed")
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise _refuse(400, "invalid json syntax: expected value") from error
    if not isinstance(body, dict) or not body.get("model"):
        raise _refuse(400, "model is required")
    for name in body:
        if name not in CHAT:
            raise _refuse(422, f"unknown field: parameter '{name}' is not a valid field")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _refuse(400, "invalid request: messages must be at least 1 element long")
    for message in messages:
        if message.get("role") not in ROLES:
            raise _refuse(400, "invalid request: the message must have a valid role")
    if not isinstance(body.get("stream", False), bool):
        raise _refuse(400, "invalid type: parameter stream is of type string but should be of type bool")
    return _chat(body)


def _chat(body: dict[str, Any]) -> Reply:
    model = models.find("cohere", body["model"])
    if model is None:
        text = f"model '{body['model']}' not found, make sure the correct model ID was used and that you have access to the model."
        raise _refuse(404, text)
    tools = body.get("tools") or []
    schemas = tuple((tool["function"]["name"], tool["function"].get("parameters", {})) for tool in tools)
    answer = compose(body["messages"], tools=tools, schemas=schemas, limit=body.get("max_tokens"))
    bill = models.bill("cohere", model, answer.input_tokens, answer.output_tokens)
    if body.get("stream"):
        pieces = tuple(_events(answer))
        broken = sse({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "Scripted failure."}}, "message-end")
        return Reply(200, (("content-type", "text/event-stream"),), pieces, streamed=True, bill=bill, broken=broken)
    message: dict[str, Any] = {"role": "assistant"}
    if answer.tool:
        message |= {"tool_plan": "I will use the tool.", "tool_calls": [_tool_call(answer)]}
    else:
        message["content"] = [{"type": "text", "text": answer.text}]
    whole = {"id": answer.id, "message": message, "finish_reason": _finish(answer), "usage": _usage(answer)}
    return json_reply(whole, bill, (("num-tokens", str(answer.input_tokens)),))


def _events(answer: Answer) -> Iterator[bytes]:
    def event(name: str, **parts: Any) -> bytes:
        return sse({"type": name, **parts}, name)

    start: dict[str, Any] = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield sse({"id": answer.id, "type": "message-start", "delta": {"message": start}}, "message-start")
    if answer.tool:
        call = _tool_call(answer)
        text = call["function"]["arguments"]
        yield event("tool-plan-delta", delta={"message": {"tool_plan": "I will use the tool."}})
        opened = {**call, "function": {**call["function"], "arguments": ""}}
        yield event("tool-call-start", index=0, delta={"message": {"tool_calls": opened}})
        for at in range(0, len(text), 8):
            yield event("tool-call-delta", index=0, delta={"message": {"tool_calls": {"function": {"arguments": text[at : at + 8]}}}})
        yield event("tool-call-end", index=0)
    else:
        yield event("content-start", index=0, delta={"message": {"content": {"type": "text", "text": ""}}})
        for word in answer.words:
            yield event("content-delta", index=0, delta={"message": {"content": {"text": word}}})
        yield event("content-end", index=0)
    yield event("message-end", delta={"finish_reason": _finish(answer), "usage": _usage(answer)})
    yield sse("[DONE]")


def _tool_call(answer: Answer) -> dict[str, Any]:
    assert answer.tool is not None
    function = {"name": answer.tool.name, "arguments": dumps(answer.tool.arguments)}
    return {"id": f"{answer.tool.name}_{answer.id[:12]}", "type": "function", "function": function}


def _finish(answer: Answer) -> str:
    return "TOOL_CALL" if answer.tool else "MAX_TOKENS" if answer.cut else "COMPLETE"


def _usage(answer: Answer) -> dict[str, Any]:
    billed = {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens}
    return {"billed_units": billed, "tokens": {**billed, "input_tokens": answer.input_tokens + PREAMBLE_TOKENS}}
