"""
Two ways from a client to the stand-in: straight, and through the proxy. Everything else (names, ports, paths, trust by environment) is the
same, so what differs is what the proxy did.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

import pytest

from e2e.proxy import Proxy
from excise.standin import DIALECTS, StandIn

TRUST = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE")
PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")


@dataclass(frozen=True, slots=True)
class Way:
    """
    How a client gets to the stand-in. `proxy` is `None` on the straight way.
    """

    standin: StandIn
    proxy: Proxy | None

    @property
    def ca(self) -> str:
        """
        The file a client must trust.
        """
        return str(self.standin.ca_file if self.proxy is None else self.proxy.ready["ca"])

    def enter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        Set the environment a client finds; on the straight way also where the providers' names lead.
        """
        for name in PROXIES:
            monkeypatch.delenv(name, raising=False)
        for name in TRUST:
            monkeypatch.setenv(name, self.ca)
        monkeypatch.delenv("SSL_CERT_DIR", raising=False)
        if self.proxy is not None:
            monkeypatch.setenv("HTTPS_PROXY", self.proxy.url)
            monkeypatch.setenv("https_proxy", self.proxy.url)
        else:
            _lead_names_to(self.standin.port, monkeypatch)

    def curl(self) -> list[str]:
        """
        The flags that send curl this way.
        """
        if self.proxy is not None:
            return ["--proxy", self.proxy.url, "--cacert", self.ca]
        return ["--cacert", self.ca, *(flag for name in DIALECTS for flag in ("--connect-to", f"{name}:443:127.0.0.1:{self.standin.port}"))]


def _lead_names_to(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, service: Any, *more: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name in DIALECTS and service in (443, "443", b"443"):
            return real("127.0.0.1", port, *more, **named)
        return real(host, service, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
