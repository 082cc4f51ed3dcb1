"""
Usage of Google's generateContent, on the Gemini API and on Vertex, and of the Interactions API.

- `promptTokenCount` holds the cached tokens; `candidatesTokenCount` excludes thoughts; `toolUsePromptTokenCount` stands apart and is billed
  as input: total = prompt + candidates + thoughts + toolUse.
- In a stream the last `usageMetadata` wins as a whole: counts go up and down between chunks, and thoughts come and go.
- Modalities may be names or integers (1 text, 2 image, 3 video, 4 audio, 5 document); video and documents are priced as text.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from excise.wire.frame import Frame
from excise.wire.usage import Usage
from excise.wire.usage_reading import Reading
from excise.wire.usage_values import count, first, fit, items, name_of, part

_MODALITIES = {1: "TEXT", 2: "IMAGE", 3: "VIDEO", 4: "AUDIO", 5: "DOCUMENT"}
_FINISH = {1: "STOP", 2: "MAX_TOKENS", 3: "SAFETY", 4: "RECITATION", 5: "OTHER"}  # above 5 the two APIs number differently
_TRAFFIC = {1: "ON_DEMAND", 2: "PROVISIONED_THROUGHPUT"}


def modality(details: Any, wanted: str, number: str = "tokenCount") -> int | None:
    """
    Tokens of one modality in a list of `{modality, tokenCount}`; `None` where it is not named.
    """
    found = None
    for entry in items(details):
        if type(entry) is dict:
            kind = entry.get("modality")
            name = _MODALITIES.get(kind) if type(kind) is int else kind
            if type(name) is str and name.upper() == wanted:
                found = (found or 0) + (count(entry.get(number)) or 0)
    return found


def read_usage(meta: dict[str, Any]) -> Usage:
    """
    Disjoint parts of a `usageMetadata`.
    """
    prompt, total = count(meta.get("promptTokenCount")), count(meta.get("totalTokenCount"))
    made = first(meta, ("candidatesTokenCount", "responseTokenCount"))
    thoughts, tool = count(meta.get("thoughtsTokenCount")), count(meta.get("toolUsePromptTokenCount"))
    if prompt is not None and total is not None:
        rest = max(0, total - prompt - (tool or 0))
        if made is None:
            made = max(0, rest - (thoughts or 0))  # left out where nothing was made
        elif thoughts is None and rest > made:
            thoughts = rest - made
    details, cached = meta.get("promptTokensDetails") or meta.get("promptTokenDetails"), meta.get("cacheTokensDetails")
    read = count(meta.get("cachedContentTokenCount"))
    audio = _less(modality(details, "AUDIO"), modality(cached, "AUDIO"))
    image = _less(modality(details, "IMAGE"), modality(cached, "IMAGE"))
    uncached, read, audio, image = fit(prompt, read, audio, image)
    out = meta.get("candidatesTokensDetails") or meta.get("responseTokensDetails")
    text, audio_out, image_out = fit(made, modality(out, "AUDIO"), modality(out, "IMAGE"))
    return Usage(
        uncached_input_tokens=uncached,
        cache_read_tokens=read,
        audio_input_tokens=audio,
        image_input_tokens=image,
        tool_input_tokens=tool,
        text_output_tokens=text,
        reasoning_tokens=thoughts,
        audio_output_tokens=audio_out,
        image_output_tokens=image_out,
    )


def read_interaction(usage: dict[str, Any]) -> Usage:
    """
    Disjoint parts of an interaction's usage: the same counts under other names.
    """
    given, cached = usage.get("input_tokens_by_modality"), usage.get("cached_tokens_by_modality")
    audio = _less(modality(given, "AUDIO", "tokens"), modality(cached, "AUDIO", "tokens"))
    image = _less(modality(given, "IMAGE", "tokens"), modality(cached, "IMAGE", "tokens"))
    read = count(usage.get("total_cached_tokens"))
    uncached, read, audio, image = fit(count(usage.get("total_input_tokens")), read, audio, image)
    out = usage.get("output_tokens_by_modality")
    made = count(usage.get("total_output_tokens"))
    text, audio_out, image_out = fit(made, modality(out, "AUDIO", "tokens"), modality(out, "IMAGE", "tokens"))
    return Usage(
        uncached_input_tokens=uncached,
        cache_read_tokens=read,
        audio_input_tokens=audio,
        image_input_tokens=image,
        tool_input_tokens=count(usage.get("total_tool_use_tokens")),
        text_output_tokens=text,
        reasoning_tokens=count(usage.get("total_thought_tokens")),
        audio_output_tokens=audio_out,
        image_output_tokens=image_out,
    )


def _less(whole: int | None, cached: int | None) -> int | None:
    return None if whole is None else max(0, whole - (cached or 0))


class GeminiReading(Reading):
    """
    `gemini`: generateContent, streamed or not, embeddings.
    """

    __slots__ = ("_searches",)

    def __init__(self, call: Any, requested: str | None) -> None:
        super().__init__(call, requested)
        self._searches: int | None = None

    def observe(self, frame: Frame) -> bool:
        if not frame.data:
            return False
        body = frame.json
        if type(body) is list:  # a JSON array given as one document
            parts = [self._chunk(chunk) for chunk in body if type(chunk) is dict]
            return any(parts) or (self.failed_with(body) and False)
        if type(body) is not dict:
            return self.cut_document(frame)
        return self._chunk(body)

    def _chunk(self, body: dict[str, Any]) -> bool:
        if type(inner := body.get("response")) is dict and "candidates" not in body:  # Code Assist wraps it
            body = inner
        found = False
        for candidate in items(body.get("candidates")):
            if type(candidate) is dict:
                found = self._candidate(candidate) or found
        if meta := part(body, "usageMetadata"):
            self.stated["usageMetadata"] = meta
            # No end marker follows: the chunk that finishes and counts is the end.
            self.final = self.ended = self.finished
            traffic = meta.get("trafficType")
            name = _TRAFFIC.get(traffic) if type(traffic) is int else name_of(traffic)
            self.service_tier = name_of(meta.get("serviceTier")) or name
        if self.model is None:
            self.head({"model": body.get("modelVersion"), "id": body.get("responseId")})
        if blocked := part(body, "promptFeedback").get("blockReason"):
            self.ends_with(blocked)
            self.final = self.finished
        if "embedding" in body or "embeddings" in body or "predictions" in body:
            found = self.content = self.finished = self.final = True
        if not found and "error" in body:
            self.failed_with(body)
        return found

    def _candidate(self, candidate: dict[str, Any]) -> bool:
        found = False
        for piece in items(part(candidate, "content").get("parts")):
            if type(piece) is not dict:
                continue
            if "text" in piece:
                found = self.wrote(piece["text"]) or found
            elif piece.keys() - {"thoughtSignature", "thought"}:
                self.wrote_any(list(piece.values()))
                found = self.content = True
        reason = candidate.get("finishReason")
        if reason:
            self.ends_with(_FINISH.get(reason, reason) if type(reason) is int else reason, candidate.get("index"))
        if queries := items(part(candidate, "groundingMetadata").get("webSearchQueries")):
            self._searches = max(self._searches or 0, len(queries))
        return found

    def usage(self) -> Usage:
        meta = part(self.stated, "usageMetadata")
        if self.call.operation == "caches" or not meta:
            return Usage()
        usage = read_usage(meta)
        return usage if self._searches is None else replace(usage, searches=self._searches)


class InteractionsReading(Reading):
    """
    `gemini-interactions`: a document, or events that end in `interaction.completed`.
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
        kind = body.get("event_type") or frame.event
        if type(interaction := body.get("interaction")) is dict:
            self._interaction(interaction, whole=kind != "interaction.created")
            return False
        if kind is None and ("steps" in body or "outputs" in body or body.get("object") == "interaction"):
            self._interaction(body, whole=True)
            made = items(body.get("steps")) or items(body.get("outputs"))
            found = self.wrote_any(made)
            self.content = self.content or found
            return found
        if kind in ("step.delta", "content.delta"):
            found = self.wrote_any([body.get("delta")])
            self.content = self.content or "delta" in body
            return found or "delta" in body
        self.failed_with(body)
        return False

    def _interaction(self, body: dict[str, Any], *, whole: bool) -> None:
        self.head(body)
        if whole:
            if (status := body.get("status")) not in (None, "in_progress"):
                self.ends_with(status)
            if usage := part(body, "usage"):
                self.stated["usage"] = usage
                self.final = True

    def usage(self) -> Usage:
        usage = part(self.stated, "usage")
        return read_interaction(usage) if usage else Usage()
