"""
`scripts/bench redaction [--quick] [PART …] [--size MB] [--json FILE]`

How good and how fast is redaction? Parts: recall (on the labelled set), ordinary (findings in ordinary text), speed, worst, latency,
restore, peers (Presidio and detect-secrets on the same texts). Speeds are MB (10^6 bytes of UTF-8) per CPU second, best of three.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import redaction_peers
from bench.redaction_restore import restore
from bench.redaction_subject import Subject, subjects, walked
from bench.redaction_texts import KINDS, WORST, texts
from bench.redaction_wire import requests
from excise.privacy.entities import ENTITIES, Kind
from privacy.labelled import Case, cases
from privacy.labelled.score import Score, scored

PROFILES = ("secrets", "pii", "strict")
Row = dict[str, Any]


def recall() -> list[Row]:
    """
    The labelled set, each text with the rules of its profile.
    """
    scores: dict[str, Score] = {}
    for profile in PROFILES:
        subject = Subject(profile)
        of_profile = [case for case in cases() if case.profile == profile]
        found = {id(case): subject.found(case.text) for case in of_profile}
        scores |= scored(of_profile, lambda case, found=found: found[id(case)])
    return [
        {
            "family": family,
            "labels": score.labels,
            "recall": round(score.recall, 4),
            "right kind": round(score.typed / score.found, 4) if score.found else None,
            "cut": score.cut,
            "wide": score.wide,
            "false": sum(score.extra.values()),
            "missed": [" ".join(filter(None, sample)).replace("\x00", "…") for sample, _ in score.missed.most_common(5)],
            "false by": dict(score.extra.most_common(5)),
        }
        for family, score in sorted(scores.items())
    ]


def ordinary(size: int) -> list[Row]:
    """
    Findings in ordinary text. E-mail addresses, URLs' hosts and the like in it are real: only what they are tells true from false.
    """
    rows = []
    subject = Subject("strict")
    for kind in KINDS:
        pieces = texts(kind, size)
        found: Counter[tuple[str, str]] = Counter()
        for piece in pieces:
            found.update((entity, detector) for _, _, entity, detector in subject.found_in(piece))
        mb = sum(len(piece) for piece in pieces) / 1e6
        secrets = sum(count for (entity, _), count in found.items() if ENTITIES[entity].kind is Kind.SECRET)
        top = {f"{entity} {detector}": count for (entity, detector), count in found.most_common(6)}
        per_mb = {"secrets/MB": round(secrets / mb, 2), "personal/MB": round((found.total() - secrets) / mb, 2)} if mb else {}
        rows.append({"kind": kind, "MB": round(mb, 2), **per_mb, "top": top})
    return rows


def _best(work: Callable[[Any], object], given: list[Any], rounds: int = 3) -> float:
    """
    CPU seconds of `work` on each of `given`.
    """
    took = []
    for _ in range(rounds):
        before = time.process_time()
        for one in given:
            work(one)
        took.append(time.process_time() - before)
    return min(took)


def speed(size: int) -> list[Row]:
    """
    Walk, views and all detectors; plain texts go as the content of one message.
    """
    rows = []
    gates = subjects("strict")
    for kind in KINDS:
        bodies = [_body(piece) for piece in texts(kind, size)]
        mb = sum(map(len, bodies)) / 1e6
        row: Row = {"kind": kind, "MB": round(mb, 2)}
        if bodies:
            row |= {name: round(mb / _best(subject.look, bodies), 1) for name, subject in gates.items()}
            row["walk alone"] = round(mb / _best(walked, bodies), 1)
            documents = [walked(body) for body in bodies]
            row |= {f"scan: {name}": round(mb / _best(subject.scan, documents), 1) for name, subject in gates.items()}
        rows.append(row)
    return rows


def _body(text: str) -> bytes:
    """
    A request body: the text itself where it is JSON, else with the text as content.
    """
    if text[:1] in "{[":
        try:
            json.loads(text)
        except ValueError:
            pass
        else:
            return text.encode()
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}, ensure_ascii=False).encode()


def worst() -> list[Row]:
    """
    Seconds of 1 MB of each, walk included, and the rules that take longest.
    """
    rows = []
    gates = subjects("strict")
    for kind, make in WORST.items():
        text = make()
        row: Row = {"kind": kind}
        row |= {name: round(_best(subject.look, [_body(text)], 1), 3) for name, subject in gates.items()}
        slow = gates["aho-corasick"].slowest(text)
        row["slowest rules, ms"] = {name: round(seconds * 1000, 1) for name, seconds in slow if seconds > 0.01}
        rows.append(row)
    return rows


def latency(count: int = 200) -> list[Row]:
    """
    Requests of about 200 KB, one at a time.
    """
    random = Random(5)
    bodies = []
    for _ in range(count):
        messages: list[Any] = []
        while len(json.dumps(messages)) < 200_000:
            messages.append({"role": "user", "content": requests(random)})
        bodies.append(json.dumps({"model": "m", "messages": messages}).encode())
    rows = []
    for name, subject in subjects("strict").items():
        took = []
        for body in bodies:
            before = time.perf_counter()
            subject.look(body)
            took.append((time.perf_counter() - before) * 1000)
        took.sort()
        size = statistics.mean(map(len, bodies)) / 1000
        rows.append(
            {"gate": name, "KB": round(size), "p50 ms": round(took[len(took) // 2], 2), "p99 ms": round(took[int(len(took) * 0.99)], 2)}
        )
    return rows


def peers() -> list[Row]:
    """
    The same labelled texts to everybody. Found: nine tenths covered, of whatever kind; precise: findings that touch a label.
    """
    rows = []
    for peer, profile in (("detect-secrets", "secrets"), ("presidio", "pii")):
        chosen = [case for case in cases() if case.profile == profile or (not case.spans and case.profile == "strict")]
        given = [_plain(case.text) for case in chosen]
        mb = sum(len(text.encode()) for text in given) / 1e6
        ours = Subject(profile)
        before = time.process_time()
        found = [ours.found(case.text) for case in chosen]
        seconds = time.process_time() - before
        rows.append({"texts": profile, "who": f"excise {profile}", **_totals(chosen, found), "MB/s": round(mb / seconds, 2)})
        try:
            ran = redaction_peers.run(peer, given)
        except redaction_peers.NotAvailable as reason:
            rows.append({"texts": profile, "who": peer, "not available": str(reason)})
            continue
        theirs = [[(start, end, kind, kind) for start, end, kind in spans] for spans in ran.spans]
        rows.append({"texts": profile, "who": peer, **_totals(chosen, theirs), "MB/s": round(mb / ran.cpu_seconds, 2)})
    return rows


def _plain(text: str) -> str:
    """
    A document as others would be given it, character for character: keys and values as lines.
    """
    return text.replace("\x02", "=").replace("\x03", "\n")


def _totals(chosen: list[Case], found: list[list[tuple[int, int, str, str]]]) -> Row:
    by_text = dict(zip(map(id, chosen), found, strict=True))
    scores = scored(chosen, lambda case: by_text[id(case)]).values()
    labels, right = sum(score.labels for score in scores), sum(score.found for score in scores)
    extra, everything = sum(sum(score.extra.values()) for score in scores), sum(map(len, found))
    return {"labels": labels, "recall": round(right / labels, 4), "precision": round(1 - extra / everything, 4) if everything else None}


def _shown(title: str, rows: list[Row]) -> Table:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    return table


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {count}" for key, count in value.items())
    if isinstance(value, list):
        return "; ".join(" ".join(one.split()) for one in value)
    return "" if value is None else f"{value:,}" if isinstance(value, int | float) else str(value)


def main(arguments: list[str]) -> None:
    """
    Measure, print the tables, write the JSON file where one is asked for.
    """
    parts: dict[str, Callable[[int], list[Row]]] = {
        "recall": lambda size: recall(),
        "ordinary": ordinary,
        "speed": lambda size: speed(min(size, 2_000_000)),
        "worst": lambda size: worst(),
        "latency": lambda size: latency(20 if size < 500_000 else 200),
        "restore": lambda size: restore(),
        "peers": lambda size: peers(),
    }
    parser = argparse.ArgumentParser(
        prog="scripts/bench redaction", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    parser.add_argument("--quick", action="store_true", help="little text: does it work at all")
    parser.add_argument("--size", type=float, default=4.0, help="MB of each kind of ordinary text")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.parts if name not in parts]:
        parser.error(f"no such part: {', '.join(unknown)}")
    size = 200_000 if given.quick else int(given.size * 1e6)
    console = Console(width=max(Console().width, 170))
    report: dict[str, Any] = {"machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()}}
    for name in given.parts or parts:
        report[name] = parts[name](size)
        console.print(_shown(name, report[name]))
    if given.json:
        given.json.write_text(json.dumps(report, indent=1))
