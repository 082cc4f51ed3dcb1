"""
What is asked of every subject.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

PATH = "/v1/chat/completions"
TEXT = "what leaves the harbour before dawn and who counts the lanterns on the stone while the tide writes its own account "


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    One load. `body_bytes`: size of the request; `events` 0: a plain answer of about 1 KB.
    """

    group: str
    name: str
    connections: int
    mode: str = "keep"  # keep, fresh, resume, idle
    body_bytes: int = 1024
    events: int = 0
    pause_ms: int = 0
    subjects: tuple[str, ...] = ("direct", "mitmdump", "excise-1")
    quick: bool = False
    seconds: float = 1.0  # in shares of the usual time

    def body(self) -> bytes:
        """
        A chat request of that size, as ordinary text in one message.
        """
        request: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": ""}]}
        if self.events:
            request |= {"stream": True, "stream_options": {"include_usage": True}}
        room = self.body_bytes - len(json.dumps(request, separators=(",", ":")))
        request["messages"] = [{"role": "user", "content": (TEXT * (room // len(TEXT) + 1))[: max(room, 8)]}]
        return json.dumps(request, separators=(",", ":")).encode()


ALL = ("direct", "mitmdump", "excise-1", "excise-2")
PROXIES = ("mitmdump", "excise-1")
STREAMS = ("direct", "mitmdump-stream", "excise-1")
SCENARIOS = (
    Scenario("http", "1 KB, c=1", 1, quick=True),
    Scenario("http", "1 KB, c=16", 16, quick=True),
    Scenario("http", "1 KB, c=64", 64),
    Scenario("http", "1 KB, c=256", 256, quick=True),
    Scenario("http", "1 KB, c=1000", 1000, subjects=PROXIES),
    Scenario("workers", "1 KB, c=64, workers", 64, subjects=("direct", "excise-1", "excise-2"), quick=True),
    Scenario("bodies", "10 KB, c=1", 1, body_bytes=10_000),
    Scenario("bodies", "100 KB, c=1", 1, body_bytes=100_000, quick=True),
    Scenario("bodies", "1 MB, c=1", 1, body_bytes=1_000_000, quick=True),
    Scenario("stream", "100 events, c=16", 16, events=100, subjects=STREAMS, quick=True),
    Scenario("stream", "20 events paced 10 ms, c=1", 1, events=20, pause_ms=10, subjects=STREAMS, quick=True),
    Scenario("stream", "20 events paced 10 ms, c=16", 16, events=20, pause_ms=10, subjects=STREAMS),
    Scenario("connect", "fresh, c=1", 1, "fresh"),
    Scenario("connect", "fresh, c=16", 16, "fresh", quick=True),
    Scenario("connect", "resumed, c=16", 16, "resume"),
    Scenario("idle", "300 idle tunnels", 300, "idle", subjects=PROXIES, seconds=0.5),
)
GROUPS = tuple(dict.fromkeys(scenario.group for scenario in SCENARIOS))


def chosen(groups: list[str], quick: bool) -> list[Scenario]:
    """
    The scenarios of these groups (all where none is named); with `quick` only those marked so, unless a group is named.
    """
    return [scenario for scenario in SCENARIOS if (scenario.group in groups if groups else not quick or scenario.quick)]
