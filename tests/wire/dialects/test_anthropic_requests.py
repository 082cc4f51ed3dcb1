"""
Requests of other dialects, written for Anthropic; and Anthropic's own, read with everything they may hold.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest

from excise.errors import BadRequest
from excise.wire.dialect import Encoded, Envelope, Target, Traits, Verdict
from excise.wire.dialects.anthropic_messages import ANTHROPIC_MESSAGES as AM
from excise.wire.dialects.anthropic_messages import ANTHROPIC_VERTEX as VERTEX
from excise.wire.keepsake import wrap
from excise.wire.loss import Change
from excise.wire.neutral import (
    Audio,
    Blob,
    Document,
    Extra,
    FileId,
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

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
TOOL = Tool("f", "Does f.", SCHEMA)
PNG = Blob("image/png", "aWNvbg==")


def user(*parts: Part | str) -> Turn:
    return Turn("user", tuple(Text(text=part) if isinstance(part, str) else part for part in parts))


def assistant(*parts: Part | str) -> Turn:
    return Turn("assistant", user(*parts).parts)


def system(*parts: Part | str) -> Turn:
    return Turn("system", user(*parts).parts)


def encoded(*turns: Turn, to: dict[str, Any] | None = None, model: str = "claude-haiku-4-5", dialect: Any = AM, **fields: Any) -> Encoded:
    """
    A foreign request, written for a model with the traits `to`.
    """
    fields = {"max_tokens": 100, "dialect": "openai-chat", "model": "gpt", **fields}
    request = Request(turns=turns or (user("Hi"),), **fields)
    traits = Traits(**({"max_output_tokens": 64_000} | (to or {})))
    return dialect.encode_request(request, Target("anthropic", dialect.name, model, traits))


def losses(result: Encoded) -> set[tuple[str, Change]]:
    return {(loss.field, loss.change) for loss in result.losses}


def decoded(envelope: Envelope | None = None, **fields: Any) -> Request:
    body = {"model": "claude-x", "max_tokens": 10, "messages": [{"role": "user", "content": "Hi"}], **fields}
    return AM.decode_request(body, envelope or Envelope())


def parts_of(*blocks: Any, role: str = "user") -> tuple[Part, ...]:
    return decoded(messages=[{"role": role, "content": list(blocks)}]).turns[0].parts


# -- the conversation ------------------------------------------------------------------------------------------------------------------


def test_turns_are_arranged() -> None:
    """
    System text goes to the top, like roles become one turn, results stand first in one user turn, empty text goes.
    """
    result = encoded(
        system("Be brief."),
        user("One.", ""),
        user("Two."),
        assistant(ToolCall(id="functions.f:0", name="f", arguments={"a": "x"}), ToolCall(id="2", name="f", arguments={})),
        user(ToolResult(call_id="functions.f:0", parts=(Text(text="r1"),))),
        system("Be briefer."),
        user(ToolResult(call_id="2", value={"b": 1})),
        user("Go on."),
        tools=(TOOL,),
    )

    first, second = (block["id"] for block in result.body["messages"][1]["content"])
    assert result.body["system"] == [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be briefer."}]
    assert [message["role"] for message in result.body["messages"]] == ["user", "assistant", "user"]
    assert result.body["messages"][0]["content"] == [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]
    assert result.body["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": first, "content": "r1"},
        {"type": "tool_result", "tool_use_id": second, "content": '{"b":1}'},
        {"type": "text", "text": "Go on."},
    ]
    assert second == "2"
    assert first.startswith("xi_")
    assert losses(result) == {("system.position", Change.CHANGED)}


def test_a_history_with_tools_needs_no_declaration() -> None:
    """
    Calls and results stay what they are where the request offers no tools any more.
    """
    call = ToolCall(id="1", name="f", arguments={"a": "x"})

    result = encoded(user("Hi"), assistant(call), user(ToolResult(call_id="1", parts=(Text(text="r"),))))

    assert result.body["messages"][1]["content"] == [{"type": "tool_use", "id": "1", "name": "f", "input": {"a": "x"}}]
    assert "tools" not in result.body
    assert result.losses == ()


def test_a_broken_call_of_the_history_is_put_into_an_object() -> None:
    """
    Arguments that are no object go on as text in one.
    """
    call = ToolCall(id="1", name="f", arguments=None, text="{broken")

    result = encoded(user("Hi"), assistant(call), user(ToolResult(call_id="1")))

    assert result.body["messages"][1]["content"][0]["input"] == {"arguments": "{broken"}
    assert losses(result) == {("tools.arguments", Change.CHANGED)}


def test_a_refusal_in_the_history_is_what_the_assistant_said() -> None:
    """
    The model's own words of refusal stay its words.
    """
    result = encoded(user("Hi"), assistant(Refusal(text="No.")), user("Why?"))

    assert result.body["messages"][1] == {"role": "assistant", "content": [{"type": "text", "text": "No."}]}


def test_a_failed_result_says_so() -> None:
    """
    `is_error` is kept; beside pictures, which it forbids, it is said in words.
    """
    calls = assistant(ToolCall(id="1", name="f", arguments={}), ToolCall(id="2", name="f", arguments={}))
    results = user(
        ToolResult(call_id="1", parts=(Text(text="boom"),), is_error=True),
        ToolResult(call_id="2", parts=(Text(text="see"), Image(source=PNG)), is_error=True),
    )

    result = encoded(user("Hi"), calls, results)

    plain, pictured = result.body["messages"][2]["content"]
    assert (plain["content"], plain["is_error"]) == ("boom", True)
    assert [block["type"] for block in pictured["content"]] == ["text", "text", "image"]
    assert "is_error" not in pictured
    assert losses(result) == {("tool_result.is_error", Change.CHANGED)}


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            Image(source=Blob("image/jpg", "eA==")),
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "eA=="}},
        ),
        (Image(source=Link("https://a.example/b.png")), {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}}),
        (
            Document(source=Blob("application/pdf", "eA=="), title="T", context="C", citations=True),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "eA=="},
                "title": "T",
                "context": "C",
                "citations": {"enabled": True},
            },
        ),
        (
            Document(source=Blob("text/csv", base64.b64encode("ä,b".encode()).decode())),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "ä,b"}},
        ),
        (
            Document(source=Link("https://a.example/b.pdf")),
            {"type": "document", "source": {"type": "url", "url": "https://a.example/b.pdf"}},
        ),
    ],
)
def test_media_go_on(part: Part, block: dict[str, Any]) -> None:
    """
    Pictures, PDF and text cross without loss.
    """
    result = encoded(user("Look.", part))

    assert result.body["messages"][0]["content"][1] == block
    assert result.losses == ()


@pytest.mark.parametrize(
    ("part", "field"),
    [
        (Image(source=Blob("image/tiff", "eA==")), "image"),
        (Image(source=Link("gs://bucket/b.png")), "image.url"),
        (Image(source=FileId("file_1")), "file_id"),
        (Document(source=Blob("application/msword", "eA==")), "document"),
        (Document(source=Blob("text/plain", "/w==")), "document"),
        (Document(source=Link("https://a.example/b.txt", "text/plain")), "document.url"),
        (Audio(source=Blob("audio/wav", "eA==")), "audio"),
        (Video(source=Blob("video/mp4", "eA==")), "video"),
        (Opaque(kind="tools.server"), "tools.server"),
    ],
)
def test_media_nobody_there_reads_are_impossible(part: Part, field: str) -> None:
    """
    What the provider would refuse, or could not fetch, is not sent.
    """
    result = encoded(user("Look.", part))

    assert losses(result) == {(field, Change.IMPOSSIBLE)}
    assert result.verdict is Verdict.IMPOSSIBLE


def test_traits_rule_media_out() -> None:
    """
    A model that is known not to see or read PDF gets neither.
    """
    see = encoded(user(Image(source=PNG)), to={"vision": False})
    read = encoded(user(Document(source=Blob("application/pdf", "eA=="))), to={"pdf": False})

    assert losses(see) == {("image", Change.IMPOSSIBLE)}
    assert losses(read) == {("document", Change.IMPOSSIBLE)}


def test_a_picture_of_the_assistant_is_impossible() -> None:
    """
    The provider's own turns hold no pictures.
    """
    assert ("image", Change.IMPOSSIBLE) in losses(encoded(user("Draw."), assistant(Image(source=PNG)), user("Again.")))


def test_a_prefilled_answer_ends_without_white_space() -> None:
    """
    The provider refuses to continue white space, and some models refuse to continue at all.
    """
    result = encoded(user("Count."), assistant("1, 2, \n"))
    refused = encoded(user("Count."), assistant("1,"), to={"prefill": False})

    assert result.body["messages"][-1] == {"role": "assistant", "content": "1, 2,"}
    assert losses(result) == {("prefill", Change.CHANGED)}
    assert losses(refused) == {("prefill", Change.IMPOSSIBLE)}


# -- reasoning in the history ----------------------------------------------------------------------------------------------------------


def test_own_proofs_go_home_and_foreign_ones_do_not() -> None:
    """
    A thought that came from this provider through a foreign client goes back with its proof; every other one is dropped, never said.
    """
    result = encoded(
        user("Hi"),
        assistant(
            Reasoning(text="mine", signature="sig", origin="anthropic"),
            Reasoning(signature="enc", redacted=True, origin="anthropic"),
            Reasoning(text="theirs", signature="other", origin="openai"),
            Reasoning(text="native elsewhere", signature="x"),
            "Hello.",
        ),
        user("And?"),
    )

    assert result.body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "mine", "signature": "sig"},
        {"type": "redacted_thinking", "data": "enc"},
        {"type": "text", "text": "Hello."},
    ]
    assert losses(result) == {("reasoning.history", Change.DROPPED)}


def test_an_own_request_loses_foreign_thoughts_only() -> None:
    """
    Written back to its own provider, a request keeps everything but what another provider's model thought; and where that leaves a tool
    loop without thoughts, thinking with a budget stops.
    """
    block = {"type": "tool_use", "id": "1", "name": "f", "input": {}, "caller": {"type": "direct"}}
    foreign = {"type": "thinking", "thinking": "", "signature": wrap("google", "proof")}
    request = decoded(
        thinking={"type": "enabled", "budget_tokens": 2000},
        messages=[
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [foreign, block]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1"}]},
        ],
    )
    assert request.turns[1].parts[0] == Reasoning(signature="proof", origin="google", attached=True)

    result = AM.encode_request(request, Target("anthropic", "anthropic-messages", "claude-y"))

    assert result.body["messages"][1]["content"] == [block]
    assert result.body["thinking"] == {"type": "disabled"}
    assert losses(result) == {("reasoning.history", Change.DROPPED), ("reasoning", Change.DROPPED)}


def test_an_own_request_takes_wrapped_proofs_home() -> None:
    """
    A proof marked as this very provider's is unwrapped.
    """
    wrapped = {"type": "thinking", "thinking": "t", "signature": wrap("kimi", "proof")}
    request = decoded(messages=[{"role": "assistant", "content": [wrapped, {"type": "text", "text": "x"}]}])

    result = AM.encode_request(request, Target("kimi", "anthropic-messages", "k2"))

    assert result.body["messages"][0]["content"][0] == {"type": "thinking", "thinking": "t", "signature": "proof"}
    assert result.losses == ()


@pytest.mark.parametrize(
    ("fields", "traits", "changed", "lost"),
    [
        ({"max_tokens": 100_000}, {"max_output_tokens": 64_000}, {"max_tokens": 64_000}, {("max_tokens", Change.CLAMPED)}),
        ({"temperature": 0.2}, {"sampling": False}, {"temperature": None}, {("temperature", Change.DROPPED)}),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 4096}, "max_tokens": 5000},
            {"reasoning": "adaptive"},
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
            {("reasoning.budget", Change.CHANGED)},
        ),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium", "task_budget": {}}, "max_tokens": 9000},
            {"reasoning": "budget"},
            {"thinking": {"type": "enabled", "budget_tokens": 2048}, "output_config": {"task_budget": {}}},
            {("reasoning.effort", Change.CHANGED)},
        ),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 1300}, {"reasoning": "budget"}, {}, set()),
        ({"thinking": {"type": "disabled"}}, {"reasoning": "none"}, {"thinking": None}, set()),
        ({"output_config": {"effort": "max"}}, {}, {}, set()),
        (
            {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "So"}]},
            {"prefill": False},
            {},
            {("prefill", Change.IMPOSSIBLE)},
        ),
        (
            {"tool_choice": {"type": "any"}, "tools": [{"name": "f", "input_schema": {}}]},
            {"forced_tools": False},
            {},
            {("tool_choice", Change.IMPOSSIBLE)},
        ),
    ],
)
def test_an_own_request_for_another_model_fits_it(
    fields: dict[str, Any], traits: dict[str, Any], changed: dict[str, Any], lost: Any
) -> None:
    """
    What the other model is known to refuse is said in its terms or noted; for the model the client meant nothing changes.
    """
    request = decoded(**fields)

    same = AM.encode_request(request, Target("anthropic", "anthropic-messages", "claude-x", Traits(**traits)))
    other = AM.encode_request(request, Target("anthropic", "anthropic-messages", "claude-y", Traits(**traits)))

    assert same.body == request.raw
    assert same.losses == ()
    expected = {**request.raw, "model": "claude-y", **changed}
    assert other.body == {key: value for key, value in expected.items() if value is not None}
    assert losses(other) == lost


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "thinking", "thinking": "t", "signature": "s"}, Reasoning(text="t", signature="s")),
        ({"type": "thinking", "thinking": "", "signature": "s"}, Reasoning(signature="s")),
        ({"type": "thinking", "thinking": "t", "signature": ""}, Reasoning(text="t")),
        ({"type": "thinking", "thinking": "t", "signature": wrap("google", "s")}, Reasoning(text="t", signature="s", origin="google")),
        (
            {"type": "thinking", "thinking": "", "signature": wrap("google", "s")},
            Reasoning(signature="s", origin="google", attached=True),
        ),
        ({"type": "redacted_thinking", "data": "d"}, Reasoning(signature="d", redacted=True)),
        ({"type": "redacted_thinking", "data": wrap("openai", "d")}, Reasoning(signature="d", redacted=True, origin="openai")),
    ],
)
def test_thoughts_are_read_with_their_origin(block: dict[str, Any], part: Part) -> None:
    """
    A proof says whose it is; one without words from elsewhere belongs to the part behind it.
    """
    assert parts_of(block, role="assistant") == (part,)


# -- thinking, limits, sampling --------------------------------------------------------------------------------------------------------

ADAPTIVE = {"reasoning": "adaptive", "efforts": ("low", "medium", "high", "max"), "sampling": False}
BUDGET = {"reasoning": "budget"}


@pytest.mark.parametrize(
    ("ask", "body", "lost"),
    [
        (ReasoningAsk(effort="high"), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}, set()),
        (
            ReasoningAsk(effort="xhigh"),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
            {("reasoning.effort", Change.CLAMPED)},
        ),
        (ReasoningAsk(adaptive=True, visible=True), {"thinking": {"type": "adaptive", "display": "summarized"}}, set()),
        (
            ReasoningAsk(effort="low", visible=False),
            {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "low"}},
            set(),
        ),
        (
            ReasoningAsk(budget_tokens=4096),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
            {("reasoning.budget", Change.CHANGED)},
        ),
        (ReasoningAsk(effort="none"), {"thinking": {"type": "disabled"}}, set()),
        (ReasoningAsk(visible=False), {}, set()),
        (None, {}, set()),
    ],
)
def test_newer_models_get_a_level(ask: ReasoningAsk | None, body: dict[str, Any], lost: set[Any]) -> None:
    """
    Adaptive thinking and `output_config.effort`, nearest lower level.
    """
    result = encoded(reasoning=ask, to=ADAPTIVE)

    assert {key: result.body[key] for key in ("thinking", "output_config") if key in result.body} == body
    assert losses(result) == lost


def test_a_model_that_always_thinks_is_asked_for_the_least() -> None:
    """
    Where thinking cannot be switched off, `disabled` would be refused.
    """
    result = encoded(reasoning=ReasoningAsk(effort="none"), to={**ADAPTIVE, "always_thinks": True})

    assert "thinking" not in result.body
    assert result.body["output_config"] == {"effort": "low"}
    assert losses(result) == {("reasoning.effort", Change.CLAMPED)}


def test_a_model_that_does_not_think_is_not_asked_to() -> None:
    """
    An effort is dropped with a note; switching off what is not there loses nothing.
    """
    asked = encoded(reasoning=ReasoningAsk(effort="high"), to={"reasoning": "none"})
    off = encoded(reasoning=ReasoningAsk(effort="none"), to={"reasoning": "none"})

    assert "thinking" not in asked.body
    assert losses(asked) == {("reasoning", Change.DROPPED)}
    assert "thinking" not in off.body
    assert off.losses == ()


@pytest.mark.parametrize(
    ("ask", "max_tokens", "thinking", "limit"),
    [
        (ReasoningAsk(effort="high"), 20_000, 4096, 20_000),
        (ReasoningAsk(effort="high"), 4000, 2999, 4000),
        (ReasoningAsk(budget_tokens=2000), 8000, 2000, 8000),
        (ReasoningAsk(budget_tokens=9000), 8000, 7999, 8000),
        (ReasoningAsk(budget_tokens=100), 8000, 1024, 8000),
        (ReasoningAsk(effort="low"), 100, 1024, 1124),
        (ReasoningAsk(effort="max"), 1200, 1024, 2224),
        (ReasoningAsk(effort="high"), None, 4096, 64_000),
        (ReasoningAsk(adaptive=True), 8000, 2048, 8000),
    ],
)
def test_older_models_get_a_budget(ask: ReasoningAsk, max_tokens: int | None, thinking: int, limit: int) -> None:
    """
    1024 at least and below the limit, which is raised where it leaves no room.
    """
    result = encoded(reasoning=ask, max_tokens=max_tokens, to=BUDGET)

    assert result.body["thinking"] == {"type": "enabled", "budget_tokens": thinking}
    assert result.body["max_tokens"] == limit
    assert (("max_tokens", Change.CHANGED) in losses(result)) is (limit > (max_tokens or limit))


def test_a_budget_without_any_limit_makes_one() -> None:
    """
    Where nobody says a limit, it is above the budget.
    """
    result = encoded(reasoning=ReasoningAsk(budget_tokens=10_000), max_tokens=None, model="kimi-k2", to={"max_output_tokens": None})

    assert result.body["thinking"] == {"type": "enabled", "budget_tokens": 10_000}
    assert result.body["max_tokens"] == 14_096
    assert losses(result) == {("max_tokens", Change.CHANGED)}


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": (TOOL,), "tool_choice": ToolChoice("required")},
        {"turns": (user("Hi"), assistant("So"))},
        {
            "turns": (user("Hi"), assistant(ToolCall(id="1", name="f", arguments={})), user(ToolResult(call_id="1"))),
            "tools": (TOOL,),
        },
    ],
    ids=["forced tool", "prefill", "foreign tool loop"],
)
def test_what_forbids_thinking_with_a_budget_switches_it_off(fields: dict[str, Any]) -> None:
    """
    A forced tool, a prefilled answer, a tool loop without own thoughts: each is a certain 400 while thinking, so thinking gives way.
    """
    turns = fields.pop("turns", ())

    result = encoded(*turns, reasoning=ReasoningAsk(effort="high"), max_tokens=9000, to=BUDGET, **fields)

    assert result.body["thinking"] == {"type": "disabled"}
    assert losses(result) == {("reasoning", Change.DROPPED)}


def test_a_tool_loop_with_own_thoughts_goes_on_thinking() -> None:
    """
    Thoughts that came home count.
    """
    own = Reasoning(text="t", signature="s", origin="anthropic")
    loop = (user("Hi"), assistant(own, ToolCall(id="1", name="f", arguments={})), user(ToolResult(call_id="1")))

    result = encoded(*loop, reasoning=ReasoningAsk(effort="high"), max_tokens=9000, tools=(TOOL,), to=BUDGET)

    assert result.body["thinking"]["type"] == "enabled"


def test_adaptive_thinking_forces_tools_and_takes_foreign_loops() -> None:
    """
    Newer models refuse neither.
    """
    loop = (user("Hi"), assistant(ToolCall(id="1", name="f", arguments={})), user(ToolResult(call_id="1")))

    result = encoded(*loop, reasoning=ReasoningAsk(effort="low"), tools=(TOOL,), tool_choice=ToolChoice("required"), to=ADAPTIVE)

    assert result.body["thinking"] == {"type": "adaptive"}
    assert result.body["tool_choice"] == {"type": "any"}
    assert result.losses == ()


@pytest.mark.parametrize(
    ("asked", "most", "sent", "lost"),
    [
        (None, 64_000, 64_000, set()),
        (None, None, 4096, {("max_tokens", Change.CHANGED)}),
        (100_000, 64_000, 64_000, {("max_tokens", Change.CLAMPED)}),
        (0, 64_000, 1, {("max_tokens", Change.CLAMPED)}),
        (7, None, 7, set()),
    ],
)
def test_a_limit_is_always_said(asked: int | None, most: int | None, sent: int, lost: set[Any]) -> None:
    """
    The provider demands one: the model's own most where the client leaves it open, which is what leaving it open means.
    """
    result = encoded(max_tokens=asked, to={"max_output_tokens": most})

    assert result.body["max_tokens"] == sent
    assert losses(result) == lost


@pytest.mark.parametrize(
    ("sampling", "fields", "body", "lost"),
    [
        (Sampling(temperature=1.7), {}, {"temperature": 1}, {("temperature", Change.CLAMPED)}),
        (Sampling(temperature=0.2, top_k=5), {}, {"temperature": 0.2, "top_k": 5}, set()),
        (Sampling(temperature=0.2, top_p=0.5), {}, {"temperature": 0.2}, {("top_p", Change.DROPPED)}),
        (Sampling(temperature=1, top_p=0.5), {}, {"top_p": 0.5}, set()),
        (Sampling(temperature=0.2, top_p=1), {}, {"temperature": 0.2}, set()),
        (Sampling(temperature=0.2, top_p=0.5), {"model": "kimi-k2"}, {"temperature": 0.2, "top_p": 0.5}, set()),
        (Sampling(temperature=0.2), {"to": {"sampling": False}}, {}, {("temperature", Change.DROPPED)}),
        (
            Sampling(temperature=0.2, top_p=0.5, top_k=3),
            {"to": BUDGET, "reasoning": ReasoningAsk(budget_tokens=2000), "max_tokens": 9000},
            {},
            {("temperature", Change.DROPPED), ("top_p", Change.DROPPED), ("top_k", Change.DROPPED)},
        ),
        (
            Sampling(temperature=1, top_p=0.97),
            {"to": BUDGET, "reasoning": ReasoningAsk(budget_tokens=2000), "max_tokens": 9000},
            {"top_p": 0.97},
            set(),
        ),
        (
            Sampling(seed=1, frequency_penalty=0.5, presence_penalty=0.0, logit_bias={"1": 2}, min_p=0.1),
            {},
            {},
            {("seed", Change.DROPPED), ("frequency_penalty", Change.DROPPED), ("logit_bias", Change.DROPPED), ("min_p", Change.DROPPED)},
        ),
    ],
)
def test_sampling_is_what_the_model_takes(sampling: Sampling, fields: dict[str, Any], body: dict[str, Any], lost: set[Any]) -> None:
    """
    Clamped to 0..1, one of temperature and top_p for Claude, nothing beside thinking, nothing for models that refuse it.
    """
    result = encoded(sampling=sampling, **fields)

    assert {key: result.body[key] for key in ("temperature", "top_p", "top_k") if key in result.body} == body
    assert losses(result) == lost


# -- tools -----------------------------------------------------------------------------------------------------------------------------


def test_tools_are_written() -> None:
    """
    Name, description and a schema of an object; strict where the schema can be kept to.
    """
    open_ = {"type": "object", "properties": {"n": {"type": "string"}}}
    bound = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}

    strict = encoded(tools=(Tool("f", "Does f.", SCHEMA, strict=True), Tool("g", None, open_, strict=True), Tool("h"), Tool("i", None, {})))
    loose = encoded(tools=(Tool("f", None, bound, strict=True), Tool("g", None, SCHEMA, strict=False)))
    unknown = encoded(tools=(Tool("f", None, SCHEMA, strict=True),), to={"json_schema": False})

    assert strict.body["tools"] == [
        {"name": "f", "description": "Does f.", "strict": True, "input_schema": SCHEMA},
        {"name": "g", "strict": True, "input_schema": {**open_, "additionalProperties": False}},
        {"name": "h", "input_schema": {"type": "object", "properties": {}}},
        {"name": "i", "input_schema": {"type": "object", "properties": {}}},
    ]
    assert strict.losses == ()
    assert loose.body["tools"] == [{"name": "f", "input_schema": bound}, {"name": "g", "input_schema": SCHEMA}]
    assert unknown.body["tools"] == [{"name": "f", "input_schema": SCHEMA}]
    assert losses(loose) == losses(unknown) == {("tools.strict", Change.DROPPED)}


def test_a_schema_composed_at_the_top_becomes_an_object() -> None:
    """
    Alternatives at the top are refused: their properties are put together.
    """
    schema = {"anyOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"properties": {"b": {}}}, 7]}

    result = encoded(tools=(Tool("f", None, schema), Tool("g", None, {"type": ["object", "null"]}), Tool("h", None, {"type": "array"})))

    assert [tool["input_schema"] for tool in result.body["tools"]] == [
        {"properties": {"a": {"type": "string"}, "b": {}}, "type": "object"},
        {"type": "object"},
        {"type": "object"},
    ]
    assert losses(result) == {("tools.schema", Change.CHANGED)}


def test_a_name_of_an_argument_nobody_takes_is_impossible() -> None:
    """
    The API refuses names of properties outside its pattern.
    """
    schema = {"type": "object", "properties": {"a b": {}}}

    assert losses(encoded(tools=(Tool("f", None, schema),))) == {("tools.schema", Change.IMPOSSIBLE)}
    assert encoded(tools=(Tool("f", None, schema),), model="kimi-k2").losses == ()


def test_names_of_tools_are_fitted_and_remembered() -> None:
    """
    Declaration, choice and history get the same new name; two never become one; the answer's decoder knows the old ones.
    """
    result = encoded(
        user("Hi"),
        assistant(ToolCall(id="1", name="a.b", arguments={})),
        user(ToolResult(call_id="1")),
        tools=(Tool("a.b"), Tool("a:b"), Tool("a_b"), Tool("x" * 70)),
        tool_choice=ToolChoice("named", ("a:b",)),
    )

    names = [tool["name"] for tool in result.body["tools"]]
    assert names == ["a_b_2", "a_b_3", "a_b", "x" * 64]
    assert result.body["messages"][1]["content"][0]["name"] == "a_b_2"
    assert result.body["tool_choice"] == {"type": "tool", "name": "a_b_3"}
    assert result.sent.tool_names == {"a_b_2": "a.b", "a_b_3": "a:b", "x" * 64: "x" * 70}
    assert losses(result) == {("tools.name", Change.CHANGED)}


@pytest.mark.parametrize(
    ("choice", "parallel", "body"),
    [
        (None, None, None),
        (ToolChoice("auto"), None, None),
        (ToolChoice("auto"), False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("required"), False, {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice("named", ("f",)), None, {"type": "tool", "name": "f"}),
        (ToolChoice("none"), False, {"type": "none"}),
    ],
)
def test_the_choice_of_tools(choice: ToolChoice | None, parallel: bool | None, body: Any) -> None:
    """
    In the provider's words, one call at a time where the client wants that.
    """
    result = encoded(tools=(TOOL,), tool_choice=choice, parallel_tools=parallel)

    assert result.body.get("tool_choice") == body
    assert result.losses == ()


def test_some_of_the_tools_are_chosen_by_leaving_the_others_out() -> None:
    """
    A choice among several is not known there.
    """
    result = encoded(tools=(TOOL, Tool("g"), Tool("h")), tool_choice=ToolChoice("required", ("f", "h")))

    assert [tool["name"] for tool in result.body["tools"]] == ["f", "h"]
    assert result.body["tool_choice"] == {"type": "any"}
    assert losses(result) == {("tool_choice", Change.CHANGED)}


def test_traits_rule_tools_out() -> None:
    """
    Never silently: a model without tools, or one that cannot be made to call one.
    """
    assert losses(encoded(tools=(TOOL,), to={"tools": False})) == {("tools", Change.IMPOSSIBLE)}
    forced = encoded(tools=(TOOL,), tool_choice=ToolChoice("required"), to={"forced_tools": False})
    assert losses(forced) == {("tool_choice", Change.IMPOSSIBLE)}


# -- output format ---------------------------------------------------------------------------------------------------------------------


def test_a_schema_is_kept_to_natively() -> None:
    """
    `output_config.format`, with the description inside.
    """
    result = encoded(output=OutputFormat(schema=SCHEMA, name="thing", description="A thing.", strict=True))

    assert result.body["output_config"] == {"format": {"type": "json_schema", "schema": {**SCHEMA, "description": "A thing."}}}
    assert result.losses == ()


def test_a_model_without_schemas_gets_a_tool() -> None:
    """
    The tool is forced, alone or among the client's own, and its name left for the answer's decoder.
    """
    alone = encoded(output=OutputFormat(schema=SCHEMA, name="thing"), to={"json_schema": False})
    among = encoded(output=OutputFormat(schema=SCHEMA, name="f"), tools=(TOOL,), to={"json_schema": False})

    assert alone.body["tool_choice"] == {"type": "tool", "name": "thing"}
    assert alone.body["tools"][0]["input_schema"] == SCHEMA
    assert alone.sent.unwrap_tool == "thing"
    assert losses(alone) == {("output.schema", Change.EMULATED)}
    assert [tool["name"] for tool in among.body["tools"]] == ["f", "f_"]
    assert among.body["tool_choice"] == {"type": "any"}
    assert among.sent.unwrap_tool == "f_"


@pytest.mark.parametrize(
    ("fields", "tools", "choice"),
    [
        ({"tool_choice": ToolChoice("none")}, ["answer"], {"type": "tool", "name": "answer"}),
        ({"tool_choice": ToolChoice("required")}, ["f"], {"type": "any"}),
        ({"tool_choice": ToolChoice("auto"), "parallel_tools": False}, ["f", "answer"], {"type": "any", "disable_parallel_tool_use": True}),
    ],
)
def test_the_tool_of_a_schema_beside_a_choice(fields: dict[str, Any], tools: list[str], choice: dict[str, Any]) -> None:
    """
    A forced call of the client's comes first; where none may be called, the schema's tool stands alone.
    """
    result = encoded(output=OutputFormat(schema=SCHEMA), tools=(TOOL,), to={"json_schema": False}, **fields)

    assert [tool["name"] for tool in result.body["tools"]] == tools
    assert result.body["tool_choice"] == choice


def test_json_without_a_schema_is_an_instruction() -> None:
    """
    The client's system text stays in front.
    """
    result = encoded(system("Be brief."), user("Hi"), output=OutputFormat())

    assert result.body["system"][0] == {"type": "text", "text": "Be brief."}
    assert "JSON" in result.body["system"][1]["text"]
    assert losses(result) == {("output.json_object", Change.EMULATED)}


def test_a_schema_that_can_be_neither_kept_nor_forced_is_an_instruction() -> None:
    """
    The schema itself is in it.
    """
    result = encoded(output=OutputFormat(schema=SCHEMA), to={"json_schema": False, "forced_tools": False})

    assert '"additionalProperties":false' in result.body["system"]
    assert losses(result) == {("output.schema", Change.EMULATED)}


def test_citations_give_way_to_a_schema() -> None:
    """
    The provider refuses both together.
    """
    cited = Document(source=Blob("application/pdf", "eA=="), citations=True)

    result = encoded(user(cited), output=OutputFormat(schema=SCHEMA))

    assert "citations" not in result.body["messages"][0]["content"][0]
    assert losses(result) == {("citations", Change.DROPPED)}


# -- settings --------------------------------------------------------------------------------------------------------------------------


def test_settings_go_on_or_are_noted() -> None:
    """
    What has an equal is written, what has none is noted, each under its name.
    """
    result = encoded(
        stop=("END", " ", ""),
        stream=True,
        user="u-1",
        metadata={"k": "v"},
        service_tier="default",
        cache_key="k",
        verbosity="low",
        extras=(Extra("store", False, "no such thing"), Extra("prediction", True, "no such thing")),
        candidates=2,
        logprobs=0,
    )

    assert result.body["stop_sequences"] == ["END"]
    assert result.body["stream"] is True
    assert result.body["metadata"] == {"user_id": "u-1"}
    assert result.body["service_tier"] == "standard_only"
    assert losses(result) == {
        ("stop", Change.EMULATED),
        ("metadata", Change.DROPPED),
        ("cache_key", Change.DROPPED),
        ("verbosity", Change.DROPPED),
        ("store", Change.DROPPED),
        ("prediction", Change.IMPOSSIBLE),
        ("candidates", Change.IMPOSSIBLE),
        ("logprobs", Change.IMPOSSIBLE),
    }


@pytest.mark.parametrize(
    ("tier", "written", "lost"),
    [
        ("auto", None, set()),
        ("priority", None, {("service_tier", Change.CHANGED)}),
        ("flex", None, {("service_tier", Change.DROPPED)}),
    ],
)
def test_tiers_of_service(tier: str, written: str | None, lost: set[Any]) -> None:
    """
    Only what the provider can be asked for is asked for.
    """
    result = encoded(service_tier=tier)

    assert result.body.get("service_tier") == written
    assert losses(result) == lost


def test_cache_marks_stay_within_four() -> None:
    """
    The first and the last three are kept, and none of an hour comes behind one of five minutes.
    """
    result = encoded(
        system(Text(text="s", cache="5m")),
        user(Text(text="1", cache="5m"), Text(text="2", cache="1h")),
        assistant(Text(text="3", cache="5m")),
        user(Text(text="4", cache="1h")),
        tools=(Tool("f", cache="1h"),),
    )

    blocks = [
        *result.body["tools"],
        *result.body["system"],
        *(block for message in result.body["messages"] for block in message["content"]),
    ]
    hour, minutes = {"type": "ephemeral", "ttl": "1h"}, {"type": "ephemeral"}
    assert [block.get("cache_control") for block in blocks] == [hour, None, None, hour, minutes, minutes]
    assert losses(result) == {("cache", Change.DROPPED), ("cache", Change.CLAMPED)}


# -- Vertex ----------------------------------------------------------------------------------------------------------------------------


def test_vertex_has_its_version_in_the_body_and_the_model_in_the_path() -> None:
    """
    For a foreign request and for one of the family alike; and back.
    """
    foreign = encoded(user(Image(source=Link("https://a.example/b.png"))), dialect=VERTEX, service_tier="default").body
    own = VERTEX.encode_request(decoded(top_k=3), Target("vertex", "anthropic-vertex", "claude-x@1")).body
    request = VERTEX.decode_request(
        {"anthropic_version": "vertex-2023-10-16", "anthropic_beta": ["b-1", "b-2"], "messages": [], "max_tokens": 1},
        Envelope(model="claude-x@1", stream=True),
    )
    back = AM.encode_request(request, Target("anthropic", "anthropic-messages", "claude-x"))

    assert (foreign["anthropic_version"], "model" in foreign, "service_tier" in foreign) == ("vertex-2023-10-16", False, False)
    assert own == {
        "anthropic_version": "vertex-2023-10-16",
        "max_tokens": 10,
        "messages": [{"role": "user", "content": "Hi"}],
        "top_k": 3,
    }
    assert (request.model, request.stream) == ("claude-x@1", True)
    assert back.body == {"messages": [], "max_tokens": 1, "model": "claude-x", "stream": True}
    assert back.headers == (("anthropic-beta", "b-1,b-2"),)
    assert losses(encoded(user(Image(source=Link("https://a.example/b.png"))), dialect=VERTEX)) == {("image.url", Change.IMPOSSIBLE)}


# -- Anthropic's own requests, read ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}, Text(text="x", cache="1h")),
        ({"type": "text", "text": "x", "citations": [{"type": "page_location"}]}, Text(text="x", citations=({"type": "page_location"},))),
        ({"type": "image", "source": {"type": "url", "url": "https://a"}}, Image(source=Link("https://a"))),
        ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, Image(source=FileId("file_1"))),
        ({"type": "image", "source": {"type": "later"}}, Opaque(kind="image")),
        (
            {"type": "document", "source": {"type": "base64", "media_type": "Application/PDF; x=1", "data": "eA=="}, "title": "t"},
            Document(source=Blob("application/pdf", "eA=="), title="t"),
        ),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "ä"}, "citations": {"enabled": True}},
            Document(source=Blob("text/plain", "w6Q="), citations=True),
        ),
        (
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}},
            Document(source=Blob("text/plain", base64.b64encode(b"a\n\nb").decode())),
        ),
        ({"type": "document", "source": {"type": "content", "content": [{"type": "image"}]}}, Opaque(kind="document")),
        (
            {"type": "search_result", "source": "https://a", "title": "t", "content": [{"type": "text", "text": "x"}]},
            Document(source=Blob("text/plain", "eA=="), title="t", context="https://a"),
        ),
        ({"type": "tool_result", "tool_use_id": "1"}, ToolResult(call_id="1")),
        (
            {"type": "tool_result", "tool_use_id": "1", "is_error": True, "content": [{"type": "tool_reference", "tool_name": "f"}]},
            ToolResult(call_id="1", parts=(Opaque(kind="tools.server"),), is_error=True),
        ),
        ({"type": "container_upload", "file_id": "file_1"}, Opaque(kind="tools.server")),
        ({"type": "bash_code_execution_tool_result", "tool_use_id": "s", "content": {}}, Opaque(kind="tools.server")),
        ({"type": "mcp_tool_use", "id": "m"}, Opaque(kind="tools.server")),
        ({"type": "compaction", "content": "x"}, Opaque(kind="compaction")),
        ({"type": "compaction", "content": None}, Opaque(kind="compaction", vital=False)),
        ({"type": "fallback"}, Opaque(kind="fallback", vital=False)),
        ({"type": "tomorrow's"}, Opaque(kind="content")),
    ],
)
def test_blocks_are_read(block: dict[str, Any], part: Part) -> None:
    """
    Every sort of block becomes the part it means, with its JSON kept.
    """
    (read,) = parts_of(block)

    assert read == part
    assert read.raw is block


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}},
            "reasoning",
            ReasoningAsk(budget_tokens=2000, visible=False),
        ),
        ({"thinking": {"type": "disabled"}}, "reasoning", ReasoningAsk(effort="none")),
        (
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "max"}},
            "reasoning",
            ReasoningAsk(effort="max", adaptive=True, visible=True),
        ),
        ({"output_config": {"effort": "low"}}, "reasoning", ReasoningAsk(effort="low")),
        ({"output_format": {"type": "json_schema", "schema": SCHEMA}}, "output", OutputFormat(schema=SCHEMA, strict=True)),
        ({"tool_choice": {"type": "any"}}, "tool_choice", ToolChoice("required")),
        ({"tool_choice": {"type": "tool", "name": "f"}}, "tool_choice", ToolChoice("named", ("f",))),
        ({"tool_choice": {"type": "none"}}, "tool_choice", ToolChoice("none")),
        ({"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}, "parallel_tools", False),
        ({"metadata": {"user_id": "u"}}, "user", "u"),
        ({"service_tier": "standard_only"}, "service_tier", "default"),
        ({"speed": "fast"}, "service_tier", "fast"),
        ({"stream": True}, "stream", True),
        ({"top_k": 5, "top_p": 0.1}, "sampling", Sampling(top_p=0.1, top_k=5)),
    ],
)
def test_settings_are_read(fields: dict[str, Any], name: str, value: Any) -> None:
    """
    Settings in their neutral sense.
    """
    request = decoded(**fields)

    assert getattr(request, name) == value
    assert request.extras == ()


@pytest.mark.parametrize(
    ("fields", "extra", "vital"),
    [
        ({"container": "c"}, "container", True),
        ({"mcp_servers": [{}]}, "mcp_servers", True),
        ({"compaction": {"type": "summarize"}}, "compaction", True),
        ({"inference_geo": "us"}, "inference_geo", True),
        ({"inference_geo": "global"}, "inference_geo", False),
        ({"context_management": {}}, "context_management", False),
        ({"sk-a-secret": 1}, "unknown field", False),
        ({"max_tokens": 0}, "max_tokens", True),
        ({"thinking": {"type": "between_tools"}}, "thinking.between_tools", False),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}, "output_config.effort", False),
        ({"output_config": {"effort": "titanic"}}, "output_config.effort", False),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools.server", True),
        ({"tools": [{"name": "f", "input_schema": {}, "input_examples": []}]}, "tools.options", False),
        ({"messages": [{"role": "system", "content": "x", "clear_at": "never"}]}, "messages.clear_at", False),
    ],
)
def test_what_only_this_provider_knows_is_noted(fields: dict[str, Any], extra: str, vital: bool) -> None:
    """
    Each under a name that holds no byte of the request, and whether it can be left out.
    """
    request = decoded(**fields)

    assert [(found.field, found.vital) for found in request.extras] == [(extra, vital)]
    assert AM.encode_request(request, Target("anthropic", "anthropic-messages", "claude-x")).body == request.raw | {"model": "claude-x"}


def test_system_text_stands_where_it_stood() -> None:
    """
    At the head, in the conversation, and a mark on the whole request behind its last part.
    """
    request = decoded(
        system=[{"type": "text", "text": "a"}],
        messages=[{"role": "user", "content": "b"}, {"role": "system", "content": "c"}],
        cache_control={"type": "ephemeral"},
    )

    assert request.turns == (system("a"), user("b"), system(Text(text="c", cache="5m")))


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"messages": None}, "messages"),
        ({"messages": [7]}, "messages[0]"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 7}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": ["x"]}]}]}, "messages[0].content[0].type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": [7]}]}]},
            "messages[0].content[0].content[0]",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url"}}]}]}, "messages[0].content[0].source.url"),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": "{}"}]}]},
            "messages[0].content[0].input",
        ),
        ({"system": 7}, "system"),
        ({"tools": [{"name": 7}]}, "tools[0].name"),
        ({"tool_choice": {"type": "some"}}, "tool_choice.type"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"thinking": {"type": "enabled", "budget_tokens": -1}}, "thinking.budget_tokens"),
        ({"output_config": {"format": {"type": "text"}}}, "output_config.format"),
        ({"metadata": {"user_id": 7}}, "metadata.user_id"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(fields: dict[str, Any], place: str) -> None:
    """
    The text begins with the place, as the client can find it.
    """
    with pytest.raises(BadRequest) as refusal:
        decoded(**fields)

    assert refusal.value.message.partition(": ")[0] == place
