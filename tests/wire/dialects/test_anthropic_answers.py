"""
Answers of Anthropic and its imitators, read; and answers of others, written for Anthropic's clients, whole and in pieces.
"""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from excise.wire.dialect import Asked, Envelope, Sent, Target
from excise.wire.dialects.anthropic_messages import ANTHROPIC_MESSAGES as AM
from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartEnded, PartStarted, Ping, Started
from excise.wire.frame import Frame
from excise.wire.keepsake import unwrap, wrap
from excise.wire.loss import Change
from excise.wire.neutral import Answer, Blob, Candidate, Finish, Image, Opaque, Part, Reasoning, Refusal, Request, Text, ToolCall
from excise.wire.sequence import Assembler, replay
from excise.wire.upstream_error import fault_of
from excise.wire.usage import Usage

TARGET = Target("anthropic", "anthropic-messages", "claude-x")
CALL_ID = "0123456789abcdef0123456789abcdef"


def asked(dialect: str = "gemini", provider: str = "google", stop: tuple[str, ...] = ()) -> Asked:
    request = Request(dialect="anthropic-messages", model="m", turns=(), stop=stop)
    return Asked(request, Envelope(), "m", provider, dialect, CALL_ID, now=0)


def decoded(*blocks: Any, reason: Any = "end_turn", sent: Sent | None = None, **fields: Any) -> Answer:
    body = {"id": "msg_1", "type": "message", "role": "assistant", "content": list(blocks), "stop_reason": reason, **fields}
    return AM.decode_answer(body, sent or Sent(TARGET))


def whole(*parts: Part, finish: Finish = Finish.STOP, to: Asked | None = None, **fields: Any) -> dict[str, Any]:
    to = to or asked()
    return AM.encode_answer(Answer(to.dialect, (Candidate(parts, finish, **fields),)), to)


def read(*bodies: Any, sent: Sent | None = None) -> list[Event]:
    decoder = AM.stream_decoder(sent or Sent(TARGET))
    events = [event for body in bodies for event in decoder.feed(Frame(b"", None, orjson.dumps(body)))]
    return [*events, *decoder.close()]


def put_together(events: list[Event]) -> Candidate:
    assembler = Assembler()
    for event in events:
        assembler.feed(event)
    return assembler.answer("anthropic-messages").candidates[0]


def write(*events: Event, to: Asked | None = None) -> list[dict[str, Any]]:
    """
    The events of the client's stream, parsed.
    """
    encoder = AM.stream_encoder(to or asked())
    body = b"".join(encoder.feed(event) for event in events)
    return [json.loads(block.split("data: ", 1)[1]) for block in body.decode().split("\n\n") if block.strip()]


def blocks_of(written: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """
    The content blocks a client puts together; fails where blocks interleave, skip an index or are not closed.
    """
    blocks: list[dict[str, Any]] = []
    still_open = False
    for event in written:
        match event["type"]:
            case "content_block_start":
                assert not still_open
                assert event["index"] == len(blocks)
                blocks.append(dict(event["content_block"]))
                still_open = True
            case "content_block_delta":
                assert still_open
                assert event["index"] == len(blocks) - 1
                delta, block = event["delta"], blocks[-1]
                match delta["type"]:
                    case "text_delta":
                        block["text"] += delta["text"]
                    case "thinking_delta":
                        block["thinking"] += delta["thinking"]
                    case "signature_delta":
                        block["signature"] = delta["signature"]
                    case "input_json_delta":
                        block["json"] = block.get("json", "") + delta["partial_json"]
            case "content_block_stop":
                assert event["index"] == len(blocks) - 1
                still_open = False
    assert not still_open
    for block in blocks:
        if "json" in block:
            block["input"] = json.loads(block.pop("json"))
    return blocks


START = {"type": "message_start", "message": {"id": "msg_1", "model": "claude-x", "content": [], "usage": {}}}
TEXT = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
STOP = {"type": "content_block_stop", "index": 0}
DELTA = {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 5}}
END = {"type": "message_stop"}


def text_delta(text: str, index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}


