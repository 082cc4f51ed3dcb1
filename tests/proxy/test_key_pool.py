"""
Several keys of one provider: a refused or limited one is replaced by another, within the call.
"""

from __future__ import annotations

from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from house import CHAT, House, house

from excise.health import target_health
from excise.standin.call import Request
from excise.standin.script import Script

FIRST, SECOND = "standin-key-one", "standin-key-two"
POLICY = """\
version: 1
providers:
- {provider: openai, key: [file:one.key, file:two.key]}
routes:
- {name: pooled, to: openai/gpt-4o-mini, failover: {retries: 0}}
default: allow
"""


def at_home(tmp_path: Path) -> Any:
    """
    A house with two keys of one provider.
    """
    folder = tmp_path / "policies"
    folder.mkdir(mode=0o700, parents=True)
    (folder / "one.key").write_text(FIRST)
    (folder / "two.key").write_text(SECOND)
    return house(tmp_path, policy=POLICY)


def keys(at: House) -> list[str]:
    return [(seen.request.header("authorization") or "").removeprefix("Bearer ") for seen in at.standin.seen]


@pytest.mark.parametrize("script", [Script(status=401), Script(status=429, retry_after="30")])
async def test_a_refused_or_limited_key_is_replaced_within_the_call(script, tmp_path):
    """
    The client gets its answer; later calls go with the other key alone, as long as the first is out of order.
    """
    async with at_home(tmp_path) as at:
        at.standin.steer = lambda request: (request, script if _key(request) == FIRST else Script())

        answers = [await at.call(CHAT) for _ in range(8)]

        assert {answer.status for answer in answers} == {200}
        used = keys(at)
        assert used.count(FIRST) < used.count(SECOND) == 8
        rows = at.rows()
        assert [row["status"] for row in rows] == ["ok"] * 8
        doubled = next(row for row in rows if row["attempts"] == 2)
        assert [attempt["outcome"] for attempt in doubled["attempts_detail"]] == ["failed", "ok"]
        assert doubled["attempts_detail"][1]["why"].endswith(": another key")


async def test_a_key_that_was_refused_is_not_drawn_again(tmp_path, monkeypatch):
    """
    Whatever turn it is, which other calls decide as well.
    """
    monkeypatch.setattr(target_health, "count", lambda: repeat(0))
    async with at_home(tmp_path) as at:
        at.standin.steer = lambda request: (request, Script(status=401) if _key(request) == FIRST else Script())
        assert (await at.call(CHAT)).status == 200
        assert keys(at) == [FIRST, SECOND]


async def test_keys_take_turns(tmp_path):
    """
    While both are well.
    """
    async with at_home(tmp_path) as at:
        for _ in range(6):
            assert (await at.call(CHAT)).status == 200
        assert (keys(at).count(FIRST), keys(at).count(SECOND)) == (3, 3)


async def test_where_all_keys_are_refused_the_client_is_told(tmp_path):
    """
    Once each, and with the provider's own error.
    """
    async with at_home(tmp_path) as at:
        at.standin.steer = lambda request: (request, Script(status=401))
        answer = await at.call(CHAT)
        assert answer.status == 401
        assert sorted(keys(at)) == [FIRST, SECOND]


def _key(request: Request) -> str:
    return (request.header("authorization") or "").removeprefix("Bearer ")
