"""
The policy in force: what changes it, and what does not.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import threading

import pytest
import structlog

from excise.errors import PolicyError
from excise.policy import store as module
from excise.policy.store import PolicyStore

ALLOW = "version: 1\ndefault: allow\n"
DENY = "version: 1\ndefault: deny\n"
BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n".encode() for a, b in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "policies"
    path.mkdir()
    (path / "default.yml").write_text(ALLOW)
    return path


@pytest.fixture
def logs():
    with structlog.testing.capture_logs() as lines:
        yield lines


def default(store: PolicyStore) -> bool:
    return store.current.default_decision.allow


def test_a_changed_file_becomes_the_policy(folder, logs):
    """
    Without a change nothing happens; with one the next look takes it over, and one line says so.
    """
    store = PolicyStore(folder)
    first = store.current
    store.poll()
    store.poll()
    assert store.current is first

    (folder / "default.yml").write_text(DENY)
    store.poll()

    assert not default(store)
    assert store.faults is None
    (line,) = logs
    assert (line["event"], line["before"], line["policy_id"]) == ("policy reloaded", first.id, store.current.id)
    assert (line["rules"], line["principals"]) == (0, 0)


def test_a_call_keeps_the_policy_it_began_with(folder):
    """
    A policy never changes; a reload makes another.
    """
    store = PolicyStore(folder)
    held = store.current
    (folder / "default.yml").write_text(DENY)
    store.reload()

    assert held.default_decision.allow
    assert not store.current.default_decision.allow


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"version: 1\nrules:\n  - name: half a li",
        b"version: 1\n",
        b"version: 1\ndefault: den",
        b"a: 1\n" * 2_000_000,
        BOMB,
        b"[" * 100_000,
        b"version: 1\ndefault: deny\x00",
        b"version: 1\nversion: 1\ndefault: deny\n",
        "version: 1\ndefault: deny\n".encode("utf-16"),
        b"\xff",
        b"version: 1\nrules: 7\ndefault: deny\n",
    ],
    ids=["empty", "cut", "headless", "cut-word", "10-MB", "bomb", "deep", "nul", "duplicate", "utf-16", "byte", "shape"],
)
def test_a_broken_file_keeps_the_old_policy(folder, logs, damage):
    """
    However it is broken; it is said once, not each second, and the repaired file is taken over.
    """
    store = PolicyStore(folder)
    held = store.current
    (folder / "default.yml").write_bytes(damage)
    for _ in range(4):
        store.poll()

    assert store.current is held
    assert store.faults
    assert [line["event"] for line in logs] == ["policy kept"]
    assert logs[0]["policy_id"] == held.id
    assert logs[0]["faults"]

    (folder / "default.yml").write_text(DENY)
    store.poll()
    assert not default(store)
    assert store.faults is None


@pytest.mark.parametrize("damage", ["deleted", "folder deleted", "second policy", "a directory", "a pipe", "a loop of links"])
def test_a_broken_directory_keeps_the_old_policy(folder, logs, damage):
    """
    So does anything else that may stand where the policy stood.
    """
    store = PolicyStore(folder)
    held = store.current
    path = folder / "default.yml"
    match damage:
        case "deleted":
            path.unlink()
        case "folder deleted":
            shutil.rmtree(folder)
        case "second policy":
            (folder / "more.yml").write_text(DENY)
        case "a directory":
            path.unlink()
            path.mkdir()
        case "a pipe":
            path.unlink()
            os.mkfifo(path)
        case "a loop of links":
            path.unlink()
            path.symlink_to(path)
    for _ in range(3):
        store.poll()

    assert store.current is held
    assert len(logs) == 1

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path.write_text(DENY)
    store.poll()
    assert not default(store)


def test_back_to_what_it_was_is_said(folder, logs):
    """
    Whoever saw the error sees its end, also where the policy stays the same one.
    """
    store = PolicyStore(folder)
    (folder / "default.yml").write_text("nonsense")
    store.poll()
    (folder / "default.yml").write_text(ALLOW)
    store.poll()

    assert [line["event"] for line in logs] == ["policy kept", "policy is whole again"]


def test_swapped_links_are_seen(tmp_path):
    """
    Mounted config maps change by one rename of a link to a folder, while size and times of the new file may be the old ones.
    """
    for name, text in (("1", "version: 1\ndefault: deny \n"), ("2", "version: 1\ndefault: allow\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "default.yml").write_text(text)
        os.utime(tmp_path / name / "default.yml", ns=(10**18, 10**18))
    assert (tmp_path / "1" / "default.yml").stat().st_size == (tmp_path / "2" / "default.yml").stat().st_size
    (tmp_path / "data").symlink_to("1")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "default.yml").symlink_to("../data/default.yml")
    store = PolicyStore(tmp_path / "policies")
    assert not default(store)

    (tmp_path / "next").symlink_to("2")
    (tmp_path / "next").rename(tmp_path / "data")
    store.poll()
    assert default(store)


def test_two_writes_within_one_tick_of_the_clock_are_both_seen(folder, monkeypatch):
    """
    The second leaves time, size and inode as they were; the look after each change reads again.
    """
    fixed = lambda where, touched: (("same", None),)  # noqa: E731
    store = PolicyStore(folder)
    (folder / "default.yml").write_text("version: 1\ndefault: deny \n")
    monkeypatch.setattr(module, "_signature", fixed)
    store.poll()
    (folder / "default.yml").write_text("version: 1\ndefault: allow\n")
    store.poll()
    assert default(store)
    (folder / "default.yml").write_text(DENY)
    store.poll()
    assert default(store), "no change of the signature, no second look due: nothing is read"


def test_a_changed_key_is_taken_over(folder, logs):
    """
    A key file is part of the policy though its content is not in the id; a missing one that appears is noticed.
    """
    text = "version: 1\nprincipals:\n  - {id: a, match: {proxy_user: a, key: file:key}}\ndefault: allow\n"
    store = PolicyStore(folder)
    (folder / "default.yml").write_text(text)
    store.poll()
    assert "No such file" in store.faults[0][3]

    (folder / "key").write_text("first-key-0123456\n")
    store.poll()
    first = store.current
    assert first.principals.users
    (folder / "key").write_text("second-key-012345\n")
    store.poll()

    assert store.current.id == first.id
    assert store.current.principals.users != first.principals.users
    assert [line["event"] for line in logs] == ["policy kept", "policy reloaded", "policy reloaded"]
    assert "key-0123" not in str(logs)


def test_without_a_valid_policy_nothing_starts(tmp_path):
    """
    The first load has nothing to fall back on.
    """
    with pytest.raises(PolicyError, match="no policy here"):
        PolicyStore(tmp_path)
    with pytest.raises(PolicyError, match="cannot be read"):
        PolicyStore(tmp_path / "none")
    (tmp_path / "default.yml").write_text("version: 1\n")
    with pytest.raises(PolicyError, match="`default` is missing"):
        PolicyStore(tmp_path)


def test_under_concurrent_writes_only_whole_policies_are_ever_in_force(folder):
    """
    A writer that truncates and writes in place, piece by piece, while others reload and read.
    """
    rules = "".join(f"  - {{name: r{at}, when: {{provider: p{at}}}, then: deny, reason: {'long ' * 20}}}\n" for at in range(40))
    texts = [f"version: 1\nrules:\n{rules}default: {end}\n".encode() for end in ("allow", "deny")]
    (folder / "default.yml").write_bytes(texts[0])
    store = PolicyStore(folder)
    whole = {store.current.id}
    (folder / "default.yml").write_bytes(texts[1])
    store.reload()
    whole.add(store.current.id)
    done = threading.Event()

    def write():
        for turn in range(60):
            text = texts[turn % 2]
            with (folder / "default.yml").open("wb", buffering=0) as file:
                for at in range(0, len(text), 1500):
                    file.write(text[at : at + 1500])
        done.set()

    seen = set()
    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        store.reload()
        seen.add(store.current.id)
        assert len(store.current.rules) == 40
    writer.join()
    store.reload()

    assert seen <= whole
    assert store.faults is None
    assert not default(store)


async def test_watching_polls_until_cancelled_and_survives_bugs(folder, monkeypatch, logs):
    """
    A bug in loading is logged without what the file holds, and later changes are still seen.
    """
    store = PolicyStore(folder)
    polled = asyncio.Event()
    loop = asyncio.get_running_loop()
    real = store.reload
    bugs = [RuntimeError("secret content")]

    def reload():
        if bugs:
            raise bugs.pop()
        real()
        loop.call_soon_threadsafe(polled.set)

    monkeypatch.setattr(store, "reload", reload)
    (folder / "default.yml").write_text(DENY)
    task = asyncio.create_task(store.watch(0.001))
    await asyncio.wait_for(polled.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not default(store)
    assert logs[0]["faults"] == ["bug while reloading: RuntimeError"]
    assert "secret content" not in str(logs)
