"""
The meter over whole answers: hand-made streams and documents with what they are worth, and what happens when they break.
"""

from __future__ import annotations

import json
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from excise.exchange import Call, Prompt
from excise.wire.answer import AnswerDecoder
from excise.wire.meter import Meter, Metering
from excise.wire.usage import Usage

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "usage"
CASES = sorted(FIXTURES.glob("*/*.expect.json"))  # <dialect>/<case>.expect.json beside <case>.sse, .ndjson or .json
CONTENT_TYPES = {".sse": "text/event-stream", ".ndjson": "application/x-ndjson", ".json": "application/json"}


def prompt_of(request: Any) -> Prompt | None:
    return None if request is None else Prompt(body=b"", json=request, model=request.get("model"), stream=True)


def metered(dialect: str, expected: dict[str, Any], content_type: str, pieces: list[bytes]) -> Metering:
    decoder = AnswerDecoder(
        content_type=content_type, content_encoding=None, dialect=dialect, operation=expected["operation"], limit=1 << 20
    )
    call = Call(provider=expected["provider"], operation=expected["operation"], dialect=dialect, model_at="body")
    meter = Meter(call, prompt_of(expected.get("request")))
    for frame in [frame for piece in pieces for frame in decoder.feed(piece)] + decoder.close():
        meter.observe(frame)
    return meter.finish(status=200, headers=(), complete=expected["complete"])


def known(usage: Usage) -> dict[str, Any]:
    """
    What is not `None`, as the fixtures write it.
    """
    values = {field.name: getattr(usage, field.name) for field in fields(usage)}
    return {name: format(value, "f") if isinstance(value, Decimal) else value for name, value in values.items() if value is not None}


def case_body(case: Path) -> tuple[Path, bytes]:
    stem = case.name.removesuffix(".expect.json")
    body = next(path for path in case.parent.glob(f"{stem}.*") if path.suffix in CONTENT_TYPES and path != case)
    return body, body.read_bytes()


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}-{path.name.removesuffix('.expect.json')}")
def test_an_answer_is_metered_by_its_rule(case):
    """
    Each fixture's `rule` holds, and holds wherever the network cuts the answer: in two at every byte, and byte by byte.
    """
    expected = json.loads(case.read_text("utf-8"))
    path, body = case_body(case)
    dialect, content_type = case.parent.name, CONTENT_TYPES[path.suffix]

    whole = metered(dialect, expected, content_type, [body])

    assert known(whole.usage) == expected["usage"], expected["rule"]
    assert whole.source == expected["source"], expected["rule"]
    assert [[model, known(usage)] for model, usage in whole.extras] == expected.get("extras", [])
    for name in ("model", "response_id", "service_tier", "error_type", "broken_reason"):
        assert getattr(whole, name) == expected[name], name
    assert list(whole.finish_reasons) == expected["finish_reasons"]
    for at in range(len(body)):
        assert metered(dialect, expected, content_type, [body[:at], body[at:]]) == whole, at
    assert metered(dialect, expected, content_type, [body[at : at + 1] for at in range(len(body))]) == whole
