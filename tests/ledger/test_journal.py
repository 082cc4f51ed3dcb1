import datetime as dt
import errno
import fcntl
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from writing import ENVIRONMENT, close, journal, lines

from excise.errors import LedgerError
from excise.ids import uuid7
from excise.ledger.journal import Journal
from excise.ledger.lines import Cursor, link, scan

KIB = 1024


def whole_and_sound(directory: Path) -> list[str]:
    """
    Ids of all closes, after checking that every file is sound to its last byte.
    """
    ids = []
    for path in sorted(directory.glob("*.ndjson")):
        found = scan(path.read_bytes(), Cursor(), final=True)
        assert not found.faults
        ids += [entry.key for entry in found.entries if entry.kind == "close"]
    return ids


def test_a_line_says_first_what_it_is(tmp_path: Path) -> None:
    """
    The order of the first fields is fixed, each line names the one before, and money keeps its digits.
    """
    writer = journal(tmp_path / "j")
    when = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
    writer.append("open", {"call_id": "a", "started_at": when, "team": None})
    writer.append("close", {"call_id": "a", "cost_usd": Decimal("0.000000001")})
    path = writer.file
    assert path is not None
    raw = path.read_bytes().splitlines()
    header, opened, closed = lines(path)
    writer.close()

    assert list(opened)[:5] == ["v", "seq", "call_id", "kind", "prev"]
    assert "team" not in opened
    assert opened["started_at"] == 1_795_348_800_000_000
    assert closed["cost_usd"] == "0.000000001"
    assert (header["kind"], header["file"], header.get("prev_file")) == ("header", path.name, None)
    assert opened["prev"] == link(raw[0])
    assert closed["prev"] == link(raw[1])


def test_only_the_owner_reads(tmp_path: Path) -> None:
    """
    The directory is 0700 and its files 0600, whatever the umask.
    """
    before = os.umask(0)
    try:
        writer = journal(tmp_path / "j", ballast_bytes=KIB)
    finally:
        os.umask(before)

    assert (tmp_path / "j").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "j").iterdir()} == {0o600}
    writer.close()


def test_files_follow_each_other(tmp_path: Path) -> None:
    """
    A full file is followed by the next, which carries the hash of the last line before.
    """
    writer = journal(tmp_path, max_file_bytes=2000)
    for _ in range(30):
        writer.append("close", close(uuid7()))
    writer.close()
    paths = sorted(tmp_path.glob("*.ndjson"))

    assert len(paths) > 2
    for before, after in pairwise(paths):
        header = lines(after)[0]
        assert header["prev_file"] == before.name
        assert header["prev_head"] == link(before.read_bytes().splitlines()[-1])
    assert len(whole_and_sound(tmp_path)) == 30


def test_files_end_with_time(tmp_path: Path) -> None:
    """
    A file is closed after its time even if it is small.
    """
    now = [0.0]
    writer = journal(tmp_path, max_file_seconds=600, monotonic=lambda: now[0])
    writer.append("close", close("a"))
    now[0] = 601
    writer.append("close", close("b"))
    writer.close()

    assert len(list(tmp_path.glob("*.ndjson"))) == 2


def test_a_living_worker_holds_its_newest_file(tmp_path: Path) -> None:
    """
    The lock on the newest file is what tells the loader that the worker lives.
    """
    writer = journal(tmp_path, max_file_bytes=1)
    writer.append("close", close("a"))
    writer.append("close", close("b"))
    assert writer.file is not None
    with writer.file.open("rb") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    newest = writer.file
    writer.close()

    with newest.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("value", [object(), dt.datetime(2026, 1, 1), b"bytes", 2**70, "\ud800", {"a": {1, 2}}])
def test_one_odd_value_does_not_cost_the_row(tmp_path: Path, value: Any) -> None:
    """
    What is no JSON (or a time without a zone) is dropped and named; the rest of the record is written.
    """
    writer = journal(tmp_path)
    writer.append("close", close("a", tags=value, team="t"))
    assert writer.file is not None
    record = lines(writer.file)[1]
    writer.close()

    assert (record["call_id"], record["team"], record["dropped"]) == ("a", "t", ["tags"])
    assert "tags" not in record
    assert whole_and_sound(tmp_path) == ["a"]


