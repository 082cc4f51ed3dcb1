"""
JSON Schema for targets that read a part of it only.
"""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from google.genai import types
from hypothesis import given, settings
from hypothesis import strategies as st

from excise.wire.json_schema import for_anthropic_output, for_gemini_subset, for_openai_strict, inlined, without
from excise.wire.loss import Change, Losses
from recordings import records, request_body, require_recordings

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


def noted(losses: Losses) -> dict[str, Change]:
    return {loss.field: loss.change for loss in losses.all()}


def done(function: Any, schema: Any) -> tuple[Any, dict[str, Change]]:
    losses = Losses()
    return function(schema, losses, "f"), noted(losses)


# -- references ------------------------------------------------------------------------------------------------------------------------


def test_references_are_written_out():
    """
    In definitions of definitions too, with what stands beside them; definitions go.
    """
    schema = {
        "type": "object",
        "properties": {
            "a": {"$ref": "#/$defs/A", "description": "mine"},
            "b": {"type": "array", "items": {"$ref": "#/definitions/x~1y%20z"}},
        },
        "$defs": {"A": {"type": "object", "description": "its", "properties": {"b": {"$ref": "#/definitions/x~1y%20z"}}}},
        "definitions": {"x/y z": {"enum": [1, 2]}},
    }

    assert done(inlined, schema) == (
        {
            "type": "object",
            "properties": {
                "a": {"type": "object", "description": "mine", "properties": {"b": {"enum": [1, 2]}}},
                "b": {"type": "array", "items": {"enum": [1, 2]}},
            },
        },
        {},
    )


def test_names_are_no_keywords():
    """
    A property may be called `$ref`, and a default may hold one.
    """
    schema = {"properties": {"$ref": {"type": "string"}, "definitions": {"const": {"$ref": "#"}}}, "default": {"$ref": "#/x"}}

    assert done(inlined, schema) == (schema, {})
    assert done(lambda schema, losses, field: without(schema, {"$ref", "type"}, losses, field), schema) == (
        {"properties": {"$ref": {}, "definitions": {"const": {"$ref": "#"}}}, "default": {"$ref": "#/x"}},
        {"f": Change.CHANGED},
    )


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (
            {"type": "object", "properties": {"next": {"$ref": "#"}}},
            {"type": "object", "properties": {"next": {"type": "object", "properties": {"next": {"type": "object"}}}}},
        ),
        (
            {"$ref": "#/$defs/A", "$defs": {"A": {"type": "array", "items": {"$ref": "#/$defs/A"}}}},
            {"type": "array", "items": {"type": "array"}},
        ),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}}, {}),
        ({"items": {"$ref": "https://example.com/a.json", "title": "t"}}, {"items": {"title": "t"}}),
        ({"items": {"$ref": "#/nowhere"}}, {"items": {}}),
        ({"items": {"$ref": "#/enum/0"}, "enum": ["a"]}, {"items": {}, "enum": ["a"]}),
    ],
)
def test_what_cannot_be_written_out_is_left_open(schema, expected):
    """
    Schemas that contain themselves, and references that lead nowhere: with a note.
    """
    assert done(inlined, schema) == (expected, {"f": Change.CHANGED})


def test_references_may_lead_to_true_and_into_lists():
    """
    Both are schemas.
    """
    schema = {"anyOf": [{"type": "string"}, {"$ref": "#/anyOf/0"}, {"$ref": "#/$defs/any"}], "$defs": {"any": True}}

    assert done(inlined, schema) == ({"anyOf": [{"type": "string"}, {"type": "string"}, {}]}, {})


def test_a_schema_that_grows_without_end_is_cut():
    """
    Each definition names the next one ten times: ten to the ninth in all.
    """
    defs = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 10, "description": "x" * 1000} for n in range(9)}
    written, losses = done(inlined, {"$ref": "#/$defs/d0", "$defs": {**defs, "d9": {"type": "string"}}})

    assert len(orjson.dumps(written)) < 4_000_000
    assert losses == {"f": Change.CHANGED}


