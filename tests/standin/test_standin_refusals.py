"""
What each provider refuses, the stand-in refuses, in its words.
"""

from __future__ import annotations

from typing import Any

import pytest

from standin.asking import CITY, PERSON, PIXEL, WAYS
from standin.refusing import CLOSED, LOOSE, Change, at, history, refused

JPEG = "/9j/4AAQSkZJRgABAQ=="


def chat_tool(**changes: Any) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": "get_weather", "parameters": CITY, **changes}}]}


def user(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


OPENAI: list[tuple[Change, str]] = [
    (at("messages", 0, "extra", value=1), "Unknown parameter: 'messages[0].extra'."),
    (at("messages", 0, "content", drop=True), "Missing required parameter: 'messages[0].content'."),
    (at("messages", 0, "content", value=5), "Invalid type for 'messages[0].content': expected one of a string or an array"),
    (user({"type": "text", "text": "x"}, {"type": "input_text", "text": "x"}), "Invalid value: 'input_text'. Supported values are: 'text'"),
    (user({"type": "image_url", "image_url": {"url": "data:image/png;base64,?"}}), "invalid URL"),
    (user({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}}), "unsupported image"),
    (user({"type": "image_url", "image_url": {"url": "data:image/tiff;base64,aGVsbG8="}}), "unsupported image"),
    (user({"type": "file", "file": {"file_data": "data:application/pdf;base64,aGVsbG8="}}), "file.filename"),
    ({"temperature": 2.5}, "decimal_above_max_value"),
    ({"temperature": -1}, "integer_below_min_value"),
    ({"stop": ["a", "b", "c", "d", "e"]}, "array_above_max_length"),
    ({"max_tokens": 5, "max_completion_tokens": 5}, "at the same time"),
    ({"max_tokens": 99_999}, "max_tokens is too large"),
    ({"max_tokens": 0}, "integer_below_min_value"),
    ({"top_logprobs": 2}, "'logprobs' must be set to true"),
    ({"metadata": {"a": "b"}}, "only allowed when 'store' is enabled"),
    ({"metadata": {"a": 1}, "store": True}, "Invalid type for 'metadata.a'"),
    ({"reasoning_effort": "high"}, "Unsupported parameter: 'reasoning_effort'"),
    ({"tool_choice": "auto"}, "only allowed when 'tools' are specified"),
    ({"parallel_tool_calls": True}, "only allowed when 'tools' are specified"),
    ({"tools": []}, "empty_array"),
    ({**chat_tool(), "tool_choice": {"type": "function", "function": {"name": "other"}}}, "not found in 'tools'"),
    (chat_tool(name="get weather"), "does not match pattern"),
    (chat_tool(name="x" * 65), "string_above_max_length"),
    (chat_tool(parameters={"properties": {}}), "invalid_function_parameters"),
    (chat_tool(parameters={"type": "object", "anyOf": [LOOSE]}), "at the top level"),
    (chat_tool(parameters={"type": "object", "properties": {"a": {"type": "array"}}}), "array schema missing items"),
    (chat_tool(parameters=LOOSE, strict=True), "'additionalProperties' is required to be supplied and to be false"),
    (chat_tool(parameters=CLOSED, strict=True), "Missing 'unit'"),
    ({"response_format": {"type": "json_object"}}, "must contain the word 'json'"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "a b", "schema": PERSON}}}, "does not match pattern"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "p", "schema": CLOSED, "strict": True}}}, "Missing 'unit'"),
    ({"modalities": ["text", "audio"]}, "audio"),
]


@pytest.mark.parametrize(("change", "text"), OPENAI)
def test_openai_chat(change: Change, text: str) -> None:
    """
    Fields nobody knows, wrong types and values, pictures that are none, schemas it cannot take.
    """
    refused("openai-chat", change, 400, text)


