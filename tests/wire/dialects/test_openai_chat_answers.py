"""
Answers of OpenAI's chat dialect, whole and streamed: read from its many providers, written for its clients.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from chat_cases import (
    CALL_ID,
    NOW,
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
    sse,
    target,
    user,
    written,
)

from excise.wire import keepsake
from excise.wire.dialect import Sent
from excise.wire.dialects.openai_chat import OPENAI_CHAT
from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartEnded, PartStarted, Ping, Started
from excise.wire.neutral import Answer, Blob, Candidate, FileId, Finish, Image, Opaque, Reasoning, Refusal, Text, ToolCall
from excise.wire.upstream_error import fault_of
from excise.wire.usage import Usage

CHAT = OPENAI_CHAT
CASES = names(CHAT)
SENT = Sent(target(CHAT))


# -- answers, read ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "finish"),
    [
        ("stop", Finish.STOP),
        ("eos", Finish.STOP),  # Together
        ("end_turn", Finish.STOP),
        ("stop_sequence", Finish.STOP_SEQUENCE),
        ("length", Finish.LENGTH),
        ("max_tokens", Finish.LENGTH),
        ("model_length", Finish.LENGTH),  # Mistral
        ("content_filter", Finish.FILTER),
        ("sensitive", Finish.FILTER),  # Z.ai
        ("refusal", Finish.REFUSAL),
        ("tool_calls", Finish.STOP),  # and no call
        ("", Finish.STOP),
        (None, Finish.STOP),
        ("error", Finish.BROKEN),
        ("insufficient_system_resource", Finish.BROKEN),
        ("network_error", Finish.BROKEN),
        ("something_new", Finish.BROKEN),
        ("MAX_TOKENS", Finish.LENGTH),
    ],
)
def test_finish_words_of_many_providers(word, finish):
    """
    Words have their meaning, and one nobody knows is no end of an answer.
    """
    assert answered(CHAT, {"content": "x"}, word).finish is finish


@pytest.mark.parametrize(
    ("word", "finish"),
    [
        *((word, Finish.TOOL) for word in ("stop", "", "tool_call", None, "nonsense", ["stop"])),
        *((word, Finish.LENGTH) for word in ("length", "MAX_TOKENS")),
        ("content_filter", Finish.FILTER),
        *((word, Finish.BROKEN) for word in ("error", "network_error")),
    ],
)
def test_a_call_decides_how_the_answer_ended(word, finish):
    """
    Unless the finish reason says that it was cut or failed: the call may be half a call then.
    """
    calls = [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]
    message: dict[str, Any] = {"content": None, "tool_calls": calls}

    assert answered(CHAT, message, word).finish is finish
    if word:
        assert assembled(CHAT, events(CHAT, sse(delta(**message), delta(finish=word)), SENT)).candidates[0].finish is finish


def test_a_stop_sequence_is_told_where_the_provider_tells_it():
    """
    vLLM and SGLang say which; a token id is none.
    """
    assert answered(CHAT, {"content": "x"}, stop_reason="END").stop_sequence == "END"
    assert answered(CHAT, {"content": "x"}, stop_reason="END").finish is Finish.STOP_SEQUENCE
    assert answered(CHAT, {"content": "x"}, matched_stop=151645).finish is Finish.STOP


@pytest.mark.parametrize(
    ("message", "thought"),
    [
        ({"reasoning_content": "a"}, Reasoning(text="a")),
        ({"reasoning": "a"}, Reasoning(text="a")),
        ({"reasoning": "a", "reasoning_details": [{"type": "reasoning.text", "text": "a", "index": 0}]}, Reasoning(text="a")),
        ({"reasoning_details": [{"type": "reasoning.summary", "summary": "a"}]}, Reasoning(text="a")),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}]}, Reasoning(text="a")),
        (
            {"content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "a", "signature": "s"}]}]},
            Reasoning(text="a", signature="s", summary=True),
        ),
    ],
)
def test_thoughts_have_many_names(message, thought):
    """
    And one meaning.
    """
    assert answered(CHAT, {"content": "b"} | message).parts[0] == thought


def test_details_of_thoughts_come_back_unchanged():
    """
    OpenRouter's details travel as one signature through a client of another dialect, and are written back as they were.
    """
    details = [
        {"type": "reasoning.text", "text": "Hm.", "signature": "sig", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "enc", "id": "rs_1", "format": "x", "index": 1},
    ]
    sent = Sent(target(CHAT, "openrouter", "anthropic/claude"))
    thought = answered(CHAT, {"content": "No.", "reasoning": "Hm.", "reasoning_details": details}, sent=sent).parts[0]
    assert isinstance(thought, Reasoning) and thought.text == "Hm." and thought.signature is not None

    origin, proof = keepsake.unwrap(keepsake.wrap(sent.target.origin, thought.signature))
    history = foreign(user("?"), assistant(replace(thought, signature=proof, origin=origin), "No."), user("Sure?"))
    encoded = CHAT.encode_request(history, sent.target)

    assert encoded.body["messages"][1]["reasoning_details"] == details and not encoded.losses
    pieces = sse(
        delta(reasoning="H", reasoning_details=[{**details[0], "text": "H", "signature": None}]),
        delta(reasoning="m.", reasoning_details=[{"type": "reasoning.text", "text": "m.", "index": 0}]),
        delta(reasoning=None, reasoning_details=[{"type": "reasoning.text", "signature": "sig", "index": 0}]),
        delta(reasoning_details=[details[1]]),
        delta(content="No."),
        delta(finish="stop"),
    )
    streamed_thought = assembled(CHAT, events(CHAT, pieces, sent)).candidates[0].parts[0]
    assert isinstance(streamed_thought, Reasoning) and streamed_thought.text == "Hm."
    assert orjson.loads(streamed_thought.signature or "") == orjson.loads(thought.signature)


def test_thoughts_that_are_wanted_back_find_home():
    """
    DeepSeek wants them in the next turn and proves nothing: a mark stands for the proof, in whole answers and streams alike.
    """
    sent = Sent(target(CHAT, "deepseek", "deepseek-v4"))
    expected = (Reasoning(text="Hm.", signature="-"), Text(text="No."))

    assert answered(CHAT, {"content": "No.", "reasoning_content": "Hm."}, sent=sent).parts == expected
    stream = sse(delta(reasoning_content="Hm."), delta(content="No."), delta(finish="stop"))
    assert assembled(CHAT, events(CHAT, stream, sent)).candidates[0].parts == expected


@pytest.mark.parametrize(
    ("arguments", "read"),
    [("", {}), (None, {}), ('{"a":1}', {"a": 1}), ({"a": 1}, {"a": 1}), ('"{\\"a\\":1}"', {"a": 1}), ("{oops", None), ([1], None)],
)
def test_arguments_may_be_anything(arguments, read):
    """
    An object, text, text of text, nothing, or broken.
    """
    part = answered(CHAT, {"tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}).parts[0]

    assert isinstance(part, ToolCall) and part.arguments == read and part.id.startswith("call_")


def test_what_is_no_call_is_none():
    """
    Snowflake gives empty objects in place of nothing.
    """
    message = {"content": "x", "refusal": "", "audio": {}, "function_call": {"name": "", "arguments": ""}, "tool_calls": None}

    assert answered(CHAT, message) == Candidate((Text(text="x"),), Finish.STOP, "stop")


def test_pictures_an_answer_brings():
    """
    Routers give made pictures in a list of their own.
    """
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
    expected = (Text(text="Here."), Image(source=Blob("image/png", "AA")))

    assert answered(CHAT, {"content": "Here.", "images": [picture]}).parts == expected
    stream = sse(delta(content="Here."), delta(images=[picture]), delta(finish="stop"))
    assert assembled(CHAT, events(CHAT, stream, SENT)).candidates[0].parts == expected


@pytest.mark.parametrize("body", [None, [], {}, {"choices": []}, {"choices": None}, {"error": {"message": "x"}}, {"choices": [3]}])
def test_an_answer_without_a_choice_is_broken(body):
    """
    Never an empty answer that looks well.
    """
    assert all(candidate.finish is Finish.BROKEN for candidate in CHAT.decode_answer(body, SENT).candidates)


# -- streams, read ---------------------------------------------------------------------------------------------------------------------


def calls_of(*chunks: dict[str, Any]) -> list[tuple[str, str, Any]]:
    answer = assembled(CHAT, events(CHAT, sse(*chunks, delta(finish="tool_calls")), SENT))
    return [(part.id, part.name, part.arguments) for part in answer.candidates[0].parts if isinstance(part, ToolCall)]


PAIR = [("a", "f", {"x": 1}), ("b", "g", {"y": 2})]


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([[call("a", "f", '{"x":1}'), call("b", "g", '{"y":2}')]], id="whole, no index, one delta"),
        pytest.param([[call("a", "f", '{"x":1}')], [call("b", "g", '{"y":2}')]], id="whole, no index"),
        pytest.param([[call("a", "f", '{"x":1}', 0)], [call("b", "g", '{"y":2}', 0)]], id="all under index 0"),
        pytest.param(
            [[call("a", "f", "", 0)], [call(None, None, '{"x":1}', 0)], [call("b", "g", "", 1)], [call(None, None, '{"y":2}', 1)]],
            id="pieces",
        ),
        pytest.param(
            [
                [call("a", "f", '{"x"', 0), call("b", "g", '{"y"', 1)],
                [call(None, None, ":", 1), call(None, None, ":1", 0)],
                [call(None, None, "}", 0), call(None, None, "2}", 1)],
            ],
            id="interleaved",
        ),
        pytest.param([[call("a", "f", '{"x"')], [call("a", None, ":1}")], [call("b", "g", '{"y":2}')]], id="pieces by id"),
        pytest.param([[call("a", "f", '{"x"')], [call(None, None, ":1}")], [call("b", "g", '{"y":2}')]], id="pieces of the last"),
        pytest.param([[call("a", None, None, 0)], [call(None, "f", '{"x":1}', 0)], [call("b", "g", '{"y":2}', 1)]], id="name later"),
        pytest.param([[call("a", None, '{"x"', 0)], [call(None, "f", ":1}", 0)], [call("b", "g", '{"y":2}', 1)]], id="arguments first"),
        pytest.param([[call("a", "f", '{"x":', 0)], [call("a", "f", "1}", 0)], [call("b", "g", '{"y":2}', 1)]], id="name again"),
        pytest.param([[call("a", "f", {"x": 1}, 0), call("b", "g", {"y": 2}, 1)]], id="objects"),
    ],
)  # fmt: skip
def test_calls_come_in_every_shape(chunks):
    """
    Whole or in pieces, with index or without, one after the other or interleaved.
    """
    assert calls_of(*(delta(tool_calls=calls) for calls in chunks)) == PAIR


def test_calls_without_an_id_get_one():
    """
    The same for the same answer, streamed or whole.
    """
    given = [call(None, "f", "{}"), call("null", "f", "{}")]

    streamed_ids = [id_ for id_, _, _ in calls_of(delta(tool_calls=given))]
    body = {"id": "chatcmpl-1", "choices": [{"message": {"tool_calls": given}, "finish_reason": "tool_calls"}]}
    whole = [part.id for part in CHAT.decode_answer(body, SENT).candidates[0].parts if isinstance(part, ToolCall)]

    assert streamed_ids == whole and len(set(whole)) == 2


def test_calls_of_plain_text():
    """
    A custom tool's input is no object; it is kept as it is.
    """
    custom = {"index": 0, "id": "c", "type": "custom", "custom": {"name": "shell", "input": "ls -l"}}
    whole = answered(CHAT, {"tool_calls": [custom, {"id": "none"}, 5]}, "tool_calls").parts
    stream = assembled(CHAT, events(CHAT, sse(delta(tool_calls=[custom, 5]), delta(finish="tool_calls")), SENT)).candidates[0].parts

    assert whole == stream == (ToolCall(id="c", name="shell", arguments=None, text="ls -l"),)


def test_an_answer_by_tool_may_be_thought_about():
    """
    The thought stays, the call is the text.
    """
    sent = Sent(target(CHAT), unwrap_tool="final_answer")
    stream = sse(delta(reasoning="Hm."), delta(tool_calls=[call("a", "final_answer", {"a": 1}, 0)]), delta(finish="tool_calls"))

    assert assembled(CHAT, events(CHAT, stream, sent)).candidates[0] == Candidate(
        (Reasoning(text="Hm."), Text(text='{"a":1}')), Finish.STOP, "tool_calls"
    )


@pytest.mark.parametrize(
    ("chunk", "part"),
    [
        (delta(content=[{"type": "reasoning", "summary": [{"type": "summary_text", "text": "a"}]}]), Reasoning(text="a")),
        ({"choices": [{"index": 0, "text": "a"}]}, Text(text="a")),
        (delta(audio={"id": "x", "transcript": "a"}), Text(text="a")),
        (delta(refusal="a"), Refusal(text="a")),
        (delta(content=[5, "a", {"type": "text", "text": ""}]), Text(text="a")),
    ],
)
def test_other_places_of_text(chunk, part):
    """
    Databricks, completions served as chat, spoken answers, refusals, lists.
    """
    assert assembled(CHAT, events(CHAT, sse(chunk, delta(finish="stop")), SENT)).candidates[0].parts == (part,)


def test_a_call_goes_out_while_it_comes():
    """
    The first delta is not held until the call is whole.
    """
    decoder = CHAT.stream_decoder(SENT)
    (first,) = frames(CHAT, sse(delta(tool_calls=[call("a", "f", '{"x', 0)]), done=False))

    assert [type(event) for event in decoder.feed(first)] == [Started, PartStarted, Delta]


def test_azure_begins_with_a_chunk_that_says_nothing():
    """
    Neither its missing choices nor its empty id are taken for the answer's.
    """
    first = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": []}
    answer = assembled(CHAT, events(CHAT, sse(first, delta(content="x"), delta(finish="stop")), SENT))

    assert (answer.id, answer.model) == ("chatcmpl-1", "m")


@pytest.mark.parametrize(
    ("stream", "finish"),
    [
        (sse(delta(content="x"), delta(finish="stop"), done=False), Finish.STOP),
        (sse(delta(content="x"), done=True), Finish.STOP),  # Snowflake never says a reason
        (sse(delta(content="x"), done=False), Finish.BROKEN),
        (sse(delta(tool_calls=[call("a", "f", "{", 0)]), done=False), Finish.BROKEN),
        (sse(), Finish.BROKEN),
        (b"", Finish.BROKEN),
        (sse(delta(content="x", finish="")), Finish.STOP),
        (sse(delta(content="x", finish="stop"), delta(content="", finish="stop")), Finish.STOP),  # OpenRouter says it twice
    ],
)
def test_how_a_stream_ends(stream, finish):
    """
    By its reason, else by `[DONE]`; a stream that only stops was cut.
    """
    pieces = events(CHAT, stream, SENT)

    assert [piece.finish for piece in pieces if isinstance(piece, Finished)] == [finish]
    assert isinstance(pieces[-1], Ended)


@pytest.mark.parametrize(
    ("frame", "sort"),
    [
        (b'event: error\ndata: {"error":{"message":"m","type":"invalid_request_error"},"status_code":400}\n\n', "bad_request"),
        (b'data: {"id":"g","choices":[{"index":0,"delta":{},"finish_reason":"error"}],"error":{"code":502,"message":"m"}}\n\n', "internal"),
        (b'event: error\ndata: overloaded\n\n', "internal"),
    ],
)  # fmt: skip
def test_errors_in_a_stream(frame, sort):
    """
    As an event of their own, beside choices, or as bare text.
    """
    pieces = events(CHAT, sse(delta(content="x"), done=False) + frame + sse(delta(content="late")), SENT)

    assert isinstance(pieces[-1], Failed) and pieces[-1].fault.sort == sort
    assert not any(isinstance(piece, Delta) and piece.text == "late" for piece in pieces)


def test_a_whole_answer_in_a_stream():
    """
    Some servers ignore that a stream was asked for, one event holding the whole answer; Perplexity gives text so far beside deltas.
    """
    whole = document(CHAT, "parallel_tools", "answer")
    assert assembled(CHAT, events(CHAT, sse(whole), SENT)).candidates == CHAT.decode_answer(whole, SENT).candidates

    chunk = delta(content="Hel")
    chunk["choices"][0]["message"] = {"role": "assistant", "content": "Hel"}
    more = delta(content="lo", finish="stop")
    more["choices"][0]["message"] = {"role": "assistant", "content": "Hello"}
    assert assembled(CHAT, events(CHAT, sse(chunk, more), SENT)).candidates[0].parts == (Text(text="Hello"),)


def test_several_candidates_side_by_side():
    """
    Each has its parts, its calls and its end.
    """
    stream = sse(
        delta(0, content="a"),
        delta(1, content="b"),
        delta(0, content="a"),
        delta(1, tool_calls=[call(None, "f", "{}", 0)], finish="tool_calls"),
        delta(0, finish="length"),
    )
    first, second = assembled(CHAT, events(CHAT, stream, SENT)).candidates

    assert (first.parts, first.finish) == ((Text(text="aa"),), Finish.LENGTH)
    assert [type(part) for part in second.parts] == [Text, ToolCall] and second.finish is Finish.TOOL


def test_blank_text_beside_calls_is_none():
    """
    Models write line breaks between their calls, which other dialects would refuse in the history.
    """
    stream = sse(
        delta(content="\n\n"),
        delta(tool_calls=[call("a", "f", "{}", 0)]),
        delta(content=" "),
        delta(tool_calls=[call("b", "f", "{}", 1)]),
        delta(finish="tool_calls"),
    )
    parts = assembled(CHAT, events(CHAT, stream, SENT)).candidates[0].parts

    assert [type(part) for part in parts] == [ToolCall, ToolCall]
    blank = sse(delta(content=" "), delta(content="\n"), delta(content="x"), delta(finish="stop"))
    assert assembled(CHAT, events(CHAT, blank, SENT)).candidates[0].parts == (Text(text=" \nx"),)


def test_a_proof_that_comes_late():
    """
    Behind what it proves, it stands alone.
    """
    stream = sse(
        delta(tool_calls=[call("a", "f", "{}", 0)], reasoning_details=[{"type": "reasoning.encrypted", "data": "d", "index": 0}]),
        delta(finish="tool_calls"),
    )
    _, proof = assembled(CHAT, events(CHAT, stream, SENT)).candidates[0].parts

    assert isinstance(proof, Reasoning) and proof.redacted and orjson.loads(proof.signature or "")[0]["data"] == "d"


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
            "tool_use",
        ),
    ),
    usage=Usage(uncached_input_tokens=10, cache_read_tokens=5, cache_write_5m_tokens=2, text_output_tokens=3, reasoning_tokens=4),
    service_tier="standard",
)


def test_an_answer_is_written():
    """
    With all that OpenAI's own have, and usage in its arithmetic.
    """
    about = asked(CHAT)
    body = CHAT.encode_answer(FULL, about)

    assert body == {
        "id": "msg_01",
        "object": "chat.completion",
        "created": NOW,
        "model": "a-model",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Let me look.",
                    "refusal": None,
                    "annotations": [],
                    "reasoning_content": "Hm.",
                    "tool_calls": [
                        {"id": "toolu_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'}},
                        {"id": "toolu_2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
                    ],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {
            "prompt_tokens": 17,
            "completion_tokens": 7,
            "total_tokens": 24,
            "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": 0, "cache_write_tokens": 2},
            "completion_tokens_details": {
                "reasoning_tokens": 4,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
    }
    assert noted(about.losses.all()) == {("reasoning.signature", "dropped")}


def test_ids_are_kept_or_made():
    """
    The provider's, where it has the form of one.
    """
    for own, expected in ((None, f"chatcmpl-{CALL_ID}"), ("a b", f"chatcmpl-{CALL_ID}"), ("gen-1", "gen-1")):
        assert CHAT.encode_answer(replace(FULL, id=own), asked(CHAT))["id"] == expected


@pytest.mark.parametrize(
    ("finish", "parts", "word"),
    [
        (Finish.STOP, (Text(text="x"),), "stop"),
        (Finish.STOP_SEQUENCE, (Text(text="x"),), "stop"),
        (Finish.LENGTH, (Text(text="x"),), "length"),
        (Finish.FILTER, (), "content_filter"),
        (Finish.REFUSAL, (Refusal(text="no"),), "stop"),
        (Finish.REFUSAL, (), "content_filter"),
        (Finish.PAUSE, (Text(text="x"),), "length"),
        (Finish.BROKEN, (), "length"),
    ],
)
def test_only_a_real_end_is_a_stop(finish, parts, word):
    """
    Whole and streamed alike.
    """
    answer = Answer(dialect="x", candidates=(Candidate(parts, finish),))

    assert CHAT.encode_answer(answer, asked(CHAT))["choices"][0]["finish_reason"] == word
    assert assembled(CHAT, events(CHAT, written(CHAT, answer, asked(CHAT)), SENT)).candidates[0].native_finish == word


def test_a_client_of_old_functions_gets_its_form():
    """
    One call, in `function_call`; a second has no place, which is noted.
    """
    about = asked(CHAT, raw={"functions": []})
    choice = CHAT.encode_answer(FULL, about)["choices"][0]

    assert choice["message"]["function_call"] == {"name": "get_weather", "arguments": '{"city":"Oslo"}'}
    assert "tool_calls" not in choice["message"] and choice["finish_reason"] == "function_call"
    assert ("tools", "dropped") in noted(about.losses.all())
    again = assembled(CHAT, events(CHAT, written(CHAT, FULL, asked(CHAT, raw={"functions": []})), SENT))
    assert [part.name for part in again.candidates[0].parts if isinstance(part, ToolCall)] == ["get_weather"]


def test_parts_without_a_place_are_noted():
    """
    Nothing of an answer vanishes silently.
    """
    parts = (Text(text="x", citations=({},)), Opaque(kind="tools.server"), Image(source=Blob("image/png", "AA")), Image(source=FileId("f")))
    answer = Answer(dialect="x", candidates=(Candidate(parts, Finish.STOP),))
    whole, stream = asked(CHAT), asked(CHAT)

    message = CHAT.encode_answer(answer, whole)["choices"][0]["message"]
    streamed_bytes = written(CHAT, answer, stream)

    assert message["images"] == [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]
    assert b'"images"' in streamed_bytes
    assert noted(whole.losses.all()) == noted(stream.losses.all()) == {
        ("citations", "dropped"), ("tools.server", "dropped"), ("image", "dropped"),
    }  # fmt: skip


# -- streams, written ------------------------------------------------------------------------------------------------------------------


def payloads(stream: bytes) -> list[Any]:
    return [frame.json if frame.data != b"[DONE]" else "[DONE]" for frame in frames(CHAT, stream)]


def test_a_stream_is_written():
    """
    Role first, then deltas, the finish, and `[DONE]`; put together again it is the answer.
    """
    stream = payloads(written(CHAT, FULL, asked(CHAT)))

    assert stream[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert [chunk["choices"][0]["delta"] for chunk in stream[1:-2]] == [
        {"reasoning_content": "Hm."},
        {"content": "Let me look."},
        {"tool_calls": [{"index": 0, "id": "toolu_1", "type": "function", "function": {"name": "get_weather", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"city":"Oslo"}'}}]},
        {"tool_calls": [{"index": 1, "id": "toolu_2", "type": "function", "function": {"name": "now", "arguments": ""}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
    ]
    assert stream[-2]["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "tool_calls"}]
    assert stream[-1] == "[DONE]"
    assert not any("usage" in chunk for chunk in stream[:-1])


def test_usage_is_streamed_where_it_was_asked_for():
    """
    As a last chunk without choices; all others say null.
    """
    *chunks, last, done = payloads(written(CHAT, FULL, asked(CHAT, include_usage=True)))

    assert all(chunk["usage"] is None for chunk in chunks)
    assert (last["choices"], last["usage"]["total_tokens"], done) == ([], 24, "[DONE]")


def test_every_event_has_its_bytes():
    """
    A sign of life is a comment, a failure the dialect's error, candidates begin with their role.
    """
    encoder = CHAT.stream_encoder(asked(CHAT))
    fault = fault_of({"error": {"message": "m", "type": "server_error", "code": "server_overloaded"}})

    assert encoder.feed(Ping()) == b": excise\n\n"
    assert encoder.feed(Event()) == b""
    assert encoder.feed(Started("id")).count(b"data:") == 1
    second = payloads(encoder.feed(PartStarted(Text(text=""), 1)))
    assert (second[0]["choices"][0]["index"], second[0]["choices"][0]["delta"]["role"]) == (1, "assistant")
    assert payloads(encoder.feed(Delta("x", 1)))[0]["choices"][0] == {
        "index": 1, "delta": {"content": "x"}, "logprobs": None, "finish_reason": None,
    }  # fmt: skip
    assert "error" in payloads(encoder.feed(Failed(fault)))[0]


def test_text_outside_of_a_part_is_text():
    """
    As it is for whoever puts events together.
    """
    encoder = CHAT.stream_encoder(asked(CHAT))

    assert [chunk["choices"][0]["delta"] for chunk in payloads(encoder.feed(Delta("x")))][1:] == [{"content": "x"}]
    encoder.feed(PartStarted(ToolCall(id="a", name="f", arguments={})))
    encoder.feed(PartEnded())
    assert payloads(encoder.feed(Delta("y")))[0]["choices"][0]["delta"] == {"content": "y"}


def test_the_sdk_reads_what_is_written():
    """
    OpenAI's own types take the whole answer and every chunk, strictly.
    """
    chat = pytest.importorskip("openai.types.chat")
    body = CHAT.encode_answer(replace(FULL, service_tier="default"), asked(CHAT))

    assert chat.ChatCompletion.model_validate(body, strict=True).choices[0].message.tool_calls[1].function.name == "now"
    for old in ({}, {"raw": {"functions": []}}):
        for chunk in payloads(written(CHAT, FULL, asked(CHAT, include_usage=True, **old)))[:-1]:
            chat.ChatCompletionChunk.model_validate(chunk, strict=True)
    for case in CASES:
        answer = replace(CHAT.decode_answer(document(CHAT, case, "answer"), SENT), raw=None)
        chat.ChatCompletion.model_validate(CHAT.encode_answer(answer, asked(CHAT)), strict=True)
