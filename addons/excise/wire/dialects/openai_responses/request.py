"""
A client's request in OpenAI's Responses form, in neutral words.

Source: OpenAI SDK 3.54 types `response_create_params` and `tool_param`; recorded traffic; read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from excise.errors import BadRequest
from excise.wire.dialect import Envelope
from excise.wire.dialects.given import fields, flag, listed, number, text, whole, wrong
from excise.wire.dialects.openai_responses.items import FREE_TEXT, NAME, SERVER, read_turns
from excise.wire.neutral import Effort, Extra, Json, OutputFormat, ReasoningAsk, Request, Sampling, Tool, ToolChoice

PROOFS = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"

_STATE = "the conversation is stored at the provider; send its items in `input` instead"
_HOSTED = "the tool is run by the provider; another one has no such tool"
_UNKNOWN = "a field of the Responses API without an equal elsewhere"

# What makes the outcome another one if it is left out.
_VITAL: dict[str, str] = {
    "previous_response_id": _STATE,
    "conversation": _STATE,
    "prompt": "the prompt is stored at the provider; send its text instead",
    "background": "answers made in the background are stored at the provider; ask without `background`",
    "moderation": "the provider's own moderation is asked for, and may block",
    "generate": "only the provider can prepare a conversation without an answer",
}
_MINOR: dict[str, str] = {
    "store": "nothing is stored at the target; continue by sending the items again",
    "truncation": "the target does not shorten a conversation that is too long",
    "max_tool_calls": "it limits the provider's own tools only",
    "context_management": "the target does not compact a conversation by itself",
    "prompt_cache_retention": "the target has its own rules for its prompt cache",
    "prompt_cache_options": "the target has its own rules for its prompt cache",
    "stream_options": "the target's streams have no padding",
    "include": "further data of the provider's own tools",
}
_HARMLESS: dict[str, Any] = {"background": False, "store": False, "truncation": "disabled", "generate": True}

# Carried by the neutral form, or read beside it.
# fmt: off
_CARRIED = frozenset((
    "model", "input", "instructions", "stream", "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens", "text", "reasoning",
    "temperature", "top_p", "top_logprobs", "user", "safety_identifier", "metadata", "service_tier", "prompt_cache_key",
))
# fmt: on
_EFFORTS = frozenset(get_args(Effort.__value__))
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}")  # a field's name may be said in a loss; anything else might be content


def decode_request(body: Any, envelope: Envelope) -> Request:
    """
    A request for a response.

    A tool that takes free text (`custom`) is offered as a function with one text argument, and the answer's calls are turned back. Allowed
    tools with mode "auto" are the only tools there are.

    Raises:
        BadRequest: It cannot be read; the text names the place.
    """
    if type(body) is not dict:
        raise BadRequest("the body is not an object")
    if body.get("input") is None and not any(body.get(field) for field in ("prompt", "previous_response_id", "conversation")):
        raise wrong(("input",), "is missing")
    extras: dict[str, Extra] = {}
    settings = read_settings(body, extras)
    _further_fields(body, extras)
    return Request(
        dialect=NAME,
        model=text(body.get("model"), "model") or envelope.model,
        turns=read_turns(body),
        stream=flag(body.get("stream"), "stream") or envelope.stream,
        extras=tuple(extras.values()),
        raw=body,
        **settings,
    )


def read_settings(body: Mapping[str, Any], extras: dict[str, Extra]) -> dict[str, Any]:
    """
    All of a request that is neither conversation nor model, as arguments of `Request`; what has no neutral word goes into `extras`.
    """
    tools = read_tools(body, extras)
    choice, allowed = _tool_choice(body.get("tool_choice"), extras)
    if allowed is not None:
        tools = tuple(tool for tool in tools if tool.name in allowed)
    format_ = fields(body.get("text"), "text")
    user = text(body.get("safety_identifier"), "safety_identifier") or text(body.get("user"), "user")
    return {
        "tools": tools,
        "tool_choice": choice,
        "parallel_tools": flag(body.get("parallel_tool_calls"), "parallel_tool_calls"),
        "max_tokens": whole(body.get("max_output_tokens"), "max_output_tokens"),
        "output": _output(format_.get("format"), extras),
        "verbosity": text(format_.get("verbosity"), "text", "verbosity"),
        "reasoning": _reasoning(body.get("reasoning"), extras),
        "sampling": Sampling(temperature=number(body.get("temperature"), "temperature"), top_p=number(body.get("top_p"), "top_p")),
        "logprobs": _logprobs(body),
        "user": user,
        "metadata": fields(body.get("metadata"), "metadata") or None,
        "service_tier": text(body.get("service_tier"), "service_tier"),
        "cache_key": text(body.get("prompt_cache_key"), "prompt_cache_key"),
    }


# -- tools -----------------------------------------------------------------------------------------------------------------------------


def read_tools(body: Mapping[str, Any], extras: dict[str, Extra]) -> tuple[Tool, ...]:
    """
    The client's functions. Tools the provider runs are no tools in neutral words, but an `Extra`.
    """
    tools: list[Tool] = []
    for index, tool in enumerate(listed(body.get("tools"), "tools")):
        if type(tool) is not dict:
            raise wrong(("tools", index), "is not an object")
        kind = text(tool.get("type"), "tools", index, "type") or "function"
        if kind == "function":
            tools.append(_function(tool, index))
        elif kind == "custom":
            tools.append(_free_text_tool(tool, index))
            extras["tools.custom"] = Extra(
                "tools.custom", False, "a tool that takes free text is offered as a function with one text argument"
            )
        else:
            extras[SERVER] = Extra(SERVER, True, _HOSTED)
    return tuple(tools)


def _function(tool: dict[str, Any], index: int) -> Tool:
    place = ("tools", index)
    nested = tool.get("function")  # as Chat Completions has it
    source = nested if type(nested) is dict and "parameters" not in tool else tool
    name = text(source.get("name"), *place, "name") or text(tool.get("name"), *place, "name")
    if not name:
        raise wrong((*place, "name"), "is missing")
    schema = source.get("parameters")
    if schema is not None and type(schema) is not dict:
        raise wrong((*place, "parameters"), "is not an object")
    return Tool(
        name=name,
        description=text(source.get("description"), *place, "description"),
        schema=schema,
        strict=flag(source.get("strict"), *place, "strict"),
        raw=tool,
    )


def _free_text_tool(tool: dict[str, Any], index: int) -> Tool:
    place = ("tools", index)
    name = text(tool.get("name"), *place, "name")
    if not name:
        raise wrong((*place, "name"), "is missing")
    about = text(tool.get("description"), *place, "description") or ""
    form = fields(tool.get("format"), *place, "format")
    definition = form.get("definition")
    if type(definition) is str and definition:
        syntax = "regular expression" if form.get("syntax") == "regex" else "Lark grammar"
        about = f"{about}\n\nThe argument `{FREE_TEXT}` must match this {syntax}:\n{definition}".lstrip()
    schema = {
        "type": "object",
        "properties": {FREE_TEXT: {"type": "string", "description": "The tool's whole input, as plain text."}},
        "required": [FREE_TEXT],
        "additionalProperties": False,
    }
    return Tool(name=name, description=about or None, schema=schema, raw=tool)


def free_text_tools(request: Request) -> frozenset[str]:
    """
    Names of a request's tools that take free text.
    """
    return frozenset(tool.name for tool in request.tools if type(tool.raw) is dict and tool.raw.get("type") == "custom")


def _tool_choice(given: Any, extras: dict[str, Extra]) -> tuple[ToolChoice | None, frozenset[str] | None]:
    """
    The choice, and the names of the only tools that may be called while the model is free to call none.
    """
    if given is None:
        return None, None
    if given in ("auto", "none", "required"):
        return ToolChoice(given), None
    if type(given) is not dict:
        raise wrong(("tool_choice",), "is none of auto, none, required, nor an object")
    kind = given.get("type")
    if kind in ("function", "custom"):
        nested = given.get("function")
        name = text(given.get("name"), "tool_choice", "name") or (
            text(nested.get("name"), "tool_choice", "function", "name") if type(nested) is dict else None
        )
        if not name:
            raise wrong(("tool_choice", "name"), "is missing")
        return ToolChoice("named", (name,)), None
    if kind == "allowed_tools":
        tools = listed(given.get("tools"), "tool_choice", "tools")
        names = tuple(name for tool in tools if type(tool) is dict and type(name := tool.get("name")) is str)
        if given.get("mode") == "required":
            return ToolChoice("required", names), None
        return ToolChoice("auto"), frozenset(names)
    extras["tool_choice"] = Extra("tool_choice", True, _HOSTED)
    return None, None


# -- output and reasoning --------------------------------------------------------------------------------------------------------------


def _output(given: Any, extras: dict[str, Extra]) -> OutputFormat | None:
    place = ("text", "format")
    form = fields(given, *place)
    kind = text(form.get("type"), *place, "type")
    if kind is None or kind == "text":
        return None
    if kind == "json_object":
        return OutputFormat()
    if kind != "json_schema":
        extras["text.format"] = Extra("text.format", True, "a form of output that only its provider knows")
        return None
    nested = form.get("json_schema")  # as Chat Completions has it
    source = nested if type(nested) is dict and "schema" not in form else form
    schema = source.get("schema")
    if type(schema) is not dict:
        raise wrong((*place, "schema"), "is not an object")
    return OutputFormat(
        schema=schema,
        name=text(source.get("name"), *place, "name"),
        description=text(source.get("description"), *place, "description"),
        strict=flag(source.get("strict"), *place, "strict"),
    )


def _reasoning(given: Any, extras: dict[str, Extra]) -> ReasoningAsk | None:
    ask = fields(given, "reasoning")
    if not ask:
        return None
    effort: Any = text(ask.get("effort"), "reasoning", "effort")
    if effort is not None and effort not in _EFFORTS:
        extras["reasoning.effort"] = Extra("reasoning.effort", False, "a level of effort that only its provider knows")
        effort = None
    budget = whole(ask.get("max_tokens"), "reasoning", "max_tokens")  # OpenRouter
    visible = True if ask.get("summary") is not None or ask.get("generate_summary") is not None else None
    for field in ("context", "mode"):
        if ask.get(field) not in (None, "auto", "standard"):
            name = f"reasoning.{field}"
            extras[name] = Extra(name, False, _UNKNOWN)
    if effort is None and budget is None and visible is None:
        return None
    return ReasoningAsk(effort=effort, budget_tokens=budget, visible=visible)


def _logprobs(body: Mapping[str, Any]) -> int | None:
    most = whole(body.get("top_logprobs"), "top_logprobs")
    asked = LOGPROBS in listed(body.get("include"), "include")
    return (most or 0) if asked or most else None


# -- what the neutral form has no word for ---------------------------------------------------------------------------------------------


def _further_fields(body: Mapping[str, Json], extras: dict[str, Extra]) -> None:
    for field, value in body.items():
        if value is None or field in _CARRIED or (field in _HARMLESS and value == _HARMLESS[field]):
            continue
        if field == "include" and not (type(value) is list and any(name not in (PROOFS, LOGPROBS) for name in value)):
            continue
        if field == "stream_options" and value == {"include_obfuscation": False}:
            continue
        if field in _VITAL:
            extras[field] = Extra(field, True, _VITAL[field])
            continue
        name = field if _FIELD.fullmatch(field) else "unknown"
        extras[name] = Extra(name, False, _MINOR.get(field, _UNKNOWN))
