"""
`excise run`: the command takes our place, with proxy and trust set, and nothing else changed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
import typer.main

from clients.installed import installed
from excise.cli.application import build
from excise.clients.launch import OPTIONS, Launch, plain

EXCISE = (sys.executable, "-c", "from excise.cli import main; main()")


@pytest.fixture
def proxy(tmp_path):
    with installed(tmp_path) as one:
        yield one


def run(*arguments, **options):
    return subprocess.run([*EXCISE, "run", *map(str, arguments)], capture_output=True, text=True, timeout=60, **options)


def test_the_child_gets_proxy_and_trust_and_the_rest_unchanged(proxy):
    """
    What stands in the environment already is still there.
    """
    environment = {**os.environ, "MINE": "kept", "NO_PROXY": "a.example"}
    done = run("--data", proxy.data, "--", "env", "-0", env=environment)

    got = dict(line.split("=", 1) for line in done.stdout.split("\0") if line)
    assert got["HTTPS_PROXY"] == got["http_proxy"] == proxy.url
    assert got["SSL_CERT_FILE"] == str(proxy.trust / "bundle.pem")
    assert got["NO_PROXY"].startswith("a.example,localhost,")
    assert got["MINE"] == "kept"
    assert ("SSL_CERT_DIR" in got) == ("SSL_CERT_DIR" in environment)


def test_credentials_go_into_the_proxys_url(proxy):
    """
    Who pays is told to the proxy, and the key comes from a variable.
    """
    done = run("--data", proxy.data, "--app", "shop", "--key", "K", "--", "sh", "-c", 'echo "$HTTPS_PROXY"', env={**os.environ, "K": "p/w"})

    assert done.stdout == f"http://shop:p%2Fw@{proxy.url.removeprefix('http://')}\n"


@pytest.mark.parametrize("dashes", [["--"], []])
def test_arguments_of_the_command_are_its_own(proxy, dashes):
    """
    Options behind the command are not ours, with `--` and without.
    """
    done = run("--data", proxy.data, *dashes, "printf", "%s|", "--data", "-h", "--", "")

    assert done.stdout == "--data|-h|--||"


def test_exit_status_and_streams_are_the_childs(proxy):
    """
    A service manager sees what it would see without us.
    """
    done = run("--data", proxy.data, "--", "sh", "-c", "cat; echo err >&2; exit 42", input="through")

    assert (done.returncode, done.stdout, done.stderr) == (42, "through", "err\n")


def test_the_process_is_the_child_itself(proxy):
    """
    Signals need no forwarding: the process number is the same.
    """
    with subprocess.Popen(
        [*EXCISE, "run", "--data", proxy.data, "--", "sh", "-c", "echo $$; exec sleep 60"], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert int(child.stdout.readline()) == child.pid
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == -signal.SIGTERM


def test_a_broken_pipe_ends_the_child(proxy):
    """
    Python ignores SIGPIPE; a child that inherited that would write on, or complain.
    """
    done = run("--data", proxy.data, "--", "sh", "-c", "yes | head -n 1")

    assert done.stdout.startswith("y\n")
    assert done.stderr == ""


@pytest.mark.parametrize(("command", "status"), [("no-such-command", 127), ("/etc/passwd", 126)])
def test_what_cannot_be_started_answers_as_a_shell_would(proxy, command, status):
    """
    127 not found, 126 not executable: what scripts already look for.
    """
    done = run("--data", proxy.data, "--", command)

    assert done.returncode == status
    assert done.stderr.startswith(f"excise: {command}: ")


@pytest.mark.parametrize("arguments", [["--", "true"], ["true"], ["--data=nowhere", "--", "true"]])
def test_without_a_proxy_the_command_does_not_run(tmp_path, arguments):
    """
    One line, exit status 1: uncaptured is worse than not started.
    """
    done = run(*arguments, cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("excise: no proxy runs from ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_an_environment_that_exempts_everything_is_refused(proxy, name):
    """
    With `*` in the list the command would run, and nothing of it be captured: that must not pass in silence.
    """
    done = run("--data", proxy.data, "--", "true", env={**os.environ, name: "localhost, *"})

    assert done.returncode == 1
    assert name in done.stderr


@pytest.mark.parametrize("arguments", [[], ["--data"], ["--"], ["--nonsense", "x", "--", "true"], ["-x", "true"]])
def test_wrong_usage_is_two(tmp_path, arguments):
    """
    The command line's own words, and the status they have everywhere.
    """
    assert run(*arguments, cwd=tmp_path).returncode == 2


def test_a_proxy_that_stopped_is_named(proxy, tmp_path):
    """
    `ready.json` outlives a kill; the port does not.
    """
    proxy.write(proxy_url="http://127.0.0.1:1")

    done = run("--data", proxy.data, "--", "true")

    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr and "excise up" in done.stderr


def test_the_quick_reading_knows_the_options_the_whole_one_knows():
    """
    Two readers of one command line must not drift apart.
    """
    command = typer.main.get_command(build("run")).commands["run"]

    assert {parameter.name for parameter in command.params} == {"command", *OPTIONS}
    assert all(f"--{name}" in parameter.opts for name in OPTIONS for parameter in command.params if parameter.name == name)


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        (["--", "a", "--", "b"], Launch(["a", "--", "b"])),
        (["a", "--data", "b"], Launch(["a", "--data", "b"])),
        (["--data", "d", "--key=K", "--", "-x"], Launch(["-x"], data="d", key="K")),
        (["--data", "--", "x"], Launch(["x"], data="--")),
        (["--help"], None),
        (["--data"], None),
        (["--data", "d"], None),
        (["-d", "d", "--", "x"], None),
        ([], None),
        (["--"], None),
    ],
)
def test_the_quick_reading(arguments, read):
    """
    Plain forms are read; everything else is left to the reader with the better words.
    """
    assert plain(arguments) == read


def test_it_starts_without_the_heavy_libraries(proxy):
    """
    It stands in front of every start of a service: neither the command line's library nor the proxy is loaded.
    """
    script = f"""
import os, sys

def replace(*_):
    print(*{{"typer", "pydantic", "duckdb", "mitmproxy", "cryptography"}} & set(sys.modules))
    sys.exit()

os.execvpe = replace
sys.argv = ["excise", "run", "--data", {str(proxy.data)!r}, "--", "true"]
from excise.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("\n", "")
