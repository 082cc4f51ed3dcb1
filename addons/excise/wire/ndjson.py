"""
One JSON document a line: Ollama, Cohere v1, batch results.
"""

from __future__ import annotations

from excise.errors import WireError
from excise.wire.frame import Frame


class NdjsonDecoder:
    """
    Cut newline-delimited JSON (bytes, any chunking) into a frame a line. Blank lines are frames without `data`.

    The last line needs no line feed. Whether a line is JSON is the reader's question.

    Args:
        limit: Most bytes held for one unfinished line.

    Raises:
        WireError: From `feed`, when a line outgrows `limit`. `abandon` then gives back what was held.

    Source: github.com/ndjson/ndjson-spec, read 2026-11.
    """

    __slots__ = ("_held", "_limit", "cut")

    def __init__(self, limit: int) -> None:
        self.cut = False
        self._limit = limit
        self._held = bytearray()

    def feed(self, chunk: bytes) -> list[Frame]:
        """
        Frames which `chunk` completes, in order.
        """
        held = self._held
        if held and b"\n" in chunk:
            chunk = bytes(held) + chunk
            held.clear()
        frames: list[Frame] = []
        position = 0
        while (end := chunk.find(b"\n", position)) >= 0:
            frames.append(_frame(chunk[position : end + 1]))
            position = end + 1
        if position < len(chunk):
            held += memoryview(chunk)[position:]
        if len(held) > self._limit and not frames:
            raise WireError("a line of the stream is longer than the limit")
        return frames

    def close(self) -> list[Frame]:
        """
        The rest, when the body has ended.
        """
        return [_frame(rest)] if (rest := self.abandon()) else []

    def abandon(self) -> bytes:
        """
        The bytes held, after a fault.
        """
        rest = bytes(self._held)
        self._held.clear()
        return rest


def _frame(raw: bytes) -> Frame:
    return Frame(raw, None, raw.strip(b" \t\r\n") or None)
