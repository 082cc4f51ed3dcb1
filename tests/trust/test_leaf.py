"""
Leaves: one name each, short-lived, bounded, and none outside the constraints.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509

from excise.errors import CertificateError
from excise.trust.authority import Authority
from excise.trust.leaf import LeafIssuer

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(tmp_path: Path, clock: Clock) -> LeafIssuer:
    authority = Authority.create(tmp_path / "ca", permitted_domains=["llm.test", *(f"p{n}.example" for n in range(40))], now=NOW)
    return LeafIssuer(authority, limit=3, now=clock)


def test_one_name(issuer: LeafIssuer) -> None:
    """
    The leaf names the host that was asked for and nothing else, with a key that is not the CA's, for at most seven days.
    """
    leaf = issuer.leaf("API.llm.test")
    sans = leaf.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert list(sans) == [x509.DNSName("api.llm.test")]
    assert leaf.certificate.public_key() != issuer.authority.key.public_key()
    assert leaf.certificate.not_valid_before_utc == NOW - HOUR
    assert leaf.certificate.not_valid_after_utc - leaf.certificate.not_valid_before_utc <= 7 * DAY
    leaf.certificate.verify_directly_issued_by(leaf.chain[0])
    assert len(leaf.chain) == 1


def test_a_name_too_long_for_a_common_name(issuer: LeafIssuer) -> None:
    """
    Names above 64 characters stand in the alternative names alone, which then are critical.
    """
    name = "x" * 60 + ".llm.test"
    certificate = issuer.leaf(name).certificate
    sans = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)

    assert list(certificate.subject) == []
    assert sans.critical and sans.value.get_values_for_type(x509.DNSName) == [name]


@pytest.mark.parametrize(
    "name", ["bank.test", "evilllm.test", "test", "127.0.0.1", "::1", "*.llm.test", "", "a\0.llm.test", "a/b.llm.test"]
)
def test_out_of_scope(issuer: LeafIssuer, name: str) -> None:
    """
    What clients would not accept is not signed; the caller passes such a connection through.
    """
    assert not issuer.covers(name)
    with pytest.raises(CertificateError):
        issuer.leaf(name)


def test_each_leaf_comes_with_its_own_intermediate(issuer: LeafIssuer) -> None:
    """
    The intermediate sent is the one whose constraints hold the name.
    """
    for name in ("llm.test", "p0.example", "p39.example"):
        leaf = issuer.leaf(f"api.{name}")
        names = leaf.chain[0].extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
        assert name in [tree.value for tree in names]


def test_cached_for_a_day(issuer: LeafIssuer, clock: Clock) -> None:
    """
    A leaf is signed once a day, long before it expires; a clock that was set back does not bring out one from the future.
    """
    first = issuer.leaf("a.llm.test")
    clock.now = NOW + DAY - HOUR
    assert issuer.leaf("a.llm.test") is first
    clock.now = NOW + DAY
    second = issuer.leaf("a.llm.test")
    assert second is not first
    clock.now = NOW - DAY
    assert issuer.leaf("a.llm.test").certificate.not_valid_before_utc < clock.now


def test_bounded(issuer: LeafIssuer) -> None:
    """
    A client that asks for ever new names makes the cache forget, not grow; names in use stay.
    """
    kept = issuer.leaf("kept.llm.test")
    for number in range(20):
        issuer.leaf(f"h{number}.llm.test")
        assert issuer.leaf("kept.llm.test") is kept

    assert len(issuer._leaves) == 3


def test_never_outlives_the_ca(issuer: LeafIssuer, clock: Clock) -> None:
    """
    A leaf ends with its intermediate, and after that none is signed.
    """
    end = issuer.authority.expires
    clock.now = end - DAY / 2
    assert issuer.leaf("a.llm.test").certificate.not_valid_after_utc == end
    clock.now = end
    with pytest.raises(CertificateError, match="expired"):
        issuer.leaf("a.llm.test")
