"""
What one answer cost in tokens and units: from frames to exact usage, whatever the dialect.

    Meter(call, prompt)  ->  observe(frame) for each frame  ->  finish(status, headers, complete)

A reader per dialect family notes what the provider states (`usage_*.py`); here it is decided what that is worth. Stated numbers of a whole
answer are the provider's; of a broken one they are partial; where none were stated but content passed, the bytes are counted and the
numbers marked as estimated; else nobody knows, which is never written as 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from excise.exchange import Call, Prompt
from excise.wire.estimate import estimate_input_tokens, estimate_output_tokens
from excise.wire.frame import Frame
from excise.wire.usage import Usage, UsageSource
from excise.wire.usage_anthropic import MessagesReading
from excise.wire.usage_bedrock import AgentReading, ConverseReading
from excise.wire.usage_chat import ChatReading, VectorReading
from excise.wire.usage_cohere import CohereReading
from excise.wire.usage_gemini import GeminiReading, InteractionsReading
from excise.wire.usage_headers import error_in_headers, read_headers, wanted_headers
from excise.wire.usage_media import MediaReading, characters_of
from excise.wire.usage_ollama import OllamaReading
from excise.wire.usage_others import RunReading, SniffingReading, fill
from excise.wire.usage_reading import Reading
from excise.wire.usage_responses import ResponsesReading
from excise.wire.usage_tail import KEPT_BYTES, usage_at_end
from excise.wire.usage_values import count_of_text, numbers_only

_READERS: dict[str, type[Reading]] = {
    "openai-chat": ChatReading,
    "openai-completions": ChatReading,
    "openai-embeddings": VectorReading,
    "openai-responses": ResponsesReading,
    "openai-images": MediaReading,
    "openai-audio": MediaReading,
    "openai-videos": MediaReading,
    "openai-assistants": RunReading,
    "mistral-fim": ChatReading,
    "writer": ChatReading,
    "watsonx-chat": ChatReading,
    "copilot": ChatReading,
    "voyage": VectorReading,
    "jina": VectorReading,
    "anthropic-messages": MessagesReading,
    "anthropic-vertex": MessagesReading,
    "anthropic-complete": MessagesReading,
    "gemini": GeminiReading,
    "gemini-interactions": InteractionsReading,
    "vertex-predict": MediaReading,
    "bedrock-converse": ConverseReading,
    "bedrock-agent": AgentReading,
    "cohere": CohereReading,
    "cohere-v1": CohereReading,
    "cohere-v2": CohereReading,
    "ollama": OllamaReading,
    "deepgram": MediaReading,
    "elevenlabs": MediaReading,
    "xai-audio": MediaReading,
    "native-media": MediaReading,
    "fireworks-image": MediaReading,
}

# First bytes of comments and blank lines between events.
_NO_CONTENT = (b"", b":", b"\r", b"\n", b" ")

# Nothing is generated here, whatever the dialect; only input is to be known.
_INPUT_ONLY = frozenset(("embeddings", "rerank", "embed", "classify"))
# Free, or a second look at what was billed when it was made: counting it here would count it twice.
_NOT_BILLED_HERE = frozenset(
    ("stored_chat", "batches", "caches", "count_tokens", "tokenize", "moderation", "models", "files", "uploads", "operations", "generation")
)

# Finish reasons that mean the answer failed, though the protocol ended well. Lower case.
_BROKEN_REASONS_NAMES = """
    error failed model_length insufficient_system_resource network_error malformed_function_call unexpected_tool_call
    malformed_response too_many_tool_calls missing_thought_signature other malformed_model_output malformed_tool_use timeout
    error_toxic cancelled
