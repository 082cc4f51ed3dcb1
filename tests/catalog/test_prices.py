"""
Prices: which table, which tier, which version, and when there is none.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import excise
from excise.catalog.genai import PROVIDERS, GenaiPrices
from excise.catalog.prices import Prices
from excise.catalog.providers import Catalog
from excise.catalog.rates import Rate, Rates
from excise.errors import SettingsError
from excise.exchange import Cost
from excise.wire.usage import Usage

PRICES = Prices.load()
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
MILLION = 1_000_000


def cost(provider: str, model: str | None, usage: Usage, at: datetime = AT, prices: Prices = PRICES, **more: Any) -> Cost:
    return prices.cost(provider=provider, model_served=model, model_requested=more.pop("asked", model), usage=usage, at=at, **more)


def usd(provider: str, model: str, **tokens: Any) -> Decimal | None:
    """
    The cost of one call with these parts.
    """
    more = {key: tokens.pop(key) for key in ("service_tier", "region_host", "asked") if key in tokens}
    return cost(provider, model, Usage(**tokens), **more).usd


def test_parts_have_their_own_prices() -> None:
    """
    Fresh input, cache reads, cache writes of five minutes and an hour, output and reasoning are charged apart, exactly.
    """
    claude = "claude-haiku-4-5-20251001"
    chat = {"text_output_tokens": 0}

    assert usd("anthropic", claude, uncached_input_tokens=MILLION, **chat) == Decimal("1")
    assert usd("anthropic", claude, cache_read_tokens=MILLION, **chat) == Decimal("0.1")
    assert usd("anthropic", claude, cache_write_5m_tokens=MILLION, **chat) == Decimal("1.25")
    assert usd("anthropic", claude, cache_write_1h_tokens=MILLION, **chat) == Decimal("2")
    assert usd("anthropic", claude, uncached_input_tokens=0, text_output_tokens=1000, reasoning_tokens=1000) == Decimal("0.01")
    assert usd("anthropic", claude, uncached_input_tokens=0, text_output_tokens=0, searches=3) == Decimal("0.03")


def test_a_long_prompt_is_dearer_as_a_whole() -> None:
    """
    Above its threshold the whole call is charged at the higher tier, the cached part included in the count.
    """
    short = usd("openai", "gpt-5.5", uncached_input_tokens=272_000, text_output_tokens=0)
    long = usd("openai", "gpt-5.5", uncached_input_tokens=1, cache_read_tokens=272_000, text_output_tokens=0)

    assert short == Decimal("1.36")
    assert long == Decimal("10") / MILLION + Decimal("0.272")


@pytest.mark.parametrize(
    ("tier", "expected", "mark"),
    [
        (None, "5", ""),
        ("default", "5", ""),
        ("flex", "2.5", "#flex"),
        ("FLEX", "2.5", "#flex"),
        ("batch", "2.5", "#batch"),
        ("priority", "12.5", "#priority"),
    ],
)
def test_service_tiers_have_their_prices(tier: str | None, expected: str, mark: str) -> None:
    """
    The tier that the answer names decides, and the price's name says so.
    """
    found = cost("openai", "gpt-5.5", Usage(uncached_input_tokens=100_000, text_output_tokens=0), service_tier=tier)

    assert found.usd == Decimal(expected) / 10
    assert found.price_id == f"openai/gpt-5.5{mark}"


def test_a_tier_without_a_price_is_marked() -> None:
    """
    Where no table has a price of the tier the list price is taken, and the name says that it was.
    """
    found = cost("mistral", "mistral-large-latest", Usage(uncached_input_tokens=1, text_output_tokens=1), service_tier="priority")

    assert found.usd is not None
    assert found.price_id is not None
    assert found.price_id.endswith("#priority?")


def test_rented_capacity_costs_nothing_more() -> None:
    """
    Provisioned throughput was paid for beforehand; at a gateway it is the gateway's.
    """
    usage = Usage(uncached_input_tokens=10, text_output_tokens=10)

    assert cost("vertex", "gemini-2.5-pro", usage, service_tier="PROVISIONED_THROUGHPUT").usd == 0
    assert (cost("openrouter", "google/gemini-2.5-flash", usage, service_tier="provisioned").usd or 0) > 0


def test_regions_that_cost_more() -> None:
    """
    Ten per cent at OpenAI's residency hosts and Vertex' regions, for the models that have it; Bedrock says it in the model's name.
    """
    tokens = {"uncached_input_tokens": MILLION // 10, "text_output_tokens": 0}

    assert usd("openai", "gpt-5.5", region_host="api.openai.com", **tokens) == Decimal("0.5")
    assert usd("openai", "gpt-5.5", region_host="eu.api.openai.com", **tokens) == Decimal("0.55")
    assert usd("openai", "gpt-4o-mini", region_host="eu.api.openai.com", **tokens) == usd("openai", "gpt-4o-mini", **tokens)
    assert usd("vertex", "claude-haiku-4-5@20251001", region_host="aiplatform.googleapis.com", **tokens) == Decimal("0.1")
    assert usd("vertex", "claude-haiku-4-5@20251001", region_host="us-east5-aiplatform.googleapis.com", **tokens) == Decimal("0.11")
    assert usd("bedrock", "global.anthropic.claude-haiku-4-5-20251001-v1:0", **tokens) == Decimal("0.1")
    assert usd("bedrock", "us.anthropic.claude-haiku-4-5-20251001-v1:0", **tokens) == Decimal("0.11")
    arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0"
    assert usd("bedrock", arn, **tokens) == Decimal("0.11")


def test_prices_are_dated() -> None:
    """
    A call is charged at the price of its day.
    """
    usage = Usage(uncached_input_tokens=MILLION, text_output_tokens=0)
    before = cost("gemini", "gemini-3.8-flash", usage, datetime(2026, 12, 31, tzinfo=UTC)).usd
    after = cost("gemini", "gemini-3.8-flash", usage, datetime(2027, 1, 1, tzinfo=UTC)).usd

    assert before is not None
    assert after == before * 2
    assert cost("gemini", "gemini-3.8-flash", usage, datetime(2027, 1, 1, 1, tzinfo=timezone(timedelta(hours=9)))).usd == before


def test_prices_change_within_a_day() -> None:
    """
    DeepSeek has peak hours.
    """
    usage = Usage(uncached_input_tokens=MILLION, text_output_tokens=MILLION)
    prices = {cost("deepseek", "deepseek-v4-flash", usage, datetime(2026, 11, 20, hour, tzinfo=UTC)).usd for hour in range(24)}

    assert len(prices) > 1
    assert None not in prices


def test_a_cost_can_be_priced_again() -> None:
    """
    Each cost names its table, the table's dated version, and the entry.
    """
    found = cost("openai", "gpt-5.5", Usage(uncached_input_tokens=1, text_output_tokens=1))

    assert found.price_source == "genai-prices"
    assert found.price_id == "openai/gpt-5.5"
    assert found.price_version is not None
    assert found.price_version.startswith("genai-prices 0.")
    assert found.price_version.endswith(")")
    assert "(20" in found.price_version


def test_the_second_table_helps_out() -> None:
    """
    What genai-prices lacks, the table of models may have; and says so.
    """
    found = cost("deepinfra", "ByteDance/Seed-1.8", Usage(uncached_input_tokens=MILLION, text_output_tokens=0))

    assert found.usd == Decimal("0.25")
    assert found.price_source == "models-table"
    assert (found.price_version or "").startswith("litellm ")


def test_what_was_served_is_what_is_billed() -> None:
    """
    The answer's model counts; the name that was asked for only where it means the same and the answer's is not known.
    """
    tokens = {"uncached_input_tokens": MILLION // 10, "text_output_tokens": 0}

    assert usd("azure-openai", "gpt-5-nano-2025-08-07", asked="our-deployment", **tokens) == Decimal("0.005")
    assert usd("openai", "gpt-5-nano-2031-01-01", asked="gpt-5-nano", **tokens) == Decimal("0.005")
    assert usd("openai", "strange/kimi", asked="gpt-5-nano", **tokens) is None


@pytest.mark.parametrize(
    ("provider", "model", "parts"),
    [
        ("openai", "gpt-5.5", {}),
        ("openai", "gpt-5.5", {"uncached_input_tokens": 5}),
        ("openai", "gpt-5.5", {"text_output_tokens": 5}),
        ("openai", "gpt-5.5", {"searches": 1}),
        ("openai", "no-such-model", {"uncached_input_tokens": 5, "text_output_tokens": 5}),
        ("nobody", "gpt-5.5", {"uncached_input_tokens": 5, "text_output_tokens": 5}),
        ("unknown", "gpt-5.5", {"uncached_input_tokens": 5, "text_output_tokens": 5}),
        ("github-models", "gpt-5.5", {"uncached_input_tokens": 5, "text_output_tokens": 5}),
    ],
)
def test_what_is_not_known_is_none(provider: str, model: str, parts: dict[str, int]) -> None:
    """
    Half of the tokens, or a model without a price, is no cost: `None`, with no table named.
    """
    assert cost(provider, model, Usage(**parts)) == Cost(usd=None)
    assert cost(provider, None, Usage(**parts)) == Cost(usd=None)


def test_embeddings_need_no_output() -> None:
    """
    Where nothing is written, input is enough.
    """
    assert usd("openai", "text-embedding-3-small", uncached_input_tokens=MILLION) == Decimal("0.02")
    through = usd("openrouter", "text-embedding-3-small", asked="openai/text-embedding-3-small", uncached_input_tokens=MILLION)
    assert through == Decimal("0.02")


def test_other_units() -> None:
    """
    Sound by the second, with Groq's ten at least; speech by the character; rerank by the search; a fee for each request.
    """
    assert usd("openai", "whisper-1", seconds=Decimal(60)) == Decimal("0.006")
    groq = usd("groq", "whisper-large-v3", seconds=Decimal(1))
    assert groq is not None
    assert groq == usd("groq", "whisper-large-v3", seconds=Decimal(10))
    assert usd("openai", "tts-1", characters=MILLION) == Decimal("15")
    assert (usd("cohere", "rerank-v3.5", searches=1000) or 0) > 0
    assert usd("perplexity", "sonar", uncached_input_tokens=0, text_output_tokens=0) == Decimal("0.005")
    assert usd("xai", "grok-4.3", uncached_input_tokens=0, text_output_tokens=0, searches=2) == Decimal("0.01")


def test_free_is_zero() -> None:
    """
    A free model costs 0, which is not unknown.
    """
    tokens = {"uncached_input_tokens": 5, "text_output_tokens": 5}

    assert usd("openrouter", "meta-llama/llama-3.2-3b-instruct:free", **tokens) == 0
    assert usd("zai", "glm-4.5-flash", **tokens) == 0


def test_their_ids_exist() -> None:
    """
    Our names of providers lead to theirs.
    """
    theirs = {provider.id for provider in GenaiPrices().load().providers}
    ours = Catalog.load().providers.keys()

    assert set(PROVIDERS.values()) <= theirs
    assert PROVIDERS.keys() <= ours
    for provider in theirs - ours - set(PROVIDERS.values()):
        assert provider.startswith(("huggingface_", "openai-decisions")), provider


def test_a_failing_table_costs_a_price_and_not_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Whatever the price data raise, the answer is `None`.
    """
    for error in (LookupError("x"), ValueError("x"), AttributeError("x"), AssertionError("x"), RecursionError("x")):
        prices = Prices.load()

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(GenaiPrices, "find", fail)
        assert cost("openai", "gpt-9-imaginary", Usage(uncached_input_tokens=1, text_output_tokens=1), prices=prices) == Cost(usd=None)


