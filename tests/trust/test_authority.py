"""
The CA on disk: what it may sign, who may read it, and that it is never half of anything.
"""

from __future__ import annotations

import datetime as dt
import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from excise.errors import CertificateError
from excise.trust import directory as disk
from excise.trust.authority import INTERMEDIATE_FILE, KEY_FILE, ROOT_FILE, Authority, _commit
from excise.trust.domains import Domains, host_name
from excise.trust.issue import issue_intermediates, issue_root, permitted_subtrees

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
FILES = {ROOT_FILE, INTERMEDIATE_FILE, KEY_FILE}


def create(directory: Path, *domains: str, **options: Any) -> Authority:
    return Authority.create(directory, permitted_domains=domains or ("llm.test",), **options)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_private_files(tmp_path: Path) -> None:
    """
    Only the owner reads the CA's directory, whatever the umask; only what clients are given is public inside it.
    """
    before = os.umask(0)
    try:
        create(tmp_path / "ca")
    finally:
        os.umask(before)

    assert mode(tmp_path / "ca") == 0o700
    assert {path.name: mode(path) for path in (tmp_path / "ca").iterdir()} == {ROOT_FILE: 0o644, INTERMEDIATE_FILE: 0o600, KEY_FILE: 0o600}


def test_an_open_directory_is_made_private(tmp_path: Path) -> None:
    """
    A directory that is there already, with other files in it, is used and closed to others.
    """
    directory = tmp_path / "certs"
    directory.mkdir(mode=0o755)
    (directory / "README.md").write_text("hello")
    create(directory)

    assert mode(directory) == 0o700
    assert (directory / "README.md").read_text() == "hello"


@pytest.mark.parametrize(("name", "bits"), [(".", 0o755), (".", 0o770), (KEY_FILE, 0o644), (KEY_FILE, 0o640)])
def test_open_to_others_refuses_to_start(tmp_path: Path, name: str, bits: int) -> None:
    """
    A key that others can read, or replace, is not used; the error names the command that mends it.
    """
    create(tmp_path / "ca")
    (tmp_path / "ca" / name).chmod(bits)

    with pytest.raises(CertificateError, match=r"chmod [67]00"):
        Authority.load(tmp_path / "ca")


def test_what_the_certificates_say(tmp_path: Path) -> None:
    """
    Root and intermediates are CAs with critical constraints: the named DNS subtrees, no address at all, no CA below the intermediate.
    """
    authority = create(tmp_path / "ca", "*.openai.com", "api.openai.com", "Anthropic.com.")

    assert authority.domains.names == ("anthropic.com", "openai.com")
    for certificate, path_length in ((authority.root, 1), *((one, 0) for one in authority.intermediates)):
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        names = certificate.extensions.get_extension_for_class(x509.NameConstraints)
        assert basic.critical and basic.value.ca and basic.value.path_length == path_length
        assert names.critical
        assert {str(tree.value) for tree in names.value.excluded_subtrees or ()} == {"0.0.0.0/0", "::/0"}
        assert permitted_subtrees(certificate) == ("anthropic.com", "openai.com")


def test_many_domains_make_small_intermediates(tmp_path: Path) -> None:
    """
    However long the catalogue, what a handshake carries stays about one kilobyte, and every domain has its intermediate.
    """
    domains = [f"a-rather-long-provider-name-{number}.example" for number in range(600)]
    authority = create(tmp_path / "ca", *domains)

    assert max(len(one.public_bytes(serialization.Encoding.DER)) for one in authority.intermediates) < 1500
    for name in domains:
        issuer = authority.issuer_for(f"api.{name}")
        assert issuer is not None and name in permitted_subtrees(issuer)
    assert authority.issuer_for("api.bank.test") is None


