"""
What is written for clients, read by the official SDKs' own types; what is sent to providers, against the types of their requests.
"""

from __future__ import annotations

from typing import Any

from anthropic.types import MessageTokensCount
from cohere.types import EmbedByTypeResponse
from cohere.v2.types import V2RerankResponse
from google.genai import types as google
from mistralai.client.models import ClassificationRequest, EmbeddingRequest, EmbeddingResponse, ModerationResponse
from openai.types import CreateEmbeddingResponse, ImagesResponse, ModerationCreateResponse
from openai.types.responses.input_token_count_response import InputTokenCountResponse
from operation_calls import cross, send
from test_operation_counts import SAID as COUNTS
from test_operation_embeddings import SAID as EMBEDDINGS
from test_operation_embeddings import VECTORS
from test_operation_images import ASKED as PICTURE
from test_operation_images import IMAGEN
from test_operation_moderation import MISTRALS, OPENAIS
from test_operation_rerank import RANKED
from test_operation_rerank import SAID as RERANK

from excise.wire.operations import embed_gemini, images, moderation
from excise.wire.operations.embed_openai import MISTRAL
from excise.wire.usage import Usage

USAGE = Usage(uncached_input_tokens=7)


def embedded(client: str) -> Any:
    """
    An answer of Ollama's in a client's words.
    """
    return cross(EMBEDDINGS[client][0], EMBEDDINGS["ollama"][0], EMBEDDINGS[client][1], EMBEDDINGS["ollama"][2], usage=USAGE).answer


def counted(client: str, target: str) -> Any:
    return cross(COUNTS[client][0], COUNTS[target][0], COUNTS[client][1], COUNTS[target][2]).answer


def test_openais_sdk_reads_what_is_written_for_it() -> None:
    """
    Vectors, counts, judgements, pictures: strictly, with every field it demands.
    """
    vectors = CreateEmbeddingResponse.model_validate(embedded("openai"), strict=True)
    count = InputTokenCountResponse.model_validate(counted("responses", "anthropic"), strict=True)
    picture = ImagesResponse.model_validate(cross(images.OPENAI, images.IMAGEN, PICTURE, IMAGEN, usage=USAGE).answer, strict=True)
    judged = ModerationCreateResponse.construct(
        **cross(moderation.OPENAI, moderation.MISTRAL, {"model": "m", "input": "x"}, MISTRALS).answer
    )

    assert [row.embedding for row in vectors.data] == VECTORS and vectors.usage.prompt_tokens == 7
    assert count.input_tokens == 42
    assert picture.data is not None and picture.data[0].b64_json and picture.usage is not None and picture.usage.total_tokens == 7
    assert judged.results[0].flagged and judged.results[0].categories.violence and judged.results[0].category_scores.violence == 0.97
    assert judged.results[0].categories.harassment is None  # not judged


def test_anthropics_sdk_reads_a_count() -> None:
    """
    Whoever counted.
    """
    for target in COUNTS:
        assert MessageTokensCount.model_validate(counted("anthropic", target), strict=True).input_tokens == 42


def test_coheres_sdk_reads_what_is_written_for_it() -> None:
    """
    Vectors by type, and documents in order.
    """
    vectors = EmbedByTypeResponse.model_validate(embedded("cohere v2"))
    ranked = V2RerankResponse.model_validate(
        cross(RERANK["cohere v2"][0], RERANK["jina"][0], RERANK["cohere v2"][1], RERANK["jina"][2]).answer
    )

    assert vectors.embeddings.float_ == VECTORS and vectors.meta is not None and vectors.meta.billed_units is not None
    assert vectors.meta.billed_units.input_tokens == 7 and vectors.response_type == "embeddings_by_type"
    assert [(one.index, one.relevance_score) for one in ranked.results] == [(one["index"], one["relevance_score"]) for one in RANKED]


def test_googles_sdk_reads_what_is_written_for_it() -> None:
    """
    Vectors and counts in its own types.
    """
    vectors = google.EmbedContentResponse._from_response(response=embedded("gemini"), kwargs={})
    count = google.CountTokensResponse.model_validate(counted("gemini", "anthropic"))

    assert vectors.embeddings is not None and [row.values for row in vectors.embeddings] == VECTORS
    assert count.total_tokens == 42


def test_mistrals_sdk_reads_and_would_write_the_same() -> None:
    """
    Its strict types take our answers, and our requests.
    """
    vectors = EmbeddingResponse.model_validate(embedded("mistral"))
    judged = ModerationResponse.model_validate(cross(moderation.MISTRAL, moderation.OPENAI, {"model": "m", "input": ["x"]}, OPENAIS).answer)
    asked = EmbeddingRequest.model_validate(send(EMBEDDINGS["cohere v2"][0], MISTRAL, EMBEDDINGS["cohere v2"][1]).sent)
    judge = ClassificationRequest.model_validate(send(moderation.OPENAI, moderation.MISTRAL, {"model": "m", "input": "x"}).sent)

    assert [row.embedding for row in vectors.data] == VECTORS and vectors.usage.prompt_tokens == 7
    assert judged.results[0].categories is not None and judged.results[0].categories["hate_and_discrimination"]
    assert asked.inputs == EMBEDDINGS["openai"][1]["input"] and judge.inputs == "x"


def test_googles_types_take_what_is_sent() -> None:
    """
    Contents and configuration of its embedding requests, field by field.
    """
    body = send(EMBEDDINGS["openai"][0], embed_gemini.BATCH, {"model": "m", "input": ["x"], "dimensions": 8}).sent

    for row in body["requests"]:
        google.Content.model_validate(row.pop("content"))
        row.pop("model")
        google.EmbedContentConfig.model_validate(row)
