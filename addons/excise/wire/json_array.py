"""
A JSON array sent piece by piece: how Gemini streams without `alt=sse`.
"""

from __future__ import annotations

import re

from excise.errors import WireError
from excise.wire.frame import Frame

_SPACE = b" \t\r\n"
_OUTSIDE = re.compile(rb'["{}\[\]]')
_INSIDE = re.compile(rb'["\\]')
_LEADING = re.compile(rb"[ \t\r\n]*")


class JsonArrayDecoder:
    """
    Cut `[{…},\\n{…}]` (bytes, any chunking) into a frame an element, as soon as the element is whole.

    `raw` of a frame begins with the separators before its element (`[`, commas, blanks); the closing bracket is a frame without
    `data`. Only objects and arrays count as elements: a bare number or string goes with the separators.

    Args:
        limit: Most bytes held for one unfinished element.

    Raises:
        WireError: From `feed`, when the body is no array, goes on after its end, or an element outgrows `limit`. `abandon` then gives
            back what was held.
    """

    __slots__ = ("_depth", "_element", "_ended", "_held", "_in_string", "_limit", "_scanned", "cut")

    def __init__(self, limit: int) -> None:
        self.cut = False  # set by close: the closing bracket never came
        self._limit = limit
        self._held = bytearray()
        self._scanned = 0  # bytes of `_held` already looked at
        self._element = 0  # where in `_held` the open element begins
        self._depth: int | None = None  # None: before the array; 0: after it
        self._ended = False  # the frame of the closing bracket is given
        self._in_string = False

    def feed(self, chunk: bytes) -> list[Frame]:
        """
        Frames which `chunk` completes, in order.
        """
        self._held += chunk
        frames: list[Frame] = []
        try:
            self._scan(frames)
            if len(self._held) > self._limit:
                raise WireError("an element of the streamed array is longer than the limit")
        except WireError:
            # What is whole is given first; the fault shows again at the next call.
            if not frames:
                raise
        return frames

    def close(self) -> list[Frame]:
        """
        The rest, when the body has ended. Sets `cut` where the array was not closed.
        """
        self.cut = self._depth != 0
        return [Frame(rest)] if (rest := self.abandon()) else []

    def abandon(self) -> bytes:
        """
        The bytes held, after a fault.
        """
        rest = bytes(self._held)
        self._held.clear()
        self._scanned = 0
        return rest

    def _scan(self, frames: list[Frame]) -> None:
        held = self._held
        if self._depth is None and not self._open():
            return
        while self._depth:
            if self._in_string:
                token = _INSIDE.search(held, self._scanned)
                if token is None:
                    self._scanned = len(held)
                    return
                if token[0] == b"\\":
                    if token.end() == len(held):  # the escaped byte is yet to come
                        self._scanned = token.start()
                        return
                    self._scanned = token.end() + 1
                else:
                    self._scanned = token.end()
                    self._in_string = False
                continue
            token = _OUTSIDE.search(held, self._scanned)
            if token is None:
                self._scanned = len(held)
                return
            self._step(token[0], token.start(), frames)
        self._after(frames)

    def _open(self) -> bool:
        start = _LEADING.match(self._held).end()  # type: ignore[union-attr]  # matches the empty string too
        if start == len(self._held):
            return False
        if self._held[start] != ord("["):
            raise WireError("the stream is not a JSON array")
        self._depth = 1
        self._scanned = start + 1
        return True

    def _step(self, token: bytes, at: int, frames: list[Frame]) -> None:
        assert self._depth is not None
        self._scanned = at + 1
        if token == b'"':
            self._in_string = True
        elif token in b"{[":
            if self._depth == 1:
                self._element = at
            self._depth += 1
        else:
            self._depth -= 1
            if self._depth == 1:
                raw = bytes(self._held[: at + 1])
                frames.append(Frame(raw, None, raw[self._element :]))
                del self._held[: at + 1]
                self._scanned = 0

    def _after(self, frames: list[Frame]) -> None:
        # Blanks behind the closing bracket stay until `close`.
        if self._held[self._scanned :].strip(_SPACE):
            raise WireError("the stream goes on after its JSON array")
        if not self._ended:
            self._ended = True
            frames.append(Frame(bytes(self._held[: self._scanned])))
            del self._held[: self._scanned]
            self._scanned = 0
