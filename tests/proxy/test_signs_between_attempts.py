"""
Signs of life and clocks, where one call has several attempts and one client several connections.
"""

from __future__ import annotations

import pytest
from house import CHAT, house, post, read_answer

from e2e import unified
from excise.proxy import http_stream
from excise.standin.script import Script

SAID = "one two three four five six seven eight nine"
POLICY = """\
version: 1
providers:
- {provider: openai, key: env:HOUSE_KEY}
- {provider: anthropic, key: env:HOUSE_KEY}
aliases:
  both: {to: [openai/gpt-4o-mini, anthropic/claude-haiku-4-5], failover: {idle_seconds: 0.6, retries: 0}}
default: allow
"""


def asked(model: str) -> dict[str, object]:
    return {"model": model, "max_tokens": 50, "stream": True, "messages": [{"role": "user", "content": f"echo: {SAID}"}]}


@pytest.mark.parametrize("gzip", [False, True])
async def test_an_answer_goes_on_under_the_head_of_a_sign_of_life(gzip, tmp_path, monkeypatch):
    """
    The first attempt begins, falls silent and is given up after signs of life have left. The second one's answer has one beginning and one
    end, and comes in the coding the head has promised.
    """
    monkeypatch.setattr(http_stream, "PING_SECONDS", 0.05)
    monkeypatch.setenv("HOUSE_KEY", unified.PROVIDER_KEY)
    async with house(tmp_path, policy=POLICY) as at:
        _, key = at.worker._parts.keys.create(name="waiter")
        at.standin.script(Script(silent_after=1))
        at.standin.script(Script(gzip=gzip))
        reader, writer = await at.client()
        head = f"anthropic-version: 2023-06-01\r\nx-api-key: {key}\r\nAccept-Encoding: gzip\r\n"
        writer.write(post(asked("both"), path="/v1/messages", host=f"127.0.0.1:{at.port}", head=head))
        answer = await read_answer(reader, 30)
        writer.close()

        assert (answer.status, answer.whole, "content-encoding" in answer.headers) == (200, True, False)
        assert answer.body.count(b"event: message_start") == answer.body.count(b"event: message_stop") == 1
        assert 2 <= answer.body.count(b"event: ping") <= 14  # 0.6 s of silence, one every 0.05 s
        assert [row["status"] for row in at.rows()] == ["ok"]


async def test_a_connection_kept_for_later_is_no_silence(tmp_path):
    """
    A client whose first provider has not been asked anything for longer than answers may pause: the second one's answer is unharmed.
    """
    async with house(tmp_path, idle_timeout_seconds=1.0) as at:
        reader, writer = await at.client()
        writer.write(post(CHAT, host=f"127.0.0.1:{at.port}"))
        assert (await read_answer(reader, 10)).status == 200
        at.standin.script(Script(pause_ms=400))
        head = "anthropic-version: 2023-06-01\r\nx-api-key: standin-key\r\n"
        writer.write(post(asked("claude-haiku-4-5"), path="/v1/messages", host=f"127.0.0.1:{at.port}", head=head))
        second = await read_answer(reader, 30)
        writer.close()

        assert second.whole
        assert [row["status"] for row in at.rows()] == ["ok", "ok"]
