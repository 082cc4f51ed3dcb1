"""
Reading what `excise up` wrote, and saying plainly what is not so.
"""

from __future__ import annotations

import socket

import pytest

from clients.installed import installed
from excise.clients.ready import proxy_address, read_ready, require_alive
from excise.clients.request import credentialed, find_target
from excise.errors import SettingsError


def test_what_up_wrote_is_read(tmp_path):
    """
    URL, trust and ledger come from the one file.
    """
    with installed(tmp_path) as proxy:
        ready = read_ready(proxy.data)

    assert ready.proxy_url == proxy.url
    assert ready.trust.ca == proxy.trust / "excise-ca.pem"
    assert ready.ledger == proxy.data / "usage.duckdb"


def test_no_store_for_java_is_none(tmp_path):
    """
    A missing trust store is `None`, not a path called `None`.
    """
    with installed(tmp_path) as proxy:
        proxy.write(truststore=None)

        assert read_ready(proxy.data).trust.truststore is None


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '{"pids": {}}'])
def test_a_file_that_is_none_of_ours_is_named(tmp_path, content):
    """
    Cut short or foreign: the message names the file, and there is no traceback.
    """
    (tmp_path / "ready.json").write_text(content)

    with pytest.raises(SettingsError, match=r"ready\.json"):
        read_ready(tmp_path)


def test_where_nothing_runs_the_way_to_start_it_is_said(tmp_path):
    """
    The commonest mistake has the clearest words.
    """
    with pytest.raises(SettingsError, match="excise up"):
        read_ready(tmp_path)


def test_a_dead_proxy_is_noticed_before_the_command_starts():
    """
    A port nobody listens on is an error of ours, not of every library the command uses.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        require_alive(url)

    with pytest.raises(SettingsError, match="excise up"):
        require_alive(url)


@pytest.mark.parametrize("url", ["", "proxy:8080", "ftp://proxy", "http://", "http://proxy:port", "http://[::1", "socks5://s3cret@h:1"])
def test_what_is_no_proxy_url_is_refused_without_repeating_it(url):
    """
    A proxy's URL may hold a key, so no message repeats one.
    """
    with pytest.raises(SettingsError) as caught:
        proxy_address(url)

    assert "s3cret" not in caught.value.message


def test_a_folder_and_a_url_do_without_a_local_proxy(tmp_path):
    """
    On another machine than the proxy's: its URL, and the files that were copied.
    """
    with installed(tmp_path) as proxy:
        target = find_target(tmp_path / "nothing", "http://excise.example:8080", proxy.trust)

    assert target.proxy_url == "http://excise.example:8080"
    assert target.trust.truststore == proxy.trust / "truststore.p12"


def test_a_missing_bundle_is_said_at_once(tmp_path):
    """
    With `SSL_CERT_FILE` naming no file, every connection of the child would fail, those to others too.
    """
    with installed(tmp_path) as proxy:
        (proxy.trust / "bundle.pem").unlink()

        with pytest.raises(SettingsError, match=r"bundle\.pem"):
            find_target(proxy.data, None, None)


def test_a_key_typed_where_its_variable_belongs_is_not_repeated(monkeypatch):
    """
    `--key sk-…` is a mistake people make; it must not end in a log.
    """
    with pytest.raises(SettingsError) as caught:
        credentialed("http://127.0.0.1:8080", "shop", "the-key-itself")

    assert "the-key-itself" not in caught.value.message


@pytest.mark.parametrize(("app", "key"), [("shop", None), (None, "KEY")])
def test_a_name_and_a_key_belong_together(app, key):
    """
    One without the other would silently be nobody.
    """
    with pytest.raises(SettingsError, match="--app and --key"):
        credentialed("http://127.0.0.1:8080", app, key)
