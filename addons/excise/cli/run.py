"""
`excise run -- CMD…`: CMD, with proxy and trust set for it and its children.
"""

from __future__ import annotations

from typing import Annotated

import typer

from excise.clients.launch import Launch, launch


def run(
    command: Annotated[list[str], typer.Argument(help="The command and its arguments, best after `--`.", metavar="CMD…")],
    data: Annotated[str | None, typer.Option(metavar="DIR", help="Folder of the running proxy (EXCISE_DATA; else ./data).")] = None,
    proxy: Annotated[str | None, typer.Option(metavar="URL", help="Another proxy than the one that runs from --data.")] = None,
    trust: Annotated[str | None, typer.Option(metavar="DIR", help="Folder with excise-ca.pem, bundle.pem, truststore.p12.")] = None,
    app: Annotated[str | None, typer.Option(metavar="NAME", help="Who calls; with --key.")] = None,
    key: Annotated[str | None, typer.Option(metavar="VARIABLE", help="Environment variable that holds the key of --app.")] = None,
) -> None:
    """
    Run a command with proxy and trust set for it and its children.

    The command takes this process's place: signals, exit status, terminal and pipes are its own. Nothing is set for anyone
    else.
    """
    launch(Launch(command, data, proxy, trust, app, key))


def register(app: typer.Typer) -> None:
    app.command("run", context_settings={"allow_interspersed_args": False})(run)
