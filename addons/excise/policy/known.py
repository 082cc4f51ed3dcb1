"""
What names rules may use: the catalogue's providers and operations, and its tables of models and prices. An edge: reads the catalogue.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from excise.catalog.load import read
from excise.catalog.providers import Catalog
from excise.policy.flaw import Known
from excise.policy.glob import matcher

if TYPE_CHECKING:
    from excise.catalog.abilities import Capabilities


def known_names(overlay: Path | None = None, *, prices: Path | None = None, quality: Path | None = None) -> Known:
    """
    Names of the shipped catalogue with an operator's file laid over it; prices and scores of models with theirs.

    Raises:
        SettingsError: The overlay is not right.
    """
    providers, families, _ = read(overlay)
    operations = {spec.op for family in families.values() for spec in family.operations}
    operations |= {spec.op for provider in providers.values() for spec in provider.operations}
    catalog = Catalog.load(overlay)

    def place(provider: str, host: str) -> bool:
        found = catalog.provider_of(host)
        return found is not None and found.id == provider

    return Known(
        place=place,
        regional=lambda provider: catalog.host_in(provider, "eu-central-1") is not None,
        signed=lambda provider: "sigv4" in providers[provider].auth,
        provider=frozenset(providers).__contains__,
        operation=frozenset(operations).__contains__,
        model=_known_model,
        capability=lambda provider, model: _capabilities(prices, quality).of(provider, model),
    )


@lru_cache(4096)  # each reload asks the same again, and each answer takes milliseconds
def _known_model(pattern: str) -> bool:
    # Tables are read only when a rule speaks of models.
    from genai_prices.data_snapshot import get_snapshot

    from excise.catalog.models import Models

    models = [model for provider in get_snapshot().providers for model in provider.models]
    fits = matcher(pattern)
    if any(fits(model.id.lower()) for model in models) or Models.load().knows_pattern(pattern):
        return True
    # Dated and regional names have no entry of their own; the price table knows them by how they begin.
    start = pattern.partition("*")[0]
    return bool(start) and any(model.is_match(start) for model in models)


@lru_cache(4)
def _capabilities(prices: Path | None, quality: Path | None) -> Capabilities:
    # Read only when an entry of `routes` requires something.
    from excise.catalog.abilities import Capabilities
    from excise.catalog.models import Models
    from excise.catalog.prices import Prices
    from excise.catalog.quality import load_quality

    return Capabilities(Models.load(), Prices.load(prices), load_quality(quality))
