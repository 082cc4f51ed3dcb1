"""
The same pipeline inside a stock `mitmdump` or `mitmweb`, to look at flows while debugging; not for production.

mitmproxy's master, options and other addons are then in play, so the guard is put round its connection handler, every HTTP layer is
replaced by ours, and the dangerous options are set and checked. What it still lacks beside `excise up`: bounds before the first
request, own timers, workers, drain.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import Any

from mitmproxy import ctx
from mitmproxy.addonmanager import Loader
from mitmproxy.connection import Client
from mitmproxy.http import HTTPFlow, Response
from mitmproxy.proxy import commands, events, layer, mode_servers
from mitmproxy.proxy.layers import ClientTLSLayer, modes
from mitmproxy.proxy.layers.http import HTTPMode
from mitmproxy.proxy.mode_specs import RegularMode
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.tls import ClientHelloData, TlsData

from excise.errors import CertificateError, ExciseError
from excise.exchange import Capture, ClientInfo
from excise.ledger.journal import Journal
from excise.proxy.build import build
from excise.proxy.client_hello import read_names
from excise.proxy.destination import Destinations
from excise.proxy.front import looks_like_tls, read_basic
from excise.proxy.guard import HOOK_SECONDS, Guard
from excise.proxy.http_layer import SealedHttpLayer
from excise.proxy.http_stream import Terms
from excise.proxy.options import assert_hardened
from excise.proxy.tls import Tls
from excise.proxy.untrusting import Untrusting
from excise.supervise.settings import Settings
from excise.trust.authority import Authority
from excise.trust.leaf import LeafIssuer

_SET = {
    "rawtcp": False,
    "websocket": False,
    "http2": False,
    "http3": False,
    "connection_strategy": "lazy",
    "validate_inbound_headers": True,
    "ssl_insecure": False,
    "stream_large_bodies": None,
    "onboarding": False,
    "ignore_hosts": [],
    "allow_hosts": [],
}


class Closed(layer.Layer):
    """
    For bytes that are neither TLS nor HTTP.
    """

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.DataReceived):
            yield commands.CloseConnection(self.context.client)


class Intercept:
    """
    The addon. Settings come from `EXCISE_…` variables, as for `excise up`.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings.load({})
        self._journal = Journal(self._settings.journal_dir, host=socket.gethostname(), sync=self._settings.journal_sync)
        parts = build(self._settings, self._journal)
        self._catalog = parts.catalog
        self._gateway = parts.gateway
        self._settler = parts.settler
        self._policies = parts.policies
        self._guard = parts.guard
        self._tls = Tls(LeafIssuer(Authority.load(self._settings.certs)), upstream_ca=self._settings.upstream_ca)
        self._destinations: Destinations | None = None
        # Only says in the log why a client is not seen: nobody is passed through unread here, because no row would tell of it.
        untrusting = Untrusting(tunnel=lambda: False)
        self.tls_failed_client = untrusting.tls_failed_client
        self.tls_established_client = untrusting.tls_established_client
        self.tls_start_server = self._tls.tls_start_server
        self.tls_established_server = self._tls.tls_established_server
        self.tls_failed_server = self._tls.tls_failed_server
        self.server_disconnected = self._tls.server_disconnected
        self.requestheaders = self._gateway.requestheaders
        self.request = self._gateway.request
        self.responseheaders = self._gateway.responseheaders
        self.next_attempt = self._gateway.legs.next_attempt
        self.response = self._gateway.response
        self.error = self._gateway.error
        self.client_disconnected = self._gateway.disconnected

    def load(self, loader: Loader) -> None:
        install_guard(self._guard)
        ctx.options.update(**_SET)  # type: ignore[no-untyped-call]

    def configure(self, updated: set[str]) -> None:
        assert_hardened(ctx.options)

    def running(self) -> None:
        assert_hardened(ctx.options)
        proxyserver: Any = ctx.master.addons.get("proxyserver")  # type: ignore[no-untyped-call]
        ports = [address[1] for address in proxyserver.listen_addrs()]
        self._destinations = Destinations(self._settings, ports, known=self._catalog.is_provider_host)

    async def done(self) -> None:
        await self._settler.settled()
        self._journal.close()

    # -- connections -------------------------------------------------------------------------------------------------

    def client_connected(self, client: Client) -> None:
        capture = Capture.PROXY if isinstance(client.proxy_mode, RegularMode) else Capture.TRANSPARENT
        self._gateway.connected(client, ClientInfo(ip=str(client.peername[0]), port=client.peername[1], capture=capture))

    def http_connect(self, flow: HTTPFlow) -> None:
        try:
            if given := flow.request.headers.get("proxy-authorization"):
                user, password = read_basic(given.encode("latin-1"))
                peer = flow.client_conn.peername
                self._gateway.connected(flow.client_conn, ClientInfo(str(peer[0]), peer[1], Capture.PROXY, user, password))
        except ExciseError as refusal:
            flow.response = Response.make(refusal.status, f"excise: {refusal.message}\n".encode())
            return
        blocked = self._policies.current.defaults.tunnels == "block"
        if blocked and not self._catalog.is_provider_host(flow.request.host):
            flow.response = Response.make(403, b"excise: policy allows only LLM providers\n")

    async def server_connect(self, data: ServerConnectionHookData) -> None:
        assert data.server.address is not None
        if self._destinations is None:
            data.server.error = "unavailable: not running yet"
            return
        try:
            # The address checked is the address dialled; the name stays in `sni` for verification.
            data.server.address = (await self._destinations.addresses(*data.server.address[:2]))[0]
        except ExciseError as refusal:
            data.server.error = f"{refusal.kind}: {refusal.message}"

    def tls_clienthello(self, data: ClientHelloData) -> None:
        address = data.context.server.address
        try:
            hello = read_names(data.client_hello.raw_bytes(wrap_in_record=False))
        except ValueError:
            return  # the handshake then fails for want of a certificate, and no byte of it has left
        named = address[0] if address else ""
        provider = self._catalog.is_provider_host(hello.sni or named) or self._catalog.is_provider_host(named)
        data.ignore_connection = not (provider or hello.unreadable_name) and self._policies.current.defaults.tunnels == "allow"

    def tls_start_client(self, data: TlsData) -> None:
        """
        Raises:
            CertificateError: CONNECT and SNI disagree, or the host is none of ours: without a certificate the handshake fails.
        """
        address = data.context.server.address
        if data.conn.sni is None and address is not None:
            data.conn.sni = address[0]
        if data.context.client.proxy_mode.type_name == "regular" and address is not None and data.conn.sni != address[0]:
            raise CertificateError("CONNECT and SNI name different hosts")
        if not self._catalog.is_provider_host(data.conn.sni or ""):
            raise CertificateError("a host outside the catalogue is never decrypted")
        self._tls.tls_start_client(data)

    def next_layer(self, data: layer.NextLayer) -> None:
        context, terms = data.context, Terms(self._gateway, self._settings.max_body_bytes, takes_connect=True, legs=self._gateway.legs)
        parent = context.layers[-1] if context.layers else None
        if isinstance(parent, modes.HttpProxy):
            data.layer = SealedHttpLayer(context, HTTPMode.regular, terms)
        elif isinstance(parent, ClientTLSLayer):
            data.layer = SealedHttpLayer(context, HTTPMode.transparent, replace(terms, takes_connect=False))
        elif looks_like_tls(data.data_client()) is False:  # type: ignore[no-untyped-call]
            data.layer = Closed(context)
        # TLS, or too few bytes to say: mitmproxy's own addon puts the TLS layers.


def install_guard(guard: Guard) -> None:
    """
    Put the guard round every hook of every addon in this process.
    """
    original = mode_servers.ProxyConnectionHandler.handle_hook

    async def guarded(self: mode_servers.ProxyConnectionHandler, hook: commands.StartHook) -> None:
        fault: BaseException | None = None
        try:
            async with asyncio.timeout(HOOK_SECONDS):
                await original(self, hook)
        except BaseException as raised:  # noqa: BLE001 - also exits and cancellations: mitmproxy would leave the client hanging
            fault = raised
        guard.after(hook, fault)
        task = asyncio.current_task()
        if isinstance(fault, asyncio.CancelledError) and task is not None and task.cancelling():
            raise fault  # the connection itself is being ended

    mode_servers.ProxyConnectionHandler.handle_hook = guarded  # type: ignore[method-assign]
