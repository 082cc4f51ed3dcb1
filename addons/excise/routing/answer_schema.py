"""
Whether a JSON value keeps a schema, as far as the keywords go that clients use to shape answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from excise.wire.json_schema.references import resolved

type Json = Any
type Schema = dict[str, Any]

_STEPS = 20_000  # schemas gone into, of one check: about 20 ms
_DEEPEST = 64


class _EnoughError(Exception):
    """
    Too deep or too large to go on.
    """


def keeps(value: Json, schema: Mapping[str, Json]) -> bool:
    """
    Whether a parsed answer keeps the schema it was asked for.

    Checked: `type` (OpenAPI's upper case and `nullable` too), `enum`, `const`, `properties`, `required`, `additionalProperties`, `items`,
    `prefixItems`, `minItems`, `maxItems`, `minLength`, `maxLength`, `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`, `anyOf`,
    `oneOf`, `allOf`, `$ref` within the schema. Every other keyword, `pattern` and `format` among them, and every keyword whose value is not
    what it should be, is passed over: a value is found wanting for what is sure. What is too large to be looked through keeps its schema.

    Source: JSON Schema 2020-12 validation, with draft 4's forms; OpenAPI 3.0 Schema Object; read 2026-11.
    """
    check = _Check(dict(schema))
    try:
        return check.keeps(value, check.root)
    except _EnoughError:
        return True


class _Check:
    """
    One value against one schema, in which references are found: `root`.
    """

    __slots__ = ("_depth", "_steps", "root")

    def __init__(self, root: Schema) -> None:
        self.root = root
        self._steps = _STEPS
        self._depth = 0

    def keeps(self, value: Json, schema: Json) -> bool:
        if type(schema) is not dict:
            return schema is not False
        if value is None and schema.get("nullable") is True:
            return True
        self._steps -= 1
        self._depth += 1
        if self._steps < 0 or self._depth > _DEEPEST:
            raise _EnoughError
        for keyword, limit in schema.items():
            rule = _RULES.get(keyword)
            if rule is not None and not rule(self, value, limit, schema):
                self._depth -= 1
                return False
        self._depth -= 1
        return True


def _type(check: _Check, value: Json, wanted: Json, schema: Schema) -> bool:
    if type(wanted) is not list:
        return _is(value, wanted)
    return not wanted or any(_is(value, name) for name in wanted)


def _is(value: Json, name: Json) -> bool:
    kinds = _KINDS.get(name.lower()) if type(name) is str else None
    if kinds is None or type(value) in kinds:
        return True
    return type(value) is float and value.is_integer() and name.lower() == "integer"


_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "object": (dict,),
    "array": (list,),
    "boolean": (bool,),
    "null": (type(None),),
    "number": (int, float),
    "integer": (int,),
}


def _enum(check: _Check, value: Json, values: Json, schema: Schema) -> bool:
    return type(values) is not list or any(_same(value, one) for one in values)


def _const(check: _Check, value: Json, other: Json, schema: Schema) -> bool:
    return _same(value, other)


def _same(value: Json, other: Json) -> bool:
    # Python takes True for 1.
    return (type(value) is bool) == (type(other) is bool) and value == other


def _reference(check: _Check, value: Json, reference: Json, schema: Schema) -> bool:
    target = resolved(check.root, reference) if type(reference) is str else None
    return type(target) is not dict or check.keeps(value, target)


def _all_of(check: _Check, value: Json, forms: Json, schema: Schema) -> bool:
    return type(forms) is not list or all(check.keeps(value, form) for form in forms)


def _any_of(check: _Check, value: Json, forms: Json, schema: Schema) -> bool:
    return type(forms) is not list or not forms or any(check.keeps(value, form) for form in forms)


def _one_of(check: _Check, value: Json, forms: Json, schema: Schema) -> bool:
    return type(forms) is not list or not forms or sum(check.keeps(value, form) for form in forms) == 1


def _required(check: _Check, value: Json, names: Json, schema: Schema) -> bool:
    if type(value) is not dict or type(names) is not list:
        return True
    return not any(type(name) is str and name not in value for name in names)


def _properties(check: _Check, value: Json, forms: Json, schema: Schema) -> bool:
    if type(value) is not dict or type(forms) is not dict:
        return True
    return all(check.keeps(value[name], form) for name, form in forms.items() if name in value)


def _further_properties(check: _Check, value: Json, form: Json, schema: Schema) -> bool:
    if type(value) is not dict or "patternProperties" in schema:
        return True
    named = schema.get("properties")
    if type(named) is not dict:
        named = {}
    return all(check.keeps(inner, form) for name, inner in value.items() if name not in named)


def _first_items(check: _Check, value: Json, forms: Json, schema: Schema) -> bool:
    if type(value) is not list or type(forms) is not list:
        return True
    return all(check.keeps(one, form) for one, form in zip(value, forms, strict=False))


def _items(check: _Check, value: Json, form: Json, schema: Schema) -> bool:
    if type(form) is list:  # until draft 2019-09
        return _first_items(check, value, form, schema)
    first = schema.get("prefixItems")
    return _rest(check, value, form, first)


def _further_items(check: _Check, value: Json, form: Json, schema: Schema) -> bool:
    first = schema.get("items")
    return type(first) is not list or _rest(check, value, form, first)


def _rest(check: _Check, value: Json, form: Json, first: Json) -> bool:
    if type(value) is not list:
        return True
    return all(check.keeps(one, form) for one in value[len(first) if type(first) is list else 0 :])


def _sized(kind: type[list[Json]] | type[str], sign: int) -> Rule:
    def rule(check: _Check, value: Json, limit: Json, schema: Schema) -> bool:
        return type(value) is not kind or not _number(limit) or (len(value) - limit) * sign >= 0

    return rule


def _least(check: _Check, value: Json, limit: Json, schema: Schema) -> bool:
    if not (_number(value) and _number(limit)):
        return True
    return bool(value > limit if schema.get("exclusiveMinimum") is True else value >= limit)  # a word about `minimum` in draft 4


def _most(check: _Check, value: Json, limit: Json, schema: Schema) -> bool:
    if not (_number(value) and _number(limit)):
        return True
    return bool(value < limit if schema.get("exclusiveMaximum") is True else value <= limit)


def _above(check: _Check, value: Json, limit: Json, schema: Schema) -> bool:
    return not (_number(value) and _number(limit)) or bool(value > limit)


def _below(check: _Check, value: Json, limit: Json, schema: Schema) -> bool:
    return not (_number(value) and _number(limit)) or bool(value < limit)


def _number(value: Json) -> bool:
    return type(value) in (int, float)


type Rule = Callable[[_Check, Json, Json, Schema], bool]

_RULES: dict[str, Rule] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "$ref": _reference,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _further_properties,
    "prefixItems": _first_items,
    "items": _items,
    "additionalItems": _further_items,
    "minItems": _sized(list, 1),
    "maxItems": _sized(list, -1),
    "minLength": _sized(str, 1),
    "maxLength": _sized(str, -1),
    "minimum": _least,
    "maximum": _most,
    "exclusiveMinimum": _above,
    "exclusiveMaximum": _below,
}
