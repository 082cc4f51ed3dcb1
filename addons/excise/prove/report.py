"""
What is said of a proof: for people, and as JSON. Of planted values only where they were planted and where they were found.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import platform
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from excise import __version__

SCOPE: Final = (
    "What the providers themselves keep: see `excise retention`. The stand-in plays them here.",
    "The memory of the running proxy: it must hold a call while it passes, and the values of a conversation until it ends.",
    "Swap, hibernation images and snapshots of the machine: encrypt or switch off.",
    "What other programs record: packet captures, a client's own logs, an upstream proxy.",
    "Files that lived for less than about 20 ms and were not there at a search.",
    "Kinds of values that no detector knows, and disguises that were not tried.",
    "What is recorded on purpose: hosts, paths of known operations, model names, users of the proxy, counts, times, fingerprints of keys.",
)
_SHOWN_DETAILS = 20


@dataclass(slots=True)
class Check:
    """
    One line: something that was tried. `passed` is `None` where it is only told, not judged.
    """

    section: str
    name: str
    passed: bool | None
    said: str
    details: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        return "told" if self.passed is None else "PASS" if self.passed else "FAIL"


@dataclass(slots=True)
class Report:
    """
    All of it.

    Attributes:
        sent: Path -> requests sent along it.
        policies: Ids of the policies that were in force, as the ledger has them.
        kept: Where the folder is; `None`: removed.
    """

    own_policy: bool
    started: dt.datetime
    seconds: float = 0.0
    checks: list[Check] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    policies: list[str] = field(default_factory=list)
    searches: int = 0
    files: int = 0
    bytes_read: int = 0
    unpacked: int = 0
    rows: int = 0
    forms: int = 0
    kept: str | None = None

    @property
    def passed(self) -> bool:
        """
        Whether nothing failed, and something was judged.
        """
        return bool(self.checks) and all(check.passed is not False for check in self.checks) and any(check.passed for check in self.checks)

    def plain(self) -> dict[str, Any]:
        """
        For `--json`.
        """
        return {
            "passed": self.passed,
            "date": self.started.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 1),
            "versions": versions(),
            "policies": self.policies,
            "policy_of": "the operator" if not self.own_policy else "the proof",
            "sent": self.sent,
            "searched": {
                "searches": self.searches,
                "files": self.files,
                "bytes": self.bytes_read,
                "unpacked_parts": self.unpacked,
                "database_rows": self.rows,
                "forms": self.forms,
            },
            "checks": [{**asdict(check), "verdict": check.verdict} for check in self.checks],
            "not_proven": list(SCOPE),
            "folder": self.kept,
        }

    def _parts(self) -> dict[str, list[str]]:
        """
        What was sent, by part: paths, with how many requests where it is more than one.
        """
        parts: dict[str, list[str]] = {}
        for path, count in self.sent.items():
            part, _, name = path.partition(": ")
            parts.setdefault(part, []).append(name if count == 1 else f"{name} ({count})")
        return parts

    def show(self, console: Console) -> None:
        """
        For people.
        """
        console.print("[b]Excise: proof that nothing is kept[/]")
        console.print(f"  date      {self.started:%Y-%m-%d %H:%M:%S} UTC, {self.seconds:.0f} s")
        console.print("  versions  " + ", ".join(f"{name} {version}" for name, version in versions().items()), highlight=False)
        whose = "the operator's" if not self.own_policy else "the proof's own"
        console.print(f"  policy    {escape(', '.join(self.policies) or 'unknown')} ({whose})", highlight=False)
        console.print(f"  sent      {sum(self.sent.values())} requests along {len(self.sent)} paths", highlight=False)
        searched = (
            f"{self.searches} searches, {self.files} files, {self.bytes_read:,} bytes, {self.unpacked} packed parts, {self.rows:,} rows"
        )
        for part, names in self._parts().items():
            console.print(f"            {escape(part)}: {escape('; '.join(names))}", highlight=False)
        console.print(f"  searched  {searched}, for {self.forms:,} byte strings", highlight=False)
        for section in dict.fromkeys(check.section for check in self.checks):
            console.print(f"\n[b]{escape(section)}[/]")
            for check in self.checks:
                if check.section == section:
                    _show(console, check)
        console.print("\n[b]Not proven by this[/]")
        for line in SCOPE:
            console.print(f"  {escape(line)}", highlight=False, soft_wrap=True)
        verdict = "[green]PASS[/]: nothing was found where nothing may be" if self.passed else "[bold red]FAIL[/]"
        console.print(f"\n{verdict}" + (f". The folder stays: {escape(self.kept)}" if self.kept else ""), highlight=False, soft_wrap=True)


def _show(console: Console, check: Check) -> None:
    style = {"PASS": "green", "FAIL": "bold red", "told": "yellow"}[check.verdict]
    console.print(f"  [{style}]{check.verdict}[/]  {escape(check.name)}: {escape(check.said)}", highlight=False, soft_wrap=True)
    shown = check.details if check.passed is False else check.details[:_SHOWN_DETAILS] if check.passed is None else []
    for detail in shown:
        console.print(f"        {escape(detail)}", highlight=False, soft_wrap=True)


def versions() -> dict[str, str]:
    """
    Of what was tried, and of what it stands on.
    """
    found = {"excise": __version__, "Python": platform.python_version()}
    for name in ("mitmproxy", "duckdb", "hyperscan"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {**found, "system": f"{platform.system()} {platform.release()}"}
