"""
What is billed beside an answer's own usage.
"""

from __future__ import annotations

import json

import pytest

from excise.exchange import Call
from excise.wire.frame import Frame
from excise.wire.meter import Meter


def metered(provider: str, completion: int, reasoning: int):
    usage = {"prompt_tokens": 10, "completion_tokens": completion, "total_tokens": 10 + completion}
    usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    body = {"id": "c-1", "object": "chat.completion", "model": "openai/gpt-5", "choices": [{"finish_reason": "stop"}], "usage": usage}
    meter = Meter(Call(provider, "chat", "openai-chat", "body"), None)
    raw = json.dumps(body).encode()
    meter.observe(Frame(raw=raw, event=None, data=raw))
    return meter.finish(status=200, headers=(), complete=True)


@pytest.mark.parametrize(("provider", "completion", "again"), [("vercel-gateway", 30, 20), ("vercel-gateway", 5, 0), ("openai", 30, 0)])
def test_vercel_charges_reasoning_beside_the_completion(provider, completion, again):
    """
    Also where the completion includes it, its gateway's bills hold the reasoning a second time; where it stands apart, and elsewhere, once.
    """
    got = metered(provider, completion, 20)

    assert got.usage.reasoning_tokens == 20
    assert sum(usage.reasoning_tokens or 0 for _, usage in got.extras) == again
