"""
A storm: providers that fail at random in every way there is, one that is well, and many calls at once. What each of them got, and whether
client, providers and ledger agree about it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from e2e import unified
from e2e.failing import entry
from e2e.faulty import AFTER, BEFORE, EVERY, FINAL, HOSTS, MODEL, WELL, Faulty, answer, faulty, prompt
from e2e.proxy import Proxy, running_proxy
from e2e.tunnel import Answer, Tunnel
from excise.standin import Seen

FAILING = ("us", "eu", "au", "ca", "jp")
HEALTHY = "in"
WORDS = 24
_LONG = ("rate-late", "rate-date")  # a target that asks for half a minute or more has it: the storm would be over for it
_KEPT = 20  # of each kind of complaint

POLICY = f"""\
version: 1
providers:
{chr(10).join(entry(name, name) for name in (*FAILING, HEALTHY))}
aliases:
  storm:
    to: [{", ".join(f"{{target: {name}/{MODEL}, weight: 1}}" for name in (*FAILING, HEALTHY))}]
    failover:
      {{attempts: 12, connect_seconds: 5, first_byte_seconds: 3, idle_seconds: 3, total_seconds: 60, max_wait_seconds: 1, hedge_seconds: H}}
default: allow
"""


@dataclass(frozen=True, slots=True)
class Call:
    """
    One call of the storm.

    Attributes:
        bound: It cannot succeed: a request that is at fault itself, or text that breaks off at every target.
        leaves: Seconds after which the client goes away; `None`: it stays.
    """

    name: str
    orders: dict[str, str]
    stream: bool
    bound: bool = False
    leaves: float | None = None


def calls(count: int, seed: int, share: float, leaving: float, *more: str) -> list[Call]:
    """
    That many calls, each with orders to every provider; of its first, second and later visits, `share` find a failure, or one of `more`.
    """
    dice = random.Random(seed)
    made = []
    for number in range(count):
        stream = dice.random() < 0.5
        kinds = [name for name, fault in BEFORE.items() if fault.fits(stream) and name not in _LONG] + [*more] * 10
        visits = {name: [dice.choice(kinds) if dice.random() < share else "well" for _ in range(3)] for name in FAILING}
        orders = {name: "+".join(found) for name, found in visits.items()}
        ends = (*FINAL, *AFTER) if stream else tuple(FINAL)
        bound = dice.random() < 0.02
        if bound:
            orders = dict.fromkeys((*FAILING, HEALTHY), dice.choice(ends))
        leaves = dice.uniform(0.0, 0.3) if dice.random() < leaving else None
        made.append(Call(f"s{seed}-{number}", orders, stream, bound, leaves))
    return made


@dataclass(slots=True)
class Storm:
    """
    What came of it. `complaints` say what was not as it should be, by kind; empty: nothing.
    """

    calls: int = 0
    hopeful: int = 0  # not bound to fail
    answered: int = 0  # of these
    seconds: float = 0.0
    attempts: int = 0
    visits: int = 0
    waited: list[float] = field(default_factory=list)  # seconds of each call
    complaints: dict[str, list[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def success(self) -> float:
        return self.answered / self.hopeful

    def complain(self, kind: str, text: str) -> None:
        self.counts[kind] += 1
        kept = self.complaints.setdefault(kind, [])
        if len(kept) < _KEPT:
            kept.append(text)

    def percentile(self, share: float) -> float:
        return sorted(self.waited)[min(len(self.waited) - 1, int(share * len(self.waited)))]


def rage(
    home: Path,
    count: int,
    *,
    seed: int = 1,
    share: float = 0.3,
    at_once: int = 24,
    workers: int = 1,
    hedge: float | None = None,
    leaving: float = 0.0,
) -> Storm:
    """
    Start everything, make the calls, look everything up.

    Args:
        leaving: The share of clients who go away before their answer is whole.
        hedge: Seconds until a second target is asked beside a slow one, of which there are some then.
    """
    made = calls(count, seed, share, leaving, *(("late",) if hedge else ()))
    (home / "policies").mkdir()
    policies = unified.write_policy(home / "policies", POLICY.replace("hedge_seconds: H", f"hedge_seconds: {hedge or 'off'}"))
    (home / "proxy").mkdir()
    with (
        faulty(*FAILING, HEALTHY) as group,
        running_proxy(home / "proxy", group, policies=policies, flags=("--workers", str(workers))) as proxy,
    ):
        key = unified.make_key(proxy, "storm")
        # The kernel gives connections to workers as it likes.
        proxy.until(lambda: all(asyncio.run(_known(proxy, key)) for _ in range(1 if workers == 1 else 8 * workers)), 20, "the key")
        storm = Storm(calls=count, hopeful=sum(not call.bound and call.leaves is None for call in made))
        began = time.monotonic()
        ids = asyncio.run(_all(proxy, key, made, storm, at_once))
        storm.seconds = time.monotonic() - began
        _compare(proxy, group, made, ids, storm, exact=hedge is None)
    return storm


async def _known(proxy: Proxy, key: str) -> bool:
    async with Tunnel(*await asyncio.open_connection("127.0.0.1", proxy.port)) as tunnel:
        await tunnel.send(f"GET /v1/models HTTP/1.1\r\nHost: proxy\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
        return (await tunnel.answer()).status == 200


async def _all(proxy: Proxy, key: str, made: list[Call], storm: Storm, at_once: int) -> dict[str, str]:
    """
    Every call, some at once, each client on a connection it keeps; the proxy's ids by the calls' names.
    """
    left = iter(made)
    ids: dict[str, str] = {}

    async def client() -> None:
        tunnel = None
        for call in left:
            if call.leaves is not None:
                await _leave(proxy, key, call, call.leaves)
                continue
            began = time.monotonic()
            tunnel = tunnel or Tunnel(*await asyncio.open_connection("127.0.0.1", proxy.port))
            try:
                async with asyncio.timeout(90):
                    await tunnel.send(_request(key, call))
                    got = await tunnel.answer()
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                storm.complain("no answer", f"{call}: {error!r}")
                tunnel.abort()
                tunnel = None
                continue
            storm.waited.append(time.monotonic() - began)
            if (id_ := got.header("x-excise-call-id")) is not None:
                ids[call.name] = id_
            _look_at(call, got, storm)
            if not got.complete or (got.header("connection") or "").lower() == "close":
                await tunnel.close()
                tunnel = None
        if tunnel is not None:
            await tunnel.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(client())
    return ids


async def _leave(proxy: Proxy, key: str, call: Call, seconds: float) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(_request(key, call))
    await writer.drain()
    await asyncio.sleep(seconds)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _request(key: str, call: Call) -> bytes:
    asked = {"model": "storm", "stream": call.stream, "messages": [{"role": "user", "content": prompt(call.name, call.orders, WORDS)}]}
    body = json.dumps(asked).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: proxy\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _look_at(call: Call, got: Answer, storm: Storm) -> None:
    """
    Whether an answer is one provider's, whole, once; or one clear error.
    """
    try:
        text, ended, errors = _read(got)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        storm.complain("unreadable", f"{call}: {got.status} {got.body[:300]!r} {error!r}")
        return
    who = text.partition(".")[0]
    if text and (who not in HOSTS or not answer(who, WORDS).startswith(text)):
        storm.complain("mixed", f"{call}: {text!r}")
    whole = got.status == 200 and got.complete and ended == 1 and not errors and bool(text) and text == answer(who, WORDS)
    if whole and not call.bound:
        storm.answered += 1
    elif whole:
        storm.complain("answered though none could", f"{call}: {text!r}")
    elif errors != 1 or ended:
        storm.complain("no clear error", f"{call}: {got.status} {got.complete} {ended} {errors} {got.body[-300:]!r}")
    elif not call.bound:
        storm.complain("failed though one was well", f"{call}: {got.status} {got.body[-300:]!r}")


def _read(got: Answer) -> tuple[str, int, int]:
    """
    The text, how many ends the answer has and how many errors.
    """
    if "event-stream" not in (got.header("content-type") or ""):
        body = json.loads(got.body)
        if "error" in body:
            return "", 0, 1
        (choice,) = body["choices"]
        return choice["message"]["content"], 1, 0
    text, finishes, errors = "", 0, 0
    data = re.findall(rb"^data: ?(.*?)\r?$", got.body, re.M)
    for one in data:
        if one == b"[DONE]":
            continue
        piece: dict[str, Any] = json.loads(one)
        errors += "error" in piece
        for choice in piece.get("choices", ()):
            text += choice["delta"].get("content") or ""
            finishes += choice.get("finish_reason") is not None
    done = data.count(b"[DONE]")
    return text, finishes if done == (0 if errors else 1) else done + finishes + 2, errors


def _compare(proxy: Proxy, group: Faulty, made: list[Call], ids: dict[str, str], storm: Storm, *, exact: bool) -> None:
    """
    Whether the ledger has every call once, and every visit of a stand-in as an attempt, with what it said and cost. Not `exact`: some
    attempts were given up while others answered, before the provider had seen or answered them.
    """
    where = "model_requested = 'storm'"
    proxy.until(lambda: proxy.query(f"select count(*) as n from calls where {where}")[0]["n"] >= len(made), 60, "all rows")
    rows = proxy.query(f"select call_id, status, attempts, input_tokens, output_tokens, cost_usd::varchar as cost from calls where {where}")
    by_id = {row["call_id"]: row for row in rows}
    if len(rows) != len(made) or len(by_id) != len(rows):
        storm.complain("rows", f"{len(rows)} rows, {len(by_id)} ids, {len(made)} calls")
    tries: dict[str, list[dict[str, Any]]] = {}
    for one in proxy.query(f"select a.* from attempts a join calls c using (call_id) where {where} order by attempt"):
        tries.setdefault(one["call_id"], []).append(one)
    visits = group.by_call()
    for standin in group.standins.values():
        if not standin.wait(lambda one: all(seen.ended for seen in one.seen)):
            storm.complain("still running", f"{[seen for seen in standin.seen if not seen.ended][:3]}")
    storm.attempts = sum(map(len, tries.values()))
    storm.visits = sum(len(visits.get(call.name, ())) for call in made)
    for call in made:
        id_ = ids.get(call.name)
        if id_ is None:
            continue  # complained of already
        row, attempts, seen = by_id.get(id_), tries.get(id_, []), visits.get(call.name, [])
        if row is None:
            storm.complain("lost row", f"{call}")
            continue
        ledger = sorted(((one["host"], one["http_status"]) for one in attempts), key=repr)
        told = _told(call, seen)
        real = sorted(((HOSTS[name], EVERY[order].status) for (name, _), order in zip(seen, told, strict=True)), key=repr)
        if (ledger != real if exact else len(real) > len(ledger)) or row["attempts"] != len(attempts):
            storm.complain("attempts", f"{call}: ledger {ledger}, providers {real}, row {row['attempts']}")
        if row["status"] == "ok":
            billed = [one.billed for (_, one), order in zip(seen, told, strict=True) if order in WELL]
            stated = [(bill.input_tokens, bill.output_tokens, bill.usd) for bill in billed if bill is not None]
            ours = (row["input_tokens"], row["output_tokens"], Decimal(row["cost"]))
            if stated != [ours] if exact else ours not in stated:
                storm.complain("bill", f"{call}: {row} {billed}")


def _told(call: Call, seen: list[tuple[str, Seen]]) -> list[str]:
    """
    What each visit was told to do.
    """
    before: Counter[str] = Counter()
    told = []
    for name, _ in seen:
        orders = call.orders.get(name, "well").split("+")
        told.append(orders[min(before[name], len(orders) - 1)])
        before[name] += 1
    return told
