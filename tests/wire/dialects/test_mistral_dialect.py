"""
Mistral's chat dialect: what it has of its own.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from chat_cases import (
    CALL_ID,
    NOW,
    PNG,
    answered,
    asked,
    assembled,
    assistant,
    call,
    delta,
    document,
    events,
    foreign,
    frames,
    names,
    noted,
    replace_model,
    settings,
    spoiled,
    sse,
    streamed,
    target,
    tool,
    user,
    written,
)
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from excise.errors import BadRequest
from excise.wire.dialect import Envelope, Sent
from excise.wire.dialects.mistral import MISTRAL
from excise.wire.events import Delta, Ended, Event, Failed, PartStarted, Ping, Started
from excise.wire.frame import Frame
from excise.wire.neutral import (
    Answer,
    Audio,
    Blob,
    Candidate,
    Document,
    Finish,
    Image,
    Link,
    Opaque,
    OutputFormat,
    Reasoning,
    ReasoningAsk,
    Refusal,
    Request,
    Sampling,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
    Video,
)
from excise.wire.upstream_error import fault_of
from excise.wire.usage import Usage
from recordings import header, records, request_body, require_recordings, response_body

CASES = names(MISTRAL)
TARGET = target(MISTRAL, "mistral", "mistral-medium-latest")
SENT = Sent(TARGET)


def decoded(**body: Any) -> Request:
    return MISTRAL.decode_request({"model": "m", "messages": [], **body}, Envelope())


# -- the cases -------------------------------------------------------------------------------------------------------------------------


def test_requests_are_read():
    """
    Each case's request says in neutral form what it says in the dialect.
    """
    request = {case: MISTRAL.decode_request(document(MISTRAL, case, "request"), Envelope()) for case in CASES}

    assert {one.dialect for one in request.values()} == {"mistral-chat"}
    assert (request["text"].max_tokens, request["text"].sampling) == (100, Sampling(temperature=0.5))
    assert request["multi_turn"].turns == (user("My name is Ada."), assistant("Hello Ada."), user("What is my name?"))
    assert request["image"].turns[0].parts[1] == Image(source=Blob("image/png", PNG))
    assert request["reasoning"].reasoning == ReasoningAsk(effort="high")
    calls = request["parallel_tools"].turns[1].parts
    results = [turn.parts[0] for turn in request["parallel_tools"].turns[2:]]
    assert (
        [part.call_id for part in results if isinstance(part, ToolResult)]
        == [part.id for part in calls if isinstance(part, ToolCall)]
        == ["Pa4b9wT2k", "Ro6d3zU8j"]
    )


def test_answers_are_read():
    """
    Each case's answer says in neutral form what it says in the dialect.
    """
    first = {case: MISTRAL.decode_answer(document(MISTRAL, case, "answer"), SENT).candidates[0] for case in CASES}

    assert first["text"] == Candidate((Text(text="Paris is the capital."),), Finish.STOP, "stop")
    assert first["reasoning"].parts == (Reasoning(text="91 = 7 * 13."), Text(text="No."))
    assert [(part.name, part.arguments) for part in first["parallel_tools"].parts if isinstance(part, ToolCall)] == [
        ("get_weather", {"city": "Oslo"}),
        ("get_time", {"city": "Oslo"}),
    ]
    assert first["length"].finish is Finish.LENGTH


@pytest.mark.parametrize("case", CASES)
def test_streams_say_what_whole_answers_say(case):
    """
    The stream of an answer, put together, is the answer, wherever it is cut.
    """
    whole = MISTRAL.decode_answer(document(MISTRAL, case, "answer"), SENT)
    body = streamed(MISTRAL, case)
    pieces = events(MISTRAL, body, SENT)

    assert replace(replace(assembled(MISTRAL, pieces), dialect=whole.dialect), raw=None) == replace(whole, raw=None)
    for size in (1, 2, 7, 100):
        assert events(MISTRAL, body, SENT, size) == pieces


@pytest.mark.parametrize("case", CASES)
def test_its_own_words_come_back(case):
    """
    A request and an answer written back to the dialect they were read from are what they were.
    """
    body, answer = document(MISTRAL, case, "request"), document(MISTRAL, case, "answer")

    encoded = MISTRAL.encode_request(MISTRAL.decode_request(body, Envelope()), target(MISTRAL, "mistral", body["model"]))

    assert (encoded.body, encoded.losses) == (body, ())
    about = replace_model(asked(MISTRAL), answer["model"])
    assert MISTRAL.encode_answer(MISTRAL.decode_answer(answer, SENT), about) == answer


def test_an_error_in_a_stream_ends_it():
    """
    Mistral's errors are objects of their own kind.
    """
    pieces = events(MISTRAL, streamed(MISTRAL, "error"), SENT)

    assert [type(piece) for piece in pieces] == [Started, PartStarted, Delta, Failed]


# -- requests --------------------------------------------------------------------------------------------------------------------------


def test_its_own_words_are_read():
    """
    Seeds, documents, thoughts and files have names of Mistral's own.
    """
    request = decoded(
        random_seed=7,
        safe_prompt=True,
        prompt_mode="reasoning",
        guardrails=[{}],
        tool_choice="any",
        messages=[
            {"role": "user", "content": [{"type": "document_url", "document_url": "https://example.com/a.pdf"}]},
            {"role": "assistant", "prefix": True, "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "signature": "s"},
                {"type": "text", "text": "c"},
                {"type": "reference", "reference_ids": [1]},
            ]},
        ],
    )  # fmt: skip

    assert request.sampling.seed == 7 and request.tool_choice == ToolChoice("required")
    assert request.reasoning == ReasoningAsk(adaptive=True)
    assert {(extra.field, extra.vital) for extra in request.extras} == {("safe_prompt", False), ("guardrails", True)}
    assert request.turns[1].parts == (Reasoning(text="ab", signature="s"), Text(text="c"), Opaque(kind="citations", vital=False))


def test_only_known_fields_are_sent():
    """
    An unknown field is a 422: everything that has no place is left out and noted.
    """
    request = foreign(
        stream=True,
        max_tokens=9,
        stop=tuple("abcdef"),
        sampling=Sampling(temperature=1.9, top_k=3, min_p=0.1, seed=5, presence_penalty=1, logit_bias={"1": 1}),
        reasoning=ReasoningAsk(effort="high"),
        output=OutputFormat(schema={"type": "object"}, strict=True),
        user="u",
        metadata={"a": "b"},
        service_tier="default",
        cache_key="k",
        verbosity="low",
        candidates=2,
        parallel_tools=False,
        tools=(tool(strict=True),),
        tool_choice=ToolChoice("required"),
    )
    encoded = MISTRAL.encode_request(request, TARGET)

    assert settings(encoded) == {
        "model": "mistral-medium-latest",
        "stream": True,
        "max_tokens": 9,
        "stop": list("abcdef"),
        "temperature": 1.5,
        "top_k": 3,
        "random_seed": 5,
        "presence_penalty": 1,
        "reasoning_effort": "high",
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True}},
        "metadata": {"a": "b"},
        "service_tier": "standard_only",
        "prompt_cache_key": "k",
        "n": 2,
        "parallel_tool_calls": False,
        "tools": [{"type": "function", "function": {
            "name": "get_weather", "description": "Weather now.", "strict": True, "parameters": tool().schema,
        }}],
        "tool_choice": "any",
    }  # fmt: skip
    assert noted(encoded.losses) == {
        ("temperature", "clamped"),
        *((name, "dropped") for name in ("min_p", "logit_bias", "user", "verbosity")),
    }
    models = pytest.importorskip("mistralai.client.models")
    assert set(encoded.body) <= set(models.ChatCompletionRequest.model_fields)
    models.ChatCompletionRequest.model_validate(encoded.body)


def test_a_conversation_is_put_into_its_order():
    """
    System text first, ids of nine letters, and a turn of the model between results and the user's next words.
    """
    request = foreign(
        user("Weather?"),
        assistant(ToolCall(id="toolu_01A", name="get_weather", arguments={"city": "Rome"})),
        user(ToolResult(call_id="toolu_01A", parts=(Text(text="Sun"),)), "And tomorrow?"),
        Turn("system", (Text(text="Be brief."),)),
        tools=(tool(),),
    )
    encoded = MISTRAL.encode_request(request, TARGET)
    messages = encoded.body["messages"]

    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool", "assistant", "user"]
    id_ = messages[2]["tool_calls"][0]["id"]
    assert id_ == messages[3]["tool_call_id"] and len(id_) == 9 and id_.isalnum()
    assert (messages[2]["content"], messages[3]["name"]) == ("", "get_weather")
    assert noted(encoded.losses) == {("system.position", "changed"), ("turns.order", "changed")}


def test_parts_are_written_in_its_words():
    """
    Documents by address or value, audio as plain base64; videos it does not take.
    """
    parts = (
        Image(source=Link("https://example.com/a.png"), detail="low"),
        Document(source=Blob("application/pdf", "JVBERi0="), title="a"),
        Document(source=Link("https://example.com/b.pdf")),
        Audio(source=Blob("audio/wav", "UklG")),
    )
    encoded = MISTRAL.encode_request(foreign(user(*parts)), TARGET)

    assert encoded.body["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "document_url", "document_url": "data:application/pdf;base64,JVBERi0=", "document_name": "a"},
        {"type": "document_url", "document_url": "https://example.com/b.pdf"},
        {"type": "input_audio", "input_audio": "UklG"},
    ]
    assert not encoded.losses
    video = MISTRAL.encode_request(foreign(user(Video(source=Link("https://example.com/v.mp4")))), TARGET)
    assert noted(video.losses) == {("video", "impossible")}
    models = pytest.importorskip("mistralai.client.models")
    models.UserMessage.model_validate(encoded.body["messages"][0])


def test_its_own_thoughts_go_home():
    """
    As parts of the content, with their signature; another's are dropped.
    """
    own = Reasoning(text="Hm.", signature="s", origin="mistral")
    encoded = MISTRAL.encode_request(foreign(user("?"), assistant(own, "No."), user("Sure?")), TARGET)
    other = MISTRAL.encode_request(foreign(user("?"), assistant(replace(own, origin="gemini"), "No."), user("Sure?")), TARGET)

    assert encoded.body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "signature": "s"},
        {"type": "text", "text": "No."},
    ]
    assert other.body["messages"][1]["content"] == "No." and noted(other.losses) == {("reasoning.history", "dropped")}


def test_a_turn_that_has_begun_is_a_prefix():
    """
    Mistral wants it said.
    """
    encoded = MISTRAL.encode_request(foreign(user("Count."), assistant("One,")), TARGET)

    assert encoded.body["messages"][-1] == {"role": "assistant", "content": "One,", "prefix": True}


def test_thinking_is_on_or_off():
    """
    Its models know two levels, where the catalogue does not say more.
    """

    def effort(ask: ReasoningAsk, **traits: Any) -> Any:
        return MISTRAL.encode_request(foreign(reasoning=ask), target(MISTRAL, "mistral", "m", **traits)).body.get("reasoning_effort")

    assert effort(ReasoningAsk(effort="low")) == "high"
    assert effort(ReasoningAsk(effort="none")) == "none"
    assert effort(ReasoningAsk(effort="low"), efforts=("none", "low", "high")) == "low"


# -- answers, read ---------------------------------------------------------------------------------------------------------------------


def test_references_are_citations_of_the_text_before():
    """
    They stand as parts of their own.
    """
    reference = {"type": "reference", "reference_ids": [3]}
    content = [{"type": "text", "text": "So it is"}, reference, {"type": "text", "text": "."}]

    assert answered(MISTRAL, {"content": content}).parts == (Text(text="So it is", citations=(reference,)), Text(text="."))


def test_calls_come_whole_and_without_an_index():
    """
    Two in one delta, or one in each.
    """
    one, two = call("Hfc39Hu7S", "f", "{}"), call("EscTeQY62", "g", '{"a": 1}')
    for chunks in ([delta(tool_calls=[one, two], finish="tool_calls")], [delta(tool_calls=[one]), delta(tool_calls=[two], finish="stop")]):
        answer = assembled(MISTRAL, events(MISTRAL, sse(delta(role="assistant", content=""), *chunks), SENT)).candidates[0]
        assert [(part.id, part.arguments) for part in answer.parts if isinstance(part, ToolCall)] == [
            ("Hfc39Hu7S", {}),
            ("EscTeQY62", {"a": 1}),
        ]
        assert answer.finish is Finish.TOOL


def test_thoughts_and_texts_stream_as_lists():
    """
    A thought's signature is its end, references stand for nothing here.
    """
    stream = sse(
        delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "H"}]}]),
        delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "m."}], "signature": "s", "closed": True}]),
        delta(content=[{"type": "text", "text": "No"}, {"type": "reference", "reference_ids": [1]}, "."]),
        delta(content="", finish="stop"),
    )

    assert assembled(MISTRAL, events(MISTRAL, stream, SENT)).candidates[0].parts == (
        Reasoning(text="Hm.", signature="s"),
        Text(text="No."),
    )


@pytest.mark.parametrize(("word", "finish"), [("model_length", Finish.LENGTH), ("error", Finish.BROKEN), ("stop", Finish.STOP)])
def test_its_finish_words(word, finish):
    """
    An error is no stop.
    """
    assert answered(MISTRAL, {"content": "x"}, word).finish is finish


# -- answers, written ------------------------------------------------------------------------------------------------------------------

FULL = Answer(
    dialect="anthropic-messages",
    id="msg_01",
    model="claude-x",
    candidates=(
        Candidate(
            (
                Reasoning(text="Hm.", signature="sig"),
                Text(text="Let me look."),
                ToolCall(id="toolu_1", name="get_weather", arguments={"city": "Oslo"}),
                ToolCall(id="toolu_2", name="now", arguments={}),
            ),
            Finish.TOOL,
        ),
    ),
    usage=Usage(uncached_input_tokens=10, cache_read_tokens=5, text_output_tokens=3, reasoning_tokens=4),
)


def test_an_answer_is_written():
    """
    Thoughts in the content, ids of nine letters, usage that its SDK demands.
    """
    about = asked(MISTRAL)
    body = MISTRAL.encode_answer(FULL, about)
    message = body["choices"][0]["message"]

    assert {key: body[key] for key in ("id", "created", "model", "object", "usage")} == {
        "id": CALL_ID, "created": NOW, "model": "a-model", "object": "chat.completion",
        "usage": {"prompt_tokens": 15, "total_tokens": 22, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 5}},
    }  # fmt: skip
    assert message["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "closed": True},
        {"type": "text", "text": "Let me look."},
    ]
    assert [(len(one["id"]), one["index"], one["function"]["arguments"]) for one in message["tool_calls"]] == [
        (9, 0, '{"city":"Oslo"}'),
        (9, 1, "{}"),
    ]
    assert body["choices"][0]["finish_reason"] == "tool_calls"
    assert noted(about.losses.all()) == {("reasoning.signature", "dropped")}


def payloads(stream: bytes) -> list[Any]:
    return [frame.json if frame.data != b"[DONE]" else "[DONE]" for frame in frames(MISTRAL, stream)]


def test_a_stream_is_written():
    """
    Calls whole, the finish with the usage; put together again it is the whole answer.
    """
    chunks = payloads(written(MISTRAL, FULL, asked(MISTRAL)))

    assert [chunk["choices"][0]["delta"] for chunk in chunks[:-1]] == [
        {"role": "assistant", "content": ""},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]},
        {"content": "Let me look."},
        *({"tool_calls": [one]} for one in MISTRAL.encode_answer(FULL, asked(MISTRAL))["choices"][0]["message"]["tool_calls"]),
        {"content": ""},
    ]
    assert (chunks[-2]["usage"]["total_tokens"], chunks[-2]["choices"][0]["finish_reason"], chunks[-1]) == (22, "tool_calls", "[DONE]")


@pytest.mark.parametrize(
    ("finish", "parts", "word"),
    [
        (Finish.STOP_SEQUENCE, (Text(text="x"),), "stop"),
        (Finish.LENGTH, (Text(text="x"),), "length"),
        (Finish.FILTER, (), "error"),
        (Finish.REFUSAL, (Refusal(text="No."),), "stop"),
        (Finish.REFUSAL, (), "error"),
        (Finish.BROKEN, (), "error"),
    ],
)
def test_ends_in_its_words(finish, parts, word):
    """
    Whole and streamed alike; a refusal in words is text.
    """
    answer = Answer(dialect="x", candidates=(Candidate(parts, finish),))
    whole = MISTRAL.encode_answer(answer, asked(MISTRAL))["choices"][0]
    streamed_answer = assembled(MISTRAL, events(MISTRAL, written(MISTRAL, answer, asked(MISTRAL)), SENT)).candidates[0]

    assert whole["finish_reason"] == streamed_answer.native_finish == word
    assert whole["message"]["content"] == "".join(part.text for part in streamed_answer.parts if isinstance(part, Text))


def test_every_event_has_its_bytes():
    """
    A sign of life is a comment, a failure the dialect's error; what has no place is noted.
    """
    about = asked(MISTRAL)
    encoder = MISTRAL.stream_encoder(about)

    assert encoder.feed(Ping()) == b": excise\n\n"
    assert encoder.feed(Event()) == b""
    assert payloads(encoder.feed(Delta("x", 1)))[-1]["choices"][0] == {"index": 1, "delta": {"content": "x"}, "finish_reason": None}
    assert encoder.feed(PartStarted(Opaque(kind="tools.server"), 1)) == b""
    assert noted(about.losses.all()) == {("tools.server", "dropped")}
    fault = fault_of({"error": {"message": "m", "type": "server_error"}})
    assert payloads(encoder.feed(Failed(fault)))[0]["object"] == "error"
    assert payloads(MISTRAL.stream_encoder(asked(MISTRAL)).feed(Ended()))[-1] == "[DONE]"


def test_the_sdk_reads_what_is_written():
    """
    Mistral's own types take the whole answer and every chunk.
    """
    models = pytest.importorskip("mistralai.client.models")

    whole = models.ChatCompletionResponse.model_validate(MISTRAL.encode_answer(FULL, asked(MISTRAL)))
    assert whole.choices[0].message.content[0].thinking[0].text == "Hm."
    for chunk in payloads(written(MISTRAL, FULL, asked(MISTRAL)))[:-1]:
        models.CompletionChunk.model_validate(chunk)
    for case in CASES:
        answer = replace(MISTRAL.decode_answer(document(MISTRAL, case, "answer"), SENT), raw=None)
        models.ChatCompletionResponse.model_validate(MISTRAL.encode_answer(answer, asked(MISTRAL)))


# -- anything may come -----------------------------------------------------------------------------------------------------------------

REQUESTS = [document(MISTRAL, case, "request") for case in CASES]
ANSWERS = [document(MISTRAL, case, "answer") for case in CASES]
CHUNKS = [orjson.loads(frame.data) for case in CASES for frame in frames(MISTRAL, streamed(MISTRAL, case)) if frame.data != b"[DONE]"]


@hypothesis_settings(max_examples=150, deadline=None)
@given(spoiled(REQUESTS))
def test_any_request_is_read_or_refused(body):
    """
    Nothing but `BadRequest`; what is read can be written.
    """
    try:
        request = MISTRAL.decode_request(body, Envelope())
    except BadRequest:
        return
    MISTRAL.encode_request(request, TARGET)
    json.dumps(MISTRAL.encode_request(replace(request, dialect="other"), TARGET).body)


@hypothesis_settings(max_examples=150, deadline=None)
@given(spoiled(ANSWERS))
def test_any_answer_is_read(body):
    """
    And what was read can be written.
    """
    answer = MISTRAL.decode_answer(body, SENT)
    json.dumps(MISTRAL.encode_answer(replace(answer, raw=None), asked(MISTRAL)))
    written(MISTRAL, answer, asked(MISTRAL))


@hypothesis_settings(max_examples=150, deadline=None)
@given(spoiled([CHUNKS]))
def test_any_stream_is_read(bodies):
    """
    And what was read can be written.
    """
    decoder, encoder = MISTRAL.stream_decoder(SENT), MISTRAL.stream_encoder(asked(MISTRAL))
    given_bodies = bodies if isinstance(bodies, list) else [bodies]
    pieces = [event for body in given_bodies for event in decoder.feed(Frame(b"", None, json.dumps(body).encode()))]
    for piece in pieces + decoder.close():
        encoder.feed(piece)


# -- recordings ------------------------------------------------------------------------------------------------------------------------


@require_recordings
def test_recorded_traffic():
    """
    What real clients sent is written as it was, what Mistral answered is read to its end.
    """
    seen = 0
    for record in records("http", "mistral"):
        if record["meta"]["protocol"] != "openai-chat" or record["response"]["status"] != 200:
            continue
        body = orjson.loads(request_body(record))
        encoded = MISTRAL.encode_request(MISTRAL.decode_request(body, Envelope()), target(MISTRAL, "mistral", body["model"]))
        assert (encoded.body, encoded.losses) == (body, ()), record["id"]
        answer_body, seen = response_body(record), seen + 1
        if record["meta"]["wire"] == "json":
            parsed = orjson.loads(answer_body)
            answer = MISTRAL.decode_answer(parsed, SENT)
            assert MISTRAL.encode_answer(answer, replace_model(asked(MISTRAL), parsed["model"])) == parsed
        else:
            kind = header(record["response"], "content-type") or ""
            decoder = MISTRAL.stream_decoder(SENT)
            pieces = [event for frame in frames(MISTRAL, answer_body, content_type=kind) for event in decoder.feed(frame)]
            answer = assembled(MISTRAL, pieces + decoder.close())
        assert all(candidate.parts and candidate.finish is not Finish.BROKEN for candidate in answer.candidates), record["id"]
    assert seen > 15
