"""
What is planted: found by the detectors if it is a value, by none if it is content, and nowhere twice.
"""

from __future__ import annotations

import gzip
import json

import pytest
from stdnum import iban, luhn

from excise.prove.canaries import DISGUISES, KINDS, content, forms, key, prose, values
from excise.prove.carriers import carriers, unreadable
from excise.prove.paths import passages, slow_calls
from excise.prove.search import Search, Searched


def test_numbers_have_their_check_digits() -> None:
    """
    A card or IBAN that is none would prove nothing.
    """
    for _ in range(50):
        made = values("here")
        assert luhn.is_valid(made["card"].value)
        assert iban.is_valid(made["IBAN"].value)


def test_each_place_has_values_of_its_own() -> None:
    """
    So one that is found says where it was planted.
    """
    planted = [canary.value for carrier in (*carriers("k"), *unreadable("k")) for canary in carrier.planted]
    planted += [canary.value for one in (*passages(), *slow_calls("a"), *slow_calls("b")) for canary in one.planted]

    assert len(planted) == len(set(planted))
    assert list(values("here")) == list(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_prose_holds_the_value(kind: str) -> None:
    """
    Every kind has a sentence.
    """
    made = values("here")

    assert made[kind].value in prose(made)


def test_forms_cover_every_disguise() -> None:
    """
    A disguise that is planted can be seen when it gets through.
    """
    secret = values("here")["e-mail"].value
    known = forms(secret).values()

    for name, disguise in DISGUISES.items():
        assert any(form in disguise(secret).encode() for form in known), name


def test_forms_of_short_pieces_are_left_out() -> None:
    """
    Three bytes are found in any file.
    """
    assert min(len(form) for form in forms(content("here").value).values()) >= 6
    assert forms("abc")["hex"] == b"616263"
    assert "raw" not in forms("abc")


def holds(canary, data: bytes) -> bool:
    found = Searched()
    Search([canary]).of(data, "", found)
    return bool(found.findings)


@pytest.mark.parametrize("carrier", [*carriers("standin-k"), *unreadable("standin-k")], ids=lambda carrier: carrier.name)
def test_what_a_carrier_says_is_planted_is_in_its_request(carrier) -> None:
    """
    Else its silence would prove nothing.
    """
    data = carrier.call.data()

    for canary in carrier.planted:
        assert holds(canary, data), canary.kind


@pytest.mark.parametrize("one", [*passages(), *slow_calls("here")], ids=lambda one: one.name)
def test_what_a_passage_says_is_planted_is_in_its_request(one) -> None:
    """
    Likewise; credentials for the proxy travel outside of it.
    """
    data = one.call.data() + (one.call.user or "").encode()

    for canary in one.planted:
        assert holds(canary, data), canary.kind


def test_partial_values_are_seen() -> None:
    """
    Half of a key in a request is a leak.
    """
    secret = values("here")["API key"]

    assert holds(secret, b"x" + secret.value[:20].encode() + b"y")
    assert holds(secret, json.dumps({"a": secret.value[20:]}).encode())
    assert holds(secret, gzip.compress(secret.value[20:].encode() * 9))
    assert not holds(secret, secret.value[:9].encode())


def test_keys_are_ones_the_stand_in_takes() -> None:
    """
    And unlike one another.
    """
    assert key("a").value.startswith("standin-")
    assert key("a").value != key("a").value
