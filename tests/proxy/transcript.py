"""
The HTTP layer without sockets: a client, providers and a clock that are moved by hand, one event at a time, in any order that could be.

A `Play` offers at each step the moves that are possible (a hook ends, a piece comes, a clock rings, the client leaves …), the likeliest
first; a schedule says where another than the first is taken. `check` holds what must be true of every play.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mitmproxy import http
from mitmproxy.connection import Client, Connection, ConnectionState, Server
from mitmproxy.flow import Error
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HTTPMode
from mitmproxy.proxy.layers.http._hooks import HttpErrorHook, HttpRequestHook, HttpResponseHeadersHook, HttpResponseHook

from excise.policy.terms import Failover
from excise.proxy.answer_tap import AnswerTap
from excise.proxy.attempts import NextAttemptHook, Turn
from excise.proxy.http_layer import SealedHttpLayer
from excise.proxy.http_stream import Terms
from excise.proxy.options import Hardened, options_for_layers
from excise.routing.failure import Failure

PING = b"~"
TAIL = b"|cut"
OURS = b"ours"  # the body of an error of our own
MOST_STEPS = 400
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
        pings: Seconds; the answers' taps know a sign of life.
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


@dataclass(eq=False)
class Leg:
    """
    What the gateway knows of one attempt.
    """

    call: int
    number: int
    said: Said
    call_began: float
    taken: bytearray = field(default_factory=bytearray)  # of its answer, by the tap
    ends: list[str] = field(default_factory=list)
    followed: bool = False  # it goes on under another's head


class Tap(AnswerTap):
    """
    As the gateway's, with nothing behind it.
    """

    def __init__(self, leg: Leg, scene: Scene) -> None:
        self.leg, self.holds_head = leg, scene.holds
        self.pings = scene.pings and leg.said.stream and leg.said.status < 300
        self._late = bytearray()

    def __call__(self, chunk: bytes) -> list[bytes]:
        self.leg.taken += chunk
        self._late += chunk
        if chunk and self.holds_head and b"text" not in self.leg.taken:
            return []
        out, self._late = bytes(self._late), bytearray()
        return [out] if out else []

    def ping(self) -> bytes:
        return PING if self.pings else b""

    def follow(self) -> None:
        self.leg.followed = True


@dataclass
class Line:
    """
    A connection to a provider.
    """

    server: Server
    opening: commands.OpenConnection | None
    came: bytearray = field(default_factory=bytearray)
    legs: list[Leg] = field(default_factory=list)  # whose requests came here
    left: list[bytes] = field(default_factory=list)  # to say still
    closed_by_us: bool = False
    told: bool = False  # its end was an event

    @property
    def idle(self) -> bool:
        return not self.left


type Move = tuple[str, Any]


class Play:
    """
    One scene, played.

    Args:
        at_once: Hooks are run where they arise, as by our driver; else each waits for a move.
        lazy: Hooks end as late as they can.
    """

    def __init__(self, scene: Scene, *, at_once: bool, lazy: bool = False) -> None:
        self.scene, self.lazy = scene, lazy
        self.now = 1000.0
        self.log: list[str] = []
        self.legs: dict[http.HTTPFlow, Leg] = {}
        self.lines: list[Line] = []
        self.hooks: list[commands.StartHook] = []
        self.clocks: list[tuple[float, commands.RequestWakeup]] = []
        self.client_got = bytearray()
        self.client_closed = self.client_told = self.client_left = self.killed = False
        self.calls = 0
        self.tails: set[http.HTTPFlow] = set()
        self.heads_left: set[int] = set()
        self.ends: list[tuple[int, str]] = []  # of calls: response or error
        self.client = Client(peername=("127.0.0.1", 5), sockname=("127.0.0.1", 1), state=ConnectionState.OPEN)
        context = Context(self.client, options_for_layers(Hardened()))
        run = self._run if at_once else None
        self.layer = SealedHttpLayer(context, HTTPMode.regular, Terms(self, 10_000, run, legs=self, clock=lambda: self.now))
        self.feed(events.Start())
        self.ask()

    # -- Gate --------------------------------------------------------------------------------------------------------------------------

    def sealed(self, flow: http.HTTPFlow) -> bool:
        leg = self.legs.get(flow)
        return leg is not None and leg.number not in self.scene.unsealed

    def unsealed(self, flow: http.HTTPFlow) -> http.Response:
        return http.Response.make(500, OURS)

    def tail(self, flow: http.HTTPFlow) -> bytes:
        return TAIL if flow in self.tails else b""

    # -- Legs --------------------------------------------------------------------------------------------------------------------------

    def failover(self, flow: http.HTTPFlow) -> Failover | None:
        return self.scene.limits

    def judged(self, flow: http.HTTPFlow, ended: bool) -> Failure | bool:
        leg = self.legs[flow]
        others = any(not other.ends for other in self._of(leg) if other is not leg)
        if len(self._of(leg)) >= len(self.scene.tries) and not others:
            return True
        if leg.said.status >= 400:
            return Failure(f"http_{leg.said.status}", "answer", leg.said.status) if ended else False
        if leg.said.status >= 300:
            return Failure("upstream_redirect", "answer", leg.said.status)
        if b"bad" in leg.taken:
            return Failure("upstream_error", "answer")
        if b"text" in leg.taken and (leg.said.stream or ended):
            return True
        return Failure("answer_empty", "content") if ended else False

    def broke(self, flow: http.HTTPFlow, message: str, sent: bool) -> tuple[Failure, str]:
        return Failure("upstream_closed", "head" if sent else "connect"), message or "upstream_closed: the end"

    def step(self, flow: http.HTTPFlow, failure: Failure) -> float | None:
        leg = self.legs[flow]
        assert not leg.ends, "asked of an attempt that is over"
        over = self.now >= leg.call_began + self.scene.limits.total_seconds
        return self.scene.wait if len(self._of(leg)) < len(self.scene.tries) and not over else None

    def may_hedge(self, flow: http.HTTPFlow) -> bool:
        return len(self._of(self.legs[flow])) < len(self.scene.tries)

    def head_left(self, flow: http.HTTPFlow) -> None:
        self.heads_left.add(self.legs[flow].call)

    def _of(self, leg: Leg) -> list[Leg]:
        return [other for other in self.legs.values() if other.call == leg.call]

    # -- hooks -------------------------------------------------------------------------------------------------------------------------

    def _run(self, hook: commands.StartHook) -> bool:
        self._done(hook)
        return True

    def _done(self, hook: commands.StartHook) -> None:
        if isinstance(hook, NextAttemptHook):
            self._next(hook.turn)
            return
        flow: http.HTTPFlow = hook.args()[0]
        if isinstance(hook, HttpRequestHook):
            self.calls += 1
            self.legs[flow] = Leg(self.calls, 1, self.scene.tries[0], self.now)
            flow.request.headers["x-call"] = f"{self.calls}.1"
        elif isinstance(hook, HttpResponseHeadersHook) and flow.response is not None:
            flow.response.stream = Tap(self.legs[flow], self.scene)
        elif isinstance(hook, HttpResponseHook):
            self._ended(flow, "response")
        elif isinstance(hook, HttpErrorHook):
            self._ended(flow, "error")
            assert flow.error is not None
            if flow.error.msg in ("Client disconnected.", Error.KILLED_MESSAGE) or flow not in self.legs:
                return
            if self.legs[flow].call in self.heads_left:
                self.tails.add(flow)
            else:
                flow.response = http.Response.make(502, OURS)

    def _ended(self, flow: http.HTTPFlow, how: str) -> None:
        if (leg := self.legs.get(flow)) is not None:
            leg.ends.append(how)
            self.ends.append((leg.call, how))

    def _next(self, turn: Turn) -> None:
        leg = self.legs[turn.flow]
        if leg.ends:
            return
        if turn.survivor is not None:
            assert not self.legs[turn.survivor].ends, "what is over cannot take over"
            leg.ends.append("given up")
            return
        number = len(self._of(leg)) + 1
        if number > self.scene.given:
            return
        if turn.failure is not None:
            leg.ends.append("failed")
        flow = http.HTTPFlow(turn.flow.client_conn, Server(address=None), live=True)
        flow.request = turn.flow.request.copy()
        flow.request.host = "one.test" if self.scene.one_host else f"p{number}.test"
        flow.request.headers["x-call"] = f"{leg.call}.{number}"
        self.legs[flow] = Leg(leg.call, number, self.scene.tries[number - 1], leg.call_began)
        turn.next = flow

    # -- the world ---------------------------------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """
        The client sends a call.
        """
        body = b"hello"
        host = "one.test" if self.scene.one_host else "p1.test"
        head = f"POST http://{host}/v1 HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        self.asked = getattr(self, "asked", 0) + 1
        self.feed(events.DataReceived(self.client, head + body))

    def feed(self, event: events.Event) -> None:
        for command in self.layer.handle_event(event):
            self._do(command)

    def _do(self, command: commands.Command) -> None:
        if isinstance(command, commands.SendData):
            self._sent(command.connection, command.data)
        elif isinstance(command, commands.StartHook):
            if command.blocking:
                self.hooks.append(command)
        elif isinstance(command, commands.OpenConnection):
            assert not self.client_told, "a connection is opened for a client that has left"
            assert isinstance(command.connection, Server)
            self.lines.append(Line(command.connection, command))
        elif isinstance(command, commands.CloseConnection):
            self._close(command.connection)
        elif isinstance(command, commands.RequestWakeup):
            self.clocks.append((self.now + command.delay, command))
        else:
            assert isinstance(command, commands.Log), f"unexpected command {command!r}"

    def _sent(self, connection: Connection, data: bytes) -> None:
        if connection is self.client:
            assert not self.client_closed, "bytes for a client whose connection we have closed"
            self.client_got += data
            return
        line = self._line(connection)
        assert not self.client_told, "bytes for a provider after the client has left"
        assert connection.state is ConnectionState.OPEN, "bytes for a provider whose connection is closed"
        assert line.idle, "a request on a connection that is in use"
        line.came += data
        head, _, body = bytes(line.came).partition(b"\r\n\r\n")
        if len(body) < 5:
            return
        line.came.clear()
        call, number = (int(part) for part in head.split(b"x-call: ")[1].split(b"\r\n")[0].split(b"."))
        (leg,) = (leg for leg in self.legs.values() if (leg.call, leg.number) == (call, number))
        assert body == b"hello"
        assert not leg.ends, "the request of an attempt that is over"
        assert number not in self.scene.unsealed, "an unsealed request left"
        assert all(leg not in other.legs for other in self.lines), "one request was sent twice"
        line.legs.append(leg)
        line.left = leg.said.wire(number)
        if leg.said.then == "close":
            line.left.append(b"")
        if leg.said.then == "hang" or not leg.said.head:
            line.left.append(b"hang")

    def _close(self, connection: Connection) -> None:
        assert connection.state is not ConnectionState.CLOSED, "closed twice"
        connection.state = ConnectionState.CLOSED
        if connection is self.client:
            self.client_closed = True
        else:
            self._line(connection).closed_by_us = True

    def _line(self, connection: Connection) -> Line:
        (line,) = (line for line in self.lines if line.server is connection)
        return line

    # -- moves -------------------------------------------------------------------------------------------------------------------------

    def moves(self) -> tuple[list[Move], list[Move]]:
        """
        What happens by itself, the likeliest first; and what may come between.
        """
        hooks: list[Move] = [("hook", self.hooks[0])] if self.hooks else []
        usual: list[Move] = [] if self.lazy else [*hooks]
        odd: list[Move] = []
        late: list[Move] = []
        for line in self.lines:
            number = self.lines.index(line)
            if line.opening is not None:
                said = self._said_at(line)
                (late if said.connect is None else usual).append(("open", (number, said.connect or "")))
                if said.connect == "":
                    odd.append(("open", (number, "connect_failed: refused")))
            elif line.server.state is ConnectionState.OPEN:
                if line.left and line.left[0] != b"hang":
                    usual.append(("piece", number))
                if not line.left or line.left[0] != b"":
                    odd.append(("drop", number))
            elif line.closed_by_us and not line.told:
                usual.append(("gone", number))
                if line.left and line.left[0] not in (b"", b"hang"):
                    odd.append(("piece", number))
        if self.client_closed and not self.client_told:
            usual.append(("client", "lost"))
        if self.asked < self.scene.calls and not self.client_closed and not self.client_told:
            (usual if self.answers()[-1:] and len(self.answers()) == self.asked and self.answers()[-1].whole else odd).append(("ask", None))
        if self.lazy:
            usual += hooks
        if self.clocks:
            usual.append(("clock", None))
        if not self.client_closed and not self.client_told:
            odd += [("client", "lost"), ("client", "half")]
        if self.hooks and isinstance(self.hooks[0], HttpResponseHeadersHook):
            odd.append(("kill", self.hooks[0]))
        return usual + late, odd

    def _said_at(self, line: Line) -> Said:
        """
        What the attempt does that wants this connection: the latest to begin, of those that go there.
        """
        host = line.server.address[0] if line.server.address else ""
        hosts = [leg for leg in self.legs.values() if self.scene.one_host or f"p{leg.number}.test" == host]
        opened = [other for other in self.lines if other.server.address == line.server.address]
        return hosts[min(opened.index(line), len(hosts) - 1)].said

    def move(self, move: Move) -> None:
        what, about = move
        self.log.append(_named(move))
        getattr(self, f"_move_{what}")(about)

    def act(self, *names: str) -> None:
        """
        Make these moves, by what the log calls them.
        """
        for name in names:
            usual, odd = self.moves()
            found = [move for move in usual + odd if _named(move) == name]
            assert found, f"{name} is not possible: {[_named(move) for move in usual + odd]}"
            self.move(found[0])

    def finish(self) -> None:
        """
        Let happen what happens by itself, to the end, and check it.
        """
        for _ in range(MOST_STEPS):
            usual, _ = self.moves()
            if not usual:
                self.check()
                return
            self.move(usual[0])
        raise AssertionError("it never ends")

    def _move_hook(self, hook: commands.StartHook) -> None:
        self.hooks.remove(hook)
        self._done(hook)
        self.feed(events.HookCompleted(hook))

    def _move_kill(self, hook: HttpResponseHeadersHook) -> None:
        """
        As the guard, when a hook has failed.
        """
        self.hooks.remove(hook)
        hook.flow.kill()
        self.killed = True
        self.feed(events.HookCompleted(hook))

    def _move_open(self, about: tuple[int, str]) -> None:
        line = self.lines[about[0]]
        assert line.opening is not None
        opening, line.opening = line.opening, None
        if not about[1]:
            line.server.state = ConnectionState.OPEN
        self.feed(events.OpenConnectionCompleted(opening, about[1] or None))

    def _move_piece(self, number: int) -> None:
        line = self.lines[number]
        piece = line.left.pop(0)
        if not piece:
            self._move_drop(number)
            return
        if not line.left and line.legs and line.legs[-1].said.closes:
            line.left.append(b"")
        self.feed(events.DataReceived(line.server, piece))

    def _move_drop(self, number: int) -> None:
        line = self.lines[number]
        line.server.state, line.told = ConnectionState.CLOSED, True
        line.left.clear()
        self.feed(events.ConnectionClosed(line.server))

    def _move_gone(self, number: int) -> None:
        self.lines[number].told = True
        self.feed(events.ConnectionClosed(self.lines[number].server))

    def _move_client(self, how: str) -> None:
        self.client_left = self.client_left or not self.client_closed
        self.client_told = True
        self.client.state = self.client.state & ~ConnectionState.CAN_READ if how == "half" else ConnectionState.CLOSED
        self.feed(events.ConnectionClosed(self.client))

    def _move_ask(self, _: None) -> None:
        self.ask()

    def _move_clock(self, _: None) -> None:
        due, command = min(self.clocks, key=lambda clock: clock[0])
        self.clocks.remove((due, command))
        self.now = max(self.now, due)
        self.feed(events.Wakeup(command))

    # -- what came of it -----------------------------------------------------------------------------------------------------------------

    def answers(self) -> list[Got]:
        return list(_read(bytes(self.client_got), closed=self.client_closed))

    def check(self) -> None:
        """
        What must be true when nothing can happen any more.
        """
        assert not self.hooks, "a hook is waited for"
        flows = {leg.call: [] for leg in self.legs.values()}
        for leg in self.legs.values():
            assert len(leg.ends) == 1, f"attempt {leg.number} has ended {leg.ends}"
            flows[leg.call].append(leg)
        for call in flows:
            assert sum(ended == call for ended, _ in self.ends) == 1, f"the call ended as {self.ends}"
        for line in self.lines:
            held = line.server.state is ConnectionState.OPEN and line.left
            assert not held, "a connection is open whose answer nobody wants"
        streams = [stream for stream in self.layer.streams.values() if stream._paused]
        assert not streams, "a stream waits for ever"
        self._check_client(flows)

    def _check_client(self, calls: dict[int, list[Leg]]) -> None:
        answers = self.answers()
        assert len(answers) <= self.calls, "more answers than calls"
        for got, call in zip(answers, calls, strict=False):
            gone = self.client_left and call == len(calls)
            assert got.whole or gone or self.client_closed, "half an answer, and the connection stays"
            body = got.body.replace(PING, b"")
            if got.number is None:
                assert (body == OURS) or (gone and OURS.startswith(body)), body
                assert got.status >= 400
                continue
            cut = body.endswith(TAIL)
            body = body.removesuffix(TAIL)
            wholes = [(leg, b"".join(leg.said.body(leg.number))) for leg in calls[call]]
            if got.whole:
                assert not cut, "cut, and yet it looks whole"
                assert any(body == whole and leg.said.then == "end" for leg, whole in wholes), body
                (leg,) = (leg for leg, whole in wholes if body == whole)
                assert leg.ends == ["response"]
                assert got.number == leg.number or leg.followed
                assert got.status == leg.said.status or (self.scene.pings and leg.said.status < 300)
            else:
                assert not body or any(whole.startswith(body) for _, whole in wholes), body
        if not self.client_left and not self.killed:
            assert len(answers) == self.asked or self.client_closed, "a call without an answer"
            assert answers, "the client got nothing"
            assert len(answers) == self.calls, "a call without an answer"


@dataclass
class Got:
    """
    An answer as the client reads it.
    """

    status: int
    number: int | None  # the attempt whose head it is; `None`: ours
    body: bytes
    whole: bool


def _read(data: bytes, *, closed: bool) -> Iterator[Got]:
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


def _named(move: Move) -> str:
    what, about = move
    if isinstance(about, commands.StartHook):
        return f"{what} {type(about).__name__.removesuffix('Hook')}"
    return " ".join(str(part) for part in (what, *(about if isinstance(about, tuple) else (about,))) if part not in (None, ""))


type Schedule = dict[int, int]


def play(scene: Scene, choose: Callable[[int, int], int], *, at_once: bool, lazy: bool = False) -> tuple[Play, list[int]]:
    """
    Play a scene to its end and check it.

    Args:
        choose: Given a step and how many moves there are, says which.

    Returns:
        The play, and how many moves are worth trying at each step.
    """
    at = Play(scene, at_once=at_once, lazy=lazy)
    widths: list[int] = []
    try:
        for step in range(MOST_STEPS):
            usual, odd = at.moves()
            moves = usual + odd
            rest = not usual  # all that can be done is to leave it at that
            widths.append(len(moves) + rest if at_once or at.hooks else 1)
            choice = choose(step, len(moves) + rest) - rest
            if choice < 0:
                at.check()
                return at, widths
            at.move(moves[choice])
        raise AssertionError("it never ends")
    except Exception as fault:
        fault.add_note(f"{scene}\nat_once={at_once} lazy={lazy}\n" + "\n".join(at.log))
        raise


def interleavings(scene: Scene, deviations: int, *, at_once: bool, lazy: bool = False, after: Schedule | None = None) -> int:
    """
    Play a scene in every order that differs from the usual one in no more than so many moves; says how many there are.

    Where hooks wait for moves, only what comes while one does is varied: the rest is as it is where they are done at once.
    """
    schedule = after or {}
    _, widths = play(scene, lambda step, moves: schedule.get(step, 0), at_once=at_once, lazy=lazy)
    if not deviations:
        return 1
    branches = [(step, other) for step in range(max(schedule, default=-1) + 1, len(widths)) for other in range(1, widths[step])]
    return 1 + sum(
        interleavings(scene, deviations - 1, at_once=at_once, lazy=lazy, after=schedule | {step: other}) for step, other in branches
    )


def at_random(scene: Scene, dice: Random, *, at_once: bool) -> Play:
    """
    Play a scene in an order in which anything may come at any time.
    """
    boldness = dice.choice((0.1, 0.3, 0.6))
    at, _ = play(
        scene, lambda step, moves: dice.randrange(moves) if dice.random() < boldness else 0, at_once=at_once, lazy=dice.random() < 0.5
    )
    return at
