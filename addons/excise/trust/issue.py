"""
The certificates themselves: what stands in a root, an intermediate and a leaf.

Every extension is as strict verifiers want it (`X509_V_FLAG_X509_STRICT`, the default of Python's `ssl` from 3.13): key identifiers
on CAs, authority key identifiers taken from the issuer's own, critical basic constraints and key usage.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import secrets

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from excise.trust.domains import Domains

type Key = ec.EllipticCurvePrivateKey

ROOT_VALIDITY = dt.timedelta(days=3652)
INTERMEDIATE_VALIDITY = dt.timedelta(days=365)
BACKDATED = dt.timedelta(hours=1)  # for clients whose clock is behind ours
_DOMAINS_EACH = 16  # of an intermediate: about 1 KB on the wire
_COMMON_NAME_LIMIT = 64  # RFC 5280, ub-common-name

_EVERY_ADDRESS = (ipaddress.IPv4Network("0.0.0.0/0"), ipaddress.IPv6Network("::/0"))


def issue_root(key: Key, domains: Domains, now: dt.datetime, *, subject: x509.Name | None = None) -> x509.Certificate:
    """
    A self-signed root. `subject` is given when a root is issued again with its old key; otherwise every root has a name of its own,
    because verifiers that find two roots of one name may try the wrong key.
    """
    name = subject or _name(f"Excise CA {secrets.token_hex(4)}")
    return _authority(name, name, key, key, domains, now, now + ROOT_VALIDITY, path_length=1, issuer=None)


def issue_intermediates(
    root_key: Key, root: x509.Certificate, key: Key, domains: Domains, now: dt.datetime
) -> tuple[x509.Certificate, ...]:
    """
    Intermediates that can sign leaves only, all with the one `key`, each for a slice of the domains; never valid longer than their root.
    """
    series = secrets.token_hex(4)
    until = min(now + INTERMEDIATE_VALIDITY, root.not_valid_after_utc)
    slices = [domains.names[at : at + _DOMAINS_EACH] for at in range(0, len(domains.names), _DOMAINS_EACH)]
    return tuple(
        _authority(
            _name(f"Excise issuing CA {series}-{number}"),
            root.subject,
            key,
            root_key,
            Domains(names),
            now,
            until,
            path_length=0,
            issuer=root,
        )
        for number, names in enumerate(slices, start=1)
    )


def issue_leaf(
    name: str, public_key: ec.EllipticCurvePublicKey, issuer: x509.Certificate, issuer_key: Key, start: dt.datetime, end: dt.datetime
) -> x509.Certificate:
    """
    A server certificate for exactly one DNS name. `name` is lower case and within the constraints; the caller has checked.
    """
    fits = len(name) <= _COMMON_NAME_LIMIT
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if fits else []))
        .issuer_name(issuer.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        # RFC 5280, 4.2.1.6: critical where the subject is empty
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=not fits)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(_issued_by(issuer), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def permitted_subtrees(certificate: x509.Certificate) -> tuple[str, ...]:
    """
    The DNS subtrees a CA certificate is held to; empty where it has no name constraints.
    """
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(tree.value for tree in constraints.permitted_subtrees or () if isinstance(tree, x509.DNSName))


def _authority(
    subject: x509.Name,
    issuer_name: x509.Name,
    key: Key,
    signing_key: Key,
    domains: Domains,
    now: dt.datetime,
    until: dt.datetime,
    *,
    path_length: int,
    issuer: x509.Certificate | None,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(
            x509.NameConstraints(
                permitted_subtrees=[x509.DNSName(name) for name in domains.names],
                # Names of a kind that is not mentioned are free: without this an address could be signed for.
                excluded_subtrees=[x509.IPAddress(network) for network in _EVERY_ADDRESS],
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer is not None:
        builder = builder.add_extension(_issued_by(issuer), critical=False)
        # Verifiers hold a chain to the intermediate's usages as well: no mail, no code signing.
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(signing_key, hashes.SHA256())


def _issued_by(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Excise"), x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
