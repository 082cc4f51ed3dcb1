"""
`excise keys`: what is printed where, what is kept, and what it says when it cannot.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from excise.access.keys import KeyStore
from excise.cli import keys
from excise.errors import SettingsError

RUN = CliRunner()
APP = typer.Typer()
keys.register(APP)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def run(data: Path, *arguments: str) -> Result:
    return RUN.invoke(APP, ["keys", *arguments, "--data", str(data)])


def made(data: Path, *arguments: str) -> Any:
    done = run(data, "create", *arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def store(data: Path) -> KeyStore:
    return KeyStore(data / "state/keys.json")


def test_the_key_alone_stands_on_standard_output(data: Path) -> None:
    """
    So it can be piped into a secret store; what people are told goes elsewhere, without the key.
    """
    done = run(data, "create", "checkout")

    assert done.exit_code == 0
    secret = done.stdout.removesuffix("\n")
    assert store(data).find(secret).name == "checkout"
    assert "only time" in done.stderr and secret not in done.stderr


def test_everything_said_of_a_key_is_kept_and_listed(data: Path) -> None:
    """
    As JSON; the list shows neither key nor digest.
    """
    said = ["--team", "payments", "--app", "till", "--user", "ada", "--cost-centre", "4711", "--env", "prod"]
    key = made(data, "checkout", *said, "--tag", "a=1", "--tag", "b=2=3", "--model", "fast", "--model", "anthropic/*", "--expires", "90d")

    listed = run(data, "list", "--json")
    (row,) = json.loads(listed.stdout)["keys"]
    assert row == {name: value for name, value in key.items() if name != "key"}
    assert (row["team"], row["app"], row["user"], row["cost_centre"], row["env"]) == ("payments", "till", "ada", "4711", "prod")
    assert (row["tags"], row["models"], row["state"], row["revoked_at"]) == ({"a": "1", "b": "2=3"}, ["fast", "anthropic/*"], "works", None)
    assert timedelta(days=89) < datetime.fromisoformat(row["expires_at"]) - datetime.now(UTC) <= timedelta(days=90)
    digest = store(data).all()[0].digest
    assert key["key"] not in listed.stdout and digest not in listed.stdout


def test_the_table_shows_state_and_nothing_of_anybodys_markup(data: Path) -> None:
    """
    Names are text; a file edited by hand cannot colour a terminal.
    """
    made(data, "[red]checkout[/red]")
    gone = made(data, "gone")
    run(data, "revoke", gone["id"])
    file = data / "state/keys.json"
    file.write_text(file.read_text().replace("gone", "go\\u001b[31mne"))

    shown = run(data, "list").stdout

    assert "[red]checkout[/red]" in shown and "\x1b" not in shown and "go\ufffd[31mne" in shown
    assert "works" in shown and "it was revoked" in shown


def test_an_empty_list_says_how_to_make_one(data: Path) -> None:
    """
    As a table; as JSON it is an empty list.
    """
    assert "excise keys create NAME" in run(data, "list").stdout
    assert json.loads(run(data, "list", "--json").stdout) == {"keys": []}


def test_rotating_prints_another_and_says_until_when_the_old_one_works(data: Path) -> None:
    """
    Both work until then.
    """
    key = made(data, "checkout")
    done = run(data, "rotate", key["id"], "--grace", "2h")

    new = done.stdout.strip()
    assert new != key["key"] and store(data).find(new).id == store(data).find(key["key"]).id == key["id"]
    assert "The old one works until" in done.stderr
    (row,) = json.loads(run(data, "list", "--json").stdout)["keys"]
    assert timedelta(hours=1.9) < datetime.fromisoformat(row["old_secret_until"]) - datetime.now(UTC) <= timedelta(hours=2)


def test_without_grace_the_old_one_ends_at_once(data: Path) -> None:
    """
    What to do when it is in the wrong hands.
    """
    key = made(data, "checkout")
    new = json.loads(run(data, "rotate", key["id"], "--grace", "0m", "--json").stdout)

    assert store(data).find(new["key"]) and new["old_secret_until"] is None
    with pytest.raises(Exception, match="not known"):
        store(data).find(key["key"])


def test_revoking_says_what_ended(data: Path) -> None:
    """
    In words, or as the row; twice is no error.
    """
    key = made(data, "checkout")

    assert run(data, "revoke", key["id"]).stdout == f"{key['id']} (checkout) does not work any more\n"
    again = json.loads(run(data, "revoke", key["id"], "--json").stdout)
    assert again["state"] == "it was revoked" and again["revoked_at"] is not None


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", " "],
        ["create", "a\nb"],
        ["create", "x" * 257],
        ["create", "a", "--team", "\x1b[31m"],
        ["create", "a", "--tag", "no-value"],
        ["create", "a", "--tag", "=1"],
        ["create", "a", "--tag", "a=1", "--tag", "a=2"],
        ["create", "a", "--model", ""],
        ["create", "a", "--expires", "soon"],
        ["create", "a", "--expires", "0d"],
        ["create", "a", "--expires", "-1d"],
        ["rotate", "a", "--grace", "1y"],
        ["rotate"],
        ["create"],
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(data: Path, arguments: list[str]) -> None:
    """
    Exit 2, nothing is made.
    """
    done = run(data, *arguments)

    assert done.exit_code == 2 and not (data / "state").exists()


@pytest.mark.parametrize("command", ["rotate", "revoke"])
def test_an_unknown_id_is_told(data: Path, command: str) -> None:
    """
    With what shows the known ones.
    """
    done = run(data, command, "nosuchkey")

    assert isinstance(done.exception, SettingsError) and "excise keys list" in done.exception.message


def program(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    code = "from excise.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "keys", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        check=False,
    )


def test_as_a_program_faults_are_one_line_and_status_one(data: Path, tmp_path: Path) -> None:
    """
    An unknown id, a revoked key, a folder that is not there, a file that is none of ours.
    """
    made_once = program("create", "a", "--data", str(data))
    assert made_once.returncode == 0 and made_once.stdout.startswith("exk_") and made_once.stdout.count("\n") == 1
    id_ = made_once.stdout[4:16]
    assert program("revoke", id_, "--data", str(data)).returncode == 0

    faults = {
        "there is no key": ["revoke", "nosuchkey", "--data", str(data)],
        "does not work any more": ["rotate", id_, "--data", str(data)],
        "no such directory": ["create", "a", "--data", str(tmp_path / "nowhere")],
    }
    for said, arguments in faults.items():
        done = program(*arguments)
        assert (done.returncode, done.stdout) == (1, "") and done.stderr.startswith("excise: ") and said in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "nowhere").exists()

    (data / "state/keys.json").write_text("{}")
    done = program("list", environment={"EXCISE_DATA": str(data)})
    assert done.returncode == 1 and "no key file" in done.stderr
    assert (data / "state/keys.json").read_text() == "{}"


def test_help_names_the_commands() -> None:
    """
    Without a command, too.
    """
    shown = RUN.invoke(APP, ["keys", "--help"]).stdout

    assert all(word in shown for word in ("create", "list", "rotate", "revoke"))
