"""
What the ledger's tests write with: journals with small ballast, and whole directories served to the end.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from excise.ids import uuid7
from excise.ledger.hot import HotStore
from excise.ledger.journal import Journal
from excise.ledger.loader import Loader
from excise.ledger.process import Limits, run
from excise.ledger.query import ask

# For programs that a test starts.
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "addons")}
NOW_US = 1_794_000_000_000_000  # 2026-11-06, in the middle of a day


def journal(directory: Path, **options: Any) -> Journal:
    return Journal(directory, **({"host": "test", "ballast_bytes": 0} | options))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def close(call_id: str, **columns: Any) -> dict[str, Any]:
    return {"call_id": call_id, "started_at": NOW_US, "status": "ok"} | columns


def write_calls(
    directory: Path, count: int, *, started_at: Callable[[int], int] = lambda number: NOW_US + number, **columns: Any
) -> list[str]:
    """
    Open and close `count` calls, each with an attempt and a decision, by a worker that ends then.
    """
    writer = journal(directory)
    ids = [uuid7() for _ in range(count)]
    for number, call_id in enumerate(ids):
        writer.append("open", {"call_id": call_id, "started_at": started_at(number)})
        record = close(
            call_id, started_at=started_at(number), policy_id="default", policy_action="allow", cost_usd="0.000000001", **columns
        )
        writer.append("close", record | {"attempts_detail": [{"provider": "openai"}]})
    writer.close()
    return ids


def load(data: Path, **options: Any) -> HotStore:
    """
    A hot store that holds everything of `data/journal`; close it.
    """
    hot = HotStore(data)
    loader = Loader(hot, data / "journal", **options)
    while loader.step()[1]:
        pass
    with hot.transaction():
        hot.make_views()
    return hot


def serve_to_the_end(data: Path, *, limits: Limits | None = None) -> None:
    """
    Start the ledger on `data`, let it read everything, stop it.
    """
    stop = threading.Event()
    stop.set()
    run(data, 0.2, stop, limits=limits)


class Serving:
    """
    The ledger in a thread, as long as the block lasts.
    """

    def __init__(self, data: Path, *, limits: Limits | None = None, publish_seconds: float = 0.2) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=run, args=(data, publish_seconds, self._stop), kwargs={"limits": limits})

    def __enter__(self) -> Serving:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


def one(data: Path, sql: str) -> Any:
    """
    The first value of the first row of a query on the published ledger.
    """
    return ask(data, sql).rows[0][0]


def until(condition: Callable[[], bool], *, seconds: float = 15.0) -> None:
    """
    Wait for a condition another process brings about.
    """
    pause = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it did not happen in time")
