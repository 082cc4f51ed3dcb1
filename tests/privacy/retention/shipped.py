"""
The shipped entries, and calls to ask them with.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson

from excise.catalog.providers import Catalog
from excise.catalog.request import cut
from excise.catalog.retention import load_retention
from excise.privacy.retention.making import RetentionPlan
from excise.privacy.retention.plan import plan
from excise.privacy.retention.where import Facts
from excise.stages.retain import entries_of
from excise.wire.json_edit import apply

BOOK = load_retention()
ENTRIES, UNLISTED = entries_of(BOOK)
CATALOG = Catalog.load()
TODAY = date(2026, 11, 22)


def hashed(name: str) -> str:
    """
    Stands for a keyed hash.
    """
    return f"u_{len(name)}"


def facts(host: str, path: str, *, method: str = "POST", model: str | None = None, reasons: bool | None = None) -> Facts:
    """
    What the catalogue makes of a request.
    """
    call = CATALOG.recognise(host=host, method=method, path=path)
    assert call is not None
    return Facts(
        provider=call.provider,
        operation=call.operation,
        dialect=call.dialect,
        method=method,
        path="/" + "/".join(cut(path).folded),
        target=path,
        host=host,
        model=model or call.model,
        reasons=reasons,
    )


def planned(about: Facts, body: Any = None, *attested: str, headers: tuple[tuple[bytes, bytes], ...] = (), **options: Any) -> RetentionPlan:
    """
    The plan of a call, with the shipped entry of its provider.
    """
    entry = ENTRIES.get(about.provider) or (UNLISTED if about.provider in attested else None)
    return plan(entry, about, body, headers, attested=frozenset(attested), today=options.pop("today", TODAY), hashed=hashed, **options)


def sent(about: Facts, body: Any, *attested: str) -> Any:
    """
    The body as it leaves.
    """
    made = planned(about, body, *attested)
    assert not made.refusals, made.refusals
    return apply(orjson.dumps(body), body, made.edits)[1]
