"""
Where the proof happens: a folder of its own, a stand-in for the providers, and the real `excise up` with everything it can write below that
folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import site
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb

from excise.errors import Unavailable
from excise.prove.client import Door
from excise.standin import StandIn

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 40.0
_LOOK_SECONDS = 0.02
_MOST_LINKED_BYTES = 32 << 20


class Proxy:
    """
    One `excise up`, whose data, certificates, logs, temporary files, caches and home are folders under `home`.

    Attributes:
        home: Everything it writes, and nothing else.
        ready: What `data/ready.json` says.
        family: Every process it ever had, by id, while it ran.
    """

    def __init__(self, home: Path, standin: StandIn, policies: Path, flags: Sequence[str] = ()) -> None:
        self.home = home
        self.data = home / "data"
        self.ready: dict[str, Any] = {}
        self.family: dict[int, None] = {}
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("tmp", "cache", "user", "cwd"):
            (home / name).mkdir(parents=True, exist_ok=True)
        self._command = [sys.executable, "-c", "from excise.cli import main; main()", "up", "--publish-seconds", "0.5"]
        self._command += ["--listen", f"127.0.0.1:{_free_port()}", "--data", str(self.data), "--certs", str(home / "certs")]
        self._command += ["--policies", str(policies.resolve()), "--upstream-ca", str(standin.ca_file), "--allow-private", "127.0.0.0/8"]
        for place in standin.resolves():
            self._command += ["--resolve", place]
        self._command += flags

    def start(self) -> Door:
        """
        Start, and wait until every worker serves.

        Raises:
            Unavailable: It did not.
        """
        file = self.data / "ready.json"
        file.unlink(missing_ok=True)
        with (self.home / "proxy.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                cwd=self.home / "cwd",
                start_new_session=True,
            )
        self.until(file.exists, START_SECONDS, "a proxy that is ready")
        self.refresh()
        context = ssl.create_default_context(cafile=self.ready["ca"])
        context.set_alpn_protocols(["http/1.1"])
        return Door(int(self.ready["listen"].rpartition(":")[2]), context)

    def refresh(self) -> dict[str, Any]:
        """
        What `ready.json` says now; `family` takes note of new processes.
        """
        self.ready = json.loads((self.data / "ready.json").read_text())
        pids = self.ready["pids"]
        known = [pids["supervisor"], pids["ledger"], *pids["workers"]]
        self.family |= dict.fromkeys(pid for pid in known if pid)
        return self.ready

    def living(self) -> list[int]:
        """
        Those of its processes that still run.
        """
        return [pid for pid in self.family if _lives(pid, self._process)]

    def stop(self) -> int:
        """
        As an operator does: SIGTERM. Returns the exit status.
        """
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL

    def kill(self) -> None:
        """
        SIGKILL to all of its processes at once; returns when they are gone.
        """
        if self._process is None:
            return
        with contextlib.suppress(OSError, ValueError):
            self.refresh()
        for pid in self.living():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        deadline = time.monotonic() + STOP_SECONDS
        while self.living() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.family.clear()  # ids may go to others now

    def until(self, reached: Callable[[], bool], seconds: float, what: str) -> None:
        """
        Raises:
            Unavailable: It was not so in time, or the proxy ended.
        """
        deadline = time.monotonic() + seconds
        while not reached():
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"no {what} after {seconds:.0f} s; the proxy's log ends:\n{self.log()[-2000:]}")
            time.sleep(0.02)

    def log(self) -> str:
        """
        All it printed.
        """
        return (self.home / "proxy.log").read_text(errors="replace")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """
        Ask the published ledger; empty where nothing is published yet.
        """
        file = self.data / "usage.duckdb"
        if not file.exists():
            return []
        with duckdb.connect(str(file), read_only=True) as ledger:
            return ledger.execute(sql).fetchall()

    def rows(self) -> dict[str, int]:
        """
        Call id -> rows it has.
        """
        return dict(self.query("select call_id, count(*) from calls group by all"))

    def _environment(self) -> dict[str, str]:
        environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and not name.startswith("EXCISE_")}
        environment |= {name: str(self.home / "tmp") for name in ("TMPDIR", "TMP", "TEMP")}
        environment |= {"HOME": str(self.home / "user"), "XDG_CACHE_HOME": str(self.home / "cache")}
        environment["PYTHONUSERBASE"] = site.getuserbase()  # it is found below HOME otherwise
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
        return environment


class Linker:
    """
    Gives every file that appears under `watched` a second name under `kept`, so that what is removed or replaced a moment later can still
    be searched. It looks 50 times a second; a file that lives for less may be missed.
    """

    def __init__(self, watched: Path, kept: Path) -> None:
        self._watched = watched
        self.kept = kept
        self._seen: set[int] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="linker", daemon=True)

    def __enter__(self) -> Linker:
        self.kept.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def gone(self) -> list[Path]:
        """
        Second names of files whose first name is gone.
        """
        return sorted(path for path in self.kept.iterdir() if path.stat().st_nlink == 1)

    def _run(self) -> None:
        while not self._end.wait(_LOOK_SECONDS):
            self._look(self._watched)

    def _look(self, folder: Path) -> None:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        self._look(Path(entry.path))
                    elif entry.inode() not in self._seen and entry.is_file(follow_symlinks=False) and _small(entry):
                        self._seen.add(entry.inode())
                        os.link(entry.path, self.kept / f"{entry.inode()}-{entry.name}")


def _small(entry: os.DirEntry[str]) -> bool:
    return entry.stat(follow_symlinks=False).st_size <= _MOST_LINKED_BYTES


def _lives(pid: int, process: subprocess.Popen[bytes] | None) -> bool:
    if process is not None and pid == process.pid:
        return process.poll() is None
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    if Path("/proc/self").exists():
        return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _free_port() -> int:
    # Not 0: a restart should be found at the same place.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
