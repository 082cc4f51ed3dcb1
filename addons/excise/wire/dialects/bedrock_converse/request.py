"""
Requests of Converse and ConverseStream, read.

The model stands in the path, and so does whether the answer is a stream. What Converse has no field for travels in
`additionalModelRequestFields`, in the words of the model behind it: thinking, top_k, betas.

Source: AWS, "Converse" of the Bedrock Runtime API reference; the service model of botocore 1.43; read 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from excise.errors import BadRequest
from excise.wire.dialect import Envelope
from excise.wire.dialects.bedrock_converse.blocks import NAME, read_block, read_cache_point
from excise.wire.effort import LEVELS
from excise.wire.neutral import Extra, OutputFormat, Part, ReasoningAsk, Request, Sampling, Tool, ToolChoice, Turn

_ROLES = ("user", "assistant", "system")

_NEUTRAL = frozenset(
    (
        "messages",
        "system",
        "inferenceConfig",
        "toolConfig",
        "additionalModelRequestFields",
        "outputConfig",
        "requestMetadata",
        "serviceTier",
    )
)
# Where Claude's own answer names the stop sequence that ended it: whole, streamed. A path that leads nowhere is
# ignored.
WHERE_STOP_STANDS = {False: "/stop_sequence", True: "/delta/stop_sequence"}

_EXTRAS = {
    "guardrailConfig": Extra("guardrailConfig", True, "a guardrail of the client's AWS account; no other provider can apply it"),
    "promptVariables": Extra("promptVariables", True, "they fill a prompt that is stored at Bedrock"),
    "additionalModelResponseFieldPaths": Extra("additionalModelResponseFieldPaths", False, "fields of the model's own answer"),
    "modelId": Extra("modelId", False, "the model is named in the path"),
}
_LATENCY = Extra("performanceConfig", False, "a faster variant that only Bedrock has")
_UNKNOWN = Extra("unknown", False, "a field of the request that is not known")
_SYSTEM_TOOL = Extra("tools.server", True, "a tool that Bedrock runs itself")
_UNKNOWN_TOOL = Extra("tools", True, "a kind of tool that is not known")
_OTHER_FIELDS = Extra("additionalModelRequestFields", False, "fields for the model itself that no other dialect knows")
_MODEL_EXTRAS = {
    "anthropic_beta": Extra("anthropic_beta", False, "switches of Anthropic's own"),
    "tools": Extra("tools.server", True, "tools that the provider runs itself"),
    "mcp_servers": Extra("tools.server", True, "tools that the provider runs itself"),
    "container": Extra("container", True, "state that is stored at the provider"),
}


@dataclass(slots=True)
class Reading:
    """
    What a request says beside its conversation, as arguments of `Request`, and what is left over.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    extras: dict[str, Extra] = field(default_factory=dict)

    def leave(self, extra: Extra) -> None:
        self.extras.setdefault(extra.field, extra)


def decode_request(body: Any, envelope: Envelope) -> Request:
    """
    The client's JSON in neutral form.

    Raises:
        BadRequest: A known member has not the form Bedrock gives it; the text names its place.
    """
    if type(body) is not dict:
        raise BadRequest("the body is not a JSON object")
    reading = read_settings(body)
    return Request(
        dialect=NAME,
        model=envelope.model,
        turns=_turns(body),
        stream=envelope.stream,
        extras=tuple(reading.extras.values()),
        raw=body,
        **reading.fields,
    )


# -- the conversation ------------------------------------------------------------------------------------------------------------------


def _turns(body: dict[str, Any]) -> tuple[Turn, ...]:
    turns = []
    system = _list(body, "system", "system")
    if system:
        turns.append(Turn("system", _parts(system, "system"), raw=system))
    for index, message in enumerate(_list(body, "messages", "messages")):
        if type(message) is not dict:
            raise BadRequest(f"messages[{index}] is not an object")
        role, content = message.get("role"), message.get("content")
        if role not in _ROLES:
            raise BadRequest(f"messages[{index}].role is none of user, assistant, system")
        if type(content) is not list:
            content = _list(message, "content", f"messages[{index}].content")
        turns.append(Turn(role, _parts(content, "messages", index), raw=message))
    return tuple(turns)


def _parts(blocks: list[Any], place: str, message: int | None = None) -> tuple[Part, ...]:
    """
    The parts of a content list. A cache point is no part: it marks the one before it.
    """
    parts: list[Part] = []
    last = len(blocks) - 1
    for index, block in enumerate(blocks):
        if type(block) is dict and "cachePoint" in block and read_cache_point(block) is not None:
            continue
        part = read_block(block, read_cache_point(blocks[index + 1]) if index < last else None)
        if part is None:
            holder = place if message is None else f"{place}[{message}].content"
            raise BadRequest(f"{holder}[{index}] is no content block that can be read")
        parts.append(part)
    return tuple(parts)


