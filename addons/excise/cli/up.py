"""
`excise up`: run the proxy and its ledger.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from asyncio.subprocess import Process
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from excise.errors import SettingsError
from excise.supervise.spawn import WORKER, spawn

# Everything else is imported while the first worker loads its own code: on two cores that halves a start.
if TYPE_CHECKING:
    from excise.supervise.prepare import Prepared


def register(app: typer.Typer) -> None:
    """
    Add the command to the program.
    """
    app.command("up")(up)


def up(
    listen: Annotated[str | None, typer.Option(help="HOST:PORT of the proxy; port 0 takes a free one.", metavar="HOST:PORT")] = None,
    transparent: Annotated[str | None, typer.Option(help="HOST:PORT for redirected connections.", metavar="HOST:PORT")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that share the port.")] = None,
    policies: Annotated[Path | None, typer.Option(help="Directory of policy files.", metavar="DIR")] = None,
    data: Annotated[Path | None, typer.Option(help="Journal, ledger, state.", metavar="DIR")] = None,
    certs: Annotated[Path | None, typer.Option(help="The CA; made at the first start.", metavar="DIR")] = None,
    providers: Annotated[Path | None, typer.Option(help="Own entries for the catalogue.", metavar="FILE")] = None,
    prices: Annotated[Path | None, typer.Option(help="Own prices, over the shipped ones.", metavar="FILE")] = None,
    quality: Annotated[Path | None, typer.Option(help="Own scores of models, over the shipped ones.", metavar="FILE")] = None,
    classifier: Annotated[Path | None, typer.Option(help="Embedding model asked for the task of unclear calls.", metavar="DIR")] = None,
    upstream_ca: Annotated[Path | None, typer.Option(help="Trusted beside the system's roots.", metavar="FILE")] = None,
    resolve: Annotated[
        list[str] | None, typer.Option(help="Where a name is really reached (repeatable).", metavar="HOST:PORT:ADDR[:PORT]")
    ] = None,
    allow_private: Annotated[list[str] | None, typer.Option(help="Network that may be reached (repeatable).", metavar="CIDR")] = None,
    upstream_proxy: Annotated[str | None, typer.Option(help="Proxy between us and the providers.", metavar="URL")] = None,
    journal_sync: Annotated[str | None, typer.Option(help="interval: fdatasync each second; always: before each call.")] = None,
    publish_seconds: Annotated[float | None, typer.Option(help="How often usage.duckdb is published.")] = None,
    drain_seconds: Annotated[float | None, typer.Option(help="How long calls may take to end at a stop.")] = None,
    connect_timeout_seconds: Annotated[float | None, typer.Option(help="For a connection to a provider.")] = None,
    first_byte_timeout_seconds: Annotated[float | None, typer.Option(help="From request to the answer's first byte.")] = None,
    idle_timeout_seconds: Annotated[float | None, typer.Option(help="Between bytes of an answer or tunnel.")] = None,
    max_body_bytes: Annotated[int | None, typer.Option(help="Largest request body.")] = None,
    max_connections: Annotated[int | None, typer.Option(help="Client connections a worker takes.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the ready line alone.")] = False,
) -> None:
    """
    Run the proxy, its ledger and all workers; Ctrl-C drains and stops.
    """
    flags: dict[str, Any] = {name: value for name, value in locals().items() if name != "quiet"}
    raise typer.Exit(asyncio.run(_up(flags, quiet=quiet)))


async def _up(flags: dict[str, Any], *, quiet: bool) -> int:
    """
    Exit code.
    """
    begun = [await spawn(WORKER)]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # Kept until the supervisor's own handlers are there: nothing runs on this loop before it.
        loop.add_signal_handler(number, lambda: None)
    try:
        from excise.supervise.hold import hold_port
        from excise.supervise.log import log_to_stderr
        from excise.supervise.prepare import prepare
        from excise.supervise.settings import Settings
        from excise.supervise.supervisor import Supervisor

        log_to_stderr()
        try:
            settings = Settings.load(flags)
        except SettingsError as error:
            print(f"excise: {error.message}", file=sys.stderr)
            return 2  # wrong use, as any other option
        prepared = prepare(settings, named_policies=flags["policies"] is not None)
        sock, settings = hold_port(prepared.settings)
        with sock:
            supervisor = Supervisor(settings, prepared.bundle, begun=begun, say=(lambda text: None) if quiet else _say)
            begun = []  # its own from now on
            return await supervisor.run(lambda: _greet(prepared, settings.listen, quiet=quiet))
    finally:
        for process in begun:
            await _discard(process)


async def _discard(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()


def _say(text: str) -> None:
    print(f"excise: {text}", file=sys.stderr, flush=True)


def _greet(prepared: Prepared, listen: tuple[str, int], *, quiet: bool) -> None:
    from excise.supervise.ready import address, reachable

    host, port = listen
    print(f"excise ready on {address(host, port)}", flush=True)
    if quiet:
        return
    settings, bundle, me = prepared.settings, prepared.bundle, called_as(sys.argv[0])
    lines = [""]
    if prepared.made is not None:
        lines.append(f"  made a CA              {bundle.root}   (it can sign for {prepared.made} domains of LLM providers, no others)")
    lines += [
        f"  a program through it   {me} run -- python app.py",
        f"  or by hand             export HTTPS_PROXY=http://{address(reachable(host), port)} SSL_CERT_FILE={bundle.pem}"
        f"   (all variables: {me} env)",
        f"  who used what          {me} usage --data {settings.data}",
        f"  the ledger             duckdb -readonly {settings.published}",
        f"  the policy             {settings.policies}",
        "",
        "  Ctrl-C drains and stops.",
    ]
    print("\n".join(lines), flush=True)


def called_as(program: str) -> str:
    """
    How the person at the terminal calls us: `excise` where the shell finds it, else the path it was started by.

    Args:
        program: `sys.argv[0]`.
    """
    path = Path(program)
    if path.name == "__main__.py":
        return "python -m excise.cli"
    if path.name != "excise":
        return "excise"  # from within another program
    found = shutil.which("excise")
    if found is not None and Path(found).absolute() == path.absolute():
        return "excise"
    nearer = os.path.relpath(path)
    return program if nearer.startswith(os.pardir) or not path.is_absolute() else nearer
