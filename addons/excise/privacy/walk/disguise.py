"""
Characters that look like others, or like nothing.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Seen by nobody: zero-width characters, joiners, soft hyphens, direction marks, variation selectors, tags, fillers, control characters; and
# strokes through letters, keycaps around digits.
HIDDEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u00ad\u0334-\u0338\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u20e3\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff"
)
_IS_HIDDEN = re.compile(f"[{HIDDEN}]")

# Letters of Cyrillic, Greek and a few others that are drawn like Latin ones. Own table, from looking at them.
_LOOKALIKES = {
    "а": "a", "А": "A", "в": "b", "В": "B", "с": "c", "С": "C", "ԁ": "d", "Ԁ": "D", "е": "e", "Е": "E", "ё": "e", "ѐ": "e", "ғ": "f",
    "Ғ": "F", "ԍ": "g", "Ԍ": "G", "н": "h", "Н": "H", "һ": "h", "Һ": "H", "і": "i", "І": "I", "ї": "i", "Ї": "I", "ј": "j", "Ј": "J",
    "к": "k", "К": "K", "қ": "k", "ӏ": "l", "Ӏ": "I", "м": "m", "М": "M", "п": "n", "о": "o", "О": "O", "р": "p", "Р": "P", "ԛ": "q",
    "Ԛ": "Q", "г": "r", "ѕ": "s", "Ѕ": "S", "т": "t", "Т": "T", "υ": "u", "ѵ": "v", "Ѵ": "V", "ѡ": "w", "ԝ": "w", "Ԝ": "W", "х": "x",
    "Х": "X", "ҳ": "x", "у": "y", "У": "Y", "ү": "y", "Ү": "Y", "ӡ": "z", "з": "3", "З": "3",
    "α": "a", "Α": "A", "β": "b", "Β": "B", "ϲ": "c", "Ϲ": "C", "ε": "e", "Ε": "E", "Ζ": "Z", "η": "n", "Η": "H", "ι": "i", "Ι": "I",
    "ϳ": "j", "Ϳ": "J", "κ": "k", "Κ": "K", "Μ": "M", "ν": "v", "Ν": "N", "ο": "o", "Ο": "O", "ρ": "p", "Ρ": "P", "σ": "o", "τ": "t",
    "Τ": "T", "Υ": "Y", "χ": "x", "Χ": "X", "γ": "y", "ω": "w",
    "օ": "o", "Օ": "O", "ս": "u", "Ս": "U", "հ": "h", "ց": "g", "ո": "n", "ѳ": "o", "ⅼ": "l", "ı": "i", "ȷ": "j", "ɑ": "a", "ɡ": "g",
    "ʟ": "L", "ꜱ": "s", "ᴀ": "A", "ʙ": "B", "ᴄ": "c", "ᴅ": "D", "ᴇ": "E", "ɢ": "G", "ʜ": "H", "ɪ": "I", "ᴊ": "J", "ᴋ": "K", "ᴍ": "M",
    "ɴ": "N", "ᴏ": "o", "ᴘ": "P", "ʀ": "R", "ᴛ": "T", "ᴜ": "u", "ᴠ": "v", "ᴡ": "w", "ʏ": "Y", "ᴢ": "z",
}  # fmt: skip
LOOKALIKES = frozenset(_LOOKALIKES)
UNMASKED = str.maketrans(_LOOKALIKES)
_LOOKALIKE = "".join(_LOOKALIKES)
# A word (or an address) that has both kinds. Russian prose with Latin words in it has none.
MIXED = re.compile(f"[A-Za-z@_][{_LOOKALIKE}]|[{_LOOKALIKE}][A-Za-z@_]")

# Dashes and dots that stand where `-` and `.` do, and that NFKC leaves alone.
_MORE = dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-") | {"\u3002": ".", "\uff61": "."}
BETWEEN_DIGITS = "\u00a0\u2007\u2009\u200a\u202f\u2010\u2011\u2012\u2013\u2014\u2212"
_TELLING = re.compile(r"[0-9A-Za-z]|[@._+/=-]\Z")


@lru_cache(maxsize=4096)
def folded(character: str) -> str | None:
    """
    What a character beyond ASCII is a form of: full-width, mathematical, superscript, ligature, other scripts' digits; `None`: of nothing.
    """
    if (more := _MORE.get(character)) is not None:
        return more
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    plain = unicodedata.normalize("NFKC", character)
    return plain if plain != character else None


def telling(character: str) -> bool:
    """
    Whether this character alone is worth a view: full-width commas of Chinese prose, dashes and ellipses are not.
    """
    plain = folded(character)
    return plain is not None and character not in _MORE and plain != "..." and _TELLING.match(plain) is not None


def is_hidden(character: str) -> bool:
    return _IS_HIDDEN.match(character) is not None
