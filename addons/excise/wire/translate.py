"""
One call between two dialects: the request on its way out, the answer on its way back.

    Translation.encoded                  what is sent
    Translation.feed(frames), close()    bytes for the client, whatever the provider's framing, whatever the client's
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson

from excise.exchange import Call, ReplyHead
from excise.wire.dialect import Asked, Dialect, Encoded, StreamDecoder, StreamEncoder
from excise.wire.events import Delta, Ended, Event, Failed, Finished, Ping, Started
from excise.wire.frame import Frame, Framing
from excise.wire.loss import Loss
from excise.wire.meter import Meter
from excise.wire.neutral import Answer, Finish
from excise.wire.sequence import Assembler, replay
from excise.wire.stop_sequences import StopCut, cut_answer
from excise.wire.upstream_error import Fault, encode_fault, encode_stream_fault, fault_of, read_fault
from excise.wire.usage import Usage

MOST_ERROR_BYTES = 256 * 1024  # of an error's body that is read; the rest is let go
MOST_GATHERED_BYTES = 32 * 1024 * 1024  # of a stream that is put together for a client that wants none

_JSON = "application/json"
_BROKEN = "the model's answer is broken: the provider reports that it failed to write it; send the request again"
_UNREADABLE = "the provider's answer cannot be read, so it cannot be translated; send the request again or to another model"
_TOO_DEEP = "the provider's answer is nested too deeply to be translated; send the request again or to another model"


class Translation:
    """
    State of one translated call. Not reusable; nothing a provider sends makes it raise.

    Args:
        client: The client's dialect.
        target: The provider's.
        asked: What the client asked.
        encoded: What is sent in its place.
    """

    def __init__(self, client: Dialect, target: Dialect, asked: Asked, encoded: Encoded) -> None:
        self.client = client
        self.target = target
        self.asked = asked
        self.encoded = encoded
        self._answer: _AnswerOn | None = None
        self.fault: Fault | None = None  # what the answer ended with, in place of an answer
        self.follows = False  # the client has the head of a stream from an earlier attempt, under which only events can come

    def remade(self, body: Any) -> Translation:
        """
        The same call with another request, such as redaction leaves it.

        Raises:
            BadRequest: It is none of the client's dialect.
        """
        request = self.client.decode_request(body, self.asked.envelope)
        encoded = self.target.encode_request(request, self.encoded.sent.target)
        return Translation(self.client, self.target, replace(self.asked, request=request), encoded)

    @property
    def losses(self) -> tuple[Loss, ...]:
        """
        What was lost in both directions so far.
        """
        return (*self.encoded.losses, *self.asked.losses.all())

    @property
    def answered(self) -> bool:
        return self._answer is not None

    @property
    def streams(self) -> bool:
        return self.asked.envelope.stream

    @property
    def framing(self) -> Framing:
        """
        How the client's answer is framed.
        """
        if not self.streams:
            return Framing.JSON
        return Framing.JSON_ARRAY if self.client.framing is Framing.SSE and self.asked.envelope.array else self.client.framing

    def answer(
        self, status: int, headers: Sequence[tuple[bytes, bytes]], usage: Callable[[], Usage], tier: Callable[[], str | None]
    ) -> None:
        """
        The head of the provider's answer is there.

        Args:
            usage: What the meter has read so far.
            tier: The service tier it has read.
        """
        self._answer = _AnswerOn(self, status, headers, usage, tier)

    def feed(self, frames: Sequence[Frame], framing: Framing) -> bytes:
        """
        The client's bytes for these frames of the provider, which came in this framing.
        """
        assert self._answer is not None
        return self._answer.feed(frames, framing)

    def close(self) -> bytes:
        """
        The last of them, when the provider's answer has ended.
        """
        assert self._answer is not None
        return self._answer.close()

    def ping(self) -> bytes:
        """
        A sign of life for a client that waits; nothing where the dialect has none or the answer has not begun to be a stream.
        """
        return self._answer.ping() if self._answer is not None else b""

    @property
    def head(self) -> ReplyHead:
        """
        The client's head, as far as what has been fed decides it.
        """
        assert self._answer is not None
        return self._answer.head


class _AnswerOn:
    """
    The provider's answer, being turned into the client's.
    """

    def __init__(
        self,
        translation: Translation,
        status: int,
        headers: Sequence[tuple[bytes, bytes]],
        usage: Callable[[], Usage],
        tier: Callable[[], str | None],
    ) -> None:
        self._of = translation
        self._status = status
        self._headers = headers
        self._usage = usage
        self._tier = tier
        self._decoder: StreamDecoder | None = None
        self._encoder: StreamEncoder | None = None
        self._opening: Meter | None = None  # until the answer has started
        self._start: Started | None = None  # held until something follows it
        # Where the target was not given every stop sequence, the answer is searched for all of them here.
        lacking = any(loss.field == "stop" for loss in translation.encoded.losses)
        self._stops = translation.asked.request.stop if lacking else ()
        self._cut = StopCut(self._stops) if lacking else None
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._gathered_bytes = 0
        self._document: Any = None
        self._assembler: Assembler | None = None  # for a client that wants no stream and gets one
        self._over = False
        self._wrote = False
        kind = translation.client.content_type if translation.streams else _JSON
        if translation.framing is Framing.JSON_ARRAY:
            kind = _JSON
        self.head = ReplyHead(200, (("content-type", kind),))

    def feed(self, frames: Sequence[Frame], framing: Framing) -> bytes:
        if self._over:
            return b""
        if self._status >= 400:
            for frame in frames:
                if self._body_bytes < MOST_ERROR_BYTES:
                    said = frame.raw if frame.data is None or framing is Framing.JSON else frame.data  # an error may come as an event
                    self._body.append(said)
                    self._body_bytes += len(said)
            return b""
        out = []
        for frame in frames:
            broken = frame.data is not None and frame.json is None and frame.data.lstrip()[:1] == b"{"
            if broken:
                frame = _mended(frame)
                broken = frame.json is None
            if self._decoder is None:
                if frame.data is None:
                    continue  # comments, blank lines
                if framing is Framing.JSON:
                    self._document = frame.json
                    continue
                self._decoder = self._of.target.stream_decoder(self._of.encoded.sent)
                if self._of.streams:
                    # The call's meter has read on, by all that came with this frame: the client's first bytes must not depend on that.
                    target = self._of.encoded.sent.target
                    self._opening = Meter(Call(target.provider, "chat", target.dialect, model_at="none"), None)
            if self._opening is not None:
                self._opening.observe(frame)
            if not self._of.streams:
                self._gathered_bytes += len(frame.raw)
                broken = broken or self._gathered_bytes > MOST_GATHERED_BYTES
            # What cannot be read may have been anything: the rest would look whole without it.
            events = self._decoder.feed(frame) if not broken else [Failed(_fault(_UNREADABLE))]
            out.append(self._events(events if self._cut is None else self._cut.feed(events)))
        return b"".join(out)

    def close(self) -> bytes:
        if self._over:
            return b""
        if self._status >= 400:
            return self._fail(read_fault(self._of.target.name, self._status, self._headers, _parsed(b"".join(self._body))))
        if self._decoder is not None:
            events = self._decoder.close()
            return self._events(events if self._cut is None else self._cut.feed(events)) + (b"" if self._over else self._events([Ended()]))
        return self._whole(self._document)

    def ping(self) -> bytes:
        if self._over or not self._of.streams or self._status >= 400:
            return b""
        # Without what begins the answer, which another attempt may give in its place.
        return self._encode(Ping(), begins=False)

    def _whole(self, body: Any) -> bytes:
        fault = fault_of(body)
        if fault is None and not isinstance(body, dict | list):
            fault = _fault(_UNREADABLE)
        if fault is not None:
            return self._fail(fault)
        answer = self._of.target.decode_answer(body, self._of.encoded.sent)
        answer = replace(answer, usage=self._usage(), service_tier=answer.service_tier or self._tier())
        if _is_broken(answer):
            return self._fail(_fault(_BROKEN))
        if self._stops:
            answer = cut_answer(answer, self._stops)
        if self._of.streams:
            return self._events(replay(answer))
        self._over = True
        return self._written(answer)

    def _events(self, events: Sequence[Event]) -> bytes:
        """
        Write events for a client that streams; where it does not, the provider streamed unasked and they are put together.
        """
        if self._over:
            return b""  # what came with the frame that ended it
        if not self._of.streams:
            return self._gathered(events)
        out = []
        for event in events:
            if self._over:
                break
            if isinstance(event, Delta):  # the commonest first
                out.append(self._encode(event))
                continue
            if isinstance(event, Finished) and event.finish is Finish.BROKEN:
                event = Failed(_fault(_BROKEN))
            if isinstance(event, Failed):
                out.append(self._fail(event.fault))
                break
            if isinstance(event, Started):
                event.usage = self._opening.usage if self._opening is not None else self._usage()
                self._opening = None
                self._start = event  # what follows may be an error, and then the client gets a status: no stream has begun
                continue
            elif isinstance(event, Ended):
                event.usage, event.service_tier = self._usage(), event.service_tier or self._tier()
            out.append(self._encode(event))
            if isinstance(event, Ended):
                self._over = True
        return b"".join(out)

    def _gathered(self, events: Sequence[Event]) -> bytes:
        if self._assembler is None:
            self._assembler = Assembler()
        for event in events:
            if isinstance(event, Failed):
                return self._fail(event.fault)
            self._assembler.feed(event)
            if isinstance(event, Ended):
                answer = replace(self._assembler.answer(self._of.target.name), usage=self._usage(), service_tier=self._tier())
                if _is_broken(answer):
                    return self._fail(_fault(_BROKEN))
                self._over = True
                return self._written(answer)
        return b""

    def _encode(self, event: Event, *, begins: bool = True) -> bytes:
        if self._encoder is None:
            self._encoder = self._of.client.stream_encoder(self._of.asked)
        out = b""
        if begins and self._start is not None:
            out, self._start = self._encoder.feed(self._start), None
            self._wrote = self._wrote or bool(out)
        try:
            out += self._encoder.feed(event)
        except orjson.JSONEncodeError:
            return out + self._fail(_fault(_TOO_DEEP))
        self._wrote = self._wrote or bool(out)
        return out

    def _written(self, answer: Answer) -> bytes:
        try:
            return orjson.dumps(self._of.client.encode_answer(answer, self._of.asked))
        except orjson.JSONEncodeError:
            return self._fail(_fault(_TOO_DEEP))

    def _fail(self, fault: Fault) -> bytes:
        """
        End with an error: a whole one where nothing has been written, else the stream's own.
        """
        self._over = True
        self._of.fault = fault
        if self._wrote or self._of.follows:
            if self._encoder is not None and self._of.streams:
                return self._encoder.feed(Failed(fault))
            return encode_stream_fault(self._of.client.name, self._of.framing, fault)
        status, headers, body = encode_fault(self._of.client.name, fault, self._of.asked.id)
        self.head = ReplyHead(status, tuple(headers))
        return body


def _mended(frame: Frame) -> Frame:
    """
    A frame whose JSON holds halves of characters, as servers write that cut a text between the two, with a question mark for each; as it is
    where that does not make it readable.
    """
    try:
        data = json.dumps(json.loads(frame.data or b""), ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return frame
    return Frame(frame.raw, frame.event, data, frame.headers)


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")


def _fault(text: str) -> Fault:
    return Fault(status=502, sort="internal", message=f"excise: {text}")


def _is_broken(answer: Answer) -> bool:
    return not answer.candidates or all(candidate.finish is Finish.BROKEN for candidate in answer.candidates)