# -- read, whole -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", Finish.STOP),
        ("stop_sequence", Finish.STOP_SEQUENCE),
        ("max_tokens", Finish.LENGTH),
        ("model_context_window_exceeded", Finish.LENGTH),
        ("refusal", Finish.REFUSAL),
        ("pause_turn", Finish.PAUSE),
        ("compaction", Finish.PAUSE),
        ("tomorrow", Finish.BROKEN),
        (None, Finish.STOP),
    ],
)
def test_reasons_are_read(reason: str | None, finish: Finish) -> None:
    """
    A word nobody knows is broken, never a stop; the provider's own word is kept.
    """
    candidate = decoded({"type": "text", "text": "x"}, reason=reason).candidates[0]

    assert (candidate.finish, candidate.native_finish) == (finish, reason)


def test_a_call_decides_the_finish() -> None:
    """
    Whatever the reason field says.
    """
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}

    for reason in ("tool_use", "end_turn", None, "tool_calls"):
        assert decoded(call, reason=reason).candidates[0].finish is Finish.TOOL


def test_an_empty_answer_is_legal() -> None:
    """
    The model may say nothing; but a document that is no message at all is broken.
    """
    assert decoded().candidates[0] == Candidate((), Finish.STOP, "end_turn")
    for body in (None, [], "x", {}, {"content": 7}):
        assert AM.decode_answer(body, Sent(TARGET)).candidates[0].finish is Finish.BROKEN


def test_imitators_are_read() -> None:
    """
    Content as text, arguments as text, calls without ids, thoughts without proofs.
    """
    assert decoded(content="Hi").candidates[0].parts == (Text(text="Hi"),)
    call = decoded({"type": "tool_use", "name": "f", "input": '{"a": 1}'}).candidates[0].parts[0]
    assert isinstance(call, ToolCall)
    assert (call.arguments, call.text) == ({"a": 1}, '{"a": 1}')
    assert call.id.startswith("call_")
    assert decoded({"type": "thinking", "thinking": "t"}).candidates[0].parts == (Reasoning(text="t"),)


def test_blocks_of_the_provider_alone_are_opaque() -> None:
    """
    Its own tools, and whatever comes next.
    """
    blocks = ({"type": "server_tool_use", "id": "s"}, {"type": "web_search_tool_result"}, {"type": "new"})

    assert [part.kind for part in decoded(*blocks).candidates[0].parts if isinstance(part, Opaque)] == [
        "tools.server",
        "tools.server",
        "content",
    ]


def test_a_refusal_without_words_says_why() -> None:
    """
    The explanation stands for an answer that has no content.
    """
    answer = decoded(reason="refusal", stop_details={"type": "refusal", "explanation": "Not this."})

    assert answer.candidates[0] == Candidate((Refusal(text="Not this."),), Finish.REFUSAL, "refusal")


def test_what_was_imitated_is_undone() -> None:
    """
    The schema's tool is the text of a finished answer, and tools have the client's names again.
    """
    sent = Sent(TARGET, unwrap_tool="answer", tool_names={"a_b": "a.b"})

    text = decoded({"type": "tool_use", "id": "1", "name": "answer", "input": {"a": 1}}, reason="tool_use", sent=sent)
    call = decoded({"type": "tool_use", "id": "1", "name": "a_b", "input": {}}, reason="tool_use", sent=sent)

    assert text.candidates[0] == Candidate((Text(text='{"a":1}'),), Finish.STOP, "tool_use")
    assert call.candidates[0].parts == (ToolCall(id="1", name="a.b", arguments={}),)
    assert AM.encode_answer(text, asked(dialect="anthropic-messages"))["stop_reason"] == "end_turn"
    assert AM.encode_answer(call, asked(dialect="anthropic-messages"))["content"][0]["name"] == "a.b"


# -- read, in pieces -------------------------------------------------------------------------------------------------------------------


