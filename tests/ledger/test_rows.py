import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from writing import NOW_US

from excise.ids import uuid7
from excise.ledger.hot import HotStore
from excise.ledger.rows import Place, Rows, abandoned, fit, time_of
from excise.ledger.schema import CALLS, TABLES

PLACE = Place("file", 7)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def hot(tmp_path: Path) -> Iterator[HotStore]:
    store = HotStore(tmp_path)
    yield store
    store.close()


def test_the_migrations_make_the_listed_tables(hot: HotStore) -> None:
    """
    The list of columns and the tables on disk are the same, in order and type.
    """
    for table, columns in TABLES.items():
        found = hot.rows("SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name='live' AND table_name=?", [table])
        assert found == [(column.name, column.type) for column in columns]


def test_every_column_has_a_meaning() -> None:
    """
    The list documents itself; no column is named twice.
    """
    for columns in TABLES.values():
        assert all(column.meaning for column in columns)
        assert len({column.name for column in columns}) == len(columns)


def test_no_column_needs_quotes(hot: HotStore) -> None:
    """
    An analyst types the names as they are.
    """
    for table, columns in TABLES.items():
        hot.rows(f"SELECT {', '.join(column.name for column in columns)} FROM live.{table}")


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=st.dictionaries(st.sampled_from([column.name for column in CALLS]), JSON, max_size=12))
def test_no_record_can_stop_the_loader(hot: HotStore, record: dict[str, Any]) -> None:
    """
    Whatever values a record has, its row can be inserted, and each column holds what was said or NULL.
    """
    rows = Rows()
    rows.add_call(uuid7(), _through_json(record), PLACE)
    hot.con.execute("DELETE FROM live.calls")
    for table, found in rows.tables.items():
        hot.insert(table, found)
    ((cost, tokens, user_agent),) = hot.rows("SELECT cost_usd, input_tokens, user_agent FROM live.calls")

    assert user_agent == (record.get("user_agent") if isinstance(record.get("user_agent"), str) else None)
    assert tokens is None or tokens == record["input_tokens"]
    assert cost is None or not isinstance(record["cost_usd"], float)


def _through_json(record: dict[str, Any]) -> dict[str, Any]:
    return dict(orjson.loads(json.dumps(record)))


def test_a_full_row_comes_back_exactly(hot: HotStore) -> None:
    """
    Every type survives the way into the table: money to the last digit, times to the microsecond, lists, JSON, NULL.
    """
    samples: dict[str, Any] = {
        "VARCHAR": "naïve \0 text\n",
        "BOOLEAN": False,
        "INTEGER": -(2**31),
        "BIGINT": 2**63 - 1,
        "DOUBLE": 0.1,
        "DECIMAL(18,9)": "999999999.999999999",
        "TIMESTAMP": NOW_US + 1,
        "JSON": {"a": [1, None]},
        "VARCHAR[]": ["stop", ""],
    }
    expected = samples | {"DECIMAL(18,9)": Decimal("999999999.999999999"), "JSON": '{"a":[1,null]}'}
    expected["TIMESTAMP"] = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=NOW_US + 1)
    misfits: list[str] = []
    hot.insert("calls", [fit("calls", {column.name: samples[column.type] for column in CALLS}, misfits), {}])
    full, empty = hot.rows("FROM live.calls")

    assert not misfits
    assert list(full) == [expected[column.type] for column in CALLS]
    assert set(empty) == {None}


@pytest.mark.parametrize("value", [0.1, "nan", "Infinity", "1e9", "x", True, "1" * 40])
def test_money_is_exact_or_absent(value: Any) -> None:
    """
    A float, or a number that does not fit, becomes NULL and is named; never rounded silently to something else.
    """
    misfits: list[str] = []

    assert fit("calls", {"cost_usd": value}, misfits) == {}
    assert misfits == ["calls.cost_usd"]


def test_zero_is_not_missing() -> None:
    """
    0 stays 0 and missing stays missing.
    """
    assert fit("calls", {"input_tokens": 0, "output_tokens": None, "cost_usd": "0"}, []) == {"input_tokens": 0, "cost_usd": "0.000000000"}


def test_a_call_brings_its_tables() -> None:
    """
    Attempts, the decision and redactions of a call become rows of their tables.
    """
    rows = Rows()
    record = {
        "started_at": NOW_US,
        "policy_id": "default",
        "policy_rule": "r1",
        "policy_action": "deny",
        "reason": "too large",
        "attempts_detail": [{"provider": "openai", "started_at": NOW_US}, {"provider": "anthropic", "attempt": 2}, "rubbish"],
        "redactions_detail": [{"entity": "email", "detector": "d", "action": "mask", "count": 2}],
    }
    rows.add_call("id", record, PLACE)

    assert rows.tables["calls"][0]["attempts"] == 2
    assert [(row["call_id"], row["attempt"], row["provider"]) for row in rows.tables["attempts"]] == [
        ("id", 1, "openai"),
        ("id", 2, "anthropic"),
    ]
    (decision,) = rows.tables["decisions"]
    assert decision == {"call_id": "id", "called_at": NOW_US, "policy_id": "default", "rule": "r1", "action": "deny", "reason": "too large"}
    (redaction,) = rows.tables["redactions"]
    assert redaction["call_id"] == "id"
    assert redaction["count"] == 2


@pytest.mark.parametrize(
    ("record", "source", "tokens"),
    [
        ({}, "unknown", None),
        ({"estimate": {"input_tokens": 9}}, "estimated", 9),
        ({"estimate": {"input_tokens": 9}, "input_tokens": 11}, "estimated", 11),
        ({"estimate": "rubbish"}, "unknown", None),
        ({"usage_source": "provider", "status": "ok"}, "unknown", None),
    ],
)
def test_an_abandoned_call_claims_nothing(record: dict[str, Any], source: str, tokens: int | None) -> None:
    """
    A call whose worker died has status unknown; its tokens are an estimate where there is one, and never said to be the provider's.
    """
    rows = Rows()
    rows.add_call("id", abandoned(record), PLACE)
    (row,) = rows.tables["calls"]

    assert (row["status"], row["usage_source"], row.get("input_tokens")) == ("unknown", source, tokens)


def test_a_row_always_has_a_time() -> None:
    """
    A call without a start gets the time in its id, so that it is sealed with its neighbours.
    """
    rows = Rows()
    rows.add_call(uuid7(NOW_US // 1000), {"started_at": "yesterday"}, PLACE)

    assert rows.tables["calls"][0]["started_at"] == NOW_US
    assert [place for place, _ in rows.misfits] == [PLACE]
    assert time_of("not-a-uuid") == 0
    assert time_of("f" * 12 + "7" + "f" * 19) == 0
