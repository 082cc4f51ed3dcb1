"""
A request in, its profile out.
"""

from __future__ import annotations

from typing import Final

from excise.routing.profile import Need, Profile
from excise.routing.profiling.classifier import Classifier, reconsidered
from excise.routing.profiling.difficulty import complexity_of
from excise.routing.profiling.digest import conversation_of
from excise.routing.profiling.length import output_tokens_of
from excise.routing.profiling.reading import Reading, read
from excise.routing.profiling.tasks import judged
from excise.wire.neutral import Audio, Document, Image, Part, ReasoningAsk, Request, Video

_NEEDS: Final[dict[type[Part], Need]] = {Image: Need.VISION, Audio: Need.AUDIO, Video: Need.VIDEO, Document: Need.DOCUMENT}
_CHARACTERS_PER_TOKEN = 4


def profile_of(request: Request, *, input_tokens: int | None = None, classifier: Classifier | None = None) -> Profile:
    """
    What a call asks for. Keeps nothing of its content, and never raises.

    Args:
        input_tokens: As estimated for the whole request; `None`: cannot be told, and the profile says so too.
        classifier: Asked where the rules are unsure.
    """
    reading = read(request)
    needs = _needs(request, reading)
    verdict = judged(request, reading)
    if classifier is not None:
        verdict = reconsidered(verdict, reading, classifier)
    complexity = complexity_of(request, reading, verdict.counts, verdict.shapes, needs)
    ask_tokens = reading.ask_characters // _CHARACTERS_PER_TOKEN
    return Profile(
        task=verdict.task,
        confidence=verdict.confidence,
        complexity=complexity,
        needs=needs,
        input_tokens=input_tokens,
        output_tokens=output_tokens_of(request, verdict.task, complexity, ask_tokens, reading.asks[0] if reading.asks else ""),
        max_tokens=request.max_tokens,
        turns=reading.turns,
        signals=verdict.signals,
        conversation=conversation_of(request),
    )


def _needs(request: Request, reading: Reading) -> frozenset[Need]:
    needs = {need for kind, need in _NEEDS.items() if kind in reading.kinds}
    if request.tools and (request.tool_choice is None or request.tool_choice.mode != "none"):
        needs.add(Need.TOOLS)
    if request.output is not None and request.output.schema is not None:
        needs.add(Need.JSON_SCHEMA)
    if request.reasoning is not None and _asked(request.reasoning):
        needs.add(Need.REASONING)
    if reading.answered:
        needs.add(Need.PREFILL)
    return frozenset(needs)


def _asked(reasoning: ReasoningAsk) -> bool:
    """
    Whether thought is asked for: a level above "minimal", a budget, or leave to think. Wanting to see it is not asking for it.
    """
    if reasoning.off:
        return False
    return (
        reasoning.effort not in (None, "none", "minimal")
        or (reasoning.budget_tokens is not None and reasoning.budget_tokens != 0)
        or reasoning.adaptive is True
    )
