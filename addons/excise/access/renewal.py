"""
Values that must be fetched and go off: tokens, temporary keys.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from excise.errors import UpstreamFailed

log = structlog.get_logger("excise.access")

_LEAST = timedelta(seconds=30)  # a value this near its end is not used: clocks differ, and calls take time
_AGAIN = timedelta(seconds=10)  # at least, between two renewals of what still serves


class Renewed[T]:
    """
    A value that is fetched when it is first wanted and renewed before it goes off, while the old one still serves. However many calls
    want it, one thread fetches; it is not the event loop's, nor one of those that redaction uses.

    Args:
        fetch: Blocks; gives the value and when it goes off, `None`: never.
        what: What is fetched, for texts and the log.
        ahead: How long before its end it is renewed.
        seconds: How long a call waits for it. The fetch goes on for the next one.
        now: The clock, UTC.
    """

    def __init__(
        self,
        fetch: Callable[[], tuple[T, datetime | None]],
        *,
        what: str,
        ahead: timedelta,
        seconds: float = 20.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._fetch = fetch
        self._what = what
        self._ahead = ahead
        self._seconds = seconds
        self._now = now
        self._held: tuple[T, datetime | None] | None = None
        self._running: asyncio.Future[tuple[T, datetime | None]] | None = None
        self._not_before: datetime | None = None

    async def get(self) -> T:
        """
        Raises:
            ExciseError: From `fetch`.
            UpstreamFailed: It takes too long.
        """
        now = self._now()
        if self._held is not None:
            value, until = self._held
            if until is None or now < until - self._ahead:
                return value
            if now < until - _LEAST:
                if self._running is None and (self._not_before is None or now >= self._not_before):
                    self._start()
                return value
        running = self._running or self._start()
        done, _ = await asyncio.wait({running}, timeout=self._seconds)
        if not done:
            raise UpstreamFailed(f"{self._what}: no answer in time, so nothing was sent", kind="no_credentials", status=503)
        return running.result()[0]

    def _start(self) -> asyncio.Future[tuple[T, datetime | None]]:
        loop = asyncio.get_running_loop()
        running = self._running = loop.create_future()
        running.add_done_callback(self._ended)

        def work() -> None:
            try:
                fetched = self._fetch()
            except Exception as fault:  # noqa: BLE001 - raised again by whoever waits
                tell, result = running.set_exception, fault
            else:
                tell, result = running.set_result, fetched  # type: ignore[assignment]
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(tell, result)

        # A daemon: a fetch that hangs does not keep a worker from ending.
        threading.Thread(target=work, name="excise-credentials", daemon=True).start()
        return running

    def _ended(self, running: asyncio.Future[tuple[T, datetime | None]]) -> None:
        self._running = None
        if running.cancelled():
            return
        self._not_before = self._now() + _AGAIN
        if (fault := running.exception()) is None:
            self._held = running.result()
            return
        cause = fault.__cause__ or fault
        log.warning("no credentials", of=self._what, error=type(cause).__name__)  # its text may quote what was answered


def silence(*loggers: str) -> None:
    """
    Keep libraries from writing down what they sign, ask and are answered: their logs have tokens and bodies in clear.
    """
    for name in loggers:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