@pytest.mark.parametrize("long", [{"user_agent": "x" * 2_000_000}, {f"field{number}": "x" * 4000 for number in range(2000)}])
def test_a_record_beyond_measure_is_cut_down(tmp_path: Path, long: dict[str, Any]) -> None:
    """
    What a caller can make long fills neither the disk nor the reader's memory, and still has its row.
    """
    writer = journal(tmp_path)
    writer.append("close", close("a") | long)
    assert writer.file is not None
    assert writer.file.stat().st_size < 1024 * KIB
    assert lines(writer.file)[1]["dropped"]
    writer.close()

    assert whole_and_sound(tmp_path) == ["a"]


@pytest.mark.parametrize(
    ("kind", "record"), [("closed", {"call_id": "a"}), ("close", {}), ("close", {"call_id": 7}), ("header", {"call_id": "a"})]
)
def test_what_is_no_record_is_refused(tmp_path: Path, kind: str, record: dict[str, Any]) -> None:
    """
    A line without kind or call would be of use to nobody.
    """
    writer = journal(tmp_path)
    with pytest.raises(LedgerError, match="call_id"):
        writer.append(kind, record)
    writer.close()


def test_always_means_before_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With sync "always" each append has been synced; a sync that fails refuses the line and moves to another file.
    """
    synced: list[int] = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: synced.append(fd) or real(fd))
    writer = journal(tmp_path, sync="always", sync_seconds=1000)
    writer.append("close", close("a"))
    assert len(synced) == 1

    def broken(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    first = writer.file
    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(LedgerError, match="Input/output"):
        writer.append("open", {"call_id": "b"})
    monkeypatch.setattr(os, "fdatasync", real)
    writer.append("close", close("b"))
    assert writer.file != first
    writer.close()


def test_interval_syncs_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With sync "interval" a thread syncs what is dirty, and only then; if that fails the next call moves to another file.
    """
    count = [0]

    def broken(fd: int) -> None:
        count[0] += 1
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", broken)
    writer = journal(tmp_path, sync_seconds=0.01)
    first = writer.file
    deadline = time.monotonic() + 5
    while writer.healthy and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not writer.healthy
    monkeypatch.undo()
    writer.append("open", {"call_id": "a"})

    assert writer.healthy
    assert writer.file != first
    assert count[0] >= 1
    writer.close()