OPENAI_ORDER: list[tuple[Change, str]] = [
    (at("messages", 2, drop=True), "did not have response messages"),
    (at("messages", 1, drop=True), "must be a response to a preceeding message"),
    (at("messages", 2, "tool_call_id", value="other"), "must be a response to a preceeding message"),
    (at("messages", 1, "tool_calls", value=[]), "empty_array"),
    (at("messages", 1, value={"role": "assistant", "content": None}), "expected a string, got null"),
    (at("messages", 1, "tool_calls", 0, "id", value="x" * 65), "string_above_max_length"),
    (at("messages", 1, "reasoning_content", value="x"), "Unknown parameter: 'messages[1].reasoning_content'"),
    (
        at("messages", 1, "tool_calls", 0, "function", "arguments", value={}),
        "Invalid type for 'messages[1].tool_calls[0].function.arguments'",
    ),
]


@pytest.mark.parametrize(("change", "text"), OPENAI_ORDER)
def test_openai_pairs_calls_and_results(change: Change, text: str) -> None:
    """
    Every call has its result after it, every result its call before it.
    """
    refused("openai-chat", change, 400, text, base=history("openai-chat"))


REASONING: list[tuple[str, Change, str]] = [
    ("gpt-5-mini", {"temperature": 0.5}, "unsupported_value"),
    ("gpt-5-mini", {"top_p": 0.5}, "Unsupported parameter: 'top_p'"),
    ("gpt-5-mini", {"max_tokens": 50}, "Use 'max_completion_tokens' instead"),
    ("gpt-5-mini", {"stop": "END"}, "Unsupported parameter: 'stop'"),
    ("gpt-5-mini", {"logprobs": True}, "Unsupported parameter: 'logprobs'"),
    ("gpt-5-mini", {"reasoning_effort": "none"}, "Supported values are: 'minimal', 'low', 'medium', and 'high'"),
    ("o4-mini", {"reasoning_effort": "minimal"}, "'minimal' is not supported with the 'o4-mini' model"),
    ("gpt-5.5", {"temperature": 0.5}, "unsupported_value"),
]


@pytest.mark.parametrize(("model", "change", "text"), REASONING)
def test_openais_reasoning_models(model: str, change: Change, text: str) -> None:
    """
    They take no sampling, another limit, and the levels they have.
    """
    refused("openai-chat", change, 400, text, model=model)


def test_what_reasoning_models_do_take() -> None:
    """
    The default temperature, and any where they are told not to think.
    """
    way = WAYS["openai-chat"]
    assert way.send({**way.body("hello", temperature=1), "model": "gpt-5-mini"}).status == 200
    assert way.send({**way.body("hello", temperature=0.5, reasoning_effort="none", stop="x"), "model": "gpt-5.5"}).status == 200


