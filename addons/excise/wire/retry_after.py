"""
When a provider says to come back: in seconds, milliseconds, dates, or inside the error itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from excise.wire.error_forms import Found

_LONGEST_SECONDS = 7 * 24 * 3600.0

_DELAY = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")


def wait_of(fields: Mapping[str, str], found: Found) -> float | None:
    seconds = _number(fields.get("retry-after-ms"), 1000)
    # Azure's milliseconds may be 0 where the seconds beside them are not.
    if not seconds and (after := fields.get("retry-after")) is not None:
        by_seconds = _number(after, 1)
        seconds = by_seconds if by_seconds is not None else _until(after, fields.get("date"), seconds)
    if seconds is None:
        seconds = next((delay for detail in found.details[:20] if (delay := _delay(detail)) is not None), None)
    if seconds is None and type(reset := found.headers.get("X-RateLimit-Reset")) is str:  # OpenRouter, epoch milliseconds
        at, now = _number(reset, 1000), _moment(fields.get("date"))
        seconds = None if at is None or now is None or at < now else at - now
    return None if seconds is None else min(seconds, _LONGEST_SECONDS)


def _number(text: str | None, unit: int) -> float | None:
    if text is None or len(text) > 20:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number / unit if math.isfinite(number) and number >= 0 else None


def _until(after: str, date: str | None, fallback: float | None) -> float | None:
    at, now = _moment(after), _moment(date)
    return fallback if at is None or now is None else max(0.0, at - now)


def _moment(text: str | None) -> float | None:
    """
    Epoch seconds of an HTTP date. The server's own `Date` is the clock to compare with.
    """
    if text is None or len(text) > 60:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _delay(detail: Any) -> float | None:
    """
    Google's `RetryInfo`.
    """
    delay = detail.get("retryDelay") if type(detail) is dict else None
    if type(delay) is str and (match := _DELAY.fullmatch(delay)):
        return float(match[1])
    return None
