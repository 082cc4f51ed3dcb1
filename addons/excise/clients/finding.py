"""
What `excise doctor` says: one line a thing looked at.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    WRONG = "wrong"
    UNKNOWN = "unknown"  # could not be tried; does not make the doctor fail


@dataclass(frozen=True, slots=True)
class Finding:
    """
    `detail` is what was seen, `advice` what to do about it; empty where there is nothing to do.
    """

    subject: str
    verdict: Verdict
    detail: str
    advice: str = ""

    def as_dict(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items()}
