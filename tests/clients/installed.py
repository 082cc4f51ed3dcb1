"""
A proxy's folder as `excise up` leaves it, with real certificates, and something that answers on its port.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from excise.catalog.providers import Catalog
from excise.trust.authority import Authority
from excise.trust.bundle import write_bundle

DOMAINS = Catalog.load().permitted_domains()


@dataclass(frozen=True)
class Installed:
    data: Path
    url: str
    trust: Path

    def write(self, **changes: Any) -> None:
        """
        `ready.json` with these keys changed.
        """
        content = {
            "pids": {"supervisor": os.getpid(), "workers": [os.getpid()], "ledger": os.getpid()},
            "listen": self.url.removeprefix("http://"),
            "proxy_url": self.url,
            "ca": str(self.trust / "excise-ca.pem"),
            "bundle": str(self.trust / "bundle.pem"),
            "truststore": str(self.trust / "truststore.p12"),
            "ledger": str(self.data / "usage.duckdb"),
            "version": "0.1.0",
        }
        self.data.mkdir(exist_ok=True)
        (self.data / "ready.json").write_text(json.dumps(content | changes))


@contextmanager
def installed(folder: Path, *, now: datetime | None = None, domains: tuple[str, ...] = DOMAINS) -> Iterator[Installed]:
    """
    The listener accepts connections in the kernel and never reads: enough to be alive.
    """
    Authority.create(folder / "certs", permitted_domains=domains, now=now or datetime.now(UTC))
    bundle = write_bundle(folder / "certs")
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = Installed(folder / "data", f"http://127.0.0.1:{server.getsockname()[1]}", bundle.root.parent)
        one.write()
        (one.data / "usage.duckdb").touch()
        yield one
