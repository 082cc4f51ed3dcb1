"""
OpenAI's chat completions: how the answer is written, whole and in pieces.

Source: the OpenAI API reference and recorded answers, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from excise.standin import models
from excise.standin.answers import EPOCH, Answer, ToolCall
from excise.standin.call import Bill, Reply, json_reply, sse
from excise.standin.models import Model
from excise.standin.openai.errors import EVENT_STREAM, failure, headers

ARGUMENT_BYTES = 8  # of arguments in one piece of a stream


def written(body: dict[str, Any], model: Model, answer: Answer) -> Reply:
    """
    The answer as this request wants it.
    """
    if body.get("stream"):
        include = bool(body.get("stream_options", {}).get("include_usage"))
        pieces = tuple(_chunks(body, model, answer, include))
        broken = sse(failure(500))
        return Reply(200, (*EVENT_STREAM, *headers(answer.id)), pieces, streamed=True, bill=billed(model, answer), broken=broken)
    choices = [
        {"index": at, "message": _message(body, answer), "logprobs": _logprobs(body, answer.words), "finish_reason": finish(body, answer)}
        for at in range(answer.count)
    ]
    head = {"id": f"chatcmpl-{answer.id}", "object": "chat.completion", "created": EPOCH, "model": model.served, "choices": choices}
    tail = {"usage": usage(answer), "service_tier": "default", "system_fingerprint": "fp_standin"}
    return json_reply({**head, **tail}, billed(model, answer), headers(answer.id))


def _message(body: dict[str, Any], answer: Answer) -> dict[str, Any]:
    refused = answer.finish == "refusal"
    content = None if refused or (answer.calls and not answer.words) else answer.text
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": answer.text if refused else None, "annotations": []}
    if answer.calls and "functions" in body:
        message["function_call"] = {"name": answer.calls[0].name, "arguments": answer.calls[0].json}
    elif answer.calls:
        message["tool_calls"] = [tool_call(call) for call in answer.calls]
    return message


def _chunks(body: dict[str, Any], model: Model, answer: Answer, include_usage: bool) -> Iterator[bytes]:
    head = {"id": f"chatcmpl-{answer.id}", "object": "chat.completion.chunk", "created": EPOCH, "model": model.served}
    head |= {"service_tier": "default", "system_fingerprint": "fp_standin"}
    tail: dict[str, Any] = {"usage": None} if include_usage else {}
    field = "refusal" if answer.finish == "refusal" else "content"

    def chunk(at: int, delta: dict[str, Any], reason: str | None = None, words: tuple[str, ...] = ()) -> bytes:
        choice = {"index": at, "delta": delta, "logprobs": _logprobs(body, words) if words else None, "finish_reason": reason}
        return sse({**head, "choices": [choice], **tail})

    for at in range(answer.count):
        deltas = call_deltas(answer.calls, mixed=_mixed(body))
        first = {"role": "assistant", "content": "" if answer.words or not answer.calls else None}
        if answer.calls and "functions" in body:
            call = answer.calls[0]
            yield chunk(at, {**first, "function_call": {"name": call.name, "arguments": ""}, "refusal": None})
            for piece in slices(call.json):
                yield chunk(at, {"function_call": {"arguments": piece}})
            deltas = []
        elif answer.calls and not answer.words:
            yield chunk(at, {**first, **deltas[0], "refusal": None})
            deltas = deltas[1:]
        else:
            yield chunk(at, {**first, "refusal": None})
        for word in answer.words:
            yield chunk(at, {field: word}, words=(word,))
        for delta in deltas:
            yield chunk(at, delta)
    for at in range(answer.count):
        yield chunk(at, {}, finish(body, answer))
    if include_usage:
        yield sse({**head, "choices": [], "usage": usage(answer)})
    yield sse("[DONE]")


def _mixed(body: dict[str, Any]) -> bool:
    """
    Whether the prompt asks for calls whose pieces come in turns.
    """
    return any("interleave" in str(message.get("content")) for message in body["messages"] if message["role"] == "user")


def call_deltas(calls: tuple[ToolCall, ...], *, mixed: bool = False) -> list[dict[str, Any]]:
    """
    The pieces of parallel calls: each begins with id and name, then its arguments follow.
    """
    lines: list[list[dict[str, Any]]] = []
    for index, call in enumerate(calls):
        whole = tool_call(call)
        kind, field = whole["type"], "input" if call.text else "arguments"
        begun = {**whole, kind: {**whole[kind], field: ""}, "index": index}
        pieces = [{"index": index, kind: {field: piece}} for piece in slices(whole[kind][field])]
        lines.append([{"tool_calls": [delta]} for delta in (begun, *pieces)])
    if not mixed:
        return [delta for line in lines for delta in line]
    longest = max(map(len, lines), default=0)
    return [line[at] for at in range(longest) for line in lines if at < len(line)]


def slices(text: str) -> list[str]:
    """
    A text in the pieces a stream sends.
    """
    return [text[at : at + ARGUMENT_BYTES] for at in range(0, len(text), ARGUMENT_BYTES)]


def tool_call(call: ToolCall) -> dict[str, Any]:
    """
    One call as it stands in a message.
    """
    if call.text:
        return {"id": f"call_{call.id[:24]}", "type": "custom", "custom": {"name": call.name, "input": call.text}}
    return {"id": f"call_{call.id[:24]}", "type": "function", "function": {"name": call.name, "arguments": call.json}}


def finish(body: dict[str, Any], answer: Answer) -> str:
    """
    The reason's word. A named tool that was forced ends in `stop`, as the API documents it.
    """
    if answer.finish == "tool":
        if "functions" in body:
            return "function_call"
        forced = isinstance(body.get("tool_choice"), dict) and body["tool_choice"].get("type") != "allowed_tools"
        return "stop" if forced else "tool_calls"
    return {"length": "length", "filter": "content_filter"}.get(answer.finish, "stop")


def _logprobs(body: dict[str, Any], words: tuple[str, ...]) -> dict[str, Any] | None:
    if not body.get("logprobs"):
        return None
    return {"content": [token_logprob(word, body.get("top_logprobs", 0)) for word in words], "refusal": None}


def token_logprob(word: str, top: int) -> dict[str, Any]:
    """
    The made-up likelihood of one word, and of so many others.
    """
    others = [
        {"token": word[: len(word) - at] or word, "logprob": -0.25 - at, "bytes": list(word.encode("utf-8", "replace"))}
        for at in range(top)
    ]
    return {"token": word, "logprob": -0.25, "bytes": list(word.encode("utf-8", "replace")), "top_logprobs": others}


def usage(answer: Answer) -> dict[str, Any]:
    """
    What was used, in OpenAI's words.
    """
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


def billed(model: Model, answer: Answer) -> Bill:
    """
    What the call costs.
    """
    return models.bill(
        "openai", model, answer.input_tokens, answer.output_tokens, cached=answer.cached_tokens, reasoning=answer.reasoning_tokens
    )
