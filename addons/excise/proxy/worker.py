"""
One worker: one process, one event loop, its share of the port.

Started by the supervisor as `python -O -m excise.proxy.worker`; settings come as one JSON line on standard input, whose end means that
the supervisor is gone. `ready` on standard output says that it serves.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

import structlog
from mitmproxy.connection import Server
from mitmproxy.proxy.commands import StartHook
from mitmproxy.proxy.layers import tls as tls_layers
from mitmproxy.proxy.layers.http import _hooks as http_hooks
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.tls import TlsData

from excise.access.keys import KeyStore
from excise.errors import ExciseError, LedgerError, SettingsError
from excise.exchange import Capture, ClientInfo
from excise.ledger.journal import Journal
from excise.proxy.attempts import NextAttemptHook
from excise.proxy.build import Parts, build
from excise.proxy.destination import Destinations
from excise.proxy.door import Door, Shared
from excise.proxy.errand import Errands
from excise.proxy.options import Hardened, assert_hardened, options_for_layers
from excise.proxy.settle import tunnel_row
from excise.proxy.shadow import Shadows
from excise.proxy.tls import Tls
from excise.proxy.untrusting import Untrusting, alert_in
from excise.supervise.log import log_to_stderr
from excise.supervise.settings import Settings
from excise.trust.authority import Authority
from excise.trust.leaf import LeafIssuer

log = structlog.get_logger("excise.worker")

BACKLOG = 1024
_PR_SET_DUMPABLE = 4  # prctl(2)
PROGRESS_SECONDS = 10.0  # between two lines on a long answer
GC_THRESHOLD = (50_000, 20, 100)  # measured: the default walks thousands of live connection objects many times a second


class Worker:
    """
    Serves until told to stop.
    """

    def __init__(self, settings: Settings, number: int) -> None:
        self._settings = settings
        self._number = number
        self.shared: Shared | None = None  # while it runs
        self.shadows: Shadows | None = None  # while it runs
        self.addresses: list[tuple[str, int]] = []  # where it listens, the transparent listener last
        self._stop = asyncio.Event()
        self._journal = Journal(settings.journal_dir, host=socket.gethostname(), sync=settings.journal_sync)
        self._parts: Parts = build(settings, self._journal)
        authority = Authority.load(settings.certs)
        self._tls = Tls(LeafIssuer(authority), upstream_ca=settings.upstream_ca)
        hardened = Hardened(max_body_bytes=settings.max_body_bytes)
        assert_hardened(hardened)
        self._hardened = hardened

    async def run(self, ready: Callable[[], None]) -> None:
        """
        Listen, serve, and return when drained.

        Raises:
            OSError: The port cannot be bound.
        """
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_swallowed)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        shared = self.shared = self._share(loop)
        servers = await self._listen(loop, shared)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLD)
        await self._parts.self_check.run()
        watching = [
            loop.create_task(self._parts.policies.watch()),
            loop.create_task(watch_keys(self._parts.keys)),
            loop.create_task(self._tick(shared)),
        ]
        ready()
        try:
            await self._stop.wait()
            await self._drain(shared, servers)
        finally:
            for task in watching:
                task.cancel()
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)
            await self._finish()

    def stop(self) -> None:
        """
        Begin to drain; what a signal does.
        """
        self._stop.set()

    def _share(self, loop: asyncio.AbstractEventLoop) -> Shared:
        parts, settings = self._parts, self._settings
        untrusting = Untrusting(tunnel=lambda: parts.policies.current.defaults.untrusting_clients == "tunnel")
        ports = [settings.listen[1], *([settings.transparent[1]] if settings.transparent else [])]
        destinations = Destinations(settings, ports, known=parts.catalog.is_provider_host)
        self.shadows = Shadows(
            parts.pipeline,
            parts.settler,
            Errands(destinations, upstream_ca=settings.upstream_ca),
            private_headers=lambda: parts.policies.current.principals.header_names,
        )
        parts.gateway.mirror = self.shadows.begin
        return Shared(
            loop=loop,
            settings=settings,
            options=options_for_layers(self._hardened),
            catalog=parts.catalog,
            gateway=parts.gateway,
            guard=parts.guard,
            settler=parts.settler,
            destinations=destinations,
            untrusting=untrusting,
            hooks=hook_table(parts, self._tls, untrusting),
            admit=parts.admit,
            tunnels_allowed=lambda: parts.policies.current.defaults.tunnels == "allow",
            covers=self._tls.covers,
            server_gone=lambda server: self._tls.server_disconnected(_hook_data(server)),
        )

    async def _listen(self, loop: asyncio.AbstractEventLoop, shared: Shared) -> list[asyncio.Server]:
        servers = [await loop.create_server(lambda: Door(shared), sock=listener(self._settings.listen), backlog=BACKLOG)]
        if self._settings.transparent is not None:
            sock = listener(self._settings.transparent)
            servers.append(await loop.create_server(lambda: Door(shared, transparent=True), sock=sock, backlog=BACKLOG))
        self.addresses = [server.sockets[0].getsockname()[:2] for server in servers]
        return servers

    async def _tick(self, shared: Shared) -> None:
        loop = shared.loop
        checked = noted = before = loop.time()
        tried = self._parts.policies.current.id  # tried at start
        while True:
            await asyncio.sleep(1.0)
            now = time.monotonic()
            if loop.time() - before > 3.0:
                log.warning("event loop was blocked", seconds=round(loop.time() - before - 1.0, 1))
            before = loop.time()
            for door in list(shared.doors):
                door.tick(now)
            with contextlib.suppress(LedgerError):  # still no room: calls are being refused, and the journal has said so
                self._parts.record.retry()
            if now - noted > PROGRESS_SECONDS:
                noted = now
                for exchange in self._parts.gateway.flows.under_way():
                    self._parts.record.progress(exchange)
            reloaded = self._parts.policies.current.id != tried
            if reloaded or now - checked > 60:
                checked, tried = now, self._parts.policies.current.id
                assert_hardened(self._hardened)
                await self._parts.self_check.run()

    async def _drain(self, shared: Shared, servers: list[asyncio.Server]) -> None:
        """
        No new connections; calls under way end, up to the limit; idle connections close at once.
        """
        for server in servers:
            server.close()
        shared.draining = True
        deadline = time.monotonic() + self._settings.drain_seconds
        while time.monotonic() < deadline:
            if not any(shared.gateway.flows.live.values()) and not any(door.relay for door in shared.doors):
                break
            await asyncio.sleep(0.05)
        for door in list(shared.doors):
            door.transport.abort()
        while shared.doors and time.monotonic() < deadline + 2:  # noqa: ASYNC110 - sockets close one by one, nothing signals the last
            await asyncio.sleep(0.01)

    async def _finish(self) -> None:
        if self.shadows is not None:
            await self.shadows.close()
        await self._parts.settler.settled()
        with contextlib.suppress(LedgerError):
            self._parts.record.retry()
        self._journal.close()

    def _reload(self) -> None:
        self._reloading = asyncio.get_running_loop().run_in_executor(None, self._parts.policies.reload)


def listener(address: tuple[str, int]) -> socket.socket:
    """
    A socket that shares its port with the other workers.

    Raises:
        OSError: The address cannot be bound.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    try:
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def hook_table(parts: Parts, tls: Tls, untrusting: Untrusting) -> dict[type[StartHook], Callable[..., Any]]:
    """
    Which hook calls what. Flat, looked up by class: there is no chain of addons to walk, and none that could be unloaded.
    """
    gateway = parts.gateway

    def start_client(data: TlsData) -> None:
        # The name the door decided on: lower case, and CONNECT's where the client sent no SNI.
        if data.context.server.address is not None:
            data.conn.sni = data.context.server.address[0]
        tls.tls_start_client(data)

    def failed_client(data: TlsData) -> None:
        untrusting.tls_failed_client(data)
        if alert_in(data.conn.error) is not None and data.conn.sni and data.conn.peername:
            client = ClientInfo(ip=str(data.conn.peername[0]).removeprefix("::ffff:"), port=data.conn.peername[1], capture=Capture.PROXY)
            row = tunnel_row(client, data.conn.sni, 443, data.conn.sni, "client_refuses_certificate")
            parts.settler.tunnel(row, sent=0, received=0, status="refused")

    return {
        http_hooks.HttpRequestHeadersHook: gateway.requestheaders,
        http_hooks.HttpRequestHook: gateway.request,
        http_hooks.HttpResponseHeadersHook: gateway.responseheaders,
        http_hooks.HttpResponseHook: gateway.response,
        http_hooks.HttpErrorHook: gateway.error,
        NextAttemptHook: gateway.legs.next_attempt,
        tls_layers.TlsStartClientHook: start_client,
        tls_layers.TlsEstablishedClientHook: untrusting.tls_established_client,
        tls_layers.TlsStartServerHook: tls.tls_start_server,
        tls_layers.TlsEstablishedServerHook: tls.tls_established_server,
        tls_layers.TlsFailedServerHook: tls.tls_failed_server,
        tls_layers.TlsFailedClientHook: failed_client,
    }


