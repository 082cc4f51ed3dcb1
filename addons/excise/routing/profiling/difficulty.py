"""
How hard a call looks, from counts alone.
"""

from __future__ import annotations

import re
from collections import Counter
from math import log10
from typing import Final

from excise.routing.profile import Need
from excise.routing.profiling.reading import Reading
from excise.wire.neutral import Request

_NUMBERED: Final = re.compile(r"^[ \t]*(?:\d{1,2}[.)]|[-*•])[ \t]+\S", re.MULTILINE)
_HARD: Final = frozenset(("code", "sql", "diff", "stack_trace", "maths"))
# Shares of the whole; their sum is 1.
_ASK, _ALL, _DEMANDS, _STEPS, _TOOLS, _MATERIAL, _TURNS, _REASON = 0.17, 0.15, 0.2, 0.11, 0.1, 0.1, 0.05, 0.12


def complexity_of(request: Request, reading: Reading, counts: Counter[str], shapes: frozenset[str], needs: frozenset[Need]) -> float:
    """
    0 (a greeting) to 1. A weighted sum of parts that each rise from 0 to 1 and never fall as their count rises:

        0.17  length of the latest words      0 below 100 characters, 1 at 30,000
        0.15  length of everything            0 below 1,000 characters, 1 at a million
        0.20  demands                         words of constraint, questions, points of a list: 1 at 8
        0.11  words of order ("then")         1 at 5
        0.10  tools offered                   1 at 12
        0.10  material                        code, SQL, a diff, a trace, formulas; half for code words alone
        0.05  turns                           1 at 20
        0.12  reasoning asked                 by a field; a third for each word of it

    Demands and words are counted in what is read of the latest words, so more of them in the midst of a long text are not seen.
    """
    ask = reading.asks[0] if reading.asks else ""
    demands = counts["limit"] + ask.count("?") + ask.count("？") + points_in(ask)
    material = 1.0 if shapes & _HARD else 0.5 if counts["code"] + counts["craft"] + counts["lang"] + counts["program"] else 0.0
    reason = 1.0 if Need.REASONING in needs else min(1.0, counts["reason"] / 3)
    tools = len(request.tools) if Need.TOOLS in needs else 0
    total = (
        _ASK * _grown(reading.ask_characters, 100, 2.5)
        + _ALL * _grown(reading.characters, 1000, 3.0)
        + _DEMANDS * min(1.0, demands / 8)
        + _STEPS * min(1.0, counts["steps"] / 5)
        + _TOOLS * min(1.0, tools / 12)
        + _MATERIAL * material
        + _TURNS * min(1.0, max(0, reading.turns - 1) / 20)
        + _REASON * reason
    )
    return round(min(1.0, total), 3)


def points_in(text: str) -> int:
    """
    Points of lists: lines that begin with a number or a dash.
    """
    # In one line, one look at its beginning will do.
    return len(_NUMBERED.findall(text)) if "\n" in text else _NUMBERED.match(text) is not None


def _grown(size: int, least: int, decades: float) -> float:
    return min(1.0, max(0.0, log10(max(size, 1) / least)) / decades)
