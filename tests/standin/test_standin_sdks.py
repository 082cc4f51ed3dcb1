"""
What the stand-in says is what the official SDKs have types for: every field of every event is read by them, and none is missing.
"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from standin.asking import WAYS, Got
from standin.test_standin_answers import THINKING

PROMPTS = {
    "words": ("hello", {}),
    "calls": ("narrate, use all tools", {}),
    "refusal": ("refuse", {}),
    "thought": ("think hard, use tool", THINKING),
}


def openai_chat(got: Got, stream: bool) -> list[Any]:
    from openai.types.chat import ChatCompletion, ChatCompletionChunk

    return [ChatCompletionChunk.model_validate(event) for event in got.events] if stream else [ChatCompletion.model_validate(got.json)]


def openai_responses(got: Got, stream: bool) -> list[Any]:
    from openai.types.responses import Response, ResponseStreamEvent

    return (
        [TypeAdapter(ResponseStreamEvent).validate_python(event) for event in got.events] if stream else [Response.model_validate(got.json)]
    )


def anthropic(got: Got, stream: bool) -> list[Any]:
    from anthropic.types import Message, RawMessageStreamEvent

    events = [event for event in got.events if event["type"] != "ping"]  # the SDK takes it out itself
    return [TypeAdapter(RawMessageStreamEvent).validate_python(event) for event in events] if stream else [Message.model_validate(got.json)]


def gemini(got: Got, stream: bool) -> list[Any]:
    from google.genai.types import GenerateContentResponse

    return [GenerateContentResponse.model_validate(answer) for answer in (got.events if stream else [got.json])]


def mistral(got: Got, stream: bool) -> list[Any]:
    from mistralai.client.models import ChatCompletionResponse, CompletionChunk

    return [CompletionChunk.model_validate(event) for event in got.events] if stream else [ChatCompletionResponse.model_validate(got.json)]


def cohere(got: Got, stream: bool) -> list[Any]:
    from cohere import V2ChatResponse
    from cohere.v2.types import V2ChatStreamResponse

    return (
        [TypeAdapter(V2ChatStreamResponse).validate_python(event) for event in got.events]
        if stream
        else [V2ChatResponse.model_validate(got.json)]
    )


READERS = {
    "openai-chat": openai_chat,
    "openai-responses": openai_responses,
    "anthropic": anthropic,
    "gemini": gemini,
    "gemini-3": gemini,
    "mistral": mistral,
    "cohere": cohere,
}


CASES = [(name, case) for name in READERS for case in PROMPTS if case != "thought" or name in THINKING]


@pytest.mark.parametrize(("name", "case"), CASES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_sdk_reads_it(name: str, case: str, stream: bool) -> None:
    """
    Validated, not only constructed.
    """
    prompt, more = PROMPTS[case]
    way = WAYS[name]
    got = way.send(way.body(prompt, tools=True, **more.get(name, {})), stream=stream)

    assert got.status == 200, got.data
    assert READERS[name](got, stream)


@pytest.mark.parametrize("name", ["bedrock-nova", "bedrock-claude"])
@pytest.mark.parametrize("case", PROMPTS)
def test_boto_reads_it(name: str, case: str) -> None:
    """
    Every member of a converse answer is one of the service model's.
    """
    from botocore.parsers import create_parser
    from botocore.session import get_session

    prompt, more = PROMPTS[case]
    way = WAYS[name]
    got = way.send(way.body(prompt, tools=True, **more.get(name, {})))
    shape = get_session().get_service_model("bedrock-runtime").operation_model("Converse").output_shape
    read = create_parser("rest-json").parse({"body": got.data, "headers": {}, "status_code": 200}, shape)
    del read["ResponseMetadata"]

    assert read == got.json
