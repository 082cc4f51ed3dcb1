"""
Scanners at work: the fast gate takes over when it is compiled, is kept, and is made anew when what was kept is of no use.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from excise import scanning
from excise.privacy.detect import hyperscan_gate
from excise.privacy.detect.detector import Detector
from excise.privacy.detect.gate import AhoCorasickGate
from excise.privacy.detect.scanner import Scanner
from excise.privacy.entities import ENTITIES
from excise.privacy.placeholder import Placeholders
from excise.scanning import placeholder_key, scanner_maker

PLACEHOLDERS = Placeholders(b"k" * 32)
RULES = [Detector("key", "API_KEY", r"key-\d{6}", ("key-",)), Detector("digits", "CARD", r"(?<!\d)\d{16}(?!\d)")]
TEXT = "key-123456 and 4111111111111111"

needs_hyperscan = pytest.mark.skipif(not hyperscan_gate.available, reason="the extra `hyperscan` is not installed")


def settled(scanner: Scanner) -> Scanner:
    deadline = time.monotonic() + 30
    while isinstance(scanner._gate, scanning._LateGate) and isinstance(scanner._gate._gate, AhoCorasickGate):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return scanner


@needs_hyperscan
def test_the_fast_gate_takes_over_and_is_kept(tmp_path: Path) -> None:
    """
    The first scanner works at once; the next one starts with what the first has made.
    """
    make = scanner_maker(PLACEHOLDERS, cache=tmp_path / "scanners")
    first = make(RULES)
    found = first.scan(TEXT)
    assert settled(first).scan(TEXT) == found
    deadline = time.monotonic() + 5
    while not list(tmp_path.glob("scanners/*.hsdb")):
        assert time.monotonic() < deadline
        time.sleep(0.01)

    second = make(RULES)

    assert isinstance(second._gate, hyperscan_gate.HyperscanGate)
    assert second.scan(TEXT) == found
    assert not [path for path in (tmp_path / "scanners").iterdir() if path.name.startswith(".")]


@needs_hyperscan
@pytest.mark.parametrize(
    "damage", [lambda kept: kept[:-9], lambda kept: b"", lambda kept: kept[:20] + b"\xff" + kept[21:], lambda kept: b"x" * 99]
)
def test_what_was_kept_and_is_damaged_is_made_anew(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    """
    Cut, emptied, flipped, foreign: the scanner finds the same.
    """
    make = scanner_maker(PLACEHOLDERS, cache=tmp_path)
    settled(make(RULES))
    deadline = time.monotonic() + 5
    while not (kept := list(tmp_path.glob("*.hsdb"))):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    kept[0].write_bytes(damage(kept[0].read_bytes()))

    assert [one.entity for one in settled(make(RULES)).scan(TEXT)] == ["API_KEY", "CARD"]


def test_a_cache_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    """
    A file where the folder should be.
    """
    (tmp_path / "scanners").write_text("")

    assert len(settled(scanner_maker(PLACEHOLDERS, cache=tmp_path / "scanners")(RULES)).scan(TEXT)) == 2


def test_our_own_placeholders_are_never_findings() -> None:
    """
    Alone, with a sign behind, two of them; but not with something else beside.
    """
    rule = Detector("word", "PASSWORD", r"(?<=password=)\S+", ("password=",), reach=(0, 60))
    scan = scanner_maker(PLACEHOLDERS, cache=None, fast=False)([rule]).scan
    made = PLACEHOLDERS.make("scope", ENTITIES["PASSWORD"], "hunter2")

    assert not scan(f"password={made}")
    assert not scan(f"password={made};")
    assert not scan(f"password={made}{made}")
    assert scan(f"password={made}hunter2")
    assert scan(f"password={made[:-1]}X")


def test_the_key_of_placeholders_is_made_once(tmp_path: Path) -> None:
    """
    And only its owner may read it.
    """
    key = placeholder_key(tmp_path / "state")

    assert placeholder_key(tmp_path / "state") == key
    assert (tmp_path / "state" / scanning.KEY_FILE).stat().st_mode & 0o077 == 0
