"""
Answers of Cohere's chat API, version 2, as server-sent events.

    message-start
    (content-start, content-delta*, content-end | tool-plan-delta* | tool-call-start, tool-call-delta*, tool-call-end | citation-…)*
    message-end
    data: [DONE]

Source: Cohere's API reference "Chat with Streaming" and its Python SDK's `V2ChatStreamResponse`, read 2026-11.
"""

from __future__ import annotations

from typing import Any

import orjson

from excise.wire.dialect import Asked, Sent
from excise.wire.dialects.cohere_v2.answer import (
    call_fields,
    finish_of,
    finish_word,
    made_id,
    part_lost,
    proof_lost,
    usage_object,
)
from excise.wire.dialects.cohere_v2.request import NAME
from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartEnded, PartStarted, Ping, Started
from excise.wire.frame import Frame, Framing
from excise.wire.neutral import Finish, Json, Part, Reasoning, Refusal, Text, ToolCall
from excise.wire.sequence import Sequencer, arguments_text
from excise.wire.tool_ids import WORD, fit, made
from excise.wire.upstream_error import encode_stream_fault, fault_of

# -- decoding --------------------------------------------------------------------------------------------------------------------------

_PLAN = "plan"  # key of the text before tool calls; contents have their index for a key, calls theirs from -1 down


class CohereStreamDecoder:
    """
    Reads one streamed answer.
    """

    __slots__ = ("_called", "_content", "_id", "_over", "_parts", "_planning", "_sent", "_started", "_unwrapping")

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._parts = Sequencer()
        self._id: str | None = None
        self._started = False
        self._over = False
        self._content: int | None = None  # the one that is open
        self._planning = False
        self._called = 0
        self._unwrapping = _Unwrapping(sent.unwrap_tool) if sent.unwrap_tool is not None else None

    def feed(self, frame: Frame) -> list[Event]:
        body = frame.json
        if self._over or type(body) is not dict:
            return [Ping()] if frame.data is None and frame.raw.strip() else []
        kind = body.get("type")
        if kind == "content-delta":
            events = self._content_delta(body)
        elif kind == "tool-call-delta":
            _, _, more = call_fields(_dict(_message(body).get("tool_calls")))
            events = self._parts.delta(-1 - _index(body), more if type(more) is str else "")
        else:
            events = self._rarer(kind if kind is not None else frame.event, body)
        return events if self._unwrapping is None else self._unwrapping.feed(events)

    def close(self) -> list[Event]:
        """
        What was held of a stream that broke off before its last event.
        """
        if self._over:
            return []
        self._over = True
        events = [*self._begun(), *self._parts.end_all(), Finished(Finish.BROKEN), Ended()]
        return events if self._unwrapping is None else self._unwrapping.feed(events)

    def _rarer(self, kind: Any, body: dict[str, Any]) -> list[Event]:
        match kind:
            case "message-start":
                id_ = body.get("id")
                self._id = id_ if type(id_) is str and id_ else None
                return self._begun()
            case "content-start":
                return self._content_start(body)
            case "content-end":
                self._content = None
                return self._parts.end(_index(body))
            case "tool-plan-delta":
                return self._plan(body)
            case "tool-call-start":
                return self._call(body)
            case "tool-call-end":
                return self._parts.end(-1 - _index(body))
            case "message-end":
                return self._end(_dict(body.get("delta")))
            case None:
                return self._failed(body)
        return []  # citations, whose form no other dialect reads; debug; what is newer than we are

    def _begun(self) -> list[Event]:
        if self._started:
            return []
        self._started = True
        return [Started(self._id)]

    def _content_start(self, body: dict[str, Any]) -> list[Event]:
        given, index = _dict(_message(body).get("content")), _index(body)
        thought = given.get("type") == "thinking" or type(given.get("thinking")) is str
        events = [*self._begun(), *self._content_over()]
        self._content = index
        events += self._parts.start(index, Reasoning() if thought else Text(text=""))
        first = given.get("thinking" if thought else "text")
        return [*events, *self._parts.delta(index, first)] if type(first) is str and first else events

    def _content_delta(self, body: dict[str, Any]) -> list[Event]:
        given, index = _dict(_message(body).get("content")), _index(body)
        more = given.get("text")
        if type(more) is not str:
            more = given.get("thinking")
            if type(more) is not str:
                return []
        if index in self._parts:
            return self._parts.delta(index, more)
        return [*self._content_start(body)]  # without a start; what it says is its first piece

    def _content_over(self) -> list[Event]:
        """
        End the text that is open, where the provider did not say so: another part begins.
        """
        events: list[Event] = []
        if self._planning:
            self._planning = False
            events += self._parts.end(_PLAN)
        if self._content is not None:
            events += self._parts.end(self._content)
            self._content = None
        return events

    def _plan(self, body: dict[str, Any]) -> list[Event]:
        more = _message(body).get("tool_plan")
        if type(more) is not str or not more:
            return []
        if self._planning:
            return self._parts.delta(_PLAN, more)
        events = [*self._begun(), *self._content_over(), *self._parts.start(_PLAN, Text(text=""))]
        self._planning = True
        return [*events, *self._parts.delta(_PLAN, more)]

    def _call(self, body: dict[str, Any]) -> list[Event]:
        id_, name, first = call_fields(_dict(_message(body).get("tool_calls")))
        key = -1 - _index(body)
        part = ToolCall(id=id_ or made(self._id or NAME, self._called), name=self._sent.tool_names.get(name, name), arguments={})
        self._called += 1
        events = [*self._begun(), *self._content_over(), *self._parts.start(key, part)]
        return [*events, *self._parts.delta(key, first)] if type(first) is str and first else events

    def _end(self, delta: dict[str, Any]) -> list[Event]:
        self._over = True
        native = delta.get("finish_reason")
        error = delta.get("error")
        if type(error) is str and error:
            fault = fault_of({"error": {"message": error, "type": delta.get("error_type")}})
            return [*self._begun(), *self._parts.end_all(), Failed(fault)]
        finish = finish_of(native, called=self._called > 0)
        events = [*self._begun(), *self._parts.end_all()]
        return [*events, Finished(finish, native if type(native) is str else None), Ended()]

    def _failed(self, body: dict[str, Any]) -> list[Event]:
        """
        No event at all: an error in the form of a whole answer, or nothing we know.
        """
        fault = fault_of(body) or (fault_of({"error": body}) if type(body.get("message")) is str else None)
        if fault is None:
            return []
        self._over = True
        return [*self._parts.end_all(), Failed(fault)]


