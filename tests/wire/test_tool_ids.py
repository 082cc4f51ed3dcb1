"""
Ids of tool calls, as each provider takes them.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.wire.tool_ids import ANY, SHORT, WORD, IdRule, fit, made, original

RULES = [ANY, WORD, SHORT]
IDS = st.one_of(
    st.text(min_size=1, max_size=90),
    st.from_regex(r"[A-Za-z0-9_-]{1,80}", fullmatch=True),
    st.from_regex(r"functions\.[a-z_]{1,30}:[0-9]", fullmatch=True),
    st.from_regex(r"xi_[A-Za-z0-9_-]{0,20}", fullmatch=True),
)


@pytest.mark.parametrize("rule", RULES)
@given(IDS)
def test_every_id_is_made_to_fit(rule, id_):
    """
    Whatever it is; one that fits is left alone.
    """
    fitted = fit(id_, rule)

    assert rule.alphabet.fullmatch(fitted)
    assert len(fitted) <= rule.longest
    assert rule.exact is None or len(fitted) == rule.exact
    assert fit(fitted, rule) == fitted


@given(IDS)
def test_an_id_that_fits_stays(id_):
    """
    So that the provider that reads meaning from it gets its own.
    """
    if WORD.alphabet.fullmatch(id_) and len(id_) <= WORD.longest and original(id_) == id_:
        assert fit(id_, WORD) == id_
    assert original(id_) != id_ or fit(id_, ANY) == id_


@pytest.mark.parametrize(
    ("id_", "fitted"),
    [
        ("functions.weather:0", "xi_ZnVuY3Rpb25zLndlYXRoZXI6MA"),
        ("toolu_01ABC", "toolu_01ABC"),
        ("é", "xi_w6k"),
    ],
)
def test_an_id_that_had_to_change_can_be_undone(id_, fitted):
    """
    By whoever gets it back: the provider that made it gets its own.
    """
    assert fit(id_, WORD) == fitted
    assert original(fitted) == id_
    assert fit(fitted, ANY) == id_


def test_where_there_is_no_room_it_is_a_hash():
    """
    The same each time, whichever way the id was written before.
    """
    long = "functions." + "x" * 80

    assert fit(long, WORD) == fit(long, WORD) != fit(long + "y", WORD)
    assert len(fit(long, WORD)) == 24
    assert fit("functions.weather:0", SHORT) == fit(fit("functions.weather:0", WORD), SHORT)
    assert fit("abcDEF123", SHORT) == "abcDEF123"
    assert len(fit("x", IdRule(WORD.alphabet, 12))) == 1
    assert len(fit("x y", IdRule(WORD.alphabet, 5))) == 5


@given(st.lists(IDS, unique=True, min_size=2, max_size=2), st.sampled_from([ANY, WORD]))
def test_two_ids_stay_two(ids, rule):
    """
    Unless one of them is what we made of the other.
    """
    one, two = ids

    assert fit(one, rule) != fit(two, rule) or original(one) == original(two)
    assert original(one) != original(two) or "xi_" in (one[:3], two[:3])


@pytest.mark.parametrize("id_", ["xi_", "xi_A", "xi_!", "xi_Zm9", "xi_____", "xi_gICA", "Xi_Zm9v"])
def test_somebody_elses_id_that_looks_like_ours_is_no_riddle(id_):
    """
    What we could not have written is taken as it is.
    """
    assert original(id_) == id_


def test_ids_are_made_of_the_answer_and_the_place():
    """
    The same bytes give the same id; each place its own.
    """
    made_ = [made(seed, number) for seed in ("a", "b") for number in range(3)]

    assert len(set(made_)) == len(made_)
    assert made("a", 1) == made_[1]
    assert all(fit(id_, WORD) == id_ for id_ in made_)
