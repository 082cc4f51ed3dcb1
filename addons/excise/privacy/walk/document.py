"""
The one text all strings of a request are joined to, and the way back from its places to theirs.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from excise.privacy.detect.detector import ELEMENT_END, KEY_END
from excise.privacy.walk.layer import Layer, Trail

if TYPE_CHECKING:
    from excise.privacy.walk.tree import Tree


class Piece(NamedTuple):
    """
    A stretch of the document, up to the next piece: `key KEY_END value ELEMENT_END`, or without the key.
    """

    source: Tree | Layer
    shift: int  # of the value in the piece: the length of the key and its end
    offset: int = 0  # of the value in the layer's text; of a number in a tree: which string its key is
    ordinal: int = 0  # of a tree: which string (or number) the value is
    trail: Trail = None  # of the container
    step: str | int = 0
    kind: int = 0  # bits, below


OWN_KEY = 1  # the key in front is this value's own; else it is repeated context, and not to be reported again
NUMBER = 2
SIGNED = 4
KEY_ALONE = 8  # the key of a container


class Document:
    """
    Text under construction, in chunks: the request's own strings first, then views of those, views of views.
    """

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.starts: list[int] = []
        self.pieces: list[Piece] = []
        self.length = 0
        self.chunks: list[str] = []
        self._chunk_starts: list[int] = []
        self._runs: dict[int, list[tuple[int, int, bool]]] = {}  # id of a layer -> its long runs, ascending: start, end, by chance

    def put(self, layer: Layer, key: str = "", start: int = 0, end: int | None = None) -> None:
        """
        Add text[start:end] of a layer, with the key it stands under as context.
        """
        text = layer.text if not start and end is None else layer.text[start:end]
        head = f"{key}{KEY_END}" if key else ""
        self.starts.append(self.length)
        self.pieces.append(Piece(layer, len(head), start))
        self.parts.append(f"{head}{text}{ELEMENT_END}")
        self.length += len(head) + len(text) + 1

    def keep_run(self, layer: Layer, start: int, end: int, *, by_chance: bool) -> None:
        """
        Note a long run that is in the document, and was looked into.

        Args:
            by_chance: What is found inside it, past its first character, is chance.
        """
        self._runs.setdefault(id(layer), []).append((start, end, by_chance))

    def knows_run(self, layer: Layer, start: int) -> bool:
        """
        Whether a long run begins there that was looked into.
        """
        run = self._run(layer, start)
        return run is not None and run[0] == start

    def is_chance(self, layer: Layer, start: int, end: int) -> bool:
        """
        Whether a place is strictly inside a long run where findings are chance.
        """
        run = self._run(layer, start)
        return run is not None and run[2] and run[0] < start and end <= run[1]

    def _run(self, layer: Layer, place: int) -> tuple[int, int, bool] | None:
        known = self._runs.get(id(layer))
        if known is None or not (at := bisect_right(known, place, key=lambda run: run[0])):
            return None
        return known[at - 1]

    def close_chunk(self) -> tuple[str, int]:
        """
        End a chunk: its text, and where in the document it begins.
        """
        chunk = "".join(self.parts)
        self.parts.clear()
        begin = self.length - len(chunk)
        self.chunks.append(chunk)
        self._chunk_starts.append(begin)
        return chunk, begin

    def find(self, place: int) -> int:
        """
        The index of the piece a place of the document is in.
        """
        return bisect_right(self.starts, place) - 1

    def bounds(self, index: int) -> tuple[int, int]:
        """
        Where a piece begins and ends, its end mark not counted.
        """
        return self.starts[index], (self.starts[index + 1] if index + 1 < len(self.starts) else self.length) - 1

    def slice(self, start: int, end: int) -> str:
        """
        Part of a chunk that is closed.
        """
        at = bisect_right(self._chunk_starts, start) - 1
        begin = self._chunk_starts[at]
        return self.chunks[at][start - begin : end - begin]

    def resolve(self, start: int, end: int) -> tuple[Layer, int, int] | None:
        """
        The layer a place of the document belongs to, and the place there; `None` for separators and for repeated context.
        """
        index = self.find(start)
        first, last = self.bounds(index)
        piece = self.pieces[index]
        source = piece.source
        end = min(end, last)
        value = first + piece.shift
        if start >= value:
            if start >= end:
                return None
            if isinstance(source, Layer):
                return source, start - value + piece.offset, end - value + piece.offset
            # Made once: its text may be long, and looked for often.
            layer = source.known(piece) or source.layer(piece, self.slice(value, last))
            return layer, start - value, end - value
        end = min(end, value - 1)
        if isinstance(source, Layer) or not piece.kind & OWN_KEY or start >= end:
            return None
        return source.key_layer(piece, self.slice(first, value - 1)), start - first, end - first
