"""
What a thief of the intermediates' key could do: certificates the issuer itself would refuse to sign, and servers that show them.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from excise.trust.authority import Authority

GOOD = "api.llm.test"


@dataclass(frozen=True)
class Case:
    """
    One certificate: its names, the name the client asks for, and whether it must be accepted.
    """

    id: str
    sans: tuple[str, ...]
    asked: str
    accepted: bool


CASES = (
    Case("in-scope", (GOOD,), GOOD, True),
    Case("domain-itself", ("llm.test",), "llm.test", True),
    Case("out-of-scope", ("mail.bank.test",), "mail.bank.test", False),
    Case("one-name-out-of-scope", (GOOD, "mail.bank.test"), GOOD, False),
    Case("address", ("127.0.0.1",), "127.0.0.1", False),
    Case("address-beside-name", (GOOD, "127.0.0.1"), GOOD, False),
    Case("look-alike-suffix", ("evilllm.test",), "evilllm.test", False),
    Case("parent-domain", ("test",), "test", False),
)


def forge(authority: Authority, sans: Sequence[str]) -> tuple[bytes, bytes]:
    """
    Sign any names with the intermediates' key. Gives the PEM chain (leaf, intermediate) and the PEM key.
    """
    issuer = authority.issuer_for(GOOD)
    assert issuer is not None
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    names = [x509.IPAddress(ipaddress.ip_address(san)) if san[0].isdigit() else x509.DNSName(san) for san in sans]
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign", "encipher_only"),
        False,
    )
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, sans[0])]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, decipher_only=False, **usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            ),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )
    chain = b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in (leaf, issuer))
    plain = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return chain, plain


@contextmanager
def serving(chain: Path, key: Path) -> Iterator[int]:
    """
    An HTTPS server on loopback that answers every request with an empty 200. Gives its port.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            plain.settimeout(20)
            with suppress(OSError), context.wrap_socket(plain, server_side=True) as tls:
                tls.recv(4096)
                tls.sendall(b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n")
            plain.close()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(25)
