"""
The file of virtual keys, against people, other processes and power cuts.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from excise.access import key_file
from excise.access.key_file import read
from excise.access.keys import KeyStore
from excise.errors import SettingsError

DIGEST = "ab" * 32
MADE = "2026-11-22T12:00:00+00:00"
ROW = {"id": "abcdefghijkm", "digest": DIGEST, "name": "a", "created_at": MADE}


def write(path: Path, *rows: Any, version: Any = 1) -> Path:
    path.write_text(json.dumps({"version": version, "keys": list(rows)}))
    return path


def test_the_least_and_the_most_of_a_row_can_be_read(tmp_path: Path) -> None:
    """
    What is left out is empty; what was written by this version reads as it was.
    """
    store = KeyStore(tmp_path / "made.json")
    ends = datetime(2027, 1, 1, tzinfo=UTC)
    key, _ = store.create(name="n", team="t", app="a", user="u", cost_centre="c", env="e", tags={"x": "y"}, models=("m",), expires_at=ends)
    rotated, _ = store.rotate(key.id, until=ends)
    revoked = store.revoke(store.create(name="b")[0].id)

    assert read(tmp_path / "made.json") == {key.id: rotated, revoked.id: revoked}
    (least,) = read(write(tmp_path / "keys.json", ROW)).values()
    assert (least.team, least.models, dict(least.tags), least.before) == (None, (), {}, ())


@pytest.mark.parametrize(
    "row",
    [
        5,
        None,
        {},
        ROW | {"id": "x"},
        ROW | {"id": 5},
        ROW | {"digest": DIGEST[:-1]},
        ROW | {"digest": None},
        ROW | {"name": ["a"]},
        ROW | {"created_at": "2026-11-22T12:00:00"},
        ROW | {"created_at": 5},
        ROW | {"expires_at": "soon"},
        ROW | {"expires_at": "2026-11-22"},
        ROW | {"models": "anthropic/*"},
        ROW | {"models": [1]},
        ROW | {"tags": ["a"]},
        ROW | {"tags": {"a": 1}},
        ROW | {"before": [[DIGEST]]},
        ROW | {"before": [["x", MADE]]},
        ROW | {"budget": 5},
    ],
)
def test_a_row_that_could_be_misread_stops_the_whole_file(tmp_path: Path, row: Any) -> None:
    """
    A model list that is a word, a time without a zone, a field of a newer version that may have been a limit: nothing is guessed.
    """
    with pytest.raises(SettingsError, match="no key file"):
        read(write(tmp_path / "keys.json", ROW | {"id": "mkjhgfedcbaa"}, row))


def test_two_keys_of_one_id_stop_the_file(tmp_path: Path) -> None:
    """
    Which of them would be meant?
    """
    with pytest.raises(SettingsError, match="no key file"):
        read(write(tmp_path / "keys.json", ROW, ROW))


def test_a_file_everybody_may_write_is_not_believed(tmp_path: Path) -> None:
    """
    Whoever can write a digest there has made a key.
    """
    path = write(tmp_path / "keys.json", ROW)
    path.chmod(0o606)

    with pytest.raises(SettingsError, match="everybody may write"):
        KeyStore(path)


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_what_is_written_is_closed_to_others_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    """
    File, lock, and the folder where it had to be made.
    """
    before = os.umask(umask)
    try:
        KeyStore(tmp_path / "state/keys.json").create(name="a")
    finally:
        os.umask(before)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state", *(tmp_path / "state").iterdir())}
    assert modes == {"state": 0o700, "keys.json": 0o600, "keys.lock": 0o600}


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_is_told_and_blocks_nobody(tmp_path: Path, make: Any) -> None:
    """
    Opening a pipe would wait for whoever writes.
    """
    make(tmp_path / "keys.json")

    with pytest.raises(SettingsError):
        KeyStore(tmp_path / "keys.json")


def test_an_enormous_file_is_not_read(tmp_path: Path) -> None:
    """
    Its size is looked at first.
    """
    with (tmp_path / "keys.json").open("wb") as file:
        file.truncate(key_file.MAX_BYTES + 1)

    with pytest.raises(SettingsError, match="larger than"):
        KeyStore(tmp_path / "keys.json")


def test_a_link_stays_one(tmp_path: Path) -> None:
    """
    Operators put state on another volume; the file there is replaced, with its lock beside it.
    """
    (tmp_path / "volume").mkdir()
    write(tmp_path / "volume/keys.json")
    (tmp_path / "keys.json").symlink_to("volume/keys.json")
    store = KeyStore(tmp_path / "keys.json")
    _, secret = store.create(name="a")

    assert (tmp_path / "keys.json").is_symlink() and KeyStore(tmp_path / "volume/keys.json").find(secret)
    assert {path.name for path in (tmp_path / "volume").iterdir()} == {"keys.json", "keys.lock"}


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    """
    It could be made to create or open any file.
    """
    (tmp_path / "keys.lock").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(SettingsError, match="cannot be written"):
        KeyStore(tmp_path / "keys.json").create(name="a")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_breaks_off_leaves_the_keys_as_they_were(tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A full disk, at any point: the old file stands, nothing is left beside it, and the process that tried still knows the old keys.
    """
    store = KeyStore(tmp_path / "keys.json")
    _, secret = store.create(name="a")
    content = (tmp_path / "keys.json").read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(*((os, "fsync", full) if step == "fsync" else (Path, "replace", full)))
        with pytest.raises(SettingsError, match="No space left"):
            store.create(name="b")

    assert (tmp_path / "keys.json").read_bytes() == content and {path.name for path in tmp_path.iterdir()} == {"keys.json", "keys.lock"}
    assert store.find(secret).name == "a" and len(store.all()) == 1


