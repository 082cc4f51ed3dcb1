"""
OpenAI's chat completions: what is refused, and what is asked.

Source: the OpenAI API reference and recorded errors, read 2026-11.
"""

from __future__ import annotations

from typing import Any, Literal

from excise.standin.answers import compose
from excise.standin.ask import Ask, Said, Tool
from excise.standin.call import Reply, Request
from excise.standin.models import Model
from excise.standin.openai import sampling
from excise.standin.openai.chat_answer import written
from excise.standin.openai.chat_shapes import CHAT
from excise.standin.openai.errors import known, read, refuse, unsupported

type Choice = tuple[Literal["auto", "none", "required"], tuple[str, ...]]


def chat(request: Request) -> Reply:
    """
    POST /v1/chat/completions.
    """
    body = read(request, CHAT)
    model = known(body)
    _check_model(model, body)
    _check_tools(body)
    _check_format(body)
    check_order(body["messages"])
    return written(body, model, compose(_ask(body, model)))


def _check_model(model: Model, body: dict[str, Any]) -> None:
    if "max_tokens" in body and "max_completion_tokens" in body:
        text = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        raise refuse(400, text, param="max_tokens", code="invalid_parameter_combination")
    effort = body.get("reasoning_effort")
    if model.reasons and "max_tokens" in body:
        raise unsupported("max_tokens", instead="max_completion_tokens")
    for name in ("max_tokens", "max_completion_tokens"):
        sampling.check_limit(model, body.get(name), name)
    sampling.check_effort(model, effort, "reasoning_effort")
    sampling.check_sampling(model, body, effort)
    for name, lack in (("stop", "stop"), ("parallel_tool_calls", "parallel"), ("verbosity", "verbosity")):
        if name in body and (lack in model.lacks or (name == "verbosity" and not model.reasons and body[name] != "medium")):
            raise unsupported(name)
    if "top_logprobs" in body and not body.get("logprobs"):
        text = "Invalid value for 'top_logprobs': 'logprobs' must be set to true if 'top_logprobs' is used."
        raise refuse(400, text, param="top_logprobs")
    if body.get("metadata") and not body.get("store"):
        raise refuse(400, "The 'metadata' parameter is only allowed when 'store' is enabled.", param="metadata")
    if "audio" in body.get("modalities", ()) or "audio" in body:
        raise refuse(400, "This model does not support the requested modality 'audio'.", param="modalities", code="invalid_value")
    if "web_search_options" in body:
        raise refuse(400, "Web search options not supported with this model.", param="web_search_options")


