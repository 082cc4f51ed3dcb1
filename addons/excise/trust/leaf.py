"""
Leaf certificates: signed on demand for the one name a client asked for, kept for a while, bounded.
"""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from excise.errors import CertificateError
from excise.trust.authority import Authority
from excise.trust.domains import host_name
from excise.trust.issue import BACKDATED, issue_leaf

VALIDITY = dt.timedelta(days=7)  # counted from the back-dated start
FRESH = dt.timedelta(days=1)  # then a new one is signed: TLS contexts, and with them ticket keys, live no longer


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Leaf:
    """
    A server certificate for one name, its key, and the one intermediate to send with it. Use it from `fresh_from` to `fresh_until`.
    """

    name: str
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]  # without the leaf, without the root
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    fresh_from: dt.datetime
    fresh_until: dt.datetime


class LeafIssuer:
    """
    Signs leaves. One P-256 key for all leaves of this process, in memory only; never the CA's.

    Args:
        limit: Most leaves held; the least recently used goes first.
        now: Wall clock, UTC: certificates are about calendar time.
    """

    def __init__(self, authority: Authority, *, limit: int = 1024, now: Callable[[], dt.datetime] = _utc_now) -> None:
        self._authority = authority
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._limit = limit
        self._now = now
        self._leaves: OrderedDict[str, Leaf] = OrderedDict()

    @property
    def authority(self) -> Authority:
        return self._authority

    def covers(self, name: str) -> bool:
        """
        Whether a leaf for this name would be accepted by clients. Anything that is no DNS name is not covered.
        """
        try:
            return self._authority.domains.covers(host_name(name))
        except CertificateError:
            return False

    def leaf(self, name: str) -> Leaf:
        """
        The leaf for one DNS name: the SNI alone, never what the upstream's certificate says besides (one name outside the constraints
        and clients refuse the whole certificate).

        Raises:
            CertificateError: The name is no DNS name or outside the permitted domains (pass the connection through instead), or the
                intermediate has expired.
        """
        now = self._now()
        leaf = self._leaves.get(name)
        if leaf is not None and leaf.fresh_from <= now < leaf.fresh_until:
            self._leaves.move_to_end(name)
            return leaf
        asked, name = name, host_name(name)
        issuer = self._authority.issuer_for(name)
        if issuer is None:
            raise CertificateError(f"the CA may not sign for {name}: it is outside its permitted domains")
        leaf = self._sign(name, issuer, now)
        self._leaves[asked] = leaf
        self._leaves.move_to_end(asked)
        while len(self._leaves) > self._limit:
            self._leaves.popitem(last=False)
        return leaf

    def _sign(self, name: str, issuer: x509.Certificate, now: dt.datetime) -> Leaf:
        ends = self._authority.expires
        if now >= ends:
            raise CertificateError(f"the CA expired on {ends:%Y-%m-%d %H:%M} UTC: run `excise certs renew`")
        start = now - BACKDATED
        end = min(start + VALIDITY, ends)
        certificate = issue_leaf(name, self._key.public_key(), issuer, self._authority.key, start, end)
        return Leaf(name, certificate, (issuer,), self._key, start, min(now + FRESH, end))