def test_the_root_key_never_touches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without --keep-root-key no file, not even a temporary one, holds the root's key.
    """
    written: list[bytes] = []
    original = disk.write_new
    monkeypatch.setattr(disk, "write_new", lambda path, content, bits: (written.append(content), original(path, content, bits))[1])
    authority = create(tmp_path / "ca")

    keys = [serialization.load_pem_private_key(content, None) for content in written if b"PRIVATE KEY" in content]
    assert [key.public_key() for key in keys] == [authority.key.public_key()]
    assert authority.key.public_key() != authority.root.public_key()


def test_a_kept_root_key_is_private_and_never_overwrites(tmp_path: Path) -> None:
    """
    The kept key is 0600, encrypted where asked, and a second CA does not write over it, nor is it made then.
    """
    kept = tmp_path / "root.key"
    create(tmp_path / "ca", keep_root_key=kept, root_passphrase=b"correct horse")
    content = kept.read_bytes()

    assert mode(kept) == 0o600
    assert b"ENCRYPTED" in content
    with pytest.raises(CertificateError, match="never written over"):
        create(tmp_path / "other", keep_root_key=kept)
    assert kept.read_bytes() == content
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("fails_at", [1, 2, 3])
@pytest.mark.parametrize("existing", [False, True])
def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int, existing: bool) -> None:
    """
    A disk that fills up at any file leaves the CA that was there, or none; never a part, and no kept root key of a CA that is not.
    """
    directory, kept = tmp_path / "ca", tmp_path / "root.key"
    old = create(directory, keep_root_key=kept) if existing else None
    calls = 0
    original = os.fsync

    def full(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CertificateError, match=r"No space left.*Nothing was changed"):
        if existing:
            Authority.renew(directory, permitted_domains=["llm.test"], root_key=kept)
        else:
            create(directory, keep_root_key=kept)
    monkeypatch.undo()

    if old is not None:
        assert {path.name for path in directory.iterdir()} == FILES
        assert Authority.load(directory).intermediates == old.intermediates
    else:
        assert not kept.exists()
        assert not directory.exists() or not list(directory.iterdir())
        create(directory)  # and then it works


class _Killed(BaseException):
    """
    Stands for `kill -9`: nothing of ours runs after it.
    """


@pytest.mark.parametrize("renames", [0, 1, 2, 3, 4])
def test_killed_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renames: int) -> None:
    """
    Killed before or after any rename of a renewal, the next start finds the old CA or the new one, whole.
    """
    directory, kept = tmp_path / "ca", tmp_path / "root.key"
    old = create(directory, keep_root_key=kept)
    left = renames

    def dying(original: Any) -> Any:
        def move(source: Path, target: Path) -> Path:
            nonlocal left
            if left == 0:
                raise _Killed
            left -= 1
            return original(source, target)

        return move

    monkeypatch.setattr(Path, "rename", dying(Path.rename))
    monkeypatch.setattr(Path, "replace", dying(Path.replace))
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)
    try:
        Authority.renew(directory, permitted_domains=["llm.test", "more.test"], root_key=kept)
    except _Killed:
        pass
    else:
        assert renames == 4
    monkeypatch.undo()

    found = Authority.load(directory)
    assert (found.intermediates == old.intermediates) is (renames == 0)
    assert found.domains == Domains(["llm.test"] if renames == 0 else ["llm.test", "more.test"])
    create(tmp_path / "again")
    Authority.renew(directory, permitted_domains=["llm.test"], root_key=kept)  # what the crash left does not stand in the way
    assert {path.name for path in directory.iterdir()} == FILES


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_broken_ca_says_what_to_do(tmp_path: Path, name: str) -> None:
    """
    A missing, damaged or foreign file is refused, and the error says how to go on.
    """
    authority = create(tmp_path / "ca")
    other = create(tmp_path / "other", "bank.test")
    path = authority.directory / name
    content = path.read_bytes()

    path.unlink()
    with pytest.raises(CertificateError, match=f"{name} is missing.*excise certs init"):
        Authority.load(authority.directory)
    disk.write_new(path, content[: len(content) // 2], 0o600)
    with pytest.raises(CertificateError, match=r"broken|damaged"):
        Authority.load(authority.directory)
    path.unlink()
    disk.write_new(path, (other.directory / name).read_bytes(), 0o600)
    with pytest.raises(CertificateError, match=r"is not (the key of|signed by)"):
        Authority.load(authority.directory)


def test_no_ca(tmp_path: Path) -> None:
    """
    No directory and an empty one are both "there is no CA", with the command that makes one.
    """
    for directory in (tmp_path, tmp_path / "none"):
        with pytest.raises(CertificateError, match="excise certs init"):
            Authority.load(directory)


def test_an_unconstrained_ca_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A CA that could sign for any host is not used, even if an operator put it there.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    domains = Domains(["llm.test"])
    with monkeypatch.context() as patched:
        patched.setattr(x509, "NameConstraints", lambda **_: x509.InhibitAnyPolicy(0))
        root = issue_root(key, domains, NOW)
        intermediates = issue_intermediates(key, root, key, domains, NOW)
    _commit(tmp_path / "ca", root, intermediates, key, None)

    with pytest.raises(CertificateError, match="could sign for any host"):
        Authority.load(tmp_path / "ca", now=NOW)


@pytest.mark.parametrize(
    "name", ["com", "*.com", "", "10.0.0.1", "::1", "a..b.test", "-a.test", "x" * 64 + ".test", "a b.test", "*.*.test", "1.2"]
)
def test_what_is_no_domain(tmp_path: Path, name: str) -> None:
    """
    Addresses, top-level domains and things that are no names cannot be permitted.
    """
    with pytest.raises(CertificateError):
        create(tmp_path / "ca", name)
    assert not (tmp_path / "ca").exists()


def test_no_domains(tmp_path: Path) -> None:
    """
    A constraint with nothing in it would be no constraint: it is refused.
    """
    with pytest.raises(CertificateError, match="at least one"):
        Authority.create(tmp_path / "ca", permitted_domains=[])


def test_domains_compare_whole_labels() -> None:
    """
    A look-alike is not below the domain it looks like; case and international names do not matter.
    """
    domains = Domains(["OpenAI.com", "bücher.test"])

    assert domains.covers("openai.com") and domains.covers("a.b.openai.com") and domains.covers("xn--bcher-kva.test")
    assert not any(map(domains.covers, ("evilopenai.com", "openai.com.evil.test", "com", "openai.co", "")))
    assert domains.missing(["api.openai.com", "new.test"]) == ("new.test",)
    assert host_name("API.OpenAI.com.") == "api.openai.com"
