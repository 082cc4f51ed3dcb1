"""
How somebody has been doing: a record of a few numbers, and what each call does to it. Pure; the record can lie in shared memory.

Whom a record is about (a provider's host, a model, a key) is for its keeper. What is counted decays with a half-life, so that a record says
how it is going, not how it went. A circuit breaker keeps calls away from who fails most of them, and lets one at a time through to see
whether that is over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from excise.routing.standing import UNTRIED, Standing

HALF_LIFE_SECONDS = 60.0

# The breaker opens when of five calls or more half have failed: fewer say nothing, and who answers every second call is still worth a
# retry budget, not a ban. A half-life takes a little off calls that are not of this very moment.
_LEAST_CALLS = 4.5
_MOST_FAILED = 0.5
_HARD_IN_A_ROW = 3  # dead hosts and refused keys: known sooner, and each costs a time-out
_OPEN_SECONDS = 5.0
_LONGEST_OPEN_SECONDS = 120.0
_JITTER = 0.2  # each way: those that broke together are not probed together
PROBE_SECONDS = 30.0
"""A probe that has not reported by then is given up: whoever sent it may be gone."""

# Of the calls of the window a fifth may be tries again, and a few more so that a quiet target has any at all: retries that grow with the
# failures would keep a struggling provider down. Source: sre.google, "Addressing Cascading Failures", "Retries", read 2026-11.
_RETRY_SHARE = 0.2
_RETRIES_ALWAYS = 3.0

_FORGOTTEN = 2.0**-10  # weight of one call ten half-lives ago: nothing is known any more


class Record(NamedTuple):
    """
    What is kept of one; all zero: nothing is known. Times are monotonic seconds, counts decay.

    Attributes:
        updated: When the counts were right.
        calls, failures, retries: Of the window.
        first_byte_seconds, first_byte_weight: Mean, and how many calls it is of.
        tokens_per_second, speed_weight: Mean, and how many calls it is of.
        hard: Failures of the host or key in a row; does not decay.
        open_until: Until when nobody is to be asked, and after it one at a time; 0: the breaker is closed.
        open_seconds: How long it was opened for last; 0: it has closed since.
        probe_until: Somebody is looking whether it is over, and has until then; 0: nobody is.
        limited_until: The provider's own word.
    """

    updated: float = 0.0
    calls: float = 0.0
    failures: float = 0.0
    retries: float = 0.0
    first_byte_seconds: float = 0.0
    first_byte_weight: float = 0.0
    tokens_per_second: float = 0.0
    speed_weight: float = 0.0
    hard: float = 0.0
    open_until: float = 0.0
    open_seconds: float = 0.0
    probe_until: float = 0.0
    limited_until: float = 0.0


NOTHING = Record()


def succeeded(record: Record, now: float, *, first_byte_seconds: float | None = None, tokens_per_second: float | None = None) -> Record:
    """
    After a call that was answered. Closes a breaker that was probed; one that is open stays so: the call began before it opened.

    Args:
        first_byte_seconds, tokens_per_second: Where they were measured.
    """
    record = _decayed(record, now)
    changed: dict[str, float] = {"calls": record.calls + 1, "hard": 0.0}
    if record.open_until and now >= record.open_until:
        changed |= {"open_until": 0.0, "open_seconds": 0.0, "probe_until": 0.0, "failures": 0.0, "calls": 1.0}
    if first_byte_seconds is not None:
        weight = record.first_byte_weight + 1
        changed["first_byte_seconds"] = record.first_byte_seconds + (first_byte_seconds - record.first_byte_seconds) / weight
        changed["first_byte_weight"] = weight
    if tokens_per_second is not None:
        weight = record.speed_weight + 1
        changed["tokens_per_second"] = record.tokens_per_second + (tokens_per_second - record.tokens_per_second) / weight
        changed["speed_weight"] = weight
    return record._replace(**changed)


def failed(record: Record, now: float, *, hard: bool, dice: float) -> Record:
    """
    After a call whose failure counts against it. Opens the breaker, or keeps it open for twice as long where a probe failed.

    Args:
        hard: The host did not answer, or refused the key: known after few.
        dice: From [0, 1), for the jitter.
    """
    record = _decayed(record, now)
    record = record._replace(calls=record.calls + 1, failures=record.failures + 1, hard=record.hard + 1 if hard else 0.0)
    if now < record.open_until:
        return record
    probed = record.open_until > 0
    many = record.calls >= _LEAST_CALLS and record.failures >= _MOST_FAILED * record.calls
    if not (probed or many or record.hard >= _HARD_IN_A_ROW):
        return record
    seconds = min(_LONGEST_OPEN_SECONDS, 2 * record.open_seconds) if probed else _OPEN_SECONDS
    until = now + seconds * (1 - _JITTER + 2 * _JITTER * dice)
    return record._replace(open_until=until, open_seconds=seconds, probe_until=0.0)


def limited(record: Record, now: float, until: float) -> Record:
    """
    After the provider said not to ask before `until`. A shorter word does not take back a longer one.
    """
    return _decayed(record, now)._replace(limited_until=max(record.limited_until, until))


def probe(record: Record, now: float) -> tuple[Record, bool]:
    """
    Whether a call may be sent: always while closed, never while open, one at a time between.

    The one that is let through reports by `succeeded`, `failed` or `released`, or is given up after `PROBE_SECONDS`.
    """
    if not record.open_until:
        return record, True
    if now < record.open_until or now < record.probe_until:
        return record, False
    return _decayed(record, now)._replace(probe_until=now + PROBE_SECONDS), True


def released(record: Record, now: float) -> Record:
    """
    After a call that says nothing about its target, good or bad: another may look.
    """
    return _decayed(record, now)._replace(probe_until=0.0)


def retry(record: Record, now: float) -> tuple[Record, bool]:
    """
    Whether a try again is within the budget, and spends it.
    """
    record = _decayed(record, now)
    if record.retries + 1 > _RETRIES_ALWAYS + _RETRY_SHARE * record.calls:
        return record, False
    return record._replace(retries=record.retries + 1), True


def standing(record: Record, now: float) -> Standing:
    """
    What the record says at this moment.
    """
    if not record.updated:
        return UNTRIED
    share = _share_left(record, now)
    samples = record.calls * share
    return Standing(
        state="closed" if not record.open_until else "open" if now < record.open_until else "half_open",
        until=record.open_until or None,
        limited_until=record.limited_until if record.limited_until > now else None,
        failure_rate=record.failures / record.calls if samples > _FORGOTTEN else None,
        first_byte_seconds=record.first_byte_seconds if record.first_byte_weight * share > _FORGOTTEN else None,
        tokens_per_second=record.tokens_per_second if record.speed_weight * share > _FORGOTTEN else None,
        samples=samples,
    )


def worst(standings: Iterable[Standing], *, samples: float | None = None) -> Standing:
    """
    Several records' word on one target, general to special: as bad as the worst of them, as fast as the most special that knows.

    Args:
        samples: How well it is known; `None`: as the best known of them.
    """
    state, until = UNTRIED.state, UNTRIED.until
    limited, failing, first_byte, speed, known = None, None, None, None, 0.0
    for one in standings:
        if one is UNTRIED:
            continue
        worse, before = _BADNESS[one.state], _BADNESS[state]
        if worse > before or (worse == before and (one.until or 0.0) > (until or 0.0)):
            state, until = one.state, one.until
        limited = _later(limited, one.limited_until)
        failing = _later(failing, one.failure_rate)
        first_byte = first_byte if one.first_byte_seconds is None else one.first_byte_seconds
        speed = speed if one.tokens_per_second is None else one.tokens_per_second
        known = max(known, one.samples)
    return Standing(state, until, limited, failing, first_byte, speed, known if samples is None else samples)


_BADNESS = {"closed": 0, "half_open": 1, "open": 2}


def _later(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None or one >= other else other


def _share_left(record: Record, now: float) -> float:
    # A process may see another's later time first; what it counted is then of this moment.
    return math.exp2(-max(0.0, now - record.updated) / HALF_LIFE_SECONDS)


def _decayed(record: Record, now: float) -> Record:
    share = _share_left(record, now)
    return record._replace(
        updated=max(now, record.updated),
        calls=record.calls * share,
        failures=record.failures * share,
        retries=record.retries * share,
        first_byte_weight=record.first_byte_weight * share,
        speed_weight=record.speed_weight * share,
    )
