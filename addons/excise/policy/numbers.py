"""
Numbers as people write them in policies: YAML gives `int` and `Decimal`, never a float.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer

from excise.policy.words import wrong

MAX_DIGITS = 20  # of an amount of money, as text
MAX_USD = 1_000_000


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value  # strict mode refuses everything else that is no number


def _money(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal) or len(str(value)) > MAX_DIGITS:
        raise wrong('an amount is expected, for example "0.05"')
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise wrong('an amount is expected, for example "0.05"') from None
    if not amount.is_finite():
        raise wrong('an amount is expected, for example "0.05"')
    return amount


Number = Annotated[float, BeforeValidator(_number, json_schema_input_type=float)]
Money = Annotated[
    Decimal, BeforeValidator(_money, json_schema_input_type=str | float), Field(ge=0, le=MAX_USD), PlainSerializer(str, return_type=str)
]
