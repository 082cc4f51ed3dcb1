"""
Estimates before and without an answer's usage.
"""

from __future__ import annotations

import base64
from statistics import median
from typing import Any

import pytest

from excise.exchange import Prompt
from excise.wire.estimate import estimate_input_tokens, estimate_output_tokens, estimate_request, family_of
from excise.wire.frame import Frame
from recordings import records, request_body, require_recordings


def prompt(body: Any) -> Prompt:
    return Prompt(body=b"", json=body, model=body.get("model") if isinstance(body, dict) else None, stream=False)


PICTURE = base64.b64encode(bytes(range(256)) * 40).decode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"messages": [{"role": "user", "content": "Hello"}]}, (5, 0)),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "Hello"}, {"type": "image_url", "image_url": {"url": PICTURE}}]}
                ]
            },
            (5, 0),
        ),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "Hé"}]}], "instructions": "Be."}, (6, 0)),
        ({"system": [{"text": "Hi"}], "messages": [{"role": "user", "content": [{"text": "Hello"}]}]}, (7, 0)),
        (
            {"contents": [{"role": "user", "parts": [{"text": "Hello"}, {"inlineData": {"mimeType": "image/png", "data": PICTURE}}]}]},
            (5, 0),
        ),
        ({"messages": [{"role": "user", "content": "data:image/png;base64," + PICTURE}]}, (0, 0)),
        ({"messages": [{"role": "user", "content": PICTURE}]}, (0, 0)),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"city": "Rome"}}]}]},
            (5, 0),
        ),
        ({"prompt": "Hello", "temperature": 1, "user": "somebody"}, (5, 0)),
        ({"requests": [{"content": {"parts": [{"text": "Hello"}]}}]}, (5, 0)),
        ({"messages": [{"content": "Hi"}], "tools": [{"name": "f"}]}, (2, 14)),
        ({"model": "m"}, (0, 0)),
        ([1, 2], (0, 0)),
        (None, (0, 0)),
    ],
)
def test_text_counts_and_base64_does_not(body, expected):
    """
    Bytes of what the model reads, in every dialect; media, identifiers and parameters are none.
    """
    assert estimate_request(prompt(body)) == expected


def test_media_count_by_the_piece():
    """
    A picture costs what its family charges for one, whatever its length in base64.
    """

    def tokens(*parts: Any, model: str) -> int:
        estimate = estimate_input_tokens(prompt({"model": model, "messages": [{"role": "user", "content": list(parts)}]}), model)
        assert estimate is not None
        return estimate

    small, large = ({"type": "image", "source": {"type": "base64", "data": PICTURE * size}} for size in (1, 50))

    assert tokens(small, model="claude-x") == tokens(large, model="claude-x") == 1604
    assert tokens({"type": "image_url", "image_url": {"url": "u"}}, model="gpt-4o") == 772


def test_other_scripts_have_a_slope_of_their_own():
    """
    A hundred bytes of Chinese are more tokens than a hundred of English, and far fewer than its characters times four.
    """
    english = estimate_output_tokens(99, 0, "gpt-4o")
    chinese = estimate_output_tokens(0, 99, "gpt-4o")

    assert (english, chinese) == (22, 36)


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-4o-mini", "gpt"),
        ("o3-mini", "gpt"),
        ("openai/o1", "gpt"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude"),
        ("models/gemini-2.5-flash", "gemini"),
        ("deepseek-r1-distill-qwen-32b", "deepseek"),
        ("Qwen/Qwen3-32B", "qwen"),
        ("amazon.nova-micro-v1:0", "nova"),
        ("grok-4-fast", "grok"),
        ("accounts/x/models/kimi-k2", "kimi"),
        ("foo1", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_models_name_tells_its_family(model, family):
    """
    In any provider's spelling; short names only at the beginning.
    """
    assert family_of(model).name == family


def test_hidden_prompts_are_part_of_the_estimate():
    """
    Tools cost Claude some 413 tokens before their first byte; Grok 4 hides 680.
    """
    bare = {"messages": [{"role": "user", "content": "Hi"}]}
    tools = {**bare, "tools": [{"name": "f"}]}

    def tokens(body: Any, model: str) -> int:
        return estimate_input_tokens(prompt(body), model) or 0

    assert tokens(tools, "claude-x") - tokens(bare, "claude-x") == pytest.approx(413, abs=6)
    assert tokens(bare, "grok-4") - tokens(bare, "grok-4-fast") == 520


def test_token_numbers_count_as_tokens():
    """
    A prompt may be sent as token numbers.
    """
    assert estimate_input_tokens(prompt({"input": [[1, 2, 3], [4, 5]]}), "text-embedding-3-small") == pytest.approx(5, abs=14)


@require_recordings
def test_estimates_are_of_the_right_size():
    """
    Over recorded text requests of 100 tokens or more the median is within a quarter of the bill, nine in ten within a factor of 4.
    """
    ratios = []
    for record in records():
        usage = (record["meta"]["usage_raw"] or {}).get("usage") or {}
        true = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        if not isinstance(true, int) or true < 100 or {"image_in", "document_in", "audio_in"} & set(record["meta"]["features"]):
            continue
        body = request_body(record)
        estimate = estimate_input_tokens(prompt(Frame(body, None, body).json), record["meta"]["model"])
        if estimate is not None:
            ratios.append(estimate / true)

    assert len(ratios) > 100
    assert 0.75 <= median(ratios) <= 1.25
    assert sum(0.25 <= ratio <= 4 for ratio in ratios) >= 0.9 * len(ratios)


def test_measuring_is_bounded_and_survives_any_shape():
    """
    Deep nesting and odd values cost bounded work and raise nothing.
    """
    deep: Any = "x"
    for _ in range(50_000):
        deep = [deep]

    assert estimate_input_tokens(prompt({"messages": deep}), "m") is not None
    assert estimate_input_tokens(prompt({"messages": {"a": [None, True, 1.5]}, "tools": [10**30]}), "m") is not None
    assert estimate_input_tokens(prompt({"messages": "x", "tools": deep}), "m") is not None
