"""
Patterns: against an oracle, and against time.
"""

from __future__ import annotations

import time
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.policy.glob import MAX_PATTERN, any_of, check_pattern, covers, matcher

PATTERN = st.text(alphabet="ab*", min_size=1, max_size=8)
TEXT = st.text(alphabet="ab", max_size=10)


@given(PATTERN, TEXT)
def test_a_pattern_matches_what_fnmatch_matches(pattern, text):
    """
    With `*` alone, our patterns are shell patterns.
    """
    assert matcher(pattern)(text) == fnmatchcase(text, pattern)


@given(st.lists(PATTERN, min_size=1, max_size=4), TEXT)
def test_a_list_matches_what_one_of_it_matches(patterns, text):
    """
    However the patterns are sorted for speed.
    """
    assert any_of(patterns)(text) == any(fnmatchcase(text, pattern) for pattern in patterns)


@given(PATTERN, PATTERN, st.lists(TEXT, max_size=20))
def test_covered_means_matched(wide, narrow, texts):
    """
    Where `wide` covers `narrow`, there is no text that narrow matches and wide does not; where not, narrow with fresh letters shows it.
    """
    if covers(wide, narrow):
        assert all(matcher(wide)(text) for text in texts if matcher(narrow)(text))
    else:
        witness = narrow.replace("*", "z")
        assert matcher(narrow)(witness)
        assert not matcher(wide)(witness)


@pytest.mark.parametrize("patterns", [["a"], ["*"], ["a*", "b"], ["*", "a*"]])
def test_nothing_said_matches_nothing(patterns):
    """
    `None` is not the empty text, and `*` does not mean "whatever".
    """
    assert any_of(patterns)(None) is False


@pytest.mark.parametrize("pattern", ["", "x" * (MAX_PATTERN + 1), "a?", "[ab]", "a{1,2}", "^a", "a$", "a|b", "a\\b", "a\x00"])
def test_other_pattern_languages_are_refused(pattern):
    """
    They would be taken as plain text and silently never match.
    """
    with pytest.raises(ValueError, match=r"pattern|wildcard"):
        check_pattern(pattern)


def test_no_pattern_makes_matching_explode():
    """
    What takes a backtracking matcher longer than the universe lasts takes us no time.
    """
    match = matcher("*a" * (MAX_PATTERN // 2) + "b")
    started = time.perf_counter()

    assert not match("a" * 2048)
    assert time.perf_counter() - started < 0.5
