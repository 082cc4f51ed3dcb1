"""
A text and the place it is written in: how every string, and every decoded view of one, stays tied to the bytes it came from.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from excise.wire.strict_json import spoken

# Where a node of JSON stands: (the trail of its parent, its key or index). A text as first link names the document.
type Trail = tuple[Trail | None, str | int] | None


class Place(StrEnum):
    """
    What a found value stands in; it decides what may be written there instead.
    """

    TEXT = "text"
    BODY_STRING = "body_string"
    BODY_KEY = "body_key"
    BODY_NUMBER = "body_number"
    FORM_FIELD = "form_field"
    FORM_FILENAME = "form_filename"
    QUERY = "query"
    PATH = "path"
    HEADER = "header"
    BASE64 = "base64"


type Span = Callable[[int, int], tuple[int, int]]


class Codec(Protocol):
    """
    How a layer's text is spelled in its parent.

    Attributes:
        whole: A change anywhere spells the whole range anew (base64); else places map to places.
        beside: The parent's own text is scanned as well, so places in both are compared.
    """

    @property
    def whole(self) -> bool: ...
    @property
    def beside(self) -> bool: ...

    def map(self, spelled: str) -> Span:
        """
        For the places of a text that is spelled like this: where they are spelled. Not asked where `whole`.
        """
        ...

    def spell(self, text: str, around: str, start: int, end: int) -> str:
        """
        How `text` is written at around[start:end], in the parent's text; where `whole`, that is the whole range.
        """
        ...


def in_step(start: int, end: int) -> tuple[int, int]:
    """
    The map of a text that is written as it is.
    """
    return start, end


class Plain:
    """
    Written as it is.
    """

    whole = False
    beside = False

    def map(self, spelled: str) -> Span:
        return in_step

    def spell(self, text: str, around: str, start: int, end: int) -> str:
        return text


PLAIN = Plain()


class Layer:
    """
    One text of a request. Roots have no parent; their text is spliced into the bytes.

    Args:
        text: Decoded.
        parent: In whose text it is spelled, at `range`.
        range: (start, end) in the parent's text, or a callable that finds it when it is first needed.
        codec: How it is spelled there.
        frozen: May be read but not changed: paths, extracted text, signed blocks; so may what is spelled in it.
        signed: Frozen, because the provider signed it.
        trail: Where it stands, for reports.
        depth: How many encodings deep.
    """

    __slots__ = ("_map", "_path", "_range", "codec", "depth", "frozen", "parent", "place", "signed", "text", "trail")

    def __init__(
        self,
        text: str,
        parent: Layer | None = None,
        range: tuple[int, int] | Callable[[], tuple[int, int]] = (0, 0),
        *,
        codec: Codec = PLAIN,
        place: Place = Place.BODY_STRING,
        frozen: bool = False,
        signed: bool = False,
        trail: Trail = None,
        depth: int = 0,
    ) -> None:
        self.text = text
        self.parent = parent
        self._range = range
        self._map: Span | None = None
        self._path: str | None = None
        self.codec = codec
        self.place = place
        self.signed: bool = signed or (parent is not None and parent.signed)
        self.frozen: bool = frozen or self.signed or (parent is not None and parent.frozen)
        self.trail = trail
        self.depth = depth

    @property
    def range(self) -> tuple[int, int]:
        if not isinstance(self._range, tuple):
            self._range = self._range()
        return self._range

    @property
    def path(self) -> str:
        """
        Where it stands, for reports.
        """
        if self._path is None:
            self._path = path(self.trail)
        return self._path

    def up(self, start: int, end: int) -> tuple[int, int]:
        """
        Where text[start:end] stands in the parent's text.
        """
        first, last = self.range
        if self.codec.whole:
            return first, last
        if self._map is None:
            assert self.parent is not None
            self._map = self.codec.map(self.parent.text[first:last])
        start, end = self._map(start, end)
        return first + start, first + end

    def scope(self, start: int, end: int) -> tuple[Layer, int, int]:
        """
        The layer whose places those of this one are compared with, and text[start:end] there: views of a text share its places.
        """
        layer = self
        while layer.parent is not None and layer.codec.beside and not layer.codec.whole:
            start, end = layer.up(start, end)
            layer = layer.parent
        return layer, start, end


def path(trail: Trail) -> str:
    """
    A trail as text, for reports: keys that are not words of a protocol are the client's content and are shown as `*`.
    """
    steps: list[str] = []
    while trail is not None:
        trail, step = trail
        if trail is None:
            steps.append(str(step))
        elif isinstance(step, int):
            steps.append(f"[{step}]")
        else:
            steps.append(step if step == "#" else f".{spoken(step)}")
    return "".join(reversed(steps))
