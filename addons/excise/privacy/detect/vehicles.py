"""
Vehicles: identification numbers by their check digit or their name, plates by their name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from excise.privacy.detect.detector import Finding
from excise.privacy.detect.digits import words_of
from excise.privacy.detect.labelled import Labelled

_VALUES = {str(digit): digit for digit in range(10)} | dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
)
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def vin_checks(vin: str) -> bool:
    """
    Whether the ninth sign is the right check digit. Source: 49 CFR 565.15; makers outside North America need not set one.

    Args:
        vin: 17 upper-case letters without I, O, Q, and digits.
    """
    return "0123456789X"[sum(_VALUES[sign] * weight for sign, weight in zip(vin, _WEIGHTS, strict=True)) % 11] == vin[8]


def _looks_like_vin(value: str) -> bool:
    """
    The last four are digits, as makers number; and it is neither a word nor a number.
    """
    return value[-4:].isdigit() and sum(sign.isalpha() for sign in value) >= 2 and len(set(value)) > 5


def _may_be_vin(value: str) -> bool:
    return sum(sign.isdigit() for sign in value) >= 2 and sum(sign.isalpha() for sign in value) >= 2 and len(set(value)) > 5


class Vins:
    """
    Seventeen signs with a right check digit, anywhere.
    """

    name = "vin"
    entities = ("VEHICLE_ID",)
    keywords: tuple[str, ...] = ()
    hits: tuple[str | tuple[str, str], ...] = (
        ("the car, 1HGCM82633A004352, was", "1HGCM82633A004352"),
        ("vin\x025YJSA1DG9DFP14705\x03", "5YJSA1DG9DFP14705"),
    )
    misses: tuple[str, ...] = ("1HGCM82643A004352", "X1HGCM82633A004352", "1hgcm82633a004352", "11111111111111111", "1HGCM82633A004352-ab")

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        for start, end in words_of(text, "".join(_VALUES), 17):
            value = text[start:end]
            if (
                len(value) == 17
                and value[0] in _CONTINENTS
                and _looks_like_vin(value)
                and vin_checks(value)
                and _NOT_GLUED.match(text, start)
            ):
                yield Finding(start, end, "VEHICLE_ID", self.name, 80)


_CONTINENTS = frozenset("123456789JKLMNSTVWXYZ")
_NOT_GLUED = re.compile(r"(?<![+/=.-])[A-Z0-9]{17}(?![+/=-])")

RULES = (
    Vins(),
    Labelled(
        name="vin-named",
        entity="VEHICLE_ID",
        keywords=("vin", "chassis", "fahrgestell", "vehicle id", "vehicle_id"),
        label=r"(?i:(?<![a-z])(?:vin|chassis|vehicle[ _-]?id(?:entification)?|fahrgestell)(?:[ _-]?(?:number|nummer|no|num|nr))?)(?![a-z])",
        value=r"(?<![0-9A-Za-z])[A-HJ-NPR-Za-hj-npr-z0-9]{17}(?![0-9A-Za-z])",
        reach=40,
        validate=_may_be_vin,
        weight=70,
        hits=(("VIN: WVWZZZ1JZ3W386752", "WVWZZZ1JZ3W386752"), ("vin\x02wba3a5c51cf256651\x03", "wba3a5c51cf256651")),
        misses=("saving WVWZZZ1JZ3W386752", "VIN abcdefghjklmnprst"),
    ),
    Labelled(
        name="plate",
        entity="VEHICLE_ID",
        keywords=(
            "plate",
            "kennzeichen",
            "immatric",
            "matr\u00edcula",
            "matricula",
            "targa",
            "kenteken",
            "registration n",
            "reg no",
            "reg. no",
            "numberplate",
            "registreringsn",
        ),
        label=r"(?i:(?:(?<![a-z])(?:license|licence|number|registration|vehicle|car|num)[ _-]?)?(?<![b-df-zB-DF-Z])plates?(?:["
        r" _-]?(?:number|no))?|(?<![a-z])kennzeichen|immatriculation"
        r"|matr[ií]cula|(?<![a-z])targa|kenteken|(?<![a-z])registration n(?:umber|o)|reg\.? no|registreringsnummer)(?![a-z])",
        value=r"(?<![0-9A-Za-z])(?P<value>[A-Z]{1,3}[ -][A-ZÄÖÜ]{1,2} ?[0-9]{1,4}[EH]?|[A-Z]{2}[0-9]{2} ?[A-Z]{3}|[A-Z]{2}[-"
        r" ]?[0-9]{3}[- ]?[A-Z]{2}|[0-9]{4} ?[A-Z]{3}"
        r"|[A-Z]{3}[- ]?[0-9]{3,4}|[0-9][A-Z]{3}[0-9]{3}|[A-Z]{1,2}-?[0-9]{3}-?[A-Z]{1,2}|[0-9]{1,3}-[A-Z]{2,3}-[0-9]{1,2}"
        r"|[A-Z]{2}[0-9]{2} ?[A-Z]{1,2} ?[0-9]{4})(?![0-9A-Za-z])",
        hits=(
            ("licence plate: AB12 CDE", "AB12 CDE"),
            ("Kennzeichen B-MW 1234", "B-MW 1234"),
            ("plate_number\x027ABC123\x03", "7ABC123"),
            ("plaque d'immatriculation AA-123-AA", "AA-123-AA"),
        ),
        misses=("template ABC-123", "plate tectonics", "license plate reader"),
    ),
)
