"""
Group fsync: one `fdatasync` an interval for all lines written in it, in a thread, because one costs a millisecond and a line three
microseconds.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path


class Flusher:
    """
    Syncs the current descriptor while it is dirty; syncs and closes retired ones. Descriptors are closed only here, so a sync never hits a
    number that has been used again.

    Args:
        seconds: Most time a written line stays unsynced, while the disk keeps up.
        on_error: Called in the thread with what `fdatasync` raised. After that the kernel may have dropped the unsynced pages, so asking
            again proves nothing: the file must be given up.
    """

    def __init__(self, seconds: float, on_error: Callable[[OSError], None]) -> None:
        self._seconds = seconds
        self._on_error = on_error
        self._fd: int | None = None
        self._entered: Path | None = None  # where the current file's name is not synced yet
        self._retired: deque[int] = deque()
        self._stop = threading.Event()
        self.dirty = False
        self._thread = threading.Thread(target=self._run, name="journal-flush", daemon=True)
        self._thread.start()

    def follow(self, fd: int | None, directory: Path | None = None) -> None:
        """
        Take over the current descriptor, of a file made in `directory`; the one before is synced and closed soon. Never waits for the disk.
        """
        if self._fd is not None:
            self._retired.append(self._fd)
        self._fd = fd
        self._entered = directory
        self.dirty = fd is not None

    def _flush(self) -> None:
        fd = self._fd  # may be retired meanwhile, but only this thread closes
        if self.dirty and fd is not None:
            self.dirty = False
            self._sync(fd)
            if (directory := self._entered) is not None:
                self._entered = None
                self._sync_directory(directory)
        while self._retired:
            old = self._retired.popleft()
            self._sync(old)
            os.close(old)

    def close(self) -> None:
        """
        Sync and close everything, end the thread.
        """
        self._stop.set()
        self._thread.join()
        self.follow(None)
        self._flush()

    def _sync(self, fd: int) -> None:
        try:
            os.fdatasync(fd)
        except OSError as error:
            self._on_error(error)

    def _sync_directory(self, path: Path) -> None:
        try:
            sync_directory(path)
        except FileNotFoundError:
            pass  # deleted under us: the next line notices, and begins anew
        except OSError as error:
            self._on_error(error)

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            self._flush()


def sync_directory(path: Path) -> None:
    """
    Make the names in a directory survive a power cut.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
