"""
The schemas of Anthropic's structured output.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from excise.wire.json_schema.references import Inliner, inlined, refers
from excise.wire.json_schema.walk import ABOUT, Schema, Walk, mapped, tell, types_of
from excise.wire.loss import Losses

# fmt: off
_FORMATS = frozenset({
    "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid",
})
_KEEPS = frozenset({
    "type", "title", "description", "default", "properties", "required", "items", "anyOf", "allOf", "$defs", "definitions", "const",
    "enum",
})
# fmt: on


def for_anthropic_output(schema: Any, losses: Losses, field: str = "output.schema") -> Schema:
    """
    The schema as Anthropic's structured output and strict tools take it: objects closed, bounds of numbers, lengths and counts described
    instead of stated, no schema that contains itself.

    Source: Anthropic, "Structured outputs", JSON Schema limitations, and what its SDK leaves out; read 2026-11.
    """
    walk = Walk(losses, field)
    if refers(schema):
        trial = Inliner(replace(walk, losses=Losses()), schema)
        trial.visit(schema, 0, ())
        if trial.recursive:
            schema = inlined(schema, losses, field)
    if type(schema) is not dict:
        walk.stripped()
        return {"type": "object", "properties": {}, "additionalProperties": False}
    return _anthropic(schema, walk, 0)


def _anthropic(node: Any, walk: Walk, depth: int) -> Schema:
    if type(node) is not dict or not walk.enter(depth):
        if type(node) is dict or node is not True:
            walk.stripped()
        return _anything()
    if type(node.get("$ref")) is str:
        if node.keys() - ABOUT - {"$ref", "$defs", "definitions"}:
            walk.stripped()
        kept: Schema = {key: value for key, value in node.items() if key in ("$ref", "$defs", "definitions")}
        return mapped(kept, lambda inner: _anthropic(inner, walk, depth + 1))
    new: Schema = {key: value for key, value in node.items() if key in _KEEPS}
    left = {key: value for key, value in node.items() if key not in _KEEPS and key not in ABOUT}
    _anthropic_alternatives(new, left, walk)
    _anthropic_values(new, left)
    types = types_of(new)
    if "object" in types or (not types and type(new.get("properties")) is dict):
        if left.pop("additionalProperties", False) is not False:
            walk.stripped()
        new.setdefault("type", "object")
        new["properties"] = new["properties"] if type(new.get("properties")) is dict else {}
        new["additionalProperties"] = False
    if "array" in types and left.get("minItems") in (0, 1) and type(left["minItems"]) is int:
        new["minItems"] = left.pop("minItems")
    if type(form := left.get("format")) is str and form in _FORMATS:
        new["format"] = left.pop("format")
    if type(new.get("items")) is list:
        left["items"] = new.pop("items")
    tell(new, left, walk)
    if not {"type", "anyOf", "allOf", "const", "enum"} & new.keys():
        walk.stripped()
        new.update(_anything())
    closed = new.pop("additionalProperties", None)
    new = mapped(new, lambda inner: _anthropic(inner, walk, depth + 1))
    return new if closed is None else {**new, "additionalProperties": False}


def _anything() -> Schema:
    return {"anyOf": [{"type": kind} for kind in ("string", "number", "boolean", "null")]}


def _anthropic_alternatives(new: Schema, left: Schema, walk: Walk) -> None:
    if type(left.get("oneOf")) is list and "anyOf" not in new:
        walk.losses.changed(walk.field, "the target knows alternatives of which any may hold, not those of which one must")
        new["anyOf"] = left.pop("oneOf")
    for key in ("anyOf", "allOf"):
        if key in new and (type(new[key]) is not list or not new[key]):
            del new[key]


def _anthropic_values(new: Schema, left: Schema) -> None:
    """
    Values that may stand in `enum` and `const` are scalars; a type beside them is allowed.
    """
    enum = new.get("enum")
    if "enum" in new and not (type(enum) is list and enum and all(_scalar(value) for value in enum)):
        left["enum"] = new.pop("enum")
    if "const" in new and not _scalar(new["const"]):
        left["const"] = new.pop("const")


def _scalar(value: Any) -> bool:
    return value is None or type(value) in (str, int, float, bool)
