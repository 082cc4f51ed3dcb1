"""
Costs of calls that are billed in more than one part.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from excise.exchange import Cost
from excise.stages.meter import both


@pytest.mark.parametrize(
    ("one", "other", "total"),
    [(Decimal("0.1"), Decimal("0.02"), Decimal("0.12")), (None, Decimal(1), None), (Decimal(1), None, None)],
)
def test_what_is_not_known_is_not_zero(one, other, total):
    """
    Two parts are added; where one has no price the call has none. The first names the table.
    """
    cost = both(Cost(usd=one, price_id="openai/gpt-5", price_source="genai-prices"), Cost(usd=other))

    assert cost == Cost(usd=total, price_id="openai/gpt-5", price_source="genai-prices")
