"""
A client's chat request, read: OpenAI's words and those other providers of the dialect added.
"""

from __future__ import annotations

from typing import Any, get_args

from excise.errors import BadRequest
from excise.wire.asked import truthy
from excise.wire.dialect import Envelope
from excise.wire.dialects.given import fields, flag, listed, number, text, texts, whole, wrong
from excise.wire.dialects.openai_chat.message_reading import read_messages
from excise.wire.dialects.openai_chat.parts import cache_mark
from excise.wire.neutral import UNSAID, Effort, Extra, Json, OutputFormat, ReasoningAsk, Request, Sampling, Tool, ToolChoice

_EFFORTS = frozenset(get_args(Effort.__value__))

_DROPPED = "only the client's own dialect knows this field"
_UNKNOWN = "a field that is not known here"
_SERVER_TOOLS = "the search is done by the client's own provider"
_CONSTRAINED = "the form of the output is given in a way the target does not know; give a JSON schema instead"

# Fields without a neutral word: whether leaving them out changes the outcome, and why they do not cross.
_ELSEWHERE = """
    store prompt_cache_retention prompt_cache_options safe_prompt min_tokens repetition_penalty transforms route models provider
    chat_template_kwargs chat_template add_generation_prompt continue_final_message ignore_eos top_a typical_p echo best_of
    search_domain_filter search_recency_filter search_mode return_images return_related_questions return_citations
    reasoning_split clear_thinking documents safety_model do_sample request_id user_id mirostat num_ctx keep_alive options
    tool_stream preset deferred citation_options compound_custom disable_tool_validation
"""
_EXTRAS: dict[str, tuple[bool, str]] = {
    "audio": (True, "spoken answers are not translated"),
    "prediction": (True, "predicted output is not translated"),
    "web_search_options": (True, _SERVER_TOOLS),
    "search_parameters": (True, _SERVER_TOOLS),
    "plugins": (True, "the plugins run at the client's own provider"),
    "data_sources": (True, "the data sources are read by the client's own provider"),
    "guardrails": (True, "the guardrails run at the client's own provider"),
    "moderation": (True, "the moderation runs at the client's own provider"),
    "guided_json": (True, _CONSTRAINED),
    "guided_regex": (True, _CONSTRAINED),
    "guided_choice": (True, _CONSTRAINED),
    "guided_grammar": (True, _CONSTRAINED),
    "structured_outputs": (True, _CONSTRAINED),
    "grammar": (True, _CONSTRAINED),
    "regex": (True, _CONSTRAINED),
    "ebnf": (True, _CONSTRAINED),
    "json_schema": (True, _CONSTRAINED),
    **dict.fromkeys(_ELSEWHERE.split(), (False, _DROPPED)),
}

# Fields that are read below, or say nothing about the answer.
_READ_HERE = """
    model messages stream stream_options tools functions tool_choice function_call parallel_tool_calls max_tokens max_completion_tokens
    stop response_format reasoning_effort reasoning thinking enable_thinking thinking_budget reasoning_format include_reasoning
    prompt_mode temperature top_p top_k min_p seed random_seed frequency_penalty presence_penalty logit_bias n logprobs top_logprobs
    user safety_identifier metadata service_tier prompt_cache_key verbosity modalities usage
"""
_READ = frozenset(_READ_HERE.split())


def read_request(name: str, body: Any, envelope: Envelope) -> Request:
    """
    The request in neutral form.

    Args:
        name: Of the dialect.
        body: Parsed JSON, of any form.

    Raises:
        BadRequest: It is no request of this dialect; the text names the place.
    """
    if type(body) is not dict:
        raise BadRequest("the body is not a JSON object")
    extras = _extras(body)
    choice, allowed = _tool_choice(body, extras)
    tools = _tools(body, extras)
    if allowed:
        tools = tuple(tool for tool in tools if tool.name in allowed)
    logprobs = _logprobs(body)
    return Request(
        dialect=name,
        model=text(body.get("model"), "model") or envelope.model,
        turns=read_messages(body.get("messages")),
        stream=envelope.stream or truthy(body.get("stream")),
        tools=tools,
        tool_choice=choice,
        parallel_tools=flag(body.get("parallel_tool_calls"), "parallel_tool_calls"),
        max_tokens=_first(whole, body, "max_completion_tokens", "max_tokens"),
        stop=texts(body.get("stop"), "stop"),
        output=_output(body, extras),
        reasoning=_reasoning(body, extras),
        sampling=_sampling(body),
        candidates=whole(body.get("n"), "n"),
        logprobs=logprobs,
        user=_first(text, body, "safety_identifier", "user"),
        metadata=fields(body["metadata"], "metadata") if body.get("metadata") is not None else None,
        service_tier=text(body.get("service_tier"), "service_tier"),
        cache_key=text(body.get("prompt_cache_key"), "prompt_cache_key"),
        verbosity=text(body.get("verbosity"), "verbosity"),
        include_usage=flag(fields(body.get("stream_options"), "stream_options").get("include_usage"), "stream_options", "include_usage"),
        extras=tuple(extras),
        raw=body,
    )


