"""
Going through a schema: where schemas stand inside of it, how far one goes, and what is lost on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from excise.wire.loss import Losses

type Schema = dict[str, Any]

DEEPEST = 48  # levels; every provider's own limit is far below
NODES = 10_000
_ALL_OF_DEEPEST = 8
_TELLING = 300  # characters of constraints that are worth a description

# Source: JSON Schema 2020-12 core and validation, with the names of drafts 4 to 7; read 2026-11.
_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
# fmt: off
_SINGLES = frozenset({
    "items", "additionalProperties", "additionalItems", "unevaluatedProperties", "unevaluatedItems", "contains", "propertyNames",
    "not", "if", "then", "else",
})
ABOUT = frozenset({  # says something about the schema and constrains nothing
    "$schema", "$id", "$comment", "$anchor", "$dynamicAnchor", "$vocabulary", "id", "title", "description", "default", "examples",
    "example", "deprecated", "readOnly", "writeOnly",
})
# fmt: on

CUT = "the schema is too deep or too large; what lies deeper is left open"
_STRIPPED = "the target does not read every keyword of the schema; some constraints are left out or only described"


@dataclass(slots=True)
class Walk:
    """
    One pass over one schema: what is lost, and how much of the bounds is left.
    """

    losses: Losses
    field: str
    nodes: int = NODES

    def enter(self, depth: int) -> bool:
        self.nodes -= 1
        if depth > DEEPEST or self.nodes < 0:
            self.losses.changed(self.field, CUT)
            return False
        return True

    def stripped(self) -> None:
        self.losses.changed(self.field, _STRIPPED)


def mapped(schema: Schema, visit: Callable[[Any], Any]) -> Schema:
    """
    The schema with `visit` done to every schema directly inside; itself where nothing changed.
    """
    changed: Schema = {}
    for key, value in schema.items():
        if key in _MAPS and type(value) is dict:
            new: Any = {name: visit(inner) for name, inner in value.items()}
            same = all(new[name] is inner for name, inner in value.items())
        elif (key in _LISTS or key == "items") and type(value) is list:
            new = [visit(inner) for inner in value]
            same = all(one is inner for one, inner in zip(new, value, strict=True))
        elif key in _SINGLES:
            new = visit(value)
            same = new is value
        else:
            continue
        if not same:
            changed[key] = new
    return {**schema, **changed} if changed else schema


def tell(schema: Schema, left: Mapping[str, Any], walk: Walk) -> None:
    """
    Describe the constraints `schema` had to lose, if that is short.
    """
    if not left:
        return
    walk.stripped()
    try:
        text = orjson.dumps(left).decode()
    except (orjson.JSONEncodeError, TypeError):
        return
    if len(text) <= _TELLING:
        before = schema.get("description")
        schema["description"] = f"{before}\nConstraints: {text}" if type(before) is str and before else f"Constraints: {text}"


def strings(value: Any) -> list[str]:
    return [item for item in value if type(item) is str] if type(value) is list else []


def types_of(node: Schema) -> list[str]:
    kind = node.get("type")
    return [kind] if type(kind) is str else strings(kind)


def _together(members: list[Any]) -> Schema | None:
    """
    Schemas that all hold, as one; `None` where that takes more than putting their members side by side.
    """
    one: Schema = {}
    for member in members:
        if type(member) is not dict:
            return None
        for key, value in member.items():
            if key not in one or one[key] == value or key in ("title", "description"):
                one.setdefault(key, value)
            elif key == "properties" and type(value) is dict and type(one[key]) is dict:
                if any(name in one[key] and one[key][name] != inner for name, inner in value.items()):
                    return None
                one[key] = {**one[key], **value}
            elif key == "required" and type(value) is list and type(one[key]) is list:
                one[key] = [*one[key], *(name for name in value if name not in one[key])]
            else:
                return None
    return one


def with_all_of(node: Schema, depth: int = 0) -> Schema | None:
    """
    The node with its `allOf` put into it; `None` where that is not possible.
    """
    members = node.get("allOf")
    if members is None:
        return node
    rest = {key: value for key, value in node.items() if key != "allOf"}
    if type(members) is not list or depth > _ALL_OF_DEEPEST:
        return None
    return _together([rest, *(with_all_of(member, depth + 1) if type(member) is dict else None for member in members)])
