"""
Clients that leave: at any moment, politely or not. Each is one row, and the provider is not kept working for nobody.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from e2e.proxy import running_proxy
from e2e.tunnel import Tunnel, request
from e2e.ways import Way
from excise.standin import StandIn

CLIENTS = 200
AT_ONCE = 40
HOST = "api.openai.com"
CANCELLED_SECONDS = 2.0  # on a busy machine; a quiet one needs some milliseconds
STAGES = ("upload", "sent", "head", "stream", "ended")


async def leave(way: Way, name: str, stage: str, reset: bool, chance: random.Random) -> bool:
    """
    One client that leaves at a stage. True: it has seen part of an answer, so the call certainly was one.
    """
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "what leaves?"}], "stream": True}
    headers = {"authorization": "Bearer standin-k", "user-agent": name, "x-standin": "pause_ms=4"}
    data = request(HOST, "/v1/chat/completions", body, headers)
    tunnel = await Tunnel.open(way, HOST)
    if stage == "upload":
        await tunnel.send(data[: chance.randrange(1, len(data))])
    else:
        await tunnel.send(data)
    if stage == "sent":
        await asyncio.sleep(chance.random() * 0.05)
    if stage in ("head", "stream", "ended"):
        await tunnel.reader.readuntil(b"\r\n\r\n")
    if stage == "stream":
        for _ in range(chance.randrange(1, 6)):
            await tunnel.reader.readuntil(b"\n\n")
    if stage == "ended":
        await tunnel.reader.readuntil(b"0\r\n\r\n")
    tunnel.abort(reset=reset)
    return stage in ("head", "stream", "ended")


async def test_every_client_that_leaves_is_one_row(own_standin: StandIn, home: Path) -> None:
    """
    200 clients leave at random moments: what the provider saw has exactly one row, nothing has two, and no call is left open upstream.
    """
    chance = random.Random(20261122)
    places = asyncio.Semaphore(AT_ONCE)
    seen_before = len(own_standin.seen)

    async def one(number: int) -> tuple[str, str, bool]:
        async with places:
            stage, name = STAGES[number % len(STAGES)], f"leaver-{number}"
            return name, stage, await leave(Way(own_standin, proxy), name, stage, chance.random() < 0.5, chance)

    with running_proxy(home, own_standin) as proxy:
        left = await asyncio.gather(*(one(number) for number in range(CLIENTS)))
        seen = own_standin.seen[seen_before:]
        settled = await asyncio.to_thread(
            own_standin.wait, lambda it: all(call.answered or call.client_left for call in it.seen[seen_before:]), CANCELLED_SECONDS
        )
        assert settled, "a call goes on upstream whose client has left"
        reached = {call.request.header("user-agent") for call in seen}
        answered = {name for name, _, certain in left if certain}
        assert answered <= reached
        # Those that left before they had sent everything may have rows too, so the number of rows says nothing.
        counting = lambda: reached <= {row["user_agent"] for row in proxy.query("select user_agent from calls")}  # noqa: E731
        await asyncio.to_thread(proxy.until, counting, 10, "all rows")
        await asyncio.sleep(0.5)
        rows = proxy.query("select user_agent, status, usage_source, output_tokens, cost_usd::varchar as cost from calls")

    counted = [row["user_agent"] for row in rows]
    assert len(counted) == len(set(counted))
    assert reached <= set(counted) <= {name for name, _, _ in left}
    by_name = {row["user_agent"]: row for row in rows}
    for name, stage, _ in left:
        if stage == "ended":
            assert by_name[name]["status"] == "ok", name
        elif stage == "stream":
            row = by_name[name]
            # The provider bills what it has made: the row says so, as an estimate unless the stream happened to be over.
            assert row["status"] in ("cancelled", "ok"), name
            assert row["usage_source"] in ("estimated", "partial", "provider"), name
            assert row["output_tokens"] > 0, name
            assert float(row["cost"]) > 0, name
