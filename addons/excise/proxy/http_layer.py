"""
mitmproxy's HTTP layer made of our strict ends and sealed streams. HTTP/1 only; failed connections are never remembered.
"""

from __future__ import annotations

from mitmproxy.connection import ConnectionState, Server
from mitmproxy.proxy import commands, events, layer, tunnel
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import (
    DropStream,
    GetHttpConnection,
    GetHttpConnectionCompleted,
    HttpLayer,
    HTTPMode,
    RegisterHttpConnection,
    SendHttp,
)
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import RequestHeaders

from excise.proxy.attempts import AnswersTo, AskConnection
from excise.proxy.failover import FailoverStream
from excise.proxy.http_edges import StrictClient, StrictServer, Upstream
from excise.proxy.http_stream import Terms
from excise.proxy.tls_layers import ServerTLSLayer

_ENDS = (StrictServer, StrictClient)


def _free(end: layer.Layer) -> bool:
    """
    Whether the next request may be sent to a provider.
    """
    if isinstance(end, ServerTLSLayer):
        end = end.child_layer
    if isinstance(end, Upstream):
        end = end.child
    return isinstance(end, StrictClient) and end.free


class SealedHttpLayer(HttpLayer):
    """
    mitmproxy's HTTP layer made of the parts above. HTTP/1 only; failed connections are never remembered.
    """

    def __init__(self, context: Context, mode: HTTPMode, terms: Terms) -> None:
        super().__init__(context, mode)
        self._terms = terms

    def handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        # Never paused itself: what blocks is some child, which says so on its command.
        return self._handle_event(event)

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.Start):
            server = self.connections[self.context.client] = StrictServer(
                self.context.fork(), takes_connect=self._terms.takes_connect, head_begun=self._terms.head_begun
            )
            yield from self.event_to_child(server, event)
        elif isinstance(event, events.DataReceived) and isinstance(end := self.connections.get(event.connection), _ENDS):
            yield from self._route(end, end._handle_event(event))
        elif (
            isinstance(event, events.ConnectionEvent)
            and event.connection not in self.connections
            and event.connection is not self.context.server
        ):
            return  # dropped when it was found dead
        else:
            yield from super()._handle_event(event)

    def event_to_child(self, child: layer.Layer, event: events.Event) -> layer.CommandGenerator[None]:
        return self._route(child, child.handle_event(event))

    def _route(self, child: layer.Layer, given: layer.CommandGenerator[None]) -> layer.CommandGenerator[None]:
        """
        As mitmproxy's `event_to_child`, asking for the commonest commands first. The two ends of HTTP/1 never pause, so their own
        generators are enough.
        """
        for command in given:
            if isinstance(command, ReceiveHttp):
                received = command.event
                if isinstance(received, RequestHeaders):
                    yield from self.make_stream(received.stream_id)
                stream = self.streams.get(received.stream_id)
                if stream is not None:  # else it is over already
                    yield from self._route(stream, stream.handle_event(received))
            elif isinstance(command, SendHttp):
                end = self.connections.get(command.connection)
                if isinstance(end, _ENDS):
                    yield from self._route(end, end.send(command.event))
                elif end is not None:  # else it was found dead
                    yield from self._route(end, end.handle_event(command.event))
            elif isinstance(command, commands.SendData):
                yield command
            elif isinstance(command, DropStream):
                self.streams.pop(command.stream_id, None)
            elif isinstance(command, AnswersTo):
                self.streams[command.attempt_id] = self.streams[command.stream_id]
            else:
                if command.blocking or isinstance(command, commands.RequestWakeup | AskConnection):
                    self.command_sources[command] = child
                if isinstance(command, GetHttpConnection):
                    yield from self.get_connection(command)
                elif isinstance(command, RegisterHttpConnection):
                    yield from self.register_connection(command)
                else:
                    if isinstance(command, commands.OpenConnection):
                        self.connections[command.connection] = child
                    yield command

    def make_stream(self, stream_id: int) -> layer.CommandGenerator[None]:
        # As `Context.fork`, which would first make a server of its own and throw it away.
        context = Context.__new__(Context)
        context.client, context.server, context.options = self.context.client, self.context.server, self.context.options
        context.layers = self.context.layers.copy()
        stream = self.streams[stream_id] = FailoverStream(context, stream_id, self._terms)
        yield from self._route(stream, stream.handle_event(events.Start()))

    def get_connection(self, event: GetHttpConnection, *, reuse: bool = True) -> layer.CommandGenerator[None]:
        self._drop_closed()
        fresh = isinstance(event, AskConnection) and event.fresh
        for connection, end in [] if fresh else self.connections.items():
            established = connection.connected and not connection.error and connection not in self.waiting_for_establishment
            if established and event.connection_spec_matches(connection) and _free(end):
                stream = self.command_sources.pop(event)
                yield from self.event_to_child(stream, GetHttpConnectionCompleted(event, (connection, None)))
                return
        context = self.context.fork()
        context.server = Server(address=event.address)
        stack = tunnel.LayerStack()
        if event.tls:
            context.server.sni = event.address[0]
            stack /= ServerTLSLayer(context)
        stack /= Upstream(context)
        self.connections[context.server] = stack[0]
        self.waiting_for_establishment[context.server].append(event)
        yield from self.event_to_child(stack[0], events.Start())

    def _drop_closed(self) -> None:
        """
        Forget connections to providers that are over: a client may stay for days.
        """
        dead = [
            connection
            for connection in self.connections
            if isinstance(connection, Server)
            and connection.state is ConnectionState.CLOSED
            and connection not in self.waiting_for_establishment
        ]
        for connection in dead:
            del self.connections[connection]

    def register_connection(self, command: RegisterHttpConnection) -> layer.CommandGenerator[None]:
        tls = self.connections.get(command.connection)
        if command.err is None and self._terms.take_over is not None and isinstance(tls, ServerTLSLayer):
            assert isinstance(tls.child_layer, Upstream)
            self.connections[command.connection] = tls.child_layer.child
            self._terms.take_over(command.connection, tls)
        yield from super().register_connection(command)
