"""
Streamed answers, read.

    message_start -> (content_block_start -> content_block_delta* -> content_block_stop)* -> message_delta -> message_stop

with `ping` anywhere, and `error` in place of the rest. Blocks of the real provider never interleave and are always opened and closed; its
imitators leave events out, give whole blocks at their start, or write text into a block of thoughts.
"""

from __future__ import annotations

from typing import Any

import orjson

from excise.wire.dialect import Sent
from excise.wire.dialects.anthropic_messages.answer import call_part, decode_answer, explanation, finish_of
from excise.wire.dialects.anthropic_messages.blocks import MESSAGES, opaque
from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartEnded, PartStarted, Ping, Started
from excise.wire.frame import Frame
from excise.wire.neutral import Finish, Json, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from excise.wire.sequence import replay
from excise.wire.upstream_error import fault_of

# Which delta belongs into which part. Compacted and server-side blocks are put together whole, apart from this.
_TEXTS: dict[Any, str] = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


class MessagesStreamDecoder:
    """
    Reads one streamed message. Never raises.
    """

    __slots__ = (
        "_calls",
        "_details",
        "_ended",
        "_held",
        "_id",
        "_index",
        "_kind",
        "_opaque",
        "_opaque_json",
        "_reason",
        "_says",
        "_sent",
        "_sequence",
        "_started",
    )

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._id: str | None = None
        self._started = False
        self._ended = False
        self._index: Json = None  # of the open block
        self._kind: str | None = None  # of deltas the open part takes
        self._held = ""  # arguments given whole at a block's start, until it is known whether they come in pieces as well
        self._opaque: dict[str, Any] | None = None
        self._opaque_json: list[str] = []
        self._calls = False
        self._says = False
        self._reason: str | None = None
        self._sequence: str | None = None
        self._details: Json = None

    def feed(self, frame: Frame) -> list[Event]:
        body = frame.json
        if type(body) is not dict or self._ended:
            return []
        kind = body.get("type")
        if kind == "content_block_delta":  # nearly all there are
            return self._delta(body)
        match kind:
            case "content_block_start":
                return self._block_start(body)
            case "content_block_stop":
                return self._close()
            case "ping":
                return [Ping()]
            case "message_start":
                return self._message_start(body)
            case "message_delta":
                return self._message_delta(body)
            case "message_stop":
                return self._end()
            case "message":
                return self._whole(body)
        if kind == "error" or "error" in body or frame.event == "error":
            fault = fault_of(body)
            if fault is not None:
                self._ended = True
                return [Failed(fault)]
        return []

    def close(self) -> list[Event]:
        if self._ended:
            return []
        if self._reason is None:
            # It broke off: the provider always says why it stopped.
            events = self._close()
            self._ended = True
            return [*events, Finished(Finish.BROKEN), Ended()]
        return self._end()

    def _message_start(self, body: dict[str, Any]) -> list[Event]:
        message = body.get("message")
        message = message if type(message) is dict else {}
        self._id = _word(message.get("id"))
        events = self._start(_word(message.get("model")))
        content = message.get("content")
        for place, block in enumerate(content if type(content) is list else ()):
            events += self._block_start({"index": f"head {place}", "content_block": block})
        if self._reason is None:
            self._reason = _word(message.get("stop_reason"))
        return events

    def _start(self, model: str | None = None) -> list[Event]:
        if self._started:
            return []
        self._started = True
        return [Started(id=self._id, model=model)]

    def _whole(self, body: dict[str, Any]) -> list[Event]:
        if self._started:
            return []
        self._started = self._ended = True
        return replay(decode_answer(MESSAGES, body, self._sent))

    # -- blocks

    def _block_start(self, body: dict[str, Any]) -> list[Event]:
        events = self._start() if not self._started else []
        events += self._close()
        block = body.get("content_block")
        if type(block) is not dict:
            return events
        self._index = body.get("index")
        self._says = True
        match block.get("type"):
            case "text":
                events += self._open("text_delta", Text(text=""))
                if text := _word(block.get("text")):
                    events.append(Delta(text))
            case "thinking":
                events += self._open("thinking_delta", Reasoning())
                if text := _word(block.get("thinking")):
                    events.append(Delta(text))
                if signature := _word(block.get("signature")):
                    events.append(Delta("", 0, signature))
            case "redacted_thinking":
                events += self._open("", Reasoning(signature=_word(block.get("data")) or "", redacted=True))
            case "tool_use":
                events += self._call_start(block)
            case str() as kind:
                self._kind, self._opaque = "", {**block, "type": kind}
        return events

    def _open(self, takes: str, part: Part) -> list[Event]:
        self._kind = takes
        return [PartStarted(part)]

    def _call_start(self, block: dict[str, Any]) -> list[Event]:
        given = block.get("input")
        self._held = orjson.dumps(given).decode() if type(given) is dict and given else given if type(given) is str else ""
        part = call_part({**block, "input": {}}, self._sent, self._id, self._index if type(self._index) is int else 0)
        if type(part) is ToolCall:
            self._calls = True
        else:  # an output schema's tool: its arguments are the text
            part = Text(text="")
        return self._open("input_json_delta", part)

    def _delta(self, body: dict[str, Any]) -> list[Event]:
        delta = body.get("delta")
        if type(delta) is not dict:
            return []
        kind = delta.get("type")
        if kind == self._kind and body.get("index", self._index) == self._index:
            text = delta.get(_TEXTS.get(kind, ""))
            if type(text) is not str or not text:
                return []
            if self._held:
                self._held = ""
            return [Delta(text)]
        if kind == "signature_delta":
            signature = _word(delta.get("signature"))
            return [Delta("", 0, signature)] if signature is not None and self._kind == "thinking_delta" else []
        if self._opaque is not None:
            self._gather(delta)
            return []
        return self._misplaced(body, delta, kind)

    def _gather(self, delta: dict[str, Any]) -> None:
        """
        More of a block that goes on whole.
        """
        assert self._opaque is not None
        if delta.get("type") == "input_json_delta":
            if type(piece := delta.get("partial_json")) is str:
                self._opaque_json.append(piece)
            return
        self._opaque |= {key: value for key, value in delta.items() if key != "type"}

    def _misplaced(self, body: dict[str, Any], delta: dict[str, Any], kind: Json) -> list[Event]:
        """
        A delta whose block was not opened, or is of another kind.
        """
        if kind not in ("text_delta", "thinking_delta"):
            return []
        text = _word(delta.get(_TEXTS[kind]))
        if text is None:
            return []
        events = self._start() if not self._started else []
        events += self._close()
        self._index = body.get("index")
        self._says = True
        events += self._open(kind, Text(text="") if kind == "text_delta" else Reasoning())
        events.append(Delta(text))
        return events

    def _close(self) -> list[Event]:
        """
        The open block is over.
        """
        if self._kind is None:
            return []
        events: list[Event] = []
        if self._opaque is not None:
            events.append(PartStarted(self._whole_opaque(self._opaque)))
            self._opaque, self._opaque_json = None, []
        elif self._held:
            events.append(Delta(self._held))
        events.append(PartEnded())
        self._kind, self._held = None, ""
        return events

    def _whole_opaque(self, block: dict[str, Any]) -> Opaque:
        if self._opaque_json:
            try:
                block["input"] = orjson.loads("".join(self._opaque_json) or "{}")
            except orjson.JSONDecodeError:
                block["input"] = {}
        return opaque(block, block["type"])

    # -- the end

    def _message_delta(self, body: dict[str, Any]) -> list[Event]:
        delta = body.get("delta")
        if type(delta) is dict:
            self._reason = _word(delta.get("stop_reason")) or self._reason
            self._sequence = _word(delta.get("stop_sequence")) or self._sequence
            self._details = delta.get("stop_details") or self._details
        return []

    def _end(self) -> list[Event]:
        events = self._start() if not self._started else []
        events += self._close()
        self._ended = True
        finish = finish_of(self._reason, self._calls, self._says)
        if not self._says and (words := explanation(self._details)) is not None:
            events += [PartStarted(Refusal(text="")), Delta(words), PartEnded()]
        return [*events, Finished(finish, self._reason, self._sequence), Ended()]


def _word(value: Json) -> str | None:
    return value if type(value) is str and value else None
