"""
Embeddings between the words of OpenAI, Mistral, Voyage, Jina, Cohere, Google, Ollama and Amazon.
"""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest
from operation_calls import cross, send

from excise.errors import BadRequest
from excise.wire.loss import Verdict
from excise.wire.operations import embed_cohere, embed_gemini, embed_openai, embed_others
from excise.wire.operations.form import Form, pairs
from excise.wire.usage import Usage

VECTORS = [[0.5, -0.25, 0.125], [1.0, 0.0, -1.0]]
CODED = [base64.b64encode(struct.pack("<3f", *vector)).decode() for vector in VECTORS]
TEXTS = ["harbour", "lantern"]

OPENAI, MISTRAL, VOYAGE, JINA, NVIDIA = (
    embed_openai.OPENAI,
    embed_openai.MISTRAL,
    embed_openai.VOYAGE,
    embed_openai.JINA,
    embed_openai.NVIDIA,
)


def rows(vectors: list[Any]) -> list[dict[str, Any]]:
    return [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]


# The same two texts, and the same two vectors, in everybody's words.
SAID: dict[str, tuple[Form, Any, Any]] = {
    "openai": (OPENAI, {"model": "m", "input": TEXTS}, {"object": "list", "data": rows(VECTORS), "model": "m", "usage": {}}),
    "mistral": (MISTRAL, {"model": "m", "input": TEXTS}, {"id": "e1", "object": "list", "data": rows(VECTORS), "model": "m", "usage": {}}),
    "voyage": (VOYAGE, {"model": "m", "input": TEXTS}, {"object": "list", "data": rows(VECTORS), "model": "m", "usage": {}}),
    "jina": (JINA, {"model": "m", "input": TEXTS}, {"object": "list", "data": rows(VECTORS), "model": "m", "usage": {}}),
    "cohere v2": (
        embed_cohere.V2,
        {"model": "m", "texts": TEXTS, "input_type": "search_document", "embedding_types": ["float"]},
        {"id": "c1", "embeddings": {"float": VECTORS}, "meta": {}, "response_type": "embeddings_by_type"},
    ),
    "cohere v1": (
        embed_cohere.V1,
        {"model": "m", "texts": TEXTS, "input_type": "search_document"},
        {"id": "c1", "embeddings": VECTORS, "texts": TEXTS, "response_type": "embeddings_floats"},
    ),
    "gemini": (
        embed_gemini.BATCH,
        {"requests": [{"model": "models/m", "content": {"parts": [{"text": text}]}} for text in TEXTS]},
        {"embeddings": [{"values": vector} for vector in VECTORS]},
    ),
    "vertex": (
        embed_gemini.PREDICT,
        {"instances": [{"content": text} for text in TEXTS]},
        {"predictions": [{"embeddings": {"values": vector, "statistics": {"token_count": 1}}} for vector in VECTORS]},
    ),
    "ollama": (embed_others.OLLAMA, {"model": "m", "input": TEXTS}, {"model": "m", "embeddings": VECTORS, "prompt_eval_count": 4}),
}


def vectors_in(name: str, answer: Any) -> list[list[float]]:
    if name in ("openai", "mistral", "voyage", "jina"):
        assert [row["index"] for row in answer["data"]] == list(range(len(answer["data"])))
        return [row["embedding"] for row in answer["data"]]
    if name.startswith("cohere"):
        held = answer["embeddings"]
        return held["float"] if isinstance(held, dict) else held
    if name == "gemini":
        return [row["values"] for row in answer["embeddings"]]
    if name == "vertex":
        return [row["embeddings"]["values"] for row in answer["predictions"]]
    return answer["embeddings"]


@pytest.mark.parametrize("target", SAID)
@pytest.mark.parametrize("client", SAID)
def test_every_form_is_answered_by_every_other(client: str, target: str) -> None:
    """
    The same texts reach every provider, and the same vectors come back in the client's words, in its order.
    """
    asked, body, _ = SAID[client]
    served, _, answer = SAID[target]

    done = cross(asked, served, body, answer, usage=Usage(uncached_input_tokens=4))

    assert done.status == 200 and done.verdict is not Verdict.IMPOSSIBLE
    assert vectors_in(client, done.answer) == VECTORS
    again = cross(served, served, done.sent, answer)  # what was sent is the target's own words
    assert vectors_in(target, again.answer) == VECTORS
    assert TEXTS[0] in repr(done.sent) and TEXTS[1] in repr(done.sent)


