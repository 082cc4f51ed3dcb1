"""
How Gemini writes an answer: whole, as server-sent events, as one long JSON array.

Source: the Gemini API reference and recorded answers, read 2026-11.
"""

from __future__ import annotations

import json
from typing import Any

from excise.standin import models
from excise.standin.answers import Answer, ToolCall
from excise.standin.call import Bill, Reply, json_reply, sse
from excise.standin.gemini.errors import failure
from excise.standin.gemini.rules import MAKER, signed_text
from excise.standin.models import Model
from excise.standin.signing import sign

JSON = "application/json; charset=UTF-8"


class Writer:
    """
    Writes one answer. `provider` is who bills it: the Gemini API or Vertex.
    """

    def __init__(self, provider: str, body: dict[str, Any], model: Model, answer: Answer) -> None:
        self._provider = provider
        self._model = model
        self._answer = answer
        config = body.get("generationConfig", {})
        self._logprobs = config.get("logprobs", 0) if config.get("responseLogprobs") else None
        self._shows = bool(answer.thought and config.get("thinkingConfig", {}).get("includeThoughts") and not answer.secret)
        # Gemini 3 signs whatever it says; its elders sign calls they thought about.
        self._signs = "unsigned" in model.lacks
        self._shown = answer.output_tokens - answer.reasoning_tokens

    def whole(self) -> Reply:
        """
        The answer in one piece.
        """
        if self._answer.finish == "refusal":
            return json_reply(self._blocked(), self._bill(), (("vary", "Origin"),), JSON)
        parts = self._thoughts(self._answer.thoughts) if self._shows else []
        if self._answer.words or not self._answer.calls:
            parts.append(self._text(self._answer.text, last=not self._answer.calls))
        parts += self._calls()
        return json_reply(self._chunk(parts, self._shown, True, self._answer.words), self._bill(), (("vary", "Origin"),), JSON)

    def stream(self, events: bool) -> Reply:
        """
        The answer in pieces: server-sent events, or one JSON array.
        """
        chunks = self._chunks()
        error = failure(503)
        if events:
            pieces = tuple(sse(chunk, end="\r\n") for chunk in chunks)
            kind, broken = "text/event-stream", sse(error, end="\r\n")
        else:
            texts = [json.dumps(chunk, indent=2, ensure_ascii=False).encode("utf-8", "replace") for chunk in chunks]
            pieces = (b"[" + texts[0], *(b"\n,\n" + text for text in texts[1:]), b"\n]\n")
            kind, broken = JSON, b"\n,\n" + json.dumps(error, indent=2).encode() + b"\n]\n"
        return Reply(200, (("content-type", kind), ("vary", "Origin")), pieces, streamed=True, bill=self._bill(), broken=broken)

    def _chunks(self) -> list[dict[str, Any]]:
        answer = self._answer
        if answer.finish == "refusal":
            return [self._blocked()]
        chunks = [self._chunk(self._thoughts(word), 0, False) for word in answer.thought] if self._shows else []
        signed = self._signs and bool(answer.words) and not answer.calls
        last = len(answer.words) - 1
        for at, word in enumerate(answer.words):
            ends = at == last and not answer.calls and not signed
            chunks.append(self._chunk([{"text": word}], at + 1, ends, (word,)))
        if signed:  # the proof comes on a text of its own, which is empty
            chunks.append(self._chunk([self._text("", last=True)], self._shown, True))
        if answer.calls:
            chunks.append(self._chunk(self._calls(), self._shown, True))
        return chunks or [self._chunk([{"text": ""}], self._shown, True)]

    def _thoughts(self, text: str) -> list[dict[str, Any]]:
        return [{"text": text, "thought": True}]

    def _text(self, text: str, *, last: bool) -> dict[str, Any]:
        part: dict[str, Any] = {"text": text}
        return {**part, "thoughtSignature": sign(MAKER, "", self._answer.id)} if self._signs and last else part

    def _calls(self) -> list[dict[str, Any]]:
        return [self._call(call, first=not at) for at, call in enumerate(self._answer.calls)]

    def _call(self, call: ToolCall, *, first: bool) -> dict[str, Any]:
        named: dict[str, Any] = {"name": call.name, "args": call.arguments}
        if self._signs:
            named["id"] = call.id[:8]
        part: dict[str, Any] = {"functionCall": named}
        if first and (self._signs or self._answer.thought):
            part["thoughtSignature"] = sign(MAKER, signed_text(part), call.id)
        return part

    def _blocked(self) -> dict[str, Any]:
        """
        Where Gemini declines there is no text at all, only a reason.
        """
        chunk = self._chunk([], 0, True)
        del chunk["candidates"][0]["content"]
        return chunk

    def _chunk(self, parts: list[Any], shown: int, last: bool, words: tuple[str, ...] = ()) -> dict[str, Any]:
        answer = self._answer
        candidates = []
        for index in range(answer.count):
            candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}}
            if last:
                reasons = {"length": "MAX_TOKENS", "refusal": "SAFETY", "filter": "PROHIBITED_CONTENT"}
                candidate["finishReason"] = reasons.get(answer.finish, "STOP")
            if self._logprobs is not None and words:
                candidate |= _logprobs(words, self._logprobs)
            candidates.append({**candidate, "index": index})
        # candidatesTokenCount leaves thoughts out; a chunk in mid-stream counts what it has shown so far.
        usage: dict[str, Any] = {"promptTokenCount": answer.input_tokens, "candidatesTokenCount": shown}
        if answer.cached_tokens:
            usage["cachedContentTokenCount"] = answer.cached_tokens
        if answer.reasoning_tokens:
            usage["thoughtsTokenCount"] = answer.reasoning_tokens
        usage["totalTokenCount"] = answer.input_tokens + shown + answer.reasoning_tokens
        usage["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": answer.input_tokens}]
        if self._provider == "vertex":
            usage["trafficType"] = "ON_DEMAND"
        return {"candidates": candidates, "usageMetadata": usage, "modelVersion": self._model.served, "responseId": answer.id[:22]}

    def _bill(self) -> Bill:
        answer = self._answer
        return models.bill(
            self._provider,
            self._model,
            answer.input_tokens,
            answer.output_tokens,
            cached=answer.cached_tokens,
            reasoning=answer.reasoning_tokens,
        )


def _logprobs(words: tuple[str, ...], top: int) -> dict[str, Any]:
    chosen = [{"token": word, "logProbability": -0.25} for word in words]
    others = [{"candidates": [{"token": word, "logProbability": -0.25 - at} for at in range(max(top, 1))]} for word in words]
    return {"avgLogprobs": -0.25, "logprobsResult": {"chosenCandidates": chosen, "topCandidates": others}}
