"""
Voyage and Jina: embeddings and rerank, each in its own words; and the ranking itself, which Cohere uses too.

Source: the API references of Voyage AI and Jina AI and recorded answers, read 2026-11.
"""

from __future__ import annotations

from typing import Any

from excise.standin import models
from excise.standin.ask import count_tokens, vector
from excise.standin.call import Refusal, Reply, Request, json_reply, parsed
from excise.standin.shapes import Either, Flag, Free, Items, Record, Table, Text, Whole, Word, Wrong, bracketed

PROVIDERS = {"api.voyageai.com": "voyage", "api.jina.ai": "jina"}
_INPUT = Either(Text(least=1), Items(Either(Text(), Table(Free())), least=1, most=1000))
SHAPES = {
    ("voyage", "embeddings"): Record(
        {"input": _INPUT, "model": Text()},
        {
            "input_type": Word("query", "document"),
            "truncation": Flag(),
            "output_dimension": Whole(1),
            "output_dtype": Word("float", "int8", "uint8", "binary", "ubinary"),
            "encoding_format": Word("base64"),
        },
    ),
    ("voyage", "rerank"): Record(
        {"query": Text(least=1), "documents": Items(Text(), least=1, most=1000), "model": Text()},
        {"top_k": Whole(1), "return_documents": Flag(), "truncation": Flag()},
    ),
    ("jina", "embeddings"): Record(
        {"input": _INPUT, "model": Text()},
        {
            "task": Text(),
            "dimensions": Whole(1),
            "normalized": Flag(),
            "embedding_type": Word("float", "base64", "binary", "ubinary"),
            "late_chunking": Flag(),
            "truncate": Flag(),
        },
    ),
    ("jina", "rerank"): Record(
        {"query": Text(least=1), "documents": Items(Either(Text(), Table(Free())), least=1), "model": Text()},
        {"top_n": Whole(1), "return_documents": Flag()},
    ),
}


def failure(status: int) -> dict[str, Any]:
    """
    The error body of a scripted status.
    """
    return {"detail": f"Scripted error {status}."}


def answer(request: Request) -> Reply:
    """
    Answer one call to api.voyageai.com or api.jina.ai.

    Raises:
        Refusal: What they would refuse.
    """
    provider = PROVIDERS[request.host]
    key = request.bearer()
    if not key or not key.startswith("standin-"):
        raise Refusal(401, {"detail": "Provided API key is invalid."})
    operation = request.path.removeprefix("/v1/")
    shape = SHAPES.get((provider, operation))
    if shape is None or request.method != "POST":
        raise Refusal(404, {"detail": "Not Found"})
    try:
        body = shape.read(parsed(request.body))
    except Wrong as wrong:
        text = f"Argument '{bracketed(wrong.place)}' is not supported or invalid."
        raise Refusal(400 if provider == "voyage" else 422, {"detail": text}) from wrong
    except ValueError as error:
        raise Refusal(400, {"detail": "The request body is not valid JSON."}) from error
    model = models.find(provider, body["model"], operation)
    if model is None:
        raise Refusal(400, {"detail": f"Model {body['model']} is not supported."})
    return _embedded(provider, body, model) if operation == "embeddings" else _reranked(provider, body, model)


def ranked(query: str, documents: list[Any], top: int | None) -> list[tuple[int, float]]:
    """
    Places of the documents and their scores, best first: the more of the query's words, the better.
    """
    words = set(query.lower().split())
    scores = [(at, len(words.intersection(str(text).lower().split())) / max(len(words), 1)) for at, text in enumerate(documents)]
    return sorted(scores, key=lambda one: (-one[1], one[0]))[:top]


def _embedded(provider: str, body: dict[str, Any], model: models.Model) -> Reply:
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    size = body.get("output_dimension", body.get("dimensions", 8))
    data = [{"object": "embedding", "embedding": vector(text, size), "index": at} for at, text in enumerate(texts)]
    tokens = sum(count_tokens(text) for text in texts)
    usage = {"total_tokens": tokens, **({"prompt_tokens": tokens} if provider == "jina" else {})}
    whole = {"object": "list", "data": data, "model": model.served, "usage": usage}
    return json_reply(whole, models.bill(provider, model, tokens, 0))


def _reranked(provider: str, body: dict[str, Any], model: models.Model) -> Reply:
    documents = body["documents"]
    results: list[dict[str, Any]] = []
    for at, score in ranked(body["query"], documents, body.get("top_k", body.get("top_n"))):
        given = documents[at]
        shown: Any = given if provider == "voyage" else {"text": given} if isinstance(given, str) else given
        results.append({"index": at, "relevance_score": score, **({"document": shown} if body.get("return_documents") else {})})
    tokens = count_tokens(body["query"]) + sum(count_tokens(text) for text in documents)
    usage = {"total_tokens": tokens, **({"prompt_tokens": tokens} if provider == "jina" else {})}
    whole = {"object": "list", "model": model.served, "usage": usage, "data" if provider == "voyage" else "results": results}
    return json_reply(whole, models.bill(provider, model, tokens, 0))


__all__ = ["answer", "failure", "ranked"]
