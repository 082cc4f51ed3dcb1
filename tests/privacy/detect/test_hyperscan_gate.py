"""
The gates, and that it does not matter which one is in use.
"""

from __future__ import annotations

import json
import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.privacy.detect.detector import Detector
from excise.privacy.detect.gate import AhoCorasickGate
from excise.privacy.detect.heads import both, expression, heads, letters
from excise.privacy.detect.hyperscan_gate import HyperscanGate, available, compile_database
from excise.privacy.detect.scanner import Scanner
from privacy.labelled import cases
from privacy.labelled.score import rules

require_hyperscan = pytest.mark.skipif(not available, reason="hyperscan is not installed")

SHAPED = Detector("shaped", "API_KEY", r"(?<![A-Za-z0-9])abc_(?P<value>[0-9a-f]{4,9})(?![0-9a-f])", ("abc_",))
FOLDED = Detector("folded", "API_KEY", r"(?i:secret|token)[ \x02:=]{1,3}(?P<value>\w{3,9})", ("secret", "token"))
NEAR = Detector("near", "TAX_ID", r"(?<!\d)\d{5}(?!\d)", ("tax", "steuer"), reach=(10, 20))
WIDE = Detector("wide", "API_KEY", r"clé\s?(?P<value>[\w-]{4})", ("cl",))
RULES = (SHAPED, FOLDED, NEAR, WIDE)
GATES = [AhoCorasickGate, pytest.param(HyperscanGate, marks=require_hyperscan)]


@pytest.mark.parametrize("gate", GATES)
def test_places_are_characters_ascending_and_once(gate):
    """
    Places count code points, also behind characters of several bytes and lone surrogates, in whatever case the keyword is written.
    """
    text = "äß€😀\ud800 TOKEN=abc token=abc Secret=xyz"

    assert gate((FOLDED,)).places(text) == {0: [text.index("TOKEN"), text.index("token"), text.index("Secret")]}


@pytest.mark.parametrize("gate", GATES)
def test_only_ascii_is_folded(gate):
    """
    The Kelvin sign and the long s are no k and no s: folding never moves a place.
    """
    assert gate((FOLDED,)).places("to\u212aen=abc \u017fecret=abc İİ") == {}


@pytest.mark.parametrize("gate", GATES)
def test_no_rules_no_places(gate):
    """
    A gate without keywords lets nothing pass and does not fail.
    """
    assert gate(()).places("token=abc") == {}


@require_hyperscan
def test_it_asks_only_where_the_expression_can_begin():
    """
    What spares the time: a keyword without the shape behind it is no place.
    """
    text = "abc_ abc_xyzw abc_12 abc_1234"

    assert AhoCorasickGate((SHAPED,)).places(text) == {0: [0, 5, 14, 21]}
    assert HyperscanGate((SHAPED,)).places(text) == {0: [21]}


@require_hyperscan
def test_a_database_can_be_kept():
    """
    What was compiled once serves again, for the same rules.
    """
    kept = compile_database(RULES)

    assert isinstance(kept, bytes)
    assert HyperscanGate(RULES, kept).places("a secret=abcd") == HyperscanGate(RULES).places("a secret=abcd") == {1: [2]}


PIECES = (
    "abc_",
    "ABC_",
    "0af9",
    "secret",
    "SeCrEt",
    "token",
    "=",
    ": ",
    "\x02",
    "\x03",
    "tax",
    "12345",
    "clé",
    "é",
    "ſ",
    "\u212a",
    "😀",
    "\ud800",
    "xyz",
    " ",
)


@require_hyperscan
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_the_gate_does_not_change_what_is_found(text):
    """
    Whatever the text, both gates lead to the same findings.
    """
    assert Scanner(RULES, gate=HyperscanGate).scan(text) == Scanner(RULES).scan(text)


@require_hyperscan
def test_the_gate_does_not_change_what_is_found_by_all_rules():
    """
    The same on every labelled text, alone and in one large document of them.
    """
    every = rules("strict")
    plain, fast = Scanner(every), Scanner(every, gate=HyperscanGate)
    texts = [case.text for case in cases()]
    Random(1).shuffle(texts)
    large = "\x03".join(texts[:4000])

    assert len(plain.scan(large)) > 1000
    assert fast.scan(large) == plain.scan(large)
    assert [text for text in texts if fast.scan(text) != plain.scan(text)] == []


PATTERNS = (
    r"ab(?:c|de)f{2,3}g", r"(?i:sk)[a-z]{2}", r"[^\s\"]{3}x", r"a-?b-?c", r"\d{2}\w", r"(?:x|yz)?[0-9]{1,9}", r"a(?!c)b", r"é+x", r"(?i:é)k",
    r"(?:a{2}){2}b", r".b", r"[k-m\u212a]x", r"(?i:[^k])z", r"a*b", r"(?a:\d)x",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
@given(data=st.data())
def test_every_match_begins_as_one_of_the_heads(pattern, data):
    """
    Heads may say too much, never too little.
    """
    text = data.draw(st.from_regex(pattern, fullmatch=True))
    written = [expression(head) for head in heads(pattern)]

    assert any(re.match(one, text.encode("utf-8", "surrogatepass"), re.DOTALL) for one in written), json.dumps(text)


def test_heads_are_as_long_as_an_expression_is_fixed():
    """
    The ways through alternatives and optional characters are written out; where a repeat is open, the head ends.
    """
    lengths = sorted(len(head) for head in heads(r"\b(?:ab|cde)-?[0-9]{4}[a-z]{2,90}x"))

    assert lengths == [8, 9, 9, 10]


def test_a_keyword_that_cannot_begin_the_expression_has_no_head():
    """
    Of several keywords each gets only the ways that begin with it.
    """
    (way,) = heads("ghp_[a-z]{3}")

    assert both(letters("gho_"), way) is None
    assert both(letters("ghp_a"), way) is not None
