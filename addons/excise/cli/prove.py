"""
`excise prove`: one command shows that nothing is kept and nothing leaves that must not.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from excise.prove.run import Options, prove


def register(app: typer.Typer) -> None:
    """
    Add `prove`.
    """
    app.command("prove")(_prove)


def _prove(
    policies: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", exists=True, file_okay=False, help="Prove it with your own policy; redaction is then told, not judged."
        ),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the folder (journal, ledger, logs, everything searched) in place.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """
    Prove that nothing is kept: canaries through every path of a real proxy, then a search of everything it wrote. Exit 1: not proven.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: the proxy it started ends with it
    report = prove(Options(policies=policies, keep=keep))
    if as_json:
        print(json.dumps(report.plain(), indent=2))
    else:
        from excise.cli.usage import console

        report.show(console())
    raise typer.Exit(0 if report.passed else 1)
