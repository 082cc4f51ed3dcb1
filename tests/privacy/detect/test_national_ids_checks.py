"""
Checks of our own, on numbers their issuers or encyclopedias show.
"""

from __future__ import annotations

import pytest

from excise.privacy.detect import national_ids_checks as check
from excise.privacy.detect.national_ids_asia import ASIA

MELLI = next(row.check for row in ASIA if row.name == "ir-melli")
SHOWN = [
    (check.singapore, "S1234567D"), (check.singapore, "F1234567N"), (check.singapore, "G1234567X"), (check.hong_kong, "A123456(3)"),
    (check.taiwan, "A123456789"), (check.taiwan, "A800000014"), (check.kvnr, "A123456780"), (check.german_pension, "65170839J003"),
    (check.medicare, "2123 45670 1"), (check.snils, "112-233-445 95"), (check.hetu, "131052-308T"),
    (check.chinese_identity, "11010519491231002X"),
    (check.npi, "1234567893"), (check.dea, "AB1234563"), (check.personnummer, "811228-9874"), (check.personnummer, "19811228-9874"),
    (check.aadhaar, "2341 2341 2346"), (MELLI, "0499370899"), (check.luhn_digits, "1000000008"), (check.vat, "GB980780684"),
    (check.vat, "CHE-100.155.212 MWST"),
    (check.vat, "NL4495445B01"), (check.itin, "912-90-3456"), (check.ssn, "536-90-4399"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "number"), SHOWN, ids=lambda value: value if isinstance(value, str) else "")
def test_a_right_number_is_right_and_its_neighbours_are_not(right, number):
    """
    One digit changed is seen, wherever the kind has a check digit.
    """
    assert right(number)
    if right in (check.ssn, check.itin):
        return
    at = max(at for at, sign in enumerate(number[:10]) if sign.isdecimal())
    others = [number[:at] + other + number[at + 1 :] for other in "0123456789" if other != number[at]]
    assert sum(map(right, others)) <= 1


@pytest.mark.parametrize("number", ["000-12-3456", "666-12-3456", "912-12-3456", "123-00-3456", "123-45-0000", "111-11-1111"])
def test_what_is_never_given_out_is_no_social_security_number(number):
    """
    Areas 000, 666 and 9xx, group 00, serial 0000.
    """
    assert not check.ssn(number)


@pytest.mark.parametrize("country,module", [("gh", "tin"), ("de", "stnr"), ("cn", "uscc"), ("es", "nif"), ("mx", "rfc")])
def test_a_check_answers_whatever_it_is_asked(country, module):
    """
    Some modules of stdnum raise what is no ValidationError: that would refuse the request.
    """
    for number in ("C00D665VH1Y", "", "ABCDEFGHIJK", "00000000000", "Z" * 40, "12/34"):
        assert check.Std(country, module)(number) in (True, False)
