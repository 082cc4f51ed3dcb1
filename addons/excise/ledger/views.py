"""
What analysts query: every table as one view over hot rows and sealed Parquet, and the usual questions on top.

A view names its Parquet files one by one, so the file an analyst has open is a consistent ledger whatever is sealed or merged meanwhile.
The paths are absolute, because a relative one would follow the working directory of whoever asks. A data directory that was moved or is
mounted elsewhere is read after

    SET VARIABLE excise_data = '/where/it/is/now';

(`excise sql` and `excise usage` do so), and for good as soon as the ledger process has started there once.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from excise.ledger.schema import TABLES

PARQUET = "parquet"  # folder below the data directory
VARIABLE = "excise_data"

_SUMS = """
    count(*) AS calls,
    sum(input_tokens)::BIGINT AS input_tokens,
    sum(cache_read_tokens)::BIGINT AS cache_read_tokens,
    sum(output_tokens)::BIGINT AS output_tokens,
    sum(cost_usd) AS cost_usd,
    sum(cost_usd) FILTER (shadow_of IS NOT NULL) AS shadow_usd,
    count(*) FILTER (cost_usd IS NULL AND (input_tokens IS NOT NULL OR output_tokens IS NOT NULL)) AS unpriced_calls,
    count(*) FILTER (status IN ('error', 'failed', 'unknown')) AS errors
