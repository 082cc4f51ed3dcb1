"""
What the protocol layers may do. Fixed at start: there is nothing here to flip while running.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib.metadata import version

from mitmproxy.options import Options

from excise.errors import SettingsError

TESTED_MITMPROXY = ("12.2.3", "12.3.1")  # the guard is tested against these; another version is refused


@dataclass(frozen=True, slots=True)
class Hardened:
    """
    Stands where mitmproxy's layers look for their options.

    Raw TCP, WebSocket, HTTP/2 and HTTP/3 are off: each let bytes past a request hook. Bodies are never streamed upwards. Connections
    upstream are made lazily: not before the pipeline has sealed the call.
    """

    rawtcp: bool = False
    websocket: bool = False
    http2: bool = False
    http3: bool = False
    connection_strategy: str = "lazy"
    validate_inbound_headers: bool = True
    normalize_outbound_headers: bool = True
    ssl_insecure: bool = False
    stream_large_bodies: None = None
    store_streamed_bodies: bool = False
    body_size_limit: str = "32m"  # our stream layer enforces `max_body_bytes`; this is what stands behind it
    keep_host_header: bool = True
    http_connect_send_host_header: bool = True
    proxyauth: None = None
    upstream_auth: None = None
    onboarding: bool = False
    ignore_hosts: tuple[str, ...] = ()
    allow_hosts: tuple[str, ...] = ()
    show_ignored_hosts: bool = False
    proxy_debug: bool = False
    tcp_timeout: int = 600
    max_body_bytes: int = 32 * 1024 * 1024


def assert_hardened(options: object) -> None:
    """
    Check that every dangerous way stays shut, for our own options and for a stock mitmproxy's.

    Raises:
        SettingsError: An option differs, or mitmproxy is a version the guard was not tested with.
    """
    if version("mitmproxy") not in TESTED_MITMPROXY:
        raise SettingsError(f"mitmproxy {version('mitmproxy')} is installed; this release is tested with {', '.join(TESTED_MITMPROXY)}")
    for name in ("rawtcp", "websocket", "http2", "http3", "ssl_insecure", "onboarding"):
        if getattr(options, name, False):
            raise SettingsError(f"mitmproxy option {name} must be off: it lets bytes past the policy (set {name}=false)")
    for name, wanted in (("connection_strategy", "lazy"), ("validate_inbound_headers", True), ("stream_large_bodies", None)):
        if getattr(options, name, wanted) != wanted:
            raise SettingsError(f"mitmproxy option {name} must be {wanted!r}")
    for name in ("ignore_hosts", "allow_hosts"):
        if getattr(options, name, None):
            raise SettingsError(f"mitmproxy option {name} must be empty: hosts it names would bypass the policy unseen")


def options_for_layers(hardened: Hardened) -> Options:
    """
    The same object under the type the layers declare; they only ever read attributes.
    """
    return hardened  # type: ignore[return-value]  # mitmproxy has no protocol for this; the names are checked by a test


OPTION_NAMES = frozenset(field.name for field in fields(Hardened))

__all__ = ["OPTION_NAMES", "Hardened", "assert_hardened", "options_for_layers"]
