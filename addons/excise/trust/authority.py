"""
The certificate authority: it can sign for LLM hosts, for a year, and for nothing else.

    root (name-constrained, path length 1, 10 years)             clients trust it; its key is thrown away or kept offline
      └─ intermediates (a slice of the names, path length 0)     one key for all of them lives with the proxy, one year
           └─ leaves                                             one DNS name each, days; see `leaf`

Both levels carry constraints because verifiers differ: Java does not apply those of a trust anchor, so the intermediates must
have them; the root has them so that even its own key, should somebody keep it badly, is worth no more.

There are several intermediates because a list of every provider's domains is 20 KB, which each full handshake would carry (and
Java takes no handshake message above 32 KB). Each has a few of the domains, and only the one that fits is sent.
Source: RFC 5280, 4.2.1.10 and 6.1; behaviour of OpenSSL, BoringSSL, Go, rustls, NSS and Java tried, 2026-11.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from excise.errors import CertificateError
from excise.trust import directory as disk
from excise.trust import passphrase as secret
from excise.trust.domains import Domains
from excise.trust.issue import Key, issue_intermediates, issue_root, permitted_subtrees

ROOT_FILE = "excise-ca.pem"
INTERMEDIATE_FILE = "intermediate.pem"
KEY_FILE = "intermediate.key"
_FILES = (ROOT_FILE, INTERMEDIATE_FILE, KEY_FILE)

WARN_BEFORE = dt.timedelta(days=30)


class Renewed(StrEnum):
    """
    What `Authority.renew` had to change, and so what clients must be given.
    """

    INTERMEDIATES = "intermediates"  # clients need nothing
    ROOT_WIDENED = "root-widened"  # same root key, more domains: a client needs the new file before it accepts the new domains
    NEW_ROOT = "new-root"  # every client must be given the new root


@dataclass(frozen=True, slots=True)
class Authority:
    """
    A CA that was read from disk and found whole. Build it with `load`, `create` or `renew`.

    `domains` are the subtrees that root *and* intermediates permit. `warnings` are sentences for the operator.
    """

    directory: Path
    root: x509.Certificate
    intermediates: tuple[x509.Certificate, ...]
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    domains: Domains
    warnings: tuple[str, ...] = ()

    @property
    def root_path(self) -> Path:
        """
        The file clients are given.
        """
        return self.directory / ROOT_FILE

    @property
    def expires(self) -> dt.datetime:
        """
        When the first certificate of the chain runs out, UTC.
        """
        return min(certificate.not_valid_after_utc for certificate in (self.root, *self.intermediates))

    def issuer_for(self, name: str) -> x509.Certificate | None:
        """
        The intermediate that may sign for `name` (lower case, A-labels); `None` where the CA may not.
        """
        if not self.domains.covers(name):
            return None
        return next(one for one in self.intermediates if Domains(permitted_subtrees(one)).covers(name))

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        permitted_domains: Sequence[str],
        keep_root_key: Path | None = None,
        root_passphrase: bytes | None = None,
        passphrase: bytes | None = None,
        now: dt.datetime | None = None,
    ) -> Authority:
        """
        Make a new CA in `directory` (0700), all files or none.

        Args:
            permitted_domains: DNS subtrees the CA may sign for; `example.com` includes everything below it.
            keep_root_key: Where to write the root's key (0600, never overwritten); without it the key never touches a disk.
            root_passphrase: Encrypts that file.
            passphrase: Encrypts the intermediates' key; every start then needs `EXCISE_CA_PASSPHRASE` to name it.
            now: Wall clock, UTC; for tests.

        Raises:
            CertificateError: There is a CA already, no domain is permitted, or something could not be written.
        """
        if any((directory / name).exists() for name in (*_FILES, ".next")):
            raise CertificateError(f"there is a CA in {directory} already; `excise certs renew` renews it")
        return cls._make(directory, Domains(permitted_domains), keep_root_key, root_passphrase, passphrase, now)

    @classmethod
    def load(cls, directory: Path, *, passphrase: bytes | None = None, now: dt.datetime | None = None) -> Authority:
        """
        Read the CA and check it: file modes, key and chain belong together, constraints present, validity.

        Args:
            passphrase: Of the intermediates' key; without it the one `EXCISE_CA_PASSPHRASE` names, where the key is encrypted.

        Raises:
            CertificateError: With what is wrong and which command mends it.
        """
        root, intermediates, key, permitted = cls._read(directory, passphrase)
        moment = now or dt.datetime.now(dt.UTC)
        warnings = []
        for name, certificate in ((ROOT_FILE, root), (INTERMEDIATE_FILE, min(intermediates, key=lambda one: one.not_valid_after_utc))):
            if moment >= certificate.not_valid_after_utc:
                raise CertificateError(
                    f"{directory / name} expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC: run `excise certs renew`"
                )
            if moment < certificate.not_valid_before_utc:
                raise CertificateError(
                    f"{directory / name} is valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on: check this machine's clock"
                )
            if moment >= certificate.not_valid_after_utc - WARN_BEFORE:
                warnings.append(f"{directory / name} expires on {certificate.not_valid_after_utc:%Y-%m-%d}: run `excise certs renew`")
        return cls(directory, root, intermediates, key, permitted, tuple(warnings))

    @classmethod
    def renew(
        cls,
        directory: Path,
        *,
        permitted_domains: Sequence[str],
        root_key: Path | None = None,
        root_passphrase: bytes | None = None,
        passphrase: bytes | None = None,
        now: dt.datetime | None = None,
    ) -> tuple[Authority, Renewed]:
        """
        Renew the CA, expired or not. Domains permitted until now stay permitted.

        Args:
            root_key: The kept root key: the root stays and signs new intermediates. Where the root does not permit all domains, or
                is about to expire, it is issued again with the same key and name, so that clients with the old file go on working
                for the old domains. Without it a new root is made, and its key thrown away.

        Raises:
            CertificateError: No CA here, the root key is another one's, or something could not be written.
        """
        old_root, old = cls._read_certificates(directory)
        moment = now or dt.datetime.now(dt.UTC)
        domains = Domains((*permitted_domains, *(name for one in old for name in permitted_subtrees(one))))
        passphrase = passphrase or _known_passphrase(directory)  # a key that was encrypted is not replaced by a plain one
        if root_key is None:
            return cls._make(directory, domains, None, None, passphrase, now), Renewed.NEW_ROOT
        key = _load_key(root_key, root_passphrase, "the root key")
        if key.public_key() != old_root.public_key():
            raise CertificateError(f"{root_key} is not the key of {directory / ROOT_FILE}")
        fits = not Domains(permitted_subtrees(old_root)).missing(domains.names)
        if fits and moment + WARN_BEFORE < old_root.not_valid_after_utc:
            root, what = old_root, Renewed.INTERMEDIATES
        else:
            root, what = issue_root(key, domains, moment, subject=old_root.subject), Renewed.ROOT_WIDENED
        own = ec.generate_private_key(ec.SECP256R1())
        _commit(directory, root, issue_intermediates(key, root, own, domains, moment), own, passphrase)
        return cls.load(directory, passphrase=passphrase, now=now), what

    @classmethod
    def _make(
        cls,
        directory: Path,
        domains: Domains,
        keep_root_key: Path | None,
        root_passphrase: bytes | None,
        passphrase: bytes | None,
        now: dt.datetime | None,
    ) -> Authority:
        if not domains.names:
            raise CertificateError("a CA needs at least one permitted domain; name one with --permit")
        moment = now or dt.datetime.now(dt.UTC)
        root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root = issue_root(root_key, domains, moment)
        intermediates = issue_intermediates(root_key, root, key, domains, moment)
        if keep_root_key is not None:
            _keep(keep_root_key, root_key, root_passphrase)
        try:
            _commit(directory, root, intermediates, key, passphrase)
        except CertificateError:
            if keep_root_key is not None:
                keep_root_key.unlink(missing_ok=True)  # the key of a CA that never was
            raise
        return cls.load(directory, passphrase=passphrase, now=now)

    @classmethod
    def _read(
        cls, directory: Path, passphrase: bytes | None
    ) -> tuple[x509.Certificate, tuple[x509.Certificate, ...], ec.EllipticCurvePrivateKey, Domains]:
        root, intermediates = cls._read_certificates(directory)
        disk.check_private(directory)
        disk.check_private(directory / KEY_FILE)
        key = _load_key(directory / KEY_FILE, passphrase or _known_passphrase(directory), "the intermediates' key")
        permitted: list[str] = []
        for one in intermediates:
            if key.public_key() != one.public_key():
                raise CertificateError(_mend(directory, f"{KEY_FILE} is not the key of {INTERMEDIATE_FILE}"))
            _check_chain(directory, root, one)
            names = permitted_subtrees(one)
            if not names:
                raise CertificateError(_mend(directory, f"{INTERMEDIATE_FILE} has no name constraints: it could sign for any host"))
            permitted += names
        domains, outer = Domains(permitted), permitted_subtrees(root)
        if outer:
            limit = Domains(outer)
            # A leaf must please both levels: of two overlapping subtrees the smaller one counts.
            domains = Domains([*filter(limit.covers, domains.names), *filter(domains.covers, limit.names)])
        return root, intermediates, key, domains

    @classmethod
    def _read_certificates(cls, directory: Path) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
        if not directory.is_dir():
            raise CertificateError(f"there is no CA in {directory}: run `excise certs init`")
        found = disk.read_all(directory, _FILES)
        if not found:
            raise CertificateError(f"there is no CA in {directory}: run `excise certs init`")
        missing = [name for name in _FILES if name not in found]
        if missing:
            raise CertificateError(_mend(directory, f"{', '.join(missing)} is missing"))
        return _parse(directory, ROOT_FILE, found)[0], _parse(directory, INTERMEDIATE_FILE, found)


def _mend(directory: Path, fault: str) -> str:
    return (
        f"the CA in {directory} is broken: {fault}. Restore the directory from a backup, or move it away, "
        "run `excise certs init` and give clients the new root."
    )


def _parse(directory: Path, name: str, found: dict[str, bytes]) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(found[name]))
    except ValueError as error:
        raise CertificateError(_mend(directory, f"{name} holds no readable certificate")) from error


def _check_chain(directory: Path, root: x509.Certificate, intermediate: x509.Certificate) -> None:
    try:
        root.verify_directly_issued_by(root)
        intermediate.verify_directly_issued_by(root)
        constraints = intermediate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound) as error:
        raise CertificateError(_mend(directory, f"{INTERMEDIATE_FILE} is not signed by {ROOT_FILE}")) from error
    if not constraints.ca or constraints.path_length != 0:
        raise CertificateError(_mend(directory, f"{INTERMEDIATE_FILE} must be a CA certificate of path length 0"))


def _load_key(path: Path, passphrase: bytes | None, what: str) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), passphrase)
    except OSError as error:
        raise CertificateError(f"cannot read {what} from {path}: {error.strerror}") from error
    except TypeError as error:  # how cryptography says: encrypted without a passphrase, or a passphrase for a plain key
        needs = "has no passphrase, but one was given" if passphrase else "is encrypted; name its passphrase as env:NAME or file:PATH"
        raise CertificateError(f"{what} in {path} {needs}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        why = "the passphrase is wrong or the file damaged" if passphrase else "the file is damaged"
        raise CertificateError(f"cannot use {what} in {path}: {why}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError(f"{what} in {path} is no elliptic-curve key")
    return key


def _known_passphrase(directory: Path) -> bytes | None:
    path = directory / KEY_FILE
    try:
        encrypted = b"ENCRYPTED PRIVATE KEY" in path.read_bytes()
    except OSError as error:
        raise CertificateError(f"cannot read {path}: {error.strerror}") from error
    if not encrypted:
        return None
    known = secret.passphrase(os.environ.get(secret.VARIABLE))
    if known is None:
        raise CertificateError(f"{path} is encrypted; name its passphrase as env:NAME or file:PATH in {secret.VARIABLE}")
    return known


def _key_pem(key: Key, passphrase: bytes | None) -> bytes:
    cipher = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, cipher)


def _keep(path: Path, key: Key, passphrase: bytes | None) -> None:
    try:
        disk.write_new(path, _key_pem(key, passphrase), 0o600)
    except FileExistsError as error:
        raise CertificateError(f"{path} exists; the root key is never written over another file") from error
    except OSError as error:
        raise CertificateError(f"cannot write the root key to {path}: {error.strerror}. Nothing was changed.") from error


def _commit(directory: Path, root: x509.Certificate, intermediates: Sequence[x509.Certificate], key: Key, passphrase: bytes | None) -> None:
    disk.prepare(directory)
    disk.replace_all(
        directory,
        {
            KEY_FILE: (_key_pem(key, passphrase), 0o600),
            INTERMEDIATE_FILE: (b"".join(one.public_bytes(serialization.Encoding.PEM) for one in intermediates), 0o600),
            ROOT_FILE: (root.public_bytes(serialization.Encoding.PEM), 0o644),
        },
    )
