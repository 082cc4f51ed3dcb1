"""
Where an address begins and ends, and what only looks like one.
"""

from __future__ import annotations

import pytest

from excise.privacy.detect.email import RULES, domain_end
from excise.privacy.detect.scanner import Scanner
from excise.privacy.detect.tlds import TLDS

SCANNER = Scanner(RULES)


@pytest.mark.parametrize(
    "around", ["{}", "<{}>", "({})", "mailto:{}?subject=a", "'{}'", "{}.", "{}, x", "a={}&b", "**{}**", "x\x02{}\x03", "中文{}。", "{}\n"]
)
@pytest.mark.parametrize(
    "address", ["ann@example.com", "o'neil+tag@mail.example.co.uk", "ANN_L@sub-1.example.museum", "j@163.com", "иван@почта.рф"]
)
def test_an_address_is_taken_out_of_what_stands_round_it(address, around):
    """
    Neither less nor more than the address, but for letters that touch it without a blank.
    """
    text = around.format(address)
    found = [text[one.start : one.end] for one in SCANNER.scan(text)]

    assert len(found) == 1 and found[0].endswith(address)
    assert found[0] == address or not around.isascii()


@pytest.mark.parametrize(
    ("domain", "kept"),
    [
        ("example.com", "example.com"),
        ("example.com.Thanks", "example.com"),
        ("4.17.21", ""),
        ("2x.png", ""),
        ("EXAMPLE.COM", "EXAMPLE.COM"),
        ("com", ""),
    ],
)
def test_a_domain_ends_with_its_top_level(domain, kept):
    """
    What was glued to it is left off, what has none is no domain.
    """
    assert domain[: domain_end(domain)] == kept


def test_the_list_has_both_spellings():
    """
    An international domain is written in letters or in ASCII.
    """
    assert {"com", "museum", "рф", "xn--p1ai"} <= TLDS
    assert "invalid" not in TLDS
