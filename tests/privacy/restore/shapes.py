"""
Small streams of every dialect: how a text is sent in pieces, and how a client puts it together. Shapes as the providers document them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from excise.wire.answer import AnswerDecoder
from excise.wire.eventstream import encode_message
from excise.wire.frame import Frame, Framing

LIMIT = 1 << 22


@dataclass(frozen=True)
class Shape:
    """
    One channel of one dialect.

    Attributes:
        name: For people.
        dialect: Of the call.
        framing: Of the stream.
        piece: The frame's document, or event and document, for one piece of text.
        head, tail: Frames before and after.
        text: The piece of text in a frame's document; `None` where it has none.
        json: The channel holds JSON.
    """

    name: str
    dialect: str
    framing: Framing
    piece: Callable[[str], Any]
    text: Callable[[Any], str | None]
    head: Sequence[Any] = ()
    tail: Sequence[Any] = ()
    json: bool = False
    line_end: bytes = b"\n"
    chunks: bool = False  # Bedrock's wrapping

    def body(self, pieces: Sequence[str], *, ascii_only: bool = False) -> bytes:
        documents = [*self.head, *map(self.piece, pieces), *self.tail]
        return framed(self, documents, ascii_only=ascii_only)

    def read(self, body: bytes) -> str:
        """
        What a client has in the end.
        """
        return "".join(text for frame in frames_of(self, body) if (text := self.text_of(frame)) is not None)

    def text_of(self, frame: Frame) -> str | None:
        if not frame.data or frame.data == b"[DONE]":
            return None
        body = json.loads(frame.data)
        return self.text(body)


def frames_of(shape: Shape, body: bytes, size: int = 1 << 20) -> list[Frame]:
    content_type = {
        Framing.SSE: "text/event-stream",
        Framing.NDJSON: "application/x-ndjson",
        Framing.JSON_ARRAY: "application/json",
        Framing.EVENTSTREAM: "application/vnd.amazon.eventstream",
        Framing.JSON: "application/json",
    }[shape.framing]
    decoder = AnswerDecoder(content_type=content_type, content_encoding=None, dialect=shape.dialect, operation="chat", limit=LIMIT)
    frames = [frame for at in range(0, len(body), size) for frame in decoder.feed(body[at : at + size])]
    frames += decoder.close()
    assert not decoder.broken
    assert decoder.framing is shape.framing
    return frames


def framed(shape: Shape, documents: Sequence[Any], *, ascii_only: bool = False) -> bytes:
    end = shape.line_end

    def dump(document: Any) -> bytes:
        if isinstance(document, bytes):
            return document
        return json.dumps(document, ensure_ascii=ascii_only, separators=(",", ": ")).encode("utf-8", "surrogatepass")

    named = [one if isinstance(one, tuple) else (None, one) for one in documents]
    match shape.framing:
        case Framing.SSE:
            events = (
                (b"event: %b%b" % (name.encode(), end) if name else b"") + b"data: %b%b%b" % (dump(one), end, end) for name, one in named
            )
            return b"".join(events)
        case Framing.NDJSON:
            return b"".join(dump(one) + end for _, one in named)
        case Framing.JSON_ARRAY:
            return b"[" + (b"," + end).join(dump(one) for _, one in named) + end + b"]"
        case _:
            return b"".join(_message(shape, name, dump(one)) for name, one in named)


def _message(shape: Shape, name: str | None, payload: bytes) -> bytes:
    if shape.chunks:
        payload = b'{"bytes":"%b","p":"abcdef"}' % base64.b64encode(payload)
    headers = {":event-type": "chunk" if shape.chunks else name or "", ":content-type": "application/json", ":message-type": "event"}
    return encode_message(headers, payload)


def _dig(body: Any, *path: Any) -> str | None:
    for step in path:
        if isinstance(step, int):
            if not isinstance(body, list) or len(body) <= step:
                return None
        elif not isinstance(body, dict) or step not in body:
            return None
        body = body[step]
    return body if isinstance(body, str) else None


def _typed(kind: str, *path: Any) -> Callable[[Any], str | None]:
    return lambda body: _dig(body, *path) if isinstance(body, dict) and body.get("type", body.get("event_type")) == kind else None


def _chunk(delta: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": [choice], **more}


_USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
_CHAT_TAIL = [
    _chunk({}, "stop"),
    {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": [], "usage": _USAGE},
    b"[DONE]",
]


def _chat(key: str) -> Shape:
    return Shape(
        f"chat-{key}",
        "openai-chat",
        Framing.SSE,
        lambda text: _chunk({key: text}, usage=None, obfuscation="xK3E"),
        lambda body: _dig(body, "choices", 0, "delta", key),
        head=[_chunk({"role": "assistant", "content": ""})] if key != "content" else [],
        tail=_CHAT_TAIL,
    )


def _call(arguments: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": 1, "function": {"arguments": arguments}}]}


def _responses(kind: str, *, done: str, json_: bool = False) -> Shape:
    place = {"item_id": "msg_1", "output_index": 0, "summary_index" if "summary" in kind else "content_index": 0}
    return Shape(
        f"responses-{kind}",
        "openai-responses",
        Framing.SSE,
        lambda text: (
            f"response.{kind}.delta",
            {"type": f"response.{kind}.delta", "sequence_number": 4, **place, "delta": text, "logprobs": [], "obfuscation": "aE"},
        ),
        _typed(f"response.{kind}.delta", "delta"),
        head=[("response.created", {"type": "response.created", "sequence_number": 0, "response": {"id": "resp_1", "output": []}})],
        tail=[
            (f"response.{kind}.done", {"type": f"response.{kind}.done", **place, done: "x"}),
            ("response.completed", {"type": "response.completed", "response": {"id": "resp_1", "output": []}}),
        ],
        json=json_,
    )


def _event(kind: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return kind, {"type": kind, **more}


def _anthropic(sort: str, key: str, *, chunks: bool = False) -> Shape:
    block = {"type": "text", "text": ""} if key == "text" else {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    return Shape(
        f"{'invoke' if chunks else 'anthropic'}-{key}",
        "bedrock-invoke" if chunks else "anthropic-messages",
        Framing.EVENTSTREAM if chunks else Framing.SSE,
        lambda text: _event("content_block_delta", index=0, delta={"type": sort, key: text}),
        _typed("content_block_delta", "delta", key),
        head=[
            _event("message_start", message={"id": "msg_1", "content": [], "usage": {"input_tokens": 3}}),
            _event("content_block_start", index=0, content_block=block),
            _event("ping"),
        ],
        tail=[
            _event("content_block_stop", index=0),
            _event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 5}),
            _event("message_stop"),
        ],
        json=key == "partial_json",
        chunks=chunks,
    )


def _gemini_chunk(parts: list[Any], finish: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "usageMetadata": {"promptTokenCount": 3}, "modelVersion": "g-1", "responseId": "r"}


def _gemini(framing: Framing, *, thought: bool = False) -> Shape:
    more = {"thought": True} if thought else {}
    return Shape(
        f"gemini-{framing}-{'thought' if thought else 'text'}",
        "gemini",
        framing,
        lambda text: _gemini_chunk([{"text": text, **more}]),
        lambda body: _dig(body, "candidates", 0, "content", "parts", 0, "text"),
        tail=[_gemini_chunk([{"text": "", "thoughtSignature": "EMAILEM="}], "STOP")],
        line_end=b"\r\n",
    )


def _converse(name: str, wrap: Callable[[str], Any], *path: Any, json_: bool = False) -> Shape:
    return Shape(
        f"converse-{name}",
        "bedrock-converse",
        Framing.EVENTSTREAM,
        lambda text: ("contentBlockDelta", {"contentBlockIndex": 0, "delta": wrap(text), "p": "abcE"}),
        lambda body: _dig(body, "delta", *path),
        head=[("messageStart", {"role": "assistant", "p": "a"})],
        tail=[
            ("contentBlockStop", {"contentBlockIndex": 0, "p": "a"}),
            ("messageStop", {"stopReason": "end_turn"}),
            ("metadata", {"usage": {"inputTokens": 3}}),
        ],
        json=json_,
    )


def _cohere(kind: str, wrap: Callable[[str], Any], *path: Any, end: str, json_: bool = False) -> Shape:
    index = {} if kind == "tool-plan-delta" else {"index": 0}
    tail: list[Any] = [{"type": end, **index}] if end else [{"type": "tool-call-start", "index": 0, "delta": {"message": {}}}]
    return Shape(
        f"cohere-v2-{kind}",
        "cohere-v2",
        Framing.SSE,
        lambda text: _event(kind, **index, delta={"message": wrap(text)}),
        _typed(kind, "delta", "message", *path),
        head=[_event("message-start", id="c", delta={"message": {"role": "assistant", "content": []}})],
        tail=[*tail, _event("message-end", delta={"finish_reason": "COMPLETE", "usage": {"tokens": {"input_tokens": 1}}}), b"[DONE]"],
        json=json_,
    )


def _ollama(key: str) -> Shape:
    def line(text: str, *, done: bool = False) -> dict[str, Any]:
        content = {key: text} if key == "response" else {"message": {"role": "assistant", "content": "", key: text}}
        return {"model": "o", "created_at": "2026-11-01T00:00:00Z", **content, "done": done}

    path = ("response",) if key == "response" else ("message", key)
    last = line("", done=True) if key != "thinking" else {"model": "o", "message": {"role": "assistant", "content": ""}, "done": True}
    return Shape(f"ollama-{key}", "ollama", Framing.NDJSON, line, lambda body: _dig(body, *path), tail=[{**last, "eval_count": 3}])


SHAPES = [
    _chat("content"),
    _chat("reasoning_content"),
    _chat("reasoning"),
    _chat("refusal"),
    Shape(
        "chat-arguments",
        "openai-chat",
        Framing.SSE,
        lambda text: _chunk(_call(text)),
        lambda body: _dig(body, "choices", 0, "delta", "tool_calls", 0, "function", "arguments"),
        head=[_chunk({"tool_calls": [{"index": 1, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}]})],
        tail=[_chunk({}, "tool_calls"), b"[DONE]"],
        json=True,
    ),
    Shape(
        "mistral-parts",
        "mistral",
        Framing.SSE,
        lambda text: _chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]}),
        lambda body: _dig(body, "choices", 0, "delta", "content", 0, "thinking", 0, "text"),
        tail=[_chunk({"content": ""}, "stop"), b"[DONE]"],
    ),
    Shape(
        "completions",
        "openai-completions",
        Framing.SSE,
        lambda text: {"id": "cmpl-1", "object": "text_completion", "choices": [{"text": text, "index": 0, "finish_reason": None}]},
        lambda body: _dig(body, "choices", 0, "text"),
        tail=[{"id": "cmpl-1", "object": "text_completion", "choices": [{"text": "", "index": 0, "finish_reason": "stop"}]}, b"[DONE]"],
    ),
    _responses("output_text", done="text"),
    _responses("refusal", done="refusal"),
    _responses("reasoning_summary_text", done="text"),
    _responses("custom_tool_call_input", done="input"),
    _responses("code_interpreter_call_code", done="code"),
    _responses("function_call_arguments", done="arguments", json_=True),
    _responses("mcp_call_arguments", done="arguments", json_=True),
    _anthropic("text_delta", "text"),
    _anthropic("input_json_delta", "partial_json"),
    _anthropic("text_delta", "text", chunks=True),
    _anthropic("input_json_delta", "partial_json", chunks=True),
    Shape(
        "anthropic-complete",
        "anthropic-complete",
        Framing.SSE,
        lambda text: ("completion", {"type": "completion", "completion": text, "stop_reason": None, "model": "c"}),
        _typed("completion", "completion"),
        tail=[("completion", {"type": "completion", "completion": "", "stop_reason": "stop_sequence", "model": "c"})],
    ),
    _gemini(Framing.SSE),
    _gemini(Framing.SSE, thought=True),
    _gemini(Framing.JSON_ARRAY),
    Shape(
        "gemini-partial-args",
        "gemini",
        Framing.SSE,
        lambda text: _gemini_chunk(
            [{"functionCall": {"name": "f", "partialArgs": [{"jsonPath": "$.a", "stringValue": text, "willContinue": True}]}}]
        ),
        lambda body: _dig(body, "candidates", 0, "content", "parts", 0, "functionCall", "partialArgs", 0, "stringValue"),
        tail=[_gemini_chunk([], "STOP")],
    ),
    _converse("text", lambda text: {"text": text}, "text"),
    _converse("tool", lambda text: {"toolUse": {"input": text}}, "toolUse", "input", json_=True),
    Shape(
        "invoke-nova",
        "bedrock-invoke",
        Framing.EVENTSTREAM,
        lambda text: {"contentBlockDelta": {"delta": {"text": text}, "contentBlockIndex": 0}},
        lambda body: _dig(body, "contentBlockDelta", "delta", "text"),
        tail=[{"contentBlockStop": {"contentBlockIndex": 0}}, {"messageStop": {"stopReason": "end_turn"}}],
        chunks=True,
    ),
    Shape(
        "invoke-llama",
        "bedrock-invoke",
        Framing.EVENTSTREAM,
        lambda text: {"generation": text, "stop_reason": None, "prompt_token_count": None},
        lambda body: _dig(body, "generation"),
        tail=[{"generation": "", "stop_reason": "stop", "prompt_token_count": None}],
        chunks=True,
    ),
    _cohere("content-delta", lambda text: {"content": {"text": text}}, "content", "text", end="content-end"),
    _cohere("tool-plan-delta", lambda text: {"tool_plan": text}, "tool_plan", end=""),
    _cohere(
        "tool-call-delta",
        lambda text: {"tool_calls": {"function": {"arguments": text}}},
        *("tool_calls", "function", "arguments"),
        end="tool-call-end",
        json_=True,
    ),
    Shape(
        "cohere-v1",
        "cohere-v1",
        Framing.NDJSON,
        lambda text: {"is_finished": False, "event_type": "text-generation", "text": text},
        _typed("text-generation", "text"),
        tail=[{"is_finished": True, "event_type": "stream-end", "finish_reason": "COMPLETE", "response": {"generation_id": "g"}}],
    ),
    _ollama("content"),
    _ollama("thinking"),
    _ollama("response"),
    Shape(
        "interactions",
        "gemini-interactions",
        Framing.SSE,
        lambda text: ("step.delta", {"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": text}}),
        _typed("step.delta", "delta", "text"),
        tail=[("step.stop", {"event_type": "step.stop", "index": 0}), ("done", b"[DONE]")],
    ),
    Shape(
        "assistants",
        "openai-assistants",
        Framing.SSE,
        lambda text: (
            "thread.message.delta",
            {
                "id": "msg_1",
                "object": "thread.message.delta",
                "delta": {"content": [{"index": 0, "type": "text", "text": {"value": text, "annotations": []}}]},
            },
        ),
        lambda body: _dig(body, "delta", "content", 0, "text", "value"),
        tail=[("thread.message.completed", {"id": "msg_1", "object": "thread.message", "content": []}), ("done", b"[DONE]")],
    ),
    Shape(
        "tgi",
        "tgi",
        Framing.SSE,
        lambda text: {"index": 1, "token": {"id": 5, "text": text, "special": False}, "generated_text": None, "details": None},
        lambda body: _dig(body, "token", "text"),
        tail=[{"index": 2, "token": {"id": 2, "text": "", "special": True}, "generated_text": "x", "details": {"finish_reason": "eos"}}],
    ),
]
