"""
The command line as a whole: statuses, errors in one line, and only what is needed is loaded.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer.main

import excise
from excise.cli import application, main
from excise.cli.application import COMMANDS, build, choose
from excise.errors import SettingsError


def names(app) -> set[str]:
    return set(typer.main.get_command(app).commands)


def call(*arguments):
    return subprocess.run([sys.executable, "-c", "from excise.cli import main; main()", *arguments], capture_output=True, text=True)


def test_every_command_of_the_table_exists_and_no_other():
    """
    The overview is written by hand, so that showing it costs no import; here it is compared with the commands.
    """
    assert names(build()) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_module_brings_its_own_command(command):
    """
    One file a command.
    """
    assert names(build(command)) == {command}


@pytest.mark.parametrize(
    ("arguments", "offered"),
    [
        (["run", "--", "sql"], {"run"}),
        ([], set(COMMANDS)),
        (["--help"], set(COMMANDS)),
        (["nonsense"], set(COMMANDS)),
        (["--", "run"], set(COMMANDS)),
    ],
)
def test_only_what_is_asked_for_is_loaded(arguments, offered):
    """
    A command's name in front loads that command alone.
    """
    assert names(choose(arguments)) == offered


def test_completion_sees_every_option(monkeypatch):
    """
    The shell asks for completions with a variable, not with arguments.
    """
    monkeypatch.setenv("_EXCISE_COMPLETE", "complete_bash")
    called: list[tuple[str, ...]] = []
    monkeypatch.setattr(application, "build", lambda *names: called.append(names))

    choose([])

    assert called == [()]


def test_the_version():
    """
    One line.
    """
    done = call("--version")

    assert (done.returncode, done.stdout) == (0, f"excise {excise.__version__}\n")


@pytest.mark.parametrize("arguments", [["nonsense"], ["--nonsense"], ["env", "--nonsense"]])
def test_wrong_usage_is_two(arguments):
    """
    As everywhere.
    """
    assert call(*arguments).returncode == 2


def test_the_overview_lists_all_commands():
    """
    `excise --help` and `excise` alone.
    """
    done = call("--help")

    assert done.returncode == 0
    assert all(name in done.stdout for name in COMMANDS)


def test_errors_of_ours_are_one_line_and_exit_one(monkeypatch, capsys):
    """
    No traceback for what the user can mend.
    """
    monkeypatch.setattr(application, "choose", lambda _: _raising(SettingsError("the lid is open: close it")))
    monkeypatch.setattr(sys, "argv", ["excise", "env"])

    with pytest.raises(SystemExit) as left:
        main()

    assert left.value.code == 1
    assert capsys.readouterr().err == "excise: the lid is open: close it\n"


def _raising(error):
    def application(**_):
        raise error

    return application
