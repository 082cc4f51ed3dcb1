"""
How Cohere writes an answer, whole and in pieces. It bills `billed_units`; `tokens` is larger by a hidden preamble nobody pays for.

Source: the Cohere API reference and recorded answers, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from excise.standin import models
from excise.standin.answers import Answer, ToolCall
from excise.standin.call import Reply, json_reply, sse
from excise.standin.models import Model

PREAMBLE_TOKENS = 496
PLAN = "I will use the tool."
_PIECE = 8  # characters of arguments in one piece of a stream


def written(body: dict[str, Any], model: Model, answer: Answer) -> Reply:
    """
    The answer as this request wants it.
    """
    bill = models.bill("cohere", model, answer.input_tokens, answer.output_tokens, reasoning=answer.reasoning_tokens)
    if body.get("stream"):
        pieces = tuple(_events(answer))
        broken = sse({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "Scripted failure."}}, "message-end")
        return Reply(200, (("content-type", "text/event-stream"),), pieces, streamed=True, bill=bill, broken=broken)
    message: dict[str, Any] = {"role": "assistant"}
    content: list[dict[str, str]] = [{"type": "thinking", "thinking": answer.thoughts}] if _shown(answer) else []
    if answer.calls:
        message |= {"tool_plan": answer.text or PLAN, "tool_calls": [_tool_call(call) for call in answer.calls]}
    else:
        content.append({"type": "text", "text": answer.text})
    if content:
        message["content"] = content
    whole: dict[str, Any] = {"id": answer.id, "message": message, "finish_reason": _finish(answer), "usage": _usage(answer)}
    if body.get("logprobs"):
        whole["logprobs"] = [{"token_ids": [at], "text": word, "logprobs": [-0.25]} for at, word in enumerate(answer.words)]
    return json_reply(whole, bill, (("num-tokens", str(answer.input_tokens)),))


def _shown(answer: Answer) -> bool:
    return bool(answer.thought) and not answer.secret


def _events(answer: Answer) -> Iterator[bytes]:
    def event(name: str, **parts: Any) -> bytes:
        return sse({"type": name, **parts}, name)

    def content(index: int, kind: str, field: str, words: tuple[str, ...]) -> Iterator[bytes]:
        yield event("content-start", index=index, delta={"message": {"content": {"type": kind, field: ""}}})
        for word in words:
            yield event("content-delta", index=index, delta={"message": {"content": {field: word}}})
        yield event("content-end", index=index)

    start: dict[str, Any] = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield sse({"id": answer.id, "type": "message-start", "delta": {"message": start}}, "message-start")
    if _shown(answer):
        yield from content(0, "thinking", "thinking", answer.thought)
    if answer.calls:
        for word in answer.words or (PLAN,):
            yield event("tool-plan-delta", delta={"message": {"tool_plan": word}})
        for index, call in enumerate(answer.calls):
            whole = _tool_call(call)
            opened = {**whole, "function": {**whole["function"], "arguments": ""}}
            yield event("tool-call-start", index=index, delta={"message": {"tool_calls": opened}})
            for at in range(0, len(call.json), _PIECE):
                piece = {"function": {"arguments": call.json[at : at + _PIECE]}}
                yield event("tool-call-delta", index=index, delta={"message": {"tool_calls": piece}})
            yield event("tool-call-end", index=index)
    else:
        yield from content(int(_shown(answer)), "text", "text", answer.words)
    yield event("message-end", delta={"finish_reason": _finish(answer), "usage": _usage(answer)})
    yield sse("[DONE]")


def _tool_call(call: ToolCall) -> dict[str, Any]:
    return {"id": f"{call.name}_{call.id[:12]}", "type": "function", "function": {"name": call.name, "arguments": call.json}}


def _finish(answer: Answer) -> str:
    words = {"tool": "TOOL_CALL", "length": "MAX_TOKENS", "stop_sequence": "STOP_SEQUENCE", "filter": "ERROR"}
    return words.get(answer.finish, "COMPLETE")


def _usage(answer: Answer) -> dict[str, Any]:
    billed = {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens}
    tokens: dict[str, Any] = {**billed, "input_tokens": answer.input_tokens + PREAMBLE_TOKENS}
    if answer.reasoning_tokens:
        tokens["reasoning_tokens"] = answer.reasoning_tokens
    return {"billed_units": billed, "tokens": tokens}
