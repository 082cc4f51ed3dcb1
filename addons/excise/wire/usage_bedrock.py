"""
Usage of AWS Bedrock: Converse, and what Bedrock itself adds to a model's own answer under InvokeModel.

Converse: `inputTokens` excludes the cache; total = input + output + cacheRead + cacheWrite; `cacheDetails[].ttl` splits the writes. The
older names end in `...TokenCount`. InvokeModel: the model's own usage comes first (it knows cache lifetimes and thinking);
`amazon-bedrock-invocationMetrics` in the last event, or the headers, where the model says nothing (Titan, Llama, old Claude).
"""

from __future__ import annotations

from typing import Any

from excise.wire.frame import Frame
from excise.wire.usage import Usage
from excise.wire.usage_reading import Reading
from excise.wire.usage_values import first, items, part

METRICS = "amazon-bedrock-invocationMetrics"

_INPUT = ("inputTokens", "inputTokenCount")
_OUTPUT = ("outputTokens", "outputTokenCount")
_READ = ("cacheReadInputTokens", "cacheReadInputTokenCount")
_WRITE = ("cacheWriteInputTokens", "cacheWriteInputTokenCount")
_EVENTS = ("messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata")


def read_usage(usage: dict[str, Any]) -> Usage:
    """
    Disjoint parts of a Converse usage or of invocation metrics.
    """
    write = first(usage, _WRITE)
    hour: int | None = None
    for detail in items(usage.get("cacheDetails")):
        if type(detail) is dict and detail.get("ttl") == "1h":
            hour = (hour or 0) + (first(detail, _INPUT) or 0)
    if write is not None and hour is not None:
        hour = min(hour, write)
    return Usage(
        uncached_input_tokens=first(usage, _INPUT),
        cache_read_tokens=first(usage, _READ),
        cache_write_5m_tokens=None if write is None else write - (hour or 0),
        cache_write_1h_tokens=hour,
        text_output_tokens=first(usage, _OUTPUT),
    )


class ConverseReading(Reading):
    """
    `bedrock-converse`, whole or as event-stream messages; also Nova's own events under InvokeModel, which have the same form.
    """

    __slots__ = ()

    def observe(self, frame: Frame) -> bool:
        if frame.event is not None and frame.event.endswith(("Exception", "exception")):
            self.error_type = frame.event
            return False
        if not frame.data:
            return False
        body = frame.json
        if type(body) is not dict:
            return self.cut_document(frame)
        event = frame.event
        if event not in _EVENTS:
            event = next((name for name in _EVENTS if name in body), None)
            body = part(body, event) if event is not None else body
        if event == "contentBlockDelta":
            return self._delta(body)
        if event == "contentBlockStart":
            return self.wrote(part(part(body, "start"), "toolUse").get("name"))
        if event == "messageStop":
            self.ends_with(body.get("stopReason"))
        elif event == "metadata":
            self._usage(body)
            self.ended = self.final
        elif event is None:
            return self._document(body)
        return False

    def _delta(self, body: dict[str, Any]) -> bool:
        delta = part(body, "delta")
        text = delta.get("text")
        if type(text) is str:
            return self.wrote(text)
        if tool := part(delta, "toolUse"):
            return self.wrote(tool.get("input"))
        found = self.wrote_any(list(delta.values())) or bool(delta)
        self.content = self.content or found
        return found

    def _document(self, body: dict[str, Any]) -> bool:
        self.head(body)
        self._usage(body)
        if "output" not in body and "stopReason" not in body:
            self.failed_with(body)
            return False
        self.ends_with(body.get("stopReason"))
        self.finished = True
        for block in items(part(part(body, "output"), "message").get("content")):
            tool = part(block, "toolUse")
            self.wrote_any(block if not tool else tool.get("input"))
        self.content = True
        return True

    def _usage(self, body: dict[str, Any]) -> None:
        if usage := part(body, "usage"):
            self.stated["usage"] = usage
            self.final = True
        if tier := part(body, "serviceTier").get("type"):
            self.head({"service_tier": tier})

    def usage(self) -> Usage:
        usage = part(self.stated, "usage")
        return read_usage(usage) if usage else Usage()


class AgentReading(ConverseReading):
    """
    `bedrock-agent`: the answer comes in chunks of bare text; usage stands only in traces, where the client asked for them, per model call.
    """

    __slots__ = ()
    expects_end = False

    def observe(self, frame: Frame) -> bool:
        if frame.event == "chunk" and frame.data:
            return self.wrote(frame.data.decode("utf-8", "replace"))
        if frame.event != "trace":
            body = frame.json if frame.data else None
            if type(body) is not dict or self.failed_with(body):
                return False
            return self.wrote(part(body, "output").get("text"))
        body = frame.json
        for step in part(body, "trace").values() if type(body) is dict else ():
            usage = part(part(part(step, "modelInvocationOutput"), "metadata"), "usage")
            if usage:
                stated = part(self.stated, "trace")
                self.stated["trace"] = {name: (first(stated, (name,)) or 0) + (first(usage, (name,)) or 0) for name in _AGENT}
                self.final = True
        return False

    def usage(self) -> Usage:
        stated = part(self.stated, "trace")
        return read_usage(stated) if stated else Usage()


_AGENT = ("inputTokens", "outputTokens")
