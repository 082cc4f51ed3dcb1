"""
What providers do beside talking: embeddings, ranking, moderation, counting, pictures, lists of models.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from standin.asking import CITY, WAYS, ask

GOOGLE, AWS = "generativelanguage.googleapis.com", "bedrock-runtime.us-east-1.amazonaws.com"
OPENAI, COHERE, MISTRAL = "api.openai.com", "api.cohere.com", "api.mistral.ai"
VERTEX, PLACE = "us-central1-aiplatform.googleapis.com", "/v1/projects/p/locations/us-central1/publishers/google/models"
CONTENT = {"parts": [{"text": "a ship"}]}


@pytest.mark.parametrize(
    ("host", "path", "body", "find", "count"),
    [
        (OPENAI, "/v1/embeddings", {"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 5}, "data", 2),
        (GOOGLE, "/v1beta/models/gemini-embedding-001:batchEmbedContents", {"requests": [{"content": CONTENT}] * 2}, "embeddings", 2),
        (MISTRAL, "/v1/embeddings", {"model": "mistral-embed", "input": ["a", "b"]}, "data", 2),
        (VERTEX, f"{PLACE}/text-embedding-005:predict", {"instances": [{"content": "a"}, {"content": "b"}]}, "predictions", 2),
        (AWS, "/model/cohere.embed-english-v3/invoke", {"texts": ["a", "b"], "input_type": "search_query"}, "embeddings", 2),
        ("localhost", "/api/embed", {"model": "llama3.2", "input": ["a", "b"]}, "embeddings", 2),
        ("api.voyageai.com", "/v1/embeddings", {"model": "voyage-3.5", "input": ["a", "b"], "input_type": "query"}, "data", 2),
        ("api.jina.ai", "/v1/embeddings", {"model": "jina-embeddings-v3", "input": ["a", "b"], "task": "text-matching"}, "data", 2),
    ],
)
def test_embeddings(host: str, path: str, body: Any, find: str, count: int) -> None:
    """
    One vector a text, the same text the same vector.
    """
    got = ask(host, path, body)

    assert got.status == 200, got.data
    assert len(got.json[find]) == count
    assert ask(host, path, body).data == got.data


def test_embeddings_of_a_kind() -> None:
    """
    Cohere gives every type that was asked for; Titan one vector and its tokens.
    """
    body = {"model": "embed-v4.0", "texts": ["a"], "input_type": "search_query", "embedding_types": ["float", "int8"]}
    assert set(ask(COHERE, "/v2/embed", body).json["embeddings"]) == {"float", "int8"}

    got = ask(AWS, "/model/amazon.titan-embed-text-v2%3A0/invoke", {"inputText": "a ship", "dimensions": 4})
    assert (len(got.json["embedding"]), got.json["inputTextTokenCount"]) == (4, 2)
    assert got.bill is not None
    assert got.bill.usd == Decimal(2) * Decimal("0.02") / 1_000_000


REFUSED: list[tuple[str, str, Any, int]] = [
    (OPENAI, "/v1/embeddings", {"model": "text-embedding-3-small", "input": []}, 400),
    (OPENAI, "/v1/embeddings", {"model": "text-embedding-3-small", "input": "a", "input_type": "query"}, 400),
    (OPENAI, "/v1/embeddings", {"model": "gpt-4o-mini", "input": "a"}, 404),
    (OPENAI, "/v1/moderations", {"model": "omni-moderation-latest"}, 400),
    (GOOGLE, "/v1beta/models/gemini-embedding-001:embedContent", {"text": "a"}, 400),
    (GOOGLE, "/v1beta/models/gemini-2.5-flash:countTokens", {}, 400),
    (GOOGLE, "/v1beta/models/imagen-4.0-generate-001:predict", {"instances": [{"text": "a"}]}, 400),
    (COHERE, "/v2/embed", {"model": "embed-v4.0", "texts": ["a"]}, 400),
    (COHERE, "/v2/embed", {"model": "embed-v4.0", "input_type": "search_query"}, 400),
    (COHERE, "/v2/rerank", {"model": "rerank-v3.5", "query": "a", "documents": []}, 400),
    (MISTRAL, "/v1/embeddings", {"model": "mistral-embed", "inputs": "a"}, 422),
    (AWS, "/model/amazon.titan-embed-text-v2%3A0/invoke", {"texts": ["a"]}, 400),
    (AWS, "/model/amazon.nova-lite-v1%3A0/count-tokens", {"input": {"converse": {"messages": []}}}, 400),
    ("api.voyageai.com", "/v1/rerank", {"model": "rerank-2.5", "query": "a", "documents": ["b"], "top_n": 1}, 400),
    ("api.jina.ai", "/v1/rerank", {"model": "jina-reranker-v2-base-multilingual", "query": "a", "documents": ["b"], "top_k": 1}, 422),
]


@pytest.mark.parametrize(("host", "path", "body", "status"), REFUSED)
def test_what_they_refuse(host: str, path: str, body: Any, status: int) -> None:
    """
    Missing fields, another provider's fields, models that cannot do it.
    """
    assert ask(host, path, body).status == status


@pytest.mark.parametrize(
    ("host", "path", "model", "top", "find"),
    [
        (COHERE, "/v2/rerank", "rerank-v3.5", "top_n", "results"),
        ("api.voyageai.com", "/v1/rerank", "rerank-2.5", "top_k", "data"),
        ("api.jina.ai", "/v1/rerank", "jina-reranker-v2-base-multilingual", "top_n", "results"),
    ],
)
def test_ranking(host: str, path: str, model: str, top: str, find: str) -> None:
    """
    Best first, as many as asked for.
    """
    body = {"model": model, "query": "red ship", "documents": ["a tree", "a red ship", "a ship"], top: 2}

    assert [one["index"] for one in ask(host, path, body).json[find]] == [1, 2]


@pytest.mark.parametrize(
    ("host", "path", "model", "name"),
    [
        (OPENAI, "/v1/moderations", "omni-moderation-latest", "violence"),
        (MISTRAL, "/v1/moderations", "mistral-moderation-latest", "violence_and_threats"),
    ],
)
def test_moderation(host: str, path: str, model: str, name: str) -> None:
    """
    What speaks of violence is flagged as that, and nothing else is.
    """
    got = ask(host, path, {"model": model, "input": ["peace", "violence"]}).json["results"]

    assert [[category for category, found in one["categories"].items() if found] for one in got] == [[], [name]]


def test_counting_counts_what_is_billed() -> None:
    """
    The tokens of a prompt, tools and all, are what a call with it pays for.
    """
    anthropic, bedrock, responses, gemini = (WAYS[name] for name in ("anthropic", "bedrock-claude", "openai-responses", "gemini"))
    body = anthropic.body("use tool", tools=True)
    counted = ask(anthropic.host, "/v1/messages/count_tokens", {name: body[name] for name in body if name != "max_tokens"})
    assert counted.json["input_tokens"] == anthropic.send(body).json["usage"]["input_tokens"]

    body = bedrock.body("use tool", tools=True)
    counted = ask(bedrock.host, f"/model/{bedrock.model}/count-tokens".replace(":", "%3A"), {"input": {"converse": body}})
    assert counted.json["inputTokens"] == bedrock.send(body).json["usage"]["inputTokens"]

    body = responses.body("use tool", tools=True)
    counted = ask(responses.host, "/v1/responses/input_tokens", body)
    assert counted.json == {"object": "response.input_tokens", "input_tokens": responses.send(body).json["usage"]["input_tokens"]}

    counted = ask(GOOGLE, "/v1beta/models/gemini-2.5-flash:countTokens", gemini.body("hello"))
    assert counted.json["totalTokens"] > 0


def test_pictures() -> None:
    """
    Imagen makes as many as asked for; more than four it refuses.
    """
    path = "/v1beta/models/imagen-4.0-generate-001:predict"
    body: dict[str, Any] = {"instances": [{"prompt": "a ship"}], "parameters": {"sampleCount": 2}}

    assert len(ask(GOOGLE, path, body).json["predictions"]) == 2
    body["parameters"]["sampleCount"] = 5
    assert ask(GOOGLE, path, body).status == 400


@pytest.mark.parametrize(
    ("host", "path", "find"),
    [
        (OPENAI, "/v1/models", "data"),
        ("api.anthropic.com", "/v1/models", "data"),
        (GOOGLE, "/v1beta/models", "models"),
        (MISTRAL, "/v1/models", "data"),
        (COHERE, "/v1/models", "models"),
        ("localhost", "/api/tags", "models"),
    ],
)
def test_lists_of_models(host: str, path: str, find: str) -> None:
    """
    Every provider says what it has.
    """
    assert ask(host, path, b"", method="GET").json[find]


def test_vertex_speaks_geminis_words_in_its_own_place() -> None:
    """
    The path names project and place, and the traffic's kind is told.
    """
    got = ask(VERTEX, f"{PLACE}/gemini-2.5-flash:generateContent", WAYS["gemini"].body("echo: so"))

    assert WAYS["gemini"].text(got.json) == "so"
    assert got.json["usageMetadata"]["trafficType"] == "ON_DEMAND"
    assert got.bill is not None
    assert got.bill.provider == "vertex"


def test_a_background_response_is_fetched_later() -> None:
    """
    First a ticket, then the answer, then nothing.
    """
    way = WAYS["openai-responses"]
    ticket = way.send(way.body("echo: so", background=True)).json
    place = f"/v1/responses/{ticket['id']}"
    assert (ticket["status"], ticket["output"]) == ("queued", [])

    assert way.text(ask(OPENAI, place, b"", method="GET").json) == "so"
    assert ask(OPENAI, place, b"", method="DELETE").json["deleted"]
    assert ask(OPENAI, place, b"", method="GET").status == 404


def test_bills_of_claude_know_what_was_written_to_a_cache() -> None:
    """
    A marked prompt is partly written to the cache, at its own price.
    """
    way = WAYS["anthropic"]
    body = way.body("hello", system=[{"type": "text", "text": "from cache " + "x" * 400, "cache_control": {"type": "ephemeral"}}])
    got = way.send(body)
    usage, bill = got.json["usage"], got.bill
    assert bill is not None

    parts = [usage[name] for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")]
    prices = [Decimal(price) for price in ("1", "0.10", "1.25", "5")]
    assert bill.usd == sum(part * price for part, price in zip(parts, prices, strict=True)) / 1_000_000
    assert all(parts)


def test_a_tools_schema_is_billed() -> None:
    """
    Declarations cost input.
    """
    way = WAYS["openai-chat"]
    plain, tools = way.send(way.body("hello")).bill, way.send(way.body("hello", tools=True)).bill

    assert plain is not None
    assert tools is not None
    assert tools.input_tokens > plain.input_tokens + len(str(CITY)) // 4
