"""
A set of rules, ready to run over texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from excise.privacy.detect.detector import Finding, Rule
from excise.privacy.detect.gate import AhoCorasickGate, Gate


class Scanner:
    """
    Finds everything its rules know. Immutable, for any number of texts; one per set of rules.

    Args:
        rules: In any order.
        gate: Makes the first stage.
        own: Says of a text whether it is one of our placeholders: those are never findings, or a second pass would replace them again.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        gate: Callable[[Sequence[Rule]], Gate] = AhoCorasickGate,
        own: Callable[[str], bool] | None = None,
    ) -> None:
        self.rules = tuple(rules)
        self._gate = gate(self.rules)
        self._always = tuple(rule for rule in self.rules if not rule.keywords)
        self._own = own

    def scan(self, text: str) -> list[Finding]:
        """
        What is in `text`, ascending, none overlapping another.
        """
        found: list[Finding] = []
        for rule in self._always:
            found += rule.find(text, ())
        for index, places in self._gate.places(text).items():
            found += self.rules[index].find(text, places)
        if self._own is not None and found:
            own = self._own
            found = [finding for finding in found if not own(text[finding.start : finding.end])]
        return settle(found) if len(found) > 1 else found


def settle(found: Iterable[Finding]) -> list[Finding]:
    """
    Findings without overlaps: of those that overlap, one span that covers them all, named by the heaviest (then the longest) of them.
    """
    settled: list[Finding] = []
    for finding in sorted(found, key=lambda one: (one.start, -one.end)):
        if settled and finding.start < settled[-1].end:
            last = settled[-1]
            name = max(last, finding, key=lambda one: (one.weight, one.end - one.start))
            settled[-1] = name._replace(start=last.start, end=max(last.end, finding.end))
        else:
            settled.append(finding)
    return settled
