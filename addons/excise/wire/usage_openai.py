"""
Usage in OpenAI's form, which most of the field speaks, with the habits of those who imitate it.

Rules, all counted in recordings:

- `prompt_tokens` holds the cached and cache-written tokens; `completion_tokens` holds reasoning, audio and rejected predictions.
- xAI chat, and gateways with Gemini behind them: reasoning stands beside the completion (total = p + c + r, or r > c).
- Google's OpenAI layer never names thinking: it is total - p - c.
- Grok on Azure: cached tokens (a hidden prompt) stand beside the prompt; anywhere else `cached > prompt` proves the same.
- Mistral: audio tokens stand beside the prompt (total = p + audio + c).
- DeepSeek: hit + miss = prompt. Together, Hugging Face: `cached_tokens` at top level. Databricks: Anthropic's cache names.
- Perplexity: citations and deep-research reasoning stand beside prompt and completion.
- Voyage, Jina: `total_tokens` alone.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from excise.exchange import Call
from excise.wire.usage import Usage
from excise.wire.usage_values import amount, count, first, fit, most, part, split_writes

_INPUT = ("prompt_tokens", "input_tokens", "promptTokens", "inputTokens", "PromptTokens", "InputTokens")
_OUTPUT = ("completion_tokens", "output_tokens", "completionTokens", "outputTokens", "CompletionTokens", "OutputTokens")
_TOTAL = ("total_tokens", "totalTokens", "TotalTokens")
_INPUT_DETAILS = ("prompt_tokens_details", "input_tokens_details", "prompt_token_details", "input_token_details", "promptTokensDetails")
_OUTPUT_DETAILS = ("completion_tokens_details", "output_tokens_details", "completion_token_details", "output_token_details")
_READ = ("cached_tokens", "num_cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens", "cachedInputTokens", "cachedTokens")
_WRITE = ("cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens")
_GOOGLE = ("gemini", "vertex")
_TICKS = Decimal(10) ** 10  # xAI counts money in ten-billionths of a dollar


class _Totals(NamedTuple):
    prompt: int | None
    completion: int | None
    total: int | None

    def is_sum_of(self, *extra: int | None) -> bool:
        """
        Whether the stated total is prompt + completion + these.
        """
        return self.total is not None and self.total == (self.prompt or 0) + (self.completion or 0) + sum(piece or 0 for piece in extra)


class _Input(NamedTuple):
    uncached: int | None
    read: int | None
    write: int | None
    audio: int | None
    image: int | None


class _Output(NamedTuple):
    text: int | None
    reasoning: int | None
    audio: int | None
    image: int | None


def read_usage(usage: dict[str, Any], call: Call, model: str = "") -> Usage:
    """
    Disjoint parts of a usage object in OpenAI's form.

    Args:
        usage: The object as parsed; any shape.
        call: Provider, operation and dialect decide between habits that the numbers leave open.
        model: Served or requested model, lower case.
    """
    totals = _totals(usage)
    given = _input(usage, totals, call, model)
    made = _output(usage, totals, call, model, given.audio)
    write_5m, write_1h = split_writes(usage, given.write)
    return Usage(
        uncached_input_tokens=given.uncached,
        cache_read_tokens=given.read,
        cache_write_5m_tokens=write_5m,
        cache_write_1h_tokens=write_1h,
        audio_input_tokens=given.audio,
        image_input_tokens=given.image,
        tool_input_tokens=count(usage.get("citation_tokens")),  # Perplexity: read pages, billed as input
        text_output_tokens=made.text,
        reasoning_tokens=made.reasoning,
        audio_output_tokens=made.audio,
        image_output_tokens=made.image,
        searches=_searches(usage),
        requests=_requests(usage, call),
        seconds=amount(usage.get("prompt_audio_seconds")),
        provider_cost_usd=stated_cost(usage, call),
    )


def _totals(usage: dict[str, Any]) -> _Totals:
    prompt, completion, total = first(usage, _INPUT), first(usage, _OUTPUT), first(usage, _TOTAL)
    if prompt is None and (hit := count(usage.get("prompt_cache_hit_tokens"))) is not None:
        prompt = hit + (count(usage.get("prompt_cache_miss_tokens")) or 0)
    if prompt is None and total is not None:
        prompt = max(0, total - (completion or 0))
    return _Totals(prompt, completion, total)


def _input(usage: dict[str, Any], totals: _Totals, call: Call, model: str) -> _Input:
    prompt = totals.prompt
    details = part(usage, *_INPUT_DETAILS)
    cached = part(details, "cached_tokens_details")
    read = most(first(details, _READ), *(count(usage.get(name)) for name in _READ))
    write = most(first(details, _WRITE), *(count(usage.get(name)) for name in _WRITE))
    audio = _less(count(details.get("audio_tokens")), count(cached.get("audio_tokens")))
    image = _less(count(details.get("image_tokens")), count(cached.get("image_tokens")))
    if audio and totals.completion is not None and totals.is_sum_of(audio):
        uncached, read, write, image = fit(prompt, read, write, image)
    elif _cache_stands_apart(usage, totals, read, write, call, model):
        uncached, audio, image = fit(prompt, audio, image)
    else:
        uncached, read, write, audio, image = fit(prompt, read, write, audio, image)
    return _Input(uncached, read, write, audio, image)


def _cache_stands_apart(usage: dict[str, Any], totals: _Totals, read: int | None, write: int | None, call: Call, model: str) -> bool:
    if not read and not write:
        return False
    if call.provider.startswith("azure") and ("grok" in model or "num_sources_used" in usage):
        return True
    if totals.prompt is None or (read or 0) > totals.prompt:
        return True
    return totals.completion is not None and totals.is_sum_of(read, write)


def _output(usage: dict[str, Any], totals: _Totals, call: Call, model: str, audio_in: int | None) -> _Output:
    completion = totals.completion
    details = part(usage, *_OUTPUT_DETAILS)
    apart = count(usage.get("reasoning_tokens"))
    reasoning = most(first(details, ("reasoning_tokens", "thinking_tokens", "reasoningTokens")), apart)
    audio, image = count(details.get("audio_tokens")), count(details.get("image_tokens"))
    if call.operation in ("images", "image") and not details and completion is not None:
        return _Output(None, None, None, completion)
    if call.operation == "speech" and not details and completion is not None:
        return _Output(None, None, completion, None)
    if not reasoning and _is_google(call, model) and completion is not None and totals.prompt is not None:
        hidden = (totals.total or 0) - totals.prompt - completion
        if hidden > 0 and hidden != audio_in:
            text, audio, image = fit(completion, audio, image)
            return _Output(text, hidden, audio, image)
    if reasoning and _reasoning_stands_apart(totals, reasoning, call, "reasoning_tokens" in usage):
        text, audio, image = fit(completion, audio, image)
        return _Output(text, reasoning, audio, image)
    return _Output(*fit(completion, reasoning, audio, image))


def _reasoning_stands_apart(totals: _Totals, reasoning: int, call: Call, top_level: bool) -> bool:
    if totals.completion is None or reasoning > totals.completion:
        return True
    if totals.prompt is not None and totals.is_sum_of(reasoning):
        return True
    if top_level and call.provider == "perplexity":
        return True
    # The totals decide where they speak; xAI's chat keeps reasoning apart, its Responses do not.
    return call.provider == "xai" and call.dialect == "openai-chat" and not totals.is_sum_of()


def _is_google(call: Call, model: str) -> bool:
    return call.provider in _GOOGLE or "gemini" in model


def _less(whole: int | None, cached: int | None) -> int | None:
    return None if whole is None else max(0, whole - (cached or 0))


def _searches(usage: dict[str, Any]) -> int | None:
    """
    Web searches the provider ran: Perplexity, OpenRouter, xAI each name them in their own way.
    """
    tools = part(usage, "server_side_tool_usage_details")
    if tools:
        return (count(tools.get("web_search_calls")) or 0) + (count(tools.get("x_search_calls")) or 0)
    served = part(usage, "server_tool_use_details", "server_tool_use")
    return most(count(served.get("web_search_requests")), count(usage.get("num_search_queries")))


def _requests(usage: dict[str, Any], call: Call) -> int | None:
    """
    Perplexity charges a fee per request that searched, whose size it names.
    """
    if call.provider != "perplexity":
        return None
    return 1 if "search_context_size" in usage or amount(part(usage, "cost").get("request_cost")) else None


def stated_cost(usage: dict[str, Any], call: Call) -> Decimal | None:
    """
    What the provider itself says the call cost, in US dollars.

    OpenRouter under "bring your own key" charges only a fee; what the key's owner pays is `upstream_inference_cost`. Azure passes on xAI's
    ticks, always 0, though Azure writes the bill.
    """
    cost = usage.get("cost")
    if type(cost) is dict:
        return amount(cost.get("total_cost"))
    if usage.get("is_byok") is True:
        return amount(part(usage, "cost_details").get("upstream_inference_cost"))
    if (found := amount(cost)) is not None:
        return found
    if (found := amount(usage.get("estimated_cost"))) is not None:
        return found
    ticks = count(usage.get("cost_in_usd_ticks"))
    return None if ticks is None or call.provider.startswith("azure") else ticks / _TICKS