def _dict(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}


def _message(body: dict[str, Any]) -> dict[str, Any]:
    return _dict(_dict(body.get("delta")).get("message"))


def _index(body: dict[str, Any]) -> int:
    index = body.get("index")
    return index if type(index) is int and index >= 0 else 0


class _Unwrapping:
    """
    The call of a tool that stands for the output's form, as the text it holds. Other text is let go once the call is there; it is given
    where no call comes.
    """

    __slots__ = ("_held", "_inside", "_name", "_unwrapped")

    def __init__(self, name: str) -> None:
        self._name = name
        self._held: list[Event] = []
        self._inside = False  # of a text that is held
        self._unwrapped = False

    def feed(self, events: list[Event]) -> list[Event]:
        given: list[Event] = []
        for event in events:
            if isinstance(event, PartStarted):
                if isinstance(event.part, ToolCall) and event.part.name == self._name:
                    self._unwrapped = True
                    self._held.clear()
                    event = PartStarted(Text(text=""))
                else:
                    self._inside = isinstance(event.part, Text)
            elif isinstance(event, Finished | Failed):
                given += self._held
                self._held.clear()
                if self._unwrapped and isinstance(event, Finished) and event.finish is Finish.TOOL:
                    event = Finished(Finish.LENGTH if event.native == "MAX_TOKENS" else Finish.STOP, event.native)
            if not self._inside:
                given.append(event)
            elif not self._unwrapped:
                self._held.append(event)
            if isinstance(event, PartEnded):
                self._inside = False
        return given


# -- encoding --------------------------------------------------------------------------------------------------------------------------

