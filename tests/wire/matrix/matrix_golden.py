"""
Golden files: what goes out and what comes back, kept as text that a reviewer can read.

Set `EXCISE_GOLDEN=write` to write them anew; look at the difference before it is kept.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from matrix_cells import DIALECTS, FOLDER, Given, pack
from matrix_clients import frames_of

from excise.wire.frame import Framing
from excise.wire.loss import Loss

GOLDEN = FOLDER / "golden"
WRITE = os.environ.get("EXCISE_GOLDEN") == "write"
WIDTH = 140
MOST_LINES = 80  # of a difference


def same(name: str, text: str) -> None:
    """
    The text is what the golden file has.
    """
    path = GOLDEN / name
    if WRITE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    if not path.exists():
        raise AssertionError(f"there is no golden file {name}; EXCISE_GOLDEN=write makes it")
    kept = path.read_text(encoding="utf-8")
    if kept != text:
        lines = difflib.unified_diff(kept.split("\n"), text.split("\n"), name, "now", lineterm="")
        raise AssertionError("\n".join(["EXCISE_GOLDEN=write keeps what is now so:", *islice(lines, MOST_LINES)]))


def files() -> set[str]:
    return {path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*") if path.is_file()}


def pretty(value: Any, indent: str = "") -> str:
    """
    JSON, with what fits into a line in one line.
    """
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(flat) <= WIDTH or not value or not isinstance(value, dict | list):
        return flat
    deeper = indent + "  "
    if isinstance(value, list):
        return "[\n" + ",\n".join(deeper + pretty(inner, deeper) for inner in value) + f"\n{indent}]"
    members = (f"{deeper}{json.dumps(name, ensure_ascii=False)}: {pretty(inner, deeper)}" for name, inner in value.items())
    return "{\n" + ",\n".join(members) + f"\n{indent}}}"


def told(losses: Iterable[Loss]) -> Iterator[str]:
    """
    Losses, a line each.
    """
    return (f"! {loss.field} {loss.change}: {loss.why}" for loss in losses)


def stream(client: str, body: bytes) -> str:
    """
    A stream as text: server-sent events and lines as they are, with a mark for a carriage return; messages of AWS one a line.
    """
    if DIALECTS[client].framing is not Framing.EVENTSTREAM:
        return body.decode().replace("\r\n", "␍\n")
    frames = frames_of(client, body)
    assert b"".join(pack(str(frame.event), frame.json) for frame in frames) == body
    return "\n".join(f"{frame.event} {(frame.data or b'').decode()}" for frame in frames)


def head(given: Given) -> str:
    return "\n".join((str(given.status), *(f"{name}: {value}" for name, value in given.headers)))
