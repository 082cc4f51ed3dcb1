"""
Agents whose models live with somebody else: whole tool loops through the unified endpoint, in every dialect, against every provider.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from e2e import unified
from e2e.agent_runs import AGENTS, At, Told, Toolbox, agent_key, assert_quoted
from e2e.proxy import Proxy, running_proxy
from excise.standin import StandIn

PROMPT = "plan: get_weather+get_time, get_weather; echo: Oslo"
CALLS = [("get_weather", {"city": "Oslo"}), ("get_time", {"city": "Oslo 2"}), ("get_weather", {"city": "Oslo 3"})]
RESULTS = (("get_weather", "18 C in Oslo"), ("get_time", "noon in Oslo 2"), ("get_weather", "18 C in Oslo 3"))


@pytest.fixture(scope="module")
def endpoint(own_standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """
    A proxy with credentials of its own for every provider.
    """
    policies = unified.write_policy(tmp_path_factory.mktemp("policies"))
    with running_proxy(tmp_path_factory.mktemp("endpoint"), own_standin, policies=policies) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def key(endpoint: Proxy) -> str:
    return agent_key(endpoint)


@pytest.fixture
def run(endpoint: Proxy, key: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """
    Run an agent by its name.
    """

    def run(agent: str, target: str, prompt: str, box: Toolbox, stream: bool, history: Any = None, **more: Any) -> Told:
        function, dialect = AGENTS[agent]
        unified.surround(monkeypatch, endpoint, key, dialect)
        return function(At(endpoint.url, key), unified.TARGETS[target], prompt, box, stream, history, **more)

    return run


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("target", unified.TARGETS)
@pytest.mark.parametrize("agent", AGENTS)
def test_a_loop_runs_to_its_end(agent: str, target: str, stream: bool, run: Any, own_standin: StandIn) -> None:
    """
    Two tools at once, then one, then the answer: each is called once with its own arguments, and the answer quotes every result.
    """
    box, before = Toolbox(), len(own_standin.seen)

    told = run(agent, target, PROMPT, box, stream)

    assert sorted(box.calls, key=str) == sorted(CALLS, key=str)
    assert_quoted(told.text, RESULTS)
    assert len(own_standin.seen) == before + 3


# Dialects that say of a result that it is a failure.
TELL_FAILURES = ("anthropic-messages", "gemini", "bedrock-converse")


@pytest.mark.parametrize("stream", [False], ids=["plain"])
@pytest.mark.parametrize("target", unified.TARGETS)
@pytest.mark.parametrize("agent", AGENTS)
def test_a_tool_that_fails_is_told_as_such(agent: str, target: str, stream: bool, run: Any) -> None:
    """
    The model reads the error, and where both dialects have a word for it, that it is one.
    """
    box = Toolbox(fails=True)

    told = run(agent, target, "plan: get_time; echo: Oslo", box, stream)

    assert box.calls == [("get_time", {"city": "Oslo"})]
    assert ("An error occurred" if agent.startswith("agents-") else "the clock is broken") in told.text  # that library keeps the words
    if AGENTS[agent][1] in TELL_FAILURES and target in TELL_FAILURES:
        assert "get_time failed with" in told.text


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("target", unified.TARGETS)
def test_a_runner_that_wants_a_thread_goes_on_without(target: str, stream: bool, run: Any, own_standin: StandIn) -> None:
    """
    Anthropic's runner keeps its conversation at the provider by default; told in Anthropic's words that this cannot be had, it sends the
    whole history, and no provider is asked to keep any.
    """
    box, before = Toolbox(), len(own_standin.seen)

    told = run("anthropic-runner", target, PROMPT, box, stream, thread=None)

    assert sorted(box.calls, key=str) == sorted(CALLS, key=str)
    assert_quoted(told.text, RESULTS)
    assert len(own_standin.seen) == before + 3
    assert not any(b'"thread"' in one.request.body for one in own_standin.seen[before:])
