"""
The providers' own types, by dialect: what their SDKs, and so their users' programs, take an answer for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.loaders
import botocore.model
from anthropic.types import Message, RawMessageStreamEvent
from cohere.v2.types.v2chat_response import V2ChatResponse
from cohere.v2.types.v2chat_stream_response import V2ChatStreamResponse
from google.genai.types import GenerateContentResponse
from mistralai.client.models import ChatCompletionResponse, CompletionChunk
from ollama import ChatResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from excise.wire.frame import Frame


@cache
def _shape(name: str) -> Any:
    """
    An operation's output, as AWS' own description of the service has it.
    """
    described = botocore.loaders.Loader().load_service_model("bedrock-runtime", "service-2")
    return botocore.model.ServiceModel(described).operation_model(name).output_shape


def _fits(value: Any, shape: Any) -> None:
    if shape.type_name == "structure" and not shape.is_document_type:
        assert value.keys() <= shape.members.keys() and set(shape.required_members) <= value.keys(), shape.name
        for key, inner in value.items():
            _fits(inner, shape.members[key])
    elif shape.type_name == "list":
        for inner in value:
            _fits(inner, shape.member)
    elif shape.type_name == "string":
        assert isinstance(value, str) and (not shape.enum or value in shape.enum), shape.name


WHOLE: dict[str, Callable[[Any], Any]] = {
    "openai-chat": ChatCompletion.model_validate,
    "openai-responses": Response.model_validate,
    "anthropic-messages": Message.model_validate,
    "gemini": GenerateContentResponse.model_validate,
    "bedrock-converse": lambda value: _fits(value, _shape("Converse")),
    "cohere-v2": V2ChatResponse.model_validate,
    "mistral-chat": ChatCompletionResponse.model_validate,
    "ollama": ChatResponse.model_validate,
}
STREAMED: dict[str, Callable[[Any], Any]] = {
    "openai-chat": ChatCompletionChunk.model_validate,
    "openai-responses": TypeAdapter(ResponseStreamEvent).validate_python,
    "anthropic-messages": TypeAdapter(RawMessageStreamEvent).validate_python,
    "gemini": GenerateContentResponse.model_validate,
    "cohere-v2": TypeAdapter(V2ChatStreamResponse).validate_python,
    "mistral-chat": CompletionChunk.model_validate,
    "ollama": ChatResponse.model_validate,
}


def check(dialect: str, frame: Frame, *, streamed: bool) -> None:
    """
    Read one frame of an answer, a whole one or a stream's event, as the dialect's SDK does.

    Raises:
        ValueError, AssertionError: It is not of the type it should be.
    """
    value = frame.json
    if value is None or (dialect == "anthropic-messages" and value["type"] == "ping"):
        return
    if not streamed:
        WHOLE[dialect](value)
    elif dialect == "bedrock-converse":
        assert frame.event is not None
        _fits(value, _shape("ConverseStream").members["stream"].members[frame.event])
    else:
        STREAMED[dialect](value)
