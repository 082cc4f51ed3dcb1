"""
Calls as they happen, straight from the journal files: no loader needed, nothing locked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from excise.errors import LedgerError
from excise.ledger.lines import KINDS, FileName

MAX_OPEN = 10_000  # calls under way whose beginning is kept, about 1 KB each
TAIL_BYTES = 1024 * 1024  # of each file, for what has happened before we looked
_MOST_FILES = 64


@dataclass(slots=True)
class _Reader:
    offset: int = 0
    rest: bytes = b""


class Watch:
    """
    Follows every journal file of a directory, new ones included. A line that cannot be read is passed over: judging the journal is the
    loader's business.

    The end of a call is given together with its beginning: the journal's `close` holds only what the end added. Not promised for a call
    that began before the part of the journal that was read, or beyond `MAX_OPEN` others.

    Raises:
        LedgerError: There is no such directory, or it may not be read.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._readers: dict[str, _Reader] = {}
        self._open: dict[str, dict[str, Any]] = {}  # by call_id, oldest first
        try:
            paths = [path for path in directory.iterdir() if FileName.parse(path.name)]
            paths.sort(key=lambda path: path.stat().st_mtime_ns)
        except OSError as error:
            raise LedgerError(f"no journal at {directory}: {error.strerror}; start `excise up`, or say where with --data") from error
        self._first: list[dict[str, Any]] = []
        for position, path in enumerate(paths):
            size = path.stat().st_size
            start = max(0, size - TAIL_BYTES) if position >= len(paths) - _MOST_FILES else size
            self._readers[path.name] = _Reader(start)
            self._first.extend(self._read(path, skip_first=start > 0))

    def recent(self, count: int) -> list[dict[str, Any]]:
        """
        The last `count` calls and tunnels that have ended, oldest first.
        """
        ended = [record for record in self._first if record["kind"] == "close" or _is_ended_tunnel(record)]
        ended.sort(key=lambda record: record.get("ended_at") or record.get("started_at") or 0)
        return ended[-count:] if count else []

    def poll(self) -> list[dict[str, Any]]:
        """
        Records written since the last time, in order within each file.
        """
        records: list[dict[str, Any]] = []
        try:
            paths = sorted(path for path in self._directory.iterdir() if FileName.parse(path.name))
        except OSError:
            return records  # gone for the moment: a deleted journal comes back with the next call
        for path in paths:
            records.extend(self._read(path))
        return records

    def _read(self, path: Path, *, skip_first: bool = False) -> list[dict[str, Any]]:
        reader = self._readers.setdefault(path.name, _Reader())
        try:
            with path.open("rb") as file:
                file.seek(reader.offset)
                data = file.read()
        except OSError:
            return []  # deleted since it was listed
        reader.offset += len(data)
        lines = (reader.rest + data).split(b"\n")
        reader.rest = lines.pop()
        return [self._whole(record) for line in lines[1 if skip_first else 0 :] if (record := _parse(line)) is not None]

    def _whole(self, record: dict[str, Any]) -> dict[str, Any]:
        """
        A record, with what earlier ones of its call said.
        """
        kind, call = record["kind"], record.get("call_id")
        if kind == "tunnel" or not isinstance(call, str):
            return record
        before = self._open.pop(call, None)
        if before is not None:
            record = before | {name: value for name, value in record.items() if value is not None}
        if kind != "close":
            self._open[call] = record
            if len(self._open) > MAX_OPEN:
                del self._open[next(iter(self._open))]
        return record


def _is_ended_tunnel(record: dict[str, Any]) -> bool:
    return record["kind"] == "tunnel" and record.get("status") != "open"


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) and record.get("kind") in KINDS else None
