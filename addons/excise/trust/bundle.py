"""
What a client is pointed at: our root merged with the machine's, for the many settings that *replace* a client's store; our root
alone, for those that add to it; and a PKCS12 store for Java, which has neither.
"""

from __future__ import annotations

import ssl
import warnings
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore
from cryptography.utils import CryptographyDeprecationWarning

from excise.errors import CertificateError
from excise.trust.authority import ROOT_FILE
from excise.trust.directory import replace_file
from excise.trust.roots import MARK, certificates_in, system_roots

BUNDLE_FILE = "bundle.pem"
TRUSTSTORE_FILE = "truststore.p12"
TRUSTSTORE_PASSWORD = "changeit"  # noqa: S105 - Java's own default: there is nothing secret in a store of public certificates


@dataclass(frozen=True, slots=True)
class Bundle:
    """
    Paths, all absolute. `certificates` counts those in `pem`, ours included.
    """

    pem: Path  # ours + the machine's: SSL_CERT_FILE, REQUESTS_CA_BUNDLE, AWS_CA_BUNDLE, …
    root: Path  # ours alone: NODE_EXTRA_CA_CERTS, DENO_CERT
    truststore: Path  # ours + the machine's: -Djavax.net.ssl.trustStore
    truststore_password: str
    certificates: int


def write_bundle(directory: Path, *, root: Path | None = None) -> Bundle:
    """
    Write the bundles into `directory` and say where they are. Files that would not change are not touched, so calling this at
    every start is cheap and refreshes them when the machine's roots have changed.

    Args:
        root: Our root; without it the one in `directory`. When it lies elsewhere it is copied, so that one directory is enough.

    Raises:
        CertificateError: There is no CA, the machine has no roots, or something could not be written.
    """
    directory = directory.absolute()
    own = (root or directory / ROOT_FILE).absolute()
    if not own.is_file():
        raise CertificateError(f"there is no CA at {own}: run `excise certs init`")
    ours = certificates_in(own)
    if len(ours) != 1:
        raise CertificateError(f"{own} must hold exactly one certificate")
    everything = ours + [der for der in system_roots() if der != ours[0]]
    pem = MARK + b"".join(ssl.DER_cert_to_PEM_cert(der).encode("ascii") for der in everything)

    bundle = Bundle(directory / BUNDLE_FILE, directory / ROOT_FILE, directory / TRUSTSTORE_FILE, TRUSTSTORE_PASSWORD, len(everything))
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CertificateError(f"cannot write bundles to {directory}: {error.strerror}") from error
    if own != bundle.root and _content(bundle.root) != own.read_bytes():
        replace_file(bundle.root, own.read_bytes(), 0o644)
    if _content(bundle.pem) != pem or not bundle.truststore.is_file():
        # The PEM file last: where it is current, the store (salted, so never the same bytes twice) is current as well.
        replace_file(bundle.truststore, _java_store(everything), 0o644)
        replace_file(bundle.pem, pem, 0o644)
    return bundle


def _java_store(certificates: list[bytes]) -> bytes:
    entries = []
    with warnings.catch_warnings():
        # Old roots have oddities (a serial number of zero) that are the machine's business, not ours.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        for number, der in enumerate(certificates):
            try:
                certificate = x509.load_der_x509_certificate(der)
            except ValueError:
                continue  # a root this library cannot read would not be readable to Java either
            entries.append(PKCS12Certificate(certificate, b"excise" if number == 0 else f"system-{number}".encode()))
    return serialize_java_truststore(entries, serialization.BestAvailableEncryption(TRUSTSTORE_PASSWORD.encode()))


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None  # not there, or not ours to read: it is written anew, and that says what is wrong
