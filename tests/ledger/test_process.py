import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest
from writing import ENVIRONMENT, NOW_US, Serving, close, journal, one, serve_to_the_end, until, write_calls

from excise.errors import LedgerError
from excise.ids import uuid7
from excise.ledger.process import Limits, run
from excise.ledger.query import ask, reading

SHELL = Path(sys.executable).with_name("duckdb")


def start(data: Path, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "excise.ledger.process", "--data", str(data), "--publish-seconds", "0.2", *options],
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
    )


def end(process: subprocess.Popen[bytes]) -> bytes:
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    return errors


def test_an_empty_ledger_is_published_at_once(tmp_path: Path) -> None:
    """
    Before the first call there is a ledger to open, with every table and view, readable by the group and nobody else.
    """
    with Serving(tmp_path / "data"):
        until((tmp_path / "data" / "usage.duckdb").exists)
        with reading(tmp_path / "data") as con:
            views = {row[0] for row in con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()}
            for view in views:
                con.execute(f"FROM {view}").fetchall()
    assert views >= {"calls", "attempts", "decisions", "redactions", "tunnels", "usage", "usage_daily", "spend_by_team", "spend_by_app"}
    assert views >= {"spend_by_model", "errors_daily", "latency_by_model", "unowned_spend", "unpriced", "tunnels_by_host"}
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()}
    assert (modes["usage.duckdb"], modes["hot.duckdb"]) == (0o640, 0o600)


def test_a_closed_call_is_visible_within_seconds(tmp_path: Path) -> None:
    """
    With the default two seconds between publications a closed call can be queried in less than five.
    """
    with Serving(tmp_path, publish_seconds=2.0):
        until((tmp_path / "usage.duckdb").exists)
        writer = journal(tmp_path / "journal")
        for _ in range(2):
            call_id = uuid7()
            writer.append("close", close(call_id))
            began = time.monotonic()
            until(lambda call_id=call_id: one(tmp_path, f"SELECT count(*) FROM calls WHERE call_id = '{call_id}'") == 1)  # type: ignore[misc]
            assert time.monotonic() - began < 5
        writer.close()


def test_there_is_one(tmp_path: Path) -> None:
    """
    A second ledger process on the same directory refuses, names the first, and harms nothing.
    """
    with Serving(tmp_path):
        until((tmp_path / "usage.duckdb").exists)
        second = subprocess.run([*start_arguments(tmp_path)], env=ENVIRONMENT, capture_output=True, check=False, timeout=30)
        with pytest.raises(LedgerError, match=str(os.getpid())):
            run(tmp_path, 1, threading.Event())

    assert second.returncode == 1
    assert f"another ledger process (pid {os.getpid()})" in second.stderr.decode()


def test_the_hot_store_stays_locked(tmp_path: Path) -> None:
    """
    Copying the hot store for publication does not drop DuckDB's lock on it: nobody else gets in, so nobody can damage it.
    """
    write_calls(tmp_path / "journal", 10)
    with Serving(tmp_path):
        until(lambda: (tmp_path / "usage.duckdb").exists() and one(tmp_path, "SELECT count(*) FROM calls") == 10)
        script = f"import duckdb; duckdb.connect({str(tmp_path / 'hot.duckdb')!r})"
        intruder = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, timeout=30)

    assert b"Could not set lock" in intruder.stderr


def start_arguments(data: Path) -> list[str]:
    return [sys.executable, "-m", "excise.ledger.process", "--data", str(data)]


def test_sigterm_reads_to_the_end(tmp_path: Path) -> None:
    """
    What is in the journal when the process is asked to stop is published before it does.
    """
    process = start(tmp_path)
    until((tmp_path / "usage.duckdb").exists)
    ids = write_calls(tmp_path / "journal", 100)
    errors = end(process)

    assert process.returncode == 0, errors
    assert one(tmp_path, "SELECT count(*) FROM calls") == len(ids)
    assert not list(tmp_path.glob("*.wal"))


def test_old_calls_leave_the_hot_store(tmp_path: Path) -> None:
    """
    Left to itself the process seals what is old, merges what belongs together, and drops journals whose time has passed.
    """
    ids = write_calls(tmp_path / "journal", 40) + write_calls(tmp_path / "journal", 40)
    limits = Limits(seal_after_seconds=-1e9, housekeeping_seconds=0.05, retention_seconds=-1e9)
    with Serving(tmp_path, limits=limits):
        until(lambda: not list((tmp_path / "journal").glob("*.ndjson")))
    assert one(tmp_path, "SELECT count(*) FROM live.calls") == 0
    assert [row[0] for row in ask(tmp_path, "SELECT call_id FROM calls ORDER BY call_id").rows] == sorted(ids)
    serve_to_the_end(tmp_path)
    assert one(tmp_path, "SELECT count(*) FROM attempts") == 80


