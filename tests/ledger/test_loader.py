import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from writing import ENVIRONMENT, NOW_US, close, journal, load, write_calls

from excise.ids import uuid7
from excise.ledger import loader as loader_module
from excise.ledger.hot import HotStore
from excise.ledger.loader import Loader


def facts(hot: HotStore, columns: str = "call_id, status, team") -> list[tuple[Any, ...]]:
    return hot.rows(f"SELECT {columns} FROM live.calls ORDER BY journal_file, journal_offset")


def faults(hot: HotStore) -> list[str]:
    return [row[0] for row in hot.rows("SELECT kind FROM journal_faults ORDER BY noted_at")]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path


def test_open_and_close_become_one_row(data: Path) -> None:
    """
    What only `open` said is in the row; where both speak, `close` has the last word.
    """
    writer = journal(data / "journal")
    writer.append("open", {"call_id": "a", "started_at": NOW_US, "team": "search", "model_requested": "m1"})
    writer.append("progress", {"call_id": "a", "output_tokens": 3})
    writer.append("close", {"call_id": "a", "status": "ok", "model_requested": "m2", "output_tokens": 5, "team": None})
    writer.close()
    hot = load(data)

    assert facts(hot, "call_id, status, team, model_requested, output_tokens") == [("a", "ok", "search", "m2", 5)]
    assert hot.rows("FROM book.pending") == []
    assert faults(hot) == []
    hot.close()


def test_a_refused_call_was_never_open(data: Path) -> None:
    """
    A `close` alone is a whole call.
    """
    writer = journal(data / "journal")
    writer.append("close", close("a", status="refused", error_type="policy_denied"))
    writer.close()
    hot = load(data)

    assert facts(hot) == [("a", "refused", None)]
    hot.close()


def test_a_living_worker_may_take_its_time(data: Path) -> None:
    """
    An open call of a living worker waits, over file changes and loader restarts; it ends as what it says, not as unknown.
    """
    writer = journal(data / "journal", max_file_bytes=1)
    writer.append("open", {"call_id": "long", "started_at": NOW_US, "team": "t"})
    for number in range(5):
        writer.append("close", close(str(number)))
    for _ in range(2):
        hot = load(data)
        assert [row[0] for row in facts(hot)] == [str(number) for number in range(5)]
        assert hot.rows("SELECT key FROM book.pending") == [("long",)]
        hot.close()
    writer.append("close", {"call_id": "long", "status": "ok"})
    hot = load(data)

    assert facts(hot)[-1] == ("long", "ok", "t")
    assert faults(hot) == []
    hot.close()
    writer.close()


def test_a_dead_worker_s_calls_are_rows(data: Path) -> None:
    """
    kill -9 in the middle of a call leaves a row with status unknown and the estimate, and only for calls that had not ended.
    """
    script = (
        "import sys, os, signal; from pathlib import Path; from excise.ledger.journal import Journal;"
        "j = Journal(Path(sys.argv[1]), host='h', ballast_bytes=0);"
        "j.append('open', {'call_id': 'a', 'team': 't', 'estimate': {'input_tokens': 12}});"
        "j.append('open', {'call_id': 'b'}); j.append('close', {'call_id': 'b', 'status': 'ok'});"
        "j.append('tunnel', {'id': 't1', 'host': 'example.org', 'status': 'open'});"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(data / "journal")], check=False, env=ENVIRONMENT)
    assert killed.returncode == -signal.SIGKILL
    hot = load(data)

    assert sorted(facts(hot, "call_id, status, usage_source, input_tokens, error_type")) == [
        ("a", "unknown", "estimated", 12, "worker_died"),
        ("b", "ok", "unknown", None, None),
    ]
    assert hot.rows("SELECT id, host, status FROM live.tunnels") == [("t1", "example.org", "unknown")]
    hot.close()


def test_a_tunnel_is_one_row(data: Path) -> None:
    """
    A tunnel written once, or at its start and its end, is one row.
    """
    writer = journal(data / "journal")
    writer.append("tunnel", {"id": "x", "host": "a", "port": 443, "bytes_up": 1, "status": "ok"})
    writer.append("tunnel", {"id": "y", "host": "b", "started_at": NOW_US, "status": "open"})
    writer.append("tunnel", {"id": "y", "bytes_up": 2, "status": "ok"})
    writer.close()
    hot = load(data)

    assert hot.rows("SELECT id, host, bytes_up, status FROM live.tunnels ORDER BY id") == [("x", "a", 1, "ok"), ("y", "b", 2, "ok")]
    hot.close()


def test_loading_again_adds_nothing(data: Path) -> None:
    """
    Rows and offsets are committed together: a loader that starts again reads on where the last one ended.
    """
    ids = write_calls(data / "journal", 20)
    for _ in range(3):
        hot = load(data)
        assert sorted(row[0] for row in facts(hot)) == sorted(ids)
        assert hot.rows("SELECT count(*) FROM live.attempts") == [(20,)]
        hot.close()


