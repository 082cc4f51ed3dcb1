"""
Recorded answers of real providers, metered whole and cut, against an oracle that reads the provider's own usage object by plain rules.
"""

from __future__ import annotations

import random
from dataclasses import fields
from typing import Any

import pytest

from excise.exchange import Call, Prompt
from excise.wire.answer import AnswerDecoder
from excise.wire.frame import Frame
from excise.wire.meter import Meter, Metering
from excise.wire.usage import UsageSource
from recordings import header, headers, records, request_body, require_recordings, response_body, response_encoding

# What the catalogue marks as not billable: lists, files, counts, and second looks at what was billed when it was made.
FREE = {
    *("models", "files", "uploads", "count_tokens", "tokenize", "moderation", "stored_chat", "batches", "caches", "containers"),
    *("conversations", "finetuning", "assistants", "vector_stores", "realtime_token", "file_search_stores", "guardrail"),
}

# Records whose numbers are right though the oracle, which reads `usage_raw`, says otherwise: id -> why.
EXCEPTIONS = {
    "ollama-completions-771fd71c5f": "states no prompt_eval_count: input is estimated, so the source is partial",
    "openai-chat-674907a429": "made by hand: 3 reasoning and 4 audio tokens of 4; the parts are cut to the total",
}

# Sound that went in, text that came out, nothing stated: no bytes we see tell its seconds.
UNCOUNTABLE = {"transcription"}


def call_of(meta: dict[str, Any]) -> Call:
    operation = meta["operation"]
    return Call(
        provider=meta["provider"],
        operation=operation,
        dialect=meta["protocol"],
        model_at="body",
        model=meta["model"],
        billable=operation not in FREE,
    )


def prompt_of(record: dict[str, Any]) -> Prompt:
    body = request_body(record)
    return Prompt(body=body, json=Frame(body, None, body).json, model=record["meta"]["model"], stream=bool(record["meta"]["stream"]))


def metered(record: dict[str, Any], pieces: list[bytes]) -> tuple[Metering, bool]:
    """
    The metering of one record, and whether any frame was said to carry content.
    """
    meta, response = record["meta"], record["response"]
    decoder = AnswerDecoder(
        content_type=header(response, "content-type"),
        content_encoding=response_encoding(record),
        dialect=meta["protocol"],
        operation=meta["operation"],
        limit=64 << 20,
    )
    meter = Meter(call_of(meta), prompt_of(record))
    frames = [frame for piece in pieces for frame in decoder.feed(piece)] + decoder.close()
    content = [meter.observe(frame) for frame in frames]
    return meter.finish(status=response["status"], headers=headers(response), complete=not decoder.broken), any(content)


def cut_at_random(body: bytes, seed: str) -> list[bytes]:
    sizes = random.Random(seed)
    pieces, at = [], 0
    while at < len(body):
        size = sizes.choice((1, 3, 17, 64, 700, 4096))
        pieces.append(body[at : at + size])
        at += size
    return pieces


# --- the oracle: the rules of the wire, as plainly as they can be written -------------------------------------------------------------


def truth(meta: dict[str, Any]) -> dict[str, Any] | None:
    """
    What the usage object says: input, output, cache_read, cache_write, reasoning. Missing key: it does not say. `None`: no usage of ours.
    """
    raw = meta["usage_raw"]
    if not raw or meta["operation"] in FREE:
        return None
    if "message_start" in raw:
        return anthropic({**raw["message_start"], **raw["message_delta"]})
    if "usageMetadata" in raw:
        return gemini(raw["usageMetadata"])
    if "ollama" in raw:
        return stated(input=raw["ollama"].get("prompt_eval_count"), output=raw["ollama"].get("eval_count"))
    if "metrics" in raw:
        return stated(seconds=raw["metrics"]["predict_time"])
    if "metadata" in raw:
        return stated(characters=raw["metadata"]["billableCharacterCount"])
    for place in ("usage", "meta", "delta.usage", "response.meta"):
        if "billed_units" in raw.get(place, {}):
            return cohere(raw[place]["billed_units"])
    if "usage" in raw and "inputTokens" in raw["usage"]:
        return converse(raw["usage"])
    if "usage" in raw and "total_input_tokens" in raw["usage"]:
        return interactions(raw["usage"])
    if "usage" in raw and "input_tokens" in raw["usage"] and "total_tokens" not in raw["usage"]:
        return anthropic(raw["usage"])
    for place in ("usage", "x_groq.usage", "response.completed", "response.incomplete", "response.failed"):
        if place in raw:
            return openai(raw[place], meta)
    if "amazon-bedrock-invocationMetrics" in raw:
        metrics = raw["amazon-bedrock-invocationMetrics"]
        return stated(input=metrics["inputTokenCount"], output=metrics["outputTokenCount"])
    if "headers" in raw:
        number = raw["headers"].get
        return stated(
            input=int(number("x-amzn-bedrock-input-token-count")), output=int(number("x-amzn-bedrock-output-token-count", 0)) or None
        )
    raise AssertionError(f"no rule for {sorted(raw)}")


