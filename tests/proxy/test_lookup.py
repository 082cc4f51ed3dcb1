"""
Lookups: threads of their own, bounded, one a name, and old answers while there is no new one.
"""

from __future__ import annotations

import asyncio
import queue
import socket
import threading

import pytest

from excise.errors import UpstreamFailed
from excise.proxy import lookup
from excise.proxy.lookup import FAILED_SECONDS, FRESH_SECONDS, STALE_SECONDS, Lookups


class Resolver:
    """
    Answers when told to: by default at once with one address, for names in `held` when `give` is called.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.held: dict[str, queue.Queue[list[str] | Exception]] = {}
        self.answer: list[str] | Exception = ["8.8.8.8"]

    def hold(self, *names: str) -> None:
        self.held.update({name: queue.Queue() for name in names})

    def give(self, name: str, answer: list[str] | Exception) -> None:
        self.held[name].put(answer)

    def __call__(self, name: str) -> list[str]:
        self.asked.append(name)
        answer = self.held[name].get(timeout=10) if name in self.held else self.answer
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def resolver():
    return Resolver()


@pytest.fixture
def clock():
    return Clock()


def lookups(resolver, clock, *, threads=2, queue=2, names=100):
    return Lookups(threads=threads, queue=queue, ask=resolver, clock=clock, names=names)


async def started(resolver, count):
    async with asyncio.timeout(5):
        while len(resolver.asked) < count:
            await asyncio.sleep(0.001)


async def test_a_name_is_looked_up_once_however_many_ask(resolver, clock):
    """
    Single flight, and then the answer is reused for as long as it is fresh.
    """
    names = lookups(resolver, clock)
    resolver.hold("a.example")
    asking = [asyncio.create_task(names.addresses("a.example")) for _ in range(50)]
    await started(resolver, 1)
    resolver.give("a.example", ["8.8.8.8", "1.1.1.1"])
    assert await asyncio.gather(*asking) == [["8.8.8.8", "1.1.1.1"]] * 50
    clock.now += FRESH_SECONDS - 1
    await names.addresses("a.example")
    assert resolver.asked == ["a.example"]


async def test_more_lookups_than_there_is_room_for_fail_at_once(resolver, clock):
    """
    Two threads, two in the queue; the fifth name is told so immediately, and when a thread is free the queue goes on.
    """
    names = lookups(resolver, clock)
    resolver.hold("a", "b", "c", "d")
    asking = [asyncio.create_task(names.addresses(name)) for name in "abcd"]
    await started(resolver, 2)
    with pytest.raises(UpstreamFailed) as busy:
        await asyncio.wait_for(names.addresses("e"), 1)
    assert busy.value.kind == "lookups_busy"
    assert sorted(resolver.asked) == ["a", "b"]
    for name in "abcd":
        resolver.give(name, ["8.8.8.8"])
    assert await asyncio.gather(*asking) == [["8.8.8.8"]] * 4
    assert await names.addresses("e") == ["8.8.8.8"]


async def test_who_leaves_the_queue_leaves_its_place(resolver, clock):
    """
    Clients that gave up do not keep names waiting that nobody asks for any more.
    """
    names = lookups(resolver, clock, threads=1, queue=1)
    resolver.hold("a")
    first = asyncio.create_task(names.addresses("a"))
    gone = [asyncio.create_task(names.addresses("b")) for _ in range(3)]
    await started(resolver, 1)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    last = asyncio.create_task(names.addresses("c"))
    await asyncio.sleep(0)
    resolver.give("a", ["8.8.8.8"])
    await asyncio.gather(first, last)
    assert resolver.asked == ["a", "c"]


async def test_one_who_leaves_takes_no_answer_from_the_others(resolver, clock):
    """
    Also not the one who asked first.
    """
    names = lookups(resolver, clock)
    resolver.hold("a")
    first, second = asyncio.create_task(names.addresses("a")), asyncio.create_task(names.addresses("a"))
    await started(resolver, 1)
    first.cancel()
    await asyncio.sleep(0)
    resolver.give("a", ["8.8.8.8"])
    assert await second == ["8.8.8.8"]


async def test_an_old_answer_serves_while_the_new_one_hangs(resolver, clock, monkeypatch):
    """
    Up to ten minutes; after that no answer is better than that one.
    """
    monkeypatch.setattr(lookup, "PATIENCE_SECONDS", 0.01)
    names = lookups(resolver, clock)
    await names.addresses("a")
    resolver.hold("a")
    clock.now += FRESH_SECONDS + 1
    for _ in range(3):
        assert await asyncio.wait_for(names.addresses("a"), 1) == ["8.8.8.8"]
    assert resolver.asked == ["a", "a"]
    clock.now += STALE_SECONDS
    late = asyncio.create_task(names.addresses("a"))
    await asyncio.sleep(0.02)
    assert not late.done()
    resolver.give("a", ["9.9.9.9"])
    assert await late == ["9.9.9.9"]


async def test_a_new_answer_that_comes_soon_is_preferred(resolver, clock):
    """
    A provider that moved is found at its new address by the first call after that.
    """
    names = lookups(resolver, clock)
    await names.addresses("a")
    resolver.answer = ["9.9.9.9"]
    clock.now += FRESH_SECONDS + 1
    assert await names.addresses("a") == ["9.9.9.9"]


async def test_an_old_answer_outlives_a_resolver_that_fails_but_not_one_that_says_no(resolver, clock):
    """
    "Ask again" leaves what was known; "no such name" is an answer, and the old one is then wrong.
    """
    names = lookups(resolver, clock)
    await names.addresses("a")
    clock.now += FRESH_SECONDS + 1
    resolver.answer = socket.gaierror(socket.EAI_AGAIN, "later")
    assert await names.addresses("a") == ["8.8.8.8"]
    assert await names.addresses("a") == ["8.8.8.8"]
    assert len(resolver.asked) == 2
    clock.now += FAILED_SECONDS + 1
    resolver.answer = socket.gaierror(socket.EAI_NONAME, "no")
    with pytest.raises(UpstreamFailed):
        await names.addresses("a")
    assert len(resolver.asked) == 3


@pytest.mark.parametrize(
    "fault", [socket.gaierror(socket.EAI_AGAIN, "x"), socket.gaierror(socket.EAI_NONAME, "x"), OSError("x"), UnicodeError("x"), []]
)
async def test_a_failure_is_believed_for_a_few_seconds(fault, resolver, clock):
    """
    A storm of calls to a name that does not resolve is one lookup; a name that starts to resolve is found soon.
    """
    names = lookups(resolver, clock)
    resolver.answer = fault
    for _ in range(3):
        with pytest.raises(UpstreamFailed) as failed:
            await names.addresses("a")
        assert failed.value.kind == "name_not_resolved"
    assert len(resolver.asked) == 1
    clock.now += FAILED_SECONDS + 0.1
    resolver.answer = ["8.8.8.8"]
    assert await names.addresses("a") == ["8.8.8.8"]


async def test_a_fault_in_the_thread_leaves_nobody_waiting(resolver, clock, monkeypatch):
    """
    Whatever it is, the name then does not resolve.
    """
    faults = []
    monkeypatch.setattr(threading, "excepthook", lambda given: faults.append(given.exc_type))
    resolver.answer = RuntimeError("x")
    with pytest.raises(UpstreamFailed):
        await asyncio.wait_for(lookups(resolver, clock).addresses("a"), 5)
    for thread in threading.enumerate():
        if thread.name == "lookup":
            thread.join(5)
    assert faults == [RuntimeError]


async def test_no_thread_to_be_had_is_a_failed_lookup(resolver, clock, monkeypatch):
    """
    At the machine's limit of threads names fail; the worker goes on.
    """

    def start(self):
        raise RuntimeError("can't start new thread")

    names = lookups(resolver, clock)
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", start)
        with pytest.raises(UpstreamFailed):
            await names.addresses("a")
    clock.now += FAILED_SECONDS + 0.1
    assert await names.addresses("a") == ["8.8.8.8"]


async def test_memory_is_bounded_and_names_in_use_stay(resolver, clock):
    """
    The answers kept are the last ones asked for; many new names do not drive out one that is in use.
    """
    names = lookups(resolver, clock, names=10)
    for number in range(100):
        await names.addresses(f"n{number}")
        await names.addresses("a")
    assert len(names._answers) == 10
    assert resolver.asked.count("a") == 1
    assert not names._flights and not names._queue
