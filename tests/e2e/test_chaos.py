"""
Providers fail at random, one is well: nobody notices.
"""

from __future__ import annotations

from pathlib import Path

from e2e.chaos import rage


def test_a_storm_passes_by(home: Path) -> None:
    """
    Five of six providers fail at every third call, in every way there is: practically every call is answered, whole, by one provider; no
    row is lost or doubled, and every attempt is in the ledger as the providers saw it.
    """
    storm = rage(home, 400)

    assert storm.complaints == {}
    assert storm.success >= 0.999
    assert storm.attempts == storm.visits > storm.calls
