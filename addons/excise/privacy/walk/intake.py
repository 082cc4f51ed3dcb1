"""
Takes texts into the document: as JSON where they are JSON, without the data in them, decoded where that data is text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from excise.privacy.walk import runs, skip
from excise.privacy.walk.candidates import class_text
from excise.privacy.walk.coverage import Coverage
from excise.privacy.walk.document import Document
from excise.privacy.walk.layer import PLAIN, Layer, Place, Trail, path
from excise.privacy.walk.media import charset_of, is_text_name, is_text_type, magic, shows_ascii
from excise.privacy.walk.runs import Held
from excise.privacy.walk.signs import NO_SIGNS, Signs
from excise.privacy.walk.tree import Tree, Walk, parse

type Extract = Callable[[str, bytes], str | None]
type Cuts = list[tuple[int, int, Held]]

_BLOCKS = 3  # base64 in base64; the walk itself goes one deeper than the views


class Intake:
    """
    Args:
        document: Gets the texts.
        coverage: Gets the account.
        extract: (media type, bytes) -> the text of a PDF or office file, or `None`; that text is scanned and cannot be changed.
    """

    def __init__(self, document: Document, coverage: Coverage, extract: Extract | None = None) -> None:
        self.document = document
        self.coverage = coverage
        self._extract = extract

    def json(self, carrier: Layer, value: Any, key: str = "", *, nesting: int = 0, own: bool = False) -> None:
        """
        Take in a text that is JSON, already parsed (strictly).

        Args:
            own: It is the request's own body, no file and no string in one.
        """
        Walk(Tree(carrier), self, nesting, own=own).run(value, carrier.trail, key)

    def text(self, layer: Layer, key: str = "", *, nesting: int = 0) -> None:
        """
        Take in a text that may be JSON, or have data in it.
        """
        if layer.text[:1] in ("{", "[", " ", "\n", "\r", "\t") and (value := parse(layer.text)) is not None:
            self.json(layer, value, key, nesting=nesting)
            return
        self.plain(layer, key)

    def plain(self, layer: Layer, key: str = "") -> None:
        """
        Take in a text that is not JSON.
        """
        if len(layer.text) >= runs.LONG and (cuts := self.cuts(layer.text, key, NO_SIGNS)):
            self.put(layer, cuts, key)
        else:
            self.document.put(layer, key)

    def lines(self, layer: Layer, key: str = "") -> bool:
        """
        Take in a text whose lines are JSON each; whether it is such a text.
        """
        found: list[tuple[int, int, Any]] = []
        start = 0
        for line in layer.text.split("\n"):
            end = start + len(line)
            if line.strip():
                value = parse(line)
                if value is None:
                    return False
                found.append((start, end, value))
            start = end + 1
        for start, end, value in found:
            self.json(
                Layer(layer.text[start:end], layer, (start, end), place=layer.place, trail=layer.trail, depth=layer.depth), value, key
            )
        return bool(found)

    def cuts(self, value: str, key: str, signs: Signs) -> Cuts:
        """
        The stretches of a text that are data.
        """
        declared = signs.declared
        if declared is not None and len(value) >= signs.least(key):
            flat = "".join(value.split()) if "\n" in value or "\r" in value else value
            if not class_text(flat.rstrip("=").encode("ascii", "replace")).strip(b"B") and len(flat) - len(flat.rstrip("=")) <= 2:
                held = runs.look_long(flat, 0, len(flat), key, declared or "application/octet-stream")
                return [] if held is None else [(0, len(value), held)]
        return [
            (start, end, held) for start, end in runs.long_runs(value) if (held := runs.look_long(value, start, end, key, None)) is not None
        ]

    def put(self, layer: Layer, cuts: Cuts, key: str) -> None:
        """
        Take in a text without the data in it, and that data where it is text.
        """
        position = 0
        for start, end, held in cuts:
            if held.stays:
                self.document.keep_run(layer, start, end, by_chance=held.by_chance)
                if held.text is None:
                    continue
            else:
                if start > position:
                    self.document.put(layer, key, position, start)
                position = end
            if held.text is not None and held.codec is not None:
                self.block(
                    Layer(
                        held.text,
                        layer,
                        (start, end),
                        codec=held.codec,
                        place=Place.BASE64,
                        trail=layer.trail,
                        depth=layer.depth + 1,
                    ),
                    key,
                )
            else:
                self.binary(held.media_type, held.data, end - start, layer.trail)
        if position < len(layer.text):
            self.document.put(layer, key, position)

    def block(self, layer: Layer, key: str = "") -> None:
        """
        Take in what base64 or hex decoded to.
        """
        self.text(layer, key, nesting=1)

    def binary(self, media_type: str, data: bytes, spelled_bytes: int, trail: Trail) -> None:
        """
        Account for data that is not text. What text can be extracted from is scanned by that, and is no binary part then.
        """
        if self._extract is not None and (text := self._extract(media_type, data)) is not None:
            self.document.put(Layer(text, place=Place.BASE64, frozen=True, trail=trail, codec=PLAIN))
        else:
            self.coverage.add_binary(media_type, len(data), spelled_bytes, path(trail))

    def readable(self, sealed: bytes, trail: Trail) -> None:
        """
        Take in what stands in sealed bytes in plain letters.
        """
        for text in skip.readable(sealed):
            self.document.put(Layer(text, signed=True, trail=trail))

    def letters(self, data: bytes, trail: Trail) -> None:
        """
        Take in what stands in bytes of no known kind in plain letters; it can be seen but not changed.
        """
        for text in skip.readable(data):
            self.document.put(Layer(text, frozen=True, trail=trail))

    def file(self, layer_of: Callable[[str, str], Layer], data: bytes, declared: str, name: str, trail: Trail) -> None:
        """
        Take in a file, of which only the bytes and what is said of it are known.

        Args:
            layer_of: Makes its layer from (text, charset).
            declared: Media type, lower case, or "".
            name: File name, lower case, or "".
        """
        known = magic(data[:16])
        as_text = is_text_type(declared) or is_text_name(name)
        charset = charset_of(data, declared_text=as_text) if known is None or data[:4].isascii() else None
        if charset is None and known is None:
            if not as_text:
                self.letters(data, trail)
            elif shows_ascii(data):
                charset = "latin-1"
            else:
                self.coverage.add_unknown(path(trail), "it is no text in a charset that is understood", len(data))
                return
        if charset is None:
            media_type = known or ("application/octet-stream" if not declared or is_text_type(declared) else declared)
            self.binary(media_type, data, len(data), trail)
            return
        layer = layer_of(data.decode(charset), charset)
        if (name.endswith((".jsonl", ".ndjson")) or declared.endswith(("jsonl", "ndjson"))) and self.lines(layer):
            return
        self.text(layer)
