"""
`excise prove` as an auditor runs it; and that it fails where it must.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from e2e.proxy import EXCISE, REPOSITORY
from excise.prove.canaries import Canary
from excise.prove.keeping import Keeping
from excise.prove.redacting import CLOSED, SECTION, Redacting
from excise.prove.report import Report
from excise.prove.run import Options, prove

pytestmark = pytest.mark.timeout(400)  # the command takes under a minute on two free cores

OFF = """\
version: 1
redact:
  - {name: nothing is looked for, profile: "off"}
default: allow
"""


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "addons")}
    done = subprocess.run(
        [EXCISE, "prove", "--json", *arguments], capture_output=True, text=True, timeout=300, env=environment, check=False
    )
    assert done.stdout, done.stderr[-4000:]
    return done.returncode, json.loads(done.stdout)


def failed(report: Report) -> dict[str, str]:
    return {check.name: " ".join(check.details) or check.said for check in report.checks if check.passed is False}


def test_everything_passes(tmp_path: Path) -> None:
    """
    Exit 0; every part was gone through, in every dialect, and its folder is gone.
    """
    status, told = run()

    assert [check for check in told["checks"] if check["verdict"] != "PASS"] == []
    assert (status, told["passed"]) == (0, True)
    assert sum(told["sent"].values()) > 150
    assert told["searched"]["files"] > 50
    assert told["searched"]["database_rows"] > 100
    assert len(told["policies"]) == 2
    assert told["folder"] is None
    assert len(told["checks"]) > 55


def test_with_a_policy_of_ones_own(tmp_path: Path) -> None:
    """
    Redaction is told, not judged, for the policy says what it is; what the proxy keeps is judged all the same.
    """
    (tmp_path / "mine.yml").write_text("version: 1\nredact:\n  - {name: mine, profile: secrets}\ndefault: allow\n")
    status, told = run("--policies", str(tmp_path))
    redaction = [check for check in told["checks"] if check["section"] == SECTION]

    assert (status, told["passed"]) == (0, True)
    assert {check["verdict"] for check in redaction} == {"told"}
    (details,) = (check["details"] for check in redaction if check["name"] == "OpenAI chat")
    assert details == ["OpenAI chat: left the host: IBAN, card, e-mail, own dictionary, own pattern; taken out: API key, password"]
    assert [id_.partition("@")[0] for id_ in told["policies"]] == ["mine"]


def test_a_policy_that_takes_nothing_out_fails() -> None:
    """
    Every carrier is seen to leak; what fails closed for other reasons still does.
    """
    report = prove(Options(parts=(Redacting,), redacting=OFF))
    faults = failed(report)
    leaking = {check.name for check in report.checks if check.section == SECTION}

    assert not report.passed
    assert leaking <= set(faults)
    assert "zero-width" in faults["disguises"]
    assert "a picture" in {check.name for check in report.checks if check.section == CLOSED and check.passed is False}


def test_leaks_of_every_sort_are_found() -> None:
    """
    Something writes what it should not: packed, into the log, as a file's name, into a file that is gone a moment later.
    """

    def leak(home: Path, planted: list[Canary]) -> None:
        (home / "data" / "debug.bin").write_bytes(b"xx" + gzip.compress(planted[0].value.encode()))
        (home / "certs" / planted[3].value).touch()
        with (home / "proxy.log").open("ab") as log:
            log.write(json.dumps(planted[4].value).encode())
        (home / "tmp" / "passing").write_text(planted[2].value)
        time.sleep(0.5)  # ten times as long as such a file needs to live to be seen
        (home / "tmp" / "passing").unlink()

    report = prove(Options(parts=(Keeping,), during=leak))
    found = failed(report)

    assert not report.passed
    first, last = found["while it runs"], found["after the end"]
    for text in (first, last):
        assert "data/debug.bin (gzip at 2): content planted in OpenAI chat, as raw" in text
        assert "(its name)" in text
        assert "proxy.log: content planted in OpenAI chat, tool call, as json" in text
    assert "-passing: content planted in OpenAI chat, stream" in next(text for name, text in found.items() if "removed or replaced" in name)
