"""
The strict loader: what it reads, what it refuses, and that it points at the very place.
"""

from __future__ import annotations

import os
from decimal import Decimal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import excise.policy.yaml as strict
from excise.errors import PolicyError
from excise.policy.yaml import MAX_BYTES, MAX_DEPTH, Place, load_strict, read_bounded

PARSERS = [parser for name in ("CSafeLoader", "SafeLoader") if (parser := getattr(yaml, name, None))]


@pytest.fixture(params=PARSERS, ids=lambda parser: parser.__name__, autouse=True)
def _both_parsers(request, monkeypatch):
    monkeypatch.setattr(strict, "_PARSER", request.param)


def fault(source, **more):
    with pytest.raises(PolicyError) as caught:
        load_strict(source, **more)
    return caught.value.places


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("Off", "Off"),
        ("12:30", "12:30"),
        ("2026-11-22", "2026-11-22"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("true", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("null", None),
        ("~", None),
        ("''", ""),
        ("'true'", "true"),
        ('"12"', "12"),
        ("12", 12),
        ("-0", 0),
        ("0777", 777),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.10", Decimal("1.10")),
        (".5", Decimal("0.5")),
        ("-2.5e-3", Decimal("-0.0025")),
        ("1e3", Decimal(1000)),
        ("1.2.3", "1.2.3"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("-", [None]),
        ("+", "+"),
        (".", "."),
        ("|\n  12", "12"),
    ],
)
def test_scalars_are_read_by_the_rules_of_yaml_1_2(text, value):
    """
    Only `true`, `false`, `null` and numbers are not text, and no number is a float.
    """
    read = load_strict(text).value

    assert read == value
    assert type(read) is type(value)


def test_keys_are_text_as_written():
    """
    `no:` and `1:` are the keys "no" and "1".
    """
    assert load_strict("{no: a, 1: b, 'x y': c, null: d}").value == {"no": "a", "1": "b", "x y": "c", "null": "d"}


def test_every_key_and_value_has_its_place():
    """
    Lines and columns are 1-based and count characters, also behind characters of several bytes.
    """
    text = "a:\n  - b: 1\n    ünïcödé: {c: [x, y]}\n  -   d\ne:\n"
    value, places = load_strict(text)

    assert value == {"a": [{"b": 1, "ünïcödé": {"c": ["x", "y"]}}, "d"], "e": None}
    assert places.key(("a",)) == (1, 1)
    assert places.value(("a",)) == (2, 3)
    assert places.key(("a", 0, "b")) == (2, 5)
    assert places.value(("a", 0, "b")) == (2, 8)
    assert places.value(("a", 0, "ünïcödé", "c", 1)) == (3, 22)
    assert places.key(("a", 1)) == (4, 7)
    assert places.value(("e",)) == (5, 3)
    assert places.value(("a", 0, "missing")) == (2, 5), "what is not there: where it should be"
    assert places.key(("a", 1, 5, "x")) == (4, 7)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_a_byte_order_mark_do_not_move_places(ending, bom):
    """
    A file saved on Windows has the same places.
    """
    source = bom + f"a: 1{ending}b:{ending}  c: 2{ending}".encode()
    value, places = load_strict(source)

    assert value == {"a": 1, "b": {"c": 2}}
    assert places.key(("a",)) == (1, 1)
    assert places.key(("b", "c")) == (3, 3)


def test_all_duplicate_keys_are_told():
    """
    Duplicates at any depth are faults at the second key, and name the first.
    """
    places = fault("a: 1\nb: {c: 1, c: 2}\n'a': 3\n")

    assert [(line, column) for _, line, column, _ in places] == [(2, 11), (3, 1)]
    assert "first given in line 1" in places[1][3]


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor():
    """
    271 bytes that would become nine to the ninth nodes.
    """
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)
    )

    assert fault(bomb) == [("<text>", 1, 4, "anchors and aliases (& and *) are not allowed: write the value out")]


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("a: *x", 1, 4, "aliases"),
        ("&k a: 1", 1, 1, "anchors"),
        ("*k : 1", 1, 1, "aliases"),
        ("a: !!python/object/apply:os.system [ls]", 1, 4, "tags"),
        ("a: !!str 1", 1, 4, "tags"),
        ("a: ! b", 1, 4, "tags"),
        ("!!str a: 1", 1, 1, "tags"),
        ("a: 1\n--- \nb: 2\n", 2, 1, "second document"),
        ("%YAML 1.1\n---\na: no\n", 1, 1, "%YAML 1.2"),
        ("? [a]\n: 1", 1, 3, "a key must be"),
        ("a:\tb", 1, 3, "tab"),
        ("a:\n\tb: 1", 2, 1, "tab"),
        ('a: "x\ty"', 1, 6, "tab"),
        ("a: b\x00c", 1, 5, "U+0000"),
        ("a: 1\rb: 2", 1, 5, "U+000D"),
        ("a: x\u2028b: y", 1, 5, "U+2028"),
        ("ab: \u202egnp", 1, 5, "U+202E"),
        ("a: \ufeffb", 1, 4, "U+FEFF"),
        ("a: \ud800", 1, 4, "U+D800"),
        ("a: .inf", 1, 4, "finite"),
        ("a: .NaN", 1, 4, "finite"),
        ("a: " + "9" * 41, 1, 4, "more than 40"),
        ("a: [1, 2\nb: 3", 2, 2, "not YAML"),
        ("a: 'x", 1, 6, "not YAML"),
        ("a: b: c", 1, 5, "not YAML"),
        ("  a: 1\n b: 2", 2, 2, "not YAML"),
        ("@a", 1, 1, "not YAML"),
    ],
)
def test_what_is_refused_and_where(text, line, column, says):
    """
    Everything two readers could understand differently is refused, at its place, by either parser.
    """
    ((file, at_line, at_column, message),) = fault(text)

    assert (file, at_line, at_column) == ("<text>", line, column)
    assert says in message


