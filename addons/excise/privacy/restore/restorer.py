"""
Values put back into an answer, frame by frame, in whatever dialect and framing it comes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from excise.privacy.restore.channels import Channel, Channels, Piece, Sight
from excise.privacy.restore.flow import Change, Flow, Shift
from excise.privacy.restore.framing import clone, line_end_missing, overwritten, with_data
from excise.privacy.restore.live import Counts, Live
from excise.privacy.restore.offsets import may_have_offsets, rebased
from excise.privacy.restore.places import Path, locate, scalars, written_over
from excise.privacy.restore.whole import strings
from excise.wire.frame import Frame, Framing

# Frames that left unread are read later, if at all: where something was restored, what came before it matters (offsets, depth in JSON).
_UNREAD_LIMIT_BYTES = 1 << 20


_JSON_STARTS = (b"{", b"[", b"")


class _Template(NamedTuple):
    """
    The last frame of a channel that holds text, from which a frame for that text is made.
    """

    frame: Frame
    body: Any  # None: the frame's data is text
    path: Path


class Restorer:
    """
    Turns live placeholders in one answer back into their values.

    Text of a channel is held back only where its end may be the beginning of a live placeholder; what is held leaves with the channel's
    next piece, else in a frame of its own before the frame that ends the channel. Frames in which nothing changes leave as they came,
    the same objects; of others only the changed strings are written anew. Whatever an upstream sends, nothing is raised for it: what
    cannot be restored stays as it is.

    Values are escaped as deep as their place is in JSON inside JSON, which is followed as the text comes. Offsets into restored text
    are moved with it. What is signed or encrypted, and log probabilities, are left alone: the placeholder stays.

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
        "_channels",
        "_dialect",
        "_flows",
        "_framing",
        "_last",
        "_live",
        "_moved",
        "_pending",
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
        self._flows: dict[Channel, Flow] = {}
        self._pending: dict[Channel, _Template] = {}  # channels that hold text, in the order they began to
        self._watched: set[Channel] = set()  # channels whose next piece is looked at, whatever is in it
        self._unread: list[Frame] = []
        self._unread_bytes = 0
        self._moved = False  # something was restored in a channel: offsets into it have moved
        self._bytes: Flow | None = None  # a body that comes as bytes
        self._plain = dialect == "bedrock-agent"
        self._last = b""
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
            if data is None:
                out.append(self._opaque(frame) if self._framing in (Framing.OPAQUE, Framing.JSON) else frame)
            elif (
                self._pending
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
            out.append(Frame(self._through(self._bytes, "", final=True)))
        self._flush(out, ())
        if out and (missing := line_end_missing(self._last, self._framing)):
            out[0].raw = missing + out[0].raw
        self._flows.clear()
        self._unread.clear()
        return out

    def _opaque(self, frame: Frame) -> Frame:
        """
        Bytes without frames: text, or a document too large to be held. Read as if every byte were a character; tokens are ASCII.
        """
        if self._bytes is None:
            self._bytes = Flow(self._live, self.counts, certain=self._framing is Framing.JSON)
        raw = self._through(self._bytes, frame.raw.decode("latin-1"), final=False)
        return frame if raw == frame.raw else Frame(raw, frame.event, frame.data, frame.headers)

    @staticmethod
    def _through(flow: Flow, text: str, *, final: bool) -> bytes:
        held = flow.held
        change = flow.feed(text, final=final)
        if change is None:
            return text.encode("latin-1")
        whole, parts, at = held + text, list[bytes](), 0
        for start, end, written in change.edits:
            parts += (whole[at:start].encode("latin-1"), written.encode("utf-8", "replace"))
            at = end
        return b"".join((*parts, whole[at : change.kept].encode("latin-1")))

    def _work(self, frame: Frame, out: list[Frame]) -> None:
        self._catch_up()
        body = _parsed(frame)
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
        self._flush(out, (), keep=set() if whole else {name})
        if whole:
            # Where it is a document that was cut, no client can read it; where it is text, this is all that can be done.
            changed = self._through(Flow(self._live, self.counts), data.decode("latin-1"), final=True)
            out.append(frame if changed == data else with_data(frame, self._framing, changed, event=frame.event))
            return
        flow = self._flows.get(name)
        if flow is None:
            flow = self._flows[name] = Flow(self._live, self.counts)
        changed = self._through(flow, data.decode("latin-1"), final=False)
        if flow.held:
            self._pending[name] = _Template(frame, None, ())
        else:
            self._pending.pop(name, None)
        if changed == data:
            out.append(frame)
        elif changed:
            out.append(with_data(frame, self._framing, changed, event=frame.event))

    def _document(self, frame: Frame, body: Any, sight: Sight, out: list[Frame]) -> None:
        names = {piece.channel for piece in sight.pieces}
        for end in sight.ends:
            self._flush(out, end, keep=names)
            self._watched = {name for name in self._watched if not _begins(name, end)}
        changes: dict[Path, tuple[Flow | None, Change]] = {}
        last = {piece.channel: at for at, piece in enumerate(sight.pieces)}
        for at, piece in enumerate(sight.pieces):
            final = piece.final or (last[piece.channel] == at and any(_begins(piece.channel, end) for end in sight.ends))
            self._piece(frame, body, piece, changes, final=final)
        shifts = self._strings(body, sight, changes) if self._live.may_hold(frame.data or b"") else {}
        numbers: dict[Path, bytes] = {}
        if (self._moved or shifts) and may_have_offsets(frame.data or b""):
            numbers = {path: b"%d" % place for path, place in rebased(body, self._shifts_of, shifts)}
        if self._live.numbers:
            numbers.update(self._numbers(frame.data or b""))
        out.append(self._written(frame, changes, numbers) if changes or numbers else frame)

    def _piece(self, frame: Frame, body: Any, piece: Piece, changes: dict[Path, tuple[Flow | None, Change]], *, final: bool) -> None:
        flow = self._flow(piece)
        change = flow.feed(piece.text, final=final)
        if change is not None:
            changes[piece.path] = (flow, change)
            self._moved = self._moved or bool(change.edits)
        if flow.watchful:
            self._watched.add(piece.channel)
        else:
            self._watched.discard(piece.channel)
        if flow.held:
            self._pending[piece.channel] = _Template(frame, body, piece.path)
        else:
            self._pending.pop(piece.channel, None)

    def _flow(self, piece: Piece) -> Flow:
        flow = self._flows.get(piece.channel)
        if flow is None:
            flow = self._flows[piece.channel] = Flow(self._live, self.counts, certain=piece.certain)
        return flow

    def _strings(self, body: Any, sight: Sight, changes: dict[Path, tuple[Flow | None, Change]]) -> dict[Path, list[Shift]]:
        """
        Restore what is no piece; what moved in it.
        """
        live, shifts = self._live, {}
        done = {piece.path for piece in sight.pieces}
        for path, text, certain in strings(body, done, sight.untouched):
            if live.may_stand_in(text):
                flow = Flow(live, self.counts, certain=certain)
                if (change := flow.feed(text, final=True)) is not None and change.edits:
                    changes[path] = (None, change)
                    shifts[path] = flow.shifts
        return shifts

    def _numbers(self, data: bytes) -> dict[Path, bytes]:
        found = {}
        for path, start, end, quoted in scalars(data):
            if not quoted and (value := self._live.numbers.get(data[start:end].decode("latin-1"))) is not None:
                found[path] = value.encode()
                self.counts.restored += 1
        return found

    def _shifts_of(self, name: Channel) -> list[Shift]:
        flow = self._flows.get(name)
        return flow.shifts if flow is not None else []

    def _written(self, frame: Frame, changes: dict[Path, tuple[Flow | None, Change]], numbers: dict[Path, bytes]) -> Frame:
        data = frame.data
        assert data is not None
        places = locate(data, {**changes, **numbers}.keys())
        writes = [(*places[path], written) for path, written in numbers.items()]
        for path, (flow, change) in changes.items():  # in the order they were fed: a channel may have several pieces in a frame
            start, end = places[path]
            if flow is None:
                written, _ = written_over(data[start:end], change)
            else:
                written, flow.held_raw = written_over(flow.held_raw + data[start:end], change)
            writes.append((start, end, written))
        return overwritten(frame, self._framing, sorted(writes))

    def _flush(self, out: list[Frame], end: Channel, *, keep: set[Channel] | frozenset[Channel] = frozenset()) -> None:
        """
        Give what the channels hold whose names begin with `end`, each in a frame of its own.
        """
        if not self._pending:
            return
        for name in [name for name in self._pending if name not in keep and _begins(name, end)]:
            frame, body, path = self._pending.pop(name)
            flow = self._flows[name]
            if body is None:
                data, event = self._through(flow, "", final=True), frame.event
            else:
                change = flow.feed("", final=True)
                assert change is not None  # text is held
                text, flow.held_raw = written_over(flow.held_raw, change)
                data, event = clone(body, path, text, frame.event)
            out.append(with_data(frame, self._framing, data, event=event))

    def _catch_up(self) -> None:
        """
        Read the frames that left unread, for what they did to their channels.
        """
        if not self._unread:
            return
        for frame in self._unread:
            body = _parsed(frame)
            if type(body) is dict:
                for piece in self._channels.read(body, frame.event).pieces:
                    if piece.text:
                        self._flow(piece).skim(piece.text)
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


def _begins(name: Channel, start: Channel) -> bool:
    return name[: len(start)] == start


def _parsed(frame: Frame) -> Any:
    body = frame.json
    if body is None and frame.data is not None and b"\\ud" in frame.data.lower():
        # Half a surrogate pair, cut from its other half by the end of a delta, which the strict parser refuses.
        try:
            return json.loads(frame.data)
        except (ValueError, RecursionError):
            return None
    return body
