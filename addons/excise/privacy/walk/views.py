"""
Where a text may hide another one, and the views that show it: of the neighbourhood only, so that ordinary text costs a few fast searches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from excise.privacy.detect.detector import ELEMENT_END, KEY_END
from excise.privacy.walk import disguise, runs
from excise.privacy.walk.candidates import candidates, class_text, is_hopeless
from excise.privacy.walk.coverage import Coverage
from excise.privacy.walk.document import Document
from excise.privacy.walk.layer import Layer, Place
from excise.privacy.walk.unfold import unfold

# Of a text, what a view shows before and after a place worth undoing: as far as a context word, or the rest of a long value, may stand.
_BEFORE, _AFTER = 96, 224
_STRIDE = 64  # the next place is looked for so much further on: the window holds what is between

# What makes an escape matter: it stands for any character, glues a letter to the word behind it, or stands around a value.
_ESCAPES = re.compile(
    r"\\(?:u[0-9a-fA-F{]|x[0-9a-fA-F]{2}|U000|[0-3][0-7]{2}|[nrtbfv](?=[\w+\\-])|[/_](?=\w)|@|\\{1,8}(?:[\"/u]|[nrt]\w)"
    r"|[\"'](?=[ \t]{0,4}[:=,}\])&;]|[\w+/-]))"
)
_PERCENTS = re.compile(r"%(?:[2-7][0-9a-fA-F]|0[aAdD]|u00|[c-fC-F][0-9a-fA-F]%)")
_ENTITIES = re.compile(r"&(?:#[0-9xX]|[A-Za-z][A-Za-z0-9]{1,30};)")
_QUOTEDS = re.compile(r"=(?:3D|[2-7][0-9A-F]=[2-7][0-9A-F]|[CD][0-9A-F]=[89AB][0-9A-F])")
_SOFT_BREAK = re.compile(r"=\r?\n(?=[^\s=])")
_SOFT_LINE = 56  # quoted-printable breaks lines at 76; `KEY=` at the end of a short line is something else
_PLAIN_GATES = (("\\", _ESCAPES), ("%", _PERCENTS), ("&", _ENTITIES))
_MARKS_INSIDE = re.compile(f"[{KEY_END}{ELEMENT_END}]")
_ASCII = bytes(range(128))
_HIDDEN_ASCII = re.compile(r"[\x00\x01\x04-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CONTROLS = bytes(code for code in (*range(0x20), 0x7F) if code not in b"\x02\x03\t\n\r")
_LINE_LENGTHS = range(56, 80)
_LONG_BLOCK = 16_384  # characters of a block from which on its beginning is judged alone


@dataclass(frozen=True, slots=True)
class Bounds:
    """
    Limits of what is unfolded for one request; past them the request counts as not understood.

    Attributes:
        rounds: How deep encodings are undone, one in another.
        block_depth: How many of them may be base64 or hex.
        views: Most views, for each megabyte of text.
        ratio: Most characters of views, for one of the text they show …
        floor: … or this many.
    """

    rounds: int = 4
    block_depth: int = 2
    views: int = 25_000
    ratio: int = 6
    floor: int = 1_000_000


class Views:
    """
    Adds to a document the views its strings need.

    Args:
        add_block: Puts a decoded layer into the document: as JSON where it is JSON, else as text.
    """

    def __init__(self, document: Document, coverage: Coverage, bounds: Bounds, add_block: Callable[[Layer, str], None]) -> None:
        self._document = document
        self._coverage = coverage
        self._bounds = bounds
        self._add_block = add_block
        self._views = 0
        self._limit = self._most = 0
        self._plain = b""  # of the chunk in hand, one byte a character
        self.by_scope: dict[int, list[Layer]] = {}  # id of a layer -> views beside it, for the places they share

    def grow(self) -> None:
        """
        Close the chunk under construction, add the views it needs, then the views of those.
        """
        document = self._document
        for round_ in range(self._bounds.rounds + 1):
            pieces = len(document.pieces)
            chunk, begin = document.close_chunk()
            if not chunk:
                return
            if not round_:
                self._limit = document.length + max(self._bounds.floor, self._bounds.ratio * len(chunk))
                self._most = max(self._bounds.views, self._bounds.views * len(chunk) // 1_000_000)
            self._plain = chunk.encode("ascii", "replace")
            windows = list(self._windows(chunk, begin))
            if round_ < self._bounds.rounds:
                self._unfold(windows)
                self._blocks(chunk, begin, nested=round_ > 0)
            if self._over:
                self._coverage.add_unknown("$", "encodings inside encodings, more than is undone", len(chunk))
                document.close_chunk()
                return
            if len(document.pieces) == pieces:
                return

    @property
    def _over(self) -> bool:
        return self._views > self._most or self._document.length > self._limit

    def _windows(self, chunk: str, begin: int) -> Iterator[tuple[int, int, bool]]:
        """
        Stretches of the chunk (offsets of the document), within one piece each, and whether they look like quoted-printable.
        """
        places = {place: False for gate, pattern in _PLAIN_GATES if gate in chunk for place in _spaced(pattern, chunk)}
        if "=" in chunk:
            places |= dict.fromkeys(_spaced(_QUOTEDS, chunk), True)
            for found in _SOFT_BREAK.finditer(chunk):
                line = chunk.rfind("\n", 0, found.start()) + 1
                if _SOFT_LINE <= found.start() - line <= 76 and chunk.rfind(ELEMENT_END, line, found.start()) < 0:
                    places[found.start()] = True
        places |= dict.fromkeys(self._disguised(chunk, begin), False)
        if not places:
            return
        document, last = self._document, -1
        start = end = -1
        quoted = False
        for place in sorted(places):
            at = begin + place
            if at >= last:  # of another piece, or of the value behind a key
                if start >= 0:
                    yield start, end, quoted
                start = -1
                index = document.find(at)
                first, last = document.bounds(index)
                value = first + document.pieces[index].shift
                if at < value:
                    last = value - 1
                else:
                    first = value
            if start >= 0 and at - _BEFORE <= end:
                end, quoted = min(last, at + _AFTER), quoted or places[place]
                continue
            if start >= 0:
                yield start, end, quoted
            start, end, quoted = max(first, at - _BEFORE), min(last, at + _AFTER), places[place]
        if start >= 0:
            yield start, end, quoted

    def _disguised(self, chunk: str, begin: int) -> Iterator[int]:
        if self._plain.translate(None, _CONTROLS) != self._plain:
            yield from _spaced(_HIDDEN_ASCII, chunk)
        yield from self._marks_inside(chunk, begin)
        if chunk.isascii():
            return
        # Without their ASCII, most texts are a few characters long.
        strange = set(chunk.encode("utf-8", "replace").translate(None, _ASCII).decode("utf-8", "replace"))
        for character in strange:
            if disguise.telling(character):
                yield from _spaced_literal(character, chunk)
            elif disguise.is_hidden(character):
                # Emoji are full of joiners and selectors; a word is not.
                yield from (place for place in _all(character, chunk) if place and " " < chunk[place - 1] < "\u2000")
        for character in strange.intersection(disguise.BETWEEN_DIGITS):
            # Typographers put these into telephone and account numbers.
            yield from (place for place in _all(character, chunk) if chunk[place - 1 : place].isdigit() and chunk[place + 1].isdigit())
        masks = strange & disguise.LOOKALIKES
        if sum(map(chunk.count, masks)) > len(chunk) // 128:
            yield from _spaced(disguise.MIXED, chunk)
        else:
            for character in masks:
                yield from (place for place in _all(character, chunk) if disguise.MIXED.search(chunk, max(0, place - 1), place + 2))

    def _marks_inside(self, chunk: str, begin: int) -> Iterator[int]:
        """
        A string may hold the very characters that separate strings in the document, to cut a value in two.
        """
        document = self._document
        first = document.find(begin)
        pieces = document.pieces[first:]
        if chunk.count(ELEMENT_END) == len(pieces) and chunk.count(KEY_END) == len(pieces) - [piece[1] for piece in pieces].count(0):
            return
        for index, piece in enumerate(pieces, first):
            start, end = document.bounds(index)
            for part, last in ((start, start + piece.shift - 1), (start + piece.shift, end)):
                position = part - begin
                while (found := _MARKS_INSIDE.search(chunk, position, max(position, last - begin))) is not None:
                    yield found.start()
                    position = found.start() + _STRIDE

    def _unfold(self, windows: list[tuple[int, int, bool]]) -> None:
        document = self._document
        for start, end, quoted in windows:
            found = document.resolve(start, end)
            if found is None:
                continue
            layer, first, last = found
            first, last = _to_blank(layer.text, first, last)
            unfolded = unfold(layer.text[first:last], quoted=quoted)
            if unfolded is None:
                continue
            if self._over:
                return
            text, codec = unfolded
            view = Layer(text, layer, (first, last), codec=codec, place=layer.place, trail=layer.trail, depth=layer.depth + 1)
            self._views += 1
            self.by_scope.setdefault(id(layer), []).append(view)
            document.put(view, self._key(start))

    def _blocks(self, chunk: str, begin: int, *, nested: bool) -> None:
        passed = block_end = width = 0
        classes = class_text(self._plain)
        for start, end in candidates(self._plain, classes):
            if start < passed:
                continue
            if start < block_end and end - start == width:
                # Any line of a block may be a candidate, and all of them end where the block does.
                whole = block_end
            elif (whole := _lines(chunk, classes, start, end)) > end + 2:
                block_end, width = whole, end - start
            if whole > end + 2 and self._block(begin + start, begin + whole, nested):
                passed = whole
            elif self._block(begin + start, begin + runs.padded(chunk, end), nested):
                passed = end
            if self._over:
                return

    def _block(self, start: int, end: int, nested: bool) -> bool:
        document = self._document
        if end - start > _LONG_BLOCK and is_hopeless("".join(document.slice(start, start + _LONG_BLOCK // 2).split())):
            return False
        text = document.slice(start, end)
        held = runs.look_short(text if "\n" not in text else "".join(text.split()))
        if held is None or held.text is None or held.codec is None:
            return False
        found = document.resolve(start, end)
        if found is None:
            return False
        layer, first, last = found
        if document.knows_run(layer, first):
            return True
        if nested and layer.codec.beside and not layer.codec.whole:
            # What the parent shows unchanged was looked into there.
            above, above_last = layer.up(first, last)
            if layer.parent is not None and layer.parent.text[above:above_last] == text:
                return True
        if layer.depth >= 8 or _block_depth(layer) >= self._bounds.block_depth:
            self._coverage.add_unknown(layer.path, "base64 inside base64, deeper than is undone", len(text))
            return True
        self._views += 1
        block = Layer(
            held.text,
            layer,
            (first, last),
            codec=held.codec,
            place=Place.BASE64,
            trail=layer.trail,
            depth=layer.depth + 1,
        )
        self._add_block(block, self._key(start))
        return True

    def _key(self, place: int) -> str:
        index = self._document.find(place)
        start = self._document.starts[index]
        shift = self._document.pieces[index].shift
        return self._document.slice(start, start + shift - 1) if shift and place >= start + shift else ""


def _block_depth(layer: Layer | None) -> int:
    depth = 0
    while layer is not None:
        depth += layer.place is Place.BASE64 and layer.codec.whole
        layer = layer.parent
    return depth


def _spaced(pattern: re.Pattern[str], text: str) -> Iterator[int]:
    """
    Where a pattern matches: in each string once every `_STRIDE` characters, for a window shows what is between.
    """
    position = 0
    while (found := pattern.search(text, position)) is not None:
        yield found.start()
        position = _further(text, found.start())


def _spaced_literal(literal: str, text: str) -> Iterator[int]:
    position = 0
    while (position := text.find(literal, position)) >= 0:
        yield position
        position = _further(text, position)


def _further(text: str, position: int) -> int:
    # Not over the end of a string: the next one needs its own window.
    further = position + _STRIDE
    for mark in (KEY_END, ELEMENT_END):
        if (end := text.find(mark, position, further)) >= 0:
            further = end + 1
    return max(further, position + 1)


def _all(literal: str, text: str) -> Iterator[int]:
    position = -1
    while (position := text.find(literal, position + 1)) >= 0:
        yield position


def _to_blank(text: str, start: int, end: int) -> tuple[int, int]:
    """
    A window widened to the next blanks, so that it cuts no word in two.
    """
    if start > 0:
        for mark in " \n\"'":
            if (blank := text.rfind(mark, max(0, start - 64), start)) >= 0:
                start = blank + 1
                break
    if end < len(text):
        for mark in " \n\"'":
            if (blank := text.find(mark, end, end + 128)) >= 0:
                end = blank
                break
    return start, end


def _lines(chunk: str, classes: bytes, start: int, end: int) -> int:
    """
    The end of a run with its padding, and with the lines after it where it is base64 in lines.
    """
    width = end - start
    end = runs.padded(chunk, end)
    while width in _LINE_LENGTHS and width % 4 == 0 and chunk.startswith(("\n", "\r\n"), end):
        following = end + (2 if chunk[end] == "\r" else 1)
        last = classes.find(b" ", following)
        last = len(classes) if last < 0 else last
        if not 0 < last - following <= width:
            break
        end = runs.padded(chunk, last)
        if last - following < width:
            break
    return end
