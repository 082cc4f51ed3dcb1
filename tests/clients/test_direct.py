"""
Connections past the proxy, as Linux shows them.
"""

from __future__ import annotations

import ipaddress
import socket
import subprocess
import sys

import pytest

from excise.clients.direct import descendants, https_peers, parse_address, visible

pytestmark = pytest.mark.skipif(not visible(), reason="only Linux shows the connections of others")

CONNECT = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); print('on', flush=True); sys.stdin.read()"


def test_a_connection_of_a_grandchild_is_seen():
    """
    Services start workers; those are looked at too. Networks that are exempt on purpose are left out.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        inner = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CONNECT!r}, '{port}'])"
        with subprocess.Popen([sys.executable, "-c", inner], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None and child.stdout.readline() == "on\n"

            assert len(descendants(child.pid)) == 2
            assert https_peers(child.pid, port=port, own=()) == {"127.0.0.1"}
            assert https_peers(child.pid, port=port, own=[ipaddress.ip_network("127.0.0.0/8")]) == set()
            assert https_peers(child.pid) == set()
            child.communicate("")


def test_a_process_that_is_gone_has_none():
    """
    Between two looks anything may have ended.
    """
    gone = subprocess.Popen(["true"])
    gone.wait()

    assert https_peers(gone.pid) == set()


@pytest.mark.skipif(sys.byteorder != "little", reason="written for a machine that begins with the low byte")
@pytest.mark.parametrize(
    ("raw", "address"),
    [
        ("0100007F", "127.0.0.1"),
        ("B80D0120000000000000000001000000", "2001:db8::1"),
        ("0000000000000000FFFF00000100007F", "127.0.0.1"),
    ],
)
def test_the_kernels_way_of_writing_addresses(raw, address):
    """
    Words of four bytes in the machine's own order; IPv4 in IPv6 is IPv4.
    """
    assert str(parse_address(raw)) == address