"""

# ruff: noqa: S608 -- every piece of SQL here is a constant of this file or a name of the schema.
_MODEL = "coalesce(model_served, model_requested) AS model"
_MONTH = "date_trunc('month', started_at)::DATE AS month"


def _spend(columns: str) -> str:
    return f"SELECT {_MONTH}, {columns}, {_SUMS} FROM calls GROUP BY ALL ORDER BY month DESC, cost_usd DESC NULLS LAST"


QUESTIONS: dict[str, tuple[str, str]] = {
    "usage": ("every call, hot and sealed; the same as calls", "SELECT * FROM calls"),
    "usage_daily": (
        "tokens, cost and errors a day, team, app, provider, model and operation",
        f"SELECT started_at::DATE AS day, team, app, provider_served AS provider, {_MODEL}, operation, {_SUMS} FROM calls "
        "GROUP BY ALL ORDER BY day DESC, cost_usd DESC NULLS LAST",
    ),
    "spend_by_team": ("a month and team", _spend("team")),
    "spend_by_app": ("a month, team and app", _spend("team, app")),
    "spend_by_model": ("a month, provider and model", _spend(f"provider_served AS provider, {_MODEL}")),
    "errors_daily": (
        "what went wrong, a day, provider and kind of error",
        "SELECT started_at::DATE AS day, provider_served AS provider, status, error_type, http_status, shadow_of IS NOT NULL AS shadow, "
        "count(*) AS calls FROM calls "
        "WHERE status <> 'ok' GROUP BY ALL ORDER BY day DESC, calls DESC",
    ),
    "latency_by_model": (
        "milliseconds of answered calls, a provider and model",
        f"SELECT provider_served AS provider, {_MODEL}, stream, count(*) AS calls, "
        "quantile_cont(latency_ms, 0.5) AS latency_p50_ms, quantile_cont(latency_ms, 0.95) AS latency_p95_ms, "
        "quantile_cont(latency_ms, 0.99) AS latency_p99_ms, quantile_cont(ttft_ms, 0.5) AS ttft_p50_ms, "
        "quantile_cont(ttft_ms, 0.95) AS ttft_p95_ms, quantile_cont(proxy_overhead_ms, 0.95) AS proxy_overhead_p95_ms "
        "FROM calls WHERE status = 'ok' GROUP BY ALL ORDER BY calls DESC",
    ),
    "spend_wasted": (
        "tries that brought no answer, and what the provider bills for them all the same, a day, provider, model and kind of error",
        "SELECT started_at::DATE AS day, provider, model, outcome, error_type, count(*) AS tries, "
        "sum(input_tokens)::BIGINT AS input_tokens, sum(output_tokens)::BIGINT AS output_tokens, sum(cost_usd) AS cost_usd, "
        "count(*) FILTER (cost_usd IS NULL) AS unpriced_tries FROM attempts WHERE outcome IN ('failed', 'hedged') "
        "GROUP BY ALL ORDER BY day DESC, cost_usd DESC NULLS LAST, tries DESC",
    ),
    "failover_daily": (
        "calls that took several tries, how many of them were answered, and how late, a day and provider asked first",
        "SELECT day, first_provider, count(*) AS calls, count(*) FILTER (tries > 1) AS calls_tried_again, "
        "count(*) FILTER (tries > 1 AND status = 'ok') AS answered_after_failover, count(*) FILTER (providers > 1) AS calls_moved, "
        "quantile_cont(added_ms, 0.5) FILTER (tries > 1 AND status = 'ok') AS added_p50_ms, "
        "quantile_cont(added_ms, 0.95) FILTER (tries > 1 AND status = 'ok') AS added_p95_ms FROM ("
        "SELECT c.started_at::DATE AS day, c.status, t.* FROM calls c JOIN ("
        "SELECT call_id, count(*) AS tries, count(DISTINCT (provider, deployment)) AS providers, "
        "arg_min(provider, attempt) AS first_provider, "
        "date_diff('microsecond', arg_min(started_at, attempt), "
        "coalesce(arg_max(started_at, attempt) FILTER (outcome = 'ok'), arg_max(started_at, attempt))) / 1000 AS added_ms "
        "FROM attempts GROUP BY call_id) t USING (call_id) WHERE c.shadow_of IS NULL) "
        "GROUP BY ALL ORDER BY day DESC, calls_tried_again DESC",
    ),
    "unowned_spend": (
        "calls nobody has claimed, a fingerprint of the provider key they used",
        f"SELECT api_key_id, principal_type, min(started_at) AS first_at, max(started_at) AS last_at, {_SUMS} FROM calls "
        "WHERE principal_type IN ('provider_key', 'anonymous') GROUP BY ALL ORDER BY cost_usd DESC NULLS LAST",
    ),
    "unpriced": (
        "calls with tokens and without a price, a provider and model",
        f"SELECT provider_served AS provider, {_MODEL}, count(*) AS calls, "
        "sum(input_tokens)::BIGINT AS input_tokens, sum(output_tokens)::BIGINT AS output_tokens, min(started_at) AS first_at, "
        "max(started_at) AS last_at FROM calls WHERE cost_usd IS NULL AND (input_tokens IS NOT NULL OR output_tokens IS NOT NULL) "
        "GROUP BY ALL ORDER BY calls DESC",
    ),
    "redactions_daily": (
        "what was taken out, a day, team, app, kind and detector",
        "SELECT c.started_at::DATE AS day, c.team, c.app, r.direction, r.entity, r.detector, r.action, count(DISTINCT r.call_id) AS calls, "
        "sum(r.count)::BIGINT AS found FROM redactions r JOIN calls c USING (call_id) GROUP BY ALL ORDER BY day DESC, found DESC",
    ),
    "unscanned": (
        "what left without being scanned, a provider and operation",
        "SELECT provider_served AS provider, operation, redaction_rule, count(*) AS calls, sum(request_bytes)::BIGINT AS request_bytes, "
        "sum(unscanned_bytes)::BIGINT AS unscanned_bytes, max(started_at) AS last_at FROM calls "
        "WHERE (redaction_rule IS NULL OR unscanned_bytes > 0) AND status <> 'refused' GROUP BY ALL ORDER BY calls DESC",
    ),
    "retention_by_provider": (
        "what is known of providers keeping calls",
        "SELECT provider_served AS provider, retention, count(*) AS calls, min(started_at) AS first_at, max(started_at) AS last_at "
        "FROM calls WHERE status <> 'refused' GROUP BY ALL ORDER BY calls DESC",
    ),
    "tunnels_by_host": (
        "traffic that passed unread, a host and reason",
        "SELECT coalesce(sni, host) AS host, reason, count(*) AS tunnels, sum(bytes_up)::BIGINT AS bytes_up, "
        "sum(bytes_down)::BIGINT AS bytes_down, min(started_at) AS first_at, max(started_at) AS last_at FROM tunnels "
        "GROUP BY ALL ORDER BY tunnels DESC",
    ),
}


def literal(text: str) -> str:
    """
    A SQL string.
    """
    return "'" + text.replace("'", "''") + "'"


def table_view(table: str, data: Path, files: Iterable[str], *, one_schema: bool = True) -> str:
    """
    SQL of the view `table` over `live.table` and the Parquet `files` (paths below `data/parquet`).

    Args:
        one_schema: All files have today's columns; saves reading every file's footer before a query begins.
    """
    columns = ", ".join(column.name for column in TABLES[table])
    base = f"coalesce(getvariable('{VARIABLE}'), {literal(str(data))})"
    listed = ", ".join(f"{base} || {literal(f'/{PARQUET}/{file}')}" for file in files)
    hot = f"SELECT {columns} FROM live.{table}"
    if not listed:
        return f"CREATE OR REPLACE VIEW {table} AS {hot}"
    reader = f"read_parquet([{listed}], union_by_name={str(not one_schema).lower()}, hive_partitioning=false)"
    return f"CREATE OR REPLACE VIEW {table} AS {hot} UNION ALL BY NAME SELECT * FROM {reader}"


def question_views() -> list[str]:
    """
    SQL of the other views, in an order in which each finds what it reads.
    """
    return [f"CREATE OR REPLACE VIEW {name} AS {query}" for name, (_, query) in QUESTIONS.items()]
