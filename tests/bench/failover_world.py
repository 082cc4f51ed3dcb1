"""
Where failing over is measured: one running proxy with everything on, one C upstream that is every provider, and a client.

A target that failed often is not asked any more, so no first target fails often: of a deployment that cannot be reached there are as many
as calls need, of one that answers with errors as many models.
"""

from __future__ import annotations

import http.client
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from bench.compiled import program
from bench.translation_jobs import chat
from e2e import unified
from e2e.faulty import black_hole
from e2e.proxy import Proxy, free_port, running_proxy
from excise.standin.authority import Authority

CHAT = "/v1/chat/completions"
TIMER_SECONDS = 0.5
MOST_ERRORS, MOST_SILENCES = 4, 2  # of one target; one more, and its breaker opens
HOSTS = {name: f"{name}.api.openai.com" for name in ("us", "eu", "au", "in")}
SECOND = {"chat": "second/gpt-4o-mini", "messages": "claude/claude-haiku-4-5"}


@dataclass(frozen=True, slots=True)
class Way:
    """
    A kind of call.

    Attributes:
        fails: How its first target fails: an order to the upstream, `refused`, `hole`; empty: it is asked of the second alone.
        second: The dialect of who answers.
        limits: Of the alias' `failover`, beside `retries: 0`.
    """

    name: str
    fails: str = ""
    second: str = "chat"
    size: str = "1 KB"
    stream: bool = False
    limits: str = ""

    def alias(self, number: int) -> str:
        """
        The name asked for in its `number`th call.
        """
        return f"{self.name}-{number // self._fails_often if self.fails else 0}"

    @property
    def _fails_often(self) -> int:
        return MOST_ERRORS if self.fails in ("busy", "broken") else MOST_SILENCES

    def lines(self, calls: int) -> tuple[list[str], list[str], list[str]]:
        """
        Its entries of `providers`, its models at `first`, and its entries of `aliases`.
        """
        if not self.fails:
            return [], [], [f"  {self.alias(0)}: {SECOND[self.second]}"]
        providers: list[str] = []
        models: list[str] = []
        aliases: list[str] = []
        for number in range(0, calls, self._fails_often):
            name = self.alias(number)
            first = f"first/{self.fails}-{name}"
            if self.fails in ("refused", "hole"):
                host = HOSTS["au" if self.fails == "refused" else "in"]
                providers.append(f"- {{provider: openai, name: {name}, host: {host}, key: file:provider.key}}")
                first = f"{name}/gpt-4o-mini"
            else:
                models.append(f"{self.fails}-{name}")
            aliases.append(f"  {name}: {{to: [{first}, {SECOND[self.second]}], failover: {{retries: 0{self.limits}}}}}")
        return providers, models, aliases

    def body(self, number: int) -> bytes:
        """
        What the client sends in its `number`th call.
        """
        more: dict[str, Any] = {"stream": True} if self.stream else {}
        return orjson.dumps(chat(self.size, model=self.alias(number)) | more)


@dataclass(slots=True)
class Upstream:
    """
    The provider, as `running_proxy` wants a stand-in.
    """

    authority: Authority
    port: int
    leads: dict[str, int] = field(default_factory=dict)

    @property
    def ca_file(self) -> Path:
        return self.authority.ca_file

    def resolves(self) -> list[str]:
        return [f"{host}:443:127.0.0.1:{port}" for host, port in self.leads.items()]

    def connections(self) -> int:
        """
        How many there have been; this one is counted, too.
        """
        return int(self._told("/connections"))

    def waits(self) -> list[float]:
        """
        Milliseconds from when each call that was left waiting had come to when it was given up, since this was last asked.
        """
        return [float(line) for line in self._told("/waits").split()]

    def _told(self, path: str) -> str:
        asked = http.client.HTTPSConnection("localhost", self.port, context=ssl.create_default_context(cafile=self.ca_file), timeout=10)
        asked.request("GET", path)
        text = asked.getresponse().read().decode()
        asked.close()
        return text


class Client:
    """
    One connection to the proxy's own port, kept.
    """

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(self, body: bytes) -> float:
        """
        Seconds of one call.

        Raises:
            SystemExit: It was not answered.
        """
        begun = time.perf_counter()
        self._connection.request("POST", CHAT, body, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        took = time.perf_counter() - begun
        if answer.status != 200 or not (b"harbour" in text or b"aaaaaaa" in text):
            raise SystemExit(f"a call was not answered: {answer.status} {text[:400]!r}")
        return took


@contextmanager
def world(home: Path, ways: list[Way], calls: int) -> Iterator[tuple[Proxy, Upstream, str]]:
    """
    All of it, with room for `calls` calls of every way; and a virtual key.
    """
    with ExitStack() as stack:
        authority = Authority()
        stack.callback(authority.close)
        pem = authority.leaf("localhost", "*.api.openai.com", "api.anthropic.com", "api.openai.com")
        process = stack.enter_context(subprocess.Popen([str(program("upstream")), str(pem)], stdout=subprocess.PIPE, text=True))
        stack.callback(process.kill)
        assert process.stdout is not None
        upstream = Upstream(authority, int(process.stdout.readline()))
        led = ("api.openai.com", "api.anthropic.com", HOSTS["us"], HOSTS["eu"])
        upstream.leads = dict.fromkeys(led, upstream.port) | {HOSTS["au"]: free_port(), HOSTS["in"]: stack.enter_context(black_hole())}
        policies = home / "policies"
        policies.mkdir()
        unified.write_policy(policies, policy(ways, calls))
        proxy = stack.enter_context(running_proxy(home, upstream, policies=policies, flags=("--workers", "1")))
        key = unified.make_key(proxy, "bench")
        proxy.until(lambda: known(proxy.port, key), 10, "the key")
        yield proxy, upstream, key


def known(port: int, key: str) -> bool:
    """
    Whether the proxy takes the key already.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {key}"})
    status = connection.getresponse().status
    connection.close()
    return status == 200


def policy(ways: list[Way], calls: int) -> str:
    """
    Secrets are looked for, as the shipped policy has it.
    """
    key = "key: file:provider.key"
    made = [way.lines(calls) for way in ways]
    models = ", ".join(name for _, names, _ in made for name in names)
    providers = [
        f"- {{provider: openai, name: first, host: {HOSTS['us']}, {key}, models: [{models}]}}",
        f"- {{provider: openai, name: second, host: {HOSTS['eu']}, {key}}}",
        f"- {{provider: anthropic, name: claude, {key}}}",
        *(line for lines, _, _ in made for line in lines),
    ]
    aliases = [line for _, _, lines in made for line in lines]
    return "\n".join(
        [
            "version: 1",
            "providers:",
            *providers,
            "aliases:",
            *aliases,
            "redact: [{name: secrets stay here, profile: secrets}]",
            "default: allow",
            "",
        ]
    )
