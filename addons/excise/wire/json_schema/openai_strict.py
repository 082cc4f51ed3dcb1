"""
The schemas of OpenAI's strict mode.
"""

from __future__ import annotations

from typing import Any

from excise.wire.json_schema.references import resolved
from excise.wire.json_schema.walk import ABOUT, Schema, Walk, mapped, strings, types_of, with_all_of
from excise.wire.loss import Losses

_STRICT_DEEPEST = 10
_STRICT_PROPERTIES = 5000
# fmt: off
_STRICT_NEVER = frozenset({
    "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "dependencies", "patternProperties", "propertyNames",
    "unevaluatedProperties", "unevaluatedItems", "prefixItems", "additionalItems", "contains", "minContains", "maxContains",
    "minProperties", "maxProperties", "uniqueItems", "$dynamicRef", "$recursiveRef",
})
_STRICT_DROPPED = frozenset({
    "$schema", "$id", "$comment", "$anchor", "id", "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "discriminator",
})
# fmt: on


class _NotStrictError(Exception):
    """
    The schema has no strict form.
    """


def for_openai_strict(schema: Any, *, require_all: bool = False) -> Schema | None:
    """
    The schema as OpenAI's strict mode takes it: closed objects, every property required. `None` where it has no such form.

    What fits the strict form fits the schema: objects that say nothing of further properties are closed; alternatives of which one must
    hold become alternatives of which any may.

    Args:
        require_all: Require optional properties too, which an answer then always has: right for the form of an answer, wrong for the
            arguments of a tool. Without it, a schema with an optional property that may not be null has no strict form.

    Source: OpenAI, "Structured model outputs", supported schemas, read 2026-11.
    """
    if type(schema) is not dict:
        return None
    walk = Walk(Losses(), "")
    try:
        strict = _strict(schema, schema, walk, 0, 0, require_all)
    except _NotStrictError:
        return None
    return strict if strict.get("type") == "object" and "anyOf" not in strict and not walk.losses.all() else None


def _strict(node: Any, root: Schema, walk: Walk, depth: int, objects: int, require_all: bool) -> Schema:
    if type(node) is not dict or not walk.enter(depth) or objects > _STRICT_DEEPEST:
        raise _NotStrictError
    plain = with_all_of(node)
    if plain is None or not _STRICT_NEVER.isdisjoint(plain):
        raise _NotStrictError
    if "$ref" in plain:
        return _strict_reference(plain, root, walk, depth, objects, require_all)
    strict: Schema = {key: value for key, value in plain.items() if key not in _STRICT_DROPPED}
    if "oneOf" in strict:
        if "anyOf" in strict:
            raise _NotStrictError
        strict["anyOf"] = strict.pop("oneOf")
    if not {"type", "anyOf", "enum", "const"} & strict.keys():
        raise _NotStrictError
    if "object" in types_of(strict):
        _close(strict, root, require_all)
        objects += 1
    elif "properties" in strict:
        raise _NotStrictError
    if "array" in types_of(strict) and type(strict.get("items")) is not dict:
        raise _NotStrictError
    if any(key in strict and type(strict[key]) is not list for key in ("anyOf", "enum")):
        raise _NotStrictError
    return mapped(strict, lambda inner: inner if inner is False else _strict(inner, root, walk, depth + 1, objects, require_all))


def _strict_reference(node: Schema, root: Schema, walk: Walk, depth: int, objects: int, require_all: bool) -> Schema:
    beside = node.keys() - ABOUT - {"$ref", "$defs", "definitions"}
    if type(node["$ref"]) is not str or beside or type(resolved(root, node["$ref"])) is not dict:
        raise _NotStrictError
    if not {"$defs", "definitions"} & node.keys():
        return {"$ref": node["$ref"]}
    # A root that is a reference to one of its own definitions.
    target = resolved(root, node["$ref"])
    if "$ref" in target:
        raise _NotStrictError
    both = {**target, **{key: node[key] for key in ("$defs", "definitions") if key in node}}
    return _strict(both, root, walk, depth + 1, objects, require_all)


def _close(strict: Schema, root: Schema, require_all: bool) -> None:
    """
    Close an object and require its properties.
    """
    properties = strict.get("properties", {})
    if strict.get("additionalProperties", False) is not False or type(properties) is not dict or len(properties) > _STRICT_PROPERTIES:
        raise _NotStrictError
    required = frozenset(strings(strict.get("required", [])))
    if "additionalProperties" not in strict and not properties:
        raise _NotStrictError  # anything goes: closed, it would be always empty
    if not require_all and any(name not in required and not _nullable(inner, root) for name, inner in properties.items()):
        raise _NotStrictError
    if any(name not in properties for name in required):
        raise _NotStrictError
    strict["properties"] = properties
    strict["required"] = list(properties)
    strict["additionalProperties"] = False


def _nullable(node: Any, root: Schema) -> bool:
    if type(node) is not dict:
        return False
    if type(node.get("$ref")) is str:
        node = resolved(root, node["$ref"])
        if type(node) is not dict:
            return False
    if "null" in types_of(node) or (type(enum := node.get("enum")) is list and None in enum):
        return True
    variants = [node.get("anyOf"), node.get("oneOf")]
    return any(type(inner) is dict and "null" in types_of(inner) for variant in variants if type(variant) is list for inner in variant)
