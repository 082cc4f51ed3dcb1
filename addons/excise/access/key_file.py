"""
The file virtual keys are kept in: one JSON document, closed to others, replaced whole under a lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import orjson

from excise.access.virtual_key import VirtualKey, key_of
from excise.errors import SettingsError

MAX_BYTES = 64 * 1024 * 1024  # far more than the keys there may be, with long labels

_VERSION = 1


def stamp(path: Path) -> tuple[int, ...] | None:
    """
    Differs when the file was replaced or changed; `None`: it is not there.
    """
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def read(path: Path) -> dict[str, VirtualKey]:
    """
    The keys by their ids; none where there is no file.

    Raises:
        SettingsError: It cannot be read, everybody may write it, or it is no key file.
    """
    try:
        # A pipe would block whoever opens it.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
                raise SettingsError(f"{path}: this is no key file: no ordinary file, or larger than {MAX_BYTES} bytes")
            if status.st_mode & stat.S_IWOTH:
                raise SettingsError(f"{path}: everybody may write this file and so make keys; look at it, then chmod 600 it")
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"{path}: the keys cannot be read: {error.strerror}") from error
    try:
        document = orjson.loads(content)
        if not isinstance(document, dict) or document.get("version") != _VERSION or not isinstance(document.get("keys"), list):
            raise ValueError
        keys = [key_of(row) for row in document["keys"]]
        if len(found := {key.id: key for key in keys}) != len(keys):
            raise ValueError
    except ValueError:
        raise SettingsError(
            f"{path}: this is no key file of this version; restore it from a backup, or remove it and make new keys"
        ) from None
    return found


@contextmanager
def changes(path: Path) -> Iterator[dict[str, VirtualKey]]:
    """
    The keys, to be changed; written at the end, where nothing was raised. One writer at a time, over all processes.

    Raises:
        SettingsError: They cannot be read or written.
    """
    path = path.resolve()  # a link to the file stays one
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise SettingsError(f"{path}: the keys cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        keys = read(path)
        yield keys
        _write(path, keys)
    finally:
        os.close(lock)


def _write(path: Path, keys: Mapping[str, VirtualKey]) -> None:
    content = orjson.dumps({"version": _VERSION, "keys": [key.row() for key in keys.values()]}, option=orjson.OPT_INDENT_2)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        for left in path.parent.glob(f".{path.name}.*"):  # by a writer that was killed: we hold its lock
            left.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), "wb") as file:
            _give_to_owner(file.fileno(), path.parent)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        # Else a revoked key might work again after a power cut.
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise SettingsError(f"{path}: the keys cannot be written: {error.strerror}") from error


def _give_to_owner(descriptor: int, folder: Path) -> None:
    # Keys made by root must be readable for the proxy, which runs as the owner of its data.
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
