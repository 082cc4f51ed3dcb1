"""
The parent of everything on this host: workers, the ledger process, their lives and deaths.

A worker that dies is started again and costs only its own connections. SIGTERM and Ctrl-C drain: no new connections, calls under way
end, then the ledger takes the last lines. A second signal ends at once. SIGHUP reloads policy in every worker.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import orjson
import structlog

from excise import __version__
from excise.errors import SettingsError
from excise.supervise.settings import Settings
from excise.trust.bundle import Bundle

log = structlog.get_logger("excise.supervisor")

READY_SECONDS = 60.0  # a worker that does not serve by then never will
BACK_OFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
STEADY_SECONDS = 30.0  # a child that lived this long starts again without back-off


class Child:
    """
    One process, started again whenever it ends.

    Args:
        name: For the log.
        command: Program and arguments.
        order: The line it reads from standard input first; empty for none.
        says_ready: Whether it prints `ready` when it serves.
    """

    def __init__(self, name: str, command: list[str], *, order: bytes = b"", says_ready: bool = True) -> None:
        self.name = name
        self._command = command
        self._order = order
        self._says_ready = says_ready
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self.ready = asyncio.Event()
        self.failed: str | None = None  # why the first start failed

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def run(self, changed: Callable[[], None]) -> None:
        """
        Start, watch, start again, until `stop`. `changed` is called when the pid changed and the process is ready.
        """
        deaths = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            await self._start()
            first = not self.ready.is_set()
            served = await self._wait_ready()
            if served:
                self.ready.set()
                changed()
            assert self._process is not None
            code = await self._process.wait()
            if self._stopping.is_set():
                return
            if first and not served:
                self.failed = self.failed or f"exit code {code}"
                self.ready.set()
                return
            deaths = 0 if time.monotonic() - began > STEADY_SECONDS else min(deaths + 1, len(BACK_OFF_SECONDS) - 1)
            log.error("child died, starting again", child=self.name, code=code, seconds=BACK_OFF_SECONDS[deaths])
            await asyncio.sleep(BACK_OFF_SECONDS[deaths])

    def send(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def stop(self, seconds: float, number: int = signal.SIGTERM) -> None:
        """
        Ask it to end; after `seconds` make it.
        """
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        self.send(number)
        try:
            await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            log.error("child did not end in time, killed", child=self.name)
            self.send(signal.SIGKILL)
            await process.wait()

    async def _start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE if self._says_ready else asyncio.subprocess.DEVNULL,
            # Signals of the terminal go to the supervisor alone, which drains in order.
            start_new_session=True,
        )
        if self._order:
            assert self._process.stdin is not None
            self._process.stdin.write(self._order + b"\n")

    async def _wait_ready(self) -> bool:
        if not self._says_ready:
            return True
        assert self._process is not None and self._process.stdout is not None
        with suppress(TimeoutError):
            line = await asyncio.wait_for(self._process.stdout.readline(), READY_SECONDS)
            if line.strip() == b"ready":
                return True
            self.failed = line.decode("utf-8", "replace").strip().removeprefix("failed ") or None
        self.send(signal.SIGKILL)
        return False


class Supervisor:
    """
    Everything `excise up` starts.

    Args:
        settings: With a port that is settled (not 0).
        bundle: Where clients find what to trust.
    """

    def __init__(self, settings: Settings, bundle: Bundle) -> None:
        self._settings = settings
        self._bundle = bundle
        self._stop = asyncio.Event()
        self._signals = 0
        self._watching: list[asyncio.Task[None]] = []
        self._lock_fd = hold_lock(settings.data / "excise.lock")
        python = [sys.executable, "-O", "-m"]  # -O: mitmproxy's layers check types of every event; measured 1.1 to 1.2 times faster without
        self._ledger = Child(
            "ledger",
            [
                *python,
                "excise.ledger.process",
                "--data",
                str(settings.data),
                "--publish-seconds",
                str(settings.publish_seconds),
                "--while-stdin",
            ],
            says_ready=False,
        )
        program = [*python, "excise.proxy.worker"]
        self._workers = [Child(f"worker {number}", program, order=_order(settings, number)) for number in range(settings.workers)]

    async def run(self, ready: Callable[[], None]) -> None:
        """
        Start everything, call `ready`, stay until told to end, drain.

        Raises:
            SettingsError: A worker did not start; the text is its own.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_end)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        children = [self._ledger, *self._workers]
        self._watching = [loop.create_task(child.run(self._changed)) for child in children]
        try:
            for child in self._workers:
                await child.ready.wait()
                if child.failed:
                    raise SettingsError(f"{child.name} did not start: {child.failed}")
            self._write_ready()
            ready()
            await self._stop.wait()
        finally:
            with suppress(FileNotFoundError):
                self._settings.ready_file.unlink()
            await self._end()

    def _asked_to_end(self) -> None:
        self._signals += 1
        self._stop.set()
        if self._signals > 1:
            for child in (*self._workers, self._ledger):
                child.send(signal.SIGKILL)

    def _reload(self) -> None:
        for child in self._workers:
            child.send(signal.SIGHUP)

    def _changed(self) -> None:
        if self._settings.ready_file.exists():
            self._write_ready()

    async def _end(self) -> None:
        await asyncio.gather(*(child.stop(self._settings.drain_seconds + 10) for child in self._workers))
        # After the workers: their last lines are still to be taken.
        await self._ledger.stop(30)
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        os.close(self._lock_fd)

    def _write_ready(self) -> None:
        settings = self._settings
        host, port = settings.listen
        reach = "127.0.0.1" if host in ("0.0.0.0", "") else "[::1]" if host == "::" else f"[{host}]" if ":" in host else host  # noqa: S104
        facts = {
            "pids": {
                "supervisor": os.getpid(),
                "workers": [child.pid for child in self._workers],
                "ledger": self._ledger.pid,
            },
            "listen": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "proxy_url": f"http://{reach}:{port}",
            "ca": str(self._bundle.root),
            "bundle": str(self._bundle.pem),
            "truststore": str(self._bundle.truststore),
            "ledger": str(settings.published.resolve()),
            "version": __version__,
        }
        fresh = settings.ready_file.with_suffix(".new")
        fresh.write_bytes(orjson.dumps(facts, option=orjson.OPT_INDENT_2))
        fresh.replace(settings.ready_file)


def _order(settings: Settings, number: int) -> bytes:
    return orjson.dumps({"settings": settings.model_dump(mode="json"), "number": number})


def hold_lock(path: Path) -> int:
    """
    Take the data directory for this process; the descriptor is the lock.

    Raises:
        SettingsError: Another `excise up` has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise SettingsError(f"another excise runs on {path.parent}; stop it, or give this one its own --data DIR") from error
    return fd


def hold_port(settings: Settings) -> tuple[socket.socket, Settings]:
    """
    Reserve the port for the workers (port 0: choose one) and say which it is. The socket never listens, so it takes no connection.

    Raises:
        SettingsError: The address cannot be bound, or somebody else listens there.
    """
    host, port = settings.listen
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        # First without sharing: another program's port must not be joined by accident.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        port = sock.getsockname()[1]
        sock.close()
        sock = socket.socket(sock.family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise SettingsError(
            f"--listen {host}:{port}: cannot be bound ({error.strerror}); choose another with --listen HOST:PORT"
        ) from error
    return sock, settings.model_copy(update={"listen": (host, port)})
