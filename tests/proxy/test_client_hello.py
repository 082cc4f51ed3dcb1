"""
Which host a ClientHello names, however it is cut and whatever was done to it.
"""

from __future__ import annotations

import contextlib
import itertools
import ssl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mitmproxy.proxy.layers.tls import parse_client_hello
from OpenSSL import SSL

from excise.proxy.client_hello import LARGEST_HELLO, MOST_RECORDS, Hello, read_hello, read_names

HOST = "api.openai.com"


def by_python(name: str | None, alpn: tuple[str, ...] = (), newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = newest
    if alpn:
        context.set_alpn_protocols(list(alpn))
    out = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()


def by_openssl(name: bytes | None) -> bytes:
    tls = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
    if name is not None:
        tls.set_tlsext_host_name(name)
    tls.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        tls.do_handshake()
    return tls.bio_read(65536)


REAL = [
    *(
        by_python(name, alpn)
        for name in (HOST, "API.OpenAI.com", "a_b.example", "xn--bcher-kva.example", None)
        for alpn in ((), ("h2", "http/1.1"))
    ),
    by_python(HOST, newest=ssl.TLSVersion.TLSv1_2),
    by_openssl(HOST.encode()),
    by_openssl(b"API.openai.COM."),
    by_openssl(b"1.2.3.4"),
    by_openssl(None),
]
PLAIN = REAL[0]
MESSAGE = PLAIN[5:]  # without the record's header


def rebuilt(names: bytes | None, *more: bytes) -> bytes:
    """
    A hello whose server name extension has this body, once or more often; `None`: it has none.
    """
    at = PLAIN.index(HOST.encode()) - 9
    before, after = PLAIN[9:at], PLAIN[at + 9 + len(HOST) :]
    start = 34 + 1 + before[34]
    start += 2 + int.from_bytes(before[start : start + 2])
    start += 1 + before[start]
    bodies = [body for body in (names, *more) if body is not None]
    extensions = before[start + 2 :] + b"".join(b"\0\0" + len(body).to_bytes(2) + body for body in bodies) + after
    message = before[:start] + len(extensions).to_bytes(2) + extensions
    return b"\x16\x03\x01" + (len(message) + 4).to_bytes(2) + b"\x01" + len(message).to_bytes(3) + message


def listed(*names: bytes, kind: int = 0) -> bytes:
    entries = b"".join(bytes([kind]) + len(name).to_bytes(2) + name for name in names)
    return len(entries).to_bytes(2) + entries


def records(message: bytes, *cuts: int) -> bytes:
    edges = [0, *cuts, len(message)]
    pieces = [message[first:last] for first, last in itertools.pairwise(edges)]
    return b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2) + piece for piece in pieces)


