"""
Ids of tool calls: every provider has its own alphabet and length, and call and result must agree.

An id is a function of the id alone, so that a call and its result, in this turn and in any later one, are rewritten alike without anything
being remembered; and it can be undone wherever it fits, so that a provider that reads meaning from its ids (Kimi's
`functions.weather:0`) gets its own back.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

_MARK = "xi_"  # in front of an id that can be undone
_MARKED = re.compile(r"xi_([A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class IdRule:
    """
    What ids a provider takes. `exact`: this many characters, no more and no less.
    """

    alphabet: re.Pattern[str]
    longest: int
    exact: int | None = None


ANY = IdRule(re.compile(r".+", re.DOTALL), 1 << 16)
WORD = IdRule(re.compile(r"[A-Za-z0-9_-]+"), 64)  # Anthropic, Bedrock; OpenAI's 64
SHORT = IdRule(re.compile(r"[A-Za-z0-9]+"), 9, exact=9)  # Mistral


def fit(id_: str, rule: IdRule) -> str:
    """
    The id as the rule wants it: itself, or one that `original` undoes, or a hash where neither has room.
    """
    plain = original(id_)
    if _fits(plain, rule):
        return plain
    if rule.exact is None:
        coded = _coded(plain)
        if _fits(coded, rule):
            return coded
    digest = hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()
    length = rule.exact or min(rule.longest, 24)
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest)[:length]


def _coded(plain: str) -> str:
    return _MARK + base64.urlsafe_b64encode(plain.encode("utf-8", "surrogatepass")).rstrip(b"=").decode()


def _fits(id_: str, rule: IdRule) -> bool:
    right = len(id_) == rule.exact if rule.exact is not None else 0 < len(id_) <= rule.longest
    return right and rule.alphabet.fullmatch(id_) is not None


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def original(id_: str) -> str:
    """
    What `fit` made an id of; the id itself where it is none of ours.
    """
    if not id_.startswith(_MARK):
        return id_
    found = _MARKED.fullmatch(id_)
    if found is None:
        return id_
    try:
        plain = base64.urlsafe_b64decode(found[1] + "=" * (-len(found[1]) % 4)).decode("utf-8", "surrogatepass")
    except ValueError:
        return id_
    # Somebody else's id may look like ours; no two ids may become one.
    return plain if plain and _coded(plain) == id_ else id_


def made(seed: str, number: int) -> str:
    """
    An id for a call whose provider gives none: of the call's own id and its place in the answer, so the same bytes give the same id.
    """
    return "call_" + hashlib.sha256(f"{seed}/{number}".encode()).hexdigest()[:24]
