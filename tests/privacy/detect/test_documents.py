"""
Machine readable zones, and check digits of other papers.
"""

from __future__ import annotations

import pytest

from excise.privacy.detect.devices import RULES as DEVICES
from excise.privacy.detect.documents import MachineReadableZones, check_digit
from excise.privacy.detect.national_ids_checks import dea, npi
from excise.privacy.detect.places import RULES as PLACES
from excise.privacy.detect.scanner import Scanner
from excise.privacy.detect.vehicles import vin_checks

ZONES = MachineReadableZones()
# Specimens of ICAO Doc 9303.
TD3 = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"
TD1 = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<"


@pytest.mark.parametrize("zone", [TD3, TD1])
@pytest.mark.parametrize("around", ["{}", "scan:\n{}\nend", "mrz\x02{}\x03"])
def test_all_lines_of_a_zone_are_one_finding(zone, around):
    """
    Names stand in a line without check digits.
    """
    text = around.format(zone)

    assert [text[one.start : one.end] for one in Scanner([ZONES]).scan(text)] == [zone]


def test_one_wrong_check_digit_does_not_hide_a_zone_but_two_do():
    """
    Made-up documents are wrong somewhere; rows of letters are wrong everywhere.
    """
    assert Scanner([ZONES]).scan(TD3.replace("L898902C36", "L898902C35"))
    assert not Scanner([ZONES]).scan(TD3.replace("L898902C36", "L898902C35").replace("7408122", "7408123"))


def test_check_digits():
    """
    Each of its published samples, and each of these with one digit changed.
    """
    assert check_digit("L898902C3") == "6" and check_digit("740812") == "2"
    assert npi("1234567893") and not npi("1234567890")
    assert dea("AB1234563") and not dea("AB1234564")
    assert vin_checks("1HGCM82633A004352") and not vin_checks("1HGCM82643A004352")


def test_rows_of_numbers_are_no_coordinates():
    """
    Vectors, paths of drawings, shares.
    """
    scanner = Scanner(PLACES)

    assert [one.entity for one in scanner.scan("we met at 48.85837, 2.29448 today")] == ["LOCATION"]
    for text in (
        "[48.85837, 2.29448, 1.10001]",
        "l 48.85837,2.29448 c",
        "0.85837, 0.29448",
        "translate(48.85837, 22.29448)",
        "148.85837, 2.29448",
    ):
        assert not scanner.scan(text), text


def test_a_device_is_not_a_telephone_number():
    """
    Its check digit weighs more than the word `phone` in front.
    """
    assert max(one.weight for one in Scanner(DEVICES).scan("the IMEI of my phone is 490154203237518")) > 50
