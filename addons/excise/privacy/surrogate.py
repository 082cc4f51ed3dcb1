"""
Surrogates: stand-ins in the form of the value itself, where a placeholder would not be valid there: JSON numbers, and strings for which a
JSON schema demands a format.

Each comes from a range that nobody owns, so that a surrogate that strays is recognised and reaches no one. Ranges are small beside the
2**60 of placeholders: two values may get the same surrogate, and the vault then asks for the next one (`turn`).
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from enum import StrEnum

from excise.errors import Refused
from excise.privacy.entities import Entity
from excise.privacy.placeholder import Placeholders


class Form(StrEnum):
    """
    Forms a surrogate may have; the strings are the names JSON Schema has for them, save `number`.
    """

    NUMBER = "number"
    EMAIL = "email"
    UUID = "uuid"
    IPV4 = "ipv4"
    IPV6 = "ipv6"
    URI = "uri"
    DATE = "date"


FEWEST_DIGITS = 6  # a shorter number stands in every text by chance, and each would be turned into the value

_NUMBER = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?")
_IDENTIFIER = "abcdefghjkmnpqrstvwxyz"
_IPV4 = ipaddress.IPv4Network("198.18.0.0/15")  # benchmarks between networks: RFC 2544, RFC 6890
_IPV6 = ipaddress.IPv6Network("2001:db8::/32")  # documentation: RFC 3849
_FIRST_DAY, _DAYS = datetime.date(9000, 1, 1).toordinal(), 365_000

_ANY = re.compile(
    r"[a-z]{20}@redacted\.invalid|https://[a-z]{20}\.invalid/"  # .invalid: RFC 2606
    r"|[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    r"|198\.1[89]\.[0-9]{1,3}\.[0-9]{1,3}|2001:db8:[0-9a-f:]{2,34}|9[0-9]{3}-[0-9]{2}-[0-9]{2}"
)


def surrogate(form: Form, placeholders: Placeholders, scope: str, entity: Entity, value: str, *, turn: int = 0) -> str:
    """
    The stand-in of a value in a given form. Keyed and deterministic like placeholders; different from `value`.

    `number`: as many digits before and after the point, the first ones 99, never a valid card (fails Luhn). `email`:
    `…@redacted.invalid`. `uuid`: version 8. `ipv4`: 198.18.0.0/15. `ipv6`: 2001:db8::/32. `uri`: `https://….invalid/`. `date`: of the
    years 9000 to 9998.

    Args:
        form: Which.
        placeholders: Whose key is used.
        scope, entity, value: As for `Placeholders.make`.
        turn: Which of a value's possible surrogates; above 0 where lower ones are taken.

    Raises:
        Refused: `number`, and `value` is no plain JSON number or has fewer than `FEWEST_DIGITS` digits: nothing safe can stand for it.
    """
    bits = placeholders.number(scope, entity, value, f"{form.value} {turn}")
    match form:
        case Form.NUMBER:
            return _number(value, bits)
        case Form.EMAIL:
            return f"{_name(bits)}@redacted.invalid"
        case Form.URI:
            return f"https://{_name(bits)}.invalid/"
        case Form.UUID:
            text = f"{bits % 16**32:032x}"
            return f"{text[:8]}-{text[8:12]}-8{text[13:16]}-{'89ab'[bits >> 250 & 3]}{text[17:20]}-{text[20:]}"
        case Form.IPV4:
            return str(_IPV4[bits % _IPV4.num_addresses])
        case Form.IPV6:
            return str(_IPV6[bits % _IPV6.num_addresses])
        case Form.DATE:
            return datetime.date.fromordinal(_FIRST_DAY + bits % _DAYS).isoformat()


def looks_like_surrogate(text: str) -> bool:
    """
    Whether all of `text` lies in a range that surrogates other than numbers are taken from. Detectors leave it alone.
    """
    return _ANY.fullmatch(text) is not None


def _name(bits: int) -> str:
    letters = []
    for _ in range(20):
        bits, letter = divmod(bits, len(_IDENTIFIER))
        letters.append(_IDENTIFIER[letter])
    return "".join(letters)


def _number(value: str, bits: int) -> str:
    places = [at for at, sign in enumerate(value) if sign.isdigit()]
    if _NUMBER.fullmatch(value) is None or len(places) < FEWEST_DIGITS:
        raise Refused(
            f"a number of fewer than {FEWEST_DIGITS} digits, or with an exponent, cannot be replaced by another; block or allow its kind",
            kind="no_surrogate",
        )
    signs = list(value)
    for count, at in enumerate(places):
        bits, digit = divmod(bits, 10)
        signs[at] = "9" if count < 2 else str(digit)
    # A last digit of 0 would be lost where a reader takes the number for a float.
    last = places[-1]
    if signs[last] == "0":
        signs[last] = "7"
    while _luhn("".join(signs[at] for at in places)) or "".join(signs) == value:
        signs[last] = str(int(signs[last]) % 9 + 1)
    return "".join(signs)


def _luhn(digits: str) -> bool:
    doubled = "0246813579"
    return sum(int(digit) if at % 2 == 0 else int(doubled[int(digit)]) for at, digit in enumerate(reversed(digits))) % 10 == 0
