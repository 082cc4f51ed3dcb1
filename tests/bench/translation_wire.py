"""
Translated calls beside the same calls untranslated, through one running proxy with everything on, to the same stand-in.

    direct        OpenAI's chat dialect, no proxy
    untranslated  the same through the proxy, to where the client sent it
    routed        the same, by a route, with a key of ours in place of the client's
    translated    the same conversation in Anthropic's dialect, by a route, answered in OpenAI's
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from bench import subjects
from bench.compiled import program
from bench.subjects import Subject
from bench.translation_jobs import AIMS, Json, asked_of, chat
from excise.standin.authority import Authority
from excise.wire.dialects.registry import DIALECTS

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
ROUTES = """\
providers:
- {provider: openai, key: file:provider.key}
routes:
- {name: translated, when: {provider: anthropic}, to: openai/gpt-4o-mini}
- {name: routed, when: {provider: openai, model: gpt-4o}, to: openai/gpt-4o-mini}
"""
LAST_LINE = "default: allow"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Load:
    name: str
    size: str
    connections: int
    events: int = 0
    pause_ms: int = 0


LOADS = (
    Load("1 KB, c=1", "1 KB", 1),
    Load("1 KB, c=16", "1 KB", 16),
    Load("64 KB, 80 turns, c=1", "64 KB, 80 turns", 1),
    Load("1 MB, 2 images, c=1", "1 MB, 2 images", 1),
    Load("100 events, c=16", "1 KB", 16, 100),
    Load("20 events paced 10 ms, c=1", "1 KB", 1, 20, 10),
)
WAYS = ("direct", "untranslated", "routed", "translated")


def _body(way: str, load: Load) -> Json:
    more: Json = {"stream": True, "stream_options": {"include_usage": True}} if load.events else {}
    body = chat(load.size, model="gpt-4o" if way == "routed" else "gpt-4o-mini") | more
    if way != "translated":
        return body
    written: Json = (
        DIALECTS["anthropic-messages"].encode_request(asked_of("openai-chat", body, stream=bool(load.events)), AIMS[0].target).body
    )
    return written


def _measure(way: str, load: Load, proxy: Subject, direct: Subject, body: Path, seconds: float) -> dict[str, float]:
    """
    One round of one way.
    """
    subject = direct if way == "direct" else proxy
    host, path = ("api.anthropic.com", MESSAGES) if way == "translated" else (subjects.PROVIDER, CHAT)
    command = [str(program("load")), str(subject.proxy_port), host, str(subject.target_port), str(subject.ca_file), str(body), path]
    command += [str(load.connections), str(seconds), "keep", *([str(load.events), str(load.pause_ms)] if load.events else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        if run.stdout.readline() != "go\n":
            raise SystemExit(f"the load generator failed: {command}")
        before = subject.cost()
        got: dict[str, float] = json.loads(run.stdout.readline())
        after = subject.cost()
    spent = after.worker_cpu_seconds - before.worker_cpu_seconds
    if got["errors"] or got["not_warmed"]:
        raise SystemExit(f"{load.name}, {way}: {got['errors']:.0f} calls failed, {got['not_warmed']:.0f} connections")
    return {
        "p50": got["p50_ms"],
        "first": got["first_p50_ms"],
        "cpu_us": spent / got["requests"] * 1e6 if got["requests"] else 0.0,
        "events": got["events"] / got["requests"] if got["requests"] else 0.0,
    }


def _rows(load: Load, took: dict[str, list[dict[str, float]]]) -> Iterator[Row]:
    medians = {way: {name: statistics.median(one[name] for one in rounds) for name in rounds[0]} for way, rounds in took.items()}
    plain = medians["untranslated"]
    for way, got in medians.items():
        if way == "direct":
            continue
        row: Row = {"calls": load.name if way == "untranslated" else "", "way": way}
        row["added p50 ms"] = round(got["p50"] - medians["direct"]["p50"], 2)
        row["first byte, added ms"] = round(got["first"] - medians["direct"]["first"], 2)
        row["CPU us a call"] = round(got["cpu_us"])
        row["over untranslated, us"] = round(got["cpu_us"] - plain["cpu_us"]) if way != "untranslated" else None
        if load.events:
            row["CPU us an event"] = round(got["cpu_us"] / load.events, 1)
        yield row


def through_the_proxy(rounds: int, seconds: float, console: Console) -> list[Row]:
    """
    All loads, every way in turn.
    """
    rows: list[Row] = []
    authority = Authority()
    with ExitStack() as stack:
        stack.callback(authority.close)
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="excise-bench-")))
        policies = home / "policies"
        policies.mkdir()
        (policies / "provider.key").write_text("standin-key-of-the-house")
        shipped = (subjects.SHIPPED / "default.yml").read_text()
        (policies / "default.yml").write_text(shipped.replace(f"\n{LAST_LINE}", f"\n{ROUTES}\n{LAST_LINE}"))
        pem = authority.leaf("localhost", subjects.PROVIDER)
        upstream = stack.enter_context(subprocess.Popen([str(program("upstream")), str(pem)], stdout=subprocess.PIPE, text=True))
        stack.callback(upstream.kill)
        assert upstream.stdout is not None
        port = int(upstream.stdout.readline())
        folder = home / "excise"
        folder.mkdir()
        proxy = subjects.excise(folder, port, authority.ca_file, 1, policies=policies)
        stack.callback(proxy.stop)
        direct = subjects.direct(port, authority.ca_file)
        for load in LOADS:
            took: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
            bodies = {way: home / f"{way}.json" for way in WAYS}
            for way, file in bodies.items():
                file.write_bytes(orjson.dumps(_body(way, load)))
            for way in WAYS:  # warm
                _measure(way, load, proxy, direct, bodies[way], 0.5)
            for number in range(rounds):
                console.print(f"[dim]proxy: {load.name}, round {number + 1} of {rounds}[/]")
                for way in WAYS:
                    took[way].append(_measure(way, load, proxy, direct, bodies[way], seconds))
            rows += _rows(load, took)
    return rows
