"""
The unified endpoint: one key, every model, in the dialect the client likes.
"""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from e2e import unified
from e2e.proxy import EXCISE, Proxy, running_proxy
from excise.standin import Script, StandIn

SAID = "The harbour keeps seven lanterns lit."


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
    made = unified.make_key(endpoint, "tester", "--team", "harbour")
    endpoint.until(lambda: fetch(endpoint, "/v1/models", made)[0] == 200, 10, "the key in every worker")
    return made


def fetch(
    proxy: Proxy, path: str, key: str | None = None, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, Any, dict[str, str]]:
    request = urllib.request.Request(proxy.url + path, data=json.dumps(body).encode() if body is not None else None)
    for name, value in {
        "content-type": "application/json",
        **({"authorization": f"Bearer {key}"} if key else {}),
        **(headers or {}),
    }.items():
        request.add_header(name, value)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read()), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null"), dict(error.headers)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("target", unified.TARGETS)
@pytest.mark.parametrize("client", unified.CLIENTS)
def test_every_sdk_gets_an_answer_from_every_dialect(
    endpoint: Proxy, key: str, client: str, target: str, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The official SDK of each dialect, with one key and one base URL, gets the text and an ordinary end from each provider.
    """
    unified.surround(monkeypatch, endpoint, key, client)
    ask, reasons = unified.CLIENTS[client]

    turn = ask(endpoint.url, key, unified.TARGETS[target], f"echo: {SAID}", stream)

    assert turn.text.strip().removesuffix(" user") == SAID  # the stand-in echoes what follows in the request, and some end with the role
    assert turn.reason in reasons


def test_the_providers_see_the_houses_key_and_never_the_clients(endpoint: Proxy, key: str, own_standin: StandIn) -> None:
    """
    What reaches a provider carries the credential of the policy; the client's key is in no header, path or body that left.
    """
    before = len(own_standin.seen)
    for model in unified.TARGETS.values():
        status, answer, _ = fetch(
            endpoint, "/v1/chat/completions", key, {"model": model, "messages": [{"role": "user", "content": "echo: hi"}]}
        )
        assert status == 200, answer

    seen = own_standin.seen[before:]
    assert len(seen) == len(unified.TARGETS)
    for one in seen:
        everything = repr((one.request.target, one.request.headers, one.request.body))
        assert "exk_" not in everything and unified.PROVIDER_KEY in everything


def test_the_row_says_what_was_asked_and_what_was_done(endpoint: Proxy, key: str) -> None:
    """
    Both dialects, both models, the rule and the principal stand in the ledger, and the cost is that of who answered.
    """
    own = unified.make_key(endpoint, "rower", "--team", "harbour")
    endpoint.until(lambda: fetch(endpoint, "/v1/models", own)[0] == 200, 10, "the key in every worker")
    status, _, headers = fetch(
        endpoint,
        "/v1/chat/completions",
        own,
        {"model": "fast", "seed": 7, "messages": [{"role": "user", "content": "echo: a row"}]},
    )
    (row,) = endpoint.calls(1, where="principal_id = 'rower' and operation = 'chat'")

    assert status == 200 and headers["x-excise-route"] == "anthropic" and "seed;dropped" in headers["x-excise-degraded"]
    assert (row["dialect"], row["target_dialect"]) == ("openai-chat", "anthropic-messages")
    assert (row["provider_requested"], row["provider_served"]) == ("openai", "anthropic")
    assert (row["model_requested"], row["model_routed"], row["route_rule"]) == ("fast", "claude-haiku-4-5", "alias fast")
    assert (row["principal_id"], row["principal_type"], row["team"]) == ("rower", "virtual_key", "harbour")
    assert row["translation"] == "degraded" and row["losses"]["seed"] == "dropped"
    assert row["server_host"] == "api.anthropic.com" and Decimal(row["cost_text"]) > 0


@pytest.mark.parametrize(
    ("where", "header"), [("authorization", "Bearer {}"), ("x-api-key", "{}"), ("x-goog-api-key", "{}"), ("api-key", "{}")]
)
def test_the_key_stands_wherever_a_client_puts_it(endpoint: Proxy, key: str, where: str, header: str) -> None:
    """
    Bearer, `x-api-key`, `x-goog-api-key`, `api-key`: each SDK has its own place.
    """
    body = {"model": "fast", "messages": [{"role": "user", "content": "echo: here"}]}

    assert fetch(endpoint, "/v1/chat/completions", body=body, headers={where: header.format(key)})[0] == 200


def test_the_key_may_stand_in_the_query(endpoint: Proxy, key: str) -> None:
    """
    As Google's clients have it, and it is gone from what leaves.
    """
    body = {"contents": [{"role": "user", "parts": [{"text": "echo: query"}]}]}

    status, answer, _ = fetch(endpoint, f"/v1beta/models/fast:generateContent?key={key}", body=body)

    assert status == 200 and answer["candidates"][0]["content"]["parts"][0]["text"] == "query"


@pytest.mark.parametrize("client", unified.CLIENTS)
def test_a_wrong_key_is_refused_in_the_clients_words(endpoint: Proxy, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A key of ours that nobody has is no provider's key: nothing is sent, and the SDK raises what it raises for a bad key.
    """
    wrong = "exk_" + "a" * 12 + "_" + "b" * 43
    unified.surround(monkeypatch, endpoint, wrong, client)
    ask, _ = unified.CLIENTS[client]

    with pytest.raises(Exception) as raised:
        ask(endpoint.url, wrong, "fast", "echo: never", False)
    assert any(word in str(raised.value).lower() for word in ("not known here", "401", "403", "unauthorized"))


def test_models_are_listed_as_each_dialect_lists_them(endpoint: Proxy, key: str) -> None:
    """
    Aliases and `provider/model` names, in OpenAI's, Anthropic's and Google's shape, through their SDKs.
    """
    import anthropic
    import openai
    from google import genai
    from google.genai import types

    with openai.OpenAI(base_url=f"{endpoint.url}/v1", api_key=key, max_retries=0) as client:
        listed = {model.id: model for model in client.models.list()}
        one = client.models.retrieve("anthropic/claude-haiku-4-5")
    with anthropic.Anthropic(base_url=endpoint.url, api_key=key, max_retries=0) as claude:
        named = {model.id for model in claude.models.list(limit=200)}
    with genai.Client(api_key=key, http_options=types.HttpOptions(base_url=endpoint.url)) as google:
        googled = {model.name.removeprefix("models/") for model in google.models.list(config={"page_size": 300})}

    assert {"fast", *unified.TARGETS.values()} <= listed.keys()
    assert named == googled == listed.keys()
    facts = one.model_extra["excise"]
    assert facts["context_tokens"] >= 200_000 and "tools" in facts["capabilities"]
    assert facts["usd_per_million_tokens"] == {"input": "1", "output": "5"}


def test_a_key_for_some_models_lists_and_reaches_those_alone(endpoint: Proxy) -> None:
    """
    What a key may not ask for is neither listed nor served.
    """
    narrow = unified.make_key(endpoint, "narrow", "--model", "anthropic/*")
    endpoint.until(lambda: fetch(endpoint, "/v1/models", narrow)[0] == 200, 10, "the key in every worker")
    body = {"messages": [{"role": "user", "content": "echo: x"}]}

    names = [model["id"] for model in fetch(endpoint, "/v1/models", narrow)[1]["data"]]
    assert names and all(name.startswith("anthropic/") for name in names)
    assert fetch(endpoint, "/v1/chat/completions", narrow, body | {"model": "anthropic/claude-haiku-4-5"})[0] == 200
    for model in ("openai/gpt-4o-mini", "fast", "gpt-4o-mini"):
        status, answer, _ = fetch(endpoint, "/v1/chat/completions", narrow, body | {"model": model})
        assert status == 403 and "may not ask for this model" in answer["error"]["message"]


def test_a_revoked_key_ends_within_seconds(endpoint: Proxy) -> None:
    """
    `excise keys revoke` reaches every worker without a restart.
    """
    made = unified.make_key(endpoint, "short-lived")
    endpoint.until(lambda: fetch(endpoint, "/v1/models", made)[0] == 200, 10, "the key")
    listing = subprocess.run(
        [str(EXCISE), "keys", "list", "--data", str(endpoint.data), "--json"], capture_output=True, text=True, timeout=60, check=True
    )
    (id_,) = (one["id"] for one in json.loads(listing.stdout)["keys"] if one["name"] == "short-lived")
    subprocess.run([str(EXCISE), "keys", "revoke", id_, "--data", str(endpoint.data)], capture_output=True, timeout=60, check=True)

    endpoint.until(lambda: fetch(endpoint, "/v1/models", made)[0] == 401, 5, "the end of the key")


@pytest.mark.parametrize(
    ("model", "status", "said"),
    [
        ("no-such-model", 404, "no provider here has"),
        ("openai/gpt-none", 404, None),
        (None, 400, "names no model"),
        ("gpt-4o-mini", 200, None),
    ],
)
def test_names_of_models(endpoint: Proxy, key: str, model: str | None, status: int, said: str | None) -> None:
    """
    A bare name that one provider has is enough; a name nobody has is told as such.
    """
    body: dict[str, Any] = {"messages": [{"role": "user", "content": "echo: x"}]}

    got, answer, _ = fetch(endpoint, "/v1/chat/completions", key, body | ({"model": model} if model else {}))

    assert got == status, answer
    assert said is None or said in answer["error"]["message"]


@pytest.mark.parametrize(("path", "method"), [("/openai/v1/files", "GET"), ("/openai/v1/fine_tuning/jobs", "GET")])
def test_what_belongs_to_the_house_is_not_served(endpoint: Proxy, key: str, path: str, method: str) -> None:
    """
    Files and jobs of the account are nobody's who merely holds a key of ours.
    """
    status, answer, _ = fetch(endpoint, path, key)

    assert status == 400 and "not served to virtual keys" in answer["error"]["message"]


def test_what_no_target_can_do_is_refused_with_the_field(endpoint: Proxy, key: str) -> None:
    """
    Several choices cannot be had from a provider without them; the refusal names the field, and nothing is sent.
    """
    body = {"model": "anthropic/claude-haiku-4-5", "n": 2, "messages": [{"role": "user", "content": "echo: x"}]}

    status, answer, headers = fetch(endpoint, "/v1/chat/completions", key, body)

    assert status == 400 and "candidates" in answer["error"]["message"] and headers["x-should-retry"] == "false"


def test_a_target_that_cannot_is_passed_over_for_one_that_can(endpoint: Proxy, key: str) -> None:
    """
    The alias has two targets; two choices can be had from the second alone.
    """
    body = {"model": "fast", "n": 2, "messages": [{"role": "user", "content": "echo: x"}]}

    status, _, headers = fetch(endpoint, "/v1/chat/completions", key, body)

    assert status in (200, 400) and headers.get("x-excise-route") == "openai"


@pytest.mark.parametrize("target", [name for name in unified.TARGETS if name != "openai-chat"])
@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
def test_a_providers_error_is_told_in_the_clients_words(endpoint: Proxy, key: str, own_standin: StandIn, target: str, status: int) -> None:
    """
    The OpenAI SDK raises its own exception for every provider's error, without a key in it.
    """
    import openai

    own_standin.script(Script(status=status))
    with openai.OpenAI(base_url=f"{endpoint.url}/v1", api_key=key, max_retries=0) as client:
        raised: type[openai.APIStatusError] = {401: openai.AuthenticationError, 404: openai.NotFoundError, 429: openai.RateLimitError}.get(
            status, openai.InternalServerError
        )
        with pytest.raises(raised) as error:
            client.chat.completions.create(model=unified.TARGETS[target], messages=[{"role": "user", "content": "echo: x"}])
    assert unified.PROVIDER_KEY not in str(error.value) and isinstance(error.value.body, dict)


def test_transparent_calls_are_rerouted_by_policy(own_standin: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A service that calls api.openai.com as ever is served by Anthropic where policy says so, and its own key stays here.
    """
    from e2e import cases
    from e2e.ways import Way

    rerouting = unified.POLICY.replace(
        "aliases:", "routes:\n- {name: off openai, when: {provider: openai, model: gpt-4o}, to: anthropic/claude-haiku-4-5}\naliases:"
    )
    (tmp_path / "policies").mkdir()
    (tmp_path / "home").mkdir()
    policies = unified.write_policy(tmp_path / "policies", rerouting)
    with running_proxy(tmp_path / "home", own_standin, policies=policies) as proxy:
        Way(own_standin, proxy).enter(monkeypatch)
        before = len(own_standin.seen)
        with cases._openai("standin-key-of-the-client") as client:
            plain = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": f"echo: {SAID}"}])
            stream = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": f"echo: {SAID}"}], stream=True)
            streamed = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
            untouched = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": f"echo: {SAID}"}])
        seen = own_standin.seen[before:]
        rows = proxy.calls(3)

    assert plain.choices[0].message.content == streamed == untouched.choices[0].message.content == SAID
    assert plain.model == "gpt-4o"
    assert [one.request.host for one in seen] == ["api.anthropic.com", "api.anthropic.com", "api.openai.com"]
    assert all("standin-key-of-the-client" not in repr(one.request.headers) for one in seen[:2])
    assert [row["route_rule"] for row in rows] == ["off openai", "off openai", None]
    assert [row["capture"] for row in rows] == ["proxy"] * 3


def test_a_secret_in_a_models_name_does_not_leave(own_standin: StandIn, tmp_path: Path) -> None:
    """
    The name decides where the call goes, and stands in paths, bodies and rows: where redaction finds something in it, nothing is sent.
    """
    (tmp_path / "policies").mkdir()
    (tmp_path / "home").mkdir()
    redacting = unified.POLICY.replace("aliases:", "redact:\n- {name: all, profile: [secrets, pii]}\naliases:")
    policies = unified.write_policy(tmp_path / "policies", redacting)
    with running_proxy(tmp_path / "home", own_standin, policies=policies) as proxy:
        key = unified.make_key(proxy)
        proxy.until(lambda: fetch(proxy, "/v1/models", key)[0] == 200, 10, "the key in every worker")
        before = len(own_standin.seen)
        body = {"messages": [{"role": "user", "content": "echo: x"}], "max_tokens": 9}
        status, answer, _ = fetch(proxy, "/v1/chat/completions", key, body | {"model": "anthropic/jane.doe@example.com"})
        other, _, _ = fetch(proxy, "/v1/chat/completions", key, body | {"model": "fast"})
        rows = proxy.calls(2, where="operation = 'chat'")

    assert status == 422 and "jane.doe" not in json.dumps(answer) and other == 200
    assert len(own_standin.seen) == before + 1
    assert "jane.doe" not in json.dumps(rows, default=str)


def test_state_stored_under_the_houses_account_is_not_opened(endpoint: Proxy, key: str, own_standin: StandIn) -> None:
    """
    An id of an earlier answer, a conversation or a container belongs to the account, and so to no single key.
    """
    before = len(own_standin.seen)
    for name in ("previous_response_id", "conversation"):
        status, answer, _ = fetch(endpoint, "/v1/responses", key, {"model": "openai/gpt-4.1-mini", "input": "x", name: "resp_1"})
        assert status == 400 and name in answer["error"]["message"]
    status, _, _ = fetch(
        endpoint,
        "/v1/messages",
        key,
        {"model": "fast", "max_tokens": 9, "container": "c_1", "messages": [{"role": "user", "content": "x"}]},
    )

    assert status == 400 and len(own_standin.seen) == before


def test_ollamas_client_lists_models_too(endpoint: Proxy, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `GET /api/tags`, as its own client reads it.
    """
    import ollama as sdk

    unified.surround(monkeypatch, endpoint, key, "ollama")
    client = sdk.Client(host=endpoint.url, headers={"Authorization": f"Bearer {key}"})
    with closing(client._client):
        names = {model.model for model in client.list().models}

    assert {"fast", *unified.TARGETS.values()} <= names
