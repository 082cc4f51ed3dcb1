"""
What routing made of a call, as the ledger has it: what it was taken for, who could answer it, and each try.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from excise.exchange import Attempt, Exchange, Status
from excise.routing.plan import Candidate
from excise.wire.loss import Verdict

MOST_CANDIDATES = 50  # of each list: a policy may name more, and a line of the journal is not to be as long as the policy
_OUTCOMES = {Status.OK: "ok", Status.CANCELLED: "cancelled", Status.REFUSED: "cancelled"}


def profiled(exchange: Exchange) -> dict[str, Any]:
    """
    Columns of what the call asks for.
    """
    profile = exchange.profile
    if profile is None:
        return {}
    return {
        "task": profile.task.value,
        "task_confidence": round(profile.confidence, 4),
        "complexity": round(profile.complexity, 4),
        "needs": sorted(need.value for need in profile.needs) or None,
        "estimated_input_tokens": profile.input_tokens,
        "expected_output_tokens": profile.output_tokens,
    }


def planned(exchange: Exchange) -> dict[str, Any]:
    """
    Who could answer the call, who could not, and why; as far as that is known by now.
    """
    if exchange.course is None:
        return {}
    plan = exchange.course.plan
    return {
        "strategy": plan.strategy,
        "candidates": _listed(plan.candidates),
        "excluded": _listed((*plan.excluded, *exchange.course.excluded)) or None,
        "notes": [short(note, 500) for note in plan.notes[:MOST_CANDIDATES]] or None,
        "last_resort": plan.last_resort,
    }


def destination(exchange: Exchange) -> dict[str, Any]:
    """
    Where the call goes, and what policy says of that.
    """
    record: dict[str, Any] = {"server_host": exchange.upstream_host}
    if exchange.call is not None:
        record["provider_served"] = exchange.upstream.provider
    if (route := exchange.route) is not None:
        record |= {
            "route_policy": route.policy_id,
            "route_rule": short(route.rule),
            "route_reason": short(route.reason, 2000),
            "model_routed": short(route.model),
            "deployment": short(route.deployment),
            "target_dialect": _dialect(exchange),
            "translation": Verdict.of(exchange.losses),
            "losses": losses_of(exchange),
        }
    if (decision := exchange.decision) is not None:
        record |= {
            "policy_id": decision.policy_id,
            "policy_rule": decision.rule,
            "policy_action": decision.action,
            "reason": decision.reason or None,
        }
    return record


def redirected(exchange: Exchange) -> dict[str, Any]:
    """
    As `destination`, over the columns of an earlier try: what that one lost or was told does not stay.
    """
    record = destination(exchange)
    return record | {name: record[name] or blank for name, blank in (("losses", {}), ("reason", "")) if name in record}


def losses_of(exchange: Exchange) -> dict[str, str] | None:
    """
    What a translation did not carry over: neutral names of fields, and what became of each.
    """
    return {loss.field: loss.change.value for loss in exchange.losses} or None


def tries(exchange: Exchange) -> list[dict[str, Any]]:
    """
    Rows of `attempts`. What a try does not say of itself is the call's where it is the one that answered; of one that still runs, there is
    no end and no outcome.
    """
    return [_try(exchange, number, attempt) for number, attempt in enumerate(exchange.attempts, 1)]


def _try(exchange: Exchange, number: int, attempt: Attempt) -> dict[str, Any]:
    started, over = exchange.started, exchange.status is not None
    own = over and attempt is (exchange.attempt or exchange.attempts[-1])
    ended = attempt.ended
    if ended is None and over:
        ended = exchange.ended or started
    usage = attempt.usage or (exchange.usage if own else None)
    cost = attempt.cost or (exchange.cost if own else None)
    route = exchange.route if own else None
    record: dict[str, Any] = {
        "attempt": number,
        "provider": attempt.provider,
        "model": short(attempt.model),
        "host": attempt.host,
        "started_at": exchange.started_at_us + int((attempt.started - started) * 1e6),
        "ended_at": exchange.started_at_us + int((ended - started) * 1e6) if ended is not None else None,
        "http_status": attempt.http_status,
        "error_type": short(attempt.error_type),
        "ttft_ms": _ms(attempt.first_byte - attempt.started) if attempt.first_byte else None,
        "latency_ms": _ms(ended - attempt.started) if ended is not None else None,
        "deployment": short(attempt.deployment or (route.deployment if route is not None else None)),
        "dialect": attempt.dialect or (_dialect(exchange) if own and exchange.call is not None else None),
        "outcome": attempt.outcome or _outcome(exchange, attempt, own=own),
        "why": short(attempt.why or (route.reason if route is not None else None), 500),
        "wait_ms": _ms(attempt.wait_seconds),
        "redaction_rule": short(attempt.redaction_rule),
        "redactions_total": attempt.redactions_total,
        "retention": attempt.retention,
        "usage_source": attempt.usage_source or (exchange.usage_source if own else None),
    }
    if usage is not None:
        record |= {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cache_read_tokens": usage.cache_read_tokens,
        }
    if cost is not None:
        record |= {"cost_usd": cost.usd, "price_version": cost.price_version}
    return {name: value for name, value in record.items() if value is not None}


def _outcome(exchange: Exchange, attempt: Attempt, *, own: bool) -> str | None:
    if own and exchange.status is not None:
        return _OUTCOMES.get(exchange.status, "failed")
    return "failed" if attempt.error_type is not None else None


def _dialect(exchange: Exchange) -> str:
    return exchange.translation.target.name if exchange.translation is not None else exchange.upstream.dialect


def _listed(candidates: Iterable[Candidate]) -> list[dict[str, Any]]:
    return [_candidate(one) for one in tuple(candidates)[:MOST_CANDIDATES]]


def _candidate(one: Candidate) -> dict[str, Any]:
    record = {
        "target": short(str(one.target)),
        "reason": short(one.reason, 500),
        "score": None if one.score is None else round(one.score, 6),
        "cost_usd": None if one.cost_usd is None else format(one.cost_usd, "f"),
        "latency_seconds": None if one.latency_seconds is None else round(one.latency_seconds, 3),
        "quality": one.quality,
        "dominated": None if one.efficient else True,
    }
    return {name: value for name, value in record.items() if value is not None}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def short(text: str | None, limit: int = 200) -> str | None:
    """
    Names come from outside: bounded, and without control characters.
    """
    if text is None:
        return None
    text = text[:limit]
    return text if text.isprintable() else "".join(char for char in text if char.isprintable())