def _die_while_writing(path: Path) -> None:
    def die(*_: Any) -> None:
        os._exit(9)

    Path.replace = die  # type: ignore[assignment,method-assign]
    KeyStore(path).create(name="b")


def test_a_writer_that_is_killed_leaves_a_file_and_no_lock(tmp_path: Path) -> None:
    """
    Between writing and renaming: the keys are the old ones, the lock is free, and what was left is cleared by the next writer.
    """
    store = KeyStore(tmp_path / "keys.json")
    store.create(name="a")
    process = multiprocessing.get_context("spawn").Process(target=_die_while_writing, args=(tmp_path / "keys.json",))
    process.start()
    process.join(30)
    assert process.exitcode == 9 and len(list(tmp_path.glob(".keys.json.*"))) == 1

    store.create(name="c")
    assert [key.name for key in KeyStore(tmp_path / "keys.json").all()] == ["a", "c"]
    assert {path.name for path in tmp_path.iterdir()} == {"keys.json", "keys.lock"}


def test_the_folder_is_written_through_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Else a power cut could bring the old file back, and a revoked key with it.
    """
    synced = []
    real = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").resolve())
        real(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    KeyStore(tmp_path / "keys.json").create(name="a")

    assert len(synced) == 2 and synced[0].name.startswith(".keys.json.") and synced[1] == tmp_path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_keys_made_by_root_belong_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    """
    The proxy, which runs as that user, must be able to read them.
    """
    os.chown(tmp_path, 12345, 23456)
    KeyStore(tmp_path / "keys.json").create(name="a")

    status = (tmp_path / "keys.json").stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (12345, 23456, 0o600)


def test_a_clock_set_back_brings_no_revoked_key_back(tmp_path: Path) -> None:
    """
    Revoking does not depend on the time.
    """
    now = [datetime(2026, 11, 22, tzinfo=UTC)]
    store = KeyStore(tmp_path / "keys.json", now=lambda: now[0])
    revoked, secret = store.create(name="a")
    store.revoke(revoked.id)

    now[0] -= timedelta(days=3650)
    with pytest.raises(Exception, match="revoked"):
        store.find(secret)
