"""
Connections that nft or iptables turned round to us: where they were going.
"""

from __future__ import annotations

import contextlib
import socket
import struct

SO_ORIGINAL_DST = 80  # linux/netfilter_ipv4.h; the same number for IPv6
SOL_IPV6 = 41


def original_destination(sock: socket.socket) -> tuple[str, int]:
    """
    Where a redirected connection was going before nft or iptables turned it round.

    Raises:
        OSError: It was not redirected.
    """
    if sock.family == socket.AF_INET6:
        with contextlib.suppress(OSError):
            raw = sock.getsockopt(SOL_IPV6, SO_ORIGINAL_DST, 28)
            _, port, _, address = struct.unpack_from("!HHI16s", raw)
            return socket.inet_ntop(socket.AF_INET6, address), port
    raw = sock.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
    _, port, address = struct.unpack_from("!HH4s", raw)
    return socket.inet_ntop(socket.AF_INET, address), port


def is_address(host: str) -> bool:
    """
    Whether a host is an address and no name, in any spelling some resolver takes: 127.1, 2130706433, 0x7f.1, 017700000001.
    """
    host = host.partition("%")[0].rstrip(".")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.suppress(OSError):
        socket.inet_pton(family, host)
        return True
    # Source: WHATWG URL, "ends in a number checker", read 2026-11. No top-level domain is a number.
    last = host.rpartition(".")[2].lower()
    return last.isdigit() or (last.startswith("0x") and all(digit in "0123456789abcdef" for digit in last[2:]))
