"""
What a translation cannot carry over, as data.

    exact        every field of the request means the same at the target
    degraded     something was left out, clamped, moved or imitated; each is a `Loss`
    impossible   the target cannot do what is asked; each reason is a `Loss` with `fatal`

Nothing here quotes a request: a field's place and fixed words only, for losses stand in headers, in the ledger and in error texts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Change(StrEnum):
    """
    What happened to a field.
    """

    DROPPED = "dropped"  # left out; the target has no word for it
    CLAMPED = "clamped"  # a number was moved into the target's range, a list cut to its length
    CHANGED = "changed"  # said in other words that do not mean quite the same
    EMULATED = "emulated"  # done by other means: a forced tool for a schema, an instruction for a JSON mode
    IMPOSSIBLE = "impossible"  # the target cannot do it, and leaving it out would change the outcome


@dataclass(frozen=True, slots=True)
class Loss:
    """
    One thing that is not carried over as it was said.

    Attributes:
        field: The neutral name of what is lost (`seed`, `stop`, `image.url`, `reasoning.history`, `tools.server`, …): stable, lower case,
            without indices and without a byte of the request.
        change: What happened to it.
        why: A fixed text, in the reader's terms: what the target does not know, and where there is one what to do instead.
    """

    field: str
    change: Change
    why: str

    @property
    def fatal(self) -> bool:
        return self.change is Change.IMPOSSIBLE


class Losses:
    """
    Collects losses, each once, in the order they were found.
    """

    __slots__ = ("_found",)

    def __init__(self, found: Iterable[Loss] = ()) -> None:
        self._found: dict[tuple[str, Change], Loss] = {(loss.field, loss.change): loss for loss in found}

    def dropped(self, field: str, why: str) -> None:
        self._note(field, Change.DROPPED, why)

    def clamped(self, field: str, why: str) -> None:
        self._note(field, Change.CLAMPED, why)

    def changed(self, field: str, why: str) -> None:
        self._note(field, Change.CHANGED, why)

    def emulated(self, field: str, why: str) -> None:
        self._note(field, Change.EMULATED, why)

    def impossible(self, field: str, why: str) -> None:
        self._note(field, Change.IMPOSSIBLE, why)

    def extend(self, losses: Iterable[Loss]) -> None:
        for loss in losses:
            self._found.setdefault((loss.field, loss.change), loss)

    def all(self) -> tuple[Loss, ...]:
        return tuple(self._found.values())

    def _note(self, field: str, change: Change, why: str) -> None:
        self._found.setdefault((field, change), Loss(field, change, why))


class Verdict(StrEnum):
    """
    What becomes of a call at a target: see the head of this file.
    """

    EXACT = "exact"
    DEGRADED = "degraded"
    IMPOSSIBLE = "impossible"

    @classmethod
    def of(cls, losses: Iterable[Loss]) -> Verdict:
        found = tuple(losses)
        if any(loss.fatal for loss in found):
            return cls.IMPOSSIBLE
        return cls.DEGRADED if found else cls.EXACT
