"""
Schemas: what fits one, and what is refused in one.
"""

from __future__ import annotations

from typing import Any

import pytest

from excise.standin import schemas

TREE = {"type": "object", "properties": {"left": {"$ref": "#/$defs/tree"}}, "required": []}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "so"),
        ({"type": ["null", "string"]}, "so"),
        ({"type": "string", "enum": ["a", "b"]}, "a"),
        ({"const": 5}, 5),
        ({"type": "string", "format": "date"}, "2025-10-09"),
        ({"type": "string", "minLength": 4}, "so~~"),
        ({"type": "string", "maxLength": 1}, "s"),
        ({"type": "integer"}, 7),
        ({"type": "integer", "maximum": 3}, 3),
        ({"type": "integer", "exclusiveMinimum": 9}, 10),
        ({"type": "integer", "multipleOf": 5}, 10),
        ({"type": "number"}, 7.5),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, ["so", "so"]),
        ({"type": "array"}, []),
        ({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}, {"a": "so"}),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 7),
        ({"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "null"}}}]}, {"a": "so", "b": None}),
        ({"$defs": {"a/b": {"type": "integer"}}, "properties": {"x": {"$ref": "#/$defs/a~1b"}}}, {"x": 7}),
        ("no schema", {}),
        ({"type": "text"}, {}),
    ],
)
def test_an_instance_fits(schema: Any, value: Any) -> None:
    """
    Of every keyword that matters.
    """
    assert schemas.instance(schema, "so") == value


def test_an_instance_of_a_tree_is_cut() -> None:
    """
    A schema that contains itself does not grow for ever.
    """
    made = schemas.instance({**TREE, "$defs": {"tree": TREE}}, "so")

    assert isinstance(made, dict)
    assert len(str(made)) < 200


@pytest.mark.parametrize(
    "schema",
    [
        5,
        {"type": 5},
        {"type": "text"},
        {"properties": []},
        {"properties": {"a": {"type": "x"}}},
        {"required": "a"},
        {"enum": "a"},
        {"anyOf": []},
        {"anyOf": ["x"]},
        {"items": {"required": [5]}},
    ],
)
def test_what_is_no_schema(schema: Any) -> None:
    """
    Wherever it stands inside.
    """
    assert schemas.malformed(schema) is not None


def test_recursion_is_found() -> None:
    """
    Anthropic takes no schema that leads back to itself; two that share a definition are fine.
    """
    leaf = {"type": "object", "properties": {}, "additionalProperties": False}
    shared = {**leaf, "properties": {"a": {"$ref": "#/$defs/leaf"}, "b": {"$ref": "#/$defs/leaf"}}, "$defs": {"leaf": leaf}}
    closed = {**TREE, "additionalProperties": False}

    assert schemas.anthropic_fault(shared) is None
    assert schemas.anthropic_fault({**closed, "$defs": {"tree": closed}}) == "Recursive schemas are not supported"
