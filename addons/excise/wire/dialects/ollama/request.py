"""
Requests of Ollama's own chat API.

Source: Ollama's API documentation, `api/types.go`, and its Python SDK's types, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast, get_args

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
from excise.wire.effort import effort_for
from excise.wire.json_schema import inlined
from excise.wire.loss import Losses
from excise.wire.neutral import (
    Audio,
    Blob,
    Document,
    Effort,
    Extra,
    FileId,
    Image,
    Json,
    Link,
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
    ToolResult,
    Turn,
    Video,
)
from excise.wire.repair import Shape, arrange
from excise.wire.sequence import read_arguments
from excise.wire.tool_ids import made

NAME = "ollama"

_SHAPE = Shape(merge=True, results_first=True, empty_text=False, result_media="hoist")

_LEVELS = ("none", "low", "medium", "high")  # and "max", with servers of 2026 and models whose levels are known
_EFFORTS: frozenset[str] = frozenset(get_args(Effort.__value__))

# -- decoding --------------------------------------------------------------------------------------------------------------------------

_KNOWN_NAMES = """
    model messages stream tools format options think keep_alive truncate shift logprobs top_logprobs
"""
_KNOWN = frozenset(_KNOWN_NAMES.split())
_KNOWN_OPTION_NAMES = """
    num_predict stop temperature top_p top_k min_p seed presence_penalty frequency_penalty
