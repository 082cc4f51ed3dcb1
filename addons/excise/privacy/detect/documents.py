"""
Papers: passports and driving licences by their name, machine readable zones by their check digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from excise.privacy.detect.detector import Finding
from excise.privacy.detect.labelled import Labelled, other_scripts

_VALUES = {str(digit): digit for digit in range(10)} | {chr(code): code - 55 for code in range(65, 91)} | {"<": 0}


def check_digit(field: str) -> str:
    """
    The digit behind a field of a machine readable zone. Source: ICAO Doc 9303-3, 4.9.
    """
    return str(sum(_VALUES[sign] * (7, 3, 1)[index % 3] for index, sign in enumerate(field)) % 10)


def _fits(line: str, fields: Sequence[tuple[int, int]]) -> bool:
    """
    Whether two of the fields have their check digit, so that a made-up document with one wrong is found as well.
    """
    return sum(check_digit(line[start:end]) == line[end] for start, end in fields) * 3 >= len(fields) * 2


# Length of the line that carries number and dates, and its fields. Source: ICAO Doc 9303 parts 4 to 7.
_TD3 = ((0, 9), (13, 19), (21, 27))  # 44: passports; also visas of type A
_TD2 = ((0, 9), (13, 19), (21, 27))  # 36: cards of the older size; visas of type B
_TD1 = ((0, 6), (8, 14))  # 30: cards, the second of three lines


class MachineReadableZones:
    """
    The lines at the foot of passports and identity cards, all that stand together, with blanks in place of line breaks too.
    """

    name = "mrz"
    entities = ("PASSPORT",)
    keywords: tuple[str, ...] = ("<<",)
    hits: tuple[str | tuple[str, str], ...] = (
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10",
        "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<",
        "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6",
        ("mrz\x02L898902C36UTO7408122F1204159ZE184226B<<<<<10\x03", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"),
    )
    misses: tuple[str, ...] = ("a << b << c", "<<<<<<< HEAD", "L898902C35UTO7408123F1204158ZE184226B<<<<<10")
    _LINES = re.compile(r"(?<![A-Z0-9<])[A-Z0-9<]{30,44}(?![A-Z0-9<])")
    _BETWEEN = re.compile(r"[ \t\r\n]{1,3}")

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        done = 0
        for place in places:
            if place < done:
                continue
            start, stop = max(done, place - 140), min(len(text), place + 140)
            lines = list(self._LINES.finditer(text, start, stop))
            for index, line in enumerate(lines):
                if line.start() >= done and self._checks(line[0]):
                    begin, end = self._block(text, lines, index)
                    done = end
                    yield Finding(begin, end, "PASSPORT", self.name, 80)
            # Lines that begin before this have been seen to their end.
            done = max(done, stop - 45, place + 1)

    def _block(self, text: str, lines: list[re.Match[str]], index: int) -> tuple[int, int]:
        first = last = index
        length = len(lines[index][0])
        while first and len(lines[first - 1][0]) == length and self._BETWEEN.fullmatch(text, lines[first - 1].end(), lines[first].start()):
            first -= 1
        while (
            last + 1 < len(lines)
            and len(lines[last + 1][0]) == length
            and self._BETWEEN.fullmatch(text, lines[last].end(), lines[last + 1].start())
        ):
            last += 1
        return lines[first].start(), lines[last].end()

    @staticmethod
    def _checks(line: str) -> bool:
        if len(line) in (44, 36):
            return line[9].isdigit() and line[13:19].isdigit() and line[20] in "MF<X" and _fits(line, _TD3 if len(line) == 44 else _TD2)
        return len(line) == 30 and line[:7].isdigit() and line[7] in "MF<X" and line[8:15].isdigit() and _fits(line, _TD1)


_DAY = re.compile(r"(?:19|20)[0-9]{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12][0-9]|3[01])")


def _has_digits(value: str) -> bool:
    return sum(sign.isdigit() for sign in value) >= (2 if value.isupper() else 5) and len(set(value)) > 2 and not _DAY.fullmatch(value)


_PASSPORT = Labelled(
    name="passport",
    entity="PASSPORT",
    keywords=(
        "passport",
        "passeport",
        "pasaporte",
        "passaport",
        "reisepass",
        "paspoort",
        "paszport",
        "pasaport",
        "passnummer",
        "passnr",
        "passi",
        "pass no",
        "pas nr",
    ),
    label=r"(?i:(?<![a-z])(?:passports?|passeport|pasaporte|passaporto|passaporte|(?:reise)?pass(?:nummer|nr)|reisepass"
    r"|paspoort(?:nummer)?|paszport(?:u)?|pasaport|passinumero|pass no)"
    r"(?:[ _-]?(?:number|no|num|nr|nummer|n°|numero|id))?)(?![a-z])",
    value=r"(?<![0-9A-Za-z])(?P<value>(?:[A-Z]{1,3}[ -]?)?[0-9]{6,9}[A-Z]?|[A-Z0-9]{8,9}|[0-9]{2} [0-9]{2} [0-9]{6}"
    r"|[0-9]{2}[A-Z]{2}[0-9]{5})(?![0-9A-Za-z]|[.-][0-9])",
    validate=_has_digits,
    hits=(
        ("Passport No. 533380006", "533380006"),
        ("passport_number\x02C01X00T47\x03", "C01X00T47"),
        ("Reisepass: C01X00T47", "C01X00T47"),
        ("Passeport n° 12AB34567", "12AB34567"),
        ("name,passport,x\nAnn,K1234567,1\n", "K1234567"),
        ("my passport number is X1234567", "X1234567"),
    ),
    misses=("passport control", "passport 2024", "pass 123456789", "passportjs 123456789a"),
)

RULES = (
    MachineReadableZones(),
    _PASSPORT,
    other_scripts(
        _PASSPORT,
        "паспорт Паспорт 护照 護照 パスポート 여권 διαβατήριο διαβατηρίου Διαβατηρίου جواز דרכון",
        ("паспорт: 45 04 123456", "45 04 123456"),
    ),
    Labelled(
        name="driving-licence",
        entity="DRIVING_LICENCE",
        keywords=(
            "driver",
            "driving",
            "licence n",
            "license n",
            "licence_n",
            "license_n",
            "dl number",
            "dl no",
            "dl#",
            "dl_number",
            "dln",
            "rerschein",
            "permis de conduire",
            "permis_de",
            "carnet de conducir",
            "permiso de conducir",
            "patente",
            "rijbewijs",
            "prawo jazdy",
            "prawa jazdy",
            "carta de condu",
            "cnh",
            "rkort",
            "licence:",
            "license:",
        ),
        label=r"(?i:(?<![a-z])(?:driver'?s?|driving)['’]?s?[ _-]?(?:licen[cs]e|permit)|(?<![a-z])licen[cs]e(?=[ _-]?(?:number|no"
        r"|num)(?![a-z]))|(?<![a-z])dl(?=[ _]?(?:number|no|#))"
        r"|(?<![a-z])dln|rerschein(?:nummer)?|permis[ _]de[ _]conduire|carnet de conducir|permiso de conducir|(?<![a-z])patente(?:"
        r" di guida)?|rijbewijs(?:nummer)?|praw[oa] jazdy"
        r"|carta de condu\w{3,5}|(?<![a-z])cnh|rkort(?:snummer)?)(?:[ _-]?(?:number|no|num|nr|nummer|n°|numero|id|#))?(?![a-z])",
        value=r"(?<![0-9A-Za-z])(?P<value>[A-Z]{1,5}[0-9]{6}[0-9A-Z]{5,9}(?: [0-9]{2})?|[A-Z]{1,3}[ -]?[0-9]{3,4}(?:["
        r" -]?[0-9]{3,5}){1,3}|[A-Z]{0,3}[0-9]{6,14}[A-Z]{0,2}"
        r"|[0-9]{2,3}[ -][0-9]{2,3}[ -][0-9]{3,4}|[0-9A-Z]{8,13})(?![0-9A-Za-z]|[.-][0-9])",
        validate=_has_digits,
        hits=(
            ("Driver's license: D1234567", "D1234567"),
            ("driving_licence_number\x02MORGA657054SM9IJ\x03", "MORGA657054SM9IJ"),
            ("DL No. F255-9215-0094", "F255-9215-0094"),
            ("Führerschein B072RRE2I55", "B072RRE2I55"),
            ("license number: 41994217", "41994217"),
        ),
        misses=("driver version 450.80.02", "license: Apache-2.0", "the drivers license is old", "driving 12345"),
    ),
)
