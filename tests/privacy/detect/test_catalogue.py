"""
Every detector proves itself: what it must find, and what it must leave.
"""

from __future__ import annotations

import re
import time

import pytest

from excise.privacy.detect.catalogue import DETECTORS, RULES
from excise.privacy.detect.detector import Detector, Rule
from excise.privacy.detect.scanner import Scanner
from excise.privacy.entities import ENTITIES
from excise.privacy.placeholder import Placeholders

DECLARED = [rule for rule in RULES if isinstance(rule, Detector)]
# Rules of a class of their own may carry samples, too.
HITS = [pytest.param(rule, hit, id=f"{rule.name}-{number}") for rule in RULES for number, hit in enumerate(getattr(rule, "hits", ()))]
MISSES = [pytest.param(rule, miss, id=f"{rule.name}-{number}") for rule in RULES for number, miss in enumerate(getattr(rule, "misses", ()))]

MEGABYTE = 1_000_000
WORST = {
    "digits": "1234567890" * (MEGABYTE // 10),
    "at": "a@" * (MEGABYTE // 2),
    "spaces": " " * MEGABYTE,
    "assignments": "key=" * (MEGABYTE // 4),
    "hex": "deadbeef0123" * (MEGABYTE // 12),
    "colons": "a:b::" * (MEGABYTE // 5),
    "quotes": "\"'`" * (MEGABYTE // 3),
    "letters": "AbCdEfGh" * (MEGABYTE // 8),
    "dots": "1.2.3.4." * (MEGABYTE // 8),
    "tokens": "token secret password " * (MEGABYTE // 22),
}


@pytest.mark.parametrize(("rule", "hit"), HITS)
def test_what_a_detector_must_find_it_finds(rule: Rule, hit: str | tuple[str, str]) -> None:
    """
    Each sample, exactly as far as it goes, through the gate. Rules of a class of their own may find more in it.
    """
    text, value = (hit, hit) if isinstance(hit, str) else hit
    found = [text[one.start : one.end] for one in Scanner([rule]).scan(text)]

    assert found == [value] if isinstance(rule, Detector) else value in found


@pytest.mark.parametrize(("rule", "miss"), MISSES)
def test_what_a_detector_must_leave_it_leaves(rule: Rule, miss: str) -> None:
    """
    Near misses.
    """
    assert not Scanner([rule]).scan(miss)


def test_names_are_unique_and_entities_known() -> None:
    """
    A detector's name stands in the ledger and means one detector.
    """
    names = [rule.name for rule in RULES]

    assert len(set(names)) == len(names)
    assert not [name for name in names if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)]
    assert {entity for rule in RULES for entity in rule.entities} <= set(ENTITIES)
    assert all(keyword == keyword.lower() for rule in RULES for keyword in rule.keywords if keyword.isascii())


def test_findings_carry_names_that_are_listed() -> None:
    """
    Rules that find several kinds list the names they report.
    """
    scanner = Scanner(RULES)
    texts = [hit if isinstance(hit, str) else hit[0] for rule in RULES for hit in getattr(rule, "hits", ())]
    texts += [
        "536-22-8174",
        "536 22 8174",
        "10.1.2.3",
        "fe80::1ff:fe23:4567:890a",
        "RSSMRA85T10A562S",
        "912-72-4651",
        "my cpf 11144477735 cpf",
    ]

    assert {one.detector for text in texts for one in scanner.scan(text)} <= DETECTORS
    assert {"us-ssn-spaced", "us-ssn-dashed", "ipv4-private", "ipv6-private", "seed-phrase"} <= DETECTORS


def test_declared_detectors_carry_samples() -> None:
    """
    One hit at least, and nobody's sample is empty.
    """
    assert not [rule.name for rule in DECLARED if not rule.hits]


def test_a_placeholder_is_never_a_finding() -> None:
    """
    Whatever stands round it: a second pass would replace it again.
    """
    placeholders = Placeholders(b"k" * 32)
    scanner = Scanner(RULES, own=placeholders.is_own)
    for entity in ENTITIES.values():
        made = placeholders.make("scope", entity, "a value nobody has 1")
        for around in (
            "{}",
            "password: {}",
            "api_key={}",
            '"token": "{}"',
            "postgres://u:{}@host/db",
            "ssn\x02{}\x03",
            "Bearer {}",
            "card {}",
        ):
            text = around.format(made)
            assert not [one for one in scanner.scan(text) if made[:8] in text[one.start : one.end]], (entity.name, around)


@pytest.mark.parametrize("kind", WORST)
def test_no_text_takes_long(kind: str) -> None:
    """
    A megabyte of the worst is scanned in linear time. The bound is loose: it is there to catch what is quadratic.
    """
    scanner = Scanner(RULES)
    began = time.process_time()
    scanner.scan(WORST[kind])

    assert time.process_time() - began < 4
