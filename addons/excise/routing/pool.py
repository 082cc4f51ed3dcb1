"""
Which of several keys of a provider a call goes with.
"""

from __future__ import annotations

from collections.abc import Sequence

from excise.routing.standing import Standing


def choose(standings: Sequence[Standing], turn: int, now: float) -> int:
    """
    The index of a key: in turn among those in order, else the one free soonest.

    Keys whose breaker may be probed take their turns like the others, or they would never be heard of again; who gets the probe is for the
    caller to see to.

    Args:
        standings: Of each key, never empty.
        turn: Counts up from call to call.
        now: On the clock of the standings.
    """
    usable = [index for index, one in enumerate(standings) if free_at(one) <= now]
    if usable:
        return usable[turn % len(usable)]
    return min(range(len(standings)), key=lambda index: free_at(standings[index]))


def free_at(standing: Standing) -> float:
    """
    When it may be asked, in monotonic seconds; 0: always could.
    """
    opens = standing.until or 0.0 if standing.state == "open" else 0.0
    return max(opens, standing.limited_until or 0.0)
