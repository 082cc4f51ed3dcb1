"""
OpenAI's chat dialect: its cases, its own words, whatever may come, and recorded traffic.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from chat_cases import (
    PNG,
    asked,
    assembled,
    assistant,
    call,
    delta,
    document,
    events,
    frames,
    names,
    replace_model,
    spoiled,
    streamed,
    target,
    user,
    written,
)
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from excise.errors import BadRequest
from excise.wire.dialect import Envelope, Sent
from excise.wire.dialects.openai_chat import OPENAI_CHAT
from excise.wire.events import Delta, Ended, Failed, PartStarted, Started
from excise.wire.frame import Frame
from excise.wire.neutral import (
    Blob,
    Candidate,
    Finish,
    Image,
    Reasoning,
    ReasoningAsk,
    Refusal,
    Sampling,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from recordings import header, records, request_body, require_recordings, response_body, response_encoding

CHAT = OPENAI_CHAT
CASES = names(CHAT)
SENT = Sent(target(CHAT))


# -- the cases -------------------------------------------------------------------------------------------------------------------------


def test_requests_are_read():
    """
    Each case's request says in neutral form what it says in the dialect.
    """
    request = {case: CHAT.decode_request(document(CHAT, case, "request"), Envelope()) for case in CASES}

    assert request["text"].turns == (user("Name the capital of France."),)
    assert (request["text"].max_tokens, request["text"].sampling) == (100, Sampling(temperature=0.5))
    assert request["multi_turn"].turns == (user("My name is Ada."), assistant("Hello Ada."), user("What is my name?"))
    assert request["system"].turns[0] == Turn("system", (Text(text="Answer in one word."),))
    assert request["image"].turns[0].parts[1] == Image(source=Blob("image/png", PNG))
    assert request["stop"].stop == ("END",)
    assert request["reasoning"].reasoning == ReasoningAsk(effort="high")
    schema = request["json_schema"].output
    assert schema is not None and (schema.name, schema.strict) == ("person", True)
    assert [one.name for one in request["parallel_tools"].tools] == ["get_weather", "get_time"]
    assert request["parallel_tools"].tool_choice == ToolChoice("auto")
    calls = request["parallel_tools"].turns[1].parts
    assert [part.arguments for part in calls if isinstance(part, ToolCall)] == [{"city": "Paris"}, {"city": "Rome"}]
    results = [turn.parts[0] for turn in request["parallel_tools"].turns[2:]]
    assert [(part.call_id, part.parts) for part in results if isinstance(part, ToolResult)] == [
        (calls[1].id, (Text(text="18 C"),)),
        (calls[2].id, (Text(text="24 C, sunny"),)),
    ]


def test_answers_are_read():
    """
    Each case's answer says in neutral form what it says in the dialect.
    """
    first = {case: CHAT.decode_answer(document(CHAT, case, "answer"), SENT).candidates[0] for case in CASES}

    assert first["text"] == Candidate((Text(text="Paris is the capital."),), Finish.STOP, "stop")
    assert [(part.name, part.arguments) for part in first["parallel_tools"].parts if isinstance(part, ToolCall)] == [
        ("get_weather", {"city": "Oslo"}),
        ("get_time", {"city": "Oslo"}),
    ]
    assert first["parallel_tools"].finish is Finish.TOOL
    assert first["reasoning"].parts == (Reasoning(text="91 = 7 * 13."), Text(text="No."))
    assert first["length"].finish is Finish.LENGTH
    assert first["refusal"] == Candidate((Refusal(text="I cannot help with that."),), Finish.REFUSAL, "stop")


@pytest.mark.parametrize("case", CASES)
def test_streams_say_what_whole_answers_say(case):
    """
    The stream of an answer, put together, is the answer.
    """
    whole = CHAT.decode_answer(document(CHAT, case, "answer"), SENT)
    streamed_answer = assembled(CHAT, events(CHAT, streamed(CHAT, case), SENT))

    assert replace(streamed_answer, raw=None) == replace(whole, raw=None)


@pytest.mark.parametrize("case", [*CASES, "error"])
def test_chunk_boundaries_do_not_matter(case):
    """
    A provider may cut its stream anywhere.
    """
    body = streamed(CHAT, case)
    expected = events(CHAT, body, SENT)

    for size in (1, 2, 3, 5, 64, 333):
        assert events(CHAT, body, SENT, size) == expected


@pytest.mark.parametrize("case", CASES)
def test_its_own_words_come_back(case):
    """
    A request and an answer written back to the dialect they were read from are what they were.
    """
    body, answer = document(CHAT, case, "request"), document(CHAT, case, "answer")
    to = target(CHAT, "deepseek" if case == "reasoning" else "openai", body["model"])

    encoded = CHAT.encode_request(CHAT.decode_request(body, Envelope()), to)
    about = replace_model(asked(CHAT), answer["model"])

    assert (encoded.body, encoded.losses) == (body, ())
    assert CHAT.encode_answer(CHAT.decode_answer(answer, SENT), about) == answer


def test_an_error_in_a_stream_ends_it():
    """
    What came before the error is given, then the fault, then nothing.
    """
    pieces = events(CHAT, streamed(CHAT, "error"), SENT)

    assert [type(piece) for piece in pieces] == [Started, PartStarted, Delta, Failed]
    assert isinstance(pieces[-1], Failed) and pieces[-1].fault.sort == "overload"


# -- its own words ---------------------------------------------------------------------------------------------------------------------


def test_a_changed_field_is_the_only_one_that_changes():
    """
    Everything the client wrote stands as it wrote it, unknown fields included, except what was changed since.
    """
    body = {
        "model": "gpt-x",
        "messages": [{"role": "developer", "content": [{"type": "text", "text": "a", "x": 1}]}, {"role": "user", "content": "b"}],
        "max_tokens": 10,
        "stop": "x",
        "made_up": {"deep": [1]},
        "tools": [{"type": "openrouter:web_search"}],
    }
    request = CHAT.decode_request(body, Envelope())
    encoded = CHAT.encode_request(replace(request, max_tokens=5), target(CHAT, "openai", "gpt-4.1"))

    assert encoded.body == {**{key: body[key] for key in body if key != "max_tokens"}, "model": "gpt-4.1", "max_completion_tokens": 5}


def test_words_a_provider_refuses_are_said_in_its_own():
    """
    DeepSeek and others answer 400 to the role "developer", OpenAI's reasoning models to `max_tokens`.
    """
    body = {"model": "m", "messages": [{"role": "developer", "content": "a"}], "max_tokens": 3}
    request = CHAT.decode_request(body, Envelope())

    assert CHAT.encode_request(request, target(CHAT, "deepseek", "d")).body["messages"] == [{"role": "system", "content": "a"}]
    thinker = CHAT.encode_request(request, target(CHAT, "openai", "o3")).body
    assert thinker["max_completion_tokens"] == 3 and "max_tokens" not in thinker and thinker["messages"][0]["role"] == "developer"


def test_made_turns_stand_among_the_clients_own():
    """
    A turn without JSON of its own is written; the others stay as they came.
    """
    request = CHAT.decode_request({"model": "m", "messages": [{"role": "user", "content": "a", "odd": 1}]}, Envelope())
    more = replace(request, turns=(Turn("system", (Text(text="s"),)), *request.turns))

    assert CHAT.encode_request(more, target(CHAT)).body["messages"] == [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "a", "odd": 1},
    ]


# -- anything may come -----------------------------------------------------------------------------------------------------------------

REQUESTS = [document(CHAT, case, "request") for case in CASES] + [
    {
        "model": "m",
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "a"}], "name": "n"},
            {"role": "assistant", "reasoning_details": [{"type": "reasoning.text", "text": "t", "signature": "s"}]},
            {"role": "assistant", "function_call": {"name": "f"}},
            {"role": "function", "name": "f", "content": "x"},
            {"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]},
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA"}}]},
        ],
        "reasoning": {"effort": "high"}, "thinking": {"type": "enabled"}, "stream_options": {"include_usage": True}, "logprobs": True,
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"tools": [{"function": {"name": "f"}}]}}, "logit_bias": {"1": 1},
    }
]  # fmt: skip
ANSWERS = [document(CHAT, case, "answer") for case in CASES] + [
    {"choices": [{"message": {"reasoning_details": [{"data": "x"}], "images": [{"image_url": "u"}], "content": [{"type": "thinking"}]}}]}
]
CHUNKS = [orjson.loads(frame.data) for case in CASES for frame in frames(CHAT, streamed(CHAT, case)) if frame.data != b"[DONE]"]
CHUNKS += [
    delta(reasoning_details=[{"data": "x", "index": 0}]),
    delta(tool_calls=[call("a", "f", "{}", 0)], finish="stop"),
    delta(refusal="x"),
]


@hypothesis_settings(max_examples=300, deadline=None)
@given(spoiled(REQUESTS))
def test_any_request_is_read_or_refused(body):
    """
    Nothing but `BadRequest`; what is read can be written, in its own words and for another client's provider.
    """
    try:
        request = CHAT.decode_request(body, Envelope())
    except BadRequest:
        return
    CHAT.encode_request(request, target(CHAT))
    json.dumps(CHAT.encode_request(replace(request, dialect="other"), target(CHAT, "openrouter", "m")).body)


@hypothesis_settings(max_examples=300, deadline=None)
@given(spoiled(ANSWERS))
def test_any_answer_is_read(body):
    """
    And what was read can be written.
    """
    answer = CHAT.decode_answer(body, SENT)
    json.dumps(CHAT.encode_answer(replace(answer, raw=None), asked(CHAT)))
    written(CHAT, answer, asked(CHAT))


@hypothesis_settings(max_examples=300, deadline=None)
@given(spoiled([CHUNKS]))
def test_any_stream_is_read(bodies):
    """
    And what was read can be written; it ends once, whatever came.
    """
    decoder, encoder = CHAT.stream_decoder(SENT), CHAT.stream_encoder(asked(CHAT))
    pieces = [
        event
        for body in (bodies if isinstance(bodies, list) else [bodies])
        for event in decoder.feed(Frame(b"", None, json.dumps(body).encode()))
    ]
    pieces += decoder.close()

    assert sum(isinstance(piece, Ended | Failed) for piece in pieces) == 1
    for piece in pieces:
        encoder.feed(piece)


# -- recordings ------------------------------------------------------------------------------------------------------------------------


def provider_of(record: dict[str, Any]) -> str:
    recorded = record["meta"]["provider"]
    return {"azure": "azure-openai", "llama.cpp": "llamacpp"}.get(recorded, recorded)


def recorded() -> list[dict[str, Any]]:
    return [record for record in records() if record["meta"]["protocol"] == "openai-chat" and record["meta"]["provider"] != "mistral"]


def plain_body(record: dict[str, Any]) -> bytes | None:
    encoding = response_encoding(record)
    if encoding is None:
        return response_body(record)
    return gzip.decompress(response_body(record)) if encoding == "gzip" else None


@require_recordings
def test_recorded_requests_come_back():
    """
    What real clients sent to some thirty providers is read, and written to the same provider as it was.
    """
    seen = 0
    for record in recorded():
        try:
            body = orjson.loads(request_body(record))
        except orjson.JSONDecodeError:
            continue
        if record["response"]["status"] >= 400 or "messages" not in body:
            continue
        encoded = CHAT.encode_request(CHAT.decode_request(body, Envelope()), target(CHAT, provider_of(record), body.get("model", "m")))
        assert (encoded.body, encoded.losses) == (body, ()), record["id"]
        seen += 1
    assert seen > 200


@require_recordings
def test_recorded_answers_are_read():
    """
    Whole or streamed, they come back as they were or as what they said, and none that was well ends broken.
    """
    whole = streams = 0
    for record in recorded():
        body = plain_body(record)
        if record["response"]["status"] != 200 or not body:
            continue
        sent = Sent(target(CHAT, provider_of(record), record["meta"]["model"] or "m"))
        if record["meta"]["wire"] == "json":
            parsed = orjson.loads(body)
            answer = CHAT.decode_answer(parsed, sent)
            assert CHAT.encode_answer(answer, replace_model(asked(CHAT), parsed.get("model", ""))) == parsed
            assert "error" in parsed or all(candidate.finish is not Finish.BROKEN for candidate in answer.candidates), record["id"]
            whole += 1
        elif record["meta"]["wire"] == "sse":
            pieces = [event for frame in frames(CHAT, body, content_type=header(record["response"], "content-type") or "")
                      for event in [frame]]  # fmt: skip
            decoder = CHAT.stream_decoder(sent)
            read = [event for frame in pieces for event in decoder.feed(frame)] + decoder.close()
            if isinstance(read[-1], Failed):
                continue
            answer = assembled(CHAT, read)
            assert all(candidate.finish is not Finish.BROKEN for candidate in answer.candidates), record["id"]
            encoder = CHAT.stream_encoder(asked(CHAT, include_usage=True))
            again = assembled(CHAT, events(CHAT, b"".join(encoder.feed(event) for event in read), SENT))
            assert [visible(candidate) for candidate in again.candidates] == [visible(candidate) for candidate in answer.candidates], (
                record["id"]
            )
            streams += 1
    assert whole > 100 and streams > 100


def visible(candidate: Candidate) -> list[Any]:
    """
    What a client of the dialect sees.
    """
    said = {Text: "", Reasoning: "", Refusal: ""}
    calls = []
    for part in candidate.parts:
        if isinstance(part, ToolCall):
            calls.append((part.id, part.name, part.arguments))
        elif isinstance(part, Text | Reasoning | Refusal):
            said[type(part)] += part.text
    return [*said.values(), calls]
