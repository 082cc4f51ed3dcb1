from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from excise.catalog.abilities import Capabilities
from excise.catalog.models import Models
from excise.catalog.prices import Prices
from excise.catalog.quality import load_quality
from excise.routing.expected import expected_cost
from excise.routing.profile import Profile
from excise.wire.dialect import Traits
from excise.wire.usage import Usage

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MODELS = Models.load()
PRICES = Prices.load()
TABLE = Capabilities(MODELS, PRICES, load_quality(), now=lambda: NOW)


def test_a_known_model_has_limits_abilities_price_and_quality() -> None:
    """
    From the tables that translation and the meter use.
    """
    found = TABLE.of("anthropic", "claude-opus-4-5")

    assert found.known and found.caching and found.traits.tools and found.traits.vision
    assert (found.max_input_tokens, found.max_output_tokens) == (200_000, 64_000)
    assert found.rates is not None and found.rates.by_name["input"].usd == 5 and found.price_version
    assert 0.5 < found.quality["code"] < 1 and found.quality_source and found.token_ratio == 1.0


def test_an_unknown_model_is_no_error() -> None:
    """
    Nobody says anything of it: that is not "no", and not zero.
    """
    found = TABLE.of("nowhere", "no-such-model")

    assert not found.known and not found.caching
    assert (found.max_input_tokens, found.rates, found.price_version, found.quality_source, found.until) == (None,) * 5
    assert found.quality == {} and found.traits == Traits()


@pytest.mark.parametrize(
    ("provider", "model", "window"),
    [
        ("anthropic", "claude-sonnet-4-5", 200_000),
        ("anthropic", "claude-opus-4-6", 1_000_000),
        ("openai", "gpt-4o", 128_000),
        ("openai", "gpt-4.1", 1_047_576),
        ("openai", "gpt-5", 272_000),  # of 400,000, the rest is for the answer
        ("gemini", "gemini-2.5-pro", 1_048_576),
        ("mistral", "mistral-large-2512", 262_144),
        ("bedrock", "us.amazon.nova-pro-v1:0", 300_000),
        ("groq", "openai/gpt-oss-120b", 131_072),
        ("cohere", "command-a-03-2025", 256_000),
        ("openrouter", "anthropic/claude-haiku-4.5", 200_000),
    ],
)
def test_context_windows_are_what_the_makers_say(provider: str, model: str, window: int) -> None:
    """
    Input tokens, for the main families, under the names providers use.
    """
    assert TABLE.of(provider, model).max_input_tokens == window


def test_the_price_is_the_meters() -> None:
    """
    For models of every table the rates charge what the meter charges for the same usage, and name the same version.
    """
    usage = Usage(uncached_input_tokens=900, cache_read_tokens=100, text_output_tokens=300, reasoning_tokens=50)
    pairs = [pair for number, pair in enumerate(MODELS) if number % 7 == 0]
    pairs += [("openrouter", "deepseek/deepseek-r1:free"), ("openrouter", "anthropic/claude-haiku-4.5"), ("deepseek", "deepseek-chat")]
    seen: Counter[str | None] = Counter()
    for provider, model in pairs:
        billed = PRICES.cost(provider=provider, model_served=None, model_requested=model, usage=usage, at=NOW)
        found = TABLE.of(provider, model)
        assert (found.rates.cost(usage) if found.rates else None) == billed.usd, (provider, model)
        if billed.usd is not None:
            assert found.price_version == billed.price_version, (provider, model)
            seen[billed.price_source] += 1

    assert seen["genai-prices"] > 50 and seen["models-table"] > 50 and seen["rule"] == 1


def test_an_operators_price_goes_first_and_makes_a_model_known(tmp_path: Path) -> None:
    """
    Negotiated rates, and models no table has.
    """
    file = tmp_path / "prices.yml"
    file.write_text("prices:\n- provider: acme\n  model: large*\n  usd_per_mtok: {input: 1.10, output: 8.80}\n")
    found = Capabilities(MODELS, Prices.load(file), load_quality(), now=lambda: NOW).of("acme", "large-1")

    assert found.known and found.rates is not None and found.rates.by_name["output"].usd == Decimal("8.80")
    assert found.price_version is not None and found.price_version.startswith("override ")


def test_what_is_learned_of_tokens_is_in_the_next_answer() -> None:
    """
    The table is kept, the learned ratio is not; and as long as nothing changes the same object is returned.
    """
    ratio = {"now": 1.0}
    table = Capabilities(MODELS, PRICES, load_quality(), lambda provider, model: ratio["now"], now=lambda: NOW)
    first = table.of("openai", "gpt-4o")
    ratio["now"] = 1.2345

    assert table.of("openai", "gpt-4o").token_ratio == 1.23
    assert table.of("openai", "gpt-4o") is table.of("openai", "gpt-4o")
    assert first.token_ratio == 1.0 and table.of("openai", "gpt-4o").rates is first.rates


def test_prices_do_not_grow_old(tmp_path: Path) -> None:
    """
    A price that begins tomorrow is in force tomorrow, in a process that asked today.
    """
    file = tmp_path / "prices.yml"
    file.write_text("prices:\n- {provider: acme, model: m, from: 2026-11-21, usd_per_mtok: {input: 1, output: 1}}\n")
    clock = [NOW]
    table = Capabilities(MODELS, Prices.load(file), load_quality(), now=lambda: clock[0])
    before = table.of("acme", "m").rates
    clock[0] += timedelta(days=1)

    assert before is None and table.of("acme", "m").rates is not None


def test_the_day_a_model_is_switched_off_is_known() -> None:
    """
    From the table of models.
    """
    assert TABLE.of("openai", "gpt-5").until == date(2026, 12, 11)


def test_what_runs_on_own_machines_costs_nothing_by_the_call():
    """
    Unless the operator's price file says otherwise; of everybody else an unknown price stays unknown.
    """
    own = Capabilities(Models.load(), Prices.load(), load_quality(), own=frozenset({"vllm"}))

    assert expected_cost(own.of("vllm", "house-model"), Profile(input_tokens=1000, output_tokens=100)) == 0
    assert expected_cost(own.of("openai", "house-model"), Profile(input_tokens=1000, output_tokens=100)) is None
