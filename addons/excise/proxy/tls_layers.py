"""
mitmproxy's TLS layers with less work per handshake and per message; what goes over the wire and which hooks run stays the same.

Left out: peer certificates are not parsed into `conn.certificate_list` (verification is OpenSSL's, and nobody here reads them).
Done otherwise: the ClientHello is read by `client_hello`, is bounded, and never shown in an error; OpenSSL's buffers are asked how
much they hold, where mitmproxy reads until an exception says they are empty.
Held to mitmproxy 12: `tests/proxy/test_tls_layers.py` runs both side by side.
"""

from __future__ import annotations

import contextlib
import time
import typing

from mitmproxy import connection
from mitmproxy.connection import TlsVersion
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers import tcp
from mitmproxy.proxy.layers import tls as theirs
from mitmproxy.tls import ClientHelloData, TlsData
from OpenSSL import SSL

from excise.proxy.client_hello import read_client_hello

_lib, _ffi = SSL._lib, SSL._ffi  # type: ignore[attr-defined]
_RECORD = 16384  # most bytes of one record: what one SSL_read gives
_HELLO_LIMIT = 128 * 1024  # as OpenSSL's own; the length field would allow 16 MB

type Done = tuple[bool, str | None]


class _Trimmed(theirs.TLSLayer):
    def tls_interact(self) -> layer.CommandGenerator[None]:
        data = _outgoing(self.tls)
        if data:
            yield commands.SendData(self.conn, data)

    def receive_handshake_data(self, data: bytes) -> layer.CommandGenerator[Done]:
        tls = self.tls
        if data:
            tls.bio_write(data)
        try:
            tls.do_handshake()
        except SSL.WantReadError:
            yield from self.tls_interact()
            return False, None
        except SSL.Error as error:
            return False, _explain(tls, error, data)
        conn = self.conn
        conn.certificate_list = []
        conn.timestamp_tls_setup = time.time()
        conn.alpn = tls.get_alpn_proto_negotiated()
        conn.cipher = tls.get_cipher_name()
        conn.tls_version = typing.cast(TlsVersion, tls.get_protocol_version_name())
        data_for_hook = TlsData(conn, self.context, tls)
        if conn is self.context.client:
            yield theirs.TlsEstablishedClientHook(data_for_hook)
        else:
            yield theirs.TlsEstablishedServerHook(data_for_hook)
        yield from self.receive_data(b"")
        return True, None

    def receive_data(self, data: bytes) -> layer.CommandGenerator[None]:
        plaintext, close = self.decrypt(data)
        # After reading: that may have made something to send (a key update).
        yield from self.tls_interact()
        if plaintext:
            yield from self.event_to_child(events.DataReceived(self.conn, plaintext))
        if close:
            yield from self.event_to_child(events.ConnectionClosed(self.conn))

    def send_data(self, data: bytes) -> layer.CommandGenerator[None]:
        if self.taken_over:
            self.hold(data)
        else:
            yield from super().send_data(data)

    # -- after the handshake a driver may take the layer's work over: plaintext then goes straight to the HTTP layer and back ------------

    taken_over = False

    def __init__(self, *args: typing.Any) -> None:
        super().__init__(*args)
        self._held: list[bytes] = []

    def decrypt(self, data: bytes) -> tuple[bytes, bool]:
        """
        The plaintext of what came, and whether the peer said that it was all.
        """
        tls = self.tls
        if data:
            tls.bio_write(data)
        plaintext: list[bytes] = []
        close = False
        while True:
            try:
                plaintext.append(tls.recv(_RECORD))
            except SSL.WantReadError:
                break
            except SSL.ZeroReturnError:
                close = True
                self.conn.state &= ~connection.ConnectionState.CAN_READ
                break
            except SSL.Error:
                break  # an alert of the other side, most often; its close follows
            if _all_read(tls):
                break
        return plaintext[0] if len(plaintext) == 1 else b"".join(plaintext), close

    def hold(self, data: bytes) -> None:
        """
        Plaintext to send with the next `encrypted`.
        """
        self._held.append(data)

    def encrypted(self) -> bytes:
        """
        Bytes for the wire: what was held, as one record where it fits, and whatever else OpenSSL has to say.
        """
        held = self._held
        if held:
            with contextlib.suppress(SSL.ZeroReturnError, SSL.SysCallError):  # the peer has closed its side: nobody is there to read it
                self.tls.sendall(held[0] if len(held) == 1 else b"".join(held))
            held.clear()
        return _outgoing(self.tls)

    @property
    def closed_by_peer(self) -> bool:
        """
        Whether the peer said goodbye in TLS, so that the end of the connection is no news.
        """
        return bool(self.tls.get_shutdown() & SSL.RECEIVED_SHUTDOWN)


