"""
Tools, the choice among them, and the form of the output, written into a chat request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from excise.wire.dialects.foreign import output_instruction
from excise.wire.dialects.openai_chat.message_writing import Writing
from excise.wire.dialects.openai_chat.tool_names import fit_name, is_name
from excise.wire.json_schema import for_openai_strict
from excise.wire.neutral import OutputFormat, Text, Tool, ToolChoice

_NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}}
_ANSWER = "final_answer"
_ANSWER_DESCRIPTION = "Give your final answer with this tool."

_JSON_WORD = "the target wants its JSON mode named in the conversation; an instruction was added to the system text"
_UNFORCED = "the target's model cannot be made to call a tool; let it choose, or ask a model that can"
_ASKED_TO_CALL = "the target cannot be made to call a tool; an instruction asks for it, and it is offered no other"
_MUST_CALL = "Call at least one of the functions that are offered to you, and do not answer before you have its result."


def write_tools(body: dict[str, Any], writing: Writing) -> str | None:
    """
    Put tools, tool choice and output format into the body.

    Returns:
        An instruction for the system text that stands for what the target has no field for; `None`: there is none.
    """
    request, traits, losses = writing.request, writing.target.traits, writing.losses
    for tool in request.tools:
        if is_name(tool.name):
            writing.names[tool.name] = tool.name
            writing.taken.add(tool.name)
    tools, choice = _chosen(writing)
    if tools and (traits.tools is False or not writing.flavour.choices):
        losses.impossible("tools", "the target's model calls no tools")
    if tools and any(tool.cache for tool in tools) and not writing.flavour.cache_marks:
        losses.dropped("cache", "the target caches by itself, without marks")
    written = [_tool(tool, writing) for tool in tools]
    instruction, wrapped = _output(body, choice, bool(tools), writing)
    if choice is _BY_WORDS:
        instruction, choice = f"{_MUST_CALL}\n\n{instruction}" if instruction else _MUST_CALL, None
    if wrapped is not None:
        written.append(wrapped)
        choice = _forced(wrapped["function"]["name"], bool(tools), writing)
    if written:
        body["tools"] = written
        if choice is not None:
            body["tool_choice"] = choice
        _parallel(body, writing)
    return instruction


def _parallel(body: dict[str, Any], writing: Writing) -> None:
    wanted = writing.request.parallel_tools
    if wanted is None:
        return
    if "parallel_tool_calls" in writing.flavour.takes:
        body["parallel_tool_calls"] = wanted
    elif wanted is False:
        writing.losses.dropped("parallel_tools", "the target cannot be kept from calling several tools at once")


def _tool(tool: Tool, writing: Writing) -> dict[str, Any]:
    function: dict[str, Any] = {"name": writing.tool_name(tool.name)}
    if tool.description is not None:
        function["description"] = tool.description
    schema: Mapping[str, Any] = _NO_ARGUMENTS if not tool.schema else tool.schema
    if tool.strict is True:
        strict = for_openai_strict(schema) if writing.flavour.strict and not writing.flavour.mistral else None
        if strict is not None or (writing.flavour.mistral and writing.flavour.strict):
            function["strict"] = True
            schema = strict or schema
        else:
            writing.losses.dropped("tools.strict", "the target does not hold calls to this schema strictly")
    function["parameters"] = schema
    written: dict[str, Any] = {"type": "function", "function": function}
    if tool.cache is not None and writing.flavour.cache_marks:
        written["cache_control"] = {"type": "ephemeral"}
    return written


# -- choice ----------------------------------------------------------------------------------------------------------------------------


_BY_WORDS: Any = object()


def _chosen(writing: Writing) -> tuple[tuple[Tool, ...], Any]:
    """
    The tools to offer, and the choice as it is written; `None`: leave it open; `_BY_WORDS`: one must be called, and words must say so.
    """
    tools, choice, takes = writing.request.tools, writing.request.tool_choice, writing.flavour.choices
    if not tools or choice is None:
        return tools, None
    if choice.mode == "auto":
        return tools, "auto"
    if choice.mode == "none":
        if "none" in takes:
            return tools, "none"
        writing.losses.emulated("tool_choice", "the target cannot be told to call no tool; it is offered none")
        return (), None
    if writing.target.traits.forced_tools is False:
        writing.losses.impossible("tool_choice", _UNFORCED)
        return tools, None
    if choice.mode == "required" and not choice.names:
        if "required" in takes:
            return tools, writing.flavour.required
        if not takes:  # no tools at all, which is noted as that
            return tools, None
        writing.losses.emulated("tool_choice", _ASKED_TO_CALL)
        return tools, _BY_WORDS
    return _among(tools, choice, writing)


def _among(tools: tuple[Tool, ...], choice: ToolChoice, writing: Writing) -> tuple[tuple[Tool, ...], Any]:
    """
    One of certain tools must be called.
    """
    takes = writing.flavour.choices
    offered = tuple(tool for tool in tools if tool.name in choice.names)
    if len(choice.names) == 1 and "named" in takes:
        return tools, {"type": "function", "function": {"name": writing.tool_name(choice.names[0])}}
    if writing.flavour.subsets and len(choice.names) > 1:
        named = [{"type": "function", "function": {"name": writing.tool_name(name)}} for name in choice.names]
        return tools, {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": named}}
    if "required" in takes and offered:
        writing.losses.emulated("tool_choice", "the target is offered only the tools it must choose from")
        return offered, writing.flavour.required
    if takes and offered:
        writing.losses.emulated("tool_choice", _ASKED_TO_CALL)
        return offered, _BY_WORDS
    writing.losses.impossible("tool_choice", "the tool that shall be called is not among those offered")
    return tools, None


def _forced(name: str, others: bool, writing: Writing) -> Any:
    if others or "named" not in writing.flavour.choices:
        return writing.flavour.required
    return {"type": "function", "function": {"name": name}}


# -- output ----------------------------------------------------------------------------------------------------------------------------


def _output(body: dict[str, Any], choice: Any, tools: bool, writing: Writing) -> tuple[str | None, dict[str, Any] | None]:
    """
    Write the output format; an instruction or a tool where one stands for it.
    """
    output = writing.request.output
    if output is None:
        return None, None
    traits, flavour, losses = writing.target.traits, writing.flavour, writing.losses
    if output.schema is None:
        body["response_format"] = {"type": "json_object"}
        if _says_json(writing):
            return None, None
        losses.emulated("output.json_object", _JSON_WORD)
        return output_instruction(output), None
    if flavour.schema and traits.json_schema is not False:
        body["response_format"] = {"type": "json_schema", "json_schema": _schema(output, writing)}
        return None, None
    forcing = "required" in flavour.choices or (not tools and "named" in flavour.choices)
    unbound = choice in (None, "auto", "none")  # a choice of the client's own means that this turn is no final answer
    if forcing and unbound and traits.tools is not False and traits.forced_tools is not False:
        losses.emulated("output.schema", "the target takes no schema for its output; it answers by a tool that has it")
        name = fit_name(_ANSWER, writing.taken)
        writing.sent.unwrap_tool = name
        function = {"name": name, "description": output.description or _ANSWER_DESCRIPTION, "parameters": output.schema}
        return None, {"type": "function", "function": function}
    losses.emulated("output.schema", "the target takes no schema for its output; it stands in the system text as an instruction")
    body["response_format"] = {"type": "json_object"}
    return output_instruction(output), None


def _schema(output: OutputFormat, writing: Writing) -> dict[str, Any]:
    written: dict[str, Any] = {"name": fit_name(output.name or "answer", ())}
    if output.description is not None:
        written["description"] = output.description
    assert output.schema is not None
    schema, strict = dict(output.schema), output.strict
    if writing.flavour.strict and not writing.flavour.mistral:
        held = for_openai_strict(output.schema, require_all=strict is True) if strict is not False else None
        if strict is True and held is None:
            writing.losses.dropped("output.strict", "the target cannot hold its output to this schema strictly")
            strict = None
        elif held is not None and held == schema:
            strict = True  # what the other dialects mean by a schema, at no price
        elif strict is True and held is not None:
            writing.losses.changed("output.schema", "the target's strict form of the schema requires every property")
            schema = held
    written["schema"] = schema
    if strict is not None:
        written["strict"] = strict
    return written


def _says_json(writing: Writing) -> bool:
    """
    Whether the conversation speaks of JSON, which OpenAI and others demand in JSON mode.
    """
    return any(
        isinstance(part, Text) and ("json" in part.text or "JSON" in part.text) for turn in writing.request.turns for part in turn.parts
    )