def _first(read: Any, body: dict[str, Any], *names: str) -> Any:
    found = [read(body[name], name) for name in names if name in body]
    return next((value for value in found if value is not None), None)


def _extras(body: dict[str, Any]) -> list[Extra]:
    extras = []
    for key, value in body.items():
        if key in _READ or value is None:
            continue
        if key in _EXTRAS:
            vital, why = _EXTRAS[key]
            if not (key == "store" and value is False):
                extras.append(Extra(key, vital and value not in ({}, []), why))
        else:
            extras.append(Extra("unknown_field", False, _UNKNOWN))
    modalities = body.get("modalities")
    if modalities is not None and modalities != ["text"]:
        extras.append(Extra("modalities", True, "the target answers in text only"))
    return extras


# -- tools -----------------------------------------------------------------------------------------------------------------------------


def _tools(body: dict[str, Any], extras: list[Extra]) -> tuple[Tool, ...]:
    tools = []
    for index, given in enumerate(listed(body.get("tools"), "tools")):
        tool = fields(given, "tools", index)
        kind = tool.get("type") or "function"
        if kind == "function":
            tools.append(_tool(tool.get("function"), tool, "tools", index, "function"))
        elif kind == "custom":
            extras.append(Extra("tools.custom", True, "tools that take plain text are not translated"))
        else:
            extras.append(Extra("tools.server", True, "the tool runs at the client's own provider"))
    for index, function in enumerate(listed(body.get("functions"), "functions")):
        tools.append(_tool(function, function, "functions", index))
    return tuple(tools)


def _tool(function: Any, raw: Json, *place: str | int) -> Tool:
    if type(function) is not dict:
        raise wrong(place, "is not an object")
    name = function.get("name")
    if type(name) is not str or not name:
        raise wrong((*place, "name"), "is not a name")
    schema = function.get("parameters")
    return Tool(
        name=name,
        description=text(function.get("description"), *place, "description"),
        schema=None if schema is None else fields(schema, *place, "parameters"),
        strict=flag(function.get("strict"), *place, "strict"),
        cache=cache_mark(raw),
        raw=raw,
    )


_MODES = {"auto": ToolChoice("auto"), "none": ToolChoice("none"), "required": ToolChoice("required"), "any": ToolChoice("required")}


def _tool_choice(body: dict[str, Any], extras: list[Extra]) -> tuple[ToolChoice | None, frozenset[str]]:
    """
    The choice, and the names of the tools that alone are offered where the client offers some of them to choose from freely.
    """
    choice = body.get("tool_choice")
    old = body.get("function_call")
    if choice is None and type(old) is dict:
        return ToolChoice("named", (_named(old.get("name"), "function_call", "name"),)), frozenset()
    place = "tool_choice"
    if choice is None and old is not None:
        choice, place = old, "function_call"
    if choice is None:
        return None, frozenset()
    if type(choice) is str:
        if choice not in _MODES:
            raise wrong((place,), "is none of auto, none, required")
        return _MODES[choice], frozenset()
    kind = fields(choice, place).get("type") or "function"
    if kind == "function" or kind == "tool":  # the latter is Anthropic's form, which several gateways take
        inner = fields(choice.get("function"), place, "function")
        return ToolChoice("named", (_named(inner.get("name") or choice.get("name"), place, "function", "name"),)), frozenset()
    if kind == "allowed_tools":
        return _allowed(fields(choice.get("allowed_tools") or choice, place, "allowed_tools"))
    if type(kind) is str and kind in _MODES:
        return _MODES[kind], frozenset()
    extras.append(Extra("tool_choice", True, "the choice is of a tool that is not translated"))
    return None, frozenset()


def _allowed(allowed: dict[str, Any]) -> tuple[ToolChoice, frozenset[str]]:
    place = ("tool_choice", "allowed_tools")
    names = []
    for index, tool in enumerate(listed(allowed.get("tools"), *place, "tools")):
        inner = fields(tool, *place, "tools", index)
        function = fields(inner.get("function"), *place, "tools", index, "function")
        names.append(_named(function.get("name") or inner.get("name"), *place, "tools", index, "function", "name"))
    if allowed.get("mode") == "required":
        return ToolChoice("required", tuple(names)), frozenset()
    return ToolChoice("auto"), frozenset(names)


def _named(value: Any, *place: str | int) -> str:
    if type(value) is not str or not value:
        raise wrong(place, "is not a name")
    return value


