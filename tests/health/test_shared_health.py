"""
Health in shared memory: what one process learns the others know, and nothing that dies halfway is taken for truth.
"""

from __future__ import annotations

import os
import random
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

import excise
from excise.health import health_file
from excise.health.health_file import HEADER_BYTES, SLOT_BYTES
from excise.health.keys import KEY_BYTES, key_of
from excise.health.shared import SharedHealth
from excise.routing.standing import UNTRIED

KEY = key_of("openai", "gpt", 0)

BEGIN = """
import sys, time
from pathlib import Path
from excise.health.keys import key_of
from excise.health.shared import SharedHealth
KEY = key_of("openai", "gpt", 0)
shared = SharedHealth(Path(sys.argv[1]), slots=64, {clock})
print("ready", flush=True)
sys.stdin.readline()
"""


class Clock:
    """
    A clock that goes when told to.
    """

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "health"


@pytest.fixture
def opened(path):
    """
    Opens the file like a worker does; all are closed at the end.
    """
    made = []

    def open_one(slots: int = 64, **more) -> SharedHealth:
        made.append(SharedHealth(path, slots=slots, **more))
        return made[-1]

    yield open_one
    for one in made:
        one.close()


@pytest.fixture
def worker(path):
    """
    Starts another process on the file, which has opened it and waits for a line before it does its work.
    """
    started = []

    def start(work: str, *, clock: str = "") -> subprocess.Popen[str]:
        environment = {"PYTHONPATH": str(Path(excise.__file__).parents[1]), "PATH": os.environ["PATH"]}
        process = subprocess.Popen(
            [sys.executable, "-c", BEGIN.format(clock=clock) + work, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.stdout.close()
        process.stdin.close()
        process.wait()


def test_what_one_worker_learns_another_knows(opened, worker):
    """
    Figures, limits and an open breaker written by another process are read here at once, on the same clock.
    """
    shared = opened()
    assert shared.standing(KEY) == UNTRIED

    other = worker(
        'shared.succeeded(KEY, 0.5, 80.0); shared.limited(KEY, shared.now() + 60)\nfor _ in "123": shared.failed(KEY, hard=True)'
    )
    other.communicate("go\n", timeout=10)

    standing = shared.standing(KEY)
    assert (standing.state, standing.first_byte_seconds, standing.tokens_per_second) == ("open", 0.5, 80.0)
    assert 50 < standing.limited_until - time.monotonic() < 61
    assert not shared.may_try(KEY)


def test_only_one_of_many_workers_gets_the_probe(opened, worker):
    """
    When a breaker half opens, one call goes through, however many processes ask at that moment.
    """
    clock = Clock()
    shared = opened(clock=clock)
    for _ in range(3):
        shared.failed(KEY, hard=True)
    others = [worker("print(sum(shared.may_try(KEY) for _ in range(500)))", clock="clock=lambda: 1010.0") for _ in range(3)]
    for other in others:
        other.stdin.write("go\n")
        other.stdin.flush()
    granted = [int(other.communicate(timeout=10)[0]) for other in others]

    clock.now = 1010.0
    assert sum(granted) == 1
    assert shared.standing(KEY).state == "half_open"
    assert not shared.may_try(KEY)


def test_no_update_is_lost_but_those_given_up(opened, worker):
    """
    Three processes write to one record at once; every update is in it that its writer was not told was dropped.
    """
    shared = opened(clock=Clock())
    work = "for _ in range(3000): shared.succeeded(KEY)\nprint(3000 - shared.dropped)"
    others = [worker(work, clock="clock=lambda: 1000.0") for _ in range(3)]
    for other in others:
        other.stdin.write("go\n")
        other.stdin.flush()
    kept = sum(int(other.communicate(timeout=20)[0]) for other in others)

    assert kept > 3000
    assert shared.standing(KEY).samples == kept


def test_a_writer_killed_at_any_moment_leaves_a_whole_record(opened, worker):
    """
    Both means are always written alike; whoever is killed while writing, readers never see one without the other, and the next writer is
    not kept waiting by the dead one's lock.
    """
    shared = opened(clock=Clock())
    work = "import itertools\nfor n in itertools.count(): shared.succeeded(KEY, n % 977, n % 977)"
    dice = random.Random(1)
    for _ in range(12):
        other = worker(work, clock="clock=lambda: 1000.0")
        other.stdin.write("go\n")
        other.stdin.flush()
        end = time.monotonic() + dice.uniform(0.01, 0.04)
        while time.monotonic() < end:
            standing = shared.standing(KEY)
            assert standing.first_byte_seconds == standing.tokens_per_second
        other.kill()
        other.wait()
        before, dropped = shared.standing(KEY), shared.dropped
        shared.succeeded(KEY, 1.0, 1.0)
        after = shared.standing(KEY)

        assert before.first_byte_seconds == before.tokens_per_second
        assert (after.samples, shared.dropped) == (before.samples + 1, dropped)


def torn(path: Path, *copies: int) -> None:
    """
    The file with these copies of every slot's record broken off in the middle.
    """
    body = bytearray(path.read_bytes())
    size = (SLOT_BYTES - KEY_BYTES) // 2
    for slot in range(HEADER_BYTES, len(body), SLOT_BYTES):
        for copy in copies:
            middle = slot + KEY_BYTES + copy * size + size // 2
            body[middle : middle + size // 2] = os.urandom(size // 2)
    with path.open("r+b") as file:
        file.write(body)


def test_a_torn_copy_is_none(opened, path):
    """
    Where the newer copy is broken the one before is read; where both are, nothing is known; and writing mends it.
    """
    shared = opened(clock=Clock())
    shared.succeeded(KEY, 1.0)
    shared.succeeded(KEY, 3.0)
    assert shared.standing(KEY).first_byte_seconds == 2.0

    seen = []
    for copies in ((1,), (0, 1)):
        torn(path, *copies)
        seen.append(shared.standing(KEY).first_byte_seconds)
    shared.succeeded(KEY, 5.0)

    assert seen == [1.0, None]
    assert shared.standing(KEY).first_byte_seconds == 5.0


def test_a_lock_that_is_held_is_not_waited_for(opened, worker):
    """
    A process that stopped while it held the lock costs the others a sample, not their time; a probe it may hold is not given.
    """
    clock = Clock()
    shared = opened(clock=clock)
    for _ in range(3):
        shared.failed(KEY, hard=True)
    other = worker("import fcntl\nfcntl.lockf(shared._fd, fcntl.LOCK_EX)\nprint(1, flush=True)\nsys.stdin.readline()")
    other.stdin.write("go\n")
    other.stdin.flush()
    assert other.stdout.readline() == "1\n"
    clock.now = 1010.0
    begun = time.monotonic()
    granted = shared.may_try(KEY)
    shared.succeeded(KEY, 1.0)
    shared.succeeded(key_of("new"), 1.0)

    assert time.monotonic() - begun < 0.5
    assert (granted, shared.dropped, shared.standing(KEY).samples > 0) == (False, 3, True)
    other.communicate("go\n", timeout=10)
    assert shared.may_try(KEY)


@pytest.mark.parametrize("damage", ["short", "long", "garbage", "empty", "readable", "link", "boot", "slots"])
def test_a_file_that_is_not_as_it_should_be_is_made_anew(damage, opened, path, monkeypatch, tmp_path):
    """
    Garbage, another size, a link, a file others may read, and one from before the host started are replaced by a new one, 0600.
    """
    first = opened(clock=Clock())
    first.succeeded(KEY, 1.0)
    assert opened(clock=Clock()).standing(KEY).first_byte_seconds == 1.0
    body = path.read_bytes()
    if damage in ("short", "long", "garbage", "empty"):
        path.unlink()  # a mapped file that shrinks kills who reads it
        path.write_bytes({"short": body[:-1], "long": body + b"\0", "garbage": os.urandom(len(body)), "empty": b""}[damage])
        path.chmod(0o600)
    elif damage == "readable":
        path.chmod(0o644)
    elif damage == "link":
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    elif damage == "boot":
        (tmp_path / "boot").write_text("6d5d9c1e-94a4-4a0e-9f0e-0123456789ab\n")
        monkeypatch.setattr(health_file, "_BOOT_ID", tmp_path / "boot")

    anew = opened(slots=32 if damage == "slots" else 64, clock=Clock())

    assert anew.standing(KEY) == UNTRIED
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    assert stat.S_ISREG(path.lstat().st_mode)
    anew.succeeded(KEY, 4.0)
    assert first.standing(KEY).first_byte_seconds == 1.0  # it keeps the file it has


def test_a_record_from_the_future_is_of_another_boot(opened):
    """
    Where the system does not name its boots, a clock that began anew shows it.
    """
    clock = Clock()
    shared = opened(clock=clock)
    shared.succeeded(KEY, 1.0)
    clock.now = 10.0

    assert shared.standing(KEY) == UNTRIED
    shared.failed(KEY, hard=False)
    assert shared.standing(KEY).samples == 1


def test_the_key_unused_longest_makes_room(opened):
    """
    A full table takes new keys all the same; those in use stay.
    """
    clock = Clock()
    shared, other = opened(slots=16, clock=clock), opened(slots=16, clock=clock)
    for number in range(200):
        clock.now += 1
        shared.succeeded(KEY, 1.0)
        other.succeeded(key_of("p", f"model-{number}"), 2.0)
        assert shared.standing(key_of("p", f"model-{number}")).first_byte_seconds == 2.0
    known = [shared.standing(key_of("p", f"model-{number}")) != UNTRIED for number in range(200)]

    assert shared.standing(KEY).samples > 60
    assert known == [False] * 185 + [True] * 15


def test_reading_makes_no_entries(opened, path):
    """
    Asking for keys nobody has written takes no room.
    """
    shared = opened()
    before = path.read_bytes()
    for number in range(100):
        shared.standing(key_of("p", str(number)))
        assert shared.may_try(key_of("p", str(number)))
        shared.released(key_of("p", str(number)))

    assert path.read_bytes() == before


def test_limits_are_learned_from_headers(opened):
    """
    What is used up is noted on the clock of the records, dates too.
    """
    shared = opened(clock=Clock(), wall=lambda: 1_770_000_000.0)
    shared.learned(KEY, [(b"x-ratelimit-remaining", b"9"), (b"x-ratelimit-reset", b"1770000030")], 200)
    assert shared.standing(KEY) == UNTRIED

    shared.learned(KEY, [(b"x-ratelimit-remaining", b"0"), (b"x-ratelimit-reset", b"1770000030")], 200)
    assert shared.standing(KEY).limited_until == 1030.0


def test_keys_of_different_things_differ():
    """
    A host, a model there, a credential of it and names that could be mistaken for them have keys of their own.
    """
    keys = [key_of("a"), key_of("a", "b"), key_of("a", "b", 0), key_of("a", "b", 1), key_of("a", None, 0), key_of("ab"), key_of("a\udc80")]

    assert len(set(keys)) == len(keys)
    assert {len(key) for key in keys} == {KEY_BYTES}
