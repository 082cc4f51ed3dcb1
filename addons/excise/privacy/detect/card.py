"""
Payment cards: the right length for their scheme and a right check digit; or a number that is called a card.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from excise.privacy.detect.detector import Finding
from excise.privacy.detect.digits import digits_of, luhn, shape
from excise.privacy.detect.labelled import Labelled

# First and last beginning, of four digits, and the lengths. Source: ISO/IEC 7812 numbering, and what the schemes and processors publish of
# their ranges. UATP (1, 15 digits) is left out: a clock's milliseconds and microseconds begin with 1 too.
_RANGES: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (4000, 4999, (13, 16, 19)),  # Visa
    (5100, 5599, (16,)),  # Mastercard
    (2221, 2720, (16,)),
    (3400, 3499, (15,)),  # American Express
    (3700, 3799, (15,)),
    (3000, 3059, (14, 16, 19)),  # Diners Club
    (3095, 3095, (14, 16, 19)),
    (3600, 3699, (14, 16, 19)),
    (3800, 3999, (14, 16, 19)),
    (3528, 3589, (16, 17, 18, 19)),  # JCB
    (1800, 1800, (15,)),
    (2131, 2131, (15,)),
    (6000, 6099, (16, 19)),  # Discover, RuPay, Hipercard
    (6200, 6299, (16, 17, 18, 19)),  # UnionPay
    (8100, 8171, (16, 17, 18, 19)),
    (6440, 6599, (16, 19)),  # Discover, Elo, Verve, Troy
    (8200, 8299, (16,)),  # RuPay
    (2200, 2205, (16, 17, 18, 19)),  # Mir, Borica
    (5000, 5099, (12, 13, 16, 18, 19)),  # Maestro, Verve, Elo
    (5600, 5899, (12, 13, 16, 18, 19)),
    (6300, 6399, (12, 13, 16, 18, 19)),
    (6700, 6799, (12, 13, 16, 18, 19)),
    (604, 604, (12,)),
    (9792, 9792, (16,)),  # Troy
    (9704, 9704, (16, 19)),  # NAPAS
    (8600, 8600, (16,)),  # UzCard
    (9860, 9860, (16,)),  # Humo
)
_LENGTHS = {f"{beginning:04}": lengths for first, last, lengths in _RANGES for beginning in range(first, last + 1)}

# How numbers of 12 to 19 digits are set in groups.
_GROUPINGS = frozenset(
    {(4, 4, 4), (4, 4, 5), (4, 3, 3, 3), (4, 6, 4), (4, 6, 5), (4, 5, 6), (4, 4, 4, 1), (4, 4, 4, 2), (4, 4, 4, 3), (4, 4, 4, 4), (8, 8)}
    | {(4, 4, 4, 4, 1), (4, 4, 4, 4, 2), (4, 4, 4, 4, 3), (6, 6, 6), (6, 6, 7), (6, 10), (6, 13), (8, 4, 4), (4, 4, 8), (4, 8, 4), (4, 12)}
)

# Identifiers, clocks and goods are numbers of these lengths, too, and one in ten has a right check digit: their names deny a card, and so
# does a row of numbers as long of which most fail.
_DENIED = re.compile(
    r"(?:(?<![a-z])(?i:ean|upc|gtin|isbn|sku|barcode|timestamp|epoch|time|nanos|offset|sequence|seq|tweet|snowflake|guild|channel|hash|seed|trace|span"
    r"|ts|ids?)|(?<=[a-z])(?:Id|ID|Time|Timestamp)s?|(?<=_)(?:ns|ms|us|ts|at))[\"'`\\]{0,4}[ ]?[=:#\x02(]?[ ]?[\"'`\\]{0,4}$|[A-Za-z]s?/$"
)
_NOT_DENIED = re.compile(r"(?i:card|pan|account|payment|cc)[\w ]{0,12}\W{0,8}$")
_ROW = 120  # characters on either side; less than the gate shows around a finding (EDGE)
_ROW_FAILS = 3  # at least so many must fail, and more than twice as many as pass
_LONG_RUN = re.compile(rb"(?<![0A])0{12,19}(?![0A])")
_GROUP_ROW = re.compile(rb"(?<![0A])(?:0{12,19}|0{3,6}(?:[ -]0{3,6}){2,9})(?![0A])")

# One run; or whatever groups and signs follow two groups, to be looked at closer.
_NUMBERS = re.compile(rb"0000(?:0{8,}|0{0,4}( ?[-. ] ?)000[0 .-]*)")
_GROUP = re.compile(rb"0+")
_MOST_GROUPS = 14  # more is a table
_HEX_NEXT = re.compile(r"[ \n]?[0-9A-Fa-f]{0,4}[A-Fa-f][0-9A-Fa-f]{0,3}[ \n]")
_HEX_ROW = re.compile(r".?(?<![0-9A-Za-z])(?=[0-9]{0,3}[A-Fa-f])[0-9A-Fa-f]{4}[ \n]")
_HEX_BEFORE = re.compile(r"[0-9a-fA-F]{4}-")
_HEX_AFTER = re.compile(r"-[0-9a-fA-F]{4}")


class Cards:
    """
    Card numbers in one run or in groups; not within longer numbers, decimals, identifiers or rows of numbers.
    """

    name = "card"
    entities = ("CARD",)
    keywords: tuple[str, ...] = ()
    hits: tuple[str | tuple[str, str], ...] = (
        "4111111111111111",
        ("pay with 4111 1111 1111 1111, thanks", "4111 1111 1111 1111"),
        ("card\x024111-1111-1111-1111\x03", "4111-1111-1111-1111"),
        ("amex 3782 822463 10005.", "3782 822463 10005"),
        ("5555.5555.5555.4444 123", "5555.5555.5555.4444"),
        ("4242 4242 4242 4242 123", "4242 4242 4242 4242"),
        ("4242424242424242,12/29,123", "4242424242424242"),
        "6011\u00a01111\u00a01111\u00a01117",
        "6011\u202f1111\u202f1111\u202f1117",
        "30569309025904",
        "501800000009",
        "4222222222222",
        "6799990100000000019",
    )
    misses: tuple[str, ...] = (
        "4111111111111112",
        "1700000000000",
        "1763841600000000000",
        "0.4111111111111111",
        "a4111111111111111",
        "+4111111111111111",
        "41111111111111110000000",
        "4111111111111111.5",
        "550e8400-4111-1111-1111-111111111111",
        "0000 0000 0000 0000",
        "5678 4111 1111 1111 1111 2345 6789",
    )

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        shaped = shape(text)
        for numbers in _NUMBERS.finditer(shaped):
            start, end = numbers.span()
            if numbers.lastindex is None:
                lengths = _LENGTHS.get(text[start : start + 4])
                if (
                    lengths
                    and end - start in lengths
                    and _stands_alone(text, shaped, start, end)
                    and luhn(text[start:end])
                    and not _is_denied(text, start)
                    and not _in_a_row_of_others(text, shaped, start, end)
                ):
                    yield Finding(start, end, "CARD", self.name, 80)
            else:
                for begin, stop in _grouped(text, shaped, start, end):
                    yield Finding(begin, stop, "CARD", self.name, 80)


def _stands_alone(text: str, shaped: bytes, start: int, end: int) -> bool:
    """
    Not within a longer number, a word, a decimal or a UUID.
    """
    before, after = shaped[max(0, start - 2) : start], shaped[end : end + 2]
    if before[-1:] in (b"0", b"A", b"+") or before in (b"0.", b"0-") or after[:1] in (b"0", b"A") or after in (b".0", b"-0"):
        return False
    return not ((before[-1:] == b"-" and _HEX_BEFORE.match(text, max(0, start - 5))) or (after[:1] == b"-" and _HEX_AFTER.match(text, end)))


def _is_denied(text: str, start: int) -> bool:
    near = text[max(0, start - 32) : start]
    return _DENIED.search(near) is not None and _NOT_DENIED.search(near) is None


def _in_a_row_of_others(text: str, shaped: bytes, start: int, end: int, others: re.Pattern[bytes] = _LONG_RUN) -> bool:
    """
    Whether most numbers around it, in a column or a list, are no cards.
    """
    passed, failed = 1, 0
    for first, last in ((max(0, start - _ROW), start), (end, end + _ROW)):
        for other in others.finditer(shaped, first, last):
            right = is_card(digits_of(text[other.start() : other.end()]))
            passed += right
            failed += not right
    return failed >= _ROW_FAILS and passed * 2 < failed


def _grouped(text: str, shaped: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """
    Cards in a row of groups: with one sign between their groups, and no such group in front or behind.
    """
    if _HEX_ROW.match(text, max(0, start - 6), end) or _HEX_NEXT.match(text, end):
        return  # a table of hex numbers
    groups = [group.span() for group in _GROUP.finditer(shaped, start, end)]
    if len(groups) > _MOST_GROUPS:
        return
    signs = [shaped[a[1] : b[0]] for a, b in pairwise(groups)]
    sizes = [stop - begin for begin, stop in groups]
    taken = 0
    for first, (begin, _) in enumerate(groups):
        if (
            first < taken
            or sizes[first] < 4
            or (first and sizes[first - 1] > 3 and first < len(signs) and signs[first - 1] == signs[first])
        ):
            continue
        for count in (5, 4, 3, 2):
            last = first + count - 1
            if last >= len(groups) or tuple(sizes[first : last + 1]) not in _GROUPINGS or len(set(signs[first:last])) > 1:
                continue
            if last + 2 < len(groups) and signs[last] == signs[first] and sizes[last + 1] > 3:
                continue  # the row goes on
            stop = groups[last][1]
            if shaped[begin - 1 : begin] == signs[first] != b" ":
                continue  # a key of a table of signs: `[.4300.0020.0011.0002]`
            if (
                _stands_alone(text, shaped, begin, stop)
                and is_card(digits_of(text[begin:stop]))
                and not _in_a_row_of_others(text, shaped, begin, stop, _GROUP_ROW)
            ):
                yield begin, stop
                taken = last + 1
                break


def is_card(digits: str) -> bool:
    """
    Whether some scheme gives out such numbers, and the check digit is right.
    """
    return len(digits) in _LENGTHS.get(digits[:4], ()) and luhn(digits)


def _may_be_card(value: str) -> bool:
    digits = digits_of(value)
    return 13 <= len(digits) <= 19 and digits[0] in "23456" and len(set(digits)) > 1


_NAMED = Labelled(
    name="card-named",
    entity="CARD",
    # Made-up numbers in tests and tickets have wrong check digits as often as not.
    keywords=("card", "visa", "amex", "maestro", "american express", "carte ", "karte", "tarjeta", "carta ", "kort", "cc_num", "ccnum"),
    label=r"(?i:(?<![a-zA-Z])(?:card|cards|carte|tarjeta|carta|visa|amex|american express|maestro|cc_?num)|(?<=master)card|(?<=credit)card"
    r"|(?<=debit)card|(?<=payment)card|(?<=kredit)karten?|(?<=ec-)karte|(?<=kredit)kort|(?<=kreditt)kort|(?<=betal)kort|(?<=master)kort)"
    r"(?i:[ _-]?(?:bancaire|bleue|de cr[eé]dito|de d[eé]bito|di credito))?(?i:[ _-]?(?:numbers?|numero|número|nummer|num|no"
    r"|nr))?(?![a-zA-Z])",
    value=r"(?<![0-9A-Za-z.+-])(?P<value>[2-6][0-9]{3}(?:[ .\-\u00a0]?[0-9]){9,15})(?![0-9A-Za-z]|[.-][0-9])",
    validate=_may_be_card,
    hits=(
        ("credit card: 4111 1111 1111 1112", "4111 1111 1111 1112"),
        ("Kreditkarte Nr. 5555555555554445", "5555555555554445"),
        ("card_number\x025555555555554445\x03", "5555555555554445"),
        ("cardNumber = '5555-5555-5555-4445'", "5555-5555-5555-4445"),
        ("name,card,exp\nAnn,5555555555554445,12/29\n", "5555555555554445"),
    ),
    misses=("discard 5555555555554445", "card ending in 4444", "cards: 1763841600000"),
)

RULES = (Cards(), _NAMED)
