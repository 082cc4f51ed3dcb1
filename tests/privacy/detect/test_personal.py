"""
Rules that are more than an expression prove themselves as the declared ones do, and all of them together leave ordinary texts alone.
"""

from __future__ import annotations

import random
import uuid

import pytest

from excise.privacy.detect import bank, birth, card, devices, documents, email, medical, network, phone, places, vehicles, wallets
from excise.privacy.detect.detector import Detector
from excise.privacy.detect.scanner import Scanner

FAMILIES = (email, phone, card, bank, network, wallets, birth, documents, medical, vehicles, devices, places)
RULES = [rule for family in FAMILIES for rule in family.RULES if not isinstance(rule, Detector)]
HITS = [pytest.param(rule, hit, id=f"{rule.name}-{number}") for rule in RULES for number, hit in enumerate(rule.hits)]
MISSES = [pytest.param(rule, miss, id=f"{rule.name}-{number}") for rule in RULES for number, miss in enumerate(rule.misses)]
EVERYTHING = Scanner([rule for family in FAMILIES for rule in family.RULES])


@pytest.mark.parametrize(("rule", "hit"), HITS)
def test_what_a_rule_must_find_it_finds(rule, hit):
    """
    Each sample as far as it goes, through the gate.
    """
    text, value = (hit, hit) if isinstance(hit, str) else hit

    assert value in [text[one.start : one.end] for one in Scanner([rule]).scan(text)]


@pytest.mark.parametrize(("rule", "miss"), MISSES)
def test_what_a_rule_must_leave_it_leaves(rule, miss):
    """
    Near misses.
    """
    assert not Scanner([rule]).scan(miss)


def ids(rng):
    return " ".join(str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(5_000))


def hashes(rng):
    return "\n".join(rng.randbytes(size).hex() for size in (16, 20, 32) * 2_000)


def vectors(rng):
    return "[" + ", ".join(repr(rng.gauss(0, 0.05)) for _ in range(20_000)) + "]"


def clocks(rng):
    return "\n".join(
        f'{{"ms": {rng.randrange(15 * 10**11, 19 * 10**11)}, "ns": {rng.randrange(15 * 10**17, 19 * 10**17)}}}' for _ in range(5_000)
    )


def versions(rng):
    return "\n".join(
        f"pkg-{rng.randrange(99)}=={rng.randrange(9)}.{rng.randrange(99)}.{rng.randrange(99)}.{rng.randrange(99)}" for _ in range(3_000)
    )


def fingerprints(rng):
    return "\n".join(rng.randbytes(20).hex(":") for _ in range(2_000))


@pytest.mark.parametrize("made", [ids, hashes, vectors, clocks, versions, fingerprints])
def test_what_machines_write_is_nobodys(made):
    """
    UUIDs, hashes, embeddings, clocks, versions, fingerprints.
    """
    assert EVERYTHING.scan(made(random.Random(3))) == []
