"""
The capability table: limits, abilities, price and quality of any model at any provider, as routing compares them.

    abilities = Capabilities(Models.load(), prices, load_quality(settings.quality), ratios.of)
    abilities.of("anthropic", "claude-opus-4-5")

Built from the tables that answer elsewhere, too: `Models` and `traits_of` for translation, `Prices` for the meter.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from excise.catalog.capability import Capability
from excise.catalog.models import Models
from excise.catalog.prices import Prices
from excise.catalog.quality import Quality
from excise.catalog.rates import Rate, Rates
from excise.catalog.traits import traits_of

# As many are kept; a fleet uses some hundred.
REMEMBERED = 4096
# Prices are dated, and a few change within a day.
_FRESH_SECONDS = 900

_FREE = Rates({"input": Rate(Decimal(0), 1_000_000), "output": Rate(Decimal(0), 1_000_000)})


def _one(_provider: str, _model: str) -> float:
    return 1.0


def _now() -> datetime:
    return datetime.now(UTC)


class Capabilities:
    """
    Capabilities by provider id and model name. Safe to share within a process.
    """

    def __init__(
        self,
        models: Models,
        prices: Prices,
        quality: Quality,
        ratios: Callable[[str, str], float] = _one,
        now: Callable[[], datetime] = _now,
        own: Container[str] = (),
    ) -> None:
        """
        Args:
            own: Providers on the operator's own machines: what has no price there costs nothing by the call.
            ratios: The learned token ratio of a model (`routing/ratios.py`); it may change from call to call.
            now: Wall clock, aware; prices are dated.
        """
        self._models = models
        self._prices = prices
        self._quality = quality
        self._ratios = ratios
        self._now = now
        self._own = own
        self._known: dict[tuple[str, str], tuple[int, Capability]] = {}

    def of(self, provider: str, model: str) -> Capability:
        """
        What is known of a model. Unknown ones are not an error: `known` is false, and what nobody says is `None`.

        Microseconds once it has been asked for; the first time some hundred, and half a second where prices are not warm.
        """
        key = (provider, model)
        now = self._now()
        slot = int(now.timestamp()) // _FRESH_SECONDS
        ratio = round(self._ratios(provider, model), 2)  # finer, it would be rebuilt with every answer
        found = self._known.get(key)
        if found is not None and found[0] == slot and found[1].token_ratio == ratio:
            return found[1]
        if found is not None and found[0] == slot:
            capability = replace(found[1], token_ratio=ratio)
        else:
            capability = self._build(provider, model, now, ratio)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[key] = (slot, capability)
        return capability

    def _build(self, provider: str, model: str, now: datetime, ratio: float) -> Capability:
        row = self._models.find(provider, model)
        rates, version = self._rates(provider, model, now)
        if rates is None and provider in self._own:
            rates = _FREE
        judged = self._quality.of(model)
        return Capability(
            provider=provider,
            model=model,
            known=row is not None or rates is not None,
            max_input_tokens=row.max_input_tokens if row is not None else None,
            max_output_tokens=row.max_output_tokens if row is not None else None,
            traits=traits_of(self._models, provider, model),
            caching=(row is not None and row.prompt_caching) or (rates is not None and "cache_read" in rates.by_name),
            rates=rates,
            price_version=version,
            quality=judged.scores,
            quality_source=judged.source,
            token_ratio=ratio,
            until=row.deprecation_date if row is not None else None,
        )

    def _rates(self, provider: str, model: str, at: datetime) -> tuple[Rates | None, str | None]:
        """
        The list price in force, from the tables of the meter in the meter's order (`Prices.cost`), and which version says so.
        """
        prices = self._prices
        if (found := prices._overrides.find(provider, model, at, None)) is not None:
            entry, rates = found
            return rates, prices._overrides.version(entry)
        if provider == "openrouter" and model.endswith(":free"):
            return _FREE, None
        known = prices._look_up(provider, (model,))
        if known.dated is not None:
            in_force = prices._guarded(lambda dated=known.dated: dated.rates(at, None))  # type: ignore[misc]
            if in_force is not None:
                return in_force, prices._genai.version
        if known.listed is not None and (listed := known.listed.rates()) is not None:
            return listed, self._models.version
        return None, None
