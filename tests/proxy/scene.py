"""
What happens in a transcript of the HTTP layer: a call, what providers do with each attempt at it, and what the client reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from excise.policy.terms import Failover

PING = b"~"
TAIL = b"|cut"
OURS = b"ours"  # the body of an error of our own
LIMITS = Failover(connect_seconds=0.8, first_byte_seconds=0.9, idle_seconds=0.9, total_seconds=30)


@dataclass(frozen=True)
class Said:
    """
    What a provider does with one attempt.

    Attributes:
        connect: "" when it takes the connection, else the error; `None`: nothing happens, or only at the very end.
        pieces: Of the body; what contains "text" is content, "bad" an error in a stream. "#" stands for the attempt's number.
        then: "end", "close" or "hang".
    """

    connect: str | None = ""
    status: int = 200
    pieces: tuple[bytes, ...] = (b"#lead;", b"#text;", b"#more;")
    then: str = "end"
    head: bool = True  # it says anything at all
    stream: bool = True
    closes: bool = False  # a connection for one answer alone

    def wire(self, number: int) -> list[bytes]:
        if not self.head:
            return []
        body = self.body(number)
        framing = b"Transfer-Encoding: chunked" if self.stream else b"Content-Length: %d" % len(b"".join(body))
        last = b"\r\nConnection: close" if self.closes else b""
        head = b"HTTP/1.1 %d X\r\nX-Attempt: %d\r\n%s%s\r\n\r\n" % (self.status, number, framing, last)
        pieces = [b"%x\r\n%s\r\n" % (len(piece), piece) if self.stream else piece for piece in body]
        if self.then == "end" and self.stream:
            pieces.append(b"0\r\n\r\n")
        return [head, *pieces]

    def body(self, number: int) -> list[bytes]:
        return [piece.replace(b"#", b"%d" % number) for piece in self.pieces]


@dataclass(frozen=True)
class Scene:
    """
    A call, and what becomes of its attempts, in the order in which they are made.

    Attributes:
        wait: Seconds before each attempt but the first.
        given: How many of the attempts `next_attempt` can make; the others it cannot.
        unsealed: Attempts that are made and not approved.
        one_host: All attempts go to the same place.
        pings: The answers' taps know a sign of life.
        holds: The taps let no head out before content.
    """

    tries: tuple[Said, ...]
    wait: float = 0.0
    given: int = 99
    unsealed: frozenset[int] = frozenset()
    one_host: bool = False
    pings: bool = False
    holds: bool = False
    calls: int = 1
    limits: Failover = LIMITS


@dataclass
class Got:
    """
    An answer as the client reads it.
    """

    status: int
    number: int | None  # the attempt whose head it is; `None`: ours
    body: bytes
    whole: bool


def read(data: bytes, *, closed: bool) -> Iterator[Got]:
    while data:
        head, found, data = data.partition(b"\r\n\r\n")
        assert found, "half a head"
        lines = head.split(b"\r\n")
        status = int(lines[0].split(b" ")[1])
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
        number = int(fields[b"x-attempt"]) if b"x-attempt" in fields else None
        if b"content-length" in fields:
            size = int(fields[b"content-length"])
            body, data = data[:size], data[size:]
            yield Got(status, number, body, len(body) == size)
            assert len(body) == size or not data
            continue
        assert fields.get(b"transfer-encoding") == b"chunked"
        body, whole = b"", False
        while data:
            line, _, data = data.partition(b"\r\n")
            size = int(line, 16)
            piece, data = data[:size], data[size:]
            assert data.startswith(b"\r\n"), "a chunk is cut"
            data = data[2:]
            body += piece
            if not size:
                whole = True
                break
        yield Got(status, number, body, whole)
        if not whole:
            assert not data
            return
