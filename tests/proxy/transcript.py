"""
The HTTP layer without sockets: a client, providers and a clock that are moved by hand, one event at a time, in any order that could be.

A `Play` offers at each step the moves that are possible (a hook ends, a piece comes, a clock rings, the client leaves …), the likeliest
first; a schedule says where another than the first is taken. `check` holds what must be true of every play.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mitmproxy.connection import Client, Connection, ConnectionState, Server
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HTTPMode
from mitmproxy.proxy.layers.http._hooks import HttpResponseHeadersHook
from scene import OURS, PING, TAIL, Got, Said, Scene, read
from teller import Leg, Teller

from excise.proxy.http_layer import SealedHttpLayer
from excise.proxy.http_stream import Terms
from excise.proxy.options import Hardened, options_for_layers

MOST_STEPS = 400


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


type Move = tuple[str, Any]


class Play(Teller):
    """
    One scene, played.

    Args:
        at_once: Hooks are run where they arise, as by our driver; else each waits for a move.
        lazy: Hooks end as late as they can.
    """

    def __init__(self, scene: Scene, *, at_once: bool, lazy: bool = False) -> None:
        super().__init__(scene)
        self.lazy = lazy
        self.log: list[str] = []
        self.lines: list[Line] = []
        self.hooks: list[commands.StartHook] = []
        self.clocks: list[tuple[float, commands.RequestWakeup]] = []
        self.client_got = bytearray()
        self.client_closed = self.client_told = self.client_left = self.killed = False
        self.asked = 0  # calls the client has sent
        self.client = Client(peername=("127.0.0.1", 5), sockname=("127.0.0.1", 1), state=ConnectionState.OPEN)
        context = Context(self.client, options_for_layers(Hardened()))
        run = self.run if at_once else None
        self.layer = SealedHttpLayer(context, HTTPMode.regular, Terms(self, 10_000, run, legs=self, clock=lambda: self.now))
        self.feed(events.Start())
        self.ask()

    # -- the world ---------------------------------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """
        The client sends a call.
        """
        body = b"hello"
        host = "one.test" if self.scene.one_host else "p1.test"
        head = f"POST http://{host}/v1 HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        self.asked += 1
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
        assert not line.left, "a request on a connection that is in use"
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
            answered = len(answers := self.answers()) == self.asked and answers[-1].whole
            (usual if answered else odd).append(("ask", None))
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
        self.done(hook)
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
        return list(read(bytes(self.client_got), closed=self.client_closed))

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
            assert len(answers) == self.calls, "a call without an answer"
            assert self.calls == self.asked or self.client_closed, "a call that was not heard"


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
