"""
The journal: the truth of the ledger. A worker appends one line a fact, and what is appended survives the worker.
"""

from __future__ import annotations

import datetime as dt
import errno
import fcntl
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import orjson

from excise.errors import LedgerError
from excise.ledger.ballast import SUFFIX, Ballast, sweep
from excise.ledger.flush import Flusher, sync_directory
from excise.ledger.lines import FIRST, FORMAT_VERSION, KINDS, MAX_LINE_BYTES, FileName, host_label, link

_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_PASSTHROUGH_DATETIME
_MAX_FIELD_BYTES = 4096  # of a record that is too long as a whole; 128 such fields fit a line
_MAX_FIELDS = 128
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Journal:
    """
    Appends records to `<host>.<worker>.<number>.ndjson`, one `write` a line, each line carrying the hash of the one before.

    A new file for every Journal, every `max_file_bytes` and every `max_file_seconds`; none is ever opened again for writing. The worker
    holds an flock on its current file: a file whose lock is free belongs to the dead.

    When a line cannot be written (disk full, I/O error, descriptor limit, directory gone), what was written of it is cut off again, the
    ballast is given up, and `open` lines are refused until there is room for the ballast again: the room that is left belongs to the
    `close` lines of calls that already run. Refusing is cheap; whether there is room again is asked once in `probe_seconds`.

    Args:
        directory: Made if missing, mode 0700.
        host: Part of the file names.
        sync: "interval": an fdatasync each `sync_seconds`, so a power cut may take that much; "always": before `append` returns. In both
            cases a line survives the death of the process as soon as `append` has returned.
        ballast_bytes: Room kept for `close` lines.
        now_us: Wall clock, microseconds since the epoch.
        monotonic: Seconds.

    Raises:
        LedgerError: The directory cannot be written. A full disk is no error here: the journal starts unhealthy.
    """

    def __init__(
        self,
        directory: Path,
        *,
        host: str,
        sync: Literal["interval", "always"] = "interval",
        ballast_bytes: int = 64 * 1024 * 1024,
        max_file_bytes: int = 64 * 1024 * 1024,
        max_file_seconds: float = 600.0,
        sync_seconds: float = 1.0,
        probe_seconds: float = 1.0,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        monotonic: Callable[[], float] = time.monotonic,
        worker: str | None = None,
    ) -> None:
        self.directory = directory
        self._always = sync == "always"
        self._ballast_bytes = ballast_bytes
        self._max_bytes = max_file_bytes
        self._max_seconds = max_file_seconds
        self._probe_seconds = probe_seconds
        self._now_us = now_us
        self._monotonic = monotonic
        self._name = FileName(host_label(host), worker or str(uuid.uuid4()), 0)
        self._fd: int | None = None
        self._size = 0
        self._seq = 0
        self._head = FIRST
        self._rotate_at = 0.0
        self._probe_at = 0.0
        self._fault: str | None = None
        self._spoilt = False  # the current file must not be written again
        self._ballast: Ballast | None = None
        self._lock = threading.Lock()
        self._flusher = Flusher(sync_seconds, self._sync_failed)
        try:
            self._recover()
        except OSError as error:
            if error.errno not in _FULL:
                self.close()
                raise LedgerError(f"the journal cannot be written in {directory}: {error.strerror}; check owner and mode") from error
            self._fail(error)

    @property
    def healthy(self) -> bool:
        """
        Whether `open` lines are taken. Becomes true again by the next `append` that finds room.
        """
        return self._fault is None

    @property
    def fault(self) -> str | None:
        """
        Why the journal is not healthy, in the system's words.
        """
        return self._fault

    @property
    def file(self) -> Path | None:
        """
        The current file; `None` where there could be none.
        """
        return self.directory / str(self._name) if self._fd is not None else None

    def append(self, kind: str, record: Mapping[str, Any]) -> None:
        """
        Write one line. Costs about 10 microseconds (about a millisecond with `sync="always"`); never waits for the loader.

        Args:
            kind: One of `KINDS`.
            record: See `excise.ledger.schema`. Keys with `None` are left out; so are values that are no JSON (named under `dropped`), and
                the long ones of a record of more than 1 MiB.

        Raises:
            LedgerError: The line is not in the journal, or (`sync="always"`) not known to be on disk.
        """
        with self._lock:
            if self._fault is not None:
                self._try_again(kind)
            key = record.get("call_id") or record.get("id")
            if kind not in KINDS or not isinstance(key, str):
                raise LedgerError(f"no journal record: kind {kind!r} needs a call_id")
            try:
                self._write(kind, key, record)
            except OSError as error:
                gave_room = self._fail(error)
                if kind == "open" or not gave_room:
                    raise self._refusal() from error
                try:
                    self._write(kind, key, record)
                except OSError as again:
                    self._fail(again)
                    raise self._refusal() from again

    def close(self) -> None:
        """
        Sync, close, give the ballast back. The file stays, for the loader.
        """
        self._flusher.close()
        self._fd = None
        if self._fault is None:
            self._fault = "closed"
        if self._ballast is not None:
            self._ballast.close()
            self._ballast = None

    def _try_again(self, kind: str) -> None:
        now = self._monotonic()
        if self._fault != "closed" and now >= self._probe_at:
            self._probe_at = now + self._probe_seconds
            try:
                self._recover()
            except OSError as error:
                self._fault = error.strerror or str(error)
        if self._fault is not None and (kind == "open" or self._fault == "closed"):
            raise self._refusal()

    def _refusal(self) -> LedgerError:
        return LedgerError(f"the journal takes no more lines: {self._fault}", kind="journal_unavailable")

    def _recover(self) -> None:
        if self._fd is None or self._spoilt or os.fstat(self._fd).st_nlink == 0:
            self._open_next()
        if self._ballast is None:
            sweep(self.directory)
            name = f"{self._name.host}.{self._name.worker}{SUFFIX}"
            self._ballast = Ballast(self.directory / name, self._ballast_bytes)
        self._ballast.fill()
        self._fault = None

    def _fail(self, error: OSError) -> bool:
        """
        Note the fault. `True`: room was given up, or another file will be tried, so an essential line may be tried once more.
        """
        self._fault = error.strerror or str(error)
        self._probe_at = self._monotonic() + self._probe_seconds
        self._spoilt |= error.errno == errno.EFBIG  # a limit on this file, not on the disk
        with suppress(OSError):  # the fault is noted already, and it is the first one that explains
            if self._ballast is not None and self._ballast.release():
                return True
        return self._spoilt

    def _write(self, kind: str, key: str, record: Mapping[str, Any]) -> None:
        if self._fd is None or self._spoilt:
            self._open_next()
        elif self._size >= self._max_bytes or self._monotonic() >= self._rotate_at:
            self._rotate()
        assert self._fd is not None
        line = self._encode(kind, key, record)
        # A deleted file takes lines without complaint, and nobody will ever read them.
        if os.fstat(self._fd).st_nlink == 0:
            self._spoilt = True
            raise OSError(errno.ENOENT, "journal file deleted")
        self._put(self._fd, line)
        self._flusher.dirty = True
        self._seq += 1
        self._head = link(line[:-1])
        if self._always:
            try:
                os.fdatasync(self._fd)
            except OSError:
                # Whoever is told so may append the record again: the loader takes the first close of a call only.
                self._spoilt = True
                raise

    def _put(self, fd: int, line: bytes) -> None:
        written = 0
        try:
            written = os.write(fd, line)
            while written < len(line):  # the disk filled up in the middle of the line; the next write says why
                if not (more := os.write(fd, line[written:])):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                written += more
        except OSError:
            if written:
                try:
                    os.ftruncate(fd, self._size)
                except OSError:
                    self._spoilt = True
                    raise
            raise
        self._size += written

    def _encode(self, kind: str, key: str | None, record: Mapping[str, Any]) -> bytes:
        first = {"v": FORMAT_VERSION, "seq": self._seq, "call_id": key, "kind": kind, "prev": self._head}
        fields = {name: value for name, value in record.items() if value is not None}
        try:
            line = orjson.dumps({**first, **fields, **first}, default=_plain, option=_OPTIONS)
        except orjson.JSONEncodeError:
            line = b""
        if not line or len(line) > MAX_LINE_BYTES:
            # One value nobody could foresee must not cost the call its row, nor block the lines behind it.
            line = orjson.dumps({**first, **_writable(fields), **first}, default=_plain, option=_OPTIONS)
        return line

    def _rotate(self) -> None:
        try:
            self._open_next()
        except OSError:
            # The old file still takes lines; only its size is beyond the plan.
            self._rotate_at = self._monotonic() + self._probe_seconds
            self._max_bytes = max(self._max_bytes, self._size + MAX_LINE_BYTES)

    def _open_next(self) -> None:
        """
        Begin the next file. It gets its name only when it is locked and has its header: whoever lists the directory never sees a file of
        a living worker unlocked.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = FileName(self._name.host, self._name.worker, self._name.number + 1)
        hidden = self.directory / f".{name}.new"
        fd = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        before = (self._size, self._seq, self._head)
        self._size, self._seq, self._head = 0, 0, FIRST
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            header = {
                "file": str(name),
                "worker": name.worker,
                "host": name.host,
                "number": name.number,
                "started_at": self._now_us(),
                "prev_file": str(self._name) if self._name.number else None,
                "prev_head": before[2] if self._name.number else None,
            }
            line = self._encode("header", None, header)
            self._put(fd, line)
            hidden.rename(self.directory / str(name))
            if self._always:
                sync_directory(self.directory)
        except OSError:
            self._size, self._seq, self._head = before
            hidden.unlink(missing_ok=True)
            os.close(fd)
            raise
        self._flusher.follow(fd, self.directory)
        self._seq, self._head = 1, link(line[:-1])
        self._fd, self._name, self._spoilt = fd, name, False
        self._rotate_at = self._monotonic() + self._max_seconds

    def _sync_failed(self, error: OSError) -> None:
        # In the flusher's thread: plain assignments only. The next append sees the fault and moves to a new file.
        self._spoilt = True
        self._fault = error.strerror or str(error)


def _writable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """
    The fields without those that are no JSON or beyond all measure; their names under `dropped`.
    """
    kept: dict[str, Any] = {}
    dropped = []
    for name, value in fields.items():
        try:
            size = len(orjson.dumps({name: value}, default=_plain, option=_OPTIONS))
        except (orjson.JSONEncodeError, UnicodeEncodeError):
            size = MAX_LINE_BYTES
        if size > _MAX_FIELD_BYTES or len(kept) >= _MAX_FIELDS:
            dropped.append(name if name.isascii() and len(name) < 64 else "?")
        else:
            kept[name] = value
    return {**kept, "dropped": dropped[:_MAX_FIELDS]}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return (value - _EPOCH) // dt.timedelta(microseconds=1)
    raise TypeError(type(value).__name__)


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
