"""
What a call cost.

    prices = Prices.load(settings.prices)
    prices.warm()                      # half a second; in a thread, before the first call
    prices.cost(provider="openai", model_served="gpt-5.5", model_requested="gpt-5.5", usage=usage, at=now)

Three tables, the first that knows the model wins: the operator's file, genai-prices, our table of models. Every cost says which one, at
which version, and under which name, so that a row can be priced again later. A price we do not have is `None`; it is never 0 and never an
error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from excise.catalog.genai import Entry, GenaiPrices
from excise.catalog.models import Model, Models
from excise.catalog.names import related
from excise.catalog.overrides import Overrides
from excise.catalog.rates import Rates
from excise.exchange import Cost
from excise.wire.usage import Usage

UNKNOWN = Cost(usd=None)

# As many models are remembered; a fleet uses some hundred.
REMEMBERED = 4096

# Service tiers as answers name them. `None`: the list price.
_SERVICES = {
    "batch": "batch",
    "flex": "flex",
    "on_demand_flex": "flex",
    "priority": "priority",
    "on_demand_priority": "priority",
    "fast": "fast",
}
# Paid for beforehand: one call more costs nothing more.
_PROVISIONED = frozenset({"provisioned", "provisioned_throughput"})
_RENTED_BY_THE_CALLER = frozenset({"azure-openai", "bedrock", "gemini", "vertex"})  # elsewhere it says what the gateway rents

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    """
    What the tables have under the names of one call.
    """

    dated: Entry | None
    listed: Model | None  # with prices
    regional: Decimal | None


class Prices:
    """
    Prices of all models we know. Safe to share within a process.
    """

    def __init__(self, overrides: Overrides, models: Models) -> None:
        self._overrides = overrides
        self._models = models
        self._genai = GenaiPrices()
        self._known: dict[tuple[str, tuple[str, ...]], _Known] = {}

    @classmethod
    def load(cls, override: Path | None = None) -> Prices:
        """
        The shipped tables, with an operator's file before them.

        Raises:
            SettingsError: The file is not right; one line for each fault, with file, line and column.
        """
        return cls(Overrides.load(override), Models.load())

    def warm(self) -> None:
        """
        Import the price data. Blocking, about half a second: call it in a thread before traffic starts, or the first cost pays for it.
        """
        self._guarded(self._genai.load)

    def cost(
        self,
        *,
        provider: str,
        model_served: str | None,
        model_requested: str | None,
        usage: Usage,
        at: datetime,
        service_tier: str | None = None,
        region_host: str | None = None,
    ) -> Cost:
        """
        The cost of one call.

        Args:
            provider: Our id.
            model_served: As the answer names it; preferred, since a request may name an alias or a deployment.
            at: When the call was made; prices are dated. Aware.
            service_tier: As the answer states it.
            region_host: The host that was called: some charge more at a regional one.

        Returns:
            `Cost.usd` is `None` where the model, its price, or the tokens that would be charged are not known. `price_id` names the entry;
            `#flex` follows where a service tier was priced, `#flex?` where the table has no price of that tier and the list price was
            taken, `+regional` where a surcharge was added.
        """
        at = at.astimezone(UTC)  # tables change at midnight UTC
        service = (service_tier or "").lower()
        if service in _PROVISIONED and provider in _RENTED_BY_THE_CALLER:
            return Cost(usd=Decimal(0), price_source="rule", price_id=f"{provider}/provisioned")
        tier = _SERVICES.get(service)
        names = _names(model_served, model_requested)
        if self._overrides:
            for name in names:
                if found := self._overrides.find(provider, name, at, tier):
                    entry, rates = found
                    return _cost(rates, usage, self._overrides.version(entry), "override", f"{entry.provider}/{entry.model}", tier)
        if provider == "openrouter" and any(name.endswith(":free") for name in names):
            # "Free variants": openrouter.ai/docs/guides/routing/model-variants/free, read 2026-11.
            return Cost(usd=Decimal(0), price_source="rule", price_id="openrouter/:free")
        known = self._look_up(provider, names)
        factor = known.regional if known.regional is not None and _is_regional(provider, region_host) else None
        for wanted in (tier, None) if tier else (None,):
            mark = f"{tier}?" if tier and wanted is None else tier
            dated = known.dated
            if dated is not None:
                rates_at = self._guarded(lambda entry=dated, service=wanted: entry.rates(at, service))  # type: ignore[misc]
                if rates_at is not None:
                    return _cost(rates_at, usage, self._genai.version, "genai-prices", dated.id, mark, factor)
            if known.listed is not None and (listed := known.listed.rates(wanted)) is not None:
                name = f"{known.listed.provider}/{known.listed.name}"
                return _cost(listed, usage, self._models.version, "models-table", name, mark, factor)
        return UNKNOWN

    def _look_up(self, provider: str, names: tuple[str, ...]) -> _Known:
        key = (provider, names)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[key] = _Known(
                dated=next((entry for name in names if (entry := self._dated(provider, name))), None),
                listed=next((model for name in names if (model := self._listed(provider, name))), None),
                regional=next((model.regional for name in names if (model := self._models.find(provider, name))), None),
            )
        return known

    def _dated(self, provider: str, name: str) -> Entry | None:
        return self._guarded(lambda: self._genai.find(provider, name))

    def _listed(self, provider: str, name: str) -> Model | None:
        model = self._models.find(provider, name)
        return model if model is not None and model.provider == provider and model.rates() is not None else None

    def _guarded[T](self, work: Callable[[], T]) -> T | None:
        # The edge to somebody else's code and data. It raises LookupError, ValueError and AttributeError on real input, and a release may
        # add to them; a call without a price is a row with NULL, a call that breaks its own bookkeeping is a lost row.
        try:
            return work()
        except (LookupError, ValueError, AttributeError, TypeError, ArithmeticError, ImportError) as error:
            _log.warning("price table failed: %s", type(error).__name__)
        except Exception as error:  # noqa: BLE001 -- see above: whatever else it raises must not cost us the row
            _log.error("price table failed unexpectedly: %s", type(error).__name__)
        return None


def _names(served: str | None, requested: str | None) -> tuple[str, ...]:
    # What was served is what is billed. The name that was asked for helps where a table knows the alias and not yet what it stands for;
    # where it is another model altogether, its price would be a wrong one.
    if not served:
        return (requested,) if requested else ()
    if not requested or requested == served or not related(served, requested):
        return (served,)
    return (served, requested)


def _cost(rates: Rates, usage: Usage, version: str, source: str, name: str, service: str | None, factor: Decimal | None = None) -> Cost:
    usd = rates.cost(usage)
    if usd is None:
        return UNKNOWN
    if factor is not None:
        usd *= factor
    return Cost(
        usd=usd,
        price_version=version,
        price_source=source,
        price_id=f"{name}{f'#{service}' if service else ''}{'+regional' if factor is not None else ''}",
    )


def _is_regional(provider: str, host: str | None) -> bool:
    # OpenAI: "data residency endpoints are charged a 10% uplift" (developers.openai.com/api/docs/guides/data-residency, read 2026-11).
    # Vertex: regional and multi-regional endpoints, where the table of models says so.
    if host is None:
        return False
    if provider == "openai":
        return host.endswith(".api.openai.com")
    return provider == "vertex" and host != "aiplatform.googleapis.com"
