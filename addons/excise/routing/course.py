"""
The way of one call through its plan: who is asked now, who after a failure, and when nobody any more.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
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
    under_way: bool = False
    open: bool = True  # may be asked, for the first time or again; not while it is somebody's current
    put_off: bool = False  # not in order just now: comes when nobody else is left
    not_before: float = 0.0
    fresh: int = 0  # of `tried`, those that followed another with another key
    spent: set[int] = field(default_factory=set)  # keys that were refused or limited, while there were others


class Course:
    """
    Takes one call through the candidates of its plan. Pure: told the time, and given the dice.

    - Never more attempts than `failover.attempts`, never more than `1 + failover.retries` at one candidate with one key.
    - Where a key was refused or limited and its deployment has others, these come first, at once.
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
        keys: How many keys a target's deployment has.
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
        keys: Callable[[TargetRef], int] = lambda target: 1,
    ) -> None:
        self.plan = plan
        self.excluded: list[Candidate] = []
        self.deadline = started + plan.failover.total_seconds
        self._now = started
        self._dice = dice
        self._may_retry = may_retry
        self._refusals = refusals
        self._larger = larger
        self._keys = keys
        self._places = [_Place(candidate) for candidate in plan.candidates]
        self._at: _Place | None = None
        self._move(self._untried())

    @property
    def tried(self) -> int:
        """
        Attempts begun.
        """
        return sum(place.tried for place in self._places)

    @property
    def current(self) -> Candidate | None:
        """
        Who is asked, or was last; `None`: nobody is left.
        """
        return None if self._at is None else self._at.candidate

    @property
    def more(self) -> bool:
        """
        Whether another attempt may follow the one under way or about to begin, or is under way beside it. Where not, its answer need not be
        held back.
        """
        at, terms = self._at, self.plan.failover
        if at is None:
            return False
        if any(place.under_way for place in self._places if place is not at):
            return True
        to_come = not at.under_way
        again = at.tried - at.fresh + to_come <= terms.retries or len(at.spent) + 1 < self._keys(at.candidate.target)
        return self.tried + to_come < terms.attempts and (again or any(place.open for place in self._places))

    @property
    def spent(self) -> frozenset[int]:
        """
        Of the keys of `current`'s deployment, those that were refused or limited during this call.
        """
        return frozenset() if self._at is None else frozenset(self._at.spent)

    @property
    def others(self) -> bool:
        """
        Whether anybody in order but `current` may still be asked, for the first time or again. Who is the last is asked anyway.
        """
        return any(place.open and not place.put_off for place in self._places)

    @property
    def spare(self) -> bool:
        """
        Whether another candidate could be asked beside the attempt under way.
        """
        return self.tried < self.plan.failover.attempts and self._untried() is not None

    def aside(self) -> Course:
        """
        The way of a second attempt beside the one under way, at the next candidate. Both count towards the same bounds, and neither is
        ever at the other's candidate. Whichever is given up is not heard of again; the other goes on for both.
        """
        beside = copy(self)
        beside._at = None
        beside._move(beside._untried())
        return beside

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
        self._at.under_way = True

    def exclude(self, why: str, *, for_now: bool = False) -> None:
        """
        `current` cannot take this call, which has not been sent there; `current` is the next one, and `wait` says when.

        Args:
            why: Fixed text and figures, never content.
            for_now: It could, but is out of order: it is asked after all when nobody else is left, and then `others` is false.
        """
        at = self._at
        assert at is not None, "nobody is left to be excluded"
        if for_now and not at.put_off and not at.tried:
            at.put_off = at.open = True
        else:
            self.excluded.append(replace(at.candidate, reason=why))
        self._move(self._untried() or self._free(self._now) or self._put_off())

    def after(self, failure: Failure, now: float, *, key: int = 0) -> Step:
        """
        What follows a failure of the attempt under way. `current` is who is asked next.

        Args:
            now: Monotonic seconds.
            key: Which of its deployment's the attempt went with.
        """
        at = self._at
        assert at is not None, "no attempt is under way"
        self._now, at.under_way = now, False
        verdict = judge(failure, repeated=at.tried - 1, refusals=self._refusals)
        self._note(at, verdict, now)
        if not verdict.again and not verdict.elsewhere:
            return self._stop(f"{failure.kind}: the same request would fail again")
        if self.tried >= self.plan.failover.attempts:
            return self._stop(f"{failure.kind}: {self.tried} attempts made")
        if now >= self.deadline:
            return self._stop(f"{failure.kind}: {self.plan.failover.total_seconds:g} s are over")
        if verdict.blames == "credential" and len(at.spent | {key}) < self._keys(at.candidate.target):
            at.spent.add(key)
            at.fresh += 1
            at.not_before = now
            self._move(at)
            return Step("again", 0.0, f"{failure.kind}: another key")
        if not verdict.elsewhere:
            return self._go(self._free(now, only=at), failure, now)
        untried = sum(place.open and not place.tried and not place.put_off for place in self._places)
        spare = self.plan.failover.attempts - self.tried > untried
        fresh = self._free(now, only=at) if verdict.here_first and spare else None
        return self._go(fresh or self._untried() or self._free(now) or self._put_off(), failure, now)

    # -- choosing ----------------------------------------------------------------------------------------------------------------------

    def _move(self, to: _Place | None) -> None:
        self._at = to
        if to is not None:
            to.open = False

    def _note(self, at: _Place, verdict: Verdict, now: float) -> None:
        at.open = verdict.again and at.tried - at.fresh <= self.plan.failover.retries
        if at.open:
            backoff = self._dice() * min(_LONGEST_BACKOFF_SECONDS, _BACKOFF_SECONDS * 2.0 ** min(at.tried - 1, 10))
            at.not_before = now + max(verdict.wait_seconds or 0.0, backoff)
        if verdict.needs_larger:
            for place in self._places:
                if place is not at and place.open and not self._larger(place.candidate.target, at.candidate.target):
                    place.open = False

    def _untried(self) -> _Place | None:
        return next((place for place in self._places if place.open and not place.tried and not place.put_off), None)

    def _put_off(self) -> _Place | None:
        return next((place for place in self._places if place.open and not place.tried and place.put_off), None)

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
            place.open = False  # asked once, and not to be hoped for
        return None

    def _go(self, to: _Place | None, failure: Failure, now: float) -> Step:
        if to is None:
            return self._stop(f"{failure.kind}: nobody else can be asked in time")
        again = to is self._at
        self._move(to)
        return Step("again" if again else "next", self.wait(now), failure.kind)

    def _stop(self, why: str) -> Step:
        self._move(None)
        return Step("stop", 0.0, why)