RESPONSES: list[tuple[Change, str]] = [
    ({"messages": []}, "has moved to 'input'"),
    ({"max_tokens": 5}, "has moved to 'max_output_tokens'"),
    ({"stop": "x"}, "Unknown parameter: 'stop'"),
    ({"max_output_tokens": 5}, "Expected a value >= 16"),
    ({"temperature": 0.5}, "Unsupported parameter: 'temperature'"),
    ({"input": ""}, "Missing required parameter: 'input'"),
    ({"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]}, "'output_text' and 'refusal'"),
    ({"input": [{"role": "user", "content": [{"type": "output_text", "text": "x"}]}]}, "Invalid value: 'output_text'"),
    ({"input": [{"type": "message", "role": "user", "content": "x", "id": "abc"}]}, "Expected an ID that begins with 'msg'"),
    ({"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]}, "No tool output found for function call c."),
    ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, "No tool call found for function call output"),
    ({"input": [{"type": "function_call", "call_id": "c" * 65, "name": "f", "arguments": "{}"}]}, "string_above_max_length"),
    (
        {"input": [{"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "x"}]}]},
        "array too long",
    ),
    ({"reasoning": {"effort": "xhigh"}}, "unsupported_value"),
    ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "Missing required parameter: 'tools[0].name'"),
    ({"tools": [{"type": "function", "name": "f", "parameters": LOOSE, "strict": True}]}, "invalid_function_parameters"),
    ({"text": {"format": {"type": "json_object"}}}, "must contain the word 'json'"),
    ({"text": {"format": {"type": "json_schema", "json_schema": {"name": "p", "schema": PERSON}}}}, "text.format"),
    ({"conversation": "conv_1"}, "not found"),
]


@pytest.mark.parametrize(("change", "text"), RESPONSES)
def test_openai_responses(change: Change, text: str) -> None:
    """
    Names of the older API, items in disorder, parts of the wrong kind.
    """
    refused("openai-responses", change, 404 if "conversation" in str(change) else 400, text)


def test_a_model_that_does_not_think_has_nothing_to_encrypt() -> None:
    """
    Asking for encrypted thoughts is refused.
    """
    refused(
        "openai-responses", {"include": ["reasoning.encrypted_content"]}, 400, "Encrypted content is not supported", model="gpt-4.1-mini"
    )


def picture(**changes: Any) -> dict[str, Any]:
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL, **changes}
    return user({"type": "image", "source": source}, {"type": "text", "text": "x"})


def am_tool(**changes: Any) -> dict[str, Any]:
    return {"tools": [{"name": "get_weather", "input_schema": CITY, **changes}]}


def shaped(schema: Any) -> dict[str, Any]:
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


CACHE = {"cache_control": {"type": "ephemeral"}}
ANTHROPIC: list[tuple[Change, str]] = [
    (at("messages", 0, "extra", value=1), "messages.0.extra: Extra inputs are not permitted"),
    (at("messages", 0, "content", value=""), "non-empty content"),
    (user({"type": "text", "text": ""}), "text content blocks must be non-empty"),
    (user({"type": "text", "text": " \n"}), "must contain non-whitespace text"),
    (user({"type": "text", "text": "x", "extra": 1}), "messages.0.content.0.text.extra: Extra inputs are not permitted"),
    (user({"type": "image_url", "image_url": {"url": "x"}}), "Input tag 'image_url' found using 'type'"),
    (user({"type": "thinking", "thinking": "x", "signature": "x"}), "can only be in `assistant`"),
    (picture(data="?"), "Invalid base64 data"),
    (picture(data=JPEG), "appears to be a image/jpeg image"),
    (picture(media_type="image/tiff"), "Input should be 'image/png'"),
    (
        user({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGVsbG8="}}),
        "PDF specified was not valid",
    ),
    ({"max_tokens": 0}, "greater than or equal to 1"),
    ({"max_tokens": 999_999}, "maximum allowed number of output tokens"),
    ({"temperature": 1.2}, "less than or equal to 1"),
    ({"temperature": 0.5, "top_p": 0.5}, "cannot both be specified"),
    ({"stop_sequences": ["x", " "]}, "must contain non-whitespace"),
    ({"system": [{"type": "text", "text": ""}]}, "system: text content blocks must be non-empty"),
    ({"metadata": {"user_id": "u", "team": "t"}}, "metadata.team: Extra inputs"),
    ({"mcp_servers": []}, "mcp_servers: Extra inputs"),
    ({"thinking": {"type": "enabled", "budget_tokens": 1000}}, "greater than or equal to 1024"),
    ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "must be greater than `thinking.budget_tokens`"),
    ({"thinking": {"type": "enabled", "budget_tokens": 1024}, "temperature": 0.5}, "may only be set to 1"),
    ({"thinking": {"type": "enabled", "budget_tokens": 1024}, "top_k": 5}, "`top_k` must be unset"),
    ({"thinking": {"type": "enabled", "budget_tokens": 1024}, **am_tool(), "tool_choice": {"type": "any"}}, "forces tool use"),
    ({"thinking": {"type": "adaptive"}}, "adaptive thinking is not supported"),
    ({"output_config": {"effort": "high"}}, "does not support the effort parameter"),
    (am_tool(input_schema={"properties": {}}), "tools.0.custom.input_schema.type: Field required"),
    (am_tool(input_schema={"type": "object", "anyOf": [CITY]}), "at the top level"),
    (am_tool(input_schema={"type": "object", "properties": {"a b": {"type": "string"}}}), "Property keys should match pattern"),
    (am_tool(input_schema={"type": "object", "properties": {"a": {"type": "text"}}}), "JSON schema is invalid"),
    (am_tool(name="get.weather"), "String should match pattern"),
    (am_tool(parameters={}), "tools.0.custom.parameters: Extra inputs"),
    (am_tool(input_schema=LOOSE, strict=True), "must be explicitly set to false"),
    ({"tools": [am_tool()["tools"][0]] * 2}, "Tool names must be unique"),
    ({"tool_choice": {"type": "auto"}}, "only be specified while providing tools"),
    ({**am_tool(), "tool_choice": {"type": "tool", "name": "other"}}, "not found in provided tools"),
    ({**am_tool(), "tool_choice": "auto"}, "tool_choice: Input should be a valid dictionary"),
    (shaped({"type": "object", "properties": {}}), "must be explicitly set to false"),
    (
        shaped({**PERSON, "properties": {**PERSON["properties"], "age": {"type": "integer", "minimum": 0}}}),
        "For 'integer' type, property 'minimum' is not supported",
    ),
    (
        {"system": [{"type": "text", "text": str(n), **CACHE} for n in range(5)]},
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    (at("messages", add={"role": "assistant", "content": "so "}), "cannot end with trailing whitespace"),
]


@pytest.mark.parametrize(("change", "text"), ANTHROPIC)
def test_anthropic(change: Change, text: str) -> None:
    """
    Fields nobody knows, blank texts, thinking at odds with the rest, schemas it cannot take.
    """
    refused("anthropic", change, 400, text)


ANTHROPIC_ORDER: list[tuple[Change, str]] = [
    (at("messages", 2, drop=True), "`tool_use` ids were found without `tool_result` blocks immediately after"),
    (at("messages", 2, "content", value="no"), "`tool_use` ids were found without"),
    (at("messages", 1, "content", value="x"), "unexpected `tool_use_id` found"),
    (at("messages", 1, "content", 0, "id", value="a:b"), "String should match pattern '^[a-zA-Z0-9_-]+$'"),
    (lambda body: body["messages"][2]["content"].insert(0, {"type": "text", "text": "x"}), "immediately after"),
    (lambda body: body["messages"][2]["content"].append(body["messages"][2]["content"][0]), "single result"),
    (at("messages", 1, "content", 0, "input", value="{}"), "input: Input should be a valid dictionary"),
]


@pytest.mark.parametrize(("change", "text"), ANTHROPIC_ORDER)
def test_anthropic_pairs_calls_and_results(change: Change, text: str) -> None:
    """
    Results come first in the next turn, each once, under ids of its alphabet.
    """
    refused("anthropic", change, 400, text, base=history("anthropic"))


NEWER: list[tuple[str, Change, str]] = [
    ("claude-opus-4-7", {"temperature": 0.5}, "`temperature` is deprecated for this model."),
    ("claude-opus-4-7", {"thinking": {"type": "enabled", "budget_tokens": 1024}}, "is not supported for this model"),
    ("claude-opus-4-7", at("messages", add={"role": "assistant", "content": "{"}), "does not support assistant message prefill"),
    ("claude-sonnet-4-6", at("messages", add={"role": "assistant", "content": "{"}), "does not support assistant message prefill"),
    ("claude-sonnet-4-6", {"output_config": {"effort": "xhigh"}}, "Supported levels: high, low, max, medium."),
    ("claude-sonnet-4-6", at("messages", add={"role": "system", "content": "x"}), "messages.1.role"),
]


@pytest.mark.parametrize(("model", "change", "text"), NEWER)
def test_newer_claudes(model: str, change: Change, text: str) -> None:
    """
    They sample and think as they please, and write their own beginnings.
    """
    refused("anthropic", change, 400, text, model=model)


def test_what_claudes_do_take() -> None:
    """
    A prefill where it is supported, neighbours of one role, a turn of the assistant first, a system turn in the middle with the newest.
    """
    way = WAYS["anthropic"]
    body = way.body("hello")
    for more in ({"role": "user", "content": "x"}, {"role": "assistant", "content": "{"}):
        body["messages"].append(more)
        assert way.send(body).status == 200
    body["messages"].insert(0, {"role": "assistant", "content": "Hello."})
    assert way.send(body).status == 200
    newest = {**way.body("hello"), "model": "claude-opus-5"}
    newest["messages"].append({"role": "system", "content": "Be brief."})
    assert way.send(newest).status == 200
