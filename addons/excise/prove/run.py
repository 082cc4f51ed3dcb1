"""
The proof, in order: try the search; redact; fail closed; keep nothing; crash and come back.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from excise.prove import processes
from excise.prove.canaries import Canary
from excise.prove.keeping import Keeping
from excise.prove.redacting import Redacting
from excise.prove.report import Check, Report
from excise.prove.search import Search, Searched, blind_spots
from excise.prove.surroundings import Linker, Proxy
from excise.standin import StandIn, running

MOST_FINDINGS: Final = 50  # shown of one search
MOST_ELSEWHERE_BYTES: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Options:
    """
    Attributes:
        policies: The operator's policy directory; `None`: policies of the proof's own, which must redact and must refuse.
        keep: Leave the folder in place.
        redacting: Policy text in place of the proof's own for the part on redaction; to see it fail.
        parts: Which parts are gone through.
        during: Called while the proxy runs, after the calls and before the first search, with the folder it may write to and what was
            planted so far; to see a leak found.
    """

    policies: Path | None = None
    keep: bool = False
    redacting: str | None = None
    parts: tuple[type[Redacting] | type[Keeping], ...] = (Redacting, Keeping)
    during: Callable[[Path, list[Canary]], None] | None = field(default=None, repr=False)


@dataclass(slots=True)
class Proof:
    """
    What the parts share: the report they write, the provider, the folder.
    """

    options: Options
    report: Report
    standin: StandIn
    folder: Path

    def check(self, section: str, name: str, passed: bool | None, said: str, details: list[str] | None = None) -> None:
        """
        Add a line.
        """
        self.report.checks.append(Check(section, name, passed, said, (details or [])[:MOST_FINDINGS]))

    def home(self, name: str) -> Path:
        """
        A fresh folder one proxy may write to.
        """
        home = self.folder / name
        home.mkdir()
        return home

    def policies(self, name: str, text: str, files: dict[str, str] | None = None) -> Path:
        """
        A policy directory: the operator's, or one made of `text`. It is outside all homes, for it may hold values.
        """
        if self.options.policies is not None:
            return self.options.policies
        folder = self.folder / f"policy-{name}"
        folder.mkdir()
        for file, content in {f"{name}.yml": text, **(files or {})}.items():
            (folder / file).write_text(content)
        return folder

    def search(self, section: str, moment: str, planted: list[Canary], folder: Path, files: list[Path] | None = None) -> None:
        """
        Look through everything under `folder`, or through some of its files, and say so in a line.
        """
        search = Search(planted)
        done = search.folder(folder) if files is None else search.files(files, folder)
        self.count(search, done)
        said = f"{len(planted)} canaries in {search.forms_count} forms, {done.files} files, {done.bytes_read:,} bytes, {done.rows:,} rows: "
        said += f"{len(done.findings)} found"
        if done.unopened:
            said += f"; rows not readable just then: {', '.join(sorted(set(done.unopened)))} (their bytes were searched)"
        self.check(section, moment, not done.findings, said, [str(finding) for finding in done.findings])

    def note_policies(self, proxy: Proxy) -> None:
        """
        Take down which policies decided, by id.
        """
        for (id_,) in proxy.query("select distinct policy_id from decisions where policy_id is not null order by all"):
            if id_ not in self.report.policies:
                self.report.policies.append(id_)

    def count(self, search: Search, done: Searched) -> None:
        """
        Take a search into the report's totals.
        """
        report = self.report
        report.searches += 1
        report.files += done.files
        report.bytes_read += done.bytes_read
        report.unpacked += done.unpacked
        report.rows += done.rows
        report.forms = max(report.forms, search.forms_count)

    def processes(self, section: str, moment: str, proxy: Proxy, planted: list[Canary]) -> None:
        """
        Look at the processes of a proxy that runs.
        """
        if not processes.available():
            self.check(section, f"processes {moment}", None, "not looked at: this system has no /proc")
            return
        proxy.refresh()
        search = Search(planted)
        seen = processes.inspect(proxy.living(), search, proxy.home)
        self.count(search, seen.searched)
        workers = set(proxy.ready["pids"]["workers"])
        dumping = sorted(workers.intersection(seen.dumping))
        said = f"{seen.processes} processes, {seen.unnamed} open files without a name: {len(seen.searched.findings)} canaries in them, in "
        said += f"command lines and environments; {len(seen.outside)} files open for writing elsewhere; "
        said += f"{len(dumping)} workers may write a core"
        details = [*map(str, seen.searched.findings), *(f"open for writing: {path}" for path in seen.outside)]
        details += [f"worker {pid}: the limit of core files is not 0" for pid in dumping]
        self.check(section, f"processes {moment}", bool(seen.processes) and not details, said, details)


def _elsewhere(since: dt.datetime) -> Iterator[Path]:
    """
    Files of ours in the system's own temporary folders, for programs that ask nobody where to write; those directly in them that changed.
    """
    for folder in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm")):  # noqa: S108 - read, not written
        for path in Path(folder).glob("*"):
            with contextlib.suppress(OSError):
                about = path.lstat()
                fresh = about.st_uid == os.getuid() and about.st_mtime >= since.timestamp()
                if stat.S_ISREG(about.st_mode) and fresh and about.st_size <= MOST_ELSEWHERE_BYTES:
                    yield path


def prove(options: Options) -> Report:
    """
    Start the real proxy in a folder of its own, plant, search, report. Needs no network but loopback.

    Raises:
        Unavailable: The proxy did not start, or did not come back.
    """
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="excise-prove-"))
    report = Report(own_policy=options.policies is None, started=dt.datetime.now(dt.UTC), kept=str(folder) if options.keep else None)
    try:
        with running() as standin:
            proof = Proof(options, report, standin, folder)
            tried, missed = blind_spots()
            proof.check("The search itself", "control files", not missed, f"{tried - len(missed)} of {tried} hiding places seen", missed)
            for part in (made(proof) for made in options.parts):
                with contextlib.ExitStack() as stack:
                    linker = stack.enter_context(Linker(part.home, folder / f"{part.home.name}-gone"))
                    stack.callback(part.proxy.kill)
                    part.run()
                part.search("after the end")
                gone = linker.gone()
                proof.search(part.files, f"{len(gone)} files that were removed or replaced meanwhile", part.planted, linker.kept, gone)
                proof.search(
                    part.files, "the system's folders for temporary files", part.planted, Path("/"), list(_elsewhere(report.started))
                )
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    report.seconds = time.monotonic() - began
    return report
