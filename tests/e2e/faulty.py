"""
Providers that fail on demand: several stand-ins, each a provider of its own at a port of its own, told by the prompt itself what to do.

A prompt says `[eu:status503]` to the stand-in `eu`, `[eu:status503+well]` where it is to fail at the first visit and be well at the
second; `[#NAME]` is the call's own name, by which visits are counted and found again. `@who` in a prompt is replaced by the stand-in's
name, so that an answer tells who gave it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

from excise.standin import Recorded, Request, Script, Seen, StandIn
from excise.standin.authority import Authority
from excise.standin.call import dumps
from excise.standin.server import WAIT_SECONDS

HOSTS = {
    # Regional names are deployments of one provider.
    **{name: f"{name}.api.openai.com" for name in ("us", "eu", "au", "ca", "jp", "in")},
    "claude": "api.anthropic.com",
    "gem": "generativelanguage.googleapis.com",
    "rock": "bedrock-runtime.us-east-1.amazonaws.com",
}
MODELS = {"claude": "claude-haiku-4-5", "gem": "gemini-2.5-flash", "rock": "amazon.nova-lite-v1:0"}
MODEL = "gpt-4o-mini"  # of all others

_NAME = re.compile(rb"\[#([\w-]+)\]")
_ECHOED = re.compile(rb'echo: [^"]*')
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n"
_SETTINGS_AND_GOAWAY = b"\0\0\0\4\0\0\0\0\0" + b"\0\0\x08\7\0\0\0\0\0" + b"\0\0\0\0" + b"\0\0\0\x0b"
_STREAM_KIND = {"gem": b"text/event-stream", "rock": b"application/vnd.amazon.eventstream"}
_JSON = (("content-type", "application/json"),)


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One way to fail.

    Attributes:
        script: What the stand-in of that name does.
        status: What the head of its answer says; `None`: there is none, or none that is whole.
        streams: Of streamed calls alone (True), of others alone (False), of both (`None`).
        says: What the provider says instead of what the prompt asks it to echo.
    """

    script: Callable[[str], Script]
    status: int | None = None
    streams: bool | None = None
    says: bytes | None = None

    def fits(self, stream: bool) -> bool:
        return self.streams in (None, stream)


def _status(status: int, *headers: tuple[str, str]) -> Fault:
    def script(who: str) -> Script:
        return Script(recorded=_refusal(who, status, None, f"Scripted error {status}.", headers))

    return Fault(script, status)


def _said(status: int, words: Mapping[str, str], text: str) -> Fault:
    return Fault(lambda who: Script(recorded=_refusal(who, status, words.get(who, words["else"]), text, ())), status)


