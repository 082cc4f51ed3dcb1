"""
Read a ClientHello without a parser generator: a handshake spent more on this than on its signature.

Only the usual shape is read here: one record, well-formed lists. Anything else goes to mitmproxy's own reader, so both always agree.
"""

from __future__ import annotations

from typing import Any

from mitmproxy.net.check import is_valid_host
from mitmproxy.proxy.layers.tls import parse_client_hello
from mitmproxy.tls import ClientHello

_HANDSHAKE = 0x16
_SERVER_NAME = 0
_ALPN = 16


class _Unusual(Exception):
    """
    Not the usual shape; says nothing about whether it is valid.
    """


class QuickHello(ClientHello):
    """
    As mitmproxy's `ClientHello`; `sni` and `alpn_protocols` are read at once, everything else when it is asked for.
    """

    def __init__(self, raw_client_hello: bytes) -> None:
        self._raw_bytes = raw_client_hello
        self._sni, self._alpn = _read(raw_client_hello)

    @property
    def sni(self) -> str | None:
        return self._sni

    @property
    def alpn_protocols(self) -> list[bytes]:
        return list(self._alpn)

    def __getattr__(self, name: str) -> Any:
        if name == "_client_hello":  # what the parent's other properties read
            self._client_hello = ClientHello(self._raw_bytes)._client_hello
            return self._client_hello
        raise AttributeError(name)


def read_client_hello(data: bytes | bytearray) -> ClientHello | None:
    """
    The ClientHello at the start of a TLS stream; `None` while it is not complete.

    Raises:
        ValueError: This is no ClientHello.
    """
    if len(data) >= 9 and data[0] == _HANDSHAKE and data[1] == 3 and data[2] <= 3:
        record = int.from_bytes(data[3:5])
        hello = int.from_bytes(data[6:9]) + 4
        if hello <= record and len(data) >= 5 + record:
            try:
                return QuickHello(bytes(data[9 : 5 + hello]))
            except (_Unusual, IndexError):
                pass  # read again below, and judged there
    return parse_client_hello(bytes(data))


def _read(raw: bytes) -> tuple[str | None, list[bytes]]:
    at = 34  # version and random
    at += 1 + raw[at]  # session id
    at += 2 + int.from_bytes(raw[at : at + 2])  # cipher suites
    at += 1 + raw[at]  # compression methods
    if len(raw) < at + 2 or at + 2 + int.from_bytes(raw[at : at + 2]) != len(raw):
        raise _Unusual
    at += 2
    sni: str | None = None
    alpn: list[bytes] = []
    seen = set()
    while at < len(raw):
        kind, size = int.from_bytes(raw[at : at + 2]), int.from_bytes(raw[at + 2 : at + 4])
        body = raw[at + 4 : at + 4 + size]
        at += 4 + size
        if at > len(raw) or kind in seen:
            raise _Unusual
        seen.add(kind)
        if kind == _SERVER_NAME:
            sni = _server_name(body)
        elif kind == _ALPN:
            alpn = _protocols(body)
    return sni, alpn


def _server_name(body: bytes) -> str | None:
    if len(body) < 6 or body[2] != 0 or int.from_bytes(body[:2]) != len(body) - 2 or int.from_bytes(body[3:5]) != len(body) - 5:
        raise _Unusual
    name = body[5:]
    return name.decode("ascii") if is_valid_host(name) else None


def _protocols(body: bytes) -> list[bytes]:
    if len(body) < 2 or int.from_bytes(body[:2]) != len(body) - 2:
        raise _Unusual
    protocols, at = [], 2
    while at < len(body):
        size = body[at]
        if size == 0 or at + 1 + size > len(body):
            raise _Unusual
        protocols.append(body[at + 1 : at + 1 + size])
        at += 1 + size
    return protocols
