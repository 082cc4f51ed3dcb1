"""
What routing knows of a model: limits, abilities, price, and how well it does which work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from excise.catalog.rates import Rates
from excise.wire.dialect import UNKNOWN_TRAITS, Traits


@dataclass(frozen=True, slots=True)
class Capability:
    """
    One model at one provider. `None`: nobody says, which is not "no".

    Attributes:
        known: The table, or the operator, has this model.
        max_input_tokens: Context window.
        traits: What it can do.
        caching: It can read prompts from a cache for less.
        rates: List price.
        price_version: Dated version of the table that holds it.
        quality: Task (`routing.profile.Task`, or `general`) to score, 0 to 1, comparable between models.
        quality_source: Where the scores come from, with the date they were read.
        token_ratio: Its tokens for a text, relative to the estimate (`wire/estimate.py`); learned from answers.
        until: When the provider switches it off.
    """

    provider: str
    model: str
    known: bool = False
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    traits: Traits = UNKNOWN_TRAITS
    caching: bool = False
    rates: Rates | None = field(default=None, repr=False)
    price_version: str | None = None
    quality: Mapping[str, float] = field(default_factory=dict)
    quality_source: str | None = None
    token_ratio: float = 1.0
    until: date | None = None
