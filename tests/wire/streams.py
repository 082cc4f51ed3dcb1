"""
The small streams under `tests/fixtures/streams`, and ways to cut them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from excise.wire.frame import Frame

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "streams"
LIMIT = 1 << 20


class Decoder(Protocol):
    def feed(self, chunk: bytes) -> list[Frame]: ...
    def close(self) -> list[Frame]: ...


def stream(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def decoded(decoder: Decoder, chunks: Iterator[bytes] | list[bytes]) -> list[Frame]:
    return [frame for chunk in chunks for frame in decoder.feed(chunk)] + decoder.close()


def joined(frames: list[Frame]) -> bytes:
    return b"".join(frame.raw for frame in frames)


def read(frames: list[Frame]) -> list[tuple[str | None, bytes]]:
    """
    What a reader of the stream learns: blanks and comments left out.
    """
    return [(frame.event, frame.data) for frame in frames if frame.data is not None]
