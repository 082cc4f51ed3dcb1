"""
What is wrong with an answer, and above all what is not.
"""

from __future__ import annotations

import json
import time

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.policy.terms import ANSWER_FAULTS
from excise.routing.answer_faults import fault_in
from excise.routing.answer_schema import keeps
from excise.wire.neutral import (
    Answer,
    Candidate,
    Extra,
    Finish,
    Opaque,
    OutputFormat,
    Reasoning,
    Refusal,
    Request,
    Text,
    Tool,
    ToolCall,
    Turn,
)

ALL = frozenset(ANSWER_FAULTS)
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": ["integer", "null"], "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
WEATHER = Tool("weather", schema={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
LOOP = "The harbour keeps a quiet ledger of every ship. "


def asked(**fields):
    return Request("openai-chat", "m", (Turn("user", (Text(text="go"),)),), **fields)


def said(text="", finish=Finish.STOP, parts=()):
    return Answer("openai-chat", (Candidate((*((Text(text=text),) if text else ()), *parts), finish),))


def call(arguments, name="weather", finish=Finish.TOOL):
    return said(finish=finish, parts=(ToolCall(id="c", name=name, arguments=arguments),))


JSON = asked(output=OutputFormat())
SHAPED = asked(output=OutputFormat(schema=PERSON))
TOOLS = asked(tools=(WEATHER,))

GOOD = {
    "an answer": (said("Yes."), asked()),
    "stopped at once by the client's own word": (said("", Finish.STOP_SEQUENCE), asked(stop=("x",))),
    "thoughts alone, cut by max_tokens": (said(finish=Finish.LENGTH, parts=(Reasoning(text="hm"),)), asked(max_tokens=5)),
    "something only its provider understands": (said(parts=(Opaque(kind="tools.server"),)), asked()),
    "to be continued": (said(finish=Finish.PAUSE), JSON),
    "a call": (call({"city": "Oslo"}), TOOLS),
    "a call instead of the JSON": (call({"city": "Oslo"}), asked(tools=(WEATHER,), output=OutputFormat())),
    "half a call, cut by max_tokens": (call(None, finish=Finish.LENGTH), asked(tools=(WEATHER,), max_tokens=5)),
    "a tool of the provider's own": (call({}, "bash"), asked(extras=(Extra("tools.computer", True, "why"),))),
    "a tool without a schema": (call({}, "ping"), asked(tools=(Tool("ping"),))),
    "an object": (said(' {"a": 1}\n'), JSON),
    "what was asked for": (said('{"name": "Ann", "age": null}'), SHAPED),
    "the rest of what the client began": (
        said('"a": 1}'),
        Request("anthropic-messages", "m", (Turn("assistant", (Text(text="{"),)),), output=OutputFormat()),
    ),
    "JSON that the client's own word ended": (said('{"a": 1', Finish.STOP_SEQUENCE), asked(output=OutputFormat(), stop=("}",))),
    "a list of similar lines": (said("\n".join(f"{n}. The harbour keeps lantern {n}." for n in range(200))), asked()),
    "a ruler": (said("Done.\n" + "-" * 300), asked()),
    "a loop that ended": (said(LOOP * 40 + "And so it is."), asked()),
}
BAD = {
    "empty": [
        (said(), asked()),
        (said(" \n\t "), asked()),
        (said(parts=(Reasoning(text="hm"),)), asked()),
        (said(finish=Finish.LENGTH), asked()),
        (said(finish=Finish.BROKEN), asked(max_tokens=9)),
        (Answer("gemini", ()), asked()),
    ],
    "broken_call": [
        (call(None), TOOLS),
        (call({"city": "Oslo"}, "wether"), TOOLS),
        (call({"town": "Oslo"}), TOOLS),
        (call({}), asked()),
        (said(finish=Finish.TOOL), TOOLS),
        (call(None, finish=Finish.LENGTH), TOOLS),
    ],
    "broken_json": [
        (said("Sure! {}"), JSON),
        (said('```json\n{"a": 1}\n```'), JSON),
        (said('{"a": 1'), JSON),
        (said('{"a": 1', Finish.LENGTH), asked(output=OutputFormat(), max_tokens=5)),
        (said("12", Finish.LENGTH), asked(output=OutputFormat(schema={"type": "integer"}), max_tokens=1)),
        (said("[1]"), JSON),
        (said("{" + '"a":{' * 5000), SHAPED),
        (said('{"a": "\ud800"}'), JSON),
    ],
    "schema": [
        (said('{"name": "Ann"}'), SHAPED),
        (said('{"name": "Ann", "age": -1}'), SHAPED),
        (said('{"name": "Ann", "age": 1, "more": 1}'), SHAPED),
        (said("[]"), SHAPED),
    ],
    "repetition": [
        (said(LOOP * 40), asked()),
        (said("First: " + LOOP * 40 + LOOP[:20], Finish.LENGTH), asked(max_tokens=500)),
        (said("no " * 400), asked()),
        (said("{}" + "\n" * 3000), asked()),
        (said("A line.\n" + "A line......................................... again.\n" * 60), asked()),
    ],
    "refusal": [
        (said("No.", Finish.REFUSAL), asked()),
        (said(finish=Finish.FILTER), asked()),
        (said(parts=(Refusal(text="I will not."),)), JSON),
    ],
}


@pytest.mark.parametrize("what", GOOD)
def test_no_fault_is_found_where_there_is_none(what):
    """
    What the client cut itself, what nobody but the provider can read, and what only looks odd are answers.
    """
    answer, request = GOOD[what]

    assert fault_in(answer, request, ALL) is None


@pytest.mark.parametrize("fault", ANSWER_FAULTS)
def test_every_fault_is_found_and_only_where_it_is_wanted(fault):
    """
    Each by its name; and not where the policy does not mind it.
    """
    for answer, request in BAD[fault]:
        assert fault_in(answer, request, ALL) == fault, (answer, request)
        assert fault_in(answer, request, frozenset({fault})) == fault
        assert fault_in(answer, request, ALL - {fault}) != fault
        assert fault_in(answer, request, frozenset()) is None


def test_one_bad_answer_of_several_is_enough():
    """
    Of `n` answers each must do.
    """
    (good,), (bad,) = said("Yes.").candidates, said().candidates

    assert fault_in(Answer("openai-chat", (good, bad)), asked(candidates=2), ALL) == "empty"


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "STRING"}, ['"a"'], ["1"]),
        ({"type": "integer"}, ["1", "1.0"], ["true", "1.5", '"1"']),
        ({"type": "number"}, ["1", "1.5"], ["true"]),
        ({"type": "string", "nullable": True}, ["null", '"a"'], ["1"]),
        ({"type": "unheard-of"}, ["1", "{}"], []),
        ({"enum": [1, "a", None]}, ["1", '"a"', "null"], ["true", "2"]),
        ({"const": False}, ["false"], ["0"]),
        ({"minLength": 2, "maxLength": 3}, ['"ab"', "1"], ['"a"', '"abcd"']),
        ({"minimum": 1, "exclusiveMaximum": 3}, ["1", "2.9"], ["0", "3"]),
        ({"minimum": 1, "exclusiveMinimum": True}, ["2"], ["1"]),
        ({"items": {"type": "integer"}, "minItems": 1, "maxItems": 2}, ["[1]", "{}"], ["[]", "[1,2,3]", '["a"]']),
        ({"prefixItems": [{"type": "string"}], "items": False}, ['["a"]', "[]"], ["[1]", '["a",1]']),
        ({"items": [{"type": "string"}], "additionalItems": {"type": "null"}}, ['["a",null]'], ['["a",1]']),
        ({"additionalProperties": {"type": "integer"}}, ['{"a":1}'], ['{"a":"b"}']),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, ["null"], ["1"]),
        ({"oneOf": [{"type": "integer"}, {"minimum": 5}]}, ["1", "5.5"], ["6"]),
        ({"allOf": [{"type": "integer"}, {"minimum": 5}]}, ["6"], ["1"]),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}}}}}, ["{}"], ['{"next":1}']),
        ({"$ref": "https://elsewhere.example/schema"}, ["1"], []),
        ({"$ref": "#"}, ["1"], []),
        ({"pattern": "(", "format": "uuid", "if": {}, "unheard": 1}, ['"a"'], []),
        ({"type": 5, "enum": 3, "required": "a", "properties": [], "items": 7, "anyOf": {}, "minimum": "x"}, ["1", "{}", "[]"], []),
        ({"required": [["a"], "b"]}, ['{"b":1}'], ['{"a":1}']),
    ],
)
def test_a_schema_is_kept_or_not(schema, good, bad):
    """
    What is sure is checked; keywords that are not known or not well-formed never fail a value.
    """
    assert [text for text in good if not keeps(orjson.loads(text), schema)] == []
    assert [text for text in bad if keeps(orjson.loads(text), schema)] == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
