"""
From journal records to rows of the tables. Pure: no database, no clock.

What comes out is safe to insert: every value fits its column. What does not fit is left out and named, so that one odd record can neither
stop the loader nor take its neighbours along.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from excise.ledger.schema import SCHEMA_VERSION, TABLES, Column

Row = dict[str, Any]

_TOKENS = ("input_tokens", "output_tokens")
_PLANNED = ("strategy", "task", "candidates", "excluded", "notes", "last_resort")
_TOP_US = 4_102_444_800_000_000  # the year 2100: beyond it a time is not in microseconds
_UNIT = Decimal("1e-9")
_LIMIT = Decimal(10) ** 9


def _integer(bits: int) -> Callable[[Any], Any]:
    top = 2 ** (bits - 1)
    return lambda value: value if type(value) is int and -top <= value < top else None


def _decimal(value: Any) -> str | None:
    if type(value) not in (str, int):
        return None  # a float has lost its cents already
    try:
        number = Decimal(value)
        if not number.is_finite() or abs(number) >= _LIMIT:
            return None
        return format(number.quantize(_UNIT, rounding=ROUND_HALF_EVEN), "f")
    except InvalidOperation:
        return None


# Each gives the value as the insert wants it, or None where it does not fit. Times stay whole microseconds.
_FIT: dict[str, Callable[[Any], Any]] = {
    "VARCHAR": lambda value: value if type(value) is str else None,
    "BOOLEAN": lambda value: value if type(value) is bool else None,
    "INTEGER": _integer(32),
    "BIGINT": _integer(64),
    "DOUBLE": lambda value: value if type(value) in (int, float) and math.isfinite(value) else None,
    "DECIMAL(18,9)": _decimal,
    "TIMESTAMP": lambda value: value if type(value) is int and 0 <= value < _TOP_US else None,
    "JSON": lambda value: value,
    "VARCHAR[]": lambda value: value if type(value) is list and all(type(item) is str for item in value) else None,
}


def _plan(columns: Iterable[Column]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    return tuple((column.name, _FIT[column.type]) for column in columns)


_PLANS = {table: _plan(columns) for table, columns in TABLES.items()}


def fit(table: str, values: Mapping[str, Any], misfits: list[str]) -> Row:
    """
    The known columns of `values`. Names of those whose value does not fit are added to `misfits`.
    """
    row: Row = {}
    for name, convert in _PLANS[table]:
        value = values.get(name)
        if value is None:
            continue
        fitting = convert(value)
        if fitting is None:
            misfits.append(f"{table}.{name}")
        else:
            row[name] = fitting
    return row


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where in the journal a row comes from.
    """

    file: str
    offset: int


@dataclass(slots=True)
class Rows:
    """
    Rows by table, and what was left out of them.
    """

    tables: dict[str, list[Row]] = field(default_factory=lambda: {table: [] for table in TABLES})
    misfits: list[tuple[Place, str]] = field(default_factory=list)

    def add_call(self, key: str, record: Mapping[str, Any], place: Place) -> None:
        """
        Add a closed call with what belongs to it.
        """
        misfits: list[str] = []
        details = _numbered(record.get("attempts_detail"))
        values = {
            "schema_version": SCHEMA_VERSION,
            "status": "unknown",
            "usage_source": "unknown",
            **({"attempts": len(details)} if details else {}),
            **_known(record),
        }
        misfits.extend(f"{name} (dropped by the worker)" for name in _texts(record.get("dropped")))
        row = fit("calls", values, misfits)
        row |= {"call_id": key, "journal_file": place.file, "journal_offset": place.offset}
        if "started_at" not in row:
            row["started_at"] = row.get("ended_at") or time_of(key)
        self.tables["calls"].append(row)
        for detail in details.values():
            self.tables["attempts"].append(fit("attempts", {**detail, "call_id": key}, misfits))
        for detail in _listed(record.get("redactions_detail")):
            self.tables["redactions"].append(fit("redactions", {**detail, "call_id": key, "called_at": row["started_at"]}, misfits))
        if "policy_id" in row or "policy_action" in row or record.get("candidates"):
            decision = {name: record.get(name) for name in _PLANNED} | {
                "call_id": key,
                "called_at": row["started_at"],
                "policy_id": row.get("policy_id"),
                "rule": row.get("policy_rule"),
                "action": row.get("policy_action"),
                "reason": record.get("reason") or None,
            }
            self.tables["decisions"].append(fit("decisions", decision, misfits))
        self._note(place, misfits)

    def add_tunnel(self, key: str, record: Mapping[str, Any], place: Place) -> None:
        """
        Add an ended tunnel.
        """
        misfits: list[str] = []
        row = fit("tunnels", record, misfits)
        row |= {"id": key, "journal_file": place.file, "journal_offset": place.offset}
        row.setdefault("started_at", row.get("ended_at") or time_of(key))
        self.tables["tunnels"].append(row)
        self._note(place, misfits)

    def _note(self, place: Place, misfits: list[str]) -> None:
        if misfits:
            self.misfits.append((place, "value does not fit: " + ", ".join(sorted(set(misfits)))))

    def __len__(self) -> int:
        return sum(map(len, self.tables.values()))


def abandoned(record: Mapping[str, Any]) -> dict[str, Any]:
    """
    The record of a call whose worker died before it could close it: what was known, estimates where nothing else is, status unknown.
    """
    estimate = record.get("estimate")
    values = {**(_known(estimate) if isinstance(estimate, dict) else {}), **_known(record)}
    source = "estimated" if any(type(values.get(name)) is int for name in _TOKENS) else "unknown"
    return {**values, "status": "unknown", "usage_source": source, "error_type": "worker_died", "ended_at": None}


def time_of(key: str) -> int:
    """
    Microseconds since the epoch out of a UUIDv7; 0 (1970) where the id is none.
    """
    digits = key.replace("-", "")
    if len(digits) == 32 and digits[12] == "7":
        try:
            stamp = int(digits[:12], 16) * 1000
            return stamp if stamp < _TOP_US else 0
        except ValueError:
            return 0
    return 0


def merge(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """
    The later record over the earlier one; what the later does not know stays, and so do attempts it does not name.
    """
    merged = {**before, **_known(after)}
    if "attempts_detail" in before and "attempts_detail" in after:
        merged["attempts_detail"] = [*_numbered(before["attempts_detail"]).values(), *_numbered(after["attempts_detail"]).values()]
    return merged


def _known(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if value is not None}


def _listed(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _numbered(value: Any) -> dict[int, dict[str, Any]]:
    """
    Attempts by their number, which is their place where they bear none; the last of a number counts.
    """
    details: dict[int, dict[str, Any]] = {}
    for place, detail in enumerate(_listed(value), 1):
        known = {"attempt": place, **_known(detail)}
        number = known["attempt"]
        details[number if type(number) is int else -place] = known
    return details


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
