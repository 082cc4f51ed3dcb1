"""
What an answer says of what was kept.
"""

from __future__ import annotations

from typing import Any

import pytest

from excise.privacy.retention.answer import verify_answer
from excise.privacy.retention.entry import Standing
from privacy.retention.shipped import ENTRIES

XAI, ANTHROPIC = ENTRIES["xai"], ENTRIES["anthropic"]


@pytest.mark.parametrize(
    ("headers", "status", "standing", "faulty"),
    [
        (((b"X-Zero-Data-Retention", b"true"),), 200, "verified", False),
        (((b"x-zero-data-retention", b" TRUE "),), 200, "verified", False),
        (((b"x-zero-data-retention", b"false"),), 200, "unknown", True),
        (((b"x-zero-data-retention", b"false"),), 400, "unknown", True),
        (((b"x-zero-data-retention", b"true"), (b"x-zero-data-retention", b"false")), 200, "unknown", True),
        ((), 200, "unknown", True),
        ((), 429, "asserted", False),
    ],
)
def test_the_header_has_the_last_word(headers: Any, status: int, standing: str, faulty: bool) -> None:
    """
    True verifies; false, both at once or nothing on a success undoes what was asserted.
    """
    verdict = verify_answer(XAI, Standing.ASSERTED, status=status, headers=headers)

    assert (verdict.standing, verdict.fault is not None) == (standing, faulty)
    assert [rule for rule, _ in verdict.receipt] == (["verify x-zero-data-retention"] if headers or status == 200 else [])


@pytest.mark.parametrize(
    ("asked", "first", "faulty"),
    [
        ({"inference_geo": "us"}, {"usage": {"inference_geo": "us"}}, False),
        ({"inference_geo": "us"}, {"type": "message_start", "message": {"usage": {"inference_geo": "global"}}}, True),
        ({"inference_geo": "us"}, {"usage": {}}, False),
        ({}, {"usage": {"inference_geo": "global"}}, False),
    ],
)
def test_a_region_proves_nothing_of_retention(asked: Any, first: Any, faulty: bool) -> None:
    """
    Another region than was asked for is a fault; the right one verifies nothing.
    """
    verdict = verify_answer(ANTHROPIC, Standing.ASSERTED, status=200, first=first, asked=asked)

    assert (verdict.standing, verdict.fault is not None) == ("asserted", faulty)


def test_who_has_no_signal_stays_where_he_was() -> None:
    """
    Nothing is concluded from silence where nothing was to be said.
    """
    verdict = verify_answer(ENTRIES["openai"], Standing.UNKNOWN, status=200, headers=(), first={"id": "x"}, asked={})

    assert (verdict.standing, verdict.fault, verdict.receipt) == ("unknown", None, ())
