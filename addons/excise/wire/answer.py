"""
An answer's body, whatever its framing: what the stages read it through.
"""

from __future__ import annotations

from typing import Protocol

from excise.errors import ExciseError, WireError
from excise.wire.coding import ContentDecoder
from excise.wire.eventstream import EventStreamDecoder
from excise.wire.frame import Frame, Framing
from excise.wire.json_array import JsonArrayDecoder
from excise.wire.ndjson import NdjsonDecoder
from excise.wire.sse import SseDecoder

_BLANK = b" \t\r\n\xef\xbb\xbf"  # blanks, and the bytes of a byte order mark
_SSE_STARTS = (b"data:", b"event:", b"id:", b"retry:", b":")
_LONGEST_START = max(map(len, _SSE_STARTS))

_LABELS = {
    "text/event-stream": Framing.SSE,
    "application/x-ndjson": Framing.NDJSON,
    "application/ndjson": Framing.NDJSON,
    "application/jsonl": Framing.NDJSON,
    "application/x-jsonl": Framing.NDJSON,
    "application/x-json-stream": Framing.NDJSON,
    "application/json-lines": Framing.NDJSON,
    "application/stream+json": Framing.NDJSON,  # Cohere v1
    "application/json": Framing.JSON,
    "application/vnd.amazon.eventstream": Framing.EVENTSTREAM,
    "application/octet-stream": Framing.OPAQUE,
    "application/pdf": Framing.OPAQUE,
    "application/zip": Framing.OPAQUE,
}
_BINARY = ("audio/", "image/", "video/", "font/")


def _labelled(content_type: str | None) -> Framing | None:
    """
    What the content type says; `None` where it says nothing we know.
    """
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type in _LABELS:
        return _LABELS[media_type]
    if media_type.endswith("+json"):
        return Framing.JSON
    return Framing.OPAQUE if media_type.startswith(_BINARY) else None


class _Decoder(Protocol):
    cut: bool

    def feed(self, chunk: bytes) -> list[Frame]: ...
    def close(self) -> list[Frame]: ...
    def abandon(self) -> bytes: ...


class _Whole:
    """
    A JSON document: one frame at the end. Past `limit` it holds nothing any more and passes bytes as they come.
    """

    __slots__ = ("_held_bytes", "_limit", "_parts", "cut", "overflow")

    def __init__(self, limit: int) -> None:
        self.cut = False
        self.overflow = False
        self._limit = limit
        self._held_bytes = 0
        self._parts: list[bytes] = []

    def feed(self, chunk: bytes) -> list[Frame]:
        if self.overflow:
            return [Frame(chunk)] if chunk else []
        self._parts.append(chunk)
        self._held_bytes += len(chunk)
        if self._held_bytes <= self._limit:
            return []
        self.overflow = True
        return [Frame(self.abandon())]

    def close(self) -> list[Frame]:
        raw = self.abandon()
        return [Frame(raw, None, raw.strip(_BLANK) or None)] if raw else []

    def abandon(self) -> bytes:
        raw = b"".join(self._parts)
        self._parts.clear()
        return raw


class _Opaque:
    """
    Bytes we do not read.
    """

    __slots__ = ("cut",)

    def __init__(self) -> None:
        self.cut = False

    def feed(self, chunk: bytes) -> list[Frame]:
        return [Frame(chunk)] if chunk else []

    def close(self) -> list[Frame]:
        return []

    def abandon(self) -> bytes:
        return b""