def test_the_hot_store_is_bounded(tmp_path: Path) -> None:
    """
    Beyond the row limit the oldest calls are sealed, however young they are.
    """
    write_calls(tmp_path / "journal", 500)
    with Serving(tmp_path, limits=Limits(max_hot_rows=100, housekeeping_seconds=0.05, seal_after_seconds=1e9)):
        until((tmp_path / "usage.duckdb").exists)
        until(lambda: one(tmp_path, "SELECT count(*) FROM live.calls") <= 100 and one(tmp_path, "SELECT count(*) FROM calls") == 500)


def test_a_plain_shell_reads_while_we_write(tmp_path: Path) -> None:
    """
    The DuckDB shell of the version before, from another working directory, with hot and sealed rows, during publications.
    """
    ids = write_calls(tmp_path / "journal", 200)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    counts = []
    with Serving(tmp_path, limits=Limits(max_hot_rows=100, housekeeping_seconds=0.05)):
        until((tmp_path / "parquet").exists)
        for _ in range(4):
            ids += write_calls(tmp_path / "journal", 10)
            query = (
                "SELECT count(*) AS n, count(DISTINCT call_id) AS d FROM calls; SELECT * FROM spend_by_team; SELECT * FROM usage LIMIT 1"
            )
            shell = subprocess.run(
                [str(SHELL), "-json", str(tmp_path / "usage.duckdb"), query], cwd=elsewhere, capture_output=True, text=True, check=False
            )
            assert shell.returncode == 0, shell.stderr
            counts.append(json.loads(shell.stdout.split("]")[0] + "]")[0])
        until(lambda: one(tmp_path, "SELECT count(*) FROM calls") == len(ids))
    assert all(count["n"] == count["d"] for count in counts)
    assert [count["n"] for count in counts] == sorted(count["n"] for count in counts)


def test_an_analyst_s_leftovers_do_not_matter(tmp_path: Path) -> None:
    """
    A shell that wrote into the published copy and died leaves a log beside it; the next publication is clean all the same.
    """
    ids = write_calls(tmp_path / "journal", 5)
    serve_to_the_end(tmp_path)
    script = (
        f"import duckdb, os, signal; c = duckdb.connect({str(tmp_path / 'usage.duckdb')!r}); c.execute('CREATE TABLE mine (a INT)');"
        "c.execute('INSERT INTO mine VALUES (1)'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script], check=False)
    assert (tmp_path / "usage.duckdb.wal").exists()
    serve_to_the_end(tmp_path)

    assert not (tmp_path / "usage.duckdb.wal").exists()
    assert one(tmp_path, "SELECT count(*) FROM calls") == len(ids)


def test_a_full_disk_at_the_loader(tmp_path: Path) -> None:
    """
    While the disk is full nothing is published and nothing is lost; with room again the ledger goes on by itself.
    """
    ids = write_calls(tmp_path / "journal", 20)
    with Serving(tmp_path):
        until(lambda: (tmp_path / "usage.duckdb").exists() and one(tmp_path, "SELECT count(*) FROM calls") == 20)
        with pytest.MonkeyPatch.context() as patch:

            def full(*_: object) -> int:
                raise OSError(28, "No space left on device")

            patch.setattr("excise.ledger.hot._copy", full)
            ids += write_calls(tmp_path / "journal", 20)
            time.sleep(0.7)
            assert one(tmp_path, "SELECT count(*) FROM calls") == 20
        until(lambda: one(tmp_path, "SELECT count(*) FROM calls") == len(ids))


def test_a_really_full_disk(tmp_path: Path) -> None:
    """
    A ledger on a disk of its own that runs full, as far as a disk can be had here, takes everything up when there is room.
    """
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], capture_output=True, check=False).returncode
    )
    try:
        with Serving(disk):
            until((disk / "usage.duckdb").exists)
            ids = write_calls(disk / "journal", 50)
            until(lambda: one(disk, "SELECT count(*) FROM calls") == 50)
            filler = disk / "other"
            if mounted:
                with filler.open("wb", buffering=0) as file:
                    try:
                        while file.write(bytes(65536)):
                            pass
                    except OSError:
                        os.truncate(filler, filler.stat().st_size - 512 * 1024)  # room for the journal, none for a copy
            ids += write_calls(disk / "journal", 50)
            time.sleep(1.0)
            assert one(disk, "SELECT count(*) FROM calls") in ((50,) if mounted else (50, 100))
            filler.unlink(missing_ok=True)
            until(lambda: one(disk, "SELECT count(*) FROM calls") == len(ids))
            assert one(disk, "SELECT count(DISTINCT call_id) FROM calls WHERE status = 'ok'") == len(ids)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(disk)], check=True)


