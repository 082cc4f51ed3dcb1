"""
The providers' own libraries read what was restored, the frames we add included.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import RawMessageStreamEvent
from botocore.eventstream import EventStreamBuffer
from cohere import StreamedChatResponseV2
from google.genai.types import GenerateContentResponse
from mistralai.client.models import CompletionChunk
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from privacy.restore.planting import TOKEN, VALUES, restored, with_values
from privacy.restore.shapes import SHAPES, Shape, frames_of

NAMED = {shape.name: shape for shape in SHAPES}
TEXT = f"{TOKEN['PASSWORD']} and {TOKEN['EMAIL']}, EMAIL_"  # ends in text that is held until the end
ARGUMENTS = json.dumps({"a": TOKEN["PASSWORD"], "b": json.dumps({"c": TOKEN["PASSWORD"]})})


def _body(shape: Shape, text: str) -> bytes:
    body = shape.body([text[at : at + 5] for at in range(0, len(text), 5)])
    return restored(frames_of(shape, body), shape.dialect, shape.framing)


def _documents(name: str, text: str) -> list[Any]:
    shape = NAMED[name]
    return [json.loads(frame.data) for frame in frames_of(shape, _body(shape, text)) if frame.data and frame.data != b"[DONE]"]


def _arguments_are_right(text: str) -> bool:
    got = json.loads(text)
    return got["a"] == VALUES["PASSWORD"] and json.loads(got["b"]) == {"c": VALUES["PASSWORD"]}


def test_openai_chat() -> None:
    """
    Content and calls as the SDK adds them up.
    """
    state = ChatCompletionStreamState()
    for document in _documents("chat-content", TEXT):
        state.handle_chunk(ChatCompletionChunk.model_validate(document))
    assert state.get_final_completion().choices[0].message.content == with_values(TEXT)

    for cut in (ARGUMENTS, ARGUMENTS[:-20] + "E"):
        documents = _documents("chat-arguments", cut)
        for document in documents:  # the SDK wants calls counted from 0
            for call in document["choices"][0]["delta"].get("tool_calls", ()):
                call["index"] = 0
        state = ChatCompletionStreamState()
        for document in documents:
            state.handle_chunk(ChatCompletionChunk.model_validate(document))
        message = state.current_completion_snapshot.choices[0].message
        [call] = message.tool_calls or []
        assert call.id == "call_1"
        assert cut != ARGUMENTS or _arguments_are_right(call.function.arguments)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", [shape.name for shape in SHAPES if shape.dialect == "openai-responses"])
def test_openai_responses(name: str) -> None:
    """
    Every event is one the SDK knows.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    documents = _documents(name, f"[{ARGUMENTS}, E" if NAMED[name].json else TEXT)
    deltas = [document for document in documents if document["type"].endswith("delta")]
    assert deltas[-1]["delta"] in ("E", "EMAIL_")
    for document in deltas:
        assert adapter.validate_python(document).type == document["type"]


@pytest.mark.parametrize("name", ["anthropic-text", "anthropic-partial_json"])
def test_anthropic(name: str) -> None:
    """
    Blocks as the SDK adds them up.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
    text = TEXT if name.endswith("text") else ARGUMENTS
    snapshot: Any = None
    buffers: dict[int, Any] = {}
    for document in _documents(name, text):
        if document["type"] == "message_start":
            document["message"] |= {"type": "message", "role": "assistant", "model": "c", "stop_reason": None, "stop_sequence": None}
            document["message"]["usage"] |= {"output_tokens": 1}
        if document["type"] == "message_delta":
            document["delta"] |= {"stop_sequence": None}
        if document["type"] != "ping":
            snapshot = accumulate_event(event=adapter.validate_python(document), current_snapshot=snapshot, json_bufs=buffers)
    [block] = snapshot.content
    if name.endswith("text"):
        assert block.text == with_values(TEXT)
    else:
        assert _arguments_are_right(json.dumps(block.input))


def test_gemini_mistral_cohere() -> None:
    """
    Chunks of the right types.
    """
    chunks = [GenerateContentResponse.model_validate(document) for document in _documents("gemini-sse-text", TEXT)]
    assert "".join(chunk.text or "" for chunk in chunks) == with_values(TEXT)

    documents = _documents("mistral-parts", TEXT)
    parts = [CompletionChunk.model_validate(document).choices[0].delta.content for document in documents]
    assert "".join(part[0].thinking[0].text for part in parts if part) == with_values(TEXT)  # type: ignore[union-attr]

    adapter: TypeAdapter[Any] = TypeAdapter(StreamedChatResponseV2)
    events = [adapter.validate_python(document) for document in _documents("cohere-v2-content-delta", TEXT)]
    assert "".join(event.delta.message.content.text for event in events if event.type == "content-delta") == with_values(TEXT)


@pytest.mark.parametrize("name", ["converse-text", "invoke-text"])
def test_bedrock(name: str) -> None:
    """
    The AWS SDK's own parser, which checks both checksums, takes every message.
    """
    shape = NAMED[name]
    buffer = EventStreamBuffer()
    buffer.add_data(_body(shape, TEXT))
    messages = list(buffer)
    assert len(messages) == len(frames_of(shape, shape.body(["x"] * -(-len(TEXT) // 5)))) + 1
    assert {message.headers[":message-type"] for message in messages} == {"event"}
