import signal
import subprocess
import sys
from pathlib import Path

import pytest
from writing import ENVIRONMENT, NOW_US, journal, load, one, serve_to_the_end, write_calls

from excise.ids import uuid7
from excise.ledger import seal as seal_module
from excise.ledger.hot import HotStore, compact
from excise.ledger.publish import publish
from excise.ledger.query import ask
from excise.ledger.seal import Sealer

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
TABLES = ("calls", "attempts", "decisions")


def counts(hot: HotStore) -> list[int]:
    return [hot.rows(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES]


def live(hot: HotStore, table: str = "calls") -> list[str]:
    return [row[0] for row in hot.rows("SELECT file FROM book.sealed WHERE tbl=? AND replaced_at IS NULL ORDER BY day, file", [table])]


def write_days(data: Path, days: int, each: int) -> list[str]:
    return [
        call_id
        for day in range(days)
        for call_id in write_calls(data / "journal", each, started_at=lambda number, day=day: NOW_US - day * DAY_US + number)  # type: ignore[misc]
    ]


def test_sealing_changes_no_answer(tmp_path: Path) -> None:
    """
    What is sealed has left the hot store, is on disk by day, and every view says what it said before.
    """
    ids = write_days(tmp_path, 3, 20)
    hot = load(tmp_path)
    before = hot.rows("FROM calls ORDER BY call_id"), hot.rows("FROM attempts ORDER BY call_id"), hot.rows("FROM spend_by_team")
    sealer = Sealer(hot)
    cut = NOW_US - DAY_US + 10
    while sealer.seal(cut):
        pass

    assert hot.rows("SELECT count(*) FROM live.calls") == [(30,)]
    assert hot.rows("SELECT count(*) FROM live.attempts") == [(30,)]
    assert (hot.rows("FROM calls ORDER BY call_id"), hot.rows("FROM attempts ORDER BY call_id"), hot.rows("FROM spend_by_team")) == before
    assert len(before[0]) == len(ids)
    folders = {path.name for path in (tmp_path / "parquet").iterdir()}
    assert folders == {"date=2026-11-04", "date=2026-11-05"}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "parquet").glob("*/*")} == {0o640}
    hot.close()


def test_sealing_in_pieces(tmp_path: Path) -> None:
    """
    A busy day is sealed in several files of bounded size.
    """
    write_calls(tmp_path / "journal", 50)
    hot = load(tmp_path)
    sealer = Sealer(hot)
    pieces = []
    while count := sealer.seal(NOW_US + DAY_US, most=20):
        pieces.append(count)

    assert pieces == [20, 20, 10]
    assert counts(hot) == [50, 50, 50]
    hot.close()


def test_calls_of_one_instant_stay_together(tmp_path: Path) -> None:
    """
    More calls in one microsecond than a piece may hold are sealed all the same.
    """
    write_calls(tmp_path / "journal", 30, started_at=lambda _: NOW_US)
    hot = load(tmp_path)
    sealer = Sealer(hot)

    assert sealer.seal(NOW_US + 1, most=20) == 30
    assert counts(hot) == [30, 30, 30]
    hot.close()


def test_merging_changes_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The files of a day become one; the old ones stay for a day, for whoever has them open, and go then.
    """
    write_calls(tmp_path / "journal", 50)
    hot = load(tmp_path)
    now = [NOW_US]
    sealer = Sealer(hot, now_us=lambda: now[0])
    while sealer.seal(NOW_US + DAY_US, most=20):
        pass
    before = hot.rows("FROM calls ORDER BY call_id")
    assert len(live(hot)) == 3
    assert not sealer.merge(NOW_US)  # the day is not over
    while sealer.merge(NOW_US + 2 * DAY_US):
        pass

    assert [len(live(hot, table)) for table in TABLES] == [1, 1, 1]
    assert hot.rows("FROM calls ORDER BY call_id") == before
    sealer.sweep()
    assert len(list((tmp_path / "parquet").glob("*/calls-*"))) == 4
    now[0] += DAY_US + 1
    sealer.sweep()
    assert len(list((tmp_path / "parquet").glob("*/calls-*"))) == 1
    assert counts(hot) == [50, 50, 50]
    hot.close()


def test_merged_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A very busy day keeps several files, and merging comes to an end.
    """
    monkeypatch.setattr(seal_module, "MERGE_ROWS", 25)
    write_calls(tmp_path / "journal", 50)
    hot = load(tmp_path)
    sealer = Sealer(hot)
    while sealer.seal(NOW_US + DAY_US, most=10):
        pass
    merges = 0
    while sealer.merge(NOW_US + 2 * DAY_US):
        merges += 1
        assert merges < 20

    assert len(live(hot)) == 3
    assert counts(hot) == [50, 50, 50]
    hot.close()


