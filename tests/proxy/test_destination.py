"""
Where we connect to, and where not.
"""

from __future__ import annotations

import asyncio
import socket

import pytest

from excise.errors import Refused, SettingsError, UpstreamFailed, UpstreamTimeout
from excise.proxy.destination import Destinations, is_local, real_address
from excise.supervise.settings import Settings

INTERNAL = [
    "127.0.0.1",
    "127.1.2.3",
    "::1",
    "0.0.0.0",
    "::",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "198.18.0.1",
    "192.0.2.1",
]


@pytest.mark.parametrize("address", INTERNAL)
def test_internal_addresses_are_refused_in_every_spelling(address):
    """
    Loopback, private, link-local, metadata, multicast and documentation addresses, also wrapped in IPv6.
    """
    with pytest.raises(Refused) as refused:
        Destinations(Settings(), [8080]).check(address, 443)
    assert refused.value.kind == "destination_refused"


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_pass(address):
    """
    What the internet routes is where providers are.
    """
    Destinations(Settings(), [8080]).check(address, 443)


def test_listed_networks_pass_and_nothing_beside_them():
    """
    `--allow-private` opens what it names; IPv4 inside IPv6 is the same address.
    """
    destinations = Destinations(Settings(allow_private="10.1.0.0/16,fd12::/16"), [8080])
    destinations.check("10.1.2.3", 443)
    destinations.check("::ffff:10.1.2.3", 443)
    destinations.check("fd12::1", 443)
    with pytest.raises(Refused):
        destinations.check("10.2.0.1", 443)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::ffff:127.0.0.1"])
def test_our_own_port_is_refused_even_where_loopback_is_listed(address):
    """
    A request for ourselves would be a loop.
    """
    with pytest.raises(Refused, match="this proxy itself"):
        Destinations(Settings(allow_private="0.0.0.0/0,::/0"), [8080]).check(address, 8080)


@pytest.mark.parametrize("name", ["localhost", "foo.localhost", "metadata.google.internal", "metadata"])
async def test_internal_names_are_refused_without_asking_dns(name):
    """
    These names mean this machine, whatever a resolver says.
    """
    with pytest.raises(Refused):
        await Destinations(Settings(), [8080]).addresses(name, 443)


async def test_one_internal_address_among_public_ones_refuses_the_name(monkeypatch):
    """
    A rebinding resolver answers with both; taking the public one would leave the next connection to chance.
    """
    loop = asyncio.get_running_loop()

    async def answers(host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(loop, "getaddrinfo", answers)
    with pytest.raises(Refused):
        await Destinations(Settings(), [8080]).addresses("rebind.example.com", 443)


async def test_resolve_entries_decide_address_and_port():
    """
    As curl's `--resolve`, with a port to go to.
    """
    destinations = Destinations(Settings(resolve="api.openai.com:443:127.0.0.1:9443"), [8080])
    assert await destinations.addresses("api.openai.com", 443) == [("127.0.0.1", 9443)]


async def test_a_refused_connection_says_so():
    """
    The error names the host and what happened, and is of the kind that fails over.
    """
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        destinations = Destinations(Settings(resolve=f"api.openai.com:443:127.0.0.1:{port}"), [8080])
        with pytest.raises(UpstreamFailed, match="connection refused"):
            await destinations.connect("api.openai.com", 443, asyncio.Protocol)


async def test_a_connection_that_is_never_accepted_times_out():
    """
    Our own timer, not the kernel's two minutes.
    """
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            fillers.append(filler)
        port = full.getsockname()[1]
        destinations = Destinations(Settings(resolve=f"a.example:443:127.0.0.1:{port}", connect_timeout_seconds=0.2), [8080])
        with pytest.raises(UpstreamTimeout):
            await destinations.connect("a.example", 443, asyncio.Protocol)
        for filler in fillers:
            filler.close()


async def test_the_upstream_proxy_is_asked_with_connect_and_credentials():
    """
    Behind a corporate proxy every connection goes through it; what follows its answer is the tunnel.
    """
    heads: list[bytes] = []

    async def proxy(reader, writer):
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nX: y\r\n\r\nhello")
        await writer.drain()
        await reader.read()
        writer.close()

    class Collect(asyncio.Protocol):
        def __init__(self):
            self.got = asyncio.get_running_loop().create_future()

        def data_received(self, data):
            self.got.set_result(data)

    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    destinations = Destinations(Settings(upstream_proxy=f"http://me:p%40ss@127.0.0.1:{port}"), [8080])
    collect = Collect()
    transport = await destinations.connect("api.openai.com", 443, lambda: collect)
    assert await asyncio.wait_for(collect.got, 5) == b"hello"
    assert heads[0].startswith(b"CONNECT api.openai.com:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6cEBzcw==" in heads[0]
    with pytest.raises(Refused):
        await destinations.connect("169.254.169.254", 80, asyncio.Protocol)
    transport.close()
    server.close()
    await server.wait_closed()


def test_a_malformed_upstream_proxy_is_a_settings_error():
    """
    Said at start, not at the first call.
    """
    with pytest.raises(SettingsError, match="upstream-proxy"):
        Destinations(Settings(upstream_proxy="socks5://x"), [8080])


def test_spellings_are_unwrapped():
    """
    One address, one decision.
    """
    assert str(real_address("::ffff:1.2.3.4")) == "1.2.3.4"
    assert str(real_address("64:ff9b::102:304")) == "1.2.3.4"
    assert is_local("127.0.0.1")
    assert not is_local("8.8.8.8")
