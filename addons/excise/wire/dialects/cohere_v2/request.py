"""
Requests of Cohere's chat API, version 2.

Source: Cohere's API reference "Chat", its Python SDK's v2 types, its pages on tool use and structured outputs, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from excise.errors import BadRequest
from excise.wire.dialect import Encoded, Envelope, Sent, Target
from excise.wire.dialects.foreign import (
    document_text,
    leave_out,
    most_tokens,
    output_instruction,
    own_words,
    result_text,
    system_in_words,
    with_instruction,
)
from excise.wire.dialects.given import Place, fields, flag, listed, number, text, texts, whole, wrong
from excise.wire.distinct import Distinct
from excise.wire.effort import budget_for
from excise.wire.json_schema import inlined, without
from excise.wire.json_text import json_text
from excise.wire.loss import Losses
from excise.wire.neutral import (
    Audio,
    Blob,
    Document,
    Extra,
    FileId,
    Image,
    Json,
    Link,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
    ReasoningAsk,
    Refusal,
    Request,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
    Video,
)
from excise.wire.repair import Shape, arrange
from excise.wire.sequence import arguments_text, read_arguments
from excise.wire.tool_ids import WORD

NAME = "cohere-v2"

_SHAPE = Shape(merge=True, results_first=True, ids=WORD, empty_text=False, result_media="hoist")

_MOST_STOPS = 5
_MOST_K = 500
_LEAST_P, _MOST_P = 0.01, 0.99

# -- decoding --------------------------------------------------------------------------------------------------------------------------

_KNOWN_NAMES = """
    model messages stream tools strict_tools tool_choice documents citation_options response_format safety_mode max_tokens
    stop_sequences temperature seed frequency_penalty presence_penalty k p logprobs thinking priority raw_prompting
