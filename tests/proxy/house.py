"""
A worker in this process, a stand-in behind it, and raw clients before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from excise.catalog.providers import Catalog
from excise.proxy.door import Shared
from excise.proxy.worker import Worker
from excise.standin.server import StandIn
from excise.supervise.settings import Settings
from excise.trust.authority import ROOT_FILE, Authority

POLICY = "version: 1\ndefault: allow\n"
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}


@cache
def domains() -> tuple[str, ...]:
    return Catalog.load().permitted_domains()


@dataclass
class House:
    """
    Everything a test needs at hand.
    """

    port: int
    standin: StandIn
    shared: Shared
    worker: Worker
    data: Path
    ca: Path

    def rows(self, kind: str = "close") -> list[dict[str, Any]]:
        """
        The journal's records of one kind; `close` with what its `open` line said.
        """
        records = [json.loads(line) for file in sorted(self.data.glob("journal/*.ndjson")) for line in file.read_bytes().splitlines()]
        if kind == "tunnel":  # one line at the start, one at the end
            return list({record["id"]: record for record in records if record["kind"] == kind}.values())
        opened = {record["call_id"]: record for record in records if record["kind"] == "open"}
        return [opened.get(record["call_id"], {}) | record for record in records if record["kind"] == kind]

    async def client(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """
        A raw connection to the proxy.
        """
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def tunnel(
        self, host: str = "api.openai.com", *, sni: str | None = None, head: str = ""
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """
        CONNECT, then TLS inside.
        """
        reader, writer = await self.client()
        writer.write(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n{head}\r\n".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in answer.split(b"\r\n")[0], answer
        context = ssl.create_default_context(cafile=str(self.ca))
        await writer.start_tls(context, server_hostname=sni or host)
        return reader, writer

    async def call(self, body: Any = CHAT, *, path: str = "/v1/chat/completions", head: str = "", host: str = "api.openai.com") -> Answer:
        """
        One POST through a tunnel of its own.
        """
        reader, writer = await self.tunnel(host)
        writer.write(post(body, path=path, head=head, host=host))
        try:
            return await read_answer(reader)
        finally:
            writer.close()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def post(body: Any, *, path: str = "/v1/chat/completions", head: str = "", host: str = "api.openai.com") -> bytes:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer standin-key\r\nContent-Type: application/json\r\n"
    return f"{fields}Content-Length: {len(raw)}\r\n{head}\r\n".encode() + raw


async def read_answer(reader: asyncio.StreamReader, seconds: float = 10.0) -> Answer:
    """
    Read one whole HTTP/1.1 answer, or what there is of it.
    """
    async with asyncio.timeout(seconds):
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body, whole = b"", True
        try:
            if "chunked" in headers.get("transfer-encoding", ""):
                while True:
                    size = int((await reader.readuntil(b"\r\n")).strip(), 16)
                    chunk = await reader.readexactly(size + 2)
                    body += chunk[:-2]
                    if size == 0:
                        break
            elif "content-length" in headers:
                body = await reader.readexactly(int(headers["content-length"]))
            else:
                body = await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            body += getattr(error, "partial", b"")
            whole = False
        return Answer(int(first.split(" ")[1]), headers, body, whole)


@contextlib.asynccontextmanager
async def house(tmp_path: Path, *, policy: str = POLICY, listed: bool = True, **settings: Any) -> AsyncIterator[House]:
    """
    Start everything; stop it and check that no hook failed unnoticed is the test's business (`shared.guard.faults`).
    """
    data, certs, policies = tmp_path / "data", tmp_path / "certs", tmp_path / "policies"
    for folder in (data, policies):
        folder.mkdir(mode=0o700, exist_ok=True)
    (policies / "default.yml").write_text(policy)
    if not (certs / ROOT_FILE).exists():
        Authority.create(certs, permitted_domains=domains())
    async with StandIn() as standin:
        resolve = ",".join(standin.resolves()) if listed else ""
        given = {"listen": ("127.0.0.1", 0), "data": data, "certs": certs, "policies": policies, "resolve": resolve, "drain_seconds": 1.0}
        worker = Worker(Settings(**given | {"upstream_ca": standin.ca_file} | settings), 0)
        ready = asyncio.Event()
        task = asyncio.create_task(worker.run(ready.set))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            waiting.cancel()
            task.result()
        assert worker.shared is not None
        try:
            yield House(worker.addresses[0][1], standin, worker.shared, worker, data, certs / ROOT_FILE)
        finally:
            worker.stop()
            await task