def test_pings_may_come_anywhere() -> None:
    """
    Before the first block, inside one, between two.
    """
    ping = {"type": "ping"}
    plain = read(START, TEXT, text_delta("a"), text_delta("b"), STOP, DELTA, END)

    pinged = read(ping, START, ping, TEXT, ping, text_delta("a"), ping, text_delta("b"), STOP, ping, DELTA, ping, END)

    assert [event for event in pinged if type(event) is not Ping] == plain
    assert sum(type(event) is Ping for event in pinged) == 6


@pytest.mark.parametrize(
    "bodies",
    [
        (START, TEXT, text_delta("a"), text_delta("b"), STOP, DELTA, END),
        (START, text_delta("a"), text_delta("b"), DELTA, END),
        (text_delta("a"), text_delta("b"), DELTA),
        (START, TEXT, text_delta("a"), text_delta("b"), DELTA, DELTA, END, END),
        (START, TEXT, TEXT | {"content_block": {"type": "text", "text": "ab"}}, DELTA, END),
        (
            START,
            {"type": "content_block_start", "content_block": {"type": "text", "text": "a"}},
            {**text_delta("b"), "index": None},
            DELTA,
            END,
        ),
        (START, TEXT, text_delta("a"), text_delta("b"), STOP, {**DELTA, "usage": None}, END),
        (START, TEXT, text_delta("a"), {"type": "new"}, text_delta("b"), STOP, DELTA, END),
        (START, TEXT, text_delta("a"), text_delta("", 0), text_delta("b"), STOP, {**DELTA, "delta": {}}, DELTA, END),
    ],
)
def test_streams_of_imitators_are_read(bodies: tuple[Any, ...]) -> None:
    """
    Events left out, said twice, given whole at the start: the answer is the same, and ends once.
    """
    events = read(*bodies)

    candidate = put_together(events)
    assert "".join(part.text for part in candidate.parts if isinstance(part, Text)) == "ab"
    assert candidate.finish is Finish.STOP
    assert sum(type(event) is Ended for event in events) == 1
    assert sum(type(event) is Started for event in events) == 1


def test_parts_follow_each_other() -> None:
    """
    Text in a block of thoughts is a part of its own; the proof of a thought comes before its end.
    """
    thinking = {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}

    def delta(kind: str, **said: str) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": 0, "delta": {"type": kind, **said}}

    events = read(
        START,
        thinking,
        delta("thinking_delta", thinking="t"),
        delta("signature_delta", signature="s"),
        text_delta("x"),
        STOP,
        DELTA,
        END,
    )

    assert events[1:-2] == [
        PartStarted(Reasoning()),
        Delta("t"),
        Delta("", 0, "s"),
        PartEnded(),
        PartStarted(Text(text="")),
        Delta("x"),
        PartEnded(),
    ]


@pytest.mark.parametrize(
    ("given", "pieces", "arguments"),
    [
        ({}, ["", '{"a"', ": 1}"], {"a": 1}),
        ({}, [], {}),
        ({"a": 1}, [], {"a": 1}),
        ({"a": 1}, ['{"a": 2}'], {"a": 2}),
        ('{"a": 1}', [], {"a": 1}),
        ({}, ['{"a": 1}'], {"a": 1}),
    ],
)
def test_arguments_come_whole_or_in_pieces(given: Any, pieces: list[str], arguments: dict[str, Any]) -> None:
    """
    At the block's start, in one delta, in many, or not at all; never twice.
    """
    start = {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "toolu_1", "name": "f", "input": given}}
    deltas = [{"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": piece}} for piece in pieces]

    candidate = put_together(read(START, start, *deltas, STOP, DELTA, END))

    (call,) = candidate.parts
    assert isinstance(call, ToolCall)
    assert (call.id, call.name, call.arguments) == ("toolu_1", "f", arguments)
    assert candidate.finish is Finish.TOOL


def test_a_schemas_tool_streams_as_text() -> None:
    """
    Its arguments are the text, piece by piece, and the answer stops.
    """
    start = {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "1", "name": "answer", "input": {}}}
    piece = {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"a":1}'}}
    reason = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}}

    events = read(START, start, piece, STOP, reason, END, sent=Sent(TARGET, unwrap_tool="answer"))

    assert put_together(events) == Candidate((Text(text='{"a":1}'),), Finish.STOP, "tool_use")