"""
_KNOWN = frozenset(_KNOWN_NAMES.split())

_EXTRAS = {
    "documents": Extra("documents", True, "only Cohere cites from documents beside the messages; put their text into a message"),
    "citation_options": Extra("citation_options", False, "how to cite is said to Cohere alone"),
    "safety_mode": Extra("safety_mode", False, "the safety instruction is Cohere's own"),
    "priority": Extra("priority", False, "only Cohere orders its requests by priority"),
    "raw_prompting": Extra("raw_prompting", True, "a prompt that holds the model's own control tokens means nothing to another model"),
}
_UNKNOWN = Extra("unknown", False, "a field of the request is not known, so it cannot be translated")

_CHOICES: dict[str, Literal["required", "none"]] = {"REQUIRED": "required", "NONE": "none"}


def decode_request(body: Any, envelope: Envelope) -> Request:
    """
    A client's request in neutral form.

    Raises:
        BadRequest: A field is of the wrong type, or a message cannot be read.
    """
    if type(body) is not dict:
        raise BadRequest("the body must be a JSON object")
    messages = body.get("messages")
    if type(messages) is not list:
        raise wrong(("messages",), "is not a list")
    get = body.get
    return Request(
        dialect=NAME,
        model=text(get("model"), "model"),
        turns=tuple([_turn(message, ("messages", index)) for index, message in enumerate(messages)]),
        stream=envelope.stream or get("stream") is True,
        tools=_tools(get("tools"), flag(get("strict_tools"), "strict_tools")),
        tool_choice=_tool_choice(get("tool_choice")),
        max_tokens=whole(get("max_tokens"), "max_tokens"),
        stop=texts(get("stop_sequences"), "stop_sequences"),
        output=_output(fields(get("response_format"), "response_format")),
        reasoning=_reasoning(fields(get("thinking"), "thinking")),
        sampling=Sampling(
            temperature=number(get("temperature"), "temperature"),
            top_p=number(get("p"), "p"),
            top_k=whole(get("k"), "k"),
            seed=whole(get("seed"), "seed"),
            frequency_penalty=number(get("frequency_penalty"), "frequency_penalty"),
            presence_penalty=number(get("presence_penalty"), "presence_penalty"),
        ),
        logprobs=0 if flag(get("logprobs"), "logprobs") else None,
        extras=_extras(body),
        raw=body,
    )


def _extras(body: Mapping[str, Json]) -> tuple[Extra, ...]:
    found = [extra for name, extra in _EXTRAS.items() if body.get(name)]
    if any(name not in _KNOWN and value is not None for name, value in body.items()):
        found.append(_UNKNOWN)
    return tuple(found)


def _turn(message: Any, place: Place) -> Turn:
    if type(message) is not dict:
        raise wrong(place, "is not an object")
    role = message.get("role")
    content = (*place, "content")
    if role == "user":
        return Turn("user", _parts(message.get("content"), content), raw=message)
    if role == "assistant":
        return Turn("assistant", _assistant(message, place), raw=message)
    if role == "system":
        return Turn("system", _parts(message.get("content"), content), raw=message)
    if role == "tool":
        id_ = text(message.get("tool_call_id"), *place, "tool_call_id")
        if not id_:
            raise wrong((*place, "tool_call_id"), "is missing")
        return Turn("user", (ToolResult(call_id=id_, parts=_parts(message.get("content"), content), raw=message),), raw=message)
    raise wrong((*place, "role"), "is not one of user, assistant, system, tool")


def _assistant(message: dict[str, Any], place: Place) -> tuple[Part, ...]:
    parts: list[Part] = [*_parts(message.get("content"), (*place, "content"))]
    if plan := text(message.get("tool_plan"), *place, "tool_plan"):
        parts.append(Text(text=plan))
    for index, call in enumerate(listed(message.get("tool_calls"), *place, "tool_calls")):
        at = (*place, "tool_calls", index)
        id_ = text(fields(call, *at).get("id"), *at, "id")
        function = fields(call.get("function") if call else None, *at, "function")
        name = text(function.get("name"), *at, "function", "name")
        if not id_ or not name:
            raise wrong(at, "has no id or no name")
        parts.append(_call(id_, name, function.get("arguments"), (*at, "function", "arguments"), call))
    return tuple(parts)


def _call(id_: str, name: str, given: Any, place: Place, raw: Json) -> ToolCall:
    if type(given) is dict:
        return ToolCall(id=id_, name=name, arguments=given, raw=raw)
    arguments, kept = read_arguments(text(given, *place) or "")
    return ToolCall(id=id_, name=name, arguments=arguments, text=kept, raw=raw)


def _parts(content: Any, place: Place) -> tuple[Part, ...]:
    if type(content) is str:
        return (Text(text=content),) if content else ()
    return tuple([_part(part, (*place, index)) for index, part in enumerate(listed(content, *place))])


def _part(part: Any, place: Place) -> Part:
    kind = fields(part, *place).get("type")
    if kind == "text":
        return Text(text=text(part.get("text"), *place, "text") or "", raw=part)
    if kind == "image_url":
        given = part.get("image_url")
        image = {"url": given} if type(given) is str else fields(given, *place, "image_url")
        url = text(image.get("url"), *place, "image_url", "url") or ""
        detail = text(image.get("detail"), *place, "image_url", "detail")
        return Image(source=_source(url, (*place, "image_url", "url")), detail=detail, raw=part)
    if kind == "thinking":
        return Reasoning(text=text(part.get("thinking"), *place, "thinking") or "", raw=part)
    if kind == "document":
        return Text(text=_document(part.get("document")), raw=part)
    return Opaque(kind="content", raw=part)


def _source(url: str, place: Place) -> Blob | Link:
    if not url.startswith("data:"):
        return Link(url)
    head, comma, data = url[5:].partition(",")
    media_type, *parameters = head.split(";")
    if not comma or "base64" not in parameters:
        raise wrong(place, "is no data URL in base64")
    return Blob(media_type.strip().lower(), data)


def _document(given: Any) -> str:
    """
    A document of a tool's result as text. Its one text, or all it says as JSON, which is how the model sees it.
    """
    data = given.get("data", given) if type(given) is dict else given
    if type(data) is str:
        return data
    if type(data) is dict and len(data) == 1 and type(only := next(iter(data.values()))) is str:
        return only
    return json_text(data)


def _tools(given: Any, strict: bool | None) -> tuple[Tool, ...]:
    tools = []
    for index, tool in enumerate(listed(given, "tools")):
        place: Place = ("tools", index, "function")
        function = fields(fields(tool, "tools", index).get("function") if tool else None, *place)
        name = text(function.get("name"), *place, "name")
        if not name:
            raise wrong((*place, "name"), "is missing")
        schema = function.get("parameters")
        tools.append(
            Tool(
                name=name,
                description=text(function.get("description"), *place, "description"),
                schema=None if schema is None else fields(schema, *place, "parameters"),
                strict=strict,
                raw=tool,
            )
        )
    return tuple(tools)


def _tool_choice(given: Any) -> ToolChoice | None:
    choice = text(given, "tool_choice")
    if choice is None:
        return None
    if choice not in _CHOICES:
        raise wrong(("tool_choice",), "is neither REQUIRED nor NONE")
    return ToolChoice(_CHOICES[choice])


def _output(given: dict[str, Any]) -> OutputFormat | None:
    kind = text(given.get("type"), "response_format", "type")
    if kind in (None, "text"):
        return None
    if kind != "json_object":
        raise wrong(("response_format", "type"), "is neither text nor json_object")
    for name in ("json_schema", "schema"):  # the same under its newer and its older name
        if given.get(name) is not None:
            return OutputFormat(schema=fields(given[name], "response_format", name))
    return OutputFormat()


def _reasoning(given: dict[str, Any]) -> ReasoningAsk | None:
    kind = text(given.get("type"), "thinking", "type")
    budget = whole(given.get("token_budget"), "thinking", "token_budget")
    if kind == "disabled":
        return ReasoningAsk(effort="none")
    if kind is None and budget is None:
        return None
    return ReasoningAsk(budget_tokens=budget) if budget is not None and budget > 0 else ReasoningAsk(adaptive=True)


# -- encoding --------------------------------------------------------------------------------------------------------------------------


def encode_request(request: Request, target: Target) -> Encoded:
    """
    A request in Cohere's words; one that came in them goes back as it came, but for what was changed since.
    """
    losses, sent = Losses(), Sent(target)
    if request.dialect == NAME:
        return Encoded(_as_it_came(request, target), (), sent)
    leave_out(request, losses)
    names = _fitted_names(request, sent, losses)
    arranged = arrange(request, _SHAPE, losses, keeps=lambda thought: thought.origin == target.origin)
    turns = system_in_words(arranged.turns, losses)
    settings = _settings(request, target, names, sent, losses)
    if request.output is not None and "response_format" not in settings and sent.unwrap_tool is None:
        turns = with_instruction(turns, output_instruction(request.output))
    if turns and turns[-1].role == "assistant":
        if target.traits.prefill is False:
            losses.impossible("prefill", "the target's model does not continue a turn of the assistant")
        elif target.traits.prefill is None:
            losses.changed("prefill", "Cohere answers behind the assistant's last turn and does not continue it")
    body = {"model": target.model, "messages": _messages(turns, names, target, losses), **settings, "stream": request.stream}
    return Encoded(body, losses.all(), sent)


def _as_it_came(request: Request, target: Target) -> dict[str, Json]:
    raw: dict[str, Json] = request.raw if type(request.raw) is dict else {}
    came = decode_request({**raw, "messages": []}, Envelope())
    names: dict[str, str] = {}
    before = _settings(came, target, names, Sent(target), Losses())
    body = own_words(raw, before, _settings(request, target, names, Sent(target), Losses()))
    body["model"] = target.model
    body["messages"] = [
        message
        for turn in request.turns
        for message in ((turn.raw,) if turn.raw is not None else _messages((turn,), names, target, Losses()))
    ]
    if request.stream is not (raw.get("stream") is True):
        body["stream"] = request.stream
    return body


def _fitted_names(request: Request, sent: Sent, losses: Losses) -> dict[str, str]:
    """
    Names of tools which Cohere would not take -> those they get.
    """
    fitted: dict[str, str] = {}
    called = [part.name for turn in request.turns for part in turn.parts if isinstance(part, ToolCall)]
    distinct = Distinct({tool.name for tool in request.tools}.union(called), longest=64, first=1)
    for name in dict.fromkeys([*(tool.name for tool in request.tools), *called]):
        if _TOOL_NAME.fullmatch(name):
            continue
        losses.changed("tools.name", "the target's tools have names of up to 64 letters, digits, - and _")
        new = distinct.take(re.sub(r"[^A-Za-z0-9_-]", "_", name) or "tool")
        fitted[name] = new
        sent.tool_names[new] = name
    return fitted


_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


# -- messages


def _messages(turns: Iterable[Turn], names: Mapping[str, str], target: Target, losses: Losses) -> list[Json]:
    messages: list[Json] = []
    for turn in turns:
        if turn.name is not None:
            losses.dropped("turns.name", "the target's messages carry no names")
        if turn.role == "assistant":
            messages.append(_said(turn, names, losses))
            continue
        messages += [
            {"role": "tool", "tool_call_id": part.call_id, "content": result_text(part, losses)}
            for part in turn.parts
            if isinstance(part, ToolResult)
        ]
        content = [written for part in turn.parts if (written := _content(part, target, losses)) is not None]
        if content:
            messages.append({"role": turn.role, "content": _plain(content)})
    return messages


def _plain(content: list[dict[str, Json]]) -> Json:
    return content[0]["text"] if len(content) == 1 and content[0]["type"] == "text" else content


def _said(turn: Turn, names: Mapping[str, str], losses: Losses) -> dict[str, Json]:
    calls = [part for part in turn.parts if isinstance(part, ToolCall)]
    content: list[dict[str, Json]] = []
    plan: list[str] = []
    for part in turn.parts:
        if isinstance(part, Text | Refusal):
            if isinstance(part, Text) and part.citations:
                losses.dropped("citations", "citations are of their provider's own form")
            if calls:  # what is said before it calls a tool is the plan, to Cohere
                plan.append(part.text)
            else:
                content.append({"type": "text", "text": part.text})
        elif isinstance(part, Reasoning):
            content.append({"type": "thinking", "thinking": part.text})
        elif not isinstance(part, ToolCall):
            losses.impossible(_kind(part), "the target takes no media in turns of the assistant")
    message: dict[str, Json] = {"role": "assistant"}
    if content:
        message["content"] = _plain(content)
    if plan:
        message["tool_plan"] = "".join(plan)
    if calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": names.get(call.name, call.name), "arguments": arguments_text(call)}}
            for call in calls
        ]
    return message


def _content(part: Part, target: Target, losses: Losses) -> dict[str, Json] | None:
    match part:
        case Text(text=said) | Refusal(text=said):
            return {"type": "text", "text": said}
        case Image():
            return _image(part, target, losses)
        case Document():
            said_in = document_text(part, losses)
            return None if said_in is None else {"type": "text", "text": said_in}
        case Audio() | Video():
            losses.impossible(_kind(part), "the target takes neither sound nor film")
    return None


def _kind(part: Part) -> str:
    return type(part).__name__.lower()


def _image(image: Image, target: Target, losses: Losses) -> dict[str, Json] | None:
    if target.traits.vision is False:
        losses.impossible("image", "the target's model does not see pictures")
    match image.source:
        case Blob(media_type=media_type, data=data):
            url = f"data:{media_type};base64,{data}"
        case Link(url=url):
            if not url.startswith(("https://", "http://")):
                losses.impossible("image.url", "the target fetches pictures from https alone; send the picture itself")
        case FileId():
            losses.impossible("file_id", "a file that is stored at one provider means nothing to another; send the picture itself")
            return None
    written: dict[str, Json] = {"url": url}
    if image.detail in ("auto", "low", "high"):
        written["detail"] = image.detail
    elif image.detail is not None:
        losses.changed("image.detail", "the target knows the details auto, low and high; it gets high")
        written["detail"] = "high"
    return {"type": "image_url", "image_url": written}


# -- settings


def _settings(request: Request, target: Target, names: Mapping[str, str], sent: Sent, losses: Losses) -> dict[str, Json]:
    settings: dict[str, Json] = {}
    limit = most_tokens(request, target.traits, losses)
    if limit is not None:
        settings["max_tokens"] = limit
    if request.stop:
        if len(request.stop) > _MOST_STOPS:
            losses.clamped("stop", "the target takes five stop sequences; it gets the first five")
        settings["stop_sequences"] = list(request.stop[:_MOST_STOPS])
    _sampling(request.sampling, target, settings, losses)
    _tool_settings(request, target, names, settings, losses)
    if request.output is not None:
        _output_settings(request.output, request, target, settings, sent, losses)
    if request.logprobs is not None and request.dialect == NAME:
        settings["logprobs"] = True
    budget = budget_for(request.reasoning, limit, losses, least=1, traits=target.traits, dynamic=-1)
    if budget is not None:
        settings["thinking"] = {"type": "enabled", "token_budget": budget} if budget > 0 else {"type": "enabled" if budget else "disabled"}
    return settings


def _sampling(asked: Sampling, target: Target, settings: dict[str, Json], losses: Losses) -> None:
    for name, key, value, least, most in (
        ("temperature", "temperature", asked.temperature, 0, 1),
        ("top_p", "p", asked.top_p, _LEAST_P, _MOST_P),
        ("top_k", "k", asked.top_k, 0, _MOST_K),
        ("frequency_penalty", "frequency_penalty", asked.frequency_penalty, 0, 1),
        ("presence_penalty", "presence_penalty", asked.presence_penalty, 0, 1),
    ):
        if value is None:
            continue
        if target.traits.sampling is False:
            losses.dropped(name, "the target's model does not let itself be told how to sample")
            continue
        if not least <= value <= most:
            losses.clamped(name, "outside the range the target takes; it gets the nearest value inside")
        settings[key] = min(max(value, least), most)
    if asked.seed is not None:
        if asked.seed < 0:
            losses.dropped("seed", "the target's seeds are not negative")
        else:
            settings["seed"] = asked.seed
    if asked.min_p is not None:
        losses.dropped("min_p", "the target does not know it")
    if asked.logit_bias:
        losses.dropped("logit_bias", "the target does not know it, and its tokens are others")


def _tool_settings(request: Request, target: Target, names: Mapping[str, str], settings: dict[str, Json], losses: Losses) -> None:
    tools, choice = request.tools, request.tool_choice
    if not tools:
        return
    if choice is not None and choice.names and choice.mode in ("named", "required"):
        tools = tuple(tool for tool in tools if tool.name in choice.names)
        losses.emulated("tool_choice", "the target cannot be told which tool to call; it is offered no other")
        if not tools:
            losses.impossible("tool_choice", "the tool that shall be called is not among those offered")
    if choice is not None and choice.mode == "none" and request.output is not None:
        return  # Cohere takes an output format only without tools, and none of them may be called
    if target.traits.tools is False:
        losses.impossible("tools", "the target's model calls no tools")
    settings["tools"] = [_tool(tool, names, request.dialect) for tool in tools]
    _strictness(tools, settings, losses)
    if choice is not None and choice.mode in ("required", "named"):
        if target.traits.forced_tools is False:
            losses.impossible("tool_choice", "the target's model cannot be made to call a tool")
        settings["tool_choice"] = "REQUIRED"
    elif choice is not None and choice.mode == "none":
        settings["tool_choice"] = "NONE"


def _tool(tool: Tool, names: Mapping[str, str], dialect: str) -> Json:
    if dialect == NAME and tool.raw is not None:
        return tool.raw
    function: dict[str, Json] = {"name": names.get(tool.name, tool.name)}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = {"type": "object", "properties": {}} if tool.schema is None else tool.schema
    return {"type": "function", "function": function}


def _strictness(tools: Sequence[Tool], settings: dict[str, Json], losses: Losses) -> None:
    """
    Strict for all tools or for none; and a tool whose parameters are all optional cannot be.
    """
    if not any(tool.strict for tool in tools):
        return
    if all(tool.strict and (not (tool.schema or {}).get("properties") or (tool.schema or {}).get("required")) for tool in tools):
        settings["strict_tools"] = True
    else:
        losses.dropped("tools.strict", "the target is strict with all tools or with none, and never where every parameter is optional")


def _output_settings(output: OutputFormat, request: Request, target: Target, settings: dict[str, Json], sent: Sent, losses: Losses) -> None:
    """
    The output's form: Cohere's own where it reads the schema, else a tool that must be called, else left to an instruction.
    """
    traits = target.traits
    name = "output.json_object" if output.schema is None else "output.schema"
    if "tools" in settings:
        losses.emulated(name, "the target takes no output format beside tools; an instruction asks for it")
        return
    if output.schema is None:
        if traits.json_schema is not False:
            settings["response_format"] = {"type": "json_object"}
        else:
            losses.emulated(name, "the target has no JSON mode; an instruction asks for it")
        return
    schema = inlined(output.schema, losses, name)
    noted = Losses()
    plain = without(schema, _BOUNDS, noted, name)
    if traits.json_schema is not False and plain.get("type") == "object" and _reads(plain):
        losses.extend(noted.all())
        settings["response_format"] = {"type": "json_object", "json_schema": plain}
        return
    if traits.tools is False or traits.forced_tools is False:
        losses.emulated(name, "the target cannot be held to this schema; an instruction asks for it")
        return
    losses.emulated(name, "the target does not read this schema as an output format; a tool that must be called stands for it")
    sent.unwrap_tool = output.name if output.name and _TOOL_NAME.fullmatch(output.name) else "answer"
    tool = Tool(name=sent.unwrap_tool, description=output.description or "Give the final answer.", schema=schema)
    settings["tools"] = [_tool(tool, {}, request.dialect)]
    settings["tool_choice"] = "REQUIRED"


# Source: Cohere, "Structured Outputs", unsupported schema features, read 2026-11. `additionalProperties` is in the list, and taken.
_BOUND_NAMES = """
    minimum maximum exclusiveMinimum exclusiveMaximum minItems maxItems minLength maxLength uniqueItems $schema $id
"""
_BOUNDS = frozenset(_BOUND_NAMES.split())
_COMPOSED = frozenset(("anyOf", "allOf", "oneOf", "not", "patternProperties"))


def _reads(schema: Any) -> bool:
    """
    Whether Cohere takes a schema: nothing composed, and every object has a property that is required.
    """
    if type(schema) is not dict:
        return schema is True or schema is False
    if not _COMPOSED.isdisjoint(schema):
        return False
    properties = schema.get("properties")
    if type(properties) is dict:
        return bool(schema.get("required")) and all(_reads(inner) for inner in properties.values())
    if schema.get("type") == "object":
        return False
    return _reads(schema.get("items", True))
