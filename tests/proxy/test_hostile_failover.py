"""
Routing and failover, before clients and providers that mean harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from house import CHAT, House, house, post, read_answer

from excise.access.keys import KeyStore
from excise.policy.deployment import TargetRef
from excise.standin.call import Request
from excise.standin.script import Recorded, Script

STREAM = CHAT | {"stream": True}
FIRST, SECOND = "openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"
POLICY = """\
version: 1
providers:
- {{provider: openai, key: file:first.key}}
- {{provider: anthropic, key: file:second.key}}
- {{provider: groq, key: file:third.key}}
{more}
routes:
- {{name: moved, when: {{model: gpt-4o-mini}}, to: [{to}], failover: {{{failover}}}}}
{after}
default: allow
"""


def at_home(
    tmp_path: Path, *, to: str = f"{FIRST}, {SECOND}", failover: str = "retries: 0", more: str = "", after: str = "", **settings: Any
) -> Any:
    """
    A house whose calls for `gpt-4o-mini` go to the targets `to`, in turn.
    """
    folder = tmp_path / "policies"
    folder.mkdir(mode=0o700, parents=True)
    for name in ("first", "second", "third"):
        (folder / f"{name}.key").write_text(f"standin-{name}")
    return house(tmp_path, policy=POLICY.format(to=to, failover=failover, more=more, after=after), **settings)


def of(host: str) -> Callable[[Request], bool]:
    return lambda request: request.host == host


OPENAI, ANTHROPIC, GROQ = "api.openai.com", "api.anthropic.com", "api.groq.com"


def hosts(at: House) -> list[str]:
    return [seen.request.host for seen in at.standin.seen]


async def until(holds: Callable[[], Any], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)
