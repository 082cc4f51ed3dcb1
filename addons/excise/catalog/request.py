"""
Read a request's path and credentials as a provider would read them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

# A Bedrock ARN has at most 2048 characters; no model name is longer.
LONGEST_MODEL = 2048

_ENCODED = re.compile(r"%([0-7][0-9A-Fa-f])")


@dataclass(frozen=True, slots=True)
class Cut:
    """
    A path cut at its slashes, without empty and dot segments. `original` keeps case; `folded` is lower case.
    An encoded slash or percent sign stays encoded: it is part of a segment.
    """

    folded: Sequence[str]
    original: Sequence[str]
    query: str


def cut(path: str) -> Cut:
    """
    Cut a path with query, as it stands in the request line.

    Servers and their front ends undo percent-encoding, doubled slashes and `..` before they route. What would reach an operation there
    must not look like another one here.
    """
    rest, _, query = path.partition("?")
    rest = rest.partition("#")[0]
    if "%" in rest:
        rest = _ENCODED.sub(_decoded, rest)
    original = [segment for segment in rest.split("/") if segment]
    if "." in original or ".." in original:
        original = _without_dots(original)
    return Cut([segment.lower() for segment in original], original, query)


def _decoded(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16))
    return match[0] if char in "/%" else char


def _without_dots(segments: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    return kept


def readable(text: str | None, *, plus: bool = False) -> str | None:
    """
    A name taken from a path or query, decoded. `None` where there is none, or where it cannot be the name of a model (empty, too long, not
    printable).
    """
    if not text:
        return None
    if plus:
        text = text.replace("+", " ")
    if "%" in text:
        text = unquote(text, errors="replace")
    return text if text and len(text) <= LONGEST_MODEL and text.isprintable() else None


def query_value(query: str, name: str) -> str | None:
    """
    The first value of `name` in a query string, still encoded.
    """
    wanted = name + "="
    for part in query.split("&"):
        if part.startswith(wanted):
            return part[len(wanted) :]
    return None


# Headers that carry nothing but a provider's key. Authorization is read after them: a client that sends both means the narrower one.
_KEY_HEADERS = (
    b"x-api-key",
    b"api-key",
    b"x-goog-api-key",
    b"xi-api-key",
    b"x-portkey-api-key",
    b"x-litellm-api-key",
    b"cf-aig-authorization",
    b"ocp-apim-subscription-key",
)
_KEY_QUERIES = ("key", "api_key", "api-key", "access_token", "subscription-key")

auth_header_names = frozenset(
    {
        *(name.decode() for name in _KEY_HEADERS),
        "authorization",
        "proxy-authorization",
        "cookie",
        "sec-websocket-protocol",
        "x-amz-security-token",
        "x-portkey-virtual-key",
    }
)
"""
Lower-case names of the headers in which a key may stand: never to be logged.
"""

# Signed requests: the signature changes with every call, the key's id does not.
_SIGNED = re.compile(
    r"(?:AWS4-HMAC-SHA256|AWS4-ECDSA-P256-SHA256|TC3-HMAC-SHA256|HMAC-SHA256)\s.{0,200}?Credential=([^/,\s]{1,200})", re.IGNORECASE
)
_SIGNED_BY = re.compile(r"Signature\s.{0,200}?keyId=\"([^\"]{1,500})\"", re.IGNORECASE)
_QUOTED_TOKEN = re.compile(r"Snowflake\s+Token=\"([^\"]{1,8000})\"", re.IGNORECASE)
_BCE = re.compile(r"bce-auth-v1/([^/\s]{1,200})/", re.IGNORECASE)
_SCHEMES = frozenset({"bearer", "token", "key", "api-key", "apikey", "basic", "zenapikey"})
_SUBPROTOCOL = "openai-insecure-api-key."


def credential_of(headers: Sequence[tuple[bytes, bytes]], path: str) -> str | None:
    """
    The provider's key a client sent, so that it can be fingerprinted. Without its scheme word; of signed requests the id of the signing
    key.

    Args:
        headers: As sent; names in any case.
        path: With query.

    Returns:
        `None` where there is none. The caller must neither log nor keep it.
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        found.setdefault(name.lower(), value)
    for name in (*_KEY_HEADERS, b"authorization"):
        if (sent := found.get(name)) and (key := _key(sent.decode("latin-1"))):
            return key
    protocols = found.get(b"sec-websocket-protocol", b"").decode("latin-1")
    for protocol in protocols.split(",") if protocols else ():
        if protocol.strip().startswith(_SUBPROTOCOL):
            return protocol.strip().removeprefix(_SUBPROTOCOL) or None
    _, _, query = path.partition("?")
    if query:
        for parameter in _KEY_QUERIES:
            if encoded := query_value(query, parameter):
                return unquote(encoded)
    return None


def _key(value: str) -> str | None:
    value = value.strip()
    if value[:7].lower() == "bearer ":
        return value[7:].strip() or None
    for pattern in (_SIGNED, _SIGNED_BY, _QUOTED_TOKEN, _BCE):
        if match := pattern.match(value):
            return match[1]
    scheme, _, rest = value.partition(" ")
    return (rest.strip() if scheme.lower() in _SCHEMES else value) or None
