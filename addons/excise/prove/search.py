"""
Look for canaries in files: in every form, in file names, inside whatever can be unpacked, and in the rows of databases.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import contextlib
import gzip
import lzma
import re
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
import zstandard
from ahocorasick_rs import BytesAhoCorasick

from excise.prove.canaries import Canary, content, forms

MAX_UNPACKED_BYTES: Final = 1 << 24
DEPTH: Final = 3  # packed in packed in packed
_MARKS: Final[tuple[tuple[bytes, str, Callable[[Any], bytes]], ...]] = (
    (b"\x1f\x8b\x08", "gzip", lambda part: zlib.decompressobj(31).decompress(part, MAX_UNPACKED_BYTES)),
    (b"\x28\xb5\x2f\xfd", "zstd", lambda part: _zstd(part)),
    (b"BZh", "bz2", lambda part: bz2.BZ2Decompressor().decompress(part, MAX_UNPACKED_BYTES)),
    (b"\xfd7zXZ", "xz", lambda part: lzma.LZMADecompressor().decompress(part, MAX_UNPACKED_BYTES)),
    (b"\x78\x01", "zlib", lambda part: zlib.decompressobj().decompress(part, MAX_UNPACKED_BYTES)),
    (b"\x78\x9c", "zlib", lambda part: zlib.decompressobj().decompress(part, MAX_UNPACKED_BYTES)),
    (b"\x78\xda", "zlib", lambda part: zlib.decompressobj().decompress(part, MAX_UNPACKED_BYTES)),
)
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{40,}={0,2}")
_DATABASES = (".duckdb", ".db")


@dataclass(frozen=True, slots=True)
class Finding:
    """
    A canary where none should be: which one, in which form, and where.
    """

    canary: Canary
    form: str
    where: str

    def __str__(self) -> str:
        return f"{self.where}: {self.canary.kind} planted in {self.canary.place}, as {self.form}"


@dataclass(slots=True)
class Searched:
    """
    What was looked at, and what was found.
    """

    files: int = 0
    bytes_read: int = 0
    unpacked: int = 0  # parts of files that were packed
    rows: int = 0  # of databases
    unopened: list[str] = field(default_factory=list)  # databases whose rows could not be read (their bytes were searched)
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: Searched) -> None:
        """
        Count another search in.
        """
        self.files += other.files
        self.bytes_read += other.bytes_read
        self.unpacked += other.unpacked
        self.rows += other.rows
        self.unopened += other.unopened
        self.findings += [finding for finding in other.findings if finding not in self.findings]


class Search:
    """
    Looks for a set of canaries, all at once.
    """

    def __init__(self, canaries: Iterable[Canary]) -> None:
        wanted: dict[bytes, tuple[Canary, str]] = {}
        for canary in canaries:
            for name, form in forms(canary.value).items():
                wanted.setdefault(form, (canary, name))
        self._wanted = list(wanted.values())
        self._automaton = BytesAhoCorasick(list(wanted))

    @property
    def forms_count(self) -> int:
        """
        How many different byte strings are looked for.
        """
        return len(self._wanted)

    def of(self, data: bytes, where: str, into: Searched) -> None:
        """
        Look through bytes and all that can be unpacked from them.
        """
        into.bytes_read += len(data)
        if data.count(0) == len(data):
            return  # space held ready on the disk
        for note, text in contents(data):
            into.unpacked += bool(note)
            self._look(text, where + note, into)

    def _look(self, text: bytes, where: str, into: Searched) -> None:
        longest: dict[Canary, tuple[int, str]] = {}  # of a whole value, its halves are seen too
        for index, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            canary, form = self._wanted[index]
            longest[canary] = max(longest.get(canary, (0, "")), (end - start, form))
        into.findings += [Finding(canary, form, where) for canary, (_, form) in longest.items()]

    def folder(self, folder: Path) -> Searched:
        """
        Every file under `folder`.
        """
        return self.files(sorted(folder.rglob("*")), folder)

    def files(self, paths: Iterable[Path], folder: Path) -> Searched:
        """
        Files under `folder`, their names and the rows in them. A file that goes away meanwhile is passed over.
        """
        done = Searched()
        for path in paths:
            name = str(path.relative_to(folder))
            self._look(name.encode(errors="surrogateescape"), f"{name} (its name)", done)
            if path.is_symlink() or not path.is_file():
                continue
            try:
                data = path.read_bytes()
            except OSError:
                continue
            done.files += 1
            self.of(data, name, done)
            self._rows(path, name, done)
        return done

    def _rows(self, path: Path, name: str, done: Searched) -> None:
        try:
            for table, row in rows_of(path):
                done.rows += 1
                self._look(row, f"{name} (rows of {table})", done)
        except (duckdb.Error, OSError):
            done.unopened.append(name)


def contents(data: bytes, depth: int = DEPTH) -> Iterator[tuple[str, bytes]]:
    """
    Bytes, and whatever can be unpacked from any place in them, with a note on where it stood; the bytes themselves have an empty note.
    """
    yield "", data
    if not depth:
        return
    whole = memoryview(data)
    for mark, name, unpack in _MARKS:
        at = data.find(mark)
        while at >= 0:
            part = b""
            with contextlib.suppress(Exception):  # most marks are chance; what does not unpack holds nothing
                part = unpack(whole[at:])
            if part:
                for note, inner in contents(part, depth - 1):
                    yield f" ({name} at {at}){note}", inner
            at = data.find(mark, at + 1)
    for run in _BASE64_RUN.finditer(data):
        with contextlib.suppress(binascii.Error):
            text = run[0].replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
            part = base64.b64decode(text[: len(text) // 4 * 4])
            if any(mark in part[:8] for mark, _, _ in _MARKS):  # plain base64 is a form; packed base64 must be taken apart
                for note, inner in contents(part, depth - 1):
                    yield f" (base64 at {run.start()}){note}", inner


def rows_of(file: Path) -> Iterator[tuple[str, bytes]]:
    """
    Every row of a DuckDB or Parquet file as text: on disk they may be compressed in ways only DuckDB reads. A copy is read, for the file
    itself may be in use; what its write-ahead log holds is read with it.

    Raises:
        duckdb.Error: It could not be opened; of a file in the middle of being written.
    """
    if file.suffix == ".parquet":
        with duckdb.connect(":memory:") as reader:
            yield from _texts("parquet", reader.execute("select * from read_parquet(?)", [str(file)]))
    elif file.suffix in _DATABASES:
        with tempfile.TemporaryDirectory(prefix="excise-prove-copy-") as scratch:
            copy = Path(shutil.copy(file, Path(scratch) / "copy.duckdb"))
            log = file.with_name(file.name + ".wal")
            if log.exists():
                shutil.copy(log, copy.with_name(copy.name + ".wal"))
            with duckdb.connect(str(copy)) as reader:
                tables = reader.execute("select schema_name, table_name from duckdb_tables()").fetchall()
                for schema, table in tables:
                    yield from _texts(f"{schema}.{table}", reader.execute(f'select * from "{schema}"."{table}"'))  # noqa: S608  # its own names


def _texts(table: str, result: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, bytes]]:
    while rows := result.fetchmany(1000):
        for row in rows:
            yield table, b"\0".join(value if isinstance(value, bytes) else str(value).encode() for value in row if value is not None)


def found_in(folder: Path, secrets: Iterable[str]) -> list[str]:
    """
    Every place under `folder` where a form of a secret stands; file names and rows of databases included.
    """
    return [str(finding) for finding in Search(Canary(f"{secret[:6]}…", "text", secret) for secret in secrets).folder(folder).findings]


def _zstd(part: Any) -> bytes:
    make: Any = zstandard.ZstdDecompressor  # its stubs leave arguments out
    unpacked: bytes = make().decompressobj().decompress(part)
    return unpacked


def blind_spots() -> tuple[int, list[str]]:
    """
    Try the search on files made for it: each form in a file, packed in every way, in a name, in a row.

    Returns:
        How many hiding places were tried; and those where nothing was found.
    """
    canary = content("a file made to be found")
    hidden = {f"{name}, plain": b"\0before" + form + b"after" for name, form in forms(canary.value).items()}
    packed = (("gzip", gzip.compress), ("zlib", zlib.compress), ("bz2", bz2.compress), ("xz", lzma.compress), ("zstd", _packed_zstd))
    for name, form in forms(canary.value).items():
        hidden |= {f"{name}, in {way}": b"\0before" + pack(b"x" * 50 + form) + b"after" for way, pack in packed}
    raw = canary.value.encode()
    hidden["gzip in gzip"] = gzip.compress(gzip.compress(b"x" * 50 + raw))
    hidden["gzip in base64"] = base64.b64encode(gzip.compress(b"x" * 50 + raw))
    missed = []
    search = Search([canary])
    for name, data in hidden.items():
        done = Searched()
        search.of(data, name, done)
        missed += [] if done.findings else [name]
    with tempfile.TemporaryDirectory(prefix="excise-prove-control-") as scratch:
        folder = Path(scratch)
        (folder / f"{canary.value}.txt").touch()
        with duckdb.connect(str(folder / "rows.duckdb")) as made:
            made.execute("create table kept as select ? as a from range(5000)", [canary.value])
            made.execute(f"copy kept to '{folder / 'rows.parquet'}'")
        said = " ".join(str(finding) for finding in search.folder(folder).findings)
        wanted = ("(its name)", "rows.duckdb (rows of", "rows.parquet (rows of")
        missed += [place for place in wanted if place not in said]
    return len(hidden) + len(wanted), missed


def _packed_zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)
