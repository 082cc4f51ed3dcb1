import json
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from excise.cli import usage
from excise.errors import LedgerError
from excise.ids import uuid7
from excise.ledger.hot import HotStore
from excise.ledger.journal import Journal
from excise.ledger.loader import Loader
from excise.ledger.publish import publish

RUN = CliRunner()
APP = typer.Typer()
usage.register(APP)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """
    Three calls of now, one without a price, and one of last year.
    """
    writer = Journal(tmp_path / "journal", host="h", ballast_bytes=0)
    now = time.time_ns() // 1000
    for columns in (
        {"team": "search", "app": "a", "cost_usd": "1234.000000001", "input_tokens": 1_000_000, "cache_read_tokens": 5, "output_tokens": 2},
        {"team": "search", "app": "a", "input_tokens": 1, "output_tokens": 1},
        {"team": "[red]x[/red]\x1b[31m", "app": "b", "cost_usd": "0.5", "input_tokens": 1, "output_tokens": 1, "status": "error"},
        {"team": "old", "app": "b", "cost_usd": "9", "started_at": now - 400 * 86_400_000_000},
    ):
        record = {"call_id": uuid7(), "started_at": now, "status": "ok", "model_served": "m", "provider_served": "p"}
        writer.append("close", record | columns)
    writer.close()
    hot = HotStore(tmp_path)
    Loader(hot, tmp_path / "journal").step()
    with hot.transaction():
        hot.make_views()
    publish(hot)
    hot.close()
    return tmp_path


def test_the_table_says_what_is_known(data: Path) -> None:
    """
    Exact cost, the calls without a price beside it, a total, and nothing of a caller's markup or escape codes.
    """
    shown = RUN.invoke(APP, ["--data", str(data), "--by", "team"])

    assert shown.exit_code == 0
    search, odd, total = (line for line in shown.stdout.splitlines() if line.startswith(("search", "[red]", "total")))
    assert search.split() == ["search", "2", "1,000,001", "5", "3", "1,234.000000001", "+", "1", "unpriced"]
    assert "[red]x[/red]�[31m" in odd
    assert odd.split()[-2:] == ["0.50", "1"]
    assert total.split()[:2] == ["total", "3"]
    assert "1,234.500000001 + 1 unpriced" in total
    assert "1 calls have no known price" in shown.stdout


def test_json_keeps_every_digit(data: Path) -> None:
    """
    Money is text in JSON, unknown is null, and the total is there.
    """
    shown = RUN.invoke(APP, ["--data", str(data), "--by", "team,model", "--since", "all", "--json"])
    document = json.loads(shown.stdout)

    assert document["since"] is None
    assert document["lines"][0] == {
        "team": "search",
        "model": "m",
        "calls": 2,
        "input_tokens": 1_000_001,
        "cache_read_tokens": 5,
        "output_tokens": 3,
        "cost_usd": "1234.000000001",
        "unpriced_calls": 1,
        "unmetered_calls": 0,
        "errors": 0,
    }
    assert document["lines"][1]["cache_read_tokens"] is None
    assert document["total"]["calls"] == 4
    assert document["total"]["cost_usd"] == "1243.500000001"


def test_since_leaves_out_what_is_older(data: Path) -> None:
    """
    `--since` counts from then on.
    """
    shown = RUN.invoke(APP, ["--data", str(data), "--since", "24h", "--by", "day,team", "--json"])

    assert {line["team"] for line in json.loads(shown.stdout)["lines"]} == {"search", "[red]x[/red]\x1b[31m"}


def test_free_operations_are_not_unmetered(tmp_path: Path) -> None:
    """
    Listing models costs nothing and has no usage; only a billed call without usage is worth a word.
    """
    writer = Journal(tmp_path / "journal", host="h", ballast_bytes=0)
    now = time.time_ns() // 1000
    for columns in (
        {"operation": "models", "usage_source": "unknown", "cost_usd": "0"},
        {"operation": "chat", "usage_source": "unknown"},
        {"operation": "speech", "usage_source": "provider"},  # billed by the second: no tokens, no price
        {"operation": "chat", "usage_source": "unknown", "status": "error"},
    ):
        writer.append("close", {"call_id": uuid7(), "started_at": now, "status": "ok"} | columns)
    writer.close()
    hot = HotStore(tmp_path)
    Loader(hot, tmp_path / "journal").step()
    with hot.transaction():
        hot.make_views()
    publish(hot)
    hot.close()
    shown = RUN.invoke(APP, ["--data", str(tmp_path), "--by", "operation"])

    assert "1 answered calls came without usage" in shown.stdout
    assert json.loads(RUN.invoke(APP, ["--data", str(tmp_path), "--json"]).stdout)["total"]["unmetered_calls"] == 1


@pytest.mark.parametrize("options", [["--by", "colour"], ["--since", "soon"], ["--what"]])
def test_wrong_use_is_two(data: Path, options: list[str]) -> None:
    """
    Unknown dimensions, times and options exit 2.
    """
    assert RUN.invoke(APP, ["--data", str(data), *options]).exit_code == 2


def test_no_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where nothing is published the error says so; the variable names the directory as the option does.
    """
    monkeypatch.setenv("EXCISE_DATA", str(tmp_path / "nowhere"))
    shown = RUN.invoke(APP, [])

    assert isinstance(shown.exception, LedgerError)
    assert "nowhere" in str(shown.exception)
