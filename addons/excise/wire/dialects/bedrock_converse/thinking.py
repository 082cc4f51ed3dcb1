"""
How the models behind Converse are told to think, and what they do not take while they think.

Claude: `thinking` among the model's own fields, with a budget (up to 4.5) or adaptive with `outputConfig.effort` (from 4.6). Nova 2:
`reasoningConfig`. The rest a level of effort under one name or another.

Source: AWS, "OutputConfig" of the service model of botocore 1.43; "Extended thinking" and "Request and response schema" of the Nova 2
guide; for the other families what users of the SDKs reported to work; read 2026-11.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from excise.wire.dialect import Traits
from excise.wire.dialects.bedrock_converse.models import Takes, Thinking
from excise.wire.effort import budget_for, effort_for
from excise.wire.loss import Losses
from excise.wire.neutral import Json, Reasoning, ReasoningAsk, Request, ToolCall, ToolResult, Turn

_ADAPTIVE_LEVELS = ("low", "medium", "high", "xhigh", "max")
_NOVA_LEVELS = ("low", "medium", "high")
_OPEN_LEVELS = ("low", "medium", "high")
_OPENAI_LEVELS = ("none", "low", "medium", "high", "xhigh", "max")

_NOT_WITH_FORCE = "this model cannot think where it is forced to call a tool, or where its answer has been begun for it"
_NO_THOUGHT_TO_GO_ON = "the thoughts before the last tool call are not there to go on from, and this model refuses to think without them"


@dataclass(slots=True)
class Thought:
    """
    What is said about thinking.

    Attributes:
        fields: For `additionalModelRequestFields`.
        effort: For `outputConfig`.
        on: The model thinks, as far as we ask it to.
        plain: The model takes no settings of sampling and no limit while it thinks so hard (Nova 2, high).
    """

    fields: dict[str, Json] = field(default_factory=dict)
    effort: str | None = None
    on: bool = False
    plain: bool = False


def think(
    request: Request, turns: Sequence[Turn], takes: Takes, traits: Traits, losses: Losses, *, forced: bool, max_tokens: int | None
) -> Thought:
    """
    What was asked, in the words of the model.

    Args:
        turns: The conversation as it will be sent.
        forced: The model must call a tool, so Claude cannot think.
        max_tokens: As it will be sent.
    """
    ask = request.reasoning
    if ask is None:
        return Thought()
    match _way(takes, traits):
        case "budget":
            return _budget(turns, ask, traits, losses, forced, max_tokens)
        case "adaptive":
            return _adaptive(turns, ask, traits, losses, forced)
        case "nova":
            return _nova(ask, traits, losses, max_tokens)
        case "reasoning_effort":
            effort = effort_for(ask, traits, losses, _OPEN_LEVELS) if takes.always_thinks or not ask.off else None
            return Thought({"reasoning_effort": effort}, on=True) if effort is not None else Thought()
        case "reasoning":
            effort = effort_for(ask, traits, losses, _OPENAI_LEVELS)
            return Thought({"reasoning": {"effort": effort}}, on=effort != "none") if effort is not None else Thought()
    if not ask.off and (ask.effort is not None or ask.budget_tokens is not None or ask.adaptive):
        losses.dropped("reasoning", "the target's model cannot be told how hard to think")
    return Thought()


def _way(takes: Takes, traits: Traits) -> Thinking | None:
    if traits.reasoning == "none":
        return "none"
    if not takes.claude or traits.reasoning is None or takes.thinking == "none":
        return takes.thinking
    return "budget" if traits.reasoning == "budget" else "adaptive"


# -- Claude ----------------------------------------------------------------------------------------------------------------------------


def _budget(turns: Sequence[Turn], ask: ReasoningAsk, traits: Traits, losses: Losses, forced: bool, max_tokens: int | None) -> Thought:
    if ask.off or not _may_think(turns, losses, forced, needs_thoughts=True):
        return Thought()
    budget = budget_for(ask, max_tokens, losses, traits=traits)
    return Thought({"thinking": {"type": "enabled", "budget_tokens": budget}}, on=True) if budget else Thought()


def _adaptive(turns: Sequence[Turn], ask: ReasoningAsk, traits: Traits, losses: Losses, forced: bool) -> Thought:
    if ask.off and not traits.always_thinks:
        return Thought({"thinking": {"type": "disabled"}})
    effort = effort_for(ask, traits, losses, _ADAPTIVE_LEVELS)
    if effort is None and not ask.adaptive and ask.budget_tokens is None:
        return Thought()
    if not _may_think(turns, losses, forced, needs_thoughts=False):
        return Thought()
    thinking: dict[str, Json] = {"type": "adaptive"}
    if ask.visible is not None:
        thinking["display"] = "summarized" if ask.visible else "omitted"
    return Thought({"thinking": thinking}, effort, on=True)


def _may_think(turns: Sequence[Turn], losses: Losses, forced: bool, *, needs_thoughts: bool) -> bool:
    """
    Whether Claude would think without refusing the request.
    """
    if forced or (turns and turns[-1].role == "assistant"):
        losses.dropped("reasoning", _NOT_WITH_FORCE)
        return False
    if needs_thoughts and _goes_on_without_thoughts(turns):
        losses.dropped("reasoning", _NO_THOUGHT_TO_GO_ON)
        return False
    return True


def _goes_on_without_thoughts(turns: Sequence[Turn]) -> bool:
    """
    Whether the request answers a tool call whose turn has lost its thoughts: "Expected `thinking`, but found `tool_use`".
    """
    answered = False
    for turn in reversed(turns):
        if turn.role == "assistant":
            calls = any(isinstance(part, ToolCall) for part in turn.parts)
            return answered and calls and not any(isinstance(part, Reasoning) for part in turn.parts)
        answered = answered or any(isinstance(part, ToolResult) for part in turn.parts)
    return False


# -- Nova ------------------------------------------------------------------------------------------------------------------------------


def _nova(ask: ReasoningAsk, traits: Traits, losses: Losses, max_tokens: int | None) -> Thought:
    if ask.off:
        return Thought({"reasoningConfig": {"type": "disabled"}})
    effort = effort_for(ask, traits, losses, _NOVA_LEVELS)
    if effort is None and not ask.adaptive:
        return Thought()
    if effort == "high" and max_tokens is not None:
        losses.clamped("reasoning.effort", "this model takes no limit of the answer while it thinks hard; it thinks less instead")
        effort = "medium"
    config = {"type": "enabled", "maxReasoningEffort": effort or "medium"}
    return Thought({"reasoningConfig": config}, on=True, plain=effort == "high")