"""
_KNOWN_OPTIONS = frozenset(_KNOWN_OPTION_NAMES.split())

_LOADS = Extra("messages", True, "a conversation without messages loads or unloads a model; only Ollama does that")
_OPTIONS = Extra("options", False, "options of Ollama's own runner mean nothing to another provider")
_EXTRAS = {
    "keep_alive": Extra("keep_alive", False, "only Ollama keeps models loaded at the client's wish"),
    "truncate": Extra("truncate", False, "only Ollama cuts what is too long for its model"),
    "shift": Extra("shift", False, "only Ollama shifts its context"),
}
_UNKNOWN = Extra("unknown", False, "a field of the request is not known, so it cannot be translated")


def decode_request(body: Any, envelope: Envelope) -> Request:
    """
    A client's request in neutral form. A stream is what it gets unless it says otherwise.

    Raises:
        BadRequest: A field is of the wrong type, or a message cannot be read.
    """
    if type(body) is not dict:
        raise BadRequest("the body must be a JSON object")
    get = body.get
    conversation = _Conversation()
    messages = listed(get("messages"), "messages")
    options = fields(get("options"), "options")
    limit = whole(options.get("num_predict"), "options", "num_predict")
    most = whole(get("top_logprobs"), "top_logprobs")
    return Request(
        dialect=NAME,
        model=text(get("model"), "model"),
        turns=tuple([conversation.turn(message, ("messages", index)) for index, message in enumerate(messages)]),
        stream=envelope.stream or get("stream") is not False,
        tools=_tools(get("tools")),
        max_tokens=limit if limit is not None and limit >= 0 else None,  # -1: unlimited; -2: to the end of the context
        stop=texts(options.get("stop"), "options", "stop"),
        output=_output(get("format")),
        reasoning=_reasoning(get("think")),
        sampling=Sampling(
            temperature=number(options.get("temperature"), "options", "temperature"),
            top_p=number(options.get("top_p"), "options", "top_p"),
            top_k=whole(options.get("top_k"), "options", "top_k"),
            min_p=number(options.get("min_p"), "options", "min_p"),
            seed=whole(options.get("seed"), "options", "seed"),
            frequency_penalty=number(options.get("frequency_penalty"), "options", "frequency_penalty"),
            presence_penalty=number(options.get("presence_penalty"), "options", "presence_penalty"),
        ),
        logprobs=most or 0 if flag(get("logprobs"), "logprobs") or most else None,
        extras=_extras(body, options, messages),
        raw=body,
    )


def _extras(body: Mapping[str, Json], options: Mapping[str, Json], messages: list[Json]) -> tuple[Extra, ...]:
    # Neither cut nor shifted: so everybody else treats what is too long.
    found = [extra for name, extra in _EXTRAS.items() if (value := body.get(name)) is not None and value is not False]
    if not messages:
        found.append(_LOADS)
    if any(name not in _KNOWN_OPTIONS and value is not None for name, value in options.items()):
        found.append(_OPTIONS)
    if any(name not in _KNOWN and value is not None for name, value in body.items()):
        found.append(_UNKNOWN)
    return tuple(found)


@dataclass(slots=True)
class _Conversation:
    """
    Messages one after the other: calls mostly come without ids, and results name their tool, or not even that.

    Attributes:
        waiting: Id and name of the calls that have no result yet.
        answered: A result came since the last call.
    """

    calls: int = 0
    orphans: int = 0
    waiting: list[tuple[str, str]] = field(default_factory=list)
    answered: bool = False

    def turn(self, message: Any, place: Place) -> Turn:
        if type(message) is not dict:
            raise wrong(place, "is not an object")
        role = message.get("role")
        if role == "tool":
            return Turn("user", (self._result(message, place),), raw=message)
        if role not in ("user", "assistant", "system"):
            raise wrong((*place, "role"), "is not one of user, assistant, system, tool")
        parts: list[Part] = []
        if thought := text(message.get("thinking"), *place, "thinking"):
            parts.append(Reasoning(text=thought))
        parts += _said(message, place)
        for index, call in enumerate(listed(message.get("tool_calls"), *place, "tool_calls")):
            parts.append(self._call(call, (*place, "tool_calls", index)))
        return Turn(role, tuple(parts), raw=message)

    def _call(self, given: Any, place: Place) -> ToolCall:
        function = fields(fields(given, *place).get("function") if given else None, *place, "function")
        name = text(function.get("name"), *place, "function", "name")
        if not name:
            raise wrong((*place, "function", "name"), "is missing")
        id_ = text(given.get("id"), *place, "id") or made("history", self.calls)
        self.calls += 1
        if self.answered:
            self.waiting.clear()
            self.answered = False
        self.waiting.append((id_, name))
        arguments, kept = function.get("arguments"), None
        if type(arguments) is not dict:  # as OpenAI writes them
            arguments, kept = read_arguments(text(arguments, *place, "function", "arguments") or "")
        return ToolCall(id=id_, name=name, arguments=arguments, text=kept, raw=given)

    def _result(self, message: dict[str, Any], place: Place) -> ToolResult:
        name = text(message.get("tool_name"), *place, "tool_name") or text(message.get("name"), *place, "name")
        id_ = text(message.get("tool_call_id"), *place, "tool_call_id")
        waits = next((call for call in self.waiting if (call[0] == id_ if id_ else name in (None, call[1]))), None)
        self.answered = True
        if waits is not None:
            self.waiting.remove(waits)
            id_, name = waits
        elif not id_:
            id_ = made("history without a call", self.orphans)
            self.orphans += 1
        return ToolResult(call_id=id_, parts=_said(message, place), name=name, raw=message)


def _said(message: dict[str, Any], place: Place) -> tuple[Part, ...]:
    said = text(message.get("content"), *place, "content")
    parts: list[Part] = [Text(text=said)] if said else []
    for index, image in enumerate(listed(message.get("images"), *place, "images")):
        data = text(image, *place, "images", index)
        if not data:
            raise wrong((*place, "images", index), "is empty")
        parts.append(Image(source=picture(data)))
    return tuple(parts)


_MAGIC = (("iVBORw0KGgo", "image/png"), ("/9j/", "image/jpeg"), ("R0lGOD", "image/gif"), ("UklGR", "image/webp"), ("Qk", "image/bmp"))


def picture(data: str) -> Blob:
    """
    A picture, which Ollama names no type of: its first bytes tell.
    """
    return Blob(next((media_type for magic, media_type in _MAGIC if data.startswith(magic)), "image/png"), data)


def _tools(given: Any) -> tuple[Tool, ...]:
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
                raw=tool,
            )
        )
    return tuple(tools)


def _output(given: Any) -> OutputFormat | None:
    if given is None or given == "":
        return None
    if given == "json":
        return OutputFormat()
    if type(given) is dict:
        return OutputFormat(schema=given)
    raise wrong(("format",), "is neither json nor a schema")


def _reasoning(given: Any) -> ReasoningAsk | None:
    if given is None:
        return None
    if type(given) is bool:
        return ReasoningAsk(adaptive=True) if given else ReasoningAsk(effort="none")
    if type(given) is str and given in _EFFORTS:
        return ReasoningAsk(effort=cast("Effort", given))
    raise wrong(("think",), "is neither true nor false nor a level")


# -- encoding --------------------------------------------------------------------------------------------------------------------------


def encode_request(request: Request, target: Target) -> Encoded:
    """
    A request in Ollama's words; one that came in them goes back as it came, but for what was changed since.
    """
    losses, sent = Losses(), Sent(target)
    if request.dialect == NAME:
        return Encoded(_as_it_came(request, target), (), sent)
    leave_out(request, losses)
    arranged = arrange(request, _SHAPE, losses, keeps=lambda thought: thought.origin == target.origin)
    turns = system_in_words(arranged.turns, losses)
    settings = _settings(request, target, losses)
    if request.output is not None and "format" not in settings:
        turns = with_instruction(turns, output_instruction(request.output))
    if "tools" in settings and request.tool_choice is not None and request.tool_choice.mode in ("required", "named"):
        turns = with_instruction(turns, _MUST_CALL)
    if turns and turns[-1].role == "assistant" and target.traits.prefill is False:
        losses.impossible("prefill", "the target's model does not continue a turn of the assistant")
    body = {
        "model": target.model,
        "messages": _messages(turns, target, losses),
        **settings,
        "stream": request.stream,
        # Else it cuts the head off a conversation that is too long, and says nothing.
        "truncate": False,
    }
    return Encoded(body, losses.all(), sent)


_MUST_CALL = "Call at least one of the functions that are offered to you, and do not answer before you have its result."


def _as_it_came(request: Request, target: Target) -> dict[str, Json]:
    raw: dict[str, Json] = request.raw if type(request.raw) is dict else {}
    came = decode_request({**raw, "messages": []}, Envelope())
    before, now = _settings(came, target, Losses()), _settings(request, target, Losses())
    options = own_words(fields(raw.get("options")), before.pop("options", {}), now.pop("options", {}))
    body = own_words(raw, before, now)
    body["model"] = target.model
    body["messages"] = [
        message for turn in request.turns for message in ((turn.raw,) if turn.raw is not None else _messages((turn,), target, Losses()))
    ]
    if options or raw.get("options") is not None:
        body["options"] = options
    if request.stream is not (raw.get("stream") is not False):
        body["stream"] = request.stream
    return body


# -- messages


def _messages(turns: Iterable[Turn], target: Target, losses: Losses) -> list[Json]:
    messages: list[Json] = []
    for turn in turns:
        if turn.name is not None:
            losses.dropped("turns.name", "the target's messages carry no names")
        if turn.role == "assistant":
            messages.append(_assistant(turn, losses))
            continue
        for part in turn.parts:
            if isinstance(part, ToolResult):
                message = {"role": "tool", "content": result_text(part, losses), "tool_call_id": part.call_id}
                messages.append(message if part.name is None else {**message, "tool_name": part.name})
        if any(not isinstance(part, ToolResult) for part in turn.parts):
            messages.append(_asking(turn, target, losses))
    return messages


def _asking(turn: Turn, target: Target, losses: Losses) -> dict[str, Json]:
    """
    A message of the user or the system. Its pictures stand apart from its one text.
    """
    said: list[str] = []
    images: list[str] = []
    between = False
    for part in turn.parts:
        match part:
            case Text(text=words) | Refusal(text=words):
                said.append(words)
                between = between or bool(images)
            case Image():
                if between:
                    losses.changed("image.position", "the target's pictures stand beside the text, not between its pieces")
                images += _image(part, target, losses)
            case Document():
                said += [words for words in (document_text(part, losses),) if words is not None]
            case Audio() | Video():
                losses.impossible(_kind(part), "the target takes neither sound nor film")
    message: dict[str, Json] = {"role": turn.role, "content": "\n\n".join(said)}
    return {**message, "images": images} if images else message


def _image(image: Image, target: Target, losses: Losses) -> list[str]:
    if target.traits.vision is False:
        losses.impossible("image", "the target's model does not see pictures")
    if image.detail not in (None, "auto"):
        losses.dropped("image.detail", "the target cannot be told how closely to look")
    match image.source:
        case Blob(data=data):
            return [data]
        case Link():
            losses.impossible("image.url", "the target fetches no pictures; send the picture itself")
        case FileId():
            losses.impossible("file_id", "a file that is stored at one provider means nothing to another; send the picture itself")
    return []


def _assistant(turn: Turn, losses: Losses) -> dict[str, Json]:
    said: list[str] = []
    thoughts: list[str] = []
    calls: list[Json] = []
    for part in turn.parts:
        match part:
            case Text(text=words, citations=citations):
                said.append(words)
                if citations:
                    losses.dropped("citations", "citations are of their provider's own form")
            case Refusal(text=words):
                said.append(words)
            case Reasoning(text=words):
                thoughts.append(words)
            case ToolCall():
                calls.append(call_object(part, len(calls), losses))
            case _:
                losses.impossible(_kind(part), "the target takes no media in turns of the assistant")
    message: dict[str, Json] = {"role": "assistant", "content": "".join(said)}
    if thoughts:
        message["thinking"] = "".join(thoughts)
    if calls:
        message["tool_calls"] = calls
    return message


def call_object(call: ToolCall, index: int, losses: Losses) -> dict[str, Json]:
    """
    A call in Ollama's words: its arguments are always an object.
    """
    arguments = call.arguments
    if arguments is None:
        losses.changed("tools.arguments", "arguments that are no JSON object are given as the text of one")
        arguments = {"input": call.text} if call.text else {}
    return {"id": call.id, "function": {"index": index, "name": call.name, "arguments": arguments}}


def _kind(part: Part) -> str:
    return type(part).__name__.lower()


# -- settings


def _settings(request: Request, target: Target, losses: Losses) -> dict[str, Json]:
    settings: dict[str, Json] = {}
    tools = _offered(request, target, losses)
    if tools:
        settings["tools"] = tools
    output = request.output
    if output is not None and tools and request.dialect != NAME:
        # A format rules what is written from the first letter on: the model could not call.
        name = "output.json_object" if output.schema is None else "output.schema"
        losses.emulated(name, "beside tools the target's output formats keep the model from calling; an instruction asks for it")
    elif output is not None:
        settings["format"] = "json" if output.schema is None else output.schema
    if (options := _options(request, target, losses)) or request.dialect == NAME:
        settings["options"] = options
    if (think := _think(request, target, losses)) is not None:
        settings["think"] = think
    if request.logprobs is not None and request.dialect == NAME:
        settings["logprobs"] = True
        if request.logprobs:
            settings["top_logprobs"] = request.logprobs
    return settings


def _options(request: Request, target: Target, losses: Losses) -> dict[str, Json]:
    asked = request.sampling
    options: dict[str, Json] = {"num_predict": most_tokens(request, target.traits, losses)}
    options["stop"] = list(request.stop) or None
    for name, value in (("temperature", asked.temperature), ("top_p", asked.top_p), ("top_k", asked.top_k), ("min_p", asked.min_p)):
        if value is not None and target.traits.sampling is False:
            losses.dropped(name, "the target's model does not let itself be told how to sample")
        else:
            options[name] = value
    options["seed"] = asked.seed
    options["frequency_penalty"] = asked.frequency_penalty
    options["presence_penalty"] = asked.presence_penalty
    if asked.logit_bias:
        losses.dropped("logit_bias", "the target does not know it, and its tokens are others")
    return {name: value for name, value in options.items() if value is not None}


def _offered(request: Request, target: Target, losses: Losses) -> list[Json]:
    tools, choice = request.tools, request.tool_choice
    if not tools:
        return []
    if choice is not None and choice.mode == "none":
        losses.emulated("tool_choice", "the target cannot be told to call none; it is offered none")
        return []
    if target.traits.tools is False:
        losses.impossible("tools", "the target's model calls no tools")
    if choice is not None and choice.mode in ("required", "named"):
        losses.emulated("tool_choice", "the target cannot be made to call a tool; an instruction asks for it, and it is offered no other")
        if choice.names:
            tools = tuple(tool for tool in tools if tool.name in choice.names)
        if not tools:
            losses.impossible("tool_choice", "the tool that shall be called is not among those offered")
    if any(tool.strict for tool in tools):
        losses.dropped("tools.strict", "the target does not hold its calls to their schemas")
    return [_tool(tool, request.dialect, losses) for tool in tools]


def _tool(tool: Tool, dialect: str, losses: Losses) -> Json:
    if dialect == NAME and tool.raw is not None:
        return tool.raw
    function: dict[str, Json] = {"name": tool.name, "description": tool.description or ""}
    schema = inlined(tool.schema if tool.schema is not None else {"properties": {}}, losses, "tools.schema")
    # Its own struct, where a property may not be just `true`.
    parameters = {"type": "object", **schema}
    properties = parameters.get("properties")
    if type(properties) is dict:
        parameters["properties"] = {name: inner if type(inner) is dict else {} for name, inner in properties.items()}
    function["parameters"] = parameters
    return {"type": "function", "function": function}


def _think(request: Request, target: Target, losses: Losses) -> bool | str | None:
    ask, traits = request.reasoning, target.traits
    if ask is None:
        return None
    levels = tuple(level for level in traits.efforts if level in (*_LEVELS, "max"))
    if request.dialect == NAME:
        return False if ask.off else ask.effort or True
    level = effort_for(ask, replace(traits, efforts=levels), losses, _LEVELS)
    if level == "none":
        return False
    if level is None and not ask.off and traits.reasoning != "none" and (ask.adaptive or ask.budget_tokens):
        return True
    return level
