"""
Groq: OpenAI's chat with fewer parameters, thoughts in `reasoning`, calls whole in one delta, and usage twice in a stream.

Source: the Groq API reference, recorded answers, and errors as people report them, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from excise.standin import models, schemas
from excise.standin.answers import EPOCH, Answer, compose
from excise.standin.ask import Ask
from excise.standin.call import Refusal, Reply, Request, json_reply, parsed, sse
from excise.standin.models import Model
from excise.standin.openai.chat import check_order, chosen, offered, spoken, stops
from excise.standin.openai.chat_shapes import CHAT, MESSAGE
from excise.standin.shapes import Items, Record, Text, Union, Whole, Word, Wrong, dotted

_UNKNOWN = (
    *(
        "audio",
        "logit_bias",
        "modalities",
        "moderation",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
    ),
    *("safety_identifier", "verbosity", "web_search_options"),
)
_ASSISTANT = MESSAGE.variants["assistant"]
assert isinstance(_ASSISTANT, Record)
_MESSAGES = Union(
    "role",
    {
        **{role: MESSAGE.variants[role] for role in ("system", "user", "tool", "developer", "function")},
        "assistant": Record({"role": Text()}, {**_ASSISTANT.fields, "reasoning": Text()}),
    },
)
_CHAT = Record(
    {"messages": Items(_MESSAGES, least=1), "model": Text()},
    {
        **{name: shape for name, shape in CHAT.fields.items() if name not in (*_UNKNOWN, "messages", "model", "n", "reasoning_effort")},
        "n": Whole(1, 1),
        "reasoning_format": Word("hidden", "raw", "parsed"),
        "include_reasoning": CHAT.fields["store"],
        "reasoning_effort": Word("none", "default", "low", "medium", "high"),
        "service_tier": Word("auto", "on_demand", "flex", "performance"),
    },
)


def failure(status: int) -> dict[str, Any]:
    """
    The error body of a scripted status.
    """
    return {"error": {"message": f"Scripted error {status}.", "type": "scripted_error"}}


def _refuse(status: int, message: str, code: str | None = None) -> Refusal:
    return Refusal(status, {"error": {"message": message, "type": "invalid_request_error", **({"code": code} if code else {})}})


def answer(request: Request) -> Reply:
    """
    Answer one call to api.groq.com.

    Raises:
        Refusal: What Groq would refuse.
    """
    if not (request.bearer() or "").startswith("standin-"):
        raise _refuse(401, "Invalid API Key", "invalid_api_key")
    if request.path != "/openai/v1/chat/completions" or request.method != "POST":
        raise _refuse(404, f"Unknown request URL: {request.method} {request.path}.", "unknown_url")
    try:
        body = _CHAT.read(parsed(request.body))
    except Wrong as wrong:
        raise _worded(wrong) from wrong
    except ValueError as error:
        raise _refuse(400, "The request body is not valid JSON.", "invalid_request_error") from error
    model = models.find("groq", body["model"])
    if model is None:
        text = f"The model `{body['model']}` does not exist or you do not have access to it."
        raise _refuse(404, text, "model_not_found")
    _check(body, model)
    try:
        check_order(body["messages"])
        said = spoken(body["messages"])
    except Refusal as refusal:
        raise _refuse(400, "'messages' : tool calls and tool messages must match") from refusal
    if "vision" in model.lacks and any(one.media for one in said):
        raise _refuse(400, "messages[0].content must be a string")
    mode, allowed = chosen(body.get("tool_choice"))
    wanted = body.get("response_format", {"type": "text"})
    answer = compose(
        Ask(
            content=body["messages"],
            said=tuple(said),
            tools=offered(body),
            declared=body.get("tools", ()),
            choice=mode,
            allowed=allowed,
            parallel=body.get("parallel_tool_calls", True),
            limit=body.get("max_completion_tokens") or body.get("max_tokens"),
            stop=stops(body.get("stop")),
            schema={"json_object": {}, "json_schema": wanted.get("json_schema", {}).get("schema")}.get(wanted["type"]),
            thinks=model.reasons,
        )
    )
    return _written(body, model, answer)


def _worded(wrong: Wrong) -> Refusal:
    at = dotted(wrong.place)
    if wrong.kind == "unknown":
        return _refuse(400, f"property '{at}' is unsupported")
    if wrong.kind == "tag" and wrong.place[-1] == "role":
        return _refuse(400, f"'{at}' : discriminator property 'role' has invalid value")
    return _refuse(400, f"'{at}' : value is missing or of the wrong kind")


def _check(body: dict[str, Any], model: Model) -> None:
    for at, tool in enumerate(body.get("tools", ())):
        if "custom" in tool or schemas.openai_fault(tool["function"].get("parameters", {"type": "object"})) is not None:
            raise _refuse(400, f"invalid JSON schema for tool, `tools[{at}].function.parameters`")
    if body.get("logprobs") or "top_logprobs" in body:
        raise _refuse(400, "`logprobs` is not supported with this model")
    if "reasoning_effort" in body and body["reasoning_effort"] not in model.efforts:
        raise _refuse(400, "`reasoning_effort` is not supported with this model")
    wanted = body.get("response_format", {}).get("type")
    if wanted == "json_schema" and "schema" in model.lacks:
        raise _refuse(400, "This model does not support response format `json_schema`. See supported models.")
    if wanted in ("json_object", "json_schema") and body.get("tools"):
        raise _refuse(400, "json mode cannot be combined with tool/function calling")
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or 1
    if limit > model.most:
        raise _refuse(400, f"`max_tokens` must be less than or equal to `{model.most}`, the maximum value for this model")


def _written(body: dict[str, Any], model: Model, answer: Answer) -> Reply:
    bill = models.bill(
        "groq", model, answer.input_tokens, answer.output_tokens, cached=answer.cached_tokens, reasoning=answer.reasoning_tokens
    )
    shown = bool(answer.thought) and body.get("include_reasoning") is not False and body.get("reasoning_format") != "hidden"
    if body.get("stream"):
        pieces = tuple(_chunks(body, model, answer, shown))
        broken = sse({"error": {"message": "Scripted failure.", "type": "invalid_request_error", "status_code": 400}}, "error")
        return Reply(200, (("content-type", "text/event-stream"),), pieces, streamed=True, bill=bill, broken=broken)
    message: dict[str, Any] = {"role": "assistant"}
    if answer.words or not answer.calls:
        message["content"] = answer.text
    if shown:
        message["reasoning"] = answer.thoughts
    if answer.calls:
        message["tool_calls"] = _calls(answer)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(answer)}
    head = {"id": f"chatcmpl-{answer.id}", "object": "chat.completion", "created": EPOCH, "model": model.served, "choices": [choice]}
    tail = {"usage": _usage(answer), "usage_breakdown": None, "system_fingerprint": "fp_standin", "service_tier": "on_demand"}
    return json_reply({**head, **tail, "x_groq": {"id": f"req_{answer.id[:26]}"}}, bill)


def _chunks(body: dict[str, Any], model: Model, answer: Answer, shown: bool) -> Iterator[bytes]:
    head = {"id": f"chatcmpl-{answer.id}", "object": "chat.completion.chunk", "created": EPOCH, "model": model.served}
    head["system_fingerprint"] = "fp_standin"
    ident = {"id": f"req_{answer.id[:26]}"}

    def chunk(delta: dict[str, Any], reason: str | None = None, **tail: Any) -> bytes:
        return sse({**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}], **tail})

    yield chunk({"role": "assistant", "content": None if answer.calls else ""}, x_groq=ident)
    for word in answer.thought if shown else ():
        yield chunk({"reasoning": word, "channel": "analysis"})
    for word in answer.words:
        yield chunk({"content": word})
    if answer.calls:
        yield chunk({"tool_calls": [{**call, "index": index} for index, call in enumerate(_calls(answer))]})
    usage = _usage(answer)
    yield chunk({}, _finish(answer), x_groq={**ident, "usage": usage}, usage=usage)
    if body.get("stream_options", {}).get("include_usage"):
        yield sse({**head, "choices": [], "usage": usage, "service_tier": "on_demand"})
    yield sse("[DONE]")


def _calls(answer: Answer) -> list[dict[str, Any]]:
    return [{"id": call.id[:9], "type": "function", "function": {"name": call.name, "arguments": call.json}} for call in answer.calls]


def _finish(answer: Answer) -> str:
    return {"tool": "tool_calls", "length": "length"}.get(answer.finish, "stop")


def _usage(answer: Answer) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "queue_time": 0.01,
        "prompt_tokens": answer.input_tokens,
        "prompt_time": 0.01,
        "completion_tokens": answer.output_tokens,
        "completion_time": 0.02,
        "total_tokens": answer.input_tokens + answer.output_tokens,
        "total_time": 0.03,
    }
    if answer.cached_tokens:
        usage["prompt_tokens_details"] = {"cached_tokens": answer.cached_tokens}
    if answer.reasoning_tokens:
        usage["completion_tokens_details"] = {"reasoning_tokens": answer.reasoning_tokens}
    return usage


__all__ = ["answer", "failure"]
