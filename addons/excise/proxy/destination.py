"""
Where we may connect to: public addresses of the name asked for, and what the operator listed. Decided after resolution, on the very
address that is then dialled, so that a name cannot point elsewhere between check and connect.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from urllib.parse import unquote, urlsplit

from excise.errors import ExciseError, Refused, SettingsError, UpstreamFailed, UpstreamTimeout
from excise.supervise.settings import Settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

DNS_SECONDS = 30.0  # how long an answer of the resolver is reused
DNS_NAMES = 1024

# Reached by name, these answer with credentials of the machine we run on.
METADATA_NAMES = frozenset({"metadata.google.internal", "metadata", "instance-data", "metadata.azure.internal"})


def real_address(text: str) -> Address:
    """
    The address behind its spellings: IPv4 inside IPv6 (mapped, 6to4, Teredo, NAT64) is unwrapped, zone ids are dropped.

    Raises:
        ValueError: Not an address.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return inner
    return address


def is_local(text: str) -> bool:
    """
    Whether an address is one of this host's: it can be bound.
    """
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((text, 0))
        except OSError:
            return False
    return True


class Destinations:
    """
    Resolve, check, connect.

    Args:
        settings: `resolve`, `allow_private`, `upstream_proxy`, timeouts.
        own_ports: Ports this host's workers listen on; connecting to them would be a loop.
    """

    def __init__(self, settings: Settings, own_ports: Sequence[int]) -> None:
        self._listed = {(entry.host, entry.port): (entry.address, entry.to_port) for entry in settings.resolve}
        self._private = settings.allow_private
        self._own_ports = frozenset(own_ports)
        self._timeout = settings.connect_timeout_seconds
        self._proxy = _read_proxy(settings.upstream_proxy)
        self._cache: dict[tuple[str, int], tuple[float, list[str]]] = {}

    def check(self, address: str, port: int) -> None:
        """
        Raises:
            Refused: This address is not one we connect to; the text says how to list it.
        """
        real = real_address(address)
        if port in self._own_ports and (real.is_unspecified or is_local(str(real))):
            raise Refused("the destination is this proxy itself", kind="destination_refused")
        if any(real.version == network.version and real in network for network in self._private):
            return
        if not real.is_global or real.is_multicast:
            raise Refused("the destination is not a public address; list its network with --allow-private CIDR", kind="destination_refused")

    async def addresses(self, host: str, port: int) -> list[tuple[str, int]]:
        """
        Addresses to try, in order, all checked.

        Raises:
            Refused: None of them may be connected to.
            UpstreamFailed: The name does not resolve.
        """
        listed = self._listed.get((host, port))
        if listed is not None:
            if listed[1] in self._own_ports and is_local(listed[0]):
                raise Refused("the destination is this proxy itself", kind="destination_refused")
            return [listed]
        if host in METADATA_NAMES or host == "localhost" or host.endswith(".localhost"):
            found = ["127.0.0.1"] if "localhost" in host else ["169.254.169.254"]
        else:
            found = await self._resolve(host, port)
        for address in found:
            # One internal address among public ones is a rebinding trick, not a fallback: refuse them all.
            self.check(address, port)
        return [(address, port) for address in found]

    async def _resolve(self, host: str, port: int) -> list[str]:
        now = time.monotonic()
        cached = self._cache.get((host, port))
        if cached is not None and cached[0] > now:
            return cached[1]
        try:
            infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise UpstreamFailed(f"{host} does not resolve", kind="name_not_resolved") from error
        found = list(dict.fromkeys(str(info[4][0]) for info in infos))
        if len(self._cache) >= DNS_NAMES:
            self._cache.clear()
        self._cache[(host, port)] = (now + DNS_SECONDS, found)
        return found

    async def connect(self, host: str, port: int, factory: Callable[[], asyncio.Protocol]) -> asyncio.Transport:
        """
        A connected transport whose protocol is made by `factory`.

        Raises:
            Refused: The destination is not allowed.
            UpstreamFailed: No address answered.
            UpstreamTimeout: Not within the connect timeout.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout):
                sock = await (self._through_proxy(host, port) if self._proxy else self._direct(host, port))
                transport, _ = await loop.create_connection(factory, sock=sock)
                return transport
        except TimeoutError as error:
            text = f"{host}:{port} did not accept a connection within {self._timeout:g} s"
            raise UpstreamTimeout(text, kind="connect_timeout") from error

    async def _direct(self, host: str, port: int) -> socket.socket:
        failure: OSError | None = None
        for address, to_port in await self.addresses(host, port):
            try:
                return await _dial(address, to_port)
            except OSError as error:
                failure = error
        raise UpstreamFailed(f"{host}:{port} cannot be reached ({_reason(failure)})", kind="connect_failed")

    async def _through_proxy(self, host: str, port: int) -> socket.socket:
        # The other proxy resolves names; what can be checked here is a literal address and the names of metadata services.
        assert self._proxy is not None
        proxy_host, proxy_port, credentials = self._proxy
        listed = self._listed.get((host, port))
        if listed is not None:
            return await _dial(*listed)
        try:
            self.check(host, port)
        except ValueError:
            if host in METADATA_NAMES or host.endswith("localhost"):
                raise Refused("the destination is not a public name", kind="destination_refused") from None
        try:
            sock = await _dial_name(proxy_host, proxy_port)
        except OSError as error:
            raise UpstreamFailed(f"the upstream proxy cannot be reached ({_reason(error)})", kind="upstream_proxy_failed") from error
        name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        head = f"CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n{credentials}\r\n".encode("ascii")
        loop = asyncio.get_running_loop()
        answer = b""
        try:
            await loop.sock_sendall(sock, head)
            while b"\r\n\r\n" not in answer:
                # One byte at a time: what follows the head belongs to the tunnel. Heads are short and this happens once a connection.
                got = await loop.sock_recv(sock, 1)
                if not got or len(answer) > 16_384:
                    raise UpstreamFailed("the upstream proxy closed during CONNECT", kind="upstream_proxy_failed")
                answer += got
            status = answer.split(b" ", 2)[1:2]
            if status != [b"200"]:
                code = status[0].decode("latin-1") if status else "none"
                raise UpstreamFailed(f"the upstream proxy answered CONNECT with status {code[:3]}", kind="upstream_proxy_failed")
        except (OSError, ExciseError, asyncio.CancelledError):
            sock.close()
            raise
        return sock


async def _dial(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:  # cancelled by the timeout, too: the descriptor must not leak; raised on
        sock.close()
        raise
    return sock


async def _dial_name(host: str, port: int) -> socket.socket:
    infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError = OSError("no address")
    for info in infos:
        try:
            return await _dial(str(info[4][0]), port)
        except OSError as error:
            failure = error
    raise failure


def _read_proxy(url: str | None) -> tuple[str, int, str] | None:
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise SettingsError("--upstream-proxy (EXCISE_UPSTREAM_PROXY): expected http://[user:password@]host:port")
    credentials = ""
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        credentials = f"Proxy-Authorization: Basic {base64.b64encode(pair).decode('ascii')}\r\n"
    return parts.hostname, parts.port or 8080, credentials


def _reason(error: OSError | None) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ssl.SSLError):
        return "TLS failed"
    return (error.strerror or type(error).__name__).lower() if error is not None else "no address"
