"""
Recorded calls of these operations: requests are read, answers are read and written in every other form.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest
from operation_calls import cross, reads, send
from test_operation_hostile import OPERATIONS

from excise.catalog.providers import Catalog
from excise.errors import BadRequest
from excise.exchange import Call
from excise.wire.operations.form import Form
from excise.wire.operations.registry import OPERATIONS as SERVED
from excise.wire.operations.registry import asked_in, form_of, operation_of
from excise.wire.upstream_error import Fault
from recordings import records, request_body, require_recordings, response_body

CATALOG = Catalog.load()


def recorded() -> list[tuple[str, Call, str, str, int, Any, Any]]:
    """
    Id, call, operation, path, status, request and answer.
    """
    found = []
    for record in records():
        url = str(record["request"].get("url") or "")
        host, _, path = url.partition("://")[2].partition("/")
        call = CATALOG.recognise(host=host.partition(":")[0], method=record["request"]["method"], path=f"/{path}")
        if call is None or call.operation not in SERVED | {"predict", "invoke"}:
            continue
        try:
            body, answer = orjson.loads(request_body(record)), orjson.loads(response_body(record))
        except orjson.JSONDecodeError:
            continue
        found.append((record["id"], call, operation_of(call, body), f"/{path}", record["response"]["status"], body, answer))
    return found


RECORDED = recorded()


@require_recordings
def test_there_are_recordings_of_the_operations() -> None:
    """
    Else what follows proves nothing.
    """
    seen = Counter(operation for _, _, operation, _, status, *_ in RECORDED if status == 200)

    assert {"embeddings", "count_tokens", "rerank"} <= seen.keys(), seen


@require_recordings
@pytest.mark.parametrize("case", RECORDED, ids=[case[0] for case in RECORDED])
def test_what_was_recorded_is_read(case: tuple[str, Call, str, str, int, Any, Any]) -> None:
    """
    A request that a provider answered is read and goes back as it came; its answer is read, and told in every form of the operation.
    """
    _, call, operation, path, status, body, answer = case
    form: Form | None = form_of(operation, call, path) if operation in SERVED else None
    if form is None:  # Bedrock's bodies: only answers are read
        for kind in ("embeddings", "rerank"):
            served = asked_in(kind, call, path, call.model or "")
            if served is not None and served.verbs is not None and status == 200:
                assert not isinstance(reads(served, answer), Fault)
        return
    if form.verbs is None or not isinstance(body, dict):
        return
    asked = call.model or body.get("model") or "model"
    try:
        own = send(form, form, body, asked=asked, model=asked)
    except BadRequest:
        assert status >= 400 or "invokeModel" in body.get("input", ())
        return
    assert own.losses == () and {key: value for key, value in own.sent.items() if key != "model"} == {
        key: value for key, value in body.items() if key != "model"
    }
    if status != 200:
        assert cross(form, form, body, answer, asked=asked, status=status).status >= 400
        return
    assert isinstance(reads(form, answer), Fault) == (body.get("response_format") == "url")  # links, which are no pictures
    for client, theirs, _ in OPERATIONS.get(operation, []):
        # Of another number of inputs, mostly: an answer of vectors or judgements for others than were asked for is an error.
        assert cross(client, form, theirs, answer).status in (200, *range(500, 600))
