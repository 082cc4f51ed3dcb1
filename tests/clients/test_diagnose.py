"""
The real runtimes of this machine, asked whether they come through the proxy.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from excise.clients import diagnose as module
from excise.clients.diagnose import diagnose
from excise.clients.environment import BUNDLE_VARIABLES, CA_VARIABLES
from excise.clients.finding import Verdict
from excise.clients.runtimes import RUNTIMES, Runtime

BY_NAME = {runtime.name: runtime for runtime in RUNTIMES}
# This interpreter, with the libraries the tests are run with.
PYTHON = replace(BY_NAME["python"], programs=(sys.executable,))


def node_version() -> tuple[int, ...]:
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in said.strip().lstrip("v").split("."))


# What this machine has: a runtime that is not here has no test.
HERE = [name for name in ("curl", "git", "java", "node") if shutil.which(name)]
NODE_READS_THE_VARIABLES = "node" in HERE and (node_version() >= (24,) or (22, 21) <= node_version() < (23,))
COMES = [name for name in HERE if name != "node" or NODE_READS_THE_VARIABLES]


def verdicts(findings) -> dict[str, Verdict]:
    return {finding.subject.rpartition(", as ")[0] or finding.subject: finding.verdict for finding in findings}


async def test_python_libraries_are_captured_and_trust_us():
    """
    urllib, requests, httpx and botocore take proxy and trust from the environment, each from variables of its own.
    """
    findings = await diagnose([PYTHON], os.environ)

    got = {subject.rpartition(" ")[2]: verdict for subject, verdict in verdicts(findings).items()}
    assert got.items() >= dict.fromkeys(("urllib", "requests", "httpx", "botocore"), Verdict.OK).items()


async def test_the_sdks_that_use_a_library_are_named():
    """
    People look for the SDK they know, not for the library below it.
    """
    findings = await diagnose([PYTHON], os.environ)

    (httpx,) = [finding for finding in findings if " httpx, as " in finding.subject]
    assert "openai" in httpx.subject and "anthropic" in httpx.subject


@pytest.mark.parametrize("name", HERE)
async def test_each_runtime_here_is_captured_or_told_what_helps(name):
    """
    curl, git and Java are captured, each through variables of its own. Node reads the proxy variables from 24 (and 22.21) on; one
    that is older is said to bypass.
    """
    findings = await diagnose([BY_NAME[name]], os.environ)

    assert findings
    if name in COMES:
        assert {finding.verdict for finding in findings} == {Verdict.OK}, findings
    else:
        assert {finding.verdict for finding in findings} == {Verdict.WRONG}
        assert all("bypasses" in finding.detail and "NODE_USE_ENV_PROXY" in finding.advice for finding in findings)


@pytest.mark.parametrize("name", COMES)
async def test_who_refuses_the_certificate_is_told_apart_from_who_never_came(monkeypatch, name):
    """
    Without the trust variables a runtime comes to the proxy and breaks off: that is another fault, with another remedy.
    """

    def untrusting(url, trust, present):
        names = {"JAVA_TOOL_OPTIONS": "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=" + url.rpartition(":")[2]}
        return {"HTTPS_PROXY": url, "NODE_USE_ENV_PROXY": "1", **names}

    monkeypatch.setattr(module, "additions", untrusting)
    present = {key: value for key, value in os.environ.items() if key not in (*BUNDLE_VARIABLES, *CA_VARIABLES, "SSL_CERT_DIR")}

    (finding, *_) = await diagnose([BY_NAME[name]], present)

    assert finding.verdict is Verdict.WRONG
    assert "refuses its certificate" in finding.detail


async def test_a_store_of_ones_own_is_found_out(tmp_path):
    """
    A library that brings its own roots, as certifi's users do, is said to refuse the certificate.
    """
    script = tmp_path / "pinned.py"
    script.write_text(
        "import json, sys, certifi, httpx\n"
        "way, _, url = sys.argv[1].partition('=')\n"
        "try: httpx.get(url, verify=__import__('ssl').create_default_context(cafile=certifi.where()))\n"
        "except httpx.HTTPError as error: print(json.dumps({'tried': {way: type(error).__name__}, 'found': [], 'broken': {}}))\n"
    )
    pinned = replace(PYTHON, ways=("httpx",), command=lambda program, urls: [program, str(script), f"httpx={urls['httpx']}"])
    (finding,) = await diagnose([pinned], os.environ)

    assert finding.verdict is Verdict.WRONG
    assert "refuses its certificate" in finding.detail
    assert "certifi" in finding.advice


async def test_a_runtime_that_hangs_does_not_hang_the_doctor():
    """
    It is ended, with what it started, and reported.
    """
    slow = Runtime("slow", ("sh",), ("-c", "echo 1.0"), command=lambda program, urls: [program, "-c", "sleep 600 & wait"], seconds=0.3)

    (finding,) = await diagnose([slow], os.environ)

    assert finding.verdict is Verdict.WRONG
    assert "did not answer" in finding.detail


async def test_a_probe_that_cannot_run_is_unknown_and_not_a_bypass():
    """
    Nothing is claimed about a runtime whose probe broke.
    """
    broken = replace(PYTHON, command=lambda program, urls: [program, "-c", "raise SystemExit(3)"])

    (finding,) = await diagnose([broken], os.environ)

    assert finding.verdict is Verdict.UNKNOWN
    assert "exit status 3" in finding.detail


async def test_a_library_that_cannot_be_imported_is_unknown_and_not_a_bypass(tmp_path):
    """
    A half-installed package never asked for anything.
    """
    (tmp_path / "aiohttp.py").write_text("raise ImportError\n")

    findings = await diagnose([replace(PYTHON, ways=("aiohttp",))], {**os.environ, "PYTHONPATH": str(tmp_path)})

    assert [(finding.verdict, "does not run here" in finding.detail) for finding in findings] == [(Verdict.UNKNOWN, True)]


async def test_a_library_that_ignores_the_environment_is_told_what_it_needs(tmp_path):
    """
    aiohttp reads the proxy only when asked to; the advice for it is its own.
    """
    (tmp_path / "aiohttp.py").write_text(
        "import socket\n"
        "class ClientTimeout:\n"
        "    def __init__(self, total): pass\n"
        "class ClientSession:\n"
        "    def __init__(self, timeout): pass\n"
        "    async def __aenter__(self): return self\n"
        "    async def __aexit__(self, *_): pass\n"
        "    async def get(self, url): socket.getaddrinfo(url.split('/')[2], 443)\n"
    )

    (finding,) = await diagnose([replace(PYTHON, ways=("aiohttp",))], {**os.environ, "PYTHONPATH": str(tmp_path)})

    assert finding.verdict is Verdict.WRONG
    assert "bypasses" in finding.detail and "gaierror" in finding.detail
    assert "trust_env=True" in finding.advice


async def test_a_shim_without_a_version_behind_it_is_no_installation(tmp_path):
    """
    Version managers leave programs on the path that fail when called.
    """
    shim = tmp_path / "python3"
    shim.write_text("#!/bin/sh\necho 'no version is set' >&2\nexit 127\n")
    shim.chmod(0o755)

    assert await diagnose([replace(PYTHON, programs=("python3",))], {**os.environ, "PATH": str(tmp_path)}) == []


async def test_the_same_installation_is_asked_once():
    """
    `python` and `python3` are most often the same.
    """
    findings = await diagnose([replace(PYTHON, programs=(sys.executable, sys.executable))], os.environ)

    assert len({finding.subject for finding in findings}) == len(findings)
