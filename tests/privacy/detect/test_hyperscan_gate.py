"""
The gates, and that it does not matter which one is in use.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.redaction_texts import texts
from excise.privacy.detect.catalogue import rules_of
from excise.privacy.detect.detector import Detector
from excise.privacy.detect.gate import AhoCorasickGate
from excise.privacy.detect.heads import ANY, both, expression, heads, letters
from excise.privacy.detect.hyperscan_gate import HyperscanGate, available, compile_database
from excise.privacy.detect.scanner import Scanner
from privacy.labelled import cases

require_hyperscan = pytest.mark.skipif(not available, reason="hyperscan is not installed")

SHAPED = Detector("shaped", "API_KEY", r"(?<![A-Za-z0-9])abc_(?P<value>[0-9a-f]{4,9})(?![0-9a-f])", ("abc_",))
FOLDED = Detector("folded", "API_KEY", r"(?i:secret|token)[ \x02:=]{1,3}(?P<value>\w{3,9})", ("secret", "token"))
NEAR = Detector("near", "TAX_ID", r"(?<!\d)\d{5}(?!\d)", ("tax", "steuer"), reach=(10, 20))
WIDE = Detector("wide", "API_KEY", r"clé\s?(?P<value>[\w-]{4})", ("cl",))
ORDINARY = ("standard library", "wire requests, made", "wire answers, made", "base64 in lines", "hex dump", "digits as CSV", "identifiers")
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
@pytest.mark.parametrize("strewn", ["", "é", "日本語", "😀é"])
def test_places_count_characters_however_many_bytes_they_have(gate, strewn):
    """
    In plain text, in text with a few such characters, and in text that has no others.
    """
    for text in (f"{'plain ' * 2000}{strewn}token=abcd {'x ' * 2000}token=abcd", f"{strewn} token=abcd " * 500):
        assert gate((FOLDED,)).places(text) == {0: [found.start() for found in re.finditer("token", text)]}


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
def test_threads_may_share_a_gate():
    """
    Texts are scanned in threads; what one of them finds is not disturbed by another.
    """
    gate = HyperscanGate(RULES)
    texts = [f"{'x ' * size}token={'é' * (size % 5)}abcd " * 50 for size in range(40)]
    alone = [gate.places(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(gate.places, texts * 20))

    assert together == alone * 20


@require_hyperscan
def test_threads_may_share_a_scanner():
    """
    Of all rules: places and stretches, in texts with findings and without, each thread in another one at the same time.
    """
    _, fast = _scanners()
    random = Random(7)
    strewn = [case.text for case in random.sample(cases(), 300)]
    texts = ["\x03".join([*random.sample(strewn, 6), "übermäßig lang " * random.randrange(400)]) for _ in range(60)]
    alone = [fast.scan(text) for text in texts]
    with ThreadPoolExecutor(12) as pool:
        together = list(pool.map(fast.scan, texts * 8))

    assert sum(map(len, alone)) > 100
    assert together == alone * 8


SKETCHED = {
    "email": "ann.lee@example.com",
    "vin": "1HGCM82633A004352",
    "coordinates": "48.85837, 2.294481",
    "card": "4012 8888 8888 1881",
    "iban": "DE89 3704 0044 0532 0130 00",
    "phone-international": "+44 20 7946 0958",
    "phone-north-american": "(415) 555-0132",
    "ipv4": "8.8.4.4",
    "ipv6": "2a00:1450:4001:81b::200e",
    "mac": "3c:22:fb:9a:10:07",
    "wallet-base58": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "wallet-ethereum": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "wallet-stellar": "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ",
    "wallet-ton": "EQDtFpEwcFAEcRe5mLVh2N6C0x-_hJEM7W61_JLnSF74p4q2",
}


@require_hyperscan
@pytest.mark.parametrize("name", SKETCHED)
@pytest.mark.parametrize("filler", ["and so on ", "übermäßig ", "日本 ", "\ud83d x "])
def test_a_rule_that_is_shown_a_part_finds_the_same(name, filler):
    """
    At the beginning, in the midst, at the end of a long text, and near the edges of what is shown.
    """
    rule = next(rule for rule in rules_of("strict") if rule.name == name)
    fast, plain = Scanner([rule], gate=HyperscanGate), Scanner([rule])
    for before, behind in ((0, 3000), (3000, 0), (3000, 3000), (40, 3000), (3000, 45), (0, 0), (300, 300)):
        text = filler * (before // len(filler)) + SKETCHED[name] + " " + filler * (behind // len(filler))
        assert len(plain.scan(text)) == 1, (before, behind)
        assert fast.scan(text) == plain.scan(text), (before, behind)


@require_hyperscan
@pytest.mark.parametrize("size", [100, 300, 420])
def test_a_long_domain_is_found_whole(size):
    """
    However much longer than the edges of what is shown.
    """
    rule = next(rule for rule in rules_of("strict") if rule.name == "email")
    domain = ".".join(["x" * 60] * (size // 61)) + ".example.com"
    text = f"{'and so on ' * 300}ann@{domain} {'and so on ' * 300}"

    assert HyperscanGate([rule]).stretches(text) != {}
    assert len(Scanner([rule]).scan(text)) == 1
    assert Scanner([rule], gate=HyperscanGate).scan(text) == Scanner([rule]).scan(text)


@require_hyperscan
def test_expressions_that_cannot_be_read_cost_time_only(monkeypatch):
    """
    What reads them is no documented part of the standard library: without it, keywords are looked for and the same is found.
    """
    monkeypatch.setattr("excise.privacy.detect.heads.parser", None)
    gate = HyperscanGate((SHAPED, NEAR))

    assert heads(SHAPED.pattern) == (((), ANY),)
    assert gate.places("abc_ abc_1234 tax") == AhoCorasickGate((SHAPED, NEAR)).places("abc_ abc_1234 tax")


@require_hyperscan
def test_a_rule_is_shown_nothing_where_there_is_nothing():
    """
    What spares most of the time; and all of a text that is full of what it may want.
    """
    rule = next(rule for rule in rules_of("strict") if rule.name == "card")
    gate = HyperscanGate([rule])

    assert gate.stretches("no number here, " * 1000) == {0: []}
    assert gate.stretches(("4" * 16 + " ") * 2000) == {}


@require_hyperscan
def test_a_database_can_be_kept():
    """
    What was compiled once serves again, for the same rules.
    """
    kept = compile_database(RULES)

    assert isinstance(kept, bytes)
    assert HyperscanGate(RULES, kept).places("a secret=abcd") == HyperscanGate(RULES).places("a secret=abcd") == {1: [2]}


@require_hyperscan
def test_a_database_of_other_rules_is_refused():
    """
    It would say where other rules are to be asked, and theirs would never be.
    """
    kept = compile_database(RULES)
    for others in (RULES[1:], RULES[::-1], RULES[:3]):
        with pytest.raises(ValueError, match="other rules"):
            HyperscanGate(others, kept)


@cache
def _scanners(profile: str | None = "strict") -> tuple[Scanner, Scanner]:
    """
    Of all rules, or of the few above.
    """
    rules = RULES if profile is None else rules_of(profile)
    return Scanner(rules), Scanner(rules, gate=HyperscanGate)


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
    plain, fast = _scanners(None)
    assert fast.scan(text) == plain.scan(text)


@require_hyperscan
def test_the_gate_does_not_change_what_is_found_by_all_rules():
    """
    The same on every labelled text, alone and in one large document of them.
    """
    plain, fast = _scanners()
    texts = [case.text for case in cases()]
    Random(1).shuffle(texts)
    large = "\x03".join(texts[:4000])

    assert len(plain.scan(large)) > 1000
    assert fast.scan(large) == plain.scan(large)
    assert [text for text in texts if fast.scan(text) != plain.scan(text)] == []


@require_hyperscan
@pytest.mark.parametrize(
    "kind", ["standard library", "wire requests, made", "wire answers, made", "base64 in lines", "hex dump", "digits as CSV", "identifiers"]
)
def test_the_gate_does_not_change_what_is_found_in_ordinary_text(kind):
    """
    Nor in text that is full of digits, or of words that are keywords: alone, and with some of what is to be found strewn in.
    """
    plain, fast = _scanners()
    random = Random(kind)
    strewn = [case.text for case in random.sample(cases(), 200)]
    for text in texts(kind, 150_000):
        assert fast.scan(text) == plain.scan(text)
        lines = text.split("\n") if "\n" in text else [text[at : at + 2000] for at in range(0, len(text), 2000)]
        for case in strewn:
            lines.insert(random.randrange(len(lines) + 1), case)
        mixed = "\n".join(lines)
        assert fast.scan(mixed) == plain.scan(mixed)


PATTERNS = (
    r"ab(?:c|de)f{2,3}g", r"(?i:sk)[a-z]{2}",
    r"[^\s\"]{3}x", r"a-?b-?c", r"\d{2}\w", r"(?:x|yz)?[0-9]{1,9}", r"a(?!c)b", r"é+x", r"(?i:é)k",
    r"(?:a{2}){2}b", r".b", r"[k-m\u212a]x", r"(?i:[^k])z", r"a*b", r"(?a:\d)x",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
@given(data=st.data())
def test_every_match_begins_as_one_of_the_heads(pattern, data):
    """
    Heads may say too much, never too little.
    """
    text = data.draw(st.from_regex(pattern, fullmatch=True))
    written = [expression((before, *head)) for head, before in heads(pattern)]
    data = b"\x03" + text.encode("utf-8", "surrogatepass") + b"\x03"

    assert any(re.match(one, data, re.DOTALL) for one in written), json.dumps(text)


LOOKING_AROUND = (
    r"(?<![a-z])lat(?![a-z])", r"(?i:(?<![^\W\d_])te?l(?![a-z\u017f]))", r"(?<=[.é])x(?=y|z)", r"(?i:(?<![sk])a(?![^sk]))", r"(?<=gps)a?b",
    r"(?:(?<!\w)a|b)(?!\d)(?![é-ü])", r"(?<![\x03])a(?![\x03])", r"(?<!.)a.?(?!.)", r"a(?!b{2})(?=[bc])[a-c]",
    r"(?i:a(?!\u212a)(?![\u0100-\u0200])k)",
)  # fmt: skip


@pytest.mark.parametrize("pattern", LOOKING_AROUND)
@given(text=st.text("abBckKsSlLaAtTeExyz.gps0_é\u017f\u212aü\u0101 \n\x03", max_size=12))
def test_what_stands_around_a_match_is_asked_for_too(pattern, text):
    """
    As much of it as is certain, at the edges of a text as well.
    """
    written = [expression((before, *head)) for head, before in heads(pattern)]
    for found in re.finditer(f"(?={pattern})", text):
        data = b"\x03" + text.encode("utf-8", "surrogatepass") + b"\x03"
        place = len(text[: found.start()].encode("utf-8", "surrogatepass"))

        assert any(re.compile(one, re.DOTALL).match(data, place) for one in written), json.dumps(text)


@require_hyperscan
def test_a_place_is_left_out_where_a_word_goes_on():
    """
    Nor do the ends of a text count as what a keyword may hold.
    """
    whole = Detector("whole", "API_KEY", r"(?<![a-z])lat(?![a-z])", ("lat",))
    marked = Detector("marked", "API_KEY", r".lat.", ("\x03lat", "lat\x03"), reach=(9, 9))

    assert HyperscanGate((whole,)).places("lat flat late LAT lat") == {0: [0, 18]}
    assert HyperscanGate((marked,)).places("lat lat") == AhoCorasickGate((marked,)).places("lat lat") == {}


def test_heads_are_as_long_as_an_expression_is_fixed():
    """
    The ways through alternatives and optional characters are written out; where a repeat is open, the head ends.
    """
    lengths = sorted(len(head) for head, _ in heads(r"\b(?:ab|cde)-?[0-9]{4}[a-z]{2,90}x"))

    assert lengths == [8, 9, 9, 10]


def test_a_keyword_that_cannot_begin_the_expression_has_no_head():
    """
    Of several keywords each gets only the ways that begin with it.
    """
    ((way, _),) = heads("ghp_[a-z]{3}")

    assert both(letters("gho_"), way) is None
    assert both(letters("ghp_a"), way) is not None
