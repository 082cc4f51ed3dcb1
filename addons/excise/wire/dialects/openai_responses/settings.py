"""
Tools and settings of a neutral request, as fields of one for Responses.

Source: OpenAI SDK 3.54 types `response_create_params`, `function_tool_param`; read 2026-11.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from excise.wire.dialect import Sent, Target
from excise.wire.dialects.openai_responses.answer import TIERS
from excise.wire.dialects.openai_responses.items import NAME
from excise.wire.dialects.openai_responses.request import LOGPROBS
from excise.wire.dialects.openai_responses.writing import LONGEST_NAME, NOT_IN_NAMES, Names
from excise.wire.effort import effort_for
from excise.wire.json_schema import for_openai_strict
from excise.wire.loss import Losses
from excise.wire.neutral import Json, Request, Tool

_LEAST_TOKENS = 16
_VERBOSITIES = frozenset(("low", "medium", "high"))
_LONGEST_KEY = 64  # of a cache
_LONGEST_USER = 128
_NO_ARGUMENTS: dict[str, Json] = {"type": "object", "properties": {}}
_JSON_ASKED = "Answer with a JSON object."
_OUTPUT_TOOL = "answer"


# -- tools -----------------------------------------------------------------------------------------------------------------------------


def write_tools(request: Request, target: Target, losses: Losses, body: dict[str, Json], names: Names) -> None:
    if not request.tools:
        return
    if target.traits.tools is False:
        losses.impossible("tools", "the target's model calls no tools; choose one that does")
    body["tools"] = [function(tool, names.at_target(tool.name), losses) for tool in request.tools]


def function(tool: Tool, name: str, losses: Losses) -> Json:
    """
    A function. It is strict here unless one says that it is not.
    """
    schema = tool.schema if tool.schema is not None else _NO_ARGUMENTS
    strict = None
    if tool.strict:
        strict = for_openai_strict(schema)
        if strict is None:
            losses.changed("tools.strict", "the schema has no form that the target can hold the model to; arguments may differ from it")
    function: dict[str, Json] = {"type": "function", "name": name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = schema if strict is None else strict
    function["strict"] = strict is not None
    return function


type Write = Callable[[Request, Target, Losses, Sent, dict[str, Json]], None]


def _write_tool_choice(request: Request, target: Target, losses: Losses, sent: Sent, body: dict[str, Json]) -> None:
    choice = request.tool_choice
    if choice is None or not (request.tools or body.get("tools")):
        return
    if choice.mode in ("required", "named") and target.traits.forced_tools is False:
        losses.impossible("tool_choice", "the target's model cannot be made to call a tool")
        return
    new_names = {client: target_name for target_name, client in sent.tool_names.items()}
    named = [{"type": "function", "name": new_names.get(name, name)} for name in choice.names]
    if choice.mode == "named" and named:
        body["tool_choice"] = named[0]
    elif choice.mode == "required" and named:
        body["tool_choice"] = {"type": "allowed_tools", "mode": "required", "tools": named}
    else:
        body["tool_choice"] = "required" if choice.mode == "named" else choice.mode


def _write_parallel(request: Request, target: Target, losses: Losses, sent: Sent, body: dict[str, Json]) -> None:
    if request.parallel_tools is not None and body.get("tools"):
        body["parallel_tool_calls"] = request.parallel_tools


# -- settings --------------------------------------------------------------------------------------------------------------------------


def _write_max_tokens(request: Request, target: Target, losses: Losses, sent: Sent, body: dict[str, Json]) -> None:
    asked, most = request.max_tokens, target.traits.max_output_tokens
    if asked is None:
        return
    given = asked if most is None or asked <= most else most
    if given < asked:
        losses.clamped("max_tokens", "the target's model writes less than that at most")
    if given < _LEAST_TOKENS:
        losses.clamped("max_tokens", "the Responses API takes 16 as the smallest limit")
        given = _LEAST_TOKENS
    body["max_output_tokens"] = given


def _write_sampling(request: Request, target: Target, losses: Losses, sent: Sent, body: dict[str, Json]) -> None:
    sampling = request.sampling
    for field, given, most in (("temperature", sampling.temperature, 2), ("top_p", sampling.top_p, 1)):
        if given is None:
            continue
        if target.traits.sampling is False:
            losses.dropped(field, "the target's model takes no sampling settings")
            continue
        fitting = min(max(given, 0), most)
        if fitting != given:
            losses.clamped(field, "beyond what the Responses API takes")
        body[field] = fitting
    for field in ("top_k", "min_p", "seed", "frequency_penalty", "presence_penalty", "logit_bias"):
        if getattr(sampling, field) is not None:
            losses.dropped(field, "the Responses API has no such setting")


def _write_reasoning(request: Request, target: Target, losses: Losses, sent: Sent, body: dict[str, Json]) -> None:
    ask = request.reasoning
    effort = effort_for(ask, target.traits, losses)
    reasoning: dict[str, Json] = {} if effort is None else {"effort": effort}
    if ask is not None and ask.visible and not ask.off and target.traits.reasoning != "none":
        reasoning["summary"] = "auto"
    if reasoning:
        body["reasoning"] = reasoning


def _write_text(request: Request, target: Target, losses: Losses, sent: Sent, body: dict[str, Json]) -> None:
    text: dict[str, Json] = {}
    output = request.output
    if output is not None and output.schema is not None and target.traits.json_schema is False:
        _write_output_tool(request, output.schema, target, losses, sent, body)
    elif output is not None and output.schema is not None:
        text["format"] = _schema_format(request, losses)
    elif output is not None:
        text["format"] = {"type": "json_object"}
        _ask_for_json(request, losses, body)
    if request.verbosity in _VERBOSITIES:
        text["verbosity"] = request.verbosity
    elif request.verbosity is not None:
        losses.dropped("verbosity", "the Responses API does not know this level")
    if text:
        body["text"] = text


def _schema_format(request: Request, losses: Losses) -> Json:
    output = request.output
    assert output is not None
    name = NOT_IN_NAMES.sub("_", output.name or _OUTPUT_TOOL)[:LONGEST_NAME]
    schema: Mapping[str, Json] | None = output.schema
    form: dict[str, Json] = {"type": "json_schema", "name": name}
    if output.description is not None:
        form["description"] = output.description
    strict = for_openai_strict(schema, require_all=True) if output.strict else None
    if output.strict and strict is None:
        losses.changed("output.strict", "the schema has no form that the target can hold the model to; the answer may differ from it")
    form["schema"] = schema if strict is None else strict
    if output.strict is not None:
        form["strict"] = strict is not None
    return form


def _write_output_tool(
    request: Request, schema: Mapping[str, Json], target: Target, losses: Losses, sent: Sent, body: dict[str, Json]
) -> None:
    """
    A model without structured output calls a tool with the answer as its arguments.
    """
    if target.traits.forced_tools is False or target.traits.tools is False:
        losses.impossible("output.schema", "the target's model can be held to a schema in no way")
        return
    losses.emulated("output.schema", "the target's model takes no schema for its answer; it calls a tool with the answer instead")
    name = _OUTPUT_TOOL
    while any(tool["name"] == name for tool in body.get("tools", ())):
        name += "_"
    output = request.output
    about = (output.description if output is not None else None) or "Give the final answer."
    tool = {"type": "function", "name": name, "description": about, "parameters": schema, "strict": False}
    choice: Json = "required" if body.get("tools") else {"type": "function", "name": name}
    body["tools"] = [*body.get("tools", ()), tool]
    body["tool_choice"] = choice
    body["parallel_tool_calls"] = False
    sent.unwrap_tool = name


def _ask_for_json(request: Request, losses: Losses, body: dict[str, Json]) -> None:
    """
    Without the word in the conversation, the API answers 400 to `json_object`.
    """
    items = body.get("input")
    if type(items) is not list or any("json" in text.lower() for item in items for text in _texts(item)):
        return
    instructions = body.get("instructions")
    if instructions is not None and "json" in instructions.lower():
        # Only the input counts.
        items.insert(0, {"type": "message", "role": "system", "content": body.pop("instructions")})
        return
    losses.emulated("output.json_object", "the Responses API wants the word JSON in the conversation; an instruction says it")
    items.insert(0, {"type": "message", "role": "system", "content": _JSON_ASKED})


def _texts(item: Json) -> Iterator[str]:
    content = item.get("content") if type(item) is dict else None
    if type(content) is str:
        yield content
    elif type(content) is list:
        yield from (text for part in content if type(part) is dict and type(text := part.get("text")) is str)


def _write_user(request: Request, target: Target, losses: Losses, sent: Sent, body: dict[str, Json]) -> None:
    if request.user is None:
        return
    if len(request.user) > _LONGEST_USER:
        losses.dropped("user", "the Responses API takes 128 characters for the app's user")
        return
    # Imitators of the API know the old name only.
    body["safety_identifier" if target.provider.startswith(("openai", "azure")) else "user"] = request.user


def _write_metadata(request: Request, target: Target, losses: Losses, sent: Sent, body: dict[str, Json]) -> None:
    if not request.metadata:
        return
    fitting = {key: value for key, value in request.metadata.items() if len(key) <= 64 and type(value) is str and len(value) <= 512}
    if len(fitting) < len(request.metadata) or len(fitting) > 16:
        losses.dropped("metadata", "the Responses API takes 16 texts of 512 characters")
    if fitting:
        body["metadata"] = dict(list(fitting.items())[:16])


def _write_tier(request: Request, target: Target, losses: Losses, sent: Sent, body: dict[str, Json]) -> None:
    tier = "default" if request.service_tier in ("standard", "standard_only") else request.service_tier
    if tier in TIERS:
        body["service_tier"] = tier
    elif tier is not None:
        losses.dropped("service_tier", "the Responses API does not know this tier")


def _write_cache_key(request: Request, target: Target, losses: Losses, sent: Sent, body: dict[str, Json]) -> None:
    if request.cache_key is None:
        return
    if len(request.cache_key) > _LONGEST_KEY:
        losses.dropped("cache_key", "the Responses API takes 64 characters for the key of its cache")
    else:
        body["prompt_cache_key"] = request.cache_key


def _write_logprobs(request: Request, target: Target, losses: Losses, sent: Sent, body: dict[str, Json]) -> None:
    if request.logprobs is None or request.dialect != NAME:
        return
    body["top_logprobs"] = request.logprobs
    include = body.get("include") or []
    if LOGPROBS not in include:
        body["include"] = [*include, LOGPROBS]


# Neutral fields, the fields here that say them, and how. In this order: a schema may become a tool, and choose it.
SETTINGS: tuple[tuple[tuple[str, ...], tuple[str, ...], Write], ...] = (
    (("max_tokens",), ("max_output_tokens",), _write_max_tokens),
    (("sampling",), ("temperature", "top_p"), _write_sampling),
    (("reasoning",), ("reasoning",), _write_reasoning),
    (("tool_choice",), ("tool_choice",), _write_tool_choice),
    (("parallel_tools",), ("parallel_tool_calls",), _write_parallel),
    (("output", "verbosity"), ("text",), _write_text),
    (("logprobs",), ("top_logprobs",), _write_logprobs),
    (("user",), ("user", "safety_identifier"), _write_user),
    (("metadata",), ("metadata",), _write_metadata),
    (("service_tier",), ("service_tier",), _write_tier),
    (("cache_key",), ("prompt_cache_key",), _write_cache_key),
)
