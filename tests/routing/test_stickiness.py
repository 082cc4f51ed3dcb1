"""
Who answered last, what is warm there, and dice that agree everywhere.
"""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from excise.policy.deployment import TargetRef
from excise.routing.stickiness import CACHE_SECONDS, Remembered, dice_of

A, B = TargetRef("openai", "gpt-5"), TargetRef("anthropic", "claude-opus-4-5")


def test_what_was_read_is_warm_until_the_cache_forgets():
    """
    To the second the provider says, counted from the last answer there.
    """
    memory = Remembered()
    memory.answered(b"k", A, 100.0, 5000)

    assert memory.warm_tokens(b"k", A, 100.0 + CACHE_SECONDS - 1) == 5000
    assert memory.last(b"k", 100.0 + CACHE_SECONDS - 1) == A
    assert memory.warm_tokens(b"k", A, 100.0 + CACHE_SECONDS) == 0
    assert memory.last(b"k", 100.0 + CACHE_SECONDS) is None
    assert memory.warm_tokens(b"k", B, 100.0) == 0
    assert memory.warm_tokens(b"other", A, 100.0) == 0


def test_who_was_left_is_warm_for_a_while():
    """
    After a failover the first target still holds what it read; the last one is the one that answered.
    """
    memory = Remembered(ttl=60.0)
    memory.answered(b"k", A, 0.0, 5000)
    memory.answered(b"k", B, 50.0, 6000)

    assert memory.last(b"k", 55.0) == B
    assert (memory.warm_tokens(b"k", A, 55.0), memory.warm_tokens(b"k", B, 55.0)) == (5000, 6000)
    assert (memory.warm_tokens(b"k", A, 65.0), memory.warm_tokens(b"k", B, 65.0)) == (0, 6000)
    memory.answered(b"k", A, 70.0, 7000)
    assert (memory.last(b"k", 70.0), memory.warm_tokens(b"k", A, 70.0)) == (A, 7000)


def test_a_short_prompt_is_never_warm():
    """
    Providers do not cache it; who answered is remembered all the same.
    """
    memory = Remembered()
    memory.answered(b"k", A, 0.0, 1023)
    memory.answered(b"l", A, 0.0, 1024)

    assert (memory.warm_tokens(b"k", A, 1.0), memory.last(b"k", 1.0)) == (0, A)
    assert memory.warm_tokens(b"l", A, 1.0) == 1024


def test_an_empty_key_is_nobody():
    """
    Calls of which no conversation is known share nothing.
    """
    memory = Remembered()
    memory.answered(b"", A, 0.0, 5000)

    assert (len(memory), memory.last(b"", 0.0), memory.warm_tokens(b"", A, 0.0)) == (0, None, 0)


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("abcdefgh")), max_size=60))
def test_memory_is_bounded_and_forgets_the_oldest(calls):
    """
    Whatever comes: at most so many keys, and those that answered last are the ones that stay.
    """
    memory = Remembered(most=4)
    recent: list[int] = []
    for now, (key, model) in enumerate(calls):
        memory.answered(bytes([key]), TargetRef("d", model), float(now), 1)
        recent = [key, *(other for other in recent if other != key)][:4]

    assert len(memory) == len(recent)
    assert {key for key in range(10) if memory.last(bytes([key]), 0.0) is not None} == set(recent)


def test_many_targets_of_one_key_are_bounded_too():
    """
    A conversation that is thrown about does not grow.
    """
    memory = Remembered()
    for number in range(20):
        memory.answered(b"k", TargetRef("d", str(number)), 0.0, 2000)

    assert [number for number in range(20) if memory.warm_tokens(b"k", TargetRef("d", str(number)), 0.0)] == [16, 17, 18, 19]


@given(st.binary(max_size=40), st.text(max_size=40))
def test_dice_are_dice(key, purpose):
    """
    In [0, 1), and the same for the same key and purpose.
    """
    fallen = dice_of(b"secret", key)(purpose)

    assert 0.0 <= fallen < 1.0
    assert dice_of(b"secret", key)(purpose) == fallen


def test_dice_are_fair_and_depend_on_everything():
    """
    Evenly spread over keys; another purpose, key or secret is another throw; key and purpose do not run into one another.
    """
    fallen = [dice_of(b"secret", number.to_bytes(2))("canary") for number in range(2000)]

    assert all(160 <= sum(tenth / 10 <= dice < (tenth + 1) / 10 for dice in fallen) <= 240 for tenth in range(10))
    one = dice_of(b"secret", b"k")("canary")
    assert len({one, dice_of(b"secret", b"k")("shadow"), dice_of(b"secret", b"l")("canary"), dice_of(b"other", b"k")("canary")}) == 4
    assert dice_of(b"s", b"ab")("c") != dice_of(b"s", b"a")("bc")


def test_other_processes_throw_the_same():
    """
    Nothing of a process is in the dice: two workers agree.
    """
    code = "from excise.routing.stickiness import dice_of; print(dice_of(b's', b'key')('canary'))"
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }

    assert said == {f"{dice_of(b's', b'key')('canary')}\n".encode()}
