"""
The CA over time: expiry, renewal, and the passphrases of its keys.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from excise.errors import CertificateError
from excise.trust.authority import KEY_FILE, Authority, Renewed
from excise.trust.passphrase import passphrase

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def create(directory: Path, *domains: str, **options: Any) -> Authority:
    return Authority.create(directory, permitted_domains=domains or ("llm.test",), **options)


def test_expiry(tmp_path: Path) -> None:
    """
    Quiet for eleven months, a warning for the last thirty days, then no start; and none before its time either.
    """
    authority = create(tmp_path / "ca", now=NOW)
    end = authority.expires

    assert Authority.load(authority.directory, now=end - 31 * DAY).warnings == ()
    assert "excise certs renew" in Authority.load(authority.directory, now=end - 29 * DAY).warnings[0]
    with pytest.raises(CertificateError, match=r"expired on .* run `excise certs renew`"):
        Authority.load(authority.directory, now=end)
    with pytest.raises(CertificateError, match="clock"):
        Authority.load(authority.directory, now=NOW - DAY)


def test_renew_with_the_kept_key(tmp_path: Path) -> None:
    """
    With its key the root stays, so clients need nothing; also when the intermediates have expired.
    """
    kept = tmp_path / "root.key"
    old = create(tmp_path / "ca", keep_root_key=kept, root_passphrase=b"x", now=NOW)
    new, what = Authority.renew(old.directory, permitted_domains=["llm.test"], root_key=kept, root_passphrase=b"x", now=NOW + 400 * DAY)

    assert what is Renewed.INTERMEDIATES
    assert new.root == old.root
    assert new.key.public_key() != old.key.public_key()
    assert new.expires > NOW + 700 * DAY


def test_renew_with_more_domains(tmp_path: Path) -> None:
    """
    More domains than the root permits: same key and name, so that who has the old root goes on; what was permitted stays so.
    """
    kept = tmp_path / "root.key"
    old = create(tmp_path / "ca", "llm.test", "custom.test", keep_root_key=kept)
    new, what = Authority.renew(old.directory, permitted_domains=["llm.test", "new.test"], root_key=kept)

    assert what is Renewed.ROOT_WIDENED
    assert (new.root.subject, new.root.public_key()) == (old.root.subject, old.root.public_key())
    assert new.domains.names == ("custom.test", "llm.test", "new.test")


def test_renew_without_the_key(tmp_path: Path) -> None:
    """
    Without the root's key there is a new root, by another name, and the caller is told.
    """
    old = create(tmp_path / "ca")
    new, what = Authority.renew(old.directory, permitted_domains=["llm.test"])

    assert what is Renewed.NEW_ROOT
    assert new.root.subject != old.root.subject


def test_renew_with_a_foreign_key(tmp_path: Path) -> None:
    """
    Another CA's root key is noticed before anything is written.
    """
    kept = tmp_path / "root.key"
    create(tmp_path / "other", keep_root_key=kept)
    old = create(tmp_path / "ca")

    with pytest.raises(CertificateError, match="is not the key of"):
        Authority.renew(old.directory, permitted_domains=["llm.test"], root_key=kept)
    assert Authority.load(old.directory).root == old.root


def test_a_second_init_is_refused(tmp_path: Path) -> None:
    """
    Making a CA never replaces one.
    """
    old = create(tmp_path / "ca")
    with pytest.raises(CertificateError, match="already"):
        create(tmp_path / "ca")
    assert Authority.load(old.directory).root == old.root


def test_passphrase(tmp_path: Path) -> None:
    """
    An encrypted key needs its passphrase; wrong, missing and needless ones are told apart, and none is repeated.
    """
    directory = create(tmp_path / "ca", passphrase=b"tr0ub4dor").directory
    assert b"ENCRYPTED" in (directory / KEY_FILE).read_bytes()
    Authority.load(directory, passphrase=b"tr0ub4dor")
    with pytest.raises(CertificateError, match="is encrypted"):
        Authority.load(directory)
    with pytest.raises(CertificateError, match="passphrase is wrong") as wrong:
        Authority.load(directory, passphrase=b"hunter2")
    assert "hunter2" not in str(wrong.value)
    plain = create(tmp_path / "plain").directory
    with pytest.raises(CertificateError, match="has no passphrase"):
        Authority.load(plain, passphrase=b"x")


def test_the_passphrase_named_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What every process of the proxy inherits is enough to start it, and to renew without leaving a plain key behind.
    """
    directory = create(tmp_path / "ca", passphrase=b"tr0ub4dor").directory
    monkeypatch.setenv("SECRET", "tr0ub4dor")
    with pytest.raises(CertificateError, match="EXCISE_CA_PASSPHRASE"):
        Authority.renew(directory, permitted_domains=["llm.test"])
    monkeypatch.setenv("EXCISE_CA_PASSPHRASE", "env:SECRET")
    Authority.load(directory)
    Authority.renew(directory, permitted_domains=["llm.test"])
    Authority.load(directory, passphrase=b"tr0ub4dor")
    create(tmp_path / "plain")
    Authority.load(tmp_path / "plain")  # where nothing is encrypted it is not asked for


def test_where_passphrases_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    From a variable or a file, never as such: a passphrase typed in place of its name is refused and not echoed.
    """
    monkeypatch.setenv("CA_SECRET", "a b")
    (tmp_path / "secret").write_bytes(b"from file\n")

    assert passphrase(None) is None
    assert passphrase("env:CA_SECRET") == b"a b"
    assert passphrase(f"file:{tmp_path / 'secret'}") == b"from file"
    for wrong in ("env:NOT_SET_ANYWHERE", f"file:{tmp_path / 'none'}", "env:"):
        with pytest.raises(CertificateError):
            passphrase(wrong)
    with pytest.raises(CertificateError) as error:
        passphrase("hunter2")
    assert "hunter2" not in str(error.value)
