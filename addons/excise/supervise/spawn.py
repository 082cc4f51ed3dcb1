"""
Start one of our processes. Imports next to nothing, so that the first worker can load its code while its supervisor still loads its own.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from pathlib import Path

_PYTHON = (sys.executable, "-O", "-m")  # -O: mitmproxy's layers check types of every event; measured 1.1 to 1.2 times faster without

WORKER = (*_PYTHON, "excise.proxy.worker")


def ledger(data: Path, publish_seconds: float) -> tuple[str, ...]:
    """
    The command of the ledger process.
    """
    return (*_PYTHON, "excise.ledger.process", "--data", str(data), "--publish-seconds", str(publish_seconds), "--while-stdin")


async def spawn(command: Sequence[str]) -> Process:
    """
    Raises:
        OSError: No process could be made.
    """
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,  # its end tells a child that we are gone
        stdout=asyncio.subprocess.PIPE,
        # Signals of the terminal go to the supervisor alone, which drains in order.
        start_new_session=True,
    )
