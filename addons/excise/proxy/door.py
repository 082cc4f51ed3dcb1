"""
The door: one protocol per accepted connection, which decides what the client wants before any layer sees a byte of it.

    first bytes ── CONNECT provider ──> ClientHello, SNI agrees ──> TLS layers, sealed HTTP
                ├─ CONNECT elsewhere ─> ClientHello ──> blind relay, counted
                ├─ plain request ─────> HTTP layer: our endpoint, or plain HTTP elsewhere
                └─ redirected ────────> ClientHello ──> by SNI, as above
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mitmproxy.connection import Client, ConnectionState, Server
from mitmproxy.options import Options
from mitmproxy.proxy import layer
from mitmproxy.proxy.commands import StartHook
from mitmproxy.proxy.events import DataReceived, Event
from mitmproxy.proxy.layers.http import HTTPMode

from excise.catalog.providers import Catalog
from excise.errors import BadRequest, ExciseError, Refused, Unauthenticated
from excise.exchange import Capture, ClientInfo
from excise.proxy.client_hello import read_hello
from excise.proxy.destination import Destinations
from excise.proxy.driver import Driver
from excise.proxy.front import Connect, looks_like_tls, read_front
from excise.proxy.gateway import Gateway
from excise.proxy.guard import Guard
from excise.proxy.http_edges import plain_response
from excise.proxy.http_layer import SealedHttpLayer
from excise.proxy.http_stream import Terms
from excise.proxy.peer import HIGH_WATER_BYTES
from excise.proxy.redirected import is_address, original_destination
from excise.proxy.relay import Relay
from excise.proxy.settle import Settler, tunnel_row
from excise.proxy.tls_layers import ClientTLSLayer
from excise.proxy.untrusting import Untrusting
from excise.supervise.settings import Settings

FRONT_SECONDS = 10.0  # from the first byte to a whole request head, and from CONNECT to a whole ClientHello
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass(slots=True)
class Shared:
    """
    What all connections of one worker share.
    """

    loop: asyncio.AbstractEventLoop
    settings: Settings
    options: Options
    catalog: Catalog
    gateway: Gateway
    guard: Guard
    settler: Settler
    destinations: Destinations
    untrusting: Untrusting
    hooks: dict[type[StartHook], Callable[..., Any]]
    admit: Callable[[ClientInfo, bool], None]  # raises Unauthenticated; True: nothing more will be known of this client
    tunnels_allowed: Callable[[], bool]
    covers: Callable[[str], bool]  # whether our CA can sign for a name
    server_gone: Callable[[Server], None]
    doors: set[Door] = field(default_factory=set)
    draining: bool = False


class Top(layer.Layer):
    """
    Stands where mitmproxy expects the proxy mode: the TLS layer looks at its parent.
    """

    def _handle_event(self, event: Event) -> layer.CommandGenerator[None]:
        yield from ()


class Door(asyncio.Protocol):
    """
    One client connection.

    Args:
        shared: What all connections share.
        transparent: The listener takes redirected connections.
    """

    def __init__(self, shared: Shared, *, transparent: bool = False) -> None:
        self.shared = shared
        self._transparent = transparent
        self._read: Callable[[bytes], None] = self._head
        self._buffer = bytearray()
        self.since: float | None = None  # when the first byte of an unfinished front came
        self.idle_since = time.monotonic()
        self.driver: Driver | None = None
        self.relay: Relay | None = None
        self._opening: asyncio.Task[None] | None = None
        self._target: tuple[str, int] = ("", 0)

    # -- asyncio -----------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        shared = self.shared
        if len(shared.doors) >= shared.settings.max_connections:
            transport.abort()
            return
        shared.doors.add(self)
        transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        peer, name = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        self.info = ClientInfo(ip=str(peer[0]).removeprefix("::ffff:"), port=peer[1], capture=Capture.PROXY)
        self._peer, self._name = peer[:2], name[:2]
        if self._transparent:
            try:
                self._target = original_destination(transport.get_extra_info("socket"))
            except OSError:
                transport.abort()
                return
            self.info = ClientInfo(ip=self.info.ip, port=self.info.port, capture=Capture.TRANSPARENT)
            self._read = self._hello

    def data_received(self, data: bytes) -> None:
        now = self.idle_since = time.monotonic()
        driver = self.driver
        if driver is not None:
            self._feed(driver, data, now)
            return
        if self.relay is not None:
            self.relay.up(data)
            return
        if self.since is None:
            self.since = now
        self._buffer += data
        self._step()

    def _feed(self, driver: Driver, data: bytes, now: float) -> None:
        """
        Bytes for the layers. Those that are no whole head yet start its clock; a whole head stops it, and so does a handshake that is done.
        A body has all the time it needs.
        """
        heads, established = driver.heads, driver.established
        driver.head_begun = False
        driver.feed(DataReceived(driver.client, data))
        if driver.heads != heads or self.shared.gateway.flows.live.get(driver.client.id):
            self.since = None
        elif driver.established != established:
            self.since = now if driver.head_begun else None  # the head may have begun in the handshake's last flight
        elif self.since is None:
            self.since = now

    def eof_received(self) -> bool:
        if self.driver is not None:
            return self.driver.half_closed(self.driver.client)
        if self.relay is not None:
            return self.relay.up_ended()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.shared.doors.discard(self)
        if self._opening is not None:
            self._opening.cancel()
        if self.driver is not None:
            self.driver.end()
        if self.relay is not None:
            self.relay.end("ok" if exc is None else "reset")

    def pause_writing(self) -> None:
        if self.driver is not None:
            self.driver.pause(self.driver.client)
        elif self.relay is not None:
            self.relay.pause_down()

    def resume_writing(self) -> None:
        if self.driver is not None:
            self.driver.resume(self.driver.client)
        elif self.relay is not None:
            self.relay.resume_down()

    def tick(self, now: float) -> None:
        """
        Once a second: end what takes too long.
        """
        if self.since is not None and now - self.since > FRONT_SECONDS and self._opening is None:
            self.transport.abort()
        elif self.driver is not None:
            self.driver.tick(now)
            # A call that waits for its provider has the driver's timers; a body that stops coming has this one.
            if self._idle(now) and not self.shared.gateway.flows.waits(self.driver.client):
                self.transport.close()
        elif self.relay is not None:
            self.relay.tick(now, self.shared.settings.idle_timeout_seconds)
        elif self._idle(now):
            self.transport.close()

    def _idle(self, now: float) -> bool:
        return now - self.idle_since > (1.0 if self.shared.draining else self.shared.settings.idle_timeout_seconds)

    # -- the front ---------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        try:
            self._read(bytes(self._buffer))
        except ExciseError as refusal:
            self._reject(refusal)

    def _reject(self, refusal: ExciseError) -> None:
        self.since = None
        status = 401 if isinstance(refusal, Unauthenticated) and self._transparent else refusal.status
        extra = 'Proxy-Authenticate: Basic realm="excise"\r\n' if status == 407 else ""
        if self._read == self._head or self._opening is not None:
            self.transport.write(plain_response(status, refusal.message, extra))
        self.transport.close()

    def _head(self, data: bytes) -> None:
        front = read_front(data)
        if front is None:
            return
        if isinstance(front, Connect):
            self._connect(front)
            return
        context = self._start_driver()
        self._run(SealedHttpLayer(context, HTTPMode.regular, self._terms()), data)

    def _connect(self, front: Connect) -> None:
        shared = self.shared
        self.info = ClientInfo(self.info.ip, self.info.port, Capture.PROXY, front.user, front.password)
        shared.admit(self.info, not shared.catalog.is_provider_host(front.host))
        self._target = (front.host, front.port)
        self._buffer[:] = front.rest
        if shared.catalog.is_provider_host(front.host):
            self.transport.write(ESTABLISHED)
            self._read = self._hello
            if front.rest:
                self._step()
            return
        self._check_tunnel(front.host)
        self.since = None
        self._open_relay(front.host, front.port, None, "not_a_provider", established=ESTABLISHED)

    def _hello(self, data: bytes) -> None:
        """
        Decide by the ClientHello. Bytes of the tunnel are still untouched here.
        """
        try:
            hello = read_hello(data)
        except ValueError as error:
            self._refused_tunnel(None, "not_tls" if looks_like_tls(data) is False else "bad_client_hello")
            raise BadRequest("only TLS is let through a tunnel, begun by a ClientHello that can be read") from error
        if hello is None:
            return
        if hello.unreadable_name:
            self._refused_tunnel(None, "unreadable_sni")
            raise BadRequest("the ClientHello names no single host")
        host, port = self._target
        self._decide(hello.sni or "", host, port, data)

    def _decide(self, sni: str, host: str, port: int, data: bytes) -> None:
        shared = self.shared
        known = shared.catalog.is_provider_host
        named = not self._transparent and not is_address(host)
        if sni and named and sni != host and (known(sni) or known(host)):
            self._refused_tunnel(sni, "sni_mismatch")
            raise Refused("CONNECT and SNI name different hosts", kind="host_mismatch")
        name = sni or (host if named else "")
        if not name or not known(name):
            self._blind(host, port, sni, "not_a_provider", data)
        elif shared.untrusting.given_up(self.info.ip, name):
            self._blind(name, port, sni, "client_refuses_certificate", data)
        elif not shared.covers(name):
            # A provider added after the CA was made. Passing it through would be an unseen way round the policy.
            self._refused_tunnel(sni, "outside_ca")
            raise Refused(f"the CA does not cover {name}; run `excise certs renew`", kind="outside_ca")
        else:
            self._intercept(name, port, data)

    def _intercept(self, name: str, port: int, data: bytes) -> None:
        # Dialled by name, not by the address the client chose: a forged SNI cannot send a provider's key elsewhere.
        context = self._start_driver()
        context.server.address = (name, port)
        context.server.tls = True
        Top(context)
        tls = ClientTLSLayer(context)
        driver = self.driver
        assert driver is not None
        driver.tls = tls
        tls.child_layer = SealedHttpLayer(context, HTTPMode.transparent, self._terms())
        self._run(tls, data)

    def _start_driver(self) -> Any:
        client = Client(peername=self._peer, sockname=self._name, state=ConnectionState.OPEN, timestamp_start=time.time())
        self.driver = Driver(self.shared, client, self.transport)
        self.shared.gateway.connected(client, self.info, self.driver.cut)
        return self.driver.context

    def _terms(self) -> Terms:
        assert self.driver is not None
        driver, limit = self.driver, self.shared.settings.max_body_bytes
        gateway = self.shared.gateway
        return Terms(gateway, limit, run=driver.run_hook, take_over=driver.take_over, head_begun=driver.begin_head, legs=gateway.legs)

    def _run(self, top: layer.Layer, data: bytes) -> None:
        driver = self.driver
        assert driver is not None
        self._buffer.clear()
        driver.start(top)
        self._feed(driver, data, time.monotonic())

    # -- tunnels -----------------------------------------------------------------------------------------------------

    def _check_tunnel(self, host: str) -> None:
        self.shared.admit(self.info, True)
        if not self.shared.tunnels_allowed():
            self._refused_tunnel(None, "policy")
            raise Refused(f"policy allows only LLM providers, and {host} is none", kind="tunnel_refused")

    def _refused_tunnel(self, sni: str | None, reason: str) -> None:
        row = tunnel_row(self.info, *self._target, sni or None, reason)
        self.shared.settler.tunnel(row, sent=0, received=0, status="refused")

    def _blind(self, host: str, port: int, sni: str, reason: str, data: bytes) -> None:
        self._check_tunnel(sni or host)
        self.since = None
        self._open_relay(host, port, sni, reason, first=data)

    def _open_relay(self, host: str, port: int, sni: str | None, reason: str, *, established: bytes = b"", first: bytes = b"") -> None:
        row = tunnel_row(self.info, host, port, sni or None, reason)
        self.transport.pause_reading()
        self._opening = self.shared.loop.create_task(self._opened(host, port, row, established, first))

    async def _opened(self, host: str, port: int, row: dict[str, Any], established: bytes, first: bytes) -> None:
        relay = Relay(self.transport, row, self.shared.settler)
        self.shared.settler.tunnel_opened(row)
        try:
            await self.shared.destinations.connect(host, port, lambda: relay)
        except (ExciseError, OSError) as failure:
            error = failure if isinstance(failure, ExciseError) else Refused(f"{host} cannot be reached", kind="connect_failed", status=502)
            self.shared.settler.tunnel(row, sent=0, received=0, status=error.kind)
            if established:
                self._read = self._head
                self._reject(error)
            else:
                self.transport.close()
            return
        finally:
            self._opening = None
        if self.transport.is_closing():
            relay.end("cancelled")
            return
        if established:
            # The tunnel is open; what the client says in its ClientHello may still close it again.
            self.transport.write(established)
            relay.inspect = self._inspect
        self.relay = relay
        if rest := first or bytes(self._buffer):
            relay.up(rest)
        self._buffer.clear()
        self.transport.resume_reading()

    def _inspect(self, data: bytes) -> bool | None:
        """
        Whether a blind tunnel may go on, by its first bytes; `None`: more are needed.
        """
        try:
            hello = read_hello(data)
        except ValueError:
            return False
        if hello is None:
            return None
        # A provider's name behind another host's CONNECT would be a way round the policy, and so is one that cannot be read.
        return not hello.unreadable_name and not (hello.sni and self.shared.catalog.is_provider_host(hello.sni))
