"""
The program as an operator meets it: starting, stopping, dying, and what it says of itself meanwhile.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from e2e.proxy import EXCISE, REPOSITORY, Proxy, running_proxy
from e2e.tunnel import Tunnel, request
from e2e.ways import Way
from excise.standin import StandIn

HOST = "api.openai.com"
SLOW = {"authorization": "Bearer standin-k", "x-standin": "pause_ms=1500"}


def excise(*arguments: str, cwd: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and not name.startswith("EXCISE_")}
    environment |= {"PYTHONPATH": str(REPOSITORY / "addons"), **extra}
    return subprocess.run([EXCISE, *arguments], capture_output=True, text=True, timeout=60, check=False, cwd=cwd, env=environment)


async def stream_slowly(way: Way) -> Tunnel:
    """
    A call whose answer has begun and takes many seconds.
    """
    tunnel = await Tunnel.open(way, HOST)
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "slowly"}], "stream": True}
    await tunnel.send(request(HOST, "/v1/chat/completions", body, SLOW))
    await tunnel.reader.readuntil(b"\r\n\r\n")
    return tunnel


def test_ready_means_that_the_ledger_is_there(standin: StandIn, home: Path) -> None:
    """
    Whoever waits for ready.json can query the ledger at once, also on the first day, and every process named in it lives.
    """
    with running_proxy(home, standin, flags=["--workers", "2"]) as proxy:
        assert proxy.query("select count(*) as n from calls") == [{"n": 0}]
        pids = proxy.pids()
        assert all(proxy.owns(pid) or Path(f"/proc/{pid}").exists() for pid in (*pids["workers"], pids["ledger"]))
        output = proxy.output()

    assert f"excise ready on 127.0.0.1:{proxy.port}" in output
    assert "  made a CA " in output
    assert f"{EXCISE} run -- python app.py" in output
    assert proxy.output().endswith("excise: stopped\n")


def test_a_ledger_that_is_taken_is_an_error(home: Path) -> None:
    """
    Somebody else's ledger process holds the directory: that is said, and nothing stays.
    """
    data = home / "data"
    data.mkdir()
    with (data / "ledger.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711")
        lock.flush()
        done = excise("up", "--listen", "127.0.0.1:0", "--data", str(data), "--certs", str(home / "certs"), cwd=home)

    assert done.returncode == 1
    assert f"excise: ledger did not start: {data}: another ledger process (pid 4711) serves this directory" in done.stderr
    assert not (data / "ready.json").exists()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--listen", "8080"], "--listen (EXCISE_LISTEN): '8080': expected HOST:PORT"),
        (["--resolve", "a"], "--resolve (EXCISE_RESOLVE): 'a': expected HOST:PORT:ADDR[:PORT]"),
        (["--workers", "0"], "--workers (EXCISE_WORKERS): Input should be greater than or equal to 1"),
    ],
)
def test_wrong_settings_are_wrong_use(home: Path, arguments: list[str], text: str) -> None:
    """
    Exit 2, one line, in our words, and no process is left waiting for its order.
    """
    done = excise("up", *arguments, cwd=home)

    assert done.returncode == 2
    assert done.stderr.startswith(f"excise: {text}")
    assert "Value error" not in done.stderr
    assert list(home.iterdir()) == []


def test_a_listener_for_everybody_is_said(home: Path) -> None:
    """
    Once, by the supervisor, and not when policy asks who calls.
    """
    (home / "asks").mkdir()
    (home / "asks/default.yml").write_text("version: 1\ndefaults: {require_principal: true}\ndefault: allow\n")
    texts = []
    for number, extra in enumerate(([], ["--policies", "asks"])):
        command = [EXCISE, "up", "--listen", "0.0.0.0:0", "--data", f"data{number}", "--certs", "certs", "--quiet", *extra]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=home) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("excise ready on 0.0.0.0:")
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=40)
            assert (out, process.returncode) == ("", 0)
            texts.append(err)

    assert texts[0].count("--listen 0.0.0.0: anybody who reaches it") == 1
    assert "anybody" not in texts[1]


def test_what_a_killed_proxy_leaves_is_not_believed(standin: StandIn, home: Path) -> None:
    """
    After `kill -9` of the supervisor its children end too; ready.json stays, and `env` and `run` say that nobody answers.
    """
    with running_proxy(home, standin) as proxy:
        data = str(proxy.data)
        assert excise("env", "--data", data, cwd=home).returncode == 0
        pids = proxy.pids()
        os.kill(pids["supervisor"], signal.SIGKILL)
        deadline = time.monotonic() + 20
        while any(proxy.owns(pid) or _alive(pid) for pid in (*pids["workers"], pids["ledger"])):
            assert time.monotonic() < deadline, "a child outlives its supervisor"
            time.sleep(0.05)
        assert (proxy.data / "ready.json").exists()
        told = [excise("env", "--data", data, cwd=home), excise("run", "--data", data, "--", "true", cwd=home)]
        proxy.kill()
        proxy.start()
        assert excise("env", "--data", data, cwd=home).returncode == 0

    for done in told:
        assert (done.returncode, done.stdout) == (1, "")
        assert f"no proxy answers at 127.0.0.1:{proxy.port}" in done.stderr


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_the_second_signal_does_not_wait_for_calls(own_standin: StandIn, home: Path) -> None:
    """
    One signal drains; the second ends calls at once, says so by its exit code, and the ledger has the cut-off call all the same.
    """
    proxy = Proxy(home, own_standin)
    try:
        await asyncio.to_thread(proxy.start)
        tunnel = await stream_slowly(Way(own_standin, proxy))
        process = proxy._process
        assert process is not None
        process.send_signal(signal.SIGINT)
        await asyncio.to_thread(proxy.until, lambda: "draining" in proxy.output(), 10, "word of the drain")
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        code = await asyncio.to_thread(process.wait, 20)
        seconds = time.monotonic() - began
        tunnel.abort()
        assert code == 130
        assert seconds < 6
        assert "ending now" in proxy.output()
        assert "child died" not in proxy.output()
        assert proxy.query("select status, error_type from calls") == [{"status": "unknown", "error_type": "worker_died"}]
    finally:
        proxy.kill()


async def test_tail_knows_who_called(own_standin: StandIn, home: Path) -> None:
    """
    The end of a call is shown with its beginning: who, provider, model; for eyes and for programs.
    """
    with running_proxy(home, own_standin) as proxy:
        async with await Tunnel.open(Way(own_standin, proxy), HOST) as tunnel:
            body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}
            await tunnel.send(request(HOST, "/v1/chat/completions", body, {"authorization": "Bearer standin-k"}))
            assert (await tunnel.answer()).status == 200
        await asyncio.to_thread(proxy.calls, 1)
        for_eyes = await asyncio.to_thread(excise, "tail", "--no-follow", "--data", str(proxy.data), cwd=home)
        for_programs = await asyncio.to_thread(excise, "tail", "--no-follow", "--json", "--data", str(proxy.data), cwd=home)

    record = json.loads(for_programs.stdout)
    assert record["kind"] == "close"
    assert (record["provider_requested"], record["model_requested"]) == ("openai", "gpt-4o-mini")
    assert record["principal_id"].startswith("fp_")
    assert f"{record['principal_id']}  openai gpt-4o-mini" in for_eyes.stdout
