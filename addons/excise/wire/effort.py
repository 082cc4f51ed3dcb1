"""
How hard a model shall think: levels, budgets, and the way from one to the other.

Some targets take a level, some a number of tokens, and each knows other levels. What was asked is said in the target's terms, the nearest
lower level where it does not know the one asked for: thinking more than asked costs the client's money.
"""

from __future__ import annotations

from collections.abc import Sequence

from excise.wire.dialect import Traits
from excise.wire.loss import Losses
from excise.wire.neutral import ReasoningAsk

LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""All levels there are, in order."""

# Source: the budgets other gateways give these levels, which clients have come to expect; read 2026-11.
BUDGETS = {"none": 0, "minimal": 128, "low": 1024, "medium": 2048, "high": 4096, "xhigh": 8192, "max": 16384}
"""Tokens for each level."""

_RANK = {level: place for place, level in enumerate(LEVELS)}

_DOES_NOT_THINK = "the target's model does not reason"
_ALWAYS_THINKS = "the target's model cannot be kept from reasoning; it is asked for the least"


def nearest(level: str, levels: Sequence[str]) -> str:
    """
    `level`, if it is one of `levels`; else the next lower of them; else the lowest of them. "none" is never given in place of another
    level. `level` itself where none of `levels` is known.
    """
    if level in levels:
        return level
    known = sorted((name for name in levels if name in _RANK and name != "none"), key=_RANK.__getitem__)
    if not known:
        return level
    wanted = _RANK.get(level, _RANK["medium"])
    lower = [name for name in known if _RANK[name] < wanted]
    return lower[-1] if lower else known[0]


def level_of(budget_tokens: int) -> str:
    """
    The highest level a budget pays for; "minimal" for any that is smaller, "none" for nothing.
    """
    if budget_tokens <= 0:
        return "none"
    paid = [level for level, tokens in BUDGETS.items() if 0 < tokens <= budget_tokens]
    return paid[-1] if paid else "minimal"


def effort_for(ask: ReasoningAsk | None, traits: Traits, losses: Losses, default_levels: Sequence[str] = LEVELS) -> str | None:
    """
    What was asked, as a level of the target.

    Args:
        ask: As the client said it.
        traits: Of the target's model; its `efforts` are the levels it takes, where they are known.
        losses: Added to.
        default_levels: Those of the dialect, for models that nothing is known of.

    Returns:
        A level of the target; "none" only where that is one of its levels. `None`: say nothing, as nothing was asked, the model decides,
        or it cannot do it.
    """
    if ask is None:
        return None
    if traits.reasoning == "none":
        _note_unthinking(ask, losses)
        return None
    levels = traits.efforts or default_levels
    if ask.off:
        if "none" in levels and not traits.always_thinks:
            return "none"
        least = nearest("minimal", levels)
        losses.clamped("reasoning.effort", _ALWAYS_THINKS)
        return least
    if ask.effort is not None:
        asked: str = ask.effort
    elif ask.budget_tokens is not None and ask.budget_tokens > 0:
        losses.changed("reasoning.budget", "the target takes a level of effort; the budget was said as the level it pays for")
        asked = level_of(ask.budget_tokens)
    else:
        return None
    given = nearest(asked, levels)
    if given != asked:
        losses.clamped("reasoning.effort", "the target does not know this level of effort; it gets the nearest it knows")
    return given


def budget_for(
    ask: ReasoningAsk | None,
    max_tokens: int | None,
    losses: Losses,
    *,
    least: int = 1024,
    traits: Traits | None = None,
    dynamic: int | None = None,
) -> int | None:
    """
    What was asked, as a budget in tokens.

    Args:
        ask: As the client said it.
        max_tokens: Of the whole answer, thinking included, as it will be sent; a budget stays below it. `None`: no limit.
        losses: Added to.
        least: The smallest budget the target takes.
        traits: Of the target's model.
        dynamic: The target's number for "decide yourself".

    Returns:
        Tokens; 0: switched off; `dynamic` where the model is to decide; `None`: say nothing, as nothing was asked, or it cannot be done.
    """
    if ask is None:
        return None
    if traits is not None and traits.reasoning == "none":
        _note_unthinking(ask, losses)
        return None
    if ask.off:
        if traits is not None and traits.always_thinks:
            losses.clamped("reasoning.effort", _ALWAYS_THINKS)
            return _fitting(least, max_tokens, losses, least)
        return 0
    if ask.budget_tokens is not None and ask.budget_tokens > 0:
        return _fitting(ask.budget_tokens, max_tokens, losses, least)
    if ask.effort is None:
        return dynamic if ask.adaptive or ask.budget_tokens is not None else None
    losses.changed("reasoning.effort", "the target takes a budget in tokens; the level of effort was said as one")
    room = None if max_tokens is None else max_tokens - max_tokens // 4  # what is thought shall leave room for what is said
    return _fitting(max(least, BUDGETS.get(ask.effort, BUDGETS["medium"])), room, losses, least)


def _note_unthinking(ask: ReasoningAsk, losses: Losses) -> None:
    if not ask.off and (ask.effort is not None or ask.budget_tokens is not None or ask.adaptive):
        losses.dropped("reasoning", _DOES_NOT_THINK)


def _fitting(budget: int, max_tokens: int | None, losses: Losses, least: int) -> int | None:
    if max_tokens is not None and max_tokens <= least:
        losses.dropped("reasoning", "the limit of the answer leaves no room for the least the target can think")
        return None
    fits = max(least, budget)
    if max_tokens is not None:
        fits = min(fits, max_tokens - 1)
    if fits != budget:
        losses.clamped("reasoning.budget", "the target takes budgets from its least to below the limit of the answer")
    return fits
