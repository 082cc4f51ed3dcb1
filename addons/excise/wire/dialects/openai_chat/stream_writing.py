"""
A streamed answer, written as OpenAI's chat chunks.
"""

from __future__ import annotations

from typing import Any

import orjson

from excise.wire.dialect import Asked
from excise.wire.dialects.openai_chat.answer_writing import (
    answer_id,
    note_citations,
    note_proof,
    note_unsaid,
    old_functions,
    write_image,
    write_usage,
)
from excise.wire.dialects.openai_chat.finish import word_for
from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartEnded, PartStarted, Ping, Started
from excise.wire.frame import Framing
from excise.wire.neutral import Image, Part, Reasoning, Refusal, Text, ToolCall
from excise.wire.tool_ids import ANY, fit
from excise.wire.upstream_error import encode_stream_fault
from excise.wire.usage import Usage

_PING = b": excise\n\n"
_DONE = b"data: [DONE]\n\n"


class _Candidate:
    """
    What has been written of one candidate.

    Attributes:
        head: Bytes of a chunk up to the delta.
        kind: Of the open part; `None`: none is open, or one that has no place here (`swallows`).
        before: What stands in the delta before the JSON text of a piece of the open part, and after it.
    """

    __slots__ = ("after", "before", "blank", "calls", "head", "kind", "refused", "swallows")

    def __init__(self, head: bytes) -> None:
        self.head = head
        self.kind: type[Part] | None = None
        self.before, self.after = b"", b"}"
        self.calls = 0
        self.blank = True
        self.refused = self.swallows = False


