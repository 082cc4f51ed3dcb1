"""
A client that waits for a slow provider is told that its call goes on, in its own dialect.
"""

from __future__ import annotations

import asyncio

import pytest
from house import house

from e2e import unified
from e2e.ways import PROXIES
from excise.proxy import http_stream
from excise.proxy.answer_tap import AnswerTap
from excise.standin import Script
from excise.standin.script import Gate

SIGNS = 4
SAID = "The harbour keeps seven lanterns lit."
POLICY = """\
version: 1
providers:
- {provider: openai, key: env:HOUSE_KEY}
- {provider: anthropic, key: env:HOUSE_KEY}
default: allow
"""
SIGN = {
    "openai-chat": b": excise\n\n",
    "openai-responses": b": ping\n\n",
    "anthropic-messages": b'event: ping\ndata: {"type":"ping"}\n\n',
    "gemini": b"\r\n",
    "mistral-chat": b": excise\n\n",
    "cohere-v2": b": ping\n\n",
    "ollama": b'"message":{"role":"assistant","content":""},"done":false}\n',
}


@pytest.mark.parametrize("client", SIGN)
async def test_sdks_wait_for_a_silent_provider(client: str, tmp_path, monkeypatch):
    """
    The provider's stream stands still after its first piece. Signs of life go out meanwhile, and the official SDK reads the answer as if
    there had been none. (Bedrock's framing has no sign.)
    """
    monkeypatch.setattr(http_stream, "PING_SECONDS", 0.03)
    monkeypatch.setenv("HOUSE_KEY", unified.PROVIDER_KEY)
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    signs: list[bytes] = []
    asked = asyncio.Event()
    ping = AnswerTap.ping

    def counted(tap: AnswerTap) -> bytes:
        signs.append(ping(tap))
        if len(signs) > SIGNS:
            asked.set()
        return signs[-1]

    monkeypatch.setattr(AnswerTap, "ping", counted)
    model = "openai/gpt-4o-mini" if client == "anthropic-messages" else "anthropic/claude-haiku-4-5"
    async with house(tmp_path, policy=POLICY) as at:
        _, key = at.worker._parts.keys.create(name="waiter")
        gate = Gate()
        at.standin.script(Script(gate=gate))
        ask, reasons = unified.CLIENTS[client]
        call = asyncio.create_task(asyncio.to_thread(ask, f"http://127.0.0.1:{at.port}", key, model, f"echo: {SAID}", True))
        try:
            await asyncio.wait_for(asked.wait(), 10)
        finally:
            gate.open(1000)
        turn = await call
        assert not at.shared.guard.faults

    assert (turn.text, turn.reason in reasons) == (SAID, True)
    sent = [sign for sign in signs if sign]
    assert len(sent) >= SIGNS - 1
    assert all(sign.endswith(SIGN[client]) for sign in sent)
