"""
One channel of an answer: text that comes in pieces, and leaves with values in the place of placeholders.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from excise.privacy.restore.live import Counts, Live
from excise.privacy.restore.nesting import Nesting

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_ESCAPED = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')
_FIRST = re.compile(r"[^ \t\r\n]")
_START, _START_BYTES = attrgetter("start"), attrgetter("start_bytes")


def escape(text: str, depth: int = 1) -> str:
    """
    `text` as it stands inside a JSON string, `depth` strings deep. Only what must be escaped is, and half surrogate
    pairs, which UTF-8 does not have.
    """
    for _ in range(depth):
        text = _ESCAPED.sub(lambda found: _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04x}", text)
    return text


class Change(NamedTuple):
    """
    What becomes of a piece of text. Offsets in code points of what was held before and the piece together.

    Attributes:
        edits: (start, end, text to stand there), ascending.
        kept: Up to where it leaves; the rest is held.
    """

    edits: list[tuple[int, int, str]]
    kept: int


class Shift(NamedTuple):
    """
    A replacement that moved what follows it: where it stood in the provider's text, and how long it is now, in code points and in UTF-8.
    """

    start: int
    end: int
    length: int
    start_bytes: int
    end_bytes: int
    length_bytes: int


_GROWTH = 4 << 20
_GROWTH_PER_BYTE = 8


@dataclass(slots=True)
class Growth:
    """
    How many characters one answer may still grow by: what an upstream answers with one long value's placeholder, again and again, would
    else become a hundred times as long.
    """

    left: int = _GROWTH

    def received(self, size_bytes: int) -> None:
        """
        So much more of the answer has come.
        """
        self.left += _GROWTH_PER_BYTE * size_bytes


class Flow:
    """
    Restores one channel. Holds back only the longest end that may be the beginning of a live token, so at most a token's length
    (escapes of JSON counted as the characters they stand for), and nothing where nothing is begun.

    A backslash that ends a piece of JSON is not held, though `\\u0045` may come of it: where it does, the value's first character is
    written as such an escape too, for which the backslash has left already.

    Attributes:
        held: The text held back.
        held_raw: The bytes it came in, as they stand inside a JSON string of a frame. Kept by the caller.
        shifts: Where the text changed its length so far.

    Args:
        live: What to look for.
        counts: Added to.
        certain: The text is meant to be JSON.
        growth: Of the answer; past it placeholders stay. `None`: no limit.
    """

    __slots__ = (
        "_before",
        "_certain",
        "_counts",
        "_growth",
        "_json",
        "_live",
        "_nesting",
        "_place",
        "_place_bytes",
        "_slashes",
        "held",
        "held_raw",
        "shifts",
    )

    def __init__(self, live: Live, counts: Counts, *, certain: bool = False, growth: Growth | None = None) -> None:
        self._live = live
        self._growth = growth
        self._counts = counts
        self._certain = certain
        self._json: bool | None = True if certain else None  # None: nothing but blanks so far
        self._nesting = Nesting(certain=certain) if live.special else None
        self._before = ""
        self._slashes = 0  # at the end of what has left
        self._place = 0
        self._place_bytes = 0
        self.held = ""
        self.held_raw = b""
        self.shifts: list[Shift] = Shifts()

    @property
    def watchful(self) -> bool:
        """
        Whether what has left may turn out to be the backslash of an escaped token.
        """
        return self._slashes > 0 and bool(self._json)

    def skim(self, text: str) -> None:
        """
        Go over text in which nothing can be found and nothing begins, and which has left already.
        """
        self._pass(text)

    def feed(self, text: str, *, final: bool = False) -> Change | None:
        """
        What becomes of the next piece; `None` where it leaves as it is and nothing was or is held.

        Args:
            text: The piece.
            final: Nothing follows in this channel: nothing is held any more.
        """
        whole = self.held + text if self.held else text
        if self._json is None and (first := _FIRST.search(whole)):
            self._json = first[0] in "{["
        live, escaped = self._live, bool(self._json)
        gone = self._slashes if escaped and whole.startswith("u") else 0
        text = "\\" * gone + whole
        found = live.find(text, before=self._before, escaped=escaped, final=final, counts=self._counts)
        after = found[-1].end if found else 0
        held = 0
        if not final:
            held = live.open_end(text[after:] if after else text, before=text[after - 1] if after else self._before, escaped=escaped)
            held = min(held, len(whole))
        if not found and not held and not self.held:
            self._pass(whole)
            return None
        edits = []
        at = 0
        for begin, stop, value in found:
            start, end = max(0, begin - gone), stop - gone
            self._pass(whole[at:start])
            depth = self._nesting.depth if self._nesting is not None else 0
            written = escape(value, depth) if depth else value
            if begin < gone:
                written = _without_slashes(value, gone, depth)
            if not self._may_grow(len(written) - (end - start)):
                at = start
                continue
            self._shift(whole[start:end], written)
            self._pass(whole[start:end])
            edits.append((start, end, written))
            at = end
        kept = len(whole) - held
        self._pass(whole[at:kept])
        self.held = whole[kept:]
        return Change(edits, kept)

    def _may_grow(self, by: int) -> bool:
        if self._growth is None or by <= 0:
            return True
        if by > self._growth.left:
            self._counts.restored -= 1
            self._counts.too_much += 1
            return False
        self._growth.left -= by
        return True

    def _pass(self, text: str) -> None:
        if not text:
            return
        if self._json is None and (first := _FIRST.search(text)):
            self._json = first[0] in "{["
        self._before = text[-1]
        if text[-1] == "\\":
            bare = text.rstrip("\\")
            self._slashes = len(text) - len(bare) + (self._slashes if not bare else 0)
        else:
            self._slashes = 0
        self._place += len(text)
        self._place_bytes += len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if self._nesting is not None:
            self._nesting.feed(text)

    def _shift(self, token: str, written: str) -> None:
        ends, ends_bytes = self._place + len(token), self._place_bytes + len(token)
        length_bytes = len(written.encode("utf-8", "surrogatepass"))
        self.shifts.append(Shift(self._place, ends, len(written), self._place_bytes, ends_bytes, length_bytes))


def _without_slashes(value: str, slashes: int, depth: int) -> str:
    """
    The value inside a JSON string, its first character as an escape whose backslashes have been written already.
    """
    first = value[0].encode("utf-16-be", "surrogatepass").hex()
    units = (f"u{first[at : at + 4]}" for at in range(0, len(first), 4))
    return ("\\" * slashes).join(units) + escape(value[1:], depth)


class Shifts(list[Shift]):
    """
    Replacements in ascending order, only ever appended to; knows how far each has moved what follows it.
    """

    __slots__ = ("_moved",)

    def __init__(self, shifts: Iterable[Shift] = ()) -> None:
        super().__init__(shifts)
        self._moved: list[tuple[int, int]] = []  # by all before each: code points, bytes

    def moved_before(self, index: int) -> tuple[int, int]:
        """
        By how much the replacements before this one have moved it: in code points, in bytes.
        """
        moved = self._moved
        while len(moved) <= index:
            if not moved:
                moved.append((0, 0))
                continue
            last, (signs, count) = self[len(moved) - 1], moved[-1]
            moved.append((signs + last.length - last.end + last.start, count + last.length_bytes - last.end_bytes + last.start_bytes))
        return moved[index]


def shifted(place: int, shifts: Shifts, *, in_bytes: bool = False, end: bool = False) -> int:
    """
    Where a place of the provider's text is now. A place inside a token goes to the begin of the value, an end to its end.
    """
    index = bisect_left(shifts, place, key=_START_BYTES if in_bytes else _START) - 1
    if index < 0:
        return place
    shift = shifts[index]
    moved = shifts.moved_before(index)[in_bytes]
    start, stop, length = (shift.start_bytes, shift.end_bytes, shift.length_bytes) if in_bytes else (shift.start, shift.end, shift.length)
    if place >= stop:
        return place + moved + length - (stop - start)
    return start + moved + (length if end else 0)
