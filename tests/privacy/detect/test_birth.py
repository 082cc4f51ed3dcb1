"""
Dates that can be a birthday.
"""

from __future__ import annotations

import pytest

from excise.privacy.detect.birth import RULES
from excise.privacy.detect.scanner import Scanner

SCANNER = Scanner(RULES)


@pytest.mark.parametrize(
    "date",
    [
        "1980-02-29",
        "29.02.1980",
        "02/29/1980",
        "29/2/80",
        "29 Feb 1980",
        "February 29, 1980",
        "29. Februar 1980",
        "29 de febrero de 1980",
        "1980/2/29",
        "19800229",
        "29-Feb-80",
    ],
)
@pytest.mark.parametrize(
    "label",
    ["DOB: {}", "born on {} in Rome", "birth_date\x02{}\x03", "Geburtsdatum {}", "date of birth (as given): {}", "x,dob,y\n1,{},2\n"],
)
def test_a_date_beside_its_word_is_found(date, label):
    """
    In whatever order and language it is written.
    """
    value = date if "," not in date or "dob," not in label else f'"{date}"'
    text = label.format(value)

    assert [text[one.start : one.end] for one in SCANNER.scan(text)] == [date]


@pytest.mark.parametrize("text", ["updated 1980-02-29", "DOB: 1980-13-29", "born on 31/11/1980", "DOB 1780-02-29", "date of birth: none"])
def test_other_dates_are_left(text):
    """
    Without the word, or impossible.
    """
    assert not SCANNER.scan(text)
