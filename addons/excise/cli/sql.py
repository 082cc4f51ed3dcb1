"""
`excise sql`: read-only SQL on the published ledger.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from excise.cli.usage import DataOption, console
from excise.ledger.query import Answer, ask

_MOST_SHOWN = 1000  # rows of a table on a terminal; --json and --csv print all


def register(app: typer.Typer) -> None:
    """
    Add `sql`.
    """
    app.command("sql")(_sql)


def _sql(
    query: Annotated[str, typer.Argument(help='One reading statement, for example "from spend_by_team"; - reads it from standard input.')],
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects; decimals as text.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="With a header line.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, max=3600, metavar="SECONDS", help="Give up after this.")] = 30.0,
    data: DataOption = Path("data"),
) -> None:
    """
    Read-only SQL on the published ledger: tables calls, attempts, decisions, redactions, tunnels, journal_faults; views usage_daily,
    spend_by_team, spend_by_app, spend_by_model, spend_wasted, errors_daily, failover_daily, latency_by_model, unowned_spend, unpriced,
    tunnels_by_host.
    """
    if as_json and as_csv:
        raise typer.BadParameter("one of --json and --csv")
    text = sys.stdin.read() if query == "-" else query
    machine = as_json or as_csv
    answer = ask(data, text, seconds=timeout, most=None if machine else _MOST_SHOWN)
    if as_json:
        print(json.dumps([dict(zip(answer.columns, map(_plain, row), strict=True)) for row in answer.rows], indent=2))
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(answer.columns)
        writer.writerows([_flat(value) for value in row] for row in answer.rows)
    else:
        _show(answer)


def _show(answer: Answer) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    numeric = [all(isinstance(row[at], int | float | Decimal | None) for row in answer.rows) for at in range(len(answer.columns))]
    for name, right in zip(answer.columns, numeric, strict=True):
        table.add_column(Text(name), justify="right" if right else "left", overflow="fold")
    for row in answer.rows:
        table.add_row(*(Text(_printable(value)) for value in row))
    out = console()
    out.print(table)
    count = len(answer.rows)
    more = f"the first {count:,} rows; --json and --csv print all" if answer.cut else f"{count:,} row{'' if count == 1 else 's'}"
    out.print(Text(more, style="dim"))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _flat(value: Any) -> Any:
    plain = _plain(value)
    return json.dumps(plain) if isinstance(plain, list | dict) else plain


def _printable(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    # Names in the ledger come from callers: no escape sequence of theirs reaches the terminal.
    return "".join(char if char.isprintable() or char == "\n" else "�" for char in str(_flat(value)))
