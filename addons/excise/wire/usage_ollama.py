"""
Usage of Ollama's own API: `prompt_eval_count`, `eval_count`, on the document or on the last line (`done: true`).

`prompt_eval_count` is left out where the prompt came whole from the cache: then the input is not known, which is not 0.
"""

from __future__ import annotations

from typing import Any

from excise.wire.frame import Frame
from excise.wire.usage import Usage
from excise.wire.usage_reading import Reading
from excise.wire.usage_values import count, items, part

_NUMBERS = ("total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration")


class OllamaReading(Reading):
    """
    `ollama`: chat, generate, embed.
    """

    __slots__ = ()

    def observe(self, frame: Frame) -> bool:
        if not frame.data:
            return False
        body = frame.json
        if type(body) is not dict:
            return self.failed_with(body) if body is not None else self.cut_document(frame)
        if self.model is None:
            self.head(body)
        found = False
        message = body.get("message")
        if type(message) is dict:
            found = self.wrote(message.get("content"))
            found = self.wrote(message.get("thinking")) or found
            for call in items(message.get("tool_calls")):
                found = self.wrote_any([part(call, "function")]) or bool(part(call, "function")) or found
        elif "response" in body:
            found = self.wrote(body["response"])
            found = self.wrote(body.get("thinking")) or found
        elif "embeddings" in body or "embedding" in body:
            found = self.finished = self.final = True
        elif "error" in body:
            self.failed_with(body)
        if body.get("done") is True:
            self._done(body)
        if "prompt_eval_count" in body or "eval_count" in body:
            self.stated["ollama"] = {name: body[name] for name in _NUMBERS if name in body}
        self.content = self.content or found
        return found

    def _done(self, body: dict[str, Any]) -> None:
        self.finished = self.ended = self.final = True
        self.ends_with(body.get("done_reason"))

    def usage(self) -> Usage:
        stated = part(self.stated, "ollama")
        return Usage(uncached_input_tokens=count(stated.get("prompt_eval_count")), text_output_tokens=count(stated.get("eval_count")))
