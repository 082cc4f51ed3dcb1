"""
Clients that refuse our certificate: remembered, so that policy can let them through unread instead of breaking them.

Passing a client through is a way round the policy, and clients are told apart by address only: several may share one. So what counts is
what a client without our CA does and one with it does not.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

import structlog
from mitmproxy.tls import TlsData

log = structlog.get_logger("excise.untrusting")

REFUSALS = 2  # one may be an accident of a client starting up; two with no success between are a trust store without our CA
FORGET_SECONDS = 3600.0
MOST = 4096
LOG_SECONDS = 60.0
LOGGED_HOSTS = 256

type Key = tuple[str, str]


def alert_in(error: str | None) -> bool | None:
    """
    What mitmproxy's sentence about a failed handshake says: the client sent an alert about our certificate (unknown CA, bad certificate,
    certificate unknown), it merely left (`False`), or something else was wrong (`None`: no common cipher, garbage).
    """
    if error is None:
        return None
    if "does not trust the proxy's certificate" in error:
        return True
    return False if "disconnected during the handshake" in error else None


class Untrusting:
    """
    Counts refusals by client address and host.

    An alert counts always. Leaving in mid-handshake counts only where this address has not shaken hands with us for this host within
    `FORGET_SECONDS`: some TLS stacks refuse a certificate by hanging up, but so does every client that is stopped, and anybody who wants
    a trusting neighbour's calls to go unread.

    Args:
        tunnel: Whether policy wants such clients passed through; asked each time, policy may change.
    """

    def __init__(self, *, tunnel: Callable[[], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._tunnel = tunnel
        self._clock = clock
        self._refused: OrderedDict[Key, tuple[int, float]] = OrderedDict()
        self._accepted: OrderedDict[Key, float] = OrderedDict()
        self._unsure_until = -FORGET_SECONDS  # an acceptance was forgotten before its time: until then leaving says nothing
        self._logged: OrderedDict[str, tuple[float, int]] = OrderedDict()  # by host: last line, refusals since

    def refused(self, ip: str, host: str, *, alert: bool) -> None:
        """
        A client broke off the handshake.

        Args:
            alert: It said that this was because of our certificate; false: it just left.
        """
        key, now = _key(ip, host), self._clock()
        counts = alert or not self._trusted(key, now)
        if counts:
            count, at = self._refused.pop(key, (0, now))
            self._refused[key] = (1 if now - at > FORGET_SECONDS else count + 1, now)
            if len(self._refused) > MOST:
                self._refused.popitem(last=False)
        self._say(key, now, alert=alert, counts=counts)

    def accepted(self, ip: str, host: str) -> None:
        """
        The client finished a handshake with us: it, or one at its address, trusts our CA.
        """
        key, now = _key(ip, host), self._clock()
        self._refused.pop(key, None)
        self._accepted.pop(key, None)
        self._accepted[key] = now
        if len(self._accepted) > MOST:
            _, at = self._accepted.popitem(last=False)
            self._unsure_until = max(self._unsure_until, at + FORGET_SECONDS)

    def given_up(self, ip: str, host: str) -> bool:
        """
        Whether to pass this client through unread.
        """
        count, at = self._refused.get(_key(ip, host), (0, 0.0))
        return count >= REFUSALS and self._clock() - at <= FORGET_SECONDS and self._tunnel()

    def _trusted(self, key: Key, now: float) -> bool:
        at = self._accepted.get(key)
        return now <= self._unsure_until or (at is not None and now - at <= FORGET_SECONDS)

    # -- hooks of the TLS layer --------------------------------------------------------------------------------------

    def tls_failed_client(self, data: TlsData) -> None:
        conn, alert = data.conn, alert_in(data.conn.error)
        if alert is not None and conn.sni and conn.peername:
            self.refused(str(conn.peername[0]), conn.sni, alert=alert)

    def tls_established_client(self, data: TlsData) -> None:
        conn = data.conn
        if conn.sni and conn.peername:
            self.accepted(str(conn.peername[0]), conn.sni)

    # -- log ---------------------------------------------------------------------------------------------------------

    def _say(self, key: Key, now: float, *, alert: bool, counts: bool) -> None:
        ip, host = key
        while self._logged and now - next(iter(self._logged.values()))[0] > FORGET_SECONDS:
            self._logged.popitem(last=False)  # oldest line first
        if host not in self._logged and len(self._logged) >= LOGGED_HOSTS:
            host = "(others)"  # names can be made up without end below a provider's wildcard
        last, unsaid = self._logged.get(host, (now - LOG_SECONDS, 0))
        count = self._refused[key][0] if counts else REFUSALS
        if now - last < LOG_SECONDS or count < REFUSALS:  # the first may be an accident, and the line is wanted when the second comes
            self._logged[host] = (last, unsaid + 1)
            return
        self._logged.pop(host, None)
        self._logged[host] = (now, 0)
        log.warning(
            "client refuses our certificate" if alert else "client left during the handshake",
            client=ip,
            host=host,
            count=unsaid + 1,
            action="tunnel" if counts and self._tunnel() else "block",
        )


def _key(ip: str, host: str) -> Key:
    return ip.removeprefix("::ffff:"), host.lower().rstrip(".")
