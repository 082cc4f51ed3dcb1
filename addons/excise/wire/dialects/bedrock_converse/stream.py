"""
Streamed answers of ConverseStream, both ways: event-stream messages, one a piece.

    messageStart  (contentBlockStart of tools only  contentBlockDelta*  contentBlockStop)*  messageStop  metadata

Text has no start of its own. Blocks do not interleave. An error is an exception message, and the last one. Bedrock pads payloads with a
member "p" against guessing from lengths; nobody needs it.

Source: AWS, "ConverseStream" of the Bedrock Runtime API reference; the service model of botocore 1.43; recorded streams; read 2026-11.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from contextlib import suppress
from typing import Any

import orjson

from excise.wire import keepsake
from excise.wire.dialect import Asked, Sent
from excise.wire.dialects.bedrock_converse.answer import (
    finish_of,
    renamed,
    stop_fields,
    stop_reason,
    stop_sequence_of,
    write_part,
    write_usage,
)
from excise.wire.dialects.bedrock_converse.blocks import NAME, read_block
from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartEnded, PartStarted, Started
from excise.wire.eventstream import encode_message
from excise.wire.frame import Frame, Framing
from excise.wire.neutral import Finish, Json, Opaque, Part, Reasoning, Text, ToolCall
from excise.wire.tool_ids import WORD, fit
from excise.wire.upstream_error import encode_stream_fault, fault_of

_EVENTS = ("contentBlockDelta", "contentBlockStart", "contentBlockStop", "messageStart", "messageStop", "metadata")


# -- reading ---------------------------------------------------------------------------------------------------------------------------


class ConverseStreamDecoder:
    """
    Reads one streamed answer. Not reusable.
    """

    __slots__ = (
        "_called",
        "_ended",
        "_failed",
        "_finished",
        "_held",
        "_index",
        "_kind",
        "_metadata",
        "_proof",
        "_sent",
        "_started",
        "_tier",
        "_unwrapped",
    )

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._started = self._failed = self._ended = False
        self._metadata = False
        self._finished = False
        self._called = self._unwrapped = False
        self._tier: str | None = None
        self._index: Any = None  # of the block that is open
        self._kind: str | None = None  # of its part: text, thought, call; "held" for what is given whole
        self._proof: list[str] = []  # of a thought that is open
        self._held: dict[str, Json] = {}  # a block that is given whole when it is over

    def feed(self, frame: Frame) -> list[Event]:
        """
        What a message says; nothing after an error or the end.
        """
        if self._failed or self._ended or frame.data is None:
            return []
        body, kind = frame.json, frame.event
        if type(body) is not dict:
            body = {}
        if kind not in _EVENTS:
            if kind is not None and (kind.endswith(("Exception", "exception")) or _is_error(frame)):
                return self._fail(kind, body or {"message": (frame.headers or {}).get(":error-message")})
            kind = next((name for name in _EVENTS if name in body), None)  # payloads that name themselves, as outside of AWS
            if kind is None:
                return self._fail(None, body) if body and fault_of(body) is not None else []
            body = body[kind] if type(body[kind]) is dict else {}
        if kind == "contentBlockDelta":
            return self._delta(body)
        return self._frame(kind, body)

    def close(self) -> list[Event]:
        """
        The stream has ended. Without `messageStop` it broke off.
        """
        if self._failed or self._ended:
            return []
        events = self._begin()
        if not self._finished:
            events += self._end_block()
            events.append(Finished(Finish.BROKEN))
        self._ended = True
        events.append(Ended(service_tier=self._tier))
        return events

    def _frame(self, kind: str, body: dict[str, Any]) -> list[Event]:
        events = self._begin()
        match kind:
            case "contentBlockStart":
                events += self._end_block()
                events += self._open(body)
            case "contentBlockStop":
                events += self._end_block()
            case "messageStop":
                events += self._end_block()
                events += self._stop(body)
            case "metadata":
                tier = body.get("serviceTier")
                if type(tier) is dict and type(tier.get("type")) is str:
                    self._tier = tier["type"]
                self._metadata = True
        if self._metadata and self._finished:
            self._ended = True
            events.append(Ended(service_tier=self._tier))
        return events

    def _begin(self) -> list[Event]:
        if self._started:
            return []
        self._started = True
        return [Started()]

    def _stop(self, body: dict[str, Any]) -> list[Event]:
        if self._finished:
            return []
        self._finished = True
        reason = body.get("stopReason")
        native = reason if type(reason) is str else None
        finish = finish_of(native, called=self._called, unwrapped=self._unwrapped)
        return [Finished(finish, native, stop_sequence_of(body.get("additionalModelResponseFields")))]

    def _fail(self, name: str | None, body: dict[str, Any]) -> list[Event]:
        self._failed = True
        return [*self._begin(), Failed(fault_of(body, name=name))]

    # -- blocks ------------------------------------------------------------------------------------------------------------------------

    def _open(self, body: dict[str, Any]) -> list[Event]:
        self._index = body.get("contentBlockIndex")
        start = body.get("start")
        if type(start) is not dict:
            return []
        use = start.get("toolUse")
        if type(use) is dict and use.get("type") != "server_tool_use":
            return self._open_call(use)
        if start:
            self._kind, self._held = "held", {name: dict(held) if type(held) is dict else held for name, held in start.items()}
        return []

    def _open_call(self, use: dict[str, Any]) -> list[Event]:
        id_, name = use.get("toolUseId"), use.get("name")
        if type(id_) is not str or not id_ or type(name) is not str or not name:
            return []
        if name == self._sent.unwrap_tool:
            self._unwrapped, self._kind = True, "text"
            return [PartStarted(Text(text=""))]
        self._called, self._kind = True, "call"
        return [PartStarted(renamed(ToolCall(id=id_, name=name, arguments={}), self._sent))]

    def _delta(self, body: dict[str, Any]) -> list[Event]:
        delta, index = body.get("delta"), body.get("contentBlockIndex")
        if type(delta) is not dict:
            return []
        text = delta.get("text")
        if type(text) is str:
            if self._kind == "text" and index == self._index:  # the commonest
                return [Delta(text)] if text else []
            return [*self._turn_to("text", index, Text(text="")), *([Delta(text)] if text else ())]
        if (use := delta.get("toolUse")) is not None:
            return self._arguments(use, index)
        if type(thought := delta.get("reasoningContent")) is dict:
            return self._thought(thought, index)
        if type(citation := delta.get("citation")) is dict:
            # Cited text comes behind its citation. One that comes later has no place: text that is open keeps what it began with.
            return self._turn_to("text", index, Text(text="", citations=(citation,))) if self._kind != "text" else []
        self._hold(delta, index)
        return []

    def _arguments(self, use: Any, index: Any) -> list[Event]:
        text = use.get("input") if type(use) is dict else None
        if self._kind == "held":
            self._hold({"toolUse": use}, index)
            return []
        if type(text) is not str or not text or index != self._index or self._kind not in ("call", "text"):
            return []
        return [Delta(text)]

    def _thought(self, thought: dict[str, Any], index: Any) -> list[Event]:
        text, proof, redacted = thought.get("text"), thought.get("signature"), thought.get("redactedContent")
        if type(redacted) is str:
            if self._kind != "held" or index != self._index:
                events = [*self._begin(), *self._end_block()]
                self._kind, self._index, self._held = "held", index, {"reasoningContent": {}}
            else:
                events = []
            self._proof.append(redacted)
            return events
        events = self._turn_to("thought", index, Reasoning())
        if type(text) is str and text:
            events.append(Delta(text))
        if type(proof) is str:
            self._proof.append(proof)
        return events

    def _hold(self, delta: dict[str, Any], index: Any) -> None:
        """
        More of a block that is given whole.
        """
        if self._kind != "held" or index != self._index:
            return
        for name, piece in delta.items():
            held = self._held.get(name)
            if type(held) is not dict:
                continue
            if name == "toolUse" and type(piece) is dict and type(piece.get("input")) is str:
                held["input"] = held.get("input", "") + piece["input"]
            elif name == "toolResult" and type(piece) is list:
                held["content"] = [*held.get("content", ()), *piece]
            elif type(piece) is dict:
                held.update(piece)

    def _turn_to(self, kind: str, index: Any, part: Part) -> list[Event]:
        """
        Begin a part where none of its kind is open under this index.
        """
        if self._kind == kind and index == self._index:
            return []
        events = [*self._begin(), *self._end_block(), PartStarted(part)]
        self._kind, self._index = kind, index
        return events

    def _end_block(self) -> list[Event]:
        kind, self._kind, self._index = self._kind, None, None
        if kind is None:
            return []
        if kind == "held":
            return self._release()
        if self._proof:
            proof, self._proof = "".join(self._proof), []
            return [Delta(signature=proof), PartEnded()]
        return [PartEnded()]

    def _release(self) -> list[Event]:
        held, self._held = self._held, {}
        if "reasoningContent" in held:
            held = {"reasoningContent": {"redactedContent": _joined(self._proof)}}
            self._proof = []
        use = held.get("toolUse")
        if type(use) is dict and type(use.get("input")) is str:
            with suppress(orjson.JSONDecodeError, UnicodeEncodeError):  # as text, then
                use["input"] = orjson.loads(use["input"] or "{}")
        part = read_block(held)
        if part is None:
            part = Opaque(raw=held, kind="content")
        return [PartStarted(part), PartEnded()]


def _is_error(frame: Frame) -> bool:
    return frame.headers is not None and frame.headers.get(":message-type") in ("exception", "error")


def _joined(pieces: list[str]) -> str:
    """
    Bytes that came in pieces, each of them base64 by itself.
    """
    if len(pieces) == 1:
        return pieces[0]
    try:
        return base64.b64encode(b"".join(base64.b64decode(piece) for piece in pieces)).decode()
    except (binascii.Error, ValueError):
        return "".join(pieces)


# -- writing ---------------------------------------------------------------------------------------------------------------------------

_PRELUDE = struct.Struct("!II")
_CRC = struct.Struct("!I")


class _Message:
    """
    Messages of one event type: their headers are always the same, so they are made once.
    """

    __slots__ = ("_fixed", "_headers", "_headers_bytes")

    def __init__(self, event: str) -> None:
        whole = encode_message({":event-type": event, ":content-type": "application/json", ":message-type": "event"}, b"")
        self._fixed = len(whole)
        self._headers = whole[12:-4]
        self._headers_bytes = len(self._headers)

    def __call__(self, payload: Json) -> bytes:
        body = orjson.dumps(payload)
        lengths = _PRELUDE.pack(self._fixed + len(body), self._headers_bytes)
        message = b"%b%b%b%b" % (lengths, _CRC.pack(zlib.crc32(lengths)), self._headers, body)
        return message + _CRC.pack(zlib.crc32(message))


_MESSAGE_START = _Message("messageStart")
_BLOCK_START = _Message("contentBlockStart")
_BLOCK_DELTA = _Message("contentBlockDelta")
_BLOCK_STOP = _Message("contentBlockStop")
_MESSAGE_STOP = _Message("messageStop")
_METADATA = _Message("metadata")


class ConverseStreamEncoder:
    """
    Writes one streamed answer. Not reusable. The framing has no room for a sign of life.
    """

    __slots__ = ("_asked", "_index", "_kind", "_said")

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._index = 0
        self._kind: str | None = None  # of the part that is open: text, thought, call, whole
        self._said = False  # something of the block has been written

    def feed(self, event: Event) -> bytes:
        """
        Whole messages; `b""` for what Converse does not say.
        """
        match event:
            case Delta():
                return self._delta(event)
            case PartStarted():
                return self._start(event) if event.candidate == 0 else self._other_candidate()
            case PartEnded():
                return self._end() if event.candidate == 0 else b""
            case Started():
                return _MESSAGE_START({"role": "assistant"})
            case Finished():
                return self._finish(event) if event.candidate == 0 else b""
            case Ended():
                return self._metadata(event)
            case Failed():
                return encode_stream_fault(NAME, Framing.EVENTSTREAM, event.fault)
        return b""

    def _delta(self, event: Delta) -> bytes:
        if event.candidate != 0 or self._kind is None:
            return b""
        text, out = event.text, b""
        if text:
            if self._kind == "text":
                out = self._piece({"text": text})
            elif self._kind == "call":
                out = self._piece({"toolUse": {"input": text}})
            elif self._kind == "thought":
                out = self._piece({"reasoningContent": {"text": text}})
        if event.signature and self._kind == "thought":
            out += self._piece({"reasoningContent": {"signature": keepsake.wrap(self._asked.provider, event.signature)}})
        return out

    def _piece(self, delta: Json) -> bytes:
        self._said = True
        return _BLOCK_DELTA({"contentBlockIndex": self._index, "delta": delta})

    def _start(self, event: PartStarted) -> bytes:
        part = event.part
        out = self._end()
        if isinstance(part, ToolCall):
            self._kind = "call"
            use = {"toolUseId": fit(part.id, WORD), "name": part.name}
            return out + _BLOCK_START({"contentBlockIndex": self._index, "start": {"toolUse": use}})
        block = write_part(part, self._asked)
        thought = block.get("reasoningContent") if block is not None else None
        if isinstance(part, Reasoning):
            self._kind = "thought"
            return out + b"".join(self._piece({"reasoningContent": piece}) for piece in _thought_pieces(thought))
        if block is None or "text" in block:
            self._kind = "text" if not isinstance(part, Opaque) else None
            return out + self._piece(block) if block is not None else out
        return out + self._picture(block)

    def _picture(self, block: dict[str, Json]) -> bytes:
        image = block.get("image")
        if image is None:
            self._asked.losses.dropped(next(iter(block)), "streams of Converse have no form for it")
            return b""
        self._kind = "whole"
        start = _BLOCK_START({"contentBlockIndex": self._index, "start": {"image": {"format": image["format"]}}})
        return start + self._piece({"image": {"source": image["source"]}})

    def _end(self) -> bytes:
        kind, said, index = self._kind, self._said, self._index
        self._kind, self._said = None, False
        if kind is None or (not said and kind != "call"):
            return b""
        out = b""
        if kind == "call" and not said:
            out = _BLOCK_DELTA({"contentBlockIndex": index, "delta": {"toolUse": {"input": "{}"}}})
        self._index += 1
        return out + _BLOCK_STOP({"contentBlockIndex": index})

    def _finish(self, event: Finished) -> bytes:
        body: dict[str, Json] = {"stopReason": stop_reason(event.finish)}
        fields = stop_fields(event.stop_sequence, self._asked)
        if fields is not None:
            body["additionalModelResponseFields"] = fields
        return self._end() + _MESSAGE_STOP(body)

    def _metadata(self, event: Ended) -> bytes:
        body: dict[str, Json] = {"metrics": {"latencyMs": 0}, "usage": write_usage(event.usage)}
        return _METADATA(body)

    def _other_candidate(self) -> bytes:
        self._asked.losses.dropped("candidates", "Converse answers hold one candidate; the first was kept")
        return b""


def _thought_pieces(content: dict[str, Json] | None) -> list[Json]:
    """
    A thought as its deltas.
    """
    if content is None:
        return []
    if "redactedContent" in content:
        return [content]
    thought = content["reasoningText"]
    pieces: list[Json] = [{"text": thought["text"]}] if thought["text"] or "signature" in thought else []
    return pieces + ([{"signature": thought["signature"]}] if "signature" in thought else [])