def test_server_tools_come_whole() -> None:
    """
    What only the provider understands is put together and given out when it is complete, so that its JSON is whole.
    """

    def block(**said: Any) -> dict[str, Any]:
        return {"type": "content_block_start", "index": 0, "content_block": said}

    def delta(**said: Any) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": 0, "delta": said}

    events = read(
        START,
        block(type="server_tool_use", id="s", name="web_search", input={}),
        delta(type="input_json_delta", partial_json='{"query":'),
        delta(type="input_json_delta", partial_json='"x"}'),
        STOP,
        block(type="compaction", content=None),
        delta(type="compaction_delta", content="Summary.", encrypted_content="e"),
        STOP,
        block(type="redacted_thinking", data="d"),
        STOP,
        DELTA,
        END,
    )

    search, compaction, redacted = put_together(events).parts
    assert search.raw == {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}
    assert compaction.raw == {"type": "compaction", "content": "Summary.", "encrypted_content": "e"}
    assert redacted == Reasoning(signature="d", redacted=True)
    assert [block["type"] for block in blocks_of(write(*events, to=asked("anthropic-messages", "anthropic")))] == [
        "server_tool_use",
        "compaction",
        "redacted_thinking",
    ]


@pytest.mark.parametrize(
    "error",
    [
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        {"error": {"type": "overloaded_error", "message": "Overloaded"}},
    ],
)
def test_an_error_event_ends_the_stream(error: dict[str, Any]) -> None:
    """
    Nothing follows it.
    """
    events = read(START, TEXT, text_delta("a"), error, text_delta("b"), DELTA, END)

    assert isinstance(events[-1], Failed)
    assert events[-1].fault.sort == "overload"
    assert not any(type(event) is Ended for event in events)


def test_a_stream_that_breaks_off_is_broken() -> None:
    """
    Without a reason it did not end; with one, it did, though the last event is missing.
    """
    cut = read(START, TEXT, text_delta("a"))
    ended = read(START, TEXT, text_delta("a"), STOP, DELTA)
    empty = read()

    assert put_together(cut) == Candidate((Text(text="a"),), Finish.BROKEN)
    assert put_together(ended).finish is Finish.STOP
    assert empty == [Finished(Finish.BROKEN), Ended()]


def test_a_whole_message_in_a_stream_is_read() -> None:
    """
    Imitators that do not stream send the message as one event.
    """
    message = {"type": "message", "id": "msg_1", "content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn"}

    assert put_together(read(message)) == Candidate((Text(text="x"),), Finish.STOP, "end_turn")


# -- written ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        (Finish.STOP, "end_turn"),
        (Finish.STOP_SEQUENCE, "stop_sequence"),
        (Finish.LENGTH, "max_tokens"),
        (Finish.FILTER, "refusal"),
        (Finish.REFUSAL, "refusal"),
        (Finish.PAUSE, "pause_turn"),
    ],
)
def test_reasons_are_written(finish: Finish, reason: str) -> None:
    """
    In the SDK's words, whole and in pieces; but with a call it is `tool_use`, unless the answer was cut, when it may be half a call.
    """
    call = ToolCall(id="1", name="f", arguments={})
    called = reason if finish.cut else "tool_use"

    assert whole(Text(text="x"), finish=finish)["stop_reason"] == reason
    assert whole(call, finish=finish)["stop_reason"] == called
    for parts, said in (((Text(text="x"),), reason), ((call,), called)):
        delta = write(*replay(Answer("gemini", (Candidate(parts, finish),))))[-2]
        assert (delta["type"], delta["delta"]["stop_reason"]) == ("message_delta", said)


def test_the_stop_sequence_is_named() -> None:
    """
    As the provider says, or where only one was asked for.
    """
    assert whole(finish=Finish.STOP_SEQUENCE, stop_sequence="END")["stop_sequence"] == "END"
    assert whole(finish=Finish.STOP_SEQUENCE, to=asked(stop=("A",)))["stop_sequence"] == "A"
    assert whole(finish=Finish.STOP_SEQUENCE, to=asked(stop=("A", "B")))["stop_sequence"] is None
    assert whole(finish=Finish.STOP, to=asked(stop=("A",)))["stop_sequence"] is None