WRITER = """
import sys, time
from pathlib import Path
from excise.ids import uuid7
from excise.ledger.journal import Journal
journal = Journal(Path(sys.argv[1]), host="storm", ballast_bytes=0, max_file_bytes=200_000)
while True:
    call = uuid7()
    journal.append("open", {"call_id": call, "team": "t", "estimate": {"input_tokens": 1}})
    sys.stdout.buffer.write(b"o" + call.encode() + b"\\n"); sys.stdout.buffer.flush()
    journal.append("close", {"call_id": call, "status": "ok", "input_tokens": 1, "cost_usd": "0.000000001",
                             "attempts_detail": [{"provider": "p"}], "policy_id": "d"})
    sys.stdout.buffer.write(b"c" + call.encode() + b"\\n"); sys.stdout.buffer.flush()
    time.sleep(0.001)
"""


class Storm:
    """
    Workers and loaders that are killed and started again, readers that open the published file all the time.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self.opened: set[str] = set()
        self.closed: set[str] = set()
        self.reads = 0
        self.failed_reads: list[str] = []
        self.stop = threading.Event()

    def writer(self, output: Path) -> subprocess.Popen[bytes]:
        with output.open("wb") as file:
            return subprocess.Popen([sys.executable, "-c", WRITER, str(self.data / "journal")], env=ENVIRONMENT, stdout=file)

    def collect(self, output: Path) -> None:
        for line in output.read_bytes().split(b"\n")[:-1]:
            (self.opened if line[:1] == b"o" else self.closed).add(line[1:].decode())

    def read(self) -> None:
        """
        As analysts do: open, count, close.
        """
        before = 0
        while not self.stop.is_set():
            if not (self.data / "usage.duckdb").exists():
                continue
            try:
                rows, distinct = ask(self.data, "SELECT count(*), count(DISTINCT call_id) FROM calls").rows[0]
                if rows != distinct or rows < before:
                    self.failed_reads.append(f"{rows} rows, {distinct} calls, {before} before")
                before = rows
            except (LedgerError, duckdb.Error) as error:
                self.failed_reads.append(str(error))
            self.reads += 1


def test_a_storm_of_kills(tmp_path: Path) -> None:
    """
    Workers and the ledger process are killed with SIGKILL at random for some seconds, while calls are sealed and merged and readers open
    the file all the time: every acknowledged close is one row, every acknowledged open is one row, no row is there twice, no reader fails.
    """
    chance = random.Random(20261122)
    storm = Storm(tmp_path)
    reader = threading.Thread(target=storm.read)
    reader.start()
    limits = "Limits(max_hot_rows=300, housekeeping_seconds=0.1, load_seconds=0.05)"
    loader = (
        "import sys, threading; from pathlib import Path; from excise.ledger.process import Limits, run;"
        f"run(Path(sys.argv[1]), 0.1, threading.Event(), limits={limits})"
    )

    def serve() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", loader, str(tmp_path)], env=ENVIRONMENT, stdout=subprocess.DEVNULL)

    def replace(process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()

    outputs = [tmp_path / f"writer-{number}" for number in range(40)]
    waiting = iter(outputs)
    workers = [storm.writer(next(waiting)) for _ in range(2)]
    ledger = serve()
    kills = 0
    until_time = time.monotonic() + 8
    while time.monotonic() < until_time:
        time.sleep(chance.uniform(0.2, 0.9))
        if chance.random() < 0.6:
            replace(ledger)
            ledger = serve()
        else:
            at = chance.randrange(len(workers))
            replace(workers[at])
            workers[at] = storm.writer(next(waiting))
        kills += 1
    for process in (*workers, ledger):
        replace(process)
    storm.stop.set()
    reader.join()
    for output in outputs:
        if output.exists():
            storm.collect(output)
    serve_to_the_end(tmp_path)
    rows = ask(tmp_path, "SELECT call_id, status FROM calls").rows
    found = dict(rows)

    assert kills > 5
    assert len(storm.closed) > 100
    assert len(rows) == len(found)
    assert storm.opened <= found.keys()
    assert {call_id for call_id in storm.closed if found[call_id] != "ok"} == set()
    # At most the one call each killed worker was about to acknowledge.
    assert len(found.keys() - storm.opened) <= len(outputs)
    assert one(tmp_path, "SELECT count(*) FROM attempts") == sum(status == "ok" for status in found.values())
    assert one(tmp_path, "SELECT count(*) FROM journal_faults WHERE kind NOT IN ('torn')") == 0
    assert storm.failed_reads == []
    assert storm.reads > 10


def test_a_growing_day(tmp_path: Path) -> None:
    """
    Freshly written rows of a day that is sealed already are found beside it.
    """
    limits = Limits(seal_after_seconds=-1e9, housekeeping_seconds=0.05)
    with Serving(tmp_path, limits=limits):
        for number in range(1, 4):
            write_calls(tmp_path / "journal", 10, started_at=lambda at: NOW_US + at)
            until(lambda number=number: (tmp_path / "usage.duckdb").exists() and one(tmp_path, "SELECT count(*) FROM calls") == 10 * number)  # type: ignore[misc]
