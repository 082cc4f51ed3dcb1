"""
What an answer says of what was kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from excise.privacy.retention.entry import Entry, Signal, Standing
from excise.privacy.retention.receipt import Outcome, Receipt
from excise.privacy.retention.where import values


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What an answer made of a call's standing.

    Attributes:
        fault: Why the answer is not what zero retention wants, in a sentence; `None` where it is, or says nothing.
    """

    standing: Standing
    fault: str | None = None
    receipt: tuple[Receipt, ...] = ()


def verify_answer(
    entry: Entry,
    before: Standing,
    *,
    status: int,
    headers: Sequence[tuple[bytes, bytes]] | None = None,
    first: Any = None,
    asked: Any = None,
) -> Verdict:
    """
    Read an answer's signals.

    Args:
        before: Where the call stands so far.
        status: Of the answer. A refusal need not carry a signal; a success must.
        headers: As received; `None` where they were looked at before.
        first: The first JSON of the answer (its document, or first event); `None` where there is none yet.
        asked: The request's parsed body, for signals that answer to it.
    """
    standing, fault, receipt = before, None, []
    for signal in entry.signals:
        if signal.header:
            said = _header(signal.header, headers) if headers is not None else _NOT_LOOKED
            wanted: Any = signal.expected
        else:
            said = _first(signal, first) if first is not None else _NOT_LOOKED
            wanted = next(values(asked, signal.asked), None) if signal.asked else signal.expected
        if said is _NOT_LOOKED or wanted is None or (said is None and (status >= 400 or signal.proves == "region")):
            continue
        right = isinstance(said, str) and said.strip().lower() == str(wanted).lower()
        receipt.append(Receipt(signal.rule, Outcome.VERIFIED if right else Outcome.FAILED))
        if not right:
            fault = _fault(signal, missing=said is None)
            standing = Standing.UNKNOWN if signal.proves == "retention" else standing
        elif signal.proves == "retention" and fault is None:
            standing = Standing.VERIFIED
    return Verdict(standing, fault, tuple(receipt))


_NOT_LOOKED = object()


def _header(name: bytes, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    # Two that differ are none: joined they are no value anybody expects.
    found = {value.decode("latin-1").strip().lower() for sent, value in headers if sent.lower() == name}
    return ", ".join(sorted(found)) if found else None


def _first(signal: Signal, first: Any) -> Any:
    return next((value for path in signal.answers for value in values(first, path) if value is not None), None)


def _fault(signal: Signal, *, missing: bool) -> str:
    what = signal.rule.removeprefix("verify ")
    if signal.proves == "region":
        return f"the answer's {what} names another region than was asked for"
    return f"the answer does not carry {what}" if missing else f"the answer's {what} says that the provider keeps the call"
