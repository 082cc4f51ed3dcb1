"""
`excise up`: run the proxy and its ledger.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from excise.catalog.providers import Catalog
from excise.errors import CertificateError, SettingsError
from excise.policy.store import PolicyStore
from excise.supervise.log import log_to_stderr
from excise.supervise.settings import Settings
from excise.supervise.supervisor import Supervisor, hold_port
from excise.trust.authority import ROOT_FILE, Authority
from excise.trust.bundle import Bundle, write_bundle


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
    settings = settle(Settings.load(flags), named_policies=policies is not None)
    log_to_stderr()
    check_files(settings)
    bundle = trust(settings)
    sock, settings = hold_port(settings)
    supervisor = Supervisor(settings, bundle)

    def ready() -> None:
        host, port = settings.listen
        print(f"excise ready on {f'[{host}]' if ':' in host else host}:{port}", flush=True)
        if not quiet:
            print(_greeting(settings, bundle), flush=True)

    try:
        asyncio.run(supervisor.run(ready))
    finally:
        sock.close()


def settle(settings: Settings, *, named_policies: bool) -> Settings:
    """
    Make paths absolute, and take the shipped policy where no directory is named and none is here.
    """
    where = settings.policies
    if not named_policies and where == Settings.model_fields["policies"].default and not where.is_dir():
        package = Path(__file__).resolve().parent.parent
        where = next((path for path in (package / "policies", package.parent.parent / "policies") if path.is_dir()), where)
    paths = {"policies": where, "data": settings.data, "certs": settings.certs}
    optional = {name: value for name in ("providers", "prices", "upstream_ca") if (value := getattr(settings, name)) is not None}
    return settings.model_copy(update={name: path.absolute() for name, path in (paths | optional).items()})


def check_files(settings: Settings) -> None:
    """
    Say what is wrong once, here, and not once in every worker.

    Raises:
        ExciseError: A directory cannot be made, a file cannot be read, or the policy is wrong.
    """
    from excise.catalog.prices import Prices
    from excise.policy.known import known_names

    for name in ("data", "certs"):
        try:
            getattr(settings, name).mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise SettingsError(f"--{name} {getattr(settings, name)}: cannot be made ({error.strerror})") from error
    if settings.upstream_ca is not None and not settings.upstream_ca.is_file():
        raise SettingsError(f"--upstream-ca {settings.upstream_ca}: no such file")
    PolicyStore(settings.policies, known=known_names(settings.providers))
    if settings.prices is not None:
        Prices.load(settings.prices)


def trust(settings: Settings) -> Bundle:
    """
    The CA, made if there is none, and the files clients are pointed at.

    Raises:
        CertificateError: The CA is broken or expired, or does not cover the catalogue.
    """
    domains = Catalog.load(settings.providers).permitted_domains()
    if not (settings.certs / ROOT_FILE).exists():
        Authority.create(settings.certs, permitted_domains=domains)
    authority = Authority.load(settings.certs)
    missing = [domain for domain in domains if not authority.domains.covers(domain)]
    if missing and settings.providers is not None:
        raise CertificateError(f"the CA does not cover {', '.join(missing[:5])}: run `excise certs renew --certs {settings.certs}`")
    for warning in authority.warnings:
        structlog.get_logger("excise.certs").warning(warning)
    return write_bundle(settings.certs)


def _greeting(settings: Settings, bundle: Bundle) -> str:
    host, port = settings.listen
    here = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104
    return "\n".join(
        (
            "",
            "  a program through it   excise run -- python app.py",
            f"  or by hand             export HTTPS_PROXY=http://{here}:{port} SSL_CERT_FILE={bundle.pem}   (all variables: excise env)",
            f"  who used what          excise usage --data {settings.data}",
            f"  the ledger             duckdb -readonly {settings.published}",
            f"  the policy             {settings.policies}",
            "",
            "  Ctrl-C drains and stops.",
        )
    )
