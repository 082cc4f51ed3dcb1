"""
The table of models.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from excise.catalog.models import SHIPPED, Models
from excise.catalog.names import candidates, related
from excise.catalog.providers import Catalog

MODELS = Models.load()


def test_limits_and_capabilities() -> None:
    """
    A model's window, its longest answer, and what it can do.
    """
    found = MODELS.find("anthropic", "claude-haiku-4-5-20251001")

    assert found is not None
    assert (found.max_input_tokens, found.max_output_tokens) == (200_000, 64_000)
    assert found.tools
    assert found.vision
    assert found.pdf
    assert found.json_schema
    assert found.reasoning
    assert found.prompt_caching
    assert not found.audio_in
    assert found.deprecation_date is None or found.deprecation_date > date(2026, 1, 1)
    rates = found.rates()
    assert rates is not None
    assert rates.by_name["cache_read"].usd == Decimal("0.1")


@pytest.mark.parametrize(
    ("provider", "model", "name"),
    [
        ("openai", "gpt-4o", "gpt-4o"),
        ("openai", "GPT-4o", "gpt-4o"),
        ("openai", "gpt-5.5-20260423", "gpt-5.5"),
        ("openai", "openai/gpt-4o", "gpt-4o"),
        ("gemini", "models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("vertex", "publishers/google/models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("vertex", "google/gemini-2.5-flash", "gemini-2.5-flash"),
        ("vertex", "claude-haiku-4-5@20251001", "claude-haiku-4-5@20251001"),
        ("bedrock", "amazon.nova-micro-v1:0", "amazon.nova-micro-v1:0"),
        ("bedrock", "arn:aws:bedrock:us-east-1:1:foundation-model/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("bedrock", "sa.amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("fireworks", "deepseek-v3", "accounts/fireworks/models/deepseek-v3"),
        ("openrouter", "anthropic/claude-haiku-4.5", "claude-haiku-4-5"),
        ("openrouter", "openai/gpt-4o:nitro", "gpt-4o"),
    ],
)
def test_a_model_is_found_by_any_of_its_names(provider: str, model: str, name: str) -> None:
    """
    Dates, regions, publishers, paths and ARNs are seen through.
    """
    found = MODELS.find(provider, model)

    assert found is not None
    assert found.name == name


def test_what_is_not_in_the_table_is_none() -> None:
    """
    No guess: an unknown model has no limits.
    """
    assert MODELS.find("openai", "gpt-nonsense") is None
    assert MODELS.find("nobody", "gpt-4o") is None
    assert MODELS.find("openai", "") is None


def test_names_run_from_near_to_far() -> None:
    """
    The first candidate is the name as written.
    """
    found = list(candidates("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"))

    assert found[0] == "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    assert found.index("us.anthropic.claude-sonnet-4-5-20250929-v1:0") < found.index("anthropic.claude-sonnet-4-5-20250929-v1:0")
    assert len(found) == len(set(found))


def test_related_names_share_a_word() -> None:
    """
    An alias is told from another model.
    """
    assert related("gpt-5-2025-08-07", "gpt-5")
    assert not related("moonshotai/kimi-k2", "gpt-4.1-mini")
    assert not related("gpt-4o", "our-deployment")


def test_policies_can_check_their_names() -> None:
    """
    A glob that fits no model is found out.
    """
    assert MODELS.knows_pattern("gpt-4o*")
    assert MODELS.knows_pattern("*haiku*")
    assert not MODELS.knows_pattern("gtp-4o*")


def test_the_shipped_table_is_small_exact_and_credited() -> None:
    """
    Below 600 kB; prices are text, never floats; the licence notice stands in it.
    """
    text = SHIPPED.read_text()
    data = json.loads(text, parse_float=lambda number: pytest.fail(f"a float: {number}"))

    assert len(text) < 600_000
    assert "Berri AI" in data["licence"]
    assert data["version"].startswith("litellm ")
    assert data["models"].keys() <= Catalog.load().providers.keys()
    for rows in data["models"].values():
        for row in rows.values():
            for price in row.get("usd", {}).values():
                assert Decimal(price) >= 0


def test_every_row_can_be_read() -> None:
    """
    All models and all their prices build.
    """
    count = 0
    for provider, name in MODELS:
        model = MODELS.find(provider, name)
        assert model is not None
        assert model.provider == provider
        for service in (None, "batch", "flex", "priority"):
            model.rates(service)
        count += 1
    assert count > 3000
