"""
Scanners for those who run them: with the fast gate where it is installed, its database kept between starts. An edge: touches files.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import threading
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

import structlog

from excise.policy.fingerprint import load_or_create_secret
from excise.privacy.detect import hyperscan_gate
from excise.privacy.detect.detector import Rule
from excise.privacy.detect.gate import AhoCorasickGate, Gate
from excise.privacy.detect.scanner import Scanner
from excise.privacy.placeholder import Placeholders
from excise.privacy.surrogate import looks_like_surrogate

_log = structlog.get_logger("excise.scanning")

KEY_FILE = "placeholder.key"
_MAX_DATABASES = 16


def placeholder_key(state: Path) -> bytes:
    """
    The installation's key of placeholders, made if there is none.

    Raises:
        SettingsError: It cannot be read or made.
    """
    return load_or_create_secret(state / KEY_FILE)


def scanner_maker(placeholders: Placeholders, *, cache: Path | None, fast: bool = True) -> Callable[[Sequence[Rule]], Scanner]:
    """
    What makes scanners of rules.

    Args:
        placeholders: Ours are never findings.
        cache: Folder for compiled databases, which take seconds to make; `None`: they are not kept.
        fast: Use Hyperscan where it is installed.
    """

    def own(text: str) -> bool:
        # A finding that holds nothing but placeholders and signs: `PASSWORD_…;`.
        rest, at = [], 0
        for start, end in placeholders.find(text):
            rest.append(text[at:start])
            at = end
        rest.append(text[at:])
        return (at > 0 and not any(map(str.isalnum, "".join(rest)))) or looks_like_surrogate(text)

    def gate(rules: Sequence[Rule]) -> Gate:
        return _fast_gate(rules, cache) if fast and hyperscan_gate.available else AhoCorasickGate(rules)

    return lambda rules: Scanner(rules, gate=gate, own=own)


def _fast_gate(rules: Sequence[Rule], cache: Path | None) -> Gate:
    import hyperscan

    path = cache / f"{_digest(rules)}.hsdb" if cache is not None else None
    if path is not None:
        # Another processor's, another version's, or damaged: it carries a checksum.
        with contextlib.suppress(OSError, ValueError, IndexError, hyperscan.error):
            return hyperscan_gate.HyperscanGate(rules, path.read_bytes())
    return _LateGate(rules, path)


class _LateGate:
    """
    Works at once with the gate that is made at once, and with the fast one as soon as that is compiled, which takes seconds. The compiler
    lets other threads run.
    """

    def __init__(self, rules: Sequence[Rule], path: Path | None) -> None:
        self._gate: Gate = AhoCorasickGate(rules)
        threading.Thread(target=self._compile, args=(rules, path), name="excise-scanner", daemon=True).start()

    def places(self, text: str) -> dict[int, list[int]]:
        return self._gate.places(text)

    def stretches(self, text: str) -> dict[int, list[tuple[int, int]]]:
        return self._gate.stretches(text)

    def _compile(self, rules: Sequence[Rule], path: Path | None) -> None:
        try:
            database = hyperscan_gate.compile_database(rules)
            fast = hyperscan_gate.HyperscanGate(rules, database)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other gate finds the same
            _log.warning("the fast gate cannot be used", error=type(error).__name__)
            return
        self._gate = fast
        if path is not None:
            with contextlib.suppress(OSError):  # a cache that cannot be written costs time and nothing else
                _keep(path, database)


def _digest(rules: Sequence[Rule]) -> str:
    about = hashlib.sha256(metadata.version("hyperscan").encode())
    for rule in rules:
        about.update(repr((rule.name, rule.keywords, getattr(rule, "pattern", ""))).encode("utf-8", "surrogatepass"))
    return about.hexdigest()[:32]


def _keep(path: Path, database: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    temporary.write_bytes(database)
    temporary.replace(path)
    kept = sorted(path.parent.glob("*.hsdb"), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in kept[_MAX_DATABASES:]:
        old.unlink(missing_ok=True)