@given(
    parts=st.fixed_dictionaries(
        {},
        optional={name: st.integers(0, 10**12) for name in Usage.__dataclass_fields__ if name not in ("seconds", "provider_cost_usd")},
    ),
    model=st.sampled_from([("openai", "gpt-5.5"), ("anthropic", "claude-haiku-4-5"), ("gemini", "gemini-2.5-pro"), ("xai", "grok-4.3")]),
)
def test_any_usage_can_be_priced(parts: dict[str, int], model: tuple[str, str]) -> None:
    """
    Any numbers give `None` or a finite amount that is not negative, in decimals.
    """
    found = cost(*model, Usage(**parts)).usd

    assert found is None or (isinstance(found, Decimal) and found.is_finite() and found >= 0)


@given(first=st.integers(0, 10**9), second=st.integers(0, 10**9))
def test_money_is_exact(first: int, second: int) -> None:
    """
    Two halves cost what the whole does: nothing is lost in rounding.
    """
    rates = Rates({"input": Rate(Decimal("0.15"), MILLION), "output": Rate(Decimal("0.6"), MILLION)})

    def of(count: int) -> Decimal:
        return rates.cost(Usage(uncached_input_tokens=count, text_output_tokens=0)) or Decimal(0)

    assert of(first) + of(second) == of(first + second)


