"""
Keyed fingerprints of provider keys: the ledger can group by key, and nobody can get from the ledger to a key, or test a
guess, without the installation's secret.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from pathlib import Path

from excise.errors import SettingsError

SECRET_BYTES = 32
# The purpose is part of what is signed: a secret shared with another use still gives unrelated values.
_PURPOSE = b"excise provider key 1\x00"


def fingerprint(secret: bytes, provider_key: str) -> str:
    """
    `fp_` and 20 hex digits (80 bits) of HMAC-SHA-256. Same secret and key, same value; the key's provider is not part of it.
    """
    mac = hmac.digest(secret, _PURPOSE + provider_key.encode("utf-8", "surrogatepass"), "sha256")
    return "fp_" + mac.hex()[:20]


def load_or_create_secret(path: Path) -> bytes:
    """
    Read the installation's secret (32 bytes, written as 64 hex digits), or make one. An edge: touches the file system.

    Safe for several processes at once: the file appears whole, mode 0600, under its name, and all get the same secret.

    Raises:
        SettingsError: The file is open to others, is not a secret, or cannot be made. A damaged file is never replaced: new
            fingerprints would cut every key's history in two.
    """
    try:
        try:
            return _read(path)
        except FileNotFoundError:
            _create(path)
            return _read(path)
    except OSError as error:
        raise SettingsError(f"{path}: the fingerprint secret cannot be read or made: {error.strerror or type(error).__name__}") from error


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        content = file.read(4 * SECRET_BYTES)
    # Group read, root as owner and links are let through: that is how orchestrators mount a secret several hosts share.
    if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o037 or status.st_uid not in (0, os.geteuid()):
        raise SettingsError(f"{path}: the fingerprint secret must be a file closed to others: chmod 600, owned by who runs excise")
    try:
        secret = bytes.fromhex(content.decode("ascii"))
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise SettingsError(f"{path}: not a fingerprint secret ({2 * SECRET_BYTES} hex digits); restore it from a backup, or remove it")
    return secret


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES).hex().encode("ascii") + b"\n")
            file.flush()
            os.fsync(descriptor)
        try:
            # A link, not a rename: it fails where another process was faster, and then that secret is the one.
            path.hardlink_to(temporary)
        except FileExistsError:
            return
    finally:
        temporary.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
