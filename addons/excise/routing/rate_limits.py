"""
When a provider wants to be asked again, read from the headers of any of its answers.

Two kinds of limits look alike. OpenAI's, Groq's, Azure's and Anthropic's are buckets that fill all the time, and their reset is when they
are full: of 5,000 a minute, one that is missing is back in 12 ms. OpenRouter's, Cerebras's and those of the IETF's draft are windows, and
their reset is when the next begins.

Source: developers.openai.com "Rate limits", console.groq.com "Rate Limits", platform.claude.com "Rate limits", openrouter.ai "Limits",
draft-ietf-httpapi-ratelimit-headers-07, and recorded answers of all of them, read 2026-11.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime

from excise.wire.error_forms import Found
from excise.wire.retry_after import wait_of

# `retry-after` stands on ordinary answers too, and means nothing there.
_TOLD_TO_WAIT = frozenset({429, 503, 529})

# A bucket of tokens is of use before it is full; what the next call takes is not known. Bounded, since it is a guess.
_TOKENS_SHARE = 0.1

# Limits per day are believed for an hour: then one call finds out whether they still stand.
LONGEST_SECONDS = 3600.0

_FIELD = re.compile(r"(?:x-)?ratelimit-(?P<part>limit|remaining|reset)(?:-(?P<what>[a-z0-9-]+))?")
_ANTHROPIC = re.compile(r"anthropic-ratelimit-(?P<what>[a-z-]+)-(?P<part>limit|remaining|reset)")
_BUCKETS = frozenset({"requests", "tokens"})

_DURATION = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?")
_UNITS = (86400.0, 3600.0, 60.0, 1.0, 0.001)

_EPOCH_SECONDS, _EPOCH_MILLISECONDS = 1e9, 1e12  # as durations they would be decades


def limited_until(headers: Iterable[tuple[bytes, bytes]], status: int, *, now: float, now_wall: float) -> float | None:
    """
    Before when not to ask again, on the clock of `now`; `None`: nothing is used up.

    Args:
        headers: Of an answer, in any case.
        status: Of the answer.
        now: Monotonic seconds.
        now_wall: Epoch seconds, for limits that end on a date.
    """
    fields: dict[str, str] = {}
    limits: dict[str, dict[str, str]] = {}
    for raw, value in headers:
        name = raw.lower()
        if b"ratelimit-" in name:
            text = name.decode("latin-1")
            if match := _FIELD.fullmatch(text) or _ANTHROPIC.fullmatch(text):
                # Anthropic's names come before the part, so that its limits and OpenAI's do not mix.
                what = match["what"] or ""
                limits.setdefault(f"anthropic {what}" if text[0] == "a" else what, {})[match["part"]] = value.decode("latin-1").strip()
        elif name in (b"retry-after", b"retry-after-ms", b"date"):
            fields.setdefault(name.decode(), value.decode("latin-1"))
    if status in _TOLD_TO_WAIT:
        wait = wait_of(fields, Found())
        if wait is not None:
            return now + min(wait, LONGEST_SECONDS)
    waits = [wait for what, limit in limits.items() if (wait := _wait(what, limit, now_wall)) is not None]
    return now + min(max(waits), LONGEST_SECONDS) if waits else None


def _wait(what: str, limit: dict[str, str], now_wall: float) -> float | None:
    """
    Seconds until a limit that is used up lets another call through; `None`: it is not used up, or does not say when.
    """
    remaining = _number(limit.get("remaining", ""))
    if remaining is None or remaining >= 1:
        return None
    until = _seconds(limit.get("reset", ""), now_wall)
    if until is None or not (what in _BUCKETS or what.startswith("anthropic ")):
        return until
    if "tokens" in what:
        return until * _TOKENS_SHARE
    size = _number(limit.get("limit", ""))
    return until / size if size else until


def _seconds(text: str, now_wall: float) -> float | None:
    """
    From now, of a reset in whichever form: "6m0s", "20ms", "3.54", epoch seconds or milliseconds, RFC 3339.
    """
    number = _number(text)
    if number is not None:
        if number >= _EPOCH_MILLISECONDS:
            return max(0.0, number / 1000 - now_wall)
        return max(0.0, number - now_wall) if number >= _EPOCH_SECONDS else number
    if not text or len(text) > 40:
        return None
    if match := _DURATION.fullmatch(text):
        return math.fsum(float(part) * unit for part, unit in zip(match.groups(), _UNITS, strict=True) if part)
    try:
        return max(0.0, datetime.fromisoformat(text).timestamp() - now_wall) if "T" in text else None
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    if not text or len(text) > 24 or not text[0].isdigit():
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
