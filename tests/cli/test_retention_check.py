"""
An administrator's question to a provider, over real TLS.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from excise.catalog.retention import load_retention
from excise.cli import retention
from excise.standin.authority import Authority

RUN = CliRunner()
APP = typer.Typer()
retention.register(APP)
KEY = "admin-" + "k3y" * 9
ENTRY = """
version: 1
providers:
- id: openai
  default: {{says: It keeps things.}}
  unattested: pass
  attest: nothing
  verify:
  - {{admin: {{method: GET, url: 'https://localhost:{port}/organization', json: type, expected: [zero, enhanced]}}}}
  - {{admin: {{method: GET, url: 'https://localhost:{port}/projects/{{project}}', json: properties.capabilities,
      expected: ['ContentLogging=false']}}}}
  checked_on: '2026-11-22'
  expires_on: '2099-01-01'
  source: ['https://localhost/']
"""


class Server:
    """
    A provider's admin API. `answers`: path -> status and body; `seen`: what was asked, with its headers.
    """

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.headers: dict[str, str] = {}
        self.seen: list[tuple[str, str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.seen.append((self.path, self.headers["authorization"]))
                status, body = outer.answers.get(self.path, (404, b"{}"))
                self.send_response(status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.authority = Authority()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authority.leaf("localhost"))
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.port: int = self.http.server_address[1]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """
    A provider whose certificate is trusted, and an entry that leads there; a proxy in the environment that would break everything.
    """
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever, daemon=True)
    thread.start()
    overlay = tmp_path / "retention.yml"
    overlay.write_text(ENTRY.format(port=made.port))
    book = load_retention(overlay)
    monkeypatch.setattr(retention, "load_retention", lambda: book)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority.ca_file))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ADMIN_KEY", KEY)
    yield made
    made.http.shutdown()
    made.http.server_close()
    thread.join()
    made.authority.close()


def check(*more: str, key: str = "env:ADMIN_KEY") -> Any:
    return RUN.invoke(APP, ["retention", "check", "openai", "--key", key, *more])


def body(value: Any) -> tuple[int, bytes]:
    return 200, json.dumps(value).encode()


def test_what_is_as_it_should_be_is_verified(server: Server) -> None:
    """
    Exit 0, the field's value shown, the key sent as a bearer token and shown nowhere; no proxy is asked.
    """
    server.answers["/organization"] = body({"type": "zero", "contact": "somebody-private"})
    shown = check()

    assert shown.exit_code == 0, shown.output
    assert "verified" in shown.output and "zero" in shown.output and "--with project=" in shown.output
    assert KEY not in shown.output and "somebody-private" not in shown.output
    assert server.seen == [("/organization", f"Bearer {KEY}")]


def test_a_hole_in_the_url_is_filled(server: Server, tmp_path: Path) -> None:
    """
    Pairs of name and value are compared as NAME=VALUE; the key may be in a file.
    """
    (tmp_path / "key").write_text(KEY + "\n")
    server.answers["/organization"] = body({"type": "enhanced"})
    server.answers["/projects/p-1"] = body(
        {"properties": {"capabilities": [{"name": "A", "value": 1}, {"name": "ContentLogging", "value": "false"}]}}
    )
    shown = check("--with", "project=p-1", "--json", key=f"file:{tmp_path / 'key'}")
    told = json.loads(shown.output)

    assert shown.exit_code == 0
    assert told["verified"] is True
    assert [(one["outcome"], one["said"]) for one in told["checks"]] == [("verified", "enhanced"), ("verified", "ContentLogging=false")]


@pytest.mark.parametrize(
    ("answer", "outcome", "said"),
    [
        (body({"type": "modified_abuse_monitoring"}), "not so", "modified_abuse_monitoring"),
        (body({"kind": "zero"}), "not so", "does not have it"),
        (body({"type": {"zero": True}}), "not so", "does not have it"),
        ((200, b"<html>private words</html>"), "not reachable", "no JSON"),
        ((200, b'"' + b"x" * (1 << 20) + b'"'), "not reachable", "too long"),
        ((401, b'{"error": "private words"}'), "not reachable", "key is refused (HTTP 401)"),
        ((500, b"private words"), "not reachable", "HTTP 500"),
    ],
)
def test_anything_else_is_not_verified(answer: tuple[int, bytes], outcome: str, said: str, server: Server) -> None:
    """
    Exit 1, and of the answer no more than the field is shown.
    """
    server.answers["/organization"] = answer
    shown = check()

    assert shown.exit_code == 1
    assert outcome in shown.output and said in shown.output
    assert "private words" not in shown.output and KEY not in shown.output


def test_one_that_is_not_so_outweighs_one_that_is(server: Server) -> None:
    """
    An organisation that keeps nothing and a project that does are not verified.
    """
    server.answers["/organization"] = body({"type": "zero"})
    server.answers["/projects/p-1"] = body({"properties": {"capabilities": [{"name": "ContentLogging", "value": "true"}]}})

    assert check("--with", "project=p-1").exit_code == 1


def test_a_redirect_is_not_followed(server: Server) -> None:
    """
    The key would go where nobody sent it.
    """
    server.answers["/organization"] = (302, b"")
    server.headers["location"] = "/elsewhere"
    shown = check()

    assert shown.exit_code == 1 and "it redirects" in shown.output
    assert [path for path, _ in server.seen] == ["/organization"]


def test_a_certificate_that_does_not_hold_ends_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Nothing is sent to a server nobody vouches for.
    """
    monkeypatch.delenv("SSL_CERT_FILE")
    shown = check()

    assert shown.exit_code == 1 and "certificate does not hold" in shown.output
    assert server.seen == []


def test_nobody_there(server: Server) -> None:
    """
    A closed port is "not reachable", not a traceback.
    """
    server.http.socket.close()
    shown = check()

    assert shown.exit_code == 1 and "not reachable" in shown.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["openai", "--key", KEY], "named as env:NAME or file:PATH"),
        (["openai", "--key", "env:NOT_SET_ANYWHERE"], "not set"),
        (["openai", "--key", "file:/nowhere/key"], "cannot read a key"),
        (["openai", "--key", "env:ADMIN_KEY", "--with", "project=a/../b"], "expected NAME=VALUE"),
        (["xai", "--key", "env:ADMIN_KEY"], "nothing an administrator could ask"),
        (["nobody", "--key", "env:ADMIN_KEY"], "nothing an administrator could ask"),
    ],
)
def test_wrong_use(arguments: list[str], said: str, server: Server) -> None:
    """
    Exit 2, before anything is asked; a key typed in place of its name is not repeated.
    """
    shown: Any = RUN.invoke(APP, ["retention", "check", *arguments])

    assert shown.exit_code == 2
    assert said in " ".join(shown.output.replace("│", " ").split())
    assert KEY not in shown.output
    assert server.seen == []


def test_the_shipped_entries_can_be_asked() -> None:
    """
    Each administrator's call has a URL whose holes the command can fill.
    """
    from excise.cli.verification import Outcome, verify

    calls = [rule.admin for spec in load_retention().providers.values() for rule in spec.verify if rule.admin is not None]
    skipped = [verify(call, KEY, {}) for call in calls if "{" in call.url]

    assert len(calls) > 3
    assert {one.outcome for one in skipped} == {Outcome.SKIPPED}
    assert all("--with" in one.said for one in skipped)
