"""
What Mistral refuses beyond the shape of a request, above all the order of roles.

Source: errors as people report them, and the rules Mistral publishes with its tokenisers, read 2026-11.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from excise.standin import schemas
from excise.standin.media import PICTURES, data_url, sniffed
from excise.standin.mistral.errors import disordered, refuse
from excise.standin.models import Model

_AFTER = {
    "system": ("user", "assistant", "system"),
    "user": ("assistant", "system", "user"),
    "assistant": ("assistant", "user", "tool"),
    "tool": ("assistant", "tool"),
}
_ID = re.compile(r"[a-zA-Z0-9]{9}")


def check(body: dict[str, Any], model: Model) -> None:
    """
    All of it.

    Raises:
        Refusal: The first fault.
    """
    messages = body["messages"]
    _check_order(messages)
    _check_calls(messages)
    _check_tools(body)
    if body.get("temperature") == 0 and body.get("top_p") not in (None, 1):
        raise refuse("top_p must be 1 when using greedy sampling.", "invalid_request_top_p", "3051")
    if (body.get("max_tokens") or 0) > model.most:
        raise refuse(f"max_tokens must be at most {model.most}.", "invalid_request_invalid_args", "3051")
    effort = body.get("reasoning_effort")
    if effort is not None and effort not in model.efforts:
        raise refuse(f"reasoning_effort {effort} is not supported for this model.", "invalid_request_invalid_args", "3051")
    if body.get("prompt_mode") and not model.reasons:
        raise refuse("prompt_mode reasoning is not supported for this model.", "invalid_request_invalid_args", "3051")
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        given = wanted.get("json_schema")
        if given is None:
            raise refuse("json_schema must be set when response_format type is json_schema.", "invalid_request_invalid_args", "3051")
        if (fault := schemas.malformed(given["schema"])) is not None:
            raise refuse(f"Invalid JSON schema: {fault}", "invalid_request_invalid_args", "3051")


def _check_order(messages: list[dict[str, Any]]) -> None:
    if not messages:
        raise disordered("Expected last role User or Tool (or Assistant with prefix True) for serving but got none")
    for before, message in pairwise(messages):
        if message["role"] not in _AFTER[before["role"]]:
            raise disordered(f"Unexpected role '{message['role']}' after role '{before['role']}'")
        if before["role"] == "assistant" and before.get("tool_calls") and message["role"] not in ("tool", "assistant"):
            raise disordered("Not the same number of function calls and responses")
    if messages[0]["role"] == "tool":
        raise disordered("Unexpected role 'tool' at the beginning of the conversation")
    last = messages[-1]
    if last["role"] not in ("user", "tool") and not (last["role"] == "assistant" and last.get("prefix")):
        raise disordered(f"Expected last role User or Tool (or Assistant with prefix True) for serving but got {last['role']}")


def _check_calls(messages: list[dict[str, Any]]) -> None:
    waiting: list[str] = []
    for message in messages:
        role = message["role"]
        if role == "tool":
            name = message.get("tool_call_id") or ""
            _check_id(name)
            if name not in waiting:
                raise refuse(f"Unexpected tool call id {name} in tool results", "invalid_request_message_order", "3230")
            waiting.remove(name)
            continue
        if waiting:
            raise disordered("Not the same number of function calls and responses")
        if role == "assistant":
            if not message.get("content") and not message.get("tool_calls"):
                text = "Assistant message must have either content or tool_calls, but not none."
                raise refuse(text, "invalid_request_assistant_message", "3240")
            for call in message.get("tool_calls") or ():
                _check_id(call.get("id", "null"))
                if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", call["function"]["name"]):
                    rule = "must be a-z, A-Z, 0-9, or contain underscores and dashes, with a maximum length of 64."
                    raise refuse(f"Function name was {call['function']['name']} but {rule}", "invalid_function_call", "3290")
                waiting.append(call["id"])
            if len(set(waiting)) != len(waiting):
                raise refuse("Duplicate tool call id in assistant message", "invalid_request_message_order", "3230")
    if waiting:
        raise disordered("Not the same number of function calls and responses")


def _check_id(name: str) -> None:
    if not _ID.fullmatch(name):
        raise refuse(f"Tool call id was {name} but must be a-z, A-Z, 0-9, with a length of 9.", "invalid_function_call", "3280")


def _check_tools(body: dict[str, Any]) -> None:
    tools = [tool["function"] for tool in body.get("tools") or () if "function" in tool]
    choice = body.get("tool_choice")
    if not tools and (choice in ("any", "required") or isinstance(choice, dict)):
        raise refuse("Tool choice requires tools to be set.", "invalid_request_invalid_args", "3051")
    for tool in tools:
        if (fault := schemas.malformed(tool["parameters"])) is not None:
            raise refuse(f"Invalid tool schema for {tool['name']}: {fault}", "invalid_request_tool_schema", "3051")
    names = [tool["name"] for tool in tools]
    if isinstance(choice, dict) and choice["function"]["name"] not in names:
        raise refuse(f"Tool {choice['function']['name']} is not among the tools.", "invalid_request_invalid_args", "3051")


def picture(given: Any) -> str:
    """
    A picture as an answer speaks of it; refused where it is none.
    """
    url = given if isinstance(given, str) else given["url"]
    if url.startswith("https://"):
        return "a picture by URL"
    media = data_url(url)
    if media is None or media.kind not in PICTURES or sniffed(media.data) is None:
        raise refuse("Image, 'image_url', could not be loaded as a valid image.", "invalid_request_file", "3310")
    return media.seen
