import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from excise.cli import tail
from excise.errors import LedgerError
from excise.ledger.journal import Journal
from excise.ledger.watch import TAIL_BYTES, Watch

RUN = CliRunner()
APP = typer.Typer()
tail.register(APP)
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "addons"), "TZ": "UTC"}
AT = 1_794_000_000_000_000  # 21:20:00 UTC


def journal(data: Path, **options: int) -> Journal:
    return Journal(data / "journal", host="h", ballast_bytes=0, **options)


def test_the_last_calls(tmp_path: Path) -> None:
    """
    `-n` ended calls of all files, in order of time; calls under way are not among them.
    """
    writer = journal(tmp_path, max_file_bytes=1)
    for number in (3, 1, 2, 4):
        writer.append("close", {"call_id": str(number), "ended_at": AT + number, "status": "ok"})
    writer.append("open", {"call_id": "5", "started_at": AT + 9})
    shown = RUN.invoke(APP, ["-n", "3", "--no-follow", "--json", "--data", str(tmp_path)])
    writer.close()

    assert [json.loads(line)["call_id"] for line in shown.stdout.splitlines()] == ["2", "3", "4"]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            {"kind": "open", "started_at": AT, "team": "t", "app": "a", "provider_requested": "p", "model_requested": "m"},
            "21:20:00  …          t/a  p m",
        ),
        (
            {
                "kind": "close",
                "ended_at": AT,
                "status": "ok",
                "principal_id": "x",
                "provider_served": "p",
                "model_served": "m",
                "input_tokens": 1234,
                "cache_read_tokens": 1000,
                "output_tokens": 0,
                "cost_usd": "0.010",
                "latency_ms": 1234.5,
            },
            "21:20:00  ok         x  p m  in 1,234 (1,000 cached) out 0  $0.010  1,234 ms",
        ),
        (
            {"kind": "close", "ended_at": AT, "status": "error", "http_status": 429, "error_type": "rate_limited", "input_tokens": 1},
            "21:20:00  error      -  ? ?  429 rate_limited  in 1 out ?  price unknown",
        ),
        (
            {"kind": "tunnel", "ended_at": AT, "sni": "example.org", "port": 443, "reason": "not an LLM host", "bytes_up": 10},
            "21:20:00  tunnel     example.org:443  not an LLM host  up 10 down ? bytes",
        ),
        ({"kind": "close", "ended_at": "rubbish", "team": "a\x1b[31m", "latency_ms": "x"}, "--:--:--  unknown    a�[31m  ? ?"),
    ],
)
def test_a_line_for_eyes(record: dict[str, object], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    One line a record; unknown is said; what callers choose cannot steer the terminal.
    """
    monkeypatch.setattr(tail, "_clock", lambda us: "21:20:00" if us == AT else "--:--:--")

    assert tail.line(record) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("failed", "21:20:00  tunnel     failed  example.org:443  not an LLM host  up 0 down 0 bytes"),
        ("open", "21:20:00  tunnel     open  example.org:443  not an LLM host"),
        ("ok", "21:20:00  tunnel     example.org:443  not an LLM host  up 0 down 0 bytes"),
    ],
)
def test_a_tunnel_says_how_it_ended(status: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where that is not well; and one that has only begun has no sizes.
    """
    monkeypatch.setattr(tail, "_clock", lambda us: "21:20:00")
    row = {"kind": "tunnel", "started_at": AT, "host": "example.org", "port": 443, "reason": "not an LLM host"}

    assert tail.line(row | {"status": status, "bytes_up": 0, "bytes_down": 0}) == expected


def test_the_end_is_shown_with_the_beginning(tmp_path: Path) -> None:
    """
    `close` holds what the end added; team, provider and model come from `open`, also over a change of files. What `close` leaves
    unsaid does not hide what `open` said.
    """
    writer = journal(tmp_path, max_file_bytes=1)
    begun = {"started_at": AT, "team": "t", "app": "a", "provider_requested": "p", "model_requested": "m"}
    writer.append("open", {"call_id": "a", **begun})
    writer.append("progress", {"call_id": "a", "output_tokens": 3})
    writer.append(
        "close", {"call_id": "a", "ended_at": AT + 1, "status": "ok", "input_tokens": 1, "output_tokens": None, "model_requested": None}
    )
    writer.append("tunnel", {"id": "t", "call_id": "t", "started_at": AT + 2, "host": "h", "status": "open"})
    shown = RUN.invoke(APP, ["--no-follow", "--json", "--data", str(tmp_path)])
    for_eyes = RUN.invoke(APP, ["--no-follow", "--data", str(tmp_path)])
    writer.close()

    (record,) = map(json.loads, shown.stdout.splitlines())
    assert record == {"kind": "close", "call_id": "a", **begun, "ended_at": AT + 1, "status": "ok", "input_tokens": 1, "output_tokens": 3}
    assert "t/a  p m  in 1 out 3" in for_eyes.stdout


def test_beginnings_are_kept_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Calls that never end, as a killed worker leaves them, cost a bounded amount of memory; ended ones cost none.
    """
    monkeypatch.setattr("excise.ledger.watch.MAX_OPEN", 10)
    writer = journal(tmp_path)
    watch = Watch(tmp_path / "journal")
    for number in range(100):
        writer.append("open", {"call_id": str(number), "team": "t"})
        if number >= 80:
            writer.append("close", {"call_id": str(number), "status": "ok"})
    ended = [record for record in watch.poll() if record["kind"] == "close"]
    writer.close()

    assert len(ended) == 20
    assert all(record["team"] == "t" for record in ended)
    assert list(watch._open) == [str(number) for number in range(71, 80)]


def test_only_columns_are_shown(tmp_path: Path) -> None:
    """
    What is not a column of the ledger is not printed, in whichever format.
    """
    writer = journal(tmp_path)
    writer.append("close", {"call_id": "a", "status": "ok", "prompt": "canary-in-the-journal"})
    writer.close()
    for options in ([], ["--json"]):
        shown = RUN.invoke(APP, ["--no-follow", "--data", str(tmp_path), *options])
        assert shown.stdout
        assert "canary" not in shown.stdout


def test_following(tmp_path: Path) -> None:
    """
    New calls appear while they happen, over file changes and new workers, until Ctrl-C, which is no error.
    """
    first = journal(tmp_path)
    first.append("close", {"call_id": "before", "status": "ok"})
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import typer; from excise.cli import tail; a = typer.Typer(); tail.register(a); a()",
            "--json",
            "--data",
            str(tmp_path),
        ],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines: list[str] = []
    try:
        lines.append(process.stdout.readline())  # it watches from now on
        first.append("open", {"call_id": "a"})
        lines.append(process.stdout.readline())
        second = journal(tmp_path, max_file_bytes=1)
        second.append("close", {"call_id": "b", "status": "ok"})
        second.append("close", {"call_id": "c", "status": "ok"})
        lines += [process.stdout.readline(), process.stdout.readline()]
        process.send_signal(2)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    first.close()
    second.close()

    assert [json.loads(line)["call_id"] for line in lines] == ["before", "a", "b", "c"]


def test_a_long_journal_is_not_read_whole(tmp_path: Path) -> None:
    """
    Of a large file only the end is read, and the line that is cut by that is left out.
    """
    writer = journal(tmp_path)
    for number in range(1500):
        writer.append("close", {"call_id": str(number), "ended_at": AT + number, "user_agent": "x" * 1000})
    assert writer.file is not None
    assert writer.file.stat().st_size > TAIL_BYTES
    recent = Watch(tmp_path / "journal").recent(5000)
    writer.close()

    ids = [int(record["call_id"]) for record in recent]
    assert ids == list(range(ids[0], 1500))
    assert 0 < ids[0] < 1500


def test_half_a_line_waits(tmp_path: Path) -> None:
    """
    A line is shown when it is whole, and a damaged one never.
    """
    writer = journal(tmp_path)
    writer.append("close", {"call_id": "a", "ended_at": AT})
    path = writer.file
    writer.close()
    assert path is not None
    watch = Watch(tmp_path / "journal")
    with path.open("ab") as file:
        file.write(b'{"kind":"close","call')
        file.flush()
        assert watch.poll() == []
        file.write(b'_id":"b"}\nrubbish\n[1]\n')
        file.flush()
        assert [record["call_id"] for record in watch.poll()] == ["b"]


def test_no_journal(tmp_path: Path) -> None:
    """
    Where there is no journal the error says so.
    """
    shown = RUN.invoke(APP, ["--no-follow", "--data", str(tmp_path / "nowhere")])

    assert isinstance(shown.exception, LedgerError)
