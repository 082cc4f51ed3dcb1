"""
What a failed attempt means: whether to try again there, whether to go elsewhere, whose fault it was.

A failure's sort says most, since the same status means different things with different providers; the status refines it. Failures before
an answer, and answers that came whole and are no good, have no status and are judged by their kind.

Source: the providers' error pages and SDKs, read 2026-11; RFC 9110, 15.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from excise.routing.failure import Failure
from excise.wire.fault_sort import Sort, plain_word, sort_of

type Blame = Literal["target", "credential", "nobody"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What a failure allows. Whether it is done is for `Course`, which knows the policy, the time and who else there is.

    Attributes:
        again: The same request at the same target may succeed.
        elsewhere: Another target may take it.
        wait_seconds: The provider's own word on when; `None`: it has none, back off.
        alarm: Somebody has to look: this does not pass by itself.
        blames: Whose health it counts against. `nobody` where the request may be the cause: no client may put a target out of order for
            others.
        needs_larger: Elsewhere is only where more fits in.
        here_first: A fresh connection may do, so that trying here again comes before going elsewhere. Not so after a wait that was asked
            for, nor after a timeout, which would cost its time twice.
    """

    again: bool
    elsewhere: bool
    wait_seconds: float | None = None
    alarm: bool = False
    blames: Blame = "nobody"
    needs_larger: bool = False
    here_first: bool = False


_FINAL = Verdict(again=False, elsewhere=False)
_MOVE = Verdict(again=False, elsewhere=True)
_PASSING = Verdict(again=True, elsewhere=True)

_BY_SORT: dict[Sort, Verdict] = {
    "bad_request": _FINAL,
    "auth": replace(_MOVE, alarm=True, blames="credential"),
    "permission": replace(_MOVE, alarm=True, blames="credential"),
    # Of the model, mostly; but files and earlier answers a request names are not found either, and those are the client's.
    "not_found": _MOVE,
    "too_large": replace(_MOVE, needs_larger=True),
    "rate": replace(_PASSING, blames="credential"),
    "billing": replace(_MOVE, blames="credential"),
    "overload": replace(_PASSING, blames="target"),
    "timeout": replace(_PASSING, blames="target"),
    "internal": replace(_PASSING, blames="target", here_first=True),
    "filter": _FINAL,  # unless policy lets refusals go elsewhere
    "conflict": replace(_PASSING, here_first=True),
}

# These say of a place that it does not do such things: trying again there changes nothing.
_NOT_THERE = frozenset({405, 415, 421, 426, 501, 505, 506, 508, 510, 511, 525, 526})
_DOWN = frozenset({521, 523})  # Cloudflare: the server behind it refuses or cannot be reached

TRANSPORT = frozenset({"connect_failed", "connect_timeout", "upstream_tls", "upstream_timeout", "upstream_closed", "upstream_failed"})
_TIMEOUTS = frozenset({"connect_timeout", "upstream_timeout"})

# Words of 400s that are no fault of the request, as `plain_word` has them.
_TOOL_USE_FAILED = "toolusefailed"  # Groq: the model wrote a call that does not parse; the next try often does
_UNSUPPORTED = frozenset({"unsupportedparameter", "unsupportedvalue"})  # this model does not take it; others may
TELLING = frozenset({_TOOL_USE_FAILED, *_UNSUPPORTED})  # a failure's kind is the provider's word where it is one of these


def judge(failure: Failure, *, repeated: int, refusals: bool = False) -> Verdict:
    """
    What may be done after a failure. Every failure has a verdict.

    Args:
        repeated: How often this target has been tried again for this call already. Some failures are worth one more try, not two.
        refusals: Whether policy lets a call go elsewhere to escape a provider's refusal.
    """
    verdict = _verdict(failure, once=repeated == 0, refusals=refusals)
    if failure.should_retry is not None:
        verdict = replace(verdict, again=failure.should_retry)
    if failure.retry_after_seconds is not None:
        verdict = replace(
            verdict, wait_seconds=failure.retry_after_seconds, here_first=verdict.here_first and not failure.retry_after_seconds
        )
    return verdict


def _verdict(failure: Failure, *, once: bool, refusals: bool) -> Verdict:
    kind, status = failure.kind, failure.status
    if kind.startswith("answer_"):
        return _of_content(kind, once=once, refusals=refusals)
    if status is not None and 300 <= status < 400:
        return replace(_MOVE, blames="target")  # never followed: credentials and content would go where nobody sent them
    if kind in TRANSPORT or (status is None and failure.sort is None and failure.phase in ("connect", "head")):
        return _of_transport(kind)
    sort = failure.sort or sort_of(status, (), "")
    if sort == "filter":
        return replace(_FINAL, elsewhere=refusals)
    if sort in ("bad_request", "internal"):
        return _of_vague(sort, kind, status, once=once)
    if status == 410:
        return replace(_MOVE, blames="target")
    return _BY_SORT[sort]


def _of_content(kind: str, *, once: bool, refusals: bool) -> Verdict:
    if kind == "answer_refusal":
        return replace(_FINAL, elsewhere=refusals)
    # Whether an answer keeps a schema depends on what was asked; so does whether there is anything to say.
    return Verdict(again=once, elsewhere=True)


def _of_transport(kind: str) -> Verdict:
    if kind == "upstream_tls":
        return replace(_MOVE, alarm=True, blames="target")
    return replace(_PASSING, blames="target", here_first=kind not in _TIMEOUTS)


def _of_vague(sort: Sort, kind: str, status: int | None, *, once: bool) -> Verdict:
    """
    Of sorts that hold many causes, told apart by the status or the provider's word.
    """
    verdict = _BY_SORT[sort]
    if status in _NOT_THERE:
        return replace(_MOVE, blames=verdict.blames)
    if sort == "internal":
        return replace(verdict, again=once or status != 424, here_first=status not in _DOWN)
    word = plain_word(kind)
    if word == _TOOL_USE_FAILED:
        return Verdict(again=once, elsewhere=True, here_first=True)
    return _MOVE if word in _UNSUPPORTED else verdict
