"""
`excise env`: what `excise run` sets, written down for a shell, a compose file, Kubernetes.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from excise.clients import formats
from excise.clients.environment import Trust, additions, with_credentials
from excise.clients.formats import Format
from excise.clients.ready import default_data, proxy_address, require_alive
from excise.clients.request import Target, credentialed, find_target, refuse_exempting_all
from excise.errors import SettingsError

# Stands where a key goes in what others will fill in. No URL, path or option of ours contains it.
_PLACE = "EXCISE-KEY-PLACE"


def env(
    format: Annotated[Format, typer.Option(help="Who will read it.")] = Format.SH,
    data: Annotated[Path | None, typer.Option(help="Folder of the running proxy (EXCISE_DATA; else ./data).")] = None,
    proxy: Annotated[str | None, typer.Option(metavar="URL", help="The proxy as the reader sees it.")] = None,
    trust: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder with excise-ca.pem, bundle.pem, truststore.p12.")] = None,
    mount: Annotated[str, typer.Option(metavar="DIR", help="compose, kubernetes: where the container finds those files.")] = "/etc/excise",
    service: Annotated[str, typer.Option(help="compose, kubernetes: name of the service or container.")] = "app",
    app: Annotated[str | None, typer.Option(metavar="NAME", help="Who calls; with --key.")] = None,
    key: Annotated[str | None, typer.Option(metavar="VARIABLE", help="Environment variable that holds the key of --app.")] = None,
) -> None:
    """
    Print what `excise run` sets.

    eval "$(excise env)" in a shell; --format for fish, PowerShell, docker --env-file, compose, Kubernetes, programs. With
    --app, compose and Kubernetes get a reference to the key, the others the key itself.
    """
    target = find_target(data or default_data(), proxy, trust)
    if proxy is None:
        # ready.json says where; one that was killed leaves it behind, and its address would break every program that reads this.
        require_alive(target.proxy_url)
    if format in formats.MOUNTED:
        text = _mounted(format, target, mount, service, app, key)
    else:
        # What dotenv files are for starts from an empty environment; a shell has one already.
        present: Mapping[str, str] = {} if format is Format.DOTENV else os.environ
        refuse_exempting_all(present)
        text = formats.SHELLS[format](additions(credentialed(target.proxy_url, app, key), target.trust, present))
    sys.stdout.write(text)


def _mounted(format: Format, target: Target, mount: str, service: str, app: str | None, key: str | None) -> str:
    if (app is None) != (key is None):
        raise SettingsError("--app and --key belong together: the application's name, and the variable that holds its key")
    if key is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
        raise SettingsError("--key names the variable that will hold the key: letters, digits and underscores")
    host, port = proxy_address(target.proxy_url)
    if host in ("127.0.0.1", "localhost", "::1"):
        print(
            f"excise: {host} is the container itself when seen from inside; let `excise up --listen 0.0.0.0:{port}` serve others "
            f"and name it here, for example --proxy http://host.docker.internal:{port}",
            file=sys.stderr,
        )
    folder = PurePosixPath(mount)
    here = [path for path in (target.trust.ca, target.trust.bundle, target.trust.truststore) if path is not None]
    mounts = {str(path): str(folder / path.name) for path in here}
    store = target.trust.truststore
    # In there our paths are read, not the ones of this machine.
    inside = Trust(
        Path(folder / target.trust.ca.name), Path(folder / target.trust.bundle.name), None if store is None else Path(folder / store.name)
    )
    url = target.proxy_url if app is None else with_credentials(target.proxy_url, app, _PLACE)
    pairs = additions(url, inside, {})
    write = formats.compose if format is Format.COMPOSE else formats.kubernetes
    return write(service, pairs, mounts, None if key is None else (_PLACE, key))


def register(app: typer.Typer) -> None:
    app.command("env")(env)
