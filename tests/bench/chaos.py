"""
`scripts/bench chaos [--calls N] [--seed N] [--share S] [--at-once N] [--workers N] [--hedge S] [--leaving S] [--json FILE]`

Do calls survive when providers do not? Five providers fail at random in every way there is, a sixth is well; half of the calls are
streamed. Prints how many calls were answered, and everything that was not as it should be: see `e2e/chaos.py`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from rich.console import Console

from e2e.chaos import rage


def main(arguments: list[str]) -> None:
    """
    Raise the storm and report; exit status 1 where something was wrong.
    """
    parser = argparse.ArgumentParser(prog="scripts/bench chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.3, help="of the calls each of the five fails at")
    parser.add_argument("--at-once", type=int, default=24)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--hedge", type=float, help="seconds until a second target is asked beside a slow one")
    parser.add_argument("--leaving", type=float, default=0.0, help="share of clients who go away before their answer is whole")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="excise-chaos-") as home:
        options = {name: getattr(given, name) for name in ("seed", "share", "at_once", "workers", "hedge", "leaving")}
        storm = rage(Path(home), given.calls, **options)
    report = {
        "calls": storm.calls,
        "hopeful": storm.hopeful,
        "answered": storm.answered,
        "success": round(storm.success, 6),
        "attempts": storm.attempts,
        "visits": storm.visits,
        "seconds": round(storm.seconds, 1),
        "calls_per_second": round(storm.calls / storm.seconds, 1),
        "p50_ms": round(storm.percentile(0.5) * 1e3, 1),
        "p99_ms": round(storm.percentile(0.99) * 1e3, 1),
        "complaints": dict(storm.counts),
    }
    if given.json is not None:
        given.json.write_text(json.dumps({**report, "examples": storm.complaints}, indent=1))
    console = Console()
    console.print(report)
    for kind, examples in storm.complaints.items():
        console.print(f"[bold]{kind}[/] ({storm.counts[kind]})", *examples[:5], sep="\n  ", highlight=False)
    if storm.complaints or storm.success < 0.999:
        raise SystemExit(1)
