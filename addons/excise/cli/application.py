"""
All commands, as one application.

Only the module of the command asked for is imported: printing a ledger need not pay for the proxy. A command module exposes
`register(app: typer.Typer) -> None`.
"""

from __future__ import annotations

import importlib
import os
from typing import Final

import typer

import excise

# Name, and the line `excise --help` shows for it, which must not cost an import.
COMMANDS: Final[dict[str, str]] = {
    "up": "Run the proxy and the ledger.",
    "run": "Run a command with proxy and trust set for it and its children.",
    "env": "Print the same settings for a shell, a compose file or Kubernetes.",
    "doctor": "Say why traffic is not captured, runtime by runtime.",
    "demo": "A local stand-in provider, a few calls, and the ledger they leave.",
    "usage": "Spend and tokens by team, app, model or day.",
    "sql": "Read-only SQL on the published ledger.",
    "tail": "Live calls.",
    "policy": "Check, test, explain and simulate policies.",
    "keys": "Make, list, replace and end virtual keys.",
    "models": "Models with their limits, abilities, prices and quality.",
    "dialects": "What a call keeps and loses from one dialect to another.",
    "redact": "What would be taken out of a text, and what would stand there instead.",
    "retention": "What providers keep of a call, and what zero retention does about it.",
    "prove": "Plant canaries on every path, then search every file that could have kept one.",
    "certs": "Make, show and renew the certificate authority.",
}


def _version(asked: bool) -> None:
    if asked:
        print(f"excise {excise.__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version and leave."),
) -> None:
    """
    A transparent egress proxy for LLM traffic.
    """


def _empty() -> typer.Typer:
    app = typer.Typer(
        name="excise",
        no_args_is_help=True,
        # Errors of ours are one line, those that are bugs need the whole traceback, and neither may show local variables:
        # they can hold a prompt.
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    return app


def build(*names: str) -> typer.Typer:
    """
    The application with the commands named; with all of them, if none is named.
    """
    app = _empty()
    for name in names or COMMANDS:
        importlib.import_module(f"excise.cli.{name}").register(app)
    return app


def _overview() -> typer.Typer:
    """
    Names and lines only: what `excise --help` shows, and what an unknown command is compared with.
    """
    app = _empty()
    for name, line in COMMANDS.items():
        app.command(name, help=line)(lambda: None)
    return app


def choose(arguments: list[str]) -> typer.Typer:
    """
    The smallest application that answers these arguments as the whole one would.
    """
    if "_EXCISE_COMPLETE" in os.environ:
        return build()
    if arguments and arguments[0] in COMMANDS:
        return build(arguments[0])
    return build() if any(argument in COMMANDS for argument in arguments) else _overview()
