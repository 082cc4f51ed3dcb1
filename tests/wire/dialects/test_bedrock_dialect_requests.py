"""
Requests of other dialects, written for the models behind Converse.

Every body that is written here is held against AWS's own service model, with all its limits and patterns.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import botocore.session
import pytest

from excise.wire import keepsake
from excise.wire.dialect import Encoded, Target, Traits
from excise.wire.dialects.bedrock_converse import BEDROCK_CONVERSE
from excise.wire.loss import Change, Verdict
from excise.wire.neutral import (
    Audio,
    Blob,
    Document,
    Extra,
    FileId,
    Image,
    Link,
    OutputFormat,
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

CLAUDE_3 = "anthropic.claude-3-5-sonnet-20240620-v1:0"
CLAUDE_37 = "us.anthropic.claude-3-7-sonnet-20250219-v1:0"
CLAUDE_45 = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
CLAUDE_46 = "us.anthropic.claude-sonnet-4-6"
CLAUDE_5 = "global.anthropic.claude-sonnet-5"
NOVA = "us.amazon.nova-pro-v1:0"
NOVA_2 = "us.amazon.nova-2-lite-v1:0"
LLAMA = "us.meta.llama3-3-70b-instruct-v1:0"
MISTRAL = "mistral.mistral-large-2407-v1:0"
TITAN = "amazon.titan-text-express-v1"
R1 = "us.deepseek.r1-v1:0"
DEEPSEEK = "deepseek.v3-v1:0"
GPT_OSS = "openai.gpt-oss-120b-1:0"
GPT = "global.openai.gpt-5.6-sol"
QWEN = "qwen.qwen3-235b-a22b-2507-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6"

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER, TIME = Tool("get_weather", "Weather now.", CITY), Tool("get_time", "Local time.", CITY)
PERSON = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": False}

MODEL_OF_SERVICE = botocore.session.Session().get_service_model("bedrock-runtime")


# -- the service model -----------------------------------------------------------------------------------------------------------------


def faults(value: Any, shape: Any, place: str = "$") -> list[str]:
    """
    What a value breaks of a shape: types, required and unknown members, unions, limits, patterns, words.
    """
    if getattr(shape, "is_document_type", False):
        return [] if isinstance(value, dict) else [f"{place}: no document"]
    rules, kind = shape.metadata, shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            return [f"{place}: no object"]
        found = [f"{place}.{name}: unknown" for name in value if name not in shape.members]
        found += [f"{place}.{name}: missing" for name in shape.required_members if name not in value]
        if shape.is_tagged_union and len(value) != 1:
            found.append(f"{place}: {len(value)} members of a union")
        return found + [
            fault
            for name, inner in value.items()
            if name in shape.members
            for fault in faults(inner, shape.members[name], f"{place}.{name}")
        ]
    if kind == "list":
        if not isinstance(value, list):
            return [f"{place}: no list"]
        found = [] if rules.get("min", 0) <= len(value) <= rules.get("max", 1 << 30) else [f"{place}: {len(value)} items"]
        return found + [fault for at, inner in enumerate(value) for fault in faults(inner, shape.member, f"{place}[{at}]")]
    if kind == "map":
        found = [] if rules.get("min", 0) <= len(value) <= rules.get("max", 1 << 30) else [f"{place}: {len(value)} entries"]
        for name, inner in value.items():
            found += faults(name, shape.key, f"{place}.key") + faults(inner, shape.value, f"{place}.{name}")
        return found
    return scalar_faults(value, kind, rules, place)


def scalar_faults(value: Any, kind: str, rules: Any, place: str) -> list[str]:
    if kind == "blob":
        return [] if isinstance(value, str) and base64.b64decode(value, validate=True) else [f"{place}: no bytes"]
    types: Any = {"string": str, "boolean": bool, "integer": int, "long": int, "float": (int, float)}[kind]
    if not isinstance(value, types) or (kind != "boolean" and isinstance(value, bool)):
        return [f"{place}: no {kind}"]
    if kind == "string":
        fits = rules.get("min", 0) <= len(value) <= rules.get("max", 1 << 30)
        fits = fits and (rules.get("enum") is None or value in rules["enum"])
        return [] if fits and (rules.get("pattern") is None or re.fullmatch(rules["pattern"], value)) else [f"{place}: wrong text"]
    return [] if kind == "boolean" or rules.get("min", value) <= value <= rules.get("max", value) else [f"{place}: out of range"]


def rule_faults(body: Any) -> list[str]:
    """
    What Converse checks beside its service model.
    """
    found = []
    messages = body["messages"]
    roles = [message["role"] for message in messages]
    if not roles or roles[0] != "user" or any(one == next_ for one, next_ in pairwise(roles)):
        found.append("roles do not alternate from the user")
    names = []
    waiting: set[str] = set()
    for message in messages:
        kinds = [next(iter(block)) for block in message["content"]]
        if not kinds or ("document" in kinds and "text" not in kinds):
            found.append("no content, or a document without text")
        if any(not block["text"].strip() for block in message["content"] if "text" in block):
            found.append("blank text")
        results = {block["toolResult"]["toolUseId"] for block in message["content"] if "toolResult" in block}
        if results != waiting:
            found.append("calls and results do not match")
        waiting = {block["toolUse"]["toolUseId"] for block in message["content"] if "toolUse" in block}
        if waiting and message["role"] != "assistant":
            found.append("a call of the user")
        if (waiting or results) and "toolConfig" not in body:
            found.append("tool blocks without toolConfig")
        if any(not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", id_) for id_ in waiting):
            found.append("a tool id that Anthropic would refuse")
        names += [block["document"]["name"] for block in message["content"] if "document" in block]
    if len(set(names)) < len(names) or any(not re.fullmatch(r"(?! )(?:[A-Za-z0-9\-()\[\]]| (?! ))+(?<! )", name) for name in names):
        found.append("names of documents")
    return found


def encode(request: Request, model: str = CLAUDE_46, **traits: Any) -> Encoded:
    target = Target("bedrock", "bedrock-converse", model, Traits(**traits))
    encoded = BEDROCK_CONVERSE.encode_request(request, target)
    if encoded.verdict is not Verdict.IMPOSSIBLE:
        body = json.loads(json.dumps(encoded.body))
        operation = MODEL_OF_SERVICE.operation_model("ConverseStream" if request.stream else "Converse")
        assert faults({**body, "modelId": model}, operation.input_shape) == []
        assert rule_faults(body) == []
    return encoded


def lost(encoded: Encoded) -> dict[str, str]:
    return {loss.field: loss.change.value for loss in encoded.losses}


def ask(*turns: Turn, **fields: Any) -> Request:
    return Request("openai-chat", "gpt-6", turns or (Turn("user", (Text(text="Hi."),)),), **fields)


def said(text: str, role: Any = "user") -> Turn:
    return Turn(role, (Text(text=text),))


def blocks(encoded: Encoded, place: int = -1) -> Any:
    return encoded.body["messages"][place]["content"]


CALLED = Turn("assistant", (Text(text="Let me look."), ToolCall(id="functions.f:0", name="get_weather", arguments={"city": "Oslo"})))


def answered(*parts: Any, **fields: Any) -> Turn:
    return Turn("user", (ToolResult(call_id="functions.f:0", parts=parts, **fields),))


# -- the conversation ------------------------------------------------------------------------------------------------------------------


def test_a_plain_request_is_exact() -> None:
    """
    What both dialects can say is said, and nothing is added: no limit that nobody asked for.
    """
    request = ask(
        said("Be kind.", "system"),
        said("Hi."),
        said("Hello.", "assistant"),
        said("Bye."),
        max_tokens=9,
        sampling=Sampling(temperature=0.5),
        stop=("END",),
    )
    encoded = encode(request, LLAMA)

    assert encoded.verdict is Verdict.EXACT
    assert encoded.body == {
        "system": [{"text": "Be kind."}],
        "messages": [
            {"role": "user", "content": [{"text": "Hi."}]},
            {"role": "assistant", "content": [{"text": "Hello."}]},
            {"role": "user", "content": [{"text": "Bye."}]},
        ],
        "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "stopSequences": ["END"]},
    }
    assert encode(ask()).body == {"messages": [{"role": "user", "content": [{"text": "Hi."}]}]}


def test_turns_are_put_into_converses_order() -> None:
    """
    Roles alternate from the user, results stand first and together, blank text is left out, late system text is hoisted.
    """
    request = ask(
        said("Welcome.", "assistant"),
        said("One.", "system"),
        said("a"),
        said(" \n"),
        Turn("assistant", (ToolCall(id="a", name="get_weather", arguments={}), ToolCall(id="b", name="get_time", arguments={}))),
        said("now"),
        Turn("user", (ToolResult(call_id="b", parts=(Text(text="12:00"),)),)),
        Turn("user", (ToolResult(call_id="a", parts=(Text(text="18 C"),)),)),
        tools=(WEATHER, TIME),
    )
    encoded = encode(request)

    assert encoded.body["system"] == [{"text": "One."}]
    assert [list(block) for block in blocks(encoded)] == [["toolResult"], ["toolResult"], ["text"]]
    assert [block["toolResult"]["toolUseId"] for block in blocks(encoded)[:2]] == ["a", "b"]
    assert lost(encoded)["turns.first"] == "changed"
    assert lost(encoded)["system.position"] == "changed"


def test_history_with_tools_and_none_offered_is_told_in_text() -> None:
    """
    Tool blocks need `toolConfig`; a history that has them and a request that has no tools keep what was said.
    """
    encoded = encode(ask(said("Weather?"), CALLED, answered(Text(text="18 C")), said("Thanks.")))

    assert "toolConfig" not in encoded.body
    assert "18 C" in json.dumps(encoded.body)
    assert lost(encoded) == {"tools.orphans": "changed"}


def test_a_choice_of_none_leaves_the_tools_out() -> None:
    """
    Converse has no "none".
    """
    encoded = encode(ask(said("Weather?"), CALLED, answered(Text(text="18 C")), tools=(WEATHER,), tool_choice=ToolChoice("none")))

    assert "toolConfig" not in encoded.body
    assert lost(encoded) == {"tool_choice": "changed", "tools.orphans": "changed"}


@pytest.mark.parametrize(("model", "mark"), [(CLAUDE_46, "status"), (NOVA, "status"), (LLAMA, "text"), (GPT_OSS, "text")])
def test_an_error_of_a_tool_stays_one(model: str, mark: str) -> None:
    """
    As a status where the model takes one, else in words, and noted.
    """
    encoded = encode(ask(said("Weather?"), CALLED, answered(Text(text="no net"), is_error=True), tools=(WEATHER,)), model)
    result = blocks(encoded)[0]["toolResult"]

    assert result.get("status") == ("error" if mark == "status" else None)
    assert result["content"][-1] == {"text": "no net"}
    assert len(result["content"]) == (1 if mark == "status" else 2)
    assert ("tool_result.is_error" in lost(encoded)) is (mark == "text")


@pytest.mark.parametrize(
    ("result", "content"),
    [
        (ToolResult(call_id="functions.f:0", value={"sky": "blue"}), [{"json": {"sky": "blue"}}]),
        (ToolResult(call_id="functions.f:0", value=[1, 2]), [{"text": "[1,2]"}]),
        (ToolResult(call_id="functions.f:0", value="x", parts=(Text(text="y"),)), [{"text": '"x"'}, {"text": "y"}]),
        (ToolResult(call_id="functions.f:0"), [{"text": "(no output)"}]),
        (ToolResult(call_id="functions.f:0", parts=(Text(text=" "),)), [{"text": "(no output)"}]),
        (
            ToolResult(call_id="functions.f:0", parts=(Image(source=Blob("image/jpg", PNG)),)),
            [{"image": {"format": "jpeg", "source": {"bytes": PNG}}}],
        ),
    ],
)
def test_results_are_written(result: ToolResult, content: Any) -> None:
    """
    Objects as JSON, other values as text, pictures as they are, and never nothing.
    """
    encoded = encode(ask(said("Weather?"), CALLED, Turn("user", (result,)), tools=(WEATHER,)))

    assert blocks(encoded)[0]["toolResult"]["content"] == content
    assert blocks(encoded)[0]["toolResult"]["toolUseId"] == blocks(encoded, 1)[1]["toolUse"]["toolUseId"]


def test_a_picture_of_a_tool_follows_where_results_take_none() -> None:
    """
    Most families take text only; it becomes what the user shows next.
    """
    encoded = encode(ask(said("Look."), CALLED, answered(Image(source=Blob("image/png", PNG))), tools=(WEATHER,)), GPT_OSS)

    assert [next(iter(block)) for block in blocks(encoded)] == ["toolResult", "text", "image"]
    assert lost(encoded) == {"tool_result.media": "changed"}


@pytest.mark.parametrize("model", [LLAMA, MISTRAL])
def test_some_models_take_no_text_beside_tool_blocks(model: str) -> None:
    """
    "Conversation blocks and tool use blocks cannot be provided in the same turn."
    """
    encoded = encode(ask(said("Weather?"), CALLED, answered(Text(text="18 C")), said("And now?"), tools=(WEATHER,)), model)

    assert [next(iter(block)) for block in blocks(encoded, 1)] == ["toolUse"]
    assert blocks(encoded)[0]["toolResult"]["content"] == [{"text": "18 C"}, {"text": "And now?"}]
    assert lost(encoded) == {"tools.preamble": "dropped", "tools.remark": "changed"}


def test_arguments_that_are_no_object_are_wrapped() -> None:
    """
    `input` has to be one; what the model wrote is not lost.
    """
    broken = Turn("assistant", (ToolCall(id="a", name="get_weather", arguments=None, text="{oslo"),))
    encoded = encode(ask(said("Weather?"), broken, Turn("user", (ToolResult(call_id="a", parts=(Text(text="?"),)),)), tools=(WEATHER,)))

    assert blocks(encoded, 1)[0]["toolUse"]["input"] == {"arguments": "{oslo"}
    assert lost(encoded) == {"tools.arguments": "changed"}


def test_a_blank_text_is_not_sent_even_with_a_thought() -> None:
    """
    The thought that belongs to it goes home; the blank would be refused.
    """
    thought = Reasoning(signature="s", origin="bedrock:claude", attached=True)
    encoded = encode(ask(said("Hi."), Turn("assistant", (thought, Text(text=""), Text(text="Yes."))), said("Why?")))

    assert [next(iter(block)) for block in blocks(encoded, 1)] == ["reasoningContent", "text"]


def test_a_refusal_in_the_history_is_text() -> None:
    """
    It is what the model said.
    """
    assert blocks(encode(ask(said("Do harm."), Turn("assistant", (Refusal(text="No."),)), said("Please."))), 1) == [{"text": "No."}]


def test_system_text_stands_in_the_first_message_where_a_model_takes_none() -> None:
    """
    It is never lost.
    """
    encoded = encode(ask(said("Be kind.", "system"), said("Hi.")), TITAN)

    assert encoded.body == {"messages": [{"role": "user", "content": [{"text": "Be kind."}, {"text": "Hi."}]}]}
    assert lost(encoded) == {"system.position": "changed"}


@pytest.mark.parametrize(
    ("model", "origin", "signature", "kept"),
    [
        (CLAUDE_46, "bedrock:claude", "sig", True),
        (CLAUDE_46, "bedrock:claude", None, False),
        (CLAUDE_46, "bedrock:nova", "sig", False),
        (CLAUDE_46, "anthropic", "sig", False),
        (CLAUDE_46, None, "sig", False),
        (LLAMA, "bedrock:llama", "sig", False),
        (GPT, "bedrock:gpt", "sig", True),
    ],
)
def test_thoughts_go_home_only(model: str, origin: str | None, signature: str | None, kept: bool) -> None:
    """
    A proof goes to the provider that gave it; every other thought is dropped, with a note, and never becomes text.
    """
    thought = Reasoning(text="hm", signature=signature, origin=origin)
    encoded = encode(ask(said("Hi."), Turn("assistant", (thought, Text(text="Yes."))), said("Why?")), model)
    block = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}}

    assert blocks(encoded, 1) == ([block] if kept else []) + [{"text": "Yes."}]
    assert lost(encoded) == ({} if kept else {"reasoning.history": "dropped"})


def test_a_redacted_thought_goes_home_as_bytes() -> None:
    """
    Wrapped on its way through the client, bare on its way home.
    """
    origin, proof = keepsake.unwrap(keepsake.wrap("bedrock:claude", "AAAA"))
    thought = Reasoning(signature=proof, origin=origin, redacted=True)

    assert blocks(encode(ask(said("Hi."), Turn("assistant", (thought, Text(text="Yes."))), said("Why?"))), 1)[0] == {
        "reasoningContent": {"redactedContent": "AAAA"}
    }


def test_a_begun_answer_is_impossible_where_the_model_does_not_go_on() -> None:
    """
    And tried where nothing is known.
    """
    request = ask(said("Hi."), said("Hel", "assistant"))

    assert lost(encode(request, prefill=False)) == {"prefill": "impossible"}
    assert encode(request).verdict is Verdict.EXACT


# -- pictures, documents, sound --------------------------------------------------------------------------------------------------------


def shown(*parts: Any) -> Request:
    return ask(Turn("user", parts))


def test_documents_are_written() -> None:
    """
    With a name Converse takes, no two alike, and text beside them.
    """
    pdf = Blob("application/pdf", "JVBERg==")
    encoded = encode(
        shown(
            Document(source=pdf, title="Q3: report_(final).pdf", context="c", citations=True),
            Document(source=pdf, title="Q3: report_(final).pdf"),
            Document(source=Blob("application/json", "e30=")),
            Document(source=Blob("application/octet-stream", "AAAA"), title="table.XLSX"),
            Document(source=Link("s3://bucket/notes.md")),
        )
    )
    text, *documents = blocks(encoded)

    assert text == {"text": "See the attached document."}
    assert [block["document"]["name"] for block in documents] == [
        "Q3 report (final) pdf",
        "Q3 report (final) pdf 2",
        "document",
        "table XLSX",
        "document 2",
    ]
    assert [block["document"]["format"] for block in documents] == ["pdf", "pdf", "txt", "xlsx", "md"]
    assert documents[0]["document"]["citations"] == {"enabled": True}
    assert documents[0]["document"]["context"] == "c"
    assert documents[4]["document"]["source"] == {"s3Location": {"uri": "s3://bucket/notes.md"}}
    assert lost(encoded) == {"document": "changed", "document.title": "changed"}


@pytest.mark.parametrize(
    ("part", "traits", "field"),
    [
        (Image(source=Link("https://a.example/a.png")), {}, "image.url"),
        (Image(source=Link("gs://a/a.png")), {}, "image.url"),
        (Image(source=Blob("image/tiff", "AAAA")), {}, "image"),
        (Image(source=Blob("image/png", PNG)), {"vision": False}, "image"),
        (Image(source=FileId("file-1")), {}, "file_id"),
        (Document(source=Link("https://a.example/a.pdf")), {}, "document.url"),
        (Document(source=Blob("application/zip", "AAAA")), {}, "document"),
        (Document(source=Blob("application/pdf", "AAAA")), {"pdf": False}, "document"),
        (Audio(source=Blob("audio/wav", "AAAA")), {}, "audio"),
        (Video(source=Blob("video/mp4", "AAAA")), {}, "video"),
    ],
)
def test_what_claude_cannot_be_shown_is_impossible(part: Any, traits: Any, field: str) -> None:
    """
    No address is fetched by Bedrock, no file of another provider is known to it.
    """
    assert lost(encode(shown(Text(text="See."), part), **traits)) == {field: "impossible"}


def test_pictures_of_the_model_are_not_sent_back() -> None:
    """
    Bedrock takes them from the user only.
    """
    encoded = encode(ask(said("Draw."), Turn("assistant", (Image(source=Blob("image/png", PNG)),)), said("Again.")))

    assert blocks(encoded, 1) == [{"text": "(left out)"}]
    assert lost(encoded) == {"image": "dropped"}


@pytest.mark.parametrize(
    ("model", "part"), [(CLAUDE_46, Audio(source=Blob("audio/wav", "AAAA"))), (LLAMA, Image(source=Blob("image/png", PNG)))]
)
def test_what_no_result_can_hold_is_impossible(model: str, part: Any) -> None:
    """
    And there is no other place for it.
    """
    assert lost(encode(ask(said("Look."), CALLED, answered(part), tools=(WEATHER,)), model))["tool_result.media"] == "impossible"


def test_a_picture_beside_a_result_is_impossible_where_nothing_may_stand_there() -> None:
    """
    Text can be put into the result, a picture cannot.
    """
    picture = Turn("user", (Image(source=Blob("image/png", PNG)),))
    encoded = encode(ask(said("Look."), CALLED, answered(Text(text="x")), picture, tools=(WEATHER,)), LLAMA)

    assert lost(encoded)["tool_result.media"] == "impossible"


def test_nova_watches_and_may_listen() -> None:
    """
    Formats under Bedrock's names.
    """
    encoded = encode(shown(Video(source=Blob("video/3gpp", "AAAA")), Audio(source=Blob("audio/mp3", "AAAA")), Text(text="?")), NOVA_2)

    assert blocks(encoded)[:2] == [
        {"video": {"format": "three_gp", "source": {"bytes": "AAAA"}}},
        {"audio": {"format": "mp3", "source": {"bytes": "AAAA"}}},
    ]


def test_how_closely_to_look_is_dropped() -> None:
    """
    With a note, unless it is left to the model anyway.
    """
    assert lost(encode(shown(Image(source=Blob("image/png", PNG), detail="high")))) == {"image.detail": "dropped"}
    assert lost(encode(shown(Image(source=Blob("image/png", PNG), detail="auto")))) == {}


@pytest.mark.parametrize(
    ("model", "point", "of_tools", "losses"),
    [
        (CLAUDE_46, {"type": "default", "ttl": "1h"}, 1, {}),
        (NOVA, {"type": "default"}, 0, {"cache": "clamped"}),
        (LLAMA, None, 0, {"cache": "dropped"}),
    ],
)
def test_cache_marks_become_cache_points(model: str, point: Any, of_tools: int, losses: Any) -> None:
    """
    Behind what they mark, where the model has a cache to be marked.
    """
    request = ask(
        Turn("system", (Text(text="Be kind.", cache="1h"),)),
        Turn("user", (Text(text="Long.", cache="1h"), Text(text="Short."))),
        tools=(replace(WEATHER, cache="5m"),),
    )
    encoded = encode(request, model)
    points = [block["cachePoint"] for block in encoded.body["system"] + blocks(encoded) if "cachePoint" in block]

    assert points == ([point, point] if point else [])
    assert sum("cachePoint" in tool for tool in encoded.body["toolConfig"]["tools"]) == of_tools
    assert losses.items() <= lost(encoded).items()


# -- tools -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "choice", "written", "offered", "loss"),
    [
        (CLAUDE_46, ToolChoice("auto"), None, 2, None),
        (CLAUDE_46, ToolChoice("required"), {"any": {}}, 2, None),
        (CLAUDE_46, ToolChoice("named", ("get_time",)), {"tool": {"name": "get_time"}}, 2, None),
        (NOVA, ToolChoice("named", ("get_time",)), {"tool": {"name": "get_time"}}, 2, None),
        (MISTRAL, ToolChoice("required"), {"any": {}}, 2, None),
        (MISTRAL, ToolChoice("named", ("get_time",)), {"any": {}}, 1, Change.EMULATED),
        (LLAMA, ToolChoice("required"), None, 2, Change.CHANGED),
        (LLAMA, ToolChoice("named", ("get_time",)), None, 2, Change.CHANGED),
        (CLAUDE_46, ToolChoice("required", ("get_time",)), {"any": {}}, 1, Change.EMULATED),
        (CLAUDE_46, ToolChoice("named", ("unknown",)), None, 2, Change.IMPOSSIBLE),
        (PROFILE, ToolChoice("named", ("get_time",)), {"tool": {"name": "get_time"}}, 2, None),
    ],
)
def test_a_choice_is_written_as_far_as_the_model_takes_it(model: str, choice: Any, written: Any, offered: int, loss: Any) -> None:
    """
    A named tool where only "any" can be said is the only one offered; what cannot be forced is noted.
    """
    encoded = encode(ask(tools=(WEATHER, TIME), tool_choice=choice), model)

    assert encoded.body["toolConfig"].get("toolChoice") == written
    assert len(encoded.body["toolConfig"]["tools"]) == offered
    assert lost(encoded) == ({"tool_choice": loss.value} if loss else {})


def test_models_that_cannot_be_forced_are_left_free() -> None:
    """
    As the catalogue says of one model, whatever its family takes.
    """
    encoded = encode(ask(tools=(WEATHER,), tool_choice=ToolChoice("required")), forced_tools=False)

    assert "toolChoice" not in encoded.body["toolConfig"]
    assert lost(encoded) == {"tool_choice": "changed"}


@pytest.mark.parametrize("model", [R1, TITAN, "anthropic.claude-v2:1"])
def test_tools_are_impossible_where_the_model_calls_none(model: str) -> None:
    """
    Bedrock would refuse the request.
    """
    assert lost(encode(ask(tools=(WEATHER,)), model)) == {"tools": "impossible"}
    assert lost(encode(ask(tools=(WEATHER,)), tools=False)) == {"tools": "impossible"}


@pytest.mark.parametrize(
    ("choice", "config", "fields"),
    [
        (None, None, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("required"), {"any": {}}, {"disable_parallel_tool_use": True}),
    ],
)
def test_claude_can_be_told_to_call_one_tool_at_a_time(choice: Any, config: Any, fields: Any) -> None:
    """
    Through its own fields, the type of the choice said once.
    """
    encoded = encode(ask(tools=(WEATHER,), tool_choice=choice, parallel_tools=False), CLAUDE_45)

    assert encoded.body["toolConfig"].get("toolChoice") == config
    assert encoded.body["additionalModelRequestFields"]["tool_choice"] == fields
    assert lost(encoded) == {}
    assert "additionalModelRequestFields" not in encode(ask(parallel_tools=False), CLAUDE_45).body
    assert lost(encode(ask(tools=(WEATHER,), parallel_tools=False), NOVA)) == {"parallel_tools": "dropped"}


def test_names_of_tools_are_changed_and_changed_back() -> None:
    """
    The same in the offer, in the history and in the choice; no two become one.
    """
    tools = (Tool("get weather", None, CITY), Tool("get.weather"), Tool("get_weather"))
    request = ask(
        said("Hi."),
        Turn("assistant", (ToolCall(id="a", name="get.weather", arguments={}),)),
        Turn("user", (ToolResult(call_id="a", parts=(Text(text="x"),)),)),
        tools=tools,
        tool_choice=ToolChoice("named", ("get weather",)),
    )
    encoded = encode(request)
    names = [tool["toolSpec"]["name"] for tool in encoded.body["toolConfig"]["tools"]]

    assert names == ["get_weather_2", "get_weather_3", "get_weather"]
    assert encoded.body["toolConfig"]["toolChoice"] == {"tool": {"name": "get_weather_2"}}
    assert blocks(encoded, 1)[0]["toolUse"]["name"] == "get_weather_3"
    assert encoded.sent.tool_names == {"get_weather_2": "get weather", "get_weather_3": "get.weather"}
    assert lost(encoded) == {"tools.name": "changed"}


@pytest.mark.parametrize(
    ("tool", "schema"),
    [
        (Tool("f"), {"type": "object", "properties": {}}),
        (Tool("f", " ", {"properties": {"a": {}}}), {"type": "object", "properties": {"a": {}}}),
        (Tool("f", "d", {"type": "array"}), {"type": "object"}),
    ],
)
def test_the_schema_of_a_tool_is_an_object(tool: Tool, schema: Any) -> None:
    """
    Bedrock refuses any other, and an empty description.
    """
    (spec,) = encode(ask(tools=(tool,))).body["toolConfig"]["tools"]

    assert spec["toolSpec"]["inputSchema"] == {"json": schema}
    assert spec["toolSpec"].get("description") in (None, "d")


def test_nova_gets_plain_schemas() -> None:
    """
    The first ones ignore a tool whose schema says more than properties at its top; references are written out.
    """
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "T",
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A"}},
        "required": ["a"],
        "additionalProperties": False,
        "$defs": {"A": {"type": "string"}},
    }
    encoded = encode(ask(tools=(Tool("f", None, schema),)), NOVA)
    (spec,) = encoded.body["toolConfig"]["tools"]

    assert spec["toolSpec"]["inputSchema"]["json"] == {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    assert lost(encoded) == {"tools.schema": "changed"}
    assert encode(ask(tools=(WEATHER,)), NOVA).losses == ()


def test_strict_tools_are_strict_where_the_model_knows_it() -> None:
    """
    In the subset of JSON Schema that strict tools take.
    """
    strict = replace(WEATHER, strict=True)
    (spec,) = encode(ask(tools=(strict,)), CLAUDE_45).body["toolConfig"]["tools"]

    assert spec["toolSpec"]["strict"] is True
    assert spec["toolSpec"]["inputSchema"]["json"]["additionalProperties"] is False
    assert lost(encode(ask(tools=(strict,)), CLAUDE_3)) == {"tools.strict": "dropped"}


# -- output formats --------------------------------------------------------------------------------------------------------------------

FORMAT = OutputFormat(schema=PERSON, name="person", description="A person.", strict=True)


@pytest.mark.parametrize(("model", "traits"), [(CLAUDE_45, {}), (CLAUDE_5, {}), (QWEN, {}), (PROFILE, {}), (NOVA, {"json_schema": True})])
def test_a_schema_is_asked_for_natively(model: str, traits: Any) -> None:
    """
    Where the model takes one, or nothing is known of it.
    """
    encoded = encode(ask(output=FORMAT), model, **traits)
    form = encoded.body["outputConfig"]["textFormat"]

    assert form["type"] == "json_schema"
    assert json.loads(form["structure"]["jsonSchema"]["schema"]) == PERSON
    assert form["structure"]["jsonSchema"]["name"] == "person"
    assert encoded.losses == ()
    assert encoded.sent.unwrap_tool is None


@pytest.mark.parametrize(
    ("model", "tools", "choice", "written"),
    [
        (CLAUDE_3, (), None, {"tool": {"name": "person"}}),
        (NOVA_2, (), None, {"tool": {"name": "person"}}),
        (CLAUDE_3, (WEATHER,), None, {"any": {}}),
        (CLAUDE_3, (WEATHER,), ToolChoice("none"), {"tool": {"name": "person"}}),
    ],
)
def test_a_tool_stands_for_the_schema_where_there_is_no_other_way(model: str, tools: Any, choice: Any, written: Any) -> None:
    """
    Its call is the answer; beside other tools, some tool must be called.
    """
    encoded = encode(ask(output=FORMAT, tools=tools, tool_choice=choice), model)
    made = encoded.body["toolConfig"]["tools"][-1]["toolSpec"]

    assert (made["name"], made["inputSchema"]["json"]) == ("person", PERSON)
    assert encoded.body["toolConfig"]["toolChoice"] == written
    assert encoded.sent.unwrap_tool == "person"
    assert lost(encoded)["output.schema"] == "emulated"


def test_the_tool_for_a_schema_takes_no_name_of_another() -> None:
    """
    Else its call could not be told from the other's.
    """
    encoded = encode(ask(output=replace(FORMAT, name="get_weather"), tools=(WEATHER,)), CLAUDE_3)

    assert encoded.sent.unwrap_tool == "get_weather_2"


@pytest.mark.parametrize(("model", "schema"), [(LLAMA, PERSON), (CLAUDE_3, {"type": "array", "items": {}})])
def test_an_instruction_stands_for_the_schema_at_last(model: str, schema: Any) -> None:
    """
    Where no tool can be forced, or the schema is not an object's.
    """
    encoded = encode(ask(said("Be kind.", "system"), said("Ada."), output=OutputFormat(schema=schema)), model)

    assert json.dumps(schema, separators=(",", ":")) in encoded.body["system"][-1]["text"]
    assert encoded.body["system"][0] == {"text": "Be kind."}
    assert lost(encoded) == {"output.schema": "emulated"}


def test_a_call_that_must_be_made_leaves_no_room_for_a_format() -> None:
    """
    Who demands a certain call gets it; that there is no text of the schema is noted.
    """
    encoded = encode(ask(output=FORMAT, tools=(WEATHER,), tool_choice=ToolChoice("named", ("get_weather",))), CLAUDE_3)

    assert encoded.sent.unwrap_tool is None
    assert len(encoded.body["toolConfig"]["tools"]) == 1
    assert lost(encoded) == {"output.schema": "dropped"}


def test_json_without_a_schema_is_an_instruction() -> None:
    """
    Converse has no such mode.
    """
    encoded = encode(ask(output=OutputFormat()))

    assert "JSON" in encoded.body["system"][0]["text"]
    assert lost(encoded) == {"output.json_object": "emulated"}


# -- thinking --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "asked", "fields", "effort"),
    [
        (CLAUDE_37, ReasoningAsk(budget_tokens=2000), {"thinking": {"type": "enabled", "budget_tokens": 2000}}, None),
        (CLAUDE_37, ReasoningAsk(effort="none"), None, None),
        (CLAUDE_46, ReasoningAsk(effort="high"), {"thinking": {"type": "adaptive"}}, "high"),
        (CLAUDE_46, ReasoningAsk(adaptive=True, visible=True), {"thinking": {"type": "adaptive", "display": "summarized"}}, None),
        (CLAUDE_5, ReasoningAsk(effort="none"), {"thinking": {"type": "disabled"}}, None),
        (NOVA_2, ReasoningAsk(effort="low"), {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}, None),
        (NOVA_2, ReasoningAsk(effort="none"), {"reasoningConfig": {"type": "disabled"}}, None),
        (GPT_OSS, ReasoningAsk(effort="medium"), {"reasoning_effort": "medium"}, None),
        (GPT, ReasoningAsk(effort="xhigh"), {"reasoning": {"effort": "xhigh"}}, None),
        (GPT, ReasoningAsk(effort="none"), {"reasoning": {"effort": "none"}}, None),
        (DEEPSEEK, ReasoningAsk(effort="high"), {"reasoning_effort": "high"}, None),
        (DEEPSEEK, ReasoningAsk(effort="none"), None, None),
        (LLAMA, ReasoningAsk(effort="none"), None, None),
    ],
)
def test_each_family_is_told_to_think_in_its_own_words(model: str, asked: Any, fields: Any, effort: Any) -> None:
    """
    And exactly what was asked, where its words have room for it.
    """
    encoded = encode(ask(reasoning=asked), model)

    assert encoded.body.get("additionalModelRequestFields") == fields
    assert encoded.body.get("outputConfig", {}).get("effort") == effort
    assert encoded.losses == ()


@pytest.mark.parametrize(
    ("model", "asked", "fields", "losses"),
    [
        (CLAUDE_37, ReasoningAsk(effort="low"), {"thinking": {"type": "enabled", "budget_tokens": 1024}}, {"reasoning.effort": "changed"}),
        (CLAUDE_46, ReasoningAsk(effort="minimal"), {"thinking": {"type": "adaptive"}}, {"reasoning.effort": "clamped"}),
        (
            NOVA_2,
            ReasoningAsk(effort="max"),
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}},
            {"reasoning.effort": "clamped"},
        ),
        (GPT_OSS, ReasoningAsk(effort="none"), {"reasoning_effort": "low"}, {"reasoning.effort": "clamped"}),
        (LLAMA, ReasoningAsk(effort="high"), None, {"reasoning": "dropped"}),
        (CLAUDE_3, ReasoningAsk(budget_tokens=2000), None, {"reasoning": "dropped"}),
        (QWEN, ReasoningAsk(effort="high"), None, {"reasoning": "dropped"}),
    ],
)
def test_what_a_family_cannot_be_told_is_noted(model: str, asked: Any, fields: Any, losses: Any) -> None:
    """
    The nearest it knows, or nothing.
    """
    encoded = encode(ask(reasoning=asked), model)

    assert encoded.body.get("additionalModelRequestFields") == fields
    assert lost(encoded) == losses


def test_the_catalogue_knows_better_how_claude_thinks() -> None:
    """
    A model that is not in the families yet, or whose id tells nothing of it.
    """
    fields = encode(ask(reasoning=ReasoningAsk(budget_tokens=2000)), CLAUDE_46, reasoning="budget").body["additionalModelRequestFields"]

    assert fields == {"thinking": {"type": "enabled", "budget_tokens": 2000}}
    assert lost(encode(ask(reasoning=ReasoningAsk(effort="high")), reasoning="none")) == {"reasoning": "dropped"}


def test_a_budget_stays_below_the_limit() -> None:
    """
    Thinking is part of `maxTokens`, which is never raised above what was asked.
    """
    encoded = encode(ask(reasoning=ReasoningAsk(budget_tokens=9000), max_tokens=4000), CLAUDE_37)

    assert encoded.body["additionalModelRequestFields"]["thinking"]["budget_tokens"] == 3999
    assert encoded.body["inferenceConfig"] == {"maxTokens": 4000}
    assert lost(encoded) == {"reasoning.budget": "clamped"}


@pytest.mark.parametrize(
    "request_",
    [
        ask(tools=(WEATHER,), tool_choice=ToolChoice("required"), reasoning=ReasoningAsk(budget_tokens=2000)),
        ask(said("Hi."), said("Hel", "assistant"), reasoning=ReasoningAsk(budget_tokens=2000)),
        ask(said("Hi."), CALLED, answered(Text(text="18 C")), tools=(WEATHER,), reasoning=ReasoningAsk(budget_tokens=2000)),
        ask(output=FORMAT, reasoning=ReasoningAsk(budget_tokens=2000)),
    ],
)
def test_claude_does_not_think_where_it_would_refuse_to(request_: Request) -> None:
    """
    Forced to call, begun for it, or in the middle of calls whose thoughts are gone: the rest of the request counts for more.
    """
    encoded = encode(request_, CLAUDE_37)

    assert "thinking" not in encoded.body.get("additionalModelRequestFields", {})
    assert lost(encoded)["reasoning"] == "dropped"


def test_claude_thinks_on_where_its_thoughts_are_there() -> None:
    """
    They came back with their proof.
    """
    thought = Reasoning(text="hm", signature="s", origin="bedrock:claude")
    called = Turn("assistant", (thought, *CALLED.parts))
    request = ask(said("Hi."), called, answered(Text(text="18 C")), tools=(WEATHER,), reasoning=ReasoningAsk(budget_tokens=2000))

    assert encode(request, CLAUDE_37).losses == ()


def test_a_model_that_always_thinks_is_not_forced() -> None:
    """
    It could not be kept from thinking, so the choice gives way.
    """
    encoded = encode(ask(tools=(WEATHER,), tool_choice=ToolChoice("required")), CLAUDE_5, always_thinks=True)

    assert "toolChoice" not in encoded.body["toolConfig"]
    assert lost(encoded) == {"tool_choice": "changed"}


def test_nova_thinks_less_rather_than_without_a_limit() -> None:
    """
    Thinking hard, it takes neither a limit nor settings of sampling.
    """
    free = encode(ask(reasoning=ReasoningAsk(effort="high"), sampling=Sampling(temperature=0.5)), NOVA_2)
    limited = encode(ask(reasoning=ReasoningAsk(effort="high"), sampling=Sampling(temperature=0.5), max_tokens=500), NOVA_2)

    assert "inferenceConfig" not in free.body
    assert lost(free) == {"temperature": "dropped"}
    assert limited.body["additionalModelRequestFields"]["reasoningConfig"]["maxReasoningEffort"] == "medium"
    assert limited.body["inferenceConfig"] == {"maxTokens": 500, "temperature": 0.5}
    assert lost(limited) == {"reasoning.effort": "clamped"}


# -- sampling and limits ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "sampling", "config", "losses"),
    [
        (LLAMA, Sampling(temperature=1.7, top_p=0.5), {"temperature": 1, "topP": 0.5}, {"temperature": "clamped"}),
        (LLAMA, Sampling(temperature=-1, top_p=2), {"temperature": 0, "topP": 1}, {"temperature": "clamped", "top_p": "clamped"}),
        (CLAUDE_45, Sampling(temperature=0.3, top_p=0.5), {"temperature": 0.3}, {"top_p": "dropped"}),
        (CLAUDE_3, Sampling(temperature=0.3, top_p=0.5), {"temperature": 0.3, "topP": 0.5}, {}),
        (CLAUDE_5, Sampling(temperature=0.3, top_k=5), {}, {"temperature": "dropped", "top_k": "dropped"}),
        (CLAUDE_5, Sampling(temperature=1), {}, {}),
        (LLAMA, Sampling(top_k=5, seed=1), {}, {"top_k": "dropped", "seed": "dropped"}),
        (
            LLAMA,
            Sampling(min_p=0.1, frequency_penalty=1, presence_penalty=1, logit_bias={"1": 1}),
            {},
            {"min_p": "dropped", "frequency_penalty": "dropped", "presence_penalty": "dropped", "logit_bias": "dropped"},
        ),
    ],
)
def test_sampling_is_kept_in_range(model: str, sampling: Sampling, config: Any, losses: Any) -> None:
    """
    What the model refuses is dropped, what is out of range is moved into it, and both are noted.
    """
    encoded = encode(ask(sampling=sampling), model)

    assert encoded.body.get("inferenceConfig", {}) == config
    assert lost(encoded) == losses


def test_claude_samples_plainly_while_it_thinks() -> None:
    """
    It would refuse anything else.
    """
    encoded = encode(ask(reasoning=ReasoningAsk(budget_tokens=2000), sampling=Sampling(temperature=0.2, top_p=0.5, top_k=3)), CLAUDE_37)

    assert "inferenceConfig" not in encoded.body
    assert lost(encoded) == {"temperature": "dropped", "top_p": "dropped", "top_k": "dropped"}


@pytest.mark.parametrize(
    ("model", "fields"),
    [(CLAUDE_3, {"top_k": 300}), (NOVA, {"inferenceConfig": {"topK": 128}}), (MISTRAL, {"top_k": 200})],
)
def test_top_k_goes_where_the_model_looks_for_it(model: str, fields: Any) -> None:
    """
    Converse itself has no word for it.
    """
    assert encode(ask(sampling=Sampling(top_k=300)), model).body["additionalModelRequestFields"] == fields


def test_limits_are_kept() -> None:
    """
    Not above what the model can write, not below one token.
    """
    assert encode(ask(max_tokens=9000), max_output_tokens=4096).body["inferenceConfig"] == {"maxTokens": 4096}
    assert lost(encode(ask(max_tokens=9000), max_output_tokens=4096)) == {"max_tokens": "clamped"}
    assert encode(ask(max_tokens=0)).body["inferenceConfig"] == {"maxTokens": 1}


@pytest.mark.parametrize(
    ("model", "stops", "written", "losses"),
    [
        (NOVA, ("a", "b", "c", "d", "e"), ["a", "b", "c", "d"], {"stop": "clamped"}),
        (GPT_OSS, ("a",), None, {"stop": "emulated"}),
        (QWEN, ("a",), None, {"stop": "emulated"}),
        (CLAUDE_46, ("a", "\n", ""), ["a"], {"stop": "emulated"}),
        (LLAMA, ("a", "\n", ""), ["a", "\n"], {}),
    ],
)
def test_stop_sequences_are_never_lost_silently(model: str, stops: Any, written: Any, losses: Any) -> None:
    """
    Each family has its own limit.
    """
    encoded = encode(ask(stop=stops), model)

    assert encoded.body.get("inferenceConfig", {}).get("stopSequences") == written
    assert lost(encoded) == losses


@pytest.mark.parametrize(("stream", "path"), [(False, "/stop_sequence"), (True, "/delta/stop_sequence")])
def test_claude_is_asked_which_stop_sequence_it_was(stream: bool, path: str) -> None:
    """
    Clients of other dialects are told; it stands in another place in a stream.
    """
    assert encode(ask(stop=("END",), stream=stream)).body["additionalModelResponseFieldPaths"] == [path]
    assert "additionalModelResponseFieldPaths" not in encode(ask(stop=("END",)), LLAMA).body


# -- the rest --------------------------------------------------------------------------------------------------------------------------


def test_metadata_and_tiers_cross_as_far_as_they_fit() -> None:
    """
    Bedrock's metadata are texts of few characters.
    """
    encoded = encode(ask(metadata={"team": "a b", "n": 1, "ü": "x"}, service_tier="flex"))

    assert encoded.body["requestMetadata"] == {"team": "a b"}
    assert encoded.body["serviceTier"] == {"type": "flex"}
    assert lost(encoded) == {"metadata": "dropped"}
    assert encode(ask(service_tier="auto")).body == encode(ask()).body
    assert lost(encode(ask(service_tier="scale"))) == {"service_tier": "dropped"}


def test_what_converse_cannot_say_is_noted() -> None:
    """
    Dropped where the answer is the same without, impossible where it is not.
    """
    encoded = encode(
        ask(
            candidates=2,
            logprobs=0,
            user="u",
            cache_key="k",
            verbosity="low",
            extras=(Extra("prediction", True, "no"), Extra("store", False, "no")),
        )
    )

    assert lost(encoded) == {
        "candidates": "impossible",
        "logprobs": "impossible",
        "user": "dropped",
        "cache_key": "dropped",
        "verbosity": "dropped",
        "prediction": "impossible",
        "store": "dropped",
    }
    assert encode(ask(candidates=1, include_usage=True)).losses == ()


def test_no_loss_quotes_the_request() -> None:
    """
    Losses stand in headers and logs: fixed words only.
    """
    request = ask(
        Turn("user", (Text(text="SECRET"), Document(source=Blob("application/pdf", "JVBERg=="), title="SECRET_x.pdf"))),
        tools=(Tool("SECRET tool"),),
        metadata={"SECRET ü": 1},
        stop=("SECRET",),
        user="SECRET",
    )

    assert "SECRET" not in repr(encode(request, QWEN).losses)


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": [{"text": "a", "image": {}}]}]},
        {"messages": [{"role": "user", "content": [{"text": "a"}]}], "inferenceConfig": {"temperature": 1.5}},
        {"messages": [{"role": "user", "content": [{"text": "a"}]}], "toolConfig": {"tools": []}},
        {"messages": [{"role": "user", "content": [{"text": "a"}]}], "topK": 5},
        {"messages": [{"role": "user", "content": [{"toolUse": {"toolUseId": "a b", "name": "f", "input": {}}}]}]},
        {"messages": [{"role": "user", "content": [{"image": {"format": "tiff", "source": {"bytes": "?"}}}]}]},
    ],
)
def test_the_service_model_is_held_to(body: Any) -> None:
    """
    The check that every test above rests on does find faults.
    """
    try:
        found = faults({**body, "modelId": CLAUDE_46}, MODEL_OF_SERVICE.operation_model("Converse").input_shape)
    except ValueError:  # what is no base64 at all
        return
    assert found
