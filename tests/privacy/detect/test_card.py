"""
Cards: schemes, groups, and numbers that are something else.
"""

from __future__ import annotations

import random

import pytest

from excise.privacy.detect.card import RULES, is_card
from excise.privacy.detect.digits import luhn
from excise.privacy.detect.scanner import Scanner

SCANNER = Scanner(RULES)
# Test numbers that processors publish.
NUMBERS = (
    "4111111111111111",
    "4222222222222",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "6011111111111117",
    "30569309025904",
    "3530111333300000",
    "6200000000000005",
    "6759649826438453",
    "2200000000000053",
)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("sign", ["", " ", "-", ".", "\u00a0", "\u202f"])
@pytest.mark.parametrize("around", ["{}", "no {} here", "n\x02{}\x03", '{{"n":"{}"}}', "12/27,{},123", "{}."])
def test_published_test_numbers_count(number, sign, around):
    """
    Alone and in groups.
    """
    cuts = (4, 10) if len(number) in (14, 15) else (4, 8, 12)
    value = sign.join(number[start:end] for start, end in zip((0, *cuts), (*cuts, None), strict=True))
    text = around.format(value)

    assert [text[one.start : one.end] for one in SCANNER.scan(text)] == [value]


def test_length_and_scheme_go_together():
    """
    A right check digit alone is no card.
    """
    assert luhn("79927398713") and not is_card("79927398713")
    assert luhn("1000000000000008") and not is_card("1000000000000008")
    assert is_card("4111111111111111") and not is_card("4111111111111112")


@pytest.mark.parametrize("text", ["9{}", "{}9", "x{}", "{}x", "0.{}", "+{}", "1-{}", "{}.5", "abcd-{}"])
def test_part_of_something_longer_is_no_card(text):
    """
    Numbers, words, decimals, telephone numbers.
    """
    assert not SCANNER.scan(text.format("4111111111111111"))


def _found(text: str) -> list[str]:
    return [text[one.start : one.end] for one in SCANNER.scan(text)]


def test_a_column_of_identifiers_is_no_column_of_cards():
    """
    One random number in ten has a right check digit; most numbers beside it have not. A column of cards stays one.
    """
    rng = random.Random(7)
    identifiers = [str(rng.randrange(4 * 10**15, 5 * 10**15)) for _ in range(2_000)]
    right = sum(map(is_card, identifiers))

    assert right > 150
    assert len(_found("\n".join(identifiers))) < 0.2 * right
    assert not _found("".join(f"id\x02{one}\x03" for one in identifiers))
    assert _found("\n".join(NUMBERS)) == list(NUMBERS)


@pytest.mark.parametrize(
    "around",
    ["{}", "card {} and order 4000000000000000", "number,order\n{},4000000000000001\n", "my order is 4000000000000000, my card {}"],
)
def test_a_few_other_numbers_hide_no_card(around):
    """
    Two orders as long beside it are no table.
    """
    assert _found(around.format(NUMBERS[0])) == [NUMBERS[0]]


@pytest.mark.parametrize(
    "text",
    ["id={}", "tweet_id\x02{}\x03", '"userId": "{}"', "ean: {}", "timestamp={}", "tagValues/{}", "created_ns={}", "seed={}",
     "[.{}][.4300.0020]"],
)  # fmt: skip
def test_a_name_of_something_else_denies_a_card(text):
    """
    Identifiers, clocks, goods; but those of payments may be cards.
    """
    assert not _found(text.format("4111.1111.1111.1111" if "[." in text else "4111111111111111"))
    assert _found("payment id: 4111111111111111") and _found("card_id=4111111111111111")
