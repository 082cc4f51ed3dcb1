"""
The roots this machine trusts: what upstream servers are verified against, and what our bundles carry besides our own root.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterable
from pathlib import Path

import certifi

from excise.errors import CertificateError

# First line of a bundle we merged ourselves; the block after it is our own root.
MARK = b"# Excise: its own root first, then this machine's roots. Written by the proxy; edits are lost.\n"

# `TRUSTED CERTIFICATE` blocks (OpenSSL's own form, with purposes) are left out: few readers know them.
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")


def certificates_in(path: Path) -> list[bytes]:
    """
    The certificates of a PEM file, DER, in order. Our own root is left out of a bundle we wrote, so that a proxy started inside
    `excise run` neither trusts itself as an upstream nor merges a bundle into a bundle.

    Raises:
        CertificateError: The file cannot be read or holds a damaged block.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise CertificateError(f"cannot read certificates from {path}: {error.strerror}") from error
    try:
        found = [ssl.PEM_cert_to_DER_cert(block.decode("ascii")) for block in _BLOCK.findall(text)]
    except ValueError as error:
        raise CertificateError(f"{path} holds a damaged certificate") from error
    return found[1:] if text.startswith(MARK) else found


def system_roots() -> list[bytes]:
    """
    The machine's roots, DER, each once. The first source that has any: `SSL_CERT_FILE` and `SSL_CERT_DIR` where set, OpenSSL's
    default file, its default directory, the `certifi` package.

    Raises:
        CertificateError: A source is named and cannot be read, or there is none at all.
    """
    paths = ssl.get_default_verify_paths()
    named: list[bytes] = []
    if file := os.environ.get(paths.openssl_cafile_env):
        named += certificates_in(Path(file))
    if directory := os.environ.get(paths.openssl_capath_env):
        named += _in_directories(directory)
    if named:
        return list(dict.fromkeys(named))
    for path in (Path(paths.openssl_cafile), Path(paths.openssl_capath), Path(certifi.where())):
        found = _in_directories(str(path)) if path.is_dir() else certificates_in(path) if path.is_file() else []
        if found:
            return list(dict.fromkeys(found))
    raise CertificateError("this machine has no root certificates: install ca-certificates, or set SSL_CERT_FILE")


def _in_directories(paths: str) -> list[bytes]:
    """
    `paths` is one directory or several, as `SSL_CERT_DIR` names them; only files under OpenSSL's hashed names count.
    """
    return [der for path in paths.split(os.pathsep) for file in _hashed(Path(path)) for der in certificates_in(file)]


def _hashed(directory: Path) -> Iterable[Path]:
    if not directory.is_dir():
        return ()
    return sorted(file for file in directory.iterdir() if _HASHED.fullmatch(file.name) and file.is_file())
