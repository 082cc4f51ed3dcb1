"""
The ledger process: sole loader, sealer and publisher of one data directory.

    python -m excise.ledger.process --data DIR [--publish-seconds N] [--while-stdin]

    DIR/journal/       written by the workers, read here, deleted here when old and sealed
    DIR/hot.duckdb     private: rows not yet sealed, and how far the journal is read
    DIR/parquet/       sealed rows
    DIR/usage.duckdb   what analysts open; published anew within seconds of a change

The journal and the Parquet files are the truth, the hot store is a view of them: lost or damaged, it is set aside and made again.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import structlog

from excise.errors import LedgerError
from excise.ledger.ballast import sweep
from excise.ledger.hot import HotStore, Note, compact
from excise.ledger.loader import Loader
from excise.ledger.publish import PUBLISHED, publish
from excise.ledger.seal import Sealer
from excise.supervise.log import log_to_stderr

log = structlog.get_logger("excise.ledger")

# Not damage: the same file opens again when the machine has recovered.
_PASSING = (
    "no space left",
    "could not set lock",
    "too many open files",
    "permission denied",
    "quota",
    "read-only file system",
    "out of memory",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """
    When things happen.
    """

    load_seconds: float = 0.5  # between two looks at the journal
    seal_after_seconds: float = 48 * 3600  # calls older than this leave the hot store
    max_hot_rows: int = 250_000  # and so do the oldest beyond this: a publication copies the hot store, about 0.25 s a million rows
    housekeeping_seconds: float = 30.0
    retention_seconds: float = 7 * 24 * 3600  # journal files are kept this long, sealed or not
    compact_bytes: int = 32 * 1024 * 1024  # free room in the hot store worth a rewrite


class Ledger:
    """
    One data directory, opened. `tick` does what is due.

    Raises:
        LedgerError: Not damaged, but cannot be opened now.
    """

    def __init__(self, data: Path, publish_seconds: float, limits: Limits, step: Callable[[str], None] = lambda name: None) -> None:
        self.data = data
        self._publish_seconds = publish_seconds
        self._limits = limits
        self._step = step
        self._dirty = True
        self._publish_at = 0.0
        self._house_at = 0.0
        for stale in (*data.glob(f".{PUBLISHED}.new*"), *data.glob("hot.compact.duckdb*")):
            stale.unlink()
        known = (data / PUBLISHED).exists()
        self.hot, fresh = _open(data)
        try:
            self._start(fresh, known)
        except BaseException:
            self.hot.close()
            raise

    def _start(self, fresh: bool, known: bool) -> None:
        """
        Args:
            fresh: The hot store is new.
            known: There was a ledger here before.
        """
        self.loader = Loader(self.hot, self.data / "journal")
        self._sealer = Sealer(self.hot, step=self._step)
        strangers = self._sealer.strangers()
        if fresh and (known or strangers):
            text = f"the hot store is made anew from the journal and {len(strangers)} Parquet files"
            log.error("ledger lost its hot store", detail=text)
            self.hot.note([Note("rebuilt", text)], _now_us())
        elif not strangers:
            self._sealer.adopt([])
            publish(self.hot)
            return
        # Nobody may see rows of a file and the same rows from the journal, nor a call that seems abandoned because its end stands further
        # on. Killed in here, the next start finds the same strangers and does the same again.
        while self.loader.step(reap=False)[1]:
            pass
        self._sealer.adopt(strangers)
        publish(self.hot)
        self.loader = Loader(self.hot, self.data / "journal")

    def tick(self) -> bool:
        """
        Load; publish and keep house where due. `True`: there is more to load at once.

        Raises:
            duckdb.Error, OSError, LedgerError: Close this and open another.
        """
        changed, more = self.loader.step()
        self._dirty |= changed
        now = time.monotonic()
        if now >= self._house_at:
            self._house_at = now + self._limits.housekeeping_seconds
            if self._keep_house():
                self._dirty, self._house_at = True, 0.0  # one piece a tick, so that new calls do not wait
        if self._dirty and now >= self._publish_at:
            self.publish()
        return more

    def publish(self) -> None:
        """
        Publish now. A large hot store is published less often: at most a fifth of the time goes into it.
        """
        began = time.monotonic()
        publish(self.hot)
        ended = time.monotonic()
        self._dirty = False
        self._publish_at = ended + max(self._publish_seconds, 4 * (ended - began))

    def _keep_house(self) -> bool:
        """
        One piece of sealing or merging. `True`: there may be another.
        """
        limits, now = self._limits, _now_us()
        old = now - int(limits.seal_after_seconds * 1e6)
        sealed = self._sealer.seal(old)
        if not sealed and (cut := self._sealer.cut_to(limits.max_hot_rows)):
            # Down to half, so that this is not due again with the next call.
            sealed = self._sealer.seal(max(cut, self._sealer.cut_to(limits.max_hot_rows // 2)))
        if sealed or self._sealer.merge(old):
            return True
        self._sealer.sweep()
        self.loader.expire(now - int(limits.retention_seconds * 1e6))
        sweep(self.data / "journal")
        free, share = self.hot.free_share()
        if free > limits.compact_bytes and share > 0.5:
            self._compact()
        return False

    def _compact(self) -> None:
        self.hot.close()
        try:
            compact(self.data)
        except duckdb.Error as error:
            log.warning("hot store not compacted", error=str(error).partition("\n")[0])
        self.hot, _ = _open(self.data)
        self.loader = Loader(self.hot, self.data / "journal")
        self._sealer = Sealer(self.hot, step=self._step)

    def close(self) -> None:
        """
        Close without another look; what is committed is safe.
        """
        self.hot.close()


def _open(data: Path) -> tuple[HotStore, bool]:
    """
    The hot store, and whether it is a new one.
    """
    path = data / "hot.duckdb"
    fresh = not path.exists()
    try:
        return HotStore(data), fresh
    except duckdb.Error as error:
        text = str(error).partition("\n")[0]
        if fresh or any(sign in text.lower() for sign in _PASSING):
            raise LedgerError(f"{path} cannot be opened: {text}") from error
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        for part in (path, path.with_name(path.name + ".wal")):
            if part.exists():
                part.rename(part.with_name(f"{part.name}.damaged-{stamp}"))
        log.error("hot store is damaged and was set aside", file=f"{path.name}.damaged-{stamp}", error=text)
        return HotStore(data), True


@contextmanager
def sole(data: Path) -> Iterator[None]:
    """
    Be the only ledger process of a data directory.

    Raises:
        LedgerError: Another one runs.
    """
    if not data.exists():
        data.mkdir(parents=True, exist_ok=True)
        data.chmod(0o750)  # analysts of the group come in, whatever the umask
    fd = os.open(data / "ledger.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise LedgerError(f"{data}: another ledger process (pid {pid}) serves this directory") from error
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(fd)


def run(
    data_dir: Path,
    publish_seconds: float,
    stop: threading.Event,
    *,
    limits: Limits | None = None,
    step: Callable[[str], None] = lambda name: None,
    ready: Callable[[], None] | None = None,
) -> None:
    """
    Serve a data directory until `stop` is set; then read what is left, publish, and return. Sets the process's umask to 077: DuckDB makes
    its log with whatever the umask leaves.

    Args:
        publish_seconds: At least this long between two publications.
        step: See `Sealer`.
        ready: Called once, when the ledger is published for the first time.

    Raises:
        LedgerError: Another ledger process serves the directory. Full disks and damaged files are no reason to return, except at the first
            start of a process somebody waits for (`ready`): who waits wants to know why.
        OSError: The directory cannot be made or written.
    """
    data = data_dir.resolve()
    limits = limits or Limits()
    with sole(data):
        os.umask(0o077)
        served = False

        def serving() -> None:
            nonlocal served
            if not served and ready is not None:
                ready()
            served = True

        while (fault := _serve(data, publish_seconds, limits, stop, step, serving)) is not None:
            if ready is not None and not served:
                raise LedgerError(fault)
            # A directory that works again is taken up again; one that never will is the operator's, and says so each time.
            if stop.wait(1.0):
                return


def _serve(
    data: Path, publish_seconds: float, limits: Limits, stop: threading.Event, step: Callable[[str], None], serving: Callable[[], None]
) -> str | None:
    """
    `None`: done. Else what failed, and is worth another try.
    """
    ledger: Ledger | None = None
    try:
        ledger = Ledger(data, publish_seconds, limits, step)
        log.info("ledger serves", data=str(data), published=str(data / PUBLISHED))
        serving()
        wait = min(limits.load_seconds, publish_seconds)
        while not stop.is_set():
            if not ledger.tick():
                stop.wait(wait)
        while ledger.loader.step()[1]:
            pass
        ledger.publish()
        return None
    except (duckdb.Error, OSError, LedgerError) as error:
        fault = str(error).partition("\n")[0]
        log.error("ledger failed, will try again", kind=type(error).__name__, error=fault)
        return fault
    finally:
        if ledger is not None:
            with suppress(duckdb.Error, OSError):  # closing checkpoints, which fails again for the same reason
                ledger.close()


def _now_us() -> int:
    return time.time_ns() // 1000


def _watch_stdin(stop: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    stop.set()


def _say_ready() -> None:
    print("ready", flush=True)  # noqa: T201 read by the supervisor
    os.dup2(2, 1)  # nobody reads on: a stray print must not fill the pipe and block


def main() -> None:
    """
    Serve until SIGTERM or SIGINT. Exit 1: refused, saying why. With `--while-stdin` says `ready` or `failed WHY` on standard output.
    """
    parser = argparse.ArgumentParser(prog="python -m excise.ledger.process", description="Load the journal and publish the ledger.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--publish-seconds", type=float, default=2.0, metavar="N")
    parser.add_argument("--while-stdin", action="store_true", help="end when standard input ends: when whoever started this is gone")
    given = parser.parse_args()
    log_to_stderr()
    stop = threading.Event()
    if given.while_stdin:
        threading.Thread(target=_watch_stdin, args=(stop,), daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        run(given.data, given.publish_seconds, stop, ready=_say_ready if given.while_stdin else None)
    except (LedgerError, OSError) as error:
        if given.while_stdin:
            print(f"failed {error}".replace("\n", "; "), flush=True)  # noqa: T201 read by the supervisor
        else:
            print(f"excise: {error}", file=sys.stderr)  # noqa: T201 the answer to whoever started this by hand
        sys.exit(1)


if __name__ == "__main__":
    main()
