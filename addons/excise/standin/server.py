"""
The stand-in itself: listeners, who is asked, what was seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Self

import h11

from excise.standin import anthropic, bedrock, cohere, deepseek, gemini, groq, mistral, ollama, openai, rerank, vertex
from excise.standin.authority import Authority
from excise.standin.call import Bill, Refusal, Reply, Request, dumps
from excise.standin.http1 import ClientLeft, Connection
from excise.standin.script import Recorded, Script

DIALECTS: dict[str, ModuleType] = {
    "api.openai.com": openai,
    "api.anthropic.com": anthropic,
    "generativelanguage.googleapis.com": gemini,
    "api.mistral.ai": mistral,
    "api.cohere.com": cohere,
    "bedrock-runtime.us-east-1.amazonaws.com": bedrock,
    "bedrock-runtime.eu-central-1.amazonaws.com": bedrock,
    "ollama.com": ollama,
    "localhost": ollama,
    "us-central1-aiplatform.googleapis.com": vertex,
    "api.deepseek.com": deepseek,
    "api.groq.com": groq,
    "api.voyageai.com": rerank,
    "api.jina.ai": rerank,
}
HANDSHAKE_SECONDS = 10.0
WAIT_SECONDS = 2 * HANDSHAKE_SECONDS  # for a thread's own stand-in to start or to end


@dataclass(slots=True)
class Seen:
    """
    One request as it reached the stand-in, and what became of it.
    """

    number: int  # order of arrival, from 0
    connection: int  # which TCP connection carried it
    request: Request
    complete: bool  # the whole body came
    server_name: str | None  # SNI
    status: int | None = None  # None: no answer was begun
    pieces_sent: int = 0
    answered: bool = False  # the whole answer was written
    client_left: bool = False  # before that
    ended: bool = False  # nothing more is written or waited for
    billed: Bill | None = None  # what we charge for it, whether or not the client stayed


@dataclass(slots=True)
class Traffic:
    """
    What reached the listeners at all, understood or not.
    """

    connections: int = 0
    bytes_in: int = 0  # decrypted
    malformed: int = 0  # connections that did not speak HTTP/1.1


@dataclass(slots=True)
class _Ordered:
    script: Script
    times: int
    matches: Callable[[Request], bool] = field(repr=False)


class StandIn:
    """
    A local provider with real TLS. In an event loop: `async with StandIn() as standin`; beside blocking code: `with running() as standin`.

    Args:
        authority: Of several stand-ins that are to be trusted by one file; by default one of its own.
        steer: Gives the request that is answered instead of the one that came, and how; asked where no other script applies.

    Attributes:
        port: TLS; any provider name is answered with a certificate for it.
        plain_port: The same without TLS.
        ca_file: The authority to trust.
        seen: Every request, in order of arrival.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        plain_port: int = 0,
        address: str = "127.0.0.1",
        authority: Authority | None = None,
        steer: Callable[[Request], tuple[Request, Script]] | None = None,
    ) -> None:
        self._address = address
        self.port = port
        self.plain_port = plain_port
        self.authority = authority or Authority()
        self._own_authority = authority is None
        self.steer = steer
        self.ca_file = self.authority.ca_file
        self.seen: list[Seen] = []
        self.traffic = Traffic()
        self._orders: deque[_Ordered] = deque()
        self._recordings: dict[str, Recorded] = {}
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = threading.Condition()
        self._closing = False

    async def start(self) -> None:
        """
        Listen. Ports given as 0 are chosen by the system.
        """
        context = self.authority.context("localhost")
        context.sni_callback = self._choose_certificate
        tls = await asyncio.start_server(
            self._accept, self._address, self.port, ssl=context, ssl_handshake_timeout=HANDSHAKE_SECONDS, backlog=1024
        )
        plain = await asyncio.start_server(self._accept, self._address, self.plain_port, backlog=1024)
        self._servers = [tls, plain]
        self.port, self.plain_port = (server.sockets[0].getsockname()[1] for server in self._servers)

    async def close(self) -> None:
        """
        Stop listening, end every connection, remove the authority.
        """
        self._closing = True
        for server in self._servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers:
            if abort := getattr(server, "abort_clients", None):  # Python 3.13; before it, a handshake ends by its own time limit
                abort()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(server.wait_closed(), HANDSHAKE_SECONDS + 1)
        if self._own_authority:
            self.authority.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def script(self, script: Script, *, times: int = 1, matches: Callable[[Request], bool] = lambda request: True) -> None:
        """
        Let the next `times` matching requests be answered under `script`. Orders are served first come, first served.
        """
        self._orders.append(_Ordered(script, times, matches))

    def replay(self, name: str, recorded: Recorded) -> None:
        """
        Keep a recording; a request with `x-standin: replay=NAME` is answered with it.
        """
        self._recordings[name] = recorded

    def resolves(self, *names: str) -> list[str]:
        """
        `HOST:443:127.0.0.1:PORT` for every provider it can be (or for `names`): the proxy's `--resolve`.
        """
        return [f"{name}:443:{self._address}:{self.port}" for name in names or DIALECTS if name != "localhost"]

    def wait(self, reached: Callable[[Self], bool], timeout_seconds: float = 5.0) -> bool:
        """
        Block (another thread than the stand-in's) until `reached` holds; False when time is up first.
        """
        with self._changed:
            return self._changed.wait_for(lambda: reached(self), timeout_seconds)

    def _choose_certificate(self, channel: ssl.SSLObject | ssl.SSLSocket, name: str | None, _context: ssl.SSLContext) -> None:
        if name:
            channel.context = self.authority.context(name.lower())
            channel.standin_name = name.lower()  # type: ignore[union-attr]  # read back when the connection is accepted

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closing:  # its handshake was still going on
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.traffic.connections += 1
        number = self.traffic.connections
        name = getattr(writer.get_extra_info("ssl_object"), "standin_name", None)
        connection = Connection(reader, writer)
        try:
            await self._serve(connection, number, name)
        except (ClientLeft, asyncio.CancelledError):
            pass  # the call's record says so already; a cancelled connection is the stand-in closing
        except h11.RemoteProtocolError as error:
            self.traffic.malformed += 1
            with contextlib.suppress(OSError):
                writer.write(b"HTTP/1.1 %d Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % error.error_status_hint)
        finally:
            self.traffic.bytes_in += connection.bytes_in
            await connection.close(at_once=self._closing)
            self._notify()

    async def _serve(self, connection: Connection, number: int, name: str | None) -> None:
        while (got := await connection.request()) is not None:
            request, complete = got
            seen = Seen(len(self.seen), number, request, complete, name)
            self.seen.append(seen)
            self._notify()
            if not complete:
                seen.client_left = seen.ended = True
                return
            script, reply = self._decide(request, name)
            seen.status, seen.billed = (None, None) if script.silent_after == 0 or script.raw is not None else (reply.status, reply.bill)
            close = (request.header("connection") or "").lower() == "close"
            try:
                await connection.answer(reply, script, lambda pieces, seen=seen: self._sent(seen, pieces), close=close)  # type: ignore[misc]
                seen.answered = True
            except ClientLeft:
                seen.client_left = not script.hangs_up
                raise
            finally:
                seen.ended = True
                self._notify()
            if close:
                return

    def _sent(self, seen: Seen, pieces: int) -> None:
        seen.pieces_sent = pieces
        self._notify()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _decide(self, request: Request, name: str | None) -> tuple[Script, Reply]:
        try:
            request, script = self._script_for(request)
        except ValueError as error:
            return Script(), Refusal(400, {"error": str(error)}).reply
        recorded = script.recorded or (self._recordings.get(script.replay) if script.replay else None)
        if recorded is not None:
            return script, script.shape(recorded.reply())
        dialect = DIALECTS.get(request.host) or DIALECTS.get(request.host.partition(".")[2])  # eu.api.openai.com
        if dialect is None or (name is not None and name != request.host):
            return Script(), Refusal(421, {"error": f"this server does not answer for {request.host!r}"}).reply
        if script.status is not None:
            return script, _scripted(dialect, script)
        try:
            return script, script.shape(dialect.answer(request))
        except Refusal as refusal:
            return script, refusal.reply

    def _script_for(self, request: Request) -> tuple[Request, Script]:
        for order in self._orders:
            if order.matches(request):
                order.times -= 1
                if not order.times:
                    self._orders.remove(order)
                return request, order.script
        header = request.header("x-standin")
        if header:
            return request, Script.parse(header)
        return self.steer(request) if self.steer is not None else (request, Script())


def _scripted(dialect: ModuleType, script: Script) -> Reply:
    status = script.status or 500
    body: Any = dialect.failure(status)
    headers = [("content-type", "application/json")]
    if script.retry_after is not None:
        headers.append(("retry-after", script.retry_after))
    if dialect is bedrock:
        headers += bedrock.error_headers(status)
    return script.shape(Reply(status, tuple(headers), (dumps(body).encode(),)))


async def _wind_up(standin: StandIn) -> None:
    await standin.close()
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


@contextlib.contextmanager
def running(**options: Any) -> Iterator[StandIn]:
    """
    A stand-in on a thread of its own, for callers that block.
    """
    standin = StandIn(**options)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="standin", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(standin.start(), loop).result(WAIT_SECONDS)
        yield standin
    finally:
        asyncio.run_coroutine_threadsafe(_wind_up(standin), loop).result(WAIT_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


__all__ = ["Seen", "StandIn", "Traffic", "running"]
