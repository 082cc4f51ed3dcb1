"""
Redaction and translation together: values leave for another provider, in another dialect, as placeholders, and come back as themselves.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from typing import Any

import openai
import pytest

from e2e import unified
from e2e.agent_runs import AGENTS, At, Told, Toolbox, agent_key
from e2e.proxy import Proxy, running_proxy
from e2e.test_answer_scanning import SIZES, SSE, made_up, message_events
from e2e.unified_inputs import PARSERS, SHOWS, Harbour
from excise.standin import Recorded, Script, StandIn

REDACTION = """\
redact:
- {name: blocked, when: {model: "*opus-4-7"}, profile: [secrets, pii], answers: block}
- {name: masked, when: {model: "*sonnet-4-6"}, profile: [secrets, pii], answers: mask}
- {name: everything, profile: [secrets, pii]}
"""


@pytest.fixture(scope="module")
def redacting(own_standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """
    A proxy with credentials of its own for every provider, that redacts.
    """
    policies = unified.write_policy(tmp_path_factory.mktemp("policies"), unified.POLICY.replace("default:", f"{REDACTION}default:"))
    with running_proxy(tmp_path_factory.mktemp("redacting"), own_standin, policies=policies) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def at(redacting: Proxy) -> At:
    return At(redacting.url, agent_key(redacting))


class Values:
    """
    Fresh values a test can look for: an address, a key, and something of several lines.
    """

    def __init__(self) -> None:
        token = secrets.token_hex(5)
        self.mail = f"jane.{token}@example-{token[:4]}.com"
        self.key = "gh" + "p_" + (token * 4)[:36]
        body = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP0123456789") for _ in range(64))
        self.line = body[:40]
        self.pem = f"-----BEGIN RSA {'PRIVATE'} KEY-----\n{body}\n{body[::-1]}\n-----END RSA {'PRIVATE'} KEY-----"

    def unseen(self, standin: StandIn, before: int) -> bool:
        """
        Whether none of them reached a provider; at least one request did.
        """
        bodies = [one.request.body + repr((one.request.target, one.request.headers)).encode() for one in standin.seen[before:]]
        return bool(bodies) and not any(value.encode() in body for body in bodies for value in (self.mail, self.key, self.line))


def crossed(names: Iterable[str]) -> list[tuple[str, str, bool]]:
    """
    Each with every target; plain and streamed by turns, so that each name and each target is met both ways.
    """
    return [(name, target, (row + column) % 2 == 1) for row, name in enumerate(names) for column, target in enumerate(unified.TARGETS)]


@pytest.mark.parametrize(("client", "target", "stream"), crossed(unified.CLIENTS))
def test_values_come_back_in_text(
    client: str, target: str, stream: bool, redacting: Proxy, at: At, own_standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What the model quotes of a prompt is the client's own again, exactly, in every dialect's answer and stream.
    """
    unified.surround(monkeypatch, redacting, at.key, client)
    values, before = Values(), len(own_standin.seen)
    said = f'Write to {values.mail}, "the key" is {values.key} \\ and {values.pem} ends.'

    turn = unified.CLIENTS[client][0](at.base, at.key, unified.TARGETS[target], f"echo: {said}", stream)

    assert turn.text.strip() == said
    assert turn.reason in unified.CLIENTS[client][1]
    assert values.unseen(own_standin, before)


@pytest.fixture
def run(redacting: Proxy, at: At, monkeypatch: pytest.MonkeyPatch) -> Any:
    """
    Run an agent by its name.
    """

    def run(agent: str, model: str, prompt: str, box: Toolbox, stream: bool, history: Any = None, **more: Any) -> Told:
        function, dialect = AGENTS[agent]
        unified.surround(monkeypatch, redacting, at.key, dialect)
        return function(at, model, prompt, box, stream, history, **more)

    return run


