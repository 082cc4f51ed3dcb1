"""
`excise env`: what `excise run` sets, for others to set.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest
import yaml

from clients.installed import installed

EXCISE = (sys.executable, "-c", "from excise.cli import main; main()")


@pytest.fixture
def proxy(tmp_path):
    with installed(tmp_path) as one:
        yield one


def excise(*arguments, **extra):
    return subprocess.run([*EXCISE, *map(str, arguments)], capture_output=True, text=True, env={**os.environ, **extra})


def test_a_shell_that_reads_it_has_what_run_gives(proxy):
    """
    `eval "$(excise env)"` and `excise run` are two ways to the same environment.
    """
    ours = excise("env", "--data", proxy.data).stdout
    read = subprocess.run(["sh", "-c", f"{ours}\nenv -0"], capture_output=True, text=True, check=True).stdout
    run = excise("run", "--data", proxy.data, "--", "env", "-0").stdout

    def pairs(text):
        return {
            line for line in text.split("\0") if line and not line.startswith(("_=", "PWD=", "OLDPWD=", "SHLVL=", "LINES=", "COLUMNS="))
        }

    assert pairs(read) == pairs(run)


def test_containers_read_their_own_paths_and_no_key(proxy):
    """
    A compose file and a manifest are committed: they refer to the key and mount single files, never the folder.
    """
    for name in ("compose", "kubernetes"):
        done = excise("env", "--data", proxy.data, "--format", name, "--app", "shop", "--key", "EXCISE_KEY", EXCISE_KEY="s3cret")
        assert done.returncode == 0, done.stderr
        assert "s3cret" not in done.stdout
        assert "/etc/excise/bundle.pem" in done.stdout
        assert "intermediate.key" not in done.stdout
        yaml.safe_load(done.stdout)

    assert "http://shop:$(EXCISE_KEY)@" in done.stdout


def test_a_proxy_on_loopback_is_no_use_to_a_container(proxy):
    """
    Said beside the output, not in it.
    """
    warned = excise("env", "--data", proxy.data, "--format", "compose")
    quiet = excise("env", "--data", proxy.data, "--format", "compose", "--proxy", "http://excise:8080")

    assert "--listen 0.0.0.0" in warned.stderr
    assert quiet.stderr == ""
    assert yaml.safe_load(quiet.stdout)["services"]["app"]["environment"]["HTTPS_PROXY"] == "http://excise:8080"


def test_programs_get_an_object(proxy):
    """
    Nothing but JSON on the standard output.
    """
    assert json.loads(excise("env", "--data", proxy.data, "--format", "json").stdout)["HTTPS_PROXY"] == proxy.url


@pytest.mark.parametrize("key", ["sk-a/b", "1KEY", "a b"])
def test_what_is_no_variable_is_refused_unrepeated(proxy, key):
    """
    A key typed where its variable belongs must not end in a compose file.
    """
    done = excise("env", "--data", proxy.data, "--format", "compose", "--app", "shop", "--key", key)

    assert (done.returncode, done.stdout) == (1, "")
    assert key not in done.stderr


def test_a_proxy_that_is_gone_is_not_recommended(proxy):
    """
    What a killed proxy left behind would break every program that reads this.
    """
    ready = json.loads((proxy.data / "ready.json").read_text())
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{closed.getsockname()[1]}"
        (proxy.data / "ready.json").write_text(json.dumps(ready | {"proxy_url": gone}))
        done = excise("env", "--data", proxy.data)
        elsewhere = excise("env", "--data", proxy.data, "--proxy", "http://excise:8080", "--format", "compose")

    assert (done.returncode, done.stdout) == (1, "")
    assert "no proxy answers at" in done.stderr
    assert elsewhere.returncode == 0
