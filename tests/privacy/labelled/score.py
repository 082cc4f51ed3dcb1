"""
How well rules do on labelled texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from privacy.labelled.case import Case

Found = Iterable[tuple[int, int, str, str]]  # start, end, entity, detector


@dataclass(slots=True)
class Score:
    """
    Counts of one family.

    Attributes:
        labels: What must be found.
        found: Labels of which at least nine tenths are covered.
        typed: Of these, named by a right kind.
        cut: Labels of which something is covered, but less.
        wide: Found, but with more than three characters around it.
        extra: Findings that touch no label, by detector.
        missed: Samples of what was not found (sub-kind, place); values are not kept.
    """

    labels: int = 0
    found: int = 0
    typed: int = 0
    cut: int = 0
    wide: int = 0
    extra: Counter[str] = field(default_factory=Counter)
    missed: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def recall(self) -> float:
        return self.found / self.labels if self.labels else 1.0


def scored(cases: Sequence[Case], scan: Callable[[Case], Found]) -> dict[str, Score]:
    """
    Score of each family.
    """
    scores: dict[str, Score] = {}
    for case in cases:
        score = scores.setdefault(case.family, Score())
        found = list(scan(case))
        for span in case.spans:
            touching = [one for one in found if one[0] < span.end and span.start < one[1]]
            covered = sum(min(end, span.end) - max(start, span.start) for start, end, *_ in touching)
            score.labels += 1
            if covered >= 0.9 * (span.end - span.start):
                score.found += 1
                score.typed += any(one[2] in span.types for one in touching)
                score.wide += min(one[0] for one in touching) < span.start - 3 or max(one[1] for one in touching) > span.end + 3
            else:
                score.cut += covered > 0
                score.missed[case.sub, case.place] += 1
        score.extra.update(one[3] for one in found if not any(one[0] < span.end and span.start < one[1] for span in case.spans))
    return scores
