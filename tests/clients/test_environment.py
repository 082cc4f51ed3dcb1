"""
The environment of a child: additions, repetitions, what is left alone.
"""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from excise.clients.environment import (
    BUNDLE_VARIABLES,
    CA_VARIABLES,
    NO_PROXY,
    PROXY_VARIABLES,
    TRUSTSTORE_PASSWORD,
    Trust,
    additions,
    java_options,
    with_credentials,
)
from excise.trust import bundle

TRUST = Trust(Path("/t/excise-ca.pem"), Path("/t/bundle.pem"), Path("/t/truststore.p12"))
URL = "http://127.0.0.1:8080"


def test_every_variable_of_the_table_is_set_and_no_other():
    """
    Bundles where a store is replaced, our certificate alone where it is added to, the proxy in both cases of letters.
    """
    got = additions(URL, TRUST, {})

    assert {name: got[name] for name in BUNDLE_VARIABLES} == dict.fromkeys(BUNDLE_VARIABLES, "/t/bundle.pem")
    assert {name: got[name] for name in CA_VARIABLES} == dict.fromkeys(CA_VARIABLES, "/t/excise-ca.pem")
    assert {name: got[name] for name in PROXY_VARIABLES} == dict.fromkeys(PROXY_VARIABLES, URL)
    assert got["NODE_USE_ENV_PROXY"] == "1"
    assert got["NO_PROXY"] == got["no_proxy"] == ",".join(NO_PROXY)
    assert set(got) == {
        *BUNDLE_VARIABLES,
        *CA_VARIABLES,
        *PROXY_VARIABLES,
        "NO_PROXY",
        "no_proxy",
        "NODE_USE_ENV_PROXY",
        "JAVA_TOOL_OPTIONS",
    }


def test_the_callers_lists_are_added_to():
    """
    What the caller exempts stays exempt, whichever case it was written in, and its Java options stay in front of ours.
    """
    present = {"NO_PROXY": "a.example, b.example", "no_proxy": "b.example,c.example", "JAVA_TOOL_OPTIONS": "-Xmx1g"}
    got = additions(URL, TRUST, present)

    assert got["NO_PROXY"].split(",") == ["a.example", "b.example", "c.example", *NO_PROXY]
    assert got["no_proxy"] == got["NO_PROXY"]
    assert got["JAVA_TOOL_OPTIONS"] == "-Xmx1g " + java_options(URL, TRUST)


def test_setting_it_twice_changes_nothing():
    """
    `excise run -- excise run -- CMD`, or `eval "$(excise env)"` in a file that is read again.
    """
    once = additions(URL, TRUST, {"NO_PROXY": "a.example", "JAVA_TOOL_OPTIONS": "-Xmx1g"})

    assert additions(URL, TRUST, once) == once


def test_an_authority_the_caller_adds_to_node_is_not_taken_away():
    """
    Where the caller extends the store already, the merged bundle extends it instead of our certificate alone.
    """
    got = additions(URL, TRUST, {"NODE_EXTRA_CA_CERTS": "/corp.pem"})

    assert got["NODE_EXTRA_CA_CERTS"] == "/t/bundle.pem"
    assert got["DENO_CERT"] == "/t/excise-ca.pem"


@pytest.mark.parametrize(("app", "key"), [("shop", "s3cret"), ("a:b@c", "p/w ?#%é")])
def test_credentials_survive_the_url(app, key):
    """
    Whatever stands in a name or key, a client reads it back from the proxy's URL.
    """
    url = httpx.URL(with_credentials("http://old:pair@proxy.example:8080", app, key))

    assert (url.username, url.password, url.host, url.port) == (app, key, "proxy.example", 8080)


def test_no_key_reaches_javas_options():
    """
    Java prints its options when it starts.
    """
    assert "s3cret" not in java_options(with_credentials(URL, "shop", "s3cret"), TRUST)


def test_without_a_trust_store_java_still_comes_to_the_proxy():
    """
    It then refuses the certificate, which is seen; going around the proxy would not be.
    """
    options = java_options(URL, Trust(TRUST.ca, TRUST.bundle, None))

    assert "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=8080" in options
    assert "trustStore" not in options


def test_the_store_is_opened_with_the_password_it_was_made_with():
    """
    The password is written twice, so that starting a child need not load what makes the store.
    """
    assert TRUSTSTORE_PASSWORD == bundle.TRUSTSTORE_PASSWORD


def test_httpx_reads_the_list_of_exempt_hosts(monkeypatch):
    """
    httpx refuses to start where `NO_PROXY` holds an IPv6 range or a bracket; most SDKs start with it.
    """
    for name, value in additions(URL, TRUST, {}).items():
        if not name.endswith(("CERT_FILE", "BUNDLE")):
            monkeypatch.setenv(name, value)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)

    httpx.Client(verify=False).close()
