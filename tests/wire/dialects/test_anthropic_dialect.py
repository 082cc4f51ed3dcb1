"""
Anthropic's Messages, both ways: the cases every dialect brings, recorded traffic, the official SDK, and whatever JSON may hold.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.errors import BadRequest
from excise.wire.answer import AnswerDecoder
from excise.wire.coding import decode_body
from excise.wire.dialect import Asked, Dialect, Envelope, Sent, Target, Traits, Verdict
from excise.wire.dialects.anthropic_messages import ANTHROPIC_MESSAGES as AM
from excise.wire.dialects.anthropic_messages import ANTHROPIC_VERTEX as VERTEX
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
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from excise.wire.sequence import Assembler, replay
from excise.wire.usage import Usage
from recordings import records, request_body, require_recordings, response_body, response_encoding

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/translation/anthropic-messages"
CASES = sorted(path.parent.name for path in FIXTURES.glob("*/request.json"))
CALL_ID = "0123456789abcdef0123456789abcdef"
PLAIN = Envelope()


def case(name: str, file: str) -> Any:
    return json.loads((FIXTURES / name / file).read_text(encoding="utf-8"))


def target(provider: str = "anthropic", model: str = "claude-haiku-4-5", **traits: Any) -> Target:
    return Target(provider, "anthropic-messages", model, Traits(**traits))


def asked(request: Request | None = None, *, dialect: str = "anthropic-messages", model: str = "m", provider: str = "anthropic") -> Asked:
    request = request or Request(dialect="anthropic-messages", model=model, turns=())
    return Asked(request, PLAIN, model, provider, dialect, CALL_ID, now=0)


def events_of(body: bytes, *, size: int | None = None, sent: Sent | None = None, dialect: Dialect = AM) -> list[Event]:
    """
    The events of a streamed answer, cut into chunks of `size` bytes.
    """
    cutter = AnswerDecoder(
        content_type="text/event-stream", content_encoding=None, dialect="anthropic-messages", operation="messages", limit=1 << 24
    )
    decoder = dialect.stream_decoder(sent or Sent(target()))
    size = size or len(body) or 1
    frames = [frame for start in range(0, len(body), size) for frame in cutter.feed(body[start : start + size])]
    events = [event for frame in [*frames, *cutter.close()] for event in decoder.feed(frame)]
    return [*events, *decoder.close()]


def assembled(events: list[Event]) -> Answer:
    assembler = Assembler()
    for event in events:
        assembler.feed(event)
    return assembler.answer("anthropic-messages")


def written(events: list[Event], to: Asked) -> bytes:
    encoder = AM.stream_encoder(to)
    return b"".join(encoder.feed(event) for event in events)


def content(answer: Answer) -> list[tuple[Any, ...]]:
    """
    What an answer says, however it came: how arguments were spelled and what the text cites is told in pieces alone, or whole alone.
    """
    candidate = answer.candidates[0]
    parts = tuple(
        replace(part, text=None) if isinstance(part, ToolCall) else replace(part, citations=()) if isinstance(part, Text) else part
        for part in candidate.parts
    )
    return [(parts, candidate.finish, candidate.native_finish, candidate.stop_sequence)]


def as_message(body: Any) -> anthropic.types.Message:
    """
    The SDK's own reading, which refuses what its types do not allow.
    """
    return anthropic.types.Message.model_validate(body, strict=True)


# -- the cases -------------------------------------------------------------------------------------------------------------------------

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
PARIS, ROME = "toolu_01A09q90qw90lq917835lq9", "toolu_01B7Kd2mWq8sXfP4uYt6Zr3Ne"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="


def user(*parts: Any) -> Turn:
    return Turn("user", tuple(Text(text=part) if isinstance(part, str) else part for part in parts))


def assistant(*parts: Any) -> Turn:
    return replace(user(*parts), role="assistant")


REQUESTS: dict[str, dict[str, Any]] = {
    "text": {"turns": (user("Name the capital of France."),), "max_tokens": 100},
    "multi_turn": {"turns": (user("My name is Ada."), assistant("Hello Ada."), user("What is my name?"))},
    "system": {"turns": (Turn("system", (Text(text="Answer in one word."),)), user("Sky colour?"))},
    "parallel_tools": {
        "turns": (
            user("Weather in Paris and Rome?"),
            assistant(
                "Let me look.",
                ToolCall(id=PARIS, name="get_weather", arguments={"city": "Paris"}),
                ToolCall(id=ROME, name="get_weather", arguments={"city": "Rome"}),
            ),
            user(
                ToolResult(call_id=PARIS, parts=(Text(text="18 C"),)),
                ToolResult(call_id=ROME, parts=(Text(text="24 C, sunny"),)),
            ),
        ),
        "tools": (Tool("get_weather", "Weather now.", WEATHER), Tool("get_time", "Local time.", WEATHER)),
        "tool_choice": ToolChoice("auto"),
    },
    "image": {"turns": (user("What is this?", Image(source=Blob("image/png", PNG))),)},
    "json_schema": {"turns": (user("Ada, 36."),), "output": OutputFormat(schema=PERSON, strict=True)},
    "reasoning": {"turns": (user("Is 91 prime?"),), "reasoning": ReasoningAsk(effort="high", adaptive=True)},
    "stop": {"turns": (user("Count to three, then END."),), "stop": ("END",)},
    "length": {"turns": (user("Count."),), "max_tokens": 5},
    "refusal": {"turns": (user("Do harm."),)},
    "cache": {"turns": (user(Text(text="Again.", cache="5m")),)},
}

OSLO = {"city": "Oslo"}
ANSWERS: dict[str, tuple[tuple[Any, ...], Finish, str | None]] = {
    "text": ((Text(text="Paris is the capital."),), Finish.STOP, None),
    "multi_turn": ((Text(text="Ada."),), Finish.STOP, None),
    "system": ((Text(text="Blue"),), Finish.STOP, None),
    "parallel_tools": (
        (
            ToolCall(id="toolu_01C3Hn5vRt7wLb9QkEy2Jd8Ms", name="get_weather", arguments=OSLO),
            ToolCall(id="toolu_01D6Gp4xTu8yMc0RlFz3Ke9Nt", name="get_time", arguments=OSLO),
        ),
        Finish.TOOL,
        None,
    ),
    "image": ((Text(text="A red dot."),), Finish.STOP, None),
    "json_schema": ((Text(text='{"name":"Ada","age":36}'),), Finish.STOP, None),
    "reasoning": (
        (
            Reasoning(text="91 = 7 * 13.", signature=case("reasoning", "answer.json")["content"][0]["signature"]),
            Text(text="No."),
        ),
        Finish.STOP,
        None,
    ),
    "stop": ((Text(text="1 2 3 "),), Finish.STOP_SEQUENCE, "END"),
    "length": ((Text(text="One two three four five"),), Finish.LENGTH, None),
    "refusal": ((Text(text="I cannot help with that."),), Finish.REFUSAL, None),
    "cache": ((Text(text="Cached."),), Finish.STOP, None),
}


def test_every_case_is_expected() -> None:
    """
    A case without an expectation would prove nothing.
    """
    assert sorted(REQUESTS) == sorted(ANSWERS) == CASES


@pytest.mark.parametrize("name", CASES)
def test_a_request_means_what_it_says(name: str) -> None:
    """
    Every case's request has the expected neutral content.
    """
    body = case(name, "request.json")

    request = AM.decode_request(body, PLAIN)

    for field, value in REQUESTS[name].items():
        assert getattr(request, field) == value, field
    assert request.model == body["model"]
    assert request.extras == ()


@pytest.mark.parametrize("name", CASES)
def test_a_request_is_written_back_as_it_came(name: str) -> None:
    """
    To its own dialect a request loses nothing and gains nothing.
    """
    body = case(name, "request.json")

    encoded = AM.encode_request(AM.decode_request(body, PLAIN), target(model=body["model"]))

    assert encoded.body == body
    assert encoded.verdict is Verdict.EXACT


@pytest.mark.parametrize("name", CASES)
def test_a_request_made_of_its_meaning_alone_is_the_same(name: str) -> None:
    """
    What another dialect's client says in the same sense is written in the words the provider's own client uses.
    """
    body = case(name, "request.json")
    request = replace(AM.decode_request(body, PLAIN), dialect="elsewhere", raw=None)
    traits = {"reasoning": "adaptive"} if name == "reasoning" else {"max_output_tokens": 64_000}

    encoded = AM.encode_request(request, target(model=body["model"], **traits))

    expected = {key: value for key, value in body.items() if key != "tool_choice"}  # auto is what it does by itself
    assert encoded.body == expected
    assert encoded.losses == ()


@pytest.mark.parametrize("name", CASES)
def test_an_answer_means_what_it_says(name: str) -> None:
    """
    Every case's answer has the expected neutral content.
    """
    parts, finish, sequence = ANSWERS[name]
    body = case(name, "answer.json")

    answer = AM.decode_answer(body, Sent(target()))

    assert answer.candidates == (Candidate(parts, finish, body["stop_reason"], sequence),)
    assert (answer.id, answer.model) == (body["id"], body["model"])


@pytest.mark.parametrize("name", CASES)
def test_an_answer_is_written_back_as_it_came(name: str) -> None:
    """
    To its own dialect an answer loses nothing.
    """
    body = case(name, "answer.json")

    out = AM.encode_answer(AM.decode_answer(body, Sent(target())), asked(model=body["model"]))

    assert {key: value for key, value in out.items() if key in body} == body
    assert set(out) - set(body) <= {"stop_details"}
    as_message(out)


@pytest.mark.parametrize("name", CASES)
def test_a_stream_says_the_same_as_the_whole(name: str) -> None:
    """
    Assembled, the stream of an answer is that answer.
    """
    answer = assembled(events_of((FIXTURES / name / "stream.txt").read_bytes()))

    assert content(answer) == content(AM.decode_answer(case(name, "answer.json"), Sent(target())))


@pytest.mark.parametrize("name", CASES)
def test_chunk_boundaries_do_not_matter(name: str) -> None:
    """
    A provider may cut its stream at any byte.
    """
    body = (FIXTURES / name / "stream.txt").read_bytes()
    whole = events_of(body)

    for size in (1, 2, 7, 64):
        assert events_of(body, size=size) == whole


@pytest.mark.parametrize("name", CASES)
def test_a_stream_is_written_as_the_provider_writes_it(name: str) -> None:
    """
    Read and written again, a stream consists of the same events, in the same order, with the same blocks and deltas.
    """
    body = (FIXTURES / name / "stream.txt").read_bytes()
    model = case(name, "answer.json")["model"]

    again = written(events_of(body), asked(model=model))

    assert _skeleton(again) == _skeleton(body)


def _skeleton(body: bytes) -> list[Any]:
    """
    The events of a stream without usage, which is not the dialect's to read, pings, and empty deltas.
    """
    found = []
    for block in body.decode().strip().split("\n\n"):
        name, data = block.split("\n", 1)
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        event.pop("usage", None)
        if "message" in event:
            event["message"].pop("usage")
            event["message"].pop("stop_details", None)
        if event["type"] == "message_delta" and event["delta"].get("stop_details"):
            event["delta"]["stop_details"]["category"] = None
        elif event["type"] == "message_delta":
            event["delta"].pop("stop_details", None)
        if event["type"] != "ping" and event.get("delta", {}).get("partial_json") != "":
            found.append(event)
    return found


def test_an_error_inside_a_stream_is_a_failure() -> None:
    """
    An error event ends the stream with the provider's fault; what came before it is there.
    """
    events = events_of((FIXTURES / "error/stream.txt").read_bytes())

    failed = events[-1]
    assert isinstance(failed, Failed)
    assert failed.fault.sort == "overload"
    assert assembled(events).candidates[0].parts == (Text(text="Par"),)


# -- recordings ------------------------------------------------------------------------------------------------------------------------


def recorded(wire: str) -> list[Any]:
    return [
        pytest.param(record, id=record["id"])
        for record in records()
        if record["meta"]["protocol"] in ("anthropic-messages", "anthropic-vertex")
        and record["meta"]["operation"] in ("messages", "count_tokens")
        and (wire == "request" or (record["meta"]["wire"] == wire and record["meta"]["operation"] == "messages"))
        and (wire == "request" or record["response"]["status"] == 200)
    ]


def plain(record: dict[str, Any]) -> bytes:
    return decode_body(response_encoding(record), response_body(record), 1 << 24)


@require_recordings
@pytest.mark.parametrize("record", recorded("request"))
def test_recorded_requests_survive(record: dict[str, Any]) -> None:
    """
    What clients really sent is written back as it came, from either member of the family to the other as well.
    """
    sent = orjson.loads(request_body(record) or b"{}")
    if not isinstance(sent.get("messages"), list) or not all(isinstance(message, dict) for message in sent["messages"]):
        with pytest.raises(BadRequest):
            AM.decode_request(sent, PLAIN)
        return
    dialect = VERTEX if "anthropic_version" in sent else AM
    request = dialect.decode_request(sent, Envelope(model="claude-x"))

    encoded = dialect.encode_request(request, target(model=sent.get("model", "claude-x")))
    other = (AM if dialect is VERTEX else VERTEX).encode_request(request, target(model="other"))

    assert encoded.body == sent
    assert encoded.losses == other.losses == ()
    assert {**other.body, "model": None, "anthropic_version": None} == {**sent, "model": None, "anthropic_version": None}


@require_recordings
@pytest.mark.parametrize("record", recorded("json"))
def test_recorded_answers_survive(record: dict[str, Any]) -> None:
    """
    What providers really answered is written back as it came, and ends in something known.
    """
    body = orjson.loads(plain(record))
    answer = AM.decode_answer(body, Sent(target()))

    out = AM.encode_answer(answer, asked(model=body["model"]))

    assert {key: value for key, value in out.items() if key in body} == body
    assert answer.candidates[0].finish is not Finish.BROKEN
    assert assembled(replay(answer)).candidates[0].finish is answer.candidates[0].finish


@require_recordings
@pytest.mark.parametrize("record", recorded("sse"))
def test_recorded_streams_survive(record: dict[str, Any]) -> None:
    """
    What providers really streamed is read at any cut, and written so that the SDK puts the same message together.
    """
    body = plain(record)
    events = events_of(body)
    assert events_of(body, size=37) == events
    answer = assembled(events)
    assert answer.candidates[0].finish is not Finish.BROKEN

    again = sdk_message(written(events_of(body), asked(model=answer.model or "m")))
    first = sdk_message(body)

    assert _without_citations(again) == _without_citations(first)


def _without_citations(message: Any) -> Any:
    said = message.to_dict()
    for block in said["content"]:
        block.pop("citations", None)
    return said["id"], said["content"], said["stop_reason"], said["stop_sequence"]


# -- the official SDK ------------------------------------------------------------------------------------------------------------------


def client_of(body: bytes, *, content_type: str = "text/event-stream") -> anthropic.Anthropic:
    """
    The SDK, answered with `body` whatever it asks.
    """
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, headers={"content-type": content_type}, content=body))
    return anthropic.Anthropic(api_key="none", http_client=httpx2.Client(transport=transport), max_retries=0)


def sdk_message(body: bytes) -> Any:
    with (
        client_of(body) as client,
        client.beta.messages.stream(model="claude-x", max_tokens=9, messages=[{"role": "user", "content": "?"}]) as stream,
    ):
        return stream.get_final_message()


FOREIGN = Answer(
    dialect="openai-chat",
    candidates=(
        Candidate(
            (
                Reasoning(text="Think.", signature=None),
                Text(text="Look."),
                ToolCall(id="functions.f:0", name="f", arguments={"a": [1, {"b": "ü"}]}),
                ToolCall(id="call_2", name="g", arguments={}),
            ),
            Finish.TOOL,
            "tool_calls",
        ),
    ),
    id="chatcmpl-1",
    model="gpt-x",
    usage=Usage(
        uncached_input_tokens=10,
        cache_read_tokens=800,
        cache_write_5m_tokens=100,
        cache_write_1h_tokens=7,
        audio_input_tokens=3,
        text_output_tokens=5,
        reasoning_tokens=20,
        searches=2,
    ),
    service_tier="default",
)


def test_the_sdk_reads_a_foreign_answer() -> None:
    """
    An answer of another provider is a message of the SDK's strict types, usage in this dialect's arithmetic.
    """
    message = as_message(AM.encode_answer(FOREIGN, asked(dialect="openai-chat", provider="openai")))

    assert message.id == f"msg_{CALL_ID}"
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert message.stop_reason == "tool_use"
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (13, 800, 107)
    assert usage.cache_creation is not None
    assert usage.cache_creation.ephemeral_1h_input_tokens == 7
    assert usage.output_tokens == 25
    assert usage.output_tokens_details is not None
    assert usage.output_tokens_details.thinking_tokens == 20
    assert usage.server_tool_use is not None
    assert usage.server_tool_use.web_search_requests == 2
    assert usage.service_tier == "standard"


def test_the_sdk_puts_a_foreign_stream_together() -> None:
    """
    The SDK's accumulated message of a translated stream is the message of the whole answer, and its typed events come in order.
    """
    to = asked(dialect="openai-chat", provider="openai")
    body = written(replay(FOREIGN), to)
    seen = []
    with (
        client_of(body) as client,
        client.messages.stream(model="claude-x", max_tokens=9, messages=[{"role": "user", "content": "?"}]) as stream,
    ):
        seen = [event.type for event in stream]
        message = stream.get_final_message()

    whole = AM.encode_answer(FOREIGN, to)
    assert [block.to_dict() for block in message.content] == whole["content"]
    assert (message.id, message.stop_reason, message.model) == (whole["id"], "tool_use", "m")
    said = message.usage.to_dict()
    assert {key: said[key] for key in whole["usage"] if key in said and key != "service_tier"} == {
        key: value for key, value in whole["usage"].items() if key in said and key != "service_tier"
    }
    assert {"message_start", "thinking", "text", "input_json", "content_block_stop", "message_delta", "message_stop"} <= set(seen)


def test_the_sdk_creates_a_message_from_a_translated_answer() -> None:
    """
    `messages.create` takes the body as it is.
    """
    body = orjson.dumps(AM.encode_answer(FOREIGN, asked(dialect="openai-chat")))

    with client_of(body, content_type="application/json") as client:
        message = client.messages.create(model="claude-x", max_tokens=9, messages=[{"role": "user", "content": "?"}])

    assert message.content[2].to_dict()["input"] == {"a": [1, {"b": "ü"}]}


def test_the_sdk_parses_a_translated_object() -> None:
    """
    `messages.parse` finds the object of an output schema in a translated answer's text.
    """
    import pydantic

    class Person(pydantic.BaseModel):
        name: str
        age: int

    answer = Answer("gemini", (Candidate((Text(text='{"name":"Ada","age":36}'),), Finish.STOP, "STOP"),))
    body = orjson.dumps(AM.encode_answer(answer, asked(dialect="gemini", provider="google")))

    with client_of(body, content_type="application/json") as client:
        message = client.messages.parse(model="claude-x", max_tokens=9, messages=[{"role": "user", "content": "?"}], output_format=Person)

    assert message.parsed_output == Person(name="Ada", age=36)


def test_the_sdk_runs_tools_of_a_translated_answer() -> None:
    """
    The SDK's tool runner calls the tool a foreign model asked for, and sends its result back.
    """
    call = Candidate((ToolCall(id="call_1", name="add", arguments={"left": 2, "right": 3}),), Finish.TOOL)
    bodies = [
        AM.encode_answer(Answer("openai-chat", (candidate,)), asked(dialect="openai-chat"))
        for candidate in (call, Candidate((Text(text="5"),), Finish.STOP))
    ]
    asked_for: list[Any] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked_for.append(json.loads(request.content))
        return httpx2.Response(200, json=bodies[len(asked_for) - 1])

    @anthropic.beta_tool
    def add(left: int, right: int) -> str:
        """
        Add two numbers.
        """
        return str(left + right)

    with anthropic.Anthropic(api_key="none", http_client=httpx2.Client(transport=httpx2.MockTransport(answer))) as client:
        runner = client.beta.messages.tool_runner(
            model="claude-x", max_tokens=9, tools=[add], messages=[{"role": "user", "content": "2 + 3?"}]
        )
        final = runner.until_done()

    assert final.content[0].to_dict()["text"] == "5"
    result = AM.decode_request(asked_for[1], PLAIN).turns[-1].parts[0]
    assert isinstance(result, ToolResult)
    assert (result.call_id, result.parts) == ("call_1", (Text(text="5"),))


# -- whatever JSON may hold ------------------------------------------------------------------------------------------------------------

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "content", "id", "name"]), inner, max_size=3)
    ),
    max_leaves=5,
)

RICH = {
    **case("parallel_tools", "request.json"),
    "system": [{"type": "text", "text": "Be.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    "thinking": {"type": "enabled", "budget_tokens": 2000, "display": "summarized"},
    "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": PERSON}},
    "metadata": {"user_id": "u"},
    "stop_sequences": ["END"],
    "temperature": 1,
    "container": "c",
}
RICH["messages"] = [
    {
        "role": "user",
        "content": [
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}, "citations": {"enabled": True}},
            {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]},
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
        ],
    },
    {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "redacted_thinking", "data": "d"}]},
    *RICH["messages"],
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            found += places(inner, (*path, key))
    return found


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


@given(data=st.data())
def test_no_request_raises_anything_but_bad_request(data: st.DataObject) -> None:
    """
    Any value of a request may be anything: it is read, or refused with its place and nothing of its content.
    """
    path = data.draw(st.sampled_from(places(RICH)))
    body = changed(RICH, path, data.draw(JUNK))
    try:
        request = AM.decode_request(body, PLAIN)
    except BadRequest as refusal:
        assert "Paris" not in refusal.message
        return
    for given_target in (target(), target(model="kimi-k2", json_schema=False, reasoning="budget", max_output_tokens=5000)):
        orjson.dumps(AM.encode_request(request, given_target).body)
        orjson.dumps(VERTEX.encode_request(replace(request, dialect="elsewhere"), given_target).body)


@given(data=st.data())
def test_no_answer_raises(data: st.DataObject) -> None:
    """
    Any value of an answer may be anything, whole or in pieces; what is written for the client is JSON all the same.
    """
    body = case(data.draw(st.sampled_from(["parallel_tools", "reasoning", "refusal"])), "answer.json")
    body = changed(body, data.draw(st.sampled_from(places(body))), data.draw(JUNK))
    for sent in (Sent(target()), Sent(target(), unwrap_tool="get_time")):
        answer = AM.decode_answer(body, sent)
        orjson.dumps(AM.encode_answer(answer, asked()))
        orjson.dumps(AM.encode_answer(replace(answer, dialect="elsewhere"), asked(dialect="elsewhere")))


@given(data=st.data())
def test_no_stream_raises(data: st.DataObject) -> None:
    """
    Any event of a stream may hold anything, be missing or come twice; the stream ends once.
    """
    lines = (FIXTURES / data.draw(st.sampled_from(["parallel_tools", "reasoning", "stop"])) / "stream.txt").read_text().split("\n\n")
    bodies = [json.loads(line.split("data: ", 1)[1]) for line in lines if line]
    at = data.draw(st.integers(0, len(bodies) - 1))
    match data.draw(st.sampled_from(["change", "drop", "double", "cut"])):
        case "change":
            bodies[at] = changed(bodies[at], data.draw(st.sampled_from(places(bodies[at]))), data.draw(JUNK))
        case "drop":
            del bodies[at]
        case "double":
            bodies.insert(at, bodies[at])
        case _:
            del bodies[at:]
    body = b"".join(b"data: %b\n\n" % orjson.dumps(event) for event in bodies)

    events = events_of(body)

    assert sum(type(event).__name__ in ("Ended", "Failed") for event in events) == 1
    sdk = written(events_of(body), asked(dialect="elsewhere"))
    assert sdk.count(b"event: message_start") <= 1


def test_deep_nesting_is_read() -> None:
    """
    Results inside results are nothing the provider knows, and do not exhaust the stack.
    """
    block: Any = {"type": "text", "text": "x"}
    for _ in range(400):
        block = {"type": "tool_result", "tool_use_id": "t", "content": [block]}

    request = AM.decode_request({"messages": [{"role": "user", "content": [block]}]}, PLAIN)

    assert isinstance(request.turns[0].parts[0], ToolResult)
