"""
The search is no blind man.
"""

from __future__ import annotations

import base64
import gzip
from pathlib import Path

import duckdb
import pytest

from excise.prove import search as module
from excise.prove.canaries import Canary, content, forms
from excise.prove.search import Search, Searched, blind_spots, contents, found_in

SECRET = content("a test")


def test_every_hiding_place_is_seen() -> None:
    """
    Each form, packed in every way, in a name, in rows.
    """
    tried, missed = blind_spots()

    assert tried > 200
    assert missed == []


@pytest.mark.parametrize("blinded", ["contents", "rows_of", "forms"])
def test_a_search_that_cannot_see_says_so(blinded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Were a part of it broken, the control files would tell.
    """
    whole = forms
    broken = {
        "contents": lambda data, depth=0: iter([("", data)]),
        "rows_of": lambda file: iter(()),
        "forms": lambda secret: {name: form if "utf-16" not in name else b"x" * 99 for name, form in whole(secret).items()},
    }
    real = module.Search.__init__

    def blind(self: Search, canaries: list[Canary]) -> None:
        monkeypatch.setattr(module, blinded, broken[blinded])
        real(self, canaries)

    if blinded == "forms":  # only the search goes blind; the control files are made with the whole list
        monkeypatch.setattr(module.Search, "__init__", blind)
        made = dict(whole(SECRET.value))
        search = Search([SECRET])
        done = Searched()
        search.of(made["utf-16-le"], "", done)
        assert done.findings == []
    else:
        monkeypatch.setattr(module, blinded, broken[blinded])
        assert blind_spots()[1]


def test_a_finding_says_where_and_what_but_not_the_value(tmp_path: Path) -> None:
    """
    One line an auditor can follow.
    """
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "a.ndjson").write_bytes(b"x" * 9 + gzip.compress(b"y" * 9 + SECRET.value.encode()))
    (finding,) = Search([SECRET]).folder(tmp_path).findings

    assert str(finding) == "journal/a.ndjson (gzip at 9): content planted in a test, as raw"
    assert SECRET.value not in repr(finding)


def test_rows_are_read_while_the_file_is_in_use(tmp_path: Path) -> None:
    """
    What stands in the write-ahead log alone is found too, and the file is left as it is.
    """
    file = tmp_path / "hot.duckdb"
    with duckdb.connect(str(file)) as writer:
        writer.execute("create table kept (a varchar)")
        writer.execute("checkpoint")
        before = file.read_bytes()
        writer.execute("insert into kept select ? from range(3)", [SECRET.value])
        done = Search([SECRET]).folder(tmp_path)

        assert file.read_bytes() == before
    assert [finding for finding in done.findings if "hot.duckdb (rows of" in finding.where]
    assert done.rows == 3


def test_a_broken_database_is_named_and_its_bytes_are_searched(tmp_path: Path) -> None:
    """
    What DuckDB cannot open is not passed over in silence.
    """
    (tmp_path / "half.duckdb").write_bytes(b"\0" * 99 + SECRET.value.encode())
    done = Search([SECRET]).folder(tmp_path)

    assert done.unopened == ["half.duckdb"]
    assert len(done.findings) == 1


def test_space_held_ready_is_passed_over_quickly() -> None:
    """
    Zeros hold nothing, and count as read.
    """
    done = Searched()
    Search([SECRET]).of(bytes(1 << 20), "", done)

    assert (done.bytes_read, done.findings) == (1 << 20, [])


def test_packed_in_packed_in_text_is_taken_apart() -> None:
    """
    As far as three layers; chance marks lead nowhere.
    """
    raw = SECRET.value.encode()
    three = gzip.compress(b"a" + gzip.compress(b"b " + base64.b64encode(gzip.compress(raw))))

    assert any(raw in text for _, text in contents(three))
    assert [note for note, _ in contents(b"BZh\x1f\x8b\x08\x78\x9c" * 50)] == [""]


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    """
    No form is so short that ordinary bytes hold it.
    """
    (tmp_path / "noise").write_bytes(base64.b64encode(bytes(range(256)) * 4000))

    assert found_in(tmp_path, [SECRET.value]) == []
