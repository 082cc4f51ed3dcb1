"""
Usage of Anthropic's Messages, from Anthropic, Vertex, Bedrock, Azure and imitators.

- `input_tokens` excludes cache reads and writes; `output_tokens` includes thinking (`output_tokens_details.thinking_tokens`).
- In a stream every field present in `message_delta.usage` REPLACES that of `message_start`: it is cumulative, and with server tools the
  input grows. Never add, never ignore; what the delta leaves out keeps the start's value.
- `usage.iterations[]`: `message` is in the totals; `compaction` is not, and is billed at the same model; `advisor_message` is neither, and
  is billed at its own model (see `extras`). With a `fallback_message` the totals already are the answer that was served.
- The old `/complete` states nothing: estimate.
"""

from __future__ import annotations

from typing import Any

from excise.wire.frame import Frame
from excise.wire.usage import Usage
from excise.wire.usage_reading import Reading
from excise.wire.usage_values import count, first, items, model_of, name_of, part, split_writes


def read_usage(usage: dict[str, Any]) -> Usage:
    """
    Disjoint parts of one usage object, compaction included, advisors left out.
    """
    total = _read_one(usage)
    for iteration in items(usage.get("iterations")):
        if type(iteration) is dict and iteration.get("type") == "compaction":
            total = _add(total, _read_one(iteration))
    return total


def read_extras(usage: dict[str, Any]) -> tuple[tuple[str, Usage], ...]:
    """
    What was billed at other models' prices: (model, usage) of each advisor.
    """
    return tuple(
        (model_of(iteration.get("model")) or "", _read_one(iteration))
        for iteration in items(usage.get("iterations"))
        if type(iteration) is dict and iteration.get("type") == "advisor_message"
    )


def _read_one(usage: dict[str, Any]) -> Usage:
    write_5m, write_1h = split_writes(usage, count(usage.get("cache_creation_input_tokens")))
    output = count(usage.get("output_tokens"))
    thinking = first(part(usage, "output_tokens_details"), ("thinking_tokens", "reasoning_tokens"))
    if output is not None and thinking is not None:
        thinking = min(thinking, output)
    return Usage(
        uncached_input_tokens=count(usage.get("input_tokens")),
        cache_read_tokens=count(usage.get("cache_read_input_tokens")),
        cache_write_5m_tokens=write_5m,
        cache_write_1h_tokens=write_1h,
        text_output_tokens=None if output is None else output - (thinking or 0),
        reasoning_tokens=thinking,
        searches=count(part(usage, "server_tool_use").get("web_search_requests")),
    )


def _add(left: Usage, right: Usage) -> Usage:
    def both(name: str) -> int | None:
        known = [value for usage in (left, right) if (value := getattr(usage, name)) is not None]
        return sum(known) if known else None

    return Usage(
        uncached_input_tokens=both("uncached_input_tokens"),
        cache_read_tokens=both("cache_read_tokens"),
        cache_write_5m_tokens=both("cache_write_5m_tokens"),
        cache_write_1h_tokens=both("cache_write_1h_tokens"),
        text_output_tokens=both("text_output_tokens"),
        reasoning_tokens=both("reasoning_tokens"),
        searches=both("searches"),
    )


def merge(start: dict[str, Any], delta: dict[str, Any]) -> dict[str, Any]:
    """
    The start's usage with every field replaced that the delta states.
    """
    return {**start, **{key: value for key, value in delta.items() if value is not None}}


class MessagesReading(Reading):
    """
    `anthropic-messages`, `anthropic-vertex`, `anthropic-complete`.
    """

    __slots__ = ()

    def observe(self, frame: Frame) -> bool:
        data = frame.data
        if not data:
            return False
        body = frame.json
        if type(body) is not dict:
            return self.failed_with(body) if body is not None else self.cut_document(frame)
        kind = body.get("type")
        if kind == "content_block_delta":
            delta = body.get("delta")
            return type(delta) is dict and self._delta(delta)
        if kind == "content_block_start":
            return self._block(part(body, "content_block"))
        if kind == "ping" or kind == "content_block_stop":
            return False
        return self._other(kind, body)

    def _delta(self, delta: dict[str, Any]) -> bool:
        text = delta.get("text")
        if text is None:
            text = delta.get("partial_json") or delta.get("thinking") or delta.get("content")
        if type(text) is str:
            return self.wrote(text)
        # A signature or citation was generated too, though there is no text to count.
        found = "signature" in delta or "citation" in delta or self.wrote_any(text)
        self.content = self.content or found
        return found

    def _block(self, block: dict[str, Any]) -> bool:
        found = self.wrote(block.get("text")) or self.wrote(block.get("name")) or self.wrote(block.get("thinking"))
        return found or "data" in block

    def _other(self, kind: Any, body: dict[str, Any]) -> bool:
        if kind == "message_start":
            message = part(body, "message")
            self.head(message)
            if usage := part(message, "usage"):
                self.stated["message_start"] = usage
        elif kind == "message_delta":
            self.ends_with(part(body, "delta").get("stop_reason"))
            if usage := part(body, "usage"):
                self.stated["message_delta"] = usage
                self.final = True
        elif kind == "message_stop":
            self.finished = self.ended = True
        elif kind == "completion" or "completion" in body:
            return self._complete(body)
        elif kind == "message" or "content" in body:
            return self._document(body)
        else:
            self.failed_with(body)
        return False

    def _complete(self, body: dict[str, Any]) -> bool:
        self.head(body)
        self.ends_with(body.get("stop_reason"))
        return self.wrote(body.get("completion"))

    def _document(self, body: dict[str, Any]) -> bool:
        self.head(body)
        self.ends_with(body.get("stop_reason"))
        self.finished = True
        if usage := part(body, "usage"):
            self.stated["usage"] = usage
            self.final = True
        self.wrote_any(body.get("content"))
        self.content = self.content or bool(body.get("content"))
        return self.content

    def _stated(self) -> dict[str, Any]:
        if "usage" in self.stated:
            return part(self.stated, "usage")
        return merge(part(self.stated, "message_start"), part(self.stated, "message_delta"))

    def usage(self) -> Usage:
        usage = self._stated()
        if self.service_tier is None or "service_tier" in usage:
            self.service_tier = name_of(usage.get("speed")) if usage.get("speed") == "fast" else name_of(usage.get("service_tier"))
        return read_usage(usage)

    def extras(self) -> tuple[tuple[str, Usage], ...]:
        """
        Usage billed at other models' prices.
        """
        return read_extras(self._stated())
