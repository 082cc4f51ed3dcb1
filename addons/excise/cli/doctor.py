"""
`excise doctor [-- CMD…]`: why is my traffic not captured.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated

import typer

from excise.clients.finding import Finding, Verdict

_COLOURS = {Verdict.OK: "green", Verdict.WRONG: "red", Verdict.UNKNOWN: "yellow"}


def doctor(
    command: Annotated[list[str] | None, typer.Argument(help="Rehearse this command instead.", metavar="[-- CMD…]")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the running proxy (EXCISE_DATA; else ./data).")] = None,
    policies: Annotated[Path | None, typer.Option(help="Policies to check (EXCISE_POLICIES; else ./policies).")] = None,
    runtime: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this runtime; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """
    Say why traffic is not captured, and what to do.

    Without a command: looks at the installation, then starts each runtime found here as `excise run` would, lets it ask for
    a page and reports whether it came to the proxy and accepted the certificate. With one: runs it against a recorder that
    answers in the providers' place; nothing is sent to a provider. Exit status 1 if something is wrong.
    """
    findings = _rehearsal(command) if command else _examination(data, policies, runtime or [])
    if as_json:
        print(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        _print(findings, on_stderr=bool(command))
    if any(finding.verdict is Verdict.WRONG for finding in findings):
        raise typer.Exit(1)


def _rehearsal(command: list[str]) -> list[Finding]:
    from excise.catalog.providers import Catalog
    from excise.clients.rehearse import rehearse

    return asyncio.run(rehearse(command, Catalog.load(), os.environ))


def _examination(data: Path | None, policies: Path | None, names: list[str]) -> list[Finding]:
    from excise.catalog.providers import Catalog
    from excise.clients.diagnose import diagnose
    from excise.clients.installation import inspect
    from excise.clients.ready import default_data
    from excise.clients.runtimes import RUNTIMES

    known = [runtime.name for runtime in RUNTIMES]
    if strange := [name for name in names if name not in known]:
        raise typer.BadParameter(f"{strange[0]!r} is not one of {', '.join(known)}", param_hint="--runtime")
    chosen = [runtime for runtime in RUNTIMES if not names or runtime.name in names]
    where = policies or Path(os.environ.get("EXCISE_POLICIES") or "policies")
    return [*inspect(data or default_data(), where, Catalog.load(), os.environ), *asyncio.run(diagnose(chosen, os.environ))]


def _print(findings: list[Finding], *, on_stderr: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        said = Text(finding.detail)
        if finding.advice:
            said.append(f"\n→ {finding.advice}", style="yellow")
        table.add_row(Text(finding.verdict, style=_COLOURS[finding.verdict]), Text(finding.subject), said)
    # The command of a rehearsal owns the standard output.
    Console(stderr=on_stderr).print(table)


def register(app: typer.Typer) -> None:
    app.command("doctor", context_settings={"allow_interspersed_args": False})(doctor)
