"""
Accounts of all countries.
"""

from __future__ import annotations

import random
import string

import pytest

from excise.privacy.detect.bank import IBAN_LENGTHS, RULES, aba, clabe, mod97
from excise.privacy.detect.scanner import Scanner

SCANNER = Scanner(RULES)


def iban(country, rng):
    body = "".join(rng.choice(string.digits + string.ascii_uppercase) for _ in range(IBAN_LENGTHS[country] - 4))
    rest = int("".join(str(int(sign, 36)) for sign in body + country + "00")) % 97
    return f"{country}{98 - rest:02}{body}"


@pytest.mark.parametrize("country", sorted(IBAN_LENGTHS))
def test_every_countrys_accounts_are_found_in_every_spelling(country):
    """
    In one run, in groups, in lower case.
    """
    number = iban(country, random.Random(country))
    groups = [number[at : at + 4] for at in range(0, len(number), 4)]
    for value in (number, number.lower(), " ".join(groups), "-".join(groups)):
        text = f"transfer to {value}, please"

        assert [text[one.start : one.end] for one in SCANNER.scan(text)] == [value]


def test_a_wrong_check_sum_counts_only_beside_the_word():
    """
    People mistype, and documents make numbers up.
    """
    wrong = "DE88370400440532013000"

    assert not mod97(wrong) and not SCANNER.scan(f"ref {wrong}")
    assert SCANNER.scan(f"IBAN {wrong}") and SCANNER.scan(f"iban\x02{wrong}\x03")


def test_check_digits():
    """
    Of routing numbers and CLABEs: one digit changed, and they are wrong.
    """
    for check, right in ((aba, "021000021"), (clabe, "032180000118359719")):
        wrong = [right[:at] + str((int(right[at]) + 1) % 10) + right[at + 1 :] for at in range(len(right))]

        assert check(right)
        assert not any(check(number) for number in wrong)