@pytest.mark.parametrize(("agent", "target", "stream"), crossed(AGENTS))
def test_tools_are_called_with_values(agent: str, target: str, stream: bool, run: Any, own_standin: StandIn) -> None:
    """
    A tool gets the client's value, however the provider cuts the arguments; what the tool says is replaced on its way out and quoted whole.
    """
    values, results, before = Values(), Values(), len(own_standin.seen)
    box = Toolbox(f"told by {results.mail} with {results.key}")
    asked = f'{values.mail} "quoted" \\ {values.pem}'

    told = run(agent, unified.TARGETS[target], f"plan: get_weather+get_time, get_weather; echo: {asked}", box, stream)

    assert sorted(box.calls, key=str) == sorted(
        [("get_weather", {"city": asked}), ("get_time", {"city": f"{asked} 2"}), ("get_weather", {"city": f"{asked} 3"})], key=str
    )
    assert told.text.count(results.mail) == 2 and told.text.count(results.key) == 2 and told.text.count(values.mail) == 3
    assert values.unseen(own_standin, before) and results.unseen(own_standin, before)


@pytest.mark.parametrize("agent", AGENTS)
def test_a_conversation_keeps_its_placeholders_from_provider_to_provider(agent: str, run: Any, own_standin: StandIn) -> None:
    """
    History that was restored is replaced again, by the same placeholders, when the next provider goes on with it.
    """
    values, before, history = Values(), len(own_standin.seen), None
    for name, model in unified.TARGETS.items():
        box = Toolbox()
        told = run(agent, model, f"plan: get_weather+get_time; echo: {values.mail}", box, name != "gemini", history)
        assert box.calls == [("get_weather", {"city": values.mail}), ("get_time", {"city": f"{values.mail} 2"})]
        history = told.history
    assert values.unseen(own_standin, before)
    placeholders = {word for one in own_standin.seen[before:] for word in _placeholders(one.request.body.decode())}
    assert len(placeholders) == 1


def _placeholders(body: str) -> Iterator[str]:
    for piece in body.split("EMAIL_")[1:]:
        yield piece[:8]


