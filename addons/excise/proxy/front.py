"""
The first bytes of a connection: what does this client want of us? Pure: bytes in, a decision out.

Only three things are let in: CONNECT to a name, an HTTP request meant for us or for a plain-HTTP host, and (redirected connections)
a TLS ClientHello. Everything else is refused before any layer sees it: raw bytes, SSH, leading blank lines, odd methods.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

from excise.errors import BadRequest, TooLarge

MAX_HEAD_BYTES = 65_536  # all header lines together; the largest heads of SDKs are under 8 KB
MAX_LINE_BYTES = 16_384
MAXHEADERS = 100

METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"CONNECT"})

_REQUEST_LINE = re.compile(rb"([A-Z]{3,8}) ([^\x00-\x20\x7f]+) HTTP/1\.([01])\r")
_AUTHORITY = re.compile(rb"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]{1,253})):([0-9]{1,5})")
HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\x00]*?)[ \t]*")


@dataclass(frozen=True, slots=True)
class Connect:
    """
    A CONNECT request, whole. `rest` is what came behind its head.
    """

    host: str  # lower case, without brackets
    port: int
    user: str | None
    password: str | None = field(repr=False)
    rest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Plain:
    """
    Any other HTTP request, its head read. `size`: bytes of the head, blank line included.
    """

    method: bytes
    target: bytes
    version: bytes  # b"HTTP/1.1" or b"HTTP/1.0"
    fields: tuple[tuple[bytes, bytes], ...]
    size: int


def read_front(data: bytes) -> Connect | Plain | None:
    """
    Decide by the bytes so far; `None`: more is needed.

    Raises:
        BadRequest: This is no HTTP request of a form we take.
        TooLarge: The head outgrew its limits.
    """
    line_end = data.find(b"\n")
    first = data if line_end < 0 else data[:line_end]
    if line_end < 0:
        if len(first) > MAX_LINE_BYTES:
            raise TooLarge("request line over 16 KiB", status=431)
        method = first.split(b" ", 1)[0]
        if not any(known.startswith(method) if first == method else known == method for known in METHODS):
            raise BadRequest("this port speaks HTTP/1.1: CONNECT HOST:PORT for HTTPS_PROXY, or a plain request")
        return None
    matched = _REQUEST_LINE.fullmatch(first)
    if matched is None or matched[1] not in METHODS:
        raise BadRequest("this port speaks HTTP/1.1: CONNECT HOST:PORT for HTTPS_PROXY, or a plain request")
    if b"#" in matched[2]:
        # RFC 9112, 3.2: no form of a target has a fragment. Servers differ on whether it belongs to the path.
        raise BadRequest("the request's target has a fragment (#); send it as %23 or leave it out")
    head_end = data.find(b"\r\n\r\n")
    if head_end < 0:
        if len(data) > MAX_HEAD_BYTES:
            raise TooLarge("request head over 64 KiB", status=431)
        return None
    fields = read_fields(data[:head_end])
    if matched[1] != b"CONNECT":
        return Plain(matched[1], matched[2], b"HTTP/1." + matched[3], fields, head_end + 4)
    return _connect(matched[2], fields, data[head_end + 4 :])


def read_fields(head: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """
    The header fields of a request head without its blank line.

    Raises:
        TooLarge: Over the limits on size, line length or number of headers.
        BadRequest: A header line that two parsers could read differently: folded, bare CR, NUL, space before the colon.
    """
    if len(head) > MAX_HEAD_BYTES:
        raise TooLarge("request head over 64 KiB", status=431)
    lines = head.split(b"\r\n")
    if len(lines) > MAXHEADERS + 1:
        raise TooLarge("more than 100 request headers", status=431)
    fields = []
    for line in lines[1:]:
        if len(line) > MAX_LINE_BYTES:
            raise TooLarge("request header over 16 KiB", status=431)
        matched = HEADER.fullmatch(line)
        if matched is None:
            raise BadRequest("a request header is folded, or has a bare CR, LF or NUL")
        fields.append((matched[1], matched[2]))
    return tuple(fields)


def _connect(target: bytes, fields: tuple[tuple[bytes, bytes], ...], rest: bytes) -> Connect:
    matched = _AUTHORITY.fullmatch(target)
    if matched is None or not 0 < int(matched[3]) < 65536:
        raise BadRequest("CONNECT wants HOST:PORT")
    user = password = None
    for name, value in fields:
        if name.lower() == b"proxy-authorization":
            user, password = read_basic(value)
    host = (matched[1] or matched[2]).decode("ascii").lower().rstrip(".")
    return Connect(host=host, port=int(matched[3]), user=user, password=password, rest=rest)


def read_basic(value: bytes) -> tuple[str, str]:
    """
    User and password of a Basic credential.

    Raises:
        BadRequest: Another scheme, or not base64 of `user:password`.
    """
    scheme, _, encoded = value.partition(b" ")
    try:
        if scheme.lower() != b"basic":
            raise ValueError
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
        if not colon:
            raise ValueError
    except (ValueError, binascii.Error) as error:
        raise BadRequest("proxy credentials must be Basic user:password, as in http://app:key@host:port", status=407) from error
    return user, password


def looks_like_tls(data: bytes) -> bool | None:
    """
    Whether these are the first bytes of a TLS connection; `None`: too few to say.

    Source: RFC 8446, 5.1: a handshake record, legacy version 3.x.
    """
    if len(data) < 3:
        return None if b"\x16\x03".startswith(data[:2]) else False
    return data[0] == 0x16 and data[1] == 0x03 and data[2] <= 0x03
