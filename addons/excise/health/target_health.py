"""
How targets are doing: which records a call's end counts in, and what they say together.

Three records speak of a target, and it is as badly off as the worst of them:

- of its deployment: whether the host can be reached at all. Any answer counts for it, an error too; only failures to connect against it.
- of the model there: whether it answers, how fast, and its retry budget.
- of the model with one of the deployment's credentials: limits, which hold for a key and a model, and refusals of the key.

A limit is no failure: it opens no breaker, it says when to come back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import count

from excise.health.keys import key_of
from excise.health.shared import SharedHealth
from excise.policy.deployment import TargetRef
from excise.routing.failure import Failure
from excise.routing.health import worst
from excise.routing.judge import TRANSPORT, judge
from excise.routing.pool import choose, free_at
from excise.routing.rate_limits import LONGEST_SECONDS
from excise.routing.standing import Standing

_UNSAID_SECONDS = 1.0  # of a limit that nobody said the end of: the next calls go elsewhere, or to another key
_SLACK_SECONDS = 0.1  # a wait that was asked for may end a moment before the limit, which was noted a moment later
_NEVER = Standing(state="open", until=float("inf"))


class TargetHealth:
    """
    Health by target.

    Args:
        shared: What is known to all workers.
    """

    def __init__(self, shared: SharedHealth) -> None:
        self._shared = shared
        self._turn = count()

    def standing(self, target: TargetRef, *, credentials: int = 1) -> Standing:
        """
        What is known of a target at this moment, with the best of its credentials.

        Args:
            credentials: How many its deployment has; 0 counts as one.
        """
        keys = [self._shared.standing(key) for key in _credential_keys(target, credentials)]
        best = keys[choose(keys, 0, self._shared.now())]
        model = self._shared.standing(_model(target))
        # Calls to other models of the host say nothing about how well this one is known.
        return worst((self._shared.standing(_host(target)), model, best), samples=model.samples)

    def take(self, target: TargetRef, *, credentials: int = 1, anyway: bool = False, without: Collection[int] = ()) -> int | None:
        """
        Which credential the next attempt goes with; `None`: the target is not to be asked now.

        Where a breaker is being probed this takes the probe; the attempt must end in `succeeded`, `failed` or `released`.

        Args:
            anyway: There is nobody else to be asked: the best credential even so.
            without: Credentials this very call was refused with already.
        """
        now = self._shared.now() + _SLACK_SECONDS
        keys = _credential_keys(target, credentials)
        standings = [_NEVER if at in without else self._shared.standing(key) for at, key in enumerate(keys)]
        turn = next(self._turn)
        first = choose(standings, turn, now)
        if free_at(self._shared.standing(_model(target))) <= now and self._taken(_host(target), _model(target)):
            at = first
            while free_at(standings[at]) <= now:
                if self._shared.may_try(keys[at]):
                    return at
                standings[at] = _NEVER
                at = choose(standings, turn, now)
            self._shared.released(_host(target))
            self._shared.released(_model(target))
        return first if anyway else None

    def may_retry(self, target: TargetRef) -> bool:
        """
        Whether a target may be tried again within its retry budget, which this spends.
        """
        return self._shared.may_retry(_model(target))

    def succeeded(
        self, target: TargetRef, credential: int = 0, *, first_byte_seconds: float | None = None, tokens_per_second: float | None = None
    ) -> None:
        """
        An attempt was answered.

        Args:
            credential: Its place in the deployment's.
            first_byte_seconds: From the request to the first content; `None`: not measured.
            tokens_per_second: Of the answer from there on; `None`: not measured.
        """
        self._shared.succeeded(_host(target))
        for key in (_model(target), _credential(target, credential)):
            self._shared.succeeded(key, first_byte_seconds, tokens_per_second)

    def failed(self, target: TargetRef, credential: int, failure: Failure) -> None:
        """
        An attempt failed, also where it was tried again or another target took the call.
        """
        verdict = judge(failure, repeated=0)
        host, model, key = _host(target), _model(target), _credential(target, credential)
        rate = verdict.blames == "credential" and (failure.sort == "rate" or (failure.sort is None and failure.status == 429))
        if failure.phase == "connect":
            self._shared.failed(host, hard=True)
        elif verdict.blames == "target":
            # A timeout may be the work of one client with a slow request: it counts, but three in a row prove nothing.
            self._shared.failed(model, hard=failure.kind in TRANSPORT and failure.kind != "upstream_timeout")
        elif verdict.blames == "credential" and not rate:
            self._shared.failed(key, hard=True)
        wait = verdict.wait_seconds or (_UNSAID_SECONDS if rate else 0.0)
        if wait and verdict.blames != "nobody":
            limits = key if verdict.blames == "credential" else model
            self._shared.limited(limits, self._shared.now() + min(wait, LONGEST_SECONDS))
        if failure.status is not None:
            self._shared.succeeded(host)
        self.released(target, credential)

    def released(self, target: TargetRef, credential: int = 0) -> None:
        """
        An attempt ended without a word on the target: the client left, or another target was faster.
        """
        for key in (_host(target), _model(target), _credential(target, credential)):
            self._shared.released(key)

    def learned(self, target: TargetRef, credential: int, headers: Iterable[tuple[bytes, bytes]], status: int) -> None:
        """
        Take the limits an answer's headers speak of; of any answer, once.
        """
        self._shared.learned(_credential(target, credential), headers, status)

    def _taken(self, *keys: bytes) -> bool:
        """
        All probes or none.
        """
        for number, key in enumerate(keys):
            if not self._shared.may_try(key):
                for earlier in keys[:number]:
                    self._shared.released(earlier)
                return False
        return True


def _host(target: TargetRef) -> bytes:
    return key_of(target.deployment)


def _model(target: TargetRef) -> bytes:
    return key_of(target.deployment, target.model)


def _credential(target: TargetRef, credential: int) -> bytes:
    return key_of(target.deployment, target.model, credential)


def _credential_keys(target: TargetRef, credentials: int) -> list[bytes]:
    return [_credential(target, place) for place in range(max(1, credentials))]
