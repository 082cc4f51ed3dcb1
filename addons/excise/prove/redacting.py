"""
Redaction is tried: no value may reach the provider, each client must get its own back, and what cannot be read must not leave.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from excise.prove.canaries import OWN_PATTERN, prose, values
from excise.prove.carriers import Carrier, carriers, unreadable
from excise.prove.client import Answer, Door, fetch
from excise.prove.dialects import chat
from excise.prove.search import Search, Searched
from excise.prove.surroundings import Proxy
from excise.standin import Seen

if TYPE_CHECKING:
    from excise.prove.run import Proof

KEY: Final = "standin-prove-key"
MAX_BODY_BYTES: Final = 1 << 20
SECTION: Final = "Redaction: what the provider gets to see, and what the client gets back"
CLOSED: Final = "Fail closed: what must be refused, with nothing of it sent"
FILES: Final = "Own files: values that were taken out"
POLICY: Final = f"""\
version: 1
redact:
  - name: everything
    profile: strict
detect:
  patterns: [{{name: prove-orders, pattern: '{OWN_PATTERN}'}}]
  dictionaries: [{{name: prove-words, values: 'file:words.txt'}}]
default: allow
"""
# Takes away what the proxy's own check expects back in the answer: so it must find that redaction does not work.
BROKEN: Final = """\
version: 1
redact:
  - name: everything
    profile: strict
    actions: {CUSTOM: remove}
detect:
  patterns: [{name: takes-too-much, pattern: '.{1,4}gh[a-z]_[A-Za-z0-9]{36}.{1,4}'}]