def test_tunnels_are_sealed_too(tmp_path: Path) -> None:
    """
    Every bypass stays a row.
    """
    writer = journal(tmp_path / "journal")
    for _ in range(5):
        writer.append("tunnel", {"id": uuid7(), "host": "example.org", "started_at": NOW_US, "status": "ok"})
    writer.close()
    hot = load(tmp_path)
    sealer = Sealer(hot)
    assert sealer.seal(NOW_US + 1) == 5

    assert hot.rows("SELECT count(*) FROM live.tunnels") == [(0,)]
    assert hot.rows("SELECT host, tunnels FROM tunnels_by_host") == [("example.org", 5)]
    hot.close()


DIE = """
import os, signal, sys, threading
from pathlib import Path
from excise.ledger.process import Limits, run
left = int(sys.argv[3])
def step(name):
    global left
    if name == sys.argv[2]:
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
run(Path(sys.argv[1]), 0.2, threading.Event(), limits=Limits(seal_after_seconds=-1e9, housekeeping_seconds=0), step=step)
"""


def die(data: Path, step: str, nth: int = 1) -> None:
    """
    Serve with everything old enough to be sealed, until the n-th time before `step`.
    """
    command = [sys.executable, "-c", DIE, str(data), step, str(nth)]
    killed = subprocess.run(command, check=False, env=ENVIRONMENT, capture_output=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr


@pytest.mark.parametrize(
    ("step", "nth"),
    [
        ("seal-write", 1),
        ("seal-write", 3),
        ("seal-rename", 1),
        ("seal-rename", 2),
        ("seal-rename", 3),
        ("seal-commit", 1),
        ("seal-done", 1),
        ("seal-done", 2),
        ("merge-commit", 1),
        ("merge-done", 1),
    ],
)
def test_killed_at_every_step(tmp_path: Path, step: str, nth: int) -> None:
    """
    kill -9 between any two steps of sealing and merging loses no row and doubles none; nor does losing the hot store on top.
    """
    # Two late calls of a day that has a file already: something to merge.
    ids = write_days(tmp_path, 2, 10)
    serve_to_the_end(tmp_path)
    hot = HotStore(tmp_path)
    while Sealer(hot).seal(NOW_US + DAY_US):
        pass
    hot.close()
    ids += write_days(tmp_path, 2, 10)
    die(tmp_path, step, nth)
    for lose in (False, True):
        if lose:
            (tmp_path / "hot.duckdb").unlink()
            (tmp_path / "hot.duckdb.wal").unlink(missing_ok=True)
        serve_to_the_end(tmp_path)
        found = [row[0] for row in ask(tmp_path, "SELECT call_id FROM calls ORDER BY call_id").rows]
        assert found == sorted(ids)
        assert [one(tmp_path, f"SELECT count(*) FROM {table}") for table in TABLES] == [40, 40, 40]
        assert one(tmp_path, "SELECT sum(cost_usd)::VARCHAR FROM calls") == "0.000000040"
        assert one(tmp_path, "SELECT count(*) FROM calls WHERE status <> 'ok'") == 0


@pytest.mark.parametrize("step", ["adopt-commit", "adopt-done"])
def test_killed_while_repairing(tmp_path: Path, step: str) -> None:
    """
    A start that repairs what a kill has left, or that makes a lost hot store again, may be killed as well.
    """
    ids = write_days(tmp_path, 2, 10)
    die(tmp_path, "seal-commit")
    die(tmp_path, step)
    serve_to_the_end(tmp_path)
    assert [row[0] for row in ask(tmp_path, "SELECT call_id FROM calls ORDER BY call_id").rows] == sorted(ids)
    (tmp_path / "hot.duckdb").unlink()
    die(tmp_path, step)
    serve_to_the_end(tmp_path)

    assert [row[0] for row in ask(tmp_path, "SELECT call_id FROM calls ORDER BY call_id").rows] == sorted(ids)
    assert one(tmp_path, "SELECT count(*) FROM attempts") == 20


def test_a_lost_hot_store_is_made_again(tmp_path: Path) -> None:
    """
    From Parquet and journal, with calls under way still under way, and it is said.
    """
    ids = write_days(tmp_path, 3, 10)
    writer = journal(tmp_path / "journal")
    writer.append("open", {"call_id": uuid7(), "started_at": NOW_US})
    serve_to_the_end(tmp_path)
    assert one(tmp_path, "SELECT count(*) FROM live.calls") == 30
    hot = HotStore(tmp_path)
    assert Sealer(hot).seal(NOW_US - HOUR_US) == 10
    hot.close()
    (tmp_path / "hot.duckdb").unlink()
    serve_to_the_end(tmp_path)

    assert [row[0] for row in ask(tmp_path, "SELECT call_id FROM calls ORDER BY call_id").rows] == sorted(ids)
    assert one(tmp_path, "SELECT count(*) FROM live.calls") == 20
    assert one(tmp_path, "SELECT count(*) FROM book.pending") == 1
    assert one(tmp_path, "SELECT count(*) FROM journal_faults WHERE kind = 'rebuilt'") == 1
    writer.close()


@pytest.mark.parametrize("where", ["header", "a block of rows", "cut short"])
def test_a_damaged_hot_store_is_set_aside(tmp_path: Path, where: str) -> None:
    """
    A flipped byte, in the header or among the rows, never reaches the analysts: the file is kept aside and made again.
    """
    write_calls(tmp_path / "journal", 3000)
    serve_to_the_end(tmp_path)
    path = tmp_path / "hot.duckdb"
    hot = HotStore(tmp_path)
    ((block,),) = hot.rows(
        "SELECT min(block_id) FROM pragma_storage_info('live.calls') WHERE column_name = 'call_id' AND segment_type = 'VARCHAR'"
    )
    hot.close()
    raw = bytearray(path.read_bytes())
    if where == "header":
        raw[10] ^= 0x10
    elif where == "cut short":
        del raw[-300_000:]
    else:
        raw[3 * 4096 + block * 262_144 + 1000] ^= 0x10  # three headers, then blocks of 256 KiB
    path.write_bytes(raw)
    serve_to_the_end(tmp_path)

    assert len(list(tmp_path.glob("hot.duckdb.damaged-*"))) == 1
    assert one(tmp_path, "SELECT count(*) FROM calls") == 3000
    assert one(tmp_path, "SELECT count(DISTINCT call_id) FROM calls") == 3000
    assert one(tmp_path, "SELECT count(*) FROM journal_faults WHERE kind = 'rebuilt'") == 1


def test_a_stale_hot_store_heals(tmp_path: Path) -> None:
    """
    A hot store from a backup, older than the Parquet files, is brought up to date without doubling a row.
    """
    first = write_calls(tmp_path / "journal", 10)
    serve_to_the_end(tmp_path)
    old = (tmp_path / "hot.duckdb").read_bytes()
    second = write_calls(tmp_path / "journal", 10)
    serve_to_the_end(tmp_path)
    hot = HotStore(tmp_path)
    while Sealer(hot).seal(NOW_US + DAY_US):
        pass
    hot.close()
    (tmp_path / "hot.duckdb").write_bytes(old)
    serve_to_the_end(tmp_path)

    assert [row[0] for row in ask(tmp_path, "SELECT call_id FROM calls ORDER BY call_id").rows] == sorted(first + second)


def test_a_missing_parquet_file_is_said(tmp_path: Path) -> None:
    """
    A sealed file that was deleted, or is damaged, leaves the rest of the ledger readable.
    """
    write_days(tmp_path, 3, 10)
    hot = load(tmp_path)
    while Sealer(hot).seal(NOW_US + DAY_US):
        pass
    hot.close()
    gone, damaged, _ = sorted((tmp_path / "parquet").glob("*/calls-*"))
    gone.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-20])
    serve_to_the_end(tmp_path)

    assert one(tmp_path, "SELECT count(*) FROM calls") == 10
    assert one(tmp_path, "SELECT count(DISTINCT journal_file) FROM journal_faults WHERE kind = 'missing'") >= 2
    assert list((tmp_path / "parquet").glob("*/*.damaged"))


