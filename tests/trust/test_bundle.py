"""
Bundles: ours and the machine's, refreshed when either changes, and never ours twice.
"""

from __future__ import annotations

import stat
from pathlib import Path

import certifi
import pytest

from excise.errors import CertificateError
from excise.trust.authority import ROOT_FILE, Authority
from excise.trust.bundle import write_bundle
from excise.trust.directory import replace_file
from excise.trust.roots import certificates_in, system_roots


def _block(number: int) -> str:
    return Path(certifi.where()).read_text().split("-----END CERTIFICATE-----")[number] + "-----END CERTIFICATE-----\n"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "ca", permitted_domains=["llm.test"])


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    The machine's roots: three of certifi's.
    """
    file = tmp_path / "machine.pem"
    file.write_text("".join(map(_block, range(3))))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    return file


def test_merged(authority: Authority, machine: Path) -> None:
    """
    The bundle holds our root and every root of the machine, each once.
    """
    machine.write_text(machine.read_text() * 2 + authority.root_path.read_text())
    bundle = write_bundle(authority.directory)
    text = bundle.pem.read_text()

    assert bundle.certificates == text.count("BEGIN CERTIFICATE") == 4
    assert authority.root_path.read_text().strip() in text
    assert bundle.root == authority.root_path


def test_refreshed_only_when_something_changed(authority: Authority, machine: Path) -> None:
    """
    Calling again writes nothing; a change of the machine's roots is taken over into both forms.
    """
    bundle = write_bundle(authority.directory)
    before = [(path.stat().st_ino, path.read_bytes()) for path in (bundle.pem, bundle.truststore)]
    write_bundle(authority.directory)
    assert [(path.stat().st_ino, path.read_bytes()) for path in (bundle.pem, bundle.truststore)] == before

    machine.write_text(_block(4))
    assert write_bundle(authority.directory).certificates == 2
    assert bundle.pem.read_bytes() != before[0][1]
    assert bundle.truststore.read_bytes() != before[1][1]


def test_interrupted_between_the_two(authority: Authority, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Killed after the first of the two files, the next call writes both: the PEM file says whether the store is current.
    """
    store = write_bundle(authority.directory).truststore
    before = store.read_bytes()
    machine.write_text(machine.read_text() + _block(4))

    def dies(path: Path, content: bytes, mode: int) -> None:
        if path.name == "bundle.pem":
            raise KeyboardInterrupt
        replace_file(path, content, mode)

    with monkeypatch.context() as patched:
        patched.setattr("excise.trust.bundle.replace_file", dies)
        with pytest.raises(KeyboardInterrupt):
            write_bundle(authority.directory)
    half = store.read_bytes()
    bundle = write_bundle(authority.directory)

    assert before != half != store.read_bytes()
    assert bundle.pem.read_text().count("BEGIN CERTIFICATE") == bundle.certificates == 5


def test_elsewhere(authority: Authority, machine: Path, tmp_path: Path) -> None:
    """
    Bundles can be written where others may read them, with a copy of our root and nothing private.
    """
    bundle = write_bundle(tmp_path / "public", root=authority.root_path)

    assert sorted(path.name for path in (tmp_path / "public").iterdir()) == ["bundle.pem", ROOT_FILE, "truststore.p12"]
    assert bundle.root.read_bytes() == authority.root_path.read_bytes()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "public").iterdir()} == {0o644}


def test_inside_our_own_environment(authority: Authority, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With `SSL_CERT_FILE` set to our own bundle, our root counts neither as the machine's nor as an upstream's.
    """
    roots = system_roots()
    bundle = write_bundle(authority.directory)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle.pem))

    assert system_roots() == roots
    assert certificates_in(authority.root_path)[0] not in roots
    before = bundle.pem.read_bytes()
    write_bundle(authority.directory)
    assert bundle.pem.read_bytes() == before


def test_without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without variables the machine's own store is found.
    """
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)

    assert len(system_roots()) > 20


def test_a_named_file_that_is_not_there(authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    A wrong `SSL_CERT_FILE` is an error, not a reason to trust something else.
    """
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(CertificateError, match=r"none\.pem"):
        write_bundle(authority.directory)


def test_no_ca(tmp_path: Path) -> None:
    """
    Without a CA there is no bundle, and the error says which command makes one.
    """
    with pytest.raises(CertificateError, match="excise certs init"):
        write_bundle(tmp_path)
