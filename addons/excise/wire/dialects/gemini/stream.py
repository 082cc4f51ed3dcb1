"""
Streams of generateContent, read and written.

A stream is chunks of the same form as a whole answer, as server-sent events with CRLF, or without `alt=sse` as one JSON array. Functions
are called in whole parts, except where a client of Vertex asks for their arguments in pieces. Nothing marks the end.

Source: the reference of `streamGenerateContent` (Gemini API v1beta, Vertex v1), google-genai 3.4 and recordings, read 2026-11.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from excise.wire.dialect import Asked, Sent
from excise.wire.dialects.gemini.answer import (
    blocked,
    call_of,
    created_at,
    finish_of,
    listed,
    part_of_answer,
    parts_of,
    reason_for,
    shows_thoughts,
    text_or_none,
    undone,
    unwrapped,
    usage_metadata,
    write_thought,
)
from excise.wire.dialects.gemini.parts import NAME, Calls, spelled
from excise.wire.dialects.gemini.pieces import pieced
from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartEnded, PartStarted, Ping, Started
from excise.wire.frame import Frame, Framing
from excise.wire.neutral import Finish, Json, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from excise.wire.sequence import read_arguments
from excise.wire.upstream_error import encode_stream_fault, fault_of

# -- reading ---------------------------------------------------------------------------------------------------------------------------


class _Candidate:
    """
    One answer as far as it has come.

    Attributes:
        open: Kind of the part that is open; `None` for none.
        arguments: Of the call that is open because it comes in pieces.
        reason: The last one given.
        called: It called a function, other than the one that stands for the answer.
    """

    __slots__ = ("arguments", "called", "index", "open", "reason")

    def __init__(self, index: int) -> None:
        self.index = index
        self.open: type[Part] | None = None
        self.arguments: dict[str, Json] | None = None
        self.reason: Json = None
        self.called = False

    def begin(self, part: Part, events: list[Event]) -> None:
        self.end(events)
        self.open = type(part)
        events.append(PartStarted(part, self.index))

    def end(self, events: list[Event]) -> None:
        if self.open is None:
            return
        if self.arguments is not None:
            events.append(Delta(orjson.dumps(self.arguments).decode(), self.index))
            self.arguments = None
        self.open = None
        events.append(PartEnded(self.index))


class StreamDecoder:
    """
    Chunks to events. Why an answer ended is told at the end of the stream: some models give a reason in every chunk.
    """

    __slots__ = ("_blocked", "_calls", "_candidates", "_over", "_sent", "_started")

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._calls = Calls("answer")
        self._candidates: dict[int, _Candidate] = {}
        self._started = False
        self._over = False
        self._blocked: dict[str, Json] = {}

    def feed(self, frame: Frame) -> list[Event]:
        if self._over:
            return []
        if frame.data is None:
            return [Ping()] if frame.raw[:1] == b":" else []
        body = frame.json
        if type(body) is list:  # an array that was not cut: an error, or a stream too short to be seen as one
            return [event for one in body for event in self._chunk(one)]
        return self._chunk(body)

    def close(self) -> list[Event]:
        if self._over:
            return []
        self._over = True
        events: list[Event] = [] if self._started else [Started()]
        if not self._candidates:
            events.append(Finished(*blocked(self._blocked)))
        for candidate in self._candidates.values():
            candidate.end(events)
            # Without any reason the stream broke off, and the calls that came may not be all.
            finish, word = finish_of(candidate.reason, calls=candidate.called and candidate.reason is not None)
            events.append(Finished(finish, word, None, candidate.index))
        events.append(Ended())
        return events

    def _chunk(self, body: Json) -> list[Event]:
        if type(body) is not dict or self._over:
            return []
        body = unwrapped(body)
        candidates = body.get("candidates")
        if candidates is None and not self._is_lifecycle(body):
            if (fault := fault_of(body)) is None:
                return []
            self._over = True
            return [Failed(fault)]
        events: list[Event] = []
        if not self._started:
            self._start(body, events)
        for one in listed(candidates):
            if type(one) is dict:
                self._candidate(one, events)
        return events

    def _is_lifecycle(self, body: dict[str, Json]) -> bool:
        """
        A chunk without candidates that is no error: usage, or word that the prompt was blocked.
        """
        given = spelled(body)
        if "promptFeedback" in given:
            self._blocked = given
            return True
        return "usageMetadata" in given and "error" not in given

    def _start(self, body: dict[str, Json], events: list[Event]) -> None:
        self._started = True
        given = spelled(body)
        id_ = text_or_none(given.get("responseId"))
        if id_ is not None:
            self._calls = Calls(id_)
        events.append(Started(id_, text_or_none(given.get("modelVersion")), created_at(given.get("createTime"))))

    def _candidate(self, given: dict[str, Json], events: list[Event]) -> None:
        index = given.get("index", 0)
        if type(index) is not int:
            index = 0
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = _Candidate(index)
        for part in parts_of(given.get("content")):
            # Nearly every part of every stream: a text and nothing else.
            if type(part) is dict and len(part) == 1 and type(text := part.get("text")) is str:
                if text:
                    if candidate.open is not Text:
                        candidate.begin(Text(text=""), events)
                    events.append(Delta(text, index))
            else:
                self._part(candidate, part, events)
        reason = given.get("finishReason") or given.get("finish_reason")
        if reason is not None:
            candidate.reason = reason

    def _part(self, candidate: _Candidate, part: Json, events: list[Event]) -> None:
        if type(part) is dict:
            for key in ("functionCall", "function_call"):
                if type(call := part.get(key)) is dict and self._in_pieces(candidate, part, spelled(call), events):
                    return
        found = undone(part_of_answer(part, self._calls), self._sent)
        signed = False
        for one in found:
            match one:
                case Reasoning(attached=True):
                    candidate.begin(one, events)
                    candidate.end(events)
                    signed = True
                case Reasoning():
                    self._thought(candidate, one, part, events)
                case Text(text=text):
                    if text:
                        if signed or candidate.open is not Text:
                            candidate.begin(Text(text=""), events)
                        events.append(Delta(text, candidate.index))
                    if signed:
                        candidate.end(events)  # what follows is another part, which the proof does not speak of
                case ToolCall():
                    self._begin_call(candidate, one, events)
                    candidate.arguments = dict(one.arguments or {})
                    candidate.end(events)
                case _:
                    candidate.begin(one, events)
                    candidate.end(events)

    def _thought(self, candidate: _Candidate, thought: Reasoning, part: dict[str, Json], events: list[Event]) -> None:
        if not thought.text and thought.signature is None:
            return
        spoken = part.get("thought") is True
        if candidate.open is not Reasoning or not spoken:
            candidate.begin(Reasoning(summary=thought.summary, origin=thought.origin), events)
        events.append(Delta(thought.text, candidate.index, thought.signature))
        if thought.signature is not None:
            candidate.end(events)

    def _begin_call(self, candidate: _Candidate, call: ToolCall, events: list[Event]) -> None:
        candidate.called = True
        candidate.begin(ToolCall(id=call.id, name=call.name, arguments={}), events)

    def _in_pieces(self, candidate: _Candidate, part: dict[str, Json], call: dict[str, Json], events: list[Event]) -> bool:
        """
        Take a part of a call whose arguments come in pieces. False for a call that comes whole.

        The first part has the name; parts follow while `willContinue`; the last one may be empty.
        """
        pieces = listed(call.get("partialArgs"))
        more = call.get("willContinue") is True
        if "name" in call and not (candidate.arguments is not None and pieces):
            if not more and not pieces:
                return False
            whole = {**part, "functionCall": {"name": call["name"], "id": call.get("id"), "args": {}}}
            whole.pop("function_call", None)
            candidate.end(events)
            for one in undone(part_of_answer(whole, self._calls), self._sent):
                if type(one) is ToolCall:
                    self._begin_call(candidate, one, events)
                elif type(one) is Text:
                    candidate.begin(Text(text=""), events)
                else:
                    candidate.begin(one, events)
                    candidate.end(events)
            candidate.arguments = {}
            if candidate.open is None:  # it could not be read
                candidate.arguments = None
                return True
        if candidate.arguments is not None:
            pieced(candidate.arguments, pieces)
            if type(given := call.get("args")) is dict:
                candidate.arguments |= given
            if not more:
                candidate.end(events)
        return True


# -- writing ---------------------------------------------------------------------------------------------------------------------------


class _Line:
    """
    One answer as far as it is written.

    Attributes:
        part: The open one.
        pieces: Of its text, where it cannot be written yet.
        signature: Of the open thought.
        proof: That stands on the next part.
        written: Something of the open thought has been written.
        calls: Whole ones that wait for what comes next: Google's SDKs make a turn of each chunk, and one answer's calls belong to one turn.
    """

    __slots__ = ("calls", "finish", "part", "pieces", "proof", "signature", "written")

    def __init__(self) -> None:
        self.part: Part | None = None
        self.pieces: list[str] = []
        self.signature: str | None = None
        self.proof: str | None = None
        self.written = False
        self.calls: list[bytes] = []
        self.finish: Finish = Finish.BROKEN


class StreamEncoder:
    """
    Events to chunks, each written at once, but for calls: those of an answer stand in one chunk, mostly the last, with why it ended and
    usage.
    """

    __slots__ = ("_array", "_asked", "_begun", "_lines", "_shows", "_tail")

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._array = asked.envelope.array
        self._shows = shows_thoughts(asked)
        self._begun = False
        self._lines: dict[int, _Line] = {}
        self._tail = self._tail_for(asked.id)

    def feed(self, event: Event) -> bytes:
        match event:
            case Delta():
                return self._delta(event)
            case PartStarted(part=part, candidate=index):
                return self._part_ended(index) + self._part_started(part, index)
            case PartEnded(candidate=index):
                return self._part_ended(index)
            case Started(id=id_):
                self._tail = self._tail_for(id_ or self._asked.id)
                return b""
            case Finished(finish=finish, candidate=index):
                line = self._line(index)
                line.finish = finish
                return self._part_ended(index)
            case Ended():
                return self._ended(event)
            case Failed(fault=fault):
                return self._failed(encode_stream_fault(NAME, self._framing, fault))
            case Ping():
                # An empty line. A comment would do by the rules, but Google's SDK for Python takes one for JSON and gives up.
                return b"\r\n"
        return b""

    @property
    def _framing(self) -> Framing:
        return Framing.JSON_ARRAY if self._array else Framing.SSE

    def _tail_for(self, id_: str) -> bytes:
        return b',"modelVersion":%b,"responseId":%b}' % (orjson.dumps(self._asked.model), orjson.dumps(id_))

    def _line(self, index: int) -> _Line:
        line = self._lines.get(index)
        if line is None:
            line = self._lines[index] = _Line()
        return line

    # -- parts -------------------------------------------------------------------------------------------------------------------------

    def _delta(self, event: Delta) -> bytes:
        line = self._lines.get(event.candidate)
        if line is None:
            line = self._line(event.candidate)
        part = line.part
        if part is None or type(part) is Text or type(part) is Refusal:
            return self._text(line, event.text, event.candidate) if event.text else b""
        if type(part) is not Reasoning:
            line.pieces.append(event.text)
            return b""
        if event.signature is not None:
            line.signature = event.signature
        if not event.text:
            return b""
        if not self._shows:
            line.pieces.append(event.text)
            return b""
        line.written = True
        return self._chunk(b'{"text":%b,"thought":true}' % orjson.dumps(event.text), event.candidate)

    def _text(self, line: _Line, text: str, index: int) -> bytes:
        written = b'{"text":%b}' % orjson.dumps(text)
        if line.proof is not None:
            written = b'%b,"thoughtSignature":%b}' % (written[:-1], orjson.dumps(line.proof))
            line.proof = None
        return self._chunk(written, index)

    def _part_started(self, part: Part, index: int) -> bytes:
        line = self._line(index)
        line.part = part
        match part:
            case Text(text=text) | Refusal(text=text):
                return self._text(line, text, index) if text else b""
            case Reasoning(text=text, signature=signature):
                line.signature = signature
                if text:
                    return self._delta(Delta(text, index))
            case Opaque(kind=kind):
                self._asked.losses.dropped(kind, "only the provider that made it can say what it is")
        return b""

    def _part_ended(self, index: int) -> bytes:
        line = self._line(index)
        part, line.part = line.part, None
        text, line.pieces = "".join(line.pieces), []
        if type(part) is Reasoning:
            return self._thought_ended(line, part, text, index)
        if type(part) is ToolCall:
            return self._call_ended(line, part, text, index)
        return b""

    def _call_ended(self, line: _Line, call: ToolCall, text: str, index: int) -> bytes:
        if text:
            arguments, kept = read_arguments(text)
            call = replace(call, arguments=arguments, text=kept)
        written: dict[str, Json] = {"functionCall": call_of(call, self._asked)}
        if line.proof is not None:
            written["thoughtSignature"], line.proof = line.proof, None
        line.calls.append(orjson.dumps(written))
        return b""

    def _thought_ended(self, line: _Line, thought: Reasoning, text: str, index: int) -> bytes:
        signature, line.signature = line.signature, None
        was_written, line.written = line.written, False
        whole = Reasoning(text=text, signature=signature, redacted=thought.redacted or was_written)
        part, proof = write_thought(whole, self._asked)
        out = b""
        if proof is not None:
            if line.proof is not None:
                out = self._text(line, "", index)
            line.proof = proof
        return out if part is None else out + self._chunk(orjson.dumps(part), index)

    # -- chunks ------------------------------------------------------------------------------------------------------------------------

    def _chunk(self, part: bytes, index: int) -> bytes:
        line = self._lines[index]
        if line.calls:
            part, line.calls = b",".join((*line.calls, part)), []
        return self._framed(b'{"candidates":[{"content":{"parts":[%b],"role":"model"},"index":%d}]%b' % (part, index, self._tail))

    def _framed(self, chunk: bytes) -> bytes:
        if not self._array:
            return b"data: %b\r\n\r\n" % chunk
        before = b"\r\n,\r\n" if self._begun else b"["
        self._begun = True
        return before + chunk

    def _ended(self, event: Ended) -> bytes:
        candidates = []
        for index, line in sorted(self._lines.items() or [(0, _Line())]):
            parts: list[Any] = [orjson.Fragment(call) for call in line.calls]
            if line.proof is not None:
                parts.append({"text": "", "thoughtSignature": line.proof})
            # A content without parts would make Google's SDKs drop the whole turn from a chat's history.
            content = {"parts": parts or [{"text": ""}], "role": "model"}
            candidates.append({"content": content, "finishReason": reason_for(line.finish), "index": index})
        body: dict[str, Any] = {"candidates": candidates}
        if event.usage is not None and (usage := usage_metadata(event.usage)):
            body["usageMetadata"] = usage
        out = self._framed(orjson.dumps(body)[:-1] + self._tail)
        return out + b"\r\n]" if self._array else out

    def _failed(self, frame: bytes) -> bytes:
        if self._array and not self._begun:
            return b"[" + frame.lstrip(b",")  # what is written for a fault continues an array
        return frame
