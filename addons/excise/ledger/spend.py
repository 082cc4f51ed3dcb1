"""
Who used what: sums over calls, exact to the last digit.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import duckdb

from excise.errors import LedgerError

# What `--by` takes, and the expression over `calls` behind it.
DIMENSIONS: Final[dict[str, str]] = {
    "team": "team",
    "app": "app",
    "model": "coalesce(model_served, model_requested)",
    "provider": "coalesce(provider_served, provider_requested)",
    "principal": "principal_id",
    "day": "started_at::DATE::VARCHAR",
    "operation": "operation",
    "status": "status",
}

_SPAN: Final = re.compile(r"^(\d{1,6})([mhdw])$")
_UNITS: Final = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True, slots=True)
class Spend:
    """
    One line. `None` in a sum: no call of the line stated it. `cost_usd` is the sum of the priced calls; `unpriced_calls` used tokens and
    have no price, so where it is not 0 the true cost is higher.
    """

    keys: tuple[str | None, ...]
    calls: int
    input_tokens: int | None
    cache_read_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None
    unpriced_calls: int
    unmetered_calls: int  # answered, billed, and nobody knows for what; a free operation has a cost: 0
    errors: int  # ended as error, failed or unknown


def since(text: str, now: dt.datetime) -> dt.datetime:
    """
    `30m`, `24h`, `7d`, `4w` before `now`, or a date or time in UTC (`2026-11-01`, `2026-11-01T12:00`).

    Args:
        now: Aware.

    Raises:
        ValueError: Neither.
    """
    if found := _SPAN.match(text.strip()):
        return now.astimezone(dt.UTC) - dt.timedelta(seconds=int(found[1]) * _UNITS[found[2]])
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError(f"{text!r} is no time: write 24h, 7d or 2026-11-01") from error
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


def spend(con: duckdb.DuckDBPyConnection, by: Sequence[str], start: dt.datetime | None) -> tuple[list[Spend], Spend]:
    """
    Lines by the given dimensions, dearest first (days in order), and the total.

    Raises:
        LedgerError: The ledger cannot be read.
        KeyError: A dimension is unknown.
    """
    chosen = [DIMENSIONS[name] for name in by]
    where = "WHERE started_at >= make_timestamp(?)" if start is not None else ""
    values = [int(start.timestamp()) * 1_000_000] if start is not None else []
    columns = "".join(f"{expression}, " for expression in chosen)
    sets = f"GROUP BY GROUPING SETS (({', '.join(chosen)}), ())" if chosen else ""
    order = f"{by.index('day') + 1}, " if "day" in by else ""
    query = f"""
        SELECT {columns} count(*), sum(input_tokens)::BIGINT, sum(cache_read_tokens)::BIGINT, sum(output_tokens)::BIGINT, sum(cost_usd),
            count(*) FILTER (cost_usd IS NULL AND (input_tokens IS NOT NULL OR output_tokens IS NOT NULL)),
            count(*) FILTER (status = 'ok' AND cost_usd IS NULL AND coalesce(usage_source, 'unknown') = 'unknown'
                AND input_tokens IS NULL AND output_tokens IS NULL),
            count(*) FILTER (status IN ('error', 'failed', 'unknown')),
            {f"grouping({chosen[0]})" if chosen else "1"} AS is_total
        FROM calls {where} {sets} ORDER BY is_total, {order} sum(cost_usd) DESC NULLS LAST, count(*) DESC
    """  # noqa: S608 expressions of this file
    try:
        rows = con.execute(query, values).fetchall()
    except duckdb.Error as error:
        raise LedgerError(f"the ledger cannot be read: {str(error).partition(chr(10))[0]}") from error
    width = len(chosen)
    lines = [Spend(row[:width], *row[width:-1]) for row in rows if not row[-1]]
    total = next((Spend((), *row[width:-1]) for row in rows if row[-1]), Spend((), 0, None, None, None, None, 0, 0, 0))
    return lines, total
