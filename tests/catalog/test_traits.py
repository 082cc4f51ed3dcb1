"""
What models can do, against what their makers wrote and what was recorded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from excise.catalog.models import Models
from excise.catalog.traits import traits_of
from excise.wire.dialect import UNKNOWN_TRAITS, Traits
from excise.wire.effort import LEVELS
from recordings import RECORDINGS, records, request_body, require_recordings, response_body

MODELS = Models.load()
DIALECTS = ("openai-chat", "openai-responses", "anthropic-messages", "gemini", "bedrock-converse", "cohere-v2", "ollama")


def of(provider: str, model: str) -> Traits:
    return traits_of(MODELS, provider, model)


LOW_TO_HIGH = ("low", "medium", "high")
LOW_TO_XHIGH = (*LOW_TO_HIGH, "xhigh")
LOW_TO_MAX = (*LOW_TO_XHIGH, "max")


@pytest.mark.parametrize(
    ("provider", "model", "facts"),
    [
        # Claude before 4.5 writes to no schema; from 4.6 on it decides itself how long to think and continues no turn of its own;
        # from Opus 4.7 on it takes no temperature and knows `xhigh`; Fable and Mythos, and the newest, always think.
        ("anthropic", "claude-3-7-sonnet-20250219", {"reasoning": "budget", "json_schema": False, "sampling": None, "prefill": None}),
        ("anthropic", "claude-opus-4-1-20250805", {"reasoning": "budget", "json_schema": False}),
        ("anthropic", "claude-sonnet-4-20250514", {"reasoning": "budget", "json_schema": False}),
        ("anthropic", "claude-haiku-4-5", {"reasoning": "budget", "json_schema": True, "prefill": True, "sampling": None, "efforts": ()}),
        ("anthropic", "claude-opus-4-5", {"reasoning": "budget", "json_schema": True, "prefill": True}),
        (
            "anthropic",
            "claude-opus-4-6",
            {"reasoning": "adaptive", "efforts": (*LOW_TO_HIGH, "max"), "prefill": False, "sampling": None, "always_thinks": False},
        ),
        ("anthropic", "claude-sonnet-4-6", {"reasoning": "adaptive", "efforts": (*LOW_TO_HIGH, "max"), "prefill": False}),
        ("anthropic", "claude-opus-4-7", {"reasoning": "adaptive", "efforts": LOW_TO_MAX, "sampling": False, "prefill": False}),
        ("anthropic", "claude-opus-5", {"efforts": LOW_TO_MAX, "sampling": False, "always_thinks": False, "forced_tools": None}),
        ("anthropic", "claude-fable-5", {"always_thinks": True, "sampling": False, "prefill": False, "reasoning": "adaptive"}),
        ("anthropic", "claude-mythos-preview", {"always_thinks": True, "sampling": False, "prefill": False, "reasoning": "adaptive"}),
        ("anthropic", "claude-opus-5-5", {"always_thinks": True, "forced_tools": False}),
        ("anthropic", "claude-haiku-5-5", {"always_thinks": False, "forced_tools": True}),
        ("bedrock", "us.anthropic.claude-mythos-preview", {"always_thinks": True, "sampling": False, "reasoning": "adaptive"}),
        ("bedrock", "anthropic.claude-opus-4-8", {"efforts": LOW_TO_XHIGH, "json_schema": True, "sampling": False}),
        ("bedrock", "anthropic.claude-opus-4-7", {"efforts": LOW_TO_XHIGH, "json_schema": False}),
        ("bedrock", "amazon.nova-lite-v1:0", {"reasoning": "none", "vision": True, "audio_in": False, "json_schema": None}),
        ("vertex", "claude-haiku-4-5@20251001", {"reasoning": "budget", "json_schema": True, "vision": True}),
        ("vertex", "claude-3-opus@20240229", {"json_schema": False, "vision": True}),
        # OpenAI's reasoning models refuse sampling; those with a level of "none" can be switched off.
        ("openai", "gpt-4o", {"reasoning": "none", "sampling": None, "json_schema": True, "vision": True, "audio_in": False}),
        ("openai", "gpt-4-turbo", {"json_schema": False, "reasoning": "none"}),
        ("openai", "o1", {"reasoning": "effort", "efforts": LOW_TO_HIGH, "always_thinks": True, "sampling": False}),
        ("openai", "o3-mini", {"vision": False, "always_thinks": True, "sampling": False}),
        ("openai", "gpt-5", {"efforts": ("minimal", *LOW_TO_HIGH), "always_thinks": True, "sampling": False}),
        ("openai", "gpt-5-mini", {"efforts": ("minimal", *LOW_TO_HIGH), "always_thinks": True, "sampling": False}),
        ("openai", "gpt-5.1", {"efforts": ("none", *LOW_TO_HIGH), "always_thinks": False}),
        ("openai", "gpt-5.2", {"efforts": ("none", *LOW_TO_XHIGH), "always_thinks": False}),
        ("openai", "gpt-5-pro", {"efforts": ("high",), "always_thinks": True}),
        ("openai", "gpt-5.2-pro", {"efforts": ("medium", "high", "xhigh"), "always_thinks": True}),
        ("openai", "gpt-5-chat-latest", {"sampling": None, "tools": False}),
        ("openai", "gpt-5-codex", {"efforts": LOW_TO_HIGH, "always_thinks": True}),
        ("openai", "gpt-6-astra", {"efforts": LOW_TO_MAX, "always_thinks": True, "sampling": False}),
        ("openai", "gpt-6-sol", {"efforts": ("none", *LOW_TO_MAX), "always_thinks": False}),
        ("groq", "openai/gpt-oss-120b", {"reasoning": "effort", "efforts": LOW_TO_HIGH, "always_thinks": True}),
        # Gemini 2.5 takes budgets (Pro cannot be switched off), 3 takes levels.
        ("gemini", "gemini-2.5-flash", {"reasoning": "budget", "always_thinks": False, "audio_in": True}),
        ("gemini", "gemini-2.5-pro", {"reasoning": "budget", "always_thinks": True}),
        ("gemini", "gemini-3-pro-preview", {"reasoning": "effort", "efforts": ("low", "high"), "always_thinks": True}),
        ("gemini", "gemini-3.1-pro-preview", {"efforts": LOW_TO_HIGH, "always_thinks": True}),
        ("gemini", "gemini-3-flash-preview", {"efforts": ("minimal", *LOW_TO_HIGH)}),
        ("gemini", "gemini-3.7-flash", {"efforts": LOW_TO_HIGH, "sampling": False}),
        ("vertex", "gemini-2.5-pro", {"reasoning": "budget", "always_thinks": True}),
        # Others.
        ("mistral", "mistral-small-latest", {"reasoning": "effort", "efforts": ("none", "high"), "always_thinks": False}),
        ("mistral", "mistral-large-2512", {"reasoning": "none"}),
        ("moonshot", "kimi-k3", {"efforts": ("low", "high", "max")}),
        ("xai", "grok-3-mini", {"reasoning": "effort", "efforts": ("low", "high"), "always_thinks": True}),
        ("xai", "grok-4", {"reasoning": "none", "always_thinks": True}),
        ("xai", "grok-4-fast-non-reasoning", {"always_thinks": False}),
        ("deepseek", "deepseek-chat", {"vision": False}),
        ("cohere", "command-a-03-2025", {"reasoning": "none", "vision": False, "tools": True}),
        ("ollama", "llama3.2", {"reasoning": "none", "vision": None}),
        ("ollama", "qwen3", {"reasoning": None}),
    ],
)
def test_what_makers_say_of_their_models(provider: str, model: str, facts: dict[str, Any]) -> None:
    """
    Source: the makers' model pages, read 2026-11.
    """
    traits = of(provider, model)

    assert {name: getattr(traits, name) for name in facts} == facts


@pytest.mark.parametrize(
    ("model", "facts"),
    [
        ("claude-opus-4-7", {"sampling": False, "prefill": False, "reasoning": "adaptive"}),
        ("claude-haiku-4-5", {"reasoning": "budget", "sampling": None}),
        ("claude-fable-5", {"always_thinks": True, "sampling": False}),
    ],
)
@pytest.mark.parametrize(
    ("provider", "form"),
    [
        ("anthropic", "{}"),
        ("openrouter", "anthropic/{dotted}"),
        ("bedrock", "us.anthropic.{}-v1:0"),
        ("bedrock", "us-gov.anthropic.{}"),
        ("bedrock", "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.{}"),
        ("vertex", "{}@default"),
        ("vertex", "publishers/anthropic/models/{}"),
        ("databricks", "databricks-{}"),
        ("azure-openai", "{}"),
        ("nobody-we-know", "some-publisher/{}"),
    ],
)
def test_a_model_is_the_same_by_every_name(provider: str, form: str, model: str, facts: dict[str, Any]) -> None:
    """
    With publisher, region, path or another provider's spelling; whether the table has it or not.
    """
    family, _, version = model.rpartition("-")
    dotted = f"{family.rpartition('-')[0]}-{family.rpartition('-')[2]}.{version}" if family[-1].isdigit() else model
    traits = of(provider, form.format(model, dotted=dotted))

    assert {name: getattr(traits, name) for name in facts} == facts


@pytest.mark.parametrize(
    ("model", "facts"),
    [
        ("claude-opus-5-9", {"sampling": False, "prefill": False, "reasoning": "adaptive", "forced_tools": False, "always_thinks": True}),
        ("claude-newfamily-6", {"sampling": False, "prefill": False, "reasoning": "adaptive", "efforts": LOW_TO_MAX}),
        ("gpt-7-mini", {"sampling": False, "reasoning": "effort"}),
        ("o5", {"sampling": False, "reasoning": "effort"}),
        ("gemini-5-pro", {"reasoning": "effort", "efforts": LOW_TO_HIGH}),
    ],
)
def test_what_comes_next_is_taken_for_what_came_last(model: str, facts: dict[str, Any]) -> None:
    """
    Names the table does not have yet follow their family.
    """
    assert all(MODELS.find(provider, model) is None for provider in ("anthropic", "openai", "gemini"))
    traits = of("nobody-we-know", model)
    assert {name: getattr(traits, name) for name in facts} == facts


@pytest.mark.parametrize(
    "model", ["our-deployment", "", "omni", "o", "gpt", "claude", "ollama-thing", "o-series", "oracle-7b", "mistral-ours", "x" * 3000]
)
def test_of_what_nobody_knows_nothing_is_said(model: str) -> None:
    """
    It is tried.
    """
    assert of("openai", model) == UNKNOWN_TRAITS


def test_every_model_of_the_table_has_traits_that_agree_with_each_other() -> None:
    """
    Levels are known ones, in order; "none" means that it can be switched off; who decides itself takes levels; budgets take none.
    """
    for provider, model in MODELS:
        traits = of(provider, model)
        at = (provider, model, traits)
        assert traits.reasoning in (None, "none", "effort", "budget", "adaptive"), at
        assert list(traits.efforts) == sorted(set(traits.efforts), key=LEVELS.index), at
        assert not (traits.always_thinks and "none" in traits.efforts), at
        assert traits.reasoning != "adaptive" or {"low", "medium", "high"} <= set(traits.efforts), at
        assert not traits.efforts or traits.reasoning in ("effort", "adaptive"), at


# What was asked and refused, as recorded: provider, model, trait, what it must not be.
REFUSED = [
    ("anthropic", "claude-opus-4-6", lambda traits: "xhigh" not in traits.efforts, "does not support effort level 'xhigh'"),
    ("openai", "o4-mini", lambda traits: "minimal" not in traits.efforts, "'minimal' is not supported with the 'o4-mini' model"),
    ("openrouter", "openai/gpt-5-image", lambda traits: traits.sampling is False, "'temperature' is not supported with this model"),
    ("xai", "grok-code-fast-1", lambda traits: traits.reasoning == "none", "does not support parameter reasoningEffort"),
    ("openai", "gpt-5-chat-latest", lambda traits: traits.tools is False, "tools is not supported in this model"),
    ("gemini", "gemini-2.5-flash-image", lambda traits: traits.json_schema is False, "JSON mode is not enabled"),
]


@require_recordings
@pytest.mark.parametrize(("provider", "model", "agrees", "said"), REFUSED, ids=[f"{one[0]}-{one[1]}" for one in REFUSED])
def test_what_a_provider_refused_is_known(provider: str, model: str, agrees: Callable[[Traits], bool], said: str) -> None:
    """
    A recorded 400 is a fact.
    """
    assert any(
        said in response_body(record).decode("utf-8", "replace").replace("\\", "")
        for record in records(provider=provider)
        if (record["response"]["status"] or 0) >= 400 and record["meta"]["model"] in (model, model.rpartition("/")[2])
    )
    assert agrees(of(provider, model))


@pytest.mark.skipif(RECORDINGS is not None, reason="the recordings are there, and checked against")
@pytest.mark.parametrize(("provider", "model", "agrees", "said"), REFUSED, ids=[f"{one[0]}-{one[1]}" for one in REFUSED])
def test_what_a_provider_refused_is_known_without_them(provider: str, model: str, agrees: Callable[[Traits], bool], said: str) -> None:
    """
    The same where there are none.
    """
    assert agrees(of(provider, model))


def taken() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """
    Provider, model and body of every recorded request that was answered with 200.
    """
    for record in records():
        if record["response"]["status"] != 200 or record["meta"]["protocol"] not in DIALECTS:
            continue
        try:
            body = json.loads(request_body(record))
        except ValueError:
            continue
        model = body.get("model") or record["meta"]["model"] if isinstance(body, dict) else None
        if isinstance(model, str):
            yield {"azure": "azure-openai"}.get(record["meta"]["provider"], record["meta"]["provider"]), model, body


def has(value: Any, wanted: Callable[[dict[str, Any]], bool]) -> bool:
    if isinstance(value, dict):
        return wanted(value) or any(has(inner, wanted) for inner in value.values())
    return isinstance(value, list) and any(has(inner, wanted) for inner in value)


def contradictions(traits: Traits, body: dict[str, Any]) -> Iterator[str]:
    """
    What a provider took that the traits say its model does not take.
    """
    config, inference = body.get("generationConfig") or {}, body.get("inferenceConfig") or {}
    turns = body.get("messages") or body.get("input") or body.get("contents")
    form = body.get("response_format") or (body.get("text") or {}).get("format") or (body.get("output_config") or {}).get("format") or {}
    choice, thinking = body.get("tool_choice"), body.get("thinking") or {}
    effort = body.get("reasoning_effort") or (body.get("reasoning") or {}).get("effort") or (body.get("output_config") or {}).get("effort")
    effort = effort or str((config.get("thinkingConfig") or {}).get("thinkingLevel") or "").lower() or None
    sampled = [where.get(name) for where in (body, config, inference) for name in ("temperature", "top_p", "topP", "top_k", "topK")]
    schema = (
        config.get("responseSchema") or config.get("responseJsonSchema") or (isinstance(form, dict) and form.get("type") == "json_schema")
    )
    forced = choice in ("required", "any") or (isinstance(choice, dict) and choice.get("type") in ("any", "tool", "function"))
    off = thinking.get("type") == "disabled" or effort == "none"
    asked = {
        "sampling": traits.sampling is False and any(value is not None for value in sampled),
        "tools": traits.tools is False and bool(body.get("tools") or (body.get("toolConfig") or {}).get("tools")),
        "forced_tools": traits.forced_tools is False and forced,
        "json_schema": traits.json_schema is False and bool(schema),
        "prefill": traits.prefill is False and isinstance(turns, list) and bool(turns) and turns[-1].get("role") == "assistant",
        "vision": traits.vision is False and has(turns, lambda one: one.get("type") in ("image", "image_url", "input_image")),
        "audio_in": traits.audio_in is False and has(turns, lambda one: one.get("type") == "input_audio"),
        "pdf": traits.pdf is False and has(turns, lambda one: one.get("type") in ("file", "input_file", "document")),
        "efforts": bool(effort) and bool(traits.efforts) and effort not in traits.efforts,
        "reasoning": bool(effort) and not off and traits.reasoning == "none",
        "adaptive": thinking.get("type") == "adaptive" and traits.reasoning not in ("adaptive", None),
        "always_thinks": off and traits.always_thinks,
    }
    yield from (name for name, wrong in asked.items() if wrong)


@require_recordings
def test_nothing_a_provider_took_is_held_to_be_impossible() -> None:
    """
    Some five hundred recorded calls that worked: no trait would have dropped or refused a part of one.
    """
    calls = list(taken())

    assert len(calls) > 400
    wrong = {(provider, model, name) for provider, model, body in calls for name in contradictions(of(provider, model), body)}
    assert not wrong