def test_a_part_without_a_price_is_not_dropped() -> None:
    """
    Output from a model that has only a price for input is not free: the price is not known.
    """
    rates = Rates({"input": Rate(Decimal(1), MILLION)})

    assert rates.cost(Usage(uncached_input_tokens=MILLION)) == 1
    assert rates.cost(Usage(uncached_input_tokens=MILLION, text_output_tokens=1)) is None


def test_loading_does_not_import_the_price_data() -> None:
    """
    The half second of the import is paid in `warm`, not at start-up.
    """
    code = "import sys; from excise.catalog.prices import Prices; Prices.load(); print('genai_prices' in sys.modules)"
    root = Path(excise.__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)

    assert done.stdout.strip() == "False"


def own(folder: Path, text: str) -> Path:
    file = folder / "prices.yml"
    file.write_text(text)
    return file


OWN = """
prices:
- provider: openai
  model: gpt-5*
  usd_per_mtok: {input: 1.10, output: 8.80}
- provider: openai
  model: gpt-5*
  from: 2026-11-01
  usd_per_mtok: {input: 0.9, output: 8, cache_read: 0.01}
- provider: openai
  model: gpt-5*
  from: 2026-11-01
  service_tier: flex
  usd_per_mtok: {input: 0.4, output: 4}
- provider: our-*
  model: '*'
  usd_per_mtok: {input: 0, output: 0}
- provider: whisperers
  model: Big-*
  usd_per_second: 0.0001
"""


