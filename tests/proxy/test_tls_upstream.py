"""
The provider's side of TLS: verification without exception, and sessions that resume.
"""

from __future__ import annotations

import gc
from pathlib import Path
from types import SimpleNamespace

import pytest
from mitmproxy import connection
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.tls import TlsData
from OpenSSL import SSL
from tls_peers import HOST, Peer, Provider, Proxy, client

from excise.errors import CertificateError
from excise.proxy import tls_layers
from excise.proxy.tls import Tls
from excise.proxy.tls_sessions import UpstreamSessions
from excise.trust.authority import Authority
from excise.trust.leaf import LeafIssuer

VERSIONS = pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION], ids=["1.2", "1.3"])


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("tls") / "ca", permitted_domains=["llm.test"])


@pytest.fixture(scope="module")
def provider() -> Provider:
    return Provider()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> UpstreamSessions:
    return UpstreamSessions(limit=2, max_age_seconds=100, clock=clock)


@pytest.fixture
def tls(authority: Authority, provider: Provider, sessions: UpstreamSessions, tmp_path: Path) -> Tls:
    (tmp_path / "provider.pem").write_bytes(provider.pem)
    return Tls(LeafIssuer(authority), upstream_ca=tmp_path / "provider.pem", roots=[], contexts=2, sessions=sessions)


def hook_data(sni: str | None) -> TlsData:
    conn = connection.Client(peername=("192.0.2.1", 1), sockname=("192.0.2.2", 2), sni=sni)
    return TlsData(conn, SimpleNamespace(client=conn))  # type: ignore[arg-type]


def call(tls: Tls, authority: Authority, server: SSL.Context, **options: object) -> tuple[Proxy, Peer, Peer]:
    """
    One client, one request, one connection to the provider.
    """
    proxy = Proxy(tls_layers, tls, **options)  # type: ignore[arg-type]
    near, far = client(authority.root), Peer(SSL.Connection(server), server=True)
    proxy.talk(near, far)
    return proxy, near, far


def hang_up(tls: Tls, proxy: Proxy) -> None:
    tls.server_disconnected(ServerConnectionHookData(server=proxy.server, client=proxy.client))


# The provider's side


def test_a_good_provider(tls: Tls, authority: Authority, provider: Provider) -> None:
    """
    What the provider gets is what the client said; only HTTP/1.1 is offered, and SNI is the name that was verified.
    """
    proxy, near, far = call(tls, authority, provider.server(HOST))

    assert near.got == far.got == b"hello"
    assert far.tls.get_servername() == HOST.encode()
    assert far.tls.get_alpn_proto_negotiated() == proxy.server.alpn == b"http/1.1"
    assert proxy.server.tls_version == "TLSv1.3"


@pytest.mark.parametrize(
    ("names", "days", "self_signed", "why"),
    [
        (("evil.test",), 30, False, "hostname mismatch"),
        (("llm.test",), 30, False, "hostname mismatch"),
        (("*.api.llm.test", "a*.llm.test", "*pi.llm.test"), 30, False, "hostname mismatch"),
        ((HOST,), -1, False, "certificate has expired"),
        ((HOST,), 30, True, "self-signed certificate"),
    ],
    ids=["other-name", "parent-name", "partial-wildcards", "expired", "self-signed"],
)
def test_a_bad_provider(
    tls: Tls, authority: Authority, provider: Provider, names: tuple[str, ...], days: int, self_signed: bool, why: str
) -> None:
    """
    A provider that cannot prove its name gets an alert and not one byte of the request.
    """
    proxy, near, far = call(tls, authority, provider.server(*names, days=days, self_signed=self_signed))

    assert far.got == near.got == b""
    assert not far.done
    assert why in str(proxy.server.error)
    assert "tls_failed_server" in proxy.log
    assert proxy.echo.seen[-1] == ("opened", proxy.server.error)


def test_an_unknown_root(authority: Authority, provider: Provider) -> None:
    """
    Without the root named, the same provider is refused; the machine's roots alone do not vouch for it.
    """
    proxy, _, far = call(Tls(LeafIssuer(authority)), authority, provider.server(HOST))

    assert far.got == b""
    assert "unable to get local issuer" in str(proxy.server.error)


def test_our_own_root_vouches_for_nobody(authority: Authority) -> None:
    """
    A stolen intermediate cannot stand in for a provider towards us: our root is no root of upstream servers.
    """
    from tls_peers import server_context

    leaf = LeafIssuer(authority).leaf(HOST)
    proxy, _, far = call(Tls(LeafIssuer(authority)), authority, server_context([leaf.certificate, *leaf.chain], leaf.key))

    assert far.got == b""
    assert "Certificate verify failed" in str(proxy.server.error)


@pytest.mark.parametrize(("name", "address"), [("*.llm.test", HOST), ("192.0.2.9", "192.0.2.9")])
def test_wildcards_and_addresses(tls: Tls, authority: Authority, provider: Provider, name: str, address: str) -> None:
    """
    A wildcard for a whole label is good; an address is verified as one, and sent as no SNI.
    """
    proxy = Proxy(tls_layers, tls, address=(address, 443))
    proxy.server.sni = address
    near, far = client(authority.root), Peer(SSL.Connection(provider.server(name)), server=True)
    proxy.talk(near, far)

    assert far.got == b"hello"
    assert far.tls.get_servername() == (None if address[0].isdigit() else address.encode())


