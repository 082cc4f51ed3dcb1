"""
Parts of a content: what Google's `Part` holds, read into neutral parts. The same for requests and answers.

The API takes both spellings of a key, `functionCall` and `function_call`, and clients mix them within one part.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from excise.wire.dialects.gemini.pieces import pieced
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
    Source,
    Text,
    ToolCall,
    ToolResult,
    Video,
)
from excise.wire.tool_ids import made

NAME = "gemini"


class PartError(ValueError):
    """
    A part that cannot be read. Its text says what is wrong with it and quotes nothing of it.
    """


def camel(key: str) -> str:
    """
    A key in the spelling of the API's reference.
    """
    first, *rest = key.strip("_").split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def spelled(fields: Mapping[str, Json]) -> dict[str, Json]:
    """
    An object with its keys in one spelling, without those that are null: the API takes null for absent.
    """
    return {camel(key) if "_" in key else key: value for key, value in fields.items() if value is not None}


# -- calls -----------------------------------------------------------------------------------------------------------------------------


class Calls:
    """
    Ids of the calls of one conversation, or of one answer. Where Google gives none, they are made; a result without an id belongs to the
    first call of its name that has no result yet.
    """

    __slots__ = ("_answered", "_count", "_open", "_seed")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0
        self._open: dict[str, deque[str]] = {}
        self._answered: set[str] = set()

    def called(self, given: str | None, name: str) -> str:
        id_ = given or made(self._seed, self._count)
        self._count += 1
        self._open.setdefault(name, deque()).append(id_)
        self._answered.discard(id_)  # an id may come again, in a later turn
        return id_

    def answered(self, given: str | None, name: str) -> str:
        if not given:
            waiting = self._open.get(name)
            while waiting:
                id_ = waiting.popleft()
                if id_ not in self._answered:
                    return id_
            given = made(self._seed, self._count)
            self._count += 1
        self._answered.add(given)
        return given


# -- one part --------------------------------------------------------------------------------------------------------------------------


def read_part(part: Json, calls: Calls, *, of_model: bool) -> tuple[Part, ...]:
    """
    One part of a content. Two where a signature stands on it: the proof, and what it belongs to.

    Args:
        part: As it was sent.
        calls: Of the conversation so far.
        of_model: The model said it: media are what it made, not what it is shown.

    Raises:
        PartError: It cannot be read.
    """
    if type(part) is not dict:
        raise PartError("is not an object")
    text = part.get("text")
    if text is not None:
        return _said(part, text)
    for key, value in part.items():
        if value is not None and (read := _READ.get(key)) is not None:
            found = read(part, value, calls, of_model)
            proof = _proof(part, attached=True)
            return (found,) if proof is None else (proof, found)
    alone = _proof(part, attached=False)
    if alone is not None:
        return (alone,)
    return (Opaque(raw=part, kind="part", vital=bool(part)),)


def signature_of(part: Mapping[str, Json]) -> str | None:
    """
    The proof that stands on a part.

    Raises:
        PartError: It is no text.
    """
    signature = part.get("thoughtSignature")
    if signature is None:
        signature = part.get("thought_signature")
    if signature is not None and type(signature) is not str:
        raise PartError("has a thoughtSignature that is not a text")
    return signature or None


def _said(part: dict[str, Json], text: Json) -> tuple[Part, ...]:
    if type(text) is not str:
        raise PartError("has a text that is not a text")
    if part.get("thought") is True:
        signature = signature_of(part)
        if signature is None:
            return (Reasoning(raw=part, text=text, summary=True),)
        origin, proof = unwrap(signature)
        # What another provider hid altogether travels as a thought without text (see `answer.py`).
        return (Reasoning(raw=part, text=text, signature=proof, origin=origin, summary=True, redacted=not text and origin is not None),)
    if len(part) == 1:
        return (Text(raw=part, text=text),)
    attached = _proof(part, attached=bool(text))
    if attached is None:
        return (Text(raw=part, text=text),)
    # A proof on an empty text belongs to nothing but its place: it is the part.
    return (attached, Text(raw=part, text=text)) if text else (attached,)


def _proof(part: dict[str, Json], *, attached: bool) -> Reasoning | None:
    signature = signature_of(part)
    if signature is None:
        return None
    origin, proof = unwrap(signature)
    return Reasoning(raw=None if attached else part, signature=proof, origin=origin, attached=attached)


# -- media -----------------------------------------------------------------------------------------------------------------------------

_URLSAFE = str.maketrans("-_", "+/")

_SUFFIXES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "csv": "text/csv",
    "json": "application/json",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "mpeg": "video/mpeg",
}


def guessed(url: str) -> str | None:
    """
    Media type of what a link leads to, by its name; `None` where that says nothing.
    """
    path = url.partition("?")[0].partition("#")[0]
    return _SUFFIXES.get(path.rpartition("/")[2].rpartition(".")[2].lower())


def is_youtube(url: str) -> bool:
    """
    Whether a link is one to YouTube, which the API watches by itself.
    """
    host = url.partition("://")[2].partition("/")[0].lower()
    return host in ("youtube.com", "www.youtube.com", "m.youtube.com", "youtu.be")


def standard(data: str) -> str:
    """
    Base64 in the alphabet every other API takes: Google's SDKs write the URL-safe one, and the padding may be missing.
    """
    if "-" in data or "_" in data:
        data = data.translate(_URLSAFE)
    return data + "=" * (-len(data) % 4) if len(data) % 4 in (2, 3) else data


def _inline(value: Json) -> tuple[Blob, str | None]:
    if type(value) is not dict:
        raise PartError("has an inlineData that is not an object")
    given = spelled(value)
    kind, data, title = given.get("mimeType", ""), given.get("data", ""), given.get("displayName")
    if type(kind) is not str or type(data) is not str:
        raise PartError("has an inlineData without mimeType or data")
    return Blob(_bare(kind) or "application/octet-stream", standard(data)), title if type(title) is str else None


def _file(value: Json) -> tuple[Link | FileId, str | None]:
    if type(value) is not dict:
        raise PartError("has a fileData that is not an object")
    given = spelled(value)
    uri, kind, title = given.get("fileUri"), given.get("mimeType", ""), given.get("displayName")
    if type(uri) is not str or type(kind) is not str:
        raise PartError("has a fileData without fileUri")
    media_type = _bare(kind) or guessed(uri)
    stored = "://" not in uri or uri.startswith("https://generativelanguage.googleapis.com/")
    source = FileId(uri, media_type) if stored else Link(uri, media_type or ("video/mp4" if is_youtube(uri) else None))
    return source, title if type(title) is str else None


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


# Source: `PartMediaResolutionLevel` of google-genai 3.4, read 2026-11.
_DETAIL = {"LOW": "low", "MEDIUM": "auto", "HIGH": "high", "ULTRA_HIGH": "high"}


def _medium(part: Mapping[str, Json], source: Source, title: str | None, of_model: bool) -> Part:
    kind = (source.media_type or "").partition("/")[0]
    if of_model:
        known = kind if kind in ("image", "audio", "video") else "document"
        return Opaque(raw=part, kind=known)
    if kind == "video" or "videoMetadata" in part or "video_metadata" in part:
        return Video(raw=part, source=source)
    if kind == "image":
        return Image(raw=part, source=source, detail=_detail(part))
    return Audio(raw=part, source=source) if kind == "audio" else Document(raw=part, source=source, title=title)


def _detail(part: Mapping[str, Json]) -> str | None:
    resolution = part.get("mediaResolution") or part.get("media_resolution")
    level = resolution.get("level") if type(resolution) is dict else None
    return _DETAIL.get(level.removeprefix("MEDIA_RESOLUTION_")) if type(level) is str else None


def _read_inline(part: dict[str, Json], value: Json, calls: Calls, of_model: bool) -> Part:
    return _medium(part, *_inline(value), of_model)


def _read_file(part: dict[str, Json], value: Json, calls: Calls, of_model: bool) -> Part:
    return _medium(part, *_file(value), of_model)


# -- functions -------------------------------------------------------------------------------------------------------------------------


def _read_call(part: dict[str, Json], value: Json, calls: Calls, of_model: bool) -> Part:
    if type(value) is not dict:
        raise PartError("has a functionCall that is not an object")
    name, given, arguments = value.get("name"), value.get("id"), value.get("args")
    if type(name) is not str or not (given is None or type(given) is str):
        raise PartError("has a functionCall without a name, or with an id that is not a text")
    if arguments is None:
        pieces = value.get("partialArgs") or value.get("partial_args")
        arguments = pieced({}, pieces) if type(pieces) is list else {}
    if type(arguments) is not dict:
        raise PartError("has a functionCall whose args are not an object")
    return ToolCall(raw=part, id=calls.called(given, name), name=name, arguments=arguments)


def _read_result(part: dict[str, Json], value: Json, calls: Calls, of_model: bool) -> Part:
    if type(value) is not dict:
        raise PartError("has a functionResponse that is not an object")
    name, given, response = value.get("name"), value.get("id"), value.get("response")
    if type(name) is not str or not (given is None or type(given) is str):
        raise PartError("has a functionResponse without a name, or with an id that is not a text")
    if not (response is None or type(response) is dict):
        raise PartError("has a functionResponse whose response is not an object")
    inner, is_error = _result(response)
    parts: list[Part] = [Text(text=inner)] if type(inner) is str else []
    media = value.get("parts")
    parts += [_result_medium(medium) for medium in (media if type(media) is list else ())]
    return ToolResult(
        raw=part,
        call_id=calls.answered(given, name),
        parts=tuple(parts),
        value=None if type(inner) is str else inner,
        name=name,
        is_error=is_error,
    )


def _result(response: dict[str, Json] | None) -> tuple[Json, bool]:
    """
    What a tool gave, and whether it is an error.

    Source: `FunctionResponse.response` of the API's reference, read 2026-11: "output" holds what the function gave, "error" what went
    wrong; without either, the whole is what it gave. The SDKs write "result" for "output".
    """
    if response is not None and len(response) == 1:
        ((key, inner),) = response.items()
        if key in ("output", "result"):
            return inner, False
        if key == "error" and inner is not None:
            return inner, True
    return response, False


def _result_medium(part: Json) -> Part:
    if type(part) is dict:
        for key, value in part.items():
            if key in ("inlineData", "inline_data"):
                return _medium(part, *_inline(value), False)
            if key in ("fileData", "file_data"):
                return _medium(part, *_file(value), False)
    return Opaque(raw=part, kind="tool_result.media")


def _read_server(part: dict[str, Json], value: Json, calls: Calls, of_model: bool) -> Part:
    return Opaque(raw=part, kind="tools.server")


type _Reader = Callable[[dict[str, Json], Json, Calls, bool], Part]

_READ: dict[str, _Reader] = {
    "functionCall": _read_call,
    "function_call": _read_call,
    "functionResponse": _read_result,
    "function_response": _read_result,
    "inlineData": _read_inline,
    "inline_data": _read_inline,
    "fileData": _read_file,
    "file_data": _read_file,
    "executableCode": _read_server,
    "executable_code": _read_server,
    "codeExecutionResult": _read_server,
    "code_execution_result": _read_server,
    "toolCall": _read_server,
    "tool_call": _read_server,
    "toolResponse": _read_server,
    "tool_response": _read_server,
}
