"""
Work that would keep the other clients waiting, and work that would not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def run[Made](work: Callable[[], Made], *, long: bool) -> Made:
    """
    Do it: in a thread where it takes `long`, else at once, for a thread costs a tenth of a millisecond by itself.
    """
    return await asyncio.to_thread(work) if long else work()
