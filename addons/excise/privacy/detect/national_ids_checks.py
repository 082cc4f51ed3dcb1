"""
Checks of identity numbers: those of python-stdnum, and those it has not or does otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from stdnum import get_cc_module, luhn, verhoeff

_SEPARATORS = re.compile("[ .\u00a0\u2013/-]")


def compact(number: str) -> str:
    """
    A number without separators, upper case.
    """
    return _SEPARATORS.sub("", number).upper()


@dataclass(frozen=True, slots=True)
class Std:
    """
    The check of a module of python-stdnum, imported when it is first asked: all of them together take a tenth of a second.
    """

    country: str
    module: str
    prefix: str = ""

    def __call__(self, number: str) -> bool:
        module = cast(Any, get_cc_module(self.country, self.module))
        try:
            return bool(module.is_valid(compact(number).removeprefix(self.prefix)))
        except (ArithmeticError, LookupError, TypeError, ValueError):
            # Some modules fall over what is not of their shape instead of saying so.
            return False


def _digits(number: str) -> list[int]:
    return [int(sign) for sign in compact(number) if "0" <= sign <= "9"]


def _weighted(digits: list[int], weights: tuple[int, ...]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def day(year: int, month: int, number: int) -> bool:
    """
    Whether there is such a day, from 1850 on and not far ahead.
    """
    try:
        return 1850 <= date(year, month, number).year <= 2040
    except ValueError:
        return False


def short_date(digits: str, order: str = "ymd") -> bool:
    """
    Whether six digits are a day of some century, in the order `ymd` or `dmy`.
    """
    parts = [int(digits[at : at + 2]) for at in (0, 2, 4)]
    year, month, number = parts if order == "ymd" else reversed(parts)
    return day(1900 + year, month, number) or day(2000 + year, month, number)


def luhn_digits(number: str) -> bool:
    """
    Luhn over the digits, whatever stands between.
    """
    digits = "".join(map(str, _digits(number)))
    return len(set(digits)) > 1 and luhn.is_valid(digits)


def aadhaar(number: str) -> bool:
    """
    Verhoeff; the first digit is 2 to 9, and no number reads the same backwards.
    """
    digits = compact(number)
    return digits[0] > "1" and digits != digits[::-1] and verhoeff.is_valid(digits)


def chinese_identity(number: str) -> bool:
    """
    Six digits of a place, a day of birth, three of an order, ISO 7064 mod 11-2 (GB 11643-1999).
    """
    signs = compact(number)
    place, born = int(signs[:2]), signs[6:14]
    if not 11 <= place <= 91 or not day(int(born[:4]), int(born[4:6]), int(born[6:])):
        return False
    return "10X98765432"[sum(int(sign) * pow(2, 17 - at, 11) for at, sign in enumerate(signs[:17])) % 11] == signs[17]


def hetu(number: str) -> bool:
    """
    A day of birth, and the check sign of the nine digits modulo 31.
    """
    number = number.upper()
    digits = number[:6] + number[-4:-1]
    return short_date(digits[:6], "dmy") and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(digits) % 31] == number[-1]


def nino(number: str) -> bool:
    """
    A prefix that is given out: not BG GB KN NK NT TN ZZ, no D F I Q U V in it, no O in second place.
    """
    prefix = compact(number)[:2]
    return prefix not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"} and not set(prefix) & set("DFIQUV") and prefix[1] != "O"


def singapore(number: str) -> bool:
    """
    The check letter of an NRIC (S, T) or FIN (F, G, M).
    """
    signs = compact(number)
    total = _weighted(_digits(signs), (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(signs[0], 0)
    if signs[0] == "M":
        return "KLJNPQRTUWX"[10 - total % 11] == signs[-1]
    return ("JZIHGFEDCBA" if signs[0] in "ST" else "XWUTRQPNMLK")[total % 11] == signs[-1]


def hong_kong(number: str) -> bool:
    """
    The check sign of an identity card: one or two letters, six digits, a digit or A.
    """
    signs = re.sub("[^0-9A-Z]", "", number.upper())
    values = [36] * (9 - len(signs)) + [ord(sign) - 55 if sign > "9" else int(sign) for sign in signs]
    return sum(value * weight for value, weight in zip(values, range(9, 0, -1), strict=True)) % 11 == 0


def taiwan(number: str) -> bool:
    """
    The check digit of an identity card or residence certificate.
    """
    signs = compact(number)
    letter = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(signs[0]) + 10
    first = letter // 10 + letter % 10 * 9
    if signs[1] > "9":  # certificates before 2021: a second letter
        second = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(signs[1]) % 10
        return (first + second * 8 + _weighted(_digits(signs), (7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0
    return (first + _weighted(_digits(signs), (8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


def korean_resident(number: str) -> bool:
    """
    A day of birth and the old check digit; numbers given out since October 2020 end at random.
    """
    digits = compact(number)
    if not short_date(digits[:6]):
        return False
    return (digits[:2] >= "20" and digits[6] in "3478") or (
        11 - _weighted(_digits(digits), (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11
    ) % 10 == int(digits[12])


def malaysian(number: str) -> bool:
    """
    A day of birth and a code of a place of birth.
    """
    digits = compact(number)
    return short_date(digits[:6]) and digits[6:8] not in {
        "00",
        "17",
        "18",
        "19",
        "20",
        "69",
        "70",
        "73",
        "80",
        "81",
        "94",
        "95",
        "96",
        "97",
    }


def indonesian(number: str) -> bool:
    """
    A province, and a day of birth (to which 40 is added for women).
    """
    digits = compact(number)
    born = int(digits[6:8]) % 40
    return 11 <= int(digits[:2]) <= 96 and short_date(f"{born:02}{digits[8:12]}", "dmy") and digits[12:] != "0000"


def emirates(number: str) -> bool:
    """
    784, a year of birth, seven digits, a check digit.
    """
    digits = compact(number)
    return digits.startswith("784") and 1900 <= int(digits[3:7]) <= 2040 and luhn_digits(digits)


def kuwaiti(number: str) -> bool:
    """
    A century (2, 3), a day of birth, a check digit modulo 11.
    """
    digits = compact(number)
    return short_date(digits[1:7]) and 11 - _weighted(_digits(digits), (2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)) % 11 == int(digits[11])


def kazakh(number: str) -> bool:
    """
    Twelve digits, the last modulo 11 with a second set of weights where the first gives 10.
    """
    digits = _digits(number)
    total = _weighted(digits[:11], tuple(range(1, 12))) % 11
    if total == 10:
        total = _weighted(digits[:11], (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)) % 11
    return total == digits[11]


def snils(number: str) -> bool:
    """
    Nine digits and their weighted sum modulo 101.
    """
    digits = _digits(number)
    return _weighted(digits[:9], (9, 8, 7, 6, 5, 4, 3, 2, 1)) % 101 % 100 == digits[9] * 10 + digits[10] and any(digits[:9])


def _crossed(digits: list[int], weights: tuple[int, ...]) -> int:
    return sum(sum(divmod(digit * weight, 10)) for digit, weight in zip(digits, weights, strict=True)) % 10


def kvnr(number: str) -> bool:
    """
    German health insurance: a letter as two digits, eight digits, a check digit.
    """
    signs = compact(number)
    digits = [int(sign) for sign in f"{ord(signs[0]) - 64:02}{signs[1:9]}"]
    return _crossed(digits, (1, 2, 1, 2, 1, 2, 1, 2, 1, 2)) == int(signs[9])


def german_pension(number: str) -> bool:
    """
    German pension insurance: an area, a day of birth, a letter, two digits, a check digit.
    """
    signs = compact(number)
    digits = [int(sign) for sign in f"{signs[:8]}{ord(signs[8]) - 64:02}{signs[9:11]}"]
    return 1 <= int(signs[4:6]) <= 12 and _crossed(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)) == int(signs[11])


def medicare(number: str) -> bool:
    """
    Australian Medicare: the ninth digit checks the first eight.
    """
    digits = _digits(number)
    return _weighted(digits[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == digits[8]


def latvian(number: str) -> bool:
    """
    A day of birth before 2017; no meaning, but 32 to 39 in front, since.
    """
    digits = compact(number)
    return "32" <= digits[:2] <= "39" or (short_date(digits[:6], "dmy") and digits[6] in "012")


def personnummer(number: str) -> bool:
    """
    Swedish: a day of birth (60 is added for coordination numbers), Luhn over the last ten digits.
    """
    digits = re.sub("[^0-9]", "", number)[-10:]
    return short_date(f"{digits[:4]}{int(digits[4:6]) % 60:02}") and luhn.is_valid(digits)


def danish(number: str) -> bool:
    """
    A day of birth; since 2007 there is no check digit.
    """
    return short_date(compact(number)[:6], "dmy")


def german_tax(number: str) -> bool:
    """
    One of the forms of a Steuernummer: it has no check digit that is the same in all the states.
    """
    return Std("de", "stnr")(number) or number.count("/") == 2


def vat(number: str) -> bool:
    """
    A VAT number of a member state, of Northern Ireland or of the United Kingdom, with its letters in front.
    """
    signs = compact(number)
    if signs[:2] in ("GB", "XI"):
        return Std("gb", "vat")(signs[2:])
    if signs[:2] == "CH":
        return Std("ch", "uid")(signs[:12])
    return Std("eu", "vat")(signs)


def mbi(number: str) -> bool:
    """
    Medicare beneficiary identifier: the shape is all there is.
    """
    return len(compact(number)) == 11


def npi(number: str) -> bool:
    """
    Luhn over the ten digits with 80840 in front.
    """
    return luhn.is_valid("80840" + compact(number))


def dea(number: str) -> bool:
    """
    Two letters (the second is the surname's or 9), six digits and the last digit of d1 + d3 + d5 + 2 (d2 + d4 + d6).
    """
    digits = _digits(compact(number)[2:])
    return (digits[0] + digits[2] + digits[4] + 2 * (digits[1] + digits[3] + digits[5])) % 10 == digits[6]


def ssn(number: str) -> bool:
    """
    An area, group and serial that can be given out.
    """
    digits = compact(number)
    return digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000" and len(set(digits)) > 1


def possible_ssn(number: str) -> bool:
    """
    Beside its name 9 in front may stand too: ITINs, and the numbers kept for advertisements, which samples use.
    """
    digits = compact(number)
    return ssn("1" + digits[1:] if digits[0] == "9" else digits)


def itin(number: str) -> bool:
    """
    9 in front, and a group of those given out: 50 to 65, 70 to 88, 90 to 92, 94 to 99.
    """
    digits = compact(number)
    group = int(digits[3:5])
    return digits[0] == "9" and (50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or group >= 94)
