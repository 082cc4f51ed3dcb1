"""
Routing is worth it: in a small made world, and the line it is measured against is the right one.
"""

from __future__ import annotations

import pytest

from bench.routing import along, compared, frontier, oracle, ours, sent
from bench.routing_world import MODELS, made
from excise.policy.terms import Choice, Weighted, Weights
from excise.routing.planning import planned


def test_the_frontier_is_what_a_coin_can_buy():
    """
    Corners of the best mixtures: dearer and worse ones are none, nor are those below the line between two others.
    """
    hull = frontier([(1.0, 0.2), (2.0, 0.3), (3.0, 0.8), (4.0, 0.7), (5.0, 0.9), (0.5, 0.2)])

    assert hull == [(0.5, 0.2), (3.0, 0.8), (5.0, 0.9)]
    assert along(hull, 4.0, 0) == pytest.approx(0.85)
    assert along(hull, 0.85, 1) == pytest.approx(4.0)
    assert along(hull, 9.0, 0) == 0.9
    assert along(hull, 0.4, 0) is None
    assert along(hull, 0.95, 1) is None


def test_who_reads_the_call_beats_the_coin():
    """
    At even weights more is solved than by any mixture of single models at the same cost; without reading the call there is no such gain,
    and knowing the outcome would give more.
    """
    world = made(600, seed=7)
    singles = [sent(target.model, world, lambda _, target=target: target) for target in MODELS]
    even = Weights(cost=0.5, quality=0.5)

    over = {
        name: compared(sent(name, world, way), singles, rounds=40, seed=1)["over_mixture"]
        for name, way in (("ours", ours(world, even)), ("blind", ours(world, even, blind=True)), ("oracle", oracle))
    }

    assert 0 < over["ours"][1] <= over["ours"][0] < over["oracle"][0]
    assert over["blind"][0] < over["ours"][0] - 1


def test_all_models_of_the_made_world_can_be_asked():
    """
    One that the catalogue takes for switched off would make every comparison unfair.
    """
    world = made(1, seed=1)
    plan = planned(Choice(tuple(Weighted(target) for target in MODELS)), "r", world.view(world.calls[0].seen))

    assert (len(plan.candidates), plan.excluded) == (len(MODELS), ())
    assert all(candidate.cost_usd is not None and candidate.quality is not None for candidate in plan.candidates)
