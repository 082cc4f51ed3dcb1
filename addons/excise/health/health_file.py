"""
The file that the workers of a host share: made once, mapped by all, made anew when it is of another boot or not as it should be.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
from pathlib import Path

HEADER_BYTES = SLOT_BYTES = 256
_HEADER = struct.Struct("=8s16sII")
_MAGIC = b"xhealth1"  # with the layout's number: another layout is another file
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def open_health_file(path: Path, slots: int) -> int:
    """
    Open the file for reading and writing, 0600, `(1 + slots) * 256` bytes, and make it where it does not exist, is damaged, is open to
    others, or was made before the host started: the clock its times are on began anew.

    Workers that start together agree on one file. Those that run while it is made anew keep the one they have.

    Returns:
        The descriptor.

    Raises:
        OSError: No such folder can be made, no room, no right.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    header = _HEADER.pack(_MAGIC, _boot(), slots, SLOT_BYTES).ljust(HEADER_BYTES, b"\0")
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fd = _existing(path, header, slots)
        return _made(path, header, slots) if fd is None else fd
    finally:
        os.close(lock)


def _boot() -> bytes:
    """
    Which start of the host this is; empty where the system does not say: then times from the future show that it was another.
    """
    try:
        return bytes.fromhex(_BOOT_ID.read_text("ascii").strip().replace("-", ""))[:16]
    except (OSError, ValueError):
        return b""


def _existing(path: Path, header: bytes, slots: int) -> int | None:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None  # not there, a link, or nothing that can be read: what is made takes its place
    found = os.fstat(fd)
    if (
        stat.S_ISREG(found.st_mode)
        and stat.S_IMODE(found.st_mode) == 0o600
        and found.st_uid == os.geteuid()
        and found.st_size == HEADER_BYTES + slots * SLOT_BYTES
        and os.pread(fd, HEADER_BYTES, 0) == header
    ):
        return fd
    os.close(fd)
    return None


def _made(path: Path, header: bytes, slots: int) -> int:
    new = Path(f"{path}.new")
    new.unlink(missing_ok=True)
    fd = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(fd, 0o600)
        # Written, not only made long: a page that finds no room on the disk when it is touched later kills the process.
        rest = memoryview(header + bytes(slots * SLOT_BYTES))
        while rest:
            rest = rest[os.write(fd, rest) :]
        new.replace(path)
    except BaseException:
        os.close(fd)
        raise
    return fd
