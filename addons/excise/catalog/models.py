"""
What a model can do and how much it takes; and its list price, as a second source.

The table, models.json, is made by scripts/build-models from litellm's public one (MIT, see NOTICE).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from excise.catalog.names import PUBLISHERS, candidates
from excise.catalog.rates import Rate, Rates

SHIPPED = Path(__file__).with_name("models.json")

# As many answers are kept; a fleet uses some hundred models.
REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Model:
    """
    One model at one provider. `None`: the table does not say. A capability that is not listed counts as absent.

    Attributes:
        name: As the table names it.
        max_input_tokens: Context window for input.
        max_output_tokens: Most tokens of one answer.
        deprecation_date: When the provider switches it off.
        regional: What a price is multiplied with at a regional host, where the provider asks more there.
        can, cannot: What the table says yes and no to in so many words: what stands above, `sampling`, `forced_tools`, `prefill`,
            `always_thinks`.
        thinks, efforts: How it is told to think ("adaptive", "budget", "effort") and the levels it takes.
    """

    provider: str
    name: str
    max_input_tokens: int | None
    max_output_tokens: int | None
    tools: bool
    vision: bool
    audio_in: bool
    pdf: bool
    json_schema: bool
    reasoning: bool
    prompt_caching: bool
    deprecation_date: date | None
    regional: Decimal | None
    _row: Mapping[str, Any]
    can: frozenset[str] = frozenset()
    cannot: frozenset[str] = frozenset()
    thinks: str | None = None
    efforts: tuple[str, ...] = ()

    def rates(self, service: str | None = None) -> Rates | None:
        """
        Its list price, or `None` where the table has none. With `service` (batch, flex, priority) the price of that, or `None`.
        """
        return _rates(self._row, service)


class Models:
    """
    The table. Rows become `Model`s when they are asked for.
    """

    def __init__(self, rows: Mapping[str, Mapping[str, Mapping[str, Any]]], version: str) -> None:
        self.version = version
        self._rows = rows
        self._folded: dict[str, dict[str, str]] = {}
        self._found: dict[tuple[str, str], Model | None] = {}

    @classmethod
    def load(cls) -> Models:
        """
        The shipped table; read once a process.
        """
        return _shipped()

    def find(self, provider: str, model: str) -> Model | None:
        """
        A model by provider id and any name it goes by (dated, regional, with publisher). `None`: not in the table.

        At a gateway (OpenRouter, Vercel, …) that the table does not know, `publisher/model` is looked up at the publisher:
        `Model.provider` then says so, and its price need not be the gateway's.
        """
        key = (provider, model)
        if key not in self._found:
            if len(self._found) >= REMEMBERED:
                self._found.clear()
            self._found[key] = self._find(provider, model)
        return self._found[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """
        All (provider, name).
        """
        return ((provider, name) for provider, rows in self._rows.items() for name in rows)

    def knows_pattern(self, pattern: str) -> bool:
        """
        Whether a glob (`*`, `?`, any case) fits a model of the table, with or without its publisher: to find typing errors in policies.
        """
        folded = pattern.lower()
        names = {name.lower() for _, name in self}
        return any(fnmatchcase(name, folded) or fnmatchcase(name.rpartition("/")[2], folded) for name in names)

    def _find(self, provider: str, model: str) -> Model | None:
        rows = self._rows.get(provider)
        if rows is not None:
            folded = self._folded.get(provider)
            if folded is None:
                folded = self._folded[provider] = {name.lower(): name for name in rows}
            for name in candidates(provider, model):
                if (known := folded.get(name.lower())) is not None:
                    return _model(provider, known, rows[known])
        publisher, slash, rest = model.lower().partition("/")
        elsewhere = PUBLISHERS.get(publisher)
        if slash and elsewhere is not None and elsewhere != provider:
            # OpenRouter and Vercel write `claude-haiku-4.5`, Anthropic `claude-haiku-4-5`.
            return self._find(elsewhere, rest) or (self._find(elsewhere, rest.replace(".", "-")) if elsewhere == "anthropic" else None)
        return None


@cache
def _shipped() -> Models:
    with SHIPPED.open("rb") as file:
        data = json.load(file)
    return Models(data["models"], data["version"])


def _model(provider: str, name: str, row: Mapping[str, Any]) -> Model:
    can = frozenset(row.get("can", "").split())
    return Model(
        provider=provider,
        name=name,
        max_input_tokens=row.get("max_input"),
        max_output_tokens=row.get("max_output"),
        tools="tools" in can,
        vision="vision" in can,
        audio_in="audio_in" in can,
        pdf="pdf" in can,
        json_schema="json_schema" in can,
        reasoning="reasoning" in can,
        prompt_caching="caching" in can,
        deprecation_date=date.fromisoformat(row["until"]) if "until" in row else None,
        regional=Decimal(row["regional"]) if "regional" in row else None,
        cannot=frozenset(row.get("not", "").split()),
        can=can,
        thinks=row.get("thinks"),
        efforts=tuple(row.get("efforts", "").split()),
        _row=row,
    )


_PER = {"second": 1, "search": 1}


def _rates(row: Mapping[str, Any], service: str | None) -> Rates | None:
    usd = row.get("usd") if service is None else row.get(service)
    if not usd:
        return None
    above = row.get("above", {}) if service is None else {}
    rates: dict[str, Rate] = {}
    for key, price in usd.items():
        tiers = tuple((int(start), Decimal(tier[key])) for start, tier in above.items() if key in tier)
        rates[key] = Rate(Decimal(price), _PER.get(key, 1_000_000), tiers)
    if service is not None:
        # A service lists only what it changes; the rest stays as it is.
        rates = {**{key: Rate(Decimal(price), _PER.get(key, 1_000_000)) for key, price in row["usd"].items()}, **rates}
    return Rates(rates)
