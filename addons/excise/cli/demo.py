"""
`excise demo`: the whole product in some seconds, on this machine alone: a stand-in provider, the proxy, some calls, the ledger they leave.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from excise.errors import Unavailable
from excise.standin import StandIn, running

START_SECONDS = 20.0
LEDGER_SECONDS = 10.0
KEY = "standin-demo-key"
POLICY = """\
version: 1
providers:
  - {provider: anthropic, key: "file:provider.key"}
routes:
  - {name: moved to Claude, when: {model: "gpt-4.1"}, to: anthropic/claude-haiku-4-5}
rules:
  - name: no large models
    when: {model: "gpt-4o"}
    then: deny
    reason: large models need approval; use gpt-4o-mini
redact:
  - name: everything
    profile: [secrets, pii]
default: allow
"""
COLUMNS = """
    select model_requested as model, model_routed as sent_to, status, http_status as http,
        input_tokens as input, cache_read_tokens as cached, output_tokens as output, cost_usd, redactions_total as redacted
    from calls order by started_at
"""


@dataclass(frozen=True, slots=True)
class DemoCall:
    """
    One call: what it shows, and how it is made. `run` returns what the client got.
    """

    shows: str
    run: Callable[[], str]


def register(app: typer.Typer) -> None:
    """
    Add the command to the program.
    """
    app.command("demo")(demo)


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the demo's folder (journal, ledger, CA, log) in place.")] = False,
) -> None:
    """
    Show it working: a local stand-in provider, a few calls, and the ledger they leave. Nothing leaves this machine.
    """
    from rich.console import Console

    console = Console()
    home = Path(tempfile.mkdtemp(prefix="excise-demo-"))
    try:
        with running() as standin, _proxy(home, standin) as ready:
            console.print(f"proxy [b]{ready['proxy_url']}[/], stand-in for the providers on port {standin.port}\n")
            calls = [*_calls(), *_routed(standin), *_redacted(standin)]
            with _environment(ready):
                for call in calls:
                    console.print(f"[b]{call.shows:<40}[/] {call.run()}", highlight=False, no_wrap=True, overflow="ellipsis")
            console.print(_ledger(home, len(calls) - 2))  # two lines only look at what a call left
    finally:
        if not keep:
            shutil.rmtree(home, ignore_errors=True)
    if keep:
        console.print("Journal, ledger, CA and log stay. Ask the ledger yourself:")
        console.print(f"  duckdb -readonly {home}/data/usage.duckdb 'from spend_by_team'", soft_wrap=True, highlight=False)
    else:
        console.print("The demo's folder is gone; --keep leaves it. For real traffic: excise up")


@contextlib.contextmanager
def _proxy(home: Path, standin: StandIn) -> Iterator[dict[str, Any]]:
    policies = home / "policies"
    policies.mkdir()
    (policies / "demo.yml").write_text(POLICY)
    (policies / "provider.key").write_text(f"{KEY}-of-the-house")
    command = [sys.executable, "-c", "from excise.cli import main; main()", "up", "--listen", "127.0.0.1:0", "--publish-seconds", "0.5"]
    command += ["--data", str(home / "data"), "--certs", str(home / "certs"), "--policies", str(policies)]
    command += ["--upstream-ca", str(standin.ca_file), "--allow-private", "127.0.0.0/8"]
    for place in standin.resolves():
        command += ["--resolve", place]
    # Our own variables would outweigh nothing here, but a setting of the caller's installation has no place in a demo.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EXCISE_")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
    with (home / "proxy.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)  # noqa: S603  # our own command
    try:
        yield _ready(home, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _ready(home: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    file = home / "data" / "ready.json"
    deadline = time.monotonic() + START_SECONDS
    while not file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise Unavailable("the proxy did not start:\n" + (home / "proxy.log").read_text(errors="replace")[-2000:])
        time.sleep(0.02)
    told: dict[str, Any] = json.loads(file.read_text())
    return told


@contextlib.contextmanager
def _environment(ready: dict[str, Any]) -> Iterator[None]:
    # What `excise run` sets for a child, here for the SDKs in this process; put back afterwards.
    wanted = {
        "HTTPS_PROXY": ready["proxy_url"],
        "https_proxy": ready["proxy_url"],
        "SSL_CERT_FILE": ready["ca"],
        "NO_PROXY": "",
        "no_proxy": "",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _ledger(home: Path, count: int) -> Any:
    import duckdb
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    file = home / "data" / "usage.duckdb"
    deadline = time.monotonic() + LEDGER_SECONDS
    rows: list[tuple[Any, ...]] = []
    while len(rows) < count:
        if time.monotonic() > deadline:
            raise Unavailable(f"{len(rows)} of {count} calls are in the ledger after {LEDGER_SECONDS:.0f} s")
        time.sleep(0.1)
        if file.exists():
            with duckdb.connect(str(file), read_only=True) as ledger:
                result = ledger.execute(COLUMNS)
                names = [column[0] for column in result.description]
                rows = result.fetchall()
    table = Table(title="calls in usage.duckdb", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in names:
        table.add_column(name, justify="left" if name in ("model", "status") else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(_cell, row))
    return table


def _cell(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return "-" if value is None else str(value)


def _calls() -> list[DemoCall]:
    calls = [*_openai_calls(), *_anthropic_calls()]
    google = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash"
    body = {"contents": [{"role": "user", "parts": [{"text": "think hard: what leaves the harbour?"}]}]}
    key = {"x-goog-api-key": KEY}
    calls.append(DemoCall("Gemini, plain HTTP", lambda: _post(f"{google}:generateContent", body, key)))
    calls.append(DemoCall("Gemini, plain HTTP, stream", lambda: _post(f"{google}:streamGenerateContent?alt=sse", body, key)))
    return calls


def _routed(standin: StandIn) -> list[DemoCall]:
    """
    A call that is answered by another provider: what the client gets, and what the provider got.
    """
    url, key = "https://api.openai.com/v1/chat/completions", {"authorization": f"Bearer {KEY}"}
    body = {"model": "gpt-4.1", "seed": 7, "messages": [{"role": "user", "content": "who moved?"}]}

    def ask() -> str:
        answer = json.loads(_ask(url, body, key)[1])
        return _short(f"{answer['object']}, {answer['model']}: {answer['choices'][0]['message']['content']}")

    def seen() -> str:
        request = standin.seen[-1].request
        return _short(f"{request.host}{request.path}: {request.body.decode()}")

    return [DemoCall("moved by a route, as the client sees it", ask), DemoCall("the same, as the provider saw it", seen)]


def _redacted(standin: StandIn) -> list[DemoCall]:
    """
    A call with an address in it: what the client sees, and what the provider saw.
    """
    url, key = "https://api.openai.com/v1/chat/completions", {"authorization": f"Bearer {KEY}"}
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "echo: write to jane.doe@example.com"}]}

    def ask() -> str:
        answer: str = json.loads(_ask(url, body, key)[1])["choices"][0]["message"]["content"]
        return answer.strip()

    def seen() -> str:
        prompt: str = json.loads(standin.seen[-1].request.body)["messages"][0]["content"]
        return prompt.removeprefix("echo: ")

    return [DemoCall("an address, as the client sees it", ask), DemoCall("the same, as the provider saw it", seen)]


def _openai_calls() -> list[DemoCall]:
    def ask(model: str, text: str = "what leaves the harbour?", **more: Any) -> dict[str, Any]:
        return {"model": model, "messages": [{"role": "user", "content": text}], **more}

    if importlib.util.find_spec("openai") is None:
        url, key = "https://api.openai.com/v1/chat/completions", {"authorization": f"Bearer {KEY}"}
        return [
            DemoCall("OpenAI, plain HTTP", lambda: _post(url, ask("gpt-4o-mini"), key)),
            DemoCall("OpenAI, plain HTTP, stream", lambda: _post(url, ask("gpt-4o-mini", stream=True), key)),
            DemoCall("OpenAI, denied by policy", lambda: _post(url, ask("gpt-4o"), key)),
            DemoCall("OpenAI, no such model", lambda: _post(url, ask("gpt-99"), key)),
        ]
    sdk: Any = importlib.import_module("openai")

    def complete(model: str, text: str = "what leaves the harbour?") -> str:
        with sdk.OpenAI(api_key=KEY, max_retries=0) as client:
            try:
                answer = client.chat.completions.create(**ask(model, text))
            except sdk.APIStatusError as error:
                return _short(f"{type(error).__name__}: {error.message}")
            return _short(answer.choices[0].message.content)

    def stream() -> str:
        with sdk.OpenAI(api_key=KEY, max_retries=0) as client:
            chunks = client.chat.completions.create(**ask("gpt-4o-mini", stream=True))
            return _short("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices))

    return [
        DemoCall("OpenAI SDK", lambda: complete("gpt-4o-mini")),
        DemoCall("OpenAI SDK, half from its cache", lambda: complete("gpt-4.1-mini", "from cache: " + "ships " * 40)),
        DemoCall("OpenAI SDK, stream", stream),
        DemoCall("OpenAI SDK, denied by policy", lambda: complete("gpt-4o")),
        DemoCall("OpenAI SDK, no such model", lambda: complete("gpt-99")),
    ]


def _anthropic_calls() -> list[DemoCall]:
    ask: dict[str, Any] = {
        "model": "claude-haiku-4-5",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "who counts the lanterns?"}],
    }
    if importlib.util.find_spec("anthropic") is None:
        url, key = "https://api.anthropic.com/v1/messages", {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
        return [
            DemoCall("Anthropic, plain HTTP", lambda: _post(url, ask, key)),
            DemoCall("Anthropic, plain HTTP, stream", lambda: _post(url, {**ask, "stream": True}, key)),
        ]
    sdk: Any = importlib.import_module("anthropic")

    def create() -> str:
        with sdk.Anthropic(api_key=KEY, max_retries=0) as client:
            return _short(client.messages.create(**ask).content[0].text)

    def stream() -> str:
        with sdk.Anthropic(api_key=KEY, max_retries=0) as client, client.messages.stream(**ask) as events:
            return _short("".join(events.text_stream))

    return [DemoCall("Anthropic SDK", create), DemoCall("Anthropic SDK, stream", stream)]


def _post(url: str, body: dict[str, Any], headers: dict[str, str]) -> str:
    status, content = _ask(url, body, headers)
    return _short(f"{status}, {len(content)} bytes" if status < 400 else f"{status}: {content.decode(errors='replace')}")


def _ask(url: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
    # urllib finds proxy and trust in the environment, as every client does.
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json", **headers})  # noqa: S310  # https above
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def _short(text: str) -> str:
    flat = " ".join(text.split()).replace("[", "\\[")
    return flat if len(flat) <= 90 else flat[:89] + "…"
