"""
Placeholders: what stands in a request where a value was, and comes back in the answer.

`EMAIL_H7KQ2M9ZP4RTXWY8AB`: the entity's code, an underscore, an id. 24 characters in all, whatever the code, so that a placeholder
delimits itself: what is glued to either end is not part of it, and none is the beginning of another. Capitals, digits and one underscore:
nothing that JSON, HTML, Markdown, URLs, shells or identifiers would escape, and one case, so that a change of case can be undone.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator

from excise.privacy.entities import ENTITIES, Entity, Kind

LENGTH = 24

# Base 32 after Crockford: no I, L, O, U, which people and models take for 1, 0 and V.
_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTERS = _SIGNS[10:]
# Every fourth character of an id is a letter, beginning with the first: no run of digits is long enough for a card, an account, a phone.
_LETTER_EVERY = 4

_EXACT_SIGNS = 4  # of the exact spelling: 20 bits
_CHECK_SIGNS = 3  # 15 bits: one invented placeholder in some 20,000 passes for ours

# Kinds whose values are digits in groups: 4111-1111…, +49 (0)30 … The same value whichever way it is grouped.
_GROUPED = frozenset(("PHONE", "CARD", "IBAN", "BANK_ACCOUNT", "US_SSN", "TAX_ID", "NATIONAL_ID", "PASSPORT", "MEDICAL_ID", "DEVICE_ID"))
_GROUP_SIGNS = re.compile(r"[\s./()‐-―−-]+")
_SPACE = re.compile(r"\s+")


def form(codes: Iterable[str], *, underscore: str = "_", sign: str = "[0-9A-Z]") -> str:
    """
    Expression for placeholders of these codes, without groups that capture; longer codes first, so that `OWNKEY_` is not taken for `KEY_`.

    Args:
        codes: Of entities.
        underscore: Expression for the underscore.
        sign: Expression for a character of the id.
    """
    by_length: dict[int, list[str]] = {}
    for code in codes:
        by_length.setdefault(len(code), []).append(code)
    ways = (
        f"(?:{'|'.join(sorted(of_length))}){underscore}{sign}{{{LENGTH - 1 - length}}}"
        for length, of_length in sorted(by_length.items(), reverse=True)
    )
    return f"(?:{'|'.join(ways)})"


CODES = frozenset(entity.code for entity in ENTITIES.values())
FORM = re.compile(form(CODES))


def normalise(entity: Entity, value: str) -> str:
    """
    What two spellings of one value have in common: NFKC, case folded, white space removed; for numbers in groups the separators too.

    A secret is its own normal form: `aB` and `Ab` are two passwords.
    """
    if entity.kind is Kind.SECRET:
        return value
    folded = unicodedata.normalize("NFKC", value).casefold()
    return (_GROUP_SIGNS if entity.name in _GROUPED else _SPACE).sub("", folded)


class Placeholders:
    """
    Makes placeholders, and knows its own again. Immutable.

    Deterministic: the same key, scope, entity and spelling give the same placeholder, in any process and any order, so that requests stay
    byte-identical from turn to turn and providers' prompt caches still hit. Without the key nothing can be concluded from one, not even by
    trying all telephone numbers.

    The id begins with characters of the normalised value (two spellings of a card share them), then 4 of the exact spelling (so that each
    spelling is restored as it was), then 3 that check the rest.

    Args:
        key: Of the installation, at least 16 bytes; never written anywhere.

    Raises:
        ValueError: The key is too short.
    """

    __slots__ = ("_check_key", "_spelling_key", "_value_key")

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("the key of the placeholders must have at least 16 bytes")
        self._value_key, self._spelling_key, self._check_key = (
            hmac.digest(key, b"excise placeholder 1 " + purpose, "sha256") for purpose in (b"value", b"spelling", b"check")
        )

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("placeholders hold a key and are not serialised")

    def make(self, scope: str, entity: Entity, value: str, *, turn: int = 0) -> str:
        """
        The placeholder of a value.

        Args:
            scope: Tenant or conversation: the same value has another placeholder elsewhere.
            entity: What it is.
            value: As found, exactly.
            turn: Above 0 only to step out of the way of another value's placeholder (see `vault`): one in 2**60 needs it.
        """
        code = entity.code
        checked = LENGTH - _CHECK_SIGNS
        head = f"{code}_"
        about = f"{scope}\0{code}\0"
        head += _signs(self._digest(self._value_key, about + normalise(entity, value)), checked - _EXACT_SIGNS - len(head), at=0)
        spelled = f"{about}{turn}\0{value}"
        head += _signs(self._digest(self._spelling_key, spelled), _EXACT_SIGNS, at=len(head) - len(code) - 1)
        return head + self._check(head, len(code))

    def number(self, scope: str, entity: Entity, value: str, purpose: str) -> int:
        """
        256 keyed bits for a value, for surrogates of other forms.
        """
        return int.from_bytes(self._digest(self._spelling_key, f"{purpose}\0{scope}\0{entity.code}\0{value}"))

    def is_own(self, text: str) -> bool:
        """
        Whether all of `text` is a placeholder made with this key, in whatever scope.
        """
        if not self.looks_like(text):
            return False
        head = text[:-_CHECK_SIGNS]
        return hmac.compare_digest(self._check(head, head.index("_")), text[-_CHECK_SIGNS:])

    def looks_like(self, text: str) -> bool:
        """
        Whether all of `text` has the form of a placeholder; nobody need have made it.
        """
        return FORM.fullmatch(text) is not None

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """
        Where our own placeholders stand in `text`: (start, end), ascending.
        """
        at = 0
        while found := FORM.search(text, at):
            own = self.is_own(found[0])
            at = found.end() if own else found.start() + 1
            if own:
                yield found.span()

    def _check(self, head: str, code_length: int) -> str:
        return _signs(hmac.digest(self._check_key, head.encode("ascii"), "sha256"), _CHECK_SIGNS, at=len(head) - code_length - 1)

    @staticmethod
    def _digest(key: bytes, text: str) -> bytes:
        # JSON may hold half a surrogate pair, and such a string is a value like any other.
        return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")


def _signs(digest: bytes, count: int, *, at: int) -> str:
    """
    `count` characters of an id, the first of which stands at `at` in it.
    """
    number, signs = int.from_bytes(digest), []
    for place in range(at, at + count):
        number, sign = divmod(number, 22 if place % _LETTER_EVERY == 0 else 32)
        signs.append((_LETTERS if place % _LETTER_EVERY == 0 else _SIGNS)[sign])
    return "".join(signs)
