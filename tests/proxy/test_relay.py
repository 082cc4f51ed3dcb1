"""
A blind tunnel between two transports that only remember what was done to them.
"""

from __future__ import annotations

import asyncio

import pytest

from excise.proxy import relay as module
from excise.proxy.relay import Relay


class Transport(asyncio.Transport):
    """
    Remembers; closes at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.reading = True
        self.ended = self.closed = self.aborted = False
        self.unsent = 0

    def write(self, data):
        assert not self.ended and not self.closed
        self.written += data

    def pause_reading(self):
        assert not self.closed
        self.reading = False

    def resume_reading(self):
        assert not self.closed
        self.reading = True

    def can_write_eof(self):
        return True

    def write_eof(self):
        assert not self.closed
        self.ended = True

    def is_closing(self):
        return self.closed

    def close(self):
        self.closed = True

    def abort(self):
        self.closed = self.aborted = True

    def get_write_buffer_size(self):
        return self.unsent


class Rows:
    def __init__(self) -> None:
        self.rows: list[tuple[int, int, str]] = []

    def tunnel(self, row, *, sent, received, status):
        assert row == {"id": "1"}
        self.rows.append((sent, received, status))


class Tunnel:
    def __init__(self, inspect=None) -> None:
        self.client, self.upstream, self.rows = Transport(), Transport(), Rows()
        self.relay = Relay(self.client, {"id": "1"}, self.rows)
        self.relay.inspect = inspect
        self.relay.connection_made(self.upstream)


@pytest.fixture
def tunnel():
    opened = Tunnel()
    opened.relay.up(b"hello")
    return opened


def test_upstream_is_not_read_before_the_clients_first_bytes_went_up():
    """
    What an upstream says first would stand before our own 200, and be taken for it.
    """
    tunnel = Tunnel()
    assert not tunnel.upstream.reading
    tunnel.relay.resume_down()  # the client's buffer ran empty: no reason to begin
    assert not tunnel.upstream.reading
    tunnel.relay.up(b"hello")
    assert tunnel.upstream.reading
    assert tunnel.upstream.written == b"hello"


async def test_a_real_upstream_that_speaks_first_is_not_heard():
    """
    As above, with sockets: its bytes stay where they are until the client has spoken.
    """

    async def banner(reader, writer):
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
        await reader.readexactly(5)
        writer.write(b"!")
        writer.close()

    server = await asyncio.start_server(banner, "127.0.0.1", 0)
    client, rows = Transport(), Rows()
    relay = Relay(client, {"id": "1"}, rows)
    await asyncio.get_running_loop().create_connection(lambda: relay, *server.sockets[0].getsockname())
    await asyncio.sleep(0.05)
    assert client.written == b""
    relay.up(b"hello")
    async with asyncio.timeout(5):
        while not client.ended:
            await asyncio.sleep(0.001)
    assert client.written.endswith(b"\r\n\r\n!")
    relay.end("ok")
    server.close()
    await server.wait_closed()


def test_bytes_pass_and_are_counted(tunnel):
    """
    Both ways, unchanged.
    """
    tunnel.relay.data_received(b"abc")
    tunnel.relay.up(b"more")
    assert (tunnel.client.written, tunnel.upstream.written) == (b"abc", b"hellomore")
    tunnel.relay.end("ok")
    tunnel.relay.end("reset")
    assert tunnel.rows.rows == [(9, 3, "ok")]


@pytest.mark.parametrize("first", ["client", "upstream"])
def test_each_direction_ends_by_itself(first, tunnel):
    """
    A peer that has said its last may still be answered; when both have, the tunnel is over, with one row.
    """
    relay = tunnel.relay
    steps = {"client": relay.up_ended, "upstream": relay.eof_received}
    other = "upstream" if first == "client" else "client"
    assert steps[first]() is True
    assert getattr(tunnel, other).ended
    assert not getattr(tunnel, first).ended
    assert tunnel.rows.rows == []
    (relay.data_received if first == "client" else relay.up)(b"late")
    assert getattr(tunnel, first).written.endswith(b"late")
    assert steps[other]() is False
    assert tunnel.client.closed and tunnel.upstream.closed
    relay.connection_lost(None)
    assert len(tunnel.rows.rows) == 1
    assert tunnel.rows.rows[0][2] == "ok"


def test_a_reset_of_upstream_ends_the_client_and_is_said(tunnel):
    """
    What had come is still sent to the client; the row says how it ended.
    """
    tunnel.relay.data_received(b"abc")
    tunnel.relay.connection_lost(ConnectionResetError())
    assert tunnel.client.closed
    assert not tunnel.client.aborted
    assert tunnel.rows.rows == [(5, 3, "reset")]


def test_nothing_is_written_to_who_is_closing(tunnel):
    """
    Bytes that arrive after one side closed go nowhere and are not counted.
    """
    tunnel.client.close()
    tunnel.relay.data_received(b"abc")
    tunnel.relay.end("ok")
    tunnel.relay.up(b"abc")
    tunnel.relay.pause_down()
    tunnel.relay.resume_down()
    tunnel.relay.pause_writing()
    tunnel.relay.resume_writing()
    assert tunnel.rows.rows == [(5, 0, "ok")]


def test_a_slow_reader_stops_the_other_side(tunnel):
    """
    Neither direction buffers without bound.
    """
    tunnel.relay.pause_writing()
    assert not tunnel.client.reading
    tunnel.relay.resume_writing()
    assert tunnel.client.reading
    tunnel.relay.pause_down()
    tunnel.relay.up(b"x")
    assert not tunnel.upstream.reading
    tunnel.relay.resume_down()
    assert tunnel.upstream.reading


def test_a_tunnel_in_which_nothing_moves_is_ended(tunnel, monkeypatch):
    """
    Also one whose last bytes a client does not take: its socket is not kept for ever.
    """
    now = [module.time.monotonic()]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    tunnel.relay.up(b"x")
    tunnel.relay.tick(now[0] + 9, 10)
    assert not tunnel.client.closed
    tunnel.relay.connection_lost(None)
    assert not tunnel.client.aborted
    tunnel.relay.tick(now[0] + 11, 10)
    assert tunnel.client.aborted
    assert tunnel.rows.rows == [(6, 0, "ok")]


def test_a_slow_download_is_not_idle(tunnel, monkeypatch):
    """
    While a client drains what is buffered nothing is read; that it drains is movement.
    """
    now = [module.time.monotonic()]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    tunnel.relay.data_received(b"x")
    tunnel.relay.pause_down()
    now[0] += 9
    tunnel.relay.resume_down()
    tunnel.relay.tick(now[0] + 9, 10)
    assert not tunnel.client.closed


async def test_an_upstream_that_takes_nothing_more_is_not_waited_for(tunnel, monkeypatch):
    """
    Its last bytes have a while; then the socket goes, though nobody ticks the tunnel any more.
    """
    monkeypatch.setattr(module, "LINGER_SECONDS", 0.01)
    tunnel.upstream.unsent = 1
    tunnel.relay.end("ok")
    assert not tunnel.upstream.aborted
    await asyncio.sleep(0.03)
    assert tunnel.upstream.aborted


def test_the_first_bytes_are_looked_at_before_any_goes_up():
    """
    Byte by byte: nothing leaves until there is a verdict, then everything does.
    """
    tunnel = Tunnel(lambda data: True if len(data) >= 3 else None)
    for byte in (b"a", b"b"):
        tunnel.relay.up(byte)
        assert tunnel.upstream.written == b""
        assert not tunnel.upstream.reading
    tunnel.relay.up(b"c")
    tunnel.relay.up(b"d")
    assert tunnel.upstream.written == b"abcd"
    assert tunnel.upstream.reading


def test_a_bad_verdict_ends_both_sides():
    """
    No byte has gone up, and the row says so.
    """
    tunnel = Tunnel(lambda data: False)
    tunnel.relay.up(b"abc")
    tunnel.relay.up(b"abc")
    assert tunnel.client.aborted and tunnel.upstream.aborted
    assert tunnel.upstream.written == b""
    assert tunnel.rows.rows == [(0, 0, "refused")]


def test_a_client_that_ends_before_the_verdict_is_refused():
    """
    Half a ClientHello and no more will come: there is nothing to let through.
    """
    tunnel = Tunnel(lambda data: None)
    tunnel.relay.up(b"abc")
    assert tunnel.relay.up_ended() is False
    assert tunnel.upstream.aborted
    assert tunnel.rows.rows == [(0, 0, "refused")]
