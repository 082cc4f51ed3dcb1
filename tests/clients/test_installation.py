"""
The doctor's look at what runs here: each thing that can be wrong is broken once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clients.installed import installed
from excise.catalog.providers import Catalog
from excise.clients.finding import Verdict
from excise.clients.installation import inspect

CATALOG = Catalog.load()
POLICIES = Path(__file__).resolve().parents[2] / "policies"


def verdicts(proxy, present=None, policies=POLICIES):
    return {finding.subject: finding.verdict for finding in inspect(proxy.data, policies, CATALOG, present or {})}


def test_a_whole_installation_has_nothing_wrong(tmp_path):
    """
    Policy, proxy, authority, bundle and ledger are each looked at and found in order.
    """
    with installed(tmp_path) as proxy:
        assert verdicts(proxy) == dict.fromkeys(("policy", "proxy", "authority", "bundle", "ledger"), Verdict.OK)


def test_where_nothing_runs_the_rest_is_still_looked_at(tmp_path):
    """
    One thing missing does not hide another.
    """
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/default.yml").write_text("versoin: 1\n")

    got = {finding.subject: finding.verdict for finding in inspect(tmp_path, tmp_path / "policies", CATALOG, {"NO_PROXY": "*"})}

    assert got == {"policy": Verdict.WRONG, "proxy": Verdict.WRONG, "NO_PROXY": Verdict.WRONG}


def test_a_proxy_that_stopped_is_noticed(tmp_path):
    """
    `ready.json` outlives a kill.
    """
    with installed(tmp_path) as proxy:
        pass

    assert verdicts(proxy)["proxy"] is Verdict.WRONG


@pytest.mark.parametrize(("age", "verdict"), [(10, Verdict.OK), (340, Verdict.WRONG), (400, Verdict.WRONG)])
def test_an_authority_that_ends_is_said_a_month_before(tmp_path, age, verdict):
    """
    The intermediates live a year; a month before their end, and after it, the doctor says so.
    """
    with installed(tmp_path, now=datetime.now(UTC) - timedelta(days=age)) as proxy:
        assert verdicts(proxy)["authority"] is verdict


def test_an_authority_narrower_than_the_catalogue_is_noticed(tmp_path):
    """
    A provider that was added later would be passed through unread.
    """
    with installed(tmp_path, domains=("openai.com",)) as proxy:
        (finding,) = [finding for finding in inspect(proxy.data, POLICIES, CATALOG, {}) if finding.subject == "authority"]

    assert finding.verdict is Verdict.WRONG
    assert "certs renew" in finding.advice


def test_a_bundle_without_our_certificate_is_noticed(tmp_path):
    """
    A bundle made before the authority was made anew trusts everyone but us.
    """
    with installed(tmp_path) as proxy, installed(tmp_path / "other") as other:
        shutil.copy(other.trust / "bundle.pem", proxy.trust / "bundle.pem")

        assert verdicts(proxy)["bundle"] is Verdict.WRONG


def test_a_ledger_behind_its_journal_is_noticed(tmp_path):
    """
    A loader that stands still shows in the times of its files.
    """
    with installed(tmp_path) as proxy:
        journal = proxy.data / "journal"
        journal.mkdir()
        (journal / "one.ndjson").write_text("{}\n")
        assert verdicts(proxy)["ledger"] is Verdict.OK

        past = datetime.now().timestamp() - 600
        os.utime(proxy.data / "usage.duckdb", (past, past))
        assert verdicts(proxy)["ledger"] is Verdict.WRONG


def test_a_ledger_process_that_died_is_noticed(tmp_path):
    """
    Its number is in `ready.json`, and nobody has it any more.
    """
    gone = subprocess.Popen(["true"])
    gone.wait()
    with installed(tmp_path) as proxy:
        proxy.write(pids={"supervisor": 1, "workers": [], "ledger": gone.pid})

        assert verdicts(proxy)["ledger"] is Verdict.WRONG


def test_a_missing_ledger_is_noticed(tmp_path):
    """
    It appears within seconds; where it does not, the log says why.
    """
    with installed(tmp_path) as proxy:
        (proxy.data / "usage.duckdb").unlink()

        assert verdicts(proxy)["ledger"] is Verdict.WRONG


@pytest.mark.parametrize("exempt", ["*", "api.openai.com", ".openai.com", "*.openai.com", "openai.com:443", "com", "anthropic.com"])
def test_an_exempt_provider_is_noticed(tmp_path, exempt):
    """
    Calls to it go past the proxy, silently.
    """
    with installed(tmp_path) as proxy:
        assert verdicts(proxy, {"NO_PROXY": f"localhost,{exempt}"})["NO_PROXY"] is Verdict.WRONG


@pytest.mark.parametrize("exempt", ["localhost", "10.0.0.0/8", "::1", ".svc.cluster.local", "notopenai.com", "s3.amazonaws.com", ""])
def test_exempting_others_is_nobodys_fault(tmp_path, exempt):
    """
    Lists that spare no provider are left alone.
    """
    with installed(tmp_path) as proxy:
        assert "NO_PROXY" not in verdicts(proxy, {"NO_PROXY": exempt})


def test_a_list_that_stops_httpx_is_noticed(tmp_path):
    """
    A bracket or an IPv6 range in `NO_PROXY` makes most Python SDKs fail before they connect.
    """
    with installed(tmp_path) as proxy:
        assert verdicts(proxy, {"no_proxy": "[::1]"})["no_proxy"] is Verdict.WRONG
        assert verdicts(proxy, {"no_proxy": "fd00::/8"})["no_proxy"] is Verdict.WRONG


def test_another_proxy_in_the_environment_is_pointed_out_without_its_password(tmp_path):
    """
    A company's proxy is replaced; where everything must go through it, there is a flag.
    """
    with installed(tmp_path) as proxy:
        findings = inspect(proxy.data, POLICIES, CATALOG, {"HTTPS_PROXY": "http://me:s3cret@corp.example:3128"})
        own = verdicts(proxy, {"HTTPS_PROXY": proxy.url.replace("//", "//shop:key@")})

    (other,) = [finding for finding in findings if finding.subject == "HTTPS_PROXY"]
    assert "--upstream-proxy" in other.advice
    assert "s3cret" not in repr(findings)
    assert "HTTPS_PROXY" not in own


def test_an_authority_the_caller_trusts_and_the_bundle_lacks_is_pointed_out(tmp_path):
    """
    `SSL_CERT_FILE` is replaced: who needs a company's own authority learns how to keep it.
    """
    with installed(tmp_path) as proxy, installed(tmp_path / "corp") as corp:
        present = {"SSL_CERT_FILE": str(corp.trust / "excise-ca.pem"), "AWS_CA_BUNDLE": str(corp.trust / "excise-ca.pem")}

        assert verdicts(proxy, present)["SSL_CERT_FILE and 1 more"] is Verdict.UNKNOWN
        assert len(verdicts(proxy, {"SSL_CERT_FILE": str(proxy.trust / "bundle.pem")})) == 5