"""
_BROKEN_REASONS = frozenset(_BROKEN_REASONS_NAMES.split())


@dataclass(frozen=True, slots=True)
class Metering:
    """
    What is known of one answer when it has ended.

    Attributes:
        usage: Disjoint parts; `None` where nobody said.
        source: What the numbers are worth.
        raw: The provider's usage objects by the place they stood in (`usage`, `message_start`, `headers`, …): numbers and
            enumeration words only.
        model: The model that served, as the answer names it.
        response_id: The answer's id.
        finish_reasons: Native values, one per choice.
        service_tier: As the answer states it; the one that is billed.
        error_type: Type or code of an error body, or of an error inside a 200 or a stream. Never its message.
        broken_reason: Why the answer is not whole: `cut` (the connection ended it), `no_end` (the stream stopped without its last event),
            `error`, or a native finish reason that means failure. `None`: whole.
        extras: What is billed beside `usage`, as (model, usage): Anthropic's advisors, reasoning that Vercel's gateway charges twice.
    """

    usage: Usage
    source: UsageSource
    raw: dict[str, Any] | None
    model: str | None
    response_id: str | None
    finish_reasons: tuple[str, ...]
    service_tier: str | None
    error_type: str | None
    broken_reason: str | None
    extras: tuple[tuple[str, Usage], ...] = ()


class Meter:
    """
    Reads one answer. Nothing a provider sends makes it raise.

    Args:
        call: Provider, operation and dialect.
        prompt: The request; measured only if an estimate is needed.
    """

    __slots__ = ("_call", "_prompt", "_reader", "_tail")

    def __init__(self, call: Call, prompt: Prompt | None) -> None:
        self._call = call
        self._prompt = prompt
        self._tail = b""  # of a document too large to be read
        requested = (prompt.model if prompt is not None else None) or call.model
        self._reader = _READERS.get(call.dialect, SniffingReading)(call, requested)

    def observe(self, frame: Frame) -> bool:
        """
        Read one frame, in order. True where it carries content of the model, for the time to the first token.
        """
        if frame.data is None and frame.raw[:1] not in _NO_CONTENT:
            self._tail = (self._tail + frame.raw)[-KEPT_BYTES:]
        return self._reader.observe(frame)

    @property
    def usage(self) -> Usage:
        """
        What has been stated so far.
        """
        return self._reader.reader.usage()

    @property
    def error_type(self) -> str | None:
        """
        Of an error the provider has told so far.
        """
        return self._reader.reader.error_type

    @property
    def service_tier(self) -> str | None:
        return self._reader.reader.service_tier

    def finish(self, *, status: int, headers: Sequence[tuple[bytes, bytes]], complete: bool) -> Metering:
        """
        Conclude, once the answer has ended.

        Args:
            status: HTTP status of the answer.
            headers: Of the answer.
            complete: The transport says that the body is whole (length reached, last chunk seen, decoder not broken).
        """
        found = wanted_headers(headers)
        if self._tail and not self._reader.reader.stated and (last := usage_at_end(self._tail)):
            self._reader.observe(Frame(b"", None, b'{"object": "list", "data": [], "embeddings": [], ' + last + b"}"))
        reader, stated = self._reader.reader, self._reader.usage()
        failed = status >= 400 or status < 200
        error_type = reader.error_type or (error_in_headers(found) if failed else None)
        broken = None if failed else self._broken(reader, complete)
        usage, source = Usage(), UsageSource.UNKNOWN
        if self._call.billable and self._call.operation not in _NOT_BILLED_HERE and not (failed and not stated.said):
            usage, source = self._weigh(reader, stated, found, broken, failed)
        raw = {**reader.stated}
        if numbers := {name: number for name, text in found.items() if (number := count_of_text(text)) is not None}:
            raw["headers"] = numbers
        return Metering(
            usage=usage,
            source=source,
            raw=numbers_only(raw) if raw and self._call.billable else None,
            model=reader.model,
            response_id=reader.response_id,
            finish_reasons=tuple(reader.finish.values()),
            service_tier=reader.service_tier,
            error_type=error_type,
            broken_reason=broken,
            extras=self._extras(reader, usage) if source is not UsageSource.UNKNOWN else (),
        )

    def _extras(self, reader: Reading, usage: Usage) -> tuple[tuple[str, Usage], ...]:
        if isinstance(reader, MessagesReading):
            return reader.extras()
        stated, model = reader.stated.get("usage"), reader.model
        if self._call.provider != "vercel-gateway" or model is None or not isinstance(stated, dict):
            return ()
        if usage.reasoning_tokens and stated.get("completion_tokens") == usage.output_tokens:
            # The gateway's own bills charge reasoning beside the completion, also where the completion includes it (stated costs, 2026-11).
            return ((model, Usage(uncached_input_tokens=0, text_output_tokens=0, reasoning_tokens=usage.reasoning_tokens)),)
        return ()

    def _broken(self, reader: Reading, complete: bool) -> str | None:
        if reader.error_type is not None:
            return "error"
        if not complete and not reader.ended:
            return "cut"
        if not reader.finished and reader.expects_end and reader.content:
            return "no_end"
        return next((reason.lower() for reason in reader.finish.values() if reason.lower() in _BROKEN_REASONS), None)

    def _weigh(self, reader: Reading, stated: Usage, found: dict[str, str], broken: str | None, failed: bool) -> tuple[Usage, UsageSource]:
        """
        The usage and what it is worth, from what was stated in the body, in headers, and what passed.
        """
        usage = _with_headers(stated, read_headers(found), reader) if found else stated
        if self._call.operation == "speech" and usage.input_tokens is None and usage.characters is None and reader.content:
            usage = replace(usage, characters=characters_of(self._prompt.json if self._prompt is not None else None))
            return usage, UsageSource.ESTIMATED if usage.said else UsageSource.UNKNOWN
        if not usage.said:
            return self._estimate(reader) if reader.content else (Usage(), UsageSource.UNKNOWN)
        partial = broken in ("cut", "no_end", "error") and not (broken == "error" and reader.final)
        if not failed:
            filled = self._fill(reader, usage, partial)
            partial = partial or filled is not usage
            usage = filled
        return usage, UsageSource.PARTIAL if partial else UsageSource.PROVIDER

    def _fill(self, reader: Reading, usage: Usage, partial: bool) -> Usage:
        """
        Estimates for the sides (input, output) a provider left out, or had not finished counting when the answer broke off.
        """
        if not self._generates(reader) or not reader.content:
            return usage
        if usage.input_tokens is None:
            usage = replace(usage, uncached_input_tokens=self._input(reader))
        made = usage.output_tokens
        if made is None or (partial and not reader.final and "message_start" in reader.stated):
            # Anthropic's first event counts a token or two of an answer that has yet to come.
            text = max(made or 0, self._output(reader) or 0)
            usage = replace(usage, text_output_tokens=text - (usage.reasoning_tokens or 0)) if text else usage
        return usage

    def _estimate(self, reader: Reading) -> tuple[Usage, UsageSource]:
        if not reader.generates and self._call.operation not in _INPUT_ONLY:
            return Usage(), UsageSource.UNKNOWN
        usage = Usage(
            uncached_input_tokens=self._input(reader), text_output_tokens=self._output(reader) if self._generates(reader) else None
        )
        return usage, UsageSource.ESTIMATED if usage.said else UsageSource.UNKNOWN

    def _generates(self, reader: Reading) -> bool:
        return reader.generates and self._call.operation not in _INPUT_ONLY

    def _input(self, reader: Reading) -> int | None:
        return estimate_input_tokens(self._prompt, reader.billed_model)

    def _output(self, reader: Reading) -> int | None:
        return estimate_output_tokens(reader.plain, reader.wide, reader.billed_model) or None


def _with_headers(stated: Usage, told: Usage, reader: Reading) -> Usage:
    """
    Headers fill the sides the body does not state; a body that broke off may have stated less, never other things.
    """
    usage = fill(stated, told)
    if usage.characters is None and usage.input_tokens is None:
        usage = replace(usage, characters=told.characters)
    if usage.provider_cost_usd is None and told.provider_cost_usd is not None:
        usage = replace(usage, provider_cost_usd=told.provider_cost_usd)
    return usage
