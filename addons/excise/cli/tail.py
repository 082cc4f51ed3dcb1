"""
`excise tail`: live calls.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from excise.cli.usage import DataOption
from excise.ledger.schema import CALLS, TUNNELS
from excise.ledger.watch import Watch

_POLL_SECONDS = 0.2
# Columns only: a record may carry more, and what is not a column is nobody's promise.
_COLUMNS = {column.name for column in (*CALLS, *TUNNELS)} | {"kind"}


def register(app: typer.Typer) -> None:
    """
    Add `tail`.
    """
    app.command("tail")(_tail)


def _tail(
    count: Annotated[int, typer.Option("-n", min=0, metavar="N", help="Ended calls to show first.")] = 10,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on with what happens now.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One object a line.")] = False,
    data: DataOption = Path("data"),
) -> None:
    """
    Live calls: when they begin, and how they ended. Read from the journal, so nothing waits for the ledger. No prompts, no answers.
    """
    watch = Watch(data / "journal")
    for record in watch.recent(count):
        _print(record, as_json=as_json)
    with suppress(KeyboardInterrupt):
        while follow:
            for record in watch.poll():
                _print(record, as_json=as_json)
            time.sleep(_POLL_SECONDS)


def _print(record: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({name: value for name, value in record.items() if name in _COLUMNS or name == "call_id"}), flush=True)
    else:
        print(line(record), flush=True)


def line(record: dict[str, Any]) -> str:
    """
    One journal record for human eyes.
    """
    kind = record["kind"]
    stamp = _clock(record.get("started_at") if kind == "open" else record.get("ended_at") or record.get("started_at"))
    if kind == "tunnel":
        host = f"{record.get('sni') or record.get('host') or '?'}:{record.get('port') or '?'}"
        sizes = f"up {_number(record.get('bytes_up'))} down {_number(record.get('bytes_down'))} bytes"
        status = str(record.get("status") or "ok")
        ended = "" if status == "ok" else f"{status}  "
        return _safe(f"{stamp}  tunnel     {ended}{host}  {record.get('reason') or ''}" + ("" if status == "open" else f"  {sizes}"))
    who = "/".join(str(part) for part in (record.get("team"), record.get("app")) if part) or str(record.get("principal_id") or "-")
    provider = record.get("provider_served") or record.get("provider_requested") or "?"
    model = record.get("model_served") or record.get("model_requested") or record.get("operation") or "?"
    if kind in ("open", "attempt", "progress"):
        return _safe(f"{stamp}  …          {who}  {provider} {model}")
    parts = [f"{stamp}  {record.get('status') or 'unknown':<9}", f"{who}  {provider} {model}"]
    if record.get("error_type"):
        parts.append(f"{record.get('http_status') or ''} {record['error_type']}".strip())
    if record.get("input_tokens") is not None or record.get("output_tokens") is not None:
        cached = f" ({_number(record['cache_read_tokens'])} cached)" if record.get("cache_read_tokens") else ""
        parts.append(f"in {_number(record.get('input_tokens'))}{cached} out {_number(record.get('output_tokens'))}")
        parts.append("price unknown" if record.get("cost_usd") is None else f"${record['cost_usd']}")
    if isinstance(record.get("latency_ms"), int | float):
        parts.append(f"{record['latency_ms']:,.0f} ms")
    return _safe("  ".join(parts))


def _clock(us: Any) -> str:
    if type(us) is not int:
        return "--:--:--"
    try:
        return f"{dt.datetime.fromtimestamp(us / 1e6, dt.UTC).astimezone():%H:%M:%S}"
    except (OverflowError, ValueError, OSError):
        return "--:--:--"


def _number(value: Any) -> str:
    return f"{value:,}" if type(value) is int else "?"


def _safe(text: str) -> str:
    # Names come from callers: no escape sequence of theirs reaches the terminal.
    return "".join(char if char.isprintable() else "�" for char in text)