def stated(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def anthropic(u: dict[str, Any]) -> dict[str, Any]:
    read, write = u.get("cache_read_input_tokens"), u.get("cache_creation_input_tokens")
    extra = [i for i in u.get("iterations", ()) if i["type"] == "compaction"]
    given = sum(
        x["input_tokens"] + (x.get("cache_read_input_tokens") or 0) + (x.get("cache_creation_input_tokens") or 0) for x in [u, *extra]
    )
    return stated(
        input=given,
        output=sum(x["output_tokens"] for x in [u, *extra]),
        cache_read=read,
        cache_write=write,
        reasoning=u.get("output_tokens_details", {}).get("thinking_tokens"),
        searches=u.get("server_tool_use", {}).get("web_search_requests"),
    )


def gemini(u: dict[str, Any]) -> dict[str, Any]:
    prompt, total = u["promptTokenCount"], u.get("totalTokenCount")
    tool = u.get("toolUsePromptTokenCount", 0)
    return stated(
        input=prompt + tool,
        output=None if total is None or total == prompt == 0 else total - prompt - tool,
        cache_read=u.get("cachedContentTokenCount"),
        reasoning=u.get("thoughtsTokenCount"),
    )


def interactions(u: dict[str, Any]) -> dict[str, Any]:
    return stated(
        input=u["total_input_tokens"] + u["total_tool_use_tokens"],
        output=u["total_output_tokens"] + u["total_thought_tokens"],
        cache_read=u["total_cached_tokens"],
        reasoning=u["total_thought_tokens"],
    )


def converse(u: dict[str, Any]) -> dict[str, Any]:
    read = u.get("cacheReadInputTokens", u.get("cacheReadInputTokenCount"))
    write = u.get("cacheWriteInputTokens", u.get("cacheWriteInputTokenCount"))
    assert u["totalTokens"] == u["inputTokens"] + u["outputTokens"] + (read or 0) + (write or 0)
    return stated(input=u["totalTokens"] - u["outputTokens"], output=u["outputTokens"], cache_read=read, cache_write=write)


def cohere(billed: dict[str, Any]) -> dict[str, Any]:
    tokens = billed.get("input_tokens")
    return stated(
        input=None if tokens is None else tokens + billed.get("image_tokens", 0),
        output=billed.get("output_tokens"),
        searches=billed.get("search_units"),
    )


def openai(u: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any]:
    prompt, completion = u.get("prompt_tokens", u.get("input_tokens")), u.get("completion_tokens", u.get("output_tokens"))
    total = u.get("total_tokens")
    given = (u.get("prompt_tokens_details") or u.get("prompt_token_details") or u.get("input_tokens_details") or {}).get
    made = (u.get("completion_tokens_details") or u.get("completion_token_details") or u.get("output_tokens_details") or {}).get
    if prompt is None:
        prompt = total
    read = max((v for v in (given("cached_tokens"), u.get("cached_tokens"), u.get("num_cached_tokens")) if v is not None), default=None)
    if read is None:
        read = u.get("cache_read_input_tokens")
    write = given("cache_write_tokens", u.get("cache_creation_input_tokens"))
    reasoning = made("reasoning_tokens")
    if meta["provider"] == "azure" and "grok" in meta["model"]:
        prompt += read  # exclusive
    if meta["provider"] == "mistral" and given("audio_tokens"):
        prompt += given("audio_tokens")
        assert prompt + completion == total
    if (meta["provider"] == "xai" and meta["operation"] == "chat") or (meta["provider"] == "vercel-gateway" and reasoning > completion):
        completion += reasoning or 0
    if meta["provider"] == "gemini" and total > prompt + completion:
        reasoning = total - prompt - completion
        completion += reasoning
    cost = u.get("cost")
    if isinstance(cost, dict):
        cost = cost["total_cost"]
    if u.get("is_byok"):
        cost = u["cost_details"]["upstream_inference_cost"]
    if cost is None and "cost_in_usd_ticks" in u and meta["provider"] == "xai":
        cost = u["cost_in_usd_ticks"] / 1e10
    return stated(
        input=prompt,
        output=completion,
        cache_read=read,
        cache_write=write,
        reasoning=reasoning,
        audio_input=given("audio_tokens"),
        audio_output=made("audio_tokens"),
        image_output=made("image_tokens"),
        seconds=u.get("seconds", u.get("prompt_audio_seconds")),
        cost=cost,
    )


def told(metering: Metering) -> dict[str, Any]:
    """
    The same facts as metered.
    """
    u = metering.usage
    return {
        "input": u.input_tokens,
        "output": u.output_tokens,
        "cache_read": u.cache_read_tokens,
        "cache_write": u.cache_write_tokens,
        "reasoning": u.reasoning_tokens,
        "searches": u.searches,
        "characters": u.characters,
        "audio_input": u.audio_input_tokens,
        "audio_output": u.audio_output_tokens,
        "image_output": u.image_output_tokens,
        "seconds": None if u.seconds is None else float(u.seconds),
        "cost": None if u.provider_cost_usd is None else float(u.provider_cost_usd),
    }


# --- the proofs -----------------------------------------------------------------------------------------------------------------------


@require_recordings
def test_metered_usage_is_what_the_provider_reported():
    """
    For every recorded answer with usage, each number the provider states is metered exactly, and called the provider's.
    """
    counted, wrong = 0, {}
    for record in records():
        expected = truth(record["meta"])
        if expected is None:
            continue
        counted += 1
        metering, _ = metered(record, [response_body(record)])
        got = told(metering)
        off = {name: (value, got[name]) for name, value in expected.items() if got[name] != value}
        if metering.source is not UsageSource.PROVIDER:
            off["source"] = ("provider", metering.source.value)
        if off:
            wrong[record["id"]] = off

    assert {name: off for name, off in wrong.items() if name not in EXCEPTIONS} == {}
    assert wrong.keys() == EXCEPTIONS.keys()
    assert counted > 600
    assert len(wrong) <= counted * 0.005


@require_recordings
def test_every_number_the_provider_reported_is_kept():
    """
    The raw usage holds each reported number, so that a row can be priced again by other rules.
    """
    for record in records():
        if truth(record["meta"]) is None:
            continue
        metering, _ = metered(record, [response_body(record)])
        assert numbers(record["meta"]["usage_raw"]) <= numbers(metering.raw), record["id"]


def numbers(value: Any, name: str = "") -> set[tuple[str, float]]:
    """
    (last name, number) of all reported numbers, wherever they stand; headers, which are text, apart.
    """
    if isinstance(value, dict):
        return {pair for key, item in value.items() if key != "headers" for pair in numbers(item, key)}
    if isinstance(value, list):
        return {pair for item in value for pair in numbers(item, name)}
    return {(name, value)} if isinstance(value, int | float) and not isinstance(value, bool) else set()


@require_recordings
def test_where_the_network_cuts_does_not_matter():
    """
    Cut at random sizes, every recording meters as it does whole.
    """
    for record in records():
        body = response_body(record)
        assert metered(record, cut_at_random(body, record["id"])) == metered(record, [body]), record["id"]


@require_recordings
def test_a_billed_answer_is_never_silently_zero():
    """
    A successful billable answer with content is metered from what was stated or estimated; only what cannot be counted is unknown.
    """
    unknown = []
    for record in records():
        meta = record["meta"]
        metering, content = metered(record, [response_body(record)])
        billed = record["response"]["status"] < 300 and call_of(meta).billable and meta["operation"] not in UNCOUNTABLE
        if billed and content and metering.source is UsageSource.UNKNOWN:
            unknown.append(record["id"])

    assert unknown == []


@require_recordings
def test_free_calls_and_refused_calls_are_not_billed():
    """
    Lists, counts, stored answers, and error answers without usage have no usage at all.
    """
    for record in records():
        metering, _ = metered(record, [response_body(record)])
        if record["meta"]["operation"] in FREE or (record["response"]["status"] >= 400 and not record["meta"]["usage_raw"]):
            assert (metering.usage.said, metering.source) == (False, UsageSource.UNKNOWN), record["id"]


@require_recordings
def test_an_answer_cut_short_is_never_called_whole():
    """
    A stream that lost its second half is partial, estimated or unknown, and says why.
    """
    for record in records():
        if record["meta"]["wire"] not in ("sse", "ndjson", "aws-eventstream", "json-array-stream") or record["response"]["status"] >= 400:
            continue
        if response_encoding(record) is not None or not call_of(record["meta"]).billable:
            continue
        meta = record["meta"]
        body = response_body(record)
        decoder = AnswerDecoder(
            content_type=header(record["response"], "content-type"),
            content_encoding=None,
            dialect=meta["protocol"],
            operation=meta["operation"],
            limit=64 << 20,
        )
        meter = Meter(call_of(meta), prompt_of(record))
        for frame in [*decoder.feed(body[: len(body) // 2]), *decoder.close()]:
            meter.observe(frame)
        metering = meter.finish(status=200, headers=headers(record["response"]), complete=False)
        if metering.source is UsageSource.PROVIDER:
            assert metering.broken_reason is None, record["id"]
            assert metering.finish_reasons, record["id"]


@require_recordings
@pytest.mark.parametrize("kind", ["http", "responses_only"])
def test_nothing_recorded_makes_the_meter_raise_or_say_a_negative(kind):
    """
    Odd and broken answers included, under their own dialect and under every other, the meter finishes and no number is below 0.
    """
    dialects = (
        "openai-chat",
        "openai-responses",
        "anthropic-messages",
        "gemini",
        "bedrock-converse",
        "bedrock-invoke",
        "cohere-v2",
        "ollama",
        "?",
    )
    for record in records(kind):
        meta = record["meta"]
        lines = response_body(record).splitlines() if kind == "responses_only" else [response_body(record)[:20_000]]
        for dialect in (meta["protocol"], *dialects):
            meter = Meter(Call(provider=meta["provider"], operation="chat", dialect=dialect, model_at="body"), None)
            for line in lines:
                meter.observe(Frame(line, None, line.removeprefix(b"data: ") or None))
            usage = meter.finish(status=200, headers=(), complete=True).usage
            assert all((getattr(usage, field.name) or 0) >= 0 for field in fields(usage)), record["id"]
