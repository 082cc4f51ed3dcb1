"""
Clients that refuse our certificate: remembered, so that policy can let them through unread instead of breaking them.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

import structlog

log = structlog.get_logger("excise.untrusting")

REFUSALS = 2  # one may be an accident of a client starting up; two in a row are a trust store without our CA
FORGET_SECONDS = 3600.0
MOST = 4096


class Untrusting:
    """
    Counts refusals by client address and host.

    Args:
        tunnel: Whether policy wants such clients passed through; asked each time, policy may change.
    """

    def __init__(self, *, tunnel: Callable[[], bool]) -> None:
        self._tunnel = tunnel
        self._seen: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def refused(self, ip: str, host: str) -> None:
        """
        A client broke off the handshake because of our certificate.
        """
        count, at = self._seen.pop((ip, host), (0, 0.0))
        if time.monotonic() - at > FORGET_SECONDS:
            count = 0
        self._seen[(ip, host)] = (count + 1, time.monotonic())
        if len(self._seen) > MOST:
            self._seen.popitem(last=False)
        if count + 1 == REFUSALS:
            log.warning("client refuses our certificate", client=ip, host=host, action="tunnel" if self._tunnel() else "block")

    def accepted(self, ip: str, host: str) -> None:
        """
        The same client trusted us after all.
        """
        self._seen.pop((ip, host), None)

    def given_up(self, ip: str, host: str) -> bool:
        """
        Whether to pass this client through unread.
        """
        count, at = self._seen.get((ip, host), (0, 0.0))
        return count >= REFUSALS and time.monotonic() - at <= FORGET_SECONDS and self._tunnel()