# -- output and thinking ---------------------------------------------------------------------------------------------------------------


def _output(body: dict[str, Any], extras: list[Extra]) -> OutputFormat | None:
    given = body.get("response_format")
    if given is None:
        return None
    kind = fields(given, "response_format").get("type")
    if kind == "text":
        return None
    if kind == "json_schema":
        inner = fields(given.get("json_schema"), "response_format", "json_schema")
        place = ("response_format", "json_schema")
        schema = inner.get("schema")
        return OutputFormat(
            schema=None if schema is None else fields(schema, *place, "schema"),
            name=text(inner.get("name"), *place, "name"),
            description=text(inner.get("description"), *place, "description"),
            strict=flag(inner.get("strict"), *place, "strict"),
        )
    if kind == "json_object":
        schema = given.get("schema")  # Together, Fireworks, llama.cpp
        return OutputFormat(schema=None if schema is None else fields(schema, "response_format", "schema"))
    extras.append(Extra("response_format", True, _CONSTRAINED))
    return None


_OF_THINKING_NAMES = """
    reasoning_effort thinking_budget include_reasoning reasoning_format reasoning chat_template_kwargs enable_thinking thinking prompt_mode
"""
_OF_THINKING = frozenset(_OF_THINKING_NAMES.split())


def _reasoning(body: dict[str, Any], extras: list[Extra]) -> ReasoningAsk | None:
    """
    How hard to think, under any of the names the providers of this dialect give it.
    """
    if _OF_THINKING.isdisjoint(body):
        return None
    effort: Any = text(body.get("reasoning_effort"), "reasoning_effort")
    budget = whole(body.get("thinking_budget"), "thinking_budget")
    adaptive: bool | None = None
    visible = flag(body.get("include_reasoning"), "include_reasoning")
    if body.get("reasoning_format") is not None:  # Groq
        visible = body["reasoning_format"] != "hidden"
    asked = fields(body.get("reasoning"), "reasoning")  # OpenRouter
    if asked:
        effort = effort or text(asked.get("effort"), "reasoning", "effort")
        budget = budget if budget is not None else whole(asked.get("max_tokens"), "reasoning", "max_tokens")
        if (excluded := flag(asked.get("exclude"), "reasoning", "exclude")) is not None:
            visible = not excluded
    template = body.get("chat_template_kwargs")
    switch = body.get("enable_thinking")
    if switch is None and type(template) is dict:
        switch = template.get("enable_thinking")
    if switch is None:
        switch = asked.get("enabled")
    thinking = fields(body.get("thinking"), "thinking")
    kind = thinking.get("type")
    if kind is not None:
        switch = kind != "disabled"
        budget = budget if budget is not None else whole(thinking.get("budget_tokens"), "thinking", "budget_tokens")
    if body.get("prompt_mode") == "reasoning":  # Mistral
        switch = True
    if effort is not None and effort not in _EFFORTS:
        extras.append(Extra("reasoning_effort", False, "a level of effort that is not known here"))
        effort = None
    if switch is False:
        effort, budget = "none", None
    elif switch is not None and effort is None and budget is None:
        adaptive = True
    if effort is None and budget is None and adaptive is None and visible is None:
        return None
    return ReasoningAsk(effort=effort, budget_tokens=budget, adaptive=adaptive, visible=visible)


# -- numbers ---------------------------------------------------------------------------------------------------------------------------


_OF_SAMPLING = frozenset(
    ("temperature", "top_p", "top_k", "min_p", "seed", "random_seed", "frequency_penalty", "presence_penalty", "logit_bias")
)


def _sampling(body: dict[str, Any]) -> Sampling:
    if _OF_SAMPLING.isdisjoint(body):
        return UNSAID
    bias = body.get("logit_bias")
    return Sampling(
        temperature=number(body.get("temperature"), "temperature"),
        top_p=number(body.get("top_p"), "top_p"),
        top_k=whole(body.get("top_k"), "top_k"),
        min_p=number(body.get("min_p"), "min_p"),
        seed=_first(whole, body, "seed", "random_seed"),
        frequency_penalty=number(body.get("frequency_penalty"), "frequency_penalty"),
        presence_penalty=number(body.get("presence_penalty"), "presence_penalty"),
        logit_bias=None if bias is None or type(bias) is list else fields(bias, "logit_bias"),
    )


def _logprobs(body: dict[str, Any]) -> int | None:
    """
    How many alternatives are asked for; Together says it in `logprobs` itself.
    """
    asked, most = body.get("logprobs"), whole(body.get("top_logprobs"), "top_logprobs")
    if type(asked) is int:
        return max(most or 0, asked - 1) if asked > 0 else None
    if flag(asked, "logprobs"):
        return most or 0
    return None
