"""
Numbers of the United States.
"""

from __future__ import annotations

import pytest

from excise.privacy.detect.national_ids import RULES as NATIONAL
from excise.privacy.detect.scanner import Scanner
from excise.privacy.detect.us_ids import RULES

SCANNER = Scanner((*RULES, *NATIONAL))


def found(text: str) -> list[tuple[str, str]]:
    return [(text[one.start : one.end], one.entity) for one in SCANNER.scan(text)]


@pytest.mark.parametrize(
    "text",
    [
        "536-22-8174", "call 536-22-8174.", "536 22 8174", "536.22.8174", "x,536-22-8174,5", "1,536-22-8174,1990-01-02", "(536-22-8174)",
        '"536-22-8174"',
        "SSN 536228174", "ssn:536228174", "SSN#536-22-8174", "my social security number is 536228174", "536228174 is my SSN",
        "ssn\x02536228174\x03",
        '{"ssn": 536228174}', "name,ssn\nAnn,536228174\nBob,x\n", "SSN: 536 - 22 - 8174", "userSSN=536228174",
        "Social Security No. 536-22-8174",
        "customer_ssn: 536228174", "número de seguro social 536228174",
    ],
)  # fmt: skip
def test_a_social_security_number_is_found(text):
    """
    With dashes, blanks or dots anywhere; as nine digits beside its name.
    """
    ((number, entity),) = found(text)

    assert "".join(filter(str.isdecimal, number)) == "536228174"
    assert entity == "US_SSN"


@pytest.mark.parametrize(
    "text",
    [
        "536228174", "000-22-8174", "666-22-8174", "536-00-8174", "536-22-0000", "ssn 000228174", "ssn 536-22-0000", "1536-22-8174",
        "536-22-81745", "536-22-8174-1",
        "536-228174", "5 536 22 8174 1", "10.536.22.8174", "/536-22-8174", "2024-536-22-8174", "536.22.8174.1",
    ],
)  # fmt: skip
def test_what_is_none_is_left(text):
    """
    Numbers never given out, bare digits, pieces of longer numbers.
    """
    assert not found(text)


@pytest.mark.parametrize(
    ("text", "number", "entity"),
    [
        ("SSN 987-65-4321", "987-65-4321", "US_SSN"),
        ("ITIN: 912724651", "912724651", "TAX_ID"),
        ("912-72-4651", "912-72-4651", "TAX_ID"),
        ("ATIN 908-93-2146", "908-93-2146", "TAX_ID"),
        ("ein\x0246-3172809\x03", "46-3172809", "TAX_ID"),
        ("our EIN is 463172809", "463172809", "TAX_ID"),
        ("Employer Identification Number: 07-1144442", "07-1144442", "TAX_ID"),
        ("PTIN P03482917", "P03482917", "TAX_ID"),
        ("NPI 1234567893", "1234567893", "MEDICAL_ID"),
        ("Medicare number 1EG4-TE5-MK73", "1EG4-TE5-MK73", "MEDICAL_ID"),
        ("Medicare number 1EG4 TE5 MK73", "1EG4 TE5 MK73", "MEDICAL_ID"),
        ("beneficiary id 1eg4te5mk73", "1eg4te5mk73", "MEDICAL_ID"),
        ("name,dea\nAnn,AB1234563\n", "AB1234563", "MEDICAL_ID"),
        ("DEA number AB1234563", "AB1234563", "MEDICAL_ID"),
    ],
)
def test_the_others_need_their_names(text, number, entity):
    """
    Taxes and health; an advertisement's number beside the name of the real thing.
    """
    assert found(text) == [(number, entity)]


@pytest.mark.parametrize("text", ["46-3172809", "ein Haus 463172809123", "P03482917", "1234567893", "NPI 1234567890"])
def test_without_them_they_are_left(text):
    """
    Digits are digits.
    """
    assert not found(text)
