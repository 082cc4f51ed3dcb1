"""
The parent of everything on this host: workers, the ledger process, their lives and deaths.

A worker that dies is started again and costs only its own connections. SIGTERM and Ctrl-C drain: no new connections, calls under way
end, then the ledger takes the last lines. A second signal ends the calls at once. SIGHUP reloads policy in every worker.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress

import orjson
import structlog

from excise.errors import SettingsError
from excise.supervise import ready as ready_file
from excise.supervise.child import Child
from excise.supervise.hold import hold_lock
from excise.supervise.settings import Settings
from excise.supervise.spawn import WORKER, ledger
from excise.trust.bundle import Bundle

log = structlog.get_logger("excise.supervisor")

LEDGER_SECONDS = 30.0  # to take the last lines and publish
FORCED_LEDGER_SECONDS = 5.0  # the same, when somebody wants us to end now
RETRY_SECONDS = 1.0  # between two tries to write ready.json


class Supervisor:
    """
    Everything `excise up` starts.

    Args:
        settings: With a port that is settled (not 0).
        bundle: Where clients find what to trust.
        begun: Worker processes that are started already and wait for their order.
        say: Told what a person at the terminal wants to know of the end.

    Raises:
        SettingsError: Another one runs on this data directory.
    """

    def __init__(
        self, settings: Settings, bundle: Bundle, *, begun: Sequence[Process] = (), say: Callable[[str], None] = lambda text: None
    ) -> None:
        self._settings = settings
        self._bundle = bundle
        self._say = say
        self._stop = asyncio.Event()
        self._moved = asyncio.Event()
        self._signals = 0
        self._code = 0
        self._lock_fd = hold_lock(settings.data / "excise.lock")
        with suppress(OSError):  # of one that was killed
            settings.ready_file.unlink()
        self._ledger = Child("ledger", ledger(settings.data, settings.publish_seconds), patient=True)
        first = [*begun, *[None] * settings.workers]
        self._workers = [
            Child(f"worker {number}", WORKER, order=_order(settings, number), begun=first[number]) for number in range(settings.workers)
        ]

    async def run(self, ready: Callable[[], None]) -> int:
        """
        Start everything, call `ready`, stay until told to end, drain.

        Returns:
            Exit code: 0 drained; 130 or 1 ended by a second Ctrl-C or SIGTERM; 1 a fault of ours.

        Raises:
            SettingsError: A process did not start; the text is its own. Or the data directory cannot be written.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_end, number)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        watching = [self._watch(child.run(self._moved.set)) for child in (self._ledger, *self._workers)]
        keeping: asyncio.Task[None] | None = None
        try:
            if await self._started():
                self._write_first()
                keeping = self._watch(self._keep_ready())
                ready()
                await self._stop.wait()
        finally:
            if keeping is not None:
                keeping.cancel()
            await self._end(watching)
        return self._code

    def _watch(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._watched)
        return task

    def _watched(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            # A child without supervision would be missed only when it is needed; whoever started us starts us again.
            log.critical("supervision failed, ending", error=repr(error))
            self._code = 1
            self._stop.set()

    async def _started(self) -> bool:
        """
        Wait until every process serves. `False`: told to end before.
        """

        async def first(child: Child) -> None:
            await child.ready.wait()
            if child.failed and os.strerror(errno.ENOSPC).lower() in child.failed.lower():
                raise self._no_room(f"{os.strerror(errno.ENOSPC).lower()} for the {child.name}")
            if child.failed:
                raise SettingsError(f"{child.name} did not start: {child.failed}")

        everyone = asyncio.gather(*(first(child) for child in (self._ledger, *self._workers)))
        stopped = asyncio.get_running_loop().create_task(self._stop.wait())
        await asyncio.wait((everyone, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not everyone.done():
            everyone.cancel()
            with suppress(asyncio.CancelledError):
                await everyone
            return False
        everyone.result()
        return not self._stop.is_set()

    def _asked_to_end(self, number: int) -> None:
        self._signals += 1
        self._stop.set()
        if self._signals == 2:
            self._code = 128 + number if number == signal.SIGINT else 1
            self._say("ending now: calls under way are cut off")
            for child in self._workers:
                child.send(signal.SIGKILL)
            # Asked gently in its turn, when the workers are gone: then it knows which calls have no end.
            self._ledger.keep_down()
            asyncio.get_running_loop().call_later(FORCED_LEDGER_SECONDS, self._ledger.send, signal.SIGKILL)
        elif self._signals > 2:
            for child in (*self._workers, self._ledger):
                child.send(signal.SIGKILL)

    def _reload(self) -> None:
        for child in self._workers:
            child.reload()

    async def _end(self, watching: list[asyncio.Task[None]]) -> None:
        serving = any(child.pid for child in self._workers)
        if serving and self._signals:
            self._say(f"draining: calls under way have up to {self._settings.drain_seconds:.0f} s; Ctrl-C again ends now")
        with suppress(OSError):
            self._settings.ready_file.unlink()
        await asyncio.gather(*(child.stop(self._settings.drain_seconds + 10) for child in self._workers))
        # After the workers: their last lines are still to be taken.
        await self._ledger.stop(LEDGER_SECONDS)
        _, left = await asyncio.wait(watching, timeout=5)
        for task in left:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        os.close(self._lock_fd)
        if serving and self._signals:
            self._say("stopped")

    def _write_ready(self) -> None:
        workers = [child.pid for child in self._workers]
        ready_file.write(self._settings, ready_file.describe(self._settings, self._bundle, workers=workers, ledger=self._ledger.pid))

    def _write_first(self) -> None:
        try:
            self._write_ready()
        except OSError as error:
            raise self._no_room((error.strerror or "cannot be written").lower()) from error

    def _no_room(self, what: str) -> SettingsError:
        return SettingsError(f"--data {self._settings.data}: {what}; make room, or name another directory")

    async def _keep_ready(self) -> None:
        """
        Write ready.json anew whenever a process came or went. A full disk is no reason to end: the old file stays, and is mended
        when there is room.
        """
        said = False
        while True:
            await self._moved.wait()
            self._moved.clear()
            try:
                self._write_ready()
                said = False
            except OSError as error:
                if not said:
                    log.error("ready.json is not up to date, trying again", reason=error.strerror)
                said = True
                self._moved.set()
                await asyncio.sleep(RETRY_SECONDS)


def _order(settings: Settings, number: int) -> bytes:
    return orjson.dumps({"settings": settings.model_dump(mode="json"), "number": number})
