"""
A request, or any text, made ready to be scanned; and written again with what was found replaced.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from excise.errors import InternalError, WireError
from excise.privacy.detect.detector import Finding
from excise.privacy.walk import head
from excise.privacy.walk.coverage import Coverage
from excise.privacy.walk.document import Document
from excise.privacy.walk.form import take_form
from excise.privacy.walk.intake import Extract, Intake
from excise.privacy.walk.layer import Layer, Place
from excise.privacy.walk.media import charset_of, is_text_type, magic
from excise.privacy.walk.splice import splice
from excise.privacy.walk.spots import Spot, spots
from excise.privacy.walk.views import Bounds, Views
from excise.wire import strict_json

__all__ = ["Rewritten", "Source", "Spot", "of_request", "of_text"]

type Headers = tuple[tuple[bytes, bytes], ...]

_BOUNDS = Bounds()
# Bodies that have their own framing; nobody here can read them.
_UNREADABLE = ("application/grpc", "application/protobuf", "application/x-protobuf", "application/connect+proto", "application/proto")
_MEDIA = ("image/", "audio/", "video/", "font/")


@dataclass(frozen=True, slots=True)
class Rewritten:
    """
    What is to be sent. Where nothing changed, the very objects the source was made of.
    """

    body: bytes = field(repr=False)
    path: str = field(repr=False)
    headers: Headers = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Sink:
    """
    Where the text of a root is written: bytes start:end of the body, the target, or a header.
    """

    place: Place
    charset: str
    start: int = 0
    end: int = 0


class Source:
    """
    Immutable; made by `of_request` and `of_text`.

    Attributes:
        text: The document: everything that is to be scanned, and views of what needs one.
        coverage: What became of every byte.
    """

    __slots__ = ("_body", "_document", "_headers", "_json", "_path", "_segments", "_sinks", "_text", "_views", "coverage", "text")

    def __init__(self, *, body: bytes, path: str, headers: Headers, json: bool) -> None:
        self._body = body
        self._path = path
        self._headers = headers
        self._json = json
        self._sinks: list[tuple[Layer, _Sink]] = []
        self._segments: dict[int, int] = {}
        self._document = Document()
        self._views: dict[int, list[Layer]] = {}
        self._text: Layer | None = None
        self.coverage = Coverage()
        self.text = ""

    def spots(self, findings: Iterable[Finding]) -> list[Spot]:
        """
        Where findings of `text` stand in what this was made of: each place once, those that overlap as one.
        """
        return spots(self._document, self._views, findings, to_root=self._text is not None, segment=self._segment)

    def rewrite(self, replacements: Iterable[tuple[Spot, str]]) -> Rewritten:
        """
        Put replacements where the spots are. Nothing else changes; without replacements nothing does.

        Raises:
            BadRequest: A spot is frozen; or its place takes numbers only and the replacement is none; or a key would be there twice.
        """
        wanted = list(replacements)
        changed = {id(layer): text for layer, text in splice(wanted)}
        body, path, headers = self._body, self._path, list(self._headers)
        pieces: list[tuple[int, int, bytes]] = []
        for layer, sink in self._sinks:
            text = changed.pop(id(layer), None)
            if text is None:
                continue
            if sink.place is Place.HEADER:
                headers[sink.start] = (headers[sink.start][0], _encode(text, sink.charset))
            elif sink.place is Place.QUERY:
                path = text
            else:
                pieces.append((sink.start, sink.end, _encode(text, sink.charset)))
        if changed:
            raise InternalError
        if pieces:
            body = _join(body, pieces)
            self._check(body, wanted)
        return Rewritten(body, path, tuple(headers) if headers != list(self._headers) else self._headers)

    def _check(self, body: bytes, wanted: list[tuple[Spot, str]]) -> None:
        if not self._json:
            return
        if any(spot.place is Place.BODY_KEY for spot, _ in wanted):
            # Two keys may have become one.
            strict_json.load(body)
            return
        try:
            orjson.loads(body)
        except orjson.JSONDecodeError:
            raise InternalError from None

    def _segment(self, layer: Layer) -> int:
        return self._segments.setdefault(id(layer), len(self._segments))

    def _root(self, text: str, charset: str, start: int, end: int, place: Place) -> Layer:
        layer = Layer(text, place=place)
        self._sinks.append((layer, _Sink(Place.TEXT, charset, start, end)))
        return layer

    def _finish(self, intake: Intake, bounds: Bounds) -> Source:
        views = Views(self._document, self.coverage, bounds, intake.block)
        views.grow()
        self._views = views.by_scope
        chunks = self._document.chunks
        self.text = chunks[0] if len(chunks) == 1 else "".join(chunks)
        return self


def of_request(
    method: str,
    path: str,
    headers: Headers,
    content_type: str | None = None,
    body: bytes = b"",
    json: Any = None,
    *,
    extract: Extract | None = None,
    bounds: Bounds = _BOUNDS,
) -> Source:
    """
    Make a request ready.

    Args:
        method: Not read today; a body is scanned whatever the method.
        path: With query, as sent.
        headers: As sent.
        content_type: Of the body, with parameters; `None`: as in the headers.
        body: Decoded (content coding removed), whole.
        json: The body parsed strictly, or `None` where it was not read as JSON.
        extract: (media type, bytes) -> text of documents that are not text, or `None`.
        bounds: Limits of what is unfolded.

    Raises:
        WireError: A form or a JSON body that is not well-formed.
        BadRequest: A JSON body with a key twice.
    """
    if content_type is None:
        content_type = next((value.decode("latin-1").strip() for name, value in headers if name.lower() == b"content-type"), "")
    is_json = json is not None or body.strip(b" \t\r\n") == b"null"
    source = Source(body=body, path=path, headers=headers, json=is_json)
    coverage = source.coverage
    coverage.total = len(body) + len(path) + sum(len(name) + len(value) for name, value in headers)
    intake = Intake(source._document, coverage, extract)
    if json is not None:
        carrier = source._root("", "utf-8", 0, len(body), Place.BODY_STRING)
        carrier.text = body.decode("utf-8")
        carrier.trail = (None, "$")
        intake.json(carrier, json, own=True)
    elif body and not is_json:
        _take_body(source, intake, content_type, body)
    credentials = head.credentials_of(headers)
    source._sinks.append((head.take_target(intake, path, keyed=bool(credentials)), _Sink(Place.QUERY, "utf-8")))
    for at, (name, value) in enumerate(headers):
        if (taken := head.take_header(intake, name, value, credentials)) is not None:
            source._sinks.append((taken[0], _Sink(Place.HEADER, taken[1], at)))
    return source._finish(intake, bounds)


def of_text(text: str, *, bounds: Bounds = _BOUNDS) -> Source:
    """
    Make a text ready; spots have code-point offsets in it.
    """
    body = text.encode("utf-8", "surrogatepass")
    source = Source(body=body, path="", headers=(), json=False)
    source.coverage.total = len(body)
    source._text = source._root(text, "utf-8", 0, len(body), Place.TEXT)
    source._text.trail = (None, "$")
    intake = Intake(source._document, source.coverage)
    intake.text(source._text)
    return source._finish(intake, bounds)


def _take_body(source: Source, intake: Intake, content_type: str, body: bytes) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    coverage = source.coverage

    def layer_of(text: str, charset: str) -> Layer:
        layer = source._root(text, charset, 0, len(body), Place.BODY_STRING)
        layer.trail = (None, "$")
        return layer

    if media_type == "multipart/form-data":
        take_form(intake, content_type, body, source._root)
    elif media_type.startswith("multipart/") or media_type.startswith(_UNREADABLE):
        coverage.add_unknown("$", f"bodies of {_named(media_type)} are not understood", len(body))
    elif (charset := _charset(content_type, body, media_type)) is None:
        known = magic(body[:16])
        if known is not None or media_type.startswith(_MEDIA) or media_type in ("application/pdf", "application/zip"):
            if known is None:
                intake.letters(body, (None, "$"))
            intake.binary(known or media_type, body, len(body), (None, "$"))
        elif media_type == "application/octet-stream":
            intake.letters(body, (None, "$"))
            intake.binary(media_type, body, len(body), (None, "$"))
        else:
            coverage.add_unknown("$", "it is no text in a charset that is understood", len(body))
    elif media_type == "application/x-www-form-urlencoded":
        layer = layer_of(body.decode(charset), charset)
        layer.trail = (None, "form")
        head.take_pairs(intake, layer, 0, Place.FORM_FIELD)
    elif media_type == "application/json" or media_type.endswith("+json"):
        value = strict_json.load(body)
        source._json = True
        intake.json(layer_of(body.decode("utf-8"), "utf-8"), value, own=True)
    else:
        layer = layer_of(body.decode(charset), charset)
        if body.lstrip()[:1] not in (b"{", b"[") or not intake.lines(layer):
            intake.text(layer)


def _charset(content_type: str, body: bytes, media_type: str) -> str | None:
    """
    The charset a body of text is in; `None` where it is no text, or in one that is not read here.
    """
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            said = value.strip(" \"'").lower()
            if said not in ("utf-8", "utf8", "us-ascii", "iso-8859-1", "latin1", "windows-1252"):
                return None
    known = magic(body[:16])
    if known is not None and not body[:4].isascii():
        return None
    return charset_of(body, declared_text=is_text_type(media_type))


def _named(media_type: str) -> str:
    # What the client calls it is content until it is one of ours.
    return media_type if media_type in _UNREADABLE else "that kind"


def _encode(text: str, charset: str) -> bytes:
    try:
        return text.encode(charset, "surrogatepass" if charset == "utf-8" else "strict")
    except UnicodeEncodeError:
        if charset == "latin-1":
            return text.encode(charset, "replace")
        raise WireError("a replacement cannot be written in the charset of the body") from None


def _join(body: bytes, pieces: list[tuple[int, int, bytes]]) -> bytes:
    made: list[bytes] = []
    position = 0
    for start, end, new in sorted(pieces):
        made += (body[position:start], new)
        position = end
    made.append(body[position:])
    return b"".join(made)
