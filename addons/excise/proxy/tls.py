"""
Both TLS sides: what the client sees, and how a provider is verified. The shapes are those of mitmproxy's hooks.

mitmproxy's own addon sets every connection up from the start: it converts key and certificate, and signs with the CA's RSA key.
Here OpenSSL contexts are made once a name (client side) and once (upstream side), so sessions resume, and a handshake costs what
OpenSSL needs for it.

Resumption holds per process: ticket keys belong to a context, and the OpenSSL binding offers no way to set them. A client that
comes back to another worker of the same port makes a full handshake.
"""

from __future__ import annotations

import ipaddress
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mitmproxy import connection
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.tls import TlsData
from OpenSSL import SSL, crypto

from excise.errors import CertificateError
from excise.proxy.tls_sessions import Peer, UpstreamSessions
from excise.trust.domains import host_name
from excise.trust.leaf import Leaf, LeafIssuer
from excise.trust.roots import certificates_in, system_roots

# HTTP/2 stays off on both sides: an upstream GOAWAY would kill streams that still run, and slow readers buffer without bound.
ALPN = b"http/1.1"

# TLS 1.2 only with ephemeral keys and authenticated ciphers; TLS 1.3 chooses among its own.
_CIPHERS = b":".join(
    (
        b"ECDHE-ECDSA-AES128-GCM-SHA256",
        b"ECDHE-RSA-AES128-GCM-SHA256",
        b"ECDHE-ECDSA-AES256-GCM-SHA384",
        b"ECDHE-RSA-AES256-GCM-SHA384",
        b"ECDHE-ECDSA-CHACHA20-POLY1305",
        b"ECDHE-RSA-CHACHA20-POLY1305",
    )
)
_CLIENT_GROUPS = b"X25519:P-256:P-384"
_TICKET_SECONDS = 2 * 3600

_lib = SSL._lib  # type: ignore[attr-defined]


class Tls:
    """
    Makes the OpenSSL connections of one worker.

    Args:
        issuer: Signs the leaves.
        upstream_ca: A PEM file of roots trusted for upstream servers beside the machine's.
        roots: The machine's roots, DER; `None` reads them (`SSL_CERT_FILE`, OpenSSL's defaults, certifi).
        contexts: Most client-side contexts held; the least recently used goes first.
        sessions: Upstream sessions; given by tests.

    Raises:
        CertificateError: `upstream_ca` cannot be read, or there are no roots at all.
    """

    def __init__(
        self,
        issuer: LeafIssuer,
        *,
        upstream_ca: Path | None = None,
        roots: Sequence[bytes] | None = None,
        contexts: int = 1024,
        sessions: UpstreamSessions | None = None,
    ) -> None:
        self._issuer = issuer
        self._limit = contexts
        self._clients: OrderedDict[str, tuple[Leaf, SSL.Context]] = OrderedDict()
        trusted = list(system_roots() if roots is None else roots)
        if upstream_ca is not None:
            named = certificates_in(upstream_ca)
            if not named:
                raise CertificateError(f"{upstream_ca} holds no certificate")
            trusted += named
        self._upstream = _upstream_context(trusted)
        self._sessions = UpstreamSessions() if sessions is None else sessions

    def covers(self, name: str | None) -> bool:
        """
        Whether we can stand in for this name. Where not (no SNI, outside the CA's domains), the connection must be passed through.
        """
        return name is not None and self._issuer.covers(name)

    def tls_start_client(self, data: TlsData) -> None:
        """
        Set `data.ssl_conn` for a client, with a leaf for the SNI it sent.

        Raises:
            CertificateError: No SNI, or outside the CA's domains; `ssl_conn` stays empty and so the connection fails.
        """
        if data.ssl_conn is not None:
            return
        if data.is_dtls:
            raise CertificateError("DTLS is not served")
        if data.conn.sni is None:
            raise CertificateError("the client named no host (SNI); such a connection is passed through, never signed for")
        tls = SSL.Connection(self._client_context(data.conn.sni))
        tls.set_accept_state()
        data.ssl_conn = tls

    def tls_start_server(self, data: TlsData) -> None:
        """
        Set `data.ssl_conn` towards a server, verifying chain and name. The name is `conn.sni`; where the caller set none, the name
        the client asked for, or the address.

        Raises:
            CertificateError: There is no name to verify; `ssl_conn` stays empty and so the connection fails.
        """
        if data.ssl_conn is not None:
            return
        server = data.conn
        assert isinstance(server, connection.Server)
        if data.is_dtls or server.address is None:
            raise CertificateError("an upstream connection needs an address and TCP")
        if server.sni is None:
            server.sni = data.context.client.sni or server.address[0]
        server.alpn_offers = (ALPN,)
        tls = SSL.Connection(self._upstream)
        _expect(tls, server.sni)
        self._sessions.resume(_peer(server), tls)
        tls.set_connect_state()
        data.ssl_conn = tls

    def tls_established_server(self, data: TlsData) -> None:
        """
        Remember the session for the next connection to this server.
        """
        if isinstance(data.conn, connection.Server) and data.ssl_conn is not None and data.conn.address and data.conn.sni:
            self._sessions.established(_peer(data.conn), data.conn, data.ssl_conn)

    def tls_failed_server(self, data: TlsData) -> None:
        """
        Forget what we hold for a server whose handshake failed.
        """
        if isinstance(data.conn, connection.Server) and data.conn.address and data.conn.sni:
            self._sessions.forget(_peer(data.conn))

    def server_disconnected(self, data: ServerConnectionHookData) -> None:
        """
        Take the session of a connection that ends.
        """
        self._sessions.closed(data.server)

    def _client_context(self, name: str) -> SSL.Context:
        leaf = self._issuer.leaf(name)
        held = self._clients.get(name)
        if held is not None and held[0] is leaf:
            self._clients.move_to_end(name)
            return held[1]
        context = _client_context(leaf)
        self._clients[name] = (leaf, context)
        self._clients.move_to_end(name)
        while len(self._clients) > self._limit:
            self._clients.popitem(last=False)
        return context


