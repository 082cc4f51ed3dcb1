"""
What is let in at the door.
"""

from __future__ import annotations

import pytest

from excise.errors import BadRequest, ExciseError, TooLarge
from excise.proxy.front import Connect, Plain, looks_like_tls, read_front

CONNECT = b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com:443\r\nProxy-Authorization: Basic YXBwOmtleQ==\r\n\r\n"
POST = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("request_", [CONNECT, POST])
def test_every_cut_waits_and_the_whole_decides(request_):
    """
    A request head may come in any pieces; nothing is decided before it is whole.
    """
    for cut in range(len(request_)):
        assert read_front(request_[:cut]) is None, request_[:cut]
    assert read_front(request_) is not None


def test_connect_gives_target_credentials_and_rest():
    """
    Bytes behind the head belong to the tunnel.
    """
    front = read_front(CONNECT + b"\x16\x03\x01")

    assert front == Connect(host="api.openai.com", port=443, user="app", password="key", rest=b"\x16\x03\x01")
    assert isinstance(read_front(POST), Plain)


def test_the_password_is_not_in_the_representation():
    """
    A value that ends in a log shows no secret.
    """
    assert "key" not in repr(read_front(CONNECT))


@pytest.mark.parametrize(
    "bytes_",
    [
        b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x00\x01\x02\x03\r\n",
        b"ab\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSHX / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
        b"GET / HTTP/2\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\x00y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\ry\r\n\r\n",
        b"GET / HTTP/1.1\r\n: empty\r\n\r\n",
        b"CONNECT /path HTTP/1.1\r\n\r\n",
        b"CONNECT host HTTP/1.1\r\n\r\n",
        b"CONNECT host:99999 HTTP/1.1\r\n\r\n",
        b"CONNECT host:0 HTTP/1.1\r\n\r\n",
        b"CONNECT ho st:443 HTTP/1.1\r\n\r\n",
        b"CONNECT host:443 HTTP/1.1\r\nProxy-Authorization: Bearer x\r\n\r\n",
        b"CONNECT host:443 HTTP/1.1\r\nProxy-Authorization: Basic !!!\r\n\r\n",
    ],
)
def test_odd_forms_are_refused(bytes_):
    """
    Raw bytes, blank first lines, SSH, HTTP/2 in clear, and heads that two parsers read differently.
    """
    with pytest.raises(BadRequest):
        read_front(bytes_)


@pytest.mark.parametrize(
    "bytes_",
    [
        b"GET /" + b"a" * 17_000,
        b"GET / HTTP/1.1\r\nA: " + b"a" * 17_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"A%d: b\r\n" % i for i in range(101)) + b"\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"A%d: b\r\n" % i for i in range(10_000)),
    ],
)
def test_heads_are_bounded(bytes_):
    """
    No head makes us hold more than 64 KiB.
    """
    with pytest.raises(TooLarge):
        read_front(bytes_)


def test_nothing_raises_but_our_errors():
    """
    Whatever two bytes come first: a decision, a wait, or one of our errors.
    """
    for first in range(256):
        for second in (0, 10, 13, 32, 47, 65, 255):
            data = bytes((first, second))
            for tail in (b"", b"\r\n", b"\r\n\r\n", b" / HTTP/1.1\r\n\r\n"):
                try:
                    read_front(data + tail)
                except ExciseError as error:
                    assert error.status in (400, 407, 431)


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (b"", None),
        (b"\x16", None),
        (b"\x16\x03", None),
        (b"\x16\x03\x01", True),
        (b"\x16\x03\x09", False),
        (b"G", False),
        (b"\x16\x02", False),
    ],
)
def test_tls_is_known_by_its_first_bytes(data, verdict):
    """
    Three bytes decide; fewer wait, unless they are wrong already.
    """
    assert looks_like_tls(data) is verdict