def test_a_schema_deeper_than_any_provider_reads_is_cut():
    """
    Whatever it is written for.
    """
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(5000):
        schema = {"type": "array", "items": schema}
    schema["$defs"] = {}

    for function in (inlined, for_gemini_subset, for_anthropic_output, lambda schema, losses, f: without(schema, {"title"}, losses, f)):
        written, losses = done(function, schema)
        assert len(orjson.dumps(written)) < 10_000
        assert losses == {"f": Change.CHANGED}
    assert for_openai_strict(schema) is None


# -- keywords --------------------------------------------------------------------------------------------------------------------------


def test_keywords_are_left_out_everywhere():
    """
    With a note, unless they only describe.
    """
    schema = {"$schema": "s", "properties": {"a": {"title": "A", "minimum": 1}, "minimum": {"type": "string"}}, "allOf": [{"minimum": 2}]}

    assert without(schema, {"$schema", "title"}, losses := Losses(), "f") == {
        "properties": {"a": {"minimum": 1}, "minimum": {"type": "string"}},
        "allOf": [{"minimum": 2}],
    }
    assert noted(losses) == {}
    assert without(schema, {"minimum"}, losses, "f") == {
        "$schema": "s",
        "properties": {"a": {"title": "A"}, "minimum": {"type": "string"}},
        "allOf": [{}],
    }
    assert noted(losses) == {"f": Change.CHANGED}
    assert without(PERSON, {"minimum"}, losses, "f") is PERSON


# -- OpenAI ----------------------------------------------------------------------------------------------------------------------------


def test_strict_schemas_are_closed_and_complete():
    """
    Nested ones and definitions too; what only describes and is refused goes.
    """
    schema = {
        "$schema": "s",
        "type": "object",
        "properties": {
            "a": {"type": ["string", "null"], "default": None, "description": "d"},
            "b": {"$ref": "#/$defs/B", "description": "dropped"},
            "c": {"type": "array", "items": {"oneOf": [{"type": "object", "properties": {}, "additionalProperties": False}, {"const": 1}]}},
            "d": {"allOf": [{"$ref": "#/$defs/B"}]},
            "e": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
        },
        "required": ["b", "c", "d"],
        "$defs": {"B": {"type": "object", "properties": {"x": {"$ref": "#/$defs/B"}}, "required": ["x"]}},
    }

    assert for_openai_strict(schema) == {
        "type": "object",
        "properties": {
            "a": {"type": ["string", "null"], "description": "d"},
            "b": {"$ref": "#/$defs/B"},
            "c": {
                "type": "array",
                "items": {"anyOf": [{"type": "object", "properties": {}, "required": [], "additionalProperties": False}, {"const": 1}]},
            },
            "d": {"$ref": "#/$defs/B"},
            "e": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
        },
        "required": ["a", "b", "c", "d", "e"],
        "additionalProperties": False,
        "$defs": {
            "B": {"type": "object", "properties": {"x": {"$ref": "#/$defs/B"}}, "required": ["x"], "additionalProperties": False},
        },
    }


def test_optional_properties_that_may_be_null_are_required():
    """
    Null is what they say then; through references too.
    """
    null = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"enum": ["x", None]}}, "$defs": {"A": null}}

    assert for_openai_strict(schema) == {**schema, "required": ["a", "b"], "additionalProperties": False}


def test_a_strict_schema_is_left_as_it_is():
    """
    Equal, down to the order of its properties.
    """
    assert for_openai_strict(PERSON) == PERSON
    assert for_openai_strict({"$ref": "#/$defs/P", "$defs": {"P": PERSON}}) == {**PERSON, "$defs": {"P": PERSON}}


