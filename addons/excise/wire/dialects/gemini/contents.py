"""
A conversation as Google's `contents`.

Source: the function calling and thought signature pages of the Gemini API, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from excise.wire.dialect import Sent, Target
from excise.wire.dialects.gemini.models import generation
from excise.wire.dialects.gemini.parts import guessed, is_youtube
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
    Turn,
    Video,
)
from excise.wire.tool_ids import made

# From generation 3 on, the first call of every step must bear a signature; this one, which Google documents for histories of other
# models' making, is taken without proof.
NO_PROOF = "skip_thought_signature_validator"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_STRANGE = re.compile(r"[^A-Za-z0-9_.:-]")
_LONGEST_NAME = 64

_FETCHED = "the target fetches the link by itself, and only from places that are public and allow it"
_NOT_INSIDE = "the target's tool results hold bytes of pictures, PDF and plain text only; the rest follows in a content of its own"
# Source: "Multimodal function responses" of the Gemini API's function calling page, read 2026-11.
_INSIDE = frozenset({"image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"})
_FALLBACK = {Image: "image/jpeg", Document: "application/pdf", Audio: "audio/mpeg", Video: "video/mp4"}
_FIELD = {Image: "image", Document: "document", Audio: "audio", Video: "video"}


class ToolNames:
    """
    Names of functions as the target takes them. What had to change is kept in `Sent.tool_names`, so that the answer has the client's.
    """

    __slots__ = ("_losses", "_sent", "_taken", "_written")

    def __init__(self, names: Iterable[str], sent: Sent, losses: Losses) -> None:
        self._sent = sent
        self._losses = losses
        self._written = {name: name for name in names if _NAME.fullmatch(name)}
        self._taken = set(self._written)

    def of(self, name: str) -> str:
        written = self._written.get(name)
        if written is not None:
            return written
        written = name
        if not _NAME.fullmatch(name):
            self._losses.changed("tools.name", "the target's names of functions are 64 letters, digits, _ . : -, beginning with a letter")
            written = _STRANGE.sub("_", name)
            written = written if written[:1].isalpha() or written[:1] == "_" else f"_{written}"
            if len(written) > _LONGEST_NAME or written in self._taken:
                # Of the name alone, so that it is the same in every turn.
                written = f"{written[: _LONGEST_NAME - 9]}_{made(name, 0)[5:13]}"
            self._sent.tool_names[written] = name
        self._written[name] = written
        self._taken.add(written)
        return written


class Contents:
    """
    Writes turns for one target.

    Args:
        target: Where they go.
        names: Of the functions.
        losses: Added to.
        own: The turns are of this dialect: what a part was read from is written back, proofs apart.
    """

    def __init__(self, target: Target, names: ToolNames, losses: Losses, *, own: bool = False) -> None:
        self._target = target
        self._names = names
        self._losses = losses
        self._own = own
        made_by = generation(target.model)
        self._signs = made_by >= (3, 0)
        self.media_in_results = made_by >= (3, 0)

    def write(self, turns: Iterable[Turn]) -> list[dict[str, Json]]:
        """
        Contents for turns as `repair.arrange` leaves them, system turns aside.
        """
        contents: list[dict[str, Json]] = []
        for turn in turns:
            if turn.role == "assistant":
                if parts := self._of_model(turn):
                    contents.append({"role": "model", "parts": parts})
                continue
            results = [part for part in turn.parts if isinstance(part, ToolResult)]
            if results:
                # The number of results is compared with that of the calls, content by content: nothing else goes in with them.
                hoisted: list[Json] = []
                contents.append({"role": "user", "parts": [self._result(result, hoisted) for result in results]})
                if hoisted:
                    contents.append({"role": "user", "parts": hoisted})
            rest = [written for part in turn.parts if not isinstance(part, ToolResult) for written in self._part(part)]
            if rest:
                contents.append({"role": "user", "parts": rest})
        return contents

    def system(self, parts: Iterable[Part]) -> dict[str, Json] | None:
        """
        The system text; `None` where there is none.
        """
        written: list[Json] = []
        for part in parts:
            if isinstance(part, Text | Refusal):
                written.append({"text": part.text})
            else:
                self._losses.dropped("system.parts", "the target's system text is text only")
        return {"parts": written} if written else None

    # -- the model's turns -------------------------------------------------------------------------------------------------------------

    def _of_model(self, turn: Turn) -> list[Json]:
        written: list[Json] = []
        proof: str | None = None  # of the part that follows
        first_call: dict[str, Json] | None = None
        for part in turn.parts:
            if isinstance(part, Reasoning):
                if proof is not None:
                    written.append({"text": "", "thoughtSignature": proof})
                proof = part.signature
                if part.text:
                    thought = {"text": part.text, "thought": True}
                    written.append(thought if proof is None else {**thought, "thoughtSignature": proof})
                    proof = None
                continue
            for one in self._part(part):
                if proof is not None:
                    one["thoughtSignature"] = proof
                    proof = None
                if first_call is None and "functionCall" in one:
                    first_call = one
                written.append(one)
        if proof is not None:
            written.append({"text": "", "thoughtSignature": proof})
        if self._signs and first_call is not None:
            first_call.setdefault("thoughtSignature", NO_PROOF)
        return written

    # -- parts -------------------------------------------------------------------------------------------------------------------------

    def _part(self, part: Part) -> list[dict[str, Json]]:
        if self._own and type(part.raw) is dict:
            return [{key: value for key, value in part.raw.items() if key not in ("thoughtSignature", "thought_signature")}]
        match part:
            case Text(text=text):
                if part.citations:
                    self._losses.dropped("citations", "the target's history has no place for citations")
                return [{"text": text}]
            case Refusal(text=text):
                return [{"text": text}] if text else []
            case ToolCall():
                return [self._call(part)]
            case Document(title=title, context=context):
                return self._document(part, title, context)
            case Image() | Audio() | Video():
                return self._medium(part, part.source)
        return []

    def _call(self, call: ToolCall) -> dict[str, Json]:
        arguments = call.arguments
        if arguments is None:
            self._losses.changed("tools.arguments", "arguments that are no JSON object were given as the text they are")
            arguments = {"input": call.text or ""}
        return {"functionCall": {"id": call.id, "name": self._names.of(call.name), "args": arguments}}

    def _document(self, part: Document, title: str | None, context: str | None) -> list[dict[str, Json]]:
        written: list[dict[str, Json]] = []
        if title is not None:
            self._losses.dropped("document.title", "the target's documents have no title")
        if context is not None:
            self._losses.changed("document.context", "what is said about a document stands in a text before it")
            written.append({"text": context})
        if part.citations:
            self._losses.dropped("citations", "the target does not cite documents")
        return written + self._medium(part, part.source)

    def _medium(self, part: Part, source: Source) -> list[dict[str, Json]]:
        traits = self._target.traits
        field = _FIELD[type(part)]
        if isinstance(source, FileId):
            self._losses.impossible("file_id", "the file is stored at another provider; send its bytes")
            return []
        media_type = source.media_type or ""
        if (isinstance(part, Image) and traits.vision is False) or (isinstance(part, Audio) and traits.audio_in is False):
            self._losses.impossible(field, "the target's model does not take it")
        if traits.pdf is False and isinstance(part, Document) and media_type == "application/pdf":
            self._losses.impossible("document", "the target's model does not read PDF")
        if isinstance(part, Image) and part.detail not in (None, "auto"):
            self._losses.dropped("image.detail", "the target is not told picture by picture how closely to look")
        if isinstance(source, Blob):
            return [{"inlineData": {"mimeType": _usual(media_type), "data": source.data}}]
        return [self._link(part, source, field)]

    def _link(self, part: Part, source: Link, field: str) -> dict[str, Json]:
        if not source.url.startswith("gs://") and not is_youtube(source.url):
            self._losses.changed(f"{field}.url", _FETCHED)
        kind = source.media_type or guessed(source.url)
        if kind is None and not is_youtube(source.url):
            kind = _FALLBACK[type(part)]
        return {"fileData": {"fileUri": source.url} if kind is None else {"mimeType": _usual(kind), "fileUri": source.url}}

    # -- results -----------------------------------------------------------------------------------------------------------------------

    def _result(self, result: ToolResult, hoisted: list[Json]) -> Json:
        if self._own and result.raw is not None:
            return result.raw
        texts: list[str] = []
        inside: list[Json] = []
        for part in result.parts:
            if isinstance(part, Text | Refusal):
                texts.append(part.text)
                continue
            for written in self._part(part):
                blob = written.get("inlineData")
                if self.media_in_results and blob is not None and blob["mimeType"] in _INSIDE:
                    inside.append(written)
                else:
                    self._losses.changed("tool_result.media", _NOT_INSIDE)
                    hoisted.append(written)
        response: dict[str, Any] = {
            "id": result.call_id,
            "name": self._names.of(result.name or "unknown"),
            "response": _response(result, "\n".join(texts)),
        }
        if inside:
            response["parts"] = inside
        return {"functionResponse": response}


def _response(result: ToolResult, text: str) -> dict[str, Json]:
    """
    What a tool gave, as the object the API wants. Source: `FunctionResponse.response` of its reference: an error stands under "error".
    """
    value = result.value
    if result.is_error:
        return {"error": text if value is None else value}
    if value is None:
        return {"result": text}
    whole = type(value) is dict and value.keys().isdisjoint(("error", "output", "result"))
    return value if whole and not text else {"result": value if not text else [text, value]}


def _usual(media_type: str) -> str:
    return "image/jpeg" if media_type == "image/jpg" else media_type or "application/octet-stream"
