"""
A client's request to `/v1/messages` into the neutral form.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast, get_args

from excise.errors import BadRequest
from excise.wire.dialect import Envelope
from excise.wire.dialects.anthropic_messages.blocks import Misread, cache_of, maybe_text, object_of, read_content, text_of
from excise.wire.neutral import Effort, Extra, Json, Opaque, OutputFormat, ReasoningAsk, Request, Role, Sampling, Tool, ToolChoice, Turn

_STATE = "it continues or keeps state at the provider, which no other provider has"
_SERVER = "it has the provider itself do something no other provider does alike"
_HERE = "only this provider knows it; the answer is the same without"
_LATER = "this provider's later invention; no other provider is known to have it"

# Fields the neutral form has no word for: whether leaving them out changes the outcome, and why.
_EXTRAS: dict[str, tuple[bool, str]] = {
    "container": (True, _STATE),
    "thread": (True, _STATE),
    "compaction": (True, _SERVER),
    "mcp_servers": (True, _SERVER),
    "inference_geo": (True, "where an answer is made is promised by this provider only"),
    "context_management": (False, _HERE),
    "diagnostics": (False, _HERE),
    "fallbacks": (False, _HERE),
    "fallback_credit_token": (False, _HERE),
    "billing_policy": (False, _HERE),
    "user_profile_id": (False, _HERE),
    "workspace_id": (False, _HERE),
}
# fmt: off
_READ = frozenset({
    "anthropic_beta", "anthropic_version", "betas", "cache_control", "max_tokens", "messages", "metadata", "model", "output_config",
    "output_format", "service_tier", "speed", "stop_sequences", "stream", "system", "temperature", "thinking", "tool_choice", "tools",
    "top_k", "top_p",
})
# fmt: on
_TOOL_FIELDS = frozenset({"type", "name", "description", "input_schema", "strict", "cache_control", "eager_input_streaming"})
_EFFORTS = frozenset(get_args(Effort.__value__))


def decode_request(name: str, body: Json, envelope: Envelope) -> Request:
    """
    Args:
        name: Of the dialect, as the request shall carry it.
        body: As parsed. `model` and `stream` may stand in the path instead (Vertex).

    Raises:
        BadRequest: Something in it cannot be read; the text names the place and no value.
    """
    if type(body) is not dict:
        raise BadRequest("the body has to be a JSON object")
    try:
        return _decoded(name, body, envelope)
    except Misread as fault:
        raise BadRequest(f"{fault.at.lstrip('.')}: {fault.what}") from None


def _decoded(name: str, body: dict[str, Any], envelope: Envelope) -> Request:
    extras = _extras(body)
    tools = _tools(body, extras)
    choice, parallel = _tool_choice(body)
    user, metadata = _metadata(body)
    return Request(
        dialect=name,
        model=maybe_text(body, "model") or envelope.model,
        turns=_turns(body, extras),
        stream=_flag(body, "stream") or envelope.stream,
        tools=tools,
        tool_choice=choice,
        parallel_tools=parallel,
        max_tokens=_max_tokens(body, extras),
        stop=_stop(body),
        output=_output(body),
        reasoning=_reasoning(body, extras),
        sampling=Sampling(temperature=_number(body, "temperature"), top_p=_number(body, "top_p"), top_k=_whole(body, "top_k")),
        user=user,
        metadata=metadata,
        service_tier=_tier(body),
        extras=tuple(extras),
        raw=body,
    )


# -- the conversation ------------------------------------------------------------------------------------------------------------------


def _turns(body: dict[str, Any], extras: list[Extra]) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    system = body.get("system")
    if system:
        try:
            turns.append(Turn("system", read_content(system), raw=system))
        except Misread as fault:
            raise fault.under(".system") from None
    messages = body.get("messages")
    if type(messages) is not list:
        raise Misread(".messages", "has to be a list")
    for index, message in enumerate(messages):
        try:
            turns.append(_turn(message, extras))
        except Misread as fault:
            raise fault.under(f".messages[{index}]") from None
    everywhere = cache_of(body)
    return tuple(_marked_at_end(turns, everywhere) if everywhere is not None else turns)


def _turn(message: Json, extras: list[Extra]) -> Turn:
    if type(message) is not dict:
        raise Misread("", "has to be an object")
    role = message.get("role")
    if role not in ("user", "assistant", "system"):
        raise Misread(".role", "has to be user, assistant or system")
    content = message.get("content")
    if content is None and "output_config" in message:
        content = []
    try:
        parts = read_content(content)
    except Misread as fault:
        raise fault.under(".content") from None
    if len(message) > 2:
        extras += [Extra(f"messages.{field}", False, _LATER) for field in ("output_config", "clear_at") if field in message]
    return Turn(cast(Role, role), parts, raw=message)


def _marked_at_end(turns: list[Turn], cache: str) -> list[Turn]:
    """
    A mark on the whole request stands behind the last part that can be cached.
    """
    if turns and turns[-1].parts:
        *before, last = turns[-1].parts
        if last.cache is None and not isinstance(last, Opaque):
            marked = replace(last, cache=cast(Any, cache))
            return [*turns[:-1], replace(turns[-1], parts=(*before, marked))]
    return turns


# -- tools -----------------------------------------------------------------------------------------------------------------------------


def _tools(body: dict[str, Any], extras: list[Extra]) -> tuple[Tool, ...]:
    given = body.get("tools")
    if given is None:
        return ()
    if type(given) is not list:
        raise Misread(".tools", "has to be a list")
    tools = []
    for index, tool in enumerate(given):
        try:
            read = _tool(tool, extras)
        except Misread as fault:
            raise fault.under(f".tools[{index}]") from None
        if read is not None:
            tools.append(read)
    return tuple(tools)


def _tool(tool: Json, extras: list[Extra]) -> Tool | None:
    if type(tool) is not dict:
        raise Misread("", "has to be an object")
    if tool.get("type") not in (None, "custom"):
        _note(extras, Extra("tools.server", True, "a tool that only this provider's models know, or that the provider runs itself"))
        return None
    if not _TOOL_FIELDS.issuperset(tool):
        _note(extras, Extra("tools.options", False, "options of a tool that only this provider knows"))
    schema = tool.get("input_schema")
    if schema is not None and type(schema) is not dict:
        raise Misread(".input_schema", "has to be an object")
    return Tool(
        name=text_of(tool, "name"),
        description=maybe_text(tool, "description"),
        schema=schema,
        strict=_flag(tool, "strict"),
        cache=cache_of(tool),
        raw=tool,
    )


def _tool_choice(body: dict[str, Any]) -> tuple[ToolChoice | None, bool | None]:
    if body.get("tool_choice") is None:
        return None, None
    choice = object_of(body, "tool_choice")
    try:
        serial = _flag(choice, "disable_parallel_tool_use")
        parallel = None if serial is None else not serial
        match choice.get("type"):
            case "auto":
                return ToolChoice("auto"), parallel
            case "any":
                return ToolChoice("required"), parallel
            case "none":
                return ToolChoice("none"), parallel
            case "tool":
                return ToolChoice("named", (text_of(choice, "name"),)), parallel
            case _:
                raise Misread(".type", "has to be auto, any, tool or none")
    except Misread as fault:
        raise fault.under(".tool_choice") from None


# -- how to answer ---------------------------------------------------------------------------------------------------------------------


def _max_tokens(body: dict[str, Any], extras: list[Extra]) -> int | None:
    tokens = _whole(body, "max_tokens")
    if tokens == 0:
        extras.append(Extra("max_tokens", True, "no tokens at all: it fills this provider's cache and has no answer"))
    return tokens


def _stop(body: dict[str, Any]) -> tuple[str, ...]:
    stop = body.get("stop_sequences")
    if stop is None:
        return ()
    if type(stop) is not list or not all(type(sequence) is str for sequence in stop):
        raise Misread(".stop_sequences", "has to be a list of texts")
    return tuple(stop)


def _output(body: dict[str, Any]) -> OutputFormat | None:
    place, given = ".output_format", body.get("output_format")
    if given is None and body.get("output_config") is not None:
        place, given = ".output_config.format", object_of(body, "output_config").get("format")
    if given is None:
        return None
    if type(given) is not dict or given.get("type") != "json_schema" or type(given.get("schema")) is not dict:
        raise Misread(place, "has to be of type json_schema and to hold a schema")
    return OutputFormat(schema=given["schema"], strict=True)  # this provider keeps to a schema always


def _reasoning(body: dict[str, Any], extras: list[Extra]) -> ReasoningAsk | None:
    effort = _effort(body, extras)
    if body.get("thinking") is None:
        return ReasoningAsk(effort=effort) if effort is not None else None
    thinking = object_of(body, "thinking")
    visible = {"summarized": True, "updates": True, "omitted": False}.get(cast(str, _word(thinking, "display")))
    match thinking.get("type"):
        case "enabled":
            try:
                budget = _whole(thinking, "budget_tokens")
            except Misread as fault:
                raise fault.under(".thinking") from None
            return ReasoningAsk(effort=effort, budget_tokens=budget, adaptive=True if budget is None else None, visible=visible)
        case "disabled":
            if effort is not None:
                extras.append(Extra("output_config.effort", False, "without thinking, only this provider's models know how hard to try"))
            return ReasoningAsk(effort="none")
        case "adaptive":
            return ReasoningAsk(effort=effort, adaptive=True, visible=visible)
        case str() as kind:
            extras.append(Extra("thinking.between_tools" if kind == "between_tools" else "thinking", False, _LATER))
            return ReasoningAsk(effort=effort, adaptive=True, visible=visible)
        case _:
            raise Misread(".thinking.type", "has to be text")


def _effort(body: dict[str, Any], extras: list[Extra]) -> Effort | None:
    if body.get("output_config") is None:
        return None
    config = object_of(body, "output_config")
    if "task_budget" in config:
        extras.append(Extra("output_config.task_budget", False, _HERE))
    effort = _word(config, "effort")
    if effort is None or effort in _EFFORTS:
        return cast(Effort | None, effort)
    extras.append(Extra("output_config.effort", False, _LATER))
    return None


def _metadata(body: dict[str, Any]) -> tuple[str | None, dict[str, Any] | None]:
    if body.get("metadata") is None:
        return None, None
    metadata = object_of(body, "metadata")
    try:
        user = maybe_text(metadata, "user_id")
    except Misread as fault:
        raise fault.under(".metadata") from None
    return user, {key: value for key, value in metadata.items() if key != "user_id"} or None


def _tier(body: dict[str, Any]) -> str | None:
    """
    In the words other dialects have: `standard_only` is their `default`, and a fast answer is a tier of its own.
    """
    if maybe_text(body, "speed") == "fast":
        return "fast"
    tier = maybe_text(body, "service_tier")
    return "default" if tier == "standard_only" else tier


def _extras(body: dict[str, Any]) -> list[Extra]:
    if _READ.issuperset(body):
        return []
    found: list[Extra] = []
    for key, value in body.items():
        if key in _READ or value is None:
            continue
        vital, why = _EXTRAS.get(key, (False, "nobody knows this field"))
        if key == "inference_geo" and value == "global":
            vital = False
        # The name of a field that nobody knows is the client's own text.
        _note(found, Extra(key if key in _EXTRAS else "unknown field", vital, why))
    return found


def _note(extras: list[Extra], extra: Extra) -> None:
    if extra not in extras:
        extras.append(extra)


# -- numbers and flags -----------------------------------------------------------------------------------------------------------------


def _number(body: dict[str, Any], name: str) -> float | None:
    value = body.get(name)
    if value is not None and type(value) is not int and type(value) is not float:
        raise Misread(f".{name}", "has to be a number")
    return value


def _whole(body: dict[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is not None and (type(value) is not int or value < 0):
        raise Misread(f".{name}", "has to be a whole number, 0 or more")
    return value


def _flag(body: dict[str, Any], name: str) -> bool | None:
    value = body.get(name)
    if value is not None and type(value) is not bool:
        raise Misread(f".{name}", "has to be true or false")
    return value


def _word(body: dict[str, Any], name: str) -> str | None:
    """
    A word of a list that may grow: anything else says nothing.
    """
    value = body.get(name)
    return value if type(value) is str else None
