"""
How identity numbers are found: by their own name beside them, or, where the shape cannot be anything else, without.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from excise.privacy.detect.detector import ELEMENT_END, KEY_END, Finding
from excise.privacy.detect.gate import ascii_lower
from excise.privacy.detect.tabular import cells

Check = Callable[[str], bool]

BEFORE = 40  # characters between a name and its number: "the social security number of my late father was"
BEHIND = 20  # characters between a number and its name: "943 476 5919 is my NHS number"
LONGEST = 40  # characters of a number with its separators
SHORT = 4  # a word this short must stand alone: "sin" is no part of "using"
DENSE = 50  # characters of text for a place of one rule: denser, and its numbers are looked for first, for the text is nothing but names
MOST_CELLS = 4_000  # cells of tables looked at for one rule in one text
HEAD = 12  # characters of a name the gate looks for: many long names begin alike
CHECKED = 70
NAMED = 50

_SYMBOLS = {"9": "[0-9]", "a": "[A-Z]", "x": "[0-9A-Z]", "~": "[ .\u00a0\u2013-]?", "|": "|", "?": "?", "(": "(?:", ")": ")"}
# What may not touch a number: it would be a part of something longer. A comma may, for lists and CSV.
_LEFT = r"(?<![0-9A-Za-z])(?<![0-9][./\u2013-])"
_RIGHT = r"(?![0-9A-Za-z])(?![./\u2013-][0-9])"
# What follows a short word: the gate need not stop at every "setting" for "tin"; the last ones as in `nifNr`. Two letters are a word
# only as a key or before a colon.
_ENDS = (*" :=\"'_-,;.\t\n|/#)(<\x02\x03", "s", "no", "nr", "num")
_ENDS_OF_TWO = (KEY_END, *":=\"',\n ")
_ASSIGNED = re.compile(
    r"""["'\])*]{0,3}[ ]{0,2}[:=\x02,;|\t\n]"""
    r"""|[ ]{1,2}(?:(?:is|es|est|ist|lautet|é|è|jest|no|nr|num|number|n°|nº|#)[ :.]|[A-Z]{0,6}[ -]?[0-9]"""
    r"""|(?:del?|du|of|van|von|do|da|der|des|di)[ ][\w ]{1,20}:)"""
)
_ABOUT = re.compile(r"[_ -]?(?i:pattern|regex|format|length|example|mask|prefix|type)")  # what stands behind says something about it
_TO_THE_NEXT = re.compile(r"[^\x02\x03]{0,12}\x03[^\x02\x03]{0,24}\x02")
_AND = re.compile(r"[,;]? (?:(?:and|or|und|oder|et|ou|y|e|o|en|og|och|i|&) )?|/|; ?")  # between numbers that share a name
_UNACCENTED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ß": "ss", "ı": "i", "æ": "ae", "ð": "d", "þ": "th"})


def expression(shape: str) -> str:
    """
    The expression of a shape: `9` a digit, `a` a letter, `x` either, `~` perhaps a separator, `|` and `(…)` and `?` as ever,
    `[…]` a class, the rest itself.
    """
    parts: list[str] = []
    at = 0
    while at < len(shape):
        sign = shape[at]
        if sign == "[":
            end = shape.index("]", at) + 1
            parts.append(shape[at:end])
            at = end
        elif sign == "{":
            end = shape.index("}", at) + 1
            parts.append(shape[at:end])
            at = end
        else:
            parts.append(_SYMBOLS.get(sign) or re.escape(sign))
            at += 1
    return "".join(parts)


def spellings(words: str) -> dict[str, bool]:
    """
    The ways words separated by `|` are written, lower case: with and without accents; in prose, as `snake_case` and as `camelCase`.
    A word that ends in a colon counts only where something is assigned to it (`True`).
    """
    found: dict[str, bool] = {}
    for entry in filter(None, words.split("|")):
        word = entry.removesuffix(":").replace("-", " ")
        bare = "".join(sign for sign in unicodedata.normalize("NFD", word) if not unicodedata.combining(sign)).translate(_UNACCENTED)
        for spelling in (word, bare) if bare.isascii() else (word,):
            for joint in (" ", "_", "-", "") if " " in spelling else ("",):
                spelt = spelling.replace(" ", joint)
                found[spelt] = entry.endswith(":") and found.get(spelt, True)
    return found


def literals(spelling: str) -> Iterator[str]:
    """
    What the gate looks for: it folds the case of ASCII alone.
    """
    if spelling.isascii():
        if len(spelling) <= SHORT and spelling.isalpha():
            yield from (spelling + end for end in (_ENDS if len(spelling) > 2 else _ENDS_OF_TWO))
        else:
            yield spelling[:HEAD]
    else:
        yield from {ascii_lower(written)[:HEAD] for written in (spelling, spelling.capitalize(), spelling.title(), spelling.upper())}


