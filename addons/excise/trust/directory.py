"""
The CA's directory on disk: private, and changed all at once or not at all.

A change is written whole to `.staging-…`, synced, and renamed to `.next`: that rename is the commit. Then the files move from
`.next` to their places; whoever opens the directory after a crash finishes the move. So a full disk or `kill -9` leaves the old
CA or the new one, never a key beside somebody else's certificate.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from excise.errors import CertificateError

_NEXT = ".next"
_STAGING = ".staging-"


def prepare(directory: Path) -> None:
    """
    Make the directory, or make an existing one private (0700).
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        directory.chmod(0o700)
    except OSError as error:
        raise CertificateError(f"cannot use {directory} for the CA: {error.strerror}. Name another directory with --certs.") from error


def replace_all(directory: Path, files: Mapping[str, tuple[bytes, int]]) -> None:
    """
    Put `files` (name to content and mode) into `directory`, all or none.

    Raises:
        CertificateError: They could not be written; what was there before is untouched.
    """
    with _locked(directory):
        _finish(directory, files)
        for left_over in directory.glob(_STAGING + "*"):
            shutil.rmtree(left_over, ignore_errors=True)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=directory))
        try:
            for name, (content, mode) in files.items():
                write_new(staging / name, content, mode)
            _sync_directory(staging)
            staging.rename(directory / _NEXT)
        except OSError as error:
            shutil.rmtree(staging, ignore_errors=True)
            raise CertificateError(f"cannot write the CA to {directory}: {error.strerror}. Nothing was changed.") from error
        _sync_directory(directory)
        _finish(directory, files)


def read_all(directory: Path, names: Iterable[str]) -> dict[str, bytes]:
    """
    Read files of one and the same change; missing ones are left out. A change that a crash cut off after its commit is finished
    first; otherwise no write access is needed.

    Raises:
        CertificateError: A file is there and cannot be read.
    """
    names = tuple(names)
    if (directory / _NEXT).is_dir():
        with _locked(directory):
            _finish(directory, names)
    found = {}
    with _locked(directory, fcntl.LOCK_SH):
        for name in names:
            try:
                found[name] = (directory / name).read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise CertificateError(f"cannot read {directory / name}: {error.strerror}") from error
    return found


def check_private(path: Path) -> None:
    """
    Raises:
        CertificateError: `path` can be read or changed by others than its owner, or belongs to somebody else.
    """
    status = path.stat()
    if stat.S_IMODE(status.st_mode) & 0o077:
        wanted = "700" if stat.S_ISDIR(status.st_mode) else "600"
        raise CertificateError(f"{path} is open to other users (mode {stat.S_IMODE(status.st_mode):04o}): chmod {wanted} {path}")
    if status.st_uid not in (0, os.geteuid()):
        raise CertificateError(f"{path} belongs to user id {status.st_uid}, not to the user the proxy runs as or root: chown it")


def write_new(path: Path, content: bytes, mode: int) -> None:
    """
    Write and sync a file that must not exist yet; a file that could not be written whole is removed.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(handle, "wb") as out:
            os.fchmod(out.fileno(), mode)  # whatever the umask said
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """
    Write one file so that readers see the old content or the new, never a part.
    """
    staging = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        write_new(staging, content, mode)
        staging.replace(path)
    except OSError as error:
        staging.unlink(missing_ok=True)
        raise CertificateError(f"cannot write {path}: {error.strerror}") from error


def _finish(directory: Path, names: Iterable[str]) -> None:
    staged = directory / _NEXT
    if not staged.is_dir():
        return
    try:
        for name in names:
            with suppress(FileNotFoundError):  # moved before the crash
                (staged / name).replace(directory / name)
        _sync_directory(directory)
        staged.rmdir()
    except OSError as error:
        raise CertificateError(f"cannot finish the interrupted change in {staged}: {error.strerror}. Move its files up by hand.") from error


@contextmanager
def _locked(directory: Path, how: int = fcntl.LOCK_EX) -> Iterator[None]:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)  # and so unlock


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
