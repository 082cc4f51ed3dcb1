"""
Choosing among keys: those in order take turns, and when none is, the one free soonest goes.
"""

from __future__ import annotations

from collections import Counter

from excise.routing.pool import choose
from excise.routing.standing import UNTRIED, Standing

NOW = 100.0


def test_keys_in_order_take_equal_turns():
    """
    A key that is limited or whose breaker is open is passed over, and its turns are shared out evenly.
    """
    pool = [UNTRIED, Standing(limited_until=130.0), UNTRIED, Standing("open", until=101.0), Standing("half_open", until=99.0)]

    assert Counter(choose(pool, turn, NOW) for turn in range(300)) == {0: 100, 2: 100, 4: 100}


def test_a_limit_that_is_over_is_no_limit():
    """
    What ended by now does not count.
    """
    assert choose([Standing(limited_until=130.0), Standing(limited_until=100.0)], 0, NOW) == 1


def test_the_one_free_soonest_goes_when_none_is():
    """
    A key is free when both its breaker and its limit let it.
    """
    pool = [Standing(limited_until=130.0), Standing("open", until=105.0, limited_until=140.0), Standing("open", until=120.0)]

    assert [choose(pool, turn, NOW) for turn in range(3)] == [2, 2, 2]
