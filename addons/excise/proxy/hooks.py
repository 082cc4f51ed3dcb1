"""
Running hooks so that nothing they do escapes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any


class HookExited(Exception):
    """
    A hook called `sys.exit` or raised KeyboardInterrupt: the call is refused, the proxy stays.
    """


async def contained(hook: Awaitable[None]) -> None:
    """
    Await a hook; an exit becomes an ordinary exception.
    """
    try:
        await hook
    except (SystemExit, KeyboardInterrupt) as fault:
        # A task would let these through to the event loop, and so end the process.
        raise HookExited from fault


def fault_of(task: asyncio.Task[Any]) -> BaseException | None:
    """
    What a finished task ended in; `None`: well.
    """
    return asyncio.CancelledError("cancelled or over its deadline") if task.cancelled() else task.exception()
