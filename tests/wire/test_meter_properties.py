"""
Whatever JSON an upstream sends, the meter finishes, says no negative number, and keeps no prose.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from excise.exchange import Call, Prompt
from excise.wire.frame import Frame
from excise.wire.meter import _READERS, Meter
from excise.wire.usage import Usage, UsageSource

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "usage"
DIALECTS = sorted({*_READERS, "bedrock-invoke", "rerank", "cloudflare-run", "unknown"})
SECRET = "this is prose that must not be kept"


def shapes() -> list[Any]:
    """
    Every JSON value of every fixture.
    """
    found = []
    for path in sorted(FIXTURES.glob("*/*")):
        text = path.read_text("utf-8")
        if path.suffix == ".json" and not path.name.endswith(".expect.json"):
            found.append(json.loads(text))
        for line in text.splitlines() if path.suffix in (".sse", ".ndjson") else ():
            data = line.removeprefix("data:").strip()
            if data.startswith("{"):
                found.append(json.loads(data))
    return found


SHAPES = shapes()
ODD = [
    None,
    True,
    False,
    0,
    -1,
    -(10**15),
    10**25,
    1.5,
    -0.0,
    1e300,
    "",
    "x",
    SECRET,
    "12",
    [],
    [[]],
    {},
    {"usage": []},
    [None],
    {"a": {"b": -3}},
]


def mutated(value: Any, random: Random, chance: float) -> Any:
    if random.random() < chance:
        return random.choice(ODD)
    if isinstance(value, dict):
        return {key: mutated(item, random, chance) for key, item in value.items() if random.random() > chance / 2}
    if isinstance(value, list):
        return [mutated(item, random, chance) for item in value] * random.choice((1, 1, 1, 2))
    return value


def words(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [word for item in value.values() for word in words(item)]
    if isinstance(value, list):
        return [word for item in value for word in words(item)]
    return [value] if isinstance(value, str) else []


def check(usage: Usage) -> None:
    for field in fields(usage):
        value = getattr(usage, field.name)
        assert value is None or value >= 0, field.name


@settings(max_examples=300, deadline=None)
@given(st.integers(min_value=0, max_value=2**32), st.sampled_from(DIALECTS), st.sampled_from([0.02, 0.1, 0.4]))
def test_no_shape_of_json_makes_the_meter_raise(seed, dialect, chance):
    """
    Integers for names, lists for objects, text for numbers, negatives, absurd sizes, anything missing: never an exception.
    """
    random = Random(seed)
    provider = random.choice(["xai", "azure-ai", "mistral", "gemini", "perplexity", "openrouter", "bedrock", "anthropic", "minimax"])
    operation = random.choice(["chat", "embeddings", "images", "speech", "transcription", "responses", "responses_manage", "rerank"])
    request = mutated(
        {"model": "gpt-4o", "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}], "tools": [{}]}, random, chance
    )
    prompt = Prompt(body=b"", json=request, model="gpt-4o", stream=True)
    meter = Meter(Call(provider=provider, operation=operation, dialect=dialect, model_at="body"), prompt)
    for shape in random.sample(SHAPES, 8):
        data = json.dumps(mutated(shape, random, chance)).encode()
        data = data[: random.choice((len(data), len(data), random.randrange(len(data) + 1)))]
        event = random.choice([None, "chunk", "metadata", "contentBlockDelta", "x", "internalServerException"])
        assert isinstance(meter.observe(Frame(data, event, data or None)), bool)

    got = meter.finish(status=random.choice((200, 200, 429, 500)), headers=((b"x-prompt-tokens", b"-4"),), complete=random.random() < 0.5)

    check(got.usage)
    for _, extra in got.extras:
        check(extra)
    assert got.usage.said or got.source is UsageSource.UNKNOWN
    assert SECRET not in words(got.raw)
    assert json.loads(json.dumps(got.raw)) == got.raw
    assert SECRET not in (got.model, got.response_id, got.service_tier, got.error_type, got.broken_reason, *got.finish_reasons)


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["usage", "choices", "message", "delta", "error", "type", "candidates", "meta", "results", "content"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    ),
    st.sampled_from(DIALECTS),
)
def test_no_nesting_of_known_names_makes_the_meter_raise(value, dialect):
    """
    Known names in unknown places, in any nesting.
    """
    data = json.dumps(value).encode()
    meter = Meter(Call(provider="openai", operation="chat", dialect=dialect, model_at="body"), None)
    meter.observe(Frame(data, None, data))

    check(meter.finish(status=200, headers=(), complete=True).usage)
