"""
What the kernel says of the proxy's processes: limits, environment, command lines, open files. On systems without /proc: nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from excise.prove.search import Search, Searched

_WRITING = os.O_WRONLY | os.O_RDWR
_MOST_BYTES = 64 << 20


@dataclass(slots=True)
class Inspected:
    """
    What was seen of a family of processes.

    Attributes:
        dumping: Processes that may write a core file.
        outside: Files open for writing that are not below the folder.
        unnamed: Open files that have no name any more, or never had one; they were searched.
    """

    processes: int = 0
    dumping: list[int] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    unnamed: int = 0
    searched: Searched = field(default_factory=Searched)


def available() -> bool:
    """
    Whether this system shows its processes.
    """
    return Path("/proc/self/limits").exists()


def inspect(pids: Iterable[int], search: Search, home: Path) -> Inspected:
    """
    Look at processes that run; one that ends meanwhile is passed over.
    """
    seen = Inspected()
    for pid in pids:
        place = Path(f"/proc/{pid}")
        try:
            limits = (place / "limits").read_text()
            texts = {name: (place / name).read_bytes() for name in ("cmdline", "environ", "comm")}
        except OSError:
            continue
        seen.processes += 1
        if not _no_core(limits):
            seen.dumping.append(pid)
        for name, text in texts.items():
            search.of(text, f"/proc/PID/{name}", seen.searched)
        for file, target, writing in _open_files(place):
            named = Path(target)
            if " (deleted)" in target or target.startswith("/memfd:"):
                seen.unnamed += 1
                search.of(_read(file), "an open file without a name", seen.searched)
            elif writing and named.is_file() and home.resolve() not in named.parents:
                seen.outside.append(target)
    return seen


def core_pattern() -> str | None:
    """
    What the kernel does with a core; `None`: it does not say.
    """
    try:
        return Path("/proc/sys/kernel/core_pattern").read_text().strip()
    except OSError:
        return None


def _no_core(limits: str) -> bool:
    for line in limits.splitlines():
        if line.startswith("Max core file size"):
            return line.split()[4] == "0"
    return False


def _open_files(place: Path) -> Iterator[tuple[Path, str, bool]]:
    try:
        files = list((place / "fd").iterdir())
    except OSError:
        return
    for file in files:
        try:
            target = str(file.readlink())
            flags = (place / "fdinfo" / file.name).read_text().partition("flags:")[2].split()[0]
        except (OSError, IndexError):
            continue
        if target.startswith("/") and not target.startswith("/dev/"):
            yield file, target, bool(int(flags, 8) & _WRITING)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES)
    except OSError:
        return b""
