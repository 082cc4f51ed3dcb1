"""
The published ledger: a whole, finished copy under a name that always exists.
"""

from __future__ import annotations

from pathlib import Path

from excise.ledger.hot import HotStore

PUBLISHED = "usage.duckdb"
MODE = 0o640  # the group reads; nobody but the owner needs more


def publish(hot: HotStore) -> Path:
    """
    Put the hot store's present content under `usage.duckdb` by one rename. Whoever has the old copy open keeps it, unchanged; whoever opens
    the name gets the old one or the new one, never a part. Nothing is synced: after a power cut the next start publishes anew.

    Raises:
        duckdb.Error, OSError: No room; the copy that is there stays.
    """
    target = hot.data / PUBLISHED
    fresh = hot.data / f".{PUBLISHED}.new"
    try:
        hot.copy_to(fresh, MODE)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    # An analyst's shell that wrote to the old copy and died leaves a log that belongs to a file which is gone.
    target.with_name(target.name + ".wal").unlink(missing_ok=True)
    return target
