"""
Parts written as content blocks, as the provider takes them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from excise.wire.dialect import Target
from excise.wire.dialects.anthropic_messages.blocks import Cache
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
    Source,
    Text,
    ToolCall,
    ToolResult,
    Video,
)
from excise.wire.tool_ids import WORD, fit

_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_PDF = "application/pdf"
_TEXTUAL = frozenset({"application/json", "application/xml", "application/yaml", "application/x-yaml", "application/javascript"})


@dataclass(slots=True)
class Page:
    """
    What is being written, and what is known while it is written.

    Attributes:
        names: Name of a tool -> its name at the target, where that is another one.
        marks: Blocks that carry a cache mark, in the order the provider reads them: tools, system, messages.
        cites: Documents may ask for citations.
    """

    target: Target
    losses: Losses
    vertex: bool = False
    names: dict[str, str] = field(default_factory=dict)
    marks: list[dict[str, Any]] = field(default_factory=list)
    cites: bool = True

    def marked(self, block: dict[str, Any], cache: Cache | None) -> dict[str, Any]:
        if cache is not None:
            block["cache_control"] = {"type": "ephemeral", "ttl": "1h"} if cache == "1h" else {"type": "ephemeral"}
            self.marks.append(block)
        return block


def write_block(part: Part, page: Page) -> dict[str, Any] | None:
    """
    A part in the target's words; `None` where it has none, and `page.losses` says so.
    """
    if isinstance(part, Text | Refusal):
        return page.marked({"type": "text", "text": part.text}, part.cache)
    if isinstance(part, ToolCall):
        return page.marked(_call(part, page), part.cache)
    if isinstance(part, ToolResult):
        return page.marked(_result(part, page), part.cache)
    if isinstance(part, Reasoning):
        if part.redacted:
            return {"type": "redacted_thinking", "data": part.signature}
        return {"type": "thinking", "thinking": part.text, "signature": part.signature or ""}
    block: dict[str, Any] | None = None
    if isinstance(part, Image):
        block = _written_image(part, page)
    elif isinstance(part, Document):
        block = _written_document(part, page)
    elif isinstance(part, Audio):
        page.losses.impossible("audio", "the target's models do not listen")
    elif isinstance(part, Video):
        page.losses.impossible("video", "the target's models do not watch")
    return page.marked(block, part.cache) if block is not None else None


def _call(call: ToolCall, page: Page) -> dict[str, Any]:
    arguments: Mapping[str, Json] | None = call.arguments
    if arguments is None:
        arguments = {"arguments": call.text or ""}
        page.losses.changed("tools.arguments", "arguments in the history that are no JSON object were put into one")
    return {"type": "tool_use", "id": fit(call.id, WORD), "name": page.names.get(call.name, call.name), "input": arguments}


def _result(result: ToolResult, page: Page) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": fit(result.call_id, WORD)}
    parts = result.parts
    if result.value is not None:
        # JSON as text is how every tool of this dialect answers.
        parts = (Text(text=result.value if isinstance(result.value, str) else json_text(result.value)), *parts)
    if len(parts) == 1 and type(parts[0]) is Text and parts[0].cache is None:
        block["content"] = parts[0].text
    elif parts:
        block["content"] = [written for part in parts if (written := write_block(part, page)) is not None]
    if result.is_error:
        _mark_error(block, page)
    return block


def _mark_error(block: dict[str, Any], page: Page) -> None:
    content = block.get("content")
    if isinstance(content, list) and any(inner["type"] != "text" for inner in content):
        # Source: the API's own error, "all content must be type `text` if `is_error` is true", read 2026-11.
        content.insert(0, {"type": "text", "text": "The tool failed."})
        page.losses.changed("tool_result.is_error", "a failed result may hold only text at the target; that it failed is said in words")
    else:
        block["is_error"] = True


def _written_image(image: Image, page: Page) -> dict[str, Any] | None:
    if page.target.traits.vision is False:
        page.losses.impossible("image", "the target's model does not see pictures")
        return None
    if image.detail not in (None, "auto"):
        page.losses.dropped("image.detail", "the target looks at every picture alike")
    source = image.source
    if isinstance(source, Blob):
        media_type = "image/jpeg" if source.media_type == "image/jpg" else source.media_type
        if media_type not in _IMAGES:
            page.losses.impossible("image", "the target reads JPEG, PNG, GIF and WebP")
            return None
        return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": source.data}}
    linked = _linked(source, "image.url", page)
    return {"type": "image", "source": linked} if linked is not None else None


def _linked(source: Link | FileId, loss: str, page: Page) -> dict[str, Any] | None:
    if isinstance(source, FileId):
        page.losses.impossible("file_id", "a file stored at one provider means nothing to another; send its bytes")
    elif page.vertex or not source.url.lower().startswith("https://"):
        page.losses.impossible(loss, "the target cannot fetch from there; send the bytes")
    else:
        return {"type": "url", "url": source.url}
    return None


def _written_document(document: Document, page: Page) -> dict[str, Any] | None:
    source = _document_source(document.source, page)
    if source is None:
        return None
    block: dict[str, Any] = {"type": "document", "source": source}
    if document.title:
        block["title"] = document.title
    if document.context:
        block["context"] = document.context
    if document.citations:
        if page.cites:
            block["citations"] = {"enabled": True}
        else:
            page.losses.dropped("citations", "the target does not cite in an answer that has to keep to a schema")
    return block


def _document_source(source: Source, page: Page) -> dict[str, Any] | None:
    media_type = source.media_type
    if isinstance(source, Blob) and media_type != _PDF:
        return _text_source(source, page)
    if page.target.traits.pdf is False:
        page.losses.impossible("document", "the target's model does not read PDF")
        return None
    if isinstance(source, Blob):
        return {"type": "base64", "media_type": _PDF, "data": source.data}
    if media_type not in (None, _PDF):
        page.losses.impossible("document.url", "the target fetches nothing but PDF; send the text itself")
        return None
    return _linked(source, "document.url", page)


def _text_source(blob: Blob, page: Page) -> dict[str, Any] | None:
    if blob.media_type.startswith("text/") or blob.media_type in _TEXTUAL or blob.media_type.endswith(("+json", "+xml")):
        try:
            return {"type": "text", "media_type": "text/plain", "data": base64.b64decode(blob.data).decode()}
        except (binascii.Error, ValueError):
            page.losses.impossible("document", "the document says that it is text, and is not UTF-8 in base64")
            return None
    page.losses.impossible("document", "the target reads PDF and plain text")
    return None
