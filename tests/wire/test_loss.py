"""
What a translation loses, told once.
"""

from __future__ import annotations

import pytest

from excise.wire.loss import Change, Loss, Losses, Verdict


def test_each_loss_is_told_once_in_the_order_it_was_found():
    """
    The first reason stays; the same field may change in several ways.
    """
    losses = Losses([Loss("seed", Change.DROPPED, "no word for it")])
    losses.clamped("temperature", "at most 1")
    losses.dropped("seed", "again")
    losses.changed("temperature", "another scale")
    losses.emulated("output.schema", "by a tool")
    losses.extend([Loss("temperature", Change.CLAMPED, "again"), Loss("stop", Change.CLAMPED, "at most 5")])

    assert losses.all() == (
        Loss("seed", Change.DROPPED, "no word for it"),
        Loss("temperature", Change.CLAMPED, "at most 1"),
        Loss("temperature", Change.CHANGED, "another scale"),
        Loss("output.schema", Change.EMULATED, "by a tool"),
        Loss("stop", Change.CLAMPED, "at most 5"),
    )


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ([], Verdict.EXACT),
        ([Change.DROPPED], Verdict.DEGRADED),
        ([Change.EMULATED, Change.CLAMPED, Change.CHANGED], Verdict.DEGRADED),
        ([Change.DROPPED, Change.IMPOSSIBLE], Verdict.IMPOSSIBLE),
    ],
)
def test_the_worst_loss_decides(changes, verdict):
    """
    One that cannot be is enough.
    """
    assert Verdict.of(Loss(change.value, change, "") for change in changes) is verdict


def test_what_cannot_be_is_fatal():
    """
    And nothing else is.
    """
    losses = Losses()
    losses.impossible("candidates", "one answer at a time")

    assert [loss.fatal for loss in losses.all()] == [True]
    assert not any(Loss("x", change, "").fatal for change in Change if change is not Change.IMPOSSIBLE)
