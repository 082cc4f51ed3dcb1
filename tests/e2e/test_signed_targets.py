"""
Targets that want a signature or a token: Bedrock with AWS's keys, Vertex with a service account; and clients that sign themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from access.token_server import TokenServer, token_server
from e2e import unified
from e2e.proxy import Proxy, running_proxy
from e2e.ways import Way
from excise.standin import Seen, StandIn, sigv4

SAID = "The harbour keeps seven lanterns lit."
CLIENTS_ACCESS, CLIENTS_TOKEN = "standin-temporary-of-the-client", "standin-session-of-the-client"
POLICY = """\
version: 1
providers:
- {provider: bedrock, region: eu-central-1, aws: {access_key: file:access.key, secret_key: file:secret.key}}
- name: temporary
  provider: bedrock
  region: us-east-1
  aws: {access_key: file:temporary.key, secret_key: file:secret.key, session_token: file:token.key}
- {name: ambient, provider: bedrock, region: eu-central-1, aws: default}
- {name: wrong, provider: bedrock, region: eu-central-1, aws: {access_key: file:access.key, secret_key: file:access.key}}
- {name: bare, provider: bedrock, region: eu-central-1}
- {provider: anthropic, key: file:provider.key}
- {provider: vertex, project: standin-project, region: us-central1, google: file:account.json}
- {name: found, provider: vertex, project: standin-project, region: us-central1, google: default}
- {name: refused, provider: vertex, project: standin-project, region: us-central1, google: file:refused.json}
routes:
- {name: to claude, when: {provider: bedrock, model: amazon.nova-micro*}, to: anthropic/claude-haiku-4-5}
- {name: elsewhere, when: {provider: bedrock, model: amazon.nova-pro*}, to: bedrock/amazon.nova-lite-v1:0}
- {name: to nobody, when: {provider: bedrock, model: amazon.nova-premier*}, to: bare/amazon.nova-lite-v1:0}
redact:
- {name: everybody, profile: pii}
default: allow
"""


@pytest.fixture(scope="module")
def tokens() -> Iterator[TokenServer]:
    with token_server() as server:
        yield server


@pytest.fixture(scope="module")
def proxy(own_standin: StandIn, tokens: TokenServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """
    A proxy with keys of AWS and service accounts of Google, in its policy and in its environment.
    """
    folder = unified.write_policy(tmp_path_factory.mktemp("policies"), POLICY)
    for name, text in (
        ("access.key", "standin-of-the-house"),
        ("temporary.key", "standin-temporary-of-the-house"),
        ("secret.key", sigv4.SECRET + "\n"),
        ("token.key", "standin-session-of-the-house"),
        ("refused.json", tokens.account(token_uri=f"http://127.0.0.1:{tokens.port}/nowhere").decode()),
        ("account.json", tokens.account().decode()),
    ):
        (folder / name).write_text(text)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "standin-of-the-surroundings")
        environment.setenv("AWS_SECRET_ACCESS_KEY", sigv4.SECRET)
        environment.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(folder / "account.json"))
        with running_proxy(tmp_path_factory.mktemp("signed"), own_standin, policies=folder) as running:
            yield running


@pytest.fixture(scope="module")
def key(proxy: Proxy) -> str:
    import urllib.request

    made = unified.make_key(proxy, "signer")
    request = urllib.request.Request(proxy.url + "/v1/models", headers={"authorization": f"Bearer {made}"})

    def known() -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10):
                return True
        except OSError:
            return False

    proxy.until(known, 10, "the key in the worker")
    return made


def ask(proxy: Proxy, key: str, model: str, *, stream: bool = False, text: str = f"echo: {SAID}") -> str:
    return unified.openai_chat(proxy.url, key, model, text, stream).text


def credential_of(one: Seen) -> str:
    return (one.request.header("authorization") or "").partition("Credential=")[2].partition("/")[0]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    ("target", "access", "host", "token"),
    [
        ("bedrock", "standin-of-the-house", "bedrock-runtime.eu-central-1.amazonaws.com", None),
        ("temporary", "standin-temporary-of-the-house", "bedrock-runtime.us-east-1.amazonaws.com", "standin-session-of-the-house"),
        ("ambient", "standin-of-the-surroundings", "bedrock-runtime.eu-central-1.amazonaws.com", None),
    ],
)
def test_bedrock_finds_our_signature_right(
    proxy: Proxy, key: str, own_standin: StandIn, target: str, access: str, host: str, token: str | None, stream: bool
) -> None:
    """
    The OpenAI SDK with a key of ours; what reaches Bedrock is signed with the house's keys over the bytes that reached it.
    """
    assert ask(proxy, key, f"{target}/amazon.nova-lite-v1:0", stream=stream) == SAID

    one = own_standin.seen[-1]
    assert (one.request.host, one.status, credential_of(one)) == (host, 200, access)
    assert one.request.header("x-amz-security-token") == token
    assert "exk_" not in repr((one.request.target, one.request.headers, one.request.body))


def test_a_wrong_secret_is_the_providers_refusal_in_the_clients_words(proxy: Proxy, key: str) -> None:
    """
    So the stand-in does check; and the SDK raises what it raises for a wrong key.
    """
    import openai

    with pytest.raises(openai.AuthenticationError, match="signature we calculated does not match"):
        ask(proxy, key, "wrong/amazon.nova-lite-v1:0")


@pytest.fixture
def boto(proxy: Proxy, own_standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """
    boto3 as a service has it, with temporary keys of its own, sent through the proxy by the environment.
    """
    import boto3  # type: ignore[import-untyped]
    from botocore.config import Config

    Way(own_standin, proxy).enter(monkeypatch)
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        aws_access_key_id=CLIENTS_ACCESS,
        aws_secret_access_key=sigv4.SECRET,
        aws_session_token=CLIENTS_TOKEN,
        config=Config(retries={"total_max_attempts": 1}),
    )
    with closing(client):
        yield client


def converse(client: Any, model: str, text: str = f"echo: {SAID}", *, stream: bool = False) -> str:
    asked: dict[str, Any] = {"modelId": model, "messages": [{"role": "user", "content": [{"text": text}]}]}
    if not stream:
        return "".join(block["text"] for block in client.converse(**asked)["output"]["message"]["content"])
    return "".join(
        event.get("contentBlockDelta", {}).get("delta", {}).get("text", "") for event in client.converse_stream(**asked)["stream"]
    )


def untouched(one: Seen) -> bool:
    return credential_of(one) == CLIENTS_ACCESS and one.request.header("x-amz-security-token") == CLIENTS_TOKEN


def without_the_clients_signature(one: Seen) -> bool:
    return not any(secret in repr(one.request.headers) + one.request.target for secret in (CLIENTS_ACCESS, CLIENTS_TOKEN, "amz-sdk"))


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_what_a_client_signed_and_nobody_routes_arrives_as_signed(boto: Any, own_standin: StandIn, stream: bool) -> None:
    """
    Its own signature holds at the provider: not a byte that it covers was touched.
    """
    assert converse(boto, "amazon.nova-lite-v1:0", stream=stream) == SAID
    assert untouched(own_standin.seen[-1])


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_signed_call_goes_to_another_provider_without_its_signature(boto: Any, own_standin: StandIn, stream: bool) -> None:
    """
    Anthropic gets the house's key and nothing of the client's.
    """
    assert converse(boto, "amazon.nova-micro-v1:0", stream=stream) == SAID

    one = own_standin.seen[-1]
    assert one.request.host == "api.anthropic.com" and one.request.header("x-api-key") == unified.PROVIDER_KEY
    assert one.request.header("authorization") is None and without_the_clients_signature(one)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_signed_call_for_another_deployment_is_signed_anew(boto: Any, own_standin: StandIn, stream: bool) -> None:
    """
    Another region, another model in the path, the house's keys: Bedrock finds that signature right.
    """
    assert converse(boto, "amazon.nova-pro-v1:0", stream=stream) == SAID

    one = own_standin.seen[-1]
    assert one.request.host == "bedrock-runtime.eu-central-1.amazonaws.com" and credential_of(one) == "standin-of-the-house"
    assert one.status == 200 and without_the_clients_signature(one)


def test_a_signed_call_is_not_sent_where_nobody_can_sign_it(boto: Any, proxy: Proxy, own_standin: StandIn) -> None:
    """
    A deployment without credentials: refused as such, and nothing leaves.
    """
    from botocore.exceptions import ClientError

    before = len(own_standin.seen)
    with pytest.raises(ClientError, match="signed") as refused:
        converse(boto, "amazon.nova-premier-v1:0")
    (row,) = proxy.calls(1, where="model_requested = 'amazon.nova-premier-v1:0'")

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert (row["error_type"], row["status"]) == ("signed_request", "refused") and len(own_standin.seen) == before


@pytest.mark.parametrize("model", ["amazon.nova-pro-v1:0", "amazon.nova-micro-v1:0"])
def test_redaction_may_change_what_is_signed_anew(boto: Any, own_standin: StandIn, model: str) -> None:
    """
    The address is taken out, the new signature covers what was left, and the client gets the address back.
    """
    answer = converse(boto, model, "echo: write to ada.lovelace@analytical-engines.com today")

    one = own_standin.seen[-1]
    assert b"ada.lovelace" not in one.request.body and one.status == 200
    assert "ada.lovelace@analytical-engines.com" in answer


def test_redaction_may_not_change_what_the_client_signed(boto: Any, proxy: Proxy, own_standin: StandIn) -> None:
    """
    Its signature would break: refused, and the row says why.
    """
    from botocore.exceptions import ClientError

    before = len(own_standin.seen)
    with pytest.raises(ClientError, match="signature"):
        converse(boto, "amazon.nova-lite-v1:0", "echo: write to ada.lovelace@analytical-engines.com today")
    (row,) = proxy.calls(1, where="model_requested = 'amazon.nova-lite-v1:0' and status = 'refused'")

    assert row["error_type"] == "signed_request" and len(own_standin.seen) == before


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("vertex/gemini-2.5-flash", "/publishers/google/models/gemini-2.5-flash:"),
        ("vertex/claude-haiku-4-5@20251001", "/publishers/anthropic/models/claude-haiku-4-5@20251001:"),
        ("found/gemini-2.5-flash", "/publishers/google/models/gemini-2.5-flash:"),
    ],
)
@pytest.mark.parametrize("client", ["openai-chat", "anthropic-messages", "gemini"])
def test_vertex_gets_a_token_of_the_service_account(
    proxy: Proxy, key: str, own_standin: StandIn, tokens: TokenServer, client: str, model: str, path: str, stream: bool
) -> None:
    """
    Gemini and Claude on Vertex, each on its own path, with an access token; the token server found every assertion right.
    """
    turn = unified.CLIENTS[client][0](proxy.url, key, model, f"echo: {SAID}", stream)

    one = own_standin.seen[-1]
    assert turn.text.strip() == SAID
    assert one.request.host == "us-central1-aiplatform.googleapis.com" and path in one.request.target
    assert "/projects/standin-project/locations/us-central1/" in one.request.target
    assert (one.request.header("authorization") or "").startswith("Bearer standin-ya29-")
    assert one.request.header("x-goog-api-key") is None and "exk_" not in repr((one.request.target, one.request.headers, one.request.body))
    assert set(tokens.asked) <= {None, "path"}


def test_a_token_is_fetched_once_for_many_calls(proxy: Proxy, key: str, tokens: TokenServer) -> None:
    """
    It is kept; a call more costs none.
    """
    ask(proxy, key, "vertex/gemini-2.5-flash")
    before = len(tokens.asked)
    for _ in range(3):
        ask(proxy, key, "vertex/gemini-2.5-flash")

    assert len(tokens.asked) == before


@pytest.mark.parametrize("client", ["openai-chat", "anthropic-messages", "gemini", "cohere-v2"])
def test_no_token_is_a_bad_gateway_in_every_dialect(
    proxy: Proxy, key: str, own_standin: StandIn, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Nothing is sent; the SDK raises its own error for it, with a text for people and without the token service's words.
    """
    unified.surround(monkeypatch, proxy, key, client)
    before = len(own_standin.seen)

    with pytest.raises(Exception, match="gives no token") as raised:
        unified.CLIENTS[client][0](proxy.url, key, "refused/gemini-2.5-flash", "echo: x", False)

    assert "canary" not in str(raised.value) and len(own_standin.seen) == before
    (row,) = proxy.calls(1, where=f"dialect = '{client}' and error_type = 'no_credentials'")
    assert (row["status"], row["http_status"], row["principal_id"]) == ("refused", 502, "signer")


def test_nothing_of_any_credential_is_written_down(proxy: Proxy, key: str, tokens: TokenServer) -> None:
    """
    Journal, ledger, log, state: no secret, token or assertion, ours or the client's.
    """
    account = json.loads(tokens.account())["private_key"].splitlines()[3]
    secrets = [
        sigv4.SECRET,
        "standin-session-of-the-house",
        CLIENTS_TOKEN,
        "standin-ya29",
        unified.PROVIDER_KEY,
        account,
        key,
        key[17:],
    ]
    files = [path for path in proxy.home.rglob("*") if path.is_file()]

    assert any(path.suffix == ".ndjson" for path in files)
    assert not [(path.name, secret[:12]) for path in files for secret in secrets if secret.encode() in path.read_bytes()]