@pytest.mark.parametrize(
    "source",
    [
        "a: 1".encode("utf-16"),
        "a: 1".encode("utf-16-le"),
        "a: 1".encode("utf-32"),
        "é: 1".encode("latin-1"),
    ],
)
def test_only_utf_8_is_read(source):
    """
    Other encodings are refused in their first line.
    """
    ((_, line, _, text),) = fault(source)

    assert line == 1
    assert "UTF-8" in text or "U+0000" in text


def test_a_bad_byte_has_its_place():
    """
    Columns count characters up to the byte that is none.
    """
    assert fault(b"a: 1\n\xc3\xbc: \xff\n")[0][1:3] == (2, 4)


@pytest.mark.parametrize("unit", ["[", "{a: ", "- ", "a:\n"])
def test_nesting_is_bounded(unit):
    """
    A megabyte of brackets is refused at the limit, without recursion and without reading on.
    """
    text = (
        "".join(" " * depth + "a:\n" for depth in range(MAX_DEPTH + 8)) + " " * (MAX_DEPTH + 8) + "b: 1"
        if unit == "a:\n"
        else unit * 200_000
    )

    ((_, line, _, message),) = fault(text)

    assert "deeper than" in message or "not YAML" in message
    assert line <= MAX_DEPTH + 2


def test_the_deepest_allowed_nesting_is_read():
    """
    The limit itself is allowed, one more is not.
    """
    assert fault("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))[0][1:3] == (1, MAX_DEPTH + 1)
    value = load_strict("[" * MAX_DEPTH + "]" * MAX_DEPTH).value

    for _ in range(MAX_DEPTH - 1):
        (value,) = value
    assert value == []


@pytest.mark.parametrize("kind", [str, bytes, "file"])
def test_more_than_a_mebibyte_is_refused_unread(kind, tmp_path):
    """
    Ten megabytes cost nothing but a look.
    """
    text = "a: 1\n" * 2_000_000
    if kind == "file":
        source = tmp_path / "big.yml"
        source.write_text(text)
    else:
        source = text if kind is str else text.encode()

    assert fault(source)[0][3] == f"larger than {MAX_BYTES} bytes"


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "--- ~\n"])
def test_nothing_is_null(text):
    """
    An empty document is a value, not an error.
    """
    assert load_strict(text).value is None


def test_what_is_no_readable_file_is_said(tmp_path):
    """
    Missing files, directories, and pipes (which would hang a reader) are faults of the file.
    """
    os.mkfifo(tmp_path / "pipe")

    assert "No such file" in fault(tmp_path / "none.yml")[0][3]
    assert fault(tmp_path / "pipe")[0][3] == "not a regular file"
    assert fault(tmp_path)[0][3] in ("not a regular file", "cannot be read: Is a directory")
    assert fault(tmp_path / "none.yml")[0][0] == str(tmp_path / "none.yml")


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    """
    Half of one version and half of another is no version.
    """
    path = tmp_path / "a.yml"
    path.write_text("a: 1")
    real = os.fstat
    calls = []

    def fstat(descriptor):
        status = real(descriptor)
        if not calls:
            os.utime(path, ns=(1, 1))
        calls.append(descriptor)
        return status

    monkeypatch.setattr(strict.os, "fstat", fstat)
    with pytest.raises(PolicyError, match="changed while it was read"):
        read_bounded(path)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text(alphabet="ab:-[]{}&*!|>'\"\n #?,%@~0.", max_size=40)))
def test_any_text_gives_a_value_or_a_place(text):
    """
    Nothing but PolicyError is ever raised, and its places lie inside the text.
    """
    try:
        load_strict(text)
    except PolicyError as error:
        lines = text.split("\n")
        for _, line, column, _ in error.places:
            assert 1 <= line <= len(lines) + 1
            assert column >= 1


def test_places_can_be_wrapped():
    """
    A list that is checked under a key keeps its places.
    """
    assert load_strict("- a\n- b: c\n").places.under("k").value(("k", 1, "b")) == Place(2, 6)