def _refusal(who: str, status: int, word: str | None, text: str, headers: tuple[tuple[str, str], ...]) -> Recorded:
    if who == "claude":
        names = {401: "authentication_error", 404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error"}
        kind = word or names.get(status, "overloaded_error" if status == 529 else "api_error")
        body: Any = {"type": "error", "error": {"type": kind, "message": text}}
    elif who == "gem":
        names = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
        body = {"error": {"code": status, "message": text, "status": word or names.get(status, "INTERNAL")}}
    elif who == "rock":
        names = {401: "UnrecognizedClientException", 404: "ResourceNotFoundException", 429: "ThrottlingException"}
        kind = word or names.get(status, "ServiceUnavailableException" if status == 503 else "InternalServerException")
        body, headers = {"message": text}, (*headers, ("x-amzn-errortype", kind))
    else:
        kind = "server_error" if status >= 500 else "invalid_request_error"
        code = word or {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}.get(status)
        body = {"error": {"message": text, "type": kind, "param": None, "code": code}}
    return Recorded(status, (*_JSON, *headers), dumps(body).encode())


def _raw(data: bytes, end: Any, *, status: int | None = None, streams: bool | None = None, **script: Any) -> Fault:
    return Fault(
        lambda who: Script(raw=data.replace(b"%b", _STREAM_KIND.get(who, b"text/event-stream")), raw_end=end, **script), status, streams
    )


def _whole(kind: str, body: bytes) -> Fault:
    return Fault(lambda who: Script(recorded=Recorded(200, (("content-type", kind),), body)), 200)


def _in_stream(**script: Any) -> Fault:
    return Fault(lambda who: Script(**script), 200, True)


BEFORE: dict[str, Fault] = {
    # Before anything of an answer: another target can take the call.
    "status500": _status(500),
    "status503": _status(503),
    "status529": _status(529),
    "rate-soon": _status(429, ("retry-after-ms", "20")),
    "rate-late": _status(429, ("retry-after", "30")),
    "rate-date": _status(429, ("retry-after", formatdate(4_000_000_000, usegmt=True))),
    "bad-key": _status(401),
    "no-model": _status(404),
    "no-money": _said(402, {"claude": "billing_error", "else": "insufficient_quota"}, "Insufficient balance."),
    "no-quota": _said(
        429,
        {"claude": "billing_error", "gem": "RESOURCE_EXHAUSTED", "rock": "ServiceQuotaExceededException", "else": "insufficient_quota"},
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "silent": Fault(lambda who: Script(silent_after=0)),
    "half-head": _raw(b"HTTP/1.1 200 OK\r\ncontent-ty", "silent"),
    "half-head-cut": _raw(b"HTTP/1.1 200 OK\r\ncontent-ty", "close"),
    "head-drips": _raw(b"HTTP/1.1 200 OK\r\nserver: slow\r\nx-more: " + b"m" * 900, "silent", piece_bytes=1, pause_ms=20),
    "head-alone": _raw(_HEAD, "silent", status=200),
    "head-cut": _raw(_HEAD, "close", status=200),
    "head-reset": _raw(_HEAD, "reset", status=200),
    "reset": _raw(b"", "reset"),
    "closed": _raw(b"", "close"),
    "no-http": _raw(b"\x16\x03\x01\0 this is no HTTP\r\n\r\n", "close"),
    "goaway": _raw(_SETTINGS_AND_GOAWAY, "close"),
    "short": Fault(lambda who: Script(length_error=50), 200, False),
    "cut-plain": Fault(lambda who: Script(piece_bytes=64, cut_after=2), 200, False),
    "html": _whole("text/html", b"<html><head><title>Down</title></head><body>We will be back soon.</body></html>"),
    "rubbish-json": _whole("application/json", b'{"hello": ["is it me'),
    "other-json": _whole("application/json", b'{"status": "ok"}'),
    "nothing": _whole("application/json", b""),
    "blank": Fault(lambda who: Script(), 200, False, b"   "),
    "error-first": _in_stream(fail_after=0),
    "cut-first": _in_stream(cut_after=0),
}
AFTER: dict[str, Fault] = {
    # After text has reached the client: nobody else may go on with it.
    "error-late": _in_stream(fail_after=8),
    "cut-late": _in_stream(cut_after=8),
    "reset-late": _in_stream(reset_after=8),
    "silent-late": _in_stream(silent_after=8),
}
FINAL: dict[str, Fault] = {
    # The same request would fail everywhere: nobody else is asked.
    "bad-request": _said(
        400, {"claude": "invalid_request_error", "gem": "INVALID_ARGUMENT", "rock": "ValidationException", "else": "invalid_value"}, "No."
    ),
}
LARGE: dict[str, Fault] = {
    # Only a target in which more fits may take it.
    "too-long": _said(
        400,
        {"claude": "invalid_request_error", "gem": "INVALID_ARGUMENT", "rock": "ValidationException", "else": "context_length_exceeded"},
        "This model's maximum context length is 128000 tokens: prompt is too long.",
    ),
    "too-large": _said(413, {"claude": "request_too_large", "else": "request_too_large"}, "Request too large."),
}
WELL: dict[str, Fault] = {
    "well": Fault(lambda who: Script(), 200),
    "late": Fault(lambda who: Script(delay_ms=300), 200),
    "drips": Fault(lambda who: Script(piece_bytes=40, pause_ms=1), 200),
}
MINDED: dict[str, Fault] = {
    # A whole answer, with which policy may find fault or not.
    "loops": Fault(lambda who: Script(), 200, False, b"and so it goes on, " * 60),
}
EVERY = {**BEFORE, **AFTER, **FINAL, **LARGE, **MINDED, **WELL}


class Faulty:
    """
    Stand-ins by name on one thread. As a `StandIn` to `Proxy`: `ca_file`, `resolves`.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._authority = Authority()
        self.ca_file: Path = self._authority.ca_file
        self.standins = {name: StandIn(authority=self._authority, steer=_Steering(name).steer) for name in names}
        self.stranger = StandIn()  # nobody trusts it
        self._more: list[str] = []

    async def start(self) -> None:
        for standin in (*self.standins.values(), self.stranger):
            await standin.start()

    async def close(self) -> None:
        for standin in (*self.standins.values(), self.stranger):
            await standin.close()
        self._authority.close()

    def resolves(self) -> list[str]:
        """
        The proxy's `--resolve`: every stand-in, and the dead ends given to `lead`.
        """
        return [place for name, standin in self.standins.items() for place in standin.resolves(HOSTS[name])] + self._more

    def lead(self, host: str, port: int) -> None:
        """
        Let a name lead to a port of this machine.
        """
        self._more.append(f"{host}:443:127.0.0.1:{port}")

    def visits(self, call: str) -> list[tuple[str, Seen]]:
        """
        Who was asked for a call, in order of arrival at each.
        """
        mark = f"[#{call}]".encode()
        return [(name, seen) for name, standin in self.standins.items() for seen in list(standin.seen) if mark in seen.request.body]

    def by_call(self) -> dict[str, list[tuple[str, Seen]]]:
        """
        All visits, by call.
        """
        found: dict[str, list[tuple[str, Seen]]] = {}
        for name, standin in self.standins.items():
            for seen in list(standin.seen):
                if told := _NAME.search(seen.request.body):
                    found.setdefault(told[1].decode(), []).append((name, seen))
        return found


class _Steering:
    """
    Reads a stand-in's orders in the prompts.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._order = re.compile(rb"\[%b:([\w+-]+)\]" % name.encode())
        self._visits: Counter[bytes] = Counter()

    def steer(self, request: Request) -> tuple[Request, Script]:
        body = request.body.replace(b"@who", self._name.encode())
        request = replace(request, body=body)
        order, call = self._order.search(body), _NAME.search(body)
        if order is None:
            return request, Script()
        orders = order[1].decode().split("+")
        visit = self._visits[call[1]] if call else 0
        if call:
            self._visits[call[1]] += 1
        fault = EVERY[orders[min(visit, len(orders) - 1)]]
        if fault.says is not None:
            request = replace(request, body=_ECHOED.sub(b"echo: " + fault.says, body))
        return request, fault.script(self._name)


@contextlib.contextmanager
def faulty(*names: str) -> Iterator[Faulty]:
    """
    Stand-ins of these names, running.
    """
    group = Faulty(names)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="faulty", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(group.start(), loop).result(WAIT_SECONDS)
        yield group
    finally:
        asyncio.run_coroutine_threadsafe(_wind_up(group), loop).result(WAIT_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _wind_up(group: Faulty) -> None:
    await group.close()
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """
    A port whose queue of connections is full: whoever calls hears nothing, not even a refusal.
    """
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        yield port


@contextlib.contextmanager
def mute() -> Iterator[int]:
    """
    A port that takes connections and says nothing, not even of TLS.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener.getsockname()[1]


def prompt(call: str, orders: Mapping[str, str], words: int = 24) -> str:
    """
    A prompt that names the call, says to each stand-in what to do, and asks for an answer that tells who gave it: see `answer`.
    """
    told = "".join(f"[{who}:{order}]" for who, order in orders.items())
    return f"[#{call}] {told} echo: " + " ".join(f"@who.{number}" for number in range(words))


def answer(who: str, words: int = 24) -> str:
    """
    What the stand-in `who` answers to `prompt`, whole.
    """
    return " ".join(f"{who}.{number}" for number in range(words))
