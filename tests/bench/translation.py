"""
`scripts/bench translation [--quick] [PART …] [--rounds N] [--json FILE]`

What does translation cost? Parts: requests, answers, streams, calls (each beside LiteLLM's own functions on the same bytes), growth (does
the cost grow with the size and no faster), proxy (translated calls beside the same calls untranslated, through the running proxy).

Figures are CPU time of one thread, medians over rounds in which ours and LiteLLM's take turns, both warm. `times` is LiteLLM's time over
ours. LiteLLM's is its transformation alone, without its logging, callbacks and cost; `served` is with the wrapper all its streams go
through, and of a call with everything `litellm.acompletion` does, to a transport that answers at once.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import translation_jobs as jobs
from bench.translation_growth import growth
from bench.translation_jobs import Job
from bench.translation_ours import cost, translated
from bench.translation_peers import LiteLlm, NotAvailable, version
from bench.translation_wire import through_the_proxy

Row = dict[str, Any]
WAYS = {"request": ("parsed",), "answer": ("parsed",), "stream": ("parsed", "served"), "call": ("served",)}


def beside(made: Iterable[Job], rounds: int, seconds: float, console: Console) -> list[Row]:
    """
    Every job by us and by LiteLLM in turn; where there is no LiteLLM, by us alone.
    """
    todo = list(made)
    ours: list[list[float]] = [[] for _ in todo]
    theirs: dict[str, list[list[float]]] = {way: [[] for _ in todo] for way in ("parsed", "served")}
    faults: dict[int, str] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="excise-bench-")))
        peer: LiteLlm | None = None
        try:
            peer = stack.enter_context(LiteLlm(todo, folder))
        except NotAvailable as reason:
            console.print(f"[yellow]without LiteLLM: {reason}[/]")
        for number in range(rounds + 1):  # the first one warms
            console.print(f"[dim]{todo[0].kind}s, {f'round {number} of {rounds}' if number else 'warming'}[/]")
            for place, job in enumerate(todo):
                length = seconds if number else 0.01
                spent = cost(partial(translated, job), length)
                if number:
                    ours[place].append(spent)
                if peer is None:
                    continue
                for way in WAYS[job.kind]:
                    told = peer.cost(place, length, way)
                    if "error" in told:
                        faults[place] = told["error"]
                    elif number:
                        theirs[way][place].append(told["seconds"])
    return [_row(job, ours[place], theirs["parsed"][place], theirs["served"][place], faults.get(place)) for place, job in enumerate(todo)]


def _row(job: Job, ours: list[float], parsed: list[float], served: list[float], fault: str | None) -> Row:
    """
    Of a stream: microseconds an event. Else of the whole, and of a KB.
    """
    stream = job.kind == "stream"
    each = job.units if stream else 1
    mine = statistics.median(ours)
    row: Row = {"translated": job.name, "size": job.size, "events" if stream else "bytes": job.units}
    row["us an event" if stream else "us"] = round(mine / each * 1e6, 2)
    if not stream:
        row["us a KB"] = round(mine / job.units * 1e9, 2)
    for name, spent in (("LiteLLM", parsed), ("served", served)):
        if spent:
            row[f"{name} us"] = round(statistics.median(spent) / each * 1e6, 1)
            row["times" if spent is parsed else "times, served"] = round(statistics.median(spent) / mine, 1)
    if fault is not None:
        row["LiteLLM failed"] = fault
    return row


def _shown(title: str, rows: list[Row]) -> Table:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    table = Table(*columns, title=title)
    for row in rows:
        cells = (row.get(column) for column in columns)
        table.add_row(*("" if cell is None else f"{cell:,}" if isinstance(cell, int | float) else str(cell) for cell in cells))
    return table


def main(arguments: list[str]) -> None:
    """
    Measure, print the tables, write the JSON file where one is asked for.
    """
    shown = Console(width=max(Console().width, 150))
    console = Console(stderr=True)
    parts = ("requests", "answers", "streams", "calls", "growth", "proxy")
    parser = argparse.ArgumentParser(
        prog="scripts/bench translation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    parser.add_argument("--quick", action="store_true", help="one short round: does it work at all")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="CPU seconds of one measurement", default=0.2)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.parts if name not in parts]:
        parser.error(f"no such part: {', '.join(unknown)}")
    rounds, seconds = given.rounds or (1 if given.quick else 7), min(given.seconds, 0.05) if given.quick else given.seconds
    measures: dict[str, Callable[[], list[Row]]] = {
        "requests": lambda: beside(jobs.requests(), rounds, seconds, console),
        "answers": lambda: beside(jobs.answers(), rounds, seconds, console),
        "streams": lambda: beside(jobs.streams(), rounds, seconds, console),
        "calls": lambda: beside(jobs.calls(), rounds, seconds, console),
        "growth": lambda: growth(1 if given.quick else 3),
        "proxy": lambda: through_the_proxy(rounds, 1.0 if given.quick else 3.0, console),
    }
    report: dict[str, Any] = {"machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()}}
    try:
        report["litellm"] = version()
    except NotAvailable as reason:
        report["litellm"] = None
        console.print(f"[yellow]LiteLLM is left out: {reason}[/]")
    for name in given.parts or parts:
        report[name] = measures[name]()
        shown.print(_shown(name if name in ("growth", "proxy") else f"{name}, beside LiteLLM {report['litellm']}", report[name]))
    if given.json:
        given.json.write_text(json.dumps(report, indent=1))
