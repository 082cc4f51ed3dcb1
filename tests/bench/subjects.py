"""
What is measured: no proxy, `mitmdump -q` as shipped, Excise with one worker or two. And what it costs, from /proc.
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
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
START_SECONDS = 30.0
ADDONS = Path(__file__).resolve().parents[2] / "addons"
SHIPPED = ADDONS.parent / "policies"
PROVIDER = "api.openai.com"


@dataclass(frozen=True, slots=True)
class Cost:
    """
    CPU seconds used since their start by all processes of a subject and by those that carry traffic; resident bytes of both.
    """

    cpu_seconds: float = 0.0
    worker_cpu_seconds: float = 0.0
    rss_bytes: int = 0
    worker_rss_bytes: int = 0


@dataclass(slots=True)
class Subject:
    """
    One running thing to send load through. `proxy_port` 0: none.
    """

    name: str
    proxy_port: int = 0
    target: str = PROVIDER
    target_port: int = 443
    ca_file: Path = Path()
    process: subprocess.Popen[bytes] | None = None
    workers: list[int] = field(default_factory=list)

    def cost(self) -> Cost:
        """
        What it has used up to now. A process that ended meanwhile no longer counts.
        """
        if self.process is None:
            return Cost()
        pids = _family(self.process.pid)
        workers = set(self.workers) or {self.process.pid}
        return Cost(
            sum(map(_cpu_seconds, pids)),
            sum(_cpu_seconds(pid) for pid in pids if pid in workers),
            sum(map(_rss_bytes, pids)),
            sum(_rss_bytes(pid) for pid in pids if pid in workers),
        )

    def stop(self) -> None:
        """
        End it, gently at first.
        """
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def direct(upstream_port: int, ca_file: Path) -> Subject:
    """
    No proxy at all.
    """
    return Subject("direct", 0, PROVIDER, upstream_port, ca_file)


def mitmdump(home: Path, upstream_port: int, ca_file: Path, *, script: Path | None = None) -> Subject:
    """
    `mitmdump -q` with its own defaults, told only to trust the stand-in, which it reaches as localhost: it has no `--resolve`.
    """
    port = _free_port()
    program = Path(sys.executable).parent / "mitmdump"
    options = ["-q", "--listen-host", "127.0.0.1", "-p", str(port), "--set", f"confdir={home}"]
    command = [str(program), *options, "--set", f"ssl_verify_upstream_trusted_ca={ca_file}", *(["-s", str(script)] if script else [])]
    process = _spawn(command, home)
    _await(lambda: _answers(port) and (home / "mitmproxy-ca-cert.pem").exists(), process, home)
    return Subject("mitmdump-stream" if script else "mitmdump", port, "localhost", upstream_port, home / "mitmproxy-ca-cert.pem", process)


def excise(home: Path, upstream_port: int, ca_file: Path, workers: int, *, policies: Path = SHIPPED) -> Subject:
    """
    `excise up` with the shipped policy: everything on.
    """
    port = _free_port()
    command = [str(Path(sys.executable).parent / "excise"), "up", "--listen", f"127.0.0.1:{port}", "--workers", str(workers)]
    command += ["--data", str(home / "data"), "--certs", str(home / "certs"), "--policies", str(policies)]
    command += ["--upstream-ca", str(ca_file), "--resolve", f"{PROVIDER}:443:127.0.0.1:{upstream_port}", "--allow-private", "127.0.0.0/8"]
    process = _spawn(command, home)
    ready = home / "data" / "ready.json"
    _await(ready.exists, process, home)
    told = json.loads(ready.read_text())
    return Subject(f"excise-{workers}", port, PROVIDER, 443, Path(told["ca"]), process, told["pids"]["workers"])


def _spawn(command: list[str], home: Path) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and not name.startswith("EXCISE_")}
    environment["PYTHONPATH"] = str(ADDONS)
    with (home / "log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=home, env=environment, start_new_session=True)


def _await(reached: Callable[[], bool], process: subprocess.Popen[bytes], home: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not reached():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{process.args!r}\ndid not start:\n{(home / 'log').read_text()[-3000:]}")
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _stat(pid: int) -> list[str]:
    # The second field, the name, may hold blanks and brackets: what follows the last bracket is regular.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _family(root: int) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    parents = {pid: int(stat[1]) for pid in pids if (stat := _stat(pid))}
    family = [root]
    for pid in family:
        family += [child for child, parent in parents.items() if parent == pid]
    return family


def _cpu_seconds(pid: int) -> float:
    stat = _stat(pid)
    return (int(stat[11]) + int(stat[12])) / TICKS if stat else 0.0


def _rss_bytes(pid: int) -> int:
    stat = _stat(pid)
    return int(stat[21]) * PAGE if stat else 0
