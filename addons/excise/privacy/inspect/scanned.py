"""
One channel of an answer, scanned while it comes.
"""

from __future__ import annotations

import re

from excise.privacy.detect.detector import Finding
from excise.privacy.inspect.cut import safe_cut
from excise.privacy.inspect.quotes import Edit, Quotes
from excise.privacy.inspect.table import Table
from excise.privacy.inspect.verdict import Verdict
from excise.privacy.profiles import Action
from excise.privacy.redact import masked
from excise.privacy.restore.flow import Change, Shift

CONTEXT = 512  # characters that have left and are read again, for context words
STEP = 32  # new characters from which on it is worth looking again
STEP_BEHIND = 1_024  # the same where nothing is held
STEP_MOST = 2_048  # however much is held
MOST_HELD = 28_672  # key blocks of 16384 bits are half as long; with a step, less than the 32,768 up to which their detector looks

_FIRST = re.compile(r"[^ \t\r\n]")
# What goes on with a value of which a part had to leave: the rest of the word, and lines of such.
_REST = re.compile(r"[A-Za-z0-9+/=_.-]*+(?:[A-Za-z0-9+/=_.-]{16,}+|\\{1,15}[nrt]|[ \t\r\n])*+")


class Scanned:
    """
    Scans one channel and masks in it. Holds back what may become a part of a match (see `cut`): of prose the last word or two and at most
    STEP characters; else a window's length, and what a match takes that reaches over the end of the window (a key block from its first
    line to its last); never more than MOST_HELD. Of a match longer than that the part that was seen is masked, and so is what follows it
    for as long as it looks like the rest. At the end of the channel all is scanned and leaves.

    What has left is context for what follows: the last CONTEXT characters, and the header of a table that is still going on.

    Attributes:
        held, held_raw, shifts: As of `flow.Flow`.

    Args:
        verdict: What is looked for and done.
        certain: The text is meant to be JSON.
        holds: Nothing leaves undecided; else all passes at once as it is, and is scanned behind.
        signed: Nothing may be changed, whatever is found.
    """

    __slots__ = (
        "_certain",
        "_context",
        "_due",
        "_holds",
        "_inside",
        "_place",
        "_place_bytes",
        "_quotes",
        "_signed",
        "_start",
        "_table",
        "_unread",
        "_verdict",
        "held",
        "held_raw",
        "shifts",
    )

    def __init__(self, verdict: Verdict, *, certain: bool = False, holds: bool = True, signed: bool = False) -> None:
        self._verdict = verdict
        self._certain = certain
        self._holds = holds
        self._signed = signed
        self._quotes: Quotes | None = Quotes() if certain else None
        self._start = not certain  # whether it is JSON is not known yet
        self._context = ""
        self._table = Table()
        self._inside: tuple[str, str] | None = None  # a match goes on of which a part has left, masked
        self._place = 0
        self._place_bytes = 0
        self._due = STEP if holds else STEP_BEHIND
        self._unread = ""  # has left, and is not scanned yet
        self.held = ""
        self.held_raw = b""
        self.shifts: list[Shift] = []

    def feed(self, text: str, *, final: bool = False) -> Change | None:
        """
        What becomes of the next piece; `None` where it leaves as it is and nothing was or is held.

        Raises:
            Blocked: Policy blocks something that is in it.
        """
        if not self._holds:
            self._behind(text, final=final)
            return None
        whole = self.held + text if self.held else text
        if not whole:
            return None
        if not final and len(whole) < self._due:
            self.held = whole
            return Change([], 0)
        nothing_held = not self.held
        kept, edits = self._decide(whole, final=final)
        self.held = whole[kept:]
        self._due = len(self.held) + min(max(STEP, len(self.held) // 4), STEP_MOST)
        return None if nothing_held and not self.held and not edits else Change(edits, kept)

    def end(self) -> None:
        """
        Scan what was not scanned yet, where nothing is held.
        """
        if not self._holds:
            self._behind("", final=True)

    def _behind(self, text: str, *, final: bool) -> None:
        whole = self._unread + text
        if whole and (final or len(whole) >= self._due):
            kept, _ = self._decide(whole, final=final)
            whole = whole[kept:]
            self._due = len(whole) + max(STEP_BEHIND, len(whole) // 4)
        self._unread = whole

    def _decide(self, whole: str, *, final: bool) -> tuple[int, list[Edit]]:
        """
        Up to where `whole` may leave, and with which changes.
        """
        if self._start and (first := _FIRST.search(whole)):
            self._start = False
            if first[0] in "{[":
                self._quotes = Quotes()
        verdict, context = self._verdict, self._context
        header = self._table.before(context)
        if header and (line := context.find("\n")) >= 0:
            context = header + context[line + 1 :]
        text, base = context + whole, len(context)
        found = [one for one in verdict.find(text) if one.end > base]
        if self._inside is not None:
            found = self._rest(found, text, base)
        cut = len(text)
        if not final:
            cut = safe_cut(text, base, window=verdict.window, words=verdict.words)
            cut = next((one.start for one in found if base <= one.start < cut < one.end), cut)
            if len(text) - cut > MOST_HELD:
                cut = len(text) - verdict.window
        edits = self._edits(found, text, base, cut)
        self._pass(text[base:cut], edits)
        self._context = text[max(0, cut - CONTEXT) : cut] if not header else (text[base - len(self._context) : cut])[-CONTEXT:]
        return cut - base, edits

    def _rest(self, found: list[Finding], text: str, base: int) -> list[Finding]:
        assert self._inside is not None
        entity, detector = self._inside
        rest = _REST.match(text, base)
        end = rest.end() if rest is not None else base
        if end == base:
            return found
        return [Finding(base - 1, end, entity, detector), *(one._replace(start=max(end, one.start)) for one in found if one.end > end)]

    def _edits(self, found: list[Finding], text: str, base: int, cut: int) -> list[Edit]:
        edits: list[Edit] = []
        whole = text[base:]
        inside = None
        for one in found:
            start, end = max(one.start, base), min(one.end, cut)
            if start >= cut:
                break
            parts = self._verdict.not_ours(text, start, end)
            if not parts:
                continue
            if one.start >= base:
                action = self._verdict.judge(one.entity, one.detector, text[start:end], signed=self._signed)
            else:
                action = self._verdict.action_of(one.entity)  # its beginning was counted
            if one.end > cut or (one.start < base and one.end == len(text)):
                inside = one.entity, one.detector
            if action is not Action.MASK or self._signed:
                continue
            for first, last in parts:
                if self._quotes is not None:
                    edits += self._quotes.edits(whole, first - base, last - base, one.entity)
                else:
                    written = masked(one.entity, text[first:last]) if one.start >= base else ""
                    edits.append((first - base, last - base, written))
        if cut > base:
            self._inside = inside
        return edits

    def _pass(self, text: str, edits: list[Edit]) -> None:
        """
        `text` leaves, with these changes.
        """
        if self._quotes is not None:
            self._quotes.go_on(text)
        self._table.go_on(text)
        if not edits and text.isascii():
            self._place += len(text)
            self._place_bytes += len(text)
            return
        at = 0
        for start, end, written in edits:
            self._gone(text[at:start])
            ends, ends_bytes = self._place + end - start, self._place_bytes + _bytes(text[start:end])
            self.shifts.append(Shift(self._place, ends, len(written), self._place_bytes, ends_bytes, len(written)))
            self._place, self._place_bytes = ends, ends_bytes
            at = end
        self._gone(text[at:])

    def _gone(self, text: str) -> None:
        self._place += len(text)
        self._place_bytes += _bytes(text)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
