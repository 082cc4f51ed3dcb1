"""
The messages of a chat request, read as turns.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from excise.wire.dialects.given import Place, fields, listed, text, wrong
from excise.wire.dialects.openai_chat.parts import cache_mark, read_content
from excise.wire.dialects.openai_chat.thoughts import read_thoughts
from excise.wire.neutral import Opaque, Part, Refusal, Text, ToolCall, ToolResult, Turn
from excise.wire.sequence import read_arguments
from excise.wire.tool_ids import made

_SYSTEM = frozenset(("system", "developer"))


def read_messages(messages: Any) -> tuple[Turn, ...]:
    """
    One turn a message. Results of tools are turns of the user.

    Raises:
        BadRequest: Something cannot be read; the text names the place.
    """
    if type(messages) is not list:
        raise wrong(("messages",), "is not a list")
    old = _OldCalls()
    return tuple(_turn(message, ("messages", index), old) for index, message in enumerate(messages))


class _OldCalls:
    """
    Ids for the calls of the first tool form (`function_call`, role `function`), which has none: a result belongs to the latest call of
    its name.
    """

    __slots__ = ("_made", "_waiting")

    def __init__(self) -> None:
        self._made = 0
        self._waiting: list[tuple[str, str]] = []

    def called(self, name: str) -> str:
        id_ = made("history", self._made)
        self._made += 1
        self._waiting.append((name, id_))
        return id_

    def answered(self, name: str) -> str:
        for place in range(len(self._waiting) - 1, -1, -1):
            if self._waiting[place][0] == name:
                return self._waiting.pop(place)[1]
        self._made += 1
        return made("history", self._made - 1)


def _turn(message: Any, place: Place, old: _OldCalls) -> Turn:
    if type(message) is not dict:
        raise wrong(place, "is not an object")
    role = message.get("role")
    name = text(message["name"], *place, "name") if "name" in message else None
    if role == "user":
        return Turn("user", _marked(read_content(message.get("content"), (*place, "content")), message), name, message)
    if role == "assistant":
        return Turn("assistant", _marked(_assistant(message, place, old), message), name, message)
    if type(role) is str and role in _SYSTEM:
        return Turn("system", _marked(read_content(message.get("content"), (*place, "content")), message), name, message)
    if role == "tool" or role == "function":
        return _result(message, place, name, old)
    raise wrong((*place, "role"), "is none of system, developer, user, assistant, tool")


def _marked(parts: tuple[Part, ...], message: dict[str, Any]) -> tuple[Part, ...]:
    """
    A cache mark on the message is one behind its last part.
    """
    mark = cache_mark(message)
    if mark is None or not parts or parts[-1].cache is not None:
        return parts
    return (*parts[:-1], replace(parts[-1], cache=mark))


def _result(message: dict[str, Any], place: Place, name: str | None, old: _OldCalls) -> Turn:
    given = text(message.get("tool_call_id"), *place, "tool_call_id")
    id_ = given or old.answered(name or "")
    parts = read_content(message.get("content"), (*place, "content"))
    return Turn("user", (ToolResult(call_id=id_, parts=parts, name=name, raw=message, cache=cache_mark(message)),), None, message)


# -- assistant -------------------------------------------------------------------------------------------------------------------------


def _assistant(message: dict[str, Any], place: Place, old: _OldCalls) -> tuple[Part, ...]:
    content = message.get("content")
    if len(message) == 2 and type(content) is str and content:
        return (Text(text=content, raw=content),)  # role and content: most of every conversation
    parts: list[Part] = list(read_thoughts(message))
    if content != "":  # beside calls, some clients write it for nothing
        parts += read_content(content, (*place, "content"))
    refusal = text(message.get("refusal"), *place, "refusal")
    if refusal:
        parts.append(Refusal(text=refusal))
    if message.get("audio") is not None:
        parts.append(Opaque(kind="audio", raw=message["audio"]))
    for index, call in enumerate(listed(message.get("tool_calls"), *place, "tool_calls")):
        parts.append(_call(call, (*place, "tool_calls", index), index))
    function = message.get("function_call")
    if function is not None:
        parts.append(_old_call(fields(function, *place, "function_call"), place, old))
    return tuple(parts)


def _call(call: Any, place: Place, index: int) -> Part:
    if type(call) is not dict:
        raise wrong(place, "is not an object")
    if call.get("type", "function") != "function" and call.get("function") is None:
        return Opaque(kind="tools.custom", raw=call)
    function = fields(call.get("function"), *place, "function")
    name = text(function.get("name"), *place, "function", "name")
    if not name:
        raise wrong((*place, "function", "name"), "is not a name")
    arguments, given = _arguments(function.get("arguments"), (*place, "function", "arguments"))
    id_ = text(call.get("id"), *place, "id") or made("history/" + name, index)
    return ToolCall(id=id_, name=name, arguments=arguments, text=given, raw=call, cache=cache_mark(call))


def _old_call(function: dict[str, Any], place: Place, old: _OldCalls) -> Part:
    name = text(function.get("name"), *place, "function_call", "name") or ""
    arguments, given = _arguments(function.get("arguments"), (*place, "function_call", "arguments"))
    return ToolCall(id=old.called(name), name=name, arguments=arguments, text=given, raw=function)


def _arguments(value: Any, place: Place) -> tuple[Any, str | None]:
    if type(value) is dict:
        return value, None
    return read_arguments(text(value, *place) or "")
