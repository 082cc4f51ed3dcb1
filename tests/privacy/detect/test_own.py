"""
Operators' own detectors: expressions RE2 runs, dictionaries of which only digests are kept.
"""

from __future__ import annotations

import pickle
import time

import pytest

from excise.privacy.detect.detector import ELEMENT_END, KEY_END
from excise.privacy.detect.own import OwnDictionary, OwnPattern, values_of
from excise.privacy.detect.scanner import Scanner

KEY = b"k" * 32


def found(rule: OwnPattern | OwnDictionary, text: str) -> list[str]:
    return [text[one.start : one.end] for one in Scanner([rule]).scan(text)]


def dictionary(*values: str, fold: bool = False, min_length: int = 6) -> OwnDictionary:
    return OwnDictionary("own", "OWN_SECRET", values, key=KEY, fold=fold, min_length=min_length)


def test_the_first_group_is_taken_out() -> None:
    """
    And the whole match where there is none; places are characters, whatever the text.
    """
    assert found(OwnPattern("badge", "CUSTOM", r"badge (B-\d{6})"), "Zürich: badge B-123456 🐦") == ["B-123456"]
    assert found(OwnPattern("badge", "CUSTOM", r"B-\d{6}"), "🐦 B-123456") == ["B-123456"]


def test_no_expression_runs_over_the_end_of_an_element() -> None:
    """
    Greedy as it may be: what is found stands in one string.
    """
    rule = OwnPattern("all", "CUSTOM", r"a[^z]*b")

    assert found(rule, f"ü a1{ELEMENT_END}2b aqb{KEY_END}x") == ["aqb"]


def test_an_expression_re2_cannot_run_is_refused() -> None:
    """
    Nothing that could take more than linear time.
    """
    with pytest.raises(ValueError, match="RE2"):
        OwnPattern("back", "CUSTOM", r"(a)\1")
    rule = OwnPattern("slow-elsewhere", "CUSTOM", r"(a+)+$")
    began = time.process_time()
    list(rule.find("a" * 100_000 + "!", ()))
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("value", "text", "hit"),
    [
        ("hunter2-geheim", "PASS=hunter2-geheim;", True),
        ("hunter2-geheim", "xhunter2-geheim", False),
        ("hunter2-geheim", "hunter2-geheimnis", False),
        ("$ecret/9!", "curl -u me:$ecret/9!@host", True),
        ("Jürgen Groß", "an Jürgen Groß, Kiel", True),
        ("two\nlines-here", "x two\nlines-here y", True),
        ("hunter2-geheim", "HUNTER2-GEHEIM", False),
    ],
)
def test_a_value_is_found_exactly_where_it_stands_alone(value: str, text: str, hit: bool) -> None:
    """
    Not inside a longer word, and with every sign of it.
    """
    assert found(dictionary(value), text) == ([value] if hit else [])


def test_names_are_found_in_any_case() -> None:
    """
    `fold`: case does not count, and places stay right where letters grow when folded.
    """
    assert found(dictionary("Ada Lovelace", fold=True), "İß ADA LOVELACE wrote") == ["ADA LOVELACE"]


def test_the_longest_value_wins_and_short_ones_are_left_out() -> None:
    """
    What is too short would be found in everything.
    """
    rule = dictionary("alpha-beta", "alpha-beta-gamma", "ab")

    assert rule.size == 2
    assert found(rule, "say alpha-beta-gamma or alpha-beta, ab") == ["alpha-beta-gamma", "alpha-beta"]


def test_no_value_can_be_read_from_a_dictionary() -> None:
    """
    Neither from its representation nor from anything it holds.
    """
    rule = dictionary("tr0ub4dor-and-3")
    held = repr(vars(rule)) + repr(pickle.dumps({name: value for name, value in vars(rule).items() if name != "_key"}))

    assert "tr0ub4dor" not in held


def test_files_of_values() -> None:
    """
    Lines, environment files and JSON.
    """
    assert values_of("lines", "# ours\nalpha beta\n\n gamma \n") == ["alpha beta", "gamma"]
    assert values_of("env", "export A='x y'\nB=\"z\"\n# C=no\nD=a=b\nE=\n") == ["x y", "z", "a=b"]
    assert values_of("json", '{"a": ["x", {"b": "y"}], "n": 7}') == ["x", "y"]
    with pytest.raises(ValueError, match="not JSON"):
        values_of("json", "{")
