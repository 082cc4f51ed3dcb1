"""
Where we connect to, and where not.
"""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from excise.errors import Refused, SettingsError, UpstreamFailed, UpstreamTimeout
from excise.proxy.destination import Destinations, is_local, real_address
from excise.proxy.redirected import is_address
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

SPECIAL = [
    "168.63.129.16",
    "::ffff:168.63.129.16",
    "64:ff9b::a83f:8110",
    "192.0.0.9",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.175.48.1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:0:127.0.0.1",
    "::ffff:0:8.8.8.8",
    "64:ff9b:1::808:808",
    "100::1",
    "2001::1",
    "2001:0:808:808::1",
    "2001:1::1",
    "2001:3::1",
    "2001:20::1",
    "2001:30::1",
    "2001:db8::1",
    "2002:808:808::1",
    "2620:4f:8000::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fec0::1",
]


def answers(names: dict[str, list[str]], asked: list[str] | None = None):
    def getaddrinfo(host, port, *_, **__):
        if asked is not None:
            asked.append(host)
        if host not in names:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        families = [(socket.AF_INET6 if ":" in address else socket.AF_INET, address) for address in names[host]]
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for family, address in families]

    return getaddrinfo


@pytest.mark.parametrize("address", SPECIAL)
def test_addresses_with_a_special_purpose_are_refused(address):
    """
    Where no provider can be, though Python calls some of it global: host agents, relays, translations, documentation, site-local.
    """
    with pytest.raises(Refused) as refused:
        Destinations(Settings(), [8080]).check(address, 443)
    assert refused.value.kind == "destination_refused"


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


NAMES = ["localhost", "foo.localhost", "LocalHost", "localhost.", "metadata.google.internal", "Metadata.Google.Internal.", "metadata.goog"]
NUMBERS = ["2130706433", "0x7f.1", "127.1", "017700000001", "0177.0.0.1", "127.0.0.1.", "0x7f000001", "127.0.0.01", "0x", "1.2.3.4.5"]


@pytest.mark.parametrize("name", NAMES)
async def test_internal_names_are_refused_without_asking_dns(name, monkeypatch):
    """
    These names mean this machine, whatever a resolver says, in any case and with a dot at the end.
    """
    asked: list[str] = []
    monkeypatch.setattr(socket, "getaddrinfo", answers({name: ["8.8.8.8"]}, asked))
    with pytest.raises(Refused):
        await Destinations(Settings(), [8080]).addresses(name, 443)
    assert asked == []


@pytest.mark.parametrize("number", NUMBERS)
async def test_an_address_is_written_plainly_or_not_at_all(number, monkeypatch):
    """
    Resolvers take many spellings of 127.0.0.1; those that are no dotted quad are refused, here and before another proxy is asked.
    """
    asked: list[str] = []
    monkeypatch.setattr(socket, "getaddrinfo", answers({number: ["8.8.8.8"]}, asked))
    with pytest.raises(Refused):
        await Destinations(Settings(), [8080]).addresses(number, 443)
    behind = Destinations(Settings(upstream_proxy="http://127.0.0.1:9"), [8080])
    with pytest.raises(Refused):
        await behind.connect(number, 443, asyncio.Protocol)
    assert asked == []
    assert is_address(number)


@pytest.mark.parametrize("name", [*NAMES, "::ffff:127.0.0.1", "168.63.129.16", "metadata\uff0egoog", "a b", "a\r\nb"])
async def test_another_proxy_is_not_asked_for_internal_names(name):
    """
    It would resolve them for us; nothing is dialled, also for names whose meaning depends on who reads them.
    """
    behind = Destinations(Settings(upstream_proxy="http://127.0.0.1:9"), [8080])
    with pytest.raises(Refused):
        await behind.connect(name, 443, asyncio.Protocol)


@pytest.mark.parametrize("name", ["api.openai.com", "1.example.com", "0x7f.example", "a1", "xn--bcher-kva.example", "4chan.org"])
def test_names_with_numbers_in_them_are_names(name):
    """
    Only a last label that is a number makes an address.
    """
    assert not is_address(name)


async def test_lookups_that_hang_do_not_hold_up_a_provider(monkeypatch):
    """
    Names anybody may CONNECT to have threads of their own: eighty that never answer, and a provider's name resolves at once.
    """
    release = threading.Event()

    def getaddrinfo(host, port, *_, **__):
        if host.endswith("blackhole.test"):
            release.wait(10)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    destinations = Destinations(Settings(), [8080], known=lambda name: name == "api.openai.com")
    hanging = [asyncio.create_task(destinations.addresses(f"h{number}.blackhole.test", 443)) for number in range(80)]
    await asyncio.sleep(0)
    try:
        assert await asyncio.wait_for(destinations.addresses("API.OpenAI.com.", 443), 5) == [("8.8.8.8", 443)]
        assert not any(task.done() for task in hanging)
    finally:
        release.set()
        ended = await asyncio.gather(*hanging, return_exceptions=True)
    assert {type(error) for error in ended} == {UpstreamFailed}


async def test_a_cached_address_is_checked_again_for_every_port(monkeypatch):
    """
    What is remembered is the resolver's answer, not that it was allowed.
    """
    asked: list[str] = []
    monkeypatch.setattr(socket, "getaddrinfo", answers({"a.example": ["127.0.0.1"]}, asked))
    destinations = Destinations(Settings(allow_private="127.0.0.0/8"), [8080])
    assert await destinations.addresses("a.example", 443) == [("127.0.0.1", 443)]
    with pytest.raises(Refused, match="this proxy itself"):
        await destinations.addresses("a.example", 8080)
    assert asked == ["a.example"]


async def test_one_internal_address_among_public_ones_refuses_the_name(monkeypatch):
    """
    A rebinding resolver answers with both; taking the public one would leave the next connection to chance.
    """
    monkeypatch.setattr(socket, "getaddrinfo", answers({"rebind.example.com": ["8.8.8.8", "10.0.0.1"]}))
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
