"""
`excise redact`: what would be taken out of a text, and what would stand there instead.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import orjson
import typer

from excise.errors import ExciseError
from excise.policy.known import known_names
from excise.policy.load import load_policy
from excise.privacy.detect.catalogue import RULES
from excise.privacy.detect.detector import Rule
from excise.privacy.examine import examine
from excise.privacy.placeholder import Placeholders
from excise.privacy.profiles import PROFILES, combined
from excise.privacy.protection import Protection, Scanners
from excise.privacy.walk.spots import Spot
from excise.scanning import KEY_FILE, placeholder_key, scanner_maker

MAX_LINE_BYTES = 64 * 1024 * 1024


def redact(
    file: Annotated[Path | None, typer.Argument(help="The text; `-` or nothing: standard input.")] = None,
    profile: Annotated[list[str] | None, typer.Option(help=f"What is looked for: {', '.join(PROFILES)}; repeatable.")] = None,
    policies: Annotated[
        Path | None, typer.Option(metavar="DIR|FILE", help="Use the detectors and an entry (--rule) of this policy's `redact`.")
    ] = None,
    rule: Annotated[str | None, typer.Option(help="Name of the entry; the first one that looks for anything, if not given.")] = None,
    jsonl: Annotated[bool, typer.Option(help='Read one {"text": …} a line, write one {"spans": […], "redacted": …} a line.')] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print findings as JSON.")] = False,
    data: Annotated[Path, typer.Option(envvar="EXCISE_DATA", help="Data directory, for the key of placeholders.")] = Path("data"),
    fast: Annotated[bool, typer.Option(help="Use Hyperscan where it is installed.")] = True,
) -> None:
    """
    Say what would be taken out of a text, and what would stand there instead. Nothing is sent, kept or logged.
    """
    # The fast gate takes seconds to make where it is not kept: for one text that is a waste.
    redactor = Redactor(_protection(profile, policies, rule, data, fast and (jsonl or (data / "state").is_dir())), _placeholders(data))
    source: BinaryIO = sys.stdin.buffer if file is None or str(file) == "-" else _opened(file)
    with source:
        if jsonl:
            for line in _lines(source):
                sys.stdout.buffer.write(redactor.line(line))
                sys.stdout.buffer.flush()
            return
        content = source.read()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise typer.BadParameter("the file is not UTF-8 text") from None
    spans, redacted = redactor.text(text)
    if as_json:
        print(json.dumps({"spans": spans, "redacted": redacted}, indent=2))
        return
    for span in spans:
        row = text.count("\n", 0, span["start"]) + 1
        column = span["start"] - (text.rfind("\n", 0, span["start"]) + 1) + 1
        print(f"{file or '-'}:{row}:{column}: {span['type']} by {span['detector']}, {span['action']}", file=sys.stderr)
    sys.stdout.write(redacted)


class Redactor:
    """
    Redacts texts one by one, as the proxy would redact a request that holds them. Values are forgotten after each text.
    """

    def __init__(self, protection: Protection, placeholders: Placeholders) -> None:
        self._protection = protection
        self._placeholders = placeholders

    def text(self, text: str) -> tuple[list[dict[str, Any]], str]:
        """
        Spans (code points, end exclusive), and the text with them replaced; where something is blocked, the text as it is.
        """
        examined = examine(text, self._protection, self._placeholders)
        return [self._span(spot) for spot in examined.spots], examined.redacted

    def line(self, line: bytes) -> bytes:
        """
        One line of JSONL in, one out. A line that is no `{"text": …}` gives `{"error": …}`.
        """
        try:
            text = orjson.loads(line)["text"]
            if not isinstance(text, str):
                raise TypeError
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return b'{"error":"each line must be a JSON object with a string under \\"text\\""}\n'
        spans, redacted = self.text(text)
        return orjson.dumps({"spans": spans, "redacted": redacted}) + b"\n"

    def _span(self, spot: Spot) -> dict[str, Any]:
        action = self._protection.action(spot.entity)
        return {"start": spot.start, "end": spot.end, "type": spot.entity, "detector": spot.detector, "action": str(action)}


def _protection(names: list[str] | None, policies: Path | None, rule: str | None, data: Path, fast: bool) -> Protection:
    cache = data / "state" / "scanners" if (data / "state").is_dir() else None
    make = scanner_maker(_placeholders(data), cache=cache, fast=fast)
    if policies is None:
        unknown = [name for name in names or () if name not in PROFILES]
        if unknown:
            raise typer.BadParameter(f"no such profile: {unknown[0]}; one of {', '.join(PROFILES)}", param_hint="--profile")
        chosen = combined(names or ["strict"], {})
        rules: tuple[Rule, ...] = RULES
        scanner = Scanners(rules, make).of(chosen)
        return Protection("command line", chosen, lambda: scanner)
    if names:
        raise typer.BadParameter("--profile and --policies exclude each other", param_hint="--profile")
    loaded = load_policy(policies, known=known_names(), scanner=make)
    entries = {entry.name: entry.said for entry in loaded.protections if entry.said is not None and rule in (None, entry.name)}
    if not entries:
        raise typer.BadParameter("no such entry of `redact` that looks for anything", param_hint="--rule")
    return next(iter(entries.values()))


def _placeholders(data: Path) -> Placeholders:
    state = data / "state"
    try:
        return Placeholders(placeholder_key(state) if (state / KEY_FILE).exists() else os.urandom(32))
    except ExciseError:
        return Placeholders(os.urandom(32))  # not ours to read; then placeholders are this run's own


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from None


def _lines(source: BinaryIO) -> Iterator[bytes]:
    while line := source.readline(MAX_LINE_BYTES):
        if line.strip():
            yield line


def register(app: typer.Typer) -> None:
    app.command()(redact)