def test_compacting_gives_the_room_back(tmp_path: Path) -> None:
    """
    A hot store that was large once does not stay so.
    """
    hot = HotStore(tmp_path)
    hot.con.execute("INSERT INTO live.calls (call_id, journal_offset) SELECT uuid()::VARCHAR, i FROM range(300_000) t(i)")
    hot.free_share()
    large = hot.path.stat().st_size
    hot.con.execute("DELETE FROM live.calls WHERE journal_offset % 1000 > 0")
    left = hot.rows("FROM live.calls ORDER BY call_id")
    hot.free_share()
    hot.close()
    compact(tmp_path)
    hot = HotStore(tmp_path)

    assert hot.rows("FROM live.calls ORDER BY call_id") == left
    assert hot.path.stat().st_size < large / 2
    assert hot.path.stat().st_mode & 0o777 == 0o600
    hot.close()


def test_a_moved_directory_is_still_readable(tmp_path: Path) -> None:
    """
    Sealed rows are found from any working directory, after a move by telling the new place, and for good after the next start.
    """
    write_days(tmp_path / "old", 2, 10)
    hot = load(tmp_path / "old")
    while Sealer(hot).seal(NOW_US + DAY_US):
        pass
    publish(hot)
    hot.close()
    (tmp_path / "old").rename(tmp_path / "new")

    assert one(tmp_path / "new", "SELECT count(*) FROM calls") == 20
    serve_to_the_end(tmp_path / "new")
    assert one(tmp_path / "new", "SELECT count(*) FROM calls") == 20
    assert str(tmp_path / "new") in one(tmp_path / "new", "SELECT sql FROM duckdb_views() WHERE view_name = 'calls'")
