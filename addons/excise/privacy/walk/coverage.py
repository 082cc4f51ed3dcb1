"""
What became of every byte: scanned, left out by a named rule, not text, or not understood.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple


class Binary(NamedTuple):
    """
    A part that is not text. `bytes_count` is what it decodes to.
    """

    media_type: str
    bytes_count: int
    where: str


class Unknown(NamedTuple):
    """
    A part that was not understood. The request must not leave where policy says redact.
    """

    where: str
    why: str


@dataclass(slots=True)
class Coverage:
    """
    An account in bytes, as they stand in the request.

    Attributes:
        total: Bytes of body (decoded), target and headers.
        skipped: Name of a rule of `skip.py` or `head.py` -> bytes it left out.
        binary_bytes: As they stand in the request; `binary` says what they are.
    """

    total: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    binary: list[Binary] = field(default_factory=list)
    binary_bytes: int = 0
    unknown: list[Unknown] = field(default_factory=list)
    unknown_bytes: int = 0

    @property
    def unscanned(self) -> int:
        """
        Bytes that were left out, for whatever reason.
        """
        return min(self.total, self.skipped.total() + self.binary_bytes + self.unknown_bytes)

    @property
    def scanned(self) -> int:
        return self.total - self.unscanned

    def add_unknown(self, where: str, why: str, bytes_count: int) -> None:
        self.unknown.append(Unknown(where, why))
        self.unknown_bytes += bytes_count

    def add_binary(self, media_type: str, bytes_count: int, spelled_bytes: int, where: str) -> None:
        self.binary.append(Binary(media_type, bytes_count, where))
        self.binary_bytes += spelled_bytes