@pytest.mark.parametrize("name", SAID)
def test_own_words_go_back_with_nothing_but_the_model_changed(name: str) -> None:
    """
    To another model of the same form a request keeps every field, known or not.
    """
    form, body, _ = SAID[name]

    sent = send(form, form, {**body, "field_of_tomorrow": 1}, model="other").sent

    assert sent["field_of_tomorrow"] == 1
    assert {**sent, "model": None, "requests": None} == {**body, "field_of_tomorrow": 1, "model": None, "requests": None}
    if "model" in body:
        assert sent["model"] == "other"
    if name == "gemini":
        assert [row["model"] for row in sent["requests"]] == ["models/other", "models/other"]


def test_the_model_is_named_where_the_target_wants_it() -> None:
    """
    In the body, in every row, or in the path alone.
    """
    body = {"model": "m", "input": "harbour"}

    assert send(OPENAI, embed_gemini.BATCH, body, model="gemini-embedding-001").sent == {
        "requests": [{"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "harbour"}]}}]
    }
    assert send(OPENAI, embed_gemini.PREDICT, body).sent == {"instances": [{"content": "harbour"}]}
    assert send(OPENAI, embed_gemini.ONE, body).sent == {"content": {"parts": [{"text": "harbour"}]}}
    assert send(OPENAI, embed_others.OLLAMA, body).sent == {"model": "target-model", "input": "harbour"}
    assert send(OPENAI, embed_others.TITAN, body, model="amazon.titan-embed-text-v2:0").sent == {"inputText": "harbour"}


# -- numbers ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", SAID)
def test_base64_is_made_of_numbers(target: str) -> None:
    """
    OpenAI's SDK asks for base64 without being told to; a target that knows only numbers serves it all the same.
    """
    form, _, answer = SAID[target]

    done = cross(OPENAI, form, {"model": "m", "input": TEXTS, "encoding_format": "base64"}, answer)

    assert [row["embedding"] for row in done.answer["data"]] == CODED


def test_numbers_are_made_of_base64() -> None:
    """
    A target that answers in base64 serves a client that reads numbers.
    """
    coded = {"object": "list", "data": rows(CODED), "model": "m", "usage": {"total_tokens": 3}}

    done = cross(embed_others.OLLAMA, VOYAGE, {"model": "m", "input": TEXTS}, coded)

    assert done.answer["embeddings"] == VECTORS


def test_rows_are_put_in_the_order_of_the_inputs() -> None:
    """
    The index counts, not the place.
    """
    shuffled = {"object": "list", "data": rows(VECTORS)[::-1]}

    done = cross(embed_cohere.V2, OPENAI, {"model": "m", "texts": TEXTS, "input_type": "search_query"}, shuffled)

    assert done.answer["embeddings"]["float"] == VECTORS


def test_quantised_numbers_come_from_those_who_make_them() -> None:
    """
    int8 is asked of Voyage and Mistral by their names for it, and refused where nobody makes it.
    """
    body = {"model": "m", "texts": TEXTS, "input_type": "search_query", "embedding_types": ["int8"]}
    numbers = {"object": "list", "data": rows([[1, -2], [3, 4]])}

    voyage, mistral = cross(embed_cohere.V2, VOYAGE, body, numbers), cross(embed_cohere.V2, MISTRAL, body, numbers)

    assert voyage.sent["output_dtype"] == mistral.sent["output_dtype"] == "int8"
    assert voyage.answer["embeddings"] == mistral.answer["embeddings"] == {"int8": [[1, -2], [3, 4]]}
    for form in (OPENAI, embed_gemini.BATCH, embed_others.OLLAMA):
        assert send(embed_cohere.V2, form, body).lost["encoding_format"] == "impossible"


def test_several_kinds_at_once_are_coheres_alone() -> None:
    """
    Numbers and int8 in one call: another provider makes one kind, so it is none for this call. Numbers and base64 are the same numbers.
    """
    body = {"model": "m", "texts": TEXTS, "input_type": "search_query", "embedding_types": ["float", "int8"]}
    both = {"model": "m", "texts": TEXTS, "input_type": "search_query", "embedding_types": ["float", "base64"]}

    assert send(embed_cohere.V2, VOYAGE, body).verdict is Verdict.IMPOSSIBLE
    done = cross(embed_cohere.V2, OPENAI, both, SAID["openai"][2])
    assert done.answer["embeddings"] == {"float": VECTORS, "base64": CODED}


# -- purposes, lengths, limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "field", "word"),
    [
        (embed_cohere.V2, "input_type", "search_query"),
        (VOYAGE, "input_type", "query"),
        (JINA, "task", "retrieval.query"),
        (NVIDIA, "input_type", "query"),
    ],
    ids=["cohere", "voyage", "jina", "nvidia"],
)
def test_what_vectors_are_for_is_said_in_each_ones_words(form: Form, field: str, word: str) -> None:
    """
    Google's RETRIEVAL_QUERY is everybody's query.
    """
    body = {"content": {"parts": [{"text": "harbour"}]}, "taskType": "RETRIEVAL_QUERY"}

    done = send(embed_gemini.ONE, form, body)

    assert done.sent[field] == word and "input_type" not in done.lost


def test_a_purpose_nobody_else_knows_is_noted() -> None:
    """
    Dropped where there is none, changed where something near is said.
    """
    body = {"content": {"parts": [{"text": "harbour"}]}, "taskType": "FACT_VERIFICATION"}
    strange = {"content": {"parts": [{"text": "harbour"}]}, "taskType": "TASK_OF_TOMORROW"}

    assert send(embed_gemini.ONE, OPENAI, body).lost == {"input_type": "dropped"}
    near = send(embed_gemini.ONE, VOYAGE, body)
    assert near.sent["input_type"] == "query" and near.lost == {"input_type": "changed"}
    assert send(embed_gemini.ONE, OPENAI, strange).lost == {"input_type": "dropped"}


def test_a_target_that_must_be_told_a_purpose_is_told_and_it_is_noted() -> None:
    """
    OpenAI's clients never say what vectors are for; Cohere and NVIDIA refuse calls that do not.
    """
    body = {"model": "m", "input": "harbour"}

    cohere, nvidia = send(OPENAI, embed_cohere.V2, body), send(OPENAI, NVIDIA, body)

    assert cohere.sent["input_type"] == "search_document" and cohere.lost == {"input_type": "changed"}
    assert nvidia.sent["input_type"] == "passage" and nvidia.lost == {"input_type": "changed"}


@pytest.mark.parametrize(
    ("form", "model", "place"),
    [
        (MISTRAL, "m", ("output_dimension",)),
        (VOYAGE, "m", ("output_dimension",)),
        (JINA, "m", ("dimensions",)),
        (embed_cohere.V2, "m", ("output_dimension",)),
        (embed_cohere.BEDROCK, "m", ("output_dimension",)),
        (embed_gemini.BATCH, "m", ("requests", 0, "outputDimensionality")),
        (embed_gemini.PREDICT, "m", ("parameters", "outputDimensionality")),
        (embed_others.OLLAMA, "m", ("dimensions",)),
        (embed_others.TITAN, "amazon.titan-embed-text-v2:0", ("dimensions",)),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_the_length_of_vectors_is_asked_for(form: Form, model: str, place: tuple[Any, ...]) -> None:
    """
    Wherever it can be chosen, by the target's name for it.
    """
    found = send(OPENAI, form, {"model": "m", "input": "harbour", "dimensions": 256}, model=model).sent
    for step in place:
        found = found[step]

    assert found == 256


@pytest.mark.parametrize(
    ("form", "model"),
    [
        (embed_cohere.V1, "m"),
        (embed_cohere.V2, "embed-english-v3.0"),
        (embed_cohere.BEDROCK, "cohere.embed-english-v3"),
        (embed_others.TITAN, "amazon.titan-embed-text-v1"),
    ],
)
def test_a_length_that_cannot_be_chosen_makes_the_target_none(form: Form, model: str) -> None:
    """
    Vectors of another length do not fit into the client's index.
    """
    assert send(OPENAI, form, {"model": "m", "input": "x", "dimensions": 256}, model=model).lost["dimensions"] == "impossible"


def test_googles_shortened_vectors_are_told_of() -> None:
    """
    They are not of length one, as OpenAI's are.
    """
    done = send(OPENAI, embed_gemini.BATCH, {"model": "m", "input": "x", "dimensions": 256})

    assert done.lost == {"dimensions": "changed"}


@pytest.mark.parametrize(
    ("form", "model", "most"),
    [(embed_cohere.V2, "m", 96), (embed_gemini.BATCH, "m", 100), (embed_gemini.ONE, "m", 1), (embed_others.TITAN, "v2", 1)],
    ids=["cohere", "gemini", "vertex", "titan"],
)
def test_more_inputs_than_a_target_takes_make_it_none(form: Form, model: str, most: int) -> None:
    """
    Nothing is split into several calls, and nothing is left out.
    """
    assert "input" not in send(OPENAI, form, {"model": "m", "input": ["x"] * most}, model=model).lost
    assert send(OPENAI, form, {"model": "m", "input": ["x"] * (most + 1)}, model=model).lost["input"] == "impossible"


def test_tokens_are_of_one_vocabulary() -> None:
    """
    Token ids go to OpenAI's form alone, one list or many.
    """
    for given in ([1, 2, 3], [[1, 2], [3]]):
        body = {"model": "m", "input": given}

        assert send(OPENAI, OPENAI, body).sent["input"] == given
        for form in (embed_cohere.V2, embed_gemini.BATCH, embed_others.OLLAMA, VOYAGE, embed_others.TITAN, embed_gemini.PREDICT):
            assert send(OPENAI, form, body).lost["input.tokens"] == "impossible"


def test_pictures_go_where_they_are_seen() -> None:
    """
    Cohere's, Jina's and Google's multimodal inputs are one another's; forms of text alone are no target.
    """
    url = "data:image/png;base64,iVBORw0KGgo="
    body = {
        "model": "m",
        "input_type": "image",
        "inputs": [{"content": [{"type": "text", "text": "a boat"}, {"type": "image_url", "image_url": {"url": url}}]}],
    }

    gemini = send(embed_cohere.V2, embed_gemini.BATCH, body)

    assert gemini.sent["requests"][0]["content"]["parts"] == [
        {"text": "a boat"},
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
    ]
    assert send(embed_gemini.BATCH, embed_cohere.V2, gemini.sent).sent["inputs"] == body["inputs"]
    assert send(JINA, embed_gemini.BATCH, {"model": "m", "input": [{"image": url}]}).verdict is Verdict.EXACT
    assert send(embed_cohere.V2, OPENAI, body).verdict is Verdict.IMPOSSIBLE


def test_inputs_with_settings_of_their_own_cannot_share_a_call() -> None:
    """
    Google has them at every input; nobody else does.
    """
    rows_ = [
        {"model": "models/m", "content": {"parts": [{"text": "a"}]}, "taskType": "RETRIEVAL_QUERY"},
        {"model": "models/m", "content": {"parts": [{"text": "b"}]}, "taskType": "RETRIEVAL_DOCUMENT"},
    ]

    assert send(embed_gemini.BATCH, embed_cohere.V2, {"requests": rows_}).lost["requests"] == "impossible"


@pytest.mark.parametrize(
    ("form", "where", "value"),
    [
        (embed_cohere.V2, "truncate", "NONE"),
        (VOYAGE, "truncation", False),
        (JINA, "truncate", False),
        (NVIDIA, "truncate", "NONE"),
    ],
    ids=["cohere", "voyage", "jina", "nvidia"],
)
def test_a_client_that_wants_an_error_for_long_inputs_gets_one(form: Form, where: str, value: Any) -> None:
    """
    Ollama's `truncate: false` is said to whoever can be told, and noted where nobody can.
    """
    body = {"model": "m", "input": "x", "truncate": False}

    assert send(embed_others.OLLAMA, form, body).sent[where] == value
    assert send(embed_others.OLLAMA, OPENAI, body).lost == {"truncate": "dropped"}


def test_nothing_is_lost_in_silence() -> None:
    """
    Fields a target has no word for are noted by their names; those nobody knows without theirs, for a name may be anything.
    """
    body = {"model": "m", "input": "x", "user": "u", "secret-name": 1}

    assert send(OPENAI, embed_gemini.BATCH, body).lost == {"user": "dropped", "unknown": "dropped"}
    assert send(embed_others.OLLAMA, OPENAI, {"model": "m", "input": "x", "keep_alive": 5}).lost == {"keep_alive": "dropped"}
    assert send(JINA, OPENAI, {"model": "m", "input": ["x"], "late_chunking": True}).lost == {"late_chunking": "impossible"}


# -- answers ---------------------------------------------------------------------------------------------------------------------------


def test_usage_is_written_as_the_client_reads_it() -> None:
    """
    Each form has its own words for the tokens.
    """
    usage = Usage(uncached_input_tokens=7)
    served, _, answer = SAID["gemini"]

    def told(name: str) -> Any:
        return cross(SAID[name][0], served, SAID[name][1], answer, usage=usage).answer

    assert told("openai")["usage"] == {"prompt_tokens": 7, "total_tokens": 7}
    assert told("voyage")["usage"] == {"total_tokens": 7}
    assert told("cohere v2")["meta"]["billed_units"] == {"input_tokens": 7}
    assert told("ollama")["prompt_eval_count"] == 7
    assert cross(embed_gemini.BATCH, OPENAI, SAID["gemini"][1], SAID["openai"][2], usage=usage).answer["usageMetadata"] == {
        "promptTokenCount": 7,
        "totalTokenCount": 7,
    }


def test_usage_that_stands_in_headers_counts() -> None:
    """
    Bedrock says what Cohere's models read nowhere else.
    """
    headers = ((b"X-Amzn-Bedrock-Input-Token-Count", b"9"),)
    body = {"model": "m", "input": TEXTS}

    done = cross(OPENAI, embed_cohere.BEDROCK, body, {"embeddings": {"float": VECTORS}}, headers=headers)

    assert done.answer["usage"]["prompt_tokens"] == 9
    assert "model" not in done.sent


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        {"data": None},
        {"data": [{"index": 0, "embedding": 5}]},
        {"data": rows(VECTORS)[1:]},
        {"data": rows([VECTORS[0]])},
        {"data": rows(["not base64!", CODED[1]])},
        {"data": [{"index": 0, "embedding": VECTORS[0]}, {"index": 0, "embedding": VECTORS[1]}]},
    ],
)
def test_an_answer_without_the_vectors_is_an_error(answer: Any) -> None:
    """
    What is missing is never filled in.
    """
    done = cross(embed_others.OLLAMA, OPENAI, {"model": "m", "input": TEXTS}, answer)

    assert done.status >= 500 and "cannot be read" in done.answer["error"]


@pytest.mark.parametrize("client", SAID)
def test_a_providers_error_is_told_in_the_clients_words(client: str) -> None:
    """
    A limit is a limit everywhere.
    """
    error = {"error": {"message": "Slow down.", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}

    done = cross(SAID[client][0], OPENAI, SAID[client][1], error, status=429)

    assert done.status == 429 and "Slow down." in repr(done.answer)


@pytest.mark.parametrize(
    ("form", "body", "place"),
    [
        (OPENAI, {"model": "m"}, "input"),
        (OPENAI, {"model": "m", "input": []}, "input"),
        (OPENAI, {"model": "m", "input": [{}]}, "input[0]"),
        (OPENAI, {"model": 5, "input": "x"}, "model"),
        (OPENAI, {"model": "m", "input": ["x"], "dimensions": "many"}, "dimensions"),
        (embed_cohere.V2, {"model": "m"}, "texts"),
        (embed_cohere.V2, {"model": "m", "inputs": [{"content": [{"type": "audio"}]}]}, "inputs[0].content[0]"),
        (embed_gemini.BATCH, {"requests": [{"content": {}}]}, "requests[0].content"),
        (embed_gemini.ONE, {"content": {"parts": [{"executableCode": {}}]}}, "content.parts[0]"),
        (embed_gemini.PREDICT, {"instances": [{"image": {}}]}, "instances"),
        (embed_others.OLLAMA, {"model": "m", "input": [5]}, "input[0]"),
    ],
)
def test_a_request_that_is_none_is_refused_with_its_place(form: Form, body: Any, place: str) -> None:
    """
    And without a byte of what stands there.
    """
    with pytest.raises(BadRequest) as error:
        send(form, OPENAI if form is not OPENAI else embed_cohere.V2, body)

    assert str(error.value).startswith(place)


def test_bedrocks_bodies_are_no_clients_words() -> None:
    """
    Nobody is answered in a form that is only for targets.
    """
    assert pairs(OPENAI, embed_others.TITAN) and not pairs(embed_others.TITAN, OPENAI)
