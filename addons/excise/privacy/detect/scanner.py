"""
A set of rules, ready to run over texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from excise.privacy.detect.detector import Finding, Rule
from excise.privacy.detect.gate import EDGE, AhoCorasickGate, Gate


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
        self._always = tuple(index for index, rule in enumerate(self.rules) if not rule.keywords)
        self._own = own
        self.slow = any(getattr(rule, "slow", False) for rule in self.rules)  # milliseconds a sentence: scan in a thread

    def scan(self, text: str, *, settled: bool = True) -> list[Finding]:
        """
        What is in `text`, ascending, none overlapping another.

        Args:
            settled: `False`: everything the rules say, in any order, overlaps too.
        """
        found: list[Finding] = []
        stretches = self._gate.stretches(text)
        for index in self._always:
            rule, shown = self.rules[index], stretches.get(index)
            if shown is None:
                found += rule.find(text, ())
            else:
                for start, end in shown:
                    found += _found_in(rule, text, start, end)
        # In the order of the rules, whatever the gate's: of two equal findings the first names the place.
        for index, places in sorted(self._gate.places(text).items()):
            found += self.rules[index].find(text, places)
        if self._own is not None and found:
            own = self._own
            found = [finding for finding in found if not own(text[finding.start : finding.end])]
        return settle(found) if settled and len(found) > 1 else found


def _found_in(rule: Rule, text: str, start: int, end: int) -> Iterator[Finding]:
    """
    What `rule` finds in a stretch. At its edges it may take half a word for a whole one.
    """
    first = start + EDGE if start else 0
    last = end - EDGE if end < len(text) else end
    for finding in rule.find(text[start:end], ()):
        moved = finding._replace(start=finding.start + start, end=finding.end + start)
        if first <= moved.start and moved.end <= last:
            yield moved


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
