"""
Loops of tools end, in every provider's words.
"""

from __future__ import annotations

from typing import Any

import pytest

from standin.asking import WAYS, Way

EACH = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
SAID = {"get_weather": "18 C", "get_time": "noon"}


def loop(way: Way, prompt: str, **more: Any) -> tuple[list[list[tuple[str, dict[str, Any]]]], str]:
    """
    Go on until there is nothing to call: the calls of each round, and what is said in the end.
    """
    body, rounds = way.body(prompt, tools=True, **more), []
    while True:
        got = way.send(body)
        assert got.status == 200, got.data
        calls = way.calls(got.json)
        if not calls:
            return rounds, way.text(got.json)
        rounds.append([(name, arguments) for _, name, arguments in calls])
        way.go_on(body, got.json, [(id_, name, SAID[name]) for id_, name, _ in calls])


@EACH
def test_a_plan_is_followed_to_its_end(way: Way) -> None:
    """
    What the prompt plans is called in order, several at once where it says so, and the answer quotes every result.
    """
    rounds, text = loop(way, "plan: get_weather, get_time+get_weather; echo: Oslo")

    assert rounds == [
        [("get_weather", {"city": "Oslo"})],
        [("get_time", {"city": "Oslo 2"}), ("get_weather", {"city": "Oslo 3"})],
    ]
    assert "get_weather said 18 C; get_time said noon; get_weather said 18 C." in text


@EACH
def test_steps_take_turns(way: Way) -> None:
    """
    `steps: 3` means three rounds of one call.
    """
    rounds, text = loop(way, "steps: 3")

    assert [[name for name, _ in calls] for calls in rounds] == [["get_weather"], ["get_time"], ["get_weather"]]
    assert text.count(" said ") == 3


@EACH
@pytest.mark.parametrize(
    ("prompt", "names"),
    [("use tool", ["get_weather"]), ("use tool get_time", ["get_time"]), ("use all tools", ["get_weather", "get_time"])],
)
def test_words_choose_the_tools(way: Way, prompt: str, names: list[str]) -> None:
    """
    One, a certain one, all.
    """
    rounds, _ = loop(way, prompt)

    assert [[name for name, _ in calls] for calls in rounds] == [names]


@EACH
def test_without_such_words_nothing_is_called(way: Way) -> None:
    """
    Tools on offer are not used for their own sake.
    """
    rounds, text = loop(way, "echo: hello")

    assert (rounds, text) == ([], "hello")


@EACH
def test_a_new_question_is_not_the_old_one(way: Way) -> None:
    """
    What was planned and done is over when the user asks something else.
    """
    body = way.body("use tool", tools=True)
    first = way.send(body).json
    way.go_on(body, first, [(id_, name, "18 C") for id_, name, _ in way.calls(first)])
    way.go_on(body, way.send(body).json, [])
    way.say(body, "echo: and now?")
    got = way.send(body)

    assert got.status == 200, got.data
    assert way.text(got.json) == "and now?"


FORCED: dict[str, dict[str, Any]] = {
    "openai-chat": {"tool_choice": {"type": "function", "function": {"name": "get_time"}}},
    "openai-responses": {"tool_choice": {"type": "function", "name": "get_time"}},
    "anthropic": {"tool_choice": {"type": "tool", "name": "get_time"}},
    "gemini": {"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get_time"]}}},
    "mistral": {"tool_choice": {"type": "function", "function": {"name": "get_time"}}},
    "groq": {"tool_choice": {"type": "function", "function": {"name": "get_time"}}},
}


@pytest.mark.parametrize("name", FORCED)
def test_a_forced_tool_is_called_whatever_the_prompt_says(name: str) -> None:
    """
    And where the choice forbids calls there are none.
    """
    way = WAYS[name]
    got = way.send(way.body("hello", tools=True, **FORCED[name])).json

    assert [called for _, called, _ in way.calls(got)] == ["get_time"]
    if name == "openai-chat":  # as the API documents it
        assert got["choices"][0]["finish_reason"] == "stop"


NONE: dict[str, dict[str, Any]] = {
    "openai-chat": {"tool_choice": "none"},
    "openai-responses": {"tool_choice": "none"},
    "anthropic": {"tool_choice": {"type": "none"}},
    "gemini": {"toolConfig": {"functionCallingConfig": {"mode": "NONE"}}},
    "mistral": {"tool_choice": "none"},
    "cohere": {"tool_choice": "NONE"},
}


@pytest.mark.parametrize("name", NONE)
def test_where_calls_are_forbidden_there_are_none(name: str) -> None:
    """
    The choice outweighs the prompt.
    """
    way = WAYS[name]

    assert way.calls(way.send(way.body("use all tools", tools=True, **NONE[name])).json) == []


ONE: dict[str, dict[str, Any]] = {
    "openai-chat": {"parallel_tool_calls": False},
    "openai-responses": {"parallel_tool_calls": False},
    "anthropic": {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
    "mistral": {"parallel_tool_calls": False},
}


@pytest.mark.parametrize("name", ONE)
def test_one_at_a_time_where_asked(name: str) -> None:
    """
    `use all tools` becomes as many rounds.
    """
    rounds, _ = loop(WAYS[name], "use all tools", **ONE[name])

    assert [[called for called, _ in calls] for calls in rounds] == [["get_weather"], ["get_time"]]


FAILED: dict[str, Any] = {
    "anthropic": lambda turn: turn["content"][0].update(is_error=True),
    "bedrock-claude": lambda turn: turn["content"][0]["toolResult"].update(status="error"),
    "gemini": lambda turn: turn["parts"][0]["functionResponse"].update(response={"error": "18 C"}),
}


@pytest.mark.parametrize("name", FAILED)
def test_a_failure_is_quoted_as_one(name: str) -> None:
    """
    Where the dialect can say that a tool failed, the answer says so.
    """
    way = WAYS[name]
    body = way.body("use tool", tools=True)
    first = way.send(body).json
    way.go_on(body, first, [(id_, called, "18 C") for id_, called, _ in way.calls(first)])
    FAILED[name](way.turns(body)[-1])

    assert "get_weather failed with 18 C" in way.text(way.send(body).json)


@pytest.mark.parametrize("way", [way for way in WAYS.values() if way.name != "cohere"], ids=lambda way: way.name)
def test_words_before_calls(way: Way) -> None:
    """
    `narrate` puts text before the calls.
    """
    got = way.send(way.body("narrate, use tool", tools=True)).json

    assert way.text(got) == "Let me look."
    assert len(way.calls(got)) == 1
