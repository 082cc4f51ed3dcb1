"""
`excise usage`: spend and tokens.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from excise.ledger.query import reading
from excise.ledger.spend import DIMENSIONS, Spend, since, spend

DataOption = Annotated[Path, typer.Option("--data", envvar="EXCISE_DATA", metavar="DIR", help="The data directory of `excise up`.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable.")]


def register(app: typer.Typer) -> None:
    """
    Add `usage`.
    """
    app.command("usage")(_usage)


def console() -> Console:
    """
    Standard output; wide where it is no terminal, so that a pipe gets whole names.
    """
    return Console() if sys.stdout.isatty() else Console(width=200)


def _dimensions(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in DIMENSIONS:
            raise typer.BadParameter(f"{name!r}: one or more of {', '.join(DIMENSIONS)}")
    return list(dict.fromkeys(names))


def _usage(
    start: Annotated[str, typer.Option("--since", metavar="TIME", help="24h, 7d, 2026-11-01 (UTC), or all.")] = "7d",
    by: Annotated[str, typer.Option("--by", metavar="NAMES", help=f"Comma-separated: {', '.join(DIMENSIONS)}.")] = "team,app,model",
    as_json: JsonOption = False,
    data: DataOption = Path("data"),
) -> None:
    """
    Spend and tokens by team, app, model, provider, principal, day, operation.
    """
    names = _dimensions(by)
    try:
        moment = None if start == "all" else since(start, dt.datetime.now(dt.UTC))
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error), param_hint="--since") from error
    with reading(data) as con:
        lines, total = spend(con, names, moment)
    if as_json:
        document = {
            "since": moment.isoformat() if moment else None,
            "by": names,
            "lines": [{**dict(zip(names, line.keys, strict=True)), **_plain(line)} for line in lines],
            "total": _plain(total),
        }
        print(json.dumps(document, indent=2))
        return
    console().print(_table(names, lines, total, f"since {moment:%Y-%m-%d %H:%M} UTC" if moment else "since the beginning"))


def _plain(line: Spend) -> dict[str, int | str | None]:
    return {
        "calls": line.calls,
        "input_tokens": line.input_tokens,
        "cache_read_tokens": line.cache_read_tokens,
        "output_tokens": line.output_tokens,
        "cost_usd": None if line.cost_usd is None else str(line.cost_usd),  # text: a JSON number would become a float
        "unpriced_calls": line.unpriced_calls,
        "unmetered_calls": line.unmetered_calls,
        "errors": line.errors,
    }


def _table(names: list[str], lines: list[Spend], total: Spend, title: str) -> Table:
    table = Table(title=title, title_justify="left", show_footer=True, box=None, pad_edge=False, header_style="bold", footer_style="bold")
    for position, name in enumerate(names or ["all"]):
        table.add_column(name, footer="total" if not position else "", overflow="fold", min_width=6)
    for header, footer in zip(("calls", "input", "cached", "output", "cost USD", "errors"), _cells(total), strict=True):
        table.add_column(header, footer=footer, justify="right", no_wrap=True)
    for line in lines if names else [total]:
        # Text, not str: names come from callers and must not be read as markup.
        keys = [Text(_shown(key), style="" if key is not None else "dim") for key in line.keys] or [Text("all")]
        table.add_row(*keys, *_cells(line))
    notes = []
    if total.unpriced_calls:
        notes.append(f"{total.unpriced_calls:,} calls have no known price and are not in the cost (view unpriced)")
    if total.unmetered_calls:
        notes.append(f"{total.unmetered_calls:,} answered calls came without usage")
    table.caption = "\n".join(notes) or None
    table.caption_justify = "left"
    return table


def _cells(line: Spend) -> tuple[Text, ...]:
    return (
        Text(f"{line.calls:,}"),
        *(Text("-" if value is None else f"{value:,}") for value in (line.input_tokens, line.cache_read_tokens, line.output_tokens)),
        Text(_money(line.cost_usd, line.unpriced_calls)),
        Text(f"{line.errors:,}" if line.errors else "", style="red"),
    )


def _money(usd: Decimal | None, unpriced: int) -> str:
    """
    Exact, at least cents; and the number of calls that have no price.
    """
    if usd is None:
        return f"{unpriced:,} unpriced" if unpriced else "-"
    digits = format(usd, ",f")
    if "." in digits:
        whole, _, part = digits.partition(".")
        digits = f"{whole}.{part.rstrip('0').ljust(2, '0')}"
    return f"{digits} + {unpriced:,} unpriced" if unpriced else digits


def _shown(key: str | None) -> str:
    return "(none)" if key is None else "".join(char if char.isprintable() else "�" for char in key)
