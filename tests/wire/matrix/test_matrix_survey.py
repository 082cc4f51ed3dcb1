"""
The overview of what is kept and lost between dialects, which users are shown: true, complete, and changed by nobody unnoticed.
"""

from __future__ import annotations

from functools import cache

import pytest
from matrix_cells import DIALECTS, NAMES
from matrix_golden import same

from excise.wire.loss import Change, Verdict
from excise.wire.survey import PROBES, Finding, survey

PAIRS = [(source, target) for source in NAMES for target in NAMES]
SIGNS = {Verdict.EXACT: "=", Verdict.DEGRADED: "~", Verdict.IMPOSSIBLE: "x", None: "."}
# What may be done otherwise or refused, but never left out.
NEVER_LEFT_OUT = ("max_tokens", "stop", "tool_choice", "output", "system", "text", "tool_result")


@cache
def findings(source: str, target: str) -> dict[str, Finding]:
    return {finding.feature: finding for finding in survey(DIALECTS[source], DIALECTS[target])}


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_feature_has_a_verdict(source: str, target: str) -> None:
    """
    Each follows from the losses; what clients of the source cannot ask for is the same whatever the target.
    """
    found = findings(source, target)

    assert list(found) == list(PROBES)
    for feature, finding in found.items():
        assert (finding.verdict is None) == (findings(source, source)[feature].verdict is None)
        if finding.verdict is not None:
            assert finding.verdict is Verdict.of(finding.losses)
            assert source != target or finding.verdict is Verdict.EXACT


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_what_counts_is_never_left_out(source: str, target: str) -> None:
    """
    Limits, stops, choices of tools, formats, system text, results and their errors.
    """
    dropped = {
        (feature, loss.field)
        for feature, finding in findings(source, target).items()
        for loss in finding.losses
        if loss.change is Change.DROPPED and loss.field.startswith(NEVER_LEFT_OUT)
    }

    assert not dropped


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_the_plainest_call_is_exact(source: str, target: str) -> None:
    """
    Nobody loses anything of a question, a conversation, or system text at its head.
    """
    found = findings(source, target)

    assert {found[feature].verdict for feature in ("text", "conversation", "system")} == {Verdict.EXACT}


def test_the_overview() -> None:
    """
    A verdict a feature, for each pair: exact (=), degraded (~), impossible (x); a dot where clients cannot ask for it.
    """
    width = max(map(len, PROBES)) + 2
    lines = []
    for source in NAMES:
        lines += [f"== {source} to", *(f"{' ' * width}{'| ' * number}{target}" for number, target in enumerate(NAMES))]
        for feature in PROBES:
            signs = " ".join(SIGNS[findings(source, target)[feature].verdict] for target in NAMES)
            lines.append(f"{feature:{width}}{signs}")
        lines.append("")

    same("survey.txt", "\n".join(lines))
