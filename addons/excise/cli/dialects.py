"""
`excise dialects`: what a call keeps and loses from one dialect to another.
"""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from excise.cli.usage import JsonOption, console
from excise.wire.dialects.registry import DIALECTS
from excise.wire.loss import Verdict
from excise.wire.survey import PROBES, Finding, survey

_SIGNS = {Verdict.EXACT: ("=", "green"), Verdict.DEGRADED: ("~", "yellow"), Verdict.IMPOSSIBLE: ("x", "red"), None: ("", "")}


def register(app: typer.Typer) -> None:
    """
    Add `dialects`.
    """
    app.command("dialects")(_dialects)


def _dialects(
    source: Annotated[str | None, typer.Option("--from", metavar="DIALECT", help="What the client speaks.")] = None,
    target: Annotated[str | None, typer.Option("--to", metavar="DIALECT", help="What the provider speaks.")] = None,
    as_json: JsonOption = False,
) -> None:
    """
    What becomes of each feature of a request between two dialects: exact (=), degraded (~), impossible (x), empty where clients of the
    source cannot ask for it. Found by translating a probe of each feature, so it says what the proxy does. With --from and --to: why.
    """
    for name, option in ((source, "--from"), (target, "--to")):
        if name is not None and name not in DIALECTS:
            raise typer.BadParameter(f"one of {', '.join(DIALECTS)} is expected", param_hint=option)
    sources = [source] if source is not None else list(DIALECTS)
    targets = [target] if target is not None else list(DIALECTS)
    found = {(one, other): list(survey(DIALECTS[one], DIALECTS[other])) for one in sources for other in targets}
    if as_json:
        print(json.dumps({"pairs": [_plain(pair, findings) for pair, findings in found.items()]}, indent=2))
    elif source is not None and target is not None:
        console().print(_in_full(found[source, target]))
    elif source is not None or target is not None:
        console().print(_matrix(found, by=1 if source is not None else 0))
    else:
        console().print(_overview(found))


def _plain(pair: tuple[str, str], findings: list[Finding]) -> dict[str, object]:
    rows = [
        {
            "feature": finding.feature,
            "verdict": finding.verdict,
            "losses": [{"field": loss.field, "change": loss.change, "why": loss.why} for loss in finding.losses],
        }
        for finding in findings
    ]
    return {"from": pair[0], "to": pair[1], "features": rows}


def _in_full(findings: list[Finding]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("feature", "", "what happens, and why"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        sign, style = _SIGNS[finding.verdict]
        lines = [f"{loss.field} {loss.change}: {loss.why}" for loss in finding.losses]
        said = "cannot be asked for in this dialect" if finding.verdict is None else "\n".join(lines)
        table.add_row(finding.feature, Text(sign, style=style), said)
    return table


def _matrix(found: dict[tuple[str, str], list[Finding]], *, by: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("to" if by else "from", no_wrap=True)
    for pair in found:
        table.add_column(pair[by], justify="center", overflow="fold")
    for number, feature in enumerate(PROBES):
        signs = (_SIGNS[findings[number].verdict] for findings in found.values())
        table.add_row(feature, *(Text(sign, style=style) for sign, style in signs))
    return table


def _overview(found: dict[tuple[str, str], list[Finding]]) -> Table:
    table = Table(
        title="exact / degraded / impossible, of the features a client can ask for", title_justify="left", box=None, pad_edge=False
    )
    table.add_column("from \\ to", no_wrap=True, style="bold")
    for name in dict.fromkeys(pair[1] for pair in found):
        table.add_column(name, justify="center", overflow="fold")
    for name in dict.fromkeys(pair[0] for pair in found):
        cells = []
        for pair, findings in found.items():
            if pair[0] == name:
                counts = [sum(finding.verdict is verdict for finding in findings) for verdict in Verdict]
                cells.append(" / ".join(map(str, counts)))
        table.add_row(name, *cells)
    return table