@pytest.mark.parametrize("piece_bytes", [1, 7])
@pytest.mark.parametrize("target", unified.TARGETS)
def test_a_stream_may_be_cut_anywhere(
    piece_bytes: int, target: str, redacting: Proxy, at: At, own_standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Pieces of the network are no pieces of the text: a placeholder that comes byte by byte is restored all the same.
    """
    unified.surround(monkeypatch, redacting, at.key, "openai-responses")
    values = Values()
    own_standin.script(Script(piece_bytes=piece_bytes))

    turn = unified.CLIENTS["openai-responses"][0](at.base, at.key, unified.TARGETS[target], f"echo: {values.mail} has {values.key}", True)

    assert turn.text.strip() == f"{values.mail} has {values.key}"


@pytest.mark.parametrize(("client", "target", "stream"), crossed(PARSERS))
def test_values_come_back_in_objects(
    client: str, target: str, stream: bool, redacting: Proxy, at: At, own_standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    JSON in a text, or made of a forced tool's arguments, holds the client's value as JSON must write it.
    """
    if client == target == "bedrock-converse":
        pytest.skip("no model of Amazon's takes a schema")
    unified.surround(monkeypatch, redacting, at.key, client)
    values, before = Values(), len(own_standin.seen)

    found = PARSERS[client](at, unified.TARGETS[target], f"echo: {values.pem} of {values.mail}", stream)

    assert isinstance(found, Harbour) and found.keeper == f"{values.pem} of {values.mail}"
    assert values.unseen(own_standin, before)


@pytest.mark.parametrize("target", ["anthropic-messages", "gemini", "bedrock-converse"])
def test_pictures_pass(target: str, redacting: Proxy, at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A picture is no text: it goes as it is.
    """
    unified.surround(monkeypatch, redacting, at.key, "openai-chat")

    assert "I see image/png" in SHOWS["openai-chat"](at, unified.TARGETS[target])


@pytest.mark.parametrize("target", [name for name in unified.TARGETS if name != "openai-chat"])
def test_values_beside_the_conversation_are_replaced_too(target: str, redacting: Proxy, at: At, own_standin: StandIn) -> None:
    """
    In names, descriptions of tools, the end user's id, stop words, the system text: wherever they are translated to.
    """
    values, before = Values(), len(own_standin.seen)
    tool = {
        "name": "get_weather",
        "description": f"Ask {values.mail}.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": values.key}}},
    }
    with openai.OpenAI(base_url=f"{at.base}/v1", api_key=at.key, max_retries=0) as client:
        answer = client.chat.completions.create(
            model=unified.TARGETS[target],
            messages=[
                {"role": "system", "content": f"You are {values.mail}."},
                {"role": "user", "content": "use tool", "name": values.mail},
            ],
            tools=[{"type": "function", "function": tool}],
            user=values.mail,
            metadata={"keeper": values.mail},
            stop=[values.mail],
        )

    assert answer.choices[0].message.tool_calls[0].function.name == "get_weather"
    assert values.unseen(own_standin, before)
    assert b"EMAIL_" in own_standin.seen[-1].request.body


def test_the_row_counts_what_was_replaced(redacting: Proxy, at: At) -> None:
    """
    The row of a translated call has what the row of any call has.
    """
    values = Values()
    with openai.OpenAI(base_url=f"{at.base}/v1", api_key=at.key, max_retries=0) as client:
        asked: Any = [{"role": "user", "content": f"echo: {values.mail} and {values.key}"}]
        client.chat.completions.create(model="anthropic/claude-opus-5", messages=asked, stream=False)
    (row,) = redacting.calls(1, where="model_routed = 'claude-opus-5'")

    assert row["redactions"] == {"EMAIL": 1, "API_KEY": 1} and row["redactions_total"] == 2 and row["restored_total"] == 2
    assert row["redaction_rule"] == "everything" and row["unscanned_bytes"] == 0


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_what_a_model_makes_up_is_masked_across_dialects(stream: bool, at: At, own_standin: StandIn) -> None:
    """
    Answers are scanned before they are translated: an address that the model invented is not the client's to read.
    """
    text, allowed, mail = made_up()
    own_standin.script(Script(recorded=Recorded(200, SSE, message_events("claude-haiku-4-5", text), SIZES, chunked=True)))
    with openai.OpenAI(base_url=f"{at.base}/v1", api_key=at.key, max_retries=0) as client:
        asked: dict[str, Any] = {"model": "anthropic/claude-sonnet-4-6", "messages": [{"role": "user", "content": "Who?"}]}
        if stream:
            got = "".join(
                chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(**asked, stream=True) if chunk.choices
            )
        else:
            got = client.chat.completions.create(**asked).choices[0].message.content

    assert got == allowed and mail not in got


def test_what_a_model_makes_up_is_blocked_across_dialects(at: At, own_standin: StandIn) -> None:
    """
    The stream ends with an error of the client's dialect, and nothing of the value is in what went before.
    """
    text, _, mail = made_up()
    own_standin.script(Script(recorded=Recorded(200, SSE, message_events("claude-haiku-4-5", text), SIZES, chunked=True)))
    got = ""
    with openai.OpenAI(base_url=f"{at.base}/v1", api_key=at.key, max_retries=0) as client:
        asked: dict[str, Any] = {"model": "anthropic/claude-opus-4-7", "messages": [{"role": "user", "content": "Who?"}]}
        with pytest.raises(openai.APIError, match="answer"):
            for chunk in client.chat.completions.create(**asked, stream=True):
                got += "".join(choice.delta.content or "" for choice in chunk.choices)

    assert mail[:12] not in got


def test_thoughts_are_restored_and_their_proofs_still_hold(run: Any, own_standin: StandIn) -> None:
    """
    A thought is bound to its text by a proof: what was restored for the client is what was signed when it goes back.
    """
    values, before = Values(), len(own_standin.seen)
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    for model in ("gemini/gemini-3.1-pro-preview", "anthropic/claude-haiku-4-5"):
        box = Toolbox()
        run("anthropic-runner", model, f"think hard. plan: get_weather, get_time; echo: {values.mail}", box, True, **thinking)
        assert box.calls == [("get_weather", {"city": values.mail}), ("get_time", {"city": f"{values.mail} 2"})]
    assert values.unseen(own_standin, before)
