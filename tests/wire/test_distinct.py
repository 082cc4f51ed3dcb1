from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from excise.wire.distinct import Distinct

NAMES = st.lists(st.text("ab_2", min_size=1, max_size=12), max_size=40)


def test_the_second_of_a_name_gets_a_number():
    """
    A name nobody has stays; one that is taken gets the next number.
    """
    distinct = Distinct(["b_2"], longest=64)

    assert [distinct.take(name) for name in ("a", "b", "a", "b", "a")] == ["a", "b", "a_2", "b_3", "a_3"]


def test_joint_and_first_number_are_the_callers():
    """
    Providers differ in what may stand in a name.
    """
    distinct = Distinct(longest=20, joint=" ", first=1)

    assert [distinct.take("a"), distinct.take("a")] == ["a", "a 1"]


@given(taken=NAMES, names=NAMES)
def test_no_two_are_alike_and_none_is_too_long(taken: list[str], names: list[str]):
    """
    Whatever is asked for, and whatever is taken.
    """
    distinct = Distinct(taken, longest=10)
    given_out = [distinct.take(name) for name in names]

    assert len({*given_out, *taken}) == len(given_out) + len(set(taken))
    assert all(0 < len(name) <= 10 for name in given_out)
