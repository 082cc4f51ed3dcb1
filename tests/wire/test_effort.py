"""
How hard to think, in the target's terms.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.wire.dialect import Traits
from excise.wire.effort import BUDGETS, LEVELS, budget_for, effort_for, level_of, nearest
from excise.wire.loss import Change, Losses
from excise.wire.neutral import ReasoningAsk

CLAUDE = ("low", "medium", "high", "max")


def noted(losses: Losses) -> dict[str, Change]:
    return {loss.field: loss.change for loss in losses.all()}


@pytest.mark.parametrize(
    ("level", "levels", "given"),
    [
        ("high", CLAUDE, "high"),
        ("xhigh", CLAUDE, "high"),
        ("minimal", CLAUDE, "low"),
        ("max", ("minimal", "low"), "low"),
        ("medium", ("none", "high"), "high"),
        ("medium", ("none",), "medium"),
        ("medium", (), "medium"),
        ("ultra", ("low", "high"), "low"),
        ("high", ("high", "low"), "high"),
        ("xhigh", ("high", "low"), "high"),
    ],
)
def test_the_nearest_level_is_the_next_lower_one(level, levels, given):
    """
    More than asked costs money; none at all is not what was asked.
    """
    assert nearest(level, levels) == given


@pytest.mark.parametrize(
    ("budget", "level"),
    [(0, "none"), (1, "minimal"), (1023, "minimal"), (1024, "low"), (4095, "medium"), (10_000, "xhigh"), (10**9, "max"), (-5, "none")],
)
def test_a_budget_is_the_level_it_pays_for(budget, level):
    """
    Not the next one.
    """
    assert level_of(budget) == level


def test_levels_and_budgets_agree():
    """
    There and back is the same level.
    """
    assert [level_of(BUDGETS[level]) for level in LEVELS] == list(LEVELS)


@pytest.mark.parametrize(
    ("ask", "traits", "given", "losses"),
    [
        (None, Traits(), None, {}),
        (ReasoningAsk(), Traits(), None, {}),
        (ReasoningAsk(effort="high"), Traits(), "high", {}),
        (ReasoningAsk(effort="xhigh"), Traits(efforts=CLAUDE), "high", {"reasoning.effort": Change.CLAMPED}),
        (ReasoningAsk(effort="high", budget_tokens=1024), Traits(), "high", {}),
        (ReasoningAsk(budget_tokens=5000), Traits(), "high", {"reasoning.budget": Change.CHANGED}),
        (
            ReasoningAsk(budget_tokens=10_000),
            Traits(efforts=CLAUDE),
            "high",
            {"reasoning.budget": Change.CHANGED, "reasoning.effort": Change.CLAMPED},
        ),
        (ReasoningAsk(budget_tokens=-1), Traits(), None, {}),
        (ReasoningAsk(adaptive=True), Traits(), None, {}),
        (ReasoningAsk(effort="none"), Traits(), "none", {}),
        (ReasoningAsk(budget_tokens=0), Traits(), "none", {}),
        (ReasoningAsk(effort="none"), Traits(efforts=CLAUDE), "low", {"reasoning.effort": Change.CLAMPED}),
        (ReasoningAsk(effort="none"), Traits(always_thinks=True), "minimal", {"reasoning.effort": Change.CLAMPED}),
        (ReasoningAsk(effort="high"), Traits(reasoning="none"), None, {"reasoning": Change.DROPPED}),
        (ReasoningAsk(adaptive=True), Traits(reasoning="none"), None, {"reasoning": Change.DROPPED}),
        (ReasoningAsk(effort="none"), Traits(reasoning="none"), None, {}),
        (ReasoningAsk(visible=True), Traits(reasoning="none"), None, {}),
    ],
)
def test_as_a_level(ask, traits, given, losses):
    """
    With a note wherever it is not what was said.
    """
    found = Losses()

    assert effort_for(ask, traits, found) == given
    assert noted(found) == losses


@pytest.mark.parametrize(
    ("ask", "max_tokens", "given", "losses"),
    [
        (None, None, None, {}),
        (ReasoningAsk(visible=True), None, None, {}),
        (ReasoningAsk(budget_tokens=2000), 4000, 2000, {}),
        (ReasoningAsk(budget_tokens=2000, effort="max"), None, 2000, {}),
        (ReasoningAsk(budget_tokens=2000), 2000, 1999, {"reasoning.budget": Change.CLAMPED}),
        (ReasoningAsk(budget_tokens=100), None, 1024, {"reasoning.budget": Change.CLAMPED}),
        (ReasoningAsk(budget_tokens=2000), 1024, None, {"reasoning": Change.DROPPED}),
        (ReasoningAsk(budget_tokens=0), None, 0, {}),
        (ReasoningAsk(effort="none"), 10, 0, {}),
        (ReasoningAsk(budget_tokens=-1), None, None, {}),
        (ReasoningAsk(effort="high"), None, 4096, {"reasoning.effort": Change.CHANGED}),
        (ReasoningAsk(effort="minimal"), None, 1024, {"reasoning.effort": Change.CHANGED}),
        (
            ReasoningAsk(effort="high"),
            4096,
            3071,
            {"reasoning.effort": Change.CHANGED, "reasoning.budget": Change.CLAMPED},
        ),
        (ReasoningAsk(effort="low"), 1100, None, {"reasoning.effort": Change.CHANGED, "reasoning": Change.DROPPED}),
    ],
)
def test_as_a_budget(ask, max_tokens, given, losses):
    """
    Never below the target's least, always below the limit of the answer, with room left for the answer.
    """
    found = Losses()

    assert budget_for(ask, max_tokens, found) == given
    assert noted(found) == losses


def test_what_the_target_has_words_for():
    """
    "Decide yourself", a smaller least, a model that cannot stop thinking or never starts.
    """
    losses = Losses()

    assert budget_for(ReasoningAsk(adaptive=True), None, losses, dynamic=-1) == -1
    assert budget_for(ReasoningAsk(budget_tokens=200), None, losses, least=128) == 200
    assert noted(losses) == {}
    assert budget_for(ReasoningAsk(effort="none"), None, losses, least=128, traits=Traits(always_thinks=True)) == 128
    assert budget_for(ReasoningAsk(effort="high"), None, losses, traits=Traits(reasoning="none")) is None
    assert noted(losses) == {"reasoning.effort": Change.CLAMPED, "reasoning": Change.DROPPED}


ASKS = st.builds(
    ReasoningAsk,
    effort=st.sampled_from([None, *LEVELS]),
    budget_tokens=st.one_of(st.none(), st.integers(-1, 10**6)),
    adaptive=st.sampled_from([None, True]),
)


@given(ASKS, st.one_of(st.none(), st.integers(1, 10**6)), st.sampled_from([0, 128, 1024]))
def test_every_budget_fits(ask, max_tokens, least):
    """
    Whatever is asked.
    """
    budget = budget_for(ask, max_tokens, Losses(), least=least)

    assert budget is None or budget == 0 or least <= budget < (max_tokens or budget + 1)


@given(ASKS, st.lists(st.sampled_from(LEVELS), unique=True, min_size=1))
def test_every_level_is_one_of_the_targets(ask, levels):
    """
    Whatever is asked; none only where that was asked.
    """
    level = effort_for(ask, Traits(efforts=tuple(levels)), Losses())

    assert level is None or level in levels or levels == ["none"]
    assert level != "none" or ask.off
