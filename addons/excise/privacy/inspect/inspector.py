"""
An answer scanned frame by frame, in whatever dialect and framing it comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from excise.errors import Refused
from excise.privacy.inspect.document import Unmaskable, scanned, without_logprobs
from excise.privacy.inspect.scanned import Scanned
from excise.privacy.inspect.verdict import Blocked, Verdict
from excise.privacy.profiles import Action
from excise.privacy.protection import Protection
from excise.privacy.redact import Counts
from excise.privacy.restore.carried import Carried, Changes, begins, parsed
from excise.privacy.restore.channels import Channel, Channels, Piece, Sight
from excise.privacy.restore.flow import Shift
from excise.privacy.restore.framing import line_end_missing, overwritten, with_data
from excise.privacy.restore.live import Live
from excise.privacy.restore.offsets import may_have_offsets, rebased
from excise.privacy.restore.places import Path
from excise.wire.frame import Frame, Framing

_MOST_KNOWN = 1_000  # strings beside the channels that were scanned already: ids, models, types
_SHORT = 5  # characters; nothing is found in fewer
_SMALL = 100_000  # likewise numbers
# Padding and times, which differ in every frame.
_NOTHING_IN = frozenset(("obfuscation", "created_at", "created", "logprobs", "sequence_number", "total_duration"))

Known = tuple[Any, ...]


class Inspector:
    """
    Scans one answer as the model produced it, before anything is restored in it.

    Channels (text, reasoning, each call's arguments, blocks, parts, items) are scanned while they come, and nothing of them leaves before
    it is decided: see `scanned.Scanned`. Whatever else a frame holds is scanned with the frame, whole. With `report-only` nothing is held
    and every frame leaves as the object it came as. Placeholders of ours are no findings.

    What a provider signed goes back to it as it is, so it is never changed: with `mask` a finding there is counted as `report-only`, with
    `block` it blocks like any other. Log probabilities repeat the text token by token: with `mask` and `block` they are left out of the
    frames of channels, and of documents in which something was found.

    Not promised: a match that is cut over two strings which are no channel of ours; one that needs a context word that comes later than a
    window's length, or came earlier than `scanned.CONTEXT` and is no header of a table; what stands in pictures and audio.

    Attributes:
        refusal: Why nothing of the answer may follow; `None`: it may. Once it is set, frames come out as they came, for metering only.

    Args:
        framing: Of the answer, as its first bytes have settled it.
        protection: What policy wants done; has `answers`.
        live: Placeholders that may come back.
        text: Whether a body without frames is text; pictures and audio pass.
        plain: Frames of the event `chunk` are text, whatever they look like (Bedrock's agents).
    """

    __slots__ = (
        "_bytes",
        "_carried",
        "_channels",
        "_framing",
        "_holds",
        "_known",
        "_last",
        "_plain",
        "_signed",
        "_text",
        "_verdict",
        "refusal",
    )

    def __init__(
        self, framing: Framing, protection: Protection, live: Live | None = None, *, text: bool = True, plain: bool = False
    ) -> None:
        self._framing = framing
        self._verdict = Verdict(protection, live)
        self._holds = self._verdict.action is not Action.REPORT_ONLY
        self._carried = Carried(framing, self._made, charset=("utf-8", "surrogateescape"))
        self._signed: dict[Channel, Scanned] = {}
        self._channels = Channels()
        self._known: set[Known] = set()
        self._bytes: Scanned | None = None  # a body that comes as bytes
        self._text = text
        self._plain = plain
        self._last = b""
        self.refusal: Refused | None = None

    def __repr__(self) -> str:
        return f"<Inspector: {self._verdict.counts.total()} found>"

    @property
    def counts(self) -> Counts:
        """
        (entity, detector, action) -> how often, so far.
        """
        return self._verdict.counts

    def feed(self, frames: list[Frame]) -> list[Frame]:
        """
        What leaves for these frames, in order.
        """
        if self.refusal is not None:
            return frames
        out: list[Frame] = []
        try:
            for frame in frames:
                if frame.data is None:
                    out.append(self._opaque(frame))
                else:
                    self._work(frame, out)
        except (Blocked, Unmaskable) as verdict:
            return self._refuse(verdict, frames)
        if out:
            self._last = out[-1].raw
        return out if self._holds else frames

    def close(self) -> list[Frame]:
        """
        What was still held, when the body has ended, well or not. Call once.
        """
        out: list[Frame] = []
        if self.refusal is not None:
            return out
        try:
            if self._bytes is not None and (rest := self._carried.through(self._bytes, b"", final=True)):
                out.append(Frame(rest))
            self._end(out, ())
        except (Blocked, Unmaskable) as verdict:
            return self._refuse(verdict, [])
        if out and (missing := line_end_missing(self._last, self._framing)):
            out[0].raw = missing + out[0].raw
        self._carried.flows.clear()
        self._signed.clear()
        return out

    def _refuse(self, verdict: Blocked | Unmaskable, frames: list[Frame]) -> list[Frame]:
        if isinstance(verdict, Blocked):
            self.refusal = verdict.refusal
        else:
            self.refusal = Refused("the answer holds what policy masks, where it cannot be masked", kind="answer_blocked")
        self._carried.flows.clear()
        self._carried.pending.clear()
        self._signed.clear()
        return frames

    def _made(self, piece: Piece) -> Scanned:
        return Scanned(self._verdict, certain=piece.certain, holds=self._holds)

    def _opaque(self, frame: Frame) -> Frame:
        """
        Bytes without frames: text, or a document too large to be held.
        """
        if self._framing not in (Framing.OPAQUE, Framing.JSON) or not self._text:
            return frame
        if self._bytes is None:
            if self._framing is Framing.OPAQUE and b"\x00" in frame.raw[:512]:
                self._text = False
                return frame
            self._bytes = Scanned(self._verdict, certain=self._framing is Framing.JSON, holds=self._holds)
        raw = self._carried.through(self._bytes, frame.raw, final=False)
        return frame if raw == frame.raw else Frame(raw, frame.event, frame.data, frame.headers)

    def _work(self, frame: Frame, out: list[Frame]) -> None:
        body = parsed(frame)
        if self._framing is Framing.JSON and body is not None:
            self._document(frame, body, Sight([], []), out)
        elif type(body) is dict and not (self._plain and frame.event == "chunk"):
            self._document(frame, body, self._channels.read(body, frame.event), out)
        elif type(body) is list:
            self._document(frame, body, Sight([], [()]), out)
        else:
            self._words(frame, out)

    def _words(self, frame: Frame, out: list[Frame]) -> None:
        """
        A frame that is no JSON: `[DONE]`, a document that was cut, or text of the model as it is (Replicate, Bedrock's agents).
        """
        data = frame.data
        if not data:
            out.append(frame)  # a keep-alive
            return
        name: Channel = ("text", frame.event)
        whole = data == b"[DONE]" or (data[:1] in b"{[" and not self._plain) or self._framing not in (Framing.SSE, Framing.EVENTSTREAM)
        self._end(out, (), keep=set() if whole else {name})
        if whole:
            changed = self._carried.through(Scanned(self._verdict, holds=self._holds), data, final=True)
            out.append(frame if changed == data else with_data(frame, self._framing, changed, event=frame.event))
        else:
            self._carried.text(frame, Piece(name, (), ""), out)

    def _document(self, frame: Frame, body: Any, sight: Sight, out: list[Frame]) -> None:
        pieces = [*sight.pieces, *sight.signed]
        names = {piece.channel for piece in pieces}
        for end in sight.ends:
            self._end(out, end, keep=names)
        done = {piece.path for piece in pieces}
        frame, shifts = self._beside(frame, body, done)
        changes: Changes = {}
        last = {piece.channel: at for at, piece in enumerate(pieces)}
        for at, piece in enumerate(pieces):
            final = piece.final or (last[piece.channel] == at and any(begins(piece.channel, end) for end in sight.ends))
            if at >= len(sight.pieces) and self._verdict.action is Action.MASK:
                self._read_signed(piece, final=final)
            else:
                self._carried.feed(frame, body, piece, changes, final=final)
        numbers: dict[Path, bytes] = {}
        if self._holds and may_have_offsets(frame.data or b""):
            numbers = {path: b"%d" % place for path, place in rebased(body, self._carried.shifts_of, shifts)}
        out.append(self._carried.written(frame, changes, numbers) if changes or numbers else frame)

    def _read_signed(self, piece: Piece, *, final: bool) -> None:
        flow = self._signed.get(piece.channel)
        if flow is None:
            flow = self._signed[piece.channel] = Scanned(self._verdict, holds=False, signed=True)
        flow.feed(piece.text, final=final)

    def _beside(self, frame: Frame, body: Any, done: set[Path]) -> tuple[Frame, dict[Path, list[Shift]]]:
        """
        The frame with what is no piece of a channel masked, and what moved in its strings.
        """
        data = frame.data or b""
        changed = data
        shifts: dict[Path, list[Shift]] = {}
        if done and self._holds and (b"logprob" in data or b"token" in data):
            changed = without_logprobs(data)
        if self._framing is Framing.JSON or not self._all_known(body, done):
            try:
                changed, shifts = scanned(changed, body, self._verdict, done=done, again=self._framing is not Framing.JSON)
            except Unmaskable:
                if done and self._holds:
                    raise
                changed = self._carried.through(Scanned(self._verdict, certain=True), data, final=True)
        if changed is data or changed == data or not self._holds:
            return frame, {}
        if b"\n" in changed and self._framing is Framing.SSE:
            return with_data(frame, self._framing, changed, event=frame.event), shifts
        return overwritten(frame, self._framing, [(0, len(data), changed)]), shifts

    def _all_known(self, body: Any, done: set[Path]) -> bool:
        """
        Whether all that stands beside the channels was scanned before; it is from now on.
        """
        new = set(_beside(body, done)) - self._known
        if not new:
            return True
        if done:  # snapshots come once
            if len(self._known) > _MOST_KNOWN:
                self._known.clear()
            self._known |= {one for one in new if len(str(one[1])) <= 256}
        return False

    def _end(self, out: list[Frame], end: Channel, *, keep: set[Channel] | frozenset[Channel] = frozenset()) -> None:
        """
        The channels end whose names begin with `end`.
        """
        self._carried.flush(out, end, keep=keep)
        for flows in (self._signed, self._carried.flows) if not self._holds else (self._signed,):
            for name, flow in flows.items():
                if name not in keep and begins(name, end):
                    flow.end()


def _beside(body: Any, done: set[Path]) -> Iterator[Known]:
    """
    (key, value) of all strings and numbers in a document that are no pieces, keys among them, if anything could stand in them.
    """
    stack: list[tuple[Path, Any]] = [((), body)]
    while stack:
        path, node = stack.pop()
        kind = type(node)
        if kind is dict:
            for key, value in node.items():
                if key not in _NOTHING_IN:
                    if len(key) > 24:
                        yield "", key
                    stack.append(((*path, key), value))
        elif kind is list:
            stack.extend(((*path, at), one) for at, one in enumerate(node))
        elif (kind is str and len(node) >= _SHORT and path not in done) or (kind in (int, float) and abs(node) >= _SMALL):
            yield next((step for step in reversed(path) if type(step) is str), ""), node
