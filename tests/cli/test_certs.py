"""
`excise certs` as an operator uses it.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from excise.cli import certs as command
from excise.errors import CertificateError, SettingsError
from excise.trust.authority import Authority
from excise.trust.directory import replace_file

CATALOGUE = ["openai.com", "anthropic.com"]


@pytest.fixture(autouse=True)
def catalogue(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """
    A catalogue of two providers, which a test may make grow.
    """
    domains = list(CATALOGUE)
    monkeypatch.setattr(command, "_catalogue_domains", lambda overlay: domains)
    return domains


def run(*arguments: str | Path, code: int = 0) -> str:
    app = typer.Typer(pretty_exceptions_enable=False)
    command.register(app)
    app.callback()(lambda: None)
    result = CliRunner().invoke(app, ["certs", *map(str, arguments)], catch_exceptions=False)

    assert result.exit_code == code, result.output
    return result.stdout


def shown(certs: Path, code: int = 0) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(run("show", "--certs", certs, "--json", code=code))
    return value


def test_init_then_show(tmp_path: Path) -> None:
    """
    One command makes everything clients and proxy need; `show` says what it is.
    """
    certs = tmp_path / "certs"
    made = json.loads(run("init", "--certs", certs, "--permit", "llm.test", "--json"))
    seen = shown(certs)

    assert made == {"root": str(certs / "excise-ca.pem"), "fingerprint_sha256": seen["root"]["fingerprint_sha256"]}
    assert seen["permitted_domains"] == ["anthropic.com", "llm.test", "openai.com"]
    assert seen["not_covered"] == seen["warnings"] == []
    assert set(seen["files"]) == {"excise-ca.pem", "intermediate.pem", "intermediate.key", "bundle.pem", "truststore.p12"}
    text = run("show", "--certs", certs)
    assert "all domains covered" in text
    assert seen["root"]["fingerprint_sha256"] in text


def test_show_without_a_ca(tmp_path: Path) -> None:
    """
    No CA is an error that names the command to make one; `excise` turns it into exit 1.
    """
    with pytest.raises(CertificateError, match="excise certs init"):
        run("show", "--certs", tmp_path)


def test_the_catalogue_grew(tmp_path: Path, catalogue: list[str]) -> None:
    """
    A provider the CA may not sign for makes `show` fail; renewing with the kept key covers it.
    """
    certs, kept = tmp_path / "certs", tmp_path / "root.key"
    run("init", "--certs", certs, "--keep-root-key", kept)
    root = Authority.load(certs).root
    catalogue.append("new.example")

    assert shown(certs, code=1)["not_covered"] == ["new.example"]
    assert "NOT covered: new.example" in run("show", "--certs", certs, code=1)
    assert json.loads(run("renew", "--certs", certs, "--keep-root-key", kept, "--json"))["renewed"] == "root-widened"
    assert shown(certs)["not_covered"] == []
    assert Authority.load(certs).root.public_key() == root.public_key()


def test_renew_says_what_clients_need(tmp_path: Path) -> None:
    """
    With the kept key nothing; without it, the new root, said in capitals, and the bundles hold it.
    """
    certs, kept = tmp_path / "certs", tmp_path / "root.key"
    run("init", "--certs", certs, "--keep-root-key", kept)

    assert "Clients need nothing" in run("renew", "--certs", certs, "--keep-root-key", kept)
    assert "NEW ROOT" in run("renew", "--certs", certs)
    assert (certs / "excise-ca.pem").read_text().strip() in (certs / "bundle.pem").read_text()


def test_passphrases_are_named_not_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Both keys can be encrypted; what is typed on the command line is only where the passphrase is.
    """
    certs, kept = tmp_path / "certs", tmp_path / "root.key"
    monkeypatch.setenv("SECRET", "s3cret")
    run("init", "--certs", certs, "--keep-root-key", kept, "--root-passphrase", "env:SECRET", "--passphrase", "env:SECRET")

    assert b"ENCRYPTED" in kept.read_bytes()
    assert b"ENCRYPTED" in (certs / "intermediate.key").read_bytes()
    with pytest.raises(CertificateError, match="is encrypted"):
        run("show", "--certs", certs)
    monkeypatch.setenv("EXCISE_CA_PASSPHRASE", "env:SECRET")
    assert shown(certs)["permitted_domains"] == sorted(CATALOGUE)


def test_a_broken_ca_can_be_told_from_none(tmp_path: Path) -> None:
    """
    A damaged file is named, and with it what to do.
    """
    certs = tmp_path / "certs"
    run("init", "--certs", certs)
    replace_file(certs / "intermediate.pem", b"", 0o600)

    with pytest.raises(CertificateError, match=r"broken: intermediate\.pem"):
        run("show", "--certs", certs)


def test_show_counts_domains_and_lists_them_when_asked(tmp_path: Path) -> None:
    """
    The catalogue has hundreds: a count is what a terminal can take.
    """
    run("init", "--certs", tmp_path)
    counted, listed = run("show", "--certs", tmp_path), run("show", "--certs", tmp_path, "--domains")

    assert "permitted     2 domains" in counted
    assert "openai.com" not in counted
    assert "permitted     anthropic.com\n              openai.com\n" in listed


def test_publish_gives_others_what_they_trust_and_no_key(tmp_path: Path) -> None:
    """
    The CA's folder is closed to other users; the published one is open, holds three public files, and follows a renewal.
    """
    certs, target = tmp_path / "certs", tmp_path / "etc" / "excise"
    run("init", "--certs", certs)
    previous = os.umask(0o077)
    try:
        said = json.loads(run("publish", target, "--certs", certs, "--json"))
    finally:
        os.umask(previous)
    first = (target / "excise-ca.pem").read_bytes()

    assert said["files"] == [str(target / name) for name in ("excise-ca.pem", "bundle.pem", "truststore.p12")]
    assert {path.name for path in target.iterdir()} == {"excise-ca.pem", "bundle.pem", "truststore.p12"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in target.iterdir()} == {0o644}
    assert stat.S_IMODE(target.stat().st_mode) == 0o755
    run("renew", "--certs", certs)
    run("publish", target, "--certs", certs)
    assert (target / "excise-ca.pem").read_bytes() == (certs / "excise-ca.pem").read_bytes() != first


def test_publish_warns_of_a_closed_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Files others cannot come to are not published; and the CA's own folder is never opened.
    """
    certs, closed = tmp_path / "certs", tmp_path / "closed"
    run("init", "--certs", certs)
    closed.mkdir(mode=0o700)
    app = typer.Typer(pretty_exceptions_enable=False)
    command.register(app)
    app.callback()(lambda: None)

    assert f"{closed} is closed to other users" in CliRunner().invoke(app, ["certs", "publish", str(closed), "--certs", str(certs)]).stderr
    with pytest.raises(SettingsError, match="stays closed"):
        run("publish", certs, "--certs", certs)
