"""
Which models there are, for whoever holds a key of ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache, partial

import orjson

from excise.access.listing import Listed, anthropic_list, gemini_list, ollama_list, openai_list, priced
from excise.catalog.models import Models
from excise.catalog.prices import Prices
from excise.errors import BadRequest
from excise.exchange import Exchange, OwnAnswer
from excise.pipeline import Stage
from excise.policy.compile import Policy
from excise.policy.decide import Facts, SentHeaders, decide, normal_model
from excise.policy.deployment import TargetRef
from excise.policy.glob import any_of
from excise.policy.principals import address
from excise.policy.store import PolicyStore
from excise.stages.wanted import VIRTUAL_KEY
from excise.wire.usage import Usage


class ListModels(Stage):
    """
    Answer a list of models ourselves where a key of ours asks: what policy lets this key use, and nothing else.
    """

    def __init__(self, store: PolicyStore, prices: Prices) -> None:
        self._store = store
        self._prices = prices
        self._listed = lru_cache(20_000)(self._look_up)

    async def on_request(self, exchange: Exchange) -> None:
        """
        Raises:
            BadRequest: There is no such model, or none that this key may use.
        """
        call, principal = exchange.call, exchange.principal
        if (
            call is None
            or principal is None
            or principal.type != VIRTUAL_KEY
            or call.operation != "models"
            or exchange.http.method != "GET"
        ):
            return
        # Tens of milliseconds where there are many deployments.
        models = await asyncio.to_thread(lambda: sorted(self._allowed(self._store.current, exchange), key=lambda one: one.id))
        _, _, query = exchange.http.path.partition("?")
        wanted = call.model
        if call.provider == "anthropic":
            body = anthropic_list(models, wanted, query)
        elif call.dialect == "ollama":
            body = ollama_list(models)
        elif call.provider in ("gemini", "vertex"):
            body = gemini_list(models, wanted, query)
        else:
            body = openai_list(models, wanted)
        if body is None:
            text = "there is no such model, or this key may not use it; GET /v1/models lists those it may"
            raise BadRequest(text, kind="model_not_found", status=404)
        exchange.own_answer = OwnAnswer(200, (("content-type", "application/json"),), orjson.dumps(body))

    def _allowed(self, policy: Policy, exchange: Exchange) -> Iterator[Listed]:
        principal = exchange.principal
        assert principal is not None
        may_ask = any_of(tuple(pattern.lower() for pattern in principal.models)) if principal.models else None
        source = address(exchange.client.ip)
        for name, target in _names(policy):
            if may_ask is not None and not may_ask(name.lower()):
                continue
            provider = policy.deployments[target.deployment].provider
            facts = Facts(
                principal=principal.id,
                provider=provider,
                operation="chat",
                capture=exchange.client.capture,
                team=principal.team,
                app=principal.app,
                env=principal.env,
                model=normal_model(target.model),
                source=source,
                headers=SentHeaders(exchange.http.headers),
                tags=principal.tags,
                now=datetime.fromtimestamp(exchange.started_at_us / 1_000_000, UTC),
            )
            if decide(policy, facts).allow:
                yield self._listed(name, provider, target.model)

    def _look_up(self, name: str, provider: str, model: str) -> Listed:
        cost = partial(self._cost, provider)
        return Listed(name, provider, model, Models.load().find(provider, model), priced(cost, model))

    def _cost(self, provider: str, model: str, made: int, written: int) -> Decimal | None:
        usage = Usage(uncached_input_tokens=made, text_output_tokens=written)
        return self._prices.cost(provider=provider, model_served=None, model_requested=model, usage=usage, at=datetime.now(UTC)).usd


def _names(policy: Policy) -> Iterator[tuple[str, TargetRef]]:
    """
    Every name a model goes by, and what it means first.
    """
    for alias, choice in policy.aliases.items():
        yield alias, choice.targets[0].target
    tabled: dict[str, list[str]] = {}
    for provider, model in Models.load():
        tabled.setdefault(provider, []).append(model)
    for name, deployment in policy.deployments.items():
        for model in dict.fromkeys((*deployment.models, *tabled.get(deployment.provider, ()))):
            yield f"{name}/{model}", TargetRef(name, model)
