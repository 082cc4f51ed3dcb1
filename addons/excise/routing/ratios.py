"""
How many tokens a model really bills for a text, relative to our estimate: learned from answers.

    ratios.learned("anthropic", "claude-opus-5", estimated=1200, billed=1500)
    ratios.of("anthropic", "claude-opus-5")   # towards 1.25

Tokenizers differ, and providers add hidden prompts. A ratio is the exponentially weighted mean of logarithms, so that twice as much and
half as much cancel out.

Why it can be learned: over 5,737 recorded requests most of the estimate's error lay in what providers add unseen, which stays the same
from call to call (`wire/estimate.py`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from math import exp, isfinite, log

LEAST, MOST = 0.5, 2.5
# Outside of this something else is at work: a picture, a cache, another model behind the name.
_OUTLIER = log(5)
# Below, constants of a few tokens decide, and a ratio says nothing of longer texts.
_TINY = 200
# The first samples count as much as what was assumed before them; later ones for a twentieth, so that some sixty are remembered.
_ASSUMED = 3
_LEAST_WEIGHT = 0.05
_MODELS = 1024
_NAME = 300

# provider, model, logarithm of the ratio, samples
type Row = tuple[str, str, float, int]


class Ratios:
    """
    Ratios by provider and model; those not heard of longest are forgotten first.
    """

    def __init__(self, models: int = _MODELS) -> None:
        """
        Args:
            models: As many are kept; our memory bound.
        """
        self._most = models
        self._known: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def of(self, provider: str, model: str) -> float:
        """
        Between `LEAST` and `MOST`; 1 where nothing was learned.
        """
        known = self._known.get((provider, model))
        return 1.0 if known is None else min(max(exp(known[0]), LEAST), MOST)

    def learned(self, provider: str, model: str, estimated: int, billed: int) -> None:
        """
        One answer's input: what was estimated for the request that was sent, and what the provider billed, cached input included.
        """
        if estimated < _TINY or billed <= 0 or len(provider) + len(model) > _NAME:
            return
        seen = log(billed / estimated)
        if abs(seen) > _OUTLIER:
            return
        seen = min(max(seen, log(LEAST)), log(MOST))
        mean, samples = self._known.get((provider, model), (0.0, 0))
        weight = max(1 / (samples + _ASSUMED), _LEAST_WEIGHT)
        self._keep((provider, model), mean + weight * (seen - mean), samples + 1)

    def export(self) -> list[Row]:
        """
        All that was learned, as plain data (JSON, msgpack), oldest first.
        """
        return [(provider, model, mean, samples) for (provider, model), (mean, samples) in self._known.items()]

    def load(self, rows: Iterable[object]) -> None:
        """
        Take over what another process or an earlier one learned. Of two that know a model, the one with more samples is believed: they
        may have learned from the same answers, so adding them up would count twice. What does not look like a row is left out.
        """
        for row in rows:
            match row:
                case [str(provider), str(model), float() | int() as mean, int(samples)] if (
                    isfinite(mean) and samples > 0 and len(provider) + len(model) <= _NAME
                ):
                    known = self._known.get((provider, model))
                    if known is None or known[1] < samples:
                        self._keep((provider, model), min(max(float(mean), log(LEAST)), log(MOST)), samples)

    def _keep(self, key: tuple[str, str], mean: float, samples: int) -> None:
        self._known[key] = (mean, samples)
        self._known.move_to_end(key)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
