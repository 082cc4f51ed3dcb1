"""
An operator's own prices: negotiated rates, self-hosted models, models no table knows.

    prices:
    - provider: openai
      model: gpt-5*
      from: 2026-01-01
      usd_per_mtok: {input: 1.10, output: 8.80, cache_read: 0.11}

Of the entries that fit a call and have begun, the one with the latest `from` holds; of several of one day the last in the file.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from excise.catalog.places import Places
from excise.catalog.rates import Rate, Rates

Money = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=18, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TokenPrices(_Strict):
    """
    USD for a million tokens. What is not given is charged as `input` or `output`, of which it is a part.
    """

    input: Money | None = None
    output: Money | None = None
    cache_read: Money | None = None
    cache_write: Money | None = None
    cache_write_1h: Money | None = None
    input_audio: Money | None = None
    output_audio: Money | None = None
    input_image: Money | None = None
    output_image: Money | None = None
    input_tool: Money | None = None
    reasoning: Money | None = None


class Entry(_Strict):
    """
    Prices of the models that fit. `provider` and `model` are globs, without regard to case.
    """

    provider: Annotated[str, Field(min_length=1, max_length=100)]
    model: Annotated[str, Field(min_length=1, max_length=300)]
    begins: Annotated[date, Field(alias="from")] = date.min
    service_tier: Literal["batch", "flex", "priority", "fast"] | None = None
    usd_per_mtok: TokenPrices | None = None
    usd_per_request: Money | None = None
    usd_per_search: Money | None = None
    usd_per_second: Money | None = None
    usd_per_million_characters: Money | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _prices_something(self) -> Entry:
        if not self.rates().by_name:
            raise ValueError("no price is given")
        tokens = self.usd_per_mtok
        if tokens is not None and tokens.input is None and tokens.output is None:
            raise ValueError("usd_per_mtok: give input or output, of which the others are parts")
        return self

    def rates(self) -> Rates:
        """
        The entry's prices.
        """
        found: dict[str, Rate] = {}
        if self.usd_per_mtok is not None:
            for name, price in self.usd_per_mtok:
                if price is not None:
                    found[name] = Rate(price, 1_000_000)
        for name, price, per in (
            ("request", self.usd_per_request, 1),
            ("web_search", self.usd_per_search, 1),
            ("second", self.usd_per_second, 1),
            ("characters", self.usd_per_million_characters, 1_000_000),
        ):
            if price is not None:
                found[name] = Rate(price, per)
        return Rates(found)

    def fits(self, provider: str, model: str) -> bool:
        """
        Whether it speaks of this model. Both in lower case.
        """
        return fnmatchcase(provider, self.provider.lower()) and fnmatchcase(model, self.model.lower())


class _File(_Strict):
    prices: list[Entry] = []


class Overrides:
    """
    The entries of one file, or none.
    """

    def __init__(self, entries: list[Entry], digest: str) -> None:
        # The latest first; the sort keeps the order of the file within a day, which the reversal turns round.
        self._entries = [(entry, entry.rates()) for entry in sorted(entries, key=lambda entry: entry.begins)][::-1]
        self._digest = digest

    @classmethod
    def load(cls, file: Path | None) -> Overrides:
        """
        Raises:
            SettingsError: One line for each fault, with file, line and column.
        """
        if file is None:
            return cls([], "")
        entries = Places(file).check(_File).prices
        return cls(entries, hashlib.sha256(file.read_bytes()).hexdigest()[:8])

    def __bool__(self) -> bool:
        return bool(self._entries)

    def find(self, provider: str, model: str, at: datetime, service: str | None) -> tuple[Entry, Rates] | None:
        """
        The entry that holds for a call. One without a service tier holds for all of them, if there is none of its own.
        """
        name, day = model.lower(), at.date()
        for wanted in (service, None) if service else (None,):
            for entry, rates in self._entries:
                if entry.service_tier == wanted and entry.begins <= day and entry.fits(provider, name):
                    return entry, rates
        return None

    def version(self, entry: Entry) -> str:
        """
        Which file, and since when.
        """
        since = "undated" if entry.begins == date.min else entry.begins.isoformat()
        return f"override {self._digest} ({since})"