PARTS: list[tuple[tuple[Part, ...], list[dict[str, Any]]]] = [
    ((Text(text=""), Text(text="x")), [{"type": "text", "text": "x"}]),
    ((Refusal(text="No."),), [{"type": "text", "text": "No."}]),
    (
        (Reasoning(text="t", signature="s"), Text(text="x")),
        [{"type": "thinking", "thinking": "t", "signature": wrap("google", "s")}, {"type": "text", "text": "x"}],
    ),
    ((Reasoning(text="t"),), [{"type": "thinking", "thinking": "t", "signature": ""}]),
    ((Reasoning(),), []),
    ((Reasoning(signature="e", redacted=True),), [{"type": "redacted_thinking", "data": wrap("google", "e")}]),
    ((Reasoning(signature="e"),), [{"type": "redacted_thinking", "data": wrap("google", "e")}]),
    (
        (Reasoning(signature="p", attached=True), ToolCall(id="a:1", name="f", arguments={"n": 1})),
        [
            {"type": "thinking", "thinking": "", "signature": wrap("google", "p")},
            {"type": "tool_use", "id": "xi_YTox", "name": "f", "input": {"n": 1}},
        ],
    ),
    (
        (ToolCall(id="1", name="f", arguments={}), ToolCall(id="2", name="g", arguments={"ü": [None]}, text='{"ü": [null]}')),
        [{"type": "tool_use", "id": "1", "name": "f", "input": {}}, {"type": "tool_use", "id": "2", "name": "g", "input": {"ü": [None]}}],
    ),
]


@pytest.mark.parametrize(("parts", "blocks"), PARTS)
def test_parts_are_written_as_blocks(parts: tuple[Part, ...], blocks: list[dict[str, Any]]) -> None:
    """
    The same whole and in pieces; no block is empty.
    """
    pieces = blocks_of(write(*replay(Answer("gemini", (Candidate(parts, Finish.STOP),)))))

    assert whole(*parts)["content"] == blocks
    assert pieces == blocks


@pytest.mark.parametrize(("parts", "blocks"), PARTS)
def test_what_a_client_sends_back_is_what_was_meant(parts: tuple[Part, ...], blocks: list[dict[str, Any]]) -> None:
    """
    Proofs return with their origin, attached ones as attached.
    """
    request = AM.decode_request({"messages": [{"role": "assistant", "content": whole(*parts)["content"]}]}, Envelope())

    proofs = [part for part in request.turns[0].parts if isinstance(part, Reasoning) and part.signature]
    meant = [part for part in parts if isinstance(part, Reasoning) and part.signature]
    assert [(part.signature, part.origin, part.attached) for part in proofs] == [
        (part.signature, "google", part.attached) for part in meant
    ]


def test_native_proofs_are_not_wrapped() -> None:
    """
    Within the family a proof is its own; one that was wrapped before stays as it is.
    """
    to = asked("anthropic-vertex", "vertex")
    answer = Answer("anthropic-vertex", (Candidate((Reasoning(text="t", signature="s"), Reasoning(signature="n")), Finish.STOP),))

    assert [block["signature"] for block in AM.encode_answer(answer, to)["content"]] == ["s", "n"]
    assert [block["signature"] for block in blocks_of(write(*replay(answer), to=to))] == ["s", "n"]
    assert unwrap(whole(Reasoning(text="t", signature=wrap("xai", "s")))["content"][0]["signature"]) == ("xai", "s")