def _prefixes(words: Iterable[str]) -> tuple[str, ...]:
    """
    Those of them that begin with no other: what begins with another is found with it.
    """
    kept: list[str] = []
    for word in sorted(words):
        if not (kept and word.startswith(kept[-1])):
            kept.append(word)
    return tuple(kept)


@dataclass(slots=True)
class IdRule:
    """
    One kind of number, found beside its name.

    Attributes:
        name: As of `Rule`.
        entity: What it reports.
        shape: As of `expression`; any case is taken.
        check: Of what has the shape: check digits, dates. `None`: there is nothing to check.
        names: Words that are its own (separated by `|`, lower case; a colon behind one: only where something is assigned to it): beside
            one of them the shape is enough, for people type samples with wrong check digits.
        hints: Words it shares with other things: beside one of them the check must be right.
        alone: Shape that needs no name, if `check` is right; upper case only. Empty: there is none.
        strict: Beside its own name too the check must be right.
        headed: The gate looks for the first word of each name alone; for many names with few first words.
        certain: Weight of one whose check is right.
    """

    name: str
    entity: str
    shape: str
    check: Check | None = None
    names: str = ""
    hints: str = ""
    alone: str = ""
    strict: bool = False
    headed: bool = False
    certain: int = CHECKED
    _own: dict[str, bool] = field(default_factory=dict, repr=False)  # as of `spellings`
    _shared: dict[str, bool] = field(default_factory=dict, repr=False)
    _lengths: dict[str, tuple[int, ...]] = field(default_factory=dict, repr=False)  # of words, by their first two characters
    _longest: int = 0
    _keywords: tuple[str, ...] = ()
    _pattern: re.Pattern[str] | None = None

    def __post_init__(self) -> None:
        self._own, self._shared = spellings(self.names), spellings(self.hints)
        words = {*self._own, *self._shared}
        self._longest = max(map(len, words), default=0)
        lengths: dict[str, set[int]] = {}
        for word in words:
            lengths.setdefault(word[:2], set()).add(len(word))
        self._lengths = {head: tuple(sorted(known, reverse=True)) for head, known in lengths.items()}
        if self.headed:
            self._keywords = _prefixes({word.split(" ")[0] for word in words if " " in word})
        else:
            self._keywords = _prefixes({literal for word in words for literal in literals(word)})

    @property
    def entities(self) -> tuple[str, ...]:
        return (self.entity,)

    @property
    def words(self) -> frozenset[str]:
        """
        All its names and hints, as they are spelt.
        """
        return frozenset((*self._own, *self._shared))

    @property
    def keywords(self) -> tuple[str, ...]:
        return self._keywords

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        pattern = self._pattern
        if pattern is None:
            # Compiled at the first use: there are hundreds of rules, and most texts need none.
            pattern = self._pattern = re.compile(f"{_LEFT}(?:{expression(self.shape)}){_RIGHT}", re.IGNORECASE | re.ASCII)
        places = [place for place in places if begins(text, place)]  # a gate may have left the others out already
        if len(places) * DENSE > len(text) > 10_000:
            places = _near(places, [match.start() for match in pattern.finditer(text)])
        words = [(place, place + length, own) for place in places for length, own in (self._word(text, place),) if length]
        checked: dict[str, bool] = {}  # a check takes microseconds, and a number may stand near several words

        def right(number: str) -> bool:
            if self.check is None:
                return True
            if (answer := checked.get(number)) is None:
                answer = checked[number] = self.check(number)
            return answer

        seen: set[tuple[int, int]] = set()
        for start, end in self._numbers(pattern, text, words, right):
            if (start, end) not in seen:
                seen.add((start, end))
                weight = self.certain if self.check is not None and right(text[start:end]) else NAMED
                yield Finding(start, end, self.entity, self.name, weight)

    def _numbers(self, pattern: re.Pattern[str], text: str, words: list[tuple[int, int, bool]], right: Check) -> Iterator[tuple[int, int]]:
        cells_left = MOST_CELLS
        named = -BEFORE  # end of the last name, behind which the shape is enough
        before = 0  # end of the last word
        for at, (start, end, own) in enumerate(words):
            if own and not self.strict:
                named = end
            after = words[at + 1][0] if at + 1 < len(words) else len(text)
            heads = cells_left
            if cells_left > 0 and 0 <= text.find("\n", end, end + 2_000) < len(text) - 1:
                for first, last in cells(text, start):
                    cells_left -= 1
                    if (match := pattern.fullmatch(text, first, last)) and (named == end or right(match[0])):
                        yield first, last
            # What stands next to the head of a table is another head, and the next line's first number another column's.
            if cells_left == heads and not (yield from self._behind(pattern, text, end, after, named, right)):
                yield from self._ahead(pattern, text, max(before, start - BEHIND - LONGEST), start, right)
            before = end

    def _word(self, text: str, place: int) -> tuple[int, bool]:
        """
        How long the word at `place` is (0: it is none, or a part of another), and whether it is a name, not a hint.
        """
        if not begins(text, place):
            return 0, False
        around = text[place : place + self._longest].lower()
        for length in self._lengths.get(around[:2], ()):
            word = around[:length]
            own, shared = self._own.get(word), self._shared.get(word)
            if (
                (own is None and shared is None)
                or (length <= SHORT and not ends(text, place + length))
                or _ABOUT.match(text, place + length)
            ):
                continue
            assigned = (own or shared) and _ASSIGNED.match(text, place + length)
            if own is not None and (assigned or not own):
                return length, True
            if shared is not None and (assigned or not shared):
                return length, False
        return 0, False

    def _behind(
        self, pattern: re.Pattern[str], text: str, end: int, after: int, named: int, right: Check
    ) -> Generator[tuple[int, int], None, bool]:
        """
        Numbers behind the word that ends at `end`, in front of the next word: near it, and the next ones of a list. Returns whether there
        are any.
        """
        found, reach = False, end
        while match := pattern.search(text, reach, _stop(text, reach, BEFORE + LONGEST)):
            between = text[reach : match.start()]
            if match.start() >= after or len(between) > BEFORE or (found and not _AND.fullmatch(between)):
                break
            reach = match.end()
            if (not found and match.start() - named <= BEFORE) or right(match[0]):
                found = True
                yield match.span()
            elif found:
                break
        if not found and self.check is not None and (following := _next(pattern, text, end, right)):
            yield following.span()
            return True
        return found

    def _ahead(self, pattern: re.Pattern[str], text: str, floor: int, start: int, right: Check) -> Iterator[tuple[int, int]]:
        """
        Numbers in front of the word at `start`.
        """
        floor = max(floor, text.rfind(ELEMENT_END, floor, start) + 1, text.rfind(KEY_END, floor, start) + 1)
        for match in pattern.finditer(text, floor, start):
            if start - match.end() <= BEHIND and (right(match[0]) if self.check else _leads(text[match.end() : start])):
                yield match.span()


