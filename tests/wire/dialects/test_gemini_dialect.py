"""
Gemini's generateContent, both ways: the cases every dialect brings, recorded traffic, and whatever JSON may hold.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from gemini_cases import (
    CASES,
    PLAIN,
    STREAM,
    asked,
    assembled,
    assistant,
    chunks,
    document,
    events_of,
    sent,
    streamed,
    system,
    target,
    user,
    written,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from excise.errors import BadRequest
from excise.wire.coding import decode_body
from excise.wire.dialect import Envelope
from excise.wire.dialects.gemini import GEMINI
from excise.wire.events import Event, Failed
from excise.wire.neutral import (
    Answer,
    Blob,
    Candidate,
    Finish,
    Image,
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
)
from excise.wire.sequence import replay
from excise.wire.tool_ids import made
from recordings import records, request_body, require_recordings, response_body, response_encoding

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
PARIS, ROME = made("history", 0), made("history", 1)

REQUESTS: dict[str, dict[str, Any]] = {
    "text": {"turns": (user("Name the capital of France."),), "max_tokens": 100, "sampling": Sampling(temperature=0.5)},
    "multi_turn": {"turns": (user("My name is Ada."), assistant("Hello Ada."), user("What is my name?"))},
    "system": {"turns": (system("Answer in one word."), user("Sky colour?"))},
    "parallel_tools": {
        "turns": (
            user("Weather in Paris and Rome?"),
            assistant(
                "Let me look.",
                ToolCall(id=PARIS, name="get_weather", arguments={"city": "Paris"}),
                ToolCall(id=ROME, name="get_weather", arguments={"city": "Rome"}),
            ),
            user(
                ToolResult(call_id=PARIS, parts=(Text(text="18 C"),), name="get_weather"),
                ToolResult(call_id=ROME, parts=(Text(text="24 C, sunny"),), name="get_weather"),
            ),
        ),
        "tools": (Tool("get_weather", "Weather now.", WEATHER), Tool("get_time", "Local time.", WEATHER)),
        "tool_choice": ToolChoice("auto"),
    },
    "image": {"turns": (user("What is this?", Image(source=Blob("image/png", PNG))),)},
    "json_schema": {"turns": (user("Ada, 36."),), "output": OutputFormat(PERSON)},
    "reasoning": {"turns": (user("Is 91 prime?"),), "reasoning": ReasoningAsk(effort="high", visible=True)},
    "stop": {"turns": (user("Count to three, then END."),), "stop": ("END",)},
    "length": {"turns": (user("Count."),), "max_tokens": 5},
    "refusal": {"turns": (user("Do harm."),)},
    "cache": {"turns": (user("Again."),)},
}


def call(answer: int, number: int, name: str) -> ToolCall:
    return ToolCall(id=made(f"Tr4nsL8t10nC4se{answer:02}qLmYsEPx7Kd9", number), name=name, arguments={"city": "Oslo"})


def stopped(*parts: Any) -> Candidate:
    return Candidate(user(*parts).parts, Finish.STOP, "STOP")


SIGNATURE = document("reasoning", "answer")["candidates"][0]["content"]["parts"][1]["thoughtSignature"]
ANSWERS: dict[str, Candidate] = {
    "text": stopped("Paris is the capital."),
    "multi_turn": stopped("Ada."),
    "system": stopped("Blue"),
    "parallel_tools": Candidate((call(4, 0, "get_weather"), call(4, 1, "get_time")), Finish.TOOL, "STOP"),
    "image": stopped("A red dot."),
    "json_schema": stopped('{"name":"Ada","age":36}'),
    "reasoning": stopped(Reasoning(text="91 = 7 * 13.", summary=True), Reasoning(signature=SIGNATURE, attached=True), Text(text="No.")),
    "stop": stopped("1 2 3 "),
    "length": Candidate((Text(text="One two three four five"),), Finish.LENGTH, "MAX_TOKENS"),
    "refusal": Candidate((), Finish.FILTER, "SAFETY"),
    "cache": stopped("Cached."),
}


def bare(candidate: Candidate) -> Candidate:
    """
    A candidate without the spelling of its calls' arguments.
    """
    return replace(candidate, parts=tuple(replace(part, text=None) if isinstance(part, ToolCall) else part for part in candidate.parts))


# -- the cases -------------------------------------------------------------------------------------------------------------------------


def test_every_case_is_expected() -> None:
    """
    No case stands in the fixtures unread.
    """
    assert CASES == sorted(REQUESTS) == sorted(ANSWERS)


@pytest.mark.parametrize("name", CASES)
def test_a_request_is_read(name: str) -> None:
    """
    Each case's request means what it means in every other dialect.
    """
    assert GEMINI.decode_request(document(name, "request"), PLAIN) == Request(dialect="gemini", model=PLAIN.model, **REQUESTS[name])


@pytest.mark.parametrize("name", CASES)
def test_an_answer_is_read(name: str) -> None:
    """
    Each case's answer, whole.
    """
    answer = GEMINI.decode_answer(document(name, "answer"), sent())

    assert answer.candidates == (ANSWERS[name],)
    assert (answer.id, answer.model) == (document(name, "answer")["responseId"], document(name, "answer")["modelVersion"])


@pytest.mark.parametrize("name", CASES)
def test_a_streamed_answer_is_the_same_answer(name: str) -> None:
    """
    Put together, the pieces of a stream are what the whole answer says, wherever the stream is cut.
    """
    whole, body = GEMINI.decode_answer(document(name, "answer"), sent()), streamed(name)
    for size in (None, 1, 2, 7, 100):
        answer = assembled(events_of(body, size))

        assert [bare(candidate) for candidate in answer.candidates] == list(whole.candidates)
        assert (answer.id, answer.model) == (whole.id, whole.model)


@pytest.mark.parametrize("name", CASES)
def test_cutting_a_stream_changes_no_event(name: str) -> None:
    """
    A chunk is read when it is whole; where the bytes before were cut means nothing.
    """
    body = streamed(name)
    whole = events_of(body)

    assert all(events_of(body, size) == whole for size in range(1, 64))


@pytest.mark.parametrize("name", CASES)
def test_a_request_survives_the_round_trip(name: str) -> None:
    """
    What is read is written back as it was.
    """
    body = document(name, "request")

    assert GEMINI.encode_request(GEMINI.decode_request(body, PLAIN), target()).body == body


@pytest.mark.parametrize("name", CASES)
def test_an_answer_survives_the_round_trip(name: str) -> None:
    """
    What is read is written back as it was; the model is named as policy says.
    """
    body = document(name, "answer")
    answer = GEMINI.decode_answer(body, sent())

    assert GEMINI.encode_answer(answer, replace(asked(dialect="gemini"), model=body["modelVersion"])) == body


@pytest.mark.parametrize("name", [name for name in CASES if name != "reasoning"])
def test_a_request_of_another_dialect_means_the_same_here(name: str) -> None:
    """
    Written in Google's words and read again, nothing has changed.
    """
    request = Request(dialect="openai-chat", model=PLAIN.model, **REQUESTS[name])
    encoded = GEMINI.encode_request(request, target())

    assert encoded.losses == ()
    assert GEMINI.decode_request(encoded.body, PLAIN) == replace(request, dialect="gemini")


@pytest.mark.parametrize("name", CASES)
def test_a_written_stream_is_read_as_the_same_answer(name: str) -> None:
    """
    An answer written as a stream, in either framing, says what it says.
    """
    answer = replace(GEMINI.decode_answer(document(name, "answer"), sent()), raw=None)
    wants = {"contents": [], "generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
    for envelope in (STREAM, replace(STREAM, array=True)):
        again = assembled(events_of(written(replay(answer), replace(asked(envelope, body=wants), dialect="gemini", provider="gemini"))))

        assert [bare(candidate).parts for candidate in again.candidates] == [bare(candidate).parts for candidate in answer.candidates]
        assert again.candidates[0].finish is answer.candidates[0].finish


def test_an_error_inside_a_stream_ends_it() -> None:
    """
    What came before it stands; after it nothing does, not even an end.
    """
    events = events_of(streamed("error"))

    assert [event.text for event in events if hasattr(event, "text")] == ["Par"]
    assert isinstance(events[-1], Failed)
    assert events[-1].fault.status == 503
    assert events[-1].fault.sort == "overload"


# -- recorded traffic ------------------------------------------------------------------------------------------------------------------


def recorded(kind: str) -> Iterator[dict[str, Any]]:
    for record in records(kind):
        operation = record["meta"].get("operation") or "chat"
        if record["meta"].get("protocol") == "gemini" and operation == "chat":
            yield record


@require_recordings
def test_recorded_requests_survive_the_round_trip() -> None:
    """
    What clients really send is read, and written back to the key; only what the API itself refuses is refused.
    """
    count = 0
    for record in recorded("http"):
        body = request_body(record)
        if not body:
            continue
        value = orjson.loads(body)
        try:
            request = GEMINI.decode_request(value, PLAIN)
        except BadRequest:
            assert record["response"]["status"] == 400, record["id"]
            continue
        assert GEMINI.encode_request(request, target()).body == value, record["id"]
        GEMINI.encode_request(replace(request, dialect="openai-chat"), target())
        count += 1
    assert count > 60


def recorded_bodies() -> Iterator[tuple[str, bytes]]:
    for kind in ("http", "responses_only"):
        for record in recorded(kind):
            body = response_body(record)
            if body and (encoding := response_encoding(record)):
                body = decode_body(encoding, body, limit=1 << 24)
            yield record["id"], body


@require_recordings
def test_recorded_answers_survive_the_round_trip() -> None:
    """
    What Google really answers is read and written back to the key, and ends as something that is known here.
    """
    count = 0
    for id_, body in recorded_bodies():
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            continue
        if not isinstance(value, dict) or "candidates" not in value:
            continue
        answer = GEMINI.decode_answer(value, sent())
        again = GEMINI.encode_answer(answer, replace(asked(dialect="gemini"), model=value.get("modelVersion") or ""))
        assert again == value, id_
        for candidate in answer.candidates:
            calls = any(isinstance(part, ToolCall) for part in candidate.parts)
            assert (candidate.finish is Finish.TOOL) is calls, id_
        count += 1
    assert count > 40


@require_recordings
def test_recorded_streams_are_read_to_their_end() -> None:
    """
    Every recorded stream, in either framing, gives text or calls and one end; cutting it elsewhere changes nothing.
    """
    count = 0
    for id_, body in recorded_bodies():
        if not body.startswith((b"data:", b"[")) or b'"candidates"' not in body:
            continue
        events = events_of(body)
        answer = assembled(events)
        assert events_of(body, 11) == events, id_
        assert answer.candidates, id_
        texts = "".join(part["text"] for part in recorded_parts(body) if "text" in part)
        parts = [part for candidate in answer.candidates for part in candidate.parts]
        assert "".join(part.text for part in parts if isinstance(part, Text | Reasoning)) == texts, id_
        count += 1
    assert count > 35


def recorded_parts(body: bytes) -> Iterator[dict[str, Any]]:
    if body.startswith(b"["):
        values = orjson.loads(body)
    else:
        values = [orjson.loads(line[5:]) for line in body.split(b"\n") if line.startswith(b"data:")]
    for value in values:
        for candidate in value.get("candidates") or ():
            yield from candidate.get("content", {}).get("parts") or ()


# -- whatever JSON may hold ------------------------------------------------------------------------------------------------------------

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 60), 1 << 60) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "parts", "type", "x"]), inner, max_size=3),
    max_leaves=6,
)

FULL = {
    "systemInstruction": {"parts": [{"text": "Be kind."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "Hi"}, {"inlineData": {"mimeType": "image/png", "data": PNG}}]},
        {
            "role": "model",
            "parts": [
                {"text": "Hm", "thought": True, "thoughtSignature": "QUJD"},
                {"functionCall": {"id": "a", "name": "f", "args": {"x": 1}}, "thoughtSignature": "QUJD"},
                {"functionCall": {"name": "f", "partialArgs": [{"jsonPath": "$.a[0].b", "stringValue": "x"}]}},
                {"executableCode": {"language": "PYTHON", "code": "1"}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "a", "name": "f", "response": {"result": "1"}, "parts": [{"inlineData": {"data": PNG}}]}},
                {"functionResponse": {"name": "f", "response": {"error": {"x": 1}}}},
                {"fileData": {"fileUri": "https://example.com/a.pdf", "mimeType": "application/pdf"}, "videoMetadata": {"fps": 1}},
            ],
        },
    ],
    "tools": [
        {"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT", "properties": {"x": {"type": "STRING"}}}}]},
        {"googleSearch": {}},
    ],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
    "generationConfig": {
        "maxOutputTokens": 9,
        "stopSequences": ["a"],
        "temperature": 1,
        "thinkingConfig": {"thinkingBudget": -1, "thinkingLevel": "LOW", "includeThoughts": True},
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"x": {"type": "STRING", "nullable": True}}},
        "responseModalities": ["TEXT"],
    },
    "safetySettings": [],
    "labels": {"a": "b"},
    "serviceTier": "flex",
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    return [path, *(deeper for key, one in inner for deeper in places(one, (*path, key)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    value = copy.deepcopy(value)
    node = value
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = new
    return value


def mutations(value: Any) -> st.SearchStrategy[Any]:
    return st.builds(lambda path, new: changed(value, path, new), st.sampled_from(places(value)), JUNK)


@settings(max_examples=400)
@given(mutations(FULL))
def test_a_request_is_read_or_refused(body: Any) -> None:
    """
    Whatever a client sends is a request or a BadRequest, and what is a request can be written for any model, or is impossible there.
    """
    try:
        request = GEMINI.decode_request(body, STREAM)
    except BadRequest as refusal:
        assert "\n" not in refusal.message
        return
    GEMINI.encode_request(request, target())
    for model in ("gemini-2.5-pro", "gemini-3-flash-preview", "gemma-3"):
        orjson.dumps(GEMINI.encode_request(replace(request, dialect="openai-chat"), target(model)).body)


REPLY = {
    "candidates": [
        {
            "content": {
                "parts": [
                    {"text": "Hm", "thought": True},
                    {"text": "No", "thoughtSignature": "QUJD"},
                    {"functionCall": {"name": "f", "args": {"x": 1}}},
                    {"functionCall": {"name": "g", "willContinue": True, "partialArgs": [{"jsonPath": "$.a", "numberValue": 1}]}},
                    {"inlineData": {"mimeType": "image/png", "data": PNG}},
                ],
                "role": "model",
            },
            "finishReason": "STOP",
            "index": 0,
            "citationMetadata": {"citationSources": []},
        }
    ],
    "promptFeedback": {"blockReason": "SAFETY"},
    "usageMetadata": {"promptTokenCount": 1},
    "modelVersion": "m",
    "responseId": "r",
    "createTime": "2026-11-22T10:00:00.123456Z",
}


@settings(max_examples=400)
@given(mutations(REPLY))
def test_no_answer_is_too_strange(body: Any) -> None:
    """
    Whatever a provider answers, whole or as a chunk, is read, and can be written for a client of any dialect and of this one.
    """
    for undo in (sent(), sent(unwrap_tool="f", tool_names={"g": "h"})):
        answer = GEMINI.decode_answer(body, undo)
        for dialect in ("gemini", "anthropic-messages"):
            orjson.dumps(GEMINI.encode_answer(answer, asked(dialect=dialect)))
        events = events_of(chunks(body, REPLY), unwrap_tool=undo.unwrap_tool, tool_names=undo.tool_names)
        assert written(events, asked(STREAM)).startswith((b"data: ", b"\n\ndata: "))
        one_part_at_a_time(events)


def one_part_at_a_time(events: list[Event]) -> None:
    """
    Events keep their order: parts of a candidate never overlap, and there is one end.
    """
    open_: set[int] = set()
    for event in events:
        name = type(event).__name__
        if name == "PartStarted":
            assert event.candidate not in open_  # type: ignore[attr-defined]
            open_.add(event.candidate)  # type: ignore[attr-defined]
        elif name == "PartEnded":
            open_.remove(event.candidate)  # type: ignore[attr-defined]
        elif name == "Delta":
            assert event.candidate in open_  # type: ignore[attr-defined]
    names = [type(event).__name__ for event in events]
    assert names[0] in ("Started", "Failed")
    assert names.count("Ended") + names.count("Failed") == 1
    assert names[-1] in ("Ended", "Failed")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ([], "the body"),
        ({}, "contents"),
        ({"contents": "Hi"}, "contents"),
        ({"contents": ["Hi"]}, "contents[0]"),
        ({"contents": [{"role": "system", "parts": []}]}, "contents[0].role"),
        ({"contents": [{"parts": "Hi"}]}, "contents[0].parts"),
        ({"contents": [{"parts": [{"text": 5}]}]}, "contents[0].parts[0]"),
        ({"contents": [{"parts": [{}, {"functionCall": {}}]}]}, "contents[0].parts[1]"),
        ({"contents": [], "tools": [{"functionDeclarations": [{}]}]}, "tools[0].functionDeclarations[0].name"),
        ({"contents": [], "generationConfig": {"temperature": "hot"}}, "generationConfig.temperature"),
        ({"contents": [], "generation_config": {"max_output_tokens": 1.5}}, "generationConfig.maxOutputTokens"),
        ({"contents": [], "systemInstruction": 5}, "systemInstruction"),
    ],
)
def test_a_refusal_names_the_place(body: Any, place: str) -> None:
    """
    A client learns where its request is wrong, in the words of the API's reference.
    """
    with pytest.raises(BadRequest) as refusal:
        GEMINI.decode_request(body, Envelope())

    assert refusal.value.message.startswith(f"{place} ")


def test_a_refusal_quotes_nothing() -> None:
    """
    The text of an error holds no byte of the request.
    """
    secret = "hunter2"
    for path in places(FULL):
        try:
            GEMINI.decode_request(changed(FULL, path, [[secret, {"text": [secret], secret: secret}]]), PLAIN)
        except BadRequest as refusal:
            assert secret not in refusal.message
    assert json.dumps(FULL)  # nothing was changed in place


def test_answers_made_of_nothing_are_broken() -> None:
    """
    An answer without candidates, and without word why, is no answer.
    """
    for body in (None, [], "x", {}, {"candidates": []}, {"candidates": [5]}):
        assert GEMINI.decode_answer(body, sent()) == Answer("gemini", (Candidate((), Finish.BROKEN),))
