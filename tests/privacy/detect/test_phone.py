"""
Numbers of the world, as people write them.
"""

from __future__ import annotations

import phonenumbers
import pytest

from excise.privacy.detect.numbering import area, international, national
from excise.privacy.detect.phone import RULES
from excise.privacy.detect.scanner import Scanner

SCANNER = Scanner(RULES)
MOBILE = phonenumbers.PhoneNumberType.MOBILE
EXAMPLES = [number for region in sorted(phonenumbers.SUPPORTED_REGIONS) if (number := phonenumbers.example_number_for_type(region, MOBILE))]


def test_every_regions_numbers_are_found_without_a_word():
    """
    In both international forms.
    """
    for number in EXAMPLES:
        for form in (phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.INTERNATIONAL):
            value = phonenumbers.format_number(number, form)
            text = f"so {value}, as I said"

            assert [text[one.start : one.end] for one in SCANNER.scan(text)] == [value]


def test_the_plans_agree_with_the_library():
    """
    What its parser calls valid is valid here.
    """
    assert all(international(f"{number.country_code}{phonenumbers.national_significant_number(number)}") for number in EXAMPLES)
    assert international("11155550132") is False  # as long as a number, but nobody's
    assert international("999123456789") is None


@pytest.mark.parametrize(("digits", "valid"), [("02079460958", True), ("0171123456", True), ("0142685300", True), ("1111111111111", False)])
def test_national_numbers_are_tried_in_the_plans_of_many_countries(digits, valid):
    """
    With what is dialled in front of them.
    """
    assert national(digits) is valid


def test_area_codes_are_those_given_out():
    """
    In North America.
    """
    assert area("415") and area("204")
    assert not area("123") and not area("911")


def test_an_extension_belongs_to_its_number():
    """
    It leads to one desk.
    """
    text = "call 415-555-0132 ext. 7 now"

    assert [text[one.start : one.end] for one in SCANNER.scan(text)] == ["415-555-0132 ext. 7"]


def test_a_column_of_numbers_is_found_by_its_header():
    """
    However they are written.
    """
    text = "id;name;mobile\n1;Ann;5550132\n2;Bob;0171/1234567\n"

    assert [text[one.start : one.end] for one in SCANNER.scan(text)] == ["5550132", "0171/1234567"]


@pytest.mark.parametrize(
    "text", ["a*2 + 2025529095", "x[13] + 4155550132*y", '"phonenumber": {:hex, :phonenumber, "1.3.15"}', "cell (>= 6.24.7)"]
)
def test_sums_and_versions_are_no_numbers(text):
    """
    A plus between operands; three short numbers with dots, beside a package that is called like a telephone.
    """
    assert not SCANNER.scan(text)
