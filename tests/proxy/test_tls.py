"""
The client's side of TLS: a leaf for the name it asked for, and sessions that resume.
"""

from __future__ import annotations

import datetime as dt
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from mitmproxy import connection
from mitmproxy.tls import TlsData
from OpenSSL import SSL
from tls_peers import HOST, Peer, client

from excise.errors import CertificateError
from excise.proxy.tls import Tls
from excise.trust.authority import Authority
from excise.trust.leaf import LeafIssuer

VERSIONS = pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION], ids=["1.2", "1.3"])


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("tls") / "ca", permitted_domains=["llm.test"])


@pytest.fixture
def tls(authority: Authority) -> Tls:
    return Tls(LeafIssuer(authority), roots=[], contexts=2)


def hook_data(sni: str | None) -> TlsData:
    conn = connection.Client(peername=("192.0.2.1", 1), sockname=("192.0.2.2", 2), sni=sni)
    return TlsData(conn, SimpleNamespace(client=conn))  # type: ignore[arg-type]


@VERSIONS
def test_the_client_sees_a_leaf_for_its_sni(tls: Tls, authority: Authority, version: int) -> None:
    """
    A client that trusts our root accepts the leaf, which names what it asked for and nothing else; the intermediate comes along.
    """
    data = hook_data(HOST)
    tls.tls_start_client(data)
    assert data.ssl_conn is not None
    near, us = client(authority.root, version=version), Peer(data.ssl_conn, server=True)
    shake(near, us)

    assert near.done and us.done
    chain = near.tls.get_peer_cert_chain(as_cryptography=True)
    assert chain is not None and len(chain) == 2
    assert chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName) == [HOST]
    assert near.tls.get_protocol_version() == version


def shake(near: Peer, far: Peer) -> None:
    wire = near.push()
    for _ in range(10):
        back = far.push(wire)
        wire = near.push(back)
        if not wire and not back:
            return


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [([b"h2", b"http/1.1"], b"http/1.1"), ([b"http/1.1"], b"http/1.1"), ([b"h2"], b""), ([], b"")],
    ids=["h2-first", "http1", "h2-only", "none"],
)
def test_alpn(tls: Tls, authority: Authority, offered: list[bytes], chosen: bytes) -> None:
    """
    HTTP/1.1 or nothing: HTTP/2 is never agreed to.
    """
    data = hook_data(HOST)
    tls.tls_start_client(data)
    assert data.ssl_conn is not None
    near = client(authority.root, alpn=offered)
    shake(near, Peer(data.ssl_conn, server=True))

    assert near.done
    assert near.tls.get_alpn_proto_negotiated() == chosen


@pytest.mark.parametrize("sni", [None, "bank.test", "evilllm.test", "10.0.0.1", "llm.test.evil"])
def test_nothing_to_sign_for(tls: Tls, sni: str | None) -> None:
    """
    Without SNI, or outside the CA's domains, no connection is made: such clients are passed through.
    """
    data = hook_data(sni)

    assert not tls.covers(sni)
    with pytest.raises(CertificateError):
        tls.tls_start_client(data)
    assert data.ssl_conn is None


def test_old_tls_is_refused(tls: Tls) -> None:
    """
    TLS 1.1 is answered with an alert.
    """
    near = client(None, version=SSL.TLS1_2_VERSION)
    hello = bytearray(near.push())
    hello[9:11] = b"\x03\x02"  # the same hello, saying 1.1
    data = hook_data(HOST)
    tls.tls_start_client(data)
    assert data.ssl_conn is not None
    us = Peer(data.ssl_conn, server=True)
    alert = us.push(bytes(hello))

    assert us.failed is not None and "unsupported protocol" in str(us.failed)
    assert alert[0] == 21


@VERSIONS
def test_a_client_resumes(tls: Tls, authority: Authority, version: int) -> None:
    """
    A client that comes back with its ticket saves certificate and signature.
    """
    session, reused = None, []
    for _ in range(3):
        data = hook_data(HOST)
        tls.tls_start_client(data)
        assert data.ssl_conn is not None
        near, us = client(authority.root, session=session, version=version), Peer(data.ssl_conn, server=True)
        shake(near, us)
        near.push(us.say(b"x"))
        reused.append((near.reused, us.reused))
        session = near.session()

    assert reused == [(False, False), (True, True), (True, True)]


def test_a_ticket_is_good_for_its_name_only(tls: Tls, authority: Authority) -> None:
    """
    A session made for one name is worth nothing towards another.
    """
    reused = []
    session = None
    for name in (HOST, "other.llm.test"):
        data = hook_data(name)
        tls.tls_start_client(data)
        assert data.ssl_conn is not None
        near, us = client(authority.root, sni=name, session=session), Peer(data.ssl_conn, server=True)
        shake(near, us)
        near.push(us.say(b"x"))
        assert near.done
        reused.append(near.reused)
        session = near.session()

    assert reused == [False, False]


def test_contexts_are_bounded_and_renewed_with_their_leaf(authority: Authority) -> None:
    """
    The least recently used context goes; a context lives as long as its leaf is fresh, and so do its ticket keys.
    """
    now = dt.datetime.now(dt.UTC)
    tls = Tls(LeafIssuer(authority, now=lambda: now), roots=[], contexts=2)
    first = tls._client_context("a.llm.test")
    assert tls._client_context("a.llm.test") is first
    now += dt.timedelta(days=1)
    assert tls._client_context("a.llm.test") is not first
    for number in range(5):
        tls._client_context(f"h{number}.llm.test")

    assert list(tls._clients) == ["h3.llm.test", "h4.llm.test"]


@pytest.fixture
def listening(tls: Tls) -> Iterator[int]:
    """
    The client side behind a real socket. Gives its port.
    """
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            connected = SSL.Connection(tls._client_context(HOST), plain)
            connected.set_accept_state()
            with suppress(SSL.Error):
                connected.do_handshake()
                connected.sendall(b"hello\n")
                connected.recv(10)  # until the client hangs up
            plain.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(25)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_resumes(authority: Authority, listening: int, tmp_path: Path, version: str) -> None:
    """
    `openssl s_client` takes a ticket home and resumes with it in a second process.
    """
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed here")
    command = [program, "s_client", version, "-connect", f"127.0.0.1:{listening}", "-servername", HOST, "-verify_hostname", HOST]
    command += ["-CAfile", str(authority.root_path), "-verify_return_error"]
    ticket = str(tmp_path / "ticket")
    said = []
    for extra in (["-sess_out", ticket], ["-sess_in", ticket]):
        with subprocess.Popen([*command, *extra], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            assert process.stdin is not None and process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line == b"hello\n":  # the tickets have arrived before it
                    process.stdin.write(b"Q\n")
                    process.stdin.flush()
            said.append(b"".join(lines))

    assert b"New, TLSv1" in said[0] and b"Verify return code: 0 (ok)" in said[0]
    assert b"Reused, TLSv1" in said[1]