def _hook_data(server: Server) -> ServerConnectionHookData:
    return ServerConnectionHookData(server=server, client=None)  # type: ignore[arg-type]  # our TLS side reads the server only


async def watch_keys(keys: KeyStore, seconds: float = 1.0) -> None:
    """
    Look for new and revoked keys until cancelled. A file that cannot be read leaves the keys as they were, and is told.
    """
    told = ""
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(keys.poll)
            told = ""
        except SettingsError as error:
            if error.message != told:
                told = error.message
                log.error("keys kept", fault=error.message)


def _swallowed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # asyncio's own handler prints exception texts, which may quote content.
    fault = context.get("exception")
    log.error("event loop fault", error=type(fault).__name__ if fault else None, where=str(context.get("message", ""))[:80])


def main() -> int:
    """
    Run one worker; 0 after a clean drain.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is a policy to reload
    given = sys.stdin.buffer.readline()
    if not given:
        return 0  # the supervisor went before it said what to do
    from orjson import loads

    order = loads(given)
    settings = Settings.model_validate(order["settings"])
    _prepare_process()
    try:
        asyncio.run(_serve(settings, int(order["number"])))
    except (ExciseError, OSError) as error:
        print(f"failed {type(error).__name__}: {error}".replace("\n", "; "), flush=True)  # noqa: T201  # read by the supervisor
        return 1
    return 0


async def _serve(settings: Settings, number: int) -> None:
    worker = Worker(settings, number)
    loop = asyncio.get_running_loop()

    def parent_gone() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            worker.stop()

    loop.add_reader(0, parent_gone)

    def ready() -> None:
        print("ready", flush=True)  # noqa: T201  # read by the supervisor
        os.dup2(2, 1)  # nobody reads on: a stray print must not fill the pipe and block

    await worker.run(ready)


def forbid_core_dumps() -> None:
    """
    A core file would hold prompts, and every value redaction has taken out.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The limit does not hold where the kernel pipes cores to a program (core(5)); being not dumpable does, and keeps debuggers out too.
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _prepare_process() -> None:
    log_to_stderr()
    os.umask(0o077)
    forbid_core_dumps()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
