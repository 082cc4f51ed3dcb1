"""
Fingerprints of keys, and the secret that makes them.
"""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.errors import SettingsError
from excise.policy.fingerprint import fingerprint, load_or_create_secret

SECRET = bytes(range(32))


def test_the_value_is_fixed():
    """
    A change of the recipe would cut every key's history in two, so it must not happen unnoticed.
    """
    assert fingerprint(SECRET, "sk-test") == "fp_ef9a284d2f216945da24"


@given(st.text(max_size=50), st.text(max_size=50))
def test_same_key_same_fingerprint(one, other):
    """
    Equal keys alone are equal, any text has one, and without the secret it is another.
    """
    assert (fingerprint(SECRET, one) == fingerprint(SECRET, other)) == (one == other)
    assert fingerprint(SECRET, one) != fingerprint(b"x" * 32, one)
    assert len(fingerprint(SECRET, one + "\udc80")) == 23


def test_the_secret_is_made_once_and_closed(tmp_path):
    """
    Mode 0600 whatever the umask; the second start reads what the first wrote; nothing else is left.
    """
    path = tmp_path / "state" / "secret"
    before = os.umask(0)
    try:
        secret = load_or_create_secret(path)
    finally:
        os.umask(before)

    assert len(secret) == 32
    assert load_or_create_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret"]


def test_workers_that_start_together_get_the_same_secret(tmp_path):
    """
    Whoever is first makes it; all others read that one.
    """
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: load_or_create_secret(tmp_path / "secret"), range(32)))

    assert len(secrets) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize("content", [b"", b"00" * 31, b"00" * 33, b"zz" * 32, b"\xff" * 64])
def test_a_damaged_secret_is_told_and_never_replaced(tmp_path, content):
    """
    Nor is its content told.
    """
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="not a fingerprint secret"):
        load_or_create_secret(path)

    assert path.read_bytes() == content


@pytest.mark.parametrize(("mode", "fits"), [(0o600, True), (0o400, True), (0o440, True), (0o604, False), (0o660, False), (0o644, False)])
def test_a_secret_others_can_read_is_refused(tmp_path, mode, fits):
    """
    Group read alone is let through: so do orchestrators mount secrets.
    """
    path = tmp_path / "secret"
    load_or_create_secret(path)
    path.chmod(mode)
    if fits:
        load_or_create_secret(path)
    else:
        with pytest.raises(SettingsError, match="chmod 600"):
            load_or_create_secret(path)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    """
    As an error of settings, with the path.
    """
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be read or made"):
        load_or_create_secret(tmp_path / "file" / "secret")
