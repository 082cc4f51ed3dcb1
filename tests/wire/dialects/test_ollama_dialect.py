"""
Ollama's own chat API into the neutral form and out of it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import ollama
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_dialects import (
    NOW,
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
from excise.wire.dialect import Envelope
from excise.wire.dialects.cohere_v2 import COHERE_V2
from excise.wire.dialects.ollama import OLLAMA
from excise.wire.events import Delta, Ended, Failed, Finished, PartEnded, PartStarted, Ping, Started
from excise.wire.neutral import (
    Answer,
    Audio,
    Blob,
    Candidate,
    Document,
    FileId,
    Finish,
    Image,
    Link,
    OutputFormat,
    Reasoning,
    ReasoningAsk,
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
from recordings import records, request_body, require_recordings, response_body

NAME = OLLAMA.name
CASES = cases(NAME)
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
LOOK = Tool(name="look", description="Look.", schema=CITY)
TIME = Tool(name="time", description="Time.", schema=CITY)


def decoded(case: str) -> Request:
    return OLLAMA.decode_request(document(NAME, case, "request"), Envelope())


def encoded(request: Request, **traits: Any) -> tuple[Any, set[tuple[str, str]]]:
    found = OLLAMA.encode_request(request, target(OLLAMA, **traits))
    return found.body, noted(found.losses)


# -- requests, read --------------------------------------------------------------------------------------------------------------------


def test_there_are_cases():
    """
    All the conversations that every dialect brings are there, but the refusal, for which Ollama has no form.
    """
    assert len(CASES) == 10


@pytest.mark.parametrize(
    ("case", "field", "expected"),
    [
        ("text", "max_tokens", 100),
        ("text", "sampling", Sampling(temperature=0.5)),
        ("text", "turns", (Turn("user", (Text(text="Name the capital of France."),)),)),
        ("text", "stream", False),
        ("system", "turns", (Turn("system", (Text(text="Answer in one word."),)), Turn("user", (Text(text="Sky colour?"),)))),
        ("reasoning", "reasoning", ReasoningAsk(effort="high")),
        ("stop", "stop", ("END",)),
        ("length", "max_tokens", 5),
    ],
)
def test_requests_mean_what_they_say(case: str, field: str, expected: object):
    """
    What a request asks for is found under its neutral name.
    """
    assert getattr(decoded(case), field) == expected


def test_calls_without_ids_get_them_and_results_find_them():
    """
    Two calls of one tool, and results that only name it: first to first, second to second.
    """
    _, said, first, second = decoded("parallel_tools").turns
    calls = [part for part in said.parts if isinstance(part, ToolCall)]

    assert said.parts[0] == Text(text="Let me look.")
    assert [call.arguments for call in calls] == [{"city": "Paris"}, {"city": "Rome"}]
    assert len({call.id for call in calls}) == 2
    assert first.parts == (ToolResult(call_id=calls[0].id, parts=(Text(text="18 C"),), name="get_weather"),)
    assert second.parts == (ToolResult(call_id=calls[1].id, parts=(Text(text="24 C, sunny"),), name="get_weather"),)


def _history(*messages: dict[str, Any]) -> list[list[str]]:
    request = OLLAMA.decode_request({"messages": list(messages)}, Envelope())
    ids = [part.id for turn in request.turns for part in turn.parts if isinstance(part, ToolCall)]
    given_ = [part.call_id for turn in request.turns for part in turn.parts if isinstance(part, ToolResult)]
    return [ids, given_]


def _calls(*names: str, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "tool_calls": [{"function": {"name": name, "arguments": {}}, **more} for name in names]}


@pytest.mark.parametrize(
    ("results", "order"),
    [
        ([{"tool_name": "b"}, {"tool_name": "a"}], [1, 0]),
        ([{"name": "b"}, {"name": "a"}], [1, 0]),
        ([{}, {}], [0, 1]),
    ],
)
def test_results_are_matched_by_name_then_by_order(results: list[dict[str, Any]], order: list[int]):
    """
    A result names its tool under the newer or the older key, or is the next in turn.
    """
    ids, given_ = _history(_calls("a", "b"), *({"role": "tool", "content": "x", **result} for result in results))

    assert given_ == [ids[place] for place in order]


def test_ids_of_newer_servers_are_kept():
    """
    Where calls have ids, results are matched by them.
    """
    ids, given_ = _history(
        _calls("a", id="call_1"), _calls("a", id="call_2"), *({"role": "tool", "content": "x", "tool_call_id": f"call_{n}"} for n in (2, 1))
    )

    assert ids == ["call_1", "call_2"]
    assert given_ == ["call_2", "call_1"]


def test_a_call_that_got_no_result_takes_none_of_a_later_turn():
    """
    Results belong to the calls before them, not to older ones that were left alone.
    """
    ids, given_ = _history(_calls("a", "a"), {"role": "tool", "content": "x"}, _calls("a"), {"role": "tool", "content": "y"})

    assert given_ == [ids[0], ids[2]]


def test_pictures_are_told_by_their_first_bytes():
    """
    Ollama names no type; base64 tells.
    """
    images = [base64.b64encode(head).decode() for head in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFFxxxxWEBP")]
    request = OLLAMA.decode_request({"messages": [{"role": "user", "content": "", "images": images}]}, Envelope())

    assert [part.source.media_type for part in request.turns[0].parts if isinstance(part, Image) and isinstance(part.source, Blob)] == [
        *("image/png", "image/jpeg", "image/gif", "image/webp")
    ]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("think", True, ReasoningAsk(adaptive=True)),
        ("think", False, ReasoningAsk(effort="none")),
        ("think", "max", ReasoningAsk(effort="max")),
        ("format", "json", OutputFormat()),
        ("format", "", None),
        ("format", CITY, OutputFormat(schema=CITY)),
    ],
)
def test_thinking_and_format(field: str, value: object, expected: object):
    """
    Switches, levels and schemas are read as what they ask for.
    """
    request = OLLAMA.decode_request({"messages": [], field: value}, Envelope())

    assert (request.reasoning if field == "think" else request.output) == expected


@pytest.mark.parametrize(("said", "streams"), [(None, True), (True, True), (False, False)])
def test_a_stream_is_the_rule(said: bool | None, streams: bool):
    """
    Ollama streams unless it is told not to.
    """
    assert OLLAMA.decode_request({"messages": [], "stream": said}, Envelope()).stream is streams


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"keep_alive": "5m"}, [("keep_alive", False)]),
        ({"options": {"num_ctx": 8192, "temperature": 0}}, [("options", False)]),
        ({"truncate": True}, [("truncate", False)]),
        ({"truncate": False, "shift": False}, []),
        ({"keep_alive": 0}, [("keep_alive", False)]),
        ({"Ada Lovelace": 1}, [("unknown", False)]),
        ({"options": {"num_predict": -1, "seed": None}}, []),
    ],
)
def test_what_only_ollama_has_is_kept_apart(more: dict[str, Any], expected: list[tuple[str, bool]]):
    """
    The runner's own options are extras that may be dropped; keys of the client's own making are not named.
    """
    request = OLLAMA.decode_request({"messages": [{"role": "user", "content": "x"}], **more}, Envelope())

    assert [(extra.field, extra.vital) for extra in request.extras] == expected
    assert request.max_tokens is None


def test_loading_a_model_goes_nowhere_else():
    """
    A conversation without messages loads a model, which no other provider does.
    """
    extras = OLLAMA.decode_request({"model": "m"}, Envelope()).extras

    assert [(extra.field, extra.vital) for extra in extras] == [("messages", True)]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"messages": {}}, "messages"),
        ({"messages": [{"role": "developer", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [1]}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "images": [{}]}]}, "messages[0].images[0]"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "messages[0].tool_calls[0].function.name"),
        ({"messages": [], "options": []}, "options"),
        ({"messages": [], "options": {"temperature": "warm"}}, "options.temperature"),
        ({"messages": [], "options": {"stop": [1]}}, "options.stop[0]"),
        ({"messages": [], "format": "xml"}, "format"),
        ({"messages": [], "think": "deep"}, "think"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_place(body: dict[str, Any], place: str):
    """
    A wrong type names where it stands.
    """
    with pytest.raises(BadRequest, match="^" + place.replace("[", r"\[").replace("]", r"\]") + " "):
        OLLAMA.decode_request(body, Envelope())


# -- requests, written -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_requests_go_back_as_they_came(case: str):
    """
    What was read from Ollama's words is written in the same words.
    """
    body = document(NAME, case, "request")
    request = OLLAMA.decode_request(body, Envelope())

    assert OLLAMA.encode_request(request, replace(target(OLLAMA), model=body["model"])).body == body


def test_changed_tools_keep_their_own_words():
    """
    A tool that was kept is written as it came, one that was added in Ollama's words.
    """
    tool = {"type": "function", "function": {"name": "look", "parameters": CITY, "odd": 1}}
    request = OLLAMA.decode_request({"messages": [], "tools": [tool]}, Envelope())
    body = OLLAMA.encode_request(replace(request, tools=(*request.tools, Tool(name="now"))), target(OLLAMA)).body
    parameters = {"type": "object", "properties": {}}

    assert body["tools"] == [tool, {"type": "function", "function": {"name": "now", "description": "", "parameters": parameters}}]


def test_a_change_changes_nothing_else():
    """
    A changed limit and a changed turn leave the runner's options and the other messages as they came.
    """
    body = {
        "model": "a-model",
        "messages": [{"role": "system", "content": "S", "odd": 1}, {"role": "user", "content": "Q"}],
        "options": {"num_ctx": 8192, "num_predict": 100, "stop": "x", "temperature": 0},
        "keep_alive": 0,
        "later": [1],
        "think": False,
        "logprobs": True,
        "top_logprobs": 3,
    }
    request = OLLAMA.decode_request(body, Envelope())
    turns = (request.turns[0], Turn("user", (Text(text="other"),)))
    changed = replace(request, max_tokens=7, turns=turns, stream=False, reasoning=ReasoningAsk(effort="low"), logprobs=None)

    kept = {key: value for key, value in body.items() if key not in ("logprobs", "top_logprobs")}

    assert OLLAMA.encode_request(changed, target(OLLAMA)).body == kept | {
        "think": "low",
        "messages": [body["messages"][0], {"role": "user", "content": "other"}],
        "options": {"num_ctx": 8192, "num_predict": 7, "stop": "x", "temperature": 0},
        "stream": False,
    }


@pytest.mark.parametrize("case", CASES)
def test_requests_of_another_dialect_mean_the_same_again(case: str):
    """
    A request written in Ollama's words without its raw form is read as what it was.
    """
    request = replace(decoded(case), dialect="other", raw=None)
    again = OLLAMA.decode_request(OLLAMA.encode_request(request, target(OLLAMA)).body, Envelope())

    assert again.sampling == request.sampling
    assert again.max_tokens == request.max_tokens
    assert again.stop == request.stop
    assert again.stream is request.stream
    assert again.turns == request.turns


def test_settings_have_ollama_names():
    """
    Limits, sampling and stop sequences are options; a conversation that is too long is refused, not cut.
    """
    sampling = Sampling(temperature=1.4, top_p=0.9, top_k=40, min_p=0.05, seed=7, frequency_penalty=0.1, presence_penalty=0.2)
    body, losses = encoded(ask(max_tokens=50, stop=("a",), sampling=sampling))

    assert body == {
        "model": "a-model",
        "messages": [{"role": "user", "content": "Hi."}],
        "options": {
            "num_predict": 50,
            "stop": ["a"],
            "temperature": 1.4,
            "top_p": 0.9,
            "top_k": 40,
            "min_p": 0.05,
            "seed": 7,
            "frequency_penalty": 0.1,
            "presence_penalty": 0.2,
        },
        "stream": False,
        "truncate": False,
    }
    assert losses == set()


def test_a_model_that_cannot_is_not_told_to():
    """
    Sampling is dropped for models that refuse it, and a limit above the model's is lowered; tools for one without them are impossible.
    """
    sampling = Sampling(temperature=0.5, seed=1)
    body, losses = encoded(ask(sampling=sampling, max_tokens=9000), sampling=False, max_output_tokens=4000)

    assert body["options"] == {"num_predict": 4000, "seed": 1}
    assert losses == {("temperature", "dropped"), ("max_tokens", "clamped")}
    assert encoded(ask(tools=(LOOK,)), tools=False)[1] == {("tools", "impossible")}


def test_a_history_of_tools_is_written_as_ollama_wants_it():
    """
    Arguments are objects, results name their tool, an error is said in its text.
    """
    turns = (
        Turn("user", (Text(text="Q"),)),
        Turn("assistant", (Text(text="Let me look."), ToolCall(id="toolu_1", name="look", arguments={"city": "Rome"}, text="{}"))),
        Turn("user", (ToolResult(call_id="toolu_1", parts=(Text(text="gone"),), is_error=True), Text(text="Well?"))),
    )
    body, losses = encoded(ask(*turns, tools=(LOOK,)))

    assert body["messages"] == [
        {"role": "user", "content": "Q"},
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [{"id": "toolu_1", "function": {"index": 0, "name": "look", "arguments": {"city": "Rome"}}}],
        },
        {"role": "tool", "content": "Error: gone", "tool_call_id": "toolu_1", "tool_name": "look"},
        {"role": "user", "content": "Well?"},
    ]
    assert body["tools"] == [{"type": "function", "function": {"name": "look", "description": "Look.", "parameters": CITY}}]
    assert losses == {("tool_result.is_error", "changed")}


def test_arguments_that_are_no_object_are_given_as_text():
    """
    Broken arguments of the history neither vanish nor break the request.
    """
    call = Turn("assistant", (ToolCall(id="a", name="look", arguments=None, text="{oops"),))
    body, losses = encoded(ask("Q", call, Turn("user", (ToolResult(call_id="a"),))))

    assert body["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"input": "{oops"}
    assert losses == {("tools.arguments", "changed")}


@pytest.mark.parametrize(
    ("choice", "tools", "instructed", "loss"),
    [
        (ToolChoice("auto"), ["look", "time"], False, set()),
        (ToolChoice("none"), None, False, {("tool_choice", "emulated")}),
        (ToolChoice("required"), ["look", "time"], True, {("tool_choice", "emulated")}),
        (ToolChoice("named", ("time",)), ["time"], True, {("tool_choice", "emulated")}),
        (ToolChoice("named", ("gone",)), None, False, {("tool_choice", "emulated"), ("tool_choice", "impossible")}),
    ],
)
def test_tool_choices(choice: ToolChoice, tools: list[str] | None, instructed: bool, loss: set[tuple[str, str]]):
    """
    Ollama knows none of them: what is offered and an instruction stand for the choice, and that is noted.
    """
    body, losses = encoded(ask(tools=(LOOK, TIME), tool_choice=choice))

    assert (None if "tools" not in body else [tool["function"]["name"] for tool in body["tools"]]) == tools
    assert (body["messages"][0]["role"] == "system") is instructed
    assert losses == loss


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
    assert kept["messages"][1] == {"role": "assistant", "content": "A", "thinking": "hm"}
    assert nothing == set()


def test_schemas_of_tools_fit_their_struct():
    """
    References are written out, and a property is always an object.
    """
    schema = {"properties": {"a": {"$ref": "#/$defs/A"}, "b": True}, "$defs": {"A": {"type": "string"}}}
    body, _ = encoded(ask(tools=(Tool(name="t", schema=schema), Tool(name="u"))))

    assert [tool["function"]["parameters"] for tool in body["tools"]] == [
        {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}},
        {"type": "object", "properties": {}},
    ]


def test_pictures_stand_beside_the_text():
    """
    Text is one, pictures are a list; where their place among the text was told, it is noted as lost.
    """
    picture = Image(source=Blob("image/png", "aGk="))
    body, losses = encoded(ask(Turn("user", (Text(text="A"), picture, Text(text="B"), picture))))

    assert body["messages"] == [{"role": "user", "content": "A\n\nB", "images": ["aGk=", "aGk="]}]
    assert losses == {("image.position", "changed")}


def test_plain_documents_are_text():
    """
    A text file stands in the message.
    """
    document_ = Document(source=Blob("text/plain", base64.b64encode(b"hello").decode()), title="T")
    body, losses = encoded(ask(Turn("user", (Text(text="Read:"), document_))))

    assert body["messages"] == [{"role": "user", "content": "Read:\n\nT\n\nhello"}]
    assert losses == {("document", "changed")}


@pytest.mark.parametrize(
    ("part", "traits", "field"),
    [
        (Image(source=Blob("image/png", "aGk=")), {"vision": False}, "image"),
        (Image(source=Link("https://a.example/b.png")), {}, "image.url"),
        (Image(source=FileId("file-1")), {}, "file_id"),
        (Document(source=Blob("application/pdf", "aGk=")), {}, "document"),
        (Audio(source=Blob("audio/wav", "aGk=")), {}, "audio"),
    ],
)
def test_media_that_cannot_go(part: Any, traits: dict[str, Any], field: str):
    """
    What the target cannot take makes it impossible; it is never left out in silence.
    """
    _, losses = encoded(ask(Turn("user", (Text(text="Look:"), part))), **traits)

    assert losses == {(field, "impossible")}


@pytest.mark.parametrize(
    ("ask_", "traits", "think", "losses"),
    [
        (ReasoningAsk(effort="high"), {}, "high", set()),
        (ReasoningAsk(effort="xhigh"), {}, "high", {("reasoning.effort", "clamped")}),
        (ReasoningAsk(effort="max"), {"efforts": ("none", "high", "max")}, "max", set()),
        (ReasoningAsk(effort="none"), {}, False, set()),
        (ReasoningAsk(adaptive=True), {}, True, set()),
        (ReasoningAsk(budget_tokens=2048), {}, "medium", {("reasoning.budget", "changed")}),
        (
            ReasoningAsk(effort="none"),
            {"efforts": ("low", "medium", "high"), "always_thinks": True},
            "low",
            {("reasoning.effort", "clamped")},
        ),
        (ReasoningAsk(effort="high"), {"reasoning": "none"}, None, {("reasoning", "dropped")}),
        (ReasoningAsk(adaptive=True), {"reasoning": "none"}, None, {("reasoning", "dropped")}),
    ],
)
def test_how_hard_to_think(ask_: ReasoningAsk, traits: dict[str, Any], think: object, losses: set[tuple[str, str]]):
    """
    A switch or a level; what Ollama does not know becomes the nearest it knows.
    """
    body, found = encoded(ask(reasoning=ask_), **traits)

    assert body.get("think") == think
    assert found == losses


@pytest.mark.parametrize(
    ("output", "more", "format_", "losses"),
    [
        (OutputFormat(schema=CITY), {}, CITY, set()),
        (OutputFormat(), {}, "json", set()),
        (OutputFormat(schema=CITY), {"tools": (LOOK,)}, None, {("output.schema", "emulated")}),
        (
            OutputFormat(),
            {"tools": (LOOK,), "tool_choice": ToolChoice("none")},
            "json",
            {("tool_choice", "emulated")},
        ),
    ],
)
def test_output_formats(output: OutputFormat, more: dict[str, Any], format_: object, losses: set[tuple[str, str]]):
    """
    A schema is the format; beside tools it would keep the model from calling, so an instruction asks for it.
    """
    body, found = encoded(ask(output=output, **more))

    assert body.get("format") == format_
    assert ("JSON" in body["messages"][0]["content"]) is (format_ is None)
    assert found == losses


@pytest.mark.parametrize(
    ("request_", "loss"),
    [
        (ask(candidates=3), ("candidates", "impossible")),
        (ask(logprobs=2), ("logprobs", "impossible")),
        (ask(sampling=Sampling(logit_bias={"1": 1})), ("logit_bias", "dropped")),
        (ask(metadata={"a": "b"}), ("metadata", "dropped")),
        (ask(cache_key="k"), ("cache_key", "dropped")),
        (ask(tools=(replace(LOOK, strict=True),)), ("tools.strict", "dropped")),
        (ask(Turn("user", (Text(text="x", cache="5m"),))), ("cache", "dropped")),
        (ask(Turn("user", (Text(text="x"),), name="ada")), ("turns.name", "dropped")),
    ],
)
def test_what_does_not_fit_is_noted(request_: Request, loss: tuple[str, str]):
    """
    What Ollama has no room for is left out or refused, and said.
    """
    assert encoded(request_)[1] == {loss}


def test_system_text_is_text():
    """
    A picture in the system's words is given to the user, and that is noted.
    """
    picture = Image(source=Blob("image/png", "aGk="))
    body, losses = encoded(ask(Turn("system", (Text(text="S"), picture)), Turn("assistant", (Text(text="A"),)), "Q"))

    assert body["messages"][:2] == [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "", "images": ["aGk="]},
    ]
    assert losses == {("system.parts", "changed")}


# -- answers ---------------------------------------------------------------------------------------------------------------------------

ENDS = {"parallel_tools": Finish.TOOL, "length": Finish.LENGTH}


@pytest.mark.parametrize("case", CASES)
def test_answers_are_read(case: str):
    """
    Each answer ends as it should, dated and named as the provider says.
    """
    body = document(NAME, case, "answer")
    answer = OLLAMA.decode_answer(body, sent(OLLAMA))

    assert answer.candidates[0].finish is ENDS.get(case, Finish.STOP)
    assert answer.candidates[0].native_finish == body["done_reason"]
    assert answer.model == body["model"]
    assert answer.created is not None
    assert abs(answer.created - NOW) < 60
    assert OLLAMA.encode_answer(answer, asked()) == body


def test_answers_say_what_they_say():
    """
    Thought, text and calls are parts of their kind.
    """
    reasoning = OLLAMA.decode_answer(document(NAME, "reasoning", "answer"), sent(OLLAMA))
    calls = OLLAMA.decode_answer(document(NAME, "parallel_tools", "answer"), sent(OLLAMA)).candidates[0].parts

    assert thoughts_of(reasoning) == ["91 = 7 * 13."]
    assert texts_of(reasoning) == ["No."]
    assert [(part.id, part.name, part.arguments) for part in calls if isinstance(part, ToolCall)] == [
        ("call_2k7ryu9k", "get_weather", {"city": "Oslo"}),
        ("call_8w1mz4qd", "get_time", {"city": "Oslo"}),
    ]


def test_ids_that_are_missing_differ_from_answer_to_answer():
    """
    Made of the answer's date: the same answer gives the same ids, the next one others.
    """
    call = {"function": {"name": "look", "arguments": {}}}

    def ids(created: str) -> list[str]:
        body = {"model": "m", "created_at": created, "message": {"tool_calls": [call, call]}, "done": True}
        return [part.id for part in OLLAMA.decode_answer(body, sent(OLLAMA)).candidates[0].parts if isinstance(part, ToolCall)]

    first, second = ids("2026-08-07T06:08:01.1Z"), ids("2026-08-07T06:08:01.2Z")

    assert first == ids("2026-08-07T06:08:01.1Z")
    assert len({*first, *second}) == 4


@pytest.mark.parametrize("case", CASES)
def test_a_stream_is_the_answer(case: str):
    """
    The pieces of a stream make the same answer, and the same bill.
    """
    answer = OLLAMA.decode_answer(document(NAME, case, "answer"), sent(OLLAMA))
    whole = json.dumps(document(NAME, case, "answer")).encode()

    assert plain(assembled(OLLAMA, events(OLLAMA, streamed(NAME, case)))) == plain(answer)
    assert metered(OLLAMA, streamed(NAME, case)) == metered(OLLAMA, whole)


@pytest.mark.parametrize("case", CASES)
def test_a_whole_document_is_a_stream_of_one_line(case: str):
    """
    A document that comes where a stream may come is read as one.
    """
    answer = OLLAMA.decode_answer(document(NAME, case, "answer"), sent(OLLAMA))
    whole = json.dumps(document(NAME, case, "answer")).encode()

    assert plain(assembled(OLLAMA, events(OLLAMA, whole))) == plain(answer)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("size", [1, 3, 64])
def test_cuts_do_not_matter(case: str, size: int):
    """
    A stream cut at every byte gives the same events.
    """
    assert events(OLLAMA, streamed(NAME, case), size=size) == events(OLLAMA, streamed(NAME, case))


def test_the_order_of_events():
    """
    A thought ends where the text begins; each call is a part of its own.
    """
    kinds = [type(event) for event in events(OLLAMA, streamed(NAME, "reasoning"))]

    calls = [type(event) for event in events(OLLAMA, streamed(NAME, "parallel_tools"))]

    assert kinds == [Started, PartStarted, Delta, Delta, PartEnded, PartStarted, Delta, Delta, PartEnded, Finished, Ended]
    assert calls == [Started, PartStarted, Delta, PartEnded, PartStarted, Delta, PartEnded, Finished, Ended]


@pytest.mark.parametrize("before", [b"", b'{"message":{"role":"assistant","content":"Par"},"done":false}\n'])
@pytest.mark.parametrize("error", ["busy", "", 0, None, {"message": "busy"}])
def test_an_error_line_fails_a_stream(before: bytes, error: object):
    """
    A line with an error is a failure, first or later, whatever the error holds.
    """
    pieces = events(OLLAMA, before + json.dumps({"error": error}).encode() + b"\n")

    assert [piece for piece in pieces if isinstance(piece, Finished | Ended)] == []
    assert isinstance(pieces[-1], Failed)
    assert isinstance(pieces[-1].fault, Fault)


def test_the_recorded_form_of_an_error():
    """
    What was said before the error stays said.
    """
    pieces = events(OLLAMA, streamed(NAME, "error"))

    assert [type(piece) for piece in pieces] == [Started, PartStarted, Delta, PartEnded, Failed]
    assert isinstance(pieces[-1], Failed)
    assert pieces[-1].fault.message == "server overloaded, please retry shortly"


@pytest.mark.parametrize(
    ("last", "finish"),
    [
        ({}, Finish.BROKEN),
        ({"done": True}, Finish.STOP),
        ({"done": True, "done_reason": "load"}, Finish.BROKEN),
        ({"done": True, "done_reason": "unload"}, Finish.BROKEN),
        ({"done": True, "done_reason": "something new"}, Finish.BROKEN),
        ({"done": True, "done_reason": ["stop"]}, Finish.BROKEN),
    ],
)
def test_ends_that_are_none(last: dict[str, Any], finish: Finish):
    """
    A stream that breaks off, or ends with a word that is no proper end, is no answer; older servers give no word at all.
    """
    lines = [{"message": {"role": "assistant", "content": "Par"}, "done": False}, last]
    answer = assembled(OLLAMA, events(OLLAMA, b"".join(json.dumps(line).encode() + b"\n" for line in lines)))

    assert texts_of(answer) == ["Par"]
    assert answer.candidates[0].finish is finish


# -- answers, written ------------------------------------------------------------------------------------------------------------------


def answer_of(*parts: Any, finish: Finish = Finish.STOP, usage: Usage | None = None) -> Answer:
    return Answer(dialect="anthropic-messages", candidates=(Candidate(parts, finish),), id="msg_1", usage=usage or Usage())


FULL = answer_of(
    Reasoning(text="Think.", signature="s"),
    Text(text="Let me look."),
    ToolCall(id="toolu_1", name="look", arguments={"city": "Rome"}, text='{"city":"Rome"}'),
    ToolCall(id="toolu_2", name="now", arguments={}),
    finish=Finish.TOOL,
    usage=Usage(uncached_input_tokens=10, cache_read_tokens=80, cache_write_5m_tokens=10, text_output_tokens=5, reasoning_tokens=20),
)


def test_a_foreign_answer_in_ollama_words():
    """
    Thoughts, text and calls stand where Ollama's clients look; usage counts caches and thoughts in; a proof has no place and is noted.
    """
    about = asked()

    assert OLLAMA.encode_answer(FULL, about) == {
        "model": "a-model",
        "created_at": "2026-08-07T06:08:10Z",
        "message": {
            "role": "assistant",
            "content": "Let me look.",
            "thinking": "Think.",
            "tool_calls": [
                {"id": "toolu_1", "function": {"index": 0, "name": "look", "arguments": {"city": "Rome"}}},
                {"id": "toolu_2", "function": {"index": 1, "name": "now", "arguments": {}}},
            ],
        },
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 100,
        "eval_count": 25,
    }
    assert noted(about.losses.all()) == {("reasoning.signature", "dropped")}


@pytest.mark.parametrize(
    ("finish", "word", "loss"),
    [
        (Finish.STOP, "stop", set()),
        (Finish.STOP_SEQUENCE, "stop", set()),
        (Finish.LENGTH, "length", set()),
        (Finish.REFUSAL, "stop", {("finish", "changed")}),
        (Finish.FILTER, "stop", {("finish", "changed")}),
        (Finish.PAUSE, "length", {("finish", "changed")}),
        (Finish.BROKEN, "error", set()),
    ],
)
def test_ends_in_ollama_words(finish: Finish, word: str, loss: set[tuple[str, str]]):
    """
    Ollama knows stop and length; what is neither is noted, and what failed is neither.
    """
    answer = answer_of(Text(text="x"), finish=finish)
    about = asked()

    assert OLLAMA.encode_answer(answer, about)["done_reason"] == word
    assert json.loads(written(OLLAMA, answer).splitlines()[-1])["done_reason"] == word
    assert noted(about.losses.all()) == loss


@pytest.mark.parametrize("case", CASES)
def test_what_is_streamed_can_be_read_again(case: str):
    """
    An answer written as a stream is read as that answer.
    """
    answer = OLLAMA.decode_answer(document(NAME, case, "answer"), sent(OLLAMA))
    again = assembled(OLLAMA, events(OLLAMA, written(OLLAMA, answer)))

    assert plain(replace(again, model=answer.model, created=answer.created)).candidates[0].parts == plain(answer).candidates[0].parts
    assert again.candidates[0].finish is answer.candidates[0].finish


def test_every_line_is_a_piece():
    """
    Clients parse every line they get: signs of life are pieces that say nothing.
    """
    encoder = OLLAMA.stream_encoder(asked())
    body = b"".join(
        encoder.feed(event)
        for event in (
            Ping(),
            Started("i"),
            Ping(),
            PartStarted(ToolCall(id="a", name="look", arguments={})),
            Delta('{"city":'),
            Ping(),
            Delta('"Rome"}'),
            PartEnded(),
            Finished(Finish.TOOL),
            Ended(),
        )
    )
    lines = [json.loads(line) for line in body.split(b"\n")[:-1]]

    assert [line["done"] for line in lines] == [False, False, False, False, True]
    assert all(line["message"]["content"] == "" for line in lines)
    assert lines[3]["message"]["tool_calls"] == [{"id": "a", "function": {"index": 0, "name": "look", "arguments": {"city": "Rome"}}}]


def test_pictures_of_answers():
    """
    A picture that a model made is read and written, whole and streamed.
    """
    data = base64.b64encode(b"\xff\xd8\xff\xe0").decode()
    answer = answer_of(Text(text="x"), Image(source=Blob("image/jpeg", data)))
    whole = OLLAMA.encode_answer(answer, asked())

    assert whole["message"] == {"role": "assistant", "content": "x", "images": [data]}
    assert OLLAMA.decode_answer(whole, sent(OLLAMA)).candidates[0].parts == answer.candidates[0].parts
    assert assembled(OLLAMA, events(OLLAMA, written(OLLAMA, answer))).candidates[0].parts == answer.candidates[0].parts


def test_what_an_answer_cannot_say_is_noted():
    """
    Citations of another form and parts of another kind are not carried over in silence.
    """
    about = asked()
    body = OLLAMA.encode_answer(answer_of(Text(text="x", citations=({"url": "u"},)), Audio(source=Link("https://a.example/b"))), about)

    assert body["message"] == {"role": "assistant", "content": "x"}
    assert noted(about.losses.all()) == {("citations", "dropped"), ("audio", "dropped")}


def test_thoughts_that_show_nothing_are_not_written():
    """
    A hidden thought leaves nothing in the stream, and text behind it is text; a proof has no place, and is noted.
    """
    answer = answer_of(Reasoning(signature="s", redacted=True), Text(text="x"))
    proven, bare = asked(), asked()
    written(OLLAMA, answer_of(Reasoning(text="hm", signature="s")), proven)
    written(OLLAMA, answer_of(Reasoning(text="hm")), bare)

    assert noted(proven.losses.all()) == {("reasoning.signature", "dropped")}
    assert bare.losses.all() == ()
    assert b"thinking" not in written(OLLAMA, answer)
    assert "thinking" not in OLLAMA.encode_answer(answer, asked())["message"]
    assert json.loads(written(OLLAMA, answer).splitlines()[0])["message"]["content"] == "x"


# -- the official client ---------------------------------------------------------------------------------------------------------------


def _client(reply: Callable[[httpx.Request], httpx.Response]) -> ollama.Client:
    return ollama.Client(host="http://ollama.test", transport=httpx.MockTransport(reply))


def _reply(seen: list[Request], streamed_: bytes | None = None) -> Callable[[httpx.Request], httpx.Response]:
    def reply(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        seen.append(OLLAMA.decode_request(body, Envelope()))
        if body["stream"]:
            content = streamed_ or written(OLLAMA, FULL)
            return httpx.Response(200, headers={"content-type": OLLAMA.content_type}, content=content)
        return httpx.Response(200, json=OLLAMA.encode_answer(FULL, asked()))

    return reply


def test_the_official_client_reads_our_answers():
    """
    `chat`, whole and streamed, finds text, thoughts, calls, end and usage where it looks for them.
    """
    seen: list[Request] = []
    client = _client(_reply(seen))
    tool = {"type": "function", "function": {"name": "look", "description": "Look.", "parameters": CITY}}
    whole = client.chat(model="m", messages=[{"role": "user", "content": "Q"}], tools=[tool], think="high")
    pieces = list(client.chat(model="m", messages=[{"role": "user", "content": "Q"}], stream=True))

    assert [request.stream for request in seen] == [False, True]
    assert seen[0].tools[0].name == "look"
    assert seen[0].reasoning == ReasoningAsk(effort="high")
    assert whole.message.content == "Let me look."
    assert whole.message.thinking == "Think."
    assert [dict(call.function.arguments) for call in whole.message.tool_calls or ()] == [{"city": "Rome"}, {}]
    assert (whole.done, whole.done_reason, whole.prompt_eval_count, whole.eval_count) == (True, "stop", 100, 25)
    assert [piece.done for piece in pieces] == [False, False, False, False, True]
    assert pieces[0].message.thinking == "Think."
    assert pieces[1].message.content == "Let me look."
    assert [call.function.name for piece in pieces for call in piece.message.tool_calls or ()] == ["look", "now"]
    assert pieces[-1].eval_count == 25


def test_the_official_client_sends_its_answers_back():
    """
    The client drops the ids of calls; results find their calls all the same.
    """
    seen: list[Request] = []
    client = _client(_reply(seen))
    first = client.chat(model="m", messages=[{"role": "user", "content": "Q"}])
    results = [{"role": "tool", "content": text, "tool_name": name} for name, text in (("now", "noon"), ("look", "18 C"))]
    client.chat(model="m", messages=[{"role": "user", "content": "Q"}, first.message, *results])
    _, said, noon, weather = seen[1].turns
    calls = {part.name: part.id for part in said.parts if isinstance(part, ToolCall)}

    assert said.parts[:2] == (Reasoning(text="Think."), Text(text="Let me look."))
    assert noon.parts == (ToolResult(call_id=calls["now"], parts=(Text(text="noon"),), name="now"),)
    assert weather.parts == (ToolResult(call_id=calls["look"], parts=(Text(text="18 C"),), name="look"),)


def test_the_official_client_raises_on_our_failures():
    """
    A stream that fails makes the client raise what it raises for Ollama's own errors.
    """
    encoder = OLLAMA.stream_encoder(asked())
    body = encoder.feed(Delta("Par")) + encoder.feed(Failed(Fault(status=503, sort="overload", message="busy")))
    client = _client(_reply([], body))

    with pytest.raises(ollama.ResponseError, match="busy"):
        list(client.chat(model="m", messages=[{"role": "user", "content": "Q"}], stream=True))


# -- JSON gone wrong -------------------------------------------------------------------------------------------------------------------

REQUESTS = [document(NAME, case, "request") for case in CASES]
ANSWERS = [document(NAME, case, "answer") for case in CASES]
STREAMS = [[frame.json for frame in frames(OLLAMA, streamed(NAME, case)) if frame.json is not None] for case in [*CASES, "error"]]


@given(spoiled(REQUESTS))
@settings(max_examples=300, deadline=None)
def test_spoiled_requests_are_read_or_refused(body: Any):
    """
    Whatever stands in a request, it is read, or refused as a bad request.
    """
    survives(OLLAMA, body, COHERE_V2)


@given(spoiled(ANSWERS))
@settings(max_examples=300, deadline=None)
def test_spoiled_answers_do_no_harm(body: Any):
    """
    Nothing a provider answers makes us raise.
    """
    answer_survives(OLLAMA, body)


@given(st.sampled_from(STREAMS).flatmap(lambda bodies: spoiled([bodies])))
@settings(max_examples=300, deadline=None)
def test_spoiled_streams_do_no_harm(bodies: Any):
    """
    Nothing a provider streams makes us raise.
    """
    lines_survive(OLLAMA, bodies if isinstance(bodies, list) else [bodies])


# -- recordings ------------------------------------------------------------------------------------------------------------------------


def _recorded() -> list[dict[str, Any]]:
    return [
        record
        for record in records(provider="ollama")
        if record["meta"]["protocol"] == NAME and record["meta"]["operation"] == "chat" and record["response"]["status"] == 200
    ]


@require_recordings
def test_recorded_requests_go_back_as_they_came():
    """
    Real requests lose nothing on the way through the neutral form.
    """
    bodies = [json.loads(request_body(record)) for record in _recorded()]

    assert len(bodies) >= 10
    for body in bodies:
        request = OLLAMA.decode_request(body, Envelope())
        assert OLLAMA.encode_request(request, replace(target(OLLAMA), model=body["model"])).body == body


@require_recordings
def test_recorded_answers_are_read_to_the_end():
    """
    Real answers, whole and streamed, end properly, and say the same after being written and read again.
    """
    for record in _recorded():
        body = response_body(record)
        answer = assembled(OLLAMA, events(OLLAMA, body))
        again = assembled(OLLAMA, events(OLLAMA, written(OLLAMA, answer)))

        assert answer.candidates[0].finish in (Finish.STOP, Finish.TOOL)
        assert answer.candidates[0].parts
        assert plain(again).candidates[0].parts == plain(answer).candidates[0].parts
        if record["meta"]["wire"] == "json":
            assert plain(OLLAMA.decode_answer(json.loads(body), sent(OLLAMA))) == plain(answer)


@require_recordings
def test_recorded_thoughts_end_where_the_text_begins():
    """
    A recorded stream of a thinking model is one thought and one text.
    """
    kept = [record for record in records("responses_only", "ollama") if record["meta"]["wire"] == "text"]

    assert kept
    for record in kept:
        answer = assembled(OLLAMA, events(OLLAMA, record["response"]["body"].encode()))
        assert len(thoughts_of(answer)) <= 1
        assert len(texts_of(answer)) == 1
