"""
Connections a process tree makes past the proxy, as far as Linux shows them: a look at `/proc` now and then. What opens and
closes between two looks is not seen, and the name behind an address is not known.
"""

from __future__ import annotations

import ipaddress
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

type Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PROC: Final = Path("/proc")
_HTTPS: Final = 443
# What `NO_PROXY` exempts on purpose, and IPv6's counterparts.
_OWN: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10")
)
_SOCKET: Final = re.compile(r"socket:\[(\d+)\]")


def visible() -> bool:
    """
    Whether this system shows them at all.
    """
    return sys.platform == "linux" and (_PROC / "self/net/tcp").exists()


def descendants(pid: int) -> set[int]:
    """
    The process and all below it, at this moment.
    """
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                # The name in brackets may hold anything; the parent is the second field behind the last bracket.
                parent = int((entry / "stat").read_bytes().rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue  # gone meanwhile
            children.setdefault(parent, []).append(int(entry.name))
    found, queue = {pid}, [pid]
    while queue:
        for child in children.get(queue.pop(), []):
            if child not in found:
                found.add(child)
                queue.append(child)
    return found


def https_peers(pid: int, *, port: int = _HTTPS, own: Sequence[Network] = _OWN) -> set[str]:
    """
    Addresses outside the networks `own` that the process tree is connected or connecting to on `port`, by TCP or UDP (QUIC).
    """
    peers: set[str] = set()
    for one in descendants(pid):
        inodes = set(_inodes(one))
        if inodes:
            for table in ("tcp", "tcp6", "udp", "udp6"):
                peers.update(_peers(_PROC / str(one) / "net" / table, inodes, port, own))
    return peers


def _inodes(pid: int) -> Iterator[str]:
    try:
        for entry in (_PROC / str(pid) / "fd").iterdir():
            if match := _SOCKET.fullmatch(str(entry.readlink())):
                yield match[1]
    except OSError:
        return  # gone meanwhile, or not ours to see


def _peers(table: Path, inodes: set[str], port: int, own: Sequence[Network]) -> Iterator[str]:
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        fields = line.split()
        raw, _, peer_port = fields[2].partition(":")
        if fields[9] in inodes and int(peer_port, 16) == port:
            address = parse_address(raw)
            if not any(address in network for network in own):
                yield str(address)


def parse_address(raw: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """
    An address as `/proc/net/tcp` writes it: 32-bit words, each in the machine's own byte order.
    """
    words = [int(raw[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(raw), 8)]
    address = ipaddress.ip_address(b"".join(words))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
