"""
Make the stand-in misbehave: a script says what goes wrong with one answer, and where.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import zlib
from dataclasses import dataclass, field
from typing import Any, Literal

from excise.standin.call import Reply, dumps

USAGE_KEYS = frozenset({"usage", "usageMetadata", "prompt_eval_count", "eval_count"})


class Gate:
    """
    Holds a stream back: every piece after the first waits for one `open`. May be opened from any thread.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._permits = asyncio.Semaphore(0)
        self._early = 0

    def open(self, pieces: int = 1) -> None:
        """
        Let that many further pieces pass.
        """
        if self._loop is None:
            self._early += pieces
            return
        for _ in range(pieces):
            self._loop.call_soon_threadsafe(self._permits.release)

    async def passage(self) -> None:
        """
        Wait for one permit (the stand-in's side).
        """
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            for _ in range(self._early):
                self._permits.release()
        await self._permits.acquire()


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    A recorded answer, sent again byte for byte. `headers` come without content-length and transfer-encoding: the stand-in sets its own.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    chunk_sizes: tuple[int, ...] = ()  # empty: one piece
    chunked: bool = False

    def reply(self) -> Reply:
        """
        The answer in pieces of the recorded sizes; what is left after them is the last piece.
        """
        pieces, at = [], 0
        for size in self.chunk_sizes:
            pieces.append(self.body[at : at + size])
            at += size
        pieces.append(self.body[at:])
        return Reply(self.status, self.headers, tuple(piece for piece in pieces if piece), streamed=self.chunked)


@dataclass(frozen=True, slots=True)
class Script:
    """
    What one answer does. Counts are of pieces (network writes) of the body; `None` and 0: nothing of that kind.

    As a header: `x-standin: status=429; retry_after=2`, `x-standin: cut_after=3`, `x-standin: gzip`.
    """

    status: int | None = None  # this error, in the provider's own shape
    retry_after: str | None = None
    fail_after: int | None = None  # then the dialect's error inside the stream, and a proper end
    cut_after: int | None = None  # then the connection is closed in the middle
    reset_after: int | None = None  # then it is reset (RST)
    silent_after: int | None = None  # then nothing until the client leaves; 0: not even the status line
    piece_bytes: int | None = None  # cut the body anew, into pieces of this size
    delay_ms: float = 0  # before the status line
    pause_ms: float = 0  # before every piece but the first
    length_error: int = 0  # added to a true content-length
    gzip: bool = False  # content-encoding: gzip
    no_usage: bool = False  # leave every usage object out
    replay: str | None = None  # name of a recording given to `StandIn.replay`
    gate: Gate | None = None
    recorded: Recorded | None = None
    raw: bytes | None = field(default=None, repr=False)  # these bytes instead of an answer, be they HTTP or not, and then `raw_end`
    raw_end: Literal["close", "reset", "silent"] = "close"

    @property
    def hangs_up(self) -> bool:
        """
        The stand-in ends the connection itself.
        """
        cut = self.cut_after is not None or self.reset_after is not None or self.length_error > 0
        return cut or (self.raw is not None and self.raw_end != "silent")

    @classmethod
    def parse(cls, text: str) -> Script:
        """
        Read the `x-standin` header.

        Raises:
            ValueError: An unknown name, or a value that does not fit.
        """
        given: dict[str, Any] = {}
        for part in filter(None, (part.strip() for part in text.split(";"))):
            name, _, value = part.partition("=")
            match name:
                case "gzip" | "no_usage":
                    given[name] = True
                case "retry_after" | "replay":
                    given[name] = value
                case "delay_ms" | "pause_ms":
                    given[name] = float(value)
                case "status" | "fail_after" | "cut_after" | "reset_after" | "silent_after" | "piece_bytes" | "length_error":
                    given[name] = int(value)
                case _:
                    raise ValueError(f"x-standin: {name!r} is not a behaviour")
        return cls(**given)

    def shape(self, reply: Reply) -> Reply:
        """
        The answer with everything applied that changes its bytes.
        """
        if self.no_usage:
            reply = dataclasses.replace(reply, pieces=tuple(filter(None, map(without_usage, reply.pieces))), bill=None)
        if self.gzip:
            # One member, flushed at every piece, so that a stream stays a stream.
            coder = zlib.compressobj(6, zlib.DEFLATED, 31)
            pieces = [coder.compress(piece) + coder.flush(zlib.Z_SYNC_FLUSH) for piece in reply.pieces]
            pieces[-1] += coder.flush()
            reply = dataclasses.replace(reply, pieces=tuple(pieces), headers=(*reply.headers, ("content-encoding", "gzip")))
        if self.piece_bytes:
            body, size = b"".join(reply.pieces), self.piece_bytes
            reply = dataclasses.replace(reply, pieces=tuple(body[at : at + size] for at in range(0, len(body), size)))
        return reply


def without_usage(piece: bytes) -> bytes:
    """
    One piece without its usage object; empty where the piece was nothing but usage.
    """
    if b"metadata" in piece[:64] and b":event-type" in piece[:64]:
        return b""
    head, mark, text = piece.partition(b"data: ") if b"data: " in piece[:256] else (b"", b"", piece)
    try:
        value = json.loads(text)
    except ValueError:
        return piece
    if isinstance(value, dict) and value.get("choices") == [] and value.get("usage"):
        return b""
    tail = text[len(text.rstrip(b"\r\n")) :]
    return head + mark + dumps(_pruned(value)).encode() + tail


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(part) for key, part in value.items() if key not in USAGE_KEYS}
    return [_pruned(part) for part in value] if isinstance(value, list) else value
