"""
What the call used, and what that costs.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from excise.catalog.prices import Prices
from excise.exchange import Cost, Exchange, Status
from excise.pipeline import Stage
from excise.wire.estimate import estimate_input_tokens
from excise.wire.frame import Frame
from excise.wire.include_usage import strip_usage
from excise.wire.meter import Meter as Metering
from excise.wire.usage import Usage, UsageSource

NOTHING_SENT = Cost(usd=Decimal(0))
SENDS_NULL_USAGE = frozenset({"together", "vllm"})  # asked or not, so it is the client's own


class Meter(Stage):
    """
    Watch the answer's frames go by; at the end say what the provider said, or what we counted, and which of the two.
    """

    def __init__(self, prices: Prices) -> None:
        self._prices = prices

    def on_events(self, exchange: Exchange, events: list[Frame]) -> list[Frame]:
        meter = exchange.meter
        if meter is None:
            meter = exchange.meter = Metering(exchange.upstream, exchange.leaving)
        for frame in events:
            if meter.observe(frame) and exchange.first_event is None:
                exchange.first_event = time.monotonic()
        return (
            without_asked(events, null_added=exchange.upstream.provider not in SENDS_NULL_USAGE) if exchange.strip_usage_chunk else events
        )

    async def on_retired(self, exchange: Exchange) -> None:
        self._conclude(exchange)

    async def on_finish(self, exchange: Exchange) -> None:
        if exchange.call is None or exchange.status is Status.REFUSED:
            exchange.cost = NOTHING_SENT
            return
        self._conclude(exchange)

    def _conclude(self, exchange: Exchange) -> None:
        self._measure(exchange)
        if (attempt := exchange.attempt) is not None:
            attempt.usage, attempt.usage_source, attempt.cost = exchange.usage, exchange.usage_source, exchange.cost

    def _measure(self, exchange: Exchange) -> None:
        assert exchange.call is not None
        call = exchange.upstream
        meter = exchange.meter or Metering(call, exchange.leaving)
        reached = exchange.answer_status is not None
        whole = exchange.answer_whole and not exchange.answer_broken
        metered = meter.finish(status=exchange.answer_status or 0, headers=exchange.answer_headers, complete=whole)
        exchange.usage = metered.usage
        exchange.usage_source = metered.source
        exchange.usage_raw = metered.raw
        exchange.model_served = metered.model
        exchange.response_id = metered.response_id
        exchange.finish_reasons = metered.finish_reasons
        exchange.service_tier = metered.service_tier
        if metered.error_type is not None and exchange.error_type is None:
            exchange.error_type = metered.error_type
            if exchange.attempt is not None:
                exchange.attempt.error_type = metered.error_type
            if exchange.status is Status.OK:
                exchange.status = Status.ERROR
        left = exchange.status is Status.CANCELLED or exchange.error_type in ("upstream_timeout", "hedged")
        if left and exchange.opened and call.billable and not metered.usage.said and exchange.leaving is not None:
            # The provider may have read all of it and billed that. An answer that had begun is a token at least; else nobody knows.
            sent = estimate_input_tokens(exchange.leaving, exchange.leaving.model)
            if sent is not None:
                made = 1 if exchange.answer_status == 200 and exchange.meter is not None else None
                exchange.usage = Usage(uncached_input_tokens=sent, text_output_tokens=made)
                exchange.usage_source = UsageSource.ESTIMATED
        failed = not reached or (exchange.answer_status or 0) >= 400
        if (failed or not call.billable) and not metered.usage.said:
            # Not reached, refused by the provider, or a free operation: known to cost nothing. A timeout after the request
            # left is not that: the provider may have worked, and the row says so by a NULL.
            exchange.cost = Cost(usd=None) if left and call.billable else NOTHING_SENT
            return
        exchange.cost = self._cost(exchange, metered.model, exchange.usage)
        for model, usage in metered.extras:
            exchange.cost = both(exchange.cost, self._cost(exchange, model, usage))

    def _cost(self, exchange: Exchange, model: str | None, usage: Usage) -> Cost:
        return self._prices.cost(
            provider=exchange.upstream.provider,
            model_served=model,
            model_requested=exchange.leaving.model if exchange.leaving else None,
            usage=usage,
            at=datetime.fromtimestamp(exchange.started_at_us / 1e6, tz=UTC),
            service_tier=exchange.service_tier,
            region_host=exchange.upstream_host,
        )


def both(one: Cost, other: Cost) -> Cost:
    """
    The cost of a call that two models served; unknown where either is. The first names the price.
    """
    return replace(one, usd=None if one.usd is None or other.usd is None else one.usd + other.usd)


def without_asked(events: list[Frame], *, null_added: bool = True) -> list[Frame]:
    """
    The frames as the client would have had them, had we not asked for `include_usage`.

    Args:
        null_added: The provider adds `"usage":null` to every chunk because it was asked.
    """
    kept = []
    for frame in events:
        raw = strip_usage(frame, null_added=null_added)
        if raw is frame.raw:
            kept.append(frame)
        elif raw:
            kept.append(Frame(raw=raw, event=frame.event, data=None))
    return kept
