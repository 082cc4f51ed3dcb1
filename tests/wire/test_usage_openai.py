"""
OpenAI's usage object and the habits of its imitators, one rule a test.
"""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Any

import pytest

from excise.exchange import Call
from excise.wire.usage_openai import read_usage


def read(
    usage: dict[str, Any], provider: str = "openai", model: str = "", operation: str = "chat", dialect: str = "openai-chat"
) -> dict[str, Any]:
    """
    What is known of a usage object: part -> value.
    """
    found = read_usage(usage, Call(provider=provider, operation=operation, dialect=dialect, model_at="body"), model)
    return {field.name: value for field in fields(found) if (value := getattr(found, field.name)) is not None}


def test_cached_and_written_tokens_are_parts_of_the_prompt():
    """
    uncached = prompt - cached - written.
    """
    usage = {"prompt_tokens": 1220, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 1200}}

    assert read(usage) == {
        "uncached_input_tokens": 17,
        "cache_read_tokens": 3,
        "cache_write_5m_tokens": 1200,
        "text_output_tokens": 100,
    }


def test_sound_and_reasoning_are_parts_of_prompt_and_completion():
    """
    Text is what sound and reasoning leave.
    """
    usage = {
        "prompt_tokens": 185,
        "completion_tokens": 49,
        "prompt_tokens_details": {"audio_tokens": 130, "image_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 10, "audio_tokens": 34},
    }

    assert read(usage) == {
        "uncached_input_tokens": 50,
        "audio_input_tokens": 130,
        "image_input_tokens": 5,
        "text_output_tokens": 5,
        "reasoning_tokens": 10,
        "audio_output_tokens": 34,
    }


def test_cached_sound_is_cached_and_not_sound():
    """
    `cached_tokens_details` says which cached tokens were sound.
    """
    usage = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 64, "audio_tokens": 70, "cached_tokens_details": {"audio_tokens": 60}},
    }

    assert read(usage) == {"uncached_input_tokens": 26, "cache_read_tokens": 64, "audio_input_tokens": 10}


def test_parts_never_exceed_the_whole():
    """
    Where details contradict the total, the total holds and nothing falls below 0.
    """
    usage = {"prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 7}}
    usage["completion_tokens_details"] = {"reasoning_tokens": 3, "audio_tokens": 4}

    assert read(usage) == {
        "uncached_input_tokens": 0,
        "cache_read_tokens": 8,
        "audio_input_tokens": 2,
        "text_output_tokens": 0,
        "reasoning_tokens": 3,
        "audio_output_tokens": 1,
    }


def test_negative_counts_are_zero():
    """
    Deep research once answered -9 output tokens.
    """
    assert read({"input_tokens": 5, "output_tokens": -9}) == {"uncached_input_tokens": 5, "text_output_tokens": 0}


@pytest.mark.parametrize("value", ["12", True, None, 1.5, [3], {"n": 3}, 10**30, float("nan")])
def test_what_is_no_count_is_not_said(value):
    """
    Text, booleans, fractions, structures and absurd numbers are no token counts.
    """
    assert read({"prompt_tokens": value, "completion_tokens": 3}) == {"text_output_tokens": 3}


def test_xai_chat_reasoning_stands_beside_the_completion():
    """
    total = prompt + completion + reasoning; cached is inside the prompt; money comes in ten-billionths.
    """
    usage = {
        "prompt_tokens": 526,
        "completion_tokens": 27,
        "total_tokens": 625,
        "prompt_tokens_details": {"cached_tokens": 512},
        "completion_tokens_details": {"reasoning_tokens": 72},
        "cost_in_usd_ticks": 1615400,
    }

    assert read(usage, "xai") == {
        "uncached_input_tokens": 14,
        "cache_read_tokens": 512,
        "text_output_tokens": 27,
        "reasoning_tokens": 72,
        "provider_cost_usd": Decimal("0.00016154"),
    }
    without_total = {name: value for name, value in usage.items() if name != "total_tokens"}
    without_total["completion_tokens"] = 80
    assert read(without_total, "xai")["text_output_tokens"] == 80


def test_xai_responses_keep_reasoning_inside():
    """
    The same provider's Responses include reasoning in the output; searches are counted by tool.
    """
    usage = {
        "input_tokens": 40,
        "output_tokens": 364,
        "total_tokens": 404,
        "output_tokens_details": {"reasoning_tokens": 263},
        "server_side_tool_usage_details": {"web_search_calls": 2, "x_search_calls": 1, "code_interpreter_calls": 4},
    }

    assert read(usage, "xai", dialect="openai-responses", operation="responses") == {
        "uncached_input_tokens": 40,
        "text_output_tokens": 101,
        "reasoning_tokens": 263,
        "searches": 3,
    }


@pytest.mark.parametrize(("cached", "provider"), [(158, "azure-ai"), (60, "azure-ai"), (158, "anything")])
def test_grok_on_azure_counts_cached_beside_the_prompt(cached, provider):
    """
    The hidden prompt is cached and not in `prompt_tokens`; elsewhere cached > prompt proves the same.
    """
    usage = {"prompt_tokens": 78, "completion_tokens": 9, "total_tokens": 87, "prompt_tokens_details": {"cached_tokens": cached}}

    found = read(usage, provider, model="grok-4-1-fast-non-reasoning")

    assert (found["uncached_input_tokens"], found["cache_read_tokens"]) == (78, cached)


def test_ticks_of_azure_are_no_money():
    """
    Azure passes xAI's ticks on as 0 and writes its own bill.
    """
    assert "provider_cost_usd" not in read({"prompt_tokens": 1, "cost_in_usd_ticks": 0}, "azure-ai")


def test_a_total_that_holds_the_cache_proves_it_stands_apart():
    """
    total = prompt + completion + cache read + cache written: the prompt excludes both.
    """
    usage = {
        "prompt_tokens": 50,
        "completion_tokens": 5,
        "total_tokens": 100,
        "cache_read_input_tokens": 30,
        "cache_creation_input_tokens": 15,
    }

    assert read(usage, "databricks") == {
        "uncached_input_tokens": 50,
        "cache_read_tokens": 30,
        "cache_write_5m_tokens": 15,
        "text_output_tokens": 5,
    }


def test_reasoning_above_completion_stands_apart():
    """
    Gateways with Gemini behind them leave reasoning out of the completion; their own cost agrees.
    """
    usage = {
        "prompt_tokens": 28,
        "completion_tokens": 9,
        "total_tokens": 37,
        "completion_tokens_details": {"reasoning_tokens": 69},
        "cost": 0.000992,
    }

    found = read(usage, "vercel-gateway", "google/gemini-3-pro")

    assert (found["text_output_tokens"], found["reasoning_tokens"], found["provider_cost_usd"]) == (9, 69, Decimal("0.000992"))


def test_googles_openai_layer_hides_thinking_in_the_total():
    """
    thinking = total - prompt - completion.
    """
    usage = {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109}

    assert read(usage, "gemini") == {"uncached_input_tokens": 35, "text_output_tokens": 12, "reasoning_tokens": 62}
    assert "reasoning_tokens" not in read(usage, "somebody")


def test_mistral_counts_sound_beside_the_prompt():
    """
    total = prompt + audio + completion, with the seconds told too.
    """
    usage = {
        "prompt_audio_seconds": 3,
        "prompt_tokens": 9,
        "total_tokens": 632,
        "completion_tokens": 248,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 375},
    }

    assert read(usage, "mistral") == {
        "uncached_input_tokens": 9,
        "cache_read_tokens": 0,
        "audio_input_tokens": 375,
        "text_output_tokens": 248,
        "seconds": Decimal(3),
    }


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 94, "num_cached_tokens": 48},  # old Mistral
        {"prompt_tokens": 94, "cached_tokens": 48},  # Together, Hugging Face
        {"prompt_tokens": 94, "prompt_token_details": {"cached_tokens": 48}},  # Writer, assistants
        {"prompt_tokens": 94, "prompt_cache_hit_tokens": 48, "prompt_cache_miss_tokens": 46},  # DeepSeek
        {"prompt_cache_hit_tokens": 48, "prompt_cache_miss_tokens": 46},
        {"prompt_tokens": 94, "cache_read_input_tokens": 48},  # Databricks
        {"input_tokens": 94, "input_tokens_details": {"cached_tokens": 48}},
    ],
)
def test_cached_tokens_have_many_names(usage):
    """
    Whatever it is called, the cached part is read and the rest is uncached.
    """
    assert read(usage) == {"uncached_input_tokens": 46, "cache_read_tokens": 48}


