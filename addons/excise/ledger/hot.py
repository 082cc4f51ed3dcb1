"""
The hot store: the loader's private DuckDB file. Rows and the journal offsets behind them change in one transaction.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import orjson

from excise.ledger.schema import TABLES, Column
from excise.ledger.views import literal, question_views, table_view

MIGRATIONS = Path(__file__).parent / "migrations"
STORAGE_VERSION = "v1.0.0"  # readable by DuckDB 1.0 and everything since; 2.0 would write files that 1.x refuses
MEMORY = "1GB"


@dataclass(frozen=True, slots=True)
class Note:
    """
    A line of `journal_faults`.
    """

    kind: str
    detail: str
    file: str | None = None
    offset: int | None = None


class HotStore:
    """
    One open `hot.duckdb` (0600). Not for several threads.

    The file is attached to an in-memory database: only `ATTACH` can ask for the storage version. No key, no index anywhere.

    Raises:
        duckdb.Error: It cannot be opened, or is damaged: every block of it is read once.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self.path = data / "hot.duckdb"
        self.con = duckdb.connect(":memory:")
        try:
            self._open()
        except BaseException:
            self.con.close()
            raise
        # For `copy_to`, and open as long as the database is: closing any descriptor of a file drops every POSIX lock the process has on
        # it, DuckDB's among them (fcntl(2)).
        self._copy_fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)

    def _open(self) -> None:
        self.con.execute(f"SET memory_limit='{MEMORY}'")
        self.con.execute(f"SET temp_directory={literal(str(self.data / 'tmp'))}")
        self.con.execute(f"ATTACH {literal(str(self.path))} AS ledger (STORAGE_VERSION '{STORAGE_VERSION}')")
        self.path.chmod(0o600)
        self.con.execute("USE ledger")
        self.con.execute("SET checkpoint_threshold='1TB'")  # we say when: at each publication
        self._migrate()
        for table in TABLES:  # blocks carry checksums; a bad one shows when it is read, so read them before they are published
            self.con.execute(f"SELECT bit_xor(hash(t)) FROM live.{table} t").fetchall()  # noqa: S608 names of ours

    def _migrate(self) -> None:
        self.con.execute("CREATE TABLE IF NOT EXISTS ledger_version (version INTEGER, applied_at TIMESTAMP)")
        done = {row[0] for row in self.con.execute("SELECT version FROM ledger_version").fetchall()}
        for path in sorted(MIGRATIONS.glob("[0-9][0-9][0-9]_*.sql")):
            version = int(path.name[:3])
            if version in done:
                continue
            with self.transaction():
                self.con.execute(path.read_text())
                self.con.execute(f"INSERT INTO ledger_version VALUES ({version}, now()::TIMESTAMP)")  # noqa: S608 a number

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """
        All or nothing.
        """
        self.con.execute("BEGIN")
        try:
            yield
            self.con.execute("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):  # a commit that failed has rolled back already
                self.con.execute("ROLLBACK")
            raise

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """
        All rows of a query of ours.
        """
        return self.con.execute(query, list(parameters)).fetchall()

    def insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """
        Add rows (values as `excise.ledger.rows.fit` gives them) to a table of the schema.
        """
        self._insert(f"live.{table}", TABLES[table], rows)

    def insert_into(self, table: str, types: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        """
        Add rows to a table of the loader's own; TIMESTAMP values are microseconds.
        """
        self._insert(table, [Column(name, type_, "") for name, type_ in types.items()], rows)

    def _insert(self, target: str, columns: Iterable[Column], rows: Sequence[Mapping[str, Any]]) -> None:
        # Through DuckDB's own JSON reader: 2000 rows take as long as with the appender of 2.0, and 1.5 has no appender in Python. Values
        # are never converted one by one, so `executemany`'s cost does not arise.
        if not rows:
            return
        columns = list(columns)
        shape = ", ".join(f"{column.name}: '{'BIGINT' if column.type == 'TIMESTAMP' else column.type}'" for column in columns)
        chosen = ", ".join(f"make_timestamp({c.name})" if c.type == "TIMESTAMP" else c.name for c in columns)
        names = ", ".join(column.name for column in columns)
        with _spilled(rows) as path:
            self.con.execute(
                f"INSERT INTO {target} ({names}) SELECT {chosen} FROM read_json({literal(path)}, "  # noqa: S608 names of ours
                f"format='newline_delimited', columns={{{shape}}}, maximum_object_size=8388608)"
            )

    def note(self, notes: Sequence[Note], now_us: int) -> None:
        """
        Add to `journal_faults`.
        """
        types = {"noted_at": "TIMESTAMP", "journal_file": "VARCHAR", "journal_offset": "BIGINT", "kind": "VARCHAR", "detail": "VARCHAR"}
        rows = [{"noted_at": now_us, "journal_file": n.file, "journal_offset": n.offset, "kind": n.kind, "detail": n.detail} for n in notes]
        self.insert_into("journal_faults", types, rows)

    def make_views(self) -> None:
        """
        Write the views anew from the manifest. Call inside the transaction that changes the manifest.
        """
        newest = self.rows("SELECT max(version) FROM ledger_version")[0][0]
        for table in TABLES:
            live = "SELECT file, schema_version FROM book.sealed WHERE tbl=? AND replaced_at IS NULL ORDER BY day, file"
            found = self.rows(live, [table])
            one = all(version == newest for _, version in found)
            self.con.execute(table_view(table, self.data, (file for file, _ in found), one_schema=one))
        for view in question_views():
            self.con.execute(view)

    def copy_to(self, target: Path, mode: int) -> None:
        """
        Write the database as one whole file without a log beside it: checkpoint, then copy its bytes.

        Raises:
            duckdb.Error, OSError: No room; `target` may be there in part.
        """
        self.con.execute("CHECKPOINT ledger")
        size = os.fstat(self._copy_fd).st_size
        out = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        try:
            os.fchmod(out, mode)  # whatever the umask
            _copy(self._copy_fd, out, size)
        finally:
            os.close(out)

    def free_share(self) -> tuple[int, float]:
        """
        Bytes of the file that hold nothing, and their share.
        """
        self.con.execute("CHECKPOINT ledger")
        sizes = "SELECT block_size, total_blocks, free_blocks FROM pragma_database_size() WHERE database_name='ledger'"
        block, total, free = self.rows(sizes)[0]
        return block * free, free / max(total, 1)

    def close(self) -> None:
        """
        Close the database, then the descriptor.
        """
        self.con.close()
        os.close(self._copy_fd)


def compact(data: Path) -> None:
    """
    Write `hot.duckdb` anew without its empty blocks. It must not be open. A crash leaves the old file or the new one, both whole.
    """
    fresh = data / "hot.compact.duckdb"
    fresh.unlink(missing_ok=True)
    con = duckdb.connect(":memory:")
    try:
        con.execute(f"SET memory_limit='{MEMORY}'")
        con.execute(f"ATTACH {literal(str(data / 'hot.duckdb'))} AS old")
        con.execute(f"ATTACH {literal(str(fresh))} AS new (STORAGE_VERSION '{STORAGE_VERSION}')")
        con.execute("COPY FROM DATABASE old TO new")
        con.execute("DETACH new")
        con.execute("CHECKPOINT old")
    finally:
        con.close()
    fresh.chmod(0o600)
    fd = os.open(fresh, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    (data / "hot.duckdb.wal").unlink(missing_ok=True)
    fresh.replace(data / "hot.duckdb")


def _copy(source: int, target: int, size: int) -> None:
    done = 0
    while done < size:
        if hasattr(os, "copy_file_range"):
            moved = os.copy_file_range(source, target, size - done, done)  # shares the blocks where the file system can
        else:
            moved = os.write(target, os.pread(source, min(size - done, 1 << 22), done))
        if not moved:
            raise OSError("the hot store shrank while it was copied")
        done += moved


@contextmanager
def _spilled(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """
    The rows as NDJSON in a file that is gone afterwards; in memory where the system can.
    """
    payload = b"\n".join(orjson.dumps(row) for row in rows) + b"\n"
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("excise-rows")
        try:
            _write_all(fd, payload)
            yield f"/proc/self/fd/{fd}"
        finally:
            os.close(fd)
        return
    with tempfile.NamedTemporaryFile(prefix="excise-rows-", suffix=".ndjson") as file:
        file.write(payload)
        file.flush()
        yield file.name


def _write_all(fd: int, payload: bytes) -> None:
    view = memoryview(payload)
    while view:
        view = view[os.write(fd, view) :]
