"""
Capture without any variable: nft redirects, and clients know nothing of a proxy.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def missing() -> str | None:
    """
    What this machine lacks for a redirect in a namespace of its own; `None`: nothing.
    """
    for program in ("nft", "unshare", "setpriv", "curl", "ip"):
        if shutil.which(program) is None:
            return f"no {program}"
    if os.geteuid() != 0:
        return "not root"
    if subprocess.run(["unshare", "-n", "nft", "add", "table", "ip", "probe"], capture_output=True, check=False).returncode:
        return "no CAP_NET_ADMIN, or no nf_tables in the kernel"
    return None


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """
    What happened inside the namespace.
    """
    if lack := missing():
        pytest.skip(f"transparent capture needs nft in a network namespace: {lack}")
    inside = Path(__file__).parent / "inside_namespace.py"
    command = ["unshare", "-n", sys.executable, str(inside), str(tmp_path_factory.mktemp("transparent"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_redirected_calls_are_served(told: dict[str, Any]) -> None:
    """
    A client that trusts our CA and knows of no proxy gets its answer, plain and streamed; the provider's error, too.
    """
    assert told["plain"]["status"] == told["stream"]["status"] == "200", told
    assert '"usage"' in told["plain"]["body"]
    assert told["stream"]["body"].rstrip().endswith("data: [DONE]")
    assert told["wrong key"]["status"] == "401"


def test_redirected_calls_are_rows(told: dict[str, Any]) -> None:
    """
    Each is one row that says how it was captured, priced like any other.
    """
    rows = {row["user_agent"]: row for row in told["rows"]}

    assert {row["capture"] for row in rows.values()} == {"transparent"}
    assert [rows[name]["http_status"] for name in ("plain", "stream", "wrong key")] == [200, 200, 401]
    assert rows["plain"]["usage_source"] == rows["stream"]["usage_source"] == "provider"
    assert float(rows["plain"]["cost_text"]) > 0


def test_what_is_no_llm_call_is_not_opened(told: dict[str, Any]) -> None:
    """
    TLS to any other host passes untouched: verified against that host's own CA, never against ours, and counted as a tunnel.
    """
    assert told["elsewhere"]["status"] == "421"  # the stand-in's own answer, for a name it does not play
    assert told["elsewhere, our CA"]["status"] == "000"
    assert told["seen elsewhere"] == ["/untouched"]
    assert all(target.startswith("/v1/") for target in told["seen"])
    assert {(tunnel["sni"], tunnel["port"]) for tunnel in told["tunnels"]} == {("www.example.org", 443)}
