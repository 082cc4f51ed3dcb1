"""
The sentence about placeholders: where it goes in each dialect, and nowhere else.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from excise.privacy.instruction import SENTENCE, telling
from excise.wire.json_edit import apply

TEXT = {"type": "text", "text": SENTENCE}
USER = {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    ("dialect", "body", "told"),
    [
        ("openai-chat", {"messages": [USER]}, {"messages": [{"role": "system", "content": SENTENCE}, USER]}),
        (
            "cohere",
            {"messages": [{"role": "system", "content": "Be brief."}, USER]},
            {"messages": [{"role": "system", "content": f"Be brief.\n\n{SENTENCE}"}, USER]},
        ),
        (
            "openai-chat",
            {"messages": [{"role": "developer", "content": [{"type": "text", "text": "a"}]}]},
            {"messages": [{"role": "developer", "content": [{"type": "text", "text": "a"}, TEXT]}]},
        ),
        ("openai-responses", {"input": "x"}, {"input": "x", "instructions": SENTENCE}),
        ("anthropic-messages", {"messages": [USER], "system": "a"}, {"messages": [USER], "system": f"a\n\n{SENTENCE}"}),
        ("anthropic-messages", {"messages": [USER]}, {"messages": [USER], "system": [TEXT]}),
        (
            "bedrock-converse",
            {"messages": [USER], "system": [{"text": "a"}]},
            {"messages": [USER], "system": [{"text": "a"}, {"text": SENTENCE}]},
        ),
        ("gemini", {"contents": []}, {"contents": [], "systemInstruction": {"parts": [{"text": SENTENCE}]}}),
        (
            "gemini",
            {"contents": [], "system_instruction": {"parts": [{"text": "a"}]}},
            {"contents": [], "system_instruction": {"parts": [{"text": "a"}, {"text": SENTENCE}]}},
        ),
        ("openai-embeddings", {"input": "x"}, {"input": "x"}),
        ("openai-chat", {"input": "x"}, {"input": "x"}),
    ],
)
def test_the_model_is_told_once_and_in_its_place(dialect: str, body: dict[str, Any], told: dict[str, Any]) -> None:
    """
    In the system text, after what stands there; a second time nothing changes.
    """
    raw = orjson.dumps(body)
    changed, value = apply(raw, body, telling(dialect, body))

    assert orjson.loads(changed) == value == told
    assert apply(changed, value, telling(dialect, value)) == (changed, value)