@pytest.mark.parametrize("data", REAL)
def test_real_hellos_are_read_as_mitmproxy_reads_them(data):
    """
    Of Python's and OpenSSL's clients: the same name, folded; incomplete up to the last byte; and what follows does not matter.
    """
    theirs = parse_client_hello(data)
    assert theirs is not None
    name = theirs.sni and theirs.sni.lower().rstrip(".")
    assert read_hello(data) == Hello(name) == read_names(theirs.raw_bytes(wrap_in_record=False))
    assert read_hello(bytearray(data) + b"more") == Hello(name)
    for size in range(len(data)):
        assert read_hello(data[:size]) is None


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(REAL), st.lists(st.integers(1, 200), max_size=MOST_RECORDS - 1, unique=True))
def test_records_may_cut_the_message_anywhere(data, cuts):
    """
    Some clients send their hello in several records; every cut reads the same, also inside the message's header.
    """
    cut = records(data[5:], *sorted(at for at in cuts if at < len(data) - 5))
    assert read_hello(cut) == read_hello(data)
    assert read_hello(cut[:-1]) is None


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(REAL), st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=8), st.integers(0, 600))
def test_no_damage_leads_to_another_reading(data, changes, size):
    """
    Whatever was changed: refused, incomplete, or the very name that mitmproxy reads; where it reads none there is none or it is unreadable.
    """
    changed = bytearray(data)
    for at, value in changes:
        changed[at % len(changed)] = value
    changed = changed[: max(size, 1)]
    try:
        hello = read_hello(changed)
    except ValueError:
        return
    try:
        theirs = parse_client_hello(bytes(changed))
    except ValueError:
        return  # damage in what has nothing to do with names: refused in the TLS layer, and by whoever is tunnelled to
    assert (hello is None) == (theirs is None)
    if hello is not None and theirs is not None and theirs.sni is not None:
        assert hello.sni == theirs.sni.lower().removesuffix(".") or hello.unreadable_name


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_refused_or_waited_for(data, like_tls):
    """
    Nothing but `ValueError` comes out, whatever goes in.
    """
    with contextlib.suppress(ValueError):
        read_hello((b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc" if like_tls else b"") + data)


@pytest.mark.parametrize(
    "extensions",
    [
        [listed(HOST.encode(), HOST.encode())],
        [listed(b"front.example", HOST.encode())],
        [listed(HOST.encode()), listed(HOST.encode())],
        [listed(HOST.encode()), listed(b"front.example")],
        [listed(HOST.encode(), kind=1)],
        [listed()],
        [b""],
        [b"\0"],
        [listed(b"")],
        [listed(HOST.encode()) + b"\0"],
        [b"\0\x05" + listed(HOST.encode())[2:]],
        [listed(b"api.openai\0.com")],
        [listed(b"api openai.com")],
        [listed(b"api.openai.com\n")],
        [listed(b"api.openai.com..")],
        [listed(b".api.openai.com")],
        [listed(b".")],
        [listed("bücher.example".encode())],
        [listed(b"a" * 64 + b".example")],
        [listed(b".".join([b"a" * 60] * 5))],
        [listed(b"a.example/api.openai.com")],
        [listed(b"[::1]")],
    ],
)
def test_a_name_that_is_there_but_not_for_everybody_to_read_is_said_to_be(extensions):
    """
    Two names, another type of name, a NUL, too long, badly framed: some servers would still pick one out.
    """
    assert read_hello(rebuilt(*extensions)) == Hello(None, unreadable_name=True)


def test_names_that_are_ordinary():
    """
    The longest labels and names there may be; no name at all is no unreadable name.
    """
    longest = b".".join([b"a" * 63] * 3 + [b"b" * 61])
    assert read_hello(rebuilt(listed(longest))) == Hello(longest.decode())
    assert read_hello(rebuilt(listed(b"X.Example."))) == Hello("x.example")
    assert read_hello(rebuilt(None)) == Hello(None)
    assert read_hello(records(b"\x01\0\0\x29" + b"\3\3" + bytes(32) + b"\0" + b"\0\2\0\1" + b"\1\0")) == Hello(None)


def test_one_byte_records_are_refused_after_a_few():
    """
    They would make every reader start over with every byte; no client sends them.
    """
    piecemeal = records(MESSAGE, *range(1, len(MESSAGE)))
    assert read_hello(piecemeal[: 6 * MOST_RECORDS - 1]) is None
    with pytest.raises(ValueError, match="too many records"):
        read_hello(piecemeal[: 6 * MOST_RECORDS])


class Counted(bytearray):
    """
    Counts the bytes taken out of it.
    """

    taken = 0

    def __getitem__(self, key):
        got = super().__getitem__(key)
        Counted.taken += len(got)
        return got


def test_waiting_for_the_end_costs_next_to_nothing():
    """
    A hello that comes byte by byte is looked at by its header until it is whole: few bytes a time, not all of them.
    """
    data = records(b"\x01\x00\xf0\x00" + bytes(0xF000), 16384, 32768, 49152)
    for size in range(40_000, 41_000):
        assert read_hello(Counted(data[:size])) is None
    assert Counted.taken < 1000 * 40


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x02",
        b"\x16\x03\x04",
        b"\x15\x03\x01\x00\x02",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\x40\x01",
        b"\x16\x03\x01\x00\x10\x02",
        b"\x16\x03\x01\x20\x00\x01" + (LARGEST_HELLO + 1).to_bytes(3),
        records(MESSAGE, 100)[:105] + b"\x17" + records(MESSAGE, 100)[106:],
        records(b"\x01\0\0\0"),
        records(b"\x01\0\0\x24" + bytes(36)),
        records(MESSAGE[:4] + MESSAGE[4:40] + b"\xff" * (len(MESSAGE) - 40)),
    ],
)
def test_what_is_no_hello_is_refused_as_soon_as_it_shows(data):
    """
    Another protocol, another record, an empty or oversized one, another message, lengths that disagree.
    """
    with pytest.raises(ValueError):
        read_hello(data)