# -- the rest --------------------------------------------------------------------------------------------------------------------------


def read_settings(body: dict[str, Any]) -> Reading:
    """
    Everything but the conversation.

    Raises:
        BadRequest: As `decode_request`.
    """
    reading = Reading()
    sampling: dict[str, Any] = {}
    ask: dict[str, Any] = {}
    _inference(reading, _object(body, "inferenceConfig", "inferenceConfig"), sampling)
    _tools(reading, _object(body, "toolConfig", "toolConfig"))
    output = _object(body, "outputConfig", "outputConfig")
    _output(reading, output)
    _effort(reading, ask, output.get("effort"), "outputConfig")
    _model_fields(reading, _object(body, "additionalModelRequestFields", "additionalModelRequestFields"), sampling, ask)
    metadata = _object(body, "requestMetadata", "requestMetadata")
    if metadata:
        reading.fields["metadata"] = metadata
    tier = _object(body, "serviceTier", "serviceTier").get("type")
    if type(tier) is str:
        reading.fields["service_tier"] = tier
    if sampling:
        reading.fields["sampling"] = Sampling(**sampling)
    if ask:
        reading.fields["reasoning"] = ReasoningAsk(**ask)
    for name, value in body.items():
        if name in _NEUTRAL or value is None:
            continue
        if name == "performanceConfig":
            if type(value) is not dict or value.get("latency") != "standard":
                reading.leave(_LATENCY)
        elif name != "additionalModelResponseFieldPaths" or not _asks_for_stop_only(value):
            reading.leave(_EXTRAS.get(name, _UNKNOWN))
    return reading


def _asks_for_stop_only(paths: Any) -> bool:
    return type(paths) is list and all(path in WHERE_STOP_STANDS.values() for path in paths if type(path) is str)


def _inference(reading: Reading, config: dict[str, Any], sampling: dict[str, Any]) -> None:
    most = _whole(config.get("maxTokens"), "inferenceConfig.maxTokens")
    if most is not None:
        reading.fields["max_tokens"] = most
    for name, wanted in (("temperature", "temperature"), ("topP", "top_p")):
        number = _number(config.get(name), f"inferenceConfig.{name}")
        if number is not None:
            sampling[wanted] = number
    stops = _list(config, "stopSequences", "inferenceConfig.stopSequences")
    if not all(type(stop) is str for stop in stops):
        raise BadRequest("inferenceConfig.stopSequences holds something other than text")
    if stops:
        reading.fields["stop"] = tuple(stops)


def _tools(reading: Reading, config: dict[str, Any]) -> None:
    tools: list[Tool] = []
    entries = _list(config, "tools", "toolConfig.tools")
    for index, entry in enumerate(entries):
        place = f"toolConfig.tools[{index}]"
        if type(entry) is not dict:
            raise BadRequest(f"{place} is not an object")
        if entry.get("toolSpec") is not None:
            tools.append(_tool(entry, place, entries[index + 1] if index + 1 < len(entries) else None))
        elif read_cache_point(entry) is None:
            reading.leave(_SYSTEM_TOOL if "systemTool" in entry else _UNKNOWN_TOOL)
    if tools:
        reading.fields["tools"] = tuple(tools)
    choice = _object(config, "toolChoice", "toolConfig.toolChoice")
    if "any" in choice:
        reading.fields["tool_choice"] = ToolChoice("required")
    elif "tool" in choice:
        name = _object(choice, "tool", "toolConfig.toolChoice.tool").get("name")
        if type(name) is not str:
            raise BadRequest("toolConfig.toolChoice.tool.name is not a text")
        reading.fields["tool_choice"] = ToolChoice("named", (name,))
    elif "auto" in choice:
        reading.fields["tool_choice"] = ToolChoice("auto")


def _tool(entry: dict[str, Any], place: str, behind: Any) -> Tool:
    spec = _object(entry, "toolSpec", f"{place}.toolSpec")
    name, description, strict = spec.get("name"), spec.get("description"), spec.get("strict")
    if type(name) is not str:
        raise BadRequest(f"{place}.toolSpec.name is not a text")
    if not (description is None or type(description) is str):
        raise BadRequest(f"{place}.toolSpec.description is not a text")
    inputs = _object(spec, "inputSchema", f"{place}.toolSpec.inputSchema")
    schema = _object(inputs, "json", f"{place}.toolSpec.inputSchema.json")
    return Tool(name, description, schema or None, strict if type(strict) is bool else None, read_cache_point(behind), raw=entry)


