"""
A command is run against the recorder: which providers it tried, and what could be seen.
"""

from __future__ import annotations

import os
import sys

import pytest

from excise.catalog.providers import Catalog
from excise.clients import direct
from excise.clients.finding import Verdict
from excise.clients.rehearse import rehearse
from excise.errors import SettingsError

CATALOG = Catalog.load()

SDK = """
import openai
try:
    openai.OpenAI(api_key="none").chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "-"}])
except openai.PermissionDeniedError as error:
    print(error.message)
"""
UNTRUSTING = """
import httpx, ssl, certifi
try:
    httpx.post("https://api.anthropic.com/v1/messages", verify=ssl.create_default_context(cafile=certifi.where()))
except httpx.ConnectError:
    pass
"""


async def test_a_providers_sdk_is_captured_and_nothing_is_sent(capfd):
    """
    The SDK meets its own exception, once, and the report names host and path.
    """
    (finding,) = await rehearse([sys.executable, "-c", SDK], CATALOG, os.environ)

    assert (finding.subject, finding.verdict, finding.detail) == ("api.openai.com", Verdict.OK, "captured: POST /v1/chat/completions")
    assert "excise: a rehearsal" in capfd.readouterr().out


async def test_a_pinned_store_is_reported():
    """
    It came and refused the certificate: the report says so, and where to look.
    """
    (finding,) = await rehearse([sys.executable, "-c", UNTRUSTING], CATALOG, os.environ)

    assert (finding.subject, finding.verdict) == ("api.anthropic.com", Verdict.WRONG)
    assert "refuses its certificate" in finding.detail


async def test_a_command_that_calls_nobody_is_not_called_captured():
    """
    Nothing seen is not success.
    """
    (finding,) = await rehearse(["sh", "-c", "exit 4"], CATALOG, os.environ)

    assert finding.verdict is Verdict.WRONG
    assert "exit status 4" in finding.detail


async def test_a_connection_past_the_proxy_is_reported(monkeypatch):
    """
    What the system shows of direct connections is in the report.
    """
    monkeypatch.setattr(direct, "visible", lambda: True)
    monkeypatch.setattr(direct, "https_peers", lambda pid: {"198.51.100.7"})

    findings = await rehearse(["true"], CATALOG, os.environ)

    assert [(finding.subject, finding.verdict) for finding in findings] == [("past the proxy", Verdict.WRONG), ("providers", Verdict.WRONG)]
    assert "198.51.100.7" in findings[0].detail


async def test_a_command_that_is_not_there_is_an_error_of_ours():
    """
    It is said before anything runs.
    """
    with pytest.raises(SettingsError, match="no-such-command"):
        await rehearse(["no-such-command"], CATALOG, os.environ)
