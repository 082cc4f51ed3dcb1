"""
Run the real proxy as a child process, as an operator would, and read its ledger with the plain DuckDB shell.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from excise.standin import StandIn

REPOSITORY = Path(__file__).resolve().parents[2]
EXCISE = Path(sys.executable).parent / "excise"
SHELL = Path(sys.executable).parent / "duckdb"
READY_SECONDS = 20.0
LEDGER_SECONDS = 5.0  # a call is in the published ledger within this
TROUBLE = ("Traceback", "has crashed", "Addon error", "Task exception was never retrieved", "was never awaited")


def free_port() -> int:
    """
    A port nobody listens on now.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def descendants(root: int) -> list[int]:
    """
    A process, its children, theirs, and so on.
    """
    found = [root]
    for pid in found:
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                found += [int(child) for child in (thread / "children").read_text().split()]
    return found


class Proxy:
    """
    One `excise up`, with its own data and certs folders under `home`.

    Attributes:
        home: Everything it writes: `data/`, `certs/`, `proxy.log`.
        ready: What `data/ready.json` says.
    """

    def __init__(self, home: Path, standin: StandIn, *, policies: Path | None = None, flags: Sequence[str] = ()) -> None:
        self.home = home
        self.data = home / "data"
        self.log = home / "proxy.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.ready: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None
        places = ["--data", str(self.data), "--certs", str(home / "certs"), "--policies", str(policies or REPOSITORY / "policies")]
        reach = ["--upstream-ca", str(standin.ca_file), "--allow-private", "127.0.0.0/8"]
        for place in standin.resolves():
            reach += ["--resolve", place]
        listen = ["--listen", f"127.0.0.1:{self.port}", "--publish-seconds", "0.2"]
        self._command = [str(EXCISE), "up", *listen, *places, *reach, *flags]

    def start(self) -> None:
        """
        Start and wait until every worker serves.

        Raises:
            AssertionError: It died or was not ready in time; the text ends with its log.
        """
        (self.data / "ready.json").unlink(missing_ok=True)
        environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and not name.startswith("EXCISE_")}
        environment["PYTHONPATH"] = str(REPOSITORY / "addons")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=environment, cwd=self.home, start_new_session=True)
        self.until(lambda: (self.data / "ready.json").exists(), READY_SECONDS, "ready.json")
        self.ready = json.loads((self.data / "ready.json").read_text())

    def stop(self) -> int:
        """
        SIGTERM, wait, and give the exit status.
        """
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            raise

    def kill(self) -> None:
        """
        SIGKILL to everything it started, where it still runs, and wait until all of it is gone.
        """
        if self._process is None:
            return
        # Where the supervisor is dead already its children are no longer found below it; ready.json knows them.
        told = self.ready.get("pids", {})
        known = [*told.get("workers", []), told.get("ledger")]
        family = dict.fromkeys([*descendants(self._process.pid), *(pid for pid in known if pid and self.owns(pid))])
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        deadline = time.monotonic() + 5
        while any(pid != self._process.pid and self.owns(pid) for pid in family):
            assert time.monotonic() < deadline, "killed processes stay"
            time.sleep(0.01)

    def owns(self, pid: int) -> bool:
        """
        Whether a process is ours and lives: its id may have passed to somebody else, and a zombie is dead.
        """
        try:
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            command = Path(f"/proc/{pid}/cmdline").read_bytes() + os.readlink(f"/proc/{pid}/cwd").encode()
        except OSError:
            return False
        return stat[0] != "Z" and str(self.home).encode() in command

    def alive(self) -> bool:
        """
        Whether the supervisor runs.
        """
        return self._process is not None and self._process.poll() is None

    def pids(self) -> dict[str, Any]:
        """
        `supervisor`, `workers`, `ledger` as ready.json names them now.
        """
        pids: dict[str, Any] = json.loads((self.data / "ready.json").read_text())["pids"]
        return pids

    def output(self) -> str:
        """
        Everything it has printed.
        """
        return self.log.read_text(errors="replace")

    def until(self, reached: Callable[[], bool], seconds: float, what: str) -> None:
        """
        Wait for something another process does; it cannot be awaited, so it is asked for every 20 ms.

        Raises:
            AssertionError: Time is up, or the proxy died.
        """
        deadline = time.monotonic() + seconds
        while not reached():
            assert self.alive(), f"the proxy died waiting for {what}:\n{self.output()[-4000:]}"
            assert time.monotonic() < deadline, f"no {what} after {seconds} s:\n{self.output()[-4000:]}"
            time.sleep(0.02)

    def query(self, sql: str) -> list[dict[str, Any]]:
        """
        Ask the published ledger with the plain DuckDB shell, read-only. Empty where nothing is published yet.
        """
        ledger = self.data / "usage.duckdb"
        if not ledger.exists():
            return []
        done = subprocess.run(
            [SHELL, "-readonly", "-json", str(ledger), "-c", sql], capture_output=True, text=True, timeout=20, check=False
        )
        assert done.returncode == 0, f"{sql}\n{done.stderr}"
        rows: list[dict[str, Any]] = json.loads(done.stdout or "[]")
        return rows

    def calls(self, count: int, *, where: str = "true", seconds: float = LEDGER_SECONDS) -> list[dict[str, Any]]:
        """
        Exactly `count` rows of `calls` in order of start, waiting for them; then once more, to see that no further one comes.
        """
        sql = f"select *, cost_usd::varchar as cost_text from calls where {where} order by started_at, call_id"
        self.until(lambda: len(self.query(sql)) >= count, seconds, f"{count} ledger rows where {where}")
        rows = self.query(sql)
        assert len(rows) == count, f"{len(rows)} rows instead of {count} where {where}"
        return rows

    def latest(self) -> str:
        """
        When the last published call started, as the ledger writes it.
        """
        rows = self.query("select coalesce(max(started_at), '2000-01-01'::timestamp)::varchar as at from calls")
        return str(rows[0]["at"]) if rows else "2000-01-01"


@contextlib.contextmanager
def running_proxy(home: Path, standin: StandIn, *, policies: Path | None = None, flags: Sequence[str] = ()) -> Iterator[Proxy]:
    """
    A proxy that is ready; afterwards it must stop cleanly and must have logged no trouble.
    """
    proxy = Proxy(home, standin, policies=policies, flags=flags)
    try:
        proxy.start()
        yield proxy
        assert proxy.stop() == 0, proxy.output()[-4000:]
        log = proxy.output()
        assert not [word for word in TROUBLE if word in log], log[-8000:]
    finally:
        proxy.kill()
