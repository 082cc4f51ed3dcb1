"""
`excise doctor` as a user meets it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from clients.installed import installed

EXCISE = (sys.executable, "-c", "from excise.cli import main; main()")
POLICIES = Path(__file__).resolve().parents[2] / "policies"


def doctor(*arguments, **options):
    # The names people exempt, and the stores they use, on the machine the tests run on are theirs.
    environment = {name: value for name, value in os.environ.items() if name.upper() not in ("NO_PROXY", "HTTPS_PROXY", "HTTP_PROXY")}
    # The interpreter of the tests is the `python` that is found.
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    return subprocess.run([*EXCISE, "doctor", *map(str, arguments)], capture_output=True, text=True, env=environment, **options)


def test_a_sound_installation_exits_zero(tmp_path):
    """
    Every line of a captured runtime and a whole installation is `ok`.
    """
    with installed(tmp_path) as proxy:
        done = doctor("--data", proxy.data, "--policies", POLICIES, "--runtime", "curl", "--json")

    findings = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert {finding["subject"] for finding in findings} >= {"policy", "proxy", "authority", "bundle", "ledger"}
    assert not [finding for finding in findings if finding["verdict"] == "wrong"]


def test_what_is_wrong_is_said_and_exits_one(tmp_path):
    """
    No proxy runs here: the line says so and what to do.
    """
    done = doctor("--policies", POLICIES, "--runtime", "curl", cwd=tmp_path)

    assert done.returncode == 1
    assert "excise up" in done.stdout


def test_an_unknown_runtime_is_wrong_usage(tmp_path):
    """
    A typing mistake must not pass as "nothing found".
    """
    done = doctor("--runtime", "pyhton", cwd=tmp_path)

    assert done.returncode == 2
    assert "python" in done.stderr


def test_a_rehearsal_needs_no_proxy_and_leaves_the_output_to_the_command(tmp_path):
    """
    The report goes to standard error; the command's own output is untouched.
    """
    script = "import httpx; print(httpx.get('https://api.openai.com/v1/models').status_code)"
    done = doctor("--", sys.executable, "-c", script, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "403\n"
    assert "GET /v1/models" in done.stderr


def test_a_rehearsal_for_programs_is_json(tmp_path):
    """
    With `--json` the report is on standard output, after what the command said.
    """
    done = doctor("--json", "--", "true", cwd=tmp_path)

    assert done.returncode == 1
    assert json.loads(done.stdout)[0]["subject"] == "providers"
