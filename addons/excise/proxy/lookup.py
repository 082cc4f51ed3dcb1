"""
Names to addresses. The resolver blocks, may take half a minute to give up and cannot be cancelled, so lookups have threads of their own
and bounds of their own: what hangs here holds up nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from excise.errors import UpstreamFailed

FRESH_SECONDS = 30.0  # how long an answer of the resolver is reused; it does not tell us the record's own time to live
STALE_SECONDS = 600.0  # how long an old answer serves while the resolver does not answer; RFC 8767 would allow days
FAILED_SECONDS = 3.0  # how long "does not resolve" is believed: long enough to stop a storm, short enough not to prolong an outage
PATIENCE_SECONDS = 0.5  # how long a new answer is waited for where an old one would do
NAMES = 1024
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}

Resolver = Callable[[str], Sequence[str]]


def ask_system(name: str) -> Sequence[str]:
    """
    The addresses of a name as the system's resolver gives them, in its order, each once. Blocks.

    Raises:
        OSError: The name does not resolve.
        ValueError: It cannot be a name (an empty or overlong label, a NUL).
    """
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(info[4][0]) for info in found))


@dataclass(frozen=True, slots=True)
class _Answer:
    found: Sequence[str]  # empty: the name did not resolve
    asked_again: float  # when the resolver is to be asked again
    good_until: float  # when it may no longer stand in for an answer


@dataclass(slots=True, eq=False)
class _Flight:
    name: str
    landed: asyncio.Future[None]
    since: float
    waiting: int = 0
    started: bool = False


class Lookups:
    """
    A cache before a bounded number of threads. A name is looked up once at a time, however many ask.

    Not promised: a record's own time to live, and the order in which names wait for a thread once some of their askers have left.

    Args:
        threads: Most lookups under way. A thread lives as long as its lookup and never keeps the process from ending.
        queue: Most names waiting for a thread; above that a lookup fails at once.
        ask: Blocking; called in a thread.
    """

    def __init__(
        self, *, threads: int, queue: int, ask: Resolver = ask_system, clock: Callable[[], float] = time.monotonic, names: int = NAMES
    ) -> None:
        self._threads = threads
        self._most_queued = queue
        self._ask = ask
        self._clock = clock
        self._names = names
        self._answers: OrderedDict[str, _Answer] = OrderedDict()
        self._flights: dict[str, _Flight] = {}
        self._queue: OrderedDict[str, _Flight] = OrderedDict()

    async def addresses(self, name: str) -> Sequence[str]:
        """
        The addresses of `name`, at least one.

        An answer older than `FRESH_SECONDS` is renewed. While that takes its time, or fails for the moment, the old one serves on.

        Raises:
            UpstreamFailed: `name_not_resolved`; or `lookups_busy`: too many lookups are under way.
        """
        now = self._clock()
        old = self._answers.get(name)
        if old is not None:
            self._answers.move_to_end(name)
            if now < old.asked_again:
                return _read(name, old)
        stale = old.found if old is not None and now < old.good_until else ()
        try:
            flight = self._flights.get(name) or self._take_off(name, now)
        except UpstreamFailed:
            if stale:
                return stale
            raise
        if stale:
            # An old answer pays for its renewal: nobody has to stay for that.
            flight.waiting += 1
            await asyncio.wait([flight.landed], timeout=max(0.0, flight.since + PATIENCE_SECONDS - now))
            return _read(name, self._answers.get(name)) if flight.landed.done() else stale
        flight.waiting += 1
        try:
            await asyncio.wait([flight.landed])
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.started:
                del self._queue[name], self._flights[name]
        return _read(name, self._answers.get(name))

    def _take_off(self, name: str, now: float) -> _Flight:
        if len(self._queue) >= self._most_queued and len(self._flights) - len(self._queue) >= self._threads:
            raise UpstreamFailed("too many names are being looked up; try again shortly", kind="lookups_busy")
        flight = _Flight(name, asyncio.get_running_loop().create_future(), now)
        self._flights[name] = self._queue[name] = flight
        self._start_next()
        return flight

    def _start_next(self) -> None:
        while self._queue and len(self._flights) - len(self._queue) < self._threads:
            name, flight = self._queue.popitem(last=False)
            flight.started = True
            try:
                threading.Thread(target=self._fly, args=(name, flight.landed.get_loop()), name="lookup", daemon=True).start()
            except RuntimeError:  # no more threads on this machine
                self._landed(name, (), passing=True)

    def _fly(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        found: Sequence[str] = ()
        passing = True
        try:
            found = self._ask(name)
        except socket.gaierror as error:
            passing = error.errno not in _NO_SUCH_NAME
        except ValueError:  # it cannot be a name: an empty or overlong label, a NUL
            passing = False
        except OSError:
            pass
        finally:  # also after a fault: who waits must not wait for ever
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody is there to hear
                loop.call_soon_threadsafe(self._landed_and_next, name, found, passing)

    def _landed_and_next(self, name: str, found: Sequence[str], passing: bool) -> None:
        self._landed(name, found, passing=passing)
        self._start_next()

    def _landed(self, name: str, found: Sequence[str], *, passing: bool) -> None:
        now = self._clock()
        old = self._answers.pop(name, None)
        if found:
            answer = _Answer(found, now + FRESH_SECONDS, now + STALE_SECONDS)
        elif passing and old is not None and now < old.good_until:
            answer = _Answer(old.found, now + FAILED_SECONDS, old.good_until)
        else:  # the resolver says that there is no such name: then an old answer is wrong, not old
            answer = _Answer((), now + FAILED_SECONDS, now)
        self._answers[name] = answer
        if len(self._answers) > self._names:
            self._answers.popitem(last=False)
        self._flights.pop(name).landed.set_result(None)


def _read(name: str, answer: _Answer | None) -> Sequence[str]:
    if answer is None or not answer.found:
        raise UpstreamFailed(f"{name} does not resolve", kind="name_not_resolved")
    return answer.found
