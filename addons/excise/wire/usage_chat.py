"""
Answers in OpenAI's chat and completions form, whole or streamed; embeddings and rerank answers of the same family.

A chunk may hold no choices (Azure's first, the usage chunk), choices without index, whole tool calls or pieces, content as text or as parts
(Mistral, Databricks). Usage stands in a last chunk without choices, in the finishing chunk, in every chunk (cumulative: the last one
counts), or in `x_groq.usage`. Never index `choices[0]`.
"""

from __future__ import annotations

from typing import Any

from excise.wire.frame import Frame
from excise.wire.usage import Usage
from excise.wire.usage_openai import read_usage
from excise.wire.usage_reading import Reading
from excise.wire.usage_values import name_of, part

_PLACES = ("x_groq.usage", "usage")  # weakest first
_CHUNKS = ("chat.completion.chunk", "text_completion", "chat.completion")


class ChatReading(Reading):
    """
    `openai-chat`, `openai-completions`, `openai-embeddings` and their kin.
    """

    __slots__ = ()

    def observe(self, frame: Frame) -> bool:
        data = frame.data
        if not data:
            return False
        body = frame.json
        if type(body) is not dict:
            if data == b"[DONE]":
                self.finished = self.ended = True
                return False
            return self.failed_with(body) if body is not None else self.cut_document(frame)
        if self.model is None or self.response_id is None:
            self.head(body)
        found = False
        choices = body.get("choices")
        if type(choices) is list:
            for choice in choices:
                if type(choice) is dict:
                    found = self._choice(choice) or found
        elif "data" in body or "results" in body:  # embeddings, rerank: one document
            found = self.content = self.finished = True
        usage = body.get("usage")
        if usage and type(usage) is dict:
            self._usage(body, usage)
        elif "x_groq" in body:
            self._groq(body)
        elif "error" in body or body.get("object") not in _CHUNKS:
            self.failed_with(body)
        return found

    def _choice(self, choice: dict[str, Any]) -> bool:
        found = False
        delta = choice.get("delta")
        if type(delta) is dict:
            text = delta.get("content")
            found = self.wrote(text) if type(text) is str else False
            if len(delta) > 1 or not found:
                found = self._rest(delta, text) or found
        if not found and "message" in choice and not self.content:
            # Perplexity sends both: whole answers with an empty delta, chunks with the text so far as message.
            found = self._message(choice["message"], whole=type(delta) is not dict)
        elif "text" in choice:
            found = self.wrote(choice["text"])
        if reason := choice.get("finish_reason"):
            self.ends_with(reason, choice.get("index"))
        if "usage" in choice and type(choice["usage"]) is dict:  # Moonshot's older models
            self.stated["usage"] = choice["usage"]
        return found

    def _message(self, message: Any, *, whole: bool) -> bool:
        if type(message) is not dict:
            return False
        found = self.wrote(message.get("content"))
        self.finished = self.finished or whole
        return self._rest(message, message.get("content")) or found

    def _rest(self, delta: dict[str, Any], text: Any) -> bool:
        """
        Everything a delta or message may hold beside plain content.
        """
        found = self.wrote(delta.get("reasoning_content")) or self.wrote(delta.get("reasoning"))
        if type(text) is list and text:
            found = self.wrote_any(text) or found
        if calls := delta.get("tool_calls"):
            self._calls(calls)
            found = True
        if refusal := delta.get("refusal"):
            found = self.wrote(refusal) or found
        if call := delta.get("function_call"):
            self._calls([{"function": call}])
            found = True
        if delta.get("audio") or delta.get("images"):
            self.wrote(part(delta, "audio").get("transcript"))
            found = True
        self.content = self.content or found
        return found

    def _calls(self, calls: Any) -> None:
        if type(calls) is not list:
            return
        for call in calls:
            function = part(call, "function")
            self.wrote(function.get("name"))
            self.wrote(function.get("arguments"))

    def _usage(self, body: dict[str, Any], usage: dict[str, Any]) -> None:
        self.stated["usage"] = usage
        if tier := body.get("service_tier") or usage.get("service_tier"):
            self.service_tier = name_of(tier)
        # With the finish reason before or in the same chunk this is the bill; earlier it is a running count (Databricks, Perplexity).
        if self.finished:
            self.final = self.ended = True
        if "error" in body:
            self.failed_with(body)

    def _groq(self, body: dict[str, Any]) -> None:
        groq = part(body, "x_groq")
        if usage := part(groq, "usage"):
            self.stated["x_groq.usage"] = usage
            self.final = self.ended = self.finished
        if self.response_id is None:
            self.head(groq)
        if "error" in groq:
            self.failed_with(groq)

    def usage(self) -> Usage:
        found = next((self.stated[place] for place in reversed(_PLACES) if place in self.stated), None)
        return Usage() if found is None else read_usage(found, self.call, self.billed_model)


class VectorReading(ChatReading):
    """
    Embeddings and rerank answers in OpenAI's form: no tokens are generated.
    """

    __slots__ = ()
    expects_end = False
    generates = False
