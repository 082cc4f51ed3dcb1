"""
Recorded calls for a simulation: those alike for policy and routing in one bunch, read from the published ledger. Metadata only; there is
nothing else.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
import orjson

from excise.errors import LedgerError
from excise.exchange import Capture
from excise.policy.decide import Facts, normal_model
from excise.policy.principals import address
from excise.routing.profile import Need, Profile, Task
from excise.routing.ratios import Row
from excise.routing.replayed import Place, Recorded
from excise.routing.standing import Standing

EXACT_CALLS = 20_000  # up to here tokens and complexities are compared as they are; beyond, those alike within a tenth go together
MOST_CALLS = 2_000_000  # beyond, every second, third … call stands for its neighbours
QUANTILES = tuple((2 * number + 1) / 40 for number in range(20))  # of latency; enough for a p95
LEAST_ANSWERS = 5  # of a model, before its latency counts as known

# What tells calls apart only where the policy asks about it: without, bunches are large and few.
EXTRAS = {
    "principal": "principal_id",
    "app": "app",
    "env": "env",
    "capture": "capture",
    "source": "client_ip",
    "tags": "tags::VARCHAR",
    "time": "time_bucket(INTERVAL 15 MINUTES, started_at)",  # time zones differ by quarters of an hour
}
_MODEL = "regexp_replace(lower(trim(coalesce(model_routed, model_requested))), '^models/', '')"
_DECIDED = "policy_action IS NOT NULL AND NOT (status = 'refused' AND policy_action <> 'deny') AND provider_requested IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Span:
    """
    Which calls are replayed, and which are not.

    Attributes:
        calls: Replayed, or stood for.
        every: Each of so many stands for its neighbours; 1: none is left out.
        exact: Nothing was rounded.
        copies: Shadow copies, left out.
        undecided: No rule decided on them: wrong credentials, a request that could not be read, a list we answer ourselves … left out.
        first, last: When.
    """

    calls: int
    every: int
    exact: bool
    copies: int
    undecided: int
    first: dt.datetime | None
    last: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Speed:
    """
    How fast a model answered.
    """

    milliseconds: tuple[float, ...]
    standing: Standing


def survey(con: duckdb.DuckDBPyConnection, start: dt.datetime | None) -> Span:
    """
    What there is to replay.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    query = f"""
        SELECT count(*) FILTER (shadow_of IS NULL AND {_DECIDED}), count(*) FILTER (shadow_of IS NOT NULL),
            count(*) FILTER (shadow_of IS NULL AND NOT ({_DECIDED})), min(started_at), max(started_at)
        FROM calls {_since(start)}
    """  # noqa: S608 constants of this file
    ((calls, copies, undecided, first, last),) = _rows(con, query)
    return Span(calls, max(1, math.ceil(calls / MOST_CALLS)), calls <= EXACT_CALLS, copies, undecided, first, last)


def replayed(
    con: duckdb.DuckDBPyConnection, start: dt.datetime | None, span: Span, *, extras: Collection[str], billable: Callable[[str, str], bool]
) -> Iterator[Recorded]:
    """
    Bunches of the calls of `span`.

    Args:
        extras: Which of `EXTRAS` tell calls apart, and `complexity`, where anything depends on it.
        billable: Of a provider and an operation; not recorded.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    where = f"{_since(start)} AND shadow_of IS NULL AND {_DECIDED} AND hash(call_id) % {span.every} = 0"
    return _bunches(con, where, [], exact=span.exact, every=span.every, extras=extras, billable=billable)


def recorded_call(con: duckdb.DuckDBPyConnection, call_id: str, *, billable: Callable[[str, str], bool]) -> Recorded | None:
    """
    A bunch of one; `None`: the ledger does not have it.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    where = "WHERE call_id = ? AND provider_requested IS NOT NULL"
    return next(_bunches(con, where, [call_id], exact=True, every=1, extras=EXTRAS.keys(), billable=billable), None)


def _bunches(
    con: duckdb.DuckDBPyConnection,
    where: str,
    values: Sequence[str],
    *,
    exact: bool,
    every: int,
    extras: Collection[str],
    billable: Callable[[str, str], bool],
) -> Iterator[Recorded]:
    near = "{0}" if exact else "round(ln(1 + {0}) / ln(1.2))"
    keys = [
        "principal_type = 'virtual_key'", "team", "provider_requested", "operation", "model_requested", "stream", "task",
        "array_to_string(needs, ',')", "provider_served", _MODEL, "deployment", "policy_action = 'deny'", "policy_rule",
        *(EXTRAS[name] if name in extras else "NULL" for name in EXTRAS),
    ]  # fmt: skip
    fine = [near.format(name) for name in ("max_tokens", "estimated_input_tokens", "expected_output_tokens")]
    if exact or "complexity" in extras:
        fine += ["complexity", "task_confidence"] if exact else ["round(complexity * 10)", "round(task_confidence * 4)"]
    named = ", ".join(f"{key} AS k{number}" for number, key in enumerate(keys))
    query = f"""
        SELECT {named}, avg(max_tokens), avg(estimated_input_tokens), avg(expected_output_tokens), avg(complexity), avg(task_confidence),
            count(*), count(input_tokens), sum(input_tokens)::BIGINT,
            sum(output_tokens) FILTER (input_tokens IS NOT NULL)::BIGINT, sum(cache_read_tokens) FILTER (input_tokens IS NOT NULL)::BIGINT,
            count(cost_usd), sum(cost_usd)
        FROM calls {where} GROUP BY {", ".join([f"k{number}" for number in range(len(keys))] + fine)}
        ORDER BY ALL
    """  # noqa: S608 constants of this file
    for row in _rows(con, query, values):
        yield _recorded(row[: len(keys)], row[len(keys) :], every, billable)


