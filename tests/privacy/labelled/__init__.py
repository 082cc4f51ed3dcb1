"""
A labelled set of our own making: texts with what must be found in them, and texts in which nothing may be.

Made at run time from a seed: formats are the publishers', values come from a random generator and get right check digits, so that
nothing in the repository looks like a secret or a person. `cases()` is the whole set.
"""

from __future__ import annotations

from functools import cache
from random import Random

from privacy.labelled.assignments import generic, passwords
from privacy.labelled.case import MARK, Case, Span
from privacy.labelled.money import banking, cards, ibans, wallets
from privacy.labelled.national import numbers
from privacy.labelled.negatives import negatives
from privacy.labelled.personal import births, documents, emails, health, network, phones
from privacy.labelled.secrets import headers, key_blocks, shaped

__all__ = ["MARK", "Case", "Span", "cases"]

SECRETS = (shaped, key_blocks, headers, generic, passwords)
PERSONAL = (cards, ibans, banking, wallets, numbers, phones, emails, network, births, documents, health)


@cache
def cases(seed: int = 20261122) -> tuple[Case, ...]:
    """
    The whole set; another seed gives other values in the same forms.
    """
    return tuple(case for maker in (*SECRETS, *PERSONAL, negatives) for case in maker(Random(f"{seed} {maker.__name__}")))
