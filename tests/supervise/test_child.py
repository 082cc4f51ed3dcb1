"""
One process of ours, through whatever may happen to it.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from excise.supervise import child as supervised
from excise.supervise.child import Child

READY = "print('ready', flush=True)\n"
STAY = "import time\ntime.sleep(60)\n"


def python(source: str) -> list[str]:
    return [sys.executable, "-c", source]


class Watched:
    """
    A child that runs, and a place to wait for its changes.
    """

    def __init__(self, child: Child) -> None:
        self.child = child
        self._moved = asyncio.Event()
        self.task = asyncio.get_running_loop().create_task(child.run(self._moved.set))

    async def until(self, reached: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not reached():
                await self._moved.wait()
                self._moved.clear()

    async def stop(self) -> None:
        await self.child.stop(10)
        await asyncio.wait_for(self.task, 10)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised, "BACK_OFF_SECONDS", (0.01, 0.02))


@pytest.mark.parametrize("chunks", [1, 3], ids=["some", "a million bytes"])
async def test_a_full_pipe_does_not_hide_a_death(tmp_path: Path, chunks: int) -> None:
    """
    A child may print what it likes after `ready`: it never blocks on that, and its death is seen.
    """
    told = f"open({str(tmp_path / 'told')!r}, 'w').close()\n"
    watched = Watched(Child("loud", python(READY + f"import os\nfor _ in range({chunks}): os.write(1, b'x' * 350_000)\n" + told + STAY)))
    await watched.until(lambda: watched.child.pid)
    first = watched.child.pid
    assert first is not None
    async with asyncio.timeout(10):
        while not (tmp_path / "told").exists():
            await asyncio.sleep(0.01)
    os.kill(first, signal.SIGKILL)
    await watched.until(lambda: watched.child.pid not in (None, first))
    await watched.stop()


async def test_the_dead_have_no_pid() -> None:
    """
    From a death until the next process serves there is none to name, and whoever keeps ready.json is told both times.
    """
    seen: list[int | None] = []
    child = Child("mortal", python(READY + STAY))
    task = asyncio.get_running_loop().create_task(child.run(lambda: seen.append(child.pid)))
    await asyncio.wait_for(child.ready.wait(), 10)
    child.send(signal.SIGKILL)
    async with asyncio.timeout(20):
        while len(seen) < 3:
            await asyncio.sleep(0.01)
    await child.stop(10)
    await task

    assert seen[1] is None
    assert seen[0] != seen[2]


@pytest.mark.parametrize("error", [BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), OSError(errno.ENOMEM, "no memory")])
async def test_a_failing_fork_is_tried_again(error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A machine out of processes or memory for a moment does not end supervision.
    """
    watched = Watched(Child("forked", python(READY + STAY)))
    await watched.until(lambda: watched.child.pid)
    real, tries = supervised.spawn, 0

    async def failing(command: list[str]) -> asyncio.subprocess.Process:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise error
        return await real(command)

    monkeypatch.setattr(supervised, "spawn", failing)
    first = watched.child.pid
    watched.child.send(signal.SIGKILL)
    await watched.until(lambda: watched.child.pid not in (None, first))
    await watched.stop()

    assert tries == 4


async def test_a_first_fork_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    At the start somebody is there to read it.
    """

    async def failing(command: list[str]) -> asyncio.subprocess.Process:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(supervised, "spawn", failing)
    child = Child("unborn", python(READY))
    await child.run(lambda: None)

    assert child.ready.is_set()
    assert child.failed == "cannot be started (Resource temporarily unavailable)"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("print('failed the lid is open', flush=True)\n", "the lid is open"),
        ("import sys\nsys.exit(3)\n", "exit code 3"),
        ("print('x' * 200_000, flush=True)\n" + STAY, "it printed something else than `ready`"),
        ("print('hello', flush=True)\n" + STAY, "hello"),
    ],
)
async def test_why_a_start_failed(source: str, reason: str) -> None:
    """
    In the child's own words, where it has some. A child that is not what it should be is not left running.
    """
    child = Child("lame", python(source))
    await asyncio.wait_for(child.run(lambda: None), 20)

    assert child.failed == reason
    assert child.pid is None


async def test_silence_is_a_failure_but_for_the_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A worker that does not serve in time is ended; a ledger that is made anew takes the time it takes.
    """
    monkeypatch.setattr(supervised, "READY_SECONDS", 0.2)
    slow = "import time\ntime.sleep(1)\n" + READY + STAY
    worker = Child("worker", python(slow))
    await asyncio.wait_for(worker.run(lambda: None), 10)
    ledger = Watched(Child("ledger", python(slow), patient=True))
    await ledger.until(lambda: ledger.child.pid)
    await ledger.stop()

    assert worker.failed == "not ready after 0 seconds"


async def test_reload_waits_for_readiness() -> None:
    """
    SIGHUP kills a process that has no handler yet: it gets none before it says `ready`.
    """
    source = (
        "import os, signal, sys\nos.write(2, b'')\nsys.stdin.readline()\n"
        "signal.signal(signal.SIGHUP, lambda *_: os._exit(7))\n" + READY + STAY
    )
    watched = Watched(Child("reloaded", python(source), order=b"go"))
    await asyncio.sleep(0)
    watched.child.reload()
    while watched.child._process is None:
        watched.child.reload()
        await asyncio.sleep(0)
    watched.child.reload()
    await watched.until(lambda: watched.child.pid)
    first = watched.child.pid
    watched.child.reload()  # and now it does
    await watched.until(lambda: watched.child.pid not in (None, first))
    await watched.stop()


async def test_nothing_is_started_after_the_stop() -> None:
    """
    A stop between two lives is the end, and does not wait for the back-off.
    """
    watched = Watched(Child("ended", python(READY + STAY)))
    await watched.until(lambda: watched.child.pid)
    watched.child.send(signal.SIGKILL)
    await watched.until(lambda: watched.child.pid is None)
    await watched.stop()

    assert watched.child.pid is None


async def test_cancelled_supervision_leaves_no_process() -> None:
    """
    Whatever ends the watching ends the process too.
    """
    watched = Watched(Child("orphan", python(READY + STAY)))
    await watched.until(lambda: watched.child.pid)
    pid = watched.child.pid
    process = watched.child._process
    assert pid is not None and process is not None
    watched.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watched.task

    assert await asyncio.wait_for(process.wait(), 10) == -signal.SIGKILL


async def test_a_process_started_before_is_taken_over() -> None:
    """
    The first worker loads its code before its order is known; the next one is started as usual.
    """
    source = "import sys\nassert sys.stdin.readline() == 'go\\n'\n" + READY + STAY
    begun = await supervised.spawn(python(source))
    watched = Watched(Child("early", python(source), order=b"go", begun=begun))
    await watched.until(lambda: watched.child.pid)
    assert watched.child.pid == begun.pid
    watched.child.send(signal.SIGKILL)
    await watched.until(lambda: watched.child.pid not in (None, begun.pid))
    await watched.stop()
