"""
Neutral events as a stream of Responses events.

Every item and every part of one is announced, filled and done, under one id and one index throughout; events are numbered without a gap.
The official SDKs hold a stream to it. Deltas are by far the most events, so all of one but text and number is written once a part.

Source: OpenAI SDK 3.54 types `response_stream_event` and its `lib/streaming/responses`; recorded traffic; read 2026-11.
"""

from __future__ import annotations

from typing import Any

from excise.wire.dialect import Asked
from excise.wire.dialects.openai_responses.answer import ItemWriter, close, dumped, free_text_of, skeleton, status_of
from excise.wire.dialects.openai_responses.items import NAME
from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartEnded, PartStarted, Ping, Started
from excise.wire.frame import Framing
from excise.wire.neutral import Finish, Json, Part, Reasoning, Refusal, Text, ToolCall
from excise.wire.sequence import arguments_text
from excise.wire.upstream_error import Fault, encode_stream_fault
from excise.wire.usage import Usage

_PING = b": ping\n\n"

# Codes of a failed response; clients decide by them whether to try again.
_CODES = {
    "rate": "rate_limit_exceeded",
    "billing": "insufficient_quota",
    "too_large": "context_length_exceeded",
    "bad_request": "invalid_prompt",
    "filter": "invalid_prompt",
}