class ServerTLSLayer(_Trimmed, theirs.ServerTLSLayer):
    """
    TLS towards one server; stands for mitmproxy's class of that name.
    """


class ClientTLSLayer(_Trimmed, theirs.ClientTLSLayer):
    """
    TLS towards the client; stands for mitmproxy's class of that name.
    """

    def receive_handshake_data(self, data: bytes) -> layer.CommandGenerator[Done]:
        if self.client_hello_parsed:
            return (yield from _Trimmed.receive_handshake_data(self, data))
        if self.is_dtls:
            return (yield from theirs.ClientTLSLayer.receive_handshake_data(self, data))
        self.recv_buffer.extend(data)
        try:
            client_hello = read_client_hello(self.recv_buffer)
        except ValueError:
            # mitmproxy shows the bytes here; they may be a request that was sent without TLS.
            return False, f"Cannot parse ClientHello: {len(self.recv_buffer)} bytes of something else"
        if client_hello is None:
            if len(self.recv_buffer) > _HELLO_LIMIT:
                return False, f"Cannot parse ClientHello: not complete after {_HELLO_LIMIT} bytes"
            return False, None
        self.client_hello_parsed = True
        self.conn.sni = client_hello.sni
        self.conn.alpn_offers = client_hello.alpn_protocols
        hello = ClientHelloData(self.context, client_hello)
        yield theirs.TlsClienthelloHook(hello)
        if hello.ignore_connection:
            return (yield from self._pass_through())
        if hello.establish_server_tls_first and not self.context.server.tls_established:
            error = yield from self.start_server_tls()
            if error:
                yield commands.Log(f"Unable to establish TLS with the server ({error}). Trying with the client anyway.")
        yield from self.start_tls()
        if not self.conn.connected:
            return False, "connection closed early"
        buffered = bytes(self.recv_buffer)
        self.recv_buffer.clear()
        return (yield from _Trimmed.receive_handshake_data(self, buffered))

    def _pass_through(self) -> layer.CommandGenerator[Done]:
        """
        Not ours to decrypt: connection objects that nobody else holds stand in for the real ones, so that their bytes pass by.
        """
        self.conn = self.tunnel_connection = connection.Client(peername=("ignore-conn", 0), sockname=("ignore-conn", 0))
        parent = self.context.layers[self.context.layers.index(self) - 1]
        if isinstance(parent, theirs.ServerTLSLayer):
            parent.conn = parent.tunnel_connection = connection.Server(address=None)
        self.child_layer = tcp.TCPLayer(self.context, ignore=True)
        buffered = bytes(self.recv_buffer)
        self.recv_buffer.clear()
        yield from self.event_to_child(events.DataReceived(self.context.client, buffered))
        return True, None


def _outgoing(tls: SSL.Connection) -> bytes:
    """
    Everything OpenSSL wants sent, taken in one piece.
    """
    size = _lib.BIO_get_mem_data(tls._from_ssl, _ffi.NULL)
    return tls.bio_read(size) if size > 0 else b""


def _all_read(tls: SSL.Connection) -> bool:
    """
    Whether reading again could only say "want more": nothing decrypted is left, and nothing undecrypted.
    """
    return tls.pending() == 0 and _lib.BIO_get_mem_data(tls._into_ssl, _ffi.NULL) == 0


def _explain(tls: SSL.Connection, error: SSL.Error, data: bytes) -> str:
    """
    The same sentences as mitmproxy's, whose callers look for some of them.
    """
    errors = error.args[0] if error.args and isinstance(error.args[0], list) else []
    reason = errors[-1][2] if errors else ""
    if reason == "certificate verify failed":
        result = _lib.SSL_get_verify_result(tls._ssl)
        return f"Certificate verify failed: {_ffi.string(_lib.X509_verify_cert_error_string(result)).decode()}"
    if reason in ("tlsv1 alert unknown ca", "sslv3 alert bad certificate", "ssl/tls alert bad certificate"):
        return str(reason)
    if reason in ("wrong version number", "packet length too long", "record layer failure") and data[:4].isascii():
        return "The remote server does not speak TLS."
    if reason == "tlsv1 alert protocol version":
        return "The other side and the proxy cannot agree on a TLS version; the proxy speaks 1.2 and 1.3."
    return f"OpenSSL {error!r}"
