"""
OpenAI's old completions.

Source: the OpenAI API reference and recorded answers, read 2026-11.
"""

from __future__ import annotations

from typing import Any

from excise.standin.answers import EPOCH, compose
from excise.standin.ask import Ask, Said, strings
from excise.standin.call import Reply, Request, json_reply, sse
from excise.standin.openai.chat import stops
from excise.standin.openai.chat_answer import billed, usage
from excise.standin.openai.chat_shapes import COMPLETION
from excise.standin.openai.errors import EVENT_STREAM, failure, headers, known, read, refuse


def completions(request: Request) -> Reply:
    """
    POST /v1/completions.
    """
    body = read(request, COMPLETION)
    model = known(body, "completions")
    if not body["prompt"]:
        raise refuse(400, "Missing required parameter: 'prompt'.", param="prompt", code="missing_required_parameter")
    said = Said("user", " ".join(strings(body["prompt"])))
    answer = compose(Ask(content=body["prompt"], said=(said,), limit=body.get("max_tokens") or 16, stop=stops(body.get("stop"))))
    reason = "length" if answer.finish == "length" else "stop"
    head = {"id": f"cmpl-{answer.id}", "object": "text_completion", "created": EPOCH, "model": model.served}
    used = {name: value for name, value in usage(answer).items() if isinstance(value, int)}
    if body.get("stream"):
        include = bool(body.get("stream_options", {}).get("include_usage"))
        extra: dict[str, Any] = {"usage": None} if include else {}
        texts = [(word, None) for word in answer.words] + [("", reason)]
        chunks = [
            sse({**head, "choices": [{"text": text, "index": 0, "logprobs": None, "finish_reason": ended}], **extra})
            for text, ended in texts
        ]
        if include:
            chunks.append(sse({**head, "choices": [], "usage": used}))
        pieces = (*chunks, sse("[DONE]"))
        kind = (*EVENT_STREAM, *headers(answer.id))
        return Reply(200, kind, pieces, streamed=True, bill=billed(model, answer), broken=sse(failure(500)))
    choice = {"text": answer.text, "index": 0, "logprobs": None, "finish_reason": reason}
    return json_reply({**head, "choices": [choice], "usage": used}, billed(model, answer), headers(answer.id))
