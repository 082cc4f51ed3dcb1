"""
Read the published ledger: read-only, confined to it, bounded in time and memory.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from excise.errors import LedgerError
from excise.ledger.publish import PUBLISHED
from excise.ledger.views import PARQUET, VARIABLE, literal

_EXPLAIN = re.compile(r"^\s*explain\s+(analyze\s+)?(\([^)]*\)\s*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """
    Column names and rows of a query; `cut`: there were more rows than asked for.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    cut: bool = False


@contextmanager
def reading(data: Path, *, memory: str = "1GB", threads: int = 2) -> Iterator[duckdb.DuckDBPyConnection]:
    """
    A connection to the ledger as it is published now, for as long as the block lasts. It reads the published file and the Parquet files
    beside it and nothing else, loads nothing, and its settings can no longer be changed.

    The file is attached to an in-memory database of its own: `duckdb.connect(path)` would hand out a cached instance, and with it a
    copy that was replaced long ago, while any other connection of the process is open.

    *Not* promised: that every SQL text is harmless. COPY may still write into the Parquet folder, as far as the file system lets this
    process: text of users goes through `ask`.

    Raises:
        LedgerError: Nothing is published there.
    """
    data = data.resolve()
    published = data / PUBLISHED
    if not published.exists():
        raise LedgerError(f"no ledger at {published}: start `excise up`, or say where with --data")
    con = duckdb.connect(":memory:")
    try:
        try:
            con.execute(f"ATTACH {literal(str(published))} AS usage (READ_ONLY)")
        except duckdb.Error as error:
            raise LedgerError(f"{published} cannot be read: {_first_line(error)}") from error
        # The order matters: directories before access is closed, and the lock last.
        for setting in (
            "USE usage",
            f"SET VARIABLE {VARIABLE} = {literal(str(data))}",
            f"SET memory_limit = {literal(memory)}",
            f"SET threads = {int(threads)}",
            "SET temp_directory = ''",
            "SET python_enable_replacements = false",
            "SET python_scan_all_frames = false",
            "SET autoinstall_known_extensions = false",
            "SET autoload_known_extensions = false",
            "SET allow_community_extensions = false",
            f"SET allowed_directories = [{literal(str(data / PARQUET))}]",
            "SET enable_external_access = false",
            "SET lock_configuration = true",
        ):
            con.execute(setting)
        yield con
    finally:
        con.close()


def ask(data: Path, sql: str, *, seconds: float = 30.0, most: int | None = None) -> Answer:
    """
    Run one reading statement of a user's.

    Args:
        seconds: The query is interrupted after this.
        most: Rows to return at most; `None`: all.

    Raises:
        LedgerError: Not one reading statement, wrong SQL, too slow, or no ledger. The text says what to do.
    """
    with reading(data) as con:
        _check(con, sql)
        timed_out = threading.Event()

        def interrupt() -> None:
            timed_out.set()
            con.interrupt()

        timer = threading.Timer(seconds, interrupt)
        timer.start()
        try:
            cursor = con.execute(sql)
            columns = tuple(column[0] for column in cursor.description or ())
            rows = cursor.fetchall() if most is None else cursor.fetchmany(most + 1)
        except duckdb.InterruptException as error:
            if not timed_out.is_set():
                raise
            raise LedgerError(
                f"stopped after {seconds:g} s: ask for less, for example a shorter time, or allow more with --timeout"
            ) from error
        except duckdb.PermissionException as error:
            raise LedgerError(f"refused: a query reads the ledger and nothing else ({_first_line(error)})") from error
        except duckdb.Error as error:
            raise LedgerError(str(error).strip()) from error
        finally:
            timer.cancel()
    cut = most is not None and len(rows) > most
    return Answer(columns, tuple(rows[:most] if cut else rows), cut)


def _check(con: duckdb.DuckDBPyConnection, sql: str) -> None:
    try:
        statements = con.extract_statements(sql)
        # EXPLAIN ANALYZE runs what it explains.
        inner = [
            part
            for statement in statements
            for part in (con.extract_statements(_EXPLAIN.sub("", sql)) if statement.type == duckdb.StatementType.EXPLAIN else [statement])
        ]
    except duckdb.Error as error:
        raise LedgerError(str(error).strip()) from error
    if len(statements) != 1:
        raise LedgerError(f"one statement at a time, not {len(statements)}")
    for statement in inner:
        if statement.type != duckdb.StatementType.SELECT:
            raise LedgerError(
                f"refused: {statement.type.name} is no reading statement; this takes SELECT, FROM, WITH, DESCRIBE, SHOW, SUMMARIZE"
            )


def _first_line(error: duckdb.Error) -> str:
    return str(error).partition("\n")[0]