def _check_tools(body: dict[str, Any]) -> None:
    tools = body.get("tools", [])
    for at, tool in enumerate(tools):
        if (function := tool.get("function")) is not None:
            where = f"tools[{at}].function.parameters"
            sampling.check_parameters(function["name"], function.get("parameters"), bool(function.get("strict")), where)
    for at, function in enumerate(body.get("functions", ())):
        sampling.check_parameters(function["name"], function.get("parameters"), False, f"functions[{at}].parameters")
    if not tools:
        for name in ("tool_choice", "parallel_tool_calls"):
            if name in body and not (name == "tool_choice" and body[name] == "none"):
                raise refuse(400, f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.", param=name)
    names = {tool[tool["type"]]["name"] for tool in tools}
    for name in chosen(body.get("tool_choice"))[1]:
        if name not in names:
            raise refuse(400, f"Tool choice '{name}' not found in 'tools' parameter.", param="tool_choice")
    if "function_call" in body and "functions" not in body:
        text = "Invalid value for 'function_call': 'function_call' is only allowed when 'functions' are specified."
        raise refuse(400, text, param="function_call")


def _check_format(body: dict[str, Any]) -> None:
    wanted = body.get("response_format", {"type": "text"})
    if wanted["type"] == "json_object" and not sampling.says_json(body["messages"]):
        text = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        raise refuse(400, text, param="messages")
    if wanted["type"] == "json_schema":
        given = wanted["json_schema"]
        if "schema" not in given:
            place = "response_format.json_schema.schema"
            raise refuse(400, f"Missing required parameter: '{place}'.", param=place, code="missing_required_parameter")
        sampling.check_format(given["name"], given["schema"], bool(given.get("strict")), "response_format")


def check_order(messages: list[dict[str, Any]]) -> None:
    """
    Refuse calls without their results, results without their call, and turns of the assistant that say nothing.
    """
    waiting: list[str] = []
    for at, message in enumerate(messages):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                raise refuse(
                    400,
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
                    param=f"messages[{at}].role",
                )
            waiting.remove(message["tool_call_id"])
            continue
        _all_answered(waiting, at)
        if message["role"] == "assistant":
            if not any(name in message for name in ("content", "tool_calls", "function_call", "refusal", "audio")):
                place = f"messages[{at}].content"
                raise refuse(400, "Invalid value for 'content': expected a string, got null.", param=place)
            waiting = [call["id"] for call in message.get("tool_calls", ())]
    _all_answered(waiting, len(messages))


def _all_answered(waiting: list[str], at: int) -> None:
    if waiting:
        text = "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'."
        missing = f"The following tool_call_ids did not have response messages: {', '.join(waiting)}"
        raise refuse(400, f"{text} {missing}", param=f"messages[{at}].role")


def _ask(body: dict[str, Any], model: Model) -> Ask:
    mode, allowed = chosen(body.get("tool_choice", body.get("function_call")))
    wanted = body.get("response_format", {"type": "text"})
    schema = {"json_object": {}, "json_schema": wanted.get("json_schema", {}).get("schema")}.get(wanted["type"])
    return Ask(
        content=body["messages"],
        said=tuple(spoken(body["messages"])),
        tools=offered(body),
        declared=body.get("tools") or body.get("functions") or (),
        choice=mode,
        allowed=allowed,
        parallel=body.get("parallel_tool_calls", True) and "functions" not in body,
        limit=body.get("max_completion_tokens") or body.get("max_tokens"),
        stop=stops(body.get("stop")),
        schema=schema,
        thinks=model.reasons,
        must_think=False if body.get("reasoning_effort") == "none" else None,
        count=body.get("n", 1),
    )


def offered(body: dict[str, Any]) -> tuple[Tool, ...]:
    """
    The tools of a request, old functions among them.
    """
    tools = []
    for tool in body.get("tools", ()):
        function = tool.get("function")
        tools.append(Tool(function["name"], function.get("parameters")) if function else Tool(tool["custom"]["name"], custom=True))
    return (*tools, *(Tool(function["name"], function.get("parameters")) for function in body.get("functions", ())))


def stops(given: str | list[str] | None) -> tuple[str, ...]:
    """
    Stop sequences, given as one or as several.
    """
    return (given,) if isinstance(given, str) else tuple(given or ())


def chosen(choice: Any) -> Choice:
    """
    How tools are to be called, and which of them; no names: any.
    """
    if choice is None or choice == "auto":
        return "auto", ()
    if isinstance(choice, str):
        return ("none", ()) if choice == "none" else ("required", ())
    if choice.get("type") == "allowed_tools":
        some = choice["allowed_tools"]
        names = tuple(name for tool in some["tools"] if (name := (tool.get("function") or tool.get("custom") or {}).get("name")))
        return some["mode"], names
    return "required", ((choice.get("function") or choice.get("custom") or choice)["name"],)


def spoken(messages: list[dict[str, Any]]) -> list[Said]:
    """
    The conversation; pictures and files are looked at, and refused where they are none.
    """
    said: list[Said] = []
    for at, message in enumerate(messages):
        role, content = message["role"], message.get("content")
        texts, media = _content(content, f"messages[{at}].content")
        text = " ".join(texts)
        if role in ("system", "developer"):
            said.append(Said("system", text))
        elif role == "user":
            said.append(Said("user", text, media=media))
        elif role in ("tool", "function"):
            said.append(Said("result", text, message.get("name", ""), message.get("tool_call_id", message.get("name", ""))))
        else:
            said += [Said("assistant", text)] if text or message.get("refusal") else []
            for call in message.get("tool_calls", ()):
                inner = call.get("function") or call["custom"]
                said.append(Said("call", inner.get("arguments", inner.get("input", "")), inner["name"], call["id"]))
            if (old := message.get("function_call")) is not None:
                said.append(Said("call", old["arguments"], old["name"], old["name"]))
    return said


def _content(content: Any, place: str) -> tuple[list[str], tuple[str, ...]]:
    if not isinstance(content, list):
        return [content] if content else [], ()
    texts, media = [], []
    for at, part in enumerate(content):
        where = f"{place}[{at}]"
        match part["type"]:
            case "text":
                texts.append(part["text"])
            case "refusal":
                texts.append(part["refusal"])
            case "image_url":
                media.append(sampling.seen(part["image_url"]["url"], f"{where}.image_url.url"))
            case "file":
                media.append(sampling.file_seen(part["file"], f"{where}.file"))
            case _:
                raise refuse(400, "This model does not support audio input.", param=where, code="invalid_value")
    return texts, tuple(media)
