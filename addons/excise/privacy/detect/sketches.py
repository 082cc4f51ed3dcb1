"""
Rough forms of what the rules without keywords find, for Hyperscan: where no sketch matches, the rule need not look.

A rule of its own kind (no expression of `re` all of its own) walks the whole text; most texts have nothing for it. The sketch says too much
(any byte outside ASCII may be a blank or a dash), never too little: `tests/privacy/detect/test_hyperscan_gate.py` holds both against
each other.
"""

from __future__ import annotations

from collections.abc import Sequence

from excise.privacy.detect.detector import Rule

_HIGH = rb"\x80-\xff"
_HEX = rb"[0-9A-Fa-f]"
_SIGN = rb"[ .\-" + _HIGH + rb"]{0,9}"  # between digits: up to three signs
_WORD = rb"(?:^|[^0-9A-Za-z_])"  # what a word begins behind
_NO_PART = rb"(?:^-?|[^0-9A-Za-z\-]|[^0-9A-Za-z]-)"  # nor behind a dash with a word before it, as parts of a UUID do

# By Rule.name. In bytes; each ends with an ASCII character.
_SKETCHES: dict[str, bytes] = {
    # Twelve digits where a scheme has such numbers, else thirteen, in whatever groups.
    "card": _WORD + rb"(?:(?:5[0678]|6[037])[0-9]{2}(?:" + _SIGN + rb"[0-9]){8}|(?:[2-689][0-9]|18)[0-9]{2}(?:" + _SIGN + rb"[0-9]){9})",
    # Not all of it: the shorter, the faster.
    "iban": _NO_PART + rb"[A-Za-z]{2}[0-9]{2}(?:[ \-" + _HIGH + rb"]{0,3}[0-9A-Za-z]){4}",
    "email": rb"[^ \n]@[0-9A-Za-z\[" + _HIGH + rb"]",
    "vin": _WORD + rb"[1-9J-NPR-Z][A-HJ-NPR-Z0-9]{12}[0-9]{4}",
    "coordinates": rb"\.[0-9]{4,15} ?(?:\xc2\xb0)? ?[NS]?(?:, {0,2}|[ /;]{1,2})[+\-]?1?[0-9]{1,2}\.[0-9]{4}",
    "phone-international": rb"(?:\+[ "
    + _HIGH
    + rb"]{0,3}\(?[1-9]|00[1-9][0-9]{0,2}[ .()\-/"
    + _HIGH
    + rb"])(?:[ .()\-/"
    + _HIGH
    + rb"]{0,9}[0-9]){6}",
    "phone-north-american": rb"[0-9]{3}\)?[ .\-" + _HIGH + rb"]{0,3}[0-9]{3}[ .\-" + _HIGH + rb"]{1,3}[0-9]{4}",
    "ipv4": rb"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",
    # Of `::` alone, which source code is full of, there is no address.
    "ipv6": rb":(?::" + _HEX + rb"|" + _HEX + rb"{1,4}:(?::|" + _HEX + rb"{1,4}:" + _HEX + rb"{1,4}:))",
    "mac": rb"(?:(?::" + _HEX + rb"{2}){3}|(?:-" + _HEX + rb"{2}){3}|(?:\." + _HEX + rb"{4}){2})",
    "wallet-base58": _WORD + rb"[1-9A-HJ-NP-Za-km-z]{25}",
    "wallet-ethereum": rb"0[xX]" + _HEX + rb"{40}",
    "wallet-stellar": rb"G[A-D][A-Z2-7]{54}",
    "wallet-ton": rb"[EUk0]Q[0-9A-Za-z_/+\-]{46}",
}
REACH = 256  # characters around the end of a match that the rule is shown
_REACHES = {"email": 1024}  # a domain is up to 577 characters long; more than a `gate.EDGE` longer than what is found

Stretch = tuple[int, int]


def sketches(rules: Sequence[Rule]) -> dict[int, bytes]:
    """
    Index of a rule without keywords -> its sketch, for those that have one: here, or as an attribute `sketch` of their own.
    """
    found = {index: _SKETCHES.get(rule.name) or getattr(rule, "sketch", b"") for index, rule in enumerate(rules) if not rule.keywords}
    return {index: sketch for index, sketch in found.items() if sketch}


def reach(rule: Rule) -> int:
    """
    How many characters around the end of a match of its sketch the rule is shown.
    """
    return _REACHES.get(rule.name, REACH)


def stretches(ends: Sequence[int], size: int, reach: int = REACH) -> list[Stretch]:
    """
    What a rule is shown of a text of that size: ranges around the ends of matches (ascending); those that touch are one.
    """
    joined: list[Stretch] = []
    for end in ends:
        start, stop = max(0, end - reach), min(size, end + reach)
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return joined
