"""
Content parts of chat messages, both ways.

Read are the forms of OpenAI and those that other providers of the dialect added: video, audio by URL, Mistral's documents, files and
thoughts. A part that nobody here knows becomes `Opaque`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from excise.wire.dialects.chat_flavours import Flavour
from excise.wire.dialects.given import Place, fields, text, wrong
from excise.wire.loss import Losses
from excise.wire.neutral import (
    Audio,
    Blob,
    Document,
    FileId,
    Image,
    Link,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    Video,
)

type Mark = Literal["5m", "1h"] | None

# Names of `input_audio.format`; the first of a media type is the one that is written.
_AUDIO_FORMATS = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "opus": "audio/opus",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
    "pcm16": "audio/pcm",
    "webm": "audio/webm",
}
_AUDIO_NAMES = {media_type: name for name, media_type in _AUDIO_FORMATS.items()} | {
    "audio/x-wav": "wav",
    "audio/mp3": "mp3",
    "audio/wave": "wav",
}

# First letters of the base64 of files, for servers that take it without saying what it is.
_SNIFFED = (
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
    ("JVBERi0", "application/pdf"),
    ("UEsDB", "application/zip"),  # which office files are
)
_LOOSE = "application/octet-stream"


# -- reading ---------------------------------------------------------------------------------------------------------------------------


def read_content(content: Any, place: Place) -> tuple[Part, ...]:
    """
    The content of a message: a text, a list of parts, or nothing.

    Raises:
        BadRequest: It is something else, or a part of it cannot be read.
    """
    if type(content) is str:
        return (Text(text=content, raw=content),)
    if content is None:
        return ()
    if type(content) is not list:
        raise wrong(place, "is neither a text nor a list of parts")
    return tuple(read_part(part, (*place, index)) for index, part in enumerate(content))


def read_part(part: Any, place: Place) -> Part:
    """
    One part of a message's content.

    Raises:
        BadRequest: It is no object, or a field of it has another type than it must have.
    """
    if type(part) is str:
        return Text(text=part, raw=part)
    if type(part) is not dict:
        raise wrong(place, "is not an object")
    kind = part.get("type")
    cache = cache_mark(part)
    match kind:
        case "text" | "input_text" | "output_text":
            return Text(text=_must(part.get("text"), *place, "text"), raw=part, cache=cache)
        case "image_url" | "input_image":
            url, more = _address(part, "image_url", place)
            return Image(source=source_of(url, "image/png"), detail=text(more.get("detail"), *place, "detail"), raw=part, cache=cache)
        case "input_audio":
            return Audio(source=_audio(part, place), raw=part, cache=cache)
        case "audio_url":
            return Audio(source=source_of(_address(part, "audio_url", place)[0], "audio/wav"), raw=part, cache=cache)
        case "video_url":
            return Video(source=source_of(_address(part, "video_url", place)[0], "video/mp4"), raw=part, cache=cache)
        case "file":
            return _file(part, place, cache)
        case "document_url":
            url, _ = _address(part, "document_url", place)
            title = text(part.get("document_name"), *place, "document_name")
            return Document(source=source_of(url, "application/pdf"), title=title, raw=part, cache=cache)
        case "file_url":
            url, more = _address(part, "file_url", place)
            title = text(more.get("file_name"), *place, "file_name") or text(part.get("file_name"), *place, "file_name")
            return Document(source=source_of(url, "application/pdf"), title=title, raw=part, cache=cache)
        case "refusal":
            return Refusal(text=_must(part.get("refusal"), *place, "refusal"), raw=part)
        case "thinking":
            return Reasoning(text=thinking_text(part), signature=_given_text(part.get("signature")), raw=part)
        case "reference":
            return Opaque(kind="citations", vital=False, raw=part)
    return Opaque(kind="content", raw=part, cache=cache)


def cache_mark(given: dict[str, Any]) -> Mark:
    """
    The lifetime of a cache mark on a part, message or tool: `cache_control` as several gateways take it from Anthropic, or OpenAI's own
    `prompt_cache_breakpoint`, whose shortest lifetime of half an hour counts as the short one. `None`: no mark.
    """
    if "cache_control" in given and type(mark := given["cache_control"]) is dict:
        return "1h" if mark.get("ttl") == "1h" else "5m"
    if "prompt_cache_breakpoint" in given and type(mark := given["prompt_cache_breakpoint"]) is dict:
        return "1h" if mark.get("ttl") == "12h" else "5m"
    return None


def thinking_text(part: dict[str, Any]) -> str:
    """
    The text of a thought as Mistral writes it: a list of texts, or a text.
    """
    thinking = part.get("thinking")
    if type(thinking) is str:
        return thinking
    if type(thinking) is not list:
        return ""
    return "".join(piece["text"] for piece in thinking if type(piece) is dict and type(piece.get("text")) is str)


def source_of(address: str, media_type: str) -> Source:
    """
    Where a URL points: bytes for a `data:` URL (base64 or not) or for base64 without any, else a link.

    Args:
        media_type: Where neither the URL nor the bytes say it.
    """
    if address[:5].lower() == "data:":
        comma = address.find(",")
        head, data = (address[5:comma], address[comma + 1 :]) if comma >= 0 else (address[5:], "")
        kind, *parameters = head.split(";")
        kind = kind.strip().lower() or _sniffed(data) or media_type
        if any(parameter.strip().lower() == "base64" for parameter in parameters):
            return Blob(kind, data.strip())
        return Blob(kind, base64.b64encode(unquote_to_bytes(data.encode("utf-8", "surrogatepass"))).decode())
    if "://" in address[:16]:
        return Link(address)
    return Blob(_sniffed(address) or media_type, address)


def _sniffed(data: str) -> str | None:
    return next((kind for start, kind in _SNIFFED if data.startswith(start)), None)


def _must(value: Any, *place: str | int) -> str:
    if type(value) is not str:
        raise wrong(place, "is not a text")
    return value


def _given_text(value: Any) -> str | None:
    return value if type(value) is str and value else None


def _address(part: dict[str, Any], name: str, place: Place) -> tuple[str, dict[str, Any]]:
    """
    The URL under `name`, given as a text or in an object, and that object.
    """
    value = part.get(name)
    if type(value) is str:
        return value, part
    inner = fields(value, *place, name)
    return _must(inner.get("url"), *place, name, "url"), inner


def _audio(part: dict[str, Any], place: Place) -> Source:
    value = part.get("input_audio")
    if type(value) is str:
        return source_of(value, "audio/wav")
    inner = fields(value, *place, "input_audio")
    form = text(inner.get("format"), *place, "input_audio", "format")
    data = _must(inner.get("data"), *place, "input_audio", "data")
    kind = _AUDIO_FORMATS.get((form or "wav").lower(), f"audio/{form}" if form and form.isalnum() else "audio/wav").lower()
    source = source_of(data, kind)
    return Blob(kind, source.data) if isinstance(source, Blob) else source


def _file(part: dict[str, Any], place: Place, cache: Mark) -> Part:
    inner = part if "file" not in part else fields(part.get("file"), *place, "file")
    title = text(inner.get("filename"), *place, "file", "filename")
    data, file_id = inner.get("file_data"), inner.get("file_id")
    if data is not None:
        return Document(source=source_of(_must(data, *place, "file", "file_data"), "application/pdf"), title=title, raw=part, cache=cache)
    if file_id is not None:
        return Document(source=FileId(_must(file_id, *place, "file", "file_id")), title=title, raw=part, cache=cache)
    return Opaque(kind="document", raw=part, cache=cache)


# -- reading what providers send -------------------------------------------------------------------------------------------------------


def answered_parts(content: list[Any]) -> list[Part]:
    """
    The content of an answer that comes as a list of parts; what has another form is passed over.
    """
    parts: list[Part] = []
    for part in content:
        if type(part) is str:
            parts.append(Text(text=part, raw=part))
            continue
        if type(part) is not dict:
            continue
        kind = part.get("type")
        if kind in ("text", "output_text") and type(part.get("text")) is str:
            parts.append(Text(text=part["text"], raw=part))
        elif kind == "thinking":
            parts.append(Reasoning(text=thinking_text(part), signature=_given_text(part.get("signature")), raw=part))
        elif kind == "reasoning":  # Databricks
            parts += _summaries(part)
        elif kind == "refusal" and type(part.get("refusal")) is str:
            parts.append(Refusal(text=part["refusal"], raw=part))
        elif kind == "reference":
            _cite(parts, part)
        elif kind == "image_url" and (image := answered_image(part)) is not None:
            parts.append(image)
        elif type(kind) is str:
            parts.append(Opaque(kind="content", vital=False, raw=part))
    return parts


def answered_image(part: Any) -> Image | None:
    """
    A picture the model made, as routers give it.
    """
    value = part.get("image_url") if type(part) is dict else None
    url = value.get("url") if type(value) is dict else value
    return Image(source=source_of(url, "image/png"), raw=part) if type(url) is str and url else None


def _summaries(part: dict[str, Any]) -> list[Part]:
    return [
        Reasoning(text=piece["text"], signature=_given_text(piece.get("signature")), summary=True, raw=piece)
        for piece in listed_or_none(part.get("summary"))
        if type(piece) is dict and type(piece.get("text")) is str
    ]


def listed_or_none(value: Any) -> list[Any]:
    """
    A list, or an empty one in place of anything else.
    """
    return value if type(value) is list else []


def _cite(parts: list[Part], part: dict[str, Any]) -> None:
    """
    A reference belongs to the text before it.
    """
    if parts and type(last := parts[-1]) is Text:
        parts[-1] = Text(text=last.text, citations=(*last.citations, part), raw=last.raw)
    else:
        parts.append(Opaque(kind="citations", vital=False, raw=part))


# -- writing ---------------------------------------------------------------------------------------------------------------------------


def data_url(blob: Blob) -> str:
    """
    Bytes as an address.
    """
    return f"data:{blob.media_type};base64,{blob.data}"


def write_parts(parts: Iterable[Part], flavour: Flavour, losses: Losses) -> list[dict[str, Any]]:
    """
    The parts of a user message. What cannot be said is left out and noted; parts that are no content (calls, results) are passed over.
    """
    written: list[dict[str, Any]] = []
    for part in parts:
        before = len(written)
        written += _write_part(part, flavour, losses)
        if part.cache is not None and flavour.cache_marks and len(written) > before:
            written[-1]["cache_control"] = {"type": "ephemeral", "ttl": "1h"} if part.cache == "1h" else {"type": "ephemeral"}
    return written


def _write_part(part: Part, flavour: Flavour, losses: Losses) -> list[dict[str, Any]]:
    if type(part) is Text:
        return [{"type": "text", "text": part.text}]
    if isinstance(part, Refusal):
        return [{"type": "text", "text": part.text}]
    if not isinstance(part, Image | Document | Audio | Video):
        return []
    if isinstance(part.source, FileId):
        losses.impossible("file_id", "a file that was stored at one provider is not known to another; send its content instead")
        return []
    match part:
        case Image():
            return _write_image(part, part.source, flavour, losses)
        case Document():
            return _write_document(part, part.source, flavour, losses)
        case Audio():
            return _write_audio(part.source, flavour, losses)
    if flavour.videos:
        return [{"type": "video_url", "video_url": {"url": _url(part.source)}}]
    losses.impossible("video", "the target takes no video; send pictures of it instead")
    return []


def _url(source: Blob | Link) -> str:
    return data_url(source) if isinstance(source, Blob) else source.url


def _write_image(image: Image, source: Blob | Link, flavour: Flavour, losses: Losses) -> list[dict[str, Any]]:
    if isinstance(source, Link) and not source.url.startswith(("http://", "https://")):
        losses.impossible("image.url", "the target fetches pictures over http only; send the picture itself")
    inner = {"url": _url(source)}
    if image.detail is not None and flavour.details:
        inner["detail"] = image.detail
    elif image.detail not in (None, "auto"):
        losses.dropped("image.detail", "the target is not told how closely to look")
    return [{"type": "image_url", "image_url": inner}]


def _write_document(document: Document, source: Blob | Link, flavour: Flavour, losses: Losses) -> list[dict[str, Any]]:
    if document.citations:
        losses.dropped("citations", "the target does not cite documents")
    if isinstance(source, Blob) and source.media_type.startswith("text/"):
        return _as_text(document, source, losses)
    if isinstance(source, Blob) and source.media_type.startswith("image/"):
        return [{"type": "image_url", "image_url": {"url": data_url(source)}}]
    written: list[dict[str, Any]] = []
    if document.context:
        losses.changed("document.context", "the target's documents have no context; it stands before the document as text")
        written.append({"type": "text", "text": document.context})
    if flavour.mistral:
        title = {"document_name": document.title} if document.title else {}
        return [*written, {"type": "document_url", "document_url": _url(source), **title}]
    if flavour.file_urls:
        name = {"file_name": document.title} if document.title else {}
        return [*written, {"type": "file_url", "file_url": {"url": source.data if isinstance(source, Blob) else source.url}, **name}]
    if not flavour.files:
        losses.impossible("document", "the target takes no documents; send their text")
        return []
    if isinstance(source, Link):
        losses.impossible("document.url", "the target does not fetch documents; send the document itself")
        return []
    return [*written, {"type": "file", "file": {"filename": document.title or "document.pdf", "file_data": data_url(source)}}]


def _as_text(document: Document, source: Blob, losses: Losses) -> list[dict[str, Any]]:
    """
    A plain text needs no file: it stands in the message, under its title.
    """
    try:
        said = base64.b64decode(source.data, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        losses.impossible("document", "the document's text is not UTF-8 in base64")
        return []
    losses.changed("document", "a document of plain text stands in the message as text")
    return [{"type": "text", "text": "\n\n".join(piece for piece in (document.title, document.context, said) if piece)}]


def _write_audio(source: Blob | Link, flavour: Flavour, losses: Losses) -> list[dict[str, Any]]:
    if flavour.mistral:
        return [{"type": "input_audio", "input_audio": source.data if isinstance(source, Blob) else source.url}]
    if isinstance(source, Link):
        losses.impossible("audio", "the target does not fetch audio; send the audio itself")
        return []
    form = _AUDIO_NAMES.get(source.media_type, source.media_type.rpartition("/")[2])
    return [{"type": "input_audio", "input_audio": {"data": source.data, "format": form}}]