@pytest.mark.parametrize(
    "schema",
    [
        None,
        True,
        {},
        {"type": "string"},
        {"type": "object"},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": True},
        {"type": "object", "properties": {"a": {"type": "object", "additionalProperties": {"type": "string"}}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {}}, "required": ["a"]},
        {"type": "object", "properties": {"a": True}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"type": "string"}}},
        {"type": "object", "properties": {"a": {"type": "array"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"not": {}, "type": "string"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"allOf": [{"minimum": 1}, {"minimum": 2}], "type": "number"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"$ref": "#", "minimum": 1}}, "required": ["a"]},
        {"type": "object", "properties": {}, "required": ["a"], "additionalProperties": False},
        {"anyOf": [PERSON, PERSON]},
        {"type": "object", "properties": {"a": {"anyOf": [PERSON], "oneOf": [PERSON]}}, "required": ["a"]},
        {"type": "object", "properties": {"a": True}},
        {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}},
        {"type": "object", "properties": {"a": {"allOf": [True]}}, "required": ["a"]},
        {
            "type": "object",
            "properties": {"a": {"properties": {"x": {}}, "allOf": [{"properties": {"x": {"type": "null"}}}]}},
            "required": ["a"],
        },
        {"type": "object", "properties": 1},
    ],
)
def test_some_schemas_have_no_strict_form(schema):
    """
    Open maps, optional properties, anything goes, and nonsense.
    """
    assert for_openai_strict(schema) is None


def test_optional_properties_may_be_required():
    """
    For the form of an answer: what has them all fits the schema that asked for fewer.
    """
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}

    assert for_openai_strict(schema, require_all=True) == {**schema, "required": ["a"], "additionalProperties": False}


# -- Anthropic -------------------------------------------------------------------------------------------------------------------------


def test_anthropic_gets_bounds_in_words():
    """
    Which it refuses as keywords; the client's own description stays first.
    """
    schema = {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0, "maximum": 9, "description": "Years."},
            "mail": {"type": "string", "format": "email"},
            "host": {"type": "string", "format": "idn-hostname"},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}, "minItems": 1},
            "pair": {"type": "array", "items": {"type": "string"}, "minItems": 2},
        },
        "required": ["age"],
    }

    assert done(for_anthropic_output, schema) == (
        {
            "type": "object",
            "properties": {
                "age": {"type": "integer", "description": 'Years.\nConstraints: {"minimum":0,"maximum":9}'},
                "mail": {"type": "string", "format": "email"},
                "host": {"type": "string", "description": 'Constraints: {"format":"idn-hostname"}'},
                "tags": {
                    "type": "array",
                    "items": {"type": "string", "description": 'Constraints: {"maxLength":3}'},
                    "minItems": 1,
                },
                "pair": {"type": "array", "items": {"type": "string"}, "description": 'Constraints: {"minItems":2}'},
            },
            "required": ["age"],
            "additionalProperties": False,
        },
        {"f": Change.CHANGED},
    )


def test_what_anthropic_reads_is_left_as_it_is():
    """
    Without a note: closed objects, references, alternatives, values.
    """
    schema = {
        "type": "object",
        "properties": {
            "a": {"$ref": "#/$defs/A"},
            "b": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "c": {"enum": ["x", 1, None]},
            "d": {"const": "x", "title": "t", "default": "x"},
        },
        "required": ["a"],
        "additionalProperties": False,
        "$defs": {"A": {"type": ["integer", "null"]}},
    }

    assert done(for_anthropic_output, schema) == (schema, {})
    assert done(for_anthropic_output, {"$ref": "#/$defs/P", "$defs": {"P": PERSON}}) == ({"$ref": "#/$defs/P", "$defs": {"P": PERSON}}, {})


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (
            {"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": False},
            {
                "type": "object",
                "properties": {
                    "next": {
                        "type": "object",
                        "properties": {"next": {"type": "object", "properties": {}, "additionalProperties": False}},
                        "additionalProperties": False,
                    }
                },
                "additionalProperties": False,
            },
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"type": "object", "properties": {}, "additionalProperties": False},
        ),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        (
            {"type": "array", "items": {}},
            {"type": "array", "items": {"anyOf": [{"type": kind} for kind in ("string", "number", "boolean", "null")]}},
        ),
        (False, {"type": "object", "properties": {}, "additionalProperties": False}),
    ],
)
def test_what_anthropic_gets_in_place_of_what_it_refuses(schema, expected):
    """
    With a note.
    """
    assert done(for_anthropic_output, schema) == (expected, {"f": Change.CHANGED})


