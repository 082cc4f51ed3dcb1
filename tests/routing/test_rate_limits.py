"""
Limits in headers: whose they are, whether they are used up, and until when.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.routing.rate_limits import limited_until

WALL = 1_770_000_000.0  # 2026-02-02T02:40:00Z


def wait(headers: dict[str, str], status: int = 200) -> float | None:
    until = limited_until([(name.encode(), value.encode()) for name, value in headers.items()], status, now=50.0, now_wall=WALL)
    return None if until is None else round(until - 50.0, 6)


def openai(remaining: str, reset: str, what: str = "requests", limit: str = "60") -> dict[str, str]:
    return {f"X-RateLimit-Limit-{what}": limit, f"x-ratelimit-remaining-{what}": remaining, f"x-ratelimit-reset-{what}": reset}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (openai("59", "1s"), None),
        (openai("0", "60s"), 1.0),  # one of sixty is back after a second
        (openai("0", "6m0s"), 6.0),
        (openai("0", "1h30m0s"), 90.0),
        (openai("0", "120ms"), 0.002),
        (openai("0", "2m59.4s"), 2.99),
        (openai("0", "60s", "tokens"), 6.0),
        (openai("0", "60"), 1.0),  # Azure's have no unit
        (openai("0", "soon"), None),
        (openai("0", ""), None),
        (openai("-1", "60s"), None),
        (openai("nan", "60s"), None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "8s"}, 8.0),
        ({"x-ratelimit-remaining-requests": "0"}, None),
        ({"x-ratelimit-remaining-req-minute": "0", "x-ratelimit-limit-req-minute": "4"}, None),  # Mistral says no end
        ({"x-ratelimit-remaining-tokens-minute": "0", "x-ratelimit-reset-tokens-minute": "3.5"}, 3.5),  # Cerebras
        ({"x-ratelimit-remaining-requests-day": "0", "x-ratelimit-reset-requests-day": "24483.5"}, 3600.0),
        ({"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1770000030000"}, 30.0),  # OpenRouter
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1770000030"}, 30.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1769999000000"}, 0.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "19"}, 19.0),
        (
            {
                "anthropic-ratelimit-requests-limit": "50",
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-02-02T02:41:00Z",
            },
            1.2,
        ),
        (
            {
                "anthropic-ratelimit-input-tokens-limit": "450000",
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2026-02-02T02:40:40Z",
            },
            4.0,
        ),
        ({"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "2026-02-31T00:00:00Z"}, None),
        (openai("0", "60s") | openai("0", "600s", "tokens"), 60.0),  # the longer of the two
        ({"retry-after": "7"}, None),  # of an ordinary answer
        ({}, None),
    ],
)
def test_a_limit_is_read_from_any_answer(headers, expected):
    """
    Only what is used up counts, and until it is of use again: buckets before they are full, windows when the next begins.
    """
    assert wait(headers) == expected


@pytest.mark.parametrize("status", [429, 503, 529])
def test_retry_after_counts_on_errors_alone(status):
    """
    Where a provider says to wait its word goes before all figures.
    """
    assert wait({"retry-after": "7"} | openai("0", "60s"), status) == 7.0
    assert wait({"retry-after-ms": "250"}, status) == 0.25
    assert wait({"retry-after-ms": "0", "retry-after": "3"}, status) == 3.0
    assert wait({"retry-after": "Mon, 02 Feb 2026 02:40:20 GMT", "date": "Mon, 02 Feb 2026 02:40:00 GMT"}, status) == 20.0
    assert wait({"retry-after": "999999"}, status) == 3600.0
    assert wait(openai("0", "60s"), status) == 1.0
    assert wait({"retry-after": "7"}, 500) is None


NAMES = ["x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "x-ratelimit-limit-requests", "anthropic-ratelimit-x-reset",
         "anthropic-ratelimit-x-remaining", "retry-after", "date", "x-ratelimit-reset", "x-ratelimit-remaining"]  # fmt: skip
VALUES = st.one_of(st.binary(max_size=30), st.from_regex(rb"[0-9]{1,20}(ms|s|m|h|\.[0-9]+)?", fullmatch=True), st.just(b"0"))


@given(st.lists(st.tuples(st.sampled_from([name.encode() for name in NAMES]), VALUES), max_size=9), st.sampled_from([200, 429]))
def test_no_header_breaks_it(headers, status):
    """
    Whatever a provider writes there, the end is within the hour, or there is none.
    """
    until = limited_until(headers, status, now=50.0, now_wall=WALL)

    assert until is None or 50.0 <= until <= 3650.0