def begins(text: str, place: int) -> bool:
    """
    Whether a word begins at `place`; a hump of `camelCase` is a word.
    """
    first = text[place]
    if not place or not (before := text[place - 1]).isalnum():
        return True
    return _undivided(first) or _undivided(before) or (first.isupper() and not before.isupper())


def ends(text: str, place: int) -> bool:
    """
    Whether a word ends before `place`, if need be with the `s` of a plural.
    """
    if place >= len(text) or not (after := text[place]).isalpha() or _undivided(after) or _undivided(text[place - 1]):
        return True
    if after.isupper():
        return not text[place - 1].isupper()
    return (after == "s" and not text[place + 1 : place + 2].isalpha()) or text.startswith(("no", "nr", "num"), place)


def _undivided(sign: str) -> bool:
    """
    Whether it is of a script that does not divide words: East Asian ones, Thai.
    """
    return sign > "\u2e80" or "\u0e00" <= sign <= "\u0eff"


def _next(pattern: re.Pattern[str], text: str, end: int, right: Check) -> re.Match[str] | None:
    """
    The whole value of the next key, as in `{"type": "CPF", "value": "…"}`; its check must be right.
    """
    if not (gap := _TO_THE_NEXT.match(text, end)):
        return None
    match = pattern.match(text, gap.end())
    return match if match and text[match.end() : match.end() + 1] in ("", ELEMENT_END) and right(match[0]) else None


def _near(places: Sequence[int], numbers: list[int]) -> list[int]:
    """
    Those of a great many places near which something has the shape, and the first ones, which may head a table.
    """
    kept = list(places[:DENSE]) if numbers else []
    for place in places[len(kept) :] if numbers else ():
        at = bisect_left(numbers, place - BEHIND - LONGEST)
        if at < len(numbers) and numbers[at] <= place + BEFORE + LONGEST:
            kept.append(place)
    return kept


def _stop(text: str, place: int, reach: int) -> int:
    end = min(len(text), place + reach)
    bound = text.find(ELEMENT_END, place, end)
    return end if bound < 0 else bound


def _leads(between: str) -> bool:
    """
    Whether what stands between a number and a name behind it joins them: "123 (my SSN)", not "123, SSN: 456".
    """
    return not any(sign in between for sign in ",;:\n=|\t")
