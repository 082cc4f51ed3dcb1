"""
The other providers' refusals, in their words.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from standin.asking import CITY, PERSON, PIXEL, WAYS
from standin.refusing import LOOSE, Change, at, history, refused

REFERRED = {"type": "OBJECT", "properties": {"a": {"$ref": "#/$defs/a"}}}


def parts(*parts: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": list(parts)}]}


def config(**config: Any) -> dict[str, Any]:
    return {"generationConfig": config}


def declared(**changes: Any) -> dict[str, Any]:
    return {"tools": [{"functionDeclarations": [{"name": "get_weather", **changes}]}]}


def old(schema: Any) -> dict[str, Any]:
    return declared(parameters=schema)


GEMINI: list[tuple[Change, str]] = [
    (at("contents", 0, "extra", value=1), "Unknown name \\\"extra\\\" at 'contents[0]': Cannot find field."),
    (at("contents", 0, "parts", 0, "type", value="text"), "Unknown name \\\"type\\\" at 'contents[0].parts[0]'"),
    (at("contents", 0, "parts", 0, "text", value=5), "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 5"),
    (at("contents", 0, "role", value="assistant"), "valid role: user, model"),
    (at("contents", 0, "parts", value=[]), "must not be empty"),
    (parts({}), "required oneof field 'data'"),
    (parts({"text": "x", "inlineData": {"mimeType": "image/png", "data": PIXEL}}), "oneof field 'data' is already set"),
    (parts({"inlineData": {"mimeType": "image/png", "data": "?"}}), "Base64 decoding failed"),
    (parts({"inlineData": {"data": PIXEL}}), "mime_type is not specified"),
    (parts({"inlineData": {"mimeType": "image/png", "data": "aGVsbG8="}}), "Unable to process input image"),
    (parts({"inlineData": {"mimeType": "application/zip", "data": "aGVsbG8="}}), "Unsupported MIME type"),
    ({"systemInstruction": {"parts": [{"inlineData": {"mimeType": "image/png", "data": PIXEL}}]}}, "only text is supported"),
    (config(maxTokens=5), "Unknown name \\\"maxTokens\\\" at 'generation_config'"),
    (config(temperature=2.5), "temperature must be in the range"),
    (config(maxOutputTokens=99_999), "supported range is from 1"),
    (config(stopSequences=list("abcdef")), "at most 5"),
    (config(responseSchema={"type": "OBJECT"}), "only allowed when response_mime_type is application/json"),
    (config(responseMimeType="application/xml"), "allowed mimetypes"),
    (config(responseMimeType="application/json", responseSchema={"type": "OBJECT"}, responseJsonSchema=CITY), "only one of"),
    ({**config(responseMimeType="application/json"), **declared()}, "Function calling with a response mime type"),
    (config(thinkingConfig={"thinkingLevel": "HIGH"}), "Thinking level is not supported"),
    (config(thinkingConfig={"thinkingBudget": 99_999}), "thinking budget 99999 is invalid"),
    (config(thinkingConfig={"thinkingBudget": 1, "thinkingLevel": "LOW"}), "only set only one"),
    (config(logprobs=2), "only allowed when response_logprobs"),
    (config(responseModalities=["IMAGE"]), "combination of response modalities"),
    (declared(name="get weather"), "Invalid function name"),
    (declared(parameters={"type": "OBJECT"}, parametersJsonSchema=CITY), "only one of parameters"),
    (old(CITY), "Unknown name \\\"additionalProperties\\\" at 'tools[0].function_declarations[0].parameters'"),
    (old(REFERRED), 'Unknown name \\"$ref\\"'),
    (old({"type": "STRING"}), "should be of type OBJECT"),
    (old({"type": "OBJECT", "properties": {"a": {"type": "ARRAY"}}}), "properties[a].items: missing field"),
    (old({"type": "OBJECT", "properties": {"a": {"type": "INTEGER", "enum": ["1"]}}}), "only allowed for STRING type"),
    (old({"type": "OBJECT", "properties": {"a": {"type": "STRING", "format": "uuid"}}}), "only 'enum' and 'date-time'"),
    (old({"type": "OBJECT", "properties": {}, "required": ["a"]}), "property is not defined"),
    (declared(parametersJsonSchema={"type": "object", "patternProperties": {}}), "unsupported keyword"),
    ({**declared(), "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["x"]}}}, "not declared"),
    ({**declared(), "toolConfig": {"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["get_weather"]}}}, "mode"),
]


@pytest.mark.parametrize(("change", "text"), GEMINI)
def test_gemini(change: Change, text: str) -> None:
    """
    Fields nobody knows, wherever they stand; parts that are none or two; schemas of the wrong dialect.
    """
    refused("gemini", change, 400, text)


GEMINI_ORDER: list[tuple[Change, str]] = [
    (at("contents", 2, drop=True), "function call turn comes immediately after"),
    (at("contents", 1, drop=True), "function response turn comes immediately after a function call turn"),
    (at("contents", 2, "parts", add={"functionResponse": {"name": "x", "response": {}}}), "number of function response parts"),
    (at("contents", 2, "parts", 0, "functionResponse", "response", value="18 C"), "google.protobuf.Struct"),
    (at("contents", 2, "parts", 0, "functionResponse", "name", value=""), "Name cannot be empty"),
    (at("contents", 1, "parts", 0, "functionCall", "args", value="{}"), "google.protobuf.Struct"),
]


@pytest.mark.parametrize(("change", "text"), GEMINI_ORDER)
def test_gemini_pairs_calls_and_results(change: Change, text: str) -> None:
    """
    As many results as calls, right after them, as objects.
    """
    refused("gemini", change, 400, text, base=history("gemini"))


def test_newer_geminis() -> None:
    """
    They take a schema beside tools, levels of thinking, no penalties; some cannot be told not to think.
    """
    refused("gemini-3", config(presencePenalty=0.5), 400, "Penalty is not enabled")
    refused("gemini", config(thinkingConfig={"thinkingBudget": 0}), 400, "only works in thinking mode", model="gemini-2.5-pro")
    refused("gemini-3", config(thinkingConfig={"thinkingLevel": "MINIMAL"}), 400, "not supported", model="gemini-3.1-pro-preview")
    body = {**WAYS["gemini-3"].body("hello"), **declared(), **config(responseMimeType="application/json", responseJsonSchema=CITY)}
    assert WAYS["gemini-3"].send(body).status == 200


def blocks(*blocks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def document(name: str) -> dict[str, Any]:
    return {"document": {"name": name, "format": "txt", "source": {"bytes": "aGVsbG8="}}}


def spec(**changes: Any) -> dict[str, Any]:
    return {"toolConfig": {"tools": [{"toolSpec": {"name": "get_weather", "inputSchema": {"json": CITY}, **changes}}]}}


BEDROCK: list[tuple[Change, str]] = [
    (at("messages", 0, "extra", value=1), "#/messages/0: extraneous key [extra] is not permitted"),
    (at("messages", 0, "role", value="assistant"), "must alternate between user and assistant roles and start with a user"),
    (at("messages", add={"role": "user", "content": [{"text": "x"}]}), "must alternate"),
    (at("messages", 0, "content", value=[]), "is empty"),
    (at("messages", 0, "content", value="hello"), "Unable to parse request body"),
    (blocks({"text": ""}), "The text field in the ContentBlock object at messages.0.content.0 is blank"),
    (blocks({"text": "x", "cachePoint": {"type": "default"}}), "exactly one of"),
    (blocks({"image": {"format": "png", "source": {"bytes": "?"}}}), "Unable to parse"),
    (blocks({"image": {"format": "jpeg", "source": {"bytes": PIXEL}}}), "Could not process image"),
    (blocks({"image": {"format": "tiff", "source": {"bytes": PIXEL}}}), "enum value set: [png, jpeg, gif, webp]"),
    (blocks({"image": {"format": "png", "source": {"s3Location": {"uri": "s3://bucket/key"}}}}), "s3Uri"),
    (blocks(document("a")), "A text block must be included"),
    (blocks({"text": "x"}, document("a.txt")), "can only contain alphanumeric"),
    (blocks({"text": "x"}, document("a  b")), "can only contain alphanumeric"),
    (blocks({"text": "x"}, document("a"), document("a")), "duplicate document names"),
    ({"inferenceConfig": {"temperature": 1.5}}, "less than or equal to 1"),
    ({"inferenceConfig": {"topK": 5}}, "extraneous key [topK]"),
    ({"inferenceConfig": {"maxTokens": 99_999}}, "exceeds the model limit"),
    ({"system": [{"text": ""}]}, "length greater than or equal to 1"),
    (spec(name="get.weather"), "regular expression pattern"),
    (spec(description=""), "length greater than or equal to 1"),
    (spec(inputSchema={"json": {"properties": {}}}), "inputSchema.json.type must be one of the following: object."),
    ({"toolConfig": {"tools": []}}, "length greater than or equal to 1"),
    ({"additionalModelRequestFields": {"thinking": {"type": "enabled"}}}, "extraneous key [thinking]"),
    (
        {"outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(PERSON)}}}}},
        "doesn't support the outputConfig.textFormat",
    ),
]


@pytest.mark.parametrize(("change", "text"), BEDROCK)
def test_bedrock(change: Change, text: str) -> None:
    """
    Turns that do not alternate, blank texts, names of files, unions with two fields, bounds.
    """
    refused("bedrock-nova", change, 400, text)


BEDROCK_ORDER: list[tuple[Change, str]] = [
    (at("toolConfig", drop=True), "The toolConfig field must be defined when using toolUse and toolResult content blocks."),
    (at("messages", 2, drop=True), "Expected toolResult blocks at messages.2.content for the following Ids"),
    (at("messages", 2, "content", value=[{"text": "x"}]), "Expected toolResult blocks at messages.2.content"),
    (at("messages", 1, "content", value=[{"text": "x"}]), "exceeds the number of toolUse blocks"),
    (at("messages", 2, "content", 0, "toolResult", "content", value=[{"json": [1]}]), "Provide a json object"),
    (at("messages", 2, "content", 0, "toolResult", "content", value=[]), "cannot be empty"),
    (at("messages", 1, "content", 0, "toolUse", "input", value="{}"), "Unable to parse"),
]


@pytest.mark.parametrize(("change", "text"), BEDROCK_ORDER)
def test_bedrock_pairs_calls_and_results(change: Change, text: str) -> None:
    """
    Results in the very next turn, as many as calls, and the tools declared.
    """
    refused("bedrock-nova", change, 400, text, base=history("bedrock-nova"))


CLAUDE_AT_AWS: list[tuple[Change, str]] = [
    (
        {"inferenceConfig": {"temperature": 0.5, "topP": 0.5}},
        "model returned the following errors: `temperature` and `top_p`",
    ),
    ({"inferenceConfig": {"stopSequences": [" "]}}, "must contain non-whitespace"),
    ({"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 5}}}, "greater than or equal to 1024"),
    ({"additionalModelRequestFields": {"seed": 5}}, "extraneous key [seed]"),
    (blocks({"text": "x"}, {"video": {"format": "mp4", "source": {"bytes": "aGVsbG8="}}}), "doesn't support the video field"),
]


@pytest.mark.parametrize(("change", "text"), CLAUDE_AT_AWS)
def test_claude_behind_bedrock(change: Change, text: str) -> None:
    """
    What Bedrock lets through Claude may refuse.
    """
    refused("bedrock-claude", change, 400, text)


COHERE: list[tuple[Change, int, str]] = [
    ({"stop": ["x"]}, 422, "unknown field: parameter 'stop'"),
    ({"temperature": 1.5}, 400, "temperature must be at most 1"),
    ({"p": 1}, 400, "p must be at most 0.99"),
    ({"stop_sequences": list("abcdef")}, 400, "at most 5"),
    ({"tool_choice": "auto"}, 400, "tool_choice must be one of REQUIRED, NONE"),
    ({"tool_choice": "REQUIRED"}, 400, "requires tools"),
    ({"thinking": {"type": "enabled"}}, 400, "thinking is not supported"),
    (at("messages", 0, "content", value=""), 400, "must have non-empty content"),
    (
        at("messages", 0, "content", value=[{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}]),
        400,
        "image content is not supported",
    ),
    (at("messages", add={"role": "tool", "tool_call_id": "x", "content": "x"}), 400, "not found in previous tool calls"),
    (
        {
            "response_format": {"type": "json_object", "json_schema": PERSON},
            "tools": [{"type": "function", "function": {"name": "f", "parameters": CITY}}],
        },
        400,
        "not supported together with tools",
    ),
    ({"response_format": {"type": "json_schema"}}, 400, "must be one of text, json_object"),
]


@pytest.mark.parametrize(("change", "status", "text"), COHERE)
def test_cohere(change: Change, status: int, text: str) -> None:
    """
    Its own names, its own words of choice, no JSON beside tools.
    """
    refused("cohere", change, status, text)


def test_cohere_pairs_calls_and_results() -> None:
    """
    A call without its result is refused.
    """
    refused("cohere", at("messages", 2, drop=True), 400, "must be followed by tool messages", base=history("cohere"))


MISTRAL: list[tuple[Change, int, str]] = [
    (at("messages", 0, "name", value="x"), 422, "extra_forbidden"),
    ({"max_completion_tokens": 5}, 422, "extra_forbidden"),
    ({"stream_options": {"include_usage": True}}, 422, "extra_forbidden"),
    ({"temperature": 1.7}, 422, "less than or equal to 1.5"),
    ({"temperature": 0, "top_p": 0.5}, 400, "top_p must be 1 when using greedy sampling"),
    ({"random_seed": -1}, 422, "greater_than_equal"),
    ({"tool_choice": "any"}, 400, "requires tools"),
    ({"reasoning_effort": "low"}, 400, "not supported"),
    ({"response_format": {"type": "json_schema"}}, 400, "json_schema must be set"),
    (at("messages", add={"role": "assistant", "content": "x"}), 400, "Expected last role User or Tool"),
    (at("messages", add={"role": "tool", "tool_call_id": "abcdefghi", "content": "x"}), 400, "Unexpected role 'tool' after role 'user'"),
    (at("messages", 0, value={"role": "developer", "content": "x"}), 422, "union_tag_invalid"),
    (at("messages", 0, "content", value=[{"type": "image_url", "image_url": "data:image/png;base64,aGVsbG8="}]), 400, "valid image"),
]


@pytest.mark.parametrize(("change", "status", "text"), MISTRAL)
def test_mistral(change: Change, status: int, text: str) -> None:
    """
    Fields OpenAI has and it has not, roles in an order it does not take.
    """
    refused("mistral", change, status, text)


MISTRAL_ORDER: list[tuple[Change, str]] = [
    (at("messages", add={"role": "user", "content": "x"}), "Unexpected role 'user' after role 'tool'"),
    (at("messages", 1, "tool_calls", 0, "id", value="call_12345"), "must be a-z, A-Z, 0-9, with a length of 9"),
    (at("messages", 2, "tool_call_id", value="abcdefghi"), "Unexpected tool call id abcdefghi in tool results"),
    (at("messages", 2, drop=True), "Expected last role User or Tool"),
    (at("messages", 1, value={"role": "assistant", "content": ""}), "either content or tool_calls"),
]


@pytest.mark.parametrize(("change", "text"), MISTRAL_ORDER)
def test_mistral_pairs_calls_and_results(change: Change, text: str) -> None:
    """
    Ids of nine letters or digits, and the assistant speaks after a tool.
    """
    refused("mistral", change, 400, text, base=history("mistral"))


OLLAMA: list[tuple[Change, str]] = [
    (
        at("messages", 0, "content", value=[{"type": "text", "text": "x"}]),
        "Go struct field ChatRequest.messages.content",
    ),
    (at("messages", 0, "role", value="developer"), "invalid role"),
    (at("messages", 0, "images", value=["data:image/png;base64,x"]), "illegal base64 data"),
    ({"think": True}, "does not support thinking"),
    ({"think": "very"}, "invalid think value"),
    ({"format": "yaml"}, "invalid format"),
    ({"options": {"stop": "x"}}, "cannot unmarshal string"),
    (at("messages", add={"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}), "cannot unmarshal string"),
]


@pytest.mark.parametrize(("change", "text"), OLLAMA)
def test_ollama(change: Change, text: str) -> None:
    """
    Wrong types are refused, as Go refuses them.
    """
    refused("ollama", change, 400, text)


def test_ollama_ignores_what_it_does_not_know() -> None:
    """
    Fields nobody knows do no harm.
    """
    way = WAYS["ollama"]
    body = way.body("echo: so", extra=1, options={"made_up": 1})
    body["messages"][0]["name"] = "x"

    assert way.text(way.send(body).json) == "so"


FOLLOWERS: list[tuple[str, Change, int, str]] = [
    ("deepseek", at("messages", 0, "role", value="developer"), 422, "unknown variant `developer`"),
    ("deepseek", {"response_format": {"type": "json_schema"}}, 400, "This response_format type is unavailable now"),
    ("deepseek", {"max_tokens": 0}, 400, "Failed to deserialize"),
    ("deepseek", {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}, 400, "Invalid schema"),
    ("groq", {"logit_bias": {"5": 1}}, 400, "property 'logit_bias' is unsupported"),
    ("groq", {"n": 2}, 400, "'n' : value"),
    ("groq", {"logprobs": True}, 400, "not supported with this model"),
    ("groq", at("messages", add={"role": "assistant", "content": "x", "reasoning_content": "x"}), 400, "messages.1.reasoning_content"),
    ("groq", {"reasoning_effort": "none"}, 400, "`reasoning_effort` is not supported"),
    ("groq", {"response_format": {"type": "json_object"}, "tools": [{"type": "function", "function": {"name": "f"}}]}, 400, "json mode"),
]


@pytest.mark.parametrize(("name", "change", "status", "text"), FOLLOWERS)
def test_those_who_speak_like_openai(name: str, change: Change, status: int, text: str) -> None:
    """
    Each leaves something out.
    """
    refused(name, change, status, text)


def test_loose_schemas_are_fine_where_nobody_is_strict() -> None:
    """
    What strict mode refuses the same providers take without it.
    """
    for name in ("openai-chat", "mistral", "cohere", "groq", "deepseek"):
        tool = {"type": "function", "function": {"name": "f", "parameters": LOOSE}}
        assert WAYS[name].send({**WAYS[name].body("hello"), "tools": [tool]}).status == 200