def fails_after(patch: pytest.MonkeyPatch, size: int) -> None:
    """
    The next write takes `size` bytes, the one after fails.
    """
    real, room = os.write, [size]

    def write(fd: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken, room[0] = room[0], 0
        return real(fd, bytes(data)[:taken])

    patch.setattr(os, "write", write)


def test_a_short_write_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Half a line never stays in the file: the next line would be glued to it.
    """
    writer = journal(tmp_path)
    writer.append("close", close("a"))
    fails_after(monkeypatch, 20)
    with pytest.raises(LedgerError):
        writer.append("close", close("b"))
    monkeypatch.undo()
    writer.append("close", close("c"))
    writer.close()

    assert whole_and_sound(tmp_path) == ["a", "c"]


def test_a_short_write_that_cannot_be_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A file that keeps half a line is never written again; the call under way is closed in the next file.
    """
    writer = journal(tmp_path)
    first = writer.file
    assert first is not None

    def broken(fd: int, size: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "ftruncate", broken)
    fails_after(monkeypatch, 10)
    with pytest.raises(LedgerError):
        writer.append("close", close("b"))
    monkeypatch.undo()
    writer.append("close", close("c"))
    writer.close()

    assert scan(first.read_bytes(), Cursor(), final=True).faults[0].kind == "torn"
    assert [entry["call_id"] for path in sorted(tmp_path.glob("*2.ndjson")) for entry in lines(path)[1:]] == ["c"]


class MountedDisk:
    """
    A file system of its own.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self) -> None:
        with (self.path / "other").open("wb", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass

    def free(self) -> None:
        (self.path / "other").unlink()


class CountedDisk:
    """
    Stands in where nothing may be mounted: the calls through which the journal takes and gives room, with a count of what is left.
    """

    def __init__(self, path: Path, size: int, patch: pytest.MonkeyPatch) -> None:
        self.path = path
        self._left, self._taken = size, 0
        write, truncate = os.write, os.ftruncate

        def counted_write(fd: int, data: bytes) -> int:
            if not self._left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._left -= (count := min(self._left, len(data)))
            return write(fd, bytes(data)[:count])

        def counted_allocate(fd: int, offset: int, size: int) -> None:
            if size > self._left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._left -= size
            truncate(fd, size)

        def counted_truncate(fd: int, size: int) -> None:
            self._left += os.fstat(fd).st_size - size
            truncate(fd, size)

        patch.setattr(os, "write", counted_write)
        patch.setattr(os, "posix_fallocate", counted_allocate)
        patch.setattr(os, "ftruncate", counted_truncate)
        patch.setattr(os, "fstatvfs", lambda fd: SimpleNamespace(f_bavail=self._left, f_frsize=1))

    def fill(self) -> None:
        self._left, self._taken = 0, self._left

    def free(self) -> None:
        self._left, self._taken = self._left + self._taken, 0


@contextmanager
def small_disk(path: Path, size_kib: int) -> Iterator[MountedDisk | CountedDisk]:
    """
    A real one where this process may mount it, a counted one elsewhere.
    """
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_kib}k", "tmpfs", str(path)]
    if os.geteuid() == 0 and not subprocess.run(command, capture_output=True, check=False).returncode:
        try:
            yield MountedDisk(path)
        finally:
            subprocess.run(["umount", "-l", str(path)], check=True)
    else:
        with pytest.MonkeyPatch.context() as patch:
            yield CountedDisk(path, size_kib * KIB, patch)


def test_a_full_disk(tmp_path: Path) -> None:
    """
    When the disk is full new calls are refused, cheaply; calls under way still get their closing line; nothing is torn; and with room
    again the journal takes new calls by itself.
    """
    now = [0.0]
    with small_disk(tmp_path / "disk", 1024) as disk:
        writer = journal(disk.path / "j", ballast_bytes=256 * KIB, monotonic=lambda: now[0])
        running = [uuid7() for _ in range(50)]
        for call_id in running:
            writer.append("open", {"call_id": call_id})
        disk.fill()
        with pytest.raises(LedgerError):
            for _ in range(100_000):
                writer.append("open", {"call_id": uuid7(), "user_agent": "x" * 500})
        assert not writer.healthy
        assert writer.fault

        for call_id in running:
            writer.append("close", close(call_id))
        began = time.perf_counter()
        for _ in range(1000):
            with pytest.raises(LedgerError):
                writer.append("open", {"call_id": "refused"})
        assert time.perf_counter() - began < 0.5
        now[0] += 5
        with pytest.raises(LedgerError):
            writer.append("open", {"call_id": "refused"})

        disk.free()
        now[0] += 5
        assert not writer.healthy
        writer.append("open", {"call_id": "again"})
        assert writer.healthy
        writer.append("close", close("again"))
        writer.close()

        assert whole_and_sound(disk.path / "j") == [*running, "again"]
        assert not any(b"refused" in path.read_bytes() for path in (disk.path / "j").glob("*.ndjson"))


def test_even_the_ballast_is_used_up(tmp_path: Path) -> None:
    """
    When closing lines have filled the ballast too, they are refused as well, and still nothing is torn.
    """
    with small_disk(tmp_path / "disk", 1024) as disk:
        writer = journal(disk.path / "j", ballast_bytes=64 * KIB, monotonic=lambda: 0.0)
        disk.fill()
        written = []
        with pytest.raises(LedgerError):
            for _ in range(10_000):
                call_id = uuid7()
                writer.append("close", close(call_id, user_agent="x" * 500))
                written.append(call_id)
        assert len(written) > 64
        writer.close()

        assert whole_and_sound(disk.path / "j") == written


def test_starting_on_a_full_disk(tmp_path: Path) -> None:
    """
    A worker that starts on a full disk starts unhealthy, refuses, and recovers.
    """
    now = [0.0]
    with small_disk(tmp_path / "disk", 512) as disk:
        disk.fill()
        writer = journal(disk.path / "j", ballast_bytes=64 * KIB, monotonic=lambda: now[0])
        assert not writer.healthy
        with pytest.raises(LedgerError):
            writer.append("open", {"call_id": "a"})
        disk.free()
        now[0] += 5
        writer.append("open", {"call_id": "a"})
        assert writer.healthy
        writer.close()


def test_a_deleted_directory(tmp_path: Path) -> None:
    """
    A journal deleted under a running worker is noticed with the next line, and made again.
    """
    now = [0.0]
    writer = journal(tmp_path / "j", monotonic=lambda: now[0])
    writer.append("open", {"call_id": "a"})
    shutil.rmtree(tmp_path / "j")
    with pytest.raises(LedgerError):
        writer.append("open", {"call_id": "b"})
    now[0] += 5
    writer.append("open", {"call_id": "c"})
    writer.append("close", close("c"))
    writer.close()

    assert whole_and_sound(tmp_path / "j") == ["c"]


def test_no_descriptors_left(tmp_path: Path) -> None:
    """
    At the descriptor limit the current file goes on taking lines, beyond its planned size.
    """
    writer = journal(tmp_path, max_file_bytes=1000)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
        with pytest.raises(OSError, match="Too many open files"):
            while True:
                held.append(os.open("/dev/null", os.O_RDONLY))
        for number in range(20):
            writer.append("close", close(str(number)))
        assert writer.healthy
    finally:
        for fd in held:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    writer.close()

    assert whole_and_sound(tmp_path) == [str(number) for number in range(20)]


def test_a_limit_on_file_size(tmp_path: Path) -> None:
    """
    Where the system limits the size of a file, the calls under way are closed in the next one.
    """
    writer = journal(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20 * KIB, before[1]))
        for number in range(500):
            writer.append("close", close(str(number)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    writer.close()

    assert len(list(tmp_path.glob("*.ndjson"))) > 2
    assert whole_and_sound(tmp_path) == [str(number) for number in range(500)]


def test_no_directory_at_all(tmp_path: Path) -> None:
    """
    A place that can never be written is said at the start.
    """
    (tmp_path / "file").write_text("x")
    with pytest.raises(LedgerError, match="cannot be written"):
        journal(tmp_path / "file" / "j")


def test_the_dead_leave_no_ballast(tmp_path: Path) -> None:
    """
    The ballast of a killed worker is given back when the next one starts; that of a living one stays.
    """
    script = (
        "import sys, os, signal; from pathlib import Path; from excise.ledger.journal import Journal;"
        "Journal(Path(sys.argv[1]), host='dead', ballast_bytes=65536); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, env=ENVIRONMENT)
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.glob("*.ballast")
    (tmp_path / ".x.new").write_text("")
    for path in (left, tmp_path / ".x.new"):
        os.utime(path, (1, 1))
    first = journal(tmp_path, ballast_bytes=KIB)
    second = journal(tmp_path, ballast_bytes=KIB)

    assert len(list(tmp_path.glob("*.ballast"))) == 2
    assert not left.exists()
    assert not list(tmp_path.glob(".*.new"))
    first.close()
    second.close()
    assert not list(tmp_path.glob("*.ballast"))


def test_nothing_after_close(tmp_path: Path) -> None:
    """
    A closed journal refuses; a file is never opened again.
    """
    writer: Journal = journal(tmp_path)
    writer.close()
    with pytest.raises(LedgerError, match="closed"):
        writer.append("close", close("a"))
    assert not writer.healthy
