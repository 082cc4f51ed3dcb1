"""
Google's `Schema`, a subset of OpenAPI 3.0, as JSON Schema.

Source: `Schema` of the API's reference and of google-genai 3.4, read 2026-11.
"""

from __future__ import annotations

from typing import Any

from excise.wire.dialects.gemini.parts import spelled
from excise.wire.dialects.given import Place, wrong

_DEEPEST = 64
_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_COUNTS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})  # int64: may come as text
_NUMBERS = {1: "string", 2: "number", 3: "integer", 4: "boolean", 5: "array", 6: "object", 7: "null"}  # of `Type`, as some clients write it
_RENAMED = {"defs": "$defs", "ref": "$ref"}
_LEFT = frozenset({"nullable", "example", "propertyOrdering", "type", "enum"})


def json_schema(schema: Any, place: Place, depth: int = 0) -> dict[str, Any]:
    """
    A schema as every other provider reads it: types in lower case, `nullable` as the type null. Examples and the wanted order of
    properties, which constrain nothing, are left out; keywords of JSON Schema that Google does not know stay as they are.

    Raises:
        BadRequest: It is no schema, or nested more deeply than any provider takes.
    """
    if type(schema) is not dict:
        raise wrong(place, "is not an object")
    if depth > _DEEPEST:
        raise wrong(place[:3], "is nested too deeply")
    given = spelled(schema)
    plain: dict[str, Any] = {}
    nullable = given.get("nullable") is True
    _kind(given, plain, nullable)
    for key, value in given.items():
        key = _RENAMED.get(key, key)
        if key in _LEFT or (key == "format" and value == "enum"):
            continue
        if key in ("properties", "$defs"):
            if type(value) is not dict:
                raise wrong((*place, key), "is not an object")
            plain[key] = {name: json_schema(inner, (*place, key), depth + 1) for name, inner in value.items()}
        elif key == "items" or (key == "additionalProperties" and type(value) is dict):
            plain[key] = json_schema(value, (*place, key), depth + 1)
        elif key in ("anyOf", "prefixItems"):
            if type(value) is not list:
                raise wrong((*place, key), "is not a list")
            plain[key] = [json_schema(inner, (*place, key, at), depth + 1) for at, inner in enumerate(value)]
        elif key in _COUNTS and type(value) is str and value.isascii() and value.isdigit() and len(value) < 19:
            plain[key] = int(value)
        else:
            plain[key] = value
    if nullable and "anyOf" in plain and "type" not in plain:
        plain["anyOf"].append({"type": "null"})
    return plain


def _kind(given: dict[str, Any], plain: dict[str, Any], nullable: bool) -> None:
    kind = given.get("type")
    named = [_NUMBERS.get(one, "") if type(one) is int else one for one in (kind if type(kind) is list else [kind])]
    kinds = [one.lower() for one in named if type(one) is str and one.lower() in _TYPES]
    if kinds:
        if nullable and "null" not in kinds:
            kinds.append("null")
        plain["type"] = kinds if len(kinds) > 1 else kinds[0]
    values = given.get("enum")
    if values is not None:
        plain["enum"] = [*values, None] if nullable and type(values) is list and None not in values else values
