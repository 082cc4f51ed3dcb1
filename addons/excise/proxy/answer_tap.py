"""
The answer on its way back: every chunk passes here once, is looked at, and leaves at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from mitmproxy import http

from excise.errors import ExciseError, InternalError, UpstreamFailed
from excise.exchange import Exchange
from excise.pipeline import Pipeline
from excise.privacy.profiles import Action
from excise.wire.answer import AnswerDecoder
from excise.wire.frame import Frame
from excise.wire.translate import Translation


def edited(exchange: Exchange, decoder: AnswerDecoder) -> bool:
    """
    Whether stages may change this answer: then its length is not known, and it leaves without its content coding.
    """
    if exchange.translation is not None or exchange.head_left:
        return True  # under another attempt's head it cannot keep its own coding
    redaction = exchange.redaction
    if redaction is not None and redaction.answers not in (None, Action.REPORT_ONLY):
        return True  # also what cannot be read: it is cut off then, not passed on unscanned
    if decoder.broken:
        return False  # what cannot be read passes as it is: a placeholder that is not turned back is a fault, and no leak
    if redaction is not None and redaction.live is not None:
        return True
    return exchange.strip_usage_chunk and exchange.answer_status == 200 and not decoder.coded


def withhold(response: http.Response, instead: http.Response, tap: AnswerTap) -> None:
    """
    Give the client `instead` of an answer whose head has come.
    """
    response.stream = _Withheld(tap, become(response, instead))


def become(response: http.Response, instead: http.Response) -> bytes:
    """
    Give an answer whose head has not left the head of `instead`, whose body is returned.
    """
    response.status_code, response.reason, response.headers = instead.status_code, instead.reason, instead.headers
    return instead.raw_content or b""


class _Withheld:
    """
    The `response.stream` of an answer that the client must not see: it gets ours in its place, and what the provider says is metered.
    """

    def __init__(self, tap: AnswerTap, body: bytes) -> None:
        self._tap = tap
        self._body = body

    def __call__(self, chunk: bytes) -> list[bytes]:
        self._tap(chunk)
        body, self._body = self._body, b""
        return [body] if body else []


class TapEnds(NamedTuple):
    """
    What the gateway does when an answer does not simply pass.

    Attributes:
        on_fault: A stage failed; returns the answer's last words.
        on_refusal: A stage says that no more may pass, and whether something has left; returns what the client gets instead.
        on_head: The first bytes of an answer of our own writing leave: the head must become theirs.
        cut: End the upstream connection.
    """

    on_fault: Callable[[Exchange, Exception], bytes]
    on_refusal: Callable[[ExciseError, bool], bytes]
    on_head: Callable[[], None]
    cut: Callable[[], None]


class AnswerTap:
    """
    mitmproxy's `response.stream`: called with each chunk, and with `b""` once at the end.

    Untouched answers are passed on chunk by chunk, before and regardless of what the stages see in them. Only where a stage
    rewrites (`edits`) an event is held until it is whole, and the stages' bytes leave in its place.

    Never returns `b""`: on HTTP/1 that would write the chunk that ends the message.

    Attributes:
        pings: Whether `ping` gives a sign of life; to be asked every few seconds.
        holds_head: The head of the answer must not leave before the first bytes returned: it may become that of a refusal, or of an error
            in another dialect.
    """

    def __init__(
        self,
        exchange: Exchange,
        pipeline: Pipeline,
        decoder: AnswerDecoder,
        ends: TapEnds,
        *,
        edits: bool,
    ):
        self._exchange = exchange
        self._pipeline = pipeline
        self._decoder = decoder
        self._edits = edits
        self._ends = ends
        self._closed = False
        self._ended = False  # a rewriting stage failed: nothing more may leave
        self._refused = False  # the same, but what comes is metered
        self._left = False
        self._busy = True  # something has left since the last look
        self.pings = exchange.translation is not None and exchange.translation.streams
        blocks = exchange.redaction is not None and exchange.redaction.answers is Action.BLOCK
        self.holds_head = exchange.translation is not None or (edits and blocks)

    def __call__(self, chunk: bytes) -> list[bytes]:
        started = time.perf_counter()
        exchange = self._exchange
        if chunk:
            exchange.answer_bytes += len(chunk)
            attempt = exchange.attempt
            if attempt is not None and attempt.first_byte is None:
                attempt.first_byte = time.monotonic()
        try:
            out = self._pass(chunk)
        except Exception as fault:  # noqa: BLE001 - the gateway's guard, at the one place it cannot stand itself: mitmproxy would hang the client
            out = self._fail(chunk, fault)
        exchange.proxy_seconds += time.perf_counter() - started
        return out

    def ping(self) -> bytes:
        """
        A sign of life, for a client that has got nothing since it was last asked for; nothing where none is known.
        """
        translation = self._exchange.translation
        if translation is None or not translation.answered or self._closed or self._ended or self._refused:
            return b""
        if self._busy:
            self._busy = False
            return b""
        sign = translation.ping()
        if sign and not self._left:
            self._ends.on_head()
            self._left = True
        return sign

    def follow(self) -> None:
        """
        The client has the head of an earlier attempt's answer: this one can only go on under it.
        """
        self._left = True
        if isinstance(self._exchange.translation, Translation):
            self._exchange.translation.follows = True

    def close(self) -> None:
        """
        The answer is over, whole or not; lets the decoder give what it still held. Safe to call twice.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._last_events()
        except Exception as fault:  # noqa: BLE001 - as above
            self._fail(b"", fault)
        self._exchange.answer_broken = self._exchange.answer_broken or self._decoder.broken or self._decoder.overflow

    def _pass(self, chunk: bytes) -> list[bytes]:
        if self._ended:
            return []
        if not chunk:
            if not self._edits:
                if self._exchange.course is not None:
                    self.close()  # what it was is asked before it leaves
                return []
            self._closed = True
            frames = self._last_events()
            self._exchange.answer_broken = self._exchange.answer_broken or self._decoder.broken or self._decoder.overflow
            if self._exchange.answer_refusal is not None:
                return self._refuse(self._exchange.answer_refusal)
        else:
            frames = self._decoder.feed(chunk)
            if frames:
                self._exchange.answer_framing = self._decoder.framing
                frames = self._pipeline.events(self._exchange, frames)
            if not self._edits:
                return [chunk]
            if self._exchange.answer_refusal is not None:
                return self._refuse(self._exchange.answer_refusal)
            if self._decoder.broken or self._decoder.overflow:
                # What cannot be read cannot be rewritten, and passing on a part of it would look whole.
                self._ended = self._exchange.answer_broken = True
                if self.holds_head and not self._left:
                    return self._refuse(UpstreamFailed("the provider's answer cannot be decoded"))
                self._ends.cut()
                return []
        out = [frame.raw for frame in frames if frame.raw]
        if out and not self._left and self._exchange.translation is not None:
            self._ends.on_head()
        if out:
            self._left = self._busy = True
        return out

    def _refuse(self, refusal: ExciseError) -> list[bytes]:
        last = b"" if self._refused else self._ends.on_refusal(refusal, self._left)
        self._refused = True
        return [last] if last else []

    def _last_events(self) -> list[Frame]:
        frames = self._decoder.close()
        self._exchange.answer_framing = self._decoder.framing
        self._exchange.answer_ended = True
        return self._pipeline.events(self._exchange, frames)

    def _fail(self, chunk: bytes, fault: Exception) -> list[bytes]:
        self._exchange.answer_broken = True
        if self.holds_head and not self._left:
            self._ended = True
            self._ends.on_fault(self._exchange, fault)
            return self._refuse(InternalError())
        last = self._ends.on_fault(self._exchange, fault)
        if not self._edits:
            return [chunk] if chunk else []
        self._ended = True
        return [last] if last else []