def test_an_operators_prices_come_first(tmp_path: Path) -> None:
    """
    The latest entry that has begun holds, for its models and tier, and names its file and day.
    """
    prices = Prices.load(own(tmp_path, OWN))
    tokens = Usage(uncached_input_tokens=MILLION, text_output_tokens=0)
    found = cost("openai", "gpt-5.5", tokens, prices=prices)

    assert found.usd == Decimal("0.9")
    assert found.price_source == "override"
    assert found.price_id == "openai/gpt-5*"
    assert (found.price_version or "").endswith("(2026-11-01)")
    assert cost("openai", "gpt-5.5", tokens, datetime(2026, 10, 1, tzinfo=UTC), prices).usd == Decimal("1.10")
    assert cost("openai", "gpt-5.5", tokens, prices=prices, service_tier="flex").usd == Decimal("0.4")
    assert cost("openai", "gpt-5.5", tokens, prices=prices, service_tier="priority").usd == Decimal("0.9")
    assert cost("openai", "gpt-4o", tokens, prices=prices).price_source == "genai-prices"
    assert cost("our-vllm", "tiny", tokens, prices=prices).usd == 0
    assert cost("whisperers", "big-ear", Usage(seconds=Decimal(30)), prices=prices).usd == Decimal("0.003")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prices:\n- provider: a\n", "prices.yml:2:3: prices.0.model: Field required"),
        ("prices:\n- {provider: a, model: b}\n", "prices.yml:2:3: prices.0: Value error, no price is given"),
        ("prices:\n- provider: a\n  model: b\n  usd_per_mtok: {inputs: 1}\n", "prices.yml:4:18: prices.0.usd_per_mtok.inputs"),
        ("prices:\n- provider: a\n  model: b\n  usd_per_mtok: {input: -1}\n", "prices.yml:4:18: prices.0.usd_per_mtok.input"),
        ("prices:\n- provider: a\n  model: b\n  usd_per_mtok: {input: nan}\n", "prices.0.usd_per_mtok.input"),
        ("prices:\n- provider: a\n  model: b\n  usd_per_mtok: {cache_read: 1}\n", "give input or output"),
        ("prices:\n- provider: a\n  model: b\n  from: tomorrow\n  usd_per_request: 1\n", "prices.yml:4:3: prices.0.from"),
        ("price: []\n", "prices.yml:1:1: price: Extra inputs"),
        ("prices:\n- provider: a\n  provider: b\n", "prices.yml:3:3: `provider` stands here twice"),
    ],
)
def test_wrong_prices_are_refused_by_place(tmp_path: Path, text: str, message: str) -> None:
    """
    A price file that does not say what it means is an error with file, line and column.
    """
    with pytest.raises(SettingsError) as caught:
        Prices.load(own(tmp_path, text))

    assert message in str(caught.value)
