"""
The shapes a provider takes JSON in. Reading a value by a shape gives it back clean, or says what is wrong with it, and where.

Providers agree on what can be wrong and differ in how they say it, so a shape raises `Wrong`, and each provider has its own words for that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

type Kind = Literal[
    "unknown", "missing", "type", "choice", "tag", "low", "high", "short", "long", "few", "many", "pattern", "pairs", "value"
]


@dataclass(frozen=True, slots=True)
class Tag:
    """
    Name of a union's variant inside a place; some providers write it out.
    """

    name: str


type Place = tuple[str | int | Tag, ...]


class Wrong(Exception):
    """
    A value that does not fit.

    Attributes:
        wanted: Of kind type: names of JSON types; choice and tag: what there is; low and the like: the bound; pattern: the expression;
            value: a sentence.
    """

    def __init__(self, kind: Kind, place: Place, wanted: Any = None, got: Any = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.place = place
        self.wanted = wanted
        self.got = got


def json_type(value: Any) -> str:
    """
    Name of a JSON value's type; whole numbers are integers.
    """
    names: dict[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")


class Shape:
    """
    Reads one value. `types`: the JSON types it takes.
    """

    types: tuple[str, ...] = ("string", "boolean", "integer", "number", "array", "object", "null")

    def read(self, value: Any, place: Place = ()) -> Any:
        """
        The value as it is used.

        Raises:
            Wrong: It does not fit.
        """
        if json_type(value) not in self.types:
            raise Wrong("type", place, self.types, value)
        return value


class Free(Shape):
    """
    Anything.
    """


class Flag(Shape):
    """
    True or false.
    """

    types = ("boolean",)


class Text(Shape):
    """
    A string of bounded length (in characters), matching the whole of a pattern.
    """

    types = ("string",)

    def __init__(self, pattern: str | None = None, least: int = 0, most: int | None = None) -> None:
        self._pattern = re.compile(pattern) if pattern else None
        self._least = least
        self._most = most

    def read(self, value: Any, place: Place = ()) -> Any:
        super().read(value, place)
        if len(value) < self._least:
            raise Wrong("short", place, self._least, value)
        if self._most is not None and len(value) > self._most:
            raise Wrong("long", place, self._most, value)
        if self._pattern and not self._pattern.fullmatch(value):
            raise Wrong("pattern", place, self._pattern.pattern, value)
        return value


class Word(Shape):
    """
    One of some strings.
    """

    types = ("string",)

    def __init__(self, *words: str) -> None:
        self.words = words

    def read(self, value: Any, place: Place = ()) -> Any:
        super().read(value, place)
        if value not in self.words:
            raise Wrong("choice", place, self.words, value)
        return value


class Number(Shape):
    """
    A number within bounds, both inclusive.
    """

    types: tuple[str, ...] = ("number", "integer")

    def __init__(self, low: float | None = None, high: float | None = None) -> None:
        self._low = low
        self._high = high

    def read(self, value: Any, place: Place = ()) -> Any:
        super().read(value, place)
        if self._low is not None and value < self._low:
            raise Wrong("low", place, self._low, value)
        if self._high is not None and value > self._high:
            raise Wrong("high", place, self._high, value)
        return value


class Whole(Number):
    """
    A whole number within bounds.
    """

    types = ("integer",)


class Items(Shape):
    """
    An array of so many of one shape.
    """

    types: tuple[str, ...] = ("array",)

    def __init__(self, of: Shape, least: int = 0, most: int | None = None) -> None:
        self._of = of
        self._least = least
        self._most = most

    def read(self, value: Any, place: Place = ()) -> Any:
        super().read(value, place)
        if len(value) < self._least:
            raise Wrong("few", place, self._least, value)
        if self._most is not None and len(value) > self._most:
            raise Wrong("many", place, self._most, value)
        return [self._of.read(item, (*place, at)) for at, item in enumerate(value)]


class Table(Shape):
    """
    An object with keys of the client's choice.
    """

    types = ("object",)

    def __init__(self, of: Shape, most: int | None = None, key: Text | None = None) -> None:
        self._of = of
        self._most = most
        self._key = key

    def read(self, value: Any, place: Place = ()) -> Any:
        super().read(value, place)
        if self._most is not None and len(value) > self._most:
            raise Wrong("pairs", place, self._most, value)
        for name in value:
            if self._key is not None:
                self._key.read(name, (*place, name))
        return {name: self._of.read(part, (*place, name)) for name, part in value.items()}


class Record(Shape):
    """
    An object of known fields.

    Args:
        need: Fields that must be there.
        may: Fields that may be there.
        nulls: A field that is null counts as absent.
        camel: Names in snake case are as good as in camel case, as protocol buffers have it; read values have camel case.
        lax: Unknown fields are left out instead of refused.
    """

    types = ("object",)

    def __init__(
        self,
        need: Mapping[str, Shape] | None = None,
        may: Mapping[str, Shape] | None = None,
        *,
        nulls: bool = True,
        camel: bool = False,
        lax: bool = False,
    ) -> None:
        self.need = dict(need or {})
        self.fields = {**self.need, **(may or {})}
        self._nulls = nulls
        self._camel = camel
        self._lax = lax

    def read(self, value: Any, place: Place = ()) -> Any:
        super().read(value, place)
        clean: dict[str, Any] = {}
        there = {camel(name) if self._camel else name for name, part in value.items() if part is not None or not self._nulls}
        for name in self.need:
            if name not in there:
                raise Wrong("missing", (*place, name))
        for given, part in value.items():
            name = camel(given) if self._camel else given
            shape = self.fields.get(name)
            if shape is None:
                if self._lax:
                    continue
                raise Wrong("unknown", (*place, given), tuple(self.fields), part)
            if part is None and self._nulls:
                continue
            clean[name] = shape.read(part, (*place, given))
        return clean


class Union(Shape):
    """
    Objects told apart by the string in one of their fields.

    Args:
        by: That field's name.
        default: Its value where the field is left out.
        tagged: The variant's name stands in the place of what is wrong inside.
    """

    types = ("object",)

    def __init__(self, by: str, variants: Mapping[str, Shape], *, default: str | None = None, tagged: bool = False) -> None:
        self._by = by
        self.variants = dict(variants)
        self._default = default
        self._tagged = tagged

    def read(self, value: Any, place: Place = ()) -> Any:
        super().read(value, place)
        tag = value.get(self._by, self._default)
        if tag is None:
            raise Wrong("missing", (*place, self._by), tuple(self.variants))
        if not isinstance(tag, str):
            raise Wrong("type", (*place, self._by), ("string",), tag)
        variant = self.variants.get(tag)
        if variant is None:
            raise Wrong("tag", (*place, self._by), tuple(self.variants), tag)
        return variant.read(value, (*place, Tag(tag)) if self._tagged else place)


class Either(Shape):
    """
    Shapes told apart by the JSON type.
    """

    def __init__(self, *shapes: Shape) -> None:
        self._shapes = shapes
        self.types = tuple(dict.fromkeys(name for shape in shapes for name in shape.types))

    def read(self, value: Any, place: Place = ()) -> Any:
        super().read(value, place)
        name = json_type(value)
        return next(shape for shape in self._shapes if name in shape.types).read(value, place)


class Maybe(Either):
    """
    A shape, or null.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape, _Null())


class _Null(Shape):
    types = ("null",)


class Later(Shape):
    """
    A shape that is named before it is made; for shapes that contain themselves.
    """

    def __init__(self, find: Callable[[], Shape], *types: str) -> None:
        self._find = find
        self.types = types or ("object",)

    def read(self, value: Any, place: Place = ()) -> Any:
        return self._find().read(value, place)


@cache
def camel(name: str) -> str:
    """
    A field's name in camel case.
    """
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def dotted(place: Place) -> str:
    """
    A place as pydantic writes it: `messages.0.content.1.text.cache_control`.
    """
    return ".".join(step.name if isinstance(step, Tag) else str(step) for step in place)


def bracketed(place: Place) -> str:
    """
    A place as most write it: `messages[0].content[1].text`; variants are left out.
    """
    said = ""
    for step in place:
        if isinstance(step, int):
            said += f"[{step}]"
        elif isinstance(step, str):
            said += f".{step}" if said else step
    return said
