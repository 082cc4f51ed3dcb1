from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from writing import close, journal

from excise.ids import uuid7
from excise.ledger.lines import FIRST, MAX_LINE_BYTES, Cursor, FileName, host_label, scan


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    writer = journal(tmp_path_factory.mktemp("journal"))
    for number in range(12):
        writer.append("close", close(uuid7(), input_tokens=number))
    path = writer.file
    assert isinstance(path, Path)
    writer.close()
    return path.read_bytes()


def tokens(data: bytes, *, final: bool = True) -> list[int]:
    return [entry.record["input_tokens"] for entry in scan(data, Cursor(), final=final).entries if entry.kind == "close"]


def test_a_sound_file_has_no_faults(whole: bytes) -> None:
    """
    What the journal wrote reads back whole, in order, without a fault.
    """
    found = scan(whole, Cursor())

    assert tokens(whole) == list(range(12))
    assert not found.faults
    assert found.cursor.offset == len(whole)


def test_cut_at_every_byte_of_the_tail(whole: bytes) -> None:
    """
    A file cut anywhere in its last three lines loses only the line that was cut, and says so.
    """
    tail = len(whole) - sum(map(len, whole.splitlines(keepends=True)[-3:]))
    for size in range(tail, len(whole)):
        cut = whole[:size]
        found = scan(cut, Cursor(), final=True)
        complete = cut.count(b"\n") - 1  # without the header
        only_newline_missing = whole[size : size + 1] == b"\n"

        assert tokens(cut) == list(range(complete + only_newline_missing)), size
        torn = not cut.endswith(b"\n") and not only_newline_missing
        assert [fault.kind for fault in found.faults] == (["torn"] if torn else []), size
        assert found.cursor.offset == size


def test_an_unfinished_line_waits(whole: bytes) -> None:
    """
    While the writer lives, half a line is neither read nor reported; the other half completes it.
    """
    cut = len(whole) - 40
    first = scan(whole[:cut], Cursor())
    second = scan(whole[first.cursor.offset :], first.cursor)

    assert not first.faults
    assert not second.faults
    assert len(first.entries) + len(second.entries) == 13


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 700), st.integers(1, 5)), min_size=1, max_size=8))
def test_reading_in_pieces_gives_the_same(whole: bytes, steps: list[tuple[int, int]]) -> None:
    """
    The loader may find any part of the file at any time, and take any number of lines of it.
    """
    cursor, entries, size = Cursor(), [], 0
    for growth, most in cycle(steps):
        size = min(size + growth, len(whole))
        found = scan(whole[cursor.offset : size], cursor, most=most)
        assert not found.faults
        entries += found.entries
        cursor = found.cursor
        if cursor.offset == len(whole):
            break

    assert entries == list(scan(whole, Cursor()).entries)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_one_flipped_byte(whole: bytes, data: st.DataObject) -> None:
    """
    One altered byte costs at most its own line, is always reported unless it is in the last line, and never stops the reader.
    """
    at = data.draw(st.integers(0, len(whole) - 1))
    bad = bytearray(whole)
    bad[at] ^= 1 << data.draw(st.integers(0, 7))
    found = scan(bytes(bad), Cursor(), final=True)
    hit = whole[:at].count(b"\n") - 1  # -1: the header
    readable = [entry.record.get("input_tokens") for entry in found.entries if entry.kind == "close"]

    assert set(range(12)) - {hit} <= set(readable)
    # Nothing follows the last line that could contradict it; the next file's header does, see the loader's tests.
    assert found.faults or hit == 11
    assert len(found.faults) <= 3


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_rubbish_is_reported_not_raised(data: bytes) -> None:
    """
    Bytes that were never a journal cause faults, not exceptions.
    """
    found = scan(data + b"\n", Cursor())

    assert not found.entries
    assert found.cursor.offset == len(data) + 1


@pytest.mark.parametrize("change", ["drop", "repeat", "swap", "insert"])
def test_whole_lines_cannot_be_changed_unseen(whole: bytes, change: str) -> None:
    """
    Removing, doubling, reordering or adding a line breaks the chain.
    """
    parts = whole.splitlines(keepends=True)
    if change == "drop":
        del parts[4]
    elif change == "repeat":
        parts.insert(4, parts[4])
    elif change == "swap":
        parts[4], parts[5] = parts[5], parts[4]
    else:
        parts.insert(4, parts[4].replace(b'"input_tokens":3', b'"input_tokens":9'))

    assert {fault.kind for fault in scan(b"".join(parts), Cursor()).faults} >= {"chain"}


def test_a_line_without_end_is_given_up() -> None:
    """
    A file of one endless line must not be collected in memory.
    """
    found = scan(b"x" * (MAX_LINE_BYTES + 1), Cursor())

    assert [fault.kind for fault in found.faults] == ["oversize"]
    assert found.cursor == Cursor(MAX_LINE_BYTES + 1, 0, None)
    assert Cursor().head == FIRST


@pytest.mark.parametrize("host", ["node-1", "a.b.example.org", "10.0.0.1", "h"])
def test_names_go_round(host: str) -> None:
    """
    A file's name says host, worker and number, whatever dots the host has.
    """
    name = FileName(host_label(host), "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee", 7)

    assert FileName.parse(str(name)) == name


@pytest.mark.parametrize(
    "name", ["x.ndjson", ".h.0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee.000001.ndjson.new", "h.0190.000001.ndjson", "a.ballast"]
)
def test_other_files_are_not_journals(name: str) -> None:
    """
    Unfinished and foreign files in the directory are left alone.
    """
    assert FileName.parse(name) is None


def test_a_host_cannot_leave_the_directory() -> None:
    """
    A host name is data.
    """
    assert "/" not in host_label("../../etc/x")
    assert host_label("…") == "-"
