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
_FIRST = rb"(?:^|[^0-9A-Za-z])"  # of a word

# By Rule.name. In bytes.
_SKETCHES: dict[str, bytes] = {
    # A run of digits that some scheme begins so, or two groups of which the first has four.
    "card": rb"(?:^|[^0-9])(?:[56][0-9]{11}|[2-689][0-9]{12}|18[0-9]{12}|[0-9]{4,8}[ .\-" + _HIGH + rb"]{1,9}[0-9]{3})",
    "iban": _FIRST + rb"[A-Za-z]{2}[0-9]{2}(?:[ \-" + _HIGH + rb"]{0,3}[0-9A-Za-z]){10}",
    "phone-international": rb"(?:\+[ "
    + _HIGH
    + rb"]{0,3}\(?[1-9]|00[1-9][0-9]{0,2}[ .()\-/"
    + _HIGH
    + rb"])(?:[ .()\-/"
    + _HIGH
    + rb"]{0,9}[0-9]){6}",
    "phone-north-american": rb"[0-9]{3}\)?[ .\-" + _HIGH + rb"]{0,3}[0-9]{3}[ .\-" + _HIGH + rb"]{1,3}[0-9]{4}",
    "ipv4": rb"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",
    "ipv6": rb":(?::|" + _HEX + rb"{1,4}:" + _HEX + rb"{1,4}:" + _HEX + rb"{1,4}:)",
    "mac": rb"(?:(?::" + _HEX + rb"{2}){3}|(?:-" + _HEX + rb"{2}){3}|(?:\." + _HEX + rb"{4}){2})",
    "wallet-base58": rb"(?:^|[^0-9A-Za-z_])[1-9A-HJ-NP-Za-km-z]{25}",
    "wallet-ethereum": rb"0[xX]" + _HEX + rb"{40}",
    "wallet-stellar": rb"G[A-D][A-Z2-7]{54}",
    "wallet-ton": rb"[EUk0]Q[0-9A-Za-z_/+\-]{46}",
}
REACH = 256  # bytes around the end of a match that the rule is shown

Stretch = tuple[int, int]


def sketches(rules: Sequence[Rule]) -> dict[int, bytes]:
    """
    Index of a rule without keywords -> its sketch, for those that have one.
    """
    return {index: _SKETCHES[rule.name] for index, rule in enumerate(rules) if not rule.keywords and rule.name in _SKETCHES}


def stretches(ends: Sequence[int], data: bytes) -> list[Stretch]:
    """
    What a rule is shown: ranges of bytes around the ends of matches (ascending), whole characters; those that touch are one.
    """
    joined: list[Stretch] = []
    for end in ends:
        start, stop = max(0, end - REACH), min(len(data), end + REACH)
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return [(_aligned(data, start), _aligned(data, stop)) for start, stop in joined]


def _aligned(data: bytes, offset: int) -> int:
    while 0 < offset < len(data) and data[offset] & 0xC0 == 0x80:
        offset -= 1
    return offset
