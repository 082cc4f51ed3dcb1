"""
Usage of Cohere's own API, versions 1 and 2: chat, generate, embed, rerank.

The bill is `billed_units`. `tokens` counts what the model saw, some 500 tokens of hidden prompt and all reasoning included, and
`cached_tokens` is a part of that: neither is billed, so neither is reported unless nothing else is there.
"""

from __future__ import annotations

from typing import Any

from excise.wire.frame import Frame
from excise.wire.usage import Usage
from excise.wire.usage_reading import Reading
from excise.wire.usage_values import count, first, items, part

_CONTENT_EVENTS = frozenset(
    ("content-delta", "tool-plan-delta", "tool-call-start", "tool-call-delta", "text-generation", "tool-calls-chunk")
)
_LAST_EVENTS = frozenset(("message-end", "stream-end"))


def read_usage(usage: dict[str, Any]) -> Usage:
    """
    Disjoint parts of a `usage` (version 2) or `meta` (version 1).
    """
    billed = part(usage, "billed_units")
    units = billed or part(usage, "tokens")
    return Usage(
        uncached_input_tokens=first(units, ("input_tokens",)),
        image_input_tokens=count(billed.get("image_tokens")),
        text_output_tokens=first(units, ("output_tokens",)),
        searches=count(billed.get("search_units")),
        requests=count(billed.get("classifications")),
    )


class CohereReading(Reading):
    """
    `cohere`, `cohere-v1`, `cohere-v2`.
    """

    __slots__ = ()

    def observe(self, frame: Frame) -> bool:
        if not frame.data:
            return False
        body = frame.json
        if type(body) is not dict:
            if frame.data == b"[DONE]":
                self.finished = self.ended = True
                return False
            return self.failed_with(body) if body is not None else self.cut_document(frame)
        kind = body.get("type") or body.get("event_type") or frame.event
        if type(kind) is not str:
            return self._document(body)
        if kind in _CONTENT_EVENTS:
            self.wrote_any([body.get("delta"), body.get("text"), body.get("tool_call_delta")])
            self.content = True
            return True
        if kind in _LAST_EVENTS:
            self._end(body)
            return False
        if kind in ("message-start", "stream-start"):
            self.head({"id": body.get("id") or body.get("generation_id")})
            return False
        if "-" in kind:
            return False
        return self._document(body)

    def _end(self, body: dict[str, Any]) -> None:
        delta = part(body, "delta") or part(body, "response")
        self.ends_with(delta.get("finish_reason") or body.get("finish_reason"))
        self.finished = self.ended = True
        if usage := part(delta, "usage"):
            self._state("delta.usage", usage)
        elif meta := part(delta, "meta"):
            self._state("response.meta", meta)
        if "error" in delta:
            self.failed_with({"error": {"type": delta.get("error_type")}})

    def _document(self, body: dict[str, Any]) -> bool:
        if self.failed_with(body):
            return False
        self.head(body)
        usage, meta = part(body, "usage"), part(body, "meta")
        if usage:
            self._state("usage", usage)
        elif meta:
            self._state("meta", meta)
        made = body.get("message") or body.get("text") or body.get("generations") or body.get("tool_calls")
        self.ends_with(body.get("finish_reason"))
        for index, generation in enumerate(items(body.get("generations"))):
            self.ends_with(part({"g": generation}, "g").get("finish_reason"), index)
        self.wrote_any(made) if type(made) is not str else self.wrote(made)
        found = bool(made) and type(body.get("message")) is not str
        found = found or "embeddings" in body or "results" in body or "classifications" in body
        self.content = self.content or found
        self.finished = self.finished or found
        return found

    def _state(self, place: str, usage: dict[str, Any]) -> None:
        self.stated[place] = usage
        self.final = True

    def usage(self) -> Usage:
        for place in ("delta.usage", "response.meta", "usage", "meta"):
            if place in self.stated:
                return read_usage(self.stated[place])
        return Usage()
