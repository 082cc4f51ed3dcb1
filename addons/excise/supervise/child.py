"""
One process of ours: started, watched, started again.
"""

from __future__ import annotations

import asyncio
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from excise.supervise.spawn import spawn

log = structlog.get_logger("excise.supervisor")

READY_SECONDS = 60.0  # a worker that does not serve by then never will
BACK_OFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
STEADY_SECONDS = 30.0  # a child that lived this long starts again without back-off
MAX_REASON_CHARS = 2000


class Child:
    """
    One process, started again whenever it ends. It prints `ready` when it serves, or `failed WHY`.

    Args:
        name: For the log.
        command: Program and arguments.
        order: The line it reads from standard input first; empty for none.
        begun: Its first process, where that is started already and waits for its order.
        patient: It may take any time to be ready and is not killed for it: a ledger that is made anew would never come to an end.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, order: bytes = b"", begun: Process | None = None, patient: bool = False
    ) -> None:
        self.name = name
        self._command = command
        self._order = order
        self._patient = patient
        self._begun = begun
        self._process: Process | None = None
        self._stopping = asyncio.Event()
        self._serves = False
        self.ready = asyncio.Event()  # has served once, or never will
        self.failed: str | None = None  # why the latest start failed

    @property
    def pid(self) -> int | None:
        """
        Of the process that serves; `None` while there is none.
        """
        return self._process.pid if self._serves and self._process is not None else None

    async def run(self, changed: Callable[[], None]) -> None:
        """
        Start, watch, start again, until `stop`; or until the first start failed. `changed` is called whenever `pid` is another.
        """
        deaths = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._live(changed)
            if self._stopping.is_set():
                return
            if not self.ready.is_set():
                self.failed = self.failed or f"exit code {code}"
                self.ready.set()
                return
            deaths = 0 if time.monotonic() - began > STEADY_SECONDS else min(deaths + 1, len(BACK_OFF_SECONDS) - 1)
            seconds = BACK_OFF_SECONDS[deaths]
            log.error("child died, starting again", child=self.name, code=code, reason=self.failed, seconds=seconds)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), seconds)

    def send(self, number: int) -> None:
        """
        Send a signal, if there is a process.
        """
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def reload(self) -> None:
        """
        SIGHUP; not before it serves: a process that has not come to its handlers would die of it. It reads the files as they are then,
        and looks again a second later.
        """
        if self._serves:
            self.send(signal.SIGHUP)

    def keep_down(self) -> None:
        """
        Do not start it again, however it ends.
        """
        self._stopping.set()

    async def stop(self, seconds: float) -> None:
        """
        Ask it to end; after `seconds` make it.
        """
        self.keep_down()
        self.send(signal.SIGTERM)
        process = self._process
        if process is None or process.returncode is not None:
            return
        try:
            await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            log.error("child did not end in time, killed", child=self.name)
            self.send(signal.SIGKILL)
            await process.wait()

    async def _live(self, changed: Callable[[], None]) -> int | None:
        """
        One process from start to end. Its exit code; `None` where there was none.
        """
        self.failed = None
        try:
            process, self._begun = self._begun or await spawn(self._command), None
        except OSError as error:  # too many processes, no memory: passes
            self.failed = f"cannot be started ({error.strerror})"
            return None
        self._process = process
        drain: asyncio.Task[None] | None = None
        try:
            if self._stopping.is_set():
                return None
            if self._order:
                assert process.stdin is not None
                process.stdin.write(self._order + b"\n")
            if await self._wait_ready(process):
                self._serves = True
                self.ready.set()
                changed()
            else:
                self.send(signal.SIGKILL)
            # `wait` waits for the pipes as well, and a pipe nobody reads has no end.
            drain = asyncio.get_running_loop().create_task(_drain(process))
            return await process.wait()
        finally:
            self.send(signal.SIGKILL)  # whatever went wrong in here: none is left behind
            if drain is not None:
                drain.cancel()
            if self._serves:
                self._serves = False
                changed()

    async def _wait_ready(self, process: Process) -> bool:
        assert process.stdout is not None
        while True:
            try:
                line = await asyncio.wait_for(process.stdout.readline(), READY_SECONDS)
            except TimeoutError:
                if self._patient:
                    log.warning("child is not ready yet", child=self.name)
                    continue
                self.failed = f"not ready after {READY_SECONDS:.0f} seconds"
            except ValueError:  # longer than a line of ours can be
                self.failed = "it printed something else than `ready`"
            else:
                if line.strip() == b"ready":
                    return True
                self.failed = line.decode("utf-8", "replace").strip().removeprefix("failed ")[:MAX_REASON_CHARS] or None
            return False


async def _drain(process: Process) -> None:
    assert process.stdout is not None
    while await process.stdout.read(65536):
        pass