def _output(reading: Reading, config: dict[str, Any]) -> None:
    form = _object(config, "textFormat", "outputConfig.textFormat")
    if not form:
        return
    structure = _object(form, "structure", "outputConfig.textFormat.structure")
    definition = _object(structure, "jsonSchema", "outputConfig.textFormat.structure.jsonSchema")
    name, description = definition.get("name"), definition.get("description")
    reading.fields["output"] = OutputFormat(
        schema=_schema(definition.get("schema")),
        name=name if type(name) is str else None,
        description=description if type(description) is str else None,
    )


def _schema(text: Any) -> dict[str, Any]:
    try:
        schema = orjson.loads(text) if type(text) is str else None
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        schema = None
    if type(schema) is not dict:
        raise BadRequest("outputConfig.textFormat.structure.jsonSchema.schema is not the text of a JSON schema")
    return schema


# -- the model's own fields ------------------------------------------------------------------------------------------------------------


def _model_fields(reading: Reading, fields: dict[str, Any], sampling: dict[str, Any], ask: dict[str, Any]) -> None:
    for name, value in fields.items():
        if value is None:
            continue
        if name in ("thinking", "reasoning_config", "reasoningConfig") and type(value) is dict:
            if not _thinking(ask, value):
                reading.leave(_OTHER_FIELDS)
        elif name == "reasoning_effort":
            _effort(reading, ask, value, "additionalModelRequestFields")
        elif name in ("reasoning", "output_config") and type(value) is dict:
            _effort(reading, ask, value.get("effort"), "additionalModelRequestFields")
            if set(value) - {"effort"}:
                reading.leave(_OTHER_FIELDS)
        elif name in ("top_k", "topK", "k") and type(value) is int:
            sampling["top_k"] = value
        elif name == "inferenceConfig" and type(value) is dict and set(value) == {"topK"} and type(value["topK"]) is int:
            sampling["top_k"] = value["topK"]
        elif name != "tool_choice" or type(value) is not dict or not _anthropic_choice(reading, value):
            reading.leave(_MODEL_EXTRAS.get(name, _OTHER_FIELDS))


def _thinking(ask: dict[str, Any], config: dict[str, Any]) -> bool:
    """
    Anthropic's `thinking` and Nova's `reasoningConfig`. False where it says something that is not known.
    """
    kind, budget, effort = config.get("type"), config.get("budget_tokens"), config.get("maxReasoningEffort")
    if kind == "disabled":
        ask["effort"] = "none"
    elif kind == "adaptive":
        ask["adaptive"] = True
    elif kind == "enabled":
        if type(budget) is int:
            ask["budget_tokens"] = max(budget, 0)
        if type(effort) is str and effort in LEVELS:
            ask["effort"] = effort
        elif type(budget) is not int:
            ask["adaptive"] = True
    else:
        return False
    display = config.get("display")
    if display in ("summarized", "omitted"):
        ask["visible"] = display == "summarized"
    return True


def _effort(reading: Reading, ask: dict[str, Any], value: Any, place: str) -> None:
    if type(value) is str and value in LEVELS:
        ask.setdefault("effort", value)
    elif value is not None:
        reading.leave(Extra("reasoning.effort", False, f"a level of effort in {place} that is not known"))


def _anthropic_choice(reading: Reading, choice: dict[str, Any]) -> bool:
    """
    A tool choice in Anthropic's words, where Converse's own has no room. False where it is not one.
    """
    kind, name = choice.get("type"), choice.get("name")
    if choice.get("disable_parallel_tool_use") is True:
        reading.fields["parallel_tools"] = False
    if kind == "tool" and type(name) is str:
        reading.fields.setdefault("tool_choice", ToolChoice("named", (name,)))
    elif kind in ("auto", "any", "none"):
        mode = {"auto": "auto", "any": "required", "none": "none"}[kind]
        reading.fields.setdefault("tool_choice", ToolChoice(mode))  # type: ignore[arg-type]
    elif kind is not None or "disable_parallel_tool_use" not in choice:
        return False
    return True


# -- foreign JSON ----------------------------------------------------------------------------------------------------------------------


def _object(holder: dict[str, Any], name: str, place: str) -> dict[str, Any]:
    value = holder.get(name)
    if value is None:
        return {}
    if type(value) is not dict:
        raise BadRequest(f"{place} is not an object")
    return value


def _list(holder: dict[str, Any], name: str, place: str) -> list[Any]:
    value = holder.get(name)
    if value is None:
        return []
    if type(value) is not list:
        raise BadRequest(f"{place} is not a list")
    return value


def _whole(value: Any, place: str) -> int | None:
    if value is None or type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    raise BadRequest(f"{place} is not a whole number")


def _number(value: Any, place: str) -> float | None:
    if value is None or type(value) in (int, float):
        return value  # type: ignore[no-any-return]
    raise BadRequest(f"{place} is not a number")
