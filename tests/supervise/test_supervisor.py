"""
The supervisor with children that only print `ready`: what it keeps, and how it ends.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from excise.errors import SettingsError
from excise.supervise import child as child_module
from excise.supervise import ready as ready_file
from excise.supervise import supervisor as module
from excise.supervise.settings import Settings
from excise.supervise.supervisor import Supervisor
from excise.trust.bundle import Bundle

WORKER = "import sys, time\nsys.stdin.readline()\nprint('ready', flush=True)\ntime.sleep(60)\n"
STUBBORN = "import signal, sys, time\nsignal.signal(15, signal.SIG_IGN)\n" + WORKER
LEDGER = """
import pathlib, signal, sys, time
def end(*_):
    pathlib.Path(sys.argv[1], "ledger-ended").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(60)
"""


class House:
    """
    A supervisor in its own task.
    """

    def __init__(self, data: Path, **settings: Any) -> None:
        self.data = data
        self.said: list[str] = []
        self.up = asyncio.Event()
        bundle = Bundle(data / "b", data / "r", data / "t", "", 1)
        self.settings = Settings(data=data, drain_seconds=20, **settings)
        self.supervisor = Supervisor(self.settings, bundle, say=self.said.append)
        self.task = asyncio.get_running_loop().create_task(self.supervisor.run(self.up.set))

    def pids(self) -> dict[str, Any]:
        pids: dict[str, Any] = json.loads((self.data / "ready.json").read_text())["pids"]
        return pids

    async def until(self, reached: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not reached():
                assert not self.task.done()
                await asyncio.sleep(0.01)

    async def end(self) -> int:
        if not self.task.done():
            os.kill(os.getpid(), signal.SIGTERM)
        return await asyncio.wait_for(self.task, 20)


@pytest.fixture(autouse=True)
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORKER", (sys.executable, "-c", WORKER))
    monkeypatch.setattr(module, "ledger", lambda data, seconds: (sys.executable, "-c", LEDGER, str(data)))
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.02)
    monkeypatch.setattr(child_module, "BACK_OFF_SECONDS", (0.3, 0.3))


def no_space(settings: Settings, facts: dict[str, Any]) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_ready_json_never_names_the_dead(tmp_path: Path) -> None:
    """
    A dead worker leaves ready.json at once, its successor enters it when it serves.
    """
    house = House(tmp_path, workers=2)
    await house.until(house.up.is_set)
    first, second = house.pids()["workers"]
    os.kill(first, signal.SIGKILL)
    await house.until(lambda: house.pids()["workers"] == [None, second])
    await house.until(lambda: house.pids()["workers"][0] not in (None, first))

    assert await house.end() == 0
    assert not (tmp_path / "ready.json").exists()
    assert (tmp_path / "ledger-ended").exists()


async def test_a_full_disk_does_not_end_supervision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    ready.json cannot be written while a worker dies: the worker is started again, and the file is right when there is room.
    """
    house = House(tmp_path)
    await house.until(house.up.is_set)
    (first,) = house.pids()["workers"]
    real = ready_file.write
    monkeypatch.setattr(ready_file, "write", no_space)
    os.kill(first, signal.SIGKILL)
    await house.until(lambda: house.supervisor._workers[0].pid not in (None, first))
    assert house.pids()["workers"] == [first]
    monkeypatch.setattr(ready_file, "write", real)
    await house.until(lambda: house.pids()["workers"][0] not in (None, first))

    assert await house.end() == 0


async def test_a_full_disk_at_the_start_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    As a fault of the setting, and nothing is left running.
    """
    monkeypatch.setattr(ready_file, "write", no_space)
    house = House(tmp_path)
    with pytest.raises(SettingsError, match=f"--data {tmp_path}: no space left on device"):
        await asyncio.wait_for(house.task, 20)

    assert (tmp_path / "ledger-ended").exists()


def test_a_write_that_failed_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The old file stays, the new one's beginning goes.
    """
    settings = Settings(data=tmp_path)
    ready_file.write(settings, {"old": 1})

    def full(path: Path, data: bytes) -> int:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        ready_file.write(settings, {"new": 1})

    assert [path.name for path in tmp_path.iterdir()] == ["ready.json"]
    assert json.loads((tmp_path / "ready.json").read_text()) == {"old": 1}


async def test_a_watcher_that_breaks_ends_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A bug in supervision is not silence: exit 1, for whoever started us to start us again.
    """
    house = House(tmp_path)
    await house.until(house.up.is_set)

    def bug(settings: Settings, facts: dict[str, Any]) -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(ready_file, "write", bug)
    os.kill(house.pids()["workers"][0], signal.SIGKILL)

    assert await asyncio.wait_for(house.task, 20) == 1
    assert (tmp_path / "ledger-ended").exists()


@pytest.mark.parametrize(("second", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 1)])
async def test_the_second_signal_ends_calls_but_not_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: signal.Signals, code: int
) -> None:
    """
    Workers are killed, the ledger takes what is there and is not started again; the exit code says that it was forced.
    """
    monkeypatch.setattr(module, "WORKER", (sys.executable, "-c", STUBBORN))
    house = House(tmp_path)
    await house.until(house.up.is_set)
    os.kill(os.getpid(), signal.SIGINT)
    await house.until(lambda: house.said)
    assert not (tmp_path / "ready.json").exists()
    assert not (tmp_path / "ledger-ended").exists()
    os.kill(os.getpid(), second)

    assert await asyncio.wait_for(house.task, 10) == code
    assert (tmp_path / "ledger-ended").exists()
    assert [text.partition(":")[0] for text in house.said] == ["draining", "ending now", "stopped"]


async def test_a_stop_during_the_start_is_obeyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Nobody waits for workers that are not wanted any more.
    """
    monkeypatch.setattr(module, "WORKER", (sys.executable, "-c", "import time\ntime.sleep(60)\n"))
    house = House(tmp_path)
    await asyncio.sleep(0.05)

    assert await house.end() == 0
    assert not house.up.is_set()


async def test_a_full_disk_is_said_whoever_meets_it_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Database libraries have long words for it; the operator gets the directory and what to do.
    """
    command = (sys.executable, "-c", "print('failed IO Error: Checkpoint failed: No space left on device', flush=True)")
    monkeypatch.setattr(module, "ledger", lambda data, seconds: command)
    house = House(tmp_path)
    with pytest.raises(SettingsError, match=f"--data {tmp_path}: no space left on device for the ledger; make room"):
        await asyncio.wait_for(house.task, 20)


@pytest.mark.parametrize("broken", ["WORKER", "ledger"])
async def test_what_cannot_start_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """
    In its own words, and the others end.
    """
    command = (sys.executable, "-c", "print('failed the lid is open', flush=True)")
    monkeypatch.setattr(module, broken, command if broken == "WORKER" else lambda data, seconds: command)
    house = House(tmp_path)
    with pytest.raises(SettingsError, match=r"(worker 0|ledger) did not start: the lid is open"):
        await asyncio.wait_for(house.task, 20)


async def test_a_stale_ready_json_goes_before_anything_starts(tmp_path: Path) -> None:
    """
    Left by one that was killed, it would say "ready" while nothing serves.
    """
    (tmp_path / "ready.json").write_text("{}")
    house = House(tmp_path)
    assert not (tmp_path / "ready.json").exists()
    await house.until(house.up.is_set)

    assert await house.end() == 0
