"""
Converse: read and written back, whole and in pieces, broken and hostile.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.errors import BadRequest
from excise.wire import keepsake
from excise.wire.answer import AnswerDecoder
from excise.wire.dialect import Asked, Envelope, Sent, Target
from excise.wire.dialects.bedrock_converse import BEDROCK_CONVERSE
from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartEnded, PartStarted, Ping, Started
from excise.wire.eventstream import encode_message
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
from recordings import header, records, request_body, require_recordings, response_body, response_encoding

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/translation/bedrock-converse"
CASES = sorted(path.parent.name for path in FIXTURES.glob("*/request.json"))

NAME = "bedrock-converse"
MODEL = "us.anthropic.claude-sonnet-4-6"
TARGET = Target(provider="bedrock", dialect=NAME, model=MODEL)
ENVELOPE = Envelope(model=MODEL)
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="


def load(case: str, name: str) -> Any:
    return json.loads((FIXTURES / case / name).read_text(encoding="utf-8"))


def decoded(body: Any, **envelope: Any) -> Request:
    return BEDROCK_CONVERSE.decode_request(body, replace(ENVELOPE, **envelope))


def user(*blocks: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}], **more}


def parts(*blocks: Any) -> tuple[Any, ...]:
    return decoded(user(*blocks)).turns[0].parts


def asked(request: Request | None = None, provider: str = "openai", dialect: str = "openai-chat") -> Asked:
    request = request or decoded(user({"text": "Hi."}))
    return Asked(request=request, envelope=ENVELOPE, model=MODEL, provider=provider, dialect=dialect, id="0" * 32, now=1_790_000_000)


def message(event: str, data: Any) -> bytes:
    kind = "exception" if event.endswith("Exception") else "event"
    return encode_message(
        {f":{kind}-type": event, ":content-type": "application/json", ":message-type": kind}, json.dumps(data).encode("utf-8")
    )


def wire(case: str) -> bytes:
    return b"".join(message(event["event"], event["data"]) for event in load(case, "stream.json"))


def frames(body: bytes, size: int | None = None) -> list[Frame]:
    decoder = AnswerDecoder(
        content_type="application/vnd.amazon.eventstream", content_encoding=None, dialect=NAME, operation="chat", limit=1 << 20
    )
    step = size or len(body) or 1
    found = [frame for at in range(0, len(body), step) for frame in decoder.feed(body[at : at + step])]
    return found + decoder.close()


def read(body: bytes, size: int | None = None, sent: Sent | None = None) -> list[Event]:
    decoder = BEDROCK_CONVERSE.stream_decoder(sent or Sent(TARGET))
    events = [event for frame in frames(body, size) for event in decoder.feed(frame)]
    return events + decoder.close()


def assembled(events: list[Event]) -> Answer:
    assembler = Assembler()
    for event in events:
        assembler.feed(event)
    return assembler.answer(NAME)


def written(events: list[Event], asked_: Asked | None = None) -> bytes:
    encoder = BEDROCK_CONVERSE.stream_encoder(asked_ or asked())
    return b"".join(encoder.feed(event) for event in events)


def spoken(body: bytes) -> list[tuple[str | None, Any]]:
    return [(frame.event, frame.json) for frame in frames(body)]


# -- the cases -------------------------------------------------------------------------------------------------------------------------

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PARIS, ROME = "tooluse_8s5bQmVxTzeNEiyrHhMJYQ", "tooluse_2uFWvLXKRWSZbzGcFXlBCQ"

SAID: dict[str, Candidate] = {
    "text": Candidate((Text(text="Paris is the capital."),), Finish.STOP, "end_turn"),
    "multi_turn": Candidate((Text(text="Ada."),), Finish.STOP, "end_turn"),
    "system": Candidate((Text(text="Blue"),), Finish.STOP, "end_turn"),
    "parallel_tools": Candidate(
        (
            ToolCall(id="tooluse_Tn0yKkHdRU2pPwB3qcYzvA", name="get_weather", arguments={"city": "Oslo"}),
            ToolCall(id="tooluse_vG1hXyq7QZ-6bN_sLkR4dw", name="get_time", arguments={"city": "Oslo"}),
        ),
        Finish.TOOL,
        "tool_use",
    ),
    "image": Candidate((Text(text="A red dot."),), Finish.STOP, "end_turn"),
    "json_schema": Candidate((Text(text='{"name":"Ada","age":36}'),), Finish.STOP, "end_turn"),
    "reasoning": Candidate(
        (
            Reasoning(text="91 = 7 * 13.", signature=load("reasoning", "stream.json")[3]["data"]["delta"]["reasoningContent"]["signature"]),
            Text(text="No."),
        ),
        Finish.STOP,
        "end_turn",
    ),
    "stop": Candidate((Text(text="1 2 3 "),), Finish.STOP_SEQUENCE, "stop_sequence", "END"),
    "length": Candidate((Text(text="One two three four five"),), Finish.LENGTH, "max_tokens"),
    "refusal": Candidate((Text(text="I cannot help with that."),), Finish.FILTER, "content_filtered"),
    "cache": Candidate((Text(text="Cached."),), Finish.STOP, "end_turn"),
}


def hello(text: str) -> tuple[Turn, ...]:
    return (Turn("user", (Text(text=text),)),)


ASKED: dict[str, Request] = {
    "text": Request(NAME, MODEL, hello("Name the capital of France."), max_tokens=100, sampling=Sampling(temperature=0.5)),
    "multi_turn": Request(
        NAME,
        MODEL,
        (*hello("My name is Ada."), Turn("assistant", (Text(text="Hello Ada."),)), *hello("What is my name?")),
    ),
    "system": Request(NAME, MODEL, (Turn("system", (Text(text="Answer in one word."),)), *hello("Sky colour?"))),
    "parallel_tools": Request(
        NAME,
        MODEL,
        (
            *hello("Weather in Paris and Rome?"),
            Turn(
                "assistant",
                (
                    Text(text="Let me look."),
                    ToolCall(id=PARIS, name="get_weather", arguments={"city": "Paris"}),
                    ToolCall(id=ROME, name="get_weather", arguments={"city": "Rome"}),
                ),
            ),
            Turn(
                "user",
                (ToolResult(call_id=PARIS, parts=(Text(text="18 C"),)), ToolResult(call_id=ROME, parts=(Text(text="24 C, sunny"),))),
            ),
        ),
        tools=(Tool("get_weather", "Weather now.", CITY), Tool("get_time", "Local time.", CITY)),
        tool_choice=ToolChoice("auto"),
    ),
    "image": Request(NAME, MODEL, (Turn("user", (Text(text="What is this?"), Image(source=Blob("image/png", PNG)))),)),
    "reasoning": Request(NAME, MODEL, hello("Is 91 prime?"), reasoning=ReasoningAsk(effort="high", adaptive=True)),
    "stop": Request(NAME, MODEL, hello("Count to three, then END."), stop=("END",)),
    "length": Request(NAME, MODEL, hello("Count."), max_tokens=5),
    "refusal": Request(NAME, MODEL, hello("Do harm.")),
    "cache": Request(NAME, MODEL, (Turn("user", (Text(text="Again.", cache="5m"),)),)),
}


@pytest.mark.parametrize("case", sorted(ASKED))
def test_a_request_is_read(case: str) -> None:
    """
    Each conversation of the cases means the same in neutral form as in any other dialect.
    """
    assert decoded(load(case, "request.json")) == ASKED[case]


def test_a_schema_is_read_from_its_text() -> None:
    """
    `outputConfig.textFormat` holds a schema as JSON text.
    """
    output = decoded(load("json_schema", "request.json")).output

    assert output is not None
    assert (output.schema, output.name) == (SCHEMA, "person")


@pytest.mark.parametrize("case", CASES)
def test_a_request_survives_the_round_trip(case: str) -> None:
    """
    What was read is written back as it was, and nothing is said to be lost.
    """
    body = load(case, "request.json")
    encoded = BEDROCK_CONVERSE.encode_request(decoded(body), TARGET)

    assert encoded.body == body
    assert encoded.losses == ()


@pytest.mark.parametrize("case", CASES)
def test_an_answer_is_read_and_written_back(case: str) -> None:
    """
    A whole answer means what the case says, and comes back as it was.
    """
    body = load(case, "answer.json")
    answer = BEDROCK_CONVERSE.decode_answer(body, Sent(TARGET))

    assert answer.candidates == (SAID[case],)
    assert BEDROCK_CONVERSE.encode_answer(answer, asked()) == body


def without_writing(candidate: Candidate) -> Candidate:
    """
    Without the JSON text of arguments, which only a stream has.
    """
    return replace(candidate, parts=tuple(replace(part, text=None) if isinstance(part, ToolCall) else part for part in candidate.parts))


@pytest.mark.parametrize("case", CASES)
def test_a_stream_says_what_the_whole_answer_says(case: str) -> None:
    """
    Put together, the pieces are the answer.
    """
    answer = assembled(read(wire(case)))

    assert tuple(without_writing(candidate) for candidate in answer.candidates) == (SAID[case],)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_where_a_stream_is_cut_does_not_matter(case: str, size: int) -> None:
    """
    The connection may cut anywhere, even inside a checksum.
    """
    body = wire(case)

    assert read(body, size) == read(body)


@pytest.mark.parametrize("case", CASES)
def test_a_stream_is_written_as_bedrock_writes_it(case: str) -> None:
    """
    The same events in the same order, padding and usage aside; proofs of another provider are marked with it.
    """
    said = [(event["event"], {key: value for key, value in event["data"].items() if key != "p"}) for event in load(case, "stream.json")]
    wanted = [event for event in said if event[1].get("delta", {}).get("toolUse", {}).get("input") != ""]
    encoded = spoken(written(read(wire(case)), asked(decoded(load(case, "request.json")))))
    if case == "reasoning":
        signature = wanted[3][1]["delta"]["reasoningContent"]["signature"]
        wanted[3][1]["delta"]["reasoningContent"]["signature"] = keepsake.wrap("openai", signature)
    if case == "stop":
        wanted[-2][1]["additionalModelResponseFields"] = {"stop_sequence": "END"}

    assert encoded[:-1] == wanted[:-1]
    assert encoded[-1][0] == wanted[-1][0] == "metadata"


def test_parts_never_interleave() -> None:
    """
    Every part that begins ends before the next one begins.
    """
    for case in CASES:
        open_ = False
        for event in read(wire(case)):
            if isinstance(event, PartStarted):
                assert not open_
                open_ = True
            elif isinstance(event, PartEnded | Delta):
                assert open_
                open_ = isinstance(event, Delta)
        assert not open_


# -- what requests may hold ------------------------------------------------------------------------------------------------------------


def test_a_cache_point_marks_the_part_before_it() -> None:
    """
    In messages, in system text and among tools; with its lifetime. One without anything before it marks nothing.
    """
    request = decoded(
        {
            "system": [{"text": "Be kind."}, {"cachePoint": {"type": "default", "ttl": "1h"}}],
            "messages": [{"role": "user", "content": [{"cachePoint": {"type": "default"}}, {"text": "Hi."}]}],
            "toolConfig": {"tools": [{"toolSpec": {"name": "a", "inputSchema": {"json": {}}}}, {"cachePoint": {"type": "default"}}]},
        }
    )

    assert request.turns[0].parts == (Text(text="Be kind.", cache="1h"),)
    assert request.turns[1].parts == (Text(text="Hi."),)
    assert request.tools == (Tool("a", cache="5m"),)
    assert request.extras == ()


def test_media_are_read() -> None:
    """
    Bytes by their format; S3 objects as links.
    """
    assert parts(
        {"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://bucket/a.jpg", "bucketOwner": "123456789012"}}}},
        {"video": {"format": "three_gp", "source": {"bytes": "AAAA"}}},
        {"document": {"format": "pdf", "name": "Report", "source": {"bytes": "JVBERg=="}, "context": "c", "citations": {"enabled": True}}},
        {"document": {"name": "facts", "source": {"text": "Ruby."}}},
        {"document": {"format": "txt", "name": "pieces", "source": {"content": [{"text": "One."}, {"text": "Two."}]}}},
    ) == (
        Image(source=Link("s3://bucket/a.jpg", "image/jpeg")),
        Video(source=Blob("video/3gpp", "AAAA")),
        Document(source=Blob("application/pdf", "JVBERg=="), title="Report", context="c", citations=True),
        Document(source=Blob("text/plain", "UnVieS4="), title="facts"),
        Document(source=Blob("text/plain", "T25lLgpUd28u"), title="pieces"),
    )


def test_a_search_result_is_a_document_to_others() -> None:
    """
    Its place is context; nothing of its text is lost.
    """
    result = {"source": "https://a.example", "title": "A", "content": [{"text": "Found."}], "citations": {"enabled": True}}

    assert parts({"searchResult": result}) == (
        Document(source=Blob("text/plain", "Rm91bmQu"), title="A", context="https://a.example", citations=True),
    )


def test_tool_results_are_read() -> None:
    """
    One JSON value is a value; among other content it is text. An error says so.
    """
    assert parts(
        {"toolResult": {"toolUseId": "a", "content": [{"json": {"sky": "blue"}}]}},
        {"toolResult": {"toolUseId": "b", "content": [{"text": "x"}, {"json": [1]}], "status": "error"}},
        {"toolResult": {"toolUseId": "c", "content": []}},
    ) == (
        ToolResult(call_id="a", value={"sky": "blue"}),
        ToolResult(call_id="b", parts=(Text(text="x"), Text(text="[1]")), is_error=True),
        ToolResult(call_id="c"),
    )


@pytest.mark.parametrize(
    ("given_", "arguments", "text"),
    [
        (None, {}, None),
        ("", {}, None),
        ('{"a": 1}', {"a": 1}, '{"a": 1}'),
        ("not json", None, "not json"),
        ([1], None, "[1]"),
    ],
)
def test_arguments_may_be_anything(given_: Any, arguments: Any, text: Any) -> None:
    """
    An object as a rule; what is none is kept as text.
    """
    call = {"toolUse": {"toolUseId": "a", "name": "f", "input": given_}}

    assert parts(call) == (ToolCall(id="a", name="f", arguments=arguments, text=text),)


def test_what_only_bedrock_runs_is_opaque() -> None:
    """
    Server tools, their results, changes of the tools offered, and blocks nobody knows: no other provider can take them.
    """
    found = parts(
        {"toolUse": {"toolUseId": "a", "name": "nova_code_interpreter", "input": {}, "type": "server_tool_use"}},
        {"toolResult": {"toolUseId": "a", "content": [], "type": "nova_code_interpreter_result"}},
        {"toolAddition": {"tool": {"name": "x"}}},
        {"hologram": {}},
    )

    assert [part.kind for part in found] == ["tools.server", "tools.server", "tools.server", "content"]
    assert all(isinstance(part, Opaque) and part.vital for part in found)


def test_thoughts_come_home_or_are_native() -> None:
    """
    A proof that was marked with its origin is given back with it; one without a mark is Bedrock's own.
    """
    wrapped, bare = keepsake.wrap("gemini", "proof"), {"reasoningText": {"text": "hm", "signature": "sig"}}

    assert parts(
        {"reasoningContent": bare},
        {"reasoningContent": {"reasoningText": {"text": "", "signature": wrapped}}},
        {"reasoningContent": {"redactedContent": keepsake.wrap("openai", "blob")}},
        {"reasoningContent": {"redactedContent": "AAAA"}},
        {"reasoningContent": {"reasoningText": {"text": "no proof"}}},
    ) == (
        Reasoning(text="hm", signature="sig"),
        Reasoning(signature="proof", origin="gemini", attached=True),
        Reasoning(signature="blob", origin="openai", redacted=True),
        Reasoning(signature="AAAA", redacted=True),
        Reasoning(text="no proof"),
    )


@pytest.mark.parametrize(
    ("fields", "ask"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, ReasoningAsk(budget_tokens=2048)),
        ({"reasoning_config": {"type": "enabled", "budget_tokens": 2048}}, ReasoningAsk(budget_tokens=2048)),
        ({"thinking": {"type": "adaptive", "display": "summarized"}}, ReasoningAsk(adaptive=True, visible=True)),
        ({"thinking": {"type": "disabled"}}, ReasoningAsk(effort="none")),
        ({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}, ReasoningAsk(effort="low")),
        ({"reasoning_effort": "medium"}, ReasoningAsk(effort="medium")),
        ({"reasoning": {"effort": "xhigh"}}, ReasoningAsk(effort="xhigh")),
        ({"output_config": {"effort": "max"}}, ReasoningAsk(effort="max")),
        ({"thinking": {"type": "enabled"}}, ReasoningAsk(adaptive=True)),
    ],
)
def test_thinking_is_read_in_every_family_of_models_words(fields: Any, ask: ReasoningAsk) -> None:
    """
    `additionalModelRequestFields` speak the language of the model behind.
    """
    request = decoded(user({"text": "Hi."}, additionalModelRequestFields=fields))

    assert request.reasoning == ask
    assert request.extras == ()


@pytest.mark.parametrize("fields", [{"top_k": 5}, {"topK": 5}, {"inferenceConfig": {"topK": 5}}, {"k": 5}])
def test_top_k_is_read_wherever_it_stands(fields: Any) -> None:
    """
    Each family of models has it in another place.
    """
    assert decoded(user({"text": "Hi."}, additionalModelRequestFields=fields)).sampling == Sampling(top_k=5)


def test_a_tool_choice_in_anthropics_words_is_read() -> None:
    """
    Only there can parallel calls be forbidden, or tools altogether.
    """
    request = decoded(
        user({"text": "Hi."}, additionalModelRequestFields={"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}})
    )
    none = decoded(user({"text": "Hi."}, additionalModelRequestFields={"tool_choice": {"type": "none"}}))

    assert (request.tool_choice, request.parallel_tools) == (ToolChoice("auto"), False)
    assert none.tool_choice == ToolChoice("none")


@pytest.mark.parametrize(
    ("more", "vital", "field"),
    [
        ({"guardrailConfig": {"guardrailIdentifier": "abc"}}, True, "guardrailConfig"),
        ({"promptVariables": {"a": {"text": "b"}}}, True, "promptVariables"),
        ({"toolConfig": {"tools": [{"systemTool": {"name": "nova_grounding"}}]}}, True, "tools.server"),
        ({"additionalModelRequestFields": {"tools": []}}, True, "tools.server"),
        ({"additionalModelRequestFields": {"anthropic_beta": ["x"]}}, False, "anthropic_beta"),
        ({"additionalModelRequestFields": {"secret name": 1}}, False, "additionalModelRequestFields"),
        ({"additionalModelRequestFields": {"thinking": {"type": "between_tools"}}}, False, "additionalModelRequestFields"),
        ({"additionalModelRequestFields": {"output_config": {"format": {}}}}, False, "additionalModelRequestFields"),
        ({"outputConfig": {"effort": "a secret"}}, False, "reasoning.effort"),
        ({"performanceConfig": {"latency": "optimized"}}, False, "performanceConfig"),
        ({"additionalModelResponseFieldPaths": ["/usage"]}, False, "additionalModelResponseFieldPaths"),
        ({"a secret name": 1}, False, "unknown"),
    ],
)
def test_what_has_no_neutral_word_is_noted(more: Any, vital: bool, field: str) -> None:
    """
    Under a name of ours: names that a client makes up do not reach headers and logs.
    """
    (extra,) = decoded(user({"text": "Hi."}, **more)).extras

    assert (extra.field, extra.vital) == (field, vital)


def test_the_default_latency_is_nothing_to_note() -> None:
    """
    "standard" is what every provider does; asking for the stop sequence alone is met.
    """
    request = decoded(
        user({"text": "Hi."}, performanceConfig={"latency": "standard"}, additionalModelResponseFieldPaths=["/stop_sequence"])
    )

    assert request.extras == ()


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ([], "the body"),
        ({"messages": {}}, "messages"),
        ({"messages": ["hello"]}, "messages[0]"),
        ({"messages": [{"role": "tool", "content": []}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": "hello"}]}, "messages[0].content"),
        (user({"text": "a"}, {"text": 5}), "messages[0].content[1]"),
        (user({"image": {"format": "png"}}), "messages[0].content[0]"),
        (user({"toolUse": {"name": "x"}}), "messages[0].content[0]"),
        (user({"text": "a"}, system="Be kind."), "system"),
        (user({"text": "a"}, inferenceConfig={"temperature": "hot"}), "inferenceConfig.temperature"),
        (user({"text": "a"}, inferenceConfig={"maxTokens": 1.5}), "inferenceConfig.maxTokens"),
        (user({"text": "a"}, inferenceConfig={"stopSequences": [1]}), "inferenceConfig.stopSequences"),
        (user({"text": "a"}, toolConfig={"tools": [1]}), "toolConfig.tools[0]"),
        (user({"text": "a"}, toolConfig={"tools": [{"toolSpec": {"name": 1}}]}), "toolConfig.tools[0].toolSpec.name"),
        (user({"text": "a"}, toolConfig={"toolChoice": {"tool": {}}}), "toolConfig.toolChoice.tool.name"),
        (user({"text": "a"}, outputConfig={"textFormat": {"structure": {"jsonSchema": {"schema": "{"}}}}), "outputConfig.textFormat"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_place(body: Any, place: str) -> None:
    """
    The client learns where the fault is, and the text quotes nothing of the request.
    """
    with pytest.raises(BadRequest) as refusal:
        decoded(body)

    assert refusal.value.message.startswith(place)


# -- written back after a change -------------------------------------------------------------------------------------------------------


def test_a_changed_setting_changes_nothing_else() -> None:
    """
    Members that the neutral form does not carry stay, inside of a changed member too.
    """
    body = user(
        {"text": "Hi."},
        inferenceConfig={"maxTokens": 10, "temperature": 0.25},
        additionalModelRequestFields={"anthropic_beta": ["x"], "top_k": 3},
        guardrailConfig={"guardrailIdentifier": "abc", "guardrailVersion": "1"},
    )
    encoded = BEDROCK_CONVERSE.encode_request(replace(decoded(body), max_tokens=20), TARGET)

    assert encoded.body == {**body, "inferenceConfig": {"maxTokens": 20, "temperature": 0.25}}
    assert encoded.losses == ()


def test_a_removed_setting_is_gone() -> None:
    """
    And only that: the request means what its fields say.
    """
    body = user({"text": "Hi."}, serviceTier={"type": "flex"}, inferenceConfig={"temperature": 0.5, "topP": 0.5})
    request = replace(decoded(body), service_tier=None, sampling=Sampling(top_p=0.5))
    encoded = BEDROCK_CONVERSE.encode_request(request, replace(TARGET, model="meta.llama3-3-70b-instruct-v1:0"))

    assert encoded.body == user({"text": "Hi."}, inferenceConfig={"topP": 0.5})


def test_a_removed_tool_leaves_the_others_as_they_were() -> None:
    """
    Tools that Bedrock runs itself are not part of the neutral form, and stay.
    """
    tools = [{"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object"}}, "x": 1}} for name in ("a", "b")]
    body = user({"text": "Hi."}, toolConfig={"tools": [*tools, {"systemTool": {"name": "nova_grounding"}}]})
    request = decoded(body)
    encoded = BEDROCK_CONVERSE.encode_request(replace(request, tools=request.tools[1:]), TARGET)

    assert encoded.body["toolConfig"] == {"tools": [tools[1], {"systemTool": {"name": "nova_grounding"}}]}


def test_a_turn_that_was_added_is_written() -> None:
    """
    Turns without JSON of their own are written among those that have it.
    """
    body = user({"text": "Hi.", "x": 1})
    request = decoded(body)
    turns = (Turn("system", (Text(text="Be kind.", cache="5m"),)), *request.turns)
    encoded = BEDROCK_CONVERSE.encode_request(replace(request, turns=turns), TARGET)

    assert encoded.body == {**body, "system": [{"text": "Be kind."}, {"cachePoint": {"type": "default"}}]}


def test_thoughts_of_another_provider_do_not_go_to_bedrock() -> None:
    """
    They came here marked, and Bedrock would refuse the mark; its own come home without.
    """
    foreign = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": keepsake.wrap("anthropic", "p")}}}
    own = {"reasoningContent": {"reasoningText": {"text": "so", "signature": keepsake.wrap("bedrock:claude", "q")}}}
    body = {"messages": [{"role": "assistant", "content": [foreign, own, {"text": "No."}]}]}
    encoded = BEDROCK_CONVERSE.encode_request(decoded(body), TARGET)

    assert encoded.body["messages"][0]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "so", "signature": "q"}}},
        {"text": "No."},
    ]
    assert [loss.field for loss in encoded.losses] == ["reasoning.history"]


# -- answers for Converse clients ------------------------------------------------------------------------------------------------------


def foreign_answer(*content: Any, finish: Finish = Finish.STOP, **more: Any) -> Any:
    return BEDROCK_CONVERSE.encode_answer(Answer("openai-chat", (Candidate(tuple(content), finish, "x"),), **more), asked())


def test_usage_is_written_in_converses_arithmetic() -> None:
    """
    Input without the cache, writes by lifetime, a total over all of it.
    """
    usage = Usage(
        uncached_input_tokens=100,
        cache_read_tokens=800,
        cache_write_5m_tokens=60,
        cache_write_1h_tokens=40,
        text_output_tokens=3,
        reasoning_tokens=20,
    )

    assert foreign_answer(Text(text="Hi."), usage=usage)["usage"] == {
        "inputTokens": 100,
        "outputTokens": 23,
        "totalTokens": 1023,
        "cacheReadInputTokens": 800,
        "cacheWriteInputTokens": 100,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 40}, {"ttl": "5m", "inputTokens": 60}],
    }
    assert foreign_answer(Text(text="Hi."))["usage"] == {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}


@pytest.mark.parametrize(
    ("finish", "word"),
    [
        (Finish.STOP, "end_turn"),
        (Finish.STOP_SEQUENCE, "stop_sequence"),
        (Finish.LENGTH, "max_tokens"),
        (Finish.TOOL, "tool_use"),
        (Finish.FILTER, "content_filtered"),
        (Finish.REFUSAL, "content_filtered"),
        (Finish.PAUSE, "max_tokens"),
        (Finish.BROKEN, "malformed_model_output"),
    ],
)
def test_every_end_has_a_word(finish: Finish, word: str) -> None:
    """
    None but a real stop is called the end of the turn.
    """
    assert foreign_answer(Text(text="Hi."), finish=finish)["stopReason"] == word


def test_parts_of_a_foreign_answer_are_written() -> None:
    """
    Thoughts with their proofs marked, calls with ids that fit, refusals in words, pictures as bytes; empty text not at all.
    """
    asking = asked(provider="gemini")
    answer = Answer(
        "gemini",
        (
            Candidate(
                (
                    Reasoning(text="hm", signature="p"),
                    Reasoning(signature="q", attached=True),
                    Reasoning(signature="r", redacted=True),
                    Reasoning(),
                    Text(text=""),
                    Refusal(text="No."),
                    Image(source=Blob("image/png", PNG)),
                    ToolCall(id="functions.f:0", name="f", arguments={"a": 1}),
                    ToolCall(id="b", name="g", arguments=None, text="not json"),
                    Opaque(kind="tools.server"),
                    Document(source=Blob("application/pdf", "JVBERg==")),
                ),
                Finish.TOOL,
            ),
        ),
    )
    content = BEDROCK_CONVERSE.encode_answer(answer, asking)["output"]["message"]["content"]

    assert content[:5] == [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": keepsake.wrap("gemini", "p")}}},
        {"reasoningContent": {"reasoningText": {"text": "", "signature": keepsake.wrap("gemini", "q")}}},
        {"reasoningContent": {"redactedContent": keepsake.wrap("gemini", "r")}},
        {"text": "No."},
        {"image": {"format": "png", "source": {"bytes": PNG}}},
    ]
    assert content[5]["toolUse"]["toolUseId"].startswith("xi_")
    assert content[6] == {"toolUse": {"toolUseId": "b", "name": "g", "input": {"arguments": "not json"}}}
    assert len(content) == 7
    assert [loss.field for loss in asking.losses.all()] == ["tools.arguments", "tools.server", "document"]


def test_a_stream_and_a_whole_answer_carry_the_same_thoughts() -> None:
    """
    What the pieces add up to is what the whole answer says.
    """
    candidate = Candidate(
        (
            Reasoning(text="hm", signature="p"),
            Reasoning(signature="q", attached=True),
            Reasoning(signature="r", redacted=True),
            Text(text="Yes."),
            ToolCall(id="a", name="f", arguments={}),
        ),
        Finish.TOOL,
        "tool_use",
    )
    answer = Answer("gemini", (candidate,))
    whole = BEDROCK_CONVERSE.decode_answer(BEDROCK_CONVERSE.encode_answer(answer, asked()), Sent(TARGET))
    pieces = assembled(read(written(replay(answer))))

    for found in (whole, pieces):
        told = without_writing(found.candidates[0]).parts
        thoughts = [part for part in told if isinstance(part, Reasoning)]
        assert [(part.text, part.redacted, keepsake.unwrap(part.signature or "")[1]) for part in thoughts] == [
            ("hm", False, "p"),
            ("", False, "q"),
            ("", True, "r"),
        ]
        assert told[3:] == candidate.parts[3:]


@pytest.mark.parametrize(
    ("paths", "fields"),
    [
        (["/stop_sequence"], {"stop_sequence": "END"}),
        (["/delta/stop_sequence"], {"delta": {"stop_sequence": "END"}}),
        (["/usage"], None),
    ],
)
def test_the_stop_sequence_is_told_to_whoever_asked(paths: list[str], fields: Any) -> None:
    """
    In the place it was asked for; nobody else gets the member.
    """
    asking = asked(decoded(user({"text": "Hi."}, additionalModelResponseFieldPaths=paths)))
    answer = Answer("openai-chat", (Candidate((Text(text="1"),), Finish.STOP_SEQUENCE, None, "END"),))
    body = BEDROCK_CONVERSE.encode_answer(answer, asking)

    assert body.get("additionalModelResponseFields") == fields


def test_only_one_candidate_is_written_and_the_others_are_noted() -> None:
    """
    Converse has no place for more, whole or streamed.
    """
    answer = Answer("openai-chat", tuple(Candidate((Text(text=text),), Finish.STOP) for text in "ab"))
    whole, stream = asked(), asked()

    assert BEDROCK_CONVERSE.encode_answer(answer, whole)["output"]["message"]["content"] == [{"text": "a"}]
    assert [part.text for part in assembled(read(written(replay(answer), stream))).candidates[0].parts] == ["a"]
    for asking in (whole, stream):
        assert [loss.field for loss in asking.losses.all()] == ["candidates"]


def test_a_streamed_picture_is_written() -> None:
    """
    It has a start of its own, and comes in one piece.
    """
    answer = Answer("gemini", (Candidate((Image(source=Blob("image/png", PNG)),), Finish.STOP, "end_turn"),))

    assert assembled(read(written(replay(answer)))).candidates == answer.candidates


def test_sound_has_no_form_in_a_stream() -> None:
    """
    It is left out, with a note; a whole answer has a block for it.
    """
    answer = Answer("gemini", (Candidate((Audio(source=Blob("audio/wav", "AAAA")), Text(text="Hi.")), Finish.STOP),))
    asking = asked()
    (candidate,) = assembled(read(written(replay(answer), asking))).candidates

    assert candidate.parts == (Text(text="Hi."),)
    assert [loss.field for loss in asking.losses.all()] == ["audio"]
    assert BEDROCK_CONVERSE.encode_answer(answer, asked())["output"]["message"]["content"][0] == {
        "audio": {"format": "wav", "source": {"bytes": "AAAA"}}
    }


def test_an_empty_text_has_no_block() -> None:
    """
    Nothing is started, stopped or counted for it.
    """
    events = [Started(), PartStarted(Text(text="")), PartEnded(), PartStarted(Text(text="")), Delta("Hi."), PartEnded()]

    assert [data.get("contentBlockIndex") for _, data in spoken(written(events))] == [None, 0, 0]


def test_a_call_without_arguments_has_an_empty_object() -> None:
    """
    Clients parse what the deltas add up to.
    """
    events = [Started(), PartStarted(ToolCall(id="a", name="f", arguments={})), PartEnded()]

    assert spoken(written(events))[2] == ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "{}"}}})


def test_a_failure_is_an_exception_message() -> None:
    """
    And there is no sign of life in this framing.
    """
    (found,) = frames(written([Failed(Fault(status=429, sort="rate", message="Slow down."))]))

    assert (found.event, found.json) == ("throttlingException", {"message": "Slow down."})
    assert written([Ping()]) == b""


# -- answers of Bedrock ----------------------------------------------------------------------------------------------------------------


def test_the_error_case_fails_after_what_was_said() -> None:
    """
    An exception inside the stream ends it; nothing follows.
    """
    events = read(wire("error"))

    assert [type(event) for event in events] == [Started, PartStarted, Delta, Failed]
    assert events[-1].fault.sort == "overload"  # type: ignore[attr-defined]


def test_an_error_message_without_a_payload_fails_too() -> None:
    """
    Errors of the framing itself say all in their headers.
    """
    headers = {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "Oops."}
    events = read(message("messageStart", {"role": "assistant"}) + encode_message(headers, b""))

    assert isinstance(events[-1], Failed)
    assert (events[-1].fault.sort, events[-1].fault.message) == ("internal", "Oops.")


@pytest.mark.parametrize("kept", range(7))
def test_a_stream_that_breaks_off_is_broken(kept: int) -> None:
    """
    Whatever came of it, without `messageStop` it is no answer; parts that were open are closed.
    """
    whole = frames(wire("reasoning"))
    decoder = BEDROCK_CONVERSE.stream_decoder(Sent(TARGET))
    events = [event for frame in whole[:kept] for event in decoder.feed(frame)] + decoder.close()

    assert events[-2:] == [Finished(Finish.BROKEN), Ended()]
    assert len([event for event in events if isinstance(event, PartStarted)]) == len([e for e in events if isinstance(e, PartEnded)])


def test_metadata_may_come_before_the_stop() -> None:
    """
    The end comes once both were seen, with the tier that served.
    """
    body = (
        message("metadata", {"usage": {}, "serviceTier": {"type": "flex"}})
        + message("messageStop", {"stopReason": "end_turn"})
        + message("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "late"}})
    )

    assert read(body) == [Started(), Finished(Finish.STOP, "end_turn"), Ended(service_tier="flex")]


def test_a_block_that_nobody_stopped_ends_with_the_next() -> None:
    """
    Seen with imitators: a new index, or a new kind under the old one.
    """
    body = (
        message("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}})
        + message("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "a"}})
        + message("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "b"}})
        + message("contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "i", "name": "f"}}})
        + message("messageStop", {"stopReason": "tool_use"})
    )
    (candidate,) = assembled(read(body)).candidates

    assert candidate.parts == (
        Reasoning(text="hm"),
        Text(text="a"),
        Text(text="b"),
        ToolCall(id="i", name="f", arguments={}),
    )


def test_payloads_may_name_themselves() -> None:
    """
    As gateways write them that have no headers for it; what names nothing is passed over.
    """
    decoder = BEDROCK_CONVERSE.stream_decoder(Sent(TARGET))
    lines: list[Any] = [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "Hi."}}},
        {"weather": "fine"},
        {"messageStop": {"stopReason": "end_turn"}},
    ]
    events = [event for line in lines for event in decoder.feed(Frame(b"", None, json.dumps(line).encode()))] + decoder.close()

    assert assembled(events).candidates == (Candidate((Text(text="Hi."),), Finish.STOP, "end_turn"),)


def test_what_bedrock_runs_itself_comes_whole() -> None:
    """
    Server tools and their results in a stream, as in a whole answer.
    """
    use = {"name": "nova_code_interpreter", "toolUseId": "a", "type": "server_tool_use"}
    result = {"status": "success", "toolUseId": "a", "type": "nova_code_interpreter_result"}
    body = (
        message("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": use}})
        + message("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": '{"snippet":'}}})
        + message("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": '"1"}'}}})
        + message("contentBlockStop", {"contentBlockIndex": 0})
        + message("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolResult": result}})
        + message("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolResult": [{"json": {"stdOut": "1"}}]}})
        + message("contentBlockStop", {"contentBlockIndex": 1})
        + message("messageStop", {"stopReason": "end_turn"})
    )
    (candidate,) = assembled(read(body)).candidates

    assert [part.raw for part in candidate.parts] == [
        {"toolUse": {**use, "input": {"snippet": "1"}}},
        {"toolResult": {**result, "content": [{"json": {"stdOut": "1"}}]}},
    ]
    assert candidate.finish is Finish.STOP


def test_redacted_thoughts_are_joined() -> None:
    """
    Bytes in pieces are base64 each, not base64 cut.
    """
    body = b"".join(
        message("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"redactedContent": piece}}})
        for piece in ("QQ==", "Qg==")
    ) + message("messageStop", {"stopReason": "end_turn"})

    assert assembled(read(body)).candidates[0].parts == (Reasoning(signature="QUI=", redacted=True),)


def test_cited_text_keeps_its_citations() -> None:
    """
    In a stream the citation comes before the text it belongs to.
    """
    citation = {"title": "facts", "location": {"documentChar": {"documentIndex": 0, "start": 0, "end": 5}}}
    body = (
        message("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"citation": citation}})
        + message("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Ruby"}})
        + message("messageStop", {"stopReason": "end_turn"})
    )
    block = {"citationsContent": {"content": [{"text": "Ruby"}], "citations": [citation]}}
    whole = BEDROCK_CONVERSE.decode_answer({"output": {"message": {"content": [block]}}, "stopReason": "end_turn"}, Sent(TARGET))

    assert (
        assembled(read(body)).candidates
        == whole.candidates
        == (Candidate((Text(text="Ruby", citations=(citation,)),), Finish.STOP, "end_turn"),)
    )


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", Finish.STOP),
        ("model_context_window_exceeded", Finish.LENGTH),
        ("guardrail_intervened", Finish.FILTER),
        ("refusal", Finish.REFUSAL),
        ("malformed_tool_use", Finish.BROKEN),
        ("malformed_model_output", Finish.BROKEN),
        ("tool_use", Finish.BROKEN),  # without a call
        ("something new", Finish.BROKEN),
        (None, Finish.BROKEN),
        (5, Finish.BROKEN),
    ],
)
def test_ends_are_read(reason: Any, finish: Finish) -> None:
    """
    A word nobody knows is never taken for a stop.
    """
    body = {"output": {"message": {"role": "assistant", "content": [{"text": "Hi."}]}}, "stopReason": reason}

    assert BEDROCK_CONVERSE.decode_answer(body, Sent(TARGET)).candidates[0].finish is finish


def test_a_call_ends_in_tool_whatever_the_reason_says() -> None:
    """
    Agent loops depend on it.
    """
    call = {"toolUse": {"toolUseId": "a", "name": "f", "input": {}}}
    body = {"output": {"message": {"role": "assistant", "content": [call]}}, "stopReason": "end_turn"}

    assert BEDROCK_CONVERSE.decode_answer(body, Sent(TARGET)).candidates[0].finish is Finish.TOOL


def test_what_the_request_imitated_is_undone() -> None:
    """
    The tool that stood for a schema is text again, and changed names are the client's, whole and streamed.
    """
    sent = Sent(TARGET, unwrap_tool="person", tool_names={"get_weather": "get weather"})
    use = {"toolUse": {"toolUseId": "a", "name": "person", "input": {"age": 36}}}
    other = {"toolUse": {"toolUseId": "b", "name": "get_weather", "input": {}}}

    def whole(*content: Any) -> Candidate:
        body = {"output": {"message": {"role": "assistant", "content": list(content)}}, "stopReason": "tool_use"}
        return BEDROCK_CONVERSE.decode_answer(body, sent).candidates[0]

    def streamed(*content: Any) -> Candidate:
        out = b""
        for index, block in enumerate(content):
            start = {key: value for key, value in block["toolUse"].items() if key != "input"}
            out += message("contentBlockStart", {"contentBlockIndex": index, "start": {"toolUse": start}})
            given = json.dumps(block["toolUse"]["input"], separators=(",", ":"))
            out += message("contentBlockDelta", {"contentBlockIndex": index, "delta": {"toolUse": {"input": given}}})
            out += message("contentBlockStop", {"contentBlockIndex": index})
        return assembled(read(out + message("messageStop", {"stopReason": "tool_use"}), sent=sent)).candidates[0]

    for way in (whole, streamed):
        assert without_writing(way(use)) == Candidate((Text(text='{"age":36}'),), Finish.STOP, "tool_use")
        both = without_writing(way(use, other))
        assert both.parts == (Text(text='{"age":36}'), ToolCall(id="b", name="get weather", arguments={}))
        assert both.finish is Finish.TOOL


# -- hostile JSON ----------------------------------------------------------------------------------------------------------------------

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 1 << 40) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "type", "image", "x", "json"]), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


def with_junk(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    if not path:
        return junk
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = with_junk(value[path[0]], path[1:], junk)
    return copy


RICH = user(
    {"text": "See.", "p": 1},
    {"cachePoint": {"type": "default", "ttl": "1h"}},
    {"image": {"format": "png", "source": {"bytes": PNG}}},
    {"document": {"format": "pdf", "name": "a", "source": {"content": [{"text": "a"}]}, "context": "c", "citations": {"enabled": True}}},
    {"toolResult": {"toolUseId": "a", "content": [{"json": {}}, {"text": "a"}, {"image": {"format": "gif", "source": {"bytes": "AA=="}}}]}},
    {"toolUse": {"toolUseId": "a", "name": "f", "input": {"a": 1}}},
    {"reasoningContent": {"reasoningText": {"text": "a", "signature": "s"}}},
    {"reasoningContent": {"redactedContent": "AAAA"}},
    {"guardContent": {"text": {"text": "a", "qualifiers": ["query"]}}},
    {"citationsContent": {"content": [{"text": "a"}], "citations": [{"title": "t"}]}},
    {"searchResult": {"source": "s", "title": "t", "content": [{"text": "a"}], "citations": {"enabled": True}}},
    system=[{"text": "a"}, {"guardContent": {"image": {"format": "png", "source": {"bytes": PNG}}}}],
    inferenceConfig={"maxTokens": 5, "temperature": 0.5, "topP": 0.5, "stopSequences": ["a"]},
    toolConfig={
        "tools": [
            {"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": CITY}, "strict": True}},
            {"systemTool": {"name": "s"}},
        ],
        "toolChoice": {"tool": {"name": "f"}},
    },
    additionalModelRequestFields={
        "thinking": {"type": "enabled", "budget_tokens": 1024, "display": "omitted"},
        "reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"},
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        "inferenceConfig": {"topK": 5},
        "output_config": {"effort": "low"},
    },
    outputConfig={"effort": "low", "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{}", "name": "n"}}}},
    requestMetadata={"a": "b"},
    serviceTier={"type": "flex"},
    additionalModelResponseFieldPaths=["/a"],
    performanceConfig={"latency": "optimized"},
)
RICH_PLACES = places(RICH)


def test_the_rich_request_is_read() -> None:
    """
    What the next test breaks is whole before.
    """
    assert BEDROCK_CONVERSE.encode_request(decoded(RICH), TARGET).body == RICH


@given(
    place=st.sampled_from(RICH_PLACES),
    junk=JUNK,
    model=st.sampled_from([MODEL, "meta.llama3-3-70b-instruct-v1:0", "amazon.nova-2-lite-v1:0"]),
)
def test_no_request_raises_anything_but_bad_request(place: Any, junk: Any, model: str) -> None:
    """
    Whatever stands anywhere in a request: it is read or refused, and what is read can be written.
    """
    body = with_junk(RICH, place, junk)
    try:
        request = decoded(body)
    except BadRequest as refusal:
        assert type(junk) is not str or len(junk) < 3 or junk not in refusal.message
        return
    json.dumps(BEDROCK_CONVERSE.encode_request(request, TARGET).body)
    json.dumps(BEDROCK_CONVERSE.encode_request(replace(request, dialect="another"), replace(TARGET, model=model)).body)


ANSWERS = [load(case, "answer.json") for case in ("parallel_tools", "reasoning", "stop", "cache")]


@given(answer=st.sampled_from(ANSWERS), junk=JUNK, data=st.data())
def test_no_answer_raises(answer: Any, junk: Any, data: st.DataObject) -> None:
    """
    Whatever a provider answers can be read, and written for a Converse client.
    """
    body = with_junk(answer, data.draw(st.sampled_from(places(answer))), junk)
    found = BEDROCK_CONVERSE.decode_answer(body, Sent(TARGET, unwrap_tool="get_time"))
    json.dumps(BEDROCK_CONVERSE.encode_answer(found, asked()))
    json.dumps(BEDROCK_CONVERSE.encode_answer(replace(found, dialect="another", raw=None), asked()))


STREAMS = [load(case, "stream.json") for case in ("parallel_tools", "reasoning", "stop", "error")]


@given(stream=st.sampled_from(STREAMS), junk=JUNK, order=st.randoms(use_true_random=False), data=st.data())
def test_no_stream_raises(stream: Any, junk: Any, order: Any, data: st.DataObject) -> None:
    """
    Whatever a provider streams, in whatever order: it is read, parts do not interleave, and it ends once.
    """
    events = [dict(event) for event in stream]
    at = data.draw(st.integers(0, len(events) - 1))
    events[at]["data"] = with_junk(events[at]["data"], data.draw(st.sampled_from(places(events[at]["data"]))), junk)
    if data.draw(st.booleans()):
        order.shuffle(events)
    decoder = BEDROCK_CONVERSE.stream_decoder(Sent(TARGET, unwrap_tool="get_time"))
    found: list[Event] = []
    for event in events:
        found += decoder.feed(Frame(b"", event["event"], json.dumps(event["data"]).encode(), {":message-type": "event"}))
    found += decoder.close()

    assert [type(event) for event in found].count(Started) == 1
    assert isinstance(found[0], Started)
    assert isinstance(found[-1], Ended | Failed)
    assert sum(isinstance(event, Ended | Failed) for event in found) == 1
    open_ = False
    for event in found:
        if isinstance(event, PartStarted):
            assert not open_
            open_ = True
        elif isinstance(event, PartEnded):
            assert open_
            open_ = False
        elif isinstance(event, Delta):
            assert open_
    written(found)


# -- recordings ------------------------------------------------------------------------------------------------------------------------

RECORDED = [record for record in records("http", "bedrock") if record["meta"]["protocol"] == NAME]


@require_recordings
@pytest.mark.parametrize("record", RECORDED, ids=lambda record: record["id"])
def test_a_recorded_request_survives_the_round_trip(record: dict[str, Any]) -> None:
    """
    What applications really sent is read, and written back as it was.
    """
    body = json.loads(request_body(record))
    encoded = BEDROCK_CONVERSE.encode_request(decoded(body), TARGET)

    assert encoded.body == body
    assert encoded.losses == ()


@require_recordings
@pytest.mark.parametrize("record", [record for record in RECORDED if record["response"]["status"] == 200], ids=lambda record: record["id"])
def test_a_recorded_answer_is_read(record: dict[str, Any]) -> None:
    """
    What Bedrock really answered is whole: it ends as it should, and comes back as it was, whole answers to the byte of their JSON.
    """
    decoder = AnswerDecoder(
        content_type=header(record["response"], "content-type"),
        content_encoding=response_encoding(record),
        dialect=NAME,
        operation="chat",
        limit=1 << 24,
    )
    found = decoder.feed(response_body(record)) + decoder.close()
    if not record["meta"]["stream"]:
        (document,) = [frame.json for frame in found if frame.data]
        answer = BEDROCK_CONVERSE.decode_answer(document, Sent(TARGET))
        assert BEDROCK_CONVERSE.encode_answer(answer, asked()) == document
    else:
        stream = BEDROCK_CONVERSE.stream_decoder(Sent(TARGET))
        events = [event for frame in found for event in stream.feed(frame)] + stream.close()
        answer = assembled(events)
        said = "".join(frame.json["delta"].get("text", "") for frame in found if frame.event == "contentBlockDelta")
        assert "".join(part.text for part in answer.candidates[0].parts if isinstance(part, Text)) == said
    assert answer.candidates[0].finish is not Finish.BROKEN
    assert answer.candidates[0].parts
