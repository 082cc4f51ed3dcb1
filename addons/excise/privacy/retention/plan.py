"""
What has to become of one request so that its provider keeps nothing of it, or why it cannot be sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Literal

from excise.privacy.retention.entry import Entry, Standing
from excise.privacy.retention.making import Making, RetentionPlan
from excise.privacy.retention.receipt import Outcome
from excise.privacy.retention.where import Facts

UNKNOWN = "unknown"  # the id of whoever is not in the catalogue


def plan(
    entry: Entry | None,
    facts: Facts,
    body: Any,
    headers: Sequence[tuple[bytes, bytes]],
    *,
    attested: frozenset[str],
    today: date,
    hashed: Callable[[str], str],
    on_store: Literal["set", "refuse"] = "set",
) -> RetentionPlan:
    """
    Plan a call under zero retention.

    Attested are names: `provider` (the entry's `attest` holds), `provider/operation` (of an operation the entry does not cover), and
    `provider@2026-11-22` (the entry of that date, though it has expired). What an entry forbids cannot be attested.

    Args:
        entry: Of the provider; `None` where nothing is known of it, and nothing stands in for that.
        body: Parsed; `None` where there is none or it is no JSON.
        hashed: Keyed hash for names of end users.
        on_store: What becomes of a client that asks for storage in so many words.
    """
    made = Making(facts, body, headers, hashed, on_store)
    name = facts.provider
    if entry is None:
        # A host outside the catalogue could be anybody's: there is nothing to attest until it has an id of its own.
        hint = ". Add its host to your catalogue overlay first, under an id that can be attested" if name == UNKNOWN else _say(name)
        made.refuse(f"know {name}", f"nothing is known of what the provider {name} keeps{hint}")
        return made.plan(Standing.UNKNOWN)
    banned = [ban for ban in entry.bans if ban.hits(facts, body)]
    standing = _standing(entry, made, attested, today, hopeless=any(ban.of_calls for ban in banned))
    for ban in banned:
        made.refuse(ban.rule, f"{ban.rule.removeprefix('forbid ')}: {ban.why}")
    for switch in (*entry.switches, *entry.everywhere):
        if switch.where.holds(facts) and (not switch.only_reasoning or made.reasons):
            made.turn(switch)
    for rule in entry.admin:
        made.note(rule, Outcome.UNVERIFIABLE)
    made.check_signature()
    return made.plan(standing)


def _standing(entry: Entry, made: Making, attested: frozenset[str], today: date, *, hopeless: bool) -> Standing:
    # Hopeless: the call itself is forbidden, so nobody is told to attest it.
    name, operation = made.facts.provider, f"{made.facts.provider}/{made.facts.operation}"
    if entry.expires_on is not None and entry.expires_on < today:
        edition = f"{name}@{entry.checked_on}"
        if edition not in attested:
            made.refuse(f"date {name}", f"what is known of {name} has expired: it was checked on {entry.checked_on}{_say(edition)}")
        else:
            made.note(f"attest {edition}", Outcome.ATTESTED)
    if made.facts.operation not in entry.covers:
        if hopeless:
            return Standing.UNKNOWN
        if operation not in attested:
            made.refuse(
                f"cover {operation}", f"it is not known what {name} keeps of calls of the kind {made.facts.operation}{_say(operation)}"
            )
            return Standing.UNKNOWN
        made.note(f"attest {operation}", Outcome.ATTESTED)
        return Standing.ASSERTED
    if name in attested and entry.attest is not None:
        made.note(f"attest {name}", Outcome.ATTESTED)
        return Standing.ASSERTED
    if entry.refuse_unattested:
        hint = f". If {entry.attest}, say so{_attested(name)}" if entry.attest else ". No setting or contract that would change it is known"
        made.refuse(f"attest {name}", f"{name}: {entry.says.rstrip('.')}{hint}")
    return Standing.ASSERTED if entry.promised else Standing.UNKNOWN


def _say(name: str) -> str:
    return f". If you know that nothing is kept, say so{_attested(name)}"


def _attested(name: str) -> str:
    return f" in the policy's retention rule: `attested: [{name}]`"
