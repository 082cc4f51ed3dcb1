"""
Thinking, the answer's limit and sampling, settled together: each of them forbids something of the others.

- Thinking with a budget (older models) wants 1024 tokens at least and a limit above the budget; it forbids forced tools, a prefilled
  answer, and a tool loop whose last answer does not begin with its own thoughts.
- Adaptive thinking (newer models) takes a level instead, and forbids only the prefilled answer.
- Either forbids a temperature, top_k, and top_p below 0.95.

Source: platform.claude.com/docs, "Thinking", "Adaptive thinking", "Thinking in tool and multi-turn workflows", read 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from excise.wire.dialect import Target
from excise.wire.effort import BUDGETS, budget_for, effort_for
from excise.wire.loss import Losses
from excise.wire.neutral import ReasoningAsk, Request

LEAST_BUDGET = 1024
_LIMIT_UNSAID = 4096  # where neither the client nor the catalogue says one: every model of this family can write that much
_LEVELS = ("low", "medium", "high", "max")  # xhigh is refused by models that nothing is known of
_TOP_P_THINKING = 0.95

_NOT_WHILE_THINKING = "the target sets it by itself while it thinks"


@dataclass(slots=True)
class Settled:
    """
    Attributes:
        thinking: As the body says it; `None`: not at all.
        effort: For `output_config`.
        on: It thinks, asked or not.
    """

    max_tokens: int
    thinking: dict[str, Any] | None = None
    effort: str | None = None
    on: bool = False


def settle(request: Request, target: Target, losses: Losses, *, forced: bool, prefilled: bool, unthought: bool) -> Settled:
    """
    Args:
        forced: A tool has to be called.
        prefilled: The last turn is the assistant's.
        unthought: A tool loop is open, and its last answer does not begin with thoughts the target knows.
    """
    traits, ask = target.traits, request.reasoning
    if ask is not None and not _asks(ask):
        ask = None
    limit = limit_of(request, target, losses)
    said = limit if limit is not None else traits.max_output_tokens
    settled = Settled(max_tokens=said or 0, on=traits.always_thinks)
    if ask is not None:
        if _adaptive(target):
            _settle_level(settled, ask, target, losses, prefilled=prefilled)
        else:
            obstacle = _obstacle(forced=forced, prefilled=prefilled, unthought=unthought)
            _settle_budget(settled, ask, target, losses, limit, obstacle)
    if not settled.max_tokens:
        losses.changed("max_tokens", "the target wants a limit, and neither the client nor the catalogue says one; 4096 was written")
        settled.max_tokens = _LIMIT_UNSAID
    return settled


def _asks(ask: ReasoningAsk) -> bool:
    """
    Whether it says anything of thinking but that it is not to be seen.
    """
    return ask.effort is not None or ask.budget_tokens is not None or bool(ask.adaptive) or ask.visible is True


def limit_of(request: Request, target: Target, losses: Losses) -> int | None:
    """
    The client's limit, within what the model can write; `None` where it says none.
    """
    limit, most = request.max_tokens, target.traits.max_output_tokens
    if limit is None:
        return None
    if most is not None and limit > most:
        losses.clamped("max_tokens", "the target's model writes less than that at most")
        return most
    if limit < 1:
        losses.clamped("max_tokens", "the target writes one token at least")
        return 1
    return limit


def _adaptive(target: Target) -> bool:
    """
    Whether the model takes a level; else it takes a budget. Of an unknown model the name decides: Claude's next ones take levels, those
    who imitate Claude learned it from its older ones.
    """
    reasoning = target.traits.reasoning
    return reasoning in ("adaptive", "effort", "none") or (reasoning is None and "claude" in target.model.lower())


def _settle_level(settled: Settled, ask: ReasoningAsk, target: Target, losses: Losses, *, prefilled: bool) -> None:
    traits = target.traits
    if traits.reasoning == "none":
        effort_for(ask, traits, losses, _LEVELS)  # notes what is lost
        return
    if ask.off and not traits.always_thinks:
        settled.thinking = {"type": "disabled"}
        return
    if prefilled and not traits.always_thinks:
        losses.dropped("reasoning", "the target does not think where it continues an answer")
        settled.thinking = {"type": "disabled"}
        return
    settled.effort = effort_for(ask, traits, losses, _LEVELS)
    if ask.off:
        return
    settled.thinking = {"type": "adaptive"}
    if ask.visible is not None:
        settled.thinking["display"] = "summarized" if ask.visible else "omitted"
    settled.on = True


def _obstacle(*, forced: bool, prefilled: bool, unthought: bool) -> str | None:
    if forced:
        return "the target does not think where a tool has to be called"
    if prefilled:
        return "the target does not think where it continues an answer"
    if unthought:
        return "the target goes on thinking only behind its own thoughts, and the last answer of this tool loop is not its own"
    return None


def _settle_budget(settled: Settled, ask: ReasoningAsk, target: Target, losses: Losses, limit: int | None, obstacle: str | None) -> None:
    most = target.traits.max_output_tokens
    if ask.effort is None and ask.budget_tokens is None and not ask.adaptive:
        return  # thoughts shall be seen, if there are any
    if ask.off and not target.traits.always_thinks:
        settled.thinking = {"type": "disabled"}
        return
    if obstacle is not None:
        losses.dropped("reasoning", obstacle)
        settled.thinking = {"type": "disabled"}
        return
    room = limit if limit is not None else most
    # What a level is worth leaves a quarter of the limit for what is said; a budget the client named does not.
    for_thought = limit - limit // 4 if limit is not None and ask.budget_tokens is None else limit
    if limit is not None and for_thought is not None and for_thought <= LEAST_BUDGET:
        # The client's limit is for what it reads: the least of thinking comes on top.
        room = limit + LEAST_BUDGET if most is None else min(most, limit + LEAST_BUDGET)
        losses.changed("max_tokens", "the target's limit includes what is thought, 1024 tokens at least; it was raised by that")
        budget: int | None = LEAST_BUDGET
    else:
        budget = budget_for(ask, room, losses, least=LEAST_BUDGET, traits=target.traits, dynamic=BUDGETS["medium"])
    if budget is None:
        return
    if ask.effort is None and (ask.budget_tokens is None or ask.budget_tokens < 0):
        losses.changed("reasoning.budget", "the target's model cannot decide by itself how much to think; it gets a middling budget")
        budget = max(LEAST_BUDGET, min(budget, room - 1)) if room is not None else budget
    if room is not None and budget >= room:
        losses.dropped("reasoning", "the target's model cannot write enough to think")
        return
    settled.max_tokens = room if room is not None else budget + _LIMIT_UNSAID
    if room is None:
        losses.changed("max_tokens", "the target wants a limit, and neither the client nor the catalogue says one")
    settled.thinking = {"type": "enabled", "budget_tokens": budget}
    settled.on = True


def sampling(request: Request, target: Target, losses: Losses, *, thinks: bool) -> dict[str, Any]:
    """
    Temperature, top_p and top_k as the target takes them; everything else of sampling it has no word for.
    """
    given = request.sampling
    _drop_unknown(request, losses)
    body: dict[str, Any] = {}
    if target.traits.sampling is False:
        for name in ("temperature", "top_p", "top_k"):
            if getattr(given, name) is not None:
                losses.dropped(name, "the target's model takes no sampling settings")
        return body
    if given.temperature is not None:
        _temperature(body, given.temperature, losses, thinks=thinks)
    if given.top_k is not None:
        if thinks:
            losses.dropped("top_k", _NOT_WHILE_THINKING)
        else:
            body["top_k"] = given.top_k
    if given.top_p is not None:
        top_p = min(max(given.top_p, 0), 1)
        if top_p != given.top_p:
            losses.clamped("top_p", "the target takes 0 to 1")
        _top_p(body, top_p, target, losses, thinks=thinks)
    return body


def _temperature(body: dict[str, Any], asked: float, losses: Losses, *, thinks: bool) -> None:
    temperature = min(max(asked, 0), 1)
    if temperature != asked:
        losses.clamped("temperature", "the target takes 0 to 1")
    if not thinks:
        body["temperature"] = temperature
    elif temperature != 1:
        losses.dropped("temperature", _NOT_WHILE_THINKING)


def _top_p(body: dict[str, Any], top_p: float, target: Target, losses: Losses, *, thinks: bool) -> None:
    if thinks and top_p < _TOP_P_THINKING:
        losses.dropped("top_p", "the target takes 0.95 to 1 while it thinks")
    elif "temperature" in body and "claude" in target.model.lower():
        # Source: the API's own error, "`temperature` and `top_p` cannot both be specified for this model", Claude 4.1 and later.
        if top_p == 1:
            return  # says nothing
        if body["temperature"] == 1:
            del body["temperature"]  # says nothing
            body["top_p"] = top_p
        else:
            losses.dropped("top_p", "the target takes a temperature or top_p, not both")
    else:
        body["top_p"] = top_p


def _drop_unknown(request: Request, losses: Losses) -> None:
    given, why = request.sampling, "the target does not know it"
    if given.min_p:
        losses.dropped("min_p", why)
    if given.seed is not None:
        losses.dropped("seed", why)
    if given.frequency_penalty:
        losses.dropped("frequency_penalty", why)
    if given.presence_penalty:
        losses.dropped("presence_penalty", why)
    if given.logit_bias:
        losses.dropped("logit_bias", why)
