"""
Turns of a conversation as items of `input`.

Source: OpenAI SDK 3.54 types `response_input_item`; guide "File inputs"; read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from excise.wire.dialect import Target
from excise.wire.dialects.openai_responses.items import ENDINGS, FREE_TEXT, NAME
from excise.wire.dialects.openai_responses.request import free_text_tools
from excise.wire.distinct import Distinct
from excise.wire.json_text import json_text
from excise.wire.loss import Losses
from excise.wire.neutral import (
    Audio,
    Blob,
    Document,
    FileId,
    Image,
    Json,
    Link,
    Part,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Turn,
    Video,
)
from excise.wire.sequence import arguments_text

LONGEST_NAME = 64  # of a tool or a schema
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")

_DETAILS = frozenset(("low", "high", "auto", "original"))
_AUDIO = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


class Names:
    """
    Names of tools as the target takes them, each told apart from the others.
    """

    __slots__ = ("_distinct", "_given", "_losses", "_undo", "free_text")

    def __init__(self, request: Request, undo: dict[str, str], losses: Losses) -> None:
        self.free_text = free_text_tools(request) if request.dialect == NAME else frozenset()
        self._undo = undo
        self._losses = losses
        self._given: dict[str, str] = {tool.name: tool.name for tool in request.tools if _is_plain(tool.name)}
        self._distinct = Distinct(self._given, longest=LONGEST_NAME)

    def at_target(self, name: str) -> str:
        given = self._given.get(name)
        if given is None:
            given = self._given[name] = self._distinct.take(NOT_IN_NAMES.sub("_", name) or "tool")
            if given != name:
                self._undo[given] = name
                self._losses.changed("tools.name", "the target takes letters, digits, _ and - in names of tools, 64 at most")
        return given


def _is_plain(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and NOT_IN_NAMES.search(name) is None


def note_cache(losses: Losses) -> None:
    losses.dropped("cache", "the Responses API caches by itself, without marks")


def drop_thought(losses: Losses) -> None:
    losses.dropped("reasoning.history", "thoughts of another provider's model mean nothing to the target")


def note_name(turn: Turn, losses: Losses) -> None:
    if turn.name is not None:
        losses.dropped("turns.name", "messages of the Responses API have no names")


def note_part(part: Part, losses: Losses) -> None:
    if part.cache is not None:
        note_cache(losses)
    if isinstance(part, Text) and part.citations:
        losses.dropped("citations", "citations of another provider's answer have no place in the request")


# -- turns -----------------------------------------------------------------------------------------------------------------------------


def turn_items(turn: Turn, request: Request, target: Target, losses: Losses, names: Names) -> Iterator[Json]:
    note_name(turn, losses)
    own = request.dialect == NAME
    if turn.role == "assistant":
        yield from _written(turn, target, losses, names, own)
        return
    content: list[Json] = []
    for part in turn.parts:
        note_part(part, losses)
        if isinstance(part, ToolResult):
            if content:
                yield {"type": "message", "role": turn.role, "content": content}
                content = []
            yield _result(part, target, losses, names)
        elif (written := _content(part, target, losses, own)) is not None:
            content.append(written)
    if len(content) == 1 and content[0].keys() == {"type", "text"}:
        yield {"type": "message", "role": turn.role, "content": content[0]["text"]}
    elif content:
        yield {"type": "message", "role": turn.role, "content": content}


def _written(turn: Turn, target: Target, losses: Losses, names: Names, own: bool) -> Iterator[Json]:
    """
    What the model wrote: messages, calls and thoughts in their order. A thought without anything after it is refused by the API.
    """
    message: list[Json] = []
    thoughts: list[Json] = []
    for part in turn.parts:
        note_part(part, losses)
        if isinstance(part, Text | Refusal):
            if not part.text:
                continue
            yield from thoughts
            thoughts = []
            message.append(
                {"type": "output_text", "text": part.text} if isinstance(part, Text) else {"type": "refusal", "refusal": part.text}
            )
            continue
        if message:
            yield {"type": "message", "role": "assistant", "content": message}
            message = []
        if isinstance(part, ToolCall):
            yield from thoughts
            thoughts = []
            yield _call(part, names)
        elif isinstance(part, Reasoning):
            thoughts.append(_thought(part))
        elif own and part.raw is not None:
            yield part.raw
        else:
            losses.impossible(_kind(part), "the Responses API takes no media in the model's own turns")
    if message:
        yield {"type": "message", "role": "assistant", "content": message}
    if thoughts:
        drop_thought(losses)


def _thought(part: Reasoning) -> Json:
    summary = [{"type": "summary_text", "text": part.text}] if part.text else []
    return {"type": "reasoning", "summary": summary, "encrypted_content": part.signature}


def _call(call: ToolCall, names: Names) -> Json:
    name = names.at_target(call.name)
    if call.name in names.free_text and type(text := (call.arguments or {}).get(FREE_TEXT)) is str:
        return {"type": "custom_tool_call", "call_id": call.id, "name": name, "input": text}
    return {"type": "function_call", "call_id": call.id, "name": name, "arguments": arguments_text(call) or "{}"}


def _result(result: ToolResult, target: Target, losses: Losses, names: Names) -> Json:
    output: list[Json] = []
    for part in result.parts:
        note_part(part, losses)
        if (written := _content(part, target, losses, own=False)) is not None:
            output.append(written)
    if result.value is not None:
        output.append({"type": "input_text", "text": json_text(result.value)})
    if result.is_error:
        losses.changed("tool_result.is_error", "tool results of the Responses API have no mark for errors; the text says that it is one")
        if output and output[0]["type"] == "input_text":
            output[0]["text"] = f"Error: {output[0]['text']}"
        else:
            output.insert(0, {"type": "input_text", "text": "Error"})
    kind = "custom_tool_call_output" if result.name in names.free_text else "function_call_output"
    if not output:
        return {"type": kind, "call_id": result.call_id, "output": ""}
    plain = len(output) == 1 and output[0]["type"] == "input_text"
    return {"type": kind, "call_id": result.call_id, "output": output[0]["text"] if plain else output}


def _kind(part: Part) -> str:
    return type(part).__name__.lower()


def _content(part: Part, target: Target, losses: Losses, own: bool) -> Any:
    """
    One part of a message or of a tool's output; `None` for what cannot be said.
    """
    if own and part.raw is not None:
        return part.raw
    match part:
        case Text(text=text) | Refusal(text=text):
            return {"type": "input_text", "text": text}
        case Image():
            return _image(part, target, losses)
        case Document():
            return _file(part, target, losses)
        case Audio():
            return _audio(part, target, losses)
        case Video():
            losses.impossible("video", "the Responses API takes no video")
    return None


def _image(part: Image, target: Target, losses: Losses) -> Json:
    if target.traits.vision is False:
        losses.impossible("image", "the target's model does not see; choose one that does")
        return None
    detail = part.detail if part.detail in _DETAILS else "auto"
    if part.detail is not None and detail != part.detail:
        losses.dropped("image.detail", "the Responses API does not know this level of detail")
    source = part.source
    if isinstance(source, Blob):
        return {"type": "input_image", "image_url": f"data:{source.media_type};base64,{source.data}", "detail": detail}
    if isinstance(source, Link) and _is_web(source):
        return {"type": "input_image", "image_url": source.url, "detail": detail}
    _refuse_source(source, "image.url", losses)
    return None


def _file(part: Document, target: Target, losses: Losses) -> Json:
    source = part.source
    if target.traits.pdf is False and not (isinstance(source, Blob) and source.media_type.startswith("text/")):
        losses.impossible("document", "the target's model does not read documents; choose one that does")
        return None
    if part.context:
        losses.dropped("document.context", "the Responses API has no context beside a document")
    if part.citations:
        losses.dropped("citations", "the Responses API does not cite documents of the request")
    if isinstance(source, Blob):
        data = f"data:{source.media_type};base64,{source.data}"
        return {"type": "input_file", "filename": _file_name(part.title, source.media_type), "file_data": data}
    if isinstance(source, Link) and _is_web(source):
        if part.title:
            losses.dropped("document.title", "a document that is fetched has no name of its own there")
        return {"type": "input_file", "file_url": source.url}
    _refuse_source(source, "document.url", losses)
    return None


def _file_name(title: str | None, media_type: str) -> str:
    """
    The API tells kinds of files by their ending.
    """
    name = title or "document"
    ending = ENDINGS.get(media_type, "txt" if media_type.startswith("text/") else "")
    _, dot, given = name.rpartition(".")
    return name if not ending or (dot and given.isalnum() and len(given) <= 5) else f"{name}.{ending}"


def _audio(part: Audio, target: Target, losses: Losses) -> Json:
    source = part.source
    form = _AUDIO.get(source.media_type) if isinstance(source, Blob) else None
    if form is None or target.traits.audio_in is False:
        losses.impossible("audio", "the target takes sound as WAV or MP3 in the request, if its model hears at all")
        return None
    assert isinstance(source, Blob)
    return {"type": "input_audio", "input_audio": {"data": source.data, "format": form}}


def _is_web(link: Link) -> bool:
    return link.url.startswith(("https://", "http://"))


def _refuse_source(source: Any, field: str, losses: Losses) -> None:
    if isinstance(source, FileId):
        losses.impossible("file_id", "a stored file is known to its own provider only; send its content")
    else:
        losses.impossible(field, "the target fetches from the web only; send the content")
