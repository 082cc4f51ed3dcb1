"""
What is printed is read back by the program it was written for, or by its grammar.
"""

from __future__ import annotations

import json
import re
import subprocess

import pytest
import yaml

from excise.clients import formats

# Spaces, both quotes, dollars, backslash, hash, percent, letters beyond ASCII.
NASTY = {"PLAIN": "http://127.0.0.1:8080", "SPACE": "-Da=b -Dc=d|e*", "NASTY": 'it\'s "5$" $(id) ${HOME} `id` \\n #x %20 é'}


def test_a_shell_reads_back_what_was_written():
    """
    `eval "$(excise env)"` sets exactly these values and runs nothing.
    """
    script = formats.sh(NASTY) + 'printf "%s\\0" "$PLAIN" "$SPACE" "$NASTY"'
    got = subprocess.run(["sh", "-c", script], capture_output=True, check=True, text=True).stdout

    assert got.split("\0")[:-1] == list(NASTY.values())


def test_json_reads_back():
    """
    One object, the pairs and nothing else.
    """
    assert json.loads(formats.as_json(NASTY)) == NASTY


def test_fish_quotes():
    """
    In fish's single quotes a backslash stands before a backslash and a quote, and nowhere else.
    """
    lines = formats.fish(NASTY).splitlines()

    assert lines[0] == "set -gx PLAIN 'http://127.0.0.1:8080'"
    inner = re.fullmatch(r"set -gx NASTY '((?:[^'\\]|\\['\\])*)'", lines[2])
    assert inner is not None and re.sub(r"\\(.)", r"\1", inner[1]) == NASTY["NASTY"]


def test_powershell_quotes():
    """
    In PowerShell's single quotes a quote is doubled; nothing else is special.
    """
    lines = formats.powershell(NASTY).splitlines()

    inner = re.fullmatch(r"\$\{env:NASTY\} = '((?:[^']|'')*)'", lines[2])
    assert inner is not None and inner[1].replace("''", "'") == NASTY["NASTY"]


def test_dotenv_leaves_plain_values_bare():
    """
    `docker run --env-file` would keep quotes as part of the value, also around spaces.
    """
    assert formats.dotenv(NASTY).splitlines()[:2] == ["PLAIN=http://127.0.0.1:8080", "SPACE=-Da=b -Dc=d|e*"]


@pytest.mark.parametrize(
    ("value", "written"),
    [("a#b", "'a#b'"), ("a$b", "'a$b'"), (" a", "' a'"), ("it's", '"it\'s"'), ("'$\"\\", '"\'\\$\\"\\\\"'), ("'a\nb", '"\'a\\nb"')],
)
def test_dotenv_quotes_what_a_reader_would_change(value, written):
    """
    Single quotes keep everything; where the value has one itself, double quotes with backslashes.
    """
    assert formats.dotenv({"X": value}) == f"X={written}\n"


def test_compose_is_yaml_that_interpolates_back():
    """
    Compose replaces `$$` by `$` and `${KEY}` by the variable; everything else stays.
    """
    pairs = {**NASTY, "URL": "http://shop:PLACE@proxy:8080"}
    service = yaml.safe_load(formats.compose("shop", pairs, {"/h/a b.pem": "/etc/excise/a b.pem"}, ("PLACE", "KEY")))["services"]["shop"]

    assert {name: value.replace("$$", "$") for name, value in service["environment"].items()} == {
        **NASTY,
        "URL": "http://shop:${KEY}@proxy:8080",
    }
    assert service["volumes"] == ["/h/a b.pem:/etc/excise/a b.pem:ro"]


def test_kubernetes_is_a_patch_of_the_pod_template():
    """
    The key comes from a Secret, before the variables that use it; the files from a ConfigMap; `$(` is no reference.
    """
    pairs = {**NASTY, "URL": "http://shop:PLACE@proxy:8080"}
    pod = yaml.safe_load(formats.kubernetes("shop", pairs, {"/h/a.pem": "/etc/excise/a.pem"}, ("PLACE", "KEY")))["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert container["name"] == "shop"
    assert container["env"][0] == {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "excise", "key": "KEY"}}}
    values = {entry["name"]: entry["value"] for entry in container["env"][1:]}
    assert values == {**NASTY, "NASTY": NASTY["NASTY"].replace("$(", "$$("), "URL": "http://shop:$(KEY)@proxy:8080"}
    assert container["volumeMounts"] == [{"name": "excise-trust", "mountPath": "/etc/excise", "readOnly": True}]
    assert pod["volumes"] == [{"name": "excise-trust", "configMap": {"name": "excise-trust"}}]
