"""
Usage of the rarer dialects, found by place and name, and the reader for calls whose dialect only the answer tells.

Each entry of `_PLACES` is where some provider states its counts; `_SPELLINGS` are the names they use that OpenAI's family does not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from excise.wire.frame import Frame
from excise.wire.usage import Usage
from excise.wire.usage_anthropic import MessagesReading
from excise.wire.usage_bedrock import METRICS, ConverseReading
from excise.wire.usage_bedrock import read_usage as read_bedrock
from excise.wire.usage_chat import ChatReading
from excise.wire.usage_cohere import CohereReading
from excise.wire.usage_gemini import GeminiReading
from excise.wire.usage_ollama import OllamaReading
from excise.wire.usage_openai import read_usage, stated_cost
from excise.wire.usage_reading import Reading
from excise.wire.usage_responses import ResponsesReading
from excise.wire.usage_values import amount, count, first, items, part

_PLACES: tuple[tuple[str, ...], ...] = (
    ("usage",),
    ("result", "usage"),  # Cloudflare run
    ("Response", "Usage"),  # Tencent Cloud
    ("chatResponse", "usage"),  # Oracle
    ("output", "usage"),
    ("data", "usage"),
    ("details",),  # text-generation-inference
    ("inference_status",),  # DeepInfra
    ("metrics",),  # Replicate
    ("usage_info",),  # Mistral OCR
    ("meta",),
)
_INPUT = (
    "prompt_token_count",  # Llama on Bedrock
    "inputTextTokenCount",  # Titan
    "input_token_count",  # watsonx, Replicate
    "tokens_input",  # DeepInfra
    "num_tokens_prompt_total",  # Aleph Alpha
    "tokens_evaluated",  # llama.cpp
    "num_prompt_tokens",  # Meta
)
_OUTPUT = (
    "generation_token_count",
    "totalOutputTextTokenCount",
    "output_token_count",
    "generated_token_count",
    "generated_tokens",  # text-generation-inference
    "tokens_generated",
    "num_tokens_generated",
    "tokens_predicted",
    "num_completion_tokens",
)


class OtherReading(Reading):
    """
    Any answer: counts by their known names, text by its usual ones.
    """

    __slots__ = ()
    expects_end = False

    def observe(self, frame: Frame) -> bool:
        if not frame.data:
            return False
        body = frame.json
        if type(body) is list:
            found = self.wrote_any(body)
            self._named(body)
            return found
        if type(body) is not dict:
            if frame.event == "output":  # Replicate streams bare text
                return self.wrote(frame.data.decode("utf-8", "replace"))
            return body is None and self.cut_document(frame)
        if self.failed_with(body):
            return False
        self.head(body)
        for place in _PLACES:
            found_at: Any = body
            for name in place:
                found_at = part(found_at, name)
            if found_at:
                self.stated[".".join(place)] = found_at
        self._named([body, *items(body.get("results"))])
        if body.get("object") in ("thread.run", "thread.run.step", "thread.message"):
            return False
        made = any(name in body for name in ("embeddings", "embedding", "results"))
        made = self.wrote_any({key: value for key, value in body.items() if key not in ("input", "prompt", "urls", "logs")}) or made
        self.content = self.content or made
        return made

    def _named(self, nodes: list[Any]) -> None:
        """
        Counts that stand beside the text, summed over results (watsonx batches, Titan).
        """
        sums: dict[str, int] = {}
        for node in nodes:
            if type(node) is dict:
                for name in (*_INPUT, *_OUTPUT, "tokenCount"):
                    if name in node and (number := count(node[name])) is not None:
                        sums[name] = sums.get(name, 0) + number
        if sums:
            self.stated["named"] = {**part(self.stated, "named"), **sums}

    def usage(self) -> Usage:
        read = Usage()
        for place in (".".join(place) for place in _PLACES):
            if (stated := part(self.stated, place)) and not read.said:
                read = self._spelled(stated, read_usage(stated, self.call, self.billed_model))
        return self._spelled(part(self.stated, "named"), read)

    def _spelled(self, stated: dict[str, Any], read: Usage) -> Usage:
        if read.uncached_input_tokens is None:
            read = replace(read, uncached_input_tokens=first(stated, _INPUT))
        if read.text_output_tokens is None:
            read = replace(read, text_output_tokens=first(stated, (*_OUTPUT, "tokenCount")))
        if read.seconds is None:
            read = replace(read, seconds=amount(stated.get("predict_time")))
        if read.requests is None:
            read = replace(read, requests=count(stated.get("pages_processed")))
        if read.provider_cost_usd is None:
            read = replace(read, provider_cost_usd=stated_cost(stated, self.call))
        return read


class RunReading(OtherReading):
    """
    `openai-assistants`: the bill is the run's, told again by its steps.
    """

    __slots__ = ()

    def observe(self, frame: Frame) -> bool:
        body = frame.json
        if type(body) is dict and body.get("object") == "thread.run.step":
            return False
        return super().observe(frame)


class SniffingReading(Reading):
    """
    A call whose dialect the request does not tell: `bedrock-invoke`, `vertex-rawpredict`, self-hosted and unknown ones.

    The first frame of a known form decides; until then frames are read as `OtherReading` does. What Bedrock adds
    (`amazon-bedrock-invocationMetrics`) fills what the model does not say.
    """

    __slots__ = ("_reader", "_sure")

    def __init__(self, call: Any, requested: str | None) -> None:
        super().__init__(call, requested)
        self._reader: Reading = OtherReading(call, requested)
        self._sure = False

    def observe(self, frame: Frame) -> bool:
        if frame.event is not None and frame.event.endswith(("Exception", "exception")):
            self._reader.error_type = frame.event  # an AWS event stream ends so
            return False
        if not self._sure and frame.data and (kind := _sniff(frame.json)) is not None:
            self._sure = True
            self._reader = kind(self.call, self.requested)
        found = self._reader.observe(frame)
        body = frame.json if frame.data else None
        if type(body) is dict and (metrics := part(body, METRICS)):
            self._reader.stated[METRICS] = metrics
            self._reader.final = self._reader.finished = self._reader.ended = True
        return found

    @property
    def reader(self) -> Reading:
        return self._reader

    def usage(self) -> Usage:
        read = self._reader.usage()
        metrics = part(self._reader.stated, METRICS)
        return fill(read, read_bedrock(metrics)) if metrics else read


def fill(read: Usage, second: Usage) -> Usage:
    """
    The second source for the side (input, output) of which the first says nothing.
    """
    if read.input_tokens is None:
        read = replace(
            read,
            uncached_input_tokens=second.uncached_input_tokens,
            cache_read_tokens=second.cache_read_tokens,
            cache_write_5m_tokens=second.cache_write_5m_tokens,
            cache_write_1h_tokens=second.cache_write_1h_tokens,
        )
    if read.output_tokens is None:
        read = replace(read, text_output_tokens=second.text_output_tokens)
    return read


_MESSAGES = frozenset(
    ("message_start", "message_delta", "message_stop", "content_block_start", "content_block_delta", "content_block_stop", "ping")
)


def _sniff(body: Any) -> type[Reading] | None:
    """
    The reader for a body of this form; `None` where the form decides nothing.
    """
    if type(body) is list and body:
        body = body[0]
    if type(body) is not dict:
        return None
    kind = body.get("type")
    if kind in _MESSAGES if type(kind) is str else False:
        return MessagesReading
    if kind == "message" or ("completion" in body and "stop_reason" in body):
        return MessagesReading
    if (type(kind) is str and kind.startswith("response.")) or body.get("object") in ("response", "response.compaction"):
        return ResponsesReading
    if "candidates" in body or "usageMetadata" in body or "promptFeedback" in body:
        return GeminiReading
    if any(name in body for name in ("messageStart", "contentBlockDelta", "messageStop", "stopReason")):
        return ConverseReading
    if "billed_units" in part(body, "usage", "meta") or kind in ("message-start", "content-start") or "event_type" in body:
        return CohereReading
    if type(body.get("choices")) is list or body.get("object") == "list":
        return ChatReading
    return OllamaReading if "done" in body and ("message" in body or "response" in body) else None
