"""
Passphrases come from `env:NAME` or `file:PATH`, never from a command line or a YAML file.
"""

from __future__ import annotations

import os
from pathlib import Path

from excise.errors import CertificateError

VARIABLE = "EXCISE_CA_PASSPHRASE"
"""Names (as `env:…` or `file:…`) the passphrase of the key that lives with the proxy, for every process that needs the key."""


def passphrase(reference: str | None) -> bytes | None:
    """
    Read a passphrase; `None` gives `None` (no encryption). A file's last line break is not part of it.

    Raises:
        CertificateError: The reference has another form, or names nothing, or something empty.
    """
    if reference is None:
        return None
    kind, _, where = reference.partition(":")
    if kind == "env" and where:
        value = os.environ.get(where, "").encode()
    elif kind == "file" and where:
        try:
            value = Path(where).read_bytes().rstrip(b"\r\n")
        except OSError as error:
            raise CertificateError(f"cannot read the passphrase from {reference}: {error.strerror}") from error
    else:
        # The text is not repeated: somebody may have typed the passphrase itself.
        raise CertificateError("a passphrase is named as env:NAME or file:PATH")
    if not value:
        raise CertificateError(f"the passphrase at {reference} is empty or not set")
    return value
