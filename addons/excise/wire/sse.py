"""
Server-sent events: the framing of nearly every streamed answer.
"""

from __future__ import annotations

import re

from excise.errors import WireError
from excise.wire.frame import Frame

_BOM = b"\xef\xbb\xbf"

# The end of an event: a line end followed by an empty line. A CR that closes the empty line is only known to be one when the next byte
# is there, since it may be half of a CRLF. `\r\r` is not waited for: only streams with bare CRs have it, and a `\n` after it is then
# an empty line at the head of the next frame, which means nothing.
_END = re.compile(rb"\n\n|\n\r\n|\n\r(?=[^\n])|\r\r")
_LONGEST_END = 3


class SseDecoder:
    """
    Cut a `text/event-stream` body (bytes, any chunking) into frames. No I/O, no clock.

    Comments and keep-alives are frames without `data`. At `close`, an event without its last blank line is given all the same: several
    providers leave it out, and a reader can tell a cut event by its JSON.

    Args:
        limit: Most bytes held for one unfinished event; our memory bound.

    Raises:
        WireError: From `feed`, when an event outgrows `limit`. `abandon` then gives back what was held.

    Source: WHATWG HTML, 9.2.6 "Interpreting an event stream", read 2026-11. Unlike there, `id` and `retry` are not read, an event
    without `data` keeps its name, and the last event is not dropped.
    """

    __slots__ = ("_held", "_limit", "_started", "cut")

    def __init__(self, limit: int) -> None:
        self.cut = False  # an event stream has no end mark: where it was cut cannot be told from here
        self._limit = limit
        self._held = bytearray()
        self._started = False  # a byte order mark may stand before the first byte only

    def feed(self, chunk: bytes) -> list[Frame]:
        """
        Frames which `chunk` completes, in order.
        """
        held = self._held
        if held:
            # Look for the end in the new bytes only, or a slow event of n bytes would cost n² to scan.
            seam = bytes(held[-_LONGEST_END:]) + chunk if len(held) > _LONGEST_END else None
            if seam is not None and _END.search(seam) is None:
                held += chunk
                if len(held) > self._limit:
                    raise WireError("an event of the stream is longer than the limit")
                return []
            chunk = bytes(held) + chunk
            held.clear()
        frames, position = self._frames(chunk)
        if position < len(chunk):
            held += memoryview(chunk)[position:]
            if len(held) > self._limit:
                # What is whole is given first; the fault shows at the next call, for the held bytes stay held.
                if frames:
                    return frames
                raise WireError("an event of the stream is longer than the limit")
        return frames

    def close(self) -> list[Frame]:
        """
        The rest, when the body has ended.
        """
        return [self._frame(rest)] if (rest := self._take()) else []

    def abandon(self) -> bytes:
        """
        The bytes held, after a fault.
        """
        return self._take()

    def _take(self) -> bytes:
        rest = bytes(self._held)
        self._held.clear()
        return rest

    def _frames(self, body: bytes) -> tuple[list[Frame], int]:
        frames: list[Frame] = []
        position = 0
        if b"\r" in body:
            for end in _END.finditer(body):
                raw = body[position : end.end()]
                # One `data: …` line and an empty one: Gemini's streams.
                if raw.startswith(b"data: ") and raw.find(b"\r") == len(raw) - 4 and raw.find(b"\n") == len(raw) - 3:
                    self._started = True
                    frames.append(Frame(raw, None, raw[6:-4]))
                else:
                    frames.append(self._frame(raw))
                position = end.end()
            return frames, position
        # The hot path: line feeds only.
        find = body.find
        while (end_at := find(b"\n\n", position)) >= 0:
            raw = body[position : end_at + 2]
            # One `data: …` line and an empty one: most of what a chat stream is made of.
            if raw.startswith(b"data: ") and find(b"\n", position) == end_at:
                self._started = True
                frames.append(Frame(raw, None, raw[6:-2]))
            # An `event: …` line before it: Anthropic's, Cohere's, and those of the Responses API.
            elif (
                raw.startswith(b"event: ")
                and raw.startswith(b"data: ", data_at := raw.find(b"\n") + 1)
                and raw.find(b"\n", data_at) == len(raw) - 2
            ):
                self._started = True
                frames.append(Frame(raw, raw[7 : data_at - 1].decode("utf-8", "replace"), raw[data_at + 6 : -2]))
            else:
                frames.append(self._frame(raw))
            position = end_at + 2
        return frames, position

    def _frame(self, raw: bytes) -> Frame:
        if not self._started:
            self._started = True
            if raw.startswith(_BOM):
                event, data = _fields(raw[len(_BOM) :])
                return Frame(raw, event, data)
        event, data = _fields(raw)
        return Frame(raw, event, data)


def _fields(block: bytes) -> tuple[str | None, bytes | None]:
    event: str | None = None
    data: bytes | None = None
    for line in block.splitlines():  # of bytes: splits at LF, CR and CRLF, and at nothing else
        name, _, value = line.partition(b":")
        if name == b"data":
            value = value.removeprefix(b" ")
            data = value if data is None else b"%b\n%b" % (data, value)
        elif name == b"event":
            event = value.removeprefix(b" ").decode("utf-8", "replace")
    return event, data
