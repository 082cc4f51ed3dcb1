"""
Content blocks of a request, read into parts.

What only Anthropic understands (its own tools and their results, compacted history) becomes `Opaque`. A search result that the client
gives is a document with a title and a source, and crosses as one.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Literal

from excise.wire.keepsake import unwrap
from excise.wire.neutral import (
    Blob,
    Document,
    FileId,
    Image,
    Json,
    Link,
    Opaque,
    Part,
    Reasoning,
    Source,
    Text,
    ToolCall,
    ToolResult,
)

MESSAGES = "anthropic-messages"
VERTEX = "anthropic-vertex"
FAMILY = frozenset({MESSAGES, VERTEX})  # the same words: what one of them said, the other understands

type Cache = Literal["5m", "1h"]


class Misread(Exception):
    """
    A value is not what its place demands. `at` grows on the way out (`[2].content[0].text`); never a byte of the value.
    """

    def __init__(self, at: str, what: str) -> None:
        super().__init__(f"{at}: {what}")
        self.at = at
        self.what = what

    def under(self, at: str) -> Misread:
        return Misread(at + self.at, self.what)


# -- values ----------------------------------------------------------------------------------------------------------------------------


def text_of(block: Mapping[str, Json], name: str) -> str:
    """
    A member that has to be text.
    """
    value = block.get(name)
    if type(value) is not str:
        raise Misread(f".{name}", "has to be text")
    return value


def maybe_text(block: Mapping[str, Json], name: str) -> str | None:
    """
    A member that is text, or absent.
    """
    value = block.get(name)
    if value is not None and type(value) is not str:
        raise Misread(f".{name}", "has to be text")
    return value


def object_of(block: Mapping[str, Json], name: str) -> dict[str, Any]:
    """
    A member that has to be an object.
    """
    value = block.get(name)
    if type(value) is not dict:
        raise Misread(f".{name}", "has to be an object")
    return value


def cache_of(block: Mapping[str, Json]) -> Cache | None:
    """
    The lifetime of the cache mark behind a block; `None` where there is none.
    """
    mark = block.get("cache_control")
    if mark is None:
        return None
    if type(mark) is not dict:
        raise Misread(".cache_control", "has to be an object")
    return "1h" if mark.get("ttl") == "1h" else "5m"


# -- blocks into parts -----------------------------------------------------------------------------------------------------------------


def read_content(content: Json, *, inside: bool = False) -> tuple[Part, ...]:
    """
    The parts of a message's, a system text's or a tool result's content: text, or a list of blocks.

    Args:
        inside: Of a tool result, which holds no calls and no further results.

    Raises:
        Misread: A block cannot be read; `at` says which.
    """
    if type(content) is str:
        return (Text(text=content),)
    if type(content) is not list:
        raise Misread("", "has to be text or a list of blocks")
    parts = []
    readers = _INSIDE if inside else _READERS
    for index, block in enumerate(content):
        try:
            if type(block) is not dict:
                raise Misread("", "has to be an object")
            kind = block.get("type")
            read = readers.get(kind) if type(kind) is str else None
            parts.append(read(block) if read is not None else _unknown(block, kind))
        except Misread as fault:
            raise fault.under(f"[{index}]") from None
    return tuple(parts)


def _text(block: dict[str, Any]) -> Part:
    text = block.get("text")
    if type(text) is not str:
        raise Misread(".text", "has to be text")
    if len(block) == 2:
        return Text(text=text, raw=block)
    citations = block.get("citations")
    if citations is not None and type(citations) is not list:
        raise Misread(".citations", "has to be a list")
    return Text(text=text, citations=tuple(citations or ()), cache=cache_of(block), raw=block)


def _image(block: dict[str, Any]) -> Part:
    source = _source(object_of(block, "source"))
    if source is None:
        return Opaque(kind="image", raw=block)
    return Image(source=source, cache=cache_of(block), raw=block)


def _document(block: dict[str, Any]) -> Part:
    given = object_of(block, "source")
    source = _source(given)
    if source is None:
        plain = _plain(given)
        if plain is None:
            return Opaque(kind="document", raw=block)
        source = _text_blob(plain)
    return Document(
        source=source,
        title=maybe_text(block, "title"),
        context=maybe_text(block, "context"),
        citations=_cites(block),
        cache=cache_of(block),
        raw=block,
    )


def _search_result(block: dict[str, Any]) -> Part:
    plain = _plain(block)
    if plain is None:
        return Opaque(kind="document", raw=block)
    return Document(
        source=_text_blob(plain),
        title=maybe_text(block, "title"),
        context=maybe_text(block, "source"),
        citations=_cites(block),
        cache=cache_of(block),
        raw=block,
    )


def _cites(block: Mapping[str, Json]) -> bool:
    wanted = block.get("citations")
    if wanted is not None and type(wanted) is not dict:
        raise Misread(".citations", "has to be an object")
    return wanted is not None and wanted.get("enabled") is True


def _source(source: dict[str, Any]) -> Source | None:
    """
    Where a picture's or a file's bytes are; `None` where the source holds text, or is of a kind nobody knows.
    """
    try:
        match source.get("type"):
            case "base64":
                return Blob(_media_type(text_of(source, "media_type")), text_of(source, "data"))
            case "url":
                return Link(text_of(source, "url"))
            case "file":
                return FileId(text_of(source, "file_id"))
            case _:
                return None
    except Misread as fault:
        raise fault.under(".source") from None


def _media_type(said: str) -> str:
    return said.partition(";")[0].strip().lower()


def _plain(source: Mapping[str, Json]) -> str | None:
    """
    The text of a source that holds text: `data`, or `content` as text or text blocks. `None` where there is more than text in it.
    """
    if source.get("type") == "text":
        try:
            return text_of(source, "data")
        except Misread as fault:
            raise fault.under(".source") from None
    content = source.get("content")
    if type(content) is str:
        return content
    if type(content) is not list:
        return None
    texts: list[str] = []
    for block in content:
        text = block.get("text") if type(block) is dict and block.get("type") == "text" else None
        if type(text) is not str:
            return None
        texts.append(text)
    return "\n\n".join(texts)


def _text_blob(text: str) -> Blob:
    return Blob("text/plain", base64.b64encode(text.encode("utf-8", "replace")).decode())


def _thinking(block: dict[str, Any]) -> Part:
    text = text_of(block, "thinking")
    signature = maybe_text(block, "signature")
    origin = None
    if signature:
        origin, signature = unwrap(signature)
    # A foreign proof without words was tied to the part behind it: `answer.py` writes no other kind so.
    return Reasoning(text=text, signature=signature or None, origin=origin, attached=not text and origin is not None, raw=block)


def _redacted(block: dict[str, Any]) -> Part:
    origin, data = unwrap(text_of(block, "data"))
    return Reasoning(signature=data, redacted=True, origin=origin, raw=block)


def _tool_use(block: dict[str, Any]) -> Part:
    return ToolCall(
        id=text_of(block, "id"), name=text_of(block, "name"), arguments=object_of(block, "input"), cache=cache_of(block), raw=block
    )


def _tool_result(block: dict[str, Any]) -> Part:
    content, is_error = block.get("content"), block.get("is_error")
    if is_error is not None and type(is_error) is not bool:
        raise Misread(".is_error", "has to be true or false")
    try:
        parts = read_content(content, inside=True) if content is not None else ()
    except Misread as fault:
        raise fault.under(".content") from None
    return ToolResult(call_id=text_of(block, "tool_use_id"), parts=parts, is_error=bool(is_error), cache=cache_of(block), raw=block)


def _unknown(block: dict[str, Any], kind: Json) -> Part:
    if type(kind) is not str:
        raise Misread(".type", "has to be text")
    return opaque(block, kind)


def opaque(block: dict[str, Any], kind: str) -> Opaque:
    """
    A block that means nothing outside of this family.
    """
    if kind == "compaction":
        # A compaction that failed holds nothing, and the provider takes it for nothing.
        return Opaque(kind="compaction", vital=block.get("content") is not None, raw=block)
    if kind == "fallback":
        return Opaque(kind="fallback", vital=False, raw=block)
    if kind.endswith(("_tool_use", "_tool_result")) or kind in _SERVER_SIDE:
        return Opaque(kind="tools.server", raw=block)
    return Opaque(kind="content", raw=block)


_SERVER_SIDE = frozenset({"container_upload", "tool_reference", "browser_state", "mcp_tool_listing", "tool_addition", "tool_removal"})

_INSIDE: dict[str, Callable[[dict[str, Any]], Part]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
}
_READERS: dict[str, Callable[[dict[str, Any]], Part]] = {
    **_INSIDE,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
}
