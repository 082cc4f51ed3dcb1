"""
Read the journal files of all workers in the order they were written, and know which workers are dead.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from excise.ledger.lines import Cursor, Entry, Fault, FileName, scan

CHUNK_BYTES = 4 * 1024 * 1024  # several times the longest line


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far a file is read. `finished`: to its end, and nobody writes it any more.
    """

    cursor: Cursor
    finished: bool = False


@dataclass(slots=True)
class Poll:
    """
    What is new. `moved` holds every file whose progress has changed; `more`: the line limit was reached, ask again at once.
    """

    entries: list[tuple[FileName, Entry]] = field(default_factory=list)
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    moved: dict[str, Progress] = field(default_factory=dict)
    more: bool = False


class Follower:
    """
    Tails `directory`. A worker's files are read one after the other: a `close` is never seen before its `open`.

    Args:
        known: Progress by file name, from the last commit.
    """

    def __init__(self, directory: Path, known: Mapping[str, Progress]) -> None:
        self._directory = directory
        self._known = dict(known)
        self._listing: dict[str, list[FileName]] = {}

    def poll(self, most: int) -> Poll:
        """
        Read at most about `most` new lines.

        Raises:
            OSError: A file cannot be read. What this poll had read is not remembered.
        """
        poll = Poll()
        before = dict(self._known)
        try:
            self._list(poll)
            for names in self._listing.values():
                if poll.more:
                    break
                self._read_worker(names, poll, most)
        except OSError:
            self._known = before
            raise
        return poll

    def is_gone(self, worker: str) -> bool | None:
        """
        Whether the worker is dead and its last line was read; `None`: it has no file here, so nobody can say.
        """
        names = self._listing.get(worker)
        if not names:
            return None
        return all(self._progress(name).finished for name in names)

    def progress(self, name: str) -> Progress | None:
        """
        Of a file by name; `None` where it was never seen.
        """
        return self._known.get(name)

    def forget(self, name: str) -> None:
        """
        The file was deleted on purpose.
        """
        self._known.pop(name, None)

    def _list(self, poll: Poll) -> None:
        listing: dict[str, list[FileName]] = {}
        try:
            names = [path.name for path in self._directory.iterdir()]
        except FileNotFoundError:
            names = []
        for text in names:
            if name := FileName.parse(text):
                listing.setdefault(name.worker, []).append(name)
        for files in listing.values():
            files.sort()
        self._listing = listing
        for text, progress in self._known.items():
            name = FileName.parse(text)
            if not progress.finished and name and name not in listing.get(name.worker, ()):
                poll.faults.append((text, Fault(progress.cursor.offset, "missing", "the file is gone before its end was read")))
                poll.moved[text] = Progress(progress.cursor, finished=True)
        self._known.update(poll.moved)

    def _progress(self, name: FileName) -> Progress:
        return self._known.get(str(name)) or Progress(Cursor())

    def _read_worker(self, names: list[FileName], poll: Poll, most: int) -> None:
        for index, name in enumerate(names):
            if self._progress(name).finished:
                continue
            if not self._read(name, poll, most):
                poll.more = True
                return
            last = index + 1 == len(names)
            if last and not self._abandoned(name):
                return
            # Nobody writes it any more, so this reads the true end: what came between the last read and the look at the lock.
            if not self._read(name, poll, most):
                poll.more = True
                return
            self._read(name, poll, most, final=True)
            self._move(name, replace(self._progress(name), finished=True), poll)

    def _read(self, name: FileName, poll: Poll, most: int, *, final: bool = False) -> bool:
        """
        `False`: the line limit was reached before the end of the file.
        """
        path = self._directory / str(name)
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while True:
                progress = self._progress(name)
                cursor = progress.cursor
                size = os.fstat(fd).st_size
                if size < cursor.offset:
                    poll.faults.append((str(name), Fault(size, "truncated", f"{cursor.offset - size} bytes that were read are gone")))
                    cursor = Cursor(size, cursor.seq, None)
                    self._move(name, Progress(cursor), poll)
                room = most - len(poll.entries)
                if room <= 0 and size > cursor.offset:
                    return False
                found = scan(os.pread(fd, CHUNK_BYTES, cursor.offset), cursor, most=max(room, 1), final=final)
                poll.faults.extend((str(name), fault) for fault in found.faults)
                poll.entries.extend((name, entry) for entry in found.entries)
                if found.cursor.offset == cursor.offset:
                    return True
                self._move(name, Progress(found.cursor), poll)
        finally:
            os.close(fd)

    def _move(self, name: FileName, progress: Progress, poll: Poll) -> None:
        self._known[str(name)] = progress
        poll.moved[str(name)] = progress

    def _abandoned(self, name: FileName) -> bool:
        """
        Whether the writer of a worker's newest file has died. A living worker holds the lock of its newest file, and a new file gets its
        name locked, before the old one is let go.
        """
        fd = os.open(self._directory / str(name), os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(fd)
        return not (self._directory / str(replace(name, number=name.number + 1))).exists()
