"""
Requests of OpenAI's chat dialect: read from clients, written for its many providers.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from chat_cases import (
    PNG,
    WEATHER,
    answered,
    assembled,
    assistant,
    delta,
    events,
    foreign,
    names,
    noted,
    settings,
    sse,
    target,
    tool,
    user,
)

from excise.errors import BadRequest
from excise.wire.dialect import Envelope, Sent
from excise.wire.dialects.openai_chat import OPENAI_CHAT
from excise.wire.loss import Verdict
from excise.wire.neutral import (
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

CHAT = OPENAI_CHAT
CASES = names(CHAT)
SENT = Sent(target(CHAT))


def decoded(**body: Any) -> Request:
    return CHAT.decode_request({"model": "m", "messages": [], **body}, Envelope())


def said(*messages: dict[str, Any]) -> tuple[Turn, ...]:
    return decoded(messages=list(messages)).turns


# -- requests, read --------------------------------------------------------------------------------------------------------------------


def test_old_functions_are_tools():
    """
    The first form of tools has no ids: a result belongs to the latest call of its name.
    """
    request = decoded(
        functions=[{"name": "f", "parameters": WEATHER}],
        function_call={"name": "f"},
        messages=[
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}},
            {"role": "function", "name": "f", "content": "one"},
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "two"},
        ],
    )
    call, result, second, second_result = (turn.parts[0] for turn in request.turns)

    assert request.tool_choice == ToolChoice("named", ("f",)) and request.tools[0].schema == WEATHER
    assert isinstance(call, ToolCall) and isinstance(result, ToolResult) and call.id == result.call_id and call.arguments == {}
    assert isinstance(second, ToolCall) and isinstance(second_result, ToolResult) and second.id == second_result.call_id != call.id


@pytest.mark.parametrize(
    ("given", "choice", "offered"),
    [
        ("required", ToolChoice("required"), 2),
        ("any", ToolChoice("required"), 2),
        ({"type": "function", "function": {"name": "a"}}, ToolChoice("named", ("a",)), 2),
        ({"type": "tool", "name": "a"}, ToolChoice("named", ("a",)), 2),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "b"}}]}},
            ToolChoice("required", ("b",)),
            2,
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "b"}}]}},
            ToolChoice("auto"),
            1,
        ),
    ],
)
def test_tool_choices_are_read(given, choice, offered):
    """
    Every form of a choice has its neutral word; a free choice among some tools is a choice among tools that are offered alone.
    """
    tools = [{"type": "function", "function": {"name": name}} for name in "ab"]
    request = decoded(tools=tools, tool_choice=given)

    assert (request.tool_choice, len(request.tools)) == (choice, offered)


@pytest.mark.parametrize(
    ("body", "ask"),
    [
        ({"reasoning_effort": "low"}, ReasoningAsk(effort="low")),
        ({"reasoning": {"effort": "high", "exclude": True}}, ReasoningAsk(effort="high", visible=False)),
        ({"reasoning": {"max_tokens": 2000}}, ReasoningAsk(budget_tokens=2000)),
        ({"reasoning": {"enabled": False}}, ReasoningAsk(effort="none")),
        ({"thinking": {"type": "enabled"}}, ReasoningAsk(adaptive=True)),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, ReasoningAsk(budget_tokens=9)),
        ({"thinking": {"type": "disabled"}}, ReasoningAsk(effort="none")),
        ({"enable_thinking": True, "thinking_budget": 50}, ReasoningAsk(budget_tokens=50)),
        ({"chat_template_kwargs": {"enable_thinking": False}}, ReasoningAsk(effort="none")),
        ({"reasoning_format": "hidden"}, ReasoningAsk(visible=False)),
        ({"prompt_mode": "reasoning"}, ReasoningAsk(adaptive=True)),
        ({}, None),
    ],
)
def test_thinking_has_many_names(body, ask):
    """
    How hard to think is read under any name a provider of the dialect gives it.
    """
    assert decoded(**body).reasoning == ask


def test_parts_are_read():
    """
    Pictures, sounds, videos and files, by value, by address and by id.
    """
    content = [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "image_url", "image_url": "data:IMAGE/PNG;base64,AAAA"},
        {"type": "image_url", "image_url": {"url": "data:image/svg+xml,%3Csvg%3E"}},
        {"type": "image_url", "image_url": {"url": PNG}},
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "mp3"}},
        {"type": "video_url", "video_url": {"url": "https://example.com/v.mp4"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "file_id": "f-2"},
        {"type": "document_url", "document_url": "https://example.com/d.pdf", "document_name": "d"},
        {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "text", "text": "y", "prompt_cache_breakpoint": {"mode": "explicit"}},
        {"type": "hologram", "beam": 1},
    ]

    assert said({"role": "user", "content": content})[0].parts == (
        Image(source=Link("https://example.com/a.png"), detail="low"),
        Image(source=Blob("image/png", "AAAA")),
        Image(source=Blob("image/svg+xml", "PHN2Zz4=")),
        Image(source=Blob("image/png", PNG)),
        Audio(source=Blob("audio/mpeg", "UklG")),
        Video(source=Link("https://example.com/v.mp4")),
        Document(source=Blob("application/pdf", "JVBERi0="), title="a.pdf"),
        Document(source=FileId("file-1")),
        Document(source=FileId("f-2")),
        Document(source=Link("https://example.com/d.pdf"), title="d"),
        Text(text="x", cache="1h"),
        Text(text="y", cache="5m"),
        Opaque(kind="content"),
    )


def test_what_has_no_neutral_word_is_noted():
    """
    Fields without a neutral word are extras; those that change the outcome are vital, and an unknown name is not repeated.
    """
    request = decoded(
        prediction={"type": "content", "content": "x"},
        modalities=["text", "audio"],
        store=False,
        made_up="secret",
        seed=3,
        audio=None,
        tools=[{"type": "custom", "custom": {"name": "c"}}, {"type": "openrouter:web_search"}],
        response_format={"type": "grammar", "grammar": "x"},
    )

    assert {(extra.field, extra.vital) for extra in request.extras} == {
        ("prediction", True),
        ("modalities", True),
        ("unknown_field", False),
        ("tools.custom", True),
        ("tools.server", True),
        ("response_format", True),
    }


@pytest.mark.parametrize(
    ("body", "field", "vital"),
    [
        ({"tool_choice": {"type": "custom", "custom": {"name": "c"}}}, "tool_choice", True),
        ({"reasoning_effort": "ludicrous"}, "reasoning_effort", False),
        ({"guided_regex": "a+"}, "guided_regex", True),
        ({"store": True}, "store", False),
    ],
)
def test_values_that_are_not_known_are_noted(body, field, vital):
    """
    And read as if nothing had been said.
    """
    request = decoded(**body)

    assert [(extra.field, extra.vital) for extra in request.extras] == [(field, vital)]
    assert request.tool_choice is None and request.reasoning is None


def test_log_probabilities_have_two_forms():
    """
    Together gives the number in the field itself.
    """
    asked_for = [{"logprobs": True}, {"logprobs": True, "top_logprobs": 4}, {"logprobs": 1}, {"logprobs": 0}, {"logprobs": False}, {}]

    assert [decoded(**body).logprobs for body in asked_for] == [0, 4, 0, None, None, None]


def test_what_an_assistant_said_is_read():
    """
    Refusals, spoken answers and calls of plain text, beside what is usual.
    """
    message = {
        "role": "assistant",
        "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "b"}, "c"],
        "refusal": "d",
        "audio": {"id": "audio_1"},
        "tool_calls": [{"id": "1", "type": "custom", "custom": {"name": "x", "input": "y"}}],
    }
    mark = {"role": "user", "content": "x", "cache_control": {"type": "ephemeral"}}

    assert said(message, mark) == (
        assistant("a", Refusal(text="b"), "c", Refusal(text="d"), Opaque(kind="audio"), Opaque(kind="tools.custom")),
        user(Text(text="x", cache="5m")),
    )


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ([], "the body"),
        ({"messages": "x"}, "messages is"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"function": {}}]}]}, "messages[0].tool_calls[0].function.name"),
        ({"messages": [], "tools": [{"type": "function", "function": {"name": 1}}]}, "tools[0].function.name"),
        ({"messages": [], "temperature": "hot"}, "temperature"),
        ({"messages": [], "max_tokens": 1.5}, "max_tokens"),
        ({"messages": [], "tool_choice": "maybe"}, "tool_choice"),
        ({"messages": [], "response_format": {"type": "json_schema", "json_schema": {"schema": []}}}, "response_format.json_schema.schema"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_naming_the_place(body, place):
    """
    The client learns where it is wrong, and nothing of what it sent is repeated.
    """
    with pytest.raises(BadRequest, match=place.replace("[", r"\[").replace("]", r"\]")):
        CHAT.decode_request(body, Envelope())


def test_the_envelope_completes_the_body():
    """
    Azure names the model in the path.
    """
    request = CHAT.decode_request({"messages": [], "stream": True}, Envelope(model="deployment"))

    assert (request.model, request.stream) == ("deployment", True)


# -- requests, written -----------------------------------------------------------------------------------------------------------------


def test_a_foreign_conversation_is_written():
    """
    Results become messages of their own, ids too long are fitted, pictures in results follow in a message of the user.
    """
    long = "functions.get_weather:" + "x" * 40
    request = foreign(
        Turn("system", (Text(text="Be brief."),)),
        user("Look:", Image(source=Blob("image/png", PNG), detail="high")),
        assistant("I look.", ToolCall(id=long, name="get_weather", arguments={"city": "Rome"})),
        user(ToolResult(call_id=long, parts=(Text(text="Sun"), Image(source=Blob("image/png", "AA")))), "And?"),
        tools=(tool(),),
    )
    encoded = CHAT.encode_request(request, target(CHAT))
    system, ask, call, result, *rest = encoded.body["messages"]

    assert system == {"role": "system", "content": "Be brief."}
    assert ask["content"][1] == {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "high"}}
    assert call["content"] == "I look."
    assert call["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": '{"city":"Rome"}'}
    assert result["tool_call_id"] == call["tool_calls"][0]["id"] and len(result["tool_call_id"]) <= 40
    assert result["content"] == "Sun"
    assert [message["role"] for message in rest] == ["user", "user"]
    assert rest[0]["content"][1]["type"] == "image_url"
    assert rest[1]["content"] == "And?"
    assert noted(encoded.losses) == {("tool_result.media", "changed")}


def test_an_error_of_a_tool_is_said():
    """
    The dialect has no mark for a failed tool, so the text says it, and that is noted.
    """
    call = ToolCall(id="c", name="get_weather", arguments={})
    request = foreign(user("Go."), assistant(call), user(ToolResult(call_id="c", parts=(Text(text="no net"),), is_error=True)))
    encoded = CHAT.encode_request(request, target(CHAT))

    assert encoded.body["messages"][2]["content"] == "Error: no net"
    assert noted(encoded.losses) == {("tool_result.is_error", "changed")}


@pytest.mark.parametrize(
    ("provider", "model", "field"),
    [
        ("openai", "gpt-5", "max_completion_tokens"),
        ("azure-openai", "my-deployment", "max_completion_tokens"),
        ("azure-openai", "Mistral-Large-2411", "max_tokens"),
        ("groq", "llama-4", "max_completion_tokens"),
        ("deepseek", "deepseek-chat", "max_tokens"),
        ("github-models", "openai/o4-mini", "max_completion_tokens"),
        ("github-models", "meta/llama-4", "max_tokens"),
        ("nobody-knows", "x", "max_tokens"),
    ],
)
def test_the_limit_has_the_targets_name(provider, model, field):
    """
    The limit of an answer is one field with the reasoning models' makers and another with most others.
    """
    body = settings(CHAT.encode_request(foreign(max_tokens=7), target(CHAT, provider, model)))

    assert {key: body[key] for key in body if key.startswith("max_")} == {field: 7}


def test_the_limit_is_clamped_to_what_the_model_writes():
    """
    More than the model can write would be refused.
    """
    encoded = CHAT.encode_request(foreign(max_tokens=99), target(CHAT, max_output_tokens=50))

    assert encoded.body["max_completion_tokens"] == 50 and noted(encoded.losses) == {("max_tokens", "clamped")}


SAMPLED = Sampling(temperature=1.7, top_p=0.5, top_k=4, seed=9, frequency_penalty=0.5, logit_bias={"1": 2})


@pytest.mark.parametrize(
    ("provider", "model", "body", "losses"),
    [
        (
            "openai",
            "gpt-4.1",
            {"temperature": 1.7, "top_p": 0.5, "seed": 9, "frequency_penalty": 0.5, "logit_bias": {"1": 2}, "stop": list("abcd")},
            {("top_k", "dropped"), ("stop", "clamped")},
        ),
        (
            "openai",
            "gpt-5",
            {"seed": 9},
            {(name, "dropped") for name in ("temperature", "top_p", "top_k", "frequency_penalty", "logit_bias")} | {("stop", "emulated")},
        ),
        (
            "moonshot",
            "kimi-k2",
            {"temperature": 1.0, "top_p": 0.5, "frequency_penalty": 0.5, "stop": list("abcde")},
            {("temperature", "clamped"), ("top_k", "dropped"), ("seed", "dropped"), ("logit_bias", "dropped")},
        ),
        (
            "vllm",
            "qwen",
            {
                "temperature": 1.7,
                "top_p": 0.5,
                "top_k": 4,
                "seed": 9,
                "frequency_penalty": 0.5,
                "logit_bias": {"1": 2},
                "stop": list("abcd"),
            },
            {("stop", "clamped")},
        ),
    ],
)
def test_sampling_goes_as_far_as_the_target_takes_it(provider, model, body, losses):
    """
    What a target refuses is left out, what is out of its range is moved into it, and both are noted.
    """
    encoded = CHAT.encode_request(foreign(sampling=SAMPLED, stop=tuple("abcde")), target(CHAT, provider, model))

    assert settings(encoded) == {"model": model, **body}
    assert noted(encoded.losses) == losses


def test_models_that_refuse_sampling_get_none():
    """
    A reasoning model takes neither temperature nor log probabilities; what is the default anyway is no loss.
    """
    request = foreign(sampling=Sampling(temperature=0.2, top_p=1, presence_penalty=0), logprobs=3)
    encoded = CHAT.encode_request(request, target(CHAT, "azure-openai", "d", sampling=False))

    assert settings(encoded) == {"model": "d"}
    assert noted(encoded.losses) == {("temperature", "dropped"), ("logprobs", "dropped")}


@pytest.mark.parametrize(
    ("provider", "model", "ask", "body", "losses"),
    [
        ("openai", "gpt-5", ReasoningAsk(effort="max"), {"reasoning_effort": "high"}, {("reasoning.effort", "clamped")}),
        ("openai", "gpt-5", ReasoningAsk(effort="minimal"), {"reasoning_effort": "minimal"}, set()),
        ("openai", "gpt-5.2", ReasoningAsk(effort="none"), {"reasoning_effort": "none"}, set()),
        ("openai", "gpt-4.1", ReasoningAsk(effort="none"), {}, set()),
        ("openai", "o3", ReasoningAsk(budget_tokens=3000), {"reasoning_effort": "medium"}, {("reasoning.budget", "changed")}),
        ("openai", "o3", ReasoningAsk(adaptive=True), {}, set()),
        ("deepseek", "deepseek-v4", ReasoningAsk(effort="high"), {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}, set()),
        ("deepseek", "deepseek-v4", ReasoningAsk(budget_tokens=0), {"thinking": {"type": "disabled"}}, set()),
        ("zai", "glm-5", ReasoningAsk(effort="low"), {"thinking": {"type": "enabled"}}, {("reasoning.effort", "changed")}),
        ("dashscope", "qwen3", ReasoningAsk(budget_tokens=500), {"enable_thinking": True, "thinking_budget": 500}, set()),
        ("dashscope", "qwen3", ReasoningAsk(effort="none"), {"enable_thinking": False}, set()),
        ("openrouter", "x/y", ReasoningAsk(effort="high", visible=False), {"reasoning": {"effort": "high", "exclude": True}}, set()),
        ("openrouter", "x/y", ReasoningAsk(budget_tokens=2000), {"reasoning": {"max_tokens": 2000}}, set()),
        ("openrouter", "x/y", ReasoningAsk(effort="none"), {"reasoning": {"enabled": False}}, set()),
        ("openrouter", "x/y", ReasoningAsk(adaptive=True), {"reasoning": {"enabled": True}}, set()),
        ("anthropic", "claude", ReasoningAsk(effort="high"), {}, {("reasoning", "dropped")}),
    ],
)
def test_thinking_is_asked_for_in_the_providers_way(provider, model, ask, body, losses):
    """
    Levels, switches, budgets and objects.
    """
    encoded = CHAT.encode_request(foreign(reasoning=ask), target(CHAT, provider, model))

    assert settings(encoded) == {"model": model, **body}
    assert noted(encoded.losses) == losses


def test_a_model_that_does_not_think_is_not_told_to():
    """
    Known from the catalogue, whatever the provider's way.
    """
    for provider in ("openai", "deepseek", "dashscope", "openrouter"):
        encoded = CHAT.encode_request(foreign(reasoning=ReasoningAsk(effort="high")), target(CHAT, provider, "m", reasoning="none"))
        assert settings(encoded) == {"model": "m"}
        assert noted(encoded.losses) == {("reasoning", "dropped")}


@pytest.mark.parametrize(
    ("provider", "asks"),
    [("openai", True), ("deepseek", True), ("nobody-knows", True), ("together", False), ("databricks", False), ("perplexity", False)],
)
def test_streams_are_asked_for_their_usage(provider, asks):
    """
    Always, except where the field is refused or usage comes unasked; whatever the client said.
    """
    body = CHAT.encode_request(foreign(stream=True, include_usage=False), target(CHAT, provider, "m")).body

    assert body["stream"] is True
    assert body.get("stream_options") == ({"include_usage": True} if asks else None)


def test_system_text_is_said_in_the_targets_role():
    """
    OpenAI's reasoning models read it as the developer's, all others as the system's; where it may stand at the head only, it is moved.
    """
    turns = (user("Hi."), Turn("system", (Text(text="Be brief."),)), user("Go on."))

    def roles(provider: str, model: str) -> list[str]:
        return [message["role"] for message in CHAT.encode_request(foreign(*turns), target(CHAT, provider, model)).body["messages"]]

    assert roles("openai", "gpt-5") == ["user", "developer", "user"]
    assert roles("openai", "gpt-4.1") == ["user", "system", "user"]
    assert roles("vllm", "m") == ["system", "user"]


def test_a_strict_tool_needs_a_strict_schema():
    """
    OpenAI holds calls to closed schemas only; what cannot be closed goes without, which is noted.
    """
    tools = (tool("a", strict=True), tool("b", strict=True, schema={"type": "object"}), tool("c", strict=None))
    encoded = CHAT.encode_request(foreign(tools=tools), target(CHAT))
    functions = [one["function"] for one in encoded.body["tools"]]

    assert functions[0]["strict"] is True and functions[0]["parameters"]["additionalProperties"] is False
    assert "strict" not in functions[1] and "strict" not in functions[2]
    assert noted(encoded.losses) == {("tools.strict", "dropped")}


def test_names_of_tools_are_fitted_and_remembered():
    """
    A name the target refuses is changed everywhere, and `Sent` knows it for the way back.
    """
    named = "files/read.text"
    request = foreign(
        user("Go."),
        assistant(ToolCall(id="c", name=named, arguments={})),
        user(ToolResult(call_id="c", parts=(Text(text="ok"),))),
        tools=(tool(named), tool("files_read_text")),
        tool_choice=ToolChoice("named", (named,)),
    )
    encoded = CHAT.encode_request(request, target(CHAT))
    new = encoded.body["tools"][0]["function"]["name"]

    assert new != "files_read_text" and encoded.body["tools"][1]["function"]["name"] == "files_read_text"
    assert encoded.body["messages"][1]["tool_calls"][0]["function"]["name"] == new
    assert encoded.body["tool_choice"]["function"]["name"] == new
    assert encoded.sent.tool_names == {new: named}
    assert noted(encoded.losses) == {("tools.name", "changed")}
    answer = answered(CHAT, {"tool_calls": [{"id": "1", "function": {"name": new, "arguments": "{}"}}]}, sent=encoded.sent)
    assert isinstance(answer.parts[0], ToolCall) and answer.parts[0].name == named


@pytest.mark.parametrize(
    ("provider", "choice", "written_choice", "offered", "losses"),
    [
        ("openai", ToolChoice("required"), "required", 2, set()),
        (
            "openai",
            ToolChoice("required", ("a", "b")),
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": name}} for name in "ab"]},
            },
            2,
            set(),
        ),
        ("groq", ToolChoice("required", ("b", "c")), "required", 1, {("tool_choice", "emulated")}),
        ("cohere", ToolChoice("named", ("b",)), "required", 1, {("tool_choice", "emulated")}),
        ("zai", ToolChoice("none"), None, 0, {("tool_choice", "emulated")}),
        ("moonshot", ToolChoice("required"), None, 2, {("tool_choice", "emulated")}),
        ("zai", ToolChoice("named", ("b",)), None, 1, {("tool_choice", "emulated")}),
        ("zai", ToolChoice("required", ("gone",)), None, 2, {("tool_choice", "impossible")}),
        ("openai", ToolChoice("auto"), "auto", 2, set()),
    ],
)
def test_the_choice_of_tools_is_never_lost_silently(provider, choice, written_choice, offered, losses):
    """
    What a target has no word for is imitated, or impossible.
    """
    request = foreign(tools=(tool("a"), tool("b")), tool_choice=choice)
    encoded = CHAT.encode_request(request, target(CHAT, provider, "m"))

    assert encoded.body.get("tool_choice") == written_choice
    assert len(encoded.body.get("tools", ())) == offered
    assert noted(encoded.losses) == losses


def test_who_cannot_be_made_to_call_a_tool_is_told_to():
    """
    In the system text, before what else stands for a field it does not know.
    """
    asked = {"tools": (tool("a"),), "tool_choice": ToolChoice("required"), "output": OutputFormat()}
    request = foreign(Turn("system", (Text(text="Be brief."),)), user("Hi."), **asked)
    encoded = CHAT.encode_request(request, target(CHAT, "zai", "glm-5"))
    said = encoded.body["messages"][0]["content"]

    assert said.index("Be brief.") < said.index("Call at least one of the functions") < said.index("JSON object only")


def test_a_model_without_forced_tools_makes_a_forced_choice_impossible():
    """
    The catalogue knows models that refuse it.
    """
    request = foreign(tools=(tool(),), tool_choice=ToolChoice("required"))

    assert CHAT.encode_request(request, target(CHAT, forced_tools=False)).verdict is Verdict.IMPOSSIBLE


PERSON = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": False}


def test_a_schema_is_given_to_those_who_take_it():
    """
    Strictly where the schema allows it as it is, which is what other dialects mean by a schema.
    """
    encoded = CHAT.encode_request(foreign(output=OutputFormat(schema=PERSON, name="a person")), target(CHAT))

    assert encoded.body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "a_person", "schema": PERSON, "strict": True},
    }
    assert not encoded.losses


def test_a_schema_is_imitated_by_a_tool():
    """
    The model must call a tool with the schema; the call is read as the answer's text, other text is none of it.
    """
    encoded = CHAT.encode_request(foreign(output=OutputFormat(schema=PERSON)), target(CHAT, "deepseek", "m"))
    name = encoded.sent.unwrap_tool

    assert encoded.body["tools"][0]["function"]["parameters"] == PERSON
    assert encoded.body["tool_choice"] == {"type": "function", "function": {"name": name}}
    assert noted(encoded.losses) == {("output.schema", "emulated")}
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": name, "arguments": '{"name":"Ada"}'}}
    whole = answered(CHAT, {"content": "Sure.", "tool_calls": [call]}, "tool_calls", encoded.sent)
    assert whole == Candidate((Text(text='{"name":"Ada"}'),), Finish.STOP, "tool_calls")
    stream = sse(delta(content="Sure."), delta(tool_calls=[call]), delta(finish="tool_calls"))
    assert assembled(CHAT, events(CHAT, stream, encoded.sent)).candidates[0] == whole


def test_text_beside_other_tools_is_kept_while_a_schema_is_imitated():
    """
    The text waits until it is known that another tool, or none, is called.
    """
    sent = Sent(target(CHAT), unwrap_tool="final_answer")
    call = {"index": 0, "id": "c", "function": {"name": "get_weather", "arguments": "{}"}}

    both = assembled(CHAT, events(CHAT, sse(delta(content="I look."), delta(tool_calls=[call], finish="tool_calls")), sent))
    alone = assembled(CHAT, events(CHAT, sse(delta(content="Hello."), delta(finish="stop")), sent))

    assert [type(part) for part in both.candidates[0].parts] == [Text, ToolCall]
    assert alone.candidates[0].parts == (Text(text="Hello."),)


def test_a_schema_is_said_where_nothing_can_be_forced():
    """
    The last resort is an instruction.
    """
    encoded = CHAT.encode_request(foreign(output=OutputFormat(schema=PERSON)), target(CHAT, "zai", "glm"))

    assert encoded.body["response_format"] == {"type": "json_object"}
    assert json.dumps(PERSON, separators=(",", ":")) in encoded.body["messages"][0]["content"]
    assert noted(encoded.losses) == {("output.schema", "emulated")}


def test_json_mode_wants_its_name_in_the_conversation():
    """
    OpenAI answers 400 where nobody speaks of JSON.
    """
    silent = CHAT.encode_request(foreign(output=OutputFormat()), target(CHAT))
    spoken = CHAT.encode_request(foreign(user("As JSON, please."), output=OutputFormat()), target(CHAT))

    assert silent.body["response_format"] == spoken.body["response_format"] == {"type": "json_object"}
    assert "JSON" in silent.body["messages"][0]["content"] and noted(silent.losses) == {("output.json_object", "emulated")}
    assert len(spoken.body["messages"]) == 1 and not spoken.losses


@pytest.mark.parametrize(
    ("part", "provider", "losses"),
    [
        (Image(source=Link("gs://b/x.png")), "openai", {("image.url", "impossible")}),
        (Image(source=FileId("f")), "openai", {("file_id", "impossible")}),
        (Document(source=Blob("application/pdf", "JVBERi0=")), "openai", set()),
        (Document(source=Blob("application/pdf", "JVBERi0=")), "deepseek", {("document", "impossible")}),
        (Document(source=Link("https://example.com/x.pdf")), "openai", {("document.url", "impossible")}),
        (Document(source=Blob("text/plain", "aGk="), title="t"), "deepseek", {("document", "changed")}),
        (Document(source=Blob("application/pdf", "JV"), context="c", citations=True), "openai", {
            ("document.context", "changed"),
            ("citations", "dropped"),
        }),
        (Video(source=Link("https://example.com/v.mp4")), "openai", {("video", "impossible")}),
        (Video(source=Link("https://example.com/v.mp4")), "openrouter", set()),
        (Audio(source=Blob("audio/mpeg", "AA")), "openai", set()),
        (Audio(source=Link("https://example.com/a.mp3")), "openai", {("audio", "impossible")}),
        (Opaque(kind="tools.server"), "openai", {("tools.server", "impossible")}),
        (Opaque(kind="tools.server", vital=False), "openai", {("tools.server", "dropped")}),
        (Text(text="x", cache="5m"), "openai", {("cache", "dropped")}),
        (Text(text="x", cache="5m"), "openrouter", set()),
    ],
)  # fmt: skip
def test_parts_that_cannot_cross_are_noted(part, provider, losses):
    """
    Left out where that does no harm, impossible where it would.
    """
    encoded = CHAT.encode_request(foreign(user("Look:", part)), target(CHAT, provider, "m"))

    assert noted(encoded.losses) == losses


def test_what_a_model_cannot_see_is_impossible():
    """
    Known from the catalogue.
    """
    request = foreign(user(Image(source=Blob("image/png", PNG))))

    assert noted(CHAT.encode_request(request, target(CHAT, vision=False)).losses) == {("image", "impossible")}


def test_names_keys_and_tiers():
    """
    OpenAI takes them, most do not; each that is left out is noted.
    """
    request = foreign(
        user="u-1",
        metadata={"a": "b"},
        service_tier="flex",
        cache_key="k",
        verbosity="low",
        candidates=2,
        parallel_tools=False,
        tools=(tool(),),
    )
    taken = CHAT.encode_request(request, target(CHAT))
    left = CHAT.encode_request(request, target(CHAT, "sambanova", "m"))

    assert settings(taken).items() >= {
        "safety_identifier": "u-1", "service_tier": "flex", "prompt_cache_key": "k", "verbosity": "low", "n": 2,
        "parallel_tool_calls": False,
    }.items()  # fmt: skip
    assert noted(taken.losses) == {("metadata", "dropped")}
    assert noted(left.losses) == {
        *((name, "dropped") for name in ("user", "metadata", "service_tier", "cache_key", "verbosity")),
        ("candidates", "impossible"),
    }


def test_a_turn_that_has_begun_is_continued_where_that_is_possible():
    """
    Some providers continue by themselves, some by a field, OpenAI answers anew, and some models refuse it.
    """
    request = foreign(user("Count."), assistant("One, two"))

    def end(provider: str, **traits: Any) -> tuple[Any, set[tuple[str, str]]]:
        encoded = CHAT.encode_request(request, target(CHAT, provider, "m", **traits))
        return encoded.body["messages"][-1], noted(encoded.losses)

    assert end("moonshot") == ({"role": "assistant", "content": "One, two", "partial": True}, set())
    assert end("openrouter") == ({"role": "assistant", "content": "One, two"}, set())
    assert end("openai")[1] == {("prefill", "changed")}
    assert end("openai", prefill=False)[1] == {("prefill", "impossible")}


def test_turns_keep_what_the_dialect_can_say_of_them():
    """
    Names, refusals, pieces of one answer, pictures beside system text.
    """
    request = foreign(
        replace(user("a"), name="Ada"),
        replace(user("b"), name="not a name"),
        assistant("c", "d", Refusal(text="e")),
        Turn("system", (Text(text="f"), Image(source=Link("https://example.com/x.png")))),
        user("g", "h"),
    )
    encoded = CHAT.encode_request(request, target(CHAT))
    elsewhere = CHAT.encode_request(request, target(CHAT, "moonshot", "m"))

    assert encoded.body["messages"] == [
        {"role": "user", "content": "a", "name": "Ada"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "refusal": "e", "content": "cd"},
        {"role": "system", "content": "f"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/x.png"}}]},
        {"role": "user", "content": [{"type": "text", "text": "g"}, {"type": "text", "text": "h"}]},
    ]
    assert noted(encoded.losses) == {("turns.name", "dropped"), ("system.parts", "changed")}
    assert elsewhere.body["messages"][2] == {"role": "assistant", "content": "cd\n\ne"}
    assert elsewhere.body["messages"][-1] == {"role": "user", "content": "g\n\nh"}


def test_pictures_the_model_made_have_no_place_in_its_turns():
    """
    Leaving them out would change what follows.
    """
    encoded = CHAT.encode_request(foreign(user("?"), assistant(Image(source=Blob("image/png", PNG))), user("!")), target(CHAT))

    assert noted(encoded.losses) == {("image", "impossible")}


def test_cache_marks_go_to_those_who_take_them():
    """
    On parts, results and tools.
    """
    request = foreign(
        Turn("system", (Text(text="s", cache="1h"),)),
        user("Go."),
        assistant(ToolCall(id="c", name="get_weather", arguments={})),
        user(ToolResult(call_id="c", parts=(Text(text="ok"),), cache="5m")),
        tools=(tool(cache="5m"),),
    )
    router, elsewhere = (CHAT.encode_request(request, target(CHAT, provider, "m")) for provider in ("openrouter", "openai"))

    assert router.body["messages"][0]["content"] == [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    assert router.body["messages"][3]["content"][0]["cache_control"] == router.body["tools"][0]["cache_control"] == {"type": "ephemeral"}
    assert not router.losses
    assert noted(elsewhere.losses) == {("cache", "dropped")} and b"cache_control" not in orjson.dumps(elsewhere.body)


@pytest.mark.parametrize(
    ("fields", "provider", "traits", "losses"),
    [
        ({"tools": (tool(),)}, "perplexity", {}, {("tools", "impossible")}),
        ({"tools": (tool(),)}, "openai", {"tools": False}, {("tools", "impossible")}),
        ({"tools": (tool(),), "parallel_tools": False}, "moonshot", {}, {("parallel_tools", "dropped")}),
        ({"tools": (tool(),), "parallel_tools": True}, "moonshot", {}, set()),
        ({"tools": (tool(),), "tool_choice": ToolChoice("none")}, "openai", {}, set()),
        ({"tools": (tool(),), "tool_choice": ToolChoice("required")}, "zai", {}, {("tool_choice", "emulated")}),
        ({"turns": (user(Document(source=Blob("application/pdf", "A"))),)}, "zai", {}, {("document", "impossible")}),
        ({"turns": (user(Document(source=Blob("application/pdf", "A"))),)}, "perplexity", {}, set()),
        ({"turns": (user(Document(source=Link("https://a.example/b.pdf"))),)}, "perplexity", {}, set()),
        ({"logprobs": 1}, "groq", {}, {("logprobs", "impossible")}),
        ({"logprobs": 1}, "openai", {}, {("logprobs", "impossible")}),  # it would give them, but nobody would translate them
        ({"logprobs": 99, "dialect": "openai-chat of groq"}, "openai", {}, {("logprobs", "clamped")}),
        ({"user": "u" * 65}, "openai", {}, {("user", "dropped")}),
        ({"stop": ("x",)}, "perplexity", {}, {("stop", "emulated")}),
        ({"service_tier": "standard_only"}, "openai", {}, set()),
        ({"service_tier": "standard"}, "deepseek", {}, set()),
        ({"turns": (user(Audio(source=Blob("audio/wav", "A"))),)}, "openai", {"audio_in": False}, {("audio", "impossible")}),
        ({"turns": (user(Document(source=Blob("application/pdf", "A"))),)}, "openai", {"pdf": False}, {("document", "impossible")}),
        ({"turns": (user(Document(source=Blob("text/plain", "!"))),)}, "openai", {"pdf": False}, {("document", "impossible")}),
        ({"turns": (user(Document(source=Blob("image/png", "A"))),)}, "openai", {"pdf": False}, set()),
    ],
)
def test_what_else_may_be_lost(fields, provider, traits, losses):
    """
    Each is noted under its own name, and nothing else is.
    """
    assert noted(CHAT.encode_request(foreign(**fields), target(CHAT, provider, "m", **traits)).losses) == losses


@pytest.mark.parametrize(
    ("schema", "losses"),
    [
        (PERSON, set()),
        ({**PERSON, "required": []}, {("output.schema", "changed")}),
        ({"type": "object", "patternProperties": {}}, {("output.strict", "dropped")}),
    ],
)
def test_a_strict_schema_is_made_strict_where_it_can_be(schema, losses):
    """
    Every property required, the object closed; else without strictness.
    """
    output = OutputFormat(schema=schema, name="p", description="d", strict=True)
    encoded = CHAT.encode_request(foreign(output=output), target(CHAT))
    given_schema = encoded.body["response_format"]["json_schema"]

    assert noted(encoded.losses) == losses and given_schema["description"] == "d"
    assert given_schema.get("strict", False) is (("output.strict", "dropped") not in losses)
    if ("output.schema", "changed") in losses:
        assert given_schema["schema"]["required"] == ["name"]


def test_extras_of_another_dialect_are_not_forgotten():
    """
    A vital one makes the target impossible.
    """
    extras = (Extra("container", True, "…"), Extra("betas", False, "…"))

    assert noted(CHAT.encode_request(foreign(extras=extras), target(CHAT)).losses) == {("container", "impossible"), ("betas", "dropped")}


def test_thoughts_go_home_and_nowhere_else():
    """
    Another provider's thoughts are dropped; the target's own go back in the field it reads.
    """
    turn = assistant(Reasoning(text="Hm.", signature="-", origin="deepseek"), ToolCall(id="c", name="get_weather", arguments={}))
    result = user(ToolResult(call_id="c", parts=(Text(text="ok"),)))

    home = CHAT.encode_request(foreign(user("Go."), turn, result), target(CHAT, "deepseek", "deepseek-v4"))
    away = CHAT.encode_request(foreign(user("Go."), turn, result), target(CHAT, "moonshot", "kimi", reasoning="adaptive"))
    none = CHAT.encode_request(foreign(user("Go."), turn, result), target(CHAT))

    assert home.body["messages"][1]["reasoning_content"] == "Hm." and not home.losses
    assert away.body["messages"][1]["reasoning_content"] == " "  # the least it takes
    assert "reasoning_content" not in none.body["messages"][1]
    assert noted(away.losses) == noted(none.losses) == {("reasoning.history", "dropped")}


def test_mistral_models_keep_their_rules_wherever_they_run():
    """
    Their chat templates want short ids and a turn of the model between results and the user.
    """
    request = foreign(
        user("Go."),
        assistant(ToolCall(id="toolu_01A", name="get_weather", arguments={})),
        user(ToolResult(call_id="toolu_01A", parts=(Text(text="ok"),)), "And now?"),
    )
    encoded = CHAT.encode_request(request, target(CHAT, "nvidia", "mistralai/mistral-small-4"))

    assert [message["role"] for message in encoded.body["messages"]] == ["user", "assistant", "tool", "assistant", "user"]
    assert len(encoded.body["messages"][2]["tool_call_id"]) == 9
    assert noted(encoded.losses) == {("turns.order", "changed")}
