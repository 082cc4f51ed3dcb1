"""
What policies may name, as the catalogue sees it.
"""

from __future__ import annotations

from excise.catalog.models import Models
from excise.catalog.providers import Catalog
from excise.policy.flaws import Known


def known_names(catalog: Catalog) -> Known:
    """
    For the policy's load check: a typing error is an error there and not a rule that never matches.
    """
    models = Models.load()
    return Known(provider=catalog.knows_provider, operation=catalog.knows_operation, model=models.knows_pattern)
