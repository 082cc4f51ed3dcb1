"""
The one place that touches genai-prices: its dated price data in, our `Rates` out.

We use its data and its matching of names, not its extraction of usage nor its calculation: both raise on answers that occur in the wild
(integer modalities, cached tokens outside the prompt, negative counts), and the calculation takes longer than everything else we do at the
end of a call.

Source: genai-prices 0.2.3 (MIT), read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from excise.catalog.names import PUBLISHERS, candidates
from excise.catalog.rates import Rate, Rates

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, Provider

# Their ids, where they are not ours.
PROVIDERS = {
    "anthropic-aws": "anthropic",
    "azure-openai": "azure",
    "bedrock": "aws",
    "bedrock-mantle": "aws",
    "gemini": "google",
    "moonshot": "moonshotai",
    "vertex": "google",
    "voyage": "voyageai",
    "xai": "x-ai",
    "zhipu": "zhipuai",
}

# Gateways that charge what the publishers of the models do. Source: openrouter.ai/docs/faq, vercel.com/docs/ai-gateway/pricing, read
# 2026-11.
AT_LIST_PRICE = frozenset({"openrouter", "vercel-gateway"})

# Their name of a price: ours, and units of theirs in one of ours.
_NAMES = {
    "input_mtok": ("input", 1_000_000),
    "output_mtok": ("output", 1_000_000),
    "cache_read_mtok": ("cache_read", 1_000_000),
    "cache_write_mtok": ("cache_write", 1_000_000),
    "cache_write_1h_mtok": ("cache_write_1h", 1_000_000),
    "input_audio_mtok": ("input_audio", 1_000_000),
    "output_audio_mtok": ("output_audio", 1_000_000),
    "input_image_mtok": ("input_image", 1_000_000),
    "output_image_mtok": ("output_image", 1_000_000),
    "input_tool_mtok": ("input_tool", 1_000_000),
    "output_reasoning_mtok": ("reasoning", 1_000_000),
    "web_searches_kcount": ("web_search", 1_000),
    "rerank_searches_kcount": ("search", 1_000),
    "requests_kcount": ("request", 1_000),
    "input_mchars": ("characters", 1_000_000),
    "audio_hours": ("second", 3_600),
    "input_audio_hours": ("second", 3_600),
}

# Where their table is known to be wrong or silent: per thousand. Part of the version, so that rows priced before and after can be told
# apart.
CORRECTIONS = 1
_CORRECTED = {
    # Theirs is the fee for the largest search context; the smallest is the default.
    # Source: docs.perplexity.ai/getting-started/pricing, read 2026-11, and the fees stated in recorded answers.
    "perplexity/sonar": {"request": Rate(Decimal(5), 1_000)},
    "perplexity/sonar-pro": {"request": Rate(Decimal(6), 1_000)},
    "perplexity/sonar-reasoning": {"request": Rate(Decimal(5), 1_000)},
    "perplexity/sonar-reasoning-pro": {"request": Rate(Decimal(6), 1_000)},
}
# Source: docs.x.ai/developers/pricing, "Tool invocation costs", read 2026-11.
_ADDED = {
    "x-ai": {"web_search": Rate(Decimal(5), 1_000)},
    # Read off OpenRouter's own bills: `cost` less `upstream_inference_cost` is $0.007 for each `openrouter:web_search`, seen 2026-11.
    "openrouter": {"web_search": Rate(Decimal(7), 1_000)},
}

# OpenRouter's prices lack those of pictures and sound, which are its publishers'.
_COMPLEMENTED = ("input_image", "output_image", "input_audio", "output_audio")

_CHECKED = re.compile(r"(?:verified|checked|retrieved|updated|confirmed)\D{0,40}(20\d\d-[01]\d-[0-3]\d)", re.IGNORECASE)

# Groq charges transcriptions as at least ten seconds. Source: groq.com/pricing, as genai-prices has it.
_GROQ_SECONDS = 10


class GenaiPrices:
    """
    Their bundled snapshot; never fetched, never updated: prices change with a release of ours, or with the operator's file.

    The import costs half a second: `load` does it, or the first look-up.
    """

    def __init__(self) -> None:
        self._snapshot: DataSnapshot | None = None
        self.version = f"genai-prices {version('genai-prices')}"

    def load(self) -> DataSnapshot:
        """
        Import and build the snapshot, once. Blocking.
        """
        if self._snapshot is None:
            from genai_prices.data_snapshot import get_snapshot

            snapshot = get_snapshot()
            dates = [
                found
                for provider in snapshot.providers
                for model in provider.models
                for found in _CHECKED.findall(model.price_comments or "")
            ]
            self.version = f"genai-prices {version('genai-prices')}+{CORRECTIONS} ({max(dates, default='undated')})"
            self._snapshot = snapshot
        return self._snapshot

    def find(self, provider: str, model: str) -> Entry | None:
        """
        A model by our provider id and any of its names.
        """
        snapshot = self.load()
        theirs = PROVIDERS.get(provider, provider)
        if provider == "huggingface":
            # The router's price is that of the provider behind it, which only the name can tell.
            theirs = f"huggingface_{model.rpartition(':')[2]}"
        known = next((found for found in snapshot.providers if found.id == theirs), None)
        if known is None:
            return self._publisher(provider, model)
        for name in candidates(provider, model):
            found = known.find_model(name, all_providers=snapshot.providers)
            if found is not None:
                return Entry(known, found, self._publisher(provider, model))
        return self._publisher(provider, model)

    def _publisher(self, provider: str, model: str) -> Entry | None:
        # Gateways that pass on what the publisher of a model charges.
        publisher, _, name = model.lower().partition("/")
        if provider not in AT_LIST_PRICE or publisher not in PUBLISHERS or not name:
            return None
        return self.find(PUBLISHERS[publisher], name)


class Entry:
    """
    One model of theirs, with its prices over time.
    """

    __slots__ = ("_by_day", "_changes_within_a_day", "_complement", "_model", "_provider", "id")

    def __init__(self, provider: Provider, model: ModelInfo, complement: Entry | None = None) -> None:
        self.id = f"{provider.id}/{model.id}"
        self._complement = complement
        self._provider = provider
        self._model = model
        self._by_day: dict[tuple[int, str], Rates | None] = {}
        constraints = [price.constraint for price in model.prices] if isinstance(model.prices, list) else []
        constraints += [variant.constraint for variant in model.price_variants or ()]
        self._changes_within_a_day = any(hasattr(constraint, "start_time") for constraint in constraints)

    def rates(self, at: datetime, service: str | None) -> Rates | None:
        """
        The prices at a time; with `service` those of it, or `None` where the table has none.
        """
        if self._changes_within_a_day:
            return self._build(at, service)
        day = (at.toordinal(), service or "")
        if day not in self._by_day:
            if len(self._by_day) > 64:
                self._by_day.clear()
            self._by_day[day] = self._build(at, service)
        return self._by_day[day]

    def _build(self, at: datetime, service: str | None) -> Rates | None:
        prices: dict[str, Any] = dict(self._model.get_prices(at).__dict__)
        if service is not None:
            changed = self._variant(at, service)
            if changed is None:
                return None
            prices |= changed
        rates = _ADDED.get(self._provider.id, {}) | _rates(prices) | _CORRECTED.get(self.id, {})
        if self._complement is not None and (theirs := self._complement.rates(at, None)) is not None:
            rates = {name: theirs.by_name[name] for name in _COMPLEMENTED if name in theirs.by_name} | rates
        shortest = _GROQ_SECONDS if self._provider.id == "groq" and "second" in rates else 0
        return Rates(rates, shortest) if rates else None

    def _variant(self, at: datetime, service: str) -> dict[str, Any] | None:
        wanted = {"service_tier": service, "processing": service, "speed": service}
        fitting = [
            variant for variant in self._model.price_variants or () if all(wanted.get(key) == value for key, value in variant.when.items())
        ]
        # The table dates a variant from the day somebody looked it up. Before that day it is still the best that is known.
        active: Callable[[Any], bool] = lambda variant: variant.constraint is None or variant.constraint.active(at)  # noqa: E731
        chosen = [variant for variant in fitting if active(variant)] or fitting
        if not chosen:
            return None
        merged: dict[str, Any] = {}
        for variant in chosen:
            for key, price in variant.prices.__dict__.items():
                if price is not None:
                    merged.setdefault(key, price)
        return merged


def _rates(prices: Mapping[str, Any]) -> dict[str, Rate]:
    found: dict[str, Rate] = {}
    for theirs, (ours, per) in _NAMES.items():
        price = prices.get(theirs)
        if price is None:
            continue
        if isinstance(price, Decimal):
            found[ours] = Rate(price, per)
        else:
            found[ours] = Rate(price.base, per, tuple((tier.start, tier.price) for tier in price.tiers))
    return found
