"""
A file that only takes up room, so that there is some to give up when the disk is full.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path

SUFFIX = ".ballast"


class Ballast:
    """
    `size` bytes of disk, really allocated (0600). The descriptor and an flock on it are kept for life, so that giving up needs neither a
    new descriptor nor a directory that still exists, and so that `sweep` knows the owner lives.

    Raises:
        OSError: The file cannot be created. Whether there is room for it is asked by `fill`.
    """

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._held = False
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._fd)
            raise

    @property
    def held(self) -> bool:
        """
        Whether the room is taken.
        """
        return self._held

    def fill(self) -> None:
        """
        Take the room.

        Raises:
            OSError: There is not enough; nothing is taken then.
        """
        if self._held or not self._size:
            self._held = True
            return
        room = os.fstatvfs(self._fd)
        # Asking first is cheap and does not, for a moment, take the last room away from others. A quarter on top: what is left must
        # be of use, or the next line would empty the ballast again.
        if room.f_bavail * room.f_frsize < self._size + min(self._size // 4, 1 << 20):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._fd, 0, self._size)
            else:
                os.pwrite(self._fd, bytes(self._size), 0)
        except OSError:
            os.ftruncate(self._fd, 0)  # a failed allocation may keep what it got
            raise
        self._held = True

    def release(self) -> bool:
        """
        Give the room up. `True`: there was some to give.
        """
        if not self._held:
            return False
        self._held = False
        os.ftruncate(self._fd, 0)
        return bool(self._size)

    def close(self) -> None:
        """
        Remove the file.
        """
        self._path.unlink(missing_ok=True)
        os.close(self._fd)


def sweep(directory: Path) -> None:
    """
    Remove the ballast, and the files that never got their name, of workers that have died.
    """
    for path in (*directory.glob("*" + SUFFIX), *directory.glob(".*.new")):
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue  # gone, or not ours
        try:
            # Between making a file and locking it a worker needs microseconds.
            if time.time() - os.fstat(fd).st_mtime > 1:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
        except OSError:
            pass  # its owner lives
        finally:
            os.close(fd)
