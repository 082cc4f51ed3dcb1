"""
What became of the rules: the receipt of a call.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """
    What became of a rule.
    """

    APPLIED = "applied"  # the request was changed
    ALREADY = "already"  # the client had it so
    FORBIDDEN = "forbidden"  # why the call was refused
    ATTESTED = "attested"  # rests on the operator's word
    VERIFIED = "verified"  # the answer said so
    FAILED = "failed"  # the answer said otherwise, or nothing where it should
    UNVERIFIABLE = "unverifiable"  # nothing in a request or an answer shows it


class Receipt(NamedTuple):
    """
    One line of a call's receipt: a rule's name, as the data file gives it, and its outcome. Nothing of the call stands in it.
    """

    rule: str
    outcome: Outcome
