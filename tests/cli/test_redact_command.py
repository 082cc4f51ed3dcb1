"""
`excise redact`: what would be taken out of a text.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from excise.cli import redact as module
from excise.cli.application import build
from excise.privacy.detect.scanner import Scanner

MAIL = "jane.doe@example.com"
RUN = CliRunner()


def run(*arguments: str, text: str | bytes | None = None, data: Path):  # type: ignore[no-untyped-def]
    return RUN.invoke(build("redact"), ["redact", "--data", str(data), *arguments], input=text)


def test_a_text_comes_out_as_it_would_leave(tmp_path: Path) -> None:
    """
    The findings on the error output, with line and column; the text on the other.
    """
    result = run("--profile", "pii", text=f"hello\n  to {MAIL}!\n", data=tmp_path)

    assert result.exit_code == 0
    assert result.stdout.startswith("hello\n  to EMAIL_")
    assert "-:2:6: EMAIL by " in result.stderr
    assert MAIL not in result.output


def test_lines_of_json_in_and_out(tmp_path: Path) -> None:
    """
    Offsets are code points, end exclusive; a line that is none says so, and the rest goes on.
    """
    lines = [json.dumps({"text": f"🐦 {MAIL} 🐦"}), "[1]", json.dumps({"text": "plain"}), json.dumps({"text": "a" + "\ud800"})]
    result = run("--jsonl", "--profile", "pii", text="\n".join(lines) + "\n", data=tmp_path)
    first, wrong, plain, _ = map(json.loads, result.stdout.splitlines())

    (span,) = first["spans"]
    assert span == {"start": 2, "end": 2 + len(MAIL), "type": "EMAIL", "detector": span["detector"], "action": "pseudonymise"}
    assert first["redacted"].startswith("🐦 EMAIL_")
    assert "error" in wrong
    assert plain == {"spans": [], "redacted": "plain"}


def test_the_scanner_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    However many lines come.
    """
    made = []
    monkeypatch.setattr(module, "scanner_maker", lambda *_, **__: lambda rules: made.append(1) or Scanner(rules))
    lines = "".join(json.dumps({"text": f"{number} {MAIL}"}) + "\n" for number in range(20))
    result = run("--jsonl", "--profile", "pii", text=lines, data=tmp_path)

    assert len(result.stdout.splitlines()) == 20
    assert made == [1]


def test_a_policy_decides(tmp_path: Path) -> None:
    """
    Its entry, its actions, its own detectors.
    """
    (tmp_path / "default.yml").write_text(
        "version: 1\nredact:\n  - {name: none, when: {provider: openai}, profile: off}\n"
        "  - {name: some, profile: pii, actions: {EMAIL: mask}}\n"
        "detect: {patterns: [{name: badge, pattern: 'B-[0-9]{6}'}]}\ndefault: allow\n"
    )
    result = run("--policies", str(tmp_path), "--json", text=f"{MAIL} B-123456", data=tmp_path)
    said = json.loads(result.stdout)

    assert [(span["type"], span["action"]) for span in said["spans"]] == [("EMAIL", "mask"), ("CUSTOM", "pseudonymise")]
    assert said["redacted"].startswith("******** CUSTOM_")


def test_what_is_blocked_is_said_and_left(tmp_path: Path) -> None:
    """
    The proxy would refuse the call, so there is nothing that would leave.
    """
    (tmp_path / "default.yml").write_text("version: 1\nredact: [{name: a, profile: pii, actions: {EMAIL: block}}]\ndefault: allow\n")
    result = run("--policies", str(tmp_path), "--json", text=MAIL, data=tmp_path)

    assert json.loads(result.stdout)["spans"][0]["action"] == "block"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--profile", "everything"], "no such profile"),
        (["nowhere.txt"], "nowhere.txt"),
        (["--profile", "pii", "--policies", "."], "exclude each other"),
    ],
)
def test_wrong_arguments_are_said(arguments: list[str], says: str, tmp_path: Path) -> None:
    """
    With exit status 2.
    """
    result = run(*arguments, text="", data=tmp_path)

    assert result.exit_code == 2
    assert says in result.output
