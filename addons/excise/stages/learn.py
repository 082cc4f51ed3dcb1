"""
What an attempt's end says of its target, for the calls after it.
"""

from __future__ import annotations

import structlog

from excise.exchange import Exchange, Status
from excise.pipeline import Stage
from excise.policy.deployment import TargetRef
from excise.routing.failure import Failure
from excise.routing.judge import judge
from excise.stages.outlook import Outlook
from excise.stages.watch import refused
from excise.wire.fault_sort import sort_of
from excise.wire.usage import UsageSource

log = structlog.get_logger("excise.learn")

_OURS = frozenset({"internal", "retention_unproven"})
LEAST_OUTPUT_TOKENS = 20  # a speed is not told from less


class Learn(Stage):
    """
    Tell the outlook how routed calls went.
    """

    def __init__(self, outlook: Outlook) -> None:
        self._outlook = outlook

    def on_answer(self, exchange: Exchange) -> None:
        if (route := exchange.route) is not None and exchange.answer_status is not None:
            self._outlook.health.learned(_target(exchange), route.credential_at, exchange.answer_headers, exchange.answer_status)

    def on_failure(self, exchange: Exchange, failure: Failure) -> None:
        if (route := exchange.route) is None:
            return
        self._outlook.health.failed(_target(exchange), route.credential_at, failure)
        exchange.learned = True
        if judge(failure, repeated=0).alarm:
            # Such a thing does not pass by itself: a key that is refused, a certificate that is wrong.
            log.warning("target_needs_attention", target=str(_target(exchange)), key_number=route.credential_at + 1, failure=failure.kind)

    async def on_retired(self, exchange: Exchange) -> None:
        await self.on_finish(exchange)

    async def on_finish(self, exchange: Exchange) -> None:
        route, attempt = exchange.route, exchange.attempt
        if route is None or exchange.learned:
            return
        exchange.learned = True
        target, health = _target(exchange), self._outlook.health
        # It was an answer, and we withheld it: for what stands in it, or for a fault of ours.
        ours = exchange.answer_refusal is not None or exchange.error_type in _OURS
        if attempt is None or ours or exchange.status in (Status.CANCELLED, Status.REFUSED) or attempt.outcome == "hedged":
            health.released(target, route.credential_at)
        elif exchange.status is Status.OK:
            health.succeeded(target, route.credential_at, first_byte_seconds=_first_content(exchange), tokens_per_second=_speed(exchange))
            if exchange.shadow_of is None:  # a copy's answer is heard by nobody, and moves no conversation
                self._outlook.answered(exchange, target)
            self._count(exchange)
        else:
            health.failed(target, route.credential_at, _broken(exchange))

    def _count(self, exchange: Exchange) -> None:
        billed = exchange.usage.input_tokens if exchange.usage is not None else None
        estimated = exchange.profile.input_tokens if exchange.profile is not None else None
        if exchange.route is not None and exchange.usage_source is UsageSource.PROVIDER and billed and estimated:
            self._outlook.ratios.learned(exchange.route.call.provider, exchange.route.model, estimated, billed)


def _target(exchange: Exchange) -> TargetRef:
    assert exchange.route is not None
    return TargetRef(exchange.route.deployment, exchange.route.model)


def _first_content(exchange: Exchange) -> float | None:
    attempt = exchange.attempt
    return exchange.first_event - attempt.started if attempt is not None and exchange.first_event is not None else None


def _speed(exchange: Exchange) -> float | None:
    """
    Tokens a second, of streams: a buffered answer comes at once, however long it was written.
    """
    made = exchange.usage.output_tokens if exchange.usage is not None else None
    streamed = exchange.prompt is not None and exchange.prompt.stream
    if not streamed or made is None or made < LEAST_OUTPUT_TOKENS or exchange.first_event is None or exchange.ended is None:
        return None
    seconds = exchange.ended - exchange.first_event
    return made / seconds if seconds > 0 else None


def _broken(exchange: Exchange) -> Failure:
    """
    A failure nothing came of any more: the answer had begun, or there was nobody else.
    """
    status = exchange.answer_status
    if status is not None and status >= 400:
        return refused(exchange, status)
    kind = exchange.error_type or "upstream_closed"
    return Failure(kind, "head" if status is None else "content", sort=sort_of(None, (kind,), ""))
