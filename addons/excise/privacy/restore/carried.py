"""
Frames of an answer whose channels hold text back: what is held leaves with a channel's next piece, else in a frame of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from excise.privacy.restore.channels import Channel, Piece
from excise.privacy.restore.flow import Change, Shift
from excise.privacy.restore.framing import clone, overwritten, with_data
from excise.privacy.restore.places import Path, locate, locate_piece, written_over
from excise.wire.frame import Frame, Framing


class ChannelText(Protocol):
    """
    The text of one channel, changed as it comes: see `flow.Flow`.
    """

    held: str
    held_raw: bytes
    shifts: list[Shift]

    def feed(self, text: str, *, final: bool = False) -> Change | None: ...


# The text of a string that was fed to a channel, to find it by.
Changes = dict[Path, tuple[ChannelText | None, Change, str]]


class _Template(NamedTuple):
    """
    The last frame of a channel that holds text, from which a frame for that text is made.
    """

    frame: Frame
    body: Any  # None: the frame's data is text
    path: Path


class Carried[Text: ChannelText]:
    """
    Args:
        framing: Of the answer.
        make: The text of a channel that begins with this piece.
        charset: How text outside of JSON is read: one that takes all bytes and gives them back.
    """

    __slots__ = ("_charset", "_framing", "_make", "flows", "pending")

    def __init__(self, framing: Framing, make: Callable[[Piece], Text], *, charset: tuple[str, str] = ("latin-1", "strict")) -> None:
        self._framing = framing
        self._make = make
        self._charset = charset
        self.flows: dict[Channel, Text] = {}
        self.pending: dict[Channel, _Template] = {}  # channels that hold text, in the order they began to

    def flow(self, piece: Piece) -> Text:
        """
        The text of the piece's channel.
        """
        flow = self.flows.get(piece.channel)
        if flow is None:
            flow = self.flows[piece.channel] = self._make(piece)
        return flow

    def feed(self, frame: Frame, body: Any, piece: Piece, changes: Changes, *, final: bool) -> Text:
        """
        Go on with a channel; what becomes of the piece is put into `changes`.
        """
        flow = self.flow(piece)
        change = flow.feed(piece.text, final=final)
        if change is not None:
            changes[piece.path] = (flow, change, piece.text)
        if flow.held:
            self.pending[piece.channel] = _Template(frame, body, piece.path)
        else:
            self.pending.pop(piece.channel, None)
        return flow

    def text(self, frame: Frame, piece: Piece, out: list[Frame]) -> None:
        """
        Go on with a channel whose pieces are the data of whole frames.
        """
        data = frame.data or b""
        flow = self.flow(piece)
        changed = self.through(flow, data, final=False)
        if flow.held:
            self.pending[piece.channel] = _Template(frame, None, ())
        else:
            self.pending.pop(piece.channel, None)
        if changed == data:
            out.append(frame)
        elif changed:
            out.append(with_data(frame, self._framing, changed, event=frame.event))

    def through(self, flow: ChannelText, data: bytes, *, final: bool) -> bytes:
        """
        What leaves of a text that is no string of JSON.
        """
        held, text = flow.held, data.decode(*self._charset)
        change = flow.feed(text, final=final)
        if change is None:
            return data
        whole, parts, at = held + text, list[bytes](), 0
        for start, end, written in change.edits:
            parts += (whole[at:start].encode(*self._charset), written.encode("utf-8", "replace"))
            at = end
        return b"".join((*parts, whole[at : change.kept].encode(*self._charset)))

    def written(self, frame: Frame, changes: Changes, numbers: Mapping[Path, bytes]) -> Frame:
        """
        The frame with its pieces changed, and other numbers in it.
        """
        data = frame.data
        assert data is not None
        if len(changes) == 1 and not numbers and (found := next(iter(changes.items())))[1][2]:
            places = {found[0]: locate_piece(data, found[0], found[1][2])}
        else:
            places = locate(data, {**changes, **numbers}.keys())
        writes = [(*places[path], written) for path, written in numbers.items()]
        for path, (flow, change, _) in changes.items():  # in the order they were fed: a channel may have several pieces in a frame
            start, end = places[path]
            if flow is None:
                written, _ = written_over(data[start:end], change)
            else:
                written, flow.held_raw = written_over(flow.held_raw + data[start:end], change)
            writes.append((start, end, written))
        return overwritten(frame, self._framing, sorted(writes))

    def flush(self, out: list[Frame], end: Channel, *, keep: set[Channel] | frozenset[Channel] = frozenset()) -> None:
        """
        Give what the channels hold whose names begin with `end`, each in a frame of its own.
        """
        if not self.pending:
            return
        for name in [name for name in self.pending if name not in keep and begins(name, end)]:
            frame, body, path = self.pending.pop(name)
            flow = self.flows[name]
            if body is None:
                data, event = self.through(flow, b"", final=True), frame.event
            else:
                change = flow.feed("", final=True)
                assert change is not None  # text is held
                text, flow.held_raw = written_over(flow.held_raw, change)
                data, event = clone(body, path, text, frame.event)
            out.append(with_data(frame, self._framing, data, event=event))

    def shifts_of(self, name: Channel) -> list[Shift]:
        """
        What changed its length in a channel so far.
        """
        flow = self.flows.get(name)
        return flow.shifts if flow is not None else []


def begins(name: Channel, start: Channel) -> bool:
    """
    Whether a channel's name begins so.
    """
    return name[: len(start)] == start


def parsed(frame: Frame) -> Any:
    """
    The frame's document; `None` where it has none.
    """
    body = frame.json
    if body is None and frame.data is not None and b"\\ud" in frame.data.lower():
        # Half a surrogate pair, cut from its other half by the end of a delta, which the strict parser refuses.
        try:
            return json.loads(frame.data)
        except (ValueError, RecursionError):
            return None
    return body
