"""
One client connection: moves bytes between sockets and mitmproxy's sans-I/O layers, runs hooks, keeps time.

mitmproxy's own connection handler does this with a task, a stream pair and two locks per connection, and lets a failing hook pass. Here
it is plain asyncio protocols: one callback from a socket is one event into the layers; hooks that do not wait cost a function call; and
after every hook stands the guard.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from mitmproxy.connection import Client, Connection, ConnectionState, Server
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http._hooks import HttpRequestHeadersHook
from mitmproxy.proxy.tunnel import TunnelState

from excise.errors import ExciseError
from excise.proxy.faults import log_fault
from excise.proxy.guard import HOOK_SECONDS
from excise.proxy.hooks import contained, fault_of
from excise.proxy.overdue import overdue
from excise.proxy.peer import Peer
from excise.proxy.tls_layers import ClientTLSLayer, ServerTLSLayer

if TYPE_CHECKING:
    from excise.proxy.door import Shared

Handler = Callable[..., Any]


class Driver:
    """
    Events into the layers, commands out of them.

    Args:
        shared: What all connections of this worker share.
        client: The client's connection; its transport is already ours.
    """

    def __init__(self, shared: Shared, client: Client, transport: asyncio.Transport) -> None:
        self.shared = shared
        self.client = client
        self.context = Context(client, shared.options)
        self.transports: dict[Connection, asyncio.Transport] = {client: transport}
        self.touched: dict[Connection, float] = {}  # upstream: when a byte last went or came
        self.opened: dict[Server, float] = {}  # upstream: since when it is connected
        self.top: layer.Layer | None = None
        self.tls: ClientTLSLayer | None = None  # where the client speaks TLS to us
        self._inner: layer.Layer | None = None  # the HTTP layer, once no handshake with the client is left to do
        self._ends: dict[Connection, ClientTLSLayer | ServerTLSLayer] = {}  # whose TLS is up and done here
        self._stirred: set[ClientTLSLayer | ServerTLSLayer] = set()  # of these, those that have something to send
        self._queue: deque[events.Event] = deque()
        self._running = False
        self._paused: set[Connection] = set()
        self._tasks: set[asyncio.Future[Any]] = set()
        self._waiting: dict[commands.StartHook, asyncio.Task[Any]] = {}  # hooks under way, by identity
        self._out: dict[Connection, list[bytes]] = {}  # what this round of events sends, in one write a connection
        self._timers: set[asyncio.TimerHandle] = set()
        self._spoilt = False  # nothing more may leave
        self.heads = 0  # request heads read so far
        self.head_begun = False  # bytes of another have come
        self.closed = False

    @property
    def established(self) -> bool:
        """
        Whether the client's TLS is up, or was never asked for.
        """
        return self._inner is not None

    def begin_head(self) -> None:
        """
        Note that a request's head has begun and is not whole.
        """
        self.head_begun = True

    # -- events ------------------------------------------------------------------------------------------------------

    def start(self, top: layer.Layer) -> None:
        """
        Put the layers in place and wake them.
        """
        self.top = top
        if self.tls is None:
            self._inner = top
        self.feed(events.Start())

    def take_over(self, connection: Connection, tls: ClientTLSLayer | ServerTLSLayer) -> None:
        """
        The handshake is done: encrypt and decrypt here from now on. The layer's generators would cost more than OpenSSL.
        """
        tls.taken_over = True
        self._ends[connection] = tls

    def feed(self, event: events.Event) -> None:
        """
        Handle an event and everything that follows from it; events that arise meanwhile wait their turn.
        """
        self._queue.append(event)
        if self._running:
            return
        self._running = True
        try:
            while self._queue:
                self._deliver(self._queue.popleft())
        except Exception as fault:  # noqa: BLE001 - a layer crashed: mitmproxy would log it and leave the client hanging
            self.shared.guard.faults += 1
            log_fault("layer", None, fault)
            self.abort()
        finally:
            self._running = False
            self._flush()

    def _deliver(self, event: events.Event) -> None:
        inner = self._inner
        if inner is None:
            assert self.top is not None
            self._obey(self.top.handle_event(event))
            if self.tls is not None and self.tls.tunnel_state is TunnelState.OPEN:
                self.take_over(self.client, self.tls)
                self._inner = self.tls.child_layer
            return
        if isinstance(event, events.ConnectionEvent) and (end := self._ends.get(event.connection)) is not None:
            if isinstance(event, events.DataReceived):
                plaintext, closed = end.decrypt(event.data)
                self._stirred.add(end)
                if plaintext:
                    self._obey(inner.handle_event(events.DataReceived(event.connection, plaintext)))
                if closed:
                    self._obey(inner.handle_event(events.ConnectionClosed(event.connection)))
                return
            if end.closed_by_peer:
                return  # told already
        self._obey(inner.handle_event(event))

    def _obey(self, given: Iterable[commands.Command]) -> None:
        for command in given:
            self._do(command)

    def _flush(self) -> None:
        if self._stirred:
            stirred, self._stirred = self._stirred, set()
            for end in stirred:
                if data := end.encrypted():
                    self._out.setdefault(end.conn, []).append(data)
        if not self._out:
            return
        out, self._out = self._out, {}
        for connection, parts in out.items():
            transport = self.transports.get(connection)
            if transport is not None and not transport.is_closing():
                transport.write(parts[0] if len(parts) == 1 else b"".join(parts))

    def _do(self, command: commands.Command) -> None:
        if isinstance(command, commands.SendData):
            if command.connection in self.transports and not self._spoilt:
                if command.connection is not self.client:
                    self.touched[command.connection] = time.monotonic()
                if (end := self._ends.get(command.connection)) is not None:
                    end.hold(command.data)
                    self._stirred.add(end)
                else:
                    self._out.setdefault(command.connection, []).append(command.data)
        elif isinstance(command, commands.StartHook):
            self._hook(command)
        elif isinstance(command, commands.OpenConnection):
            assert isinstance(command.connection, Server)
            self._spawn(self._open(command, command.connection))
        elif isinstance(command, commands.CloseConnection):
            half = isinstance(command, commands.CloseTcpConnection) and command.half_close
            self._close(command.connection, half=half)
        elif isinstance(command, commands.RequestWakeup):
            self._wakeup(command)
        elif not isinstance(command, commands.Log):  # texts of layers quote what clients sent: never logged
            raise RuntimeError(f"unexpected command {type(command).__name__}")

    # -- hooks -------------------------------------------------------------------------------------------------------

    def run_hook(self, hook: commands.StartHook) -> bool:
        """
        Run a hook and then the guard. False: the hook waits for something; when it is done, `HookCompleted` follows.
        """
        kind = type(hook)
        if kind is HttpRequestHeadersHook:
            self.heads += 1
        handler = self.shared.hooks.get(kind)
        fault: BaseException | None = None
        if handler is not None:
            try:
                outcome = handler(*hook.args())
                if outcome is not None:
                    task = asyncio.Task(contained(outcome), loop=self.shared.loop, eager_start=True)
                    if not task.done():
                        self._wait(hook, task)
                        return False
                    fault = fault_of(task)
            except BaseException as raised:  # noqa: BLE001 - also SystemExit: a library that exits must not take the proxy with it
                fault = raised
        self.shared.guard.after(hook, fault)
        return True

    def _hook(self, hook: commands.StartHook) -> None:
        if hook in self._waiting:
            return  # begun by the layer that asked for it
        if self.run_hook(hook) and hook.blocking:
            self.feed(events.HookCompleted(hook))

    def _wait(self, hook: commands.StartHook, task: asyncio.Task[Any]) -> None:
        self._waiting[hook] = task
        deadline = self.shared.loop.call_later(HOOK_SECONDS, task.cancel)

        def done(finished: asyncio.Task[Any]) -> None:
            deadline.cancel()
            del self._waiting[hook]
            fault = fault_of(finished)
            if not self.closed:
                self.shared.guard.after(hook, fault)
                if hook.blocking:
                    self.feed(events.HookCompleted(hook))

        task.add_done_callback(done)

    # -- connections -------------------------------------------------------------------------------------------------

    async def _open(self, command: commands.OpenConnection, server: Server) -> None:
        assert server.address is not None
        host, port = server.address[:2]
        server.timestamp_start = time.time()
        try:
            transport = await self.shared.destinations.connect(host, port, lambda: Peer(self, server))
        except ExciseError as failure:
            self.feed(events.OpenConnectionCompleted(command, f"{failure.kind}: {failure.message}"))
            return
        except OSError as failure:
            self.feed(events.OpenConnectionCompleted(command, f"connect_failed: {host}:{port} cannot be reached ({failure.strerror})"))
            return
        if self.closed:
            transport.abort()
            return
        server.timestamp_tcp_setup = time.time()
        server.state = ConnectionState.OPEN
        server.peername = transport.get_extra_info("peername")
        server.sockname = transport.get_extra_info("sockname")
        self.transports[server] = transport
        self.touched[server] = self.opened[server] = time.monotonic()
        self.feed(events.OpenConnectionCompleted(command, None))

    def _close(self, connection: Connection, *, half: bool) -> None:
        transport = self.transports.get(connection)
        if transport is None:
            return
        self._flush()
        if half and connection.state & ConnectionState.CAN_WRITE and transport.can_write_eof():
            if not transport.is_closing():
                transport.write_eof()
            connection.state &= ~ConnectionState.CAN_WRITE
            if connection.state is not ConnectionState.CLOSED:
                return
        connection.state = ConnectionState.CLOSED
        transport.close()

    def half_closed(self, connection: Connection) -> bool:
        """
        The peer sent its last byte. True keeps our side open until a layer closes it.
        """
        connection.state &= ~ConnectionState.CAN_READ
        self.feed(events.ConnectionClosed(connection))
        return connection.state is not ConnectionState.CLOSED

    def lost(self, connection: Connection) -> None:
        """
        The socket is gone.
        """
        if self.transports.pop(connection, None) is None:
            return
        self.touched.pop(connection, None)
        if isinstance(connection, Server):
            self.opened.pop(connection, None)
        self.resume(connection)
        told = not connection.state & ConnectionState.CAN_READ and connection.state is not ConnectionState.CLOSED
        connection.state = ConnectionState.CLOSED
        connection.timestamp_end = time.time()
        if self.top is not None and not told:
            self.feed(events.ConnectionClosed(connection))
        self._ends.pop(connection, None)
        if isinstance(connection, Server):
            self.shared.server_gone(connection)

    def fail_upstream(self, connection: Connection, reason: str) -> None:
        """
        End an upstream connection ourselves; `reason` is what the calls on it ended for.
        """
        flows = self.shared.gateway.flows
        flows.reasons.update(dict.fromkeys(flows.live.get(self.client.id, ()), reason))
        if (transport := self.transports.get(connection)) is not None:
            transport.abort()

    def cut(self) -> None:
        """
        End the answer under way, visibly: what is out is out, what the layers would still say (that it is complete) does not leave.
        """
        self._flush()
        self._spoilt = True
        self.shared.loop.call_soon(self.abort)

    def pause(self, connection: Connection) -> None:
        """
        A peer does not read as fast as we write. A slow client stops its provider; a slow provider stops nobody: its request is whole
        and bounded, and the client must be heard when it leaves.
        """
        if connection is not self.client:
            return
        self._paused.add(connection)
        for other, transport in self.transports.items():
            if other is not connection and not transport.is_closing():
                transport.pause_reading()

    def resume(self, connection: Connection) -> None:
        self._paused.discard(connection)
        if not self._paused:
            for transport in self.transports.values():
                if not transport.is_closing():
                    transport.resume_reading()

    # -- time and end ------------------------------------------------------------------------------------------------

    def _wakeup(self, command: commands.RequestWakeup) -> None:
        def wake() -> None:
            self._timers.discard(handle)
            if not self.closed:
                self.feed(events.Wakeup(command))

        handle = self.shared.loop.call_later(command.delay, wake)
        self._timers.add(handle)

    def _spawn(self, coroutine: Any) -> None:
        task = self.shared.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._spawned)

    def _spawned(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            log_fault("open", None, fault)
            self.abort()

    def tick(self, now: float) -> None:
        """
        Once a second: end upstream connections that have been silent for too long while a call waits on them.
        """
        flows, settings = self.shared.gateway.flows, self.shared.settings
        if not flows.waits(self.client):
            return
        # Calls with other targets have clocks of their own, for each attempt.
        calls = [flow for flow in flows.live.get(self.client.id, ()) if self.shared.gateway.legs.failover(flow) is None]
        for server, opened in list(self.opened.items()) if calls else ():
            touched = self.touched.get(server, now)
            late = overdue(server, now, opened=opened, touched=touched, client=self.client, calls=calls, flows=flows, settings=settings)
            if late is not None:
                self.fail_upstream(server, late)
        if not self.opened and not self._tasks and not self._waiting and not self._timers:
            # A call waits, and there is nothing left that could answer it: a bug of ours, which must not hang a client.
            self.shared.guard.faults += 1
            self.abort()

    def abort(self) -> None:
        """
        Close everything at once.
        """
        for transport in list(self.transports.values()):
            transport.abort()

    def end(self) -> None:
        """
        The client is gone: whatever it had asked for ends now, upstream too.
        """
        if self.closed:
            return
        self.lost(self.client)
        self.closed = True
        for task in (*self._tasks, *self._waiting.values()):
            task.cancel()
        for timer in self._timers:
            timer.cancel()
        try:
            self.shared.gateway.disconnected(self.client)
        finally:
            for connection, transport in list(self.transports.items()):
                connection.state = ConnectionState.CLOSED
                transport.abort()
