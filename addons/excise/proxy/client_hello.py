"""
Read a ClientHello without a parser generator: a handshake spent more on this than on its signature.

`read_hello` is for the door: which host does this client name, or does it try not to be read? Strict, and cheap however the bytes come.
`read_client_hello` is for the TLS layer. It reads the usual shape: one record, well-formed lists. Anything else goes to mitmproxy's own
reader, so both always agree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mitmproxy.net.check import is_valid_host
from mitmproxy.proxy.layers.tls import parse_client_hello
from mitmproxy.tls import ClientHello

_HANDSHAKE = 0x16
_CLIENT_HELLO = 1
_SERVER_NAME = 0
_ALPN = 16

LARGEST_HELLO = 64 * 1024  # post-quantum key shares make 2 KB; OpenSSL itself stops at 128 KB
_LARGEST_RECORD = 16_384  # RFC 8446 section 5.1
MOST_RECORDS = 16  # some clients cut their hello in two or three, to slip past middleboxes; none in sixteen
_NAME = re.compile(rb"(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?").fullmatch


@dataclass(frozen=True, slots=True)
class Hello:
    """
    What a ClientHello says about where it goes.
    """

    sni: str | None  # lower case, without trailing dot
    unreadable_name: bool = False  # there is a server name, but not one host name that everybody would read alike


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


def read_hello(data: bytes | bytearray | memoryview) -> Hello | None:
    """
    The ClientHello at the start of a TLS stream; `None` while it is not complete. To be called again with all bytes when more have come:
    until the end is there this costs a look at each record's five bytes of header.

    Unreadable are names of another type or more than one, names that are no host name (a NUL, a space, a label over 63 or in all over
    255 bytes), and the extension given twice or badly framed. Not told: names inside an encrypted ClientHello; it looks the same with
    nothing in it, as browsers send it.

    Raises:
        ValueError: This is no ClientHello, one over `LARGEST_HELLO`, or one in more than `MOST_RECORDS` records.

    Source: RFC 8446 sections 4.1.2 and 5.1, RFC 6066 section 3, read 2026-11.
    """
    pieces: list[tuple[int, int]] = []
    start = b""  # of the handshake message: its type and size
    held = at = 0
    for _ in range(MOST_RECORDS):
        header = bytes(data[at : at + 5])
        if not b"\x16\x03".startswith(header[:2]) or header[2:3] > b"\x03":
            raise ValueError("not a TLS handshake")
        size = int.from_bytes(header[3:5])
        if len(header) == 5 and not 0 < size <= _LARGEST_RECORD:
            raise ValueError("a TLS record is empty or too large")
        at, end = at + 5, at + 5 + size
        start += data[at : min(end, at + 4 - len(start))]
        if start[:1] not in (b"", b"\x01"):
            raise ValueError("not a ClientHello")
        if len(start) == 4 and int.from_bytes(start[1:]) > LARGEST_HELLO:
            raise ValueError("the ClientHello is too large")
        if len(header) < 5 or len(data) < end:
            return None
        pieces.append((at, end))
        held, at = held + size, end
        if len(start) == 4 and held >= 4 + (length := int.from_bytes(start[1:])):
            return read_names(b"".join(data[first:last] for first, last in pieces)[4 : 4 + length])
    raise ValueError("the ClientHello comes in too many records")


def read_names(raw: bytes) -> Hello:
    """
    As `read_hello`, of one whole ClientHello message without the headers of record and handshake.

    Raises:
        ValueError: The message is cut off or its lengths disagree.
    """
    try:
        at = 34  # version and random
        at += 1 + raw[at]  # session id
        at += 2 + int.from_bytes(raw[at : at + 2])  # cipher suites
        at += 1 + raw[at]  # compression methods
    except IndexError:
        raise ValueError("the ClientHello is cut off") from None
    if at == len(raw):
        return Hello(None)  # no extensions, as before TLS 1.2
    if len(raw) < at + 2 or at + 2 + int.from_bytes(raw[at : at + 2]) != len(raw):
        raise ValueError("the ClientHello's extensions do not end where it ends")
    at += 2
    given: list[bytes] = []
    while at < len(raw):
        kind, size = int.from_bytes(raw[at : at + 2]), int.from_bytes(raw[at + 2 : at + 4])
        if at + 4 + size > len(raw):
            raise ValueError("an extension of the ClientHello is cut off")
        if kind == _SERVER_NAME:
            given.append(raw[at + 4 : at + 4 + size])
        at += 4 + size
    if not given:
        return Hello(None)
    name = _host_name(given[0]) if len(given) == 1 else None
    return Hello(name, unreadable_name=name is None)


def _host_name(body: bytes) -> str | None:
    if len(body) < 6 or body[2] != 0 or int.from_bytes(body[:2]) != len(body) - 2 or int.from_bytes(body[3:5]) != len(body) - 5:
        return None
    name = body[5:]
    return name.decode("ascii").lower().removesuffix(".") if len(name) <= 255 and _NAME(name) else None


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
