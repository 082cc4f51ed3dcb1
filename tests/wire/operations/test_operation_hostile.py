"""
Whatever clients and providers send: a request that is none is refused, an answer that is none is an error, and nothing else is raised.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from operation_calls import cross, send
from test_operation_counts import SAID as COUNTS
from test_operation_embeddings import SAID as EMBEDDINGS
from test_operation_images import ASKED as PICTURE
from test_operation_images import GEMINI, IMAGEN
from test_operation_moderation import MISTRALS, OPENAIS
from test_operation_rerank import SAID as RERANK

from excise.errors import BadRequest
from excise.wire.operations import embed_cohere, embed_others, images, moderation, rerank
from excise.wire.operations.form import Form

# Form, a request in its words, an answer in its words; one list an operation.
OPERATIONS: dict[str, list[tuple[Form, Any, Any]]] = {
    "embeddings": list(EMBEDDINGS.values()),
    "count_tokens": list(COUNTS.values()),
    "rerank": list(RERANK.values()),
    "moderation": [
        (moderation.OPENAI, {"model": "m", "input": ["x"]}, OPENAIS),
        (moderation.MISTRAL, {"model": "m", "input": "x"}, MISTRALS),
    ],
    "images": [
        (images.OPENAI, {**PICTURE, "n": 1, "size": "512x512"}, {"created": 1, "data": [{"b64_json": "eA=="}]}),
        (images.IMAGEN, {"instances": [{"prompt": "x"}], "parameters": {"aspectRatio": "1:1"}}, IMAGEN),
    ],
}
ONLY_TARGETS = {
    "embeddings": [
        (embed_others.TITAN, {"embedding": [0.5], "inputTextTokenCount": 1}),
        (embed_cohere.BEDROCK, {"embeddings": {"float": [[0.5]]}}),
    ],
    "rerank": [(rerank.BEDROCK, {"results": [{"index": 0, "relevance_score": 0.5}]})],
    "images": [(images.GEMINI, GEMINI)],
}
VALUES = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        1e308,
        2**70,
        "",
        "x",
        "\ud800",
        [],
        {},
        [[]],
        [None],
        {"a": []},
        ["x"],
        [1],
        {"type": "text"},
        "data:,",
        "0x0",
    ]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def mutated(value: Any, data: st.DataObject) -> Any:
    """
    The JSON with one value replaced by another.
    """
    where = data.draw(st.sampled_from(list(places(value))))
    made = deepcopy(value)
    node = made
    for step in where[:-1]:
        node = node[step]
    node[where[-1]] = data.draw(VALUES)
    return made


@pytest.mark.parametrize("operation", OPERATIONS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(data=st.data())
def test_a_request_is_translated_or_refused(operation: str, data: st.DataObject) -> None:
    """
    One value of it is anything at all.
    """
    client, body, _ = data.draw(st.sampled_from(OPERATIONS[operation]))
    targets = [form for form, *_ in [*OPERATIONS[operation], *ONLY_TARGETS.get(operation, [])]]
    target = data.draw(st.sampled_from(targets))

    try:
        send(client, target, mutated(body, data))
    except BadRequest as refusal:
        assert "\ud800" not in str(refusal)


@pytest.mark.parametrize("operation", OPERATIONS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(data=st.data())
def test_an_answer_is_translated_or_an_error(operation: str, data: st.DataObject) -> None:
    """
    One value of it is anything at all.
    """
    client, body, _ = data.draw(st.sampled_from(OPERATIONS[operation]))
    served = data.draw(st.sampled_from([(form, answer) for form, _, answer in OPERATIONS[operation]] + ONLY_TARGETS.get(operation, [])))

    done = cross(client, served[0], body, mutated(served[1], data))

    assert done.status == 200 or done.status >= 400
    assert isinstance(done.answer, dict)
