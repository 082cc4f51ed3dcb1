"""
What is planted, and every form in which it may turn up.

Two kinds. *Values* are what redaction must take out: an e-mail address, a card, a key. *Content* is what redaction leaves alone and
retention must not keep: made-up words, in prompts, answers, errors. All are random and used in one place only, so that one that is found
says where it was planted.
"""

from __future__ import annotations

import base64
import html
import json
import quopri
import secrets
import string
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

KINDS: Final = ("e-mail", "card", "API key", "password", "IBAN", "own dictionary", "own pattern")
OWN_PATTERN: Final = "ORDER-[0-9]{4}-[a-z0-9]{10}"
_ALNUM = string.ascii_letters + string.digits
_LOWER = string.ascii_lowercase + string.digits
_SHORTEST_FORM = 6  # bytes; anything shorter is found by chance
_LONG = 30  # characters; half of it is still found nowhere by chance


@dataclass(frozen=True, slots=True)
class Canary:
    """
    One planted value. `place` says, for people, where it was planted; `kind` what it is.
    """

    place: str
    kind: str
    value: str = field(repr=False)


def values(place: str) -> dict[str, Canary]:
    """
    A fresh value of each of `KINDS`, for one place.
    """
    made = {
        "e-mail": f"canary.{_some(_LOWER, 10)}@mail-{_some(_LOWER, 6)}.com",
        "card": _card(),
        "API key": "gh" + "p_" + _some(_ALNUM, 36),
        "password": f"Tr{_some(string.digits, 2)}!{_some(_ALNUM, 9)}%q",
        "IBAN": _iban(),
        "own dictionary": f"Project {_some(string.ascii_uppercase, 1)}{_some(_LOWER, 9)}",
        "own pattern": f"ORDER-{_some(string.digits, 4)}-{_some(_LOWER, 10)}",
    }
    return {kind: Canary(place, kind, value) for kind, value in made.items()}


def content(place: str) -> Canary:
    """
    Words that no detector looks for. Partly outside ASCII, so that every escaping shows; the random parts stand at both ends.
    """
    return Canary(place, "content", f"canary-{_word(8)}-Zwölf-\U0001f426-{_word(8)}")


def key(place: str) -> Canary:
    """
    A provider key the stand-in accepts.
    """
    return Canary(place, "provider key", f"standin-{_word(4)}{_some(string.digits, 4)}{_word(8)}")


def prose(planted: dict[str, Canary]) -> str:
    """
    The values in a sentence each, as people write them.
    """
    said = {
        "e-mail": "Write to {} today.",
        "card": "The card is {} as ever.",
        "API key": "Use {} for it.",
        "password": 'Then password = "{}" opens it.',
        "IBAN": "Pay to {} please.",
        "own dictionary": "It is about {} again.",
        "own pattern": "See {} there.",
    }
    return " ".join(said[kind].format(canary.value) for kind, canary in planted.items())


def forms(secret: str) -> dict[str, bytes]:
    """
    What a secret may look like in a file or on the wire, by name. Of base64 the part that does not depend on what stands around it.
    """
    raw = secret.encode()
    found = {
        "raw": raw,
        "lower case": secret.lower().encode(),
        "upper case": secret.upper().encode(),
        "json": json.dumps(secret)[1:-1].encode(),
        "json twice": json.dumps(json.dumps(secret))[3:-3].encode(),
        "python": repr(raw)[2:-1].encode(),
        "percent": urllib.parse.quote(secret, safe="").encode(),
        "percent, slashes kept": urllib.parse.quote(secret).encode(),
        "form": urllib.parse.quote_plus(secret).encode(),
        "html": html.escape(secret).encode(),
        "quoted-printable": quopri.encodestring(raw),
        "hex": raw.hex().encode(),
        "hex, upper case": raw.hex().upper().encode(),
        "utf-16-le": secret.encode("utf-16-le"),
        "utf-16-be": secret.encode("utf-16-be"),
        "utf-32-le": secret.encode("utf-32-le"),
    }
    for name, disguise in DISGUISES.items():
        if name != "base64":  # below, at every shift
            hidden = disguise(secret)
            found |= {name: hidden.encode(), f"{name}, json": json.dumps(hidden)[1:-1].encode()}
    # A stream may be cut, a log line shortened, a value replaced in part: a piece that is random enough counts.
    if len(secret) >= _LONG:
        half = len(secret) // 2
        found |= {"first half": secret[:half].encode(), "second half": secret[half:].encode()}
    if not secret.isascii():
        ends = secret[: next(at for at, char in enumerate(secret) if not char.isascii())], secret.rpartition("-")[2]
        for name, end in zip(("beginning", "end"), ends, strict=True):
            found[name] = end.encode()
            found[f"{name}, utf-16"] = end.encode("utf-16-le")
    for source, data in (("", raw), (" of utf-16", secret.encode("utf-16-le"))):
        for shift in range(3):
            for name, coder in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
                found[f"{name}{source} {shift}"] = coder(b"\0" * shift + data)[4 if shift else 0 : -4]
    return {name: form for name, form in found.items() if len(form) >= _SHORTEST_FORM}


def _every_escape(text: str) -> str:
    units = text.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


# How a value may be hidden inside a text. (Escapes are for JSON bodies written by hand: see `carriers.py`.)
DISGUISES: Final[dict[str, Callable[[str], str]]] = {
    "every character \\u": _every_escape,
    "every character percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "every character html": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "zero-width": "\u200b".join,
    "full-width": lambda text: "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
}


def _some(alphabet: str, count: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(count))


def _word(length: int) -> str:
    """
    Letters that could be a word: nothing a detector of random strings would look at.
    """
    return "".join(secrets.choice("bdfgklmnprst" if at % 2 == 0 else "aeiou") for at in range(length))


def _card() -> str:
    digits = "453201" + _some(string.digits, 9)
    total = sum(int("0246813579"[int(digit)]) if at % 2 == 0 else int(digit) for at, digit in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def _iban() -> str:
    account = "37040044" + _some(string.digits, 10)
    return f"DE{98 - int(account + '131400') % 97:02d}{account}"
