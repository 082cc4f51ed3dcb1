"""
The schemas of Gemini's `parameters` and `responseSchema`: a part of OpenAPI's.
"""

from __future__ import annotations

from typing import Any

from excise.wire.json_schema.references import inlined
from excise.wire.json_schema.walk import ABOUT, Schema, Walk, strings, tell, types_of, with_all_of
from excise.wire.loss import Losses

_TYPES = {
    "string": "STRING",
    "number": "NUMBER",
    "integer": "INTEGER",
    "boolean": "BOOLEAN",
    "array": "ARRAY",
    "object": "OBJECT",
}
_FORMATS = {"STRING": {"date-time", "enum"}, "NUMBER": {"float", "double"}, "INTEGER": {"int32", "int64"}}
_SCALARS = {"title": str, "description": str, "pattern": str, "nullable": bool}
# fmt: off
_COUNTS = frozenset({
    "maxItems", "minItems", "minLength", "maxLength", "minProperties", "maxProperties",
})
_HANDLED = frozenset({
    "type", "enum", "const", "format", "anyOf", "oneOf", "allOf", "properties", "required", "items", "propertyOrdering", "default",
    "example", "minimum", "maximum",
})
# fmt: on


def for_gemini_subset(schema: Any, losses: Losses, field: str = "tools.schema") -> Schema:
    """
    The schema as Gemini's `parameters` and `responseSchema` take it: the OpenAPI subset, without references.

    Source: google.genai `types.Schema` and the API reference's Schema, read 2026-11.
    """
    walk = Walk(losses, field)
    schema = inlined(schema, losses, field)
    if type(schema) is not dict:
        walk.stripped()
        return {"type": "OBJECT"}
    return _gemini(schema, walk, 0)


def _gemini(node: Any, walk: Walk, depth: int) -> Schema:
    if type(node) is not dict or not walk.enter(depth):
        if node is not True:
            walk.stripped()
        return {}
    plain = with_all_of(node)
    if plain is None:
        walk.stripped()
        plain = {key: value for key, value in node.items() if key != "allOf"}
    if (several := _one_type(plain)) is not None:
        plain = several
    new: Schema = {key: plain[key] for key, kind in _SCALARS.items() if type(plain.get(key)) is kind}
    new |= {key: plain[key] for key in _COUNTS & plain.keys() if type(plain[key]) is int and plain[key] >= 0}
    new |= {key: plain[key] for key in ("default", "example") if key in plain}
    new |= {key: plain[key] for key in ("minimum", "maximum") if type(plain.get(key)) in (int, float)}
    left = {key: value for key, value in plain.items() if key not in _HANDLED and key not in new and key not in ABOUT}
    types = [kind for kind in types_of(plain) if kind != "null"]
    if types and types[0] in _TYPES:
        new["type"] = _TYPES[types[0]]
    if "null" in types_of(plain):
        new["nullable"] = True
    _values(plain, new, left)
    _alternatives(plain, new, walk, depth)
    _inside(plain, new, left, walk, depth)
    _bounds(plain, new, left)
    if left.get("additionalProperties") is False:
        del left["additionalProperties"]  # it writes declared properties only
    tell(new, left, walk)
    return new


def _one_type(node: Schema) -> Schema | None:
    """
    Several types as alternatives of one type each; `None` where there is one at most.
    """
    types = [kind for kind in types_of(node) if kind != "null" and kind in _TYPES]
    if len(types) < 2 or "anyOf" in node or "oneOf" in node:
        return None
    about = {key: value for key, value in node.items() if key in ABOUT}
    rest = {key: value for key, value in node.items() if key not in ABOUT and key != "type"}
    variants: list[Schema] = [{**{key: rest[key] for key in rest if _concerns(key, kind)}, "type": kind} for kind in types]
    if "null" in types_of(node):
        variants.append({"type": "null"})
    return {**about, "anyOf": variants}


_CONCERNS = {
    "object": frozenset(
        {"properties", "required", "additionalProperties", "minProperties", "maxProperties", "propertyOrdering", "patternProperties"}
    ),
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"}),
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
}


def _concerns(keyword: str, kind: str) -> bool:
    """
    Whether a keyword says something of values of a type.
    """
    kind = "number" if kind == "integer" else kind
    return keyword in _CONCERNS.get(kind, ()) or not any(keyword in keywords for keywords in _CONCERNS.values())


def _values(plain: Schema, new: Schema, left: Schema) -> None:
    """
    Values are written as text, whatever their type.
    """
    values = plain["enum"] if type(plain.get("enum")) is list else [plain["const"]] if "const" in plain else []
    if None in values:
        new["nullable"] = True
    given = [value for value in values if value is not None]
    if not given:
        return
    if all(type(value) is str for value in given):
        new["type"] = "STRING"
        new["enum"] = given
        if "" in given:  # refused by the API
            new["enum"] = [value for value in given if value]
    elif all(type(value) in (int, float) for value in given):
        new.setdefault("type", "INTEGER" if all(type(value) is int for value in given) else "NUMBER")
        new["enum"] = [str(value) for value in given]
    else:
        left["enum"] = given
    if not new.get("enum", True):
        del new["enum"]


def _alternatives(plain: Schema, new: Schema, walk: Walk, depth: int) -> None:
    given = [variants for key in ("anyOf", "oneOf") if type(variants := plain.get(key)) is list and variants]
    if not given:
        return
    if len(given) > 1:
        walk.stripped()
    kept = [variant for variant in given[0] if not (type(variant) is dict and types_of(variant) == ["null"])]
    if len(kept) < len(given[0]):
        new["nullable"] = True
    written = [_gemini(variant, walk, depth + 1) for variant in kept]
    if len(written) == 1:
        new |= {name: value for name, value in written[0].items() if name not in new}
    elif written:
        new["anyOf"] = written


def _inside(plain: Schema, new: Schema, left: Schema, walk: Walk, depth: int) -> None:
    properties = plain.get("properties")
    if type(properties) is dict:
        new.setdefault("type", "OBJECT")
        if properties:
            new["properties"] = {name: _gemini(inner, walk, depth + 1) for name, inner in properties.items()}
        required = [name for name in strings(plain.get("required")) if name in properties]
        if required:
            new["required"] = required
        order = [name for name in strings(plain.get("propertyOrdering")) if name in properties]
        if order:
            new["propertyOrdering"] = order
    items, places = plain.get("items"), left.pop("prefixItems", None)
    if type(items) is list:
        items, places = None, items
    if type(places) is list and places:
        walk.stripped()
        kinds = [_gemini(inner, walk, depth + 1) for inner in places]
        new["items"] = kinds[0] if all(kind == kinds[0] for kind in kinds) else {"anyOf": kinds}
    elif type(items) is dict:
        new["items"] = _gemini(items, walk, depth + 1)
    if "items" in new:
        new.setdefault("type", "ARRAY")
    elif new.get("type") == "ARRAY":  # refused without
        walk.losses.changed(walk.field, "the target's lists say what is in them; text was said where the schema leaves it open")
        new["items"] = {"type": "STRING"}


def _bounds(plain: Schema, new: Schema, left: Schema) -> None:
    kind = new.get("type")
    if "format" in plain:
        if type(form := plain["format"]) is str and form in _FORMATS.get(kind or "", ()):
            new["format"] = form
        else:
            left["format"] = plain["format"]
    if kind == "INTEGER":
        for exclusive, bound, step in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
            if type(left.get(exclusive)) is int and bound not in new:
                new[bound] = left.pop(exclusive) + step