class AnswerDecoder:
    """
    Cut an answer's body (bytes of the wire, any chunking) into frames, its content coding undone.

    Nothing an upstream sends makes `feed` or `close` raise: a fault sets `broken`, and what follows comes as frames without `data`, so
    that metering knows it saw a part and the answer still passes. Joined, the `raw`s are the decoded body, with one exception: past a
    fault in the content coding itself there is no decoded body, and no more frames come.

    Attributes:
        framing: How the body is cut. A guess from the content type until the first byte that is no blank; then settled. Errors come as
            plain JSON under a stream's content type, and streams without one: the first bytes decide.
        overflow: A JSON document outgrew `limit`; its bytes come as frames without `data`.
        broken: The body is not what its framing or coding says, or a frame outgrew `limit`, or the body ended inside a frame, where
            the framing can tell (AWS event stream, JSON array, content coding). Other cut streams are found out by their last events.
        coded: The content coding is one we do not know: `raw` is as the wire has it, and `content-encoding` still holds.

    Args:
        content_type: The answer's `content-type`.
        content_encoding: The answer's `content-encoding`.
        dialect: Of the call; Gemini's arrays and Ollama's lines look like JSON documents at first.
        operation: Of the call.
        limit: Most bytes held for one unfinished frame or JSON document. The coding's ratio is bounded besides; a body that only
            passes is not.
    """

    __slots__ = ("_coding", "_decoder", "_dialect", "_done", "_held", "_label", "_limit", "_operation", "broken", "coded", "framing")

    def __init__(self, *, content_type: str | None, content_encoding: str | None, dialect: str, operation: str, limit: int) -> None:
        self._label = _labelled(content_type)
        self._dialect = dialect
        self._operation = operation
        self._limit = limit
        self._held = b""  # first bytes, until they tell what they begin
        self._done = False
        self._decoder: _Decoder | None = None
        self._coding: ContentDecoder | None = None
        self.broken = False
        self.coded = False
        self.framing = self._label or Framing.OPAQUE
        try:
            if content_encoding and content_encoding.strip().lower() != "identity":
                self._coding = ContentDecoder(content_encoding, limit=None)
        except WireError:
            self.broken = self.coded = True
            self._settle(Framing.OPAQUE)
        if self._label in (Framing.EVENTSTREAM, Framing.OPAQUE):
            self._settle(self._label)

    @property
    def overflow(self) -> bool:
        return isinstance(self._decoder, _Whole) and self._decoder.overflow

    def feed(self, chunk: bytes) -> list[Frame]:
        """
        Frames which `chunk` completes, in order.
        """
        if self._coding is not None:
            return self._feed_coded(self._coding, chunk)
        decoder = self._decoder
        if decoder is None:
            return self._begin(chunk)
        try:
            return decoder.feed(chunk)
        except WireError:
            return self._give_up(decoder)

    def close(self) -> list[Frame]:
        """
        The rest, when the body has ended, well or not. Call once.
        """
        frames: list[Frame] = []
        if self._coding is not None and not self._done:
            self._done = True
            try:
                self._coding.close()
            except WireError:
                self.broken = True
        if self._held:
            frames += self._settled(self._guess(self._held, final=True) or Framing.OPAQUE)
        if self._decoder is not None:
            frames += self._decoder.close()
            self.broken = self.broken or self._decoder.cut
        return frames

    def _feed_coded(self, coding: ContentDecoder, chunk: bytes) -> list[Frame]:
        if self._done:
            return []
        try:
            chunk = coding.feed(chunk)
        except ExciseError:
            # No later byte can be decoded. What this chunk still gave is passed on; then there is nothing more.
            self.broken = self._done = True
            chunk = coding.abandon()
        if not chunk:
            return []
        decoder = self._decoder
        if decoder is None:
            return self._begin(chunk)
        try:
            return decoder.feed(chunk)
        except WireError:
            return self._give_up(decoder)

    def _give_up(self, decoder: _Decoder) -> list[Frame]:
        self.broken = True
        rest = decoder.abandon()
        self._settle(Framing.OPAQUE)
        return [Frame(rest)] if rest else []

    def _begin(self, chunk: bytes) -> list[Frame]:
        """
        Settle the framing by the first bytes. Blanks before them are passed at once: they are somebody's keep-alive.
        """
        frames: list[Frame] = []
        if not self._held:
            start = len(chunk) - len(chunk.lstrip(_BLANK))
            if start:
                frames.append(Frame(chunk[:start]))
                chunk = chunk[start:]
        self._held += chunk
        if self._held and (framing := self._guess(self._held, final=False)):
            frames += self._settled(framing)
        return frames

    def _settled(self, framing: Framing) -> list[Frame]:
        self._settle(framing)
        held, self._held = self._held, b""
        assert self._decoder is not None
        try:
            return self._decoder.feed(held)
        except WireError:
            return self._give_up(self._decoder)

    def _settle(self, framing: Framing) -> None:
        self.framing = framing
        match framing:
            case Framing.SSE:
                self._decoder = SseDecoder(self._limit)
            case Framing.NDJSON:
                self._decoder = NdjsonDecoder(self._limit)
            case Framing.JSON_ARRAY:
                self._decoder = JsonArrayDecoder(self._limit)
            case Framing.EVENTSTREAM:
                self._decoder = EventStreamDecoder(self._limit)
            case Framing.JSON:
                self._decoder = _Whole(self._limit)
            case Framing.OPAQUE:
                self._decoder = _Opaque()

    def _guess(self, start: bytes, *, final: bool) -> Framing | None:
        """
        The framing of a body that begins with `start` (not blank); `None`: more bytes are needed.
        """
        first = start[:1]
        if first == b"{":
            if self._label is Framing.NDJSON or self._dialect == "ollama":
                return Framing.NDJSON  # a single document is a single line there
            return Framing.JSON
        if first == b"[":
            streams = self._dialect == "gemini" or "stream" in self._operation.lower()
            return Framing.JSON_ARRAY if streams else Framing.JSON
        if start.startswith(_SSE_STARTS):
            return Framing.SSE
        if not final and len(start) < _LONGEST_START and any(name.startswith(start) for name in _SSE_STARTS):
            return None
        if self._label is not None:
            return self._label
        # Bedrock's streams were seen without a usable content type; a message begins with a length below 24 MiB.
        return Framing.EVENTSTREAM if self._dialect.startswith("bedrock") and first in b"\x00\x01" else Framing.OPAQUE
