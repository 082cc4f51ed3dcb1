"""
The placeholders that may come back in an answer, made ready to be looked for.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, NoReturn

import ahocorasick_rs

from excise.privacy.detect.gate import ascii_lower
from excise.privacy.placeholder import CODES, LENGTH

_SHORTEST, _LONGEST = min(map(len, CODES)), max(map(len, CODES))
_FEWEST_SIGNS = LENGTH - 1 - _LONGEST  # of an id
_UNDERSCORE = re.compile(rf"_(?=[0-9A-Za-z]{{{_FEWEST_SIGNS}}})")
_MOST_BACKSLASHES = 8  # before an underscore: Markdown's one, doubled by each level of JSON inside JSON
_WORD = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_\\")
_FEWEST_FOLDED = 2  # see Live.open_end

# A character of a placeholder as JSON may escape it, at any depth of JSON inside JSON; and the beginning of one.
_ESCAPE = re.compile(r"\\{1,15}u00(3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff])")
_ESCAPE_BEGUN = re.compile(r"\\{1,15}(?:u(?:0(?:0(?:[3-7])?)?)?)?\Z")

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_NEEDS_ESCAPE = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')


class Match(NamedTuple):
    """
    A placeholder in a text: offsets in code points, end exclusive.
    """

    start: int
    end: int
    value: str


@dataclass(slots=True)
class Counts:
    """
    What became of the placeholders in one answer.

    Attributes:
        restored: Turned back.
        damaged: Of the form of a placeholder, but not made by us: a model copied it wrongly, or invented it. Left as it is.
        unknown: Made by us, but for another conversation, or its value is forgotten. Left as it is.
        too_much: Live, but the answer would have grown beyond its bound (4 MiB and eight times what came). Left as it is.
    """

    restored: int = 0
    damaged: int = 0
    unknown: int = 0
    too_much: int = 0


class Live:
    """
    Finds live tokens (placeholders, and surrogates of other forms) in text. Immutable.

    A placeholder is recognised exactly, in another case, or with a backslash before its underscore (Markdown); nothing vaguer, since two
    values must never be mistaken for each other. In another case it is one only where no letter or digit stands before it.

    Args:
        tokens: Token -> value.
        own: Says of a text of a placeholder's form whether we made it; only counts depend on it. Without it
            all that is not live is damaged.
    """

    __slots__ = (
        "_longest_other",
        "_others",
        "_others_automaton",
        "_others_sorted",
        "_own",
        "_placeholders",
        "_sorted",
        "heads",
        "interesting",
        "may_hold",
        "numbers",
        "special",
    )

    def __init__(self, tokens: Mapping[str, str], *, own: Callable[[str], bool] | None = None) -> None:
        self._placeholders = {token: value for token, value in tokens.items() if _has_form(token)}
        self._others = {token.lower(): value for token, value in tokens.items() if token not in self._placeholders}
        self._sorted = sorted(self._placeholders)
        self._others_sorted = sorted(self._others)
        self._longest_other = max(map(len, self._others), default=0)
        self._others_automaton = (
            ahocorasick_rs.AhoCorasick(self._others_sorted, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest, store_patterns=False)
            if self._others
            else None
        )
        self._own = own
        self.heads = frozenset(token[: token.index("_")] for token in self._sorted)
        self.numbers = {token: value for token, value in self._others.items() if _NUMBER.fullmatch(token)}
        self.special = any(map(_NEEDS_ESCAPE.search, tokens.values()))  # some value looks different inside a JSON string
        self.interesting, self.may_hold = _searches(self.heads) if not self._others else (_always, _always)

    def __bool__(self) -> bool:
        return bool(self._placeholders or self._others)

    def __repr__(self) -> str:
        return f"<Live: {len(self._placeholders) + len(self._others)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("live placeholders hold values and are not serialised")

    def find(self, text: str, *, before: str = "", escaped: bool = False, final: bool = True, counts: Counts | None = None) -> list[Match]:
        """
        Tokens in `text`, ascending.

        Args:
            text: To be searched.
            before: The character that stood before it; empty at the very beginning.
            escaped: `text` may be JSON, whose strings may spell a character as `\\u0045`.
            final: Nothing follows. Else a surrogate that ends in a digit is not one while the next character is not known.
            counts: Added to.
        """
        if escaped and _ESCAPE.search(text):
            view, places = _unescaped(text)
            found = self._find(view, before, final, counts)
            return [Match(places[start], places[end], value) for start, end, value in found]
        return self._find(text, before, final, counts)

    def may_stand_in(self, text: str) -> bool:
        """
        Quickly: whether a whole token can stand in `text`.
        """
        return "_" in text or bool(self._others) or "\\u00" in text

    def _find(self, text: str, before: str, final: bool, counts: Counts | None) -> list[Match]:
        found = list(self._find_placeholders(text, before, counts)) if "_" in text else []
        if self._others_automaton is not None:
            found = _merged(found, self._find_others(text, before, final))
        if counts is not None:
            counts.restored += len(found)
        return found

    def _find_placeholders(self, text: str, before: str, counts: Counts | None) -> Iterator[Match]:
        last = 0
        for underscore in _UNDERSCORE.finditer(text):
            at = underscore.start()
            head_end = at
            while head_end > last and text[head_end - 1] == "\\" and at - head_end < _MOST_BACKSLASHES:
                head_end -= 1
            looked_like = ""
            for length in range(min(_LONGEST, head_end - last), _SHORTEST - 1, -1):
                start, end = head_end - length, at + LENGTH - length
                head, sign = text[start:head_end], text[at + 1 : end]
                token = f"{head}_{sign}".upper()
                if len(sign) != LENGTH - 1 - length or not (token.isascii() and sign.isalnum() and head.upper() in CODES):
                    continue
                value = self._placeholders.get(token)
                exact = token == f"{head}_{sign}"
                if value is not None and (exact or not (text[start - 1] if start else before).isalnum()):
                    last = end
                    yield Match(start, end, value)
                    looked_like = ""
                    break
                if exact:
                    looked_like = token
            if looked_like and counts is not None:
                if self._own is not None and self._own(looked_like):
                    counts.unknown += 1
                else:
                    counts.damaged += 1

    def _find_others(self, text: str, before: str, final: bool) -> Iterator[Match]:
        assert self._others_automaton is not None
        lowered = ascii_lower(text)
        if not lowered.isascii():
            lowered = lowered.encode("utf-8", "replace").decode()  # lone surrogates: the search takes UTF-8; length stays
        for index, start, end in self._others_automaton.find_matches_as_indexes(lowered):
            token = self._others_sorted[index]
            left = text[start - 1] if start else before
            if left.isalnum() and (token[0].isalnum()):
                continue
            if token[-1].isdigit() and (text[end].isdigit() if end < len(text) else not final):
                continue
            yield Match(start, end, self._others[token])

    def open_end(self, text: str, *, before: str = "", escaped: bool = False) -> int:
        """
        Length of the longest end of `text` that may be the beginning of a live token; 0 where what follows cannot make one of it.

        In another case than its own it counts from two letters on, and at the beginning of a word only: a lone `a` at the end of a piece is
        a word, not the beginning of `address_…`.

        Args:
            text: What follows the last token found.
            before, escaped: As for `find`.
        """
        if not text:
            return 0
        if escaped and "\\" in text[-20:] and (begun := _ESCAPE_BEGUN.search(text)) is not None:
            core = self._open_in_json(text[: begun.start()], before)
            # Backslashes alone begin nothing yet: most are those of a quote or a line feed. They are remembered instead (see `flow`).
            return len(text) - core if core < begun.start() or begun[0][-1] != "\\" else 0
        return len(text) - (self._open_in_json(text, before) if escaped else self._open(text, before))

    def _open_in_json(self, text: str, before: str) -> int:
        if "u00" in text and _ESCAPE.search(text, max(0, len(text) - LENGTH * 20)):
            view, places = _unescaped(text)
            return places[self._open(view, before)]
        return self._open(text, before)

    def _open(self, text: str, before: str) -> int:
        """
        Where the open end begins; the length of `text` where there is none.
        """
        length = len(text)
        best = length
        if length and text[-1] in _WORD:
            for start in range(max(0, length - LENGTH - _MOST_BACKSLASHES + 1), length):
                if self._begins(text[start:], text[start - 1] if start else before):
                    best = start
                    break
        if self._others_sorted and length:
            tail = ascii_lower(text[max(0, length - self._longest_other) :])
            first = length - len(tail)
            for start in range(first, best):
                piece = tail[start - first :]
                left = text[start - 1] if start else before
                if not (left.isalnum() and piece[0].isalnum()) and _is_prefix(piece, self._others_sorted):
                    return start
        return best

    def _begins(self, piece: str, left: str) -> bool:
        if piece[0] not in _WORD or piece[0] in "_\\":
            return False
        head, slash, rest = piece.partition("\\")
        if slash:
            rest = rest.lstrip("\\")
            if head.upper() not in self.heads or (rest and rest[0] != "_"):
                return False
            piece = head + (rest or "_")
        if len(piece) >= LENGTH or not piece.isascii():
            return False
        if _is_prefix(piece, self._sorted):
            return True
        return len(piece) >= _FEWEST_FOLDED and not left.isalnum() and _is_prefix(piece.upper(), self._sorted)


def _has_form(token: str) -> bool:
    head, _, sign = token.partition("_")
    return len(token) == LENGTH and head in CODES and sign.isalnum() and sign.isascii() and token == token.upper()


def _always(data: bytes) -> object:
    return True


def _is_prefix(piece: str, tokens: list[str]) -> bool:
    at = bisect_left(tokens, piece)
    return at < len(tokens) and tokens[at].startswith(piece)


def _merged(one: list[Match], other: Iterable[Match]) -> list[Match]:
    merged: list[Match] = []
    for match in sorted([*one, *other]):
        if not merged or match.start >= merged[-1].end:
            merged.append(match)
    return merged


def _unescaped(text: str) -> tuple[str, list[int]]:
    """
    `text` with the escapes of letters, digits and underscores undone, and where each character of that began (one more for the end).
    """
    parts: list[str] = []
    places: list[int] = []
    at = 0
    for escape in _ESCAPE.finditer(text):
        parts.append(text[at : escape.start()])
        places.extend(range(at, escape.start() + 1))
        parts.append(chr(int(escape[1], 16)))
        at = escape.end()
    parts.append(text[at:])
    places.extend(range(at, len(text) + 1))
    return "".join(parts), places


Search = Callable[[bytes], object]


@lru_cache(maxsize=256)  # by sets of codes, of which there are few; nothing of a value is kept
def _searches(heads: frozenset[str]) -> tuple[Search, Search]:
    """
    Two searches over the bytes of a JSON document. The first finds nothing where no string of it can hold a token or end in an open one;
    the second finds nothing where none can hold a whole token.

    Anchored at bytes that are rare or few, with looks behind of fixed width, since this is run over every frame of every stream.
    """
    if not heads:
        return lambda data: False, lambda data: False
    by_head = {length: [head for head in sorted(heads) if len(head) == length] for length in sorted(set(map(len, heads)))}
    behind = [rb"(?<=(?i:%b)_)" % "|".join(same).encode() for same in by_head.values()]
    signs = rb"_(?:%b)(?:[0-9A-Za-z]{%d}|[0-9A-Za-z]*\")" % (b"|".join(behind), _FEWEST_SIGNS)
    begun = re.compile(_open_strings(heads)).search
    whole, escaped, slashed = re.compile(signs).search, re.compile(rb"u00[3-7]").search, re.compile(rb"\\_").search
    cut_escape = re.compile(rb"(?<!\\)(?:\\\\)+(?:u[0-9A-Fa-f]{0,3})?\"").search  # a string that ends inside an escape

    def interesting(data: bytes) -> object:
        return whole(data) or begun(data) or escaped(data) or (b"\\" in data and (slashed(data) or cut_escape(data)))

    def may_hold(data: bytes) -> object:
        return whole(data) or escaped(data) or slashed(data)

    return interesting, may_hold


def _open_strings(heads: frozenset[str]) -> bytes:
    """
    Expression for the end of a string of which the last letters begin one of `heads`.
    """
    by_length: dict[int, set[str]] = {}
    for head in heads:
        for length in range(1, len(head) + 1):
            by_length.setdefault(length, set()).add(head[:length])
    starts = {length: "|".join(sorted(of_length)).encode() for length, of_length in sorted(by_length.items())}
    behind = [rb"(?<=(?:%b)\")" % same for same in starts.values()]
    behind += [rb"(?<=[^0-9A-Za-z](?i:%b)\")" % same for length, same in starts.items() if length >= _FEWEST_FOLDED]
    last = "".join(sorted({sign for of_length in by_length.values() for start in of_length for sign in (start[-1], start[-1].lower())}))
    return rb"\"(?<=[%b]\")(?=[ \t\r\n]*[,}\]])(?:%b)" % (last.encode(), b"|".join(behind))
