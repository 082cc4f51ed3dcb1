"""
Recorded traffic of real providers, read from a folder `shared/fixtures` beside the repository; never copied into it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_FOLDER = Path(__file__).resolve().parents[1] / "../shared/fixtures"

RECORDINGS: Path | None = _FOLDER.resolve() if (_FOLDER / "FORMAT.md").is_file() else None

require_recordings = pytest.mark.skipif(RECORDINGS is None, reason="recordings absent: no folder shared/fixtures beside the repository")


def records(kind: str = "http", provider: str | None = None) -> Iterator[dict[str, Any]]:
    """
    Recordings of one kind (`http`, `websocket`, `responses_only`), all or of one provider (protocol for websockets), in file order.

    Yields nothing where the recordings are absent.
    """
    if RECORDINGS is None:
        return
    for file in sorted((RECORDINGS / kind).glob(f"{provider or '*'}.jsonl")):
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def header(message: dict[str, Any], name: str) -> str | None:
    """
    First value of a header of a recorded request or response, case-insensitive.
    """
    return next((value for key, value in message["headers"] or () if key.lower() == name), None)


def headers(message: dict[str, Any]) -> tuple[tuple[bytes, bytes], ...]:
    """
    All headers of a recorded request or response, as `HttpRequest` holds them.
    """
    return tuple((key.encode("utf-8"), value.encode("utf-8")) for key, value in message["headers"] or ())


def _body(message: dict[str, Any]) -> bytes:
    if message.get("body_base64") is not None:
        return base64.b64decode(message["body_base64"])
    return (message.get("body") or "").encode("utf-8", "surrogateescape")


def request_body(record: dict[str, Any]) -> bytes:
    """
    The request's body; empty where none was recorded.
    """
    return _body(record["request"])


def response_body(record: dict[str, Any]) -> bytes:
    """
    The response's body as a server would send it now: still coded where the recording is, decoded where the recorder had decoded it.
    """
    return _body(record["response"])


def response_encoding(record: dict[str, Any]) -> str | None:
    """
    The `content-encoding` that holds for `response_body`: `None` where the recorder had already decoded it.
    """
    if not record["meta"].get("response_body_state", "plain").startswith("encoded"):
        return None
    return header(record["response"], "content-encoding")
