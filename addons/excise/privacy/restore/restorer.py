"""
Values put back into an answer, frame by frame, in whatever dialect and framing it comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from excise.privacy.restore.carried import Carried, Changes, begins, parsed
from excise.privacy.restore.channels import Channel, Channels, Piece, Sight
from excise.privacy.restore.flow import Flow, Growth, Shift
from excise.privacy.restore.framing import line_end_missing, with_data
from excise.privacy.restore.live import Counts, Live
from excise.privacy.restore.offsets import may_have_offsets, rebased
from excise.privacy.restore.places import Path, scalars
from excise.privacy.restore.whole import strings
from excise.wire.frame import Frame, Framing

# Frames that left unread are read later, if at all: where something was restored, what came before it matters (offsets, depth in JSON).
_UNREAD_LIMIT_BYTES = 1 << 20


_JSON_STARTS = (b"{", b"[", b"")


class Restorer:
    """
    Turns live placeholders in one answer back into their values.

    Text of a channel is held back only where its end may be the beginning of a live placeholder; what is held leaves with the channel's
    next piece, else in a frame of its own before the frame that ends the channel. Frames in which nothing changes leave as they came,
    the same objects; of others only the changed strings are written anew. Whatever an upstream sends, nothing is raised for it: what
    cannot be restored stays as it is.

    Values are escaped as deep as their place is in JSON inside JSON, which is followed as the text comes. Offsets into restored text
    are moved with it. An answer grows by 4 MiB and eight times its size at most: past that, placeholders stay, and are counted.
    What is signed or encrypted, and log probabilities, are left alone: the placeholder stays.

    Not promised: a placeholder that a model wrote in another case is put back only if a cut between two pieces leaves two letters of it
    before the cut; one that stands in fenced JSON inside prose is not escaped for it.

    Attributes:
        counts: What became of placeholders so far. A text that comes twice (deltas, then the whole) counts twice.

    Args:
        dialect: Of the call.
        operation: Of the call.
        framing: Of the answer, as its first bytes have settled it.
        tokens: Placeholder -> value, or made ready already (`Vault.live`); later changes of it are not seen. Where there are none, an
            answer needs no Restorer.
    """

    __slots__ = (
        "_bytes",
        "_carried",
        "_channels",
        "_dialect",
        "_framing",
        "_growth",
        "_last",
        "_live",
        "_moved",
        "_plain",
        "_unread",
        "_unread_bytes",
        "_watched",
        "counts",
    )

    def __init__(self, dialect: str, operation: str, framing: Framing, tokens: Mapping[str, str] | Live) -> None:
        del operation  # the frames themselves tell what they are
        self._dialect = dialect
        self._framing = framing
        self._live = tokens if isinstance(tokens, Live) else Live(tokens)
        self._channels = Channels()
        self._carried = Carried(framing, self._flow)
        self._watched: set[Channel] = set()  # channels whose next piece is looked at, whatever is in it
        self._unread: list[Frame] = []
        self._unread_bytes = 0
        self._moved = False  # something was restored in a channel: offsets into it have moved
        self._bytes: Flow | None = None  # a body that comes as bytes
        self._plain = dialect == "bedrock-agent"
        self._last = b""
        self._growth = Growth()
        self.counts = Counts()

    def __repr__(self) -> str:
        return f"<Restorer: {self.counts}>"

    def feed(self, frames: list[Frame]) -> list[Frame]:
        """
        What leaves for these frames, in order: themselves where nothing changes.
        """
        out: list[Frame] = []
        interesting, unread = self._live.interesting, self._unread
        for frame in frames:
            data = frame.data
            self._growth.received(len(frame.raw))
            if data is None:
                out.append(self._opaque(frame) if self._framing in (Framing.OPAQUE, Framing.JSON) else frame)
            elif (
                self._carried.pending
                or self._watched
                or data[:1] not in _JSON_STARTS
                or interesting(data)
                or (self._moved and may_have_offsets(data))
            ):
                self._work(frame, out)
            else:
                unread.append(frame)
                self._unread_bytes += len(data)
                if self._unread_bytes > _UNREAD_LIMIT_BYTES:
                    self._catch_up()
                out.append(frame)
        if out:
            self._last = out[-1].raw
        return out

    def close(self) -> list[Frame]:
        """
        What was still held, when the body has ended, well or not. Call once.
        """
        out: list[Frame] = []
        if self._bytes is not None and self._bytes.held:
            out.append(Frame(self._carried.through(self._bytes, b"", final=True)))
        self._carried.flush(out, ())
        if out and (missing := line_end_missing(self._last, self._framing)):
            out[0].raw = missing + out[0].raw
        self._carried.flows.clear()
        self._unread.clear()
        return out

    def _opaque(self, frame: Frame) -> Frame:
        """
        Bytes without frames: text, or a document too large to be held. Read as if every byte were a character; tokens are ASCII.
        """
        if self._bytes is None:
            self._bytes = Flow(self._live, self.counts, certain=self._framing is Framing.JSON, growth=self._growth)
        raw = self._carried.through(self._bytes, frame.raw, final=False)
        return frame if raw == frame.raw else Frame(raw, frame.event, frame.data, frame.headers)

    def _work(self, frame: Frame, out: list[Frame]) -> None:
        self._catch_up()
        body = parsed(frame)
        if self._framing is Framing.JSON and body is not None:
            self._document(frame, body, Sight([], []), out)  # nothing follows, so nothing is a piece of anything
        elif type(body) is dict and not (self._plain and frame.event == "chunk"):
            self._document(frame, body, self._channels.read(body, frame.event), out)
        elif type(body) is list:
            self._document(frame, body, Sight([], [()]), out)
        else:
            self._text(frame, out)

    def _text(self, frame: Frame, out: list[Frame]) -> None:
        """
        A frame that is no JSON: `[DONE]`, a document that was cut, or text of the model as it is (Replicate, Bedrock's agents).
        """
        data = frame.data
        if not data:
            out.append(frame)  # a keep-alive
            return
        name: Channel = ("text", frame.event)
        whole = data == b"[DONE]" or (data[:1] in b"{[" and not self._plain) or self._framing not in (Framing.SSE, Framing.EVENTSTREAM)
        self._carried.flush(out, (), keep=set() if whole else {name})
        if whole:
            # Where it is a document that was cut, no client can read it; where it is text, this is all that can be done.
            changed = self._carried.through(Flow(self._live, self.counts, growth=self._growth), data, final=True)
            out.append(frame if changed == data else with_data(frame, self._framing, changed, event=frame.event))
        else:
            self._carried.text(frame, Piece(name, (), ""), out)

    def _document(self, frame: Frame, body: Any, sight: Sight, out: list[Frame]) -> None:
        names = {piece.channel for piece in sight.pieces}
        for end in sight.ends:
            self._carried.flush(out, end, keep=names)
            self._watched = {name for name in self._watched if not begins(name, end)}
        changes: Changes = {}
        last = {piece.channel: at for at, piece in enumerate(sight.pieces)}
        for at, piece in enumerate(sight.pieces):
            final = piece.final or (last[piece.channel] == at and any(begins(piece.channel, end) for end in sight.ends))
            flow = self._carried.feed(frame, body, piece, changes, final=final)
            self._moved = self._moved or (piece.path in changes and bool(changes[piece.path][1].edits))
            if flow.watchful:
                self._watched.add(piece.channel)
            else:
                self._watched.discard(piece.channel)
        shifts = self._strings(body, sight, changes) if self._live.may_hold(frame.data or b"") else {}
        numbers: dict[Path, bytes] = {}
        if (self._moved or shifts) and may_have_offsets(frame.data or b""):
            numbers = {path: b"%d" % place for path, place in rebased(body, self._carried.shifts_of, shifts)}
        if self._live.numbers:
            numbers.update(self._numbers(frame.data or b""))
        out.append(self._carried.written(frame, changes, numbers) if changes or numbers else frame)

    def _flow(self, piece: Piece) -> Flow:
        return Flow(self._live, self.counts, certain=piece.certain, growth=self._growth)

    def _strings(self, body: Any, sight: Sight, changes: Changes) -> dict[Path, list[Shift]]:
        """
        Restore what is no piece; what moved in it.
        """
        live = self._live
        shifts: dict[Path, list[Shift]] = {}
        done = {piece.path for piece in sight.pieces}
        for path, text, certain in strings(body, done, sight.untouched):
            if live.may_stand_in(text):
                flow = Flow(live, self.counts, certain=certain, growth=self._growth)
                if (change := flow.feed(text, final=True)) is not None and change.edits:
                    changes[path] = (None, change, "")
                    shifts[path] = flow.shifts
        return shifts

    def _numbers(self, data: bytes) -> dict[Path, bytes]:
        found = {}
        for path, start, end, quoted in scalars(data):
            if not quoted and (value := self._live.numbers.get(data[start:end].decode("latin-1"))) is not None:
                found[path] = value.encode()
                self.counts.restored += 1
        return found

    def _catch_up(self) -> None:
        """
        Read the frames that left unread, for what they did to their channels.
        """
        if not self._unread:
            return
        for frame in self._unread:
            body = parsed(frame)
            if type(body) is dict:
                for piece in self._channels.read(body, frame.event).pieces:
                    if piece.text:
                        self._carried.flow(piece).skim(piece.text)
        self._unread.clear()
        self._unread_bytes = 0


def restore_text(text: str, tokens: Mapping[str, str] | Live, *, counts: Counts | None = None) -> str:
    """
    `text` with every live token in it turned back; where the text is JSON, values are escaped as their places ask for.
    """
    flow = Flow(tokens if isinstance(tokens, Live) else Live(tokens), counts if counts is not None else Counts())
    change = flow.feed(text, final=True)
    if change is None:
        return text
    parts, at = list[str](), 0
    for start, end, written in change.edits:
        parts += (text[at:start], written)
        at = end
    return "".join((*parts, text[at:]))