@pytest.mark.parametrize(
    ("part", "field"),
    [
        (Image(source=Blob("image/png", "eA==")), "image"),
        (Opaque(kind="tools.server"), "tools.server"),
        (Text(text="x", citations=({},)), "citations"),
    ],
)
def test_what_has_no_block_is_noted(part: Part, field: str) -> None:
    """
    Whole and in pieces.
    """
    for write_it in (lambda to: whole(part, to=to), lambda to: write(*replay(Answer("gemini", (Candidate((part,), Finish.STOP),))), to=to)):
        to = asked()
        write_it(to)
        assert [(loss.field, loss.change) for loss in to.losses.all()] == [(field, Change.DROPPED)]


def test_arguments_that_are_no_object_are_put_into_one() -> None:
    """
    With a note; the SDK's type is an object.
    """
    to = asked()

    message = whole(ToolCall(id="1", name="f", arguments=None, text="{broken"), to=to)

    assert message["content"][0]["input"] == {"arguments": "{broken"}
    assert [loss.field for loss in to.losses.all()] == ["tools.arguments"]


def test_a_refusal_is_explained() -> None:
    """
    `stop_details` holds the model's words, whole and in pieces.
    """
    answer = Answer("openai-chat", (Candidate((Refusal(text="I will not."),), Finish.REFUSAL),))
    details = {"type": "refusal", "category": None, "explanation": "I will not."}

    assert AM.encode_answer(answer, asked())["stop_details"] == details
    assert write(*replay(answer))[-2]["delta"]["stop_details"] == details


def test_usage_of_a_stream_is_what_is_known_by_then() -> None:
    """
    At the start what is known, 0 for the totals the SDK demands; at the end everything, cumulative; what nobody said does not overwrite.
    """
    known = Usage(uncached_input_tokens=10, cache_read_tokens=5)
    final = Usage(uncached_input_tokens=12, cache_read_tokens=5, cache_write_5m_tokens=2, text_output_tokens=3, reasoning_tokens=4)
    only = Usage(text_output_tokens=3)

    started = write(Started(usage=known), Finished(Finish.STOP), Ended(usage=final))
    unsaid = write(Started(), Finished(Finish.STOP), Ended(usage=only))

    assert started[0]["message"]["usage"]["input_tokens"] == 10
    assert started[0]["message"]["usage"]["cache_read_input_tokens"] == 5
    assert started[1]["usage"] == {
        "input_tokens": 12,
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 4},
        "cache_creation_input_tokens": 2,
        "cache_read_input_tokens": 5,
    }
    assert (unsaid[0]["message"]["usage"]["input_tokens"], unsaid[0]["message"]["usage"]["cache_read_input_tokens"]) == (0, None)
    assert unsaid[1]["usage"] == {"output_tokens": 3}


def test_a_stream_fails_in_the_providers_way() -> None:
    """
    An `error` event, of the type the SDK raises by.
    """
    fault = fault_of({"error": {"message": "busy", "type": "overloaded_error"}})

    written = write(Started(), PartStarted(Text(text="")), Delta("a"), Failed(fault))

    assert written[-1]["type"] == "error"
    assert written[-1]["error"]["type"] == "overloaded_error"


def test_a_stream_is_whole_whatever_is_left_out() -> None:
    """
    Without `Started`, without ends of parts, with other candidates in between: one message of one answer.
    """
    written = write(
        Ping(),
        PartStarted(Text(text="")),
        PartStarted(Text(text=""), 1),
        Delta("other", 1),
        Delta("a"),
        PartStarted(ToolCall(id="1", name="f", arguments={})),
        Delta("{}"),
        Finished(Finish.TOOL),
        Ended(),
    )

    assert [event["type"] for event in written][:2] == ["ping", "message_start"]
    assert [event["type"] for event in written][-2:] == ["message_delta", "message_stop"]
    assert blocks_of(written) == [{"type": "text", "text": "a"}, {"type": "tool_use", "id": "1", "name": "f", "input": {}}]


def test_each_event_is_written_at_once() -> None:
    """
    A delta's bytes are there when its event is; nothing waits for the next.
    """
    encoder = AM.stream_encoder(asked())
    encoder.feed(Started())
    encoder.feed(PartStarted(Text(text="")))

    assert b'"text":"a"' in encoder.feed(Delta("a"))
    assert encoder.feed(Delta("b")) == (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}\n\n'
    )
