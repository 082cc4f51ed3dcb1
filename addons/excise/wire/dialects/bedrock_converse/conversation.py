"""
Turns and system text of another dialect, written as Converse has them.

The conversation comes arranged (`repair.py`): roles alternate, results stand first, nothing is blank. What is left are the rules of single
blocks, and of the families of models that allow less in one turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from excise.wire.dialect import Traits
from excise.wire.dialects.bedrock_converse.blocks import (
    AUDIOS,
    IMAGES,
    VIDEOS,
    document_format,
    is_base64,
    write_media,
    write_source,
)
from excise.wire.dialects.bedrock_converse.models import Takes
from excise.wire.distinct import Distinct
from excise.wire.json_text import json_text
from excise.wire.loss import Losses
from excise.wire.neutral import (
    Audio,
    Document,
    FileId,
    Image,
    Json,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
    Turn,
    Video,
)

type Block = dict[str, Json]

_SEE_DOCUMENT = "See the attached document."
_NO_OUTPUT = "(no output)"
_FAILED = "The tool failed:"
_NOTHING = "(left out)"
_UNNAMED = "document"

_NO_URL = "bedrock takes no {} URLs: send the bytes, or an S3 location"
_NOT_OF_NAME = re.compile(r"[^A-Za-z0-9\-()\[\]]+")
_LONGEST_NAME = 200


def cache_point(lifetime: str, takes: Takes, losses: Losses) -> Block | None:
    """
    A mark that all before it may be cached; `None` where the family has none.
    """
    if takes.caches == "none":
        losses.dropped("cache", "this model has no prompt cache to be marked for")
        return None
    if lifetime != "1h":
        return {"cachePoint": {"type": "default"}}
    if takes.caches == "text":
        losses.clamped("cache", "this model keeps a cache for five minutes only")
        return {"cachePoint": {"type": "default"}}
    return {"cachePoint": {"type": "default", "ttl": "1h"}}


@dataclass(slots=True)
class Writer:
    """
    Writes the conversation of one request.

    Attributes:
        names: Names of tools that are others at the target.
        documents: Names of documents; they may not repeat in a request.
    """

    takes: Takes
    traits: Traits
    losses: Losses
    names: Mapping[str, str] = field(default_factory=dict)
    documents: Distinct = field(default_factory=lambda: Distinct(longest=_LONGEST_NAME, joint=" "))

    def system(self, parts: Iterable[Part]) -> list[Block]:
        blocks: list[Block] = []
        for part in parts:
            if isinstance(part, Text) and part.text.strip():
                blocks.append({"text": part.text})
                self._mark(blocks, part.cache)
        return blocks

    def message(self, turn: Turn) -> Block:
        """
        One message; its content is never empty.
        """
        blocks: list[Block] = []
        for part in turn.parts:
            if type(part) is Text and not part.text.strip():
                continue  # kept for a thought that belongs to it
            block = self.block(part, turn.role)
            if block is None:
                continue
            blocks.append(block)
            if not isinstance(part, Reasoning):
                self._mark(blocks, part.cache or (_cache_inside(part) if isinstance(part, ToolResult) else None))
        if not self.takes.mixes:
            blocks = self._unmixed(blocks)
        if any("document" in block for block in blocks) and not any("text" in block for block in blocks):
            self.losses.changed("document", "bedrock wants text beside a document; a short one was added")
            blocks.insert(next(place for place, block in enumerate(blocks) if "document" in block), {"text": _SEE_DOCUMENT})
        return {"role": turn.role, "content": blocks or [{"text": _NOTHING}]}

    def block(self, part: Part, role: str) -> Block | None:
        """
        One content block; `None` where there is none for it, and the losses say so.
        """
        match part:
            case Text(text=text, citations=citations):
                if citations:
                    self.losses.dropped("citations", "citations of another provider mean nothing to the target")
                return {"text": text}
            case Refusal(text=text):
                return {"text": text} if text.strip() else None
            case ToolCall():
                return self._call(part)
            case ToolResult():
                return self._result(part)
            case Reasoning():
                return _thought(part)
            case Opaque(kind=kind):
                self.losses.impossible(kind, "only the provider it was made for understands it")
                return None
        if role == "assistant":
            self.losses.dropped(_field_of(part), "bedrock takes pictures, sound and documents from the user only")
            return None
        return self._media(part)

    # -- tools -------------------------------------------------------------------------------------------------------------------------

    def _call(self, call: ToolCall) -> Block:
        arguments = call.arguments
        if arguments is None:
            self.losses.changed("tools.arguments", "arguments that are no JSON object were wrapped in one")
            arguments = {"arguments": call.text or ""}
        return {"toolUse": {"toolUseId": call.id, "name": self.names.get(call.name, call.name), "input": arguments}}

    def _result(self, result: ToolResult) -> Block:
        content: list[Block] = []
        if result.value is not None:
            # Anything but an object is refused: "Provide a json object for the field".
            content.append({"json": result.value} if type(result.value) is dict else {"text": json_text(result.value)})
        for part in result.parts:
            if isinstance(part, Text | Refusal):
                if part.text.strip():
                    content.append({"text": part.text})
            elif isinstance(part, Audio):
                self.losses.impossible("tool_result.media", "bedrock's tool results hold no sound")
            elif (block := self._media(part)) is not None:
                content.append(block)
        written: Block = {"toolUseId": result.call_id, "content": content}
        if not content:
            self.losses.changed("tool_result.value", "bedrock takes no empty result; it says that there was no output")
            content.append({"text": _NO_OUTPUT})
        if result.is_error and self.takes.status:
            written["status"] = "error"
        elif result.is_error:
            self.losses.changed("tool_result.is_error", "this model's tool results have no mark for errors; the text says that it is one")
            content.insert(0, {"text": _FAILED})
        return {"toolResult": written}

    def _unmixed(self, blocks: list[Block]) -> list[Block]:
        """
        For models that take either tool blocks or others in one turn: "Conversation blocks and tool result blocks cannot be provided in the
        same turn". What the user says joins the last result; what the model said before a call is left out.
        """
        results = [block for block in blocks if "toolResult" in block]
        calls = [block for block in blocks if "toolUse" in block]
        if len(results) + len(calls) in (0, len(blocks)):
            return blocks
        if calls:
            self.losses.dropped("tools.preamble", "this model takes no text beside a tool call; what was said with the call is left out")
            return calls
        rest = [block for block in blocks if "toolResult" not in block]
        texts = [block for block in rest if "text" in block]
        self.losses.changed("tools.remark", "this model takes no text beside a tool result; the text was put into the result")
        if len(texts) < len(rest):
            self.losses.impossible("tool_result.media", "this model takes no pictures or documents beside a tool result")
        results[-1]["toolResult"]["content"] += texts
        return results

    # -- pictures and the like ---------------------------------------------------------------------------------------------------------

    def _media(self, part: Part) -> Block | None:
        match part:
            case Image(source=source, detail=detail):
                if self.traits.vision is False:
                    self.losses.impossible("image", "the target's model does not see")
                if detail not in (None, "auto"):
                    self.losses.dropped("image.detail", "bedrock cannot be told how closely to look")
                return self._taken("image", source, IMAGES, "bedrock takes PNG, JPEG, GIF and WebP pictures")
            case Document():
                return self._document(part)
            case Video(source=source):
                if not self.takes.film:
                    self.losses.impossible("video", "the target's models do not watch")
                return self._taken("video", source, VIDEOS, "bedrock does not take films of this format")
            case Audio(source=source):
                if not self.takes.sound or self.traits.audio_in is False:
                    self.losses.impossible("audio", "the target's models do not listen")
                return self._taken("audio", source, AUDIOS, "bedrock does not take sound of this format")
        return None

    def _taken(self, kind: str, source: Source, formats: dict[str, str], why: str) -> Block | None:
        if not self._reaches(kind, source):
            return None
        block = write_media(kind, source, formats)
        if block is None:
            self.losses.impossible(kind, why)
        return block

    def _reaches(self, kind: str, source: Source) -> bool:
        if isinstance(source, FileId):
            self.losses.impossible("file_id", "a file that is stored at another provider; send its bytes")
            return False
        if write_source(source) is None:
            self.losses.impossible(f"{kind}.url", _NO_URL.format(kind))
            return False
        return True

    def _document(self, document: Document) -> Block | None:
        source = document.source
        if not self._reaches("document", source):
            return None
        form = document_format(source, document.title)
        if form is None:
            self.losses.impossible("document", "bedrock takes PDF, Word, Excel, CSV, HTML, Markdown and plain text")
            return None
        if form == "pdf" and self.traits.pdf is False:
            self.losses.impossible("document", "the target's model does not read PDF")
        written: Block = {"format": form, "name": self._name(document.title), "source": write_source(source)}
        if document.context:
            written["context"] = document.context
        if document.citations and self.takes.citations:
            written["citations"] = {"enabled": True}
        elif document.citations:
            self.losses.dropped("citations", "this model does not cite")
        return {"document": written}

    def _name(self, title: str | None) -> str:
        """
        A name as Converse wants it: letters, digits, single spaces, hyphens, brackets; no two alike.
        """
        name = _NOT_OF_NAME.sub(" ", title or "").strip()[:_LONGEST_NAME].strip() or _UNNAMED
        unique = self.documents.take(name)
        if title is not None and unique != title:
            self.losses.changed("document.title", "bedrock's names of documents have few characters and do not repeat")
        return unique

    def _mark(self, blocks: list[Block], lifetime: str | None) -> None:
        if lifetime is not None and (point := cache_point(lifetime, self.takes, self.losses)) is not None:
            blocks.append(point)


def _cache_inside(result: ToolResult) -> str | None:
    return next((part.cache for part in result.parts if part.cache is not None), None)


def _thought(thought: Reasoning) -> Block | None:
    if thought.redacted:
        return {"reasoningContent": {"redactedContent": thought.signature}} if is_base64(thought.signature or "") else None
    text: Block = {"text": thought.text}
    if thought.signature is not None:
        text["signature"] = thought.signature
    return {"reasoningContent": {"reasoningText": text}}


def _field_of(part: Part) -> str:
    return type(part).__name__.lower()
