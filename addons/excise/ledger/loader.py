"""
From journal lines to rows: `open` and `close` become one row, a call whose worker died becomes a row as well, and each line counts once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from excise.ledger.follow import Follower, Poll, Progress
from excise.ledger.hot import HotStore, Note
from excise.ledger.lines import Cursor, Entry, FileName
from excise.ledger.rows import Place, Rows, abandoned, merge
from excise.ledger.schema import CHILDREN

MAX_LINES = 5_000  # a step: half a second of work, so that publications are not late while a backlog is read
MAX_NOTES = 100  # a step: a shredded journal must not flood the table
REMEMBERED = 100_000  # latest closed calls, against a close that was written twice
GONE_SECONDS = 60.0  # a worker whose every file was deleted is believed dead after this

_ENVELOPE = ("v", "seq", "call_id", "kind", "prev")


@dataclass(frozen=True, slots=True)
class Pending:
    """
    A call or tunnel that has begun.
    """

    kind: str  # "open" or "tunnel"
    worker: str
    place: Place
    record: dict[str, Any]


class Loader:
    """
    Moves what is new in the journal into the hot store. After an exception from `step` it is of no more use: what it believes and what is
    committed may differ; make a new one.

    Args:
        now_us: Wall clock, microseconds since the epoch: for notes and file ages only.
        monotonic: Seconds.
    """

    def __init__(
        self,
        hot: HotStore,
        journal: Path,
        *,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hot = hot
        self._journal = journal
        self._now_us = now_us
        self._monotonic = monotonic
        self._missing_since: dict[str, float] = {}
        files = hot.rows("SELECT name, consumed_bytes, seq, head, finished_at IS NOT NULL FROM book.journal_files")
        self._stored_files = {row[0] for row in files}
        self._follower = Follower(journal, {name: Progress(Cursor(at, seq, head), done) for name, at, seq, head, done in files})
        self._pending: dict[str, Pending] = {}
        query = "SELECT key, kind, worker, journal_file, journal_offset, record FROM book.pending"
        for key, kind, worker, file, offset, record in hot.rows(query):
            self._pending[key] = Pending(kind, worker, Place(file, offset), orjson.loads(record))
        self._stored_pending = set(self._pending)
        # Value: the row says "unknown", so a late close may still correct it.
        latest = """
            SELECT call_id, status = 'unknown' FROM (SELECT call_id, status, started_at FROM live.calls UNION ALL
            SELECT id, status, started_at FROM live.tunnels ORDER BY started_at DESC LIMIT ?) ORDER BY started_at
        """
        self._closed: dict[str, bool] = dict(hot.rows(latest, [REMEMBERED]))
        self._begin()

    def _begin(self) -> None:
        self._rows = Rows()
        self._notes: list[Note] = []
        self._corrected: list[str] = []
        self._touched: set[str] = set()  # pending keys that are new, changed or gone

    @property
    def pending(self) -> int:
        """
        Calls and tunnels under way.
        """
        return len(self._pending)

    def step(self, *, reap: bool = True) -> tuple[bool, bool]:
        """
        Read, join, commit once.

        Args:
            reap: Turn the open calls of dead workers into rows.

        Returns:
            Whether the tables have changed, and whether there is more to read at once.

        Raises:
            duckdb.Error, OSError: Nothing of this step is committed.
        """
        self._begin()
        poll = self._follower.poll(MAX_LINES)
        for name, entry in poll.entries:
            self._take(name, entry)
        for file, fault in poll.faults:
            self._notes.append(Note(fault.kind, fault.detail, file, fault.offset))
        if reap and not poll.more:
            self._reap()
        self._notes.extend(Note("misfit", detail, place.file, place.offset) for place, detail in self._rows.misfits)
        if not (poll.moved or self._touched or self._rows or self._notes):
            return False, poll.more
        self._commit(poll)
        return bool(self._rows or self._notes), poll.more

    def _take(self, name: FileName, entry: Entry) -> None:
        place = Place(str(name), entry.offset)
        if entry.kind == "header":
            self._check_header(place, entry.record)
            return
        key = entry.key
        if key is None:
            return
        record = {field: value for field, value in entry.record.items() if field not in _ENVELOPE}
        begins = entry.kind == "open" or (entry.kind == "tunnel" and record.get("status") == "open")
        ends = not begins and entry.kind not in ("attempt", "progress")
        if key in self._closed and not (self._closed[key] and ends):
            if ends:
                self._notes.append(Note("duplicate", f"{entry.kind} of a call that is closed already; the first one counts", *_at(place)))
        elif begins:
            # Said twice of one call, the first line stays its place, and what is known of its tries is not forgotten.
            known = self._pending.get(key)
            self._pending[key] = Pending(
                entry.kind, name.worker, known.place if known else place, merge(known.record, record) if known else record
            )
            self._touched.add(key)
        elif entry.kind in ("attempt", "progress"):
            if known := self._pending.get(key):
                self._pending[key] = Pending(known.kind, known.worker, known.place, merge(known.record, record))
                self._touched.add(key)
        elif entry.kind in ("close", "tunnel"):
            self._finish(key, entry.kind, record, place)

    def _finish(self, key: str, kind: str, record: dict[str, Any], place: Place) -> None:
        if known := self._pending.pop(key, None):
            record = merge(known.record, record)
            self._touched.add(key)
        if self._closed.get(key):
            self._corrected.append(key)
        if kind == "tunnel":
            self._rows.add_tunnel(key, record, place)
        else:
            self._rows.add_call(key, record, place)
        self._remember(key, unknown=False)

    def _remember(self, key: str, *, unknown: bool) -> None:
        self._closed[key] = unknown
        if len(self._closed) > REMEMBERED:
            del self._closed[next(iter(self._closed))]

    def _check_header(self, place: Place, record: dict[str, Any]) -> None:
        if record.get("file") != place.file:
            self._notes.append(Note("chain", "the file has another name than its header", *_at(place)))
        before = record.get("prev_file")
        known = self._follower.progress(before) if isinstance(before, str) else None
        if known and known.finished and known.cursor.head not in (None, record.get("prev_head")):
            self._notes.append(
                Note("chain", "the last line is not the one the next file was written after", str(before), known.cursor.offset)
            )

    def _reap(self) -> None:
        now = self._monotonic()
        for key, call in list(self._pending.items()):
            gone = self._follower.is_gone(call.worker)
            if gone is None:
                gone = now - self._missing_since.setdefault(call.worker, now) > GONE_SECONDS
            if not gone:
                continue
            del self._pending[key]
            self._touched.add(key)
            if call.kind == "tunnel":
                self._rows.add_tunnel(key, {**call.record, "status": "unknown"}, call.place)
            else:
                self._rows.add_call(key, abandoned(call.record), call.place)
            self._remember(key, unknown=True)

    def _commit(self, poll: Poll) -> None:
        hot = self._hot
        with hot.transaction():
            if self._corrected:
                for table in ("calls", *CHILDREN):
                    hot.con.execute(f"DELETE FROM live.{table} WHERE call_id IN (SELECT unnest(?))", [self._corrected])  # noqa: S608
                hot.con.execute("DELETE FROM live.tunnels WHERE id IN (SELECT unnest(?))", [self._corrected])
            for table, rows in self._rows.tables.items():
                hot.insert(table, rows)
            self._store_pending()
            self._store_progress(poll)
            hot.note(self._notes[:MAX_NOTES], self._now_us())

    def _store_pending(self) -> None:
        stale = self._touched & self._stored_pending
        fresh = self._touched & self._pending.keys()
        if stale:
            self._hot.con.execute("DELETE FROM book.pending WHERE key IN (SELECT unnest(?))", [list(stale)])
        types = dict.fromkeys(("key", "kind", "worker", "journal_file", "record"), "VARCHAR") | {"journal_offset": "BIGINT"}
        rows = []
        for key in fresh:
            call = self._pending[key]
            row = {"key": key, "kind": call.kind, "worker": call.worker, "record": orjson.dumps(call.record).decode()}
            rows.append(row | {"journal_file": call.place.file, "journal_offset": call.place.offset})
        self._hot.insert_into("book.pending", types, rows)
        self._stored_pending = (self._stored_pending - stale) | fresh

    def _store_progress(self, poll: Poll) -> None:
        now = self._now_us()
        rows = [(name, at.cursor.offset, at.cursor.seq, at.cursor.head, now if at.finished else None) for name, at in poll.moved.items()]
        known = [row for row in rows if row[0] in self._stored_files]
        if known:
            columns = [list(column) for column in zip(*known, strict=True)]
            self._hot.con.execute(
                "UPDATE book.journal_files f SET consumed_bytes=n.at, seq=n.seq, head=n.head, finished_at=make_timestamp(n.done) FROM "
                "(SELECT unnest(?::VARCHAR[]) AS name, unnest(?::BIGINT[]) AS at, unnest(?::BIGINT[]) AS seq, "
                "unnest(?::VARCHAR[]) AS head, unnest(?::BIGINT[]) AS done) n WHERE f.name = n.name",
                columns,
            )
        types = {"name": "VARCHAR", "consumed_bytes": "BIGINT", "seq": "BIGINT", "head": "VARCHAR", "finished_at": "TIMESTAMP"}
        fresh = [dict(zip(types, row, strict=True)) for row in rows if row[0] not in self._stored_files]
        self._hot.insert_into("book.journal_files", types, fresh)
        self._stored_files.update(row[0] for row in rows)

    def expire(self, before_us: int) -> int:
        """
        Delete journal files that were finished before `before_us` and none of whose rows is still hot or under way. Returns how many.
        """
        query = """
            SELECT name FROM book.journal_files f WHERE finished_at < make_timestamp(?)
            AND NOT EXISTS (SELECT 1 FROM live.calls c WHERE c.journal_file = f.name)
            AND NOT EXISTS (SELECT 1 FROM live.tunnels t WHERE t.journal_file = f.name)
            AND NOT EXISTS (SELECT 1 FROM book.pending p WHERE p.journal_file = f.name)
        """
        names = [row[0] for row in self._hot.rows(query, [before_us])]
        for name in names:
            (self._journal / name).unlink(missing_ok=True)
        # Only now: a file whose progress were forgotten before it is gone would be read, and counted, again.
        if names:
            self._hot.con.execute("DELETE FROM book.journal_files WHERE name IN (SELECT unnest(?))", [names])
        for name in names:
            self._follower.forget(name)
            self._stored_files.discard(name)
        return len(names)


def _at(place: Place) -> tuple[str, int]:
    return place.file, place.offset