default: allow
"""


@dataclass(slots=True)
class Tried:
    """
    A carrier and what became of it.
    """

    carrier: Carrier
    answer: Answer
    reached: list[Seen] = field(repr=False)
    found: Searched = field(repr=False)

    @property
    def lost(self) -> list[str]:
        """
        Kinds of values the client did not get back.
        """
        if not self.carrier.speaks:
            return []
        heard = self.answer.heard()
        return [canary.kind for canary in self.carrier.planted if canary.value not in heard]


class Redacting:
    """
    The part of the proof that wants a policy that redacts.
    """

    def __init__(self, proof: Proof) -> None:
        self._proof = proof
        self._carriers = list(carriers(KEY))
        self._unreadable = list(unreadable(KEY))
        self._stream = values("a stream that is killed")
        self._broken = values("a call while the check fails")
        self.planted = [canary for carrier in (*self._carriers, *self._unreadable) for canary in carrier.planted]
        self.planted += [*self._stream.values(), *self._broken.values()]
        words = "\n".join(canary.value for canary in self.planted if canary.kind == "own dictionary")
        self.files = FILES
        self.home = proof.home("redacting")
        self.own = proof.options.policies is None
        text = proof.options.redacting or POLICY
        self.policies = proof.policies("redacting", text, {"words.txt": words})
        self.proxy = Proxy(self.home, proof.standin, self.policies, ["--max-body-bytes", str(MAX_BODY_BYTES)])

    def run(self) -> None:
        """
        Redact, refuse, be killed, come back with a policy that does not work.
        """
        door = self.proxy.start()
        asyncio.run(self._calls(door))
        self._proof.processes(FILES, "while calls are redacted", self.proxy, self.planted)
        self.search("while it runs")
        asyncio.run(self._killed(door))
        self.search("after kill -9 of the whole family in the middle of a stream")
        if self.own:
            self._self_check()
        else:
            self.proxy.start()
        self._proof.note_policies(self.proxy)
        self.proxy.stop()

    def search(self, moment: str) -> None:
        """
        Look through all files for all that was planted so far.
        """
        self._proof.search(FILES, moment, self.planted, self.home)

    async def _calls(self, door: Door) -> None:
        groups: dict[str, list[Tried]] = defaultdict(list)
        for carrier in self._carriers:
            groups[carrier.group].append(await self._try(door, carrier))
        for name, tried in groups.items():
            self._judge(name, tried)
        self._judge_refused([await self._try(door, carrier) for carrier in self._unreadable])

    async def _try(self, door: Door, carrier: Carrier) -> Tried:
        seen = self._proof.standin.seen
        before = len(seen)
        answer = await fetch(door, carrier.call)
        reached = list(seen[before:])
        found = Searched()
        search = Search(carrier.planted)
        for one in reached:
            request = one.request
            head = "\r\n".join([f"{request.method} {request.target}", *(f"{name}: {value}" for name, value in request.headers)])
            search.of(head.encode("latin-1", errors="replace"), "line and headers", found)
            search.of(request.body, "body", found)
        self._proof.report.sent[f"redaction: {carrier.group}"] = self._proof.report.sent.get(f"redaction: {carrier.group}", 0) + 1
        return Tried(carrier, answer, reached, found)

    def _judge(self, name: str, tried: list[Tried]) -> None:
        left = [
            f"{one.carrier.name}: {finding.canary.kind} in its {finding.where}, as {finding.form}"
            for one in tried
            for finding in one.found.findings
        ]
        lost = [f"{one.carrier.name}: {kind} did not come back" for one in tried for kind in one.lost]
        reached = sum(bool(one.reached) for one in tried)
        values_count = sum(len(one.carrier.planted) for one in tried)
        said = f"{values_count} values in {len(tried)} requests, {reached} reached the provider, holding {len(left)} of them"
        if spoken := [one for one in tried if one.carrier.speaks]:
            whole = sum(len(one.carrier.planted) for one in spoken)
            said += f"; {whole - len(lost)} of {whole} came back to the client"
        # Nothing proves anything where nothing got through.
        passed = (reached > 0 and not left and not lost) if self.own else None
        names = [one.carrier.name for one in tried if one.carrier.name != name]
        self._proof.check(SECTION, name, passed, said, left + lost or names if self.own else [_told(one) for one in tried])

    def _judge_refused(self, tried: list[Tried]) -> None:
        for one in tried:
            passed = (not one.reached and one.answer.status >= 400) if self.own else None
            said = f"answered {one.answer.status}, {len(one.reached)} requests reached the provider"
            self._proof.check(CLOSED, one.carrier.name, passed, said, [str(finding) for finding in one.found.findings])

    async def _killed(self, door: Door) -> None:
        """
        A stream with values is under way when everything is killed.
        """
        call = chat("echo: " + f"{prose(self._stream)} " * 5, KEY, stream=True, headers={"x-standin": "pause_ms=100"})
        task = asyncio.create_task(fetch(door, call))
        begun = await asyncio.to_thread(self._proof.standin.wait, lambda standin: standin.seen[-1].pieces_sent > 5, 10.0)
        self.proxy.kill()
        answer = await task
        said = f"the stream was {'under way' if begun else 'not under way'}, {len(answer.body):,} bytes of it had come"
        self._proof.check(FILES, "kill -9 in the middle of a stream", begun if self.own else None, said)

    def _self_check(self) -> None:
        """
        Come back with a policy under which redaction does not work.
        """
        for file in self.policies.glob("*.yml"):
            file.write_text(BROKEN)
        door = self.proxy.start()
        carrier = Carrier("self-check", "self-check", tuple(self._broken.values()), chat(prose(self._broken), KEY))
        tried = asyncio.run(self._try(door, carrier))
        said = f"answered {tried.answer.status}, {len(tried.reached)} requests reached the provider"
        passed = not tried.reached and b"redaction does not work" in tried.answer.body
        self._proof.check(CLOSED, "redaction that does not work (the proxy's own check says so)", passed, said)


def _told(tried: Tried) -> str:
    """
    What a policy that is not ours did with the values of one request.
    """
    if not tried.reached:
        return f"{tried.carrier.name}: nothing was sent, answered {tried.answer.status}"
    left = {finding.canary.kind for finding in tried.found.findings}
    out = [canary.kind for canary in tried.carrier.planted if canary.kind not in left]
    return f"{tried.carrier.name}: left the host: {', '.join(sorted(left)) or 'nothing'}; taken out: {', '.join(out) or 'nothing'}"
