"""
What a model of Google's wants to hear, by its name: the API is one, its generations are not.

Source: the model, thinking and structured output pages of the Gemini API, read 2026-11.
"""

from __future__ import annotations

import re
from typing import Any

from excise.wire.dialect import Target
from excise.wire.effort import budget_for, effort_for
from excise.wire.loss import Losses
from excise.wire.neutral import ReasoningAsk

_NUMBERED = re.compile(r"gemini-(?:live-)?(\d{1,2})(?!\d)(?:\.(\d{1,2}))?")
_NEWEST = (3, 0)  # what `gemini-flash-latest` and its like are at least


def generation(model: str) -> tuple[int, int]:
    """
    Generation of a model, `(2, 5)`; `(0, 0)` for what is no Gemini (Gemma, tuned models, numbers of endpoints).
    """
    name = model.lower().rpartition("/")[2]
    if found := _NUMBERED.match(name):
        return int(found[1]), int(found[2] or 0)
    if name.startswith("gemini-exp-"):
        return (2, 0)
    return _NEWEST if name.startswith("gemini-") else (0, 0)


def thinking_config(ask: ReasoningAsk | None, max_tokens: int | None, target: Target, losses: Losses) -> dict[str, Any] | None:
    """
    The `thinkingConfig` for what was asked; `None` where nothing is to be said. From generation 3 a level, before it a budget: each
    refuses the other with 400.
    """
    if ask is None:
        return None
    asked = ask.effort is not None or ask.budget_tokens is not None or ask.adaptive is True
    if not _thinks(target):
        if asked and not ask.off:
            losses.dropped("reasoning", "the target's model does not reason")
        return None
    config = _by_level(ask, target, losses) if _takes_levels(target) else _by_budget(ask, max_tokens, target, losses)
    if not ask.off and (ask.visible or (asked and ask.visible is not False)):
        config["includeThoughts"] = True
    return config or None


def _thinks(target: Target) -> bool:
    told, of = target.traits.reasoning, generation(target.model)
    return told != "none" and (told is not None or of == (0, 0) or of >= (2, 5))


def _takes_levels(target: Target) -> bool:
    told = target.traits.reasoning
    if told in ("effort", "budget"):
        return told == "effort"
    return generation(target.model) >= _NEWEST or generation(target.model) == (0, 0)


def _by_level(ask: ReasoningAsk, target: Target, losses: Losses) -> dict[str, Any]:
    level = effort_for(ask, target.traits, losses, _levels(target.model.lower()))
    return {} if level is None or level == "none" else {"thinkingLevel": level.upper()}


def _levels(model: str) -> tuple[str, ...]:
    if "pro" not in model:
        return ("minimal", "low", "medium", "high")
    return ("low", "high") if "gemini-3-pro" in model else ("low", "medium", "high")


def _by_budget(ask: ReasoningAsk, max_tokens: int | None, target: Target, losses: Losses) -> dict[str, Any]:
    always, least, most = _budgets(target.model.lower())
    traits = target.traits
    if ask.off and (always or traits.always_thinks):
        losses.clamped("reasoning.effort", "the target's model cannot be kept from reasoning; it is asked for the least")
        return {"thinkingBudget": max(least, 1)}
    budget = budget_for(ask, max_tokens, losses, least=least, traits=traits, dynamic=-1)
    if budget is None:
        return {}
    if budget > most:
        losses.clamped("reasoning.budget", "the target's model does not think as long")
        budget = most
    return {"thinkingBudget": budget}


def _budgets(model: str) -> tuple[bool, int, int]:
    """
    Whether it always thinks, and its smallest and largest budget.
    """
    if "pro" in model:
        return True, 128, 32_768
    return False, 512 if "lite" in model else 1, 24_576
