"""
The policy in force, and its reload: an edge, with files and a log.

One reference holds the policy. A reload builds another policy beside it and swaps the reference, or, on any fault, keeps the
old one. There is no moment without a policy, and a call that has begun keeps the policy it began with.

Every worker reloads by itself from the same file. What makes them equal is the content: the policy's id holds its hash, so
"all workers run the same policy" is "all workers log and record the same id". The supervisor may load the file first to say
what is wrong with it once; it hands nothing on.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import structlog

from excise.errors import PolicyError
from excise.policy.compile import Policy
from excise.policy.flaw import Known
from excise.policy.load import load_policy
from excise.policy.yaml import Fault
from excise.privacy.detect.detector import Rule
from excise.privacy.detect.scanner import Scanner

_log = structlog.get_logger("excise.policy")

MAX_LOGGED = 20  # faults in one log line

Signature = tuple[tuple[str, tuple[int, ...] | None], ...]


class PolicyStore:
    """
    Holds the policy of a directory (or file) and keeps it current.

    Args:
        where: Directory with exactly one policy, or a policy file.
        known: The catalogue, see `Known`.
        environ: For `env:NAME` keys. Default: the process's.
        scanner: Makes the scanners of `redact`; `None` where nothing is to be redacted, only looked at.

    Raises:
        PolicyError: The first load fails: without a policy nothing may start.
    """

    def __init__(
        self,
        where: Path,
        *,
        known: Known | None = None,
        environ: Mapping[str, str] | None = None,
        scanner: Callable[[Sequence[Rule]], Scanner] | None = None,
    ) -> None:
        self._where = where
        self._known = known
        self._environ = environ
        self._scanner = scanner
        self._lock = threading.Lock()
        self._touched: set[Path] = set()
        self._faults: list[Fault] | None = None
        self._current = self._load()
        self._seen = _signature(self._where, self._touched)
        self._look_again = True

    @property
    def current(self) -> Policy:
        """
        The policy in force. Take it once per decision.
        """
        return self._current

    @property
    def faults(self) -> list[Fault] | None:
        """
        What was wrong at the last reload; `None`: nothing.
        """
        return self._faults

    def reload(self) -> list[Fault] | None:
        """
        Load again now (SIGHUP). `None` if that went well, else the faults; then the old policy stays. Thread-safe; reads files and may
        take a second for a very large one, so on an event loop call it through `asyncio.to_thread`.
        """
        with self._lock:
            old, old_faults = self._current, self._faults
            try:
                policy = self._load()
            except PolicyError as error:
                self._faults = error.places
                if self._faults != old_faults:  # else it has been said; a broken file is looked at more than once
                    _log.error("policy kept", policy_id=old.id, faults=str(error).splitlines()[:MAX_LOGGED], faults_total=len(error.places))
                return self._faults
            self._faults = None
            if policy.id != old.id or policy.referred != old.referred:  # the file, or a key or dictionary it refers to
                self._current = policy
                _log.info("policy reloaded", policy_id=policy.id, before=old.id, **policy.counts._asdict())
            elif old_faults is not None:
                _log.info("policy is whole again", policy_id=old.id)
            return None

    def poll(self) -> None:
        """
        Reload if the files have changed since the last look. For a ticker of about a second; see `watch`.
        """
        signature = _signature(self._where, self._touched)
        changed = signature != self._seen
        if changed or self._look_again:
            self._seen = signature
            # A second look one poll later: two writes within one tick of the file system's clock leave one signature.
            self._look_again = changed
            self.reload()

    async def watch(self, seconds: float = 1.0) -> None:
        """
        Poll until cancelled. Files are read in a thread: a file system that hangs must not stop the calls.
        """
        while True:
            await asyncio.sleep(seconds)
            try:
                await asyncio.to_thread(self.poll)
            except Exception as error:  # noqa: BLE001
                # A bug in loading must not silently end all later reloads. The old policy stays in force. The text may hold file
                # content, so only the type is told.
                _log.error("policy kept", policy_id=self._current.id, faults=[f"bug while reloading: {type(error).__name__}"])

    def _load(self) -> Policy:
        touched: set[Path] = set()
        try:
            policy = load_policy(self._where, known=self._known, environ=self._environ, touched=touched, scanner=self._scanner)
            if self._scanner is not None:
                policy.warm()
            return policy
        finally:
            self._touched = touched


def _signature(where: Path, touched: Iterable[Path]) -> Signature:
    """
    What tells whether to read again: names in the directory; time, size and inode of the files the policy was made of. Links are
    followed, so a swapped link (as mounted config maps do it) is a new inode.
    """
    try:
        names = sorted(entry.name for entry in os.scandir(where) if entry.name.endswith((".yml", ".yaml")))
    except OSError:
        names = []  # not a directory, or gone: then the files tell
    signature: list[tuple[str, tuple[int, ...] | None]] = [(name, None) for name in names]
    for path in sorted(touched):
        try:
            status = path.stat()
            signature.append((str(path), (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev)))
        except OSError:
            signature.append((str(path), None))
    return tuple(signature)
