"""
Conversations that change their provider half-way, and what models thought, on its way home through clients of other dialects.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest

from e2e import unified
from e2e.agent_runs import AGENTS, At, Told, Toolbox, agent_key, assert_quoted
from e2e.proxy import Proxy, running_proxy
from excise.standin import StandIn
from excise.wire.keepsake import MARK

# Models that think, and one that demands its proofs back.
THINKERS = {
    "anthropic": "anthropic/claude-haiku-4-5",
    "adaptive": "anthropic/claude-opus-4-7",
    "gemini": "gemini/gemini-2.5-flash",
    "gemini-3": "gemini/gemini-3.1-pro-preview",
    "bedrock": "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0",
}
ONE_PER_DIALECT = (
    "openai-stream-helper",
    "agents-responses",
    "anthropic-runner",
    "genai-functions",
    "boto3-converse",
    "cohere",
    "mistral",
    "ollama-functions",
)


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

    def run(agent: str, model: str, prompt: str, box: Toolbox, stream: bool, history: Any = None, **more: Any) -> Told:
        function, dialect = AGENTS[agent]
        unified.surround(monkeypatch, endpoint, key, dialect)
        return function(At(endpoint.url, key), model, prompt, box, stream, history, **more)

    return run


@pytest.mark.parametrize("first", unified.TARGETS)
@pytest.mark.parametrize("agent", ONE_PER_DIALECT)
def test_a_conversation_goes_on_with_anybody(agent: str, first: str, run: Any) -> None:
    """
    Tool calls and results that one provider's model made are taken as history by every other, which goes on with calls of its own.
    """
    box = Toolbox()
    begun = run(agent, unified.TARGETS[first], "plan: get_weather+get_time; echo: Oslo", box, False)
    assert box.calls == [("get_weather", {"city": "Oslo"}), ("get_time", {"city": "Oslo 2"})]
    for place, (name, model) in enumerate(unified.TARGETS.items()):
        if name == first:
            continue
        box = Toolbox()

        told = run(agent, model, "plan: get_time+get_weather; echo: Rome", box, bool(place % 2), begun.history)

        assert box.calls == [("get_time", {"city": "Rome"}), ("get_weather", {"city": "Rome 2"})], name
        assert_quoted(told.text, [("get_time", "noon in Rome"), ("get_weather", "18 C in Rome 2")])


@pytest.mark.parametrize("agent", ONE_PER_DIALECT)
def test_a_conversation_wanders_through_everybody(agent: str, run: Any) -> None:
    """
    A history that grows by a piece of every provider's making stays acceptable to all of them.
    """
    history: Any = None
    for name, model in [*unified.TARGETS.items(), *unified.TARGETS.items()]:
        box = Toolbox()
        told = run(agent, model, f"plan: get_weather+get_time; echo: {name}", box, False, history)
        assert box.calls == [("get_weather", {"city": name}), ("get_time", {"city": f"{name} 2"})]
        history = told.history


# -- thoughts --------------------------------------------------------------------------------------------------------------------------

_BUDGET = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
THINKING: dict[str, dict[str, Any]] = {
    "anthropic-runner": _BUDGET,
    "boto3-converse": {"additionalModelRequestFields": _BUDGET, "inferenceConfig": {"maxTokens": 2000}},
    "agents-responses": {"think": True},
    "genai-functions": {"thinking_config": {"include_thoughts": True, "thinking_budget": 1024}},
}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("model", THINKERS)
@pytest.mark.parametrize("agent", THINKING)
def test_proofs_of_thoughts_come_home(agent: str, model: str, stream: bool, run: Any, own_standin: StandIn) -> None:
    """
    What a model thought before a call goes back to it with the call's result, proof and all, and bears no mark of ours. (The stand-in
    refuses a proof that is not its own, and where a model demands one, its absence.)
    """
    box, before = Toolbox(), len(own_standin.seen)

    told = run(agent, THINKERS[model], "think hard. plan: get_weather+get_time, get_weather; echo: Oslo", box, stream, **THINKING[agent])

    assert len(box.calls) == 3
    assert_quoted(told.text, [("get_weather", "18 C in Oslo"), ("get_time", "noon in Oslo 2"), ("get_weather", "18 C in Oslo 3")])
    bodies = [json.loads(one.request.body) for one in own_standin.seen[before:]]
    assert [len(proofs(body)) for body in bodies] == [0, 1, 2]
    assert not [proof for body in bodies for proof in proofs(body) if MARK in proof]


def proofs(value: Any) -> list[str]:
    """
    Every proof in a request, under any dialect's name.
    """
    if isinstance(value, list):
        return [proof for part in value for proof in proofs(part)]
    if not isinstance(value, dict):
        return []
    own = [part for name, part in value.items() if name in ("signature", "thoughtSignature", "encrypted_content") and isinstance(part, str)]
    return own + [proof for part in value.values() for proof in proofs(part)]


THINKERS_AND_OPENAI = {**THINKERS, "openai": "openai/gpt-5-mini"}


@pytest.mark.parametrize("stream", [True], ids=["streamed"])
@pytest.mark.parametrize(("first", "second"), list(permutations(THINKERS_AND_OPENAI, 2)))
@pytest.mark.parametrize("agent", THINKING)
def test_thoughts_stay_with_who_had_them(
    agent: str, first: str, second: str, stream: bool, run: Any, endpoint: Proxy, own_standin: StandIn
) -> None:
    """
    Another provider goes on without them, in its own tool loop as well, and no proof of the first reaches the second, unless they are one.
    """
    said = "think hard. plan: get_weather; echo: Oslo"
    begun = run(agent, THINKERS_AND_OPENAI[first], said, Toolbox(), stream, **THINKING[agent])
    issued = set(proofs(json.loads(own_standin.seen[-1].request.body)))
    before = len(own_standin.seen)
    box = Toolbox()

    told = run(
        agent,
        THINKERS_AND_OPENAI[second],
        "think hard. plan: get_time, get_time; echo: Rome",
        box,
        stream,
        begun.history,
        **THINKING[agent],
    )

    assert box.calls == [("get_time", {"city": "Rome"}), ("get_time", {"city": "Rome 2"})]
    assert_quoted(told.text, [("get_time", "noon in Rome"), ("get_time", "noon in Rome 2")])
    seen = [json.loads(one.request.body) for one in own_standin.seen[before:]]
    assert len(seen) == 3
    same = THINKERS_AND_OPENAI[first].partition("/")[0] == THINKERS_AND_OPENAI[second].partition("/")[0]
    assert same or not issued.intersection(proofs(seen))


def test_the_row_says_that_thoughts_were_left_out(run: Any, endpoint: Proxy) -> None:
    """
    What is lost on the way to another provider is named in the ledger.
    """
    thinking = THINKING["anthropic-runner"]
    begun = run("anthropic-runner", THINKERS["anthropic"], "think hard. plan: get_weather; echo: Oslo", Toolbox(), False, **thinking)

    run("anthropic-runner", THINKERS["gemini-3"], "echo: done", Toolbox(), False, begun.history, **thinking)

    where = "model_routed = 'gemini-3.1-pro-preview' and losses is not null and losses::varchar like '%reasoning.history%'"
    endpoint.until(lambda: bool(endpoint.query(f"from calls where {where}")), 5, "the row")
    assert endpoint.query(f"from calls where {where}")[-1]["losses"]["reasoning.history"] == "dropped"
