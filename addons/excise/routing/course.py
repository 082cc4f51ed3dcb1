"""
The way of one call through its plan: who is asked now, who after a failure, and when nobody any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from excise.policy.deployment import TargetRef
from excise.routing.failure import Failure
from excise.routing.judge import Verdict, judge
from excise.routing.plan import Candidate, Plan

# Full jitter: anything from nothing to the bound, so that clients that failed together do not come back together.
# Source: aws.amazon.com/builders-library, "Timeouts, retries and backoff with jitter", read 2026-11. The providers' SDKs use 0.5 to 8 s.
_BACKOFF_SECONDS = 0.25
_LONGEST_BACKOFF_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Step:
    """
    What comes after a failure.

    Attributes:
        kind: `again`: the same candidate; `next`: another one, which may be an earlier one tried once more; `stop`: the failure stands.
        wait_seconds: Before the attempt begins.
        why: Fixed text and figures, never content.
    """

    kind: Literal["again", "next", "stop"]
    wait_seconds: float
    why: str


@dataclass(slots=True)
class _Place:
    """
    A candidate and what has become of it.
    """

    candidate: Candidate
    tried: int = 0
    open: bool = True  # may be asked, for the first time or again
    not_before: float = 0.0


class Course:
    """
    Takes one call through the candidates of its plan. Pure: told the time, and given the dice.

    - Never more attempts than `failover.attempts`, never more than `1 + failover.retries` at one candidate.
    - A failure a fresh connection may cure is tried again at the same candidate, as long as attempts are left for all who are untried;
      after a limit, an overload or a timeout an untried candidate comes first, at once, since waiting would gain nothing.
    - When all have been tried, those that failed in passing are tried again, the one free soonest first, after its back-off or the wait
      it asked for.
    - No wait is longer than `failover.max_wait_seconds`; no attempt begins `failover.total_seconds` after the start.

    Args:
        started: The call's arrival, on the clock of `now`.
        dice: Evenly from [0, 1).
        may_retry: Whether a target may be tried again: its retry budget, which the question spends. Not asked for first tries.
        refusals: Whether a refusal may be escaped elsewhere.
        larger: Whether the first takes larger requests than the second; by default nobody is known to.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        started: float,
        dice: Callable[[], float],
        may_retry: Callable[[TargetRef], bool] = lambda target: True,
        refusals: bool = False,
        larger: Callable[[TargetRef, TargetRef], bool] = lambda one, other: False,
    ) -> None:
        self.plan = plan
        self.tried = 0
        self.excluded: list[Candidate] = []
        self.deadline = started + plan.failover.total_seconds
        self._now = started
        self._dice = dice
        self._may_retry = may_retry
        self._refusals = refusals
        self._larger = larger
        self._places = [_Place(candidate) for candidate in plan.candidates]
        self._at: _Place | None = self._places[0] if self._places else None
        self._under_way = False

    @property
    def current(self) -> Candidate | None:
        """
        Who is asked, or was last; `None`: nobody is left.
        """
        return None if self._at is None else self._at.candidate

    @property
    def more(self) -> bool:
        """
        Whether another attempt may follow the one under way, or else about to begin. Where not, its answer need not be held back.
        """
        if self._at is None or self._begun() >= self.plan.failover.attempts:
            return False
        again = self._at.tried + (not self._under_way) <= self.plan.failover.retries
        return again or any(place.open for place in self._places if place is not self._at)

    def wait(self, now: float) -> float:
        """
        Seconds until `current` may be asked. 0 but for those who asked for it, or failed before.
        """
        return 0.0 if self._at is None else max(0.0, self._at.not_before - now)

    def began(self) -> None:
        """
        An attempt at `current` begins.
        """
        assert self._at is not None, "nobody is left to be asked"
        self._at.tried += 1
        self.tried += 1
        self._under_way = True

    def exclude(self, why: str) -> None:
        """
        `current` cannot take this call, which has not been sent there; `current` is the next one, and `wait` says when.
        """
        assert self._at is not None, "nobody is left to be excluded"
        self._at.open = False
        self.excluded.append(replace(self._at.candidate, reason=why))
        self._at = self._untried() or self._free(self._now)

    def after(self, failure: Failure, now: float) -> Step:
        """
        What follows a failure of the attempt under way. `current` is who is asked next.

        Args:
            now: Monotonic seconds.
        """
        at = self._at
        assert at is not None, "no attempt is under way"
        self._now, self._under_way = now, False
        verdict = judge(failure, repeated=at.tried - 1, refusals=self._refusals)
        self._note(at, verdict, now)
        if not verdict.again and not verdict.elsewhere:
            return self._stop(f"{failure.kind}: the same request would fail again")
        if self.tried >= self.plan.failover.attempts:
            return self._stop(f"{failure.kind}: {self.tried} attempts made")
        if now >= self.deadline:
            return self._stop(f"{failure.kind}: {self.plan.failover.total_seconds:g} s are over")
        if not verdict.elsewhere:
            return self._go(self._free(now, only=at), failure, now)
        untried = sum(place.open and not place.tried for place in self._places)
        spare = self.plan.failover.attempts - self.tried > untried
        fresh = self._free(now, only=at) if verdict.here_first and spare else None
        return self._go(fresh or self._untried() or self._free(now), failure, now)

    # -- choosing ----------------------------------------------------------------------------------------------------------------------

    def _begun(self) -> int:
        return self.tried + (not self._under_way)

    def _note(self, at: _Place, verdict: Verdict, now: float) -> None:
        at.open = verdict.again and at.tried <= self.plan.failover.retries
        if at.open:
            backoff = self._dice() * min(_LONGEST_BACKOFF_SECONDS, _BACKOFF_SECONDS * 2.0 ** min(at.tried - 1, 10))
            at.not_before = now + max(verdict.wait_seconds or 0.0, backoff)
        if verdict.needs_larger:
            for place in self._places:
                if place is not at and place.open and not self._larger(place.candidate.target, at.candidate.target):
                    place.open = False

    def _untried(self) -> _Place | None:
        return next((place for place in self._places if place.open and not place.tried), None)

    def _free(self, now: float, *, only: _Place | None = None) -> _Place | None:
        """
        Who may be tried again, the soonest first; of those free equally soon the best.
        """
        tried = [place for place in self._places if place.open and place.tried and only in (None, place)]
        for place in sorted(tried, key=lambda place: max(place.not_before, now)):
            starts = max(place.not_before, now)
            if starts - now > self.plan.failover.max_wait_seconds or starts >= self.deadline:
                return None
            if self._may_retry(place.candidate.target):
                return place
        return None

    def _go(self, to: _Place | None, failure: Failure, now: float) -> Step:
        if to is None:
            return self._stop(f"{failure.kind}: nobody else can be asked in time")
        again, self._at = to is self._at, to
        return Step("again" if again else "next", self.wait(now), failure.kind)

    def _stop(self, why: str) -> Step:
        self._at = None
        return Step("stop", 0.0, why)
