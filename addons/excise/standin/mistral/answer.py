"""
How Mistral writes an answer: like OpenAI, but calls come whole and without an index, ids are nine letters or digits, thoughts are chunks of
the content, and usage always stands in the finishing chunk of a stream.

Source: the Mistral API reference and recorded answers, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from excise.standin import models
from excise.standin.answers import EPOCH, Answer
from excise.standin.call import Reply, json_reply, sse
from excise.standin.mistral.errors import failure
from excise.standin.models import Model


def written(body: dict[str, Any], model: Model, answer: Answer) -> Reply:
    """
    The answer as this request wants it.
    """
    # Thoughts are billed as output; how many there were is not said.
    bill = models.bill("mistral", model, answer.input_tokens, answer.output_tokens, cached=answer.cached_tokens)
    headers = (("mistral-correlation-id", answer.id),)
    if body.get("stream"):
        kind = (("content-type", "text/event-stream; charset=utf-8"),)
        pieces = tuple(_chunks(model, answer))
        return Reply(200, (*kind, *headers), pieces, streamed=True, bill=bill, broken=sse(failure(500)))
    content: Any = answer.text
    if _shown(answer):
        content = [{**_thinking(answer.thoughts), "closed": True}, {"type": "text", "text": answer.text}]
    message = {"role": "assistant", "tool_calls": _tool_calls(answer) or None, "content": content}
    choices = [{"index": at, "finish_reason": _finish(answer), "message": message} for at in range(answer.count)]
    head = {"id": answer.id, "created": EPOCH, "model": model.served, "usage": _usage(answer), "object": "chat.completion"}
    return json_reply({**head, "choices": choices}, bill, headers)


def _shown(answer: Answer) -> bool:
    return bool(answer.thought) and not answer.secret


def _thinking(text: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def _chunks(model: Model, answer: Answer) -> Iterator[bytes]:
    head = {"id": answer.id, "object": "chat.completion.chunk", "created": EPOCH, "model": model.served}

    def chunk(index: int, delta: dict[str, Any], reason: str | None = None, **tail: Any) -> bytes:
        return sse({**head, "choices": [{"index": index, "delta": delta, "finish_reason": reason}], **tail})

    calls = _tool_calls(answer)
    for index in range(answer.count):
        yield chunk(index, {"role": "assistant", "content": ""})
        if _shown(answer):
            for at, word in enumerate(answer.thought, 1):
                closed = {"closed": True} if at == len(answer.thought) else {}
                yield chunk(index, {"content": [{**_thinking(word), **closed}]})
        for word in answer.words:
            yield chunk(index, {"content": word})
        usage = {"usage": _usage(answer)} if index + 1 == answer.count else {}
        yield chunk(index, {"content": "", **({"tool_calls": calls} if calls else {})}, _finish(answer), **usage)
    yield sse("[DONE]")


def _tool_calls(answer: Answer) -> list[Any]:
    return [{"id": call.id[:9], "function": {"name": call.name, "arguments": call.json}} for call in answer.calls]


def _finish(answer: Answer) -> str:
    return {"tool": "tool_calls", "length": "length", "filter": "error"}.get(answer.finish, "stop")


def _usage(answer: Answer) -> dict[str, Any]:
    return {
        "prompt_tokens": answer.input_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
        "completion_tokens": answer.output_tokens,
        "prompt_tokens_details": {"cached_tokens": answer.cached_tokens},
    }
