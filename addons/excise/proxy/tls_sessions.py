"""
TLS sessions towards upstream servers, kept so that the next connection to the same server resumes one.

Sessions are held as bytes. OpenSSL marks a session as not resumable when a connection that uses it is freed without a TLS goodbye, and
most are; a copy of its own per connection is out of that reach.

With TLS 1.3 the tickets come after the handshake, with or after the first data, and OpenSSL's callback for them is not within our
reach. So a connection that has been established is remembered (weakly), and asked for its session when the next connection to
the same server starts, or when it closes itself: by then the tickets have arrived.
"""

from __future__ import annotations

import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from mitmproxy import connection
from OpenSSL import SSL

_lib, _ffi = SSL._lib, SSL._ffi  # type: ignore[attr-defined]

type Peer = tuple[str, int, str]
"""Address, port and the name the certificate was checked against: a session is never offered to anybody else."""


@dataclass(frozen=True, slots=True)
class _Open:
    peer: Peer
    tls: SSL.Connection
    at_handshake: SSL.Session  # held, so that its address cannot be given to another session
    verified: float  # when the certificate behind it was verified


class UpstreamSessions:
    """
    The latest session per peer.

    Args:
        limit: Most peers held; the least recently used goes first.
        max_age_seconds: A resumed session is not verified again, so an old one is dropped: a certificate that was revoked or has
            expired is noticed after this time at the latest.
        clock: Monotonic seconds.
    """

    def __init__(self, *, limit: int = 256, max_age_seconds: float = 3600, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._max_age = max_age_seconds
        self._clock = clock
        self._sessions: OrderedDict[Peer, tuple[bytes, float]] = OrderedDict()
        self._open: weakref.WeakKeyDictionary[connection.Connection, _Open] = weakref.WeakKeyDictionary()
        self._waiting: dict[Peer, weakref.ref[connection.Connection]] = {}

    def resume(self, peer: Peer, tls: SSL.Connection) -> None:
        """
        Give a new connection the session to resume, if there is one. A ticket may serve several connections; a server that minds
        makes a full handshake.
        """
        waiting = self._waiting.get(peer)
        if waiting is not None:
            conn = waiting()
            if conn is None or self._take(conn):
                del self._waiting[peer]
        held = self._sessions.get(peer)
        if held is None:
            return
        encoded, verified = held
        if self._clock() - verified > self._max_age:
            del self._sessions[peer]
            return
        self._sessions.move_to_end(peer)
        tls.set_session(_decoded(encoded))

    def established(self, peer: Peer, conn: connection.Connection, tls: SSL.Connection) -> None:
        """
        A handshake with `peer` succeeded, verification included.
        """
        session = tls.get_session()
        verified = self._clock()
        if _lib.SSL_session_reused(tls._ssl):
            held = self._sessions.get(peer)
            if held is None:
                return  # dropped meanwhile; when it was verified is not known any more
            verified = held[1]
        if session is None:
            return
        if tls.get_protocol_version() < SSL.TLS1_3_VERSION:
            self._keep(peer, session, verified)  # up to TLS 1.2 the ticket is part of the handshake
            return
        self._open[conn] = _Open(peer, tls, session, verified)
        before = self._waiting.get(peer)
        # One that waits already goes on waiting: in a burst the newest is always too young to have a ticket.
        if before is None or before() is None:
            self._waiting[peer] = weakref.ref(conn)

    def closed(self, conn: connection.Connection) -> None:
        """
        A connection ended: the last moment to take its session.
        """
        self._take(conn)
        held = self._open.pop(conn, None)
        if held is not None:
            waiting = self._waiting.get(held.peer)
            if waiting is not None and waiting() in (conn, None):
                del self._waiting[held.peer]

    def forget(self, peer: Peer) -> None:
        """
        Drop what is held for a peer, after a failed handshake.
        """
        self._sessions.pop(peer, None)

    def __len__(self) -> int:
        return len(self._sessions)

    def _take(self, conn: connection.Connection) -> bool:
        held = self._open.get(conn)
        if held is None:
            return False
        session = held.tls.get_session()
        if session is None or session._session == held.at_handshake._session:
            return False  # no ticket has come: what the connection holds cannot be resumed
        self._keep(held.peer, session, held.verified)
        return True

    def _keep(self, peer: Peer, session: SSL.Session, verified: float) -> None:
        self._sessions[peer] = (_encoded(session), verified)
        self._sessions.move_to_end(peer)
        while len(self._sessions) > self._limit:
            self._sessions.popitem(last=False)


def _encoded(session: SSL.Session) -> bytes:
    size = _lib.i2d_SSL_SESSION(session._session, _ffi.NULL)
    SSL._openssl_assert(size > 0)
    buffer = _ffi.new("unsigned char[]", size)
    _lib.i2d_SSL_SESSION(session._session, _ffi.new("unsigned char **", buffer))
    return bytes(_ffi.buffer(buffer, size))


def _decoded(encoded: bytes) -> SSL.Session:
    with _ffi.from_buffer("unsigned char[]", encoded) as buffer:
        pointer = _lib.d2i_SSL_SESSION(_ffi.NULL, _ffi.new("const unsigned char **", buffer), len(encoded))
    SSL._openssl_assert(pointer != _ffi.NULL)
    session = SSL.Session.__new__(SSL.Session)
    session._session = _ffi.gc(pointer, _lib.SSL_SESSION_free)
    return session