def _recorded(key: tuple[Any, ...], values: tuple[Any, ...], every: int, billable: Callable[[str, str], bool]) -> Recorded:
    ours, team, provider, operation, asked, stream, task, needs, served, model, deployment, denied, rule = key[: -len(EXTRAS)]
    principal, app, env, capture, source, tags, moment = key[-len(EXTRAS) :]
    max_tokens, estimated, expected, complexity, confidence, calls, metered, taken, given, cached, priced, cost = values
    wanted = frozenset(Need(need) for need in (needs or "").split(",") if need in Need)
    profile = None
    if task is not None:
        profile = Profile(
            task=Task(task) if task in Task else Task.UNKNOWN,
            confidence=confidence or 0.0,
            complexity=0.5 if complexity is None else complexity,
            needs=wanted,
            input_tokens=_whole(estimated),
            output_tokens=_whole(expected),
            max_tokens=_whole(max_tokens),
        )
    operation = operation or "unknown"
    facts = Facts(
        principal=principal or "anonymous",
        provider=provider,
        operation=operation,
        capture=Capture(capture) if capture in Capture else Capture.PROXY,
        team=team,
        app=app,
        env=env,
        model=normal_model(asked) if asked else None,
        billable=billable(provider, operation),
        source=address(source) if source else None,
        task=task,
        complexity=complexity if task is not None else None,
        needs=frozenset(need.value for need in wanted),
        input_tokens=_whole(estimated),
        output_tokens=_whole(max_tokens),
        stream=stream,
        tags=_texts(tags),
        now=moment.replace(tzinfo=dt.UTC) if moment is not None else None,
    )
    return Recorded(
        facts=facts,
        named=(asked or "") if ours else None,
        profile=profile,
        place=Place(served or provider, model or "", deployment),
        denied_by=(rule or "?") if denied else None,
        calls=calls * every,
        metered=metered * every,
        input_tokens=(taken or 0) * every,
        output_tokens=(given or 0) * every,
        cache_read_tokens=(cached or 0) * every,
        priced=priced * every,
        cost_usd=(cost or Decimal(0)) * every,
    )


def speeds(con: duckdb.DuckDBPyConnection, start: dt.datetime | None) -> dict[tuple[str, str], Speed]:
    """
    How fast each model answered, by provider and the model's name as it was sent; copies count, too.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    query = f"""
        SELECT provider_served, {_MODEL}, quantile_cont(latency_ms, {list(QUANTILES)}), median(ttft_ms),
            median(1000 * output_tokens / (latency_ms - ttft_ms)) FILTER (stream AND output_tokens >= 20 AND latency_ms > ttft_ms + 50),
            count(*)
        FROM calls {_since(start)} AND status = 'ok' AND provider_served IS NOT NULL AND latency_ms IS NOT NULL
        GROUP BY 1, 2 HAVING count(*) >= {LEAST_ANSWERS}
    """  # noqa: S608 constants of this file
    return {
        (provider, model or ""): Speed(
            tuple(quantiles),
            Standing(first_byte_seconds=None if first is None else first / 1000, tokens_per_second=rate, samples=float(count)),
        )
        for provider, model, quantiles, first, rate, count in _rows(con, query)
    }


def token_ratios(con: duckdb.DuckDBPyConnection, start: dt.datetime | None) -> list[Row]:
    """
    How many tokens each model billed for what was estimated, by provider and the model's name as it was sent: for `Ratios.load`.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    query = f"""
        SELECT provider_served, {_MODEL}, median(ln(input_tokens / estimated_input_tokens)), count(*)
        FROM calls {_since(start)} AND usage_source = 'provider' AND estimated_input_tokens >= 200 AND input_tokens > 0
            AND input_tokens / estimated_input_tokens BETWEEN 0.2 AND 5 AND provider_served IS NOT NULL
        GROUP BY 1, 2 HAVING count(*) >= {LEAST_ANSWERS}
    """  # noqa: S608 constants of this file
    return [(provider, model or "", mean, count) for provider, model, mean, count in _rows(con, query)]


def _since(start: dt.datetime | None) -> str:
    return f"WHERE started_at >= make_timestamp({int(start.timestamp()) * 1_000_000 if start is not None else 0})"


def _rows(con: duckdb.DuckDBPyConnection, query: str, values: Sequence[str] = ()) -> Iterator[tuple[Any, ...]]:
    try:
        cursor = con.execute(query, list(values))
        while some := cursor.fetchmany(10_000):
            yield from some
    except duckdb.Error as error:
        raise LedgerError(f"the ledger cannot be read: {str(error).partition(chr(10))[0]}") from error


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _texts(tags: str | None) -> dict[str, str]:
    said = orjson.loads(tags) if tags else {}
    return {str(name): str(value) for name, value in said.items()} if isinstance(said, dict) else {}