# -- Gemini ----------------------------------------------------------------------------------------------------------------------------


def test_gemini_gets_its_subset():
    """
    References written out, nullable in place of null, values as text, nothing it answers 400 to; all of it without a note.
    """
    schema = {
        "$schema": "s",
        "type": "object",
        "properties": {
            "a": {"$ref": "#/$defs/A"},
            "b": {"type": ["string", "null"], "format": "date-time", "examples": ["x"]},
            "c": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "d"},
            "d": {"const": "x"},
            "e": {"enum": [1, 2, None]},
            "f": {"type": ["integer", "string"], "minimum": 1, "maxLength": 3},
            "g": {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10},
            "h": {"allOf": [{"type": "object", "properties": {"x": {"type": "string"}}}, {"properties": {"y": {"type": "boolean"}}}]},
            "i": {"oneOf": [{"type": "string"}, {"type": "number"}]},
            "j": {"type": ["integer", "boolean", "null"]},
            "k": {"enum": ["", "x"]},
            "l": {"enum": [""]},
            "m": {"properties": {"x": {}}, "required": ["x"], "allOf": [{"required": ["x", "y"]}, {"properties": {"y": {}}}]},
        },
        "propertyOrdering": ["b", "a", "gone"],
        "required": ["a", "gone"],
        "additionalProperties": False,
        "$defs": {"A": {"type": "array", "items": {"type": "number"}, "minItems": 1}},
    }

    written, losses = done(for_gemini_subset, schema)

    assert written == {
        "type": "OBJECT",
        "properties": {
            "a": {"type": "ARRAY", "items": {"type": "NUMBER"}, "minItems": 1},
            "b": {"type": "STRING", "nullable": True, "format": "date-time"},
            "c": {"type": "INTEGER", "nullable": True, "description": "d"},
            "d": {"type": "STRING", "enum": ["x"]},
            "e": {"type": "INTEGER", "enum": ["1", "2"], "nullable": True},
            "f": {"anyOf": [{"type": "INTEGER", "minimum": 1}, {"type": "STRING", "maxLength": 3}]},
            "g": {"type": "INTEGER", "minimum": 1, "maximum": 9},
            "h": {"type": "OBJECT", "properties": {"x": {"type": "STRING"}, "y": {"type": "BOOLEAN"}}},
            "i": {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]},
            "j": {"anyOf": [{"type": "INTEGER"}, {"type": "BOOLEAN"}], "nullable": True},
            "k": {"type": "STRING", "enum": ["x"]},
            "l": {"type": "STRING"},
            "m": {"type": "OBJECT", "properties": {"x": {}, "y": {}}, "required": ["x", "y"]},
        },
        "propertyOrdering": ["b", "a"],
        "required": ["a"],
    }
    assert losses == {}
    types.Schema.model_validate(written)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "format": "email"}, {"type": "STRING", "description": 'Constraints: {"format":"email"}'}),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"type": "OBJECT", "description": 'Constraints: {"additionalProperties":{"type":"string"}}'},
        ),
        ({"enum": [True]}, {"description": 'Constraints: {"enum":[true]}'}),
        ({"type": "array"}, {"type": "ARRAY", "items": {"type": "STRING"}}),
        (
            {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
            {"type": "ARRAY", "items": {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}},
        ),
        ({"type": "array", "items": [{"type": "string"}]}, {"type": "ARRAY", "items": {"type": "STRING"}}),
        ({"anyOf": [{"type": "string"}], "oneOf": [{"type": "string"}, {"type": "integer"}]}, None),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, {}),
        ({"properties": {"a": False}}, {"type": "OBJECT", "properties": {"a": {}}}),
        ({"not": {"type": "string"}, "description": "x" * 400}, None),
        (7, {"type": "OBJECT"}),
    ],
)
def test_what_gemini_does_not_read_is_noted(schema, expected):
    """
    And described where that is short.
    """
    written, losses = done(for_gemini_subset, schema)

    assert losses == {"f": Change.CHANGED}
    assert expected is None or written == expected
    types.Schema.model_validate(written)