_START = b'event: message-start\ndata: {"id":%b,"type":"message-start","delta":{"message":' + (
    b'{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}\n\n'
)
_TEXT_START = b'event: content-start\ndata: {"type":"content-start","index":%d,"delta":{"message":{"content":{"type":"%b","%b":""}}}}\n\n'
_TEXT_DELTA = b'event: content-delta\ndata: {"type":"content-delta","index":%d,"delta":{"message":{"content":{"%b":'
_TEXT_END = b'event: content-end\ndata: {"type":"content-end","index":%d}\n\n'
_CALL_START = b'event: tool-call-start\ndata: {"type":"tool-call-start","index":%d,"delta":{"message":{"tool_calls":%b}}}\n\n'
_CALL_DELTA = (
    b'event: tool-call-delta\ndata: {"type":"tool-call-delta","index":%d,"delta":{"message":{"tool_calls":{"function":{"arguments":'
)
_CALL_END = b'event: tool-call-end\ndata: {"type":"tool-call-end","index":%d}\n\n'
_END = b"event: message-end\ndata: %b\n\ndata: [DONE]\n\n"


class CohereStreamEncoder:
    """
    Writes one streamed answer.
    """

    __slots__ = ("_asked", "_calls", "_contents", "_ending", "_finish", "_kind", "_lead", "_started", "_tail")

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._started = False
        self._contents = 0
        self._calls = 0
        self._kind: bytes | None = None  # "text" or "thinking", of a part that has said nothing yet
        self._lead = b""  # before what a delta says; empty while no part is open that can be written
        self._tail = b""
        self._ending = b""
        self._finish = Finish.BROKEN

    def feed(self, event: Event) -> bytes:
        if type(event) is Delta:
            return self._delta(event)
        match event:
            case PartStarted(candidate=0):
                return self._start() + self._part(event.part)
            case PartEnded(candidate=0):
                return self._part_over()
            case Finished(candidate=0):
                self._finish = event.finish
                return self._start() + self._part_over()
            case Started():
                return self._start(event.id)
            case Ended():
                return self._start() + self._part_over() + self._end(event)
            case Failed():
                return encode_stream_fault(NAME, Framing.SSE, event.fault)
            case Ping():
                return b": ping\n\n"
        return b""  # of a candidate nobody asked for

    def _delta(self, event: Delta) -> bytes:
        if event.signature is not None:
            proof_lost(self._asked.losses)
        if not event.text or event.candidate:
            return b""
        if self._kind is not None:
            kind, self._kind = self._kind, None
            return self._open(kind) + self._lead + orjson.dumps(event.text) + self._tail
        if not self._ending:
            return b""
        return self._lead + orjson.dumps(event.text) + self._tail

    def _start(self, id_: str | None = None) -> bytes:
        if self._started:
            return b""
        self._started = True
        return _START % orjson.dumps(id_ or made_id(self._asked.id))

    def _part(self, part: Part) -> bytes:
        over = self._part_over()
        first = ""
        match part:
            case Text() | Refusal():
                self._kind, first = b"text", part.text
            case Reasoning():
                if part.signature is not None:
                    proof_lost(self._asked.losses)
                if not part.redacted:
                    self._kind, first = b"thinking", part.text
            case ToolCall():
                return over + self._call(part)
            case _:
                part_lost(part, self._asked.losses)
        return over + self._delta(Delta(first)) if first else over

    def _open(self, kind: bytes) -> bytes:
        index = self._contents
        self._contents += 1
        self._lead, self._tail, self._ending = _TEXT_DELTA % (index, kind), b"}}}}\n\n", _TEXT_END % index
        return _TEXT_START % (index, kind, kind)

    def _call(self, call: ToolCall) -> bytes:
        index = self._calls
        self._calls += 1
        self._lead, self._tail, self._ending = _CALL_DELTA % index, b"}}}}}\n\n", _CALL_END % index
        function: Json = {"name": call.name, "arguments": ""}
        written = _CALL_START % (index, orjson.dumps({"id": fit(call.id, WORD), "type": "function", "function": function}))
        if call.arguments or call.text:  # one that comes whole
            written += self._lead + orjson.dumps(arguments_text(call)) + self._tail
        return written

    def _part_over(self) -> bytes:
        ending, self._ending = self._ending, b""
        self._kind = None
        return ending

    def _end(self, event: Ended) -> bytes:
        delta: dict[str, Json] = {"finish_reason": finish_word(self._finish, self._asked.losses)}
        if (usage := usage_object(event.usage)) is not None:
            delta["usage"] = usage
        return _END % orjson.dumps({"type": "message-end", "delta": delta})
