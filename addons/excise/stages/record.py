"""
The journal: a line before the request leaves, a line when a try has failed and another begins, a line when it has ended.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from excise.errors import LedgerError, Unavailable
from excise.exchange import Exchange
from excise.pipeline import Stage
from excise.stages.routed import destination, losses_of, planned, profiled, redirected, short, tries
from excise.wire.loss import Verdict

ROUGH_BYTES = 64 * 1024
MAX_UNWRITTEN = 100_000  # closing lines kept in memory while the disk is full; about 1 KB each

_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")  # W3C Trace Context, level 1


class Line(Protocol):
    """
    What Record needs of a journal.
    """

    def append(self, kind: str, record: dict[str, Any]) -> None: ...


class Record(Stage):
    """
    Write `open` before the request leaves, `attempt` between tries, and `close` exactly once after it ended.

    A closing line that cannot be written is kept in memory and written when there is room again (`retry`); until then new calls are
    refused, because an unmetered call is a breach, unless policy says `on_journal_failure: allow`.
    """

    each_attempt = True

    def __init__(self, journal: Line, *, block: Callable[[], bool]) -> None:
        self._journal = journal
        self._block = block
        self._unwritten: deque[tuple[str, dict[str, Any]]] = deque()
        self.lost = 0  # closing lines dropped beyond MAX_UNWRITTEN: the loader then closes those calls as unknown

    async def on_request(self, exchange: Exchange) -> None:
        if exchange.opened:  # by an earlier try of the same call
            return
        try:
            self.retry()
            self._journal.append("open", opening(exchange) | {"estimate": rough_estimate(exchange)})
        except LedgerError as error:
            if self._block():
                raise Unavailable(
                    "usage cannot be recorded now, so the call was not made; free disk space for the journal or ask whoever runs the proxy",
                    kind="journal_unavailable",
                    retry_after_seconds=5,
                ) from error
        else:
            exchange.opened = True

    async def on_attempt(self, exchange: Exchange) -> None:
        """
        A try has failed, and `exchange`, the leg of the next one, is about to leave.
        """
        if exchange.opened:
            self.write("attempt", trying(exchange))

    async def on_finish(self, exchange: Exchange) -> None:
        self.write("close", closing(exchange))

    def progress(self, exchange: Exchange) -> None:
        """
        Note how far a long answer is, for the row it gets should we die.
        """
        if exchange.opened and exchange.status is None:
            self.write("progress", progressing(exchange))

    def write(self, kind: str, record: dict[str, Any]) -> None:
        """
        Append a line that must not be lost; never raises.
        """
        try:
            self.retry()
            self._journal.append(kind, record)
        except LedgerError:
            if len(self._unwritten) < MAX_UNWRITTEN:
                self._unwritten.append((kind, record))
            else:
                self.lost += 1

    def retry(self) -> None:
        """
        Write what could not be written before.

        Raises:
            LedgerError: There is still no room.
        """
        while self._unwritten:
            self._journal.append(*self._unwritten[0])
            self._unwritten.popleft()


def opening(exchange: Exchange) -> dict[str, Any]:
    """
    What is known before the request leaves. Keys are columns of the ledger.
    """
    http, call, prompt, principal = exchange.http, exchange.call, exchange.prompt, exchange.principal
    agent = http.header("user-agent")
    record: dict[str, Any] = {
        "call_id": exchange.id,
        "started_at": exchange.started_at_us,
        "capture": exchange.client.capture,
        "client_ip": exchange.client.ip,
        "request_bytes": len(http.body),
        "user_agent": short(agent),
        "sdk": sdk_of(http.header("x-stainless-lang"), agent),
        "currency": "USD",
        "shadow_of": exchange.shadow_of,
    }
    if (trace := http.header("traceparent")) and (found := _TRACEPARENT.match(trace)):
        record["trace_id"], record["parent_span_id"] = found.groups()
    if call is not None:
        record |= {"operation": call.operation, "dialect": call.dialect, "provider_requested": call.provider}
    if prompt is not None:
        record |= {
            "model_requested": short(prompt.model),
            "stream": prompt.stream,
            "max_tokens": prompt.max_tokens,
            "reasoning_level": short(prompt.reasoning_level),
            "consumer_id": prompt.consumer_id,
        }
    if principal is not None:
        record |= {
            "principal_id": principal.id,
            "principal_type": principal.type,
            "team": principal.team,
            "app": principal.app,
            "cost_centre": principal.cost_centre,
            "env": principal.env,
            "tags": principal.tags or None,
            "api_key_id": principal.api_key_id,
        }
    return record | destination(exchange) | profiled(exchange) | planned(exchange)


def rough_estimate(exchange: Exchange) -> dict[str, int] | None:
    """
    What to book should we die before the answer: as profiled, else four bytes a token. `None` for large bodies nobody has profiled, which
    are mostly pictures in base64.
    """
    if exchange.profile is not None and exchange.profile.input_tokens is not None:
        return {"input_tokens": exchange.profile.input_tokens}
    size = len(exchange.prompt.body) if exchange.prompt is not None else 0
    return {"input_tokens": size // 4} if 0 < size <= ROUGH_BYTES and exchange.call is not None and exchange.call.billable else None


def progressing(exchange: Exchange) -> dict[str, Any]:
    """
    What is known of an answer under way.
    """
    record: dict[str, Any] = {
        "call_id": exchange.id,
        "http_status": exchange.answer_status,
        "response_bytes": exchange.answer_bytes,
    }
    if exchange.first_event is not None:
        record["ttft_ms"] = round((exchange.first_event - exchange.started) * 1000, 3)
    return record


def trying(exchange: Exchange) -> dict[str, Any]:
    """
    The tries so far, and where the call goes now.
    """
    return {"call_id": exchange.id, "attempts_detail": tries(exchange)} | redirected(exchange) | planned(exchange)


def closing(exchange: Exchange) -> dict[str, Any]:
    """
    What the end added to the `open` line; everything, where there was none.
    """
    record: dict[str, Any] = {"call_id": exchange.id} if exchange.opened else opening(exchange)
    usage, cost = exchange.usage, exchange.cost
    started, ended = exchange.started, exchange.ended or exchange.started
    record |= {
        "ended_at": exchange.ended_at_us,
        "status": exchange.status,
        "http_status": exchange.http_status,
        "error_type": short(exchange.error_type),
        "latency_ms": round((ended - started) * 1000, 3),
        "proxy_overhead_ms": round(exchange.proxy_seconds * 1000, 3),
        "response_bytes": exchange.answer_bytes,
        "attempts": len(exchange.attempts) if exchange.opened else 0,
        "model_served": short(exchange.model_served),
        "response_id": short(exchange.response_id),
        "finish_reasons": list(exchange.finish_reasons) or None,
        "usage_source": exchange.usage_source,
        "usage_raw": exchange.usage_raw,
    }
    if exchange.opened and exchange.course is not None and exchange.course.excluded:
        record |= planned(exchange)  # some may have been excluded since
    if exchange.opened and len(exchange.attempts) > 1:
        record |= redirected(exchange) | planned(exchange)
    elif exchange.route is not None:
        record |= {"translation": Verdict.of(exchange.losses), "losses": losses_of(exchange)}
    if exchange.first_event is not None:
        record["ttft_ms"] = round((exchange.first_event - started) * 1000, 3)
    if usage is not None:
        record |= {
            "input_tokens": usage.input_tokens,
            "cache_read_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "cache_write_1h_tokens": usage.cache_write_1h_tokens,
            "output_tokens": usage.output_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_input_tokens": usage.audio_input_tokens,
            "audio_output_tokens": usage.audio_output_tokens,
            "image_input_tokens": usage.image_input_tokens,
            "image_output_tokens": usage.image_output_tokens,
            "provider_cost_usd": usage.provider_cost_usd,
        }
    if cost is not None:
        record |= {
            "cost_usd": cost.usd,
            "price_id": cost.price_id,
            "price_source": cost.price_source,
            "price_version": cost.price_version,
        }
    record |= protecting(exchange)
    if exchange.opened:
        record["attempts_detail"] = tries(exchange)
    return record


def protecting(exchange: Exchange) -> dict[str, Any]:
    """
    What was taken out, put back, and is known of the provider's keeping: kinds and counts.
    """
    record: dict[str, Any] = {}
    if exchange.retention is not None:
        record |= {"retention": exchange.retention, "retention_rules": dict(exchange.retention_receipt)}
    redaction = exchange.redaction
    if redaction is None:
        return record
    kinds: dict[str, int] = {}
    for (entity, _, _), count in redaction.counts.items():
        kinds[entity] = kinds.get(entity, 0) + count
    both = (("request", redaction.counts), ("answer", exchange.answer_findings))
    detail = [
        {"entity": entity, "detector": detector, "action": action, "direction": direction, "count": count}
        for direction, counts in both
        for (entity, detector, action), count in counts.items()
    ]
    record |= {
        "redaction_rule": redaction.rule,
        "redactions_total": redaction.taken,
        "redactions": kinds or None,
        "scanned_bytes": redaction.scanned_bytes,
        "skipped_bytes": redaction.skipped_bytes,
        "unscanned_bytes": redaction.unscanned_bytes,
        "redactions_detail": detail,
    }
    if exchange.restorer is not None:
        record |= {"restored_total": exchange.restorer.counts.restored, "damaged_total": exchange.restorer.counts.damaged}
    return record


def sdk_of(stainless_lang: str | None, user_agent: str | None) -> str | None:
    """
    The SDK in one word, as far as its headers say it: "openai-python", "anthropic-js", "boto3" …
    """
    agent = (user_agent or "").lower()
    first = agent.split("/", 1)[0].split(" ", 1)[0]
    if stainless_lang and first:
        return short(f"{first}-{stainless_lang.lower()}")
    return short(first) if first else None