@pytest.mark.parametrize("provider", ["voyage", "jina"])
def test_a_total_alone_is_the_input(provider):
    """
    Embeddings and rerank answers may state nothing but a total.
    """
    assert read({"total_tokens": 57}, provider, operation="rerank", dialect="rerank") == {"uncached_input_tokens": 57}


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 5.952e-05, "is_byok": False}, "0.00005952"),  # OpenRouter
        ({"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": 3.6e-06}}, "0.0000036"),
        ({"cost": 0.1, "is_byok": True, "cost_details": {"upstream_inference_cost": None}}, None),  # the fee is not the cost
        ({"cost": 0}, "0"),
        ({"cost": {"input_tokens_cost": 5e-05, "request_cost": 0.006, "total_cost": 0.00614}}, "0.00614"),  # Perplexity
        ({"estimated_cost": 1.25e-06}, "0.00000125"),  # DeepInfra
        ({"cost_in_usd_ticks": 700000000}, "0.07"),  # xAI
        ({"cost": "0.1"}, None),
        ({"cost": -1}, "0"),
    ],
)
def test_stated_cost_is_exact(usage, cost):
    """
    Money is the decimal the provider wrote, never a rounded binary fraction.
    """
    assert read(usage).get("provider_cost_usd") == (None if cost is None else Decimal(cost))


def test_perplexity_counts_research_apart():
    """
    Citations are read as input, reasoning stands beside the completion, queries are searches, and a request that searched has a fee.
    """
    usage = {
        "prompt_tokens": 33,
        "completion_tokens": 7163,
        "total_tokens": 7196,
        "citation_tokens": 20016,
        "num_search_queries": 18,
        "reasoning_tokens": 3962,
        "search_context_size": "low",
    }

    assert read(usage, "perplexity") == {
        "uncached_input_tokens": 33,
        "tool_input_tokens": 20016,
        "text_output_tokens": 7163,
        "reasoning_tokens": 3962,
        "searches": 18,
        "requests": 1,
    }


def test_openrouter_names_searches_in_its_own_way():
    """
    `server_tool_use_details.web_search_requests`.
    """
    assert read({"prompt_tokens": 1, "server_tool_use_details": {"web_search_requests": 2}}, "openrouter")["searches"] == 2
