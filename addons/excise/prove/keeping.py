"""
Retention is tried: content that nobody takes out goes along every path, through crashes and restarts, and must be in no file.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from excise.errors import Unavailable
from excise.prove import processes
from excise.prove.canaries import Canary
from excise.prove.client import Answer, Door, fetch
from excise.prove.paths import KEY_FILE, POLICY, SLOW_TIMES, UNREACHABLE, Passage, Way, passages, slow_calls, take
from excise.prove.search import Search, Searched
from excise.prove.surroundings import Proxy

if TYPE_CHECKING:
    from excise.prove.run import Proof

SECTION: Final = "Own files: content of calls"
ROWS: Final = "One row a call"
ROWS_SECONDS: Final = 60.0
UNDER_WAY_SECONDS: Final = 20.0


class Keeping:
    """
    The part of the proof on what the proxy itself keeps.
    """

    def __init__(self, proof: Proof) -> None:
        self._proof = proof
        self.files = SECTION
        self.home = proof.home("keeping")
        self.own = proof.options.policies is None
        flags = ["--resolve", f"{UNREACHABLE}:443:127.0.0.1:1"]
        self.proxy = Proxy(self.home, proof.standin, proof.policies("keeping", POLICY, {KEY_FILE: "standin-the-key-of-the-house"}), flags)
        self.planted: list[Canary] = []
        self._ids: list[str] = []

    def run(self) -> None:
        """
        All paths; a worker killed, another crashed; the whole family killed; a restart.
        """
        door = self.proxy.start()
        asyncio.run(self._calls(door))
        if self._proof.options.during is not None:
            self._proof.options.during(self.home, self.planted)
        self._proof.processes(SECTION, "while it runs", self.proxy, self.planted)
        self.search("while it runs")
        self._rows("calls that ended as they should")
        asyncio.run(self._crash(door, "a worker is killed (SIGKILL)", signal.SIGKILL))
        asyncio.run(self._crash(door, "a worker crashes (SIGSEGV)", signal.SIGSEGV))
        self._cores()
        asyncio.run(self._crash(door, "the whole family is killed", None))
        self.search("after kill -9 of the whole family, before the restart")
        door = self.proxy.start()
        asyncio.run(self._again(door))
        self._rows("calls that crashes cut, after the restart")
        self.search("after the restart")
        self._proof.note_policies(self.proxy)
        code = self.proxy.stop()
        self._proof.check(ROWS, "the end", code == 0, f"exit status {code} after SIGTERM")

    def search(self, moment: str) -> None:
        """
        Look through all files for all that was planted so far.
        """
        self._proof.search(SECTION, moment, self.planted, self.home)

    async def _calls(self, door: Door) -> None:
        reached, answered, missing, asked = 0, 0, [], 0
        for path in passages():
            seen = self._proof.standin.seen
            before = len(seen)
            answers = await self._take(door, path)
            found = Searched()
            for one in seen[before:]:
                Search(path.planted[:1]).of(one.request.body + one.request.target.encode(), "", found)
            reached += bool(found.findings)
            asked += path.reaches
            answered += any(path.planted[0].value in answer.heard() for answer in answers)
            if path.reaches and not found.findings:
                missing.append(path.name)
        said = f"{asked} paths were to reach the provider, {reached} did with their content in it, {answered} had it in the answer"
        self._proof.check(
            SECTION, "the canaries did travel", not missing if self.own else None, said, [f"not seen: {name}" for name in missing]
        )

    async def _take(self, door: Door, path: Passage) -> list[Answer]:
        self.planted += path.planted
        answers = await take(door, path)
        self._count(f"retention: {path.name}", 2 if path.way is Way.RETRIES else 1)
        self._ids += [answer.call_id for answer in answers if answer.call_id]
        return answers

    def _count(self, name: str, times: int = 1) -> None:
        sent = self._proof.report.sent
        sent[name] = sent.get(name, 0) + times

    def _rows(self, name: str) -> None:
        """
        Each call whose id a client was told has exactly one row.
        """
        if not self._ids:
            self._proof.check(ROWS, name, None, "no answer named its call (policy has `headers: off`)")
            return
        with contextlib.suppress(Unavailable):
            self.proxy.until(lambda: self.proxy.rows().keys() >= set(self._ids), ROWS_SECONDS, "rows")
        rows = self.proxy.rows()
        once = sum(rows.get(id_) == 1 for id_ in self._ids)
        twice = sum(count > 1 for count in rows.values())
        said = f"{len(self._ids)} calls that were answered or begun, {once} have one row, {twice} of all {len(rows)} have more than one"
        self._proof.check(ROWS, name, once == len(self._ids) and not twice, said)
        self._ids = []

    async def _crash(self, door: Door, name: str, number: signal.Signals | None) -> None:
        """
        Streams are under way; then one worker gets a signal, or everything is killed at once.
        """
        streams = slow_calls(name)
        standin = self._proof.standin
        before = len(standin.seen)
        self.planted += [canary for path in streams for canary in path.planted]
        tasks = [asyncio.create_task(fetch(door, path.call)) for path in streams]
        for path in streams:
            self._count(f"crashes: {path.name}")

        def begun() -> int:
            return sum(one.pieces_sent > 3 for one in standin.seen[before:])

        await asyncio.to_thread(standin.wait, lambda _: begun() >= len(streams), UNDER_WAY_SECONDS)
        under_way = begun()
        self._proof.processes(SECTION, f"before {name}", self.proxy, self.planted)
        if number is None:
            self.proxy.kill()
        else:
            await asyncio.to_thread(self._signal, number)
        answers = await asyncio.gather(*tasks)
        cut = sum(not _whole(path, answer) for path, answer in zip(streams, answers, strict=True))
        self._ids += [answer.call_id for answer in answers if answer.call_id]
        said = f"{under_way} streams were under way, {cut} were cut off"
        self._proof.check(SECTION, f"in the middle of streams, {name}", under_way == len(streams) if self.own else None, said)
        if number is not None:
            self.search(f"after {name}")

    def _signal(self, number: signal.Signals) -> None:
        """
        One worker ends; wait until another one is there in its place.
        """
        pid = self.proxy.refresh()["pids"]["workers"][0]
        os.kill(pid, number)

        def replaced() -> bool:
            with contextlib.suppress(OSError, ValueError):
                workers = self.proxy.refresh()["pids"]["workers"]
                return pid not in workers and all(workers)
            return False

        self.proxy.until(replaced, ROWS_SECONDS, "a new worker")

    async def _again(self, door: Door) -> None:
        """
        After the restart it serves.
        """
        answers = [answer for path in slow_calls("a call after the restart")[:1] for answer in await self._quick(door, path)]
        served = all(answer.status == 200 for answer in answers)
        self._proof.check(ROWS, "it serves again", served if self.own else None, f"answered {answers[0].status}")

    async def _quick(self, door: Door, path: Passage) -> list[Answer]:
        path.call.headers.pop("x-standin", None)
        return await self._take(door, path)

    def _cores(self) -> None:
        """
        No core file came of the crash.
        """
        pattern = processes.core_pattern()
        found = [file for file in self.home.rglob("*") if file.is_file() and _is_core(file)]
        if pattern is not None and pattern.startswith("/"):
            found += [file for file in Path(pattern).parent.glob("*") if file.is_file() and _is_core(file) and self._is_new(file)]
        said = f"{len(found)} core files after the crash (core_pattern {pattern!r})"
        if pattern is not None and pattern.startswith("|"):
            program = pattern[1:].split()[0]
            said += f"; {program} is given cores whatever the limit says: see to it that it honours a limit of 0"
        self._proof.check(SECTION, "core files", not found, said, [f"a core: {file.name}" for file in found])

    def _is_new(self, file: Path) -> bool:
        return file.stat().st_mtime >= self._proof.report.started.timestamp()


def _whole(path: Passage, answer: Answer) -> bool:
    return answer.heard().count(path.planted[0].value) == SLOW_TIMES


def _is_core(file: Path) -> bool:
    """
    An ELF file of the type of cores.
    """
    with contextlib.suppress(OSError), file.open("rb") as opened:
        start = opened.read(18)
        return start[:4] == b"\x7fELF" and start[16:18] in (b"\x04\x00", b"\x00\x04")
    return False
