"""
`DATA/ready.json`: what runs here, for `excise run`, `excise env` and whoever watches over us.
"""

from __future__ import annotations

import os
from typing import Any

import orjson

from excise import __version__
from excise.supervise.settings import Settings
from excise.trust.bundle import Bundle


def address(host: str, port: int) -> str:
    """
    As it is written: IPv6 in brackets.
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reachable(host: str) -> str:
    """
    Where a program of this machine reaches a listener: "all addresses" is none a client can connect to.
    """
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def describe(settings: Settings, bundle: Bundle, *, workers: list[int | None], ledger: int | None) -> dict[str, Any]:
    """
    The content. A process that is being started again is `null`.
    """
    host, port = settings.listen
    return {
        "pids": {"supervisor": os.getpid(), "workers": workers, "ledger": ledger},
        "listen": address(host, port),
        "proxy_url": f"http://{address(reachable(host), port)}",
        "ca": str(bundle.root),
        "bundle": str(bundle.pem),
        "truststore": str(bundle.truststore),
        "ledger": str(settings.published.resolve()),
        "version": __version__,
    }


def write(settings: Settings, facts: dict[str, Any]) -> None:
    """
    Readers see the old file or the new one.

    Raises:
        OSError: It could not be written; the old one stays, and nothing else is left.
    """
    fresh = settings.ready_file.with_suffix(".new")
    try:
        fresh.write_bytes(orjson.dumps(facts, option=orjson.OPT_INDENT_2))
        fresh.replace(settings.ready_file)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
