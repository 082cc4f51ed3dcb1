"""
The unified endpoint beside conversations: vectors, counts, rerank, moderation, pictures, speech and transcription of any provider that has
an equal, in the client's words; a clear refusal where nobody has.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from e2e import unified
from e2e.proxy import Proxy, running_proxy
from excise.standin import StandIn
from excise.standin.ask import vector

POLICY = unified.POLICY.replace(
    "aliases:",
    """\
- {provider: voyage, key: file:provider.key}
- {provider: jina, key: file:provider.key}
- {provider: openai, name: second, key: file:provider.key}
aliases:
  vectors: [anthropic/claude-haiku-4-5, cohere/embed-v4.0, openai/text-embedding-3-small]
""",
)
TEXTS = ["seven lanterns", "a deep harbour"]
DOCUMENTS = ["Lanterns are lit.", "The harbour is deep and wide.", "Boats leave at dawn."]


@pytest.fixture(scope="module")
def endpoint(own_standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """
    A proxy with credentials of its own for every provider.
    """
    policies = unified.write_policy(tmp_path_factory.mktemp("policies"), POLICY)
    with running_proxy(tmp_path_factory.mktemp("operations"), own_standin, policies=policies) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def key(endpoint: Proxy) -> str:
    made = unified.make_key(endpoint, "tester", "--team", "harbour")
    endpoint.until(lambda: fetch(endpoint, "/v1/models", made)[0] == 200, 10, "the key in every worker")
    return made


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, endpoint: Proxy, key: str) -> None:
    """
    Clients speak to the proxy as to a server.
    """
    unified.surround(monkeypatch, endpoint, key, "")


def fetch(proxy: Proxy, path: str, key: str, body: Any = None) -> tuple[int, Any, dict[str, str]]:
    request = urllib.request.Request(proxy.url + path, data=json.dumps(body).encode() if body is not None else None)
    request.add_header("content-type", "application/json")
    request.add_header("authorization", f"Bearer {key}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read()), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null"), dict(error.headers)


# -- embeddings ------------------------------------------------------------------------------------------------------------------------

Embed = Callable[[Proxy, str, str], list[list[float]]]


def by_openai(proxy: Proxy, key: str, model: str) -> list[list[float]]:
    import openai

    with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=key, max_retries=0) as client:
        return [row.embedding for row in client.embeddings.create(model=model, input=TEXTS).data]


def by_mistral(proxy: Proxy, key: str, model: str) -> list[list[float]]:
    from mistralai.client import Mistral

    with Mistral(api_key=key, server_url=f"{proxy.url}/mistral") as client:
        return [row.embedding or [] for row in client.embeddings.create(model=model, inputs=TEXTS).data]


def by_cohere(proxy: Proxy, key: str, model: str) -> list[list[float]]:
    import cohere

    with cohere.ClientV2(api_key=key, base_url=proxy.url, max_retries=0) as client:
        answer = client.embed(model=model, texts=TEXTS, input_type="search_document", embedding_types=["float"])
        return answer.embeddings.float_ or []


def by_google(proxy: Proxy, key: str, model: str) -> list[list[float]]:
    from google import genai
    from google.genai import types

    with genai.Client(api_key=key, http_options=types.HttpOptions(base_url=proxy.url)) as client:
        answer = client.models.embed_content(model=model, contents=list(TEXTS))
        return [row.values or [] for row in answer.embeddings or ()]


def by_ollama(proxy: Proxy, key: str, model: str) -> list[list[float]]:
    import ollama

    client = ollama.Client(host=proxy.url, headers={"Authorization": f"Bearer {key}"})
    with closing(client._client):
        return [list(row) for row in client.embed(model=model, input=TEXTS).embeddings]


def by_voyage(proxy: Proxy, key: str, model: str) -> list[list[float]]:
    status, answer, _ = fetch(proxy, "/voyage/v1/embeddings", key, {"model": model, "input": TEXTS, "input_type": "document"})
    assert status == 200, answer
    return [row["embedding"] for row in answer["data"]]


def by_jina(proxy: Proxy, key: str, model: str) -> list[list[float]]:
    status, answer, _ = fetch(proxy, "/jina/v1/embeddings", key, {"model": model, "input": TEXTS, "task": "retrieval.passage"})
    assert status == 200, answer
    return [row["embedding"] for row in answer["data"]]


EMBEDDERS: dict[str, Embed] = {
    "openai": by_openai,
    "mistral": by_mistral,
    "cohere": by_cohere,
    "google": by_google,
    "ollama": by_ollama,
    "voyage": by_voyage,
    "jina": by_jina,
}
EMBEDDING_MODELS = (
    "openai/text-embedding-3-small",
    "mistral/mistral-embed",
    "voyage/voyage-3.5",
    "jina/jina-embeddings-v3",
    "cohere/embed-v4.0",
    "gemini/gemini-embedding-001",
    "ollama/llama3.2",
    "bedrock/cohere.embed-english-v3",
)


def expected(client: str, model: str, text: str, size: int) -> list[float]:
    """
    The stand-in's vector of a text, made of what reaches it: Google's own SDK says a role, which leaves as it is.
    """
    content: Any = {"parts": [{"text": text}], **({"role": "user"} if client == "google" else {})}
    return vector(content if model.startswith("gemini/") else text, size)


@pytest.mark.parametrize("model", EMBEDDING_MODELS)
@pytest.mark.parametrize("client", EMBEDDERS)
def test_every_sdk_gets_the_vectors_of_every_provider(endpoint: Proxy, key: str, client: str, model: str) -> None:
    """
    The official SDKs, with one key and one base URL, get the provider's own numbers in order.
    """
    found = EMBEDDERS[client](endpoint, key, model)

    assert found == [pytest.approx(expected(client, model, text, len(found[0])), abs=1e-6) for text in TEXTS]


def test_one_text_goes_where_only_one_is_taken(endpoint: Proxy, key: str) -> None:
    """
    Titan embeds one input a call: two are refused, naming why.
    """
    model = "bedrock/amazon.titan-embed-text-v2:0"

    status, answer, _ = fetch(endpoint, "/v1/embeddings", key, {"model": model, "input": TEXTS[0], "dimensions": 16})
    refused, error, _ = fetch(endpoint, "/v1/embeddings", key, {"model": model, "input": TEXTS})

    assert status == 200 and answer["data"][0]["embedding"] == pytest.approx(vector(TEXTS[0], 16)) and answer["usage"]["prompt_tokens"] > 0
    assert refused == 400 and "at most 1 inputs a call" in error["error"]["message"]


def test_the_row_and_the_headers_say_what_was_done(endpoint: Proxy, key: str) -> None:
    """
    Of an alias the target that cannot embed is passed over; both forms, the tokens, the cost and the losses stand in the ledger.
    """
    own = unified.make_key(endpoint, "vectors", "--team", "harbour")
    endpoint.until(lambda: fetch(endpoint, "/v1/models", own)[0] == 200, 10, "the key in every worker")

    status, answer, headers = fetch(endpoint, "/v1/embeddings", own, {"model": "vectors", "input": TEXTS, "user": "u-1"})
    (row,) = endpoint.calls(1, where="principal_id = 'vectors' and operation = 'embeddings'")

    assert status == 200 and answer["model"] == "vectors" and headers["x-excise-route"] == "cohere"
    assert set(headers["x-excise-degraded"].split(", ")) == {"user;dropped", "input_type;changed"}
    assert (row["dialect"], row["target_dialect"], row["provider_served"]) == ("openai-embeddings", "cohere", "cohere")
    assert row["model_routed"] == "embed-v4.0" and row["translation"] == "degraded" and row["losses"]["user"] == "dropped"
    assert "anthropic has no equal" in row["route_reason"]
    assert row["input_tokens"] == answer["usage"]["prompt_tokens"] > 0 and row["usage_source"] == "provider"
    assert Decimal(row["cost_text"]) > 0


def test_nothing_of_the_clients_reaches_a_provider_but_what_it_asks(endpoint: Proxy, key: str, own_standin: StandIn) -> None:
    """
    Its key stays here, its bytes leave unchanged but for the model where the provider speaks its words.
    """
    before = len(own_standin.seen)
    body = {"input": TEXTS, "model": "second/text-embedding-3-small", "user": "u-1"}
    assert fetch(endpoint, "/v1/embeddings", key, body)[0] == 200

    (seen,) = own_standin.seen[before:]
    assert seen.request.body == json.dumps(body).replace("second/", "").encode()
    assert key not in repr((seen.request.headers, seen.request.body)) and unified.PROVIDER_KEY in repr(seen.request.headers)


# -- counts ----------------------------------------------------------------------------------------------------------------------------

COUNTED = ("openai/gpt-4o-mini", "anthropic/claude-haiku-4-5", "gemini/gemini-2.5-flash")


@pytest.mark.parametrize("model", COUNTED)
def test_counts_come_from_who_would_answer(endpoint: Proxy, key: str, model: str) -> None:
    """
    The SDKs of Anthropic, OpenAI and Google count a conversation with any provider that counts.
    """
    import anthropic
    import openai
    from google import genai
    from google.genai import types

    said = "How many lanterns are lit in the harbour?"
    with anthropic.Anthropic(base_url=endpoint.url, api_key=key, max_retries=0) as client:
        first = client.messages.count_tokens(model=model, messages=[{"role": "user", "content": said}], system="Be brief.").input_tokens
    with openai.OpenAI(base_url=f"{endpoint.url}/v1", api_key=key, max_retries=0) as other:
        second = other.responses.input_tokens.count(model=model, input=said, instructions="Be brief.").input_tokens
    with genai.Client(api_key=key, http_options=types.HttpOptions(base_url=endpoint.url)) as third:
        bare = third.models.count_tokens(model=model, contents=said).total_tokens

    assert first > 5 and second > 5 and bare is not None and bare > 5


def test_who_cannot_count_is_asked_for_nothing(endpoint: Proxy, key: str, own_standin: StandIn) -> None:
    """
    Mistral has no such API: the call is refused in the client's words, and no estimate is passed off as a count.
    """
    before = len(own_standin.seen)
    body = {"model": "mistral/mistral-small-latest", "messages": [{"role": "user", "content": "hi"}]}

    status, answer, _ = fetch(endpoint, "/v1/messages/count_tokens", key, body)

    assert status == 400 and answer["type"] == "error" and "mistral has no equal of this operation" in answer["error"]["message"]
    assert len(own_standin.seen) == before


# -- rerank ----------------------------------------------------------------------------------------------------------------------------

RERANKERS = ("cohere/rerank-v3.5", "voyage/rerank-2.5", "jina/jina-reranker-v2-base-multilingual")


@pytest.mark.parametrize("model", RERANKERS)
def test_every_client_gets_the_order_of_every_provider(endpoint: Proxy, key: str, model: str) -> None:
    """
    Cohere's SDK, Voyage's words and Jina's: the same document is the best.
    """
    import cohere

    query = "is the harbour deep"
    with cohere.ClientV2(api_key=key, base_url=endpoint.url, max_retries=0) as client:
        ranked = client.rerank(model=model, query=query, documents=DOCUMENTS, top_n=2)
    voyage = fetch(endpoint, "/voyage/v1/rerank", key, {"model": model, "query": query, "documents": DOCUMENTS, "top_k": 2})
    jina = fetch(endpoint, "/jina/v1/rerank", key, {"model": model, "query": query, "documents": DOCUMENTS, "top_n": 2})

    assert [one.index for one in ranked.results][:1] == [1] and len(ranked.results) == 2
    assert (
        [one["index"] for one in voyage[1]["data"]] == [one["index"] for one in jina[1]["results"]] == [one.index for one in ranked.results]
    )


# -- moderation ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["openai/omni-moderation-latest", "mistral/mistral-moderation-latest"])
def test_both_sdks_are_told_what_either_provider_finds(endpoint: Proxy, key: str, model: str) -> None:
    """
    The stand-ins find violence where the word is; each client reads it under its own name.
    """
    import openai
    from mistralai.client import Mistral

    texts = ["a calm harbour", "violence at the harbour"]
    with openai.OpenAI(base_url=f"{endpoint.url}/v1", api_key=key, max_retries=0) as client:
        results = client.moderations.create(model=model, input=texts).results
    with Mistral(api_key=key, server_url=f"{endpoint.url}/mistral") as other:
        judged = other.classifiers.moderate(model=model, inputs=texts).results

    assert [result.flagged for result in results] == [False, True]
    assert [result.categories.violence for result in results] == [False, True]
    assert [(result.categories or {})["violence_and_threats"] for result in judged] == [False, True]


def test_a_moderation_that_names_no_model_means_openais_usual_one(endpoint: Proxy, key: str) -> None:
    """
    As at OpenAI.
    """
    status, answer, headers = fetch(endpoint, "/v1/moderations", key, {"input": "a calm harbour"})

    assert status == 200, answer
    assert headers["x-excise-model"] == "omni-moderation-latest"


# -- pictures, speech, transcription ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["openai/gpt-image-1", "gemini/imagen-4.0-generate-001"])
def test_openais_sdk_gets_pictures(endpoint: Proxy, key: str, model: str) -> None:
    """
    Of OpenAI and of Imagen.
    """
    import openai

    with openai.OpenAI(base_url=f"{endpoint.url}/v1", api_key=key, max_retries=0) as client:
        made = client.images.generate(model=model, prompt="seven lanterns", n=2, size="1024x1024")
        if model.startswith("gemini"):
            with pytest.raises(openai.BadRequestError, match="returns pictures, not links"):
                client.images.generate(model=model, prompt="seven lanterns", response_format="url")

    assert made.data is not None and len(made.data) == 2 and all((one.b64_json or "").startswith("iVBORw0KGgo") for one in made.data)


def test_imagens_clients_get_openais_pictures(endpoint: Proxy, key: str) -> None:
    """
    Imagen's call, answered by OpenAI; its SDK has no such method any more, the API has.
    """
    body = {"instances": [{"prompt": "seven lanterns"}], "parameters": {"sampleCount": 1}}

    status, made, _ = fetch(endpoint, "/v1beta/models/openai/gpt-image-1:predict", key, body)

    assert status == 200, made
    assert [one["mimeType"] for one in made["predictions"]] == ["image/png"]
    assert made["predictions"][0]["bytesBase64Encoded"].startswith("iVBORw0KGgo")


def test_speech_and_transcription_pass_with_another_model(endpoint: Proxy, key: str, own_standin: StandIn) -> None:
    """
    The bytes of the sound, and of everything else in the form, are the client's own.
    """
    import openai

    sound = bytes(range(256)) * 8
    before = len(own_standin.seen)
    with openai.OpenAI(base_url=f"{endpoint.url}/v1", api_key=key, max_retries=0) as client:
        spoken = client.audio.speech.create(model="second/tts-1", voice="alloy", input="seven lanterns").read()
        text = client.audio.transcriptions.create(model="second/whisper-1", file=("a.wav", sound), prompt="harbour words").text

    said, heard = own_standin.seen[before:]
    assert spoken.startswith(b"ID3") and text == "the quick harbour"
    assert json.loads(said.request.body)["model"] == "tts-1"
    assert sound in heard.request.body and b"harbour words" in heard.request.body
    assert b"\r\n\r\nwhisper-1\r\n" in heard.request.body and b"second/" not in heard.request.body


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        ("/v1/audio/speech", {"model": "mistral/voxtral", "input": "x", "voice": "v"}, "mistral has no equal"),
        ("/v1/embeddings", {"model": "anthropic/claude-haiku-4-5", "input": "x"}, "anthropic has no equal"),
        ("/v1/embeddings", {"model": "gemini/gemini-embedding-001", "input": [1, 2, 3]}, "one model's vocabulary"),
        ("/v1/moderations", {"model": "cohere/x", "input": "x"}, "cohere has no equal"),
        ("/v2/rerank", {"model": "openai/x", "query": "x", "documents": ["y"]}, "openai has no equal"),
    ],
)
def test_what_has_no_equal_is_refused(endpoint: Proxy, key: str, own_standin: StandIn, path: str, body: Any, why: str) -> None:
    """
    With the reason for each target, before anything is sent.
    """
    before = len(own_standin.seen)

    status, answer, _ = fetch(endpoint, path, key, body)

    assert status == 400 and why in repr(answer) and len(own_standin.seen) == before


@pytest.mark.parametrize("path", ["/openai/v1/files", "/openai/v1/batches", "/openai/v1/fine_tuning/jobs"])
def test_what_is_bound_to_an_account_is_not_served_to_virtual_keys(endpoint: Proxy, key: str, path: str) -> None:
    """
    Files, batches, tuned models belong to whoever's key made them.
    """
    status, answer, _ = fetch(endpoint, path, key, {"model": "openai/gpt-4o-mini"})

    assert status == 400 and "is not served to virtual keys" in answer["error"]["message"]


def test_a_providers_error_is_told_in_the_clients_words(endpoint: Proxy, key: str, own_standin: StandIn) -> None:
    """
    Google's limit is a RateLimitError of OpenAI's SDK.
    """
    import openai

    from excise.standin import Script

    own_standin.script(Script(status=429))
    with openai.OpenAI(base_url=f"{endpoint.url}/v1", api_key=key, max_retries=0) as client, pytest.raises(openai.RateLimitError):
        client.embeddings.create(model="gemini/gemini-embedding-001", input="x")


def test_transparent_calls_are_rerouted_by_policy(own_standin: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A service that embeds at api.openai.com as ever is served by Cohere where a route says so, with personal data taken out before.
    """
    from e2e import cases
    from e2e.ways import Way

    rerouting = POLICY.replace(
        "aliases:",
        "routes:\n- {name: off openai, when: {operation: embeddings, provider: openai}, to: cohere/embed-v4.0}\n"
        "redact:\n- {name: all, profile: pii}\naliases:",
    )
    (tmp_path / "policies").mkdir()
    (tmp_path / "home").mkdir()
    policies = unified.write_policy(tmp_path / "policies", rerouting)
    with running_proxy(tmp_path / "home", own_standin, policies=policies) as proxy:
        Way(own_standin, proxy).enter(monkeypatch)
        before = len(own_standin.seen)
        with cases._openai("standin-key-of-the-client") as client:
            found = client.embeddings.create(model="text-embedding-3-small", input=["write to ada@harbour.example"])
        (seen,) = own_standin.seen[before:]
        (row,) = proxy.calls(1)

    assert len(found.data) == 1 and found.model == "text-embedding-3-small"
    assert seen.request.host == "api.cohere.com" and b"ada@harbour.example" not in seen.request.body and b"EMAIL_" in seen.request.body
    assert "standin-key-of-the-client" not in repr(seen.request.headers)
    assert (row["route_rule"], row["operation"], row["target_dialect"]) == ("off openai", "embeddings", "cohere")
