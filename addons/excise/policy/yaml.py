"""
Load YAML so strictly that what a reviewer reads is what we run.

PyYAML's own loaders silently take the last of two equal keys, read `no` as false and `12:30` as 750, and build objects
from tags. Here only its parser is used (events with marks); values are made by YAML 1.2's core rules, and every key and
value keeps its place, so that each later error can point at it.

What is refused, always with file, line and column: more than `MAX_BYTES`, deeper than `MAX_DEPTH`, anything but UTF-8,
tabs, control and text-direction characters, duplicate keys, anchors and aliases, tags, several documents, keys that are not
scalars, numbers that are not finite or longer than `MAX_NUMBER`.

Source: YAML 1.2.2, 10.3 "Core schema", read 2026-11.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from excise.errors import PolicyError

MAX_BYTES = 1024 * 1024  # a policy of a thousand rules is a tenth of this
MAX_DEPTH = 32
MAX_NUMBER = 40  # characters; int() of a long text is quadratic, and no price or limit needs more
MAX_FAULTS = 100  # duplicate keys told at once

KeyPath = tuple[str | int, ...]
Fault = tuple[str, int, int, str]  # file, line, column (both 1-based), text

# Both libyaml and the pure parser give the same events; the former is ten times faster.
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Refused characters: controls (a lone CR and the tab among them), line breaks that editors do not count (NEL, LS, PS), marks that
# turn the direction of text, so that a reviewer reads another policy than we do ("Trojan Source", CVE-2021-42574), and what is
# no character at all.
_REFUSED = re.compile(
    "[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]|\r(?!\n)"
)

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_REAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class Place(NamedTuple):
    """
    Where something stands: line and column, both 1-based; columns count characters.
    """

    line: int
    column: int


@dataclass(slots=True)
class Places:
    """
    The place of every key and value of one file, by path: `("rules", 0, "when")`.
    """

    file: str
    _keys: dict[KeyPath, Place] = field(default_factory=dict)
    _values: dict[KeyPath, Place] = field(default_factory=dict)

    def key(self, path: KeyPath) -> Place:
        """
        Place of the key that names `path`; for a list item, the item; for what is not there, the nearest thing around it.
        """
        return self._nearest(self._keys, path)

    def value(self, path: KeyPath) -> Place:
        """
        Place of the value at `path`; for what is not there, the key of the nearest thing around it. An item of a list that is written
        as one value is that value.
        """
        place = self._values.get(path)
        if place is None and path and isinstance(path[-1], int):
            place = self._values.get(path[:-1])
        return place if place is not None else self._nearest(self._keys, path[:-1])

    def fault(self, path: KeyPath, text: str, *, at_key: bool = False) -> Fault:
        """
        A fault as `PolicyError` wants it.
        """
        place = self.key(path) if at_key else self.value(path)
        return (self.file, place.line, place.column, text)

    def under(self, key: str) -> Places:
        """
        The same places for the value wrapped as `{key: value}`, for a list that is checked as a field of a model.
        """
        return Places(
            self.file,
            {(key, *path): place for path, place in self._keys.items()},
            {(key, *path): place for path, place in self._values.items()},
        )

    def _nearest(self, first: dict[KeyPath, Place], path: KeyPath) -> Place:
        while path:
            place = first.get(path) or self._values.get(path)
            if place is not None:
                return place
            path = path[:-1]
        return self._values.get((), Place(1, 1))


class Loaded(NamedTuple):
    """
    What `load_strict` gives: plain dicts (keys always strings), lists, str, int, Decimal, bool, None; and where they stand.
    """

    value: Any
    places: Places


def load_strict(source: Path | str | bytes, *, name: str | None = None) -> Loaded:
    """
    Read one YAML document.

    Keys are strings as written (`1:` is "1", `no:` is "no"). Numbers with a point or an exponent are `Decimal`, never float.

    Args:
        source: A file, or the text itself as str or bytes.
        name: What errors call the file; default the path, or `<text>`.

    Raises:
        PolicyError: The file cannot be read, or something of the list above stands in it.
    """
    if isinstance(source, Path):
        name = name or str(source)
        source = read_bounded(source, name=name)
    name = name or "<text>"
    return _Composer(_text(source, name), name).document()


def read_bounded(path: Path, *, limit: int = MAX_BYTES, name: str | None = None) -> bytes:
    """
    Read a regular file of at most `limit` bytes. Links are followed (mounted config maps are links).

    Raises:
        PolicyError: Missing, unreadable, not a regular file, too large, or it changed while it was read.
    """
    name = name or str(path)
    try:
        # O_NONBLOCK: a pipe put in the file's place must not hang us.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise PolicyError([(name, 1, 1, "not a regular file")])
            content = file.read(limit + 1)
            after = os.fstat(descriptor)
    except OSError as error:
        raise PolicyError([(name, 1, 1, f"cannot be read: {error.strerror or type(error).__name__}")]) from error
    if len(content) > limit:
        raise PolicyError([(name, 1, 1, f"larger than {limit} bytes")])
    if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size) or len(content) != after.st_size:
        raise PolicyError([(name, 1, 1, "changed while it was read")])
    return content


def _text(source: str | bytes, name: str) -> str:
    if isinstance(source, bytes):
        if len(source) > MAX_BYTES:
            raise PolicyError([(name, 1, 1, f"larger than {MAX_BYTES} bytes")])
        try:
            text = source.removeprefix(codecs.BOM_UTF8).decode("utf-8")
        except UnicodeDecodeError as error:
            before = source.removeprefix(codecs.BOM_UTF8)[: error.start].decode("utf-8")
            raise PolicyError([(name, *_place_after(before), "not UTF-8: save the file as UTF-8")]) from error
    else:
        text = source.removeprefix("\ufeff")
        if len(text) > MAX_BYTES:
            raise PolicyError([(name, 1, 1, f"larger than {MAX_BYTES} bytes")])
    refused = _REFUSED.search(text)
    if refused is not None:
        place = _place_after(text[: refused.start()])
        character = refused.group()
        what = "tab: indent and separate with spaces" if character == "\t" else f"character U+{ord(character):04X} is not allowed here"
        raise PolicyError([(name, *place, what)])
    return text


def _place_after(before: str) -> Place:
    return Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


class _Composer:
    """
    Turn events into values. Recursion is bounded by `MAX_DEPTH`; events are pulled one at a time, so a refusal stops the parser.
    """

    def __init__(self, text: str, name: str) -> None:
        self._events = yaml.parse(text, Loader=_PARSER)
        self._places = Places(name)
        self._faults: list[Fault] = []

    def document(self) -> Loaded:
        try:
            value = self._document()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)
            text = ", ".join(part for part in (error.context, error.problem) if part)
            raise PolicyError([*self._faults, (self._places.file, *place, f"not YAML: {text}")]) from error
        except yaml.YAMLError as error:
            raise PolicyError([*self._faults, (self._places.file, 1, 1, "not YAML")]) from error
        if self._faults:
            raise PolicyError(self._faults)
        return Loaded(value, self._places)

    def _document(self) -> Any:
        next(self._events)  # stream start
        event = next(self._events)
        if isinstance(event, StreamEndEvent):
            return None
        if isinstance(event, DocumentStartEvent) and event.version not in (None, (1, 2)):
            raise self._refuse(event, "only %YAML 1.2 is read here")
        value = self._node(next(self._events), (), 1)
        next(self._events)  # document end
        event = next(self._events)
        if not isinstance(event, StreamEndEvent):
            raise self._refuse(event, "a second document: one file holds one")
        return value

    def _node(self, event: Event, path: KeyPath, depth: int) -> Any:
        self._places._values[path] = _place(event)
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
            raise self._refuse(event, "anchors and aliases (& and *) are not allowed: write the value out")
        if getattr(event, "tag", None) is not None:
            raise self._refuse(event, "tags (!) are not allowed")
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        if depth > MAX_DEPTH:
            raise self._refuse(event, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, MappingStartEvent):
            return self._mapping(path, depth)
        if not isinstance(event, SequenceStartEvent):
            raise self._refuse(event, "a value was expected")
        items: list[Any] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._node(event, (*path, len(items)), depth + 1))
        return items

    def _mapping(self, path: KeyPath, depth: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                raise self._refuse(event, "a key must be a plain text; anchors, aliases, lists and mappings are not keys here")
            if event.anchor is not None or event.tag is not None:
                raise self._refuse(event, "anchors and tags (& and !) are not allowed")
            key = event.value
            if key in value:
                first = self._places._keys[(*path, key)]
                self._faults.append((self._places.file, *_place(event), f"duplicate key {key[:64]!r}: first given in line {first.line}"))
                if len(self._faults) >= MAX_FAULTS:
                    raise PolicyError(self._faults)
                self._node(next(self._events), (*path, key, "duplicate"), depth + 1)
                continue
            self._places._keys[(*path, key)] = _place(event)
            value[key] = None
            value[key] = self._node(next(self._events), (*path, key), depth + 1)
        return value

    def _scalar(self, event: ScalarEvent) -> Any:
        text = event.value
        if not event.implicit[0]:  # quoted, or a block: a string
            return text
        if text in _NULLS:
            return None
        if text in _BOOLS:
            return _BOOLS[text]
        if text[0] not in "+-.0123456789":
            return text
        if _NOT_FINITE.fullmatch(text):
            raise self._refuse(event, "not a finite number; put it in quotes if it is meant as text")
        kind = int if _INT.fullmatch(text) else None
        if kind is None and not _BASED.fullmatch(text) and not _REAL.fullmatch(text):
            return text
        if len(text) > MAX_NUMBER:
            raise self._refuse(event, f"a number of more than {MAX_NUMBER} characters; put it in quotes if it is meant as text")
        if kind is int:
            return int(text)
        return int(text, 0) if _BASED.fullmatch(text) else Decimal(text)

    def _refuse(self, event: Event, text: str) -> PolicyError:
        return PolicyError([*self._faults, (self._places.file, *_place(event), text)])


def _place(event: Event) -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)
