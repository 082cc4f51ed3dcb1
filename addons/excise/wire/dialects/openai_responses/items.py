"""
`input` and `instructions` of a request, as turns.

Items are flatter than messages: a message, each tool call, each result and each thought is an item of its own. What the model wrote in one
go is a run of items, and becomes one assistant turn, for other dialects demand its calls together; `Turn.raw` of such a run is the list of
its items. Everything else is a turn of its own, whose `raw` is the item, or the string where the source has only that.

Source: OpenAI SDK 3.54 types `response_input_item`, `response_create_params`; recorded traffic; read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from excise.wire.dialects.given import Place, listed, wrong
from excise.wire.dialects.given import text as text_of
from excise.wire.keepsake import unwrap
from excise.wire.neutral import (
    Audio,
    Blob,
    Document,
    FileId,
    Image,
    Json,
    Link,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Role,
    Source,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from excise.wire.sequence import read_arguments

NAME = "openai-responses"

FREE_TEXT = "input"  # the one argument of a tool that takes free text, where it is offered as a function

# A foreign proof without words is one of three things, and its maker wants it back as that. Clients give a summary back as it was, so the
# number of its blank paragraphs tells which.
ATTACHED, REDACTED, WITHHELD = 0, 1, 2

SERVER = "tools.server"
_STORED = frozenset(("item_reference", "compaction", "compaction_trigger", "configuration_update"))
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
_USERS_ENDINGS = ("_output", "_response")  # what the client answers to a call of the model
_USERS = frozenset(("additional_tools", "configuration_update", "compaction_trigger"))
_TEXTS = frozenset(("input_text", "output_text", "text", "summary_text", "reasoning_text"))


def read_turns(body: dict[str, Any]) -> tuple[Turn, ...]:
    """
    The conversation of a request.

    Raises:
        BadRequest: A piece cannot be read; the text names its place.
    """
    turns: list[Turn] = []
    if instructions := text_of(body.get("instructions"), "instructions"):
        turns.append(Turn("system", (Text(text=instructions),), raw=instructions))
    given = body.get("input")
    if type(given) is str:
        turns.append(Turn("user", (Text(text=given),), raw=given))
    elif type(given) is list:
        _items(given, turns)
    elif given is not None:
        raise wrong(("input",), "is neither a text nor a list of items")
    return tuple(turns)


def _items(given: list[Any], turns: list[Turn]) -> None:
    parts: list[Part] = []  # of the run of the model's own items that is open
    run: list[Json] = []
    for index, item in enumerate(given):
        if type(item) is not dict:
            raise wrong(("input", index), "is not an object")
        role, read = _item(item, ("input", index))
        if role == "assistant":
            parts += read
            run.append(item)
            continue
        if run:
            turns.append(Turn("assistant", tuple(parts), raw=run))
            parts, run = [], []
        turns.append(Turn(role, tuple(read), raw=item))
    if run:
        turns.append(Turn("assistant", tuple(parts), raw=run))


def _item(item: dict[str, Any], place: Place) -> tuple[Role, list[Part]]:
    kind = item.get("type")
    if kind is None:
        kind = "message" if "role" in item else "item_reference" if "id" in item else None
    match kind:
        case "message":
            return _message(item, place)
        case "function_call":
            return "assistant", [_call(item, place)]
        case "custom_tool_call":
            return "assistant", [free_text_call(item, _string(item, "name", place), _call_id(item, place))]
        case "function_call_output" | "custom_tool_call_output":
            return "user", [_result(item, place)]
        case "reasoning":
            return "assistant", [read_thought(item)]
        case str():
            users = kind in _USERS or kind.endswith(_USERS_ENDINGS)
            return "user" if users else "assistant", [Opaque(kind="stored_state" if kind in _STORED else SERVER, raw=item)]
        case _:
            raise wrong((*place, "type"), "is not a text")


def _message(item: dict[str, Any], place: Place) -> tuple[Role, list[Part]]:
    name = item.get("role")
    role = _ROLES.get(name) if type(name) is str else None
    if role is None:
        raise wrong((*place, "role"), "is none of user, assistant, system, developer")
    content = item.get("content")
    if type(content) is str:
        return role, [Text(text=content)]
    if content is None:
        return role, []
    return role, read_content(content, (*place, "content"))


def _call(item: dict[str, Any], place: Place) -> ToolCall:
    given = item.get("arguments")
    arguments: Mapping[str, Json] | None = given
    text = None
    if type(given) is not dict:
        arguments, text = read_arguments(text_of(given, *place, "arguments") or "")
    item_id = item.get("id")
    return ToolCall(
        id=_call_id(item, place),
        name=_string(item, "name", place),
        arguments=arguments,
        text=text,
        item_id=item_id if type(item_id) is str else None,
        raw=item,
    )


def free_text_call(item: dict[str, Any], name: str, call_id: str) -> ToolCall:
    """
    The call of a tool that takes free text, as that of a function with one argument.
    """
    text, item_id = item.get("input"), item.get("id")
    arguments = {FREE_TEXT: text if type(text) is str else ""}
    return ToolCall(id=call_id, name=name, arguments=arguments, item_id=item_id if type(item_id) is str else None, raw=item)


def _result(item: dict[str, Any], place: Place) -> ToolResult:
    call_id, output = _call_id(item, place), item.get("output")
    name = item.get("name")
    name = name if type(name) is str else None
    if type(output) is str:
        return ToolResult(call_id=call_id, parts=(Text(text=output),), name=name, raw=item)
    if type(output) is list:
        return ToolResult(call_id=call_id, parts=tuple(read_content(output, (*place, "output"))), name=name, raw=item)
    return ToolResult(call_id=call_id, value=output, name=name, raw=item)


def _call_id(item: dict[str, Any], place: Place) -> str:
    """
    Call and result pair on `call_id`; some clients know the item's own id only.
    """
    for field in ("call_id", "id"):
        found = item.get(field)
        if type(found) is str and found:
            return found
    raise wrong((*place, "call_id"), "is not a text")


def read_thought(item: dict[str, Any]) -> Reasoning:
    """
    A reasoning item. Several paragraphs are joined by an empty line, as they are in a stream; the thought itself goes before its summary.
    """
    text = _paragraphs(item.get("content"))
    summary = "" if text else _paragraphs(item.get("summary"))
    item_id, given = item.get("id"), item.get("encrypted_content")
    origin, signature = unwrap(given) if type(given) is str and given else (None, None)
    silent = signature is not None and not text and not summary
    empty = item.get("summary")
    blanks = len(empty) if silent and origin is not None and type(empty) is list else 0
    return Reasoning(
        text=text or summary,
        signature=signature,
        redacted=silent and (origin is None or blanks == REDACTED),
        summary=bool(summary),
        origin=origin,
        attached=silent and origin is not None and blanks == ATTACHED,
        id=item_id if type(item_id) is str else None,
        raw=item,
    )


def _paragraphs(given: Any) -> str:
    if type(given) is not list:
        return ""
    texts = [part.get("text") for part in given if type(part) is dict]
    return "\n\n".join(text for text in texts if type(text) is str and text)


# -- content parts ---------------------------------------------------------------------------------------------------------------------


def read_content(given: Any, place: Place) -> list[Part]:
    """
    The parts of a message or of a tool's output.
    """
    parts: list[Part] = []
    for index, part in enumerate(listed(given, *place)):
        if type(part) is str:
            parts.append(Text(text=part, raw=part))
        elif type(part) is dict:
            parts.append(_part(part, (*place, index)))
        else:
            raise wrong((*place, index), "is not an object")
    return parts


def _part(part: dict[str, Any], place: Place) -> Part:
    kind = part.get("type")
    if type(kind) is not str:
        raise wrong((*place, "type"), "is not a text")
    cache = _cache(part)
    if kind in _TEXTS:
        cited = part.get("annotations")
        citations = tuple(cited) if type(cited) is list else ()
        return Text(text=_string(part, "text", place), citations=citations, cache=cache, raw=part)
    match kind:
        case "refusal":
            return Refusal(text=_string(part, "refusal", place), cache=cache, raw=part)
        case "input_image":
            detail = part.get("detail")
            return Image(source=_image(part, place), detail=detail if type(detail) is str else None, cache=cache, raw=part)
        case "input_file":
            title = part.get("filename")
            title = title if type(title) is str else None
            return Document(source=_file(part, place, title), title=title, cache=cache, raw=part)
        case "input_audio":
            return Audio(source=_audio(part, place), cache=cache, raw=part)
    # A screenshot, or what comes next year.
    return Opaque(kind=SERVER if kind == "computer_screenshot" else "content", raw=part)


def _cache(part: dict[str, Any]) -> Any:
    mark = part.get("prompt_cache_breakpoint")
    if type(mark) is not dict:
        return None
    return "1h" if mark.get("ttl") == "12h" else "5m"


def _image(part: dict[str, Any], place: Place) -> Source:
    url = part.get("image_url")
    if type(url) is dict:  # as Chat Completions has it
        url = url.get("url")
    if type(url) is str and url:
        return _blob(url, (*place, "image_url")) if url.startswith("data:") else Link(url)
    if (file_id := part.get("file_id")) and type(file_id) is str:
        return FileId(file_id)
    raise wrong(place, "has neither an image_url nor a file_id")


def _file(part: dict[str, Any], place: Place, title: str | None) -> Source:
    data = part.get("file_data")
    if type(data) is str and data:
        if data.startswith("data:"):
            return _blob(data, (*place, "file_data"))
        return Blob(_TYPES.get((title or "").rpartition(".")[2].lower(), "application/pdf"), data)
    for field in ("file_url", "file_id"):
        found = part.get(field)
        if type(found) is str and found:
            return Link(found) if field == "file_url" else FileId(found)
    raise wrong(place, "has neither file_data nor a file_url nor a file_id")


ENDINGS = {
    "application/pdf": "pdf",
    "text/plain": "txt",
    "text/markdown": "md",
    "text/csv": "csv",
    "text/html": "html",
    "application/json": "json",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.ms-excel": "xls",
}
"""Endings of file names, by media type."""

_TYPES = {ending: media_type for media_type, ending in ENDINGS.items()}


def _audio(part: dict[str, Any], place: Place) -> Blob:
    sound = part.get("input_audio", part)
    data = sound.get("data") if type(sound) is dict else None
    form = sound.get("format") if type(sound) is dict else None
    if type(data) is not str or type(form) is not str:
        raise wrong((*place, "input_audio"), "has no data or no format")
    return Blob(f"audio/{'mpeg' if form == 'mp3' else form.lower()}", data)


def _blob(url: str, place: Place) -> Blob:
    head, comma, data = url.partition(",")
    media_type, *parameters = head.removeprefix("data:").lower().split(";")
    if not comma or "base64" not in (parameter.strip() for parameter in parameters):
        raise wrong(place, "is neither a base64 data: URL nor one to fetch from")
    return Blob(media_type.strip() or "text/plain", data)


def _string(item: dict[str, Any], field: str, place: Place) -> str:
    found = item.get(field)
    if type(found) is not str:
        raise wrong((*place, field), "is not a text")
    return found
