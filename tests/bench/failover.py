"""
`scripts/bench failover [--quick] [--calls N] [--json FILE] [cost|timers …]`: what failing over costs, and how exact its clocks are.

cost    Calls whose first target fails beside the same calls asked of the second alone, one after the other on one connection, a call of
        every way in turn; connections to the providers are warm. Added times, and the worker's CPU time, are over the nearest way above
        that has no failure.
timers  Calls whose first target goes silent, one every 20 ms or all at once, with ordinary calls beside them or without: how many
        milliseconds later than said its target sees itself given up, and when the client has its answer. Connections there are none
        of before, so the client's time holds making two. Of connections that do not come about the ledger's time of the attempt is taken.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.compiled import program
from bench.failover_world import CHAT, HOSTS, TIMER_SECONDS, Client, Upstream, Way, world
from e2e.proxy import Proxy

COST = [
    Way("plain"),
    Way("busy", "busy"),
    Way("refused", "refused"),
    Way("plain-stream", stream=True),
    Way("broken-stream", "broken", stream=True),
    Way("plain-64k", size="64 KB, 80 turns"),
    Way("busy-64k", "busy", size="64 KB, 80 turns"),
    Way("plain-messages", second="messages"),
    Way("busy-messages", "busy", second="messages"),
    Way("refused-messages", "refused", second="messages"),
    Way("plain-messages-stream", second="messages", stream=True),
    Way("broken-messages-stream", "broken", second="messages", stream=True),
]
TIMERS = [
    Way("first_byte", "silent", limits=f", first_byte_seconds: {TIMER_SECONDS}"),
    Way("connect", "hole", limits=f", connect_seconds: {TIMER_SECONDS}"),
    Way("idle", "begun", stream=True, limits=f", idle_seconds: {TIMER_SECONDS}"),
]
CALLS = 50
MOST_CALLS = 180  # of every way: a policy has room for 200 providers, and two ways need one for every second call
APART_SECONDS = 0.02
LOAD_CONNECTIONS = 4
WARM = 4
SETTLES_SECONDS = 0.004  # after an answer, until its call is in the journal

Row = dict[str, Any]


def cost(proxy: Proxy, upstream: Upstream, key: str, calls: int) -> list[Row]:
    """
    Milliseconds of every way, interleaved; and what the ledger and the upstream say of attempts and connections.
    """
    client = Client(proxy.port, key)
    worker = proxy.ready["pids"]["workers"][0]
    took: dict[str, list[float]] = {way.name: [] for way in COST}
    spent: dict[str, list[float]] = {way.name: [] for way in COST}
    opened = 0
    for number in range(WARM + calls):
        if number == WARM:
            opened = upstream.connections()
        for way in COST:
            body, before = way.body(number), _cpu_ms(worker)
            took[way.name].append(client.ask(body) * 1e3)
            time.sleep(SETTLES_SECONDS)
            spent[way.name].append(_cpu_ms(worker) - before)
    opened = upstream.connections() - opened - 1
    attempts = _attempts(proxy, len(COST) * (WARM + calls), COST)
    rows: list[Row] = []
    plain, cheap = took["plain"][WARM:], spent["plain"][WARM:]
    for way in COST:
        measured, cpu = took[way.name][WARM:], spent[way.name][WARM:]
        if not way.fails:
            plain, cheap = measured, cpu
        row: Row = {"way": way.name, "attempts a call": attempts[way.name]}
        row |= {"p50 ms": _share(measured, 0.5), "p99 ms": _share(measured, 0.99), "CPU ms": _share(cpu, 0.5)}
        if way.fails:
            # Calls of one turn are some milliseconds apart: what slows one slows the other.
            row["added p50"] = statistics.median(one - other for one, other in zip(measured, plain, strict=True))
            row["added p99"] = _share(measured, 0.99) - _share(plain, 0.99)
            row["added CPU"] = _share(cpu, 0.5) - _share(cheap, 0.5)
        rows.append(row)
    return [*rows, {"way": f"new connections to providers in {calls * len(COST)} calls: {opened}"}]


def _cpu_ms(pid: int) -> float:
    """
    What all threads of a process have computed, to the microsecond; on a busy machine it says more than the clock.
    """
    return sum(int(task.joinpath("schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e6


def _attempts(proxy: Proxy, count: int, ways: Sequence[Way]) -> dict[str, float]:
    """
    Attempts a call, which show whether a breaker has kept the first target from being asked.
    """
    proxy.until(lambda: _counted(proxy) >= count, 30, "the ledger's rows")
    rows = proxy.query(
        "select regexp_replace(model_requested, '-[0-9]+$', '') as way, count(*) as attempts, count(distinct call_id) as calls"
        " from attempts join calls using (call_id) group by 1"
    )
    found = {row["way"]: int(row["attempts"]) / int(row["calls"]) for row in rows}
    return {way.name: found[way.name] for way in ways}


def _counted(proxy: Proxy) -> int:
    rows = proxy.query("select count(*) as n from calls where operation = 'chat'")
    return int(rows[0]["n"]) if rows else 0


def _share(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def timers(proxy: Proxy, upstream: Upstream, home: Path, key: str) -> list[Row]:
    """
    Every clock, with and without other load.
    """
    rows = []
    _apart(proxy, key, [Way("plain").body(0)] * CALLS, APART_SECONDS)  # warm
    for way in TIMERS:
        for number, (loaded, apart) in enumerate(((False, APART_SECONDS), (True, APART_SECONDS), (False, 0.0), (True, 0.0))):
            bodies = [way.body(place + CALLS * number) for place in range(CALLS)]
            with _load(proxy, home) if loaded else _nothing():
                since = proxy.latest()
                client = _apart(proxy, key, bodies, apart)
            waits = _from_the_ledger(proxy, way, since) if way.name == "connect" else upstream.waits()
            row: Row = {"clock": way.name, "calls": "one by one" if apart else "at once"}
            row["beside"] = f"load of {LOAD_CONNECTIONS}" if loaded else "nothing"
            for who, values in (("given up", waits), ("answered", client)):
                row |= {f"{who} {name}": value for name, value in _spread([one - TIMER_SECONDS * 1e3 for one in values]).items()}
            rows.append(row)
    return rows


def _spread(values: list[float]) -> dict[str, float]:
    return {"min": min(values), "p50": _share(values, 0.5), "p90": _share(values, 0.9), "max": max(values)}


def _apart(proxy: Proxy, key: str, bodies: list[bytes], seconds: float) -> list[float]:
    """
    Milliseconds of calls that begin so far apart.
    """
    start = Barrier(len(bodies))

    def one(place: int) -> float:
        client = Client(proxy.port, key)
        start.wait()
        time.sleep(place * seconds)
        return client.ask(bodies[place]) * 1e3

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(one, range(len(bodies))))


def _from_the_ledger(proxy: Proxy, way: Way, since: str) -> list[float]:
    """
    Milliseconds of each first attempt.
    """
    sql = (
        "select attempts.latency_ms as ms, attempts.error_type as why from attempts join calls using (call_id)"
        f" where attempt = 1 and model_requested like '{way.name}-%' and calls.started_at > '{since}'"
    )
    proxy.until(lambda: len(proxy.query(sql)) >= CALLS, 30, f"{CALLS} attempts of {way.name}")
    rows = proxy.query(sql)
    if any(row["why"] not in ("upstream_timeout", "connect_timeout") for row in rows):
        raise SystemExit(f"not by the clock: {sorted({str(row['why']) for row in rows})}")
    return [float(row["ms"]) for row in rows]


@contextmanager
def _load(proxy: Proxy, home: Path) -> Iterator[None]:
    """
    Ordinary calls through the proxy, as many as it takes.
    """
    body = home / "body.json"
    body.write_bytes(Way("plain").body(0).replace(b"plain-0", b"gpt-4o-mini"))
    place = [str(proxy.port), HOSTS["eu"], "443", str(proxy.ready["ca"]), str(body), CHAT]
    with subprocess.Popen([str(program("load")), *place, str(LOAD_CONNECTIONS), "30", "keep"], stdout=subprocess.PIPE, text=True) as load:
        assert load.stdout is not None
        if load.stdout.readline() != "go\n":
            raise SystemExit("the load generator failed")
        time.sleep(0.5)
        yield
        load.kill()


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def table(title: str, rows: list[Row]) -> Table:
    shown = Table(*dict.fromkeys(name for row in rows for name in row), title=title)
    names = [str(column.header) for column in shown.columns]
    for row in rows:
        values = (row.get(name, "") for name in names)
        shown.add_row(*(f"{value:.2f}" if isinstance(value, float) else str(value) for value in values))
    return shown


def main(arguments: Sequence[str]) -> None:
    """
    Measure, print, write.
    """
    parser = argparse.ArgumentParser(
        prog="scripts/bench failover", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="cost, timers; both unless told")
    parser.add_argument("--quick", action="store_true", help="few calls: does it work at all")
    parser.add_argument("--calls", type=int, help="of every way")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    if unknown := set(given.parts) - {"cost", "timers"}:
        parser.error(f"no such part: {', '.join(unknown)}")
    parts = given.parts or ["cost", "timers"]
    calls = given.calls or (30 if given.quick else MOST_CALLS)
    if calls > MOST_CALLS:
        parser.error(f"at most {MOST_CALLS} calls")
    console = Console(width=max(Console().width, 150))
    report: dict[str, Any] = {"calls": calls, "load": os.getloadavg()}
    for part in parts:
        ways, room = (COST, WARM + calls) if part == "cost" else ([Way("plain"), *TIMERS], 4 * CALLS)
        with tempfile.TemporaryDirectory(prefix="excise-bench-") as folder, world(Path(folder), ways, room) as (proxy, upstream, key):
            report[part] = cost(proxy, upstream, key, calls) if part == "cost" else timers(proxy, upstream, Path(folder), key)
        console.print(table(f"{part}, load of the machine {os.getloadavg()[0]:.1f}", report[part]))
    if given.json is not None:
        given.json.write_text(json.dumps(report, indent=1))
