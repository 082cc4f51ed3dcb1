"""
OpenAI: errors, the checks every operation shares, chat completions and old completions.

Source: the OpenAI API reference and recorded answers, read 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from excise.standin import models
from excise.standin.answers import EPOCH, Answer, compose
from excise.standin.call import Bill, Refusal, Reply, Request, dumps, fields, json_reply, sse
from excise.standin.models import Model

CHAT = fields(
    """
    audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages metadata
    modalities model moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options
    prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop store stream
    stream_options temperature tool_choice tools top_logprobs top_p user verbosity web_search_options
    """
)
COMPLETIONS = fields(
    """
    best_of echo frequency_penalty logit_bias logprobs max_tokens model n presence_penalty prompt seed stop stream
    stream_options suffix temperature top_p user
    """
)
ROLES = ("system", "assistant", "user", "function", "tool", "developer")
EVENT_STREAM = (("content-type", "text/event-stream; charset=utf-8"),)


def refuse(status: int, message: str, *, param: str | None = None, code: str | None = None, kind: str = "invalid_request_error") -> Refusal:
    """
    An error in OpenAI's shape.
    """
    return Refusal(status, {"error": {"message": message, "type": kind, "param": param, "code": code}})


def failure(status: int) -> dict[str, Any]:
    """
    The error body of a scripted status.
    """
    kind, code, message = {
        401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
        404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
        429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
        500: ("server_error", None, "The server had an error while processing your request. Sorry about that!"),
        503: ("service_unavailable_error", None, "The engine is currently overloaded, please try again later."),
    }.get(status, ("invalid_request_error", None, f"Scripted error {status}."))
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def authorize(request: Request) -> None:
    """
    Refuse a missing, blank or wrong key.
    """
    key = request.bearer()
    if not key:
        raise refuse(401, "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth.")
    if not key.startswith("standin-"):
        raise refuse(401, f"Incorrect API key provided: {key[:3]}***{key[-2:]}.", code="invalid_api_key")


def read(request: Request, allowed: frozenset[str]) -> dict[str, Any]:
    """
    The JSON body of a POST: an object of known parameters.
    """
    if request.method != "POST":
        raise refuse(405, f"Not allowed to {request.method} on {request.path}.", code="method_not_supported")
    kind = (request.header("content-type") or "").partition(";")[0].strip()
    if kind != "application/json":
        raise refuse(415, f"Unsupported content type: '{kind}'. This API method only accepts 'application/json' requests.")
    try:
        body = json.loads(request.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise refuse(400, "We could not parse the JSON body of your request.")
    for name in body:
        if name not in allowed:
            raise refuse(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    if not isinstance(body.get("stream", False), bool | None):
        raise refuse(400, "Invalid type for 'stream': expected a boolean.", param="stream", code="invalid_type")
    if body.get("stream_options") is not None and not body.get("stream"):
        raise refuse(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options")
    return body


def known(body: dict[str, Any], kind: str = "chat") -> Model:
    """
    The model asked for, or 404.
    """
    name = body.get("model")
    if name is None:
        raise refuse(400, "you must provide a model parameter")
    model = models.find("openai", name, kind)
    if model is None:
        raise refuse(404, f"The model `{name}` does not exist or you do not have access to it.", code="model_not_found")
    return model


def headers(answer: Answer) -> tuple[tuple[str, str], ...]:
    """
    The bookkeeping headers of every answer.
    """
    return (
        ("x-request-id", f"req_{answer.id}"),
        ("openai-version", "2020-10-01"),
        ("openai-processing-ms", "12"),
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-remaining-requests", "9999"),
    )


def chat(request: Request) -> Reply:
    """
    POST /v1/chat/completions.
    """
    body = read(request, CHAT)
    model = known(body)
    _check_messages(body.get("messages"))
    functions = [tool["function"] for tool in body.get("tools") or [] if tool.get("type") == "function"]
    answer = compose(
        body["messages"],
        tools=body.get("tools") or (),
        schemas=tuple((function["name"], function.get("parameters", {})) for function in functions),
        limit=body.get("max_completion_tokens") or body.get("max_tokens"),
        reasons=model.reasons,
    )
    bill = _bill(model, answer)
    if body.get("stream"):
        include = bool((body.get("stream_options") or {}).get("include_usage"))
        pieces = tuple(_chat_chunks(model, answer, include))
        broken = sse(failure(500))
        return Reply(200, (*EVENT_STREAM, *headers(answer)), pieces, streamed=True, bill=bill, broken=broken)
    message: dict[str, Any] = {"role": "assistant", "content": None if answer.tool else answer.text, "refusal": None, "annotations": []}
    if answer.tool:
        message["tool_calls"] = [_tool_call(answer)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(answer)}
    head = {"id": f"chatcmpl-{answer.id}", "object": "chat.completion", "created": EPOCH, "model": model.served, "choices": [choice]}
    tail = {"usage": _usage(answer), "service_tier": "default", "system_fingerprint": "fp_standin"}
    return json_reply({**head, **tail}, bill, headers(answer))


def completions(request: Request) -> Reply:
    """
    POST /v1/completions.
    """
    body = read(request, COMPLETIONS)
    model = known(body, "completions")
    if not isinstance(body.get("prompt"), str | list) or not body["prompt"]:
        raise refuse(400, "Missing required parameter: 'prompt'.", param="prompt", code="missing_required_parameter")
    answer = compose(body["prompt"], limit=body.get("max_tokens") or 16)
    bill = _bill(model, answer)
    head = {"id": f"cmpl-{answer.id}", "object": "text_completion", "created": EPOCH, "model": model.served}
    usage = {name: value for name, value in _usage(answer).items() if isinstance(value, int)}
    if body.get("stream"):
        include = bool((body.get("stream_options") or {}).get("include_usage"))
        extra: dict[str, Any] = {"usage": None} if include else {}
        texts = [(word, None) for word in answer.words] + [("", _finish(answer))]
        chunks = [
            sse({**head, "choices": [{"text": text, "index": 0, "logprobs": None, "finish_reason": reason}], **extra})
            for text, reason in texts
        ]
        if include:
            chunks.append(sse({**head, "choices": [], "usage": usage}))
        pieces = (*chunks, sse("[DONE]"))
        return Reply(200, (*EVENT_STREAM, *headers(answer)), pieces, streamed=True, bill=bill, broken=sse(failure(500)))
    choice = {"text": answer.text, "index": 0, "logprobs": None, "finish_reason": _finish(answer)}
    return json_reply({**head, "choices": [choice], "usage": usage}, bill, headers(answer))


def _check_messages(messages: Any) -> None:
    if messages is None:
        raise refuse(400, "Missing required parameter: 'messages'.", param="messages", code="missing_required_parameter")
    if not isinstance(messages, list) or not messages:
        raise refuse(400, "Invalid 'messages': empty array. Expected an array with minimum length 1.", param="messages", code="empty_array")
    open_calls: set[str] = set()
    for at, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ROLES:
            raise refuse(
                400, f"Invalid value: '{role}'. Supported values are: {ROLES}.", param=f"messages[{at}].role", code="invalid_value"
            )
        if role == "tool":
            if message.get("tool_call_id") not in open_calls:
                raise refuse(
                    400,
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
                    param=f"messages[{at}].role",
                )
            open_calls.discard(message["tool_call_id"])
        elif open_calls:
            raise refuse(400, "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.")
        open_calls |= {call["id"] for call in message.get("tool_calls") or ()}


def _chat_chunks(model: Model, answer: Answer, include_usage: bool) -> Iterator[bytes]:
    head = {"id": f"chatcmpl-{answer.id}", "object": "chat.completion.chunk", "created": EPOCH, "model": model.served}
    head |= {"service_tier": "default", "system_fingerprint": "fp_standin"}
    tail: dict[str, Any] = {"usage": None} if include_usage else {}

    def chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
        return sse({**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}], **tail})

    if answer.tool:
        call = _tool_call(answer)
        text = call["function"]["arguments"]
        start = {**call, "function": {**call["function"], "arguments": ""}, "index": 0}
        yield chunk({"role": "assistant", "content": None, "tool_calls": [start], "refusal": None})
        for at in range(0, len(text), 8):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": text[at : at + 8]}}]})
    else:
        yield chunk({"role": "assistant", "content": "", "refusal": None})
        for word in answer.words:
            yield chunk({"content": word})
    yield chunk({}, _finish(answer))
    if include_usage:
        yield sse({**head, "choices": [], "usage": _usage(answer)})
    yield sse("[DONE]")


def _tool_call(answer: Answer) -> dict[str, Any]:
    assert answer.tool is not None
    return {
        "id": f"call_{answer.id[:24]}",
        "type": "function",
        "function": {"name": answer.tool.name, "arguments": dumps(answer.tool.arguments)},
    }


def _finish(answer: Answer) -> str:
    return "tool_calls" if answer.tool else "length" if answer.cut else "stop"


def _usage(answer: Answer) -> dict[str, Any]:
    return {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
        "prompt_tokens_details": {"cached_tokens": answer.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": answer.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _bill(model: Model, answer: Answer) -> Bill:
    return models.bill(
        "openai", model, answer.input_tokens, answer.output_tokens, cached=answer.cached_tokens, reasoning=answer.reasoning_tokens
    )