def _peer(server: connection.Server) -> Peer:
    assert server.address is not None and server.sni is not None
    return (server.address[0], server.address[1], server.sni)


def _context(method: int) -> SSL.Context:
    context = SSL.Context(method)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(_CIPHERS)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE | SSL.OP_NO_RENEGOTIATION)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # an idle connection gives its 34 KB of record buffers back
    context.set_timeout(_TICKET_SECONDS)
    return context


def _client_context(leaf: Leaf) -> SSL.Context:
    context = _context(SSL.TLS_SERVER_METHOD)
    SSL._openssl_assert(_lib.SSL_CTX_set1_curves_list(context._context, _CLIENT_GROUPS) == 1)
    context.use_certificate(leaf.certificate)
    context.use_privatekey(leaf.key)
    for issuer in leaf.chain:
        context.add_extra_chain_cert(issuer)
    context.set_session_id(b"excise")
    # Tickets carry the state. OpenSSL issues none with its cache off; the cache itself only holds sessions of clients without tickets.
    context.set_session_cache_mode(SSL.SESS_CACHE_SERVER)
    context.set_alpn_select_callback(_select_alpn)
    return context


def _select_alpn(_: SSL.Connection, offered: list[bytes]) -> Any:  # bytes, or pyOpenSSL's private marker
    # No overlap is answered by silence, not by an alert: the client then speaks HTTP/1.1, or gives up by itself.
    return ALPN if ALPN in offered else SSL.NO_OVERLAPPING_PROTOCOLS


def _upstream_context(roots: Sequence[bytes]) -> SSL.Context:
    context = _context(SSL.TLS_CLIENT_METHOD)
    store = context.get_cert_store()
    assert store is not None
    for der in roots:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pyOpenSSL's own notices about its old certificate class
            certificate = crypto.load_certificate(crypto.FILETYPE_ASN1, der)
        store.add_cert(certificate)
    context.set_verify(SSL.VERIFY_PEER, None)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)  # ours, see tls_sessions
    context.set_alpn_protos([ALPN])
    return context


def _expect(tls: SSL.Connection, name: str) -> None:
    """
    Set SNI, and hold the certificate to this name: whole-label wildcards only, never the common name.
    """
    parameters = _lib.SSL_get0_param(tls._ssl)
    _lib.X509_VERIFY_PARAM_set_hostflags(parameters, _lib.X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | _NEVER_CHECK_SUBJECT)
    try:
        address = ipaddress.ip_address(name).packed
    except ValueError:
        host = host_name(name).encode("ascii")
        tls.set_tlsext_host_name(host)
        ok = _lib.X509_VERIFY_PARAM_set1_host(parameters, host, len(host))
    else:  # RFC 6066: an address is no server name, so there is no SNI
        ok = _lib.X509_VERIFY_PARAM_set1_ip(parameters, address, len(address))
    if ok != 1:
        raise CertificateError(f"cannot verify the name {name!r}")


_NEVER_CHECK_SUBJECT: int = getattr(_lib, "X509_CHECK_FLAG_NEVER_CHECK_SUBJECT", 0)
