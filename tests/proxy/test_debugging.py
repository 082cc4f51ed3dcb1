"""
The pipeline inside a stock mitmdump: the same guard, the same refusals.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import sys
from pathlib import Path

import pytest
from house import CHAT, POLICY, domains, post, read_answer

from excise.standin.server import StandIn
from excise.trust.authority import ROOT_FILE, Authority

ADDON = Path(__file__).resolve().parents[2] / "addons" / "intercept.py"

FAILING = """
import asyncio
class Failing:
    async def {hook}(self, flow):
        {what}
addons = [Failing()]
"""


@contextlib.asynccontextmanager
async def mitmdump(tmp_path, standin, *scripts: Path, options: tuple[str, ...] = (), resolve: tuple[str, ...] = ()):
    for folder in ("data", "policies"):
        (tmp_path / folder).mkdir(mode=0o700)
    (tmp_path / "policies" / "default.yml").write_text(POLICY)
    Authority.create(tmp_path / "certs", permitted_domains=domains())
    environment = {key: value for key, value in os.environ.items() if not key.startswith("EXCISE_")} | {
        "EXCISE_DATA": str(tmp_path / "data"),
        "EXCISE_CERTS": str(tmp_path / "certs"),
        "EXCISE_POLICIES": str(tmp_path / "policies"),
        "EXCISE_UPSTREAM_CA": str(standin.ca_file),
        "EXCISE_RESOLVE": ",".join((*standin.resolves(), *resolve)),
        "PYTHONUNBUFFERED": "1",
    }
    program = Path(sys.executable).parent / "mitmdump"
    arguments = ["--listen-host", "127.0.0.1", "-p", "0", "--set", f"confdir={tmp_path / 'conf'}", "-s", str(ADDON), *options]
    for script in scripts:
        arguments += ["-s", str(script)]
    process = await asyncio.create_subprocess_exec(
        str(program), *arguments, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        said = b""
        while b"listening at" not in said:
            line = await asyncio.wait_for(process.stdout.readline(), 30)
            said += line
            assert line, said.decode()
        port = int(said.rsplit(b":", 1)[1].strip().rstrip(b"."))
        yield port, process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def call(port: int, ca: Path, body: object, *, host: str = "api.openai.com") -> object:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    await writer.start_tls(ssl.create_default_context(cafile=str(ca)), server_hostname=host)
    writer.write(post(body, host=host))
    try:
        return await read_answer(reader, 8)
    finally:
        writer.close()


async def test_calls_pass_governed_and_metered_inside_a_stock_mitmdump(tmp_path):
    """
    `mitmdump -s addons/intercept.py` runs the same pipeline: plain and streamed calls, journal lines, our certificate.
    """
    async with StandIn() as standin, mitmdump(tmp_path, standin) as (port, _):
        ca = tmp_path / "certs" / ROOT_FILE
        assert (await call(port, ca, CHAT)).status == 200
        streamed = await call(port, ca, CHAT | {"stream": True})
        assert streamed.body.endswith(b"data: [DONE]\n\n")
        assert b'"usage"' not in streamed.body
        lines = b"".join(path.read_bytes() for path in (tmp_path / "data" / "journal").glob("*.ndjson"))
        assert lines.count(b'"kind":"close"') == 2


@pytest.mark.parametrize("what", ["raise RuntimeError('x')", "await asyncio.sleep(0); raise SystemExit(3)", "raise asyncio.CancelledError"])
async def test_a_failing_addon_beside_ours_does_not_open_the_gate(what, tmp_path):
    """
    Another script that raises, exits or cancels in a request hook, loaded before ours: nothing unsealed leaves, nobody hangs.
    """
    script = tmp_path / "failing.py"
    script.write_text(FAILING.format(hook="requestheaders", what=what))
    async with StandIn() as standin, mitmdump(tmp_path, standin, script) as (port, _):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await call(port, tmp_path / "certs" / ROOT_FILE, CHAT)
        bodies = [seen.request.body for seen in standin.seen]
        lines = b"".join(path.read_bytes() for path in (tmp_path / "data" / "journal").glob("*.ndjson"))
        assert len(bodies) <= lines.count(b'"kind":"open"')


async def test_a_script_that_changes_a_sealed_request_is_refused(tmp_path):
    """
    A later addon may not change what the pipeline approved.
    """
    script = tmp_path / "meddling.py"
    script.write_text("def request(flow):\n    flow.request.content = flow.request.content + b' '\n")
    async with StandIn() as standin, mitmdump(tmp_path, standin, script) as (port, _):
        answer = await call(port, tmp_path / "certs" / ROOT_FILE, CHAT)
        assert answer.status == 500
        assert standin.seen == []


async def test_dangerous_options_do_not_stay(tmp_path):
    """
    Options that would let bytes leave before they are read are set back by the addon.
    """
    options = ("--set", "stream_large_bodies=1k", "--set", "rawtcp=true", "--set", "websocket=true")
    async with StandIn() as standin, mitmdump(tmp_path, standin, options=options) as (port, _):
        body = CHAT | {"messages": [{"role": "user", "content": "x" * 50_000}]}
        assert (await call(port, tmp_path / "certs" / ROOT_FILE, body)).status == 200
        lines = b"".join(path.read_bytes() for path in (tmp_path / "data" / "journal").glob("*.ndjson"))
        assert lines.count(b'"kind":"open"') == 1


@pytest.mark.parametrize("spoil", [False, True])
async def test_a_name_that_cannot_be_read_is_not_passed_through(spoil, tmp_path):
    """
    A host outside the catalogue is tunnelled; not so where its ClientHello hides which host it means.
    """
    got: list[bytes] = []

    async def sink(reader, writer):
        got.append(await reader.read(65536))
        writer.close()

    server = await asyncio.start_server(sink, "127.0.0.1", 0)
    resolve = (f"front.example:443:127.0.0.1:{server.sockets[0].getsockname()[1]}",)
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="front.example").do_handshake()
    hello = out.read()
    if spoil:
        hello = hello.replace(b"front.example", b"api.openai\0co")
    async with StandIn() as standin, mitmdump(tmp_path, standin, resolve=resolve) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"CONNECT front.example:443 HTTP/1.1\r\nHost: front.example:443\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(hello)
        await asyncio.wait_for(reader.read(65536), 8)
        writer.close()
    assert got == ([] if spoil else [hello])
    server.close()
    await server.wait_closed()


async def test_a_client_without_our_ca_is_named_in_the_log(tmp_path):
    """
    Why its traffic is not seen; with the client's address and the host, after the second time.
    """
    async with StandIn() as standin, mitmdump(tmp_path, standin) as (port, process):
        for _ in range(2):
            with pytest.raises(ssl.SSLError):
                await call(port, standin.ca_file, CHAT)
        async with asyncio.timeout(8):
            while b"client refuses our certificate" not in (line := await process.stdout.readline()):
                assert line
    assert b"api.openai.com" in line
