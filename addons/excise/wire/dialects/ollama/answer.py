"""
Answers of Ollama's own chat API: one document, or a line of JSON for each piece and a last one with `done: true`.

Source: Ollama's API documentation, `api/types.go`, and its Python SDK's `ChatResponse`, read 2026-11.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from excise.wire.dialect import Asked, Sent
from excise.wire.dialects.ollama.request import NAME, call_object, picture
from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartEnded, PartStarted, Ping, Started
from excise.wire.frame import Frame, Framing
from excise.wire.json_text import json_text
from excise.wire.loss import Losses
from excise.wire.neutral import Answer, Candidate, Finish, Image, Json, Part, Reasoning, Refusal, Text, ToolCall
from excise.wire.sequence import read_arguments
from excise.wire.tool_ids import made
from excise.wire.upstream_error import encode_stream_fault, fault_of
from excise.wire.usage import Usage

_FINISHES = {"stop": Finish.STOP, "length": Finish.LENGTH}

_WORDS = {Finish.LENGTH: "length", Finish.PAUSE: "length", Finish.BROKEN: "error"}


def _finish_of(body: dict[str, Any], *, called: bool) -> Finish:
    native = body.get("done_reason")
    if native is None or native == "":  # servers of before May 2024 do not say
        finish = Finish.STOP if body.get("done") is True else Finish.BROKEN
    else:
        finish = _FINISHES.get(native, Finish.BROKEN) if type(native) is str else Finish.BROKEN
    return Finish.TOOL if called and not finish.cut else finish


def _word(finish: Finish, losses: Losses) -> str:
    if finish in (Finish.FILTER, Finish.REFUSAL, Finish.PAUSE):
        losses.changed("finish", "the client's dialect knows two ends, stop and length; this one is said as the nearer of them")
    return _WORDS.get(finish, "stop")


def _native(body: dict[str, Any]) -> str | None:
    word = body.get("done_reason")
    return word if type(word) is str and word else None


def _name(value: Any) -> str | None:
    return value if type(value) is str and value else None


def _moment(value: Any) -> int | None:
    """
    Unix seconds of RFC 3339; `None` for anything else.
    """
    if type(value) is not str or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def _stamp(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _message(body: dict[str, Any]) -> dict[str, Any]:
    message = body.get("message")
    return message if type(message) is dict else {}


def _call(given: Any, seed: str, number: int, sent: Sent) -> ToolCall | None:
    function = given.get("function") if type(given) is dict else None
    if type(function) is not dict:
        return None
    name, id_, arguments = function.get("name"), given.get("id"), function.get("arguments")
    kept = None
    if type(arguments) is not dict:
        arguments, kept = read_arguments(arguments if type(arguments) is str else "")
    name = name if type(name) is str else ""
    return ToolCall(id=_name(id_) or made(seed, number), name=sent.tool_names.get(name, name), arguments=arguments, text=kept, raw=given)


def _seed(body: dict[str, Any]) -> str:
    """
    What ids are made of: the answer has none, and an id must not come again in the next one.
    """
    return f"{body.get('model')}/{body.get('created_at')}"


def _images(message: dict[str, Any]) -> list[Part]:
    images = message.get("images")
    return [Image(source=picture(data)) for data in images if type(data) is str and data] if type(images) is list else []


# -- whole -----------------------------------------------------------------------------------------------------------------------------


def decode_answer(body: Any, sent: Sent) -> Answer:
    """
    A provider's answer in neutral form. What cannot be read is a BROKEN answer.
    """
    if type(body) is not dict:
        return Answer(dialect=NAME, candidates=(Candidate((), Finish.BROKEN),))
    message = _message(body)
    parts: list[Part] = []
    if thought := _name(message.get("thinking")):
        parts.append(Reasoning(text=thought))
    if said := _name(message.get("content")):
        parts.append(Text(text=said))
    parts += _images(message)
    given = message.get("tool_calls")
    found = [_call(call, _seed(body), index, sent) for index, call in enumerate(given if type(given) is list else ())]
    calls = [call for call in found if call is not None]
    candidate = Candidate((*parts, *calls), _finish_of(body, called=bool(calls)), _native(body))
    return Answer(
        dialect=NAME,
        candidates=(candidate,),
        model=_name(body.get("model")),
        created=_moment(body.get("created_at")),
        raw=body,
    )


def encode_answer(answer: Answer, asked: Asked) -> Json:
    """
    An answer in Ollama's words.
    """
    if answer.dialect == NAME and type(answer.raw) is dict:
        return answer.raw
    candidate = answer.candidates[0] if answer.candidates else Candidate((), Finish.BROKEN)
    said: list[str] = []
    thoughts: list[str] = []
    images: list[str] = []
    calls: list[Json] = []
    for part in candidate.parts:
        match part:
            case Text(text=words) | Refusal(text=words):
                said.append(words)
                if isinstance(part, Text) and part.citations:
                    asked.losses.dropped("citations", "citations are of their provider's own form")
            case Reasoning(text=words, redacted=redacted):
                _proof(part, asked.losses)
                thoughts.append("" if redacted else words)
            case ToolCall():
                calls.append(call_object(part, len(calls), asked.losses))
            case _:
                images += _picture(part, asked.losses)
    message: dict[str, Json] = {"role": "assistant", "content": "".join(said)}
    if thought := "".join(thoughts):
        message["thinking"] = thought
    if images:
        message["images"] = images
    if calls:
        message["tool_calls"] = calls
    head = {"model": asked.model, "created_at": _stamp(answer.created if answer.created is not None else asked.now), "message": message}
    return {**head, "done": True, "done_reason": _word(candidate.finish, asked.losses), **_counts(answer.usage)}


def _proof(thought: Reasoning, losses: Losses) -> None:
    if thought.signature is not None:
        losses.dropped("reasoning.signature", "the client's dialect has no place for the proof of a thought; the next turn goes without it")


def _picture(part: Part, losses: Losses) -> list[str]:
    if isinstance(part, Image) and (data := getattr(part.source, "data", None)) is not None:
        return [data]
    losses.dropped(getattr(part, "kind", type(part).__name__.lower()), "the client's dialect has no place for this part of the answer")
    return []


def _counts(usage: Usage | None) -> dict[str, Json]:
    """
    Usage in Ollama's words: all input, cached included; all output, reasoning included.
    """
    if usage is None:
        return {}
    counts = (("prompt_eval_count", usage.input_tokens), ("eval_count", usage.output_tokens))
    return {name: count for name, count in counts if count is not None}


# -- in pieces, read -------------------------------------------------------------------------------------------------------------------


class OllamaStreamDecoder:
    """
    Reads one streamed answer. A whole document is a stream of one line.
    """

    __slots__ = ("_called", "_open", "_over", "_seed", "_sent", "_started")

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._started = False
        self._over = False
        self._open: type[Part] | None = None
        self._called = 0
        self._seed = ""

    def feed(self, frame: Frame) -> list[Event]:
        body = frame.json
        if self._over or type(body) is not dict:
            return []
        events: list[Event] = []
        if not self._started:
            if (fault := fault_of(body)) is not None:
                return self._failed(fault)
            self._started = True
            self._seed = _seed(body)
            events.append(Started(None, _name(body.get("model")), _moment(body.get("created_at"))))
        message = body.get("message")
        if type(message) is dict:
            thought, said = message.get("thinking"), message.get("content")
            if thought and type(thought) is str:
                self._say(Reasoning, thought, events)
            if said and type(said) is str:
                self._say(Text, said, events)
            if "tool_calls" in message or "images" in message:
                self._whole(message, events)
        elif "error" in body:
            return [*events, *self._failed(fault_of(body))]
        if body.get("done") is True:
            self._over = True
            self._shut(events)
            events += (Finished(_finish_of(body, called=self._called > 0), _native(body)), Ended())
        return events

    def close(self) -> list[Event]:
        """
        What was held of a stream that broke off before its last line.
        """
        if self._over:
            return []
        self._over = True
        events: list[Event] = [] if self._started else [Started()]
        self._shut(events)
        return [*events, Finished(Finish.BROKEN), Ended()]

    def _say(self, kind: type[Reasoning | Text], words: str, events: list[Event]) -> None:
        if self._open is not kind:
            self._shut(events)
            self._open = kind
            events.append(PartStarted(Reasoning() if kind is Reasoning else Text(text="")))
        events.append(Delta(words))

    def _shut(self, events: list[Event]) -> None:
        if self._open is not None:
            self._open = None
            events.append(PartEnded())

    def _whole(self, message: dict[str, Any], events: list[Event]) -> None:
        for image in _images(message):
            self._shut(events)
            events += (PartStarted(image), PartEnded())
        given = message.get("tool_calls")
        for each in given if type(given) is list else ():
            call = _call(each, self._seed, self._called, self._sent)
            if call is None:
                continue
            self._called += 1
            self._shut(events)
            events.append(PartStarted(ToolCall(id=call.id, name=call.name, arguments={}, raw=each)))
            if text := call.text if call.text is not None else json_text(call.arguments):
                events.append(Delta(text))
            events.append(PartEnded())

    def _failed(self, fault: Any) -> list[Event]:
        events: list[Event] = []
        self._over = True
        self._shut(events)
        return [*events, Failed(fault if fault is not None else fault_of({"error": True}))]


# -- in pieces, written ----------------------------------------------------------------------------------------------------------------


class OllamaStreamEncoder:
    """
    Writes one streamed answer. A call is written once its arguments are whole.
    """

    __slots__ = ("_arguments", "_asked", "_call", "_calls", "_finish", "_head", "_lead", "_stamp")

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._stamp = _stamp(asked.now)
        self._head = b'{"model":%b,"created_at":"%b","message":{"role":"assistant",' % (orjson.dumps(asked.model), self._stamp.encode())
        self._lead: bytes | None = self._head + b'"content":'  # before what a delta says; `None`: it is not written
        self._call: ToolCall | None = None
        self._arguments: list[str] = []
        self._calls = 0
        self._finish = Finish.BROKEN

    def feed(self, event: Event) -> bytes:
        if type(event) is Delta:
            return self._delta(event)
        match event:
            case PartStarted(candidate=0):
                return self._part_over() + self._part(event.part)
            case PartEnded(candidate=0):
                return self._part_over()
            case Finished(candidate=0):
                self._finish = event.finish
                return self._part_over()
            case Ended():
                return self._part_over() + self._end(event)
            case Failed():
                return encode_stream_fault(NAME, Framing.NDJSON, event.fault)
            case Ping():
                # A blank line would break clients that parse every line; a piece that says nothing is what servers send now and then.
                return self._head + b'"content":""},"done":false}\n'
        return b""

    def _delta(self, event: Delta) -> bytes:
        if event.candidate:
            return b""
        if event.signature is not None:
            _proof(Reasoning(signature=event.signature), self._asked.losses)
        if self._call is not None:
            self._arguments.append(event.text)
            return b""
        if self._lead is None or not event.text:
            return b""
        return self._lead + orjson.dumps(event.text) + b'},"done":false}\n'

    def _part(self, part: Part) -> bytes:
        first = ""
        match part:
            case Text() | Refusal():
                first = part.text
            case Reasoning():
                _proof(part, self._asked.losses)
                self._lead = None if part.redacted else self._head + b'"content":"","thinking":'
                first = part.text
            case ToolCall():
                self._call = part
            case _:
                self._lead = None
                if images := _picture(part, self._asked.losses):
                    return self._head + b'"content":"","images":%b},"done":false}\n' % orjson.dumps(images)
        return self._delta(Delta(first)) if first else b""

    def _part_over(self) -> bytes:
        call, self._call = self._call, None
        self._lead = self._head + b'"content":'
        if call is None:
            return b""
        arguments, kept = call.arguments, call.text
        if written := "".join(self._arguments):
            arguments, kept = read_arguments(written)
            self._arguments.clear()
        whole = ToolCall(id=call.id, name=call.name, arguments=arguments, text=kept)
        written_call = json_text(call_object(whole, self._calls, self._asked.losses)).encode()
        self._calls += 1
        return self._head + b'"content":"","tool_calls":[%b]},"done":false}\n' % written_call

    def _end(self, event: Ended) -> bytes:
        last: dict[str, Json] = {
            "model": self._asked.model,
            "created_at": self._stamp,
            "message": {"role": "assistant", "content": ""},
            "done": True,
            "done_reason": _word(self._finish, self._asked.losses),
            **_counts(event.usage),
        }
        return orjson.dumps(last) + b"\n"
