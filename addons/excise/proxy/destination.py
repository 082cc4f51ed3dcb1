"""
Where we may connect to: public addresses of the name asked for, and what the operator listed. Decided after resolution, on the very
address that is then dialled, so that a name cannot point elsewhere between check and connect.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Sequence
from urllib.parse import unquote, urlsplit

from excise.errors import ExciseError, Refused, SettingsError, UpstreamFailed, UpstreamTimeout
from excise.proxy.lookup import Lookups
from excise.proxy.redirected import is_address
from excise.supervise.settings import Settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Reached by name, these answer with credentials of the machine we run on.
METADATA_NAMES = frozenset(
    {
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "metadata.azure.internal",
        "instance-data",
        "instance-data.ec2.internal",
    }
)
LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "localhost6", "ip6-localhost", "ip6-loopback"})

# No provider is there, whatever Python's `is_global` says of them.
# Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, 7450, 7526, 7534, 7535, 9637).
_NOWHERE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # Azure's host agent: a public address that means the machine below
        "192.0.0.0/24",  # IETF protocol assignments, the anycast addresses among them
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays, deprecated
        "192.175.48.0/24",  # AS112
        "2001::/23",  # IETF protocol assignments: Teredo, ORCHID, DRIP, benchmarking …
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: holds an IPv4 address, and is as internal as that
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
# All that IANA has given out for use on the internet. Outside are ::a.b.c.d, ::ffff:0:a.b.c.d (SIIT), fec0::/10, 5f00::/16 (SRv6) …
_IPV6_UNICAST = ipaddress.ip_network("2000::/3")
_ASCII_NAME = re.compile(r"[a-z0-9._-]+").fullmatch  # of another alphabet: what the other proxy makes of it cannot be told
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def real_address(text: str) -> Address:
    """
    The address behind its spellings: IPv4 that the stack (mapped) or the network (NAT64) takes out of IPv6 is unwrapped, zone ids are
    dropped.

    Raises:
        ValueError: Not an address.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """
    Whether a provider may stand at this address: the internet routes it, and it has no special purpose.
    """
    if not address.is_global or address.is_multicast or (address.version == 6 and address not in _IPV6_UNICAST):
        return False
    return not any(address.version == network.version and address in network for network in _NOWHERE)


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
        known: Whether a name is a provider's. Their lookups do not wait for those of other names, which any client can make hang.
    """

    def __init__(self, settings: Settings, own_ports: Sequence[int], *, known: Callable[[str], bool] = lambda name: False) -> None:
        self._listed = {(_folded(entry.host), entry.port): (entry.address, entry.to_port) for entry in settings.resolve}
        self._private = settings.allow_private
        self._own_ports = frozenset(own_ports)
        self._timeout = settings.connect_timeout_seconds
        self._proxy = _read_proxy(settings.upstream_proxy)
        self._known = known
        self._providers = Lookups(threads=16, queue=256)
        self._others = Lookups(threads=64, queue=256)

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
        if not is_public(real):
            raise Refused("the destination is not a public address; list its network with --allow-private CIDR", kind="destination_refused")

    async def addresses(self, host: str, port: int) -> list[tuple[str, int]]:
        """
        Addresses to try, in order, all checked.

        Raises:
            Refused: None of them may be connected to.
            UpstreamFailed: The name does not resolve.
        """
        host = _folded(host)
        listed = self._listed.get((host, port))
        if listed is not None:
            if listed[1] in self._own_ports and is_local(listed[0]):
                raise Refused("the destination is this proxy itself", kind="destination_refused")
            return [listed]
        found = await self._found(host)
        for address in found:
            # One internal address among public ones is a rebinding trick, not a fallback: refuse them all.
            self.check(address, port)
        return [(address, port) for address in found]

    async def _found(self, host: str) -> Sequence[str]:
        if _is_address(host):
            return (host,)
        if is_address(host):
            raise Refused("write the address as four decimal numbers", kind="destination_refused")
        if _means_this_machine(host):
            # Whatever a resolver says. Listing loopback, or the metadata service's address, opens them.
            return ("169.254.169.254",) if host in METADATA_NAMES else ("127.0.0.1",)
        return await (self._providers if self._known(host) else self._others).addresses(host)

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
        host = _folded(host)
        listed = self._listed.get((host, port))
        if listed is not None:
            return await _dial(*listed)
        if _is_address(host):
            self.check(host, port)
        elif is_address(host) or _means_this_machine(host) or not _ASCII_NAME(host):
            raise Refused("the destination is not a public name", kind="destination_refused")
        try:
            sock = await self._dial_name(proxy_host, proxy_port)
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

    async def _dial_name(self, host: str, port: int) -> socket.socket:
        failure: OSError = OSError("no address")
        for address in (host,) if _is_address(host) else await self._providers.addresses(host):
            try:
                return await _dial(address, port)
            except OSError as error:
                failure = error
        raise failure


def _folded(host: str) -> str:
    return host.casefold().rstrip(".")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _means_this_machine(host: str) -> bool:
    return host in METADATA_NAMES or host in LOCAL_NAMES or host.endswith(".localhost")


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
