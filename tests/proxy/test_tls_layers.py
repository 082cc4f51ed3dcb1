"""
Our TLS layers beside mitmproxy's: the same bytes in, the same hooks, plaintext and errors out.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mitmproxy.proxy.layers import tls as theirs
from mitmproxy.proxy.layers.tls import parse_client_hello
from OpenSSL import SSL
from tls_peers import HOST, Peer, Provider, Proxy, client

from excise.errors import CertificateError
from excise.proxy import tls_layers as ours
from excise.proxy.client_hello import QuickHello, read_client_hello
from excise.proxy.tls import Tls
from excise.trust.authority import Authority
from excise.trust.leaf import LeafIssuer


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("layers") / "ca", permitted_domains=["llm.test"])


@pytest.fixture(scope="module")
def provider() -> Provider:
    return Provider()


@pytest.fixture(scope="module")
def tls(authority: Authority, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Tls:
    file = tmp_path_factory.mktemp("roots") / "provider.pem"
    file.write_bytes(provider.pem)
    return Tls(LeafIssuer(authority), upstream_ca=file, roots=[])


class Scene:
    """
    What a scenario may use, with one of the two sets of layers.
    """

    def __init__(self, layers: Any, tls: Tls, authority: Authority, provider: Provider) -> None:
        self.layers, self.tls, self.authority, self.provider = layers, tls, authority, provider

    def proxy(self, **options: Any) -> Proxy:
        return Proxy(self.layers, self.tls, **options)

    def client(self, **options: Any) -> Peer:
        return client(self.authority.root, **options)

    def server(self, *names: str, **options: Any) -> Peer:
        return Peer(SSL.Connection(self.provider.server(*(names or (HOST,)), **options)), server=True)


def plain(scene: Scene) -> tuple[Proxy, list[Any]]:
    """
    One request and its answer.
    """
    proxy, near, far = scene.proxy(), scene.client(), scene.server()
    proxy.talk(near, far)
    return proxy, [near.got, far.got]


def old(scene: Scene) -> tuple[Proxy, list[Any]]:
    """
    TLS 1.2 on both sides.
    """
    proxy, near, far = scene.proxy(), scene.client(version=SSL.TLS1_2_VERSION), scene.server(version=SSL.TLS1_2_VERSION)
    proxy.talk(near, far)
    return proxy, [near.got, far.got]


def byte_by_byte(scene: Scene) -> tuple[Proxy, list[Any]]:
    """
    Every byte of the wire on its own.
    """
    proxy, near, far = scene.proxy(), scene.client(), scene.server()
    proxy.talk(near, far, step=1)
    return proxy, [near.got, far.got]


def large(scene: Scene) -> tuple[Proxy, list[Any]]:
    """
    Two megabytes each way, cut at an odd size.
    """
    proxy, near, far = scene.proxy(), scene.client(), scene.server()
    words = bytes(range(256)) * 8192
    proxy.talk(near, far, words, step=40_001)
    return proxy, [near.got == words, far.got == words]


def goodbye(scene: Scene) -> tuple[Proxy, list[Any]]:
    """
    The server sends its last words and its goodbye in one piece, then closes.
    """
    proxy, near, far = scene.proxy(), scene.client(), scene.server()
    proxy.talk(near, far)
    proxy.from_server(far.say(b"last words") + far.close())
    state = proxy.server.state
    proxy.close(proxy.server)
    near.push(proxy.to_client)
    return proxy, [near.got, state]


def client_goodbye(scene: Scene) -> tuple[Proxy, list[Any]]:
    """
    The client says goodbye, then closes.
    """
    proxy, near, far = scene.proxy(), scene.client(), scene.server()
    proxy.talk(near, far)
    proxy.from_client(near.close())
    state = proxy.client.state
    proxy.close(proxy.client)
    return proxy, [state]


def cut_off(scene: Scene) -> tuple[Proxy, list[Any]]:
    """
    The server vanishes in the middle of a record.
    """
    proxy, near, far = scene.proxy(), scene.client(), scene.server()
    proxy.talk(near, far)
    proxy.from_server(far.say(b"x" * 1000)[:500])
    proxy.close(proxy.server)
    return proxy, [near.got]


def damaged(scene: Scene) -> tuple[Proxy, list[Any]]:
    """
    A record whose bytes were changed on the way.
    """
    proxy, near, far = scene.proxy(), scene.client(), scene.server()
    proxy.talk(near, far)
    record = bytearray(far.say(b"x" * 100))
    record[20] ^= 1
    proxy.from_server(bytes(record))
    proxy.from_server(far.say(b"more"))
    return proxy, [near.got]


def distrust(scene: Scene) -> tuple[Proxy, list[Any]]:
    """
    A client that does not trust us.
    """
    proxy, near = scene.proxy(), client(scene.provider.root)
    proxy.talk(near, scene.server())
    return proxy, []


def client_leaves(scene: Scene) -> tuple[Proxy, list[Any]]:
    """
    A client that closes in the middle of the handshake.
    """
    proxy, near = scene.proxy(), scene.client()
    proxy.from_client(near.push())
    proxy.close(proxy.client)
    return proxy, []


def wrong_name(scene: Scene) -> tuple[Proxy, list[Any]]:
    """
    A server with another name in its certificate.
    """
    proxy, far = scene.proxy(), scene.server("evil.test")
    proxy.talk(scene.client(), far)
    return proxy, [far.got]


def no_tls(scene: Scene) -> tuple[Proxy, list[Any]]:
    """
    A server that does not speak TLS.
    """
    proxy, near = scene.proxy(), scene.client()
    proxy.from_client(near.push())
    proxy.from_client(near.push(proxy.to_client) + near.say(b"hello"))
    proxy.from_server(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    return proxy, []


def server_leaves(scene: Scene) -> tuple[Proxy, list[Any]]:
    """
    A server that closes in the middle of the handshake.
    """
    proxy, near = scene.proxy(), scene.client()
    proxy.from_client(near.push())
    proxy.from_client(near.push(proxy.to_client) + near.say(b"hello"))
    proxy.close(proxy.server)
    return proxy, []


def passed_through(scene: Scene) -> tuple[Proxy, list[Any]]:
    """
    A connection that is not ours to decrypt: the hello goes on as it came, split or whole.
    """

    def ignore(data: Any) -> None:
        data.ignore_connection = True

    proxy = scene.proxy(on_hello=ignore)
    hello = scene.client(sni="bank.test").push()
    proxy.from_client(hello, step=100)
    return proxy, [proxy.to_server == hello, proxy.to_client]


SCENES = [plain, old, byte_by_byte, large, goodbye, client_goodbye, cut_off, damaged, distrust, client_leaves]
SCENES += [wrong_name, no_tls, server_leaves, passed_through]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_as_mitmproxy(scene: Any, tls: Tls, authority: Authority, provider: Provider) -> None:
    """
    Same hooks in the same order, same plaintext, same errors, same state of the connections.
    """
    seen = []
    for layers in (theirs, ours):
        proxy, extra = scene(Scene(layers, tls, authority, provider))
        conns = [
            (conn.error, conn.state, conn.alpn, conn.cipher, conn.tls_version, conn.sni, conn.tls_established, list(conn.alpn_offers))
            for conn in (proxy.client, proxy.server)
        ]
        seen.append((proxy.log, proxy.echo.seen, conns, extra))

    assert seen[1] == seen[0]


def test_plaintext_is_not_shown(tls: Tls) -> None:
    """
    A request sent where a ClientHello should be is refused without a byte of it in the error, which is logged.
    """
    proxy = Proxy(ours, tls)
    proxy.from_client(b"POST /v1/chat/completions HTTP/1.1\r\n\r\nsecret")

    assert proxy.log == ["tls_failed_client", "close client"]
    assert proxy.client.error == "Cannot parse ClientHello: 44 bytes of something else"


def test_an_endless_hello(tls: Tls) -> None:
    """
    A hello that never ends is refused at OpenSSL's own limit, not collected.
    """
    proxy = Proxy(ours, tls)
    record = b"\x16\x03\x01\x40\x00" + (b"\x01\xff\xff\xff" + bytes(16380))
    for _ in range(7):
        proxy.from_client(record)
    assert proxy.log == []
    proxy.from_client(record)

    assert proxy.log == ["tls_failed_client", "close client"]


def test_the_hook_may_refuse(tls: Tls, authority: Authority) -> None:
    """
    A name we cannot sign for, not passed through by whoever decides that, ends in an error: nothing is sent either way.
    """
    proxy = Proxy(ours, tls)
    with pytest.raises(CertificateError):
        proxy.from_client(client(authority.root, sni="bank.test").push())
    assert proxy.to_client == proxy.to_server == b""


# The ClientHello


def hellos() -> list[bytes]:
    return [
        client(None, sni=sni, alpn=alpn, version=version).push()
        for sni in (HOST, "a.b.c.d.example", None)
        for alpn in ([], [b"http/1.1"], [b"h2", b"http/1.1"])
        for version in (None, SSL.TLS1_2_VERSION)
    ]


HELLOS = hellos()


def said(read: Any, data: bytes) -> Any:
    try:
        hello = read(data)
    except ValueError:
        return "refused"
    return hello and (hello.sni, hello.alpn_protocols, hello.cipher_suites, hello.extensions, hello.raw_bytes())


@pytest.mark.parametrize("data", HELLOS)
def test_hellos_are_read_alike(data: bytes) -> None:
    """
    Real hellos, whole and cut anywhere, read as mitmproxy reads them; and by the quick way.
    """
    assert isinstance(read_client_hello(data), QuickHello)
    assert said(read_client_hello, data) == said(parse_client_hello, data)
    for size in range(0, len(data), 7):
        assert said(read_client_hello, data[:size]) == said(parse_client_hello, data[:size])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(HELLOS), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=6), st.integers(0, 40))
def test_damaged_hellos_are_read_alike(data: bytes, changes: list[tuple[int, int]], extra: int) -> None:
    """
    Where a hello was tampered with, both readers still see the same names or refuse: no hello means one host here and another there.
    """
    changed = bytearray(data + bytes(extra))
    for at, value in changes:
        changed[at % len(changed)] = value

    assert said(read_client_hello, bytes(changed)) == said(parse_client_hello, bytes(changed))


@pytest.mark.parametrize("count", [2, 3])
def test_a_repeated_name(count: int) -> None:
    """
    A hello with the server name twice is read as mitmproxy reads it, not by the quick way.
    """
    data = HELLOS[0]
    name = HOST.encode()
    at = data.index(name) - 9
    extension = data[at : at + 9 + len(name)]
    twice = data[:at] + extension * count + data[at + len(extension) :]
    longer = len(extension) * (count - 1)
    fixed = bytearray(twice)
    fixed[3:5] = (int.from_bytes(data[3:5]) + longer).to_bytes(2)
    fixed[6:9] = (int.from_bytes(data[6:9]) + longer).to_bytes(3)
    where = data.index(data[at : at + 2], at - 2)  # the list's length stands before its first extension
    for place in range(where - 2, 40, -1):
        if int.from_bytes(data[place : place + 2]) == len(data) - place - 2:
            fixed[place : place + 2] = (len(data) - place - 2 + longer).to_bytes(2)
            break

    hello = read_client_hello(bytes(fixed))
    assert hello is not None and not isinstance(hello, QuickHello)
    assert said(read_client_hello, bytes(fixed)) == said(parse_client_hello, bytes(fixed))


def test_they_count_as_mitmproxys() -> None:
    """
    The classes stand for mitmproxy's wherever it asks for its own.
    """
    assert issubclass(ours.ClientTLSLayer, theirs.ClientTLSLayer)
    assert issubclass(ours.ServerTLSLayer, theirs.ServerTLSLayer)