# fmt: off
KEYWORDS = st.sampled_from([
    "type", "enum", "const", "properties", "required", "additionalProperties", "items", "prefixItems", "minItems", "maxLength", "minimum",
    "exclusiveMinimum", "anyOf", "oneOf", "allOf", "$ref", "$defs", "nullable", "a",
])
# fmt: on
SCHEMAS = st.recursive(
    st.dictionaries(KEYWORDS, VALUES | st.sampled_from(["#", "#/$defs/a", "object", "string"]), max_size=4),
    lambda inner: st.dictionaries(KEYWORDS, inner | st.lists(inner, max_size=3), max_size=4),
    max_leaves=6,
)
TEXTS = st.text(max_size=20) | VALUES.map(lambda value: json.dumps(value))
ARGUMENTS = st.none() | st.dictionaries(st.text(max_size=3), VALUES, max_size=3)
PARTS = st.lists(
    st.builds(lambda text, times: Text(text=text * times), TEXTS, st.integers(0, 200))
    | st.builds(lambda arguments: ToolCall(id="c", name="weather", arguments=arguments), ARGUMENTS)
    | st.just(Reasoning(text="hm"))
    | st.just(Opaque(kind="x")),
    max_size=4,
)


@given(PARTS, st.sampled_from(Finish), st.none() | SCHEMAS, st.integers(0, 3))
def test_nothing_raises_and_only_known_names_come_back(parts, finish, schema, times):
    """
    Whatever schema a client sends and whatever a provider answers.
    """
    request = asked(output=OutputFormat(schema=schema), tools=(Tool("weather", schema=schema),))
    answer = Answer("openai-chat", (Candidate(tuple(parts), finish),) * times)

    assert fault_in(answer, request, ALL) in {None, *ANSWER_FAULTS}


