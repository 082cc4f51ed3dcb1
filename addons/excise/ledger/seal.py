"""
Old rows leave the hot store for Parquet: `data/parquet/date=YYYY-MM-DD/<table>-<id>.parquet`, zstd, sorted by time.

A file is written beside its name, synced, and renamed; then one transaction removes the rows from the hot store and enters the file into
the manifest. A crash between the two leaves a whole file nobody has entered: `adopt` enters it, and removes its rows from the hot store
then. So the same step repairs a crash and rebuilds a lost manifest. A merged file names those it replaces in its own metadata.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import orjson

from excise.errors import LedgerError
from excise.ids import uuid7
from excise.ledger.hot import HotStore, Note
from excise.ledger.schema import CHILDREN, TABLES
from excise.ledger.views import PARQUET, literal

CHUNK_ROWS = 122_880  # calls a step: one row group, and well under a second
MERGE_ROWS = 250_000  # most rows of a file made by merging: bounds the time readers of new calls wait for it
GRACE_SECONDS = 24 * 3600  # replaced files stay for readers that have an older published copy open
_REPLACES = "excise_replaces"
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class _Range:
    """
    Rows with `low <= started_at < high`, microseconds, all of one UTC day.
    """

    day: dt.date
    low: int
    high: int

    @property
    def where(self) -> str:
        return f"started_at >= make_timestamp({self.low}) AND started_at < make_timestamp({self.high})"


@dataclass(frozen=True, slots=True)
class Stranger:
    """
    A Parquet file the manifest does not know.
    """

    file: str  # below parquet/
    table: str
    day: dt.date
    rows: int
    replaces: tuple[str, ...]


class Sealer:
    """
    Seals, merges, adopts and sweeps Parquet files of one hot store.

    Args:
        step: Called with the name of each step before it is taken; tests die in it.
        now_us: Wall clock, microseconds since the epoch.
    """

    def __init__(
        self,
        hot: HotStore,
        *,
        step: Callable[[str], None] = lambda name: None,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._hot = hot
        self._root = hot.data / PARQUET
        self._step = step
        self._now_us = now_us

    def seal(self, before_us: int, *, most: int = CHUNK_ROWS) -> int:
        """
        Seal the oldest calls that began before `before_us`, at most about `most` of one day, with what belongs to them; then tunnels the
        same way. Returns the number of rows of both that left the hot store; 0: nothing left to do.
        """
        return self._seal("calls", before_us, most) + self._seal("tunnels", before_us, most)

    def cut_to(self, keep: int) -> int:
        """
        The time (microseconds) before which calls must be sealed so that about `keep` stay hot; 0 where there are no more than that.
        """
        query = "SELECT epoch_us(started_at) FROM live.calls ORDER BY started_at DESC LIMIT 1 OFFSET ?"
        found = self._hot.rows(query, [keep])
        return int(found[0][0]) + 1 if found else 0

    def _seal(self, table: str, before_us: int, most: int) -> int:
        if (span := self._range(table, before_us, most)) is None:
            return 0
        chosen = f"SELECT call_id FROM live.calls WHERE {span.where}"  # noqa: S608 numbers of ours
        wanted = dict.fromkeys(CHILDREN, f"call_id IN ({chosen})") if table == "calls" else {}
        # Children first, here and below: a child never stays behind without its call.
        wanted[table] = span.where
        made: list[tuple[str, str, int]] = []
        for name, where in wanted.items():
            order = "started_at" if name == table else "call_id"
            query = f"SELECT * FROM live.{name} WHERE {where} ORDER BY {order}"  # noqa: S608 names of ours
            file, count = self._write(name, span.day, query)
            if count:
                made.append((name, file, count))
        self._publish_files([file for _, file, _ in made])
        self._step("seal-commit")
        with self._hot.transaction():
            for name, _, count in made:
                self._remove(f"live.{name} WHERE {wanted[name]}", count)
            for name, file, count in made:
                self._enter(name, file, span.day, count)
            self._hot.make_views()
        self._step("seal-done")
        return next((count for name, _, count in made if name == table), 0)

    def _range(self, table: str, before_us: int, most: int) -> _Range | None:
        first = self._hot.rows(f"SELECT epoch_us(min(started_at)) FROM live.{table} WHERE started_at < make_timestamp(?)", [before_us])  # noqa: S608
        if first[0][0] is None:
            return None
        low = int(first[0][0])
        start = low // _DAY_US * _DAY_US
        high = min(start + _DAY_US, before_us)
        # Rows of one microsecond stay together, so the limit is a little soft.
        nth = (
            f"SELECT epoch_us(started_at) FROM live.{table} WHERE started_at < make_timestamp(?) ORDER BY started_at LIMIT 1 OFFSET {most}"  # noqa: S608
        )
        if (limit := self._hot.rows(nth, [high])) and limit[0][0] > low:
            high = int(limit[0][0])
        return _Range((dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=start)).date(), low, high)

    def _write(self, table: str, day: dt.date, query: str, replaces: list[str] | None = None) -> tuple[str, int]:
        """
        Write and sync a Parquet file under its hidden name. Returns its name to be, below `parquet/`, and its rows; no rows, no file.
        """
        folder = self._root / f"date={day.isoformat()}"
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        for path in (self._root, folder):
            path.chmod(0o750)
        file = f"{folder.name}/{table}-{uuid7()}.parquet"
        hidden = self._hidden(file)
        self._step("seal-write")
        extra = f", KV_METADATA {{{_REPLACES}: {literal(orjson.dumps(replaces).decode())}}}" if replaces else ""
        done = self._hot.con.execute(f"COPY ({query}) TO {literal(str(hidden))} (FORMAT parquet, COMPRESSION zstd{extra})").fetchone()
        count = int(done[0]) if done else 0
        if not count:
            hidden.unlink(missing_ok=True)
            return file, 0
        hidden.chmod(0o640)
        _sync(hidden)
        return file, count

    def _hidden(self, file: str) -> Path:
        path = self._root / file
        return path.with_name(f".{path.name}.new")

    def _publish_files(self, files: list[str]) -> None:
        for file in files:
            self._step("seal-rename")
            self._hidden(file).rename(self._root / file)
        for folder in {(self._root / file).parent for file in files}:
            _sync(folder)
        _sync(self._root)

    def _remove(self, target: str, expected: int) -> None:
        removed = self._hot.con.execute(f"DELETE FROM {target}").fetchone()  # noqa: S608 names of ours
        if removed is None or removed[0] != expected:
            raise LedgerError(
                f"sealing stopped: {expected} rows written and {removed and removed[0]} to be removed from {target.split()[0]}"
            )

    def _enter(self, table: str, file: str, day: dt.date, count: int) -> None:
        version = self._hot.rows("SELECT max(version) FROM ledger_version")[0][0]
        self._hot.con.execute(
            "INSERT INTO book.sealed VALUES (?, ?, ?, ?, ?, make_timestamp(?), NULL)", [file, table, day, count, version, self._now_us()]
        )

    def merge(self, before_us: int) -> bool:
        """
        Make one file of several of a day that ended before `before_us` and has no hot rows any more. `True`: did so, there may be more.
        """
        query = """
            SELECT day, file, row_count FROM book.sealed
            WHERE tbl = ? AND replaced_at IS NULL AND day < make_timestamp(?)::DATE ORDER BY day, file
        """
        for table in TABLES:
            group: list[tuple[dt.date, str, int]] = []
            for day, file, count in [*self._hot.rows(query, [table, before_us]), (dt.date.max, "", 0)]:
                if group and (day != group[0][0] or sum(row[2] for row in group) + count > MERGE_ROWS):
                    if len(group) > 1:
                        self._merge(table, group)
                        return True
                    group = []
                group.append((day, file, count))
        return False

    def _merge(self, table: str, group: list[tuple[dt.date, str, int]]) -> None:
        files = [file for _, file, _ in group]
        listed = ", ".join(literal(str(self._root / file)) for file in files)
        order = "started_at" if table in ("calls", "tunnels") else "call_id"
        query = f"SELECT * FROM read_parquet([{listed}], union_by_name=true, hive_partitioning=false) ORDER BY {order}"  # noqa: S608
        file, count = self._write(table, group[0][0], query, files)
        if count != sum(row[2] for row in group):
            raise LedgerError(f"merging stopped: {count} rows read from files that hold {sum(row[2] for row in group)}")
        self._publish_files([file])
        self._step("merge-commit")
        with self._hot.transaction():
            self._enter(table, file, group[0][0], count)
            self._retire(files)
            self._hot.make_views()
        self._step("merge-done")

    def _retire(self, files: list[str]) -> None:
        self._hot.con.execute(
            "UPDATE book.sealed SET replaced_at = make_timestamp(?) WHERE replaced_at IS NULL AND file IN (SELECT unnest(?))",
            [self._now_us(), files],
        )

    def strangers(self) -> list[Stranger]:
        """
        Files that are on disk and not in the manifest: a crash came between the two, or the manifest is lost or old. Removes unfinished
        files, and sets damaged ones aside.
        """
        for path in self._root.glob("date=*/.*.new"):
            path.unlink()
        known = {row[0] for row in self._hot.rows("SELECT file FROM book.sealed")}
        found = []
        for path in sorted(self._root.glob("date=*/*.parquet")):
            file = f"{path.parent.name}/{path.name}"
            if (facts := self._facts(path)) and file not in known:
                day = dt.date.fromisoformat(path.parent.name.removeprefix("date="))
                found.append(Stranger(file, path.name.split("-")[0], day, *facts))
        return found

    def adopt(self, strangers: list[Stranger]) -> None:
        """
        Enter strangers and take their rows out of the hot store, drop from the manifest what is not on disk, and write the views: one
        transaction. The journal must be read to its end before: a hot store that is behind would otherwise read those rows again.
        """
        replaced = {file for stranger in strangers for file in stranger.replaces}
        live = self._hot.rows("SELECT file FROM book.sealed WHERE replaced_at IS NULL")
        lost = sorted(file for (file,) in live if not (self._root / file).exists())
        self._step("adopt-commit")
        with self._hot.transaction():
            for one in strangers:
                self._enter(one.table, one.file, one.day, one.rows)
                self._subtract(one)
            self._retire(sorted(replaced))
            if lost:
                self._hot.con.execute("DELETE FROM book.sealed WHERE file IN (SELECT unnest(?))", [lost])
                self._hot.note(
                    [Note("missing", "Parquet file is gone; its rows are no longer in the ledger", file) for file in lost], self._now_us()
                )
            self._hot.make_views()
        self._step("adopt-done")

    def _subtract(self, one: Stranger) -> None:
        key = "id" if one.table == "tunnels" else "call_id"
        held = f"(SELECT {key} FROM read_parquet({literal(str(self._root / one.file))}))"  # noqa: S608 names of ours
        self._hot.con.execute(f"DELETE FROM live.{one.table} WHERE {key} IN {held}")  # noqa: S608 names of ours
        if one.table in ("calls", "tunnels"):
            self._hot.con.execute(f"DELETE FROM book.pending WHERE key IN {held}")  # noqa: S608 names of ours

    def _facts(self, path: Path) -> tuple[int, tuple[str, ...]] | None:
        """
        Rows of a file, and the files it replaces. A damaged file is set aside and reported.
        """
        source = literal(str(path))
        try:
            count = self._hot.rows(f"SELECT num_rows FROM parquet_file_metadata({source})")[0][0]  # noqa: S608 literal
            pairs = self._hot.rows(f"SELECT key, value FROM parquet_kv_metadata({source})")  # noqa: S608 literal
            names = next((value for key, value in pairs if bytes(key) == _REPLACES.encode()), b"[]")
            return int(count), tuple(orjson.loads(bytes(names)))
        except (duckdb.Error, orjson.JSONDecodeError) as error:
            path.rename(path.with_suffix(".damaged"))
            self._hot.note(
                [Note("missing", f"Parquet file set aside, it cannot be read: {type(error).__name__}", path.name)], self._now_us()
            )
            return None

    def sweep(self) -> None:
        """
        Delete files that were replaced longer ago than the grace period.
        """
        old = self._hot.rows(
            "SELECT file FROM book.sealed WHERE replaced_at < make_timestamp(?)", [self._now_us() - GRACE_SECONDS * 1_000_000]
        )
        for (file,) in old:
            (self._root / file).unlink(missing_ok=True)
            self._step("sweep-forget")
            self._hot.con.execute("DELETE FROM book.sealed WHERE file = ?", [file])


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
