"""
Whatever is sent, the stand-in answers, and in the provider's shape.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standin.asking import PERSON, PIXEL, WAYS, Way
from standin.refusing import history

MORE: dict[str, dict[str, Any]] = {
    "openai-chat": {"stop": ["END"], "n": 2, "logprobs": True, "response_format": {"type": "json_object"}, "stream_options": None},
    "openai-responses": {"reasoning": {"effort": "high", "summary": "auto"}, "text": {"format": {"type": "text"}}, "store": False},
    "anthropic": {
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "thinking": {"type": "disabled"},
        "output_config": {"format": {"type": "json_schema", "schema": PERSON}},
    },
    "gemini": {"generationConfig": {"thinkingConfig": {"includeThoughts": True}, "stopSequences": ["END"]}, "toolConfig": {}},
    "bedrock-claude": {
        "system": [{"text": "s"}],
        "additionalModelRequestFields": {"thinking": {"type": "disabled"}, "top_k": 5},
        "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(PERSON)}}}},
    },
    "mistral": {"response_format": {"type": "json_schema", "json_schema": {"name": "p", "schema": PERSON}}, "tool_choice": "auto"},
    "ollama": {"format": PERSON, "options": {"stop": ["END"]}},
}
ODD = [None, True, -1, 0, 1.5, 1e300, "", " ", "\ud800", "{}", f"data:image/png;base64,{PIXEL}", [], {}, [[]], [{}], {"type": "x"}]
JUNK = st.one_of(
    st.sampled_from(ODD),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "id", "name", "properties"]), inner),
        max_leaves=6,
    ),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield from places(part, (*path, name))


def replaced(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    if not path:
        return junk
    changed = copy.deepcopy(value)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = junk
    return changed


BODIES = {name: {**history(name), **MORE.get(name, {})} for name in WAYS}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@given(data=st.data())
def test_any_value_anywhere_is_answered(way: Way, data: st.DataObject) -> None:
    """
    A value of the wrong kind, at any place of a full request, gets an answer or a refusal, never nothing.
    """
    body = BODIES[way.name]
    changed = replaced(body, data.draw(st.sampled_from(list(places(body)))), data.draw(JUNK))
    got = way.send(changed if isinstance(changed, dict) else body)

    assert got.status in (200, 400, 403, 404, 422, 500)
    assert got.data
    assert (got.bill is None) == (got.status != 200)
