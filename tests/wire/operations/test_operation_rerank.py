"""
Rerank between the words of Cohere, Voyage, Jina and Bedrock.
"""

from __future__ import annotations

from typing import Any

import pytest
from operation_calls import cross, send

from excise.errors import BadRequest
from excise.wire.operations import rerank
from excise.wire.operations.form import Form
from excise.wire.usage import Usage

DOCUMENTS = ["Lanterns are lit.", "The harbour is deep.", "Boats leave at dawn."]
RANKED = [{"index": 1, "relevance_score": 0.9}, {"index": 2, "relevance_score": 0.4}]
ASKED = {"model": "m", "query": "How deep is it?", "documents": DOCUMENTS}

SAID: dict[str, tuple[Form, Any, Any]] = {
    "cohere v2": (rerank.COHERE_V2, {**ASKED, "top_n": 2}, {"id": "r1", "results": RANKED, "meta": {}}),
    "cohere v1": (rerank.COHERE_V1, {**ASKED, "top_n": 2}, {"id": "r1", "results": RANKED, "meta": {}}),
    "voyage": (rerank.VOYAGE, {**ASKED, "top_k": 2}, {"object": "list", "data": RANKED, "model": "m", "usage": {"total_tokens": 9}}),
    "jina": (rerank.JINA, {**ASKED, "top_n": 2}, {"model": "m", "usage": {"total_tokens": 9}, "results": RANKED}),
}


@pytest.mark.parametrize("target", SAID)
@pytest.mark.parametrize("client", SAID)
def test_every_form_is_answered_by_every_other(client: str, target: str) -> None:
    """
    The same documents in the same order, under each form's names, nothing lost.
    """
    asked, body, _ = SAID[client]
    served, own, answer = SAID[target]

    done = cross(asked, served, body, answer)

    assert done.sent == {**own, "model": "target-model"} and done.losses == ()
    assert done.answer["data" if client == "voyage" else "results"] == RANKED


def test_bedrocks_body_names_no_model() -> None:
    """
    The path does; the version of the body stands in it.
    """
    done = cross(rerank.COHERE_V2, rerank.BEDROCK, {**ASKED, "top_n": 1}, {"results": RANKED[:1]})

    assert done.sent == {"query": "How deep is it?", "documents": DOCUMENTS, "top_n": 1, "api_version": 2}
    assert done.answer["results"] == RANKED[:1]


def test_documents_come_back_where_the_target_gives_them() -> None:
    """
    As text for Voyage's clients, as an object for Jina's; where the target has no such switch it is noted.
    """
    body = {**ASKED, "return_documents": True}
    echoed = {"results": [{**RANKED[0], "document": {"text": DOCUMENTS[1]}}], "usage": {"total_tokens": 3}}
    texts = {"data": [{**RANKED[0], "document": DOCUMENTS[1]}], "usage": {"total_tokens": 3}}

    assert cross(rerank.VOYAGE, rerank.JINA, body, echoed).answer["data"][0]["document"] == DOCUMENTS[1]
    assert cross(rerank.JINA, rerank.VOYAGE, body, texts).answer["results"][0]["document"] == {"text": DOCUMENTS[1]}
    assert send(rerank.JINA, rerank.COHERE_V2, body).lost == {"return_documents": "dropped"}


def test_documents_with_fields_are_coheres_older_form_alone() -> None:
    """
    An object with a text is that text; one with other fields is nothing a text model can order.
    """
    fields = [{"title": "Harbour", "text": "It is deep."}]

    assert send(rerank.JINA, rerank.COHERE_V2, {**ASKED, "documents": [{"text": "It is deep."}]}).sent["documents"] == ["It is deep."]
    assert send(rerank.COHERE_V1, rerank.VOYAGE, {**ASKED, "documents": fields}).lost == {"documents": "impossible"}
    assert send(rerank.COHERE_V1, rerank.COHERE_V2, {**ASKED, "rank_fields": ["title"]}).lost == {"documents": "impossible"}


def test_limits_are_told_or_noted() -> None:
    """
    Truncation is Voyage's word, a length for documents Cohere's.
    """
    assert send(rerank.VOYAGE, rerank.JINA, {**ASKED, "truncation": False}).lost == {"truncate": "dropped"}
    assert send(rerank.COHERE_V2, rerank.VOYAGE, {**ASKED, "max_tokens_per_doc": 100}).lost == {"max_tokens": "dropped"}
    assert send(rerank.COHERE_V1, rerank.VOYAGE, {**ASKED, "max_chunks_per_doc": 3}).lost == {"max_chunks_per_doc": "dropped"}
    assert send(rerank.COHERE_V2, rerank.VOYAGE, {**ASKED, "documents": ["x"] * 1001}).lost == {"documents": "impossible"}


def test_usage_is_written_as_the_client_reads_it() -> None:
    """
    Search units for Cohere's clients, tokens for the others'.
    """
    billed = cross(rerank.COHERE_V2, rerank.COHERE_V1, ASKED, SAID["cohere v1"][2], usage=Usage(searches=1)).answer
    counted = cross(rerank.VOYAGE, rerank.JINA, ASKED, SAID["jina"][2], usage=Usage(uncached_input_tokens=9)).answer

    assert billed["meta"] == {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
    assert counted["usage"] == {"total_tokens": 9}


def test_the_best_stands_first_and_no_more_than_wanted() -> None:
    """
    Whatever order a provider writes.
    """
    rows = {"results": [{"index": 0, "relevance_score": 0.1}, *RANKED]}

    assert cross(rerank.COHERE_V2, rerank.JINA, {**ASKED, "top_n": 2}, rows).answer["results"] == RANKED


@pytest.mark.parametrize(
    "answer", [{}, {"results": "x"}, {"results": [5]}, {"results": [{"index": 7, "relevance_score": 1}]}, {"results": [{"index": 0}]}]
)
def test_an_answer_that_cannot_be_read_is_an_error(answer: Any) -> None:
    """
    Also one that names a document nobody sent.
    """
    assert cross(rerank.COHERE_V2, rerank.JINA, ASKED, answer).status >= 500


@pytest.mark.parametrize(
    ("body", "place"), [({"documents": ["x"]}, "query"), ({"query": "x"}, "documents"), ({"query": "x", "documents": [5]}, "documents[0]")]
)
def test_a_request_that_is_none_is_refused_with_its_place(body: Any, place: str) -> None:
    """
    Naming the field.
    """
    with pytest.raises(BadRequest) as error:
        send(rerank.COHERE_V2, rerank.VOYAGE, body)

    assert str(error.value).startswith(place)