# -- whatever comes --------------------------------------------------------------------------------------------------------------------

# fmt: off
KEYS = [
    "type", "properties", "items", "required", "enum", "const", "anyOf", "oneOf", "allOf", "not", "$ref", "$defs", "definitions",
    "additionalProperties", "minimum", "exclusiveMinimum", "format", "prefixItems", "description", "nullable", "default", "minItems", "a",
]
# fmt: on
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(allow_nan=False),
    st.sampled_from(["string", "object", "array", "integer", "null", "#", "#/$defs/a", "#/properties/a", "email", "a", "\ud800"]),
)
HOSTILE = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)), max_leaves=25
)
# fmt: off
FUNCTIONS = [
    inlined, for_anthropic_output, for_gemini_subset,
    lambda schema, losses, field: without(schema, {"minimum", "anyOf"}, losses, field),
    lambda schema, losses, field: for_openai_strict(schema),
    lambda schema, losses, field: for_openai_strict(schema, require_all=True),
]
# fmt: on


@settings(max_examples=500)
@given(HOSTILE)
def test_nothing_raises_and_nothing_is_changed(schema):
    """
    Whatever JSON stands where a schema should.
    """
    before = copy.deepcopy(schema)

    for function in FUNCTIONS:
        function(schema, Losses(), "f")

    assert schema == before


@settings(max_examples=500)
@given(HOSTILE)
def test_no_reference_is_left(schema):
    """
    In any place of a schema.
    """
    written, _ = done(inlined, schema)

    assert [node for node in _schemas(written) if isinstance(node.get("$ref"), str)] == []


@settings(max_examples=500)
@given(HOSTILE)
def test_strict_means_strict(schema):
    """
    Every object is closed, and requires all it has.
    """
    for strict in (for_openai_strict(schema), for_openai_strict(schema, require_all=True)):
        for node in _schemas(strict) if strict is not None else ():
            if "object" in (node.get("type"), *(node["type"] if isinstance(node.get("type"), list) else ())):
                assert node["additionalProperties"] is False
                assert sorted(node["required"]) == sorted(node["properties"])


def _schemas(node: Any) -> list[dict[str, Any]]:
    """
    A schema and all schemas in it, by the places the drafts name.
    """
    if not isinstance(node, dict):
        return []
    found = [node]
    for key, value in node.items():
        if key in ("properties", "$defs", "definitions", "patternProperties") and isinstance(value, dict):
            found += [inner for child in value.values() for inner in _schemas(child)]
        elif key in ("anyOf", "oneOf", "allOf", "prefixItems", "items") and isinstance(value, list):
            found += [inner for child in value for inner in _schemas(child)]
        elif key in ("items", "additionalProperties", "not"):
            found += _schemas(value)
    return found


@require_recordings
def test_recorded_schemas_become_ones_google_reads():
    """
    Of tools and of outputs, from every provider's clients.
    """
    seen = 0
    for record in records():
        try:
            body = orjson.loads(request_body(record))
        except orjson.JSONDecodeError:
            continue
        for schema in _recorded(body):
            seen += 1
            types.Schema.model_validate(for_gemini_subset(schema, Losses()))
            for_anthropic_output(schema, Losses())
            strict = for_openai_strict(schema, require_all=True)
            assert strict is None or strict["additionalProperties"] is False

    assert seen > 200


PLACES = ("parameters", "input_schema", "schema", "parametersJsonSchema")


def _recorded(body: Any) -> list[Any]:
    found, stack = [], [body]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            found += [
                node[key] for key in ("parameters", "input_schema", "schema", "parametersJsonSchema") if isinstance(node.get(key), dict)
            ]
            stack += node.values()
        elif isinstance(node, list):
            stack += node
    return found
