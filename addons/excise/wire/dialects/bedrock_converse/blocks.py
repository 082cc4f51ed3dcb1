"""
Content blocks: a union each, `{"text": …}`, `{"image": {…}}`, `{"toolUse": {…}}`, in requests and answers alike.

Bytes are base64 texts on the wire. Nothing here raises: what cannot be read is `None`.

Source: AWS, "ContentBlock" of the Bedrock Runtime API reference; the service model of botocore 1.43, read 2026-11.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any, Literal

from excise.wire import keepsake
from excise.wire.json_text import json_text
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
    Source,
    Text,
    ToolCall,
    ToolResult,
    Video,
)
from excise.wire.sequence import read_arguments

NAME = "bedrock-converse"

type Lifetime = Literal["5m", "1h"] | None

IMAGES = {"png": "image/png", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
DOCUMENTS = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "txt": "text/plain",
    "md": "text/markdown",
}
VIDEOS = {
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "mkv": "video/x-matroska",
    "webm": "video/webm",
    "flv": "video/x-flv",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
    "wmv": "video/x-ms-wmv",
    "three_gp": "video/3gpp",
}
AUDIOS = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "mp4": "audio/mp4",
    "ogg": "audio/ogg",
    "mkv": "audio/x-matroska",
    "mka": "audio/x-matroska",
    "x-aac": "audio/aac",
    "m4a": "audio/x-m4a",
    "mpeg": "audio/mpeg",
    "mpga": "audio/mpeg",
    "pcm": "audio/pcm",
    "webm": "audio/webm",
}

_OTHER_NAMES = {
    "image/jpg": "jpeg",
    "image/pjpeg": "jpeg",
    "video/mp2t": "mpeg",
    "audio/mp3": "mp3",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/x-flac": "flac",
    "audio/m4a": "m4a",
    "audio/l16": "pcm",
    "audio/x-aac": "aac",
    "application/xhtml+xml": "html",
    "text/x-markdown": "md",
}

_WORD = re.compile(r"[A-Za-z0-9_.+-]{1,40}")


def format_of(media_type: str | None, formats: dict[str, str]) -> str | None:
    """
    Bedrock's word for a media type; `None` where it has none.
    """
    if media_type is None:
        return None
    found = _OTHER_NAMES.get(media_type)
    if found is not None:
        return found if found in formats else None
    return next((name for name, known in formats.items() if known == media_type), None)


# -- reading ---------------------------------------------------------------------------------------------------------------------------


def read_cache_point(block: Any) -> Lifetime:
    """
    The lifetime a cache point asks for; `None` where the block is none.
    """
    point = block.get("cachePoint") if type(block) is dict else None
    if type(point) is not dict:
        return None
    return "1h" if point.get("ttl") == "1h" else "5m"


def read_block(block: Any, cache: Lifetime = None) -> Part | None:
    """
    The part a block says; an `Opaque` for one that is not known, `None` for one that is no block or not of its own form.
    """
    if type(block) is not dict or not block:
        return None
    text = block.get("text")
    if type(text) is str:
        return Text(raw=block, cache=cache, text=text)
    for kind, content in block.items():
        reader = _READERS.get(kind)
        if reader is not None:
            return reader(block, content, cache) if content is not None else None
    return None if "text" in block else Opaque(raw=block, cache=cache, kind="content")


def _read_image(block: Json, image: Any, cache: Lifetime) -> Part | None:
    found = _read_media(image, IMAGES, "image")
    return None if found is None else Image(raw=block, cache=cache, source=found)


def _read_video(block: Json, video: Any, cache: Lifetime) -> Part | None:
    found = _read_media(video, VIDEOS, "video")
    return None if found is None else Video(raw=block, cache=cache, source=found)


def _read_audio(block: Json, audio: Any, cache: Lifetime) -> Part | None:
    found = _read_media(audio, AUDIOS, "audio")
    return None if found is None else Audio(raw=block, cache=cache, source=found)


def _read_media(content: Any, formats: dict[str, str], family: str) -> Source | None:
    if type(content) is not dict:
        return None
    form, source = content.get("format"), content.get("source")
    if type(form) is not str or type(source) is not dict or _WORD.fullmatch(form) is None:
        return None
    return _read_source(source, formats.get(form) or f"{family}/{form.lower()}")


def _read_source(source: dict[str, Any], media_type: str) -> Source | None:
    data = source.get("bytes")
    if type(data) is str:
        return Blob(media_type, data)
    place = source.get("s3Location")
    if type(place) is dict and type(place.get("uri")) is str:
        return Link(place["uri"], media_type)
    return None


def _read_document(block: Json, document: Any, cache: Lifetime) -> Part | None:
    if type(document) is not dict:
        return None
    source, form, name = document.get("source"), document.get("format"), document.get("name")
    if type(source) is not dict or not (form is None or (type(form) is str and _WORD.fullmatch(form))):
        return None
    found: Source | None
    if (text := _text_of_source(source)) is not None:
        found = Blob("text/plain", base64.b64encode(text.encode("utf-8", "surrogatepass")).decode())
    else:
        found = _read_source(source, DOCUMENTS.get(form) or f"application/{form.lower()}" if form else "application/octet-stream")
    if found is None:
        return None
    context, citations = document.get("context"), document.get("citations")
    return Document(
        raw=block,
        cache=cache,
        source=found,
        title=name if type(name) is str else None,
        context=context if type(context) is str else None,
        citations=type(citations) is dict and citations.get("enabled") is True,
    )


def _text_of_source(source: dict[str, Any]) -> str | None:
    text, content = source.get("text"), source.get("content")
    if type(text) is str:
        return text
    return _texts(content) if type(content) is list else None


def _texts(blocks: Any, joint: str = "\n") -> str:
    found = (block.get("text") for block in blocks if type(block) is dict) if type(blocks) is list else ()
    return joint.join(text for text in found if type(text) is str)


def _read_search_result(block: Json, result: Any, cache: Lifetime) -> Part | None:
    """
    A passage the client found: text with a title, to be cited. To others a document of plain text, its place as context.
    """
    if type(result) is not dict or type(result.get("content")) is not list:
        return None
    title, place, citations = result.get("title"), result.get("source"), result.get("citations")
    return Document(
        raw=block,
        cache=cache,
        source=Blob("text/plain", base64.b64encode(_texts(result["content"]).encode("utf-8", "surrogatepass")).decode()),
        title=title if type(title) is str else None,
        context=place if type(place) is str else None,
        citations=type(citations) is dict and citations.get("enabled") is True,
    )


def _read_tool_use(block: Json, use: Any, cache: Lifetime) -> Part | None:
    if type(use) is not dict:
        return None
    if use.get("type") == "server_tool_use":
        return Opaque(raw=block, cache=cache, kind="tools.server")
    id_, name, given = use.get("toolUseId"), use.get("name"), use.get("input")
    if type(id_) is not str or not id_ or type(name) is not str or not name:
        return None
    text = None
    if given is None:
        given = {}
    elif type(given) is str:
        given, text = read_arguments(given)
    elif type(given) is not dict:
        given, text = None, json_text(given)
    return ToolCall(raw=block, cache=cache, id=id_, name=name, arguments=given, text=text)


def _read_tool_result(block: Json, result: Any, cache: Lifetime) -> Part | None:
    if type(result) is not dict:
        return None
    if type(result.get("type")) is str and result["type"] != "tool_result":
        return Opaque(raw=block, cache=cache, kind="tools.server")
    id_, content = result.get("toolUseId"), result.get("content")
    if type(id_) is not str or not id_ or not (content is None or type(content) is list):
        return None
    blocks = content or []
    value: Json = None
    parts: list[Part] = []
    if len(blocks) == 1 and type(blocks[0]) is dict and blocks[0].get("json") is not None:
        value = blocks[0]["json"]
    else:
        for inner in blocks:
            if type(inner) is dict and "json" in inner:
                parts.append(Text(raw=inner, text=json_text(inner["json"])))
                continue
            part = read_block(inner)
            if part is None:
                return None
            parts.append(part)
    return ToolResult(raw=block, cache=cache, call_id=id_, parts=tuple(parts), value=value, is_error=result.get("status") == "error")


def _read_reasoning(block: Json, content: Any, cache: Lifetime) -> Part | None:
    if type(content) is not dict:
        return None
    redacted = content.get("redactedContent")
    if type(redacted) is str:
        origin, proof = keepsake.unwrap(redacted)
        return Reasoning(raw=block, cache=cache, signature=proof, redacted=True, origin=origin)
    thought = content.get("reasoningText")
    if type(thought) is not dict:
        return None
    text, signature = thought.get("text"), thought.get("signature")
    if not (text is None or type(text) is str) or not (signature is None or type(signature) is str):
        return None
    origin, proof = keepsake.unwrap(signature or "")
    # A foreign proof without words was written beside the part it belongs to: see `answer.py`.
    return Reasoning(
        raw=block, cache=cache, text=text or "", signature=proof or None, origin=origin, attached=origin is not None and not text
    )


def _read_guarded(block: Json, content: Any, cache: Lifetime) -> Part | None:
    """
    What a guardrail shall look at. Without one it is text or a picture like any other; the guardrail itself is a field of the request.
    """
    if type(content) is not dict:
        return None
    text = content.get("text")
    if type(text) is dict and type(text.get("text")) is str:
        return Text(raw=block, cache=cache, text=text["text"])
    return _read_image(block, content.get("image"), cache)


def _read_cited(block: Json, content: Any, cache: Lifetime) -> Part | None:
    if type(content) is not dict:
        return None
    citations = content.get("citations")
    found = tuple(citations) if type(citations) is list else ()
    return Text(raw=block, cache=cache, text=_texts(content.get("content"), ""), citations=found)


def _read_tool_change(block: Json, content: Any, cache: Lifetime) -> Part | None:
    return Opaque(raw=block, cache=cache, kind="tools.server")


_READERS: dict[str, Callable[[Json, Any, Lifetime], Part | None]] = {
    "image": _read_image,
    "document": _read_document,
    "video": _read_video,
    "audio": _read_audio,
    "toolUse": _read_tool_use,
    "toolResult": _read_tool_result,
    "reasoningContent": _read_reasoning,
    "guardContent": _read_guarded,
    "citationsContent": _read_cited,
    "searchResult": _read_search_result,
    "toolAddition": _read_tool_change,
    "toolRemoval": _read_tool_change,
}


# -- writing ---------------------------------------------------------------------------------------------------------------------------


def write_media(kind: str, source: Source, formats: dict[str, str]) -> dict[str, Json] | None:
    """
    An image, video or audio block; `None` where Bedrock cannot take the source: it fetches nothing but S3 objects.
    """
    if isinstance(source, FileId):
        return None
    form = format_of(source.media_type, formats)
    if isinstance(source, Link) and form is None:
        form = _format_by_ending(source.url, formats)
    place = write_source(source)
    return None if form is None or place is None else {kind: {"format": form, "source": place}}


def write_source(source: Source) -> dict[str, Json] | None:
    """
    Bytes or an S3 object; `None` for all else.
    """
    if isinstance(source, Blob):
        return {"bytes": source.data}
    if isinstance(source, Link) and source.url.startswith("s3://"):
        return {"s3Location": {"uri": source.url}}
    return None


def _format_by_ending(url: str, formats: dict[str, str]) -> str | None:
    ending = url.rpartition(".")[2].lower()
    return "jpeg" if ending == "jpg" and "jpeg" in formats else ending if ending in formats else None


def document_format(source: Source, title: str | None) -> str | None:
    """
    Bedrock's word for a document: by its media type, else by the ending of its name. Other text is plain text to it.
    """
    media_type = None if isinstance(source, FileId) else source.media_type
    form = format_of(media_type, DOCUMENTS)
    if form is not None:
        return form
    if media_type is not None and (media_type.startswith("text/") or media_type.endswith(("json", "xml", "yaml", "javascript"))):
        return "txt"
    ending = (title or "").rpartition(".")[2].lower()
    if media_type in (None, "application/octet-stream") and ending in DOCUMENTS:
        return ending
    return _format_by_ending(source.url, DOCUMENTS) if isinstance(source, Link) else None


def is_base64(data: str) -> bool:
    """
    Whether SDKs will be able to read a text as bytes.
    """
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
