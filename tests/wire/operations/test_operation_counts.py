"""
Token counts between the words of Anthropic, OpenAI, Google and Amazon.
"""

from __future__ import annotations

from typing import Any

import pytest
from operation_calls import cross, send

from excise.errors import BadRequest
from excise.wire import keepsake
from excise.wire.operations import count_tokens
from excise.wire.operations.form import Form

TOOL = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CLAUDE = {
    "model": "claude-x",
    "system": "Be brief.",
    "messages": [{"role": "user", "content": "Weather in Rome?"}],
    "tools": [{"name": "get_weather", "description": "Weather now.", "input_schema": TOOL}],
}
RESPONSES = {
    "model": "gpt-x",
    "instructions": "Be brief.",
    "input": [{"role": "user", "content": "Weather in Rome?"}],
    "tools": [{"type": "function", "name": "get_weather", "description": "Weather now.", "parameters": TOOL, "strict": False}],
}
CONTENTS = {
    "contents": [{"role": "user", "parts": [{"text": "Weather in Rome?"}]}],
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "tools": [{"functionDeclarations": [{"name": "get_weather", "description": "Weather now.", "parametersJsonSchema": TOOL}]}],
}
CONVERSE = {
    "messages": [{"role": "user", "content": [{"text": "Weather in Rome?"}]}],
    "system": [{"text": "Be brief."}],
    "toolConfig": {"tools": [{"toolSpec": {"name": "get_weather", "description": "Weather now.", "inputSchema": {"json": TOOL}}}]},
}
# Form, the same request in its words, its answer, where the count stands.
SAID: dict[str, tuple[Form, Any, Any]] = {
    "anthropic": (count_tokens.ANTHROPIC, CLAUDE, {"input_tokens": 42}),
    "anthropic vertex": (count_tokens.ANTHROPIC_AT_VERTEX, {**CLAUDE, "anthropic_version": "vertex-2023-10-16"}, {"input_tokens": 42}),
    "responses": (count_tokens.RESPONSES, RESPONSES, {"object": "response.input_tokens", "input_tokens": 42}),
    "gemini": (count_tokens.GOOGLE, {"generateContentRequest": {"model": "models/g", **CONTENTS}}, {"totalTokens": 42}),
    "vertex": (count_tokens.VERTEX, CONTENTS, {"totalTokens": 42}),
    "bedrock": (count_tokens.BEDROCK, {"input": {"converse": CONVERSE}}, {"inputTokens": 42}),
}


@pytest.mark.parametrize("target", SAID)
@pytest.mark.parametrize("client", SAID)
def test_the_target_counts_what_a_call_would_send(client: str, target: str) -> None:
    """
    System text, turns and tools go along in the target's words, and the count comes back in the client's.
    """
    asked, body, wanted = SAID[client]
    served, own, answer = SAID[target]

    done = cross(asked, served, body, answer)

    assert done.status == 200 and done.answer == wanted
    assert done.losses == ()
    for words in ("Be brief.", "Weather in Rome?", "get_weather", "Weather now."):
        assert words in repr(done.sent)
    assert done.sent.keys() == own.keys()


def test_what_only_an_answer_depends_on_is_left_out() -> None:
    """
    Anthropic refuses `max_tokens` where it counts, and demands it where it answers.
    """
    limited = {
        "generateContentRequest": {**CONTENTS, "generationConfig": {"maxOutputTokens": 5, "temperature": 0.5, "stopSequences": ["END"]}}
    }

    done = send(count_tokens.GOOGLE, count_tokens.ANTHROPIC, limited)

    assert done.sent.keys() == {"model", "system", "messages", "tools"} and done.sent["model"] == "target-model"
    assert done.losses == ()


def test_googles_bare_form_is_read_too() -> None:
    """
    A plain request has its contents at the top.
    """
    done = send(count_tokens.GOOGLE, count_tokens.RESPONSES, {"contents": CONTENTS["contents"]})

    assert "Weather in Rome?" in repr(done.sent["input"])


@pytest.mark.parametrize("name", SAID)
def test_own_words_keep_every_field(name: str) -> None:
    """
    To another model of the same form only the model changes.
    """
    form, body, _ = SAID[name]

    sent = send(form, form, body, model="other").sent

    expected = {**body, "model": "other"} if "model" in body else body
    if name == "gemini":
        expected = {"generateContentRequest": {**body["generateContentRequest"], "model": "models/other"}}
    assert sent == expected


def test_proofs_of_other_providers_are_not_counted() -> None:
    """
    What we put into an earlier answer means nothing to whoever counts now.
    """
    proof = keepsake.wrap("gemini", "c2lnbmF0dXJl")
    turns = [
        {"role": "user", "content": "Is 91 prime?"},
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "91 = 7 * 13", "signature": proof}, {"type": "text", "text": "No."}],
        },
        {"role": "user", "content": "Why?"},
    ]

    sent = send(count_tokens.ANTHROPIC, count_tokens.ANTHROPIC, {"model": "m", "messages": turns}).sent

    assert proof not in repr(sent) and "No." in repr(sent) and "max_tokens" not in sent


def test_stored_state_cannot_be_counted_elsewhere() -> None:
    """
    A conversation that lies at OpenAI is not there to be counted by anybody else.
    """
    body = {"model": "m", "input": "And then?", "previous_response_id": "resp_1"}

    assert "impossible" in send(count_tokens.RESPONSES, count_tokens.ANTHROPIC, body).lost.values()


def test_the_body_of_another_api_cannot_be_counted_elsewhere() -> None:
    """
    Bedrock counts bodies of InvokeModel too; they are in no dialect we read there.
    """
    with pytest.raises(BadRequest, match=r"^input\.converse is missing"):
        send(count_tokens.BEDROCK, count_tokens.ANTHROPIC, {"input": {"invokeModel": {"body": "e30="}}})


@pytest.mark.parametrize("answer", [{}, [], {"input_tokens": "42"}, {"input_tokens": None}])
def test_no_count_is_an_error_and_no_zero(answer: Any) -> None:
    """
    A client that reads 0 would send what does not fit.
    """
    done = cross(count_tokens.GOOGLE, count_tokens.ANTHROPIC, SAID["gemini"][1], answer)

    assert done.status >= 500