def test_a_failed_commit_changes_nothing(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    When the database cannot take a batch, neither rows nor offsets are kept, and the next loader takes it whole.
    """
    ids = write_calls(data / "journal", 20)
    hot = HotStore(data)

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(hot, "note", broken)
    with pytest.raises(OSError, match="No space"):
        Loader(hot, data / "journal").step()
    monkeypatch.undo()
    assert hot.rows("SELECT count(*) FROM live.calls") == [(0,)]
    Loader(hot, data / "journal").step()
    assert hot.rows("SELECT count(*) FROM live.calls") == [(len(ids),)]
    hot.close()


def test_in_small_steps(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A backlog larger than a step is read in several, and no call is believed abandoned before its end was read.
    """
    ids = write_calls(data / "journal", 50)
    monkeypatch.setattr(loader_module, "MAX_LINES", 7)
    hot = load(data)

    assert sorted(row[0] for row in facts(hot)) == sorted(ids)
    assert {row[1] for row in facts(hot)} == {"ok"}
    hot.close()


def test_the_first_close_counts(data: Path) -> None:
    """
    A close written twice, because the first was not known to be on disk, is one row; also when the loader has started again in between.
    """
    writer = journal(data / "journal")
    writer.append("close", close("a", input_tokens=1))
    writer.append("close", close("a", input_tokens=1))
    load(data).close()
    writer.append("close", close("a", input_tokens=1))
    writer.close()
    hot = load(data)

    assert len(facts(hot)) == 1
    assert faults(hot) == ["duplicate", "duplicate"]
    hot.close()


def test_a_late_close_corrects_unknown(data: Path) -> None:
    """
    A call believed abandoned, because its worker's files were deleted, becomes what its close says.
    """
    now = [0.0]
    writer = journal(data / "journal", monotonic=lambda: now[0])
    writer.append("open", {"call_id": "a", "started_at": NOW_US})
    hot = HotStore(data)
    loader = Loader(hot, data / "journal", monotonic=lambda: now[0])
    loader.step()
    shutil.rmtree(data / "journal")
    loader.step()
    assert facts(hot) == []
    now[0] = 100
    loader.step()
    assert facts(hot) == [("a", "unknown", None)]
    writer.append("close", close("a", team="t"))
    loader.step()

    assert facts(hot) == [("a", "ok", "t")]
    assert "missing" in faults(hot)
    writer.close()
    hot.close()


def test_a_torn_tail_is_said(data: Path) -> None:
    """
    The half line of a dead worker is reported once and holds nothing up.
    """
    ids = write_calls(data / "journal", 3)
    (path,) = (data / "journal").glob("*.ndjson")
    os.truncate(path, path.stat().st_size - 10)
    for _ in range(2):
        hot = load(data)
        assert {row[0]: row[1] for row in facts(hot)} == {ids[0]: "ok", ids[1]: "ok", ids[2]: "unknown"}
        assert faults(hot) == ["torn"]
        hot.close()


def test_an_altered_last_line_is_said(data: Path) -> None:
    """
    The next file's header vouches for the last line of the one before.
    """
    writer = journal(data / "journal", max_file_bytes=1)
    writer.append("close", close("a", input_tokens=1))
    writer.append("close", close("b", input_tokens=1))
    writer.close()
    path = next(path for path in sorted((data / "journal").glob("*.ndjson")) if b'"call_id":"a"' in path.read_bytes())
    path.write_bytes(path.read_bytes().replace(b'"input_tokens":1', b'"input_tokens":9'))
    hot = load(data)

    assert faults(hot) == ["chain"]
    hot.close()


def test_a_truncated_file_is_said(data: Path) -> None:
    """
    Lines cut away after they were read stay rows, and the loss is reported.
    """
    writer = journal(data / "journal")
    for number in range(10):
        writer.append("close", close(str(number)))
    load(data).close()
    assert writer.file is not None
    os.truncate(writer.file, 500)
    hot = load(data)

    assert len(facts(hot)) == 10
    assert "truncated" in faults(hot)
    writer.close()
    hot.close()


def test_values_that_do_not_fit_are_said(data: Path) -> None:
    """
    An odd value is NULL in the row, and named with its place.
    """
    writer = journal(data / "journal")
    writer.append("close", close("a", input_tokens="many", team="t"))
    writer.close()
    hot = load(data)

    assert facts(hot, "call_id, team, input_tokens") == [("a", "t", None)]
    ((kind, detail, offset),) = hot.rows("SELECT kind, detail, journal_offset FROM journal_faults")
    assert (kind, "calls.input_tokens" in detail) == ("misfit", True)
    ((at,),) = hot.rows("SELECT journal_offset FROM live.calls")
    assert offset == at
    hot.close()


def test_a_row_names_its_line(data: Path) -> None:
    """
    `journal_file` and `journal_offset` lead from the row to the line it was made of.
    """
    ids = write_calls(data / "journal", 5)
    hot = load(data)
    for call_id, file, offset in facts(hot, "call_id, journal_file, journal_offset"):
        line = (data / "journal" / file).read_bytes()[offset:].split(b"\n")[0]
        assert (json.loads(line)["call_id"], json.loads(line)["kind"]) == (call_id, "close")
    assert len(facts(hot)) == len(ids)
    hot.close()


def test_journals_expire_only_when_sealed(data: Path) -> None:
    """
    A journal file goes when it is old and nothing hot or pending comes from it, and is never read again.
    """
    write_calls(data / "journal", 3)
    hot = load(data)
    loader = Loader(hot, data / "journal")
    late = 2**62 // 1000
    assert loader.expire(late) == 0
    hot.con.execute("DELETE FROM live.calls")
    hot.con.execute("INSERT INTO book.pending SELECT 'x', 'open', 'w', name, 0, '{}' FROM book.journal_files")
    assert loader.expire(late) == 0
    hot.con.execute("DELETE FROM book.pending")
    assert loader.expire(0) == 0
    assert loader.expire(late) == 1
    assert not list((data / "journal").glob("*.ndjson"))
    loader.step()
    assert facts(hot) == []
    hot.close()


def test_many_workers(data: Path) -> None:
    """
    Every worker's every call is one row.
    """
    ids = [call_id for _ in range(6) for call_id in write_calls(data / "journal", 10)]
    hot = load(data)

    assert sorted(row[0] for row in facts(hot)) == sorted(ids)
    assert uuid7() not in ids
    hot.close()
