import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from writing import NOW_US, close, journal, load, write_calls

from excise.errors import LedgerError
from excise.ids import uuid7
from excise.ledger.publish import publish
from excise.ledger.query import ask, reading
from excise.ledger.seal import Sealer
from excise.ledger.spend import DIMENSIONS, since, spend


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A published ledger with sealed and hot rows.
    """
    folder = tmp_path_factory.mktemp("ledger")
    write_calls(folder / "journal", 10)
    hot = load(folder)
    Sealer(hot).seal(NOW_US + 5)
    publish(hot)
    hot.close()
    return folder


REFUSED = [
    "COPY (SELECT 1) TO '{data}/parquet/evil.parquet'",
    "COPY calls TO '/tmp/evil.csv'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{data}/parquet/evil.parquet'",
    "explain analyze (format json) copy (select 1) to '{data}/parquet/evil.parquet'",
    "/* */ EXPLAIN ANALYZE COPY (SELECT 1) TO '{data}/parquet/evil.parquet'",
    "-- x\nexplain analyze copy (select 1) to '{data}/parquet/evil.parquet'",
    "EXPLAIN EXPLAIN ANALYZE COPY (SELECT 1) TO '{data}/parquet/evil.parquet'",
    "ATTACH '{data}/hot.duckdb' AS h",
    "ATTACH ':memory:' AS m",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET memory_limit = '100GB'",
    "SET VARIABLE excise_data = '/'",
    "RESET memory_limit",
    "PRAGMA enable_profiling",
    "CALL pragma_version()",
    "CREATE TABLE t (a INT)",
    "CREATE TEMP TABLE t (a INT)",
    "CREATE TABLE memory.main.t (a INT)",
    "INSERT INTO live.calls (call_id) VALUES ('x')",
    "DELETE FROM live.calls",
    "DROP VIEW calls",
    "EXPORT DATABASE '/tmp/evil'",
    "CHECKPOINT",
    "DETACH usage",
    "USE memory",
    "SELECT 1; SELECT 2",
    "SELECT 1; COPY (SELECT 1) TO '{data}/parquet/evil.parquet'",
    "",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_text('{data}/parquet/../../../../../../etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM read_json('{data}/journal/*.ndjson')",
    "SELECT * FROM read_blob('{data}/hot.duckdb')",
    "SELECT * FROM read_parquet('https://example.org/x.parquet')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM duckdb_secrets()",
    "FROM data",
    "SELEC 1",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_a_query_reads_the_ledger_and_nothing_else(data: Path, sql: str) -> None:
    """
    Everything but one reading statement on the ledger is refused, and leaves nothing behind.
    """
    before = sorted(path for path in data.rglob("*"))
    with pytest.raises(LedgerError):
        ask(data, sql.format(data=data))

    assert sorted(path for path in data.rglob("*")) == before
    assert not Path("/tmp/evil.csv").exists()
    assert not Path("/tmp/evil").exists()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM calls",
        "from usage",
        "WITH x AS (FROM calls) SELECT count(*) FROM x",
        "DESCRIBE calls",
        "SHOW TABLES",
        "SUMMARIZE calls",
        "EXPLAIN SELECT * FROM calls",
        "EXPLAIN ANALYZE SELECT count(*) FROM calls",
        "VALUES (1)",
        "SELECT * FROM calls;",
        "SELECT tags->>'$.a', unnest(finish_reasons) FROM calls",
    ],
)
def test_reading_is_allowed(data: Path, sql: str) -> None:
    """
    The confinement does not stand in the way of analysis, JSON and sealed rows included.
    """
    assert ask(data, sql).columns


def test_a_runaway_query_is_stopped(data: Path) -> None:
    """
    A query ends when its time is over, and says what to do.
    """
    with pytest.raises(LedgerError, match=r"stopped after 0\.3 s"):
        ask(data, "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range % 7 = 3", seconds=0.3)


def test_memory_is_bounded(data: Path) -> None:
    """
    A query that wants all memory is refused, not the machine.
    """
    with pytest.raises(LedgerError, match=r"(?i)memory"):
        ask(data, "SELECT list(i || repeat('x', 1000)) FROM range(100_000_000) t(i)")


def test_more_rows_than_wanted(data: Path) -> None:
    """
    A cut answer says that it is cut.
    """
    assert (len(ask(data, "FROM calls", most=4).rows), ask(data, "FROM calls", most=4).cut) == (4, True)
    assert (len(ask(data, "FROM calls", most=10).rows), ask(data, "FROM calls", most=10).cut) == (10, False)


def test_no_ledger_says_where(tmp_path: Path) -> None:
    """
    Without a ledger the answer names the place and the way out.
    """
    with pytest.raises(LedgerError, match=r"usage.duckdb: start `excise up`"), reading(tmp_path):
        pass
    (tmp_path / "usage.duckdb").write_bytes(b"x" * 5000)
    with pytest.raises(LedgerError, match="cannot be read"), reading(tmp_path):
        pass


def test_a_new_publication_is_seen_beside_an_old_reader(tmp_path: Path) -> None:
    """
    A process that keeps one connection open gets the newest copy with the next, and the old one stays as it was.
    """
    write_calls(tmp_path / "journal", 3)
    hot = load(tmp_path)
    publish(hot)
    hot.close()
    with reading(tmp_path) as old:
        write_calls(tmp_path / "journal", 3)
        hot = load(tmp_path)
        publish(hot)
        hot.close()
        with reading(tmp_path) as new:
            assert new.execute("SELECT count(*) FROM calls").fetchall() == [(6,)]
        assert old.execute("SELECT count(*) FROM calls").fetchall() == [(3,)]


def test_sums_with_known_answers(tmp_path: Path) -> None:
    """
    Exact money, missing prices counted and not taken for zero, errors counted, groups and total agree.
    """
    writer = journal(tmp_path / "journal")
    rows = [
        {"team": "a", "cost_usd": "0.100000001", "input_tokens": 10, "cache_read_tokens": 4, "output_tokens": 1},
        {"team": "a", "cost_usd": "0.200000002", "input_tokens": 20, "output_tokens": 2},
        {"team": "b", "cost_usd": "1000.000000003", "input_tokens": 5, "output_tokens": None, "started_at": NOW_US - 86_400_000_000},
        {"team": "b", "input_tokens": 7, "output_tokens": 0},
        {"team": None},
        {"team": "a", "status": "failed"},
        {"team": "a", "status": "refused"},
    ]
    for columns in rows:
        writer.append("close", close(uuid7(), model_requested="m", **columns))
    writer.close()
    hot = load(tmp_path)
    publish(hot)
    hot.close()
    with reading(tmp_path) as con:
        lines, total = spend(con, ["team"], None)
        (alone,), _ = spend(con, ["day"], dt.datetime.fromtimestamp(NOW_US / 1e6, dt.UTC))
        none, same = spend(con, [], None)
        by_all, _ = spend(con, list(DIMENSIONS), None)
        views = con.execute("SELECT team, cost_usd, unpriced_calls FROM spend_by_team ORDER BY team NULLS LAST").fetchall()

    found = {line.keys[0]: line for line in lines}
    assert [line.keys[0] for line in lines] == ["b", "a", None]
    assert (found["a"].calls, found["a"].cost_usd, found["a"].unpriced_calls, found["a"].errors) == (4, Decimal("0.300000003"), 0, 1)
    assert (found["a"].input_tokens, found["a"].cache_read_tokens, found["a"].output_tokens) == (30, 4, 3)
    assert (found["b"].cost_usd, found["b"].unpriced_calls, found["b"].cache_read_tokens) == (Decimal("1000.000000003"), 1, None)
    assert (found[None].cost_usd, found[None].input_tokens, found[None].unmetered_calls) == (None, None, 1)
    assert (total.calls, total.cost_usd, total.unpriced_calls) == (7, Decimal("1000.300000006"), 1)
    assert (none, same) == ([], total)
    assert sum(line.calls for line in by_all) == 7
    assert (alone.keys, alone.calls) == (("2026-11-06",), 6)
    assert views == [("a", Decimal("0.300000003"), 0), ("b", Decimal("1000.000000003"), 1), (None, None, 0)]


def test_an_empty_ledger_adds_up_to_nothing(tmp_path: Path) -> None:
    """
    No calls: no lines, a total of zero calls, and no cost rather than zero cost.
    """
    hot = load(tmp_path)
    publish(hot)
    hot.close()
    with reading(tmp_path) as con:
        for by in (["team"], []):
            lines, total = spend(con, by, None)
            assert (lines, total.calls, total.cost_usd) == ([], 0, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24h", "2026-11-21T12:00:00+00:00"),
        ("7d", "2026-11-15T12:00:00+00:00"),
        ("30m", "2026-11-22T11:30:00+00:00"),
        ("2026-11-01", "2026-11-01T00:00:00+00:00"),
        ("2026-11-01T12:00+02:00", "2026-11-01T10:00:00+00:00"),
    ],
)
def test_times_as_people_write_them(text: str, expected: str) -> None:
    """
    Spans back from now, dates and times, UTC where nothing else is said.
    """
    assert since(text, dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)).isoformat() == expected


@pytest.mark.parametrize("text", ["", "yesterday", "7", "d7", "-7d"])
def test_what_is_no_time(text: str) -> None:
    """
    Anything else is refused rather than guessed.
    """
    with pytest.raises(ValueError, match="is no time"):
        since(text, dt.datetime(2026, 11, 22, tzinfo=dt.UTC))


def test_a_parquet_folder_next_door_is_out_of_reach(data: Path, tmp_path: Path) -> None:
    """
    Another installation's rows are not readable, whatever the path's spelling.
    """
    other = tmp_path / "parquet"
    other.mkdir()
    duckdb.sql(f"COPY (SELECT 1 AS secret) TO '{other}/x.parquet'")
    for path in (other / "x.parquet", data / "parquet" / ".." / ".." / other.relative_to(data.parent) / "x.parquet"):
        with pytest.raises(LedgerError):
            ask(data, f"SELECT * FROM read_parquet('{path}')")
