"""
OpenAI's Responses, both ways: the cases every dialect brings, recorded traffic, the official SDK, and whatever JSON may hold.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import openai
import orjson
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseInputItemParam

from excise.errors import BadRequest
from excise.wire.answer import AnswerDecoder
from excise.wire.coding import decode_body
from excise.wire.dialect import Asked, Encoded, Envelope, Sent, Target, Traits
from excise.wire.dialects.openai_responses import OPENAI_RESPONSES as RS
from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartStarted, Ping, Started
from excise.wire.frame import Frame
from excise.wire.keepsake import unwrap, wrap
from excise.wire.loss import Verdict
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
    Opaque,
    OutputFormat,
    Part,
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
    Video,
)
from excise.wire.sequence import Assembler, replay
from excise.wire.upstream_error import Fault
from excise.wire.usage import Usage
from recordings import records, request_body, require_recordings, response_body, response_encoding

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/translation/openai-responses"
CASES = sorted(path.parent.name for path in FIXTURES.glob("*/request.json"))
CALL_ID = "0123456789abcdef0123456789abcdef"
PLAIN = Envelope()
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


def case(name: str, file: str) -> Any:
    return json.loads((FIXTURES / name / file).read_text(encoding="utf-8"))


def target(provider: str = "openai", model: str = "gpt-5.4-mini", **traits: Any) -> Target:
    return Target(provider, RS.name, model, Traits(**traits))


def foreign(*turns: Turn, **fields: Any) -> Request:
    """
    A request of a client that speaks something else.
    """
    return Request(dialect="anthropic-messages", model="claude", turns=turns or (user("Hi."),), **fields)


def user(*parts: str | Part) -> Turn:
    return Turn("user", tuple(Text(text=part) if isinstance(part, str) else part for part in parts))


def model(*parts: str | Part) -> Turn:
    return Turn("assistant", tuple(Text(text=part) if isinstance(part, str) else part for part in parts))


def asked(body: Any = None, *, dialect: str = "anthropic-messages", provider: str = "anthropic", name: str = "m") -> Asked:
    """
    What a Responses client asked, and who answers.
    """
    request = RS.decode_request(body if body is not None else {"model": name, "input": "Hi."}, PLAIN)
    return Asked(request, PLAIN, name, provider, dialect, CALL_ID, now=1_800_000_000)


def answer(*parts: Part, finish: Finish = Finish.STOP, **fields: Any) -> Answer:
    return Answer("anthropic-messages", (Candidate(parts, finish),), **fields)


def lost(encoded: Encoded) -> dict[str, str]:
    return {loss.field: loss.change.value for loss in encoded.losses}


def events_of(body: bytes, *, size: int | None = None, sent: Sent | None = None) -> list[Event]:
    """
    The events of a streamed answer, cut into chunks of `size` bytes.
    """
    cutter = AnswerDecoder(content_type="text/event-stream", content_encoding=None, dialect=RS.name, operation="responses", limit=1 << 26)
    decoder = RS.stream_decoder(sent or Sent(target()))
    size = size or len(body) or 1
    frames = [frame for start in range(0, len(body), size) for frame in cutter.feed(body[start : start + size])]
    events = [event for frame in [*frames, *cutter.close()] for event in decoder.feed(frame)]
    return [*events, *decoder.close()]


def events_from(*bodies: dict[str, Any], sent: Sent | None = None) -> list[Event]:
    """
    The events of a stream, given as its events' JSON.
    """
    return events_of(b"".join(b"data: %b\n\n" % orjson.dumps(body) for body in bodies), sent=sent)


def assembled(events: list[Event]) -> Answer:
    assembler = Assembler()
    for event in events:
        assembler.feed(event)
    return assembler.answer(RS.name)


def written(events: list[Event], to: Asked) -> bytes:
    encoder = RS.stream_encoder(to)
    return b"".join(encoder.feed(event) for event in events)


def sse(body: bytes) -> list[dict[str, Any]]:
    """
    The events of a written stream, each held to its `event:` line.
    """
    bodies = []
    for block in body.decode().split("\n\n"):
        if not block or block.startswith(":"):
            continue
        name, _, data = block.partition("\n")
        bodies.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {bodies[-1]['type']}"
    return bodies


def as_response(body: Any) -> Response:
    """
    The SDK's own types, which refuse what they do not allow.
    """
    return Response.model_validate(body)


# -- the cases -------------------------------------------------------------------------------------------------------------------------


def plain(part: Part) -> Part:
    """
    A part without the ids and spellings that only this dialect has.
    """
    if isinstance(part, ToolCall):
        return replace(part, text=None, item_id=None)
    if isinstance(part, Reasoning):
        return replace(part, id=None)
    return part


REQUESTS: dict[str, dict[str, Any]] = {
    "text": {"turns": (user("Name the capital of France."),), "max_tokens": 100, "sampling": Sampling(temperature=0.5)},
    "multi_turn": {"turns": (user("My name is Ada."), model("Hello Ada."), user("What is my name?"))},
    "system": {"turns": (Turn("system", (Text(text="Answer in one word."),)), user("Sky colour?"))},
    "parallel_tools": {
        "turns": (
            user("Weather in Paris and Rome?"),
            model(
                "Let me look.",
                ToolCall(id="call_7vGr2KxQmZ0pLd9sWfTy1BnH", name="get_weather", arguments={"city": "Paris"}),
                ToolCall(id="call_Q3hJ8cVbN5uXe6RtYk4MoZaS", name="get_weather", arguments={"city": "Rome"}),
            ),
            user(ToolResult(call_id="call_7vGr2KxQmZ0pLd9sWfTy1BnH", parts=(Text(text="18 C"),))),
            user(ToolResult(call_id="call_Q3hJ8cVbN5uXe6RtYk4MoZaS", parts=(Text(text="24 C, sunny"),))),
        ),
        "tools": (
            Tool(name="get_weather", description="Weather now.", schema=WEATHER),
            Tool(name="get_time", description="Local time.", schema=WEATHER),
        ),
        "tool_choice": ToolChoice("auto"),
    },
    "image": {
        "turns": (
            user(
                "What is this?",
                Image(
                    source=Blob(
                        "image/png",
                        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
                    )
                ),
            ),
        )
    },
    "json_schema": {"turns": (user("Ada, 36."),), "output": OutputFormat(schema=PERSON, name="person")},
    "reasoning": {"turns": (user("Is 91 prime?"),), "reasoning": ReasoningAsk(effort="high", visible=True)},
    "length": {"turns": (user("Count."),), "max_tokens": 16},
    "refusal": {"turns": (user("Do harm."),)},
    "cache": {"turns": (user("Again."),), "cache_key": "again"},
}

ANSWERS: dict[str, tuple[tuple[Part, ...], Finish]] = {
    "text": ((Text(text="Paris is the capital."),), Finish.STOP),
    "multi_turn": ((Text(text="Ada."),), Finish.STOP),
    "system": ((Text(text="Blue"),), Finish.STOP),
    "parallel_tools": (
        (
            ToolCall(id="call_A1b2C3d4E5f6G7h8I9j0K1l2", name="get_weather", arguments={"city": "Oslo"}),
            ToolCall(id="call_M3n4O5p6Q7r8S9t0U1v2W3x4", name="get_time", arguments={"city": "Oslo"}),
        ),
        Finish.TOOL,
    ),
    "image": ((Text(text="A red dot."),), Finish.STOP),
    "json_schema": ((Text(text='{"name":"Ada","age":36}'),), Finish.STOP),
    "reasoning": ((Reasoning(text="91 = 7 * 13.", summary=True), Text(text="No.")), Finish.STOP),
    "length": ((Text(text="One two three four five"),), Finish.LENGTH),
    "refusal": ((Refusal(text="I cannot help with that."),), Finish.REFUSAL),
    "cache": ((Text(text="Cached."),), Finish.STOP),
}


def test_every_case_is_expected():
    """
    No case stands in the folder that nothing is expected of.
    """
    assert set(CASES) == set(REQUESTS) == set(ANSWERS)


@pytest.mark.parametrize("name", CASES)
def test_request_of_a_case_means_what_it_says(name):
    """
    A request reads as the neutral request it stands for, and nothing else is in it.
    """
    body = case(name, "request.json")
    request = RS.decode_request(body, PLAIN)

    turns = tuple(replace(turn, parts=tuple(map(plain, turn.parts))) for turn in request.turns)
    expected = Request(dialect=RS.name, model=body["model"], **REQUESTS[name])
    assert replace(request, turns=turns) == expected


@pytest.mark.parametrize("name", CASES)
def test_answer_of_a_case_means_what_it_says(name):
    """
    An answer reads as the parts it holds, and as how it ended.
    """
    body = case(name, "answer.json")
    read = RS.decode_answer(body, Sent(target()))

    parts, finish = ANSWERS[name]
    candidate = read.candidates[0]
    signatures = [part.signature for part in candidate.parts if isinstance(part, Reasoning)]
    assert tuple(replace(plain(part), signature=None) if isinstance(part, Reasoning) else plain(part) for part in candidate.parts) == parts
    assert candidate.finish is finish
    assert (read.id, read.model, read.created, read.service_tier) == (body["id"], body["model"], body["created_at"], "default")
    assert all(signatures)


@pytest.mark.parametrize("name", CASES)
def test_stream_of_a_case_is_its_answer_in_pieces(name):
    """
    A stream put together is the answer that comes whole, head and end included.
    """
    whole = RS.decode_answer(case(name, "answer.json"), Sent(target()))

    assert replace(assembled(events_of((FIXTURES / name / "stream.txt").read_bytes())), raw=None) == replace(whole, raw=None)


@pytest.mark.parametrize("name", [*CASES, "error"])
def test_cuts_do_not_matter(name):
    """
    A provider may cut its stream at any byte.
    """
    body = (FIXTURES / name / "stream.txt").read_bytes()
    whole = events_of(body)

    for size in (1, 2, 3, 7, 64, 1000):
        assert events_of(body, size=size) == whole


@pytest.mark.parametrize("name", CASES)
def test_request_survives_the_round_trip(name):
    """
    What the dialect reads it can write back, without a loss.
    """
    body = case(name, "request.json")
    encoded = RS.encode_request(RS.decode_request(body, PLAIN), target(model=body["model"]))

    assert encoded.body == body
    assert encoded.verdict is Verdict.EXACT


@pytest.mark.parametrize("name", CASES)
def test_answer_survives_the_round_trip(name):
    """
    An answer of this dialect goes to its client as it came.
    """
    body = case(name, "answer.json")
    to = asked(case(name, "request.json"), dialect=RS.name, provider="openai", name=body["model"])

    assert RS.encode_answer(RS.decode_answer(body, Sent(target())), to) == body


def test_error_in_a_stream_ends_it():
    """
    What came before the error is given; the error is told by its code, and the failed response after it is not told again.
    """
    events = events_of((FIXTURES / "error" / "stream.txt").read_bytes())

    assert [event.text for event in events if isinstance(event, Delta)] == ["Par"]
    assert isinstance(events[-1], Failed)
    assert events[-1].fault.sort == "overload"
    assert sum(isinstance(event, Failed) for event in events) == 1


# -- requests that are read ------------------------------------------------------------------------------------------------------------

PNG = "data:image/png;base64,iVBORw0K"

EVERYTHING: dict[str, Any] = {
    "model": "gpt-5.4",
    "instructions": "Be brief.",
    "input": [
        {"role": "developer", "content": "Speak Latin."},
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Or Greek."}]},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Look.", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
                {"type": "input_image", "image_url": PNG, "detail": "low"},
                {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
                {"type": "input_image", "file_id": "file-1"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="},
                {"type": "input_file", "filename": "notes.txt", "file_data": "aGk="},
                {"type": "input_file", "file_url": "https://example.com/b.pdf"},
                {"type": "input_file", "file_id": "file-2"},
                {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
                {"type": "input_hologram", "hologram": 1},
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
        {"type": "reasoning", "id": "rs_2", "summary": [{"type": "summary_text", "text": "A"}, {"type": "summary_text", "text": "B"}]},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "Well.", "annotations": [{"type": "file_path", "file_id": "file-3", "index": 0}]},
                {"type": "refusal", "refusal": "No."},
            ],
        },
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": '{"a": 1}', "status": "completed"},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "patch", "input": "*** Begin"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}},
        {
            "type": "function_call_output",
            "call_id": "call_1",
            "output": [{"type": "input_text", "text": "seen"}, {"type": "input_image", "image_url": PNG}],
        },
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "done"},
        {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
        {"type": "item_reference", "id": "msg_9"},
        {"role": "assistant", "content": "Hm.", "phase": "commentary"},
        {"role": "user", "content": "And?"},
    ],
    "tools": [
        {"type": "function", "name": "look", "parameters": WEATHER, "strict": False},
        {"type": "web_search", "search_context_size": "low"},
        {"type": "custom", "name": "patch", "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}},
    ],
    "tool_choice": {"type": "function", "name": "look"},
    "parallel_tool_calls": False,
    "max_output_tokens": 900,
    "max_tool_calls": 3,
    "text": {"format": {"type": "json_schema", "name": "person", "schema": PERSON, "strict": True}, "verbosity": "low"},
    "reasoning": {"effort": "xhigh", "summary": "concise", "mode": "pro"},
    "temperature": 1,
    "top_p": 0.9,
    "top_logprobs": 2,
    "include": ["reasoning.encrypted_content", "message.output_text.logprobs", "web_search_call.action.sources"],
    "safety_identifier": "u1",
    "metadata": {"a": "b"},
    "service_tier": "flex",
    "prompt_cache_key": "k",
    "truncation": "auto",
    "store": True,
    "stream": True,
    "stream_options": {"include_obfuscation": True},
    "previous_response_id": "resp_0",
    "x_new_field": {"y": 1},
}


def test_everything_a_request_may_hold_is_read():
    """
    Every kind of item and part has its neutral form; a run of the model's own items is one turn.
    """
    request = RS.decode_request(EVERYTHING, PLAIN)

    assert [turn.role for turn in request.turns] == [
        *("system", "system", "system", "user"),
        *("assistant", "user", "user", "user", "assistant", "user"),
    ]
    look = request.turns[3].parts
    assert look[0] == Text(text="Look.", cache="1h")
    assert [part.source for part in look[1:4] if isinstance(part, Image)] == [
        Blob("image/png", "iVBORw0K"),
        Link("https://example.com/a.png"),
        FileId("file-1"),
    ]
    assert [part.source for part in look if isinstance(part, Document)] == [
        Blob("application/pdf", "JVBERg=="),
        Blob("text/plain", "aGk="),
        Link("https://example.com/b.pdf"),
        FileId("file-2"),
    ]
    assert look[-2:] == (Audio(source=Blob("audio/wav", "UklG")), Opaque(kind="content"))
    assert request.turns[4].parts == (
        Reasoning(signature="gAAA", redacted=True, id="rs_1"),
        Reasoning(text="A\n\nB", summary=True, id="rs_2"),
        Text(text="Well.", citations=({"type": "file_path", "file_id": "file-3", "index": 0},)),
        Refusal(text="No."),
        ToolCall(id="call_1", name="look", arguments={"a": 1}, text='{"a": 1}', item_id="fc_1"),
        ToolCall(id="call_2", name="patch", arguments={"input": "*** Begin"}, item_id="ctc_1"),
        Opaque(kind="tools.server"),
    )
    assert request.turns[5].parts == (ToolResult(call_id="call_1", parts=(Text(text="seen"), Image(source=Blob("image/png", "iVBORw0K")))),)
    assert request.turns[8].parts == (Opaque(kind="stored_state"), Text(text="Hm."))


def test_settings_of_a_request_are_read():
    """
    Every setting has its neutral word, or is named as one that has none, with what leaving it out would mean.
    """
    request = RS.decode_request(EVERYTHING, PLAIN)

    assert request.output == OutputFormat(schema=PERSON, name="person", strict=True)
    assert request.reasoning == ReasoningAsk(effort="xhigh", visible=True)
    assert request.sampling == Sampling(temperature=1, top_p=0.9)
    assert (request.logprobs, request.max_tokens, request.parallel_tools, request.verbosity) == (2, 900, False, "low")
    assert (request.user, request.metadata, request.service_tier, request.cache_key) == ("u1", {"a": "b"}, "flex", "k")
    assert request.tool_choice == ToolChoice("named", ("look",))
    assert request.stream
    assert {extra.field: extra.vital for extra in request.extras} == {
        "tools.server": True,
        "tools.custom": False,
        "reasoning.mode": False,
        "max_tool_calls": False,
        "include": False,
        "truncation": False,
        "store": False,
        "stream_options": False,
        "previous_response_id": True,
        "x_new_field": False,
    }


def test_everything_survives_the_round_trip():
    """
    Nothing of a request is lost on its way to its own dialect, not even what nobody knows.
    """
    assert RS.encode_request(RS.decode_request(EVERYTHING, PLAIN), target(model="gpt-5.4")).body == EVERYTHING


def test_defaults_said_aloud_are_no_extras():
    """
    Clients say defaults; a foreign target loses nothing by them.
    """
    body = {
        "model": "m",
        "input": "Hi.",
        "background": False,
        "store": False,
        "truncation": "disabled",
        "previous_response_id": None,
        "include": ["reasoning.encrypted_content"],
        "text": {"format": {"type": "text"}},
        "reasoning": {},
        "metadata": {},
        "stream_options": {"include_obfuscation": False},
    }
    assert RS.decode_request(body, PLAIN) == Request(dialect=RS.name, model="m", turns=(user("Hi."),))


def test_name_of_an_unknown_field_may_be_content():
    """
    A loss names fields; what does not look like the name of a field is not repeated.
    """
    request = RS.decode_request({"model": "m", "input": "Hi.", "My secret is 42": 1}, PLAIN)

    assert [extra.field for extra in request.extras] == ["unknown"]


def test_allowed_tools():
    """
    Tools that are not allowed are not there; of several that are, one may have to be called.
    """
    tools = [{"type": "function", "name": name, "parameters": WEATHER} for name in ("a", "b", "c")]
    allowed = [{"type": "function", "name": "a"}, {"type": "function", "name": "c"}]
    body = {"model": "m", "input": "Hi.", "tools": tools, "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": allowed}}

    free = RS.decode_request(body, PLAIN)
    assert [tool.name for tool in free.tools] == ["a", "c"]
    assert free.tool_choice == ToolChoice("auto")
    assert RS.encode_request(free, target(model="m")).body == body

    body = {**body, "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": allowed}}
    bound = RS.decode_request(body, PLAIN)
    assert len(bound.tools) == 3
    assert bound.tool_choice == ToolChoice("required", ("a", "c"))


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("input", 5, "input"),
        ("input", None, "input"),
        ("input", ["Hi."], "input[0]"),
        ("input", [{"role": "pirate", "content": "x"}], "input[0].role"),
        ("input", [{"role": "user", "content": 5}], "input[0].content"),
        ("input", [{"role": "user", "content": [{"type": "input_text"}]}], "input[0].content[0].text"),
        ("input", [{"role": "user", "content": [{"type": "input_image"}]}], "input[0].content[0]"),
        ("input", [{"role": "user", "content": [{"type": "input_image", "image_url": "data:oops"}]}], "input[0].content[0].image_url"),
        ("input", [{"type": "function_call", "name": "f", "arguments": "{}"}], "input[0].call_id"),
        ("input", [{"type": "function_call", "call_id": "c", "arguments": "{}"}], "input[0].name"),
        ("input", [{}], "input[0].type"),
        ("instructions", ["a"], "instructions"),
        ("tools", [{"type": "function"}], "tools[0].name"),
        ("tools", {}, "tools"),
        ("tool_choice", "sometimes", "tool_choice"),
        ("temperature", "hot", "temperature"),
        ("max_output_tokens", True, "max_output_tokens"),
        ("text", {"format": {"type": "json_schema", "name": "x"}}, "text.format.schema"),
        ("reasoning", "hard", "reasoning"),
        ("stream", "yes", "stream"),
        ("model", 5, "model"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_place(field, value, place):
    """
    A request that cannot be read is refused, naming the place and never the value.
    """
    with pytest.raises(BadRequest) as refused:
        RS.decode_request({"model": "m", "input": "Hi.", field: value}, PLAIN)

    assert refused.value.message.startswith(f"{place} ")


# -- requests of this dialect, changed -------------------------------------------------------------------------------------------------


def test_what_was_changed_is_written_and_nothing_else():
    """
    A stage may change the neutral request; the rest stays in the client's words.
    """
    request = RS.decode_request(EVERYTHING, PLAIN)
    changed = replace(request, max_tokens=100, sampling=replace(request.sampling, top_p=None), tools=request.tools[1:], stream=False)

    body = RS.encode_request(changed, target(model="gpt-5.4")).body

    assert body["max_output_tokens"] == 100
    assert "top_p" not in body and body["temperature"] == 1
    assert [tool["type"] for tool in body["tools"]] == ["web_search", "custom"]
    assert body["stream"] is False
    same = set(EVERYTHING) - {"max_output_tokens", "top_p", "tools", "stream"}
    assert {field: body[field] for field in same} == {field: EVERYTHING[field] for field in same}


def test_turns_that_were_made_stand_among_the_clients_own():
    """
    A turn without words of its own is written; a single string becomes a list for it.
    """
    request = RS.decode_request({"model": "m", "instructions": "Be brief.", "input": "Hi."}, PLAIN)
    system, said = request.turns
    body = RS.encode_request(replace(request, turns=(system, said, model("Yes?"), user("Go on."))), target(model="m")).body

    assert body["instructions"] == "Be brief."
    assert body["input"] == [
        {"type": "message", "role": "user", "content": "Hi."},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Yes?"}]},
        {"type": "message", "role": "user", "content": "Go on."},
    ]


def test_foreign_thoughts_stay_away_from_this_dialects_own_provider():
    """
    A proof that another provider gave goes back to that one only, even between clients and providers of one dialect.
    """
    proof = wrap("anthropic", "sig")
    body = {
        "model": "m",
        "input": [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": proof}, {"role": "assistant", "content": "No."}],
    }
    request = RS.decode_request(body, PLAIN)

    assert request.turns[0].parts[0] == Reasoning(signature="sig", attached=True, origin="anthropic", id="rs_1")
    away = RS.encode_request(request, target("openai", "m"))
    assert away.body["input"] == body["input"][1:]
    assert lost(away) == {"reasoning.history": "dropped"}
    home = RS.encode_request(request, target("anthropic", "m"))
    assert home.body["input"][0]["encrypted_content"] == "sig"


# -- foreign requests ------------------------------------------------------------------------------------------------------------------


def test_a_conversation_becomes_items():
    """
    Texts, calls, results and pictures are items in their order, typed as the SDK types them.
    """
    request = foreign(
        Turn("system", (Text(text="Be brief."),)),
        user("Look.", Image(source=Blob("image/png", "iVBORw0K"), detail="high"), Image(source=Link("https://example.com/a.png"))),
        model("Let me see.", ToolCall(id="toolu_1", name="look", arguments={"a": 1})),
        user(ToolResult(call_id="toolu_1", parts=(Text(text="seen"), Image(source=Blob("image/png", "iVBORw0K")))), "So?"),
        Turn("system", (Text(text="In Latin."), Text(text="Or Greek."))),
        model("Ita."),
        user(""),
        tools=(Tool(name="look"),),
    )
    encoded = RS.encode_request(request, target())

    assert encoded.verdict is Verdict.EXACT
    assert encoded.body == {
        "model": "gpt-5.4-mini",
        "instructions": "Be brief.",
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Look."},
                    {"type": "input_image", "image_url": PNG, "detail": "high"},
                    {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
                ],
            },
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me see."}]},
            {"type": "function_call", "call_id": "toolu_1", "name": "look", "arguments": '{"a":1}'},
            {
                "type": "function_call_output",
                "call_id": "toolu_1",
                "output": [{"type": "input_text", "text": "seen"}, {"type": "input_image", "image_url": PNG, "detail": "auto"}],
            },
            {"type": "message", "role": "user", "content": "So?"},
            {
                "type": "message",
                "role": "system",
                "content": [{"type": "input_text", "text": "In Latin."}, {"type": "input_text", "text": "Or Greek."}],
            },
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Ita."}]},
            {"type": "message", "role": "user", "content": ""},
        ],
        "tools": [{"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}, "strict": False}],
        "store": False,
    }
    known = pydantic.TypeAdapter(ResponseInputItemParam)
    for item in encoded.body["input"]:
        if item.get("role") != "assistant":  # whose ids the types want and the API does not
            known.validate_python(item)


def test_what_is_written_for_a_foreign_client_reads_as_what_it_asked():
    """
    Encoding and decoding again gives the same conversation and settings.
    """
    request = foreign(
        Turn("system", (Text(text="Be brief."),)),
        user("Hi."),
        model("Let me see.", ToolCall(id="call_1", name="look", arguments={"a": 1})),
        user(ToolResult(call_id="call_1", parts=(Text(text="seen"),), name="look")),
        tools=(Tool(name="look", description="Looks.", schema=PERSON, strict=True),),
        tool_choice=ToolChoice("named", ("look",)),
        parallel_tools=False,
        max_tokens=100,
        output=OutputFormat(schema=PERSON, name="person", strict=True),
        reasoning=ReasoningAsk(effort="low", visible=True),
        sampling=Sampling(temperature=0.5, top_p=0.1),
        user="u1",
        metadata={"a": "b"},
        service_tier="flex",
        cache_key="k",
        verbosity="low",
        stream=True,
    )
    again = RS.decode_request(RS.encode_request(request, target(model="claude")).body, PLAIN)

    turns = tuple(
        replace(
            turn, parts=tuple(replace(plain(part), name="look") if isinstance(part, ToolResult) else plain(part) for part in turn.parts)
        )
        for turn in again.turns
    )
    assert replace(again, turns=turns, dialect=request.dialect, raw=None) == request
    assert again.raw["include"] == ["reasoning.encrypted_content"]


def call(id_: str, name: str = "look") -> tuple[Turn, Turn]:
    return model(ToolCall(id=id_, name=name, arguments={})), user(ToolResult(call_id=id_, parts=(Text(text="ok"),)))


def test_ids_of_calls_fit_and_agree():
    """
    An id that the API would refuse is another one, in the call and in its result alike.
    """
    encoded = RS.encode_request(foreign(user("Hi."), *call("functions.look:0"), *call("x" * 90)), target())
    made, done, made_long, done_long = encoded.body["input"][1:]

    assert made["call_id"] == done["call_id"] != "functions.look:0"
    assert made_long["call_id"] == done_long["call_id"]
    assert len(made_long["call_id"]) <= 64


def test_names_of_tools_fit_and_come_back():
    """
    A name beyond the alphabet is another one everywhere in the request, and its own again in the answer.
    """
    request = foreign(
        user("Hi."),
        *call("c1", "files.read"),
        tools=(Tool(name="files.read"), Tool(name="files_read"), Tool(name="é" * 70)),
        tool_choice=ToolChoice("named", ("files.read",)),
    )
    encoded = RS.encode_request(request, target())

    names = [tool["name"] for tool in encoded.body["tools"]]
    assert len(set(names)) == 3 and names[1] == "files_read"
    assert encoded.body["tool_choice"] == {"type": "function", "name": names[0]}
    assert encoded.body["input"][1]["name"] == names[0]
    assert lost(encoded) == {"tools.name": "changed"}
    back = {"status": "completed", "output": [{"type": "function_call", "call_id": "c", "name": names[0], "arguments": "{}"}]}
    assert RS.decode_answer(back, encoded.sent).candidates[0].parts[0] == ToolCall(id="c", name="files.read", arguments={}, text="{}")


def test_an_error_of_a_tool_is_said_in_its_text():
    """
    The API has no mark for it, so the model reads it.
    """
    failed = ToolResult(call_id="c", parts=(Text(text="no such file"),), is_error=True)
    encoded = RS.encode_request(foreign(user("Hi."), call("c")[0], user(failed)), target())

    assert encoded.body["input"][-1] == {"type": "function_call_output", "call_id": "c", "output": "Error: no such file"}
    assert lost(encoded) == {"tool_result.is_error": "changed"}


def test_a_value_of_a_tool_is_said_as_json():
    """
    Results that are no text become text.
    """
    encoded = RS.encode_request(foreign(user("Hi."), call("c")[0], user(ToolResult(call_id="c", value={"celsius": 18}))), target())

    assert encoded.body["input"][-1]["output"] == '{"celsius":18}'


def test_thoughts_go_home_only():
    """
    A thought goes back to the provider that had it, with its proof and before what came of it; to any other it does not.
    """
    own = Reasoning(text="Hm.", signature="sig", origin="openai")
    turns = (user("Hi."), model(own, "Yes.", replace(own, signature="sig2")), user("And?"))

    home = RS.encode_request(foreign(*turns), target("openai"))
    assert home.body["input"][1] == {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Hm."}],
        "encrypted_content": "sig",
    }
    assert [item["type"] for item in home.body["input"]] == ["message", "reasoning", "message", "message"]  # nothing came of the last
    away = RS.encode_request(foreign(*turns), target("xai"))
    assert [item["type"] for item in away.body["input"]] == ["message", "message", "message"]
    assert lost(away) == {"reasoning.history": "dropped"}


def test_proofs_are_asked_for_where_the_model_thinks():
    """
    Models that do not reason refuse to be asked for encrypted thoughts.
    """
    hard = ReasoningAsk(effort="high")
    include = ["reasoning.encrypted_content"]

    assert RS.encode_request(foreign(), target(reasoning="effort")).body["include"] == include
    assert RS.encode_request(foreign(reasoning=hard), target()).body["include"] == include
    assert "include" not in RS.encode_request(foreign(), target()).body
    quiet = RS.encode_request(foreign(reasoning=hard), target(reasoning="none"))
    assert quiet.body.keys().isdisjoint(("include", "reasoning"))
    assert lost(quiet) == {"reasoning": "dropped"}


def test_tools_are_strict_only_where_that_was_asked():
    """
    Tools are strict here unless one says otherwise; a schema without a strict form is not held to.
    """
    loose = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}}
    tools = (Tool(name="a", schema=PERSON, strict=True), Tool(name="b", schema=loose, strict=True), Tool(name="c", schema=PERSON))
    encoded = RS.encode_request(foreign(tools=tools), target())

    assert [tool["strict"] for tool in encoded.body["tools"]] == [True, False, False]
    assert lost(encoded) == {"tools.strict": "changed"}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("auto"), "auto"),
        (ToolChoice("none"), "none"),
        (ToolChoice("required"), "required"),
        (ToolChoice("named", ("a",)), {"type": "function", "name": "a"}),
        (
            ToolChoice("required", ("a", "b")),
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "a"}, {"type": "function", "name": "b"}]},
        ),
    ],
)
def test_choice_of_tools(choice, expected):
    """
    Every choice has its word.
    """
    encoded = RS.encode_request(foreign(tools=(Tool(name="a"), Tool(name="b")), tool_choice=choice), target())

    assert encoded.body["tool_choice"] == expected
    assert encoded.verdict is Verdict.EXACT


def test_schema_without_a_name():
    """
    A schema has a name here.
    """
    encoded = RS.encode_request(foreign(output=OutputFormat(schema=PERSON, strict=True)), target())

    assert encoded.body["text"]["format"] == {"type": "json_schema", "name": "answer", "schema": PERSON, "strict": True}
    assert encoded.verdict is Verdict.EXACT


@pytest.mark.parametrize("tools", [(), (Tool(name="look"), Tool(name="answer"))])
def test_a_model_without_schemas_answers_through_a_tool(tools):
    """
    The tool's call is the answer's text, whole and streamed, and the answer ended as one.
    """
    encoded = RS.encode_request(foreign(tools=tools, output=OutputFormat(schema=PERSON)), target(json_schema=False))
    tool = encoded.body["tools"][-1]

    assert tool["parameters"] == PERSON
    assert encoded.sent.unwrap_tool == tool["name"]
    assert [name["name"] for name in encoded.body["tools"]].count(tool["name"]) == 1
    assert encoded.body["tool_choice"] == ("required" if tools else {"type": "function", "name": tool["name"]})
    assert lost(encoded) == {"output.schema": "emulated"}
    item = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": tool["name"], "arguments": '{"name":"Ada","age":36}'}
    body = {"status": "completed", "output": [item]}
    whole = RS.decode_answer(body, encoded.sent).candidates
    assert whole == (Candidate((Text(text='{"name":"Ada","age":36}'),), Finish.STOP, "completed"),)
    streamed = events_from(
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "arguments": ""}},
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '{"name":"Ada",'},
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '"age":36}'},
        {"type": "response.completed", "response": body},
        sent=encoded.sent,
    )
    assert assembled(streamed).candidates == whole


def test_json_without_a_schema_needs_the_word():
    """
    The API refuses JSON mode where the input does not speak of JSON, and instructions are no input.
    """
    form = OutputFormat()
    silent = RS.encode_request(foreign(output=form), target())
    assert silent.body["input"][0] == {"type": "message", "role": "system", "content": "Answer with a JSON object."}
    assert lost(silent) == {"output.json_object": "emulated"}

    spoken = RS.encode_request(foreign(user("Give me Json."), output=form), target())
    assert len(spoken.body["input"]) == 1
    told = RS.encode_request(foreign(Turn("system", (Text(text="Use JSON."),)), user("Hi."), output=form), target())
    assert "instructions" not in told.body
    assert told.body["input"][0]["content"] == "Use JSON."
    assert spoken.verdict is told.verdict is Verdict.EXACT
    assert told.body["text"] == {"format": {"type": "json_object"}}


@pytest.mark.parametrize(
    ("fields", "traits", "field", "change"),
    [
        ({"max_tokens": 5}, {}, "max_tokens", "clamped"),
        ({"max_tokens": 9000}, {"max_output_tokens": 4096}, "max_tokens", "clamped"),
        ({"stop": ("END",)}, {}, "stop", "emulated"),
        ({"sampling": Sampling(temperature=2.5)}, {}, "temperature", "clamped"),
        ({"sampling": Sampling(temperature=0.5)}, {"sampling": False}, "temperature", "dropped"),
        ({"sampling": Sampling(top_p=0.5)}, {"sampling": False}, "top_p", "dropped"),
        ({"sampling": Sampling(top_k=5)}, {}, "top_k", "dropped"),
        ({"sampling": Sampling(min_p=0.1)}, {}, "min_p", "dropped"),
        ({"sampling": Sampling(seed=5)}, {}, "seed", "dropped"),
        ({"sampling": Sampling(frequency_penalty=1)}, {}, "frequency_penalty", "dropped"),
        ({"sampling": Sampling(presence_penalty=1)}, {}, "presence_penalty", "dropped"),
        ({"sampling": Sampling(logit_bias={"1": 2})}, {}, "logit_bias", "dropped"),
        ({"candidates": 2}, {}, "candidates", "impossible"),
        ({"logprobs": 0}, {}, "logprobs", "impossible"),
        ({"user": "x" * 200}, {}, "user", "dropped"),
        ({"metadata": {"a": 5}}, {}, "metadata", "dropped"),
        ({"service_tier": "turbo"}, {}, "service_tier", "dropped"),
        ({"verbosity": "shouting"}, {}, "verbosity", "dropped"),
        ({"cache_key": "x" * 65}, {}, "cache_key", "dropped"),
        ({"reasoning": ReasoningAsk(budget_tokens=5000)}, {}, "reasoning.budget", "changed"),
        ({"reasoning": ReasoningAsk(effort="max")}, {"efforts": ("low", "high")}, "reasoning.effort", "clamped"),
        ({"tools": (Tool(name="a", cache="5m"),)}, {}, "cache", "dropped"),
        ({"tools": (Tool(name="a"),)}, {"tools": False}, "tools", "impossible"),
        ({"tools": (Tool(name="a"),), "tool_choice": ToolChoice("required")}, {"forced_tools": False}, "tool_choice", "impossible"),
        ({"output": OutputFormat(schema=PERSON)}, {"json_schema": False, "forced_tools": False}, "output.schema", "impossible"),
        ({"output": OutputFormat(schema={"type": "object"}, strict=True)}, {}, "output.strict", "changed"),
        ({"extras": (Extra("prediction", True, "no"),)}, {}, "prediction", "impossible"),
        ({"extras": (Extra("safety_settings", False, "no"),)}, {}, "safety_settings", "dropped"),
    ],
)
def test_settings_that_are_lost_are_told(fields, traits, field, change):
    """
    What the target has no word for is dropped, clamped, changed or refused, and said.
    """
    assert lost(RS.encode_request(foreign(**fields), target(**traits))) == {field: change}


@pytest.mark.parametrize(
    ("part", "traits", "field", "change"),
    [
        (Image(source=FileId("f")), {}, "file_id", "impossible"),
        (Image(source=Link("gs://a/b.png")), {}, "image.url", "impossible"),
        (Image(source=Blob("image/png", "iVBORw0K")), {"vision": False}, "image", "impossible"),
        (Image(source=Blob("image/png", "iVBORw0K"), detail="ultra"), {}, "image.detail", "dropped"),
        (Document(source=Blob("application/pdf", "JVBERg==")), {"pdf": False}, "document", "impossible"),
        (Document(source=Link("s3://a/b.pdf")), {}, "document.url", "impossible"),
        (Document(source=FileId("f")), {}, "file_id", "impossible"),
        (Document(source=Blob("application/pdf", "JVBERg=="), context="c"), {}, "document.context", "dropped"),
        (Document(source=Blob("application/pdf", "JVBERg=="), citations=True), {}, "citations", "dropped"),
        (Document(source=Link("https://example.com/a.pdf"), title="A"), {}, "document.title", "dropped"),
        (Audio(source=Blob("audio/flac", "ZkxhQw==")), {}, "audio", "impossible"),
        (Audio(source=Blob("audio/wav", "UklG")), {"audio_in": False}, "audio", "impossible"),
        (Video(source=Blob("video/mp4", "AAAA")), {}, "video", "impossible"),
        (Text(text="a", cache="5m"), {}, "cache", "dropped"),
        (Text(text="a", citations=({},)), {}, "citations", "dropped"),
        (Opaque(kind="tools.server"), {}, "tools.server", "impossible"),
        (Opaque(kind="note", vital=False), {}, "note", "dropped"),
    ],
)
def test_content_that_is_lost_is_told(part, traits, field, change):
    """
    Content the target cannot take makes it impossible; what only accompanies content is dropped.
    """
    assert lost(RS.encode_request(foreign(user("Hi.", part)), target(**traits))) == {field: change}


def test_documents():
    """
    A document travels under a name whose ending tells its kind.
    """
    parts = (
        Document(source=Blob("application/pdf", "JVBERg=="), title="Annual report"),
        Document(source=Blob("text/plain", "aGk="), title="a.log"),
        Document(source=Blob("text/plain", "aGk=")),
        Document(source=Link("https://example.com/a.pdf")),
        Audio(source=Blob("audio/mpeg", "SUQz")),
    )
    encoded = RS.encode_request(foreign(user(*parts)), target())

    assert encoded.body["input"][0]["content"] == [
        {"type": "input_file", "filename": "Annual report.pdf", "file_data": "data:application/pdf;base64,JVBERg=="},
        {"type": "input_file", "filename": "a.log", "file_data": "data:text/plain;base64,aGk="},
        {"type": "input_file", "filename": "document.txt", "file_data": "data:text/plain;base64,aGk="},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
    ]
    assert encoded.verdict is Verdict.EXACT


@pytest.mark.parametrize(("prefill", "expected"), [(None, {"prefill": "changed"}), (False, {"prefill": "impossible"}), (True, {})])
def test_an_answer_that_was_begun(prefill, expected):
    """
    The API answers in a turn of its own.
    """
    assert lost(RS.encode_request(foreign(user("Hi."), model("Well,")), target(prefill=prefill))) == expected


def test_a_conversation_with_nothing_in_it():
    """
    System text alone is the input, for there must be one; turns without parts are no items.
    """
    alone = RS.encode_request(foreign(Turn("system", (Text(text="Begin."),))), target())
    assert alone.body["input"] == [{"type": "message", "role": "system", "content": "Begin."}]
    assert "instructions" not in alone.body
    assert RS.encode_request(foreign(user("Hi."), model()), target()).body["input"] == [
        {"type": "message", "role": "user", "content": "Hi."}
    ]


def test_the_app_s_user():
    """
    Imitators of the API know its older word.
    """
    assert RS.encode_request(foreign(user=None), target()).body.keys().isdisjoint(("user", "safety_identifier"))
    assert RS.encode_request(replace(foreign(), user="u"), target("openai")).body["safety_identifier"] == "u"
    assert RS.encode_request(replace(foreign(), user="u"), target("xai")).body["user"] == "u"


# -- answers that are read -------------------------------------------------------------------------------------------------------------


def message(text: str, **fields: Any) -> dict[str, Any]:
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": text}], **fields}


def a_call(arguments: str = "{}", **fields: Any) -> dict[str, Any]:
    return {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "look", "arguments": arguments, **fields}


@pytest.mark.parametrize(
    ("body", "finish", "native"),
    [
        ({"status": "completed", "output": [message("a")]}, Finish.STOP, "completed"),
        ({"status": "completed", "output": [a_call()]}, Finish.TOOL, "completed"),
        (
            {"status": "incomplete", "output": [a_call()], "incomplete_details": {"reason": "max_output_tokens"}},
            Finish.TOOL,
            "max_output_tokens",
        ),
        (
            {"status": "incomplete", "output": [a_call('{"a"')], "incomplete_details": {"reason": "max_output_tokens"}},
            Finish.LENGTH,
            "max_output_tokens",
        ),
        ({"status": "incomplete", "output": [], "incomplete_details": {"reason": "content_filter"}}, Finish.FILTER, "content_filter"),
        ({"status": "incomplete", "output": [message("a")]}, Finish.LENGTH, "incomplete"),
        ({"status": "incomplete", "output": [], "incomplete_details": {"reason": "moonrise"}}, Finish.BROKEN, "moonrise"),
        ({"status": "failed", "output": [a_call()]}, Finish.BROKEN, "failed"),
        ({"status": "cancelled", "output": [message("a")]}, Finish.BROKEN, "cancelled"),
        ({"status": "queued", "output": []}, Finish.BROKEN, "queued"),
        ({"status": "splendid", "output": [message("a")]}, Finish.BROKEN, "splendid"),
        ({"output": [message("a")]}, Finish.STOP, None),
        ({}, Finish.BROKEN, None),
        ([], Finish.BROKEN, None),
        (None, Finish.BROKEN, None),
    ],
)
def test_how_an_answer_ended(body, finish, native):
    """
    A call is one wherever the limit left it whole; words nobody knows are broken, never a stop.
    """
    candidate = RS.decode_answer(body, Sent(target())).candidates[0]

    assert (candidate.finish, candidate.native_finish) == (finish, native)


def test_items_of_an_answer():
    """
    Thoughts, free-text calls and the provider's own tools have their parts; a thought that is only a name has none.
    """
    output = [
        {"type": "reasoning", "id": "rs_0", "summary": []},
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]},
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gAAA"},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c", "name": "patch", "input": "***"},
        {"type": "web_search_call", "id": "ws_1"},
        message(""),
        5,
    ]
    parts = RS.decode_answer({"status": "completed", "output": output}, Sent(target())).candidates[0].parts

    assert parts == (
        Reasoning(text="Hm.", id="rs_1"),
        Reasoning(signature="gAAA", redacted=True, id="rs_2"),
        ToolCall(id="c", name="patch", arguments={"input": "***"}, item_id="ctc_1"),
        Opaque(kind="tools.server", vital=False),
    )
    assert parts[1].signature == "gAAA"


# -- answers that are written ----------------------------------------------------------------------------------------------------------

USAGE = Usage(
    uncached_input_tokens=100,
    cache_read_tokens=800,
    cache_write_5m_tokens=60,
    cache_write_1h_tokens=40,
    text_output_tokens=5,
    reasoning_tokens=20,
)
MIXED = answer(
    Reasoning(text="91 = 7 * 13.", signature="sig"),
    Reasoning(signature="blob", redacted=True),
    Text(text="No. "),
    Text(text="Look:"),
    ToolCall(id="functions.look:0", name="look", arguments={"a": 1}),
    ToolCall(id="toolu_2", name="look", arguments=None, text="{oops"),
    Text(text="Done."),
    finish=Finish.TOOL,
    id="msg_01ABC",
    model="claude-x",
    usage=USAGE,
    service_tier="standard",
)


def test_an_answer_is_a_whole_response():
    """
    A foreign answer is one the SDK's types accept, and holds everything that was said, in order, each item under an id of its own.
    """
    to = asked(
        {"model": "gpt-5.4", "input": "Hi.", "instructions": "Be brief.", "tools": [{"type": "function", "name": "look"}], "top_p": 0.5}
    )
    body = RS.encode_answer(MIXED, to)
    response = as_response(body)

    assert [item.type for item in response.output] == [
        *("reasoning", "reasoning", "message"),
        *("function_call", "function_call", "message"),
    ]
    assert response.output_text == "No. Look:Done."
    assert response.output[0].summary[0].text == "91 = 7 * 13."
    assert [unwrap(item.encrypted_content) for item in response.output[:2]] == [("anthropic", "sig"), ("anthropic", "blob")]
    assert [item.arguments for item in response.output[3:5]] == ['{"a":1}', "{oops"]
    ids = [item.id for item in response.output]
    assert len(set(ids)) == 6
    assert [id_.partition("_")[0] for id_ in ids] == ["rs", "rs", "msg", "fc", "fc", "msg"]
    assert (response.id, response.object, response.status, response.model) == (f"resp_{CALL_ID}", "response", "completed", "m")
    assert (response.created_at, response.instructions, response.top_p, response.temperature) == (1_800_000_000, "Be brief.", 0.5, 1.0)
    assert body["store"] is False  # whatever was asked
    assert response.usage.model_dump(exclude_none=True) == {
        "input_tokens": 1000,
        "input_tokens_details": {"cached_tokens": 800, "cache_write_tokens": 100},
        "output_tokens": 25,
        "output_tokens_details": {"reasoning_tokens": 20},
        "total_tokens": 1025,
    }


def test_what_an_answer_says_comes_back_with_the_next_request():
    """
    A client sends the items back as they are: the calls keep their ids for the provider, and the proofs their home.
    """
    body = RS.encode_answer(MIXED, asked())
    results = [{"type": "function_call_output", "call_id": item["call_id"], "output": "ok"} for item in body["output"][3:5]]
    request = RS.decode_request({"model": "m", "input": [{"role": "user", "content": "Hi."}, *body["output"], *results]}, PLAIN)

    history = request.turns[1].parts
    assert [plain(part) for part in history[:2]] == [
        Reasoning(text="91 = 7 * 13.", signature="sig", summary=True, origin="anthropic"),
        Reasoning(signature="blob", redacted=True, origin="anthropic"),
    ]
    assert [part.text for part in history if isinstance(part, Text)] == ["No. ", "Look:", "Done."]
    again = RS.encode_request(replace(request, dialect="x", raw=None), target("kimi"))
    ids = [item["call_id"] for item in again.body["input"] if "call_id" in item]
    assert ids[0] == ids[2] == body["output"][3]["call_id"]


@pytest.mark.parametrize(
    "thought",
    [
        Reasoning(text="Hm.", signature="s"),
        Reasoning(signature="s", redacted=True),
        Reasoning(signature="s", attached=True),
        Reasoning(signature="s"),
    ],
)
def test_a_proof_comes_back_as_what_it_was(thought):
    """
    Proofs without words are told apart, though the client knows only one form: its maker wants each back in its own place.
    """
    thinking = answer(thought, Text(text="No."))
    back = replace(thought, origin="anthropic", summary=bool(thought.text))
    for output in (RS.encode_answer(thinking, asked())["output"], sse(written(replay(thinking), asked()))[-1]["response"]["output"]):
        items = [{key: value for key, value in item.items() if key != "id"} for item in output]  # some clients leave ids out
        request = RS.decode_request({"model": "m", "input": items}, PLAIN)
        assert request.turns[0].parts[0] == back
        assert request.turns[0].parts[0].signature == "s"


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        (Finish.STOP, "completed", None),
        (Finish.STOP_SEQUENCE, "completed", None),
        (Finish.TOOL, "completed", None),
        (Finish.LENGTH, "incomplete", "max_output_tokens"),
        (Finish.FILTER, "incomplete", "content_filter"),
        (Finish.REFUSAL, "incomplete", "content_filter"),
        (Finish.PAUSE, "incomplete", None),
        (Finish.BROKEN, "failed", None),
    ],
)
def test_status_of_an_answer(finish, status, reason):
    """
    Only what ended well is completed, whole and streamed alike.
    """
    ended = answer(Text(text="Hm."), finish=finish)
    whole = RS.encode_answer(ended, asked())
    last = sse(written(replay(ended), asked()))[-1]

    as_response(whole)
    assert whole["status"] == status
    assert (whole["incomplete_details"] or {}).get("reason") == reason
    assert (last["type"], last["response"]["status"]) == (f"response.{status}", status)
    assert last["response"]["incomplete_details"] == whole["incomplete_details"]
    assert (whole["error"] is not None) == (status == "failed")


def test_a_refusal_in_words_is_an_answer():
    """
    The refusal stands in its own part, and the response is complete.
    """
    refused = answer(Refusal(text="I cannot."), finish=Finish.REFUSAL)
    body = RS.encode_answer(refused, asked())

    assert body["status"] == "completed"
    assert as_response(body).output[0].content[0].refusal == "I cannot."
    assert sse(written(replay(refused), asked()))[-1]["response"]["output"] == body["output"]


def test_what_an_answer_cannot_carry_is_told():
    """
    Further candidates, foreign citations, pictures and the provider's own items are left out, and said.
    """
    parts = (Text(text="a", citations=({"x": 1},)), Image(source=Blob("image/png", "iVBORw0K")), Opaque(kind="tools.server"))
    several = Answer("gemini", (Candidate(parts, Finish.STOP), Candidate((Text(text="b"),), Finish.STOP)))
    for write in (lambda to: RS.encode_answer(several, to), lambda to: sse(written(replay(several), to))[-1]["response"]):
        to = asked()
        body = write(to)
        assert [item["content"][0]["text"] for item in body["output"]] == ["a"]
        assert {(loss.field, loss.change.value) for loss in to.losses.all()} == {
            *{("candidates", "dropped"), ("citations", "dropped")},
            *{("image", "dropped"), ("tools.server", "dropped")},
        }


def test_usage_that_nobody_said_is_null():
    """
    Missing is not zero.
    """
    assert RS.encode_answer(answer(Text(text="a")), asked())["usage"] is None


CUSTOM = {
    "model": "m",
    "input": "Hi.",
    "tools": [{"type": "custom", "name": "patch", "description": "Patches.", "format": {"type": "text"}}],
}


def test_free_text_tools_cross():
    """
    Elsewhere such a tool is a function with one text argument; its calls come back as the client knows them.
    """
    request = RS.decode_request(CUSTOM, PLAIN)
    (tool,) = request.tools
    assert tool.schema["required"] == ["input"]
    assert tool.description == "Patches."

    called = answer(ToolCall(id="c1", name="patch", arguments={"input": "*** Begin\n"}), finish=Finish.TOOL)
    body = RS.encode_answer(called, asked(CUSTOM))
    item = {
        "id": f"ctc_{CALL_ID}01",
        "type": "custom_tool_call",
        "status": "completed",
        "call_id": "c1",
        "name": "patch",
        "input": "*** Begin\n",
    }
    assert body["output"] == [item]
    events = sse(written(replay(called), asked(CUSTOM)))
    assert [event["type"] for event in events[2:-1]] == [
        "response.output_item.added",
        "response.custom_tool_call_input.delta",
        "response.custom_tool_call_input.done",
        "response.output_item.done",
    ]
    assert events[-2]["item"] == item
    assert events[2]["item"] == {**item, "status": "in_progress", "input": ""}


def test_a_grammar_is_told_where_it_cannot_be_held_to():
    """
    A target without grammars reads it in the tool's description.
    """
    (tool,) = RS.decode_request(
        {**CUSTOM, "tools": [{"type": "custom", "name": "p", "format": {"type": "grammar", "syntax": "regex", "definition": "a+"}}]}, PLAIN
    ).tools

    assert tool.description == "The argument `input` must match this regular expression:\na+"


# -- streams that are read -------------------------------------------------------------------------------------------------------------

CREATED = {"type": "response.created", "response": {"id": "resp_1", "model": "m", "created_at": 5.5, "status": "in_progress", "output": []}}
COMPLETED = {"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": [], "service_tier": "flex"}}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "A."}, {"type": "summary_text", "text": "B."}]}
WHOLE = [{**THOUGHT, "encrypted_content": "gAAA"}, message("Hello."), a_call('{"a":1}')]
WHOLE_PARTS = (
    Reasoning(text="A.\n\nB.", signature="gAAA", summary=True, id="rs_1"),
    Text(text="Hello."),
    ToolCall(id="c", name="look", arguments={"a": 1}, text='{"a":1}', item_id="fc_1"),
)


def pieces() -> list[dict[str, Any]]:
    """
    A stream of `WHOLE`, every event there is.
    """
    thought: dict[str, Any] = {"output_index": 0, "item_id": "rs_1"}
    text: dict[str, Any] = {"output_index": 1, "item_id": "msg_1", "content_index": 0}
    tool: dict[str, Any] = {"output_index": 2, "item_id": "fc_1"}
    events: list[dict[str, Any]] = [
        {"type": "response.output_item.added", "output_index": 0, "item": {**THOUGHT, "summary": [], "encrypted_content": "part"}}
    ]
    for index, summary in enumerate(("A.", "B.")):
        at = {**thought, "summary_index": index}
        events += [
            {"type": "response.reasoning_summary_part.added", **at, "part": {"type": "summary_text", "text": ""}},
            {"type": "response.reasoning_summary_text.delta", **at, "delta": summary[:1]},
            {"type": "response.reasoning_summary_text.delta", **at, "delta": summary[1:]},
            {"type": "response.reasoning_summary_text.done", **at, "text": summary},
            {"type": "response.reasoning_summary_part.done", **at, "part": {"type": "summary_text", "text": summary}},
        ]
    events += [
        {"type": "response.output_item.done", "output_index": 0, "item": WHOLE[0]},
        {"type": "response.output_item.added", "output_index": 1, "item": {**WHOLE[1], "content": []}},
        {"type": "response.content_part.added", **text, "part": {"type": "output_text", "text": ""}},
        {"type": "response.output_text.delta", **text, "delta": "Hel"},
        {"type": "response.output_text.delta", **text, "delta": "lo."},
        {"type": "response.output_text.done", **text, "text": "Hello."},
        {"type": "response.content_part.done", **text, "part": {"type": "output_text", "text": "Hello."}},
        {"type": "response.output_item.done", "output_index": 1, "item": WHOLE[1]},
        {"type": "response.output_item.added", "output_index": 2, "item": a_call("")},
        {"type": "response.function_call_arguments.delta", **tool, "delta": '{"a"'},
        {"type": "response.function_call_arguments.delta", **tool, "delta": ":1}"},
        {"type": "response.function_call_arguments.done", **tool, "arguments": '{"a":1}'},
        {"type": "response.output_item.done", "output_index": 2, "item": WHOLE[2]},
    ]
    return events


LEFT_OUT = [
    ("nothing", ()),
    ("created", ("response.created",)),
    ("announcements of items", ("output_item.added",)),
    ("announcements of parts", ("part.added",)),
    ("ends of texts", ("text.done", "arguments.done")),
    ("ends of parts", ("part.done", "text.done")),
    ("ends of items", ("output_item.done",)),
    ("all ends", (".done",)),
    ("deltas", (".delta",)),
    ("deltas and ends within items", (".delta", "text.done", "part.done", "arguments.done")),
    ("everything but the last", ("output", "reasoning", "content_part", "arguments", "created")),
]


@pytest.mark.parametrize("missing", [missing for _, missing in LEFT_OUT], ids=[name for name, _ in LEFT_OUT])
def test_streams_with_gaps(missing):
    """
    Imitators leave out events that only say again what others say; nothing of the answer is lost by it, and nothing doubled.
    """
    last = {**COMPLETED, "response": {**COMPLETED["response"], "output": WHOLE}}
    kept = [
        event
        for event in [CREATED, *pieces()]
        if not event["type"].endswith(missing) and not any(part in event["type"] for part in missing)
    ]
    events = events_from(*kept, last)

    assert isinstance(events[0], Started)
    assert assembled(events).candidates == (Candidate(WHOLE_PARTS, Finish.TOOL, "completed"),)
    assert assembled(events).service_tier == "flex"


def test_pieces_go_out_as_they_come():
    """
    No delta waits for another one.
    """
    decoder = RS.stream_decoder(Sent(target()))
    given = [[type(event).__name__ for event in decoder.feed(Frame(b"", None, orjson.dumps(body)))] for body in [CREATED, *pieces()[12:16]]]

    assert given == [["Started"], [], [], ["PartStarted", "Delta"], ["Delta"]]


def test_events_without_places():
    """
    Where an event says neither place nor id, it speaks of the item before it.
    """
    bare = [{key: value for key, value in event.items() if key not in ("output_index", "item_id", "content_index")} for event in pieces()]
    events = events_from(CREATED, *bare, COMPLETED)

    assert assembled(events).candidates[0].parts == WHOLE_PARTS


def test_items_that_interleave_come_one_after_the_other():
    """
    Of two items at once, the second waits for the end of the first.
    """

    def text(place: int, delta: str) -> dict[str, Any]:
        return {"type": "response.output_text.delta", "output_index": place, "content_index": 0, "delta": delta}

    def done(place: int, whole: str) -> dict[str, Any]:
        return {"type": "response.output_item.done", "output_index": place, "item": message(whole, id=f"msg_{place}")}

    events = events_from(CREATED, text(0, "a"), text(1, "x"), text(0, "b"), text(1, "y"), done(0, "ab"), done(1, "xyz"), COMPLETED)

    assert assembled(events).candidates[0].parts == (Text(text="ab"), Text(text="xyz"))
    opened = [isinstance(event, PartStarted) for event in events]
    assert [event.text for event in events if isinstance(event, Delta)] == ["a", "b", "x", "y", "z"]
    assert opened.count(True) == 2


def test_parts_counted_on_from_item_to_item():
    """
    Some count the parts of a message on from the item before it.
    """
    text = {"type": "response.output_text.delta", "output_index": 1, "content_index": 1, "delta": "Hi."}
    done = {"type": "response.output_item.done", "output_index": 1, "item": message("Hi.")}

    assert assembled(events_from(CREATED, text, done, COMPLETED)).candidates[0].parts == (Text(text="Hi."),)


def test_free_text_call_in_a_stream():
    """
    Its text is given whole, as the one argument of the function it stands for.
    """
    item = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c", "name": "patch", "input": ""}
    events = events_from(
        CREATED,
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.custom_tool_call_input.delta", "output_index": 0, "delta": "***"},
        {"type": "response.output_item.done", "output_index": 0, "item": {**item, "input": "***"}},
        COMPLETED,
    )

    assert [plain(part) for part in assembled(events).candidates[0].parts] == [ToolCall(id="c", name="patch", arguments={"input": "***"})]


def test_a_document_where_a_stream_was_asked_for():
    """
    A response that comes whole in a stream's place is a stream in one piece.
    """
    body = {"object": "response", "id": "resp_1", "status": "completed", "output": WHOLE}

    assert assembled(events_from(body)) == replace(RS.decode_answer(body, Sent(target())), raw=None)


@pytest.mark.parametrize(
    ("event", "sort"),
    [
        ({"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": None}, "rate"),
        ({"type": "error", "error": {"type": "insufficient_quota", "code": "insufficient_quota", "message": "pay"}}, "billing"),
        ({"type": "response.failed", "response": {"status": "failed", "error": {"code": "server_error", "message": "oops"}}}, "internal"),
        ({"type": "response.failed", "response": {}}, "internal"),
        ({"error": {"message": "bad key", "code": "invalid_api_key"}}, "auth"),
    ],
)
def test_errors_in_streams(event, sort):
    """
    Every form of an error ends the stream, at once and for good.
    """
    events = events_from(CREATED, event, COMPLETED)

    assert isinstance(events[-1], Failed)
    assert events[-1].fault.sort == sort
    assert [type(event) for event in events] == [Started, Failed]


def test_a_stream_that_breaks_off():
    """
    Without its last event a stream is broken, and says so.
    """
    events = events_from(CREATED, *pieces()[:15])

    assert [type(event) for event in events[-2:]] == [Finished, Ended]
    assert assembled(events).candidates[0].finish is Finish.BROKEN
    assert assembled(events_from()).candidates[0] == Candidate((), Finish.BROKEN)


def test_signs_of_life():
    """
    A provider's keep-alive is one; comments and what nobody knows are nothing.
    """
    decoder = RS.stream_decoder(Sent(target()))

    def fed(data: bytes | None) -> list[Event]:
        return decoder.feed(Frame(b"", None, data))

    assert [type(event) for event in fed(b'{"type":"keepalive","sequence_number":3}')] == [Ping]
    assert fed(None) == fed(b"[DONE]") == fed(b'{"type":"response.sang"}') == fed(b"5") == []


# -- streams that are written ----------------------------------------------------------------------------------------------------------

STREAMED = [
    Started("chatcmpl-1", "x", 1_700_000_000),
    PartStarted(Reasoning()),
    Delta("91 = "),
    Delta("7 * 13."),
    Delta("", signature="sig"),
    *[event for event in replay(MIXED) if not isinstance(event, Started)][4:],
]


def test_order_of_a_stream():
    """
    Everything is announced, filled and done; numbers have no gap; the last event holds what the others said.
    """
    events = sse(written(replay(MIXED), asked()))

    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"].removeprefix("response.") for event in events] == [
        *("created", "in_progress", "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta"),
        *("reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done", "output_item.added", "output_item.done"),
        *("output_item.added", "content_part.added", "output_text.delta", "output_text.done", "content_part.done"),
        *("content_part.added", "output_text.delta", "output_text.done", "content_part.done", "output_item.done"),
        *("output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done") * 2,
        *("output_item.added", "content_part.added", "output_text.delta", "output_text.done", "content_part.done", "output_item.done"),
        "completed",
    ]
    final = events[-1]["response"]
    assert final["output"] == [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert final == RS.encode_answer(MIXED, asked())
    for event in events:
        if event["type"] == "response.output_item.done":
            assert final["output"][event["output_index"]] == event["item"]


def test_a_written_stream_reads_as_the_answer():
    """
    Our own stream says to our own reader what the answer said.
    """
    read = assembled(events_of(written(STREAMED, asked())))

    said = MIXED.candidates[0].parts
    texts = [part.text for part in said if isinstance(part, Text | Reasoning)]
    assert [part.text for part in read.candidates[0].parts if isinstance(part, Text | Reasoning)] == texts
    assert [part.arguments for part in read.candidates[0].parts if isinstance(part, ToolCall)] == [{"a": 1}, None]
    assert read.candidates[0].finish is Finish.TOOL
    assert read.created == 1_700_000_000


def test_parts_that_say_nothing_are_not_written():
    """
    An empty text or thought is no item; a call without arguments has empty ones.
    """
    events = sse(written(replay(answer(Text(text=""), Reasoning(), ToolCall(id="c", name="f", arguments={}, text="  "))), asked()))

    (item,) = events[-1]["response"]["output"]
    assert item["type"] == "function_call"
    assert [event["delta"] for event in events if event["type"].endswith(".delta")] == ["  "]
    bare = [Started(), PartStarted(ToolCall(id="c", name="f", arguments={})), Finished(Finish.TOOL), Ended()]
    assert sse(written(bare, asked()))[-1]["response"]["output"][0]["arguments"] == "{}"


def test_an_error_ends_a_written_stream():
    """
    The error is told as one, and ends the response, both in the order of the stream.
    """
    started = [Started(), PartStarted(Text(text="")), Delta("Par")]
    fault = Fault(status=429, sort="rate", message="slow down")
    events = sse(written([*started, Failed(fault)], asked()))

    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    assert events[-1]["response"]["error"] == {"code": "rate_limit_exceeded", "message": "slow down"}
    as_response(events[-1]["response"])


def test_pings_are_comments():
    """
    A sign of life is no event, and starts nothing.
    """
    assert written([Ping()], asked()) == b": ping\n\n"


def test_text_beyond_utf8_does_not_end_a_stream():
    """
    Half a surrogate pair cannot be written, and is replaced.
    """
    events = sse(written([Started(), PartStarted(Text(text="")), Delta("a\ud800b"), Finished(Finish.STOP), Ended()], asked()))

    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "a?b"


# -- the official SDK ------------------------------------------------------------------------------------------------------------------


def client_for(body: bytes, content_type: str = "text/event-stream", status: int = 200) -> openai.OpenAI:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, headers={"content-type": content_type}, content=body))
    return openai.OpenAI(api_key="none", max_retries=0, http_client=httpx2.Client(transport=transport))


class Person(pydantic.BaseModel):
    name: str
    age: int


def test_the_sdk_reads_a_whole_answer():
    """
    `responses.create` and `responses.parse` give what was answered.
    """
    with client_for(orjson.dumps(RS.encode_answer(MIXED, asked())), "application/json") as client:
        response = client.responses.create(model="m", input="Hi.")
    assert response.output_text == "No. Look:Done."

    ada = RS.encode_answer(answer(Text(text='{"name":"Ada","age":36}')), asked())
    with client_for(orjson.dumps(ada), "application/json") as client:
        assert client.responses.parse(model="m", input="Hi.", text_format=Person).output_parsed == Person(name="Ada", age=36)


def test_the_sdk_follows_a_stream():
    """
    `responses.stream` puts the pieces together, holds every event to its announcement, and ends with the whole response.
    """
    with client_for(b": ping\n\n" + written(STREAMED, asked())) as client, client.responses.stream(model="m", input="Hi.") as stream:
        events = list(stream)
        final = stream.get_final_response()

    assert final.output_text == "No. Look:Done."
    assert [event.snapshot for event in events if event.type == "response.output_text.delta"] == ["No. ", "Look:", "Done."]
    assert [event.snapshot for event in events if event.type == "response.function_call_arguments.delta"] == ['{"a":1}', "{oops"]
    known = {type(event).__name__ for event in events}
    assert "BaseModel" not in known
    assert final.usage.total_tokens == 1025


def test_the_sdk_parses_a_streamed_schema():
    """
    A schema's answer, in pieces, is the client's own object.
    """
    stream = [Started(), PartStarted(Text(text="")), Delta('{"name":"Ada",'), Delta('"age":36}'), Finished(Finish.STOP), Ended()]
    with (
        client_for(written(stream, asked())) as client,
        client.responses.stream(model="m", input="Hi.", text_format=Person) as parsed,
    ):
        assert parsed.get_final_response().output_parsed == Person(name="Ada", age=36)


def test_every_written_event_is_one_of_the_sdks():
    """
    Each event is valid by the SDK's own types.
    """
    known = pydantic.TypeAdapter(openai.types.responses.ResponseStreamEvent)
    refused = answer(Refusal(text="No."), finish=Finish.REFUSAL)
    for bodies in (written(STREAMED, asked()), written(replay(refused), asked()), written(replay(answer(finish=Finish.LENGTH)), asked())):
        for event in sse(bodies):
            known.validate_python(event)


def test_the_sdk_raises_on_an_error_in_a_stream():
    """
    An error after the head of the answer is an exception, with the provider's text.
    """
    body = written([Started(), Failed(Fault(status=503, sort="overload", message="try later"))], asked())
    with client_for(body) as client, pytest.raises(openai.APIError, match="try later"):
        list(client.responses.create(model="m", input="Hi.", stream=True))


def test_fixtures_are_what_the_sdk_reads():
    """
    The cases are of the provider's own form.
    """
    for name in CASES:
        as_response(case(name, "answer.json"))
        with client_for((FIXTURES / name / "stream.txt").read_bytes()) as client:
            ended = list(client.responses.create(model="m", input="Hi.", stream=True))[-1]
        assert ended.response.output == as_response(case(name, "answer.json")).output


# -- whatever JSON may hold ------------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("type", "id", "text", "name", "output")), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [place]
    if isinstance(value, dict):
        found += [inner for key, item in value.items() for inner in places(item, (*place, key))]
    elif isinstance(value, list):
        found += [inner for index, item in enumerate(value) for inner in places(item, (*place, index))]
    return found


def with_other(value: Any, place: tuple[Any, ...], other: Any) -> Any:
    if not place:
        return other
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = with_other(value[place[0]], place[1:], other)
    return copy


REQUEST_PLACES = places(EVERYTHING)
ANSWER = {"id": "resp_1", "status": "incomplete", "created_at": 5, "incomplete_details": {"reason": "x"}, "output": [*WHOLE, THOUGHT]}
STREAM = [CREATED, *pieces(), {**COMPLETED, "response": ANSWER}]


@given(st.sampled_from(REQUEST_PLACES), JSON)
def test_hostile_requests_are_refused_or_read(place, other):
    """
    A request with anything in any place is refused by its place, or is read and can be written, to this dialect and from another.
    """
    body = with_other(EVERYTHING, place, other)
    try:
        request = RS.decode_request(body, PLAIN)
    except BadRequest as refused:
        assert refused.message
        return
    RS.encode_request(request, target())
    RS.encode_request(replace(request, dialect="openai-chat"), target(json_schema=False))
    RS.encode_answer(MIXED, Asked(request, PLAIN, "m", "anthropic", "anthropic-messages", CALL_ID, now=0))
    written(replay(MIXED), Asked(request, PLAIN, "m", "anthropic", "anthropic-messages", CALL_ID, now=0))


@given(st.sampled_from(places(ANSWER)), JSON)
def test_hostile_answers_are_read(place, other):
    """
    No answer raises, whatever it holds, and what was read can be written.
    """
    read = RS.decode_answer(with_other(ANSWER, place, other), Sent(target()))

    RS.encode_answer(replace(read, dialect="gemini"), asked())
    written(replay(read), asked())


@given(st.sampled_from(places(STREAM)), JSON)
def test_hostile_streams_are_read(place, other):
    """
    No stream raises, whatever its events hold; it begins once and ends once, and its parts follow each other.
    """
    bodies = with_other(STREAM, place, other)
    decoder = RS.stream_decoder(Sent(target()))
    events: list[Event] = []
    for body in bodies if isinstance(bodies, list) else [bodies]:
        frame = Frame(b"", None, b"{}")
        frame._json = body
        events += decoder.feed(frame)
    events += decoder.close()

    kinds = [type(event).__name__ for event in events if not isinstance(event, Ping)]
    assert kinds[0] == "Started" and kinds.count("Started") == 1
    assert kinds[-1] in ("Ended", "Failed") and kinds.count("Ended") + kinds.count("Failed") == 1
    is_open = False
    for kind in kinds:
        if kind in ("PartStarted", "PartEnded"):
            assert is_open == (kind == "PartEnded")
            is_open = kind == "PartStarted"
        elif kind == "Delta":
            assert is_open
    written(events, asked())


# -- recorded traffic ------------------------------------------------------------------------------------------------------------------


def recorded() -> list[dict[str, Any]]:
    return [record for kind in ("http", "responses_only") for record in records(kind) if record["meta"]["protocol"] == RS.name]


@require_recordings
def test_recorded_requests_survive_the_round_trip():
    """
    What real clients sent is read and written back as it was.
    """
    seen = 0
    for record in recorded():
        if record["meta"].get("operation") != "responses" or not record["request"]:
            continue
        body = json.loads(request_body(record))
        if not isinstance(body, dict):
            continue
        request = RS.decode_request(body, PLAIN)
        encoded = RS.encode_request(request, target(model=body.get("model", "")))
        assert encoded.body == {"model": "", **body}
        assert encoded.verdict is Verdict.EXACT
        RS.encode_request(replace(request, dialect="openai-chat"), target())
        seen += 1
    assert seen > 80


@require_recordings
def test_recorded_answers_are_read():
    """
    What real providers answered is read to its end, and goes to a client of the same dialect as it came.
    """
    ends: dict[Finish, int] = {}
    for record in recorded():
        if (record["response"]["status"] or 200) >= 400 or record["meta"].get("wire") != "json":
            continue
        body = json.loads(decode_body(response_encoding(record), response_body(record), limit=1 << 26))
        if not isinstance(body, dict) or body.get("object") != "response":
            continue
        read = RS.decode_answer(body, Sent(target()))
        ends[read.candidates[0].finish] = ends.get(read.candidates[0].finish, 0) + 1
        assert RS.encode_answer(read, asked(dialect=RS.name, name=body["model"])) == body
        as_response(RS.encode_answer(replace(read, dialect="gemini"), asked()))
    assert ends[Finish.STOP] > 40
    assert ends[Finish.TOOL] > 10
    assert ends[Finish.BROKEN] == 2  # queued, cancelled


def content(read: Answer) -> Candidate:
    """
    An answer without what is told whole or in pieces alone: citations, spelling of arguments. Proofs are made anew for each telling.
    """
    parts = []
    for part in read.candidates[0].parts:
        if isinstance(part, Text):
            part = replace(part, citations=())
        elif isinstance(part, ToolCall):
            part = replace(part, text=None)
        elif isinstance(part, Reasoning):
            part = replace(part, signature="" if part.signature else None)
        parts.append(part)
    return replace(read.candidates[0], parts=tuple(parts))


@require_recordings
def test_recorded_streams_are_their_last_event_in_pieces():
    """
    What a real stream says in pieces is what its last event says whole; and what we write of it is a stream the SDK's types accept.
    """
    known = pydantic.TypeAdapter(openai.types.responses.ResponseStreamEvent)
    seen = 0
    for record in recorded():
        wire = record["meta"].get("wire")
        if wire not in ("sse", "events-one-json-per-line"):
            continue
        body = response_body(record)
        if wire != "sse":
            body = b"".join(b"data: %b\n\n" % line for line in body.splitlines() if line)
        bodies = [json.loads(line[6:]) for line in body.splitlines() if line.startswith(b"data: {")]
        last = [event["response"] for event in bodies if event.get("type") in ("response.completed", "response.incomplete")]
        if len(last) != 1:  # errors, and records of several streams
            continue
        events = events_of(body)
        assert content(assembled(events)) == content(RS.decode_answer(last[0], Sent(target())))
        for event in sse(written(events, asked(dialect="x"))):
            known.validate_python(event)
        seen += 1
    assert seen > 50
