"""
Mistral's chat: OpenAI's dialect with its own words for documents, thoughts, seeds and ends, bodies without unknown fields, and tool calls
that come whole.

What its requests take is in `chat_flavours.py`; here is how its answers are written.

Source: Mistral API reference, "Chat", the `mistralai` SDK's types and recorded answers, read 2026-11.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson

from excise.wire.dialect import Asked, Dialect
from excise.wire.dialects.chat_flavours import MISTRAL_FLAVOUR
from excise.wire.dialects.openai_chat.answer_reading import read_answer
from excise.wire.dialects.openai_chat.answer_writing import note_citations, note_unsaid, write_call
from excise.wire.dialects.openai_chat.request_reading import read_request
from excise.wire.dialects.openai_chat.request_writing import write_request
from excise.wire.dialects.openai_chat.stream_reading import ChatDecoder
from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartEnded, PartStarted, Ping, Started
from excise.wire.frame import Framing
from excise.wire.neutral import Answer, Candidate, Finish, Json, Part, Reasoning, Refusal, Text, ToolCall
from excise.wire.sequence import read_arguments
from excise.wire.tool_ids import SHORT, fit
from excise.wire.upstream_error import encode_stream_fault
from excise.wire.usage import Usage

NAME = "mistral-chat"

_WORDS = {
    Finish.STOP: "stop",
    Finish.STOP_SEQUENCE: "stop",
    Finish.LENGTH: "length",
    Finish.TOOL: "tool_calls",
    Finish.FILTER: "error",
    Finish.PAUSE: "length",
    Finish.BROKEN: "error",
}

_SIGNATURE = "another provider's proof of a thought means nothing to the client's dialect"


def _word(finish: Finish, *, refused: bool) -> str:
    """
    A finish in Mistral's words; a refusal in words ends as any text does.
    """
    if finish is Finish.REFUSAL:
        return "stop" if refused else "error"
    return _WORDS[finish]


def _thinking(text: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def _call(call: ToolCall, index: int) -> dict[str, Any]:
    return {**write_call(call), "id": fit(call.id, SHORT), "index": index}


def _usage(usage: Usage) -> dict[str, Any]:
    """
    Usage in Mistral's arithmetic, which is OpenAI's.
    """
    prompt, completion = max(0, usage.input_tokens or 0), max(0, usage.output_tokens or 0)
    return {
        "prompt_tokens": prompt,
        "total_tokens": prompt + completion,
        "completion_tokens": completion,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens or 0},
    }


# -- whole answers ---------------------------------------------------------------------------------------------------------------------


def write_answer(answer: Answer, asked: Asked) -> Json:
    """
    The answer as Mistral writes it.
    """
    if answer.dialect == NAME and type(answer.raw) is dict:
        return {**answer.raw, "model": asked.model} if "model" in answer.raw else answer.raw
    return {
        "id": _id(answer.id, asked.id),
        "created": answer.created or asked.now,
        "model": asked.model,
        "usage": _usage(answer.usage),
        "object": "chat.completion",
        "choices": [_choice(index, candidate, asked) for index, candidate in enumerate(answer.candidates)],
    }


def _id(given: str | None, call_id: str) -> str:
    return given if given is not None and given.isascii() and given.isalnum() and len(given) == len(call_id) else call_id


def _choice(index: int, candidate: Candidate, asked: Asked) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    for part in candidate.parts:
        match part:
            case Text() | Refusal():
                if isinstance(part, Text):
                    note_citations(part, asked.losses)
                if content and content[-1]["type"] == "text":
                    content[-1]["text"] += part.text
                else:
                    content.append({"type": "text", "text": part.text})
            case Reasoning():
                if part.signature is not None:
                    asked.losses.dropped("reasoning.signature", _SIGNATURE)
                if part.text:
                    content.append({**_thinking(part.text), "closed": True})
            case ToolCall():
                calls.append(_call(part, len(calls)))
            case _:
                note_unsaid(part, asked.losses)
    plain = not content or (len(content) == 1 and content[0]["type"] == "text")
    refused = any(isinstance(part, Refusal) for part in candidate.parts)
    return {
        "index": index,
        "finish_reason": _word(candidate.finish, refused=refused),
        "message": {
            "role": "assistant",
            "tool_calls": calls or None,
            "content": (content[0]["text"] if content else "") if plain else content,
        },
    }


# -- streams ---------------------------------------------------------------------------------------------------------------------------


class MistralEncoder:
    """
    Turns events into chunks: the role, the deltas, whole calls, and in one last chunk the finish with the usage.

    Args:
        asked: What the client asked.
    """

    __slots__ = ("_asked", "_calls", "_finished", "_open", "_pieces", "_prefix", "_refused", "_started")

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._prefix = b""
        self._started: set[int] = set()
        self._open: dict[int, Part] = {}
        self._pieces: dict[int, list[str]] = {}
        self._calls: dict[int, int] = {}
        self._refused: set[int] = set()
        self._finished: list[dict[str, Any]] = []

    def feed(self, event: Event) -> bytes:
        match event:
            case Delta():
                return self._delta(event.text, event.candidate, event.signature)
            case PartStarted():
                return self._part(event.part, event.candidate)
            case PartEnded():
                return self._part_ended(event.candidate)
            case Started():
                return self._start(event)
            case Finished():
                refused = event.candidate in self._refused
                reason = _word(event.finish, refused=refused)
                self._finished.append({"index": event.candidate, "delta": {"content": ""}, "finish_reason": reason})
                return self._role(event.candidate)
            case Ended():
                return self._ended(event)
            case Failed():
                return encode_stream_fault(NAME, Framing.SSE, event.fault)
            case Ping():
                return b": excise\n\n"
        return b""

    def _start(self, event: Started) -> bytes:
        head = {
            "id": _id(event.id, self._asked.id),
            "object": "chat.completion.chunk",
            "created": event.created or self._asked.now,
            "model": self._asked.model,
        }
        self._prefix = b'data: %b,"choices":' % orjson.dumps(head)[:-1]
        return self._role(0)

    def _role(self, candidate: int) -> bytes:
        """
        The role, before anything else of a candidate.
        """
        if not self._prefix:
            written = self._start(Started())
            return written if candidate == 0 else written + self._role(candidate)
        if candidate in self._started:
            return b""
        self._started.add(candidate)
        return self._chunk({"role": "assistant", "content": ""}, candidate)

    def _chunk(self, delta: dict[str, Any], candidate: int) -> bytes:
        choice = [{"index": candidate, "delta": delta, "finish_reason": None}]
        return b"%b%b}\n\n" % (self._prefix, orjson.dumps(choice))

    def _part(self, part: Part, candidate: int) -> bytes:
        written = self._role(candidate)
        self._open[candidate] = part
        match part:
            case Text():
                note_citations(part, self._asked.losses)
            case Refusal():
                self._refused.add(candidate)
            case Reasoning():
                if part.signature is not None:
                    self._asked.losses.dropped("reasoning.signature", _SIGNATURE)
            case ToolCall():
                self._pieces[candidate] = []
                return written
            case _:
                note_unsaid(part, self._asked.losses)
                return written
        return written + self._delta(part.text, candidate, None)

    def _delta(self, text: str, candidate: int, signature: str | None) -> bytes:
        if signature is not None:
            self._asked.losses.dropped("reasoning.signature", _SIGNATURE)
        if not text:
            return b""
        part = self._open.get(candidate)
        match part:
            case ToolCall():
                self._pieces[candidate].append(text)
                return b""
            case Reasoning():
                return self._chunk({"content": [_thinking(text)]}, candidate)
        return self._role(candidate) + self._chunk({"content": text}, candidate)

    def _part_ended(self, candidate: int) -> bytes:
        part = self._open.pop(candidate, None)
        if not isinstance(part, ToolCall):
            return b""
        # Mistral's SDK wants name and arguments in every call of a delta, so that calls come whole.
        arguments, text = read_arguments("".join(self._pieces.pop(candidate, ())))
        index = self._calls.get(candidate, 0)
        self._calls[candidate] = index + 1
        call = ToolCall(id=part.id, name=part.name, arguments=arguments, text=text)
        return self._chunk({"tool_calls": [_call(call, index)]}, candidate)

    def _ended(self, event: Ended) -> bytes:
        written = b"" if self._prefix else self._start(Started())
        usage = orjson.dumps(_usage(event.usage or Usage()))
        return b'%b%b%b,"usage":%b}\n\ndata: [DONE]\n\n' % (written, self._prefix, orjson.dumps(self._finished), usage)


MISTRAL = Dialect(
    name=NAME,
    framing=Framing.SSE,
    content_type="text/event-stream; charset=utf-8",
    decode_request=partial(read_request, NAME),
    encode_request=partial(write_request, NAME, flavour=MISTRAL_FLAVOUR),
    decode_answer=partial(read_answer, NAME),
    encode_answer=write_answer,
    stream_decoder=ChatDecoder,
    stream_encoder=MistralEncoder,
)
