from __future__ import annotations

import base64
import hmac
import json
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from excise.access.keys import KeyStore, is_virtual, shows_key
from excise.errors import SettingsError, Unauthenticated

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def test_a_key_is_found_by_its_secret_alone(tmp_path: Path) -> None:
    """
    What was made is found, by any process that reads the file; a secret that differs in one letter is nobody's.
    """
    store = KeyStore(tmp_path / "keys.json")
    key, secret = store.create(name="checkout", team="payments")

    assert is_virtual(secret)
    assert KeyStore(tmp_path / "keys.json").find(secret) == key
    for wrong in (secret[:-1] + ("A" if secret[-1] != "A" else "B"), secret + "x", "exk_", secret.replace(key.id, "a" * 12), ""):
        with pytest.raises(Unauthenticated, match="not known"):
            store.find(wrong)


def test_the_secret_is_nowhere_on_disk(tmp_path: Path) -> None:
    """
    The file holds a digest, closed to others; neither it nor what the key prints gives the secret away.
    """
    store = KeyStore(tmp_path / "keys.json")
    key, secret = store.create(name="checkout")

    for file in tmp_path.iterdir():
        assert secret.encode() not in file.read_bytes() and secret[17:].encode() not in file.read_bytes()
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert secret not in repr(key) and key.digest not in repr(key)


def test_revoked_and_expired_keys_do_not_work(tmp_path: Path) -> None:
    """
    A key ends when it is revoked, in every process that looks at the file again, and when its time is over.
    """
    clock = Clock()
    store, other = KeyStore(tmp_path / "keys.json", now=clock), KeyStore(tmp_path / "keys.json", now=clock)
    _, expiring = store.create(name="a", expires_at=NOW + timedelta(hours=1))
    revoked, secret = store.create(name="b")
    other.poll()
    assert other.find(secret) and other.find(expiring)

    store.revoke(revoked.id)
    other.poll()
    clock.now = NOW + timedelta(hours=1)

    with pytest.raises(Unauthenticated, match="revoked"):
        other.find(secret)
    with pytest.raises(Unauthenticated, match="expired"):
        other.find(expiring)


def test_a_rotated_key_works_with_both_secrets_for_a_while(tmp_path: Path) -> None:
    """
    The old secret works until the moment given, the new one at once; revoking ends both.
    """
    clock = Clock()
    store = KeyStore(tmp_path / "keys.json", now=clock)
    key, old = store.create(name="a")
    _, new = store.rotate(key.id, until=NOW + timedelta(hours=1))

    assert store.find(old).id == store.find(new).id == key.id
    clock.now += timedelta(hours=1)
    assert store.find(new)
    with pytest.raises(Unauthenticated):
        store.find(old)
    store.revoke(key.id)
    with pytest.raises(Unauthenticated):
        store.find(new)
    with pytest.raises(SettingsError, match="revoked"):
        store.rotate(key.id, until=clock.now)


def test_no_key_is_lost_when_many_are_made_at_once(tmp_path: Path) -> None:
    """
    Several processes may write: each takes the lock, reads, and replaces the file whole.
    """
    stores = [KeyStore(tmp_path / "keys.json") for _ in range(4)]
    threads = [threading.Thread(target=lambda store=store: [store.create(name="n") for _ in range(5)]) for store in stores]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(KeyStore(tmp_path / "keys.json").all()) == 20


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"version": 2, "keys": []}', b'{"version": 1, "keys": [{"id": 1}]}', b"\xff"])
def test_what_is_no_key_file_is_told_and_never_replaced(tmp_path: Path, content: bytes) -> None:
    """
    A damaged file stops the command that would have overwritten it.
    """
    path = tmp_path / "keys.json"
    path.write_bytes(content)

    with pytest.raises(SettingsError, match="no key file"):
        KeyStore(path)
    assert path.read_bytes() == content


def test_a_broken_file_leaves_the_keys_of_a_running_process(tmp_path: Path) -> None:
    """
    What cannot be read is told, and nobody is locked out by it.
    """
    store = KeyStore(tmp_path / "keys.json")
    _, secret = store.create(name="a")
    (tmp_path / "keys.json").write_text("{")

    with pytest.raises(SettingsError):
        store.poll()
    assert store.find(secret)


def test_models_are_globs_without_case(tmp_path: Path) -> None:
    """
    A key without a list may ask for anything; with one, for what a pattern matches.
    """
    store = KeyStore(tmp_path / "keys.json")
    free, _ = store.create(name="a")
    bound, _ = store.create(name="b", models=("anthropic/Claude-*", "fast"))

    assert free.allows("anything")
    assert bound.allows("anthropic/claude-haiku-4-5") and bound.allows("FAST")
    assert not bound.allows("openai/gpt-4o") and not bound.allows("faster")
    assert json.loads((tmp_path / "keys.json").read_text())["keys"][1]["models"] == ["anthropic/Claude-*", "fast"]


def test_every_digest_is_compared_in_constant_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Digests are compared by `hmac.compare_digest` alone, all of a key's, whichever fits.
    """
    store = KeyStore(tmp_path / "keys.json")
    key, first = store.create(name="a")
    for _ in range(2):
        _, last = store.rotate(key.id, until=datetime.now(UTC) + timedelta(hours=1))
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr("excise.access.keys.hmac.compare_digest", lambda one, other: compared.append(one) or real(one, other))

    store.find(first)
    assert len(compared) == 3
    compared.clear()
    store.find(last)
    assert len(compared) == 1


def test_an_expired_key_is_not_rotated(tmp_path: Path) -> None:
    """
    The new secret would not work either.
    """
    clock = Clock()
    store = KeyStore(tmp_path / "keys.json", now=clock)
    key, _ = store.create(name="a", expires_at=NOW + timedelta(hours=1))
    clock.now += timedelta(hours=1)

    with pytest.raises(SettingsError, match="expired"):
        store.rotate(key.id, until=clock.now)


KEY = "exk_" + "a2" * 6 + "_" + "Bc-_9" * 8 + "xyz"


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"Bearer {KEY}",
        f"a=b; c={KEY}; d",
        KEY[:30],
        KEY.replace("_", "%5F"),
        "".join(f"%{byte:02x}" for byte in KEY.encode()),
        "Basic " + base64.b64encode(f"{KEY}:".encode()).decode(),
        "basic  " + base64.b64encode(f"user:{KEY}".encode()).decode().rstrip("="),
        "x" * 1_000_000 + KEY,
    ],
)
def test_a_key_is_seen_in_what_would_leave(text: str) -> None:
    """
    As it is, cut short, percent-encoded, as a Basic credential, in a large body.
    """
    assert shows_key(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "exk_",
        "exk_<id>_<secret>",
        "exk_abcdefghijkm",
        "exk_ABCDEFGHIJKM_aaaaaaaaaaaa",
        "Basic !!!",
        "Basic e",
        "%",
        "%zz%5",
        "a%5Fb" * 20_000,
    ],
)
def test_other_text_is_not_taken_for_one(text: str) -> None:
    """
    Nor does anything malformed raise.
    """
    assert not shows_key(text.encode())
