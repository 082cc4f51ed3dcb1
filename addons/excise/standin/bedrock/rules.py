"""
What Bedrock refuses of a conversation before and after the model has seen it.

Source: recorded errors and errors as people report them, read 2026-11.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from excise.standin import schemas
from excise.standin.anthropic import rules as claude
from excise.standin.anthropic.errors import sentence
from excise.standin.anthropic.shapes import TOLD
from excise.standin.bedrock.errors import refuse
from excise.standin.call import Refusal
from excise.standin.media import decoded, sniffed
from excise.standin.models import Model
from excise.standin.shapes import Wrong

_FILE_NAME = re.compile(r"[a-zA-Z0-9\-()\[\]]+(\s[a-zA-Z0-9\-()\[\]]+)*")
_CLAUDE_FIELDS = frozenset(
    {
        "thinking",
        "top_k",
        "anthropic_beta",
        "anthropic_version",
        "tool_choice",
        "tools",
        "output_config",
        "reasoning_config",
        "output_format",
    }
)
_NOVA_FIELDS = frozenset({"inferenceConfig", "reasoningConfig", "topK", "schemaVersion"})


def is_claude(model: Model) -> bool:
    """
    Whether Anthropic's rules hold behind Bedrock's.
    """
    return "anthropic." in model.name


def check(body: dict[str, Any], model: Model) -> None:
    """
    All of it.

    Raises:
        Refusal: The first fault.
    """
    messages = body.get("messages")
    if not messages:
        raise _bad("The messages field is empty: a conversation must have at least one message.")
    for at, message in enumerate(messages):
        if message["role"] != ("user", "assistant")[at % 2]:
            text = "A conversation must alternate between user and assistant roles and start with a user message."
            raise _bad(f"{text} Make sure the conversation does so and try again.")
        if not message["content"]:
            raise _bad(f"The content field in the Message object at messages.{at} is empty. Add a ContentBlock object and try again.")
        for place, block in enumerate(message["content"]):
            _check_block(block, message["role"], f"messages.{at}.content.{place}", model)
        documents = sum("document" in block for block in message["content"])
        if documents and not any("text" in block for block in message["content"]):
            raise _bad(f"A text block must be included in the content of messages.{at} when a document is provided.")
    _check_names(messages)
    _check_pairs(messages)
    used = any("toolUse" in block or "toolResult" in block for message in messages for block in message["content"])
    if used and "toolConfig" not in body:
        raise _bad("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
    _check_tools(body)
    _check_fields(body, model)
    if is_claude(model):
        try:
            TOLD.read({name: part for name, part in body.get("additionalModelRequestFields", {}).items() if name in TOLD.fields})
            claude.check(as_anthropic(body), model)
        except Wrong as wrong:
            raise _model_says(sentence(wrong)) from wrong
        except claude.Refused as refused:
            raise _model_says(str(refused)) from refused


def _bad(message: str) -> Refusal:
    return refuse(400, message)


def _model_says(message: str) -> Refusal:
    return refuse(400, f"The model returned the following errors: {message}")


def _check_block(block: dict[str, Any], role: str, place: str, model: Model) -> None:
    if "text" in block and not block["text"].strip():
        raise _bad(f"The text field in the ContentBlock object at {place} is blank. Add text to the text field, and try again.")
    kind = next(iter(block))
    if kind in ("toolResult", "image", "document", "video", "audio") and role != "user":
        raise _model_says(f"Malformed input request: #/{place.replace('.', '/')}: extraneous key [{kind}] is not permitted")
    if kind in ("toolUse", "reasoningContent") and role != "assistant":
        raise _model_says(f"Malformed input request: #/{place.replace('.', '/')}: extraneous key [{kind}] is not permitted")
    if kind in ("video", "audio") and is_claude(model):
        raise _bad(f"This model doesn't support the {kind} field. Remove {kind} and try again.")
    if kind == "audio" or (kind == "reasoningContent" and "thinking" in model.lacks):
        field = "reasoningContent.reasoningText.text" if kind == "reasoningContent" else kind
        raise _bad(f"This model doesn't support the {field} field. Remove {field} and try again.")
    if kind in ("image", "document"):
        _check_media(block[kind], kind, place)
    if kind == "toolResult":
        _check_result(block["toolResult"], place, model)
    if kind == "toolUse" and is_claude(model) and not re.fullmatch(r"[a-zA-Z0-9_-]+", block["toolUse"]["toolUseId"]):
        raise _model_says(f"{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")


def _check_result(result: dict[str, Any], place: str, model: Model) -> None:
    if not result["content"] and (result.get("status") == "error" or not is_claude(model)):
        reason = " when status value is error" if result.get("status") == "error" else ""
        raise _bad(f"The content field at {place}.toolResult cannot be empty{reason}.")
    for at, part in enumerate(result["content"]):
        where = f"{place}.toolResult.content.{at}"
        if "json" in part and not isinstance(part["json"], dict):
            raise _bad(f"The format of the value at {where}.json is invalid. Provide a json object for the field and try again.")
        for kind in ("image", "document"):
            if kind in part:
                _check_media(part[kind], kind, where)


def _check_media(media: dict[str, Any], kind: str, place: str) -> None:
    if kind == "document" and not _FILE_NAME.fullmatch(media["name"]):
        text = "The file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets."
        raise _bad(f"{text} The name can't contain more than one consecutive whitespace character.")
    if "s3Location" in media["source"]:
        raise _bad("This model doesn't support the s3Uri field. Remove s3Uri and try again.")
    if "bytes" not in media["source"]:
        return
    data = decoded(media["source"]["bytes"])
    if data is None:
        raise refuse(400, "Unable to parse request body.", "SerializationException")
    if kind == "image" and sniffed(data) != f"image/{media['format']}":
        raise _model_says(f"{place}.image.source.base64.data: Could not process image")
    if kind == "document" and media.get("format") == "pdf" and not data.startswith(b"%PDF"):
        raise _model_says(f"{place}.pdf.source.base64.data: The PDF specified was not valid.")


def _check_names(messages: list[dict[str, Any]]) -> None:
    names = [block["document"]["name"] for message in messages for block in message["content"] if "document" in block]
    if len(set(names)) != len(names):
        raise _bad("The conversation contains duplicate document names. Use unique names and try again.")


def _check_pairs(messages: list[dict[str, Any]]) -> None:
    asked: list[str] = []
    for at, message in enumerate(messages):
        given = [block["toolResult"]["toolUseId"] for block in message["content"] if "toolResult" in block]
        if len(given) > len(asked):
            raise _bad(f"The number of toolResult blocks at messages.{at}.content exceeds the number of toolUse blocks of previous turn.")
        missing = [name for name in asked if name not in given]
        if missing:
            raise _bad(f"Expected toolResult blocks at messages.{at}.content for the following Ids: {', '.join(missing)}")
        asked = [block["toolUse"]["toolUseId"] for block in message["content"] if "toolUse" in block]
        if len(set(asked)) != len(asked):
            raise _bad(f"messages.{at}.content contains duplicate toolUse ids.")
    if asked:
        raise _bad(f"Expected toolResult blocks at messages.{len(messages)}.content for the following Ids: {', '.join(asked)}")


def tool_specs(body: dict[str, Any]) -> list[dict[str, Any]]:
    """
    The tools a client declares.
    """
    return [tool["toolSpec"] for tool in body.get("toolConfig", {}).get("tools", ()) if "toolSpec" in tool]


def _check_tools(body: dict[str, Any]) -> None:
    names: list[str] = []
    for at, tool in enumerate(tool_specs(body)):
        schema = tool["inputSchema"]["json"]
        where = f"toolConfig.tools.{at}.toolSpec.inputSchema.json"
        if not isinstance(schema, dict) or schemas.malformed(schema) is not None:
            raise _bad(f"The value at {where} is invalid. Provide a JSON schema and try again.")
        if schema.get("type") != "object":
            raise _bad(f"The value at {where}.type must be one of the following: object.")
        if tool["name"] in names:
            raise _bad(f"The tool {tool['name']} is already defined at toolConfig.tools.{names.index(tool['name'])}.")
        names.append(tool["name"])
    choice = body.get("toolConfig", {}).get("toolChoice", {})
    if "tool" in choice and choice["tool"]["name"] not in names:
        raise _bad(f"The tool {choice['tool']['name']} in toolConfig.toolChoice is not defined in toolConfig.tools.")


def _check_fields(body: dict[str, Any], model: Model) -> None:
    extra = body.get("additionalModelRequestFields", {})
    allowed = _CLAUDE_FIELDS if is_claude(model) else _NOVA_FIELDS
    for name in extra:
        if name not in allowed:
            text = f"Malformed input request: #: extraneous key [{name}] is not permitted, please reformat your input and try again."
            raise _model_says(text)
    if body.get("inferenceConfig", {}).get("maxTokens", 1) > model.most:
        asked = body["inferenceConfig"]["maxTokens"]
        text = f"The maximum tokens you requested exceeds the model limit of {model.most}. Try again with a maximum tokens value"
        raise _bad(f"{text} that is lower than {model.most}. You asked for {asked}.")
    output = body.get("outputConfig", {})
    if "textFormat" in output:
        if "schema" in model.lacks:
            raise _bad("This model doesn't support the outputConfig.textFormat field. Remove outputConfig.textFormat and try again.")
        try:
            schema = json.loads(output["textFormat"]["structure"]["jsonSchema"]["schema"])
        except ValueError as error:
            raise _bad("The value at outputConfig.textFormat.structure.jsonSchema.schema is not valid JSON.") from error
        if not isinstance(schema, dict):
            raise _bad("The value at outputConfig.textFormat.structure.jsonSchema.schema is not a JSON object.")
    if "effort" in output and not model.efforts:
        raise _bad("This model doesn't support the outputConfig.effort field. Remove outputConfig.effort and try again.")


def as_anthropic(body: dict[str, Any]) -> dict[str, Any]:
    """
    The same request in Anthropic's words, as Bedrock hands it to Claude.
    """
    config, output = body.get("inferenceConfig", {}), body.get("outputConfig", {})
    extra = {name: part for name, part in body.get("additionalModelRequestFields", {}).items() if part is not None}
    made: dict[str, Any] = {"messages": [{"role": one["role"], "content": list(_blocks(one))} for one in body["messages"]]}
    for name, field in (
        ("maxTokens", "max_tokens"),
        ("temperature", "temperature"),
        ("topP", "top_p"),
        ("stopSequences", "stop_sequences"),
    ):
        if name in config:
            made[field] = config[name]
    made |= {name: extra[name] for name in ("thinking", "top_k") if name in extra}
    if "reasoning_config" in extra:
        made["thinking"] = extra["reasoning_config"]
    made["tools"] = [{"name": tool["name"], "input_schema": tool["inputSchema"]["json"]} for tool in tool_specs(body)]
    choice = body.get("toolConfig", {}).get("toolChoice")
    if choice:
        kind = next(iter(choice))
        made["tool_choice"] = {"type": kind, **choice[kind]}
    made["output_config"] = {**({"effort": output["effort"]} if "effort" in output else {}), **extra.get("output_config", {})}
    if "textFormat" in output:
        made["output_config"]["format"] = {"schema": json.loads(output["textFormat"]["structure"]["jsonSchema"]["schema"])}
    return made


def _blocks(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for block in message["content"]:
        if "text" in block:
            yield {"type": "text", "text": block["text"]}
        elif (use := block.get("toolUse")) is not None:
            yield {"type": "tool_use", "id": use["toolUseId"], "name": use["name"], "input": use["input"]}
        elif (result := block.get("toolResult")) is not None:
            yield {"type": "tool_result", "tool_use_id": result["toolUseId"], "content": ""}
        elif (thought := block.get("reasoningContent", {}).get("reasoningText")) is not None:
            yield {"type": "thinking", "thinking": thought["text"], "signature": thought.get("signature", "")}
        elif "reasoningContent" in block:
            yield {"type": "redacted_thinking", "data": block["reasoningContent"]["redactedContent"]}


def thinking(body: dict[str, Any]) -> Any:
    """
    How Claude was told to think; empty where it was not.
    """
    extra = body.get("additionalModelRequestFields", {})
    told = extra.get("thinking") or extra.get("reasoning_config") or {}
    return told if isinstance(told, dict) else {}
