"""
How Anthropic writes an answer, whole and in pieces.

Source: the Anthropic API reference and recorded streams, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from excise.standin import models
from excise.standin.answers import Answer
from excise.standin.anthropic.errors import failure
from excise.standin.anthropic.rules import MAKER, SECRET
from excise.standin.call import Reply, dumps, json_reply, sse
from excise.standin.models import Model
from excise.standin.signing import sign

_PIECE = 8  # characters of arguments in one piece of a stream


def written(body: dict[str, Any], model: Model, answer: Answer) -> Reply:
    """
    The answer as this request wants it.
    """
    written_tokens = answer.input_tokens // 3 if "cache_control" in dumps(body) else 0
    bill = models.bill(
        "anthropic",
        model,
        answer.input_tokens,
        answer.output_tokens,
        cached=answer.cached_tokens,
        written=written_tokens,
        reasoning=answer.reasoning_tokens,
    )
    headers = (("request-id", f"req_{answer.id[:24]}"), ("anthropic-organization-id", "standin"))
    if body.get("stream"):
        pieces = tuple(_events(body, model, answer, written_tokens))
        kind = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
        return Reply(200, (*kind, *headers), pieces, streamed=True, bill=bill, broken=sse(failure(529), "error"))
    whole = {
        **_head(model, answer),
        "content": blocks(body.get("thinking", {}), answer),
        **_end(answer),
        "usage": _usage(answer, written_tokens, answer.output_tokens),
    }
    return json_reply(whole, bill, headers)


def blocks(thinking: dict[str, Any], answer: Answer) -> list[dict[str, Any]]:
    """
    The content: thoughts where they were asked for, words, calls.
    """
    made: list[dict[str, Any]] = []
    if answer.thought and thinking.get("type", "disabled") != "disabled":
        if answer.secret:
            made.append({"type": "redacted_thinking", "data": sign(SECRET, "", answer.id)})
        else:
            said = "" if thinking.get("display") == "omitted" else answer.thoughts
            made.append({"type": "thinking", "thinking": said, "signature": sign(MAKER, said, answer.id)})
    if answer.words or not answer.calls:
        made.append({"type": "text", "text": answer.text})
    calls = ({"type": "tool_use", "id": f"toolu_{call.id[:24]}", "name": call.name, "input": call.arguments} for call in answer.calls)
    return [*made, *calls]


def stop_reason(answer: Answer) -> str:
    """
    The reason's word.
    """
    words = {"tool": "tool_use", "length": "max_tokens", "stop_sequence": "stop_sequence", "refusal": "refusal", "filter": "refusal"}
    return words.get(answer.finish, "end_turn")


def _head(model: Model, answer: Answer) -> dict[str, Any]:
    return {"model": model.served, "id": f"msg_{answer.id[:24]}", "type": "message", "role": "assistant"}


def _end(answer: Answer) -> dict[str, Any]:
    reason = stop_reason(answer)
    details = {"type": "refusal", "category": None, "explanation": None} if reason == "refusal" else None
    return {"stop_reason": reason, "stop_sequence": answer.stop, **({"stop_details": details} if details else {})}


def _usage(answer: Answer, written_tokens: int, output: int) -> dict[str, Any]:
    # Anthropic's input_tokens leave out what was read from or written to a cache.
    usage: dict[str, Any] = {
        "input_tokens": answer.input_tokens - answer.cached_tokens - written_tokens,
        "cache_creation_input_tokens": written_tokens,
        "cache_read_input_tokens": answer.cached_tokens,
        "cache_creation": {"ephemeral_5m_input_tokens": written_tokens, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "service_tier": "standard",
    }
    if answer.reasoning_tokens and output == answer.output_tokens:
        usage["output_tokens_details"] = {"thinking_tokens": answer.reasoning_tokens}
    return usage


def _events(body: dict[str, Any], model: Model, answer: Answer, written_tokens: int) -> Iterator[bytes]:
    def event(name: str, **parts: Any) -> bytes:
        return sse({"type": name, **parts}, name)

    start = {**_head(model, answer), "content": [], "stop_reason": None, "stop_sequence": None}
    yield event("message_start", message={**start, "usage": _usage(answer, written_tokens, 1)})
    for index, block in enumerate(blocks(body.get("thinking", {}), answer)):
        empty, deltas = _unfolded(block, answer)
        yield event("content_block_start", index=index, content_block=empty)
        if not index:
            yield event("ping")
        for delta in deltas:
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    usage = _usage(answer, written_tokens, answer.output_tokens)
    del usage["service_tier"], usage["cache_creation"]
    yield event("message_delta", delta=_end(answer), usage=usage)
    yield event("message_stop")


def _unfolded(block: dict[str, Any], answer: Answer) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    match block["type"]:
        case "thinking":
            words = answer.thought if block["thinking"] else ()
            deltas = [{"type": "thinking_delta", "thinking": word} for word in words]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
            return {**block, "thinking": "", "signature": ""}, deltas
        case "tool_use":
            text = dumps(block["input"])
            pieces = ["", *(text[at : at + _PIECE] for at in range(0, len(text), _PIECE))]
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        case "text":
            return {**block, "text": ""}, [{"type": "text_delta", "text": word} for word in answer.words]
        case _:  # redacted: it comes whole
            return block, []
