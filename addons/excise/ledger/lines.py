"""
The journal's format: names of files, and lines that carry the hash of the line before. No I/O, no clock.

A file is `<host>.<worker>.<number>.ndjson`: one JSON object a line, fields first `v seq call_id kind prev`, then the record. `prev` is the
first 32 hex digits of the SHA-256 of the previous line (without its newline); the first line is a header that names the file, its worker,
and the last line of the worker's previous file. So whoever alters, drops or inserts a line breaks the chain at the next one.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Any

import orjson

FORMAT_VERSION = 1
KINDS = ("open", "attempt", "progress", "close", "tunnel")
FIRST = "0" * 32  # `prev` of a header: there is no line before
MAX_LINE_BYTES = 1024 * 1024  # a record is about 1 KB; a line beyond this is damage, and must not be collected in memory

_START = b'{"v":%d,"seq":' % FORMAT_VERSION
_NAME = re.compile(r"^(?P<host>[A-Za-z0-9_.-]+)\.(?P<worker>[0-9a-f-]{32,36})\.(?P<number>\d{6,})\.ndjson$")


def link(line: bytes) -> str:
    """
    What the line after `line` carries as `prev`.
    """
    return hashlib.sha256(line).hexdigest()[:32]


@dataclass(frozen=True, slots=True, order=True)
class FileName:
    """
    Name of a journal file. Files of one worker follow each other by `number`, from 1.
    """

    host: str
    worker: str
    number: int

    def __str__(self) -> str:
        return f"{self.host}.{self.worker}.{self.number:06d}.ndjson"

    @classmethod
    def parse(cls, name: str) -> FileName | None:
        """
        `None`: not the name of a journal file.
        """
        found = _NAME.match(name)
        return cls(found["host"], found["worker"], int(found["number"])) if found else None


def host_label(host: str) -> str:
    """
    A host name as it may stand in a file name.
    """
    return re.sub(r"[^A-Za-z0-9_.-]", "-", host)[:64].strip(".") or "host"


@dataclass(frozen=True, slots=True)
class Cursor:
    """
    How far a file is read: bytes consumed, the `seq` expected next, the link expected as `prev`. `head` is `None` after an unreadable line,
    whose true hash nobody knows.
    """

    offset: int = 0
    seq: int = 0
    head: str | None = FIRST


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One whole line: where it begins, and what it says.
    """

    offset: int
    kind: str
    key: str | None  # call_id; `None` in headers
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """
    Something in a file that should not be so. `kind`: chain, gap, unreadable, oversize, torn.
    """

    offset: int
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Scan:
    """
    What a piece of a file held, and where to go on.
    """

    entries: tuple[Entry, ...]
    faults: tuple[Fault, ...]
    cursor: Cursor


def scan(data: bytes, cursor: Cursor, *, most: int = 1_000_000, final: bool = False) -> Scan:
    """
    Read whole lines from `data`, which begins at `cursor.offset`; an unfinished last line stays for the next time.

    Args:
        most: Stop after so many lines.
        final: `data` is the end of a file nobody writes any more. An unfinished last line counts if only its newline is missing, and is
            reported and passed over if not.
    """
    entries: list[Entry] = []
    faults: list[Fault] = []
    position = 0
    while len(entries) < most:
        end = data.find(b"\n", position)
        if end < 0 and final and position < len(data):
            end = len(data)
            if _parse(data[position:]) is None:
                faults.append(
                    Fault(cursor.offset, "torn", f"the last {end - position} bytes are the beginning of a line; it was never acknowledged")
                )
                cursor = Cursor(cursor.offset + end - position, cursor.seq, None)
                break
        if end < 0:
            if len(data) - position > MAX_LINE_BYTES:
                faults.append(Fault(cursor.offset, "oversize", f"no end of line within {MAX_LINE_BYTES} bytes"))
                cursor = Cursor(cursor.offset + len(data) - position, cursor.seq, None)
            break
        line = data[position:end]
        start = cursor.offset
        cursor = _take(line, cursor, entries, faults)
        cursor = replace(cursor, offset=start + min(len(line) + 1, len(data) - position))
        position = end + 1
    return Scan(tuple(entries), tuple(faults), cursor)


def _take(line: bytes, cursor: Cursor, entries: list[Entry], faults: list[Fault]) -> Cursor:
    record = _parse(line)
    if record is None:
        faults.append(Fault(cursor.offset, "unreadable", f"{len(line)} bytes are no journal line"))
        # A damaged newline glues two lines together: the second may be whole.
        cut = line.rfind(_START)
        if cut > 0 and (tail := _parse(line[cut:])) is not None:
            return _accept(line[cut:], tail, replace(cursor, offset=cursor.offset + cut, seq=tail["seq"], head=None), entries, faults)
        return replace(cursor, seq=cursor.seq + 1, head=None)
    return _accept(line, record, cursor, entries, faults)


def _accept(line: bytes, record: dict[str, Any], cursor: Cursor, entries: list[Entry], faults: list[Fault]) -> Cursor:
    if cursor.head is not None and record["prev"] != cursor.head:
        faults.append(Fault(cursor.offset, "chain", "the line before is not the one this line was written after"))
    # After an unreadable piece the count of lines is a guess, so only a step backwards or a known head can prove a gap.
    if record["seq"] != cursor.seq and cursor.head is not None:
        faults.append(Fault(cursor.offset, "gap", f"line {record['seq']} where {cursor.seq} was expected"))
    entries.append(Entry(cursor.offset, record["kind"], record.get("call_id"), record))
    return Cursor(cursor.offset, record["seq"] + 1, link(line))


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(record, dict) or type(record.get("seq")) is not int or not 0 <= record["seq"] < 2**62:
        return None
    if not isinstance(record.get("prev"), str) or not isinstance(record.get("kind"), str):
        return None
    key = record.get("call_id")
    if record["kind"] in KINDS and not (isinstance(key, str) and key):
        return None
    return record if key is None or isinstance(key, str) else None
