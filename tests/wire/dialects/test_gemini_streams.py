"""
Answers in Gemini's words: why they end, what they cost, and what of another dialect's answer its clients see, whole and piece by piece.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from gemini_cases import ARRAY, CALL_ID, PLAIN, STREAM, asked, assembled, chunk, chunks, events_of, sent, written

from excise.wire.dialect import Asked
from excise.wire.dialects.gemini import GEMINI
from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartEnded, PartStarted, Ping, Started
from excise.wire.frame import Frame
from excise.wire.keepsake import wrap
from excise.wire.neutral import Answer, Candidate, Finish, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from excise.wire.sequence import replay
from excise.wire.upstream_error import Fault
from excise.wire.usage import Usage

SHOWN = {"contents": [], "generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
WRAPPED = wrap("anthropic", "sig")


def answer(*parts: Part, finish: Finish = Finish.STOP, usage: Usage | None = None) -> Answer:
    return Answer("anthropic-messages", (Candidate(parts, finish),), id="msg_1", model="claude", usage=usage or Usage())


def whole(of: Answer, to: Asked | None = None) -> dict[str, Any]:
    body = GEMINI.encode_answer(of, to or asked(body=SHOWN))
    assert isinstance(body, dict)
    return body


def parts_of(*parts: Part, to: Asked | None = None) -> Any:
    return whole(answer(*parts), to)["candidates"][0]["content"]["parts"]


def values(stream: bytes) -> list[Any]:
    """
    The chunks of a stream as its client reads them.
    """
    if stream.startswith(b"["):
        found = orjson.loads(stream)
        assert isinstance(found, list)
        return found
    blocks = [block for block in stream.split(b"\r\n\r\n") if block.strip()]
    return [orjson.loads(block.strip().removeprefix(b"data: ")) for block in blocks]


def streamed_parts(*parts: Part, body: Any = SHOWN) -> list[Any]:
    """
    Every part a client of the stream sees, in order.
    """
    found = values(written(replay(answer(*parts)), asked(STREAM, body=body)))
    return [part for value in found for part in value["candidates"][0]["content"]["parts"]]


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


# -- reading ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", Finish.STOP),
        (1, Finish.STOP),
        ("MAX_TOKENS", Finish.LENGTH),
        (2, Finish.LENGTH),
        ("CONTINUATION", Finish.LENGTH),
        ("SAFETY", Finish.FILTER),
        (3, Finish.FILTER),
        ("RECITATION", Finish.FILTER),
        ("PROHIBITED_CONTENT", Finish.FILTER),
        ("MODEL_ARMOR", Finish.FILTER),
        ("IMAGE_SAFETY", Finish.FILTER),
        (7, Finish.FILTER),
        ("OTHER", Finish.BROKEN),
        ("MALFORMED_FUNCTION_CALL", Finish.BROKEN),
        ("UNEXPECTED_TOOL_CALL", Finish.BROKEN),
        ("FINISH_REASON_UNSPECIFIED", Finish.BROKEN),
        ("TOMORROW", Finish.BROKEN),
        (99, Finish.BROKEN),
        (None, Finish.BROKEN),
        ([], Finish.BROKEN),
    ],
)
def test_reasons(reason: Any, finish: Finish) -> None:
    """
    A word nobody knows is no stop, and no reason is none; whole or streamed.
    """
    body = chunk({"text": "Hi"}, reason=reason)

    assert GEMINI.decode_answer(body, sent()).candidates[0].finish is finish
    assert assembled(events_of(chunks(body))).candidates[0].finish is finish


def test_a_call_is_why_an_answer_ended() -> None:
    """
    Google says STOP of an answer that calls a function.
    """
    body = chunk({"text": "Hi"}, {"functionCall": {"name": "f"}}, reason="STOP")

    assert GEMINI.decode_answer(body, sent()).candidates[0].finish is Finish.TOOL
    assert assembled(events_of(chunks(body))).candidates[0].finish is Finish.TOOL


@pytest.mark.parametrize(("reason", "finish"), [("MAX_TOKENS", Finish.LENGTH), ("SAFETY", Finish.FILTER)])
def test_a_call_of_an_answer_that_was_cut_is_not_why_it_ended(reason: str, finish: Finish) -> None:
    """
    The calls that came may not be all, nor whole.
    """
    body = chunk({"functionCall": {"name": "f"}}, reason=reason)

    assert GEMINI.decode_answer(body, sent()).candidates[0].finish is finish
    assert assembled(events_of(chunks(body))).candidates[0].finish is finish


def test_a_blocked_prompt_is_filtered() -> None:
    """
    There are no candidates then, only word why; whole or streamed, as a name or a number.
    """
    for reason in ("PROHIBITED_CONTENT", 4):
        body = {"promptFeedback": {"blockReason": reason}, "usageMetadata": {"promptTokenCount": 5}, "modelVersion": "m"}
        expected = Candidate((), Finish.FILTER, str(reason))

        assert GEMINI.decode_answer(body, sent()).candidates == (expected,)
        assert kinds(events_of(chunks(body))) == ["Started", "Finished", "Ended"]
        assert Finished(expected.finish, expected.native_finish) in events_of(chunks(body))


def test_a_stream_that_breaks_off_is_broken() -> None:
    """
    Without a reason it is no answer, even if a call came; without anything, neither.
    """
    for body in (chunks(chunk({"text": "Par"})), chunks(chunk({"functionCall": {"name": "f"}})), b""):
        assert Finished(Finish.BROKEN) in events_of(body)
        assert kinds(events_of(body))[-1] == "Ended"


def test_the_head_of_an_answer() -> None:
    """
    Id, model and time, where they are said; nanoseconds and time zones included.
    """
    body = chunk({"text": "Hi"}, createTime="2026-11-22T10:00:00.123456789Z")
    expected = Started("r1", "gemini-2.5-flash", 1_795_341_600)

    assert events_of(chunks(body))[0] == expected
    found = GEMINI.decode_answer(body, sent())
    assert (found.id, found.model, found.created) == (expected.id, expected.model, expected.created)
    assert GEMINI.decode_answer(chunk(createTime="yesterday"), sent()).created is None


def test_a_reason_in_every_chunk_ends_nothing() -> None:
    """
    Older models say STOP from the first chunk on.
    """
    body = chunks(*(chunk({"text": text}, reason="STOP") for text in ("a", "b", "c")))

    assert kinds(events_of(body)) == ["Started", "PartStarted", "Delta", "Delta", "Delta", "PartEnded", "Finished", "Ended"]


def test_thoughts_and_text_take_turns() -> None:
    """
    As the kind changes, one part ends and the next begins; empty text is nothing, a signature on it is.
    """
    thought = {"text": "Hm", "thought": True}
    body = chunks(
        chunk(thought), chunk({"text": "", "thought": True}), chunk(thought),
        chunk({"text": "a"}, {"text": ""}), chunk({"text": "b"}), chunk(thought), chunk({"text": "c"}),
        chunk({"text": "", "thoughtSignature": "S"}, reason="STOP"),
    )  # fmt: skip
    assert assembled(events_of(body)).candidates[0].parts == (
        Reasoning(text="HmHm", summary=True),
        Text(text="ab"),
        Reasoning(text="Hm", summary=True),
        Text(text="c"),
        Reasoning(signature="S"),
    )


def test_a_signature_speaks_of_its_own_part_alone() -> None:
    """
    Text before and after a signed one is another part.
    """
    body = chunks(chunk({"text": "a"}), chunk({"text": "b", "thoughtSignature": "S"}), chunk({"text": "c"}, reason="STOP"))

    assert assembled(events_of(body)).candidates[0].parts == (
        Text(text="a"),
        Reasoning(signature="S", attached=True),
        Text(text="b"),
        Text(text="c"),
    )


def test_media_the_model_makes_are_opaque() -> None:
    """
    They come whole, between the other parts.
    """
    body = chunks(chunk({"text": "a"}, {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}, {"text": "b"}, reason="STOP"))

    assert assembled(events_of(body)).candidates[0].parts == (Text(text="a"), Opaque(kind="image"), Text(text="b"))


def piece(reason: str | None = None, /, **call: Any) -> dict[str, Any]:
    return chunk({"functionCall": call}, reason=reason)


def test_arguments_in_pieces() -> None:
    """
    Vertex streams them by place on demand: texts of one place are put together, an empty call ends it, the next name begins another.
    """
    body = chunks(
        chunk({"functionCall": {"name": "f", "willContinue": True}, "thoughtSignature": "S"}),
        piece(partialArgs=[{"jsonPath": "$.city", "stringValue": "New ", "willContinue": True}], willContinue=True),
        piece(
            partialArgs=[{"jsonPath": "$.city", "stringValue": "Delhi"}, {"jsonPath": "$.days[0].n", "numberValue": 1}], willContinue=True
        ),
        piece(partialArgs=[{"jsonPath": "$['a b']", "boolValue": True}, {"jsonPath": "$.none", "nullValue": None}], willContinue=True),
        piece(),
        piece(name="g", partialArgs=[{"jsonPath": "$.x", "stringValue": "y"}]),
        piece("STOP", name="h", args={"z": 1}),
    )
    events = events_of(body)
    found = assembled(events)
    calls = [part for part in found.candidates[0].parts if isinstance(part, ToolCall)]

    assert found.candidates[0].parts[0] == Reasoning(signature="S", attached=True)
    assert [(call.name, call.arguments) for call in calls] == [
        ("f", {"city": "New Delhi", "days": [{"n": 1}], "a b": True, "none": None}),
        ("g", {"x": "y"}),
        ("h", {"z": 1}),
    ]
    assert found.candidates[0].finish is Finish.TOOL
    assert len({call.id for call in calls}) == 3
    assert kinds(events).index("PartStarted") == 1


def test_a_call_in_pieces_ends_when_something_else_comes() -> None:
    """
    Text, or the end of the stream, ends a call that said it would continue.
    """
    begun = piece(name="f", partialArgs=[{"jsonPath": "$.x", "numberValue": 1}], willContinue=True)
    rest = chunks(piece(name="f", willContinue=True), piece("STOP", args={"x": 1}))
    for body in (chunks(begun, chunk({"text": "Hi"}, reason="STOP")), chunks(begun, chunk(reason="STOP")), rest):
        (call, *_) = assembled(events_of(body)).candidates[0].parts
        assert isinstance(call, ToolCall)
        assert call.arguments == {"x": 1}


@pytest.mark.parametrize("path", ["", "x", "$", "$.", "$[", "$[]", "$.a[999999999999]", "$.a.b.c", "$[0]", "$" + ".a" * 100])
def test_a_strange_place_harms_nothing(path: str) -> None:
    """
    A piece that cannot be placed is left out, or lands where there is room.
    """
    body = chunks(piece("STOP", name="f", partialArgs=[{"jsonPath": "$.a", "numberValue": 1}, {"jsonPath": path, "stringValue": "y"}]))
    (call,) = assembled(events_of(body)).candidates[0].parts

    assert isinstance(call, ToolCall)
    assert call.arguments is not None
    assert call.arguments["a"] in (1, "y")


def test_pieces_without_a_beginning_are_let_go() -> None:
    """
    Nothing can be called that has no name.
    """
    body = chunks(piece(partialArgs=[{"jsonPath": "$.a", "numberValue": 1}]), piece(), chunk({"text": "Hi"}, reason="STOP"))

    assert assembled(events_of(body)).candidates == (Candidate((Text(text="Hi"),), Finish.STOP, "STOP"),)


def test_what_was_imitated_is_undone() -> None:
    """
    The call that stands for an output schema is the answer's text; functions have the client's names again.
    """
    undo = {"unwrap_tool": "answer", "tool_names": {"_1_f": "1 f"}}
    said = chunk({"functionCall": {"name": "answer", "args": {"x": 1}}, "thoughtSignature": "S"}, reason="STOP")
    called = chunk({"functionCall": {"name": "_1_f", "args": {}}}, reason="STOP")
    in_pieces = chunks(
        piece(name="answer", willContinue=True), piece(partialArgs=[{"jsonPath": "$.x", "numberValue": 1}]), chunk(reason="STOP")
    )
    expected = Candidate((Text(text='{"x":1}'),), Finish.STOP, "STOP")
    assert GEMINI.decode_answer(said, sent(**undo)).candidates == (expected,)
    assert assembled(events_of(chunks(said), **undo)).candidates == (expected,)
    assert assembled(events_of(in_pieces, **undo)).candidates == (expected,)
    for found in (GEMINI.decode_answer(called, sent(**undo)), assembled(events_of(chunks(called), **undo))):
        (call,) = found.candidates[0].parts
        assert isinstance(call, ToolCall)
        assert (call.name, found.candidates[0].finish) == ("1 f", Finish.TOOL)


def test_several_candidates() -> None:
    """
    Each has its own parts and its own end, in whatever order they come.
    """

    def of(index: int, text: str, reason: str | None = None) -> dict[str, Any]:
        body = chunk({"text": text}, reason=reason)
        body["candidates"][0]["index"] = index
        return body

    found = assembled(events_of(chunks(of(0, "a"), of(1, "x"), of(0, "b", "STOP"), of(1, "y", "MAX_TOKENS"))))

    assert found.candidates == (
        Candidate((Text(text="ab"),), Finish.STOP, "STOP"),
        Candidate((Text(text="xy"),), Finish.LENGTH, "MAX_TOKENS"),
    )


@pytest.mark.parametrize(
    "body",
    [
        chunks({"error": {"code": 429, "message": "no", "status": "RESOURCE_EXHAUSTED"}}, chunk({"text": "late"})),
        b'[{"error": {"code": 429, "message": "no", "status": "RESOURCE_EXHAUSTED"}}]',
        b'{"error": {"code": 429, "message": "no", "status": "RESOURCE_EXHAUSTED"}}',
    ],
)
def test_an_error_has_several_frames(body: bytes) -> None:
    """
    As an event, as an array, as a plain document: it is the last thing said.
    """
    (failed,) = events_of(body)

    assert isinstance(failed, Failed)
    assert (failed.fault.status, failed.fault.sort) == (429, "rate")


def test_usage_and_signs_of_life_are_no_content() -> None:
    """
    A chunk of usage alone ends nothing; a comment is a sign of life, and so nothing is lost of what it says.
    """
    body = (
        chunks(chunk({"text": "a"}), {"usageMetadata": {"promptTokenCount": 5}})
        + b": ping\r\n\r\n"
        + chunks(chunk({"text": "b"}, reason="STOP"))
    )

    assert kinds(events_of(body)) == ["Started", "PartStarted", "Delta", "Ping", "Delta", "PartEnded", "Finished", "Ended"]


def test_code_assist_wraps_its_answers() -> None:
    """
    The same form, one object deeper.
    """
    body = {"response": chunk({"text": "Hi"}, reason="STOP")}

    assert GEMINI.decode_answer(body, sent()).candidates == (Candidate((Text(text="Hi"),), Finish.STOP, "STOP"),)
    assert assembled(events_of(chunks(body))).candidates == (Candidate((Text(text="Hi"),), Finish.STOP, "STOP"),)


def test_what_an_answer_cites_stands_on_its_text() -> None:
    """
    In Google's own form, so that a client of another dialect is told of the loss.
    """
    body = chunk({"text": "a"}, {"text": "b"}, reason="STOP")
    cited = {"citationSources": [{"uri": "https://example.com"}]}
    body["candidates"][0]["citationMetadata"] = cited
    first, second = GEMINI.decode_answer(body, sent()).candidates[0].parts

    assert isinstance(first, Text)
    assert isinstance(second, Text)
    assert (first.citations, second.citations) == ((), (cited,))


# -- writing, whole --------------------------------------------------------------------------------------------------------------------


def test_an_answer_whole() -> None:
    """
    What an SDK looks for: role, parts, reason, index, usage with its total, model and id.
    """
    usage = Usage(uncached_input_tokens=5, cache_read_tokens=3, cache_write_5m_tokens=2, text_output_tokens=4, reasoning_tokens=6)

    assert whole(replace(answer(Text(text="Hi"), usage=usage), created=0)) == {
        "candidates": [{"content": {"parts": [{"text": "Hi"}], "role": "model"}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": 10,
            "candidatesTokenCount": 4,
            "thoughtsTokenCount": 6,
            "totalTokenCount": 20,
            "cachedContentTokenCount": 3,
        },
        "modelVersion": "gemini-2.5-flash",
        "createTime": "1970-01-01T00:00:00Z",
        "responseId": "msg_1",
    }


def test_a_strange_time_is_left_out() -> None:
    """
    Whatever a provider took for a date.
    """
    for created in (-1, 10**18):
        assert "createTime" not in whole(replace(answer(Text(text="Hi")), created=created))


def test_usage_keeps_to_google_s_arithmetic() -> None:
    """
    Modalities are parts of their sums, tools of Google's own stand apart; what nobody said is not said.
    """

    def meta(**counts: int) -> Any:
        return whole(answer(Text(text="Hi"), usage=Usage(**counts))).get("usageMetadata")

    assert meta() is None
    assert meta(text_output_tokens=3) == {"candidatesTokenCount": 3, "totalTokenCount": 3}
    assert meta(uncached_input_tokens=-4, reasoning_tokens=0) == {"promptTokenCount": 0, "thoughtsTokenCount": 0, "totalTokenCount": 0}
    assert meta(uncached_input_tokens=4, audio_input_tokens=6, tool_input_tokens=5, image_output_tokens=2) == {
        "promptTokenCount": 10,
        "candidatesTokenCount": 2,
        "toolUsePromptTokenCount": 5,
        "totalTokenCount": 17,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 4}, {"modality": "AUDIO", "tokenCount": 6}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 2}],
    }


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        (Finish.STOP, "STOP"),
        (Finish.STOP_SEQUENCE, "STOP"),
        (Finish.TOOL, "STOP"),
        (Finish.LENGTH, "MAX_TOKENS"),
        (Finish.FILTER, "SAFETY"),
        (Finish.REFUSAL, "SAFETY"),
        (Finish.PAUSE, "MAX_TOKENS"),
        (Finish.BROKEN, "OTHER"),
    ],
)
def test_words_for_the_end(finish: Finish, reason: str) -> None:
    """
    Whole and streamed; what is no answer is never called a stop.
    """
    of = answer(Text(text="Hi"), finish=finish)

    assert whole(of)["candidates"][0]["finishReason"] == reason
    assert values(written(replay(of), asked(STREAM)))[-1]["candidates"][0]["finishReason"] == reason


def test_calls_are_written_whole() -> None:
    """
    With the id the provider gave, so that it finds its own again; arguments that are no object are given as they are, with a note.
    """
    calls = (ToolCall(id="toolu_1", name="f", arguments={"x": 1}), ToolCall(id="xi_YSBi", name="g", arguments=None, text="{broken"))
    expected = [
        {"functionCall": {"id": "toolu_1", "name": "f", "args": {"x": 1}}},
        {"functionCall": {"id": "a b", "name": "g", "args": {"input": "{broken"}}},
    ]
    to = asked()
    assert parts_of(*calls, to=to) == expected
    assert [(loss.field, str(loss.change)) for loss in to.losses.all()] == [("tools.arguments", "changed")]
    assert streamed_parts(*calls) == expected


def test_a_refusal_is_text_and_safety() -> None:
    """
    There is no other word for a model that declines.
    """
    of = answer(Refusal(text="No."), finish=Finish.REFUSAL)

    assert whole(of)["candidates"][0]["content"]["parts"] == [{"text": "No."}]
    assert streamed_parts(Refusal(text="No."))[0] == {"text": "No."}


def test_thoughts_are_shown_to_those_who_asked() -> None:
    """
    They are off by default in this API: a client that does not ask would take them for the answer.
    """
    thought = Reasoning(text="Hm")

    assert parts_of(thought, Text(text="Hi")) == [{"text": "Hm", "thought": True}, {"text": "Hi"}]
    assert parts_of(thought, Text(text="Hi"), to=asked()) == [{"text": "Hi"}]
    assert streamed_parts(thought, Text(text="Hi"))[:-1] == [{"text": "Hm", "thought": True}, {"text": "Hi"}]
    assert streamed_parts(thought, Text(text="Hi"), body={"contents": []})[:-1] == [{"text": "Hi"}]


def test_proofs_travel_marked() -> None:
    """
    A proof stays with the thought it proves; one without a visible thought goes on the part behind it, or on an empty text.
    """
    seen = Reasoning(text="Hm", signature="sig")
    unseen, hidden = Reasoning(signature="sig"), Reasoning(signature="sig", redacted=True)
    call = ToolCall(id="a", name="f", arguments={})
    proof = {"thoughtSignature": WRAPPED}
    written_call = {"functionCall": {"id": "a", "name": "f", "args": {}}}
    for body in (SHOWN, {"contents": []}):
        assert parts_of(seen, call, to=asked(body=body)) == [{"text": "Hm", "thought": True, **proof}, written_call]
    assert parts_of(unseen, call) == [{**written_call, **proof}]
    assert parts_of(hidden, unseen, unseen, Text(text="Hi"), unseen) == [
        {"text": "", "thought": True, **proof},
        {"text": "", **proof},
        {"text": "Hi", **proof},
        {"text": "", **proof},
    ]


def test_proofs_travel_in_streams_too() -> None:
    """
    The same, but that a thought which is shown has left when its proof comes.
    """
    seen = Reasoning(text="Hm", signature="sig")
    unseen, hidden = Reasoning(signature="sig"), Reasoning(signature="sig", redacted=True)
    call = ToolCall(id="a", name="f", arguments={})
    proof = {"thoughtSignature": WRAPPED}
    written_call = {"functionCall": {"id": "a", "name": "f", "args": {}}}

    assert streamed_parts(seen, call) == [
        {"text": "Hm", "thought": True},
        {"text": "", "thought": True, **proof},
        written_call,
    ]
    assert streamed_parts(seen, call, body={"contents": []}) == [{"text": "Hm", "thought": True, **proof}, written_call]
    assert streamed_parts(unseen, call, unseen) == [{**written_call, **proof}, {"text": "", **proof}]
    assert streamed_parts(hidden, unseen, unseen, Text(text="Hi")) == [
        {"text": "", "thought": True, **proof},
        {"text": "", **proof},
        {"text": "Hi", **proof},
        {"text": ""},
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_what_a_client_gives_back_is_what_the_provider_said(stream: bool) -> None:
    """
    Thoughts and proofs come home through a client of this dialect as they left, for every way they can look.
    """
    said = (
        Reasoning(text="Hm", signature="one", origin="anthropic"),
        Reasoning(signature="two", origin="anthropic", redacted=True),
        Reasoning(signature="three", origin="anthropic"),
        ToolCall(id="toolu_1", name="f", arguments={"x": 1}),
    )
    parts = streamed_parts(*said) if stream else parts_of(*said)
    contents = [{"role": "model", "parts": [part]} for part in parts] if stream else [{"role": "model", "parts": parts}]
    back = [part for turn in GEMINI.decode_request({"contents": contents}, PLAIN).turns for part in turn.parts]

    assert [replace(part, summary=False, attached=False) if isinstance(part, Reasoning) else part for part in back] == list(said)


def test_what_cannot_be_written_is_noted() -> None:
    """
    Server tools and citations of another provider.
    """
    parts = (Text(text="Hi", citations=({"x": 1},)), Opaque(kind="tools.server"))
    to = asked()
    assert parts_of(*parts, to=to) == [{"text": "Hi"}]
    assert {(loss.field, str(loss.change)) for loss in to.losses.all()} == {("citations", "dropped"), ("tools.server", "dropped")}
    to = asked(STREAM)
    written(replay(answer(*parts)), to)
    assert ("tools.server", "dropped") in {(loss.field, str(loss.change)) for loss in to.losses.all()}


def test_an_answer_without_words_has_a_part() -> None:
    """
    Google's SDKs drop a turn whose content has none.
    """
    assert parts_of() == [{"text": ""}]
    assert streamed_parts() == [{"text": ""}]


# -- writing, streamed -----------------------------------------------------------------------------------------------------------------


def test_a_stream_to_the_byte() -> None:
    """
    Events with CRLF, each delta at once; reason and usage in the last; no word that it is over.
    """
    encoder = GEMINI.stream_encoder(asked(STREAM))
    tail = b'"modelVersion":"gemini-2.5-flash","responseId":"msg_1"}\r\n\r\n'

    assert encoder.feed(Started("msg_1", "claude")) == b""
    assert encoder.feed(PartStarted(Text(text=""))) == b""
    assert encoder.feed(Delta("H\u00e9")) == (
        'data: {"candidates":[{"content":{"parts":[{"text":"H\u00e9"}],"role":"model"},"index":0}],'.encode() + tail
    )
    assert encoder.feed(PartEnded()) == b""
    assert encoder.feed(Finished(Finish.LENGTH)) == b""
    assert encoder.feed(Ended(Usage(text_output_tokens=1))) == (
        b'data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"MAX_TOKENS","index":0}],'
        b'"usageMetadata":{"candidatesTokenCount":1,"totalTokenCount":1},' + tail
    )


def test_an_array_is_whole_json() -> None:
    """
    Without `alt=sse` the stream is one array, closed at its end, with blanks as signs of life.
    """
    events = [Ping(), *replay(answer(Text(text="Hi"), Text(text="Ho"))), Ping()]
    events.insert(4, Ping())
    stream = written(events, asked(ARRAY))

    assert stream.strip().startswith(b"[{")
    assert b"}\r\n,\r\n{" in stream
    assert [value["candidates"][0]["content"]["parts"][0]["text"] for value in orjson.loads(stream)] == ["Hi", "Ho", ""]


def test_calls_stand_in_one_chunk() -> None:
    """
    Google's SDKs make a turn of each chunk, and calls in different turns want their results apart: all of an answer's stand in the last
    chunk, or with what is said behind them.
    """
    one, two = (ToolCall(id=name, name=name, arguments={}) for name in "fg")
    written_calls = [{"functionCall": {"id": name, "name": name, "args": {"x": 1}}} for name in "fg"]
    encoder = GEMINI.stream_encoder(asked(STREAM))
    events = [Started()]
    for call in (one, two):
        events += [PartStarted(call), Delta('{"x":'), Delta("1}"), PartEnded()]

    assert b"".join(encoder.feed(event) for event in [*events, Finished(Finish.TOOL)]) == b""
    (last,) = values(encoder.feed(Ended()))
    assert last["candidates"] == [{"content": {"parts": written_calls, "role": "model"}, "finishReason": "STOP", "index": 0}]

    encoder = GEMINI.stream_encoder(asked(STREAM))
    said = b"".join(encoder.feed(event) for event in [*events, PartStarted(Text(text="")), Delta("Hi"), Delta("!")])
    assert [value["candidates"][0]["content"]["parts"] for value in values(said)] == [[*written_calls, {"text": "Hi"}], [{"text": "!"}]]


def test_candidates_keep_their_places() -> None:
    """
    Deltas say whose they are; the last chunk ends them all.
    """
    of = replace(answer(), candidates=(Candidate((Text(text="a"),), Finish.STOP), Candidate((Text(text="b"),), Finish.LENGTH)))
    found = values(written(replay(of), asked(STREAM)))

    assert [value["candidates"][0]["index"] for value in found[:2]] == [0, 1]
    assert [(one["index"], one["finishReason"]) for one in found[2]["candidates"]] == [(0, "STOP"), (1, "MAX_TOKENS")]
    assert [one["index"] for one in whole(of)["candidates"]] == [0, 1]


FAULT = Failed(Fault(status=503, sort="overload", message="busy"))


@pytest.mark.parametrize("before", [[], [Ping()], [Started(), PartStarted(Text(text="")), Delta("Hi")]])
def test_a_fault_ends_a_stream(before: list[Event]) -> None:
    """
    Wherever it comes, the client reads Google's error object last; an array is closed.
    """
    error = {"code": 503, "message": "busy", "status": "UNAVAILABLE", "details": []}
    for envelope in (STREAM, ARRAY):
        stream = written([*before, FAULT], asked(envelope))
        if envelope is ARRAY:
            assert orjson.loads(stream)[-1] == {"error": error}
        else:
            assert orjson.loads(stream.rpartition(b"data: ")[2]) == {"error": error}
        assert len(events_of(stream)) >= 1
        assert isinstance(events_of(stream)[-1], Failed)


def test_an_answer_without_an_id_gets_the_call_s() -> None:
    """
    Ids that must be made are made of the call's own, never of chance.
    """
    of = replace(answer(Text(text="Hi")), id=None)

    assert whole(of)["responseId"] == CALL_ID
    assert {value["responseId"] for value in values(written(replay(of), asked(STREAM)))} == {CALL_ID}


def test_frames_after_the_end_are_let_go() -> None:
    """
    An error is the last thing said, and an end comes once.
    """
    decoder = GEMINI.stream_decoder(sent())
    decoder.feed(Frame(b"", None, b'{"error":{"code":500,"message":"x"}}'))

    assert decoder.feed(Frame(b"", None, orjson.dumps(chunk({"text": "late"})))) == []
    assert decoder.close() == []
