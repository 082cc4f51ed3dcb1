"""
Who pays for a call, from what the connection and the request show. Pure.

Order: proxy credentials, header rule (from listed networks only), source network (longest prefix), owner of the provider
key, the key's own fingerprint, nobody. Credentials that are sent and wrong are refused always: falling through would book
the call on whoever matches next.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

from excise.errors import Unauthenticated
from excise.exchange import Capture, ClientInfo, Principal

if TYPE_CHECKING:
    from excise.policy.compile import Policy

Headers = tuple[tuple[bytes, bytes], ...]

# Compared where the user is not known, so that an unknown user takes as long as a wrong key.
_NOBODYS_KEY = (hashlib.sha256(b"nobody has this key").digest(),)


@dataclass(frozen=True, slots=True)
class HeaderRule:
    """
    A principal known by headers, if they come from one of `networks`. `order` is its place in the file.
    """

    order: int
    values: tuple[bytes, ...]
    networks: tuple[IPv4Network | IPv6Network, ...]
    principal: Principal


@dataclass(frozen=True, slots=True)
class PrincipalIndex:
    """
    All principals of a policy, by what they are known by. `users` maps to SHA-256 digests of their keys, never to keys.
    """

    users: dict[str, tuple[tuple[bytes, ...], Principal]] = field(default_factory=dict, repr=False)
    headers: dict[tuple[bytes, ...], tuple[HeaderRule, ...]] = field(default_factory=dict)  # by header names, lower case
    networks: dict[tuple[int, int], dict[int, Principal]] = field(default_factory=dict)  # (version, prefix): masked address
    prefixes: dict[int, tuple[int, ...]] = field(default_factory=dict)  # version: prefix lengths in use, longest first
    provider_keys: dict[str, Principal] = field(default_factory=dict)

    @property
    def header_names(self) -> frozenset[bytes]:
        """
        Headers that say who calls: for us alone, they must not travel on to a provider.
        """
        return frozenset(name for names in self.headers for name in names)


@lru_cache(4096)
def address(text: str) -> IPv4Address | IPv6Address | None:
    """
    An address as networks compare it: IPv4-mapped IPv6 is IPv4, a zone (`%eth0`) is dropped; `None` where it is no address.
    """
    try:
        value = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(value, IPv6Address) and value.ipv4_mapped is not None:
        return value.ipv4_mapped
    return value


def identify(policy: Policy, client: ClientInfo, headers: Headers, credential_fingerprint: str | None) -> Principal:
    """
    Find the principal of a call.

    Args:
        policy: Who is listed.
        client: The connection, with proxy credentials if any were sent.
        headers: The request's, as they arrived.
        credential_fingerprint: Of the key sent to the provider (`fp_…`), `None` where there is none.

    Raises:
        Unauthenticated: Proxy credentials were sent and are wrong; or nobody listed calls and policy wants somebody.
    """
    listed = _listed(policy.principals, client, headers, credential_fingerprint)
    if listed is not None:
        return replace(listed, api_key_id=credential_fingerprint)
    if policy.defaults.require_principal:
        raise _unauthenticated(
            client,
            "policy asks who calls, and nothing of this call says so. Put a user and key of the policy's `principals` into the proxy "
            "URL (http://USER:KEY@host:port), or have this client's network or provider key listed there.",
        )
    if credential_fingerprint is not None:
        return Principal(id=credential_fingerprint, type="provider_key", api_key_id=credential_fingerprint)
    return Principal(id="anonymous", type="anonymous")


def _listed(index: PrincipalIndex, client: ClientInfo, headers: Headers, credential_fingerprint: str | None) -> Principal | None:
    if client.proxy_user is not None or client.proxy_password is not None:
        return _by_credentials(index, client)
    source = address(client.ip)
    principal = _by_headers(index, source, headers) or _by_source(index, source)
    if principal is None and credential_fingerprint is not None:
        principal = index.provider_keys.get(credential_fingerprint)
    return principal


def _by_credentials(index: PrincipalIndex, client: ClientInfo) -> Principal:
    digests, principal = index.users.get(client.proxy_user or "", (_NOBODYS_KEY, None))
    if _holds(digests, client.proxy_password or "") and principal is not None:
        return principal
    raise _unauthenticated(
        client,
        "the proxy credentials are not valid. Check user and key in the proxy URL (http://USER:KEY@host:port) against the policy's "
        "`principals`, or leave them out where policy knows this client by other means.",
    )


def _holds(digests: Iterable[bytes], key: str) -> bool:
    # Digests of equal length, compared in constant time, every one of them: the answer's time says nothing of the key.
    given = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    held = False
    for digest in digests:
        held |= hmac.compare_digest(digest, given)
    return held


def _by_headers(index: PrincipalIndex, source: IPv4Address | IPv6Address | None, headers: Headers) -> Principal | None:
    if not index.headers or source is None:
        return None
    names = index.header_names
    sent: dict[bytes, bytes | None] = {}
    for name, value in headers:
        name = name.lower()
        if name in names:
            # Sent twice it says two things, and so nothing.
            sent[name] = None if name in sent else value.strip()
    found: HeaderRule | None = None
    for wanted, rules in index.headers.items():
        values = tuple(sent.get(name) for name in wanted)
        for rule in rules:
            if rule.values == values and (found is None or rule.order < found.order) and any(source in net for net in rule.networks):
                found = rule
    return found.principal if found is not None else None


def _by_source(index: PrincipalIndex, source: IPv4Address | IPv6Address | None) -> Principal | None:
    if source is None:
        return None
    number = int(source)
    for prefix in index.prefixes.get(source.version, ()):
        rest = source.max_prefixlen - prefix
        principal = index.networks[source.version, prefix].get(number >> rest)
        if principal is not None:
            return principal
    return None


def _unauthenticated(client: ClientInfo, text: str) -> Unauthenticated:
    # 407 asks a proxy's client for credentials; others cannot answer that, and are told 401.
    return Unauthenticated(text, status=407 if client.capture is Capture.PROXY else 401)
