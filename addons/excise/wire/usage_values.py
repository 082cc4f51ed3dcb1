"""
Reading numbers out of JSON that may be anything.

A provider's usage object is foreign input: integers where a name is expected, text where a number is, negative counts (seen once, deep
research, -9), lists for objects. Nothing here raises; a wrong shape reads as `None`, a negative count as 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import islice
from typing import Any

# No call holds a trillion tokens. Above it somebody lies, and a sum of a few would no longer fit the ledger's BIGINT.
MOST = 10**12

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_MODEL = re.compile(r"[A-Za-z0-9@/][A-Za-z0-9_.:@/+~-]{0,255}")
_ID = re.compile(r"[A-Za-z0-9_.:=+/~-]{1,200}")
_WORD = re.compile(r"[A-Za-z]+(?:_[A-Za-z]+){0,7}")
_SPAN = re.compile(r"\d{1,4}[smhd]")
_KEY = re.compile(r"[A-Za-z$@][A-Za-z0-9_.:$@/-]{0,79}")
_DEPTH, _ITEMS = 8, 128


def count(value: Any) -> int | None:
    """
    A number of tokens or pieces: 0 or more. `None` for what is no whole number (booleans and text are none) or beyond belief.
    """
    if type(value) is int:
        number = value
    elif type(value) is float and value.is_integer():
        number = int(value)
    else:
        return None
    if number <= 0:
        return 0
    return number if number <= MOST else None


def amount(value: Any) -> Decimal | None:
    """
    A quantity that need not be whole: money, seconds. Exactly what the JSON said (shortest form of the double), never below 0.
    """
    if type(value) is int:
        number = Decimal(value)
    elif type(value) is float and math.isfinite(value):
        number = Decimal(repr(value))
    else:
        return None
    return max(number, Decimal(0)) if number <= MOST else None


def count_of_text(value: str | None) -> int | None:
    """
    A count written as text, as headers do: digits only.
    """
    return count(int(value)) if value is not None and value.isascii() and value.isdigit() and len(value) < 16 else None


def amount_of_text(value: str | None) -> Decimal | None:
    """
    A quantity written as text, as headers do: `0.00012`, `1.2e-05`.
    """
    if value is None or len(value) > 40:
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return max(number, Decimal(0)) if number.is_finite() and number <= MOST else None


def part(value: Any, *names: str) -> dict[str, Any]:
    """
    The first of the named members that is an object with something in it; `{}` where there is none.
    """
    if type(value) is dict:
        for name in names:
            found = value.get(name)
            if found and type(found) is dict:
                return found
    return {}


def items(value: Any) -> list[Any]:
    """
    A list as it is; anything else is no list at all.
    """
    return value if type(value) is list else []


def first(source: dict[str, Any], names: Iterable[str]) -> int | None:
    """
    The first of the named members that is a count.
    """
    for name in names:
        if name in source and (found := count(source[name])) is not None:
            return found
    return None


def most(*values: int | None) -> int | None:
    """
    The largest of what was said; `None` where nothing was. For one fact told under several names.
    """
    known = [value for value in values if value is not None]
    return max(known) if known else None


def fit(total: int | None, *parts: int | None) -> tuple[int | None, ...]:
    """
    What remains of `total`, then the parts, each cut down to what was left when its turn came.

    So the result always adds up to `total`, whatever a provider states, and nothing falls below 0. Without a total the parts stay.
    """
    if total is None:
        return (None, *parts)
    left = total
    fitted: list[int | None] = []
    for piece in parts:
        taken = None if piece is None else min(piece, left)
        fitted.append(taken)
        left -= taken or 0
    return (left, *fitted)


def name_of(value: Any) -> str | None:
    """
    A short token such as a finish reason, a tier, an error code; `None` for everything that could be prose. Integer enumerations as digits.
    """
    if type(value) is str:
        return value if _NAME.fullmatch(value) else None
    if type(value) is int:
        return str(value) if abs(value) <= MOST else None
    return None


def model_of(value: Any) -> str | None:
    """
    A model's name, path or ARN.
    """
    return value if type(value) is str and _MODEL.fullmatch(value) else None


def id_of(value: Any) -> str | None:
    """
    An answer's id, as opaque as it comes.
    """
    return value if type(value) is str and _ID.fullmatch(value) else None


@lru_cache(1024)
def _is_name(key: str) -> bool:
    return _KEY.fullmatch(key) is not None


def numbers_only(value: Any, depth: int = 0) -> Any:
    """
    A usage object as it may be kept: numbers, booleans, nulls, and words that look like enumeration values (`ON_DEMAND`, `5m`).

    Text of any other form becomes `None`; keys stay, unless they are no identifiers. Depth and length are bounded.
    """
    if value is None or type(value) is bool:
        return value
    if type(value) is int:
        return value if abs(value) < 2**63 else None
    if type(value) is float:
        return value if math.isfinite(value) else None
    if type(value) is str:
        return value if len(value) <= 40 and (_WORD.fullmatch(value) or _SPAN.fullmatch(value)) else None
    if depth >= _DEPTH:
        return None
    if type(value) is list:
        return [numbers_only(item, depth + 1) for item in value[:_ITEMS]]
    if type(value) is dict:
        return {key: _member(key, item, depth) for key, item in islice(value.items(), _ITEMS) if type(key) is str and _is_name(key)}
    return None


def _member(key: str, value: Any, depth: int) -> Any:
    if key == "model" and type(value) is str:
        return model_of(value)  # which model an iteration was billed at
    return numbers_only(value, depth + 1)


def split_writes(usage: dict[str, Any], total: int | None) -> tuple[int | None, int | None]:
    """
    Cache writes by lifetime, (5 minutes or unspecified, 1 hour), from Anthropic's `cache_creation` beside a total.

    The split may be older than the total (a stream's last event states only the total): then what it said of the proportion decides, if
    that is clear (all of one lifetime), and unspecified tokens count as 5 minutes.
    """
    split = part(usage, "cache_creation", "cache_creation_token_details")
    short, hour = count(split.get("ephemeral_5m_input_tokens")), count(split.get("ephemeral_1h_input_tokens"))
    if total is None:
        return short, hour
    if hour is None:
        return total, None
    if hour and not short:
        hour = total
    hour = min(hour, total)
    return total - hour, hour
