import csv
import io
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from excise.cli import sql
from excise.errors import LedgerError
from excise.ledger.hot import HotStore
from excise.ledger.journal import Journal
from excise.ledger.loader import Loader
from excise.ledger.publish import publish

RUN = CliRunner()
APP = typer.Typer()
sql.register(APP)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sql")
    writer = Journal(folder / "journal", host="h", ballast_bytes=0)
    writer.append(
        "close",
        {
            "call_id": "a",
            "started_at": 1_794_000_000_000_000,
            "cost_usd": "0.000000001",
            "team": "x\x1b]0;\x07",
            "finish_reasons": ["stop"],
            "tags": {"k": 1},
        },
    )
    writer.close()
    hot = HotStore(folder)
    Loader(hot, folder / "journal").step()
    with hot.transaction():
        hot.make_views()
    publish(hot)
    hot.close()
    return folder


def test_a_table_for_eyes(data: Path) -> None:
    """
    Names, values, NULL said, count; no control character of a caller's reaches the terminal.
    """
    shown = RUN.invoke(APP, ["SELECT call_id, team, cost_usd, app FROM calls", "--data", str(data)])

    assert shown.exit_code == 0
    assert [line.split() for line in shown.stdout.splitlines()] == [
        ["call_id", "team", "cost_usd", "app"],
        ["a", "x�]0;�", "0.000000001", "NULL"],
        ["1", "row"],
    ]


def test_json_and_csv_are_exact(data: Path) -> None:
    """
    Decimals keep their digits, times are ISO, lists stay lists.
    """
    query = "SELECT call_id, started_at, cost_usd, finish_reasons, tags, app FROM calls"
    as_json = json.loads(RUN.invoke(APP, [query, "--json", "--data", str(data)]).stdout)
    as_csv = list(csv.DictReader(io.StringIO(RUN.invoke(APP, [query, "--csv", "--data", str(data)]).stdout)))

    expected = {"call_id": "a", "started_at": "2026-11-06T21:20:00", "cost_usd": "0.000000001", "tags": '{"k":1}'}
    assert as_json == [expected | {"finish_reasons": ["stop"], "app": None}]
    assert as_csv == [expected | {"finish_reasons": '["stop"]', "app": ""}]


def test_a_query_from_standard_input(data: Path) -> None:
    """
    `-` reads the query, so that it need not be quoted.
    """
    shown = RUN.invoke(APP, ["-", "--json", "--data", str(data)], input="SELECT 1 AS one")

    assert json.loads(shown.stdout) == [{"one": 1}]


@pytest.mark.parametrize("query", ["COPY calls TO '/tmp/x'", "SELECT nothing FROM calls", "SELECT * FROM read_text('/etc/passwd')"])
def test_refusals_are_errors_of_ours(data: Path, query: str) -> None:
    """
    What is refused or wrong becomes one line and exit 1, not a traceback.
    """
    assert isinstance(RUN.invoke(APP, [query, "--data", str(data)]).exception, LedgerError)


def test_two_formats_are_one_too_many(data: Path) -> None:
    """
    Wrong use exits 2.
    """
    assert RUN.invoke(APP, ["SELECT 1", "--json", "--csv", "--data", str(data)]).exit_code == 2
