"""
A proxy of TLS layers without sockets, between two OpenSSL peers: feed it bytes, read what it says.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import types
from collections.abc import Callable, Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mitmproxy import connection, options
from mitmproxy.proxy import commands, context, events, layer
from OpenSSL import SSL, crypto

HOST = "api.llm.test"
HTTP = [b"http/1.1"]


class Peer:
    """
    One end of TLS, in memory. `got` is the plaintext received, `failed` the error that ended it.
    """

    def __init__(self, tls: SSL.Connection, *, server: bool) -> None:
        self.tls = tls
        self.done = False
        self.failed: SSL.Error | None = None
        self.closed = False
        self.got = b""
        if server:
            tls.set_accept_state()
        else:
            tls.set_connect_state()

    def push(self, data: bytes = b"") -> bytes:
        """
        Take bytes from the wire, give those for it.
        """
        if data:
            self.tls.bio_write(data)
        try:
            if not self.done:
                self.tls.do_handshake()
                self.done = True
            while True:
                self.got += self.tls.recv(65536)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.closed = True
        except SSL.Error as error:
            self.failed = error
        return self.out()

    def out(self) -> bytes:
        try:
            return self.tls.bio_read(1 << 22)
        except SSL.WantReadError:
            return b""

    def say(self, data: bytes) -> bytes:
        self.tls.sendall(data)
        return self.out()

    def close(self) -> bytes:
        self.tls.shutdown()
        return self.out()

    @property
    def reused(self) -> bool:
        return bool(SSL._lib.SSL_session_reused(self.tls._ssl))

    def session(self) -> SSL.Session:
        """
        The session, left resumable: OpenSSL spoils those of connections that end without a goodbye.
        """
        session = self.tls.get_session()
        assert session is not None
        self.tls.set_shutdown(SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN)
        return session


def client(
    root: x509.Certificate | None,
    *,
    sni: str | None = HOST,
    alpn: Sequence[bytes] = HTTP,
    session: SSL.Session | None = None,
    version: int | None = None,
) -> Peer:
    """
    A client that verifies against `root`, or nothing.
    """
    made = SSL.Context(SSL.TLS_CLIENT_METHOD)
    if root is not None:
        store = made.get_cert_store()
        assert store is not None
        store.add_cert(crypto.X509.from_cryptography(root))
        made.set_verify(SSL.VERIFY_PEER, None)
    if version is not None:
        made.set_max_proto_version(version)
    if alpn:
        made.set_alpn_protos(list(alpn))
    tls = SSL.Connection(made)
    if sni is not None:
        tls.set_tlsext_host_name(sni.encode())
    if session is not None:
        tls.set_session(session)
    return Peer(tls, server=False)


def server_context(chain: Sequence[x509.Certificate], key: ec.EllipticCurvePrivateKey, *, version: int | None = None) -> SSL.Context:
    """
    A provider's TLS side.
    """
    made = SSL.Context(SSL.TLS_SERVER_METHOD)
    made.use_certificate(chain[0])
    made.use_privatekey(key)
    for issuer in chain[1:]:
        made.add_extra_chain_cert(issuer)
    if version is not None:
        made.set_max_proto_version(version)
    made.set_session_id(b"stand-in")
    made.set_alpn_select_callback(lambda _, offered: offered[0])
    return made


class Provider:
    """
    A root and servers it vouches for, whatever is asked.
    """

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._sign([], self.key, ca=True)

    @property
    def pem(self) -> bytes:
        return self.root.public_bytes(serialization.Encoding.PEM)

    def server(self, *names: str, days: int = 30, self_signed: bool = False, version: int | None = None) -> SSL.Context:
        """
        A server with a certificate for `names`, which ends in `days` (negative: has ended).
        """
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = self._sign(names, key, ca=False, days=days, self_signed=self_signed)
        return server_context([leaf], key, version=version)

    def _sign(
        self, names: Sequence[str], key: ec.EllipticCurvePrivateKey, *, ca: bool, days: int = 30, self_signed: bool = False
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "provider root" if ca else names[0])])
        alone = ca or self_signed
        builder = (
            x509.CertificateBuilder()
            .subject_name(own)
            .issuer_name(own if alone else self.root.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=90))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            sans = [x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names]
            builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
        return builder.sign(key if alone else self.key, hashes.SHA256())


class Echo(layer.Layer):
    """
    Innermost layer: opens the server on the client's first data, then passes data both ways.
    """

    def __init__(self, ctx: context.Context) -> None:
        super().__init__(ctx)
        self.seen: list[tuple[str, bytes | str | None]] = []
        self.opened = False

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.DataReceived):
            from_client = event.connection is self.context.client
            self._note("client" if from_client else "server", event.data)
            if from_client and not self.opened:
                self.opened = True
                error = yield commands.OpenConnection(self.context.server)
                self.seen.append(("opened", error))
                if error:
                    return
            yield commands.SendData(self.context.server if from_client else self.context.client, event.data)
        elif isinstance(event, events.ConnectionClosed):
            self.seen.append(("closed", "client" if event.connection is self.context.client else "server"))
        yield from ()

    def _note(self, who: str, data: bytes) -> None:
        if self.seen and self.seen[-1][0] == who:  # where a message is cut is not part of the promise
            self.seen[-1] = (who, self.seen[-1][1] + data)  # type: ignore[operator]
        else:
            self.seen.append((who, data))


class Proxy:
    """
    Server layer around client layer around `Echo`, from a module that has both classes; hooks go to `hooks`.
    """

    def __init__(
        self, layers: types.ModuleType, hooks: Any, *, address: tuple[str, int] = (HOST, 443), on_hello: Callable[[Any], None] | None = None
    ) -> None:
        self.client = connection.Client(
            peername=("192.0.2.1", 1), sockname=("192.0.2.2", 2), timestamp_start=0.0, state=connection.ConnectionState.OPEN
        )
        self.context = context.Context(self.client, options.Options())
        self.context.server = connection.Server(address=address)
        self.server = self.context.server
        self.top = layers.ServerTLSLayer(self.context)
        inner = layers.ClientTLSLayer(self.context)
        self.top.child_layer = inner
        self.echo = Echo(self.context)
        inner.child_layer = self.echo
        self.hooks, self.on_hello = hooks, on_hello
        self.log: list[str] = []
        self.to_client = self.to_server = b""
        self.feed(events.Start())

    def feed(self, event: events.Event) -> None:
        queue: list[events.Event] = [event]
        while queue:
            for command in self.top.handle_event(queue.pop(0)):
                self._do(command, queue)

    def _do(self, command: commands.Command, queue: list[events.Event]) -> None:
        if isinstance(command, commands.SendData):
            if command.connection is self.server:
                self.to_server += command.data
            else:
                self.to_client += command.data
        elif isinstance(command, commands.OpenConnection):
            self.log.append("open")
            command.connection.state = connection.ConnectionState.OPEN
            queue.append(events.OpenConnectionCompleted(command, None))
        elif isinstance(command, commands.CloseConnection):
            self.log.append("close server" if command.connection is self.server else "close client")
            command.connection.state = connection.ConnectionState.CLOSED
        elif isinstance(command, commands.StartHook):
            self.log.append(command.name)
            if command.name == "tls_clienthello":
                if self.on_hello:
                    self.on_hello(*command.args())
            elif handler := getattr(self.hooks, command.name, None):
                handler(*command.args())
            queue.append(events.HookCompleted(command))
        elif not isinstance(command, commands.Log):
            raise AssertionError(command)

    def from_client(self, data: bytes, step: int = 0) -> None:
        self._from(self.client, data, step)

    def from_server(self, data: bytes, step: int = 0) -> None:
        self._from(self.server, data, step)

    def close(self, conn: connection.Connection) -> None:
        conn.state = connection.ConnectionState.CLOSED
        self.feed(events.ConnectionClosed(conn))

    def _from(self, conn: connection.Connection, data: bytes, step: int) -> None:
        for at in range(0, len(data), step or max(len(data), 1)):
            self.feed(events.DataReceived(conn, data[at : at + (step or len(data))]))

    def talk(self, client: Peer, server: Peer, words: bytes = b"hello", step: int = 0) -> None:
        """
        Run everything until nobody has anything to say; the client speaks once, the server echoes.
        """
        said = False
        wire = client.push()
        echoed = 0
        for _ in range(200):
            if wire:
                self.from_client(wire, step)
            if self.to_server:
                data, self.to_server = self.to_server, b""
                answer = server.push(data)
                if server.done and len(server.got) > echoed:
                    answer += server.say(server.got[echoed:])
                    echoed = len(server.got)
                if answer:
                    self.from_server(answer, step)
            data, self.to_client = self.to_client, b""
            wire = client.push(data)
            if client.done and not said:
                said = True
                wire += client.say(words)
            if not (wire or self.to_server or self.to_client):
                return
        raise AssertionError("they never stop talking")