class StreamWriter:
    """
    Writes one streamed response. Of several candidates, the first is written.
    """

    __slots__ = (
        "_asked",
        "_content",
        "_created",
        "_finish",
        "_head",
        "_id",
        "_index",
        "_item",
        "_items",
        "_number",
        "_output",
        "_part",
        "_pieces",
        "_refused",
        "_signature",
        "_skeleton",
    )

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._items = ItemWriter(asked)
        self._skeleton: dict[str, Json] | None = None
        self._number = 0  # of the next event
        self._output: list[Json] = []
        self._content: list[Json] | None = None  # of the message that is open
        self._item: dict[str, Json] = {}  # that is open
        self._part: Part | None = None  # that is open
        self._pieces: list[str] = []  # of it
        self._signature: str | None = None  # of it
        self._head = b""  # of its deltas; empty until it is announced
        self._finish = Finish.BROKEN
        self._refused = False

    def feed(self, event: Event) -> bytes:
        if type(event) is Delta:
            return self._delta(event)
        match event:
            case PartStarted(part=part, candidate=candidate):
                return self._start() + self._open(part) if self._is_first(candidate) else b""
            case PartEnded(candidate=0):
                return self._close_part()
            case Finished(finish=finish, candidate=0):
                self._finish = finish
                return self._close_part()
            case Ended(usage=usage, service_tier=tier):
                return self._start() + self._end(usage or Usage(), tier)
            case Failed(fault=fault):
                return self._start() + self._fail(fault)
            case Started(id=id_, created=created):
                return self._start(id_, created)
            case Ping():
                return _PING
        return b""

    # -- the response ----------------------------------------------------------------------------------------------------------------

    def _start(self, id_: str | None = None, created: int | None = None) -> bytes:
        if self._skeleton is not None:
            return b""
        self._skeleton = skeleton(self._asked, id_, created)
        written = dumped(self._skeleton)
        return self._lifecycle(b"response.created", written) + self._lifecycle(b"response.in_progress", written)

    def _lifecycle(self, kind: bytes, response: bytes) -> bytes:
        number = self._number
        self._number += 1
        return b'event: %b\ndata: {"type":"%b","sequence_number":%d,"response":%b}\n\n' % (kind, kind, number, response)

    def _end(self, usage: Usage, tier: str | None) -> bytes:
        out = self._close_part()
        status, reason = status_of(self._finish, refused=self._refused)
        out += self._close_message("incomplete" if status == "incomplete" else "completed")
        assert self._skeleton is not None
        close(self._skeleton, status, reason, self._output, usage, tier, self._asked)
        return out + self._lifecycle(b"response.%b" % status.encode(), dumped(self._skeleton))

    def _fail(self, fault: Fault) -> bytes:
        """
        The error, on which SDKs raise, and the response's own end, for clients that read events.
        """
        out = encode_stream_fault(NAME, Framing.SSE, fault, sequence_number=self._number)
        self._number += 1
        assert self._skeleton is not None
        close(self._skeleton, "failed", None, self._output, Usage(), None, self._asked)
        self._skeleton["error"] = {"code": _CODES.get(fault.sort, "server_error"), "message": fault.message}
        return out + self._lifecycle(b"response.failed", dumped(self._skeleton))

    def _is_first(self, candidate: int) -> bool:
        if candidate == 0:
            return True
        self._asked.losses.dropped("candidates", "a response holds one answer; the others are left out")
        return False

    def _event(self, kind: str, **fields: Any) -> bytes:
        body = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), dumped(body))

    # -- items -----------------------------------------------------------------------------------------------------------------------

    def _announce(self, item: dict[str, Json]) -> bytes:
        self._item = item
        return self._event("response.output_item.added", output_index=len(self._output), item=item)

    def _item_done(self, item: dict[str, Json]) -> bytes:
        out = self._event("response.output_item.done", output_index=len(self._output), item=item)
        self._output.append(item)
        return out

    def _close_message(self, status: str = "completed") -> bytes:
        if self._content is None:
            return b""
        item = {**self._item, "status": status, "content": self._content}
        self._content = None
        return self._item_done(item)

    # -- parts -----------------------------------------------------------------------------------------------------------------------

    def _open(self, part: Part) -> bytes:
        out = self._close_part()
        self._part, self._pieces, self._signature, self._head = part, [], None, b""
        if isinstance(part, Text | Refusal):
            return out + self._piece(part.text) if part.text else out
        out += self._close_message()
        if isinstance(part, ToolCall):
            return out + self._open_call(part)
        if isinstance(part, Reasoning):
            self._signature = part.signature
            return out + self._piece(part.text) if part.text else out
        self._part = None
        self._items.item(part)  # notes what is lost
        return out

    def _delta(self, event: Delta) -> bytes:
        if event.candidate:
            return b""
        if event.signature is not None:
            self._signature = event.signature
        if not event.text:
            return b""
        if self._part is None:
            # A delta outside of a part is text.
            return self._start() + self._open(Text(text="")) + self._piece(event.text)
        return self._piece(event.text)

    def _piece(self, text: str) -> bytes:
        """
        More of the open part, which is announced with its first piece: one that says nothing never begins.
        """
        self._pieces.append(text)
        out = b"" if self._head else self._begin()
        if not self._head:
            return out  # the call of a free-text tool is written at its end
        number = self._number
        self._number += 1
        return b'%b%b%b,"sequence_number":%d}\n\n' % (out, self._head, dumped(text), number)

    def _begin(self) -> bytes:
        part = self._part
        if isinstance(part, Text | Refusal):
            return self._begin_content(part)
        if isinstance(part, Reasoning):
            return self._begin_thought()
        return b""

    def _set_head(self, kind: str, **fields: Any) -> None:
        start = dumped({"type": kind, "item_id": self._item["id"], "output_index": len(self._output), **fields})
        self._head = b'event: %b\ndata: %b,"delta":' % (kind.encode(), start[:-1])

    def _begin_content(self, part: Text | Refusal) -> bytes:
        out = b""
        if self._content is None:
            message = self._items.message([])
            message["status"] = "in_progress"
            out = self._announce(message)
            self._content = []
        empty = {"type": "refusal", "refusal": ""} if isinstance(part, Refusal) else _text_part("")
        out += self._event("response.content_part.added", **self._here(), part=empty)
        if isinstance(part, Refusal):
            self._refused = True
            self._set_head("response.refusal.delta", content_index=len(self._content))
        else:
            self._set_head("response.output_text.delta", content_index=len(self._content), logprobs=[])
        return out

    def _here(self) -> dict[str, Json]:
        return {"item_id": self._item["id"], "output_index": len(self._output), "content_index": len(self._content or ())}

    def _begin_thought(self) -> bytes:
        out = self._announce({"id": self._items.next_id("rs"), "type": "reasoning", "summary": []})
        where = {"item_id": self._item["id"], "output_index": len(self._output), "summary_index": 0}
        out += self._event("response.reasoning_summary_part.added", **where, part={"type": "summary_text", "text": ""})
        self._set_head("response.reasoning_summary_text.delta", summary_index=0)
        return out

    def _open_call(self, call: ToolCall) -> bytes:
        empty = self._items.call(call, "")
        empty["status"] = "in_progress"
        out = self._announce(self._items.numbered(empty))
        if not self._items.is_free_text(call):
            self._set_head("response.function_call_arguments.delta")
        if call.text or call.arguments:
            out += self._piece(arguments_text(call))
        return out

    def _close_part(self) -> bytes:
        part, self._part = self._part, None
        if part is None:
            return b""
        text = "".join(self._pieces)
        if isinstance(part, Text | Refusal):
            return self._close_content(part, text) if text else b""
        if isinstance(part, Reasoning):
            return self._close_thought(part, text)
        assert isinstance(part, ToolCall)
        return self._close_call(part, text)

    def _close_content(self, part: Text | Refusal, text: str) -> bytes:
        where = self._here()
        assert self._content is not None
        if isinstance(part, Refusal):
            content: Json = {"type": "refusal", "refusal": text}
            out = self._event("response.refusal.done", **where, refusal=text)
        else:
            content = self._items.content(Text(text=text, citations=part.citations))
            out = self._event("response.output_text.done", **where, text=text, logprobs=[])
        out += self._event("response.content_part.done", **where, part=content)
        self._content.append(content)
        return out

    def _close_thought(self, part: Reasoning, text: str) -> bytes:
        written = self._items.thought(part, text, self._signature)
        if written is None:
            return b""
        if not text:
            item = self._items.numbered(written)
            empty = {"id": item["id"], "type": "reasoning", "summary": []}
            return self._announce(empty) + self._item_done(item)
        where = {"item_id": self._item["id"], "output_index": len(self._output), "summary_index": 0}
        out = self._event("response.reasoning_summary_text.done", **where, text=text)
        out += self._event("response.reasoning_summary_part.done", **where, part={"type": "summary_text", "text": text})
        return out + self._item_done({"id": self._item["id"], **written})

    def _close_call(self, call: ToolCall, text: str) -> bytes:
        out = b""
        if not text:
            text = "{}"
            out = self._piece(text)
        where = {"item_id": self._item["id"], "output_index": len(self._output)}
        if self._items.is_free_text(call):
            given = free_text_of(text)
            out += self._event("response.custom_tool_call_input.delta", **where, delta=given)
            out += self._event("response.custom_tool_call_input.done", **where, input=given)
        else:
            out += self._event("response.function_call_arguments.done", **where, name=call.name, arguments=text)
        return out + self._item_done({"id": self._item["id"], **self._items.call(call, text)})


def _text_part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
