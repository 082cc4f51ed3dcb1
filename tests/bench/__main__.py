"""
`scripts/bench [--quick] [GROUP …] [--rounds N] [--seconds S] [FILE.json]`

Rounds are interleaved (every subject in turn, then again) and medians are compared, since a shared machine drifts. Ratios of one run mean
something; absolute figures only on a quiet machine.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import subjects
from bench.compiled import program
from bench.scenarios import ALL, GROUPS, PATH, STREAMS, Scenario, chosen
from bench.subjects import Subject
from excise.standin.authority import Authority

Figures = dict[str, float]


def measure(subject: Subject, scenario: Scenario, body: Path, seconds: float) -> Figures:
    """
    One round: run the load, and read what the subject spent between its start and its end.
    """
    place = [str(subject.proxy_port), subject.target, str(subject.target_port), str(subject.ca_file)]
    command = [str(program("load")), *place, str(body), PATH, str(scenario.connections), str(seconds * scenario.seconds), scenario.mode]
    if scenario.events:
        command += [str(scenario.events), str(scenario.pause_ms)]
    idle = subject.cost()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load:
        assert load.stdout is not None
        if load.stdout.readline() != "go\n":
            raise SystemExit(f"the load generator failed: {command}")
        before = subject.cost()
        got: Figures = json.loads(load.stdout.readline())
        after = subject.cost()
    cpu, worker_cpu = after.cpu_seconds - before.cpu_seconds, after.worker_cpu_seconds - before.worker_cpu_seconds
    figures = {
        **got,
        "cpu_seconds": cpu,
        "worker_cpu_seconds": worker_cpu,
        "rss_mb": after.rss_bytes / 1e6,
        "worker_rss_mb": after.worker_rss_bytes / 1e6,
    }
    figures["requests_per_second"] = got["requests"] / got["seconds"]
    if scenario.mode == "idle":
        figures["rss_kb_per_connection"] = (before.worker_rss_bytes - idle.worker_rss_bytes) / scenario.connections / 1e3
    for name, count in (("requests", got["requests"]), ("events", got["events"]), ("connects", got["connects"])):
        if count and worker_cpu > 0:
            figures[f"{name}_per_worker_cpu_second"] = count / worker_cpu
            figures[f"{name}_per_cpu_second"] = count / cpu
    return figures


def run(scenarios: list[Scenario], running: dict[str, Subject], rounds: int, seconds: float, console: Console) -> list[dict[str, Any]]:
    """
    All rounds of all scenarios; the medians of every figure.
    """
    results = []
    for scenario in scenarios:
        took: dict[str, list[Figures]] = {name: [] for name in scenario.subjects if name in running}
        with tempfile.NamedTemporaryFile(suffix=".json") as body:
            body.write(scenario.body())
            body.flush()
            for number in range(rounds):
                console.print(f"[dim]{scenario.group}: {scenario.name}, round {number + 1} of {rounds}[/]")
                for name, figures in took.items():
                    figures.append(measure(running[name], scenario, Path(body.name), seconds))
        medians = {name: _medians(figures) for name, figures in took.items()}
        results.append({"group": scenario.group, "scenario": scenario.name, "medians": medians, "rounds": took})
    return results


def _medians(rounds: list[Figures]) -> Figures:
    names = sorted(set().union(*rounds))
    return {name: round(statistics.median(figures[name] for figures in rounds if name in figures), 4) for name in names}


def table(results: list[dict[str, Any]]) -> Table:
    """
    One line a scenario and subject; added times are over the straight way of the same rounds, ratios over mitmdump (workers: over one).
    `per worker CPU s` counts requests, events of a stream, or new connections; for idle tunnels it is KB of memory a tunnel.
    """
    columns = ("req/s", "added p50 ms", "p99 ms", "first p50", "per worker CPU s*", "per CPU s", "ratio", "RSS MB worker/all", "errors")
    shown = Table("scenario", "subject", *columns)
    for result in results:
        medians = result["medians"]
        base = medians.get("direct", {})
        unit = _unit(result)
        for name, got in medians.items():
            against = medians.get({"workers": "excise-1", "stream": "mitmdump-stream"}.get(result["group"], "mitmdump"))
            if name == "direct":
                ratio = None
            elif result["group"] == "workers":
                ratio = got["requests_per_second"] / against["requests_per_second"] if against else None
            elif result["group"] == "bodies":
                ratio = _added(against, base) / _added(got, base) if against and base and _added(got, base) > 0 else None
            else:
                ratio = got[unit] / against[unit] if against and unit in got and unit in against else None
            cells = [f"{got['requests_per_second']:,.0f}", f"{_added(got, base):.2f}", f"{got['p99_ms']:.1f}"]
            cells += [f"{got['first_p50_ms'] - base.get('first_p50_ms', 0):.2f}", _number(got.get(unit))]
            cells += [
                _number(got.get(unit.replace("worker_", ""))),
                f"{ratio:.2f}" if ratio is not None else "",
                f"{got['worker_rss_mb']:.0f} / {got['rss_mb']:.0f}",
            ]
            cells.append(f"{got['errors'] + got['not_warmed']:.0f}")
            shown.add_row(result["scenario"] if name == next(iter(medians)) else "", name, *cells)
        shown.add_section()
    return shown


def _unit(result: dict[str, Any]) -> str:
    if "idle" in result["group"]:
        return "rss_kb_per_connection"
    kind = {"stream": "events", "connect": "connects"}.get(result["group"], "requests")
    return f"{kind}_per_worker_cpu_second"


def _added(got: Figures, base: Figures) -> float:
    return got["p50_ms"] - base.get("p50_ms", 0.0)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


@contextlib.contextmanager
def started(wanted: set[str]) -> Iterator[dict[str, Subject]]:
    """
    The upstream and every subject asked for, each in a folder of its own; all ended and removed afterwards.
    """
    authority = Authority()
    running: dict[str, Subject] = {}
    with contextlib.ExitStack() as stack:
        stack.callback(authority.close)
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="excise-bench-")))
        pem = authority.leaf("localhost", subjects.PROVIDER)
        upstream = stack.enter_context(subprocess.Popen([str(program("upstream")), str(pem)], stdout=subprocess.PIPE, text=True))
        stack.callback(upstream.kill)
        assert upstream.stdout is not None
        port = int(upstream.stdout.readline())
        makers = {
            "direct": lambda folder: subjects.direct(port, authority.ca_file),
            "mitmdump": lambda folder: subjects.mitmdump(folder, port, authority.ca_file),
            "mitmdump-stream": lambda folder: subjects.mitmdump(
                folder, port, authority.ca_file, script=Path(__file__).parent / "pass_on.py"
            ),
            "excise-1": lambda folder: subjects.excise(folder, port, authority.ca_file, 1),
            "excise-2": lambda folder: subjects.excise(folder, port, authority.ca_file, 2),
        }
        for name in sorted(wanted):
            folder = home / name
            folder.mkdir()
            running[name] = makers[name](folder)
            stack.callback(running[name].stop)
        yield running


def main() -> None:
    """
    Measure, write the JSON file, print the table.
    """
    if sys.argv[1:2] == ["redaction"]:
        from bench import redaction

        return redaction.main(sys.argv[2:])
    if sys.argv[1:2] == ["translation"]:
        from bench import translation

        return translation.main(sys.argv[2:])
    if sys.argv[1:2] == ["routing"]:
        from bench import routing

        return routing.main(sys.argv[2:])
    if sys.argv[1:2] == ["profile"]:
        from bench import profile

        return profile.main(sys.argv[2:])
    if sys.argv[1:2] == ["failover"]:
        from bench import failover

        return failover.main(sys.argv[2:])
    if sys.argv[1:2] == ["chaos"]:
        from bench import chaos

        return chaos.main(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP|FILE.json", help=f"{', '.join(GROUPS)}; where to write")
    parser.add_argument("--quick", action="store_true", help="one short round of the main scenarios: does it work at all")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of one round")
    parser.add_argument("--subjects", help="comma-separated, instead of all", default="")
    given = parser.parse_intermixed_args()
    files = [name for name in given.groups if name.endswith(".json")]
    groups = [name for name in given.groups if not name.endswith(".json")]
    if unknown := [name for name in groups if name not in GROUPS]:
        parser.error(f"no such group: {', '.join(unknown)}")
    scenarios = chosen(groups, given.quick)
    wanted = {name for scenario in scenarios for name in scenario.subjects}
    if given.subjects:
        wanted &= set(given.subjects.split(","))
    if not wanted & {*STREAMS, *ALL} - {"direct"}:
        parser.error("nothing to measure")
    rounds, seconds = given.rounds or (1 if given.quick else 5), given.seconds or (1.0 if given.quick else 4.0)
    console = Console(stderr=True)
    with started(wanted) as running:
        results = run(scenarios, running, rounds, seconds, console)
    now = datetime.datetime.now(datetime.UTC)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "kernel": platform.release(), "load": os.getloadavg()}
    file = Path(files[0] if files else f"bench-{now:%Y%m%d-%H%M%S}.json")
    report = {"at": now.isoformat(), "machine": machine, "rounds": rounds, "seconds": seconds, "results": results}
    file.write_text(json.dumps(report, indent=1))
    Console(width=max(Console().width, 150)).print(table(results))
    console.print(f"written: {file}")


if __name__ == "__main__":
    main()
