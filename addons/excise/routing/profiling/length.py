"""
How long the answer will be.
"""

from __future__ import annotations

from typing import Final

import re2

from excise.routing.profile import Task
from excise.wire.neutral import ReasoningAsk, Request

# Tokens of an ordinary answer, what each token of input adds, and the most that input can add. Rough, by what such answers are.
_EXPECTED: Final[dict[Task, tuple[int, float, int]]] = {
    Task.CONVERSATION: (280, 0.0, 0),
    Task.SUMMARISATION: (180, 0.04, 1200),
    Task.CODE: (600, 0.1, 1500),
    Task.ANALYSIS: (500, 0.05, 800),
    Task.EXTRACTION: (90, 0.12, 2000),
    Task.TRANSLATION: (10, 1.1, 16_000),
    Task.AGENTIC: (220, 0.0, 0),
    Task.UNKNOWN: (300, 0.0, 0),
}
_THOUGHT: Final = {"low": 500, "medium": 2000, "high": 6000, "xhigh": 12_000, "max": 20_000}
_THOUGHT_UNSAID = 2000
_SHARE_OF_BUDGET = 0.4  # a budget of thought is rarely used up
_TOKENS_PER_WORD = 1.5
_MOST_WORDS = 20_000
_WORDS_ASKED: Final = re2.compile(
    r"(?i)\b(\d{2,5})[ -](?:words?|wörtern?|worten?|mots|palabras|parole|palavras|woorden|słów|слов)|(\d{2,5}) ?(?:字|語)"
)


def output_tokens_of(request: Request, task: Task, complexity: float, ask_tokens: int, ask: str) -> int:
    """
    Tokens expected of one answer, thought included; at most what the client allows, at least 1.

    The task's ordinary length (half of it for the simplest, half as much again and more for the hardest), plus a share of the material;
    or what the words ask for ("in 200 words").

    Args:
        ask_tokens: Estimated, of the latest words and their material.
        ask: Sample of these words.
    """
    if asked := _WORDS_ASKED.search(ask):
        tokens = min(_MOST_WORDS, int(asked[1] or asked[2])) * _TOKENS_PER_WORD
    else:
        tokens = _ordinary(task, complexity, ask_tokens)
    return _bounded(tokens + _thought(request.reasoning), request.max_tokens)


def expected_output(task: Task, complexity: float, ask_tokens: int, max_tokens: int | None) -> int:
    """
    The same of a call of which nobody knows the words.

    Args:
        ask_tokens: As above; 0 where nobody knows.
        max_tokens: What the client allows; `None`: it does not say.
    """
    return _bounded(_ordinary(task, complexity, ask_tokens), max_tokens)


def _ordinary(task: Task, complexity: float, ask_tokens: int) -> float:
    ordinary, share, most = _EXPECTED[task]
    return ordinary * (0.5 + 2 * complexity) + min(most, share * ask_tokens)


def _bounded(tokens: float, max_tokens: int | None) -> int:
    expected = max(1, round(tokens))
    return expected if max_tokens is None else max(1, min(expected, max_tokens))


def _thought(ask: ReasoningAsk | None) -> float:
    if ask is None or ask.off:
        return 0.0
    if ask.budget_tokens is not None and ask.budget_tokens > 0:
        return ask.budget_tokens * _SHARE_OF_BUDGET
    if ask.effort is not None:
        return _THOUGHT.get(ask.effort, 0)
    return _THOUGHT_UNSAID if ask.adaptive or ask.budget_tokens == -1 else 0.0
