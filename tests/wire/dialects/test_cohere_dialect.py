"""
Cohere's chat API, version 2, into the neutral form and out of it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cohere
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_dialects import (
    CALL_ID,
    answer_survives,
    ask,
    asked,
    assembled,
    cases,
    document,
    events,
    frames,
    lines_survive,
    metered,
    noted,
    plain,
    sent,
    spoiled,
    streamed,
    survives,
    target,
    texts_of,
    thoughts_of,
    written,
)

from excise.errors import BadRequest
from excise.wire.coding import ContentDecoder
from excise.wire.dialect import Envelope
from excise.wire.dialects.cohere_v2 import COHERE_V2
from excise.wire.dialects.ollama import OLLAMA
from excise.wire.events import Delta, Ended, Failed, Finished, PartEnded, PartStarted, Ping, Started
from excise.wire.frame import Frame
from excise.wire.neutral import (
    Answer,
    Audio,
    Blob,
    Candidate,
    Document,
    Extra,
    FileId,
    Finish,
    Image,
    Link,
    OutputFormat,
    Reasoning,
    ReasoningAsk,
    Refusal,
    Request,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from excise.wire.upstream_error import Fault
from excise.wire.usage import Usage
from recordings import records, request_body, require_recordings, response_body, response_encoding

NAME = COHERE_V2.name
CASES = cases(NAME)
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
LOOK = Tool(name="look", description="Look.", schema=CITY)
TIME = Tool(name="time", description="Time.", schema=CITY)


def decoded(case: str) -> Request:
    return COHERE_V2.decode_request(document(NAME, case, "request"), Envelope())


def encoded(request: Request, **traits: Any) -> tuple[Any, set[tuple[str, str]]]:
    found = COHERE_V2.encode_request(request, target(COHERE_V2, **traits))
    return found.body, noted(found.losses)


# -- requests, read --------------------------------------------------------------------------------------------------------------------


def test_there_are_cases():
    """
    All the conversations that every dialect brings are there.
    """
    assert len(CASES) == 11


@pytest.mark.parametrize(
    ("case", "field", "expected"),
    [
        ("text", "max_tokens", 100),
        ("text", "sampling", Sampling(temperature=0.5)),
        ("text", "turns", (Turn("user", (Text(text="Name the capital of France."),)),)),
        ("system", "turns", (Turn("system", (Text(text="Answer in one word."),)), Turn("user", (Text(text="Sky colour?"),)))),
        ("json_schema", "output", OutputFormat(schema=PERSON)),
        ("reasoning", "reasoning", ReasoningAsk(budget_tokens=4096)),
        ("stop", "stop", ("END",)),
        ("length", "max_tokens", 5),
    ],
)
def test_requests_mean_what_they_say(case: str, field: str, expected: object):
    """
    What a request asks for is found under its neutral name.
    """
    assert getattr(decoded(case), field) == expected


def test_the_plan_is_text_before_the_calls():
    """
    A tool plan reads as text; results are the user's, text and documents alike.
    """
    _, assistant, first, second = decoded("parallel_tools").turns

    assert [type(part) for part in assistant.parts] == [Text, ToolCall, ToolCall]
    assert assistant.parts[0] == Text(text="Let me look.")
    assert [part.arguments for part in assistant.parts if isinstance(part, ToolCall)] == [{"city": "Paris"}, {"city": "Rome"}]
    assert first.parts == (ToolResult(call_id="get_weather_p1t92w7gfgq7", parts=(Text(text="18 C"),)),)
    assert second.parts == (ToolResult(call_id="get_weather_ay6nmvjgp9vn", parts=(Text(text="24 C, sunny"),)),)


def test_pictures_are_read_from_data_urls_and_links():
    """
    A data URL is the picture itself; any other URL is a link.
    """
    image = decoded("image").turns[0].parts[1]
    link = {"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "low"}}
    linked = COHERE_V2.decode_request({"messages": [{"role": "user", "content": [link]}]}, Envelope())

    assert isinstance(image, Image)
    assert image.source == Blob("image/png", base64.b64encode(base64.b64decode(image.source.data)).decode())
    assert linked.turns[0].parts == (Image(source=Link("https://a.example/b.png"), detail="low"),)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("plain", "plain"),
        ({"content": "one text"}, "one text"),
        ({"title": "T", "text": "x"}, '{"title":"T","text":"x"}'),
    ],
)
def test_documents_of_results_read_as_the_model_sees_them(data: object, text: str):
    """
    A document with one text is that text; any other is JSON.
    """
    result = {"role": "tool", "tool_call_id": "c", "content": [{"type": "document", "document": {"data": data, "id": "d"}}]}
    request = COHERE_V2.decode_request({"messages": [result]}, Envelope())

    assert request.turns[0].parts == (ToolResult(call_id="c", parts=(Text(text=text),)),)


@pytest.mark.parametrize(
    ("thinking", "expected"),
    [
        ({}, None),
        ({"type": "enabled"}, ReasoningAsk(adaptive=True)),
        ({"type": "disabled", "token_budget": 5}, ReasoningAsk(effort="none")),
        ({"token_budget": 5}, ReasoningAsk(budget_tokens=5)),
    ],
)
def test_thinking_is_a_switch_and_a_budget(thinking: object, expected: object):
    """
    On without a budget leaves it to the model.
    """
    assert COHERE_V2.decode_request({"messages": [], "thinking": thinking}, Envelope()).reasoning == expected


@pytest.mark.parametrize(
    ("field", "value", "vital"),
    [
        ("documents", ["a"], True),
        ("raw_prompting", True, True),
        ("citation_options", {"mode": "OFF"}, False),
        ("safety_mode", "STRICT", False),
        ("priority", 3, False),
    ],
)
def test_what_only_cohere_has_is_kept_apart(field: str, value: object, vital: bool):
    """
    Fields without a neutral name are extras; grounding documents are vital.
    """
    extras = COHERE_V2.decode_request({"messages": [], field: value}, Envelope()).extras

    assert [(extra.field, extra.vital) for extra in extras] == [(field, vital)]


def test_unknown_fields_are_not_named():
    """
    A key of the client's own making stands in no loss.
    """
    extras = COHERE_V2.decode_request({"messages": [], "Ada Lovelace": 1}, Envelope()).extras

    assert [(extra.field, extra.vital) for extra in extras] == [("unknown", False)]


PLAIN_URL = {"role": "user", "content": [{"type": "image_url", "image_url": "data:image/png,x"}]}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"messages": "x"}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 7}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]}, "messages[0].tool_calls[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "data:image/png,x"}]}]},
            "messages[0].content[0].image_url.url",
        ),
        ({"messages": [], "max_tokens": "5"}, "max_tokens"),
        ({"messages": [], "temperature": True}, "temperature"),
        ({"messages": [], "tool_choice": "ANY"}, "tool_choice"),
        ({"messages": [], "tools": [{"type": "function"}]}, "tools[0].function.name"),
        ({"messages": [], "response_format": {"type": "xml"}}, "response_format.type"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_place(change: dict[str, Any], place: str):
    """
    A wrong type names where it stands.
    """
    with pytest.raises(BadRequest, match="^" + place.replace("[", r"\[").replace("]", r"\]") + " "):
        COHERE_V2.decode_request(change, Envelope())


# -- requests, written -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_requests_go_back_as_they_came(case: str):
    """
    What was read from Cohere's words is written in the same words.
    """
    body = document(NAME, case, "request")
    request = COHERE_V2.decode_request(body, Envelope())

    assert COHERE_V2.encode_request(request, replace(target(COHERE_V2), model=body["model"])).body == body


def test_changed_tools_keep_their_own_words():
    """
    A tool that was kept is written as it came, one that was added in Cohere's words.
    """
    tool = {"type": "function", "function": {"name": "look", "parameters": CITY, "odd": 1}}
    request = COHERE_V2.decode_request({"messages": [], "tools": [tool]}, Envelope())
    body = COHERE_V2.encode_request(replace(request, tools=(*request.tools, Tool(name="now"))), target(COHERE_V2)).body
    added = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}

    assert body["tools"] == [tool, added]


def test_a_change_changes_nothing_else():
    """
    A request whose limit and last turn were changed keeps its other fields and messages as they came.
    """
    body = {
        "model": "command-a-03-2025",
        "messages": [{"role": "system", "content": "S", "odd": 1}, {"role": "user", "content": "Q"}],
        "documents": ["d"],
        "max_tokens": 100,
        "temperature": 0.30,
        "later": {"a": [1]},
    }
    request = COHERE_V2.decode_request(body, Envelope())
    turns = (request.turns[0], Turn("user", (Text(text="other"),)))
    changed = replace(request, max_tokens=7, turns=turns, stream=True)

    assert COHERE_V2.encode_request(changed, target(COHERE_V2)).body == body | {
        "model": "a-model",
        "messages": [body["messages"][0], {"role": "user", "content": "other"}],
        "max_tokens": 7,
        "stream": True,
    }


@pytest.mark.parametrize("case", CASES)
def test_requests_of_another_dialect_mean_the_same_again(case: str):
    """
    A request written in Cohere's words without its raw form is read as what it was.
    """
    request = replace(decoded(case), dialect="other", raw=None)
    body = COHERE_V2.encode_request(request, target(COHERE_V2)).body
    again = COHERE_V2.decode_request(body, Envelope())

    assert again.sampling == request.sampling
    assert again.max_tokens == request.max_tokens
    assert again.stop == request.stop
    assert again.output == request.output
    assert [turn.role for turn in again.turns] == [turn.role for turn in request.turns]
    assert [part for turn in again.turns for part in turn.parts] == [part for turn in request.turns for part in turn.parts]


def test_settings_have_cohere_names():
    """
    Limits, sampling and stop sequences stand where Cohere reads them; what is within its ranges loses nothing.
    """
    sampling = Sampling(temperature=0.4, top_p=0.9, top_k=40, seed=7, frequency_penalty=0.1, presence_penalty=0.2)
    body, losses = encoded(ask(max_tokens=50, stop=("a", "b"), sampling=sampling, stream=True))

    assert body == {
        "model": "a-model",
        "messages": [{"role": "user", "content": "Hi."}],
        "max_tokens": 50,
        "stop_sequences": ["a", "b"],
        "temperature": 0.4,
        "p": 0.9,
        "k": 40,
        "seed": 7,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.2,
        "stream": True,
    }
    assert losses == set()


@pytest.mark.parametrize(
    ("request_", "key", "value", "loss"),
    [
        (ask(sampling=Sampling(temperature=1.6)), "temperature", 1, ("temperature", "clamped")),
        (ask(sampling=Sampling(top_p=1.0)), "p", 0.99, ("top_p", "clamped")),
        (ask(sampling=Sampling(top_k=900)), "k", 500, ("top_k", "clamped")),
        (ask(sampling=Sampling(frequency_penalty=-1.0)), "frequency_penalty", 0, ("frequency_penalty", "clamped")),
        (ask(stop=tuple("abcdef")), "stop_sequences", list("abcde"), ("stop", "clamped")),
        (ask(sampling=Sampling(seed=-1)), "seed", None, ("seed", "dropped")),
        (ask(sampling=Sampling(min_p=0.1)), "min_p", None, ("min_p", "dropped")),
        (ask(sampling=Sampling(logit_bias={"1": 1})), "logit_bias", None, ("logit_bias", "dropped")),
        (ask(user="u"), "user", None, ("user", "dropped")),
        (ask(verbosity="low"), "verbosity", None, ("verbosity", "dropped")),
        (ask(service_tier="flex"), "service_tier", None, ("service_tier", "dropped")),
        (ask(parallel_tools=False), "parallel_tool_calls", None, ("parallel_tools", "dropped")),
        (ask(candidates=2), "n", None, ("candidates", "impossible")),
        (ask(logprobs=0), "logprobs", None, ("logprobs", "impossible")),
        (ask(extras=(Extra("store", False, "w"),)), "store", None, ("store", "dropped")),
        (ask(extras=(Extra("conversation", True, "w"),)), "conversation", None, ("conversation", "impossible")),
    ],
)
def test_what_does_not_fit_is_noted(request_: Request, key: str, value: object, loss: tuple[str, str]):
    """
    What Cohere has no room for is moved into its range, left out or refused, and said.
    """
    body, losses = encoded(request_)

    assert body.get(key) == value
    assert losses == {loss}


def test_a_model_that_cannot_be_told_how_to_sample_is_not_told():
    """
    Sampling is dropped with a note for models that refuse it; a limit above the model's is lowered.
    """
    body, losses = encoded(ask(sampling=Sampling(temperature=0.5), max_tokens=9000), sampling=False, max_output_tokens=4000)

    assert "temperature" not in body
    assert body["max_tokens"] == 4000
    assert losses == {("temperature", "dropped"), ("max_tokens", "clamped")}


def test_a_model_without_tools_gets_none():
    """
    Tools for a model that calls none, and a forced call for one that cannot be forced, make it impossible.
    """
    request = ask(tools=(LOOK,), tool_choice=ToolChoice("required"))

    assert encoded(request, tools=False)[1] == {("tools", "impossible")}
    assert encoded(request, forced_tools=False)[1] == {("tool_choice", "impossible")}


def test_a_history_of_tools_is_written_as_cohere_wants_it():
    """
    Text before calls is their plan, each result is a message behind them, an error is said in its text.
    """
    turns = (
        Turn("user", (Text(text="Q"),)),
        Turn("assistant", (Text(text="Let me look."),)),
        Turn("assistant", (ToolCall(id="functions.look:0", name="look", arguments={"city": "Rome"}),)),
        Turn("user", (ToolResult(call_id="functions.look:0", parts=(Text(text="gone"),), is_error=True), Text(text="Well?"))),
    )
    body, losses = encoded(ask(*turns, tools=(LOOK,)))
    call_id = body["messages"][2]["tool_call_id"]

    assert body["messages"] == [
        {"role": "user", "content": "Q"},
        {
            "role": "assistant",
            "tool_plan": "Let me look.",
            "tool_calls": [{"id": call_id, "type": "function", "function": {"name": "look", "arguments": '{"city":"Rome"}'}}],
        },
        {"role": "tool", "tool_call_id": call_id, "content": "Error: gone"},
        {"role": "user", "content": "Well?"},
    ]
    assert body["tools"] == [{"type": "function", "function": {"name": "look", "description": "Look.", "parameters": CITY}}]
    assert losses == {("tool_result.is_error", "changed")}


def test_a_value_is_given_as_json():
    """
    A result that is no text is written as JSON.
    """
    call = Turn("assistant", (ToolCall(id="a", name="look", arguments={}),))
    body, _ = encoded(ask("Q", call, Turn("user", (ToolResult(call_id="a", value={"c": 18}),))))

    assert body["messages"][2]["content"] == '{"c":18}'


@pytest.mark.parametrize(
    ("choice", "tools", "word", "loss"),
    [
        (ToolChoice("auto"), ["look", "time"], None, set()),
        (ToolChoice("none"), ["look", "time"], "NONE", set()),
        (ToolChoice("required"), ["look", "time"], "REQUIRED", set()),
        (ToolChoice("named", ("time",)), ["time"], "REQUIRED", {("tool_choice", "emulated")}),
        (ToolChoice("required", ("time",)), ["time"], "REQUIRED", {("tool_choice", "emulated")}),
        (ToolChoice("named", ("gone",)), [], "REQUIRED", {("tool_choice", "emulated"), ("tool_choice", "impossible")}),
    ],
)
def test_tool_choices(choice: ToolChoice, tools: list[str], word: str | None, loss: set[tuple[str, str]]):
    """
    Cohere knows REQUIRED and NONE; a named tool is the only one it is offered.
    """
    body, losses = encoded(ask(tools=(LOOK, TIME), tool_choice=choice))

    assert [tool["function"]["name"] for tool in body["tools"]] == tools
    assert body.get("tool_choice") == word
    assert losses == loss


@pytest.mark.parametrize(
    ("tools", "strict", "loss"),
    [
        ((replace(LOOK, strict=True),), True, set()),
        ((replace(LOOK, strict=True), TIME), None, {("tools.strict", "dropped")}),
        ((Tool(name="t", schema={"type": "object", "properties": {"a": {}}}, strict=True),), None, {("tools.strict", "dropped")}),
        ((replace(LOOK, strict=False),), None, set()),
    ],
)
def test_strictness_is_for_all_tools_or_none(tools: tuple[Tool, ...], strict: bool | None, loss: set[tuple[str, str]]):
    """
    One switch for all tools, and none where every parameter is optional.
    """
    body, losses = encoded(ask(tools=tools))

    assert body.get("strict_tools") is strict
    assert losses == loss


def test_names_of_tools_stay_apart():
    """
    Two names that would become the same one become two.
    """
    body, _ = encoded(ask(tools=(Tool(name="my.tool"), Tool(name="my tool"))))

    assert [tool["function"]["name"] for tool in body["tools"]] == ["my_tool", "my_tool_1"]


def test_names_of_tools_are_fitted_and_come_back():
    """
    A name Cohere would refuse is changed in tools and history alike, and undone in the answer.
    """
    history = (Turn("assistant", (ToolCall(id="a", name="my.tool", arguments={}),)), Turn("user", (ToolResult(call_id="a"),)))
    request = ask("Q", *history, tools=(Tool(name="my.tool"), Tool(name="my_tool")))
    found = COHERE_V2.encode_request(request, target(COHERE_V2))
    name = found.body["tools"][0]["function"]["name"]
    message = {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": name, "arguments": "{}"}}]}
    answer = COHERE_V2.decode_answer({"id": "x", "finish_reason": "TOOL_CALL", "message": message}, found.sent)

    assert name == "my_tool_1"
    assert found.body["messages"][1]["tool_calls"][0]["function"]["name"] == name
    assert found.body["tools"][0]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert noted(found.losses) == {("tools.name", "changed")}
    assert answer.candidates[0].parts == (ToolCall(id="c", name="my.tool", arguments={}, text="{}"),)


@pytest.mark.parametrize(
    ("part", "written_", "losses"),
    [
        (
            Image(source=Blob("image/png", "aGk="), detail="high"),
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "high"}},
            set(),
        ),
        (
            Image(source=Link("https://a.example/b.png"), detail="original"),
            {"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "high"}},
            {("image.detail", "changed")},
        ),
        (
            Document(source=Blob("text/plain", base64.b64encode("Grüße".encode()).decode()), title="T", citations=True),
            {"type": "text", "text": "T\n\nGrüße"},
            {("document", "changed"), ("citations", "dropped")},
        ),
    ],
)
def test_media(part: Any, written_: object, losses: set[tuple[str, str]]):
    """
    Pictures go as data or links; plain documents as text.
    """
    body, found = encoded(ask(Turn("user", (Text(text="Look:"), part))))

    assert body["messages"][0]["content"] == [{"type": "text", "text": "Look:"}, written_]
    assert found == losses


@pytest.mark.parametrize(
    ("part", "traits", "field"),
    [
        (Image(source=Blob("image/png", "aGk=")), {"vision": False}, "image"),
        (Image(source=Link("gs://bucket/x.png")), {}, "image.url"),
        (Image(source=FileId("file-1")), {}, "file_id"),
        (Document(source=Blob("application/pdf", "aGk=")), {}, "document"),
        (Document(source=Blob("text/plain", "/////w==")), {}, "document"),
        (Document(source=Link("https://a.example/b.pdf")), {}, "document"),
        (Audio(source=Blob("audio/wav", "aGk=")), {}, "audio"),
    ],
)
def test_media_that_cannot_go(part: Any, traits: dict[str, Any], field: str):
    """
    What the target cannot take makes it impossible; it is never left out in silence.
    """
    _, losses = encoded(ask(Turn("user", (Text(text="Look:"), part))), **traits)

    assert losses == {(field, "impossible")}


def test_pictures_of_results_follow_in_a_turn_of_the_user():
    """
    Results are text; a picture among them comes right behind.
    """
    call = Turn("assistant", (ToolCall(id="a", name="look", arguments={}),))
    result = ToolResult(call_id="a", parts=(Text(text="see"), Image(source=Blob("image/png", "aGk="))))
    body, losses = encoded(ask("Q", call, Turn("user", (result,))))

    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "tool", "user"]
    assert body["messages"][3]["content"][-1]["type"] == "image_url"
    assert losses == {("tool_result.media", "changed")}


@pytest.mark.parametrize(
    ("ask_", "traits", "thinking", "losses"),
    [
        (ReasoningAsk(budget_tokens=2000), {}, {"type": "enabled", "token_budget": 2000}, set()),
        (ReasoningAsk(effort="high"), {}, {"type": "enabled", "token_budget": 4096}, {("reasoning.effort", "changed")}),
        (ReasoningAsk(adaptive=True), {}, {"type": "enabled"}, set()),
        (ReasoningAsk(effort="none"), {}, {"type": "disabled"}, set()),
        (ReasoningAsk(effort="high"), {"reasoning": "none"}, None, {("reasoning", "dropped")}),
    ],
)
def test_how_hard_to_think(ask_: ReasoningAsk, traits: dict[str, Any], thinking: object, losses: set[tuple[str, str]]):
    """
    Levels become budgets; thinking is switched on and off; a model that does not think is not asked to.
    """
    body, found = encoded(ask(reasoning=ask_), **traits)

    assert body.get("thinking") == thinking
    assert found == losses


def test_what_the_assistant_may_not_have_said():
    """
    Media of the assistant's make the target impossible; citations of another form are dropped with a note.
    """
    picture = Turn("assistant", (Image(source=Blob("image/png", "aGk=")),))
    cited = Turn("assistant", (Text(text="A", citations=({"url": "u"},)),))

    assert encoded(ask("Q", picture, "R"))[1] == {("image", "impossible")}
    assert encoded(ask("Q", cited, "R"))[1] == {("citations", "dropped")}


def test_thoughts_of_others_stay_behind():
    """
    A thought of another provider is dropped from the history; one of the target's own goes back.
    """
    foreign = Turn("assistant", (Reasoning(text="hm", signature="s", origin="anthropic"), Text(text="A")))
    own = Turn("assistant", (Reasoning(text="hm", origin=NAME), Text(text="A")))
    without, dropped = encoded(ask("Q", foreign, "R"))
    kept, nothing = encoded(ask("Q", own, "R"))

    assert without["messages"][1] == {"role": "assistant", "content": "A"}
    assert dropped == {("reasoning.history", "dropped")}
    assert kept["messages"][1]["content"] == [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "A"}]
    assert nothing == set()


def test_a_schema_goes_as_cohere_reads_it():
    """
    A schema within Cohere's subset is its output format; bounds it does not read are left out and noted.
    """
    bounded = {**PERSON, "properties": {**PERSON["properties"], "age": {"type": "integer", "minimum": 0}}}
    body, losses = encoded(ask(output=OutputFormat(schema=PERSON, name="person", strict=True)))
    narrower, noted_ = encoded(ask(output=OutputFormat(schema=bounded)))

    assert body["response_format"] == {"type": "json_object", "json_schema": PERSON}
    assert losses == set()
    assert narrower["response_format"]["json_schema"] == PERSON
    assert noted_ == {("output.schema", "changed")}


def test_a_schema_that_cohere_does_not_read_becomes_a_tool():
    """
    A schema with alternatives is a tool that must be called; its call is the answer's text again.
    """
    schema = {"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}, "required": ["a"]}
    found = COHERE_V2.encode_request(ask(output=OutputFormat(schema=schema, name="thing")), target(COHERE_V2))
    call = {"id": "c", "type": "function", "function": {"name": "thing", "arguments": '{"a":null}'}}
    message = {"role": "assistant", "tool_plan": "I will use the tool.", "tool_calls": [call]}
    answer = COHERE_V2.decode_answer({"id": "x", "finish_reason": "TOOL_CALL", "message": message}, found.sent)

    assert found.body["tool_choice"] == "REQUIRED"
    assert found.body["tools"][0]["function"]["parameters"] == schema
    assert noted(found.losses) == {("output.schema", "emulated")}
    assert answer.candidates == (Candidate((Text(text='{"a":null}'),), Finish.STOP, "TOOL_CALL"),)


def test_the_tool_of_a_schema_without_a_fitting_name_is_called_answer():
    """
    A name that no tool may have is not given to the tool that stands for the output.
    """
    told = COHERE_V2.encode_request(ask(output=OutputFormat(schema={"type": "object"}, name="my schema")), target(COHERE_V2)).sent

    assert told.unwrap_tool == "answer"


@pytest.mark.parametrize(
    ("output", "traits", "more", "losses"),
    [
        (OutputFormat(schema=PERSON), {}, {"tools": (LOOK,)}, {("output.schema", "emulated")}),
        (OutputFormat(), {"json_schema": False}, {}, {("output.json_object", "emulated")}),
        (OutputFormat(schema=PERSON), {"json_schema": False, "tools": False}, {}, {("output.schema", "emulated")}),
    ],
)
def test_a_format_that_cannot_be_enforced_is_asked_for(output: OutputFormat, traits: Any, more: Any, losses: set[tuple[str, str]]):
    """
    Beside tools, or with a model that has no JSON mode, an instruction asks for the form.
    """
    body, found = encoded(ask(output=output, **more), **traits)

    assert "response_format" not in body
    assert body["messages"][0]["role"] == "system"
    assert "JSON" in body["messages"][0]["content"]
    assert found == losses


def test_a_format_and_tools_that_may_not_be_called():
    """
    Tools that may not be called give way to the output format, which Cohere takes only without them.
    """
    body, losses = encoded(ask(output=OutputFormat(), tools=(LOOK,), tool_choice=ToolChoice("none")))

    assert body["response_format"] == {"type": "json_object"}
    assert "tools" not in body
    assert losses == set()


@pytest.mark.parametrize(("prefill", "loss"), [(None, "changed"), (False, "impossible"), (True, None)])
def test_a_last_turn_of_the_assistant(prefill: bool | None, loss: str | None):
    """
    Cohere does not continue the assistant's last turn, and that is said.
    """
    _, losses = encoded(ask("Q", Turn("assistant", (Text(text="The"),))), prefill=prefill)

    assert losses == ({("prefill", loss)} if loss else set())


def test_system_text_is_text():
    """
    A picture in the system's words is given to the user, and that is noted.
    """
    picture = Image(source=Blob("image/png", "aGk="))
    body, losses = encoded(ask(Turn("system", (Text(text="S"), picture)), Turn("assistant", (Text(text="A"),)), "Q"))

    assert body["messages"][:2] == [
        {"role": "system", "content": "S"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]},
    ]
    assert losses == {("system.parts", "changed")}


# -- answers ---------------------------------------------------------------------------------------------------------------------------

ENDS = {"parallel_tools": Finish.TOOL, "stop": Finish.STOP_SEQUENCE, "length": Finish.LENGTH, "refusal": Finish.FILTER}


@pytest.mark.parametrize("case", CASES)
def test_answers_are_read(case: str):
    """
    Each answer ends as it should, under the provider's id.
    """
    body = document(NAME, case, "answer")
    answer = COHERE_V2.decode_answer(body, sent(COHERE_V2))

    assert answer.candidates[0].finish is ENDS.get(case, Finish.STOP)
    assert answer.candidates[0].native_finish == body["finish_reason"]
    assert answer.id == body["id"]
    assert COHERE_V2.encode_answer(answer, asked()) == body


def test_answers_say_what_they_say():
    """
    Thought, text and calls are parts of their kind.
    """
    reasoning = COHERE_V2.decode_answer(document(NAME, "reasoning", "answer"), sent(COHERE_V2))
    calls = COHERE_V2.decode_answer(document(NAME, "parallel_tools", "answer"), sent(COHERE_V2)).candidates[0].parts

    assert thoughts_of(reasoning) == ["91 = 7 * 13."]
    assert texts_of(reasoning) == ["No."]
    assert [(part.name, part.arguments) for part in calls if isinstance(part, ToolCall)] == [
        ("get_weather", {"city": "Oslo"}),
        ("get_time", {"city": "Oslo"}),
    ]


def test_citations_stand_with_the_text_they_cite():
    """
    A citation belongs to the content of its index; older models, which give one text, leave the index out.
    """
    first, second, bare = {"start": 0, "content_index": 0}, {"start": 1, "content_index": 1}, {"start": 2}
    content = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]

    def cited(citations: Any, content: Any) -> list[tuple[Any, ...]]:
        body = {"finish_reason": "COMPLETE", "message": {"content": content, "citations": citations}}
        return [part.citations for part in COHERE_V2.decode_answer(body, sent(COHERE_V2)).candidates[0].parts if isinstance(part, Text)]

    assert cited([first, second, 7], content) == [(first,), (second,)]
    assert cited([bare], content[:1]) == [(bare,)]


def test_calls_without_ids_get_them():
    """
    Made of the answer's id and their place.
    """
    call = {"function": {"name": "look", "arguments": {"city": "Rome"}}}
    body = {"id": "x", "finish_reason": "TOOL_CALL", "message": {"tool_calls": [call, call]}}
    parts = COHERE_V2.decode_answer(body, sent(COHERE_V2)).candidates[0].parts
    other = COHERE_V2.decode_answer(body | {"id": "y"}, sent(COHERE_V2)).candidates[0].parts

    assert len({part.id for part in (*parts, *other) if isinstance(part, ToolCall)}) == 4
    assert [part.arguments for part in parts if isinstance(part, ToolCall)] == [{"city": "Rome"}, {"city": "Rome"}]


@pytest.mark.parametrize("case", CASES)
def test_a_stream_is_the_answer(case: str):
    """
    The pieces of a stream make the same answer, and the same bill.
    """
    answer = COHERE_V2.decode_answer(document(NAME, case, "answer"), sent(COHERE_V2))
    whole = json.dumps(document(NAME, case, "answer")).encode()

    assert assembled(COHERE_V2, events(COHERE_V2, streamed(NAME, case))) == answer
    assert metered(COHERE_V2, streamed(NAME, case)) == metered(COHERE_V2, whole)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("size", [1, 3, 64])
def test_cuts_do_not_matter(case: str, size: int):
    """
    A stream cut at every byte gives the same events.
    """
    assert events(COHERE_V2, streamed(NAME, case), size=size) == events(COHERE_V2, streamed(NAME, case))


def test_the_order_of_events():
    """
    A part's pieces stand between its beginning and its end, and parts follow each other.
    """
    kinds = [type(event) for event in events(COHERE_V2, streamed(NAME, "reasoning"))]

    assert kinds == [Started, PartStarted, Delta, Delta, PartEnded, PartStarted, Delta, Delta, PartEnded, Finished, Ended]


def _stream(*bodies: dict[str, Any]) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(body).encode() for body in bodies)


START = {"type": "message-start", "id": "i", "delta": {"message": {"role": "assistant"}}}


def _plan(text: str) -> dict[str, Any]:
    return {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": text}}}


def _call(index: int, **call: Any) -> dict[str, Any]:
    return {"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": call}}}


def _more(index: int, arguments: str) -> dict[str, Any]:
    delta = {"message": {"tool_calls": {"function": {"arguments": arguments}}}}
    return {"type": "tool-call-delta", "index": index, "delta": delta}


def _end(reason: str | None, **more: Any) -> dict[str, Any]:
    return {"type": "message-end", "delta": {"finish_reason": reason, **more}}


def test_calls_that_interleave_are_put_in_order():
    """
    Pieces of two calls that come mixed, told apart by their index, are two calls behind each other.
    """
    one, two = ({"id": name, "function": {"name": name, "arguments": ""}} for name in ("a", "b"))
    body = _stream(START, _call(0, **one), _call(1, **two), _more(1, '{"x":'), _more(0, "{}"), _more(1, "1}"), _end("TOOL_CALL"))
    pieces = events(COHERE_V2, body)

    assert [type(piece) for piece in pieces if isinstance(piece, PartStarted | PartEnded)] == [PartStarted, PartEnded] * 2
    assert [(part.name, part.arguments) for part in assembled(COHERE_V2, pieces).candidates[0].parts if isinstance(part, ToolCall)] == [
        ("a", {}),
        ("b", {"x": 1}),
    ]


def test_a_plan_ends_where_the_calls_begin():
    """
    A tool plan has no end of its own; the first call ends it.
    """
    look = {"id": "c", "function": {"name": "look", "arguments": ""}}
    body = _stream(START, _plan("I "), _plan("look."), _call(0, **look), _more(0, "{}"), _end("TOOL_CALL"))

    assert assembled(COHERE_V2, events(COHERE_V2, body)).candidates == (
        Candidate((Text(text="I look."), ToolCall(id="c", name="look", arguments={}, text="{}")), Finish.TOOL, "TOOL_CALL"),
    )


def test_an_error_in_a_stream_fails_it():
    """
    A last event with an error is a failure, and nothing follows it.
    """
    pieces = events(COHERE_V2, streamed(NAME, "error"))
    failed = pieces[-1]

    assert [type(piece) for piece in pieces] == [Started, PartStarted, Delta, PartEnded, Failed]
    assert isinstance(failed, Failed)
    assert isinstance(failed.fault, Fault)
    assert failed.fault.message == "the model is overloaded, please try again later"


def test_an_error_without_an_event_fails_a_stream():
    """
    An error body in the middle of a stream is a failure.
    """
    pieces = events(COHERE_V2, _stream(START, {"message": "internal server error", "id": "x"}))

    assert [type(piece) for piece in pieces] == [Started, Failed]


@pytest.mark.parametrize("last", [[], [_end(None)], [_end("SOMETHING_NEW")], [_end("TIMEOUT")], [_end("TOOL_CALL")]])
def test_a_stream_without_a_proper_end_is_broken(last: list[dict[str, Any]]):
    """
    A stream that breaks off, or ends with a word that is no proper end, is no answer.
    """
    content = {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Par"}}}}
    answer = assembled(COHERE_V2, events(COHERE_V2, _stream(START, content, *last)))

    assert texts_of(answer) == ["Par"]
    assert answer.candidates[0].finish is Finish.BROKEN


@pytest.mark.parametrize(("word", "finish"), [("COMPLETE", Finish.TOOL), ("MAX_TOKENS", Finish.LENGTH), ("ERROR", Finish.BROKEN)])
def test_a_call_decides_the_end(word: str, finish: Finish):
    """
    An answer with a call ended for it, unless it was cut, when the call may be half a call; one that failed is broken.
    """
    message = {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "look", "arguments": "{}"}}]}

    assert COHERE_V2.decode_answer({"message": message, "finish_reason": word}, sent(COHERE_V2)).candidates[0].finish is finish


def test_a_tool_that_stands_for_the_output_streams_as_text():
    """
    The call's arguments are the text; the plan before it is let go; without a call, text is text.
    """
    told = sent(COHERE_V2, unwrap_tool="answer")
    call = {"id": "c", "function": {"name": "answer", "arguments": ""}}
    called = _stream(START, _plan("I will."), _call(0, **call), _more(0, '{"a":'), _more(0, "1}"), _end("TOOL_CALL"))
    said = _stream(START, _plan("No."), _end("COMPLETE"))

    assert assembled(COHERE_V2, events(COHERE_V2, called, told=told)).candidates == (
        Candidate((Text(text='{"a":1}'),), Finish.STOP, "TOOL_CALL"),
    )
    assert assembled(COHERE_V2, events(COHERE_V2, said, told=told)).candidates == (Candidate((Text(text="No."),), Finish.STOP, "COMPLETE"),)


def test_comments_are_signs_of_life():
    """
    A comment is a ping; a blank frame is nothing.
    """
    decoder = COHERE_V2.stream_decoder(sent(COHERE_V2))

    assert decoder.feed(Frame(b": ping\n\n")) == [Ping()]
    assert decoder.feed(Frame(b"\n")) == []


# -- answers, written ------------------------------------------------------------------------------------------------------------------


def answer_of(*parts: Any, finish: Finish = Finish.STOP, usage: Usage | None = None) -> Answer:
    return Answer(dialect="anthropic-messages", candidates=(Candidate(parts, finish),), id="msg_1", usage=usage or Usage())


FULL = answer_of(
    Reasoning(text="Think.", signature="s"),
    Text(text="Let me look."),
    ToolCall(id="toolu_1", name="look", arguments={"city": "Rome"}),
    ToolCall(id="toolu_2", name="now", arguments={}),
    finish=Finish.TOOL,
    usage=Usage(uncached_input_tokens=10, cache_read_tokens=80, cache_write_5m_tokens=10, text_output_tokens=5, reasoning_tokens=20),
)


def test_a_foreign_answer_in_cohere_words():
    """
    Thoughts are content, text before calls is the plan, usage counts caches and thoughts in; a proof has no place and is noted.
    """
    about = asked()

    assert COHERE_V2.encode_answer(FULL, about) == {
        "id": "msg_1",
        "finish_reason": "TOOL_CALL",
        "message": {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "Think."}],
            "tool_plan": "Let me look.",
            "tool_calls": [
                {"id": "toolu_1", "type": "function", "function": {"name": "look", "arguments": '{"city":"Rome"}'}},
                {"id": "toolu_2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
            ],
        },
        "usage": {
            "billed_units": {"input_tokens": 100, "output_tokens": 25},
            "tokens": {"input_tokens": 100, "output_tokens": 25, "reasoning_tokens": 20},
            "cached_tokens": 80,
        },
    }
    assert noted(about.losses.all()) == {("reasoning.signature", "dropped")}


@pytest.mark.parametrize(
    ("finish", "word"),
    [
        (Finish.STOP, "COMPLETE"),
        (Finish.STOP_SEQUENCE, "STOP_SEQUENCE"),
        (Finish.LENGTH, "MAX_TOKENS"),
        (Finish.FILTER, "ERROR_TOXIC"),
        (Finish.REFUSAL, "ERROR_TOXIC"),
        (Finish.PAUSE, "MAX_TOKENS"),
        (Finish.BROKEN, "ERROR"),
    ],
)
def test_ends_in_cohere_words(finish: Finish, word: str):
    """
    Nothing but a proper end is called COMPLETE, whole and streamed.
    """
    answer = answer_of(Text(text="x"), finish=finish)

    assert COHERE_V2.encode_answer(answer, asked())["finish_reason"] == word
    assert f'"finish_reason":"{word}"'.encode() in written(COHERE_V2, answer)


def test_what_an_answer_cannot_say_is_noted():
    """
    Citations of another form, media and an end that is to be continued are not carried over in silence.
    """
    cited = Text(text="x", citations=({"url": "u"},))
    picture = Image(source=Blob("image/png", "aGk="))
    whole, pieces = asked(), asked()
    body = COHERE_V2.encode_answer(answer_of(cited, picture, finish=Finish.PAUSE), whole)
    written(COHERE_V2, answer_of(Text(text="x"), picture, finish=Finish.PAUSE), pieces)

    assert body["message"]["content"] == [{"type": "text", "text": "x"}]
    assert noted(whole.losses.all()) == {("citations", "dropped"), ("image", "dropped"), ("finish", "changed")}
    assert noted(pieces.losses.all()) == {("image", "dropped"), ("finish", "changed")}


def test_pieces_nobody_asked_for_are_not_written():
    """
    A second candidate has no place, and a piece outside of every part says nothing that can be placed.
    """
    encoder = COHERE_V2.stream_encoder(asked())
    encoder.feed(Started("i"))

    assert encoder.feed(PartStarted(Text(text=""), 1)) == b""
    assert encoder.feed(Delta("x", 1)) == b""
    assert encoder.feed(Delta("x")) == b""


def test_an_answer_without_an_id_gets_ours():
    """
    Ids that must be made are made of the call's.
    """
    answer = replace(answer_of(Refusal(text="No.")), id=None)
    body = COHERE_V2.encode_answer(answer, asked())

    assert body["id"].replace("-", "") == CALL_ID
    assert body["message"]["content"] == [{"type": "text", "text": "No."}]
    assert body["id"].encode() in written(COHERE_V2, answer)


@pytest.mark.parametrize("case", CASES)
def test_what_is_streamed_can_be_read_again(case: str):
    """
    An answer written as a stream is read as that answer.
    """
    answer = COHERE_V2.decode_answer(document(NAME, case, "answer"), sent(COHERE_V2))

    assert plain(assembled(COHERE_V2, events(COHERE_V2, written(COHERE_V2, answer)))) == plain(answer)


def test_a_stream_that_fails_ends_with_cohere_error():
    """
    A failure is the last event of the stream, in the form Cohere gives it.
    """
    encoder = COHERE_V2.stream_encoder(asked())
    encoder.feed(Started("i"))
    last = encoder.feed(Failed(Fault(status=503, sort="overload", message="busy")))
    decoder = COHERE_V2.stream_decoder(sent(COHERE_V2))
    pieces = [event for frame in frames(COHERE_V2, last) for event in decoder.feed(frame)]

    assert isinstance(pieces[-1], Failed)
    assert "busy" in pieces[-1].fault.message


def test_thoughts_that_show_nothing_are_not_written():
    """
    A hidden thought leaves no empty block in the stream.
    """
    answer = answer_of(Reasoning(signature="s", redacted=True), Reasoning(signature="t"), Text(text="x"))
    about = asked()

    assert b"thinking" not in written(COHERE_V2, answer, about)
    assert noted(about.losses.all()) == {("reasoning.signature", "dropped")}


def test_a_proof_in_a_stream_is_noted():
    """
    The signature of a thought that was shown has no place either; a thought without one loses nothing.
    """
    proven, bare = asked(), asked()
    written(COHERE_V2, answer_of(Reasoning(text="hm", signature="s")), proven)
    written(COHERE_V2, answer_of(Reasoning(text="hm")), bare)

    assert noted(proven.losses.all()) == {("reasoning.signature", "dropped")}
    assert bare.losses.all() == ()


# -- the official client ---------------------------------------------------------------------------------------------------------------


def _client(reply: Callable[[httpx.Request], httpx.Response]) -> cohere.ClientV2:
    return cohere.ClientV2(api_key="k", httpx_client=httpx.Client(transport=httpx.MockTransport(reply)))


def test_the_official_client_reads_our_answers():
    """
    `ClientV2.chat` and `chat_stream` find text, thoughts, calls, end and usage where they look for them.
    """
    seen: list[Any] = []

    def reply(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        seen.append(COHERE_V2.decode_request(body, Envelope()))
        if body["stream"]:
            return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=written(COHERE_V2, FULL))
        return httpx.Response(200, json=COHERE_V2.encode_answer(FULL, asked()))

    client = _client(reply)
    tool = {"type": "function", "function": {"name": "look", "parameters": CITY}}
    whole = client.chat(model="m", messages=[{"role": "user", "content": "Q"}], tools=[tool], temperature=0.1)
    pieces = list(client.chat_stream(model="m", messages=[{"role": "user", "content": "Q"}]))

    assert [request.stream for request in seen] == [False, True]
    assert seen[0].tools[0].name == "look"
    assert whole.finish_reason == "TOOL_CALL"
    assert whole.message.content[0].thinking == "Think."
    assert whole.message.tool_plan == "Let me look."
    assert [call.function.arguments for call in whole.message.tool_calls] == ['{"city":"Rome"}', "{}"]
    assert whole.usage.billed_units.input_tokens == 100
    assert [piece.type for piece in pieces] == [
        "message-start",
        *("content-start", "content-delta", "content-end") * 2,
        *("tool-call-start", "tool-call-delta", "tool-call-end") * 2,
        "message-end",
    ]
    assert pieces[5].delta.message.content.text == "Let me look."
    assert pieces[8].delta.message.tool_calls.function.arguments == '{"city":"Rome"}'
    assert pieces[-1].delta.finish_reason == "TOOL_CALL"
    assert pieces[-1].delta.usage.tokens.output_tokens == 25


def test_the_official_client_sends_its_answers_back():
    """
    An answer of ours that a client puts into its history is read as what it was.
    """
    seen: list[Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        seen.append(COHERE_V2.decode_request(json.loads(request.content), Envelope()))
        return httpx.Response(200, json=COHERE_V2.encode_answer(FULL, asked()))

    client = _client(reply)
    first = client.chat(model="m", messages=[{"role": "user", "content": "Q"}])
    result = {"role": "tool", "tool_call_id": first.message.tool_calls[0].id, "content": "18 C"}
    client.chat(model="m", messages=[{"role": "user", "content": "Q"}, first.message, result])
    _, said, given_ = seen[1].turns

    assert said.parts == (
        Reasoning(text="Think."),
        Text(text="Let me look."),
        ToolCall(id="toolu_1", name="look", arguments={"city": "Rome"}, text='{"city":"Rome"}'),
        ToolCall(id="toolu_2", name="now", arguments={}, text="{}"),
    )
    assert given_.parts == (ToolResult(call_id="toolu_1", parts=(Text(text="18 C"),)),)


# -- JSON gone wrong -------------------------------------------------------------------------------------------------------------------

REQUESTS = [document(NAME, case, "request") for case in CASES]
ANSWERS = [document(NAME, case, "answer") for case in CASES]
STREAMS = [[frame.json for frame in frames(COHERE_V2, streamed(NAME, case)) if frame.json is not None] for case in [*CASES, "error"]]


@given(spoiled(REQUESTS))
@settings(max_examples=300, deadline=None)
def test_spoiled_requests_are_read_or_refused(body: Any):
    """
    Whatever stands in a request, it is read, or refused as a bad request.
    """
    survives(COHERE_V2, body, OLLAMA)


@given(spoiled(ANSWERS))
@settings(max_examples=300, deadline=None)
def test_spoiled_answers_do_no_harm(body: Any):
    """
    Nothing a provider answers makes us raise.
    """
    answer_survives(COHERE_V2, body)


@given(st.sampled_from(STREAMS).flatmap(lambda bodies: spoiled([bodies])))
@settings(max_examples=300, deadline=None)
def test_spoiled_streams_do_no_harm(bodies: Any):
    """
    Nothing a provider streams makes us raise.
    """
    lines_survive(COHERE_V2, bodies if isinstance(bodies, list) else [bodies])


# -- recordings ------------------------------------------------------------------------------------------------------------------------


def _recorded() -> list[dict[str, Any]]:
    return [
        record
        for record in records(provider="cohere")
        if record["meta"]["protocol"] == NAME and record["meta"]["operation"] == "chat" and record["response"]["status"] == 200
    ]


@require_recordings
def test_recorded_requests_go_back_as_they_came():
    """
    Real requests lose nothing on the way through the neutral form.
    """
    bodies = [json.loads(request_body(record)) for record in _recorded()]

    assert len(bodies) > 15
    for body in bodies:
        request = COHERE_V2.decode_request(body, Envelope())
        assert COHERE_V2.encode_request(request, replace(target(COHERE_V2), model=body["model"])).body == body


@require_recordings
def test_recorded_answers_are_read_to_the_end():
    """
    Real answers, whole and streamed, end properly, and are the same after being written and read again.
    """
    read = 0
    for record in _recorded():
        body = response_body(record)
        if response_encoding(record) is not None:
            body = ContentDecoder(response_encoding(record), limit=None).feed(body)
        if record["meta"]["wire"] == "sse":
            pieces = events(COHERE_V2, body)
            if isinstance(pieces[-1], Failed):
                assert "fin:ERROR" in record["meta"]["features"]
                continue
            answer = assembled(COHERE_V2, pieces)
        else:
            answer = COHERE_V2.decode_answer(json.loads(body), sent(COHERE_V2))
        read += 1
        assert answer.candidates[0].finish is not Finish.BROKEN
        assert answer.candidates[0].parts
        again = plain(assembled(COHERE_V2, events(COHERE_V2, written(COHERE_V2, answer))))
        assert again == plain(answer)
    assert read > 15


@require_recordings
def test_recorded_streams_say_what_whole_answers_say():
    """
    Streams kept as bare events are read as well.
    """
    kept = [record for record in records("responses_only", "cohere") if record["meta"]["wire"] == "events-one-json-per-line"]

    assert kept
    for record in kept:
        bodies = [json.loads(line) for line in record["response"]["body"].splitlines() if line]
        answer = assembled(COHERE_V2, events(COHERE_V2, _stream(*bodies)))
        assert answer.candidates[0].finish in (Finish.STOP, Finish.TOOL)
