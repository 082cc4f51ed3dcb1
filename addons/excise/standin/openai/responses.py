"""
OpenAI's responses: what is refused, what is asked, what is kept.

Source: the OpenAI API reference and recorded errors, read 2026-11.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Literal

from excise.standin import signing
from excise.standin.answers import compose
from excise.standin.ask import Ask, Said, Tool
from excise.standin.call import Reply, Request, json_reply, parsed
from excise.standin.models import Model
from excise.standin.openai import sampling
from excise.standin.openai.errors import known, read, refuse, unsupported
from excise.standin.openai.responses_answer import written
from excise.standin.openai.responses_shapes import COUNT, CREATE, MOVED
from excise.standin.shapes import Shape

MAKER = "openai"
_KEPT = 256  # responses; older ones are forgotten
_PREFIX = {"message": "msg", "function_call": "fc", "reasoning": "rs", "custom_tool_call": "ctc"}
_OUTPUT_OF = {"function_call_output": "function_call", "custom_tool_call_output": "custom_tool_call"}

# What `store` keeps: the conversation up to and with an answer, by the answer's id, and the answer itself.
_stored: OrderedDict[str, tuple[list[Any], dict[str, Any]]] = OrderedDict()


def responses(request: Request) -> Reply:
    """
    POST /v1/responses.
    """
    body = _read(request, CREATE)
    model = known(body)
    items = _checked(body, model)
    answer = compose(_ask(body, model, items))
    reply, whole = written(body, model, answer)
    if body.get("store", True):
        _stored[whole["id"]] = ([*items, *whole["output"]], whole)
        while len(_stored) > _KEPT:
            _stored.popitem(last=False)
    return reply


def stored(request: Request) -> Reply:
    """
    GET and DELETE /v1/responses/{id}.
    """
    name = request.path.rpartition("/")[2]
    if name not in _stored:
        raise refuse(404, f"Response with id '{name}' not found.")
    if request.method == "DELETE":
        del _stored[name]
        return json_reply({"id": name, "object": "response", "deleted": True})
    if request.method != "GET":
        raise refuse(405, f"Not allowed to {request.method} on {request.path}.", code="method_not_supported")
    return json_reply(_stored[name][1])


def input_tokens(request: Request) -> Reply:
    """
    POST /v1/responses/input_tokens.
    """
    body = _read(request, COUNT)
    model = known({"model": "gpt-5-mini", **body})
    items = _checked(body, model)
    return json_reply({"object": "response.input_tokens", "input_tokens": compose(_ask(body, model, items)).input_tokens})


def _read(request: Request, shape: Shape) -> dict[str, Any]:
    try:
        given = parsed(request.body)
    except ValueError:
        given = {}
    for old, new in MOVED.items():
        if isinstance(given, dict) and old in given:
            text = f"Unsupported parameter: '{old}'. In the Responses API, this parameter has moved to '{new}'."
            raise refuse(400, f"{text} Try again with the new parameter.", param=old, code="unsupported_parameter")
    return read(request, shape)


def _checked(body: dict[str, Any], model: Model) -> list[Any]:
    """
    The whole conversation as items, what is stored among it.
    """
    _check_model(model, body)
    _check_tools(body)
    before: list[Any] = []
    if (previous := body.get("previous_response_id")) is not None:
        if previous not in _stored:
            text = f"Previous response with id '{previous}' not found."
            raise refuse(400, text, param="previous_response_id", code="previous_response_not_found")
        before = _stored[previous][0]
    if (conversation := body.get("conversation")) is not None:
        name = conversation if isinstance(conversation, str) else conversation["id"]
        raise refuse(404, f"Conversation with id '{name}' not found.", param="conversation")
    given = body.get("input")
    if given is None or (isinstance(given, str) and not given):
        raise refuse(400, "Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    items = [*before, *([{"role": "user", "content": given}] if isinstance(given, str) else _resolved(given))]
    _check_order(items, len(before))
    wanted = body.get("text", {}).get("format", {"type": "text"})
    if wanted["type"] == "json_object" and not sampling.says_json([given]):
        text = "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'."
        raise refuse(400, text, param="input")
    if wanted["type"] == "json_schema":
        sampling.check_format(wanted["name"], wanted["schema"], bool(wanted.get("strict")), "text.format.schema")
    return items


def _check_model(model: Model, body: dict[str, Any]) -> None:
    reasoning = body.get("reasoning", {})
    effort = reasoning.get("effort")
    sampling.check_effort(model, effort, "reasoning.effort")
    if "summary" in reasoning and not model.reasons:
        raise unsupported("reasoning.summary")
    for name in ("temperature", "top_p", "top_logprobs"):
        if body.get(name) is not None and "sampling" in model.lacks and effort != "none":
            raise unsupported(name)
    sampling.check_limit(model, body.get("max_output_tokens"), "max_output_tokens")
    if "reasoning.encrypted_content" in body.get("include", ()) and not model.reasons:
        raise refuse(400, "Encrypted content is not supported with this model.", param="include")
    if "parallel_tool_calls" in body and "parallel" in model.lacks:
        raise unsupported("parallel_tool_calls")


def _check_tools(body: dict[str, Any]) -> None:
    names = set()
    for at, tool in enumerate(body.get("tools", ())):
        if tool["type"] == "function":
            # Where strictness is not asked for, a schema that is too loose for it is taken as it is.
            sampling.check_parameters(tool["name"], tool.get("parameters"), tool.get("strict") is True, f"tools[{at}].parameters")
        names.add(tool.get("name", tool["type"]))
    for name in _chosen(body.get("tool_choice"))[1]:
        if name not in names:
            raise refuse(400, f"Tool choice '{name}' not found in 'tools' parameter.", param="tool_choice")
    if body.get("tool_choice") == "required" and not names:
        raise refuse(400, "Tool choice 'required' must be specified with 'tools' parameter.", param="tool_choice")


def _resolved(given: list[Any]) -> list[Any]:
    known_items = {item["id"]: item for items, _ in _stored.values() for item in items if "id" in item}
    found = []
    for at, item in enumerate(given):
        kind = item.get("type", "message")
        name = item.get("id")
        prefix = _PREFIX.get(kind)
        if name is not None and prefix and not name.startswith(prefix):
            text = f"Invalid 'input[{at}].id': '{name}'. Expected an ID that begins with '{prefix}'."
            raise refuse(400, text, param=f"input[{at}].id", code="invalid_value")
        if kind == "item_reference" or (kind == "reasoning" and "encrypted_content" not in item):
            if name not in known_items:
                text = f"Item with id '{name}' not found."
                if kind == "reasoning":
                    text += " Items are not persisted when `store` is set to false."
                    text += " Try again with `store` set to true, or remove this item from your input."
                raise refuse(404, text, param="input")
            item = known_items[name] if kind == "item_reference" else item
        elif kind == "reasoning" and not signing.genuine(MAKER, "", item["encrypted_content"]):
            text = f"The encrypted content for item {name} could not be verified."
            text += " Reason: Encrypted content could not be decrypted or parsed."
            raise refuse(400, text, code="invalid_encrypted_content")
        found.append(item)
    return found


def _check_order(items: list[Any], before: int) -> None:
    calls: dict[str, str] = {}
    for at, item in enumerate(items):
        kind = item.get("type", "message")
        if kind in ("function_call", "custom_tool_call"):
            calls[item["call_id"]] = kind
        elif kind in _OUTPUT_OF:
            if calls.get(item["call_id"]) != _OUTPUT_OF[kind]:
                text = f"No tool call found for {kind.removesuffix('_output').replace('_', ' ')} output with call_id {item['call_id']}."
                raise refuse(400, text, param="input")
        elif kind == "reasoning" and at >= before:
            following = items[at + 1] if at + 1 < len(items) else {"role": "user"}
            if following.get("role") in ("user", "system", "developer") or following.get("type") in _OUTPUT_OF:
                text = f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item."
                raise refuse(400, text, param="input")
    answered = {item["call_id"] for item in items if item.get("type") in _OUTPUT_OF}
    missing = [name for name in calls if name not in answered]
    if missing:
        raise refuse(400, f"No tool output found for {calls[missing[0]].replace('_', ' ')} {missing[0]}.", param="input")


def _ask(body: dict[str, Any], model: Model, items: list[Any]) -> Ask:
    mode, allowed = _chosen(body.get("tool_choice"))
    wanted = body.get("text", {}).get("format", {"type": "text"})
    instructions = body.get("instructions")
    said = ([Said("system", instructions)] if instructions else []) + _spoken(items)
    tools = body.get("tools", [])
    given = items if "previous_response_id" in body else body["input"]
    offered = [
        Tool(tool["name"], tool.get("parameters"), tool["type"] == "custom") for tool in tools if tool["type"] in ("function", "custom")
    ]
    return Ask(
        content=[given, instructions] if instructions else [given],
        said=tuple(said),
        tools=tuple(offered),
        declared=tools,
        choice=mode,
        allowed=allowed,
        parallel=body.get("parallel_tool_calls", True),
        limit=body.get("max_output_tokens"),
        schema={"json_object": {}, "json_schema": wanted.get("schema")}.get(wanted["type"]),
        thinks=model.reasons,
        must_think=False if body.get("reasoning", {}).get("effort") == "none" else None,
    )


def _chosen(choice: Any) -> tuple[Literal["auto", "none", "required"], tuple[str, ...]]:
    if choice is None or choice == "auto":
        return "auto", ()
    if isinstance(choice, str):
        return ("none", ()) if choice == "none" else ("required", ())
    if choice["type"] == "allowed_tools":
        return choice["mode"], tuple(tool["name"] for tool in choice["tools"] if "name" in tool)
    return ("required", (choice["name"],)) if "name" in choice else ("auto", ())


def _spoken(items: list[Any]) -> list[Said]:
    said: list[Said] = []
    for at, item in enumerate(items):
        kind = item.get("type", "message")
        if kind == "message":
            text, media = _content(item["content"], f"input[{at}].content")
            who: Literal["system", "user", "assistant"] = {"user": "user", "assistant": "assistant"}.get(item["role"], "system")  # type: ignore[assignment]
            said.append(Said(who, text, media=media))
        elif kind in ("function_call", "custom_tool_call"):
            said.append(Said("call", item.get("arguments", item.get("input", "")), item["name"], item["call_id"]))
        elif kind in _OUTPUT_OF:
            text, media = _content(item["output"], f"input[{at}].output")
            said.append(Said("result", text, id=item["call_id"], media=media))
    return said


def _content(content: Any, place: str) -> tuple[str, tuple[str, ...]]:
    if isinstance(content, str):
        return content, ()
    texts, media = [], []
    for at, part in enumerate(content):
        where = f"{place}[{at}]"
        if "text" in part or "refusal" in part:
            texts.append(part.get("text", part.get("refusal")))
        elif part["type"] == "input_image":
            if part.get("file_id"):
                raise refuse(404, f"No such File object: {part['file_id']}", param="file_id")
            if not part.get("image_url"):
                raise refuse(400, f"Missing required parameter: '{where}.image_url'.", param=where, code="missing_required_parameter")
            media.append(sampling.seen(part["image_url"], f"{where}.image_url"))
        else:
            media.append(sampling.file_seen(part, where))
    return " ".join(texts), tuple(media)