class ChatEncoder:
    """
    Turns events into chunks: first the role, then the deltas, the finish, usage where the client asked for it, and `[DONE]`.

    Args:
        name: Of the dialect.
        asked: What the client asked.
    """

    __slots__ = ("_asked", "_candidates", "_common", "_name", "_old", "_started", "_tail", "_usage")

    def __init__(self, name: str, asked: Asked) -> None:
        self._name = name
        self._asked = asked
        self._candidates: dict[int, _Candidate] = {}
        self._common = b""
        self._usage = asked.request.include_usage is True
        self._old = old_functions(asked.request)
        # OpenAI says `"usage":null` in every chunk but the last where usage was asked for.
        self._tail = b',"logprobs":null,"finish_reason":null}]%b}\n\n' % (b',"usage":null' if self._usage else b"")
        self._started = False

    def feed(self, event: Event) -> bytes:
        if type(event) is Delta:
            candidate = self._candidates.get(event.candidate)
            if candidate is not None and candidate.kind is not None and event.signature is None:
                candidate.blank = False
                return b"%b%b%b%b%b" % (candidate.head, candidate.before, orjson.dumps(event.text), candidate.after, self._tail)
        match event:
            case Delta():
                return self._odd_delta(event)
            case PartStarted():
                return self._part(event)
            case PartEnded():
                return self._part_ended(event)
            case Started():
                return self._start(event)
            case Finished():
                return self._finished(event)
            case Ended():
                return self._ended(event)
            case Failed():
                return encode_stream_fault(self._name, Framing.SSE, event.fault)
            case Ping():
                return _PING
        return b""

    # -- beginning ---------------------------------------------------------------------------------------------------------------------

    def _start(self, event: Started) -> bytes:
        self._started = True
        head = {
            "id": answer_id(event.id, self._asked.id),
            "object": "chat.completion.chunk",
            "created": event.created or self._asked.now,
            "model": self._asked.model,
        }
        self._common = b"data: %b," % orjson.dumps(head)[:-1]
        return self._begin(0)

    def _begin(self, index: int) -> bytes:
        head = b'%b"choices":[{"index":%d,"delta":' % (self._common, index)
        self._candidates[index] = _Candidate(head)
        return b'%b{"role":"assistant","content":%b,"refusal":null}%b' % (head, b"null" if self._old else b'""', self._tail)

    def _of(self, index: int) -> tuple[_Candidate, bytes]:
        """
        The candidate, and what has to be written first of it.
        """
        written = b"" if self._started else self._start(Started())
        if index not in self._candidates:
            written += self._begin(index)
        return self._candidates[index], written

    # -- parts -------------------------------------------------------------------------------------------------------------------------

    def _part(self, event: PartStarted) -> bytes:
        candidate, written = self._of(event.candidate)
        part = event.part
        candidate.kind, candidate.blank, candidate.swallows = type(part), True, False
        match part:
            case Text():
                candidate.before, candidate.after = b'{"content":', b"}"
                note_citations(part, self._asked.losses)
                return written + self._piece(candidate, part.text)
            case Reasoning():
                candidate.before, candidate.after = b'{"reasoning_content":', b"}"
                note_proof(part.signature, self._asked.losses)
                return written + self._piece(candidate, part.text)
            case Refusal():
                candidate.refused = True
                candidate.before, candidate.after = b'{"refusal":', b"}"
                return written + self._piece(candidate, part.text)
            case ToolCall():
                return written + self._call(candidate, part)
        candidate.kind, candidate.swallows = None, True
        if isinstance(part, Image) and (image := write_image(part)) is not None:
            return written + self._chunk(candidate, {"images": [image]})
        note_unsaid(part, self._asked.losses)
        return written

    def _call(self, candidate: _Candidate, call: ToolCall) -> bytes:
        number = candidate.calls
        candidate.calls += 1
        if self._old:
            candidate.before, candidate.after = b'{"function_call":{"arguments":', b"}}"
            if number:
                candidate.kind, candidate.swallows = None, True
                self._asked.losses.dropped("tools", "the client's form of tools knows one call an answer")
                return b""
            return self._chunk(candidate, {"function_call": {"name": call.name, "arguments": ""}})
        candidate.before, candidate.after = b'{"tool_calls":[{"index":%d,"function":{"arguments":' % number, b"}}]}"
        written = {"index": number, "id": fit(call.id, ANY), "type": "function", "function": {"name": call.name, "arguments": ""}}
        return self._chunk(candidate, {"tool_calls": [written]})

    def _part_ended(self, event: PartEnded) -> bytes:
        candidate = self._candidates.get(event.candidate)
        if candidate is None:
            return b""
        # Clients parse what they have collected: no arguments are an empty object.
        written = self._piece(candidate, "{}") if candidate.kind is ToolCall and candidate.blank else b""
        candidate.kind, candidate.swallows = None, False
        return written

    def _odd_delta(self, event: Delta) -> bytes:
        """
        A delta with a proof, or one outside of any part, which is text.
        """
        candidate, written = self._of(event.candidate)
        note_proof(event.signature, self._asked.losses)
        if candidate.swallows:
            return written
        if candidate.kind is None:
            candidate.kind, candidate.before, candidate.after = Text, b'{"content":', b"}"
        return written + self._piece(candidate, event.text)

    def _piece(self, candidate: _Candidate, text: str) -> bytes:
        if not text:
            return b""
        candidate.blank = False
        return b"%b%b%b%b%b" % (candidate.head, candidate.before, orjson.dumps(text), candidate.after, self._tail)

    def _chunk(self, candidate: _Candidate, delta: dict[str, Any]) -> bytes:
        return b"%b%b%b" % (candidate.head, orjson.dumps(delta), self._tail)

    # -- ends --------------------------------------------------------------------------------------------------------------------------

    def _finished(self, event: Finished) -> bytes:
        candidate, written = self._of(event.candidate)
        word = word_for(event.finish, refused=candidate.refused)
        if self._old and word == "tool_calls":
            word = "function_call"
        ending = b',"usage":null' if self._usage else b""
        return b'%b%b{},"logprobs":null,"finish_reason":"%b"}]%b}\n\n' % (written, candidate.head, word.encode(), ending)

    def _ended(self, event: Ended) -> bytes:
        written = b"" if self._started else self._start(Started())
        if not self._usage:
            return written + _DONE
        usage = orjson.dumps(write_usage(event.usage or Usage()))
        return b'%b%b"choices":[],"usage":%b}\n\n%b' % (written, self._common, usage, _DONE)