@given(st.text(alphabet="ab c\n", min_size=1, max_size=30), st.integers(0, 40), st.text(max_size=40), st.integers(0, 29))
def test_what_goes_round_often_enough_is_found(unit, times, before, more):
    """
    Whatever stands before it and wherever the last round ends.
    """
    text = before + unit * (600 // len(unit) + 6 + times) + unit[: more % len(unit)]

    assert fault_in(said("x" + text), asked(), frozenset({"repetition"})) == "repetition"


def test_huge_answers_and_wild_schemas_take_bounded_time():
    """
    Ten megabytes, a schema of alternatives that multiply, a text that looks like a loop at every character.
    """
    wild = {"anyOf": [{"$ref": "#"}] * 8 + [{"type": "string"}]}
    started = time.process_time()
    for answer, request in (
        (said("a b " * 2_500_000), JSON),
        (said('{"a": "' + "x" * 10_000_000), JSON),
        (said("[" + "1," * 1_000_000 + "1]"), asked(output=OutputFormat(schema={"items": {"oneOf": [{"type": "integer"}] * 9}}))),
        (said("[[[[1]]]]"), asked(output=OutputFormat(schema=wild))),
        (said(("ab" * 20 + "c") * 250_000 + "ab" * 13), asked()),
    ):
        fault_in(answer, request, ALL)
    assert time.process_time() - started < 1.5
