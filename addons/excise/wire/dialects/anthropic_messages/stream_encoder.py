"""
Streamed answers, written.
"""

from __future__ import annotations

from typing import Any

import orjson

from excise.wire.dialect import Asked
from excise.wire.dialects.anthropic_messages.answer import (
    is_raw,
    message_id,
    note_unwritten,
    signed,
    stop_of,
    thought_of,
    totals_of,
    usage_of,
)
from excise.wire.dialects.anthropic_messages.blocks import FAMILY
from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartEnded, PartStarted, Ping, Started
from excise.wire.frame import Framing
from excise.wire.neutral import Finish, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from excise.wire.tool_ids import WORD, fit
from excise.wire.upstream_error import encode_stream_fault
from excise.wire.usage import Usage

_PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_NOTHING = Usage()
_EMPTY_TEXT = b'{"type":"text","text":""}'
_EMPTY_THOUGHT = b'{"type":"thinking","thinking":"","signature":""}'


class MessagesStreamEncoder:
    """
    Writes one message as it comes.

    A block of text or thoughts is opened with its first words, so that none stays empty: clients send their blocks back, and the provider
    refuses empty ones.
    """

    __slots__ = (
        "_asked",
        "_calls",
        "_finished",
        "_head",
        "_index",
        "_name",
        "_open",
        "_own",
        "_part",
        "_refused",
        "_signature",
        "_started",
    )

    def __init__(self, name: str, asked: Asked) -> None:
        self._name = name
        self._asked = asked
        self._own = asked.dialect in FAMILY
        self._started = False
        self._index = -1
        self._part: Part | None = None
        self._open = False  # the part's block was opened
        self._head = b""  # of a delta of the open block, up to its text
        self._signature: str | None = None
        self._calls = False
        self._refused: list[str] = []
        self._finished = Finished(Finish.STOP)

    def feed(self, event: Event) -> bytes:
        if type(event) is Delta:
            return self._delta(event)
        if getattr(event, "candidate", 0):
            return b""  # a message is one answer
        match event:
            case PartStarted():
                return self._begin() + self._close() + self._part_started(event.part)
            case PartEnded():
                return self._close()
            case Started():
                return self._begin(event)
            case Finished():
                self._finished = event
                return self._close()
            case Ended():
                return self._begin() + self._close() + self._end(event)
            case Failed():
                return encode_stream_fault(self._name, Framing.SSE, event.fault)
            case Ping():
                return _PING
        return b""

    def _begin(self, event: Started | None = None) -> bytes:
        if self._started:
            return b""
        self._started = True
        event = event or Started()
        message: dict[str, Any] = {
            "id": message_id(event.id, self._asked, own=self._own),
            "type": "message",
            "role": "assistant",
            "model": self._asked.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "stop_details": None,
            "usage": usage_of(event.usage or _NOTHING, None),
        }
        return _frame("message_start", {"type": "message_start", "message": message})

    # -- blocks

    def _part_started(self, part: Part) -> bytes:
        self._part, self._open, self._signature = part, False, None
        if isinstance(part, Text | Refusal):
            if isinstance(part, Text) and part.citations:
                self._asked.losses.dropped("citations", "citations are not translated; the text they belong to is there")
            return self._delta(Delta(part.text)) if part.text else b""
        if isinstance(part, ToolCall):
            self._calls = True
            block = {"type": "tool_use", "id": fit(part.id, WORD), "name": part.name, "input": {}}
            if self._own and is_raw(part):
                block = {**part.raw, "input": {}}
            return self._block(orjson.dumps(block), b"input_json_delta", b"partial_json")
        if isinstance(part, Reasoning):
            self._signature = part.signature
            return self._delta(Delta(part.text)) if part.text else b""
        if not self._goes_on(part):
            note_unwritten(part, self._asked.losses)
        return b""

    def _goes_on(self, part: Part) -> bool:
        """
        Whether a part is a block that only this family understands, on its way within it.
        """
        return self._own and type(part) is Opaque and part.raw is not None

    def _block(self, block: bytes, delta: bytes, member: bytes) -> bytes:
        """
        Open a block, and make ready what its deltas begin with.
        """
        self._index += 1
        self._open = True
        index = b"%d" % self._index
        self._head = b"".join(
            (
                b'event: content_block_delta\ndata: {"type":"content_block_delta","index":',
                index,
                b',"delta":{"type":"',
                delta,
                b'","',
                member,
                b'":',
            )
        )
        return b"".join(
            (
                b'event: content_block_start\ndata: {"type":"content_block_start","index":',
                index,
                b',"content_block":',
                block,
                b"}\n\n",
            )
        )

    def _delta(self, event: Delta) -> bytes:
        if event.candidate:
            return b""
        if event.signature is not None:
            self._signature = event.signature
        if not event.text:
            return b""
        part = self._part
        if type(part) is Refusal:
            self._refused.append(event.text)
        if self._open:
            return b"%b%b}}\n\n" % (self._head, orjson.dumps(event.text))
        opened = b""
        if part is None:
            self._part = part = Text(text="")
            opened = self._begin()
        if isinstance(part, Text | Refusal):
            opened += self._block(_EMPTY_TEXT, b"text_delta", b"text")
        elif isinstance(part, Reasoning):
            opened += self._block(_EMPTY_THOUGHT, b"thinking_delta", b"thinking")
        else:
            return b""  # of a part that comes whole, or has no block
        return b"%b%b%b}}\n\n" % (opened, self._head, orjson.dumps(event.text))

    def _close(self) -> bytes:
        part, self._part = self._part, None
        if part is None:
            return b""
        out = b""
        if isinstance(part, Reasoning):
            out = self._proof(part)
        elif self._goes_on(part):
            out = self._block(orjson.dumps(part.raw), b"", b"")
        if not self._open:
            return out
        self._open = False
        return b'%bevent: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % (out, self._index)

    def _proof(self, part: Reasoning) -> bytes:
        """
        The proof of a thought, before its block ends; a block of its own where the thought has no words.
        """
        signature = self._signature
        if self._open:
            if not signature:
                return b""
            delta = {"type": "signature_delta", "signature": signed(signature, part, self._asked)}
            return _frame("content_block_delta", {"type": "content_block_delta", "index": self._index, "delta": delta})
        block = thought_of(part, "", signature, self._asked)
        if block is None:
            return b""
        if block["type"] == "redacted_thinking":
            return self._block(orjson.dumps(block), b"", b"")
        opened = self._block(_EMPTY_THOUGHT, b"thinking_delta", b"thinking")
        delta = {"type": "signature_delta", "signature": block["signature"]}
        return opened + _frame("content_block_delta", {"type": "content_block_delta", "index": self._index, "delta": delta})

    # -- the end

    def _end(self, event: Ended) -> bytes:
        finished, usage = self._finished, event.usage or _NOTHING
        parts = (Refusal(text="".join(self._refused)),) if self._refused else ()
        stop = stop_of(finished.finish, finished.native, finished.stop_sequence, parts, self._asked, calls=self._calls, own=self._own)
        said = usage_of(usage, None)
        counted = {
            **totals_of(usage),
            **{
                key: said[key]
                for key in ("cache_creation_input_tokens", "cache_read_input_tokens", "server_tool_use")
                if said[key] is not None
            },
        }
        if usage.input_tokens is None:
            del counted["input_tokens"]  # what the start said stands
        return _frame("message_delta", {"type": "message_delta", "delta": stop, "usage": counted}) + _STOP


def _frame(event: str, body: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event.encode(), orjson.dumps(body))
