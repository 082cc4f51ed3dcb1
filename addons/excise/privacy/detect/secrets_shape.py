"""
How rules for tokens with a published shape are written: prefix, characters, length, and what may stand around them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from excise.privacy.detect.detector import Detector


class Charset(NamedTuple):
    """
    The characters of a token's body.
    """

    one: str  # expression of one of them
    sample: str  # some of them, no two neighbours of one class: what made-up samples are cut from


LOWER = Charset("[a-z0-9]", "k7q2z9x4v8m3t6w1p5h0d7s2r9j4b8")
UPPER = Charset("[A-Z0-9]", "K7Q2Z9X4V8M3T6W1P5H0D7S2R9J4B8")
LETTERS = Charset("[A-Za-z]", "kQzXvMtWpHdSrJbYfGnLcDgRwTeUaKi")
ALNUM = Charset("[A-Za-z0-9]", "k7Qz9Xv8M3tW1pH0dS2rJ4bY5fG6nL")
WORD = Charset("[A-Za-z0-9_-]", "k7Qz9Xv8M3tW1pH-dS2rJ4b_5fG6nL")
WIDE = Charset("[A-Za-z0-9_=-]", WORD.sample)
BASE64 = Charset("[A-Za-z0-9+/]", "k7Qz9Xv8M3tW1pH+dS2rJ4b/5fG6nL")
HEX = Charset("[0-9A-Fa-f]", "3f9a0c7e1b8d5a2f6c4e9b0d7a1c5e")
UUID = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
A_UUID = "3f9a0c7e-1b8d-4a2f-9c4e-9b0d7a1c5e2f"

# What looks like a letter in front of a token may be the end of an escape: `\n` of two characters, `%3D`, `=`, `\x3d`, a terminal's
# colour.
ESCAPED = r"(?<=\\[nrtbf])|(?<=%[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4})|(?<=\\x[0-9A-Fa-f]{2})|(?<=\x1b\[[0-9]m)|(?<=\x1b\[[0-9]{2}m)"
# A hash is no key, however it begins: `sha256=…` in the lists of packages.
_NO_HASH = "(?<!sha256=)(?<!sha384=)(?<!sha512=)"
# For prefixes that hold a separator themselves: chance does not write them into base64.
OPEN = rf"(?:(?<![A-Za-z0-9])|{ESCAPED})"
# For short ones, and for words: they may not stand inside base64, base64url, or a longer name.
CLOSED = rf"(?:(?<![A-Za-z0-9_+-]){_NO_HASH}|{ESCAPED})"
# For those of letters and digits alone, which base64 has everywhere; a URL's path is told by its colon.
LONE = rf"(?:(?<![A-Za-z0-9_+/-]){_NO_HASH}|(?<=://)|{ESCAPED})"
LONE_END = "(?![A-Za-z0-9_+/=-])"


_PIECE = re.compile(r"[A-Za-z0-9]{16,}")
# Least share of the places between two characters at which a random text changes its kind. All three kinds change at 0.62 of them,
# letters alone at 0.5, letters of one case and digits at 0.4; camel case at 0.2 to 0.3, words with numbers at 0.1.
_CHANGES = {7: 0.33, 3: 0.42, 5: 0.14, 6: 0.14}


def sample(charset: Charset, length: int) -> str:
    """
    A made-up body, always the same.
    """
    letters = charset.sample
    return (letters * (length // len(letters) + 1))[:length]


def varied(text: str) -> bool:
    """
    False for stand-ins such as `xxxxxxxx`: what has fewer than three different characters is nobody's key.
    """
    return len(set(text)) > 2


def scrambled(text: str) -> bool:
    """
    Whether `text` changes between small, capital and digit about as often as random characters do. Words, names and numbers do not.

    Of 20 random letters and digits one in a few thousand is taken for words; of 20 random small letters and digits one in a hundred.
    """
    changes, last, seen, count = 0, 0, 0, 0
    for character in text:
        kind = 1 if character.islower() else 2 if character.isupper() else 4 if character.isdigit() else 0
        if kind:
            changes += kind != last
            last = kind
            seen |= kind
            count += 1
    return (seen in _CHANGES and changes - 1 >= (count - 1) * _CHANGES[seen]) or any(map(_long_and_mixed, _PIECE.findall(text)))


def _long_and_mixed(piece: str) -> bool:
    # `abcdefghijklmnop0123`, as made-up keys of documentation and tests are: too long for a word, and with digits.
    return len(set(piece)) > 9 and sum(map(str.isdigit, piece)) > 1 and any(map(str.isalpha, piece))


_END = "(?![A-Za-z0-9])"


def token(
    name: str,
    prefix: str | tuple[str, ...],
    charset: Charset,
    length: int | tuple[int, int],
    *,
    suffix: str = "",
    left: str = OPEN,
    words: bool = False,
    entity: str = "API_KEY",
    misses: tuple[str, ...] = (),
) -> Detector:
    """
    The rule for `prefix`, then `length` of `charset`, then `suffix`, and no further character of the set.

    Args:
        name: Of the rule.
        prefix: One, or several with the same body. Literal, case-sensitive.
        charset: Of the body.
        length: Exact, or (least, most).
        suffix: Literal, behind the body.
        left: What may stand in front.
        words: Other things than keys begin with this prefix, so the body must be scrambled too.
        entity: As of `Detector`.
        misses: Besides one that is too short and one inside a word, which every rule gets.
    """
    prefixes = (prefix,) if isinstance(prefix, str) else prefix
    least, most = (length, length) if isinstance(length, int) else length
    heads = "|".join(re.escape(one) for one in prefixes)
    end = f"(?!{charset.one}|[_-])"  # a run of base64url goes on behind a chance hit
    if left is CLOSED and all(map(str.isalnum, prefixes)):
        left, end = LONE, LONE_END
    count = f"{{{least}}}" if least == most else f"{{{least},{most}}}"
    looks = scrambled if words else varied
    hits = [one + sample(charset, size) + suffix for one in prefixes for size in sorted({least, min(most, 200)})]
    return Detector(
        name=name,
        entity=entity,
        pattern=f"{left}(?:{heads})(?P<body>{charset.one}{count}){re.escape(suffix)}{end}",
        keywords=tuple(sorted({one.lower() for one in prefixes})),
        validate=lambda match: looks(match["body"]),
        hits=tuple(hits),
        misses=(*misses, prefixes[0] + sample(charset, least - 1), "a" + hits[0], prefixes[0] + "x" * least + suffix),
    )


def shaped(
    name: str,
    pattern: str,
    keyword: str | tuple[str, ...],
    *hits: str | tuple[str, str],
    left: str = OPEN,
    right: str = _END,
    reach: tuple[int, int] | None = None,
    words: bool = False,
    entity: str = "API_KEY",
    misses: tuple[str, ...] = (),
) -> Detector:
    """
    The rule for a shape that is more than prefix and body.

    Args:
        name: Of the rule.
        pattern: Of the token; its group `value`, where there is one, is what is found, its group `body` what must be varied.
        keyword: As of `Detector`.
        hits: As of `Detector`.
        left: What may stand in front.
        right: What may stand behind.
        reach: As of `Detector`. One that begins at the keyword takes it for context, which may be the value's key.
        words: The body must be scrambled too.
        entity: As of `Detector`.
        misses: As of `Detector`.
    """
    looks = scrambled if words else varied
    if left is LONE and right is _END:
        right = LONE_END
    group: str | int = "body" if "(?P<body>" in pattern else "value" if "(?P<value>" in pattern else 0
    return Detector(
        name=name,
        entity=entity,
        pattern=f"{left}(?:{pattern}){right}",
        keywords=(keyword,) if isinstance(keyword, str) else keyword,
        reach=reach,
        across_key=reach is not None and not reach[0],
        validate=lambda match: looks(match[group]),
        hits=hits,
        misses=misses,
    )
