import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.routing.ratios import LEAST, MOST, Ratios

MODEL = ("anthropic", "claude-opus-5")


def _after(*pairs: tuple[int, int]) -> float:
    ratios = Ratios()
    for estimated, billed in pairs:
        ratios.learned(*MODEL, estimated, billed)
    return ratios.of(*MODEL)


def test_nothing_learned_is_one() -> None:
    """
    And what is learned of one model is not said of another, nor of the same name elsewhere.
    """
    ratios = Ratios()
    ratios.learned(*MODEL, 1000, 2000)

    assert ratios.of(*MODEL) > 1
    assert ratios.of("bedrock", MODEL[1]) == ratios.of(MODEL[0], "claude-opus-4") == Ratios().of(*MODEL) == 1.0


def test_it_converges_within_a_handful_of_calls() -> None:
    """
    After five answers it is nearer to the truth than to the estimate; after sixty it is there.
    """
    assert _after(*[(1000, 1300)] * 5) > 1.15
    assert _after(*[(1000, 1300)] * 60) == pytest.approx(1.3, rel=0.02)
    assert _after(*[(1000, 700)] * 60) == pytest.approx(0.7, rel=0.02)


def test_twice_as_much_and_half_as_much_cancel_out() -> None:
    """
    The mean is one of logarithms.
    """
    assert _after(*[(1000, 2000), (1000, 500)] * 200) == pytest.approx(1.0, abs=0.04)


def test_a_change_is_followed() -> None:
    """
    A model that changes its tokenizer under the same name is learned anew; what is old fades.
    """
    assert _after(*[(1000, 1000)] * 1000, *[(1000, 1500)] * 60) == pytest.approx(1.5, rel=0.03)


@pytest.mark.parametrize(("estimated", "billed"), [(1000, 5100), (1000, 190), (199, 400), (0, 100), (1000, 0), (1000, -5), (-10, 10)])
def test_outliers_and_tiny_prompts_teach_nothing(estimated: int, billed: int) -> None:
    """
    A picture, a cache, a handful of tokens: not the tokenizer.
    """
    assert _after((estimated, billed)) == 1.0


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**8))))
def test_it_stays_within_its_bounds(pairs: list[tuple[int, int]]) -> None:
    """
    Whatever providers bill.
    """
    assert LEAST <= _after(*pairs) <= MOST


def test_what_was_learned_survives_a_restart() -> None:
    """
    Through JSON, where a tuple becomes a list.
    """
    ratios, later = Ratios(), Ratios()
    for billed in (1200, 1300, 1250):
        ratios.learned(*MODEL, 1000, billed)
    later.load(json.loads(json.dumps(ratios.export())))

    assert later.of(*MODEL) == ratios.of(*MODEL) and later.export() == ratios.export()


def test_who_saw_more_is_believed() -> None:
    """
    Workers share what they learn; reading the same twice changes nothing.
    """
    ratios = Ratios()
    ratios.load([(*MODEL, math.log(1.5), 10)])
    ratios.load([(*MODEL, math.log(2.0), 3)])
    ratios.load([(*MODEL, math.log(1.5), 10)])
    assert ratios.of(*MODEL) == pytest.approx(1.5)

    ratios.load([(*MODEL, math.log(1.2), 11)])
    assert ratios.of(*MODEL) == pytest.approx(1.2)


def test_rows_that_are_none_are_left_out() -> None:
    """
    A file of another edition, or a broken one, teaches nothing and breaks nothing; a ratio beyond the bounds is brought within them.
    """
    ratios = Ratios()
    ratios.load([None, 3, "row", [], ["p", "m"], ["p", 1, 0.1, 2], ["p", "m", "x", 2], ["p", "m", math.nan, 2], ["p", "m", 0.1, 0]])
    assert ratios.export() == []

    ratios.load([["p", "m", 50.0, 2]])
    assert ratios.of("p", "m") == pytest.approx(MOST)


def test_memory_is_bounded() -> None:
    """
    The model not heard of longest goes; a name of any length does not stay.
    """
    ratios = Ratios(models=2)
    for name in ("a", "b", "a", "c", "x" * 10_000):
        ratios.learned("p", name, 1000, 2000)

    assert [row[1] for row in ratios.export()] == ["a", "c"]
