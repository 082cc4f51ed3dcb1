"""
Host and port as requests name them.
"""

from __future__ import annotations

from excise.exchange import Route

_USUAL = {"https": 443, "http": 80}


def authority(route: Route) -> str:
    """
    Host and port of a route as the Host header has them: no usual port, IPv6 in brackets.
    """
    host = f"[{route.host}]" if ":" in route.host else route.host
    return host if route.port == _USUAL.get(route.scheme) else f"{host}:{route.port}"
