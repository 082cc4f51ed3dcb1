"""
A second opinion on the task of a call: which labelled examples do its words lie nearest to? Asked only where the rules are unsure.

Nearest centroid over static word embeddings: no network, no inference, one vector per text. How near is near enough is not set by hand but
told by the examples themselves, each judged by all others, as every model has cosines of its own size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from excise.routing.profile import Task
from excise.routing.profiling.reading import Reading
from excise.routing.profiling.tasks import Verdict

UNSURE: Final = 0.5  # confidence of the rules below which they are doubted: half of what they say there is wrong
MAX_BYTES: Final = 2048  # of a text, in UTF-8
_HEAD, _TAIL = 1400, 600  # bytes of a longer one: what is asked stands before or behind the material
_RIGHT = 0.9  # of the examples that are answered
_ANSWERED = 0.1  # of all examples at least, or chance decides

type _Vector = tuple[float, ...]


class Embedder(Protocol):
    """
    What turns a text into a vector: always of one length; zeros where it knows no word of the text.
    """

    def embed(self, text: str) -> Sequence[float]: ...


@dataclass(frozen=True, slots=True)
class _Bounds:
    """
    When an answer is given, and how often that was right.
    """

    margin: float  # cosine of the best less that of the second, at least
    near: float  # cosine of the best, at least
    right: float  # share of the answered examples, by the rule of succession: never quite sure


class Classifier:
    """
    Which task a text is nearest to. Keeps no text, and may be asked by several threads if its embedder may.

    Args:
        examples: Labelled texts; those of `unknown` ask for nothing. Each is left out once and judged by all others.

    Raises:
        ValueError: The embedder does not tell the examples apart: wherever the bound is set, under 90 % of the answers are right.
    """

    def __init__(self, embedder: Embedder, examples: Mapping[Task, Sequence[str]]) -> None:
        self._embedder = embedder
        found = {task: [vector for text in texts if (vector := self._vector(text))] for task, texts in examples.items()}
        everything = [vector for vectors in found.values() for vector in vectors]
        # What all texts have in common, of which some models have much, would make everything near to everything.
        self._centre = tuple(sum(axis) / len(everything) for axis in zip(*everything, strict=True))
        placed = {task: [place for vector in vectors if (place := self._placed(vector))] for task, vectors in found.items()}
        sums = {task: tuple(map(sum, zip(*places, strict=True))) for task, places in placed.items()}
        self._centroids = _units(sums)
        self._bounds = _bounds(placed, sums)

    def task_of(self, text: str) -> tuple[Task, float] | None:
        """
        The task and how sure that is, 0 to 1: about as often as examples were told right. `None`: nothing is near, or two are equally so.

        Args:
            text: The user's own words; of more than `MAX_BYTES` the two ends are looked at.
        """
        vector = self._vector(text)
        place = None if vector is None else self._placed(vector)
        if place is None:
            return None
        task, near, margin = _nearest(place, self._centroids)
        if task is Task.UNKNOWN or margin < self._bounds.margin or near < self._bounds.near:
            return None
        return task, self._bounds.right

    def _vector(self, text: str) -> _Vector | None:
        return _unit(self._embedder.embed(_ends(text)))

    def _placed(self, vector: _Vector) -> _Vector | None:
        return _unit([value - common for value, common in zip(vector, self._centre, strict=True)])


def reconsidered(verdict: Verdict, reading: Reading, classifier: Classifier) -> Verdict:
    """
    What the rules say, or the classifier where they are unsure and it is not. What tools say of a call is never doubted.
    """
    if verdict.confidence >= UNSURE or verdict.task is Task.AGENTIC or not reading.asks:
        return verdict
    told = classifier.task_of(reading.asks[0])
    if told is None:
        return verdict
    return replace(verdict, task=told[0], confidence=round(told[1], 3), signals=("embedding", *verdict.signals[:5]))


def _ends(text: str) -> str:
    if len(text) * 4 <= MAX_BYTES:
        return text
    data = text.encode("utf-8", "ignore")
    if len(data) <= MAX_BYTES:
        return text
    return f"{data[:_HEAD].decode('utf-8', 'ignore')}\n{data[-_TAIL:].decode('utf-8', 'ignore')}"


def _unit(vector: Sequence[float]) -> _Vector | None:
    length = math.hypot(*vector)
    if not 0.0 < length < math.inf:
        return None  # not a word of it is known, or the model is broken there
    return tuple(value / length for value in vector)


def _units(sums: Mapping[Task, Sequence[float]]) -> dict[Task, _Vector]:
    return {task: unit for task, vector in sums.items() if (unit := _unit(vector))}


def _nearest(vector: _Vector, centroids: Mapping[Task, _Vector]) -> tuple[Task, float, float]:
    """
    The best, its cosine, and how much greater that is than the second's.
    """
    (near, task), (second, _) = sorted(((math.sumprod(vector, centroid), task) for task, centroid in centroids.items()), reverse=True)[:2]
    return task, near, near - second


def _bounds(placed: Mapping[Task, Sequence[_Vector]], sums: Mapping[Task, Sequence[float]]) -> _Bounds:
    """
    The least margin at which nine of ten examples are told right, each by the centroids of all others.
    """
    centroids = _units(sums)
    told: list[tuple[float, bool, float]] = []  # least margins last
    for task, vectors in placed.items():
        for vector in vectors:
            # Without itself, or it would be near to itself.
            others = _unit([total - value for total, value in zip(sums[task], vector, strict=True)])
            if others is None or len(centroids) < 2:
                continue
            answer, near, margin = _nearest(vector, centroids | {task: others})
            if answer is not Task.UNKNOWN:
                told.append((-margin, answer is task, near))
    told.sort()
    best: _Bounds | None = None
    right, nearest = 0, math.inf
    for answered, (margin, is_right, near) in enumerate(told, 1):
        if is_right:
            right, nearest = right + 1, min(nearest, near)
        if answered < len(told) and told[answered][0] == margin:
            continue  # a bound lets in all that are as far
        if right >= _RIGHT * answered and answered >= _ANSWERED * sum(map(len, placed.values())):
            best = _Bounds(-margin, nearest, (right + 1) / (answered + 2))
    if best is None:
        raise ValueError("the model does not tell the examples of tasks apart")
    return best