def test_the_name_is_checked_where_the_address_is_another(tls: Tls, authority: Authority, provider: Provider) -> None:
    """
    A name reached at another address (`--resolve`, transparent mode) is still held to its own certificate.
    """
    _, near, _ = call(tls, authority, provider.server(HOST), address=("127.0.0.1", 8443))
    assert near.got == b"hello"
    proxy, _, far = call(tls, authority, provider.server("127.0.0.1"), address=("127.0.0.1", 8443))
    assert far.got == b""
    assert "hostname mismatch" in str(proxy.server.error)


@pytest.mark.parametrize("name", ["", "a b", "*.llm.test", "x" * 300])
def test_no_name_to_verify(tls: Tls, name: str) -> None:
    """
    What is neither a host name nor an address cannot be verified, so there is no connection.
    """
    data = hook_data(None)
    data.conn = connection.Server(address=(HOST, 443), sni=name)
    with pytest.raises(CertificateError):
        tls.tls_start_server(data)
    assert data.ssl_conn is None


def test_an_empty_ca_file(authority: Authority, tmp_path: Path) -> None:
    """
    `--upstream-ca` with nothing in it, or nothing there, is an error at start.
    """
    (tmp_path / "empty.pem").write_bytes(b"")
    for name in ("empty.pem", "none.pem"):
        with pytest.raises(CertificateError, match=name):
            Tls(LeafIssuer(authority), upstream_ca=tmp_path / name, roots=[])


# Sessions towards providers


@VERSIONS
@pytest.mark.parametrize("goodbye", [True, False], ids=["hook", "no-hook"])
def test_upstream_sessions_resume(tls: Tls, authority: Authority, provider: Provider, version: int, goodbye: bool) -> None:
    """
    The second connection to a provider resumes: asked for its session when it closes, or when the next one starts; and although
    connections are freed without a TLS goodbye, which makes OpenSSL spoil their sessions.
    """
    server = provider.server(HOST, version=version)
    reused, held = [], []
    for _ in range(4):
        proxy, near, far = call(tls, authority, server)
        assert near.got == b"hello"
        reused.append(far.reused)
        if goodbye:
            hang_up(tls, proxy)
            del proxy, near, far
            gc.collect()
        else:
            held.append(proxy)

    assert reused == [False, True, True, True]


def test_a_burst_still_gets_a_ticket(tls: Tls, authority: Authority, provider: Provider) -> None:
    """
    Connections that start before the tickets of the ones before them have arrived do not push those out of memory.
    """
    server = provider.server(HOST)
    burst = []
    for _ in range(3):
        proxy = Proxy(tls_layers, tls)
        near, far = client(authority.root), Peer(SSL.Connection(server), server=True)
        wire = near.push()
        proxy.from_client(wire)
        wire = near.push(proxy.to_client)
        proxy.to_client = b""
        proxy.from_client(wire + near.say(b"hello"))  # the server connection starts here
        burst.append((proxy, near, far))
    for proxy, _, far in burst:
        data, proxy.to_server = proxy.to_server, b""
        proxy.from_server(far.push(data))
        data, proxy.to_server = proxy.to_server, b""
        answer = far.push(data)  # the tickets
        assert far.got == b"hello"
        proxy.from_server(answer + far.say(b"hi"))

    assert call(tls, authority, server)[2].reused


def test_sessions_are_for_one_peer(tls: Tls, authority: Authority, provider: Provider) -> None:
    """
    Another port or another name is another peer.
    """
    server = provider.server(HOST, "other.llm.test")
    hang_up(tls, call(tls, authority, server)[0])

    assert not call(tls, authority, server, address=(HOST, 8443))[2].reused
    proxy = Proxy(tls_layers, tls)
    proxy.server.sni = "other.llm.test"
    near, far = client(authority.root), Peer(SSL.Connection(server), server=True)
    proxy.talk(near, far)
    assert far.done and not far.reused


def test_sessions_age_and_are_bounded(tls: Tls, authority: Authority, provider: Provider, sessions: UpstreamSessions, clock: Clock) -> None:
    """
    A certificate is verified anew after the session's greatest age, however often it was resumed; peers are bounded.
    """
    server = provider.server(HOST)
    for seconds, reused in ((0, False), (60, True), (30, True), (20, False), (1, True)):
        clock.seconds += seconds
        proxy, _, far = call(tls, authority, server)
        assert far.reused is reused, clock.seconds
        hang_up(tls, proxy)
    for port in range(5):
        hang_up(tls, call(tls, authority, server, address=(HOST, port))[0])

    assert len(sessions) == 2


def test_a_server_that_changed_is_verified(tls: Tls, authority: Authority, provider: Provider) -> None:
    """
    Whoever cannot open the ticket must show a certificate, and a bad one is refused; the session is forgotten then.
    """
    good = provider.server(HOST)
    hang_up(tls, call(tls, authority, good)[0])
    proxy, _, far = call(tls, authority, provider.server("evil.test"))

    assert far.got == b"" and "hostname mismatch" in str(proxy.server.error)
    assert not call(tls, authority, good)[2].reused


def test_what_another_addon_set_is_left_alone(tls: Tls) -> None:
    """
    A hook before ours may have provided the connection already.
    """
    given = SSL.Connection(SSL.Context(SSL.TLS_METHOD))
    data = hook_data(HOST)
    data.ssl_conn = given
    tls.tls_start_client(data)
    tls.tls_start_server(data)

    assert data.ssl_conn is given
